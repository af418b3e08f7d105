#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The guest tests of memory once more, on shadow paging.
# hosts: svm svm-nonpt
# nightly: svm svm-nonpt
# options: --smp 2
# seconds: 600

. "${0%/*}/lib.sh"
PROGRAMS="paging_torture dirty_modes dirty_log memslots mmio notifier storm"
# shellcheck disable=SC2086
plan $(($(echo $PROGRAMS | wc -w) + 1))

try "the module loads with tdp=0" reload_module tdp=0
for name in $PROGRAMS; do
	try "$name" /nestor/selftests/guest/bin/"$name"
done
finish
