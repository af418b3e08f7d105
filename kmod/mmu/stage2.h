/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Paging of an L2 guest: the face of the MMU to nesting.
 *
 * A vCPU has two paging contexts, one that runs L1 and one that runs L2; one
 * of them is current.  While L2 is current, vcpu->st holds L2's registers, and
 * every function of mmu.h means L2: faults, translations, INVLPG.
 *
 * L1 may give L2 a second stage, an EPT or an NPT: tables in L1's memory from
 * L2-physical to L1-physical addresses.  What hardware then walks:
 *
 *	second stage	L0 has TDP			L0 has none
 *	none		L1's own TDP tables		shadow of L2's tables
 *	EPT, NPT	shadow of L1's tables (merged)	shadow of both stages
 *
 * All of them come from the builder that shadows ordinary guests.
 */
#ifndef NST_MMU_STAGE2_H
#define NST_MMU_STAGE2_H

#include "../x86.h"
#include "mmu.h"

enum nst_stage2_kind {
	NST_STAGE2_NONE,	/* L2-physical is L1-physical */
	NST_STAGE2_EPT,
	NST_STAGE2_NPT,
};

/**
 * struct nst_stage2 - the second stage that L1 gave L2
 * @kind: which format
 * @root: EPT: bits 51:12 of the EPT pointer; NPT: nCR3 as in the VMCB, whose low
 *	bits are ignored
 * @ept_levels: EPT: length of the walk, 4 or 5
 * @ept_ad: EPT: accessed and dirty bits are on (EPT pointer bit 6)
 * @ept_log: EPT: and L1 has a log of the pages that become dirty
 * @cr0: NPT: L1's own CR0 at VMRUN; it and the next two choose the NPT's mode
 * @cr4: NPT: L1's own CR4
 * @efer: NPT: L1's own EFER
 */
struct nst_stage2 {
	enum nst_stage2_kind kind;
	u64 root;
	u8 ept_levels;
	bool ept_ad;
	bool ept_log;
	u64 cr0;
	u64 cr4;
	u64 efer;
};

/**
 * struct nst_stage2_fault - what L1's second stage has to say about an access
 * @gpa: the address that the second stage refused
 * @gva: linear address of the access that led to it
 * @gva_valid: @gva is known
 * @access: NST_ACCESS_R, _W, _X; both _R and _W for a table of L2's when accessed
 *	and dirty bits make reading it count as writing
 * @rights: NST_ACCESS_R, _W, _X that all of L1's entries grant together, 0 when one
 *	of them was not present
 * @present: every entry was present: rights were missing, or bits were reserved
 * @malformed: EPT: a misconfiguration; NPT: a reserved bit was set
 * @log_full: EPT: nothing was refused, but the log of dirty pages is full
 * @in_page_walk: @gpa is that of one of L2's own paging structures, not the
 *	access's final address
 *
 * EPT violation (SDM3 "Exit Qualification for EPT Violations"): bits 2:0 are
 * @access, 5:3 are @rights, 7 is @gva_valid, 8 is @gva_valid and not
 * @in_page_walk.  NPF (APM2 "Nested versus Guest Page Faults, Fault
 * Ordering"): P is @present, W and I/D are in @access, U is always set, RSV is
 * @malformed, bit 33 is @in_page_walk and bit 32 its opposite.
 */
struct nst_stage2_fault {
	nst_l2gpa_t gpa;
	u64 gva;
	bool gva_valid;
	u8 access;
	u8 rights;
	bool present;
	bool malformed;
	bool in_page_walk;
	bool log_full;
};

/**
 * nst_stage2_ept_exec_only() - can L1's EPT have entries that only execute?
 *
 * What to say in IA32_VMX_EPT_VPID_CAP.  Accessed and dirty bits and pages of
 * 2 MiB and 1 GiB work everywhere.
 *
 * Return: whether the host's own tables can express it.
 */
bool nst_stage2_ept_exec_only(void);

/**
 * nst_stage2_ept_levels() - the longest EPT walk that L1 may ask for
 *
 * Return: 4 or 5.
 */
unsigned int nst_stage2_ept_levels(void);

