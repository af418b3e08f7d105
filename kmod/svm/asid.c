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

static void svm_asid_new(struct svm_vcpu *svm, struct svm_tag *tag, struct svm_cpu *sc)
{
	if (sc->next_asid > svm_max_asid) {
		sc->asid_generation++;
		sc->next_asid = SVM_FIRST_ASID;
		svm->vmcb->control.tlb_ctl = TLB_CONTROL_FLUSH_ALL_ASID;
	}
	tag->generation = sc->asid_generation;
	tag->asid = sc->next_asid++;
}

/**
 * svm_asid_before_entry() - give the vCPU a valid ASID and do the flush it is due
 * @svm: loaded vCPU, irqs off
 */
void svm_asid_before_entry(struct svm_vcpu *svm)
{
	struct vmcb_control_area *ctl = &svm->vmcb->control;
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	struct svm_tag *tag = svm_tag(svm);

	ctl->tlb_ctl = TLB_CONTROL_DO_NOTHING;
	if (tag->generation != sc->asid_generation)
		svm_asid_new(svm, tag, sc);
	else if (tag->flush && svm_has(SVM_F_FLUSH_ASID))
		ctl->tlb_ctl = TLB_CONTROL_FLUSH_ASID;
	else if (tag->flush)
		svm_asid_new(svm, tag, sc);
	tag->flush = false;
	if (ctl->asid == tag->asid)
		return;
	ctl->asid = tag->asid;
	svm_dirty(svm, SVM_CLEAN_ASID);
}

/**
 * svm_flush_tlb() - forget the guest's translations before it runs again
 * @vcpu: loaded vCPU
 *
 * Those of L2 as well as those of L1: who asks may not know which is current.
 */
void svm_flush_tlb(struct nst_vcpu *vcpu)
{
	for (int i = 0; i < SVM_NR_TAGS; i++)
		to_svm(vcpu)->tags[i].flush = true;
}

/**
 * svm_flush_tlb_gva() - forget the translation of one address in the current context
 * @vcpu: loaded vCPU
 * @gva: guest-linear address
 */
void svm_flush_tlb_gva(struct nst_vcpu *vcpu, u64 gva)
{
	const struct svm_tag *tag = svm_tag(to_svm(vcpu));

	/* A vCPU without a current ASID gets a clean one anyway. */
	if (tag->generation != this_cpu_read(svm_cpu.asid_generation))
		return;
	/* It faults when a reboot has just switched SVM off: nothing to forget then. */
	asm volatile("1: invlpga %0, %1\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : "a" (gva), "c" (tag->asid) : "memory");
}
