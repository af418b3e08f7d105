// SPDX-License-Identifier: GPL-2.0-only
/*
 * What L1 reads in MSRs IA32_VMX_*: one row a control, saying what must
 * work below for it to be offered.  The host's own capability MSRs are never
 * looked at.  SDM3 appendix "VMX Capability Reporting Facility".  Pure.
 */
#include "vmx_caps.h"
#include "vmcs12.h"

/* How a bit of a control word is offered. */
enum offer {
	DEFAULT1,	/* must be 1, says every capability MSR */
	LEGACY1,	/* may be 0, which only the TRUE MSRs tell */
	FREE,		/* 0 or 1 */
};

struct control {
	u8 word;
	u8 offer;
	u32 bits;
	u32 needs;	/* NVMX_HAS_* */
};

#define PIN(offer, bits, needs)		{ NVMX_PIN, offer, bits, needs }
#define PROC(offer, bits, needs)	{ NVMX_PROC, offer, bits, needs }
#define PROC2(bits, needs)		{ NVMX_PROC2, FREE, bits, needs }
#define EXIT(offer, bits, needs)	{ NVMX_EXIT, offer, bits, needs }
#define ENTRY(offer, bits, needs)	{ NVMX_ENTRY, offer, bits, needs }

static const struct control controls[] = {
	PIN(DEFAULT1, PIN_BASED_ALWAYSON_WITHOUT_TRUE_MSR, 0),
	PIN(FREE, PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING | PIN_BASED_VIRTUAL_NMIS, 0),
	PIN(FREE, PIN_BASED_VMX_PREEMPTION_TIMER, 0),
	PIN(FREE, PIN_BASED_POSTED_INTR, NVMX_HAS_TPR_SHADOW | NVMX_HAS_APIC_ACCESS),

	PROC(DEFAULT1, CPU_BASED_ALWAYSON_WITHOUT_TRUE_MSR &
		       ~(CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING), 0),
	PROC(LEGACY1, CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING, 0),
	PROC(FREE, CPU_BASED_INTR_WINDOW_EXITING | CPU_BASED_NMI_WINDOW_EXITING, 0),
	PROC(FREE, CPU_BASED_USE_TSC_OFFSETTING | CPU_BASED_RDTSC_EXITING, 0),
	PROC(FREE, CPU_BASED_HLT_EXITING | CPU_BASED_PAUSE_EXITING, 0),
	PROC(FREE, CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING, 0),
	PROC(FREE, CPU_BASED_INVLPG_EXITING | CPU_BASED_RDPMC_EXITING, 0),
	PROC(FREE, CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING, 0),
	PROC(FREE, CPU_BASED_TPR_SHADOW, NVMX_HAS_TPR_SHADOW),
	PROC(FREE, CPU_BASED_MOV_DR_EXITING | CPU_BASED_MONITOR_TRAP_FLAG, 0),
	PROC(FREE, CPU_BASED_UNCOND_IO_EXITING | CPU_BASED_USE_IO_BITMAPS, 0),
	PROC(FREE, CPU_BASED_USE_MSR_BITMAPS, 0),
	PROC(FREE, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, 0),

	PROC2(SECONDARY_EXEC_ENABLE_EPT, NVMX_HAS_EPT),
	PROC2(SECONDARY_EXEC_UNRESTRICTED_GUEST, NVMX_HAS_EPT | NVMX_HAS_UNRESTRICTED),
	PROC2(SECONDARY_EXEC_ENABLE_VPID, 0),
	PROC2(SECONDARY_EXEC_DESC | SECONDARY_EXEC_WBINVD_EXITING, 0),
	PROC2(SECONDARY_EXEC_ENABLE_RDTSCP, NVMX_HAS_RDTSCP),
	PROC2(SECONDARY_EXEC_ENABLE_INVPCID, NVMX_HAS_INVPCID),
	PROC2(SECONDARY_EXEC_RDRAND_EXITING, NVMX_HAS_RDRAND_EXITS),
	PROC2(SECONDARY_EXEC_RDSEED_EXITING, NVMX_HAS_RDSEED_EXITS),
	PROC2(VMCS_CONTROL_BIT(XSAVES), NVMX_HAS_XSAVES),
	PROC2(SECONDARY_EXEC_TSC_SCALING, 0),
	PROC2(SECONDARY_EXEC_SHADOW_VMCS, 0),
	PROC2(SECONDARY_EXEC_ENABLE_PML, NVMX_HAS_EPT | NVMX_HAS_EPT_AD),
	PROC2(SECONDARY_EXEC_ENABLE_VMFUNC, NVMX_HAS_EPT),
	PROC2(SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES, NVMX_HAS_TPR_SHADOW | NVMX_HAS_APIC_ACCESS),
	PROC2(SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE, NVMX_HAS_TPR_SHADOW),
	PROC2(SECONDARY_EXEC_APIC_REGISTER_VIRT | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY,
	      NVMX_HAS_TPR_SHADOW | NVMX_HAS_APIC_ACCESS),

	EXIT(DEFAULT1, VM_EXIT_ALWAYSON_WITHOUT_TRUE_MSR & ~VM_EXIT_SAVE_DEBUG_CONTROLS, 0),
	EXIT(LEGACY1, VM_EXIT_SAVE_DEBUG_CONTROLS, 0),
	EXIT(FREE, VM_EXIT_HOST_ADDR_SPACE_SIZE | VM_EXIT_ACK_INTR_ON_EXIT, 0),
	EXIT(FREE, VM_EXIT_SAVE_IA32_PAT | VM_EXIT_LOAD_IA32_PAT, 0),
	EXIT(FREE, VM_EXIT_SAVE_IA32_EFER | VM_EXIT_LOAD_IA32_EFER, 0),
	EXIT(FREE, VM_EXIT_SAVE_VMX_PREEMPTION_TIMER, 0),

	ENTRY(DEFAULT1, VM_ENTRY_ALWAYSON_WITHOUT_TRUE_MSR & ~VM_ENTRY_LOAD_DEBUG_CONTROLS, 0),
	ENTRY(LEGACY1, VM_ENTRY_LOAD_DEBUG_CONTROLS, 0),
	ENTRY(FREE, VM_ENTRY_IA32E_MODE | VM_ENTRY_LOAD_IA32_PAT | VM_ENTRY_LOAD_IA32_EFER, 0),
};

