// SPDX-License-Identifier: GPL-2.0-only
/* The VMX capability MSRs: consistent by the manual's rules for every set of abilities. */
#include "nested/vmcs12.h"
#include "nested/vmx_caps.h"
#include "tap.h"

#define ALL_ABILITIES	0x1fffu

static u64 get(const struct nvmx_caps *caps, u32 msr)
{
	u64 val = 0;

	if (!nvmx_caps_get(caps, msr, &val))
		tap_ok(false, "MSR %#x exists", msr);
	return val;
}

/* SDM3 appendix "Reserved Controls and Default Settings". */
static bool consistent(const struct nvmx_caps *caps)
{
	static const struct { u32 old, fresh; } pairs[] = {
		{ MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS },
		{ MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS },
		{ MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS },
		{ MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS },
	};
	static const u32 default1[] = { 0x16, 0x0401e172, 0x36dff, 0x11ff };

	for (unsigned int i = 0; i < ARRAY_SIZE(pairs); i++) {
		u64 old = get(caps, pairs[i].old), fresh = get(caps, pairs[i].fresh);

		/* What must be 1 may be 1; the old MSR forces the whole default1 class. */
		if (((u32)old & ~(old >> 32)) || ((u32)fresh & ~(fresh >> 32)))
			return false;
		if (old >> 32 != fresh >> 32 || ((u32)fresh & ~(u32)old))
			return false;
		if (((u32)old & default1[i]) != default1[i])
			return false;
	}
	return !(u32)get(caps, MSR_IA32_VMX_PROCBASED_CTLS2);
}

static void test_consistent(void)
{
	struct nvmx_caps caps;
	unsigned int wrong = 0;

	for (u32 has = 0; has <= ALL_ABILITIES; has++) {
		nvmx_caps_fill(&caps, has, X86_CR4_PAE);
		wrong += !consistent(&caps);
		/* Unrestricted guest stands on EPT, and EPT's own MSR says nothing without. */
		if (!(has & NVMX_HAS_EPT))
			wrong += nvmx_caps_offer(&caps, VMX_FEATURE_UNRESTRICTED_GUEST) ||
				 (u32)caps.ept_vpid;
	}
	tap_ok(!wrong, "%u sets of abilities give consistent MSRs", ALL_ABILITIES + 1);
}

static void test_values(void)
{
	struct nvmx_caps caps;
	u64 val;

	nvmx_caps_fill(&caps, ALL_ABILITIES, X86_CR4_PAE | X86_CR4_PSE);
	tap_ok((u32)get(&caps, MSR_IA32_VMX_BASIC) == NVMX_REVISION &&
	       ((get(&caps, MSR_IA32_VMX_BASIC) >> 32) & 0x1fff) == 4096 &&
	       ((get(&caps, MSR_IA32_VMX_BASIC) >> 50) & 0xf) == 6 &&
	       (get(&caps, MSR_IA32_VMX_BASIC) >> 55 & 1), "basic");
	tap_ok(get(&caps, MSR_IA32_VMX_CR4_FIXED1) ==
	       (X86_CR4_PAE | X86_CR4_PSE | X86_CR4_VMXE) &&
	       get(&caps, MSR_IA32_VMX_CR4_FIXED0) == X86_CR4_VMXE &&
	       get(&caps, MSR_IA32_VMX_CR0_FIXED0) == 0x80000021 &&
	       get(&caps, MSR_IA32_VMX_CR0_FIXED1) == 0xffffffff, "fixed bits of CR0 and CR4");
	tap_ok(get(&caps, MSR_IA32_VMX_VMCS_ENUM) == (TSC_MULTIPLIER & 0x3fe),
	       "the highest field index");
	tap_ok(!(get(&caps, MSR_IA32_VMX_TRUE_PROCBASED_CTLS) & CPU_BASED_CR3_LOAD_EXITING) &&
	       (get(&caps, MSR_IA32_VMX_PROCBASED_CTLS) & CPU_BASED_CR3_LOAD_EXITING),
	       "CR3-load exiting is free in the TRUE MSR alone");
	tap_ok(get(&caps, MSR_IA32_VMX_VMFUNC) == 1, "EPTP switching is the only VM function");
	tap_ok(!nvmx_caps_get(&caps, MSR_IA32_VMX_VMFUNC + 1, &val) &&
	       !nvmx_caps_get(&caps, MSR_IA32_VMX_BASIC - 1, &val), "no other MSRs");
}

