#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Ours and stock KVM, one after the other, each entering a guest: neither
# leaves anything behind that troubles the other.
# One CPU: each load patches what all CPUs run all the time, and QEMU's stale
# translations (deviations.rst) then hang a host of several now and then.
# hosts: svm vmx
# options: --module none --add-ours --guest --smp 1
# seconds: 300
# debug: svm

. "${0%/*}/lib.sh"
need_file $KO
# Half a minute each under Bochs on a busy machine.
case $NESTOR_HOST in
vmx*) ROUNDS=${ROUNDS:-4} ;;
*) ROUNDS=${ROUNDS:-10} ;;
esac
plan $((ROUNDS * 4))

# Enough of a guest to have entered it many times; then it is killed.
enter() {
	"$NESTOR" run --device "$1" --kernel $GUEST/bzImage \
		--initrd $GUEST/initrd.gz --mem 128M --cpus 1 \
		--append "console=ttyS0 quiet" </dev/null >"$TMP/guest" 2>&1 &
	enter_vm=$!
	sleep 1
	if kill -0 $enter_vm 2>/dev/null; then
		kill -9 $enter_vm
		wait $enter_vm 2>/dev/null
		return 0
	fi
	wait $enter_vm
	echo "the launcher ended with status $?"
	tail -n 10 "$TMP/guest"
	return 1
}

ours() {
	insmod $KO && [ -c /dev/nestor ] && [ -c /dev/kvm ] && enter /dev/nestor
}

stock() {
	modprobe "$(stock_kvm)" && [ -c /dev/kvm ] && enter /dev/kvm
}

round=0
while [ $round -lt "$ROUNDS" ]; do
	round=$((round + 1))
	try "round $round: nestor loads and enters a guest" ours
	try "round $round: nestor unloads" rmmod nestor
	try "round $round: stock KVM loads and enters a guest" stock
	try "round $round: stock KVM unloads" unload_stock_kvm
done
finish
