// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables at work: what touching a page costs after its translation was
 * made, changed, dropped, or its address space left and entered again. In
 * ticks of the TSC for one page, as in exits.c.
 */
#define SLOT_BASE	0x40000000UL
#define PAGES		512
#define SIZE		(PAGES * 4096UL)

#ifdef GUEST
#include "guest.h"

#define SECTION		"selftests/bench/run"
#define ROUNDS		5
#define WINDOW		0x8000000000ul		/* second entry of the PML4 */
#define TABLES		GUEST_SCRATCH
#define NTABLES		8			/* two sets of PML4, PDPT, PD, PT */
#define PRESENT_RW	(PTE_PRESENT | PTE_WRITE)

/* Set 0 and set 1: the same window over the same memory, in two trees. */
static u64 *table(u32 set, u32 level)
{
	return (u64 *)(TABLES + (u64)(set * 4 + level - 1) * PAGE_SIZE);
}

static void build(u32 set)
{
	memcpy(table(set, 4), (void *)(READ_CR(3) & ~(PAGE_SIZE - 1)), PAGE_SIZE);
	memset(table(set, 1), 0, 3 * PAGE_SIZE);
	table(set, 4)[1] = (u64)table(set, 3) | PRESENT_RW;
	table(set, 3)[0] = (u64)table(set, 2) | PRESENT_RW;
	table(set, 2)[0] = (u64)table(set, 1) | PRESENT_RW;
}

static void map_all(u32 set, u64 base)
{
	u32 i;

	for (i = 0; i < PAGES; i++)
		table(set, 1)[i] = (base + i * PAGE_SIZE) | PRESENT_RW;
}

static void touch_all(void)
{
	u32 i;

	for (i = 0; i < PAGES; i++)
		*(volatile u8 *)(WINDOW + i * PAGE_SIZE) = 1;
}

static void use(u32 set)
{
	WRITE_CR(3, table(set, 4));
}

static void op_first(void)
{
	memset(table(0, 1), 0, PAGE_SIZE);
	use(0);
	map_all(0, SLOT_BASE);
	touch_all();
}

static void op_again(void)
{
	use(0);
	touch_all();
}

static void op_switch(void)
{
	use(1);
	touch_all();
	use(0);
	touch_all();
}

static void op_remap(void)
{
	u32 i;

	for (i = 0; i < PAGES; i++) {
		table(0, 1)[i] = (SLOT_BASE + (PAGES - 1 - i) * PAGE_SIZE) | PRESENT_RW;
		invlpg(WINDOW + i * PAGE_SIZE);
	}
	touch_all();
}

/* Copy on write: read-only, a fault that the guest takes, writable. */
static void op_cow(void)
{
	u32 i;

	for (i = 0; i < PAGES; i++)
		table(0, 1)[i] &= ~PTE_WRITE;
	use(0);
	for (i = 0; i < PAGES; i++) {
		u64 at = WINDOW + i * PAGE_SIZE;

		PROBE("movb $1, (%%rax)", : : "a"(at) : "memory");
		table(0, 1)[i] |= PTE_WRITE;
		invlpg(at);
		*(volatile u8 *)at = 2;
	}
}

/* A new tree each time, as exec and exit make them. */
static void op_new_tree(void)
{
	use(1);
	build(0);
	map_all(0, SLOT_BASE);
	use(0);
	touch_all();
}

/* A switch between two trees with little in between. */
static void op_cr3(void)
{
	u32 i;

	for (i = 0; i < PAGES / 2; i++) {
		use(1);
		*(volatile u8 *)WINDOW = 1;
		use(0);
		*(volatile u8 *)WINDOW = 2;
	}
}

static void report(const char *name, void (*op)(void))
{
	u64 best = ~0ul, start, took;
	u32 round;

	for (round = 0; round < ROUNDS; round++) {
		start = rdtsc();
		op();
		took = (rdtsc() - start) / PAGES;
		if (took < best)
			best = took;
	}
	note("bench pages %s %lu", name, best);
	check(best > 0, "%s took its time", name);
}

GUEST_CASE(pages, SECTION)
{
	u64 old = READ_CR(3);

	build(0);
	build(1);
	map_all(1, SLOT_BASE);
	map_all(0, SLOT_BASE);
	use(1);
	touch_all();
	report("mapped and touched", op_first);
	report("touched after a CR3 load", op_again);
	report("touched in two trees in turn", op_switch);
	report("remapped, INVLPG, touched", op_remap);
	report("copy on write", op_cow);
	report("touched in a new tree", op_new_tree);
	report("CR3 load and one touch", op_cr3);
	WRITE_CR(3, old);
}

#else /* host half */
#include <string.h>

#include "guest_test.h"

static uint8_t *memory;

static void prepare(struct vm *vm)
{
	memory = vm_pages(SIZE);
	/* The host has the pages: what remains to pay is the hypervisor's. */
	memset(memory, 1, SIZE);
	vm_slot(vm, 1, 0, SLOT_BASE, SIZE, memory);
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = prepare }, { 0 }
};
#endif /* GUEST */
