// SPDX-License-Identifier: GPL-2.0-only
/*
 * The payload's part of a hostile L1 that does not depend on the ISA: exceptions
 * are survived, memory that others use is changed, other CPUs are interrupted.
 */
#include "apic.h"
#include "hostile.h"

volatile u64 resume[GUEST_CPUS][2];

extern const u8 hostile_start[], hostile_start_end[];

static void (*one_turn)(u32 cpu, struct rng *r);

static u32 cpu_of(u64 stack)
{
	return (stack - GUEST_STACKS) / GUEST_STACK_STRIDE % GUEST_CPUS;
}

static __attribute__((noreturn)) void loop(u32 cpu)
{
	struct rng r = { hostile()->seed * GUEST_CPUS + cpu + hostile()->turns[cpu] };

	for (;;) {
		hostile()->turns[cpu]++;
		one_turn(cpu, &r);
	}
}

/* On whatever stack: the loop begins anew. */
static void again(void)
{
	loop(cpu_of((u64)__builtin_frame_address(0)));
}

static void survive(struct frame *frame)
{
	u32 cpu = cpu_of((u64)frame);

	frame->cs = SEL_CODE64;
	frame->ss = SEL_DATA;
	frame->rflags = 2;
	if (resume[cpu][0]) {
		frame->rip = resume[cpu][0];
		frame->rsp = resume[cpu][1];
		return;
	}
	frame->rip = (u64)again;
	frame->rsp = GUEST_STACKS + cpu * GUEST_STACK_STRIDE + GUEST_STACK_TOP - 8;
}

/**
 * odd_address() - a physical address that may be anything
 * @r: random numbers
 *
 * Return: the address.
 */
u64 odd_address(struct rng *r)
{
	switch (rng_below(r, 8)) {
	case 0:
		return rng_next(r);
	case 1:
		return rng_below(r, 1ul << 40);
	case 2:
		return GUEST_MMIO + rng_below(r, 16) * PAGE_SIZE;
	case 3:
		return POOL + rng_below(r, POOL_PAGES * PAGE_SIZE);
	case 4:
		return L2_BASE + rng_below(r, 0x20) * PAGE_SIZE;
	default:
		return POOL + rng_below(r, POOL_PAGES) * PAGE_SIZE;
	}
}

static u64 some_entry(struct rng *r)
{
	u64 flags = rng_next(r) & 0xfff;

	if (one_in(r, 2))
		flags |= PTE_PRESENT | PTE_WRITE | PTE_USER;
	if (one_in(r, 16))
		flags |= 1ul << (40 + rng_below(r, 24));
	return (odd_address(r) & ~0xffful & ((1ul << 40) - 1)) | flags;
}

static void interrupt(struct rng *r)
{
	static const u32 kinds[] = { ICR_NMI, ICR_NMI, ICR_FIXED | 0x40, ICR_FIXED | 0x41,
				     ICR_INIT, ICR_STARTUP | HOSTILE_VECTOR };
	u32 kind = kinds[rng_below(r, ARRAY_SIZE(kinds))];

	if (kind == ICR_INIT && !one_in(r, 16))
		return;
	mmio_write(APIC_BASE + APIC_ICR_HIGH, (u32)(1 + rng_below(r, params()->cpus - 1)) << 24);
	mmio_write(APIC_BASE + APIC_ICR, kind | ICR_ASSERT);
}

/**
 * meddle() - change what other CPUs are just using
 * @r: random numbers
 */
void meddle(struct rng *r)
{
	volatile u64 *table;

	switch (rng_below(r, 16)) {
	case 0:
		l2_reset(one_in(r, 2) ? 7 : 0x37);
		break;
	case 1:
	case 2:
		interrupt(r);
		break;
	case 3:
	case 4:
	case 5:
		/* Tables of both stages. */
		table = (u64 *)(L2_BASE + 0x3000 + rng_below(r, 0x20) * PAGE_SIZE);
		table[one_in(r, 2) ? rng_below(r, 512) : 0] = some_entry(r);
		break;
	case 6:
		table = (u64 *)(L2_STAGE2 + 0x3000);
		table[(L2_BASE >> 12) + rng_below(r, L2_PAGES)] ^= 1ul << rng_below(r, 12);
		break;
	default:
		table = (u64 *)(POOL + rng_below(r, POOL_PAGES) * PAGE_SIZE);
		if (one_in(r, 2))
			table[rng_below(r, 512)] = rng_next(r);
		else
			table[rng_below(r, 512)] ^= 1ul << rng_below(r, 64);
	}
}

static void take_interrupt(struct frame *frame)
{
	mmio_write(APIC_BASE + APIC_EOI, 0);
}

/**
 * hostile_loop() - never returns; CPU 0 meddles, the others enter L2
 * @turn: one turn of those
 */
void hostile_loop(void (*turn)(u32 cpu, struct rng *r))
{
	u32 cpu = cpu_of((u64)__builtin_frame_address(0)), i;

	one_turn = turn;
	for (i = 0; i < 32; i++)
		trap_hook[i] = survive;
	trap_hook[VEC_NMI] = NULL;
	for (i = 32; i < 256; i++)
		trap_hook[i] = take_interrupt;
	if (!cpu) {
		memcpy((void *)HOSTILE_START, hostile_start,
		       hostile_start_end - hostile_start);
		l2_reset(7);
	}
	mmio_write(APIC_BASE + APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	loop(cpu);
}
