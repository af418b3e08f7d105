// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots.  A slot object never changes after it is published; every
 * change replaces it.  Readers find slots in a maple tree under SRCU, so a
 * change of one slot costs O(log n) and is one atomic step for them.
 *
 * How a change stays ahead of faults: before a slot goes, mapping stops for the
 * VM and the slot is zapped while readers still find it; then the tree changes;
 * then the generation is raised, and a fault that looked a slot up before
 * starts again.
 */
#include "nestor.h"
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include "backend.h"
#include "core.h"
#include "memslot.h"
#include "mmu/mmu.h"
#include "vcpu.h"

/* What one slot may hold, so that page counts fit the ABI's dirty log. */
#define SLOT_MAX_PAGES		((1ull << 31) - 1)
#define SLOT_USER_FLAGS		(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)

/* A page count's bitmap in bytes, whole 64-bit words as the ABI wants it. */
static size_t bitmap_bytes(u64 npages)
{
	return ALIGN(npages, 64) / 8;
}

/**
 * nst_memslot_find() - find the slot that backs a guest page
 * @vm: the VM
 * @space: enum nst_space
 * @gfn: guest frame number
 *
 * Context: vm->srcu held for reading, or slots_lock; or mmu_lock, without which no
 * slot that is still found goes away.
 *
 * Return: the slot, or NULL.
 */
struct nst_memslot *nst_memslot_find(struct nst_vm *vm, unsigned int space, u64 gfn)
{
	lockdep_assert_once(srcu_read_lock_held(&vm->srcu) || lockdep_is_held(&vm->slots_lock) ||
			    lockdep_is_held(&vm->mmu_lock));
	return mtree_load(&nst_memslots(vm)->by_gfn[space], gfn);
}

static bool slot_has(const struct nst_memslot *slot, u64 gfn)
{
	return slot && gfn - slot->base_gfn < slot->npages;
}

/**
 * nst_vcpu_memslot() - find the slot that backs a guest page for a vCPU
 * @vcpu: the vCPU; its own thread
 * @gfn: guest frame number
 *
 * The slot found last is good as long as no change was published: a change
 * raises the generation before it waits for us and frees the slot.
 *
 * Context: vm->srcu held for reading.
 *
 * Return: the slot, or NULL.
 */
struct nst_memslot *nst_vcpu_memslot(struct nst_vcpu *vcpu, u64 gfn)
{
	struct nst_memslot *slot = vcpu->recent.slot;
	u64 generation = READ_ONCE(nst_memslots(vcpu->vm)->generation);

	if (likely(vcpu->recent.generation == generation && slot_has(slot, gfn) &&
		   slot->space == vcpu->space))
		return slot;
	/* Whatever is found is at least as new as the generation it is kept with. */
	smp_rmb();
	slot = nst_memslot_find(vcpu->vm, vcpu->space, gfn);
	vcpu->recent.slot = slot;
	vcpu->recent.generation = generation;
	return slot;
}

/**
 * nst_memslot_find_locked() - find the slot that backs a guest page
 * @vm: the VM
 * @space: enum nst_space
 * @gfn: guest frame number
 *
 * Context: mmu_lock held.
 *
 * Return: the slot, or NULL.
 */
struct nst_memslot *nst_memslot_find_locked(struct nst_vm *vm, unsigned int space, u64 gfn)
{
	struct nst_memslots *slots = nst_memslots(vm);

	lockdep_assert_held(&vm->mmu_lock);
	if (!slot_has(slots->recent[space], gfn))
		slots->recent[space] = nst_memslot_find(vm, space, gfn);
	return slots->recent[space];
}

/**
 * nst_memslot_mark_dirty() - note that a guest page was written
 * @vm: the VM
 * @slot: its slot
 * @gfn: the page
 *
 * Context: vm->srcu held, any lock; a thread with one of the VM's vCPUs loaded.
 */
