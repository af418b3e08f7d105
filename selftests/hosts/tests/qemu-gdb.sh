#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# gdb at the port of unmodified QEMU: single steps in SeaBIOS, breakpoints in
# hardware and in software, a watchpoint and steps in Debian's kernel as it boots;
# then the guest goes on. In svm the emulator's guests meet no breakpoint, neither
# INT3 nor one in DR7 (see deviations.rst): there gdb steps alone.
# hosts: svm vmx
# nightly: vmx
# options: --guest --other-guest vmlinux --client qemu --mem 2048
# seconds: 600

. "${0%/*}/lib.sh"
. "${0%/*}/qemu-lib.sh"
plan 9

# The guest's kernel is the host's, but not moved.
address() { echo "0x$(awk -v name="$1" '$3 == name { print $1; exit }' /proc/kallsyms)"; }
symbol() { printf '0x%x' $(($(address "$1") - $(address _text) + 0xffffffff81000000)); }

# What the init of the guest calls: hostname(1), then uname(1). The host name is
# the second string of the name space, behind 65 bytes; "(none)" becomes "guest".
CALL=$(symbol __x64_sys_sethostname)
NEXT=$(symbol __x64_sys_newuname)
NAME=$(symbol init_uts_ns)+65
PORT=1234

{
	cat <<END
set pagination off
set confirm off
set tcp connect-timeout 100
set remotetimeout 100
target remote 127.0.0.1:$PORT
define steps
set \$n = 0
set \$moved = 0
while \$n < 50
set \$before = (long)\$rip
stepi
if (long)\$rip != \$before
set \$moved = \$moved + 1
end
set \$n = \$n + 1
end
printf "moved %d\\n", \$moved > 45
end
printf "reset %d\\n", ((long)\$rip & 0xffff) == 0xfff0
steps
END
	[ "${NESTOR_HOST%%-*}" = svm ] || cat <<END
hbreak *$CALL
continue
printf "hardware %d\\n", (long)\$rip == $CALL
delete
watch *(char *)($NAME)
continue
printf "watched %d\\n", *(char *)($NAME) == 'g'
delete
break *$NEXT
continue
printf "software %d\\n", (long)\$rip == $NEXT
delete
steps
END
	echo detach
} >"$TMP/commands"

said() { grep -q "^$1" "$TMP/gdb.log" || last_words "$TMP/gdb.log"; }
breakpoint() {
	case $NESTOR_HOST in
	svm*) result 0 "$1 # SKIP no breakpoints under this emulator" ;;
	*) try "$1" said "$2" ;;
	esac
}

start one -S -gdb "tcp:127.0.0.1:$PORT" -kernel "$VMLINUX" -initrd $GUEST/initrd.gz \
	-append "$LINUX_LINE nokaslr nestor.batch"
debugs() {
	timeout $((QEMU_SECONDS * SLOW)) gdb -nx -batch -x "$TMP/commands" >"$TMP/gdb.log" 2>&1 ||
		last_words "$TMP/gdb.log"
}
try "gdb ends without an error" debugs
try "the CPU waits at its first instruction" said "reset 1"
try "fifty steps move it" said "moved 1"
breakpoint "a hardware breakpoint stops at its address" "hardware 1"
breakpoint "a watchpoint sees the write" "watched 1"
breakpoint "a software breakpoint stops" "software 1"
try "the guest goes on and powers off" ends one
try "as if nothing had been" lived "$TMP/one.serial" 1
try "the module unloads" module_unloads
finish
