// SPDX-License-Identifier: GPL-2.0-only
/*
 * The task priority of a 32-bit guest without exits: userspace is told which
 * instructions access the TPR in the APIC page, puts calls of a ROM in their
 * place, and the ROM finds a copy of the priorities in guest memory.
 *
 * The copy is written before each entry, and what the guest made of its TPR is
 * read after each exit.  Own thread; vm->srcu held where guest memory is used.
 */
#include "../nestor.h"
#include "../core.h"
#include "../guestmem.h"
#include "chip.h"
#include "lapic.h"

/* What the ROM and we share, by the layout of its side. */
struct vapic_page {
	u8 tpr;
	u8 isr;		/* class of the vector in service */
	u8 zero;
	u8 irr;		/* highest vector requested */
};

/**
 * nst_vapic_set_addr() - KVM_SET_VAPIC_ADDR
 * @object: loaded vCPU, srcu held
 * @arg: struct kvm_vapic_addr: where the copy is, 0: there is none
 *
 * Return: 0, or -EINVAL without a local APIC in the kernel, or when no memory is
 * at the address.
 */
long nst_vapic_set_addr(void *object, unsigned long arg)
{
	const struct kvm_vapic_addr *addr = (const void *)arg;
	struct nst_vcpu *vcpu = object;
	struct vapic_page page;

	if (!vcpu->lapic)
		return -EINVAL;
	if (addr->vapic_addr &&
	    nst_read_gpa(vcpu->vm, nst_gpa(addr->vapic_addr), &page, sizeof(page)))
		return -EINVAL;
	vcpu->tpr_access.page = addr->vapic_addr;
	return 0;
}

/**
 * nst_tpr_reporting() - KVM_TPR_ACCESS_REPORTING
 * @object: vCPU, its mutex held
 * @arg: struct kvm_tpr_access_ctl
 *
 * From now on an access to the TPR in the APIC page is carried out and then told
 * by KVM_EXIT_TPR_ACCESS, or no longer told.
 *
 * Return: 0, or -EINVAL for flags.
 */
long nst_tpr_reporting(void *object, unsigned long arg)
{
	const struct kvm_tpr_access_ctl *ctl = (const void *)arg;
	struct nst_vcpu *vcpu = object;

	if (ctl->flags)
		return -EINVAL;
	vcpu->tpr_access.report = ctl->enabled;
	return 0;
}

/**
 * nst_tpr_accessed() - an emulated instruction reads or writes the TPR
 * @vcpu: own thread; RIP is still at the instruction
 * @write: direction
 */
void nst_tpr_accessed(struct nst_vcpu *vcpu, bool write)
{
	if (!vcpu->tpr_access.report)
		return;
	vcpu->tpr_access.rip = vcpu->st.rip;
	vcpu->tpr_access.write = write;
	nst_request(vcpu, NST_REQ_TPR_ACCESS);
}

/**
 * nst_exit_tpr_access() - NST_REQ_TPR_ACCESS: KVM_EXIT_TPR_ACCESS
 * @vcpu: own thread
 *
 * Return: NST_USER.
 */
enum nst_next nst_exit_tpr_access(struct nst_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_TPR_ACCESS;
	run->tpr_access.rip = vcpu->tpr_access.rip;
	run->tpr_access.is_write = vcpu->tpr_access.write;
	return NST_USER;
}

/**
 * nst_vapic_show() - the priorities into guest memory
 * @vcpu: own thread, before an entry, may sleep
 *
 * An interrupt that this entry delivers is still among the requested ones: the ROM
 * then asks us once in vain.  An address that is no longer memory is the guest's
 * or userspace's doing; there is nobody to tell.
 */
void nst_vapic_show(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l = vcpu->lapic;
	struct vapic_page page;
	unsigned long irr, isr;

	if (likely(!vcpu->tpr_access.page))
		return;
	irr = find_last_bit(l->irr, NST_APIC_VECTORS);
	isr = find_last_bit(l->isr, NST_APIC_VECTORS);
	page = (struct vapic_page) {
		.tpr = nst_lapic_reg(l, APIC_TASKPRI),
		.isr = isr < NST_APIC_VECTORS ? isr & ~0xful : 0,
		.irr = irr < NST_APIC_VECTORS ? irr : 0,
	};
	nst_write_gpa(vcpu->vm, nst_gpa(vcpu->tpr_access.page), &page, sizeof(page));
}

/**
 * nst_vapic_collect() - the TPR as the guest left it in memory
 * @vcpu: own thread, after an exit, srcu held, may sleep
 */
void nst_vapic_collect(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l = vcpu->lapic;
	u8 tpr;

	if (likely(!vcpu->tpr_access.page))
		return;
	if (nst_read_gpa(vcpu->vm, nst_gpa(vcpu->tpr_access.page), &tpr, sizeof(tpr)))
		return;
	if (tpr == nst_lapic_reg(l, APIC_TASKPRI))
		return;
	nst_lapic_put_reg(l, APIC_TASKPRI, tpr);
	nst_request(vcpu, NST_REQ_EVENT);
}
