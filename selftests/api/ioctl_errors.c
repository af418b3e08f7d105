// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every ioctl refuses, and how: a pointer to nowhere, a file of another kind,
 * a struct of another size, a process with other memory. And the errors of those
 * that no other test is about. scripts/check-tree.py sees to it that none is missing.
 */
#include <signal.h>
#include <unistd.h>
#include <linux/kvm_para.h>
#include <sys/ioctl.h>

#include "api.h"
#include "../../uapi/nestor.h"

enum where { DEVICE, ON_VM, ON_VCPU, NR_KINDS };

#define POINTER		1	/* it takes one, and looks at it before all else */
#define ANY_KIND	2	/* more kinds of files than one have it */
#define NESTED		4	/* only with nested=1 */

#define ROW(where, name, flags)	{ name, #name, where, flags }

static const struct {
	unsigned long request;
	const char *name;
	enum where where;
	unsigned int flags;
} rows[] = {
	ROW(DEVICE, NESTOR_GET_INFO, POINTER),
	ROW(DEVICE, KVM_GET_API_VERSION, 0),
	ROW(DEVICE, KVM_CREATE_VM, 0),
	ROW(DEVICE, KVM_CHECK_EXTENSION, ANY_KIND),
	ROW(DEVICE, KVM_GET_VCPU_MMAP_SIZE, 0),
	ROW(DEVICE, KVM_GET_SUPPORTED_CPUID, POINTER),
	ROW(DEVICE, KVM_GET_SUPPORTED_HV_CPUID, POINTER | ANY_KIND),
	ROW(DEVICE, KVM_GET_MSR_INDEX_LIST, POINTER),
	ROW(DEVICE, KVM_GET_MSR_FEATURE_INDEX_LIST, POINTER),
	ROW(DEVICE, KVM_X86_GET_MCE_CAP_SUPPORTED, POINTER),
	ROW(ON_VM, KVM_IRQ_LINE, POINTER),
	ROW(ON_VM, KVM_IRQ_LINE_STATUS, POINTER),
	ROW(ON_VM, KVM_SIGNAL_MSI, POINTER),
	ROW(ON_VM, KVM_CREATE_VCPU, 0),
	ROW(ON_VM, KVM_SET_USER_MEMORY_REGION, POINTER),
	ROW(ON_VM, KVM_GET_DIRTY_LOG, POINTER),
	ROW(ON_VM, KVM_CLEAR_DIRTY_LOG, POINTER),
	ROW(ON_VM, KVM_RESET_DIRTY_RINGS, 0),
	ROW(ON_VM, KVM_SET_NR_MMU_PAGES, 0),
	ROW(ON_VM, KVM_GET_NR_MMU_PAGES, 0),
	ROW(ON_VM, KVM_SET_TSS_ADDR, 0),
	ROW(ON_VM, KVM_SET_IDENTITY_MAP_ADDR, POINTER),
	ROW(ON_VM, KVM_SET_BOOT_CPU_ID, 0),
	ROW(ON_VM, KVM_CREATE_IRQCHIP, 0),
	ROW(ON_VM, KVM_CREATE_PIT2, POINTER),
	ROW(ON_VM, KVM_CREATE_PIT, 0),
	ROW(ON_VM, KVM_GET_IRQCHIP, POINTER),
	ROW(ON_VM, KVM_SET_IRQCHIP, POINTER),
	ROW(ON_VM, KVM_GET_PIT2, POINTER),
	ROW(ON_VM, KVM_SET_PIT2, POINTER),
	ROW(ON_VM, KVM_REINJECT_CONTROL, POINTER),
	ROW(ON_VM, KVM_SET_GSI_ROUTING, POINTER),
	ROW(ON_VM, KVM_ENABLE_CAP, POINTER | ANY_KIND),
	ROW(ON_VM, KVM_REGISTER_COALESCED_MMIO, POINTER),
	ROW(ON_VM, KVM_UNREGISTER_COALESCED_MMIO, POINTER),
	ROW(ON_VM, KVM_X86_SET_MSR_FILTER, POINTER),
	ROW(ON_VM, KVM_GET_STATS_FD, ANY_KIND),
	ROW(ON_VM, KVM_IRQFD, POINTER),
	ROW(ON_VM, KVM_IOEVENTFD, POINTER),
	ROW(ON_VM, KVM_HYPERV_EVENTFD, POINTER),
	ROW(ON_VM, KVM_GET_CLOCK, POINTER),
	ROW(ON_VM, KVM_SET_CLOCK, POINTER),
	ROW(ON_VCPU, KVM_RUN, 0),
	ROW(ON_VCPU, KVM_GET_REGS, POINTER),
	ROW(ON_VCPU, KVM_SET_REGS, POINTER),
	ROW(ON_VCPU, KVM_GET_SREGS, POINTER),
	ROW(ON_VCPU, KVM_SET_SREGS, POINTER),
	ROW(ON_VCPU, KVM_GET_SREGS2, POINTER),
	ROW(ON_VCPU, KVM_SET_SREGS2, POINTER),
	ROW(ON_VCPU, KVM_GET_FPU, POINTER),
	ROW(ON_VCPU, KVM_SET_FPU, POINTER),
	ROW(ON_VCPU, KVM_GET_XSAVE, POINTER),
	ROW(ON_VCPU, KVM_GET_XSAVE2, POINTER),
	ROW(ON_VCPU, KVM_SET_XSAVE, POINTER),
	ROW(ON_VCPU, KVM_GET_XCRS, POINTER),
	ROW(ON_VCPU, KVM_SET_XCRS, POINTER),
	ROW(ON_VCPU, KVM_GET_MSRS, POINTER | ANY_KIND),
	ROW(ON_VCPU, KVM_SET_MSRS, POINTER),
	ROW(ON_VCPU, KVM_SET_CPUID2, POINTER),
	ROW(ON_VCPU, KVM_GET_CPUID2, POINTER),
	ROW(ON_VCPU, KVM_GET_LAPIC, POINTER),
	ROW(ON_VCPU, KVM_SET_LAPIC, POINTER),
	ROW(ON_VCPU, KVM_GET_MP_STATE, POINTER),
	ROW(ON_VCPU, KVM_SET_MP_STATE, POINTER),
	ROW(ON_VCPU, KVM_GET_VCPU_EVENTS, POINTER),
	ROW(ON_VCPU, KVM_SET_VCPU_EVENTS, POINTER),
	ROW(ON_VCPU, KVM_GET_DEBUGREGS, POINTER),
	ROW(ON_VCPU, KVM_SET_DEBUGREGS, POINTER),
	ROW(ON_VCPU, KVM_INTERRUPT, POINTER),
	ROW(ON_VCPU, KVM_NMI, 0),
	ROW(ON_VCPU, KVM_SMI, 0),
	ROW(ON_VCPU, KVM_SET_SIGNAL_MASK, POINTER),
	ROW(ON_VCPU, KVM_SET_TSC_KHZ, 0),
	ROW(ON_VCPU, KVM_GET_TSC_KHZ, 0),
	ROW(ON_VCPU, KVM_HAS_DEVICE_ATTR, POINTER),
	ROW(ON_VCPU, KVM_GET_DEVICE_ATTR, POINTER),
	ROW(ON_VCPU, KVM_SET_DEVICE_ATTR, POINTER),
	ROW(ON_VCPU, KVM_SET_GUEST_DEBUG, POINTER),
	ROW(ON_VCPU, KVM_KVMCLOCK_CTRL, 0),
	ROW(ON_VCPU, KVM_X86_SETUP_MCE, POINTER),
	ROW(ON_VCPU, KVM_X86_SET_MCE, POINTER),
	ROW(ON_VCPU, KVM_GET_NESTED_STATE, POINTER | NESTED),
	ROW(ON_VCPU, KVM_SET_NESTED_STATE, POINTER | NESTED),
	ROW(ON_VCPU, KVM_SET_VAPIC_ADDR, POINTER),
	ROW(ON_VCPU, KVM_TPR_ACCESS_REPORTING, POINTER),
	ROW(ON_VCPU, KVM_TRANSLATE, POINTER),
};

