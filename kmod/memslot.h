/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest-physical memory slots.
 */
#ifndef NST_MEMSLOT_H
#define NST_MEMSLOT_H

#include <linux/kvm.h>
#include <linux/rbtree.h>
#include "x86.h"
#include "vm.h"

/**
 * struct nst_memslot - a run of guest-physical pages backed by user memory
 *
 * Constant once published, except the bitmap's bits.  Readers: vm->srcu.
 */
struct nst_memslot {
	struct rb_node node;		/* by gfn */
	u64 base_gfn;
	u64 npages;
	unsigned long userspace_addr;
	u32 flags;			/* KVM_MEM_* */
	u32 id;
	unsigned long *dirty_bitmap;	/* NULL: not logged */
	void *mmu_private;		/* the MMU's per-slot data */
};

/* Lookup, NULL when no slot covers @gfn.  Caller holds vm->srcu or slots_lock. */
struct nst_memslot *nst_memslot_find(struct nst_vm *vm, u64 gfn);
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

/*
 * Slots that the module itself maps (TSS pages of vm86, APIC access page):
 * anonymous memory in the VM's address space, ids from NST_MAX_SLOTS up.
 */
int nst_set_private_slot(struct nst_vm *vm, u32 id, nst_gpa_t gpa, u64 bytes);

#endif /* NST_MEMSLOT_H */
