// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID: supported = host AND allowed row AND its need holds.  Computed once at
 * load; a vCPU gets whatever userspace makes of it, and everything that its
 * CPUID implies (reserved CR4 bits, XCR0, address width) follows from there.
 *
 * A feature that userspace sets although it is not supported shows in the
 * guest's CPUID, but the controls that hang on it stay off.
 *
 * Calls msr.c, fpu.c, the MMU and the LAPIC when a vCPU's CPUID changes.
 */
#include "nestor.h"

#include <linux/cpufeature.h>
#include <linux/kvm_para.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/fpu/types.h>
#include <asm/processor.h>
#include "cpuid.h"
#include "cpuid_table.h"
#include "fpu.h"
#include "msr.h"
#include "mmu/mmu.h"
#include "irqchip/irqchip.h"

/* SDM2A "CPUID", APM3 "CPUID Instruction": leaves that this file names. */
#define LEAF_MAX_BASIC		0x00000000
#define LEAF_FEATURES		0x00000001
#define LEAF_DESCRIPTORS	0x00000002
#define LEAF_CACHES		0x00000004
#define LEAF_POWER		0x00000006
#define LEAF_MORE_FEATURES	0x00000007
#define LEAF_TOPOLOGY		0x0000000b
#define LEAF_XSAVE		0x0000000d
#define LEAF_TOPOLOGY2		0x0000001f
#define LEAF_PV_BASE		0x40000000
#define LEAF_PV_STRIDE		0x100
#define LEAF_PV_LAST		0x40010000
#define LEAF_MAX_EXT		0x80000000
#define LEAF_EXT_FEATURES	0x80000001
#define LEAF_BRAND		0x80000002
#define LEAF_L1_CACHE		0x80000005
#define LEAF_L2_CACHE		0x80000006
#define LEAF_INVARIANT_TSC	0x80000007
#define LEAF_ADDRESS		0x80000008
#define LEAF_1G_TLB		0x80000019
#define LEAF_PERF_HINTS		0x8000001a
#define LEAF_EXT_CACHES		0x8000001d
#define LEAF_EXT_TOPOLOGY	0x8000001e

#define CLFLUSH_SIZE		0x0000ff00u	/* 1.EBX */
#define ONE_LOGICAL_CPU		0x00010000u	/* 1.EBX */
#define CACHE_TYPE		0x0000001fu	/* 4.EAX, 8000001D.EAX */
#define CACHE_SHARING		0xffffc000u	/* 4.EAX, 8000001D.EAX */
#define TSC_INVARIANT		BIT(8)		/* 80000007.EDX */
#define XSTATE_ALIGN64		BIT(1)		/* D.n.ECX */
#define XSTATE_LEGACY_SIZE	512
#define XSTATE_HEADER_SIZE	64
/* 80000001.EDX repeats these bits of 1.EDX on AMD. */
#define AMD_REPEATED_BITS	0x0183f3ffu

#define DEFAULT_MAXPHYADDR	36
#define MAX_SUPPORTED		96
#define MAX_SUBLEAVES		16

enum vendor { ANY, INTEL, AMD };

static struct kvm_cpuid_entry2 supported[MAX_SUPPORTED];
static unsigned int nr_supported;
static u32 offered[NCAPINTS];

static struct {
	u32 size;
	u32 offset;
	bool align64;
} xstate[64];

static bool host_is_amd(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
	       boot_cpu_data.x86_vendor == X86_VENDOR_HYGON;
}

/**
 * nst_cpuid_offers() - would guests see this feature?
 * @x86_feature: X86_FEATURE_*
 *
 * Valid after nst_cpuid_module_init().
 *
 * Return: true when KVM_GET_SUPPORTED_CPUID shows it.
 */
bool nst_cpuid_offers(unsigned int x86_feature)
{
	if (WARN_ON_ONCE(x86_feature / 32 >= NCAPINTS))
		return false;
	return offered[x86_feature / 32] & BIT(x86_feature & 31);
}

static const struct nst_cpuid_word *find_word(unsigned int x86_feature)
{
	unsigned int i;

	for (i = 0; i < nst_nr_cpuid_words; i++)
		if (nst_cpuid_words[i].word == x86_feature / 32)
			return &nst_cpuid_words[i];
	return NULL;
}

