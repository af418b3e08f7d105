// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every right at every level: the guest makes an access under one arrangement
 * of entries and control registers after the other, and what comes out of it,
 * data, page fault, error code, CR2, accessed and dirty bits, is compared with
 * a walker written from the manual (unit/naive_walk.c). SDM3 "Paging".
 *
 * Half of the accesses take their rights from a sweep over all combinations at
 * a leaf and one entry above it, half are random. NST_TORTURE in the
 * environment is the number of accesses for each paging mode, NST_FUZZ_SEED
 * where the random numbers begin; SWEEP accesses or more visit every
 * combination.
 */
#ifdef GUEST
#include "guest.h"

PLAIN_CASE(off, "SDM3 \"Paging-Mode Enabling\"", engine32, MODE_PROT32);
PLAIN_CASE(two_level, "SDM3 \"32-Bit Paging\"", engine32, MODE_PROT32);
PLAIN_CASE(pae, "SDM3 \"PAE Paging\"", engine32, MODE_PROT32);
PLAIN_CASE(four_level, "SDM3 \"4-Level Paging and 5-Level Paging\"", engine64, MODE_LONG);
PLAIN_CASE(five_level, "SDM3 \"4-Level Paging and 5-Level Paging\"", engine64, MODE_LONG);

#else /* host half */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <asm/processor-flags.h>

#include "guest_test.h"
#include "paging.h"
#include "paging_torture.h"
#include "../unit/naive_walk.h"

#define DEFAULT_ACCESSES	1280
#define MAX_COMPLAINTS		12

#define POOL_SIZE		(GUEST_MEM_SIZE - TORTURE_POOL)
#define POOL_TABLES		16

#define P			PAGING_P
#define RW			PAGING_RW
#define US			PAGING_US
#define A			PAGING_A
#define D			PAGING_D
#define PS			PAGING_PS
#define G			PAGING_G
#define XD			PAGING_XD

#define PF_P			1u
#define PF_RSVD			8u

/* Not for an access: the kernel's own slots on VMX, and the local APIC. */
#define PRIVATE_FROM		0xfec00000ull
#define PRIVATE_TO		0x100000000ull

enum { READ, WRITE, FETCH, KINDS };

static struct paging_features has;

/* What one access should come to. */
struct expect {
	struct naive_cpu cpu;
	struct naive_access access;
	struct naive_result want;
	unsigned int kind;
	uint64_t after[TORTURE_WRITES];
	uint32_t value;
	/* What userspace saw of it. */
	unsigned int exits;
	bool exit_write;
	uint64_t exit_gpa;
};

static const struct paging_mode *mode;
static uint8_t model[GUEST_MEM_SIZE];
static struct expect expects[TORTURE_RECORDS];
static unsigned int pending, complaints;
static uint64_t state, made, wanted;
static unsigned long good, faults, exits, odd_codes, odd_pdptes, codes[64];
/* QEMU 7.2's own walk: Documentation/deviations.rst names what it does wrong. */
static bool odd_walk;

/* xorshift64*: Marsaglia, "Xorshift RNGs". */
static uint64_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

static bool one_in(unsigned int n)
{
	return next() % n == 0;
}

static uint64_t load(uint64_t at)
{
	uint64_t value = 0;

	memcpy(&value, model + at, mode->width);
	return value;
}

/* ---- what the machine starts with ---- */

/* The walker's name for a mode. */
static enum naive_mode naive_mode(void)
{
	static const enum naive_mode names[] = {
		NAIVE_OFF, NAIVE_OFF, NAIVE_32, NAIVE_PAE, NAIVE_4LEVEL, NAIVE_5LEVEL,
	};

	return names[mode->levels];
}

static bool is_pae(void)
{
	return mode->levels == 3;
}

/* The guest's own memory and the pool, one to one, under the first entries. */
static void identity_map(struct vm *vm)
{
	struct paging tables;
	uint64_t at;

	paging_begin(&tables, vm, mode);
	for (at = 0; at < GUEST_MEM_SIZE; at += 4096)
		paging_map(&tables, at, at | P | RW | A | D | (at == TORTURE_USER ? US : 0), 1);
}

