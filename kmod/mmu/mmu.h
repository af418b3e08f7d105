/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MMU's face to the rest of the module: roots for the backend, faults from
 * the exit handlers, translations for the emulator, zaps from the notifier.
 */
#ifndef NST_MMU_MMU_H
#define NST_MMU_MMU_H

#include "../x86.h"
#include "../memslot.h"
#include "../vcpu.h"

/* Lifecycle.  0 or -errno. */
int nst_mmu_module_init(void);
void nst_mmu_module_exit(void);
int nst_mmu_vm_create(struct nst_vm *vm);
void nst_mmu_vm_destroy(struct nst_vm *vm);	/* no vCPU is left */
int nst_mmu_vcpu_create(struct nst_vcpu *vcpu);
void nst_mmu_vcpu_destroy(struct nst_vcpu *vcpu);

/*
 * Paging mode, CR0/CR4/EFER bits that matter, or CPUID changed: pick format
 * and permission tables again, drop a root that no longer fits.
 */
void nst_mmu_mode_changed(struct nst_vcpu *vcpu);
/* CR3 was loaded; @keep_tlb: PCID with bit 63 set. */
void nst_mmu_cr3_changed(struct nst_vcpu *vcpu, bool keep_tlb);
/* The guest executed INVLPG or an INVPCID form; shadow paging cares. */
void nst_mmu_invlpg(struct nst_vcpu *vcpu, u64 gva);
void nst_mmu_flush_guest(struct nst_vcpu *vcpu);

/*
 * nst_mmu_load() - make ctl.root valid before an entry
 * Loaded, irqs on, may sleep.  0, or -ENOMEM.
 */
int nst_mmu_load(struct nst_vcpu *vcpu);
/* Drop the vCPU's root: NST_REQ_MMU_RELOAD. */
void nst_mmu_unload(struct nst_vcpu *vcpu);
/* Entering or leaving system-management mode: which slots it sees from now on. */
void nst_mmu_set_space(struct nst_vcpu *vcpu, enum nst_space space);

enum nst_fault_result {
	NST_FAULT_RETRY,	/* mapped (or raced): go on in the guest */
	NST_FAULT_MMIO,		/* no memory there, or a write to read-only memory */
	NST_FAULT_GUEST,	/* shadow paging: the guest's own #PF, in *exc */
	NST_FAULT_USER,		/* -EFAULT for userspace: memory is gone */
	NST_FAULT_NOMEM,
	NST_FAULT_AWAITED,	/* it is being fetched: the guest knows, or waits */
	NST_FAULT_L1,		/* L2 current: L1's second stage refuses, see stage2.h */
};

/**
 * nst_mmu_tdp_fault() - resolve a two-dimensional paging fault
 * @vcpu: loaded vCPU, irqs on, srcu held
 * @gpa: the address that missed
 * @access: NST_ACCESS_R/W/X
 *
 * Maps the page (huge where the host page, slot alignment and dirty logging
 * allow) with exactly the rights that the slot gives.
 */
enum nst_fault_result nst_mmu_tdp_fault(struct nst_vcpu *vcpu, nst_gpa_t gpa, u8 access);

/* A #PF of a shadow-paged guest (tdp off). */
enum nst_fault_result nst_mmu_shadow_fault(struct nst_vcpu *vcpu, u64 gva, u32 error_code,
					   u32 *guest_error, nst_gpa_t *gpa);

/**
 * struct nst_walk_fault - the #PF that a guest walk ends in
 */
struct nst_walk_fault {
	u32 error_code;
	u64 gva;
};

/**
 * nst_mmu_translate() - walk the guest's page tables by software
 * @vcpu: loaded vCPU; pulls what it needs
 * @gva: linear address
 * @access: NST_ACCESS_*; without _U the access is made with supervisor rights
 * @gpa: result
 * @fault: filled when the walk faults
 *
 * Sets accessed and dirty bits as a CPU would, atomically.
 *
 * Return: 0; -EFAULT with @fault; -EIO when a guest table is not in memory
 * (also reported as @fault with no P bit); -EREMOTE while L2 is current and
 * L1's second stage refuses, see nst_mmu_stage2_fault().
 */
int nst_mmu_translate(struct nst_vcpu *vcpu, u64 gva, u8 access, nst_gpa_t *gpa,
		      struct nst_walk_fault *fault);
int nst_mmu_translate_code(struct nst_vcpu *vcpu, u64 gva, bool user, nst_gpa_t *gpa);

/*
 * Where the bytes of an instruction are that the CPU has just fetched, if our
 * own tables tell: they translated it, and may be older than the guest's, as a
 * TLB may.
 */
bool nst_mmu_code_gpa(struct nst_vcpu *vcpu, u64 lin, nst_gpa_t *gpa);

/* Load the four PDPTEs of PAE paging from CR3.  False: a reserved bit: #GP. */
bool nst_mmu_load_pdptrs(struct nst_vcpu *vcpu, u64 cr3);

/*
 * Slot changes and the dirty log.  [start, end) lies in @slot.  Each takes
 * mmu_lock and says whether TLBs must be flushed; the caller flushes with
 * nst_request_all(vm, NST_REQ_TLB_FLUSH, true) before it relies on the change.
 */
bool nst_mmu_zap_gfns(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end);
bool nst_mmu_write_protect(struct nst_vm *vm, struct nst_memslot *slot, u64 start, u64 end);
void nst_mmu_log_begin(struct nst_vm *vm);
void nst_mmu_log_collect(struct nst_vm *vm);
/* @slot is about to go: none of its translations is left, none is made; flushes. */
void nst_mmu_slot_gone(struct nst_vm *vm, struct nst_memslot *slot);
/* Every translation; flushes. */
void nst_mmu_zap_all(struct nst_vm *vm);
/* KVM_SET_NR_MMU_PAGES, KVM_GET_NR_MMU_PAGES: how many shadow tables there may be. */
int nst_mmu_set_max_tables(struct nst_vm *vm, unsigned long max);
long nst_mmu_get_max_tables(struct nst_vm *vm);

/*
 * Per-slot data: made before a slot is published, freed after its last reader.
 * A slot that replaces @old at the same place takes over its data.
 */
int nst_mmu_slot_alloc(struct nst_vm *vm, struct nst_memslot *slot,
		       const struct nst_memslot *old);
void nst_mmu_slot_free(struct nst_memslot *slot);
/* Software wrote guest memory: a shadowed table may be there.  srcu held. */
void nst_mmu_guest_wrote(struct nst_vm *vm, unsigned int space, nst_gpa_t gpa, size_t len);

/* ---- audit.c ---- */
void nst_audit_at_end(struct nst_vm *vm);

#endif /* NST_MMU_MMU_H */
