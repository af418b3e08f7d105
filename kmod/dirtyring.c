// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty ring: instead of a bitmap that is copied whole, each vCPU lists the
 * pages that it writes in memory shared with userspace.  Userspace reads
 * entries, marks them as harvested, and gives them back by
 * KVM_RESET_DIRTY_RINGS, which has the pages listed anew when written again.
 *
 * A slot's bitmap still says which of its pages are in some ring, so that a
 * page is listed once.  An entry is written by the vCPU's own thread alone.
 */
#include "nestor.h"
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include "core.h"
#include "memslot.h"
#include "mmu/mmu.h"

/* For what one entry into the guest and the exit from it list. */
#define RING_RESERVE	64u
#define RING_PML	512u

static unsigned int ring_reserve(void)
{
	return RING_RESERVE + (nst_caps.tdp_log ? RING_PML : 0);
}

/**
 * nst_dirty_ring_enable() - KVM_CAP_DIRTY_LOG_RING
 * @vm: the VM; its lock is held
 * @bytes: of each vCPU's ring
 *
 * Return: 0; -EINVAL for a size that is no power of two or too small, a second
 * time, or when there is a vCPU already; -E2BIG.
 */
int nst_dirty_ring_enable(struct nst_vm *vm, u64 bytes)
{
	struct nst_memslot *slot;
	unsigned long id;

	if (!is_power_of_2(bytes) || bytes < PAGE_SIZE ||
	    bytes / sizeof(struct kvm_dirty_gfn) <= ring_reserve())
		return -EINVAL;
	if (bytes > NST_DIRTY_RING_BYTES)
		return -E2BIG;
	if (vm->dirty_ring_entries || vm->nr_vcpus)
		return -EINVAL;
	/* No bit is set for a page that no ring lists. */
	mutex_lock(&vm->slots_lock);
	xa_for_each(&nst_memslots(vm)->by_id, id, slot)
		if (slot->dirty_bitmap)
			bitmap_zero(slot->dirty_bitmap, slot->npages);
	vm->dirty_ring_entries = bytes / sizeof(struct kvm_dirty_gfn);
	mutex_unlock(&vm->slots_lock);
	return 0;
}

/**
 * nst_dirty_ring_create() - give a new vCPU its ring
 * @vcpu: the vCPU
 *
 * Return: 0, also when there are none; -ENOMEM.
 */
int nst_dirty_ring_create(struct nst_vcpu *vcpu)
{
	size_t bytes = vcpu->vm->dirty_ring_entries * sizeof(struct kvm_dirty_gfn);

	if (!bytes)
		return 0;
	vcpu->gfn_ring.gfns = __vmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return vcpu->gfn_ring.gfns ? 0 : -ENOMEM;
}

/**
 * nst_dirty_ring_destroy() - undo nst_dirty_ring_create()
 * @vcpu: the vCPU
 */
void nst_dirty_ring_destroy(struct nst_vcpu *vcpu)
{
	vfree(vcpu->gfn_ring.gfns);
}

/**
 * nst_dirty_ring_pages() - how many pages of a vCPU's file its ring takes
 * @vm: the VM
 */
unsigned long nst_dirty_ring_pages(const struct nst_vm *vm)
{
	return vm->dirty_ring_entries * sizeof(struct kvm_dirty_gfn) >> PAGE_SHIFT;
}

/**
 * nst_dirty_ring_page() - one of them
 * @vcpu: the vCPU
 * @index: less than nst_dirty_ring_pages()
 */
struct page *nst_dirty_ring_page(struct nst_vcpu *vcpu, unsigned long index)
{
	return vmalloc_to_page((void *)vcpu->gfn_ring.gfns + index * PAGE_SIZE);
}

static unsigned int ring_used(const struct nst_vcpu *vcpu)
{
	return vcpu->gfn_ring.next - READ_ONCE(vcpu->gfn_ring.reset);
}

/**
 * nst_dirty_ring_full() - must userspace make room before the next entry?
 * @vcpu: the vCPU, own thread
 *
 * Return: true when one more stay in the guest might list too much.
 */
