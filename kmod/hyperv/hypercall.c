// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of a guest that uses Hyper-V's interface: what a call needs is a row, the
 * conventions are carried out once for all of them.
 *
 * A guest's parameters are copied once, before anything looks at them.
 * TLFS "Hypercall Interface".  Own thread, srcu held.
 */
#include "../nestor.h"
#include <linux/mm.h>
#include "../core.h"
#include "../fpu.h"
#include "../guestmem.h"
#include "call.h"

#define FIELD(control, name)	(((control) & HV_HYPERCALL_##name##_MASK) >> \
				 HV_HYPERCALL_##name##_OFFSET)
#define XMM_BYTES		16
#define GPA_ALIGN		8

/* TLFS "HvCallNotifyLongSpinWait": somebody who does not run may have the lock. */
static u64 long_spin(struct nst_vcpu *vcpu, struct nst_hv_call *call)
{
	u32 tries = vcpu->hv->cpuid[NST_HV_SPINS];
	u32 nr = READ_ONCE(vcpu->vm->nr_vcpus);

	if (vcpu->hv->enforce && (!tries || tries == NST_HV_SPIN_FOREVER))
		return HV_STATUS_ACCESS_DENIED;
	for (u32 i = 1; i < nr; i++) {
		struct nst_vcpu *other = xa_load(&vcpu->vm->vcpus, (vcpu->idx + i) % nr);

		if (other && READ_ONCE(other->cpu) < 0 && nst_yield_to(other))
			break;
	}
	return HV_STATUS_SUCCESS;
}

#define EX_HINT		HV_X64_EX_PROCESSOR_MASKS_RECOMMENDED
#define FLUSH_HINT	HV_X64_REMOTE_TLB_FLUSH_RECOMMENDED
#define IPI_HINT	HV_X64_CLUSTER_IPI_RECOMMENDED

/* The size is that of the parameters without their variable part and without a list. */
static const struct nst_hv_call_row rows[] = {
	{ HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE, NST_HV_HINTS, FLUSH_HINT, 0,
	  sizeof(struct hv_tlb_flush), nst_hv_flush },
	{ HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST, NST_HV_HINTS, FLUSH_HINT, NST_HV_CALL_REP,
	  sizeof(struct hv_tlb_flush), nst_hv_flush },
	{ HVCALL_NOTIFY_LONG_SPIN_WAIT, NST_HV_SPINS, 0, 0, 0, long_spin },
	{ HVCALL_SEND_IPI, NST_HV_HINTS, IPI_HINT, 0, sizeof(struct hv_send_ipi),
	  nst_hv_send_ipi },
	{ HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX, NST_HV_HINTS, FLUSH_HINT | EX_HINT,
	  NST_HV_CALL_VAR, sizeof(struct hv_tlb_flush_ex), nst_hv_flush_ex },
	{ HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX, NST_HV_HINTS, FLUSH_HINT | EX_HINT,
	  NST_HV_CALL_VAR | NST_HV_CALL_REP, sizeof(struct hv_tlb_flush_ex), nst_hv_flush_ex },
	{ HVCALL_SEND_IPI_EX, NST_HV_HINTS, IPI_HINT | EX_HINT, NST_HV_CALL_VAR,
	  sizeof(struct hv_send_ipi_ex), nst_hv_send_ipi_ex },
	{ HVCALL_POST_MESSAGE, NST_HV_CALLS, HV_POST_MESSAGES, 0, 0, nst_hv_post_message },
	{ HVCALL_SIGNAL_EVENT, NST_HV_CALLS, HV_SIGNAL_EVENTS, 0, sizeof(u64),
	  nst_hv_signal_event },
	{ HVCALL_POST_DEBUG_DATA, NST_HV_CALLS, HV_DEBUGGING, NST_HV_CALL_SYNDBG, 0,
	  nst_hv_syndbg_call },
	{ HVCALL_RETRIEVE_DEBUG_DATA, NST_HV_CALLS, HV_DEBUGGING, NST_HV_CALL_SYNDBG, 0,
	  nst_hv_syndbg_call },
	{ HVCALL_RESET_DEBUG_SESSION, NST_HV_CALLS, HV_DEBUGGING, NST_HV_CALL_SYNDBG, 0,
	  nst_hv_syndbg_call },
};

