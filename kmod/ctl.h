/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Neutral controls: what the running context traps and modifies.  The core and
 * nesting write them; a backend encodes them into its VMCS or VMCB when
 * NST_CTL_* bits say that something changed.  L2 is the same struct with other
 * values.
 */
#ifndef NST_CTL_H
#define NST_CTL_H

#include "x86.h"

/* Instructions and events that exit.  Always trapped: CPUID, XSETBV, triple
 * fault, host interrupts and NMIs, INIT, task switches, INVD, the nested-ISA
 * instructions, CR0/CR4 writes outside the guest-owned masks.
 */
#define NST_TRAP_HLT		BIT_ULL(0)
#define NST_TRAP_PAUSE		BIT_ULL(1)
#define NST_TRAP_MWAIT		BIT_ULL(2)	/* and MONITOR */
#define NST_TRAP_RDTSC		BIT_ULL(3)	/* and RDTSCP */
#define NST_TRAP_RDPMC		BIT_ULL(4)
#define NST_TRAP_INVLPG		BIT_ULL(5)	/* and INVPCID */
#define NST_TRAP_CR3		BIT_ULL(6)
#define NST_TRAP_CR8		BIT_ULL(7)
#define NST_TRAP_DR		BIT_ULL(8)
#define NST_TRAP_IO		BIT_ULL(9)	/* every port */
#define NST_TRAP_WBINVD		BIT_ULL(10)
#define NST_TRAP_DTABLE		BIT_ULL(11)
#define NST_TRAP_INVPCID_UD	BIT_ULL(12)	/* INVPCID is not in the guest's CPUID */
#define NST_TRAP_RDTSCP_UD	BIT_ULL(13)	/* RDTSCP is not in the guest's CPUID */
#define NST_TRAP_SMI		BIT_ULL(14)
/* What only a nested hypervisor asks for.  (SVM): no VMX control expresses it. */
#define NST_TRAP_MSR		BIT_ULL(15)	/* every MSR, whatever msr_direct() allowed */
#define NST_TRAP_CR_READ	BIT_ULL(16)	/* reads of CR0 and CR4 (SVM) */
#define NST_TRAP_IRET		BIT_ULL(17)	/* (SVM) */
#define NST_TRAP_PUSHF		BIT_ULL(18)	/* (SVM) */
#define NST_TRAP_POPF		BIT_ULL(19)	/* (SVM) */
#define NST_TRAP_INTN		BIT_ULL(20)	/* INT n (SVM) */
#define NST_TRAP_ICEBP		BIT_ULL(22)	/* INT1 (SVM) */
#define NST_TRAP_MTF		BIT_ULL(23)	/* after each instruction, with nst_caps.mtf */
#define NST_TRAP_CR2		BIT_ULL(21)	/* reads and writes of CR2 (SVM) */
#define NST_TRAP_RDRAND		BIT_ULL(24)	/* with nst_caps.rdrand_exits */
#define NST_TRAP_RDSEED		BIT_ULL(25)	/* with nst_caps.rdseed_exits */

/* What changed since the backend last encoded. */
#define NST_CTL_TRAPS		BIT(0)	/* traps, exceptions, owned masks */
#define NST_CTL_TSC		BIT(1)
#define NST_CTL_MSRS		BIT(2)	/* MSR permissions */
#define NST_CTL_ROOT		BIT(3)	/* paging root */
#define NST_CTL_ALL		0xf

/**
 * struct nst_ctl - what a context traps and modifies
 * @traps: NST_TRAP_*
 * @exceptions: one bit a vector that exits
 * @cr0_owned: CR0 bits that the guest changes without an exit, where hardware can
 * @cr4_owned: the same for CR4
 * @cr0_mask: CR0 bits that L1 keeps from L2 (VMX): it reads @cr0_shadow's there
 * @cr0_shadow: what it reads; what it writes there changes nothing
 * @cr4_mask: the same for CR4
 * @cr4_shadow: the same for CR4
 * @tsc_offset: added to the host's TSC for the guest
 * @tsc_ratio: 16.48 fixed point; 1 << 48 means none.  Only if the backend scales
 * @leave_tsc: the guest is left, and events are looked for, when the host's TSC has this
 *	value; 0: never.  Read at each entry.  Only if the backend can
 * @vmcs_shadow: (VMX) VMREAD and VMWRITE of some fields reach the backend's shadow VMCS
 * @own_gif: (SVM) STGI and CLGI change st.gif without an exit.  Only if the backend can
 * @gif_window: STGI exits all the same: something waits for it
 * @root: EPT or NPT root, or the shadow table that CR3 really points to
 * @root_level: its level, 3 to 5
 * @tag: which of the vCPU's TLB tags: NST_TAG_L1 or NST_TAG_L2
 * @root_ad: EPT: hardware sets accessed and dirty bits below @root
 * @root_log: EPT: hardware lists the pages below @root whose dirty bit it sets
 * @dirty: NST_CTL_*
 */
struct nst_ctl {
	u64 traps;
	u32 exceptions;
	u64 cr0_owned;
	u64 cr4_owned;
	u64 cr0_mask;
	u64 cr0_shadow;
	u64 cr4_mask;
	u64 cr4_shadow;
	u64 tsc_offset;
	u64 tsc_ratio;
	u64 leave_tsc;
	bool vmcs_shadow;
	bool own_gif;
	bool gif_window;
	nst_hpa_t root;
	u8 root_level;
	u8 tag;
	bool root_ad;
	bool root_log;
	u32 dirty;
};

#define NST_TSC_RATIO_NONE	BIT_ULL(48)

/* What the guest reads of a CR0 or CR4 that is really @cr. */
static inline u64 nst_cr0_seen(const struct nst_ctl *ctl, u64 cr)
{
	return (cr & ~ctl->cr0_mask) | (ctl->cr0_shadow & ctl->cr0_mask);
}

static inline u64 nst_cr4_seen(const struct nst_ctl *ctl, u64 cr)
{
	return (cr & ~ctl->cr4_mask) | (ctl->cr4_shadow & ctl->cr4_mask);
}

/* What CR0 or CR4 becomes when the guest may write @val over @cr. */
static inline u64 nst_cr0_written(const struct nst_ctl *ctl, u64 cr, u64 val)
{
	return (val & ~ctl->cr0_mask) | (cr & ctl->cr0_mask);
}

static inline u64 nst_cr4_written(const struct nst_ctl *ctl, u64 cr, u64 val)
{
	return (val & ~ctl->cr4_mask) | (cr & ctl->cr4_mask);
}

/* TLB tags, for nst_ctl.tag: L1 and L2 never share translations. */
#define NST_TAG_L1	0
#define NST_TAG_L2	1

#endif /* NST_CTL_H */
