// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two I/O buses of a VM, ports and memory: an array of address ranges,
 * replaced as a whole by writers, read under SRCU.
 */
#include "nestor.h"
#include <linux/overflow.h>
#include <linux/slab.h>
#include "core.h"
#include "irqchip/irqchip.h"

/* More than any machine has, few enough for a linear search. */
#define NST_BUS_MAX_RANGES	1000

struct nst_bus_range {
	u64 addr;
	u32 len;	/* 0: any access that starts at @addr */
	struct nst_iodev *dev;
};

struct nst_iobus {
	unsigned int count;
	struct nst_bus_range ranges[];
};

/**
 * nst_buses_create() - start a VM with empty buses
 * @vm: the VM
 *
 * Return: 0, or -ENOMEM.
 */
int nst_buses_create(struct nst_vm *vm)
{
	for (int i = 0; i < NST_NR_BUSES; i++) {
		struct nst_iobus *bus = kzalloc(sizeof(*bus), GFP_KERNEL_ACCOUNT);

		if (!bus) {
			nst_buses_destroy(vm);
			return -ENOMEM;
		}
		rcu_assign_pointer(vm->buses[i], bus);
	}
	return 0;
}

/**
 * nst_buses_destroy() - release every device and the buses
 * @vm: a VM that nobody uses any more
 */
void nst_buses_destroy(struct nst_vm *vm)
{
	for (int i = 0; i < NST_NR_BUSES; i++) {
		struct nst_iobus *bus = rcu_dereference_protected(vm->buses[i], 1);

		if (!bus)
			continue;
		for (unsigned int r = 0; r < bus->count; r++) {
			struct nst_iodev *dev = bus->ranges[r].dev;

			if (dev->ops->release)
				dev->ops->release(dev);
		}
		RCU_INIT_POINTER(vm->buses[i], NULL);
		kfree(bus);
	}
}

static struct nst_iobus *nst_bus_locked(struct nst_vm *vm, enum nst_bus_kind kind)
{
	return rcu_dereference_protected(vm->buses[kind], lockdep_is_held(&vm->slots_lock));
}

/**
 * nst_bus_register() - put a device on a bus
 * @vm: the VM; slots_lock held
 * @kind: which bus
 * @addr: first address
 * @len: bytes, 0 for any length of access at exactly @addr
 * @dev: the device; on success it belongs to the bus
 *
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int nst_bus_register(struct nst_vm *vm, enum nst_bus_kind kind, u64 addr, u32 len,
		     struct nst_iodev *dev)
{
	struct nst_iobus *old = nst_bus_locked(vm, kind);
	struct nst_iobus *new;

	if (old->count >= NST_BUS_MAX_RANGES)
		return -ENOSPC;
	new = kmalloc(struct_size(new, ranges, old->count + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	memcpy(new->ranges, old->ranges, flex_array_size(old, ranges, old->count));
	new->ranges[old->count] = (struct nst_bus_range){ addr, len, dev };
	new->count = old->count + 1;
	rcu_assign_pointer(vm->buses[kind], new);
	synchronize_srcu_expedited(&vm->srcu);
	kfree(old);
	return 0;
}

/**
 * nst_bus_unregister() - take a device off a bus
 * @vm: the VM; slots_lock held
 * @kind: which bus
 * @dev: the device; when this returns, nobody uses it any more.  The caller frees it
 *
 * The list shrinks in place when memory is short, because removal must not fail.
 */
void nst_bus_unregister(struct nst_vm *vm, enum nst_bus_kind kind, struct nst_iodev *dev)
{
	struct nst_iobus *old = nst_bus_locked(vm, kind);
	struct nst_iobus *new = kmalloc(struct_size(new, ranges, old->count),
					GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	unsigned int kept = 0;

	for (unsigned int i = 0; i < old->count; i++)
		if (old->ranges[i].dev != dev)
			new->ranges[kept++] = old->ranges[i];
	new->count = kept;
	rcu_assign_pointer(vm->buses[kind], new);
	synchronize_srcu_expedited(&vm->srcu);
	kfree(old);
}

static bool nst_range_covers(const struct nst_bus_range *range, u64 addr, unsigned int len)
{
	if (!range->len)
		return addr == range->addr;
	return addr >= range->addr && len <= range->len &&
	       addr - range->addr <= range->len - len;
}

/**
 * nst_bus_read() - read from an in-kernel device
 * @vcpu: whose access; srcu held
 * @kind: which bus
 * @addr: address
 * @data: result
 * @len: bytes
 *
 * Return: true when a device answered.
 */
bool nst_bus_read(struct nst_vcpu *vcpu, enum nst_bus_kind kind, u64 addr, void *data,
		  unsigned int len)
{
	struct nst_iobus *bus = srcu_dereference(vcpu->vm->buses[kind], &vcpu->vm->srcu);

	for (unsigned int i = 0; i < bus->count; i++) {
		struct nst_iodev *dev = bus->ranges[i].dev;

		if (nst_range_covers(&bus->ranges[i], addr, len) && dev->ops->read &&
		    dev->ops->read(vcpu, dev, addr, data, len))
			return true;
	}
	return false;
}

/**
 * nst_bus_write() - write to an in-kernel device
 * @vcpu: whose access; srcu held
 * @kind: which bus
 * @addr: address
 * @data: what to write
 * @len: bytes
 *
 * Return: true when a device took it.
 */
bool nst_bus_write(struct nst_vcpu *vcpu, enum nst_bus_kind kind, u64 addr, const void *data,
		   unsigned int len)
{
	struct nst_iobus *bus = srcu_dereference(vcpu->vm->buses[kind], &vcpu->vm->srcu);

	for (unsigned int i = 0; i < bus->count; i++) {
		struct nst_iodev *dev = bus->ranges[i].dev;

		if (nst_range_covers(&bus->ranges[i], addr, len) && dev->ops->write &&
		    dev->ops->write(vcpu, dev, addr, data, len))
			return true;
	}
	return false;
}