void nst_memslot_mark_dirty(struct nst_vm *vm, struct nst_memslot *slot, u64 gfn)
{
	u64 offset = gfn - slot->base_gfn;
	struct nst_vcpu *vcpu;

	if (!slot->dirty_bitmap)
		return;
	if (!vm->dirty_ring_entries) {
		set_bit(offset, slot->dirty_bitmap);
		return;
	}
	/* Guest memory is written by threads that have a vCPU loaded. */
	vcpu = nst_loaded_vcpu();
	if (NST_BUG_ON(vm, !vcpu || vcpu->vm != vm))
		return;
	if (!test_and_set_bit(offset, slot->dirty_bitmap))
		nst_dirty_ring_push(vcpu, slot->id, offset);
}

static u64 slot_last(const struct nst_memslot *slot)
{
	return slot->base_gfn + slot->npages - 1;
}

static bool overlaps(struct nst_memslots *slots, unsigned int space, u64 first, u64 last,
		     const struct nst_memslot *except)
{
	unsigned long index = first;
	struct nst_memslot *slot;

	mt_for_each(&slots->by_gfn[space], slot, index, last) {
		if (slot != except)
			return true;
	}
	return false;
}

static int store_range(struct nst_memslots *slots, const struct nst_memslot *where, void *what)
{
	return mtree_store_range(&slots->by_gfn[where->space], where->base_gfn, slot_last(where),
				 what, GFP_KERNEL_ACCOUNT);
}

static void hva_insert(struct nst_vm *vm, struct nst_memslot *slot)
{
	slot->hva.start = slot->userspace_addr;
	slot->hva.last = slot->userspace_addr + (slot->npages << PAGE_SHIFT) - 1;

	spin_lock(&vm->mmu_lock);
	interval_tree_insert(&slot->hva, &nst_memslots(vm)->by_hva);
	spin_unlock(&vm->mmu_lock);
}

/* With rings, a set bit is a page that is listed: none is at first. */
static bool nst_log_starts_full(struct nst_vm *vm)
{
	return (nst_memslots(vm)->dirty_log_flags & KVM_DIRTY_LOG_INITIALLY_SET) &&
	       !vm->dirty_ring_entries;
}

/*
 * Makes faults in flight and translations follow the step from @old to @new,
 * which readers see already.
 */
static void settle(struct nst_vm *vm, struct nst_memslot *old, struct nst_memslot *new)
{
	struct nst_memslots *slots = nst_memslots(vm);
	bool log_new = new && (new->flags & KVM_MEM_LOG_DIRTY_PAGES);
	bool log_old = old && (old->flags & KVM_MEM_LOG_DIRTY_PAGES);
	bool flush = false, removed = slots->removing;

	spin_lock(&vm->mmu_lock);
	slots->removing = false;
	WRITE_ONCE(slots->generation, slots->generation + 1);
	memset(slots->recent, 0, sizeof(slots->recent));
	if (old)
		interval_tree_remove(&old->hva, &slots->by_hva);
	spin_unlock(&vm->mmu_lock);

	if (log_new)
		nst_mmu_log_begin(vm);
	if (!old || !new || removed)
		return;
	/*
	 * Logging that ends lets small pages become huge again.  Pages whose
	 * bits are set from the start are protected when these are cleared.
	 */
	if (log_old && !log_new)
		flush = nst_mmu_zap_gfns(vm, new, new->base_gfn, slot_last(new) + 1);
	else if (log_new && !log_old && !nst_log_starts_full(vm))
		flush = nst_mmu_write_protect(vm, new, new->base_gfn, slot_last(new) + 1);
	if (flush)
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
}

static void slot_free(struct nst_memslot *slot)
{
	if (!slot)
		return;
	nst_mmu_slot_free(slot);
	kvfree(slot->dirty_bitmap);
	kfree(slot);
}

/* Undoes what publish() did before it failed. */
static void unpublish(struct nst_vm *vm, u32 id, struct nst_memslot *old,
		      struct nst_memslot *new)
{
	struct nst_memslots *slots = nst_memslots(vm);