static void gates(struct vm *vm, uint64_t traps)
{
	uint64_t *idt = guest_at(vm, PAGING_IDT, 0x1000);
	unsigned int i;

	for (i = 0; i < 33; i++) {
		unsigned int vector = i < 32 ? i : TORTURE_DONE;
		uint64_t target = traps + i * 16;

		idt[vector * (mode->is_long ? 2 : 1)] =
			(target & 0xffff) | PAGING_CODE << 16 |
			(i < 32 ? 0x8eull : 0xeeull) << 40 | (target >> 16 & 0xffff) << 48;
	}
}

/* AMD reserves it above level 2, QEMU does not. */
static bool is_odd(uint64_t entry, unsigned int level)
{
	return odd_walk && has.amd && level > 2 && (entry & G) && !(entry & PS);
}

/* Is it QEMU 7.2 that walks the guest's tables? */
static bool qemu_walks(void)
{
	const char *host = getenv("NESTOR_HOST"), *module = getenv("NESTOR_MODULE");
	FILE *file = fopen("/sys/module/nestor/parameters/tdp", "r");
	bool tdp = module && strcmp(module, "ours");

	if (file) {
		tdp = fgetc(file) == 'Y';
		fclose(file);
	}
	return host && !strcmp(host, "svm") && tdp;
}

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void prepare(struct vm *vm)
{
	static const uint8_t code[3][4] = {
		{ 0x8b, 0x07, 0xcd, TORTURE_DONE },	/* mov (%edi), %eax; int */
		{ 0x89, 0x07, 0xcd, TORTURE_DONE },	/* mov %eax, (%edi); int */
		{ 0xff, 0xe7 },				/* jmp *%edi */
	};
	const struct guest_case *row = host_case(vm);
	unsigned int i;

	mode = paging_mode(guest_at(vm, row->name, 16));
	paging_features(&vm->vcpu[0], &has);
	if (mode->levels == 5 && !has.la57) {
		host_skip(vm, "the guest's CPU has no 5-level paging");
		host_end(vm);
		return;
	}
	state = number("NST_FUZZ_SEED", 0x9e3779b97f4a7c15) | 1;
	wanted = number("NST_TORTURE", DEFAULT_ACCESSES);
	odd_walk = qemu_walks();
	made = 0;
	pending = 0;
	complaints = 0;
	good = 0;
	faults = 0;
	exits = 0;
	odd_codes = 0;
	odd_pdptes = 0;
	memset(codes, 0, sizeof(codes));
	memset(model, 0, sizeof(model));
	identity_map(vm);
	for (i = 0; i < KINDS; i++) {
		/* One copy for each ring. */
		memcpy(vm->mem + TORTURE_USER + i * 16, code[i], 4);
		memcpy(vm->mem + TORTURE_USER + 4096 + i * 16, code[i], 4);
	}
	gates(vm, *(uint64_t *)guest_at(vm, row->code - 8, 8));
	paging_start(&vm->vcpu[0], mode, row->code, has.pcid && mode->is_long);
	vm->seconds *= 4 + wanted / 1024;
}

/* ---- one access ---- */

/* Of the combinations of a sweep, as many as there are: */
#define SWEEP			(3u << 14)
/* prime to SWEEP, so that few accesses are spread over it. */
#define SWEEP_STEP		30011u

/* One combination, one bit after the other. */
struct sweep {
	bool on;
	uint32_t bits;
};

static bool take(struct sweep *sweep)
{
	bool bit = sweep->bits & 1;

	sweep->bits >>= 1;
	return sweep->on ? bit : next() & 1;
}

