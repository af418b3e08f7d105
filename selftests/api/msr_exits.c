// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that userspace decides on: filters, exits for what they deny, for MSRs
 * that do not exist and for values that are refused.
 */
#include <sys/ioctl.h>

#include "api.h"

#define MSR_NONE	0x12345u
#define MSR_PAT		0x277u
#define MSR_TSC_ADJUST	0x3bu
#define HANDLER		0x3000u
#define VEC_GP		13u

static struct machine m;
static struct kvm_run *run;
static int cpu;

static long enable(uint64_t reasons)
{
	struct kvm_enable_cap args = { .cap = KVM_CAP_X86_USER_SPACE_MSR, .args = { reasons } };

	return call(m.fd, KVM_ENABLE_CAP, &args);
}

/* A one-MSR filter: allowed or not, for reads or writes. */
static long filter(uint32_t flags, uint32_t range_flags, uint32_t base, uint32_t count,
		   void *bitmap)
{
	struct kvm_msr_filter f = { .flags = flags };

	f.ranges[0].flags = range_flags;
	f.ranges[0].base = base;
	f.ranges[0].nmsrs = count;
	f.ranges[0].bitmap = bitmap;
	return call(m.fd, KVM_X86_SET_MSR_FILTER, &f);
}

#define RD	KVM_MSR_FILTER_READ
#define WR	KVM_MSR_FILTER_WRITE

/* mov $msr,%ecx; mov $value,%eax; xor %edx,%edx; rdmsr or wrmsr; hlt */
static void code(uint32_t msr, uint32_t value, bool write)
{
	uint8_t bytes[] = {
		0x66, 0xb9, msr, msr >> 8, msr >> 16, msr >> 24,
		0x66, 0xb8, value, value >> 8, value >> 16, value >> 24,
		0x66, 0x31, 0xd2, 0x0f, write ? 0x30 : 0x32, 0xf4,
	};

	api_code(&m, 0, bytes, sizeof(bytes));
}

static void go(uint32_t reason, const char *what)
{
	is(call(cpu, KVM_RUN, NULL), 0, "RUN: %s", what);
	is(run->exit_reason, reason, "the right exit");
}

static uint64_t rax(void)
{
	struct kvm_regs regs;

	must(cpu, KVM_GET_REGS, &regs, "GET_REGS");
	return (uint32_t)regs.rax;
}

/* out %al,$0x99 tells that #GP came. */
static void install_gp(void)
{
	uint16_t *slot = (uint16_t *)(m.mem + VEC_GP * 4);

	slot[0] = HANDLER;
	slot[1] = 0;
	memcpy(m.mem + HANDLER, "\xe6\x99\xf4", 3);
}

static bool faulted(void)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.port == 0x99;
}

static void test_unknown(void)
{
	code(MSR_NONE, 0, false);
	go(KVM_EXIT_IO, "RDMSR of nothing");
	tap_ok(faulted(), "is #GP");
	is(enable(KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL), 0, "exits instead");
	code(MSR_NONE, 0, false);
	go(KVM_EXIT_X86_RDMSR, "RDMSR of nothing");
	tap_ok(run->msr.index == MSR_NONE && run->msr.reason == KVM_MSR_EXIT_REASON_UNKNOWN &&
	       !run->msr.error, "which and why");
	run->msr.data = 0x1122334455667788;
	go(KVM_EXIT_HLT, "with an answer");
	is(rax(), 0x55667788, "the guest has it");
	code(MSR_NONE, 0x77, true);
	go(KVM_EXIT_X86_WRMSR, "WRMSR of nothing");
	is(run->msr.data, 0x77, "the value");
	run->msr.error = 1;
	go(KVM_EXIT_IO, "refused");
	tap_ok(faulted(), "is #GP");
	code(MSR_PAT, 0x03, true);
	go(KVM_EXIT_X86_WRMSR, "a bad value");
	is(run->msr.reason, KVM_MSR_EXIT_REASON_INVAL, "says why");
	go(KVM_EXIT_HLT, "let through by userspace");
	is(enable(0), 0, "no exits");
}

static void test_filter(void)
{
	uint8_t none[8] = { 0 }, all[8] = { 0xff };

	is(filter(0, RD | WR, MSR_TSC_ADJUST, 1, none), 0, "deny one MSR");
	code(MSR_TSC_ADJUST, 0, false);
	go(KVM_EXIT_IO, "read it");
	tap_ok(faulted(), "#GP");
	is(enable(KVM_MSR_EXIT_REASON_FILTER), 0, "exits instead");
	code(MSR_TSC_ADJUST, 0, false);
	go(KVM_EXIT_X86_RDMSR, "read it");
	is(run->msr.reason, KVM_MSR_EXIT_REASON_FILTER, "says why");
	run->msr.data = 5;
	go(KVM_EXIT_HLT, "with an answer");
	is(rax(), 5, "the guest has it");
	is(filter(0, WR, MSR_TSC_ADJUST, 1, none), 0, "deny writes alone");
	code(MSR_TSC_ADJUST, 0, false);
	go(KVM_EXIT_HLT, "reads are allowed");
	code(MSR_TSC_ADJUST, 0, true);
	go(KVM_EXIT_X86_WRMSR, "writes are not");
	go(KVM_EXIT_HLT, "the end");
	is(filter(KVM_MSR_FILTER_DEFAULT_DENY, RD, MSR_PAT, 1, all), 0, "deny all but one");
	code(MSR_PAT, 0, false);
	go(KVM_EXIT_HLT, "the one");
	code(MSR_TSC_ADJUST, 0, false);
	go(KVM_EXIT_X86_RDMSR, "another");
	go(KVM_EXIT_HLT, "the end");
	is(filter(0, 0, 0, 0, NULL), 0, "no filter");
	code(MSR_TSC_ADJUST, 0, false);
	go(KVM_EXIT_HLT, "all is allowed");
	is(enable(0), 0, "no exits");
}

static void test_refusals(void)
{
	uint8_t bits[8] = { 0 };

	is(filter(2, RD, 0, 1, bits), -EINVAL, "an unknown flag");
	is(filter(0, 4, 0, 1, bits), -EINVAL, "an unknown flag of a range");
	is(filter(0, 0, 0, 1, bits), -EINVAL, "a range for nothing");
	is(filter(0, RD, 0, ~0u, bits), -EINVAL, "a range too long");
	is(filter(KVM_MSR_FILTER_DEFAULT_DENY, 0, 0, 0, NULL), -EINVAL, "denying everything");
	is(filter(0, RD, 0, 1, BAD_POINTER), -EFAULT, "a bitmap from nowhere");
	is(call(m.fd, KVM_X86_SET_MSR_FILTER, BAD_POINTER), -EFAULT, "a filter from nowhere");
	code(MSR_TSC_ADJUST, 0, false);
	go(KVM_EXIT_HLT, "none of them is in effect");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_CPUID, 1);
	cpu = m.cpu[0];
	run = m.run[0];
	install_gp();
	test_unknown();
	test_filter();
	test_refusals();
	api_destroy(&m);
	return tap_done();
}
