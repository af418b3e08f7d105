#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# However the launcher ends, its terminal is as it was before, and its exit status
# says why: what the guest did, what a person typed, which signal came.
# hosts: svm vmx
# options: --mem 512
# seconds: 300

. "${0%/*}/lib.sh"
. /nestor/userspace/tests/kernel-lib.sh
ONPTY=/nestor/userspace/tests/onpty/onpty
SPIN='\353\376'
HALT='\364\353\375'
# mov $0x3fd,%dx; 1: in %dx,%al; test $1,%al; jz 1b: until a key is typed
WAIT='\146\272\375\003\354\250\001\164\373'
plan 20

# ends STATUS NAME KERNEL STEP...: at a terminal that the launcher made raw.
ends() {
	status=$1 name=$2 kernel=$3
	shift 3
	$ONPTY 60 see=up raw "$@" -- "$NESTOR" run -k "$TMP/$kernel" -m 128M $OPTIONS \
		>"$TMP/out" 2>&1
	try "$name: status $status" grep -qx "status: $status" "$TMP/out" ||
		sed 's/^/# /' "$TMP/out" | tail -n 20
	case $* in
	*hangup*) return ;;
	esac
	grep -qx "terminal: as before" "$TMP/out" || BAD="$BAD; $name"
}

BAD=
code_kernel "$TMP/spin" "$SPIN"
code_kernel "$TMP/halt" "$HALT"
# mov $0x3400,%ax; mov $0x604,%dx; out %ax,%dx
code_kernel "$TMP/off" "$WAIT"'\146\270\000\064\146\272\004\006\146\357'"$HALT"
# mov $6,%al; mov $0xcf9,%dx; out %al,%dx
code_kernel "$TMP/reset" "$WAIT"'\260\006\146\272\371\014\356'"$HALT"
# ud2, with no IDT
code_kernel "$TMP/triple" "$WAIT"'\017\013'
# mov $0xd0000000,%eax; jmp *%rax: there is nothing
code_kernel "$TMP/nowhere" "$WAIT"'\270\000\000\000\320\377\340'

ends 0 "the guest powers off" off type=g
ends 3 "the guest resets" reset type=g
ends 4 "a triple fault" triple type=g
ends 5 "code where no memory is" nowhere type=g
ends 0 "Ctrl-A x, the guest busy" spin 'type=^Ax'
ends 0 "Ctrl-A x, the guest halted" halt 'type=^Ax'
ends 0 "Ctrl-C is for the guest, Ctrl-A x ends it" halt 'type=^C' 'type=^Ax'
ends 143 "SIGTERM, the guest busy" spin kill=15
ends 143 "SIGTERM, the guest halted" halt kill=15
ends 130 "SIGINT" spin kill=2
ends 131 "SIGQUIT" spin kill=3
ends 129 "SIGHUP" spin kill=1
ends 129 "the terminal goes away" spin hangup
ends 139 "a crash: SIGSEGV" spin kill=11
ends 134 "a crash: SIGABRT" spin kill=6
OPTIONS="--console virtio"
ends 0 "Ctrl-A x with a virtio console" spin size=100x30 'type=^Ax'
OPTIONS="--cpus 3"
ends 143 "SIGTERM with CPUs that wait for their start" halt kill=15
OPTIONS=
# mov $'x',%al; 1: out %al,%dx; jmp 1b: to a reader that has stopped reading
code_kernel "$TMP/print" '\260\170\356\353\375'
mkfifo "$TMP/pipe"
sleep 1000 <"$TMP/pipe" &
reader=$!
"$NESTOR" run -k "$TMP/print" -m 128M </dev/null >"$TMP/pipe" 2>"$TMP/out" &
pid=$!
sleep 3
(sleep 60; kill -9 $pid) 2>/dev/null &
kill $pid
wait $pid
result $(($? != 143)) "SIGTERM, the reader of the output stuck: status 143"
kill $reader
$ONPTY 60 -- "$NESTOR" run -k "$TMP/none" >"$TMP/out" 2>&1
try "a kernel that is not there: status 1" grep -qx "status: 1" "$TMP/out"
grep -qx "terminal: as before" "$TMP/out" || BAD="$BAD; no kernel"
note "terminals left changed: ${BAD:-none}"
try "the terminal is as before after all of them" [ -z "$BAD" ]
finish
