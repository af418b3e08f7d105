// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our own VMCS, for the rules that nested VMX holds L1's against.
 */
#include "nestor.h"
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/io.h>
#include <asm/msr.h>
#include "vmx.h"

static bool vmx_audit_field(u32 encoding, u64 *val)
{
	unsigned long read;

	if (!vmcs_try_read(encoding, &read))
		return false;
	*val = read;
	return true;
}

/* A shadow root, whose PDPTEs PAE paging without EPT loads from memory. */
static void *vmx_audit_root(const struct nst_ctl *ctl)
{
	if (nst_caps.tdp || ctl->root == NST_HPA_INVALID)
		return NULL;
	return phys_to_virt(nst_hpa_raw(ctl->root) & PAGE_MASK);
}

/* Of memory the rules read pages of ours alone: our MSR areas are empty. */
static bool vmx_audit_memory(void *opaque, u64 addr, void *buf, u32 len)
{
	const struct vmx_vcpu *vmx = opaque;
	void *pages[] = { vmx->vapic, vmx->shadow, vmx_audit_root(&vmx->vcpu->ctl) };

	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		u64 offset = pages[i] ? addr - virt_to_phys(pages[i]) : PAGE_SIZE;

		if (offset >= PAGE_SIZE || len > PAGE_SIZE - offset)
			continue;
		memcpy(buf, pages[i] + offset, len);
		return true;
	}
	return false;
}

/**
 * vmx_audit() - would an entry take the VMCS?
 * @vcpu: loaded vCPU
 *
 * Return: the first rule that it breaks, or NULL.
 */
const char *vmx_audit(struct nst_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct nst_vmcs_audit audit = {
		.misc = vmx_caps.misc,
		.ept_vpid = vmx_caps.ept_vpid,
		.vmptr = virt_to_phys(vmx->vmcs),
		.field = vmx_audit_field,
		.memory = vmx_audit_memory,
		.opaque = vmx,
	};

	static_assert(sizeof(audit.must1) == sizeof(vmx_caps.must1));
	memcpy(audit.must1, vmx_caps.must1, sizeof(audit.must1));
	memcpy(audit.may1, vmx_caps.may1, sizeof(audit.may1));
	rdmsrl(MSR_IA32_VMX_BASIC, audit.basic);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, audit.cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, audit.cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, audit.cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, audit.cr4_fixed1);
	return nst_audit_vmcs(vcpu, &audit);
}
