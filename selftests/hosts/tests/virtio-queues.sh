#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Who serves a virtio queue: the device's thread, not a vCPU's; and a notification
# costs no exit to the launcher (IOEVENTFD). The same disk with interrupts by a line, for a
# driver without MSI-X (pci=nomsi).
# hosts: svm
# options: --guest --smp 2 --mem 1024
# seconds: 900

. "${0%/*}/lib.sh"
. "${0%/*}/virtio-lib.sh"
REQUESTS=400
plan 10

# bytes FIELD NAME: of a thread of the launcher, or of several.
bytes() {
	total=0
	for task in /proc/$PID/task/*; do
		case $(cat "$task/comm") in
		$2) total=$((total + $(sed -n "s/^$1: //p" "$task/io"))) ;;
		esac
	done
	echo $total
}

user_exits() {
	cat /sys/kernel/debug/nestor/*/vcpu*/exits |
		awk '$1 == "user-exits" { n += $2 } END { print n + 0 }'
}

dd if=/dev/urandom of="$DATA" bs=1M count="$MIB" 2>/dev/null
begin_guest queues --disk "$DATA" <<END
echo "agreed: \$(cut -c 29-30 /sys/bus/virtio/devices/virtio1/features)"
echo 0 >/sys/block/vdb/queue/read_ahead_kb
awk '{ print "before: " \$1 }' /sys/block/vdb/stat
sleep 2
dd if=/dev/vdb of=/dev/null bs=4096 count=$REQUESTS 2>/dev/null
awk '{ print "after: " \$1 }' /sys/block/vdb/stat
echo "sum: \$(md5sum </dev/vdb)"
dd if=/dev/zero of=/dev/vdb bs=1M count=$MIB conv=fsync 2>/dev/null
echo "written:"
sleep 5
END
await "before: "
first=$(user_exits)
await "after: "
last=$(user_exits)
await "written:"
vda=$(bytes wchar blk) vcpus=$(bytes wchar 'vcpu*')
end_guest 60
result $? "a guest reads and writes a disk"
try "its driver uses indirect tables and event indexes" heard "agreed: 11"
requests=$(($(sed -n 's/^after: //p' "$log" | tr -d '\r') - \
	$(sed -n 's/^before: //p' "$log" | tr -d '\r')))
note "$requests requests, $((last - first)) exits to the launcher meanwhile"
try "it makes a request of each page" [ $requests -ge $REQUESTS ]
try "notifications do not exit to the launcher" [ $((last - first)) -lt $((REQUESTS / 2)) ]
note "bytes written by threads: $vda of the disks, $vcpus of the vCPUs"
try "the device's thread writes the disk" [ "$vda" -ge $((MIB << 20)) ]
try "the vCPUs' threads do not" [ "$vcpus" -lt $((64 << 10)) ]

dd if=/dev/urandom of="$DATA" bs=1M count="$MIB" 2>/dev/null
APPEND=pci=nomsi
guest lines --disk "$DATA" <<END
grep virtio /proc/interrupts | head -n 1 | sed 's/^/line: /'
echo "sum: \$(md5sum </dev/vdb)"
END
result $? "a guest without MSI-X"
try "its disk interrupts by a line" grep -q "^line: .*IO-APIC.*fasteoi.*virtio" "$log"
grep '^line:' "$log" | sed 's/^/# /'
try "and has its data" heard "sum: $(sum_of "$DATA")"

# A guest that writes to a console that nobody reads; what it writes is not seen here.
APPEND=
mkfifo "$TMP/pipe"
sleep 1000 <"$TMP/pipe" &
reader=$!
OUTPUT=$TMP/pipe
begin_guest full --console virtio <<END
yes "and again" >/dev/hvc0
END
waited=0
until [ "$(bytes wchar console)" -ge 32768 ] || [ $waited -gt 300 ]; do
	waited=$((waited + 1))
	sleep 1
done
sleep 2
kill $PID
end_guest 60
result $(($? != 143)) "SIGTERM ends it although its console is stuck: status 143"
kill $reader
finish
