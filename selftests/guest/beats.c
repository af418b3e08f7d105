// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that lives: its timer comes, its memory is what it wrote, it exits and goes
 * on. NST_BEATS in the environment is how often it says so, for scripts that do
 * something to its neighbours meanwhile.
 */
#define BEATS		3

#ifdef GUEST
#include "apic.h"

#define VECTOR		0x45
/* Ten milliseconds when the timer counts nanoseconds: several as L2 must not be a load. */
#define COUNT		10000000
#define TICKS		2
#define PATIENCE	20000000
#define PAGES		64

static bool memory_kept(u64 beat)
{
	volatile u64 *word;
	u32 i;

	for (i = 0; i < PAGES; i++) {
		word = (u64 *)(GUEST_SCRATCH + i * PAGE_SIZE);
		if (beat && *word != (beat - 1) * PAGES + i)
			return false;
		*word = beat * PAGES + i;
	}
	return true;
}

GUEST_CASE(beats, "SDM3 \"APIC Timer\"", .flags = CASE_IRQCHIP)
{
	bool came = true, kept = true;
	u32 r[4], before;
	u64 beat = 0;

	apic_enable();
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR);
	apic_write(APIC_TIMER_INITIAL, COUNT);
	sti();
	do {
		before = irq_count[VECTOR];
		came = wait_for(irq_count[VECTOR] - before >= TICKS, PATIENCE);
		kept = memory_kept(beat++);
		cpuid(0, 0, r);
	} while (came && kept && call_host(beat, 0, 0, 0));
	cli();
	check(came, "the timer ticks to the end");
	check(kept, "memory keeps what was written");
}

#else /* host half */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guest_test.h"

/* Return: whether it shall go on. */
static uint64_t beat(struct vcpu *vcpu, const uint64_t *args)
{
	const char *text = getenv("NST_BEATS");

	printf("# beat %llu\n", (unsigned long long)args[0]);
	fflush(stdout);
	usleep(20000);
	return args[0] < (text ? strtoul(text, NULL, 0) : BEATS);
}

const struct host_hook host_hooks[] = { { .name = HOOK_ANY, .call = beat }, { 0 } };
#endif /* GUEST */
