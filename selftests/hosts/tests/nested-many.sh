#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Two machines, each a Linux L1 with three L2 at once, which are bare-metal guests that
# say again and again that they live. An L2, a launcher, an L1 are killed: each time the
# others go on. One L1 has stock KVM, the other nestor; NST_L1 chooses others.
# hosts: svm
# nightly: svm
# options: --guest --smp 1 --slow 5 --mem 2048 --modparam nested=1
# seconds: 7200

. "${0%/*}/lib.sh"
. "${0%/*}/nested.sh"

NST_L1=${NST_L1:-svm:kvm_amd svm:nestor}
BOOT_SECONDS=7000
# How often the L2 are looked at until they have to have answered.
PATIENCE=${PATIENCE:-600}

# What an L1 does: three L2, of which it tells each second how far they are, and what
# L0 types, until L0 ends it.
l1_command() {
	cat <<-'END'
	begin() { NST_BEATS=100000000 ./beats >out.$1 2>&1 & eval pid$1=$!; }
	beats() { grep -c '^# beat' out.$1; }
	for n in 1 2 3; do begin $n; done
	while true; do
	    echo "L2: $(beats 1) $(beats 2) $(beats 3)"
	    word=
	    read -t 1 word
	    case $word in
	    kill*) eval kill -9 \$pid${word#kill}; echo "did $word" ;;
	    crash) echo b >/proc/sysrq-trigger ;;
	    end) break ;;
	    esac
	done
	grep -h '^not ok' out.*
	kill -9 $pid1 $pid2 $pid3 2>/dev/null
	wait
	true
	END
}

# begin NAME ISA:HYPERVISOR: a machine, typed at through $TMP/NAME/in.
begin() {
	mkdir -p "$TMP/$1"
	rm -f "$TMP/$1/in"
	mkfifo "$TMP/$1/in"
	(
		TMP=$TMP/$1
		PACK=/nestor/selftests/guest/bin/beats
		case ${2#*:} in nestor) device=/dev/nestor ;; *) device=/dev/kvm ;; esac
		# Open for both, so that nobody waits for the other end.
		exec 3<>"$TMP/in"
		start_l1 "${2%:*}" 500M 1 "${2#*:}" "" \
			"export NESTOR_HOST=$NESTOR_HOST NESTOR_DEV=$device
$(l1_command)" <&3 >"$TMP/log" 2>&1
		echo "launcher's status $?" >>"$TMP/log"
	) &
}

# The count of beats of an L2: beats_of MACHINE NUMBER.
beats_of() {
	grep '^L2: [0-9]* [0-9]* [0-9]*.\?$' "$TMP/$1/log" 2>/dev/null | tail -n 1 |
		tr -d '\r' | cut -d' ' -f$(($2 + 1))
}

# Each of these L2 (a1 b3 ...) says twice more that it lives: the first may be old.
alive() {
	for l2 in "$@"; do
		eval "was_$l2=$(beats_of "${l2%?}" "${l2#?}")"
	done
	for l2 in "$@"; do
		left=$PATIENCE
		while true; do
			now=$(beats_of "${l2%?}" "${l2#?}")
			eval "was=\${was_$l2:-0}"
			[ "${now:-0}" -lt $((was + 2)) ] || break
			left=$((left - 1))
			[ $left != 0 ] || { echo "$l2 is silent since $was"; return 1; }
			sleep 1
		done
	done
}

# waits_for MACHINE PATTERN: its log has the line.
waits_for() {
	left=$PATIENCE
	until grep -q "$2" "$TMP/$1/log" 2>/dev/null; do
		left=$((left - 1))
		[ $left != 0 ] || { echo "$1 never said $2"; tail -n 5 "$TMP/$1/log"; return 1; }
		sleep 1
	done
}

kill_launcher() {
	for p in $(pidof nestor); do
		grep -q "$TMP/$1/l1.disk" "/proc/$p/cmdline" && kill -9 "$p"
	done
	waits_for "$1" "^launcher's status"
}

# say MACHINE WORD: what its L1 reads next.
say() { echo "$2" >"$TMP/$1/in"; }

kill_l2() { say "$1" "kill$2" && waits_for "$1" "^did kill$2"; }

# L1 resets itself without a word to its guests.
crash_l1() { say "$1" crash && waits_for "$1" "^launcher's status [34]"; }

end_l1() {
	say "$1" end && waits_for "$1" "^launcher's status 0" &&
		grep -q '^L1: status 0' "$TMP/$1/log" &&
		! grep -E '^not ok|BUG:|WARNING: CPU|Oops' "$TMP/$1/log"
}

now() { note "$(cut -d' ' -f1 /proc/uptime) s: a: $(tail -n 1 "$TMP/a/log") b: $(tail -n 1 "$TMP/b/log")"; }

first=${NST_L1%% *} second=${NST_L1##* }
plan 12
begin a "$first"
begin b "$second"
try "two L1, three L2 each: six answer ($first, $second)" alive a1 a2 a3 b1 b2 b3
now
try "an L2 of the first is killed" kill_l2 a 2
try "five go on" alive a1 a3 b1 b2 b3
now
try "an L2 of the second is killed" kill_l2 b 1
try "four go on" alive a1 a3 b2 b3
now
try "the second launcher is killed" kill_launcher b
try "the first L1's two go on" alive a1 a3
now
begin b "$second"
try "with another machine in its place five answer" alive a1 a3 b1 b2 b3
now
try "the first L1 resets itself" crash_l1 a
try "the second's three go on" alive b1 b2 b3
now
try "which ends as it should" end_l1 b
try "the module unloads" rmmod nestor
finish
