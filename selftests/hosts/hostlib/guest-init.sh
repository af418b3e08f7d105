#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# First process of the Linux guest that the launcher boots: a shell, or, with
# nestor.batch on the kernel's command line, proof of life and power-off. With
# nestor.script a script on the first disk takes its place.

export PATH=/bin:/sbin HOME=/root TERM=vt100
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
hostname guest

uname -a
if grep -qw nestor.batch /proc/cmdline; then
	grep -m1 '^flags' /proc/cpuinfo
	echo "cpus: $(grep -c ^processor /proc/cpuinfo)"
	poweroff -f
fi
while read -r module; do
	insmod "/lib/$module.ko"
done </lib/order
if grep -qw nestor.script /proc/cmdline; then
	sh /dev/vda
	poweroff -f
fi
echo "Nestor guest. 'poweroff -f' or Ctrl-A x ends it."
cd /root
setsid -c sh
poweroff -f
