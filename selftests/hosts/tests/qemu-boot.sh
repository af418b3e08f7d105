#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unmodified QEMU: SeaBIOS and Debian's kernel on a pc, the interrupt controllers
# in the kernel and in QEMU; a snapshot that another process goes on from.
# hosts: svm vmx
# nightly: vmx
# options: --guest --other-guest vmlinux --client qemu --mem 1900
# seconds: 600

. "${0%/*}/lib.sh"
. "${0%/*}/qemu-lib.sh"
plan 7
SNAP=$TMP/snap.qcow2

script_disk "$TMP/script" <<'END'
n=0
while :; do
	n=$((n + 1))
	echo "tick $n"
	usleep 100000
done
END
guest() {
	name=$1
	shift
	start "$name" -M pc -kernel "$VMLINUX" -initrd $GUEST/initrd.gz \
		-append "$LINUX_LINE nestor.script" \
		-drive "file=$TMP/script,format=raw,if=none,id=s,readonly=on" \
		-device virtio-blk-pci,drive=s \
		-drive "file=$SNAP,format=qcow2,if=none,id=d" "$@"
}

irqchip_off "pc, irqchip off" linux_boots "$TMP/off" 1 -M pc,kernel-irqchip=off
qemu-img create -q -f qcow2 "$SNAP" 1M
guest one
try "pc, irqchip on" says one "tick 3"
tell one stop
try "savevm" tell one savevm here
tell one quit
try "the process ends" ends one
guest two -loadvm here
try "another loads the snapshot, which counts on" says two "tick 9"
try "without a number left out" counts_on "$TMP/two.serial"
stop_vm two
try "the module unloads" module_unloads
finish
