/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the VMX backend share: the negotiated capabilities, the
 * per-vCPU part, and the functions behind struct nst_backend.
 */
#ifndef VMX_VMX_H
#define VMX_VMX_H

#include <linux/list.h>
#include <linux/percpu-defs.h>
#include <asm/desc_defs.h>
#include "backend.h"
#include "vcpu.h"
#include "vmcs.h"
#include "switch.h"

/* The five words of execution controls, SDM3 "VM-Execution Control Fields". */
enum vmx_word { VMX_PIN, VMX_PROC, VMX_PROC2, VMX_EXIT, VMX_ENTRY, VMX_NR_WORDS };

/**
 * struct vmx_caps - what the CPU offers, constant after hw_setup()
 * @revision: VMCS revision identifier
 * @base: controls that are always on, with those that must be 1
 * @must1: controls that this CPU cannot clear
 * @may1: controls that this CPU can set
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP, 0 without EPT and VPID
 * @misc: IA32_VMX_MISC
 * @cr0_fixed0: CR0 bits that must be 1, those that unrestricted guests may clear removed
 * @cr4_fixed0: CR4 bits that must be 1
 * @efer_field: entries and exits load IA32_EFER as a whole
 * @pat_field: entries and exits switch IA32_PAT
 * @spec_ctrl: the host has IA32_SPEC_CTRL
 * @flush_l1d: write IA32_FLUSH_CMD before each entry
 */
struct vmx_caps {
	u32 revision;
	u32 base[VMX_NR_WORDS];
	u32 must1[VMX_NR_WORDS];
	u32 may1[VMX_NR_WORDS];
	u64 ept_vpid;
	u64 misc;
	u64 cr0_fixed0;
	u64 cr4_fixed0;
	bool efer_field;
	bool pat_field;
	bool spec_ctrl;
	bool flush_l1d;
};

extern struct vmx_caps vmx_caps;

static inline bool vmx_can(enum vmx_word word, u32 bit)
{
	return vmx_caps.may1[word] & bit;
}

/* MSRs that the guest has its own value of, exchanged in load and put. */
enum vmx_swapped_msr {
	VMX_MSR_KERNEL_GS_BASE, VMX_MSR_STAR, VMX_MSR_LSTAR, VMX_MSR_CSTAR, VMX_MSR_SFMASK,
	VMX_MSR_TSC_AUX, VMX_NR_SWAPPED
};

/**
 * struct vmx_host - host state that an exit does not restore by itself
 * @gdt: GDTR; an exit sets its limit to 0xffff
 * @idt: IDTR, the same
 * @fs_base: base of FS of the thread that runs the vCPU
 * @debugctl: IA32_DEBUGCTL before the last entry; an exit clears it
 * @cr3: what HOST_CR3 holds
 * @cr4: what HOST_CR4 holds
 * @ds: selector
 * @es: selector
 * @fs: selector
 * @gs: selector
 * @ldt: selector, the last one seen before an entry
 */
struct vmx_host {
	struct desc_ptr gdt;
	struct desc_ptr idt;
	u64 fs_base;
	u64 debugctl;
	unsigned long cr3;
	unsigned long cr4;
	u16 ds;
	u16 es;
	u16 fs;
	u16 gs;
	u16 ldt;
};

/* NST_TAG_L1 and NST_TAG_L2 have TLB tags of their own. */
#define VMX_NR_TAGS	2

/*
 * A vCPU's VMX part: fields with their lifecycle beside them.
 *
 * Written by the vCPU's own thread while loaded, but for @cpu, @launched and
 * @node, which change on @cpu with interrupts off.
 */
struct vmx_vcpu {
	struct nst_vcpu *vcpu;		/* (c) */
	void *vmcs;			/* (c) the region, a page */
	u64 *msr_bitmap;		/* (c) a page */
	void *shadow;			/* (c) what a guest's VMREAD reaches, see shadow.c */
	u64 *pml;			/* (c) page-modification log, NULL without PML */
	u8 *vapic;			/* (c) virtual-APIC page, NULL without TPR shadow */
	/* (c) by nst_ctl.tag; either both or none: then entries and exits flush */
	u16 vpid[VMX_NR_TAGS];

	struct list_head node;		/* on @cpu's list of active VMCSs */
	int cpu;			/* where the VMCS is active, -1: nowhere */
	bool launched;
	bool fresh;			/* vmx_setup() must run before anything else */
	bool loaded;			/* guest MSRs are in hardware */
	bool entered;			/* an exit has clobbered host state since load */
	bool had_shadow;		/* the last exit left an interrupt shadow */
	const void *context;		/* vcpu->l1 of the last entry */
	bool rip_back;			/* enter with RIP one byte earlier, see event.c */
	bool dumped;			/* a refused entry was dumped already */

	u32 proc;			/* what the VMCS holds */
	u32 proc2;
	u64 cr0_owned;			/* guest-owned CR bits as the VMCS holds them */
	u64 cr4_owned;
	u64 eptp[VMX_NR_TAGS];		/* by nst_ctl.tag */
	u8 tpr_threshold;
	bool timer_on;			/* the VMX-preemption timer, as the VMCS holds it */
	u32 timer_ticks;

