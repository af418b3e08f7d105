// SPDX-License-Identifier: GPL-2.0-only
/*
 * System-management mode: an SMI saves the registers to SMRAM and starts the
 * handler there, in an address space of its own; RSM goes back.
 *
 * Facts: SDM3 "System Management Mode", APM2 "System-Management Mode".  The
 * layout of what is saved is emul/smram.c's business.
 */
#include "nestor.h"
#include <linux/string.h>
#include "core.h"
#include "emul/smram.h"
#include "guestmem.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "nested/nested.h"
#include "trace.h"

#define SMM_DATA_AR	(NST_AR_P | NST_AR_S | NST_AR_G | 0x3)	/* writable, accessed */
#define SMM_CODE_AR	(NST_AR_P | NST_AR_S | NST_AR_G | 0xb)	/* readable, accessed */
#define SMM_IDT_LIMIT	0x3ff	/* the interrupt table of real mode */

/**
 * nst_queue_smi() - an SMI arrived for a vCPU
 * @vcpu: the vCPU; any context
 */
void nst_queue_smi(struct nst_vcpu *vcpu)
{
	nst_request(vcpu, NST_REQ_SMI);
	nst_kick(vcpu);
}

/**
 * nst_collect_smi() - an SMI that arrived is pending from now on
 * @vcpu: the vCPU, own thread
 */
void nst_collect_smi(struct nst_vcpu *vcpu)
{
	if (nst_test_request(vcpu, NST_REQ_SMI))
		vcpu->smm.pending = true;
}

/**
 * nst_init_verdict() - may an INIT be delivered now?
 * @vcpu: loaded vCPU
 *
 * SDM3 "SMI Handler Execution Environment": SMM holds it back.
 *
 * Return: what to do with it.
 */
enum nst_verdict nst_init_verdict(struct nst_vcpu *vcpu)
{
	return vcpu->smm.in ? NST_HOLD : nst_nested_verdict(vcpu, NST_EXIT_INIT);
}

static enum nst_verdict nst_smi_verdict(struct nst_vcpu *vcpu)
{
	enum nst_verdict verdict = nst_nested_verdict(vcpu, NST_EXIT_SMI);

	/* An ISA that cannot put L2 aside lets L1 have the SMI later. */
	if (verdict == NST_DELIVER && nst_in_l2(vcpu) && !nst_isa(vcpu)->smm_enter)
		return NST_HOLD;
	return verdict;
}

/**
 * nst_smi_due() - does an SMI wait that nothing holds back?
 * @vcpu: the vCPU, own thread
 *
 * Return: true when the next instruction boundary takes it.
 */
bool nst_smi_due(struct nst_vcpu *vcpu)
{
	return vcpu->smm.pending && !vcpu->smm.in && nst_smi_verdict(vcpu) != NST_HOLD;
}

/* ---- in ---- */

static void nst_smm_gather(struct nst_vcpu *vcpu, struct nst_smram *s)
{
	const struct nst_state *st = &vcpu->st;

	memcpy(s->gpr, st->gpr, sizeof(s->gpr));
	s->rip = st->rip;
	s->rflags = st->rflags;
	s->cr0 = st->cr0;
	s->cr3 = st->cr3;
	s->cr4 = st->cr4;
	s->efer = st->efer;
	s->dr6 = st->dr6;
	s->dr7 = st->dr7;
	for (int i = 0; i < NST_NR_SEGS; i++)
		s->seg[i] = (struct nst_smram_seg){
			.base = st->seg[i].base, .limit = st->seg[i].limit,
			.ar = st->seg[i].ar, .selector = st->seg[i].selector,
		};
	s->gdt_base = st->gdt.base;
	s->gdt_limit = st->gdt.limit;
	s->idt_base = st->idt.base;
	s->idt_limit = st->idt.limit;
	s->smbase = vcpu->smm.base;
	s->halted = vcpu->mp_state == KVM_MP_STATE_HALTED;
	s->cpl = nst_cpl(vcpu);
	s->sti_shadow = st->sti_shadow;
	s->movss_shadow = st->movss_shadow;
}

