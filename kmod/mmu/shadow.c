// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shadow paging: tables that hardware walks instead of the guest's own.  A
 * shadow is found by the guest table's gfn and its role, so processes that
 * share a guest table share its shadow, and a CR3 that comes back finds its
 * tables still there.
 *
 * In long mode the shadow has the guest's number of levels; in every other
 * mode it is PAE, whose four PDPTEs belong to the vCPU's context.
 *
 * The same builder makes what an L2 guest runs on: see stage2.h.
 */
#include "../nestor.h"
#include <linux/uaccess.h>
#include "internal.h"
#include "shadow.h"

/* Entries that are looked at around a fault, aligned. */
#define NEIGHBOURS	8u

/* Protection key of an entry, SDM3 "Protection Keys". */
#define X86_PTE_PKEY	GENMASK_ULL(62, 59)

/**
 * nst_shadow_zap_entry() - remove one entry of a shadow
 * @vm: the VM
 * @table: the shadow
 * @index: which entry
 *
 * A table that it pointed to stays: the guest may link it again.
 *
 * Context: mmu_lock held.
 *
 * Return: whether it was present: flush TLBs.
 */
bool nst_shadow_zap_entry(struct nst_vm *vm, struct nst_table *table, unsigned int index)
{
	const struct nst_format *fmt = nst_table_format(table);
	u64 *spte = &table->entries[index];
	u64 old;

	if (!nst_entry_present(fmt, *spte))
		return false;
	old = spte_set(table, index, 0);
	if (nst_entry_leaf(fmt, table->role.level, old)) {
		nst_rmap_del(vm, table->gfns[index], spte);
		return true;
	}
	nst_links_del(&spte_child(old)->parents, spte);
	vm->mmu->unlinked++;
	return true;
}

/**
 * nst_shadow_zap_table() - remove a shadow with all its entries
 * @vm: the VM
 * @table: the shadow
 * @dead: receives it, if it is no vCPU's root
 *
 * Context: mmu_lock held; the caller flushes TLBs.
 */
void nst_shadow_zap_table(struct nst_vm *vm, struct nst_table *table, struct list_head *dead)
{
	unsigned int i;
	u64 *spte;

	lockdep_assert_held(&vm->mmu_lock);
	table->zapped = true;
	vm->mmu->unlinked++;
	while ((spte = nst_links_first(&table->parents))) {
		spte_set(spte_table(spte), spte_index(spte), 0);
		nst_links_del(&table->parents, spte);
	}
	for (i = 0; i < NST_TABLE_ENTRIES && table->nr_present; i++)
		nst_shadow_zap_entry(vm, table, i);

	hlist_del_init(&table->hash);
	list_del_init(&table->unsync_link);
	vm->mmu->nr_anchored -= !!table->anchor;
	if (table->counted)
		nst_rmap_shadow_end(vm, table->role.space, table->gfn);
	if (!table->roots) {
		nst_table_retire(vm, table, dead);
		return;
	}
	/* Somebody's CR3 points here: it has to leave first. */
	list_move(&table->link, &vm->mmu->zombies);
	vm->mmu->nr_tables--;
	nst_request_all(vm, NST_REQ_MMU_RELOAD, false);
}

/**
 * nst_shadow_zap_all() - remove all shadows
 * @vm: the VM
 * @dead: receives them
 *
 * Context: mmu_lock held; the caller flushes TLBs.
 */
void nst_shadow_zap_all(struct nst_vm *vm, struct list_head *dead)
{
	struct nst_table *table;

	lockdep_assert_held(&vm->mmu_lock);
	while (!list_empty(&vm->mmu->tables)) {
		table = list_first_entry(&vm->mmu->tables, struct nst_table, link);
		nst_shadow_zap_table(vm, table, dead);
	}
}

/**
 * nst_shadow_zap_oldest() - remove shadows that no vCPU uses as root
 * @vm: the VM
 * @want: how many
 * @dead: receives them
 *
 * Context: mmu_lock held; the caller flushes TLBs.
 *
 * Return: how many went.
 */
unsigned long nst_shadow_zap_oldest(struct nst_vm *vm, unsigned long want,
				    struct list_head *dead)
{
	struct nst_table *table, *next;
	unsigned long gone = 0;

