/* SPDX-License-Identifier: GPL-2.0-only */
/* One thread that runs one virtual CPU. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "lib/nl.h"
#include "vmm/bus.h"
#include "vmm/pci.h"
#include "vmm/stop.h"
#include "vmm/thread.h"

struct vcpu {
	struct nl_vcpu nl;
	const struct bus *bus;
	struct pci_bus *pci;
	struct stop *stop;
	struct thread thread;
};

int vcpu_start(struct vcpu *vcpu);
bool vcpu_join(struct vcpu *vcpu, unsigned int patience_ms);

#endif
