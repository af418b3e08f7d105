// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walks of a second stage, EPT and NPT, alone and under a first stage,
 * against the naive ones: random formats, random tables, random accesses;
 * result, refusal, error code, and every byte of memory afterwards.
 *
 * usage: test_walk2 [COUNT [SEED]]
 */
#include "naive_both.h"
#include "tap.h"
#include "walk_rig.h"

/* Tables of the first stage lie below those of the second. */
#define FIRST_PAGES	16u
#define PAGES		32u
#define MEM_SIZE	(PAGES * 4096ull)
#define L2_PAGES	64u
#define DEFAULT_COUNT	1000000ul

static u8 mem_ours[MEM_SIZE], mem_naive[MEM_SIZE];
static const struct naive_memory naive = { mem_naive, MEM_SIZE };

static struct rig_memory memory = { mem_ours, MEM_SIZE };
static const struct nst_walk_mem ours = {
	.opaque = &memory, .read = rig_read, .exchange = rig_cmpxchg,
};

static void put(u64 at, u64 entry, unsigned int bytes)
{
	if (at + bytes > MEM_SIZE || at + bytes < at)
		return;
	memcpy(mem_ours + at, &entry, bytes);
	memcpy(mem_naive + at, &entry, bytes);
}

/* ---- the second stage ---- */

static void random_second(struct naive_second *s)
{
	static const u8 widths[] = { 36, 40, 46, 52 };
	u64 bits = rnd();

	s->kind = rnd() % 6;
	s->ad = bits & 1;
	s->exec_only = bits & 2;
	s->nxe = bits & 4;
	s->pse = bits & 8;
	s->amd = bits & 16;
	s->gb_pages = s->kind <= NAIVE_EPT5 || (bits & 32);
	s->maxphyaddr = widths[rnd() % sizeof(widths)];
	s->root = (FIRST_PAGES + rnd() % (PAGES - FIRST_PAGES)) << 12;
	/* Low bits that a CPU ignores. */
	if (s->kind == NAIVE_NPTPAE)
		s->root |= rnd() & 0xfff;
}

static void second_mode(const struct naive_second *s, struct nst_walk_mode *mode)
{
	static const enum nst_format_id formats[] = {
		[NAIVE_EPT4] = NST_FMT_EPT4, [NAIVE_EPT5] = NST_FMT_EPT5,
		[NAIVE_NPT32] = NST_FMT_2LEVEL, [NAIVE_NPTPAE] = NST_FMT_PAE,
		[NAIVE_NPT4] = NST_FMT_4LEVEL, [NAIVE_NPT5] = NST_FMT_5LEVEL,
	};
	bool ept = s->kind <= NAIVE_EPT5;
	const struct nst_format_env env = {
		.maxphyaddr = s->maxphyaddr, .nx = s->nxe && s->kind != NAIVE_NPT32,
		.pse36 = true, .gb_pages = s->gb_pages, .amd = s->amd,
		.exec_only = s->exec_only,
	};
	const struct nst_perm_env perm = { .rwx = ept, .wp = true };

	memset(mode, 0, sizeof(*mode));
	mode->fmt = &nst_formats[formats[s->kind]];
	mode->large_levels = mode->fmt->large_levels;
	if (s->kind == NAIVE_NPT32 && !s->pse)
		mode->large_levels = 0;
	mode->wp = true;
	mode->ad = !ept || s->ad;
	mode->user = !ept;
	mode->table_writes = mode->ad;
	nst_format_reserved(mode->fmt, &env, &mode->rsvd);
	nst_perm_build(&mode->perm, &perm);
}

/* Mostly usable.  Tables point to tables, leaves to pages of the first stage. */
static u64 random_second_entry(const struct naive_second *s, unsigned int level, bool *leaf)
{
	bool ept = s->kind <= NAIVE_EPT5;
	u64 entry = 0;

	*leaf = level == 1 || (level <= 3 && one_in(6));
	if (level == 1)
		entry = (rnd() % FIRST_PAGES) << 12;
	else if (!*leaf)
		entry = (FIRST_PAGES + rnd() % (PAGES - FIRST_PAGES)) << 12;
	if (ept) {
		entry |= one_in(6) ? rnd() & 7 : 7;
		if (*leaf)
			entry |= one_in(12) ? (rnd() & 0xf) << 3 : 6 << 3;
		else if (one_in(40))
			entry |= (rnd() & 0xf) << 3;
		entry |= rnd() & 0xf00;
	} else {
		entry |= one_in(6) ? rnd() & 7 : 7;
		entry |= rnd() & 0x678;
		/* PDPTEs have few bits that may be set. */
		if (s->kind == NAIVE_NPTPAE && level == 3)
			entry = (entry & ~0x1feull) | (one_in(20) ? rnd() & 0x1fe : 0);
		if (one_in(20))
			entry |= 0x100;
	}
	if (*leaf && level > 1)
		entry |= 0x80;
	if (one_in(30))
		entry |= 1ull << (12 + rnd() % 40);
	if (s->kind == NAIVE_NPT32)
		return (u32)entry;
	if (one_in(ept ? 2 : 10))
		entry |= (rnd() & 0xfff) << 52;
	return entry;
}

