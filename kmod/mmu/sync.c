// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeping shadows equal to guest tables.
 *
 * A shadowed guest table is write-protected, and an emulated write zaps the
 * entries it touches.  That is too dear for the tables of level 1, which
 * guests write most: these may go "unsync".  The guest then writes freely, and
 * the shadow is a TLB that may be stale until the guest flushes, as the
 * architecture allows.  When it does - CR3 load, INVLPG and their kin - the
 * table is protected again and compared.
 */
#include "../nestor.h"
#include <linux/uaccess.h>
#include "internal.h"

/**
 * nst_sync_read() - read guest memory without sleeping
 * @vm: the VM, of the current process
 * @space: enum nst_space
 * @gpa: address
 * @buf: destination
 * @len: bytes, within a page
 *
 * Context: any lock.
 *
 * Return: false when the page is not at hand.
 */
bool nst_sync_read(struct nst_vm *vm, unsigned int space, nst_gpa_t gpa, void *buf,
		   unsigned int len)
{
	u64 raw = nst_gpa_raw(gpa);
	struct nst_memslot *slot = nst_memslot_find_locked(vm, space, raw >> PAGE_SHIFT);
	const void __user *from;
	unsigned long left;

	if (!slot)
		return false;
	from = (void __user *)(nst_memslot_hva(slot, raw >> PAGE_SHIFT) + offset_in_page(raw));
	pagefault_disable();
	left = __copy_from_user_inatomic(buf, from, len);
	pagefault_enable();
	return !left;
}

/*
 * The way from a root to an unsync table is marked, so that a CR3 load finds
 * the ones that its address space can reach without looking at all others.
 * A mark too many costs a look and goes with it; where one is, all ways from
 * above are marked already.
 */
static bool mark_way(struct nst_table *table, unsigned int index)
{
	if (!__test_and_set_bit(index, table->unsync_below))
		nst_links_any(&table->parents, mark_way);
	return false;
}

/* Nothing leads to it: what the guest does with its table concerns nobody. */
static bool is_unused(const struct nst_table *table)
{
	return !table->parents && !table->roots;
}

/**
 * nst_unsync_gfn() - let the guest write a shadowed table
 * @vm: the VM
 * @space: enum nst_space
 * @gfn: the guest table's page
 * @dead: receives shadows that are not in use; the page has a new life
 *
 * Context: mmu_lock held.
 *
 * Return: false when one of its shadows is above level 1.
 */
bool nst_unsync_gfn(struct nst_vm *vm, unsigned int space, u64 gfn, struct list_head *dead)
{
	struct hlist_head *bucket = nst_shadow_bucket(vm, gfn);
	struct nst_table *table;
	struct hlist_node *next;

	lockdep_assert_held(&vm->mmu_lock);
	hlist_for_each_entry_safe(table, next, bucket, hash) {
		if (nst_shadows(table, space, gfn) && is_unused(table))
			nst_shadow_zap_table(vm, table, dead);
	}
	hlist_for_each_entry(table, bucket, hash) {
		if (nst_shadows(table, space, gfn) && table->role.level != NST_LEVEL_4K)
			return false;
	}
	hlist_for_each_entry(table, bucket, hash) {
		if (!nst_shadows(table, space, gfn) || table->unsync)
			continue;
		list_add_tail(&table->unsync_link, &vm->mmu->unsync);
		table->unsync = true;
		nst_links_any(&table->parents, mark_way);
	}
	return true;
}

/* Position in the guest table of the entry that ours at @index shadows. */
static unsigned int guest_index(const struct nst_table *table, unsigned int index)
{
	unsigned int pos = table->role.quadrant * NST_TABLE_ENTRIES + index;

	if (table->role.format != NST_FMT_2LEVEL)
		return index;
	/* A guest entry of 4 MiB is two of ours. */
	return table->role.level == NST_LEVEL_2M ? pos / 2 : pos;
}

/**
 * nst_guest_entry() - the guest's entry that one of ours shadows
 * @table: the shadow
 * @page: a copy of the guest table
 * @index: of our entry
 *
 * Return: the guest's entry.
 */
u64 nst_guest_entry(const struct nst_table *table, const void *page, unsigned int index)
{
	unsigned int pos = guest_index(table, index);

	if (table->role.format != NST_FMT_2LEVEL)
		return ((const u64 *)page)[pos];
	return ((const u32 *)page)[pos];
}

/**
 * nst_leaf_agrees() - is a leaf of a shadow still what the guest's leaf says?
 * @table: the shadow
 * @index: of our entry
 * @entry: the guest's
 *
 * Return: false when it grants more, or maps another page.
 */
