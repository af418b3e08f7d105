// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log is exact in every paging mode: a guest writes a known random
 * set of pages, through small and large pages of its own and over small, huge
 * and hugetlb pages of the host, and that set is what is read back. With
 * KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 a page stays in the log until
 * KVM_CLEAR_DIRTY_LOG names it. While another thread reads and clears the log,
 * all that it reads together is that set. Linux "The Definitive KVM API
 * Documentation".
 */
#ifdef GUEST
#include "guest.h"

#define GET		"Linux \"The Definitive KVM API Documentation\", KVM_GET_DIRTY_LOG"
#define CLEAR		"Linux \"The Definitive KVM API Documentation\", KVM_CLEAR_DIRTY_LOG"

PLAIN_CASE(off, GET, dirty_writer32, MODE_PROT32);
PLAIN_CASE(two_level, GET, dirty_writer32, MODE_PROT32);
PLAIN_CASE(pae, GET, dirty_writer32, MODE_PROT32);
PLAIN_CASE(four_level, GET, dirty_writer64, MODE_LONG);
PLAIN_CASE(five_level, GET, dirty_writer64, MODE_LONG);
PLAIN_CASE(two_level_clear, CLEAR, dirty_writer32, MODE_PROT32);
PLAIN_CASE(four_level_clear, CLEAR, dirty_writer64, MODE_LONG);

#else /* host half */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "dirty_modes.h"
#include "guest_test.h"
#include "paging.h"

#define SLOT			1
#define SLOT_GPA		0x40000000u
#define PAGES			4096u
#define SIZE			(PAGES * 4096ul)
#define HUGE			0x200000ul
/* The slot is mapped twice: by small pages here, and by large ones. */
#define LARGE_AT		0x80000000u

#define ROUNDS			5	/* for each kind of host memory */
#define MOST			500	/* writes in a round */

enum { SMALL, THP, HUGETLB, KINDS };

static const char *const kinds[] = { "small pages", "huge pages", "hugetlb pages" };

static const struct paging_mode *mode;
static uint8_t *memory[KINDS];
static uint64_t state;
static unsigned int kind, rounds, wrong;
static bool manual;
static uint8_t want[PAGES], seen[PAGES];
static pthread_t reader;
static atomic_bool reading;
static bool reader_runs;

/* xorshift64*: Marsaglia, "Xorshift RNGs". */
static uint64_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

static void write_number(const char *file, unsigned int value)
{
	FILE *f = fopen(file, "w");

	if (!f)
		return;
	fprintf(f, "%u\n", value);
	fclose(f);
}

static uint8_t *backing(unsigned int which)
{
	uint8_t *at;

	if (which == HUGETLB) {
		write_number("/proc/sys/vm/nr_hugepages", SIZE / HUGE);
		at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
		return at == MAP_FAILED ? NULL : at;
	}
	at = vm_pages(SIZE + HUGE);
	at = (uint8_t *)(((uintptr_t)at + HUGE - 1) & -HUGE);
	madvise(at, SIZE, which == THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(at, 1, SIZE);
	return at;
}

static bool prepare_manual(struct vm *vm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE,
	};

	if (!manual)
		return true;
	if (vm_check_extension(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) <= 0)
		return false;
	vm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap, "ENABLE_CAP");
	return true;
}

static void prepare(struct vm *vm)
{
	const struct guest_case *row = host_case(vm);
	const char *name = guest_at(vm, row->name, 32);
	unsigned int large = 2, i;
	struct paging_features has;
	struct paging tables;
	uint64_t at;

	mode = paging_mode(name);
	manual = strstr(name, "clear");
	paging_features(&vm->vcpu[0], &has);
	if ((mode->levels == 5 && !has.la57) || !prepare_manual(vm)) {
		host_skip(vm, manual ? "no manual protection" : "no 5-level paging");
		host_end(vm);
		return;
	}
	paging_begin(&tables, vm, mode);
	for (at = 0; at < GUEST_MEM_SIZE; at += 4096)
		paging_map(&tables, at, at | PAGING_P | PAGING_RW, 1);
	for (at = 0; at < SIZE; at += 4096)
		paging_map(&tables, SLOT_GPA + at, (SLOT_GPA + at) | PAGING_P | PAGING_RW, 1);
	for (at = 0; at < SIZE && mode->levels; at += 1ul << paging_shift(mode, large))
		paging_map(&tables, LARGE_AT + at, (SLOT_GPA + at) | PAGING_P | PAGING_RW,
			   large);
	paging_start(&vm->vcpu[0], mode, row->code, false);
	state = 0x9e3779b97f4a7c15;
	for (i = 0; i < KINDS; i++)
		if (!memory[i])
			memory[i] = backing(i);
	kind = 0;
	rounds = 0;
	wrong = 0;
	reader_runs = false;
	memset(want, 0, sizeof(want));
	vm->seconds *= 2;
}

/* ---- the log ---- */

static void get_log(struct vm *vm, uint64_t *bitmap)
{
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };

	vm_ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log, "GET_DIRTY_LOG");
}

