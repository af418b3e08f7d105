// SPDX-License-Identifier: GPL-2.0-only
/* Machine-check banks: set up, injected errors, their MSRs. */
#include <sys/ioctl.h>

#include "api.h"

#define MCG_CTL_P	(1ull << 8)
#define MCG_MCIP	4u
#define VALID		(1ull << 63)
#define OVERFLOW	(1ull << 62)
#define UNCORRECTED	(1ull << 61)
#define ENABLED		(1ull << 60)
#define CR4_MCE		0x40u
#define VEC_MC		18u
#define HANDLER		0x3000u
#define MSR_MCG_CAP	0x179u
#define MSR_MCG_STATUS	0x17au
#define MSR_MCG_CTL	0x17bu
#define MSR_BANK(i, r)	(0x400u + 4 * (i) + (r))

static struct machine m;
static int cpu;

static long setup(uint64_t cap)
{
	return call(cpu, KVM_X86_SETUP_MCE, &cap);
}

static long inject(uint8_t bank, uint64_t status)
{
	struct kvm_x86_mce mce = {
		.bank = bank, .status = status, .addr = 0x1234000, .misc = 0x8c,
		.mcg_status = MCG_MCIP,
	};

	return call(cpu, KVM_X86_SET_MCE, &mce);
}

static long msr(unsigned long request, uint32_t index, uint64_t *val)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} list = { .head.nmsrs = 1, .entry = { .index = index, .data = *val } };
	long ret = call(cpu, request, &list);

	*val = list.entry.data;
	return ret;
}

static uint64_t read_msr(uint32_t index)
{
	uint64_t val = 0;

	is(msr(KVM_GET_MSRS, index, &val), 1, "GET_MSRS of %x", index);
	return val;
}

static void test_setup(void)
{
	uint64_t offered = 0, val = 0;
	long banks = call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_MCE);

	tap_ok(banks > 0, "KVM_CAP_MCE is the number of banks (%ld)", banks);
	is(call(api_device, KVM_X86_GET_MCE_CAP_SUPPORTED, &offered), 0, "what is offered");
	is(setup(0), -EINVAL, "no bank");
	is(setup(banks + 1), -EINVAL, "one too many");
	is(setup(10 | 1ull << 40), -EINVAL, "an unknown feature");
	is(call(cpu, KVM_X86_SETUP_MCE, BAD_POINTER), -EFAULT, "from nowhere");
	is(msr(KVM_GET_MSRS, MSR_BANK(0, 0), &val), 0, "no bank is there before");
	is(setup(10 | (offered & MCG_CTL_P)), 0, "ten banks");
	is(read_msr(MSR_MCG_CAP), 10 | (offered & MCG_CTL_P), "IA32_MCG_CAP");
	is(read_msr(MSR_MCG_CTL), -1, "IA32_MCG_CTL");
	is(read_msr(MSR_BANK(9, 0)), -1, "the last bank's control");
	is(msr(KVM_GET_MSRS, MSR_BANK(10, 0), &val), 0, "and no other");
	val = 5;
	is(msr(KVM_SET_MSRS, MSR_MCG_CTL, &val), 0, "IA32_MCG_CTL is all or nothing");
}

static void test_corrected(void)
{
	is(inject(10, VALID), -EINVAL, "an error in a bank that is not there");
	is(inject(3, 0), -EINVAL, "one that is not valid");
	is(inject(3, VALID | 0x11), 0, "a corrected error");
	is(read_msr(MSR_BANK(3, 1)), VALID | 0x11, "its status");
	is(read_msr(MSR_BANK(3, 2)), 0x1234000, "its address");
	is(read_msr(MSR_MCG_STATUS), 0, "no machine check");
	is(inject(3, VALID | 0x22), 0, "another");
	is(read_msr(MSR_BANK(3, 1)), VALID | OVERFLOW | 0x11, "leaves the first, and says so");
}

static void test_uncorrected(void)
{
	uint16_t *slot = (uint16_t *)(m.mem + VEC_MC * 4);
	struct kvm_sregs sregs;

	slot[0] = HANDLER;
	slot[1] = 0;
	memcpy(m.mem + HANDLER, "\xe6\x55\xf4", 3);
	CODE(&m, 0, 0xf4);
	must(cpu, KVM_GET_SREGS, &sregs, "GET_SREGS");
	sregs.cr4 |= CR4_MCE;
	must(cpu, KVM_SET_SREGS, &sregs, "SET_SREGS");
	is(inject(4, VALID | UNCORRECTED | ENABLED), 0, "an uncorrected error");
	is(read_msr(MSR_MCG_STATUS), MCG_MCIP, "machine check in progress");
	is(call(cpu, KVM_RUN, NULL), 0, "RUN");
	tap_ok(m.run[0]->exit_reason == KVM_EXIT_IO && m.run[0]->io.port == 0x55,
	       "its handler runs");
	is(inject(5, VALID | UNCORRECTED | ENABLED), 0, "one more meanwhile");
	is(call(cpu, KVM_RUN, NULL), 0, "RUN");
	is(m.run[0]->exit_reason, KVM_EXIT_SHUTDOWN, "shuts the CPU down");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_CPUID, 1);
	cpu = m.cpu[0];
	test_setup();
	test_corrected();
	test_uncorrected();
	api_destroy(&m);
	return tap_done();
}
