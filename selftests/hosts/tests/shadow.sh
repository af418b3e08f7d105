# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Boots Linux with shadow paging: what linux-shadow.sh and linux-tdp0.sh share.

# What shadow paging has to do itself, and the guest sees when the host has it.
PAGING_FLAGS="pae pse36 pge nx pdpe1gb pcid invpcid smep smap pku la57"

has_flag() {
	grep -m 1 '^flags' "$2" | grep -qw "$1"
}

shown() {
	both= missing=
	for flag in $PAGING_FLAGS; do
		has_flag $flag /proc/cpuinfo || continue
		both="$both $flag"
		has_flag $flag "$1" || missing="$missing $flag"
	done
	echo "the host has:$both; the guest has not:${missing:- none}"
	[ -n "$both" ] && [ -z "$missing" ]
}

BOOT_SECONDS=800
plan 4
try "the module shadows" sh -c 'dmesg | grep -q "nestor:.*shadow paging"'
try "Linux boots with 2 CPUs" boots "$TMP/guest" 2
grep -h '^Linux guest' "$TMP/guest" | head -n 1 | sed 's/^/# /'
try "the guest has the host's paging features" shown "$TMP/guest"
shown "$TMP/guest" | sed 's/^/# /'
try "the module unloads" rmmod nestor
finish
