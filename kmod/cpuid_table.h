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
#endif

/* What must hold for a feature bit to be offered. */
enum nst_cpuid_need {
	NST_NEED_HOST,		/* the host's kernel uses it too */
	NST_NEED_EMULATED,	/* made by software: always there */
	NST_NEED_INTEL,		/* made by software, on Intel hosts alone */
	NST_NEED_TDP,		/* host, and two-dimensional paging */
	NST_NEED_LA57,		/* host's CPU, whatever its kernel uses; TDP */
	NST_NEED_AVX,		/* host, and XCR0 holds the component: */
	NST_NEED_AVX512,
	NST_NEED_PKRU,		/* and TDP */
	NST_NEED_XSAVES,	/* host, and the backend lets guests use it: */
	NST_NEED_RDTSCP,
	NST_NEED_INVPCID,	/* and TDP */
};

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

/**
 * struct nst_cpuid_cr4 - the CR4 bits that a feature brings
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

#endif /* NST_CPUID_TABLE_H */
