// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which context is current, L1 or L2, and who gets an exit or an event of L2:
 * L1, through the nested ISA, or L0's own handlers.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/nospec-branch.h>
#include "../core.h"
#include "../trace.h"
#include "nested.h"

/**
 * nst_nested_create() - prepare a vCPU for nesting
 * @vcpu: the vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int nst_nested_create(struct nst_vcpu *vcpu)
{
	if (!nst_param_nested)
		return 0;
	vcpu->nested = kzalloc(sizeof(*vcpu->nested), GFP_KERNEL_ACCOUNT);
	return vcpu->nested ? 0 : -ENOMEM;
}

/**
 * nst_nested_destroy() - undo nst_nested_create()
 * @vcpu: the vCPU, which will not run again
 */
void nst_nested_destroy(struct nst_vcpu *vcpu)
{
	if (nst_isa(vcpu))
		nst_isa(vcpu)->destroy(vcpu);
	if (vcpu->nested)
		kfree(vcpu->nested->evmcs);
	kfree(vcpu->nested);
	vcpu->nested = NULL;
}

/* A CPU has one of them: of both, the software of an AMD CPU asks for SVM first. */
static const struct nst_isa *nst_choose_isa(const struct nst_vcpu *vcpu)
{
	bool vmx = nst_guest_has(vcpu, NST_GCAP_VMX);

	if (nst_guest_has(vcpu, NST_GCAP_SVM) && (!vmx || nst_guest_has(vcpu, NST_GCAP_AMD)))
		return &nsvm_isa;
	return vmx ? &nvmx_isa : NULL;
}

/* The instructions of the other vendor's ISA are undefined on the CPU below. */
static void nst_intercept_foreign(struct nst_vcpu *vcpu, bool on)
{
	struct nst_ctl *ctl = nst_own_ctl(vcpu);

	ctl->exceptions &= ~BIT(X86_TRAP_UD);
	/* The other vendor's hypercall instruction is looked for, too. */
	if (on || nst_quirk(vcpu->vm, KVM_X86_QUIRK_FIX_HYPERCALL_INSN))
		ctl->exceptions |= BIT(X86_TRAP_UD);
	nst_ctl_changed(vcpu, NST_CTL_TRAPS);
}

/**
 * nst_nested_cpuid_changed() - give a vCPU the nested ISA of its CPUID
 * @vcpu: loaded vCPU, L1 current; it has not run yet, or its CPUID is what it was
 *
 * Return: 0 or -ENOMEM: then it has none.
 */
int nst_nested_cpuid_changed(struct nst_vcpu *vcpu)
{
	struct nst_nested *nested = vcpu->nested;
	const struct nst_isa *isa;
	int ret;

	if (!nested)
		return 0;
	isa = nst_choose_isa(vcpu);
	/* The same table again, after it has run; before that its features may differ. */
	if (isa == nested->isa && (!isa || vcpu->stat.entries || vcpu->stat.soft))
		return 0;
	if (nested->isa) {
		nested->isa->leave(vcpu);
		nested->isa->destroy(vcpu);
	}
	nested->isa = NULL;
	nst_intercept_foreign(vcpu, isa && strcmp(isa->name, nst_backend->name));
	if (!isa)
		return 0;
	ret = isa->create(vcpu);
	if (!ret)
		nested->isa = isa;
	return ret;
}

/**
 * nst_nested_reset() - RESET or INIT: L1 is current, nothing nested goes on
 * @vcpu: loaded vCPU; all registers are about to be set
 */
void nst_nested_reset(struct nst_vcpu *vcpu)
{
	if (nst_isa(vcpu))
		nst_isa(vcpu)->leave(vcpu);
}

/* ---- the switch ---- */

/**
 * nst_own_ctl() - the controls that L0 wants for L1
 * @vcpu: the vCPU
 *
 * Whoever changes a field calls nst_ctl_changed() next.
 *
 * Return: the controls; while L2 is current, what runs is made from them.
 */
struct nst_ctl *nst_own_ctl(struct nst_vcpu *vcpu)
{
	return nst_in_l2(vcpu) ? &vcpu->nested->l1_ctl : &vcpu->ctl;
}

/**
 * nst_ctl_changed() - bring L0's own controls into force
 * @vcpu: the vCPU
 * @what: NST_CTL_*
 *
 * Any context of the vCPU's own thread.
 */
