// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCS in words: every field of the table that this CPU has, and
 * the rule of the manual that it breaks.
 */
#include "nestor.h"
#include <linux/seq_file.h>
#include "vmx.h"

static void vmx_dump_line(struct seq_file *m, const char *name, u64 val, int digits)
{
	if (m)
		seq_printf(m, "%-30s %0*llx\n", name, digits, val);
	else
		pr_info("%-30s %0*llx\n", name, digits, val);
}

/* Hexadecimal digits of a field, by its width. */
static int vmx_dump_digits(unsigned long field)
{
	switch (vmcs_width(field)) {
	case VMCS_16:
		return 4;
	case VMCS_32:
		return 8;
	default:
		return 16;
	}
}

/**
 * vmx_dump() - print the current VMCS by field name
 * @vcpu: loaded vCPU
 * @m: where to; NULL: the kernel log
 *
 * A field that this CPU does not have is left out.
 */
void vmx_dump(struct nst_vcpu *vcpu, struct seq_file *m)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u16 vpid = vmx->vpid[vcpu->ctl.tag];
	unsigned long val;
	const char *rule;
	unsigned int i;

	if (m)
		seq_printf(m, "VMCS of vCPU %u, VPID %u, %slaunched\n", vcpu->id, vpid,
			   vmx->launched ? "" : "not ");
	else
		pr_info("VMCS of vCPU %u, VPID %u, %slaunched\n", vcpu->id, vpid,
			vmx->launched ? "" : "not ");
	for (i = 0; i < vmcs_nr_fields; i++)
		if (vmcs_try_read(vmcs_fields[i].encoding, &val))
			vmx_dump_line(m, vmcs_fields[i].name, val,
				      vmx_dump_digits(vmcs_fields[i].encoding));
	rule = vmx_audit(vcpu) ?: "none";
	if (m)
		seq_printf(m, "rule broken: %s\n", rule);
	else
		pr_err("vCPU %u: rule broken: %s\n", vcpu->id, rule);
}
