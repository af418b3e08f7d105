/* SPDX-License-Identifier: GPL-2.0-only */
/* The VMX capability MSRs that L1 reads, and the questions asked of them. */
#ifndef NST_NVMX_CAPS_H
#define NST_NVMX_CAPS_H

#include "nvmx_pure.h"

/* Words of control bits; the first three are those of VMX_FEATURE_*. */
enum nvmx_word {
	NVMX_PIN, NVMX_PROC, NVMX_PROC2, NVMX_EXIT, NVMX_ENTRY, NVMX_NR_WORDS
};

/* What the parts below can do for L1: flags of nvmx_caps_fill(). */
#define NVMX_HAS_EPT		BIT(0)
#define NVMX_HAS_EPT_X		BIT(1)	/* execute-only pages */
#define NVMX_HAS_EPT_AD		BIT(2)
#define NVMX_HAS_EPT_1G		BIT(3)
#define NVMX_HAS_TSC_SCALING	BIT(4)
#define NVMX_HAS_INVPCID	BIT(5)
#define NVMX_HAS_RDTSCP		BIT(6)
#define NVMX_HAS_XSAVES		BIT(7)
#define NVMX_HAS_UNRESTRICTED	BIT(8)
#define NVMX_HAS_TPR_SHADOW	BIT(9)
#define NVMX_HAS_APIC_ACCESS	BIT(10)
#define NVMX_HAS_RDRAND_EXITS	BIT(11)
#define NVMX_HAS_RDSEED_EXITS	BIT(12)

/* IA32_VMX_MISC: CR3-target values; unit of the preemption timer, log2 of TSC ticks. */
#define NVMX_CR3_TARGETS	4
#define NVMX_TIMER_SHIFT	5
/* IA32_VMX_MISC: VMWRITE may change exit-information fields. */
#define NVMX_MISC_VMWRITE_ALL	BIT_ULL(29)
/* IA32_VMX_MISC bits 27:25 are 0: SDM3 "Miscellaneous Data". */
#define NVMX_MAX_MSR_LIST	VMX_MISC_MSR_LIST_MULTIPLIER

/**
 * struct nvmx_caps - the capability MSRs of one vCPU
 * @must1: controls that may not be 0, by enum nvmx_word
 * @may1: controls that may be 1
 * @basic: IA32_VMX_BASIC
 * @misc: IA32_VMX_MISC
 * @cr0_fixed0: CR0 bits that must be 1 in VMX operation
 * @cr0_fixed1: CR0 bits that may be 1
 * @cr4_fixed0: the same for CR4
 * @cr4_fixed1: the same for CR4
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP
 * @vmcs_enum: IA32_VMX_VMCS_ENUM
 * @vmfunc: IA32_VMX_VMFUNC
 */
struct nvmx_caps {
	u32 must1[NVMX_NR_WORDS];
	u32 may1[NVMX_NR_WORDS];
	u64 basic;
	u64 misc;
	u64 cr0_fixed0;
	u64 cr0_fixed1;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
	u64 ept_vpid;
	u64 vmcs_enum;
	u64 vmfunc;
};

static inline bool nvmx_caps_offer(const struct nvmx_caps *caps, unsigned int feature)
{
	return caps->may1[feature / 32] & BIT(feature % 32);
}

void nvmx_caps_reduce(struct nvmx_caps *caps);
void nvmx_caps_fill(struct nvmx_caps *caps, u32 has, u64 cr4_allowed);
bool nvmx_caps_get(const struct nvmx_caps *caps, u32 msr, u64 *val);
bool nvmx_caps_set(struct nvmx_caps *caps, const struct nvmx_caps *most, u32 msr, u64 val);

#endif /* NST_NVMX_CAPS_H */
