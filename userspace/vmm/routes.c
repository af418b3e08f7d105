// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM takes the table only as a whole, so it is written anew for each change.
 */
#include <errno.h>

#include "vmm/routes.h"

struct table {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entries[ISA_IRQS + IOAPIC_PINS + MSI_GSIS];
};

/* ISA interrupts reach both controllers; the others only the IOAPIC. */
static struct kvm_irq_routing_entry *put_pins(struct kvm_irq_routing_entry *e)
{
	u32 gsi;

	for (gsi = 0; gsi < ISA_IRQS; gsi++, e++) {
		e->gsi = gsi;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
		e->u.irqchip.pin = gsi % 8;
	}
	for (gsi = 0; gsi < IOAPIC_PINS; gsi++) {
		/* The PIT has taken the pin of the cascade. */
		if (gsi == PIT_GSI)
			continue;
		e->gsi = gsi;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = gsi == PIT_IRQ ? PIT_GSI : gsi;
		e++;
	}
	return e;
}

static int commit(const struct routes *routes)
{
	struct table table = { 0 };
	struct kvm_irq_routing_entry *e = put_pins(table.entries);
	u32 i;

	for (i = 0; i < routes->nr_msi; i++) {
		if (!routes->msi[i].used)
			continue;
		e->gsi = IOAPIC_PINS + i;
		e->type = KVM_IRQ_ROUTING_MSI;
		e->u.msi.address_lo = (u32)routes->msi[i].address;
		e->u.msi.address_hi = (u32)(routes->msi[i].address >> 32);
		e->u.msi.data = routes->msi[i].data;
		e++;
	}
	table.head.nr = (u32)(e - table.entries);
	return nl_vm_irq_routes(routes->vm, &table.head);
}

/**
 * routes_init() - give the VM the lines of a PC
 * @routes: filled in
 * @vm: with interrupt controllers; must live as long as @routes
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int routes_init(struct routes *routes, const struct nl_vm *vm)
{
	routes->vm = vm;
	pthread_mutex_init(&routes->lock, NULL);
	return commit(routes);
}

/**
 * routes_add_msi() - get a GSI for messages, before the guest runs
 * @routes: the table
 * @gsi: filled
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int routes_add_msi(struct routes *routes, u32 *gsi)
{
	if (routes->nr_msi == MSI_GSIS)
		return nl_fail(ENOSPC, "too many device interrupts, %u fit", MSI_GSIS);
	*gsi = IOAPIC_PINS + routes->nr_msi++;
	return 0;
}

/**
 * routes_set_msi() - say what message a GSI sends; any thread
 * @routes: the table
 * @gsi: from routes_add_msi()
 * @address: the message's address
 * @data: its data
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int routes_set_msi(struct routes *routes, u32 gsi, u64 address, u32 data)
{
	struct msi_message *msi = &routes->msi[gsi - IOAPIC_PINS];
	int ret = 0;

	pthread_mutex_lock(&routes->lock);
	if (!msi->used || msi->address != address || msi->data != data) {
		*msi = (struct msi_message){ .address = address, .data = data, .used = true };
		ret = commit(routes);
	}
	pthread_mutex_unlock(&routes->lock);
	return ret;
}
