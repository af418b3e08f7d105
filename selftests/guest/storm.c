// SPDX-License-Identifier: GPL-2.0-only
/*
 * Four CPUs map, unmap and touch pages while userspace does to their memory
 * all that it may: protects and frees it, moves, deletes and makes slots, reads
 * the dirty log. What the guest wrote stays, and the log is exact. Linux "The
 * Definitive KVM API Documentation", KVM_SET_USER_MEMORY_REGION.
 *
 * NST_STORM in the environment is how many turns each CPU makes.
 */
#define SLOT_BASE	0x40000000UL
#define SLOT_OTHER	0x50000000UL	/* where it is moved to */
#define PAGES		1024
#define CPUS		4
#define OWN		(PAGES / CPUS)	/* pages of one CPU */
#define TURNS		1500

/* In the guest's memory, read by both halves. */
#define COUNTS		0x200000UL	/* for each page how often it was written */
#define WRITTEN		0x210000UL	/* a byte for each page */
#define TABLES		0x220000UL	/* two for each CPU */

/* Pages that no CPU writes: the log must not have them, and they may be freed. */
#define IS_QUIET(page)	((page) % 4 == 3)

#define ASK_TURNS	0
#define ASK_BREAK	1	/* all CPUs wait: compare the log; 0: no log here */

#ifdef GUEST
#include "guest.h"

#define SECTION		"Linux \"The Definitive KVM API Documentation\", KVM_SET_USER_MEMORY_REGION"
#define WINDOW(cpu)	((4 + (u64)(cpu)) << 30)
#define BREAK_EVERY	128

static volatile u32 waiting[CPUS], ready[CPUS], go_on, turns;
static volatile u64 wrong[CPUS], wrong_page[CPUS];

static u64 next(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dul;
}

static u64 *make_window(u32 cpu)
{
	u64 *directory = (u64 *)(TABLES + cpu * 2 * PAGE_SIZE), *table = directory + 512;

	directory[0] = (u64)table | PTE_PRESENT | PTE_WRITE;
	((u64 *)(GUEST_PML4 + PAGE_SIZE))[4 + cpu] = (u64)directory | PTE_PRESENT | PTE_WRITE;
	WRITE_CR(3, READ_CR(3));
	return table;
}

/* One page, through whatever address: is it as it was left, and leave it new. */
static void touch(u32 cpu, u64 at, u32 page)
{
	volatile u32 *count = (u32 *)COUNTS + page;
	volatile u32 *word = (u32 *)(at + page % 64 * 4);

	if (*word != *count || word[64] != *count * 3) {
		wrong[cpu]++;
		wrong_page[cpu] = page;
	}
	if (IS_QUIET(page))
		return;
	((volatile u8 *)WRITTEN)[page] = 1;
	*count += 1;
	*word = *count;
	word[64] = *count * 3;
}

