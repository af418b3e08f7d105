/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The neutral layer of nesting.  L2 is another context of the same vCPU: other
 * registers in vcpu->st, other controls in vcpu->ctl, another paging context.
 * This layer alone decides which context is current; a nested ISA (struct
 * nst_isa: one instance for VMX, one for SVM) decides what its manual says
 * about entering and leaving L2.  Neither knows which hardware runs below.
 *
 * An exit of L2 goes first to @wants; when L1 wants it, @reflect makes L1 the
 * current context with the architected results.  Events that L0 makes by
 * software (an exception of an emulated instruction, an interrupt for L1) take
 * the same way: they are dressed up as a struct nst_exit.
 */
#ifndef NST_NESTED_NESTED_H
#define NST_NESTED_NESTED_H

#include "../vcpu.h"

struct kvm_nested_state;
struct nvmx_evmcs;

/**
 * struct nst_smm_l2 - the L2 that an SMI interrupts, as far as SMRAM tells of it
 * @interrupted: there was one, and the ISA wants that in SMRAM
 * @vmcb: the address of its VMCB
 * @efer: its EFER
 */
struct nst_smm_l2 {
	bool interrupted;
	u64 vmcb;
	u64 efer;
};

/*
 * What the nested ISA says about an event that has arrived: about interrupts
 * and NMIs in both contexts, about INIT and SMI.
 */
enum nst_verdict {
	NST_DELIVER,	/* as without nesting: the current context takes it */
	NST_HOLD,	/* blocked until the ISA makes NST_REQ_EVENT */
	NST_REFLECT,	/* it makes L2 exit: call reflect() with it */
	NST_FORCE,	/* L2 takes the interrupt, whatever its RFLAGS.IF */
};

/* Exits that an ISA wants at the moment when L2 could take such an event. */
#define NST_WINDOW_IRQ	BIT(0)
#define NST_WINDOW_NMI	BIT(1)

/**
 * struct nst_isa - what an L1 hypervisor believes its CPU offers
 *
 * All are called by the vCPU's own thread, loaded, irqs on, vm->srcu held, if
 * nothing else is said.  Those marked (L2) only while L2 is current.  NULL
 * where a default is given.
 */
