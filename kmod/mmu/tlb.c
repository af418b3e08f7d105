// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLB flushes: the moment between the zap of a translation and the reuse of
 * what it translated to.
 */
#include "../nestor.h"
#include "internal.h"

/**
 * nst_flush_and_free() - finish a zap
 * @vm: the VM
 * @flush: translations went that a TLB may still hold
 * @dead: tables that went with them
 *
 * Context: mmu_lock held or not, irqs on.  Returns when no vCPU uses what was
 * zapped, and frees the tables.
 */
void nst_flush_and_free(struct nst_vm *vm, bool flush, struct list_head *dead)
{
	if (flush || !list_empty(dead))
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
	nst_tables_free(dead);
}

/**
 * nst_flush_and_keep() - nst_flush_and_free() on behalf of a vCPU, which will want new tables
 * @vm: the VM
 * @dead: retired shadows
 *
 * Context: as nst_flush_and_free(); the VM cannot be destroyed meanwhile.
 */
void nst_flush_and_keep(struct nst_vm *vm, struct list_head *dead)
{
	if (list_empty(dead))
		return;
	nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
	nst_tables_keep(vm, dead);
}

/**
 * nst_mmu_flush_guest() - the guest asked for a flush of its own TLB
 * @vcpu: loaded vCPU
 *
 * Context: vm->srcu held.
 *
 * CR3 load, CR4.PGE change, INVPCID and their kin where they exit.
 */
void nst_mmu_flush_guest(struct nst_vcpu *vcpu)
{
	struct nst_vm *vm = vcpu->vm;

	if (vm->mmu->shadow) {
		spin_lock(&vm->mmu_lock);
		nst_sync_all(vm);
		spin_unlock(&vm->mmu_lock);
	}
	nst_request(vcpu, NST_REQ_TLB_FLUSH);
}
