// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paging-entry formats: one row each, and the few questions that are asked of
 * a row.  Pure: no locks, no hardware, no guest memory.
 *
 * Sources: SDM3 "32-Bit Paging", "PAE Paging", "4-Level Paging and 5-Level
 * Paging", "EPT Translation Mechanism"; APM2 "Page Translation and Protection".
 */
#include "format.h"

#define X86_ROW							\
	.present = BIT_ULL(0), .write = BIT_ULL(1),		\
	.user = BIT_ULL(2), .accessed = BIT_ULL(5),		\
	.dirty = BIT_ULL(6), .large = BIT_ULL(7),		\
	.global = BIT_ULL(8)

#define EPT_ROW							\
	.rwx = true, .index_bits = 9, .entry_bytes = 8,		\
	.present = GENMASK_ULL(2, 0), .write = BIT_ULL(1),	\
	.exec = BIT_ULL(2), .accessed = BIT_ULL(8),		\
	.dirty = BIT_ULL(9), .large = BIT_ULL(7),		\
	.large_levels = BIT(NST_LEVEL_2M) | BIT(NST_LEVEL_1G)

/* Bits 2:0 of an EPT entry, and values of them that no entry may have. */
#define EPT_RWX_W		2
#define EPT_RWX_X		4
#define EPT_RWX_WX		6

/* Values of the memory type that are reserved. */
#define EPT_TYPES_RESERVED	(BIT(2) | BIT(3) | BIT(7))

const struct nst_format nst_formats[NST_NR_FORMATS] = {
	[NST_FMT_OFF] = {
		.name = "off", .levels = 0, .index_bits = 9, .entry_bytes = 8,
	},
	[NST_FMT_2LEVEL] = {
		.name = "2-level", .levels = 2, .index_bits = 10, .entry_bytes = 4,
		X86_ROW, .large_levels = BIT(NST_LEVEL_2M),
	},
	[NST_FMT_PAE] = {
		.name = "PAE", .levels = 3, .index_bits = 9, .entry_bytes = 8,
		X86_ROW, .nx = BIT_ULL(63), .large_levels = BIT(NST_LEVEL_2M),
	},
	[NST_FMT_4LEVEL] = {
		.name = "4-level", .levels = 4, .index_bits = 9, .entry_bytes = 8,
		X86_ROW, .nx = BIT_ULL(63),
		.large_levels = BIT(NST_LEVEL_2M) | BIT(NST_LEVEL_1G),
	},
	[NST_FMT_5LEVEL] = {
		.name = "5-level", .levels = 5, .index_bits = 9, .entry_bytes = 8,
		X86_ROW, .nx = BIT_ULL(63),
		.large_levels = BIT(NST_LEVEL_2M) | BIT(NST_LEVEL_1G),
	},
	[NST_FMT_EPT4] = { .name = "EPT-4", .levels = 4, EPT_ROW },
	[NST_FMT_EPT5] = { .name = "EPT-5", .levels = 5, EPT_ROW },
};

/**
 * nst_ept_leaf_sane() - is a leaf of EPT well-formed, apart from reserved address bits?
 * @entry: present
 *
 * Return: false for a misconfiguration.
 */
bool nst_ept_leaf_sane(u64 entry)
{
	const struct nst_reserved rsvd = {
		.rwx = BIT(EPT_RWX_W) | BIT(EPT_RWX_WX), .types = EPT_TYPES_RESERVED,
	};

	return !nst_entry_malformed(&rsvd, NST_LEVEL_4K, entry, true);
}

/**
 * nst_entry_leaf_base() - the physical address that a leaf maps
 * @fmt: its format
 * @level: its level
 * @entry: the leaf
 *
 * Return: address of the first byte of the page.
 */
u64 nst_entry_leaf_base(const struct nst_format *fmt, unsigned int level, u64 entry)
{
	u64 below = (1ull << nst_format_shift(fmt, level)) - 1;
	u64 base = entry & NST_ENTRY_ADDR & ~below;

	/* PSE-36: bits 20:13 of a 4 MiB page's entry are address bits 39:32. */
	if (fmt->entry_bytes == 4 && level == NST_LEVEL_2M)
		base |= (entry & GENMASK_ULL(20, 13)) << (32 - 13);
	return base;
}

