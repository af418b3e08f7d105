// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM entry of ours that hardware refused: the rules that nested VMX holds
 * L1's VMCS against say which sentence of the manual our own breaks.
 */
#include "nestor.h"
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/special_insns.h>
#include "nested/vmx_check.h"
#include "nested/trace.h"
#include "vmx.h"

static_assert((int)VMX_PIN == NVMX_PIN && (int)VMX_PROC == NVMX_PROC &&
	      (int)VMX_PROC2 == NVMX_PROC2 && (int)VMX_EXIT == NVMX_EXIT &&
	      (int)VMX_ENTRY == NVMX_ENTRY && (int)VMX_NR_WORDS == NVMX_NR_WORDS);

/* What the processor itself offers, as the rules ask for it. */
static void vmx_audit_caps(struct nvmx_caps *caps)
{
	memcpy(caps->must1, vmx_caps.must1, sizeof(caps->must1));
	memcpy(caps->may1, vmx_caps.may1, sizeof(caps->may1));
	caps->misc = vmx_caps.misc;
	caps->ept_vpid = vmx_caps.ept_vpid;
	rdmsrl(MSR_IA32_VMX_BASIC, caps->basic);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, caps->cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, caps->cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, caps->cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, caps->cr4_fixed1);
}

/* Of memory the rules read pages of ours alone: our MSR areas are empty. */
static bool vmx_audit_read(void *opaque, u64 addr, void *buf, u32 len)
{
	const struct vmx_vcpu *vmx = opaque;
	const void *pages[] = { vmx->vapic, vmx->shadow };

	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		u64 offset = pages[i] ? addr - virt_to_phys((void *)pages[i]) : PAGE_SIZE;

		if (offset >= PAGE_SIZE || len > PAGE_SIZE - offset)
			continue;
		memcpy(buf, pages[i] + offset, len);
		return true;
	}
	return false;
}

/* A field that this CPU does not have stays zero, and no rule looks at it. */
static void vmx_audit_take(struct nvmx_vmcs12 *v)
{
	const struct nvmx_field *f;
	unsigned long val;
	u32 encoding;

	for (unsigned int i = 0; (f = nvmx_field_row(i, &encoding)); i++)
		if (f->name && vmcs_try_read(encoding, &val))
			nvmx_field_write(v, f, encoding, val);
}

/**
 * vmx_audit() - name the first rule that the VMCS breaks, also as nestor:rule_broken
 * @vcpu: loaded vCPU
 * @m: where to; NULL: the kernel log
 */
void vmx_audit(struct nst_vcpu *vcpu, struct seq_file *m)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	const struct nvmx_rule *rule;
	struct nvmx_caps caps = {};
	struct nvmx_check in = {
		.caps = &caps,
		.maxphyaddr = boot_cpu_data.x86_phys_bits,
		.linear_bits = boot_cpu_data.x86_virt_bits,
		.l1_long = true,
		.efer_allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX,
		/* Which bits this CPU has no register tells. */
		.debugctl_allowed = ~0ull,
		.vmptr = virt_to_phys(vmx->vmcs),
		.read = vmx_audit_read,
		.opaque = vmx,
	};
	struct nvmx_vmcs12 *v = kzalloc(sizeof(*v), GFP_ATOMIC);

	if (!v)
		return;
	vmx_audit_caps(&caps);
	vmx_audit_take(v);
	in.v = v;
	rule = nvmx_check_vmfail(&in) ?: nvmx_check_guest(&in);
	kfree(v);
	if (rule)
		trace_rule_broken(vcpu->id, rule->id, rule->text);
	if (m)
		seq_printf(m, "rule broken: %s\n", rule ? rule->text : "none");
	else
		pr_err("vCPU %u: rule broken: %s\n", vcpu->id, rule ? rule->text : "none");
}
