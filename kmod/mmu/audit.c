// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit: are the tables what the rest of mmu/ believes they are?  Every
 * entry is compared with counts, reverse maps and parents, and a shadow that
 * is in sync with the guest table that it shadows.
 *
 * Off by default; the parameter mmu_audit makes a vCPU run it after every so
 * many faults, and the end of a VM once more.  A finding is printed with the
 * entry and warned about once.
 */
#include "../nestor.h"
#include <linux/delay.h>
#include <linux/moduleparam.h>
#include "internal.h"

static unsigned int audit_interval;
module_param_named(mmu_audit, audit_interval, uint, 0644);
MODULE_PARM_DESC(mmu_audit, "Audit page tables after this many guest page faults and at a VM's end (0: never)");

#define NST_ENTRY_PKEY	GENMASK_ULL(62, 59)

/* One pass over a VM's tables. */
struct audit {
	struct nst_vm *vm;
	bool report;
	unsigned int found;
};

static void finding(struct audit *a, const struct nst_table *table, unsigned int index,
		    const char *what)
{
	a->found++;
	if (a->report && a->found <= 10)
		pr_err("audit: %s: %s level %u gfn 0x%llx role 0x%08x entry %u = 0x%016llx\n",
		       what, nst_table_format(table)->name, table->role.level, table->gfn,
		       table->role.word, index, table->entries[index]);
}

static bool all_unsync(struct nst_vm *vm, unsigned int space, u64 gfn)
{
	struct nst_table *table;

	hlist_for_each_entry(table, nst_shadow_bucket(vm, gfn), hash) {
		if (nst_shadows(table, space, gfn) && !table->unsync)
			return false;
	}
	return true;
}

static void check_shadow_leaf(struct audit *a, struct nst_table *table, unsigned int index)
{
	u64 entry = table->entries[index], gfn = table->gfns[index];
	struct nst_memslot *slot = nst_memslot_find_locked(a->vm, table->role.space, gfn);
	unsigned int level = table->role.level;

	if (!slot) {
		finding(a, table, index, "leaf maps no slot");
		return;
	}
	if (!nst_rmap_has(slot, gfn, &table->entries[index]))
		finding(a, table, index, "leaf is not in the reverse map");
	if (nst_rmap_max_level(slot, gfn, level) < level)
		finding(a, table, index, "large leaf around a shadowed table");
	if (level == NST_LEVEL_4K && (entry & nst_table_format(table)->write) &&
	    nst_rmap_is_shadowed(slot, gfn) && !all_unsync(a->vm, table->role.space, gfn))
		finding(a, table, index, "shadowed table is writable");
}

static void check_link(struct audit *a, struct nst_table *table, unsigned int index)
{
	struct nst_table *child = spte_child(table->entries[index]);

	if (!child || child->zapped || child->role.level != table->role.level - 1) {
		finding(a, table, index, "link to a wrong table");
		return;
	}
	if (table->gfns && !test_bit(index, table->unsync_below) &&
	    (child->unsync || !bitmap_empty(child->unsync_below, NST_TABLE_ENTRIES)))
		finding(a, table, index, "no mark on the way to an unsync table");
	if (child->role.host != table->role.host)
		finding(a, table, index, "link to another format");
	if (table->gfns && !nst_links_has(&child->parents, &table->entries[index]))
		finding(a, table, index, "child does not know its parent");
	if (!table->gfns &&
	    child->gfn != table->gfn + ((u64)index << ((table->role.level - 1) * 9)))
		finding(a, table, index, "child maps another range");
}

/* An entry of a shadow that is in sync, against the guest's entry. */
static void check_guest(struct audit *a, struct nst_table *table, unsigned int index, u64 guest)
{
	const struct nst_format *fmt = &nst_formats[table->role.format];
	unsigned int level = table->role.level;
	const struct nst_table *child;
	bool guest_leaf, leaf;

	/* Without protection keys these bits are the guest's own. */
	if (!(table->entries[index] & NST_ENTRY_PKEY))
		guest &= ~NST_ENTRY_PKEY;
	leaf = nst_entry_leaf(nst_table_format(table), level, table->entries[index]);
	guest_leaf = nst_entry_leaf(fmt, level, guest) &&
		     (level == NST_LEVEL_4K || fmt->entry_bytes == 8 || table->role.pse);
	if (!nst_entry_present(fmt, guest) || (table->role.ad && !(guest & fmt->accessed))) {
		finding(a, table, index, "guest's entry is not present or was never used");
	} else if (leaf) {
		if (!guest_leaf || (!nst_two_stages(table) &&
				    !nst_leaf_agrees(table, index, guest)))
			finding(a, table, index, "leaf is not what the guest's entry says");
	} else {
		child = spte_child(table->entries[index]);
		if (child->role.direct != guest_leaf)
			finding(a, table, index, "link where the guest has a leaf, or the reverse");
		else if (!guest_leaf && !nst_two_stages(table) &&
			 child->gfn != (guest & NST_ENTRY_ADDR) >> PAGE_SHIFT)
			finding(a, table, index, "link to the shadow of another guest table");
	}
}