static void choose_cpu(struct expect *e, struct torture *t, struct sweep *sweep)
{
	struct naive_cpu *cpu = &e->cpu;

	*cpu = (struct naive_cpu){
		.mode = naive_mode(), .amd = has.amd, .gb_pages = has.gb_pages,
		.maxphyaddr = has.maxphyaddr, .cr3 = PAGING_ROOT,
	};
	e->kind = sweep->on ? sweep->bits % 3 : next() % 3;
	sweep->bits /= 3;
	e->access = (struct naive_access){
		.write = e->kind == WRITE, .fetch = e->kind == FETCH, .user = take(sweep),
	};
	cpu->wp = take(sweep);
	cpu->smep = take(sweep) && has.smep;
	cpu->smap = take(sweep) && has.smap;
	cpu->ac = take(sweep);
	cpu->nxe = take(sweep) && has.nx;
	cpu->pse = one_in(2);
	cpu->pke = has.pku && mode->is_long && one_in(2);
	cpu->pkru = (take(sweep) ? 0x55555555 : 0) | (take(sweep) ? 0xaaaaaaaa : 0);
	if (!sweep->on)
		cpu->pkru = next();
	t->invlpg = one_in(2);
	t->cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | (mode->levels ? X86_CR0_PG : 0) |
		 (cpu->wp ? X86_CR0_WP : 0);
	t->cr4 = (mode->cr4 & ~(uint64_t)X86_CR4_PSE) |
		 (cpu->smep ? X86_CR4_SMEP : 0) | (cpu->smap ? X86_CR4_SMAP : 0) |
		 (cpu->pse ? X86_CR4_PSE : 0) | (cpu->pke ? X86_CR4_PKE : 0) |
		 (t->invlpg && one_in(2) ? X86_CR4_PGE : 0);
	t->efer = (mode->is_long ? PAGING_EFER_LONG : 0) | (cpu->nxe ? PAGING_EFER_NXE : 0);
	t->cr3 = mode->levels ? PAGING_ROOT : 0;
	t->pkru = cpu->pkru;
	if (!has.pcid || !mode->is_long)
		return;
	/* Another PCID, kept or flushed: INVLPG must reach what is kept. */
	t->cr4 |= X86_CR4_PCIDE;
	t->cr3 |= next() % 4 | (t->invlpg && one_in(2) ? 1ull << 63 : 0);
}

/* Where the guest lives is under the first entries of the uppermost table. */
static bool is_own(uint64_t address)
{
	uint64_t index = address >> paging_shift(mode, mode->levels);

	return (index & ((1u << mode->index_bits) - 1)) < (mode->levels == 2 ? 2 : 1);
}

static uint64_t choose_address(void)
{
	unsigned int spare = mode->is_long ? 64 - 12 - mode->levels * 9 : 32;
	uint64_t address;

	if (!mode->levels)
		return (one_in(4) ? GUEST_MMIO : TORTURE_POOL) + (next() & 0x3ffffc);
	do {
		address = next() & ~3ull;
		/* Under a 1 GiB page at 0 this is TORTURE_POOL. */
		if (one_in(2))
			address = (address & ~0x3fc00000ull) | TORTURE_POOL;
		if (mode->is_long)
			address = (uint64_t)((int64_t)(address << spare) >> spare);
		else
			address = (uint32_t)address;
	} while (is_own(address));
	return address;
}

static uint64_t pool_table(void)
{
	return TORTURE_POOL + next() % POOL_TABLES * PAGING_TABLE;
}

/* A large page somewhere in the pool; level 3 has only the one at 0. */
static uint64_t large_page(unsigned int level)
{
	if (level != 2)
		return 0;
	return TORTURE_POOL + (mode->width == 8 && one_in(2) ? 0x200000 : 0);
}

static uint64_t random_entry(unsigned int level)
{
	uint64_t entry = pool_table(), flags = next() & 0xf7f;

	if (!one_in(4))
		flags |= P | RW | US;
	if (!one_in(16))
		flags |= P;
	if (!one_in(3))
		flags &= ~G;
	if (level > 1 && one_in(5)) {
		flags |= PS;
		if (!one_in(4))
			entry = large_page(level);
	} else if (level == 1 && one_in(2)) {
		flags |= PS;			/* the PAT bit here */
	}
	if (one_in(12))
		entry ^= 1ull << (12 + next() % (mode->width == 4 ? 20 : 40));
	entry |= flags;
	if (mode->width == 4)
		return entry;
	if (one_in(4))
		entry |= XD;
	if (one_in(4))
		entry |= (next() & 0x7f) << 52;
	return entry;
}

/* All rights but those that the sweep takes away. */
static uint64_t swept_entry(unsigned int level, bool leaf, bool chosen, struct sweep *sweep)
{
	uint64_t entry = pool_table() | P | (next() & (A | (leaf ? D : 0)));
	bool large = leaf && level > 1;

	if (large)
		entry = large_page(level) | PS | (entry & 0xfff);
	if (!chosen || take(sweep))
		entry |= RW;
	if (!chosen || take(sweep))
		entry |= US;
	if (chosen && take(sweep) && mode->width == 8)
		entry |= XD;
	if (leaf && mode->is_long)
		entry |= (next() & 15) << 59;
	return entry;
}

