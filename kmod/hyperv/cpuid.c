// SPDX-License-Identifier: GPL-2.0-only
/*
 * The leaves that say what there is of Hyper-V's interface: KVM_GET_SUPPORTED_HV_CPUID.
 * Userspace gives a guest as much of them as it wants by KVM_SET_CPUID2.
 *
 * TLFS "Feature and Interface Discovery".
 */
#include "../nestor.h"
#include <linux/cpu.h>
#include <linux/uaccess.h>
#include "../nested/nested.h"
#include "hyperv.h"

/* Whose implementation it is; the others are what guests look at. */
#define VENDOR		"Linux KVM Hv"
#define STACK_VENDOR	"Microsoft VS"
#define BUILD		14393		/* that of a Windows Server 2016 */
#define MAJOR_MINOR	(10 << 16)

#define RIGHTS	(HV_MSR_VP_RUNTIME_AVAILABLE | HV_MSR_TIME_REF_COUNT_AVAILABLE |	\
		 HV_MSR_SYNIC_AVAILABLE | HV_MSR_SYNTIMER_AVAILABLE |			\
		 HV_MSR_APIC_ACCESS_AVAILABLE | HV_MSR_HYPERCALL_AVAILABLE |		\
		 HV_MSR_VP_INDEX_AVAILABLE | HV_MSR_RESET_AVAILABLE |			\
		 HV_MSR_REFERENCE_TSC_AVAILABLE | HV_ACCESS_FREQUENCY_MSRS |		\
		 HV_ACCESS_REENLIGHTENMENT)
#define CALLS	(HV_POST_MESSAGES | HV_SIGNAL_EVENTS | HV_DEBUGGING)
#define FEATURES (HV_X64_HYPERCALL_XMM_INPUT_AVAILABLE | HV_FEATURE_FREQUENCY_MSRS_AVAILABLE | \
		 HV_FEATURE_GUEST_CRASH_MSR_AVAILABLE | HV_X64_GUEST_DEBUGGING_AVAILABLE | \
		 HV_FEATURE_DEBUG_MSRS_AVAILABLE)
#define HINTS	(HV_X64_REMOTE_TLB_FLUSH_RECOMMENDED | HV_X64_APIC_ACCESS_RECOMMENDED |	\
		 HV_X64_RELAXED_TIMING_RECOMMENDED | HV_X64_CLUSTER_IPI_RECOMMENDED |	\
		 HV_X64_EX_PROCESSOR_MASKS_RECOMMENDED)

static void set_name(struct kvm_cpuid_entry2 *e, const char name[12])
{
	memcpy(&e->ebx, name, 4);
	memcpy(&e->ecx, name + 4, 4);
	memcpy(&e->edx, name + 8, 4);
}

static void fill_max(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu)
{
	e->eax = NST_HV_LEAF_STACK_FEATURES;
	set_name(e, VENDOR);
}

static void fill_interface(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu)
{
	e->eax = NST_HV_INTERFACE;
}

static void fill_version(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu)
{
	e->eax = BUILD;
	e->ebx = MAJOR_MINOR;
}

static void fill_features(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu)
{
	e->eax = RIGHTS;
	e->ebx = CALLS;
	e->edx = FEATURES;
	/* It is an interrupt of the local APIC; the system's answer is for all VMs. */
	if (!vcpu || vcpu->lapic)
		e->edx |= HV_STIMER_DIRECT_MODE_AVAILABLE;
}

static void fill_hints(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu)
{
	e->eax = HINTS;
	/* One thread a core: no other VM's vCPU can be its sibling. */
	if (!cpu_smt_possible())
		e->eax |= HV_X64_NO_NONARCH_CORESHARING;
	if (nst_hv_nested_features(vcpu) & NST_HV_EVMCS_VERSIONS)
		e->eax |= HV_X64_ENLIGHTENED_VMCS_RECOMMENDED;
	e->ebx = NST_HV_SPIN_FOREVER;
}

static void fill_limits(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu)
{
	e->eax = NST_MAX_VCPUS;
	/* As many as a set of processors without sparse banks can name. */
	e->ebx = NST_HV_VPS_A_BANK;
}

static void fill_nested(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu)
{
	e->eax = nst_hv_nested_features(vcpu);
}

static void fill_stack(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu)
{
	e->eax = NST_HV_LEAF_STACK_FEATURES;
	set_name(e, STACK_VENDOR);
}

static void fill_stack_interface(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu)
{
	e->eax = NST_HV_STACK_INTERFACE;
}

static void fill_stack_features(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu)
{
	e->eax = NST_HV_SYNDBG_ALLOWED;
}

static const struct {
	u32 leaf;
	void (*fill)(struct kvm_cpuid_entry2 *e, const struct nst_vcpu *vcpu);
} leaves[] = {
	{ HYPERV_CPUID_VENDOR_AND_MAX_FUNCTIONS, fill_max },
	{ HYPERV_CPUID_INTERFACE, fill_interface },
	{ HYPERV_CPUID_VERSION, fill_version },
	{ HYPERV_CPUID_FEATURES, fill_features },
	{ HYPERV_CPUID_ENLIGHTMENT_INFO, fill_hints },
	{ HYPERV_CPUID_IMPLEMENT_LIMITS, fill_limits },
	{ HYPERV_CPUID_NESTED_FEATURES, fill_nested },
	{ NST_HV_LEAF_STACK, fill_stack },
	{ NST_HV_LEAF_STACK_INTERFACE, fill_stack_interface },
	{ NST_HV_LEAF_STACK_FEATURES, fill_stack_features },
};

/**
 * nst_hv_cpuid_supported() - KVM_GET_SUPPORTED_HV_CPUID
 * @vcpu: the vCPU it was asked on, mutex held; NULL on the system fd
 * @ucpuid: the user's buffer; nent says how many entries it holds, then how many it has
 *
 * Return: 0; -E2BIG when they do not fit, with nothing written; -EFAULT.
 */
long nst_hv_cpuid_supported(struct nst_vcpu *vcpu, struct kvm_cpuid2 __user *ucpuid)
{
	struct kvm_cpuid_entry2 entries[ARRAY_SIZE(leaves)] = {};
	u32 nent;

	if (get_user(nent, &ucpuid->nent))
		return -EFAULT;
	if (nent < ARRAY_SIZE(leaves))
		return -E2BIG;
	for (int i = 0; i < ARRAY_SIZE(leaves); i++) {
		entries[i].function = leaves[i].leaf;
		leaves[i].fill(&entries[i], vcpu);
	}
	if (put_user((u32)ARRAY_SIZE(leaves), &ucpuid->nent) ||
	    copy_to_user(ucpuid->entries, entries, sizeof(entries)))
		return -EFAULT;
	return 0;
}
