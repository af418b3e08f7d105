/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual CPU: its architectural state, its pending events, its controls.
 *
 * Lock letters: (c) constant after creation, (v) vcpu->mutex or, while it runs,
 * its own thread, (r) travels by request bit, (a) atomic.
 */
#ifndef NST_VCPU_H
#define NST_VCPU_H

#include <linux/kvm.h>
#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <asm/fpu/types.h>
#include "x86.h"
#include "exit.h"
#include "ctl.h"
#include "backend.h"
#include "vm.h"

struct nst_lapic;
struct nst_mmu;
struct nst_insn;
struct nst_nested;
struct nst_hv_vcpu;

/**
 * struct nst_state - the guest's registers
 *
 * A class is current in here when its bit in vcpu->valid is set; it must be
 * pushed before the next entry when its bit in vcpu->dirty is set.
 */
struct nst_state {
	/* NST_STATE_GPR */
	u64 gpr[NST_NR_GPRS];
	u64 rip;
	u64 rflags;
	u64 cr2;
	/* NST_STATE_SEG; CPL is SS.DPL except in real mode (0) and vm86 (3) */
	struct nst_segment seg[NST_NR_SEGS];
	/* NST_STATE_DESC */
	struct nst_dtable gdt;
	struct nst_dtable idt;
	/* NST_STATE_CR: what the guest reads, not what hardware holds */
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 pdptr[4];
	/* NST_STATE_DR */
	u64 dr6;
	u64 dr7;
	/* NST_STATE_MSR: what hardware or the world switch exchanges */
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;
	u64 tsc_aux;
	u64 pat;
	u64 debugctl;
	u64 spec_ctrl;
	u64 xss;
	u64 bndcfgs;
	/* NST_STATE_INTR */
	bool sti_shadow;	/* interrupts blocked by STI */
	bool movss_shadow;	/* interrupts and debug traps blocked by MOV SS */
	bool nmi_blocked;	/* an NMI handler runs */
	bool gif;		/* SVM's global interrupt flag */
	/* never in hardware while the host runs; always valid */
	u64 dr[4];
	u64 xcr0;
};

/* Requests: things that another thread wants this vCPU to do before it enters. */
enum nst_request {
	NST_REQ_KICK,		/* leave the guest; nothing more */
	NST_REQ_EVENT,		/* look at pending events again */
	NST_REQ_TLB_FLUSH,	/* forget all guest translations */
	NST_REQ_GUEST_FLUSH,	/* the same, and the guest may have changed its tables */
	NST_REQ_MMU_RELOAD,	/* the paging root is stale */
	NST_REQ_CLOCK,		/* rewrite the kvmclock page */
	NST_REQ_TRIPLE_FAULT,
	NST_REQ_DEAD,		/* the VM is dead: return -EIO */
	NST_REQ_NMI,		/* nmi_queued grew */
	NST_REQ_CTL,		/* recompute the intercepts */
	NST_REQ_STEAL,		/* tell the guest how long it did not run */
	NST_REQ_DEBUG,		/* a step is done: tell the debugger */
	NST_REQ_TPR_ACCESS,	/* tell userspace of vcpu->tpr_access */
	NST_REQ_SMI,		/* an SMI arrived */
	NST_REQ_RING_FULL,	/* userspace has to make room in the dirty ring */
	NST_REQ_IOAPIC_EOI,	/* tell userspace's I/O APIC of vcpu->eoi_vector */
	NST_REQ_NESTED,		/* complete a nested state that was set */
	NST_REQ_APF,		/* pages that were fetched in the background came */
	NST_REQ_HV_STIMER,	/* look at vcpu->hv's timers */
	NST_REQ_HV_EXIT,	/* tell userspace what vcpu->hv says */
	NST_NR_REQUESTS
};

enum nst_vcpu_mode { NST_OUTSIDE, NST_IN_GUEST, NST_EXITING };