static void put(struct torture *t, uint64_t at, uint64_t value)
{
	struct torture_write *w = &t->write[t->nwrites++];

	w->at = at;
	w->value = value;
	w->after = load(at);
	memcpy(model + at, &value, mode->width);
}

static void undo(struct torture *t)
{
	while (t->nwrites) {
		struct torture_write *w = &t->write[--t->nwrites];

		memcpy(model + w->at, &w->after, mode->width);
	}
}

static void choose_entries(struct torture *t, struct expect *e, struct sweep *sweep)
{
	unsigned int leaf = sweep->on && (e->cpu.pse || mode->width == 8) && one_in(4) ? 2 : 1;
	unsigned int top = mode->levels - is_pae(), upper, level;
	uint64_t table = PAGING_ROOT, entry;

	if (leaf == 2 && mode->is_long && has.gb_pages && one_in(2))
		leaf = 3;
	upper = leaf == top ? 0 : leaf + 1 + next() % (top - leaf);
	if (is_pae()) {
		entry = pool_table() | (sweep->on || !one_in(10) ? P : 0);
		put(t, table + (t->address >> 30) * 8, entry);
		table = entry & ~0xfffull;
		memcpy(e->cpu.pdpte, model + PAGING_ROOT, sizeof(e->cpu.pdpte));
	}
	for (level = top; level >= leaf; level--) {
		uint64_t index = t->address >> paging_shift(mode, level);

		index &= (1u << mode->index_bits) - 1;
		entry = sweep->on ? swept_entry(level, level == leaf,
						level == leaf || level == upper, sweep) :
				    random_entry(level);
		/* Entries above may say anything; the guest's own memory is spared. */
		if (table != PAGING_ROOT &&
		    (table < TORTURE_POOL || table > GUEST_MEM_SIZE - PAGING_TABLE))
			return;
		if (is_odd(entry, level))
			entry &= ~G;
		put(t, table + index * mode->width, entry);
		table = entry & (mode->width == 4 ? 0xfffff000 : 0xffffffffff000);
	}
}

/* Some entry on the way, which was made for another level maybe. */
static bool meets_odd(const struct expect *e)
{
	int i;

	for (i = 0; i < e->want.used; i++)
		if (is_odd(load(e->want.where[i]), mode->levels - i))
			return true;
	return false;
}

/* Nothing that would hit the guest itself, and no code on a device. */
static bool is_fit(const struct expect *e)
{
	uint64_t gpa = e->want.gpa;
	int i;

	if (e->want.outside || (!is_pae() && meets_odd(e)))
		return false;
	for (i = 0; i < e->want.used; i++)
		if (e->want.where[i] < TORTURE_POOL &&
		    e->want.where[i] >> 12 != PAGING_ROOT >> 12)
			return false;
	if (!e->want.ok)
		return true;
	if (gpa < TORTURE_POOL || (gpa >= PRIVATE_FROM && gpa < PRIVATE_TO))
		return false;
	return gpa < GUEST_MEM_SIZE || e->kind != FETCH;
}

/* What a fetch finds: an instruction that comes back to the engine. */
static bool plant(struct torture *t, struct expect *e)
{
	const uint8_t code[2] = { 0xcd, TORTURE_DONE };
	uint64_t at = e->want.gpa & ~(mode->width - 1ull), word, gpa = e->want.gpa;

	if (!e->want.ok || e->kind != FETCH)
		return true;
	word = load(at);
	memcpy((uint8_t *)&word + (gpa - at), code, sizeof(code));
	put(t, at, word);
	/* That may have been one of the entries. */
	if (is_pae())
		memcpy(e->cpu.pdpte, model + PAGING_ROOT, sizeof(e->cpu.pdpte));
	e->want = naive_walk(&e->cpu, &e->access, model, GUEST_MEM_SIZE);
	return e->want.ok && e->want.gpa == gpa;
}

static uint32_t device_value(uint64_t gpa)
{
	return (gpa * 0x9e3779b97f4a7c15ull) >> 32;
}

