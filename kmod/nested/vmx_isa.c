// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX instance of struct nst_isa: creation and end, which events L2 may
 * not have, and the MSRs that tell L1 what its CPU can do.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include <linux/string.h>
#include "../core.h"
#include "../mmu/stage2.h"
#include "evmcs.h"
#include "nvmx.h"

/* ---- capabilities ---- */

/* What works on this host, for a guest with this CPUID. */
static u32 nvmx_abilities(const struct nst_vcpu *vcpu)
{
	u32 has = NVMX_HAS_EPT | NVMX_HAS_EPT_AD | NVMX_HAS_EPT_1G | NVMX_HAS_UNRESTRICTED |
		  NVMX_HAS_TPR_SHADOW | NVMX_HAS_APIC_ACCESS;

	if (nst_stage2_ept_exec_only())
		has |= NVMX_HAS_EPT_X;
	if (!vcpu || nst_guest_has(vcpu, NST_GCAP_RDTSCP))
		has |= nst_caps.rdtscp ? NVMX_HAS_RDTSCP : 0;
	if (!vcpu || nst_guest_has(vcpu, NST_GCAP_INVPCID))
		has |= nst_caps.invpcid ? NVMX_HAS_INVPCID : 0;
	has |= nst_caps.rdrand_exits ? NVMX_HAS_RDRAND_EXITS : 0;
	has |= nst_caps.rdseed_exits ? NVMX_HAS_RDSEED_EXITS : 0;
	return has;
}

/* As a feature MSR it is read with no vCPU: what one could have at most. */
static void nvmx_fill_caps(const struct nst_vcpu *vcpu, struct nvmx_caps *caps)
{
	nvmx_caps_fill(caps, nvmx_abilities(vcpu), vcpu ? ~vcpu->cr4_reserved : 0);
	if (!vcpu)
		caps->cr4_fixed1 = ~0ull;
}

/**
 * nvmx_msr_read() - RDMSR of a capability MSR
 * @vcpu: the vCPU, or NULL: what is possible here, 0 with nested=0
 * @msr: MSR_IA32_VMX_*
 * @host: userspace reads it, not the guest
 * @val: result
 *
 * A guest that may use enlightened VMCSs sees what works with them alone. Userspace that
 * saves every MSR there is reads 0 where the guest has no VMX.
 *
 * Return: 0, or -EINVAL when there is no such MSR.
 */
int nvmx_msr_read(struct nst_vcpu *vcpu, u32 msr, bool host, u64 *val)
{
	struct nvmx_caps caps;

	if (vcpu) {
		if (nst_isa(vcpu) != &nvmx_isa) {
			*val = 0;
			return host ? 0 : -EINVAL;
		}
		caps = to_nvmx(vcpu)->caps;
		if (!host && nvmx_evmcs_filters(vcpu))
			nvmx_caps_reduce(&caps);
		return nvmx_caps_get(&caps, msr, val) ? 0 : -EINVAL;
	}
	nvmx_fill_caps(NULL, &caps);
	if (!nvmx_caps_get(&caps, msr, val))
		return -EINVAL;
	if (!nst_param_nested)
		*val = 0;
	return 0;
}

/**
 * nvmx_msr_write() - userspace sets a capability MSR
 * @vcpu: the vCPU
 * @msr: MSR_IA32_VMX_*
 * @val: at most what nvmx_msr_read() said at first; without VMX 0
 *
 * Return: 0, or -EINVAL, in VMX operation for each value but the present one.
 */
int nvmx_msr_write(struct nst_vcpu *vcpu, u32 msr, u64 val)
{
	struct nvmx *nvmx;
	u64 now;

	if (nst_isa(vcpu) != &nvmx_isa)
		return val ? -EINVAL : 0;
	nvmx = to_nvmx(vcpu);
	if (nvmx->root)
		return nvmx_caps_get(&nvmx->caps, msr, &now) && now == val ? 0 : -EINVAL;
	nvmx->passed = 0;
	return nvmx_caps_set(&nvmx->caps, &nvmx->most, msr, val) ? 0 : -EINVAL;
}

