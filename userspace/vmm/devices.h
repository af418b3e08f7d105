/* SPDX-License-Identifier: GPL-2.0-only */
/* The PCI bus and the virtio devices that the command line asks for. */
#ifndef VMM_DEVICES_H
#define VMM_DEVICES_H

#include "vmm/blk.h"
#include "vmm/hvc.h"
#include "vmm/net.h"
#include "vmm/options.h"
#include "vmm/pci.h"
#include "vmm/routes.h"

struct devices {
	struct pci_bus pci;
	struct routes routes;
	struct blk disks[OPTIONS_DISKS];
	unsigned int nr_disks;
	struct net net;
	struct virtio_dev rng;
	struct hvc hvc;
};

/* What they are built into. */
struct devices_place {
	struct bus *bus;		/* gets the configuration ports */
	const struct nl_vm *vm;		/* with interrupt controllers */
	const struct ram *ram;
	const struct stop *stop;	/* is woken when the guest takes input */
};

int devices_init(struct devices *devices, const struct options *opt,
		 const struct devices_place *place);
int devices_start(struct devices *devices);
bool devices_stop(struct devices *devices, unsigned int patience_ms);
void devices_destroy(struct devices *devices);

#endif
