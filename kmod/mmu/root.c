// SPDX-License-Identifier: GPL-2.0-only
/*
 * Roots of shadow paging: which guest tables the current context runs on, and
 * the table for hardware's CR3.  A root that was used before is found again
 * with all that hangs from it; what is unsync below it is compared then, as
 * the guest's load of CR3 asks for.
 */
#include "../nestor.h"
#include <linux/uaccess.h>
#include "shadow.h"

/* A context's own tables: what CR3 points to. */
static void own_tables(const struct nst_vcpu *vcpu, struct nst_source *src)
{
	const struct nst_paging *paging = vcpu->mmu->cur;

	src->mode = &paging->mode;
	src->base = paging->role;
	src->base.space = vcpu->space;
	src->root = vcpu->st.cr3;
	/* An address aligned to a page at least, but 0 is one, too. */
	src->anchor = nst_has_stage2(vcpu->mmu) ? vcpu->mmu->stage2.root | 1 : 0;
}

/* L1's second stage, merged with the host's. */
static void second_stage(const struct nst_vcpu *vcpu, struct nst_source *src)
{
	const struct nst_mmu *mmu = vcpu->mmu;

	src->mode = &mmu->stage2_mode;
	src->root = mmu->stage2.root;
	src->base = mmu->stage2_role;
	src->base.space = vcpu->space;
	/* PDPTEs in memory, of which one page can hold many sets. */
	src->anchor = src->base.format == NST_FMT_PAE ? src->root | 1 : 0;
}

/**
 * nst_current_source() - what the root of the current context shadows
 * @vcpu: loaded vCPU, its walk mode up to date
 * @src: result
 */
void nst_current_source(const struct nst_vcpu *vcpu, struct nst_source *src)
{
	if (nst_is_merged(vcpu))
		second_stage(vcpu, src);
	else
		own_tables(vcpu, src);
}

/*
 * The root to use.  @translated: where L1's second stage has the table that L2's
 * CR3 points to; NST_GPA_INVALID when it has nothing there.
 */
static struct nst_table *find_root(struct nst_vcpu *vcpu, const struct nst_source *src,
				   nst_gpa_t translated)
{
	struct nst_paging *paging = vcpu->mmu->cur;
	union nst_role role = src->base;
	u64 gfn = (src->root & NST_ENTRY_ADDR) >> PAGE_SHIFT;

	if (role.host == NST_FMT_PAE)
		return paging->pae_root;
	role.level = nst_formats[role.host].levels;
	if (src->anchor && !role.merged) {
		/* Nothing to shadow: the first access will tell L1. */
		if (translated == NST_GPA_INVALID) {
			role.direct = 1;
			paging->root_stale = true;
		}
		gfn = nst_gpa_gfn(translated);
	}
	return nst_shadow_get(vcpu, gfn, role, nst_anchor_of(src, role));
}

/* Would a fault let the entry of @root that shadows @guest point to @child? */
static bool may_inherit(const struct nst_source *src, const struct nst_table *root, u64 guest,
			const struct nst_table *child)
{
	const struct nst_format *fmt = src->mode->fmt;
	union nst_role role = src->base;

	role.level = root->role.level - 1;
	role.rights = nst_entry_rights(fmt, guest);
	return nst_entry_present(fmt, guest) && (guest & fmt->accessed) &&
	       !nst_entry_malformed(&src->mode->rsvd, root->role.level, guest, false) &&
	       child->gfn == (guest & NST_ENTRY_ADDR) >> PAGE_SHIFT &&
	       child->role.word == role.word && !child->anchor;
}

/*
 * Address spaces of an operating system have its own part in common: what a new
 * root has in the same place as the one before it need not fault first.
 */
static void inherit_links(struct nst_vcpu *vcpu, const struct nst_source *src,
			  struct nst_table *root, const struct nst_table *old)
{
	const struct nst_format *fmt = nst_table_format(root);
	const void __user *from = nst_shadow_source(vcpu->vm, root);
	unsigned int i, left = old->nr_present;
	u64 guest;

	pagefault_disable();
	for (i = 0; from && left && vcpu->mmu->nr_chunks && i < NST_TABLE_ENTRIES; i++) {
		if (!nst_entry_present(fmt, old->entries[i]))
			continue;
		left--;
		if (!nst_read_entry(root, from, i, &guest))
			break;
		if (may_inherit(src, root, guest, spte_child(old->entries[i])))
			nst_shadow_link(vcpu, root, i, spte_child(old->entries[i]));
	}
	pagefault_enable();
}

/* The guest's own root table has the same shape as @root, which is empty. */
static bool can_inherit(const struct nst_table *root, const struct nst_table *old)
{
	return old && old != root && !old->zapped && !root->nr_present &&
	       root->role.host == root->role.format && root->role.host != NST_FMT_PAE &&
	       !root->role.direct && !root->role.merged && !root->anchor && !old->anchor &&
	       old->role.word == root->role.word;
}