static void check_hidden(struct audit *a, struct nst_table *table, unsigned int index)
{
	const struct nst_format *fmt = nst_table_format(table);
	u64 pages = nst_format_pages(fmt, table->role.level);
	u64 gfn = table->gfns ? table->gfns[index] & ~(pages - 1) : table->gfn + index * pages;

	if (nst_entry_leaf(fmt, table->role.level, table->entries[index]) &&
	    nst_gfns_hidden(a->vm, table->role.space, gfn, pages))
		finding(a, table, index, "leaf maps a hidden page");
}

static void check_entries(struct audit *a, struct nst_table *table, bool compare)
{
	const struct nst_format *fmt = nst_table_format(table);
	void *page = a->vm->mmu->sync_page;
	unsigned int i, present = 0;

	compare = compare && nst_sync_read(a->vm, table->role.space, nst_gfn_gpa(table->gfn),
					   page, PAGE_SIZE);
	for (i = 0; i < NST_TABLE_ENTRIES; i++) {
		if (!nst_entry_present(fmt, table->entries[i])) {
			if (table->entries[i])
				finding(a, table, i, "entry that is neither there nor empty");
			continue;
		}
		present++;
		check_hidden(a, table, i);
		if (!nst_entry_leaf(fmt, table->role.level, table->entries[i]))
			check_link(a, table, i);
		else if (table->gfns)
			check_shadow_leaf(a, table, i);
		if (compare)
			check_guest(a, table, i, nst_guest_entry(table, page, i));
	}
	if (present != table->nr_present)
		finding(a, table, 0, "count of present entries is wrong");
}

static void check_shadow(struct audit *a, struct nst_table *table)
{
	if (table->zapped)
		finding(a, table, 0, "zapped table on the live list");
	if (hlist_unhashed(&table->hash))
		finding(a, table, 0, "shadow that nobody can find");
	if (table->unsync && table->role.level != NST_LEVEL_4K)
		finding(a, table, 0, "unsync above level 1");
	check_entries(a, table, nst_has_guest_table(table) && !table->unsync);
}

static unsigned int audit_pass(struct nst_vm *vm, bool report)
{
	struct audit a = { .vm = vm, .report = report };
	unsigned long tables = 0, anchored = 0;
	struct nst_table *table;

	spin_lock(&vm->mmu_lock);
	list_for_each_entry(table, &vm->mmu->tdp_tables, link)
		check_entries(&a, table, false);
	list_for_each_entry(table, &vm->mmu->tables, link) {
		tables++;
		anchored += !!table->anchor;
		check_shadow(&a, table);
	}
	if (tables != vm->mmu->nr_tables || anchored != vm->mmu->nr_anchored) {
		a.found++;
		if (report)
			pr_err("audit: %lu tables, %lu counted, %lu anchored, %lu counted\n",
			       tables, vm->mmu->nr_tables, anchored, vm->mmu->nr_anchored);
	}
	spin_unlock(&vm->mmu_lock);
	return a.found;
}

/**
 * nst_audit_after_fault() - audit now and then
 * @vcpu: loaded vCPU, srcu held; may sleep
 *
 * An emulated write is in guest memory a moment before its shadow entry goes,
 * so only what a second look finds as well is a finding.
 */
void nst_audit_after_fault(struct nst_vcpu *vcpu)
{
	unsigned int interval = READ_ONCE(audit_interval);

	if (likely(!interval) || ++vcpu->mmu->faults % interval)
		return;
	if (!audit_pass(vcpu->vm, false))
		return;
	msleep(20);
	WARN_ONCE(audit_pass(vcpu->vm, true), "nestor: page tables are inconsistent\n");
}

/**
 * nst_audit_at_end() - audit the tables that a VM leaves behind
 * @vm: the VM, nobody uses it any more
 *
 * Its last process may be gone already, and the guest's tables with it.
 */
void nst_audit_at_end(struct nst_vm *vm)
{
	int idx;

	if (likely(!READ_ONCE(audit_interval)) || current->mm != vm->mm)
		return;
	idx = srcu_read_lock(&vm->srcu);
	WARN_ONCE(audit_pass(vm, true), "nestor: page tables are inconsistent at the end\n");
	srcu_read_unlock(&vm->srcu, idx);
}
