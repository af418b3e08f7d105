// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hyper-V's reference time: the counter, the page that gives it without an exit, and what
 * becomes of both when userspace sets the clock. TLFS "Partition Reference Time
 * Enlightenment", "Reenlightenment".
 */
#include "hyperv.h"

#define SET_CLOCK	1	/* call_host(): to so many ns */

#ifdef GUEST
#include "guest.h"

#define SECTION		"TLFS \"Partition Reference Time Enlightenment\""
#define UNITS_A_MS	10000ul
#define PAGE		(GUEST_SCRATCH + 0x3000)

struct tsc_page {
	u32 sequence, reserved;
	u64 scale, offset;
};

static volatile struct tsc_page *const page = (void *)PAGE;

static u64 page_time(void)
{
	u64 time;
	u32 sequence;

	do {
		sequence = page->sequence;
		barrier();
		time = (u64)((__uint128_t)rdtsc() * page->scale >> 64) + page->offset;
		barrier();
	} while (page->sequence != sequence);
	return time;
}

/* On a CPU whose vCPUs have no common TSC there is nothing to see. */
static bool page_on(void)
{
	memset((void *)PAGE, 0, PAGE_SIZE);
	wrmsr(HV_TSC_PAGE, PAGE | HV_PAGE_ON);
	if (page->sequence)
		return true;
	skip("the host's TSC is not its clock");
	return false;
}

GUEST_CASE(counter, "TLFS \"Partition Reference Counter\"", .flags = CASE_IRQCHIP)
{
	u64 before[2], after[2], time, low, high;
	u32 i, back = 0;

	time = rdmsr(HV_TIME);
	for (i = 0; i < 200; i++) {
		u64 now = rdmsr(HV_TIME);

		back += now < time;
		time = now;
	}
	check(!back, "never backwards (%u)", back);
	before[0] = rdtsc();
	time = rdmsr(HV_TIME);
	before[1] = rdtsc();
	delay(2000);
	after[0] = rdtsc();
	time = rdmsr(HV_TIME) - time;
	after[1] = rdtsc();
	low = (after[0] - before[1]) * UNITS_A_MS / params()->tsc_khz;
	high = (after[1] - before[0]) * UNITS_A_MS / params()->tsc_khz;
	check(time >= low - low / 16 && time <= high + high / 16,
	      "units of 100 ns: %lu, by the TSC %lu to %lu", time, low, high);
}

GUEST_CASE(agree, SECTION, .flags = CASE_IRQCHIP)
{
	u32 i, bad = 0;

	if (!page_on())
		return;
	for (i = 0; i < 200; i++) {
		u64 first = page_time(), by_msr = rdmsr(HV_TIME), last = page_time();

		bad += by_msr < first || by_msr > last;
	}
	check(!bad, "counter and page are one clock (%u of 200 times not)", bad);
	check(page->reserved == 0, "the reserved word stays");
}

GUEST_CASE(off, SECTION, .flags = CASE_IRQCHIP)
{
	u32 i;

	memset((void *)PAGE, 0, PAGE_SIZE);
	wrmsr(HV_TSC_PAGE, PAGE);
	check(rdmsr(HV_TSC_PAGE) == PAGE, "an address without the enable bit is kept");
	call_host(SET_CLOCK, 0, 0, 0);
	for (i = 0; i < PAGE_SIZE / 8 && !((u64 *)PAGE)[i]; i++)
		;
	check(i == PAGE_SIZE / 8, "and nothing is written there");
	wrmsr(HV_TSC_PAGE, GUEST_MMIO | HV_PAGE_ON);
	check(rdmsr(HV_TIME) > 0, "a page without memory leaves the counter");
}

GUEST_CASE(set_clock, SECTION, .flags = CASE_IRQCHIP)
{
	u32 sequence;
	u64 time;

	if (!page_on())
		return;
	sequence = page->sequence;
	/* An hour from now, an hour or so back. */
	call_host(SET_CLOCK, 3600ul * 1000000000, 0, 0);
	time = page_time();
	check(time >= 3600ul * 1000 * UNITS_A_MS, "the page follows the clock (%lu)", time);
	check(page->sequence != sequence && page->sequence, "under another sequence");
	check(rdmsr(HV_TIME) >= time, "and so does the counter");
	call_host(SET_CLOCK, 0, 0, 0);
	time = page_time();
	check(time < 60 * 1000 * UNITS_A_MS, "back again (%lu)", time);
}

GUEST_CASE(emulation, "TLFS \"Reenlightenment\"", .flags = CASE_IRQCHIP)
{
	u64 offset, time;

	if (!page_on())
		return;
	wrmsr(HV_REENLIGHTENMENT, 1 << 16 | 0xe0);
	wrmsr(HV_TSC_EMULATION, 1);
	check(rdmsr(HV_REENLIGHTENMENT) == (1 << 16 | 0xe0) && rdmsr(HV_TSC_EMULATION) == 1,
	      "the registers keep it");
	offset = page->offset;
	call_host(SET_CLOCK, 3600ul * 1000000000, 0, 0);
	check(page->offset == offset, "the page stays as it is");
	time = page_time();
	check(rdmsr(HV_TIME) - time < 1000 * UNITS_A_MS, "the counter is still that of the page");
	wrmsr(HV_TSC_EMULATION, 0);
	check(page->offset != offset, "until the guest can do without");
	check(page_time() >= 3600ul * 1000 * UNITS_A_MS, "what was kept from it is there");
}

#else
#include "guest_test.h"

static uint64_t answer(struct vcpu *vcpu, const uint64_t *args)
{
	struct kvm_clock_data clock = { .clock = args[1] };

	if (args[0] == SET_CLOCK)
		vm_ioctl(vcpu->vm->fd, KVM_SET_CLOCK, &clock, "SET_CLOCK");
	return 0;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = hv_offer, .call = answer },
	{ 0 }
};
#endif /* GUEST */
