// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM exit: L2's state into vmcs12, what happened into its exit fields, L1's
 * state out of its host-state area.  SDM3 "VM Exits".
 */
#include "../nestor.h"
#include <uapi/asm/debugreg.h>
#include <linux/string.h>
#include "../core.h"
#include "../guestmem.h"
#include "../mmu/stage2.h"
#include "../msr.h"
#include "evmcs.h"
#include "nvmx.h"

#define NVMX_CR0_RESERVED	0x1ffaffc0ull	/* 28:19, 17, 15:6 */
#define NVMX_CR0_KEPT		((u64)(X86_CR0_ET | X86_CR0_NW | X86_CR0_CD) | NVMX_CR0_RESERVED)

/* VMX-abort indicators, SDM3 "VMX Aborts". */
#define NVMX_ABORT_STORE_MSRS	1
#define NVMX_ABORT_PDPTES	2
#define NVMX_ABORT_LOAD_MSRS	4

/* SDM3 "Loading Host Segment and Descriptor-Table Registers". */
#define NVMX_HOST_TABLE_LIMIT	0xffff
#define NVMX_HOST_TSS_LIMIT	0x67
#define NVMX_AR_CODE		(NST_AR_ACCESSED | NST_AR_RW | NST_AR_CODE | NST_AR_S | \
				 NST_AR_P | NST_AR_G)
#define NVMX_AR_DATA		(NST_AR_ACCESSED | NST_AR_RW | NST_AR_S | NST_AR_P | \
				 NST_AR_DB | NST_AR_G)
#define NVMX_AR_TSS		(11u | NST_AR_P)

/* ---- saving ---- */

/*
 * Loading a segment marks it as accessed, and VM entry checks that; SVM hardware
 * does not always keep that in its copy.
 */
static u32 nvmx_saved_rights(u32 ar)
{
	return (ar & NST_AR_S) && !(ar & NST_AR_UNUSABLE) ? ar | NST_AR_ACCESSED : ar;
}

#define NVMX_SAVE_SEG(v, name, st, i) do {					\
	(v)->guest_##name##_base = (st)->seg[i].base;				\
	(v)->guest_##name##_limit = (st)->seg[i].limit;				\
	(v)->guest_##name##_ar = nvmx_saved_rights((st)->seg[i].ar);		\
	(v)->guest_##name##_sel = (st)->seg[i].selector;			\
} while (0)

static void nvmx_save_segments(struct nvmx_vmcs12 *v, const struct nst_state *st)
{
	NVMX_SAVE_SEG(v, es, st, NST_ES);
	NVMX_SAVE_SEG(v, cs, st, NST_CS);
	NVMX_SAVE_SEG(v, ss, st, NST_SS);
	NVMX_SAVE_SEG(v, ds, st, NST_DS);
	NVMX_SAVE_SEG(v, fs, st, NST_FS);
	NVMX_SAVE_SEG(v, gs, st, NST_GS);
	NVMX_SAVE_SEG(v, ldtr, st, NST_LDTR);
	NVMX_SAVE_SEG(v, tr, st, NST_TR);
	v->guest_gdtr_base = st->gdt.base;
	v->guest_gdtr_limit = st->gdt.limit;
	v->guest_idtr_base = st->idt.base;
	v->guest_idtr_limit = st->idt.limit;
}

static void nvmx_save_cr(struct nvmx_vmcs12 *v, const struct nst_state *st)
{
	v->guest_cr0 = st->cr0;
	v->guest_cr3 = st->cr3;
	v->guest_cr4 = st->cr4;
	if (nvmx_has_proc2(v, SECONDARY_EXEC_ENABLE_EPT)) {
		v->guest_pdptr0 = st->pdptr[0];
		v->guest_pdptr1 = st->pdptr[1];
		v->guest_pdptr2 = st->pdptr[2];
		v->guest_pdptr3 = st->pdptr[3];
	}
	if (nvmx_has_proc2(v, SECONDARY_EXEC_UNRESTRICTED_GUEST)) {
		v->entry_ctls &= ~VM_ENTRY_IA32E_MODE;
		if (st->efer & EFER_LMA)
			v->entry_ctls |= VM_ENTRY_IA32E_MODE;
	}
}

static void nvmx_save_msrs(struct nvmx_vmcs12 *v, const struct nst_state *st)
{
	v->guest_sysenter_cs = st->sysenter_cs;
	v->guest_sysenter_esp = st->sysenter_esp;
	v->guest_sysenter_eip = st->sysenter_eip;
	if (v->exit_ctls & VM_EXIT_SAVE_DEBUG_CONTROLS) {
		v->guest_dr7 = st->dr7;
		v->guest_debugctl = st->debugctl;
	}
	if (v->exit_ctls & VM_EXIT_SAVE_IA32_PAT)
		v->guest_pat = st->pat;
	if (v->exit_ctls & VM_EXIT_SAVE_IA32_EFER)
		v->guest_efer = st->efer;
}

