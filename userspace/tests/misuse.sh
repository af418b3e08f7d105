#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Each misuse of the launcher gets its own sentence and the documented exit
# status. No hypervisor is needed: every case ends before a guest could start.
# Usage: misuse.sh [PATH-OF-NESTOR]; output in TAP.

nestor=${1:-./nestor}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0
failed=0

# expect STATUS PATTERN NAME [ARGUMENT]...
expect()
{
	want=$1 pattern=$2 name=$3
	shift 3
	n=$((n + 1))
	"$nestor" "$@" >"$dir/out" 2>&1 </dev/null
	got=$?
	if [ "$got" -eq "$want" ] && grep -q -e "$pattern" "$dir/out"; then
		echo "ok $n - $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $n - $name"
	echo "# status $got, expected $want; output, expected to match '$pattern':"
	sed 's/^/# /' "$dir/out"
}

. "${0%/*}/kernel-lib.sh"

k=$dir/kernel
make_kernel "$k"
cp "$k" "$dir/old"
poke "$dir/old" 518 '\011\002'
cp "$k" "$dir/zimage"
poke "$dir/zimage" 529 '\000'
cp "$k" "$dir/low"
poke "$dir/low" 600 '\000\000\000\000'
cp "$k" "$dir/wrap"
poke "$dir/wrap" 600 '\000\360\377\377\377\377\377\377'
head -c 700 "$k" >"$dir/short"
poke "$dir/short" 497 '\004'
head -c 1000 "$k" >"$dir/cut"
poke "$dir/cut" 497 '\004'
echo "not a kernel" >"$dir/text"
truncate -s 40M "$dir/initrd"
: >"$dir/empty"
mkfifo "$dir/pipe"
long=$(printf '%03000d' 0)

expect 2 "no command" "no arguments"
expect 0 "per second\|each second" "stat --help" stat --help
expect 2 "interval 0.01: not a number from" "stat: too often" stat --interval 0.01
expect 2 "interval nan: not a number from" "stat: an interval that is no number" stat -i nan
expect 2 "count 0: not a number of tables" "stat: no table" stat --count 0
expect 2 "pid 1x: not the number of" "stat: no process" stat --pid 1x
expect 2 "needs a value" "stat: a value is missing" stat --pid
expect 2 "unexpected word" "stat: an extra word" stat more
expect 1 "No such process" "stat: a process that is gone" stat -n 1 -p 4194304
expect 2 "unknown command 'walk'" "unknown command" walk
expect 2 "no kernel" "no kernel" run
expect 2 "unknown.*--frobnicate" "unknown option" run --frobnicate
expect 2 "unknown.*-z" "unknown short option" run -z
expect 2 "--kernel needs a value" "option without its value" run --kernel
expect 2 "unexpected word 'extra'" "stray word" run -k "$k" extra
expect 2 "not a number" "--mem is not a number" run -k "$k" --mem lots
expect 2 "not a number" "--mem is negative" run -k "$k" --mem -1
expect 2 "not a number" "--mem overflows" run -k "$k" --mem 99999999999999999999
expect 2 "suffix" "--mem with a wrong suffix" run -k "$k" --mem 5X
expect 2 "nothing may follow" "--mem with a long suffix" run -k "$k" --mem 5MB
expect 2 "too little" "--mem 0" run -k "$k" --mem 0
expect 2 "too little" "--mem below the minimum" run -k "$k" --mem 1M
expect 2 "too much" "--mem above the maximum" run -k "$k" --mem 2000G
expect 2 "not a number" "--cpus is not a number" run -k "$k" --cpus two
expect 2 "not a number" "--cpus with a tail" run -k "$k" --cpus 2x
expect 2 "1 to 254" "--cpus 0" run -k "$k" --cpus 0
expect 2 "1 to 254" "too many CPUs" run -k "$k" --cpus 255
expect 1 "cannot read the kernel.*No such file" "kernel not there" run -k "$dir/none"
expect 1 "not a regular file" "kernel is a directory" run -k "$dir"
expect 1 "not a Linux kernel" "kernel is a text file" run -k "$dir/text"
expect 1 "not a Linux kernel" "kernel is empty" run -k "$dir/empty"
expect 1 "protocol 2.9" "kernel too old" run -k "$dir/old"
expect 1 "not a Linux kernel" "kernel that is loaded low" run -k "$dir/zimage"
expect 1 "below 1 MiB" "kernel below 1 MiB" run -k "$dir/low"
expect 1 "not a Linux kernel" "kernel shorter than its header" run -k "$dir/short"
expect 1 "cut off" "kernel without payload" run -k "$dir/cut"
expect 2 "too little memory" "kernel at the end of the address space" run -k "$dir/wrap"
expect 2 "too little memory.*81 MiB" "too little memory for the kernel" run -k "$k" -m 64M
expect 2 "too little memory.*kernel and initrd need 121 MiB" "too little memory for the initrd" \
	run -k "$k" -m 100M -i "$dir/initrd"
