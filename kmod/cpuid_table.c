// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each CPUID fact, once.  A feature that has no row is hidden from guests.
 *
 * Data, and the search for a word's row.  Absent on purpose: performance
 * monitoring, MONITOR/MWAIT, SGX, AMX, CET, processor trace, WAITPKG, ENQCMD,
 * MOVDIR64B (no instruction emulation for MMIO), and everything that reads power
 * or thermal state of the host.
 */
#include "nestor.h"

#include <linux/kernel.h>
#include "vcpu.h"
#include "cpuid_table.h"

#define F(name, need) { X86_FEATURE_##name, NST_NEED_##need, NST_CPUID_NO_GCAP }
#define G(name, need, gcap) { X86_FEATURE_##name, NST_NEED_##need, NST_GCAP_##gcap }

const struct nst_cpuid_feature nst_cpuid_features[] = {
	/* leaf 1, EDX */
	F(FPU, HOST),
	F(VME, HOST),
	G(DE, HOST, DE),
	F(PSE, HOST),
	F(TSC, HOST),
	F(MSR, HOST),
	F(PAE, HOST),
	G(MCE, HOST, MCE),
	F(CX8, HOST),
	F(APIC, EMULATED),
	G(SEP, HOST, SEP),
	G(MTRR, EMULATED, MTRR),
	G(PGE, HOST, PGE),
	F(MCA, HOST),
	F(CMOV, HOST),
	G(PAT, HOST, PAT),
	F(PSE36, HOST),
	F(CLFLUSH, HOST),
	F(MMX, HOST),
	F(FXSR, HOST),
	F(XMM, HOST),
	F(XMM2, HOST),
	F(HT, HOST),

	/* leaf 1, ECX */
	F(XMM3, HOST),
	F(PCLMULQDQ, HOST),
	G(VMX, NESTED, VMX),
	F(SSSE3, HOST),
	F(FMA, AVX),
	F(CX16, HOST),
	G(PCID, HOST, PCID),
	F(XMM4_1, HOST),
	F(XMM4_2, HOST),
	G(X2APIC, EMULATED, X2APIC),
	F(MOVBE, HOST),
	F(POPCNT, HOST),
	G(TSC_DEADLINE_TIMER, EMULATED, TSC_DEADLINE),
	F(AES, HOST),
	G(XSAVE, HOST, XSAVE),
	F(AVX, AVX),
	F(F16C, AVX),
	F(RDRAND, RDRAND),
	F(HYPERVISOR, EMULATED),

	/* leaf 6, EAX: our APIC timer never stops */
	F(ARAT, EMULATED),

	/* leaf 7.0, EBX */
	G(FSGSBASE, HOST, FSGSBASE),
	G(TSC_ADJUST, EMULATED, TSC_ADJUST),
	F(BMI1, HOST),
	F(HLE, HOST),
	F(AVX2, AVX),
	F(FDP_EXCPTN_ONLY, HOST),
	G(SMEP, HOST, SMEP),
	F(BMI2, HOST),
	F(ERMS, HOST),
	G(INVPCID, INVPCID, INVPCID),
	F(RTM, HOST),
	F(ZERO_FCS_FDS, HOST),
	F(AVX512F, AVX512),
	F(AVX512DQ, AVX512),
	F(RDSEED, RDSEED),
	F(ADX, HOST),
	G(SMAP, HOST, SMAP),
	F(AVX512IFMA, AVX512),
	F(CLFLUSHOPT, HOST),
	F(CLWB, HOST),
	F(AVX512PF, AVX512),
	F(AVX512ER, AVX512),
	F(AVX512CD, AVX512),
	F(SHA_NI, HOST),
	F(AVX512BW, AVX512),
	F(AVX512VL, AVX512),

	/* leaf 7.0, ECX */
	F(AVX512VBMI, AVX512),
	G(UMIP, HOST, UMIP),
	G(PKU, PKRU, PKU),
	F(AVX512_VBMI2, AVX512),
	F(GFNI, HOST),
	F(VAES, AVX),
	F(VPCLMULQDQ, AVX),
	F(AVX512_VNNI, AVX512),
	F(AVX512_BITALG, AVX512),
	F(AVX512_VPOPCNTDQ, AVX512),
	G(LA57, LA57, LA57),
	G(RDPID, RDTSCP, RDPID),
	F(CLDEMOTE, HOST),

	/* leaf 7.0, EDX */
	F(AVX512_4VNNIW, AVX512),
	F(AVX512_4FMAPS, AVX512),
	F(FSRM, HOST),
	F(AVX512_VP2INTERSECT, AVX512),
	F(MD_CLEAR, HOST),
	F(SERIALIZE, HOST),
	F(TSXLDTRK, HOST),
	F(AVX512_FP16, AVX512),
	G(SPEC_CTRL, HOST, SPEC_CTRL),
	G(INTEL_STIBP, HOST, SPEC_CTRL),
	F(FLUSH_L1D, HOST),
	G(ARCH_CAPABILITIES, INTEL, ARCH_CAP),
	G(SPEC_CTRL_SSBD, HOST, SPEC_CTRL),

	/* leaf 7.1, EAX */
	F(AVX_VNNI, AVX),
	F(AVX512_BF16, AVX512),

	/* leaf 0xd.1, EAX */
	F(XSAVEOPT, HOST),
	F(XSAVEC, XSAVES),
	F(XGETBV1, HOST),
	G(XSAVES, XSAVES, XSAVES),

	/* leaf 0x80000001, EDX */
	G(SYSCALL, HOST, SYSCALL),
	G(NX, HOST, NX),
	F(MMXEXT, HOST),
	G(FXSR_OPT, HOST, FFXSR),
	G(GBPAGES, HOST, 1G),
	G(RDTSCP, RDTSCP, RDTSCP),
	G(LM, HOST, LM),
	F(3DNOWEXT, HOST),
	F(3DNOW, HOST),

	/* leaf 0x80000001, ECX */
	F(LAHF_LM, HOST),
	F(CMP_LEGACY, HOST),
	G(SVM, NESTED, SVM),
	F(CR8_LEGACY, HOST),
	F(ABM, HOST),
	F(SSE4A, HOST),
	F(MISALIGNSSE, HOST),
	F(3DNOWPREFETCH, HOST),
	F(XOP, AVX),
	F(FMA4, AVX),
	F(TBM, HOST),
	F(TOPOEXT, HOST),

	/* leaf 0x80000008, EBX */
	F(CLZERO, HOST),
	F(XSAVEERPTR, HOST),
	F(AMD_IBPB, HOST),
	G(AMD_IBRS, HOST, SPEC_CTRL),
	G(AMD_STIBP, HOST, SPEC_CTRL),
	F(AMD_STIBP_ALWAYS_ON, HOST),
	G(AMD_SSBD, HOST, SPEC_CTRL),
	F(AMD_SSB_NO, HOST),
	F(BTC_NO, HOST),
};

