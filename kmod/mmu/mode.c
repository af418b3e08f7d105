// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest paging mode: from control registers and CPUID to the format, the
 * reserved bits and the permission table that a walk needs; and translation of
 * linear addresses by software.
 */
#include "../nestor.h"
#include <linux/uaccess.h>
#include "../guestmem.h"
#include "internal.h"

static enum nst_format_id guest_format(const struct nst_state *st)
{
	if (!(st->cr0 & X86_CR0_PG))
		return NST_FMT_OFF;
	if (st->efer & EFER_LMA)
		return st->cr4 & X86_CR4_LA57 ? NST_FMT_5LEVEL : NST_FMT_4LEVEL;
	return st->cr4 & X86_CR4_PAE ? NST_FMT_PAE : NST_FMT_2LEVEL;
}

/* What the mode says about shadows of the guest's own tables. */
static union nst_role shadow_role(const struct nst_paging *paging)
{
	const struct nst_mode_key *key = &paging->mode_key;
	union nst_role role = {
		.format = paging->format, .host = NST_FMT_PAE, .rights = NST_RIGHTS_ALL,
	};

	if (paging->format == NST_FMT_4LEVEL || paging->format == NST_FMT_5LEVEL)
		role.host = paging->format;
	if (paging->format == NST_FMT_OFF) {
		role.direct = 1;
		return role;
	}
	role.ad = 1;
	role.nx = !!(key->efer & EFER_NX) && role.format != NST_FMT_2LEVEL;
	role.wp = paging->mode.wp;
	role.smep = !role.wp && (key->cr4 & X86_CR4_SMEP);
	role.smap = !role.wp && (key->cr4 & X86_CR4_SMAP);
	role.pke = !role.wp && paging->mode.pke;
	role.pse = role.format == NST_FMT_2LEVEL && (key->cr4 & X86_CR4_PSE);
	return role;
}

static void mode_build(struct nst_vcpu *vcpu)
{
	const struct nst_state *st = &vcpu->st;
	struct nst_paging *paging = vcpu->mmu->cur;
	struct nst_walk_mode *mode = &paging->mode;
	bool nx = (st->efer & EFER_NX) && (st->cr4 & X86_CR4_PAE);
	const struct nst_format_env format_env = {
		.maxphyaddr = paging->mode_key.maxphyaddr,
		.nx = nx,
		.pse36 = true,
		.gb_pages = paging->mode_key.gb_pages,
		.amd = paging->mode_key.amd,
	};
	const struct nst_perm_env perm_env = {
		.wp = st->cr0 & X86_CR0_WP,
		.smep = st->cr4 & X86_CR4_SMEP,
		.smap = st->cr4 & X86_CR4_SMAP,
	};

	paging->format = guest_format(st);
	mode->fmt = &nst_formats[paging->format];
	mode->large_levels = mode->fmt->large_levels;
	if (paging->format == NST_FMT_2LEVEL && !(st->cr4 & X86_CR4_PSE))
		mode->large_levels = 0;
	mode->wp = st->cr0 & X86_CR0_WP;
	mode->pke = mode->fmt->levels >= 4 && (st->cr4 & X86_CR4_PKE);
	mode->fetch_bit = nx || (st->cr4 & X86_CR4_SMEP);
	mode->ad = true;
	nst_format_reserved(mode->fmt, &format_env, &mode->rsvd);
	nst_perm_build(&mode->perm, &perm_env);
	paging->role = shadow_role(paging);
}

/* Values changed: do they mean another mode? */
static bool mode_renew(struct nst_vcpu *vcpu)
{
	/* Bits that decide about format, reserved bits or permissions. */
	const u64 cr0_bits = X86_CR0_PG | X86_CR0_WP;
	const u64 cr4_bits = X86_CR4_PSE | X86_CR4_PAE | X86_CR4_LA57 | X86_CR4_SMEP |
			     X86_CR4_SMAP | X86_CR4_PKE;
	struct nst_mode_key *key = &vcpu->mmu->cur->mode_key;
	const struct nst_mode_key now = {
		.cr0 = vcpu->st.cr0 & cr0_bits,
		.cr4 = vcpu->st.cr4 & cr4_bits,
		.efer = vcpu->st.efer & (EFER_LMA | EFER_NX),
		.maxphyaddr = vcpu->maxphyaddr ?: 36,
		.gb_pages = nst_guest_has(vcpu, NST_GCAP_1G),
		.amd = nst_guest_has(vcpu, NST_GCAP_AMD),
		.valid = true,
	};

	vcpu->mmu->cur->mode_seen = (struct nst_mode_seen){
		.cr0 = vcpu->st.cr0, .cr4 = vcpu->st.cr4, .efer = vcpu->st.efer,
		.cpuid_changes = vcpu->cpuid_changes,
	};
	if (key->valid && key->cr0 == now.cr0 && key->cr4 == now.cr4 &&
	    key->efer == now.efer && key->maxphyaddr == now.maxphyaddr &&
	    key->gb_pages == now.gb_pages && key->amd == now.amd)
		return false;
	*key = now;
	vcpu->mmu->modes++;
	mode_build(vcpu);
	return true;
}

