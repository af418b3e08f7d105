// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a GSI to pins and messages, and the chips' life as a whole.
 *
 * The routing table is replaced as a whole: writers hold vm->irq_lock, readers
 * vm->irq_srcu, which hard interrupt context may take.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include "../core.h"
#include "../hyperv/hyperv.h"
#include "chip.h"
#include "lapic.h"

#define NO_ROUTE		0xffff

/* MSI address and data, SDM3 "Message Signalled Interrupts". */
#define MSI_DEST_SHIFT		12
#define MSI_HIGH_DEST		0xffffff00u
#define MSI_REDIRECTION_HINT	BIT(3)
#define MSI_LOGICAL		BIT(2)

struct nst_route {
	u32 type;			/* KVM_IRQ_ROUTING_* */
	u16 next;			/* another of the same GSI, or NO_ROUTE */
	u16 gsi;
	union {
		struct {
			u8 chip;	/* KVM_IRQCHIP_* */
			u8 pin;
		};
		struct {
			u32 high;
			u32 address;
			u32 data;
		};
		struct {
			u32 vp;
			u32 sint;
		};
	};
};

struct nst_routes {
	u16 first[NST_MAX_GSIS];	/* index into @entry, or NO_ROUTE */
	unsigned int nr;
	struct nst_route entry[];
};

/* With 32-bit ids the upper half of the address has the upper 24 bits of one. */
static bool msi_address_valid(struct nst_vm *vm, u32 high)
{
	return !(READ_ONCE(vm->x2apic_api) & KVM_X2APIC_API_USE_32BIT_IDS) || !(high & 0xff);
}

/*
 * The message that a write of @data to @high:@address is.  That it is one says who
 * sends it: of the window's address QEMU leaves bits 31:20 out.
 */
static int send_msi(struct nst_vm *vm, u32 high, u32 address, u32 data)
{
	struct nst_irq_msg msg = {
		.dest = (address >> MSI_DEST_SHIFT) & 0xff,
		.bus = true,
		.mode = data & APIC_DM_FIXED_MASK,
		.vector = data & APIC_VECTOR_MASK,
		.logical = address & MSI_LOGICAL,
		.level = data & APIC_INT_LEVELTRIG,
	};

	if (READ_ONCE(vm->x2apic_api) & KVM_X2APIC_API_USE_32BIT_IDS)
		msg.dest |= high & MSI_HIGH_DEST;
	msg.lowest = msg.mode == APIC_DM_LOWEST || (address & MSI_REDIRECTION_HINT);
	return nst_irq_deliver(vm, &msg);
}

static int route_set(struct nst_irqchip *chip, const struct nst_route *route,
		     enum nst_irq_source source, bool level)
{
	if (route->type == KVM_IRQ_ROUTING_HV_SINT)
		return level && nst_hv_sint_of_vp(chip->vm, route->vp, route->sint) ?
		       1 : NST_IRQ_REFUSED;
	if (route->type == KVM_IRQ_ROUTING_MSI)
		return level ? send_msi(chip->vm, route->high, route->address, route->data) :
			       NST_IRQ_REFUSED;
	switch (route->chip) {
	case KVM_IRQCHIP_PIC_MASTER:
		return nst_pic_set_line(chip, route->pin, source, level);
	case KVM_IRQCHIP_PIC_SLAVE:
		return nst_pic_set_line(chip, route->pin + NST_PIC_CHIP_PINS, source, level);
	default:
		return nst_ioapic_set_line(chip, route->pin, source, level);
	}
}

/**
 * nst_gsi_set() - drive a GSI for one source
 * @vm: the VM
 * @source: who drives it
 * @gsi: its number; one without a route goes nowhere
 * @level: its level; a message is sent for true only
 *
 * Any context.
 *
 * Return: how many recorded it anew, or NST_IRQ_COALESCED, NST_IRQ_REFUSED.
 */
int nst_gsi_set(struct nst_vm *vm, enum nst_irq_source source, u32 gsi, bool level)
{
	struct nst_irqchip *chip = nst_irqchip_of(vm);
	int ret = NST_IRQ_REFUSED;
	struct nst_routes *routes;
	int idx;

	if (!chip || gsi >= NST_MAX_GSIS)
		return ret;
	idx = srcu_read_lock(&vm->irq_srcu);
	routes = srcu_dereference(chip->routes, &vm->irq_srcu);
	for (u16 i = routes->first[gsi]; i != NO_ROUTE; i = routes->entry[i].next) {
		int one = route_set(chip, &routes->entry[i], source, level);

		if (one != NST_IRQ_REFUSED)
			ret = ret == NST_IRQ_REFUSED ? one : ret + one;
	}
	srcu_read_unlock(&vm->irq_srcu, idx);
	return ret;
}

/**
 * nst_pin_acked() - the guest ended a level-triggered interrupt of a pin
 * @vm: the VM, with a chip
 * @which: KVM_IRQCHIP_*
 * @pin: of that chip
 *
 * Irqfds that hold a GSI of the pin high let go and ask their devices again.
 * A vCPU's thread; no lock of the chips held.
 */
