// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzer of the guest page walker: tables, mode and accesses come from the
 * input, and every answer is compared with the naive walker's, memory and all.
 * Formats that only hypervisors have (EPT) have no naive walker: for those the
 * sanitizers watch, and the rights and the address of the result are checked
 * for what no walk may say.
 */
#include "unit/walk_rig.h"

#define PAGES		8
#define MEM_SIZE	(PAGES * 4096u)
#define ACCESSES	4
#define MAX_LEVELS	5

struct input {
	const u8 *at;
	size_t left;
};

static u8 mem_ours[MEM_SIZE], mem_naive[MEM_SIZE];
static bool dirty[PAGES];

static void check(bool good)
{
	if (!good)
		abort();
}

/* Bytes that are not there are zero. */
static u64 take(struct input *in, u32 bytes)
{
	u64 val = 0;
	u32 n = bytes < in->left ? bytes : (u32)in->left;

	memcpy(&val, in->at, n);
	in->at += n;
	in->left -= n;
	return val;
}

static void changed(u64 at)
{
	dirty[at >> 12] = true;
}

static void put_entry(u64 at, u64 entry, u32 bytes)
{
	memcpy(mem_ours + at, &entry, bytes);
	memcpy(mem_naive + at, &entry, bytes);
	dirty[at >> 12] = true;
}

static void clear_memory(void)
{
	u32 i;

	for (i = 0; i < PAGES; i++) {
		if (!dirty[i])
			continue;
		memset(mem_ours + i * 4096, 0, 4096);
		memset(mem_naive + i * 4096, 0, 4096);
	}
	memset(dirty, 0, sizeof(dirty));
}

static void take_cpu(struct input *in, struct naive_cpu *cpu)
{
	static const u8 widths[] = { 32, 36, 39, 40, 46, 48, 51, 52 };
	u32 bits = (u32)take(in, 2);
	int i;

	memset(cpu, 0, sizeof(*cpu));
	cpu->mode = NAIVE_OFF + bits % 5;
	cpu->wp = bits & 8;
	cpu->pse = bits & 16;
	cpu->nxe = bits & 32;
	cpu->smep = bits & 64;
	cpu->smap = bits & 128;
	cpu->pke = bits & 256;
	cpu->ac = bits & 512;
	cpu->gb_pages = bits & 1024;
	cpu->amd = bits & 2048;
	cpu->maxphyaddr = widths[bits >> 12 & 7];
	cpu->pkru = (u32)take(in, 1) * 0x01010101u;
	cpu->cr3 = take(in, 2) << 8;
	for (i = 0; i < 4; i++)
		cpu->pdpte[i] = cpu->mode == NAIVE_PAE ? take(in, 2) << 8 | (bits & 1) : 0;
}

static void take_access(struct input *in, const struct naive_cpu *cpu, struct naive_access *acc)
{
	u32 kind = (u32)take(in, 1);

	acc->addr = take(in, 6) << 8 | kind;
	if (cpu->mode <= NAIVE_PAE)
		acc->addr = (u32)acc->addr;
	acc->write = kind % 3 == 1;
	acc->fetch = kind % 3 == 2;
	acc->user = kind & 0x80;
	acc->implicit = !acc->user && !acc->fetch && (kind & 0x40);
}

/* Entries along the path that a walk of @levels with @bits an index will take. */
static void take_tables(struct input *in, u64 table, u64 addr, int levels, u32 bits, u32 bytes)
{
	while (levels-- && in->left) {
		u64 index = addr >> (12 + levels * bits) & ((1u << bits) - 1);
		u64 at = (table & (MEM_SIZE - 1) & ~0xfffull) + index * bytes;
		u64 entry = take(in, bytes);

		/* Small page numbers, so that walks stay in memory. */
		if (!(entry & 0x800))
			entry &= ~0x000ffffffff00000ull;
		put_entry(at, entry, bytes);
		table = entry;
	}
}

