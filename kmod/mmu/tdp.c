// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two-dimensional paging: one tree of tables for each address space of the VM,
 * from guest physical to host physical.  Each table has one parent, so a zap is a walk
 * down the tree.  The same code builds EPT and NPT; the format row differs.
 */
#include "../nestor.h"
#include "internal.h"

/**
 * nst_tdp_format() - the format of this host's two-dimensional paging
 *
 * Return: enum nst_format_id.
 */
enum nst_format_id nst_tdp_format(void)
{
	if (nst_caps.tdp_is_ept)
		return nst_caps.tdp_levels == 5 ? NST_FMT_EPT5 : NST_FMT_EPT4;
	return nst_caps.tdp_levels == 5 ? NST_FMT_5LEVEL : NST_FMT_4LEVEL;
}

static union nst_role tdp_role(unsigned int space, unsigned int level)
{
	union nst_role role = {
		.level = level,
		.host = nst_tdp_format(),
		.direct = 1,
		.rights = NST_RIGHTS_ALL,
		.space = space,
	};

	return role;
}

/**
 * nst_tdp_root() - the root of the vCPU's address space, made on first use
 * @vcpu: loaded vCPU, cache filled
 *
 * Context: mmu_lock held.
 *
 * Return: the root, NULL only after a bug.
 */
struct nst_table *nst_tdp_root(struct nst_vcpu *vcpu)
{
	struct nst_vm *vm = vcpu->vm;
	struct nst_table **root = &vm->mmu->tdp_root[vcpu->space];

	lockdep_assert_held(&vm->mmu_lock);
	if (!*root)
		*root = nst_table_take(vm, vcpu->mmu, 0,
				       tdp_role(vcpu->space, nst_caps.tdp_levels), false);
	return *root;
}

static u64 entry_gfn(const struct nst_table *table, unsigned int index)
{
	return table->gfn + index * nst_format_pages(nst_table_format(table), table->role.level);
}

/* Retires a table that was just unlinked, with everything below it. */
static void drop_subtree(struct nst_vm *vm, struct nst_table *table, struct list_head *dead)
{
	const struct nst_format *fmt = nst_table_format(table);
	unsigned int level = table->role.level;
	unsigned int i;

	for (i = 0; level > NST_LEVEL_4K && table->nr_present && i < NST_TABLE_ENTRIES; i++) {
		u64 old;

		if (!nst_entry_present(fmt, table->entries[i]))
			continue;
		old = spte_set(table, i, 0);
		if (!nst_entry_leaf(fmt, level, old))
			drop_subtree(vm, spte_child(old), dead);
	}
	nst_table_retire(vm, table, dead);
}

/* Makes entry @index point to a table and returns it. */
static struct nst_table *child_of(struct nst_vcpu *vcpu, struct nst_table *table,
				  unsigned int index, bool *flush)
{
	const struct nst_format *fmt = nst_table_format(table);
	u64 entry = table->entries[index];
	struct nst_table *child;

	if (nst_entry_present(fmt, entry) && !nst_entry_leaf(fmt, table->role.level, entry))
		return spte_child(entry);

	/*
	 * A huge leaf goes: what is behind it is mapped again page by page.  A
	 * stale TLB entry of it would outlive the zap of a page that is not yet
	 * mapped again, hence the flush.
	 */
	if (nst_entry_present(fmt, entry)) {
		spte_set(table, index, 0);
		*flush = true;
	}
	child = nst_table_take(vcpu->vm, vcpu->mmu, entry_gfn(table, index),
			       tdp_role(table->role.space, table->role.level - 1), false);
	if (child)
		spte_set(table, index, spte_link(fmt, child));
	return child;
}

