// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSRs of a guest, a row each, and the rules of those that are more than a
 * field.  Rows are in order of index.
 *
 * Names as in SDM4 "Model-Specific Registers" and APM2 "MSRs".  Absent on
 * purpose: performance counters, branch records, power and thermal control,
 * microcode loading.
 */
#include "nestor.h"

#include <linux/kvm_para.h>
#include <linux/sched.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/mtrr.h>
#include "cpuid.h"
#include "msr.h"
#include "mtrr.h"
#include "tsc.h"
#include "hyperv/hyperv.h"
#include "irqchip/irqchip.h"
#include "nested/nvmx.h"
#include "nested/svm_caps.h"

#define X2APIC_LAST		0x8ff
#define MSR_TSC_FREQ_SEL	BIT_ULL(24)	/* HWCR: TSC counts at P0 frequency */
/* HWCR bits that tune caches and FERR#: nothing to tune here. */
#define HWCR_HARMLESS		(BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8) | MSR_TSC_FREQ_SEL)

#define SPEC_CTRL_BITS		(SPEC_CTRL_IBRS | SPEC_CTRL_STIBP | SPEC_CTRL_SSBD)

#define MISC_ENABLE_READ_ONLY	(MSR_IA32_MISC_ENABLE_EMON |		\
				 MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |	\
				 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)
#define MISC_ENABLE_WRITABLE	(MSR_IA32_MISC_ENABLE_FAST_STRING |	\
				 MSR_IA32_MISC_ENABLE_TCC |		\
				 MSR_IA32_MISC_ENABLE_TM1 |		\
				 MSR_IA32_MISC_ENABLE_FERR |		\
				 MSR_IA32_MISC_ENABLE_ENHANCED_SPEEDSTEP | \
				 MSR_IA32_MISC_ENABLE_MWAIT |		\
				 MSR_IA32_MISC_ENABLE_LIMIT_CPUID |	\
				 MSR_IA32_MISC_ENABLE_XTPR_DISABLE |	\
				 MSR_IA32_MISC_ENABLE_XD_DISABLE)
#define MISC_ENABLE_RESET	(MSR_IA32_MISC_ENABLE_FAST_STRING |	\
				 MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |	\
				 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)

/* What IA32_ARCH_CAPABILITIES may say to a guest; control bits have MSRs we hide. */
#define ARCH_CAP_GUEST		(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_RSBA |	\
				 ARCH_CAP_SSB_NO | ARCH_CAP_MDS_NO |			\
				 ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO |		\
				 ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO |		\
				 ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR |			\
				 ARCH_CAP_RRSBA | ARCH_CAP_BHI_NO | ARCH_CAP_PBRSB_NO |	\
				 ARCH_CAP_GDS_NO | ARCH_CAP_RFDS_NO | ARCH_CAP_RFDS_CLEAR)

/* ---- facts about the host ---- */

static u64 host_arch_capabilities(void)
{
	u64 caps = 0;

	if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL)
		return 0;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, caps);
	if (!boot_cpu_has_bug(X86_BUG_CPU_MELTDOWN))
		caps |= ARCH_CAP_RDCL_NO;
	if (!boot_cpu_has_bug(X86_BUG_SPEC_STORE_BYPASS))
		caps |= ARCH_CAP_SSB_NO;
	if (!boot_cpu_has_bug(X86_BUG_MDS))
		caps |= ARCH_CAP_MDS_NO;
	return caps & ARCH_CAP_GUEST;
}

/* Intel keeps the revision in the high half: SDM3 "Microcode Update Facilities". */
static u64 host_ucode_rev(void)
{
	u64 rev = boot_cpu_data.microcode;

	return boot_cpu_data.x86_vendor == X86_VENDOR_INTEL ? rev << 32 : rev;
}

/* Feature MSRs are read with no vCPU: what a new one starts with. */

static int get_ucode_rev(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			 struct nst_msr_access *a)
{
	a->val = vcpu ? vcpu->ucode_rev : host_ucode_rev();
	return 0;
}