void nst_ctl_changed(struct nst_vcpu *vcpu, u32 what)
{
	nst_nested_merge(vcpu);
	vcpu->ctl.dirty |= what;
}

/**
 * nst_nested_merge() - see nested.h
 * @vcpu: the vCPU
 */
void nst_nested_merge(struct nst_vcpu *vcpu)
{
	struct nst_ctl *ctl = &vcpu->ctl;
	const struct nst_ctl *own;
	u32 dirty = ctl->dirty;
	nst_hpa_t root = ctl->root;
	u8 root_level = ctl->root_level;

	if (!nst_in_l2(vcpu))
		return;
	own = &vcpu->nested->l1_ctl;
	*ctl = *own;
	/* The MMU's. */
	ctl->root = root;
	ctl->root_level = root_level;
	ctl->tag = NST_TAG_L2;
	/* L1's permission maps are asked by software. */
	ctl->traps |= NST_TRAP_MSR | NST_TRAP_IO;
	ctl->vmcs_shadow = false;
	ctl->cr0_owned = 0;
	ctl->cr4_owned = 0;
	vcpu->nested->isa->merge(vcpu, ctl);
	ctl->dirty = dirty | NST_CTL_TRAPS | NST_CTL_TSC | NST_CTL_MSRS;
}

/* The emulator's view: it has filled vcpu->exit. */
static bool nst_l1_wants(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	return nst_isa(vcpu)->wants(vcpu, exit);
}

static enum nst_next nst_l1_exit(struct nst_vcpu *vcpu)
{
	struct nst_exit exit = vcpu->exit;

	return nst_isa(vcpu)->reflect(vcpu, &exit);
}

static enum nst_l1_access nst_l1_access(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf, u32 len,
					u8 how)
{
	const struct nst_isa *isa = nst_isa(vcpu);

	return isa->access ? isa->access(vcpu, gpa, buf, len, how) : NST_L1_MEMORY;
}

static bool nst_l1_log(struct nst_vcpu *vcpu, u64 l2gpa)
{
	return !nst_isa(vcpu)->log || nst_isa(vcpu)->log(vcpu, l2gpa);
}

static const struct nst_l1_ops nst_l1_ops = {
	.log = nst_l1_log,
	.wants = nst_l1_wants,
	.exit = nst_l1_exit,
	.access = nst_l1_access,
};

static void nst_nested_to_l1_ctl(struct nst_vcpu *vcpu)
{
	nst_hpa_t root = vcpu->ctl.root;
	u8 root_level = vcpu->ctl.root_level;

	vcpu->ctl = vcpu->nested->l1_ctl;
	vcpu->ctl.root = root;
	vcpu->ctl.root_level = root_level;
}

/**
 * nst_nested_switch() - see nested.h
 * @vcpu: loaded vCPU
 * @to_l2: L2, else L1
 */
void nst_nested_switch(struct nst_vcpu *vcpu, bool to_l2)
{
	struct nst_nested *nested = vcpu->nested;

	if (nested->in_l2 == to_l2)
		return;
	preempt_disable();
	nst_pull(vcpu, NST_STATE_ALL);
	vcpu->dirty = NST_STATE_ALL;
	vcpu->l1 = to_l2 ? &nst_l1_ops : NULL;
	if (to_l2) {
		nested->l1 = vcpu->st;
		nested->l1_ctl = vcpu->ctl;
		nested->in_l2 = true;
		nst_nested_merge(vcpu);
	} else {
		nested->in_l2 = false;
		nested->ud_insn = false;
		nested->changed = false;
		memset(&nested->step, 0, sizeof(nested->step));
		nested->exception.pending = false;
		nst_nested_to_l1_ctl(vcpu);
		/* CVE-2022-2196: to an L1 with IBRS, L2 is a user as any other. */
		if (nst_guest_has(vcpu, NST_GCAP_SPEC_CTRL))
			indirect_branch_prediction_barrier();
	}
	vcpu->ctl.dirty = NST_CTL_ALL;
	nested->switches++;
	preempt_enable();
	nst_request(vcpu, NST_REQ_EVENT);
}

/* ---- exits ---- */

