// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor says which CPUID features there may be; only we know how many
 * CPUs there are. The machine is one package of single-threaded cores with
 * APIC IDs from 0 up (SDM2 "CPUID-CPU Identification", APM3 "Extended Function
 * CPUID Information"). Pure.
 */
#include <errno.h>
#include <string.h>

#include "vmm/cpuid.h"

#define LEAF_MAX		0x0
#define LEAF_FEATURES		0x1
#define LEAF_CACHES		0x4
#define LEAF_TOPOLOGY		0xb
#define LEAF_TOPOLOGY_V2	0x1f
#define LEAF_AMD_MAX		0x80000000
#define LEAF_AMD_FEATURES	0x80000001
#define LEAF_AMD_SIZES		0x80000008
#define LEAF_AMD_SVM		0x8000000a
#define LEAF_AMD_CACHES		0x8000001d
#define LEAF_AMD_TOPOLOGY	0x8000001e

#define FEAT_EDX_MTRR		BIT(12)
#define FEAT_EDX_HTT		BIT(28)
#define FEAT_ECX_VMX		BIT(5)
#define FEAT_AMD_ECX_SVM	BIT(2)
#define FEAT_ECX_TSC_DEADLINE	BIT(24)
#define FEAT_ECX_HYPERVISOR	BIT(31)
#define AMD_ECX_CMP_LEGACY	BIT(1)

#define CACHE_TYPE_MASK		0x1fu
#define CACHE_LEVEL_SHARED	3
#define CACHE_ID_FIELDS		0xffffc000u	/* sharing CPUs and cores, minus one each */
#define CACHE_CORES_MAX		63u

#define LEVEL_SMT		1u
#define LEVEL_CORE		2u

static struct kvm_cpuid_entry2 *find(struct nl_cpuid *cpuid, u32 leaf)
{
	u32 i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == leaf)
			return &cpuid->entries[i];
	return NULL;
}

static bool vendor_is(const struct nl_cpuid *cpuid, const char *name)
{
	const struct kvm_cpuid_entry2 *e = find((struct nl_cpuid *)cpuid, LEAF_MAX);
	u32 id[3];

	if (!e)
		return false;
	id[0] = e->ebx;
	id[1] = e->edx;
	id[2] = e->ecx;
	return memcmp(id, name, sizeof(id)) == 0;
}

static bool is_amd(const struct nl_cpuid *cpuid)
{
	return vendor_is(cpuid, "AuthenticAMD") || vendor_is(cpuid, "HygonGenuine");
}

/* Bits of the APIC ID that number the cores. */
static u32 core_bits(u32 cpus)
{
	u32 bits = 0;

	while ((1u << bits) < cpus)
		bits++;
	return bits;
}

static void place_features(struct kvm_cpuid_entry2 *e, const struct cpuid_place *place)
{
	u32 ids = 1u << core_bits(place->cpus);

	if (ids > 0xff)
		ids = 0xff;
	e->ebx = (e->ebx & 0xffff) | ids << 16 | place->apic_id << 24;
	e->ecx |= FEAT_ECX_HYPERVISOR;
	if (place->tsc_deadline)
		e->ecx |= FEAT_ECX_TSC_DEADLINE;
	if (place->cpus > 1)
		e->edx |= FEAT_EDX_HTT;
	else
		e->edx &= ~FEAT_EDX_HTT;
}

/* Leaf 4 and its AMD twin: a level-3 cache belongs to all, the others to one core. */
static void place_cache(struct kvm_cpuid_entry2 *e, const struct cpuid_place *place)
{
	u32 cores = place->cpus - 1 > CACHE_CORES_MAX ? CACHE_CORES_MAX : place->cpus - 1;
	u32 sharing = (e->eax >> 5 & 7) >= CACHE_LEVEL_SHARED ? place->cpus - 1 : 0;

	if (!(e->eax & CACHE_TYPE_MASK))
		return;
	e->eax = (e->eax & ~CACHE_ID_FIELDS) | sharing << 14;
	if (e->function == LEAF_CACHES)
		e->eax |= cores << 26;
}

static void place_amd(struct kvm_cpuid_entry2 *e, const struct cpuid_place *place)
{
	switch (e->function) {
	case LEAF_AMD_FEATURES:
		if (place->cpus > 1)
			e->ecx |= AMD_ECX_CMP_LEGACY;
		break;
	case LEAF_AMD_SIZES:
		e->ecx = (place->cpus - 1) | core_bits(place->cpus) << 12;
		break;
	case LEAF_AMD_TOPOLOGY:
		e->eax = place->apic_id;
		e->ebx = place->apic_id & 0xff;
		e->ecx = 0;
		break;
	}
}

static void drop_leaf(struct nl_cpuid *cpuid, u32 leaf)
{
	u32 from, to = 0;

	for (from = 0; from < cpuid->nent; from++)
		if (cpuid->entries[from].function != leaf)
			cpuid->entries[to++] = cpuid->entries[from];
	cpuid->nent = to;
}

