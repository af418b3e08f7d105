/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's memory and the map of its physical addresses.
 *
 * RAM runs from 0 to at most LOW_RAM_MAX; what does not fit goes on at 4 GiB,
 * and the hole between them is for devices and for the hypervisor's own pages.
 */
#ifndef VMM_RAM_H
#define VMM_RAM_H

#include "lib/nl.h"

#define LOW_RAM_MAX		(3 * SZ_1G)

/* Below 1 MiB: what the boot loader puts there for the kernel. */
#define GDT_GPA			0x1000ull
#define ZERO_PAGE_GPA		0x7000ull
#define PAGE_TABLES_GPA		0x9000ull
#define BOOT_STACK_GPA		0x1f000ull
#define CMDLINE_GPA		0x20000ull
#define CMDLINE_ROOM		0x10000ull
#define EBDA_GPA		0x9fc00ull
#define VGA_GPA			0xa0000ull
#define ACPI_GPA		0xe0000ull
#define ACPI_ROOM		0x20000ull
#define HIGH_MEMORY_GPA		SZ_1M

/* In the hole. */
#define PCI_WINDOW_GPA		0xc0000000u
#define PCI_WINDOW_SIZE		0x10000000u
#define IOAPIC_GPA		0xfec00000u
#define LAPIC_GPA		0xfee00000u
#define IDENTITY_MAP_GPA	0xfffbc000u
#define TSS_GPA			0xfffbd000u

struct ram {
	u8 *host;
	u64 size;
	u64 low_size;		/* from 0 */
	u64 high_size;		/* from 4 GiB */
};

int ram_create(struct ram *ram, u64 size);
void ram_destroy(struct ram *ram);
int ram_attach(const struct ram *ram, struct nl_vm *vm);
void *ram_low(const struct ram *ram, u64 gpa, u64 len);
void *ram_at(const struct ram *ram, u64 gpa, u64 len);

#endif