/* What is the host's own, or the MMU's to look at first. */
static bool nst_is_l0_exit(const struct nst_exit *exit)
{
	switch (exit->kind) {
	case NST_EXIT_NONE:
	case NST_EXIT_HOST_IRQ:
	case NST_EXIT_HOST_NMI:
	case NST_EXIT_UNKNOWN:
	/* L1's second stage may refuse it: nst_nested_stage2_exit() then. */
	case NST_EXIT_TDP_FAULT:
	case NST_EXIT_TDP_MISCONFIG:
		return true;
	case NST_EXIT_EXCEPTION:
		/* A shadow table's own miss comes back when it was L2's fault. */
		return exit->exception.vector == X86_TRAP_MC ||
		       (exit->exception.vector == X86_TRAP_PF && !nst_caps.tdp);
	default:
		return false;
	}
}

/**
 * nst_nested_exit() - see nested.h
 * @vcpu: loaded vCPU, L2 current
 * @next: what to do next, when taken
 *
 * Return: true when it was taken.
 */
bool nst_nested_exit(struct nst_vcpu *vcpu, enum nst_next *next)
{
	const struct nst_isa *isa = nst_isa(vcpu);
	struct nst_exit exit = vcpu->exit;

	if (exit.kind == NST_EXIT_RDTSC && isa->tsc_due && isa->tsc_due(vcpu)) {
		nst_request(vcpu, NST_REQ_EVENT);
		*next = NST_ENTER;
		return true;
	}
	if (nst_is_l0_exit(&exit) || !isa->wants(vcpu, &exit))
		return false;
	*next = isa->reflect(vcpu, &exit);
	return true;
}

/**
 * nst_nested_intercept() - see nested.h
 * @vcpu: loaded vCPU
 * @exit: what, as hardware would report it
 *
 * Return: true when L1 wants it; L1 is then current.
 */
bool nst_nested_intercept(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	if (!nst_in_l2(vcpu) || !nst_isa(vcpu)->wants(vcpu, exit))
		return false;
	/* Its result is always to go on in L1. */
	nst_isa(vcpu)->reflect(vcpu, exit);
	return true;
}

/**
 * nst_nested_stage2_exit() - L1's second stage refused an access of L2
 * @vcpu: loaded vCPU, L2 current; nst_mmu_stage2_fault() says how
 *
 * Return: what to do next, in L1.
 */
enum nst_next nst_nested_stage2_exit(struct nst_vcpu *vcpu)
{
	const struct nst_exit exit = { .kind = NST_EXIT_TDP_FAULT };

	return nst_isa(vcpu)->reflect(vcpu, &exit);
}

/**
 * nst_nested_insn() - an instruction of VMX or SVM
 * @vcpu: loaded vCPU
 *
 * Return: what to do next; #UD when the guest's CPU has no such instruction.
 */
enum nst_next nst_nested_insn(struct nst_vcpu *vcpu)
{
	const struct nst_isa *isa = nst_isa(vcpu);

	if (isa)
		return isa->insn(vcpu);
	nst_raise(vcpu, X86_TRAP_UD);
	return NST_ENTER;
}

/* ---- events ---- */

/**
 * nst_nested_wants_exception() - does L1 want an exception that software raises?
 * @vcpu: loaded vCPU
 * @vector: X86_TRAP_*
 * @has_error: @error_code counts
 * @error_code: the error code
 * @payload: CR2 or DR6 bits
 *
 * If so it is kept, and makes L2 exit before the next entry.
 *
 * Return: true: it is dealt with.
 */
bool nst_nested_wants_exception(struct nst_vcpu *vcpu, u8 vector, bool has_error,
				u32 error_code, u64 payload)
{
	struct nst_exit exit = {
		.kind = NST_EXIT_EXCEPTION,
		.exception = {
			.vector = vector, .has_error = has_error,
			.error_code = error_code, .payload = payload,
		},
	};

	if (!nst_in_l2(vcpu) || !nst_isa(vcpu)->wants(vcpu, &exit))
		return false;
	vcpu->nested->exception.exit = exit;
	vcpu->nested->exception.pending = true;
	nst_request(vcpu, NST_REQ_EVENT);
	return true;
}

/**
 * nst_nested_verdict() - may an event be delivered to the current context?
 * @vcpu: loaded vCPU
 * @kind: NST_EXIT_HOST_IRQ, _HOST_NMI, _INIT or _SMI
 *
 * Return: the ISA's verdict; NST_DELIVER without nesting.
 */
enum nst_verdict nst_nested_verdict(struct nst_vcpu *vcpu, enum nst_exit_kind kind)
{
	const struct nst_isa *isa = nst_isa(vcpu);

	return isa ? isa->verdict(vcpu, kind) : NST_DELIVER;
}

