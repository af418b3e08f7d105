// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers in KVM's structs: KVM_GET/SET_REGS, SREGS, DEBUGREGS.
 */
#include "nestor.h"
#include <linux/string.h>
#include "core.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "nested/nested.h"

/**
 * nst_get_regs() - KVM_GET_REGS
 * @object: vCPU, loaded
 * @arg: struct kvm_regs
 *
 * Return: 0.
 */
long nst_get_regs(void *object, unsigned long arg)
{
	const struct nst_state *st = &((struct nst_vcpu *)object)->st;
	struct kvm_regs *regs = (void *)arg;

	regs->rax = st->gpr[NST_RAX];
	regs->rbx = st->gpr[NST_RBX];
	regs->rcx = st->gpr[NST_RCX];
	regs->rdx = st->gpr[NST_RDX];
	regs->rsi = st->gpr[NST_RSI];
	regs->rdi = st->gpr[NST_RDI];
	regs->rsp = st->gpr[NST_RSP];
	regs->rbp = st->gpr[NST_RBP];
	regs->r8 = st->gpr[NST_R8];
	regs->r9 = st->gpr[NST_R9];
	regs->r10 = st->gpr[NST_R10];
	regs->r11 = st->gpr[NST_R11];
	regs->r12 = st->gpr[NST_R12];
	regs->r13 = st->gpr[NST_R13];
	regs->r14 = st->gpr[NST_R14];
	regs->r15 = st->gpr[NST_R15];
	regs->rip = st->rip;
	regs->rflags = st->rflags;
	return 0;
}

/**
 * nst_set_regs() - KVM_SET_REGS
 * @object: vCPU, loaded
 * @arg: struct kvm_regs
 *
 * Drops an exception that was raised and not yet delivered: it belonged to
 * the instruction that userspace now moves away from.
 *
 * Return: 0.
 */
long nst_set_regs(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	struct nst_state *st = &vcpu->st;
	const struct kvm_regs *regs = (const void *)arg;

	nst_modify(vcpu, NST_STATE_GPR);
	/* Virtual-8086 mode is a matter of the segments, too. */
	if ((regs->rflags ^ st->rflags) & X86_EFLAGS_VM)
		nst_modify(vcpu, NST_STATE_SEG);
	st->gpr[NST_RAX] = regs->rax;
	st->gpr[NST_RBX] = regs->rbx;
	st->gpr[NST_RCX] = regs->rcx;
	st->gpr[NST_RDX] = regs->rdx;
	st->gpr[NST_RSI] = regs->rsi;
	st->gpr[NST_RDI] = regs->rdi;
	st->gpr[NST_RSP] = regs->rsp;
	st->gpr[NST_RBP] = regs->rbp;
	st->gpr[NST_R8] = regs->r8;
	st->gpr[NST_R9] = regs->r9;
	st->gpr[NST_R10] = regs->r10;
	st->gpr[NST_R11] = regs->r11;
	st->gpr[NST_R12] = regs->r12;
	st->gpr[NST_R13] = regs->r13;
	st->gpr[NST_R14] = regs->r14;
	st->gpr[NST_R15] = regs->r15;
	st->rip = regs->rip;
	st->rflags = (regs->rflags & NST_RFLAGS_DEFINED) | X86_EFLAGS_FIXED;
	vcpu->ev.exception.pending = false;
	nst_request(vcpu, NST_REQ_EVENT);
	return 0;
}

/* Which member of struct kvm_sregs is which segment register. */
static const struct {
	size_t offset;
	enum nst_seg_index index;
} nst_sregs_map[] = {
	{ offsetof(struct kvm_sregs, cs), NST_CS },
	{ offsetof(struct kvm_sregs, ds), NST_DS },
	{ offsetof(struct kvm_sregs, es), NST_ES },
	{ offsetof(struct kvm_sregs, fs), NST_FS },
	{ offsetof(struct kvm_sregs, gs), NST_GS },
	{ offsetof(struct kvm_sregs, ss), NST_SS },
	{ offsetof(struct kvm_sregs, tr), NST_TR },
	{ offsetof(struct kvm_sregs, ldt), NST_LDTR },
};

