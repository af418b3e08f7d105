// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalesced I/O: writes to zones that userspace named go into a ring that it
 * reads when it likes, instead of ending KVM_RUN one by one.
 *
 * The ring is a page shared with userspace, which may write anything into it
 * at any time: its indices are checked each time they are read.
 *
 * Locks: vm->slots_lock guards the list of zones, ring_lock the ring's writers.
 */
#include "nestor.h"
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "core.h"
#include "irqchip/irqchip.h"

struct nst_coalesced {
	struct kvm_coalesced_mmio_ring *ring;	/* (c) a page, shared */
	spinlock_t ring_lock;
	struct list_head zones;			/* slots_lock */
};

struct nst_zone {
	struct nst_iodev dev;
	struct nst_coalesced *of;		/* (c) */
	struct list_head link;			/* slots_lock */
	struct kvm_coalesced_mmio_zone where;	/* (c) */
};

/* False: the ring is full, so that the write goes the ordinary way. */
static bool ring_add(struct nst_coalesced *co, const struct nst_zone *zone, u64 addr,
		     const void *data, unsigned int len)
{
	struct kvm_coalesced_mmio_ring *ring = co->ring;
	struct kvm_coalesced_mmio *slot;
	bool room = false;
	u32 last, next;

	spin_lock(&co->ring_lock);
	last = READ_ONCE(ring->last);
	next = (last + 1) % KVM_COALESCED_MMIO_MAX;
	if (last < KVM_COALESCED_MMIO_MAX && next != READ_ONCE(ring->first)) {
		slot = &ring->coalesced_mmio[last];
		slot->phys_addr = addr;
		slot->len = len;
		slot->pio = zone->where.pio;
		memcpy(slot->data, data, len);
		/* The entry is whole before userspace can see it. */
		smp_store_release(&ring->last, next);
		room = true;
	}
	spin_unlock(&co->ring_lock);
	return room;
}

static bool zone_write(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr,
		       const void *data, unsigned int len)
{
	struct nst_zone *zone = container_of(dev, struct nst_zone, dev);

	if (len > sizeof(zone->of->ring->coalesced_mmio[0].data))
		return false;
	return ring_add(zone->of, zone, addr, data, len);
}

static void zone_free(struct nst_iodev *dev)
{
	kfree(container_of(dev, struct nst_zone, dev));
}

static const struct nst_iodev_ops zone_ops = {
	.write = zone_write,
	.release = zone_free,
};

static enum nst_bus_kind zone_bus(const struct kvm_coalesced_mmio_zone *where)
{
	return where->pio ? NST_BUS_PIO : NST_BUS_MMIO;
}

static bool zone_valid(const struct kvm_coalesced_mmio_zone *where)
{
	return where->pio <= 1 && where->addr + where->size >= where->addr;
}

/**
 * nst_coalesced_register() - KVM_REGISTER_COALESCED_MMIO
 * @object: the VM
 * @arg: struct kvm_coalesced_mmio_zone
 *
 * Return: 0, -EINVAL, -ENOSPC or -ENOMEM.
 */
long nst_coalesced_register(void *object, unsigned long arg)
{
	const struct kvm_coalesced_mmio_zone *where = (const void *)arg;
	struct nst_vm *vm = object;
	struct nst_zone *zone;
	int ret;

	/* A zone without bytes would catch an access of any length. */
	if (!zone_valid(where) || !where->size)
		return -EINVAL;
	zone = kzalloc(sizeof(*zone), GFP_KERNEL_ACCOUNT);
	if (!zone)
		return -ENOMEM;
	zone->dev.ops = &zone_ops;
	zone->of = vm->coalesced;
	zone->where = *where;
	mutex_lock(&vm->slots_lock);
	ret = nst_bus_register(vm, zone_bus(where), where->addr, where->size, &zone->dev);
	if (ret)
		kfree(zone);
	else
		list_add(&zone->link, &vm->coalesced->zones);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

static bool zone_contains(const struct kvm_coalesced_mmio_zone *zone,
			  const struct kvm_coalesced_mmio_zone *part)
{
	return zone->pio == part->pio && part->addr >= zone->addr &&
	       part->addr + part->size <= zone->addr + zone->size;
}

/**
 * nst_coalesced_unregister() - KVM_UNREGISTER_COALESCED_MMIO
 * @object: the VM
 * @arg: struct kvm_coalesced_mmio_zone: every zone that it lies in goes
 *
 * Return: 0, also when there was none; -EINVAL.
 */
long nst_coalesced_unregister(void *object, unsigned long arg)
{
	const struct kvm_coalesced_mmio_zone *where = (const void *)arg;
	struct nst_vm *vm = object;
	struct nst_zone *zone, *next;

	if (!zone_valid(where))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	list_for_each_entry_safe(zone, next, &vm->coalesced->zones, link) {
		if (!zone_contains(&zone->where, where))
			continue;
		list_del(&zone->link);
		nst_bus_unregister(vm, zone_bus(&zone->where), &zone->dev);
		kfree(zone);
	}
	mutex_unlock(&vm->slots_lock);
	return 0;
}

/**
 * nst_coalesced_page() - the ring's page, for mmap
 * @vm: the VM
 *
 * Return: its address; it lives as long as the VM.
 */
void *nst_coalesced_page(struct nst_vm *vm)
{
	return vm->coalesced->ring;
}

/**
 * nst_coalesced_create() - give a new VM its ring
 * @vm: the VM
 *
 * Return: 0 or -ENOMEM.
 */
int nst_coalesced_create(struct nst_vm *vm)
{
	struct nst_coalesced *co = kzalloc(sizeof(*co), GFP_KERNEL_ACCOUNT);

	if (!co)
		return -ENOMEM;
	co->ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!co->ring) {
		kfree(co);
		return -ENOMEM;
	}
	spin_lock_init(&co->ring_lock);
	INIT_LIST_HEAD(&co->zones);
	vm->coalesced = co;
	return 0;
}

/**
 * nst_coalesced_destroy() - free the ring
 * @vm: a VM whose buses have been destroyed, and the zones with them
 */
void nst_coalesced_destroy(struct nst_vm *vm)
{
	free_page((unsigned long)vm->coalesced->ring);
	kfree(vm->coalesced);
	vm->coalesced = NULL;
}
