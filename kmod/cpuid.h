/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUID: what the host offers (a table), and what a vCPU was given. */
#ifndef NST_CPUID_H
#define NST_CPUID_H

#include <linux/kvm.h>
#include "cpuid_table.h"
#include "vcpu.h"

#define NST_CPUID_MAX_ENTRIES	256	/* that KVM_SET_CPUID2 takes */

int nst_cpuid_module_init(void);	/* build the supported set; after hw_setup() */
/* KVM_GET_SUPPORTED_CPUID: *nent in and out.  -E2BIG when too small, with *nent set. */
int nst_cpuid_supported(struct kvm_cpuid2 __user *ucpuid);
/* KVM_SET_CPUID2.  -EINVAL, -E2BIG, -ENOMEM, -EFAULT. */
int nst_cpuid_set(struct nst_vcpu *vcpu, struct kvm_cpuid2 __user *ucpuid);
int nst_cpuid_get(struct nst_vcpu *vcpu, struct kvm_cpuid2 __user *ucpuid);
/* The CPUID instruction: leaf and subleaf in eax, ecx; all four out. */
void nst_cpuid_query(struct nst_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
/* Host-supported test on X86_FEATURE_*-numbered bits as we would offer them. */
bool nst_cpuid_offers(unsigned int x86_feature);
/* The same, and this vCPU's CPUID shows it. */
bool nst_cpuid_guest_has(struct nst_vcpu *vcpu, unsigned int x86_feature);
bool nst_cpuid_shows_mwait(struct nst_vcpu *vcpu);
/* A register of this vCPU's CPUID, subleaf 0, as userspace set it; all ones without CPUID. */
u32 nst_cpuid_word(struct nst_vcpu *vcpu, u32 leaf, unsigned int reg);
/* Recompute all that follows from the vCPU's CPUID, or from none: memory only. */
void nst_cpuid_refresh(struct nst_vcpu *vcpu);
/* Bytes of an XSAVE area that holds @features, standard or compacted format. */
u32 nst_cpuid_xstate_size(u64 features, bool compacted);
void nst_cpuid_free(struct nst_vcpu *vcpu);

/* A register of an entry by its number, enum nst_cpuid_reg. */
static inline u32 nst_cpuid_entry_reg(const struct kvm_cpuid_entry2 *e, unsigned int reg)
{
	switch (reg) {
	case NST_CPUID_EAX:
		return e->eax;
	case NST_CPUID_EBX:
		return e->ebx;
	case NST_CPUID_ECX:
		return e->ecx;
	default:
		return e->edx;
	}
}

#endif /* NST_CPUID_H */
