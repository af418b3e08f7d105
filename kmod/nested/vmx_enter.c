// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM entry: checks, then L2's state out of vmcs12 into vcpu->st, then L1's
 * controls into those that L0 runs L2 with.  What fails before the guest's
 * state is looked at fails as an instruction, what fails later is a VM exit.
 * SDM3 "VM Entries".
 */
#include "../nestor.h"
#include <linux/string.h>
#include <uapi/asm/debugreg.h>
#include "../core.h"
#include "../guestmem.h"
#include "../mmu/stage2.h"
#include "../msr.h"
#include "../tsc.h"
#include "evmcs.h"
#include "trace.h"
#include "nvmx.h"

/* CR0 bits that neither VM entry nor VM exit changes. */
#define NVMX_CR0_RESERVED	0x1ffaffc0ull	/* 28:19, 17, 15:6 */
#define NVMX_CR0_KEPT		((u64)(X86_CR0_ET | X86_CR0_NW | X86_CR0_CD) | NVMX_CR0_RESERVED)

/* DR7 bits that always read as they are, SDM3 "Loading Guest Control Registers". */
#define NVMX_DR7_ZERO		(BIT_ULL(12) | BIT_ULL(14) | BIT_ULL(15))

/* SDM3 "Guest Non-Register State", pending debug exceptions: BS, enabled breakpoint. */
#define NVMX_PENDING_BS		BIT_ULL(14)
#define NVMX_PENDING_ENABLED	BIT_ULL(12)

/* ---- checks ---- */

static bool nvmx_check_read(void *opaque, u64 l1_gpa, void *buf, u32 len)
{
	return !nst_vcpu_read_gpa(opaque, nst_gpa(l1_gpa), buf, len);
}

static u64 nvmx_efer_allowed(const struct nst_vcpu *vcpu)
{
	return (nst_guest_has(vcpu, NST_GCAP_SYSCALL) ? EFER_SCE : 0) |
	       (nst_guest_has(vcpu, NST_GCAP_LM) ? EFER_LME | EFER_LMA : 0) |
	       (nst_guest_has(vcpu, NST_GCAP_NX) ? EFER_NX : 0);
}

/**
 * nvmx_linear_bits() - linear-address width of L1's CPU
 * @vcpu: the vCPU
 *
 * Return: 48 or 57.
 */
u8 nvmx_linear_bits(const struct nst_vcpu *vcpu)
{
	return nst_guest_has(vcpu, NST_GCAP_LA57) ? 57 : 48;
}

/**
 * nvmx_fill_check() - what the entry rules look at, for the current VMCS
 * @vcpu: loaded vCPU, L1 current
 * @in: filled
 */
void nvmx_fill_check(struct nst_vcpu *vcpu, struct nvmx_check *in)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	bool enlightened = nvmx_evmcs_active(vcpu);

	*in = (struct nvmx_check){
		.v = nvmx->v, .caps = enlightened ? &nvmx_evmcs(vcpu)->caps : &nvmx->caps,
		.maxphyaddr = vcpu->maxphyaddr, .linear_bits = nvmx_linear_bits(vcpu),
		.l1_long = nst_long_mode(vcpu), .efer_allowed = nvmx_efer_allowed(vcpu),
		.debugctl_allowed = DEBUGCTLMSR_BTF,
		.vmptr = enlightened ? nvmx_evmcs(vcpu)->ptr : nvmx->vmptr,
		.read = nvmx_check_read, .opaque = vcpu,
	};
}

static u64 nvmx_failure_qualification(enum nvmx_verdict verdict)
{
	switch (verdict) {
	case NVMX_BAD_PDPTE:
		return ENTRY_FAIL_PDPTE;
	case NVMX_BAD_NMI:
		return ENTRY_FAIL_NMI;
	case NVMX_BAD_LINK:
		return ENTRY_FAIL_VMCS_LINK_PTR;
	default:
		return ENTRY_FAIL_DEFAULT;
	}
}

/* ---- guest state ---- */

