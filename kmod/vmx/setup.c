// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VMCS holds before its first entry: constant controls, host state that
 * is the same on every CPU, host state of one CPU; and the host state that a
 * VM exit does not bring back, saved at load and restored at put
 * (SDM3 "Loading Host State").
 */
#include "nestor.h"
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/segment.h>
#include <asm/special_insns.h>
#include "vmx.h"

static void vmx_setup_host_constant(void)
{
	u64 val;

	vmcs_writel(HOST_CR0, read_cr0());
	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write16(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write16(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	vmcs_writel(HOST_RIP, (unsigned long)vmx_exit_landing);
	if (vmx_caps.efer_field) {
		rdmsrl(MSR_EFER, val);
		vmcs_write64(HOST_IA32_EFER, val);
	}
	if (vmx_caps.pat_field) {
		rdmsrl(MSR_IA32_CR_PAT, val);
		vmcs_write64(HOST_IA32_PAT, val);
	}
}

static void vmx_setup_controls(struct vmx_vcpu *vmx)
{
	vmx_timer_setup(vmx);
	vmx->proc = vmx_caps.base[VMX_PROC];
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, vmx->proc);
	vmx->proc2 = vmx_caps.base[VMX_PROC2];
	if (vmx->vpid[NST_TAG_L1])
		vmx->proc2 |= SECONDARY_EXEC_ENABLE_VPID;
	vmcs_write32(SECONDARY_VM_EXEC_CONTROL, vmx->proc2);
	vmcs_write32(VM_EXIT_CONTROLS, vmx_caps.base[VMX_EXIT]);
	vmcs_write32(VM_ENTRY_CONTROLS, vmx_caps.base[VMX_ENTRY]);

	vmcs_write64(MSR_BITMAP, virt_to_phys(vmx->msr_bitmap));
	if (vmx->vapic)
		vmcs_write64(VIRTUAL_APIC_PAGE_ADDR, virt_to_phys(vmx->vapic));
	if (vmx->vpid[NST_TAG_L1])
		vmcs_write16(VIRTUAL_PROCESSOR_ID, vmx->vpid[vmx->vcpu->ctl.tag]);
	if (vmx->pml) {
		vmcs_write64(PML_ADDRESS, virt_to_phys(vmx->pml));
		vmcs_write16(GUEST_PML_INDEX, VMX_PML_FIRST);
	}
	if (nst_caps.xsaves)
		vmcs_write64(XSS_EXIT_BITMAP, 0);
	if (nst_caps.tsc_scaling)
		vmcs_write64(TSC_MULTIPLIER, NST_TSC_RATIO_NONE);

	/* Every #PF exits, or none, as the exception bitmap says. */
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write32(CR3_TARGET_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
}

/**
 * vmx_setup() - write the whole VMCS but for guest registers and neutral controls
 * @vmx: loaded vCPU
 *
 * Leaves everything in vcpu->ctl to be encoded again.
 */
void vmx_setup(struct vmx_vcpu *vmx)
{
	vmx_setup_controls(vmx);
	vmx_setup_host_constant();
	vmx_setup_host_cpu(vmx);

	vmx_shadow_setup(vmx);
	vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmcs_writel(GUEST_CR0, vmx_caps.cr0_fixed0);
	vmcs_writel(GUEST_CR4, vmx_caps.cr4_fixed0);
	vmcs_writel(CR0_READ_SHADOW, 0);
	vmcs_writel(CR4_READ_SHADOW, 0);
	vmcs_writel(CR0_GUEST_HOST_MASK, ~0ul);
	vmcs_writel(CR4_GUEST_HOST_MASK, ~0ul);
	vmx->cr0_owned = 0;
	vmx->cr4_owned = 0;
	memset(vmx->eptp, 0, sizeof(vmx->eptp));
	vmx->tpr_threshold = 0;
	if (vmx->vapic)
		vmcs_write32(TPR_THRESHOLD, 0);
	vmx->had_shadow = false;
	vmx->fresh = false;
	vmx->vcpu->ctl.dirty = NST_CTL_ALL;
}

/* The base in a 16-byte system descriptor, SDM3 "Segment Descriptor Tables in IA-32e Mode". */
static unsigned long vmx_system_base(const struct desc_ptr *gdt, u16 selector)
{
	const struct ldttss_desc *desc = (void *)(gdt->address + selector);

	return (u64)desc->base3 << 32 | (u32)desc->base2 << 24 | desc->base1 << 16 | desc->base0;
}

/**
 * vmx_setup_host_cpu() - host state that differs from CPU to CPU
 * @vmx: vCPU whose VMCS just became current on this CPU
 */
void vmx_setup_host_cpu(struct vmx_vcpu *vmx)
{
	struct vmx_host *host = &vmx->host;
	u64 val;

	native_store_gdt(&host->gdt);
	store_idt(&host->idt);
	vmcs_writel(HOST_GDTR_BASE, host->gdt.address);
	vmcs_writel(HOST_IDTR_BASE, host->idt.address);
	vmcs_writel(HOST_TR_BASE, vmx_system_base(&host->gdt, GDT_ENTRY_TSS * 8));
	rdmsrl(MSR_GS_BASE, val);
	vmcs_writel(HOST_GS_BASE, val);

	rdmsrl(MSR_IA32_SYSENTER_CS, val);
	vmcs_write32(HOST_IA32_SYSENTER_CS, val);
	rdmsrl(MSR_IA32_SYSENTER_ESP, val);
	vmcs_writel(HOST_IA32_SYSENTER_ESP, val);
	rdmsrl(MSR_IA32_SYSENTER_EIP, val);
	vmcs_writel(HOST_IA32_SYSENTER_EIP, val);

	host->cr3 = 0;
	host->cr4 = 0;
}

/* VM entry refuses host selectors with RPL or TI; those are loaded again in put. */
static u16 vmx_host_selector(u16 selector)
{
	return selector & (SEGMENT_RPL_MASK | SEGMENT_TI_MASK) ? 0 : selector;
}

/**
 * vmx_save_host() - remember the host state that exits destroy
 * @vmx: vCPU being loaded, its VMCS current; preemption off
 */
void vmx_save_host(struct vmx_vcpu *vmx)
{
	struct vmx_host *host = &vmx->host;

	savesegment(ds, host->ds);
	savesegment(es, host->es);
	savesegment(fs, host->fs);
	savesegment(gs, host->gs);
	host->ldt = 0;
	rdmsrl(MSR_FS_BASE, host->fs_base);

	vmcs_write16(HOST_DS_SELECTOR, vmx_host_selector(host->ds));
	vmcs_write16(HOST_ES_SELECTOR, vmx_host_selector(host->es));
	vmcs_write16(HOST_FS_SELECTOR, vmx_host_selector(host->fs));
	vmcs_write16(HOST_GS_SELECTOR, vmx_host_selector(host->gs));
	vmcs_writel(HOST_FS_BASE, host->fs_base);
	vmx->entered = false;
}

/**
 * vmx_restore_host() - undo what exits did to the host's descriptor state
 * @vmx: vCPU being put, after vmx_msr_put(); preemption off
 *
 * Loading a selector also loads its base, so the bases of FS and of the user's
 * GS, which need not be those of the descriptors, are written afterwards.
 */
void vmx_restore_host(struct vmx_vcpu *vmx)
{
	struct vmx_host *host = &vmx->host;

	if (!vmx->entered)
		return;
	/* An exit sets both limits to 0xffff, which SGDT and SIDT would show. */
	native_load_gdt(&host->gdt);
	native_load_idt(&host->idt);
	/* The TSS limit became 0x67: without the I/O permission bitmap. */
	invalidate_tss_limit();
	if (host->ldt)
		asm volatile("lldt %w0" : : "rm" (host->ldt));

	if (vmx_host_selector(host->ds) != host->ds)
		loadsegment(ds, host->ds);
	if (vmx_host_selector(host->es) != host->es)
		loadsegment(es, host->es);
	if (vmx_host_selector(host->fs) != host->fs) {
		loadsegment(fs, host->fs);
		wrmsrl(MSR_FS_BASE, host->fs_base);
	}
	if (vmx_host_selector(host->gs) != host->gs) {
		load_gs_index(host->gs);
		wrmsrl(MSR_KERNEL_GS_BASE, vmx->host_msr[VMX_MSR_KERNEL_GS_BASE]);
	}
	vmx->entered = false;
}