/* Which pending event the guest has still to receive. */
struct nst_events {
	struct {
		bool pending;	/* raised, the double-fault rules not yet final */
		bool injected;	/* committed: deliver before all else */
		bool soft;	/* by an instruction: RIP is after it when delivered */
		bool privileged; /* and that is INT1: no gate's DPL is asked */
		bool has_error;
		u8 vector;
		u8 insn_len;
		u32 error_code;
		bool has_payload;
		u64 payload;	/* CR2 or DR6 bits, applied on delivery */
	} exception;
	struct {
		bool injected;
		bool soft;	/* INT n */
		u8 vector;
		u8 insn_len;
	} irq;
	struct {
		bool injected;
		u8 pending;	/* 0 to 2 */
	} nmi;
	atomic_t nmi_queued;	/* (r) raised by other threads */
	int user_vector;	/* KVM_INTERRUPT's, -1: none (irqchip in userspace) */
};

/*
 * The instruction-in-progress log: answers to the external accesses that an
 * emulated instruction already made, for its replay after userspace was asked.
 */
#define NST_LOG_ENTRIES		12
#define NST_LOG_BYTES		4096

#define NST_EXIT_RING		32
#define NST_MCE_BANKS		32

/**
 * struct nst_vcpu - a virtual CPU
 */
struct nst_vcpu {
	struct nst_vm *vm;		/* (c) */
	u32 id;				/* (c) given by userspace; initial APIC id */
	u32 idx;			/* (c) creation index */
	struct mutex mutex;		/* one ioctl at a time */
	struct kvm_run *run;		/* (c) shared with userspace: read fields once */
	void *pio_page;			/* (c) shared, KVM_PIO_PAGE_OFFSET */

	struct nst_state st;		/* (v) */
	u32 valid;			/* (v) NST_STATE_* current in @st */
	u32 dirty;			/* (v) NST_STATE_* newer in @st than in hardware */
	struct nst_ctl ctl;		/* (v) */
	struct nst_exit exit;		/* (v) the last one */
	const struct nst_l1_ops *l1;	/* (v) set while L2 runs: what L1 wants */
	struct nst_events ev;		/* (v) but for nmi_queued */
	bool soft;			/* (v) hardware cannot enter @st: see soft.c */
	struct nst_event soft_event;	/* (v) what the emulator has to deliver */
	bool dr_live;			/* (v) the guest's DR0-3 and DR6 are used directly */
	struct {
		u32 control;		/* KVM_GUESTDBG_*, 0: nobody debugs */
		bool stepping;		/* RFLAGS.TF is set for this entry alone */
		u64 dr[4];		/* with USE_HW_BP: breakpoints of the debugger */
		u64 dr7;
		u64 causes;		/* with NST_REQ_DEBUG: bits of DR6 */
	} dbg;				/* (v) KVM_SET_GUEST_DEBUG */

	unsigned long requests;		/* (a) one bit a nst_request */
	int mode;			/* (a) enum nst_vcpu_mode */
	int cpu;			/* (a) where it is loaded, -1: nowhere */
	int last_cpu;			/* (v) where it was loaded last */
	struct rcuwait wait;		/* where it sleeps while halted */
	struct preempt_notifier pn;	/* (v) */
	int srcu_idx;			/* (v) vm->srcu, held while not sleeping in KVM_RUN */
	u32 mp_state;			/* (v) KVM_MP_STATE_* */
	struct {
		bool in;		/* in system-management mode */
		bool pending;		/* an SMI waits for the next instruction boundary */
		bool soon;		/* the next entry ends once it delivered its event */
		bool nmi_blocked;	/* NMIs were blocked when it came */
		u32 base;		/* SMBASE */
	} smm;				/* (v) */
	u8 space;			/* (v) enum nst_space that it sees; nst_mmu_set_space() */
	struct {
		struct nst_memslot *slot;
		u64 generation;
	} recent;			/* (v) the slot used last; see nst_vcpu_memslot() */
	struct {
		struct kvm_dirty_gfn *gfns; /* (c) shared; NULL: no ring */
		u32 next;		/* (v) the next one to use; counts on */
		u32 reset;		/* (s) the first one that is userspace's */
	} gfn_ring;			/* dirtyring.c */
	struct pid __rcu *pid;		/* last thread that ran it */