static void nvmx_load_cr(struct nst_vcpu *vcpu, const struct nvmx_vmcs12 *v)
{
	struct nst_state *st = &vcpu->st;
	bool is_long = v->entry_ctls & VM_ENTRY_IA32E_MODE;

	st->cr0 = (v->guest_cr0 & ~NVMX_CR0_KEPT) | (st->cr0 & NVMX_CR0_KEPT);
	st->cr3 = v->guest_cr3;
	st->cr4 = v->guest_cr4;
	if (v->entry_ctls & VM_ENTRY_LOAD_IA32_EFER) {
		st->efer = v->guest_efer;
	} else {
		st->efer &= ~(u64)EFER_LMA;
		if (st->cr0 & X86_CR0_PG)
			st->efer &= ~(u64)EFER_LME;
		if (is_long)
			st->efer |= EFER_LMA | EFER_LME;
	}
	st->pdptr[0] = v->guest_pdptr0;
	st->pdptr[1] = v->guest_pdptr1;
	st->pdptr[2] = v->guest_pdptr2;
	st->pdptr[3] = v->guest_pdptr3;
}

static void nvmx_load_msrs(struct nst_vcpu *vcpu, const struct nvmx_vmcs12 *v)
{
	struct nst_state *st = &vcpu->st;

	st->sysenter_cs = v->guest_sysenter_cs;
	st->sysenter_esp = v->guest_sysenter_esp;
	st->sysenter_eip = v->guest_sysenter_eip;
	if (v->entry_ctls & VM_ENTRY_LOAD_IA32_PAT)
		st->pat = v->guest_pat;
	if (v->entry_ctls & VM_ENTRY_LOAD_DEBUG_CONTROLS) {
		st->debugctl = v->guest_debugctl;
		st->dr7 = (v->guest_dr7 & ~NVMX_DR7_ZERO) | NST_RESET_DR7;
	}
}

#define NVMX_LOAD_SEG(st, i, v, name)						\
	((st)->seg[i] = (struct nst_segment){					\
		.base = (v)->guest_##name##_base, .limit = (v)->guest_##name##_limit, \
		.ar = (v)->guest_##name##_ar, .selector = (v)->guest_##name##_sel })

static void nvmx_load_segments(struct nst_state *st, const struct nvmx_vmcs12 *v)
{
	NVMX_LOAD_SEG(st, NST_ES, v, es);
	NVMX_LOAD_SEG(st, NST_CS, v, cs);
	NVMX_LOAD_SEG(st, NST_SS, v, ss);
	NVMX_LOAD_SEG(st, NST_DS, v, ds);
	NVMX_LOAD_SEG(st, NST_FS, v, fs);
	NVMX_LOAD_SEG(st, NST_GS, v, gs);
	NVMX_LOAD_SEG(st, NST_LDTR, v, ldtr);
	NVMX_LOAD_SEG(st, NST_TR, v, tr);
	st->gdt = (struct nst_dtable){ v->guest_gdtr_base, v->guest_gdtr_limit };
	st->idt = (struct nst_dtable){ v->guest_idtr_base, v->guest_idtr_limit };
}

static void nvmx_load_guest(struct nst_vcpu *vcpu, const struct nvmx_vmcs12 *v)
{
	struct nst_state *st = &vcpu->st;

	nvmx_load_cr(vcpu, v);
	nvmx_load_msrs(vcpu, v);
	nvmx_load_segments(st, v);
	st->gpr[NST_RSP] = v->guest_rsp;
	st->rip = v->guest_rip;
	st->rflags = v->guest_rflags;
	st->sti_shadow = v->guest_interruptibility & GUEST_INTR_STATE_STI;
	st->movss_shadow = v->guest_interruptibility & GUEST_INTR_STATE_MOV_SS;
	st->nmi_blocked = v->guest_interruptibility & GUEST_INTR_STATE_NMI;
}

/**
 * nvmx_load_area() - load the MSRs of an MSR-load area, SDM3 "Loading MSRs"
 * @vcpu: loaded vCPU, vm->srcu held
 * @area: guest-physical address in L1's memory
 * @count: of its entries; too many fail at the first beyond the limit
 *
 * Return: the number, counted from 1, of the entry that could not be loaded; 0:
 * all were.
 */
u32 nvmx_load_area(struct nst_vcpu *vcpu, u64 area, u32 count)
{
	struct vmx_msr_entry entry;

	for (u32 i = 0; i < count; i++) {
		if (i >= NVMX_MAX_MSR_LIST ||
		    nst_vcpu_read_gpa(vcpu, nst_gpa(area + i * sizeof(entry)), &entry,
				      sizeof(entry)) ||
		    !nvmx_msr_load_allowed(&entry) ||
		    nst_msr_set(vcpu, entry.index, entry.value, false))
			return i + 1;
	}
	return 0;
}

/* ---- paging ---- */

/**
 * nvmx_fill_stage2() - L1's EPT in the MMU's words
 * @v: the VMCS
 * @s2: filled
 */
void nvmx_fill_stage2(const struct nvmx_vmcs12 *v, struct nst_stage2 *s2)
{
	memset(s2, 0, sizeof(*s2));
	if (!nvmx_has_proc2(v, SECONDARY_EXEC_ENABLE_EPT))
		return;
	s2->kind = NST_STAGE2_EPT;
	s2->root = v->ept_pointer & GENMASK_ULL(51, 12);
	s2->ept_levels = (v->ept_pointer & VMX_EPTP_PWL_MASK) == VMX_EPTP_PWL_5 ? 5 : 4;
	s2->ept_ad = v->ept_pointer & VMX_EPTP_AD_ENABLE_BIT;
	s2->ept_log = nvmx_has_proc2(v, SECONDARY_EXEC_ENABLE_PML);
}

/* Linear translations of another VPID, or of none, may not be used. */
static void nvmx_flush_for_entry(struct nst_vcpu *vcpu, const struct nvmx_vmcs12 *v)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	u16 vpid = nvmx_has_proc2(v, SECONDARY_EXEC_ENABLE_VPID) ? v->vpid : 0;

	if (!vpid || vpid != nvmx->last_vpid)
		nst_mmu_flush_l2_linear(vcpu);
	nvmx->last_vpid = vpid;
}

/**
 * nvmx_enter_paging() - the paging context becomes that of L2
 * @vcpu: loaded vCPU, L2's registers in vcpu->st
 *
 * Return: 0 or -errno.
 */
int nvmx_enter_paging(struct nst_vcpu *vcpu)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	struct nst_stage2 s2;
	int ret;

	nvmx_fill_stage2(v, &s2);
	ret = nst_mmu_enter_l2(vcpu, &s2);
	if (ret)
		return ret;
	nvmx_flush_for_entry(vcpu, v);
	return 0;
}

