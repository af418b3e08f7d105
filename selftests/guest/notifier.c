// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's memory management takes pages away under a running guest: swap,
 * migration, KSM, splitting of huge pages, fork, munmap. The guest never sees
 * other data than its own, and what it writes lands where userspace looks.
 * Linux "When do you need to notify inside page table lock ?".
 */
#define SLOT_BASE	0x40000000UL
#define PAGES		512		/* 2 MiB, one huge page if the host likes */
#define ROUNDS		6

#define ASK_DEED	0	/* the case's own; returns 0 or why it cannot be done */
#define ASK_WORD	1	/* first word of a page as userspace sees it */

/* Answers to ASK_DEED. */
#define DONE		0
#define IMPOSSIBLE	1
#define SPOILT		2	/* done, and the data is not what it was */

#ifdef GUEST
#include "guest.h"

#define SECTION		"Linux \"When do you need to notify inside page table lock ?\""
#define PAGE(i)		((volatile u32 *)(SLOT_BASE + (u64)(i) * PAGE_SIZE))

static volatile u32 stop, rounds;
static volatile u64 wrong, wrong_page;

/* The other CPU: reads every page, and counts in the last word of each. */
static void reader(void)
{
	u32 count = 0, i;

	sti();
	while (!stop) {
		for (i = 0; i < PAGES; i++) {
			if (PAGE(i)[1] != i || PAGE(i)[1023] != count) {
				wrong++;
				wrong_page = i;
			}
			PAGE(i)[1023] = count + 1;
		}
		count++;
		rounds++;
	}
}

/* What CPU 0 does around each deed: write before it, look behind it. */
static void several(void)
{
	u32 i, round, bad = 0, before, done;

	for (round = 1; round <= ROUNDS; round++) {
		for (i = 0; i < PAGES; i++)
			PAGE(i)[0] = round * PAGES + i;
		done = call_host(ASK_DEED, round, 0, 0);
		if (done == IMPOSSIBLE) {
			stop = 1;
			skip("the host cannot do that");
			check(!bad && !wrong, "own data stays until then (%u wrong)", bad);
			return;
		}
		bad += done == SPOILT;
		for (i = 0; i < PAGES; i++)
			bad += PAGE(i)[0] != round * PAGES + i;
		/* Written now, it must reach the page that userspace has now. */
		i = round * 37 % PAGES;
		PAGE(i)[0] = ~round;
		bad += (u32)call_host(ASK_WORD, i, 0, 0) != ~round;
		before = rounds;
		wait_open(rounds != before, 2000000);
	}
	stop = 1;
	check(!bad, "%u deeds, own data stays (%u wrong)", ROUNDS, bad);
	if (wrong)
		note("page %lu", wrong_page);
	check(!wrong && rounds, "the other CPU reads and writes all the time (%lu wrong)",
	      wrong);
}

#define CASE(name)							\
	GUEST_CASE(name, SECTION, .flags = CASE_IRQCHIP, .cpus = 2, \
		   .ap = reader)					\
	{								\
		several();						\
	}

CASE(swapped_out)
CASE(migrated)
CASE(merged)
CASE(huge_page_split)
CASE(forked)
CASE(protected)

/* Other memory at the same address: the guest must not keep the old. */
GUEST_CASE(replaced, SECTION, .flags = CASE_IRQCHIP, .cpus = 1)
{
	u32 i, round, bad = 0;

	for (round = 1; round <= ROUNDS; round++) {
		for (i = 0; i < PAGES; i++)
			PAGE(i)[0] = round;
		call_host(ASK_DEED, round, 0, 0);
		for (i = 0; i < PAGES; i++)
			bad += PAGE(i)[0] != 0;
	}
	check(!bad, "%u times new memory under the slot (%u pages wrong)", ROUNDS, bad);
}

#else /* host half */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest_test.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

#define PAGE_BYTES	4096UL
#define SIZE		(PAGES * PAGE_BYTES)
#define HUGE		0x200000UL
#define PATIENCE	400		/* times 50 ms */
#define PAGEMAP_SWAP	(1ull << 62)

static uint8_t *memory;
static const char *name;

static uint64_t pagemap(unsigned int page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd >= 0) {
		off_t at = ((uintptr_t)memory / PAGE_BYTES + page) * 8;

		if (pread(fd, &entry, 8, at) != 8)
			entry = 0;
		close(fd);
	}
	return entry;
}

static bool write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

