// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register state: which classes are current in memory, and the rules that a
 * guest's write of a control or debug register must obey.
 */
#include "nestor.h"
#include "core.h"
#include "fpu.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "msr.h"
#include "nested/nested.h"

/**
 * nst_pull() - make classes of guest state current in vcpu->st
 * @vcpu: loaded vCPU
 * @classes: NST_STATE_*
 */
void nst_pull(struct nst_vcpu *vcpu, u32 classes)
{
	u32 missing = classes & ~vcpu->valid;

	if (!missing)
		return;
	nst_backend->pull(vcpu, missing);
	vcpu->valid |= missing;
}

/**
 * nst_modify() - pull classes and mark them to be pushed before the next entry
 * @vcpu: loaded vCPU
 * @classes: NST_STATE_* about to be changed in vcpu->st
 */
void nst_modify(struct nst_vcpu *vcpu, u32 classes)
{
	nst_pull(vcpu, classes);
	vcpu->dirty |= classes;
}

/**
 * nst_push_dirty() - bring hardware up to date before an entry
 * @vcpu: loaded vCPU
 */
void nst_push_dirty(struct nst_vcpu *vcpu)
{
	if (vcpu->dirty) {
		nst_backend->push(vcpu, vcpu->dirty);
		vcpu->dirty = 0;
	}
	if (vcpu->ctl.dirty)
		nst_backend->encode(vcpu);
}

/**
 * nst_cpl() - current privilege level
 * @vcpu: loaded vCPU
 *
 * Return: 0 to 3.
 */
int nst_cpl(struct nst_vcpu *vcpu)
{
	nst_pull(vcpu, NST_STATE_CR | NST_STATE_MODE);
	if (!nst_protected(vcpu))
		return 0;
	if (vcpu->st.rflags & X86_EFLAGS_VM)
		return 3;
	return (vcpu->st.seg[NST_SS].ar & NST_AR_DPL) >> NST_AR_DPL_SHIFT;
}

/**
 * nst_long_mode() - is IA-32e mode active?
 * @vcpu: loaded vCPU
 *
 * Return: EFER.LMA.
 */
bool nst_long_mode(struct nst_vcpu *vcpu)
{
	nst_pull(vcpu, NST_STATE_CR);
	return vcpu->st.efer & EFER_LMA;
}

/**
 * nst_code64() - does 64-bit code run?
 * @vcpu: loaded vCPU
 *
 * Return: EFER.LMA and CS.L.
 */
bool nst_code64(struct nst_vcpu *vcpu)
{
	if (!nst_long_mode(vcpu))
		return false;
	nst_pull(vcpu, NST_STATE_MODE);
	return vcpu->st.seg[NST_CS].ar & NST_AR_L;
}

/* PAE paging without IA-32e mode: the four PDPTEs are registers. */
static bool nst_pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LMA);
}

/*
 * Setting CR0.PG with EFER.LME enters IA-32e mode, clearing it leaves; SDM3
 * "Initializing IA-32e Mode".  False: #GP.
 */
static bool nst_switch_long_mode(struct nst_vcpu *vcpu, u64 cr0, u64 *efer)
{
	struct nst_state *st = &vcpu->st;

	if ((cr0 & X86_CR0_PG) && !(st->cr0 & X86_CR0_PG) && (st->efer & EFER_LME)) {
		if (!(st->cr4 & X86_CR4_PAE) || (st->seg[NST_CS].ar & NST_AR_L))
			return false;
		*efer |= EFER_LMA;
	}
	if (!(cr0 & X86_CR0_PG) && (st->cr0 & X86_CR0_PG) && (st->efer & EFER_LMA)) {
		if (st->seg[NST_CS].ar & NST_AR_L)
			return false;
		*efer &= ~(u64)EFER_LMA;
	}
	return true;
}

#define NST_CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)

/**
 * nst_set_cr0() - MOV to CR0
 * @vcpu: loaded vCPU
 * @val: the new value
 *
 * Return: false when the write faults with #GP(0), SDM2 "MOV - Move to/from
 * Control Registers"; nothing changed then.
 */
bool nst_set_cr0(struct nst_vcpu *vcpu, u64 val)
{
	struct nst_state *st = &vcpu->st;
	u64 efer;

	nst_modify(vcpu, NST_STATE_CR);
	nst_pull(vcpu, NST_STATE_MODE);
	if (val >> 32)
		return false;
	/* Undefined bits below 32 read as zero; ET is hardwired. */
	val = (val & NST_CR0_DEFINED) | X86_CR0_ET;
	if ((val & X86_CR0_PG) && !(val & X86_CR0_PE))
		return false;
	if ((val & X86_CR0_NW) && !(val & X86_CR0_CD))
		return false;
	if (!(val & X86_CR0_PG) && (st->cr4 & X86_CR4_PCIDE))
		return false;
	if (!nst_nested_cr_allowed(vcpu, 0, val))
		return false;
	efer = st->efer;
	if (!nst_switch_long_mode(vcpu, val, &efer))
		return false;
	if (nst_pae_paging(val, st->cr4, efer) &&
	    ((val ^ st->cr0) & (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)) &&
	    !nst_mmu_load_pdptrs(vcpu, st->cr3))
		return false;
	st->efer = efer;
	if ((st->cr0 ^ val) & (X86_CR0_PG | X86_CR0_WP | X86_CR0_PE)) {
		st->cr0 = val;
		nst_mmu_mode_changed(vcpu);
		nst_mmu_flush_guest(vcpu);
	}
	st->cr0 = val;
	return true;
}