/* Without EPT, PDPTEs come from memory. False: they cannot be loaded. */
static bool nvmx_load_pdptes(struct nst_vcpu *vcpu)
{
	const struct nst_state *st = &vcpu->st;

	if (nvmx_has_proc2(to_nvmx(vcpu)->v, SECONDARY_EXEC_ENABLE_EPT) ||
	    !(st->cr0 & X86_CR0_PG) || !(st->cr4 & X86_CR4_PAE) || (st->efer & EFER_LMA))
		return true;
	return nst_mmu_load_pdptrs(vcpu, st->cr3);
}

/* ---- events ---- */

static void nvmx_inject(struct nst_vcpu *vcpu, const struct nvmx_vmcs12 *v)
{
	static const u8 types[] = {
		[INTR_TYPE_EXT_INTR >> 8] = NST_EVENT_EXTINT,
		[INTR_TYPE_NMI_INTR >> 8] = NST_EVENT_NMI,
		[INTR_TYPE_HARD_EXCEPTION >> 8] = NST_EVENT_EXCEPTION,
		[INTR_TYPE_SOFT_INTR >> 8] = NST_EVENT_SOFT_INT,
		[INTR_TYPE_PRIV_SW_EXCEPTION >> 8] = NST_EVENT_PRIV_EXC,
		[INTR_TYPE_SOFT_EXCEPTION >> 8] = NST_EVENT_SOFT_EXC,
	};
	u32 info = v->entry_intr_info, type = (info & INTR_INFO_INTR_TYPE_MASK) >> 8;
	struct nst_event event = {
		.vector = info & INTR_INFO_VECTOR_MASK,
		.has_error = info & INTR_INFO_DELIVER_CODE_MASK,
		.error_code = v->entry_error_code,
	};

	/* "Injection of Pending MTF VM Exits". */
	to_nvmx(vcpu)->mtf_pending = (info & INTR_INFO_VALID_MASK) &&
				     (info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_OTHER_EVENT;
	if (!(info & INTR_INFO_VALID_MASK) || type >= ARRAY_SIZE(types))
		return;
	event.type = types[type];
	if (event.type == NST_EVENT_SOFT_INT || event.type == NST_EVENT_SOFT_EXC ||
	    event.type == NST_EVENT_PRIV_EXC)
		event.insn_len = v->entry_insn_len;
	nst_nested_inject(vcpu, &event);
}

static void nvmx_set_activity(struct nst_vcpu *vcpu, const struct nvmx_vmcs12 *v)
{
	if ((v->entry_intr_info & INTR_INFO_VALID_MASK) || !vcpu->lapic)
		return;
	if (v->guest_activity == GUEST_ACTIVITY_HLT)
		vcpu->mp_state = KVM_MP_STATE_HALTED;
	else if (v->guest_activity == GUEST_ACTIVITY_WAIT_SIPI)
		vcpu->mp_state = KVM_MP_STATE_INIT_RECEIVED;
}

/*
 * SDM3 "Delivery of Pending Debug Exceptions after VM Entry": before the first
 * instruction, unless an event is injected.  Behind STI and MOV SS they wait, for what
 * RFLAGS.TF makes again.
 */
static void nvmx_pending_debug(struct nst_vcpu *vcpu, struct nvmx_vmcs12 *v)
{
	u64 pending = v->guest_pending_dbg;

	if (!(pending & (NVMX_PENDING_BS | NVMX_PENDING_ENABLED)) ||
	    (v->entry_intr_info & INTR_INFO_VALID_MASK) ||
	    v->guest_activity != GUEST_ACTIVITY_ACTIVE ||
	    (v->guest_interruptibility & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)))
		return;
	v->guest_pending_dbg = 0;
	nst_raise_payload(vcpu, X86_TRAP_DB, false, 0,
			  pending & (NVMX_PENDING_BS | DR_TRAP_BITS));
}