static void turn(u32 cpu, u64 *table, u64 *state)
{
	u64 random = next(state);
	u32 index = random % 512, page = cpu * OWN + (random >> 16) % OWN;
	u64 at = WINDOW(cpu) + index * PAGE_SIZE;

	switch (random >> 32 & 7) {
	case 0:
		table[index] = 0;
		invlpg(at);
		return;
	case 1:
	case 2:
		touch(cpu, SLOT_BASE + page * PAGE_SIZE, page);
		return;
	case 3:
	case 4:
		table[index] = (SLOT_BASE + page * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
		invlpg(at);
		touch(cpu, at, page);
		return;
	}
	if (table[index])
		touch(cpu, at, (table[index] - SLOT_BASE) / PAGE_SIZE);
}

/* All CPUs stand still while CPU 0 asks the host half to look. */
static void take_a_break(u32 cpu, u32 number)
{
	u32 i;

	waiting[cpu] = number;
	if (!cpu) {
		for (i = 1; i < CPUS; i++)
			while (waiting[i] != number)
				open_window();
		call_host(ASK_BREAK, 0, 0, 0);
		go_on = number;
	}
	while (go_on != number)
		open_window();
}

static void work(u32 cpu)
{
	u64 *table = make_window(cpu), state = 0x9e3779b97f4a7c15 + cpu;
	u32 i;

	while (!turns)
		open_window();
	for (i = 1; i <= turns; i++) {
		turn(cpu, table, &state);
		open_window();
		if (i % BREAK_EVERY == 0)
			take_a_break(cpu, i / BREAK_EVERY);
	}
	ready[cpu] = 1;
}

static void other(void)
{
	work(this_cpu());
}

static void storm(void)
{
	u64 sum = 0;
	u32 i;

	turns = call_host(ASK_TURNS, 0, 0, 0);
	work(0);
	for (i = 0; i < CPUS; i++) {
		while (!ready[i])
			open_window();
		if (wrong[i])
			note("CPU %u: %lu pages wrong, one is %lu", i, wrong[i], wrong_page[i]);
		sum += wrong[i];
	}
	check(!sum, "%u turns: every page is as it was written", turns);
}

GUEST_CASE(log_read, SECTION, .flags = CASE_IRQCHIP, .cpus = CPUS, .ap = other)
{
	storm();
}

GUEST_CASE(slots_changed, SECTION, .flags = CASE_IRQCHIP, .cpus = CPUS, .ap = other)
{
	storm();
}

#else /* host half */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest_test.h"

#define SLOT		1
#define SIZE		(PAGES * 4096UL)
#define HUGE		0x200000UL

static uint8_t *memory;
static uint64_t state;
static pthread_t thread;
static pthread_mutex_t lock;
static atomic_bool stop;
static bool slots_change;
static unsigned int deeds, breaks, wrong, devices;
static uint8_t seen[PAGES];

static uint64_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

/* All that the log has had since the last break. */
static void read_log(struct vm *vm)
{
	uint64_t bitmap[PAGES / 64] = { 0 };
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };
	unsigned int i;

	vm_ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log, "GET_DIRTY_LOG");
	for (i = 0; i < PAGES; i++)
		seen[i] |= bitmap[i / 64] >> (i % 64) & 1;
}

static void put_slot(struct vm *vm, uint64_t gpa, bool logged)
{
	vm_slot(vm, SLOT, logged ? KVM_MEM_LOG_DIRTY_PAGES : 0, gpa, SIZE, memory);
}

/* What a slot can go through; it ends where the guest looks for it. */
static void change_slot(struct vm *vm)
{
	switch (next() % 3) {
	case 0:
		put_slot(vm, SLOT_BASE, next() % 2);
		break;
	case 1:
		put_slot(vm, SLOT_OTHER, true);
		usleep(next() % 500);
		put_slot(vm, SLOT_BASE, true);
		break;
	case 2:
		vm_slot(vm, SLOT, 0, SLOT_BASE, 0, NULL);
		usleep(next() % 500);
		put_slot(vm, SLOT_BASE, next() % 2);
		break;
	}
}

static void fork_once(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
}

