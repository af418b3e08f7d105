#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# SIGKILL to the launcher at random moments: nothing leaks.
# hosts: svm
# options: --guest --smp 2 --mem 1536
# seconds: 600
# debug: svm

. "${0%/*}/lib.sh"
KILLS=${KILLS:-200}
WARM=40
# Pages and KiB that half-empty slabs may hold back: less than two pages for
# each machine killed after the warming-up.
SLACK_PAGES=300
SLACK_KIB=1200
plan 5

# Random moments from the first ioctl to a kernel that unpacks itself.
kill_one() {
	"$NESTOR" run --kernel $GUEST/bzImage --initrd $GUEST/initrd.gz \
		--mem 128M --cpus 2 --append "console=ttyS0 quiet" \
		</dev/null >/dev/null 2>&1 &
	victim=$!
	random=$(od -An -N2 -tu2 /dev/urandom)
	usleep $((random * 9))
	kill -0 $victim 2>/dev/null && running=$((running + 1))
	kill -9 $victim 2>/dev/null
	wait $victim 2>/dev/null
}

running=0
i=0
while [ $i -lt $WARM ]; do
	i=$((i + 1))
	kill_one
done
before=$(free_pages)
kernel_before=$(kernel_memory)
running=0
while [ $i -lt "$KILLS" ]; do
	i=$((i + 1))
	kill_one
done
after=$(free_pages)
kernel_after=$(kernel_memory)

note "$running of $((KILLS - WARM)) were running when killed"
[ $running -gt $(((KILLS - WARM) / 2)) ]
result $? "the launcher was killed at work, not dead before"
# returns TEXT HELD LIMIT: KASAN keeps what was freed, up to a part of all memory.
returns() {
	if [ "$NESTOR_KERNEL" = debug ]; then
		result 0 "$1 # SKIP KASAN's quarantine holds freed objects"
		return
	fi
	[ "$2" -lt "$3" ]
	result $? "$1"
}

note "free pages: $before before, $after after"
returns "free pages return to where they were" $((before - after)) $SLACK_PAGES
note "kernel memory: $kernel_before KiB before, $kernel_after KiB after"
returns "the kernel's own memory returns to where it was" $((kernel_after - kernel_before)) \
	$SLACK_KIB
try "the module unloads" rmmod nestor
try "no warning in the kernel's log" sh -c \
	'! dmesg | grep -E "WARNING:|BUG:|Oops|leak"'
finish
