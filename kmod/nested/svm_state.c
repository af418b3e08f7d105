// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nested state of SVM in KVM's format: GIF, and while L2 is current its
 * VMCB: the control area as VMRUN took it, and in the save area L1's registers
 * for the next #VMEXIT.  L2's own registers travel as the vCPU's.
 *
 * An SMI that interrupts L2 puts the same VMCB into the host save area, which is the
 * processor's to use: APM2 "VM_HSAVE_PA MSR".  L2's registers are in SMRAM.
 */
#include "../nestor.h"
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "../core.h"
#include "../guestmem.h"
#include "../mtrr.h"
#include "../mmu/stage2.h"
#include "nsvm.h"
#include "svm_caps.h"
#include "svm_check.h"

#define NSVM_STATE_SIZE	(sizeof(struct kvm_nested_state) + KVM_STATE_NESTED_SVM_VMCB_SIZE)

static_assert(sizeof(struct vmcb) <= KVM_STATE_NESTED_SVM_VMCB_SIZE);

static void nsvm_save_l1(const struct nst_state *l1, struct vmcb_save_area *save)
{
	nsvm_store_segment(&save->es, &l1->seg[NST_ES]);
	nsvm_store_segment(&save->cs, &l1->seg[NST_CS]);
	nsvm_store_segment(&save->ss, &l1->seg[NST_SS]);
	nsvm_store_segment(&save->ds, &l1->seg[NST_DS]);
	save->gdtr.base = l1->gdt.base;
	save->gdtr.limit = l1->gdt.limit;
	save->idtr.base = l1->idt.base;
	save->idtr.limit = l1->idt.limit;
	save->efer = l1->efer;
	save->cr0 = l1->cr0;
	save->cr3 = l1->cr3;
	save->cr4 = l1->cr4;
	save->rflags = l1->rflags;
	save->rip = l1->rip;
	save->rsp = l1->gpr[NST_RSP];
	save->rax = l1->gpr[NST_RAX];
	save->g_pat = l1->pat;
}

static void nsvm_restore_saved_l1(struct nst_state *l1, const struct vmcb_save_area *save)
{
	nsvm_load_segment(&l1->seg[NST_ES], &save->es);
	nsvm_load_segment(&l1->seg[NST_CS], &save->cs);
	nsvm_load_segment(&l1->seg[NST_SS], &save->ss);
	nsvm_load_segment(&l1->seg[NST_DS], &save->ds);
	l1->gdt = (struct nst_dtable){ save->gdtr.base, save->gdtr.limit };
	l1->idt = (struct nst_dtable){ save->idtr.base, save->idtr.limit };
	l1->efer = save->efer;
	l1->cr0 = save->cr0;
	l1->cr3 = save->cr3;
	l1->cr4 = save->cr4;
	l1->rflags = save->rflags;
	l1->rip = save->rip;
	l1->gpr[NST_RSP] = save->rsp;
	l1->gpr[NST_RAX] = save->rax;
	if (save->g_pat)
		l1->pat = save->g_pat;
	l1->nmi_blocked = false;
}

static void nsvm_save_control(const struct nsvm_vmcb12 *v, struct vmcb_control_area *c)
{
	memcpy(c->intercepts, v->intercepts, sizeof(v->intercepts));
	c->iopm_base_pa = v->iopm_base_pa;
	c->msrpm_base_pa = v->msrpm_base_pa;
	c->pause_filter_count = v->pause_filter_count;
	c->tsc_offset = v->tsc_offset;
	c->asid = v->asid;
	c->int_ctl = v->int_ctl;
	c->int_vector = v->int_vector;
	c->int_state = v->int_state;
	c->nested_ctl = v->nested_ctl;
	c->nested_cr3 = v->nested_cr3;
	c->virt_ext = v->virt_ext;
	c->next_rip = v->next_rip;
}

/* All that is to be known of an L2 beyond its registers. */
static void nsvm_fill_image(const struct nst_vcpu *vcpu, struct vmcb *image)
{
	memset(image, 0, sizeof(*image));
	nsvm_save_control(&to_nsvm(vcpu)->v, &image->control);
	nsvm_save_l1(&vcpu->nested->l1, &image->save);
}

