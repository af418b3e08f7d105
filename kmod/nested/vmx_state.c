// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_NESTED_STATE and KVM_SET_NESTED_STATE for VMX, in KVM's format.  L2's
 * registers travel as the vCPU's registers; what L1 gets back is in vmcs12's
 * host-state area.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "../core.h"
#include "../guestmem.h"
#include "../mmu/stage2.h"
#include "evmcs.h"
#include "nvmx.h"

/* Has L2 a shadow VMCS, which KVM keeps beside the VMCS? */
static bool nvmx_has_shadow(const struct nvmx_vmcs12 *v)
{
	return nvmx_has_proc2(v, SECONDARY_EXEC_SHADOW_VMCS) &&
	       v->vmcs_link_pointer != NVMX_NO_POINTER;
}

static u32 nvmx_state_size(struct nst_vcpu *vcpu, bool has_vmcs)
{
	const struct nvmx *nvmx = to_nvmx(vcpu);
	u32 size = sizeof(struct kvm_nested_state);

	if (has_vmcs)
		size += KVM_STATE_NESTED_VMX_VMCS_SIZE;
	if (nst_in_l2(vcpu) && nvmx_has_shadow(nvmx->v))
		size += KVM_STATE_NESTED_VMX_VMCS_SIZE;
	return size;
}

/* In the timer's own ticks. */
static void nvmx_get_deadline(const struct nvmx *nvmx, struct kvm_nested_state *head)
{
	head->hdr.vmx.flags = KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE;
	head->hdr.vmx.preemption_timer_deadline = nvmx->timer_deadline >> NVMX_TIMER_SHIFT;
}

static void nvmx_get_l2(struct nst_vcpu *vcpu, struct kvm_nested_state *head)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	head->flags |= KVM_STATE_NESTED_GUEST_MODE;
	nst_pull(vcpu, NST_STATE_ALL);
	nvmx_save_guest(vcpu);
	nvmx_apic_flush(vcpu);
	if (nvmx->mtf_pending || vcpu->nested->step.done)
		head->flags |= KVM_STATE_NESTED_MTF_PENDING;
	if (nvmx->timer_on)
		nvmx_get_deadline(nvmx, head);
}

static void nvmx_get_smm(const struct nvmx *nvmx, struct kvm_nested_state *head)
{
	head->hdr.vmx.smm.flags = KVM_STATE_NESTED_SMM_VMXON;
	if (!nvmx->smm.guest)
		return;
	head->hdr.vmx.smm.flags |= KVM_STATE_NESTED_SMM_GUEST_MODE;
	if (nvmx->smm.mtf)
		head->flags |= KVM_STATE_NESTED_MTF_PENDING;
	if (nvmx->smm.timer)
		nvmx_get_deadline(nvmx, head);
}

/* The shadow VMCS is in L1's memory, where L2 uses it: a copy for those who keep one. */
static int nvmx_get_shadow(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user)
{
	struct nvmx_vmcs12 *copy = kzalloc(NVMX_REGION_SIZE, GFP_KERNEL_ACCOUNT);
	u64 link = to_nvmx(vcpu)->v->vmcs_link_pointer;
	int ret = 0;

	if (!copy)
		return -ENOMEM;
	if (nst_vcpu_read_gpa(vcpu, nst_gpa(link), copy, NVMX_REGION_SIZE))
		memset(copy, 0, NVMX_REGION_SIZE);
	if (copy_to_user(user->data.vmx[0].shadow_vmcs12, copy, NVMX_REGION_SIZE))
		ret = -EFAULT;
	kfree(copy);
	return ret;
}

/**
 * nvmx_get_state() - KVM_GET_NESTED_STATE
 * @vcpu: the vCPU, loaded
 * @user: where to
 * @size: room there
 *
 * Return: the size needed; nothing is written when there is less room; -EFAULT,
 * -ENOMEM.
 */
