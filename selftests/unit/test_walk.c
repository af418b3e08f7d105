// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest walker against the naive one: random modes, random tables, random
 * accesses; result, error code, and every byte of memory afterwards.
 *
 * usage: test_walk [COUNT [SEED]]
 */
#include "tap.h"
#include "walk_rig.h"

#define PAGES		16
#define MEM_SIZE	(PAGES * 4096ull)
#define DEFAULT_COUNT	2000000ul

static u8 mem_ours[MEM_SIZE], mem_naive[MEM_SIZE];

static struct rig_memory memory = { mem_ours, MEM_SIZE };
static const struct nst_walk_mem ours = {
	.opaque = &memory, .read = rig_read, .exchange = rig_cmpxchg,
};

static void random_cpu(struct naive_cpu *cpu)
{
	static const u8 widths[] = { 32, 36, 39, 40, 46, 51, 52 };
	u64 bits = rnd();
	int i;

	memset(cpu, 0, sizeof(*cpu));
	cpu->mode = NAIVE_32 + rnd() % 4;
	cpu->wp = bits & 1;
	cpu->pse = bits & 2;
	cpu->nxe = bits & 4;
	cpu->smep = bits & 8;
	cpu->smap = bits & 16;
	cpu->pke = bits & 32;
	cpu->ac = bits & 64;
	cpu->gb_pages = bits & 128;
	cpu->amd = bits & 256;
	cpu->maxphyaddr = widths[rnd() % sizeof(widths)];
	cpu->cr3 = (rnd() % PAGES) << 12;
	cpu->pkru = rnd();
	for (i = 0; i < 4; i++)
		cpu->pdpte[i] = (rnd() % PAGES) << 12 | !one_in(16);
}

static void random_access(struct naive_access *acc, const struct naive_cpu *cpu)
{
	u64 kind = rnd() % 3;

	acc->addr = rnd();
	if (cpu->mode <= NAIVE_PAE)
		acc->addr = (u32)acc->addr;
	acc->write = kind == 1;
	acc->fetch = kind == 2;
	acc->user = rnd() & 1;
	acc->implicit = !acc->user && !acc->fetch && one_in(8);
}

/* Mostly usable, sometimes with a bit that should not be there. */
static u64 random_entry(unsigned int bytes)
{
	u64 flags = rnd() & 0xf7f, entry = (rnd() % PAGES) << 12;

	if (!one_in(4))
		flags |= 7;
	if (!one_in(16))
		flags |= 1;
	if (!one_in(3))
		flags &= ~0x100ull;
	if (one_in(5))
		flags |= 0x80;
	if (one_in(10))
		entry |= 1ull << (12 + rnd() % (bytes == 4 ? 20 : 40));
	entry |= flags;
	if (bytes == 4)
		return entry;
	if (one_in(4))
		entry |= 1ull << 63;
	if (one_in(4))
		entry |= (rnd() & 0x7ff) << 52;
	return entry;
}

/* Writes new entries along the path that the walk will take. */
static void random_tables(const struct naive_cpu *cpu, u64 addr)
{
	unsigned int bytes = cpu->mode == NAIVE_32 ? 4 : 8;
	unsigned int bits = cpu->mode == NAIVE_32 ? 10 : 9;
	static const int levels_of[] = { 0, 2, 2, 4, 5 };
	int levels = levels_of[cpu->mode];
	u64 table = cpu->cr3;

	if (cpu->mode == NAIVE_PAE)
		table = cpu->pdpte[addr >> 30 & 3];
	while (levels--) {
		u64 index = addr >> (12 + levels * bits) & ((1u << bits) - 1);
		u64 at = (table & (MEM_SIZE - 1) & ~0xfffull) + index * bytes;
		u64 entry = random_entry(bytes);

		memcpy(mem_ours + at, &entry, bytes);
		memcpy(mem_naive + at, &entry, bytes);
		table = entry;
	}
}

static bool walk_ours(const struct naive_cpu *cpu, const struct naive_access *acc,
		      struct nst_walk *out)
{
	struct nst_walk_in in = {
		.addr = acc->addr, .root = cpu->cr3, .pdptr = cpu->pdpte,
		.pkru = cpu->pkru, .access = rig_access(acc), .ac = cpu->ac,
	};
	struct nst_walk_mode mode;

	rig_mode(cpu, &mode);
	return nst_walk(&mode, &ours, &in, out);
}

struct tally {
	unsigned long ok, by_code[64];
};

