// SPDX-License-Identifier: GPL-2.0-only
/*
 * What L1's SVM offers, and its life in a vCPU.  A feature is offered when it
 * works, on whatever hardware runs below.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include <asm/cpufeatures.h>
#include "../cpuid.h"
#include "../cpuid_table.h"
#include "../mmu/stage2.h"
#include "nsvm.h"
#include "svm_caps.h"

#define NSVM_REVISION	1
/* L0 keeps translations of one ASID at a time, so more would gain nothing. */
#define NSVM_NR_ASIDS	64

/**
 * nsvm_offers_npt() - may L1 use nested paging?
 *
 * Return: true.
 */
bool nsvm_offers_npt(void)
{
	return true;
}

static u32 nsvm_features(void)
{
	u32 features = NSVM_FEATURE(NRIPS) | NSVM_FEATURE(TSCRATEMSR) | NSVM_FEATURE(VMCBCLEAN) |
		       NSVM_FEATURE(FLUSHBYASID) | NSVM_FEATURE(DECODEASSISTS) |
		       NSVM_FEATURE(PAUSEFILTER) | NSVM_FEATURE(VGIF) |
		       NSVM_FEATURE(SVME_ADDR_CHK);

	if (nsvm_offers_npt())
		features |= NSVM_FEATURE(NPT) | NSVM_FEATURE(V_VMSAVE_VMLOAD);
	return features;
}

/**
 * nsvm_cpuid() - CPUID Fn8000_000A
 * @eax: revision
 * @ebx: number of ASIDs
 * @ecx: reserved
 * @edx: features
 */
void nsvm_cpuid(u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	*eax = NSVM_REVISION;
	*ebx = NSVM_NR_ASIDS;
	*ecx = 0;
	*edx = nsvm_features();
}

/* ---- MSRs ---- */

static struct nsvm *nsvm_of(const struct nst_vcpu *vcpu)
{
	return nst_isa(vcpu) == &nsvm_isa ? to_nsvm(vcpu) : NULL;
}

/**
 * nsvm_get_vm_cr() - read VM_CR
 * @vcpu: loaded vCPU
 * @row: its row
 * @a: the access
 *
 * Return: 0.
 */
int nsvm_get_vm_cr(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		   struct nst_msr_access *a)
{
	a->val = nsvm_of(vcpu) ? nsvm_of(vcpu)->vm_cr : 0;
	return 0;
}

/**
 * nsvm_set_vm_cr() - write VM_CR
 * @vcpu: loaded vCPU
 * @row: its row
 * @a: the access
 *
 * LOCK keeps LOCK and SVMDIS as they are; SVMDIS cannot be set while
 * EFER.SVME is.
 *
 * Return: 0, or -EINVAL.
 */
int nsvm_set_vm_cr(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		   struct nst_msr_access *a)
{
	struct nsvm *nsvm = nsvm_of(vcpu);
	const u64 locked = SVM_VM_CR_SVM_LOCK_MASK | SVM_VM_CR_SVM_DIS_MASK;
	u64 val = a->val;

	/* Redirection of INIT and the debug port are not there. */
	if (val & ~locked)
		return -EINVAL;
	if (!nsvm)
		return val ? -EINVAL : 0;
	if (!a->host && (nsvm->vm_cr & SVM_VM_CR_SVM_LOCK_MASK))
		val = nsvm->vm_cr;
	nst_pull(vcpu, NST_STATE_CR);
	if ((val & SVM_VM_CR_SVM_DIS_MASK) && (vcpu->st.efer & EFER_SVME))
		return -EINVAL;
	nsvm->vm_cr = val;
	return 0;
}

/**
 * nsvm_get_hsave_pa() - read VM_HSAVE_PA
 * @vcpu: loaded vCPU
 * @row: its row
 * @a: the access
 *
 * Return: 0.
 */
int nsvm_get_hsave_pa(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	a->val = nsvm_of(vcpu) ? nsvm_of(vcpu)->hsave_pa : 0;
	return 0;
}

/**
 * nsvm_set_hsave_pa() - write VM_HSAVE_PA
 * @vcpu: loaded vCPU
 * @row: its row
 * @a: the access
 *
 * Return: 0; -EINVAL when it is no page's address.
 */
int nsvm_set_hsave_pa(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	struct nsvm *nsvm = nsvm_of(vcpu);

	if ((a->val & ~NST_PAGE_MASK) || a->val >> vcpu->maxphyaddr)
		return -EINVAL;
	if (nsvm)
		nsvm->hsave_pa = a->val;
	else if (a->val)
		return -EINVAL;
	return 0;
}

