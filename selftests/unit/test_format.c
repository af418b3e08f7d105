// SPDX-License-Identifier: GPL-2.0-only
/*
 * Format rows and permission tables, against values read off the manual's
 * figures and against the rules spelled out case by case.
 */
#include "mmu/format.h"
#include "mmu/perm.h"
#include "tap.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static const struct nst_format *row(enum nst_format_id id)
{
	return &nst_formats[id];
}

static void test_geometry(void)
{
	static const struct {
		enum nst_format_id id;
		unsigned int level, shift;
		u64 pages;
	} want[] = {
		{ NST_FMT_2LEVEL, 1, 12, 1 }, { NST_FMT_2LEVEL, 2, 22, 1024 },
		{ NST_FMT_PAE, 2, 21, 512 }, { NST_FMT_PAE, 3, 30, 512 * 512 },
		{ NST_FMT_4LEVEL, 4, 39, 1ull << 27 }, { NST_FMT_5LEVEL, 5, 48, 1ull << 36 },
		{ NST_FMT_EPT4, 3, 30, 1 << 18 }, { NST_FMT_EPT5, 5, 48, 1ull << 36 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(want); i++)
		tap_ok(nst_format_shift(row(want[i].id), want[i].level) == want[i].shift &&
		       nst_format_pages(row(want[i].id), want[i].level) == want[i].pages,
		       "%s level %u covers %llu pages", row(want[i].id)->name, want[i].level,
		       (unsigned long long)want[i].pages);
	tap_ok(nst_format_index(row(NST_FMT_4LEVEL), 2, 0x7fff40200000ull) == 1 &&
	       nst_format_index(row(NST_FMT_2LEVEL), 2, 0xffc00000) == 1023,
	       "an address's indexes");
}

static void test_rights(void)
{
	tap_ok(nst_entry_rights(row(NST_FMT_4LEVEL), 7) ==
	       (NST_ACCESS_R | NST_ACCESS_W | NST_ACCESS_X | NST_ACCESS_U), "P RW US");
	tap_ok(nst_entry_rights(row(NST_FMT_4LEVEL), BIT_ULL(63) | 1) == NST_ACCESS_R, "P XD");
	tap_ok(nst_entry_rights(row(NST_FMT_2LEVEL), 5) ==
	       (NST_ACCESS_R | NST_ACCESS_X | NST_ACCESS_U), "32-bit entries have no XD");
	tap_ok(nst_entry_rights(row(NST_FMT_EPT4), 4) == (NST_ACCESS_X | NST_ACCESS_U),
	       "EPT execute-only");
	tap_ok(nst_entry_present(row(NST_FMT_EPT4), 4) &&
	       !nst_entry_present(row(NST_FMT_EPT4), 8) &&
	       !nst_entry_present(row(NST_FMT_PAE), 6), "what is present");
	tap_ok(nst_entry_leaf(row(NST_FMT_PAE), 2, 0x81) &&
	       !nst_entry_leaf(row(NST_FMT_PAE), 3, 0x81) &&
	       nst_entry_leaf(row(NST_FMT_EPT4), 3, 0x81) &&
	       !nst_entry_leaf(row(NST_FMT_EPT4), 4, 0x81) &&
	       nst_entry_leaf(row(NST_FMT_4LEVEL), 1, 1), "what is a leaf");
	tap_ok(nst_entry_leaf_base(row(NST_FMT_2LEVEL), 2, 0xffdfe081) == 0xffffc00000ull,
	       "PSE-36 address bits");
	tap_ok(nst_entry_leaf_base(row(NST_FMT_4LEVEL), 3, 0xfff0000040001081ull) == 0x40000000,
	       "a 1 GiB leaf's base leaves the PAT bit out");
}

static u64 reserved(enum nst_format_id id, const struct nst_format_env *env, unsigned int level,
		    bool leaf)
{
	struct nst_reserved rsvd;

	nst_format_reserved(row(id), env, &rsvd);
	return rsvd.mask[level][leaf];
}

static void test_reserved(void)
{
	struct nst_format_env env = {
		.maxphyaddr = 40, .nx = true, .pse36 = true, .gb_pages = true,
	};

	tap_ok(reserved(NST_FMT_2LEVEL, &env, 2, true) == BIT_ULL(21),
	       "PSE-36 with 40 bits: bit 21");
	env.maxphyaddr = 36;
	tap_ok(reserved(NST_FMT_2LEVEL, &env, 2, true) == GENMASK_ULL(21, 17),
	       "PSE-36 with 36 bits: bits 21:17");
	env.pse36 = false;
	tap_ok(reserved(NST_FMT_2LEVEL, &env, 2, true) == GENMASK_ULL(21, 13),
	       "no PSE-36: bits 21:13");
	tap_ok(!reserved(NST_FMT_2LEVEL, &env, 1, true) &&
	       !reserved(NST_FMT_2LEVEL, &env, 2, false),
	       "32-bit tables have no reserved bits elsewhere");

	tap_ok(reserved(NST_FMT_PAE, &env, 1, true) == GENMASK_ULL(62, 36), "PAE PTE: 62:M");
	tap_ok(reserved(NST_FMT_PAE, &env, 2, true) == (GENMASK_ULL(62, 36) | GENMASK_ULL(20, 13)),
	       "PAE 2 MiB PDE");
	tap_ok(reserved(NST_FMT_PAE, &env, 3, false) ==
	       (GENMASK_ULL(63, 36) | GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1)), "PDPTE register");
	tap_ok(reserved(NST_FMT_4LEVEL, &env, 1, true) == GENMASK_ULL(51, 36), "4-level PTE: 51:M");
	tap_ok(reserved(NST_FMT_4LEVEL, &env, 4, false) == (GENMASK_ULL(51, 36) | BIT_ULL(7)),
	       "PML4E: PS");
	tap_ok(reserved(NST_FMT_4LEVEL, &env, 3, true) ==
	       (GENMASK_ULL(51, 36) | GENMASK_ULL(29, 13)),
	       "1 GiB PDPTE");
	env.nx = false;
	tap_ok(reserved(NST_FMT_4LEVEL, &env, 2, false) == (BIT_ULL(63) | GENMASK_ULL(51, 36)),
	       "XD while EFER.NXE is clear");
	env.gb_pages = false;
	tap_ok(reserved(NST_FMT_5LEVEL, &env, 3, true) & BIT_ULL(7),
	       "PS in a PDPTE without 1 GiB pages");
	env.amd = true;
	tap_ok(reserved(NST_FMT_4LEVEL, &env, 4, false) & BIT_ULL(8), "AMD: bit 8 of a PML4E");
	tap_ok(reserved(NST_FMT_EPT4, &env, 2, false) ==
	       (GENMASK_ULL(51, 36) | GENMASK_ULL(6, 3)) &&
	       reserved(NST_FMT_EPT4, &env, 2, true) ==
	       (GENMASK_ULL(51, 36) | GENMASK_ULL(20, 12)), "EPT PDE");
	env.maxphyaddr = 52;
	env.nx = true;
	tap_ok(!reserved(NST_FMT_4LEVEL, &env, 1, true), "52 bits: a PTE has none");
}

