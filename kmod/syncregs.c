// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_SYNC_REGS: registers travel in kvm_run, so that userspace needs no
 * ioctl for them around KVM_RUN.
 *
 * The page is userspace's, which may write it meanwhile: each struct is copied
 * once, then checked, then used.
 */
#include "nestor.h"
#include <linux/string.h>
#include "core.h"

static const struct {
	u32 bit;
	u16 offset;
	u16 size;
	long (*get)(void *object, unsigned long arg);
	long (*set)(void *object, unsigned long arg);
} sync_rows[] = {
	{ KVM_SYNC_X86_REGS, offsetof(struct kvm_sync_regs, regs), sizeof(struct kvm_regs),
	  nst_get_regs, nst_set_regs },
	{ KVM_SYNC_X86_SREGS, offsetof(struct kvm_sync_regs, sregs), sizeof(struct kvm_sregs),
	  nst_get_sregs, nst_set_sregs },
	{ KVM_SYNC_X86_EVENTS, offsetof(struct kvm_sync_regs, events),
	  sizeof(struct kvm_vcpu_events), nst_get_vcpu_events, nst_set_vcpu_events },
};

union sync_copy {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
};

/**
 * nst_sync_regs_in() - take what userspace marked dirty
 * @vcpu: loaded vCPU, KVM_RUN begins
 *
 * Return: 0, or -EINVAL for unknown sets, or values that the ioctl would refuse.
 */
int nst_sync_regs_in(struct nst_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 dirty = READ_ONCE(run->kvm_dirty_regs);
	union sync_copy copy;

	if ((dirty | READ_ONCE(run->kvm_valid_regs)) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	for (int i = 0; i < ARRAY_SIZE(sync_rows); i++) {
		if (!(dirty & sync_rows[i].bit))
			continue;
		memcpy(&copy, (u8 *)&run->s.regs + sync_rows[i].offset, sync_rows[i].size);
		if (sync_rows[i].set(vcpu, (unsigned long)&copy))
			return -EINVAL;
		dirty &= ~(u64)sync_rows[i].bit;
		run->kvm_dirty_regs = dirty;
	}
	return 0;
}

/**
 * nst_sync_regs_out() - give userspace what it asked for
 * @vcpu: loaded vCPU, KVM_RUN ends
 */
void nst_sync_regs_out(struct nst_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 wanted = READ_ONCE(run->kvm_valid_regs);
	union sync_copy copy;

	for (int i = 0; i < ARRAY_SIZE(sync_rows); i++) {
		if (!(wanted & sync_rows[i].bit))
			continue;
		memset(&copy, 0, sizeof(copy));
		sync_rows[i].get(vcpu, (unsigned long)&copy);
		memcpy((u8 *)&run->s.regs + sync_rows[i].offset, &copy, sync_rows[i].size);
	}
}