/**
 * nst_nested_sipi() - an INIT or a start-up message comes: does L2 wait for that?
 * @vcpu: loaded vCPU
 * @next: what to do next, when it does
 *
 * An L2 that waits for a start-up message has had its INIT: another is lost.
 *
 * Return: true when it waits.
 */
bool nst_nested_sipi(struct nst_vcpu *vcpu, enum nst_next *next)
{
	struct nst_exit exit = { .kind = NST_EXIT_SIPI };
	int vector;

	if (!nst_in_l2(vcpu) || !nst_isa(vcpu)->waits_for_sipi ||
	    !nst_isa(vcpu)->waits_for_sipi(vcpu))
		return false;
	*next = NST_ENTER;
	nst_take_init(vcpu);
	vector = nst_take_sipi(vcpu);
	if (vector < 0)
		return true;
	exit.sipi.vector = vector;
	*next = nst_isa(vcpu)->reflect(vcpu, &exit);
	return true;
}

/**
 * nst_nested_ack_irq() - see nested.h
 * @vcpu: loaded vCPU
 *
 * Return: the vector, -1 for none.
 */
int nst_nested_ack_irq(struct nst_vcpu *vcpu)
{
	return nst_take_irq(vcpu);
}

/**
 * nst_nested_eoi() - see nested.h
 * @vcpu: loaded vCPU, after nst_nested_ack_irq()
 */
void nst_nested_eoi(struct nst_vcpu *vcpu)
{
	nst_end_irq(vcpu);
}

/**
 * nst_nested_take_nmi() - an NMI was delivered as an exit
 * @vcpu: loaded vCPU
 */
void nst_nested_take_nmi(struct nst_vcpu *vcpu)
{
	if (vcpu->ev.nmi.pending)
		vcpu->ev.nmi.pending--;
}

/**
 * nst_nested_take_init() - an INIT was delivered as an exit
 * @vcpu: loaded vCPU
 */
void nst_nested_take_init(struct nst_vcpu *vcpu)
{
	nst_take_init(vcpu);
}

/**
 * nst_nested_settle() - KVM_RUN is about to return
 * @vcpu: loaded vCPU, irqs on, may sleep
 *
 * An exception that waits for L1 is in no state that userspace can save, so it
 * makes L2 exit now.
 */
void nst_nested_settle(struct nst_vcpu *vcpu)
{
	struct nst_exit exit;

	if (!nst_in_l2(vcpu))
		return;
	if (!vcpu->nested->exception.pending) {
		if (nst_isa(vcpu)->settle)
			nst_isa(vcpu)->settle(vcpu);
		return;
	}
	exit = vcpu->nested->exception.exit;
	vcpu->nested->exception.pending = false;
	/* Its result is always to go on in L1. */
	nst_isa(vcpu)->reflect(vcpu, &exit);
}

static enum nst_next nst_nested_reflect_event(struct nst_vcpu *vcpu, enum nst_exit_kind kind)
{
	struct nst_exit exit = { .kind = kind };

	return nst_isa(vcpu)->reflect(vcpu, &exit);
}

/* An exception that software raised in L2 and L1 wants, if there is one. */
static enum nst_next nst_nested_reflect_exception(struct nst_vcpu *vcpu)
{
	struct nst_exit exit;

	if (!nst_in_l2(vcpu) || !vcpu->nested->exception.pending)
		return NST_ENTER;
	exit = vcpu->nested->exception.exit;
	vcpu->nested->exception.pending = false;
	return nst_isa(vcpu)->reflect(vcpu, &exit);
}

/*
 * An exception that is pending, and whose delivery has not begun: what is raised here
 * asked L1 already, what userspace made pending has not.
 */
static bool nst_nested_pending_is_l1s(struct nst_vcpu *vcpu)
{
	const typeof(vcpu->ev.exception) *exc = &vcpu->ev.exception;
	const struct nst_exit exit = {
		.kind = NST_EXIT_EXCEPTION,
		.exception = {
			.vector = exc->vector, .has_error = exc->has_error,
			.error_code = exc->error_code, .payload = exc->payload,
		},
	};

	if (!exc->pending || exc->injected || !nst_isa(vcpu)->wants(vcpu, &exit))
		return false;
	vcpu->nested->exception.exit = exit;
	vcpu->nested->exception.pending = true;
	memset(&vcpu->ev.exception, 0, sizeof(vcpu->ev.exception));
	return true;
}

