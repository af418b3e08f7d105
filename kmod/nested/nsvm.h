/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of nested SVM share. */
#ifndef NST_NSVM_H
#define NST_NSVM_H

#include "nested.h"
#include "vmcb12.h"

#define NSVM_NO_VMCB		(~0ull)

/**
 * struct nsvm - vcpu->nested->priv: the SVM of a virtual CPU
 * @features: (c) EDX of CPUID Fn8000_000A as L1 sees it, what works alone
 * @vm_cr: (v) VM_CR MSR
 * @hsave_pa: (v) VM_HSAVE_PA MSR; L0 keeps the host state in its own memory but in SMM
 * @vmcb_pa: (v) L1-physical address of the VMCB of the running or last L2
 * @v: (v) what VMRUN took from it; int_ctl is kept up to date while L2 runs
 * @tsc_ratio: (v) TSC_RATIO MSR, 8.32 fixed point: L2's TSC to L1's
 * @pauses: (v) PAUSEs of L2 that are still to pass before one exits
 * @smm_nmi_blocked: (v) an SMI interrupted L2: NMIs of L1 are blocked behind RSM
 * @last_asid: (v) ASID of the last L2, whose translations may still be cached
 * @merged: (v) intercept words that @merged_traps was made from; none: no traps
 * @merged_traps: (v) NST_TRAP_* that they need
 * @msrpm: (v) NULL, or L1's MSR permission map as it was when L1 said last that it had
 *	changed it: TLFS "Enlightened MSR Bitmap"
 * @msrpm_for: (v) the VMCB that it belongs to, NSVM_NO_VMCB: it is not to be used
 * @page: (c) L2's VMCB as VMRUN copied it; #VMEXIT writes from here
 * @other: (c) the page of VMLOAD and VMSAVE
 */
struct nsvm {
	u32 features;
	u64 vm_cr;
	u64 hsave_pa;
	u64 vmcb_pa;
	struct nsvm_vmcb12 v;
	u64 tsc_ratio;
	u16 pauses;
	bool smm_nmi_blocked;
	u32 last_asid;
	u32 merged[MAX_INTERCEPT];
	u64 merged_traps;
	u8 *msrpm;
	u64 msrpm_for;
	struct vmcb *page;
	struct vmcb *other;
};

static inline struct nsvm *to_nsvm(const struct nst_vcpu *vcpu)
{
	return vcpu->nested->priv;
}

/* svm_page.c */
int nsvm_read_vmcb(struct nst_vcpu *vcpu, u64 pa, struct vmcb *page);
void nsvm_write_vmcb(struct nst_vcpu *vcpu, u64 pa, const struct vmcb *page);
void nsvm_write_refusal(struct nst_vcpu *vcpu, u64 pa, const struct vmcb *page);
int nsvm_read_extra(struct nst_vcpu *vcpu, u64 pa, struct vmcb *page);
int nsvm_write_extra(struct nst_vcpu *vcpu, u64 pa, const struct vmcb *page);

/* svm_insn.c */
enum nst_next nsvm_insn(struct nst_vcpu *vcpu);
void nsvm_put_gif(struct nst_vcpu *vcpu, bool gif);
int nsvm_insn_fault(struct nst_vcpu *vcpu);

/* svm_enter.c */
enum nst_next nsvm_vmrun(struct nst_vcpu *vcpu, u64 vmcb_pa);
u64 nsvm_canonical(struct nst_vcpu *vcpu, u64 addr);
void nsvm_load_segment(struct nst_segment *seg, const struct vmcb_seg *from);
void nsvm_store_segment(struct vmcb_seg *to, const struct nst_segment *seg);

/* svm_exit.c */
enum nst_next nsvm_reflect(struct nst_vcpu *vcpu, const struct nst_exit *exit);
enum nst_next nsvm_leave_l2(struct nst_vcpu *vcpu, u64 code, u64 info1, u64 info2);
enum nst_next nsvm_entry_refused(struct nst_vcpu *vcpu);

/* svm_wants.c */
bool nsvm_wants(struct nst_vcpu *vcpu, const struct nst_exit *exit);
void nsvm_merge(struct nst_vcpu *vcpu, struct nst_ctl *ctl);
void nsvm_take_msrpm(struct nst_vcpu *vcpu);

/* svm_event.c */
enum nst_verdict nsvm_verdict(struct nst_vcpu *vcpu, enum nst_exit_kind kind);
enum nst_next nsvm_events(struct nst_vcpu *vcpu);
u32 nsvm_windows(struct nst_vcpu *vcpu);
bool nsvm_wakes(struct nst_vcpu *vcpu);
bool nsvm_get_cr8(struct nst_vcpu *vcpu, u64 *val);
bool nsvm_set_cr8(struct nst_vcpu *vcpu, u64 val);

/* svm_state.c */
long nsvm_get_state(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user, u32 size);
long nsvm_set_state(struct nst_vcpu *vcpu, struct kvm_nested_state __user *user,
		    const struct kvm_nested_state *head);
void nsvm_smm_enter(struct nst_vcpu *vcpu, struct nst_smm_l2 *l2);
bool nsvm_smm_leave(struct nst_vcpu *vcpu, const struct nst_smm_l2 *l2);

#endif /* NST_NSVM_H */