/**
 * nvmx_begin() - what L2 begins with: an event, or a state in which it waits
 * @vcpu: loaded vCPU, L2 current
 */
void nvmx_begin(struct nst_vcpu *vcpu)
{
	struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	nvmx_inject(vcpu, v);
	nvmx_set_activity(vcpu, v);
	nvmx_pending_debug(vcpu, v);
	/* Under delivery it is no wish of L1's any more. */
	v->entry_intr_info &= ~INTR_INFO_VALID_MASK;
}

/* ---- the entry ---- */

/*
 * DEVIATION: a processor needs no memory behind the APIC-access page.  KVM does, and
 * its users are told by an internal error.
 */
static bool nvmx_unbacked(struct nst_vcpu *vcpu, const struct nvmx_vmcs12 *v)
{
	return nvmx_has_proc2(v, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES) &&
	       !nst_gpa_has_slot(vcpu, nst_gpa(v->apic_access_addr), false);
}

static enum nst_next nvmx_enter_guest(struct nst_vcpu *vcpu, bool launch)
{
	struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	u32 bad_msr;
	int ret;

	to_nvmx(vcpu)->shadow_live = false;
	nst_nested_switch(vcpu, true);
	nvmx_load_guest(vcpu, v);
	bad_msr = nvmx_load_area(vcpu, v->entry_msr_load_addr, v->entry_msr_load_count);
	if (bad_msr) {
		nvmx_fail_entry(vcpu, EXIT_REASON_MSR_LOAD_FAIL, bad_msr);
		return NST_ENTER;
	}
	/* L1's other CPUs may have changed the PDPTEs since they were checked. */
	ret = nvmx_enter_paging(vcpu);
	if (!ret && !nvmx_load_pdptes(vcpu))
		ret = -EINVAL;
	if (ret) {
		nvmx_fail_entry(vcpu, EXIT_REASON_INVALID_STATE,
				ret == -EINVAL ? ENTRY_FAIL_PDPTE : ENTRY_FAIL_DEFAULT);
		return NST_ENTER;
	}
	trace_nested_entry(vcpu->id, v->guest_rip);
	if (launch)
		v->launch_state = NVMX_LAUNCHED;
	nvmx_begin(vcpu);
	nvmx_apic_enter(vcpu);
	if (v->pin & PIN_BASED_VMX_PREEMPTION_TIMER)
		nvmx_timer_start(vcpu);
	return nvmx_unbacked(vcpu, v) ? nst_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION) :
					NST_ENTER;
}

