// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machine checks that userspace injects: banks of error registers, and #MC.
 * The host's own machine checks never reach a guest by this way.
 *
 * SDM3 "Machine-Check Architecture": "Machine-Check MSRs", "Error-Reporting
 * Register Banks", "Overwrite Rules for Machine-Check Overflow".
 */
#include "nestor.h"
#include <asm/mce.h>
#include "core.h"
#include "msr.h"

/* What IA32_MCG_CAP may say: the count of banks and of extended registers too. */
#define MCG_CAP_OFFERED		(MCG_CTL_P | MCG_SER_P)
#define MCG_CAP_ALLOWED		(MCG_CAP_OFFERED | MCG_BANKCNT_MASK | MCG_EXT_CNT_MASK)

enum { BANK_CTL, BANK_STATUS, BANK_ADDR, BANK_MISC, BANK_REGS };

static unsigned int nr_banks(const struct nst_vcpu *vcpu)
{
	return vcpu->mce.cap & MCG_BANKCNT_MASK;
}

/**
 * nst_mce_cap_supported() - KVM_X86_GET_MCE_CAP_SUPPORTED
 * @object: unused
 * @arg: u64: result
 *
 * Return: 0.
 */
long nst_mce_cap_supported(void *object, unsigned long arg)
{
	*(u64 *)arg = MCG_CAP_OFFERED;
	return 0;
}

/**
 * nst_mce_setup() - KVM_X86_SETUP_MCE
 * @object: the vCPU
 * @arg: u64: IA32_MCG_CAP
 *
 * Return: 0, or -EINVAL for no banks, too many, or unknown features.
 */
long nst_mce_setup(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	u64 cap = *(u64 *)arg;
	unsigned int banks = cap & MCG_BANKCNT_MASK;

	if (!banks || banks > NST_MCE_BANKS || (cap & ~(u64)MCG_CAP_ALLOWED))
		return -EINVAL;
	vcpu->mce.cap = cap;
	/* All reporting starts enabled. */
	if (cap & MCG_CTL_P)
		vcpu->mce.ctl = ~0ull;
	for (unsigned int i = 0; i < banks; i++)
		vcpu->mce.bank[i][BANK_CTL] = ~0ull;
	return 0;
}

static void record(u64 *bank, const struct kvm_x86_mce *mce, u64 overflow)
{
	bank[BANK_STATUS] = mce->status | overflow;
	bank[BANK_ADDR] = mce->addr;
	bank[BANK_MISC] = mce->misc;
}

/* An uncorrected error is not overwritten; any other gives way to a worse one. */
static void record_error(u64 *bank, const struct kvm_x86_mce *mce)
{
	u64 old = bank[BANK_STATUS];
	bool uncorrected = mce->status & MCI_STATUS_UC;

	if (!(old & MCI_STATUS_VAL))
		record(bank, mce, 0);
	else if (!(old & MCI_STATUS_UC) && uncorrected)
		record(bank, mce, MCI_STATUS_OVER);
	else
		bank[BANK_STATUS] |= MCI_STATUS_OVER;
}

/**
 * nst_mce_inject() - KVM_X86_SET_MCE
 * @object: loaded vCPU
 * @arg: struct kvm_x86_mce
 *
 * An uncorrected error raises #MC, which shuts the CPU down when it cannot take
 * one.  Where the guest switched reporting off, nothing happens.
 *
 * Return: 0, or -EINVAL for no such bank or a status that is not valid.
 */
long nst_mce_inject(void *object, unsigned long arg)
{
	const struct kvm_x86_mce *mce = (const void *)arg;
	struct nst_vcpu *vcpu = object;
	u64 *bank;

	if (mce->bank >= nr_banks(vcpu) || !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	bank = vcpu->mce.bank[mce->bank];
	if (!(mce->status & MCI_STATUS_UC)) {
		record_error(bank, mce);
		return 0;
	}
	if (((vcpu->mce.cap & MCG_CTL_P) && !vcpu->mce.ctl) || !bank[BANK_CTL])
		return 0;
	nst_pull(vcpu, NST_STATE_CR);
	if ((vcpu->mcg_status & MCG_STATUS_MCIP) || !(vcpu->st.cr4 & X86_CR4_MCE)) {
		nst_request(vcpu, NST_REQ_TRIPLE_FAULT);
		return 0;
	}
	record_error(bank, mce);
	vcpu->mcg_status = mce->mcg_status;
	nst_raise(vcpu, X86_TRAP_MC);
	return 0;
}

/* ---- MSRs ---- */

/**
 * nst_mcg_ctl_get() - IA32_MCG_CTL
 * @vcpu: the vCPU
 * @row: unused
 * @a: the access
 *
 * Return: 0, or -EINVAL when IA32_MCG_CAP does not show it.
 */
int nst_mcg_ctl_get(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		    struct nst_msr_access *a)
{
	if (!(vcpu->mce.cap & MCG_CTL_P) && !a->host)
		return -EINVAL;
	a->val = vcpu->mce.ctl;
	return 0;
}

/**
 * nst_mcg_ctl_set() - IA32_MCG_CTL: all on or all off
 * @vcpu: the vCPU
 * @row: unused
 * @a: the access
 *
 * Return: 0 or -EINVAL.
 */
int nst_mcg_ctl_set(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		    struct nst_msr_access *a)
{
	if (!(vcpu->mce.cap & MCG_CTL_P) && (a->val || !a->host))
		return -EINVAL;
	if (a->val && ~a->val)
		return -EINVAL;
	vcpu->mce.ctl = a->val;
	return 0;
}

/* The register, or NULL when there are not as many banks. */
static u64 *bank_reg(struct nst_vcpu *vcpu, u32 index)
{
	u32 offset = index - MSR_IA32_MC0_CTL;

	if (offset / BANK_REGS >= nr_banks(vcpu))
		return NULL;
	return &vcpu->mce.bank[offset / BANK_REGS][offset % BANK_REGS];
}

/**
 * nst_mce_bank_get() - IA32_MCi_CTL, STATUS, ADDR, MISC
 * @vcpu: the vCPU
 * @row: unused
 * @a: the access
 *
 * Return: 0, or -EINVAL for a bank that is not there.
 */
int nst_mce_bank_get(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		     struct nst_msr_access *a)
{
	u64 *reg = bank_reg(vcpu, a->index);

	if (!reg)
		return -EINVAL;
	a->val = *reg;
	return 0;
}

/**
 * nst_mce_bank_set() - IA32_MCi_CTL, STATUS, ADDR, MISC
 * @vcpu: the vCPU
 * @row: unused
 * @a: the access; a guest can only clear a status
 *
 * Return: 0 or -EINVAL.
 */
int nst_mce_bank_set(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		     struct nst_msr_access *a)
{
	u64 *reg = bank_reg(vcpu, a->index);

	if (!reg)
		return -EINVAL;
	if (!a->host && a->val && (a->index - MSR_IA32_MC0_CTL) % BANK_REGS == BANK_STATUS)
		return -EINVAL;
	*reg = a->val;
	return 0;
}
