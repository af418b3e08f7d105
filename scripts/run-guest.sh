#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# make run: boot Debian's kernel as a guest of nestor in a test host.
#
# usage: run-guest.sh HOST KERNEL CPUS MEM NESTED DEVICE APPEND
#
# On a terminal it ends in the guest's shell; otherwise the guest says uname
# and the flags of its CPU and powers off. DEVICE /dev/kvm takes stock KVM.

set -eu
cd "$(dirname "$0")/.."

host=$1 kernel=$2 cpus=$3 mem=$4 nested=$5 device=$6 append=$7

scripts/deps.sh build hosts
make --no-print-directory launcher >&2

module=ours
[ "$device" != /dev/kvm ] || module=kvm

cmdline="console=ttyS0 quiet $append"
[ -t 0 ] && [ -t 1 ] || cmdline="$cmdline nestor.batch"

exec selftests/hosts/run "$host" --kernel "$kernel" --smp "$cpus" \
	--module "$module" --modparam "nested=$nested" --guest \
	--mem 1536 --timeout "${TIMEOUT:-1800}" -- \
	/nestor/userspace/nestor run ${device:+--device "$device"} \
	--kernel /nestor-guest/bzImage --initrd /nestor-guest/initrd.gz \
	--cpus "$cpus" --mem "$mem" --append "$cmdline"
