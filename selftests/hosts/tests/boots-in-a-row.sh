#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Many boots one after the other, none of which may fail (BOOTS=30 for the
# nightly size).
# hosts: svm
# options: --guest --smp 2 --mem 1536
# seconds: 1200
# debug: svm

. "${0%/*}/lib.sh"
BOOTS=${BOOTS:-8}
plan "$BOOTS"

i=0
while [ $i -lt "$BOOTS" ]; do
	i=$((i + 1))
	try "boot $i of $BOOTS" boots "$TMP/guest" $((i % 4 + 1))
done
finish