/*
 * What passed once passes again until L1 writes something else there: what an
 * exit saves is what a CPU ran with.  Some rules look at L1's memory as well,
 * which may have changed.
 */
static u8 nvmx_still_passed(struct nst_vcpu *vcpu)
{
	const struct nvmx *nvmx = to_nvmx(vcpu);
	const struct nvmx_vmcs12 *v = nvmx->v;
	u8 passed = nvmx->passed;

	if (nvmx->passed_long != nst_long_mode(vcpu) || nvmx_has_proc(v, CPU_BASED_TPR_SHADOW))
		passed &= ~NVMX_PASSED_VMFAIL;
	if (v->vmcs_link_pointer != NVMX_NO_POINTER || !(v->entry_ctls & VM_ENTRY_IA32E_MODE))
		passed &= ~NVMX_PASSED_GUEST;
	return passed;
}

static enum nst_next nvmx_check_and_enter(struct nst_vcpu *vcpu, bool launch)
{
	const struct nvmx_rule *rule = NULL;
	u8 passed = nvmx_still_passed(vcpu);
	struct nvmx_check in;

	nvmx_fill_check(vcpu, &in);
	if (!(passed & NVMX_PASSED_VMFAIL))
		rule = nvmx_check_vmfail(&in);
	if (rule) {
		trace_rule_broken(vcpu->id, rule->id, rule->text);
		return nvmx_fail_valid(vcpu, rule->verdict == NVMX_BAD_HOST ?
					     VMXERR_ENTRY_INVALID_HOST_STATE_FIELD :
					     VMXERR_ENTRY_INVALID_CONTROL_FIELD);
	}
	to_nvmx(vcpu)->passed |= NVMX_PASSED_VMFAIL;
	to_nvmx(vcpu)->passed_long = in.l1_long;
	if (!(passed & NVMX_PASSED_GUEST))
		rule = nvmx_check_guest(&in);
	if (rule) {
		trace_rule_broken(vcpu->id, rule->id, rule->text);
		nvmx_fail_entry(vcpu, EXIT_REASON_INVALID_STATE,
				nvmx_failure_qualification(rule->verdict));
		return NST_ENTER;
	}
	to_nvmx(vcpu)->passed |= NVMX_PASSED_GUEST;
	return nvmx_enter_guest(vcpu, launch);
}

/**
 * nvmx_enter() - VMLAUNCH and VMRESUME
 * @vcpu: loaded vCPU, L1 current, its mode and CPL checked
 * @launch: VMLAUNCH
 *
 * Return: what to do next, in L2 or, when the entry failed, in L1.
 */
enum nst_next nvmx_enter(struct nst_vcpu *vcpu, bool launch)
{
	const struct nvmx *nvmx = to_nvmx(vcpu);
	enum nvmx_evmcs_found found = nvmx_evmcs_load(vcpu, launch);

	if (found == NVMX_EVMCS_NO_MEMORY) {
		nst_raise(vcpu, X86_TRAP_UD);
		return NST_ENTER;
	}
	nvmx_shadow_fetch(vcpu);
	if (found == NVMX_EVMCS_REFUSED ||
	    (found == NVMX_EVMCS_NONE && (nvmx->vmptr == NVMX_NO_POINTER ||
					  (nvmx->v->revision & NVMX_SHADOW_VMCS))))
		return nvmx_finish(vcpu, X86_EFLAGS_CF);
	if (vcpu->st.movss_shadow)
		return nvmx_fail_valid(vcpu, VMXERR_ENTRY_EVENTS_BLOCKED_BY_MOV_SS);
	/* An enlightened VMCS has no launch state. */
	if (found == NVMX_EVMCS_LOADED)
		return nvmx_check_and_enter(vcpu, launch);
	if (launch && nvmx->v->launch_state != NVMX_CLEAR)
		return nvmx_fail_valid(vcpu, VMXERR_VMLAUNCH_NONCLEAR_VMCS);
	if (!launch && nvmx->v->launch_state != NVMX_LAUNCHED)
		return nvmx_fail_valid(vcpu, VMXERR_VMRESUME_NONLAUNCHED_VMCS);
	return nvmx_check_and_enter(vcpu, launch);
}

/* ---- controls ---- */

