// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of the MMU: module, VM and vCPU parts, and the root that the next entry
 * uses.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include "internal.h"

/* So many shadow tables a VM may have before the oldest go, unless it is told else. */
#define TABLES_MAX		65536ul

/**
 * nst_mmu_module_init() - once at load
 *
 * Return: 0 or -ENOMEM.
 */
int nst_mmu_module_init(void)
{
	int ret = nst_tables_module_init();

	if (ret)
		return ret;
	ret = nst_rmap_module_init();
	if (ret)
		goto tables;
	ret = nst_shrink_module_init();
	if (ret)
		goto rmap;
	return 0;

rmap:
	nst_rmap_module_exit();
tables:
	nst_tables_module_exit();
	return ret;
}

/**
 * nst_mmu_module_exit() - no VM is left
 */
void nst_mmu_module_exit(void)
{
	nst_shrink_module_exit();
	nst_rmap_module_exit();
	nst_tables_module_exit();
}

/**
 * nst_mmu_vm_create() - a VM's part
 * @vm: the VM
 *
 * Return: 0 or -ENOMEM.
 */
int nst_mmu_vm_create(struct nst_vm *vm)
{
	struct nst_mmu_vm *mmu = kzalloc(sizeof(*mmu), GFP_KERNEL_ACCOUNT);

	if (!mmu)
		return -ENOMEM;
	INIT_LIST_HEAD(&mmu->tdp_tables);
	INIT_LIST_HEAD(&mmu->tables);
	INIT_LIST_HEAD(&mmu->unsync);
	INIT_LIST_HEAD(&mmu->zombies);
	INIT_LIST_HEAD(&mmu->hiders);
	init_llist_head(&mmu->spares);
	mmu->shadow = !nst_caps.tdp;
	mmu->rmaps = mmu->shadow;
	mmu->sync_page = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!mmu->sync_page) {
		kfree(mmu);
		return -ENOMEM;
	}
	mmu->max_tables = TABLES_MAX;
	mmu->vm = vm;
	vm->mmu = mmu;
	nst_shrink_add(vm);
	return 0;
}

/**
 * nst_mmu_vm_destroy() - free all tables
 * @vm: the VM; no vCPU is left
 *
 * Context: notifiers may still run.
 */
void nst_mmu_vm_destroy(struct nst_vm *vm)
{
	struct nst_mmu_vm *mmu = vm->mmu;
	LIST_HEAD(dead);

	if (!mmu)
		return;
	nst_shrink_del(vm);
	spin_lock(&vm->mmu_lock);
	nst_shadow_zap_all(vm, &dead);
	list_splice_init(&mmu->tdp_tables, &dead);
	list_splice_init(&mmu->tables, &dead);
	list_splice_init(&mmu->zombies, &dead);
	vm->mmu = NULL;
	spin_unlock(&vm->mmu_lock);

	/* Nobody can run on them: no flush. */
	nst_tables_free(&dead);
	nst_spares_free(mmu);
	free_page((unsigned long)mmu->sync_page);
	kfree(mmu);
}

/**
 * nst_mmu_vcpu_create() - a vCPU's part
 * @vcpu: the vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int nst_mmu_vcpu_create(struct nst_vcpu *vcpu)
{
	vcpu->mmu = kzalloc(sizeof(*vcpu->mmu), GFP_KERNEL_ACCOUNT);
	if (!vcpu->mmu)
		return -ENOMEM;
	vcpu->mmu->cur = &vcpu->mmu->context[NST_CONTEXT_L1];
	vcpu->mmu->hidden_gfn = NST_NO_GFN;
	if (!vcpu->vm->mmu->shadow)
		return 0;
	/* Hardware's CR3 is ours, and its TLB is part of what we keep in sync. */
	vcpu->ctl.traps |= NST_TRAP_CR3 | NST_TRAP_INVLPG;
	vcpu->mmu->cur->pae_root = nst_pae_root_alloc();
	if (vcpu->mmu->cur->pae_root)
		return 0;
	kfree(vcpu->mmu);
	vcpu->mmu = NULL;
	return -ENOMEM;
}

/**
 * nst_mmu_vcpu_destroy() - give back the root and the cache
 * @vcpu: the vCPU, not loaded
 */