/**
 * nst_mode_update() - bring the vCPU's walk mode up to date
 * @vcpu: loaded vCPU
 *
 * Cheap when nothing changed.  Guest-owned control register bits change
 * without an exit, so everybody who walks asks first.
 *
 * Return: whether the mode changed.
 */
bool nst_mode_update(struct nst_vcpu *vcpu)
{
	const struct nst_paging *paging = vcpu->mmu->cur;
	const struct nst_mode_seen *seen = &paging->mode_seen;

	nst_pull(vcpu, NST_STATE_CR);
	if (likely(paging->mode_key.valid && seen->cr0 == vcpu->st.cr0 &&
		   seen->cr4 == vcpu->st.cr4 && seen->efer == vcpu->st.efer &&
		   seen->cpuid_changes == vcpu->cpuid_changes))
		return false;
	return mode_renew(vcpu);
}

/* Tables lie close together: the slot of one is mostly that of the next, and of data. */
static const void __user *table_entry(struct nst_walk_reader *reader, u64 raw)
{
	const struct nst_memslot *slot = reader->slot;
	struct nst_vcpu *vcpu = reader->vcpu;
	u64 gfn = raw >> PAGE_SHIFT;

	if (!slot || gfn - slot->base_gfn >= slot->npages) {
		slot = nst_vcpu_memslot(vcpu, gfn);
		reader->slot = slot;
	}
	if (!slot)
		return NULL;
	return (const void __user *)(nst_memslot_hva(slot, gfn) + offset_in_page(raw));
}

static int read_guest(void *reader, nst_gpa_t gpa, void *buf, unsigned int len)
{
	const void __user *from = table_entry(reader, nst_gpa_raw(gpa));
	u32 narrow;

	if (!from)
		return -EFAULT;
	if (len == sizeof(u64)) {
		if (get_user(*(u64 *)buf, (const u64 __user *)from))
			return -EFAULT;
		nst_memo_note(((struct nst_walk_reader *)reader)->memo, from, *(u64 *)buf, len);
		return 0;
	}
	if (get_user(narrow, (const u32 __user *)from))
		return -EFAULT;
	*(u32 *)buf = narrow;
	nst_memo_note(((struct nst_walk_reader *)reader)->memo, from, narrow, len);
	return 0;
}

static int cmpxchg_guest(void *reader, nst_gpa_t gpa, u64 *old, u64 new, unsigned int len)
{
	struct nst_vcpu *vcpu = ((struct nst_walk_reader *)reader)->vcpu;

	return nst_cmpxchg_gpa_quiet(vcpu, gpa, old, new, len);
}

/* L1 has asked for a log of what L2 writes to. */
static bool log_dirty(void *opaque, u64 addr)
{
	struct nst_walk_reader *reader = opaque;
	struct nst_vcpu *vcpu = reader->vcpu;

	return !vcpu->l1 || !vcpu->l1->log || vcpu->l1->log(vcpu, addr);
}

/**
 * nst_guest_mem() - how walks reach a vCPU's memory
 * @vcpu: the vCPU
 * @reader: lives as long as the result, in one read section of vm->srcu
 *
 * Return: callbacks that may sleep.
 */
struct nst_walk_mem nst_guest_mem(struct nst_vcpu *vcpu, struct nst_walk_reader *reader)
{
	reader->vcpu = vcpu;
	reader->slot = NULL;
	reader->memo = NULL;
	return (struct nst_walk_mem){
		.opaque = reader, .read = read_guest, .exchange = cmpxchg_guest,
		.log = log_dirty,
	};
}

/*
 * APM2 "Legacy PAE Mode": under nested paging the CPU reads PDPTEs in each walk
 * and keeps none, so a reserved bit is nobody's business before it is used.
 */
static const u64 *pdpte_registers(const struct nst_vcpu *vcpu)
{
	return nst_caps.tdp && !nst_caps.tdp_is_ept ? NULL : vcpu->st.pdptr;
}

static void begin_walk(struct nst_vcpu *vcpu, u64 gva, u8 access, struct nst_walk_in *in)
{
	nst_mode_update(vcpu);
	nst_pull(vcpu, NST_STATE_GPR);
	*in = (struct nst_walk_in){
		.addr = gva,
		.root = vcpu->st.cr3,
		.pdptr = pdpte_registers(vcpu),
		.access = access,
		.ac = vcpu->st.rflags & X86_EFLAGS_AC,
	};
	if (vcpu->mmu->cur->mode.pke)
		in->pkru = vcpu->pkru;
	/* Outside long mode linear addresses have 32 bits. */
	if (!(vcpu->st.efer & EFER_LMA))
		in->addr = (u32)gva;
}

/**
 * nst_guest_walk_last() - walk the current guest tables from the table of level 1 on
 * @vcpu: loaded vCPU, without a second stage
 * @gva: linear address
 * @access: NST_ACCESS_*
 * @gfn: the table
 * @rights: NST_ACCESS_* that the levels above grant
 * @out: result
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: as nst_walk().
 */