/* SDM3 "Initial SMM Execution Environment". */
static void nst_smm_handler_state(struct nst_vcpu *vcpu)
{
	struct nst_state *st = &vcpu->st;

	st->rip = NST_SMRAM_ENTRY;
	st->rflags = X86_EFLAGS_FIXED;
	st->cr0 &= ~(u64)(X86_CR0_PE | X86_CR0_EM | X86_CR0_TS | X86_CR0_PG);
	st->cr4 = 0;
	st->efer = 0;
	st->dr7 = NST_RESET_DR7;
	st->idt = (struct nst_dtable){ 0, SMM_IDT_LIMIT };
	for (int i = NST_ES; i <= NST_GS; i++)
		st->seg[i] = (struct nst_segment){ .limit = U32_MAX, .ar = SMM_DATA_AR };
	st->seg[NST_CS].ar = SMM_CODE_AR;
	st->seg[NST_CS].base = vcpu->smm.base;
	st->seg[NST_CS].selector = vcpu->smm.base >> 4;
	st->sti_shadow = false;
	st->movss_shadow = false;
	st->nmi_blocked = true;
}

/* RSM is undefined where the host's own CPU is not in SMM. */
static void nst_smm_watch_rsm(struct nst_vcpu *vcpu)
{
	struct nst_ctl *ctl = nst_own_ctl(vcpu);

	if (ctl->exceptions & BIT(X86_TRAP_UD))
		return;
	ctl->exceptions |= BIT(X86_TRAP_UD);
	nst_ctl_changed(vcpu, NST_CTL_TRAPS);
}

static void nst_smm_set(struct nst_vcpu *vcpu, bool in)
{
	vcpu->smm.in = in;
	/* A handler has no VMX instructions: no shadow VMCS either. */
	nst_ctl_changed(vcpu, NST_CTL_TRAPS);
	nst_mmu_set_space(vcpu, in ? NST_SPACE_SMM : NST_SPACE_NORMAL);
	if (in)
		nst_smm_watch_rsm(vcpu);
	nst_request(vcpu, NST_REQ_EVENT);
	trace_kvm_smm_transition(vcpu->id, vcpu->smm.base, in);
}

/**
 * nst_smm_enter() - take the pending SMI
 * @vcpu: loaded vCPU, irqs on, srcu held; no event is under delivery
 *
 * Where there is no SMRAM nothing is saved, and RSM will find nothing.
 *
 * Return: NST_ENTER.
 */
static enum nst_next nst_smm_enter(struct nst_vcpu *vcpu)
{
	const struct nst_exit exit = { .kind = NST_EXIT_SMI };
	bool wide = nst_guest_has(vcpu, NST_GCAP_LM);
	struct nst_smm_l2 l2 = { };
	struct nst_smram s = { };
	u8 image[NST_SMRAM_SIZE];

	if (nst_smi_verdict(vcpu) == NST_REFLECT)
		return nst_isa(vcpu)->reflect(vcpu, &exit);
	nst_modify(vcpu, NST_STATE_ALL);
	nst_smm_gather(vcpu, &s);
	vcpu->smm.pending = false;
	vcpu->smm.nmi_blocked = vcpu->st.nmi_blocked;
	vcpu->smi_count++;
	if (nst_isa(vcpu) && nst_isa(vcpu)->smm_enter)
		nst_isa(vcpu)->smm_enter(vcpu, &l2);
	s.svm_guest = l2.interrupted;
	s.svm_vmcb = l2.vmcb;
	nst_smram_save(image, &s, wide);
	nst_smm_set(vcpu, true);
	nst_vcpu_write_gpa(vcpu, nst_gpa((u64)vcpu->smm.base + NST_SMRAM_OFFSET), image,
			   sizeof(image));
	nst_modify(vcpu, NST_STATE_ALL);
	nst_smm_handler_state(vcpu);
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	nst_mmu_mode_changed(vcpu);
	nst_mmu_flush_guest(vcpu);
	return NST_ENTER;
}

/**
 * nst_smm_event() - take an SMI, if one is due
 * @vcpu: loaded vCPU, irqs on, srcu held
 *
 * An event whose delivery has begun goes first; the entry that delivers it
 * then ends at once.
 *
 * Return: NST_ENTER.
 */
