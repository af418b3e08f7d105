/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSI-X of one function: vector table and pending bits in its BAR. PCI 3.0
 * "MSI-X Capability and Table Structures".
 */
#ifndef VMM_MSIX_H
#define VMM_MSIX_H

#include "vmm/pci.h"
#include "vmm/routes.h"

#define MSIX_VECTORS		8
#define MSIX_TABLE_SIZE		(MSIX_VECTORS * 16)
#define MSIX_PBA_SIZE		8

struct msix {
	struct routes *routes;
	struct pci_dev *dev;
	unsigned int nr;		/* constant: vectors */
	u32 gsi[MSIX_VECTORS];		/* constant */
	int fd[MSIX_VECTORS];		/* constant: eventfds that raise them */
	pthread_mutex_t lock;
	bool enabled;			/* (lock) */
	bool masked;			/* (lock) the whole function */
	u8 table[MSIX_TABLE_SIZE];	/* (lock) */
	u64 pending;			/* (lock) */
};

int msix_init(struct msix *msix, struct pci_dev *dev, struct routes *routes, unsigned int nr,
	      u32 table_at, u32 pba_at);
void msix_destroy(struct msix *msix);
void msix_configured(struct msix *msix);
u64 msix_read(struct msix *msix, u32 offset, unsigned int size);
void msix_write(struct msix *msix, u32 offset, unsigned int size, u64 value);
u64 msix_pending(struct msix *msix);
void msix_raise(struct msix *msix, unsigned int vector);

#endif