/* IA32_VMX_BASIC, SDM3 "Basic VMX Information". */
#define BASIC_SIZE_SHIFT	32
#define BASIC_WRITE_BACK	(6ull << 50)
#define BASIC_INS_OUTS		BIT_ULL(54)
#define BASIC_TRUE_MSRS		BIT_ULL(55)

#define MISC_TARGETS_SHIFT	16

#define VPID_CAP(bit)		((u64)(bit) << 32)

static u64 ept_vpid_caps(u32 has)
{
	u64 caps = VPID_CAP(VMX_VPID_INVVPID_BIT) | VPID_CAP(VMX_VPID_EXTENT_INDIVIDUAL_ADDR_BIT) |
		   VPID_CAP(VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT) |
		   VPID_CAP(VMX_VPID_EXTENT_GLOBAL_CONTEXT_BIT) |
		   VPID_CAP(VMX_VPID_EXTENT_SINGLE_NON_GLOBAL_BIT);

	if (!(has & NVMX_HAS_EPT))
		return caps;
	/* The type of L1's own tables in memory makes no difference here. */
	caps |= VMX_EPT_PAGE_WALK_4_BIT | VMX_EPTP_UC_BIT | VMX_EPTP_WB_BIT | VMX_EPT_2MB_PAGE_BIT |
		VMX_EPT_INVEPT_BIT | VMX_EPT_EXTENT_CONTEXT_BIT | VMX_EPT_EXTENT_GLOBAL_BIT;
	if (has & NVMX_HAS_EPT_1G)
		caps |= VMX_EPT_1GB_PAGE_BIT;
	if (has & NVMX_HAS_EPT_AD)
		caps |= VMX_EPT_AD_BIT;
	if (has & NVMX_HAS_EPT_X)
		caps |= VMX_EPT_EXECUTE_ONLY_BIT;
	return caps;
}

/**
 * nvmx_caps_fill() - the capabilities of a new vCPU
 * @caps: filled
 * @has: NVMX_HAS_*
 * @cr4_allowed: CR4 bits that the guest may set
 */
