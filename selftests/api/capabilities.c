// SPDX-License-Identifier: GPL-2.0-only
/*
 * CHECK_EXTENSION: what is claimed has its ioctl, what is not has none, numbers
 * make sense, the VM agrees with the device, and unknown capabilities are 0.
 */
#include <sys/ioctl.h>

#include "api.h"

#define UNKNOWN_FIRST	4000u
#define LAST_KNOWN	300u

enum where { ON_VM, ON_VCPU };

/* An ioctl of a capability; called with an argument that it must refuse or take. */
static const struct {
	unsigned int cap;
	const char *name;
	enum where where;
	unsigned long request;
} rows[] = {
	{ KVM_CAP_USER_MEMORY, "USER_MEMORY", ON_VM, KVM_SET_USER_MEMORY_REGION },
	{ KVM_CAP_IRQCHIP, "IRQCHIP", ON_VM, KVM_GET_IRQCHIP },
	{ KVM_CAP_SET_TSS_ADDR, "SET_TSS_ADDR", ON_VM, KVM_SET_TSS_ADDR },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, "SET_IDENTITY_MAP_ADDR", ON_VM,
	  KVM_SET_IDENTITY_MAP_ADDR },
	{ KVM_CAP_SET_BOOT_CPU_ID, "SET_BOOT_CPU_ID", ON_VM, KVM_SET_BOOT_CPU_ID },
	{ KVM_CAP_PIT, "PIT", ON_VM, KVM_CREATE_PIT },
	{ KVM_CAP_PIT2, "PIT2", ON_VM, KVM_CREATE_PIT2 },
	{ KVM_CAP_PIT_STATE2, "PIT_STATE2", ON_VM, KVM_GET_PIT2 },
	{ KVM_CAP_REINJECT_CONTROL, "REINJECT_CONTROL", ON_VM, KVM_REINJECT_CONTROL },
	{ KVM_CAP_IRQ_ROUTING, "IRQ_ROUTING", ON_VM, KVM_SET_GSI_ROUTING },
	{ KVM_CAP_IRQ_INJECT_STATUS, "IRQ_INJECT_STATUS", ON_VM, KVM_IRQ_LINE_STATUS },
	{ KVM_CAP_SIGNAL_MSI, "SIGNAL_MSI", ON_VM, KVM_SIGNAL_MSI },
	{ KVM_CAP_IRQFD, "IRQFD", ON_VM, KVM_IRQFD },
	{ KVM_CAP_IOEVENTFD, "IOEVENTFD", ON_VM, KVM_IOEVENTFD },
	{ KVM_CAP_ADJUST_CLOCK, "ADJUST_CLOCK", ON_VM, KVM_GET_CLOCK },
	{ KVM_CAP_ENABLE_CAP_VM, "ENABLE_CAP_VM", ON_VM, KVM_ENABLE_CAP },
	{ KVM_CAP_VM_TSC_CONTROL, "VM_TSC_CONTROL", ON_VM, KVM_GET_TSC_KHZ },
	{ KVM_CAP_X86_MSR_FILTER, "X86_MSR_FILTER", ON_VM, KVM_X86_SET_MSR_FILTER },
	{ KVM_CAP_HYPERV_EVENTFD, "HYPERV_EVENTFD", ON_VM, KVM_HYPERV_EVENTFD },
	{ KVM_CAP_COALESCED_MMIO, "COALESCED_MMIO", ON_VM, KVM_REGISTER_COALESCED_MMIO },
	{ KVM_CAP_DEVICE_CTRL, "DEVICE_CTRL", ON_VM, KVM_CREATE_DEVICE },
	{ KVM_CAP_HYPERV_CPUID, "HYPERV_CPUID", ON_VCPU, KVM_GET_SUPPORTED_HV_CPUID },
	{ KVM_CAP_EXT_CPUID, "EXT_CPUID", ON_VCPU, KVM_SET_CPUID2 },
	{ KVM_CAP_MP_STATE, "MP_STATE", ON_VCPU, KVM_GET_MP_STATE },
	{ KVM_CAP_USER_NMI, "USER_NMI", ON_VCPU, KVM_NMI },
	{ KVM_CAP_VCPU_EVENTS, "VCPU_EVENTS", ON_VCPU, KVM_GET_VCPU_EVENTS },
	{ KVM_CAP_DEBUGREGS, "DEBUGREGS", ON_VCPU, KVM_GET_DEBUGREGS },
	{ KVM_CAP_XSAVE, "XSAVE", ON_VCPU, KVM_GET_XSAVE },
	{ KVM_CAP_XSAVE2, "XSAVE2", ON_VCPU, KVM_GET_XSAVE2 },
	{ KVM_CAP_GET_TSC_KHZ, "GET_TSC_KHZ", ON_VCPU, KVM_GET_TSC_KHZ },
	{ KVM_CAP_ENABLE_CAP, "ENABLE_CAP", ON_VCPU, KVM_ENABLE_CAP },
	{ KVM_CAP_SET_GUEST_DEBUG, "SET_GUEST_DEBUG", ON_VCPU, KVM_SET_GUEST_DEBUG },
	{ KVM_CAP_VAPIC, "VAPIC", ON_VCPU, KVM_SET_VAPIC_ADDR },
	{ KVM_CAP_MCE, "MCE", ON_VCPU, KVM_X86_SETUP_MCE },
	{ KVM_CAP_KVMCLOCK_CTRL, "KVMCLOCK_CTRL", ON_VCPU, KVM_KVMCLOCK_CTRL },
	{ KVM_CAP_NESTED_STATE, "NESTED_STATE", ON_VCPU, KVM_GET_NESTED_STATE },
	{ KVM_CAP_SREGS2, "SREGS2", ON_VCPU, KVM_GET_SREGS2 },
	{ KVM_CAP_ONE_REG, "ONE_REG", ON_VCPU, KVM_GET_ONE_REG },
};

