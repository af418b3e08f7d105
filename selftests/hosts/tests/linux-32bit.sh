#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Debian's 32-bit kernels boot to their first process as guests: with 2-level
# page tables, and with PAE paging; with nested paging where the host has it,
# and on shadow paging.
# hosts: svm svm-nonpt
# nightly: svm svm-nonpt
# options: --other-guest 686 --other-guest 686-pae --mem 1536
# seconds: 1200

. "${0%/*}/lib.sh"

both() {
	for kind in 686 686-pae; do
		GUEST=/nestor-guest/$kind
		try "$kind boots $1" boots "$TMP/guest.$kind" "$CPUS"
		grep -h '^Linux guest' "$TMP/guest.$kind" | sed 's/^/# /'
	done
}

BOOT_SECONDS=500
CPUS=2
case $NESTOR_HOST in
svm) plan 5 ;;
*) plan 2 ;;
esac
both "as the module came"
if [ "$NESTOR_HOST" = svm ]; then
	try "the module loads with tdp=0" reload_module tdp=0
	both "with tdp=0"
fi
finish
