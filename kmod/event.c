// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on their way into the guest: exceptions with the double-fault rules,
 * NMIs, interrupts; which comes first, what may come now, and what an exit
 * interrupted and has to come again.
 */
#include "nestor.h"
#include <linux/string.h>
#include <uapi/asm/debugreg.h>
#include "core.h"
#include "irqchip/irqchip.h"
#include "nested/nested.h"
#include "trace.h"

/* SDM3 "Interrupt 8 - Double Fault Exception (#DF)", classes of exceptions. */
enum nst_exc_class { NST_BENIGN, NST_CONTRIBUTORY, NST_PAGE_FAULT, NST_DOUBLE_FAULT };

static enum nst_exc_class nst_classify(u8 vector)
{
	switch (vector) {
	case X86_TRAP_DE:
	case X86_TRAP_TS:
	case X86_TRAP_NP:
	case X86_TRAP_SS:
	case X86_TRAP_GP:
		return NST_CONTRIBUTORY;
	case X86_TRAP_PF:
		return NST_PAGE_FAULT;
	case X86_TRAP_DF:
		return NST_DOUBLE_FAULT;
	default:
		return NST_BENIGN;
	}
}

/* Does the second of two exceptions turn both into a double fault? */
static bool nst_makes_double_fault(u8 first, u8 second)
{
	enum nst_exc_class a = nst_classify(first), b = nst_classify(second);

	if (a == NST_CONTRIBUTORY)
		return b == NST_CONTRIBUTORY;
	if (a == NST_PAGE_FAULT)
		return b == NST_CONTRIBUTORY || b == NST_PAGE_FAULT;
	return false;
}

static void nst_raise_full(struct nst_vcpu *vcpu, u8 vector, bool has_error, u32 error_code,
			   bool has_payload, u64 payload)
{
	typeof(vcpu->ev.exception) *exc = &vcpu->ev.exception;

	/* L1 sees the exception itself, before it makes a double fault of two. */
	if (nst_nested_wants_exception(vcpu, vector, has_error, error_code, payload))
		return;
	nst_request(vcpu, NST_REQ_EVENT);
	if (exc->pending || exc->injected) {
		if (exc->vector == X86_TRAP_DF && nst_classify(vector) != NST_BENIGN) {
			exc->pending = false;
			exc->injected = false;
			nst_request(vcpu, NST_REQ_TRIPLE_FAULT);
			return;
		}
		if (nst_makes_double_fault(exc->vector, vector)) {
			vector = X86_TRAP_DF;
			has_error = true;
			error_code = 0;
			has_payload = false;
			if (nst_nested_wants_exception(vcpu, vector, has_error, 0, 0))
				return;
		}
	}
	memset(exc, 0, sizeof(*exc));
	exc->pending = true;
	exc->vector = vector;
	exc->has_error = has_error;
	exc->error_code = error_code;
	exc->has_payload = has_payload;
	exc->payload = payload;
}

/**
 * nst_raise() - raise an exception without error code in the guest
 * @vcpu: loaded vCPU
 * @vector: X86_TRAP_*
 *
 * Merges with one that is on its way by the double-fault rules.
 */
void nst_raise(struct nst_vcpu *vcpu, u8 vector)
{
	nst_raise_full(vcpu, vector, false, 0, false, 0);
}

/**
 * nst_raise_error() - raise an exception with error code
 * @vcpu: loaded vCPU
 * @vector: X86_TRAP_*
 * @error_code: what is pushed
 */
void nst_raise_error(struct nst_vcpu *vcpu, u8 vector, u32 error_code)
{
	nst_raise_full(vcpu, vector, true, error_code, false, 0);
}

/**
 * nst_raise_payload() - raise #PF or #DB with what it leaves in CR2 or DR6
 * @vcpu: loaded vCPU
 * @vector: X86_TRAP_PF or X86_TRAP_DB
 * @has_error: @error_code is pushed
 * @error_code: the error code
 * @payload: CR2, or the DR6 bits in the format of the pending-debug-exceptions field
 */
void nst_raise_payload(struct nst_vcpu *vcpu, u8 vector, bool has_error, u32 error_code,
		       u64 payload)
{
	nst_raise_full(vcpu, vector, has_error, error_code, true, payload);
}

