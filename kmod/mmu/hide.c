// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that no table maps although memory is behind them: each access of the
 * VM's vCPUs to one is emulated.  Nesting hides the APIC-access page that L1
 * chose, since what L2 does there is not what memory does.
 *
 * A vCPU hides one page at a time, and the VM's tables have in common what any
 * of them hides: they are shared.
 */
#include "../nestor.h"
#include "internal.h"

/**
 * nst_gfns_hidden() - is one of these pages hidden?
 * @vm: the VM
 * @space: their space
 * @gfn: the first
 * @pages: how many
 *
 * Without mmu_lock the answer is a hint: nst_fault_stale() tells when it was wrong.
 *
 * Return: whether one is.
 */
bool nst_gfns_hidden(struct nst_vm *vm, unsigned int space, u64 gfn, u64 pages)
{
	const struct nst_mmu *mmu;
	bool found = false;

	if (likely(!READ_ONCE(vm->mmu->nr_hidden)) || space != NST_SPACE_NORMAL)
		return false;
	rcu_read_lock();
	list_for_each_entry_rcu(mmu, &vm->mmu->hiders, hider) {
		u64 hidden = READ_ONCE(mmu->hidden_gfn);

		if (hidden >= gfn && hidden - gfn < pages) {
			found = true;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

static void set_hidden(struct nst_vcpu *vcpu, u64 gfn)
{
	struct nst_mmu_vm *vm_mmu = vcpu->vm->mmu;
	struct nst_mmu *mmu = vcpu->mmu;
	bool was = mmu->hidden_gfn != NST_NO_GFN;

	lockdep_assert_held(&vcpu->vm->mmu_lock);
	/* On the list for good once it hid something. */
	if (!mmu->is_hider)
		list_add_rcu(&mmu->hider, &vm_mmu->hiders);
	mmu->is_hider = true;
	WRITE_ONCE(mmu->hidden_gfn, gfn);
	WRITE_ONCE(vm_mmu->nr_hidden, vm_mmu->nr_hidden - was + (gfn != NST_NO_GFN));
	/* Pairs with nst_fault_lookup(): who sees the new sequence sees this. */
	smp_wmb();
}

/**
 * nst_mmu_hide() - see stage2.h
 * @vcpu: loaded vCPU, srcu held; may sleep
 * @gfn: the page, or NST_NO_GFN
 */
void nst_mmu_hide(struct nst_vcpu *vcpu, u64 gfn)
{
	struct nst_memslots *slots = nst_memslots(vcpu->vm);
	struct nst_vm *vm = vcpu->vm;
	struct nst_memslot *slot;
	LIST_HEAD(dead);
	bool flush = false;

	if (likely(vcpu->mmu->hidden_gfn == gfn))
		return;
	spin_lock(&vm->mmu_lock);
	set_hidden(vcpu, gfn);
	/* Lookups that are under way have not seen it. */
	WRITE_ONCE(slots->inval_seq, slots->inval_seq + 1);
	slot = gfn == NST_NO_GFN ? NULL : nst_memslot_find(vm, NST_SPACE_NORMAL, gfn);
	if (slot)
		flush = nst_zap_gfns_locked(vm, slot, gfn, gfn + 1, &dead);
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_free(vm, flush, &dead);
}

/**
 * nst_hide_forget() - a vCPU goes
 * @vcpu: the vCPU, not loaded
 */
void nst_hide_forget(struct nst_vcpu *vcpu)
{
	struct nst_vm *vm = vcpu->vm;

	if (!vcpu->mmu->is_hider)
		return;
	spin_lock(&vm->mmu_lock);
	set_hidden(vcpu, NST_NO_GFN);
	list_del_rcu(&vcpu->mmu->hider);
	spin_unlock(&vm->mmu_lock);
	synchronize_rcu();
}