	void *hw;			/* (c) the backend's part */
	struct nst_lapic *lapic;	/* (c) NULL: interrupt controller in userspace */
	struct nst_mmu *mmu;		/* (c) */
	struct nst_insn *insn;		/* (c) emulator context and replay log */
	struct nst_nested *nested;	/* (c) NULL: nested=0 */
	struct nst_hv_vcpu *hv;		/* (v) Hyper-V's interface; NULL: never used */
	struct fpu_guest fpu;		/* (v) kernel-managed guest FPU state */
	bool fpu_loaded;		/* (v) */
	u32 host_pkru;			/* (v) the thread's, while the guest runs */
	u64 host_xcr0;			/* (v) the same of XCR0 and IA32_XSS */
	u64 host_xss;
	u32 pkru;			/* (v) the guest's, while the host's is loaded */

	/* CPUID as userspace set it */
	struct kvm_cpuid_entry2 *cpuid;	/* (v) */
	int nr_cpuid;			/* (v) */
	DECLARE_BITMAP(guest_caps, 64);	/* (v) NST_GCAP_*, from @cpuid */
	u32 cpuid_changes;		/* (v) how often what it says of the CPU changed */
	u8 maxphyaddr;			/* (v) */
	u64 cr4_reserved;		/* (v) bits that CR4 may not have */
	u64 xcr0_allowed;		/* (v) */

	u64 apic_base;			/* (v) also without our LAPIC */
	u64 user_cr8;			/* (v) CR8 while the LAPIC is in userspace */
	u8 eoi_vector;			/* (v) of NST_REQ_IOAPIC_EOI */
	struct {
		u64 page;		/* guest-physical address of the copy, 0: none */
		u64 rip;		/* of the last access, for NST_REQ_TPR_ACCESS */
		bool write;
		bool report;		/* userspace wants to hear of accesses */
	} tpr_access;			/* (v) see irqchip/vapic.c */
	u64 tsc_offset_base;		/* (v) IA32_TSC_ADJUST included */
	u64 tsc_ratio;			/* (v) L1's; ctl.tsc_ratio is that of who runs */
	u64 tsc_adjust;			/* (v) */
	u32 tsc_khz;			/* (v) */
	struct {
		u64 host;		/* both TSCs and the host's clock at that moment */
		u64 guest;
		u64 ns;
	} tsc_seen;			/* (v) when it was loaded last */
	u64 misc_enable;		/* (v) */
	u64 misc_features;		/* (v) MSR_MISC_FEATURES_ENABLES */
	u64 power_ctl;			/* (v) MSR_IA32_POWER_CTL */
	u64 platform_info;		/* (v) */
	u64 smi_count;			/* (v) */
	u64 ucode_rev;			/* (v) */
	u64 arch_capabilities;		/* (v) */
	u64 feat_ctl;			/* (v) MSR_IA32_FEAT_CTL */
	u64 mtrr_def;			/* (v) */
	u64 mtrr_fix[11];		/* (v) */
	u64 mtrr_var[16];		/* (v) base, mask pairs */
	u64 mcg_status;			/* (v) */
	struct {
		u64 cap;
		u64 ctl;
		u64 bank[NST_MCE_BANKS][4]; /* CTL, STATUS, ADDR, MISC */
	} mce;				/* (v) */

	/* kvmclock */
	u64 clock_msr;			/* (v) guest-physical address and enable bit */
	u64 wall_clock_msr;		/* (v) */
	u32 clock_version;		/* (v) */
	bool clock_stopped;		/* (v) tell the guest that it was not running */

	u32 pv_features;		/* (v) KVM_FEATURE_* of the guest's CPUID */
	bool pv_kicked;			/* (a) KVM_HC_KICK_CPU: the next halt ends at once */
	struct {
		u64 msr;
		u64 seen;		/* ns that the thread had waited at the last look */
	} steal;			/* (v) steal time */
	struct {
		u64 msr;
		bool offered;		/* the flag is set in guest memory */
	} pv_eoi;			/* (v) */
	struct {
		u64 msr;		/* address and flags of the guest's area */
		struct list_head fetches; /* pages on their way: asyncpf.c */
		u32 count;		/* of the last token */
		u8 nr;			/* of @fetches */
		u8 vector;		/* tells the guest that one is here */
		bool halted;		/* until the one is here that it needs now */
		bool wake_all;		/* tell the guest to look for all of its */
	} apf;				/* (v) */