/**
 * nst_mmu_enter_l2() - make the L2 context current
 * @vcpu: loaded vCPU; L1 is current
 * @s2: L1's second stage, checked by the nested entry; copied
 *
 * To be called from the nested entry, before vcpu->st and vcpu->ctl get L2's
 * values or after.  The root itself is found (and made, the first time) by
 * nst_mmu_load() before the next hardware entry, which also sets ctl.root and
 * ctl.root_level again whatever @vcpu->ctl was replaced with.
 *
 * What L2's TLB may hold stays: for an entry that the architecture lets flush
 * (no VPID, TLB_CONTROL, a new ASID), call nst_mmu_flush_l2() afterwards.
 *
 * Context: sleeps; srcu held, but released for a moment the first time: no
 * memslot pointer survives the call.
 *
 * Return: 0; -EINVAL when L1's NPT mode cannot be walked here (the entry fails
 * as VMEXIT_INVALID); -ENOMEM.
 */
int nst_mmu_enter_l2(struct nst_vcpu *vcpu, const struct nst_stage2 *s2);

/**
 * nst_mmu_leave_l2() - make the L1 context current again
 * @vcpu: the vCPU; L2 is current, or L1 (then nothing happens)
 *
 * L2's root stays cached: the next nst_mmu_enter_l2() with an equal @s2 finds
 * everything in place.
 *
 * Context: does not sleep.
 */
void nst_mmu_leave_l2(struct nst_vcpu *vcpu);

/**
 * nst_mmu_switch_stage2() - L2 changed its second stage itself (VMFUNC 0)
 * @vcpu: loaded vCPU; L2 is current with an EPT
 * @s2: the new one
 *
 * Return: as nst_mmu_enter_l2().
 */
int nst_mmu_switch_stage2(struct nst_vcpu *vcpu, const struct nst_stage2 *s2);

/*
 * L1 flushed.  Each may be called with either context current, srcu held, and
 * sleeps.  They hold for this vCPU; L1 sends interrupts to the others, as on
 * hardware.
 */

/* Everything of every L2: INVEPT global, TLB_CONTROL, ASID change, INVLPGA of a page. */
void nst_mmu_flush_l2(struct nst_vcpu *vcpu);
/* INVEPT single-context: what came from the EPT at @root (bits 51:12 of EPTP). */
void nst_mmu_flush_stage2(struct nst_vcpu *vcpu, u64 root);
/*
 * Linear and combined translations of L2, not those of the second stage alone:
 * INVVPID of all kinds but the next, a VM entry or exit without VPID.
 */
void nst_mmu_flush_l2_linear(struct nst_vcpu *vcpu);
/* INVVPID individual-address, INVLPGA: one linear address of L2. */
void nst_mmu_invlpg_l2(struct nst_vcpu *vcpu, u64 gva);

/* No page. */
#define NST_NO_GFN	(~0ull)

/**
 * nst_mmu_hide() - let every access to a page be emulated
 * @vcpu: loaded vCPU, either context current, srcu held; may sleep
 * @gfn: the page in L1's memory; NST_NO_GFN: none
 *
 * For all vCPUs of the VM, until @vcpu hides another page or none.
 */
void nst_mmu_hide(struct nst_vcpu *vcpu, u64 gfn);

/**
 * nst_mmu_stage2_fault() - the description that goes with NST_FAULT_L1
 * @vcpu: loaded vCPU; the last fault or translation ended in NST_FAULT_L1
 *	(nst_mmu_translate(): -EREMOTE)
 *
 * Valid until the next fault or translation.
 *
 * Return: the description.
 */
const struct nst_stage2_fault *nst_mmu_stage2_fault(const struct nst_vcpu *vcpu);

/**
 * nst_mmu_l2gpa_to_gpa() - one address through L1's second stage
 * @vcpu: loaded vCPU, srcu held; may sleep
 * @l2gpa: L2-physical address
 * @access: NST_ACCESS_R, _W, _X
 * @gpa: result
 *
 * For what L2's state points to by physical address.  Without a second stage,
 * or with L1 current, the same address.
 *
 * Return: 0, or -EREMOTE with nst_mmu_stage2_fault().
 */
int nst_mmu_l2gpa_to_gpa(struct nst_vcpu *vcpu, nst_l2gpa_t l2gpa, u8 access, nst_gpa_t *gpa);

#endif /* NST_MMU_STAGE2_H */
