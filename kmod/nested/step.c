// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exit of L2 after each instruction, for an L1 that wants it.  What software
 * carries out is known; what hardware does is stepped by its own means
 * (nst_caps.mtf), or by RFLAGS.TF for the time of one entry.  The delivery of
 * an event counts as an instruction, and would be stepped into with TF: a host
 * interrupt ends that entry behind it.
 *
 * DEVIATION: with TF, PUSHF and SYSCALL of L2 show it, and an L2 that steps itself
 * has its own #DB before the exit.
 */
#include "../nestor.h"
#include <uapi/asm/debugreg.h>
#include "../core.h"
#include "nested.h"

/**
 * nst_nested_step_begin() - an entry is about to be made
 * @vcpu: loaded vCPU; its state is not pushed yet, events are arranged
 *
 * Return: true when RFLAGS.TF has to be set.
 */
bool nst_nested_step_begin(struct nst_vcpu *vcpu)
{
	if (!nst_in_l2(vcpu) || !vcpu->nested->step.on || nst_caps.mtf)
		return false;
	if (nst_event_committed(vcpu)) {
		vcpu->nested->step.by_event = true;
		vcpu->nested->exit_soon = true;
		return false;
	}
	vcpu->nested->step.by_tf = !(vcpu->st.rflags & X86_EFLAGS_TF);
	return vcpu->nested->step.by_tf;
}

/**
 * nst_nested_step_end() - the entry is over
 * @vcpu: loaded vCPU
 * @entered: or was not made after all
 */
void nst_nested_step_end(struct nst_vcpu *vcpu, bool entered)
{
	if (!nst_in_l2(vcpu) || !vcpu->nested->step.by_event)
		return;
	vcpu->nested->step.by_event = false;
	/* Unless its delivery was interrupted. */
	if (entered && !nst_event_committed(vcpu))
		nst_nested_stepped(vcpu);
}

/**
 * nst_nested_stepped() - an instruction of the current context is done
 * @vcpu: loaded vCPU
 */
void nst_nested_stepped(struct nst_vcpu *vcpu)
{
	if (!nst_in_l2(vcpu) || !vcpu->nested->step.on)
		return;
	vcpu->nested->step.done = true;
	nst_request(vcpu, NST_REQ_EVENT);
}

/**
 * nst_nested_step_exit() - is the exit a #DB that TF was set for?
 * @vcpu: loaded vCPU, L2 current; vcpu->exit is what hardware told
 *
 * Return: true when it was nothing else.
 */
bool nst_nested_step_exit(struct nst_vcpu *vcpu)
{
	const struct nst_exit *exit = &vcpu->exit;
	u64 others;

	if (!vcpu->nested->step.by_tf)
		return false;
	vcpu->nested->step.by_tf = false;
	if (exit->kind != NST_EXIT_EXCEPTION || exit->exception.vector != X86_TRAP_DB ||
	    !(exit->exception.payload & DR_STEP))
		return false;
	/* Hardware's DR6 took the cause; L2's stays as it is. */
	nst_modify(vcpu, NST_STATE_DR);
	vcpu->st.dr6 &= ~(u64)DR_STEP;
	nst_nested_stepped(vcpu);
	others = exit->exception.payload & DR_TRAP_BITS;
	if (others)
		nst_raise_payload(vcpu, X86_TRAP_DB, false, 0, others);
	return true;
}