/**
 * nvmx_save_guest() - L2's state into the guest-state area
 * @vcpu: loaded vCPU, L2 current, all state pulled
 */
void nvmx_save_guest(struct nst_vcpu *vcpu)
{
	struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	const struct nst_state *st = &vcpu->st;
	bool halted = vcpu->mp_state == KVM_MP_STATE_HALTED;

	nvmx_save_cr(v, st);
	nvmx_save_msrs(v, st);
	nvmx_save_segments(v, st);
	v->guest_rsp = st->gpr[NST_RSP];
	v->guest_rip = st->rip;
	v->guest_rflags = st->rflags;
	v->guest_activity = halted ? GUEST_ACTIVITY_HLT :
			    vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED ?
			    GUEST_ACTIVITY_WAIT_SIPI : GUEST_ACTIVITY_ACTIVE;
	v->guest_interruptibility = (st->sti_shadow ? GUEST_INTR_STATE_STI : 0) |
				    (st->movss_shadow ? GUEST_INTR_STATE_MOV_SS : 0) |
				    (st->nmi_blocked ? GUEST_INTR_STATE_NMI : 0);
	/* SDM3 "Checks on Guest Non-Register State": what VMRESUME will ask for. */
	v->guest_pending_dbg = (st->sti_shadow || st->movss_shadow || halted) &&
			       (st->rflags & X86_EFLAGS_TF) &&
			       !(v->guest_debugctl & DEBUGCTLMSR_BTF) ? DR_STEP : 0;
	if (v->exit_ctls & VM_EXIT_SAVE_VMX_PREEMPTION_TIMER)
		v->preemption_timer = nvmx_timer_left(vcpu);
}

/* False: a VMX abort. */
static bool nvmx_store_msr_area(struct nst_vcpu *vcpu, const struct nvmx_vmcs12 *v)
{
	struct vmx_msr_entry entry;

	for (u32 i = 0; i < v->exit_msr_store_count; i++) {
		u64 addr = v->exit_msr_store_addr + i * sizeof(entry);
		u64 val;

		if (i >= NVMX_MAX_MSR_LIST ||
		    nst_vcpu_read_gpa(vcpu, nst_gpa(addr), &entry, sizeof(entry)) ||
		    !nvmx_msr_store_allowed(&entry) ||
		    nst_msr_get(vcpu, entry.index, &val, false))
			return false;
		addr += offsetof(struct vmx_msr_entry, value);
		if (nst_vcpu_write_gpa(vcpu, nst_gpa(addr), &val, sizeof(val)))
			return false;
	}
	return true;
}

/**
 * nvmx_event_info() - an event in the format of the interruption-information fields
 * @event: the event
 *
 * Return: the field, 0 for no event.
 */
u32 nvmx_event_info(const struct nst_event *event)
{
	static const u32 types[] = {
		[NST_EVENT_EXTINT] = INTR_TYPE_EXT_INTR,
		[NST_EVENT_NMI] = INTR_TYPE_NMI_INTR,
		[NST_EVENT_EXCEPTION] = INTR_TYPE_HARD_EXCEPTION,
		[NST_EVENT_SOFT_INT] = INTR_TYPE_SOFT_INTR,
		[NST_EVENT_SOFT_EXC] = INTR_TYPE_SOFT_EXCEPTION,
		[NST_EVENT_PRIV_EXC] = INTR_TYPE_PRIV_SW_EXCEPTION,
	};

	if (event->type == NST_EVENT_NONE)
		return 0;
	return INTR_INFO_VALID_MASK | types[event->type] | event->vector |
	       (event->has_error ? INTR_INFO_DELIVER_CODE_MASK : 0);
}

/*
 * SDM3 "Information for VM Exits That Occur During Event Delivery": not those by a double
 * fault that an event resulted in, nor by a triple fault.
 */
static bool nvmx_during_delivery(const struct nvmx_exit *out)
{
	const u32 df = INTR_INFO_VALID_MASK | INTR_TYPE_HARD_EXCEPTION | X86_TRAP_DF;

	if (out->reason == EXIT_REASON_EXCEPTION_NMI)
		return (out->intr_info & ~INTR_INFO_DELIVER_CODE_MASK) != df;
	return out->reason != EXIT_REASON_TRIPLE_FAULT;
}