bool nst_guest_walk_last(struct nst_vcpu *vcpu, u64 gva, u8 access, u64 gfn, u8 rights,
			 struct nst_walk *out)
{
	struct nst_walk_reader reader;
	const struct nst_walk_mem mem = nst_guest_mem(vcpu, &reader);
	struct nst_walk_in in;

	begin_walk(vcpu, gva, access, &in);
	in.from = NST_LEVEL_4K;
	in.table = gfn << PAGE_SHIFT;
	in.rights = rights;
	return nst_walk(&vcpu->mmu->cur->mode, &mem, &in, out);
}

/**
 * nst_guest_walk() - walk the current guest tables
 * @vcpu: loaded vCPU
 * @gva: linear address
 * @access: NST_ACCESS_*
 * @out: result
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: as nst_walk(), or nst_walk_both() when there is a second stage.
 */
bool nst_guest_walk(struct nst_vcpu *vcpu, u64 gva, u8 access, struct nst_walk *out)
{
	return nst_guest_walk_memo(vcpu, gva, access, out, NULL);
}

/**
 * nst_guest_walk_memo() - the same, and keep what was read
 * @vcpu: loaded vCPU
 * @gva: linear address
 * @access: NST_ACCESS_*
 * @out: result
 * @memo: for nst_memo_note(); NULL: do not keep it
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: as nst_guest_walk().
 */
bool nst_guest_walk_memo(struct nst_vcpu *vcpu, u64 gva, u8 access, struct nst_walk *out,
			 struct nst_memo *memo)
{
	struct nst_walk_reader reader;
	const struct nst_walk_mem mem = nst_guest_mem(vcpu, &reader);
	struct nst_mmu *mmu = vcpu->mmu;
	const struct nst_walk_second second = {
		.mode = &mmu->stage2_mode, .root = mmu->stage2.root,
	};
	struct nst_walk_refusal why;
	struct nst_walk_in in;
	bool ok;

	reader.memo = memo;
	begin_walk(vcpu, gva, access, &in);
	if (!nst_has_stage2(mmu))
		return nst_walk(&mmu->cur->mode, &mem, &in, out);

	ok = nst_walk_both(&mmu->cur->mode, &second, &mem, &in, out, &why);
	if (!ok && out->refused)
		nst_refused(vcpu, &why, gva, true);
	return ok;
}

/**
 * nst_mmu_translate() - see mmu.h
 * @vcpu: loaded vCPU, srcu held; may sleep
 * @gva: linear address
 * @access: NST_ACCESS_*
 * @gpa: result
 * @fault: filled on failure
 *
 * Return: 0, -EFAULT, -EIO when a guest table is not in memory, or -EREMOTE.
 */
int nst_mmu_translate(struct nst_vcpu *vcpu, u64 gva, u8 access, nst_gpa_t *gpa,
		      struct nst_walk_fault *fault)
{
	struct nst_walk walk;

	if (nst_guest_walk(vcpu, gva, access, &walk)) {
		*gpa = walk.gpa;
		return 0;
	}
	if (walk.refused)
		return -EREMOTE;
	fault->error_code = walk.error_code;
	fault->gva = gva;
	return walk.no_memory ? -EIO : -EFAULT;
}

/**
 * nst_mmu_load_pdptrs() - load the PDPTE registers as MOV to CR3 does
 * @vcpu: loaded vCPU, srcu held; may sleep
 * @cr3: where they are
 *
 * SDM3 "PDPTE Registers": a present one with a reserved bit refuses the load.
 * Nothing is loaded where the CPU has no such registers.
 *
 * Return: false to raise #GP; the registers did not change then.
 */
bool nst_mmu_load_pdptrs(struct nst_vcpu *vcpu, u64 cr3)
{
	struct nst_format_env env = { .maxphyaddr = vcpu->maxphyaddr ?: 36, .nx = true };
	struct nst_reserved rsvd;
	nst_gpa_t gpa = nst_gpa(cr3 & GENMASK_ULL(31, 5));
	u64 pdptr[4];
	int i;

	if (!pdpte_registers(vcpu))
		return true;
	if (nst_mmu_l2gpa_to_gpa(vcpu, (__force nst_l2gpa_t)gpa, NST_ACCESS_R, &gpa) ||
	    nst_vcpu_read_gpa(vcpu, gpa, pdptr, sizeof(pdptr)))
		return false;
	nst_format_reserved(&nst_formats[NST_FMT_PAE], &env, &rsvd);
	for (i = 0; i < ARRAY_SIZE(pdptr); i++) {
		if (nst_entry_present(&nst_formats[NST_FMT_PAE], pdptr[i]) &&
		    (pdptr[i] & rsvd.mask[NST_LEVEL_1G][0]))
			return false;
	}
	nst_modify(vcpu, NST_STATE_CR);
	memcpy(vcpu->st.pdptr, pdptr, sizeof(pdptr));
	vcpu->mmu->cur->root_stale = true;
	return true;
}