void nvmx_caps_fill(struct nvmx_caps *caps, u32 has, u64 cr4_allowed)
{
	memset(caps, 0, sizeof(*caps));
	for (unsigned int i = 0; i < ARRAY_SIZE(controls); i++) {
		const struct control *c = &controls[i];

		if ((has & c->needs) != c->needs)
			continue;
		caps->may1[c->word] |= c->bits;
		if (c->offer == DEFAULT1)
			caps->must1[c->word] |= c->bits;
	}
	caps->basic = NVMX_REVISION | (u64)NVMX_REGION_SIZE << BASIC_SIZE_SHIFT |
		      BASIC_WRITE_BACK | BASIC_INS_OUTS | BASIC_TRUE_MSRS;
	caps->misc = NVMX_TIMER_SHIFT | VMX_MISC_SAVE_EFER_LMA | VMX_MISC_ACTIVITY_HLT |
		     VMX_MISC_ACTIVITY_WAIT_SIPI | NVMX_MISC_VMWRITE_ALL |
		     NVMX_CR3_TARGETS << MISC_TARGETS_SHIFT;
	caps->cr0_fixed0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG;
	caps->cr0_fixed1 = 0xffffffff;
	caps->cr4_fixed0 = X86_CR4_VMXE;
	caps->cr4_fixed1 = cr4_allowed | X86_CR4_VMXE;
	caps->ept_vpid = ept_vpid_caps(has);
	caps->vmcs_enum = nvmx_last_field(caps) << 1;
	caps->vmfunc = has & NVMX_HAS_EPT ? VMX_VMFUNC_EPTP_SWITCHING : 0;
}

/* ---- enlightened VMCSs ---- */

/*
 * Controls for whose fields an enlightened VMCS of version 1 has no place, and the two
 * that are of no use without them.
 */
static const struct {
	u8 word;
	u32 bits;
} not_enlightened[] = {
	{ NVMX_PIN, PIN_BASED_POSTED_INTR | PIN_BASED_VMX_PREEMPTION_TIMER },
	{ NVMX_PROC2, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES | SECONDARY_EXEC_APIC_REGISTER_VIRT |
		      SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY },
	{ NVMX_PROC2, SECONDARY_EXEC_SHADOW_VMCS | SECONDARY_EXEC_ENABLE_PML },
	{ NVMX_PROC2, SECONDARY_EXEC_ENABLE_VMFUNC | SECONDARY_EXEC_TSC_SCALING },
	{ NVMX_PROC2, SECONDARY_EXEC_PAUSE_LOOP_EXITING },
	{ NVMX_EXIT, VM_EXIT_SAVE_VMX_PREEMPTION_TIMER },
};

/**
 * nvmx_caps_reduce() - leave what works with enlightened VMCSs
 * @caps: changed
 */
void nvmx_caps_reduce(struct nvmx_caps *caps)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(not_enlightened); i++)
		caps->may1[not_enlightened[i].word] &= ~not_enlightened[i].bits;
	caps->vmfunc = 0;
}

/* ---- the MSRs ---- */

/* A control word's MSR: the one of old, and the one that tells the truth. */
static const struct {
	u8 word;
	bool tells_all;
	u32 msr;
} control_msrs[] = {
	{ NVMX_PIN, false, MSR_IA32_VMX_PINBASED_CTLS },
	{ NVMX_PIN, true, MSR_IA32_VMX_TRUE_PINBASED_CTLS },
	{ NVMX_PROC, false, MSR_IA32_VMX_PROCBASED_CTLS },
	{ NVMX_PROC, true, MSR_IA32_VMX_TRUE_PROCBASED_CTLS },
	{ NVMX_PROC2, true, MSR_IA32_VMX_PROCBASED_CTLS2 },
	{ NVMX_EXIT, false, MSR_IA32_VMX_EXIT_CTLS },
	{ NVMX_EXIT, true, MSR_IA32_VMX_TRUE_EXIT_CTLS },
	{ NVMX_ENTRY, false, MSR_IA32_VMX_ENTRY_CTLS },
	{ NVMX_ENTRY, true, MSR_IA32_VMX_TRUE_ENTRY_CTLS },
};

static u32 legacy_ones(u8 word)
{
	u32 bits = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(controls); i++)
		if (controls[i].word == word && controls[i].offer == LEGACY1)
			bits |= controls[i].bits;
	return bits;
}

static int find_control_msr(u32 msr)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(control_msrs); i++)
		if (control_msrs[i].msr == msr)
			return i;
	return -1;
}

/**
 * nvmx_caps_get() - read a capability MSR
 * @caps: of the vCPU
 * @msr: MSR_IA32_VMX_*
 * @val: its value
 *
 * Return: false when there is no such MSR.
 */