static u32 entry_reg(const struct kvm_cpuid_entry2 *e, unsigned int reg)
{
	switch (reg) {
	case NST_CPUID_EAX:
		return e->eax;
	case NST_CPUID_EBX:
		return e->ebx;
	case NST_CPUID_ECX:
		return e->ecx;
	default:
		return e->edx;
	}
}

static void set_entry_reg(struct kvm_cpuid_entry2 *e, unsigned int reg, u32 val)
{
	switch (reg) {
	case NST_CPUID_EAX:
		e->eax = val;
		break;
	case NST_CPUID_EBX:
		e->ebx = val;
		break;
	case NST_CPUID_ECX:
		e->ecx = val;
		break;
	default:
		e->edx = val;
	}
}

static bool host_has_leaf(u32 leaf)
{
	return leaf <= cpuid_eax(leaf & LEAF_MAX_EXT);
}

/* The bit as the CPU itself reports it. */
static bool host_raw(unsigned int x86_feature)
{
	const struct nst_cpuid_word *w = find_word(x86_feature);
	struct kvm_cpuid_entry2 e = {};

	if (!w || !host_has_leaf(w->leaf))
		return false;
	cpuid_count(w->leaf, w->index, &e.eax, &e.ebx, &e.ecx, &e.edx);
	return entry_reg(&e, w->reg) & BIT(x86_feature & 31);
}

static bool host_has(unsigned int x86_feature)
{
	return test_cpu_cap(&boot_cpu_data, x86_feature);
}

static bool has_xfeatures(u64 mask)
{
	return (nst_xcr0_supported() & mask) == mask;
}

static bool need_met(const struct nst_cpuid_feature *row)
{
	unsigned int f = row->feature;

	switch ((enum nst_cpuid_need)row->need) {
	case NST_NEED_HOST:
		return host_has(f);
	case NST_NEED_EMULATED:
		return true;
	case NST_NEED_INTEL:
		return !host_is_amd();
	case NST_NEED_TDP:
		return host_has(f) && nst_caps.tdp;
	case NST_NEED_LA57:
		return host_raw(f) && nst_caps.tdp;
	case NST_NEED_AVX:
		return host_has(f) && has_xfeatures(XFEATURE_MASK_YMM);
	case NST_NEED_AVX512:
		return host_has(f) && has_xfeatures(XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512);
	case NST_NEED_PKRU:
		return host_has(f) && nst_caps.tdp && has_xfeatures(XFEATURE_MASK_PKRU);
	case NST_NEED_XSAVES:
		return host_has(f) && nst_caps.xsaves;
	case NST_NEED_RDTSCP:
		return host_has(f) && nst_caps.rdtscp;
	case NST_NEED_INVPCID:
		return host_has(f) && nst_caps.tdp && nst_caps.invpcid;
	}
	return false;
}

static int build_offered(void)
{
	unsigned int i;

	for (i = 0; i < nst_nr_cpuid_features; i++) {
		const struct nst_cpuid_feature *row = &nst_cpuid_features[i];
		const struct nst_cpuid_word *w = find_word(row->feature);

		if (WARN_ON_ONCE(!w))
			return -EINVAL;
		if (host_has_leaf(w->leaf) && need_met(row))
			offered[row->feature / 32] |= BIT(row->feature & 31);
	}
	return 0;
}

static void build_xstate(void)
{
	unsigned int i;

	if (!host_has(X86_FEATURE_XSAVE) || !host_has_leaf(LEAF_XSAVE))
		return;
	for (i = 2; i < ARRAY_SIZE(xstate); i++) {
		u32 flags, unused;

		cpuid_count(LEAF_XSAVE, i, &xstate[i].size, &xstate[i].offset, &flags, &unused);
		xstate[i].align64 = flags & XSTATE_ALIGN64;
	}
}

/**
 * nst_cpuid_xstate_size() - size of an XSAVE area
 * @features: the state components in it, as in XCR0 (or XCR0 | IA32_XSS)
 * @compacted: the format of XSAVEC and XSAVES
 *
 * SDM1 "Managing State Using the XSAVE Feature Set", "XSAVE Area".
 *
 * Return: bytes.
 */
