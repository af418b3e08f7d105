// SPDX-License-Identifier: GPL-2.0-only
/*
 * L2's paging context: which second stage L1 gave it, how that is walked, and
 * what L1's flushes mean for the shadows made from it.
 *
 * SDM3 "The Extended Page Table Mechanism (EPT)", APM2 "Nested Paging".
 */
#include "../nestor.h"
#include "internal.h"

/**
 * nst_stage2_ept_exec_only() - see stage2.h
 *
 * Return: whether the host's own tables can express it.
 */
bool nst_stage2_ept_exec_only(void)
{
	return nst_caps.tdp && nst_caps.tdp_exec_only;
}

/**
 * nst_stage2_ept_levels() - see stage2.h
 *
 * Return: 4 or 5.
 */
unsigned int nst_stage2_ept_levels(void)
{
	return nst_caps.tdp ? nst_caps.tdp_levels : NST_LEVEL_MAX;
}

/* NPT has the mode that L1 itself ran in: APM2 "Nested Paging". */
static enum nst_format_id npt_format(const struct nst_stage2 *s2)
{
	if (!(s2->cr0 & X86_CR0_PG))
		return NST_FMT_OFF;
	if (s2->efer & EFER_LMA)
		return s2->cr4 & X86_CR4_LA57 ? NST_FMT_5LEVEL : NST_FMT_4LEVEL;
	return s2->cr4 & X86_CR4_PAE ? NST_FMT_PAE : NST_FMT_2LEVEL;
}

static enum nst_format_id stage2_format(const struct nst_stage2 *s2)
{
	if (s2->kind == NST_STAGE2_NPT)
		return npt_format(s2);
	return s2->ept_levels == NST_LEVEL_MAX ? NST_FMT_EPT5 : NST_FMT_EPT4;
}

/* Hardware's tables, when they are a shadow of these, must not have fewer levels. */
static bool can_walk(enum nst_format_id format)
{
	unsigned int levels = nst_formats[format].levels;

	return levels && (!nst_caps.tdp || levels <= nst_caps.tdp_levels);
}

/*
 * Accesses of NPT are all user accesses, so neither CR0.WP nor SMEP nor SMAP
 * of L1 matters, and protection keys do not apply.
 */
static void build_mode(struct nst_vcpu *vcpu, const struct nst_stage2 *s2,
		       enum nst_format_id format, struct nst_walk_mode *mode)
{
	bool ept = s2->kind == NST_STAGE2_EPT;
	const struct nst_format_env env = {
		.maxphyaddr = vcpu->maxphyaddr ?: 36,
		.nx = (s2->efer & EFER_NX) && (s2->cr4 & X86_CR4_PAE),
		.pse36 = true,
		.gb_pages = ept || nst_guest_has(vcpu, NST_GCAP_1G),
		.amd = nst_guest_has(vcpu, NST_GCAP_AMD),
		.exec_only = nst_stage2_ept_exec_only(),
	};
	const struct nst_perm_env perm = { .rwx = ept, .wp = true };

	memset(mode, 0, sizeof(*mode));
	mode->fmt = &nst_formats[format];
	mode->large_levels = mode->fmt->large_levels;
	if (format == NST_FMT_2LEVEL && !(s2->cr4 & X86_CR4_PSE))
		mode->large_levels = 0;
	mode->wp = true;
	mode->ad = !ept || s2->ept_ad;
	mode->user = !ept;
	mode->table_writes = mode->ad;
	mode->log = ept && s2->ept_ad && s2->ept_log;
	nst_format_reserved(mode->fmt, &env, &mode->rsvd);
	nst_perm_build(&mode->perm, &perm);
}

