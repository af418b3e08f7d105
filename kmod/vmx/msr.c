// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs: the permission bitmap, and those that guest and host each have a value
 * of but no VMCS field exchanges.  The latter are swapped when the vCPU is
 * loaded and put, not at each entry: the host's kernel needs none of them
 * before it returns to userspace.
 */
#include "nestor.h"
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include "vmx.h"

struct vmx_swap_row {
	u32 index;
	size_t offset;	/* of the guest's value in struct nst_state */
};

#define SWAP(id, msr, member) \
	[VMX_MSR_##id] = { msr, offsetof(struct nst_state, member) }

static const struct vmx_swap_row vmx_swaps[VMX_NR_SWAPPED] = {
	SWAP(KERNEL_GS_BASE, MSR_KERNEL_GS_BASE, kernel_gs_base),
	SWAP(STAR, MSR_STAR, star),
	SWAP(LSTAR, MSR_LSTAR, lstar),
	SWAP(CSTAR, MSR_CSTAR, cstar),
	SWAP(SFMASK, MSR_SYSCALL_MASK, sfmask),
	SWAP(TSC_AUX, MSR_TSC_AUX, tsc_aux),
};

static u64 *vmx_swap_member(struct nst_vcpu *vcpu, unsigned int i)
{
	return (void *)&vcpu->st + vmx_swaps[i].offset;
}

/* TSC_AUX exists only together with RDTSCP or RDPID. */
static bool vmx_swap_exists(unsigned int i)
{
	return i != VMX_MSR_TSC_AUX || boot_cpu_has(X86_FEATURE_RDTSCP) ||
	       boot_cpu_has(X86_FEATURE_RDPID);
}

/**
 * vmx_msr_load_sce() - give the CPU the guest's EFER.SCE
 * @vmx: loaded vCPU; vcpu->st.efer is valid always
 *
 * Without an EFER field in the VMCS an entry changes LMA and LME alone.  NXE
 * must be on for the shadow tables and is, as the host's.  SCE is left, which
 * the host needs only in user mode.
 */
void vmx_msr_load_sce(struct vmx_vcpu *vmx)
{
	u64 efer = vmx->host_efer & ~(u64)EFER_SCE;

	if (!vmx_caps.efer_field && vmx->loaded)
		wrmsrl(MSR_EFER, efer | (vmx->vcpu->st.efer & EFER_SCE));
}

/**
 * vmx_msr_load() - save the host's MSRs and load the guest's
 * @vmx: vCPU being loaded; preemption off
 */
void vmx_msr_load(struct vmx_vcpu *vmx)
{
	unsigned int i;

	for (i = 0; i < VMX_NR_SWAPPED; i++) {
		if (!vmx_swap_exists(i))
			continue;
		rdmsrl(vmx_swaps[i].index, vmx->host_msr[i]);
		if (vmx->guest_msr[i] != vmx->host_msr[i])
			wrmsrl(vmx_swaps[i].index, vmx->guest_msr[i]);
	}
	vmx->loaded = true;
	if (!vmx_caps.efer_field) {
		rdmsrl(MSR_EFER, vmx->host_efer);
		vmx_msr_load_sce(vmx);
	}
}

/**
 * vmx_msr_put() - save the guest's MSRs and load the host's
 * @vmx: vCPU being put; preemption off
 */
void vmx_msr_put(struct vmx_vcpu *vmx)
{
	unsigned int i;

	for (i = 0; i < VMX_NR_SWAPPED; i++) {
		if (!vmx_swap_exists(i))
			continue;
		rdmsrl(vmx_swaps[i].index, vmx->guest_msr[i]);
		if (vmx->guest_msr[i] != vmx->host_msr[i])
			wrmsrl(vmx_swaps[i].index, vmx->host_msr[i]);
	}
	if (!vmx_caps.efer_field)
		wrmsrl(MSR_EFER, vmx->host_efer);
	vmx->loaded = false;
}

/**
 * vmx_msr_pull() - NST_STATE_MSR from hardware to vcpu->st
 * @vmx: loaded vCPU
 */
void vmx_msr_pull(struct vmx_vcpu *vmx)
{
	struct nst_state *st = &vmx->vcpu->st;
	unsigned int i;

	st->sysenter_cs = vmcs_read32(GUEST_SYSENTER_CS);
	st->sysenter_esp = vmcs_readl(GUEST_SYSENTER_ESP);
	st->sysenter_eip = vmcs_readl(GUEST_SYSENTER_EIP);
	if (vmx_caps.pat_field)
		st->pat = vmcs_read64(GUEST_IA32_PAT);
	st->debugctl = vmcs_read64(GUEST_IA32_DEBUGCTL);
	for (i = 0; i < VMX_NR_SWAPPED; i++)
		if (vmx_swap_exists(i))
			rdmsrl(vmx_swaps[i].index, *vmx_swap_member(vmx->vcpu, i));
}

/**
 * vmx_msr_push() - NST_STATE_MSR from vcpu->st to hardware
 * @vmx: loaded vCPU
 */
void vmx_msr_push(struct vmx_vcpu *vmx)
{
	const struct nst_state *st = &vmx->vcpu->st;
	unsigned int i;

	vmcs_write32(GUEST_SYSENTER_CS, st->sysenter_cs);
	vmcs_writel(GUEST_SYSENTER_ESP, st->sysenter_esp);
	vmcs_writel(GUEST_SYSENTER_EIP, st->sysenter_eip);
	if (vmx_caps.pat_field)
		vmcs_write64(GUEST_IA32_PAT, st->pat);
	vmcs_write64(GUEST_IA32_DEBUGCTL, st->debugctl);
	for (i = 0; i < VMX_NR_SWAPPED; i++)
		if (vmx_swap_exists(i))
			wrmsrl_safe(vmx_swaps[i].index, *vmx_swap_member(vmx->vcpu, i));
}

/*
 * The bitmap's four kilobytes, SDM3 "MSR-Bitmap Address": reads of MSRs from 0
 * and from 0xc0000000, then writes of the same.  A set bit exits.
 */
#define VMX_MSRS_PER_RANGE	0x2000
#define VMX_MSR_HIGH_RANGE	0xc0000000
#define VMX_BITMAP_WRITES	(2 * VMX_MSRS_PER_RANGE)	/* first bit of the writes */

/* Bit of @msr among the reads, or -1: outside both ranges, always exits. */
static int vmx_bitmap_bit(u32 msr)
{
	if (msr < VMX_MSRS_PER_RANGE)
		return msr;
	if (msr - VMX_MSR_HIGH_RANGE < VMX_MSRS_PER_RANGE)
		return VMX_MSRS_PER_RANGE + msr - VMX_MSR_HIGH_RANGE;
	return -1;
}

/* MSRs whose guest value is in the CPU while the guest runs, and nothing else sees it. */
static bool vmx_msr_is_switched(u32 msr)
{
	unsigned int i;

	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_IA32_SYSENTER_CS:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		return true;
	case MSR_IA32_CR_PAT:
		return vmx_caps.pat_field;
	case MSR_IA32_SPEC_CTRL:
		return vmx_caps.spec_ctrl;
	}
	for (i = 0; i < VMX_NR_SWAPPED; i++)
		if (vmx_swaps[i].index == msr)
			return vmx_swap_exists(i);
	return false;
}

