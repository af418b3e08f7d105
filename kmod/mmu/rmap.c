// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reverse maps for shadow tables: which leaves map a guest page, which entries
 * point to a table.  Both are sets of entry addresses with one
 * representation, "links": nothing, one address, or a chain of chunks.
 *
 * Everything here runs under mmu_lock.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include "internal.h"

#define CHUNK_ENTRIES		14
/* The size is userspace's choice: too large a one is an error, not a warning. */
#define SLOT_GFP		(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/* One piece of a long set; with its list pointer two cache lines. */
struct nst_chunk {
	struct nst_chunk *next;
	unsigned long nr;
	u64 *spte[CHUNK_ENTRIES];
};

/* In a head: the rest of the word is a chunk, not an entry. */
#define LINKS_CHUNK		BIT(0)

static struct kmem_cache *chunk_cache;

/**
 * nst_rmap_module_init() - create the slab cache
 *
 * Return: 0 or -ENOMEM.
 */
int nst_rmap_module_init(void)
{
	chunk_cache = KMEM_CACHE(nst_chunk, SLAB_ACCOUNT);
	return chunk_cache ? 0 : -ENOMEM;
}

/**
 * nst_rmap_module_exit() - no chunk exists any more
 */
void nst_rmap_module_exit(void)
{
	kmem_cache_destroy(chunk_cache);
}

/**
 * nst_chunks_fill() - have as many chunks in hand as one fault can need
 * @mmu: the vCPU's part
 *
 * Context: no lock; may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int nst_chunks_fill(struct nst_mmu *mmu)
{
	while (mmu->nr_chunks < NST_CACHE_CHUNKS) {
		struct nst_chunk *chunk = kmem_cache_zalloc(chunk_cache, GFP_KERNEL_ACCOUNT);

		if (!chunk)
			return -ENOMEM;
		mmu->chunks[mmu->nr_chunks++] = chunk;
	}
	return 0;
}

/**
 * nst_chunks_drain() - free the chunks in hand
 * @mmu: the vCPU's part
 */
void nst_chunks_drain(struct nst_mmu *mmu)
{
	while (mmu->nr_chunks)
		kmem_cache_free(chunk_cache, mmu->chunks[--mmu->nr_chunks]);
}

static struct nst_chunk *head_chunk(unsigned long head)
{
	return (struct nst_chunk *)(head & ~LINKS_CHUNK);
}

/**
 * nst_links_add() - add an entry to a set
 * @mmu: whose chunks may be used; filled since the last fault
 * @head: the set
 * @spte: the entry, not in it
 */
void nst_links_add(struct nst_mmu *mmu, unsigned long *head, u64 *spte)
{
	struct nst_chunk *chunk;

	if (!*head) {
		*head = (unsigned long)spte;
		return;
	}
	if ((*head & LINKS_CHUNK) && head_chunk(*head)->nr < CHUNK_ENTRIES) {
		chunk = head_chunk(*head);
		chunk->spte[chunk->nr++] = spte;
		return;
	}

	chunk = mmu->chunks[--mmu->nr_chunks];
	if (*head & LINKS_CHUNK) {
		chunk->next = head_chunk(*head);
	} else {
		chunk->next = NULL;
		chunk->spte[chunk->nr++] = (u64 *)*head;
	}
	chunk->spte[chunk->nr++] = spte;
	*head = (unsigned long)chunk | LINKS_CHUNK;
}

/**
 * nst_links_del() - take an entry out of a set
 * @head: the set
 * @spte: the entry
 */
void nst_links_del(unsigned long *head, u64 *spte)
{
	struct nst_chunk *chunk, *first;
	unsigned long i;

	if (!(*head & LINKS_CHUNK)) {
		WARN_ON_ONCE(*head != (unsigned long)spte);
		*head = 0;
		return;
	}

	first = head_chunk(*head);
	for (chunk = first; chunk; chunk = chunk->next) {
		for (i = 0; i < chunk->nr && chunk->spte[i] != spte; i++)
			;
		if (i < chunk->nr)
			break;
	}
	if (WARN_ON_ONCE(!chunk))
		return;
	/* Only the first chunk has room: its last entry fills the gap. */
	chunk->spte[i] = first->spte[--first->nr];
	if (first->nr)
		return;
	*head = first->next ? (unsigned long)first->next | LINKS_CHUNK : 0;
	kmem_cache_free(chunk_cache, first);
}

