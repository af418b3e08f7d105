// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest states that hardware cannot enter, such as real mode on VMX without
 * unrestricted guest: instructions and events are carried out by the emulator,
 * one after the other, until the backend can take over again.
 *
 * What changes is marked dirty in vcpu->st as ever, so that taking over is
 * nothing but the next entry's push.
 */
#include "nestor.h"
#include <linux/sched/signal.h>
#include "core.h"
#include "nested/nested.h"

/* Instructions between two looks at the host's needs and at requests. */
#define NST_SOFT_BATCH	256

/**
 * nst_soft_needed() - must the next instruction be emulated?
 * @vcpu: loaded vCPU
 *
 * What hardware ran it can enter again, so the question is asked only after
 * software changed something that matters.
 *
 * Return: true when hardware would refuse the state.
 */
bool nst_soft_needed(struct nst_vcpu *vcpu)
{
	u32 matters = NST_STATE_SEG | NST_STATE_CR;
	bool soft;

	/* Where hardware has every mode, VMLOAD can bring segments that it refuses. */
	if (nst_caps.unrestricted) {
		if (!nst_backend->can_enter || !nst_guest_has(vcpu, NST_GCAP_SVM))
			return false;
		matters = NST_STATE_SEG & ~NST_STATE_MODE;
	}
	if (!vcpu->soft && !(vcpu->dirty & matters))
		return false;
	nst_pull(vcpu, NST_STATE_SEG | NST_STATE_CR);
	soft = !nst_backend->can_enter(vcpu);
	/* Windows and injections were not asked of hardware meanwhile. */
	if (vcpu->soft && !soft)
		nst_request(vcpu, NST_REQ_EVENT);
	vcpu->soft = soft;
	return soft;
}

/* Something that only the loop in run.c can do. */
static bool nst_soft_must_stop(struct nst_vcpu *vcpu)
{
	if (!vcpu->lapic && READ_ONCE(vcpu->run->request_interrupt_window) &&
	    nst_ready_for_user_irq(vcpu))
		return true;
	return nst_request_pending(vcpu) || nst_smi_due(vcpu) || need_resched() ||
	       signal_pending(current) || !nst_vcpu_runnable(vcpu);
}

/* Asked before each instruction: there is no window exit when a shadow ends. */
static enum nst_next nst_soft_deliver(struct nst_vcpu *vcpu)
{
	nst_test_request(vcpu, NST_REQ_EVENT);
	vcpu->soft_event.type = NST_EVENT_NONE;
	nst_inject_pending(vcpu);
	if (vcpu->soft_event.type == NST_EVENT_NONE)
		return NST_ENTER;
	return nst_insn_deliver(vcpu, &vcpu->soft_event);
}

/**
 * nst_soft_run() - run the guest by software for a while
 * @vcpu: loaded vCPU, irqs on, srcu held; nst_soft_needed() said so
 *
 * Return: NST_ENTER: go on as the state then demands; or what the emulator
 * needs from userspace.
 */
enum nst_next nst_soft_run(struct nst_vcpu *vcpu)
{
	enum nst_next next = NST_ENTER;
	int i;

	for (i = 0; i < NST_SOFT_BATCH && next == NST_ENTER; i++) {
		next = nst_soft_deliver(vcpu);
		if (next != NST_ENTER || nst_soft_must_stop(vcpu) || !nst_soft_needed(vcpu))
			break;
		vcpu->stat.soft++;
		next = nst_emulate(vcpu);
		/* What an L1 waits for is looked at outside. */
		if (nst_in_l2(vcpu))
			break;
	}
	return next;
}