static bool compare_once(struct tally *tally)
{
	struct naive_access acc;
	struct naive_result want;
	struct naive_cpu cpu;
	struct nst_walk got;
	bool ok, same;

	random_cpu(&cpu);
	random_access(&acc, &cpu);
	random_tables(&cpu, acc.addr);
	want = naive_walk(&cpu, &acc, mem_naive, MEM_SIZE);
	ok = walk_ours(&cpu, &acc, &got);

	same = ok == want.ok && (ok ? nst_gpa_raw(got.gpa) == want.gpa :
				      got.error_code == want.error_code);
	if (same && ok)
		tally->ok++;
	else if (same)
		tally->by_code[got.error_code & 63]++;
	if (!same)
		tap_note("mode %d addr %llx: %d/%d gpa %llx/%llx error %x/%x", cpu.mode,
			 (unsigned long long)acc.addr, ok, want.ok,
			 (unsigned long long)nst_gpa_raw(got.gpa),
			 (unsigned long long)want.gpa, got.error_code, want.error_code);
	return same;
}

static void test_random(unsigned long count)
{
	struct tally tally = { 0 };
	unsigned long i, wrong = 0;
	unsigned int codes = 0, code;

	memset(mem_ours, 0, sizeof(mem_ours));
	memset(mem_naive, 0, sizeof(mem_naive));
	for (i = 0; i < count && wrong < 10; i++) {
		wrong += !compare_once(&tally);
		/* All of memory now and then: a stray write anywhere shows. */
		if (i % 1024 == 0 && memcmp(mem_ours, mem_naive, sizeof(mem_ours)))
			wrong++;
	}
	wrong += memcmp(mem_ours, mem_naive, sizeof(mem_ours)) != 0;
	for (code = 0; code < 64; code++)
		codes += tally.by_code[code] != 0;
	tap_ok(!wrong, "%lu random walks agree with the naive walker", i);
	tap_ok(tally.ok > count / 20, "%lu of them translate", tally.ok);
	tap_ok(codes >= 20, "the others end in %u different error codes", codes);
}

/* A 4-level guest with one path: pages 0 to 3 are tables, page 4 is mapped. */
static void simple_guest(struct naive_cpu *cpu)
{
	u64 level;

	memset(mem_ours, 0, sizeof(mem_ours));
	memset(cpu, 0, sizeof(*cpu));
	cpu->mode = NAIVE_4LEVEL;
	cpu->wp = true;
	cpu->maxphyaddr = 40;
	for (level = 0; level < 4; level++) {
		u64 entry = (level + 1) << 12 | 7;

		memcpy(mem_ours + level * 4096, &entry, sizeof(entry));
	}
}

static unsigned int meddled;

/* Takes the write right from the leaf just before the walker sets its bits. */
static void revoke_write(u8 *mem)
{
	if (!meddled++)
		mem[3 * 4096] &= ~2;
}

/* Never leaves the leaf alone. */
static void always_change(u8 *mem)
{
	u64 leaf;

	/* Counts in bits that the CPU ignores. */
	memcpy(&leaf, mem + 3 * 4096, sizeof(leaf));
	leaf += 1ull << 52;
	memcpy(mem + 3 * 4096, &leaf, sizeof(leaf));
	meddled++;
}

static void test_races(void)
{
	struct naive_access acc = { .addr = 0x123, .write = true, .user = true };
	struct naive_cpu cpu;
	struct nst_walk out;

	simple_guest(&cpu);
	tap_ok(walk_ours(&cpu, &acc, &out) && nst_gpa_raw(out.gpa) == 0x4123,
	       "a plain write translates");
	tap_ok((mem_ours[3 * 4096] & 0x60) == 0x60 && (mem_ours[0] & 0x60) == 0x20,
	       "it sets accessed everywhere and dirty in the leaf only");

	simple_guest(&cpu);
	meddled = 0;
	memory.other_cpu = revoke_write;
	tap_ok(!walk_ours(&cpu, &acc, &out) && out.error_code == 7,
	       "a right revoked under the walk is seen");
	tap_ok(!(mem_ours[3 * 4096] & 0x60), "and the leaf's bits are not set");

	simple_guest(&cpu);
	meddled = 0;
	memory.other_cpu = always_change;
	tap_ok(!walk_ours(&cpu, &acc, &out) && meddled > 1 && meddled < 128,
	       "a leaf that changes for ever ends the walk");
	memory.other_cpu = NULL;
}

static void test_off(void)
{
	struct naive_access acc = { .addr = 0xfffff123, .write = true };
	struct naive_cpu cpu = { .mode = NAIVE_OFF, .maxphyaddr = 36 };
	struct nst_walk out;

	tap_ok(walk_ours(&cpu, &acc, &out) && nst_gpa_raw(out.gpa) == acc.addr,
	       "paging off: linear is physical");
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : DEFAULT_COUNT;

	if (argc > 2)
		rig_random = strtoull(argv[2], NULL, 0) | 1;
	test_off();
	test_races();
	test_random(count);
	return tap_done();
}
