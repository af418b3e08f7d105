/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of mmu/ share: table pages, the per-VM and per-vCPU parts,
 * and a fault on its way to a translation.
 *
 * Lock letters: (m) vm->mmu_lock, (c) constant, (v) the vCPU's own thread.
 *
 * mmu_lock protects every table entry, every list and count in here.  Zapped
 * table pages stay allocated until TLBs are flushed: they travel on a "dead"
 * list from the zap, over the flush, to nst_tables_free().
 */
#ifndef NST_MMU_INTERNAL_H
#define NST_MMU_INTERNAL_H

#include <linux/hash.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include "../memslot.h"
#include "../vcpu.h"
#include "../vm.h"
#include "format.h"
#include "mmu.h"
#include "stage2.h"
#include "walk.h"

#define NST_TABLE_ENTRIES	512
#define NST_HASH_BITS		10

/**
 * union nst_role - what a table page translates, apart from its gfn
 *
 * A table page is found again, and used for two parents, only when gfn and the
 * whole word are equal.
 */
union nst_role {
	u32 word;
	struct {
		u32 level:4;		/* of the table page */
		u32 format:3;		/* enum nst_format_id of the guest table */
		u32 host:3;		/* enum nst_format_id of the table page */
		u32 direct:1;		/* no guest table: gpa to hpa */
		u32 rights:4;		/* NST_ACCESS_* that the entries above grant */
		u32 quadrant:2;		/* which part of a 4-byte-entry guest table */
		u32 nx:1;		/* EFER.NX */
		u32 wp:1;		/* CR0.WP */
		u32 smep:1;		/* CR4.SMEP, while CR0.WP is off */
		u32 smap:1;		/* CR4.SMAP, while CR0.WP is off */
		u32 pse:1;		/* large leaves honoured in 2-level tables */
		u32 pke:1;		/* CR4.PKE, while CR0.WP is off */
		u32 ad:1;		/* entries of the guest table have A and D bits */
		u32 merged:1;		/* the guest table is L1's second stage */
		u32 space:1;		/* enum nst_space of guest-physical addresses */
	};
};

/**
 * struct nst_table - one table page that hardware walks
 * @link: (m) on the VM's list of live tables, of zombies, or on a dead list
 * @hash: (m) by gfn, for shadows
 * @unsync_link: (m) on the VM's list while @unsync
 * @spare: on the VM's list of spares, and nothing else is true of it
 * @entries: (c) the page
 * @gfns: (m) shadows: the gfn that each leaf maps; NULL: a table of tdp.c
 * @gfn: (c) the guest table that is shadowed; direct: first gfn it maps, in L2's
 *	space when @anchor is set
 * @role: (c)
 * @anchor: (c) what else its entries depend on, 0: nothing: the root of L1's
 *	second stage that they went through, or, above a PAE guest's directories,
 *	the address of the PDPTEs
 * @parents: (m) shadows: links of the entries that point here
 * @roots: (m) vCPUs that use it as root
 * @unsync_below: (m) entries that may lead to an unsync table
 * @nr_present: (m) present entries
 * @writes: (m) emulated writes to the guest table since it was last used
 * @unsync: (m) the guest may write the shadowed table without an exit
 * @counted: (m) its guest table is counted in the slot where it lies
 * @zapped: (m) no longer found; freed when the last root user is gone
 */
struct nst_table {
	struct list_head link;
	struct hlist_node hash;
	struct list_head unsync_link;
	struct llist_node spare;
	u64 *entries;
	u64 *gfns;
	u64 gfn;
	union nst_role role;
	u64 anchor;
	unsigned long parents;
	unsigned int roots;
	u16 nr_present;
	u16 writes;
	DECLARE_BITMAP(unsync_below, NST_TABLE_ENTRIES);
	bool unsync;
	bool zapped;
	bool counted;
};