/* Software writes 0 before it asks CPUID to load the revision. */
static int set_ucode_rev(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			 struct nst_msr_access *a)
{
	if (a->host)
		vcpu->ucode_rev = a->val;
	else if (nst_guest_has(vcpu, NST_GCAP_AMD))
		return -EINVAL;
	return 0;
}

static int get_arch_capabilities(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
				 struct nst_msr_access *a)
{
	a->val = vcpu ? vcpu->arch_capabilities : host_arch_capabilities();
	return 0;
}

static int get_de_cfg(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	a->val = boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? MSR_AMD64_DE_CFG_LFENCE_SERIALIZE : 0;
	return 0;
}

static int set_de_cfg(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	return a->val & ~MSR_AMD64_DE_CFG_LFENCE_SERIALIZE ? -EINVAL : 0;
}

/* ---- time ---- */

static int get_tsc(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		   struct nst_msr_access *a)
{
	a->val = a->host ? nst_tsc_read(vcpu) : nst_tsc_read_current(vcpu);
	return 0;
}

static int set_tsc(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		   struct nst_msr_access *a)
{
	nst_tsc_write(vcpu, a->val, a->host);
	return 0;
}

static int set_tsc_adjust(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			  struct nst_msr_access *a)
{
	nst_tsc_adjust_write(vcpu, a->val, a->host);
	return 0;
}

static int set_wall_clock(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			  struct nst_msr_access *a)
{
	nst_wall_clock_write(vcpu, a->val);
	return 0;
}

static int set_system_time(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			   struct nst_msr_access *a)
{
	nst_clock_msr_write(vcpu, a->val);
	return 0;
}

static int get_tsc_deadline(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			    struct nst_msr_access *a)
{
	a->val = vcpu->lapic ? nst_lapic_get_tsc_deadline(vcpu) : 0;
	return 0;
}

static int set_tsc_deadline(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			    struct nst_msr_access *a)
{
	if (vcpu->lapic)
		nst_lapic_set_tsc_deadline(vcpu, a->val);
	return 0;
}

/* ---- APIC ---- */

static int set_apic_base(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			 struct nst_msr_access *a)
{
	const u64 flags = MSR_IA32_APICBASE_ENABLE | MSR_IA32_APICBASE_BSP;

	if (!vcpu->lapic) {
		if (!a->host && ((a->val & ~flags & ~NST_PAGE_MASK) ||
				 a->val >> vcpu->maxphyaddr))
			return -EINVAL;
		vcpu->apic_base = a->val;
		return 0;
	}
	return nst_lapic_set_base(vcpu, a->val, a->host) ? 0 : -EINVAL;
}

static int get_x2apic(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	if (!vcpu->lapic)
		return -EINVAL;
	return nst_lapic_msr(vcpu, a->index, &a->val, false) ? 0 : -EINVAL;
}

static int set_x2apic(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	if (!vcpu->lapic)
		return -EINVAL;
	return nst_lapic_msr(vcpu, a->index, &a->val, true) ? 0 : -EINVAL;
}

/* ---- modes and features of the CPU ---- */

static int set_efer(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		    struct nst_msr_access *a)
{
	return nst_set_efer(vcpu, a->val, a->host) ? 0 : -EINVAL;
}

/* An Intel CPU has it, and a CPU of another vendor that has VMX. */
static bool has_feat_ctl(const struct nst_vcpu *vcpu)
{
	return !nst_guest_has(vcpu, NST_GCAP_AMD) || nst_guest_has(vcpu, NST_GCAP_VMX);
}

static int get_feat_ctl(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			struct nst_msr_access *a)
{
	if (!a->host && !has_feat_ctl(vcpu))
		return -EINVAL;
	return nst_msr_get_field(vcpu, row, a);
}