/* What the roles of the merged tables have in common, but for the space. */
static union nst_role merged_role(const struct nst_stage2 *s2, enum nst_format_id format,
				  const struct nst_walk_mode *mode)
{
	union nst_role role = {
		.format = format, .host = nst_tdp_format(), .rights = NST_RIGHTS_ALL,
		.merged = 1, .wp = 1, .ad = mode->ad,
	};

	role.nx = !!(s2->efer & EFER_NX) && format != NST_FMT_2LEVEL;
	role.pse = format == NST_FMT_2LEVEL && mode->large_levels;
	return role;
}

static int alloc_slots(struct nst_vm *vm)
{
	struct nst_memslot *slot;
	unsigned long id;

	lockdep_assert_held(&vm->slots_lock);
	xa_for_each(&nst_memslots(vm)->by_id, id, slot) {
		/* A former attempt may have come half way. */
		if (!slot->mmu_private && nst_shadow_slot_alloc(slot))
			return -ENOMEM;
	}
	return 0;
}

/* With TDP in the host, slots get reverse maps when the first L2 needs them. */
static int need_rmaps(struct nst_vcpu *vcpu)
	__must_hold(&vcpu->vm->srcu)
{
	struct nst_vm *vm = vcpu->vm;
	int ret = 0;

	if (likely(READ_ONCE(vm->mmu->rmaps)))
		return 0;
	/* Who changes slots waits for readers with this lock held. */
	srcu_read_unlock(&vm->srcu, vcpu->srcu_idx);
	mutex_lock(&vm->slots_lock);
	if (!vm->mmu->rmaps)
		ret = alloc_slots(vm);
	if (!ret) {
		/* Whoever finds a reverse map by this flag finds it whole. */
		smp_store_release(&vm->mmu->rmaps, true);
	}
	mutex_unlock(&vm->slots_lock);
	vcpu->srcu_idx = srcu_read_lock(&vm->srcu);
	return ret;
}

/* Most entries have the second stage of the one before. */
static bool is_built(struct nst_vcpu *vcpu, const struct nst_stage2 *s2)
{
	const struct nst_stage2 *old = &vcpu->mmu->stage2;
	struct nst_mode_key *key = &vcpu->mmu->stage2_key;
	const struct nst_mode_key now = {
		.maxphyaddr = vcpu->maxphyaddr, .gb_pages = nst_guest_has(vcpu, NST_GCAP_1G),
		.amd = nst_guest_has(vcpu, NST_GCAP_AMD), .valid = true,
	};
	bool same = old->kind == s2->kind && old->root == s2->root &&
		    old->ept_levels == s2->ept_levels && old->ept_ad == s2->ept_ad &&
		    old->ept_log == s2->ept_log &&
		    old->cr0 == s2->cr0 && old->cr4 == s2->cr4 && old->efer == s2->efer;

	same = same && key->valid && key->maxphyaddr == now.maxphyaddr &&
	       key->gb_pages == now.gb_pages && key->amd == now.amd;
	*key = now;
	return same;
}

/*
 * With a second stage of L1's the root is a shadow of that, without it is the tree
 * of all of L1's memory: one may not be taken for the other.
 */
static void commit_stage2(struct nst_vcpu *vcpu, const struct nst_stage2 *s2)
{
	struct nst_mmu *mmu = vcpu->mmu;
	bool had = mmu->stage2.kind != NST_STAGE2_NONE, has = s2->kind != NST_STAGE2_NONE;

	if (!vcpu->vm->mmu->shadow && had != has)
		nst_unload_l2(vcpu);
	mmu->stage2 = *s2;
}

static int set_stage2(struct nst_vcpu *vcpu, const struct nst_stage2 *s2)
{
	struct nst_mmu *mmu = vcpu->mmu;
	enum nst_format_id format;

	if (is_built(vcpu, s2))
		return 0;
	/* Until the new one is whole. */
	mmu->stage2_key.valid = false;
	mmu->modes++;
	if (s2->kind == NST_STAGE2_NONE) {
		commit_stage2(vcpu, s2);
		return 0;
	}
	format = stage2_format(s2);
	if (!can_walk(format))
		return -EINVAL;
	if (need_rmaps(vcpu))
		return -ENOMEM;
	build_mode(vcpu, s2, format, &mmu->stage2_mode);
	mmu->stage2_role = merged_role(s2, format, &mmu->stage2_mode);
	mmu->stage2_key.valid = true;
	commit_stage2(vcpu, s2);
	return 0;
}

