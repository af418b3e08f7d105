#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What qemu-machines.sh says, with QEMU 10.0 from Debian's backports.
# hosts: svm
# nightly: svm
# options: --guest --other-guest vmlinux --client qemu10 --mem 2560
# seconds: 1500

. "${0%/*}/qemu-machines.sh"