long nvmx_get_state(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user, u32 size)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	bool enlightened = nvmx_evmcs_save(vcpu);
	bool has_vmcs = enlightened || nvmx->vmptr != NVMX_NO_POINTER;
	struct kvm_nested_state head = {
		.format = KVM_STATE_NESTED_FORMAT_VMX,
		.flags = enlightened ? KVM_STATE_NESTED_EVMCS : 0,
		.size = nvmx_state_size(vcpu, has_vmcs),
		.hdr.vmx.vmxon_pa = nvmx->root ? nvmx->vmxon_ptr : NVMX_NO_POINTER,
		.hdr.vmx.vmcs12_pa = nvmx->vmptr,
	};

	if (size < head.size)
		return head.size;
	nvmx_shadow_fetch(vcpu);
	if (nst_in_l2(vcpu))
		nvmx_get_l2(vcpu, &head);
	else if (nvmx->root && vcpu->smm.in)
		nvmx_get_smm(nvmx, &head);
	if (copy_to_user(user, &head, sizeof(head)))
		return -EFAULT;
	if (has_vmcs &&
	    copy_to_user(user->data.vmx[0].vmcs12, nvmx->v, NVMX_REGION_SIZE))
		return -EFAULT;
	if (nst_in_l2(vcpu) && nvmx_has_shadow(nvmx->v)) {
		int ret = nvmx_get_shadow(vcpu, user);

		if (ret)
			return ret;
	}
	return head.size;
}

/* ---- setting it ---- */

static bool nvmx_pointer_ok(const struct nst_vcpu *vcpu, u64 ptr)
{
	return !(ptr & ~NST_PAGE_MASK) && !(ptr >> vcpu->maxphyaddr);
}

/* No VMX operation: then nothing else may be said, but for what old versions of KVM said. */
static bool nvmx_off_ok(const struct kvm_nested_state *head)
{
	return !(head->flags & ~KVM_STATE_NESTED_EVMCS) && !head->hdr.vmx.smm.flags &&
	       head->hdr.vmx.vmcs12_pa == NVMX_NO_POINTER;
}

#define NVMX_L2_FLAGS	(KVM_STATE_NESTED_GUEST_MODE | KVM_STATE_NESTED_RUN_PENDING)
#define NVMX_SMM_FLAGS	(KVM_STATE_NESTED_SMM_GUEST_MODE | KVM_STATE_NESTED_SMM_VMXON)

/* An enlightened one has no address there: L1's VP assist page tells it. */
static bool nvmx_head_enlightened(const struct kvm_nested_state *head)
{
	return head->hdr.vmx.vmcs12_pa == NVMX_NO_POINTER &&
	       (head->flags & KVM_STATE_NESTED_EVMCS);
}

static bool nvmx_head_has_vmcs(const struct kvm_nested_state *head)
{
	return head->hdr.vmx.vmcs12_pa != NVMX_NO_POINTER || nvmx_head_enlightened(head);
}

/* In SMM L1 is outside of VMX operation, elsewhere these flags mean nothing. */
static bool nvmx_smm_ok(const struct nst_vcpu *vcpu, const struct kvm_nested_state *head)
{
	u16 smm = head->hdr.vmx.smm.flags;

	/* An L2 to go back to needs VMX operation, and its VMCS. */
	if (smm & ~NVMX_SMM_FLAGS || smm == KVM_STATE_NESTED_SMM_GUEST_MODE ||
	    (smm & KVM_STATE_NESTED_SMM_GUEST_MODE &&
	     !nvmx_head_has_vmcs(head)))
		return false;
	return vcpu->smm.in ? !(head->flags & NVMX_L2_FLAGS) : !smm;
}

static bool nvmx_head_ok(const struct nst_vcpu *vcpu, const struct kvm_nested_state *head)
{
	u32 room = head->size - sizeof(*head);

	if (head->flags & ~(NVMX_L2_FLAGS | KVM_STATE_NESTED_MTF_PENDING |
			    KVM_STATE_NESTED_EVMCS) ||
	    head->hdr.vmx.flags & ~KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE ||
	    !nvmx_smm_ok(vcpu, head) || !nvmx_pointer_ok(vcpu, head->hdr.vmx.vmxon_pa))
		return false;
	if (!nvmx_head_has_vmcs(head))
		return !(head->flags & KVM_STATE_NESTED_GUEST_MODE) &&
		       room < KVM_STATE_NESTED_VMX_VMCS_SIZE;
	if (nvmx_head_enlightened(head))
		return room >= KVM_STATE_NESTED_VMX_VMCS_SIZE;
	return head->hdr.vmx.vmcs12_pa != head->hdr.vmx.vmxon_pa &&
	       nvmx_pointer_ok(vcpu, head->hdr.vmx.vmcs12_pa) &&
	       room >= KVM_STATE_NESTED_VMX_VMCS_SIZE;
}

