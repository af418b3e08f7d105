// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest walker.  One loop for every format: read an entry, check it,
 * narrow the rights, go down.  When the translation is allowed, accessed and
 * dirty bits are set with compare-and-exchange; an entry that changed under
 * the walk makes it start again, as a CPU's locked update would.
 *
 * Pure: guest memory is reached through the caller's callbacks only.
 * SDM3 "Paging", APM2 "Page Translation and Protection".
 */
#include "walk.h"

/* A guest that rewrites its tables in a tight loop gets a retry, not a hang. */
#define WALK_ATTEMPTS	64

/* Low bits of a PDPTE that a load of the registers checks, and a walk does not. */
#define PDPTE_LOW	GENMASK_ULL(11, 1)

static u32 error_bits(const struct nst_walk_mode *mode, u8 access)
{
	u32 code = 0;

	if (access & NST_ACCESS_W)
		code |= NST_PFEC_W;
	if (access & NST_ACCESS_U)
		code |= NST_PFEC_U;
	if ((access & NST_ACCESS_X) && mode->fetch_bit)
		code |= NST_PFEC_I;
	return code;
}

static bool fail(struct nst_walk *out, u32 code)
{
	out->error_code |= code;
	return false;
}

static bool leaf_here(const struct nst_walk_mode *mode, unsigned int level, u64 entry)
{
	return level == NST_LEVEL_4K ||
	       ((mode->large_levels & BIT(level)) && (entry & mode->fmt->large));
}

static bool read_entry(const struct nst_walk_mode *mode, const struct nst_walk_mem *mem,
		       nst_gpa_t gpa, u64 *entry)
{
	u32 word;

	if (mode->fmt->entry_bytes == 8)
		return mem->read(mem->opaque, gpa, entry, sizeof(*entry)) == 0;
	if (mem->read(mem->opaque, gpa, &word, sizeof(word)))
		return false;
	*entry = word;
	return true;
}

/* PAE's topmost entries, which grant nothing and have no accessed bit. */
static bool is_pdpte(const struct nst_format *fmt, unsigned int level)
{
	return level == NST_LEVEL_1G && fmt->levels == NST_LEVEL_1G;
}

/* Reads the entry for @level into @out, from memory or from a PDPTE register. */
static bool fetch_entry(const struct nst_walk_mode *mode, const struct nst_walk_mem *mem,
			const struct nst_walk_in *in, u64 table, unsigned int level,
			struct nst_walk *out)
{
	const struct nst_format *fmt = mode->fmt;
	unsigned int index = nst_format_index(fmt, level, in->addr);

	if (is_pdpte(fmt, level)) {
		index &= 3;
		if (in->pdptr) {
			out->entry[level] = in->pdptr[index];
			out->entry_gpa[level] = NST_GPA_INVALID;
			return true;
		}
	}
	out->entry_addr[level] = table + (u64)index * fmt->entry_bytes;
	out->entry_gpa[level] = nst_gpa(out->entry_addr[level]);
	if (mem->translate && !mem->translate(mem->opaque, &out->entry_gpa[level], false)) {
		out->refused = true;
		return false;
	}
	out->no_memory = !read_entry(mode, mem, out->entry_gpa[level], &out->entry[level]);
	return !out->no_memory;
}

/* The address in CR3, nCR3 or an EPT pointer. */
static u64 root_table(const struct nst_format *fmt, u64 root)
{
	if (fmt->levels == NST_LEVEL_2M)
		return root & GENMASK_ULL(31, 12);
	if (fmt->levels == NST_LEVEL_1G)
		return root & GENMASK_ULL(31, 5);
	return root & NST_ENTRY_ADDR;
}

/* Goes down to the leaf; checks presence and reserved bits, collects rights. */
static bool descend(const struct nst_walk_mode *mode, const struct nst_walk_mem *mem,
		    const struct nst_walk_in *in, struct nst_walk *out)
{
	const struct nst_format *fmt = mode->fmt;
	u64 table = in->from ? in->table : root_table(fmt, in->root);
	unsigned int level;
	bool leaf;

	out->rights = in->from ? in->rights : NST_RIGHTS_ALL;

	for (level = in->from ?: fmt->levels; ; level--) {
		u64 entry;

		out->level = level;
		out->above[level] = out->rights;
		if (!fetch_entry(mode, mem, in, table, level, out))
			return fail(out, 0);
		entry = out->entry[level];
		if (!nst_entry_present(fmt, entry))
			return fail(out, 0);

		leaf = leaf_here(mode, level, entry);
		/*
		 * PDPTEs were checked when registers were loaded with them.  Where
		 * a CPU reads them in each walk, it may also leave an accessed bit.
		 */
		if (is_pdpte(fmt, level))
			entry &= ~PDPTE_LOW;
		if (out->entry_gpa[level] != NST_GPA_INVALID &&
		    nst_entry_malformed(&mode->rsvd, level, entry, leaf))
			return fail(out, NST_PFEC_P | NST_PFEC_RSVD);
		if (!is_pdpte(fmt, level))
			out->rights &= nst_entry_rights(fmt, entry);
		if (leaf)
			return true;
		table = entry & NST_ENTRY_ADDR;
	}
}