static void nvmx_save_interrupted(struct nst_vcpu *vcpu, struct nvmx_vmcs12 *v,
				  const struct nvmx_exit *out)
{
	struct nst_event event;

	nst_nested_interrupted(vcpu, &event);
	if (!nvmx_during_delivery(out))
		event = (struct nst_event){ .type = NST_EVENT_NONE };
	v->idt_info = nvmx_event_info(&event);
	/* Its delivery had begun, and an NMI's begins by blocking others. */
	if (event.type == NST_EVENT_NMI)
		v->guest_interruptibility |= GUEST_INTR_STATE_NMI;
	v->idt_error = event.has_error ? (u16)event.error_code : 0;
	if (event.insn_len)
		v->exit_insn_len = event.insn_len;
}

static void nvmx_fill_exit(struct nvmx_vmcs12 *v, const struct nvmx_exit *out)
{
	v->exit_reason = out->reason;
	v->exit_qualification = out->qualification;
	v->exit_intr_info = out->intr_info;
	v->exit_intr_error = out->intr_error;
	v->exit_insn_len = out->insn_len;
	v->exit_insn_info = out->insn_info;
	v->guest_linear_address = out->linear;
	v->guest_physical_address = out->physical;
	/* The event was injected; another entry needs another one. */
	v->entry_intr_info &= ~INTR_INFO_VALID_MASK;
}

/* ---- loading ---- */

static void nvmx_load_host_cr(struct nst_state *st, const struct nvmx_vmcs12 *v)
{
	bool host_long = v->exit_ctls & VM_EXIT_HOST_ADDR_SPACE_SIZE;

	st->cr0 = (v->host_cr0 & ~NVMX_CR0_KEPT) | (st->cr0 & NVMX_CR0_KEPT);
	st->cr3 = v->host_cr3;
	st->cr4 = v->host_cr4;
	if (v->exit_ctls & VM_EXIT_LOAD_IA32_EFER)
		st->efer = v->host_efer;
	else if (host_long)
		st->efer |= EFER_LME | EFER_LMA;
	else
		st->efer &= ~(u64)(EFER_LME | EFER_LMA);
}

static void nvmx_load_host_segments(struct nst_state *st, const struct nvmx_vmcs12 *v)
{
	bool host_long = v->exit_ctls & VM_EXIT_HOST_ADDR_SPACE_SIZE;
	const struct {
		u8 seg;
		u16 selector;
		u64 base;
	} data[] = {
		{ NST_ES, v->host_es_sel }, { NST_SS, v->host_ss_sel }, { NST_DS, v->host_ds_sel },
		{ NST_FS, v->host_fs_sel, v->host_fs_base },
		{ NST_GS, v->host_gs_sel, v->host_gs_base },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(data); i++)
		st->seg[data[i].seg] = (struct nst_segment){
			.selector = data[i].selector, .base = data[i].base, .limit = 0xffffffff,
			.ar = NVMX_AR_DATA | (data[i].selector ? 0 : NST_AR_UNUSABLE),
		};
	st->seg[NST_CS] = (struct nst_segment){
		.selector = v->host_cs_sel, .limit = 0xffffffff,
		.ar = NVMX_AR_CODE | (host_long ? NST_AR_L : NST_AR_DB),
	};
	st->seg[NST_TR] = (struct nst_segment){
		.selector = v->host_tr_sel, .base = v->host_tr_base,
		.limit = NVMX_HOST_TSS_LIMIT, .ar = NVMX_AR_TSS,
	};
	st->seg[NST_LDTR] = (struct nst_segment){ .ar = NST_AR_UNUSABLE };
	st->gdt = (struct nst_dtable){ v->host_gdtr_base, NVMX_HOST_TABLE_LIMIT };
	st->idt = (struct nst_dtable){ v->host_idtr_base, NVMX_HOST_TABLE_LIMIT };
}

static void nvmx_load_host(struct nst_state *st, const struct nvmx_vmcs12 *v)
{
	nvmx_load_host_cr(st, v);
	nvmx_load_host_segments(st, v);
	st->dr7 = NST_RESET_DR7;
	st->debugctl = 0;
	st->sysenter_cs = v->host_sysenter_cs;
	st->sysenter_esp = v->host_sysenter_esp;
	st->sysenter_eip = v->host_sysenter_eip;
	if (v->exit_ctls & VM_EXIT_LOAD_IA32_PAT)
		st->pat = v->host_pat;
	st->gpr[NST_RSP] = v->host_rsp;
	st->rip = v->host_rip;
	st->rflags = X86_EFLAGS_FIXED;
	st->sti_shadow = false;
	st->movss_shadow = false;
}

