// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events into the guest (EVENTINJ), events that an exit interrupted
 * (EXITINTINFO), and the interrupt window.  NMI masking is in nmi.c.
 * APM2 "Event Injection", "Injecting Virtual (INTR) Interrupts".
 */
#include "../nestor.h"
#include "svm.h"

/* EVENTINJ and EXITINTINFO type of each kind of event. */
static const u32 svm_event_types[] = {
	[NST_EVENT_EXTINT]	= SVM_EVTINJ_TYPE_INTR,
	[NST_EVENT_NMI]		= SVM_EVTINJ_TYPE_NMI,
	[NST_EVENT_EXCEPTION]	= SVM_EVTINJ_TYPE_EXEPT,
	[NST_EVENT_SOFT_INT]	= SVM_EVTINJ_TYPE_SOFT,
	[NST_EVENT_SOFT_EXC]	= SVM_EVTINJ_TYPE_EXEPT,
	[NST_EVENT_PRIV_EXC]	= SVM_EVTINJ_TYPE_EXEPT,
};

/*
 * Delivered as by an instruction: the return address is behind it.  Hardware
 * takes any #BP and #OF for INT3 and INTO.
 */
static bool svm_is_soft(const struct nst_event *event)
{
	if (event->type == NST_EVENT_EXCEPTION)
		return event->vector == X86_TRAP_BP || event->vector == X86_TRAP_OF;
	return event->type == NST_EVENT_SOFT_INT || event->type == NST_EVENT_SOFT_EXC ||
	       event->type == NST_EVENT_PRIV_EXC;
}

/* SDM3 and APM2, the tables of exceptions: 0-8, 10-14, 16-19, 21, 28-30 but the NMI. */
#define SVM_EXCEPTIONS		0x702f7dfbu

/*
 * VM entry of VMX takes an exception with any vector, SVM only those that there
 * are: APM2 "Event Injection".  Others are delivered as an interrupt of that vector,
 * which does the same, from outside or by an instruction.
 */
static u32 svm_injection_type(const struct nst_event *event)
{
	u32 type = svm_event_types[event->type];

	if (type != SVM_EVTINJ_TYPE_EXEPT ||
	    (event->vector < 32 && (SVM_EXCEPTIONS >> event->vector & 1)))
		return type;
	return event->type == NST_EVENT_EXCEPTION ? SVM_EVTINJ_TYPE_INTR : SVM_EVTINJ_TYPE_SOFT;
}

/**
 * svm_inject() - nst_backend.inject
 * @vcpu: loaded vCPU
 * @event: not NONE
 */
void svm_inject(struct nst_vcpu *vcpu, const struct nst_event *event)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control_area *ctl = &svm->vmcb->control;
	u8 vector = event->type == NST_EVENT_NMI ? X86_TRAP_NMI : event->vector;

	ctl->event_inj = SVM_EVTINJ_VALID | svm_injection_type(event) | vector;
	ctl->event_inj_err = 0;
	if (event->has_error) {
		ctl->event_inj |= SVM_EVTINJ_VALID_ERR;
		ctl->event_inj_err = event->error_code;
	}
	svm->inject = *event;
}

/**
 * svm_cancel_inject() - nst_backend.cancel_inject
 * @vcpu: loaded vCPU that did not enter after inject()
 */
void svm_cancel_inject(struct nst_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->vmcb->control.event_inj = 0;
	svm->inject.type = NST_EVENT_NONE;
}

/**
 * svm_irq_window() - nst_backend.irq_window
 * @vcpu: loaded vCPU
 * @on: exit as soon as RFLAGS.IF and the shadow let an interrupt in
 *
 * A virtual interrupt is made pending whatever the TPR, and its delivery is
 * intercepted; the guest never receives it.
 */
void svm_irq_window(struct nst_vcpu *vcpu, bool on)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control_area *ctl = &svm->vmcb->control;

	if (svm->irq_window == on)
		return;
	svm->irq_window = on;
	if (on)
		ctl->int_ctl |= V_IRQ_MASK | V_IGN_TPR_MASK;
	else
		ctl->int_ctl &= ~(V_IRQ_MASK | V_IGN_TPR_MASK);
	ctl->int_vector = 0;
	svm_dirty(svm, SVM_CLEAN_INT_CTL);
	svm_update_intercepts(svm);
}

/**
 * svm_event_before_entry() - last preparations for the event to be injected
 * @svm: loaded vCPU, irqs off
 *
 * Hardware pushes NRIP for a software event if it has that field, else RIP, so
 * without it RIP goes behind the instruction for this one entry.
 */