/* Let the access happen in the model. */
static bool settle(struct torture *t, struct expect *e)
{
	uint64_t gpa = e->want.gpa;
	bool ram = e->want.ok && gpa < GUEST_MEM_SIZE;
	unsigned int i;

	e->cpu.dry = false;
	e->want = naive_walk(&e->cpu, &e->access, model, GUEST_MEM_SIZE);
	t->value = (uint32_t)next();
	e->value = t->value;
	if (e->kind == READ && ram)
		memcpy(&e->value, model + gpa, 4);
	else if (e->kind == READ && e->want.ok)
		e->value = device_value(gpa);
	else if (e->kind == WRITE && ram)
		memcpy(model + gpa, &e->value, 4);
	for (i = 0; i < t->nwrites; i++)
		e->after[i] = load(t->write[i].at);
	return e->kind != FETCH || !ram || (model[gpa] == 0xcd && model[gpa + 1] == TORTURE_DONE);
}

static bool make(struct torture *t, struct expect *e)
{
	struct sweep sweep = {
		.on = made & 1, .bits = made / 2 * SWEEP_STEP % SWEEP,
	};

	memset(t, 0, sizeof(*t));
	memset(e, 0, sizeof(*e));
	choose_cpu(e, t, &sweep);
	t->width = mode->width;
	t->address = choose_address();
	e->access.addr = t->address;
	if (mode->levels)
		choose_entries(t, e, &sweep);
	e->cpu.dry = true;
	e->want = naive_walk(&e->cpu, &e->access, model, GUEST_MEM_SIZE);
	/* An accessed bit in the planted code is rare; then the entries go too. */
	if (!is_fit(e) || !plant(t, e) || !settle(t, e)) {
		undo(t);
		return false;
	}
	t->cs = e->access.user ? PAGING_USER_CODE : PAGING_CODE;
	t->ss = e->access.user ? PAGING_USER_DATA : PAGING_STACK;
	t->rip = TORTURE_USER + (e->access.user ? 0 : 4096) + e->kind * 16;
	t->rflags = 2 | (e->cpu.ac ? X86_EFLAGS_AC : 0);
	return true;
}

/* ---- what came out ---- */

static const char *entries_differ(const struct torture *t, const struct expect *e)
{
	unsigned int i;

	for (i = 0; i < t->nwrites; i++) {
		uint64_t got = t->write[i].after, want = e->after[i];

		/* A fault may leave accessed bits in entries on the way to it. */
		if (!e->want.ok)
			want |= got & A;
		if (odd_walk && is_pae() && !i && (got & ~want) == A) {
			odd_pdptes++;
			want |= A;
		}
		if (got != want)
			return "an entry is another afterwards";
	}
	return NULL;
}

static const char *fault_differs(const struct torture *t, const struct expect *e)
{
	uint32_t want = e->want.error_code;

	if (t->vector == TORTURE_DONE)
		return "no fault";
	if (t->vector != 14)
		return "another exception";
	if (t->cr2 != t->address)
		return "another CR2";
	if (odd_walk && (want & PF_RSVD) && t->error == (want & ~PF_P))
		odd_codes++;
	else if (t->error != want)
		return "another error code";
	codes[want % 64]++;
	faults++;
	return entries_differ(t, e);
}

static const char *access_differs(const struct torture *t, const struct expect *e)
{
	bool device = e->want.gpa >= GUEST_MEM_SIZE, writes = e->kind == WRITE;
	uint32_t got = t->value, mask = ~0u;

	if (t->vector != TORTURE_DONE)
		return "a fault";
	if (e->exits != device)
		return device ? "no exit to the device" : "an exit";
	if (device && (e->exit_gpa != e->want.gpa || e->exit_write != writes))
		return "another exit";
	/* It may have read an entry with an accessed bit that a fault left. */
	if (e->kind == READ && !device && mode->levels)
		mask = ~(uint32_t)A;
	if ((got ^ e->value) & mask)
		return "other data";
	good++;
	exits += device;
	return entries_differ(t, e);
}