/**
 * nst_links_first() - some entry of a set
 * @head: the set
 *
 * Return: an entry, or NULL when the set is empty.
 */
u64 *nst_links_first(const unsigned long *head)
{
	if (!(*head & LINKS_CHUNK))
		return (u64 *)*head;
	return head_chunk(*head)->spte[0];
}

/**
 * nst_links_has() - is an entry in a set?
 * @head: the set
 * @spte: the entry
 *
 * Return: whether it is.
 */
bool nst_links_has(const unsigned long *head, const u64 *spte)
{
	struct nst_chunk *chunk;
	unsigned long i;

	if (!(*head & LINKS_CHUNK))
		return *head == (unsigned long)spte;
	for (chunk = head_chunk(*head); chunk; chunk = chunk->next)
		for (i = 0; i < chunk->nr; i++)
			if (chunk->spte[i] == spte)
				return true;
	return false;
}

/**
 * nst_links_any() - call a function for each entry of a set
 * @head: the set, which does not change meanwhile
 * @fn: gets the table and index of an entry
 *
 * Return: whether @fn said true of one.
 */
bool nst_links_any(const unsigned long *head, bool (*fn)(struct nst_table *, unsigned int))
{
	struct nst_chunk *chunk;
	bool ret = false;
	unsigned long i;

	if (!*head)
		return false;
	if (!(*head & LINKS_CHUNK))
		return fn(spte_table((u64 *)*head), spte_index((u64 *)*head));
	for (chunk = head_chunk(*head); chunk; chunk = chunk->next)
		for (i = 0; i < chunk->nr; i++)
			ret |= fn(spte_table(chunk->spte[i]), spte_index(chunk->spte[i]));
	return ret;
}

/* ---- by guest page ---- */

static u64 slot_index(const struct nst_memslot *slot, u64 gfn, unsigned int level)
{
	unsigned int shift = (level - 1) * 9;

	return (gfn >> shift) - (slot->base_gfn >> shift);
}

static u64 slot_count(const struct nst_memslot *slot, unsigned int level)
{
	return slot_index(slot, slot->base_gfn + slot->npages - 1, level) + 1;
}

static unsigned long *rmap_head(const struct nst_memslot *slot, u64 gfn, unsigned int level)
{
	struct nst_slot_mmu *priv = slot->mmu_private;

	return &priv->rmap[level - 1][slot_index(slot, gfn, level)];
}

static void free_slot_data(struct nst_slot_mmu *priv)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(priv->rmap); i++)
		kvfree(priv->rmap[i]);
	for (i = 0; i < ARRAY_SIZE(priv->no_large); i++)
		kvfree(priv->no_large[i]);
	kvfree(priv->tables);
	kfree(priv);
}

/**
 * nst_shadow_slot_alloc() - make the reverse maps of a slot
 * @slot: the slot; when it is published, nothing of it is shadowed yet
 *
 * Context: slots_lock held.
 *
 * Return: 0 or -ENOMEM.
 */
int nst_shadow_slot_alloc(struct nst_memslot *slot)
{
	struct nst_slot_mmu *priv = kzalloc(sizeof(*priv), GFP_KERNEL_ACCOUNT);
	unsigned int level;
	bool ok = true;

	if (!priv)
		return -ENOMEM;
	for (level = NST_LEVEL_4K; level <= NST_LEVEL_1G; level++) {
		u64 count = slot_count(slot, level);

		priv->rmap[level - 1] = kvcalloc(count, sizeof(long), SLOT_GFP);
		ok &= !!priv->rmap[level - 1];
		if (level == NST_LEVEL_4K)
			continue;
		priv->no_large[level - 2] = kvcalloc(count, sizeof(u32), SLOT_GFP);
		ok &= !!priv->no_large[level - 2];
	}
	priv->tables = kvcalloc(slot->npages, sizeof(u32), SLOT_GFP);
	if (!ok || !priv->tables) {
		free_slot_data(priv);
		return -ENOMEM;
	}
	/* Whoever finds it finds it whole. */
	smp_store_release(&slot->mmu_private, priv);
	return 0;
}