	lockdep_assert_held(&vm->mmu_lock);
	list_for_each_entry_safe(table, next, &vm->mmu->tables, link) {
		if (gone == want)
			break;
		if (table->roots)
			continue;
		nst_shadow_zap_table(vm, table, dead);
		gone++;
	}
	return gone;
}

/**
 * nst_shadow_zap_anchored() - remove the shadows that depend on more than their guest table
 * @vm: the VM
 * @dead: receives them
 *
 * Nothing tells when L1 changes its second stage under an address that one of
 * these went through, except L1's flush.
 *
 * Context: mmu_lock held; the caller flushes TLBs.
 */
void nst_shadow_zap_anchored(struct nst_vm *vm, struct list_head *dead)
{
	struct nst_table *table, *next;

	lockdep_assert_held(&vm->mmu_lock);
	vm->mmu->stage2_seq++;
	if (!vm->mmu->nr_anchored)
		return;
	list_for_each_entry_safe(table, next, &vm->mmu->tables, link) {
		if (table->anchor)
			nst_shadow_zap_table(vm, table, dead);
	}
}

static struct nst_table *find_table(struct nst_vm *vm, u64 gfn, union nst_role role, u64 anchor)
{
	struct nst_table *table;

	hlist_for_each_entry(table, nst_shadow_bucket(vm, gfn), hash) {
		if (table->gfn == gfn && table->role.word == role.word &&
		    table->anchor == anchor)
			return table;
	}
	return NULL;
}

/**
 * nst_shadow_get() - the shadow of a guest table, made if it is not there
 * @vcpu: loaded vCPU, caches filled
 * @gfn: the guest table's page
 * @role: what it translates
 * @anchor: see struct nst_table
 *
 * A new one's guest table is write-protected when this returns; an old one and
 * what is below it may be out of sync.
 *
 * Context: mmu_lock and srcu held.
 *
 * Return: the table; NULL when the VM is dead.
 */
struct nst_table *nst_shadow_get(struct nst_vcpu *vcpu, u64 gfn, union nst_role role,
				 u64 anchor)
{
	struct nst_vm *vm = vcpu->vm;
	struct nst_table *table = find_table(vm, gfn, role, anchor);

	if (table) {
		table->writes = 0;
		return table;
	}
	table = nst_table_take(vm, vcpu->mmu, gfn, role, true);
	if (!table)
		return NULL;
	table->anchor = anchor;
	vm->mmu->nr_anchored += !!anchor;
	hlist_add_head(&table->hash, nst_shadow_bucket(vm, gfn));
	if (!nst_has_guest_table(table))
		return table;
	/* A shadow above level 1 forbids that others of this gfn are unsync. */
	if (role.level > NST_LEVEL_4K)
		nst_sync_gfn(vm, role.space, gfn);
	table->counted = nst_memslot_find_locked(vm, role.space, gfn);
	if (nst_rmap_shadow_begin(vm, role.space, gfn))
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
	return table;
}

/**
 * nst_shadow_link() - let an entry that is not present point to a shadow
 * @vcpu: loaded vCPU, a chunk in hand
 * @table: the entry's table
 * @index: the entry
 * @child: the shadow, which may be out of sync
 *
 * Context: mmu_lock and srcu held.
 */
void nst_shadow_link(struct nst_vcpu *vcpu, struct nst_table *table, unsigned int index,
		     struct nst_table *child)
{
	/* Linked anew it is no cached translation that may be stale. */
	nst_sync_below(vcpu->vm, child);
	nst_links_add(vcpu->mmu, &child->parents, &table->entries[index]);
	spte_set(table, index, spte_link(nst_table_format(table), child));
}

/**
 * nst_shadow_shrink() - old tables make room; the ones in use come back at the next fault
 * @vm: the VM
 * @dead: receives them
 *
 * Context: mmu_lock held.
 */
void nst_shadow_shrink(struct nst_vm *vm, struct list_head *dead)
{
	if (vm->mmu->nr_tables >= READ_ONCE(vm->mmu->max_tables))
		nst_shadow_zap_oldest(vm, NST_CACHE_TABLES, dead);
}

