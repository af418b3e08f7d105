// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shadow paging: tables that hardware walks instead of the guest's own.  A
 * shadow is found by the guest table's gfn and its role, so processes that
 * share a guest table share its shadow, and a CR3 that comes back finds its
 * tables still there.
 *
 * In long mode the shadow has the guest's number of levels; in every other
 * mode it is PAE, whose four PDPTEs belong to the vCPU.
 */
#include "../nestor.h"
#include "internal.h"

/* So many tables a VM may have before the oldest go. */
#define TABLES_MAX		65536ul

/* What all roles of the current mode have in common. */
static union nst_role base_role(const struct nst_vcpu *vcpu)
{
	const struct nst_mmu *mmu = vcpu->mmu;
	const struct nst_state *st = &vcpu->st;
	union nst_role role = { .rights = NST_RIGHTS_ALL, .space = vcpu->space };

	role.format = mmu->format;
	role.host = NST_FMT_PAE;
	if (mmu->format == NST_FMT_4LEVEL || mmu->format == NST_FMT_5LEVEL)
		role.host = mmu->format;
	if (mmu->format == NST_FMT_OFF) {
		role.direct = 1;
		return role;
	}
	role.nx = !!(st->efer & EFER_NX) && role.format != NST_FMT_2LEVEL;
	role.wp = mmu->mode.wp;
	role.smep = !role.wp && (st->cr4 & X86_CR4_SMEP);
	role.smap = !role.wp && (st->cr4 & X86_CR4_SMAP);
	role.pse = role.format == NST_FMT_2LEVEL && (st->cr4 & X86_CR4_PSE);
	return role;
}

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
	if (nst_entry_leaf(fmt, table->role.level, old))
		nst_rmap_del(vm, table->gfns[index], spte);
	else
		nst_links_del(&spte_child(old)->parents, spte);
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
	while ((spte = nst_links_first(&table->parents))) {
		spte_set(spte_table(spte), spte_index(spte), 0);
		nst_links_del(&table->parents, spte);
	}
	for (i = 0; i < NST_TABLE_ENTRIES && table->nr_present; i++)
		nst_shadow_zap_entry(vm, table, i);

	hlist_del_init(&table->hash);
	list_del_init(&table->unsync_link);
	if (!table->role.direct)
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
	if (!vm->mmu->shadow)
		return;
	while (!list_empty(&vm->mmu->tables)) {
		table = list_first_entry(&vm->mmu->tables, struct nst_table, link);
		nst_shadow_zap_table(vm, table, dead);
	}
}

static struct nst_table *find_table(struct nst_vm *vm, u64 gfn, union nst_role role)
{
	struct nst_table *table;

	hlist_for_each_entry(table, nst_shadow_bucket(vm, gfn), hash) {
		if (table->gfn == gfn && table->role.word == role.word)
			return table;
	}
	return NULL;
}

/*
 * The shadow of @gfn in @role, made if it is not there.  A new one's guest
 * table is write-protected when this returns, an old one's in sync.
 */
static struct nst_table *get_table(struct nst_vcpu *vcpu, u64 gfn, union nst_role role)
{
	struct nst_vm *vm = vcpu->vm;
	struct nst_table *table = find_table(vm, gfn, role);

	if (table) {
		if (table->unsync)
			nst_sync_all(vm);
		table->writes = 0;
		return table;
	}
	table = nst_table_take(vm, vcpu->mmu, gfn, role);
	if (!table)
		return NULL;
	hlist_add_head(&table->hash, nst_shadow_bucket(vm, gfn));
	if (role.direct)
		return table;
	/* A shadow above level 1 forbids that others of this gfn are unsync. */
	if (role.level > NST_LEVEL_4K)
		nst_sync_all(vm);
	if (nst_rmap_shadow_begin(vm, role.space, gfn))
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
	return table;
}

/* ---- roots ---- */

/**
 * nst_shadow_put_root() - a vCPU stops using its root
 * @vcpu: the vCPU, not in the guest
 * @dead: receives the root if it was only waiting for this
 *
 * Context: mmu_lock held.
 */
void nst_shadow_put_root(struct nst_vcpu *vcpu, struct list_head *dead)
{
	struct nst_mmu *mmu = vcpu->mmu;
	struct nst_table *root = mmu->root;
	unsigned int i;

	lockdep_assert_held(&vcpu->vm->mmu_lock);
	if (!root)
		return;
	mmu->root = NULL;
	root->roots--;
	if (root == mmu->pae_root) {
		for (i = 0; i < 4; i++)
			nst_shadow_zap_entry(vcpu->vm, root, i);
	} else if (root->zapped && !root->roots) {
		list_move(&root->link, dead);
	}
}

/* Old tables make room.  The ones in use come back at the next fault. */
static void shrink(struct nst_vm *vm, struct list_head *dead)
{
	struct nst_table *table, *next;
	unsigned int want = NST_CACHE_TABLES;

	if (vm->mmu->nr_tables < TABLES_MAX)
		return;
	list_for_each_entry_safe(table, next, &vm->mmu->tables, link) {
		if (table->roots)
			continue;
		nst_shadow_zap_table(vm, table, dead);
		if (!--want)
			break;
	}
}