static bool walk(const struct nst_walk_mode *mode, const struct naive_cpu *cpu,
		 const struct naive_access *acc, struct nst_walk *out)
{
	static struct rig_memory memory = { mem_ours, MEM_SIZE, NULL, changed };
	static const struct nst_walk_mem mem = {
		.opaque = &memory, .read = rig_read, .exchange = rig_cmpxchg,
	};
	struct nst_walk_in in = {
		.addr = acc->addr, .root = cpu->cr3, .pdptr = cpu->pdpte,
		.pkru = cpu->pkru, .access = rig_access(acc), .ac = cpu->ac,
	};

	return nst_walk(mode, &mem, &in, out);
}

static void compare(const struct naive_cpu *cpu, const struct naive_access *acc)
{
	struct naive_result want = naive_walk(cpu, acc, mem_naive, MEM_SIZE);
	struct nst_walk_mode mode;
	struct nst_walk got;
	u32 i;

	rig_mode(cpu, &mode);
	check(walk(&mode, cpu, acc, &got) == want.ok);
	if (want.ok)
		check(nst_gpa_raw(got.gpa) == want.gpa);
	else
		check(got.error_code == want.error_code);
	for (i = 0; i < PAGES; i++)
		check(!dirty[i] || !memcmp(mem_ours + i * 4096, mem_naive + i * 4096, 4096));
}

static void fuzz_guest(struct input *in)
{
	static const int levels[] = { 0, 2, 2, 4, 5 };
	struct naive_access acc;
	struct naive_cpu cpu;
	u32 i;

	take_cpu(in, &cpu);
	for (i = 0; i < ACCESSES && in->left; i++) {
		u64 root;

		take_access(in, &cpu, &acc);
		root = cpu.mode == NAIVE_PAE ? cpu.pdpte[acc.addr >> 30 & 3] : cpu.cr3;
		take_tables(in, root, acc.addr, levels[cpu.mode],
			    cpu.mode == NAIVE_32 ? 10 : 9, cpu.mode == NAIVE_32 ? 4 : 8);
		compare(&cpu, &acc);
	}
}

static void fuzz_ept(struct input *in, bool five)
{
	struct nst_format_env env = { .maxphyaddr = 40, .gb_pages = true };
	struct nst_perm_env perm = { .rwx = true };
	struct naive_cpu cpu = { 0 };
	struct nst_walk_mode mode;
	struct naive_access acc;
	struct nst_walk got;
	u64 bits = take(in, 1);
	u32 i;

	env.exec_only = bits & 1;
	memset(&mode, 0, sizeof(mode));
	mode.fmt = &nst_formats[five ? NST_FMT_EPT5 : NST_FMT_EPT4];
	mode.large_levels = mode.fmt->large_levels;
	mode.ad = bits & 2;
	nst_format_reserved(mode.fmt, &env, &mode.rsvd);
	nst_perm_build(&mode.perm, &perm);
	cpu.cr3 = take(in, 1) << 12;
	for (i = 0; i < ACCESSES && in->left; i++) {
		take_access(in, &(struct naive_cpu){ .mode = NAIVE_5LEVEL }, &acc);
		acc.user = false;
		take_tables(in, cpu.cr3, acc.addr, five ? 5 : 4, 9, 8);
		if (!walk(&mode, &cpu, &acc, &got)) {
			check(got.level >= 1 && got.level <= MAX_LEVELS);
			continue;
		}
		check((got.rights & rig_access(&acc) & 7) == (rig_access(&acc) & 7));
		check(((nst_gpa_raw(got.gpa) ^ acc.addr) & 0xfff) == 0);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct input in = { data, len };
	u32 what;

	if (len < 8)
		return -1;
	clear_memory();
	what = (u32)take(&in, 1);
	if (what < 0x40)
		fuzz_ept(&in, what & 1);
	else
		fuzz_guest(&in);
	return 0;
}
