// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synthetic timers: one shot, periodic, with a message or an interrupt of their own, and
 * what starts and stops them. TLFS "Synthetic Timers".
 */
#include "hyperv.h"

#ifdef GUEST
#include "apic.h"

#define SECTION		"TLFS \"Synthetic Timers\""
#define VECTOR		0x81
#define SINT_VECTOR	0x82
#define SINT		2
#define MESSAGES	(GUEST_SCRATCH + 0x5000)
#define MS		10000ul		/* of the reference time */
#define TIMER_EXPIRED	0x80000010u

/* A slot of the page of messages, with the payload of a timer's. */
struct slot {
	u32 type;
	u8 size, flags, reserved[2];
	u64 sender;
	u32 timer, zero;
	u64 expiration, delivery;
	u8 rest[256 - 40];
};

static volatile struct slot *const slot = (volatile struct slot *)MESSAGES + SINT;
static volatile u64 came_at;

static void handler(struct frame *frame)
{
	irq_count[frame->vector]++;
	came_at = rdmsr(HV_TIME);
	apic_eoi();
}

static void ready(void)
{
	apic_enable();
	trap_hook[VECTOR] = handler;
	trap_hook[SINT_VECTOR] = handler;
	memset((void *)MESSAGES, 0, PAGE_SIZE);
	wrmsr(HV_SCONTROL, 1);
	wrmsr(HV_SIMP, MESSAGES | HV_PAGE_ON);
	wrmsr(HV_SINT(SINT), SINT_VECTOR);
}

#define DIRECT	(HV_STIMER_DIRECT | HV_STIMER_VECTOR(VECTOR))
#define POSTED	HV_STIMER_SINT(SINT)

GUEST_CASE(one_shot, SECTION, .flags = CASE_IRQCHIP)
{
	u64 when;

	ready();
	when = rdmsr(HV_TIME) + 3 * MS;
	wrmsr(HV_STIMER_COUNT(0), when);
	wrmsr(HV_STIMER_CONFIG(0), DIRECT | HV_STIMER_ON);
	check(wait_open(irq_count[VECTOR] == 1, 2000000), "its interrupt comes");
	check(came_at >= when, "not before its time (%ld)", came_at - when);
	check(rdmsr(HV_STIMER_CONFIG(0)) == DIRECT, "then it is off");
	check(rdmsr(HV_STIMER_COUNT(0)) == when, "the count stays");
	wait_open(false, 5000);
	check(irq_count[VECTOR] == 1, "it comes once");
}

GUEST_CASE(in_the_past, SECTION, .flags = CASE_IRQCHIP)
{
	ready();
	wrmsr(HV_STIMER_COUNT(1), 1);
	wrmsr(HV_STIMER_CONFIG(1), DIRECT | HV_STIMER_ON);
	open_window();
	check(wait_open(irq_count[VECTOR] == 1, 1000000), "comes at once");
}

GUEST_CASE(periodic, SECTION, .flags = CASE_IRQCHIP)
{
	u64 begin;

	ready();
	begin = rdmsr(HV_TIME);
	wrmsr(HV_STIMER_COUNT(3), 2 * MS);
	wrmsr(HV_STIMER_CONFIG(3), DIRECT | HV_STIMER_PERIODIC | HV_STIMER_ON);
	check(wait_open(irq_count[VECTOR] >= 5, 3000000), "it comes again and again");
	check(came_at - begin >= irq_count[VECTOR] * 2 * MS, "once a period");
	check(rdmsr(HV_STIMER_CONFIG(3)) & HV_STIMER_ON, "and stays on");
	wrmsr(HV_STIMER_CONFIG(3), 0);
	open_window();
	begin = irq_count[VECTOR];
	wait_open(false, 8000);
	check(irq_count[VECTOR] == begin, "until it is turned off");
}

GUEST_CASE(wakes, SECTION, .flags = CASE_IRQCHIP)
{
	ready();
	wrmsr(HV_STIMER_CONFIG(0), DIRECT | HV_STIMER_AUTO);
	wrmsr(HV_STIMER_COUNT(0), rdmsr(HV_TIME) + 5 * MS);
	asm volatile("sti; hlt; cli" : : : "memory");
	check(irq_count[VECTOR] == 1, "a processor that halts");
}

