#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Two guests at the same time, each with two CPUs, on two host CPUs.
# hosts: svm
# options: --guest --smp 2 --mem 1536
# seconds: 400
# debug: svm
# nightly: svm

. "${0%/*}/lib.sh"
plan 3

boots "$TMP/a" 2 >"$TMP/a.why" &
a=$!
boots "$TMP/b" 2 >"$TMP/b.why" &
b=$!
wait $a
status=$?
[ $status = 0 ] || sed 's/^/# /' "$TMP/a.why"
result $status "the first guest boots and powers off"
wait $b
status=$?
[ $status = 0 ] || sed 's/^/# /' "$TMP/b.why"
result $status "the second guest boots and powers off"
try "the module unloads" rmmod nestor
finish