/* ---- faults ---- */

struct shadow_fault {
	struct nst_vcpu *vcpu;
	const struct nst_walk *walk;
	const struct nst_fault *page;
	u64 addr;		/* linear, or L2-physical when merged */
	u64 l2gpa;		/* with two stages: what the first one translates to */
	u8 access;
	u8 rights;		/* that the guest grants, its dirty bit considered */
	u8 leaf_rights;		/* and the second stage, too */
	unsigned long seq;	/* stage2_seq before the walk */
	struct nst_source src;
	struct nst_last_table last;	/* when @last_known */
	struct nst_table *last_shadow;	/* its shadow, while the VM's @unlinked is this: */
	unsigned long unlinked;
	bool last_known;
	struct list_head dead;	/* shadows that went; freed after the flush */
	bool flush;
};

/* Is the guest entry that the walk used at @level still there? */
static bool still_true(const struct shadow_fault *f, unsigned int level)
{
	const struct nst_format *fmt = f->src.mode->fmt;
	u64 now = 0;

	if (level < f->walk->level || level > fmt->levels ||
	    f->walk->entry_gpa[level] == NST_GPA_INVALID)
		return true;
	if (!nst_sync_read(f->vcpu->vm, f->vcpu->space, f->walk->entry_gpa[level], &now,
			   fmt->entry_bytes))
		return false;
	return !((now ^ f->walk->entry[level]) & ~(fmt->accessed | fmt->dirty));
}

/* Which table an entry of @table has to point to on the way to the leaf. */
static u64 wanted_child(const struct shadow_fault *f, const struct nst_table *table,
			union nst_role *role)
{
	const struct nst_walk *walk = f->walk;
	unsigned int level = table->role.level;
	unsigned int top = f->src.mode->fmt->levels;
	u64 gfn;

	*role = f->src.base;
	role->level = level - 1;
	if (level <= walk->level || !walk->level) {
		/* Below a large guest page: nothing to shadow. */
		role->direct = 1;
		role->rights = f->rights;
		gfn = walk->mid_level ? f->l2gpa >> PAGE_SHIFT : f->page->gfn;
		return gfn & ~((1ull << ((level - 1) * 9)) - 1);
	}
	if (level > top)
		role->rights = NST_RIGHTS_ALL;
	else
		role->rights = walk->above[level - 1];
	if (f->src.base.format == NST_FMT_2LEVEL && level == NST_LEVEL_1G)
		role->quadrant = (f->addr >> 30) & 3;
	else if (f->src.base.format == NST_FMT_2LEVEL && level == NST_LEVEL_2M)
		role->quadrant = (f->addr >> 21) & 1;
	/* Hardware has more levels than the guest: the root's place, once more. */
	if (level > top + 1 || (level > top && top == NST_LEVEL_1G))
		return (f->src.root & NST_ENTRY_ADDR) >> PAGE_SHIFT;
	return nst_gpa_gfn(walk->entry_gpa[level - 1]);
}

static struct nst_table *step_down(struct shadow_fault *f, struct nst_table *table,
				   unsigned int index)
{
	const struct nst_format *fmt = nst_table_format(table);
	struct nst_vm *vm = f->vcpu->vm;
	struct nst_table *child;
	union nst_role role;
	u64 gfn = wanted_child(f, table, &role);
	u64 anchor = nst_anchor_of(&f->src, role);
	u64 entry = table->entries[index];

	if (nst_entry_present(fmt, entry)) {
		if (!nst_entry_leaf(fmt, table->role.level, entry)) {
			child = spte_child(entry);
			if (child->gfn == gfn && child->role.word == role.word &&
			    child->anchor == anchor) {
				child->writes = 0;
				return child;
			}
		}
		f->flush |= nst_shadow_zap_entry(vm, table, index);
	}
	/* A link that is there is true: the guest table is write-protected. */
	if (!still_true(f, table->role.level))
		return NULL;
	child = nst_shadow_get(f->vcpu, gfn, role, anchor);
	if (!child)
		return NULL;
	nst_shadow_link(f->vcpu, table, index, child);
	return child;
}