static void test_set(void)
{
	static const u32 msrs[] = {
		MSR_IA32_VMX_BASIC, MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_PROCBASED_CTLS,
		MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_MISC,
		MSR_IA32_VMX_CR0_FIXED0, MSR_IA32_VMX_CR0_FIXED1, MSR_IA32_VMX_CR4_FIXED0,
		MSR_IA32_VMX_CR4_FIXED1, MSR_IA32_VMX_VMCS_ENUM, MSR_IA32_VMX_PROCBASED_CTLS2,
		MSR_IA32_VMX_EPT_VPID_CAP, MSR_IA32_VMX_TRUE_PINBASED_CTLS,
		MSR_IA32_VMX_TRUE_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS,
		MSR_IA32_VMX_TRUE_ENTRY_CTLS,
	};
	struct nvmx_caps most, caps;
	unsigned int wrong = 0;

	nvmx_caps_fill(&most, ALL_ABILITIES & ~(u32)NVMX_HAS_EPT_X, X86_CR4_PAE);
	caps = most;
	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++)
		wrong += !nvmx_caps_set(&caps, &most, msrs[i], get(&most, msrs[i]));
	tap_ok(!wrong && !memcmp(&caps, &most, sizeof(caps)),
	       "writing back what was read changes nothing");
	tap_ok(nvmx_caps_set(&caps, &most, MSR_IA32_VMX_PROCBASED_CTLS2, 0) &&
	       !nvmx_caps_offer(&caps, VMX_FEATURE_EPT), "controls can be taken away");
	tap_ok(nvmx_caps_set(&caps, &most, MSR_IA32_VMX_PROCBASED_CTLS2,
			     get(&most, MSR_IA32_VMX_PROCBASED_CTLS2)) &&
	       nvmx_caps_offer(&caps, VMX_FEATURE_EPT), "and given back");
	tap_ok(!nvmx_caps_set(&caps, &most, MSR_IA32_VMX_PROCBASED_CTLS2, ~0ull << 32),
	       "but none that was not there");
	tap_ok(!nvmx_caps_set(&caps, &most, MSR_IA32_VMX_EPT_VPID_CAP,
			      most.ept_vpid | VMX_EPT_EXECUTE_ONLY_BIT), "nor of EPT");
	tap_ok(nvmx_caps_set(&caps, &most, MSR_IA32_VMX_VMCS_ENUM, ~0ull) &&
	       nvmx_caps_set(&caps, &most, MSR_IA32_VMX_VMCS_ENUM, 0), "the field index is a hint");
	tap_ok(nvmx_caps_set(&caps, &most, MSR_IA32_VMX_BASIC, most.basic & ~BIT_ULL(54)) &&
	       !nvmx_caps_set(&caps, &most, MSR_IA32_VMX_BASIC, most.basic | BIT_ULL(49)),
	       "features of IA32_VMX_BASIC are taken away, not added");
	tap_ok(nvmx_caps_set(&caps, &most, MSR_IA32_VMX_VMFUNC, 0) &&
	       !nvmx_caps_set(&caps, &most, MSR_IA32_VMX_VMFUNC, 3), "nor are VM functions");
	tap_ok(!nvmx_caps_set(&caps, &most, MSR_IA32_VMX_TRUE_PINBASED_CTLS, 0x7full << 32),
	       "a control that must be 1 stays so");
	tap_ok(!nvmx_caps_set(&caps, &most, MSR_IA32_VMX_MISC, most.misc ^ 1) &&
	       nvmx_caps_set(&caps, &most, MSR_IA32_VMX_MISC, most.misc & ~VMX_MISC_ACTIVITY_HLT),
	       "numbers of IA32_VMX_MISC are fixed, features are not");
	tap_ok(!nvmx_caps_set(&caps, &most, MSR_IA32_VMX_BASIC, 1), "another revision is refused");
}

/* What an enlightened VMCS has no place for goes with the control that needs it. */
static void test_reduce(void)
{
	static const u32 gone[] = {
		APIC_ACCESS_ADDR, POSTED_INTR_DESC_ADDR, POSTED_INTR_NV, EOI_EXIT_BITMAP0,
		EOI_EXIT_BITMAP3, GUEST_INTR_STATUS, VMREAD_BITMAP, VMWRITE_BITMAP,
		VM_FUNCTION_CONTROL, EPTP_LIST_ADDRESS, PML_ADDRESS, GUEST_PML_INDEX,
		TSC_MULTIPLIER, VMX_PREEMPTION_TIMER_VALUE,
	};
	unsigned int fields = 0, before = 0, wrong = 0;
	const struct nvmx_field *row;
	struct nvmx_caps all, caps;
	u32 encoding;

	nvmx_caps_fill(&all, ALL_ABILITIES, X86_CR4_PAE);
	caps = all;
	nvmx_caps_reduce(&caps);
	tap_ok(consistent(&caps) && !get(&caps, MSR_IA32_VMX_VMFUNC),
	       "reduced MSRs are consistent, without VM functions");
	for (unsigned int i = 0; i < ARRAY_SIZE(gone); i++)
		wrong += !nvmx_field(&all, gone[i]) || nvmx_field(&caps, gone[i]);
	tap_ok(!wrong, "fields that an enlightened VMCS has not are not needed");
	for (unsigned int i = 0; (row = nvmx_field_row(i, &encoding)); i++) {
		before += row->name && nvmx_field(&all, encoding);
		fields += row->name && nvmx_field(&caps, encoding);
	}
	tap_ok(before - fields == 16, "all others are (%u)", before - fields);
}

int main(void)
{
	test_reduce();
	test_consistent();
	test_values();
	test_set();
	return tap_done();
}
