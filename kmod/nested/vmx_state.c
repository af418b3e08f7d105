// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_NESTED_STATE and KVM_SET_NESTED_STATE for VMX, in KVM's format with
 * our own vmcs12 in it.  L2's registers travel as the vCPU's registers; what
 * L1 gets back is in vmcs12's host-state area.
 */
#include "../nestor.h"
#include <linux/string.h>
#include <linux/uaccess.h>
#include "../core.h"
#include "nvmx.h"

static u32 nvmx_state_size(const struct nvmx *nvmx)
{
	return sizeof(struct kvm_nested_state) +
	       (nvmx->vmptr == NVMX_NO_POINTER ? 0 : KVM_STATE_NESTED_VMX_VMCS_SIZE);
}

/**
 * nvmx_get_state() - KVM_GET_NESTED_STATE
 * @vcpu: the vCPU, loaded
 * @user: where to
 * @size: room there
 *
 * Return: the size needed; nothing is written when there is less room; -EFAULT.
 */
long nvmx_get_state(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user, u32 size)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	struct kvm_nested_state head = {
		.format = KVM_STATE_NESTED_FORMAT_VMX,
		.size = nvmx_state_size(nvmx),
		.hdr.vmx.vmxon_pa = nvmx->root ? nvmx->vmxon_ptr : NVMX_NO_POINTER,
		.hdr.vmx.vmcs12_pa = nvmx->vmptr,
	};

	if (size < head.size)
		return head.size;
	if (nst_in_l2(vcpu)) {
		head.flags = KVM_STATE_NESTED_GUEST_MODE;
		nst_pull(vcpu, NST_STATE_ALL);
		nvmx_save_guest(vcpu);
		nvmx_apic_flush(vcpu);
		if (nvmx->timer_on) {
			head.hdr.vmx.flags = KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE;
			head.hdr.vmx.preemption_timer_deadline = nvmx->timer_deadline;
		}
	}
	if (copy_to_user(user, &head, sizeof(head)))
		return -EFAULT;
	if (nvmx->vmptr != NVMX_NO_POINTER &&
	    copy_to_user(user->data.vmx[0].vmcs12, nvmx->v, sizeof(*nvmx->v)))
		return -EFAULT;
	return head.size;
}

static bool nvmx_pointer_ok(const struct nst_vcpu *vcpu, u64 ptr)
{
	return !(ptr & ~NST_PAGE_MASK) && !(ptr >> vcpu->maxphyaddr);
}

/* No VMX operation: then nothing else may be said. */
static bool nvmx_off_ok(const struct kvm_nested_state *head)
{
	return !head->flags && !head->hdr.vmx.smm.flags &&
	       head->hdr.vmx.vmcs12_pa == NVMX_NO_POINTER;
}

static bool nvmx_head_ok(const struct nst_vcpu *vcpu, const struct kvm_nested_state *head)
{
	bool guest = head->flags & KVM_STATE_NESTED_GUEST_MODE;

	/* No SMM with VMX here, no MTF, no entry that was begun and not done. */
	if (head->flags & ~(KVM_STATE_NESTED_GUEST_MODE) || head->hdr.vmx.smm.flags ||
	    head->hdr.vmx.flags & ~KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE)
		return false;
	if (!nvmx_pointer_ok(vcpu, head->hdr.vmx.vmxon_pa))
		return false;
	if (head->hdr.vmx.vmcs12_pa == NVMX_NO_POINTER)
		return !guest;
	return head->hdr.vmx.vmcs12_pa != head->hdr.vmx.vmxon_pa &&
	       nvmx_pointer_ok(vcpu, head->hdr.vmx.vmcs12_pa) &&
	       head->size >= sizeof(*head) + KVM_STATE_NESTED_VMX_VMCS_SIZE;
}

/* The registers of the vCPU are L2's already, or will be set next. */
static int nvmx_resume_l2(struct nst_vcpu *vcpu, const struct kvm_nested_state *head)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	struct nvmx_check in;

	nvmx_fill_check(vcpu, &in);
	in.l1_long = nvmx->v->exit_ctls & VM_EXIT_HOST_ADDR_SPACE_SIZE;
	if (nvmx_check_vmfail(&in) || nvmx_check_guest(&in))
		return -EINVAL;
	nst_nested_switch(vcpu, true);
	if (nvmx_enter_paging(vcpu))
		return -ENOMEM;
	nvmx_apic_enter(vcpu);
	if (nvmx->v->pin & PIN_BASED_VMX_PREEMPTION_TIMER) {
		nvmx_timer_start(vcpu);
		if (head->hdr.vmx.flags & KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE)
			nvmx->timer_deadline = head->hdr.vmx.preemption_timer_deadline;
	}
	return 0;
}

/**
 * nvmx_set_state() - KVM_SET_NESTED_STATE
 * @vcpu: the vCPU, loaded
 * @user: where from
 * @head: copy of its beginning
 *
 * Return: 0; -EINVAL for what cannot be, with VMX off then; -EFAULT; -ENOMEM.
 */
long nvmx_set_state(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user,
		    const struct kvm_nested_state *head)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	bool off = head->hdr.vmx.vmxon_pa == NVMX_NO_POINTER;
	int ret = 0;

	if (head->format != KVM_STATE_NESTED_FORMAT_VMX ||
	    (off ? !nvmx_off_ok(head) : !nvmx_head_ok(vcpu, head)))
		return -EINVAL;
	nvmx_isa.leave(vcpu);
	if (off)
		return 0;
	if (head->hdr.vmx.vmcs12_pa != NVMX_NO_POINTER) {
		if (copy_from_user(nvmx->v, user->data.vmx[0].vmcs12, sizeof(*nvmx->v)))
			return -EFAULT;
		if (nvmx->v->revision != NVMX_REVISION)
			return -EINVAL;
	}
	nvmx->root = true;
	nvmx->passed = 0;
	nvmx->vmxon_ptr = head->hdr.vmx.vmxon_pa;
	nvmx->vmptr = head->hdr.vmx.vmcs12_pa;
	if (head->flags & KVM_STATE_NESTED_GUEST_MODE)
		ret = nvmx_resume_l2(vcpu, head);
	if (ret)
		nvmx_isa.leave(vcpu);
	return ret;
}