	/* Both had these entries a moment ago: no memory is needed. */
	if (slots->removing)
		NST_BUG_ON(vm, store_range(slots, old, old));
	NST_BUG_ON(vm, xa_is_err(xa_store(&slots->by_id, id, old, GFP_KERNEL_ACCOUNT)));

	spin_lock(&vm->mmu_lock);
	slots->removing = false;
	if (new)
		interval_tree_remove(&new->hva, &slots->by_hva);
	spin_unlock(&vm->mmu_lock);
}

static int publish_changing(struct nst_vm *vm, u32 id, struct nst_memslot *old,
			    struct nst_memslot *new)
{
	struct nst_memslots *slots = nst_memslots(vm);
	int ret;

	ret = xa_err(xa_store(&slots->by_id, id, new, GFP_KERNEL_ACCOUNT));
	if (ret)
		return ret;
	if (new)
		hva_insert(vm, new);
	if (old && (!new || new->base_gfn != old->base_gfn)) {
		nst_mmu_slot_gone(vm, old);
		ret = store_range(slots, old, NULL);
	}
	if (!ret && new)
		ret = store_range(slots, new, new);
	if (ret) {
		unpublish(vm, id, old, new);
		return ret;
	}

	settle(vm, old, new);
	return 0;
}

/*
 * Replaces @old by @new; either may be NULL.  Consumes both on success, none
 * on failure.
 */
static int publish(struct nst_vm *vm, u32 id, struct nst_memslot *old, struct nst_memslot *new)
{
	struct nst_memslots *slots = nst_memslots(vm);
	int ret;

	WRITE_ONCE(slots->changing, true);
	/* Whoever finds the new slot finds this, or else the new generation. */
	smp_wmb();
	ret = publish_changing(vm, id, old, new);
	/* Pairs with nst_slots_moved(): the new generation comes before this. */
	smp_store_release(&slots->changing, false);
	if (ret || !old)
		return ret;
	/* After this, accesses through the old user address are over, too. */
	synchronize_srcu_expedited(&vm->srcu);
	if (new && old->dirty_bitmap == new->dirty_bitmap)
		old->dirty_bitmap = NULL;
	if (new && old->mmu_private == new->mmu_private)
		old->mmu_private = NULL;
	slot_free(old);
	return 0;
}

/* Frees a slot that was not published, but not what it shares with @old. */
static void slot_discard(struct nst_memslot *slot, const struct nst_memslot *old)
{
	if (old && slot->dirty_bitmap == old->dirty_bitmap)
		slot->dirty_bitmap = NULL;
	if (old && slot->mmu_private == old->mmu_private)
		slot->mmu_private = NULL;
	slot_free(slot);
}

/* The log of a slot that had none.  A bit behind the last page stays clear. */
static unsigned long *log_alloc(struct nst_vm *vm, u64 npages)
{
	unsigned long *log = kvzalloc(bitmap_bytes(npages), GFP_KERNEL_ACCOUNT);

	if (log && nst_log_starts_full(vm))
		bitmap_set(log, 0, npages);
	return log;
}

static int slot_alloc(struct nst_vm *vm, const struct kvm_userspace_memory_region *mem,
		      const struct nst_memslot *old, struct nst_memslot **res)
{
	struct nst_memslot *slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	int ret = 0;

	if (!slot)
		return -ENOMEM;
	slot->base_gfn = mem->guest_phys_addr >> PAGE_SHIFT;
	slot->npages = mem->memory_size >> PAGE_SHIFT;
	slot->userspace_addr = mem->userspace_addr;
	slot->flags = mem->flags;
	slot->id = mem->slot;
	slot->space = NST_SLOT_SPACE(mem->slot);

	if (mem->flags & KVM_MEM_LOG_DIRTY_PAGES) {
		slot->dirty_bitmap = old ? old->dirty_bitmap : NULL;
		if (!slot->dirty_bitmap)
			slot->dirty_bitmap = log_alloc(vm, slot->npages);
		if (!slot->dirty_bitmap)
			ret = -ENOMEM;
	}
	if (!ret)
		ret = nst_mmu_slot_alloc(vm, slot, old);
	if (ret) {
		slot_discard(slot, old);
		return ret;
	}
	*res = slot;
	return 0;
}

