// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table pages: a per-vCPU cache that is filled where sleeping is allowed, and
 * the way out: retired under mmu_lock, freed after the TLB flush.
 */
#include "../nestor.h"
#include <linux/gfp.h>
#include <linux/slab.h>
#include "internal.h"

static struct kmem_cache *table_cache;

/**
 * nst_tables_module_init() - create the slab cache
 *
 * Return: 0 or -ENOMEM.
 */
int nst_tables_module_init(void)
{
	table_cache = KMEM_CACHE(nst_table, SLAB_ACCOUNT);
	return table_cache ? 0 : -ENOMEM;
}

/**
 * nst_tables_module_exit() - no table exists any more
 */
void nst_tables_module_exit(void)
{
	kmem_cache_destroy(table_cache);
}

/**
 * nst_table_free() - free one table
 * @table: on no list, used by nobody
 */
void nst_table_free(struct nst_table *table)
{
	set_page_private(virt_to_page(table->entries), 0);
	free_page((unsigned long)table->entries);
	free_page((unsigned long)table->gfns);
	kmem_cache_free(table_cache, table);
}

static struct nst_table *table_alloc(gfp_t gfp)
{
	struct nst_table *table = kmem_cache_zalloc(table_cache, GFP_KERNEL_ACCOUNT);

	if (!table)
		return NULL;
	INIT_LIST_HEAD(&table->link);
	INIT_LIST_HEAD(&table->unsync_link);
	table->entries = (u64 *)get_zeroed_page(gfp);
	if (!table->entries) {
		kmem_cache_free(table_cache, table);
		return NULL;
	}
	set_page_private(virt_to_page(table->entries), (unsigned long)table);
	return table;
}

/**
 * nst_pae_root_alloc() - a context's own page directory pointer table
 *
 * Outside long mode CR3 has 32 bits, so it lies below 4 GiB.
 *
 * Return: the table, or NULL.
 */
struct nst_table *nst_pae_root_alloc(void)
{
	struct nst_table *table = table_alloc(GFP_KERNEL_ACCOUNT | GFP_DMA32);

	if (!table)
		return NULL;
	table->role.level = NST_LEVEL_1G;
	table->role.host = NST_FMT_PAE;
	return table;
}

/**
 * nst_cache_fill() - have as many tables in hand as one fault can need
 * @mmu: the vCPU's part
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int nst_cache_fill(struct nst_mmu *mmu)
{
	while (mmu->nr_cache < NST_CACHE_TABLES) {
		struct nst_table *table = table_alloc(GFP_KERNEL_ACCOUNT);

		if (!table)
			return -ENOMEM;
		mmu->cache[mmu->nr_cache++] = table;
	}
	return 0;
}

/**
 * nst_cache_fill_shadow() - have what one fault of a shadowed guest can need
 * @mmu: the vCPU's part
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int nst_cache_fill_shadow(struct nst_mmu *mmu)
{
	while (mmu->nr_gfns < NST_CACHE_TABLES) {
		u64 *gfns = (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT);

		if (!gfns)
			return -ENOMEM;
		mmu->gfns[mmu->nr_gfns++] = gfns;
	}
	return nst_cache_fill(mmu) ?: nst_chunks_fill(mmu);
}

/**
 * nst_cache_drain() - free the tables in hand
 * @mmu: the vCPU's part
 */
void nst_cache_drain(struct nst_mmu *mmu)
{
	while (mmu->nr_gfns)
		free_page((unsigned long)mmu->gfns[--mmu->nr_gfns]);
	while (mmu->nr_cache)
		nst_table_free(mmu->cache[--mmu->nr_cache]);
}

/* So many are kept: they are empty, and a new page would have to be cleared. */
#define SPARES_MAX		64

/* The only one who takes, since mmu_lock is held: no node comes back meanwhile. */
static struct nst_table *take_spare(struct nst_mmu_vm *mmu)
{
	struct llist_node *node = llist_del_first(&mmu->spares);

	if (!node)
		return NULL;
	atomic_dec(&mmu->nr_spares);
	return llist_entry(node, struct nst_table, spare);
}

/**
 * nst_spares_free() - free a VM's spare tables
 * @mmu: the VM's part
 */
void nst_spares_free(struct nst_mmu_vm *mmu)
{
	struct llist_node *nodes = llist_del_all(&mmu->spares);
	struct nst_table *table, *next;

	llist_for_each_entry_safe(table, next, nodes, spare) {
		atomic_dec(&mmu->nr_spares);
		nst_table_free(table);
	}
}

/**
 * nst_table_take() - put a table from the cache to use
 * @vm: the VM
 * @mmu: whose cache; filled since the last fault
 * @gfn: see struct nst_table
 * @role: see struct nst_table
 * @shadow: leaves will be in reverse maps
 *
 * Context: mmu_lock held.
 *
 * Return: the table, empty.
 */
struct nst_table *nst_table_take(struct nst_vm *vm, struct nst_mmu *mmu, u64 gfn,
				 union nst_role role, bool shadow)
{
	struct nst_table *table;

	lockdep_assert_held(&vm->mmu_lock);
	table = shadow ? take_spare(vm->mmu) : NULL;
	if (!table) {
		if (NST_BUG_ON(vm, !mmu->nr_cache || (shadow && !mmu->nr_gfns)))
			return NULL;
		table = mmu->cache[--mmu->nr_cache];
	}
	table->gfn = gfn;
	table->role = role;
	if (!shadow) {
		list_add_tail(&table->link, &vm->mmu->tdp_tables);
		return table;
	}
	if (!table->gfns)
		table->gfns = mmu->gfns[--mmu->nr_gfns];
	list_add_tail(&table->link, &vm->mmu->tables);
	vm->mmu->nr_tables++;
	return table;
}

/**
 * nst_table_retire() - take a table that nothing points to out of use
 * @vm: the VM
 * @table: the table
 * @dead: list for nst_flush_and_free()
 *
 * Context: mmu_lock held.
 */
void nst_table_retire(struct nst_vm *vm, struct nst_table *table, struct list_head *dead)
{
	lockdep_assert_held(&vm->mmu_lock);
	list_move(&table->link, dead);
	if (table->gfns)
		vm->mmu->nr_tables--;
}

/**
 * nst_tables_free() - free retired tables
 * @dead: the list; TLBs were flushed since the last one was retired
 */
void nst_tables_free(struct list_head *dead)
{
	struct nst_table *table, *next;

	list_for_each_entry_safe(table, next, dead, link) {
		list_del(&table->link);
		nst_table_free(table);
	}
}

/* As it was when it was made, but for what has been allocated. */
static void reset(struct nst_table *table)
{
	*table = (struct nst_table){ .entries = table->entries, .gfns = table->gfns };
	INIT_LIST_HEAD(&table->link);
	INIT_LIST_HEAD(&table->unsync_link);
}

/**
 * nst_tables_keep() - keep retired shadows for their next use, as far as there is room
 * @vm: the VM
 * @dead: the list; TLBs were flushed since the last one was retired
 *
 * Context: the VM cannot be destroyed meanwhile; mmu_lock held or not.
 */
void nst_tables_keep(struct nst_vm *vm, struct list_head *dead)
{
	struct nst_mmu_vm *mmu = vm->mmu;
	struct nst_table *table, *next;

	list_for_each_entry_safe(table, next, dead, link) {
		list_del(&table->link);
		if (!table->gfns || atomic_read(&mmu->nr_spares) >= SPARES_MAX) {
			nst_table_free(table);
			continue;
		}
		reset(table);
		atomic_inc(&mmu->nr_spares);
		llist_add(&table->spare, &mmu->spares);
	}
}
