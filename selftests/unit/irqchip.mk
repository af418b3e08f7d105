# SPDX-License-Identifier: GPL-2.0-only
# Pure files of the interrupt controllers.

TESTS += pic pit apic_match

pic_OBJS := $(BIN)/kmod/irqchip/pic_logic.o
pit_OBJS := $(BIN)/kmod/irqchip/pit_logic.o
apic_match_OBJS := $(BIN)/kmod/irqchip/apic_match.o
