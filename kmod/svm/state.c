// SPDX-License-Identifier: GPL-2.0-only
/*
 * State classes between struct nst_state and the VMCB's save area, and the
 * conversion of segment attributes.  APM2 "VMCB State Save Area".
 */
#include "../nestor.h"
#include <linux/mem_encrypt.h>
#include <asm/msr.h>
#include "svm.h"

/* Above this limit a segment can only have page granularity. */
#define SVM_MAX_BYTE_LIMIT	0xfffffu

/* CR0, CR4 and EFER bits whose change ends the validity of TLB entries. */
#define SVM_CR0_TLB_BITS	(X86_CR0_PG | X86_CR0_WP | X86_CR0_PE)
#define SVM_CR4_TLB_BITS	(X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP | \
				 X86_CR4_SMAP | X86_CR4_PCIDE | X86_CR4_LA57 | X86_CR4_PKE)

/*
 * The VMCB packs AVL, L, D/B and G right above P; struct nst_segment leaves
 * the gap of a descriptor's limit bits between them.
 */
#define SVM_ATTRIB_LOW		0x00ffu
#define SVM_ATTRIB_HIGH		0x0f00u
#define SVM_ATTRIB_SHIFT	4

/* Levels of paging with CR4.LA57. */
#define SVM_LA57_LEVELS		5

/* TSS descriptor type bit that tells busy from available. */
#define SVM_TSS_BUSY		BIT(1)

/* Segment registers stand in the save area side by side, the tables between them. */
static const u8 svm_seg_places[NST_NR_SEGS] = {
	[NST_ES] = offsetof(struct vmcb_save_area, es) / sizeof(struct vmcb_seg),
	[NST_CS] = offsetof(struct vmcb_save_area, cs) / sizeof(struct vmcb_seg),
	[NST_SS] = offsetof(struct vmcb_save_area, ss) / sizeof(struct vmcb_seg),
	[NST_DS] = offsetof(struct vmcb_save_area, ds) / sizeof(struct vmcb_seg),
	[NST_FS] = offsetof(struct vmcb_save_area, fs) / sizeof(struct vmcb_seg),
	[NST_GS] = offsetof(struct vmcb_save_area, gs) / sizeof(struct vmcb_seg),
	[NST_LDTR] = offsetof(struct vmcb_save_area, ldtr) / sizeof(struct vmcb_seg),
	[NST_TR] = offsetof(struct vmcb_save_area, tr) / sizeof(struct vmcb_seg),
};

static struct vmcb_seg *svm_seg(struct vmcb *vmcb, enum nst_seg_index i)
{
	return (struct vmcb_seg *)&vmcb->save + svm_seg_places[i];
}

static void svm_pull_segment(struct nst_segment *seg, const struct vmcb_seg *hw)
{
	seg->selector = hw->selector;
	seg->base = hw->base;
	seg->limit = hw->limit;
	seg->ar = (hw->attrib & SVM_ATTRIB_LOW) |
		  ((hw->attrib & SVM_ATTRIB_HIGH) << SVM_ATTRIB_SHIFT);
	/* Some CPUs do not keep G; the expanded limit tells what it was. */
	if (hw->limit > SVM_MAX_BYTE_LIMIT)
		seg->ar |= NST_AR_G;
	if (!(hw->attrib & SVM_SELECTOR_P_MASK))
		seg->ar |= NST_AR_UNUSABLE;
}

static void svm_push_segment(struct vmcb_seg *hw, const struct nst_segment *seg)
{
	hw->selector = seg->selector;
	hw->base = seg->base;
	hw->limit = seg->limit;
	hw->attrib = (seg->ar & SVM_ATTRIB_LOW) |
		     ((seg->ar >> SVM_ATTRIB_SHIFT) & SVM_ATTRIB_HIGH);
	/* A null selector is a segment that is not present. */
	if (seg->ar & NST_AR_UNUSABLE)
		hw->attrib &= ~SVM_SELECTOR_P_MASK;
}

/* CS and SS, which is all that most exits look at. */
static void svm_pull_mode(struct svm_vcpu *svm)
{
	struct nst_state *st = &svm->vcpu->st;
	const struct vmcb_save_area *save = &svm->vmcb->save;

	svm_pull_segment(&st->seg[NST_CS], &save->cs);
	svm_pull_segment(&st->seg[NST_SS], &save->ss);
	/* The CPU keeps CPL apart; SYSRET leaves SS.DPL as it was. */
	st->seg[NST_SS].ar &= ~NST_AR_DPL;
	st->seg[NST_SS].ar |= (save->cpl << NST_AR_DPL_SHIFT) & NST_AR_DPL;
}