static void nst_seg_to_user(const struct nst_segment *seg, struct kvm_segment *user)
{
	user->base = seg->base;
	user->limit = seg->limit;
	user->selector = seg->selector;
	user->type = seg->ar & NST_AR_TYPE;
	user->s = !!(seg->ar & NST_AR_S);
	user->dpl = (seg->ar & NST_AR_DPL) >> NST_AR_DPL_SHIFT;
	user->present = !!(seg->ar & NST_AR_P);
	user->avl = !!(seg->ar & NST_AR_AVL);
	user->l = !!(seg->ar & NST_AR_L);
	user->db = !!(seg->ar & NST_AR_DB);
	user->g = !!(seg->ar & NST_AR_G);
	user->unusable = !!(seg->ar & NST_AR_UNUSABLE);
}

static void nst_seg_from_user(const struct kvm_segment *user, struct nst_segment *seg)
{
	seg->base = user->base;
	seg->limit = user->limit;
	seg->selector = user->selector;
	seg->ar = (user->type & NST_AR_TYPE) | (user->s ? NST_AR_S : 0) |
		  ((user->dpl << NST_AR_DPL_SHIFT) & NST_AR_DPL) |
		  (user->present ? NST_AR_P : 0) | (user->avl ? NST_AR_AVL : 0) |
		  (user->l ? NST_AR_L : 0) | (user->db ? NST_AR_DB : 0) |
		  (user->g ? NST_AR_G : 0);
	/* A segment that is not present cannot be used either. */
	if (user->unusable || !user->present)
		seg->ar |= NST_AR_UNUSABLE;
}

/* PAE paging without IA-32e mode: the PDPTEs are registers. */
static bool nst_sregs_pae(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LMA);
}

static void nst_pending_vector_to_user(struct nst_vcpu *vcpu, struct kvm_sregs *sregs)
{
	if (vcpu->ev.irq.injected && !vcpu->ev.irq.soft)
		__set_bit(vcpu->ev.irq.vector, (unsigned long *)sregs->interrupt_bitmap);
	else if (!vcpu->lapic && vcpu->ev.user_vector >= 0)
		__set_bit(vcpu->ev.user_vector, (unsigned long *)sregs->interrupt_bitmap);
}

/**
 * nst_get_sregs() - KVM_GET_SREGS
 * @object: vCPU, loaded
 * @arg: struct kvm_sregs
 *
 * Return: 0.
 */
long nst_get_sregs(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	struct nst_state *st = &vcpu->st;
	struct kvm_sregs *sregs = (void *)arg;

	nst_settle_payload(vcpu);
	nst_pull(vcpu, NST_STATE_SEG | NST_STATE_DESC | NST_STATE_CR);
	for (int i = 0; i < ARRAY_SIZE(nst_sregs_map); i++)
		nst_seg_to_user(&st->seg[nst_sregs_map[i].index],
				(void *)sregs + nst_sregs_map[i].offset);
	sregs->gdt.base = st->gdt.base;
	sregs->gdt.limit = st->gdt.limit;
	sregs->idt.base = st->idt.base;
	sregs->idt.limit = st->idt.limit;
	sregs->cr0 = st->cr0;
	sregs->cr2 = st->cr2;
	sregs->cr3 = st->cr3;
	sregs->cr4 = st->cr4;
	sregs->cr8 = nst_apic_cr8(vcpu);
	sregs->efer = st->efer;
	sregs->apic_base = vcpu->apic_base;
	nst_pending_vector_to_user(vcpu, sregs);
	return 0;
}

