// SPDX-License-Identifier: GPL-2.0-only
/*
 * One handler a kind of neutral exit.  None of them knows which hardware runs
 * underneath.
 */
#include "nestor.h"
#include "core.h"
#include "cpuid.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "msr.h"
#include "nested/nested.h"
#include "trace.h"
#include "tsc.h"

/**
 * nst_exit_name() - the name of a kind of exit
 * @kind: the kind
 *
 * Return: a constant string.
 */
const char *nst_exit_name(enum nst_exit_kind kind)
{
	static const char * const names[] = {
#define K(name, text) [NST_EXIT_##name] = text,
		NST_EXIT_KINDS(K)
#undef K
	};

	return kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

/**
 * nst_internal_error() - stop in userspace: this is beyond us
 * @vcpu: loaded vCPU
 * @suberror: KVM_INTERNAL_ERROR_*
 *
 * Return: NST_USER.
 */
enum nst_next nst_internal_error(struct nst_vcpu *vcpu, u32 suberror)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = 4;
	run->internal.data[0] = vcpu->exit.raw_reason;
	run->internal.data[1] = vcpu->exit.info1;
	run->internal.data[2] = vcpu->exit.info2;
	run->internal.data[3] = vcpu->st.rip;
	return NST_USER;
}

/**
 * nst_shutdown() - the guest's CPU shut down: a triple fault
 * @vcpu: loaded vCPU
 *
 * Return: NST_USER.
 */
enum nst_next nst_shutdown(struct nst_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return NST_USER;
}

static void nst_write_gpr(struct nst_vcpu *vcpu, u8 reg, u64 val)
{
	vcpu->st.gpr[reg & 0xf] = val;
	vcpu->dirty |= NST_STATE_GPR;
}

static u64 nst_read_gpr(struct nst_vcpu *vcpu, u8 reg)
{
	u64 val = vcpu->st.gpr[reg & 0xf];

	return nst_code64(vcpu) ? val : (u32)val;
}

static void nst_write_edx_eax(struct nst_vcpu *vcpu, u64 val)
{
	nst_write_gpr(vcpu, NST_RAX, (u32)val);
	nst_write_gpr(vcpu, NST_RDX, val >> 32);
}

static enum nst_next nst_do_nothing(struct nst_vcpu *vcpu)
{
	return NST_ENTER;
}

static enum nst_next nst_do_unexpected(struct nst_vcpu *vcpu)
{
	return nst_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON);
}

static enum nst_next nst_do_ud(struct nst_vcpu *vcpu)
{
	nst_raise(vcpu, X86_TRAP_UD);
	return NST_ENTER;
}

/* @gpa: where the access is, NST_GPA_INVALID when it is another than that of the walk. */
static enum nst_next nst_fault_to_next(struct nst_vcpu *vcpu, enum nst_fault_result result,
				       nst_gpa_t gpa)
{
	switch (result) {
	case NST_FAULT_RETRY:
	case NST_FAULT_AWAITED:
		return NST_ENTER;
	case NST_FAULT_MMIO:
		return nst_emulate_at(vcpu, nst_in_l2(vcpu) ? NST_GPA_INVALID : gpa);
	case NST_FAULT_L1:
		return nst_nested_stage2_exit(vcpu);
	default:
		return NST_FAULTED;
	}
}

static enum nst_next nst_do_guest_pf(struct nst_vcpu *vcpu)
{
	u64 gva = vcpu->exit.exception.payload;
	enum nst_fault_result result;
	nst_gpa_t gpa = NST_GPA_INVALID;
	u32 guest_error;

	result = nst_mmu_shadow_fault(vcpu, gva, vcpu->exit.exception.error_code, &guest_error,
				      &gpa);
	/* What is emulated next is not what made this access. */
	if (nst_event_committed(vcpu))
		gpa = NST_GPA_INVALID;
	if (result != NST_FAULT_GUEST)
		return nst_fault_to_next(vcpu, result, gpa);
	nst_raise_payload(vcpu, X86_TRAP_PF, true, guest_error, gva);
	return NST_ENTER;
}

/*
 * INT1 raises a #DB that leaves DR6 alone and returns behind the instruction.
 * It exits only because every #DB does, and is delivered again as what it is.
 */
static enum nst_next nst_redeliver_int1(struct nst_vcpu *vcpu)
{
	const struct nst_event event = {
		.type = NST_EVENT_PRIV_EXC,
		.vector = X86_TRAP_DB,
		.insn_len = vcpu->exit.insn_len,
	};

