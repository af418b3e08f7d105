// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading L1's VMCB: from a private copy of the page, known bits alone, so that
 * nothing that L0 does not emulate is ever turned on for L2 and no check looks
 * at other bytes than the use after it.  Pure.
 * APM2 "VMCB Layout".
 */
#include "vmcb12.h"

/**
 * nsvm_take() - take what VMRUN needs from a copy of L1's VMCB
 * @v: filled; its save area is that of @vmcb
 * @vmcb: private copy
 * @features: EDX of CPUID Fn8000_000A of L1's CPU: what it has not is not taken
 */
void nsvm_take(struct nsvm_vmcb12 *v, const struct vmcb *vmcb, u32 features)
{
	const struct vmcb_control_area *c = &vmcb->control;

	v->int_ctl_known = NSVM_INT_CTL_KNOWN;
	if (features & NSVM_FEATURE(VGIF))
		v->int_ctl_known |= NSVM_INT_CTL_VGIF;
	v->pause_filter_count = features & NSVM_FEATURE(PAUSEFILTER) ? c->pause_filter_count : 0;
	v->virt_ext = 0;
	if (features & NSVM_FEATURE(V_VMSAVE_VMLOAD))
		v->virt_ext = c->virt_ext & VIRTUAL_VMLOAD_VMSAVE_ENABLE_MASK;
	memcpy(v->intercepts, c->intercepts, sizeof(v->intercepts));
	/* Addresses of the maps: hardware ignores the low twelve bits. */
	v->iopm_base_pa = c->iopm_base_pa & ~0xfffull;
	v->msrpm_base_pa = c->msrpm_base_pa & ~0xfffull;
	v->tsc_offset = c->tsc_offset;
	v->asid = c->asid;
	v->tlb_ctl = c->tlb_ctl;
	v->int_ctl = c->int_ctl & v->int_ctl_known;
	v->int_vector = c->int_vector & 0xff;
	v->int_state = c->int_state & SVM_INTERRUPT_SHADOW_MASK;
	v->nested_ctl = features & NSVM_FEATURE(NPT) ?
			c->nested_ctl & SVM_NESTED_CTL_NP_ENABLE : 0;
	v->event_inj = c->event_inj;
	v->event_inj_err = c->event_inj_err;
	v->nested_cr3 = c->nested_cr3;
	v->next_rip = c->next_rip;
	v->hv_msr_bitmap = c->hv_enlightenments.hv_enlightenments_control.msr_bitmap;
	v->hv_clean = c->clean & NSVM_CLEAN_HV;
	v->save = &vmcb->save;
}

/*
 * The VMCB packs AVL, L, D/B and G right above P, where struct nst_segment
 * leaves the gap of a descriptor's limit bits.
 */
#define ATTRIB_LOW	0x00ffu
#define ATTRIB_HIGH	0x0f00u
#define ATTRIB_SHIFT	4
#define MAX_BYTE_LIMIT	0xfffffu

/**
 * nsvm_ar_from_attrib() - access rights of a segment in the VMCB
 * @attrib: its attributes
 * @limit: its limit
 *
 * Return: NST_AR_*.
 */
u32 nsvm_ar_from_attrib(u16 attrib, u32 limit)
{
	u32 ar = (attrib & ATTRIB_LOW) | ((attrib & ATTRIB_HIGH) << ATTRIB_SHIFT);

	/* Such a limit can only have page granularity, whatever G says. */
	if (limit > MAX_BYTE_LIMIT)
		ar |= NST_AR_G;
	if (!(ar & NST_AR_P))
		ar |= NST_AR_UNUSABLE;
	return ar;
}

/**
 * nsvm_attrib_from_ar() - the way back
 * @ar: NST_AR_*
 *
 * Return: attributes as the VMCB has them.
 */
u16 nsvm_attrib_from_ar(u32 ar)
{
	u16 attrib = (ar & ATTRIB_LOW) | ((ar >> ATTRIB_SHIFT) & ATTRIB_HIGH);

	return ar & NST_AR_UNUSABLE ? attrib & ~SVM_SELECTOR_P_MASK : attrib;
}

/**
 * nsvm_msrpm_bit() - where the MSR permission map speaks of an MSR
 * @msr: its number
 *
 * APM2 "MSR Intercepts".
 *
 * Return: number of the bit for reads, the next one is for writes; -1 for an
 * MSR outside of the map, which always exits.
 */
int nsvm_msrpm_bit(u32 msr)
{
	static const u32 bases[] = { 0, 0xc0000000, 0xc0010000 };
	const u32 range = 0x2000;

	for (unsigned int i = 0; i < ARRAY_SIZE(bases); i++)
		if (msr - bases[i] < range)
			return 2 * (i * range + msr - bases[i]);
	return -1;
}
