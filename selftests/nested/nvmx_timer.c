// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX-preemption timer ends L2 when it has run out, not behind that and not
 * before. SDM3 "VMX-Preemption Timer".
 */
#ifdef GUEST
#include "vmx_l1.h"

#define SECTION		"SDM3 \"VMX-Preemption Timer\""
#define TICKS		20000
#define ROUNDS		20

/* R8: the TSC of the first round, R9: of the last. */
void l2_clock(void);
asm(".globl l2_clock; l2_clock: rdtsc; shlq $32, %rdx; leaq (%rax, %rdx), %r8;"
	"1: rdtsc; shlq $32, %rdx; leaq (%rax, %rdx), %r9; jmp 1b");

static bool start(void)
{
	if (!vmx_start())
		return false;
	if (!check(can(MSR_VMX_TRUE_PIN, PIN_TIMER), "the preemption timer is offered"))
		return false;
	vmcs_make(l2_clock);
	vmwrite(F_PIN, allowed(MSR_VMX_TRUE_PIN, PIN_TIMER));
	vmwrite(F_TIMER, TICKS);
	return true;
}

GUEST_CASE(not_early, SECTION, .flags = CASE_VMX)
{
	u64 before, ticks;

	if (!start())
		return;
	/* The bit that is counted may change at once. */
	ticks = (TICKS - 1ul) << (rdmsr(MSR_VMX_MISC) & MISC_TIMER_RATE);
	for (int i = 0; i < ROUNDS; i++) {
		before = rdtsc();
		l2_exits(R_TIMER, "the timer ends L2");
		before = rdtsc() - before;
		check(before >= ticks, "after %lu of %lu", before, ticks);
	}
}

GUEST_CASE(not_late, SECTION, .flags = CASE_VMX)
{
	u64 ticks, seen;

	if (!start())
		return;
	ticks = (u64)TICKS << (rdmsr(MSR_VMX_MISC) & MISC_TIMER_RATE);
	for (int i = 0; i < ROUNDS; i++) {
		vmwrite(F_GUEST_RIP, (u64)l2_clock);
		l2.r8 = 0;
		l2.r9 = 0;
		l2_exits(R_TIMER, "the timer ends L2");
		/* Perhaps in the first round. */
		seen = l2.r9 ? l2.r9 - l2.r8 : 0;
		check(seen < ticks, "L2 sees %lu of %lu", seen, ticks);
	}
}
#else
#include "guest_test.h"
#endif
