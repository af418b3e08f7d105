// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Hyper-V's interface has for guests that are hypervisors: which of it there is,
 * and who may use it.  TLFS "Nested Virtualization".
 */
#include "../nestor.h"
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "../cpuid.h"
#include "evmcs.h"

/**
 * nst_cap_evmcs() - the value of KVM_CAP_HYPERV_ENLIGHTENED_VMCS
 *
 * Return: 1 where guests can have VMX.
 */
int nst_cap_evmcs(void)
{
	return nst_param_nested && nst_offer_vmx;
}

/**
 * nst_hv_nested_features() - EAX of CPUID leaf 0x4000000a, as much as there is
 * @vcpu: the vCPU, which has to have the capability of enlightened VMCSs to be told of
 *	them; NULL: what one could have
 *
 * Return: HV_X64_NESTED_*, and in the low 16 bits versions of the enlightened VMCS; 0:
 * there is nothing.
 */
u32 nst_hv_nested_features(const struct nst_vcpu *vcpu)
{
	bool evmcs = vcpu ? vcpu->nested && vcpu->nested->evmcs : nst_cap_evmcs();

	if (!nst_param_nested)
		return 0;
	return HV_X64_NESTED_MSR_BITMAP | (evmcs ? NVMX_EVMCS_VERSIONS : 0);
}

/**
 * nst_enable_evmcs() - KVM_ENABLE_CAP of KVM_CAP_HYPERV_ENLIGHTENED_VMCS
 * @vcpu: vCPU, mutex held
 * @user: where to put the versions, a u16, or 0
 *
 * Return: 0; -EINVAL where no guest has VMX; -ENOMEM, -EFAULT.
 */
long nst_enable_evmcs(struct nst_vcpu *vcpu, u64 user)
{
	const u16 versions = NVMX_EVMCS_VERSIONS;
	struct nvmx_evmcs *evmcs;

	if (!nst_cap_evmcs())
		return -EINVAL;
	if (!vcpu->nested->evmcs) {
		evmcs = kzalloc(sizeof(*evmcs), GFP_KERNEL_ACCOUNT);
		if (!evmcs)
			return -ENOMEM;
		evmcs->ptr = NVMX_NO_POINTER;
		vcpu->nested->evmcs = evmcs;
	}
	return user && put_user(versions, (u16 __user *)(unsigned long)user) ? -EFAULT : 0;
}

/**
 * nst_hv_msr_bitmap() - may L1 say that it has not changed its MSR bitmap?
 * @vcpu: the vCPU
 *
 * Return: whether its CPUID shows "Enlightened MSR Bitmap".
 */
bool nst_hv_msr_bitmap(struct nst_vcpu *vcpu)
{
	return nst_guest_has(vcpu, NST_GCAP_HYPERV) &&
	       (nst_cpuid_word(vcpu, HYPERV_CPUID_NESTED_FEATURES, NST_CPUID_EAX) &
		HV_X64_NESTED_MSR_BITMAP);
}