/* What L1's controls make L2 exit on, in neutral words. */
static const struct {
	u32 proc;
	u64 traps;
} nvmx_proc_traps[] = {
	{ CPU_BASED_HLT_EXITING, NST_TRAP_HLT },
	{ CPU_BASED_PAUSE_EXITING, NST_TRAP_PAUSE },
	{ CPU_BASED_MWAIT_EXITING, NST_TRAP_MWAIT },
	{ CPU_BASED_MONITOR_EXITING, NST_TRAP_MWAIT },
	{ CPU_BASED_RDTSC_EXITING, NST_TRAP_RDTSC },
	{ CPU_BASED_RDPMC_EXITING, NST_TRAP_RDPMC },
	{ CPU_BASED_INVLPG_EXITING, NST_TRAP_INVLPG },
	{ CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING, NST_TRAP_CR3 },
	{ CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING, NST_TRAP_CR8 },
	{ CPU_BASED_MOV_DR_EXITING, NST_TRAP_DR },
};

static void nvmx_merge_proc2(const struct nvmx_vmcs12 *v, struct nst_ctl *ctl)
{
	if (nvmx_has_proc2(v, SECONDARY_EXEC_DESC))
		ctl->traps |= NST_TRAP_DTABLE;
	if (nvmx_has_proc2(v, SECONDARY_EXEC_WBINVD_EXITING))
		ctl->traps |= NST_TRAP_WBINVD;
	if (nvmx_has_proc2(v, SECONDARY_EXEC_RDRAND_EXITING))
		ctl->traps |= NST_TRAP_RDRAND;
	if (nvmx_has_proc2(v, SECONDARY_EXEC_RDSEED_EXITING))
		ctl->traps |= NST_TRAP_RDSEED;
	if (!nvmx_has_proc2(v, SECONDARY_EXEC_ENABLE_RDTSCP))
		ctl->traps |= NST_TRAP_RDTSCP_UD;
	if (!nvmx_has_proc2(v, SECONDARY_EXEC_ENABLE_INVPCID))
		ctl->traps |= NST_TRAP_INVPCID_UD;
}

/* SDM3 "TSC Offsetting and Scaling". */
static void nvmx_merge_tsc(const struct nvmx_vmcs12 *v, struct nst_ctl *ctl)
{
	bool scales = nvmx_has_proc2(v, SECONDARY_EXEC_TSC_SCALING);

	if (nvmx_has_proc(v, CPU_BASED_USE_TSC_OFFSETTING))
		nst_tsc_nest(ctl, scales ? v->tsc_multiplier : NST_TSC_RATIO_NONE, v->tsc_offset);
}

/**
 * nvmx_merge() - add L1's wishes to L0's controls for L2
 * @vcpu: loaded vCPU
 * @ctl: L0's; changed
 */
void nvmx_merge(struct nst_vcpu *vcpu, struct nst_ctl *ctl)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	for (unsigned int i = 0; i < ARRAY_SIZE(nvmx_proc_traps); i++)
		if (v->proc & nvmx_proc_traps[i].proc)
			ctl->traps |= nvmx_proc_traps[i].traps;
	nvmx_merge_proc2(v, ctl);
	ctl->exceptions |= v->exception_bitmap;
	/* The match decides either way: see nvmx_wants(). */
	if (v->pf_mask || v->pf_match)
		ctl->exceptions |= BIT(X86_TRAP_PF);
	nvmx_merge_tsc(v, ctl);
	nvmx_timer_merge(vcpu, ctl);
	/* The hardware below has no VM functions. */
	vcpu->nested->ud_insn = nvmx_has_proc2(v, SECONDARY_EXEC_ENABLE_VMFUNC);
	vcpu->nested->step.on = nvmx_has_proc(v, CPU_BASED_MONITOR_TRAP_FLAG);
	if (vcpu->nested->step.on) {
		ctl->traps |= NST_TRAP_MTF;
		if (!nst_caps.mtf)
			ctl->exceptions |= BIT(X86_TRAP_DB);
	}
	if (vcpu->nested->ud_insn)
		ctl->exceptions |= BIT(X86_TRAP_UD);
	ctl->cr0_mask = v->cr0_mask;
	ctl->cr0_shadow = v->cr0_shadow;
	ctl->cr4_mask = v->cr4_mask;
	ctl->cr4_shadow = v->cr4_shadow;
}