static void svm_pull_segs(struct svm_vcpu *svm)
{
	struct nst_state *st = &svm->vcpu->st;
	const struct vmcb_save_area *save = &svm->vmcb->save;

	svm_pull_segment(&st->seg[NST_ES], &save->es);
	svm_pull_segment(&st->seg[NST_DS], &save->ds);
	svm_pull_segment(&st->seg[NST_FS], &save->fs);
	svm_pull_segment(&st->seg[NST_GS], &save->gs);
	svm_pull_segment(&st->seg[NST_LDTR], &save->ldtr);
	svm_pull_segment(&st->seg[NST_TR], &save->tr);
	/* TR holds a busy TSS always, though the VMCB may say otherwise. */
	st->seg[NST_TR].ar |= SVM_TSS_BUSY;
}

static u8 svm_cpl(const struct nst_state *st)
{
	if (!(st->cr0 & X86_CR0_PE))
		return 0;
	if (st->rflags & X86_EFLAGS_VM)
		return 3;
	return (st->seg[NST_SS].ar & NST_AR_DPL) >> NST_AR_DPL_SHIFT;
}

static void svm_push_segs(struct svm_vcpu *svm)
{
	const struct nst_state *st = &svm->vcpu->st;
	int i;

	for (i = 0; i < NST_NR_SEGS; i++)
		svm_push_segment(svm_seg(svm->vmcb, i), &st->seg[i]);
	/*
	 * Nothing that runs without an exit looks at the busy bit of TR, and
	 * CPUs differ in whether they set it there.  QEMU's emulation does not,
	 * and dies of a 32-bit TSS that has it.
	 */
	svm->vmcb->save.tr.attrib &= ~SVM_TSS_BUSY;
	svm->vmcb->save.cpl = svm_cpl(st);
	svm_dirty(svm, SVM_CLEAN_SEG);
}

/* What CR0 must be in hardware while the guest reads st.cr0. */
static u64 svm_hw_cr0(const struct nst_state *st)
{
	/*
	 * With CD set the CPU would run the guest uncached, and NW with CD
	 * clear is not a legal state; caching is the host's affair.
	 */
	u64 cr0 = st->cr0 & ~(u64)(X86_CR0_CD | X86_CR0_NW);

	cr0 |= X86_CR0_ET;
	if (!nst_caps.tdp)
		cr0 |= X86_CR0_PG | X86_CR0_WP;
	return cr0;
}

static u64 svm_hw_cr4(const struct nst_vcpu *vcpu)
{
	const struct nst_state *st = &vcpu->st;
	/* A guest with VMX of its own has set a bit that this CPU does not know. */
	u64 cr4 = st->cr4 & ~(u64)X86_CR4_VMXE;

	if (nst_caps.tdp)
		return cr4;
	/*
	 * Shadow tables have the PAE or long format, with as many levels as
	 * their root says; without guest paging they map one to one.
	 */
	cr4 |= X86_CR4_PAE;
	cr4 &= ~(u64)(X86_CR4_PCIDE | X86_CR4_LA57);
	if (vcpu->ctl.root_level == SVM_LA57_LEVELS)
		cr4 |= X86_CR4_LA57;
	if (!(st->cr0 & X86_CR0_PG))
		cr4 &= ~(u64)(X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE);
	return cr4;
}

static u64 svm_hw_efer(const struct nst_state *st)
{
	u64 efer = st->efer | EFER_SVME;

	if (nst_caps.tdp)
		return efer;
	efer |= EFER_NX;
	if (!(st->cr0 & X86_CR0_PG))
		efer &= ~(u64)(EFER_LME | EFER_LMA);
	return efer;
}

/**
 * svm_push_cr() - put the control registers into the VMCB
 * @svm: loaded vCPU; st.cr0 to st.efer are valid
 */
