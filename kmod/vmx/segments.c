// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can hardware run the guest in the state that it is in?  Without unrestricted
 * guest VMX has protected mode alone, and of that only what the segment registers
 * can hold after they were loaded there (SDM3 "Checks on Guest Segment
 * Registers"): real mode, and the first instructions after it, are left to the
 * emulator.  With it every mode, but not every segment: an L1 that uses SVM loads
 * the FS, GS, LDTR and TR of its L2 and goes on in its own mode with them.
 *
 * Each rule is one function with its sentence; a table says which registers it
 * binds.
 */
#include "nestor.h"
#include <linux/bits.h>
#include <linux/kernel.h>
#include <asm/segment.h>
#include "vmx.h"

/* What a virtual-8086 task has in each segment register. */
#define VMX_VM86_AR	(NST_AR_P | NST_AR_DPL | NST_AR_S | NST_AR_RW | NST_AR_ACCESSED)
#define VMX_VM86_LIMIT	0xffffu
#define VMX_VM86_SHIFT	4

/* Types of system segments, SDM3 "System Descriptor Types". */
#define VMX_TYPE_LDT		2
#define VMX_TYPE_TSS16		1	/* available; the busy one has bit 1 too */
#define VMX_TYPE_TSS		9
#define VMX_TYPE_BUSY		BIT(1)

#define VMX_LIMIT_LOW		GENMASK(11, 0)
#define VMX_LIMIT_HIGH		GENMASK(31, 20)

static u32 vmx_seg_dpl(const struct nst_segment *seg)
{
	return (seg->ar & NST_AR_DPL) >> NST_AR_DPL_SHIFT;
}

static u32 vmx_seg_rpl(const struct nst_segment *seg)
{
	return seg->selector & SEGMENT_RPL_MASK;
}

/* "If any bit in the limit's 11:0 is 0, G must be 0; if any in 31:20 is 1, G must be 1." */
static bool vmx_limit_ok(const struct nst_segment *seg)
{
	if (seg->ar & NST_AR_G)
		return (seg->limit & VMX_LIMIT_LOW) == VMX_LIMIT_LOW;
	return !(seg->limit & VMX_LIMIT_HIGH);
}

static bool vmx_present_of_class(const struct nst_segment *seg, u32 s)
{
	return (seg->ar & NST_AR_P) && (seg->ar & NST_AR_S) == s && vmx_limit_ok(seg);
}

/* "CS: accessed code; DPL equals SS.DPL, or is not above it when conforming." */
static bool vmx_cs_ok(const struct nst_state *st, const struct nst_segment *cs)
{
	u32 ss_dpl = vmx_seg_dpl(&st->seg[NST_SS]), dpl = vmx_seg_dpl(cs);

	if ((cs->ar & NST_AR_UNUSABLE) || !vmx_present_of_class(cs, NST_AR_S) ||
	    !(cs->ar & NST_AR_CODE) || (cs->base >> 32))
		return false;
	if ((st->efer & EFER_LMA) && (cs->ar & NST_AR_L) && (cs->ar & NST_AR_DB))
		return false;
	return cs->ar & NST_AR_DC ? dpl <= ss_dpl : dpl == ss_dpl;
}

/* "SS: RPL equals that of CS, and SS.DPL; writable data if usable." */
static bool vmx_ss_ok(const struct nst_state *st, const struct nst_segment *ss)
{
	if (vmx_seg_rpl(ss) != vmx_seg_rpl(&st->seg[NST_CS]) || vmx_seg_dpl(ss) != vmx_seg_rpl(ss))
		return false;
	if (ss->ar & NST_AR_UNUSABLE)
		return true;
	return vmx_present_of_class(ss, NST_AR_S) && !(ss->ar & NST_AR_CODE) &&
	       (ss->ar & NST_AR_RW) && !(ss->base >> 32);
}

/* "DS, ES, FS, GS, if usable: readable; DPL not below RPL unless conforming code." */
static bool vmx_data_ok(const struct nst_state *st, const struct nst_segment *seg)
{
	if (seg->ar & NST_AR_UNUSABLE)
		return true;
	if (!vmx_present_of_class(seg, NST_AR_S))
		return false;
	if ((seg->ar & NST_AR_CODE) && !(seg->ar & NST_AR_RW))
		return false;
	if ((seg->ar & NST_AR_CODE) && (seg->ar & NST_AR_DC))
		return true;
	return vmx_seg_dpl(seg) >= vmx_seg_rpl(seg);
}

/* "The DPL cannot be less than the RPL if the unrestricted-guest control is 0." */
static bool vmx_unrestricted_data_ok(const struct nst_state *st, const struct nst_segment *seg)
{
	if (seg->ar & NST_AR_UNUSABLE)
		return true;
	return vmx_present_of_class(seg, NST_AR_S) &&
	       (!(seg->ar & NST_AR_CODE) || (seg->ar & NST_AR_RW));
}

/* "LDTR, if usable: an LDT in the GDT." */
static bool vmx_ldtr_ok(const struct nst_state *st, const struct nst_segment *ldtr)
{
	if (ldtr->ar & NST_AR_UNUSABLE)
		return true;
	return (ldtr->ar & NST_AR_TYPE) == VMX_TYPE_LDT && vmx_present_of_class(ldtr, 0) &&
	       !(ldtr->selector & SEGMENT_TI_MASK);
}

/* "TR: a usable busy TSS in the GDT, a 64-bit one in IA-32e mode": made one by the entry. */
static bool vmx_tr_ok(const struct nst_state *st, const struct nst_segment *tr)
{
	u32 type = tr->ar & NST_AR_TYPE & ~(u32)VMX_TYPE_BUSY;

	if (type != VMX_TYPE_TSS && type != VMX_TYPE_TSS16)
		return false;
	return !(tr->ar & NST_AR_UNUSABLE) && vmx_present_of_class(tr, 0) &&
	       !(tr->selector & SEGMENT_TI_MASK);
}

/* "Virtual-8086 mode: base is the selector times 16, limit and rights are fixed." */
static bool vmx_vm86_ok(const struct nst_state *st, const struct nst_segment *seg)
{
	return seg->base == (u64)seg->selector << VMX_VM86_SHIFT &&
	       seg->limit == VMX_VM86_LIMIT && (seg->ar | NST_AR_ACCESSED) == VMX_VM86_AR;
}

typedef bool (*vmx_seg_rule)(const struct nst_state *st, const struct nst_segment *seg);

static const vmx_seg_rule vmx_protected_rules[NST_NR_SEGS] = {
	[NST_ES] = vmx_data_ok, [NST_CS] = vmx_cs_ok, [NST_SS] = vmx_ss_ok,
	[NST_DS] = vmx_data_ok, [NST_FS] = vmx_data_ok, [NST_GS] = vmx_data_ok,
	[NST_LDTR] = vmx_ldtr_ok, [NST_TR] = vmx_tr_ok,
};

/* CS and SS can be in any state that loading them in some mode leads to. */
static const vmx_seg_rule vmx_unrestricted_rules[NST_NR_SEGS] = {
	[NST_ES] = vmx_unrestricted_data_ok, [NST_DS] = vmx_unrestricted_data_ok,
	[NST_FS] = vmx_unrestricted_data_ok, [NST_GS] = vmx_unrestricted_data_ok,
	[NST_LDTR] = vmx_ldtr_ok, [NST_TR] = vmx_tr_ok,
};

static const vmx_seg_rule vmx_vm86_rules[NST_NR_SEGS] = {
	[NST_ES] = vmx_vm86_ok, [NST_CS] = vmx_vm86_ok, [NST_SS] = vmx_vm86_ok,
	[NST_DS] = vmx_vm86_ok, [NST_FS] = vmx_vm86_ok, [NST_GS] = vmx_vm86_ok,
	[NST_LDTR] = vmx_ldtr_ok, [NST_TR] = vmx_tr_ok,
};

/**
 * vmx_can_enter() - would an entry accept the guest's mode and segments?
 * @vcpu: loaded vCPU; SEG and CR state are valid
 *
 * Return: false when instructions have to be emulated until they would.
 */
bool vmx_can_enter(struct nst_vcpu *vcpu)
{
	const struct nst_state *st = &vcpu->st;
	const vmx_seg_rule *rules;
	unsigned int i;

	if (!nst_caps.unrestricted && !nst_protected(vcpu))
		return false;
	if (st->rflags & X86_EFLAGS_VM)
		rules = vmx_vm86_rules;
	else
		rules = nst_caps.unrestricted ? vmx_unrestricted_rules : vmx_protected_rules;
	for (i = 0; i < NST_NR_SEGS; i++)
		if (rules[i] && !rules[i](st, &st->seg[i]))
			return false;
	return true;
}