static void test_perm(void)
{
	const u8 all = NST_ACCESS_R | NST_ACCESS_W | NST_ACCESS_X | NST_ACCESS_U;
	struct nst_perm_env env = { .wp = true, .smep = true, .smap = true };
	struct nst_perm perm;

	nst_perm_build(&perm, &env);
	tap_ok(!nst_perm_denies(&perm, all, NST_ACCESS_W | NST_ACCESS_U, false),
	       "user writes user page");
	tap_ok(nst_perm_denies(&perm, all & ~NST_ACCESS_U, NST_ACCESS_R | NST_ACCESS_U, false),
	       "user reads supervisor page");
	tap_ok(nst_perm_denies(&perm, all, NST_ACCESS_X, false), "SMEP");
	tap_ok(nst_perm_denies(&perm, all, NST_ACCESS_R, false) &&
	       !nst_perm_denies(&perm, all, NST_ACCESS_R, true), "SMAP and AC");
	tap_ok(nst_perm_denies(&perm, all, NST_ACCESS_R | NST_ACCESS_IMPL, true),
	       "AC does not help an implicit access");
	tap_ok(nst_perm_denies(&perm, NST_ACCESS_R, NST_ACCESS_W, false), "WP");
	env.wp = false;
	nst_perm_build(&perm, &env);
	tap_ok(!nst_perm_denies(&perm, NST_ACCESS_R, NST_ACCESS_W, false),
	       "no WP: supervisor writes");
	tap_ok(nst_perm_denies(&perm, all & ~NST_ACCESS_W, NST_ACCESS_W | NST_ACCESS_U, true),
	       "no WP: users still do not");

	env.rwx = true;
	nst_perm_build(&perm, &env);
	tap_ok(nst_perm_denies(&perm, NST_ACCESS_X | NST_ACCESS_U, NST_ACCESS_R, false) &&
	       !nst_perm_denies(&perm, NST_ACCESS_X | NST_ACCESS_U, NST_ACCESS_X, false),
	       "EPT execute-only");

	tap_ok(nst_pkey_denies(1u << 6, 3, NST_ACCESS_R, true), "key 3 off: reads");
	tap_ok(!nst_pkey_denies(~0u, 3, NST_ACCESS_X, true), "keys never stop fetches");
	tap_ok(nst_pkey_denies(2u << 6, 3, NST_ACCESS_W | NST_ACCESS_U, false) &&
	       !nst_pkey_denies(2u << 6, 3, NST_ACCESS_W, false) &&
	       nst_pkey_denies(2u << 6, 3, NST_ACCESS_W, true), "key 3 read-only");
}

int main(void)
{
	test_geometry();
	test_rights();
	test_reserved();
	test_perm();
	return tap_done();
}