/* The first guest-physical address that no translation can reach. */
static u64 gpa_limit(void)
{
	unsigned int bits = 52;

	if (nst_caps.tdp)
		bits = min_t(unsigned int, bits, 12 + 9 * nst_caps.tdp_levels);
	return 1ull << bits;
}

static int check_region(const struct kvm_userspace_memory_region *mem)
{
	u64 size = mem->memory_size;

	if ((mem->guest_phys_addr | size | mem->userspace_addr) & (PAGE_SIZE - 1))
		return -EINVAL;
	if (mem->guest_phys_addr + size < mem->guest_phys_addr ||
	    mem->guest_phys_addr + size > gpa_limit())
		return -EINVAL;
	if (size >> PAGE_SHIFT > SLOT_MAX_PAGES)
		return -EINVAL;
	if (!access_ok((void __user *)(unsigned long)mem->userspace_addr, size))
		return -EINVAL;
	return 0;
}

/* May @old become what @mem says?  1: it already is. */
static int check_change(const struct nst_memslot *old,
			const struct kvm_userspace_memory_region *mem)
{
	if (mem->memory_size >> PAGE_SHIFT != old->npages ||
	    mem->userspace_addr != old->userspace_addr ||
	    ((mem->flags ^ old->flags) & KVM_MEM_READONLY))
		return -EINVAL;
	return mem->guest_phys_addr >> PAGE_SHIFT == old->base_gfn && mem->flags == old->flags;
}

static int set_region_locked(struct nst_vm *vm, const struct kvm_userspace_memory_region *mem)
{
	struct nst_memslots *slots = nst_memslots(vm);
	struct nst_memslot *old, *new;
	u64 first = mem->guest_phys_addr >> PAGE_SHIFT;
	int ret;

	lockdep_assert_held(&vm->slots_lock);
	ret = check_region(mem);
	if (ret)
		return ret;

	old = xa_load(&slots->by_id, mem->slot);
	if (!mem->memory_size)
		return old ? publish(vm, mem->slot, old, NULL) : -EINVAL;
	if (old) {
		ret = check_change(old, mem);
		if (ret)
			return ret < 0 ? ret : 0;
	}
	if (overlaps(slots, NST_SLOT_SPACE(mem->slot), first,
		     first + (mem->memory_size >> PAGE_SHIFT) - 1, old))
		return -EEXIST;

	ret = slot_alloc(vm, mem, old, &new);
	if (ret)
		return ret;
	ret = publish(vm, mem->slot, old, new);
	if (ret)
		slot_discard(new, old);
	return ret;
}

/**
 * nst_set_memory_region() - KVM_SET_USER_MEMORY_REGION
 * @vm: the VM
 * @mem: userspace's wish, already copied
 *
 * Creates, moves, deletes (size 0) a slot, or changes its flags.
 *
 * Context: takes slots_lock; vm->srcu not held.
 *
 * Return: 0, -EINVAL, -EEXIST, -ENOMEM.
 */