struct nst_isa {
	const char *name;		/* "VMX" or "SVM" */
	/* Allocate and free vcpu->nested->priv.  Not loaded.  0 or -ENOMEM. */
	int (*create)(struct nst_vcpu *vcpu);
	void (*destroy)(struct nst_vcpu *vcpu);
	/*
	 * vcpu->exit is NST_EXIT_VMX_INSN or _SVM_INSN, of L1 or of an L2 whose
	 * L1 does not intercept it; exit.insn says which instruction.  Its
	 * operands come from nst_insn_operand().
	 */
	enum nst_next (*insn)(struct nst_vcpu *vcpu);
	/*
	 * (L2) Does L1 want this exit of L2?  Must not change anything but what
	 * counts exits.  Not asked about the host's own (HOST_IRQ, HOST_NMI, #MC, NONE) and faults
	 * of the second stage.
	 */
	bool (*wants)(struct nst_vcpu *vcpu, const struct nst_exit *exit);
	/*
	 * (L2) The context becomes L1, through nst_nested_switch(), as the
	 * manual says for this exit.  NST_EXIT_HOST_IRQ, _HOST_NMI and _INIT
	 * are an interrupt, an NMI and an INIT of L1's virtual CPU here, which
	 * stay pending unless the ISA takes them (nst_nested_ack_irq() …).
	 * NST_EXIT_TDP_FAULT: see nst_mmu_stage2_fault() for what happened.
	 */
	enum nst_next (*reflect)(struct nst_vcpu *vcpu, const struct nst_exit *exit);
	/*
	 * May this event be delivered now?  @kind: NST_EXIT_HOST_IRQ, _HOST_NMI,
	 * _INIT or _SMI.  Asked in L1 as well (GIF).  No event is under delivery.
	 */
	enum nst_verdict (*verdict)(struct nst_vcpu *vcpu, enum nst_exit_kind kind);
	/*
	 * (L2) Events of the ISA's own (virtual interrupts, timers, MTF),
	 * before interrupts are looked at; no event is under delivery.  It may
	 * call nst_nested_inject() or change to L1.  NULL: none.
	 */
	enum nst_next (*events)(struct nst_vcpu *vcpu);
	/*
	 * An SMI interrupts L1 or L2: keep what RSM needs beyond the registers,
	 * some of it in @l2; L1 becomes the current context, with any registers.
	 * smm_leave() is RSM's part: false when there is no such state to go
	 * back to.  NULL: no SMI while L2 is current.
	 */
	void (*smm_enter)(struct nst_vcpu *vcpu, struct nst_smm_l2 *l2);
	bool (*smm_leave)(struct nst_vcpu *vcpu, const struct nst_smm_l2 *l2);
	/* (L2) Does it wait for a start-up message, for reflect() as NST_EXIT_SIPI?  NULL: no. */
	bool (*waits_for_sipi)(struct nst_vcpu *vcpu);
	/* (L2) NST_WINDOW_* that L1 waits for.  NULL: none. */
	u32 (*windows)(struct nst_vcpu *vcpu);
	/*
	 * (L2, halted) Take what other CPUs have for L2 and what alone ends no HLT.
	 * NULL: there is no such thing.
	 */
	void (*notice)(struct nst_vcpu *vcpu);
	/*
	 * (L2) KVM_RUN returns: make L2 exit if something of the ISA's own waits that
	 * no state for userspace has a place for.  NULL: nothing can.
	 */
	void (*settle)(struct nst_vcpu *vcpu);
	/*
	 * (L2) It reads its TSC, which exited: is something due before that, for
	 * events()?  NULL: no.
	 */
	bool (*tsc_due)(struct nst_vcpu *vcpu);
	/* (L2) Would events() end L2's HLT?  NULL: no. */
	bool (*wakes)(struct nst_vcpu *vcpu);
	/*
	 * (L2) With nst_stage2.ept_log: a page of L2's becomes dirty.  False: it must not,
	 * and reflect() is called with nst_stage2_fault.log_full.
	 */
	bool (*log)(struct nst_vcpu *vcpu, u64 l2gpa);
	/* (L2) Add what L1 wants to the controls that L0 wants for L2. */
	void (*merge)(struct nst_vcpu *vcpu, struct nst_ctl *ctl);
	/*
	 * (L2) CR8 when it is not the local APIC's TPR.  True: the ISA has it.
	 * The backend's task-priority virtualisation then carries this value.
	 * NULL: no.
	 */
	bool (*get_cr8)(struct nst_vcpu *vcpu, u64 *val);
	bool (*set_cr8)(struct nst_vcpu *vcpu, u64 val);
	/* (L2) The class below which it must exit: events() has to know.  NULL: 0. */
	u8 (*tpr_threshold)(struct nst_vcpu *vcpu);
	/*
	 * (L2) RDMSR or WRMSR, which L1 does not intercept: 0 when it is done,
	 * -EINVAL for #GP, -ENOENT: the MSR is that of the vCPU.  NULL: it is.
	 */
	int (*msr)(struct nst_vcpu *vcpu, u32 index, bool write, u64 *val);
	/* (L2) See struct nst_l1_ops; vcpu->exit is the ISA's to fill.  NULL: memory. */
	enum nst_l1_access (*access)(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf, u32 len,
				     u8 how);
	/*
	 * May CR0 or CR4 (@cr) get this value in the current context, beyond the
	 * general rules?  NULL: yes.
	 */
	bool (*cr_allowed)(struct nst_vcpu *vcpu, int cr, u64 val);
	/* EFER was written by MSR, before it takes effect.  False: #GP.  NULL: yes. */
	bool (*efer_allowed)(struct nst_vcpu *vcpu, u64 val);
	/*
	 * Back to L1 without results, everything nested forgotten: RESET, INIT
	 * outside of L2, a new nested state.  L1's registers stay undefined when
	 * L2 was current: the caller sets them.
	 */
	void (*leave)(struct nst_vcpu *vcpu);
	/*
	 * KVM_GET_NESTED_STATE: the size needed, with as much as @size bytes
	 * written to @user; or -EFAULT.  KVM_SET_NESTED_STATE: @head was copied
	 * and its format and flags are known ones; 0, -EINVAL or -EFAULT.
	 */
	long (*get_state)(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user, u32 size);
	long (*set_state)(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user,
			  const struct kvm_nested_state *head);
	/*
	 * NST_REQ_NESTED: the vCPU is about to run with a state that was set, and L1's
	 * memory is there.  NULL: nothing is left to be done.
	 */
	enum nst_next (*complete)(struct nst_vcpu *vcpu);
};

extern const struct nst_isa nvmx_isa;
extern const struct nst_isa nsvm_isa;

