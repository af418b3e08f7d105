#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Debian's kernel with its own kvm_intel as L1, and the same kernel as its L2; then
# nestor as L1's hypervisor. The hardware below may be of either vendor. Time is that of the
# instructions: two levels of timer interrupts are more than a slow machine can carry.
# hosts: svm vmx
# nightly: svm vmx
# options: --guest --smp 1 --icount --mem 1536 --modparam nested=1
# seconds: 3600

. "${0%/*}/lib.sh"
. "${0%/*}/nested.sh"
plan 2

L1_MEM=700M

# l2_of HYPERVISOR DEVICE
l2_of() {
	nested_boot "$TMP/log" vmx $L1_MEM 1 "$1" "" "$(run_l2 "$2" 160M 1)"
	sed 's/^/# /' "$TMP/log"
	l2_lived "$TMP/log" 1
}

try "stock kvm_intel in L1 boots an L2" l2_of kvm_intel /dev/kvm
try "nestor in L1 boots an L2" l2_of nestor /dev/nestor
finish
