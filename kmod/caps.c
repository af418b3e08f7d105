// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities: what KVM_CHECK_EXTENSION answers, a row each.  A capability
 * without a row is 0.
 */
#include "nestor.h"
#include <linux/cpumask.h>
#include "core.h"
#include "fpu.h"
#include "irqchip/irqchip.h"
#include "memslot.h"

static int nst_cap_nr_vcpus(void)
{
	return num_online_cpus();
}

static int nst_cap_tsc_control(void)
{
	return nst_caps.tsc_scaling;
}

/* Without XSAVE on the host the area holds the legacy state alone. */
static int nst_cap_xsave2(void)
{
	return max_t(unsigned int, nst_xsave_size(), sizeof(struct kvm_xsave));
}

static const struct {
	unsigned int cap;
	int value;
	int (*ask)(void);	/* used instead of @value when set */
} nst_cap_rows[] = {
	{ KVM_CAP_IRQCHIP, 1 },
	{ KVM_CAP_HLT, 1 },
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_CLOCKSOURCE, 1 },
	{ KVM_CAP_ADJUST_CLOCK,
	  KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC },
	{ KVM_CAP_NR_VCPUS, 0, nst_cap_nr_vcpus },
	{ KVM_CAP_MAX_VCPUS, NST_MAX_VCPUS },
	{ KVM_CAP_MAX_VCPU_ID, NST_MAX_VCPU_ID },
	{ KVM_CAP_NR_MEMSLOTS, NST_MAX_SLOTS },
	{ KVM_CAP_PIT, 1 },
	{ KVM_CAP_PIT2, 1 },
	{ KVM_CAP_PIT_STATE2, 1 },
	{ KVM_CAP_REINJECT_CONTROL, 1 },
	{ KVM_CAP_NOP_IO_DELAY, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_MULTI_ADDRESS_SPACE, NST_NR_SPACES },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, NST_DIRTY_LOG_FLAGS },
	{ KVM_CAP_USER_NMI, 1 },
	{ KVM_CAP_IRQ_ROUTING, NST_MAX_GSIS },
	{ KVM_CAP_IRQ_INJECT_STATUS, 1 },
	{ KVM_CAP_SIGNAL_MSI, 1 },
	{ KVM_CAP_IRQFD, 1 },
	{ KVM_CAP_IRQFD_RESAMPLE, 1 },
	{ KVM_CAP_X2APIC_API, NST_X2APIC_API_FLAGS },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	{ KVM_CAP_IOEVENTFD, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_XSAVE, 1 },
	{ KVM_CAP_XSAVE2, 0, nst_cap_xsave2 },
	{ KVM_CAP_XCRS, 1 },
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_TSC_CONTROL, 0, nst_cap_tsc_control },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
};

/**
 * nst_check_extension() - KVM_CHECK_EXTENSION
 * @vm: the VM it was asked on, NULL on the system fd
 * @cap: KVM_CAP_*
 *
 * Return: the capability's value, 0 when it is not there.
 */
int nst_check_extension(struct nst_vm *vm, unsigned long cap)
{
	for (int i = 0; i < ARRAY_SIZE(nst_cap_rows); i++)
		if (nst_cap_rows[i].cap == cap)
			return nst_cap_rows[i].ask ? nst_cap_rows[i].ask()
						   : nst_cap_rows[i].value;
	return 0;
}

/**
 * nst_vm_enable_cap() - KVM_ENABLE_CAP on a VM
 * @object: the VM; its lock is held
 * @arg: struct kvm_enable_cap
 *
 * Return: 0, or -EINVAL for a capability that is always on, or not there, or
 * for bad arguments.
 */
long nst_vm_enable_cap(void *object, unsigned long arg)
{
	const struct kvm_enable_cap *cap = (const void *)arg;

	if (cap->flags)
		return -EINVAL;
	switch (cap->cap) {
	case KVM_CAP_X2APIC_API:
		return nst_x2apic_api(object, cap->args[0]);
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return nst_set_manual_dirty_log(object, cap->args[0]);
	default:
		return -EINVAL;
	}
}
