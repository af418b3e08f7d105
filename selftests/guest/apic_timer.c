// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer: one-shot, periodic, TSC-deadline, mask, divider and
 * current count. SDM3 "APIC Timer".
 */
#ifdef GUEST
#include "apic.h"

#define SECTION		"SDM3 \"APIC Timer\""
#define DEADLINE	"SDM3 \"TSC-Deadline Mode\""
#define VECTOR		0x45
/* A fifth of a millisecond when the timer counts nanoseconds. */
#define SHORT		200000
#define LONG		0xfffffff0
#define PATIENCE	2000000

static void start(u32 lvt, u32 count)
{
	apic_enable();
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, lvt | VECTOR);
	apic_write(APIC_TIMER_INITIAL, count);
}

GUEST_CASE(one_shot, SECTION, .flags = CASE_IRQCHIP)
{
	start(0, SHORT);
	sti();
	check(wait_for(irq_count[VECTOR] == 1, PATIENCE), "it fires");
	delay(2000);
	cli();
	check(irq_count[VECTOR] == 1, "once");
	check(apic_read(APIC_TIMER_CURRENT) == 0, "the count stays 0");
	apic_write(APIC_TIMER_INITIAL, SHORT);
	sti();
	check(wait_for(irq_count[VECTOR] == 2, PATIENCE), "a new count starts it again");
	cli();
}

GUEST_CASE(periodic, SECTION, .flags = CASE_IRQCHIP)
{
	start(APIC_TIMER_PERIODIC, 10 * SHORT);
	sti();
	check(wait_for(irq_count[VECTOR] >= 3, PATIENCE), "it fires again and again");
	apic_write(APIC_TIMER_INITIAL, 0);
	cli();
	open_window();
	irq_total = 0;
	delay(6000);
	open_window();
	check(!irq_total, "a count of 0 stops it");
}

GUEST_CASE(masked, SECTION, .flags = CASE_IRQCHIP)
{
	start(APIC_LVT_MASKED, SHORT);
	delay(2000);
	open_window();
	check(!irq_total, "masked: no interrupt");
	check(!apic_bit(APIC_IRR, VECTOR), "and none in IRR");
	/* The host's own timer may be late. */
	check(wait_for(apic_read(APIC_TIMER_CURRENT) == 0, PATIENCE), "but it counts down");
	check(!apic_bit(APIC_IRR, VECTOR), "to nothing");
}

GUEST_CASE(current_count, SECTION, .flags = CASE_IRQCHIP)
{
	u32 first, second, by16;

	start(0, LONG);
	first = apic_read(APIC_TIMER_CURRENT);
	delay(500);
	second = apic_read(APIC_TIMER_CURRENT);
	check(first <= LONG && second < first, "it falls: %x, %x", first, second);
	check(apic_read(APIC_TIMER_INITIAL) == LONG, "the initial count reads back");
	apic_write(APIC_TIMER_DIVIDE, 3);
	check(apic_read(APIC_TIMER_DIVIDE) == 3, "the divider reads back");
	apic_write(APIC_TIMER_INITIAL, LONG);
	first = apic_read(APIC_TIMER_CURRENT);
	delay(500);
	by16 = first - apic_read(APIC_TIMER_CURRENT);
	check(by16 > 0, "divided by 16 it still counts (%x)", by16);
	apic_write(APIC_TIMER_INITIAL, 0);
	check(apic_read(APIC_TIMER_CURRENT) == 0, "stopped: 0");
}

static bool has_deadline(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 24 & 1))
		skip("CPUID shows no TSC-deadline timer");
	return r[2] >> 24 & 1;
}

GUEST_CASE(tsc_deadline, DEADLINE, .flags = CASE_IRQCHIP)
{
	u64 deadline;

	if (!has_deadline())
		return;
	apic_enable();
	apic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR);
	deadline = rdtsc() + usec_to_tsc(300);
	wrmsr(MSR_TSC_DEADLINE, deadline);
	sti();
	wait_for(irq_count[VECTOR] == 1, PATIENCE);
	cli();
	check(irq_count[VECTOR] == 1, "it fires");
	check(rdtsc() >= deadline, "not before its time");
	check(rdmsr(MSR_TSC_DEADLINE) == 0, "the MSR is 0 afterwards");
}

GUEST_CASE(deadline_in_the_past, DEADLINE, .flags = CASE_IRQCHIP)
{
	if (!has_deadline())
		return;
	apic_enable();
	apic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR);
	wrmsr(MSR_TSC_DEADLINE, 1);
	sti();
	wait_for(irq_count[VECTOR] == 1, PATIENCE);
	cli();
	check(irq_count[VECTOR] == 1, "a deadline in the past fires at once");
}

/* On a slow host that is more nanoseconds than 64 bits hold. */
GUEST_CASE(deadline_far_away, DEADLINE, .flags = CASE_IRQCHIP)
{
	u64 deadline;

	if (!has_deadline())
		return;
	apic_enable();
	apic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR);
	deadline = rdtsc() + (1ul << 62);
	wrmsr(MSR_TSC_DEADLINE, deadline);
	check(rdmsr(MSR_TSC_DEADLINE) == deadline, "a deadline that nobody lives to see");
	wrmsr(MSR_TSC_DEADLINE, 0);
	check(!irq_count[VECTOR], "did not fire");
}

GUEST_CASE(deadline_disarmed, DEADLINE, .flags = CASE_IRQCHIP)
{
	u64 ahead = usec_to_tsc(3000), deadline;

	if (!has_deadline())
		return;
	apic_enable();
	apic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | VECTOR);
	/* On a busy host the deadline may pass first: then with one further away. */
	for (;; ahead *= 4) {
		deadline = rdtsc() + ahead;
		wrmsr(MSR_TSC_DEADLINE, deadline);
		wrmsr(MSR_TSC_DEADLINE, 0);
		if (rdtsc() < deadline)
			break;
		open_window();
		irq_total = 0;
	}
	while (rdtsc() < deadline)
		;
	delay(2000);
	open_window();
	check(!irq_total, "writing 0 disarms it");
	apic_write(APIC_TIMER_INITIAL, SHORT);
	check(apic_read(APIC_TIMER_CURRENT) == 0, "the initial count does nothing in this mode");
	apic_write(APIC_LVT_TIMER, VECTOR);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 1);
	check(rdmsr(MSR_TSC_DEADLINE) == 0, "nor does the deadline in another mode");
}

/* Periodic: QEMU 7.2 TCG may lose the shadow of STI, and the first interrupt comes before HLT. */
GUEST_CASE(wakes_hlt, "SDM2 \"HLT-Halt\"", .flags = CASE_IRQCHIP)
{
	start(APIC_TIMER_PERIODIC, 10 * SHORT);
	asm volatile("sti; hlt; cli" : : : "memory");
	check(irq_count[VECTOR] >= 1, "the timer ends HLT");
}
#endif /* GUEST */
