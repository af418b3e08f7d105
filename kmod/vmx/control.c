// SPDX-License-Identifier: GPL-2.0-only
/*
 * Neutral controls into VM-execution controls: traps, windows, TSC, TPR, the
 * paging root, and the TLB tags that go with it.
 */
#include "nestor.h"
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <asm/apicdef.h>
#include <asm/io.h>
#include "compat.h"
#include "vmx.h"

struct vmx_trap_row {
	u64 trap;
	u32 bit;
	bool clears;	/* the control enables the instruction: the trap clears it */
};

static const struct vmx_trap_row vmx_proc_traps[] = {
	{ NST_TRAP_HLT, CPU_BASED_HLT_EXITING },
	{ NST_TRAP_PAUSE, CPU_BASED_PAUSE_EXITING },
	{ NST_TRAP_MWAIT, CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING },
	{ NST_TRAP_RDTSC, CPU_BASED_RDTSC_EXITING },
	{ NST_TRAP_RDPMC, CPU_BASED_RDPMC_EXITING },
	{ NST_TRAP_INVLPG, CPU_BASED_INVLPG_EXITING },
	{ NST_TRAP_CR3, CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING },
	{ NST_TRAP_CR8, CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING },
	{ NST_TRAP_CR8, CPU_BASED_TPR_SHADOW, true },
	{ NST_TRAP_DR, CPU_BASED_MOV_DR_EXITING },
	{ NST_TRAP_MTF, CPU_BASED_MONITOR_TRAP_FLAG },
};

static const struct vmx_trap_row vmx_proc2_traps[] = {
	{ NST_TRAP_WBINVD, SECONDARY_EXEC_WBINVD_EXITING },
	{ NST_TRAP_DTABLE, SECONDARY_EXEC_DESC },
	{ NST_TRAP_RDRAND, SECONDARY_EXEC_RDRAND_EXITING },
	{ NST_TRAP_RDSEED, SECONDARY_EXEC_RDSEED_EXITING },
	{ NST_TRAP_RDTSCP_UD, SECONDARY_EXEC_ENABLE_RDTSCP, true },
	{ NST_TRAP_INVPCID_UD, SECONDARY_EXEC_ENABLE_INVPCID, true },
};

static u32 vmx_trap_bits(const struct vmx_trap_row *rows, unsigned int nr, u64 traps,
			 enum vmx_word word)
{
	u32 bits = vmx_caps.base[word];
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!!(traps & rows[i].trap) != rows[i].clears)
			bits |= rows[i].bit;
	return bits & vmx_caps.may1[word];
}

/**
 * vmx_set_proc() - write the processor-based controls if they change
 * @vmx: loaded vCPU
 * @proc: the new value
 */
void vmx_set_proc(struct vmx_vcpu *vmx, u32 proc)
{
	if (proc == vmx->proc)
		return;
	vmx->proc = proc;
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, proc);
}

#define VMX_PROC_WINDOWS	(CPU_BASED_INTR_WINDOW_EXITING | CPU_BASED_NMI_WINDOW_EXITING)

/*
 * Exceptions that exit whatever the core asks for.  #MC is the host's.  A guest
 * can make the delivery of #DB and #AC raise the same exception again without
 * end, and no interrupt would get the CPU back from it.
 */
#define VMX_ALWAYS_EXIT		(BIT(X86_TRAP_MC) | BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC))

static void vmx_encode_traps(struct vmx_vcpu *vmx)
{
	struct nst_vcpu *vcpu = vmx->vcpu;
	const struct nst_ctl *ctl = &vcpu->ctl;
	u64 traps = ctl->traps;
	u32 proc, proc2;

	/* Without a TPR shadow, CR8 would be the host's own. */
	if (!vmx->vapic)
		traps |= NST_TRAP_CR8;
	if (vmx_slice_by_pause())
		traps |= NST_TRAP_PAUSE;
	proc = vmx_trap_bits(vmx_proc_traps, ARRAY_SIZE(vmx_proc_traps), traps, VMX_PROC);
	vmx_set_proc(vmx, proc | (vmx->proc & VMX_PROC_WINDOWS));

	proc2 = vmx_trap_bits(vmx_proc2_traps, ARRAY_SIZE(vmx_proc2_traps), traps, VMX_PROC2);
	if (vmx->vpid[NST_TAG_L1])
		proc2 |= SECONDARY_EXEC_ENABLE_VPID;
	if (nst_caps.xsaves && nst_guest_has(vcpu, NST_GCAP_XSAVES))
		proc2 |= SECONDARY_EXEC_XSAVES;
	if (ctl->root_log)
		proc2 |= SECONDARY_EXEC_ENABLE_PML;
	if (ctl->vmcs_shadow && !vcpu->smm.in)
		proc2 |= SECONDARY_EXEC_SHADOW_VMCS;
	if (proc2 != vmx->proc2) {
		if ((proc2 ^ vmx->proc2) & SECONDARY_EXEC_SHADOW_VMCS)
			vmx_shadow_encode(vmx, proc2 & SECONDARY_EXEC_SHADOW_VMCS);
		vmx->proc2 = proc2;
		vmcs_write32(SECONDARY_VM_EXEC_CONTROL, proc2);
	}
	vmcs_write32(EXCEPTION_BITMAP, ctl->exceptions | VMX_ALWAYS_EXIT);
	vmx_set_cr_owned(vmx, ctl->cr0_owned, ctl->cr4_owned);
}