/* ---- beginning and end ---- */

static int nvmx_create(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = kzalloc(sizeof(*nvmx), GFP_KERNEL_ACCOUNT);

	if (!nvmx)
		return -ENOMEM;
	nvmx->v = kzalloc(NVMX_REGION_SIZE, GFP_KERNEL_ACCOUNT);
	if (!nvmx->v) {
		kfree(nvmx);
		return -ENOMEM;
	}
	nvmx->vmptr = NVMX_NO_POINTER;
	nvmx->vmxon_ptr = NVMX_NO_POINTER;
	nvmx_fill_caps(vcpu, &nvmx->most);
	nvmx->caps = nvmx->most;
	vcpu->nested->priv = nvmx;
	nvmx_timer_init(vcpu);
	return 0;
}

static void nvmx_destroy(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	nvmx_timer_stop(vcpu);
	kfree(nvmx->v);
	kfree(nvmx);
	vcpu->nested->priv = NULL;
}

static void nvmx_forget(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	nvmx_timer_stop(vcpu);
	if (nst_in_l2(vcpu)) {
		nst_nested_switch(vcpu, false);
		nst_mmu_leave_l2(vcpu);
	}
	nst_mmu_hide(vcpu, NST_NO_GFN);
	nvmx->root = false;
	nvmx->smm.guest = false;
	nvmx->vmptr = NVMX_NO_POINTER;
	nvmx->vmxon_ptr = NVMX_NO_POINTER;
	nvmx_evmcs_drop(vcpu);
	nvmx_shadow_publish(vcpu);
}

/* ---- events ---- */

static enum nst_verdict nvmx_verdict(struct nst_vcpu *vcpu, enum nst_exit_kind kind)
{
	const struct nvmx *nvmx = to_nvmx(vcpu);
	u32 control;

	if (kind == NST_EXIT_INIT) {
		/* SDM3 "Restrictions on VMX Operation": blocked in root operation. */
		if (nst_in_l2(vcpu))
			return NST_REFLECT;
		return nvmx->root ? NST_HOLD : NST_DELIVER;
	}
	if (!nst_in_l2(vcpu))
		return NST_DELIVER;
	/*
	 * SDM3 "Default Treatment of SMI Delivery": no control intercepts it.  What
	 * exits behind an instruction does that first.
	 */
	if (kind == NST_EXIT_SMI)
		return nvmx->trap.kind != NST_EXIT_NONE ? NST_HOLD : NST_DELIVER;
	control = kind == NST_EXIT_HOST_NMI ? PIN_BASED_NMI_EXITING : PIN_BASED_EXT_INTR_MASK;
	return nvmx->v->pin & control ? NST_REFLECT : NST_DELIVER;
}

static bool nvmx_waits_for_sipi(struct nst_vcpu *vcpu)
{
	return vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED;
}

static u32 nvmx_windows(struct nst_vcpu *vcpu)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	bool irq = nvmx_has_proc(v, CPU_BASED_INTR_WINDOW_EXITING) || nvmx_apic_waits(vcpu);

	return (irq ? NST_WINDOW_IRQ : 0) |
	       (nvmx_has_proc(v, CPU_BASED_NMI_WINDOW_EXITING) ? NST_WINDOW_NMI : 0);
}

/*
 * Exits that need no event: in the order of SDM3 "Priority Among Concurrent Events"
 * those behind an instruction, the timer, then windows that are open already.
 */
static bool nvmx_due(struct nst_vcpu *vcpu, struct nst_exit *exit)
{
	*exit = (struct nst_exit){ };
	if (nvmx_apic_due(vcpu, exit))
		return true;
	exit->kind = NST_EXIT_MTF;
	if (to_nvmx(vcpu)->mtf_pending || vcpu->nested->step.done)
		return true;
	exit->kind = NST_EXIT_PREEMPTION_TIMER;
	if (nvmx_timer_expired(vcpu))
		return true;
	exit->kind = NST_EXIT_NMI_WINDOW;
	if (nvmx_wants(vcpu, exit))
		return true;
	exit->kind = NST_EXIT_IRQ_WINDOW;
	return nvmx_wants(vcpu, exit);
}

