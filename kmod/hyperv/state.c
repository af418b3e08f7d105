// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hyper-V's interface as a part of VMs and vCPUs: how it comes and goes, which of
 * it a guest may use, and what it makes userspace exit for.
 *
 * Calls cpuid.c of the core; the VM's part is small and made with the VM.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include "../cpuid.h"
#include "hyperv.h"

/**
 * nst_hv_vm_create() - the VM's part
 * @vm: a new VM
 *
 * Return: 0 or -ENOMEM.
 */
int nst_hv_vm_create(struct nst_vm *vm)
{
	struct nst_hv_vm *hv = kzalloc(sizeof(*hv), GFP_KERNEL_ACCOUNT);

	if (!hv)
		return -ENOMEM;
	mutex_init(&hv->lock);
	spin_lock_init(&hv->time_lock);
	xa_init_flags(&hv->conns, XA_FLAGS_ACCOUNT);
	hv->crash_ctl = HV_CRASH_CTL_CRASH_NOTIFY;
	vm->hv = hv;
	return 0;
}

/**
 * nst_hv_vm_destroy() - free the VM's part
 * @vm: a VM that nobody uses any more
 */
void nst_hv_vm_destroy(struct nst_vm *vm)
{
	nst_hv_conns_destroy(vm->hv);
	kfree(vm->hv);
	vm->hv = NULL;
}

/**
 * nst_hv_vcpu_create() - a new vCPU has none of it yet
 * @vcpu: the vCPU
 *
 * Return: 0.
 */
int nst_hv_vcpu_create(struct nst_vcpu *vcpu)
{
	return 0;
}

/**
 * nst_hv_vcpu_destroy() - free the vCPU's part
 * @vcpu: a vCPU that nobody can reach any more
 */
void nst_hv_vcpu_destroy(struct nst_vcpu *vcpu)
{
	if (!vcpu->hv)
		return;
	nst_hv_stimers_reset(vcpu->hv);
	kfree(vcpu->hv);
	vcpu->hv = NULL;
}

/**
 * nst_hv_cpuid_changed() - look again at what the guest's CPUID says of the interface
 * @vcpu: vCPU, mutex held
 */
void nst_hv_cpuid_changed(struct nst_vcpu *vcpu)
{
	static const struct {
		u32 leaf;
		u8 reg;
	} where[NST_HV_NR_WORDS] = {
		[NST_HV_RIGHTS] = { HYPERV_CPUID_FEATURES, NST_CPUID_EAX },
		[NST_HV_CALLS] = { HYPERV_CPUID_FEATURES, NST_CPUID_EBX },
		[NST_HV_FEATURES] = { HYPERV_CPUID_FEATURES, NST_CPUID_EDX },
		[NST_HV_HINTS] = { HYPERV_CPUID_ENLIGHTMENT_INFO, NST_CPUID_EAX },
		[NST_HV_SPINS] = { HYPERV_CPUID_ENLIGHTMENT_INFO, NST_CPUID_EBX },
		[NST_HV_SYNDBG] = { NST_HV_LEAF_STACK_FEATURES, NST_CPUID_EAX },
	};
	struct nst_hv_vcpu *hv = vcpu->hv;

	if (!hv)
		return;
	for (int i = 0; i < NST_HV_NR_WORDS; i++)
		hv->cpuid[i] = nst_guest_has(vcpu, NST_GCAP_HYPERV) ?
			       nst_cpuid_word(vcpu, where[i].leaf, where[i].reg) : 0;
}

/**
 * nst_hv_get() - the vCPU's part, made if this is its first use
 * @vcpu: vCPU, mutex held; may sleep
 *
 * Return: the part, or NULL without memory.
 */
struct nst_hv_vcpu *nst_hv_get(struct nst_vcpu *vcpu)
{
	struct nst_hv_vcpu *hv = vcpu->hv;

