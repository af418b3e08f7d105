// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log names the pages that were written since it was last read, all
 * of them and no other. Linux "The Definitive KVM API Documentation",
 * KVM_GET_DIRTY_LOG.
 */
#define SLOT_BASE	0x40000000UL
#define SLOT_PAGES	1024

#define ASK_DIRTY	0	/* word of the bitmap; the word 0 reads the log anew */
#define ASK_LOG		1	/* logging on or off */

#ifdef GUEST
#include "guest.h"

#define SECTION		"Linux \"The Definitive KVM API Documentation\", KVM_GET_DIRTY_LOG"
#define BYTE(page)	(*(volatile u8 *)(SLOT_BASE + (u64)(page) * PAGE_SIZE + 0x10))
#define WORDS		(SLOT_PAGES / 64)

static u64 expect[WORDS];

static void written(u32 page)
{
	expect[page / 64] |= 1ul << (page % 64);
}

static void compare(const char *what)
{
	u32 i, bad = 0;

	for (i = 0; i < WORDS; i++) {
		u64 got = call_host(ASK_DIRTY, i, 0, 0);

		if (got != expect[i]) {
			note("pages from %u: %lx, not %lx", i * 64, got, expect[i]);
			bad++;
		}
		expect[i] = 0;
	}
	check(!bad, "%s", what);
}

GUEST_CASE(exact, SECTION)
{
	static const u32 pages[] = { 0, 1, 7, 63, 64, 500, 511, 512, 513, 1023 };
	u32 i, sum = 0;

	compare("clean at first");
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		BYTE(pages[i]) = i;
		written(pages[i]);
	}
	compare("what was written");
	compare("clean after it was read");
	for (i = 0; i < SLOT_PAGES; i++)
		sum += BYTE(i);
	check(sum == 45, "all pages read");
	compare("reads are not in the log");
	BYTE(64) = 1;
	written(64);
	BYTE(64) = 2;
	compare("a page written again is again in it");
	asm volatile("lock incl (%0)" : : "r"(&BYTE(3)) : "memory", "cc");
	written(3);
	compare("a read-modify-write is");
	asm volatile("movq %0, (%1)" : : "r"(~0ul), "r"(SLOT_BASE + 6 * PAGE_SIZE - 4)
		     : "memory");
	written(5);
	written(6);
	compare("a write over two pages is in both");
}

/* More pages than hardware's own list holds between two exits. */
GUEST_CASE(every_page, SECTION)
{
	u32 i, again;

	for (again = 0; again < 3; again++) {
		for (i = 0; i < SLOT_PAGES; i++) {
			BYTE(i) = again;
			written(i);
		}
		compare("every page, written once more");
	}
	for (i = 0; i < SLOT_PAGES; i += 3) {
		BYTE(i) = i;
		written(i);
	}
	compare("every third page");
}

GUEST_CASE(page_tables, SECTION)
{
	/* A page table in the slot: the CPU's write of the accessed bit counts. */
	u64 *table = (u64 *)(SLOT_BASE + 9 * PAGE_SIZE);
	u64 *pde = page_entry(0x80000000), old = *pde;

	table[0] = GUEST_SCRATCH | PTE_PRESENT | PTE_WRITE;
	*pde = (u64)table | PTE_PRESENT | PTE_WRITE;
	WRITE_CR(3, READ_CR(3));
	call_host(ASK_DIRTY, 0, 0, 0);
	(void)*(volatile u64 *)0x80000000;
	check(table[0] & PTE_ACCESSED, "the accessed bit is set");
	check(call_host(ASK_DIRTY, 0, 0, 0) & 1 << 9, "its page is in the log");
	*pde = old;
	WRITE_CR(3, READ_CR(3));
}

GUEST_CASE(turned_on_later, SECTION)
{
	u32 i;

	call_host(ASK_LOG, 0, 0, 0);
	for (i = 0; i < 100; i++)
		BYTE(i) = 1;
	call_host(ASK_LOG, 1, 0, 0);
	BYTE(42) = 2;
	written(42);
	compare("pages that were mapped before logging began");
}

/* Another CPU writes all the time; no write may get lost between two logs. */
static volatile u32 stop, round, wrote;

static void writer(void)
{
	sti();
	while (!stop) {
		u32 now = round;

		BYTE(now % SLOT_PAGES) = now;
		wrote = now;
	}
}

GUEST_CASE(while_written, SECTION, .flags = CASE_IRQCHIP, .cpus = 2, .ap = writer)
{
	u32 i, missed = 0;

	for (i = 1; i <= 20; i++) {
		round = i;
		/* The other CPU may be away for long; the watchdog ends it all. */
		while (!wait_open(wrote == i, 1000000))
			;
		missed += !(call_host(ASK_DIRTY, 0, 0, 0) >> i & 1);
	}
	stop = 1;
	check(!missed, "20 logs against a writing CPU (%u missed)", missed);
}

#else /* host half */
#include "guest_test.h"

#define SIZE		(SLOT_PAGES * 4096UL)

static uint8_t *memory;
static uint64_t bitmap[SLOT_PAGES / 64];

static void prepare(struct vm *vm)
{
	memory = vm_pages(SIZE);
	vm_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, SLOT_BASE, SIZE, memory);
}

static uint64_t answer(struct vcpu *vcpu, const uint64_t *args)
{
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };

	if (args[0] == ASK_LOG) {
		vm_slot(vcpu->vm, 1, args[1] ? KVM_MEM_LOG_DIRTY_PAGES : 0, SLOT_BASE,
			SIZE, memory);
		return 0;
	}
	if (!args[1])
		vm_ioctl(vcpu->vm->fd, KVM_GET_DIRTY_LOG, &log, "GET_DIRTY_LOG");
	return bitmap[args[1] % (SLOT_PAGES / 64)];
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = prepare, .call = answer }, { 0 }
};
#endif /* GUEST */