/* An interrupt or an NMI will make L2 exit first. */
static bool nvmx_exit_waits(struct nst_vcpu *vcpu)
{
	return (vcpu->ev.nmi.pending && nvmx_verdict(vcpu, NST_EXIT_HOST_NMI) == NST_REFLECT) ||
	       (nst_pending_irq(vcpu) >= 0 &&
		nvmx_verdict(vcpu, NST_EXIT_HOST_IRQ) == NST_REFLECT);
}

static enum nst_next nvmx_events(struct nst_vcpu *vcpu)
{
	struct nst_exit exit;

	if (unlikely(vcpu->nested->changed)) {
		vcpu->nested->changed = false;
		exit = (struct nst_exit){ .kind = NST_EXIT_TRIPLE_FAULT };
		if (!nvmx_state_possible(vcpu))
			return nvmx_reflect(vcpu, &exit);
	}
	nvmx_apic_posted(vcpu);
	if (nvmx_due(vcpu, &exit))
		return nvmx_reflect(vcpu, &exit);
	if (!nvmx_exit_waits(vcpu))
		nvmx_apic_deliver(vcpu);
	return NST_ENTER;
}

/* An exit behind an instruction is not to be seen in any register. */
static void nvmx_settle(struct nst_vcpu *vcpu)
{
	struct nst_exit exit = { };

	if (to_nvmx(vcpu)->trap.kind != NST_EXIT_NONE && !nst_event_committed(vcpu) &&
	    nvmx_apic_due(vcpu, &exit))
		nvmx_reflect(vcpu, &exit);
}

static bool nvmx_wakes(struct nst_vcpu *vcpu)
{
	struct nst_exit exit;

	return nvmx_due(vcpu, &exit) || nvmx_apic_wakes(vcpu);
}

/* ---- registers ---- */

/* SDM3 "Restrictions on VMX Operation": bits of CR0 and CR4 that are fixed. */
static bool nvmx_cr_allowed(struct nst_vcpu *vcpu, int cr, u64 val)
{
	const struct nvmx *nvmx = to_nvmx(vcpu);
	u64 ones = cr == 4 ? nvmx->caps.cr4_fixed0 : nvmx->caps.cr0_fixed0;

	if (!nvmx->root)
		return true;
	if (cr == 0 && nst_in_l2(vcpu) &&
	    nvmx_has_proc2(nvmx->v, SECONDARY_EXEC_UNRESTRICTED_GUEST))
		ones &= ~(u64)(X86_CR0_PE | X86_CR0_PG);
	return (val & ones) == ones;
}

const struct nst_isa nvmx_isa = {
	.name = "VMX",
	.create = nvmx_create,
	.destroy = nvmx_destroy,
	.insn = nvmx_insn,
	.wants = nvmx_wants,
	.reflect = nvmx_reflect,
	.verdict = nvmx_verdict,
	.events = nvmx_events,
	.windows = nvmx_windows,
	.waits_for_sipi = nvmx_waits_for_sipi,
	.log = nvmx_log,
	.wakes = nvmx_wakes,
	.tsc_due = nvmx_timer_expired,
	.merge = nvmx_merge,
	.notice = nvmx_apic_posted,
	.settle = nvmx_settle,
	.get_cr8 = nvmx_get_cr8,
	.set_cr8 = nvmx_set_cr8,
	.tpr_threshold = nvmx_tpr_threshold,
	.msr = nvmx_msr,
	.access = nvmx_access,
	.cr_allowed = nvmx_cr_allowed,
	.leave = nvmx_forget,
	.get_state = nvmx_get_state,
	.set_state = nvmx_set_state,
	.complete = nvmx_evmcs_complete,
	.smm_enter = nvmx_smm_enter,
	.smm_leave = nvmx_smm_leave,
};
