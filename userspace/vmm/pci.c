// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI bus without bridges. The BARs are placed before the guest starts, as
 * firmware would do; the guest may move them. Everything a guest can write is
 * masked by what the register implements.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "vmm/pci.h"
#include "vmm/ports.h"
#include "vmm/ram.h"

#define CONFIG_ENABLE		BIT(31)
#define CONFIG_BUS_FUNCTION	0x00ff0700u	/* bus and function number */
#define CONFIG_SLOT(address)	((address) >> 11 & 0x1f)
#define CONFIG_REGISTER		0xfcu

/* Red Hat's generic host bridge. */
#define HOST_VENDOR		0x1b36
#define HOST_DEVICE		0x0008
#define CLASS_HOST_BRIDGE	0x0600

#define FIRST_CAPABILITY	0x40
#define PIN_INTA		1

/** pci_set() - store @value little-endian in @size bytes */
void pci_set(u8 *bytes, unsigned int offset, u64 value, unsigned int size)
{
	memcpy(bytes + offset, &value, size);
}

/** pci_get() - read @size bytes, little-endian */
u64 pci_get(const u8 *bytes, unsigned int offset, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, bytes + offset, size);
	return value;
}

/**
 * pci_add_capability() - append a capability to a function's list
 * @dev: the function, before the guest runs
 * @id: PCI_CAP_ID_...
 * @size: bytes, with the two of its head
 *
 * Return: its offset in @dev->config.
 */