void svm_event_before_entry(struct svm_vcpu *svm)
{
	struct vmcb *vmcb = svm->vmcb;

	if (svm->inject.type == NST_EVENT_NONE)
		return;
	if (svm->inject.type == NST_EVENT_NMI)
		svm_nmi_set_masked(svm, true);
	if (!svm_is_soft(&svm->inject))
		return;
	if (svm_has(SVM_F_NRIPS))
		vmcb->control.next_rip = vmcb->save.rip + svm->inject.insn_len;
	else
		vmcb->save.rip += svm->inject.insn_len;
}

/**
 * svm_event_not_entered() - hand the event back: the guest did not run
 * @svm: loaded vCPU, irqs off, after an entry that failed
 */
void svm_event_not_entered(struct svm_vcpu *svm)
{
	struct nst_event event = svm->inject;

	svm_cancel_inject(svm->vcpu);
	if (event.type == NST_EVENT_NONE)
		return;
	if (event.type == NST_EVENT_NMI)
		svm_nmi_set_masked(svm, false);
	nst_event_interrupted(svm->vcpu, &event);
}

static enum nst_event_type svm_event_type(u32 info)
{
	u8 vector = info & SVM_EXITINTINFO_VEC_MASK;

	switch (info & SVM_EXITINTINFO_TYPE_MASK) {
	case SVM_EXITINTINFO_TYPE_INTR:
		return NST_EVENT_EXTINT;
	case SVM_EXITINTINFO_TYPE_NMI:
		return NST_EVENT_NMI;
	case SVM_EXITINTINFO_TYPE_SOFT:
		return NST_EVENT_SOFT_INT;
	case SVM_EXITINTINFO_TYPE_EXEPT:
		/* #BP and #OF come from INT3 and INTO only. */
		if (vector == X86_TRAP_BP || vector == X86_TRAP_OF)
			return NST_EVENT_SOFT_EXC;
		return NST_EVENT_EXCEPTION;
	default:
		return NST_EVENT_NONE;
	}
}

/* Of two injected types hardware may report one: which it was is known here. */
static bool svm_is_injected(const struct svm_vcpu *svm, u32 info)
{
	return svm->inject.type != NST_EVENT_NONE &&
	       svm->inject.vector == (info & SVM_EXITINTINFO_VEC_MASK) &&
	       svm_injection_type(&svm->inject) == (info & SVM_EXITINTINFO_TYPE_MASK);
}

/*
 * A software event's length.  False: the guest was executing the instruction
 * itself, and since RIP still points at it, running it again is all it takes.
 */
static bool svm_soft_len(struct svm_vcpu *svm, struct nst_event *event)
{
	struct vmcb *vmcb = svm->vmcb;
	bool ours = svm_is_soft(&svm->inject) && svm->inject.vector == event->vector;

	if (ours) {
		event->type = svm->inject.type;
		event->insn_len = svm->inject.insn_len;
		if (!svm_has(SVM_F_NRIPS))
			vmcb->save.rip -= event->insn_len;
		return true;
	}
	if (!svm_has(SVM_F_NRIPS))
		return false;
	event->insn_len = vmcb->control.next_rip - vmcb->save.rip;
	return true;
}

/**
 * svm_event_after_exit() - hand an interrupted delivery back to the core
 * @svm: loaded vCPU, irqs off, just exited
 *
 * Must run before RIP is pulled.
 */
void svm_event_after_exit(struct svm_vcpu *svm)
{
	struct vmcb_control_area *ctl = &svm->vmcb->control;
	u32 info = ctl->exit_int_info;
	struct nst_event event = {
		.vector = info & SVM_EXITINTINFO_VEC_MASK,
		.type = svm_event_type(info),
	};

	ctl->event_inj = 0;
	if (!(info & SVM_EXITINTINFO_VALID) || event.type == NST_EVENT_NONE)
		goto out;
	if (info & SVM_EXITINTINFO_VALID_ERR) {
		event.has_error = true;
		event.error_code = ctl->exit_int_info_err;
	}
	if (svm_is_injected(svm, info))
		event.type = svm->inject.type;
	if (event.type == NST_EVENT_NMI)
		svm_nmi_set_masked(svm, false);
	if (svm_is_soft(&event) && !svm_soft_len(svm, &event))
		goto out;
	nst_event_interrupted(svm->vcpu, &event);
out:
	svm->inject.type = NST_EVENT_NONE;
}