/*
 * With CR0.WP clear a supervisor may write a page that is read-only for users.
 * Hardware runs with WP set, so the page becomes the supervisor's alone until
 * a user touches it.
 */
static u8 without_wp(const struct shadow_fault *f, u8 rights)
{
	bool smep = f->vcpu->st.cr4 & X86_CR4_SMEP;

	if (f->src.mode->wp || (rights & NST_ACCESS_W) ||
	    !(f->access & NST_ACCESS_W) || (f->access & NST_ACCESS_U))
		return rights;
	/* The supervisor may not run what is a user page to the guest. */
	if (smep && (rights & NST_ACCESS_U))
		rights &= ~NST_ACCESS_X;
	return (rights & ~NST_ACCESS_U) | NST_ACCESS_W;
}

/* What a shadow leaf takes over: keys stay while CR4.PKE is off, and work once it is on. */
static u64 kept_bits(const struct nst_source *src, u64 guest)
{
	if (src->mode->fmt->levels <= NST_LEVEL_1G || src->base.merged)
		return 0;
	return guest & X86_PTE_PKEY;
}

static enum nst_fault_result set_leaf(struct shadow_fault *f, struct nst_table *table,
				      unsigned int index)
{
	const struct nst_format *fmt = nst_table_format(table);
	u64 pages = 1ull << ((table->role.level - 1) * 9);
	u64 gfn = f->page->gfn & ~(pages - 1);
	struct nst_vm *vm = f->vcpu->vm;
	u64 *spte = &table->entries[index];
	u8 rights = without_wp(f, f->rights) & f->leaf_rights;
	u64 entry;

	if ((rights & NST_ACCESS_W) && nst_rmap_is_shadowed(f->page->slot, f->page->gfn)) {
		if (!(f->access & NST_ACCESS_W))
			rights &= ~NST_ACCESS_W;
		else if (!nst_unsync_gfn(vm, f->page->space, f->page->gfn, &f->dead))
			return NST_FAULT_MMIO;
	}
	rights = nst_fault_rights(vm, f->page, rights);
	entry = spte_leaf(fmt, table->role.level, f->page->pfn & ~(pages - 1), rights,
			  f->page->ram);
	if (f->walk->level)
		entry |= kept_bits(&f->src, f->walk->entry[f->walk->level]);

	if (nst_entry_present(fmt, *spte) &&
	    (!nst_entry_leaf(fmt, table->role.level, *spte) || table->gfns[index] != gfn ||
	     spte_pfn(*spte) != spte_pfn(entry)))
		f->flush |= nst_shadow_zap_entry(vm, table, index);
	if (nst_entry_present(fmt, *spte)) {
		if (nst_entry_rights(fmt, *spte) & ~rights)
			f->flush = true;
	} else {
		table->gfns[index] = gfn;
		nst_rmap_add(f->vcpu, f->page->slot, gfn, spte);
	}
	spte_set(table, index, entry);
	return NST_FAULT_RETRY;
}

/* Maps what the guest's used entry @guest says, if that needs no work. */
static noinline_for_stack void map_used(struct nst_vcpu *vcpu, const struct nst_source *src,
					struct nst_table *table, unsigned int index, u64 guest,
					struct nst_memslot *slot)
{
	const struct nst_format *fmt = src->mode->fmt;
	struct nst_fault page = {
		.gfn = nst_entry_leaf_base(fmt, NST_LEVEL_4K, guest) >> PAGE_SHIFT,
		.slot = slot, .space = vcpu->space, .access = NST_ACCESS_R,
	};
	u8 rights = nst_entry_rights(fmt, guest) & table->role.rights;

	/* All levels together may grant nothing; accesses through NPT are a user's. */
	if (!(rights & (NST_ACCESS_R | NST_ACCESS_X)) ||
	    (src->base.merged && !(rights & NST_ACCESS_U)))
		return;
	if (nst_entry_malformed(&src->mode->rsvd, NST_LEVEL_4K, guest, true) ||
	    !nst_fault_neighbour(vcpu->vm, &page))
		return;
	if ((src->mode->ad && !(guest & fmt->dirty)) ||
	    nst_rmap_is_shadowed(page.slot, page.gfn))
		rights &= ~NST_ACCESS_W;
	rights = nst_fault_rights(vcpu->vm, &page, rights);
	table->gfns[index] = page.gfn;
	nst_rmap_add(vcpu, page.slot, page.gfn, &table->entries[index]);
	spte_set(table, index, kept_bits(src, guest) |
		 spte_leaf(nst_table_format(table), NST_LEVEL_4K, page.pfn, rights, page.ram));
}