/* What userspace kept of the shadow VMCS goes to where L2 will look for it. */
static int nvmx_set_shadow(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user, u32 size)
{
	u64 link = to_nvmx(vcpu)->v->vmcs_link_pointer;
	struct nvmx_vmcs12 *copy;
	int ret = -EINVAL;

	if (size < sizeof(*user) + 2 * KVM_STATE_NESTED_VMX_VMCS_SIZE)
		return -EINVAL;
	copy = kmalloc(NVMX_REGION_SIZE, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	if (copy_from_user(copy, user->data.vmx[0].shadow_vmcs12, NVMX_REGION_SIZE)) {
		ret = -EFAULT;
	} else if (copy->revision == (NVMX_REVISION | NVMX_SHADOW_VMCS)) {
		nst_vcpu_write_gpa(vcpu, nst_gpa(link), copy, NVMX_REGION_SIZE);
		ret = 0;
	}
	kfree(copy);
	return ret;
}

static void nvmx_resume_timer(struct nst_vcpu *vcpu, const struct kvm_nested_state *head)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	if (!(nvmx->v->pin & PIN_BASED_VMX_PREEMPTION_TIMER))
		return;
	if (head->hdr.vmx.flags & KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE)
		nvmx_timer_start_until(vcpu, head->hdr.vmx.preemption_timer_deadline <<
					     NVMX_TIMER_SHIFT);
	else
		nvmx_timer_start(vcpu);
}

/* Into the L2 that the current VMCS tells of; its registers come from elsewhere. */
static int nvmx_reenter(struct nst_vcpu *vcpu)
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
	nvmx->mtf_pending = false;
	return 0;
}

/* The registers of the vCPU are L2's already, or will be set next. */
static int nvmx_resume_l2(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user,
			  const struct kvm_nested_state *head)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	int ret = 0;

	if (nvmx_has_shadow(nvmx->v) && nvmx_pointer_ok(vcpu, nvmx->v->vmcs_link_pointer))
		ret = nvmx_set_shadow(vcpu, user, head->size);
	if (!ret)
		ret = nvmx_reenter(vcpu);
	if (ret)
		return ret;
	if (head->flags & KVM_STATE_NESTED_RUN_PENDING)
		nvmx_begin(vcpu);
	if (head->flags & KVM_STATE_NESTED_MTF_PENDING)
		nvmx->mtf_pending = true;
	nvmx_resume_timer(vcpu, head);
	return 0;
}

/* In SMM: RSM will go back to L2. */
static void nvmx_set_smm(struct nvmx *nvmx, const struct kvm_nested_state *head)
{
	nvmx->smm.guest = head->hdr.vmx.smm.flags & KVM_STATE_NESTED_SMM_GUEST_MODE;
	nvmx->smm.mtf = head->flags & KVM_STATE_NESTED_MTF_PENDING;
	nvmx->smm.timer = head->hdr.vmx.flags & KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE;
	nvmx->smm.nmi_blocked = false;
	if (nvmx->smm.timer)
		nvmx->timer_deadline = head->hdr.vmx.preemption_timer_deadline <<
				       NVMX_TIMER_SHIFT;
}

/**
 * nvmx_set_state() - KVM_SET_NESTED_STATE
 * @vcpu: the vCPU, loaded
 * @user: where from
 * @head: copy of its beginning
 *
 * Return: 0; -EINVAL for what cannot be, with VMX off then, and for an enlightened VMCS
 * without the capability; -EFAULT; -ENOMEM.
 */
