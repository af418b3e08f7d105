#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs all tests of the launcher and joins their TAP streams into one, numbered
# through. A program that breaks its own plan or its status is a failed point.
# Usage: all.sh, in userspace/.

PATH=$PWD:$PATH

{
	tests/misuse.sh ./nestor
	echo "status $?"
	for program in units virtqueue device disk; do
		tests/$program 2>&1
		echo "status $?"
	done
} | awk '
	function point(good, text) {
		printf "%sok %d - %s\n", good ? "" : "not ", ++n, text
		bad += !good
	}
	/^(not )?ok / {
		good = !/^not /
		sub(/^(not )?ok [0-9]+ - /, "")
		point(good, $0)
		points++
		badpoints += !good
		next
	}
	/^1\.\.[0-9]+$/ { plan = substr($0, 4) + 0; next }
	/^status [0-9]+$/ {
		if (plan != points || ($2 != 0) != (badpoints > 0))
			point(0, "a program ended early: " points " of " plan + 0 " points, " $0)
		plan = points = badpoints = 0
		next
	}
	{ print }
	END { printf "1..%d\n", n; exit bad > 0 }
'
