/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest walker: a guest's page tables read as its CPU would. */
#ifndef NST_MMU_WALK_H
#define NST_MMU_WALK_H

#include "../pure.h"
#include "format.h"
#include "perm.h"

/**
 * struct nst_walk_mode - everything about a guest's mode that a walk depends on
 * @fmt: format of the tables
 * @rsvd: its reserved bits
 * @perm: its permission table
 * @large_levels: levels at which the large bit is honoured (CR4.PSE)
 * @wp: CR0.WP
 * @pke: CR4.PKE, in 4-level and 5-level paging
 * @fetch_bit: the error code tells fetches (SMEP or NX enabled)
 * @ad: the CPU sets accessed and dirty bits
 * @user: of a second stage: all accesses have user rights (NPT)
 * @table_writes: of a second stage: to read a table of the first stage counts as
 *	writing to it (NPT; EPT with accessed and dirty bits)
 * @log: of a second stage: somebody is told before a dirty bit is set
 */
struct nst_walk_mode {
	const struct nst_format *fmt;
	struct nst_reserved rsvd;
	struct nst_perm perm;
	u32 large_levels;
	bool wp;
	bool pke;
	bool fetch_bit;
	bool ad;
	bool user;
	bool table_writes;
	bool log;
};

/**
 * struct nst_walk_mem - how a walk reaches guest memory
 * @opaque: for the callbacks
 * @read: read @len bytes at @gpa; 0, or -errno when there is no memory
 * @exchange: as nst_cmpxchg_gpa(): 0 done, 1 differed, -errno read-only or gone
 * @translate: where the table entry at @gpa really is, for reading or, with
 *	@update, for setting its accessed and dirty bits; false ends the walk.
 *	NULL: where it says.
 * @log: for modes with @log: the page at @addr is about to become dirty; false ends
 *	the walk
 */
struct nst_walk_mem {
	void *opaque;
	int (*read)(void *opaque, nst_gpa_t gpa, void *buf, unsigned int len);
	int (*exchange)(void *opaque, nst_gpa_t gpa, u64 *old, u64 new, unsigned int len);
	bool (*translate)(void *opaque, nst_gpa_t *gpa, bool update);
	bool (*log)(void *opaque, u64 addr);
};

/**
 * struct nst_walk_in - one translation that is asked for
 * @addr: linear address
 * @root: CR3, or EPT pointer
 * @pdptr: the four PDPTE registers, for PAE; NULL: they are read from memory
 * @pkru: PKRU, when the mode has protection keys
 * @access: NST_ACCESS_*
 * @ac: RFLAGS.AC
 * @from: level of @table, where the walk begins; 0: at the root
 * @table: table that the entries above, with their accessed bits set, lead to
 * @rights: NST_ACCESS_* that they grant
 */
struct nst_walk_in {
	u64 addr;
	u64 root;
	u64 table;
	u8 from;
	u8 rights;
	const u64 *pdptr;
	u32 pkru;
	u8 access;
	bool ac;
};

/**
 * struct nst_walk - what a walk found
 * @level: level of the leaf, or where the walk ended; 0: paging off
 * @gpa: translated address
 * @rights: NST_ACCESS_* of the whole translation
 * @error_code: of the #PF when the walk failed
 * @entry: entries read, by level
 * @entry_addr: their addresses as the level above says them
 * @entry_gpa: where they are in (L1's) memory
 * @above: rights of all entries above a level (the level's own not included)
 * @pkey: protection key of the leaf
 * @no_memory: a table is not in memory
 * @refused: the second stage ended the walk
 * @log_full: the log did
 * @mid: with two stages, what the first one alone translated to
 * @mid_level: level of the second stage's leaf, 0: there is no second stage
 * @mid_rights: NST_ACCESS_R, _W, _X of the second stage
 */
struct nst_walk {
	u8 level;
	nst_gpa_t gpa;
	u8 rights;
	u32 error_code;
	u64 entry[NST_LEVEL_MAX + 1];
	u64 entry_addr[NST_LEVEL_MAX + 1];
	nst_gpa_t entry_gpa[NST_LEVEL_MAX + 1];
	u8 above[NST_LEVEL_MAX + 1];
	u8 pkey;
	bool no_memory;
	bool refused;
	bool log_full;
	u64 mid;
	u8 mid_level;
	u8 mid_rights;
};

/**
 * struct nst_walk_refusal - why a second stage did not translate an address
 * @addr: the address
 * @access: NST_ACCESS_R, _W, _X that were wanted
 * @rights: those that all entries on the way grant, 0 when one was not present
 * @error_code: NST_PFEC_P: all were present; NST_PFEC_RSVD: one was malformed
 * @in_page_walk: @addr is that of an entry of the first stage
 * @log_full: nothing was refused, but the log of dirty pages is full
 */
struct nst_walk_refusal {
	u64 addr;
	u8 access;
	u8 rights;
	u32 error_code;
	bool in_page_walk;
	bool log_full;
};

/**
 * struct nst_walk_second - the second stage of a two-dimensional walk
 * @mode: how to walk it
 * @root: its root
 * @table: as in struct nst_walk_in, but not for nst_walk_both()
 * @from: and this
 * @rights: and this
 */
struct nst_walk_second {
	const struct nst_walk_mode *mode;
	u64 root;
	u64 table;
	u8 from;
	u8 rights;
};

#define NST_RIGHTS_ALL	(NST_ACCESS_R | NST_ACCESS_W | NST_ACCESS_X | NST_ACCESS_U)

bool nst_walk(const struct nst_walk_mode *mode, const struct nst_walk_mem *mem,
	      const struct nst_walk_in *in, struct nst_walk *out);

/* ---- walk2.c ---- */
bool nst_walk_second(const struct nst_walk_second *second, const struct nst_walk_mem *mem,
		     u64 addr, u8 access, struct nst_walk *out, struct nst_walk_refusal *why);
bool nst_walk_both(const struct nst_walk_mode *first, const struct nst_walk_second *second,
		   const struct nst_walk_mem *mem, const struct nst_walk_in *in,
		   struct nst_walk *out, struct nst_walk_refusal *why);

#endif /* NST_MMU_WALK_H */
