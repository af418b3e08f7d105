// SPDX-License-Identifier: GPL-2.0-only
/*
 * The synthetic debugger: a guest's kernel debugger talks to userspace by MSRs or
 * hypercalls.  We keep the registers; what they mean is userspace's.
 *
 * TLFS "Synthetic Debugging"; KVM_EXIT_HYPERV_SYNDBG of Linux's "The Definitive KVM API
 * Documentation".
 */
#include "../nestor.h"
#include "call.h"

static bool offered(const struct nst_vcpu *vcpu)
{
	return vcpu->hv->cpuid[NST_HV_SYNDBG] & NST_HV_SYNDBG_ALLOWED;
}

static u64 *syndbg_register(struct nst_hv_vm *hv, u32 index)
{
	switch (index) {
	case NST_HV_MSR_SYNDBG_CONTROL:
		return &hv->syndbg.control;
	case NST_HV_MSR_SYNDBG_STATUS:
		return &hv->syndbg.status;
	case NST_HV_MSR_SYNDBG_SEND:
		return &hv->syndbg.send;
	case NST_HV_MSR_SYNDBG_RECV:
		return &hv->syndbg.recv;
	case NST_HV_MSR_SYNDBG_PENDING:
		return &hv->syndbg.pending;
	default:
		return &hv->syndbg.options;
	}
}

/**
 * nst_hv_get_syndbg() - RDMSR of a register of the debugger
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * Return: 0; -EINVAL for a guest whose CPUID has no debugger.
 */
int nst_hv_get_syndbg(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;

	if (!a->host && !offered(vcpu))
		return -EINVAL;
	mutex_lock(&hv->lock);
	a->val = *syndbg_register(hv, a->index);
	mutex_unlock(&hv->lock);
	return 0;
}

/**
 * nst_hv_set_syndbg() - WRMSR of a register of the debugger
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * A command, and a new page for what is pending, go to userspace before the guest goes on.
 *
 * Return: 0; -EINVAL for a guest whose CPUID has no debugger.
 */
int nst_hv_set_syndbg(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;

	if (!a->host && !offered(vcpu))
		return -EINVAL;
	mutex_lock(&hv->lock);
	*syndbg_register(hv, a->index) = a->val;
	mutex_unlock(&hv->lock);
	if (a->host || (a->index != NST_HV_MSR_SYNDBG_CONTROL &&
			a->index != NST_HV_MSR_SYNDBG_PENDING))
		return 0;
	vcpu->hv->exit_msr = a->index;
	nst_hv_ask_exit(vcpu, NST_HV_EXIT_SYNDBG);
	return 0;
}

/**
 * nst_hv_syndbg_exit() - fill the exit that nst_hv_set_syndbg() asked for
 * @vcpu: loaded vCPU
 */
void nst_hv_syndbg_exit(struct nst_vcpu *vcpu)
{
	struct kvm_hyperv_exit *exit = &vcpu->run->hyperv;
	struct nst_hv_vm *hv = vcpu->vm->hv;

	exit->type = KVM_EXIT_HYPERV_SYNDBG;
	exit->u.syndbg.msr = vcpu->hv->exit_msr;
	mutex_lock(&hv->lock);
	exit->u.syndbg.control = hv->syndbg.control;
	exit->u.syndbg.status = hv->syndbg.status;
	exit->u.syndbg.send_page = hv->syndbg.send;
	exit->u.syndbg.recv_page = hv->syndbg.recv;
	exit->u.syndbg.pending_page = hv->syndbg.pending;
	mutex_unlock(&hv->lock);
	vcpu->hv->syndbg_asked = vcpu->hv->exit_msr == NST_HV_MSR_SYNDBG_CONTROL;
}

/**
 * nst_hv_syndbg_answer() - userspace has done what the exit told it
 * @vcpu: loaded vCPU; KVM_RUN begins
 */
void nst_hv_syndbg_answer(struct nst_vcpu *vcpu)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;

	if (likely(!vcpu->hv->syndbg_asked))
		return;
	vcpu->hv->syndbg_asked = false;
	mutex_lock(&hv->lock);
	hv->syndbg.status = READ_ONCE(vcpu->run->hyperv.u.syndbg.status);
	mutex_unlock(&hv->lock);
}

/**
 * nst_hv_syndbg_call() - the debugger's hypercalls
 * @vcpu: own thread
 * @call: the call
 *
 * A guest without the debugger has no such calls; one with it chooses between these and
 * the MSRs.
 *
 * Return: a status, or NST_HV_ASK_USER.
 */
u64 nst_hv_syndbg_call(struct nst_vcpu *vcpu, struct nst_hv_call *call)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;
	bool chosen;

	if (call->fast && call->code != HVCALL_RESET_DEBUG_SESSION)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	mutex_lock(&hv->lock);
	chosen = hv->syndbg.options & NST_HV_SYNDBG_HCALLS;
	mutex_unlock(&hv->lock);
	return chosen ? NST_HV_ASK_USER : HV_STATUS_OPERATION_DENIED;
}