static struct machine m;

static long check(int fd, unsigned int cap)
{
	return call_value(fd, KVM_CHECK_EXTENSION, cap);
}

static void test_ioctls(void)
{
	unsigned int i;

	for (i = 0; i < COUNT(rows); i++) {
		bool claimed = check(m.fd, rows[i].cap) > 0;
		int fd = rows[i].where == ON_VM ? m.fd : m.cpu[0];
		long ret = call(fd, rows[i].request, BAD_POINTER);

		if (claimed)
			tap_ok(ret != -ENOTTY, "%s is claimed and has its ioctl (%ld)",
			       rows[i].name, ret);
		else
			is(ret, -ENOTTY, "%s is not claimed and has no ioctl", rows[i].name);
	}
}

static void test_numbers(void)
{
	long vcpus = check(api_device, KVM_CAP_NR_VCPUS);
	long max = check(api_device, KVM_CAP_MAX_VCPUS);

	tap_ok(vcpus > 0 && vcpus <= max, "NR_VCPUS and MAX_VCPUS (%ld, %ld)", vcpus, max);
	tap_ok(check(api_device, KVM_CAP_MAX_VCPU_ID) >= max, "MAX_VCPU_ID");
	tap_ok(check(api_device, KVM_CAP_NR_MEMSLOTS) >= 509, "NR_MEMSLOTS");
	is(check(api_device, KVM_CAP_IMMEDIATE_EXIT), 1, "IMMEDIATE_EXIT");
	is(check(api_device, KVM_CAP_DESTROY_MEMORY_REGION_WORKS), 1,
	   "DESTROY_MEMORY_REGION_WORKS");
	is(check(api_device, KVM_CAP_JOIN_MEMORY_REGIONS_WORKS), 1, "JOIN_MEMORY_REGIONS_WORKS");
	is(check(api_device, KVM_CAP_READONLY_MEM), 1, "READONLY_MEM");
	is(check(api_device, KVM_CAP_SYNC_MMU), 1, "SYNC_MMU");
}

static void test_agreement(void)
{
	unsigned int cap, differ = 0, below = 0;

	for (cap = 0; cap < LAST_KNOWN; cap++) {
		long value = check(api_device, cap);

		below += value < 0;
		differ += value != check(m.fd, cap);
	}
	is(below, 0, "no capability is an error");
	is(differ, 0, "the VM agrees with the device");
}

static void test_unknown(void)
{
	unsigned int cap, claimed = 0;

	for (cap = UNKNOWN_FIRST; cap < UNKNOWN_FIRST + 1000; cap++)
		claimed += check(api_device, cap) != 0;
	is(claimed, 0, "capabilities that do not exist are 0");
	is(call_value(api_device, KVM_CHECK_EXTENSION, ~0ul), 0, "capability -1");
	is(call_value(api_device, KVM_CHECK_EXTENSION, (1ul << 32) + KVM_CAP_IRQCHIP), 0,
	   "a number of more than 32 bits");
	is(check(api_device, KVM_CAP_S390_PSW), 0, "another architecture's");
	is(check(api_device, KVM_CAP_PPC_SMT), 0, "and one more");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_IRQCHIP, 1);
	test_ioctls();
	test_numbers();
	test_agreement();
	test_unknown();
	api_destroy(&m);
	return tap_done();
}