/**
 * nst_queue_nmi() - an NMI arrived for a vCPU
 * @vcpu: the vCPU
 *
 * Any context.
 */
void nst_queue_nmi(struct nst_vcpu *vcpu)
{
	atomic_inc(&vcpu->ev.nmi_queued);
	nst_request(vcpu, NST_REQ_NMI);
	nst_kick(vcpu);
}

/**
 * nst_collect_nmis() - move arrived NMIs to the pending ones
 * @vcpu: loaded vCPU
 *
 * A CPU latches one NMI while another is handled, or while none may come; two
 * wait at most.
 */
void nst_collect_nmis(struct nst_vcpu *vcpu)
{
	bool blocked = vcpu->st.nmi_blocked || vcpu->ev.nmi.injected ||
		       nst_nested_verdict(vcpu, NST_EXIT_HOST_NMI) == NST_HOLD;
	unsigned int limit = blocked ? 1 : 2;
	unsigned int sum = vcpu->ev.nmi.pending + atomic_xchg(&vcpu->ev.nmi_queued, 0);

	vcpu->ev.nmi.pending = min(sum, limit);
}

/**
 * nst_clear_events() - forget all events of a vCPU
 * @vcpu: loaded vCPU, or one that has never run
 */
void nst_clear_events(struct nst_vcpu *vcpu)
{
	memset(&vcpu->ev.exception, 0, sizeof(vcpu->ev.exception));
	memset(&vcpu->ev.irq, 0, sizeof(vcpu->ev.irq));
	memset(&vcpu->ev.nmi, 0, sizeof(vcpu->ev.nmi));
	atomic_set(&vcpu->ev.nmi_queued, 0);
	vcpu->ev.user_vector = -1;
}

static bool nst_irq_shadowed(const struct nst_vcpu *vcpu)
{
	return vcpu->st.sti_shadow || vcpu->st.movss_shadow;
}

/**
 * nst_irq_unmasked() - does nothing block an external interrupt in the guest's own state?
 * @vcpu: loaded vCPU
 *
 * Return: true when neither RFLAGS.IF nor a shadow does.
 */
bool nst_irq_unmasked(const struct nst_vcpu *vcpu)
{
	return (vcpu->st.rflags & X86_EFLAGS_IF) && !nst_irq_shadowed(vcpu);
}

/**
 * nst_event_committed() - is an event on its way that goes before all others?
 * @vcpu: loaded vCPU
 *
 * Return: true when the next entry delivers it.
 */
bool nst_event_committed(struct nst_vcpu *vcpu)
{
	return vcpu->ev.exception.injected || vcpu->ev.exception.pending ||
	       vcpu->ev.nmi.injected || vcpu->ev.irq.injected;
}

/**
 * nst_irqs_allowed() - could an external interrupt be delivered now?
 * @vcpu: loaded vCPU
 *
 * Return: true when nothing masks it and nothing else goes first.
 */
bool nst_irqs_allowed(struct nst_vcpu *vcpu)
{
	enum nst_verdict verdict = nst_nested_verdict(vcpu, NST_EXIT_HOST_IRQ);

	if (nst_event_committed(vcpu) || verdict == NST_HOLD)
		return false;
	if (verdict == NST_FORCE)
		return !nst_irq_shadowed(vcpu);
	return verdict == NST_REFLECT || nst_irq_unmasked(vcpu);
}

/**
 * nst_ready_for_user_irq() - may userspace inject with KVM_INTERRUPT?
 * @vcpu: loaded vCPU
 *
 * Return: true when its interrupt would be delivered at the next entry.
 */
bool nst_ready_for_user_irq(struct nst_vcpu *vcpu)
{
	return !nst_pic_in_kernel(vcpu->vm) && vcpu->ev.user_vector < 0 &&
	       nst_lapic_hears_pic(vcpu) && nst_irqs_allowed(vcpu);
}

/**
 * nst_pending_irq() - the interrupt to deliver next
 * @vcpu: loaded vCPU
 *
 * Return: its vector, from the chip or from userspace; -1 for none.
 */
int nst_pending_irq(struct nst_vcpu *vcpu)
{
	return vcpu->lapic ? nst_lapic_pending(vcpu) : vcpu->ev.user_vector;
}

/**
 * nst_event_pending() - would an event end the guest's HLT?
 * @vcpu: the vCPU, by its own thread
 *
 * Return: true when an NMI or an unmasked interrupt waits.
 */