/**
 * struct nst_mmu_vm - a VM's tables
 * @tdp_root: (c) after first use; the roots of two-dimensional paging, one a space
 * @tdp_tables: (m) all tables of two-dimensional paging
 * @tables: (m) all live shadow tables, oldest first
 * @nr_tables: (m) of them
 * @max_tables: KVM_SET_NR_MMU_PAGES; readers race
 * @vm: (c) whose this is
 * @link: on the list of all VMs, for the shrinker
 * @nr_anchored: (m) of these, with an anchor
 * @stage2_seq: (m) counts the times that anchored tables were dropped
 * @unlinked: (m) counts links between shadows that went
 * @hash: (m) shadow tables by gfn
 * @unsync: (m) shadow tables whose guest table is writable
 * @zombies: (m) zapped tables that are still a vCPU's root
 * @spares: shadow tables for reuse, empty; taken under mmu_lock, put anywhere
 * @nr_spares: about how many
 * @sync_page: (m) a guest table while it is compared with its shadow
 * @shadow: (c) L1's own tables are shadowed
 * @rmaps: slots have reverse maps: there can be shadows; set once, under slots_lock
 * @hiders: vCPUs that have hidden a page; changed with mmu_lock, read under RCU
 * @nr_hidden: how many hide one now; the same
 * @log_writes: set once, with slots_lock: a slot is logged, so vCPUs run with
 *	nst_caps.tdp_log in use
 */
struct nst_mmu_vm {
	struct nst_table *tdp_root[NST_NR_SPACES];
	struct list_head tdp_tables;
	struct list_head tables;
	unsigned long nr_tables;
	unsigned long max_tables;
	struct nst_vm *vm;
	struct list_head link;
	unsigned long nr_anchored;
	unsigned long stage2_seq;
	unsigned long unlinked;
	struct hlist_head hash[1 << NST_HASH_BITS];
	struct list_head unsync;
	struct list_head zombies;
	struct llist_head spares;
	atomic_t nr_spares;
	void *sync_page;
	struct list_head hiders;
	unsigned int nr_hidden;
	bool shadow;
	bool rmaps;
	bool log_writes;
};

/* A fault makes at most one table per level, and links each, and maps a page. */
#define NST_CACHE_TABLES	(NST_LEVEL_MAX + 1)
#define NST_CACHE_CHUNKS	(NST_LEVEL_MAX + 2)

/* The register values that a walk mode was computed from. */
struct nst_mode_key {
	u64 cr0, cr4, efer;
	u8 maxphyaddr;
	bool gb_pages, amd, valid;
};

/* The values, whole, that were found to mean the same mode. */
struct nst_mode_seen {
	u64 cr0, cr4, efer;
	u32 cpuid_changes;
};

/**
 * struct nst_paging - a paging context of a vCPU
 * @mode_seen: (v) with what @mode is known to be up to date, if @mode_key is valid
 * @mode_key: (v) what @mode was computed from
 * @format: (v) of the guest's own tables
 * @mode: (v) how to walk them
 * @role: (v) what the roles of their shadows have in common, but for the space
 * @root: (m) table that hardware walks, with a count in its @roots
 * @root_addr: (v) CR3, or root of the second stage, that @root was loaded for
 * @root_role: (v) and the role then
 * @root_anchor: (v) and the anchor
 * @root_stale: (v) PDPTEs changed since
 * @keep_stale: (v) the last CR3 load let translations live
 * @pae_root: (c) shadowing: this context's own four PDPTEs, below 4 GiB
 */
struct nst_paging {
	struct nst_mode_seen mode_seen;
	struct nst_mode_key mode_key;
	enum nst_format_id format;
	struct nst_walk_mode mode;
	union nst_role role;
	struct nst_table *root;
	u64 root_addr;
	union nst_role root_role;
	u64 root_anchor;
	bool root_stale;
	bool keep_stale;
	struct nst_table *pae_root;
};

/*
 * A page without a slot.  It is one as long as the memslots' generation is the
 * same; 64 bits of it do not wrap.
 */
struct nst_mmio_gfn {
	u64 gfn;
	u64 generation;
	u8 space;
	bool valid;
};

#define NST_MMIO_GFNS		8

enum nst_context { NST_CONTEXT_L1, NST_CONTEXT_L2, NST_NR_CONTEXTS };

/* Entries that a walk reads: four levels, each behind four of a second stage. */
#define NST_MEMO_ENTRIES	24
/* Pages of code that are remembered in each context. */
#define NST_MEMOS		4

