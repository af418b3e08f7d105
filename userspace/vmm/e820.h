/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory map that a PC's firmware hands to an operating system. Pure. */
#ifndef VMM_E820_H
#define VMM_E820_H

#include <asm/bootparam.h>

#include "vmm/ram.h"

unsigned int e820_fill(const struct ram *ram, struct boot_e820_entry *table, unsigned int room);

#endif