/* SDM3 "Extended-Page-Table Pointer (EPTP)". */
static u64 vmx_eptp(const struct nst_ctl *ctl)
{
	u64 eptp = nst_hpa_raw(ctl->root) | VMX_EPTP_MT_WB;

	eptp |= ctl->root_level == 5 ? VMX_EPTP_PWL_5 : VMX_EPTP_PWL_4;
	if (ctl->root_ad)
		eptp |= VMX_EPTP_AD_ENABLE_BIT;
	return eptp;
}

static void vmx_encode_root(struct vmx_vcpu *vmx)
{
	const struct nst_ctl *ctl = &vmx->vcpu->ctl;

	if (ctl->root == NST_HPA_INVALID)
		return;
	if (!nst_caps.tdp) {
		vmcs_writel(GUEST_CR3, nst_hpa_raw(ctl->root));
		/* This is no MOV to CR3: the tag's translations are of the old root. */
		vmx_flush_tlb(vmx->vcpu);
		return;
	}
	vmx->eptp[ctl->tag] = vmx_eptp(ctl);
	vmcs_write64(EPT_POINTER, vmx->eptp[ctl->tag]);
	/* The root's page may have been another table when this EPTP was last used. */
	vmx_flush_tlb(vmx->vcpu);
}

/* L1 and L2 never share linear translations. */
static void vmx_encode_tag(struct vmx_vcpu *vmx)
{
	u16 vpid = vmx->vpid[vmx->vcpu->ctl.tag];

	if (vpid)
		vmcs_write16(VIRTUAL_PROCESSOR_ID, vpid);
}

/**
 * vmx_encode() - write the changed parts of vcpu->ctl to the VMCS
 * @vcpu: loaded vCPU
 *
 * The MSR bitmap itself is read at each access.
 */
void vmx_encode(struct nst_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 dirty = vcpu->ctl.dirty;

	if (dirty & (NST_CTL_TRAPS | NST_CTL_ROOT))
		vmx_encode_traps(vmx);
	if (dirty & NST_CTL_TSC) {
		vmcs_write64(TSC_OFFSET, vcpu->ctl.tsc_offset);
		if (nst_caps.tsc_scaling)
			vmcs_write64(TSC_MULTIPLIER, vcpu->ctl.tsc_ratio);
	}
	if (dirty & NST_CTL_MSRS)
		vmcs_write64(MSR_BITMAP, vcpu->ctl.traps & NST_TRAP_MSR ?
			     vmx_msr_bitmap_all : virt_to_phys(vmx->msr_bitmap));
	if (dirty & NST_CTL_ROOT) {
		vmx_encode_tag(vmx);
		vmx_encode_root(vmx);
	}
	vcpu->ctl.dirty = 0;
}

/**
 * vmx_irq_window() - ask for an exit as soon as interrupts can be delivered
 * @vcpu: loaded vCPU
 * @on: or stop asking
 */
void vmx_irq_window(struct nst_vcpu *vcpu, bool on)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 proc = vmx->proc & ~CPU_BASED_INTR_WINDOW_EXITING;

	vmx_set_proc(vmx, on ? proc | CPU_BASED_INTR_WINDOW_EXITING : proc);
}

/**
 * vmx_nmi_window() - ask for an exit as soon as an NMI can be delivered
 * @vcpu: loaded vCPU
 * @on: or stop asking
 */
void vmx_nmi_window(struct nst_vcpu *vcpu, bool on)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 proc = vmx->proc & ~CPU_BASED_NMI_WINDOW_EXITING;

	vmx_set_proc(vmx, on ? proc | CPU_BASED_NMI_WINDOW_EXITING : proc);
}

