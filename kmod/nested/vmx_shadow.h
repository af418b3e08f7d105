/* SPDX-License-Identifier: GPL-2.0-only */
/* Which fields of its VMCS an L1 reads and writes without exits, where hardware can. */
#ifndef NST_NVMX_SHADOW_H
#define NST_NVMX_SHADOW_H

#include <linux/types.h>

/* How many there are at most. */
#define NVMX_MAX_SHADOW		64

unsigned int nvmx_shadow_fields(const u32 **encodings, unsigned int *nr_writable);

#endif /* NST_NVMX_SHADOW_H */
