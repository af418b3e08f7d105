#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unmodified QEMU makes a CPU that has VMX out of what the host offers, without a word
# about single features: it sets each capability MSR, and aborts when one is refused.
# hosts: svm vmx
# options: --client qemu --mem 1024 --modparam nested=1 --modparam nested_isa=vmx
# seconds: 300

. "${0%/*}/lib.sh"
. "${0%/*}/qemu-lib.sh"
plan 5
QEMU_MEM=32

CPU=/machine/unattached/device[0]

# A QEMU that was refused nothing has a monitor that answers: true or false, a line each.
starts_with_vmx() {
	start one -S -cpu "$1"
	tell one info registers
	for flag in vmx rdrand rdseed vmx-rdrand-exit vmx-rdseed-exit; do
		! alive one || tell one "qom-get $CPU $flag"
	done
	stop_vm one
	tr -d '\r' <"$TMP/one.mon" | grep -axE 'true|false' | tr '\n' ' ' >"$TMP/flags"
	grep -a 'error:' "$TMP/one.mon"
	read -r vmx rdrand rdseed rdrand_exit rdseed_exit _ <"$TMP/flags"
	[ "$vmx $rdrand $rdseed" = "true $rdrand_exit $rdseed_exit" ]
}

for cpu in host max host,-rdrand,-rdseed host,vendor=GenuineIntel; do
	try "-cpu $cpu has VMX, and exits for each source of random numbers" starts_with_vmx $cpu
	note "vmx, RDRAND, RDSEED, their exits: $(cat "$TMP/flags")"
done
try "the module unloads" module_unloads
finish