/*
 * Maps entries [@i, @end) of a table as far as they were used before: the guest
 * will probably want them soon, and is spared their faults.
 */
static void map_range(struct nst_vcpu *vcpu, const struct nst_source *src, struct nst_table *table,
		      unsigned int i, unsigned int end, struct nst_memslot *slot)
{
	const u64 shown = nst_table_format(table)->present, present = src->mode->fmt->present;
	const u64 accessed = src->mode->ad ? src->mode->fmt->accessed : 0;
	const void __user *from;
	u64 guest;

	if (table->role.level != NST_LEVEL_4K || !nst_has_guest_table(table) ||
	    nst_two_stages(table))
		return;
	from = nst_shadow_source(vcpu->vm, table);
	pagefault_disable();
	/* A long list of users of a page takes one chunk. */
	for (; from && i < end && vcpu->mmu->nr_chunks; i++) {
		if (table->entries[i] & shown)
			continue;
		if (!nst_read_entry(table, from, i, &guest))
			break;
		if ((guest & present) && (guest & accessed) == accessed)
			map_used(vcpu, src, table, i, guest, slot);
	}
	pagefault_enable();
}

/**
 * nst_shadow_map_again() - map what an entry says after it was invalidated
 * @vcpu: loaded vCPU, caches filled
 * @table: shadow of level 1, found below the current context's root
 * @index: the entry
 *
 * Context: mmu_lock held.
 */
void nst_shadow_map_again(struct nst_vcpu *vcpu, struct nst_table *table, unsigned int index)
{
	struct nst_memslot *slot;
	struct nst_source src;
	u64 gfn = table->gfns[index];

	lockdep_assert_held(&vcpu->vm->mmu_lock);
	nst_current_source(vcpu, &src);
	if (!nst_root_fits(vcpu->mmu->cur, &src) || nst_memslots(vcpu->vm)->removing)
		return;
	/* Where the old page was, the new one mostly is. */
	slot = nst_memslot_find(vcpu->vm, vcpu->space, gfn);
	if (slot)
		map_range(vcpu, &src, table, index, index + 1, slot);
}

static unsigned int target_level(const struct shadow_fault *f)
{
	const struct nst_walk *walk = f->walk;
	unsigned int level = f->page->level;

	if (f->src.base.host == NST_FMT_PAE)
		level = min_t(unsigned int, level, NST_LEVEL_2M);
	if (walk->level)
		level = min_t(unsigned int, level, walk->level);
	if (walk->mid_level)
		level = min_t(unsigned int, level, walk->mid_level);
	return nst_rmap_max_level(f->page->slot, f->page->gfn, level);
}

static enum nst_fault_result map_in(struct shadow_fault *f, struct nst_table *table,
				    unsigned int index)
{
	unsigned int first = index & ~(NEIGHBOURS - 1);
	enum nst_fault_result ret;

	if (!still_true(f, table->role.level))
		return NST_FAULT_RETRY;
	ret = set_leaf(f, table, index);
	if (ret == NST_FAULT_RETRY)
		map_range(f->vcpu, &f->src, table, first, first + NEIGHBOURS, f->page->slot);
	return ret;
}

/*
 * The shadow of level 1 that an address already has, if it has one. What is
 * above it in the guest's tables is as it was when its links were made, since
 * these tables are write-protected: nobody needs to look at them again.
 */
static struct nst_table *last_table(const struct shadow_fault *f, unsigned int *index)
{
	const struct nst_paging *paging = f->vcpu->mmu->cur;
	struct nst_table *table;

	if (f->src.anchor || !nst_root_fits(paging, &f->src) || paging->root->zapped)
		return NULL;
	table = nst_shadow_last(paging->root, f->addr, index);
	if (table->role.level != NST_LEVEL_4K || !nst_has_guest_table(table))
		return NULL;
	return table;
}

