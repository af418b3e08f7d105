#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Run in a test host: test programs one after the other, framed by marks.
#
# usage: in-host.sh LIST      lines of LIST: SECONDS PROGRAM
#
# A program runs in its own directory, with that time limit. Between programs
# the kernel's log gets the name, so that a report there can be attributed.

list=$1
while read -r limit program; do
	dir=${program%/*}
	name=${program##*/}
	echo "@@begin $program@@"
	echo "nestor-test: $program" >/dev/kmsg
	(cd "/nestor/$dir" && exec timeout -s KILL "$limit" "./$name" </dev/null 2>&1)
	status=$?
	[ "$status" != 137 ] || status=124
	echo
	echo "@@end $program $status@@"
done <"$list"