u32 nst_cpuid_xstate_size(u64 features, bool compacted)
{
	u32 end = XSTATE_LEGACY_SIZE + XSTATE_HEADER_SIZE;
	unsigned int i;

	for (i = 2; i < ARRAY_SIZE(xstate); i++) {
		if (!(features & BIT_ULL(i)))
			continue;
		if (!compacted)
			end = max(end, xstate[i].offset + xstate[i].size);
		else if (xstate[i].align64)
			end = ALIGN(end, 64) + xstate[i].size;
		else
			end += xstate[i].size;
	}
	return end;
}

/* ---- the supported set: one row a leaf ---- */

static void put_features(struct kvm_cpuid_entry2 *e)
{
	unsigned int i;

	for (i = 0; i < nst_nr_cpuid_words; i++) {
		const struct nst_cpuid_word *w = &nst_cpuid_words[i];

		if (w->leaf == e->function && w->index == e->index)
			set_entry_reg(e, w->reg, offered[w->word]);
	}
}

static bool fill_raw(struct kvm_cpuid_entry2 *e)
{
	return true;
}

static bool fill_zero(struct kvm_cpuid_entry2 *e)
{
	e->eax = 0;
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
	return true;
}

static bool fill_max_basic(struct kvm_cpuid_entry2 *e)
{
	e->eax = min_t(u32, e->eax, LEAF_TOPOLOGY2);
	return true;
}

static bool fill_features(struct kvm_cpuid_entry2 *e)
{
	e->ebx = (e->ebx & CLFLUSH_SIZE) | ONE_LOGICAL_CPU;
	put_features(e);
	return true;
}

/* How many CPUs share a cache is for userspace to say; so far each has its own. */
static bool fill_cache(struct kvm_cpuid_entry2 *e)
{
	if (!(e->eax & CACHE_TYPE))
		return false;
	e->eax &= ~CACHE_SHARING;
	return true;
}

static bool fill_ext_cache(struct kvm_cpuid_entry2 *e)
{
	return nst_cpuid_offers(X86_FEATURE_TOPOEXT) && fill_cache(e);
}

static bool fill_feature_bits(struct kvm_cpuid_entry2 *e)
{
	fill_zero(e);
	put_features(e);
	return true;
}

static bool fill_more_features(struct kvm_cpuid_entry2 *e)
{
	u32 last = e->index ? 0 : min(e->eax, 1u);

	if (e->index > 1 || (e->index && !supported[nr_supported - 1].eax))
		return false;
	fill_feature_bits(e);
	if (!e->index)
		e->eax = last;
	return true;
}

static bool fill_xsave(struct kvm_cpuid_entry2 *e)
{
	u64 xcr0 = nst_xcr0_supported();

	if (!nst_cpuid_offers(X86_FEATURE_XSAVE))
		return false;
	if (e->index == 0) {
		e->eax = lower_32_bits(xcr0);
		e->ebx = nst_cpuid_xstate_size(XFEATURE_MASK_FP, false);
		e->ecx = nst_cpuid_xstate_size(xcr0, false);
		e->edx = upper_32_bits(xcr0);
	} else if (e->index == 1) {
		fill_feature_bits(e);
		e->ebx = nst_cpuid_xstate_size(xcr0, true);
	} else {
		if (!(xcr0 >> e->index))
			return false;
		if (!(xcr0 & BIT_ULL(e->index)))
			fill_zero(e);
	}
	return true;
}

static bool fill_pv_base(struct kvm_cpuid_entry2 *e)
{
	static const char signature[12] = KVM_SIGNATURE;

	e->eax = KVM_CPUID_FEATURES;
	memcpy(&e->ebx, signature, 4);
	memcpy(&e->ecx, signature + 4, 4);
	memcpy(&e->edx, signature + 8, 4);
	return true;
}

static bool fill_pv_features(struct kvm_cpuid_entry2 *e)
{
	fill_zero(e);
	e->eax = BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) |
		 BIT(KVM_FEATURE_CLOCKSOURCE2) | BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
	return true;
}

static bool fill_max_ext(struct kvm_cpuid_entry2 *e)
{
	u32 last = host_is_amd() ? LEAF_EXT_TOPOLOGY : LEAF_ADDRESS;

	e->eax = min(e->eax, last);
	return true;
}

