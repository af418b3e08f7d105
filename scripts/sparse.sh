#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Build with W=1 C=2 (all warnings, sparse) against Debian's headers; output is
# TAP. Any warning about a file of ours is a failure.
#
# usage: scripts/sparse.sh 6.1|6.12 ...

set -u
tree=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP

command -v sparse >/dev/null || "$tree/scripts/deps.sh" check || exit 1

echo "TAP version 13"
echo "1..$#"
number=0
bad=0
for series in "$@"; do
	number=$((number + 1))
	kdir=$("$tree/selftests/hosts/kdir" "$series") || exit 1
	copy=$scratch/$series
	mkdir "$copy"
	# Sources alone: objects of another kernel must not be taken for built.
	(cd "$tree" && find Kbuild kmod uapi -type f \
		\( -name '*.[chS]' -o -name Kbuild \) ! -name '*.mod.c' -print0 |
		xargs -0 cp --parents -t "$copy")
	nice make -C "$kdir" M="$copy" W=1 C=2 -j2 \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$scratch/log" 2>&1
	status=$?
	grep -E "(warning|error|Error):?" "$scratch/log" |
		sed "s|$copy/||g" | grep -v '^/usr/src/\|^make' |
		sort -u >"$scratch/found"
	if [ $status -ne 0 ] || [ -s "$scratch/found" ]; then
		sed 's/^/# /' "$scratch/found"
		[ -s "$scratch/found" ] || tail -n 20 "$scratch/log" | sed 's/^/# /'
		echo "not ok $number W=1 C=2 against $series"
		bad=1
	else
		echo "ok $number W=1 C=2 against $series"
	fi
done
exit $bad
