#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A CPU with neither VMX nor SVM: the errno, the line for a person, no traces.
# hosts: plain
# options: --module none --add-ours
# seconds: 30
# fast: yes

. "${0%/*}/lib.sh"
need_file $KO
plan 4

dmesg -c >/dev/null
insmod $KO >"$TMP/out" 2>&1
result $((! $?)) "insmod is refused"
# ENODEV, in insmod's words.
try "the errno is ENODEV" grep -qi 'no such device' "$TMP/out"
dmesg >"$TMP/log"
try "dmesg says what to do" grep -q 'nestor: .*neither VMX nor SVM' "$TMP/log"
try "no device node is left" [ ! -e /dev/nestor ]
finish
