// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MMU notifier: the kernel moves, protects or frees a page of the process,
 * and the guest's translations of it go first.
 *
 * A fault in flight meets an invalidation in one of two ways: it takes
 * mmu_lock between start and end and sees the running range, or after end and
 * sees the sequence number moved.  Either way it starts again.
 */
#include "../nestor.h"
#include <linux/interval_tree.h>
#include <linux/mmu_notifier.h>
#include "internal.h"

typedef bool (*range_fn)(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end,
			 void *arg);

static struct nst_vm *vm_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct nst_vm, notifier);
}

/* Calls @fn for the guest pages behind user addresses [start, end). */
static bool for_hva_range(struct nst_vm *vm, unsigned long start, unsigned long end,
			  range_fn fn, void *arg)
{
	struct interval_tree_node *node;
	bool ret = false;

	lockdep_assert_held(&vm->mmu_lock);
	node = interval_tree_iter_first(&nst_memslots(vm)->by_hva, start, end - 1);
	for (; node; node = interval_tree_iter_next(node, start, end - 1)) {
		struct nst_memslot *slot = container_of(node, struct nst_memslot, hva);
		u64 first = max(start, node->start) - node->start;
		u64 last = min(end - 1, node->last) - node->start;

		ret |= fn(vm, slot, slot->base_gfn + (first >> PAGE_SHIFT),
			  slot->base_gfn + (last >> PAGE_SHIFT) + 1, arg);
	}
	return ret;
}

static bool zap_range(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end,
		      void *dead)
{
	return nst_zap_gfns_locked(vm, slot, start, end, dead);
}

static int invalidate_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct nst_vm *vm = vm_of(mn);
	struct nst_memslots *slots = nst_memslots(vm);
	LIST_HEAD(dead);
	bool flush;

	spin_lock(&vm->mmu_lock);
	if (!slots->inval_running++) {
		slots->inval_start = range->start;
		slots->inval_end = range->end;
	} else {
		/* Ranges that overlap in time are covered by one. */
		slots->inval_start = min(slots->inval_start, range->start);
		slots->inval_end = max(slots->inval_end, range->end);
	}
	flush = for_hva_range(vm, range->start, range->end, zap_range, &dead);
	spin_unlock(&vm->mmu_lock);

	nst_flush_and_free(vm, flush, &dead);
	return 0;
}

static void invalidate_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct nst_vm *vm = vm_of(mn);
	struct nst_memslots *slots = nst_memslots(vm);

	spin_lock(&vm->mmu_lock);
	/* Before the count drops: a fault that sees no range must see the sequence. */
	WRITE_ONCE(slots->inval_seq, slots->inval_seq + 1);
	slots->inval_running--;
	spin_unlock(&vm->mmu_lock);
}

static bool age_range(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end,
		      void *clear)
{
	return nst_age_gfns_locked(vm, slot, start, end, clear);
}

static int age(struct mmu_notifier *mn, unsigned long start, unsigned long end, bool clear)
{
	struct nst_vm *vm = vm_of(mn);
	bool young;

	spin_lock(&vm->mmu_lock);
	young = for_hva_range(vm, start, end, age_range, clear ? vm : NULL);
	spin_unlock(&vm->mmu_lock);
	return young;
}

static int clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
			     unsigned long start, unsigned long end)
{
	int young = age(mn, start, end, true);

	if (young)
		nst_request_all(vm_of(mn), NST_REQ_TLB_FLUSH, true);
	return young;
}

static int clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
		       unsigned long start, unsigned long end)
{
	return age(mn, start, end, true);
}

static int test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long addr)
{
	return age(mn, addr, addr + PAGE_SIZE, false);
}

/* The address space goes: its pages are freed when this returns. */
static void release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	nst_mmu_zap_all(vm_of(mn));
}

static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = invalidate_start,
	.invalidate_range_end = invalidate_end,
	.clear_flush_young = clear_flush_young,
	.clear_young = clear_young,
	.test_young = test_young,
	.release = release,
};

/**
 * nst_notifier_register() - watch the VM's address space
 * @vm: the VM; its slots are empty
 *
 * Context: a thread of that address space; takes its mmap_lock.
 *
 * Return: 0 or -errno.
 */
int nst_notifier_register(struct nst_vm *vm)
{
	vm->notifier.ops = &notifier_ops;
	return mmu_notifier_register(&vm->notifier, vm->mm);
}

/**
 * nst_notifier_unregister() - stop watching; no callback runs on return
 * @vm: the VM
 */
void nst_notifier_unregister(struct nst_vm *vm)
{
	mmu_notifier_unregister(&vm->notifier, vm->mm);
}
