// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking translations away: for the notifier, for slot changes, for the dirty
 * log.  Each function here does the same for the tree of two-dimensional
 * paging and for shadow tables, and does nothing for a VM that has no tables
 * yet or no more.
 */
#include "../nestor.h"
#include "internal.h"

/* No more at a time with mmu_lock held, where the work can be cut. */
#define CHUNK_PAGES	32768ull
#define CHUNK_TABLES	128ul

/**
 * nst_zap_gfns_locked() - remove the translations of guest pages
 * @vm: the VM
 * @slot: their slot
 * @start: first gfn
 * @end: gfn behind the last
 * @dead: receives tables that went with them
 *
 * Context: mmu_lock held; the caller ends with nst_flush_and_free().
 *
 * Return: whether TLBs must be flushed.
 */
bool nst_zap_gfns_locked(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end,
			 struct list_head *dead)
{
	lockdep_assert_held(&vm->mmu_lock);
	if (!vm->mmu)
		return false;
	return nst_tdp_zap(vm, slot->space, start, end, dead) |
	       nst_rmap_zap(vm, slot, start, end);
}

/**
 * nst_mmu_zap_gfns() - see mmu.h
 * @vm: the VM
 * @slot: their slot
 * @start: first gfn
 * @end: gfn behind the last
 *
 * Context: takes mmu_lock.
 *
 * Return: whether TLBs must be flushed before the memory is reused.
 */
bool nst_mmu_zap_gfns(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end)
{
	LIST_HEAD(dead);
	bool flush;

	spin_lock(&vm->mmu_lock);
	flush = nst_zap_gfns_locked(vm, slot, start, end, &dead);
	spin_unlock(&vm->mmu_lock);

	/* Tables can be reused at once by anybody: their flush cannot wait. */
	if (list_empty(&dead))
		return flush;
	nst_flush_and_free(vm, flush, &dead);
	return false;
}

/**
 * nst_age_gfns_locked() - were guest pages used?
 * @vm: the VM
 * @slot: their slot
 * @start: first gfn
 * @end: gfn behind the last
 * @clear: and forget it
 *
 * Context: mmu_lock held.  TLBs are not flushed: a use that they hide makes a
 * page look older than it is, nothing else.
 *
 * Return: whether one of them was used since the last clear.
 */
bool nst_age_gfns_locked(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end,
			 bool clear)
{
	LIST_HEAD(dead);
	bool young;

	lockdep_assert_held(&vm->mmu_lock);
	if (!vm->mmu)
		return false;
	young = nst_rmap_age(slot, start, end, clear);
	if (!clear || !nst_caps.tdp || !nst_caps.tdp_is_ept || nst_caps.tdp_ad)
		return young | nst_tdp_age(vm, slot->space, start, end, clear);

	/* Without accessed bits, only a new fault can tell of a new use. */
	if (nst_tdp_zap(vm, slot->space, start, end, &dead)) {
		nst_flush_and_free(vm, true, &dead);
		young = true;
	}
	return young;
}

/**
 * nst_mmu_log_begin() - a slot will be logged: vCPUs have to list their writes
 * @vm: the VM
 *
 * Context: slots_lock held, before the first nst_mmu_write_protect() for a log;
 * a write that is not listed would leave a dirty bit that hides later ones.
 */
void nst_mmu_log_begin(struct nst_vm *vm)
{
	lockdep_assert_held(&vm->slots_lock);
	if (!nst_caps.tdp_log || vm->mmu->log_writes)
		return;
	WRITE_ONCE(vm->mmu->log_writes, true);
	nst_request_all(vm, NST_REQ_KICK, true);
}

/**
 * nst_mmu_log_collect() - have in the log what was written until now
 * @vm: the VM
 *
 * A vCPU hands over its list whenever it leaves the guest.
 */
void nst_mmu_log_collect(struct nst_vm *vm)
{
	if (vm->mmu->log_writes)
		nst_request_all(vm, NST_REQ_KICK, true);
}

/**
 * nst_mmu_write_protect() - make the next write to guest pages show in the log
 * @vm: the VM
 * @slot: their slot
 * @start: first gfn
 * @end: gfn behind the last
 *
 * Context: takes mmu_lock.
 *
 * Return: whether TLBs must be flushed before the protection holds.
 */
bool nst_mmu_write_protect(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end)
{
	bool flush = false;
	u64 next;

	for (; start < end; start = next) {
		next = min(end, start + CHUNK_PAGES);
		spin_lock(&vm->mmu_lock);
		if (vm->mmu)
			flush |= nst_tdp_watch_writes(vm, slot->space, start, next) |
				 nst_rmap_protect(slot, start, next);
		spin_unlock(&vm->mmu_lock);
		cond_resched();
	}
	return flush;
}

static bool zap_some_shadows(struct nst_vm *vm)
{
	LIST_HEAD(dead);
	bool more;

	spin_lock(&vm->mmu_lock);
	more = nst_shadow_zap_oldest(vm, CHUNK_TABLES, &dead) == CHUNK_TABLES;
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_free(vm, false, &dead);
	return more;
}

/**
 * nst_mmu_slot_gone() - a slot is about to be removed or moved
 * @vm: the VM
 * @slot: the slot, still found by readers
 *
 * Context: takes mmu_lock; flushes, may sleep.  Nothing is mapped until the slots
 * have settled, which is why the work can be cut in pieces.
 */
void nst_mmu_slot_gone(struct nst_vm *vm, struct nst_memslot *slot)
{
	LIST_HEAD(dead);
	bool flush;

	spin_lock(&vm->mmu_lock);
	nst_memslots(vm)->removing = true;
	flush = nst_tdp_zap(vm, slot->space, slot->base_gfn, slot->base_gfn + slot->npages,
			    &dead);
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_free(vm, flush, &dead);

	/* Its pages may hold guest tables, whose shadows go as well. */
	while (zap_some_shadows(vm))
		cond_resched();
	spin_lock(&vm->mmu_lock);
	nst_shadow_zap_all(vm, &dead);
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_free(vm, false, &dead);
}

/**
 * nst_mmu_zap_all() - see mmu.h
 * @vm: the VM
 *
 * Context: takes mmu_lock; flushes.
 */
void nst_mmu_zap_all(struct nst_vm *vm)
{
	LIST_HEAD(dead);
	bool flush = false;
	int space;

	spin_lock(&vm->mmu_lock);
	if (vm->mmu) {
		for (space = 0; space < NST_NR_SPACES; space++)
			flush |= nst_tdp_zap(vm, space, 0, 1ull << 40, &dead);
		nst_shadow_zap_all(vm, &dead);
	}
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_free(vm, flush, &dead);
}