/**
 * struct nst_nested - vcpu->nested: there when nested=1
 * @isa: (v) what the guest's CPUID offers; NULL: neither
 * @in_l2: (v) L2 is the current context
 * @l1: (v) in L2: L1's registers as they were at the entry; the ISA restores
 *	those that its manual says
 * @l1_ctl: (v) in L2: vcpu->ctl as it was for L1
 * @priv: (v) the ISA's part
 * @evmcs: (v) VMX, with KVM_CAP_HYPERV_ENLIGHTENED_VMCS: the rest of it
 * @exception: (v) an exception that software raised in L2 and L1 wants
 * @exception.pending: there is one
 * @exception.exit: it, as an exit
 * @exit_soon: (v) the next entry has to end right after it delivered its event
 * @ud_insn: (v) in L2: #UD may be an instruction of the ISA's that no hardware carries out
 * @step: (v) in L2: L1 wants an exit after each instruction, or delivered event
 * @step.on: it does
 * @step.by_tf: RFLAGS.TF is set for this entry alone
 * @step.by_event: this entry delivers an event, and ends behind that
 * @step.done: an instruction was carried out, or an event delivered
 * @changed: (v) in L2: userspace has set registers since it ran last
 * @switches: (v) counts changes of context
 */
struct nst_nested {
	const struct nst_isa *isa;
	bool in_l2;
	struct nst_state l1;
	struct nst_ctl l1_ctl;
	void *priv;
	struct nvmx_evmcs *evmcs;
	struct {
		bool pending;
		struct nst_exit exit;
	} exception;
	bool exit_soon;
	bool ud_insn;
	bool changed;
	struct {
		bool on;
		bool by_tf;
		bool by_event;
		bool done;
	} step;
	u64 switches;
};

static inline bool nst_in_l2(const struct nst_vcpu *vcpu)
{
	return vcpu->nested && vcpu->nested->in_l2;
}

static inline const struct nst_isa *nst_isa(const struct nst_vcpu *vcpu)
{
	return vcpu->nested ? vcpu->nested->isa : NULL;
}

/* May an undefined instruction be one of the nested ISA's? */
static inline bool nst_ud_is_insn(const struct nst_vcpu *vcpu)
{
	return nst_in_l2(vcpu) && vcpu->nested->ud_insn;
}

/* Is what the guest's CPU offers not what the host's has? */
static inline bool nst_isa_is_foreign(const struct nst_vcpu *vcpu)
{
	const struct nst_isa *isa = nst_isa(vcpu);

	return isa && isa != (nst_backend == &vmx_backend ? &nvmx_isa : &nsvm_isa);
}

/* ---- for the ISAs ---- */

/**
 * nst_nested_switch() - make L1 or L2 the current context
 * @vcpu: loaded vCPU
 * @to_l2: L2, else L1
 *
 * Pulls every state class first, so that vcpu->st is whole; to L2: copies it to
 * nested->l1.  The caller then changes vcpu->st as its manual says; all of it
 * will be pushed.  Controls are merged (or L1's come back), the TLB tag
 * changes, events are looked at again.  The paging context is the caller's to
 * change: see mmu/stage2.h.
 */
void nst_nested_switch(struct nst_vcpu *vcpu, bool to_l2);

/**
 * nst_nested_merge() - compute vcpu->ctl again
 * @vcpu: loaded vCPU
 *
 * After L1's wishes changed in L2.  In L1: nothing.
 */
void nst_nested_merge(struct nst_vcpu *vcpu);

/**
 * nst_nested_inject() - deliver an event at the next entry, before all others
 * @vcpu: loaded vCPU
 * @event: NST_EVENT_NONE does nothing
 */
void nst_nested_inject(struct nst_vcpu *vcpu, const struct nst_event *event);

/**
 * nst_nested_interrupted() - take the event whose delivery the exit interrupted
 * @vcpu: loaded vCPU, L2 current
 * @event: filled; NST_EVENT_NONE when there was none
 *
 * Also drops exceptions that were raised and not yet delivered: they belong to
 * the instruction, which L2 will run again.
 */
void nst_nested_interrupted(struct nst_vcpu *vcpu, struct nst_event *event);

/**
 * nst_nested_ack_irq() - acknowledge the interrupt that is about to be delivered
 * @vcpu: loaded vCPU
 *
 * Return: the vector, -1 for none.
 */
int nst_nested_ack_irq(struct nst_vcpu *vcpu);
/* Its handler is over at once: what hardware does for a notification. */
void nst_nested_eoi(struct nst_vcpu *vcpu);
/* The same for an NMI, and for an INIT: it is no longer pending. */
void nst_nested_take_nmi(struct nst_vcpu *vcpu);
void nst_nested_take_init(struct nst_vcpu *vcpu);

