// SPDX-License-Identifier: GPL-2.0-only
/*
 * One world switch, from a prepared VMCB to a decoded exit.  The registers
 * change in switch.S; here is what goes before and after it.
 */
#include "../nestor.h"
#include <linux/build_bug.h>
#include <linux/jiffies.h>
#include <linux/ratelimit.h>
#include <linux/stddef.h>
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>
#include "../compat.h"
#include "svm.h"
#include "switch.h"

static_assert(offsetof(struct svm_switch, guest_pa) == SW_GUEST_PA);
static_assert(offsetof(struct svm_switch, host_pa) == SW_HOST_PA);
static_assert(offsetof(struct svm_switch, gprs) == SW_GPRS);
static_assert(offsetof(struct svm_switch, guest_spec) == SW_GUEST_SPEC);
static_assert(offsetof(struct svm_switch, host_spec) == SW_HOST_SPEC);
static_assert(offsetof(struct svm_switch, swap_spec) == SW_SWAP_SPEC);
static_assert(NST_RCX * sizeof(u64) == SW_RCX && NST_RDX * sizeof(u64) == SW_RDX);
static_assert(NST_RBX * sizeof(u64) == SW_RBX && NST_RBP * sizeof(u64) == SW_RBP);
static_assert(NST_RSI * sizeof(u64) == SW_RSI && NST_RDI * sizeof(u64) == SW_RDI);
static_assert(NST_R8 * sizeof(u64) == SW_R8 && NST_R15 * sizeof(u64) == SW_R15);

/*
 * SPEC_CTRL is exchanged by the world switch where the MSR exists and the VMCB
 * has no field for it: the host's setting must not rule the guest, nor the
 * guest's the host.
 */
static void svm_prepare_switch(struct svm_vcpu *svm, struct svm_switch *sw)
{
	sw->guest_pa = svm->vmcb_pa;
	sw->host_pa = this_cpu_read(svm_cpu.host_vmcb_pa);
	sw->gprs = svm->vcpu->st.gpr;
	sw->swap_spec = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) && !svm_has(SVM_F_SPEC_CTRL);
	if (sw->swap_spec) {
		sw->guest_spec = svm->vcpu->st.spec_ctrl;
		sw->host_spec = this_cpu_read(x86_spec_ctrl_current);
	}
}

static void svm_after_switch(struct svm_vcpu *svm, const struct svm_switch *sw)
{
	nst_compat_guest_ran();
	if (sw->swap_spec && svm->spec_ctrl_direct)
		svm->vcpu->st.spec_ctrl = sw->guest_spec;
	svm->clean = SVM_CLEAN_ALL;
}

/*
 * The guest did not run.  A refusing CPU leaves the save area as it was, but
 * some emulators store the host's state in it, which nobody shall see: then
 * the state that was pushed last has to do for what is only in the VMCB.
 */
static void svm_not_entered(struct svm_vcpu *svm)
{
	struct nst_vcpu *vcpu = svm->vcpu;

	svm->clean = 0;
	svm_event_not_entered(svm);
	/* General registers are in memory, and no entry changed them. */
	if (svm->vmcb->save.rsp == vcpu->st.gpr[NST_RSP])
		svm_pull(vcpu, NST_STATE_ALL & ~(NST_STATE_GPR | NST_STATE_INTR));
	vcpu->valid = NST_STATE_ALL;
	vcpu->dirty = NST_STATE_ALL;
}

/* Not more than once a minute: a guest may be able to have it refused again. */
static void svm_report_refusal(struct svm_vcpu *svm, u32 event_inj)
{
	static DEFINE_RATELIMIT_STATE(limit, 60 * HZ, 1);

	if (!__ratelimit(&limit))
		return;
	/* What it refused, whatever has been stored over it. */
	svm_push(svm->vcpu, NST_STATE_ALL);
	svm->vmcb->control.event_inj = event_inj;
	pr_err("vCPU %u: VMRUN refused the guest's state (VMEXIT_INVALID)\n", svm->vcpu->id);
	svm_dump(svm->vcpu, NULL);
	svm->vmcb->control.event_inj = 0;
}

/**
 * svm_enter() - nst_backend.enter
 * @vcpu: loaded vCPU, irqs off
 * @exit: filled
 */
void svm_enter(struct nst_vcpu *vcpu, struct nst_exit *exit)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control_area *ctl = &svm->vmcb->control;
	struct svm_switch sw = {};
	u32 int_ctl, event_inj;

	svm_asid_before_entry(svm);
	/* In this order: an NMI that goes in masks the next one. */
	svm_event_before_entry(svm);
	svm_nmi_before_entry(svm);
	svm_prepare_switch(svm, &sw);
	ctl->clean = svm_has(SVM_F_CLEAN) ? svm->clean : 0;
	int_ctl = ctl->int_ctl;
	event_inj = ctl->event_inj;

	if (!svm_switch(&sw)) {
		*exit = (struct nst_exit) { .kind = NST_EXIT_ENTRY_FAILED };
		svm_not_entered(svm);
		return;
	}

	svm_after_switch(svm, &sw);
	if (ctl->exit_code == SVM_EXIT_INVALID) {
		/* Some emulators store one that they never loaded, without V_INTR_MASKING. */
		ctl->int_ctl = int_ctl;
		svm_decode_exit(svm, exit);
		svm_not_entered(svm);
		svm_report_refusal(svm, event_inj);
		return;
	}
	svm_nmi_after_exit(svm);
	svm_event_after_exit(svm);
	svm_decode_exit(svm, exit);
	svm_pull(vcpu, NST_STATE_GPR | NST_STATE_INTR);
}
