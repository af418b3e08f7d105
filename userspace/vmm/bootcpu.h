/* SPDX-License-Identifier: GPL-2.0-only */
/* The CPU state in which a 64-bit Linux kernel is entered. */
#ifndef VMM_BOOTCPU_H
#define VMM_BOOTCPU_H

#include "vmm/ram.h"

int bootcpu_tables(const struct ram *ram);
int bootcpu_set(const struct nl_vcpu *vcpu, u64 entry);

#endif
