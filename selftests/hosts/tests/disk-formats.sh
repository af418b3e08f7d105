#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A qcow2 image as a guest's disk: nestor-nbd and qemu-nbd serve it. What the guest
# writes is in the image, and there after a reboot; nothing is left running.
# hosts: svm
# options: --guest --client qemu --smp 2 --mem 2048
# seconds: 900

. "${0%/*}/lib.sh"
. "${0%/*}/virtio-lib.sh"
IMAGE=$TMP/disk.qcow2
plan 7

qemu-img create -q -f qcow2 "$IMAGE" "${MIB}M"
guest first --disk "$IMAGE" <<END
echo "sectors: \$(cat /sys/block/vdb/size)"
dd if=/dev/urandom of=/dev/vdb bs=1M count=$MIB conv=fsync 2>/dev/null && echo "written"
echo 3 >/proc/sys/vm/drop_caches
echo "sum: \$(md5sum </dev/vdb)"
END
result $? "a guest with a qcow2 image powers off"
try "it sees its size" heard "sectors: $((MIB * 2048))"
try "$MIB MiB are written and synced" heard "written"
qemu-img convert -f qcow2 -O raw "$IMAGE" "$DATA"
try "the image has what the guest read back" heard "sum: $(sum_of "$DATA")"
try "no helper is left" sh -c '! pidof nestor-nbd && ! pidof qemu-nbd'

guest second --disk "$IMAGE,ro" <<END
echo "sum: \$(md5sum </dev/vdb)"
dd if=/dev/vda of=/dev/vdb bs=512 count=1 conv=notrunc 2>/dev/null || echo "refused"
END
try "after a reboot the disk has it still" heard "sum: $(sum_of "$DATA")"
try "and read-only it takes nothing" heard "refused"
finish
