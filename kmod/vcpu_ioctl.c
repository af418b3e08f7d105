// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a vCPU's file descriptor.
 */
#include "nestor.h"
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "core.h"
#include "cpuid.h"
#include "fpu.h"
#include "guestmem.h"
#include "hyperv/hyperv.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "msr.h"
#include "nested/nested.h"
#include "tsc.h"

static long nst_vcpu_get_fpu(void *object, unsigned long arg)
{
	return nst_fpu_get(object, (void *)arg);
}

static long nst_vcpu_set_fpu(void *object, unsigned long arg)
{
	return nst_fpu_set(object, (const void *)arg);
}

static long nst_vcpu_get_xsave(void *object, unsigned long arg)
{
	return nst_xsave_get(object, (void *)arg, sizeof(struct kvm_xsave));
}

static long nst_vcpu_set_xsave(void *object, unsigned long arg)
{
	return nst_xsave_set(object, (const void *)arg, sizeof(struct kvm_xsave));
}

/* As long as KVM_CHECK_EXTENSION(KVM_CAP_XSAVE2) says. */
static long nst_vcpu_get_xsave2(void *object, unsigned long arg)
{
	unsigned int size = max_t(unsigned int, nst_xsave_size(), sizeof(struct kvm_xsave));
	void *buf = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	long ret;

	if (!buf)
		return -ENOMEM;
	ret = nst_xsave_get(object, buf, size);
	if (!ret && copy_to_user((void __user *)arg, buf, size))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

static long nst_vcpu_get_xcrs(void *object, unsigned long arg)
{
	return nst_xcrs_get(object, (void *)arg);
}

static long nst_vcpu_set_xcrs(void *object, unsigned long arg)
{
	return nst_xcrs_set(object, (const void *)arg);
}

static long nst_vcpu_get_msrs(void *object, unsigned long arg)
{
	return nst_msr_ioctl(object, (struct kvm_msrs __user *)arg, false);
}

static long nst_vcpu_set_msrs(void *object, unsigned long arg)
{
	return nst_msr_ioctl(object, (struct kvm_msrs __user *)arg, true);
}

static long nst_vcpu_set_cpuid2(void *object, unsigned long arg)
{
	return nst_cpuid_set(object, (struct kvm_cpuid2 __user *)arg);
}

static long nst_vcpu_get_cpuid2(void *object, unsigned long arg)
{
	return nst_cpuid_get(object, (struct kvm_cpuid2 __user *)arg);
}

static long nst_vcpu_get_supported_hv_cpuid(void *object, unsigned long arg)
{
	return nst_hv_cpuid_supported(object, (struct kvm_cpuid2 __user *)arg);
}

static long nst_vcpu_get_lapic(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;

	return vcpu->lapic ? nst_lapic_get(vcpu, (void *)arg) : -EINVAL;
}

static long nst_vcpu_set_lapic(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;

	return vcpu->lapic ? nst_lapic_set(vcpu, (const void *)arg) : -EINVAL;
}

static long nst_vcpu_get_mp_state(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	struct kvm_mp_state *state = (void *)arg;

	/* What was latched before the question counts. */
	if (vcpu->lapic && nst_lapic_has_init_sipi(vcpu) &&
	    nst_init_verdict(vcpu) == NST_DELIVER)
		nst_lapic_accept_init_sipi(vcpu);
	state->mp_state = vcpu->mp_state;
	return 0;
}

static long nst_vcpu_set_mp_state(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	const struct kvm_mp_state *state = (const void *)arg;

	switch (state->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_SIPI_RECEIVED:
		/* SMM holds INIT back, and an SMI comes before the start-up message. */
		nst_collect_smi(vcpu);
		if (vcpu->smm.in || vcpu->smm.pending)
			return -EINVAL;
		fallthrough;
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_UNINITIALIZED:
		/* Without our LAPIC nothing here could end these. */
		if (!vcpu->lapic)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	vcpu->mp_state = state->mp_state;
	nst_request(vcpu, NST_REQ_EVENT);
	return 0;
}

static long nst_vcpu_interrupt(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	const struct kvm_interrupt *irq = (const void *)arg;

	if (irq->irq >= KVM_NR_INTERRUPTS)
		return -EINVAL;
	if (nst_pic_in_kernel(vcpu->vm))
		return -ENXIO;
	if (vcpu->ev.user_vector >= 0)
		return -EEXIST;
	vcpu->ev.user_vector = irq->irq;
	nst_request(vcpu, NST_REQ_EVENT);
	return 0;
}

static long nst_vcpu_nmi(void *object, unsigned long arg)
{
	nst_queue_nmi(object);
	return 0;
}

static long nst_vcpu_smi(void *object, unsigned long arg)
{
	nst_queue_smi(object);
	return 0;
}

static long nst_vcpu_set_signal_mask(void *object, unsigned long arg)
{
	struct kvm_signal_mask __user *user = (struct kvm_signal_mask __user *)arg;
	struct nst_vcpu *vcpu = object;
	struct kvm_signal_mask head;
	sigset_t set;

	if (!user) {
		vcpu->sigmask_set = false;
		return 0;
	}
	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, user->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigmask = set;
	vcpu->sigmask_set = true;
	return 0;
}

static long nst_vcpu_set_tsc_khz(void *object, unsigned long khz)
{
	return khz > U32_MAX ? -EINVAL : nst_tsc_set_khz(object, khz);
}

static long nst_vcpu_get_tsc_khz(void *object, unsigned long arg)
{
	return ((struct nst_vcpu *)object)->tsc_khz;
}

static long nst_vcpu_clock_stopped(void *object, unsigned long arg)
{
	return nst_clock_guest_stopped(object);
}

static long nst_vcpu_translate(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	struct kvm_translation *tr = (void *)arg;
	struct nst_walk_fault fault;
	nst_gpa_t gpa;

	tr->valid = !nst_mmu_translate(vcpu, tr->linear_address, NST_ACCESS_R, &gpa, &fault);
	tr->physical_address = tr->valid ? nst_gpa_raw(gpa) : ~0ull;
	tr->writeable = 1;
	tr->usermode = 0;
	return 0;
}

/* A guest has no PV feature that its CPUID does not show anyway. */
static long nst_vcpu_enable_cap(void *object, unsigned long arg)
{
	const struct kvm_enable_cap *cap = (const void *)arg;

	if (cap->flags)
		return -EINVAL;
	if (cap->cap == KVM_CAP_HYPERV_ENLIGHTENED_VMCS)
		return nst_enable_evmcs(object, cap->args[0]);
	if (cap->cap == KVM_CAP_ENFORCE_PV_FEATURE_CPUID)
		return 0;
	return nst_hv_enable_cap(object, cap);
}

/* The one attribute: how far the guest's TSC is ahead of the host's. */
static long nst_vcpu_has_attr(void *object, unsigned long arg)
{
	const struct kvm_device_attr *attr = (const void *)arg;

	if (attr->flags || attr->group != KVM_VCPU_TSC_CTRL || attr->attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	return 0;
}

static long nst_vcpu_get_attr(void *object, unsigned long arg)
{
	const struct kvm_device_attr *attr = (const void *)arg;
	struct nst_vcpu *vcpu = object;
	long ret = nst_vcpu_has_attr(object, arg);

	return ret ?: put_user(vcpu->tsc_offset_base, (u64 __user *)(unsigned long)attr->addr);
}

static long nst_vcpu_set_attr(void *object, unsigned long arg)
{
	const struct kvm_device_attr *attr = (const void *)arg;
	long ret = nst_vcpu_has_attr(object, arg);
	u64 offset;

	if (!ret)
		ret = get_user(offset, (u64 __user *)(unsigned long)attr->addr);
	if (!ret)
		nst_tsc_set_offset(object, offset);
	return ret;
}

static const struct nst_ioctl nst_vcpu_ioctls[] = {
	{ KVM_RUN, NST_ARG_VALUE, NST_LOCK_VCPU, nst_run },
	{ KVM_GET_REGS, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_get_regs },
	{ KVM_SET_REGS, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_set_regs },
	{ KVM_GET_SREGS, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_get_sregs },
	{ KVM_SET_SREGS, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_set_sregs },
	{ KVM_GET_FPU, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_get_fpu },
	{ KVM_SET_FPU, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_set_fpu },
	{ KVM_GET_XSAVE, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_get_xsave },
	{ KVM_GET_XSAVE2, NST_ARG_USER, NST_LOCK_LOADED, nst_vcpu_get_xsave2 },
	{ KVM_SET_XSAVE, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_set_xsave },
	{ KVM_GET_XCRS, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_get_xcrs },
	{ KVM_SET_XCRS, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_set_xcrs },
	{ KVM_GET_MSRS, NST_ARG_USER, NST_LOCK_LOADED, nst_vcpu_get_msrs },
	{ KVM_SET_MSRS, NST_ARG_USER, NST_LOCK_LOADED, nst_vcpu_set_msrs },
	{ KVM_SET_CPUID2, NST_ARG_USER, NST_LOCK_LOADED, nst_vcpu_set_cpuid2 },
	{ KVM_GET_CPUID2, NST_ARG_USER, NST_LOCK_LOADED, nst_vcpu_get_cpuid2 },
	{ KVM_GET_SUPPORTED_HV_CPUID, NST_ARG_USER, NST_LOCK_VCPU,
	  nst_vcpu_get_supported_hv_cpuid },
	{ KVM_GET_LAPIC, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_get_lapic },
	{ KVM_SET_LAPIC, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_set_lapic },
	{ KVM_GET_MP_STATE, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_get_mp_state },
	{ KVM_SET_MP_STATE, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_set_mp_state },
	{ KVM_GET_VCPU_EVENTS, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_get_vcpu_events },
	{ KVM_SET_VCPU_EVENTS, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_set_vcpu_events },
	{ KVM_GET_DEBUGREGS, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_get_debugregs },
	{ KVM_SET_DEBUGREGS, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_set_debugregs },
	{ KVM_INTERRUPT, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_interrupt },
	{ KVM_NMI, NST_ARG_NONE, NST_LOCK_LOADED, nst_vcpu_nmi },
	{ KVM_SMI, NST_ARG_NONE, NST_LOCK_LOADED, nst_vcpu_smi },
	{ KVM_SET_SIGNAL_MASK, NST_ARG_USER, NST_LOCK_VCPU, nst_vcpu_set_signal_mask },
	{ KVM_SET_TSC_KHZ, NST_ARG_VALUE, NST_LOCK_LOADED, nst_vcpu_set_tsc_khz },
	{ KVM_GET_TSC_KHZ, NST_ARG_NONE, NST_LOCK_LOADED, nst_vcpu_get_tsc_khz },
	{ KVM_ENABLE_CAP, NST_ARG_STRUCT, NST_LOCK_VCPU, nst_vcpu_enable_cap },
	{ KVM_HAS_DEVICE_ATTR, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_has_attr },
	{ KVM_GET_DEVICE_ATTR, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_get_attr },
	{ KVM_SET_DEVICE_ATTR, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_set_attr },
	{ KVM_GET_SREGS2, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_get_sregs2 },
	{ KVM_SET_SREGS2, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_set_sregs2 },
	{ KVM_SET_GUEST_DEBUG, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_set_guest_debug },
	{ KVM_KVMCLOCK_CTRL, NST_ARG_NONE, NST_LOCK_VCPU, nst_vcpu_clock_stopped },
	{ KVM_X86_SETUP_MCE, NST_ARG_STRUCT, NST_LOCK_VCPU, nst_mce_setup },
	{ KVM_X86_SET_MCE, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_mce_inject },
	{ KVM_GET_STATS_FD, NST_ARG_NONE, NST_LOCK_NONE, nst_vcpu_stats_fd },
	{ KVM_GET_NESTED_STATE, NST_ARG_USER, NST_LOCK_LOADED, nst_get_nested_state },
	{ KVM_SET_NESTED_STATE, NST_ARG_USER, NST_LOCK_LOADED, nst_set_nested_state },
	{ KVM_SET_VAPIC_ADDR, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vapic_set_addr },
	{ KVM_TPR_ACCESS_REPORTING, NST_ARG_STRUCT, NST_LOCK_VCPU, nst_tpr_reporting },
	{ KVM_TRANSLATE, NST_ARG_STRUCT, NST_LOCK_LOADED, nst_vcpu_translate },
};

/**
 * nst_vcpu_ioctl() - an ioctl on a vCPU's file descriptor
 * @file: the vCPU's file
 * @cmd: number
 * @arg: argument
 *
 * Return: what the handler says, -EIO for a dead VM or a stranger's memory.
 */
long nst_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct nst_vcpu *vcpu = file->private_data;

	if ((vcpu->vm->mm != current->mm && cmd != KVM_GET_STATS_FD) ||
	    READ_ONCE(vcpu->vm->dead))
		return -EIO;
	return nst_ioctl_dispatch(nst_vcpu_ioctls, ARRAY_SIZE(nst_vcpu_ioctls), vcpu, cmd, arg);
}
