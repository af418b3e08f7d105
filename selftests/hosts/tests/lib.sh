# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# What the scripts of this folder share. They run inside a test host, started
# by selftests/runner/run, which reads their headers:
#   hosts: where to run      options: of selftests/hosts/run
#   seconds: time limit      fast: yes, when make check-fast runs it too
#   nightly: hosts where it is for the night       debug: hosts where it
#                            runs with the debug kernel, too, at night
# They print TAP.

NESTOR=/nestor/userspace/nestor
GUEST=/nestor-guest
KO=/nestor/nestor.ko
TMP=$(mktemp -d)
# What looks at everything takes its time.
SLOW=1
[ "$NESTOR_KERNEL" != debug ] || SLOW=4
TAP_COUNT=0
TAP_FAILED=0

plan() { echo "1..$1"; }

note() { echo "# $*"; }

# result STATUS TEXT...: one TAP line.
result() {
	TAP_COUNT=$((TAP_COUNT + 1))
	if [ "$1" = 0 ]; then
		shift
		echo "ok $TAP_COUNT $*"
	else
		TAP_FAILED=$((TAP_FAILED + 1))
		shift
		echo "not ok $TAP_COUNT $*"
	fi
}

# try TEXT COMMAND...: passes when the command succeeds.
try() {
	try_text=$1
	shift
	"$@" >"$TMP/try" 2>&1
	try_status=$?
	[ $try_status = 0 ] || sed 's/^/# /' "$TMP/try" | tail -n 20
	result $try_status "$try_text"
	return $try_status
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 4
}

finish() {
	rm -rf "$TMP"
	[ $TAP_FAILED = 0 ]
	exit
}

need_file() {
	[ -e "$1" ] || { note "missing: $1"; exit 1; }
}

stock_kvm() {
	if grep -qw svm /proc/cpuinfo; then echo kvm_amd; else echo kvm_intel; fi
}

unload_stock_kvm() {
	rmmod "$(stock_kvm)" && rmmod kvm
}

# The module anew with other parameters, the audit of page tables kept on.
reload_module() {
	rmmod nestor && insmod "$KO" mmu_audit=2000 "$@"
}

# Boot Debian's kernel: boot LOG CPUS [option...]; it powers off by itself.
boot() {
	boot_log=$1 boot_cpus=$2
	shift 2
	timeout $((${BOOT_SECONDS:-300} * SLOW)) "$NESTOR" run "$@" \
		--kernel $GUEST/bzImage --initrd $GUEST/initrd.gz \
		--mem "${BOOT_MEM:-256M}" --cpus "$boot_cpus" \
		--append "console=ttyS0 quiet nestor.batch" \
		</dev/null >"$boot_log" 2>&1
}

# What a guest that lived must have said, behind what firmware has left of a line.
lived() {
	grep -q 'Linux guest ' "$1" && grep -q '^flags' "$1" &&
		grep -q "^cpus: $2" "$1"
}

boots() {
	boot "$@"
	boots_status=$?
	if [ $boots_status = 0 ] && lived "$1" "$2"; then
		return 0
	fi
	echo "launcher's status $boots_status; the guest's last words:"
	tail -n 15 "$1"
	return 1
}

# Free pages, those on the lists of CPUs too, after everything lazy was done: the
# most of several looks, since workers still hold what they are about to free.
free_pages() {
	most=0
	for _ in 1 2 3 4 5; do
		sync
		echo 3 >/proc/sys/vm/drop_caches
		echo 1 >/proc/sys/vm/compact_memory
		sleep 1
		free=$(awk '/^nr_free_pages / || $1 == "count:" { sum += $2 }
			END { print sum }' /proc/vmstat /proc/zoneinfo)
		[ "$free" -le $most ] || most=$free
	done
	echo $most
}

# KiB that the kernel holds for itself and cannot give back on demand.
kernel_memory() {
	awk '/^(SUnreclaim|KernelStack|PageTables|SecPageTables|Percpu|VmallocUsed):/ \
		{ sum += $2 } END { print sum }' /proc/meminfo
}