void nst_mmu_vcpu_destroy(struct nst_vcpu *vcpu)
{
	int i;

	if (!vcpu->mmu)
		return;
	nst_mmu_unload(vcpu);
	nst_hide_forget(vcpu);
	for (i = 0; i < NST_NR_CONTEXTS; i++) {
		if (vcpu->mmu->context[i].pae_root)
			nst_table_free(vcpu->mmu->context[i].pae_root);
	}
	nst_cache_drain(vcpu->mmu);
	nst_chunks_drain(vcpu->mmu);
	kfree(vcpu->mmu);
	vcpu->mmu = NULL;
}

/**
 * nst_set_root() - let the current context use a table as root
 * @vcpu: loaded vCPU, the context without a root
 * @root: the table
 *
 * Context: mmu_lock held.
 */
void nst_set_root(struct nst_vcpu *vcpu, struct nst_table *root)
{
	lockdep_assert_held(&vcpu->vm->mmu_lock);
	vcpu->mmu->cur->root = root;
	root->roots++;
}

/**
 * nst_put_root() - a context stops using its root
 * @vcpu: the vCPU, not in the guest
 * @paging: its context
 * @dead: receives the root if it was only waiting for this
 *
 * Context: mmu_lock held.
 */
void nst_put_root(struct nst_vcpu *vcpu, struct nst_paging *paging, struct list_head *dead)
{
	struct nst_table *root = paging->root;
	unsigned int i;

	lockdep_assert_held(&vcpu->vm->mmu_lock);
	if (!root)
		return;
	paging->root = NULL;
	root->roots--;
	if (root == paging->pae_root) {
		for (i = 0; i < 4; i++)
			nst_shadow_zap_entry(vcpu->vm, root, i);
	} else if (root->zapped && !root->roots) {
		list_move(&root->link, dead);
	}
}

static int load_tdp_root(struct nst_vcpu *vcpu)
{
	struct nst_mmu *mmu = vcpu->mmu;
	struct nst_table *root;

	if (nst_cache_fill(mmu))
		return -ENOMEM;
	spin_lock(&vcpu->vm->mmu_lock);
	root = nst_tdp_root(vcpu);
	if (root)
		nst_set_root(vcpu, root);
	spin_unlock(&vcpu->vm->mmu_lock);
	return root ? 0 : -ENOMEM;
}

/* Controls are replaced as a whole when the context changes: look each time. */
static void tell_root(struct nst_vcpu *vcpu)
{
	const struct nst_table *root = vcpu->mmu->cur->root;
	nst_hpa_t hpa = nst_hpa(nst_table_hpa(root));
	struct nst_ctl *ctl = &vcpu->ctl;
	bool ad = nst_caps.tdp_ad;
	/* What is listed are addresses of L1, if these are what the root translates. */
	bool log = !nst_uses_shadow(vcpu) && READ_ONCE(vcpu->vm->mmu->log_writes);

	/* To L1's EPT without these bits, a CPU's look at L2's tables is no write. */
	if (nst_is_merged(vcpu))
		ad &= vcpu->mmu->stage2_mode.table_writes;
	if (likely(ctl->root == hpa && ctl->root_level == root->role.level &&
		   ctl->root_ad == ad && ctl->root_log == log))
		return;
	ctl->root = hpa;
	ctl->root_level = root->role.level;
	ctl->root_ad = ad;
	ctl->root_log = log;
	ctl->dirty |= NST_CTL_ROOT;
}

/**
 * nst_mmu_load() - see mmu.h
 * @vcpu: loaded vCPU, irqs on, srcu held; may sleep
 *
 * Return: 0, or -ENOMEM.
 */
int nst_mmu_load(struct nst_vcpu *vcpu)
{
	int ret = 0;

	if (nst_uses_shadow(vcpu))
		ret = nst_shadow_load(vcpu);
	else if (unlikely(!vcpu->mmu->cur->root))
		ret = load_tdp_root(vcpu);
	if (!ret)
		tell_root(vcpu);
	return ret;
}

static void unload(struct nst_vcpu *vcpu, struct nst_paging *paging)
{
	struct nst_vm *vm = vcpu->vm;
	LIST_HEAD(dead);

	if (!paging->root)
		return;
	spin_lock(&vm->mmu_lock);
	nst_put_root(vcpu, paging, &dead);
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_free(vm, false, &dead);
	/* Nothing cached from the old root may serve the new one. */
	nst_request(vcpu, NST_REQ_TLB_FLUSH);
}

