#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Debian's kernel as L1 that believes to run on Hyper-V, which unmodified QEMU tells it:
# its own kvm_intel uses enlightened VMCSs, and boots the same kernel as its L2.
# hosts: svm
# nightly: svm
# options: --guest --other-guest vmlinux --client qemu --smp 1 --icount --mem 2560 --modparam nested=1 --modparam nested_isa=vmx
# seconds: 3600

. "${0%/*}/lib.sh"
. "${0%/*}/nested.sh"
. "${0%/*}/qemu-lib.sh"
plan 2

# Of two hypervisors Linux takes the one with the higher leaves, KVM. An L1 that has to
# measure its TSC may fail, and its KVM then waits for that for ever.
HYPERV=kvm=off,hv-relaxed,hv-vapic,hv-time,hv-vpindex,hv-frequencies,hv-evmcs
QEMU_MEM=700

# An L1 with all of that; what it says goes into the log.
l1() {
	pack "$TMP/l1.tar" kvm_intel
	script_disk "$TMP/l1.disk" <<-END
		mkdir /t; cd /t; tar xf /dev/vdb; $(load_of kvm_intel)
		dmesg -s 100000 | grep -iE "hyper-v|enlightened"
		$(run_l2 /dev/kvm 160M 1)
		echo L1: status \$?
	END
	timeout 3000 qemu-system-x86_64 -accel kvm -nodefaults -no-user-config \
		-display none -no-reboot -m $QEMU_MEM -cpu "host,vendor=GenuineIntel,$HYPERV" \
		-serial "file:$TMP/log" -kernel "$VMLINUX" -initrd $GUEST/initrd.gz \
		-append "$LINUX_LINE nestor.script" \
		-drive "file=$TMP/l1.disk,format=raw,if=none,id=s,readonly=on" \
		-device virtio-blk-pci,drive=s \
		-drive "file=$TMP/l1.tar,format=raw,if=none,id=t,readonly=on" \
		-device virtio-blk-pci,drive=t </dev/null >"$TMP/qemu" 2>&1
	echo "QEMU's status $?" >>"$TMP/qemu"
	tr -d '\r' <"$TMP/log" >"$TMP/clean"
	sed 's/^/# /' "$TMP/qemu" "$TMP/clean"
	l2_lived "$TMP/clean" 1
}

try "an L1 on Hyper-V boots an L2" l1
sed "s/^/# /" "$TMP/clean"
try "by enlightened VMCSs" grep -q "using Hyper-V Enlightened VMCS" "$TMP/clean"
finish
