# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034
# What the qemu-*.sh scripts share, beside lib.sh: Debian's unmodified QEMU, with
# KVM as its accelerator, whichever module is loaded in the host.

VMLINUX=$GUEST/vmlinux/vmlinux
LINUX_LINE="console=ttyS0 quiet"
# How much longer than on svm everything takes.
case $NESTOR_HOST in
vmx*) SLOW=3 ;;
*) SLOW=1 ;;
esac
QEMU_MEM=${QEMU_MEM:-160}
QEMU_SECONDS=${QEMU_SECONDS:-480}

[ -c /dev/kvm ] || { note "no /dev/kvm"; exit 1; }

# qemu OPTION...: the line that is common to all; in the foreground.
qemu() {
	qemu-system-x86_64 -accel kvm -nodefaults -no-user-config -display none \
		-no-reboot -m "$QEMU_MEM" "$@" </dev/null
}

# irqchip_off TEXT COMMAND...: try with the interrupt controllers in QEMU, which has
# no local APIC of its own beside KVM any more from version 10 on.
irqchip_off() {
	case $(qemu-system-x86_64 --version) in
	*"version 7."*) try "$@" ;;
	*) result 0 "$1 # SKIP this QEMU leaves the APIC to the kernel" ;;
	esac
}

# What came out at the end, for a failure.
last_words() {
	for last_log in "$@"; do
		echo "end of ${last_log##*/}:"
		tr -d '\r\000\033' <"$last_log" | tail -n 15
	done
	return 1
}

# linux_boots LOG CPUS OPTION...: Debian's kernel to its first process and off.
linux_boots() {
	log=$1 cpus=$2
	shift 2
	timeout -k 60 $((QEMU_SECONDS * SLOW)) qemu-system-x86_64 -accel kvm -nodefaults \
		-no-user-config -display none -no-reboot -m "$QEMU_MEM" -smp "$cpus" \
		-serial "file:$log" -kernel "${KERNEL:-$VMLINUX}" \
		-initrd "${INITRD:-$GUEST/initrd.gz}" -append "$LINUX_LINE nestor.batch" \
		"$@" </dev/null >"$log.qemu" 2>&1
	status=$?
	if [ $status != 0 ] || ! lived "$log" "$cpus"; then
		echo "status $status"
		last_words "$log.qemu" "$log"
	fi
}

# start NAME OPTION...: a QEMU with its monitor on a pipe; tell and heard use it.
# Its serial line goes to $TMP/NAME.serial, or behind what is in $SERIAL_LOG, and what
# the monitor says to $TMP/NAME.mon.
start() {
	vm=$1
	shift
	[ -p "$TMP/$vm.in" ] || mkfifo "$TMP/$vm.in"
	[ "$SERIAL_LOG" ] || : >"$TMP/$vm.serial"
	qemu-system-x86_64 -accel kvm -nodefaults -no-user-config -display none \
		-no-reboot -m "$QEMU_MEM" -monitor stdio -serial chardev:serial \
		-chardev "file,id=serial,path=${SERIAL_LOG:-$TMP/$vm.serial},append=on" \
		"$@" <>"$TMP/$vm.in" >"$TMP/$vm.mon" 2>&1 &
	echo $! >"$TMP/$vm.pid"
}

# tell NAME WORD...: one monitor command; waits until the monitor is done with it,
# or the process with everything.
tell() {
	vm=$1
	shift
	tell_before=$(prompts)
	echo "$*" >"$TMP/$vm.in"
	within $((QEMU_SECONDS * SLOW)) is_done "$tell_before"
}

prompts() { grep -o '(qemu)' "$TMP/$vm.mon" | wc -l; }
is_done() { [ "$(prompts)" -gt "$1" ] || ! alive "$vm"; }

# within SECONDS COMMAND...: until the command succeeds, or so long.
within() {
	within_left=$(($1 * 2))
	shift
	until "$@"; do
		within_left=$((within_left - 1))
		[ $within_left -gt 0 ] || return 1
		usleep 500000
	done
}

# says NAME TEXT: the guest prints a line that begins with TEXT.
says() {
	says_vm=$1
	within $((QEMU_SECONDS * SLOW)) grep -q "^$2" "$TMP/$1.serial" && return
	echo "the guest did not say: $2"
	last_words "$TMP/$says_vm.mon" "$TMP/$says_vm.serial"
}

alive() { kill -0 "$(cat "$TMP/$1.pid")" 2>/dev/null; }

# ends NAME: the process goes by itself, without an error.
ends() {
	ends_pid=$(cat "$TMP/$1.pid")
	within $((QEMU_SECONDS * SLOW)) not alive "$1" || {
		last_words "$TMP/$1.mon" "$TMP/$1.serial"
		return 1
	}
	wait "$ends_pid"
}

not() { ! "$@"; }

stop_vm() {
	kill "$(cat "$TMP/$1.pid")" 2>/dev/null
	wait "$(cat "$TMP/$1.pid")" 2>/dev/null
}

# script_disk FILE: standard input as a disk that guest-init.sh runs.
script_disk() {
	{ cat; printf 'exit\n'; head -c 4096 /dev/zero | tr '\0' '\n'; } >"$1"
}

# Numbers that a guest counted aloud: 1 when they are without gap from the first.
counts_on() {
	awk '/^tick [0-9]+/ { if (seen && $2 != last + 1) bad = 1; seen = 1; last = $2 }
		END { exit !(seen && !bad) }' "$1"
}

# The module goes, so nothing of a guest is left in it.
module_unloads() {
	case $NESTOR_MODULE in
	ours) rmmod nestor ;;
	*) unload_stock_kvm ;;
	esac
}