/**
 * struct nst_memo - a walk that will be asked for again: see memo.c
 * @complete: (v) it is all here
 * @access: (v) NST_ACCESS_*
 * @space: (v) address space
 * @nr: (v) entries that it read
 * @modes: (v) nst_mmu.modes then
 * @generation: (v) of the memslots
 * @page: (v) linear address
 * @cr3: (v)
 * @gpa: (v) the result
 * @from: (v) where the entries are
 * @val: (v) what they were
 */
struct nst_memo {
	bool complete;
	u8 access;
	u8 space;
	u8 nr;
	unsigned int modes;
	u64 generation;
	u64 page;
	u64 cr3;
	u64 gpa;
	const u64 __user *from[NST_MEMO_ENTRIES];
	u64 val[NST_MEMO_ENTRIES];
};

/**
 * struct nst_mmu - a vCPU's part
 * @context: (v) one for each level that the vCPU can run
 * @cur: (v) the one that runs
 * @stage2: (v) the second stage that L1 gave L2
 * @stage2_role: (v) what the roles of its shadows have in common, but for the space
 * @stage2_mode: (v) how to walk them
 * @stage2_key: (v) what of the guest's CPU it was computed from
 * @refusal: (v) what it said last
 * @cache: (v) tables allocated before mmu_lock is taken
 * @nr_cache: (v)
 * @gfns: (v) the same for their @gfns
 * @nr_gfns: (v)
 * @chunks: (v) the same for list chunks of reverse maps
 * @nr_chunks: (v)
 * @faults: (v) for the audit's interval
 * @hider: on the VM's list, when @is_hider
 * @hidden_gfn: (m) a page that no table maps, NST_NO_GFN: none
 * @is_hider: (m)
 * @mmio: (v) pages that were found to have no slot, by gfn
 * @modes: (v) counts how often one of the modes above was computed
 * @memo: (v) the last translations of code in each context, by page
 */
struct nst_mmu {
	struct nst_paging context[NST_NR_CONTEXTS];
	struct nst_paging *cur;
	struct nst_stage2 stage2;
	union nst_role stage2_role;
	struct nst_walk_mode stage2_mode;
	struct nst_mode_key stage2_key;
	struct nst_stage2_fault refusal;
	struct nst_table *cache[NST_CACHE_TABLES];
	unsigned int nr_cache;
	u64 *gfns[NST_CACHE_TABLES];
	unsigned int nr_gfns;
	struct nst_chunk *chunks[NST_CACHE_CHUNKS];
	unsigned int nr_chunks;
	unsigned int faults;
	struct list_head hider;
	u64 hidden_gfn;
	bool is_hider;
	struct nst_mmio_gfn mmio[NST_MMIO_GFNS];
	unsigned int modes;
	struct nst_memo memo[NST_NR_CONTEXTS][NST_MEMOS];
};

/* Does L1's second stage translate the current context's physical addresses? */
static inline bool nst_has_stage2(const struct nst_mmu *mmu)
{
	return mmu->cur == &mmu->context[NST_CONTEXT_L2] &&
	       mmu->stage2.kind != NST_STAGE2_NONE;
}

/* Is the current root a shadow of L1's second stage? */
static inline bool nst_is_merged(const struct nst_vcpu *vcpu)
{
	return !vcpu->vm->mmu->shadow && nst_has_stage2(vcpu->mmu);
}

/* Is the current root a shadow of anything, or the tree of tdp.c? */
static inline bool nst_uses_shadow(const struct nst_vcpu *vcpu)
{
	return vcpu->vm->mmu->shadow || nst_has_stage2(vcpu->mmu);
}

/**
 * struct nst_fault - a guest page on its way into a table
 * @gfn: what faulted
 * @space: in which address space
 * @access: NST_ACCESS_R/W/X that the guest made
 * @max_level: no larger page is of use
 * @nowait: look at what is there, do not wait for what is not
 * @slot: its slot
 * @hva: its user address
 * @pfn: the host page
 * @writable: the host lets us write it
 * @ram: cacheable memory, not a device
 * @level: largest page size that host page and slot allow
 * @generation: memslots' generation before the lookup
 * @inval_seq: notifier's sequence before the lookup
 */