bool nst_leaf_agrees(const struct nst_table *table, unsigned int index, u64 entry)
{
	const struct nst_format *guest = &nst_formats[table->role.format];
	const struct nst_format *host = nst_table_format(table);
	u64 spte = table->entries[index];
	u8 granted = nst_entry_rights(host, spte);
	u64 base;
	u8 rights;

	if (!nst_entry_present(guest, entry) || (guest->rwx && !nst_ept_leaf_sane(entry)) ||
	    (table->role.ad && !(entry & guest->accessed)))
		return false;
	base = nst_entry_leaf_base(guest, table->role.level, entry) >> PAGE_SHIFT;
	if (table->gfns[index] < base ||
	    table->gfns[index] >= base + nst_format_pages(guest, table->role.level))
		return false;
	/* Rare bits: reserved ones and protection keys are judged by a new walk. */
	if (!table->role.merged && ((entry ^ spte) & GENMASK_ULL(62, 59)))
		return false;
	if (entry & GENMASK_ULL(58, 52) && table->role.format == NST_FMT_PAE)
		return false;
	if (!table->role.nx && (entry & guest->nx))
		return false;

	rights = nst_entry_rights(guest, entry) & table->role.rights;
	if (table->role.ad && !(entry & guest->dirty))
		rights &= ~NST_ACCESS_W;
	if (!table->role.wp && (entry & guest->dirty) && !(granted & NST_ACCESS_U)) {
		/* Of a user page made by without_wp() in shadow.c, read-only since, maybe. */
		if ((rights & NST_ACCESS_U) && ((rights & NST_ACCESS_W) || table->role.smap))
			return false;
		if ((rights & NST_ACCESS_U) && table->role.smep)
			rights &= ~NST_ACCESS_X;
		rights = (rights | NST_ACCESS_W) & ~NST_ACCESS_U;
	}
	if ((granted ^ rights) & NST_ACCESS_U)
		return false;
	return !(granted & ~rights);
}

/**
 * nst_shadow_source() - the guest table that a shadow is made from
 * @vm: the VM
 * @table: the shadow
 *
 * Context: mmu_lock held.
 *
 * Return: its user address; NULL when there is no memory.
 */
const void __user *nst_shadow_source(struct nst_vm *vm, const struct nst_table *table)
{
	struct nst_memslot *slot = nst_memslot_find_locked(vm, table->role.space, table->gfn);

	return slot ? (const void __user *)nst_memslot_hva(slot, table->gfn) : NULL;
}

/**
 * nst_read_entry() - read one entry of a shadow's guest table without sleeping
 * @table: the shadow
 * @from: user address of the guest table
 * @index: of our entry
 * @entry: result
 *
 * Context: page faults disabled.
 *
 * Return: false when the page is not at hand.
 */
bool nst_read_entry(const struct nst_table *table, const void __user *from, unsigned int index,
		    u64 *entry)
{
	unsigned int pos = guest_index(table, index);
	u32 narrow;

	if (table->role.format != NST_FMT_2LEVEL)
		return !__get_user(*entry, (const u64 __user *)from + pos);
	if (__get_user(narrow, (const u32 __user *)from + pos))
		return false;
	*entry = narrow;
	return true;
}

/* Most tables have few entries, and most entries are still right. */
static bool compare(struct nst_vm *vm, struct nst_table *table)
{
	const struct nst_format *host = nst_table_format(table);
	const void __user *from = nst_shadow_source(vm, table);
	unsigned int i, left = table->nr_present;
	bool flush = false;
	u64 entry;

	pagefault_disable();
	for (i = 0; i < NST_TABLE_ENTRIES && left; i++) {
		if (!nst_entry_present(host, table->entries[i]))
			continue;
		left--;
		/* Behind a second stage it takes a new walk to know. */
		if (!from || nst_two_stages(table) || !nst_read_entry(table, from, i, &entry) ||
		    !nst_leaf_agrees(table, i, entry))
			flush |= nst_shadow_zap_entry(vm, table, i);
	}
	pagefault_enable();
	return flush;
}