static bool fill_ext_features(struct kvm_cpuid_entry2 *e)
{
	if (!host_is_amd())
		e->ebx = 0;
	put_features(e);
	if (host_is_amd())
		e->edx |= offered[X86_FEATURE_FPU / 32] & AMD_REPEATED_BITS;
	return true;
}

static bool fill_invariant_tsc(struct kvm_cpuid_entry2 *e)
{
	u32 invariant = e->edx & TSC_INVARIANT;

	fill_zero(e);
	if (!check_tsc_unstable())
		e->edx = invariant;
	return true;
}

static bool fill_address(struct kvm_cpuid_entry2 *e)
{
	/*
	 * With shadow paging our entries are the host's own, so that bits
	 * which memory encryption takes from the address are missing.
	 */
	u32 phys = nst_caps.tdp ? e->eax & 0xff : boot_cpu_data.x86_phys_bits;
	u32 virt = nst_cpuid_offers(X86_FEATURE_LA57) ? 57 : min(48u, (e->eax >> 8) & 0xff);

	fill_zero(e);
	e->eax = phys | (virt << 8);
	put_features(e);
	return true;
}

static bool fill_ext_topology(struct kvm_cpuid_entry2 *e)
{
	return nst_cpuid_offers(X86_FEATURE_TOPOEXT) && fill_zero(e);
}

/*
 * fill() gets the host's values and leaves those for the guest; false: the
 * (sub)leaf, and with it those that follow, is not there.
 */
static const struct leaf_row {
	u32 leaf;
	u8 vendor;
	bool indexed;
	bool (*fill)(struct kvm_cpuid_entry2 *e);
} leaves[] = {
	{ LEAF_MAX_BASIC, ANY, false, fill_max_basic },
	{ LEAF_FEATURES, ANY, false, fill_features },
	{ LEAF_DESCRIPTORS, INTEL, false, fill_raw },
	{ LEAF_CACHES, INTEL, true, fill_cache },
	{ LEAF_POWER, ANY, false, fill_feature_bits },
	{ LEAF_MORE_FEATURES, ANY, true, fill_more_features },
	{ LEAF_TOPOLOGY, INTEL, false, fill_zero },
	{ LEAF_XSAVE, ANY, true, fill_xsave },
	{ LEAF_PV_BASE, ANY, false, fill_pv_base },
	{ KVM_CPUID_FEATURES, ANY, false, fill_pv_features },
	{ LEAF_MAX_EXT, ANY, false, fill_max_ext },
	{ LEAF_EXT_FEATURES, ANY, false, fill_ext_features },
	{ LEAF_BRAND, ANY, false, fill_raw },
	{ LEAF_BRAND + 1, ANY, false, fill_raw },
	{ LEAF_BRAND + 2, ANY, false, fill_raw },
	{ LEAF_L1_CACHE, AMD, false, fill_raw },
	{ LEAF_L2_CACHE, ANY, false, fill_raw },
	{ LEAF_INVARIANT_TSC, ANY, false, fill_invariant_tsc },
	{ LEAF_ADDRESS, ANY, false, fill_address },
	{ LEAF_1G_TLB, AMD, false, fill_raw },
	{ LEAF_PERF_HINTS, AMD, false, fill_raw },
	{ LEAF_EXT_CACHES, AMD, true, fill_ext_cache },
	{ LEAF_EXT_TOPOLOGY, AMD, false, fill_ext_topology },
};

static bool add_supported(const struct leaf_row *row, u32 index)
{
	struct kvm_cpuid_entry2 *e = &supported[nr_supported];

	if (nr_supported == MAX_SUPPORTED)
		return false;
	memset(e, 0, sizeof(*e));
	e->function = row->leaf;
	e->index = index;
	if (row->indexed || row->leaf == LEAF_TOPOLOGY)
		e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	if ((row->leaf & 0xffff0000) != LEAF_PV_BASE)
		cpuid_count(row->leaf, index, &e->eax, &e->ebx, &e->ecx, &e->edx);
	if (!row->fill(e))
		return false;
	nr_supported++;
	return true;
}

