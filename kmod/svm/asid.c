// SPDX-License-Identifier: GPL-2.0-only
/*
 * ASIDs: the TLB tags of guests.  Each physical CPU hands out numbers in
 * generations; when they run out, one entry flushes everything and a new
 * generation begins.  So a number is clean when it is first used, and a vCPU
 * that needs a flush, where hardware cannot flush a single ASID, just takes
 * the next number.  APM2 "TLB Control", "Address Space Identifier (ASID)".
 */
#include "../nestor.h"
#include <asm/asm.h>
#include "svm.h"

/* ASID 0 is the host's own. */
#define SVM_FIRST_ASID	1

/**
 * svm_asid_cpu_init() - begin a generation with no number left
 * @sc: this CPU; SVM has just been switched on
 *
 * The first guest therefore flushes what an earlier user of SVM left behind.
 */
void svm_asid_cpu_init(struct svm_cpu *sc)
{
	sc->asid_generation++;
	sc->next_asid = svm_max_asid + 1;
}

static void svm_asid_new(struct svm_vcpu *svm, struct svm_cpu *sc)
{
	struct vmcb_control_area *ctl = &svm->vmcb->control;

	if (sc->next_asid > svm_max_asid) {
		sc->asid_generation++;
		sc->next_asid = SVM_FIRST_ASID;
		ctl->tlb_ctl = TLB_CONTROL_FLUSH_ALL_ASID;
	}
	svm->asid_generation = sc->asid_generation;
	ctl->asid = sc->next_asid++;
	svm_dirty(svm, SVM_CLEAN_ASID);
}

/**
 * svm_asid_before_entry() - give the vCPU a valid ASID and do the flush it is due
 * @svm: loaded vCPU, irqs off
 */
void svm_asid_before_entry(struct svm_vcpu *svm)
{
	struct vmcb_control_area *ctl = &svm->vmcb->control;
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);

	ctl->tlb_ctl = TLB_CONTROL_DO_NOTHING;
	if (svm->asid_generation != sc->asid_generation)
		svm_asid_new(svm, sc);
	else if (svm->flush && svm_has(SVM_F_FLUSH_ASID))
		ctl->tlb_ctl = TLB_CONTROL_FLUSH_ASID;
	else if (svm->flush)
		svm_asid_new(svm, sc);
	svm->flush = false;
}

/**
 * svm_flush_tlb() - forget the guest's translations before it runs again
 * @vcpu: loaded vCPU
 */
void svm_flush_tlb(struct nst_vcpu *vcpu)
{
	to_svm(vcpu)->flush = true;
}

/**
 * svm_flush_tlb_gva() - forget the guest's translation of one address
 * @vcpu: loaded vCPU
 * @gva: guest-linear address
 */
void svm_flush_tlb_gva(struct nst_vcpu *vcpu, u64 gva)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	/* A vCPU without a current ASID gets a clean one anyway. */
	if (svm->asid_generation != this_cpu_read(svm_cpu.asid_generation))
		return;
	/* It faults when a reboot has just switched SVM off: nothing to forget then. */
	asm volatile("1: invlpga %0, %1\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : "a" (gva), "c" (svm->vmcb->control.asid) : "memory");
}
