// SPDX-License-Identifier: GPL-2.0-only
/*
 * #VMEXIT: what L2's exit looks like in L1's VMCB, and L1's state as it was
 * saved at VMRUN.  APM2 "#VMEXIT", "SVM Intercept Exit Codes".
 */
#include "../nestor.h"
#include <uapi/asm/debugreg.h>
#include "../core.h"
#include "../mmu/stage2.h"
#include "nsvm.h"

#define NSVM_EXIT_INVALID	((u64)SVM_EXIT_ERR)

/* EXITINFO1 of a nested page fault, above the #PF error code. */
#define NSVM_NPF_FINAL		BIT_ULL(32)
#define NSVM_NPF_WALK		BIT_ULL(33)

/* EXITINFO1 of IOIO: address size, one-hot; segment register. */
#define NSVM_IO_A16		BIT(7)
#define NSVM_IO_A32		BIT(8)
#define NSVM_IO_A64		BIT(9)
#define NSVM_IO_SEG_SHIFT	10
#define NSVM_IO_PORT_SHIFT	16

/* ---- exit information ---- */

/* EXITINFO1 of MOV CR, above the register's number. */
#define NSVM_CR_MOV		BIT_ULL(63)

struct nsvm_info {
	u64 code;
	u64 info1;
	u64 info2;
	bool insn;	/* an instruction's intercept: NRIP is behind it */
};

static void nsvm_info_io(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			 struct nsvm_info *info)
{
	struct nst_operand op = { .adsize = nst_code64(vcpu) ? 8 : 4, .seg = NST_DS };

	info->code = SVM_EXIT_IOIO;
	info->info1 = (u64)exit->io.port << NSVM_IO_PORT_SHIFT |
		      exit->io.size << SVM_IOIO_SIZE_SHIFT;
	if (exit->io.in)
		info->info1 |= SVM_IOIO_TYPE_MASK;
	if (exit->io.rep)
		info->info1 |= SVM_IOIO_REP_MASK;
	if (exit->io.string) {
		info->info1 |= SVM_IOIO_STR_MASK;
		nst_insn_decode(vcpu, &op);
		info->info1 |= (exit->io.in ? NST_ES : op.seg) << NSVM_IO_SEG_SHIFT;
	}
	info->info1 |= op.adsize == 8 ? NSVM_IO_A64 : op.adsize == 4 ? NSVM_IO_A32 : NSVM_IO_A16;
	info->info2 = nst_nested_next_rip(vcpu, exit);
}

static void nsvm_info_cr(const struct nst_vcpu *vcpu, const struct nst_exit *exit,
			 struct nsvm_info *info)
{
	const struct nsvm_vmcb12 *v = &to_nsvm(vcpu)->v;

	if (exit->cr.op == NST_CR_READ || exit->cr.op == NST_CR_SMSW)
		info->code = SVM_EXIT_READ_CR0 + exit->cr.cr;
	else if (exit->cr.cr || nsvm_intercepts(v, INTERCEPT_CR0_WRITE))
		info->code = SVM_EXIT_WRITE_CR0 + exit->cr.cr;
	else
		info->code = SVM_EXIT_CR0_SEL_WRITE;
	if (exit->cr.op == NST_CR_READ || exit->cr.op == NST_CR_WRITE)
		info->info1 = NSVM_CR_MOV | exit->cr.gpr;
}

static void nsvm_info_dtable(const struct nst_exit *exit, struct nsvm_info *info)
{
	static const u8 codes[] = {
		[NST_TABLE_IDT] = SVM_EXIT_IDTR_READ, [NST_TABLE_GDT] = SVM_EXIT_GDTR_READ,
		[NST_TABLE_LDT] = SVM_EXIT_LDTR_READ, [NST_TABLE_TR] = SVM_EXIT_TR_READ,
	};

	info->code = codes[exit->dtable.table];
	if (exit->dtable.write)
		info->code += SVM_EXIT_IDTR_WRITE - SVM_EXIT_IDTR_READ;
}

/* The DR6 that L1 reads is what a #DB handler would see. */
static void nsvm_info_exception(struct nst_vcpu *vcpu, const struct nst_exit *exit,
				struct nsvm_info *info)
{
	const typeof(exit->exception) *exc = &exit->exception;