static void build_supported(void)
{
	unsigned int i, index;

	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		const struct leaf_row *row = &leaves[i];

		if (row->vendor != ANY && (row->vendor == AMD) != host_is_amd())
			continue;
		if ((row->leaf & 0xffff0000) != LEAF_PV_BASE && !host_has_leaf(row->leaf))
			continue;
		for (index = 0; add_supported(row, index) && row->indexed; index++)
			if (index == MAX_SUBLEAVES)
				break;
	}
}

/**
 * nst_cpuid_module_init() - build the supported set
 *
 * After the backend's hw_setup(): reads nst_caps.
 *
 * Return: 0, or -EINVAL when the tables contradict each other.
 */
int nst_cpuid_module_init(void)
{
	int ret;

	memset(offered, 0, sizeof(offered));
	nr_supported = 0;
	build_xstate();
	ret = build_offered();
	if (!ret)
		build_supported();
	return ret;
}

/**
 * nst_cpuid_supported() - KVM_GET_SUPPORTED_CPUID
 * @ucpuid: the user's buffer; nent says how many entries it holds
 *
 * Return: 0; -E2BIG with nent set to what is needed; -EFAULT.
 */
int nst_cpuid_supported(struct kvm_cpuid2 __user *ucpuid)
{
	u32 nent;

	if (get_user(nent, &ucpuid->nent))
		return -EFAULT;
	if (put_user(nr_supported, &ucpuid->nent))
		return -EFAULT;
	if (nent < nr_supported)
		return -E2BIG;
	if (copy_to_user(ucpuid->entries, supported, nr_supported * sizeof(supported[0])))
		return -EFAULT;
	return 0;
}

/* ---- one vCPU ---- */

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
 * Return: true when the vCPU's CPUID shows it and we support it.
 */
bool nst_cpuid_guest_has(struct nst_vcpu *vcpu, unsigned int x86_feature)
{
	const struct nst_cpuid_word *w = find_word(x86_feature);
	struct kvm_cpuid_entry2 *e;

	if (!w || !nst_cpuid_offers(x86_feature))
		return false;
	e = find_entry(vcpu, w->leaf, w->index);
	return e && (entry_reg(e, w->reg) & BIT(x86_feature & 31));
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

	for (base = LEAF_PV_BASE; base < LEAF_PV_LAST; base += LEAF_PV_STRIDE) {
		struct kvm_cpuid_entry2 *e = find_entry(vcpu, base, 0);

		/* EBX, ECX, EDX are next to each other in the entry. */
		if (!e || memcmp(&e->ebx, KVM_SIGNATURE, 12))
			continue;
		e = find_entry(vcpu, base + 1, 0);
		return e ? e->eax : 0;
	}
	return 0;
}

static void refresh_caps(struct nst_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *vendor = find_entry(vcpu, LEAF_MAX_BASIC, 0);
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
	if (pv & BIT(KVM_FEATURE_CLOCKSOURCE))
		__set_bit(NST_GCAP_KVMCLOCK, vcpu->guest_caps);
	if (pv & BIT(KVM_FEATURE_CLOCKSOURCE2))
		__set_bit(NST_GCAP_KVMCLOCK2, vcpu->guest_caps);
}

/**
 * nst_cpuid_refresh() - recompute what follows from a vCPU's CPUID
 * @vcpu: the vCPU, with or without CPUID entries
 *
 * Touches memory only; the caller tells the MMU, the LAPIC and the backend.
 */
void nst_cpuid_refresh(struct nst_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *max_ext = find_entry(vcpu, LEAF_MAX_EXT, 0);
	struct kvm_cpuid_entry2 *address = find_entry(vcpu, LEAF_ADDRESS, 0);
	struct kvm_cpuid_entry2 *xsave = find_entry(vcpu, LEAF_XSAVE, 0);
	u64 cr4_allowed = X86_CR4_PCE;
	unsigned int i;

	refresh_caps(vcpu);
	for (i = 0; i < nst_nr_cpuid_cr4; i++)
		if (nst_cpuid_guest_has(vcpu, nst_cpuid_cr4[i].feature))
			cr4_allowed |= nst_cpuid_cr4[i].bits;
	vcpu->cr4_reserved = ~cr4_allowed;

	vcpu->xcr0_allowed = 0;
	if (xsave && nst_guest_has(vcpu, NST_GCAP_XSAVE))
		vcpu->xcr0_allowed = (xsave->eax | (u64)xsave->edx << 32) & nst_xcr0_supported();

	vcpu->maxphyaddr = DEFAULT_MAXPHYADDR;
	if (max_ext && max_ext->eax >= LEAF_ADDRESS && address)
		vcpu->maxphyaddr = clamp(address->eax & 0xff, 32u, 52u);
}

