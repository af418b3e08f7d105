#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Nestor in nestor in nestor: L0, L1 and L2 are Linux with nestor, and L3 is Linux that
# boots to its init; there it loads nestor, too, and bare-metal payloads are L4. ISAS says
# what L0, L1 and L2 each give to the level above them: svm or vmx.
# hosts: svm
# nightly: svm
# options: --guest --smp 1 --slow 10 --mem 2048 --modparam nested=1
# seconds: 5400

. "${0%/*}/lib.sh"
. "${0%/*}/nested.sh"

ISAS=${ISAS:-svm svm svm}
MEMS="1100M 700M 300M"
BOOT_SECONDS=${BOOT_SECONDS:-5000}
# None with a timer: its period would be shorter than an exit of L4.
PAYLOADS=${PAYLOADS:-cpuid exceptions pio}

# The script that all levels run from the disk that they hand on. Their number is on
# their kernel's command line. While a level waits for the next it says so: this is slow.
level_script() {
	cat <<-END
	level=\$(sed 's/.*level=\([0-9]*\).*/\1/' /proc/cmdline)
	echo "L\$level: up \$(cut -d' ' -f1 /proc/uptime)"
	mkdir /t; cd /t; tar xf /dev/vdb
	nth() { shift \$1; echo \$1; }
	run_next() {
	    insmod irqbypass.ko
	    insmod nestor.ko mmu_audit=2000 nested=1
	    while sleep 10; do echo "L\$level: waits \$(cut -d' ' -f1 /proc/uptime)"; done &
	    beat=\$!
	    ./nestor run --nested \$(nth \$((level + 1)) $ISAS) --mem \$(nth \$((level + 1)) $MEMS) \\
		--kernel bzImage --initrd initrd.gz --disk /dev/vda,ro --disk /dev/vdb,ro \\
		--append "${WORDS:-quiet} nestor.script level=\$((level + 1))" </dev/null
	    status=\$?
	    kill \$beat
	    return \$status
	}
	run_payloads() {
	    insmod irqbypass.ko
	    insmod nestor.ko mmu_audit=2000
	    export NESTOR_HOST=$NESTOR_HOST NST_PATIENCE=100
	    for t in $PAYLOADS; do ./\$t || return; done
	}
	if [ \$level = 3 ]; then run_payloads; else run_next; fi
	echo "L\$level: status \$?"
	dmesg -s 100000 | grep -A 12 -E "BUG:|WARNING: CPU|Oops|panic"
	rmmod nestor 2>/dev/null
	echo "L\$level: down \$(cut -d' ' -f1 /proc/uptime)"
	exit
	END
}

# climb LOG: up to L3 and its guests, and down; each line is seen as it comes.
climb() {
	PACK=$(for t in $PAYLOADS; do echo "/nestor/selftests/guest/bin/$t"; done)
	pack "$TMP/l1.tar" nestor
	# A disk has whole sectors; what is behind the last line is not read.
	level_script | dd of="$TMP/l1.disk" bs=4096 conv=sync 2>/dev/null
	timeout "$BOOT_SECONDS" "$NESTOR" run --nested "${ISAS%% *}" --kernel $GUEST/bzImage \
		--initrd $GUEST/initrd.gz --mem "${MEMS%% *}" \
		--disk "$TMP/l1.disk,ro" --disk "$TMP/l1.tar,ro" \
		--append "quiet nestor.script level=1" </dev/null 2>&1 |
	while read -r line; do
		echo "# $(cut -d' ' -f1 /proc/uptime) $line"
		echo "$line" >>"$1"
	done
}

# Every level came up.
all_up() {
	for l in 1 2 3; do
		grep -q "^L$l: up" "$1" || { echo "no L$l"; return 1; }
	done
}

# Every payload reported at least one case, and none failed.
payloads_passed() {
	[ "$(grep -c '^1\.\.[0-9]' "$1")" = "$(echo "$PAYLOADS" | wc -w)" ] || {
		echo "not all payloads ran"
		return 1
	}
	grep -q '^ok ' "$1" && ! grep '^not ok' "$1"
}

# Every level's command succeeded, its kernel found nothing wrong, and it went.
all_ended() {
	for l in 1 2 3; do
		grep -q "^L$l: status 0" "$1" || { echo "L$l failed"; return 1; }
		grep -q "^L$l: down" "$1" || { echo "L$l did not end"; return 1; }
	done
	! grep -E 'BUG:|WARNING: CPU|Oops|panic' "$1"
}

plan 3
climb "$TMP/log"
try "$ISAS: Linux as L3 under three levels of nestor reaches its init" all_up "$TMP/log"
try "bare-metal payloads as L4 under four levels of nestor" payloads_passed "$TMP/log"
try "all levels end well" all_ended "$TMP/log"
finish