/* SDM3 "IA32_FEATURE_CONTROL MSR": locked by firmware until the next reset. */
static int set_feat_ctl(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			struct nst_msr_access *a)
{
	u64 allowed = FEAT_CTL_LOCKED;

	if (nst_guest_has(vcpu, NST_GCAP_VMX))
		allowed |= FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX;
	if (a->val & ~allowed)
		return -EINVAL;
	if (!a->host && (!has_feat_ctl(vcpu) || (vcpu->feat_ctl & FEAT_CTL_LOCKED)))
		return -EINVAL;
	vcpu->feat_ctl = a->val;
	return 0;
}

static int set_misc_enable(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			   struct nst_msr_access *a)
{
	if (a->val & ~(MISC_ENABLE_WRITABLE | MISC_ENABLE_READ_ONLY))
		return -EINVAL;
	if (!a->host)
		a->val = (a->val & ~MISC_ENABLE_READ_ONLY) |
			 (vcpu->misc_enable & MISC_ENABLE_READ_ONLY);
	vcpu->misc_enable = a->val;
	return 0;
}

/* SDM4: readable in SMM alone; the handler moves it in the state that RSM loads. */
static int get_smbase(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	if (!a->host && !vcpu->smm.in)
		return -EINVAL;
	a->val = vcpu->smm.base;
	return 0;
}

static int set_smbase(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	if (!a->host || a->val > U32_MAX)
		return -EINVAL;
	vcpu->smm.base = a->val;
	return 0;
}

/* Userspace may take it away from the guest: KVM_CAP_MSR_PLATFORM_INFO. */
static int get_platform_info(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			     struct nst_msr_access *a)
{
	if (!vcpu) {
		a->val = MSR_PLATFORM_INFO_CPUID_FAULT;
		return 0;
	}
	if (!a->host && READ_ONCE(vcpu->vm->hide_platform_info))
		return -EINVAL;
	return nst_msr_get_field(vcpu, row, a);
}

static int set_platform_info(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			     struct nst_msr_access *a)
{
	if (!a->host || (!(a->val & MSR_PLATFORM_INFO_CPUID_FAULT) && vcpu->misc_features))
		return -EINVAL;
	vcpu->platform_info = a->val;
	return 0;
}

/* CPUID faulting is what there is, if PLATFORM_INFO says so. */
static int set_misc_features(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			     struct nst_msr_access *a)
{
	if (a->val & ~MSR_MISC_FEATURES_ENABLES_CPUID_FAULT)
		return -EINVAL;
	if (a->val && !(vcpu->platform_info & MSR_PLATFORM_INFO_CPUID_FAULT))
		return -EINVAL;
	vcpu->misc_features = a->val;
	return 0;
}

/* BTF alone: no branch records, no branch trace store. */
static int set_debugctl(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			struct nst_msr_access *a)
{
	return a->val & ~DEBUGCTLMSR_BTF ? -EINVAL : nst_msr_set_field(vcpu, row, a);
}

static int set_spec_ctrl(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			 struct nst_msr_access *a)
{
	return a->val & ~SPEC_CTRL_BITS ? -EINVAL : nst_msr_set_field(vcpu, row, a);
}

static bool guest_has_ibpb(struct nst_vcpu *vcpu)
{
	return nst_cpuid_guest_has(vcpu, X86_FEATURE_SPEC_CTRL) ||
	       nst_cpuid_guest_has(vcpu, X86_FEATURE_AMD_IBPB);
}

/* A command, not a register: done on the CPU that the vCPU is loaded on. */
static int set_pred_cmd(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			struct nst_msr_access *a)
{
	if (a->val & ~PRED_CMD_IBPB || (!a->host && !guest_has_ibpb(vcpu)))
		return -EINVAL;
	if (a->val && boot_cpu_has(X86_FEATURE_IBPB))
		wrmsrl(MSR_IA32_PRED_CMD, a->val);
	return 0;
}

