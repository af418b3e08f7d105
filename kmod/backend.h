/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam between the core and the hardware: struct nst_backend, one instance
 * for VMX and one for SVM.  Everything above it is the same on both vendors.
 *
 * A backend never reads userspace, takes no lock of the core, and calls up
 * only the functions listed at the end of this file.
 */
#ifndef NST_BACKEND_H
#define NST_BACKEND_H

#include "x86.h"
#include "exit.h"
#include "ctl.h"

struct nst_vm;
struct nst_vcpu;
struct seq_file;

/*
 * State classes: the parts of struct nst_state that move between memory and
 * hardware together.  GPR (with RIP and RFLAGS) and INTR are pulled at every
 * exit, CR2 with them; the others on demand.
 */
#define NST_STATE_GPR	BIT(0)	/* general registers, RIP, RFLAGS */
#define NST_STATE_MODE	BIT(1)	/* CS and SS, with CPL: what decides about the mode */
#define NST_STATE_SEG	(NST_STATE_MODE | BIT(7)) /* ES … TR, with CPL */
#define NST_STATE_DESC	BIT(2)	/* GDTR, IDTR */
#define NST_STATE_CR	BIT(3)	/* CR0, CR3, CR4, EFER, PDPTEs */
#define NST_STATE_DR	BIT(4)	/* DR6, DR7 (DR0-3 are loaded by the core) */
#define NST_STATE_MSR	BIT(5)	/* SYSENTER, STAR family, PAT, DEBUGCTL … */
#define NST_STATE_INTR	BIT(6)	/* interrupt shadow, NMI blocking */
#define NST_STATE_ALL	0xff

/* What an event is, and how the guest's CPU would deliver it. */
enum nst_event_type {
	NST_EVENT_NONE,
	NST_EVENT_EXTINT,
	NST_EVENT_NMI,
	NST_EVENT_EXCEPTION,	/* a fault or trap raised by hardware */
	NST_EVENT_SOFT_INT,	/* INT n */
	NST_EVENT_SOFT_EXC,	/* INT3, INTO */
	NST_EVENT_PRIV_EXC,	/* INT1 */
};

/**
 * struct nst_event - one event on its way into the guest
 * @type: NST_EVENT_NONE when there is none
 * @vector: IDT vector
 * @has_error: @error_code is pushed
 * @error_code: the error code
 * @insn_len: bytes of the software interrupt instruction, else 0
 */
struct nst_event {
	enum nst_event_type type;
	u8 vector;
	bool has_error;
	u8 insn_len;
	u32 error_code;
};

/**
 * struct nst_hw_caps - what this host's hardware can do, filled by hw_setup()
 * @tdp: EPT or NPT is there and the parameter ``tdp`` allows it
 * @tdp_levels: page-walk length of the two-dimensional root, 4 or 5
 * @tdp_exec_only: an entry may be executable and not readable (EPT)
 * @tdp_ad: hardware sets accessed and dirty bits in TDP entries
 * @tdp_1g: 1 GiB TDP pages
 * @tdp_log: hardware lists the pages whose dirty bit it sets (PML)
 * @tdp_is_ept: entries have the EPT layout, else that of ordinary paging
 * @unrestricted: real mode and paging off run directly
 * @tsc_scaling: the TSC ratio is honoured
 * @nmi_window: an exit can be asked for when NMIs become possible
 * @mtf: an exit can be asked for after each instruction
 * @has_vpid: TLB tags, so that a VM entry need not flush
 * @irq_needs_if: an interrupt is injected only into a guest that could take it
 * @virtual_tpr: CR8 is virtualised in hardware
 * @virtual_gif: SVM's GIF is virtualised in hardware
 * @xsaves: XSAVES may be enabled for the guest
 * @rdtscp: RDTSCP and RDPID may be enabled for the guest
 * @invpcid: INVPCID may be enabled for the guest
 * @rdrand_exits: an exit can be asked for at each RDRAND
 * @rdseed_exits: the same for RDSEED
 * @vmcs_shadow: nst_ctl.vmcs_shadow is honoured
 * @preemption_timer: nst_ctl.leave_tsc is honoured
 */