/**
 * nst_mmu_enter_l2() - see stage2.h
 * @vcpu: loaded vCPU, srcu held; may sleep
 * @s2: L1's second stage
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int nst_mmu_enter_l2(struct nst_vcpu *vcpu, const struct nst_stage2 *s2)
{
	struct nst_paging *l2 = &vcpu->mmu->context[NST_CONTEXT_L2];
	int ret;

	if (vcpu->vm->mmu->shadow && !l2->pae_root) {
		l2->pae_root = nst_pae_root_alloc();
		if (!l2->pae_root)
			return -ENOMEM;
	}
	ret = set_stage2(vcpu, s2);
	if (!ret)
		vcpu->mmu->cur = l2;
	return ret;
}

/**
 * nst_mmu_leave_l2() - see stage2.h
 * @vcpu: the vCPU
 */
void nst_mmu_leave_l2(struct nst_vcpu *vcpu)
{
	vcpu->mmu->cur = &vcpu->mmu->context[NST_CONTEXT_L1];
}

/**
 * nst_mmu_switch_stage2() - see stage2.h
 * @vcpu: loaded vCPU, srcu held; may sleep
 * @s2: the new second stage
 *
 * Return: as nst_mmu_enter_l2().
 */
int nst_mmu_switch_stage2(struct nst_vcpu *vcpu, const struct nst_stage2 *s2)
{
	return set_stage2(vcpu, s2);
}

/* ---- L1's flushes ---- */

static void flush(struct nst_vcpu *vcpu, bool second_stage)
{
	struct nst_vm *vm = vcpu->vm;
	LIST_HEAD(dead);

	spin_lock(&vm->mmu_lock);
	if (second_stage)
		nst_shadow_zap_anchored(vm, &dead);
	nst_sync_all(vm);
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_free(vm, false, &dead);
	nst_request(vcpu, NST_REQ_TLB_FLUSH);
}

/**
 * nst_mmu_flush_l2() - see stage2.h
 * @vcpu: loaded vCPU, srcu held
 */
void nst_mmu_flush_l2(struct nst_vcpu *vcpu)
{
	flush(vcpu, true);
}

/**
 * nst_mmu_flush_stage2() - see stage2.h
 * @vcpu: loaded vCPU, srcu held
 * @root: which second stage; more than that is flushed
 */
void nst_mmu_flush_stage2(struct nst_vcpu *vcpu, u64 root)
{
	flush(vcpu, true);
}

/**
 * nst_mmu_flush_l2_linear() - see stage2.h
 * @vcpu: loaded vCPU, srcu held
 */
void nst_mmu_flush_l2_linear(struct nst_vcpu *vcpu)
{
	if (vcpu->vm->mmu->shadow)
		flush(vcpu, false);
	else
		nst_request(vcpu, NST_REQ_TLB_FLUSH);
}

/**
 * nst_mmu_invlpg_l2() - see stage2.h
 * @vcpu: loaded vCPU, srcu held
 * @gva: linear address
 */
void nst_mmu_invlpg_l2(struct nst_vcpu *vcpu, u64 gva)
{
	if (vcpu->vm->mmu->shadow)
		nst_shadow_invlpg(vcpu, &vcpu->mmu->context[NST_CONTEXT_L2], gva);
	nst_request(vcpu, NST_REQ_TLB_FLUSH);
}

/* ---- walks and refusals ---- */

/**
 * nst_refused() - keep what L1's second stage said
 * @vcpu: the vCPU
 * @why: what the walk found
 * @gva: linear address of the access
 * @gva_valid: @gva is known
 */