/**
 * nsvm_get_state() - nst_isa.get_state
 * @vcpu: loaded vCPU
 * @user: the user's buffer
 * @size: of the buffer
 *
 * Return: the size needed, or -EFAULT, -ENOMEM.
 */
long nsvm_get_state(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user, u32 size)
{
	const struct nsvm *nsvm = to_nsvm(vcpu);
	struct kvm_nested_state head = { .format = KVM_STATE_NESTED_FORMAT_SVM };
	struct vmcb *vmcb;
	long ret;

	if (vcpu->st.gif)
		head.flags |= KVM_STATE_NESTED_GIF_SET;
	head.size = sizeof(head);
	if (nst_in_l2(vcpu)) {
		head.flags |= KVM_STATE_NESTED_GUEST_MODE;
		head.hdr.svm.vmcb_pa = nsvm->vmcb_pa;
		head.size = NSVM_STATE_SIZE;
	}
	if (head.size > size)
		return head.size;
	if (copy_to_user(user, &head, sizeof(head)))
		return -EFAULT;
	if (!nst_in_l2(vcpu))
		return head.size;
	vmcb = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmcb)
		return -ENOMEM;
	nsvm_fill_image(vcpu, vmcb);
	ret = copy_to_user(user->data.svm, vmcb, sizeof(*vmcb)) ? -EFAULT : head.size;
	free_page((unsigned long)vmcb);
	return ret;
}

/* L1's saved state has to be one that a hypervisor can be in. */
static bool nsvm_saved_l1_valid(struct nst_vcpu *vcpu, const struct vmcb_save_area *save)
{
	return (save->cr0 & X86_CR0_PE) && (save->cr0 & X86_CR0_PG) && !(save->cr0 >> 32) &&
	       !(save->cr4 & vcpu->cr4_reserved) && (save->efer & EFER_SVME) &&
	       !(save->efer & ~(nst_efer_allowed(vcpu) | EFER_LMA)) &&
	       !(save->rflags & X86_EFLAGS_VM) && nst_pat_valid(save->g_pat);
}

/* Rules that look at L2's save area cannot be asked: that is not in the state. */
static bool nsvm_control_valid(const struct nst_vcpu *vcpu, const struct nsvm_vmcb12 *v)
{
	u64 width = BIT_ULL(vcpu->maxphyaddr);

	return nsvm_intercepts(v, INTERCEPT_VMRUN) && v->asid &&
	       v->msrpm_base_pa <= width - NSVM_MSRPM_BYTES &&
	       v->iopm_base_pa <= width - NSVM_IOPM_BYTES &&
	       (!v->nested_ctl || v->nested_cr3 < width);
}

/* Could nsvm_resume_l2() go on with what is in nsvm->other? */
static bool nsvm_image_valid(struct nst_vcpu *vcpu, u64 vmcb_pa)
{
	const struct nsvm *nsvm = to_nsvm(vcpu);
	struct nsvm_vmcb12 v;

	if ((vmcb_pa & ~NST_PAGE_MASK) || vmcb_pa >> vcpu->maxphyaddr)
		return false;
	nsvm_take(&v, nsvm->other, nsvm->features);
	return nsvm_control_valid(vcpu, &v) && nsvm_saved_l1_valid(vcpu, &nsvm->other->save);
}

/* L1 is current, nsvm->other has the image. */
static int nsvm_resume_l2(struct nst_vcpu *vcpu, u64 vmcb_pa)
{
	struct nsvm *nsvm = to_nsvm(vcpu);
	struct nst_stage2 s2 = { .kind = NST_STAGE2_NONE };
	struct nst_state *l1 = &vcpu->nested->l1;
	int ret;

	swap(nsvm->page, nsvm->other);
	nsvm->vmcb_pa = vmcb_pa;
	nsvm_put_gif(vcpu, true);
	nsvm->last_asid = 0;
	nsvm->msrpm_for = NSVM_NO_VMCB;
	nsvm_take(&nsvm->v, nsvm->page, nsvm->features);
	nsvm->pauses = nsvm->v.pause_filter_count;
	nst_nested_switch(vcpu, true);
	nsvm_restore_saved_l1(l1, &nsvm->page->save);
	if (nsvm->v.nested_ctl)
		s2 = (struct nst_stage2){
			.kind = NST_STAGE2_NPT, .root = nsvm->v.nested_cr3,
			.cr0 = l1->cr0, .cr4 = l1->cr4, .efer = l1->efer,
		};
	ret = nst_mmu_enter_l2(vcpu, &s2);
	if (ret) {
		nst_nested_switch(vcpu, false);
		return ret;
	}
	nst_mmu_mode_changed(vcpu);
	nst_mmu_flush_l2(vcpu);
	return 0;
}

