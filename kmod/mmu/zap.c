// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking translations away: for the notifier, for slot changes, for the dirty
 * log.  Each function here does the same for every kind of table that the VM
 * has, and does nothing for a VM that has none yet or no more.
 */
#include "../nestor.h"
#include "internal.h"

/**
 * nst_zap_gfns_locked() - remove the translations of guest pages
 * @vm: the VM
 * @start: first gfn
 * @end: gfn behind the last
 * @dead: receives tables that went with them
 *
 * Context: mmu_lock held; the caller ends with nst_flush_and_free().
 *
 * Return: whether TLBs must be flushed.
 */
bool nst_zap_gfns_locked(struct nst_vm *vm, u64 start, u64 end, struct list_head *dead)
{
	lockdep_assert_held(&vm->mmu_lock);
	return vm->mmu && nst_tdp_zap(vm, start, end, dead);
}

/**
 * nst_mmu_zap_gfns() - see mmu.h
 * @vm: the VM
 * @start: first gfn
 * @end: gfn behind the last
 *
 * Context: takes mmu_lock.
 *
 * Return: whether TLBs must be flushed before the memory is reused.
 */
bool nst_mmu_zap_gfns(struct nst_vm *vm, u64 start, u64 end)
{
	LIST_HEAD(dead);
	bool flush;

	spin_lock(&vm->mmu_lock);
	flush = nst_zap_gfns_locked(vm, start, end, &dead);
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
 * @start: first gfn
 * @end: gfn behind the last
 * @clear: and forget it
 *
 * Context: mmu_lock held.  TLBs are not flushed: a use that they hide makes a
 * page look older than it is, nothing else.
 *
 * Return: whether one of them was used since the last clear.
 */
bool nst_age_gfns_locked(struct nst_vm *vm, u64 start, u64 end, bool clear)
{
	LIST_HEAD(dead);
	bool young;

	lockdep_assert_held(&vm->mmu_lock);
	if (!vm->mmu)
		return false;
	if (!clear || !nst_caps.tdp || !nst_caps.tdp_is_ept || nst_caps.tdp_ad)
		return nst_tdp_age(vm, start, end, clear);

	/* Without accessed bits, only a new fault can tell of a new use. */
	young = nst_tdp_zap(vm, start, end, &dead);
	nst_flush_and_free(vm, young, &dead);
	return young;
}

/**
 * nst_mmu_age_gfns() - see mmu.h
 * @vm: the VM
 * @start: first gfn
 * @end: gfn behind the last
 * @clear: and forget it
 *
 * Context: takes mmu_lock.
 *
 * Return: as nst_age_gfns_locked().
 */
bool nst_mmu_age_gfns(struct nst_vm *vm, u64 start, u64 end, bool clear)
{
	bool young;

	spin_lock(&vm->mmu_lock);
	young = nst_age_gfns_locked(vm, start, end, clear);
	spin_unlock(&vm->mmu_lock);
	return young;
}

/**
 * nst_mmu_write_protect() - make the next write to guest pages fault
 * @vm: the VM
 * @start: first gfn
 * @end: gfn behind the last
 *
 * Context: takes mmu_lock.
 *
 * Return: whether TLBs must be flushed before the protection holds.
 */
bool nst_mmu_write_protect(struct nst_vm *vm, u64 start, u64 end)
{
	bool flush = false;

	spin_lock(&vm->mmu_lock);
	if (vm->mmu)
		flush = nst_tdp_write_protect(vm, start, end);
	spin_unlock(&vm->mmu_lock);
	return flush;
}

/**
 * nst_mmu_zap_all() - remove every translation
 * @vm: the VM
 *
 * Context: takes mmu_lock; flushes.
 */
void nst_mmu_zap_all(struct nst_vm *vm)
{
	if (nst_mmu_zap_gfns(vm, 0, 1ull << 40))
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
}