int nst_set_memory_region(struct nst_vm *vm, const struct kvm_userspace_memory_region *mem)
{
	int ret;

	if (!nst_slot_id_valid(mem->slot) || (mem->flags & ~SLOT_USER_FLAGS))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	ret = set_region_locked(vm, mem);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

static int unset_private_slot(struct nst_vm *vm, u32 id)
{
	struct kvm_userspace_memory_region mem = { };
	unsigned long addr = 0, len = 0;
	struct nst_memslot *slot;
	int ret, space;

	for (space = 0; space < NST_NR_SPACES; space++) {
		mem.slot = NST_SLOT_ID(space, id);
		slot = xa_load(&nst_memslots(vm)->by_id, mem.slot);
		if (!slot)
			continue;
		addr = slot->userspace_addr;
		len = slot->npages << PAGE_SHIFT;
		ret = set_region_locked(vm, &mem);
		if (ret)
			return ret;
	}
	return len && current->mm == vm->mm ? vm_munmap(addr, len) : 0;
}

static int set_private_locked(struct nst_vm *vm, u32 id, nst_gpa_t gpa, u64 bytes)
{
	struct kvm_userspace_memory_region mem = {
		.guest_phys_addr = nst_gpa_raw(gpa),
		.memory_size = bytes,
	};
	unsigned long addr;
	int ret, space;

	ret = unset_private_slot(vm, id);
	if (ret || !bytes)
		return ret;
	addr = vm_mmap(NULL, 0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(addr))
		return (long)addr;
	mem.userspace_addr = addr;
	for (space = 0; space < NST_NR_SPACES; space++) {
		mem.slot = NST_SLOT_ID(space, id);
		ret = set_region_locked(vm, &mem);
		if (!ret)
			continue;
		/* With the first of them in place, its removal unmaps as well. */
		if (!space)
			vm_munmap(addr, bytes);
		else
			unset_private_slot(vm, id);
		return ret;
	}
	return 0;
}

/**
 * nst_set_private_slot() - map memory of the module's own into the guest
 * @vm: the VM
 * @id: NST_MAX_SLOTS or above, below 1 << 16
 * @gpa: where, in every space; a present slot of the same id goes first
 * @bytes: how much; 0: only remove
 *
 * Context: a thread of the VM's process; takes slots_lock.
 *
 * Return: 0 or -errno as nst_set_memory_region().
 */
int nst_set_private_slot(struct nst_vm *vm, u32 id, nst_gpa_t gpa, u64 bytes)
{
	int ret;

	if (id < NST_MAX_SLOTS || NST_SLOT_SPACE(id))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	ret = set_private_locked(vm, id, gpa, bytes);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

/**
 * nst_memslots_init() - prepare an empty set of slots
 * @vm: the VM, not visible yet
 *
 * Context: a thread of the process that @vm belongs to.
 *
 * Return: 0 or -errno.
 */
int nst_memslots_init(struct nst_vm *vm)
{
	struct nst_memslots *slots = kzalloc(sizeof(*slots), GFP_KERNEL_ACCOUNT);
	int i, ret;

	if (!slots)
		return -ENOMEM;
	for (i = 0; i < NST_NR_SPACES; i++)
		mt_init_flags(&slots->by_gfn[i], MT_FLAGS_USE_RCU);
	xa_init(&slots->by_id);
	slots->by_hva = RB_ROOT_CACHED;
	rcu_assign_pointer(vm->memslots, slots);

	ret = nst_notifier_register(vm);
	if (ret) {
		RCU_INIT_POINTER(vm->memslots, NULL);
		kfree(slots);
	}
	return ret;
}

/**
 * nst_memslots_destroy() - give up all slots
 * @vm: the VM; nobody runs or reads it any more
 */
void nst_memslots_destroy(struct nst_vm *vm)
{
	struct nst_memslots *slots = nst_memslots(vm);
	struct nst_memslot *slot;
	unsigned long id;
	int i;

	if (!slots)
		return;
	nst_notifier_unregister(vm);
	xa_for_each(&slots->by_id, id, slot) {
		if (NST_SLOT_NUMBER(id) >= NST_MAX_SLOTS && !slot->space &&
		    current->mm == vm->mm)
			vm_munmap(slot->userspace_addr, slot->npages << PAGE_SHIFT);
		slot_free(slot);
	}
	xa_destroy(&slots->by_id);
	for (i = 0; i < NST_NR_SPACES; i++) {
		/*
		 * No reader is left.  In RCU mode Linux 6.1 frees the nodes by a walk
		 * that takes the metadata of a full node for a child, and oopses.
		 */
		mt_clear_in_rcu(&slots->by_gfn[i]);
		mtree_destroy(&slots->by_gfn[i]);
	}
	RCU_INIT_POINTER(vm->memslots, NULL);
	kfree(slots);
}