/* A set of control registers that a CPU could hold together. */
static bool nst_sregs_valid(struct nst_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	u64 cr0 = sregs->cr0, cr4 = sregs->cr4, efer = sregs->efer;

	if ((cr4 & vcpu->cr4_reserved) || sregs->cr8 > 0xf || sregs->cr3 >> vcpu->maxphyaddr)
		return false;
	if ((cr0 >> 32) || ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE)) ||
	    ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD)))
		return false;
	if ((efer & EFER_LME) && (cr0 & X86_CR0_PG)) {
		if (!(cr4 & X86_CR4_PAE) || !(efer & EFER_LMA))
			return false;
		return !(sregs->cs.l && sregs->cs.db);
	}
	/* CR4.PCIDE without IA-32e mode is let through, as userspace may be on its way there. */
	return !(efer & EFER_LMA) && !sregs->cs.l;
}

static void nst_pending_vector_from_user(struct nst_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	int vector = find_first_bit((const unsigned long *)sregs->interrupt_bitmap,
				    KVM_NR_INTERRUPTS);

	if (vector == KVM_NR_INTERRUPTS)
		return;
	if (vcpu->lapic) {
		vcpu->ev.irq.injected = true;
		vcpu->ev.irq.soft = false;
		vcpu->ev.irq.vector = vector;
	} else {
		vcpu->ev.user_vector = vector;
	}
}

static void nst_load_segments(struct nst_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	struct nst_state *st = &vcpu->st;

	for (int i = 0; i < ARRAY_SIZE(nst_sregs_map); i++)
		nst_seg_from_user((const void *)sregs + nst_sregs_map[i].offset,
				  &st->seg[nst_sregs_map[i].index]);
	st->gdt = (struct nst_dtable){ sregs->gdt.base, sregs->gdt.limit };
	st->idt = (struct nst_dtable){ sregs->idt.base, sregs->idt.limit };
}

/* The PDPTEs given by userspace, or else those that CR3 points to. */
static bool nst_take_pdptrs(struct nst_vcpu *vcpu, const struct kvm_sregs *sregs,
			    const u64 *pdptrs)
{
	if (!nst_sregs_pae(sregs->cr0, sregs->cr4, sregs->efer))
		return true;
	if (!pdptrs)
		return nst_mmu_load_pdptrs(vcpu, sregs->cr3);
	nst_modify(vcpu, NST_STATE_CR);
	memcpy(vcpu->st.pdptr, pdptrs, sizeof(vcpu->st.pdptr));
	return true;
}

/* All that may be refused, before anything else has changed. */
static bool nst_take_efer_and_apic(struct nst_vcpu *vcpu, const struct kvm_sregs *sregs,
				   const u64 *pdptrs)
{
	u64 old_efer = vcpu->st.efer, old_base = vcpu->apic_base;

	if (!nst_set_efer(vcpu, sregs->efer, true))
		return false;
	if (!vcpu->lapic)
		vcpu->apic_base = sregs->apic_base;
	else if (!nst_lapic_set_base(vcpu, sregs->apic_base, true))
		goto efer;
	if (nst_take_pdptrs(vcpu, sregs, pdptrs))
		return true;
	if (vcpu->lapic)
		nst_lapic_set_base(vcpu, old_base, true);
	vcpu->apic_base = old_base;
efer:
	nst_set_efer(vcpu, old_efer, true);
	return false;
}

static long nst_take_sregs(struct nst_vcpu *vcpu, const struct kvm_sregs *sregs,
			   const u64 *pdptrs)
{
	struct nst_state *st = &vcpu->st;

	if (!nst_sregs_valid(vcpu, sregs))
		return -EINVAL;
	nst_modify(vcpu, NST_STATE_SEG | NST_STATE_DESC | NST_STATE_CR);
	if (!nst_take_efer_and_apic(vcpu, sregs, pdptrs))
		return -EINVAL;
	nst_load_segments(vcpu, sregs);
	st->cr0 = sregs->cr0 | X86_CR0_ET;
	st->cr2 = sregs->cr2;
	st->cr3 = sregs->cr3;
	st->cr4 = sregs->cr4;
	vcpu->dirty |= NST_STATE_GPR;
	nst_set_apic_cr8(vcpu, sregs->cr8);
	nst_nested_registers_set(vcpu);
	nst_mmu_mode_changed(vcpu);
	nst_mmu_flush_guest(vcpu);
	/* A CPU that was told where to start does not wait to be started. */
	if (vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED && vcpu->id == vcpu->vm->bsp_id)
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	nst_request(vcpu, NST_REQ_EVENT);
	return 0;
}

