// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules that L1's control structures are held against, put to those that a
 * backend runs the guest with: which sentence of the manual do they break?
 */
#include "../nestor.h"
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/special_insns.h>
#include "../backend.h"
#include "../core.h"
#include "svm_check.h"
#include "trace.h"
#include "vmx_check.h"

static_assert(sizeof(((struct nst_vmcs_audit *)0)->must1) ==
	      sizeof(((struct nvmx_caps *)0)->must1));

/**
 * nst_audit_vmcb() - see backend.h
 * @vcpu: loaded vCPU
 * @vmcb: what VMRUN would enter with
 *
 * Return: the first rule that it breaks, or NULL.
 */
const char *nst_audit_vmcb(struct nst_vcpu *vcpu, const struct vmcb *vmcb)
{
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
	if (!rule)
		return NULL;
	trace_rule_broken(vcpu->id, rule->id, rule->text);
	return rule->text;
}

/* A field that this CPU does not have stays zero, and no rule looks at it. */
static void nst_audit_take(const struct nst_vmcs_audit *audit, struct nvmx_vmcs12 *v)
{
	const struct nvmx_field *f;
	u32 encoding;
	u64 val;

	for (unsigned int i = 0; (f = nvmx_field_row(i, &encoding)); i++)
		if (f->name && audit->field(encoding, &val))
			nvmx_field_write(v, f, encoding, val);
}

/**
 * nst_audit_vmcs() - see backend.h
 * @vcpu: loaded vCPU
 * @audit: its VMCS, and the processor's capabilities
 *
 * Return: the first rule that it breaks; NULL also when there is no memory.
 */
const char *nst_audit_vmcs(struct nst_vcpu *vcpu, const struct nst_vmcs_audit *audit)
{
	struct nvmx_caps caps = {
		.basic = audit->basic, .misc = audit->misc, .ept_vpid = audit->ept_vpid,
		.cr0_fixed0 = audit->cr0_fixed0, .cr0_fixed1 = audit->cr0_fixed1,
		.cr4_fixed0 = audit->cr4_fixed0, .cr4_fixed1 = audit->cr4_fixed1,
	};
	struct nvmx_check in = {
		.caps = &caps,
		.maxphyaddr = boot_cpu_data.x86_phys_bits,
		.linear_bits = boot_cpu_data.x86_virt_bits,
		.l1_long = true,
		.efer_allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX,
		/* Which bits this CPU has no register tells. */
		.debugctl_allowed = ~0ull,
		.vmptr = audit->vmptr,
		.read = audit->memory,
		.opaque = audit->opaque,
	};
	struct nvmx_vmcs12 *v = kzalloc(sizeof(*v), GFP_ATOMIC);
	const struct nvmx_rule *rule;

	if (!v)
		return NULL;
	memcpy(caps.must1, audit->must1, sizeof(caps.must1));
	memcpy(caps.may1, audit->may1, sizeof(caps.may1));
	nst_audit_take(audit, v);
	in.v = v;
	rule = nvmx_check_vmfail(&in) ?: nvmx_check_guest(&in);
	kfree(v);
	if (!rule)
		return NULL;
	trace_rule_broken(vcpu->id, rule->id, rule->text);
	return rule->text;
}