/**
 * nst_nested_next_rip() - address of the instruction after the one that exited
 * @vcpu: loaded vCPU
 * @exit: the exit
 *
 * Decodes when hardware did not tell the length.
 *
 * Return: 0 when it cannot be told.
 */
u64 nst_nested_next_rip(struct nst_vcpu *vcpu, const struct nst_exit *exit);

/* ---- for the core ---- */

int nst_nested_create(struct nst_vcpu *vcpu);
void nst_nested_destroy(struct nst_vcpu *vcpu);
/* The vCPU's CPUID changed: choose the ISA.  0 or -ENOMEM. */
int nst_nested_cpuid_changed(struct nst_vcpu *vcpu);
/* RESET or INIT: back to L1, before the registers are reset. */
void nst_nested_reset(struct nst_vcpu *vcpu);

/**
 * nst_nested_exit() - offer an exit of L2 to L1
 * @vcpu: loaded vCPU, L2 current
 * @next: what to do next, when taken
 *
 * Return: true when it was L1's, or a nested paging fault that is dealt with;
 * the neutral handlers must not see it.
 */
bool nst_nested_exit(struct nst_vcpu *vcpu, enum nst_next *next);

/**
 * nst_nested_intercept() - software is about to do for L2 what L1 may intercept
 * @vcpu: loaded vCPU
 * @exit: what, as hardware would report it
 *
 * Return: true when L1 wants it; L1 is then current and the caller gives up.
 */
bool nst_nested_intercept(struct nst_vcpu *vcpu, const struct nst_exit *exit);

/* L0's own controls: change a field in the first, then call the second. */
struct nst_ctl *nst_own_ctl(struct nst_vcpu *vcpu);
void nst_ctl_changed(struct nst_vcpu *vcpu, u32 what);

enum nst_next nst_nested_stage2_exit(struct nst_vcpu *vcpu);
enum nst_next nst_nested_insn(struct nst_vcpu *vcpu);
enum nst_next nst_nested_events(struct nst_vcpu *vcpu);
void nst_nested_settle(struct nst_vcpu *vcpu);
bool nst_nested_wants_exception(struct nst_vcpu *vcpu, u8 vector, bool has_error,
				u32 error_code, u64 payload);
bool nst_nested_sipi(struct nst_vcpu *vcpu, enum nst_next *next);
enum nst_verdict nst_nested_verdict(struct nst_vcpu *vcpu, enum nst_exit_kind kind);
/* The same for an INIT, which system-management mode holds back: smm.c */
enum nst_verdict nst_init_verdict(struct nst_vcpu *vcpu);

bool nst_nested_get_cr8(struct nst_vcpu *vcpu, u64 *val);
void nst_nested_notice(struct nst_vcpu *vcpu);
u8 nst_nested_tpr_threshold(struct nst_vcpu *vcpu);
/* Steps of L2, where hardware does not make them: around an entry, after an instruction. */
bool nst_nested_step_begin(struct nst_vcpu *vcpu);
void nst_nested_step_end(struct nst_vcpu *vcpu, bool entered);
void nst_nested_stepped(struct nst_vcpu *vcpu);
/* Was the exit that step's end?  Then it is dealt with. */
bool nst_nested_step_exit(struct nst_vcpu *vcpu);
/* Userspace has set registers. */
void nst_nested_registers_set(struct nst_vcpu *vcpu);
int nst_nested_msr(struct nst_vcpu *vcpu, u32 index, bool write, u64 *val);
bool nst_nested_set_cr8(struct nst_vcpu *vcpu, u64 val);
bool nst_nested_cr_allowed(struct nst_vcpu *vcpu, int cr, u64 val);
bool nst_nested_efer_allowed(struct nst_vcpu *vcpu, u64 val);

/* KVM_GET_NESTED_STATE, KVM_SET_NESTED_STATE */
int nst_nested_state_size(void);
long nst_get_nested_state(void *object, unsigned long arg);
long nst_set_nested_state(void *object, unsigned long arg);

enum nst_next nst_nested_complete(struct nst_vcpu *vcpu);

/* hv_enlight.c: Hyper-V's interface for nesting */
#define NST_HV_EVMCS_VERSIONS	0xffffu	/* in 4000000a.EAX */
int nst_cap_evmcs(void);
long nst_enable_evmcs(struct nst_vcpu *vcpu, u64 user);
u32 nst_hv_nested_features(const struct nst_vcpu *vcpu);
bool nst_hv_msr_bitmap(struct nst_vcpu *vcpu);

#endif /* NST_NESTED_NESTED_H */
