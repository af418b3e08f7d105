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
/*
 * Each eighth page is CPU 0's alone, and quiet while the host does its deed: what
 * is in use all the time is neither swapped out nor merged.
 */
#define QUIET		8
#define IS_QUIET(i)	((i) % QUIET == QUIET - 1)

#define ASK_DEED	0	/* the case's own; returns 0 or why it cannot be done */
#define ASK_WORD	1	/* first word of a page as userspace sees it */

/* Answers to ASK_DEED. */
#define DONE		0
#define IMPOSSIBLE	1
#define SPOILT		2	/* not done though it can be, or data is not what it was */

#ifdef GUEST
#include "guest.h"

#define SECTION		"Linux \"When do you need to notify inside page table lock ?\""
#define PAGE(i)		((volatile u32 *)(SLOT_BASE + (u64)(i) * PAGE_SIZE))

static volatile u32 stop, rounds;
static volatile u64 wrong, wrong_page;

/* The other CPU: reads every page that is not quiet, and counts in its last word. */
static void reader(void)
{
	u32 count = 0, i;

	sti();
	while (!stop) {
		for (i = 0; i < PAGES; i++) {
			if (IS_QUIET(i))
				continue;
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
		i = (round * 37 % PAGES) | (QUIET - 1);
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
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest_test.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

#define PAGE_BYTES	4096UL
#define SIZE		(PAGES * PAGE_BYTES)
#define HUGE		0x200000UL
#define ENOUGH		(PAGES / QUIET / 2)	/* pages, to call it swapped */
#define KSM		"/sys/kernel/mm/ksm/"
#define TRIES		20	/* of what the kernel refuses while a page is in use */
#define TRY_USEC	2000
#define KSM_USEC	20000
#define KSM_ALL		250	/* looks until all pages should be merged */
#define KSM_SOME	750	/* and until at least some must be */
#define PAGEMAP_PFN	((1ull << 55) - 1)

static uint8_t *memory, *twin;
static const char *name;

/* Which frame has each page of an area; 0: none. */
static void frames(const uint8_t *area, uint64_t *frame)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	unsigned int i;

	memset(frame, 0, PAGES * sizeof(*frame));
	if (fd < 0)
		return;
	if (pread(fd, frame, PAGES * sizeof(*frame), (uintptr_t)area / PAGE_BYTES *
		  sizeof(*frame)) < 0)
		tap_note("pagemap: %s", strerror(errno));
	close(fd);
	for (i = 0; i < PAGES; i++)
		frame[i] = frame[i] >> 63 ? frame[i] & PAGEMAP_PFN : 0;
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

static bool try_madvise(void *at, size_t size, int advice)
{
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		if (!madvise(at, size, advice))
			return true;
		if (errno == EINVAL || errno == EPERM)
			return false;
		usleep(TRY_USEC);
	}
	return false;
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

/* Pages that the kernel has written to swap since it runs. */
static unsigned long swapped(void)
{
	FILE *f = fopen("/proc/vmstat", "r");
	unsigned long count = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "pswpout %lu", &count) == 1)
			break;
	if (f)
		fclose(f);
	return count;
}

/* What the guest has just used stays the first time, but is not young the next. */
static int swap_out(void)
{
	unsigned long before = swapped();
	unsigned int i, turn;

	if (!have_swap())
		return IMPOSSIBLE;
	for (turn = 0; turn < TRIES && swapped() - before < ENOUGH; turn++)
		for (i = QUIET - 1; i < PAGES; i += QUIET)
			if (madvise(memory + i * PAGE_BYTES, PAGE_BYTES, MADV_PAGEOUT))
				return IMPOSSIBLE;
	return swapped() > before ? DONE : SPOILT;
}

/* Each round some pages move to other frames; theirs are not used again. */
static int migrate(unsigned int round)
{
	static uint64_t before[PAGES], after[PAGES];
	unsigned int i, moved = 0;

	frames(memory, before);
	for (i = round; i < PAGES; i += 64)
		if (!try_madvise(memory + i * PAGE_BYTES, PAGE_BYTES, MADV_SOFT_OFFLINE) &&
		    (errno == EINVAL || errno == EPERM))
			return IMPOSSIBLE;
	frames(memory, after);
	for (i = round; i < PAGES; i += 64)
		moved += before[i] && after[i] && before[i] != after[i];
	return moved ? DONE : SPOILT;
}

static bool start_merging(void)
{
	if (!write_text(KSM "run", "1"))
		return false;
	write_text(KSM "sleep_millisecs", "10");
	write_text(KSM "pages_to_scan", "2000");
	/* Newer kernels look more rarely at what was not equal before. */
	write_text(KSM "smart_scan", "0");
	twin = vm_pages(SIZE);
	return !madvise(twin, SIZE, MADV_MERGEABLE) && !madvise(memory, SIZE, MADV_MERGEABLE);
}

static unsigned int merged(void)
{
	static uint64_t ours[PAGES], theirs[PAGES];
	unsigned int i, equal = 0;

	frames(memory, ours);
	frames(twin, theirs);
	for (i = 0; i < PAGES; i++)
		equal += IS_QUIET(i) && ours[i] && ours[i] == theirs[i];
	return equal;
}

/*
 * A second area gets the same quiet pages, until both have the same frames.
 * Before that it still has the last round's: the guest has written to pages
 * that were merged, and it must not have written to the twin's.
 */
static int merge(unsigned int round)
{
	unsigned int i, found = 0;

	if (!twin && !start_merging())
		return IMPOSSIBLE;
	for (i = 0; round > 1 && i < PAGES; i++)
		if (IS_QUIET(i) &&
		    *(volatile uint32_t *)(twin + i * PAGE_BYTES) != (round - 1) * PAGES + i)
			return SPOILT;
	for (i = 0; i < PAGES; i++)
		if (IS_QUIET(i))
			memcpy(twin + i * PAGE_BYTES, memory + i * PAGE_BYTES, PAGE_BYTES);
	for (i = 0; i < KSM_SOME && found < PAGES / QUIET; i++) {
		if (i >= KSM_ALL && found)
			break;
		usleep(KSM_USEC);
		found = merged();
	}
	return found ? DONE : SPOILT;
}

/* Bytes of the area that the host maps with huge pages. */
static unsigned long huge_bytes(void)
{
	unsigned long start, end, kib, sum = 0, from = (uintptr_t)memory;
	FILE *f = fopen("/proc/self/smaps", "r");
	bool inside = false;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start < from + SIZE && end > from;
		else if (inside && sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			sum += kib * 1024;
	}
	if (f)
		fclose(f);
	return sum;
}

/* The page itself falls apart, not only its mapping. */
static void split_page(void)
{
	char text[80];
	unsigned int i;

	snprintf(text, sizeof(text), "%d,%#lx,%#lx", (int)getpid(), (uintptr_t)memory,
		 (uintptr_t)memory + SIZE);
	for (i = 0; i < TRIES && huge_bytes(); i++) {
		write_text("/sys/kernel/debug/split_huge_pages", text);
		usleep(TRY_USEC);
	}
}

/* A huge page is made, and it falls apart while the guest uses it. */
static int split(unsigned int round)
{
	uint8_t *part = memory + round * 8 * PAGE_BYTES;

	if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
		return IMPOSSIBLE;
	if (!try_madvise(memory, SIZE, MADV_COLLAPSE) && errno == EINVAL)
		return IMPOSSIBLE;
	if (huge_bytes() != SIZE)
		return SPOILT;
	if (round % 2)
		split_page();
	/* Another property of a part of it makes mappings of small pages. */
	madvise(part, PAGE_BYTES, MADV_DONTFORK);
	madvise(part, PAGE_BYTES, MADV_DOFORK);
	return huge_bytes() ? SPOILT : DONE;
}

/* The child keeps the old pages; the guest goes on in the parent's. */
static int fork_once(unsigned int round)
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
	return child > 0 && waitpid(child, &status, 0) == child && !status ? DONE : SPOILT;
}

static int protect(unsigned int round)
{
	mprotect(memory, SIZE, round % 2 ? PROT_READ : PROT_NONE);
	usleep(2000);
	return mprotect(memory, SIZE, PROT_READ | PROT_WRITE) ? SPOILT : DONE;
}

static int replace(void)
{
	return !munmap(memory, SIZE) &&
	       mmap(memory, SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory ? DONE : SPOILT;
}

static int deed(unsigned int round)
{
	if (!strcmp(name, "swapped_out"))
		return swap_out();
	if (!strcmp(name, "migrated"))
		return migrate(round);
	if (!strcmp(name, "merged"))
		return merge(round);
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
	return deed(args[1]);
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

static void clean_up(struct vm *vm)
{
	(void)vm;
	if (!strcmp(name, "merged"))
		write_text(KSM "run", "0");
	munmap(memory, SIZE);
	if (twin)
		munmap(twin, SIZE);
	twin = NULL;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = prepare, .call = answer, .after = clean_up }, { 0 }
};
#endif /* GUEST */