enum nst_next nst_smm_event(struct nst_vcpu *vcpu)
{
	if (!nst_smi_due(vcpu) || (nst_in_l2(vcpu) && vcpu->nested->exception.pending))
		return NST_ENTER;
	if (nst_event_committed(vcpu)) {
		vcpu->smm.soon = true;
		return NST_ENTER;
	}
	return nst_smm_enter(vcpu);
}

/* ---- out ---- */

/* SDM3 "Exiting From SMM": what a MOV to the register would refuse. */
static bool nst_smm_acceptable(const struct nst_vcpu *vcpu, const struct nst_smram *s)
{
	if ((s->cr0 >> 32) || (s->cr4 & vcpu->cr4_reserved) ||
	    (s->efer & ~nst_efer_allowed(vcpu)) || s->cr3 >> vcpu->maxphyaddr)
		return false;
	if (s->efer & EFER_LMA)
		return s->cr4 & X86_CR4_PAE;
	return !(s->cr4 & X86_CR4_PCIDE);
}

/* In the space and the context that go on. */
static bool nst_smm_load_pdptrs(struct nst_vcpu *vcpu, const struct nst_smram *s)
{
	if (!(s->cr0 & X86_CR0_PG) || !(s->cr4 & X86_CR4_PAE) || (s->efer & EFER_LMA))
		return true;
	return nst_mmu_load_pdptrs(vcpu, s->cr3);
}

static void nst_smm_restore(struct nst_vcpu *vcpu, const struct nst_smram *s)
{
	struct nst_state *st = &vcpu->st;

	memcpy(st->gpr, s->gpr, sizeof(st->gpr));
	st->rip = s->rip;
	st->rflags = (s->rflags & NST_RFLAGS_DEFINED) | X86_EFLAGS_FIXED;
	st->cr0 = s->cr0 | X86_CR0_ET;
	st->cr3 = s->cr3;
	st->cr4 = s->cr4;
	st->efer = s->efer;
	st->dr6 = (s->dr6 & NST_DR6_WRITABLE) | NST_RESET_DR6;
	st->dr7 = (s->dr7 & NST_DR7_WRITABLE) | NST_RESET_DR7;
	for (int i = 0; i < NST_NR_SEGS; i++)
		st->seg[i] = (struct nst_segment){
			.base = s->seg[i].base, .limit = s->seg[i].limit,
			.ar = s->seg[i].ar, .selector = s->seg[i].selector,
		};
	st->gdt = (struct nst_dtable){ s->gdt_base, s->gdt_limit };
	st->idt = (struct nst_dtable){ s->idt_base, s->idt_limit };
	st->sti_shadow = s->sti_shadow;
	st->movss_shadow = s->movss_shadow;
	st->nmi_blocked = vcpu->smm.nmi_blocked;
	vcpu->smm.base = s->smbase;
}

static enum nst_next nst_smm_halt_again(struct nst_vcpu *vcpu)
{
	if (vcpu->lapic) {
		vcpu->mp_state = KVM_MP_STATE_HALTED;
		return NST_ENTER;
	}
	vcpu->run->exit_reason = KVM_EXIT_HLT;
	return NST_USER;
}

static bool nst_smm_leave_nested(struct nst_vcpu *vcpu, const struct nst_smram *s)
{
	const struct nst_smm_l2 l2 = {
		.interrupted = s->svm_guest, .vmcb = s->svm_vmcb, .efer = s->efer,
	};
	const struct nst_isa *isa = nst_isa(vcpu);

	return !isa || !isa->smm_leave || isa->smm_leave(vcpu, &l2);
}

/**
 * nst_smm_leave() - RSM
 * @vcpu: loaded vCPU in SMM, irqs on, srcu held
 *
 * Return: NST_ENTER; or NST_USER, when it goes back to HLT with the interrupt
 * controller in userspace, or shuts down because no CPU could be in the state
 * that SMRAM has now.
 */
static enum nst_next nst_smm_leave(struct nst_vcpu *vcpu)
{
	bool wide = nst_guest_has(vcpu, NST_GCAP_LM);
	u8 image[NST_SMRAM_SIZE];
	struct nst_smram s;

