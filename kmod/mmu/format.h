/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Paging-entry formats as data.  A row says how an entry of one format is read
 * and written; the guest walker and the table builder both read the rows.
 */
#ifndef NST_MMU_FORMAT_H
#define NST_MMU_FORMAT_H

#include "../pure.h"
#include "../x86.h"
#include "../exit.h"

enum nst_format_id {
	NST_FMT_OFF,		/* paging off: linear is physical */
	NST_FMT_2LEVEL,		/* 32-bit paging */
	NST_FMT_PAE,
	NST_FMT_4LEVEL,
	NST_FMT_5LEVEL,
	NST_FMT_EPT4,
	NST_FMT_EPT5,
	NST_NR_FORMATS
};

/* Levels count from 1, the tables that map 4 KiB pages, to the root. */
#define NST_LEVEL_4K	1
#define NST_LEVEL_2M	2
#define NST_LEVEL_1G	3
#define NST_LEVEL_MAX	5

/**
 * struct nst_format - how the entries of one paging format look
 * @name: for traces and audits
 * @levels: level of the root table
 * @index_bits: address bits that a table decodes
 * @entry_bytes: 4 or 8
 * @rwx: rights are positive bits, none set means not present (EPT)
 * @present: entry is present when any of these is set
 * @write: writes allowed
 * @user: user-mode accesses allowed; 0 if the format has no such bit
 * @exec: fetches allowed, when @rwx
 * @nx: fetches forbidden, when not @rwx
 * @accessed: set by the CPU on use
 * @dirty: set by the CPU on a write, in leaves
 * @large: set in a leaf above level 1
 * @global: survives CR3 loads
 * @large_levels: bit mask of the levels above 1 that may hold a leaf
 */
struct nst_format {
	const char *name;
	u8 levels;
	u8 index_bits;
	u8 entry_bytes;
	bool rwx;
	u64 present;
	u64 write;
	u64 user;
	u64 exec;
	u64 nx;
	u64 accessed;
	u64 dirty;
	u64 large;
	u64 global;
	u32 large_levels;
};

extern const struct nst_format nst_formats[NST_NR_FORMATS];

/* Bits 51:12, what an 8-byte entry can address. */
#define NST_ENTRY_ADDR		GENMASK_ULL(51, 12)

/* EPT memory type, SDM3 "EPT Memory Types" (leaves only). */
#define NST_EPT_MT_SHIFT	3
#define NST_EPT_MT_MASK		GENMASK_ULL(5, 3)
#define NST_EPT_IPAT		BIT_ULL(6)

/* Read, write and execute bits of EPT, as an index of nst_reserved.rwx. */
#define NST_EPT_RWX_MASK	7

/* Caching bits of ordinary entries. */
#define NST_X86_PWT		BIT_ULL(3)
#define NST_X86_PCD		BIT_ULL(4)

/**
 * struct nst_format_env - what decides which bits of an entry are reserved
 * @maxphyaddr: physical-address width
 * @nx: the NX bit is enabled
 * @pse36: 4 MiB pages have physical address bits above 31
 * @gb_pages: 1 GiB leaves exist
 * @amd: bit 8 is reserved in tables of levels 3 to 5
 * @exec_only: EPT entries may be executable and not readable
 */
struct nst_format_env {
	u8 maxphyaddr;
	bool nx;
	bool pse36;
	bool gb_pages;
	bool amd;
	bool exec_only;
};

/**
 * struct nst_reserved - what makes a present entry malformed
 * @mask: reserved bits by level; [0]: entry that points to a table, [1]: leaf
 * @rwx: EPT: one bit for each value of bits 2:0 that is a misconfiguration
 * @types: EPT: the same for the memory type of a leaf
 */
struct nst_reserved {
	u64 mask[NST_LEVEL_MAX + 1][2];
	u8 rwx;
	u8 types;
};

static inline unsigned int nst_format_shift(const struct nst_format *fmt, unsigned int level)
{
	return 12 + (level - 1) * fmt->index_bits;
}

static inline unsigned int nst_format_index(const struct nst_format *fmt, unsigned int level,
					    u64 addr)
{
	return (addr >> nst_format_shift(fmt, level)) & ((1u << fmt->index_bits) - 1);
}

/* Number of 4 KiB pages that an entry at @level covers. */
static inline u64 nst_format_pages(const struct nst_format *fmt, unsigned int level)
{
	return 1ull << (nst_format_shift(fmt, level) - 12);
}

static inline bool nst_entry_present(const struct nst_format *fmt, u64 entry)
{
	return entry & fmt->present;
}

static inline bool nst_entry_leaf(const struct nst_format *fmt, unsigned int level, u64 entry)
{
	return level == NST_LEVEL_4K ||
	       ((fmt->large_levels & BIT(level)) && (entry & fmt->large));
}

/**
 * nst_entry_rights() - the rights that one entry grants
 * @fmt: its format
 * @entry: a present entry
 *
 * Return: NST_ACCESS_R, _W, _X and _U bits.  A format without a user bit
 * grants _U.
 */
static inline u8 nst_entry_rights(const struct nst_format *fmt, u64 entry)
{
	u8 rights = 0;

	if (fmt->rwx) {
		rights = NST_ACCESS_U;
		if (entry & fmt->present & ~(fmt->write | fmt->exec))
			rights |= NST_ACCESS_R;
		if (entry & fmt->exec)
			rights |= NST_ACCESS_X;
	} else {
		rights = NST_ACCESS_R;
		if (entry & fmt->user)
			rights |= NST_ACCESS_U;
		if (!(entry & fmt->nx))
			rights |= NST_ACCESS_X;
	}
	if (entry & fmt->write)
		rights |= NST_ACCESS_W;
	return rights;
}

/**
 * nst_entry_malformed() - does a present entry have a value that it must not have?
 * @rsvd: what is reserved
 * @level: level of the entry
 * @entry: the entry
 * @leaf: it maps a page
 *
 * Return: true for a reserved bit, or an EPT misconfiguration.
 */
static inline bool nst_entry_malformed(const struct nst_reserved *rsvd, unsigned int level,
				       u64 entry, bool leaf)
{
	if (entry & rsvd->mask[level][leaf])
		return true;
	if (rsvd->rwx & BIT(entry & NST_EPT_RWX_MASK))
		return true;
	return leaf && (rsvd->types & BIT((entry & NST_EPT_MT_MASK) >> NST_EPT_MT_SHIFT));
}

bool nst_ept_leaf_sane(u64 entry);
u64 nst_entry_leaf_base(const struct nst_format *fmt, unsigned int level, u64 entry);
void nst_format_reserved(const struct nst_format *fmt, const struct nst_format_env *env,
			 struct nst_reserved *rsvd);

#endif /* NST_MMU_FORMAT_H */
