#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Stock KVM is loaded: we step back with EBUSY, and it works on unharmed.
# hosts: svm vmx
# options: --module kvm --add-ours --guest
# seconds: 200
# debug: svm
# fast: yes

. "${0%/*}/lib.sh"
need_file $KO
plan 6

refused() {
	dmesg -c >/dev/null
	insmod $KO >"$TMP/out" 2>&1
	result $((! $?)) "insmod is refused while $1"
	# EBUSY, in insmod's words.
	grep -qi 'busy' "$TMP/out"
	result $? "the errno is EBUSY while $1"
	dmesg >"$TMP/log"
	grep -q 'nestor: .*\(rmmod\|unload\)' "$TMP/log"
	result $? "dmesg says to unload the other while $1"
}

refused "stock KVM is idle"

# A guest that runs for the time of the second try.
"$NESTOR" run --device /dev/kvm --kernel $GUEST/bzImage \
	--initrd $GUEST/initrd.gz --mem 256M --cpus 1 \
	--append "console=ttyS0 quiet" </dev/null >"$TMP/guest" 2>&1 &
vm=$!
sleep 2
kill -0 $vm || { note "stock KVM's guest did not run"; cat "$TMP/guest"; }
refused "stock KVM runs a guest"
kill -9 $vm
finish
