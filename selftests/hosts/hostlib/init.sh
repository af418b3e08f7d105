#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# First process of a test host: mounts, loads the module, runs one command.
#
# ttyS0 is the kernel's console and the log that is searched for reports;
# ttyS1 belongs to the command. What to do stands in /nestor-run/conf, made
# anew for each run. The last thing on ttyS1 is the mark with the exit status.

export PATH=/bin:/sbin:/usr/bin:/usr/sbin:/nestor/userspace HOME=/tmp TERM=${TERM:-vt100}
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
mount -t debugfs debug /sys/kernel/debug
mount -t tracefs trace /sys/kernel/tracing 2>/dev/null
ln -sf /proc/self/fd /dev/fd
ifconfig lo up 2>/dev/null
hostname nestor-host

. /nestor-run/conf
export NESTOR_HOST NESTOR_MODULE NESTOR_KERNEL NESTOR_MODPARAM
TTY=/dev/ttyS1

# Both lines are held open. The last close of a terminal may throw away what waits in
# it, and gives its interrupt back: a line has been seen dead after the next open, with
# "No irq handler for vector" on the console.
exec 3>$TTY 4>/dev/ttyS0

# One line after another on the console, where the runner follows.
note() { echo "nestor-host: $*" >&4; }

bye() {
	note "exit $1"
	echo >$TTY
	echo "@@$TOKEN exit $1@@" >$TTY
	sleep 5
	poweroff -f
}

if [ "$INTERACTIVE" = 1 ]; then
	stty -F $TTY sane -ixon rows "${ROWS:-24}" cols "${COLS:-80}"
else
	stty -F $TTY raw -echo
fi

# Loading and unloading patch a jump of the scheduler, behind an INT3 that stays for
# a moment. QEMU's TCG may keep the INT3 for ever when another CPU just translates
# that code: no other CPU runs then.
other_cpus() {
	for cpu in /sys/devices/system/cpu/cpu*/online; do
		[ ! -e "$cpu" ] || echo "$1" >"$cpu"
	done
}

load_ours() {
	for dep in $DEPENDS; do modprobe "$dep" || return; done
	other_cpus 0
	insmod /nestor/nestor.ko $NESTOR_MODPARAM
	loaded=$?
	other_cpus 1
	return $loaded
}

load_kvm() {
	if grep -qw svm /proc/cpuinfo; then
		modprobe kvm_amd $NESTOR_MODPARAM
	else
		modprobe kvm_intel $NESTOR_MODPARAM
	fi
}

# From here on warnings count, so they must reach the console.
dmesg -n 5
# With the call traces of who waits, too.
[ "$NESTOR_KERNEL" != debug ] || dmesg -n 7
note "up $(cut -d' ' -f1 /proc/uptime)"
case $NESTOR_MODULE in
ours) load_ours >/tmp/insmod 2>&1 ;;
kvm) load_kvm >/tmp/insmod 2>&1 ;;
none) true ;;
esac || {
	note "load failed: $(cat /tmp/insmod)"
	dmesg | tail -n 15 >&4
	bye 97
}
note "ready $(cut -d' ' -f1 /proc/uptime)"
echo "@@$TOKEN ready@@" >$TTY

cd /nestor 2>/dev/null || cd /
if [ "$INTERACTIVE" = 1 ]; then
	setsid -c sh -c "exec sh /nestor-run/cmd" <$TTY >$TTY 2>&1 3>&- 4>&-
else
	setsid sh /nestor-run/cmd </dev/null >$TTY 2>&1 3>&- 4>&-
fi
status=$?

# What the command left behind goes; a module still busy after that leaked.
cd /
kill -9 -1 2>/dev/null
wait
if [ "$NESTOR_MODULE" = ours ] && [ -d /sys/module/nestor ]; then
	tries=0
	other_cpus 0
	until rmmod nestor 2>/tmp/rmmod; do
		tries=$((tries + 1))
		[ $tries -lt 20 ] || {
			note "LEAK: rmmod after the command: $(cat /tmp/rmmod)"
			break
		}
		usleep 100000
	done
fi
bye $status
