// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_NESTED_STATE and KVM_SET_NESTED_STATE: what is common to both ISAs.
 * The header says which format follows; the rest is the ISA's.
 */
#include "../nestor.h"
#include <linux/kvm.h>
#include <linux/uaccess.h>
#include "../core.h"
#include "nested.h"

/* No VMXON region, no VMCS. */
#define NST_NO_REGION		(~0ull)

#define NST_NESTED_FLAGS	(KVM_STATE_NESTED_GUEST_MODE | KVM_STATE_NESTED_RUN_PENDING | \
				 KVM_STATE_NESTED_EVMCS | KVM_STATE_NESTED_MTF_PENDING | \
				 KVM_STATE_NESTED_GIF_SET)

/**
 * nst_nested_state_size() - the value of KVM_CAP_NESTED_STATE
 *
 * Return: the largest state of either ISA; 0 without nesting.
 */
int nst_nested_state_size(void)
{
	const int data = max(sizeof(struct kvm_vmx_nested_state_data),
			     sizeof(struct kvm_svm_nested_state_data));

	return nst_param_nested ? sizeof(struct kvm_nested_state) + data : 0;
}

/* What a CPU would have that has neither, by its vendor where both are offered. */
static u16 nst_format_of_none(const struct nst_vcpu *vcpu)
{
	bool amd = nst_offer_svm && (nst_guest_has(vcpu, NST_GCAP_AMD) || !nst_offer_vmx);

	return amd ? KVM_STATE_NESTED_FORMAT_SVM : KVM_STATE_NESTED_FORMAT_VMX;
}

/* A vCPU without an ISA has a state, too: that of a CPU where nothing is on. */
static long nst_get_no_state(const struct nst_vcpu *vcpu, struct kvm_nested_state __user *user,
			     u32 room)
{
	struct kvm_nested_state head = {
		.format = nst_format_of_none(vcpu), .size = sizeof(head),
	};

	if (head.format == KVM_STATE_NESTED_FORMAT_SVM) {
		head.flags = KVM_STATE_NESTED_GIF_SET;
	} else {
		head.hdr.vmx.vmxon_pa = NST_NO_REGION;
		head.hdr.vmx.vmcs12_pa = NST_NO_REGION;
	}
	if (room < sizeof(head))
		return sizeof(head);
	return copy_to_user(user, &head, sizeof(head)) ? -EFAULT : (long)sizeof(head);
}

static long nst_set_no_state(const struct nst_vcpu *vcpu, const struct kvm_nested_state *head)
{
	if (head->format != nst_format_of_none(vcpu))
		return -EINVAL;
	if (head->format == KVM_STATE_NESTED_FORMAT_SVM)
		return head->flags & ~KVM_STATE_NESTED_GIF_SET ? -EINVAL : 0;
	if (head->flags || head->hdr.vmx.smm.flags ||
	    head->hdr.vmx.vmxon_pa != NST_NO_REGION || head->hdr.vmx.vmcs12_pa != NST_NO_REGION)
		return -EINVAL;
	return 0;
}

/**
 * nst_get_nested_state() - KVM_GET_NESTED_STATE
 * @object: vCPU, loaded
 * @arg: user pointer to struct kvm_nested_state; its size says how much fits
 *
 * Return: 0; -ENOTTY without nesting; -E2BIG with the size that is needed; -EFAULT.
 */
long nst_get_nested_state(void *object, unsigned long arg)
{
	struct kvm_nested_state __user *user = (void __user *)arg;
	struct nst_vcpu *vcpu = object;
	u32 room;
	long size;

	if (!nst_param_nested)
		return -ENOTTY;
	if (get_user(room, &user->size))
		return -EFAULT;
	if (nst_isa(vcpu))
		size = nst_isa(vcpu)->get_state(vcpu, user, room);
	else
		size = nst_get_no_state(vcpu, user, room);
	if (size < 0)
		return size;
	if (size > room)
		return put_user((u32)size, &user->size) ? -EFAULT : -E2BIG;
	return 0;
}

/**
 * nst_set_nested_state() - KVM_SET_NESTED_STATE
 * @object: vCPU, loaded
 * @arg: user pointer to struct kvm_nested_state
 *
 * Return: 0; -ENOTTY without nesting; -EINVAL for unknown flags, a format that
 * is not the guest's, a
 * state that no CPU can be in; -EFAULT, -ENOMEM.
 */
long nst_set_nested_state(void *object, unsigned long arg)
{
	struct kvm_nested_state __user *user = (void __user *)arg;
	struct nst_vcpu *vcpu = object;
	struct kvm_nested_state head;

	if (!nst_param_nested)
		return -ENOTTY;
	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.size < sizeof(head) || (head.flags & ~NST_NESTED_FLAGS))
		return -EINVAL;
	/* An entry can only be pending into L2. */
	if ((head.flags & KVM_STATE_NESTED_RUN_PENDING) &&
	    !(head.flags & KVM_STATE_NESTED_GUEST_MODE))
		return -EINVAL;
	return nst_isa(vcpu) ? nst_isa(vcpu)->set_state(vcpu, user, &head) :
			       nst_set_no_state(vcpu, &head);
}

/**
 * nst_nested_complete() - NST_REQ_NESTED
 * @vcpu: loaded vCPU, about to run
 *
 * Return: NST_ENTER, or what userspace is told.
 */
enum nst_next nst_nested_complete(struct nst_vcpu *vcpu)
{
	return nst_isa(vcpu) && nst_isa(vcpu)->complete ? nst_isa(vcpu)->complete(vcpu) : NST_ENTER;
}
