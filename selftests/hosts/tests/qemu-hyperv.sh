#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unmodified QEMU gives Debian's kernel Hyper-V's enlightenments, all that Linux uses: it finds
# them, keeps time by the reference page and the synthetic timers, and flushes and
# interrupts other CPUs by hypercalls; with KVM's own beside them it takes those. A
# snapshot taken under load goes on in another process.
# hosts: svm
# nightly: vmx
# options: --guest --other-guest vmlinux --client qemu --mem 1900 --append tsc=reliable
# seconds: 900

. "${0%/*}/lib.sh"
. "${0%/*}/qemu-lib.sh"
plan 14
SNAP=$TMP/snap.qcow2
LINUX_LINE=console=ttyS0
HV=hv-relaxed,hv-vapic,hv-time,hv-vpindex,hv-runtime,hv-reset,hv-crash,hv-frequencies
HV=$HV,hv-reenlightenment,hv-tlbflush,hv-ipi,hv-synic,hv-stimer,hv-stimer-direct

finds() {
	grep -q "$1" "$TMP/$2" && return
	echo "not said: $1"
	last_words "$TMP/$2"
}

guest() {
	name=$1
	shift
	start "$name" -M q35 -smp 2 -cpu host,kvm=off,$HV -kernel "$VMLINUX" \
		-initrd $GUEST/initrd.gz -append "$LINUX_LINE nestor.script" \
		-drive "file=$TMP/script,format=raw,if=none,id=s,readonly=on" \
		-device virtio-blk-pci,drive=s \
		-drive "file=$SNAP,format=qcow2,if=none,id=d" "$@"
}

script_disk "$TMP/script" <<'END'
n=0
echo "source $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
sed 's/^ *//' /proc/interrupts | grep '^HV'
while :; do
	n=$((n + 1))
	echo "tick $n"
	usleep 100000
done
END

try "boots with Hyper-V's interface alone" linux_boots "$TMP/hv" 2 -M q35 -cpu host,kvm=off,$HV
try "Linux finds it" finds "Hypervisor detected: Microsoft Hyper-V" hv
try "and uses its clock" finds "clocksource hyperv_clocksource_tsc_page" hv
try "and its TLB flush" finds "Using hypercall for remote TLB flush" hv
try "and its IPIs" finds "Using IPI hypercalls" hv
try "boots with KVM's beside it" linux_boots "$TMP/kvm" 2 -M q35 -cpu host,$HV
try "Linux takes KVM's" finds "Hypervisor detected: KVM" kvm

qemu-img create -q -f qcow2 "$SNAP" 1M
guest one
try "the clock is the page" says one "source hyperv_clocksource_tsc_page"
try "synthetic timers interrupt" says one "HVS:  *[1-9]"
try "runs" says one "tick 3"
tell one stop
try "savevm" tell one savevm here
tell one quit
within 120 not alive one
guest two -loadvm here
try "another process loads the snapshot, which counts on" says two "tick 9"
try "without a number left out" counts_on "$TMP/two.serial"
stop_vm two
try "the module unloads" module_unloads
finish
