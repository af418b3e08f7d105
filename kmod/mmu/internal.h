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
#include <linux/mm.h>
#include "../memslot.h"
#include "../vcpu.h"
#include "../vm.h"
#include "format.h"
#include "mmu.h"
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
		u32 space:1;		/* enum nst_space of guest-physical addresses */
	};
};

/**
 * struct nst_table - one table page that hardware walks
 * @link: (m) on the VM's list of live tables, of zombies, or on a dead list
 * @hash: (m) by gfn, for shadows
 * @unsync_link: (m) on the VM's list while @unsync
 * @entries: (c) the page
 * @gfns: (m) shadows: the gfn that each leaf maps
 * @gfn: (c) the guest table that is shadowed; direct: first gfn it maps
 * @role: (c)
 * @parents: (m) shadows: links of the entries that point here
 * @roots: (m) vCPUs that use it as root
 * @nr_present: (m) present entries
 * @writes: (m) emulated writes to the guest table since it was last used
 * @unsync: (m) the guest may write the shadowed table without an exit
 * @zapped: (m) no longer found; freed when the last root user is gone
 */
struct nst_table {
	struct list_head link;
	struct hlist_node hash;
	struct list_head unsync_link;
	u64 *entries;
	u64 *gfns;
	u64 gfn;
	union nst_role role;
	unsigned long parents;
	unsigned int roots;
	u16 nr_present;
	u16 writes;
	bool unsync;
	bool zapped;
};

/**
 * struct nst_mmu_vm - a VM's tables
 * @tdp_root: (c) after first use; the roots of two-dimensional paging, one a space
 * @tables: (m) all live table pages, oldest first
 * @nr_tables: (m)
 * @hash: (m) shadow tables by gfn
 * @unsync: (m) shadow tables whose guest table is writable
 * @zombies: (m) zapped tables that are still a vCPU's root
 * @sync_page: (m) a guest table while it is compared with its shadow
 * @shadow: (c) guests' tables are shadowed
 */