/* SDM3 "VMX Aborts": the processor shuts down. */
static void nvmx_abort(struct nst_vcpu *vcpu, u32 indicator)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	u64 addr = nvmx->vmptr + offsetof(struct nvmx_vmcs12, abort);

	nvmx->v->abort = indicator;
	if (nvmx_evmcs_active(vcpu))
		nvmx_evmcs_put_u32(vcpu, offsetof(struct hv_enlightened_vmcs, abort), indicator);
	else
		nst_vcpu_write_gpa(vcpu, nst_gpa(addr), &indicator, sizeof(indicator));
	nst_request(vcpu, NST_REQ_TRIPLE_FAULT);
}

/* L1's registers and paging, with L1 the current context. */
static void nvmx_become_host(struct nst_vcpu *vcpu)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	struct nst_state *st = &vcpu->st;

	nst_modify(vcpu, NST_STATE_ALL);
	nvmx_load_host(st, v);
	nst_mmu_leave_l2(vcpu);
	nst_mmu_mode_changed(vcpu);
	/* SDM3 "Loading Host Control Registers": with VPIDs no translation is flushed. */
	nst_mmu_cr3_changed(vcpu, nvmx_has_proc2(v, SECONDARY_EXEC_ENABLE_VPID));
	if ((st->cr0 & X86_CR0_PG) && (st->cr4 & X86_CR4_PAE) && !(st->efer & EFER_LMA) &&
	    !nst_mmu_load_pdptrs(vcpu, st->cr3))
		nvmx_abort(vcpu, NVMX_ABORT_PDPTES);
	else if (nvmx_load_area(vcpu, v->exit_msr_load_addr, v->exit_msr_load_count))
		nvmx_abort(vcpu, NVMX_ABORT_LOAD_MSRS);
	if (vcpu->mp_state == KVM_MP_STATE_HALTED ||
	    vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED)
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	nvmx_shadow_publish(vcpu);
	nvmx_evmcs_publish(vcpu);
	nst_request(vcpu, NST_REQ_EVENT);
}

/* SDM3 "Loading Host State": an NMI that exits blocks others, other exits do not. */
static bool nvmx_nmi_blocked_after(struct nst_vcpu *vcpu, const struct nvmx_exit *out)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	if (out->reason == EXIT_REASON_EXCEPTION_NMI &&
	    (out->intr_info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		return true;
	return v->pin & PIN_BASED_VIRTUAL_NMIS ? vcpu->nested->l1.nmi_blocked :
						 vcpu->st.nmi_blocked;
}

/**
 * nvmx_leave() - a VM exit from L2
 * @vcpu: loaded vCPU, L2 current
 * @out: what it tells L1
 *
 * L1 is current afterwards; if it cannot be, it gets a triple fault.
 */
void nvmx_leave(struct nst_vcpu *vcpu, const struct nvmx_exit *out)
{
	struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	bool nmi_blocked = nvmx_nmi_blocked_after(vcpu, out);
	bool stored;

	nst_pull(vcpu, NST_STATE_ALL);
	nvmx_fill_exit(v, out);
	nvmx_save_guest(vcpu);
	nvmx_save_interrupted(vcpu, v, out);
	nvmx_apic_flush(vcpu);
	to_nvmx(vcpu)->mtf_pending = false;
	stored = nvmx_store_msr_area(vcpu, v);
	nvmx_timer_stop(vcpu);
	nst_nested_switch(vcpu, false);
	nvmx_become_host(vcpu);
	vcpu->st.nmi_blocked = nmi_blocked;
	if (!stored)
		nvmx_abort(vcpu, NVMX_ABORT_STORE_MSRS);
}

/**
 * nvmx_fail_entry() - a VM entry that failed after its controls were accepted
 * @vcpu: loaded vCPU; L1 is current, or L2 whose state was being loaded
 * @reason: EXIT_REASON_INVALID_STATE or EXIT_REASON_MSR_LOAD_FAIL
 * @qualification: exit qualification
 *
 * SDM3 "VM-Entry Failures During or After Loading Guest State": nothing of the
 * guest is saved.
 */
void nvmx_fail_entry(struct nst_vcpu *vcpu, u32 reason, u64 qualification)
{
	struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	v->exit_reason = reason | VMX_EXIT_REASONS_FAILED_VMENTRY;
	v->exit_qualification = qualification;
	if (nst_in_l2(vcpu)) {
		bool nmi_blocked = vcpu->nested->l1.nmi_blocked;

		nst_nested_switch(vcpu, false);
		vcpu->st.nmi_blocked = nmi_blocked;
	}
	nvmx_become_host(vcpu);
}
