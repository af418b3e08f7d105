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
void nst_msr_reset(struct nst_vcpu *vcpu, bool init);
/* Tell the backend which MSRs this vCPU's guest may touch directly. */
void nst_msr_apply_direct(struct nst_vcpu *vcpu);

#endif /* NST_MSR_H */
