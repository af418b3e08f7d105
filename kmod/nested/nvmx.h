/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nested VMX: the VMX that an L1 hypervisor sees, whatever hardware runs
 * below.  Private to vmx_insn.c, vmx_enter.c, vmx_exit.c and vmx_state.c, but
 * for the MSRs.
 */
#ifndef NST_NVMX_H
#define NST_NVMX_H

#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include "../vcpu.h"
#include "nested.h"
#include "../mmu/stage2.h"
#include "vmcs12.h"
#include "vmx_caps.h"
#include "vmx_check.h"

#define NVMX_NO_POINTER		(~0ull)

/* Bit 31 of a VMCS region's first word: a shadow VMCS. */
#define NVMX_SHADOW_VMCS	BIT(31)

/* Groups of rules: on controls and host state, on guest state. */
#define NVMX_PASSED_VMFAIL	BIT(0)
#define NVMX_PASSED_GUEST	BIT(1)

/**
 * struct nvmx_trap - an exit behind an instruction
 * @kind: NST_EXIT_APIC_WRITE, _EOI, or NST_EXIT_NONE
 * @what: offset or vector
 */
struct nvmx_trap {
	enum nst_exit_kind kind;
	u16 what;
};

/**
 * struct nvmx - vcpu->nested->priv of a vCPU whose CPU has VMX
 * @caps: (v) what the capability MSRs say
 * @most: (v) what they could say at most
 * @root: (v) VMX operation: after VMXON
 * @vmxon_ptr: (v) the VMXON region in L1's memory
 * @vmptr: (v) the current VMCS in L1's memory, or NVMX_NO_POINTER
 * @v: (c) copy of the current VMCS; valid with @vmptr, or as an enlightened one: evmcs.h
 * @passed: (v) NVMX_PASSED_*: rules that the current VMCS has been found to obey
 * @passed_long: (v) the mode of L1 then
 * @shadow_possible: (v) hardware can serve L1's VMREAD and VMWRITE
 * @shadow_live: (v) it does: what L1 has written since is not in @v
 * @last_vpid: (v) VPID of the latest L2, 0: none
 * @timer: (v) ends the guest's run when the preemption timer expires
 * @timer_deadline: (v) the value of L1's TSC at which it does
 * @timer_on: (v) it was started and not yet stopped
 * @vcpu: (c) for the timer
 * @vtpr: (v) in L2 with a TPR shadow: VTPR
 * @vppr: (v) with virtual-interrupt delivery: VPPR
 * @vapic_dirty: (v) they are newer than in L1's page
 * @mtf_pending: (v) in L2: a monitor-trap exit is due before the next instruction
 * @trap: (v) in L2: an exit that the last instruction causes behind it
 * @smm: (v) an SMI interrupted L2: what RSM goes back to
 * @smm.guest: it did
 * @smm.timer: the preemption timer was on; its deadline is kept
 * @smm.mtf: a monitor-trap exit was due
 * @smm.nmi_blocked: NMIs of L1 are blocked
 */
struct nvmx {
	struct nvmx_caps caps;
	struct nvmx_caps most;
	bool root;
	u64 vmxon_ptr;
	u64 vmptr;
	struct nvmx_vmcs12 *v;
	u8 passed;
	bool passed_long;
	bool shadow_possible;
	bool shadow_live;
	u16 last_vpid;
	struct hrtimer timer;
	u64 timer_deadline;
	bool timer_on;
	struct nst_vcpu *vcpu;
	u8 vtpr;
	u8 vppr;
	bool vapic_dirty;
	bool mtf_pending;
	struct nvmx_trap trap;
	struct {
		bool guest;
		bool timer;
		bool mtf;
		bool nmi_blocked;
	} smm;
};

static inline struct nvmx *to_nvmx(const struct nst_vcpu *vcpu)
{
	return vcpu->nested->priv;
}

static inline bool nvmx_has_proc(const struct nvmx_vmcs12 *v, u32 bits)
{
	return v->proc & bits;
}

static inline bool nvmx_has_proc2(const struct nvmx_vmcs12 *v, u32 bits)
{
	return (v->proc & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS) && (v->proc2 & bits);
}

/**
 * struct nvmx_exit - what a VM exit tells L1
 * @reason: basic reason and flags
 * @qualification: exit qualification
 * @intr_info: VM-exit interruption information
 * @intr_error: VM-exit interruption error code
 * @insn_len: VM-exit instruction length
 * @insn_info: VM-exit instruction information
 * @linear: guest-linear address
 * @physical: guest-physical address
 */
struct nvmx_exit {
	u32 reason;
	u64 qualification;
	u32 intr_info;
	u32 intr_error;
	u32 insn_len;
	u32 insn_info;
	u64 linear;
	u64 physical;
};

