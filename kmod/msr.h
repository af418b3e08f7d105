/* SPDX-License-Identifier: GPL-2.0-only */
/* Model-specific registers: one table row each. */
#ifndef NST_MSR_H
#define NST_MSR_H

#include <linux/kvm.h>
#include "vcpu.h"

int nst_msr_module_init(void);
/* Guest or host access.  0; -EINVAL: #GP in the guest, short count for userspace. */
int nst_msr_get(struct nst_vcpu *vcpu, u32 index, u64 *val, bool host);
int nst_msr_set(struct nst_vcpu *vcpu, u32 index, u64 val, bool host);
/* Ioctls; return what the ioctl returns (a count, or -errno). */
int nst_msr_index_list(struct kvm_msr_list __user *list);
int nst_msr_feature_list(struct kvm_msr_list __user *list);
int nst_msr_ioctl(struct nst_vcpu *vcpu, struct kvm_msrs __user *umsrs, bool write);
int nst_msr_feature_ioctl(struct kvm_msrs __user *umsrs);	/* system fd */
bool nst_msr_exists(u32 index);
/* msrfilter.c: userspace's filter. */
bool nst_msr_allowed(struct nst_vcpu *vcpu, u32 index, bool write);
void nst_msr_reset(struct nst_vcpu *vcpu, bool init);
/* Tell the backend which MSRs this vCPU's guest may touch directly. */
void nst_msr_apply_direct(struct nst_vcpu *vcpu);

/* ---- between msr.c and msr_table.c ---- */

/**
 * struct nst_msr_access - one RDMSR or WRMSR, or its ioctl
 * @index: the MSR
 * @val: value in or out
 * @host: asked for by userspace
 */
struct nst_msr_access {
	u32 index;
	u64 val;
	bool host;
};

struct nst_msr_row;
/* 0, or -EINVAL: #GP.  @row->gcap and NST_MSR_* rules have been checked. */
typedef int nst_msr_fn(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		       struct nst_msr_access *a);

#define NST_MSR_LIST		BIT(0)	/* in KVM_GET_MSR_INDEX_LIST */
#define NST_MSR_FEATURE		BIT(1)	/* in KVM_GET_MSR_FEATURE_INDEX_LIST */
#define NST_MSR_CANONICAL	BIT(2)	/* a value that is no address: #GP */
#define NST_MSR_INTEL		BIT(3)	/* a guest that is AMD has it not */
#define NST_MSR_NESTED_VMX	BIT(4)	/* listed where guests can have VMX alone */

#define NST_MSR_ANY		0xff	/* @gcap: every guest has it */

/**
 * struct nst_msr_row - an MSR, or a run of them that behave alike
 * @first: first index
 * @count: how many
 * @name: as the manuals print it
 * @flags: NST_MSR_*
 * @gcap: enum nst_gcap that a guest needs to see it, or NST_MSR_ANY
 * @state: NST_STATE_* class of the field at @offset, 0: always valid
 * @offset: of a u64 in struct nst_vcpu, for nst_msr_get_field()
 * @get: read; NULL: #GP
 * @set: write; NULL: #GP
 */
struct nst_msr_row {
	u32 first;
	u16 count;
	u8 flags;
	u8 gcap;
	u16 state;
	u16 offset;
	const char *name;
	nst_msr_fn *get;
	nst_msr_fn *set;
};

extern const struct nst_msr_row nst_msr_rows[];
extern const unsigned int nst_nr_msr_rows;

nst_msr_fn nst_msr_get_field, nst_msr_set_field, nst_msr_get_zero, nst_msr_set_zero;
nst_msr_fn nst_mcg_ctl_get, nst_mcg_ctl_set, nst_mce_bank_get, nst_mce_bank_set;
nst_msr_fn nst_steal_get, nst_steal_set, nst_pv_eoi_get, nst_pv_eoi_set;
nst_msr_fn nst_apf_get, nst_apf_set;
nst_msr_fn nst_msr_set_ignored, nst_msr_set_low32, nst_msr_set_host_field;

#endif /* NST_MSR_H */