/**
 * nsvm_get_tsc_ratio() - read TSC_RATIO
 * @vcpu: loaded vCPU
 * @row: its row
 * @a: the access
 *
 * Return: 0; -EINVAL for a guest whose CPU has no such MSR.
 */
int nsvm_get_tsc_ratio(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		       struct nst_msr_access *a)
{
	struct nsvm *nsvm = nsvm_of(vcpu);

	if (!a->host && !(nsvm && (nsvm->features & NSVM_FEATURE(TSCRATEMSR))))
		return -EINVAL;
	a->val = nsvm ? nsvm->tsc_ratio : SVM_TSC_RATIO_DEFAULT;
	return 0;
}

/**
 * nsvm_set_tsc_ratio() - write TSC_RATIO
 * @vcpu: loaded vCPU
 * @row: its row
 * @a: the access
 *
 * Return: 0; -EINVAL when a reserved bit is set, and for a guest whose CPU has no
 * such MSR.
 */
int nsvm_set_tsc_ratio(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		       struct nst_msr_access *a)
{
	struct nsvm *nsvm = nsvm_of(vcpu);

	if (a->val & SVM_TSC_RATIO_RSVD)
		return -EINVAL;
	if (!nsvm)
		return a->host && a->val == SVM_TSC_RATIO_DEFAULT ? 0 : -EINVAL;
	if (!a->host && !(nsvm->features & NSVM_FEATURE(TSCRATEMSR)))
		return -EINVAL;
	nsvm->tsc_ratio = a->val;
	nst_nested_merge(vcpu);
	return 0;
}

/* ---- life ---- */

static int nsvm_create(struct nst_vcpu *vcpu)
{
	struct nsvm *nsvm = kzalloc(sizeof(*nsvm), GFP_KERNEL_ACCOUNT);

	if (!nsvm)
		return -ENOMEM;
	nsvm->page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	nsvm->other = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!nsvm->page || !nsvm->other) {
		free_page((unsigned long)nsvm->page);
		free_page((unsigned long)nsvm->other);
		kfree(nsvm);
		return -ENOMEM;
	}
	nsvm->tsc_ratio = SVM_TSC_RATIO_DEFAULT;
	nsvm->msrpm_for = NSVM_NO_VMCB;
	nsvm->features = nst_cpuid_word(vcpu, SVM_CPUID_FUNC, NST_CPUID_EDX) & nsvm_features();
	vcpu->nested->priv = nsvm;
	return 0;
}

static void nsvm_destroy(struct nst_vcpu *vcpu)
{
	struct nsvm *nsvm = to_nsvm(vcpu);

	kfree(nsvm->msrpm);
	free_page((unsigned long)nsvm->page);
	free_page((unsigned long)nsvm->other);
	kfree(nsvm);
	vcpu->nested->priv = NULL;
}

static void nsvm_leave(struct nst_vcpu *vcpu)
{
	struct nsvm *nsvm = to_nsvm(vcpu);

	if (nst_in_l2(vcpu)) {
		nst_nested_switch(vcpu, false);
		nst_mmu_leave_l2(vcpu);
	}
	nsvm_put_gif(vcpu, true);
	nsvm->vmcb_pa = 0;
	nsvm->last_asid = 0;
	nsvm->msrpm_for = NSVM_NO_VMCB;
}

/*
 * SVM off: there is no GIF any more.  What L2 does to its own SVME is undefined
 * by the manual; here it cannot take it away from under L1.
 */
static bool nsvm_efer_allowed(struct nst_vcpu *vcpu, u64 val)
{
	struct nsvm *nsvm = to_nsvm(vcpu);

	if (val & EFER_SVME)
		return !(nsvm->vm_cr & SVM_VM_CR_SVM_DIS_MASK);
	if (nst_in_l2(vcpu))
		return false;
	if (!vcpu->st.gif) {
		nsvm_put_gif(vcpu, true);
		nst_request(vcpu, NST_REQ_EVENT);
	}
	return true;
}

const struct nst_isa nsvm_isa = {
	.name = "SVM",
	.create = nsvm_create,
	.destroy = nsvm_destroy,
	.insn = nsvm_insn,
	.wants = nsvm_wants,
	.reflect = nsvm_reflect,
	.verdict = nsvm_verdict,
	.events = nsvm_events,
	.windows = nsvm_windows,
	.wakes = nsvm_wakes,
	.merge = nsvm_merge,
	.get_cr8 = nsvm_get_cr8,
	.set_cr8 = nsvm_set_cr8,
	.efer_allowed = nsvm_efer_allowed,
	.leave = nsvm_leave,
	.get_state = nsvm_get_state,
	.set_state = nsvm_set_state,
	.smm_enter = nsvm_smm_enter,
	.smm_leave = nsvm_smm_leave,
};