static void clear_log(struct vm *vm, unsigned int first, unsigned int pages, uint64_t *bitmap)
{
	struct kvm_clear_dirty_log clear = {
		.slot = SLOT, .first_page = first, .num_pages = pages,
		.dirty_bitmap = bitmap,
	};

	vm_ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear, "CLEAR_DIRTY_LOG");
}

static void see(struct vm *vm)
{
	uint64_t bitmap[PAGES / 64];
	unsigned int i;

	get_log(vm, bitmap);
	for (i = 0; i < PAGES; i++)
		seen[i] |= bitmap[i / 64] >> (i % 64) & 1;
	if (manual && reader_runs)
		clear_log(vm, 0, PAGES, bitmap);
}

static void *read_all_the_time(void *vm)
{
	while (atomic_load(&reading))
		see(vm);
	return NULL;
}

/* A random part of the log is cleared; what remains is wanted once more. */
static void clear_some(struct vm *vm)
{
	unsigned int first = next() % (PAGES / 64) * 64, pages, i;
	uint64_t bitmap[PAGES / 64];

	pages = (1 + next() % ((PAGES - first) / 64)) * 64;
	for (i = 0; i < pages / 64; i++)
		bitmap[i] = next();
	clear_log(vm, first, pages, bitmap);
	for (i = 0; i < pages; i++)
		if (bitmap[i / 64] >> (i % 64) & 1)
			want[first + i] = 0;
}

/* ---- rounds ---- */

static void compare(struct vm *vm)
{
	unsigned int i;

	if (reader_runs) {
		atomic_store(&reading, false);
		pthread_join(reader, NULL);
	}
	see(vm);
	for (i = 0; i < PAGES; i++) {
		if (seen[i] == want[i])
			continue;
		if (wrong++ < 5)
			tap_note("round %u, %s: page %u is%s in the log", rounds, kinds[kind], i,
				 seen[i] ? "" : " not");
	}
	if (!manual || reader_runs)
		memset(want, 0, sizeof(want));
	else
		clear_some(vm);
}

/* Slot and memory of the next kind; mapped by the guest before logging begins. */
static bool begin_kind(struct vm *vm)
{
	uint64_t bitmap[PAGES / 64];

	if (kind)
		vm_slot(vm, SLOT, 0, SLOT_GPA, 0, NULL);
	if (!memory[kind])
		return false;
	vm_slot(vm, SLOT, 0, SLOT_GPA, SIZE, memory[kind]);
	vm_slot(vm, SLOT, KVM_MEM_LOG_DIRTY_PAGES, SLOT_GPA, SIZE, memory[kind]);
	get_log(vm, bitmap);
	if (manual)
		clear_log(vm, 0, PAGES, memset(bitmap, 0xff, sizeof(bitmap)));
	memset(want, 0, sizeof(want));
	return true;
}

static uint32_t linear(unsigned int page, unsigned int offset)
{
	bool large = mode->levels && next() % 2;

	return (large ? LARGE_AT : SLOT_GPA) + page * 4096 + offset;
}

/* The writes of one round: all over the slot, or some pages of some huge ones. */
static unsigned int make_list(struct vm *vm)
{
	uint32_t *list = guest_at(vm, DIRTY_LIST, DIRTY_LIST_SIZE);
	unsigned int i, count = next() % MOST;
	bool dense = next() % 2;

	for (i = 0; i < count; i++) {
		unsigned int page = dense ? next() % (PAGES / 512) * 512 + next() % 20 :
					    next() % PAGES;
		bool two = page + 1 < PAGES && next() % 16 == 0;

		want[page] = 1;
		want[page + two] = 1;
		list[i] = linear(page, two ? 4094 : next() % 1023 * 4);
	}
	return count;
}

static uint64_t next_round(struct vcpu *vcpu, const uint64_t *args)
{
	struct vm *vm = vcpu->vm;

	(void)args;
	if (rounds)
		compare(vm);
	if (rounds == ROUNDS) {
		host_check(vm, !wrong, "%s: %u rounds (%u pages wrong)", kinds[kind], rounds,
			   wrong);
		wrong = 0;
		rounds = 0;
		kind++;
	}
	while (!rounds && kind < KINDS && !begin_kind(vm)) {
		host_skip(vm, kinds[kind]);
		kind++;
	}
	if (kind == KINDS) {
		host_end(vm);
		return 0;
	}
	rounds++;
	memset(seen, 0, sizeof(seen));
	reader_runs = rounds > ROUNDS / 2;
	if (reader_runs && manual)
		memset(want, 0, sizeof(want));
	if (reader_runs) {
		see(vm);
		memset(seen, 0, sizeof(seen));
		atomic_store(&reading, true);
		if (pthread_create(&reader, NULL, read_all_the_time, vm))
			vm_give_up("pthread_create");
	}
	return make_list(vm);
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = prepare, .call = next_round }, { 0 }
};
#endif /* GUEST */
