// SPDX-License-Identifier: GPL-2.0-only
/*
 * PV EOI: a flag in guest memory that says that the interrupt in service can be
 * ended without telling the local APIC.  The guest clears it instead of writing
 * EOI, and needs no exit for that.
 *
 * The flag is offered right before an entry and taken back after the exit, so
 * that whoever looks at the APIC in between finds it as it is.
 * Layout: Linux's Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN.
 */
#include "../nestor.h"
#include <linux/kvm_para.h>
#include "../core.h"
#include "../guestmem.h"
#include "../hyperv/hyperv.h"
#include "../msr.h"
#include "chip.h"
#include "lapic.h"

#define PV_EOI_RESERVED		BIT_ULL(1)

static bool has_pv_eoi(const struct nst_vcpu *vcpu)
{
	return vcpu->pv_features & BIT(KVM_FEATURE_PV_EOI);
}

/**
 * nst_pv_eoi_get() - RDMSR of MSR_KVM_PV_EOI_EN
 * @vcpu: the vCPU
 * @row: unused
 * @a: the access
 *
 * Return: 0, or -EINVAL when the guest's CPUID does not show it.
 */
int nst_pv_eoi_get(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		   struct nst_msr_access *a)
{
	if (!a->host && !has_pv_eoi(vcpu))
		return -EINVAL;
	a->val = vcpu->pv_eoi.msr;
	return 0;
}

/**
 * nst_pv_eoi_set() - WRMSR of MSR_KVM_PV_EOI_EN
 * @vcpu: loaded vCPU
 * @row: unused
 * @a: the access: a 4-byte aligned address, and an enable bit
 *
 * Return: 0, or -EINVAL for the reserved bit, or when CPUID does not show it.
 */
int nst_pv_eoi_set(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		   struct nst_msr_access *a)
{
	if ((!a->host && !has_pv_eoi(vcpu)) || (a->val & PV_EOI_RESERVED))
		return -EINVAL;
	vcpu->pv_eoi.msr = a->val;
	return 0;
}

/* Hyper-V's guests have the flag in another page; nobody needs two of them. */
static nst_gpa_t flag_gpa(const struct nst_vcpu *vcpu)
{
	nst_gpa_t assist = nst_hv_assist_gpa(vcpu);

	if (assist != NST_GPA_INVALID)
		return assist;
	if (!(vcpu->pv_eoi.msr & KVM_MSR_ENABLED))
		return NST_GPA_INVALID;
	return nst_gpa(vcpu->pv_eoi.msr & ~(KVM_MSR_ENABLED | PV_EOI_RESERVED));
}

/**
 * nst_pv_eoi_offer() - let the guest end its interrupt by the flag
 * @vcpu: own thread, loaded, about to enter L1, preemption off, srcu held
 *
 * Not when something waits for the end: another interrupt, the I/O APIC, the PIT.
 */
void nst_pv_eoi_offer(struct nst_vcpu *vcpu)
{
	const u8 flag = KVM_PV_EOI_ENABLED;
	struct nst_lapic *l = vcpu->lapic;
	nst_gpa_t gpa = flag_gpa(vcpu);
	int vector;

	if (gpa == NST_GPA_INVALID || !l)
		return;
	vector = find_last_bit(l->isr, NST_APIC_VECTORS);
	if (vector == NST_APIC_VECTORS || !bitmap_empty(l->irr, NST_APIC_VECTORS) ||
	    test_bit(vector, l->tmr) || nst_hv_sint_has(vcpu, vector) ||
	    vector == READ_ONCE(vcpu->vm->irqchip->ioapic.pit_vector))
		return;
	vcpu->pv_eoi.offered = !nst_vcpu_write_atomic(vcpu, gpa, &flag, sizeof(flag));
}

/**
 * nst_pv_eoi_take_back() - has the guest used the flag?
 * @vcpu: own thread, loaded, irqs on, srcu held; nst_pv_eoi_offer() offered it
 *
 * A flag that cannot be read any more counts as not used: then the interrupt
 * stays in service, as after an EOI that was lost.
 */
void nst_pv_eoi_take_back(struct nst_vcpu *vcpu)
{
	const u8 none = 0;
	u8 flag;

	vcpu->pv_eoi.offered = false;
	if (nst_vcpu_read_gpa(vcpu, flag_gpa(vcpu), &flag, sizeof(flag)))
		return;
	if (flag & KVM_PV_EOI_ENABLED)
		nst_vcpu_write_gpa(vcpu, flag_gpa(vcpu), &none, sizeof(none));
	else
		nst_lapic_eoi(vcpu->lapic);
}