struct nst_hw_caps {
	bool tdp;
	u8 tdp_levels;
	bool tdp_exec_only;
	bool tdp_ad;
	bool tdp_1g;
	bool tdp_log;
	bool tdp_is_ept;
	bool unrestricted;
	bool tsc_scaling;
	bool nmi_window;
	bool mtf;
	bool has_vpid;
	bool irq_needs_if;
	bool virtual_tpr;
	bool virtual_gif;
	bool xsaves;
	bool rdtscp;
	bool invpcid;
	bool rdrand_exits;
	bool rdseed_exits;
	bool vmcs_shadow;
	bool preemption_timer;
};

/**
 * struct nst_backend - one kind of hardware
 *
 * Contexts: "loaded" means preemption off and @load done on this CPU; "irqs
 * off" means also local interrupts off.
 */
struct nst_backend {
	const char *name;		/* "VMX" or "SVM" */

	/* The CPU has it (CPUID only; no side effects). */
	bool (*supported)(void);
	/*
	 * Once at module load, process context: read capability MSRs, negotiate
	 * controls, fill nst_caps.  Returns -ENODEV, -EPERM (firmware locked it
	 * off), -EBUSY (somebody else owns it) or -EOPNOTSUPP (a required
	 * control is missing) after printing one line that says what to do.
	 */
	int (*hw_setup)(void);
	void (*hw_teardown)(void);
	/*
	 * On each CPU, irqs off, any context (hotplug, suspend, reboot).
	 * cpu_enable returns -EBUSY when VMXON fails or EFER.SVME is set;
	 * cpu_disable is idempotent and leaves the CPU as cpu_enable found it.
	 */
	int (*cpu_enable)(void);
	void (*cpu_disable)(void);

	/* vcpu->hw; process context.  vcpu_create sees the vcpu before reset. */
	int (*vm_create)(struct nst_vm *vm);
	void (*vm_destroy)(struct nst_vm *vm);
	int (*vcpu_create)(struct nst_vcpu *vcpu);
	void (*vcpu_destroy)(struct nst_vcpu *vcpu);
	/* RESET or INIT: rebuild the VMCS/VMCB controls; state is pushed later. */
	void (*vcpu_reset)(struct nst_vcpu *vcpu);

	/*
	 * Preemption off.  load makes the VMCS current on @cpu (clearing it on
	 * its former CPU), saves host MSRs that the guest changes and loads the
	 * guest's; put restores all host state that enter() leaves changed.
	 */
	void (*load)(struct nst_vcpu *vcpu, int cpu);
	void (*put)(struct nst_vcpu *vcpu);

	/*
	 * Loaded.  Move state classes between vcpu->st and hardware.  Call
	 * through nst_pull() and nst_push_dirty(), which keep the masks.
	 */
	void (*pull)(struct nst_vcpu *vcpu, u32 classes);
	void (*push)(struct nst_vcpu *vcpu, u32 classes);

	/*
	 * Does hardware take the mode and the segments that vcpu->st has?  SEG and
	 * CR state are valid.  NULL: it takes whatever it can be told.
	 */
	bool (*can_enter)(struct nst_vcpu *vcpu);

	/*
	 * Loaded.  Encode the parts of vcpu->ctl named in ctl.dirty; clear it.
	 * A new root serves no translation of an old one.
	 */
	void (*encode)(struct nst_vcpu *vcpu);
	/* Loaded.  Arrange that the next entry delivers @event (never NONE). */
	void (*inject)(struct nst_vcpu *vcpu, const struct nst_event *event);
	/*
	 * Loaded.  The event given to inject() was not entered with; drop it
	 * from the hardware (the core will offer it again).
	 */
	void (*cancel_inject)(struct nst_vcpu *vcpu);
	/* Loaded.  Ask for (or stop asking for) an exit when deliverable. */
	void (*irq_window)(struct nst_vcpu *vcpu, bool on);
	void (*nmi_window)(struct nst_vcpu *vcpu, bool on);
	/*
	 * Loaded.  TPR (bits 7:4 = CR8) for CR8 virtualisation and the lowest
	 * priority class that should exit, 0 for none.
	 */
	void (*set_tpr)(struct nst_vcpu *vcpu, u8 tpr, u8 threshold);
	u8 (*get_tpr)(struct nst_vcpu *vcpu);