/**
 * nst_unload_current() - give back the current context's root
 * @vcpu: the vCPU
 */
void nst_unload_current(struct nst_vcpu *vcpu)
{
	unload(vcpu, vcpu->mmu->cur);
}

/**
 * nst_unload_l2() - give back the root of L2's context
 * @vcpu: the vCPU
 */
void nst_unload_l2(struct nst_vcpu *vcpu)
{
	unload(vcpu, &vcpu->mmu->context[NST_CONTEXT_L2]);
}

/**
 * nst_mmu_unload() - give back the roots; the next entry loads one
 * @vcpu: the vCPU
 */
void nst_mmu_unload(struct nst_vcpu *vcpu)
{
	int i;

	for (i = 0; i < NST_NR_CONTEXTS; i++)
		unload(vcpu, &vcpu->mmu->context[i]);
}

/**
 * nst_mmu_set_space() - see mmu.h
 * @vcpu: the vCPU, of the current process
 * @space: what it sees from now on
 */
void nst_mmu_set_space(struct nst_vcpu *vcpu, enum nst_space space)
{
	if (vcpu->space == space)
		return;
	vcpu->space = space;
	nst_mmu_unload(vcpu);
}

/**
 * nst_mmu_mode_changed() - see mmu.h
 * @vcpu: the vCPU
 */
void nst_mmu_mode_changed(struct nst_vcpu *vcpu)
{
	if (nst_mode_update(vcpu) && vcpu->vm->mmu->shadow)
		nst_unload_current(vcpu);
}

/**
 * nst_mmu_cr3_changed() - see mmu.h
 * @vcpu: loaded vCPU
 * @keep_tlb: the guest did not ask for a flush
 */
void nst_mmu_cr3_changed(struct nst_vcpu *vcpu, bool keep_tlb)
{
	struct nst_paging *paging = vcpu->mmu->cur;

	if (vcpu->vm->mmu->shadow) {
		/* The next load finds the root, and flushes unless PCIDs spare it. */
		paging->root_stale |= !keep_tlb;
		paging->keep_stale = !paging->root_stale;
	} else if (!keep_tlb) {
		nst_mmu_flush_guest(vcpu);
	}
}

/**
 * nst_mmu_invlpg() - see mmu.h
 * @vcpu: loaded vCPU
 * @gva: linear address
 */
void nst_mmu_invlpg(struct nst_vcpu *vcpu, u64 gva)
{
	if (vcpu->vm->mmu->shadow)
		nst_shadow_invlpg(vcpu, vcpu->mmu->cur, gva);
	preempt_disable();
	nst_backend->flush_tlb_gva(vcpu, gva);
	preempt_enable();
}

/**
 * nst_mmu_slot_alloc() - make the MMU's data of a slot
 * @vm: the VM
 * @slot: not published yet
 * @old: slot that it replaces, or NULL
 *
 * Context: slots_lock held.
 *
 * Return: 0 or -ENOMEM.
 */
int nst_mmu_slot_alloc(struct nst_vm *vm, struct nst_memslot *slot,
		       const struct nst_memslot *old)
{
	if (!vm->mmu->rmaps)
		return 0;
	if (!old || old->base_gfn != slot->base_gfn)
		return nst_shadow_slot_alloc(slot);
	slot->mmu_private = old->mmu_private;
	return 0;
}

/**
 * nst_mmu_slot_free() - free the MMU's data of a slot
 * @slot: no longer visible
 */
void nst_mmu_slot_free(struct nst_memslot *slot)
{
	nst_shadow_slot_free(slot);
}

/**
 * nst_mmu_guest_wrote() - see mmu.h
 * @vm: the VM
 * @space: enum nst_space
 * @gpa: address
 * @len: bytes, within one page
 */
void nst_mmu_guest_wrote(struct nst_vm *vm, unsigned int space, nst_gpa_t gpa, size_t len)
{
	if (vm->mmu && READ_ONCE(vm->mmu->rmaps))
		nst_shadow_guest_wrote(vm, space, gpa, len);
}
