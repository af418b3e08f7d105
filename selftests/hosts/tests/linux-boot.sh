#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Debian's unmodified kernel boots as a guest, with 1, 2 and 4 CPUs, says so
# from inside, and powers off; the module then unloads, stock KVM takes the
# same guest by the same launcher.
# hosts: svm vmx
# options: --guest
# seconds: 900
# debug: svm
# fast: yes

. "${0%/*}/lib.sh"
case $NESTOR_HOST in
vmx*) cpus="1 2" BOOT_SECONDS=900 ;;
*) cpus="1 2 4" ;;
esac
# shellcheck disable=SC2086
plan $(($(echo $cpus | wc -w) + 3))

for n in $cpus; do
	try "Linux boots with $n CPUs" boots "$TMP/guest.$n" "$n"
done
grep -h '^Linux guest' "$TMP"/guest.* | head -n 1 | sed 's/^/# /'
try "the module unloads" rmmod nestor
try "stock KVM loads" modprobe "$(stock_kvm)"
try "stock KVM boots the same guest" boots "$TMP/stock" 1 --device /dev/kvm
rmmod "$(stock_kvm)" && rmmod kvm
finish