	nst_event_interrupted(vcpu, &event);
	return NST_ENTER;
}

static enum nst_next nst_do_exception(struct nst_vcpu *vcpu)
{
	const typeof(vcpu->exit.exception) *exc = &vcpu->exit.exception;

	if (exc->int1)
		return nst_redeliver_int1(vcpu);
	if (nst_debug_wants(vcpu, exc->vector))
		return nst_debug_exit(vcpu, exc->vector, exc->payload);
	switch (exc->vector) {
	case X86_TRAP_MC:
		return NST_ENTER;
	case X86_TRAP_UD:
		if (vcpu->smm.in && nst_insn_is_rsm(vcpu))
			return nst_exit_rsm(vcpu);
		if (nst_fix_hypercall(vcpu))
			return NST_ENTER;
		nst_raise(vcpu, X86_TRAP_UD);
		return NST_ENTER;
	case X86_TRAP_PF:
		if (!nst_caps.tdp)
			return nst_do_guest_pf(vcpu);
		fallthrough;
	case X86_TRAP_DB:
		nst_raise_payload(vcpu, exc->vector, exc->has_error, exc->error_code,
				  exc->payload);
		return NST_ENTER;
	default:
		if (exc->has_error)
			nst_raise_error(vcpu, exc->vector, exc->error_code);
		else
			nst_raise(vcpu, exc->vector);
		return NST_ENTER;
	}
}

static enum nst_next nst_do_window(struct nst_vcpu *vcpu)
{
	nst_request(vcpu, NST_REQ_EVENT);
	return NST_ENTER;
}

static enum nst_next nst_do_hlt(struct nst_vcpu *vcpu)
{
	enum nst_next next = nst_skip_insn(vcpu);

	if (next != NST_ENTER)
		return next;
	if (!vcpu->lapic) {
		vcpu->run->exit_reason = KVM_EXIT_HLT;
		return NST_USER;
	}
	vcpu->mp_state = KVM_MP_STATE_HALTED;
	return NST_ENTER;
}

static enum nst_next nst_do_io(struct nst_vcpu *vcpu)
{
	return vcpu->exit.io.string ? nst_emulate(vcpu) : nst_pio(vcpu);
}

static enum nst_next nst_do_cpuid(struct nst_vcpu *vcpu)
{
	u32 eax = vcpu->st.gpr[NST_RAX], ecx = vcpu->st.gpr[NST_RCX];
	u32 leaf = eax, subleaf = ecx, ebx, edx;

	/* SDM3 "CPUID Faulting". */
	if ((vcpu->misc_features & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT) && nst_cpl(vcpu)) {
		nst_raise_gp(vcpu);
		return NST_ENTER;
	}
	nst_cpuid_query(vcpu, &eax, &ebx, &ecx, &edx);
	trace_kvm_cpuid(leaf, subleaf, eax, ebx, ecx, edx, true, false);
	nst_write_gpr(vcpu, NST_RAX, eax);
	nst_write_gpr(vcpu, NST_RBX, ebx);
	nst_write_gpr(vcpu, NST_RCX, ecx);
	nst_write_gpr(vcpu, NST_RDX, edx);
	return nst_skip_insn(vcpu);
}

static bool nst_write_cr(struct nst_vcpu *vcpu, u8 cr, u64 val)
{
	nst_pull(vcpu, NST_STATE_CR);
	switch (cr) {
	case 0:
		return nst_set_cr0(vcpu, nst_cr0_written(&vcpu->ctl, vcpu->st.cr0, val));
	case 3:
		return nst_set_cr3(vcpu, val);
	case 4:
		return nst_set_cr4(vcpu, nst_cr4_written(&vcpu->ctl, vcpu->st.cr4, val));
	default:
		return nst_set_cr8(vcpu, val);
	}
}

static u64 nst_read_cr(struct nst_vcpu *vcpu, u8 cr)
{
	nst_pull(vcpu, NST_STATE_CR);
	switch (cr) {
	case 0:
		return nst_cr0_seen(&vcpu->ctl, vcpu->st.cr0);
	case 2:
		return vcpu->st.cr2;
	case 3:
		return vcpu->st.cr3;
	case 4:
		return nst_cr4_seen(&vcpu->ctl, vcpu->st.cr4);
	default:
		return nst_get_cr8(vcpu);
	}
}

static enum nst_next nst_finish_cr_write(struct nst_vcpu *vcpu, u8 cr, u64 val)
{
	enum nst_next next;

