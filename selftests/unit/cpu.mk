# SPDX-License-Identifier: GPL-2.0-only
# Pure files about the virtual CPU itself.

TESTS += mtrr pvclock

mtrr_OBJS := $(BIN)/kmod/mtrr.o
pvclock_OBJS :=