void nst_refused(struct nst_vcpu *vcpu, const struct nst_walk_refusal *why, u64 gva,
		 bool gva_valid)
{
	vcpu->mmu->refusal = (struct nst_stage2_fault){
		.gpa = (__force nst_l2gpa_t)why->addr,
		.gva = gva,
		.gva_valid = gva_valid,
		.access = why->access,
		.rights = why->rights,
		.present = why->error_code & NST_PFEC_P,
		.malformed = why->error_code & NST_PFEC_RSVD,
		.in_page_walk = why->in_page_walk,
		.log_full = why->log_full,
	};
}

/**
 * nst_mmu_stage2_fault() - see stage2.h
 * @vcpu: the vCPU
 *
 * Return: the description.
 */
const struct nst_stage2_fault *nst_mmu_stage2_fault(const struct nst_vcpu *vcpu)
{
	return &vcpu->mmu->refusal;
}

static struct nst_walk_second second_stage(const struct nst_vcpu *vcpu)
{
	return (struct nst_walk_second){
		.mode = &vcpu->mmu->stage2_mode, .root = vcpu->mmu->stage2.root,
	};
}

/* Walks the second stage for one address. */
static bool walk_one(struct nst_vcpu *vcpu, const struct nst_walk_second *second, u64 addr,
		     u8 access, struct nst_walk *out, struct nst_walk_refusal *why)
{
	struct nst_walk_reader reader;
	const struct nst_walk_mem mem = nst_guest_mem(vcpu, &reader);

	return nst_walk_second(second, &mem, addr, access, out, why);
}

/**
 * nst_stage2_walk() - walk the second stage for the exit that vcpu->exit describes
 * @vcpu: loaded vCPU, srcu held; may sleep
 * @l2gpa: the address that hardware could not translate
 * @access: NST_ACCESS_R, _W, _X
 * @last: a shadow of level 1 that the address has: its guest table and its role; or NULL
 * @out: result
 *
 * Return: false when it is L1's to handle; nst_mmu_stage2_fault() then tells.
 */
bool nst_stage2_walk(struct nst_vcpu *vcpu, nst_gpa_t l2gpa, u8 access,
		     const struct nst_last_table *last, struct nst_walk *out)
{
	struct nst_walk_second second = second_stage(vcpu);
	struct nst_walk_refusal why;

	if (last) {
		second.from = NST_LEVEL_4K;
		second.table = last->gfn << PAGE_SHIFT;
		second.rights = last->role.rights;
	}
	if (walk_one(vcpu, &second, nst_gpa_raw(l2gpa), access, out, &why))
		return true;
	why.in_page_walk = vcpu->exit.tdp.in_page_walk;
	nst_refused(vcpu, &why, vcpu->exit.tdp.gva, vcpu->exit.tdp.gva_valid);
	return false;
}

/**
 * nst_mmu_l2gpa_to_gpa() - see stage2.h
 * @vcpu: loaded vCPU, srcu held; may sleep
 * @l2gpa: L2-physical address
 * @access: NST_ACCESS_R, _W, _X
 * @gpa: result
 *
 * Return: 0 or -EREMOTE.
 */
int nst_mmu_l2gpa_to_gpa(struct nst_vcpu *vcpu, nst_l2gpa_t l2gpa, u8 access, nst_gpa_t *gpa)
{
	const struct nst_walk_second second = second_stage(vcpu);
	struct nst_walk_refusal why;
	struct nst_walk walk;

	if (!nst_has_stage2(vcpu->mmu)) {
		*gpa = nst_gpa((__force u64)l2gpa);
		return 0;
	}
	if (walk_one(vcpu, &second, (__force u64)l2gpa, access, &walk, &why)) {
		*gpa = walk.gpa;
		return 0;
	}
	nst_refused(vcpu, &why, 0, false);
	return -EREMOTE;
}
