// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two-dimensional walk: an L2 guest's linear address through its own
 * tables, each of whose entries lies at an address that L1's EPT or NPT
 * translates, and the result through the EPT or NPT once more.  The one walker
 * does both stages.
 *
 * Pure.  SDM3 "The Extended Page Table Mechanism (EPT)", APM2 "Nested Paging".
 */
#include "walk.h"

/* Linear addresses outside long mode, which NPT in such a mode translates. */
#define LEGACY_ADDR_BITS	32

/* Bits of an address that the tables of a format decode. */
static unsigned int address_bits(const struct nst_format *fmt)
{
	if (fmt->levels <= NST_LEVEL_1G)
		return LEGACY_ADDR_BITS;
	return nst_format_shift(fmt, fmt->levels) + fmt->index_bits;
}

/**
 * nst_walk_second() - translate an address by the second stage
 * @second: the second stage
 * @mem: access to the memory that its tables are in
 * @addr: address of the first stage's physical space
 * @access: NST_ACCESS_R, _W, _X
 * @out: result
 * @why: filled when the access is refused
 *
 * Return: true with @out->gpa.
 */
bool nst_walk_second(const struct nst_walk_second *second, const struct nst_walk_mem *mem,
		     u64 addr, u8 access, struct nst_walk *out, struct nst_walk_refusal *why)
{
	const struct nst_walk_in in = {
		.addr = addr,
		.root = second->root,
		.table = second->table,
		.from = second->from,
		.rights = second->rights,
		.access = access | (second->mode->user ? NST_ACCESS_U : 0),
	};

	if (addr >> address_bits(second->mode->fmt))
		memset(out, 0, sizeof(*out));
	else if (nst_walk(second->mode, mem, &in, out))
		return true;

	memset(why, 0, sizeof(*why));
	why->addr = addr;
	why->access = access;
	why->log_full = out->log_full;
	why->error_code = out->error_code & (NST_PFEC_P | NST_PFEC_RSVD);
	if (out->error_code & NST_PFEC_P)
		why->rights = out->rights & (NST_ACCESS_R | NST_ACCESS_W | NST_ACCESS_X);
	return false;
}

/* A first-stage walk whose tables are behind a second stage. */
struct both {
	const struct nst_walk_second *second;
	const struct nst_walk_mem *mem;
	struct nst_walk_refusal *why;
};

static int both_read(void *opaque, nst_gpa_t gpa, void *buf, unsigned int len)
{
	const struct both *both = opaque;

	return both->mem->read(both->mem->opaque, gpa, buf, len);
}

static int both_cmpxchg(void *opaque, nst_gpa_t gpa, u64 *old, u64 new, unsigned int len)
{
	const struct both *both = opaque;

	return both->mem->exchange(both->mem->opaque, gpa, old, new, len);
}

static bool both_translate(void *opaque, nst_gpa_t *gpa, bool update)
{
	const struct both *both = opaque;
	u8 access = NST_ACCESS_R;
	struct nst_walk walk;

	if (update || both->second->mode->table_writes)
		access |= NST_ACCESS_W;
	if (!nst_walk_second(both->second, both->mem, nst_gpa_raw(*gpa), access, &walk,
			     both->why)) {
		both->why->in_page_walk = true;
		return false;
	}
	*gpa = walk.gpa;
	return true;
}

/**
 * nst_walk_both() - translate an address by two stages
 * @first: mode of the first stage
 * @second: the second stage
 * @mem: access to the memory behind the second stage
 * @in: address, root and access for the first stage
 * @out: result of the first stage, with the end result in @gpa, @mid_level and
 *	@mid_rights
 * @why: filled when the second stage refuses (@out->refused)
 *
 * Return: true with @out->gpa; false with @out->refused or @out->error_code.
 */
bool nst_walk_both(const struct nst_walk_mode *first, const struct nst_walk_second *second,
		   const struct nst_walk_mem *mem, const struct nst_walk_in *in,
		   struct nst_walk *out, struct nst_walk_refusal *why)
{
	struct both both = { .second = second, .mem = mem, .why = why };
	const struct nst_walk_mem inner = {
		.opaque = &both, .read = both_read, .exchange = both_cmpxchg,
		.translate = both_translate,
	};
	u8 access = in->access & (NST_ACCESS_R | NST_ACCESS_W | NST_ACCESS_X);
	struct nst_walk last;

	if (!nst_walk(first, &inner, in, out))
		return false;
	out->mid = nst_gpa_raw(out->gpa);
	if (!nst_walk_second(second, mem, out->mid, access, &last, why)) {
		out->refused = true;
		return false;
	}
	out->gpa = last.gpa;
	out->mid_level = last.level;
	out->mid_rights = last.rights & (NST_ACCESS_R | NST_ACCESS_W | NST_ACCESS_X);
	/* A page is clean to the second stage as well until it is written. */
	if (second->mode->ad && !(last.entry[last.level] & second->mode->fmt->dirty))
		out->mid_rights &= ~NST_ACCESS_W;
	return true;
}
