// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device nodes: /dev/nestor always, /dev/kvm when its number is free, so
 * that clients with that name built in run unchanged.
 */
#include "nestor.h"
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include "core.h"
#include "cpuid.h"
#include "hyperv/hyperv.h"
#include "msr.h"
#include "../uapi/nestor.h"

static_assert(sizeof(struct nestor_info) == 32);

static bool nst_param_kvm_node = true;
module_param_named(kvm_node, nst_param_kvm_node, bool, 0444);
MODULE_PARM_DESC(kvm_node, "Also offer /dev/kvm when nobody else does (default: on)");

static bool nst_kvm_node_ours;

static long nst_get_api_version(void *object, unsigned long arg)
{
	return arg ? -EINVAL : KVM_API_VERSION;
}

static long nst_create_vm(void *object, unsigned long type)
{
	return nst_vm_create(type, "nestor-vm");
}

static long nst_sys_check_extension(void *object, unsigned long cap)
{
	return nst_check_extension(NULL, cap);
}

/* kvm_run, the page of port data, and the ring of coalesced accesses. */
static long nst_get_mmap_size(void *object, unsigned long arg)
{
	return arg ? -EINVAL : NST_MMAP_PAGES * PAGE_SIZE;
}

static long nst_get_supported_cpuid(void *object, unsigned long arg)
{
	return nst_cpuid_supported((struct kvm_cpuid2 __user *)arg);
}

static long nst_get_supported_hv_cpuid(void *object, unsigned long arg)
{
	return nst_hv_cpuid_supported(NULL, (struct kvm_cpuid2 __user *)arg);
}

static long nst_get_msr_index_list(void *object, unsigned long arg)
{
	return nst_msr_index_list((struct kvm_msr_list __user *)arg);
}

static long nst_get_msr_feature_list(void *object, unsigned long arg)
{
	return nst_msr_feature_list((struct kvm_msr_list __user *)arg);
}

static long nst_get_feature_msrs(void *object, unsigned long arg)
{
	return nst_msr_feature_ioctl((struct kvm_msrs __user *)arg);
}

static long nst_get_info(void *object, unsigned long arg)
{
	struct nestor_info *info = (void *)arg;

	info->backend = nst_backend == &vmx_backend ? NESTOR_BACKEND_VMX : NESTOR_BACKEND_SVM;
	if (nst_caps.tdp) {
		info->flags |= NESTOR_INFO_TDP;
		info->tdp_levels = nst_caps.tdp_levels;
	}
	if (nst_caps.unrestricted)
		info->flags |= NESTOR_INFO_UNRESTRICTED;
	if (nst_caps.tsc_scaling)
		info->flags |= NESTOR_INFO_TSC_SCALING;
	return 0;
}

static const struct nst_ioctl nst_sys_ioctls[] = {
	{ NESTOR_GET_INFO, NST_ARG_STRUCT, NST_LOCK_NONE, nst_get_info },
	{ KVM_GET_API_VERSION, NST_ARG_VALUE, NST_LOCK_NONE, nst_get_api_version },
	{ KVM_CREATE_VM, NST_ARG_VALUE, NST_LOCK_NONE, nst_create_vm },
	{ KVM_CHECK_EXTENSION, NST_ARG_VALUE, NST_LOCK_NONE, nst_sys_check_extension },
	{ KVM_GET_VCPU_MMAP_SIZE, NST_ARG_VALUE, NST_LOCK_NONE, nst_get_mmap_size },
	{ KVM_GET_SUPPORTED_CPUID, NST_ARG_USER, NST_LOCK_NONE, nst_get_supported_cpuid },
	{ KVM_GET_SUPPORTED_HV_CPUID, NST_ARG_USER, NST_LOCK_NONE, nst_get_supported_hv_cpuid },
	{ KVM_GET_MSR_INDEX_LIST, NST_ARG_USER, NST_LOCK_NONE, nst_get_msr_index_list },
	{ KVM_GET_MSR_FEATURE_INDEX_LIST, NST_ARG_USER, NST_LOCK_NONE,
	  nst_get_msr_feature_list },
	{ KVM_X86_GET_MCE_CAP_SUPPORTED, NST_ARG_STRUCT, NST_LOCK_NONE, nst_mce_cap_supported },
	{ KVM_GET_MSRS, NST_ARG_USER, NST_LOCK_NONE, nst_get_feature_msrs },
};

static long nst_sys_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return nst_ioctl_dispatch(nst_sys_ioctls, ARRAY_SIZE(nst_sys_ioctls), NULL, cmd, arg);
}

static const struct file_operations nst_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = nst_sys_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* Only root until udev applies the rule that ships with the launcher. */
static struct miscdevice nst_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "nestor",
	.fops = &nst_dev_fops,
	.mode = 0600,
};

static struct miscdevice nst_kvm_dev = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &nst_dev_fops,
	.mode = 0600,
};

/**
 * nst_dev_init() - make the device nodes
 *
 * Return: 0 or -errno.
 */
int nst_dev_init(void)
{
	int ret = misc_register(&nst_dev);

	if (ret)
		return ret;
	if (!nst_param_kvm_node)
		return 0;
	nst_kvm_node_ours = !misc_register(&nst_kvm_dev);
	if (!nst_kvm_node_ours)
		pr_info("/dev/kvm belongs to somebody else; use /dev/nestor\n");
	return 0;
}

/**
 * nst_dev_exit() - remove the device nodes
 */
void nst_dev_exit(void)
{
	if (nst_kvm_node_ours)
		misc_deregister(&nst_kvm_dev);
	misc_deregister(&nst_dev);
}