	if (!nst_write_cr(vcpu, cr, val)) {
		nst_raise_gp(vcpu);
		return NST_ENTER;
	}
	next = nst_skip_insn(vcpu);
	/* Userspace that has the LAPIC must hear of every CR8 change. */
	if (next == NST_ENTER && cr == 8 && !vcpu->lapic && !nst_nested_get_cr8(vcpu, &val)) {
		vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
		return NST_USER;
	}
	return next;
}

static enum nst_next nst_do_cr(struct nst_vcpu *vcpu)
{
	const typeof(vcpu->exit.cr) *op = &vcpu->exit.cr;
	u64 cr0;

	if (op->need_decode)
		return nst_emulate(vcpu);
	nst_pull(vcpu, NST_STATE_CR);
	cr0 = nst_cr0_seen(&vcpu->ctl, vcpu->st.cr0);
	switch (op->op) {
	case NST_CR_WRITE:
		return nst_finish_cr_write(vcpu, op->cr, nst_read_gpr(vcpu, op->gpr));
	case NST_CR_READ:
		nst_write_gpr(vcpu, op->gpr, nst_read_cr(vcpu, op->cr));
		return nst_skip_insn(vcpu);
	case NST_CR_CLTS:
		return nst_finish_cr_write(vcpu, 0, cr0 & ~(u64)X86_CR0_TS);
	case NST_CR_LMSW:
		/* LMSW sets PE but never clears it. */
		return nst_finish_cr_write(vcpu, 0, (cr0 & ~0xeull) | (op->lmsw & 0xf));
	case NST_CR_SMSW:
		return nst_emulate(vcpu);
	}
	return nst_do_unexpected(vcpu);
}

static enum nst_next nst_do_rdtsc(struct nst_vcpu *vcpu)
{
	nst_write_edx_eax(vcpu, nst_tsc_read_current(vcpu));
	if (vcpu->exit.rdtsc.rdtscp)
		nst_write_gpr(vcpu, NST_RCX, (u32)vcpu->st.tsc_aux);
	return nst_skip_insn(vcpu);
}

/* No performance counters: every index is out of range. */
static enum nst_next nst_do_rdpmc(struct nst_vcpu *vcpu)
{
	nst_raise_gp(vcpu);
	return NST_ENTER;
}

static enum nst_next nst_do_invlpg(struct nst_vcpu *vcpu)
{
	if (!vcpu->exit.invlpg.valid)
		return nst_emulate(vcpu);
	nst_mmu_invlpg(vcpu, vcpu->exit.invlpg.gva);
	return nst_skip_insn(vcpu);
}

/* Guest memory is ordinary cached memory of ours: nothing needs writing back. */
static enum nst_next nst_do_skip(struct nst_vcpu *vcpu)
{
	return nst_skip_insn(vcpu);
}

static enum nst_next nst_do_pause(struct nst_vcpu *vcpu)
{
	/* Whoever holds the lock that it spins on may want this CPU. */
	cond_resched();
	return nst_skip_insn(vcpu);
}

/*
 * As instructions that do nothing: what a guest that monitors nothing may find.
 * That they fault where CPUID does not show them is a quirk's absence.
 */
static enum nst_next nst_do_mwait(struct nst_vcpu *vcpu)
{
	if (!nst_quirk(vcpu->vm, KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS) &&
	    !nst_cpuid_shows_mwait(vcpu))
		return nst_do_ud(vcpu);
	return nst_skip_insn(vcpu);
}

static enum nst_next nst_do_xsetbv(struct nst_vcpu *vcpu)
{
	u64 val = (u32)vcpu->st.gpr[NST_RAX] | vcpu->st.gpr[NST_RDX] << 32;

	nst_pull(vcpu, NST_STATE_CR);
	if (!(vcpu->st.cr4 & X86_CR4_OSXSAVE)) {
		nst_raise(vcpu, X86_TRAP_UD);
		return NST_ENTER;
	}
	if (nst_cpl(vcpu) || (u32)vcpu->st.gpr[NST_RCX] || !nst_set_xcr0(vcpu, val)) {
		nst_raise_gp(vcpu);
		return NST_ENTER;
	}
	return nst_skip_insn(vcpu);
}

static enum nst_next nst_do_tdp_fault(struct nst_vcpu *vcpu)
{
	enum nst_fault_result result;

	trace_kvm_page_fault(vcpu->st.rip, nst_gpa_raw(vcpu->exit.tdp.gpa),
			     vcpu->exit.info1);
	result = nst_mmu_tdp_fault(vcpu, vcpu->exit.tdp.gpa, vcpu->exit.tdp.access);
	/* A fetch, or an access of the walk, is not the instruction's operand. */
	if (vcpu->exit.tdp.in_page_walk || (vcpu->exit.tdp.access & NST_ACCESS_X))
		return nst_fault_to_next(vcpu, result, NST_GPA_INVALID);
	return nst_fault_to_next(vcpu, result, vcpu->exit.tdp.gpa);
}

