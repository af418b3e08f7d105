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
#include "nested/nested.h"

static int nst_cap_nr_vcpus(void)
{
	return num_online_cpus();
}

/* With the capability clients set XCR0, which -EINVAL answers without XSAVE. */
static int nst_cap_xcrs(void)
{
	return boot_cpu_has(X86_FEATURE_OSXSAVE);
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

/* The CPU's own walk knows the host's width alone; those of shadow paging are ours. */
static int nst_cap_smaller_maxphyaddr(void)
{
	return !nst_caps.tdp;
}

/* MWAIT in a guest puts the host's CPU to sleep as it would without one. */
static int nst_cap_disable_exits(void)
{
	return KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE |
	       (boot_cpu_has(X86_FEATURE_MWAIT) ? KVM_X86_DISABLE_EXITS_MWAIT : 0);
}

static const struct {
	unsigned int cap;
	int value;
	int (*ask)(void);	/* used instead of @value when set */
} nst_cap_rows[] = {
	{ KVM_CAP_NESTED_STATE, 0, nst_nested_state_size },
	{ KVM_CAP_HYPERV_ENLIGHTENED_VMCS, 0, nst_cap_evmcs },
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
	{ KVM_CAP_VAPIC, 1 },
	{ KVM_CAP_ASYNC_PF, 1 },
	{ KVM_CAP_ASYNC_PF_INT, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1 },
	{ KVM_CAP_MULTI_ADDRESS_SPACE, NST_NR_SPACES },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, NST_DIRTY_LOG_FLAGS },
	{ KVM_CAP_DIRTY_LOG_RING, NST_DIRTY_RING_BYTES },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, NST_DIRTY_RING_BYTES },
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
	{ KVM_CAP_X86_SMM, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_XSAVE, 1 },
	{ KVM_CAP_XSAVE2, 0, nst_cap_xsave2 },
	{ KVM_CAP_XCRS, 0, nst_cap_xcrs },
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_TSC_CONTROL, 0, nst_cap_tsc_control },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
	{ KVM_CAP_SPLIT_IRQCHIP, 1 },
	{ KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET },
	{ KVM_CAP_COALESCED_PIO, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG2, NST_GUESTDBG_FLAGS },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },
	{ KVM_CAP_EXCEPTION_PAYLOAD, 1 },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1 },
	{ KVM_CAP_SREGS2, 1 },
	{ KVM_CAP_KVMCLOCK_CTRL, 1 },
	{ KVM_CAP_MCE, NST_MCE_BANKS },
	{ KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS },
	{ KVM_CAP_X86_USER_SPACE_MSR, NST_USER_MSR_REASONS },
	{ KVM_CAP_X86_MSR_FILTER, 1 },
	{ KVM_CAP_MSR_PLATFORM_INFO, 1 },
	{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1 },
	{ KVM_CAP_DISABLE_QUIRKS, 1 },
	{ KVM_CAP_DISABLE_QUIRKS2, NST_QUIRKS },
	{ KVM_CAP_SMALLER_MAXPHYADDR, 0, nst_cap_smaller_maxphyaddr },
	{ KVM_CAP_X86_DISABLE_EXITS, 0, nst_cap_disable_exits },
	{ KVM_CAP_BINARY_STATS_FD, 1 },
	{ KVM_CAP_ENABLE_CAP, 1 },
	{ KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1 },
	{ KVM_CAP_VCPU_ATTRIBUTES, 1 },
	{ KVM_CAP_HYPERV, 1 },
	{ KVM_CAP_HYPERV_VAPIC, 1 },
	{ KVM_CAP_HYPERV_SPIN, 1 },
	{ KVM_CAP_HYPERV_SYNIC, 1 },
	{ KVM_CAP_HYPERV_SYNIC2, 1 },
	{ KVM_CAP_HYPERV_EVENTFD, 1 },
	{ KVM_CAP_HYPERV_TIME, 1 },
	{ KVM_CAP_HYPERV_TLBFLUSH, 1 },
	{ KVM_CAP_HYPERV_SEND_IPI, 1 },
	{ KVM_CAP_HYPERV_VP_INDEX, 1 },
	{ KVM_CAP_HYPERV_CPUID, 1 },
	{ KVM_CAP_SYS_HYPERV_CPUID, 1 },
	{ KVM_CAP_HYPERV_ENFORCE_CPUID, 1 },
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

/* ---- KVM_ENABLE_CAP on a VM: vm->lock is held ---- */