static const struct nst_hv_call_row *find_row(const struct nst_hv_vcpu *hv, u16 code)
{
	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].code != code)
			continue;
		if ((rows[i].flags & NST_HV_CALL_SYNDBG) &&
		    !(hv->cpuid[NST_HV_SYNDBG] & NST_HV_SYNDBG_ALLOWED))
			return NULL;
		return &rows[i];
	}
	return NULL;
}

/* ---- registers ---- */

static u64 pair(struct nst_vcpu *vcpu, enum nst_gpr high, enum nst_gpr low)
{
	return vcpu->st.gpr[high] << 32 | (u32)vcpu->st.gpr[low];
}

static void read_registers(struct nst_vcpu *vcpu, struct nst_hv_call *call)
{
	if (nst_code64(vcpu)) {
		call->control = vcpu->st.gpr[NST_RCX];
		call->in = vcpu->st.gpr[NST_RDX];
		call->out = vcpu->st.gpr[NST_R8];
	} else {
		call->control = pair(vcpu, NST_RDX, NST_RAX);
		call->in = pair(vcpu, NST_RBX, NST_RCX);
		call->out = pair(vcpu, NST_RDI, NST_RSI);
	}
	call->code = call->control;
	call->fast = call->control & HV_HYPERCALL_FAST_BIT;
	call->var_cnt = FIELD(call->control, VARHEAD);
	call->rep_cnt = FIELD(call->control, REP_COMP);
	call->rep_idx = FIELD(call->control, REP_START);
}

static enum nst_next finish(struct nst_vcpu *vcpu, u64 result)
{
	if (nst_code64(vcpu)) {
		vcpu->st.gpr[NST_RAX] = result;
	} else {
		vcpu->st.gpr[NST_RAX] = (u32)result;
		vcpu->st.gpr[NST_RDX] = result >> 32;
	}
	vcpu->dirty |= NST_STATE_GPR;
	return nst_skip_insn(vcpu);
}

/* Parameters in registers: two general ones, and where CPUID shows it, vector registers. */
static void read_fast(struct nst_vcpu *vcpu, struct nst_hv_call *call, bool xmm)
{
	u8 *to = call->data + sizeof(call->in) + sizeof(call->out);

	memcpy(call->data, &call->in, sizeof(call->in));
	memcpy(call->data + sizeof(call->in), &call->out, sizeof(call->out));
	call->len = to - call->data;
	if (!xmm)
		return;
	for (int i = 0; i < HV_HYPERCALL_MAX_XMM_REGISTERS; i++)
		nst_fpu_read_vec(vcpu, i, to + i * XMM_BYTES, XMM_BYTES);
	call->len += HV_HYPERCALL_MAX_XMM_REGISTERS * XMM_BYTES;
}

/**
 * nst_hv_call_read() - copy a part of a call's parameters
 * @vcpu: own thread
 * @call: the call
 * @offset: of the part
 * @to: where to
 * @len: bytes
 *
 * Return: a status of TLFS.
 */
u64 nst_hv_call_read(struct nst_vcpu *vcpu, const struct nst_hv_call *call, u32 offset,
		     void *to, u32 len)
{
	if (call->fast) {
		if (offset + len > call->len)
			return HV_STATUS_INVALID_HYPERCALL_INPUT;
		memcpy(to, call->data + offset, len);
		return HV_STATUS_SUCCESS;
	}
	/* TLFS "Hypercall Inputs": in one page, whose rest nothing is in. */
	if (offset_in_page(call->in) + offset + len > PAGE_SIZE)
		return HV_STATUS_INVALID_ALIGNMENT;
	if (nst_vcpu_read_gpa(vcpu, nst_gpa(call->in + offset), to, len))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	return HV_STATUS_SUCCESS;
}