/**
 * nst_set_cr3() - MOV to CR3
 * @vcpu: loaded vCPU
 * @val: the new value
 *
 * Return: false for #GP(0).
 */
bool nst_set_cr3(struct nst_vcpu *vcpu, u64 val)
{
	struct nst_state *st = &vcpu->st;
	bool keep = false;

	nst_modify(vcpu, NST_STATE_CR);
	if (st->efer & EFER_LMA) {
		if (st->cr4 & X86_CR4_PCIDE) {
			keep = val >> 63;
			val &= ~BIT_ULL(63);
		}
		if (val >> vcpu->maxphyaddr)
			return false;
	} else if (nst_pae_paging(st->cr0, st->cr4, st->efer) &&
		   !nst_mmu_load_pdptrs(vcpu, val)) {
		return false;
	}
	st->cr3 = val;
	nst_mmu_cr3_changed(vcpu, keep);
	return true;
}

#define NST_CR4_PAGING	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_SMEP | \
			 X86_CR4_SMAP | X86_CR4_PKE | X86_CR4_LA57 | X86_CR4_PCIDE)

/**
 * nst_set_cr4() - MOV to CR4
 * @vcpu: loaded vCPU
 * @val: the new value
 *
 * Return: false for #GP(0).
 */
bool nst_set_cr4(struct nst_vcpu *vcpu, u64 val)
{
	struct nst_state *st = &vcpu->st;
	u64 changed;

	nst_modify(vcpu, NST_STATE_CR);
	if ((val & vcpu->cr4_reserved) || !nst_nested_cr_allowed(vcpu, 4, val))
		return false;
	changed = val ^ st->cr4;
	if (st->efer & EFER_LMA) {
		if (!(val & X86_CR4_PAE) || (changed & X86_CR4_LA57))
			return false;
	} else if (val & X86_CR4_PCIDE) {
		return false;
	}
	/* PCIDs start with none in use: SDM3 "Process-Context Identifiers". */
	if ((changed & val & X86_CR4_PCIDE) && (st->cr3 & 0xfff))
		return false;
	if (nst_pae_paging(st->cr0, val, st->efer) &&
	    (changed & (X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_SMEP)) &&
	    !nst_mmu_load_pdptrs(vcpu, st->cr3))
		return false;
	st->cr4 = val;
	if (changed & NST_CR4_PAGING) {
		nst_mmu_mode_changed(vcpu);
		nst_mmu_flush_guest(vcpu);
	}
	return true;
}

/**
 * nst_apic_cr8() - the task priority class of the vCPU's APIC
 * @vcpu: loaded vCPU
 *
 * Return: 0 to 15; what userspace knows as CR8, also while L2 has another.
 */
u64 nst_apic_cr8(struct nst_vcpu *vcpu)
{
	return vcpu->lapic ? nst_lapic_get_cr8(vcpu) : vcpu->user_cr8;
}

/**
 * nst_set_apic_cr8() - userspace sets CR8
 * @vcpu: loaded vCPU
 * @val: the new value
 *
 * Return: false when it cannot be.
 */
bool nst_set_apic_cr8(struct nst_vcpu *vcpu, u64 val)
{
	if (val > 0xf)
		return false;
	if (vcpu->lapic)
		nst_lapic_set_cr8(vcpu, val);
	else
		vcpu->user_cr8 = val;
	nst_request(vcpu, NST_REQ_EVENT);
	return true;
}

/**
 * nst_get_cr8() - the task priority class that the current context sees
 * @vcpu: loaded vCPU
 *
 * Return: 0 to 15.
 */
u64 nst_get_cr8(struct nst_vcpu *vcpu)
{
	u64 val;

	return nst_nested_get_cr8(vcpu, &val) ? val : nst_apic_cr8(vcpu);
}

/**
 * nst_set_cr8() - MOV to CR8
 * @vcpu: loaded vCPU
 * @val: the new value
 *
 * Return: false for #GP(0).
 */
bool nst_set_cr8(struct nst_vcpu *vcpu, u64 val)
{
	if (val > 0xf)
		return false;
	if (!nst_nested_set_cr8(vcpu, val))
		return nst_set_apic_cr8(vcpu, val);
	nst_request(vcpu, NST_REQ_EVENT);
	return true;
}

/**
 * nst_efer_allowed() - the EFER bits of the guest's CPU
 * @vcpu: the vCPU
 *
 * Return: EFER_*.
 */