struct nst_mmu_vm {
	struct nst_table *tdp_root[NST_NR_SPACES];
	struct list_head tables;
	unsigned long nr_tables;
	struct hlist_head hash[1 << NST_HASH_BITS];
	struct list_head unsync;
	struct list_head zombies;
	void *sync_page;
	bool shadow;
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

/**
 * struct nst_mmu - a vCPU's part
 * @mode_key: (v) what @mode was computed from
 * @format: (v) the guest's
 * @mode: (v) how to walk the guest's tables
 * @cache: (v) tables allocated before mmu_lock is taken
 * @nr_cache: (v)
 * @chunks: (v) the same for list chunks of reverse maps
 * @nr_chunks: (v)
 * @root: (m) table that ctl.root points to, with a count in its @roots
 * @root_cr3: (v) shadowing: CR3 that @root was loaded for
 * @root_stale: (v) shadowing: mode or PDPTEs changed since
 * @faults: (v) for the audit's interval
 * @pae_root: (c) shadowing: this vCPU's own four PDPTEs, below 4 GiB
 */
struct nst_mmu {
	struct nst_mode_key mode_key;
	struct nst_walk_mode mode;
	enum nst_format_id format;
	struct nst_table *cache[NST_CACHE_TABLES];
	unsigned int nr_cache;
	struct nst_chunk *chunks[NST_CACHE_CHUNKS];
	unsigned int nr_chunks;
	struct nst_table *root;
	u64 root_cr3;
	bool root_stale;
	unsigned int faults;
	struct nst_table *pae_root;
};

/**
 * struct nst_fault - a guest page on its way into a table
 * @gfn: what faulted
 * @space: in which address space
 * @access: NST_ACCESS_R/W/X that the guest made
 * @want_write: map writable if that costs nothing
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
struct nst_table *spte_child(u64 entry);

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

/* Does the CPU keep accessed and dirty bits in entries of this format? */
static inline bool nst_format_has_ad(const struct nst_format *fmt)
{
	return !fmt->rwx || nst_caps.tdp_ad;
}

/* ---- table.c ---- */
int nst_tables_module_init(void);
void nst_tables_module_exit(void);
int nst_cache_fill(struct nst_mmu *mmu);
void nst_cache_drain(struct nst_mmu *mmu);
struct nst_table *nst_table_take(struct nst_vm *vm, struct nst_mmu *mmu, u64 gfn,
				 union nst_role role);
void nst_table_retire(struct nst_vm *vm, struct nst_table *table, struct list_head *dead);
void nst_table_free(struct nst_table *table);
void nst_tables_free(struct list_head *dead);
struct nst_table *nst_pae_root_alloc(void);

/* ---- fault.c ---- */
enum nst_fault_result nst_fault_lookup(struct nst_vm *vm, struct nst_fault *fault);
u8 nst_fault_rights(struct nst_vm *vm, const struct nst_fault *fault, u8 rights);
bool nst_fault_stale(struct nst_vm *vm, const struct nst_fault *fault);

/* ---- tdp.c: all under mmu_lock; true: flush TLBs before going on ---- */
struct nst_table *nst_tdp_root(struct nst_vcpu *vcpu);
bool nst_tdp_map(struct nst_vcpu *vcpu, const struct nst_fault *fault, struct list_head *dead);
bool nst_tdp_zap(struct nst_vm *vm, unsigned int space, u64 start, u64 end,
		 struct list_head *dead);
bool nst_tdp_write_protect(struct nst_vm *vm, unsigned int space, u64 start, u64 end);
bool nst_tdp_age(struct nst_vm *vm, unsigned int space, u64 start, u64 end, bool clear);

/* ---- zap.c ---- */
bool nst_zap_gfns_locked(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end,
			 struct list_head *dead);
bool nst_age_gfns_locked(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end,
			 bool clear);

/* ---- tlb.c ---- */
void nst_flush_and_free(struct nst_vm *vm, bool flush, struct list_head *dead);

/* ---- mode.c ---- */
bool nst_mode_update(struct nst_vcpu *vcpu);
bool nst_guest_walk(struct nst_vcpu *vcpu, u64 gva, u8 access, struct nst_walk *out);

/* ---- rmap.c: who maps a guest page, who points to a table ---- */

/**
 * struct nst_slot_mmu - shadowing: what the MMU knows of a slot's pages
 * @rmap: (m) by level - 1 and page: links of the leaves that map it
 * @tables: (m) by page: shadow tables of the guest table in it
 * @no_large: (m) by level - 2 and large page: tables shadowed inside
 */
struct nst_slot_mmu {
	unsigned long *rmap[3];
	u16 *tables;
	u32 *no_large[2];
};

int nst_rmap_module_init(void);
void nst_rmap_module_exit(void);
int nst_chunks_fill(struct nst_mmu *mmu);
void nst_chunks_drain(struct nst_mmu *mmu);
void nst_links_add(struct nst_mmu *mmu, unsigned long *head, u64 *spte);
void nst_links_del(unsigned long *head, u64 *spte);
u64 *nst_links_first(const unsigned long *head);
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

/* Is it a shadow of the guest table at @gfn? */
static inline bool nst_shadows(const struct nst_table *table, unsigned int space, u64 gfn)
{
	return table->gfn == gfn && table->role.space == space && !table->role.direct;
}

int nst_shadow_load(struct nst_vcpu *vcpu);
bool nst_shadow_zap_entry(struct nst_vm *vm, struct nst_table *table, unsigned int index);
void nst_shadow_zap_table(struct nst_vm *vm, struct nst_table *table, struct list_head *dead);
void nst_shadow_zap_all(struct nst_vm *vm, struct list_head *dead);
void nst_shadow_put_root(struct nst_vcpu *vcpu, struct list_head *dead);
void nst_set_root(struct nst_vcpu *vcpu, struct nst_table *root);

/* ---- sync.c ---- */
void nst_sync_all(struct nst_vm *vm);
u64 nst_guest_entry(const struct nst_table *table, const void *page, unsigned int index);
bool nst_leaf_agrees(const struct nst_table *table, unsigned int index, u64 entry);
bool nst_unsync_gfn(struct nst_vm *vm, unsigned int space, u64 gfn);
bool nst_sync_read(struct nst_vm *vm, unsigned int space, nst_gpa_t gpa, void *buf,
		   unsigned int len);
void nst_shadow_invlpg(struct nst_vcpu *vcpu, u64 gva);
void nst_shadow_guest_wrote(struct nst_vm *vm, unsigned int space, nst_gpa_t gpa, size_t len);

/* ---- audit.c ---- */
void nst_audit_after_fault(struct nst_vcpu *vcpu);

#endif /* NST_MMU_INTERNAL_H */