/* ---- one call ---- */

static u64 check(struct nst_vcpu *vcpu, const struct nst_hv_call_row *row,
		 const struct nst_hv_call *call)
{
	bool rep = row->flags & NST_HV_CALL_REP;

	if (!nst_hv_allows(vcpu->hv, row->word, row->bits))
		return HV_STATUS_ACCESS_DENIED;
	if (call->control & HV_HYPERCALL_RSVD_MASK)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (rep ? call->rep_idx >= call->rep_cnt : call->rep_cnt || call->rep_idx)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (call->var_cnt && !(row->flags & NST_HV_CALL_VAR))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (!call->fast && row->size && !IS_ALIGNED(call->in, GPA_ALIGN))
		return HV_STATUS_INVALID_ALIGNMENT;
	return HV_STATUS_SUCCESS;
}

static enum nst_next undefined(struct nst_vcpu *vcpu)
{
	nst_raise(vcpu, X86_TRAP_UD);
	return NST_ENTER;
}

static enum nst_next ask_user(struct nst_vcpu *vcpu, const struct nst_hv_call *call)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_HYPERV;
	run->hyperv.type = KVM_EXIT_HYPERV_HCALL;
	run->hyperv.u.hcall.input = call->control;
	run->hyperv.u.hcall.result = 0;
	run->hyperv.u.hcall.params[0] = call->in;
	run->hyperv.u.hcall.params[1] = call->out;
	nst_insn_wait_hypercall(vcpu);
	return NST_USER;
}

/**
 * nst_hv_complete_call() - userspace has carried out a hypercall
 * @vcpu: loaded vCPU, still at the instruction
 *
 * Return: NST_ENTER, or NST_USER.
 */
enum nst_next nst_hv_complete_call(struct nst_vcpu *vcpu)
{
	return finish(vcpu, READ_ONCE(vcpu->run->hyperv.u.hcall.result));
}

/**
 * nst_hv_hypercall() - VMCALL or VMMCALL of a guest that told its name
 * @vcpu: loaded vCPU, L1 runs; srcu held
 *
 * Return: NST_ENTER, or NST_USER when userspace carries it out.
 */
enum nst_next nst_hv_hypercall(struct nst_vcpu *vcpu)
{
	const struct nst_hv_call_row *row;
	struct nst_hv_call call;
	u64 status;

	nst_pull(vcpu, NST_STATE_CR | NST_STATE_SEG);
	if (nst_cpl(vcpu) || !nst_protected(vcpu))
		return undefined(vcpu);
	read_registers(vcpu, &call);
	if (!nst_hv_get(vcpu))
		return finish(vcpu, HV_STATUS_INSUFFICIENT_MEMORY);
	row = find_row(vcpu->hv, call.code);
	if (!row)
		return finish(vcpu, HV_STATUS_INVALID_HYPERCALL_CODE);
	status = check(vcpu, row, &call);
	if (status)
		return finish(vcpu, status);
	if (call.fast) {
		bool xmm = row->size > sizeof(call.in) + sizeof(call.out);

		if (xmm && !(vcpu->hv->cpuid[NST_HV_FEATURES] &
			     HV_X64_HYPERCALL_XMM_INPUT_AVAILABLE))
			return undefined(vcpu);
		read_fast(vcpu, &call, xmm);
	}
	status = row->call(vcpu, &call);
	if (status == NST_HV_ASK_USER)
		return ask_user(vcpu, &call);
	/* All elements of a list are done, or none. */
	if (status == HV_STATUS_SUCCESS && (row->flags & NST_HV_CALL_REP))
		status |= (u64)call.rep_cnt << HV_HYPERCALL_REP_COMP_OFFSET;
	return finish(vcpu, status);
}