/* An address width that no paging mode has would make canonical checks wrong. */
static bool entries_valid(const struct kvm_cpuid_entry2 *entries, u32 nent)
{
	u32 i, width;

	for (i = 0; i < nent; i++) {
		if (entries[i].function != LEAF_ADDRESS)
			continue;
		width = (entries[i].eax >> 8) & 0xff;
		if (width && width != 48 && width != 57)
			return false;
	}
	return true;
}

/**
 * nst_cpuid_set() - KVM_SET_CPUID2
 * @vcpu: the vCPU, mutex held
 * @ucpuid: entries from userspace
 *
 * Return: 0; -E2BIG above NST_CPUID_MAX_ENTRIES; -EINVAL, -ENOMEM, -EFAULT;
 * nothing changed on an error.
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
	if (!entries_valid(entries, nent)) {
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
	return 0;
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
	if (!(vcpu->misc_enable & MSR_IA32_MISC_ENABLE_MWAIT))
		assign_bit32(ecx, X86_FEATURE_MWAIT, false);
	if (vcpu->lapic)
		return;
	assign_bit32(ecx, X86_FEATURE_X2APIC, false);
	assign_bit32(ecx, X86_FEATURE_TSC_DEADLINE_TIMER, false);
}

/* The bits that follow the registers of the moment. */
static void dynamic_bits(struct nst_vcpu *vcpu, const struct kvm_cpuid_entry2 *e, u32 *ebx,
			 u32 *ecx, u32 *edx)
{
	bool compacted;

	switch (e->function) {
	case LEAF_FEATURES:
		dynamic_features(vcpu, ecx, edx);
		break;
	case LEAF_MORE_FEATURES:
		if (!e->index)
			assign_bit32(ecx, X86_FEATURE_OSPKE, vcpu->st.cr4 & X86_CR4_PKE);
		break;
	case LEAF_XSAVE:
		compacted = e->index == 1 &&
			    (e->eax & (BIT(X86_FEATURE_XSAVES & 31) | BIT(X86_FEATURE_XSAVEC & 31)));
		if (e->index == 0)
			*ebx = nst_cpuid_xstate_size(vcpu->st.xcr0, false);
		else if (compacted)
			*ebx = nst_cpuid_xstate_size(vcpu->st.xcr0 | vcpu->st.xss, true);
		break;
	case LEAF_EXT_FEATURES:
		if (nst_guest_has(vcpu, NST_GCAP_AMD) && !(vcpu->apic_base & MSR_IA32_APICBASE_ENABLE))
			assign_bit32(edx, X86_FEATURE_APIC, false);
		break;
	}
}

/*
 * SDM2A "CPUID": above the highest leaf of its range, an Intel CPU answers
 * with its highest basic leaf.  An AMD CPU answers zeros.
 */
static struct kvm_cpuid_entry2 *out_of_range(struct nst_vcpu *vcpu, u32 leaf, u32 index)
{
	struct kvm_cpuid_entry2 *basic = find_entry(vcpu, LEAF_MAX_BASIC, 0);
	struct kvm_cpuid_entry2 *range = basic;

	if (!basic || nst_guest_has(vcpu, NST_GCAP_AMD))
		return NULL;
	if (leaf >= LEAF_MAX_EXT)
		range = find_entry(vcpu, LEAF_MAX_EXT, 0);
	else if (leaf >= LEAF_PV_BASE)
		range = find_entry(vcpu, leaf & ~(LEAF_PV_STRIDE - 1), 0);
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
	if (leaf == LEAF_TOPOLOGY || leaf == LEAF_TOPOLOGY2) {
		e = find_entry(vcpu, leaf, 0);
		if (e) {
			*ecx = index & 0xff;
			*edx = e->edx;
		}
	}
}