const unsigned int nst_nr_cpuid_features = ARRAY_SIZE(nst_cpuid_features);

#undef F
#undef G

/* The order in which Linux numbers feature words. */
const struct nst_cpuid_word nst_cpuid_words[] = {
	{ .word = X86_FEATURE_FPU / 32, .leaf = 0x1, .reg = NST_CPUID_EDX },
	{ .word = X86_FEATURE_SYSCALL / 32, .leaf = 0x80000001, .reg = NST_CPUID_EDX },
	{ .word = X86_FEATURE_XMM3 / 32, .leaf = 0x1, .reg = NST_CPUID_ECX },
	{ .word = X86_FEATURE_LAHF_LM / 32, .leaf = 0x80000001, .reg = NST_CPUID_ECX },
	{ .word = X86_FEATURE_FSGSBASE / 32, .leaf = 0x7, .reg = NST_CPUID_EBX },
	{ .word = X86_FEATURE_XSAVEOPT / 32, .leaf = 0xd, .index = 1, .reg = NST_CPUID_EAX },
	{ .word = X86_FEATURE_AVX_VNNI / 32, .leaf = 0x7, .index = 1, .reg = NST_CPUID_EAX },
	{ .word = X86_FEATURE_CLZERO / 32, .leaf = 0x80000008, .reg = NST_CPUID_EBX },
	{ .word = X86_FEATURE_ARAT / 32, .leaf = 0x6, .reg = NST_CPUID_EAX },
	{ .word = X86_FEATURE_UMIP / 32, .leaf = 0x7, .reg = NST_CPUID_ECX },
	{ .word = X86_FEATURE_FSRM / 32, .leaf = 0x7, .reg = NST_CPUID_EDX },
};

const unsigned int nst_nr_cpuid_words = ARRAY_SIZE(nst_cpuid_words);

/* CR4 bits that are there on every CPU that has VMX or SVM: NST_CPUID_CR4_ALWAYS. */
const struct nst_cpuid_cr4 nst_cpuid_cr4[] = {
	{ X86_CR4_UMIP, X86_FEATURE_UMIP },
	{ X86_CR4_LA57, X86_FEATURE_LA57 },
	{ X86_CR4_FSGSBASE, X86_FEATURE_FSGSBASE },
	{ X86_CR4_PCIDE, X86_FEATURE_PCID },
	{ X86_CR4_OSXSAVE, X86_FEATURE_XSAVE },
	{ X86_CR4_SMEP, X86_FEATURE_SMEP },
	{ X86_CR4_SMAP, X86_FEATURE_SMAP },
	{ X86_CR4_PKE, X86_FEATURE_PKU },
	{ X86_CR4_VMXE, X86_FEATURE_VMX },
};

const unsigned int nst_nr_cpuid_cr4 = ARRAY_SIZE(nst_cpuid_cr4);

const struct nst_cpuid_word *nst_cpuid_find_word(unsigned int x86_feature)
{
	unsigned int i;

	for (i = 0; i < nst_nr_cpuid_words; i++)
		if (nst_cpuid_words[i].word == x86_feature / 32)
			return &nst_cpuid_words[i];
	return NULL;
}
