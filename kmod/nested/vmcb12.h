/* SPDX-License-Identifier: GPL-2.0-only */
/* The VMCB that L1 made for L2, as L0 sees it: copied once, known bits only. */
#ifndef NST_NSVM_VMCB12_H
#define NST_NSVM_VMCB12_H

#include "nsvm_pure.h"

/* A bit of CPUID Fn8000_000A EDX. */
#define NSVM_FEATURE(name)	BIT(X86_FEATURE_##name & 31)

/* Bits of INT_CTL that L1 may set: no AVIC. Virtual GIF where CPUID has it. */
#define NSVM_INT_CTL_KNOWN	(V_TPR_MASK | V_IRQ_INJECTION_BITS_MASK | V_INTR_MASKING_MASK)
#define NSVM_INT_CTL_VGIF	((u32)(V_GIF_MASK | V_GIF_ENABLE_MASK))

/* TLFS "Nested Virtualization": the clean bit that is Hyper-V's. */
#define NSVM_CLEAN_HV		BIT(31)

/**
 * struct nsvm_vmcb12 - what VMRUN takes from the VMCB
 *
 * Fields are named as in the kernel's struct vmcb_control_area.
 * @int_ctl_known: bits of int_ctl that mean something to L1's CPU
 * @hv_msr_bitmap: L1 tells when it has changed the MSR permission map, if L0 knows that
 * @hv_clean: it has not since the last VMRUN
 */
struct nsvm_vmcb12 {
	u32 intercepts[MAX_INTERCEPT];
	u16 pause_filter_count;
	u64 iopm_base_pa;
	u64 msrpm_base_pa;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_ctl;
	u32 int_ctl;
	u32 int_ctl_known;
	u8 int_vector;
	u32 int_state;
	u64 nested_ctl;
	u32 event_inj;
	u32 event_inj_err;
	u64 nested_cr3;
	u64 virt_ext;
	u64 next_rip;
	bool hv_msr_bitmap;
	bool hv_clean;
	const struct vmcb_save_area *save;	/* L2's state, in the private copy */
};

void nsvm_take(struct nsvm_vmcb12 *v, const struct vmcb *vmcb, u32 features);

static inline bool nsvm_intercepts(const struct nsvm_vmcb12 *v, unsigned int bit)
{
	return v->intercepts[bit / 32] & BIT(bit % 32);
}

/* VMLOAD and VMSAVE of L2 go to its own memory: only with nested paging. */
static inline bool nsvm_virtual_vmload(const struct nsvm_vmcb12 *v)
{
	return (v->virt_ext & VIRTUAL_VMLOAD_VMSAVE_ENABLE_MASK) && v->nested_ctl;
}

/* The layout of access rights: VMCB's, and struct nst_segment's. */
u32 nsvm_ar_from_attrib(u16 attrib, u32 limit);
u16 nsvm_attrib_from_ar(u32 ar);

/* Where the permission maps say what exits. */
#define NSVM_MSRPM_BYTES	0x2000u
#define NSVM_IOPM_BYTES		0x3000u
/* Bit number of an MSR's read intercept (write: the next); -1: always exits. */
int nsvm_msrpm_bit(u32 msr);

#endif /* NST_NSVM_VMCB12_H */