	if (nst_vcpu_read_gpa(vcpu, nst_gpa((u64)vcpu->smm.base + NST_SMRAM_OFFSET), image,
			      sizeof(image)) ||
	    !nst_smram_load(image, &s, wide))
		return nst_shutdown(vcpu);
	/* A handler can write anything there: LMA follows from the other bits. */
	s.efer &= ~(u64)EFER_LMA;
	if ((s.efer & EFER_LME) && (s.cr0 & X86_CR0_PG))
		s.efer |= EFER_LMA;
	if (!nst_smm_acceptable(vcpu, &s))
		return nst_shutdown(vcpu);
	nst_smm_set(vcpu, false);
	if (!nst_smm_leave_nested(vcpu, &s))
		return nst_shutdown(vcpu);
	nst_modify(vcpu, NST_STATE_ALL);
	nst_smm_restore(vcpu, &s);
	if (!nst_smm_load_pdptrs(vcpu, &s))
		return nst_shutdown(vcpu);
	nst_mmu_mode_changed(vcpu);
	nst_mmu_flush_guest(vcpu);
	return s.halted ? nst_smm_halt_again(vcpu) : NST_ENTER;
}

/**
 * nst_exit_rsm() - the guest executed RSM
 * @vcpu: loaded vCPU, irqs on, srcu held
 *
 * Return: what to do next; #UD outside of SMM.
 */
enum nst_next nst_exit_rsm(struct nst_vcpu *vcpu)
{
	if (vcpu->smm.in)
		return nst_smm_leave(vcpu);
	nst_raise(vcpu, X86_TRAP_UD);
	return NST_ENTER;
}

/* ---- reset, and userspace ---- */

/**
 * nst_smm_reset() - RESET or INIT
 * @vcpu: loaded vCPU, or one that has never run
 * @init: INIT, which leaves SMBASE alone
 */
void nst_smm_reset(struct nst_vcpu *vcpu, bool init)
{
	vcpu->smm.in = false;
	vcpu->smm.pending = false;
	vcpu->smm.nmi_blocked = false;
	if (!init)
		vcpu->smm.base = NST_SMRAM_RESET_BASE;
	nst_test_request(vcpu, NST_REQ_SMI);
	nst_mmu_set_space(vcpu, NST_SPACE_NORMAL);
}

/**
 * nst_smm_to_user() - the part of KVM_GET_VCPU_EVENTS
 * @vcpu: loaded vCPU
 * @e: filled
 */
void nst_smm_to_user(struct nst_vcpu *vcpu, struct kvm_vcpu_events *e)
{
	nst_collect_smi(vcpu);
	e->smi.smm = vcpu->smm.in;
	e->smi.pending = vcpu->smm.pending;
	e->smi.smm_inside_nmi = vcpu->smm.in && vcpu->smm.nmi_blocked;
	e->smi.latched_init = vcpu->smm.in && vcpu->lapic && nst_lapic_has_init(vcpu);
	e->flags |= KVM_VCPUEVENT_VALID_SMM;
}

/**
 * nst_smm_user_valid() - could a vCPU be in this state?
 * @vcpu: loaded vCPU
 * @e: of KVM_SET_VCPU_EVENTS
 *
 * Return: false when it waits for a start-up message, which comes first.
 */
bool nst_smm_user_valid(const struct nst_vcpu *vcpu, const struct kvm_vcpu_events *e)
{
	return !(e->flags & KVM_VCPUEVENT_VALID_SMM) || !(e->smi.smm || e->smi.pending) ||
	       vcpu->mp_state != KVM_MP_STATE_INIT_RECEIVED;
}

/**
 * nst_smm_from_user() - the part of KVM_SET_VCPU_EVENTS
 * @vcpu: loaded vCPU
 * @e: valid
 */
void nst_smm_from_user(struct nst_vcpu *vcpu, const struct kvm_vcpu_events *e)
{
	if (!(e->flags & KVM_VCPUEVENT_VALID_SMM))
		return;
	if (vcpu->smm.in != !!e->smi.smm) {
		/* SMM interrupts L2, it is never in it. */
		nst_nested_reset(vcpu);
		nst_smm_set(vcpu, e->smi.smm);
	}
	nst_test_request(vcpu, NST_REQ_SMI);
	vcpu->smm.pending = e->smi.pending;
	vcpu->smm.nmi_blocked = e->smi.smm && e->smi.smm_inside_nmi;
	if (vcpu->lapic)
		nst_lapic_latch_init(vcpu, e->smi.smm && e->smi.latched_init);
}
