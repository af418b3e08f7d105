// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table entries: how they are built, and spte_set(), the one funnel through
 * which they reach memory that hardware walks.
 */
#include "../nestor.h"
#include <asm/mem_encrypt.h>
#include "internal.h"

/* EPT memory types, SDM3 "EPT Memory Types". */
#define EPT_MT_UC		0ull
#define EPT_MT_WB		6ull

/**
 * spte_set() - write one entry
 * @table: the table
 * @index: which entry
 * @entry: new value, 0 for not present
 *
 * Context: mmu_lock held.  When the old entry was present, the caller flushes
 * TLBs before the page or table behind it is used for something else.
 *
 * Return: the old entry with the accessed and dirty bits hardware left in it.
 */
u64 spte_set(struct nst_table *table, unsigned int index, u64 entry)
{
	const struct nst_format *fmt = nst_table_format(table);
	u64 old = xchg(&table->entries[index], entry);

	table->nr_present += nst_entry_present(fmt, entry);
	table->nr_present -= nst_entry_present(fmt, old);
	return old;
}

/**
 * spte_clear_bits() - take rights or an accessed bit from a present entry
 * @table: the table
 * @index: which entry
 * @bits: bits to clear
 *
 * Context: mmu_lock held.  Hardware may set accessed and dirty bits meanwhile;
 * they are not lost.
 *
 * Return: whether one of @bits was set.
 */
bool spte_clear_bits(struct nst_table *table, unsigned int index, u64 bits)
{
	u64 old = READ_ONCE(table->entries[index]);

	if (!(old & bits))
		return false;
	atomic64_andnot(bits, (atomic64_t *)&table->entries[index]);
	return true;
}

/**
 * spte_leaf() - build an entry that maps guest memory
 * @fmt: format of the table
 * @level: its level
 * @pfn: host page frame, aligned to the level
 * @rights: NST_ACCESS_* to grant
 * @ram: write-back memory; else a device, uncached (under EPT the guest's PAT
 *	may make it write-combining)
 *
 * Accessed is set, for the guest is about to use it; dirty is when writable,
 * which spares hardware the update: host pages are marked dirty when mapped.
 *
 * Return: the entry.
 */
u64 spte_leaf(const struct nst_format *fmt, unsigned int level, u64 pfn, u8 rights, bool ram)
{
	u64 entry = pfn << PAGE_SHIFT;

	if (ram)
		entry = __sme_set(entry);
	if (fmt->rwx) {
		/* The host maps its RAM write-back, so the guest's PAT has no say. */
		entry |= ram ? EPT_MT_WB << NST_EPT_MT_SHIFT | NST_EPT_IPAT :
			       EPT_MT_UC << NST_EPT_MT_SHIFT;
		if (rights & NST_ACCESS_R)
			entry |= fmt->present & ~(fmt->write | fmt->exec);
		if (rights & NST_ACCESS_X)
			entry |= fmt->exec;
	} else {
		entry |= fmt->present;
		if (rights & NST_ACCESS_U)
			entry |= fmt->user;
		if (!(rights & NST_ACCESS_X))
			entry |= fmt->nx;
		if (!ram)
			entry |= NST_X86_PCD | NST_X86_PWT;
	}
	if (rights & NST_ACCESS_W)
		entry |= fmt->write;
	if (level > NST_LEVEL_4K)
		entry |= fmt->large;
	if (nst_format_has_ad(fmt)) {
		entry |= fmt->accessed;
		if (rights & NST_ACCESS_W)
			entry |= fmt->dirty;
	}
	return entry;
}

/**
 * spte_link() - build an entry that points to a table
 * @fmt: format of the parent
 * @child: the table
 *
 * All rights are granted here; the leaves restrict.
 *
 * Return: the entry.
 */
u64 spte_link(const struct nst_format *fmt, const struct nst_table *child)
{
	u64 entry = nst_table_hpa(child);

	if (fmt->rwx)
		return entry | fmt->present;
	/* PAE's PDPTEs have rights in their reserved bits. */
	if (child->role.level == NST_LEVEL_2M && fmt == &nst_formats[NST_FMT_PAE])
		return entry | fmt->present;
	return entry | fmt->present | fmt->write | fmt->user | fmt->accessed;
}