void nst_pin_acked(struct nst_vm *vm, unsigned int which, unsigned int pin)
{
	struct nst_routes *routes;
	int idx;

	if (!nst_irqfds_resample(vm))
		return;
	idx = srcu_read_lock(&vm->irq_srcu);
	routes = srcu_dereference(vm->irqchip->routes, &vm->irq_srcu);
	for (unsigned int i = 0; i < routes->nr; i++) {
		const struct nst_route *route = &routes->entry[i];

		if (route->type == KVM_IRQ_ROUTING_IRQCHIP && route->chip == which &&
		    route->pin == pin)
			nst_irqfd_resample(vm, route->gsi);
	}
	srcu_read_unlock(&vm->irq_srcu, idx);
}

/**
 * nst_sint_acked() - the guest ended what a source of a synthetic interrupt controller began
 * @vm: the VM, with a chip
 * @vp: index of the processor
 * @sint: the source
 *
 * As nst_pin_acked().
 */
void nst_sint_acked(struct nst_vm *vm, u32 vp, u32 sint)
{
	struct nst_routes *routes;
	int idx;

	if (!nst_irqfds_resample(vm))
		return;
	idx = srcu_read_lock(&vm->irq_srcu);
	routes = srcu_dereference(vm->irqchip->routes, &vm->irq_srcu);
	for (unsigned int i = 0; i < routes->nr; i++) {
		const struct nst_route *route = &routes->entry[i];

		if (route->type == KVM_IRQ_ROUTING_HV_SINT && route->vp == vp &&
		    route->sint == sint)
			nst_irqfd_resample(vm, route->gsi);
	}
	srcu_read_unlock(&vm->irq_srcu, idx);
}

/**
 * nst_user_ioapic_owns() - is a vector that of a level-triggered pin of userspace's I/O APIC?
 * @chip: a split chip
 * @vector: the vector; any context
 *
 * Its pins are the routes of the GSIs that were set apart for it.
 *
 * Return: true when it wants to hear of the EOI.
 */
bool nst_user_ioapic_owns(struct nst_irqchip *chip, u8 vector)
{
	struct nst_routes *routes;
	bool owns = false;
	int idx;

	idx = srcu_read_lock(&chip->vm->irq_srcu);
	routes = srcu_dereference(chip->routes, &chip->vm->irq_srcu);
	for (unsigned int i = 0; i < routes->nr && !owns; i++) {
		const struct nst_route *route = &routes->entry[i];

		owns = route->gsi < chip->user_pins && route->type == KVM_IRQ_ROUTING_MSI &&
		       (route->data & APIC_INT_LEVELTRIG) &&
		       (route->data & APIC_VECTOR_MASK) == vector;
	}
	srcu_read_unlock(&chip->vm->irq_srcu, idx);
	return owns;
}

/**
 * nst_irq_line() - KVM_IRQ_LINE, KVM_IRQ_LINE_STATUS
 * @vm: the VM
 * @gsi: which line
 * @level: userspace's level of it
 * @status: result for KVM_IRQ_LINE_STATUS, or NULL
 *
 * Return: 0, or -ENXIO without a chip in the kernel.
 */
int nst_irq_line(struct nst_vm *vm, u32 gsi, bool level, int *status)
{
	int ret;

	if (!nst_irqchip_in_kernel(vm))
		return -ENXIO;
	ret = nst_gsi_set(vm, NST_SRC_USER, gsi, level);
	if (status)
		*status = ret;
	return 0;
}

/**
 * nst_send_msi() - KVM_SIGNAL_MSI
 * @vm: the VM
 * @msi: untrusted
 *
 * Return: positive: delivered, also when it was pending already; 0: the guest did
 * not take it; -EINVAL: flags, a bad address, or no chip in the kernel.
 */
int nst_send_msi(struct nst_vm *vm, const struct kvm_msi *msi)
{
	int ret;

	if (!nst_irqchip_in_kernel(vm) || msi->flags || !msi_address_valid(vm, msi->address_hi))
		return -EINVAL;
	ret = send_msi(vm, msi->address_hi, msi->address_lo, msi->data);
	return ret == NST_IRQ_REFUSED ? 0 : max(ret, 1);
}

static int check_irqchip_route(const struct kvm_irq_routing_irqchip *from)
{
	unsigned int pins = from->irqchip == KVM_IRQCHIP_IOAPIC ? KVM_IOAPIC_NUM_PINS :
			    NST_PIC_CHIP_PINS;

	if (from->irqchip >= KVM_NR_IRQCHIPS || from->pin >= pins)
		return -EINVAL;
	return 0;
}