static void find_last(struct shadow_fault *f)
{
	struct nst_vm *vm = f->vcpu->vm;
	struct nst_table *table;
	unsigned int index;

	spin_lock(&vm->mmu_lock);
	table = last_table(f, &index);
	f->last_known = table;
	if (table) {
		f->last.gfn = table->gfn;
		f->last.role = table->role;
		f->last_shadow = table;
		f->unlinked = vm->mmu->unlinked;
	}
	spin_unlock(&vm->mmu_lock);
}

/* Maps the page if the way that find_last() found is still there. */
static enum nst_fault_result map_last(struct shadow_fault *f)
{
	struct nst_table *table = f->last_shadow;
	unsigned int index = nst_format_index(&nst_formats[f->last.role.host], NST_LEVEL_4K,
					      f->addr);

	if (f->unlinked != f->vcpu->vm->mmu->unlinked)
		table = last_table(f, &index);
	if (!table || table->gfn != f->last.gfn || table->role.word != f->last.role.word)
		return NST_FAULT_RETRY;
	table->writes = 0;
	return map_in(f, table, index);
}

static enum nst_fault_result shadow_map(struct shadow_fault *f)
{
	const struct nst_paging *paging = f->vcpu->mmu->cur;
	struct nst_table *table = paging->root;

	if (f->last_known)
		return map_last(f);
	/* A root that does not fit is replaced before the next entry. */
	if (!nst_root_fits(paging, &f->src) || table->zapped)
		return NST_FAULT_RETRY;
	while (table) {
		unsigned int level = table->role.level;
		unsigned int index = nst_format_index(nst_table_format(table), level, f->addr);

		/* Each table made on the way can forbid large pages around it. */
		if (level == target_level(f))
			return map_in(f, table, index);
		table = step_down(f, table, index);
	}
	return NST_FAULT_RETRY;
}

/* From a finished walk to an entry: finds the page and maps it. */
static enum nst_fault_result resolve(struct shadow_fault *f)
{
	const struct nst_walk *walk = f->walk;
	struct nst_vm *vm = f->vcpu->vm;
	struct nst_fault page = {
		.gfn = nst_gpa_gfn(walk->gpa), .space = f->vcpu->space, .access = f->access,
		.max_level = NST_LEVEL_MAX,
	};
	enum nst_fault_result ret;

	INIT_LIST_HEAD(&f->dead);
	if (walk->level == NST_LEVEL_4K || walk->mid_level == NST_LEVEL_4K)
		page.max_level = NST_LEVEL_4K;
	f->page = &page;
	ret = nst_fault_lookup(f->vcpu, &page);
	if (ret != NST_FAULT_RETRY)
		return ret;
	f->rights = walk->rights;
	if (walk->level && f->src.mode->ad && !(f->access & NST_ACCESS_W) &&
	    !(walk->entry[walk->level] & f->src.mode->fmt->dirty))
		f->rights &= ~NST_ACCESS_W;
	f->leaf_rights = walk->mid_level ? walk->mid_rights | NST_ACCESS_U : NST_RIGHTS_ALL;

	spin_lock(&vm->mmu_lock);
	if (!nst_fault_stale(vm, &page) && (!f->src.anchor || f->seq == vm->mmu->stage2_seq))
		ret = shadow_map(f);
	if (f->flush)
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
	nst_shadow_shrink(vm, &f->dead);
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_keep(vm, &f->dead);
	nst_audit_after_fault(f->vcpu);
	return ret;
}

static u8 fault_access(struct nst_vcpu *vcpu, u32 error_code)
{
	u8 access = NST_ACCESS_R;

	if (error_code & NST_PFEC_W)
		access = NST_ACCESS_W;
	else if (error_code & NST_PFEC_I)
		access = NST_ACCESS_X;
	if (error_code & NST_PFEC_U)
		access |= NST_ACCESS_U;
	else if (nst_cpl(vcpu) == 3)
		access |= NST_ACCESS_IMPL;
	return access;
}

/*
 * Can no shadow entry allow just this?  Hardware runs with CR0.WP set: it obeys
 * PKRU's write-disable bits where the guest's supervisor is exempt, and the
 * entry that exempts it from a read-only page lets too much through.
 */
