// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts and NMIs between L0, L1 and L2: GIF, V_INTR_MASKING, and the
 * virtual interrupt that L1 makes pending in L2.
 * APM2 "Global Interrupt Flag", "Interrupt Masking in EFLAGS.IF", "Virtual
 * Interrupts".
 */
#include "../nestor.h"
#include "../core.h"
#include "nsvm.h"

static bool nsvm_masking(const struct nsvm *nsvm)
{
	return nsvm->v.int_ctl & V_INTR_MASKING_MASK;
}

static enum nst_verdict nsvm_verdict_irq(struct nst_vcpu *vcpu, const struct nsvm *nsvm)
{
	bool wanted = nsvm_intercepts(&nsvm->v, INTERCEPT_INTR);

	if (nsvm_masking(nsvm)) {
		if (!(vcpu->nested->l1.rflags & X86_EFLAGS_IF))
			return NST_HOLD;
		return wanted ? NST_REFLECT : NST_FORCE;
	}
	/* L2's own IF masks it: until then it waits like one for L2. */
	if (!wanted || !(vcpu->st.rflags & X86_EFLAGS_IF))
		return NST_DELIVER;
	return NST_REFLECT;
}

/* Something waits for L1's STGI, which then has to exit. */
static void nsvm_await_gif(struct nst_vcpu *vcpu)
{
	struct nst_ctl *ctl = nst_own_ctl(vcpu);

	if (!ctl->own_gif || ctl->gif_window)
		return;
	ctl->gif_window = true;
	nst_ctl_changed(vcpu, NST_CTL_TRAPS);
}

/**
 * nsvm_verdict() - nst_isa.verdict
 * @vcpu: loaded vCPU
 * @kind: NST_EXIT_HOST_IRQ, _HOST_NMI, _INIT or _SMI
 *
 * Return: what to do with such an event now.
 */
enum nst_verdict nsvm_verdict(struct nst_vcpu *vcpu, enum nst_exit_kind kind)
{
	const struct nsvm *nsvm = to_nsvm(vcpu);

	if (!vcpu->st.gif) {
		nsvm_await_gif(vcpu);
		return NST_HOLD;
	}
	if (!nst_in_l2(vcpu))
		return NST_DELIVER;
	switch (kind) {
	case NST_EXIT_HOST_IRQ:
		return nsvm_verdict_irq(vcpu, nsvm);
	case NST_EXIT_HOST_NMI:
		if (vcpu->nested->l1.nmi_blocked)
			return NST_HOLD;
		return nsvm_intercepts(&nsvm->v, INTERCEPT_NMI) ? NST_REFLECT : NST_DELIVER;
	case NST_EXIT_SMI:
		return nsvm_intercepts(&nsvm->v, INTERCEPT_SMI) ? NST_REFLECT : NST_DELIVER;
	default:
		return nsvm_intercepts(&nsvm->v, INTERCEPT_INIT) ? NST_REFLECT : NST_DELIVER;
	}
}

/* ---- V_IRQ ---- */

/* APM2 "Virtual GIF": L2's own GIF masks virtual interrupts. */
static bool nsvm_vgif_closed(const struct nsvm *nsvm)
{
	return (nsvm->v.int_ctl & NSVM_INT_CTL_VGIF) == (u32)V_GIF_ENABLE_MASK;
}

static bool nsvm_virq_beats_tpr(const struct nsvm *nsvm)
{
	u32 int_ctl = nsvm->v.int_ctl;

	if (!(int_ctl & V_IRQ_MASK) || nsvm_vgif_closed(nsvm))
		return false;
	if (int_ctl & V_IGN_TPR_MASK)
		return true;
	return (int_ctl & V_INTR_PRIO_MASK) >> V_INTR_PRIO_SHIFT > (int_ctl & V_TPR_MASK);
}

/**
 * nsvm_windows() - nst_isa.windows
 * @vcpu: loaded vCPU, L2 current
 *
 * Return: NST_WINDOW_IRQ while a virtual interrupt waits for L2's IF.
 */
u32 nsvm_windows(struct nst_vcpu *vcpu)
{
	return nsvm_virq_beats_tpr(to_nsvm(vcpu)) ? NST_WINDOW_IRQ : 0;
}

/**
 * nsvm_wakes() - nst_isa.wakes
 * @vcpu: the vCPU, L2 current and halted
 *
 * Return: true when a virtual interrupt can be delivered.
 */
bool nsvm_wakes(struct nst_vcpu *vcpu)
{
	return nsvm_virq_beats_tpr(to_nsvm(vcpu)) && (vcpu->st.rflags & X86_EFLAGS_IF);
}

/**
 * nsvm_events() - nst_isa.events: the virtual interrupt
 * @vcpu: loaded vCPU, L2 current, no event under delivery
 *
 * Physical interrupts come first.
 *
 * Return: NST_ENTER.
 */
enum nst_next nsvm_events(struct nst_vcpu *vcpu)
{
	struct nsvm *nsvm = to_nsvm(vcpu);
	struct nst_exit exit = { .kind = NST_EXIT_VIRTUAL_IRQ };
	struct nst_event event = { .type = NST_EVENT_EXTINT, .vector = nsvm->v.int_vector };

	if (!nsvm_wakes(vcpu) || vcpu->st.sti_shadow || vcpu->st.movss_shadow)
		return NST_ENTER;
	if (nst_pending_irq(vcpu) >= 0 &&
	    nsvm_verdict(vcpu, NST_EXIT_HOST_IRQ) != NST_HOLD)
		return NST_ENTER;
	if (nsvm_wants(vcpu, &exit))
		return nsvm_reflect(vcpu, &exit);
	nsvm->v.int_ctl &= ~V_IRQ_MASK;
	nst_nested_merge(vcpu);
	nst_nested_inject(vcpu, &event);
	return NST_ENTER;
}

/**
 * nsvm_get_cr8() - nst_isa.get_cr8
 * @vcpu: loaded vCPU, L2 current
 * @val: result
 *
 * Return: true when V_TPR is what L2 sees.
 */
bool nsvm_get_cr8(struct nst_vcpu *vcpu, u64 *val)
{
	*val = to_nsvm(vcpu)->v.int_ctl & V_TPR_MASK;
	return nsvm_masking(to_nsvm(vcpu));
}

/**
 * nsvm_set_cr8() - nst_isa.set_cr8
 * @vcpu: loaded vCPU, L2 current
 * @val: 0 to 15
 *
 * Return: as nsvm_get_cr8().
 */
bool nsvm_set_cr8(struct nst_vcpu *vcpu, u64 val)
{
	struct nsvm *nsvm = to_nsvm(vcpu);

	if (!nsvm_masking(nsvm))
		return false;
	nsvm->v.int_ctl = (nsvm->v.int_ctl & ~V_TPR_MASK) | (val & V_TPR_MASK);
	return true;
}