bool nst_event_pending(struct nst_vcpu *vcpu)
{
	const struct nst_isa *isa = nst_isa(vcpu);
	enum nst_verdict verdict;

	if (nst_event_committed(vcpu))
		return true;
	verdict = nst_nested_verdict(vcpu, NST_EXIT_HOST_NMI);
	if (vcpu->ev.nmi.pending &&
	    (verdict == NST_REFLECT || (verdict == NST_DELIVER && !vcpu->st.nmi_blocked)))
		return true;
	if (nst_in_l2(vcpu) && isa->wakes && isa->wakes(vcpu))
		return true;
	if (nst_pending_irq(vcpu) < 0)
		return false;
	verdict = nst_nested_verdict(vcpu, NST_EXIT_HOST_IRQ);
	return verdict == NST_REFLECT || verdict == NST_FORCE ||
	       (verdict == NST_DELIVER && (vcpu->st.rflags & X86_EFLAGS_IF));
}

/**
 * nst_apply_payload() - put CR2 or DR6 in place for the waiting exception
 * @vcpu: loaded vCPU
 *
 * They change when the exception is delivered, not when it is raised.
 */
void nst_apply_payload(struct nst_vcpu *vcpu)
{
	typeof(vcpu->ev.exception) *exc = &vcpu->ev.exception;

	if (!exc->has_payload)
		return;
	exc->has_payload = false;
	if (exc->vector == X86_TRAP_PF) {
		vcpu->st.cr2 = exc->payload;
		vcpu->dirty |= NST_STATE_GPR;
	} else if (exc->vector == X86_TRAP_DB) {
		nst_modify(vcpu, NST_STATE_DR);
		vcpu->st.dr6 &= ~(u64)DR_TRAP_BITS;
		vcpu->st.dr6 |= exc->payload & NST_DR6_WRITABLE;
		/* General detect is cleared by delivering #DB. */
		vcpu->st.dr7 &= ~(u64)NST_DR7_GD;
	}
}

/**
 * nst_settle_payload() - show CR2 and DR6 to userspace as they will be
 * @vcpu: loaded vCPU
 *
 * Userspace that did not enable KVM_CAP_EXCEPTION_PAYLOAD takes a waiting exception
 * for one that is under delivery, and may read registers before events.
 */
void nst_settle_payload(struct nst_vcpu *vcpu)
{
	if (vcpu->ev.exception.pending && !READ_ONCE(vcpu->vm->exception_payload))
		nst_apply_payload(vcpu);
}

/**
 * nst_is_fault() - is an exception a fault, which saves RFLAGS with RF set?
 * @vector: X86_TRAP_*; of #DB it is not known, that says no
 *
 * Return: SDM3 "Resume Flag".
 */
bool nst_is_fault(u8 vector)
{
	switch (vector) {
	case X86_TRAP_BP:
	case X86_TRAP_OF:
	case X86_TRAP_DB:
	case X86_TRAP_DF:
	case X86_TRAP_MC:
		return false;
	default:
		return true;
	}
}

/* To hardware for the next entry, or to soft.c, which has none. */
static void nst_arrange(struct nst_vcpu *vcpu, const struct nst_event *event)
{
	if (unlikely(vcpu->soft))
		vcpu->soft_event = *event;
	else
		nst_backend->inject(vcpu, event);
}

static void nst_inject_exception(struct nst_vcpu *vcpu)
{
	typeof(vcpu->ev.exception) *exc = &vcpu->ev.exception;
	struct nst_event event = {
		.type = nst_exception_type(&vcpu->ev),
		.vector = exc->vector,
		.error_code = exc->error_code,
		.insn_len = exc->insn_len,
	};

	nst_pull(vcpu, NST_STATE_CR);
	/* Real mode pushes no error code. */
	event.has_error = exc->has_error && nst_protected(vcpu);
	if (exc->pending) {
		nst_apply_payload(vcpu);
		if (nst_is_fault(exc->vector)) {
			vcpu->st.rflags |= X86_EFLAGS_RF;
			vcpu->dirty |= NST_STATE_GPR;
		}
		trace_kvm_inj_exception(exc->vector, event.has_error, exc->error_code);
	}
	exc->pending = false;
	exc->injected = true;
	nst_arrange(vcpu, &event);
}