/* One deed against the memory; nothing that changes what is in it. */
static void deed(struct vm *vm)
{
	unsigned int first = next() % PAGES, count = 1 + next() % 64, quiet = first | 3;
	uint8_t *at = memory + first * 4096ul;

	if (next() % 8 == 0) {
		at = memory + (next() % (SIZE / HUGE)) * HUGE;
		count = HUGE / 4096;
	}
	if (count > (memory + SIZE - at) / 4096)
		count = (memory + SIZE - at) / 4096;
	switch (next() % 8) {
	case 0:
		mprotect(at, count * 4096ul, PROT_READ);
		usleep(next() % 300);
		break;
	case 1:
		mprotect(at, count * 4096ul, PROT_NONE);
		break;
	case 2:
		madvise(at, count * 4096ul, MADV_PAGEOUT);
		break;
	case 3:
		madvise(memory + quiet * 4096ul, 4096, MADV_DONTNEED);
		break;
	case 4:
		madvise(memory, SIZE, next() % 2 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		break;
	case 5:
		if (next() % 8 == 0)
			fork_once();
		break;
	default:
		if (slots_change)
			change_slot(vm);
		else
			read_log(vm);
	}
	mprotect(memory, SIZE, PROT_READ | PROT_WRITE);
}

static void *userspace(void *vm)
{
	while (!atomic_load(&stop)) {
		pthread_mutex_lock(&lock);
		deed(vm);
		deeds++;
		pthread_mutex_unlock(&lock);
		usleep(next() % 400);
	}
	return NULL;
}

static void prepare(struct vm *vm)
{
	const struct guest_case *row = host_case(vm);
	uint8_t *pages = vm_pages(SIZE + HUGE);

	memory = (uint8_t *)(((uintptr_t)pages + HUGE - 1) & -HUGE);
	madvise(memory, SIZE, MADV_HUGEPAGE);
	memset(memory, 0, SIZE);
	slots_change = !strcmp(guest_at(vm, row->name, 16), "slots_changed");
	state = 0x9e3779b97f4a7c15;
	deeds = 0;
	breaks = 0;
	wrong = 0;
	devices = 0;
	memset(seen, 0, sizeof(seen));
	pthread_mutex_init(&lock, NULL);
	put_slot(vm, SLOT_BASE, true);
	vm->forgives = true;
	vm->seconds *= 4;
	atomic_store(&stop, false);
	if (pthread_create(&thread, NULL, userspace, vm))
		vm_give_up("pthread_create");
}

/* The guest stands still: the log has what it wrote, and no other page. */
static void compare(struct vm *vm)
{
	uint8_t *written = guest_at(vm, WRITTEN, PAGES);
	unsigned int i;

	pthread_mutex_lock(&lock);
	if (!slots_change)
		read_log(vm);
	for (i = 0; i < PAGES && !slots_change; i++) {
		if (seen[i] == written[i])
			continue;
		if (wrong++ < 5)
			tap_note("break %u: page %u is%s in the log", breaks, i,
				 seen[i] ? "" : " not");
	}
	memset(seen, 0, sizeof(seen));
	memset(written, 0, PAGES);
	breaks++;
	pthread_mutex_unlock(&lock);
}

static uint64_t answer(struct vcpu *vcpu, const uint64_t *args)
{
	const char *text = getenv("NST_STORM");

	if (args[0] == ASK_TURNS)
		return text ? strtoul(text, NULL, 0) : TURNS;
	compare(vcpu->vm);
	return 0;
}

/* The slot is away for a moment: the access goes where it would have gone. */
static bool no_slot(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint64_t offset = run->mmio.phys_addr - SLOT_BASE;

	if (run->exit_reason != KVM_EXIT_MMIO || offset >= SIZE || run->mmio.len > 8)
		return false;
	pthread_mutex_lock(&lock);
	devices++;
	if (run->mmio.is_write)
		memcpy(memory + offset, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, memory + offset, run->mmio.len);
	pthread_mutex_unlock(&lock);
	return true;
}

static void end(struct vm *vm)
{
	const uint32_t *counts = guest_at(vm, COUNTS, PAGES * 4);
	unsigned int i, bad = 0;

	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	for (i = 0; i < PAGES; i++) {
		const uint32_t *page = (const uint32_t *)(memory + i * 4096ul) + i % 64;

		bad += page[0] != counts[i] || page[64] != counts[i] * 3;
	}
	host_check(vm, !bad, "userspace sees the same pages (%u wrong)", bad);
	if (!slots_change)
		host_check(vm, !wrong && breaks, "the log is exact at %u breaks", breaks);
	tap_note("%u deeds, %u EFAULT, %u accesses without a slot", deeds,
		 atomic_load(&vm->efaults), devices);
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = prepare, .call = answer, .exit = no_slot, .after = end },
	{ 0 }
};
#endif /* GUEST */