static int nst_enable_split(struct nst_vm *vm, const u64 *args)
{
	return nst_irqchip_split(vm, args[0]);
}

static int nst_enable_x2apic_api(struct nst_vm *vm, const u64 *args)
{
	return nst_x2apic_api(vm, args[0]);
}

static int nst_enable_payload(struct nst_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->exception_payload, args[0]);
	return 0;
}

static int nst_enable_triple_fault(struct nst_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->triple_fault_event, args[0]);
	return 0;
}

static int nst_enable_user_msr(struct nst_vm *vm, const u64 *args)
{
	if (args[0] & ~(u64)NST_USER_MSR_REASONS)
		return -EINVAL;
	WRITE_ONCE(vm->user_msrs, args[0]);
	return 0;
}

static int nst_enable_platform_info(struct nst_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->hide_platform_info, !args[0]);
	return 0;
}

static int nst_enable_emulation_exit(struct nst_vm *vm, const u64 *args)
{
	if (args[0] & ~1ull)
		return -EINVAL;
	WRITE_ONCE(vm->exit_on_emulation_failure, args[0]);
	return 0;
}

/* The first of the two capabilities takes any bit, known or not. */
static int nst_enable_quirks(struct nst_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->quirks_off, args[0] & NST_QUIRKS);
	return 0;
}

static int nst_enable_quirks2(struct nst_vm *vm, const u64 *args)
{
	return args[0] & ~(u64)NST_QUIRKS ? -EINVAL : nst_enable_quirks(vm, args);
}

/* Once, before a vCPU has a number that is too high. */
static int nst_enable_max_vcpu_id(struct nst_vm *vm, const u64 *args)
{
	if (!args[0] || args[0] > NST_MAX_VCPU_ID || vm->nr_vcpus ||
	    (vm->max_vcpu_id && vm->max_vcpu_id != args[0]))
		return -EINVAL;
	vm->max_vcpu_id = args[0];
	return 0;
}

/* vCPUs take their intercepts from it when they are made. */
static int nst_enable_exits(struct nst_vm *vm, const u64 *args)
{
	if ((args[0] & ~(u64)nst_cap_disable_exits()) || vm->nr_vcpus)
		return -EINVAL;
	vm->no_exits |= args[0];
	return 0;
}

static int nst_enable_manual_dirty_log(struct nst_vm *vm, const u64 *args)
{
	return nst_set_manual_dirty_log(vm, args[0]);
}

static int nst_enable_dirty_ring(struct nst_vm *vm, const u64 *args)
{
	return nst_dirty_ring_enable(vm, args[0]);
}

static const struct {
	unsigned int cap;
	int (*enable)(struct nst_vm *vm, const u64 *args);
} nst_enable_rows[] = {
	{ KVM_CAP_X2APIC_API, nst_enable_x2apic_api },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, nst_enable_manual_dirty_log },
	{ KVM_CAP_DIRTY_LOG_RING, nst_enable_dirty_ring },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, nst_enable_dirty_ring },
	{ KVM_CAP_SPLIT_IRQCHIP, nst_enable_split },
	{ KVM_CAP_EXCEPTION_PAYLOAD, nst_enable_payload },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, nst_enable_triple_fault },
	{ KVM_CAP_X86_USER_SPACE_MSR, nst_enable_user_msr },
	{ KVM_CAP_MSR_PLATFORM_INFO, nst_enable_platform_info },
	{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, nst_enable_emulation_exit },
	{ KVM_CAP_DISABLE_QUIRKS, nst_enable_quirks },
	{ KVM_CAP_DISABLE_QUIRKS2, nst_enable_quirks2 },
	{ KVM_CAP_MAX_VCPU_ID, nst_enable_max_vcpu_id },
	{ KVM_CAP_X86_DISABLE_EXITS, nst_enable_exits },
};

/**
 * nst_vm_enable_cap() - KVM_ENABLE_CAP on a VM
 * @object: the VM; its lock is held
 * @arg: struct kvm_enable_cap
 *
 * Return: 0, or -EINVAL for a capability that is always on, or not there, or
 * for bad arguments; -EEXIST, -ENOMEM.
 */
long nst_vm_enable_cap(void *object, unsigned long arg)
{
	const struct kvm_enable_cap *cap = (const void *)arg;

	if (cap->flags)
		return -EINVAL;
	for (int i = 0; i < ARRAY_SIZE(nst_enable_rows); i++)
		if (nst_enable_rows[i].cap == cap->cap)
			return nst_enable_rows[i].enable(object, cap->args);
	return -EINVAL;
}
