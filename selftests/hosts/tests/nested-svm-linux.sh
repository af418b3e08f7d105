#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Debian's kernel with its own kvm_amd as L1, and the same kernel as its L2; then
# nestor as L1's hypervisor. Time is that of the instructions, as in nested-vmx-linux.sh.
# hosts: svm vmx
# nightly: svm vmx
# options: --guest --smp 1 --icount --mem 2048 --modparam nested=1
# seconds: 3600

. "${0%/*}/lib.sh"
. "${0%/*}/nested.sh"
plan 3

BOOT_SECONDS=1100

# l2_of HYPERVISOR DEVICE
l2_of() {
	nested_boot "$TMP/log" svm 700M 1 "$1" "" "$(run_l2 "$2" 160M 1)"
	sed 's/^/# /' "$TMP/log"
	l2_lived "$TMP/log" 1
}

try "stock kvm_amd in L1 boots an L2" l2_of kvm_amd /dev/kvm
try "nestor in L1 boots an L2" l2_of nestor /dev/nestor

# A bare-metal hypervisor as L2, and its L3.
third_level() {
	tests="svm_basic svm_npt svm_irq svm_inject"
	PACK=$(for t in $tests; do echo "/nestor/selftests/nested/bin/$t"; done)
	nested_boot "$TMP/log" svm 700M 1 nestor nested=1 \
		"export NESTOR_HOST=$NESTOR_HOST; for t in $tests; do ./\$t || exit 1; done"
	PACK=
	grep -q '^L1: status 0' "$TMP/log" && ! grep '^not ok' "$TMP/log" &&
		! grep -E 'BUG:|WARNING: CPU|Oops' "$TMP/log" && return
	tail -n 20 "$TMP/log"
	return 1
}

try "a hypervisor in L2 under nestor in L1 under nestor" third_level
finish
