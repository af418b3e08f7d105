#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# make run: boot Debian's kernel as a guest of nestor in a test host.
#
# usage: run-guest.sh HOST KERNEL CPUS MEM NESTED DEVICE APPEND
#
# On a terminal it ends in the guest's shell; otherwise the guest says uname
# and the flags of its CPU and powers off. DEVICE /dev/kvm takes stock KVM. With
# NESTED svm or vmx (1: what the host's vendor has) the guest is an L1 with stock
# KVM, and the terminal is that of an L2 in it.

set -eu
cd "$(dirname "$0")/.."

host=$1 kernel=$2 cpus=$3 mem=$4 nested=$5 device=$6 append=$7

scripts/deps.sh build hosts
make --no-print-directory launcher >&2

module=ours
[ "$device" != /dev/kvm ] || module=kvm

cmdline="console=ttyS0 quiet $append"
[ -t 0 ] && [ -t 1 ] || cmdline="$cmdline nestor.batch"

case $nested,$host in
0,*) isa= ;;
1,vmx*) isa=vmx ;;
1,*) isa=svm ;;
*) isa=$nested ;;
esac
if [ -n "$isa" ]; then
	exec selftests/hosts/run "$host" --kernel "$kernel" --smp "$cpus" \
		--modparam nested=1 --guest --mem 2048 --timeout "${TIMEOUT:-3600}" -- \
		selftests/hosts/nested-shell.sh "$isa" "$cpus" "$append"
fi

exec selftests/hosts/run "$host" --kernel "$kernel" --smp "$cpus" \
	--module "$module" --guest \
	--mem 1536 --timeout "${TIMEOUT:-1800}" -- \
	/nestor/userspace/nestor run ${device:+--device "$device"} \
	--kernel /nestor-guest/bzImage --initrd /nestor-guest/initrd.gz \
	--cpus "$cpus" --mem "$mem" --append "$cmdline"