static struct machine m;
static bool nested;

static int file(enum where where)
{
	return where == DEVICE ? api_device : where == ON_VM ? m.fd : m.cpu[0];
}

/* The same number with a struct of 7 bytes more, or one where there was none. */
static unsigned long another_size(unsigned long request)
{
	return _IOC(_IOC_DIR(request) ?: _IOC_WRITE, _IOC_TYPE(request), _IOC_NR(request),
		    _IOC_SIZE(request) + 7);
}

static bool there(unsigned int i)
{
	return nested || !(rows[i].flags & NESTED);
}

static void test_pointers(void)
{
	unsigned int i;

	for (i = 0; i < COUNT(rows); i++) {
		int fd = file(rows[i].where);
		long want = there(i) ? -EFAULT : -ENOTTY;

		if (!(rows[i].flags & POINTER))
			continue;
		is(call(fd, rows[i].request, BAD_POINTER), want, "%s: a pointer to nowhere",
		   rows[i].name);
		is(call(fd, rows[i].request, KERNEL_POINTER), want, "%s: one into the kernel",
		   rows[i].name);
	}
}

static void test_files(void)
{
	unsigned int i, kind, wrong;

	for (i = 0; i < COUNT(rows); i++) {
		wrong = call(file(rows[i].where), another_size(rows[i].request), NULL) != -ENOTTY;
		for (kind = DEVICE; kind < NR_KINDS && !(rows[i].flags & ANY_KIND); kind++)
			if (kind != rows[i].where)
				wrong += call(file(kind), rows[i].request, NULL) != -ENOTTY;
		is(wrong, 0, "%s: for its own file and size alone", rows[i].name);
	}
}

