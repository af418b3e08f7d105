#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unmodified QEMU boots Debian's kernel on each machine, with the interrupt
# controllers in the kernel, split and in QEMU, with different CPU models. With the
# local APIC in QEMU there is one CPU: of more, QEMU 7.2 waits busily for one that it
# never starts, with its lock held; so it does on stock KVM.
# hosts: svm
# nightly: svm
# options: --guest --other-guest vmlinux --client qemu --mem 2560
# seconds: 1500

. "${0%/*}/lib.sh"
. "${0%/*}/qemu-lib.sh"
plan 12

case $NESTOR_HOST in
svm*) model=Opteron_G2 ;;
*) model=Nehalem ;;
esac

KERNEL=$GUEST/bzImage try "pc, SeaBIOS loads a bzImage" linux_boots "$TMP/bz" 1 -M pc
try "pc, irqchip split" linux_boots "$TMP/l" 1 -M pc,kernel-irqchip=split
irqchip_off "pc, irqchip off" linux_boots "$TMP/l" 1 -M pc,kernel-irqchip=off
try "pc, 4 CPUs, -cpu host" linux_boots "$TMP/l" 4 -M pc -cpu host
try "q35, 4 CPUs, -cpu max" linux_boots "$TMP/l" 4 -M q35 -cpu max
try "q35, irqchip split, 4 CPUs, -cpu $model" \
	linux_boots "$TMP/l" 4 -M q35,kernel-irqchip=split -cpu $model
irqchip_off "q35, irqchip off, -cpu qemu64" linux_boots "$TMP/l" 1 -M q35,kernel-irqchip=off -cpu qemu64
try "q35, SMM off" linux_boots "$TMP/l" 1 -M q35,smm=off
try "microvm" linux_boots "$TMP/l" 1 -M microvm,isa-serial=on
try "microvm, irqchip split" linux_boots "$TMP/l" 2 -M microvm,isa-serial=on,kernel-irqchip=split -cpu host
irqchip_off "microvm, irqchip off" linux_boots "$TMP/l" 1 -M microvm,isa-serial=on,kernel-irqchip=off
grep -h '^Linux guest' "$TMP"/l | head -n 1 | sed 's/^/# /'
try "nothing is left: the module unloads" module_unloads
finish