	info->code = SVM_EXIT_EXCP_BASE + exc->vector;
	info->info1 = exc->has_error ? exc->error_code : 0;
	if (exc->vector == X86_TRAP_PF)
		info->info2 = exc->payload;
	if (exc->int1) {
		/* A trap: the handler would return behind it. */
		vcpu->st.rip = nst_nested_next_rip(vcpu, exit);
		vcpu->dirty |= NST_STATE_GPR;
	} else if (exc->vector == X86_TRAP_DB) {
		nst_modify(vcpu, NST_STATE_DR);
		vcpu->st.dr6 &= ~(u64)DR_TRAP_BITS;
		vcpu->st.dr6 |= exc->payload & NST_DR6_WRITABLE;
		vcpu->st.dr7 &= ~(u64)NST_DR7_GD;
	}
	info->insn = exc->vector == X86_TRAP_BP || exc->vector == X86_TRAP_OF;
}

static void nsvm_info_task(const struct nst_exit *exit, struct nsvm_info *info)
{
	info->code = SVM_EXIT_TASK_SWITCH;
	info->info1 = exit->task.selector;
	if (exit->task.source == NST_TS_IRET)
		info->info2 |= BIT_ULL(SVM_EXITINFOSHIFT_TS_REASON_IRET);
	if (exit->task.source == NST_TS_JMP)
		info->info2 |= BIT_ULL(SVM_EXITINFOSHIFT_TS_REASON_JMP);
	if (exit->task.has_error)
		info->info2 |= BIT_ULL(SVM_EXITINFOSHIFT_TS_HAS_ERROR_CODE) |
			       exit->task.error_code;
}

/* APM2 "Nested versus Guest Page Faults, Fault Ordering". */
static void nsvm_info_npf(const struct nst_vcpu *vcpu, struct nsvm_info *info)
{
	const struct nst_stage2_fault *fault = nst_mmu_stage2_fault(vcpu);

	info->code = SVM_EXIT_NPF;
	info->info1 = NST_PFEC_U | (fault->in_page_walk ? NSVM_NPF_WALK : NSVM_NPF_FINAL);
	if (fault->present)
		info->info1 |= NST_PFEC_P;
	if (fault->access & NST_ACCESS_W)
		info->info1 |= NST_PFEC_W;
	if (fault->access & NST_ACCESS_X)
		info->info1 |= NST_PFEC_I;
	if (fault->malformed)
		info->info1 |= NST_PFEC_RSVD;
	info->info2 = (__force u64)fault->gpa;
}

static void nsvm_info_svm_insn(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			       struct nsvm_info *info)
{
	static const u8 codes[] = {
		[NST_INSN_VMRUN] = SVM_EXIT_VMRUN, [NST_INSN_VMMCALL] = SVM_EXIT_VMMCALL,
		[NST_INSN_VMLOAD] = SVM_EXIT_VMLOAD, [NST_INSN_VMSAVE] = SVM_EXIT_VMSAVE,
		[NST_INSN_STGI] = SVM_EXIT_STGI, [NST_INSN_CLGI] = SVM_EXIT_CLGI,
		[NST_INSN_SKINIT] = SVM_EXIT_SKINIT, [NST_INSN_INVLPGA] = SVM_EXIT_INVLPGA,
	};

	info->code = codes[exit->insn.which];
	if (exit->insn.which == NST_INSN_INVLPGA)
		info->info1 = nst_code64(vcpu) ? vcpu->st.gpr[NST_RAX] : (u32)vcpu->st.gpr[NST_RAX];
}

