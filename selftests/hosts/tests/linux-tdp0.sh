#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The same as linux-shadow.sh on hosts whose two-dimensional paging is not used.
# hosts: svm vmx
# nightly: svm vmx
# options: --guest --modparam tdp=0
# seconds: 900

. "${0%/*}/lib.sh"
. "${0%/*}/shadow.sh"