/* Makes the unsync shadows on a list, that they leave, equal to their guest tables. */
static void sync_list(struct nst_vm *vm, struct list_head *list)
{
	struct nst_table *table, *next;
	bool flush = false;

	list_for_each_entry(table, list, unsync_link) {
		struct nst_memslot *slot = nst_memslot_find_locked(vm, table->role.space,
							    table->gfn);

		if (!slot)
			continue;
		flush |= nst_rmap_protect(slot, table->gfn, table->gfn + 1);
		flush |= nst_tdp_write_protect(vm, table->role.space, table->gfn,
					       table->gfn + 1);
	}
	/* A write that was on its way is in memory after this. */
	if (flush)
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);

	flush = false;
	list_for_each_entry_safe(table, next, list, unsync_link) {
		list_del_init(&table->unsync_link);
		table->unsync = false;
		flush |= compare(vm, table);
	}
	if (flush)
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
}

/**
 * nst_sync_all() - make every unsync shadow equal to its guest table
 * @vm: the VM, of the current process
 *
 * Context: mmu_lock and srcu held; flushes TLBs.
 */
void nst_sync_all(struct nst_vm *vm)
{
	lockdep_assert_held(&vm->mmu_lock);
	sync_list(vm, &vm->mmu->unsync);
}

/**
 * nst_sync_gfn() - make the unsync shadows of one guest table equal to it
 * @vm: the VM, of the current process
 * @space: enum nst_space
 * @gfn: the guest table's page
 *
 * Context: as nst_sync_all().
 */
void nst_sync_gfn(struct nst_vm *vm, unsigned int space, u64 gfn)
{
	struct nst_table *table;
	LIST_HEAD(found);

	lockdep_assert_held(&vm->mmu_lock);
	hlist_for_each_entry(table, nst_shadow_bucket(vm, gfn), hash) {
		if (table->unsync && nst_shadows(table, space, gfn))
			list_move_tail(&table->unsync_link, &found);
	}
	sync_list(vm, &found);
}

/* Follows the marks down.  They go: what they lead to will be in sync. */
static void collect_unsync(struct nst_table *table, struct list_head *found)
{
	const struct nst_format *fmt = nst_table_format(table);
	unsigned int i;
	u64 entry;

	if (table->unsync)
		list_move_tail(&table->unsync_link, found);
	for_each_set_bit(i, table->unsync_below, NST_TABLE_ENTRIES) {
		entry = table->entries[i];
		if (nst_entry_present(fmt, entry) &&
		    !nst_entry_leaf(fmt, table->role.level, entry))
			collect_unsync(spte_child(entry), found);
	}
	bitmap_zero(table->unsync_below, NST_TABLE_ENTRIES);
}

/**
 * nst_sync_below() - make the shadows that a table leads to equal to their guest tables
 * @vm: the VM, of the current process
 * @table: the table, which may be one of them
 *
 * Context: as nst_sync_all().
 */
void nst_sync_below(struct nst_vm *vm, struct nst_table *table)
{
	LIST_HEAD(found);

	lockdep_assert_held(&vm->mmu_lock);
	collect_unsync(table, &found);
	sync_list(vm, &found);
}

/*
 * Drops an entry from all shadows of a guest table: a global page leaves the
 * TLB for every address space.
 */
static bool invalidate(struct nst_vm *vm, const struct nst_table *table, unsigned int index)
{
	struct nst_table *other;
	bool flush = false;

	if (!table->unsync)
		return false;
	hlist_for_each_entry(other, nst_shadow_bucket(vm, table->gfn), hash) {
		if (nst_shadows(other, table->role.space, table->gfn) && other->unsync &&
		    other->role.quadrant == table->role.quadrant &&
		    other->role.host == table->role.host)
			flush |= nst_shadow_zap_entry(vm, other, index);
	}
	return flush;
}

/**
 * nst_shadow_last() - the last table that hardware reads for an address
 * @root: table to begin at, or NULL
 * @addr: the address
 * @index: receives the entry's place: a leaf, or not present
 *
 * Context: mmu_lock held.
 *
 * Return: the table; NULL without a root.
 */
struct nst_table *nst_shadow_last(struct nst_table *root, u64 addr, unsigned int *index)
{
	const struct nst_format *fmt;
	struct nst_table *table = root;
	unsigned int level;
	u64 entry;

	if (!root)
		return NULL;
	/* Hardware walks them: they have one format, and one level after the other. */
	fmt = nst_table_format(root);
	for (level = root->role.level; ; level--) {
		*index = nst_format_index(fmt, level, addr);
		entry = table->entries[*index];
		if (nst_entry_leaf(fmt, level, entry) || !nst_entry_present(fmt, entry))
			return table;
		table = spte_child(entry);
	}
}

/**
 * nst_shadow_invlpg() - the guest flushes one address
 * @vcpu: loaded vCPU
 * @paging: in which context
 * @gva: the address
 *
 * Only an unsync table can be stale.
 */
