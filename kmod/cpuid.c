// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU that a vCPU was given.  Userspace makes of the supported set whatever
 * it likes; everything that CPUID implies (reserved CR4 bits, XCR0, address
 * width) follows from the result.
 *
 * A feature that userspace sets although it is not supported shows in the
 * guest's CPUID, but the controls that hang on it stay off.
 *
 * Calls msr.c, the MMU and the LAPIC when a vCPU's CPUID changes.
 */
#include "nestor.h"

#include <linux/kvm_para.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "cpuid.h"
#include "cpuid_table.h"
#include "fpu.h"
#include "hyperv/hyperv.h"
#include "msr.h"
#include "mmu/mmu.h"
#include "nested/nested.h"
#include "irqchip/irqchip.h"

#define DEFAULT_MAXPHYADDR	36

static struct kvm_cpuid_entry2 *find_entry(struct nst_vcpu *vcpu, u32 leaf, u32 index)
{
	int i;

	for (i = 0; i < vcpu->nr_cpuid; i++) {
		struct kvm_cpuid_entry2 *e = &vcpu->cpuid[i];

		if (e->function != leaf)
			continue;
		if (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == index)
			return e;
	}
	return NULL;
}

/**
 * nst_cpuid_guest_has() - does this guest have a feature that works?
 * @vcpu: the vCPU
 * @x86_feature: X86_FEATURE_* of a word in nst_cpuid_words
 *
 * A vCPU that was not given a CPUID may be put in any state that we support.
 *
 * Return: true when the vCPU's CPUID shows it and we support it.
 */
bool nst_cpuid_guest_has(struct nst_vcpu *vcpu, unsigned int x86_feature)
{
	const struct nst_cpuid_word *w = nst_cpuid_find_word(x86_feature);
	struct kvm_cpuid_entry2 *e;

	if (!w || !nst_cpuid_offers(x86_feature))
		return false;
	if (!vcpu->cpuid)
		return true;
	e = find_entry(vcpu, w->leaf, w->index);
	return e && (nst_cpuid_entry_reg(e, w->reg) & BIT(x86_feature & 31));
}

/**
 * nst_cpuid_word() - a register of a CPUID leaf
 * @vcpu: the vCPU
 * @leaf: EAX; subleaf 0
 * @reg: enum nst_cpuid_reg
 *
 * Return: as userspace set it; all ones for a vCPU without CPUID.
 */
u32 nst_cpuid_word(struct nst_vcpu *vcpu, u32 leaf, unsigned int reg)
{
	struct kvm_cpuid_entry2 *e = find_entry(vcpu, leaf, 0);

	if (!vcpu->cpuid)
		return ~0u;
	return e ? nst_cpuid_entry_reg(e, reg) : 0;
}

static bool is_vendor(const struct kvm_cpuid_entry2 *e, const char name[12])
{
	return e && !memcmp(&e->ebx, name, 4) && !memcmp(&e->edx, name + 4, 4) &&
	       !memcmp(&e->ecx, name + 8, 4);
}

/* Another hypervisor's leaves may come first; ours are then further up. */
static u32 pv_features(struct nst_vcpu *vcpu)
{
	u32 base;

	for (base = NST_LEAF_PV_BASE; base < NST_LEAF_PV_LAST; base += NST_LEAF_PV_STRIDE) {
		struct kvm_cpuid_entry2 *e = find_entry(vcpu, base, 0);

		/* EBX, ECX, EDX are next to each other in the entry. */
		if (!e || memcmp(&e->ebx, KVM_SIGNATURE, 12))
			continue;
		e = find_entry(vcpu, base + 1, 0);
		if (!e)
			return 0;
		/* A halt that does not exit cannot be ended by a hypercall. */
		if (vcpu->vm->no_exits & KVM_X86_DISABLE_EXITS_HLT)
			e->eax &= ~BIT(KVM_FEATURE_PV_UNHALT);
		return e->eax;
	}
	return 0;
}