static bool must_emulate(const struct nst_vcpu *vcpu, const struct nst_walk *walk, u8 access)
{
	const struct nst_walk_mode *mode = &vcpu->mmu->cur->mode;

	if (mode->wp || !walk->level || (access & NST_ACCESS_U) || !(access & NST_ACCESS_W) ||
	    !(walk->rights & NST_ACCESS_U))
		return false;
	/* without_wp() makes it a supervisor page, which SMAP and PKRU pass over. */
	if (!(walk->rights & NST_ACCESS_W))
		return mode->pke || (vcpu->st.cr4 & X86_CR4_SMAP);
	return mode->pke && nst_pkey_denies(vcpu->pkru, walk->pkey, NST_ACCESS_W, true);
}

static bool walk_guest(const struct shadow_fault *f, struct nst_walk *walk)
{
	if (!f->last_known)
		return nst_guest_walk(f->vcpu, f->addr, f->access, walk);
	return nst_guest_walk_last(f->vcpu, f->addr, f->access, f->last.gfn,
				   f->last.role.rights, walk);
}

/**
 * nst_mmu_shadow_fault() - a #PF of a shadow-paged guest
 * @vcpu: loaded vCPU, irqs on, srcu held
 * @gva: CR2
 * @error_code: hardware's
 * @guest_error: the guest's own error code, for NST_FAULT_GUEST
 * @gpa: what @gva translates to, for NST_FAULT_MMIO
 *
 * Return: NST_FAULT_RETRY, _GUEST, _MMIO (emulate the instruction), _USER,
 * _NOMEM; _L1 while L2 is current.
 */
enum nst_fault_result nst_mmu_shadow_fault(struct nst_vcpu *vcpu, u64 gva, u32 error_code,
					   u32 *guest_error, nst_gpa_t *gpa)
{
	struct nst_walk walk;
	struct shadow_fault f = { .vcpu = vcpu, .walk = &walk, .addr = gva };

	f.access = fault_access(vcpu, error_code);
	if (nst_cache_fill_shadow(vcpu->mmu))
		return NST_FAULT_NOMEM;
	f.seq = READ_ONCE(vcpu->vm->mmu->stage2_seq);
	/* Pairs with mmu_lock of a flush: what the walk reads is newer. */
	smp_rmb();
	nst_mode_update(vcpu);
	nst_current_source(vcpu, &f.src);
	find_last(&f);
	if (!walk_guest(&f, &walk)) {
		*guest_error = walk.error_code;
		return walk.refused ? NST_FAULT_L1 : NST_FAULT_GUEST;
	}
	*gpa = walk.gpa;
	if (must_emulate(vcpu, &walk, f.access))
		return NST_FAULT_MMIO;
	f.l2gpa = walk.mid;
	return resolve(&f);
}

/**
 * nst_merged_fault() - L2 missed in the shadow of L1's second stage
 * @vcpu: loaded vCPU, irqs on, srcu held; may sleep
 * @l2gpa: the address
 * @access: NST_ACCESS_R, _W, _X
 *
 * Return: NST_FAULT_RETRY, _MMIO, _USER, _NOMEM; _L1 when its second stage refuses.
 */
enum nst_fault_result nst_merged_fault(struct nst_vcpu *vcpu, nst_gpa_t l2gpa, u8 access)
{
	struct nst_walk walk;
	struct shadow_fault f = {
		.vcpu = vcpu, .walk = &walk, .addr = nst_gpa_raw(l2gpa),
		.access = access | NST_ACCESS_U,
	};

	if (nst_cache_fill_shadow(vcpu->mmu))
		return NST_FAULT_NOMEM;
	f.seq = READ_ONCE(vcpu->vm->mmu->stage2_seq);
	/* Pairs with mmu_lock of a flush: what the walk reads is newer. */
	smp_rmb();
	nst_current_source(vcpu, &f.src);
	find_last(&f);
	if (!nst_stage2_walk(vcpu, l2gpa, access, f.last_known ? &f.last : NULL, &walk))
		return NST_FAULT_L1;
	return resolve(&f);
}
