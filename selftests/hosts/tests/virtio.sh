#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The launcher's devices as Debian's kernel sees them: a disk keeps what was
# written over a reboot, a read-only one refuses, NAT reaches the host and the
# host the guest, the entropy device gives bytes. MIB: size of the data (nightly 64).
# hosts: svm
# options: --guest --smp 2 --mem 2048
# seconds: 900

. "${0%/*}/lib.sh"
. "${0%/*}/virtio-lib.sh"
SERVED=$TMP/www
plan 11

ifconfig lo 127.0.0.1 up
truncate -s "${MIB}M" "$DATA"
mkdir "$SERVED"
dd if=/dev/urandom of="$SERVED/file" bs=1M count="$MIB" 2>/dev/null
httpd -p 127.0.0.1:8000 -h "$SERVED"

guest first --disk "$DATA" --rng <<END
echo "sectors: \$(cat /sys/block/vda/size) \$(cat /sys/block/vdb/size)"
echo "read-only: \$(cat /sys/block/vda/ro) \$(cat /sys/block/vdb/ro)"
dd if=/dev/vdb of=/dev/vda bs=512 count=1 conv=notrunc 2>/dev/null || echo "refused"
dd if=/dev/urandom of=/dev/vdb bs=1M count=$MIB conv=fsync 2>/dev/null && echo "written"
echo 3 >/proc/sys/vm/drop_caches
echo "sum: \$(md5sum </dev/vdb)"
echo "entropy: \$(cat /sys/class/misc/hw_random/rng_current) \$(head -c 64 /dev/hwrng | wc -c)"
END
result $? "a guest with two disks powers off"
try "it sees their size" heard "sectors: .* $((MIB * 2048))"
try "and which is read-only" heard "read-only: 1 0"
try "a write to the read-only one fails" heard "refused"
try "$MIB MiB are written and synced" heard "written"
try "the file has what the guest read back" heard "sum: $(sum_of "$DATA")"
try "the entropy device gives bytes" heard "entropy: virtio_rng.0 64"

guest second --disk "$DATA" <<END
echo "sum: \$(md5sum </dev/vdb)"
END
try "after a reboot the disk has it still" heard "sum: $(sum_of "$DATA")"

{
	until wget -q -O "$TMP/got" http://127.0.0.1:8081/hello 2>/dev/null; do sleep 1; done
	touch "$TMP/reached"
} &
knock=$!
guest third --net user,hostfwd=tcp:8081:80 <<END
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
route add default gw 10.0.2.2
ping -c 3 -W 5 10.0.2.2 >/dev/null && echo "gateway answers"
wget -q -O /tmp/file http://10.0.2.2:8000/file
echo "sum: \$(md5sum </tmp/file)"
mkdir /www; echo "from the guest" >/www/hello
httpd -p 80 -h /www
for i in \$(seq 30); do sleep 1; done
END
try "ping reaches the gateway of the NAT" heard "gateway answers"
try "a download of $MIB MiB through it is whole" heard "sum: $(sum_of "$SERVED/file")"
kill $knock 2>/dev/null
try "the host reaches the guest by a forwarded port" grep -q "from the guest" "$TMP/got"
killall httpd
finish
