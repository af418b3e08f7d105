/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An L1 that means harm: what its two halves share, and what it does whatever
 * the ISA is.
 */
#ifndef NST_HOSTILE_H
#define NST_HOSTILE_H

#include "oracle.h"

/* In guest memory. */
#define HOSTILE_STATE		0x6c00
/* Start-up messages lead here. */
#define HOSTILE_START		0x7000
#define HOSTILE_VECTOR		(HOSTILE_START >> 12)

/* Pages that every CPU changes and that control structures point to. */
#define POOL			(GUEST_SCRATCH + 0x200000)
#define POOL_PAGES		64

/**
 * struct hostile_state - what the host half looks at
 * @seed: of this round
 * @turns: of each CPU
 * @entries: how often L2 was entered and came back
 * @code: what a CPU runs
 */
struct hostile_state {
	u64 seed;
	u64 turns[GUEST_CPUS];
	u64 entries[GUEST_CPUS];
	u64 code;
};

static inline volatile struct hostile_state *hostile(void)
{
	return (volatile struct hostile_state *)HOSTILE_STATE;
}

/* Where an exception of a CPU goes on: address, stack. */
extern volatile u64 resume[GUEST_CPUS][2];

/* Some assembly that may fault; @cpu is the number of this CPU. */
#define TRY(cpu, body, ...)						\
	asm volatile("movq $772f, %c[at](%[slot])\n\t"			\
		     "movq %%rsp, %c[at]+8(%[slot])\n\t"		\
		     body "\n772:\n\t"					\
		     : : [slot] "r"((u64)(cpu) * 16), [at] "i"(resume), ##__VA_ARGS__ \
		     : "cc", "memory")

/* Into L2 and back, or not: an exception ends them, too. */
void hostile_vmrun(u64 vmcb, u64 rbx, volatile u64 *slot);
void hostile_vmenter(u64 launch, u64 rax, volatile u64 *slot);

u64 odd_address(struct rng *r);
void meddle(struct rng *r);
void hostile_loop(void (*turn)(u32 cpu, struct rng *r));

#endif /* NST_HOSTILE_H */
