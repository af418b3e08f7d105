#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Debian's kernel with its root on a raw disk: to a login prompt, somebody logs in;
# a file written and synced is there after a reboot; a download through NAT is
# whole; the host reaches the guest by a forwarded port. MIB: size of the file and
# of the download (nightly 64).
# hosts: svm vmx
# options: --guest --other-guest disk --smp 2 --mem 1280
# seconds: 1200
# nightly: vmx

. "${0%/*}/lib.sh"
MIB=${MIB:-4}
PATIENCE=${PATIENCE:-900}
DISK=$TMP/disk
LOG=$TMP/console
KEYS=$TMP/keys
SERVED=$TMP/www
plan 12

# start LOG [option...]: a guest whose console is $LOG, and descriptor 3 its keyboard.
start() {
	LOG=$1
	shift
	rm -f "$KEYS"
	mkfifo "$KEYS"
	"$NESTOR" run --disk "$DISK" "$@" --kernel $GUEST/bzImage \
		--initrd $GUEST/disk/initrd.gz --mem 256M --append quiet \
		<"$KEYS" >"$LOG" 2>&1 &
	PID=$!
	exec 3>"$KEYS"
}

# await TEXT: until the console shows it, while the guest lives.
await() {
	waited=0
	until grep -q "$1" "$LOG"; do
		waited=$((waited + 1))
		if [ $waited -gt "$PATIENCE" ] || ! kill -0 $PID; then
			tail -n 15 "$LOG"
			return 1
		fi
		sleep 1
	done
}

# ask MARK COMMAND: type it; wait for the line that begins with the mark.
ask() {
	mark=$1
	shift
	echo "echo; echo \"$mark: \$($*)\"" >&3
	await "^$mark: "
}

# answer MARK: what came.
answer() { sed -n "s/^$1: //p" "$LOG" | tr -d '\r' | tail -n 1; }

log_in() {
	await "login: " || return
	echo root >&3
	await "ready# "
}

# ends STATUS COMMAND: the guest's own end, by what is typed.
ends() {
	echo "$2" >&3
	wait $PID
	ended=$?
	exec 3>&-
	[ $ended = "$1" ] && return
	echo "status $ended"
	tail -n 15 "$LOG"
	return 1
}

sum_of() { md5sum <"$1" | cut -d ' ' -f 1; }

ifconfig lo 127.0.0.1 up
zcat $GUEST/disk/root.img.gz >"$DISK"
mkdir "$SERVED"
dd if=/dev/urandom of="$SERVED/file" bs=1M count="$MIB" 2>/dev/null
httpd -p 127.0.0.1:8000 -h "$SERVED"

start "$TMP/first" --net user,hostfwd=tcp:8081:80
try "the kernel finds its root on the disk and asks for a login" await "login: "
try "root logs in" log_in
ask root "grep ' / ' /proc/mounts"
try "its root is the disk" [ "$(answer root | cut -d ' ' -f 1)" = /dev/vda ]
ask wrote "dd if=/dev/urandom of=/root/data bs=1M count=$MIB 2>/dev/null; sync; wc -c </root/data"
try "$MIB MiB are written and synced" [ "$(answer wrote)" = $((MIB << 20)) ]
ask before "md5sum </root/data"
BEFORE=$(answer before)
ask net "ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up; wget -q -O /tmp/got http://10.0.2.2:8000/file; md5sum </tmp/got; rm /tmp/got"
try "a download of $MIB MiB through NAT is whole" \
	[ "$(answer net)" = "$(sum_of "$SERVED/file")  -" ]
ask web "mkdir /tmp/www; echo from the guest >/tmp/www/hello; httpd -p 80 -h /tmp/www; echo up"
wget -q -O "$TMP/hello" http://127.0.0.1:8081/hello
try "the host reaches the guest by a forwarded port" grep -q "from the guest" "$TMP/hello"
try "the guest asks for a reset" ends 3 reboot

start "$TMP/second" --console virtio
try "after the reboot it asks for a login again, on the virtio console" log_in
ask consoles "cat /sys/class/tty/console/active"
try "which is /dev/console" [ "$(answer consoles | sed 's/.* //')" = hvc0 ]
ask after "md5sum </root/data"
try "the file has the same checksum" [ "$(answer after)" = "$BEFORE" ]
note "$MIB MiB, md5 $(answer after)"
try "it is not that of nothing" [ "${BEFORE%% *}" != d41d8cd98f00b204e9800998ecf8427e ]
try "the guest powers off" ends 0 poweroff
killall httpd
finish