unsigned int pci_add_capability(struct pci_dev *dev, u8 id, unsigned int size)
{
	unsigned int at = dev->cap_end ? dev->cap_end : FIRST_CAPABILITY;

	if (dev->last_cap)
		dev->config[dev->last_cap + PCI_CAP_LIST_NEXT] = at;
	else
		dev->config[PCI_CAPABILITY_LIST] = at;
	dev->config[at + PCI_CAP_LIST_ID] = id;
	dev->last_cap = at;
	dev->cap_end = (at + size + 3) & ~3u;
	pci_set(dev->config, PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
	return at;
}

/* Where the BAR answers, by what the configuration space now says. */
static u64 decoded(const struct pci_dev *dev)
{
	u64 gpa = pci_get(dev->config, PCI_BASE_ADDRESS_0, 4) & PCI_BASE_ADDRESS_MEM_MASK;

	if (!dev->bar_size || !(dev->config[PCI_COMMAND] & PCI_COMMAND_MEMORY))
		return 0;
	/* Nowhere but in the window: never over the guest's memory or the APICs. */
	if (gpa < PCI_WINDOW_GPA || gpa > PCI_WINDOW_GPA + PCI_WINDOW_SIZE - dev->bar_size)
		return 0;
	return gpa;
}

/* A function has a line of its own only while it sends no messages. */
static bool speaks_on_line(const struct pci_dev *dev)
{
	if (!dev->intx || pci_get(dev->config, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE)
		return false;
	return !dev->msix_cap || !(pci_get(dev->config, dev->msix_cap + PCI_MSIX_FLAGS, 2) &
				   PCI_MSIX_FLAGS_ENABLE);
}

/* Several functions share a line: it is asserted while one of them pulls it. */
static void settle_line(struct pci_dev *dev)
{
	unsigned int *asserted = &dev->bus->asserted[dev->slot % PCI_LINES];
	bool line = speaks_on_line(dev);
	unsigned int before = *asserted;

	if (line == dev->line)
		return;
	dev->line = line;
	*asserted += line ? 1 : -1;
	if (!*asserted != !before &&
	    nl_vm_irq_line(dev->bus->vm, PCI_SLOT_GSI(dev->slot), *asserted))
		fprintf(stderr, "nestor: %s\n", nl_error());
}

/**
 * pci_intx() - a function begins or ceases to want an interrupt; any thread
 * @dev: on a bus
 * @wanted: begins
 */
void pci_intx(struct pci_dev *dev, bool wanted)
{
	pthread_mutex_lock(&dev->bus->lock);
	dev->intx = wanted;
	pci_set(dev->config, PCI_STATUS, PCI_STATUS_CAP_LIST |
		(wanted ? PCI_STATUS_INTERRUPT : 0), 2);
	settle_line(dev);
	pthread_mutex_unlock(&dev->bus->lock);
}

static void config_write(struct pci_dev *dev, unsigned int offset, unsigned int size, u32 value)
{
	unsigned int i;
	u64 from = dev->bar_gpa;

	for (i = 0; i < size; i++) {
		u8 mask = dev->writable[offset + i];
		u8 *byte = &dev->config[offset + i];

		*byte = (*byte & ~mask) | (value >> 8 * i & mask);
	}
	dev->bar_gpa = decoded(dev);
	if (dev->moved && dev->bar_gpa != from)
		dev->moved(dev, from, dev->bar_gpa);
	if (dev->configured)
		dev->configured(dev, offset, size);
	settle_line(dev);
}

static bool in_window(const struct pci_dev *dev, unsigned int offset)
{
	return dev->window && (offset & CONFIG_REGISTER) == dev->window;
}

static struct pci_dev *addressed(const struct pci_bus *pci)
{
	u32 slot = CONFIG_SLOT(pci->address);

	if (!(pci->address & CONFIG_ENABLE) || pci->address & CONFIG_BUS_FUNCTION ||
	    slot >= PCI_SLOTS)
		return NULL;
	return pci->slots[slot];
}

static u32 address_read(void *opaque, unsigned int offset, unsigned int size)
{
	struct pci_bus *pci = opaque;
	u32 value;

	(void)offset;
	if (size != 4)
		return ~0u;
	pthread_mutex_lock(&pci->lock);
	value = pci->address;
	pthread_mutex_unlock(&pci->lock);
	return value;
}

/* Only a full dword reaches the register; anything else is some other port. */
static void address_write(void *opaque, unsigned int offset, unsigned int size, u32 value)
{
	struct pci_bus *pci = opaque;

	(void)offset;
	if (size != 4)
		return;
	pthread_mutex_lock(&pci->lock);
	pci->address = value;
	pthread_mutex_unlock(&pci->lock);
}

static u32 data_read(void *opaque, unsigned int offset, unsigned int size)
{
	struct pci_bus *pci = opaque;
	struct pci_dev *dev;
	u32 value = ~0u;

	pthread_mutex_lock(&pci->lock);
	dev = addressed(pci);
	offset += pci->address & CONFIG_REGISTER;
	if (dev && in_window(dev, offset)) {
		/* It takes the device's own lock, which comes before the bus's. */
		pthread_mutex_unlock(&pci->lock);
		dev->look(dev, false);
		pthread_mutex_lock(&pci->lock);
	}
	if (dev)
		value = pci_get(dev->config, offset, size);
	pthread_mutex_unlock(&pci->lock);
	return value;
}

static void data_write(void *opaque, unsigned int offset, unsigned int size, u32 value)
{
	struct pci_bus *pci = opaque;
	struct pci_dev *dev;

	pthread_mutex_lock(&pci->lock);
	dev = addressed(pci);
	offset += pci->address & CONFIG_REGISTER;
	if (dev)
		config_write(dev, offset, size, value);
	pthread_mutex_unlock(&pci->lock);
	if (dev && in_window(dev, offset))
		dev->look(dev, true);
}

/**
 * pci_add() - plug a function into the next free slot, before the guest runs
 * @pci: the bus
 * @dev: its configuration header filled in; the BAR is placed here
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int pci_add(struct pci_bus *pci, struct pci_dev *dev)
{
	unsigned int slot;

	for (slot = 0; slot < PCI_SLOTS && pci->slots[slot]; slot++)
		;
	if (slot == PCI_SLOTS)
		return nl_fail(ENOSPC, "too many PCI devices, %u fit", PCI_SLOTS - 1);
	dev->bus = pci;
	dev->slot = slot;
	pci->slots[slot] = dev;
	if (!dev->bar_size)
		return 0;
	dev->config[PCI_INTERRUPT_PIN] = PIN_INTA;
	dev->config[PCI_INTERRUPT_LINE] = PCI_SLOT_GSI(slot);
	dev->writable[PCI_INTERRUPT_LINE] = 0xff;
	pci_set(dev->writable, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
		PCI_COMMAND_INTX_DISABLE, 2);
	pci_set(dev->writable, PCI_BASE_ADDRESS_0, (u32)-dev->bar_size, 4);
	pci->next_bar = (pci->next_bar + dev->bar_size - 1) & -(u64)dev->bar_size;
	pci_set(dev->config, PCI_BASE_ADDRESS_0, pci->next_bar, 4);
	pci->next_bar += dev->bar_size;
	return 0;
}

/**
 * pci_init() - an empty bus with its host bridge
 * @pci: filled in
 * @bus: gets the two configuration ports
 * @vm: gets the interrupts
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int pci_init(struct pci_bus *pci, struct bus *bus, const struct nl_vm *vm)
{
	const struct port_range address = {
		.first = PCI_ADDRESS_PORT, .ports = 4, .width = 4, .dev = pci,
		.read = address_read, .write = address_write,
	};
	const struct port_range data = {
		.first = PCI_DATA_PORT, .ports = 4, .width = 4, .dev = pci,
		.read = data_read, .write = data_write,
	};
	int ret;

	pthread_mutex_init(&pci->lock, NULL);
	pci->vm = vm;
	pci->next_bar = PCI_WINDOW_GPA;
	pci_set(pci->host.config, PCI_VENDOR_ID, HOST_VENDOR, 2);
	pci_set(pci->host.config, PCI_DEVICE_ID, HOST_DEVICE, 2);
	pci_set(pci->host.config, PCI_CLASS_DEVICE, CLASS_HOST_BRIDGE, 2);
	ret = pci_add(pci, &pci->host);
	if (!ret)
		ret = bus_add(bus, &address);
	return ret ? ret : bus_add(bus, &data);
}

/* The function whose window holds the whole access. */
static struct pci_dev *window_of(struct pci_bus *pci, u64 gpa, unsigned int size, u32 *offset)
{
	struct pci_dev *found = NULL;
	unsigned int i;

	pthread_mutex_lock(&pci->lock);
	for (i = 0; i < PCI_SLOTS && pci->slots[i] && !found; i++) {
		struct pci_dev *dev = pci->slots[i];

		if (!dev->bar_gpa || gpa < dev->bar_gpa ||
		    gpa - dev->bar_gpa > dev->bar_size - size)
			continue;
		*offset = gpa - dev->bar_gpa;
		found = dev;
	}
	pthread_mutex_unlock(&pci->lock);
	return found;
}

/**
 * pci_mmio_read() - the guest reads a device's memory
 * @pci: the bus
 * @gpa: guest-physical address
 * @data: filled
 * @size: 1, 2, 4 or 8 bytes
 *
 * Return: false when no function answers there.
 */
bool pci_mmio_read(struct pci_bus *pci, u64 gpa, void *data, unsigned int size)
{
	struct pci_dev *dev;
	u32 offset;
	u64 value;

	dev = window_of(pci, gpa, size, &offset);
	if (!dev)
		return false;
	value = dev->read(dev, offset, size);
	memcpy(data, &value, size);
	return true;
}

/**
 * pci_mmio_write() - the guest writes a device's memory
 * @pci: the bus
 * @gpa: guest-physical address
 * @data: what
 * @size: 1, 2, 4 or 8 bytes
 *
 * Return: false when no function answers there.
 */
bool pci_mmio_write(struct pci_bus *pci, u64 gpa, const void *data, unsigned int size)
{
	struct pci_dev *dev;
	u32 offset;
	u64 value = 0;

	dev = window_of(pci, gpa, size, &offset);
	if (!dev)
		return false;
	memcpy(&value, data, size);
	dev->write(dev, offset, size, value);
	return true;
}