	/*
	 * Irqs off, loaded, nothing dirty.  One world switch.  On return host
	 * state is whole, an event whose delivery was interrupted has been
	 * handed to nst_event_interrupted(), GPR and INTR state and CR2 are
	 * valid, a host NMI that caused the exit has been delivered, and *exit
	 * is filled.  A pending host interrupt stays pending.
	 */
	void (*enter)(struct nst_vcpu *vcpu, struct nst_exit *exit);

	/* Irqs off or on, loaded: forget the guest's TLB entries on this CPU. */
	void (*flush_tlb)(struct nst_vcpu *vcpu);
	void (*flush_tlb_gva)(struct nst_vcpu *vcpu, u64 gva);

	/* Guest MSRs that hardware switches: may the guest touch it directly? */
	void (*msr_direct)(struct nst_vcpu *vcpu, u32 msr, bool read, bool write);

	/*
	 * VMCS shadowing, with nst_caps.vmcs_shadow: copy from and to what the
	 * guest's VMREAD and VMWRITE reach.  Encodings of nst_vmcs_shadow_fields().
	 */
	void (*vmcs_shadow_read)(struct nst_vcpu *vcpu, const u32 *fields, u64 *vals,
				 unsigned int nr);
	void (*vmcs_shadow_write)(struct nst_vcpu *vcpu, const u32 *fields, const u64 *vals,
				  unsigned int nr);

	/* Print the VMCS or VMCB by field name; @m NULL prints to the log. */
	void (*dump)(struct nst_vcpu *vcpu, struct seq_file *m);
};

extern const struct nst_backend vmx_backend;
extern const struct nst_backend svm_backend;
/* The one chosen at load, and what it can do.  Constant afterwards. */
extern const struct nst_backend *nst_backend;
extern struct nst_hw_caps nst_caps;

/* ---- the calls a backend makes upward ---- */

struct vmcb;

/**
 * struct nst_vmcs_audit - a VMCS that the manual's entry checks are put to
 * @must1: controls that must be 1: pin, primary, secondary, exit, entry
 * @may1: controls that may be 1
 * @basic: IA32_VMX_BASIC
 * @misc: IA32_VMX_MISC
 * @cr0_fixed0: CR0 bits that must be 1
 * @cr0_fixed1: CR0 bits that may be 1
 * @cr4_fixed0: the same for CR4
 * @cr4_fixed1: the same for CR4
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP
 * @vmptr: where the VMCS is
 * @field: reads one; false: this CPU has no such field
 * @memory: reads physical memory that a field points to; false: it is not ours
 * @opaque: for @memory
 */
struct nst_vmcs_audit {
	u32 must1[5];
	u32 may1[5];
	u64 basic;
	u64 misc;
	u64 cr0_fixed0;
	u64 cr0_fixed1;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
	u64 ept_vpid;
	u64 vmptr;
	bool (*field)(u32 encoding, u64 *val);
	bool (*memory)(void *opaque, u64 addr, void *buf, u32 len);
	void *opaque;
};

/*
 * Which rule of the manual does what the vCPU runs with break?  NULL: none.
 * Also told as nestor:rule_broken.  Any context with the vCPU loaded.
 */
const char *nst_audit_vmcs(struct nst_vcpu *vcpu, const struct nst_vmcs_audit *audit);
const char *nst_audit_vmcb(struct nst_vcpu *vcpu, const struct vmcb *vmcb);

/*
 * The fields that VMCS shadowing leaves to hardware: their encodings, those that
 * L1 may write first.  Returns how many there are.
 */
unsigned int nst_vmcs_shadow_fields(const u32 **encodings, unsigned int *nr_writable);

/**
 * nst_event_interrupted() - an exit interrupted the delivery of an event
 * @vcpu: the vCPU
 * @event: what was being delivered
 *
 * The core delivers it again before anything else (SDM3 "Information for VM
 * Exits That Occur During Event Delivery").
 */
void nst_event_interrupted(struct nst_vcpu *vcpu, const struct nst_event *event);

/**
 * nst_dirty_log_writes() - hardware saw writes to guest pages
 * @vcpu: the vCPU that made them, back from the guest; irqs off
 * @gpas: guest-physical addresses
 * @nr: how many
 */
void nst_dirty_log_writes(struct nst_vcpu *vcpu, const u64 *gpas, unsigned int nr);

#endif /* NST_BACKEND_H */
