#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unmodified QEMU takes snapshots of a guest while it boots: in SeaBIOS, in the
# kernel's setup, while it starts its second CPU; other processes boot on from there.
# hosts: svm
# nightly: svm
# options: --guest --other-guest vmlinux --client qemu --mem 3072
# seconds: 1200

. "${0%/*}/lib.sh"
. "${0%/*}/qemu-lib.sh"
plan 8
SNAP=$TMP/snap.qcow2
SNAPS=6

guest() {
	name=$1
	shift
	start "$name" -kernel "$VMLINUX" -initrd $GUEST/initrd.gz -smp 2 \
		-append "$LINUX_LINE nestor.batch" \
		-drive "file=$SNAP,format=qcow2,if=none,id=d" "$@"
}
boots_on() {
	guest "$@"
	ends "$1" && lived "$TMP/$1.serial" 2 || last_words "$TMP/$1.mon" "$TMP/$1.serial"
}

qemu-img create -q -f qcow2 "$SNAP" 1M
guest one
taken=0
delay=300
while alive one && [ $taken -lt $SNAPS ]; do
	usleep ${delay}000
	delay=$((delay * 3 / 2))
	tell one savevm "boot$((taken + 1))"
	alive one && taken=$((taken + 1))
done
note "$taken snapshots before the guest was through"
ended() { ends one && lived "$TMP/one.serial" 2 || last_words "$TMP/one.mon" "$TMP/one.serial"; }
try "a guest boots that is saved again and again" ended
for n in $(seq $SNAPS); do
	if [ "$n" -le $taken ]; then
		try "another process boots on from snapshot $n" boots_on "boot$n" -loadvm "boot$n"
	else
		result 0 "snapshot $n # SKIP the guest was through before"
	fi
done
try "the module unloads" module_unloads
finish