static void test_strangers(void)
{
	unsigned int i, wrong = 0;

	for (i = 0; i < COUNT(rows); i++)
		/* A monitor of another process may read counters. */
		if (rows[i].where != DEVICE && rows[i].request != KVM_GET_STATS_FD &&
		    api_in_child(file(rows[i].where), rows[i].request, NULL) != -EIO) {
			tap_note("%s", rows[i].name);
			wrong++;
		}
	is(wrong, 0, "another process can do nothing else with a VM and its vCPUs");
}

static void test_sregs2(void)
{
	struct kvm_sregs2 good, s;

	must(m.cpu[0], KVM_GET_SREGS2, &good, "GET_SREGS2");
	s = good;
	is(call(m.cpu[0], KVM_SET_SREGS2, &s), 0, "SET_SREGS2: what GET_SREGS2 gave");
	s.flags |= 1ull << 40;
	is(call(m.cpu[0], KVM_SET_SREGS2, &s), -EINVAL, "SET_SREGS2: an unknown flag");
	s = good;
	s.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	is(call(m.cpu[0], KVM_SET_SREGS2, &s), -EINVAL, "SET_SREGS2: PDPTEs without PAE paging");
	s = good;
	s.cr0 |= 1ull << 31;
	s.cr0 &= ~1ull;
	is(call(m.cpu[0], KVM_SET_SREGS2, &s), -EINVAL, "SET_SREGS2: paging in real mode");
	s = good;
	s.cr4 |= 1ull << 63;
	is(call(m.cpu[0], KVM_SET_SREGS2, &s), -EINVAL, "SET_SREGS2: a reserved bit of CR4");
	s = good;
	s.efer |= 1ull << 10;
	is(call(m.cpu[0], KVM_SET_SREGS2, &s), -EINVAL, "SET_SREGS2: long mode without paging");
	must(m.cpu[0], KVM_GET_SREGS2, &s, "GET_SREGS2");
	is(memcmp(&s, &good, sizeof(s)), 0, "SET_SREGS2: what was refused changed nothing");
}

static void test_clock_ctrl(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1,
		  .entry = { .index = MSR_KVM_SYSTEM_TIME_NEW, .data = 0x4000 | 1 } };

	is(call(m.cpu[0], KVM_KVMCLOCK_CTRL, NULL), -EINVAL,
	   "KVMCLOCK_CTRL: the guest uses no clock of ours");
	is(call(m.cpu[0], KVM_SET_MSRS, &msr), 1, "it uses one");
	is(call(m.cpu[0], KVM_KVMCLOCK_CTRL, NULL), 0, "KVMCLOCK_CTRL");
	msr.entry.data = 0;
	is(call(m.cpu[0], KVM_SET_MSRS, &msr), 1, "it does not any more");
}

static void test_nested_state(void)
{
	struct {
		struct kvm_nested_state head;
		uint8_t room[0x3000];
	} s, good;

	if (!nested) {
		tap_ok(true, "nested state # SKIP nested=0");
		return;
	}
	memset(&good, 0, sizeof(good));
	is(call(m.cpu[0], KVM_GET_NESTED_STATE, &good), -E2BIG, "GET_NESTED_STATE: no room");
	tap_ok(good.head.size && good.head.size <= sizeof(good), "it says how much (%u)",
	       good.head.size);
	is(call(m.cpu[0], KVM_GET_NESTED_STATE, &good), 0, "GET_NESTED_STATE");
	s = good;
	is(call(m.cpu[0], KVM_SET_NESTED_STATE, &s), 0, "SET_NESTED_STATE: the same");
	s.head.size = 8;
	is(call(m.cpu[0], KVM_SET_NESTED_STATE, &s), -EINVAL, "SET_NESTED_STATE: too short");
	s = good;
	s.head.flags |= 1u << 15;
	is(call(m.cpu[0], KVM_SET_NESTED_STATE, &s), -EINVAL, "SET_NESTED_STATE: a flag");
	s = good;
	s.head.format = 7;
	is(call(m.cpu[0], KVM_SET_NESTED_STATE, &s), -EINVAL, "SET_NESTED_STATE: a format");
	s = good;
	s.head.flags |= KVM_STATE_NESTED_RUN_PENDING;
	s.head.flags &= ~KVM_STATE_NESTED_GUEST_MODE;
	is(call(m.cpu[0], KVM_SET_NESTED_STATE, &s), -EINVAL,
	   "SET_NESTED_STATE: about to run L2, of which there is none");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	nested = call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_NESTED_STATE) > 0;
	api_create(&m, API_IRQCHIP | API_PIT | API_CPUID, 1);
	test_pointers();
	test_files();
	test_strangers();
	test_sregs2();
	test_clock_ctrl();
	test_nested_state();
	CODE(&m, 0, 0xe6, 0x70);	/* out %al, $0x70 */
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "after all that, it runs");
	is(m.run[0]->exit_reason, KVM_EXIT_IO, "to its I/O");
	api_destroy(&m);
	return tap_done();
}
