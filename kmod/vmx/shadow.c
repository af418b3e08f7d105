// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's VMREAD and VMWRITE of some fields go to a second VMCS of its vCPU's
 * instead of exiting: SDM3 "VMCS Shadowing".  It is current only while we copy
 * between it and what nested VMX keeps, and in memory otherwise.
 */
#include "nestor.h"
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <asm/io.h>
#include <asm/vmx.h>
#include "compat.h"
#include "vmx.h"

#define VMX_SHADOW_REGION	BIT(31)	/* in the revision identifier */

/* One bit an encoding, for all vCPUs: the instruction exits where it is set. */
static unsigned long *vmx_vmread_bitmap;
static unsigned long *vmx_vmwrite_bitmap;

/**
 * vmx_shadow_can() - can this processor do it with all fields?
 *
 * Exit information is written into the shadow with VMWRITE.
 *
 * Return: true when it can, and guests may nest.
 */
bool vmx_shadow_can(void)
{
	return nst_param_nested && vmx_can(VMX_PROC2, SECONDARY_EXEC_SHADOW_VMCS) &&
	       (vmx_caps.misc & VMX_MISC_VMWRITE_SHADOW_RO_FIELDS) &&
	       nst_caps.tdp && nst_caps.virtual_tpr && nst_caps.preemption_timer;
}

/**
 * vmx_shadow_free_bitmaps() - undo vmx_shadow_alloc_bitmaps()
 */
void vmx_shadow_free_bitmaps(void)
{
	free_page((unsigned long)vmx_vmread_bitmap);
	free_page((unsigned long)vmx_vmwrite_bitmap);
	vmx_vmread_bitmap = NULL;
	vmx_vmwrite_bitmap = NULL;
}

/**
 * vmx_shadow_alloc_bitmaps() - at module load
 *
 * Return: 0 or -ENOMEM; also 0 when there is nothing to do.
 */
int vmx_shadow_alloc_bitmaps(void)
{
	unsigned int writable, nr, i;
	const u32 *fields;

	if (!nst_caps.vmcs_shadow)
		return 0;
	vmx_vmread_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL);
	vmx_vmwrite_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL);
	if (!vmx_vmread_bitmap || !vmx_vmwrite_bitmap) {
		vmx_shadow_free_bitmaps();
		return -ENOMEM;
	}
	memset(vmx_vmread_bitmap, 0xff, PAGE_SIZE);
	memset(vmx_vmwrite_bitmap, 0xff, PAGE_SIZE);
	nr = nst_vmcs_shadow_fields(&fields, &writable);
	for (i = 0; i < nr; i++) {
		__clear_bit(fields[i], vmx_vmread_bitmap);
		if (i < writable)
			__clear_bit(fields[i], vmx_vmwrite_bitmap);
	}
	return 0;
}

/**
 * vmx_shadow_create() - the second VMCS of a new vCPU
 * @vmx: the vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int vmx_shadow_create(struct vmx_vcpu *vmx)
{
	if (!nst_caps.vmcs_shadow)
		return 0;
	vmx->shadow = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->shadow)
		return -ENOMEM;
	*(u32 *)vmx->shadow = vmx_caps.revision | VMX_SHADOW_REGION;
	return 0;
}

/**
 * vmx_shadow_setup() - the fields that stay as they are
 * @vmx: loaded vCPU whose VMCS is new
 */
void vmx_shadow_setup(struct vmx_vcpu *vmx)
{
	vmcs_write64(VMCS_LINK_POINTER, ~0ull);
	if (!vmx->shadow)
		return;
	vmcs_write64(VMREAD_BITMAP, virt_to_phys(vmx_vmread_bitmap));
	vmcs_write64(VMWRITE_BITMAP, virt_to_phys(vmx_vmwrite_bitmap));
}

/**
 * vmx_shadow_encode() - let the guest reach its shadow, or not
 * @vmx: loaded vCPU
 * @on: SECONDARY_EXEC_SHADOW_VMCS is being set
 */
void vmx_shadow_encode(struct vmx_vcpu *vmx, bool on)
{
	vmcs_write64(VMCS_LINK_POINTER, on ? virt_to_phys(vmx->shadow) : ~0ull);
}

static void vmx_shadow_load(struct vmx_vcpu *vmx)
{
	preempt_disable();
	if (!vmx_vmptrld(virt_to_phys(vmx->shadow)))
		NST_BUG_ON(vmx->vcpu->vm, true);
}

/* The guest finds in memory what was written. */
static void vmx_shadow_put(struct vmx_vcpu *vmx)
{
	vmx_vmclear(virt_to_phys(vmx->shadow));
	if (!vmx_vmptrld(virt_to_phys(vmx->vmcs)))
		NST_BUG_ON(vmx->vcpu->vm, true);
	preempt_enable();
}

/**
 * vmx_shadow_read() - nst_backend.vmcs_shadow_read
 * @vcpu: loaded vCPU
 * @fields: encodings
 * @vals: their values, filled
 * @nr: how many
 */
void vmx_shadow_read(struct nst_vcpu *vcpu, const u32 *fields, u64 *vals, unsigned int nr)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx_shadow_load(vmx);
	for (unsigned int i = 0; i < nr; i++)
		vals[i] = vmcs_read_any(fields[i]);
	vmx_shadow_put(vmx);
}

/**
 * vmx_shadow_write() - nst_backend.vmcs_shadow_write
 * @vcpu: loaded vCPU
 * @fields: encodings
 * @vals: their values
 * @nr: how many
 */
void vmx_shadow_write(struct nst_vcpu *vcpu, const u32 *fields, const u64 *vals, unsigned int nr)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx_shadow_load(vmx);
	for (unsigned int i = 0; i < nr; i++)
		vmcs_write_any(fields[i], vals[i]);
	vmx_shadow_put(vmx);
}
