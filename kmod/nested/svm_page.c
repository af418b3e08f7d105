// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCBs in L1's memory: which of their bytes each instruction reads or writes.
 * Nothing else is copied; a field in between that L1 did not ask to have
 * changed goes back as it came.
 * APM2 "VMCB Layout, Control Area", "VMCB Layout, State Save Area".
 */
#include "../nestor.h"
#include "../guestmem.h"
#include "nsvm.h"

#define WORD		sizeof(u64)
/* From one field to the end of another, widened to quadwords. */
#define SPAN(area, first, last)						\
	{ ALIGN_DOWN(offsetof(struct vmcb, area.first), WORD),		\
	  ALIGN(offsetofend(struct vmcb, area.last), WORD) -		\
	  ALIGN_DOWN(offsetof(struct vmcb, area.first), WORD) }

/* What VMRUN takes. */
static const struct nst_page_span nsvm_vmrun_reads[] = {
	SPAN(control, intercepts, intercepts),
	SPAN(control, pause_filter_thresh, pause_filter_count),
	SPAN(control, iopm_base_pa, int_state),
	SPAN(control, nested_ctl, nested_ctl),
	SPAN(control, event_inj, virt_ext),
	SPAN(control, clean, next_rip),
	SPAN(control, hv_enlightenments, hv_enlightenments),
	SPAN(save, es, ds),
	SPAN(save, gdtr, gdtr),
	SPAN(save, idtr, idtr),
	SPAN(save, cpl, efer),
	SPAN(save, cr4, rip),
	SPAN(save, rsp, rsp),
	SPAN(save, rax, rax),
	SPAN(save, cr2, cr2),
	SPAN(save, g_pat, g_pat),
};

/* What #VMEXIT saves; the rest of the state is VMSAVE's. */
static const struct nst_page_span nsvm_vmexit_writes[] = {
	SPAN(control, int_ctl, exit_int_info_err),
	SPAN(control, event_inj, event_inj_err),
	SPAN(control, next_rip, insn_bytes),
	SPAN(save, es, ds),
	SPAN(save, gdtr, gdtr),
	SPAN(save, idtr, idtr),
	SPAN(save, cpl, efer),
	SPAN(save, cr4, rip),
	SPAN(save, rsp, rsp),
	SPAN(save, rax, rax),
	SPAN(save, cr2, cr2),
	SPAN(save, g_pat, g_pat),
};

/* A refused VMRUN changed nothing but to say so. */
static const struct nst_page_span nsvm_refusal_writes[] = {
	SPAN(control, exit_code, exit_int_info_err),
};

/* VMLOAD and VMSAVE. */
static const struct nst_page_span nsvm_extra[] = {
	SPAN(save, fs, gs),
	SPAN(save, ldtr, ldtr),
	SPAN(save, tr, tr),
	SPAN(save, star, sysenter_eip),
};

/**
 * nsvm_read_vmcb() - the one look that VMRUN takes at a VMCB
 * @vcpu: loaded vCPU
 * @pa: L1-physical address, page-aligned
 * @page: private copy
 *
 * Return: 0, or -EFAULT when there is no memory.
 */
int nsvm_read_vmcb(struct nst_vcpu *vcpu, u64 pa, struct vmcb *page)
{
	return nst_read_spans(vcpu->vm, nst_gpa(pa), page, nsvm_vmrun_reads,
			      ARRAY_SIZE(nsvm_vmrun_reads));
}

/**
 * nsvm_write_vmcb() - what #VMEXIT leaves in it
 * @vcpu: loaded vCPU
 * @pa: L1-physical address, page-aligned
 * @page: private copy
 *
 * Should L1 have taken the page away meanwhile, what it reads there is its own
 * affair.
 */
void nsvm_write_vmcb(struct nst_vcpu *vcpu, u64 pa, const struct vmcb *page)
{
	nst_write_spans(vcpu->vm, nst_gpa(pa), page, nsvm_vmexit_writes,
			ARRAY_SIZE(nsvm_vmexit_writes));
}

/**
 * nsvm_write_refusal() - what VMEXIT_INVALID leaves in it
 * @vcpu: loaded vCPU
 * @pa: L1-physical address, page-aligned
 * @page: private copy
 */
void nsvm_write_refusal(struct nst_vcpu *vcpu, u64 pa, const struct vmcb *page)
{
	nst_write_spans(vcpu->vm, nst_gpa(pa), page, nsvm_refusal_writes,
			ARRAY_SIZE(nsvm_refusal_writes));
}

/**
 * nsvm_read_extra() - what VMLOAD reads
 * @vcpu: loaded vCPU
 * @pa: L1-physical address, page-aligned
 * @page: private copy
 *
 * Return: 0 or -EFAULT.
 */
int nsvm_read_extra(struct nst_vcpu *vcpu, u64 pa, struct vmcb *page)
{
	return nst_read_spans(vcpu->vm, nst_gpa(pa), page, nsvm_extra, ARRAY_SIZE(nsvm_extra));
}

/**
 * nsvm_write_extra() - what VMSAVE writes
 * @vcpu: loaded vCPU
 * @pa: L1-physical address, page-aligned
 * @page: private copy
 *
 * Return: 0 or -EFAULT.
 */
int nsvm_write_extra(struct nst_vcpu *vcpu, u64 pa, const struct vmcb *page)
{
	return nst_write_spans(vcpu->vm, nst_gpa(pa), page, nsvm_extra, ARRAY_SIZE(nsvm_extra));
}
