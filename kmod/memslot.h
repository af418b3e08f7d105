/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest-physical memory slots.
 */
#ifndef NST_MEMSLOT_H
#define NST_MEMSLOT_H

#include <linux/interval_tree.h>
#include <linux/kvm.h>
#include <linux/maple_tree.h>
#include <linux/rbtree.h>
#include <linux/xarray.h>
#include "x86.h"
#include "vm.h"

/*
 * Guest-physical address spaces: what a vCPU sees in system-management mode can
 * differ from what it sees else.  Userspace names one in the upper 16 bits of a
 * slot's number.
 */
enum nst_space { NST_SPACE_NORMAL, NST_SPACE_SMM, NST_NR_SPACES };

#define NST_SLOT_ID(space, id)	((u32)(space) << 16 | (id))
#define NST_SLOT_SPACE(id)	((id) >> 16)
#define NST_SLOT_NUMBER(id)	((id) & 0xffff)

/* May userspace use this id? */
static inline bool nst_slot_id_valid(u32 id)
{
	return NST_SLOT_SPACE(id) < NST_NR_SPACES && NST_SLOT_NUMBER(id) < NST_MAX_SLOTS;
}

/* What KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 offers. */
#define NST_DIRTY_LOG_FLAGS	(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | \
				 KVM_DIRTY_LOG_INITIALLY_SET)

/**
 * struct nst_memslot - a run of guest-physical pages backed by user memory
 *
 * Constant once published, except the bitmap's bits.  Readers: vm->srcu.
 */
struct nst_memslot {
	struct interval_tree_node hva;	/* (m) by user address, inclusive bounds */
	u64 base_gfn;
	u64 npages;
	unsigned long userspace_addr;
	u32 flags;			/* KVM_MEM_* */
	u32 id;				/* with the space in its upper half */
	u8 space;			/* which address space it is in */
	unsigned long *dirty_bitmap;	/* NULL: not logged */
	void *mmu_private;		/* (m) the MMU's per-slot data */
};

/**
 * struct nst_memslots - the slots of a VM, and what faults race with
 * @by_gfn: by space, ranges of gfns; changed under slots_lock, read under SRCU
 * @by_id: the same slots by id; slots_lock
 * @by_hva: the same slots by user address, for the notifier; mmu_lock
 * @recent: by space, the slot found last by somebody with mmu_lock; mmu_lock
 * @generation: counts published changes; written under mmu_lock
 * @inval_seq: counts finished notifier invalidations; written under mmu_lock
 * @inval_running: invalidations between start and end; mmu_lock
 * @inval_start: lowest address of the running ones; mmu_lock
 * @inval_end: first address behind them; mmu_lock
 * @removing: a slot is on its way out: map nothing now; mmu_lock
 * @changing: a change is under way: who misses memory now looks again; slots_lock
 * @dirty_log_flags: KVM_DIRTY_LOG_*: GET_DIRTY_LOG leaves bits and protection to
 *	CLEAR_DIRTY_LOG; a log begins with all bits set; slots_lock
 */
struct nst_memslots {
	struct maple_tree by_gfn[NST_NR_SPACES];
	struct xarray by_id;
	struct rb_root_cached by_hva;
	struct nst_memslot *recent[NST_NR_SPACES];
	u64 generation;
	unsigned long inval_seq;
	unsigned int inval_running;
	unsigned long inval_start;
	unsigned long inval_end;
	bool removing;
	bool changing;
	u32 dirty_log_flags;
};

/* Set once before the VM is visible, so no reader needs more than this. */
static inline struct nst_memslots *nst_memslots(struct nst_vm *vm)
{
	return rcu_dereference_raw(vm->memslots);
}

/* Lookup, NULL when no slot covers @gfn.  Caller holds vm->srcu or slots_lock. */
struct nst_memslot *nst_memslot_find(struct nst_vm *vm, unsigned int space, u64 gfn);
/* The same in the space that a vCPU sees; its own thread. */
struct nst_memslot *nst_vcpu_memslot(struct nst_vcpu *vcpu, u64 gfn);
/* The same under mmu_lock. */
struct nst_memslot *nst_memslot_find_locked(struct nst_vm *vm, unsigned int space, u64 gfn);
void nst_memslot_mark_dirty(struct nst_vm *vm, struct nst_memslot *slot, u64 gfn);

static inline unsigned long nst_memslot_hva(const struct nst_memslot *slot, u64 gfn)
{
	return slot->userspace_addr + ((gfn - slot->base_gfn) << 12);
}

/* VM lifecycle: init registers the MMU notifier on vm->mm. */
int nst_memslots_init(struct nst_vm *vm);
void nst_memslots_destroy(struct nst_vm *vm);

/*
 * KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG.  Take
 * vm->slots_lock themselves.  -EINVAL, -EEXIST (overlap), -ENOENT, -ENOMEM,
 * -EFAULT.
 */
int nst_set_memory_region(struct nst_vm *vm, const struct kvm_userspace_memory_region *mem);
int nst_get_dirty_log(struct nst_vm *vm, const struct kvm_dirty_log *log);
int nst_clear_dirty_log(struct nst_vm *vm, const struct kvm_clear_dirty_log *log);
/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. */
int nst_set_manual_dirty_log(struct nst_vm *vm, u64 flags);

/*
 * Slots that the module itself maps (TSS pages of vm86, APIC access page):
 * anonymous memory in the VM's address space, numbers from NST_MAX_SLOTS up, in
 * every guest-physical space.
 * @bytes 0 removes the slot again.
 */
int nst_set_private_slot(struct nst_vm *vm, u32 id, nst_gpa_t gpa, u64 bytes);

/* mmu/notifier.c: follow changes of the address space behind the slots. */
int nst_notifier_register(struct nst_vm *vm);
void nst_notifier_unregister(struct nst_vm *vm);

#endif /* NST_MEMSLOT_H */