struct nst_fault {
	u64 gfn;
	u8 space;
	u8 access;
	u8 max_level;
	bool nowait;
	struct nst_memslot *slot;
	unsigned long hva;
	u64 pfn;
	bool writable;
	bool ram;
	u8 level;
	u64 generation;
	unsigned long inval_seq;
};

/* ---- spte.c: the only code that writes table entries ---- */

/* Software bits, ignored by every format (SDM3, APM2: available to software). */
#define NST_SPTE_HOST_W		BIT_ULL(52)	/* the host page is writable */

u64 spte_set(struct nst_table *table, unsigned int index, u64 entry);
bool spte_clear_bits(struct nst_table *table, unsigned int index, u64 bits);
u64 spte_leaf(const struct nst_format *fmt, unsigned int level, u64 pfn, u8 rights, bool ram);
u64 spte_link(const struct nst_format *fmt, const struct nst_table *child);

static inline const struct nst_format *nst_table_format(const struct nst_table *table)
{
	return &nst_formats[table->role.host];
}

static inline u64 nst_table_hpa(const struct nst_table *table)
{
	return __sme_set(__pa(table->entries));
}

static inline u64 spte_pfn(u64 entry)
{
	return __sme_clr(entry & NST_ENTRY_ADDR) >> PAGE_SHIFT;
}

/* The table that an entry points to, which is present and no leaf. */
static inline struct nst_table *spte_child(u64 entry)
{
	return (struct nst_table *)page_private(pfn_to_page(spte_pfn(entry)));
}

/* Does the CPU keep accessed and dirty bits in entries of this format? */
static inline bool nst_format_has_ad(const struct nst_format *fmt)
{
	return !fmt->rwx || nst_caps.tdp_ad;
}

/* ---- mmu.c ---- */
void nst_set_root(struct nst_vcpu *vcpu, struct nst_table *root);
void nst_put_root(struct nst_vcpu *vcpu, struct nst_paging *paging, struct list_head *dead);
void nst_unload_current(struct nst_vcpu *vcpu);
void nst_unload_l2(struct nst_vcpu *vcpu);

/* ---- table.c ---- */
int nst_tables_module_init(void);
void nst_tables_module_exit(void);
int nst_cache_fill(struct nst_mmu *mmu);
int nst_cache_fill_shadow(struct nst_mmu *mmu);
void nst_cache_drain(struct nst_mmu *mmu);
struct nst_table *nst_table_take(struct nst_vm *vm, struct nst_mmu *mmu, u64 gfn,
				 union nst_role role, bool shadow);
void nst_table_retire(struct nst_vm *vm, struct nst_table *table, struct list_head *dead);
void nst_table_free(struct nst_table *table);
void nst_tables_free(struct list_head *dead);
void nst_tables_keep(struct nst_vm *vm, struct list_head *dead);
void nst_spares_free(struct nst_mmu_vm *mmu);
struct nst_table *nst_pae_root_alloc(void);

/* ---- stage2.c ---- */

/* A guest table of level 1, and the role of its shadow that an address has. */
struct nst_last_table {
	u64 gfn;
	union nst_role role;
};

void nst_refused(struct nst_vcpu *vcpu, const struct nst_walk_refusal *why, u64 gva,
		 bool gva_valid);
bool nst_stage2_walk(struct nst_vcpu *vcpu, nst_gpa_t l2gpa, u8 access,
		     const struct nst_last_table *last, struct nst_walk *out);

/* ---- fault.c ---- */
enum nst_fault_result nst_fault_lookup(struct nst_vcpu *vcpu, struct nst_fault *fault);
bool nst_fault_neighbour(struct nst_vm *vm, struct nst_fault *fault);
u8 nst_fault_rights(struct nst_vm *vm, const struct nst_fault *fault, u8 rights);
bool nst_fault_stale(struct nst_vm *vm, const struct nst_fault *fault);

/* ---- hide.c ---- */
bool nst_gfns_hidden(struct nst_vm *vm, unsigned int space, u64 gfn, u64 pages);
void nst_hide_forget(struct nst_vcpu *vcpu);

