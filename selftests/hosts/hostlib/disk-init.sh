#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# First process of a guest whose root is a disk: loads what the disk needs and
# hands over to the init that lies there.

export PATH=/bin:/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
while read -r module; do
	insmod "/lib/$module.ko"
done </lib/order
tries=0
until mount -t ext4 -o rw /dev/vda /root; do
	tries=$((tries + 1))
	[ $tries -lt 50 ] || poweroff -f
	usleep 100000
done
mount -o move /dev /root/dev
umount /sys /proc
exec switch_root /root /sbin/init
