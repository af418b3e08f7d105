#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unmodified QEMU saves a guest into a snapshot and goes back to it, in the same
# process and in another, taken while it runs, or stands with an interrupt that waits;
# migrates it to a second process while it writes memory; keeps its state in a file
# that stock KVM takes, and takes that of stock KVM.
# hosts: svm
# nightly: svm
# options: --guest --other-guest vmlinux --client qemu --mem 2560
# seconds: 1200

. "${0%/*}/lib.sh"
. "${0%/*}/qemu-lib.sh"
plan 20
DISK=$TMP/script
SNAP=$TMP/snap.qcow2

# Counts aloud; each number stands behind a megabyte that was written and summed.
script_disk "$DISK" <<'END'
echo "the guest counts"
dd if=/dev/urandom of=/tmp/a bs=64k count=16 2>/dev/null
want=$(md5sum </tmp/a)
while read -r line; do
	echo "heard $line"
done </dev/ttyS1 &
n=0
while [ ! -e /stop ]; do
	cp /tmp/a /tmp/b
	[ "$(md5sum </tmp/b)" = "$want" ] || echo "memory is wrong"
	n=$((n + 1))
	echo "tick $n $(cut -d' ' -f1 /proc/uptime)"
	usleep 50000
done
END

guest() {
	name=$1
	shift
	rm -f "$TMP/$name.uart.in" "$TMP/$name.uart.out"
	mkfifo "$TMP/$name.uart.in" "$TMP/$name.uart.out"
	start "$name" -kernel "$VMLINUX" -initrd $GUEST/initrd.gz -smp 2 \
		-append "$LINUX_LINE nestor.script" \
		-drive "file=$DISK,format=raw,if=none,id=s,readonly=on" \
		-device virtio-blk-pci,drive=s \
		-chardev "pipe,id=u,path=$TMP/$name.uart" -serial chardev:u \
		-drive "file=$SNAP,format=qcow2,if=none,id=d" "$@"
}

# Ten more ticks than there were, all memory right, none left out.
goes_on() {
	ticks=$(grep -c '^tick' "$TMP/$1.serial")
	within $((QEMU_SECONDS * SLOW)) more_ticks "$1" $((ticks + 10)) || {
		last_words "$TMP/$1.mon" "$TMP/$1.serial"
		return 1
	}
	sound "$1"
}
more_ticks() { [ "$(grep -c '^tick' "$TMP/$1.serial")" -ge "$2" ]; }
sound() {
	if grep -qE 'memory is wrong|BUG|Oops|WARNING|stall' "$TMP/$1.serial"; then
		last_words "$TMP/$1.serial"
	fi
}

# The uptime that the guest prints never goes backwards in one log.
uptime_rises() {
	awk '/^tick [0-9]+ [0-9.]+/ { if ($3 < last) bad = 1; last = $3; n++ }
		END { exit !(n > 5 && !bad) }' "$TMP/$1.serial" || last_words "$TMP/$1.serial"
}

# Start anew and take the state that another QEMU wrote.
incoming() {
	guest "$1" -incoming "$2"
	goes_on "$1"
}

completed() {
	tell "$1" "info migrate" >/dev/null
	grep -q 'Migration status: completed' "$TMP/$1.mon" || last_words "$TMP/$1.mon"
}

qemu-img create -q -f qcow2 "$SNAP" 1M
guest one
try "a guest counts" says one "tick 5"
try "savevm while it runs" tell one savevm first
try "it goes on" goes_on one
try "loadvm goes back" tell one loadvm first
try "and it counts on from there" goes_on one
tell one stop
try "savevm of a stopped guest" tell one savevm second
# The serial line's interrupt; an NMI QEMU would lose: it has read the CPU before.
echo text >"$TMP/one.uart.in"
sleep 1
tell one savevm pending
tell one quit
try "the process ends" ends one

guest two -loadvm pending
try "another loads a snapshot with an interrupt that waits" goes_on two
try "which arrives" grep -q "^heard text" "$TMP/two.serial"
stop_vm two
guest two -loadvm first
try "another process loads the snapshot" goes_on two
try "without a tick left out" counts_on "$TMP/two.serial"
guest three -incoming "unix:$TMP/sock"
within $((60 * SLOW)) test -S "$TMP/sock"
tell two "migrate unix:$TMP/sock"
try "live migration to a third" completed two
try "which goes on" goes_on three
cat "$TMP/three.serial" >>"$TMP/two.serial"
try "without a tick left out" counts_on "$TMP/two.serial"
try "and no step back in time" uptime_rises two
stop_vm two

tell three "migrate \"exec:cat >$TMP/state\""
try "state into a file" completed three
stop_vm three
if [ "$NESTOR_MODULE" = ours ]; then
	rmmod nestor
	modprobe "$(stock_kvm)"
	try "stock KVM takes it" incoming four "exec:cat $TMP/state"
	tell four "migrate \"exec:cat >$TMP/state2\""
	try "and writes its own" completed four
	stop_vm four
	unload_stock_kvm
	insmod "$KO"
	try "which nestor takes" incoming five "exec:cat $TMP/state2"
	stop_vm five
else
	for text in "stock KVM takes it" "and writes its own" "which nestor takes"; do
		result 0 "$text # SKIP the module is not ours"
	done
fi
try "the module unloads" module_unloads
finish
