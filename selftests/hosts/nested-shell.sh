#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# make run NESTED=1: in a test host, an L1 with stock KVM that boots an L2, which
# has the terminal; without one it says who it is and powers off.
#
# usage: nested-shell.sh ISA CPUS APPEND

. "${0%/*}/tests/lib.sh"
. "${0%/*}/tests/nested.sh"

case $1 in
svm) kvm=kvm_amd ;;
vmx) kvm=kvm_intel ;;
*) echo "nested-shell.sh: $1 is neither svm nor vmx" >&2; exit 2 ;;
esac
words=$3
[ -t 0 ] || words="$words nestor.batch"
BOOT_SECONDS=100000
start_l1 "$1" 800M "$2" $kvm "" "$(run_l2 /dev/kvm 160M 1 "$words")"
status=$?
rm -rf "$TMP"
exit $status
