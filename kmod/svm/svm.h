/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to the SVM backend: what a vCPU and a physical CPU own, and which
 * file answers which question.
 *
 * Lock letters as in vcpu.h; (p) belongs to one physical CPU, irqs or
 * preemption off.
 */
#ifndef NST_SVM_SVM_H
#define NST_SVM_SVM_H

#include <linux/irq_work.h>
#include <linux/percpu.h>
#include <asm/svm.h>
#include "../vcpu.h"

struct page;

/*
 * VMCB clean bits: a set bit lets the CPU use what it cached from this VMCB at
 * the last #VMEXIT.  APM2 "VMCB Clean Bits".
 */
#define SVM_CLEAN_INTERCEPTS	BIT(0)	/* intercepts, TSC offset, pause filter */
#define SVM_CLEAN_PERM_MAPS	BIT(1)	/* addresses of IOPM and MSRPM, and their contents */
#define SVM_CLEAN_ASID		BIT(2)
#define SVM_CLEAN_INT_CTL	BIT(3)	/* V_TPR, V_IRQ … */
#define SVM_CLEAN_NPT		BIT(4)	/* nested CR3, G_PAT */
#define SVM_CLEAN_CR		BIT(5)	/* CR0, CR3, CR4, EFER */
#define SVM_CLEAN_DR		BIT(6)	/* DR6, DR7 */
#define SVM_CLEAN_DT		BIT(7)	/* GDTR, IDTR */
#define SVM_CLEAN_SEG		BIT(8)	/* CS, DS, SS, ES, CPL */
#define SVM_CLEAN_CR2		BIT(9)
#define SVM_CLEAN_ALL		0x3ffu

/* Features of CPUID 8000_000A that this backend uses, see caps.c. */
enum svm_feature {
	SVM_F_NPT, SVM_F_NRIPS, SVM_F_TSC_RATIO, SVM_F_CLEAN, SVM_F_FLUSH_ASID,
	SVM_F_DECODE, SVM_F_PAUSE_FILTER, SVM_F_PAUSE_THRESHOLD, SVM_F_SPEC_CTRL,
	SVM_F_LOCK, SVM_F_VGIF,
	SVM_NR_FEATURES
};

/**
 * struct svm_switch - arguments of the world switch, read by switch.S
 * @guest_pa: VMCB of the guest
 * @host_pa: page for this CPU's VMSAVE state
 * @gprs: the guest's general registers
 * @guest_spec: SPEC_CTRL of the guest, in and out
 * @host_spec: SPEC_CTRL of the host
 * @swap_spec: exchange SPEC_CTRL
 */
struct svm_switch {
	u64 guest_pa;
	u64 host_pa;
	u64 *gprs;
	u64 guest_spec;
	u64 host_spec;
	bool swap_spec;
};

/* NST_TAG_L1 and NST_TAG_L2 have TLB tags of their own. */
#define SVM_NR_TAGS	2

/**
 * struct svm_tag - a TLB tag of a vCPU, and what was loaded with it last
 * @asid: the number
 * @generation: of the CPU where the number is valid; 0: there is none
 * @flush: forget its translations at the next entry
 * @root: nested CR3
 * @cr0: as in the VMCB, and so on
 */
struct svm_tag {
	u32 asid;
	u64 generation;
	bool flush;
	u64 root;
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
};

/**
 * struct svm_wanted - the intercepts that the neutral controls ask for
 * @valid: the words are those for the next two
 * @traps: NST_TRAP_*
 * @exceptions: one bit a vector
 * @words: as in the VMCB
 */
struct svm_wanted {
	bool valid;
	u64 traps;
	u32 exceptions;
	u32 words[MAX_INTERCEPT];
};

/**
 * struct svm_vcpu - vcpu->hw
 */
struct svm_vcpu {
	struct nst_vcpu *vcpu;		/* (c) */
	struct vmcb *vmcb;		/* (c) one page */
	u64 vmcb_pa;			/* (c) with the encryption bit */
	unsigned long *msrpm;		/* (c) two pages; bits are (v) */
	u64 msrpm_pa;			/* (c) */
	u32 clean;			/* (v) SVM_CLEAN_* that the next entry may claim */
	int cpu;			/* (v) whose caches may know this VMCB, -1: none */

	struct svm_tag tags[SVM_NR_TAGS]; /* (v) by nst_ctl.tag */

	struct svm_wanted wanted[SVM_NR_TAGS]; /* (v) by nst_ctl.tag */
	bool irq_window;		/* (v) exit when interrupts are possible */
	bool nmi_window;		/* (v) exit when NMIs are possible */
	bool tpr_exits;			/* (v) CR8 writes exit: a TPR threshold is set */
	bool cr0_differs;		/* (v) hardware's CR0 is not what the guest reads */
	bool cr4_differs;		/* (v) the same for CR4 */
	bool spec_ctrl_direct;		/* (v) the guest writes SPEC_CTRL without an exit */

