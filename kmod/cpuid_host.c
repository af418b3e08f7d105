// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU that this host can offer: host's CPUID AND allowed row AND its need
 * holds.  Computed once at load.
 *
 * Calls nothing but fpu.c, for the XCR0 that guests may have.
 */
#include "nestor.h"

#include <linux/cpufeature.h>
#include <linux/kvm_para.h>
#include <linux/sched/stat.h>
#include <linux/uaccess.h>
#include <asm/fpu/types.h>
#include <asm/processor.h>
#include <asm/tsc.h>
#include "cpuid.h"
#include "cpuid_table.h"
#include "fpu.h"
#include "mmu/format.h"
#include "nested/svm_caps.h"

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
	return leaf <= cpuid_eax(leaf & NST_LEAF_MAX_EXT);
}

/* The bit as the CPU itself reports it. */
static bool host_raw(unsigned int x86_feature)
{
	const struct nst_cpuid_word *w = nst_cpuid_find_word(x86_feature);
	struct kvm_cpuid_entry2 e = {};

	if (!w || !host_has_leaf(w->leaf))
		return false;
	cpuid_count(w->leaf, w->index, &e.eax, &e.ebx, &e.ecx, &e.edx);
	return nst_cpuid_entry_reg(&e, w->reg) & BIT(x86_feature & 31);
}

static bool host_has(unsigned int x86_feature)
{
	return test_cpu_cap(&boot_cpu_data, x86_feature);
}

static bool has_xfeatures(u64 mask)
{
	return (nst_xcr0_supported() & mask) == mask;
}

/*
 * Userspace may conclude from RDRAND and RDSEED that nested VMX has their exits, and insist
 * on them. It makes CPUs of the host's vendor, which have VMX on an AMD host only when it is
 * all there is.
 */
static bool vmx_is_usual(void)
{
	return nst_param_nested && nst_offer_vmx && !(host_is_amd() && nst_offer_svm);
}

static bool need_met(const struct nst_cpuid_feature *row)
{
	unsigned int f = row->feature;

	switch ((enum nst_cpuid_need)row->need) {
	case NST_NEED_HOST:
		return host_has(f);
	case NST_NEED_EMULATED:
		return true;
	case NST_NEED_NESTED:
		return nst_param_nested && (f == X86_FEATURE_VMX ? nst_offer_vmx : nst_offer_svm);
	case NST_NEED_INTEL:
		return !host_is_amd();
	case NST_NEED_LA57:
		/* An L1's NPT has the levels of its own tables: we walk its shadow. */
		return host_raw(f) && (!nst_param_nested || !nst_caps.tdp ||
				       nst_caps.tdp_levels == NST_LEVEL_MAX);
	case NST_NEED_AVX:
		return host_has(f) && has_xfeatures(XFEATURE_MASK_YMM);
	case NST_NEED_AVX512:
		return host_has(f) && has_xfeatures(XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512);
	case NST_NEED_PKRU:
		return host_has(f) && has_xfeatures(XFEATURE_MASK_PKRU);
	case NST_NEED_XSAVES:
		return host_has(f) && nst_caps.xsaves;
	case NST_NEED_RDTSCP:
		return host_has(f) && nst_caps.rdtscp;
	case NST_NEED_INVPCID:
		return host_has(f) && nst_caps.invpcid;
	case NST_NEED_RDRAND:
		return host_has(f) && (nst_caps.rdrand_exits || !vmx_is_usual());
	case NST_NEED_RDSEED:
		return host_has(f) && (nst_caps.rdseed_exits || !vmx_is_usual());
	}
	return false;
}