	sigset_t sigmask;		/* (v) KVM_SET_SIGNAL_MASK */
	bool sigmask_set;		/* (v) */

	struct {
		u64 exits[NST_NR_EXIT_KINDS];
		u64 entries;
		u64 halts;
		u64 irq_injections;
		u64 nmi_injections;
		u64 emulated;
		u64 soft;	/* of these, in states that hardware cannot enter */
		u64 user_exits;
	} stat;				/* (v) read racily by debugfs */
	struct {
		u64 rip;
		u64 info1;
		u32 raw_reason;
		u8 kind;
	} ring[NST_EXIT_RING];		/* (v) the last exits */
	u32 ring_next;			/* (v) */
	struct dentry *debugfs;		/* (c) */
};

/*
 * What handlers answer.
 */
enum nst_next {
	NST_ENTER,	/* go on in the guest */
	NST_USER,	/* vcpu->run is filled: return 0 to userspace */
	NST_INTR,	/* a signal: return -EINTR */
	NST_RESTART,	/* leave for the kernel's own work, then come back */
	NST_FAIL,	/* vcpu->run says internal error, or the VM is dead: -EIO */
	NST_FAULTED,	/* guest memory is not accessible: return -EFAULT */
};

/* What an access of L2 is. */
enum nst_l1_access {
	NST_L1_MEMORY,	/* an ordinary one */
	NST_L1_DONE,	/* carried out otherwise */
	NST_L1_EXIT,	/* L1's, with vcpu->exit filled */
};

/**
 * struct nst_l1_ops - what the emulator asks nesting, while L2 runs
 * @wants: would L1 have got this exit from hardware? @exit is decoded and has
 *	NST_EXIT_BY_SOFTWARE for its raw reason. Asked before the instruction
 *	does anything, after the checks that come before the intercept in the
 *	manuals. Changes nothing.
 * @exit: leave to L1 with vcpu->exit, which @wants said yes to. RIP is still
 *	that of the instruction; vcpu->exit.insn_len is its length.
 * @access: the instruction is about to touch L1's memory at @gpa, within a page,
 *	@how is NST_ACCESS_*; @buf has what is written or gets what is read
 * @log: L2 makes the page at @l2gpa dirty; false: L1 has to make room first
 *
 * vcpu->l1 is NULL while L1 runs. CVE-2020-2732 is what happens without this.
 * A memory access of L2 that L1's own paging refuses ends the same way: the
 * translation fills vcpu->exit, the callback returns NST_EMUL_INTERCEPTED.
 */
struct nst_l1_ops {
	bool (*wants)(struct nst_vcpu *vcpu, const struct nst_exit *exit);
	enum nst_next (*exit)(struct nst_vcpu *vcpu);
	enum nst_l1_access (*access)(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf, u32 len,
				     u8 how);
	bool (*log)(struct nst_vcpu *vcpu, u64 l2gpa);
};

/* Features that the guest's CPUID offers, looked at on hot paths. */
enum nst_gcap {
	NST_GCAP_LM, NST_GCAP_NX, NST_GCAP_PCID, NST_GCAP_X2APIC, NST_GCAP_XSAVE,
	NST_GCAP_XSAVES, NST_GCAP_RDTSCP, NST_GCAP_RDPID, NST_GCAP_INVPCID,
	NST_GCAP_TSC_DEADLINE, NST_GCAP_TSC_ADJUST, NST_GCAP_PGE, NST_GCAP_1G,
	NST_GCAP_SMEP, NST_GCAP_SMAP, NST_GCAP_PKU, NST_GCAP_LA57, NST_GCAP_UMIP,
	NST_GCAP_FSGSBASE, NST_GCAP_MTRR, NST_GCAP_PAT, NST_GCAP_VMX, NST_GCAP_SVM,
	NST_GCAP_MWAIT, NST_GCAP_KVMCLOCK, NST_GCAP_KVMCLOCK2, NST_GCAP_MCE,
	NST_GCAP_SYSCALL, NST_GCAP_SEP, NST_GCAP_DE, NST_GCAP_AMD /* vendor */,
	NST_GCAP_SPEC_CTRL, NST_GCAP_ARCH_CAP, NST_GCAP_FFXSR, NST_GCAP_MPX,
	NST_GCAP_HYPERV /* the interface "Hv#1" */,
	NST_NR_GCAPS
};