void nst_shadow_invlpg(struct nst_vcpu *vcpu, struct nst_paging *paging, u64 gva)
{
	struct nst_vm *vm = vcpu->vm;
	struct nst_table *table;
	unsigned int index;
	bool flush = false;

	/* Not to have them only means that nothing is mapped again. */
	nst_cache_fill_shadow(vcpu->mmu);
	spin_lock(&vm->mmu_lock);
	table = nst_shadow_last(paging->root, gva, &index);
	if (table && nst_entry_present(nst_table_format(table), table->entries[index]))
		flush = invalidate(vm, table, index);
	if (flush && paging == vcpu->mmu->cur)
		nst_shadow_map_again(vcpu, table, index);
	/* Other vCPUs may have it in their TLBs, and nothing would tell them later. */
	if (flush)
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
	spin_unlock(&vm->mmu_lock);
}

/* A guest that writes a table this often without using it has another use for it. */
#define WRITES_IN_VAIN		3

/* Zaps an entry; a table that it was the last link to goes to @orphans. */
static bool zap_link(struct nst_vm *vm, struct nst_table *table, unsigned int index,
		     struct list_head *orphans)
{
	const struct nst_format *fmt = nst_table_format(table);
	u64 entry = table->entries[index];
	struct nst_table *child;

	if (!nst_shadow_zap_entry(vm, table, index))
		return false;
	if (nst_entry_leaf(fmt, table->role.level, entry))
		return true;
	child = spte_child(entry);
	if (is_unused(child))
		list_move(&child->link, orphans);
	return true;
}

/* Zaps the entries of @table that a write of @len bytes at @offset touched. */
static bool zap_written(struct nst_vm *vm, struct nst_table *table, unsigned int offset,
			size_t len, struct list_head *orphans)
{
	unsigned int bytes = nst_formats[table->role.format].entry_bytes;
	unsigned int first = offset / bytes, last = (offset + len - 1) / bytes;
	bool flush = false;
	unsigned int i;

	if (bytes == 4 && table->role.level == NST_LEVEL_2M) {
		/* One guest entry of 4 MiB is two of ours. */
		first *= 2;
		last = last * 2 + 1;
	}
	for (i = first; i <= last; i++) {
		if (bytes == 4 && i / NST_TABLE_ENTRIES != table->role.quadrant)
			continue;
		flush |= zap_link(vm, table, i % NST_TABLE_ENTRIES, orphans);
	}
	return flush;
}

/*
 * The guest took away the last link to these: it frees them, most likely.  Not
 * to keep them spares the page's next use an exit.
 */
static void zap_orphans(struct nst_vm *vm, struct list_head *orphans, struct list_head *dead)
{
	struct nst_table *table;

	while (!list_empty(orphans)) {
		table = list_first_entry(orphans, struct nst_table, link);
		nst_shadow_zap_table(vm, table, dead);
	}
}

/**
 * nst_shadow_guest_wrote() - software wrote guest memory
 * @vm: the VM
 * @space: enum nst_space
 * @gpa: address
 * @len: bytes, within a page
 *
 * Context: takes mmu_lock; the new bytes are in memory.
 */
void nst_shadow_guest_wrote(struct nst_vm *vm, unsigned int space, nst_gpa_t gpa, size_t len)
{
	u64 gfn = nst_gpa_gfn(gpa);
	struct nst_memslot *slot = nst_memslot_find(vm, space, gfn);
	unsigned int offset = offset_in_page(nst_gpa_raw(gpa));
	struct nst_table *table;
	struct hlist_node *next;
	LIST_HEAD(orphans);
	LIST_HEAD(dead);
	bool flush = false;

	/*
	 * Pairs with the lock and the second look of a fault that makes a
	 * shadow: either it sees our bytes, or we see its shadow.
	 */
	smp_mb();
	if (!len || !slot || !nst_rmap_is_shadowed(slot, gfn))
		return;

	spin_lock(&vm->mmu_lock);
	hlist_for_each_entry_safe(table, next, nst_shadow_bucket(vm, gfn), hash) {
		if (!nst_shadows(table, space, gfn))
			continue;
		/* A write that is no table entry, or floods, ends the page's life as table. */
		if (len < 4 || offset % 4 || ++table->writes > WRITES_IN_VAIN)
			nst_shadow_zap_table(vm, table, &dead);
		else
			flush |= zap_written(vm, table, offset, len, &orphans);
	}
	zap_orphans(vm, &orphans, &dead);
	if (flush || !list_empty(&dead))
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
	spin_unlock(&vm->mmu_lock);
	nst_tables_keep(vm, &dead);
}
