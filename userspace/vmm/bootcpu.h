/* SPDX-License-Identifier: GPL-2.0-only */
/* The CPU state in which a Linux kernel is entered. */
#ifndef VMM_BOOTCPU_H
#define VMM_BOOTCPU_H

#include "vmm/boot.h"
#include "vmm/ram.h"

int bootcpu_tables(const struct ram *ram, const struct boot_entry *entry);
int bootcpu_set(const struct nl_vcpu *vcpu, const struct boot_entry *entry);

#endif