static unsigned long read_number(const char *file)
{
	unsigned long value = 0;
	FILE *f = fopen(file, "r");

	if (!f)
		return 0;
	if (fscanf(f, "%lu", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

/* Swap is a RAM disk of the host's, if its kernel has one to load. */
static bool have_swap(void)
{
	static int have = -1;

	if (have < 0)
		have = !system("grep -q ^/ /proc/swaps") ||
		       (!system("modprobe brd rd_nr=1 rd_size=16384") &&
			!system("mkswap /dev/ram0 >/dev/null && swapon /dev/ram0"));
	return have;
}

static bool swap_out(void)
{
	unsigned int i, gone = 0;

	if (!have_swap() || madvise(memory, SIZE, MADV_PAGEOUT))
		return false;
	for (i = 0; i < PAGES; i++)
		gone += !!(pagemap(i) & PAGEMAP_SWAP);
	/* The guest takes pages back while we count. */
	return gone;
}

/* Each round some pages move to other frames; theirs are not used again. */
static bool migrate(unsigned int round)
{
	unsigned int i, moved = 0;

	for (i = round; i < PAGES; i += 64) {
		uint64_t before = pagemap(i);

		if (!madvise(memory + i * PAGE_BYTES, PAGE_BYTES, MADV_SOFT_OFFLINE))
			moved += pagemap(i) != before;
	}
	return moved;
}

/* A second area with the same pages, until the kernel has found some equal. */
static bool merge(void)
{
	static uint8_t *twin;
	unsigned int i;

	if (!write_text("/sys/kernel/mm/ksm/run", "1"))
		return false;
	write_text("/sys/kernel/mm/ksm/sleep_millisecs", "10");
	write_text("/sys/kernel/mm/ksm/pages_to_scan", "2000");
	if (!twin)
		twin = vm_pages(SIZE);
	madvise(twin, SIZE, MADV_MERGEABLE);
	madvise(memory, SIZE, MADV_MERGEABLE);
	for (i = 0; i < PATIENCE; i++) {
		/* The guest counts in its pages, so what is equal changes. */
		memcpy(twin, memory, SIZE);
		usleep(50000);
		if (read_number("/sys/kernel/mm/ksm/pages_sharing"))
			return true;
	}
	return false;
}

static bool split(unsigned int round)
{
	uint8_t *part = memory + round * 8 * PAGE_BYTES;

	/* Another protection for a part of it makes two mappings of small pages. */
	madvise(part, PAGE_BYTES, MADV_DONTFORK);
	write_text("/sys/kernel/debug/split_huge_pages", "1");
	madvise(part, PAGE_BYTES, MADV_DOFORK);
	return true;
}

/* The child keeps the old pages; the guest goes on in the parent's. */
static bool fork_once(unsigned int round)
{
	unsigned int i;
	pid_t child = fork();
	int status = 1;

	if (!child) {
		for (i = 0; i < PAGES; i++)
			if (*(volatile uint32_t *)(memory + i * PAGE_BYTES) != round * PAGES + i)
				_exit(1);
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && !status;
}

static bool protect(unsigned int round)
{
	mprotect(memory, SIZE, round % 2 ? PROT_READ : PROT_NONE);
	usleep(2000);
	return !mprotect(memory, SIZE, PROT_READ | PROT_WRITE);
}

static bool replace(void)
{
	return !munmap(memory, SIZE) &&
	       mmap(memory, SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory;
}

static bool deed(unsigned int round)
{
	if (!strcmp(name, "swapped_out"))
		return swap_out();
	if (!strcmp(name, "migrated"))
		return migrate(round);
	if (!strcmp(name, "merged"))
		return merge();
	if (!strcmp(name, "huge_page_split"))
		return split(round);
	if (!strcmp(name, "forked"))
		return fork_once(round);
	if (!strcmp(name, "protected"))
		return protect(round);
	return replace();
}

static uint64_t answer(struct vcpu *vcpu, const uint64_t *args)
{
	(void)vcpu;
	if (args[0] == ASK_WORD)
		return *(volatile uint32_t *)(memory + args[1] % PAGES * PAGE_BYTES);
	if (deed(args[1]))
		return DONE;
	return strcmp(name, "forked") && strcmp(name, "protected") ? IMPOSSIBLE : SPOILT;
}

static void prepare(struct vm *vm)
{
	const struct guest_case *row = host_case(vm);
	uint8_t *pages = vm_pages(SIZE + HUGE);
	unsigned int i;

	name = guest_at(vm, row->name, 20);
	memory = (uint8_t *)(((uintptr_t)pages + HUGE - 1) & -HUGE);
	madvise(memory, SIZE, strcmp(name, "huge_page_split") ? MADV_NOHUGEPAGE :
							       MADV_HUGEPAGE);
	memset(memory, 0, SIZE);
	for (i = 0; i < PAGES; i++)
		((uint32_t *)(memory + i * PAGE_BYTES))[1] = i;
	vm_slot(vm, 1, 0, SLOT_BASE, SIZE, memory);
	/* Memory that userspace takes away or forbids is EFAULT; the rest never is. */
	vm->forgives = !strcmp(name, "protected") || !strcmp(name, "replaced");
	vm->seconds *= 4;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = prepare, .call = answer }, { 0 }
};
#endif /* GUEST */
