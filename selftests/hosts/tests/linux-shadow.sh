#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Debian's unmodified kernel boots as a guest whose tables are shadowed, on
# hosts that have nothing else; on vmx-noept its application processor starts
# in real mode, which the emulator runs.
# hosts: svm-nonpt vmx-noept
# nightly: svm-nonpt vmx-noept
# options: --guest
# seconds: 900

. "${0%/*}/lib.sh"
. "${0%/*}/shadow.sh"