/**
 * nst_shadow_slot_free() - free them; nothing maps the slot
 * @slot: the slot
 */
void nst_shadow_slot_free(struct nst_memslot *slot)
{
	if (slot->mmu_private)
		free_slot_data(slot->mmu_private);
}

/**
 * nst_rmap_add() - a leaf maps a guest page from now on
 * @vcpu: whose chunks may be used
 * @slot: the page's slot
 * @gfn: first page that the leaf maps
 * @spte: the leaf
 */
void nst_rmap_add(struct nst_vcpu *vcpu, struct nst_memslot *slot, u64 gfn, u64 *spte)
{
	lockdep_assert_held(&vcpu->vm->mmu_lock);
	nst_links_add(vcpu->mmu, rmap_head(slot, gfn, spte_table(spte)->role.level), spte);
}

/**
 * nst_rmap_del() - a leaf no longer maps a guest page
 * @vm: the VM
 * @gfn: first page that it mapped
 * @spte: the leaf
 */
void nst_rmap_del(struct nst_vm *vm, u64 gfn, u64 *spte)
{
	struct nst_memslot *slot = nst_memslot_find_locked(vm, spte_table(spte)->role.space, gfn);

	lockdep_assert_held(&vm->mmu_lock);
	if (!NST_BUG_ON(vm, !slot))
		nst_links_del(rmap_head(slot, gfn, spte_table(spte)->role.level), spte);
}

/**
 * nst_rmap_has() - is a leaf in the reverse map?
 * @slot: the page's slot
 * @gfn: first page that the leaf maps
 * @spte: the leaf
 *
 * Return: whether it is.
 */
bool nst_rmap_has(const struct nst_memslot *slot, u64 gfn, const u64 *spte)
{
	return nst_links_has(rmap_head(slot, gfn, spte_table(spte)->role.level), spte);
}

/**
 * nst_rmap_zap() - remove the leaves that map guest pages
 * @vm: the VM
 * @slot: their slot
 * @start: first gfn
 * @end: gfn behind the last
 *
 * Return: whether there were any.
 */
bool nst_rmap_zap(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end)
{
	struct nst_slot_mmu *priv = slot->mmu_private;
	unsigned int level;
	bool found = false;
	u64 *spte;
	u64 i;

	lockdep_assert_held(&vm->mmu_lock);
	for (level = NST_LEVEL_4K; priv && level <= NST_LEVEL_1G; level++) {
		i = slot_index(slot, start, level);
		for (; i <= slot_index(slot, end - 1, level); i++) {
			while ((spte = nst_links_first(&priv->rmap[level - 1][i]))) {
				nst_shadow_zap_entry(vm, spte_table(spte), spte_index(spte));
				found = true;
			}
		}
	}
	return found;
}

/* Calls @fn for the leaves that map [start, end) at levels from @level up. */
static bool rmap_any(struct nst_memslot *slot, u64 start, u64 end, unsigned int level,
		     bool (*fn)(struct nst_table *, unsigned int))
{
	struct nst_slot_mmu *priv = slot->mmu_private;
	bool ret = false;
	u64 i;

	for (; priv && level <= NST_LEVEL_1G; level++) {
		i = slot_index(slot, start, level);
		for (; i <= slot_index(slot, end - 1, level); i++)
			ret |= nst_links_any(&priv->rmap[level - 1][i], fn);
	}
	return ret;
}

static bool protect(struct nst_table *table, unsigned int index)
{
	return spte_clear_bits(table, index, nst_table_format(table)->write);
}

static bool was_used(struct nst_table *table, unsigned int index)
{
	return READ_ONCE(table->entries[index]) & nst_table_format(table)->accessed;
}

static bool forget_use(struct nst_table *table, unsigned int index)
{
	return spte_clear_bits(table, index, nst_table_format(table)->accessed);
}

