# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Boots Linux with shadow paging: what linux-shadow.sh and linux-tdp0.sh share.

BOOT_SECONDS=800
plan 3
try "the module shadows" sh -c 'dmesg | grep -q "nestor:.*shadow paging"'
try "Linux boots with 2 CPUs" boots "$TMP/guest" 2
grep -h '^Linux guest' "$TMP/guest" | head -n 1 | sed 's/^/# /'
try "the module unloads" rmmod nestor
finish
