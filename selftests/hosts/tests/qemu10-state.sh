#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What qemu-state.sh says, with QEMU 10.0 from Debian's backports.
# hosts: svm
# nightly: svm
# options: --guest --other-guest vmlinux --client qemu10 --mem 2560
# seconds: 1200

. "${0%/*}/qemu-state.sh"
