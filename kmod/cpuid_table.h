/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of CPUID: which feature bits a guest may see and what each needs,
 * where each bit is found, and which CR4 bit it permits.  Data only: nothing
 * but types in here, so that a userspace test reads the same rows.
 */
#ifndef NST_CPUID_TABLE_H
#define NST_CPUID_TABLE_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <asm/cpufeatures.h>
#include <asm/processor-flags.h>
#endif

/* What must hold for a feature bit to be offered. */
enum nst_cpuid_need {
	NST_NEED_HOST,		/* the host's kernel uses it too */
	NST_NEED_EMULATED,	/* made by software: always there */
	NST_NEED_INTEL,		/* made by software, on Intel hosts alone */
	NST_NEED_NESTED,	/* made by software, with nested=1 */
	NST_NEED_LA57,		/* host's CPU, whatever its kernel uses */
	NST_NEED_AVX,		/* host, and XCR0 holds the component: */
	NST_NEED_AVX512,
	NST_NEED_PKRU,
	NST_NEED_XSAVES,	/* host, and the backend lets guests use it: */
	NST_NEED_RDTSCP,
	NST_NEED_INVPCID,
	NST_NEED_RDRAND,	/* host, and an L1 that has VMX can have it exit: */
	NST_NEED_RDSEED,
};

/* SDM2A "CPUID", APM3 "CPUID Instruction": leaves that have names here. */
#define NST_LEAF_MAX_BASIC	0x00000000
#define NST_LEAF_FEATURES	0x00000001
#define NST_LEAF_DESCRIPTORS	0x00000002
#define NST_LEAF_CACHES		0x00000004
#define NST_LEAF_POWER		0x00000006
#define NST_LEAF_MORE_FEATURES	0x00000007
#define NST_LEAF_TOPOLOGY	0x0000000b
#define NST_LEAF_XSAVE		0x0000000d
#define NST_LEAF_TOPOLOGY2	0x0000001f
#define NST_LEAF_PV_BASE	0x40000000
#define NST_LEAF_PV_STRIDE	0x100
#define NST_LEAF_PV_LAST	0x40010000
#define NST_LEAF_MAX_EXT	0x80000000
#define NST_LEAF_EXT_FEATURES	0x80000001
#define NST_LEAF_BRAND		0x80000002
#define NST_LEAF_L1_CACHE	0x80000005
#define NST_LEAF_L2_CACHE	0x80000006
#define NST_LEAF_INVARIANT_TSC	0x80000007
#define NST_LEAF_ADDRESS	0x80000008
#define NST_LEAF_SVM		0x8000000a
#define NST_LEAF_1G_TLB		0x80000019
#define NST_LEAF_PERF_HINTS	0x8000001a
#define NST_LEAF_EXT_CACHES	0x8000001d
#define NST_LEAF_EXT_TOPOLOGY	0x8000001e

enum nst_cpuid_reg { NST_CPUID_EAX, NST_CPUID_EBX, NST_CPUID_ECX, NST_CPUID_EDX };

#define NST_CPUID_NO_GCAP	0xff

/**
 * struct nst_cpuid_feature - one feature bit that guests may see
 * @feature: X86_FEATURE_*: 32 * word + bit
 * @need: enum nst_cpuid_need
 * @gcap: enum nst_gcap that it sets in a vCPU, or NST_CPUID_NO_GCAP
 */
struct nst_cpuid_feature {
	u16 feature;
	u8 need;
	u8 gcap;
};

/**
 * struct nst_cpuid_word - where 32 feature bits are found
 * @word: X86_FEATURE_* / 32
 * @leaf: EAX
 * @index: ECX
 * @reg: enum nst_cpuid_reg
 */
struct nst_cpuid_word {
	u8 word;
	u8 reg;
	u8 index;
	u32 leaf;
};

/* Older than virtualization: no CPU that has it refuses them. */
#define NST_CPUID_CR4_ALWAYS	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE |	\
				 X86_CR4_PSE | X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE | \
				 X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)

/**
 * struct nst_cpuid_cr4 - the CR4 bits that a newer feature brings
 * @bits: X86_CR4_*
 * @feature: X86_FEATURE_*
 */
struct nst_cpuid_cr4 {
	u64 bits;
	u16 feature;
};

extern const struct nst_cpuid_feature nst_cpuid_features[];
extern const unsigned int nst_nr_cpuid_features;
extern const struct nst_cpuid_word nst_cpuid_words[];
extern const unsigned int nst_nr_cpuid_words;
extern const struct nst_cpuid_cr4 nst_cpuid_cr4[];
extern const unsigned int nst_nr_cpuid_cr4;

/* The row of @x86_feature's word, or NULL when no bit of it is ever shown. */
const struct nst_cpuid_word *nst_cpuid_find_word(unsigned int x86_feature);

#endif /* NST_CPUID_TABLE_H */