static int add_topology(struct nl_cpuid *cpuid, u32 leaf, const struct cpuid_place *place)
{
	const struct kvm_cpuid_entry2 levels[] = {
		{ .index = 0, .eax = 0, .ebx = 1, .ecx = LEVEL_SMT << 8 },
		{ .index = 1, .eax = core_bits(place->cpus), .ebx = place->cpus,
		  .ecx = LEVEL_CORE << 8 | 1 },
		{ .index = 2, .ecx = 2 },
	};
	struct kvm_cpuid_entry2 *e;
	u32 i;

	drop_leaf(cpuid, leaf);
	if (cpuid->nent + ARRAY_SIZE(levels) > NL_MAX_CPUID)
		return nl_fail(E2BIG, "too many CPUID leaves to add the topology");
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		e = &cpuid->entries[cpuid->nent++];
		*e = levels[i];
		e->function = leaf;
		e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		e->edx = place->apic_id;
	}
	return 0;
}

/**
 * cpuid_place() - Turn the supported leaves into those of one CPU
 * @cpuid: the leaves, changed in place
 * @place: which CPU of how many
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int cpuid_place(struct nl_cpuid *cpuid, const struct cpuid_place *place)
{
	const struct kvm_cpuid_entry2 *max = find(cpuid, LEAF_MAX);
	bool amd = is_amd(cpuid);
	int ret = 0;
	u32 i;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == LEAF_FEATURES)
			place_features(e, place);
		else if (e->function == LEAF_CACHES || e->function == LEAF_AMD_CACHES)
			place_cache(e, place);
		else if (amd)
			place_amd(e, place);
	}
	if (max && max->eax >= LEAF_TOPOLOGY)
		ret = add_topology(cpuid, LEAF_TOPOLOGY, place);
	max = find(cpuid, LEAF_MAX);
	if (!ret && max && max->eax >= LEAF_TOPOLOGY_V2)
		ret = add_topology(cpuid, LEAF_TOPOLOGY_V2, place);
	return ret;
}

static void set_vendor(struct kvm_cpuid_entry2 *e, const char *name)
{
	memcpy(&e->ebx, name, sizeof(e->ebx));
	memcpy(&e->edx, name + 4, sizeof(e->edx));
	memcpy(&e->ecx, name + 8, sizeof(e->ecx));
}

/* One ISA, with the vendor whose it is: software looks for it there alone. */
static void nest_entry(struct kvm_cpuid_entry2 *e, enum cpuid_nested nested)
{
	const char *vendor = nested == CPUID_VMX ? "GenuineIntel" : "AuthenticAMD";

	if (e->function == LEAF_FEATURES && nested != CPUID_VMX)
		e->ecx &= ~FEAT_ECX_VMX;
	if (e->function == LEAF_AMD_FEATURES && nested != CPUID_SVM)
		e->ecx &= ~FEAT_AMD_ECX_SVM;
	if (nested != CPUID_NOT_NESTED && (e->function == LEAF_MAX || e->function == LEAF_AMD_MAX))
		set_vendor(e, vendor);
	/* SVM describes itself in a leaf that Intel's CPUs do not have. */
	if (e->function == LEAF_AMD_MAX && nested == CPUID_SVM && e->eax < LEAF_AMD_SVM)
		e->eax = LEAF_AMD_SVM;
}

/**
 * cpuid_nest() - Choose what the guest can be a hypervisor with
 * @cpuid: the supported leaves, changed in place
 * @nested: which ISA, or none
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int cpuid_nest(struct nl_cpuid *cpuid, enum cpuid_nested nested)
{
	const struct kvm_cpuid_entry2 *vmx = find(cpuid, LEAF_FEATURES);
	const struct kvm_cpuid_entry2 *svm = find(cpuid, LEAF_AMD_FEATURES);
	u32 i;

	if (nested == CPUID_VMX && !(vmx && (vmx->ecx & FEAT_ECX_VMX)))
		return nl_fail(ENOTSUP, "--nested vmx: not offered; load the module with nested=1");
	if (nested == CPUID_SVM && !(svm && (svm->ecx & FEAT_AMD_ECX_SVM)))
		return nl_fail(ENOTSUP, "--nested svm: not offered; load the module with nested=1");
	for (i = 0; i < cpuid->nent; i++)
		nest_entry(&cpuid->entries[i], nested);
	return 0;
}

/**
 * cpuid_has_mtrr() - Will the guest look for memory type range registers?
 * @cpuid: its leaves
 *
 * Return: true when it will.
 */
bool cpuid_has_mtrr(const struct nl_cpuid *cpuid)
{
	const struct kvm_cpuid_entry2 *e = find((struct nl_cpuid *)cpuid, LEAF_FEATURES);

	return e && (e->edx & FEAT_EDX_MTRR);
}

/**
 * cpuid_is_intel() - Is the guest's CPU one of Intel's?
 * @cpuid: its leaves
 *
 * Return: true when it is.
 */
bool cpuid_is_intel(const struct nl_cpuid *cpuid)
{
	return vendor_is(cpuid, "GenuineIntel");
}
