// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMRUN of ours that hardware refused: the rules that nested SVM holds L1's
 * VMCB against say which sentence of the manual our own breaks.
 */
#include "../nestor.h"
#include <linux/seq_file.h>
#include <asm/special_insns.h>
#include "../core.h"
#include "../nested/svm_check.h"
#include "../nested/trace.h"
#include "svm.h"

/**
 * svm_audit() - name the first rule that the VMCB breaks, also as nestor:rule_broken
 * @vcpu: loaded vCPU
 * @m: where to; NULL: the kernel log
 */
void svm_audit(struct nst_vcpu *vcpu, struct seq_file *m)
{
	const struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	const struct nsvm_rule *rule;
	struct nsvm_vmcb12 v = {};
	const struct nsvm_check in = {
		.v = &v,
		.maxphyaddr = boot_cpu_data.x86_phys_bits,
		.efer_allowed = nst_efer_allowed(vcpu) | EFER_SVME,
		/* What the host has set there is. */
		.cr4_reserved = vcpu->cr4_reserved & ~__read_cr4(),
		.long_mode = true,
		.npt = nst_caps.tdp,
	};

	nsvm_take(&v, vmcb, ~0u);
	rule = nsvm_check_vmcb(&in);
	if (rule)
		trace_rule_broken(vcpu->id, rule->id, rule->text);
	if (m)
		seq_printf(m, "rule broken: %s\n", rule ? rule->text : "none");
	else
		pr_err("vCPU %u: rule broken: %s\n", vcpu->id, rule ? rule->text : "none");
}