static bool allowed(const struct nst_walk_mode *mode, const struct nst_walk_in *in,
		    struct nst_walk *out)
{
	u32 pk = 0;

	/* SDM3 "Page-Fault Exceptions": PK does not ask what else is wrong. */
	if (mode->pke && (out->rights & NST_ACCESS_U)) {
		out->pkey = (out->entry[out->level] >> 59) & 0xf;
		if (nst_pkey_denies(in->pkru, out->pkey, in->access, mode->wp))
			pk = NST_PFEC_PK;
	}
	if (pk || nst_perm_denies(&mode->perm, out->rights, in->access, in->ac))
		return fail(out, NST_PFEC_P | pk);
	return true;
}

/* Memory that cannot be written keeps its bits, as ROM on a bus does. */
static bool set_entry_bits(const struct nst_format *fmt, const struct nst_walk_mem *mem,
			   unsigned int level, u64 new, struct nst_walk *out)
{
	nst_gpa_t gpa = out->entry_gpa[level];
	u64 old = out->entry[level];
	int ret;

	if (mem->translate) {
		gpa = nst_gpa(out->entry_addr[level]);
		if (!mem->translate(mem->opaque, &gpa, true)) {
			out->refused = true;
			return false;
		}
	}
	ret = mem->exchange(mem->opaque, gpa, &old, new, fmt->entry_bytes);
	if (!ret)
		out->entry[level] = new;
	return ret <= 0;
}

/*
 * Sets accessed bits from the root down and the leaf's dirty bit.  False: an
 * entry changed meanwhile, or the second stage refuses.
 */
static bool set_bits(const struct nst_walk_mode *mode, const struct nst_walk_mem *mem,
		     const struct nst_walk_in *in, struct nst_walk *out)
{
	const struct nst_format *fmt = mode->fmt;
	unsigned int level;

	for (level = in->from ?: fmt->levels; level >= out->level; level--) {
		u64 new = out->entry[level] | fmt->accessed;

		if (is_pdpte(fmt, level))
			continue;
		if (level == out->level && (in->access & NST_ACCESS_W))
			new |= fmt->dirty;
		if (mode->log && (new & ~out->entry[level] & fmt->dirty) &&
		    !mem->log(mem->opaque, in->addr)) {
			out->refused = true;
			out->log_full = true;
			return false;
		}
		if (new != out->entry[level] && !set_entry_bits(fmt, mem, level, new, out))
			return false;
	}
	return true;
}

/**
 * nst_walk() - translate an address by a guest's page tables
 * @mode: the guest's mode
 * @mem: access to its memory
 * @in: address, root and kind of access
 * @out: result
 *
 * Context: whatever the callbacks need.
 *
 * Return: true with @out->gpa; false with @out->error_code.
 */
bool nst_walk(const struct nst_walk_mode *mode, const struct nst_walk_mem *mem,
	      const struct nst_walk_in *in, struct nst_walk *out)
{
	unsigned int attempt;
	u64 below;

	for (attempt = 0; attempt < WALK_ATTEMPTS; attempt++) {
		memset(out, 0, sizeof(*out));
		out->error_code = error_bits(mode, in->access);
		if (!mode->fmt->levels) {
			out->gpa = nst_gpa(in->addr);
			out->rights = NST_RIGHTS_ALL;
			return true;
		}
		if (!descend(mode, mem, in, out) || !allowed(mode, in, out))
			return false;
		if (!mode->ad || set_bits(mode, mem, in, out))
			break;
		if (out->refused)
			return false;
	}
	if (attempt == WALK_ATTEMPTS)
		return fail(out, 0);

	below = (1ull << nst_format_shift(mode->fmt, out->level)) - 1;
	out->gpa = nst_gpa(nst_entry_leaf_base(mode->fmt, out->level, out->entry[out->level]) |
			   (in->addr & below));
	return true;
}