static int fill_route(struct nst_vm *vm, bool split, struct nst_route *to,
		      const struct kvm_irq_routing_entry *from)
{
	to->type = from->type;
	switch (from->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (from->flags || split || check_irqchip_route(&from->u.irqchip))
			return -EINVAL;
		to->chip = from->u.irqchip.irqchip;
		to->pin = from->u.irqchip.pin;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		/* The device id matters to other architectures' controllers only. */
		if ((from->flags & ~KVM_MSI_VALID_DEVID) ||
		    !msi_address_valid(vm, from->u.msi.address_hi))
			return -EINVAL;
		to->high = from->u.msi.address_hi;
		to->address = from->u.msi.address_lo;
		to->data = from->u.msi.data;
		return 0;
	case KVM_IRQ_ROUTING_HV_SINT:
		if (from->flags || from->u.hv_sint.sint >= HV_SYNIC_SINT_COUNT)
			return -EINVAL;
		to->vp = from->u.hv_sint.vcpu;
		to->sint = from->u.hv_sint.sint;
		return 0;
	}
	return -EINVAL;
}

/* One GSI goes to one message, or to each chip at most once. */
static bool route_conflicts(const struct nst_routes *routes, u16 first,
			    const struct nst_route *new)
{
	for (u16 i = first; i != NO_ROUTE; i = routes->entry[i].next) {
		const struct nst_route *old = &routes->entry[i];

		if (old->type != KVM_IRQ_ROUTING_IRQCHIP || new->type != old->type ||
		    old->chip == new->chip)
			return true;
	}
	return false;
}

static int add_route(struct nst_irqchip *chip, struct nst_routes *routes,
		     const struct kvm_irq_routing_entry *from)
{
	struct nst_route *to = &routes->entry[routes->nr];
	int ret;

	if (from->gsi >= NST_MAX_GSIS)
		return -EINVAL;
	ret = fill_route(chip->vm, chip->split, to, from);
	if (ret)
		return ret;
	if (route_conflicts(routes, routes->first[from->gsi], to))
		return -EINVAL;
	to->gsi = from->gsi;
	to->next = routes->first[from->gsi];
	routes->first[from->gsi] = routes->nr++;
	return 0;
}

static struct nst_routes *alloc_routes(unsigned int nr)
{
	struct nst_routes *routes = kvzalloc(struct_size(routes, entry, nr), GFP_KERNEL_ACCOUNT);

	if (routes)
		memset(routes->first, 0xff, sizeof(routes->first));
	return routes;
}

/**
 * nst_set_gsi_routing() - KVM_SET_GSI_ROUTING
 * @vm: the VM
 * @entries: untrusted, in kernel memory
 * @nr: how many
 * @flags: none is defined
 *
 * The new table replaces the old one as a whole; a line that is high stays high
 * where it was delivered.
 *
 * Return: 0, -EINVAL (nothing changed), -ENOMEM.
 */
int nst_set_gsi_routing(struct nst_vm *vm, const struct kvm_irq_routing_entry *entries,
			unsigned int nr, u32 flags)
{
	struct nst_irqchip *chip = nst_irqchip_of(vm);
	struct nst_routes *old, *new;
	int ret = 0;

	if (!chip || flags || nr > NST_MAX_GSIS)
		return -EINVAL;
	new = alloc_routes(nr);
	if (!new)
		return -ENOMEM;
	for (unsigned int i = 0; i < nr && !ret; i++)
		ret = add_route(chip, new, &entries[i]);
	if (ret) {
		kvfree(new);
		return ret;
	}
	mutex_lock(&vm->irq_lock);
	old = rcu_replace_pointer(chip->routes, new, lockdep_is_held(&vm->irq_lock));
	mutex_unlock(&vm->irq_lock);
	synchronize_srcu_expedited(&vm->irq_srcu);
	kvfree(old);
	return 0;
}

/**
 * nst_routes_init() - the table that a VM starts with
 * @chip: the chips
 *
 * GSIs 0 to 15 reach the PIC pair and the I/O APIC's pin of that number, 16 to
 * 23 the I/O APIC alone: KVM's default.  Without these chips there is no route.
 *
 * Return: 0, or -ENOMEM.
 */
int nst_routes_init(struct nst_irqchip *chip)
{
	struct nst_routes *routes = alloc_routes(KVM_IOAPIC_NUM_PINS + NST_PIC_PINS);
	struct kvm_irq_routing_entry entry = { .type = KVM_IRQ_ROUTING_IRQCHIP };

	if (!routes)
		return -ENOMEM;
	for (u32 gsi = 0; !chip->split && gsi < KVM_IOAPIC_NUM_PINS; gsi++) {
		entry.gsi = gsi;
		entry.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		entry.u.irqchip.pin = gsi;
		add_route(chip, routes, &entry);
		if (gsi >= NST_PIC_PINS)
			continue;
		entry.u.irqchip.irqchip = gsi / NST_PIC_CHIP_PINS;
		entry.u.irqchip.pin = gsi % NST_PIC_CHIP_PINS;
		add_route(chip, routes, &entry);
	}
	RCU_INIT_POINTER(chip->routes, routes);
	return 0;
}

/**
 * nst_routes_destroy() - free the table
 * @chip: chips that nobody uses any more
 */
void nst_routes_destroy(struct nst_irqchip *chip)
{
	kvfree(rcu_dereference_protected(chip->routes, 1));
}