/**
 * nst_root_fits() - is a context's root still the right one?
 * @paging: the context
 * @src: what it runs on now
 *
 * Return: whether it is.
 */
bool nst_root_fits(const struct nst_paging *paging, const struct nst_source *src)
{
	return paging->root && !paging->root_stale && paging->root_addr == src->root &&
	       paging->root_role.word == src->base.word && paging->root_anchor == src->anchor;
}

/*
 * What hardware's TLB holds comes from shadows and goes with them, and the
 * backend flushes for a new root; only the PDPTEs of the same one have changed.
 * The flush that syncing may have asked for is done here and now, since a
 * request would keep the vCPU from entering.
 */
static void flush_after_load(struct nst_vcpu *vcpu, bool flush)
{
	if (!nst_test_request(vcpu, NST_REQ_TLB_FLUSH) && !flush)
		return;
	preempt_disable();
	nst_backend->flush_tlb(vcpu);
	preempt_enable();
}

/**
 * nst_shadow_load() - give the vCPU a root for its tables and mode
 * @vcpu: loaded vCPU, srcu held; may sleep
 *
 * Return: 0 or -ENOMEM.
 */
int nst_shadow_load(struct nst_vcpu *vcpu)
{
	struct nst_paging *paging = vcpu->mmu->cur;
	nst_gpa_t translated = NST_GPA_INVALID;
	struct nst_vm *vm = vcpu->vm;
	struct nst_table *root, *old;
	struct nst_source src;
	LIST_HEAD(dead);

	nst_mode_update(vcpu);
	nst_current_source(vcpu, &src);
	if (likely(nst_root_fits(paging, &src)))
		return 0;
	if (nst_cache_fill_shadow(vcpu->mmu))
		return -ENOMEM;
	if (!src.base.merged && src.anchor)
		nst_mmu_l2gpa_to_gpa(vcpu, (__force nst_l2gpa_t)(src.root & NST_ENTRY_ADDR),
				     NST_ACCESS_R, &translated);

	spin_lock(&vm->mmu_lock);
	while (nst_memslots(vm)->removing) {
		/* Who removes it needs the lock. */
		spin_unlock(&vm->mmu_lock);
		cond_resched();
		cpu_relax();
		spin_lock(&vm->mmu_lock);
	}
	old = paging->root;
	nst_put_root(vcpu, paging, &dead);
	paging->root_stale = false;
	root = find_root(vcpu, &src, translated);
	if (root && can_inherit(root, old))
		inherit_links(vcpu, &src, root, old);
	if (root && !paging->keep_stale)
		nst_sync_below(vm, root);
	paging->keep_stale = false;
	if (root)
		nst_set_root(vcpu, root);
	nst_shadow_shrink(vm, &dead);
	paging->root_addr = src.root;
	paging->root_role = src.base;
	paging->root_anchor = src.anchor;
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_keep(vm, &dead);
	flush_after_load(vcpu, root && root == paging->pae_root);
	return root ? 0 : -ENOMEM;
}

/* May code at the current CPL be fetched by a leaf? */
static bool fetchable(struct nst_vcpu *vcpu, const struct nst_format *fmt, u64 entry)
{
	u8 rights = nst_entry_rights(fmt, entry);

	if (!nst_entry_present(fmt, entry) || !(rights & NST_ACCESS_X))
		return false;
	if (nst_cpl(vcpu) == 3)
		return rights & NST_ACCESS_U;
	return !(rights & NST_ACCESS_U) || !(vcpu->st.cr4 & X86_CR4_SMEP);
}

/**
 * nst_mmu_code_gpa() - see mmu.h
 * @vcpu: loaded vCPU, srcu held
 * @lin: linear address
 * @gpa: result
 *
 * Return: whether it is known.
 */
bool nst_mmu_code_gpa(struct nst_vcpu *vcpu, u64 lin, nst_gpa_t *gpa)
{
	struct nst_vm *vm = vcpu->vm;
	struct nst_table *table = NULL;
	struct nst_source src;
	unsigned int index;
	bool known;

	if (!vm->mmu->shadow || nst_has_stage2(vcpu->mmu))
		return false;
	nst_mode_update(vcpu);
	nst_current_source(vcpu, &src);
	spin_lock(&vm->mmu_lock);
	if (nst_root_fits(vcpu->mmu->cur, &src))
		table = nst_shadow_last(vcpu->mmu->cur->root, lin, &index);
	known = table && fetchable(vcpu, nst_table_format(table), table->entries[index]);
	if (known) {
		u64 below = nst_format_pages(nst_table_format(table), table->role.level) - 1;

		*gpa = nst_gpa((table->gfns[index] | ((lin >> PAGE_SHIFT) & below)) << PAGE_SHIFT |
			       offset_in_page(lin));
	}
	spin_unlock(&vm->mmu_lock);
	return known;
}