/* Exits whose code follows from the kind alone. */
static const struct {
	u16 code;
	bool insn;
} nsvm_plain[NST_NR_EXIT_KINDS] = {
	[NST_EXIT_HOST_IRQ] = { SVM_EXIT_INTR },
	[NST_EXIT_HOST_NMI] = { SVM_EXIT_NMI },
	[NST_EXIT_INIT] = { SVM_EXIT_INIT },
	[NST_EXIT_VIRTUAL_IRQ] = { SVM_EXIT_VINTR },
	[NST_EXIT_TRIPLE_FAULT] = { SVM_EXIT_SHUTDOWN },
	[NST_EXIT_HLT] = { SVM_EXIT_HLT, true },
	[NST_EXIT_CPUID] = { SVM_EXIT_CPUID, true },
	[NST_EXIT_MSR] = { SVM_EXIT_MSR, true },
	[NST_EXIT_RDTSC] = { SVM_EXIT_RDTSC, true },
	[NST_EXIT_RDPMC] = { SVM_EXIT_RDPMC, true },
	[NST_EXIT_INVLPG] = { SVM_EXIT_INVLPG, true },
	[NST_EXIT_INVPCID] = { SVM_EXIT_INVPCID, true },
	[NST_EXIT_CACHE] = { SVM_EXIT_WBINVD, true },
	[NST_EXIT_PAUSE] = { SVM_EXIT_PAUSE, true },
	[NST_EXIT_MWAIT] = { SVM_EXIT_MWAIT, true },
	[NST_EXIT_MONITOR] = { SVM_EXIT_MONITOR, true },
	[NST_EXIT_XSETBV] = { SVM_EXIT_XSETBV, true },
	[NST_EXIT_HYPERCALL] = { SVM_EXIT_VMMCALL, true },
	[NST_EXIT_RSM] = { SVM_EXIT_RSM, true },
	[NST_EXIT_SMI] = { SVM_EXIT_SMI, false },
	[NST_EXIT_SOFT_INT] = { SVM_EXIT_SWINT, true },
	[NST_EXIT_ICEBP] = { SVM_EXIT_ICEBP, true },
	[NST_EXIT_PUSHF] = { SVM_EXIT_PUSHF, true },
	[NST_EXIT_POPF] = { SVM_EXIT_POPF, true },
	[NST_EXIT_IRET] = { SVM_EXIT_IRET, true },
};

static void nsvm_info_operands(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			       struct nsvm_info *info)
{
	switch (exit->kind) {
	case NST_EXIT_IO:
		nsvm_info_io(vcpu, exit, info);
		break;
	case NST_EXIT_CR:
		nsvm_info_cr(vcpu, exit, info);
		break;
	case NST_EXIT_DR:
		info->code = exit->dr.dr +
			     (exit->dr.read ? SVM_EXIT_READ_DR0 : SVM_EXIT_WRITE_DR0);
		info->info1 = exit->dr.gpr;
		break;
	case NST_EXIT_DTABLE:
		nsvm_info_dtable(exit, info);
		break;
	case NST_EXIT_EXCEPTION:
		nsvm_info_exception(vcpu, exit, info);
		break;
	case NST_EXIT_TASK_SWITCH:
		nsvm_info_task(exit, info);
		break;
	case NST_EXIT_TDP_FAULT:
		nsvm_info_npf(vcpu, info);
		break;
	case NST_EXIT_SVM_INSN:
		nsvm_info_svm_insn(vcpu, exit, info);
		break;
	default:
		info->code = NSVM_EXIT_INVALID;
		break;
	}
}

static void nsvm_info_fill(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			   struct nsvm_info *info)
{
	info->code = nsvm_plain[exit->kind].code;
	info->insn = nsvm_plain[exit->kind].insn;
	if (!info->code) {
		info->insn = exit->kind == NST_EXIT_CR || exit->kind == NST_EXIT_DR ||
			     exit->kind == NST_EXIT_DTABLE || exit->kind == NST_EXIT_SVM_INSN ||
			     exit->kind == NST_EXIT_IO;
		nsvm_info_operands(vcpu, exit, info);
		return;
	}
	if (exit->kind == NST_EXIT_MSR)
		info->info1 = exit->msr.write;
	else if (exit->kind == NST_EXIT_RDTSC && exit->rdtsc.rdtscp)
		info->code = SVM_EXIT_RDTSCP;
	else if (exit->kind == NST_EXIT_CACHE && exit->cache.invd)
		info->code = SVM_EXIT_INVD;
	else if (exit->kind == NST_EXIT_SOFT_INT)
		info->info1 = exit->soft_int.vector;
	else if (exit->kind == NST_EXIT_INVLPG)
		info->info1 = exit->invlpg.gva;
}

/*
 * APM2 "Nested and intercepted #PF": the bytes at RIP, none of a fetch that faulted
 * and none while an event was delivered, which is no instruction's doing.
 */
static void nsvm_store_insn(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			    struct vmcb_control_area *c)
{
	bool fetch = exit->kind == NST_EXIT_TDP_FAULT ?
		     nst_mmu_stage2_fault(vcpu)->access & NST_ACCESS_X :
		     exit->exception.error_code & NST_PFEC_I;

	memset(c->insn_bytes, 0, sizeof(c->insn_bytes));
	c->insn_len = 0;
	if (!(to_nsvm(vcpu)->features & NSVM_FEATURE(DECODEASSISTS)))
		return;
	if (exit->kind != NST_EXIT_TDP_FAULT &&
	    (exit->kind != NST_EXIT_EXCEPTION || exit->exception.vector != X86_TRAP_PF))
		return;
	if (!fetch && !nst_event_committed(vcpu))
		c->insn_len = nst_insn_bytes(vcpu, c->insn_bytes, sizeof(c->insn_bytes));
}