void svm_push_cr(struct svm_vcpu *svm)
{
	struct nst_vcpu *vcpu = svm->vcpu;
	const struct nst_state *st = &vcpu->st;
	struct vmcb_save_area *save = &svm->vmcb->save;
	u64 cr0 = svm_hw_cr0(st), cr4 = svm_hw_cr4(vcpu), efer = svm_hw_efer(st);
	u64 cr3 = nst_caps.tdp ? st->cr3 : __sme_set(nst_hpa_raw(vcpu->ctl.root));
	struct svm_tag *tag = svm_tag(svm);

	/* Hardware flushes when the guest does this itself; we did it instead. */
	if (cr3 != tag->cr3 || ((cr0 ^ tag->cr0) & SVM_CR0_TLB_BITS) ||
	    ((cr4 ^ tag->cr4) & SVM_CR4_TLB_BITS) || efer != tag->efer)
		tag->flush = true;
	tag->cr0 = cr0;
	tag->cr3 = cr3;
	tag->cr4 = cr4;
	tag->efer = efer;
	save->cr0 = cr0;
	save->cr3 = cr3;
	save->cr4 = cr4;
	save->efer = efer;
	/* CPL depends on CR0.PE. */
	if (vcpu->valid & NST_STATE_MODE)
		save->cpl = svm_cpl(st);
	svm_dirty(svm, SVM_CLEAN_CR | SVM_CLEAN_SEG);
	svm->cr0_differs = cr0 != nst_cr0_seen(&vcpu->ctl, st->cr0);
	svm->cr4_differs = cr4 != nst_cr4_seen(&vcpu->ctl, st->cr4);
	svm_update_intercepts(svm);
}

static void svm_pull_cr(struct svm_vcpu *svm)
{
	struct nst_state *st = &svm->vcpu->st;
	const struct vmcb_save_area *save = &svm->vmcb->save;

	/* Everything else changes through exits only, and is current. */
	st->cr0 &= ~(u64)SVM_CR0_SELECTIVE_MASK;
	st->cr0 |= save->cr0 & SVM_CR0_SELECTIVE_MASK;
	if (nst_caps.tdp)
		st->cr3 = save->cr3;
}

static void svm_pull_msrs(struct svm_vcpu *svm)
{
	struct nst_state *st = &svm->vcpu->st;
	const struct vmcb_save_area *save = &svm->vmcb->save;

	st->sysenter_cs = save->sysenter_cs;
	st->sysenter_esp = save->sysenter_esp;
	st->sysenter_eip = save->sysenter_eip;
	st->star = save->star;
	st->lstar = save->lstar;
	st->cstar = save->cstar;
	st->sfmask = save->sfmask;
	st->kernel_gs_base = save->kernel_gs_base;
	if (svm_has(SVM_F_SPEC_CTRL))
		st->spec_ctrl = save->spec_ctrl;
}

static void svm_push_msrs(struct svm_vcpu *svm)
{
	const struct nst_state *st = &svm->vcpu->st;
	struct vmcb_save_area *save = &svm->vmcb->save;

	save->sysenter_cs = st->sysenter_cs;
	save->sysenter_esp = st->sysenter_esp;
	save->sysenter_eip = st->sysenter_eip;
	save->star = st->star;
	save->lstar = st->lstar;
	save->cstar = st->cstar;
	save->sfmask = st->sfmask;
	save->kernel_gs_base = st->kernel_gs_base;
	if (svm_has(SVM_F_SPEC_CTRL))
		save->spec_ctrl = st->spec_ctrl;
	if (save->g_pat != st->pat) {
		save->g_pat = st->pat;
		svm_dirty(svm, SVM_CLEAN_NPT);
	}
	if (svm->loaded && nst_caps.rdtscp)
		wrmsrl(MSR_TSC_AUX, (u32)st->tsc_aux);
}

static void svm_pull_gprs(struct svm_vcpu *svm)
{
	struct nst_state *st = &svm->vcpu->st;
	const struct vmcb_save_area *save = &svm->vmcb->save;

	/* The others are already in memory: the world switch puts them there. */
	st->gpr[NST_RAX] = save->rax;
	st->gpr[NST_RSP] = save->rsp;
	st->rip = save->rip;
	st->rflags = save->rflags;
	st->cr2 = save->cr2;
}

static void svm_push_gprs(struct svm_vcpu *svm)
{
	const struct nst_state *st = &svm->vcpu->st;
	struct vmcb_save_area *save = &svm->vmcb->save;

	save->rax = st->gpr[NST_RAX];
	save->rsp = st->gpr[NST_RSP];
	save->rip = st->rip;
	save->rflags = st->rflags | X86_EFLAGS_FIXED;
	if (save->cr2 != st->cr2) {
		save->cr2 = st->cr2;
		svm_dirty(svm, SVM_CLEAN_CR2);
	}
}

/**
 * svm_pull() - nst_backend.pull
 * @vcpu: loaded vCPU
 * @classes: NST_STATE_*
 */
