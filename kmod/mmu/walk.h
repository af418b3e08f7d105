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
};

/**
 * struct nst_walk_mem - how a walk reaches guest memory
 * @opaque: for the callbacks
 * @read: read @len bytes at @gpa; 0, or -errno when there is no memory
 * @cmpxchg: as nst_cmpxchg_gpa(): 0 done, 1 differed, -errno read-only or gone
 */
struct nst_walk_mem {
	void *opaque;
	int (*read)(void *opaque, nst_gpa_t gpa, void *buf, unsigned int len);
	int (*cmpxchg)(void *opaque, nst_gpa_t gpa, u64 *old, u64 new, unsigned int len);
};

/**
 * struct nst_walk_in - one translation that is asked for
 * @addr: linear address
 * @root: CR3, or EPT pointer
 * @pdptr: the four PDPTE registers, for PAE
 * @pkru: PKRU, when the mode has protection keys
 * @access: NST_ACCESS_*
 * @ac: RFLAGS.AC
 */
struct nst_walk_in {
	u64 addr;
	u64 root;
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
 * @entry_gpa: their addresses
 * @above: rights of all entries above a level (the level's own not included)
 * @pkey: protection key of the leaf
 * @no_memory: a table is not in memory
 */
struct nst_walk {
	u8 level;
	nst_gpa_t gpa;
	u8 rights;
	u32 error_code;
	u64 entry[NST_LEVEL_MAX + 1];
	nst_gpa_t entry_gpa[NST_LEVEL_MAX + 1];
	u8 above[NST_LEVEL_MAX + 1];
	u8 pkey;
	bool no_memory;
};

#define NST_RIGHTS_ALL	(NST_ACCESS_R | NST_ACCESS_W | NST_ACCESS_X | NST_ACCESS_U)

bool nst_walk(const struct nst_walk_mode *mode, const struct nst_walk_mem *mem,
	      const struct nst_walk_in *in, struct nst_walk *out);

#endif /* NST_MMU_WALK_H */