/* Writes the leaf; merges with one that is already there for the same page. */
static bool set_leaf(struct nst_vcpu *vcpu, struct nst_table *table, unsigned int index,
		     const struct nst_fault *fault, struct list_head *dead)
{
	const struct nst_format *fmt = nst_table_format(table);
	unsigned int level = table->role.level;
	u64 pfn = fault->pfn & ~(nst_format_pages(fmt, level) - 1);
	u8 rights = nst_fault_rights(vcpu->vm, fault, NST_RIGHTS_ALL);
	u64 old = table->entries[index];
	bool flush = false;

	if (nst_entry_present(fmt, old) && !nst_entry_leaf(fmt, level, old)) {
		spte_set(table, index, 0);
		drop_subtree(vcpu->vm, spte_child(old), dead);
		old = 0;
		flush = true;
	}
	if (nst_entry_present(fmt, old) && spte_pfn(old) == pfn &&
	    !(nst_entry_rights(fmt, old) & ~rights & NST_ACCESS_W)) {
		if (nst_entry_rights(fmt, old) == rights)
			return flush;
	} else if (nst_entry_present(fmt, old)) {
		flush = true;
	}
	spte_set(table, index, spte_leaf(fmt, level, pfn, rights, fault->ram));
	return flush;
}

/**
 * nst_tdp_map() - enter a resolved fault into the tree
 * @vcpu: loaded vCPU, cache filled
 * @fault: the page, not stale
 * @dead: receives tables that a huge page replaced
 *
 * Context: mmu_lock held.
 *
 * Return: whether TLBs must be flushed.
 */
bool nst_tdp_map(struct nst_vcpu *vcpu, const struct nst_fault *fault, struct list_head *dead)
{
	struct nst_table *table = nst_tdp_root(vcpu);
	bool flush = false;

	while (table && table->role.level > fault->level)
		table = child_of(vcpu, table,
				 nst_format_index(nst_table_format(table), table->role.level,
						  fault->gfn << PAGE_SHIFT), &flush);
	if (table)
		flush |= set_leaf(vcpu, table,
				  nst_format_index(nst_table_format(table), table->role.level,
						   fault->gfn << PAGE_SHIFT), fault, dead);
	return flush;
}

/*
 * What a walk over a range does with leaves, and whether it unlinks tables
 * that lie in the range as a whole.
 */
struct range_op {
	bool (*leaf)(struct nst_table *table, unsigned int index);
	bool unlink;
	struct list_head *dead;
};

static bool range_walk(struct nst_vm *vm, struct nst_table *table, u64 start, u64 end,
		       const struct range_op *op)
{
	const struct nst_format *fmt = nst_table_format(table);
	unsigned int level = table->role.level;
	u64 span = nst_format_pages(fmt, level);
	bool found = false;
	unsigned int i;

	i = start > table->gfn ? (start - table->gfn) / span : 0;
	for (; i < NST_TABLE_ENTRIES && entry_gfn(table, i) < end; i++) {
		u64 entry = READ_ONCE(table->entries[i]);
		u64 gfn = entry_gfn(table, i);

		if (!nst_entry_present(fmt, entry))
			continue;
		if (nst_entry_leaf(fmt, level, entry)) {
			found |= op->leaf(table, i);
		} else if (op->unlink && gfn >= start && gfn + span <= end) {
			spte_set(table, i, 0);
			drop_subtree(vm, spte_child(entry), op->dead);
			found = true;
		} else {
			found |= range_walk(vm, spte_child(entry), start, end, op);
		}
	}
	return found;
}

static bool tree_walk(struct nst_vm *vm, unsigned int space, u64 start, u64 end,
		      const struct range_op *op)
{
	struct nst_table *root = vm->mmu->tdp_root[space];

	lockdep_assert_held(&vm->mmu_lock);
	return root && range_walk(vm, root, start, end, op);
}

static bool zap_leaf(struct nst_table *table, unsigned int index)
{
	spte_set(table, index, 0);
	return true;
}