static int set_flush_cmd(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			 struct nst_msr_access *a)
{
	if (a->val & ~L1D_FLUSH)
		return -EINVAL;
	if (!a->host && !nst_cpuid_guest_has(vcpu, X86_FEATURE_FLUSH_L1D))
		return -EINVAL;
	if (a->val && boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		wrmsrl(MSR_IA32_FLUSH_CMD, a->val);
	return 0;
}

static int set_tsc_aux(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		       struct nst_msr_access *a)
{
	if (!a->host && !nst_guest_has(vcpu, NST_GCAP_RDTSCP) &&
	    !nst_guest_has(vcpu, NST_GCAP_RDPID))
		return -EINVAL;
	/* APM2 "TSC_AUX": an AMD CPU drops the high half, an Intel CPU faults. */
	if (a->val >> 32 && !nst_guest_has(vcpu, NST_GCAP_AMD))
		return -EINVAL;
	return nst_msr_set_low32(vcpu, row, a);
}

static int get_tsc_aux(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		       struct nst_msr_access *a)
{
	if (!a->host && !nst_guest_has(vcpu, NST_GCAP_RDTSCP) &&
	    !nst_guest_has(vcpu, NST_GCAP_RDPID))
		return -EINVAL;
	return nst_msr_get_field(vcpu, row, a);
}

static int get_hwcr(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		    struct nst_msr_access *a)
{
	a->val = MSR_TSC_FREQ_SEL;
	return 0;
}

static int set_hwcr(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		    struct nst_msr_access *a)
{
	return a->val & ~HWCR_HARMLESS ? -EINVAL : 0;
}

/* ---- what nested VMX can do ---- */

static int get_vmx(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		   struct nst_msr_access *a)
{
	return nvmx_msr_read(vcpu, a->index, a->host, &a->val);
}

static int set_vmx(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		   struct nst_msr_access *a)
{
	return a->host ? nvmx_msr_write(vcpu, a->index, a->val) : -EINVAL;
}

/* ---- segment bases ---- */

static u64 *segment_base(struct nst_vcpu *vcpu, u32 index)
{
	return &vcpu->st.seg[index == MSR_FS_BASE ? NST_FS : NST_GS].base;
}

static int get_segment_base(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			    struct nst_msr_access *a)
{
	nst_pull(vcpu, NST_STATE_SEG);
	a->val = *segment_base(vcpu, a->index);
	return 0;
}

static int set_segment_base(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			    struct nst_msr_access *a)
{
	nst_modify(vcpu, NST_STATE_SEG);
	*segment_base(vcpu, a->index) = a->val;
	return 0;
}

/* ---- memory types ---- */

static int get_mtrr_cap(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			struct nst_msr_access *a)
{
	a->val = NST_MTRR_CAP;
	return 0;
}

static int set_mtrr(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		    struct nst_msr_access *a)
{
	if (!nst_mtrr_valid(a->index, a->val, vcpu->maxphyaddr))
		return -EINVAL;
	return nst_msr_set_field(vcpu, row, a);
}

static int get_mtrr_fixed(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			  struct nst_msr_access *a)
{
	a->val = vcpu->mtrr_fix[nst_mtrr_fixed_index(a->index)];
	return 0;
}

static int set_mtrr_fixed(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			  struct nst_msr_access *a)
{
	if (!nst_mtrr_valid(a->index, a->val, vcpu->maxphyaddr))
		return -EINVAL;
	vcpu->mtrr_fix[nst_mtrr_fixed_index(a->index)] = a->val;
	return 0;
}

static int set_pat(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		   struct nst_msr_access *a)
{
	return nst_pat_valid(a->val) ? nst_msr_set_field(vcpu, row, a) : -EINVAL;
}

/* ---- the table ---- */

#define LIST	NST_MSR_LIST
#define FEATURE	NST_MSR_FEATURE
#define CANON	NST_MSR_CANONICAL
#define INTEL	NST_MSR_INTEL
#define ANY	NST_MSR_ANY
#define CAP(c)	NST_GCAP_##c

/* Made by functions, kept in a field, in a field of a state class. */
#define FN(msr, nr, name, flags, gcap, get, set) \
	{ msr, nr, flags, gcap, 0, 0, name, get, set }
#define FIELD(msr, nr, name, flags, gcap, field, get, set) \
	{ msr, nr, flags, gcap, 0, offsetof(struct nst_vcpu, field), name, get, set }
#define STATE(msr, name, flags, gcap, class, field, set) \
	{ msr, 1, flags, gcap, NST_STATE_##class, offsetof(struct nst_vcpu, st.field), name, \
	  nst_msr_get_field, set }

/* Hyper-V's: what each is for says hyperv/msr.c. */
#define HV(msr, nr, flags) \
	FN(msr, nr, "HYPERV", flags, CAP(HYPERV), nst_hv_msr_get, nst_hv_msr_set)

#define VMX_LIST	(FEATURE | LIST | NST_MSR_NESTED_VMX)
#define VMX(msr, nr, flags) \
	FN(msr, nr, "VMX", flags, CAP(VMX), get_vmx, set_vmx)

#define get_field	nst_msr_get_field
#define set_field	nst_msr_set_field
#define get_zero	nst_msr_get_zero
#define set_zero	nst_msr_set_zero
#define set_ignored	nst_msr_set_ignored

const struct nst_msr_row nst_msr_rows[] = {
	FN(MSR_IA32_P5_MC_ADDR, 2, "P5_MC", 0, ANY, get_zero, set_zero),
	FN(MSR_IA32_TSC, 1, "TSC", LIST, ANY, get_tsc, set_tsc),
	FIELD(MSR_KVM_WALL_CLOCK, 1, "KVM_WALL_CLOCK", LIST, CAP(KVMCLOCK),
	      wall_clock_msr, get_field, set_wall_clock),
	FIELD(MSR_KVM_SYSTEM_TIME, 1, "KVM_SYSTEM_TIME", LIST, CAP(KVMCLOCK),
	      clock_msr, get_field, set_system_time),
	FN(MSR_IA32_PLATFORM_ID, 1, "PLATFORM_ID", INTEL, ANY, get_zero, NULL),
	FIELD(MSR_IA32_APICBASE, 1, "APIC_BASE", 0, ANY, apic_base, get_field, set_apic_base),
	FN(MSR_IA32_EBL_CR_POWERON, 1, "EBL_CR_POWERON", INTEL, ANY, get_zero, set_zero),
	FIELD(MSR_SMI_COUNT, 1, "SMI_COUNT", LIST | INTEL, ANY,
	      smi_count, get_field, nst_msr_set_host_field),
	FIELD(MSR_IA32_FEAT_CTL, 1, "FEATURE_CONTROL", LIST, ANY,
	      feat_ctl, get_feat_ctl, set_feat_ctl),
	FIELD(MSR_IA32_TSC_ADJUST, 1, "TSC_ADJUST", LIST, CAP(TSC_ADJUST),
	      tsc_adjust, get_field, set_tsc_adjust),
	STATE(MSR_IA32_SPEC_CTRL, "SPEC_CTRL", LIST, CAP(SPEC_CTRL), MSR,
	      spec_ctrl, set_spec_ctrl),
	FN(MSR_IA32_PRED_CMD, 1, "PRED_CMD", 0, ANY, NULL, set_pred_cmd),
	FN(MSR_IA32_UCODE_REV, 1, "BIOS_SIGN_ID", LIST | FEATURE, ANY,
	   get_ucode_rev, set_ucode_rev),
	FN(MSR_IA32_SMBASE, 1, "SMBASE", LIST, ANY, get_smbase, set_smbase),
	FIELD(MSR_PLATFORM_INFO, 1, "PLATFORM_INFO", LIST | FEATURE, ANY,
	      platform_info, get_platform_info, set_platform_info),
	FN(MSR_MTRRcap, 1, "MTRRCAP", 0, CAP(MTRR), get_mtrr_cap, NULL),
	FIELD(MSR_IA32_ARCH_CAPABILITIES, 1, "ARCH_CAPABILITIES", LIST | FEATURE, CAP(ARCH_CAP),
	      arch_capabilities, get_arch_capabilities, nst_msr_set_host_field),
	FN(MSR_IA32_FLUSH_CMD, 1, "FLUSH_CMD", 0, ANY, NULL, set_flush_cmd),
	FIELD(MSR_MISC_FEATURES_ENABLES, 1, "MISC_FEATURES_ENABLES", LIST, ANY,
	      misc_features, get_field, set_misc_features),
	STATE(MSR_IA32_SYSENTER_CS, "SYSENTER_CS", LIST, CAP(SEP), MSR,
	      sysenter_cs, nst_msr_set_low32),
	STATE(MSR_IA32_SYSENTER_ESP, "SYSENTER_ESP", LIST | CANON, CAP(SEP), MSR,
	      sysenter_esp, set_field),
	STATE(MSR_IA32_SYSENTER_EIP, "SYSENTER_EIP", LIST | CANON, CAP(SEP), MSR,
	      sysenter_eip, set_field),
	FIELD(MSR_IA32_MCG_CAP, 1, "MCG_CAP", 0, ANY, mce.cap, get_field, NULL),
	FIELD(MSR_IA32_MCG_STATUS, 1, "MCG_STATUS", LIST, ANY, mcg_status, get_field, set_field),
	FN(MSR_IA32_MCG_CTL, 1, "MCG_CTL", LIST, ANY, nst_mcg_ctl_get, nst_mcg_ctl_set),
	FIELD(MSR_IA32_MISC_ENABLE, 1, "MISC_ENABLE", LIST | INTEL, ANY,
	      misc_enable, get_field, set_misc_enable),
	STATE(MSR_IA32_DEBUGCTLMSR, "DEBUGCTL", LIST, ANY, MSR, debugctl, set_debugctl),
	/* How deep an idle CPU sleeps is the host's affair. */
	FIELD(MSR_IA32_POWER_CTL, 1, "POWER_CTL", LIST, ANY, power_ctl, get_field, set_field),
	FIELD(MTRRphysBase_MSR(0), 2 * NST_MTRR_VARIABLE, "MTRR_PHYS", 0, CAP(MTRR),
	      mtrr_var, get_field, set_mtrr),
	FN(MSR_MTRRfix64K_00000, 1, "MTRR_FIX64K", 0, CAP(MTRR), get_mtrr_fixed, set_mtrr_fixed),
	FN(MSR_MTRRfix16K_80000, 2, "MTRR_FIX16K", 0, CAP(MTRR), get_mtrr_fixed, set_mtrr_fixed),
	FN(MSR_MTRRfix4K_C0000, 8, "MTRR_FIX4K", 0, CAP(MTRR), get_mtrr_fixed, set_mtrr_fixed),
	STATE(MSR_IA32_CR_PAT, "PAT", LIST, CAP(PAT), MSR, pat, set_pat),
	FIELD(MSR_MTRRdefType, 1, "MTRR_DEF_TYPE", 0, CAP(MTRR), mtrr_def, get_field, set_mtrr),
	FN(MSR_IA32_MC0_CTL, 4 * NST_MCE_BANKS, "MC", 0, ANY, nst_mce_bank_get, nst_mce_bank_set),
	/* What follows from CPUID or from other MSRs is not in the list. */
	VMX(MSR_IA32_VMX_BASIC, 1, VMX_LIST),
	VMX(MSR_IA32_VMX_PINBASED_CTLS, 4, FEATURE),
	VMX(MSR_IA32_VMX_MISC, 2, VMX_LIST),
	VMX(MSR_IA32_VMX_CR0_FIXED1, 1, FEATURE),
	VMX(MSR_IA32_VMX_CR4_FIXED0, 1, VMX_LIST),
	VMX(MSR_IA32_VMX_CR4_FIXED1, 1, FEATURE),
	/* QEMU believes IA32_VMX_PROCBASED_CTLS2 if it is in the list, else CPUID. */
	VMX(MSR_IA32_VMX_VMCS_ENUM, MSR_IA32_VMX_VMFUNC + 1 - MSR_IA32_VMX_VMCS_ENUM, VMX_LIST),
	FN(MSR_IA32_TSC_DEADLINE, 1, "TSC_DEADLINE", LIST, CAP(TSC_DEADLINE),
	   get_tsc_deadline, set_tsc_deadline),
	FN(APIC_BASE_MSR, X2APIC_LAST - APIC_BASE_MSR + 1, "X2APIC", 0, CAP(X2APIC),
	   get_x2apic, set_x2apic),
	/* No supervisor state component is supported. */
	STATE(MSR_IA32_XSS, "XSS", LIST, CAP(XSAVES), MSR, xss, set_zero),
	HV(HV_X64_MSR_GUEST_OS_ID, 4, LIST),
	HV(HV_X64_MSR_VP_RUNTIME, 1, LIST),
	HV(HV_X64_MSR_TIME_REF_COUNT, 4, LIST),
	HV(HV_X64_MSR_EOI, 3, 0),
	HV(HV_X64_MSR_VP_ASSIST_PAGE, 1, LIST),
	HV(HV_X64_MSR_SCONTROL, 4, LIST),
	HV(HV_X64_MSR_EOM, 1, 0),
	HV(HV_X64_MSR_SINT0, HV_SYNIC_SINT_COUNT, LIST),
	HV(HV_X64_MSR_STIMER0_CONFIG, 2 * HV_SYNIC_STIMER_COUNT, LIST),
	HV(NST_HV_MSR_SYNDBG_CONTROL, 5, LIST),
	HV(NST_HV_MSR_SYNDBG_OPTIONS, 1, LIST),
	HV(HV_X64_MSR_CRASH_P0, HV_X64_MSR_CRASH_PARAMS + 1, LIST),
	HV(HV_X64_MSR_REENLIGHTENMENT_CONTROL, 3, LIST),
	FIELD(MSR_KVM_WALL_CLOCK_NEW, 1, "KVM_WALL_CLOCK_NEW", LIST, CAP(KVMCLOCK2),
	      wall_clock_msr, get_field, set_wall_clock),
	FIELD(MSR_KVM_SYSTEM_TIME_NEW, 1, "KVM_SYSTEM_TIME_NEW", LIST, CAP(KVMCLOCK2),
	      clock_msr, get_field, set_system_time),
	FN(MSR_KVM_ASYNC_PF_EN, 1, "KVM_ASYNC_PF_EN", LIST, ANY, nst_apf_get, nst_apf_set),
	FN(MSR_KVM_STEAL_TIME, 1, "KVM_STEAL_TIME", LIST, ANY, nst_steal_get, nst_steal_set),
	FN(MSR_KVM_PV_EOI_EN, 1, "KVM_PV_EOI_EN", LIST, ANY, nst_pv_eoi_get, nst_pv_eoi_set),
	FN(MSR_KVM_ASYNC_PF_INT, 2, "KVM_ASYNC_PF", LIST, ANY, nst_apf_get, nst_apf_set),
	STATE(MSR_EFER, "EFER", 0, ANY, CR, efer, set_efer),
	STATE(MSR_STAR, "STAR", LIST, CAP(SYSCALL), MSR, star, set_field),
	STATE(MSR_LSTAR, "LSTAR", LIST | CANON, CAP(LM), MSR, lstar, set_field),
	STATE(MSR_CSTAR, "CSTAR", LIST | CANON, CAP(LM), MSR, cstar, set_field),
	STATE(MSR_SYSCALL_MASK, "FMASK", LIST, CAP(LM), MSR, sfmask, nst_msr_set_low32),
	FN(MSR_FS_BASE, 1, "FS_BASE", CANON, CAP(LM), get_segment_base, set_segment_base),
	FN(MSR_GS_BASE, 1, "GS_BASE", CANON, CAP(LM), get_segment_base, set_segment_base),
	STATE(MSR_KERNEL_GS_BASE, "KERNEL_GS_BASE", LIST | CANON, CAP(LM), MSR,
	      kernel_gs_base, set_field),
	{ MSR_TSC_AUX, 1, LIST, ANY, NST_STATE_MSR, offsetof(struct nst_vcpu, st.tsc_aux),
	  "TSC_AUX", get_tsc_aux, set_tsc_aux },
	FN(MSR_AMD64_TSC_RATIO, 1, "TSC_RATIO", LIST, CAP(SVM), nsvm_get_tsc_ratio,
	   nsvm_set_tsc_ratio),
	FN(MSR_AMD64_SYSCFG, 1, "SYSCFG", 0, CAP(AMD), get_zero, set_zero),
	FN(MSR_K7_HWCR, 1, "HWCR", 0, CAP(AMD), get_hwcr, set_hwcr),
	/* Extended configuration access is the chipset's business. */
	FN(MSR_AMD64_NB_CFG, 1, "NB_CFG", 0, CAP(AMD), get_zero, set_ignored),
	FN(MSR_K8_INT_PENDING_MSG, 1, "INT_PENDING", 0, CAP(AMD), get_zero, set_zero),
	FN(MSR_VM_CR, 1, "VM_CR", 0, CAP(SVM), nsvm_get_vm_cr, nsvm_set_vm_cr),
	FN(MSR_VM_HSAVE_PA, 1, "VM_HSAVE_PA", LIST, CAP(SVM), nsvm_get_hsave_pa,
	   nsvm_set_hsave_pa),
	FN(MSR_AMD64_DE_CFG, 1, "DE_CFG", FEATURE, CAP(AMD), get_de_cfg, set_de_cfg),
};

const unsigned int nst_nr_msr_rows = ARRAY_SIZE(nst_msr_rows);

/**
 * nst_msr_reset() - MSRs after RESET or INIT
 * @vcpu: loaded vCPU, or one that has never run
 * @init: INIT, which leaves most MSRs alone
 *
 * SDM3 "Processor State After Reset".  EFER and XCR0 are set by the caller.
 */
void nst_msr_reset(struct nst_vcpu *vcpu, bool init)
{
	struct nst_state *st = &vcpu->st;

	st->debugctl = 0;
	if (init)
		return;
	st->sysenter_cs = 0;
	st->sysenter_esp = 0;
	st->sysenter_eip = 0;
	st->star = 0;
	st->lstar = 0;
	st->cstar = 0;
	st->sfmask = 0;
	st->kernel_gs_base = 0;
	st->tsc_aux = 0;
	st->pat = NST_RESET_PAT;
	st->spec_ctrl = 0;
	st->xss = 0;
	st->bndcfgs = 0;
	vcpu->tsc_adjust = 0;
	vcpu->misc_enable = MISC_ENABLE_RESET;
	vcpu->platform_info = MSR_PLATFORM_INFO_CPUID_FAULT;
	vcpu->misc_features = 0;
	vcpu->power_ctl = 0;
	vcpu->smi_count = 0;
	vcpu->ucode_rev = host_ucode_rev();
	vcpu->arch_capabilities = host_arch_capabilities();
	vcpu->feat_ctl = 0;
	vcpu->mtrr_def = 0;
	memset(vcpu->mtrr_fix, 0, sizeof(vcpu->mtrr_fix));
	memset(vcpu->mtrr_var, 0, sizeof(vcpu->mtrr_var));
	vcpu->mcg_status = 0;
	vcpu->clock_msr = 0;
	vcpu->wall_clock_msr = 0;
	vcpu->steal.msr = 0;
	vcpu->pv_eoi.msr = 0;
	nst_hv_reset(vcpu);
	if (!vcpu->lapic)
		vcpu->apic_base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE |
			(vcpu->id == vcpu->vm->bsp_id ? MSR_IA32_APICBASE_BSP : 0);
	if (!vcpu->cpuid)
		nst_cpuid_refresh(vcpu);
}