/*
 * An interrupt for L2 that L2's own state masks: L1 injected it, or means physical
 * ones to go by its own RFLAGS.IF.  Where hardware refuses that (SDM3 "Checks on
 * Guest RIP, RFLAGS, and SSP"), software delivers it.
 */
static enum nst_next nst_nested_deliver_masked(struct nst_vcpu *vcpu)
{
	const struct nst_events *ev = &vcpu->ev;
	const struct nst_event event = { .type = NST_EVENT_EXTINT, .vector = ev->irq.vector };
	enum nst_next next;

	if (!nst_caps.irq_needs_if || nst_irq_unmasked(vcpu) || ev->exception.injected ||
	    ev->exception.pending || ev->nmi.injected || !ev->irq.injected || ev->irq.soft)
		return NST_ENTER;
	next = nst_insn_deliver(vcpu, &event);
	/* What went wrong on the way may be L1's. */
	return next == NST_ENTER ? nst_nested_reflect_exception(vcpu) : next;
}

static enum nst_next nst_nested_force_irq(struct nst_vcpu *vcpu)
{
	struct nst_event event = { .type = NST_EVENT_EXTINT };
	int vector;

	if (nst_nested_verdict(vcpu, NST_EXIT_HOST_IRQ) != NST_FORCE ||
	    !nst_irqs_allowed(vcpu))
		return NST_ENTER;
	vector = nst_nested_ack_irq(vcpu);
	if (vector < 0)
		return NST_ENTER;
	event.vector = vector;
	nst_nested_inject(vcpu, &event);
	return nst_nested_deliver_masked(vcpu);
}

/**
 * nst_nested_events() - let events that L1 wants make L2 exit
 * @vcpu: loaded vCPU, irqs on, may sleep
 *
 * Before the entry is prepared.  An event under delivery goes first: then only
 * an exit right after it is arranged, see nst_inject_pending().
 *
 * Return: NST_ENTER to go on, in whatever context is current then.
 */
enum nst_next nst_nested_events(struct nst_vcpu *vcpu)
{
	const struct nst_isa *isa = nst_isa(vcpu);
	enum nst_next next = NST_ENTER;

	if (!nst_in_l2(vcpu))
		return NST_ENTER;
	if (vcpu->nested->exception.pending || nst_nested_pending_is_l1s(vcpu))
		return nst_nested_reflect_exception(vcpu);
	if (nst_event_committed(vcpu))
		return nst_nested_deliver_masked(vcpu);
	if (isa->events)
		next = isa->events(vcpu);
	if (next != NST_ENTER || !nst_in_l2(vcpu))
		return next;
	if (nst_event_committed(vcpu))
		return nst_nested_deliver_masked(vcpu);
	if (vcpu->ev.nmi.pending && isa->verdict(vcpu, NST_EXIT_HOST_NMI) == NST_REFLECT)
		return nst_nested_reflect_event(vcpu, NST_EXIT_HOST_NMI);
	if (nst_pending_irq(vcpu) >= 0 && isa->verdict(vcpu, NST_EXIT_HOST_IRQ) == NST_REFLECT)
		return nst_nested_reflect_event(vcpu, NST_EXIT_HOST_IRQ);
	return nst_nested_force_irq(vcpu);
}

/**
 * nst_nested_notice() - L2 is halted: does something wait that is no event?
 * @vcpu: loaded vCPU, may sleep
 */
void nst_nested_notice(struct nst_vcpu *vcpu)
{
	if (nst_in_l2(vcpu) && nst_isa(vcpu)->notice)
		nst_isa(vcpu)->notice(vcpu);
}

/**
 * nst_nested_inject() - see nested.h
 * @vcpu: loaded vCPU
 * @event: the event
 */
void nst_nested_inject(struct nst_vcpu *vcpu, const struct nst_event *event)
{
	bool nmi_blocked = vcpu->st.nmi_blocked;

	if (event->type == NST_EVENT_NONE)
		return;
	nst_event_interrupted(vcpu, event);
	/* Not one that comes again: what blocks NMIs stays as it is. */
	if (nmi_blocked && event->type == NST_EVENT_NMI)
		vcpu->st.nmi_blocked = true;
}

/**
 * nst_nested_interrupted() - see nested.h
 * @vcpu: loaded vCPU, L2 current
 * @event: filled
 */