/**
 * nst_set_sregs() - KVM_SET_SREGS
 * @object: vCPU, loaded
 * @arg: struct kvm_sregs
 *
 * With PAE paging the PDPTEs are loaded from where CR3 points to.
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
long nst_set_sregs(void *object, unsigned long arg)
{
	const struct kvm_sregs *sregs = (const void *)arg;
	long ret = nst_take_sregs(object, sregs, NULL);

	if (!ret)
		nst_pending_vector_from_user(object, sregs);
	return ret;
}

static_assert(offsetof(struct kvm_sregs2, flags) ==
	      offsetof(struct kvm_sregs, interrupt_bitmap));

/**
 * nst_get_sregs2() - KVM_GET_SREGS2
 * @object: vCPU, loaded
 * @arg: struct kvm_sregs2; with PAE paging it has the PDPTEs
 *
 * Return: 0.
 */
long nst_get_sregs2(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	struct kvm_sregs2 *to = (void *)arg;
	struct kvm_sregs sregs = { };

	nst_get_sregs(vcpu, (unsigned long)&sregs);
	memset(to, 0, sizeof(*to));
	memcpy(to, &sregs, offsetof(struct kvm_sregs2, flags));
	if (nst_sregs_pae(sregs.cr0, sregs.cr4, sregs.efer)) {
		memcpy(to->pdptrs, vcpu->st.pdptr, sizeof(to->pdptrs));
		to->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	}
	return 0;
}

/**
 * nst_set_sregs2() - KVM_SET_SREGS2
 * @object: vCPU, loaded
 * @arg: struct kvm_sregs2
 *
 * Return: 0, or -EINVAL with nothing changed, also for PDPTEs without PAE paging.
 */
long nst_set_sregs2(void *object, unsigned long arg)
{
	const struct kvm_sregs2 *from = (const void *)arg;
	bool pdptrs = from->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	struct kvm_sregs sregs = { };

	if (from->flags & ~(u64)KVM_SREGS2_FLAGS_PDPTRS_VALID)
		return -EINVAL;
	if (pdptrs && !nst_sregs_pae(from->cr0, from->cr4, from->efer))
		return -EINVAL;
	memcpy(&sregs, from, offsetof(struct kvm_sregs2, flags));
	return nst_take_sregs(object, &sregs, pdptrs ? from->pdptrs : NULL);
}

/**
 * nst_get_debugregs() - KVM_GET_DEBUGREGS
 * @object: vCPU, loaded
 * @arg: struct kvm_debugregs
 *
 * Return: 0.
 */
long nst_get_debugregs(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	struct kvm_debugregs *regs = (void *)arg;

	nst_settle_payload(vcpu);
	nst_pull(vcpu, NST_STATE_DR);
	memcpy(regs->db, vcpu->st.dr, sizeof(regs->db));
	regs->dr6 = vcpu->st.dr6;
	regs->dr7 = vcpu->st.dr7;
	return 0;
}

/**
 * nst_set_debugregs() - KVM_SET_DEBUGREGS
 * @object: vCPU, loaded
 * @arg: struct kvm_debugregs
 *
 * Return: 0, or -EINVAL for flags or a value with high bits.
 */
long nst_set_debugregs(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	const struct kvm_debugregs *regs = (const void *)arg;

	if (regs->flags || regs->dr6 >> 32 || regs->dr7 >> 32)
		return -EINVAL;
	memcpy(vcpu->st.dr, regs->db, sizeof(regs->db));
	nst_set_dr(vcpu, 6, regs->dr6);
	nst_set_dr(vcpu, 7, regs->dr7);
	return 0;
}