/* ---- into L1's VMCB ---- */

static void nsvm_store_save(struct nst_vcpu *vcpu, struct vmcb_save_area *save)
{
	const struct nst_state *st = &vcpu->st;

	nsvm_store_segment(&save->es, &st->seg[NST_ES]);
	nsvm_store_segment(&save->cs, &st->seg[NST_CS]);
	nsvm_store_segment(&save->ss, &st->seg[NST_SS]);
	nsvm_store_segment(&save->ds, &st->seg[NST_DS]);
	save->gdtr.base = st->gdt.base;
	save->gdtr.limit = st->gdt.limit;
	save->idtr.base = st->idt.base;
	save->idtr.limit = st->idt.limit;
	save->cpl = nst_cpl(vcpu);
	save->efer = st->efer;
	save->cr0 = st->cr0;
	save->cr2 = st->cr2;
	save->cr3 = st->cr3;
	save->cr4 = st->cr4;
	save->dr6 = st->dr6;
	save->dr7 = st->dr7;
	save->rflags = st->rflags;
	save->rip = st->rip;
	save->rsp = st->gpr[NST_RSP];
	save->rax = st->gpr[NST_RAX];
	if (to_nsvm(vcpu)->v.nested_ctl)
		save->g_pat = st->pat;
}

/* EXITINTINFO: the event whose delivery the exit interrupted. */
static void nsvm_store_event(struct nst_vcpu *vcpu, struct vmcb_control_area *c)
{
	static const u32 types[] = {
		[NST_EVENT_EXTINT] = SVM_EXITINTINFO_TYPE_INTR,
		[NST_EVENT_NMI] = SVM_EXITINTINFO_TYPE_NMI,
		[NST_EVENT_EXCEPTION] = SVM_EXITINTINFO_TYPE_EXEPT,
		[NST_EVENT_SOFT_INT] = SVM_EXITINTINFO_TYPE_SOFT,
		[NST_EVENT_SOFT_EXC] = SVM_EXITINTINFO_TYPE_EXEPT,
		[NST_EVENT_PRIV_EXC] = SVM_EXITINTINFO_TYPE_EXEPT,
	};
	struct nst_event event;

	nst_nested_interrupted(vcpu, &event);
	c->exit_int_info = 0;
	c->exit_int_info_err = 0;
	if (event.type == NST_EVENT_NONE)
		return;
	c->exit_int_info = SVM_EXITINTINFO_VALID | types[event.type] | event.vector;
	if (event.has_error) {
		c->exit_int_info |= SVM_EXITINTINFO_VALID_ERR;
		c->exit_int_info_err = event.error_code;
	}
	/* To inject a software event again, L1 needs to know where it returns to. */
	if (event.insn_len)
		c->next_rip = vcpu->st.rip + event.insn_len;
}

static void nsvm_store_exit(struct vmcb_control_area *c, u64 code, u64 info1, u64 info2)
{
	c->exit_code = lower_32_bits(code);
	c->exit_code_hi = upper_32_bits(code);
	c->exit_info_1 = info1;
	c->exit_info_2 = info2;
}

/* ---- L1 again ---- */

/* What VMRUN saved; FS, GS, TR, LDTR and the rest are shared with L2. */
static void nsvm_restore_l1(struct nst_vcpu *vcpu)
{
	const struct nst_state *l1 = &vcpu->nested->l1;
	struct nst_state *st = &vcpu->st;

	st->seg[NST_ES] = l1->seg[NST_ES];
	st->seg[NST_CS] = l1->seg[NST_CS];
	st->seg[NST_SS] = l1->seg[NST_SS];
	st->seg[NST_DS] = l1->seg[NST_DS];
	st->gdt = l1->gdt;
	st->idt = l1->idt;
	st->efer = l1->efer;
	st->cr0 = l1->cr0 | X86_CR0_PE;
	st->cr3 = l1->cr3;
	st->cr4 = l1->cr4;
	memcpy(st->pdptr, l1->pdptr, sizeof(st->pdptr));
	st->rflags = l1->rflags & ~(u64)X86_EFLAGS_VM;
	st->rip = l1->rip;
	st->gpr[NST_RSP] = l1->gpr[NST_RSP];
	st->gpr[NST_RAX] = l1->gpr[NST_RAX];
	st->dr7 = NST_RESET_DR7;
	st->pat = to_nsvm(vcpu)->v.nested_ctl ? l1->pat : st->pat;
	st->sti_shadow = false;
	st->movss_shadow = false;
	st->nmi_blocked = l1->nmi_blocked;
}