/**
 * nst_rmap_protect() - take the write right from all leaves of guest pages
 * @slot: their slot
 * @start: first gfn
 * @end: gfn behind the last
 *
 * Return: whether one had it.
 */
bool nst_rmap_protect(struct nst_memslot *slot, u64 start, u64 end)
{
	return rmap_any(slot, start, end, NST_LEVEL_4K, protect);
}

/**
 * nst_rmap_age() - were guest pages used?
 * @slot: their slot
 * @start: first gfn
 * @end: gfn behind the last
 * @clear: and forget it
 *
 * Return: whether one was.
 */
bool nst_rmap_age(struct nst_memslot *slot, u64 start, u64 end, bool clear)
{
	return rmap_any(slot, start, end, NST_LEVEL_4K, clear ? forget_use : was_used);
}

/* ---- guest pages that hold shadowed tables ---- */

/**
 * nst_rmap_shadow_begin() - a guest page becomes a shadowed table
 * @vm: the VM
 * @space: enum nst_space
 * @gfn: the page
 *
 * Write-protects it and breaks large pages around it.
 *
 * Return: whether TLBs must be flushed before the protection holds.
 */
bool nst_rmap_shadow_begin(struct nst_vm *vm, unsigned int space, u64 gfn)
{
	struct nst_memslot *slot = nst_memslot_find_locked(vm, space, gfn);
	struct nst_slot_mmu *priv;
	unsigned int level;
	bool flush = false;
	u64 *spte;

	lockdep_assert_held(&vm->mmu_lock);
	if (!slot)
		return false;
	priv = slot->mmu_private;
	priv->tables[slot_index(slot, gfn, NST_LEVEL_4K)]++;
	for (level = NST_LEVEL_2M; level <= NST_LEVEL_1G; level++) {
		priv->no_large[level - 2][slot_index(slot, gfn, level)]++;
		while ((spte = nst_links_first(rmap_head(slot, gfn, level)))) {
			nst_shadow_zap_entry(vm, spte_table(spte), spte_index(spte));
			flush = true;
		}
	}
	/* L1's own mapping, when only L2 is shadowed. */
	flush |= nst_tdp_isolate(vm, space, gfn);
	return flush | nst_links_any(rmap_head(slot, gfn, NST_LEVEL_4K), protect);
}

/**
 * nst_rmap_shadow_end() - one shadow of a guest table went
 * @vm: the VM
 * @space: enum nst_space
 * @gfn: the guest table's page
 */
void nst_rmap_shadow_end(struct nst_vm *vm, unsigned int space, u64 gfn)
{
	struct nst_memslot *slot = nst_memslot_find_locked(vm, space, gfn);
	struct nst_slot_mmu *priv;
	unsigned int level;

	lockdep_assert_held(&vm->mmu_lock);
	if (!slot)
		return;
	priv = slot->mmu_private;
	priv->tables[slot_index(slot, gfn, NST_LEVEL_4K)]--;
	for (level = NST_LEVEL_2M; level <= NST_LEVEL_1G; level++)
		priv->no_large[level - 2][slot_index(slot, gfn, level)]--;
}

/**
 * nst_rmap_is_shadowed() - does a guest page hold a shadowed table?
 * @slot: the page's slot
 * @gfn: the page
 *
 * Return: whether it does.
 */
bool nst_rmap_is_shadowed(const struct nst_memslot *slot, u64 gfn)
{
	const struct nst_slot_mmu *priv = slot->mmu_private;

	return priv && READ_ONCE(priv->tables[slot_index(slot, gfn, NST_LEVEL_4K)]);
}

/**
 * nst_rmap_max_level() - the largest page that contains no shadowed table
 * @slot: a slot
 * @gfn: a page in it
 * @level: upper bound
 *
 * Return: the level.
 */
unsigned int nst_rmap_max_level(const struct nst_memslot *slot, u64 gfn, unsigned int level)
{
	const struct nst_slot_mmu *priv = slot->mmu_private;

	while (priv && level > NST_LEVEL_4K &&
	       priv->no_large[level - 2][slot_index(slot, gfn, level)])
		level--;
	return level;
}