GUEST_CASE(starts_and_stops, SECTION, .flags = CASE_IRQCHIP)
{
	u64 far;

	ready();
	far = rdmsr(HV_TIME) + 3600 * 1000 * MS;
	wrmsr(HV_STIMER_CONFIG(0), DIRECT | HV_STIMER_AUTO);
	check(!(rdmsr(HV_STIMER_CONFIG(0)) & HV_STIMER_ON), "it is off");
	wrmsr(HV_STIMER_COUNT(0), far);
	check(rdmsr(HV_STIMER_CONFIG(0)) & HV_STIMER_ON, "a count turns it on");
	wrmsr(HV_STIMER_COUNT(0), 0);
	check(!(rdmsr(HV_STIMER_CONFIG(0)) & HV_STIMER_ON), "and a count of 0 off");
	wrmsr(HV_STIMER_CONFIG(0), DIRECT);
	wrmsr(HV_STIMER_COUNT(0), far);
	check(!(rdmsr(HV_STIMER_CONFIG(0)) & HV_STIMER_ON), "without auto-enable it stays off");
	wrmsr(HV_STIMER_CONFIG(0), HV_STIMER_ON);
	check(!(rdmsr(HV_STIMER_CONFIG(0)) & HV_STIMER_ON), "source 0 is none");
	check(try_wrmsr(HV_STIMER_CONFIG(0), 1ul << 13) == VEC_GP, "a reserved bit");
	check(try_wrmsr(HV_STIMER_CONFIG(0), 1ul << 63) == VEC_GP, "the last one");
	check(!irq_count[VECTOR], "nothing comes of all this");
}

GUEST_CASE(message, SECTION, .flags = CASE_IRQCHIP)
{
	u64 when;

	ready();
	when = rdmsr(HV_TIME) + MS;
	wrmsr(HV_STIMER_COUNT(2), when);
	wrmsr(HV_STIMER_CONFIG(2), POSTED | HV_STIMER_ON);
	check(wait_open(irq_count[SINT_VECTOR] == 1, 2000000), "its source interrupts");
	check(slot->type == TIMER_EXPIRED && slot->size == 24 && !slot->flags,
	      "a message lies in its slot (%x, %u)", slot->type, slot->size);
	check(slot->timer == 2 && slot->expiration == when && slot->delivery >= when,
	      "which timer, when it was due, when it was sent");
	check(!(rdmsr(HV_STIMER_CONFIG(2)) & HV_STIMER_ON), "the timer is off");
}

GUEST_CASE(slot_in_use, SECTION, .flags = CASE_IRQCHIP)
{
	u64 when;

	ready();
	slot->type = 1;
	when = rdmsr(HV_TIME) + MS;
	wrmsr(HV_STIMER_COUNT(0), when);
	wrmsr(HV_STIMER_CONFIG(0), POSTED | HV_STIMER_ON);
	check(wait_open(slot->flags & 1, 2000000), "the message in it says that one waits");
	check(slot->type == 1 && !irq_count[SINT_VECTOR], "and stays");
	check(rdmsr(HV_STIMER_CONFIG(0)) & HV_STIMER_ON, "the timer is not over");
	slot->type = 0;
	slot->flags = 0;
	wrmsr(HV_EOM, 0);
	check(wait_open(irq_count[SINT_VECTOR] == 1, 1000000), "EOM lets it in");
	check(slot->type == TIMER_EXPIRED && slot->expiration == when, "with its own time");
	check(!(rdmsr(HV_STIMER_CONFIG(0)) & HV_STIMER_ON), "and it is over");
}

#else
#include "guest_test.h"

/* The writes of the controller's registers. */
static bool told(struct vcpu *vcpu)
{
	return vcpu->run->exit_reason == KVM_EXIT_HYPERV &&
	       vcpu->run->hyperv.type == KVM_EXIT_HYPERV_SYNIC;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = hv_offer_synic, .exit = told },
	{ 0 }
};
#endif /* GUEST */
