#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The host goes to sleep and wakes while a guest runs. The kernel's own test
# level "core" goes through everything but the firmware: freezing of processes,
# CPUs taken down, syscore suspend and resume.
# hosts: svm
# options: --guest --smp 2 --mem 1536
# seconds: 300

. "${0%/*}/lib.sh"
[ -e /sys/power/pm_test ] || skip_all "the kernel has no /sys/power/pm_test"
plan 5

sleeps() {
	echo core >/sys/power/pm_test && echo mem >/sys/power/state
}

try "sleep and wake with no guest" sleeps
boots "$TMP/guest" 1 >"$TMP/why" &
vm=$!
sleep 3
try "the guest is at work" kill -0 $vm
try "sleep and wake under a guest" sleeps
wait $vm
status=$?
[ $status = 0 ] || sed 's/^/# /' "$TMP/why"
result $status "the guest boots and powers off all the same"
echo none >/sys/power/pm_test
try "the module unloads" rmmod nestor
finish
