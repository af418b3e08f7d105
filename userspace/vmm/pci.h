/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI bus 0: configuration mechanism #1 and the memory windows of the functions
 * behind it. PCI 3.0 "Configuration Space", "Configuration Mechanism #1".
 */
#ifndef VMM_PCI_H
#define VMM_PCI_H

#include <pthread.h>

#include "lib/nl.h"
#include "vmm/bus.h"
#include "vmm/ports.h"

#define PCI_SLOTS		16
#define PCI_CONFIG_SIZE		256
/* Interrupt lines INTA of the slots go round the last pins of the IOAPIC. */
#define PCI_LINES		8
#define PCI_FIRST_GSI		(IOAPIC_PINS - PCI_LINES)
#define PCI_SLOT_GSI(slot)	(PCI_FIRST_GSI + (slot) % PCI_LINES)

struct pci_bus;

/*
 * A function with one 32-bit memory BAR. The callbacks run on any vCPU thread;
 * @moved with the bus locked, the others without.
 */
struct pci_dev {
	u8 config[PCI_CONFIG_SIZE];	/* (bus lock) */
	u8 writable[PCI_CONFIG_SIZE];	/* constant: bits the guest may change */
	unsigned int last_cap;		/* constant: offsets while the list is built */
	unsigned int cap_end;
	u32 bar_size;			/* constant, a power of two; 0: no BAR */
	u64 bar_gpa;			/* (bus lock) where it answers, 0: nowhere */
	unsigned int msix_cap;		/* constant: offset of its MSI-X, 0: none */
	unsigned int window;		/* constant: offset of bytes for @look, 0: none */
	unsigned int slot;		/* constant */
	bool intx;			/* (bus lock) it wants attention */
	bool line;			/* (bus lock) and says so on its line */
	struct pci_bus *bus;
	u64 (*read)(struct pci_dev *dev, u32 offset, unsigned int size);
	void (*write)(struct pci_dev *dev, u32 offset, unsigned int size, u64 value);
	/* The BAR moved from @from to @to; 0 stands for nowhere. */
	void (*moved)(struct pci_dev *dev, u64 from, u64 to);
	/* The four bytes at @window are about to be read, or were written. */
	void (*look)(struct pci_dev *dev, bool write);
	/* The configuration bytes from @offset on were written. NULL: nobody cares. */
	void (*configured)(struct pci_dev *dev, u32 offset, unsigned int size);
};

struct pci_bus {
	const struct nl_vm *vm;
	pthread_mutex_t lock;
	u32 address;			/* what was written to CONFIG_ADDRESS */
	unsigned int asserted[PCI_LINES];	/* (lock) functions that pull a line */
	struct pci_dev host;		/* slot 0 */
	struct pci_dev *slots[PCI_SLOTS];	/* constant once the guest runs */
	u64 next_bar;
};

int pci_init(struct pci_bus *pci, struct bus *bus, const struct nl_vm *vm);
int pci_add(struct pci_bus *pci, struct pci_dev *dev);
void pci_intx(struct pci_dev *dev, bool wanted);
void pci_set(u8 *bytes, unsigned int offset, u64 value, unsigned int size);
u64 pci_get(const u8 *bytes, unsigned int offset, unsigned int size);
unsigned int pci_add_capability(struct pci_dev *dev, u8 id, unsigned int size);
bool pci_mmio_read(struct pci_bus *pci, u64 gpa, void *data, unsigned int size);
bool pci_mmio_write(struct pci_bus *pci, u64 gpa, const void *data, unsigned int size);

#endif