#define VMX_TPR_CLASS_SHIFT	4

/**
 * vmx_set_tpr() - give hardware the task priority that it virtualises
 * @vcpu: loaded vCPU
 * @tpr: the register
 * @threshold: exit when the guest lowers the class of @tpr below this one
 *
 * SDM3 "Checks on VMX Controls": the threshold must not lie above the class of
 * the TPR; an interrupt of such a class is not masked, so needs no exit either.
 */
void vmx_set_tpr(struct nst_vcpu *vcpu, u8 tpr, u8 threshold)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vmx->vapic)
		return;
	vmx->vapic[APIC_TASKPRI] = tpr;
	threshold = min_t(u8, threshold, tpr >> VMX_TPR_CLASS_SHIFT);
	if (threshold == vmx->tpr_threshold)
		return;
	vmx->tpr_threshold = threshold;
	vmcs_write32(TPR_THRESHOLD, threshold);
}

/**
 * vmx_get_tpr() - the task priority as the guest left it
 * @vcpu: loaded vCPU
 *
 * Return: the register; 0 when hardware does not virtualise it.
 */
u8 vmx_get_tpr(struct nst_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	return vmx->vapic ? vmx->vapic[APIC_TASKPRI] : 0;
}

/**
 * vmx_drain_pml() - hand the pages that the guest wrote to the core
 * @vmx: vCPU that just left the guest; irqs off
 *
 * SDM3 "Page-Modification Logging": the index is that of the next entry to be
 * written, and runs below zero when the log is full.
 */
void vmx_drain_pml(struct vmx_vcpu *vmx)
{
	u16 index = vmcs_read16(GUEST_PML_INDEX);
	unsigned int first = index < VMX_PML_ENTRIES ? index + 1 : 0;

	if (first == VMX_PML_ENTRIES)
		return;
	nst_dirty_log_writes(vmx->vcpu, vmx->pml + first, VMX_PML_ENTRIES - first);
	vmcs_write16(GUEST_PML_INDEX, VMX_PML_FIRST);
}

static void vmx_flush_failed(struct nst_vcpu *vcpu)
{
	if (this_cpu_read(vmx_on))
		NST_BUG_ON(vcpu->vm, true);
}

static bool vmx_flush_ept(u64 eptp)
{
	if (!eptp)
		return true;
	if (vmx_caps.ept_vpid & VMX_EPT_EXTENT_CONTEXT_BIT)
		return vmx_invept(VMX_EPT_EXTENT_CONTEXT, eptp);
	return vmx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
}

/**
 * vmx_flush_tlb() - forget this vCPU's translations on this CPU
 * @vcpu: loaded vCPU
 *
 * L2's as well as L1's: who asks may not know which is current.
 * Without a VPID the linear mappings go at each entry and exit anyway.
 */
void vmx_flush_tlb(struct nst_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool ok = true;

	for (int i = 0; i < VMX_NR_TAGS; i++) {
		if (nst_caps.tdp)
			ok &= vmx_flush_ept(vmx->eptp[i]);
		if (vmx->vpid[i])
			ok &= vmx_invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, vmx->vpid[i], 0);
	}
	if (unlikely(!ok))
		vmx_flush_failed(vcpu);
}

/**
 * vmx_flush_tlb_gva() - forget the translations of one linear address
 * @vcpu: loaded vCPU
 * @gva: the address; a non-canonical one has none
 */
void vmx_flush_tlb_gva(struct nst_vcpu *vcpu, u64 gva)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u64 cap = (u64)VMX_VPID_EXTENT_INDIVIDUAL_ADDR_BIT << 32;

	u16 vpid = vmx->vpid[vcpu->ctl.tag];

	if (!vpid)
		return;
	if (!(vmx_caps.ept_vpid & cap) || !__is_canonical_address(gva, boot_cpu_data.x86_virt_bits))
		vmx_flush_tlb(vcpu);
	else if (!vmx_invvpid(VMX_VPID_EXTENT_INDIVIDUAL_ADDR, vpid, gva))
		vmx_flush_failed(vcpu);
}

/**
 * vmx_flush_cpu() - forget every guest translation on this CPU
 *
 * VMX was just switched on here.  What an earlier hypervisor left in the TLB
 * carries the same tags that ours will have.
 */
void vmx_flush_cpu(void)
{
	if (nst_caps.tdp)
		vmx_invept(VMX_EPT_EXTENT_GLOBAL, 0);
	if (nst_caps.has_vpid)
		vmx_invvpid(VMX_VPID_EXTENT_ALL_CONTEXT, 0, 0);
}