/* ---- tdp.c: all under mmu_lock; true: flush TLBs before going on ---- */
enum nst_format_id nst_tdp_format(void);
struct nst_table *nst_tdp_root(struct nst_vcpu *vcpu);
bool nst_tdp_map(struct nst_vcpu *vcpu, const struct nst_fault *fault, struct list_head *dead);
bool nst_tdp_zap(struct nst_vm *vm, unsigned int space, u64 start, u64 end,
		 struct list_head *dead);
bool nst_tdp_write_protect(struct nst_vm *vm, unsigned int space, u64 start, u64 end);
bool nst_tdp_watch_writes(struct nst_vm *vm, unsigned int space, u64 start, u64 end);
bool nst_tdp_isolate(struct nst_vm *vm, unsigned int space, u64 gfn);
bool nst_tdp_age(struct nst_vm *vm, unsigned int space, u64 start, u64 end, bool clear);

/* ---- zap.c ---- */
bool nst_zap_gfns_locked(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end,
			 struct list_head *dead);
bool nst_age_gfns_locked(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end,
			 bool clear);

/* ---- tlb.c ---- */
void nst_flush_and_free(struct nst_vm *vm, bool flush, struct list_head *dead);
void nst_flush_and_keep(struct nst_vm *vm, struct list_head *dead);

/* ---- mode.c ---- */
bool nst_mode_update(struct nst_vcpu *vcpu);

/* What the callbacks of a walk remember: the slot of the last table. */
struct nst_walk_reader {
	struct nst_vcpu *vcpu;
	const struct nst_memslot *slot;
	struct nst_memo *memo;
};

struct nst_walk_mem nst_guest_mem(struct nst_vcpu *vcpu, struct nst_walk_reader *reader);
bool nst_guest_walk(struct nst_vcpu *vcpu, u64 gva, u8 access, struct nst_walk *out);
bool nst_guest_walk_memo(struct nst_vcpu *vcpu, u64 gva, u8 access, struct nst_walk *out,
			 struct nst_memo *memo);
bool nst_guest_walk_last(struct nst_vcpu *vcpu, u64 gva, u8 access, u64 gfn, u8 rights,
			 struct nst_walk *out);

void nst_memo_note(struct nst_memo *memo, const void __user *from, u64 val, unsigned int len);

/* ---- rmap.c: who maps a guest page, who points to a table ---- */

/**
 * struct nst_slot_mmu - shadowing: what the MMU knows of a slot's pages
 * @rmap: (m) by level - 1 and page: links of the leaves that map it
 * @tables: (m) by page: shadow tables of the guest table in it
 * @no_large: (m) by level - 2 and large page: tables shadowed inside
 */
struct nst_slot_mmu {
	unsigned long *rmap[3];
	u32 *tables;
	u32 *no_large[2];
};

int nst_rmap_module_init(void);
void nst_rmap_module_exit(void);
int nst_chunks_fill(struct nst_mmu *mmu);
void nst_chunks_drain(struct nst_mmu *mmu);
void nst_links_add(struct nst_mmu *mmu, unsigned long *head, u64 *spte);
void nst_links_del(unsigned long *head, u64 *spte);
u64 *nst_links_first(const unsigned long *head);
bool nst_links_any(const unsigned long *head, bool (*fn)(struct nst_table *, unsigned int));
bool nst_links_has(const unsigned long *head, const u64 *spte);
bool nst_rmap_has(const struct nst_memslot *slot, u64 gfn, const u64 *spte);
void nst_rmap_add(struct nst_vcpu *vcpu, struct nst_memslot *slot, u64 gfn, u64 *spte);
void nst_rmap_del(struct nst_vm *vm, u64 gfn, u64 *spte);
bool nst_rmap_zap(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end);
bool nst_rmap_protect(struct nst_memslot *slot, u64 start, u64 end);
bool nst_rmap_age(struct nst_memslot *slot, u64 start, u64 end, bool clear);
bool nst_rmap_shadow_begin(struct nst_vm *vm, unsigned int space, u64 gfn);
void nst_rmap_shadow_end(struct nst_vm *vm, unsigned int space, u64 gfn);
bool nst_rmap_is_shadowed(const struct nst_memslot *slot, u64 gfn);
unsigned int nst_rmap_max_level(const struct nst_memslot *slot, u64 gfn, unsigned int level);
int nst_shadow_slot_alloc(struct nst_memslot *slot);
void nst_shadow_slot_free(struct nst_memslot *slot);

