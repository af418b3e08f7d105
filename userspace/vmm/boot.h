/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading a Linux kernel and where it is entered. */
#ifndef VMM_BOOT_H
#define VMM_BOOT_H

#include "vmm/ram.h"

struct boot_files {
	const char *kernel;
	const char *initrd;	/* may be NULL */
	const char *cmdline;
};

struct boot_entry {
	u64 address;
	bool is_64bit;
};

int boot_load(const struct ram *ram, const struct boot_files *files, struct boot_entry *entry);

#endif