/**
 * nst_tdp_zap() - remove the translations of a range
 * @vm: the VM
 * @space: enum nst_space
 * @start: first gfn
 * @end: gfn behind the last
 * @dead: receives tables that go as a whole
 *
 * Context: mmu_lock held.
 *
 * Return: whether anything went.
 */
bool nst_tdp_zap(struct nst_vm *vm, unsigned int space, u64 start, u64 end,
		 struct list_head *dead)
{
	const struct range_op op = { .leaf = zap_leaf, .unlink = true, .dead = dead };

	return tree_walk(vm, space, start, end, &op);
}

static bool protect_leaf(struct nst_table *table, unsigned int index)
{
	return spte_clear_bits(table, index, nst_table_format(table)->write);
}

/**
 * nst_tdp_write_protect() - take the write right from a range
 * @vm: the VM
 * @space: enum nst_space
 * @start: first gfn
 * @end: gfn behind the last
 *
 * Context: mmu_lock held.
 *
 * Return: whether an entry was writable.
 */
bool nst_tdp_write_protect(struct nst_vm *vm, unsigned int space, u64 start, u64 end)
{
	const struct range_op op = { .leaf = protect_leaf };

	return tree_walk(vm, space, start, end, &op);
}

static bool protect_small(struct nst_table *table, unsigned int index)
{
	if (table->role.level == NST_LEVEL_4K)
		return protect_leaf(table, index);
	return zap_leaf(table, index);
}

/**
 * nst_tdp_isolate() - a page may be mapped only by itself, and not writable
 * @vm: the VM
 * @space: enum nst_space
 * @gfn: the page
 *
 * Context: mmu_lock held.
 *
 * Return: whether TLBs must be flushed before that holds.
 */
bool nst_tdp_isolate(struct nst_vm *vm, unsigned int space, u64 gfn)
{
	const struct range_op op = { .leaf = protect_small };

	return tree_walk(vm, space, gfn, gfn + 1, &op);
}

/* A small page's next write shows in hardware's own list; a huge one is split. */
static bool watch_leaf(struct nst_table *table, unsigned int index)
{
	if (table->role.level > NST_LEVEL_4K)
		return protect_leaf(table, index);
	return spte_clear_bits(table, index, nst_table_format(table)->dirty);
}

/**
 * nst_tdp_watch_writes() - let the next write to each page of a range be noticed
 * @vm: the VM; its vCPUs log writes if nst_caps.tdp_log says that they can
 * @space: which address space
 * @start: first gfn
 * @end: gfn behind the last
 *
 * Context: mmu_lock held.
 *
 * Return: whether an entry changed: flush TLBs.
 */
bool nst_tdp_watch_writes(struct nst_vm *vm, unsigned int space, u64 start, u64 end)
{
	const struct range_op op = { .leaf = nst_caps.tdp_log ? watch_leaf : protect_leaf };

	return tree_walk(vm, space, start, end, &op);
}

static bool test_leaf(struct nst_table *table, unsigned int index)
{
	const struct nst_format *fmt = nst_table_format(table);

	/* Without accessed bits, a page counts as used while it is mapped. */
	return !nst_format_has_ad(fmt) || (READ_ONCE(table->entries[index]) & fmt->accessed);
}

static bool age_leaf(struct nst_table *table, unsigned int index)
{
	const struct nst_format *fmt = nst_table_format(table);

	return spte_clear_bits(table, index, fmt->accessed);
}

/**
 * nst_tdp_age() - was a range used?
 * @vm: the VM
 * @space: enum nst_space
 * @start: first gfn
 * @end: gfn behind the last
 * @clear: and forget it; only where hardware keeps accessed bits
 *
 * Context: mmu_lock held.
 *
 * Return: whether a page of it was used.
 */
bool nst_tdp_age(struct nst_vm *vm, unsigned int space, u64 start, u64 end, bool clear)
{
	const struct range_op op = { .leaf = clear ? age_leaf : test_leaf };

	return tree_walk(vm, space, start, end, &op);
}
