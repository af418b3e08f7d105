#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Who watches: "perf kvm stat" and trace-cmd, unmodified, understand the module's
# tracepoints; "nestor stat" shows what VMs do, and keeps none of them.
# hosts: svm
# options: --guest --client trace --mem 1536
# seconds: 300

. "${0%/*}/lib.sh"
plan 18
# A small guest that does a good deal of everything.
PAYLOAD=/nestor/selftests/guest/bin/pio
cd "$TMP" || exit 1

has() { grep -qE "$1" "$2" || { tail -n 25 "$2"; return 1; }; }

try "perf kvm stat record" perf kvm stat record -a -o perf.data $PAYLOAD
try "perf kvm stat report" sh -c "perf kvm -i perf.data stat report >report 2>&1"
try "knows exits by name" has '^ +(io|hlt|cpuid) +[0-9]+ ' report
samples=$(sed -n 's/^Total Samples:\([0-9]*\),.*/\1/p' report)
try "and has measured them" test "${samples:-0}" -gt 10

try "trace-cmd record" trace-cmd record -q -e kvm -o trace.dat $PAYLOAD
try "trace-cmd report" sh -c "trace-cmd report -i trace.dat >trace"
try "shows entries" has 'kvm_entry: +vcpu 0' trace
try "exits with their reasons" has 'kvm_exit: +reason EXIT_(IOIO|IO_INSTRUCTION) rip 0x[0-9a-f]+' trace
try "exits to userspace" has 'kvm_userspace_exit: .*reason' trace

# A table is being made at this moment, perhaps.
unloads() {
	for _ in 1 2 3 4 5; do
		rmmod nestor && return
		usleep 100000
	done
	return 1
}
stat() { timeout 60 "$NESTOR" stat "$@"; }
alone() { stat -n 1 >out && has '^nestor stat: 0 VMs' out; }
try "nestor stat without a VM" alone
"$NESTOR" run --kernel $GUEST/bzImage --initrd $GUEST/initrd.gz --mem 256M --cpus 2 \
	--append "quiet nestor.batch" </dev/null >guest 2>&1 &
vm=$!
busy() { stat -n 1 >out && has '^  io +- +[0-9]{2}' out; }
for _ in $(seq 60); do
	busy >/dev/null && break
	usleep 200000
done
try "with one it shows its CPUs" has '^VM .*\(nestor\), 2 vCPUs' out
try "its exits by kind" has '^  (cpuid|msr) +- +[1-9]' out
try "for one process" sh -c "$NESTOR stat -n 1 -p $vm | grep -q '^nestor stat: 1 VM'"
try "not for another" sh -c "$NESTOR stat -n 1 -p $$ | grep -q '^nestor stat: 0 VMs'"
stat -n 3 -i 0.5 >out
try "from the second table on there are rates" has '^ +all exits +[0-9]+ +[0-9]+' out
# shellcheck disable=SC2016
try "and totals only grow" awk '/all exits/ { if ($NF < last) bad = 1; last = $NF; n++ }
	END { exit bad || n != 3 }' out
stat -n 1000 -i 0.1 >out &
watcher=$!
kill $vm
wait $vm
try "the module unloads while somebody looks for VMs" unloads
kill $watcher
wait $watcher 2>/dev/null
try "who saw it go" has '^nestor stat: 0 VMs' out
finish