static inline bool nst_guest_has(const struct nst_vcpu *vcpu, enum nst_gcap cap)
{
	return test_bit(cap, vcpu->guest_caps);
}

static inline enum nst_event_type nst_exception_type(const struct nst_events *ev)
{
	if (!ev->exception.soft)
		return NST_EVENT_EXCEPTION;
	return ev->exception.privileged ? NST_EVENT_PRIV_EXC : NST_EVENT_SOFT_EXC;
}

/* Do the debug registers in hardware have the guest's values? */
static inline bool nst_dr_is_guests(const struct nst_vcpu *vcpu)
{
	return !(vcpu->dbg.control & (KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_SINGLESTEP));
}

/* DR7 for the hardware: the debugger's goes before the guest's. */
static inline u64 nst_hw_dr7(const struct nst_vcpu *vcpu)
{
	return vcpu->dbg.control & KVM_GUESTDBG_USE_HW_BP ? vcpu->dbg.dr7 : vcpu->st.dr7;
}

/* ---- state.c: registers ---- */

/**
 * nst_pull() - make classes of guest state current in vcpu->st
 * @vcpu: loaded vCPU
 * @classes: NST_STATE_*
 */
void nst_pull(struct nst_vcpu *vcpu, u32 classes);

/**
 * nst_modify() - pull classes and mark them to be pushed before the next entry
 * @vcpu: loaded vCPU
 * @classes: NST_STATE_* about to be changed in vcpu->st
 */
void nst_modify(struct nst_vcpu *vcpu, u32 classes);
void nst_push_dirty(struct nst_vcpu *vcpu);

int nst_cpl(struct nst_vcpu *vcpu);
bool nst_long_mode(struct nst_vcpu *vcpu);	/* EFER.LMA */
bool nst_code64(struct nst_vcpu *vcpu);		/* LMA and CS.L */
static inline bool nst_paging(const struct nst_vcpu *vcpu)
{
	return vcpu->st.cr0 & X86_CR0_PG;
}

static inline bool nst_protected(const struct nst_vcpu *vcpu)
{
	return vcpu->st.cr0 & X86_CR0_PE;
}

/* Guest-visible writes with all checks.  Return false: raise #GP(0). */
bool nst_set_cr0(struct nst_vcpu *vcpu, u64 val);
bool nst_set_cr3(struct nst_vcpu *vcpu, u64 val);
bool nst_set_cr4(struct nst_vcpu *vcpu, u64 val);
bool nst_set_cr8(struct nst_vcpu *vcpu, u64 val);
u64 nst_get_cr8(struct nst_vcpu *vcpu);
/* The same for userspace: never L2's own. */
bool nst_set_apic_cr8(struct nst_vcpu *vcpu, u64 val);
u64 nst_apic_cr8(struct nst_vcpu *vcpu);
bool nst_set_efer(struct nst_vcpu *vcpu, u64 val, bool host);
bool nst_set_xcr0(struct nst_vcpu *vcpu, u64 val);
/* DR access; 0, or the vector to raise: #UD or #GP (from @dr 4, 5 or bad bits). */
int nst_set_dr(struct nst_vcpu *vcpu, int dr, u64 val);
int nst_get_dr(struct nst_vcpu *vcpu, int dr, u64 *val);

/* ---- event.c ---- */
void nst_raise(struct nst_vcpu *vcpu, u8 vector);
void nst_raise_error(struct nst_vcpu *vcpu, u8 vector, u32 error_code);
void nst_raise_payload(struct nst_vcpu *vcpu, u8 vector, bool has_error, u32 error_code,
		       u64 payload);
