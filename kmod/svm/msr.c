// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that the guest may touch without an exit: the MSR permission map, and
 * the table of those whose guest value hardware or the world switch carries.
 * Anything else stays intercepted, whatever is asked for.
 * APM2 "MSR Intercepts".
 */
#include "../nestor.h"
#include <linux/bitops.h>
#include <linux/string.h>
#include <asm/msr.h>
#include "svm.h"

#define SVM_MSRPM_BYTES		(2 * PAGE_SIZE)
#define SVM_MSRPM_RANGE		0x2000u		/* MSRs in each of the three ranges */

enum { SVM_DIRECT_READ = BIT(0), SVM_DIRECT_WRITE = BIT(1) };
#define SVM_DIRECT_RW	(SVM_DIRECT_READ | SVM_DIRECT_WRITE)

static bool svm_has_spec_ctrl(void)
{
	return boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
}

static bool svm_has_ibpb(void)
{
	return boot_cpu_has(X86_FEATURE_USE_IBPB);
}

static bool svm_has_tsc_aux(void)
{
	return nst_caps.rdtscp;
}

/**
 * struct svm_direct_msr - an MSR whose guest value is in hardware in the guest
 * @index: MSR number
 * @access: SVM_DIRECT_* that may be allowed at most
 * @present: condition, NULL for always
 *
 * TSC_AUX is written through an exit, so that st.tsc_aux is always current.
 */
struct svm_direct_msr {
	u32 index;
	u8 access;
	bool (*present)(void);
};

static const struct svm_direct_msr svm_direct_msrs[] = {
	{ MSR_FS_BASE,			SVM_DIRECT_RW },
	{ MSR_GS_BASE,			SVM_DIRECT_RW },
	{ MSR_KERNEL_GS_BASE,		SVM_DIRECT_RW },
	{ MSR_STAR,			SVM_DIRECT_RW },
	{ MSR_LSTAR,			SVM_DIRECT_RW },
	{ MSR_CSTAR,			SVM_DIRECT_RW },
	{ MSR_SYSCALL_MASK,		SVM_DIRECT_RW },
	{ MSR_IA32_SYSENTER_CS,		SVM_DIRECT_RW },
	{ MSR_IA32_SYSENTER_ESP,	SVM_DIRECT_RW },
	{ MSR_IA32_SYSENTER_EIP,	SVM_DIRECT_RW },
	{ MSR_TSC_AUX,			SVM_DIRECT_READ, svm_has_tsc_aux },
	{ MSR_IA32_SPEC_CTRL,		SVM_DIRECT_RW, svm_has_spec_ctrl },
	{ MSR_IA32_PRED_CMD,		SVM_DIRECT_WRITE, svm_has_ibpb },
};

/* First bit of an MSR's pair in the map, or -1: always intercepted. */
static int svm_msrpm_bit(u32 msr)
{
	static const u32 bases[] = { 0, 0xc0000000, 0xc0010000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		if (msr - bases[i] < SVM_MSRPM_RANGE)
			return 2 * (i * SVM_MSRPM_RANGE + msr - bases[i]);
	}
	return -1;
}

static u8 svm_direct_access(u32 msr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(svm_direct_msrs); i++) {
		const struct svm_direct_msr *row = &svm_direct_msrs[i];

		if (row->index == msr)
			return !row->present || row->present() ? row->access : 0;
	}
	return 0;
}

/**
 * svm_msrpm_init() - intercept every MSR
 * @svm: the vCPU
 */
void svm_msrpm_init(struct svm_vcpu *svm)
{
	memset(svm->msrpm, 0xff, SVM_MSRPM_BYTES);
	svm->spec_ctrl_direct = false;
	svm_dirty(svm, SVM_CLEAN_PERM_MAPS);
}

/**
 * svm_msr_direct() - may the guest touch an MSR without an exit
 * @vcpu: the vCPU, not running
 * @msr: MSR number
 * @read: wanted for reading
 * @write: wanted for writing
 *
 * Grants no more than the table above allows.
 */
void svm_msr_direct(struct nst_vcpu *vcpu, u32 msr, bool read, bool write)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	int bit = svm_msrpm_bit(msr);
	u8 access = svm_direct_access(msr);

	if (bit < 0)
		return;
	read = read && (access & SVM_DIRECT_READ);
	write = write && (access & SVM_DIRECT_WRITE);
	assign_bit(bit, svm->msrpm, !read);
	assign_bit(bit + 1, svm->msrpm, !write);
	if (msr == MSR_IA32_SPEC_CTRL)
		svm->spec_ctrl_direct = write;
	svm_dirty(svm, SVM_CLEAN_PERM_MAPS);
}

/**
 * svm_tsc_ratio_load() - load the TSC ratio of the guest that runs next
 * @ratio: 16.48 fixed point, as in nst_ctl
 *
 * Preemption off.  The host's own RDTSC does not look at the ratio, so it is
 * left in place until another guest wants another one.
 */
void svm_tsc_ratio_load(u64 ratio)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 msr = ratio >> 16;		/* 8.32: APM2 "TSC Ratio MSR" */

	if (!svm_has(SVM_F_TSC_RATIO))
		return;
	if (!msr)
		msr = SVM_TSC_RATIO_DEFAULT;
	/* Beyond what the MSR holds RDTSC exits: nst_tsc_nest(). */
	msr = min_t(u64, msr, SVM_TSC_RATIO_MAX);
	if (msr == sc->tsc_ratio)
		return;
	wrmsrl(MSR_AMD64_TSC_RATIO, msr);
	sc->tsc_ratio = msr;
}