u64 nst_efer_allowed(const struct nst_vcpu *vcpu)
{
	u64 allowed = 0;

	if (nst_guest_has(vcpu, NST_GCAP_SYSCALL))
		allowed |= EFER_SCE;
	if (nst_guest_has(vcpu, NST_GCAP_LM))
		allowed |= EFER_LME | EFER_LMA;
	if (nst_guest_has(vcpu, NST_GCAP_NX))
		allowed |= EFER_NX;
	if (nst_guest_has(vcpu, NST_GCAP_FFXSR))
		allowed |= EFER_FFXSR;
	if (nst_guest_has(vcpu, NST_GCAP_SVM))
		allowed |= EFER_SVME;
	return allowed;
}

/**
 * nst_set_efer() - WRMSR to IA32_EFER
 * @vcpu: loaded vCPU
 * @val: the new value
 * @host: from userspace, which may set LMA and precede KVM_SET_CPUID2
 *
 * Return: false for #GP(0).
 */
bool nst_set_efer(struct nst_vcpu *vcpu, u64 val, bool host)
{
	struct nst_state *st = &vcpu->st;
	u64 all = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX | EFER_FFXSR |
		  (nst_param_nested ? EFER_SVME : 0);
	u64 changed;

	nst_modify(vcpu, NST_STATE_CR);
	if (val & ~(host ? all : nst_efer_allowed(vcpu)))
		return false;
	if (!host) {
		if (nst_paging(vcpu) && ((val ^ st->efer) & EFER_LME))
			return false;
		/* LMA is set by hardware: writes leave it alone. */
		val = (val & ~(u64)EFER_LMA) | (st->efer & EFER_LMA);
		if (!nst_nested_efer_allowed(vcpu, val))
			return false;
	}
	changed = val ^ st->efer;
	st->efer = val;
	if (changed & (EFER_NX | EFER_LMA))
		nst_mmu_mode_changed(vcpu);
	return true;
}

/**
 * nst_set_xcr0() - XSETBV of XCR0
 * @vcpu: loaded vCPU
 * @val: the new value
 *
 * Return: false for #GP(0), SDM1 "Enabling the XSAVE Feature Set and
 * XSAVE-Enabled Features".
 */
bool nst_set_xcr0(struct nst_vcpu *vcpu, u64 val)
{
	const u64 avx512 = XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 |
			   XFEATURE_MASK_Hi16_ZMM;

	if (!(val & XFEATURE_MASK_FP) || (val & ~vcpu->xcr0_allowed))
		return false;
	if ((val & XFEATURE_MASK_YMM) && !(val & XFEATURE_MASK_SSE))
		return false;
	if ((val & avx512) && ((val & avx512) != avx512 || !(val & XFEATURE_MASK_YMM)))
		return false;
	vcpu->st.xcr0 = val;
	return true;
}

/* DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE makes them #UD. */
static int nst_dr_alias(struct nst_vcpu *vcpu, int *dr)
{
	if (*dr != 4 && *dr != 5)
		return 0;
	nst_pull(vcpu, NST_STATE_CR);
	if (vcpu->st.cr4 & X86_CR4_DE)
		return X86_TRAP_UD;
	*dr += 2;
	return 0;
}

/**
 * nst_set_dr() - MOV to a debug register
 * @vcpu: loaded vCPU
 * @dr: 0 to 7
 * @val: the new value
 *
 * Return: 0, X86_TRAP_UD or X86_TRAP_GP.
 */
int nst_set_dr(struct nst_vcpu *vcpu, int dr, u64 val)
{
	struct nst_state *st = &vcpu->st;
	int vector = nst_dr_alias(vcpu, &dr);

	if (vector)
		return vector;
	if (dr < 4) {
		st->dr[dr] = val;
		return 0;
	}
	if (val >> 32)
		return X86_TRAP_GP;
	nst_modify(vcpu, NST_STATE_DR);
	/* Reserved bits: ones and zeros that do not change, SDM3 "Debug Registers". */
	if (dr == 6)
		st->dr6 = (val & NST_DR6_WRITABLE) | NST_RESET_DR6;
	else
		st->dr7 = (val & NST_DR7_WRITABLE) | NST_RESET_DR7;
	return 0;
}

/**
 * nst_get_dr() - MOV from a debug register
 * @vcpu: loaded vCPU
 * @dr: 0 to 7
 * @val: the result
 *
 * Return: 0 or X86_TRAP_UD.
 */
int nst_get_dr(struct nst_vcpu *vcpu, int dr, u64 *val)
{
	int vector = nst_dr_alias(vcpu, &dr);

	if (vector)
		return vector;
	if (dr >= 4)
		nst_pull(vcpu, NST_STATE_DR);
	*val = dr < 4 ? vcpu->st.dr[dr] : dr == 6 ? vcpu->st.dr6 : vcpu->st.dr7;
	return 0;
}