/* APM2 "#VMEXIT": in PAE mode the PDPTEs are loaded; a bad one shuts L1 down. */
static void nsvm_reload_l1_pdptrs(struct nst_vcpu *vcpu)
{
	const struct nst_state *st = &vcpu->st;

	if ((st->cr0 & X86_CR0_PG) && (st->cr4 & X86_CR4_PAE) && !(st->efer & EFER_LMA) &&
	    !nst_mmu_load_pdptrs(vcpu, st->cr3))
		nst_request(vcpu, NST_REQ_TRIPLE_FAULT);
}

static void nsvm_to_l1(struct nst_vcpu *vcpu)
{
	nst_nested_switch(vcpu, false);
	nsvm_put_gif(vcpu, false);
	nsvm_restore_l1(vcpu);
	nst_mmu_leave_l2(vcpu);
	nst_mmu_mode_changed(vcpu);
	nsvm_reload_l1_pdptrs(vcpu);
}

/**
 * nsvm_leave_l2() - #VMEXIT
 * @vcpu: loaded vCPU, L2 current
 * @code: EXITCODE
 * @info1: EXITINFO1
 * @info2: EXITINFO2
 *
 * Return: NST_ENTER; L1 is current.
 */
enum nst_next nsvm_leave_l2(struct nst_vcpu *vcpu, u64 code, u64 info1, u64 info2)
{
	struct nsvm *nsvm = to_nsvm(vcpu);
	struct vmcb_control_area *c = &nsvm->page->control;

	nst_pull(vcpu, NST_STATE_ALL);
	nsvm_store_exit(c, code, info1, info2);
	nsvm_store_event(vcpu, c);
	/* Bits that mean nothing to this CPU stay as L1 wrote them. */
	c->int_ctl = (c->int_ctl & ~nsvm->v.int_ctl_known) | nsvm->v.int_ctl;
	c->int_state &= ~(u32)SVM_INTERRUPT_SHADOW_MASK;
	if (vcpu->st.sti_shadow || vcpu->st.movss_shadow)
		c->int_state |= SVM_INTERRUPT_SHADOW_MASK;
	c->event_inj = 0;
	c->event_inj_err = 0;
	if (code != NSVM_EXIT_INVALID)
		nsvm_store_save(vcpu, &nsvm->page->save);
	nsvm_write_vmcb(vcpu, nsvm->vmcb_pa, nsvm->page);
	nsvm_to_l1(vcpu);
	return NST_ENTER;
}

/**
 * nsvm_entry_refused() - VMEXIT_INVALID: VMRUN did not enter L2
 * @vcpu: loaded vCPU, L1 current and RIP behind VMRUN
 *
 * Return: NST_ENTER.
 */
enum nst_next nsvm_entry_refused(struct nst_vcpu *vcpu)
{
	struct nsvm *nsvm = to_nsvm(vcpu);
	struct vmcb_control_area *c = &nsvm->page->control;

	nsvm_store_exit(c, NSVM_EXIT_INVALID, 0, 0);
	c->exit_int_info = 0;
	c->exit_int_info_err = 0;
	nsvm_write_refusal(vcpu, nsvm->vmcb_pa, nsvm->page);
	nsvm_put_gif(vcpu, false);
	return NST_ENTER;
}

/**
 * nsvm_reflect() - nst_isa.reflect
 * @vcpu: loaded vCPU, L2 current
 * @exit: why
 *
 * Return: NST_ENTER.
 */
enum nst_next nsvm_reflect(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	struct nsvm_info info = { };

	nsvm_info_fill(vcpu, exit, &info);
	nsvm_store_insn(vcpu, exit, &to_nsvm(vcpu)->page->control);
	to_nsvm(vcpu)->page->control.next_rip = info.insn ? nst_nested_next_rip(vcpu, exit) : 0;
	return nsvm_leave_l2(vcpu, info.code, info.info1, info.info2);
}