static void reserved_2level(const struct nst_format_env *env, struct nst_reserved *rsvd)
{
	unsigned int width = env->maxphyaddr < 40 ? env->maxphyaddr : 40;
	u64 mask = GENMASK_ULL(21, 13);

	/* Bit 21 is always reserved, bits 20:13 as far as they address nothing. */
	if (env->pse36)
		mask = width >= 40 ? BIT_ULL(21) :
		       GENMASK_ULL(21, width > 32 ? width - 32 + 13 : 13);
	rsvd->mask[NST_LEVEL_2M][1] = mask;
}

static void reserved_ept(const struct nst_format *fmt, const struct nst_format_env *env,
			 struct nst_reserved *rsvd)
{
	unsigned int level;

	for (level = NST_LEVEL_2M; level <= fmt->levels; level++)
		rsvd->mask[level][0] |= GENMASK_ULL(6, 3);
	for (level = NST_LEVEL_1G + 1; level <= fmt->levels; level++)
		rsvd->mask[level][0] |= fmt->large;
	if (!env->gb_pages)
		rsvd->mask[NST_LEVEL_1G][1] |= fmt->large;

	/* SDM3 "EPT Misconfigurations". */
	rsvd->rwx = BIT(EPT_RWX_W) | BIT(EPT_RWX_WX);
	if (!env->exec_only)
		rsvd->rwx |= BIT(EPT_RWX_X);
	rsvd->types = EPT_TYPES_RESERVED;
}

static void reserved_x86(const struct nst_format *fmt, const struct nst_format_env *env,
			 struct nst_reserved *rsvd)
{
	unsigned int level;

	for (level = NST_LEVEL_4K; level <= fmt->levels; level++) {
		if (env->nx)
			continue;
		rsvd->mask[level][0] |= fmt->nx;
		rsvd->mask[level][1] |= fmt->nx;
	}
	if (fmt->levels == 3) {
		/* PDPTEs are registers with rules of their own. */
		rsvd->mask[NST_LEVEL_2M][0] |= GENMASK_ULL(62, 52);
		rsvd->mask[NST_LEVEL_2M][1] |= GENMASK_ULL(62, 52);
		rsvd->mask[NST_LEVEL_4K][1] |= GENMASK_ULL(62, 52);
		rsvd->mask[NST_LEVEL_1G][0] |= GENMASK_ULL(63, 52) | GENMASK_ULL(2, 1) |
					       GENMASK_ULL(8, 5);
		return;
	}
	for (level = NST_LEVEL_1G + 1; level <= fmt->levels; level++)
		rsvd->mask[level][0] |= fmt->large;
	for (level = NST_LEVEL_1G; env->amd && level <= fmt->levels; level++)
		rsvd->mask[level][0] |= fmt->global;
	if (!env->gb_pages)
		rsvd->mask[NST_LEVEL_1G][1] |= fmt->large;
}

/**
 * nst_format_reserved() - compute the reserved bits of every level
 * @fmt: the format
 * @env: the CPU that reads the entries
 * @rsvd: result
 */
void nst_format_reserved(const struct nst_format *fmt, const struct nst_format_env *env,
			 struct nst_reserved *rsvd)
{
	unsigned int level;

	memset(rsvd, 0, sizeof(*rsvd));
	if (fmt->entry_bytes == 4) {
		reserved_2level(env, rsvd);
		return;
	}

	for (level = NST_LEVEL_4K; level <= fmt->levels; level++) {
		u64 high = env->maxphyaddr < 52 ? GENMASK_ULL(51, env->maxphyaddr) : 0;

		rsvd->mask[level][0] = high;
		rsvd->mask[level][1] = high;
		/* A large page's base is aligned; bit 12 is the PAT bit. */
		if (fmt->large_levels & BIT(level))
			rsvd->mask[level][1] |=
				GENMASK_ULL(nst_format_shift(fmt, level) - 1,
					    fmt->rwx ? 12 : 13);
	}
	if (fmt->rwx)
		reserved_ept(fmt, env, rsvd);
	else
		reserved_x86(fmt, env, rsvd);
}