	if (hv)
		return hv;
	hv = kzalloc(sizeof(*hv), GFP_KERNEL_ACCOUNT);
	if (!hv)
		return NULL;
	hv->vcpu = vcpu;
	hv->vp_index = vcpu->idx;
	nst_hv_synic_reset(hv);
	nst_hv_stimers_init(hv);
	/* Other vCPUs that see it see it whole: nst_hv_of(). */
	smp_store_release(&vcpu->hv, hv);
	nst_hv_cpuid_changed(vcpu);
	return hv;
}

/**
 * nst_hv_reset() - RESET of the vCPU
 * @vcpu: loaded vCPU
 *
 * INIT leaves all of it alone: TLFS has no other rule for it.
 */
void nst_hv_reset(struct nst_vcpu *vcpu)
{
	struct nst_hv_vcpu *hv = vcpu->hv;

	if (!hv)
		return;
	hv->assist = 0;
	hv->runtime_offset = 0;
	nst_hv_synic_reset(hv);
	nst_hv_stimers_reset(hv);
}

/**
 * nst_hv_enable_cap() - KVM_ENABLE_CAP of a vCPU, for capabilities of this interface
 * @vcpu: vCPU, mutex held
 * @cap: what to enable
 *
 * Return: 0; -EINVAL for another capability or bad arguments; -ENOMEM.
 */
long nst_hv_enable_cap(struct nst_vcpu *vcpu, const struct kvm_enable_cap *cap)
{
	switch (cap->cap) {
	case KVM_CAP_HYPERV_SYNIC2:
		if (cap->args[0])
			return -EINVAL;
		fallthrough;
	case KVM_CAP_HYPERV_SYNIC:
	case KVM_CAP_HYPERV_ENFORCE_CPUID:
		break;
	default:
		return -EINVAL;
	}
	if (!nst_hv_get(vcpu))
		return -ENOMEM;
	if (cap->cap != KVM_CAP_HYPERV_ENFORCE_CPUID)
		return nst_hv_synic_enable(vcpu, cap->cap == KVM_CAP_HYPERV_SYNIC2);
	vcpu->hv->enforce = cap->args[0];
	return 0;
}

/**
 * nst_hv_allows() - may the guest use what these bits of its CPUID stand for?
 * @hv: the vCPU's part; own thread
 * @word: which register
 * @bits: all of them are needed
 *
 * Return: true also without them, unless KVM_CAP_HYPERV_ENFORCE_CPUID is on.
 */
bool nst_hv_allows(const struct nst_hv_vcpu *hv, enum nst_hv_word word, u32 bits)
{
	return !hv->enforce || (hv->cpuid[word] & bits) == bits;
}

/**
 * nst_hv_ask_exit() - tell userspace before the guest goes on
 * @vcpu: own thread, with its part of the interface
 * @exit: what
 */
void nst_hv_ask_exit(struct nst_vcpu *vcpu, enum nst_hv_exit exit)
{
	vcpu->hv->exit = exit;
	nst_request(vcpu, NST_REQ_HV_EXIT);
}

/**
 * nst_hv_exit() - NST_REQ_HV_EXIT
 * @vcpu: loaded vCPU
 *
 * Return: NST_USER with vcpu->run filled.
 */
enum nst_next nst_hv_exit(struct nst_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (vcpu->hv->exit) {
	case NST_HV_EXIT_SYNIC:
		run->exit_reason = KVM_EXIT_HYPERV;
		run->hyperv.type = KVM_EXIT_HYPERV_SYNIC;
		run->hyperv.u.synic.msr = vcpu->hv->exit_msr;
		run->hyperv.u.synic.control = vcpu->hv->synic.control;
		run->hyperv.u.synic.evt_page = vcpu->hv->synic.event_page;
		run->hyperv.u.synic.msg_page = vcpu->hv->synic.message_page;
		break;
	case NST_HV_EXIT_SYNDBG:
		run->exit_reason = KVM_EXIT_HYPERV;
		nst_hv_syndbg_exit(vcpu);
		break;
	default:
		run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
		run->system_event.type = vcpu->hv->exit == NST_HV_EXIT_RESET ?
					 KVM_SYSTEM_EVENT_RESET : KVM_SYSTEM_EVENT_CRASH;
		run->system_event.ndata = 0;
	}
	return NST_USER;
}
