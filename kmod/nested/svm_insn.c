// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instructions of SVM, executed by L1 (or by an L2 whose L1 lets it), with
 * the checks that come before: EFER.SVME and protected mode (#UD), CPL and the
 * address in rAX (#GP).  APM3 "VMRUN", "VMLOAD", "STGI" …
 */
#include "../nestor.h"
#include "../mmu/stage2.h"
#include "nsvm.h"

/**
 * nsvm_insn_fault() - the fault that any instruction of SVM has before all else
 * @vcpu: loaded vCPU
 *
 * Return: X86_TRAP_UD, X86_TRAP_GP, or 0.
 */
int nsvm_insn_fault(struct nst_vcpu *vcpu)
{
	nst_pull(vcpu, NST_STATE_CR | NST_STATE_SEG);
	if (!(vcpu->st.efer & EFER_SVME) || !nst_protected(vcpu) ||
	    (vcpu->st.rflags & X86_EFLAGS_VM))
		return X86_TRAP_UD;
	return nst_cpl(vcpu) ? X86_TRAP_GP : 0;
}

static u64 nsvm_rax(struct nst_vcpu *vcpu)
{
	u64 rax = vcpu->st.gpr[NST_RAX];

	return nst_code64(vcpu) ? rax : (u32)rax;
}

/* A page of L1's memory by its address in rAX. */
static bool nsvm_vmcb_address(struct nst_vcpu *vcpu, u64 *pa)
{
	*pa = nsvm_rax(vcpu);
	return !(*pa & ~NST_PAGE_MASK) && !(*pa >> vcpu->maxphyaddr);
}

static enum nst_next nsvm_gp(struct nst_vcpu *vcpu)
{
	nst_raise_gp(vcpu);
	return NST_ENTER;
}

/* ---- VMLOAD, VMSAVE: the state that VMRUN leaves alone ---- */

static const struct {
	u8 seg;
	u16 offset;
} nsvm_extra_segs[] = {
	{ NST_FS, offsetof(struct vmcb_save_area, fs) },
	{ NST_GS, offsetof(struct vmcb_save_area, gs) },
	{ NST_TR, offsetof(struct vmcb_save_area, tr) },
	{ NST_LDTR, offsetof(struct vmcb_save_area, ldtr) },
};

/*
 * APM2 does not say what VMLOAD does with addresses that are not canonical. On an Intel
 * CPU the MSRs cannot hold them, so they are sign-extended, as those of segments are.
 */
static const struct {
	u16 state;
	u16 offset;
	bool address;
	u64 bits;
} nsvm_extra_msrs[] = {
#define MSR(name, address, bits)					\
	{ offsetof(struct nst_state, name), offsetof(struct vmcb_save_area, name), address, bits }
	MSR(kernel_gs_base, true, U64_MAX), MSR(star, false, U64_MAX),
	MSR(lstar, true, U64_MAX), MSR(cstar, true, U64_MAX), MSR(sfmask, false, U32_MAX),
	MSR(sysenter_cs, false, U32_MAX), MSR(sysenter_esp, true, U64_MAX),
	MSR(sysenter_eip, true, U64_MAX),
#undef MSR
};

static void nsvm_load_extra(struct nst_vcpu *vcpu, const struct vmcb_save_area *save)
{
	nst_modify(vcpu, NST_STATE_SEG | NST_STATE_MSR);
	for (int i = 0; i < ARRAY_SIZE(nsvm_extra_segs); i++) {
		struct nst_segment *seg = &vcpu->st.seg[nsvm_extra_segs[i].seg];

		nsvm_load_segment(seg, (const void *)save + nsvm_extra_segs[i].offset);
		seg->base = nsvm_canonical(vcpu, seg->base);
	}
	for (int i = 0; i < ARRAY_SIZE(nsvm_extra_msrs); i++) {
		u64 val = *(const u64 *)((const void *)save + nsvm_extra_msrs[i].offset);

		if (nsvm_extra_msrs[i].address)
			val = nsvm_canonical(vcpu, val);
		*(u64 *)((void *)&vcpu->st + nsvm_extra_msrs[i].state) =
			val & nsvm_extra_msrs[i].bits;
	}
}

static void nsvm_store_extra(struct nst_vcpu *vcpu, struct vmcb_save_area *save)
{
	nst_pull(vcpu, NST_STATE_SEG | NST_STATE_MSR);
	for (int i = 0; i < ARRAY_SIZE(nsvm_extra_segs); i++)
		nsvm_store_segment((void *)save + nsvm_extra_segs[i].offset,
				   &vcpu->st.seg[nsvm_extra_segs[i].seg]);
	for (int i = 0; i < ARRAY_SIZE(nsvm_extra_msrs); i++)
		*(u64 *)((void *)save + nsvm_extra_msrs[i].offset) =
			*(const u64 *)((const void *)&vcpu->st + nsvm_extra_msrs[i].state);
}

/*
 * APM2 "VMLOAD/VMSAVE Virtualization": an L2 for which L1 turned that on means its
 * own physical memory.  False: L1's nested paging refuses the access.
 */
static bool nsvm_extra_address(struct nst_vcpu *vcpu, u8 access, u64 *pa)
{
	nst_gpa_t gpa;

	if (!nst_in_l2(vcpu) || !nsvm_virtual_vmload(&to_nsvm(vcpu)->v))
		return true;
	if (nst_mmu_l2gpa_to_gpa(vcpu, (__force nst_l2gpa_t)*pa, access, &gpa))
		return false;
	*pa = nst_gpa_raw(gpa);
	return true;
}

static enum nst_next nsvm_vmload(struct nst_vcpu *vcpu)
{
	struct vmcb *page = to_nsvm(vcpu)->other;
	u64 pa;

	if (!nsvm_vmcb_address(vcpu, &pa))
		return nsvm_gp(vcpu);
	if (!nsvm_extra_address(vcpu, NST_ACCESS_R, &pa))
		return nst_nested_stage2_exit(vcpu);
	if (nsvm_read_extra(vcpu, pa, page))
		return nsvm_gp(vcpu);
	nsvm_load_extra(vcpu, &page->save);
	return nst_skip_insn(vcpu);
}

static enum nst_next nsvm_vmsave(struct nst_vcpu *vcpu)
{
	struct vmcb *page = to_nsvm(vcpu)->other;
	u64 pa;

	if (!nsvm_vmcb_address(vcpu, &pa))
		return nsvm_gp(vcpu);
	if (!nsvm_extra_address(vcpu, NST_ACCESS_W, &pa))
		return nst_nested_stage2_exit(vcpu);
	nsvm_store_extra(vcpu, &page->save);
	if (nsvm_write_extra(vcpu, pa, page))
		return nsvm_gp(vcpu);
	return nst_skip_insn(vcpu);
}

/* ---- the others ---- */

static enum nst_next nsvm_do_vmrun(struct nst_vcpu *vcpu)
{
	u64 pa;

	if (!nsvm_vmcb_address(vcpu, &pa))
		return nsvm_gp(vcpu);
	return nsvm_vmrun(vcpu, pa);
}

/* APM2 "Virtual GIF": L2's STGI and CLGI are about a flag of its own. */
static void nsvm_set_virtual_gif(struct nsvm *nsvm, bool gif)
{
	nsvm->v.int_ctl &= ~(u32)V_GIF_MASK;
	if (gif)
		nsvm->v.int_ctl |= V_GIF_MASK;
}

/**
 * nsvm_put_gif() - change L1's GIF
 * @vcpu: loaded vCPU
 * @gif: its new value
 */
void nsvm_put_gif(struct nst_vcpu *vcpu, bool gif)
{
	nst_modify(vcpu, NST_STATE_INTR);
	vcpu->st.gif = gif;
}

/* From now on hardware carries them out in L1, where it can. */
static void nsvm_own_gif(struct nst_vcpu *vcpu)
{
	struct nst_ctl *ctl = nst_own_ctl(vcpu);

	if (nst_in_l2(vcpu) || !nst_caps.virtual_gif || (ctl->own_gif && !ctl->gif_window))
		return;
	ctl->own_gif = true;
	ctl->gif_window = false;
	nst_ctl_changed(vcpu, NST_CTL_TRAPS);
}

static enum nst_next nsvm_set_gif(struct nst_vcpu *vcpu, bool gif)
{
	struct nsvm *nsvm = to_nsvm(vcpu);

	if (nst_in_l2(vcpu) && (nsvm->v.int_ctl & V_GIF_ENABLE_MASK)) {
		nsvm_set_virtual_gif(nsvm, gif);
	} else {
		nsvm_put_gif(vcpu, gif);
		nsvm_own_gif(vcpu);
	}
	/* What waited may come now, or what could come must wait. */
	nst_request(vcpu, NST_REQ_EVENT);
	return nst_skip_insn(vcpu);
}

/* APM3 "INVLPGA": the address is in rAX, the ASID in ECX; 0 is L1's own. */
static enum nst_next nsvm_invlpga(struct nst_vcpu *vcpu)
{
	u64 gva = nsvm_rax(vcpu);

	/* The second stage's part of the translation is stale as well. */
	if ((u32)vcpu->st.gpr[NST_RCX])
		nst_mmu_flush_l2(vcpu);
	else
		nst_mmu_invlpg(vcpu, gva);
	return nst_skip_insn(vcpu);
}

/**
 * nsvm_insn() - nst_isa.insn
 * @vcpu: loaded vCPU; vcpu->exit.insn says which instruction
 *
 * Return: what to do next.
 */
enum nst_next nsvm_insn(struct nst_vcpu *vcpu)
{
	enum nst_isa_insn insn = vcpu->exit.insn.which;
	int fault = nsvm_insn_fault(vcpu);

	/* No secure kernel loader, no VMX. */
	if (vcpu->exit.kind != NST_EXIT_SVM_INSN || insn == NST_INSN_SKINIT)
		fault = X86_TRAP_UD;
	if (fault == X86_TRAP_UD) {
		nst_raise(vcpu, X86_TRAP_UD);
		return NST_ENTER;
	}
	if (fault)
		return nsvm_gp(vcpu);
	switch (insn) {
	case NST_INSN_VMRUN:
		return nsvm_do_vmrun(vcpu);
	case NST_INSN_VMLOAD:
		return nsvm_vmload(vcpu);
	case NST_INSN_VMSAVE:
		return nsvm_vmsave(vcpu);
	case NST_INSN_STGI:
		return nsvm_set_gif(vcpu, true);
	case NST_INSN_CLGI:
		return nsvm_set_gif(vcpu, false);
	case NST_INSN_INVLPGA:
		return nsvm_invlpga(vcpu);
	default:
		nst_raise(vcpu, X86_TRAP_UD);
		return NST_ENTER;
	}
}
