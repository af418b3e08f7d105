// SPDX-License-Identifier: GPL-2.0-only
/*
 * Printing a VMCB by field name, for debugfs and for entries that hardware
 * refused, and the rule of the manual that it breaks.  Reads memory only.
 */
#include "../nestor.h"
#include <linux/seq_file.h>
#include "svm.h"

/**
 * svm_dump() - print the VMCB
 * @vcpu: the vCPU, loaded or not running
 * @m: where to; NULL prints to the log
 */
void svm_dump(struct nst_vcpu *vcpu, struct seq_file *m)
{
	const struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	const char *rule;
	unsigned int i;

	for (i = 0; i < svm_nr_fields; i++) {
		u64 val = svm_field_read(vmcb, &svm_fields[i]);

		if (m)
			seq_printf(m, "%-26s %#llx\n", svm_fields[i].name, val);
		else
			pr_err("vCPU %u: %-26s %#llx\n", vcpu->id, svm_fields[i].name, val);
	}
	rule = nst_audit_vmcb(vcpu, vmcb) ?: "none";
	if (m)
		seq_printf(m, "rule broken: %s\n", rule);
	else
		pr_err("vCPU %u: rule broken: %s\n", vcpu->id, rule);
}