static enum nst_next nst_do_triple_fault(struct nst_vcpu *vcpu)
{
	return nst_shutdown(vcpu);
}

static enum nst_next nst_do_entry_failed(struct nst_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason =
		vcpu->exit.entry_failed.hardware_reason;
	run->fail_entry.cpu = vcpu->last_cpu;
	return NST_USER;
}

static enum nst_next (* const nst_handle[NST_NR_EXIT_KINDS])(struct nst_vcpu *vcpu) = {
	[NST_EXIT_NONE] = nst_do_nothing,
	[NST_EXIT_EXCEPTION] = nst_do_exception,
	[NST_EXIT_HOST_IRQ] = nst_do_nothing,
	[NST_EXIT_HOST_NMI] = nst_do_nothing,
	[NST_EXIT_IRQ_WINDOW] = nst_do_window,
	[NST_EXIT_NMI_WINDOW] = nst_do_window,
	[NST_EXIT_HLT] = nst_do_hlt,
	[NST_EXIT_IO] = nst_do_io,
	[NST_EXIT_CPUID] = nst_do_cpuid,
	[NST_EXIT_MSR] = nst_exit_msr,
	[NST_EXIT_CR] = nst_do_cr,
	[NST_EXIT_DR] = nst_debug_mov_dr,
	[NST_EXIT_RDTSC] = nst_do_rdtsc,
	[NST_EXIT_RDPMC] = nst_do_rdpmc,
	[NST_EXIT_INVLPG] = nst_do_invlpg,
	[NST_EXIT_INVPCID] = nst_emulate,
	[NST_EXIT_CACHE] = nst_do_skip,
	[NST_EXIT_PAUSE] = nst_do_pause,
	[NST_EXIT_MWAIT] = nst_do_mwait,
	[NST_EXIT_MONITOR] = nst_do_mwait,
	[NST_EXIT_XSETBV] = nst_do_xsetbv,
	[NST_EXIT_TASK_SWITCH] = nst_exit_task_switch,
	[NST_EXIT_TDP_FAULT] = nst_do_tdp_fault,
	[NST_EXIT_TPR] = nst_do_window,
	[NST_EXIT_TRIPLE_FAULT] = nst_do_triple_fault,
	[NST_EXIT_HYPERCALL] = nst_exit_hypercall,
	[NST_EXIT_VMX_INSN] = nst_nested_insn,
	[NST_EXIT_SVM_INSN] = nst_nested_insn,
	[NST_EXIT_DTABLE] = nst_emulate,
	/* The list was handed over on the way out. */
	[NST_EXIT_PML_FULL] = nst_do_nothing,
	[NST_EXIT_RSM] = nst_exit_rsm,
	[NST_EXIT_SOFT_INT] = nst_emulate,
	[NST_EXIT_ICEBP] = nst_emulate,
	[NST_EXIT_PUSHF] = nst_emulate,
	[NST_EXIT_POPF] = nst_emulate,
	[NST_EXIT_IRET] = nst_emulate,
	[NST_EXIT_RANDOM] = nst_emulate,
	[NST_EXIT_UD] = nst_do_ud,
	[NST_EXIT_ENTRY_FAILED] = nst_do_entry_failed,
};

/**
 * nst_handle_exit() - act on vcpu->exit
 * @vcpu: loaded vCPU, irqs on, srcu held
 *
 * Return: what to do next.
 */
enum nst_next nst_handle_exit(struct nst_vcpu *vcpu)
{
	enum nst_exit_kind kind;
	enum nst_next next;

	if ((nst_isa_is_foreign(vcpu) || nst_ud_is_insn(vcpu)) &&
	    vcpu->exit.kind == NST_EXIT_EXCEPTION &&
	    vcpu->exit.exception.vector == X86_TRAP_UD)
		nst_decode_foreign(vcpu);
	if (nst_in_l2(vcpu) && nst_nested_step_exit(vcpu))
		return NST_ENTER;
	if (nst_in_l2(vcpu) && nst_nested_exit(vcpu, &next))
		return next;
	kind = vcpu->exit.kind;
	if (kind >= NST_NR_EXIT_KINDS || !nst_handle[kind])
		return nst_do_unexpected(vcpu);
	return nst_handle[kind](vcpu);
}