long nvmx_set_state(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user,
		    const struct kvm_nested_state *head)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	bool off = head->hdr.vmx.vmxon_pa == NVMX_NO_POINTER;
	int ret = 0;

	if (head->format != KVM_STATE_NESTED_FORMAT_VMX ||
	    ((head->flags & KVM_STATE_NESTED_EVMCS) && !nvmx_evmcs(vcpu)) ||
	    (off ? !nvmx_off_ok(head) : !nvmx_head_ok(vcpu, head)))
		return -EINVAL;
	nvmx_isa.leave(vcpu);
	if (off)
		return 0;
	if (nvmx_head_has_vmcs(head)) {
		if (copy_from_user(nvmx->v, user->data.vmx[0].vmcs12, NVMX_REGION_SIZE))
			return -EFAULT;
		if ((nvmx->v->revision & ~NVMX_SHADOW_VMCS) != NVMX_REVISION)
			return -EINVAL;
	}
	nvmx->root = true;
	nvmx->passed = 0;
	nvmx->vmxon_ptr = head->hdr.vmx.vmxon_pa;
	nvmx->vmptr = head->hdr.vmx.vmcs12_pa;
	if (nvmx_head_enlightened(head))
		nvmx_evmcs_restore(vcpu);
	nvmx_set_smm(nvmx, head);
	nvmx_shadow_begin(vcpu);
	if (head->flags & KVM_STATE_NESTED_GUEST_MODE)
		ret = nvmx_resume_l2(vcpu, user, head);
	else
		nvmx_shadow_publish(vcpu);
	if (ret)
		nvmx_isa.leave(vcpu);
	return ret;
}

/**
 * nvmx_state_possible() - could a CPU have the registers that L2 has?
 * @vcpu: loaded vCPU, L2 current, after userspace set some of them
 *
 * Return: whether an entry would take them.
 */
bool nvmx_state_possible(struct nst_vcpu *vcpu)
{
	struct nvmx_check in;

	nst_pull(vcpu, NST_STATE_ALL);
	nvmx_save_guest(vcpu);
	nvmx_fill_check(vcpu, &in);
	return !nvmx_check_guest(&in);
}

/**
 * nvmx_smm_enter() - nst_isa.smm_enter
 * @vcpu: loaded vCPU
 * @l2: nothing of it goes to SMRAM
 *
 * SDM3 "Default Treatment of SMI Delivery": VMX operation is left, and what is
 * needed to come back is kept inside the processor.
 */
void nvmx_smm_enter(struct nst_vcpu *vcpu, struct nst_smm_l2 *l2)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	nvmx->smm.guest = nst_in_l2(vcpu);
	if (!nvmx->smm.guest)
		return;
	nvmx->smm.timer = nvmx->timer_on;
	nvmx->smm.mtf = nvmx->mtf_pending || vcpu->nested->step.done;
	nvmx->smm.nmi_blocked = vcpu->nested->l1.nmi_blocked;
	nvmx_save_guest(vcpu);
	nvmx_apic_flush(vcpu);
	nvmx_timer_stop(vcpu);
	nvmx->mtf_pending = false;
	nst_nested_switch(vcpu, false);
	nst_mmu_leave_l2(vcpu);
}

/**
 * nvmx_smm_leave() - nst_isa.smm_leave
 * @vcpu: loaded vCPU, out of SMM
 * @l2: not used
 *
 * SDM3 "Default Treatment of RSM".  Registers that no L2 can have, which the handler
 * may have put into SMRAM, are found before L2 runs.
 *
 * Return: false when L1's memory no longer allows the L2 that was interrupted.
 */
bool nvmx_smm_leave(struct nst_vcpu *vcpu, const struct nst_smm_l2 *l2)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	if (!nvmx->smm.guest)
		return true;
	nvmx->smm.guest = false;
	if (nvmx_reenter(vcpu))
		return false;
	vcpu->nested->changed = true;
	vcpu->nested->l1.nmi_blocked = nvmx->smm.nmi_blocked;
	nvmx->mtf_pending = nvmx->smm.mtf;
	if (nvmx->smm.timer)
		nvmx_timer_start_until(vcpu, nvmx->timer_deadline);
	return true;
}
