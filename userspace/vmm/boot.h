/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading a Linux kernel and starting it by its 64-bit boot protocol. */
#ifndef VMM_BOOT_H
#define VMM_BOOT_H

#include "vmm/ram.h"

struct boot_files {
	const char *kernel;
	const char *initrd;	/* may be NULL */
	const char *cmdline;
};

int boot_load(const struct ram *ram, const struct boot_files *files, u64 *entry);

#endif