static void complain(struct vm *vm, const struct torture *t, const struct expect *e,
		     const char *why)
{
	static const char *const kinds[] = { "read", "write", "fetch" };
	unsigned int i;

	if (complaints++ >= MAX_COMPLAINTS)
		return;
	host_check(vm, false, "%s %s of %#" PRIx64 ": %s", e->access.user ? "user" : "supervisor",
		   kinds[e->kind], e->access.addr, why);
	tap_note("cr0 %#llx cr3 %#llx cr4 %#llx efer %#llx rflags %#llx pkru %#llx invlpg %u",
		 t->cr0, t->cr3, t->cr4, t->efer, t->rflags, t->pkru, t->invlpg);
	tap_note("wanted ok %d gpa %#" PRIx64 " error %#x value %#x", e->want.ok, e->want.gpa,
		 e->want.error_code, e->value);
	tap_note("got vector %llu error %#llx cr2 %#llx value %#llx exits %u", t->vector,
		 t->error, t->cr2, t->value, e->exits);
	for (i = 0; i < t->nwrites; i++)
		tap_note("%#llx: %#llx, then %#llx, wanted %#" PRIx64, t->write[i].at,
			 t->write[i].value, t->write[i].after, e->after[i]);
}

/* Nothing but what the accesses wrote has changed; accessed bits see above. */
static bool same_pool(struct vm *vm)
{
	const uint32_t *got = guest_at(vm, TORTURE_POOL, POOL_SIZE);
	const uint32_t *want = (const uint32_t *)(model + TORTURE_POOL);
	unsigned int i;

	if (!memcmp(got, want, POOL_SIZE))
		return true;
	for (i = 0; i < POOL_SIZE / 4; i++)
		if ((got[i] ^ want[i]) & ~(uint32_t)A) {
			tap_note("%#x is %#x, not %#x", TORTURE_POOL + i * 4, got[i], want[i]);
			return false;
		}
	return true;
}

static void compare(struct vm *vm)
{
	const struct torture *t = guest_at(vm, TORTURE_BATCH, pending * T_SIZE);
	unsigned int i;

	for (i = 0; i < pending; i++, t++) {
		const struct expect *e = &expects[i];
		const char *why = e->want.ok ? access_differs(t, e) : fault_differs(t, e);

		if (why)
			complain(vm, t, e, why);
	}
	if (!same_pool(vm)) {
		complaints++;
		host_check(vm, false, "memory holds what was written");
	}
}

static void conclude(struct vm *vm)
{
	unsigned int i, kinds = 0;

	for (i = 0; i < 64; i++)
		kinds += !!codes[i];
	host_check(vm, !complaints && good && (faults || !mode->levels),
		   "%" PRIu64 " accesses: %lu to memory, %lu to devices, %lu faults with %u codes",
		   made, good - exits, exits, faults, kinds);
	if (odd_codes)
		host_skip(vm, "fault of QEMU 7.2 TCG: reserved-bit fault without P");
	if (odd_pdptes)
		host_skip(vm, "fault of QEMU 7.2 TCG: PDPTEs get an accessed bit");
}

/* The engine asks for the next accesses: how many there are. */
static uint64_t next_batch(struct vcpu *vcpu, const uint64_t *args)
{
	struct vm *vm = vcpu->vm;
	struct torture *t = guest_at(vm, TORTURE_BATCH, TORTURE_RECORDS * T_SIZE);

	(void)args;
	compare(vm);
	pending = 0;
	if (made >= wanted || complaints) {
		conclude(vm);
		return 0;
	}
	memcpy(model + PAGING_ROOT, vm->mem + PAGING_ROOT, PAGING_TABLE);
	memcpy(model + TORTURE_POOL, vm->mem + TORTURE_POOL, POOL_SIZE);
	while (pending < TORTURE_RECORDS && made < wanted) {
		if (!make(&t[pending], &expects[pending]))
			continue;
		pending++;
		made++;
	}
	return pending;
}

static bool device(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_regs regs;
	struct expect *e;
	uint32_t value;
	uint64_t index;

	if (run->exit_reason != KVM_EXIT_MMIO)
		return false;
	vcpu_regs(vcpu, &regs);
	index = (regs.rsi - TORTURE_BATCH) / T_SIZE;
	if (index >= pending || run->mmio.len != 4)
		return false;
	e = &expects[index];
	e->exits++;
	e->exit_gpa = run->mmio.phys_addr;
	e->exit_write = run->mmio.is_write;
	value = device_value(run->mmio.phys_addr);
	if (!run->mmio.is_write)
		memcpy(run->mmio.data, &value, 4);
	else if (memcmp(run->mmio.data, &e->value, 4))
		e->exit_gpa = ~0ull;
	return true;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = prepare, .exit = device, .call = next_batch }, { 0 }
};
#endif /* GUEST */