	u64 guest_msr[VMX_NR_SWAPPED];	/* while not loaded */
	u64 host_msr[VMX_NR_SWAPPED];	/* while loaded */
	u64 host_efer;			/* while loaded, without an EFER field */
	bool guest_spec_direct;		/* the guest writes SPEC_CTRL without exits */
	struct vmx_switch sw;
	struct vmx_host host;
};

static inline struct vmx_vcpu *to_vmx(struct nst_vcpu *vcpu)
{
	return vcpu->hw;
}

/* caps.c */
int vmx_negotiate(void);
int vmx_check_feature_control(bool set);

/* vmx.c */
DECLARE_PER_CPU(struct vmx_vcpu *, vmx_current);
DECLARE_PER_CPU(bool, vmx_on);
extern u64 vmx_msr_bitmap_all;		/* (c) every MSR exits */

/* setup.c */
void vmx_setup(struct vmx_vcpu *vmx);
void vmx_setup_host_cpu(struct vmx_vcpu *vmx);
void vmx_save_host(struct vmx_vcpu *vmx);
void vmx_restore_host(struct vmx_vcpu *vmx);

/* state.c */
void vmx_pull(struct nst_vcpu *vcpu, u32 classes);
void vmx_push(struct nst_vcpu *vcpu, u32 classes);
void vmx_pull_exit_state(struct nst_vcpu *vcpu);
void vmx_set_cr_owned(struct vmx_vcpu *vmx, u64 cr0_owned, u64 cr4_owned);

/* segments.c */
bool vmx_can_enter(struct nst_vcpu *vcpu);

/* control.c */
void vmx_encode(struct nst_vcpu *vcpu);
void vmx_set_proc(struct vmx_vcpu *vmx, u32 proc);
void vmx_irq_window(struct nst_vcpu *vcpu, bool on);
void vmx_nmi_window(struct nst_vcpu *vcpu, bool on);
void vmx_set_tpr(struct nst_vcpu *vcpu, u8 tpr, u8 threshold);
void vmx_drain_pml(struct vmx_vcpu *vmx);
u8 vmx_get_tpr(struct nst_vcpu *vcpu);
void vmx_flush_tlb(struct nst_vcpu *vcpu);
void vmx_flush_tlb_gva(struct nst_vcpu *vcpu, u64 gva);
void vmx_flush_cpu(void);

/* event.c */
void vmx_inject(struct nst_vcpu *vcpu, const struct nst_event *event);
void vmx_cancel_inject(struct nst_vcpu *vcpu);
void vmx_note_interrupted(struct nst_vcpu *vcpu, u32 vectoring);
void vmx_note_not_injected(struct nst_vcpu *vcpu);
void vmx_note_iret_fault(u32 reason, u32 intr_info, u32 vectoring, u64 qualification);

/* msr.c */
void vmx_msr_init(struct vmx_vcpu *vmx);
void vmx_msr_direct(struct nst_vcpu *vcpu, u32 msr, bool read, bool write);
void vmx_msr_load(struct vmx_vcpu *vmx);
void vmx_msr_put(struct vmx_vcpu *vmx);
void vmx_msr_load_sce(struct vmx_vcpu *vmx);
void vmx_msr_pull(struct vmx_vcpu *vmx);
void vmx_msr_push(struct vmx_vcpu *vmx);

/* exit.c */
void vmx_decode_exit(struct nst_vcpu *vcpu, struct nst_exit *exit, u32 reason, u32 vectoring);
const char *vmx_exit_name(u32 reason);

/* shadow.c */
bool vmx_shadow_can(void);
int vmx_shadow_alloc_bitmaps(void);
void vmx_shadow_free_bitmaps(void);
int vmx_shadow_create(struct vmx_vcpu *vmx);
void vmx_shadow_setup(struct vmx_vcpu *vmx);
void vmx_shadow_encode(struct vmx_vcpu *vmx, bool on);
void vmx_shadow_read(struct nst_vcpu *vcpu, const u32 *fields, u64 *vals, unsigned int nr);
void vmx_shadow_write(struct nst_vcpu *vcpu, const u32 *fields, const u64 *vals, unsigned int nr);

/* timer.c */
bool vmx_slice_by_pause(void);
void vmx_timer_setup(struct vmx_vcpu *vmx);
void vmx_timer_before_entry(struct vmx_vcpu *vmx);

/* enter.c */
void vmx_enter(struct nst_vcpu *vcpu, struct nst_exit *exit);

/* audit.c */
const char *vmx_audit(struct nst_vcpu *vcpu);

/* dump.c */
void vmx_dump(struct nst_vcpu *vcpu, struct seq_file *m);

/**
 * struct vmcs_field_row - a field of the VMCS
 * @encoding: its number
 * @name: as <asm/vmx.h> spells it
 */
struct vmcs_field_row {
	u32 encoding;
	const char *name;
};

/* fields.c */
extern const struct vmcs_field_row vmcs_fields[];
extern const unsigned int vmcs_nr_fields;

#endif /* VMX_VMX_H */