void nst_nested_interrupted(struct nst_vcpu *vcpu, struct nst_event *event)
{
	struct nst_events *ev = &vcpu->ev;

	*event = (struct nst_event){ .type = NST_EVENT_NONE };
	if (ev->exception.injected)
		*event = (struct nst_event){
			.type = nst_exception_type(ev),
			.vector = ev->exception.vector,
			.has_error = ev->exception.has_error,
			.error_code = ev->exception.error_code,
			.insn_len = ev->exception.insn_len,
		};
	else if (ev->nmi.injected)
		*event = (struct nst_event){ .type = NST_EVENT_NMI, .vector = X86_TRAP_NMI };
	else if (ev->irq.injected)
		*event = (struct nst_event){
			.type = ev->irq.soft ? NST_EVENT_SOFT_INT : NST_EVENT_EXTINT,
			.vector = ev->irq.vector,
			.insn_len = ev->irq.insn_len,
		};
	memset(&ev->exception, 0, sizeof(ev->exception));
	ev->nmi.injected = false;
	memset(&ev->irq, 0, sizeof(ev->irq));
}

/* ---- registers that mean something else in L2, or allow less ---- */

/**
 * nst_nested_get_cr8() - CR8 of L2 when the ISA keeps it
 * @vcpu: loaded vCPU
 * @val: result
 *
 * Return: false: it is the local APIC's.
 */
bool nst_nested_get_cr8(struct nst_vcpu *vcpu, u64 *val)
{
	return nst_in_l2(vcpu) && nst_isa(vcpu)->get_cr8 && nst_isa(vcpu)->get_cr8(vcpu, val);
}

/**
 * nst_nested_set_cr8() - the same for a write
 * @vcpu: loaded vCPU
 * @val: 0 to 15
 *
 * Return: false: it is the local APIC's.
 */
bool nst_nested_set_cr8(struct nst_vcpu *vcpu, u64 val)
{
	return nst_in_l2(vcpu) && nst_isa(vcpu)->set_cr8 && nst_isa(vcpu)->set_cr8(vcpu, val);
}

/**
 * nst_nested_tpr_threshold() - below which CR8 of L2 an exit is needed
 * @vcpu: loaded vCPU
 *
 * Return: the class, 0 for none.
 */
u8 nst_nested_tpr_threshold(struct nst_vcpu *vcpu)
{
	const struct nst_isa *isa = nst_isa(vcpu);

	return nst_in_l2(vcpu) && isa->tpr_threshold ? isa->tpr_threshold(vcpu) : 0;
}

/**
 * nst_nested_registers_set() - userspace has set registers
 * @vcpu: loaded vCPU
 *
 * If they are L2's, the ISA may have to say whether a CPU could have them.
 */
void nst_nested_registers_set(struct nst_vcpu *vcpu)
{
	if (nst_in_l2(vcpu))
		vcpu->nested->changed = true;
}

/**
 * nst_nested_msr() - an MSR of L2 that the ISA keeps
 * @vcpu: loaded vCPU; L1 does not intercept it
 * @index: which
 * @write: WRMSR
 * @val: value, or result
 *
 * Return: 0 when it is done, -EINVAL for #GP, -ENOENT for an ordinary MSR.
 */
int nst_nested_msr(struct nst_vcpu *vcpu, u32 index, bool write, u64 *val)
{
	const struct nst_isa *isa = nst_isa(vcpu);

	return nst_in_l2(vcpu) && isa->msr ? isa->msr(vcpu, index, write, val) : -ENOENT;
}

/**
 * nst_nested_cr_allowed() - does the ISA allow this value of CR0 or CR4?
 * @vcpu: loaded vCPU
 * @cr: 0 or 4
 * @val: the new value
 *
 * Return: false for #GP(0).
 */
bool nst_nested_cr_allowed(struct nst_vcpu *vcpu, int cr, u64 val)
{
	const struct nst_isa *isa = nst_isa(vcpu);

	/* What VMX fixes is not fixed in SMM: SDM3 "Default Treatment of SMI Delivery". */
	if (vcpu->smm.in)
		return true;
	return !isa || !isa->cr_allowed || isa->cr_allowed(vcpu, cr, val);
}

/**
 * nst_nested_efer_allowed() - the same for EFER
 * @vcpu: loaded vCPU
 * @val: the new value
 *
 * Return: false for #GP(0).
 */
bool nst_nested_efer_allowed(struct nst_vcpu *vcpu, u64 val)
{
	const struct nst_isa *isa = nst_isa(vcpu);

	return !isa || !isa->efer_allowed || isa->efer_allowed(vcpu, val);
}
