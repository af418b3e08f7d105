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

#define NST_NESTED_FLAGS	(KVM_STATE_NESTED_GUEST_MODE | KVM_STATE_NESTED_RUN_PENDING | \
				 KVM_STATE_NESTED_EVMCS | KVM_STATE_NESTED_MTF_PENDING | \
				 KVM_STATE_NESTED_GIF_SET)

/**
 * nst_get_nested_state() - KVM_GET_NESTED_STATE
 * @object: vCPU, loaded
 * @arg: user pointer to struct kvm_nested_state; its size says how much fits
 *
 * Return: 0; -ENOTTY without nesting; -EINVAL for a guest without it; -E2BIG with
 * the size that is needed; -EFAULT.
 */
long nst_get_nested_state(void *object, unsigned long arg)
{
	struct kvm_nested_state __user *user = (void __user *)arg;
	struct nst_vcpu *vcpu = object;
	u32 room;
	long size;

	if (!nst_param_nested)
		return -ENOTTY;
	if (!nst_isa(vcpu) || !nst_isa(vcpu)->get_state)
		return -EINVAL;
	if (get_user(room, &user->size))
		return -EFAULT;
	size = nst_isa(vcpu)->get_state(vcpu, user, room);
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
	if (!nst_isa(vcpu) || !nst_isa(vcpu)->set_state)
		return -EINVAL;
	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.size < sizeof(head) || (head.flags & ~NST_NESTED_FLAGS))
		return -EINVAL;
	/* An entry can only be pending into L2. */
	if ((head.flags & KVM_STATE_NESTED_RUN_PENDING) &&
	    !(head.flags & KVM_STATE_NESTED_GUEST_MODE))
		return -EINVAL;
	return nst_isa(vcpu)->set_state(vcpu, user, &head);
}
