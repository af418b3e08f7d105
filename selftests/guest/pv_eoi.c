// SPDX-License-Identifier: GPL-2.0-only
/*
 * PV EOI: an interrupt that is ended by clearing a flag in memory, and when that
 * is not offered. Linux "KVM-specific MSRs", MSR_KVM_PV_EOI_EN.
 */
#ifdef GUEST
#include "apic.h"

#define SECTION		"Linux \"KVM-specific MSRs\", MSR_KVM_PV_EOI_EN"
#define MSR_PV_EOI	0x4b564d04
#define ENABLED		1
#define PV_LEAF		0x40000001
#define PV_EOI		6	/* bit of its EAX */
#define LOW_VECTOR	0x41
#define HIGH_VECTOR	0x91

static volatile u32 *const flag = (void *)GUEST_SCRATCH;
static volatile u32 by_flag, by_write, offered[2];

/* What Linux does at the end of an interrupt. */
static void end_interrupt(void)
{
	bool given;

	asm volatile("btrl $0, %1" : "=@ccc"(given), "+m"(*flag) : : "memory");
	if (given) {
		by_flag++;
		return;
	}
	by_write++;
	apic_eoi();
}

static void handler(struct frame *frame)
{
	irq_count[frame->vector]++;
	offered[frame->vector == HIGH_VECTOR] = *flag & 1;
	end_interrupt();
}

static bool ready(void)
{
	u32 r[4];

	apic_enable();
	cpuid(PV_LEAF, 0, r);
	trap_hook[LOW_VECTOR] = handler;
	trap_hook[HIGH_VECTOR] = handler;
	*flag = 0;
	return check(r[0] & 1u << PV_EOI, "CPUID shows it") &&
	       check(try_wrmsr(MSR_PV_EOI, GUEST_SCRATCH | ENABLED) == VEC_NONE, "it is on");
}

static void send(u32 vector)
{
	apic_send(0, ICR_FIXED | ICR_ASSERT | vector);
}

GUEST_CASE(no_write_needed, SECTION, .flags = CASE_IRQCHIP)
{
	u32 i;

	if (!ready())
		return;
	for (i = 0; i < 50; i++) {
		send(LOW_VECTOR);
		open_window();
		wait_for(irq_count[LOW_VECTOR] > i, 1000000);
	}
	check(irq_count[LOW_VECTOR] == 50, "each of 50 interrupts comes (%u)",
	      irq_count[LOW_VECTOR]);
	check(by_flag > 0, "some are ended by the flag (%u)", by_flag);
	check(by_flag + by_write == 50, "each is ended once");
	check(!apic_bit(APIC_ISR, LOW_VECTOR), "none is in service");
}

GUEST_CASE(not_with_another_waiting, SECTION, .flags = CASE_IRQCHIP)
{
	if (!ready())
		return;
	send(LOW_VECTOR);
	send(HIGH_VECTOR);
	open_window();
	wait_for(irq_count[LOW_VECTOR] && irq_count[HIGH_VECTOR], 1000000);
	check(irq_count[HIGH_VECTOR] == 1 && irq_count[LOW_VECTOR] == 1, "both come");
	check(!offered[1], "the first has to be ended by a write, since one waits");
	check(!apic_bit(APIC_ISR, LOW_VECTOR) && !apic_bit(APIC_ISR, HIGH_VECTOR),
	      "none is in service");
}

GUEST_CASE(off_again, SECTION, .flags = CASE_IRQCHIP)
{
	if (!ready())
		return;
	check(try_wrmsr(MSR_PV_EOI, GUEST_SCRATCH | 2) == VEC_GP, "a reserved bit");
	check(rdmsr(MSR_PV_EOI) == (GUEST_SCRATCH | ENABLED), "which changes nothing");
	wrmsr(MSR_PV_EOI, 0);
	send(LOW_VECTOR);
	open_window();
	check(wait_for(irq_count[LOW_VECTOR] == 1, 1000000), "an interrupt comes");
	check(!offered[0] && by_write == 1, "and is ended by a write");
}

#else /* host half */
#include "guest_test.h"
#endif /* GUEST */