static int fill_caches(struct nst_mmu *mmu)
{
	int ret = nst_cache_fill(mmu);

	return ret ?: nst_chunks_fill(mmu);
}

static struct nst_table *find_root(struct nst_vcpu *vcpu)
{
	union nst_role role = base_role(vcpu);

	if (role.host == NST_FMT_PAE)
		return vcpu->mmu->pae_root;
	role.level = nst_formats[role.host].levels;
	return get_table(vcpu, (vcpu->st.cr3 & NST_ENTRY_ADDR) >> PAGE_SHIFT, role);
}

/**
 * nst_shadow_load() - give the vCPU a root for its CR3 and mode
 * @vcpu: loaded vCPU, srcu held; may sleep
 *
 * Return: 0 or -ENOMEM.
 */
int nst_shadow_load(struct nst_vcpu *vcpu)
{
	struct nst_mmu *mmu = vcpu->mmu;
	struct nst_vm *vm = vcpu->vm;
	struct nst_table *root;
	LIST_HEAD(dead);

	nst_mode_update(vcpu);
	if (likely(mmu->root && !mmu->root_stale && mmu->root_cr3 == vcpu->st.cr3))
		return 0;
	nst_mmu_unload(vcpu);
	if (fill_caches(mmu))
		return -ENOMEM;

	spin_lock(&vm->mmu_lock);
	while (nst_memslots(vm)->removing)
		cond_resched_lock(&vm->mmu_lock);
	nst_sync_all(vm);
	shrink(vm, &dead);
	root = find_root(vcpu);
	if (root)
		nst_set_root(vcpu, root);
	mmu->root_cr3 = vcpu->st.cr3;
	mmu->root_stale = false;
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_free(vm, false, &dead);
	return root ? 0 : -ENOMEM;
}

/* ---- faults ---- */

struct shadow_fault {
	struct nst_vcpu *vcpu;
	const struct nst_walk *walk;
	const struct nst_fault *page;
	u64 gva;
	u8 access;
	u8 rights;		/* that the guest grants, its dirty bit considered */
	bool flush;
};

