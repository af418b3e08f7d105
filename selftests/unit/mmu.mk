# SPDX-License-Identifier: GPL-2.0-only
# Pure files of the MMU.

TESTS += walk walk2 format

MMU_OBJS := $(BIN)/kmod/mmu/walk.o $(BIN)/kmod/mmu/walk2.o $(BIN)/kmod/mmu/perm.o $(BIN)/kmod/mmu/format.o
walk_OBJS := $(MMU_OBJS) $(BIN)/naive_walk.o
walk2_OBJS := $(MMU_OBJS) $(BIN)/naive_both.o
format_OBJS := $(MMU_OBJS)

# Their headers name some that only the kernel has.
$(MMU_OBJS) $(BIN)/test_walk.o $(BIN)/test_walk2.o $(BIN)/test_format.o: UNIT_CFLAGS += -I mmu_shim
