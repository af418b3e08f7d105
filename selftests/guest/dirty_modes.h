/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of dirty_modes agree on. */
#ifndef DIRTY_MODES_H
#define DIRTY_MODES_H

/* Addresses to write to, 32 bits each, below 4 GiB in every mode. */
#define DIRTY_LIST		0x300000
#define DIRTY_LIST_SIZE		0x40000

#endif /* DIRTY_MODES_H */
