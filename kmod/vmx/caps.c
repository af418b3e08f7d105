// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities: which controls this CPU lets us set, negotiated from one table
 * against the capability MSRs, SDM3 appendix "VMX Capability Reporting
 * Facility".  Runs once at module load; calls nothing of the core.
 */
#include "nestor.h"
#include <linux/kernel.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include "compat.h"
#include "vmx.h"

struct vmx_caps vmx_caps;

enum vmx_need {
	VMX_REQUIRED,	/* refuse to load without it; always on */
	VMX_WANTED,	/* always on where the CPU has it */
	VMX_DYNAMIC,	/* must be there; switched on and off as the guest runs */
	VMX_OPTIONAL,	/* switched on and off where the CPU has it */
	VMX_NEVER,	/* must be possible to clear */
};

struct vmx_control {
	const char *name;
	enum vmx_word word;
	enum vmx_need need;
	u32 bit;
};

static const struct vmx_control vmx_controls[] = {
	{ "external-interrupt exiting", VMX_PIN, VMX_REQUIRED, PIN_BASED_EXT_INTR_MASK },
	{ "NMI exiting", VMX_PIN, VMX_REQUIRED, PIN_BASED_NMI_EXITING },
	{ "virtual NMIs", VMX_PIN, VMX_REQUIRED, PIN_BASED_VIRTUAL_NMIS },
	{ "VMX-preemption timer", VMX_PIN, VMX_OPTIONAL, PIN_BASED_VMX_PREEMPTION_TIMER },
	{ "posted interrupts", VMX_PIN, VMX_NEVER, PIN_BASED_POSTED_INTR },

	{ "interrupt-window exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_INTR_WINDOW_EXITING },
	{ "TSC offsetting", VMX_PROC, VMX_REQUIRED, CPU_BASED_USE_TSC_OFFSETTING },
	{ "HLT exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_HLT_EXITING },
	{ "INVLPG exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_INVLPG_EXITING },
	{ "MWAIT exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_MWAIT_EXITING },
	{ "MONITOR exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_MONITOR_EXITING },
	{ "RDPMC exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_RDPMC_EXITING },
	{ "RDTSC exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_RDTSC_EXITING },
	{ "CR3-load exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_CR3_LOAD_EXITING },
	{ "CR3-store exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_CR3_STORE_EXITING },
	{ "CR8-load exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_CR8_LOAD_EXITING },
	{ "CR8-store exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_CR8_STORE_EXITING },
	{ "use TPR shadow", VMX_PROC, VMX_OPTIONAL, CPU_BASED_TPR_SHADOW },
	{ "NMI-window exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_NMI_WINDOW_EXITING },
	{ "MOV-DR exiting", VMX_PROC, VMX_DYNAMIC, CPU_BASED_MOV_DR_EXITING },
	{ "unconditional I/O exiting", VMX_PROC, VMX_REQUIRED, CPU_BASED_UNCOND_IO_EXITING },
	{ "use I/O bitmaps", VMX_PROC, VMX_NEVER, CPU_BASED_USE_IO_BITMAPS },
	{ "monitor trap flag", VMX_PROC, VMX_OPTIONAL, CPU_BASED_MONITOR_TRAP_FLAG },
	{ "use MSR bitmaps", VMX_PROC, VMX_REQUIRED, CPU_BASED_USE_MSR_BITMAPS },
	{ "PAUSE exiting", VMX_PROC, VMX_OPTIONAL, CPU_BASED_PAUSE_EXITING },
	{ "activate secondary controls", VMX_PROC, VMX_REQUIRED,
	  CPU_BASED_ACTIVATE_SECONDARY_CONTROLS },

	{ "enable EPT", VMX_PROC2, VMX_WANTED, SECONDARY_EXEC_ENABLE_EPT },
	{ "unrestricted guest", VMX_PROC2, VMX_WANTED, SECONDARY_EXEC_UNRESTRICTED_GUEST },
	{ "enable VPID", VMX_PROC2, VMX_OPTIONAL, SECONDARY_EXEC_ENABLE_VPID },
	{ "descriptor-table exiting", VMX_PROC2, VMX_OPTIONAL, SECONDARY_EXEC_DESC },
	{ "enable RDTSCP", VMX_PROC2, VMX_OPTIONAL, SECONDARY_EXEC_ENABLE_RDTSCP },
	{ "WBINVD exiting", VMX_PROC2, VMX_OPTIONAL, SECONDARY_EXEC_WBINVD_EXITING },
	{ "RDRAND exiting", VMX_PROC2, VMX_OPTIONAL, SECONDARY_EXEC_RDRAND_EXITING },
	{ "enable INVPCID", VMX_PROC2, VMX_OPTIONAL, SECONDARY_EXEC_ENABLE_INVPCID },
	{ "RDSEED exiting", VMX_PROC2, VMX_OPTIONAL, SECONDARY_EXEC_RDSEED_EXITING },
	{ "enable XSAVES", VMX_PROC2, VMX_OPTIONAL, SECONDARY_EXEC_XSAVES },
	{ "enable PML", VMX_PROC2, VMX_OPTIONAL, SECONDARY_EXEC_ENABLE_PML },
	{ "VMCS shadowing", VMX_PROC2, VMX_OPTIONAL, SECONDARY_EXEC_SHADOW_VMCS },
	{ "use TSC scaling", VMX_PROC2, VMX_WANTED, SECONDARY_EXEC_TSC_SCALING },

	{ "save debug controls", VMX_EXIT, VMX_REQUIRED, VM_EXIT_SAVE_DEBUG_CONTROLS },
	{ "host address-space size", VMX_EXIT, VMX_REQUIRED, VM_EXIT_HOST_ADDR_SPACE_SIZE },
	/* An acknowledged interrupt would be ours to deliver; left pending it is the host's. */
	{ "acknowledge interrupt on exit", VMX_EXIT, VMX_NEVER, VM_EXIT_ACK_INTR_ON_EXIT },
	{ "save IA32_PAT", VMX_EXIT, VMX_WANTED, VM_EXIT_SAVE_IA32_PAT },
	{ "load IA32_PAT on exit", VMX_EXIT, VMX_WANTED, VM_EXIT_LOAD_IA32_PAT },
	{ "load IA32_EFER on exit", VMX_EXIT, VMX_WANTED, VM_EXIT_LOAD_IA32_EFER },

	{ "load debug controls", VMX_ENTRY, VMX_REQUIRED, VM_ENTRY_LOAD_DEBUG_CONTROLS },
	{ "IA-32e mode guest", VMX_ENTRY, VMX_DYNAMIC, VM_ENTRY_IA32E_MODE },
	{ "entry to SMM", VMX_ENTRY, VMX_NEVER, VM_ENTRY_SMM },
	{ "deactivate dual-monitor treatment", VMX_ENTRY, VMX_NEVER, VM_ENTRY_DEACT_DUAL_MONITOR },
	{ "load IA32_PAT on entry", VMX_ENTRY, VMX_WANTED, VM_ENTRY_LOAD_IA32_PAT },
	{ "load IA32_EFER on entry", VMX_ENTRY, VMX_WANTED, VM_ENTRY_LOAD_IA32_EFER },
};

struct vmx_word_row {
	const char *name;
	u32 msr;
	u32 true_msr;	/* without the default1 class forced to 1; 0: none */
};

static const struct vmx_word_row vmx_words[VMX_NR_WORDS] = {
	[VMX_PIN] = { "pin-based", MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS },
	[VMX_PROC] = { "processor-based", MSR_IA32_VMX_PROCBASED_CTLS,
		       MSR_IA32_VMX_TRUE_PROCBASED_CTLS },
	[VMX_PROC2] = { "secondary processor-based", MSR_IA32_VMX_PROCBASED_CTLS2, 0 },
	[VMX_EXIT] = { "VM-exit", MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS },
	[VMX_ENTRY] = { "VM-entry", MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS },
};

/* Low half: bits that must be 1.  High half: bits that may be 1. */
static u64 vmx_word_capability(enum vmx_word word, bool true_ctls, u32 *msr)
{
	u64 val = 0;

	*msr = vmx_words[word].msr;
	if (true_ctls && vmx_words[word].true_msr)
		*msr = vmx_words[word].true_msr;
	rdmsrl_safe(*msr, &val);
	return val;
}

static int vmx_negotiate_word(enum vmx_word word, bool true_ctls)
{
	u32 msr;
	u64 cap = vmx_word_capability(word, true_ctls, &msr);
	u32 must1 = lower_32_bits(cap), may1 = upper_32_bits(cap);
	u32 base = must1;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vmx_controls); i++) {
		const struct vmx_control *c = &vmx_controls[i];
		bool there = may1 & c->bit;

		if (c->word != word)
			continue;
		if (c->need == VMX_NEVER)
			there = !(must1 & c->bit);
		if (!there && c->need != VMX_WANTED && c->need != VMX_OPTIONAL) {
			pr_err("this CPU cannot %s the %s VM control \"%s\" (MSR 0x%x = 0x%016llx)\n",
			       c->need == VMX_NEVER ? "clear" : "set", vmx_words[word].name,
			       c->name, msr, cap);
			return -EOPNOTSUPP;
		}
		if (there && (c->need == VMX_REQUIRED || c->need == VMX_WANTED))
			base |= c->bit;
	}
	vmx_caps.base[word] = base;
	vmx_caps.must1[word] = must1;
	vmx_caps.may1[word] = may1;
	return 0;
}

static void vmx_drop_control(enum vmx_word word, u32 bit)
{
	vmx_caps.base[word] &= ~bit;
	vmx_caps.may1[word] &= ~bit;
}

/* What EPT must offer to be used: write-back tables of four levels, a way to flush. */
#define VMX_EPT_NEEDED	(VMX_EPT_PAGE_WALK_4_BIT | VMX_EPTP_WB_BIT | VMX_EPT_INVEPT_BIT | \
			 VMX_EPT_EXTENT_GLOBAL_BIT)
#define VMX_VPID_CAP(bit)	((u64)(bit) << 32)
#define VMX_VPID_NEEDED	(VMX_VPID_CAP(VMX_VPID_INVVPID_BIT) | \
			 VMX_VPID_CAP(VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT) | \
			 VMX_VPID_CAP(VMX_VPID_EXTENT_GLOBAL_CONTEXT_BIT))

static bool vmx_has_all(enum vmx_word word, u32 bits)
{
	return (vmx_caps.may1[word] & bits) == bits;
}

#define VMX_EXIT_PAT	(VM_EXIT_SAVE_IA32_PAT | VM_EXIT_LOAD_IA32_PAT)

/*
 * The guest's PAT rules what the guest's own page tables say, so it is switched
 * under EPT only: shadow entries mean what the host's PAT makes of them.
 * Without a field for EFER, LMA and LME still come and go with the entry and
 * exit controls; msr.c looks after the rest.
 */
static void vmx_negotiate_registers(void)
{
	vmx_caps.efer_field = vmx_has_all(VMX_EXIT, VM_EXIT_LOAD_IA32_EFER) &&
			      vmx_has_all(VMX_ENTRY, VM_ENTRY_LOAD_IA32_EFER);
	vmx_caps.pat_field = vmx_has_all(VMX_EXIT, VMX_EXIT_PAT) &&
			     vmx_has_all(VMX_ENTRY, VM_ENTRY_LOAD_IA32_PAT);
	/* Hardware walks the guest's own tables, which need both. */
	if (!vmx_caps.efer_field || !vmx_caps.pat_field)
		vmx_drop_control(VMX_PROC2, SECONDARY_EXEC_ENABLE_EPT);
}

static void vmx_drop_unused_registers(void)
{
	if (!vmx_can(VMX_PROC2, SECONDARY_EXEC_ENABLE_EPT))
		vmx_caps.pat_field = false;
	if (!vmx_caps.pat_field) {
		vmx_drop_control(VMX_EXIT, VMX_EXIT_PAT);
		vmx_drop_control(VMX_ENTRY, VM_ENTRY_LOAD_IA32_PAT);
	}
	if (!vmx_caps.efer_field) {
		vmx_drop_control(VMX_EXIT, VM_EXIT_LOAD_IA32_EFER);
		vmx_drop_control(VMX_ENTRY, VM_ENTRY_LOAD_IA32_EFER);
	}
}

static void vmx_negotiate_paging(void)
{
	u64 cap = 0;

	vmx_negotiate_registers();
	if (vmx_can(VMX_PROC2, SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID))
		rdmsrl_safe(MSR_IA32_VMX_EPT_VPID_CAP, &cap);
	if (!nst_param_tdp || (cap & VMX_EPT_NEEDED) != VMX_EPT_NEEDED)
		vmx_drop_control(VMX_PROC2, SECONDARY_EXEC_ENABLE_EPT);
	/* SDM3 "Checks on VMX Controls": unrestricted guest needs EPT. */
	if (!vmx_can(VMX_PROC2, SECONDARY_EXEC_ENABLE_EPT))
		vmx_drop_control(VMX_PROC2, SECONDARY_EXEC_UNRESTRICTED_GUEST);
	if ((cap & VMX_VPID_NEEDED) != VMX_VPID_NEEDED)
		vmx_drop_control(VMX_PROC2, SECONDARY_EXEC_ENABLE_VPID);
	vmx_drop_unused_registers();
	vmx_caps.ept_vpid = cap;
}

static void vmx_read_fixed_bits(void)
{
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, vmx_caps.cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, vmx_caps.cr4_fixed0);
	if (vmx_can(VMX_PROC2, SECONDARY_EXEC_UNRESTRICTED_GUEST))
		vmx_caps.cr0_fixed0 &= ~(X86_CR0_PE | X86_CR0_PG);
	if (!vmx_can(VMX_PROC2, SECONDARY_EXEC_ENABLE_EPT))
		vmx_caps.cr0_fixed0 |= X86_CR0_WP;
}

/*
 * L1 terminal fault: without the flush, a guest that runs with EPT reads the
 * host's first-level data cache.  The host's l1tf= parameter decides.
 */
static void vmx_read_mitigations(void)
{
	u64 arch = 0;

	vmx_caps.spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
	if (!nst_caps.tdp || !boot_cpu_has_bug(X86_BUG_L1TF) ||
	    l1tf_mitigation == L1TF_MITIGATION_OFF)
		return;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, arch);
	if (arch & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH)
		return;
	vmx_caps.flush_l1d = boot_cpu_has(X86_FEATURE_FLUSH_L1D);
	if (!vmx_caps.flush_l1d)
		pr_warn("no L1D flush in the microcode: guests may read host memory (L1TF)\n");
}

static void vmx_fill_caps(void)
{
	u64 cap = vmx_caps.ept_vpid;

	nst_caps.tdp = vmx_can(VMX_PROC2, SECONDARY_EXEC_ENABLE_EPT);
	if (nst_caps.tdp) {
		nst_caps.tdp_is_ept = true;
		nst_caps.tdp_levels = 4;
		/* Five levels only where four cannot reach all physical memory. */
		if ((cap & VMX_EPT_PAGE_WALK_5_BIT) && boot_cpu_data.x86_phys_bits > 48)
			nst_caps.tdp_levels = 5;
		nst_caps.tdp_exec_only = cap & VMX_EPT_EXECUTE_ONLY_BIT;
		nst_caps.tdp_ad = cap & VMX_EPT_AD_BIT;
		nst_caps.tdp_1g = cap & VMX_EPT_1GB_PAGE_BIT;
		nst_caps.tdp_log = nst_caps.tdp_ad &&
				   vmx_can(VMX_PROC2, SECONDARY_EXEC_ENABLE_PML);
	}
	nst_caps.unrestricted = vmx_can(VMX_PROC2, SECONDARY_EXEC_UNRESTRICTED_GUEST);
	nst_caps.tsc_scaling = vmx_can(VMX_PROC2, SECONDARY_EXEC_TSC_SCALING);
	nst_caps.nmi_window = true;
	nst_caps.irq_needs_if = true;
	nst_caps.preemption_timer = vmx_can(VMX_PIN, PIN_BASED_VMX_PREEMPTION_TIMER);
	nst_caps.mtf = vmx_can(VMX_PROC, CPU_BASED_MONITOR_TRAP_FLAG);
	nst_caps.has_vpid = vmx_can(VMX_PROC2, SECONDARY_EXEC_ENABLE_VPID);
	nst_caps.virtual_tpr = vmx_can(VMX_PROC, CPU_BASED_TPR_SHADOW);
	nst_caps.xsaves = vmx_can(VMX_PROC2, SECONDARY_EXEC_XSAVES);
	nst_caps.rdtscp = vmx_can(VMX_PROC2, SECONDARY_EXEC_ENABLE_RDTSCP);
	nst_caps.invpcid = vmx_can(VMX_PROC2, SECONDARY_EXEC_ENABLE_INVPCID);
	nst_caps.rdrand_exits = vmx_can(VMX_PROC2, SECONDARY_EXEC_RDRAND_EXITING);
	nst_caps.rdseed_exits = vmx_can(VMX_PROC2, SECONDARY_EXEC_RDSEED_EXITING);
	nst_caps.vmcs_shadow = vmx_shadow_can();
}

static int vmx_check_basic(void)
{
	u64 basic;

	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	vmx_caps.revision = vmx_basic_vmcs_revision_id(basic);
	if (vmx_basic_vmcs_size(basic) > PAGE_SIZE ||
	    nst_vmcs_mem_type(basic) != VMX_EPTP_MT_WB) {
		pr_err("the VMCS of this CPU is larger than a page or not write-back (MSR 0x%x = 0x%016llx)\n",
		       MSR_IA32_VMX_BASIC, basic);
		return -EOPNOTSUPP;
	}
	return !!(basic & VMX_BASIC_TRUE_CTLS);
}

/**
 * vmx_negotiate() - settle all execution controls and fill nst_caps
 *
 * Return: 0, or -EOPNOTSUPP after one line that names what is missing.
 */
int vmx_negotiate(void)
{
	int word, err, true_ctls;

	true_ctls = vmx_check_basic();
	if (true_ctls < 0)
		return true_ctls;
	for (word = 0; word < VMX_NR_WORDS; word++) {
		err = vmx_negotiate_word(word, true_ctls);
		if (err)
			return err;
	}
	rdmsrl(MSR_IA32_VMX_MISC, vmx_caps.misc);
	vmx_negotiate_paging();
	vmx_read_fixed_bits();
	vmx_fill_caps();
	vmx_read_mitigations();
	/* Shadow entries say no-execute whatever the guest's EFER.NXE is. */
	if (!nst_caps.tdp && !boot_cpu_has(X86_FEATURE_NX)) {
		pr_err("shadow paging needs no-execute pages: start the host without noexec=off, in a firmware setup that leaves them on\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

/**
 * vmx_check_feature_control() - did the firmware leave VMX usable on this CPU?
 * @set: lock the register with VMX on when the firmware left it open
 *
 * Return: 0, or -EPERM.
 */
int vmx_check_feature_control(bool set)
{
	u64 val;

	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &val))
		return -EPERM;
	if (val & FEAT_CTL_LOCKED)
		return val & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX ? 0 : -EPERM;
	if (set && wrmsrl_safe(MSR_IA32_FEAT_CTL, val | FEAT_CTL_LOCKED |
						  FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX))
		return -EPERM;
	return 0;
}
