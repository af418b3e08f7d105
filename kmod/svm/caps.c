// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this CPU's SVM can do: CPUID Fn8000_000A as a table, and nst_caps made
 * from it.  Reads CPUID and VM_CR; changes nothing.
 */
#include "../nestor.h"
#include <linux/pgtable.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include "svm.h"

u32 svm_max_asid;

/**
 * struct svm_feature_row - one feature bit of CPUID Fn8000_000A EDX
 * @name: as in APM3 "Function 8000_000Ah"
 * @bit: X86_FEATURE_* number; its low five bits are the bit in EDX
 * @absent: what the log says is lost without it, NULL when nothing worth saying is
 */
struct svm_feature_row {
	const char *name;
	unsigned int bit;
	const char *absent;
};

static const struct svm_feature_row svm_feature_rows[SVM_NR_FEATURES] = {
	[SVM_F_NPT]		= { "NP", X86_FEATURE_NPT, "shadow paging is used" },
	[SVM_F_NRIPS]		= { "NRIPS", X86_FEATURE_NRIPS,
				    "instruction lengths are decoded by software" },
	[SVM_F_TSC_RATIO]	= { "TscRateMsr", X86_FEATURE_TSCRATEMSR, NULL },
	[SVM_F_CLEAN]		= { "VmcbClean", X86_FEATURE_VMCBCLEAN, NULL },
	[SVM_F_FLUSH_ASID]	= { "FlushByAsid", X86_FEATURE_FLUSHBYASID, NULL },
	[SVM_F_DECODE]		= { "DecodeAssists", X86_FEATURE_DECODEASSISTS, NULL },
	[SVM_F_PAUSE_FILTER]	= { "PauseFilter", X86_FEATURE_PAUSEFILTER, NULL },
	[SVM_F_PAUSE_THRESHOLD]	= { "PauseFilterThreshold", X86_FEATURE_PFTHRESHOLD, NULL },
	[SVM_F_SPEC_CTRL]	= { "SpecCtrl", X86_FEATURE_V_SPEC_CTRL, NULL },
	[SVM_F_LOCK]		= { "SVML", X86_FEATURE_SVML, NULL },
	[SVM_F_VGIF]		= { "VGIF", X86_FEATURE_VGIF, NULL },
};

static DECLARE_BITMAP(svm_features, SVM_NR_FEATURES);

/**
 * svm_has() - does this host's SVM have a feature
 * @f: the feature
 *
 * Constant after svm_caps_init().
 */
bool svm_has(enum svm_feature f)
{
	return test_bit(f, svm_features);
}

/**
 * svm_supported() - does the CPU have SVM at all
 */
bool svm_supported(void)
{
	u32 eax, ebx, ecx, edx;

	if (boot_cpu_data.x86_vendor != X86_VENDOR_AMD &&
	    boot_cpu_data.x86_vendor != X86_VENDOR_HYGON)
		return false;
	if (cpuid_eax(0x80000000) < SVM_CPUID_FUNC)
		return false;
	cpuid(0x80000001, &eax, &ebx, &ecx, &edx);
	return ecx & BIT(X86_FEATURE_SVM & 31);
}

/* Firmware may have switched SVM off: APM2 "VM_CR MSR (C001_0114h)". */
static int svm_check_firmware(void)
{
	u64 vm_cr;

	if (rdmsrl_safe(MSR_VM_CR, &vm_cr)) {
		pr_err("the CPU shows SVM but has no VM_CR MSR: a hypervisor below offers it incompletely\n");
		return -ENODEV;
	}
	if (!(vm_cr & SVM_VM_CR_SVM_DIS_MASK))
		return 0;
	if (!(vm_cr & SVM_VM_CR_SVM_LOCK_MASK))
		pr_err("SVM is disabled (VM_CR=%#llx): enable virtualization in the firmware setup\n",
		       vm_cr);
	else if (svm_has(SVM_F_LOCK))
		pr_err("SVM is disabled and locked with a key (VM_CR=%#llx): enable virtualization (SVM) in the firmware setup, which knows the key\n",
		       vm_cr);
	else
		pr_err("SVM is disabled and locked (VM_CR=%#llx): enable virtualization (SVM) in the firmware setup\n",
		       vm_cr);
	return -EPERM;
}

static void svm_fill_caps(void)
{
	nst_caps = (struct nst_hw_caps) {
		.tdp = svm_has(SVM_F_NPT) && nst_param_tdp,
		/* Nested tables have the host's own depth, APM2 "Nested Paging". */
		.tdp_levels = pgtable_l5_enabled() ? 5 : 4,
		.tdp_ad = true,
		.tdp_1g = boot_cpu_has(X86_FEATURE_GBPAGES),
		.unrestricted = true,
		.tsc_scaling = svm_has(SVM_F_TSC_RATIO),
		.nmi_window = true,
		.has_vpid = true,
		.virtual_tpr = true,
		.virtual_gif = svm_has(SVM_F_VGIF),
		.xsaves = boot_cpu_has(X86_FEATURE_XSAVES),
		.rdtscp = boot_cpu_has(X86_FEATURE_RDTSCP),
		.invpcid = boot_cpu_has(X86_FEATURE_INVPCID),
	};
}

/**
 * svm_caps_init() - read the SVM features of this host and fill nst_caps
 *
 * Return: 0, -ENODEV, -EPERM (firmware), -EBUSY (another hypervisor) or
 * -EOPNOTSUPP, after one line in the log.
 */
int svm_caps_init(void)
{
	u32 eax, ebx, ecx, edx;
	u64 efer;
	int i, err;

	if (!svm_supported()) {
		pr_err("this CPU has no AMD SVM\n");
		return -ENODEV;
	}
	cpuid(SVM_CPUID_FUNC, &eax, &ebx, &ecx, &edx);
	for (i = 0; i < SVM_NR_FEATURES; i++) {
		if (edx & BIT(svm_feature_rows[i].bit & 31))
			set_bit(i, svm_features);
		else if (svm_feature_rows[i].absent)
			pr_info("SVM feature %s is missing: %s\n", svm_feature_rows[i].name,
				svm_feature_rows[i].absent);
	}
	err = svm_check_firmware();
	if (err)
		return err;
	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME) {
		pr_err("another hypervisor uses SVM (EFER.SVME is set): unload it, for instance with rmmod kvm_amd\n");
		return -EBUSY;
	}
	/* ASID 0 is the host's: a guest needs at least ASID 1. */
	if (ebx < 2) {
		pr_err("SVM offers no guest ASID (CPUID 8000_000A EBX=%#x)\n", ebx);
		return -EOPNOTSUPP;
	}
	svm_max_asid = ebx - 1;
	svm_fill_caps();
	return 0;
}
