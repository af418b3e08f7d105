#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What qemu-boot.sh says, with QEMU 10.0 from Debian's backports.
# hosts: svm
# nightly: svm
# options: --guest --other-guest vmlinux --client qemu10 --mem 1900
# seconds: 600

. "${0%/*}/qemu-boot.sh"