static void nst_inject_nmi(struct nst_vcpu *vcpu)
{
	struct nst_event event = { .type = NST_EVENT_NMI, .vector = X86_TRAP_NMI };

	vcpu->ev.nmi.injected = true;
	nst_arrange(vcpu, &event);
}

static void nst_inject_irq(struct nst_vcpu *vcpu)
{
	struct nst_event event = {
		.type = vcpu->ev.irq.soft ? NST_EVENT_SOFT_INT : NST_EVENT_EXTINT,
		.vector = vcpu->ev.irq.vector,
		.insn_len = vcpu->ev.irq.insn_len,
	};

	vcpu->ev.irq.injected = true;
	nst_arrange(vcpu, &event);
}

/* An event whose delivery an exit interrupted goes before all others. */
static bool nst_inject_again(struct nst_vcpu *vcpu)
{
	if (vcpu->ev.exception.injected || vcpu->ev.exception.pending)
		nst_inject_exception(vcpu);
	else if (vcpu->ev.nmi.injected)
		nst_inject_nmi(vcpu);
	else if (vcpu->ev.irq.injected)
		nst_inject_irq(vcpu);
	else
		return false;
	return true;
}

static bool nst_inject_new_nmi(struct nst_vcpu *vcpu)
{
	if (!vcpu->ev.nmi.pending || vcpu->st.nmi_blocked || vcpu->st.movss_shadow ||
	    vcpu->st.sti_shadow || nst_nested_verdict(vcpu, NST_EXIT_HOST_NMI) != NST_DELIVER)
		return false;
	vcpu->ev.nmi.pending--;
	vcpu->stat.nmi_injections++;
	nst_inject_nmi(vcpu);
	return true;
}

/**
 * nst_take_irq() - acknowledge the interrupt that is delivered next
 * @vcpu: loaded vCPU
 *
 * Return: its vector, no longer pending; -1 for none.
 */
int nst_take_irq(struct nst_vcpu *vcpu)
{
	int vector;

	if (vcpu->lapic)
		return nst_lapic_ack(vcpu);
	vector = vcpu->ev.user_vector;
	vcpu->ev.user_vector = -1;
	return vector;
}

/**
 * nst_take_init() - an INIT is no longer pending
 * @vcpu: loaded vCPU
 */
void nst_take_init(struct nst_vcpu *vcpu)
{
	nst_lapic_take_init(vcpu);
}

/**
 * nst_take_sipi() - a start-up message is no longer pending
 * @vcpu: loaded vCPU
 *
 * Return: its vector, -1: there was none.
 */
int nst_take_sipi(struct nst_vcpu *vcpu)
{
	return nst_lapic_take_sipi(vcpu);
}

/**
 * nst_end_irq() - the interrupt in service is over, with no handler that says so
 * @vcpu: loaded vCPU
 */
void nst_end_irq(struct nst_vcpu *vcpu)
{
	nst_lapic_end(vcpu);
}

static bool nst_inject_new_irq(struct nst_vcpu *vcpu)
{
	int vector;

	if (!nst_irq_unmasked(vcpu) || nst_pending_irq(vcpu) < 0 ||
	    nst_nested_verdict(vcpu, NST_EXIT_HOST_IRQ) != NST_DELIVER)
		return false;
	vector = nst_take_irq(vcpu);
	if (vector < 0)
		return false;
	vcpu->ev.irq.vector = vector;
	vcpu->ev.irq.soft = false;
	vcpu->ev.irq.insn_len = 0;
	vcpu->stat.irq_injections++;
	trace_kvm_inj_virq(vector, false, false);
	nst_inject_irq(vcpu);
	return true;
}

/*
 * An event that makes L2 exit has to wait for the one that is under delivery,
 * and no longer: a host interrupt will end the entry once that is delivered.
 * One that has just come up is for nst_nested_events().
 */
static void nst_leave_l2_soon(struct nst_vcpu *vcpu)
{
	enum nst_verdict irq = nst_pending_irq(vcpu) >= 0 ?
			       nst_nested_verdict(vcpu, NST_EXIT_HOST_IRQ) : NST_HOLD;
	bool waits = irq == NST_REFLECT || irq == NST_FORCE ||
		     (vcpu->ev.nmi.pending &&
		      nst_nested_verdict(vcpu, NST_EXIT_HOST_NMI) == NST_REFLECT);

	vcpu->nested->exit_soon = waits && (nst_event_committed(vcpu) ||
					    (irq == NST_FORCE && nst_irq_shadowed(vcpu)));
	if (waits && !vcpu->nested->exit_soon)
		nst_request(vcpu, NST_REQ_EVENT);
}