expect 1 "not a regular file" "kernel is a pipe" run -k "$dir/pipe"
expect 1 "cannot read the initrd" "initrd not there" run -k "$k" -i "$dir/none"
expect 2 "command line is 30.. characters long, at most 2047" "command line too long" \
	run -k "$k" -a "$long"
expect 1 "is the module loaded.*modprobe nestor" "no device node" \
	run -k "$k" -d "$dir/nestor"
# A node that udev left, or made beforehand: nobody is behind it.
if mknod "$dir/idle" c 10 251 2>/dev/null; then
	expect 1 "is the module loaded.*modprobe nestor" "a node without its module" \
		run -k "$k" -d "$dir/idle"
fi
expect 1 "does not speak the KVM interface" "device of another kind" run -k "$k" -d /dev/null
expect 2 "no format 'zip'" "unknown disk format" run -k "$k" -D "$dir/text,format=zip"
expect 2 "no format 'raw'" "format of an address" run -k "$k" -D "nbd://localhost,format=raw"
expect 2 "no file is named" "disk without a name" run -k "$k" -D ,ro
expect 2 "there can be 8 disks" "nine disks" run -k "$k" -D 1 -D 2 -D 3 -D 4 -D 5 -D 6 -D 7 \
	-D 8 -D 9
expect 2 "neither 'serial' nor 'virtio'" "unknown console" run -k "$k" --console paper
expect 2 "one network card" "two network cards" run -k "$k" -n user -n user
expect 2 "neither 'vmx' nor 'svm'" "unknown nested ISA" run -k "$k" --nested arm
expect 0 "Usage: nestor run" "--help" --help
expect 0 "Usage: nestor run" "run --help" run --help
expect 0 "^nestor [0-9]" "--version" --version

# as_nobody NAME PATTERN ARGUMENT...: root may open anything, so these need somebody else
as_nobody()
{
	name=$1 pattern=$2
	shift 2
	if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
		n=$((n + 1))
		echo "ok $n - $name # SKIP needs root and setpriv"
		return
	fi
	saved=$nestor
	nestor=setpriv
	expect 1 "$pattern" "$name" --reuid 65534 --regid 65534 --clear-groups -- \
		"$dir/nestor-copy" run "$@"
	nestor=$saved
}

: >"$dir/node"
cp "$k" "$dir/secret"
chmod 600 "$dir/node" "$dir/secret"
chmod 755 "$dir"
cp "$nestor" "$dir/nestor-copy"
as_nobody "no permission on the node" "no permission on .*group" -k "$k" -d "$dir/node"
as_nobody "no permission on the kernel" "cannot read the kernel.*Permission denied" \
	-k "$dir/secret"
as_nobody "no permission on the initrd" "cannot read the initrd.*Permission denied" \
	-k "$k" -m 128M -i "$dir/secret"

echo "1..$n"
[ "$failed" -eq 0 ]