static inline struct nst_table *spte_table(const u64 *spte)
{
	return (struct nst_table *)page_private(virt_to_page(spte));
}

static inline unsigned int spte_index(const u64 *spte)
{
	return offset_in_page(spte) / sizeof(u64);
}

/* ---- shadow.c ---- */
static inline struct hlist_head *nst_shadow_bucket(struct nst_vm *vm, u64 gfn)
{
	return &vm->mmu->hash[hash_64(gfn, NST_HASH_BITS)];
}

/*
 * Does it shadow a guest table?  Others map pages without one, or stand above
 * the guest's root because hardware's tables have more levels.
 */
static inline bool nst_has_guest_table(const struct nst_table *table)
{
	unsigned int top = nst_formats[table->role.format].levels;

	/* The PDPTEs of PAE are no page that could be write-protected. */
	if (table->role.format == NST_FMT_PAE)
		top = NST_LEVEL_2M;
	return !table->role.direct && table->role.level <= top;
}

/* Do its entries combine L2's table with L1's second stage? */
static inline bool nst_two_stages(const struct nst_table *table)
{
	return table->anchor && !table->role.merged;
}

/* Is it a shadow of the guest table at @gfn? */
static inline bool nst_shadows(const struct nst_table *table, unsigned int space, u64 gfn)
{
	return table->gfn == gfn && table->role.space == space && nst_has_guest_table(table);
}

int nst_shadow_load(struct nst_vcpu *vcpu);
void nst_shadow_map_again(struct nst_vcpu *vcpu, struct nst_table *table, unsigned int index);
bool nst_shadow_zap_entry(struct nst_vm *vm, struct nst_table *table, unsigned int index);
void nst_shadow_zap_table(struct nst_vm *vm, struct nst_table *table, struct list_head *dead);
void nst_shadow_zap_all(struct nst_vm *vm, struct list_head *dead);
unsigned long nst_shadow_zap_oldest(struct nst_vm *vm, unsigned long want,
				    struct list_head *dead);
void nst_shadow_zap_anchored(struct nst_vm *vm, struct list_head *dead);
enum nst_fault_result nst_merged_fault(struct nst_vcpu *vcpu, nst_gpa_t l2gpa, u8 access);

/* ---- sync.c ---- */
void nst_sync_all(struct nst_vm *vm);
void nst_sync_gfn(struct nst_vm *vm, unsigned int space, u64 gfn);
void nst_sync_below(struct nst_vm *vm, struct nst_table *table);
u64 nst_guest_entry(const struct nst_table *table, const void *page, unsigned int index);
const void __user *nst_shadow_source(struct nst_vm *vm, const struct nst_table *table);
bool nst_read_entry(const struct nst_table *table, const void __user *from, unsigned int index,
		    u64 *entry);
bool nst_leaf_agrees(const struct nst_table *table, unsigned int index, u64 entry);
bool nst_unsync_gfn(struct nst_vm *vm, unsigned int space, u64 gfn, struct list_head *dead);
bool nst_sync_read(struct nst_vm *vm, unsigned int space, nst_gpa_t gpa, void *buf,
		   unsigned int len);
struct nst_table *nst_shadow_last(struct nst_table *root, u64 addr, unsigned int *index);
void nst_shadow_invlpg(struct nst_vcpu *vcpu, struct nst_paging *paging, u64 gva);
void nst_shadow_guest_wrote(struct nst_vm *vm, unsigned int space, nst_gpa_t gpa, size_t len);

/* ---- shrink.c ---- */
int nst_shrink_module_init(void);
void nst_shrink_module_exit(void);
void nst_shrink_add(struct nst_vm *vm);
void nst_shrink_del(struct nst_vm *vm);

/* ---- audit.c ---- */
void nst_audit_after_fault(struct nst_vcpu *vcpu);

#endif /* NST_MMU_INTERNAL_H */