static void refresh_caps(struct nst_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *vendor = find_entry(vcpu, NST_LEAF_MAX_BASIC, 0);
	struct kvm_cpuid_entry2 *hv = find_entry(vcpu, HYPERV_CPUID_INTERFACE, 0);
	u32 pv = pv_features(vcpu);
	unsigned int i;

	bitmap_zero(vcpu->guest_caps, NST_NR_GCAPS);
	for (i = 0; i < nst_nr_cpuid_features; i++) {
		const struct nst_cpuid_feature *row = &nst_cpuid_features[i];

		if (row->gcap != NST_CPUID_NO_GCAP && nst_cpuid_guest_has(vcpu, row->feature))
			__set_bit(row->gcap, vcpu->guest_caps);
	}
	if (!vcpu->lapic) {
		__clear_bit(NST_GCAP_X2APIC, vcpu->guest_caps);
		__clear_bit(NST_GCAP_TSC_DEADLINE, vcpu->guest_caps);
	}
	if (is_vendor(vendor, "AuthenticAMD") || is_vendor(vendor, "HygonGenuine"))
		__set_bit(NST_GCAP_AMD, vcpu->guest_caps);
	vcpu->pv_features = pv;
	if (pv & BIT(KVM_FEATURE_CLOCKSOURCE))
		__set_bit(NST_GCAP_KVMCLOCK, vcpu->guest_caps);
	if (pv & BIT(KVM_FEATURE_CLOCKSOURCE2))
		__set_bit(NST_GCAP_KVMCLOCK2, vcpu->guest_caps);
	if (hv && hv->eax == NST_HV_INTERFACE)
		__set_bit(NST_GCAP_HYPERV, vcpu->guest_caps);
}

/* CR4 bits that change nothing but what the guest's own instructions do. */
#define CR4_GUESTS_OWN	(X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PGE | \
			 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_FSGSBASE)

/*
 * Under two-dimensional paging hardware alone looks at these, and our walks of
 * guest tables ask for CR0.WP each time.  A bit that the guest's CPU does not
 * have exits, to fault.  In L2 the bits are L1's affair.
 */
static void own_cr_bits(struct nst_vcpu *vcpu, u64 cr4_allowed)
{
	if (!nst_caps.tdp || nst_in_l2(vcpu))
		return;
	vcpu->ctl.cr0_owned = X86_CR0_TS | X86_CR0_WP;
	vcpu->ctl.cr4_owned = CR4_GUESTS_OWN & cr4_allowed;
	vcpu->ctl.dirty |= NST_CTL_TRAPS;
}

/**
 * nst_cpuid_refresh() - recompute what follows from a vCPU's CPUID
 * @vcpu: the vCPU, with or without CPUID entries
 *
 * Touches memory only; the caller tells the MMU, the LAPIC and the backend.
 */
void nst_cpuid_refresh(struct nst_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *max_ext = find_entry(vcpu, NST_LEAF_MAX_EXT, 0);
	struct kvm_cpuid_entry2 *address = find_entry(vcpu, NST_LEAF_ADDRESS, 0);
	struct kvm_cpuid_entry2 *xsave = find_entry(vcpu, NST_LEAF_XSAVE, 0);
	u64 cr4_allowed = NST_CPUID_CR4_ALWAYS;
	unsigned int i;

	vcpu->cpuid_changes++;
	refresh_caps(vcpu);
	nst_insn_cpuid_changed(vcpu);
	nst_hv_cpuid_changed(vcpu);
	for (i = 0; i < nst_nr_cpuid_cr4; i++)
		if (nst_cpuid_guest_has(vcpu, nst_cpuid_cr4[i].feature))
			cr4_allowed |= nst_cpuid_cr4[i].bits;
	vcpu->cr4_reserved = ~cr4_allowed;
	own_cr_bits(vcpu, cr4_allowed);

	/* The x87 bit is on in every XCR0, also in one that the guest never sees. */
	vcpu->xcr0_allowed = vcpu->cpuid ? XFEATURE_MASK_FP : nst_xcr0_supported();
	if (xsave && nst_guest_has(vcpu, NST_GCAP_XSAVE))
		vcpu->xcr0_allowed |= (xsave->eax | (u64)xsave->edx << 32) & nst_xcr0_supported();

	vcpu->maxphyaddr = DEFAULT_MAXPHYADDR;
	if (max_ext && max_ext->eax >= NST_LEAF_ADDRESS && address)
		vcpu->maxphyaddr = clamp(address->eax & 0xff, 32u, 52u);
}

/* An address width that no paging mode has would make canonical checks wrong. */
static bool entries_valid(const struct kvm_cpuid_entry2 *entries, u32 nent)
{
	u32 i, width;

	for (i = 0; i < nent; i++) {
		if (entries[i].function != NST_LEAF_ADDRESS)
			continue;
		width = (entries[i].eax >> 8) & 0xff;
		if (width && width != 48 && width != 57)
			return false;
	}
	return true;
}

