#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What qemu-boots.sh says, with QEMU 10.0 from Debian's backports.
# hosts: svm
# nightly: svm
# options: --guest --other-guest grub --other-guest vmlinux --other-guest memtest --other-guest 686-pae --client qemu10 --mem 2560
# seconds: 1500

. "${0%/*}/qemu-boots.sh"
