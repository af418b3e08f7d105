// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vector that may fire raises its eventfd, and the kernel sends the message
 * (IRQFD); one that is masked leaves a pending bit and fires when unmasked.
 */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <errno.h>
#include <linux/pci_regs.h>

#include "vmm/msix.h"

#define ENTRY_SIZE	PCI_MSIX_ENTRY_SIZE
#define ALL_OF(nr)	(BIT_ULL(nr) - 1)

static const u8 *entry(const struct msix *msix, unsigned int vector)
{
	return msix->table + vector * ENTRY_SIZE;
}

static bool vector_masked(const struct msix *msix, unsigned int vector)
{
	return msix->masked || (entry(msix, vector)[PCI_MSIX_ENTRY_VECTOR_CTRL] &
				PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

static void fire(const struct msix *msix, unsigned int vector)
{
	const u64 one = 1;

	/* It fails only when the counter is full: then the interrupt is on its way. */
	if (write(msix->fd[vector], &one, sizeof(one)) < 0 && errno != EAGAIN)
		perror("nestor: interrupt");
}

/* Tell the kernel where unmasked vectors go, and send what was held back. */
static void settle(struct msix *msix)
{
	unsigned int i;

	if (!msix->enabled)
		return;
	for (i = 0; i < msix->nr; i++) {
		const u8 *e = entry(msix, i);

		if (vector_masked(msix, i))
			continue;
		if (routes_set_msi(msix->routes, msix->gsi[i],
				   pci_get(e, PCI_MSIX_ENTRY_LOWER_ADDR, 8),
				   (u32)pci_get(e, PCI_MSIX_ENTRY_DATA, 4)))
			fprintf(stderr, "nestor: %s\n", nl_error());
		if (msix->pending & BIT_ULL(i))
			fire(msix, i);
		msix->pending &= ~BIT_ULL(i);
	}
}

static int add_vector(struct msix *msix, unsigned int i)
{
	int ret;

	msix->table[i * ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	ret = routes_add_msi(msix->routes, &msix->gsi[i]);
	if (ret)
		return ret;
	msix->fd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (msix->fd[i] < 0)
		return nl_fail(errno, "cannot make an eventfd: %s", strerror(errno));
	msix->nr = i + 1;
	return nl_vm_irqfd(msix->routes->vm, msix->gsi[i], msix->fd[i]);
}

/**
 * msix_init() - add MSI-X to a function, before the guest runs
 * @msix: filled in
 * @dev: the function; its BAR 0 holds table and pending bits
 * @routes: gets the messages
 * @nr: vectors, up to MSIX_VECTORS
 * @table_at: offset of the table in the BAR
 * @pba_at: offset of the pending bits
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int msix_init(struct msix *msix, struct pci_dev *dev, struct routes *routes, unsigned int nr,
	      u32 table_at, u32 pba_at)
{
	unsigned int i, cap = pci_add_capability(dev, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	int ret = 0;

	pthread_mutex_init(&msix->lock, NULL);
	msix->routes = routes;
	msix->dev = dev;
	dev->msix_cap = cap;
	pci_set(dev->config, cap + PCI_MSIX_FLAGS, nr - 1, 2);
	pci_set(dev->config, cap + PCI_MSIX_TABLE, table_at, 4);
	pci_set(dev->config, cap + PCI_MSIX_PBA, pba_at, 4);
	pci_set(dev->writable, cap + PCI_MSIX_FLAGS,
		PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	for (i = 0; i < nr && !ret; i++)
		ret = add_vector(msix, i);
	return ret;
}

/** msix_destroy() - close the eventfds; the VM is closed already */
void msix_destroy(struct msix *msix)
{
	while (msix->nr)
		close(msix->fd[--msix->nr]);
}

/** msix_configured() - the capability was written; the bus is locked */
void msix_configured(struct msix *msix)
{
	const struct pci_dev *dev = msix->dev;
	u16 flags = (u16)pci_get(dev->config, dev->msix_cap + PCI_MSIX_FLAGS, 2);

	pthread_mutex_lock(&msix->lock);
	msix->enabled = flags & PCI_MSIX_FLAGS_ENABLE;
	msix->masked = flags & PCI_MSIX_FLAGS_MASKALL;
	settle(msix);
	pthread_mutex_unlock(&msix->lock);
}

/** msix_read() - the guest reads the vector table */
u64 msix_read(struct msix *msix, u32 offset, unsigned int size)
{
	u64 value = ~0ull;

	pthread_mutex_lock(&msix->lock);
	if (offset + size <= msix->nr * ENTRY_SIZE)
		value = pci_get(msix->table, offset, size);
	pthread_mutex_unlock(&msix->lock);
	return value;
}

/** msix_write() - the guest writes the vector table; dwords and qwords only */
void msix_write(struct msix *msix, u32 offset, unsigned int size, u64 value)
{
	if (size < 4 || offset % size)
		return;
	pthread_mutex_lock(&msix->lock);
	if (offset + size <= msix->nr * ENTRY_SIZE) {
		pci_set(msix->table, offset, value, size);
		settle(msix);
	}
	pthread_mutex_unlock(&msix->lock);
}

/** msix_pending() - the pending bits */
u64 msix_pending(struct msix *msix)
{
	u64 pending;

	pthread_mutex_lock(&msix->lock);
	pending = msix->pending & ALL_OF(msix->nr);
	pthread_mutex_unlock(&msix->lock);
	return pending;
}

/**
 * msix_raise() - send a vector's message; any thread
 * @msix: of the function
 * @vector: which; one that does not exist is nobody's
 */
void msix_raise(struct msix *msix, unsigned int vector)
{
	if (vector >= msix->nr)
		return;
	pthread_mutex_lock(&msix->lock);
	if (msix->enabled) {
		if (vector_masked(msix, vector))
			msix->pending |= BIT_ULL(vector);
		else
			fire(msix, vector);
	}
	pthread_mutex_unlock(&msix->lock);
}