/* Writes new entries along the path that @addr takes. */
static void random_second_path(const struct naive_second *s, u64 addr)
{
	static const u8 levels[] = { 4, 5, 2, 3, 4, 5 };
	unsigned int bytes = s->kind == NAIVE_NPT32 ? 4 : 8;
	unsigned int level = levels[s->kind];
	u64 table = s->root & ~0xfffull;
	bool leaf = false;

	if (s->kind == NAIVE_NPTPAE)
		table = s->root & 0xffffffe0;
	for (; level && !leaf; level--) {
		unsigned int index_bits = bytes == 4 ? 10 : 9;
		u64 index = addr >> (12 + (level - 1) * index_bits) & ((1u << index_bits) - 1);
		u64 entry = random_second_entry(s, level, &leaf);

		if (s->kind == NAIVE_NPTPAE && level == 3)
			index &= 3;
		put(table + index * bytes, entry, bytes);
		table = entry & 0xffffffffff000ull;
	}
}

static bool same_refusal(const struct nst_walk_refusal *why, const struct naive_both_result *want)
{
	return why->addr == want->addr && why->access == want->access &&
	       !!(why->error_code & NST_PFEC_P) == want->present &&
	       !!(why->error_code & NST_PFEC_RSVD) == want->malformed &&
	       why->in_page_walk == want->in_table &&
	       /* What a malformed entry would have granted is nobody's business. */
	       (want->malformed || why->rights == want->rights);
}

static u64 random_l2gpa(void)
{
	u64 addr = (rnd() % L2_PAGES) << 12 | (rnd() & 0xfff);

	if (one_in(50))
		addr |= 1ull << (30 + rnd() % 34);
	return addr;
}

struct tally {
	unsigned long ok, absent, malformed, rights, table, fault;
};

static void count(struct tally *tally, const struct naive_both_result *res)
{
	if (res->ok)
		tally->ok++;
	else if (!res->refused)
		tally->fault++;
	else if (res->malformed)
		tally->malformed++;
	else if (!res->present)
		tally->absent++;
	else
		tally->rights++;
	if (res->refused && res->in_table)
		tally->table++;
}

static bool second_once(struct tally *tally)
{
	static const u8 accesses[] = { NST_ACCESS_R, NST_ACCESS_W, NST_ACCESS_X,
				       NST_ACCESS_R | NST_ACCESS_W };
	u8 access = accesses[rnd() % sizeof(accesses)];
	struct nst_walk_refusal why = { 0 };
	u64 addr = random_l2gpa();
	struct naive_both_result want;
	struct nst_walk_second second;
	struct nst_walk_mode mode;
	struct naive_second s;
	struct nst_walk out;
	bool ok, same;

	random_second(&s);
	random_second_path(&s, addr);
	second_mode(&s, &mode);
	second.mode = &mode;
	second.root = s.root;
	naive_second(&s, &naive, addr, access, false, &want);
	ok = nst_walk_second(&second, &ours, addr, access, &out, &why);
	same = ok == want.ok && (ok ? nst_gpa_raw(out.gpa) == want.addr :
				 same_refusal(&why, &want));
	if (!same)
		tap_note("kind %d addr %llx access %x: %d/%d %llx/%llx rights %x/%x code %x",
			 s.kind, (unsigned long long)addr, access, ok, want.ok,
			 (unsigned long long)nst_gpa_raw(out.gpa), (unsigned long long)want.addr,
			 why.rights, want.rights, why.error_code);
	count(tally, &want);
	return same;
}

/* ---- both stages ---- */

static void random_first(struct naive_first *f)
{
	u64 bits = rnd();

	f->five = bits & 1;
	f->wp = bits & 2;
	f->nxe = bits & 4;
	f->maxphyaddr = 40;
	f->cr3 = (rnd() % L2_PAGES) << 12;
}

static u64 random_first_entry(bool leaf)
{
	u64 entry = (rnd() % L2_PAGES) << 12 | (one_in(6) ? rnd() & 7 : 7) | (rnd() & 0x678);

	if (leaf && one_in(2))
		entry = (entry & ~0x1ff000ull) | 0x80;
	if (one_in(40))
		entry |= 1ull << (12 + rnd() % 52);
	return entry;
}

