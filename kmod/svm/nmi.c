// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMI blocking.  SVM without virtual NMIs does not know that an NMI handler
 * runs, so we do: an injected NMI masks further ones, and IRET, which ends the
 * masking when it completes, is intercepted meanwhile.  The intercept comes
 * before the IRET; when somebody waits for the window, the guest makes one
 * step with RFLAGS.TF to get behind it.
 * APM2 "Injecting NMIs", "IRET Intercept".
 *
 * DEVIATION: if that IRET itself faults, the guest's handler finds our TF in
 * the RFLAGS image on its stack.
 */
#include "../nestor.h"
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include "svm.h"

/**
 * svm_nmi_set_masked() - set NMI blocking
 * @svm: the vCPU, not running
 * @masked: an NMI handler runs
 */
void svm_nmi_set_masked(struct svm_vcpu *svm, bool masked)
{
	if (svm->nmi.masked == masked)
		return;
	svm->nmi.masked = masked;
	svm->nmi.at_iret = false;
	svm_update_intercepts(svm);
}

/**
 * svm_nmi_window() - nst_backend.nmi_window
 * @vcpu: loaded vCPU
 * @on: exit as soon as an NMI is possible
 */
void svm_nmi_window(struct nst_vcpu *vcpu, bool on)
{
	to_svm(vcpu)->nmi_window = on;
}

static void svm_nmi_step(struct svm_vcpu *svm)
{
	struct vmcb_save_area *save = &svm->vmcb->save;

	svm->nmi.stepping = true;
	svm->nmi.guest_tf = save->rflags & X86_EFLAGS_TF;
	svm->nmi.guest_bs = save->dr6 & DR_STEP;
	save->rflags |= X86_EFLAGS_TF;
}

/**
 * svm_nmi_before_entry() - arrange for the exit that a waiting NMI needs
 * @svm: loaded vCPU, irqs off
 */
void svm_nmi_before_entry(struct svm_vcpu *svm)
{
	svm->nmi.stepping = false;
	if (!svm->nmi_window)
		return;
	/* The handler runs: its IRET exits. */
	if (svm->nmi.masked && !svm->nmi.at_iret)
		return;
	if (svm->inject.type != NST_EVENT_NONE) {
		/* TF would go onto the guest's stack with the event. */
		irq_work_queue(&svm->exit_soon);
		return;
	}
	/* Behind the IRET, or behind the instruction in the interrupt shadow. */
	svm_nmi_step(svm);
}

/* IRET reads a new RIP and RSP: one of them differs unless it did not run. */
static bool svm_nmi_iret_done(const struct svm_vcpu *svm)
{
	return svm->vmcb->save.rip != svm->nmi.iret_rip ||
	       svm->vmcb->save.rsp != svm->nmi.iret_rsp;
}

/**
 * svm_nmi_after_exit() - take back TF, and see whether the IRET has run
 * @svm: loaded vCPU, irqs off, just exited
 *
 * Must run before RFLAGS is pulled.
 */
void svm_nmi_after_exit(struct svm_vcpu *svm)
{
	struct vmcb *vmcb = svm->vmcb;
	bool stepped = vmcb->control.exit_code == SVM_EXIT_EXCP_BASE + X86_TRAP_DB;
	bool iret_done = svm->nmi.at_iret && (svm_nmi_iret_done(svm) || stepped);

	/* After the IRET, RFLAGS are those that the guest popped. */
	if (svm->nmi.stepping && !svm->nmi.guest_tf && !iret_done)
		vmcb->save.rflags &= ~(u64)X86_EFLAGS_TF;
	if (iret_done)
		svm_nmi_set_masked(svm, false);
}

/**
 * svm_nmi_iret() - the guest is about to execute IRET in an NMI handler
 * @svm: loaded vCPU, just exited with SVM_EXIT_IRET
 */
void svm_nmi_iret(struct svm_vcpu *svm)
{
	svm->nmi.at_iret = true;
	svm->nmi.iret_rip = svm->vmcb->save.rip;
	svm->nmi.iret_rsp = svm->vmcb->save.rsp;
	svm_update_intercepts(svm);
}

/**
 * svm_nmi_step_done() - was this #DB nothing but our own single step
 * @svm: loaded vCPU, just exited with #DB
 *
 * Return: true when the guest must not see it.
 */
bool svm_nmi_step_done(struct svm_vcpu *svm)
{
	struct vmcb_save_area *save = &svm->vmcb->save;
	bool ours = svm->nmi.stepping && (save->dr6 & DR_STEP) && !svm->nmi.guest_tf;

	if (!ours)
		return false;
	if (!svm->nmi.guest_bs) {
		save->dr6 &= ~(u64)DR_STEP;
		svm_dirty(svm, SVM_CLEAN_DR);
	}
	/* A breakpoint hit at the same instruction is still the guest's. */
	return !(save->dr6 & DR_TRAP_BITS);
}