static inline void nst_raise_gp(struct nst_vcpu *vcpu)
{
	nst_raise_error(vcpu, X86_TRAP_GP, 0);
}

void nst_queue_nmi(struct nst_vcpu *vcpu);	/* any context */
void nst_queue_smi(struct nst_vcpu *vcpu);	/* any context */
bool nst_irqs_allowed(struct nst_vcpu *vcpu);

/* ---- vcpu.c ---- */
void nst_request(struct nst_vcpu *vcpu, enum nst_request req);	/* any context; no kick */
void nst_kick(struct nst_vcpu *vcpu);		/* any context: leave the guest or wake up */
bool nst_request_pending(struct nst_vcpu *vcpu);
bool nst_test_request(struct nst_vcpu *vcpu, enum nst_request req);	/* test and clear */
void nst_vcpu_load(struct nst_vcpu *vcpu);
void nst_vcpu_put(struct nst_vcpu *vcpu);
/* INIT when @init, else RESET.  Loaded or not yet running. */
void nst_vcpu_reset(struct nst_vcpu *vcpu, bool init);

/* ---- asyncpf.c: pages that come in the background ---- */
bool nst_apf_possible(struct nst_vcpu *vcpu);
bool nst_apf_begin(struct nst_vcpu *vcpu, u64 gfn, unsigned long hva, bool write);

/* ---- insn.c: instructions by software ---- */

/**
 * nst_skip_insn() - move RIP past the instruction that exited
 * @vcpu: loaded vCPU
 *
 * Ends the interrupt shadow and raises the single-step trap when RFLAGS.TF is set.
 *
 * Return: NST_ENTER, or what to do when the length could not be found out.
 */
enum nst_next nst_skip_insn(struct nst_vcpu *vcpu);
enum nst_next nst_emulate(struct nst_vcpu *vcpu);
/* The same, when its access of @gpa is what exited; NST_GPA_INVALID: not told. */
enum nst_next nst_emulate_at(struct nst_vcpu *vcpu, nst_gpa_t gpa);
void nst_insn_cpuid_changed(struct nst_vcpu *vcpu);

/**
 * nst_insn_decode() - take the instruction at CS:RIP apart without running it
 * @vcpu: loaded vCPU, irqs on, srcu held
 * @op: its ModRM operands
 *
 * For instructions that nesting carries out itself, on hosts whose hardware
 * does not describe them. The operand's memory is then reached with
 * nst_operand_read() and nst_operand_write().
 *
 * Return: length in bytes; or 0 with an exception raised: that of the fetch, or
 * #UD when it is no instruction we know.
 */
unsigned int nst_insn_decode(struct nst_vcpu *vcpu, struct nst_operand *op);

/**
 * nst_insn_operand() - operands of the instruction that made vcpu->exit
 * @vcpu: loaded vCPU, irqs on, srcu held; the exit has an &nst_exit.insn
 * @op: its ModRM operands
 *
 * What the exit says already is not decoded again.
 *
 * Return: as nst_insn_decode().
 */
unsigned int nst_insn_operand(struct nst_vcpu *vcpu, struct nst_operand *op);

/**
 * nst_operand_read() - read an instruction's memory operand
 * @vcpu: loaded vCPU, irqs on, srcu held
 * @op: the operand, of nst_insn_decode() or of hardware's instruction information
 * @buf: result
 * @len: bytes, at most 32
 *
 * Checks segment, canonical form and paging as the instruction would.
 *
 * Return: true, or false with the fault raised.
 */
bool nst_operand_read(struct nst_vcpu *vcpu, const struct nst_operand *op, void *buf,
		      unsigned int len);

/**
 * nst_operand_write() - write an instruction's memory operand
 * @vcpu: loaded vCPU, irqs on, srcu held
 * @op: the operand
 * @buf: data
 * @len: bytes, at most 32
 *
 * Return: as nst_operand_read().
 */
bool nst_operand_write(struct nst_vcpu *vcpu, const struct nst_operand *op, const void *buf,
		       unsigned int len);

#endif /* NST_VCPU_H */
