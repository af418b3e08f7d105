// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMRUN: copy L1's VMCB once, check it, then make L2 the current context with
 * the state that it holds.  APM2 "VMRUN Instruction".
 */
#include "../nestor.h"
#include <uapi/asm/debugreg.h>
#include "../compat.h"
#include "../core.h"
#include "../guestmem.h"
#include "../mmu/stage2.h"
#include "nsvm.h"
#include "svm_caps.h"
#include "svm_check.h"
#include "trace.h"

/**
 * nsvm_load_segment() - a segment out of the VMCB
 * @seg: filled
 * @from: as the VMCB has it
 */
void nsvm_load_segment(struct nst_segment *seg, const struct vmcb_seg *from)
{
	seg->selector = from->selector;
	seg->base = from->base;
	seg->limit = from->limit;
	seg->ar = nsvm_ar_from_attrib(from->attrib, from->limit);
}

/**
 * nsvm_store_segment() - a segment into the VMCB
 * @to: filled
 * @seg: the segment
 */
void nsvm_store_segment(struct vmcb_seg *to, const struct nst_segment *seg)
{
	to->selector = seg->selector;
	to->base = seg->base;
	to->limit = seg->limit;
	to->attrib = nsvm_attrib_from_ar(seg->ar);
}

static bool nsvm_entry_allowed(struct nst_vcpu *vcpu, const struct nsvm_vmcb12 *v)
{
	const struct nsvm_check in = {
		.v = v,
		.maxphyaddr = vcpu->maxphyaddr,
		.efer_allowed = nst_efer_allowed(vcpu),
		.cr4_reserved = vcpu->cr4_reserved,
		.long_mode = nst_guest_has(vcpu, NST_GCAP_LM),
		.npt = to_nsvm(vcpu)->features & NSVM_FEATURE(NPT),
	};
	const struct nsvm_rule *rule = nsvm_check_vmcb(&in);

	if (rule)
		trace_rule_broken(vcpu->id, rule->id, rule->text);
	return !rule;
}

/* ---- L2's state ---- */

/* Bits that RFLAGS has; whatever is in the others reads as 0. */
#define NSVM_RFLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |	\
			 X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF |	\
			 X86_EFLAGS_OF | X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_RF |	\
			 X86_EFLAGS_VM | X86_EFLAGS_AC | X86_EFLAGS_VIF | X86_EFLAGS_VIP |	\
			 X86_EFLAGS_ID)

/**
 * nsvm_canonical() - a linear address as L1's CPU would extend it
 * @vcpu: the vCPU
 * @addr: the address
 *
 * Return: @addr with the bits that it has no meaning in like the one below them.
 */
u64 nsvm_canonical(struct nst_vcpu *vcpu, u64 addr)
{
	unsigned int drop = 64 - (nst_guest_has(vcpu, NST_GCAP_LA57) ? 57 : 48);

	return (s64)(addr << drop) >> drop;
}

/* "VMRUN canonicalizes (sign-extends) all base addresses": APM2 "VMRUN Instruction". */
static void nsvm_canonical_bases(struct nst_vcpu *vcpu)
{
	struct nst_state *st = &vcpu->st;

	for (unsigned int i = 0; i < ARRAY_SIZE(st->seg); i++)
		st->seg[i].base = nsvm_canonical(vcpu, st->seg[i].base);
	st->gdt.base = nsvm_canonical(vcpu, st->gdt.base);
	st->idt.base = nsvm_canonical(vcpu, st->idt.base);
}

static void nsvm_load_segments(struct nst_vcpu *vcpu, const struct vmcb_save_area *save)
{
	struct nst_state *st = &vcpu->st;

	nsvm_load_segment(&st->seg[NST_ES], &save->es);
	nsvm_load_segment(&st->seg[NST_CS], &save->cs);
	nsvm_load_segment(&st->seg[NST_SS], &save->ss);
	nsvm_load_segment(&st->seg[NST_DS], &save->ds);
	/* The CPL is a field of its own, that some modes ignore; here it lives in SS. */
	st->seg[NST_SS].ar &= ~NST_AR_DPL;
	if (save->rflags & X86_EFLAGS_VM)
		st->seg[NST_SS].ar |= NST_AR_DPL;
	else if (save->cr0 & X86_CR0_PE)
		st->seg[NST_SS].ar |= (save->cpl << NST_AR_DPL_SHIFT) & NST_AR_DPL;
	st->gdt = (struct nst_dtable){ save->gdtr.base, save->gdtr.limit };
	st->idt = (struct nst_dtable){ save->idtr.base, save->idtr.limit };
	nsvm_canonical_bases(vcpu);
}

static void nsvm_load_registers(struct nst_vcpu *vcpu, const struct nsvm_vmcb12 *v)
{
	const struct vmcb_save_area *save = v->save;
	struct nst_state *st = &vcpu->st;

	nsvm_load_segments(vcpu, save);
	st->cr0 = save->cr0 | X86_CR0_ET;
	st->cr2 = save->cr2;
	st->cr3 = save->cr3;
	st->cr4 = save->cr4;
	st->efer = save->efer & ~(u64)EFER_LMA;
	if ((save->efer & EFER_LME) && (save->cr0 & X86_CR0_PG))
		st->efer |= EFER_LMA;
	st->rflags = (save->rflags & NSVM_RFLAGS) | X86_EFLAGS_FIXED;
	st->rip = save->rip;
	st->gpr[NST_RSP] = save->rsp;
	st->gpr[NST_RAX] = save->rax;
	st->dr6 = (save->dr6 & NST_DR6_WRITABLE) | NST_RESET_DR6;
	st->dr7 = (save->dr7 & NST_DR7_WRITABLE) | NST_RESET_DR7;
	if (v->nested_ctl & SVM_NESTED_CTL_NP_ENABLE)
		st->pat = save->g_pat;
	st->sti_shadow = v->int_state & SVM_INTERRUPT_SHADOW_MASK;
	st->movss_shadow = false;
	/* Masked NMIs are L1's: what it injects into L2 is masked by L1's means. */
	st->nmi_blocked = false;
	/* Breakpoints need DR0 to DR3 in hardware. */
	if (st->dr7 & (DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK))
		nst_debug_start(vcpu);
}