bool nvmx_caps_get(const struct nvmx_caps *caps, u32 msr, u64 *val)
{
	int i = find_control_msr(msr);
	u32 must1;

	if (i >= 0) {
		must1 = caps->must1[control_msrs[i].word];
		if (!control_msrs[i].tells_all)
			must1 |= legacy_ones(control_msrs[i].word) &
				 caps->may1[control_msrs[i].word];
		*val = (u64)caps->may1[control_msrs[i].word] << 32 | must1;
		return true;
	}
	switch (msr) {
	case MSR_IA32_VMX_BASIC:
		*val = caps->basic;
		return true;
	case MSR_IA32_VMX_MISC:
		*val = caps->misc;
		return true;
	case MSR_IA32_VMX_CR0_FIXED0:
		*val = caps->cr0_fixed0;
		return true;
	case MSR_IA32_VMX_CR0_FIXED1:
		*val = caps->cr0_fixed1;
		return true;
	case MSR_IA32_VMX_CR4_FIXED0:
		*val = caps->cr4_fixed0;
		return true;
	case MSR_IA32_VMX_CR4_FIXED1:
		*val = caps->cr4_fixed1;
		return true;
	case MSR_IA32_VMX_VMCS_ENUM:
		*val = caps->vmcs_enum;
		return true;
	case MSR_IA32_VMX_EPT_VPID_CAP:
		*val = caps->ept_vpid;
		return true;
	case MSR_IA32_VMX_VMFUNC:
		*val = caps->vmfunc;
		return true;
	default:
		return false;
	}
}

/* Bits of IA32_VMX_MISC that say what is there; the others are numbers. */
#define MISC_FEATURES	(VMX_MISC_SAVE_EFER_LMA | VMX_MISC_ACTIVITY_HLT | \
			 VMX_MISC_ACTIVITY_WAIT_SIPI | NVMX_MISC_VMWRITE_ALL)
/* Bits of IA32_VMX_BASIC that do the same. */
#define BASIC_FEATURES	(BASIC_INS_OUTS | BASIC_TRUE_MSRS)
#define MISC_TARGETS	(0x1ffull << MISC_TARGETS_SHIFT)

static bool set_control(struct nvmx_caps *caps, const struct nvmx_caps *most, int i, u64 val)
{
	u8 word = control_msrs[i].word;
	u32 may1 = val >> 32, must1 = (u32)val;

	/* A bit may even be taken away that must be 1: then no VMCS will do. */
	if ((may1 & ~most->may1[word]) || (most->must1[word] & ~must1))
		return false;
	caps->may1[word] = may1;
	/* What the MSR of old says of bits that may be 0 is not the truth. */
	if (!control_msrs[i].tells_all)
		must1 &= ~legacy_ones(word) | caps->must1[word];
	caps->must1[word] = must1;
	return true;
}

/**
 * nvmx_caps_set() - userspace takes capabilities away
 * @caps: of the vCPU, changed
 * @most: what nvmx_caps_fill() gave
 * @msr: MSR_IA32_VMX_*
 * @val: new value: must not promise more than @most
 *
 * Return: false for a value or an MSR that cannot be.
 */
bool nvmx_caps_set(struct nvmx_caps *caps, const struct nvmx_caps *most, u32 msr, u64 val)
{
	int i = find_control_msr(msr);
	u64 now;

	if (i >= 0)
		return set_control(caps, most, i, val);
	switch (msr) {
	case MSR_IA32_VMX_MISC:
		if ((val & ~most->misc & MISC_FEATURES) ||
		    (val & MISC_TARGETS) > (most->misc & MISC_TARGETS) ||
		    ((val ^ most->misc) & ~(MISC_FEATURES | MISC_TARGETS)))
			return false;
		caps->misc = val;
		return true;
	case MSR_IA32_VMX_BASIC:
		if ((val & ~most->basic) || ((val ^ most->basic) & ~BASIC_FEATURES))
			return false;
		caps->basic = val;
		return true;
	case MSR_IA32_VMX_VMCS_ENUM:
		/* It is a hint, and some userspace sets it by itself. */
		caps->vmcs_enum = val;
		return true;
	case MSR_IA32_VMX_VMFUNC:
		if (val & ~most->vmfunc)
			return false;
		caps->vmfunc = val;
		return true;
	case MSR_IA32_VMX_EPT_VPID_CAP:
		if (val & ~most->ept_vpid)
			return false;
		caps->ept_vpid = val;
		return true;
	default:
		/* The rest cannot be less than it is. */
		return nvmx_caps_get(most, msr, &now) && now == val;
	}
}
