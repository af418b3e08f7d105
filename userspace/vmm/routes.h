/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt routing table: the fixed lines of a PC, and messages (MSI) that
 * come and go as drivers program their devices.
 */
#ifndef VMM_ROUTES_H
#define VMM_ROUTES_H

#include <pthread.h>

#include "lib/nl.h"
#include "vmm/ports.h"

struct msi_message {
	u64 address;
	u32 data;
	bool used;
};

struct routes {
	const struct nl_vm *vm;
	pthread_mutex_t lock;
	u32 nr_msi;				/* constant once the guest runs */
	struct msi_message msi[MSI_GSIS];	/* (lock) */
};

int routes_init(struct routes *routes, const struct nl_vm *vm);
int routes_add_msi(struct routes *routes, u32 *gsi);
int routes_set_msi(struct routes *routes, u32 gsi, u64 address, u32 data);

#endif