bool nst_dirty_ring_full(const struct nst_vcpu *vcpu)
{
	return ring_used(vcpu) + ring_reserve() >= vcpu->vm->dirty_ring_entries;
}

/**
 * nst_dirty_ring_push() - list a page that was written
 * @vcpu: the vCPU that did, its own thread; any lock, irqs on or off
 * @slot: number of the slot
 * @offset: the page in it
 *
 * Userspace that lets a vCPU's ioctls write more pages than there is room for,
 * without ever running it, loses the VM rather than a page.
 */
void nst_dirty_ring_push(struct nst_vcpu *vcpu, u32 slot, u64 offset)
{
	unsigned int mask = vcpu->vm->dirty_ring_entries - 1;
	struct kvm_dirty_gfn *entry = &vcpu->gfn_ring.gfns[vcpu->gfn_ring.next & mask];

	if (ring_used(vcpu) > mask) {
		nst_vm_kill(vcpu->vm);
		return;
	}
	entry->slot = slot;
	entry->offset = offset;
	/* Userspace that sees the flag sees the rest. */
	smp_store_release(&entry->flags, KVM_DIRTY_GFN_F_DIRTY);
	WRITE_ONCE(vcpu->gfn_ring.next, vcpu->gfn_ring.next + 1);
	if (nst_dirty_ring_full(vcpu))
		nst_request(vcpu, NST_REQ_RING_FULL);
}

/* The entry is userspace's: it may say anything by now. */
static bool reset_entry(struct nst_vm *vm, struct kvm_dirty_gfn *entry)
{
	u32 id = READ_ONCE(entry->slot);
	u64 offset = READ_ONCE(entry->offset);
	struct nst_memslot *slot;

	WRITE_ONCE(entry->flags, 0);
	if (!nst_slot_id_valid(id))
		return false;
	slot = xa_load(&nst_memslots(vm)->by_id, id);
	if (!slot || !slot->dirty_bitmap || offset >= slot->npages)
		return false;
	/* In this order: a write after the protection lists the page again. */
	clear_bit(offset, slot->dirty_bitmap);
	return nst_mmu_write_protect(vm, slot, slot->base_gfn + offset,
				     slot->base_gfn + offset + 1);
}

static long reset_ring(struct nst_vm *vm, struct nst_vcpu *vcpu, bool *flush)
{
	unsigned int mask = vm->dirty_ring_entries - 1;
	struct kvm_dirty_gfn *entry;
	long count = 0;

	/* Userspace may set the flag of entries that it never got. */
	while (vcpu->gfn_ring.reset != READ_ONCE(vcpu->gfn_ring.next)) {
		entry = &vcpu->gfn_ring.gfns[vcpu->gfn_ring.reset & mask];
		/* What userspace did before it harvested the entry is done. */
		if (!(smp_load_acquire(&entry->flags) & KVM_DIRTY_GFN_F_RESET))
			break;
		*flush |= reset_entry(vm, entry);
		/* The vCPU reuses the entry when it sees this. */
		smp_store_release(&vcpu->gfn_ring.reset, vcpu->gfn_ring.reset + 1);
		count++;
		cond_resched();
	}
	return count;
}

/**
 * nst_reset_dirty_rings() - KVM_RESET_DIRTY_RINGS
 * @object: VM
 * @arg: unused
 *
 * Context: takes slots_lock.
 *
 * Return: how many entries userspace gave back, or -EINVAL without rings.
 */
long nst_reset_dirty_rings(void *object, unsigned long arg)
{
	struct nst_vm *vm = object;
	struct nst_vcpu *vcpu;
	bool flush = false;
	unsigned long i;
	long count = 0;

	if (!vm->dirty_ring_entries)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	nst_for_each_vcpu(vm, vcpu, i)
		count += reset_ring(vm, vcpu, &flush);
	mutex_unlock(&vm->slots_lock);
	if (flush)
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
	return count;
}
