#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Run in a test host, by `run`: boot Linux as a guest with linux/bin/init as
# its only process, which prints what it measured.

device=$([ "$NESTOR_MODULE" = kvm ] && echo "--device /dev/kvm")
# shellcheck disable=SC2086
exec /nestor/userspace/nestor run $device --kernel /nestor-guest/bzImage \
	--initrd /nestor/bench-initrd --mem 128M --cpus 1 \
	--append "console=ttyS0 quiet no_timer_check" </dev/null
