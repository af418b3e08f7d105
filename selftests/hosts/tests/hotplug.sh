#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# CPUs go away and come back while the module is loaded and a guest runs.
# hosts: svm
# options: --guest --smp 2 --mem 1536
# seconds: 300
# debug: svm

. "${0%/*}/lib.sh"
ONLINE=/sys/devices/system/cpu/cpu1/online
[ -e $ONLINE ] || skip_all "the host has one CPU"
plan 5

toggle() {
	echo 0 >$ONLINE && echo 1 >$ONLINE
}

try "a CPU goes and comes back with no guest" toggle
boots "$TMP/guest" 2 >"$TMP/why" &
vm=$!
sleep 2
bad=0
for i in 1 2 3 4 5; do
	toggle || bad=1
	sleep 1
done
result $bad "a CPU goes and comes back five times under a guest"
wait $vm
status=$?
[ $status = 0 ] || sed 's/^/# /' "$TMP/why"
result $status "the guest boots and powers off all the same"
try "a CPU goes away" sh -c "echo 0 >$ONLINE"
try "the module unloads with a CPU away" rmmod nestor
echo 1 >$ONLINE
finish
