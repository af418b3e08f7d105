// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on their way in (SDM3 "Event Injection") and those whose delivery an
 * exit interrupted (SDM3 "Information for VM Exits That Occur During Event
 * Delivery").
 */
#include "nestor.h"
#include <linux/kernel.h>
#include "vmx.h"

/* Interruption types by neutral event type; both directions use it. */
static const u32 vmx_event_types[] = {
	[NST_EVENT_EXTINT] = INTR_TYPE_EXT_INTR,
	[NST_EVENT_NMI] = INTR_TYPE_NMI_INTR,
	[NST_EVENT_EXCEPTION] = INTR_TYPE_HARD_EXCEPTION,
	[NST_EVENT_SOFT_INT] = INTR_TYPE_SOFT_INTR,
	[NST_EVENT_SOFT_EXC] = INTR_TYPE_SOFT_EXCEPTION,
	[NST_EVENT_PRIV_EXC] = INTR_TYPE_PRIV_SW_EXCEPTION,
};

static bool vmx_event_is_soft(enum nst_event_type type)
{
	return type == NST_EVENT_SOFT_INT || type == NST_EVENT_SOFT_EXC ||
	       type == NST_EVENT_PRIV_EXC;
}

/*
 * A soft event returns to the instruction after it: hardware adds the length
 * to RIP.  Length 0 says that RIP is there already, which older CPUs refuse;
 * they get RIP one byte earlier and length 1.
 */
static void vmx_inject_length(struct nst_vcpu *vcpu, u8 len)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->rip_back = !len && !(vmx_caps.misc & VMX_MISC_ZERO_LEN_INS);
	vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, vmx->rip_back ? 1 : len);
}

/**
 * vmx_inject() - deliver an event with the next entry
 * @vcpu: loaded vCPU
 * @event: the event, not NST_EVENT_NONE
 */
void vmx_inject(struct nst_vcpu *vcpu, const struct nst_event *event)
{
	u32 info = INTR_INFO_VALID_MASK | vmx_event_types[event->type] | event->vector;

	/*
	 * In real mode no error code is pushed; an entry insists on it, and on 16 bits
	 * (SDM3 "Checks on VM-Entry Control Fields"), where userspace may have set more.
	 */
	if (event->has_error && nst_protected(vcpu)) {
		info |= INTR_INFO_DELIVER_CODE_MASK;
		vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, (u16)event->error_code);
	}
	if (vmx_event_is_soft(event->type))
		vmx_inject_length(vcpu, event->insn_len);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, info);
}

/**
 * vmx_cancel_inject() - take back what vmx_inject() arranged
 * @vcpu: loaded vCPU that did not enter since
 */
void vmx_cancel_inject(struct nst_vcpu *vcpu)
{
	to_vmx(vcpu)->rip_back = false;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
}

static enum nst_event_type vmx_event_type(u32 vectoring)
{
	enum nst_event_type type;

	for (type = NST_EVENT_EXTINT; type < ARRAY_SIZE(vmx_event_types); type++)
		if (vmx_event_types[type] == (vectoring & VECTORING_INFO_TYPE_MASK))
			return type;
	return NST_EVENT_NONE;
}

static void vmx_hand_back(struct nst_vcpu *vcpu, u32 info, unsigned long error_field,
			  unsigned long length_field)
{
	struct nst_event event = {
		.type = vmx_event_type(info),
		.vector = info & VECTORING_INFO_VECTOR_MASK,
		.has_error = info & VECTORING_INFO_DELIVER_CODE_MASK,
	};

	if (NST_BUG_ON(vcpu->vm, event.type == NST_EVENT_NONE))
		return;
	if (event.has_error)
		event.error_code = vmcs_read_any(error_field);
	if (vmx_event_is_soft(event.type))
		event.insn_len = vmcs_read_any(length_field);
	nst_event_interrupted(vcpu, &event);
}

/**
 * vmx_note_interrupted() - hand an interrupted event back to the core
 * @vcpu: vCPU that just left the guest
 * @vectoring: IDT-vectoring information, valid
 */
void vmx_note_interrupted(struct nst_vcpu *vcpu, u32 vectoring)
{
	u32 info;

	/* The handler has not begun, and an entry may not inject a blocked NMI. */
	if ((vectoring & VECTORING_INFO_TYPE_MASK) == INTR_TYPE_NMI_INTR) {
		info = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, info & ~GUEST_INTR_STATE_NMI);
	}
	vmx_hand_back(vcpu, vectoring, IDT_VECTORING_ERROR_CODE, VM_EXIT_INSTRUCTION_LEN);
}

/**
 * vmx_note_not_injected() - hand back the event of an entry that failed
 * @vcpu: vCPU that did not enter
 *
 * A failed entry leaves the request in the VMCS, where a later one would find it.
 */
void vmx_note_not_injected(struct nst_vcpu *vcpu)
{
	u32 info = vmcs_read32(VM_ENTRY_INTR_INFO_FIELD);

	if (!(info & INTR_INFO_VALID_MASK))
		return;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmx_hand_back(vcpu, info, VM_ENTRY_EXCEPTION_ERROR_CODE, VM_ENTRY_INSTRUCTION_LEN);
}

/* Qualification of EPT violations and page-modification log-full exits. */
#define VMX_QUAL_IRET_UNBLOCKED	BIT_ULL(12)

/**
 * vmx_note_iret_fault() - block NMIs again when an IRET that unblocked them faulted
 * @reason: basic exit reason
 * @intr_info: VM-exit interruption information
 * @vectoring: IDT-vectoring information
 * @qualification: exit qualification
 *
 * SDM3 "Resuming Guest Software after Handling an Exception": the IRET will be
 * executed again, still inside the NMI handler.  The bit is undefined when an
 * event was being delivered, and for double faults.
 */
void vmx_note_iret_fault(u32 reason, u32 intr_info, u32 vectoring, u64 qualification)
{
	bool unblocked = false;
	u32 info;

	if (vectoring & VECTORING_INFO_VALID_MASK)
		return;
	if (reason == EXIT_REASON_EXCEPTION_NMI)
		unblocked = (intr_info & INTR_INFO_UNBLOCK_NMI) &&
			    (intr_info & INTR_INFO_VECTOR_MASK) != X86_TRAP_DF;
	else if (reason == EXIT_REASON_EPT_VIOLATION || reason == EXIT_REASON_PML_FULL)
		unblocked = qualification & VMX_QUAL_IRET_UNBLOCKED;
	if (!unblocked)
		return;
	info = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, info | GUEST_INTR_STATE_NMI);
}