/* PAE paging without long mode: the four entries are loaded with CR3. */
static bool nsvm_load_pdptrs(struct nst_vcpu *vcpu)
{
	const struct nst_state *st = &vcpu->st;

	if (!(st->cr0 & X86_CR0_PG) || !(st->cr4 & X86_CR4_PAE) || (st->efer & EFER_LMA))
		return true;
	return nst_mmu_load_pdptrs(vcpu, st->cr3);
}

static int nsvm_enter_paging(struct nst_vcpu *vcpu, struct nsvm *nsvm)
{
	const struct nst_state *l1 = &vcpu->nested->l1;
	struct nst_stage2 s2 = { .kind = NST_STAGE2_NONE };
	int ret;

	if (nsvm->v.nested_ctl & SVM_NESTED_CTL_NP_ENABLE)
		s2 = (struct nst_stage2){
			.kind = NST_STAGE2_NPT, .root = nsvm->v.nested_cr3,
			.cr0 = l1->cr0, .cr4 = l1->cr4, .efer = l1->efer,
		};
	ret = nst_mmu_enter_l2(vcpu, &s2);
	if (ret)
		return ret;
	nst_mmu_mode_changed(vcpu);
	/* Translations of another ASID are another guest's. */
	if (nsvm->v.tlb_ctl != TLB_CONTROL_DO_NOTHING || nsvm->v.asid != nsvm->last_asid)
		nst_mmu_flush_l2(vcpu);
	nsvm->last_asid = nsvm->v.asid;
	return 0;
}

/* ---- the event that L1 injects ---- */

static void nsvm_inject(struct nst_vcpu *vcpu, const struct nsvm_vmcb12 *v)
{
	u8 vector = v->event_inj & SVM_EVTINJ_VEC_MASK;
	u64 len = v->next_rip - v->save->rip;
	struct nst_event event = { .vector = vector };

	if (!(v->event_inj & SVM_EVTINJ_VALID))
		return;
	switch (v->event_inj & SVM_EVTINJ_TYPE_MASK) {
	case SVM_EVTINJ_TYPE_INTR:
		event.type = NST_EVENT_EXTINT;
		break;
	case SVM_EVTINJ_TYPE_NMI:
		event.type = NST_EVENT_NMI;
		event.vector = X86_TRAP_NMI;
		break;
	case SVM_EVTINJ_TYPE_SOFT:
		event.type = NST_EVENT_SOFT_INT;
		break;
	default:
		/* #BP and #OF are taken for INT3 and INTO. */
		event.type = vector == X86_TRAP_BP || vector == X86_TRAP_OF ?
			     NST_EVENT_SOFT_EXC : NST_EVENT_EXCEPTION;
		break;
	}
	/* A software event returns to NRIP; one that is no instruction's length cannot. */
	if (event.type == NST_EVENT_SOFT_INT || event.type == NST_EVENT_SOFT_EXC)
		event.insn_len = v->next_rip && len <= 15 ? len : 0;
	if (v->event_inj & SVM_EVTINJ_VALID_ERR) {
		event.has_error = true;
		event.error_code = v->event_inj_err;
	}
	nst_nested_inject(vcpu, &event);
}

/**
 * nsvm_vmrun() - VMRUN, its own checks passed
 * @vcpu: loaded vCPU
 * @vmcb_pa: L1-physical address of the VMCB, page-aligned
 *
 * Return: what to do next: in L2, or in L1 behind VMRUN after VMEXIT_INVALID.
 */
enum nst_next nsvm_vmrun(struct nst_vcpu *vcpu, u64 vmcb_pa)
{
	struct nsvm *nsvm = to_nsvm(vcpu);
	enum nst_next next;

	if (nst_in_l2(vcpu)) {
		/* L1 did not intercept it in L2, which it must. */
		nst_raise(vcpu, X86_TRAP_UD);
		return NST_ENTER;
	}
	if (nsvm_read_vmcb(vcpu, vmcb_pa, nsvm->page)) {
		nst_raise_gp(vcpu);
		return NST_ENTER;
	}
	/* The host state that #VMEXIT comes back to is behind the instruction. */
	next = nst_skip_insn(vcpu);
	if (next != NST_ENTER)
		return next;
	nsvm->vmcb_pa = vmcb_pa;
	nsvm_take(&nsvm->v, nsvm->page, nsvm->features);
	if (!nsvm_entry_allowed(vcpu, &nsvm->v))
		return nsvm_entry_refused(vcpu);

	/* A trap of L1's own step over VMRUN is not L2's. */
	memset(&vcpu->ev.exception, 0, sizeof(vcpu->ev.exception));
	nst_nested_switch(vcpu, true);
	nsvm_put_gif(vcpu, true);
	nsvm->pauses = nsvm->v.pause_filter_count;
	nsvm_take_msrpm(vcpu);
	nsvm_load_registers(vcpu, &nsvm->v);
	if (nsvm_enter_paging(vcpu, nsvm) || !nsvm_load_pdptrs(vcpu))
		return nsvm_leave_l2(vcpu, SVM_EXIT_ERR, 0, 0);
	nsvm_inject(vcpu, &nsvm->v);
	return NST_ENTER;
}