void svm_pull(struct nst_vcpu *vcpu, u32 classes)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	const struct vmcb_save_area *save = &svm->vmcb->save;
	struct nst_state *st = &vcpu->st;

	if (classes & NST_STATE_GPR)
		svm_pull_gprs(svm);
	if (classes & NST_STATE_MODE)
		svm_pull_mode(svm);
	if (classes & NST_STATE_SEG & ~NST_STATE_MODE)
		svm_pull_segs(svm);
	if (classes & NST_STATE_DESC) {
		st->gdt.base = save->gdtr.base;
		st->gdt.limit = save->gdtr.limit;
		st->idt.base = save->idtr.base;
		st->idt.limit = save->idtr.limit;
	}
	if (classes & NST_STATE_CR)
		svm_pull_cr(svm);
	if ((classes & NST_STATE_DR) && nst_dr_is_guests(vcpu)) {
		st->dr6 = save->dr6;
		st->dr7 = save->dr7;
	}
	if (classes & NST_STATE_MSR)
		svm_pull_msrs(svm);
	if (classes & NST_STATE_INTR) {
		/* One shadow bit for STI and MOV SS alike. */
		st->sti_shadow = svm->vmcb->control.int_state & SVM_INTERRUPT_SHADOW_MASK;
		st->movss_shadow = false;
		st->nmi_blocked = svm->nmi.masked;
		if (svm->vmcb->control.int_ctl & V_GIF_ENABLE_MASK)
			st->gif = svm->vmcb->control.int_ctl & V_GIF_MASK;
	}
}

static void svm_push_intr(struct svm_vcpu *svm)
{
	const struct nst_state *st = &svm->vcpu->st;
	struct vmcb_control_area *ctl = &svm->vmcb->control;

	ctl->int_state &= ~(u32)SVM_INTERRUPT_SHADOW_MASK;
	if (st->sti_shadow || st->movss_shadow)
		ctl->int_state |= SVM_INTERRUPT_SHADOW_MASK;
	ctl->int_ctl &= ~V_GIF_MASK;
	if (st->gif)
		ctl->int_ctl |= V_GIF_MASK;
	svm_dirty(svm, SVM_CLEAN_INT_CTL);
	svm_nmi_set_masked(svm, st->nmi_blocked);
}

/**
 * svm_push() - nst_backend.push
 * @vcpu: loaded vCPU
 * @classes: NST_STATE_*
 */
void svm_push(struct nst_vcpu *vcpu, u32 classes)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_save_area *save = &svm->vmcb->save;
	const struct nst_state *st = &vcpu->st;

	if (classes & NST_STATE_GPR)
		svm_push_gprs(svm);
	if (classes & NST_STATE_SEG)
		svm_push_segs(svm);
	if (classes & NST_STATE_DESC) {
		save->gdtr.base = st->gdt.base;
		save->gdtr.limit = st->gdt.limit;
		save->idtr.base = st->idt.base;
		save->idtr.limit = st->idt.limit;
		svm_dirty(svm, SVM_CLEAN_DT);
	}
	if (classes & NST_STATE_CR)
		svm_push_cr(svm);
	if (classes & NST_STATE_DR) {
		save->dr6 = st->dr6;
		save->dr7 = nst_hw_dr7(vcpu);
		svm_dirty(svm, SVM_CLEAN_DR);
	}
	if (classes & NST_STATE_MSR)
		svm_push_msrs(svm);
	if (classes & NST_STATE_INTR)
		svm_push_intr(svm);
}

/**
 * svm_set_tpr() - nst_backend.set_tpr
 * @vcpu: loaded vCPU
 * @tpr: task priority, CR8 in bits 7:4
 * @threshold: 0, or the class below which the guest's CR8 must exit
 *
 * There is no threshold in hardware: while one is set each CR8 write exits.
 */
void svm_set_tpr(struct nst_vcpu *vcpu, u8 tpr, u8 threshold)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control_area *ctl = &svm->vmcb->control;
	u32 v_tpr = (tpr >> 4) & V_TPR_MASK;

	if ((ctl->int_ctl & V_TPR_MASK) != v_tpr) {
		ctl->int_ctl = (ctl->int_ctl & ~V_TPR_MASK) | v_tpr;
		svm_dirty(svm, SVM_CLEAN_INT_CTL);
	}
	if (svm->tpr_exits != !!threshold) {
		svm->tpr_exits = threshold;
		svm_update_intercepts(svm);
	}
}

/**
 * svm_get_tpr() - nst_backend.get_tpr
 * @vcpu: loaded vCPU
 *
 * Return: CR8 in bits 7:4.
 */
u8 svm_get_tpr(struct nst_vcpu *vcpu)
{
	return (to_svm(vcpu)->vmcb->control.int_ctl & V_TPR_MASK) << 4;
}
