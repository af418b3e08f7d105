// SPDX-License-Identifier: GPL-2.0-only
/*
 * The paravirtual clock: both pairs of MSRs, a stable version, time that goes
 * on and agrees with the TSC. Linux "KVM-specific MSRs".
 */
#ifdef GUEST
#include "guest.h"

#define SECTION		"Linux \"KVM-specific MSRs\", MSR_KVM_SYSTEM_TIME_NEW"
#define MSR_WALL	0x4b564d00
#define MSR_SYSTEM	0x4b564d01
#define MSR_OLD_WALL	0x11
#define MSR_OLD_SYSTEM	0x12
#define PV_LEAF		0x40000001
#define PV_CLOCK	1
#define PV_CLOCK2	8

struct pv_time {
	u32 version, pad;
	u64 tsc, system;
	u32 mul;
	signed char shift;
	u8 flags, unused[2];
};

struct pv_wall {
	u32 version, sec, nsec;
};

static volatile struct pv_time *const page = (void *)GUEST_SCRATCH;
static volatile struct pv_wall *const wall = (void *)(GUEST_SCRATCH + 0x100);

static u64 nanoseconds(void)
{
	u32 version;
	u64 delta, time;

	do {
		version = page->version;
		barrier();
		delta = rdtsc() - page->tsc;
		delta = page->shift < 0 ? delta >> -page->shift : delta << page->shift;
		time = page->system + (u64)((__uint128_t)delta * page->mul >> 32);
		barrier();
	} while (version & 1 || version != page->version);
	return time;
}

static bool has(u32 feature)
{
	u32 r[4];

	cpuid(PV_LEAF, 0, r);
	if (!(r[0] & feature))
		skip("not offered");
	return r[0] & feature;
}

static void clock_case(u32 msr)
{
	u64 first, now, before, tsc[4], back = 0, ns;
	u32 i, r[4];

	wrmsr(msr, GUEST_SCRATCH | 1);
	check(page->mul, "the page is filled in");
	check(!(page->version & 1), "its version is even");
	tsc[0] = rdtsc();
	first = nanoseconds();
	tsc[1] = rdtsc();
	before = first;
	for (i = 0; i < 500; i++) {
		if (i % 50 == 0)
			cpuid(0, 0, r);
		now = nanoseconds();
		back += now < before;
		before = now;
	}
	check(!back, "never backwards (%lu)", back);
	delay(1000);
	tsc[2] = rdtsc();
	ns = nanoseconds() - first;
	tsc[3] = rdtsc();
	/* We may have been away for long between any two of these. */
	tsc[1] = tsc[2] - tsc[1];
	tsc[0] = tsc[3] - tsc[0];
	check(ns * params()->tsc_khz / 1000000 > tsc[1] - tsc[1] / 16 &&
	      ns * params()->tsc_khz / 1000000 < tsc[0] + tsc[0] / 16,
	      "as fast as the TSC: %lu ns for %lu to %lu cycles", ns, tsc[1], tsc[0]);
	wrmsr(msr, 0);
}

GUEST_CASE(new_msr, SECTION, .flags = CASE_IRQCHIP)
{
	if (has(PV_CLOCK2))
		clock_case(MSR_SYSTEM);
}

GUEST_CASE(old_msr, SECTION, .flags = CASE_IRQCHIP)
{
	if (has(PV_CLOCK))
		clock_case(MSR_OLD_SYSTEM);
}

GUEST_CASE(wall_clock, "Linux \"KVM-specific MSRs\", MSR_KVM_WALL_CLOCK_NEW",
	   .flags = CASE_IRQCHIP)
{
	if (!has(PV_CLOCK2))
		return;
	wrmsr(MSR_WALL, (u64)wall);
	check(wall->version && !(wall->version & 1), "filled in (version %u)", wall->version);
	check(wall->nsec < 1000000000, "nanoseconds below one second");
}
#endif /* GUEST */