/* Tries to find tables with which @addr translates for a table's accesses. */
static bool reachable(const struct naive_second *s, u64 addr, struct naive_both_result *at)
{
	int tries = one_in(8) ? 1 : 12;

	while (!naive_second(s, &naive, addr, NAIVE_R | NAIVE_W, true, at) && tries--)
		random_second_path(s, addr);
	return naive_second(s, &naive, addr, NAIVE_R, true, at);
}

/* A path for @la, most of which the second stage translates. */
static void random_both(const struct naive_first *f, const struct naive_second *s, u64 la)
{
	struct naive_both_result at;
	int level = f->five ? 5 : 4;
	u64 table = f->cr3;

	for (; level; level--) {
		u64 where = table + (la >> (12 + 9 * (level - 1)) & 0x1ff) * 8, entry;

		if (!reachable(s, where, &at))
			return;
		entry = random_first_entry(level <= 3 && one_in(8));
		/* Tables of the second stage stay what they are. */
		if (at.addr < FIRST_PAGES * 4096)
			put(at.addr, entry, 8);
		table = entry & 0xffffffffff000ull;
	}
	if (one_in(2))
		reachable(s, table, &at);
}

static void first_mode(const struct naive_first *f, struct nst_walk_mode *mode)
{
	const struct nst_format_env env = {
		.maxphyaddr = f->maxphyaddr, .nx = f->nxe, .gb_pages = true,
	};
	const struct nst_perm_env perm = { .wp = f->wp };

	memset(mode, 0, sizeof(*mode));
	mode->fmt = &nst_formats[f->five ? NST_FMT_5LEVEL : NST_FMT_4LEVEL];
	mode->large_levels = mode->fmt->large_levels;
	mode->wp = f->wp;
	mode->fetch_bit = f->nxe;
	mode->ad = true;
	nst_format_reserved(mode->fmt, &env, &mode->rsvd);
	nst_perm_build(&mode->perm, &perm);
}

static bool both_once(struct tally *tally)
{
	u8 access = BIT(rnd() % 3);
	struct nst_walk_mode first, mode;
	struct nst_walk_refusal why = { 0 };
	struct nst_walk_in in = { .addr = rnd() };
	struct nst_walk_second second = { .mode = &mode };
	struct naive_both_result want;
	bool user = rnd() & 1, ok, same;
	struct naive_second s;
	struct naive_first f;
	struct nst_walk out;

	random_second(&s);
	random_first(&f);
	random_both(&f, &s, in.addr);
	second_mode(&s, &mode);
	first_mode(&f, &first);
	second.root = s.root;
	in.root = f.cr3;
	in.access = access | (user ? NST_ACCESS_U : 0);

	naive_both(&f, &s, &naive, in.addr, access, user, &want);
	ok = nst_walk_both(&first, &second, &ours, &in, &out, &why);
	same = ok == want.ok && (ok || out.refused == want.refused);
	if (same && ok)
		same = nst_gpa_raw(out.gpa) == want.addr;
	else if (same && want.refused)
		same = same_refusal(&why, &want);
	else if (same)
		same = out.error_code == want.error_code;
	if (!same)
		tap_note("kind %d la %llx access %x: %d/%d refused %d/%d %llx/%llx code %x/%x",
			 s.kind, (unsigned long long)in.addr, in.access, ok, want.ok,
			 out.refused, want.refused, (unsigned long long)why.addr,
			 (unsigned long long)want.addr, out.error_code, want.error_code);
	count(tally, &want);
	return same;
}

static void run(unsigned long count, const char *what, bool (*once)(struct tally *))
{
	struct tally tally = { 0 };
	unsigned long i, wrong = 0;

	memset(mem_ours, 0, sizeof(mem_ours));
	memset(mem_naive, 0, sizeof(mem_naive));
	for (i = 0; i < count && wrong < 10; i++) {
		wrong += !once(&tally);
		/* All of memory now and then: a stray write anywhere shows. */
		if (i % 1024 == 0 && memcmp(mem_ours, mem_naive, sizeof(mem_ours)))
			wrong++;
	}
	wrong += memcmp(mem_ours, mem_naive, sizeof(mem_ours)) != 0;
	tap_note("%lu translate, %lu #PF", tally.ok, tally.fault);
	tap_note("refused: %lu absent, %lu malformed, %lu rights, %lu at a table",
		 tally.absent, tally.malformed, tally.rights, tally.table);
	tap_ok(!wrong, "%lu random walks of %s agree with the naive walker", i, what);
	tap_ok(tally.ok > count / 20 && tally.absent && tally.malformed > count / 100 &&
	       tally.rights > count / 100, "%s: every kind of end was met", what);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : DEFAULT_COUNT;

	if (argc > 2)
		rig_random = strtoull(argv[2], NULL, 0) | 1;
	run(count, "a second stage", second_once);
	run(count, "both stages", both_once);
	return tap_done();
}
