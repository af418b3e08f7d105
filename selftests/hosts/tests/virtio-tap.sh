#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A guest's network card on a tap device: host and guest ping each other, large
# frames come through whole, and the device is gone when the launcher is.
# hosts: svm
# options: --guest --smp 2 --mem 1024
# seconds: 600

. "${0%/*}/lib.sh"
. "${0%/*}/virtio-lib.sh"
plan 5

modprobe tun
begin_guest tap --net tap=tap0 <<END
ifconfig eth0 10.1.1.2 netmask 255.255.255.0 up
echo "up:"
ping -c 3 -W 10 10.1.1.1 >/dev/null && echo "the host answers"
ping -c 3 -W 10 -s 1472 10.1.1.1 >/dev/null && echo "large frames too"
sleep 5
END
tries=0
until ifconfig tap0 10.1.1.1 netmask 255.255.255.0 up 2>/dev/null || [ $tries -gt 30 ]; do
	tries=$((tries + 1))
	sleep 1
done
await "up:"
try "the guest answers the host" ping -c 3 -W 10 10.1.1.2
end_guest 60
result $? "a guest with a tap device powers off"
try "the host answers the guest" heard "the host answers"
try "with frames of 1514 bytes too" heard "large frames too"
try "the tap device is gone" sh -c '! ifconfig tap0'
finish