	/* NMI blocking, kept by software: see nmi.c */
	struct {
		bool masked;		/* (v) an NMI handler runs */
		bool at_iret;		/* (v) the IRET at @iret_rip is about to run */
		u64 iret_rip;		/* (v) */
		u64 iret_rsp;		/* (v) */
		bool stepping;		/* (v) TF is ours for this entry */
		bool guest_tf;		/* (v) and this was the guest's */
		bool guest_bs;		/* (v) DR6.BS before the step */
	} nmi;

	/* The event that the next entry delivers. */
	struct nst_event inject;	/* (v) NONE: none */
	struct irq_work exit_soon;	/* (v) self-IPI: leave the guest again at once */

	u64 tsc_aux_host;		/* (v) while loaded */
	bool loaded;			/* (v) between load and put */
};

/**
 * struct svm_cpu - what the backend owns on one physical CPU
 */
struct svm_cpu {
	struct page *hsave;		/* (c) for VMRUN, opaque */
	struct page *host_vmcb;		/* (c) for VMSAVE of the host */
	u64 host_vmcb_pa;		/* (c) */
	bool enabled;			/* (p) we set EFER.SVME */
	u32 next_asid;			/* (p) */
	u64 asid_generation;		/* (p) never 0 once enabled */
	u64 tsc_ratio;			/* (p) value of MSR_AMD64_TSC_RATIO */
	struct svm_vcpu *last;		/* (p) the vCPU that was loaded last */
};

DECLARE_PER_CPU(struct svm_cpu, svm_cpu);
extern u32 svm_max_asid;		/* (c) */
extern u64 svm_iopm_pa;			/* (c) */
extern u64 svm_msrpm_all_pa;		/* (c) every MSR exits */

static inline struct svm_tag *svm_tag(struct svm_vcpu *svm)
{
	return &svm->tags[svm->vcpu->ctl.tag];
}

static inline struct svm_vcpu *to_svm(const struct nst_vcpu *vcpu)
{
	return vcpu->hw;
}

/* caps.c */
bool svm_supported(void);
int svm_caps_init(void);
bool svm_has(enum svm_feature f);

/* vmcb.c */
struct svm_field {
	const char *name;
	u16 offset;
	u16 size;
};

extern const struct svm_field svm_fields[];
extern const unsigned int svm_nr_fields;
u64 svm_field_read(const struct vmcb *vmcb, const struct svm_field *field);

static inline void svm_dirty(struct svm_vcpu *svm, u32 clean_bits)
{
	svm->clean &= ~clean_bits;
}

/* setup.c */
void svm_setup(struct svm_vcpu *svm);
void svm_update_intercepts(struct svm_vcpu *svm);
void svm_encode(struct nst_vcpu *vcpu);

/* state.c */
void svm_pull(struct nst_vcpu *vcpu, u32 classes);
void svm_push(struct nst_vcpu *vcpu, u32 classes);
void svm_push_cr(struct svm_vcpu *svm);
void svm_set_tpr(struct nst_vcpu *vcpu, u8 tpr, u8 threshold);
u8 svm_get_tpr(struct nst_vcpu *vcpu);

/* event.c */
void svm_inject(struct nst_vcpu *vcpu, const struct nst_event *event);
void svm_cancel_inject(struct nst_vcpu *vcpu);
void svm_irq_window(struct nst_vcpu *vcpu, bool on);
void svm_event_before_entry(struct svm_vcpu *svm);
void svm_event_after_exit(struct svm_vcpu *svm);
void svm_event_not_entered(struct svm_vcpu *svm);

/* nmi.c */
void svm_nmi_window(struct nst_vcpu *vcpu, bool on);
void svm_nmi_set_masked(struct svm_vcpu *svm, bool masked);
void svm_nmi_before_entry(struct svm_vcpu *svm);
void svm_nmi_after_exit(struct svm_vcpu *svm);
void svm_nmi_iret(struct svm_vcpu *svm);
bool svm_nmi_step_done(struct svm_vcpu *svm);

/* enter.c */
void svm_enter(struct nst_vcpu *vcpu, struct nst_exit *exit);
bool svm_switch(struct svm_switch *sw);		/* switch.S */

/* exit.c */
/* VMRUN refused the guest's state: APM2 "Canonicalization and Consistency Checks". */
#define SVM_EXIT_INVALID	((u32)SVM_EXIT_ERR)

void svm_decode_exit(struct svm_vcpu *svm, struct nst_exit *exit);
const char *svm_exit_name(u64 code);

/* msr.c */
void svm_msrpm_init(struct svm_vcpu *svm);
void svm_msr_direct(struct nst_vcpu *vcpu, u32 msr, bool read, bool write);
void svm_tsc_ratio_load(u64 ratio);

/* asid.c */
void svm_asid_cpu_init(struct svm_cpu *sc);
void svm_asid_before_entry(struct svm_vcpu *svm);
void svm_flush_tlb(struct nst_vcpu *vcpu);
void svm_flush_tlb_gva(struct nst_vcpu *vcpu, u64 gva);

/* dump.c */
void svm_dump(struct nst_vcpu *vcpu, struct seq_file *m);

#endif /* NST_SVM_SVM_H */
