// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory map as rows; rows without length drop out. What no row names
 * (the VGA window, the hole below 4 GiB) is no memory to the guest. Pure.
 */
#include "vmm/e820.h"

enum { E820_TYPE_RAM = 1, E820_TYPE_RESERVED = 2 };

/**
 * e820_fill() - Write the memory map
 * @ram: the guest's memory
 * @table: written
 * @room: rows that fit
 *
 * Return: rows written, 0 when they do not fit.
 */
unsigned int e820_fill(const struct ram *ram, struct boot_e820_entry *table, unsigned int room)
{
	const struct boot_e820_entry rows[] = {
		{ 0, EBDA_GPA, E820_TYPE_RAM },
		{ EBDA_GPA, VGA_GPA - EBDA_GPA, E820_TYPE_RESERVED },
		{ ACPI_GPA, ACPI_ROOM, E820_TYPE_RESERVED },
		{ HIGH_MEMORY_GPA, ram->low_size - HIGH_MEMORY_GPA, E820_TYPE_RAM },
		{ SZ_4G, ram->high_size, E820_TYPE_RAM },
	};
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].size)
			continue;
		if (n == room)
			return 0;
		table[n++] = rows[i];
	}
	return n;
}