/*
 * The guest has looked at its CPU: from the first entry on CPUID may be set
 * again, as a VMM does for a vCPU that it plugs in anew, but not changed.
 */
static bool same_entries(const struct nst_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries,
			 u32 nent)
{
	return nent == vcpu->nr_cpuid &&
	       (!nent || !memcmp(entries, vcpu->cpuid, nent * sizeof(*entries)));
}

/**
 * nst_cpuid_set() - KVM_SET_CPUID2
 * @vcpu: the vCPU, mutex held
 * @ucpuid: entries from userspace
 *
 * Return: 0; -E2BIG above NST_CPUID_MAX_ENTRIES; -EINVAL for an address width
 * that does not exist, and for a change after the vCPU has run; -ENOMEM,
 * -EFAULT; nothing changed on an error.
 */
int nst_cpuid_set(struct nst_vcpu *vcpu, struct kvm_cpuid2 __user *ucpuid)
{
	struct kvm_cpuid_entry2 *entries = NULL;
	u32 nent;

	if (get_user(nent, &ucpuid->nent))
		return -EFAULT;
	if (nent > NST_CPUID_MAX_ENTRIES)
		return -E2BIG;
	if (nent) {
		entries = vmemdup_user(ucpuid->entries, array_size(nent, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	if (!entries_valid(entries, nent) ||
	    ((vcpu->stat.entries || vcpu->stat.soft || nst_in_l2(vcpu)) &&
	     !same_entries(vcpu, entries, nent))) {
		kvfree(entries);
		return -EINVAL;
	}
	kvfree(vcpu->cpuid);
	vcpu->cpuid = entries;
	vcpu->nr_cpuid = nent;
	nst_cpuid_refresh(vcpu);
	nst_msr_apply_direct(vcpu);
	if (vcpu->lapic)
		nst_lapic_cpuid_changed(vcpu);
	nst_mmu_mode_changed(vcpu);
	nst_request(vcpu, NST_REQ_CTL);
	return nst_nested_cpuid_changed(vcpu);
}

/**
 * nst_cpuid_get() - KVM_GET_CPUID2
 * @vcpu: the vCPU, mutex held
 * @ucpuid: the user's buffer
 *
 * Return: 0; -E2BIG with nent set to what is needed; -EFAULT.
 */
int nst_cpuid_get(struct nst_vcpu *vcpu, struct kvm_cpuid2 __user *ucpuid)
{
	u32 nent;

	if (get_user(nent, &ucpuid->nent))
		return -EFAULT;
	if (put_user(vcpu->nr_cpuid, &ucpuid->nent))
		return -EFAULT;
	if (nent < vcpu->nr_cpuid)
		return -E2BIG;
	if (copy_to_user(ucpuid->entries, vcpu->cpuid,
			 vcpu->nr_cpuid * sizeof(*vcpu->cpuid)))
		return -EFAULT;
	return 0;
}

/**
 * nst_cpuid_free() - forget a vCPU's CPUID
 * @vcpu: the vCPU, about to go
 */
void nst_cpuid_free(struct nst_vcpu *vcpu)
{
	kvfree(vcpu->cpuid);
	vcpu->cpuid = NULL;
	vcpu->nr_cpuid = 0;
}

static void assign_bit32(u32 *reg, unsigned int x86_feature, bool on)
{
	u32 mask = BIT(x86_feature & 31);

	*reg = on ? *reg | mask : *reg & ~mask;
}

static void dynamic_features(struct nst_vcpu *vcpu, u32 *ecx, u32 *edx)
{
	assign_bit32(ecx, X86_FEATURE_OSXSAVE, vcpu->st.cr4 & X86_CR4_OSXSAVE);
	assign_bit32(edx, X86_FEATURE_APIC,
		     *edx & BIT(X86_FEATURE_APIC & 31) &&
		     vcpu->apic_base & MSR_IA32_APICBASE_ENABLE);
	/* One nested ISA a guest; of two, that of its vendor. */
	if (nst_guest_has(vcpu, NST_GCAP_AMD) && nst_guest_has(vcpu, NST_GCAP_SVM))
		assign_bit32(ecx, X86_FEATURE_VMX, false);
	if (!nst_quirk(vcpu->vm, KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT))
		assign_bit32(ecx, X86_FEATURE_MWAIT,
			     vcpu->misc_enable & MSR_IA32_MISC_ENABLE_MWAIT);
	if (vcpu->lapic)
		return;
	assign_bit32(ecx, X86_FEATURE_X2APIC, false);
	assign_bit32(ecx, X86_FEATURE_TSC_DEADLINE_TIMER, false);
}

/* The bits that follow the registers of the moment. */
static void dynamic_bits(struct nst_vcpu *vcpu, const struct kvm_cpuid_entry2 *e, u32 *ebx,
			 u32 *ecx, u32 *edx)
{
	const u32 compact = BIT(X86_FEATURE_XSAVES & 31) | BIT(X86_FEATURE_XSAVEC & 31);
	u64 xcr0 = vcpu->st.xcr0;

	switch (e->function) {
	case NST_LEAF_FEATURES:
		dynamic_features(vcpu, ecx, edx);
		break;
	case NST_LEAF_MORE_FEATURES:
		if (!e->index)
			assign_bit32(ecx, X86_FEATURE_OSPKE, vcpu->st.cr4 & X86_CR4_PKE);
		break;
	case NST_LEAF_XSAVE:
		if (e->index == 0)
			*ebx = nst_cpuid_xstate_size(xcr0, false);
		else if (e->index == 1 && (e->eax & compact))
			*ebx = nst_cpuid_xstate_size(xcr0 | vcpu->st.xss, true);
		break;
	case NST_LEAF_EXT_FEATURES:
		/* One nested ISA a guest, that of its vendor. */
		if (!nst_guest_has(vcpu, NST_GCAP_AMD))
			assign_bit32(ecx, X86_FEATURE_SVM, false);
		if (nst_guest_has(vcpu, NST_GCAP_AMD) &&
		    !(vcpu->apic_base & MSR_IA32_APICBASE_ENABLE))
			assign_bit32(edx, X86_FEATURE_APIC, false);
		break;
	}
}

/**
 * nst_cpuid_shows_mwait() - does the guest's CPUID show MONITOR and MWAIT now?
 * @vcpu: the vCPU
 *
 * Return: true also where they do not work as they should.
 */
bool nst_cpuid_shows_mwait(struct nst_vcpu *vcpu)
{
	u32 eax = NST_LEAF_FEATURES, ebx, ecx = 0, edx;

	nst_cpuid_query(vcpu, &eax, &ebx, &ecx, &edx);
	return ecx & BIT(X86_FEATURE_MWAIT & 31);
}

/*
 * SDM2A "CPUID": above the highest leaf of its range, an Intel CPU answers
 * with its highest basic leaf.  An AMD CPU answers zeros.
 */
static struct kvm_cpuid_entry2 *out_of_range(struct nst_vcpu *vcpu, u32 leaf, u32 index)
{
	struct kvm_cpuid_entry2 *basic = find_entry(vcpu, NST_LEAF_MAX_BASIC, 0);
	struct kvm_cpuid_entry2 *range = basic;

	if (!basic || nst_guest_has(vcpu, NST_GCAP_AMD))
		return NULL;
	if (leaf >= NST_LEAF_MAX_EXT)
		range = find_entry(vcpu, NST_LEAF_MAX_EXT, 0);
	else if (leaf >= NST_LEAF_PV_BASE)
		range = find_entry(vcpu, leaf & ~(NST_LEAF_PV_STRIDE - 1), 0);
	if (range && leaf <= range->eax)
		return NULL;
	return find_entry(vcpu, basic->eax, index);
}

/**
 * nst_cpuid_query() - what CPUID returns in this vCPU
 * @vcpu: the vCPU
 * @eax: leaf in, result out
 * @ebx: result
 * @ecx: subleaf in, result out
 * @edx: result
 */
void nst_cpuid_query(struct nst_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	u32 leaf = *eax, index = *ecx;
	struct kvm_cpuid_entry2 *e = find_entry(vcpu, leaf, index);

	if (!e)
		e = out_of_range(vcpu, leaf, index);
	if (e) {
		*eax = e->eax;
		*ebx = e->ebx;
		*ecx = e->ecx;
		*edx = e->edx;
		dynamic_bits(vcpu, e, ebx, ecx, edx);
		return;
	}
	*eax = 0;
	*ebx = 0;
	*ecx = 0;
	*edx = 0;
	/* Past the last level: the level is echoed, and the x2APIC id still there. */
	if (leaf == NST_LEAF_TOPOLOGY || leaf == NST_LEAF_TOPOLOGY2) {
		e = find_entry(vcpu, leaf, 0);
		if (e) {
			*ecx = index & 0xff;
			*edx = e->edx;
		}
	}
}