/* vmx_insn.c */
enum nst_next nvmx_insn(struct nst_vcpu *vcpu);
bool nvmx_bit_in_l1(struct nst_vcpu *vcpu, u64 bitmap, u32 bit);
enum nst_next nvmx_finish(struct nst_vcpu *vcpu, u64 flags);
u64 nvmx_reg(struct nst_vcpu *vcpu, u8 reg);
unsigned int nvmx_operand_bytes(struct nst_vcpu *vcpu);
bool nvmx_insn_exists(struct nst_vcpu *vcpu, enum nst_isa_insn insn);
enum nst_next nvmx_fail_valid(struct nst_vcpu *vcpu, u32 error);
void nvmx_write_back(struct nst_vcpu *vcpu);
void nvmx_distrust(struct nvmx *nvmx, enum nvmx_type type);

/* vmx_enter.c */
enum nst_next nvmx_enter(struct nst_vcpu *vcpu, bool launch);
void nvmx_merge(struct nst_vcpu *vcpu, struct nst_ctl *ctl);
int nvmx_enter_paging(struct nst_vcpu *vcpu);
void nvmx_begin(struct nst_vcpu *vcpu);
void nvmx_fill_stage2(const struct nvmx_vmcs12 *v, struct nst_stage2 *s2);
void nvmx_fill_check(struct nst_vcpu *vcpu, struct nvmx_check *in);
u8 nvmx_linear_bits(const struct nst_vcpu *vcpu);
u32 nvmx_load_area(struct nst_vcpu *vcpu, u64 area, u32 count);

/* vmx_exit.c */
bool nvmx_wants(struct nst_vcpu *vcpu, const struct nst_exit *exit);
enum nst_next nvmx_reflect(struct nst_vcpu *vcpu, const struct nst_exit *exit);
u32 nvmx_insn_info(const struct nst_operand *op, bool is_dtable);

/* vmx_leave.c */
void nvmx_leave(struct nst_vcpu *vcpu, const struct nvmx_exit *out);
void nvmx_fail_entry(struct nst_vcpu *vcpu, u32 reason, u64 qualification);
void nvmx_save_guest(struct nst_vcpu *vcpu);
u32 nvmx_event_info(const struct nst_event *event);

/* vmx_apic.c: virtual APIC and virtual interrupts */
enum nst_l1_access nvmx_access(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf, u32 len, u8 how);
int nvmx_msr(struct nst_vcpu *vcpu, u32 index, bool write, u64 *val);
bool nvmx_get_cr8(struct nst_vcpu *vcpu, u64 *val);
bool nvmx_set_cr8(struct nst_vcpu *vcpu, u64 val);
u8 nvmx_tpr_threshold(struct nst_vcpu *vcpu);
void nvmx_apic_posted(struct nst_vcpu *vcpu);
bool nvmx_apic_due(struct nst_vcpu *vcpu, struct nst_exit *exit);
bool nvmx_apic_wakes(struct nst_vcpu *vcpu);
bool nvmx_apic_waits(struct nst_vcpu *vcpu);
void nvmx_apic_deliver(struct nst_vcpu *vcpu);
void nvmx_apic_flush(struct nst_vcpu *vcpu);
void nvmx_apic_enter(struct nst_vcpu *vcpu);

/* vmx_timer.c: the preemption timer */
void nvmx_timer_init(struct nst_vcpu *vcpu);
void nvmx_timer_start(struct nst_vcpu *vcpu);
void nvmx_timer_start_until(struct nst_vcpu *vcpu, u64 deadline);
void nvmx_timer_stop(struct nst_vcpu *vcpu);
bool nvmx_timer_expired(struct nst_vcpu *vcpu);
void nvmx_timer_merge(struct nst_vcpu *vcpu, struct nst_ctl *ctl);
u32 nvmx_timer_left(struct nst_vcpu *vcpu);

/* vmx_shadow.c: L1's VMREAD and VMWRITE in hardware */
void nvmx_shadow_begin(struct nst_vcpu *vcpu);
bool nvmx_is_shadowed(const struct nvmx *nvmx, u64 encoding);
void nvmx_shadow_fetch(struct nst_vcpu *vcpu);
void nvmx_shadow_publish(struct nst_vcpu *vcpu);

/* vmx_l2.c: instructions of L2 itself */
bool nvmx_shadows(struct nst_vcpu *vcpu, const struct nst_exit *exit);
enum nst_next nvmx_shadow_access(struct nst_vcpu *vcpu, bool write);
enum nst_next nvmx_vmfunc(struct nst_vcpu *vcpu);
bool nvmx_log(struct nst_vcpu *vcpu, u64 l2gpa);

/* vmx_state.c */
bool nvmx_state_possible(struct nst_vcpu *vcpu);
long nvmx_get_state(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user, u32 size);
long nvmx_set_state(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user,
		    const struct kvm_nested_state *head);
void nvmx_smm_enter(struct nst_vcpu *vcpu, struct nst_smm_l2 *l2);
bool nvmx_smm_leave(struct nst_vcpu *vcpu, const struct nst_smm_l2 *l2);

/* vmx_isa.c */
int nvmx_msr_read(struct nst_vcpu *vcpu, u32 msr, bool host, u64 *val);
int nvmx_msr_write(struct nst_vcpu *vcpu, u32 msr, u64 val);

#endif /* NST_NVMX_H */