/**
 * nsvm_set_state() - nst_isa.set_state
 * @vcpu: loaded vCPU; its registers are L2's when the state says that L2 runs
 * @user: the user's buffer
 * @head: its header, copied
 *
 * Return: 0; -EINVAL, -EFAULT, -ENOMEM.
 */
long nsvm_set_state(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user,
		    const struct kvm_nested_state *head)
{
	struct nsvm *nsvm = to_nsvm(vcpu);

	if (head->format != KVM_STATE_NESTED_FORMAT_SVM ||
	    (head->flags & ~(KVM_STATE_NESTED_GUEST_MODE | KVM_STATE_NESTED_GIF_SET |
			     KVM_STATE_NESTED_RUN_PENDING)))
		return -EINVAL;
	nst_pull(vcpu, NST_STATE_CR);
	if (!(vcpu->st.efer & EFER_SVME) &&
	    (head->flags & (KVM_STATE_NESTED_GUEST_MODE | KVM_STATE_NESTED_RUN_PENDING)))
		return -EINVAL;
	if (!(head->flags & KVM_STATE_NESTED_GUEST_MODE)) {
		nst_isa(vcpu)->leave(vcpu);
		nsvm_put_gif(vcpu, head->flags & KVM_STATE_NESTED_GIF_SET);
		nst_request(vcpu, NST_REQ_EVENT);
		return 0;
	}
	/* SMM interrupts L2, it is never in it. */
	if (head->size < NSVM_STATE_SIZE || vcpu->smm.in)
		return -EINVAL;
	if (copy_from_user(nsvm->other, user->data.svm, sizeof(*nsvm->other)))
		return -EFAULT;
	if (!nsvm_image_valid(vcpu, head->hdr.svm.vmcb_pa))
		return -EINVAL;
	nst_isa(vcpu)->leave(vcpu);
	return nsvm_resume_l2(vcpu, head->hdr.svm.vmcb_pa);
}

/**
 * nsvm_smm_enter() - nst_isa.smm_enter
 * @vcpu: loaded vCPU
 * @l2: filled when one is interrupted
 *
 * Where the host save area is no memory, RSM will find nothing.
 */
void nsvm_smm_enter(struct nst_vcpu *vcpu, struct nst_smm_l2 *l2)
{
	struct nsvm *nsvm = to_nsvm(vcpu);

	if (!nst_in_l2(vcpu))
		return;
	l2->interrupted = true;
	l2->vmcb = nsvm->vmcb_pa;
	nsvm->smm_nmi_blocked = vcpu->nested->l1.nmi_blocked;
	nsvm_fill_image(vcpu, nsvm->other);
	nst_vcpu_write_gpa(vcpu, nst_gpa(nsvm->hsave_pa), nsvm->other, sizeof(*nsvm->other));
	nst_isa(vcpu)->leave(vcpu);
}

/**
 * nsvm_smm_leave() - nst_isa.smm_leave
 * @vcpu: loaded vCPU, out of SMM
 * @l2: from SMRAM, where the handler may have written anything
 *
 * Return: false when there is no L2 to go back to where there should be one.
 */
bool nsvm_smm_leave(struct nst_vcpu *vcpu, const struct nst_smm_l2 *l2)
{
	struct nsvm *nsvm = to_nsvm(vcpu);

	/* The handler had an L2 of its own, and RSM was that one's. */
	if (nst_in_l2(vcpu))
		nst_isa(vcpu)->leave(vcpu);
	if (!l2->interrupted)
		return true;
	if (!(l2->efer & EFER_SVME) ||
	    nst_vcpu_read_gpa(vcpu, nst_gpa(nsvm->hsave_pa), nsvm->other, sizeof(*nsvm->other)) ||
	    !nsvm_image_valid(vcpu, l2->vmcb) || nsvm_resume_l2(vcpu, l2->vmcb))
		return false;
	vcpu->nested->l1.nmi_blocked = nsvm->smm_nmi_blocked;
	return true;
}
