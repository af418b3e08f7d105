#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# An L1 with two CPUs, in all combinations of ISA and hypervisor: its L2 with one CPU,
# then with two. ROUNDS times each; NST_L1 chooses combinations ("svm:kvm_amd ...").
# hosts: svm
# nightly: svm
# options: --guest --smp 2 --slow 5 --mem 2048 --modparam nested=1
# seconds: 3600

. "${0%/*}/lib.sh"
. "${0%/*}/nested.sh"

L1_MEM=700M
ROUNDS=${ROUNDS:-1}
NST_L1=${NST_L1:-svm:kvm_amd svm:nestor vmx:kvm_intel vmx:nestor}
CPUS=${NST_L2_CPUS:-1 2}

# l2_of ISA HYPERVISOR CPUS
l2_of() {
	case $2 in nestor) device=/dev/nestor ;; *) device=/dev/kvm ;; esac
	nested_boot "$TMP/log" "$1" $L1_MEM 2 "$2" "" "$(run_l2 $device 160M "$3")"
	sed 's/^/# /' "$TMP/log"
	l2_lived "$TMP/log" "$3"
}

total=0
for _ in $NST_L1; do
	for _ in $CPUS; do total=$((total + ROUNDS)); done
done
plan $total
round=0
while [ $round -lt "$ROUNDS" ]; do
	round=$((round + 1))
	for how in $NST_L1; do
		for c in $CPUS; do
			start=$(cut -d' ' -f1 /proc/uptime)
			try "$how in an L1 with 2 CPUs boots an L2 with $c (round $round)" \
				l2_of "${how%:*}" "${how#*:}" "$c"
			note "took from $start to $(cut -d' ' -f1 /proc/uptime) s of the host's time"
		done
	done
done
finish
