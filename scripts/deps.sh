#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Install the Debian packages that a group of make targets needs.
#
# usage: scripts/deps.sh GROUP...     groups: build hosts check docs debugkernel
#        scripts/deps.sh --update     refresh apt's lists of packages
#        scripts/deps.sh headers      headers of the kernel that runs here, if
#                                     apt has them (never an error)
#
# Says what it installs, and installs nothing that is there already. Without
# root and without sudo it prints the apt command for somebody who has them.

set -eu

packages_of() {
	case $1 in
	build) echo gcc make binutils libc6-dev libslirp-dev libnbd-dev kmod python3 xz-utils ;;
	headers) apt-cache show "linux-headers-$(uname -r)" 2>/dev/null |
		sed -n 's/^Package: //p' | head -n 1 ;;
	hosts) echo qemu-system-x86 faketime bochs bochs-term bochsbios vgabios \
		busybox-static python3 gcc binutils kmod e2fsprogs ;;
	check) echo gcc make libc6-dev sparse perl python3 xz-utils clang \
		libclang-rt-dev qemu-utils ;;
	docs) echo python3-sphinx make ;;
	debugkernel) echo gcc make binutils flex bison bc libelf-dev libssl-dev \
		xz-utils kmod ;;
	*) return 1 ;;
	esac
}

missing_of() {
	for package in "$@"; do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$package" \
			2>/dev/null || true)
		[ "$status" = installed ] || echo "$package"
	done
}

# Root as it is, or by sudo when that asks no question.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_be_root() {
	[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# What apt says is of interest only when it fails.
apt() {
	log=$(mktemp)
	if as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" \
		>"$log" 2>&1; then
		rm -f "$log"
		return 0
	fi
	cat "$log" >&2
	rm -f "$log"
	return 1
}

if [ "${1:-}" = --update ]; then
	if can_be_root; then
		apt update
	else
		echo "deps: not root and no sudo; please run: apt-get update" >&2
		exit 1
	fi
	exit 0
fi

wanted=
for group in "$@"; do
	wanted="$wanted $(packages_of "$group")" || {
		echo "deps: unknown group '$group' (build hosts check docs)" >&2
		exit 2
	}
done

if ! command -v dpkg-query >/dev/null; then
	echo "deps: not a Debian system, so nothing is installed; needed:$wanted" >&2
	exit 0
fi

# shellcheck disable=SC2046,SC2086
missing=$([ -z "$(echo $wanted)" ] || echo $(missing_of $(printf '%s\n' $wanted | sort -u)))
[ -n "$missing" ] || exit 0

if ! can_be_root; then
	echo "deps: packages are missing, and neither root nor sudo is at hand." >&2
	echo "deps: please run: apt-get install --no-install-recommends $missing" >&2
	exit 1
fi

echo "deps: installing Debian packages: $missing" >&2
# Lists that were never fetched, or that name versions gone from the archive.
# shellcheck disable=SC2086
apt install -y --no-install-recommends $missing || {
	echo "deps: once more, with fresh lists of packages" >&2
	apt update
	# shellcheck disable=SC2086
	apt install -y --no-install-recommends $missing
}