/* Windows: exits at the moment when what waits could be delivered. */
static void nst_open_windows(struct nst_vcpu *vcpu, bool user_window, bool hold)
{
	const struct nst_isa *isa = nst_isa(vcpu);
	bool irq = !hold && nst_pending_irq(vcpu) >= 0 &&
		   nst_nested_verdict(vcpu, NST_EXIT_HOST_IRQ) == NST_DELIVER;
	bool nmi = !hold && vcpu->ev.nmi.pending &&
		   nst_nested_verdict(vcpu, NST_EXIT_HOST_NMI) == NST_DELIVER;
	u32 l1 = nst_in_l2(vcpu) && isa->windows ? isa->windows(vcpu) : 0;

	nst_backend->nmi_window(vcpu, nmi || (l1 & NST_WINDOW_NMI));
	nst_backend->irq_window(vcpu, irq || user_window || (l1 & NST_WINDOW_IRQ));
}

/**
 * nst_inject_pending() - arrange what the next entry delivers
 * @vcpu: loaded vCPU
 *
 * Priority: SDM3 "Priority Among Concurrent Events".  What must wait gets a
 * window exit.
 */
void nst_inject_pending(struct nst_vcpu *vcpu)
{
	bool want_user_window = READ_ONCE(vcpu->run->request_interrupt_window) &&
				!nst_pic_in_kernel(vcpu->vm) && nst_lapic_hears_pic(vcpu);
	bool hold = vcpu->dbg.control & KVM_GUESTDBG_BLOCKIRQ;

	if (!nst_inject_again(vcpu) && !hold && !nst_inject_new_nmi(vcpu))
		nst_inject_new_irq(vcpu);
	if (unlikely(vcpu->soft))
		return;
	if (nst_in_l2(vcpu))
		nst_leave_l2_soon(vcpu);
	nst_open_windows(vcpu, want_user_window, hold);
}

/**
 * nst_events_entered() - hardware takes over what was injected
 * @vcpu: loaded vCPU, about to enter, irqs off
 *
 * If an exit interrupts the delivery, nst_event_interrupted() brings it back.
 */
void nst_events_entered(struct nst_vcpu *vcpu)
{
	vcpu->ev.exception.injected = false;
	vcpu->ev.nmi.injected = false;
	vcpu->ev.irq.injected = false;
}

/**
 * nst_event_interrupted() - an exit interrupted the delivery of an event
 * @vcpu: the vCPU
 * @event: what was being delivered
 */
void nst_event_interrupted(struct nst_vcpu *vcpu, const struct nst_event *event)
{
	typeof(vcpu->ev.exception) *exc = &vcpu->ev.exception;

	nst_request(vcpu, NST_REQ_EVENT);
	switch (event->type) {
	case NST_EVENT_NMI:
		vcpu->ev.nmi.injected = true;
		/* It is not being handled yet: delivery would block it again. */
		vcpu->st.nmi_blocked = false;
		vcpu->dirty |= NST_STATE_INTR;
		break;
	case NST_EVENT_EXTINT:
	case NST_EVENT_SOFT_INT:
		vcpu->ev.irq.injected = true;
		vcpu->ev.irq.soft = event->type == NST_EVENT_SOFT_INT;
		vcpu->ev.irq.vector = event->vector;
		vcpu->ev.irq.insn_len = event->insn_len;
		break;
	case NST_EVENT_EXCEPTION:
	case NST_EVENT_SOFT_EXC:
	case NST_EVENT_PRIV_EXC:
		memset(exc, 0, sizeof(*exc));
		exc->injected = true;
		exc->soft = event->type != NST_EVENT_EXCEPTION;
		exc->privileged = event->type == NST_EVENT_PRIV_EXC;
		exc->vector = event->vector;
		exc->insn_len = event->insn_len;
		exc->has_error = event->has_error;
		exc->error_code = event->error_code;
		break;
	case NST_EVENT_NONE:
		break;
	}
}