/* Is the guest entry that the walk used at @level still there? */
static bool still_true(const struct shadow_fault *f, unsigned int level)
{
	const struct nst_format *fmt = f->vcpu->mmu->mode.fmt;
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
static void wanted_child(const struct shadow_fault *f, const struct nst_table *table, u64 *gfn,
			 union nst_role *role)
{
	const struct nst_walk *walk = f->walk;
	unsigned int level = table->role.level;
	bool two_level = f->vcpu->mmu->format == NST_FMT_2LEVEL;

	*role = base_role(f->vcpu);
	role->level = level - 1;
	if (level <= walk->level || !walk->level) {
		/* Below a large guest page: nothing to shadow. */
		role->direct = 1;
		role->rights = f->rights;
		*gfn = f->page->gfn & ~((1ull << ((level - 1) * 9)) - 1);
		return;
	}
	role->rights = walk->above[level - 1];
	if (two_level && level == NST_LEVEL_1G) {
		role->quadrant = (f->gva >> 30) & 3;
		*gfn = (f->vcpu->st.cr3 & GENMASK_ULL(31, 12)) >> PAGE_SHIFT;
		return;
	}
	if (two_level)
		role->quadrant = (f->gva >> 21) & 1;
	*gfn = (walk->entry[level] & NST_ENTRY_ADDR) >> PAGE_SHIFT;
}

static struct nst_table *step_down(struct shadow_fault *f, struct nst_table *table,
				   unsigned int index)
{
	const struct nst_format *fmt = nst_table_format(table);
	struct nst_vm *vm = f->vcpu->vm;
	struct nst_table *child;
	union nst_role role;
	u64 entry, gfn;

	wanted_child(f, table, &gfn, &role);
	entry = table->entries[index];
	if (nst_entry_present(fmt, entry)) {
		if (!nst_entry_leaf(fmt, table->role.level, entry)) {
			child = spte_child(entry);
			if (child->gfn == gfn && child->role.word == role.word) {
				child->writes = 0;
				return child;
			}
		}
		f->flush |= nst_shadow_zap_entry(vm, table, index);
	}
	child = get_table(f->vcpu, gfn, role);
	if (!child)
		return NULL;
	nst_links_add(f->vcpu->mmu, &child->parents, &table->entries[index]);
	spte_set(table, index, spte_link(fmt, child));
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

	if (f->vcpu->mmu->mode.wp || (rights & NST_ACCESS_W) ||
	    !(f->access & NST_ACCESS_W) || (f->access & NST_ACCESS_U))
		return rights;
	/* The supervisor may not run what is a user page to the guest. */
	if (smep && (rights & NST_ACCESS_U))
		rights &= ~NST_ACCESS_X;
	return (rights & ~NST_ACCESS_U) | NST_ACCESS_W;
}

static enum nst_fault_result set_leaf(struct shadow_fault *f, struct nst_table *table,
				      unsigned int index)
{
	const struct nst_format *fmt = nst_table_format(table);
	u64 pages = 1ull << ((table->role.level - 1) * 9);
	u64 gfn = f->page->gfn & ~(pages - 1);
	struct nst_vm *vm = f->vcpu->vm;
	u64 *spte = &table->entries[index];
	u8 rights = without_wp(f, f->rights);
	u64 entry;

	if ((rights & NST_ACCESS_W) && nst_rmap_is_shadowed(f->page->slot, f->page->gfn)) {
		if (!(f->access & NST_ACCESS_W))
			rights &= ~NST_ACCESS_W;
		else if (!nst_unsync_gfn(vm, f->page->space, f->page->gfn))
			return NST_FAULT_MMIO;
	}
	rights = nst_fault_rights(vm, f->page, rights);
	entry = spte_leaf(fmt, table->role.level, f->page->pfn & ~(pages - 1), rights,
			  f->page->ram);
	if (f->vcpu->mmu->mode.pke && (rights & NST_ACCESS_U))
		entry |= (u64)f->walk->pkey << 59;

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

static unsigned int target_level(const struct nst_vcpu *vcpu, const struct nst_walk *walk,
				 const struct nst_fault *page)
{
	unsigned int level = page->level;

	if (base_role(vcpu).host == NST_FMT_PAE)
		level = min_t(unsigned int, level, NST_LEVEL_2M);
	if (walk->level)
		level = min_t(unsigned int, level, walk->level);
	return nst_rmap_max_level(page->slot, page->gfn, level);
}

static enum nst_fault_result shadow_map(struct shadow_fault *f)
{
	struct nst_table *table = f->vcpu->mmu->root;

	/* A stale root is replaced before the next entry. */
	if (!table || f->vcpu->mmu->root_stale || table->zapped)
		return NST_FAULT_RETRY;
	while (table) {
		unsigned int level = table->role.level;
		unsigned int index = nst_format_index(nst_table_format(table), level, f->gva);

		if (!still_true(f, level))
			break;
		/* Each table made on the way can forbid large pages around it. */
		if (level == target_level(f->vcpu, f->walk, f->page))
			return set_leaf(f, table, index);
		table = step_down(f, table, index);
	}
	return NST_FAULT_RETRY;
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

/* Would a shadow entry let through what the guest's mode forbids? */
static bool must_emulate(const struct nst_vcpu *vcpu, const struct nst_walk *walk, u8 access)
{
	const struct nst_walk_mode *mode = &vcpu->mmu->mode;

	if (mode->wp || !walk->level || (access & NST_ACCESS_U) || !(access & NST_ACCESS_W))
		return false;
	if ((walk->rights & (NST_ACCESS_W | NST_ACCESS_U)) != NST_ACCESS_U)
		return false;
	/* without_wp() makes it a supervisor page, which SMAP and PKRU pass over. */
	return mode->pke || (vcpu->st.cr4 & X86_CR4_SMAP);
}

/**
 * nst_mmu_shadow_fault() - a #PF of a shadow-paged guest
 * @vcpu: loaded vCPU, irqs on, srcu held
 * @gva: CR2
 * @error_code: hardware's
 * @guest_error: the guest's own error code, for NST_FAULT_GUEST
 *
 * Return: NST_FAULT_RETRY, _GUEST, _MMIO (emulate the instruction), _USER,
 * _NOMEM.
 */
enum nst_fault_result nst_mmu_shadow_fault(struct nst_vcpu *vcpu, u64 gva, u32 error_code,
					   u32 *guest_error)
{
	struct nst_vm *vm = vcpu->vm;
	struct nst_fault page = { .access = 0 };
	struct nst_walk walk;
	struct shadow_fault f = { .vcpu = vcpu, .walk = &walk, .page = &page, .gva = gva };
	enum nst_fault_result ret;
	LIST_HEAD(dead);

	f.access = fault_access(vcpu, error_code);
	if (fill_caches(vcpu->mmu))
		return NST_FAULT_NOMEM;
	if (!nst_guest_walk(vcpu, gva, f.access, &walk)) {
		*guest_error = walk.error_code;
		return NST_FAULT_GUEST;
	}
	if (must_emulate(vcpu, &walk, f.access))
		return NST_FAULT_MMIO;

	page.gfn = nst_gpa_gfn(walk.gpa);
	page.space = vcpu->space;
	page.access = f.access;
	ret = nst_fault_lookup(vm, &page);
	if (ret != NST_FAULT_RETRY)
		return ret;
	f.rights = walk.rights;
	if (walk.level && !(f.access & NST_ACCESS_W) &&
	    !(walk.entry[walk.level] & vcpu->mmu->mode.fmt->dirty))
		f.rights &= ~NST_ACCESS_W;

	spin_lock(&vm->mmu_lock);
	if (!nst_fault_stale(vm, &page))
		ret = shadow_map(&f);
	if (f.flush)
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
	shrink(vm, &dead);
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_free(vm, false, &dead);
	nst_audit_after_fault(vcpu);
	return ret;
}