static int build_offered(void)
{
	unsigned int i;

	for (i = 0; i < nst_nr_cpuid_features; i++) {
		const struct nst_cpuid_feature *row = &nst_cpuid_features[i];
		const struct nst_cpuid_word *w = nst_cpuid_find_word(row->feature);

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

	if (!host_has(X86_FEATURE_XSAVE) || !host_has_leaf(NST_LEAF_XSAVE))
		return;
	for (i = 2; i < ARRAY_SIZE(xstate); i++) {
		u32 flags, unused;

		cpuid_count(NST_LEAF_XSAVE, i, &xstate[i].size, &xstate[i].offset, &flags, &unused);
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
	e->eax = min_t(u32, e->eax, NST_LEAF_TOPOLOGY2);
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
		 BIT(KVM_FEATURE_CLOCKSOURCE2) | BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT) |
		 BIT(KVM_FEATURE_PV_UNHALT) | BIT(KVM_FEATURE_PV_SEND_IPI) |
		 BIT(KVM_FEATURE_PV_SCHED_YIELD) | BIT(KVM_FEATURE_PV_EOI) |
		 BIT(KVM_FEATURE_ASYNC_PF) | BIT(KVM_FEATURE_ASYNC_PF_INT);
	if (sched_info_on())
		e->eax |= BIT(KVM_FEATURE_STEAL_TIME);
	return true;
}

static bool fill_max_ext(struct kvm_cpuid_entry2 *e)
{
	u32 last = host_is_amd() ? NST_LEAF_EXT_TOPOLOGY : NST_LEAF_ADDRESS;

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

/* Shown on Intel hosts too, for userspace that makes an AMD CPU there. */
static bool fill_svm(struct kvm_cpuid_entry2 *e)
{
	if (!nst_cpuid_offers(X86_FEATURE_SVM))
		return false;
	nsvm_cpuid(&e->eax, &e->ebx, &e->ecx, &e->edx);
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
	{ NST_LEAF_MAX_BASIC, ANY, false, fill_max_basic },
	{ NST_LEAF_FEATURES, ANY, false, fill_features },
	{ NST_LEAF_DESCRIPTORS, INTEL, false, fill_raw },
	{ NST_LEAF_CACHES, INTEL, true, fill_cache },
	{ NST_LEAF_POWER, ANY, false, fill_feature_bits },
	{ NST_LEAF_MORE_FEATURES, ANY, true, fill_more_features },
	{ NST_LEAF_TOPOLOGY, INTEL, false, fill_zero },
	{ NST_LEAF_XSAVE, ANY, true, fill_xsave },
	{ NST_LEAF_PV_BASE, ANY, false, fill_pv_base },
	{ KVM_CPUID_FEATURES, ANY, false, fill_pv_features },
	{ NST_LEAF_MAX_EXT, ANY, false, fill_max_ext },
	{ NST_LEAF_EXT_FEATURES, ANY, false, fill_ext_features },
	{ NST_LEAF_BRAND, ANY, false, fill_raw },
	{ NST_LEAF_BRAND + 1, ANY, false, fill_raw },
	{ NST_LEAF_BRAND + 2, ANY, false, fill_raw },
	{ NST_LEAF_L1_CACHE, AMD, false, fill_raw },
	{ NST_LEAF_L2_CACHE, ANY, false, fill_raw },
	{ NST_LEAF_INVARIANT_TSC, ANY, false, fill_invariant_tsc },
	{ NST_LEAF_ADDRESS, ANY, false, fill_address },
	{ NST_LEAF_SVM, ANY, false, fill_svm },
	{ NST_LEAF_1G_TLB, AMD, false, fill_raw },
	{ NST_LEAF_PERF_HINTS, AMD, false, fill_raw },
	{ NST_LEAF_EXT_CACHES, AMD, true, fill_ext_cache },
	{ NST_LEAF_EXT_TOPOLOGY, AMD, false, fill_ext_topology },
};

static bool add_supported(const struct leaf_row *row, u32 index)
{
	struct kvm_cpuid_entry2 *e = &supported[nr_supported];

	if (nr_supported == MAX_SUPPORTED)
		return false;
	memset(e, 0, sizeof(*e));
	e->function = row->leaf;
	e->index = index;
	if (row->indexed || row->leaf == NST_LEAF_TOPOLOGY)
		e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	if ((row->leaf & 0xffff0000) != NST_LEAF_PV_BASE)
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

		if (row->vendor == (host_is_amd() ? INTEL : AMD))
			continue;
		if ((row->leaf & 0xffff0000) != NST_LEAF_PV_BASE && row->leaf != NST_LEAF_SVM &&
		    !host_has_leaf(row->leaf))
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
