#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# memtest86+ runs one full pass as a guest and finds no error: ten patterns over
# all memory, moving itself about, in whatever page tables it makes.
# hosts: svm svm-nonpt
# nightly: svm svm-nonpt
# options: --other-guest memtest
# seconds: 900

. "${0%/*}/lib.sh"
LOG=$TMP/memtest.log
PASSED='Pass: *[1-9]'

# The screen as it comes over the serial line, without cursor movements.
screen() {
	tr '\033' '\n' <"$LOG" | sed 's/^\[[0-9;?]*[A-Za-z]//' | tr -d '\n'
}

one_pass() {
	"$NESTOR" run --kernel $GUEST/memtest/memtest.bin --mem "${MEMTEST_MEM:-8M}" \
		--append "nosmp nobench nosm nopause" </dev/null >"$LOG" 2>&1 &
	launcher=$!
	seconds=0
	sleep 1
	until screen | grep -q "$PASSED"; do
		sleep 2
		seconds=$((seconds + 2))
		if ! kill -0 $launcher 2>/dev/null || [ $seconds -ge 800 ]; then
			kill $launcher 2>/dev/null
			wait $launcher
			echo "no pass after $seconds s, launcher's status $?; the last of the screen:"
			screen | tail -c 600
			return 1
		fi
	done
	kill $launcher
	wait $launcher
	screen | grep -o 'Errors: *[0-9]*' | sort | uniq -c
	! screen | grep -q 'Errors: *[1-9]'
}

plan 2
try "one pass without an error" one_pass
try "the module unloads" rmmod nestor
finish