/**
 * vmx_msr_direct() - let the guest touch an MSR without exits, or stop that
 * @vcpu: the vCPU, not in the guest
 * @msr: index
 * @read: RDMSR does not exit
 * @write: WRMSR does not exit
 *
 * An MSR that is not switched between guest and host keeps exiting, but for
 * two that hold no state: the TSC, whose reads honour the offset, and the
 * command register PRED_CMD.
 */
void vmx_msr_direct(struct nst_vcpu *vcpu, u32 msr, bool read, bool write)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long *bitmap = (unsigned long *)vmx->msr_bitmap;
	bool switched = vmx_msr_is_switched(msr);
	int bit = vmx_bitmap_bit(msr);

	if (bit < 0)
		return;
	__assign_bit(bit, bitmap, !read || !(switched || msr == MSR_IA32_TSC));
	__assign_bit(bit + VMX_BITMAP_WRITES, bitmap,
		     !write || !(switched || msr == MSR_IA32_PRED_CMD));
	if (msr == MSR_IA32_SPEC_CTRL)
		vmx->guest_spec_direct = write && switched;
}

/**
 * vmx_msr_init() - every MSR access exits
 * @vmx: new vCPU
 */
void vmx_msr_init(struct vmx_vcpu *vmx)
{
	memset(vmx->msr_bitmap, 0xff, PAGE_SIZE);
}
