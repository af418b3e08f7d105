#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What starts on unmodified QEMU without a kernel from it: GRUB from a virtio disk
# and Linux behind it, with the network; GRUB's rescue shell, iPXE's prompt, OVMF
# from flash, memtest86+, a 32-bit kernel.
# hosts: svm
# nightly: svm
# options: --guest --other-guest grub --other-guest vmlinux --other-guest memtest --other-guest 686-pae --client qemu --mem 2560
# seconds: 1500

. "${0%/*}/lib.sh"
. "${0%/*}/qemu-lib.sh"
plan 13
FIRMWARE=/usr/share/OVMF

script_disk "$TMP/script" <<'END'
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
ping -c 3 -W 10 10.0.2.2 >/dev/null && echo "gateway answers"
echo "disks $(cat /sys/block/vda/size) $(cat /sys/block/vdb/size)"
dd if=/dev/urandom of=/dev/vdb bs=64k count=8 seek=320 conv=notrunc,fsync 2>/dev/null
echo "sum $(dd if=/dev/vdb bs=64k count=8 skip=320 2>/dev/null | md5sum)"
END
NET="-netdev user,id=n -device virtio-net-pci,netdev=n,romfile="

# The screen as SeaBIOS repeats it on the serial line, without cursor movements.
screen() {
	tr '\033' '\n' <"$TMP/$1.serial" | sed 's/^\[[0-9;?]*[A-Za-z]//' | tr -d '\n\r\000'
}
shows() {
	# shellcheck disable=SC2317
	visible() { screen "$1" | grep -q "$2"; }
	within $((120 * SLOW)) visible "$1" "$2" && return
	screen "$1" | tail -c 500
	last_words "$TMP/$1.mon"
}

# shellcheck disable=SC2086
start grub -M pc,graphics=off \
	-drive "file=$TMP/script,format=raw,if=none,id=s,readonly=on" \
	-device virtio-blk-pci,drive=s \
	-drive file=$GUEST/grub/linux.img,format=raw,if=none,id=l \
	-device virtio-blk-pci,drive=l,bootindex=1 $NET
try "GRUB loads from a virtio disk" shows grub "GRUB starts Linux"
try "Linux comes up behind it" says grub ".*Linux guest"
try "ping reaches the gateway" says grub "gateway answers"
try "it powers off" ends grub
sum=$(dd if=$GUEST/grub/linux.img bs=64k count=8 skip=320 2>/dev/null | md5sum)
try "the disk has what the guest wrote" grep -q "^sum $sum" "$TMP/grub.serial"

start rescue -M q35,graphics=off \
	-drive file=$GUEST/grub/rescue.img,format=raw,if=virtio
try "GRUB without its modules comes to its rescue shell" shows rescue "grub rescue>"
stop_vm rescue

start ipxe -M pc,graphics=off -netdev user,id=n \
	-device e1000,netdev=n,bootindex=1
# Each question for the key is open for two seconds of the guest's.
prompt() { tell ipxe sendkey ctrl-b && screen ipxe | grep -q "iPXE>"; }
try "iPXE's ROM is there" shows ipxe "iPXE"
within $((120 * SLOW)) prompt
try "and comes to its prompt" shows ipxe "iPXE>"
stop_vm ipxe

cp $FIRMWARE/OVMF_VARS_4M.fd "$TMP/vars"
# OVMF wants more memory than SeaBIOS, and a kernel that is an EFI program.
QEMU_MEM=256 KERNEL=$GUEST/bzImage \
	try "OVMF from flash starts Linux" linux_boots "$TMP/ovmf" 1 -M q35,smm=off \
	-drive if=pflash,format=raw,unit=0,readonly=on,file=$FIRMWARE/OVMF_CODE_4M.fd \
	-drive "if=pflash,format=raw,unit=1,file=$TMP/vars"
try "and wrote its variables into the flash" not cmp -s $FIRMWARE/OVMF_VARS_4M.fd "$TMP/vars"

# TAP of linux-32bit.sh knows this kernel under our own launcher.
KERNEL=$GUEST/686-pae/bzImage INITRD=$GUEST/686-pae/initrd.gz \
	try "a 32-bit kernel boots" linux_boots "$TMP/i386" 2 -M pc

QEMU_MEM=12 start memtest -kernel $GUEST/memtest/memtest.bin \
	-append "console=ttyS0 nosmp nobench nosm nopause"
try "memtest86+ tests" shows memtest "Pass *[0-9]*%"
stop_vm memtest
try "the module unloads" module_unloads
finish
