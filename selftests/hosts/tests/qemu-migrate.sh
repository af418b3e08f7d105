#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unmodified QEMU migrates a guest live from process to process, time after time
# (ROUNDS, 100), while each of its CPUs writes memory and reads clocks: all memory is
# right, no clock shows less than it did on any CPU before, and nothing it says is lost.
# hosts: svm
# nightly: svm
# options: --guest --other-guest vmlinux --other-guest churn --client qemu --smp 4 --mem 1900
# seconds: 3000

. "${0%/*}/lib.sh"
. "${0%/*}/qemu-lib.sh"
plan 6
ROUNDS=${ROUNDS:-100}
QEMU_MEM=112
LOG=$TMP/serial
SERIAL_LOG=$LOG
: >"$LOG"

script_disk "$TMP/script" <<'END'
cat /dev/vdb >/tmp/churn
chmod 755 /tmp/churn
exec /tmp/churn
END
guest() {
	name=$1
	shift
	start "$name" -M pc,usb=off,graphics=off -smp 2 \
		-drive "file=$TMP/script,format=raw,if=none,id=s,readonly=on" \
		-device virtio-blk-pci,drive=s \
		-drive "file=$GUEST/churn/churn,format=raw,if=none,id=c,readonly=on" \
		-device virtio-blk-pci,drive=c "$@"
}

ticks() { grep -c '^tick' "$LOG"; }
ticked() { [ "$(ticks)" -ge "$1" ]; }
completed() {
	tell "$1" "info migrate"
	grep -q 'Migration status: completed' "$TMP/$1.mon"
}

# One more process; the guest is in it and goes on, or a word why not.
hop() {
	guest "$2" -incoming "unix:$TMP/$2.sock"
	within $((60 * SLOW)) test -S "$TMP/$2.sock" || { last_words "$TMP/$2.mon"; return; }
	tell "$1" migrate_set_parameter downtime-limit 2000
	tell "$1" "migrate unix:$TMP/$2.sock"
	completed "$1" || { last_words "$TMP/$1.mon" "$TMP/$2.mon"; return; }
	hop_from=$(ticks)
	tell "$1" quit
	within $((60 * SLOW)) ticked $((hop_from + 3)) || { last_words "$TMP/$2.mon" "$LOG"; return; }
	rm -f "$TMP/$1.sock" "$TMP/$1.mon" "$TMP/$1.in"
}
# The guest lives in process number $at.
hops() {
	while [ $at -lt "$ROUNDS" ]; do
		hop m$at m$((at + 1)) >"$TMP/hop" || { cat "$TMP/hop"; return 1; }
		at=$((at + 1))
		! grep -qE 'is wrong|goes back|BUG|Oops|WARNING|stall' "$LOG" || return
		[ $((at % 5)) != 0 ] || note "$at migrations, $(ticks) ticks"
	done
}

at=0
# Pages that nobody uses are zero, and need not go along; nor need the kernel's file.
guest m0 -kernel "$VMLINUX" -initrd $GUEST/initrd.gz \
	-append "$LINUX_LINE nestor.script init_on_free=1"
booted() { within $((QEMU_SECONDS * SLOW)) ticked 5 || last_words "$TMP/m0.mon" "$LOG"; }
try "a guest writes memory" booted
hops || fault=1
stop_vm m$at
note "$at migrations, $(tail -n 1 "$LOG")"
result ${fault:-0} "$ROUNDS migrations in a row"
try "memory was right all the time" not grep "memory is wrong" "$LOG"
try "no clock went back" not grep "clock goes back" "$LOG"
try "no tick is missing or twice there" counts_on "$LOG"
try "the module unloads" module_unloads
finish
