// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code that changes is executed as it is now: written by itself, by another
 * CPU, or exchanged with the page under it. SDM3 "Handling Self- and
 * Cross-Modifying Code".
 */
#ifdef GUEST
#include "guest.h"

#define SECTION		"SDM3 \"Handling Self- and Cross-Modifying Code\""
#define FIRST		(GUEST_SCRATCH + 0x200000ul)
#define SECOND		(FIRST + PAGE_SIZE)
#define ROUNDS		50

/* MOV EAX, imm32; RET */
static void plant(u64 at, u32 value)
{
	u8 *code = (u8 *)at;

	code[5] = 0xc3;
	memcpy(code + 1, &value, 4);
	*(volatile u8 *)code = 0xb8;
}

static u32 call(u64 at)
{
	u32 value;

	asm volatile("call *%1" : "=a"(value) : "r"(at) : "memory", "cc");
	return value;
}

static void serialize(void)
{
	u32 r[4];

	cpuid(0, 0, r);
}

GUEST_CASE(self_modifying, SECTION)
{
	u32 i, bad = 0;

	for (i = 0; i < ROUNDS; i++) {
		plant(FIRST, i * 3);
		bad += call(FIRST) != i * 3;
	}
	check(!bad, "%u changes, each seen (%u missed)", ROUNDS, bad);
}

GUEST_CASE(remapped_page, "SDM3 \"Invalidation of TLBs and Paging-Structure Caches\"")
{
	u64 *entry = split_page(FIRST), old = *entry;
	u32 i, bad = 0;

	plant(FIRST, 1);
	plant(SECOND, 2);
	for (i = 0; i < ROUNDS; i++) {
		*entry = (i & 1 ? SECOND : FIRST) | PTE_PRESENT | PTE_WRITE;
		invlpg(FIRST);
		bad += call(FIRST) != 1 + (i & 1);
	}
	*entry = old;
	check(!bad, "%u remaps, each seen (%u missed)", ROUNDS, bad);
}

GUEST_CASE(reloaded_cr3, "SDM3 \"Invalidation of TLBs and Paging-Structure Caches\"")
{
	u64 *entry = split_page(FIRST);
	u32 i, bad = 0;

	plant(FIRST, 1);
	plant(SECOND, 2);
	for (i = 0; i < ROUNDS; i++) {
		*entry = (i & 1 ? SECOND : FIRST) | PTE_PRESENT | PTE_WRITE;
		WRITE_CR(3, READ_CR(3));
		bad += call(FIRST) != 1 + (i & 1);
	}
	check(!bad, "%u remaps with MOV CR3 (%u missed)", ROUNDS, bad);
}

static volatile u32 planted, generation, seen, stop;

static void runner(void)
{
	sti();
	while (!planted)
		asm volatile("pause" ::: "memory");
	while (!stop) {
		u32 now = generation;

		serialize();
		seen = call(FIRST) >= now ? now : ~0u;
	}
}

GUEST_CASE(cross_modifying, SECTION, .flags = CASE_IRQCHIP, .cpus = 2, .ap = runner)
{
	u32 i, bad = 0;

	plant(FIRST, 0);
	planted = 1;
	for (i = 1; i <= 20; i++) {
		*(volatile u32 *)(FIRST + 1) = i;
		barrier();
		generation = i;
		if (!wait_open(seen == i, 2000000))
			bad++;
	}
	stop = 1;
	/* It may translate what is about to change, and never look again. */
	if (bad == 1 && emulator_fault(HOST_SVM, "a store races with translation elsewhere"))
		return;
	check(!bad, "the other CPU runs what was written (%u missed)", bad);
}
#endif /* GUEST */
