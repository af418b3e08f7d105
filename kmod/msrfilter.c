// SPDX-License-Identifier: GPL-2.0-only
/*
 * RDMSR and WRMSR of a guest, and userspace's two hands in them: a filter that
 * says which MSRs the guest may touch (KVM_X86_SET_MSR_FILTER), and exits for
 * accesses that would end in #GP (KVM_CAP_X86_USER_SPACE_MSR).
 *
 * The filter holds for these two instructions only, not for MSRs that other
 * instructions use, nor for the x2APIC's registers.
 */
#include "nestor.h"
#include <linux/bitmap.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "core.h"
#include "insn.h"
#include "msr.h"
#include "nested/nested.h"
#include "trace.h"

#define X2APIC_FIRST	0x800u
#define X2APIC_LAST	0x8ffu
#define RANGE_FLAGS	(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)

struct nst_msr_range {
	u32 flags;		/* KVM_MSR_FILTER_*: the accesses that it decides on */
	u32 base;
	u32 count;
	unsigned long *allowed;	/* a bit an MSR */
};

struct nst_msr_filter {
	bool deny;		/* what no range decides on */
	unsigned int nr;
	struct nst_msr_range ranges[KVM_MSR_FILTER_MAX_RANGES];
};

static bool filter_allows(const struct nst_msr_filter *filter, u32 index, bool write)
{
	u32 kind = write ? KVM_MSR_FILTER_WRITE : KVM_MSR_FILTER_READ;

	if (index >= X2APIC_FIRST && index <= X2APIC_LAST)
		return true;
	for (unsigned int i = 0; i < filter->nr; i++) {
		const struct nst_msr_range *range = &filter->ranges[i];

		if ((range->flags & kind) && index - range->base < range->count)
			return test_bit(index - range->base, range->allowed);
	}
	return !filter->deny;
}

/**
 * nst_msr_allowed() - does userspace's filter let the guest touch an MSR?
 * @vcpu: loaded vCPU or one whose mutex is held; takes srcu
 * @index: the MSR
 * @write: WRMSR
 *
 * Return: true without a filter.
 */
bool nst_msr_allowed(struct nst_vcpu *vcpu, u32 index, bool write)
{
	struct nst_vm *vm = vcpu->vm;
	const struct nst_msr_filter *filter;
	bool allowed = true;
	int idx = srcu_read_lock(&vm->srcu);

	filter = srcu_dereference(vm->msr_filter, &vm->srcu);
	if (filter)
		allowed = filter_allows(filter, index, write);
	srcu_read_unlock(&vm->srcu, idx);
	return allowed;
}

static void filter_free(struct nst_msr_filter *filter)
{
	if (!filter)
		return;
	for (unsigned int i = 0; i < filter->nr; i++)
		kfree(filter->ranges[i].allowed);
	kfree(filter);
}

static int filter_add(struct nst_msr_filter *filter, const struct kvm_msr_filter_range *from)
{
	struct nst_msr_range *to = &filter->ranges[filter->nr];
	size_t size = BITS_TO_LONGS((size_t)from->nmsrs) * sizeof(long);

	if (!from->nmsrs)
		return 0;
	if (!from->flags || (from->flags & ~RANGE_FLAGS) || size > KVM_MSR_FILTER_MAX_BITMAP_SIZE)
		return -EINVAL;
	to->allowed = memdup_user((void __user *)from->bitmap, size);
	if (IS_ERR(to->allowed))
		return PTR_ERR(to->allowed);
	to->flags = from->flags;
	to->base = from->base;
	to->count = from->nmsrs;
	filter->nr++;
	return 0;
}

static struct nst_msr_filter *filter_build(const struct kvm_msr_filter *from)
{
	struct nst_msr_filter *filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	int ret = 0;

	if (!filter)
		return ERR_PTR(-ENOMEM);
	filter->deny = from->flags & KVM_MSR_FILTER_DEFAULT_DENY;
	for (unsigned int i = 0; i < ARRAY_SIZE(from->ranges) && !ret; i++)
		ret = filter_add(filter, &from->ranges[i]);
	/* To deny everything, without exception, cannot be meant. */
	if (!ret && !filter->nr && filter->deny)
		ret = -EINVAL;
	if (ret) {
		filter_free(filter);
		return ERR_PTR(ret);
	}
	return filter;
}

/**
 * nst_set_msr_filter() - KVM_X86_SET_MSR_FILTER
 * @object: the VM; its lock is held
 * @arg: struct kvm_msr_filter
 *
 * No vCPU runs guest code under the old filter when this returns.
 *
 * Return: 0, -EINVAL, -EFAULT, -ENOMEM; nothing changed on an error.
 */
long nst_set_msr_filter(void *object, unsigned long arg)
{
	const struct kvm_msr_filter *from = (const void *)arg;
	struct nst_msr_filter *old, *new;
	struct nst_vm *vm = object;

	if (from->flags & ~KVM_MSR_FILTER_DEFAULT_DENY)
		return -EINVAL;
	new = filter_build(from);
	if (IS_ERR(new))
		return PTR_ERR(new);
	old = rcu_replace_pointer(vm->msr_filter, new, lockdep_is_held(&vm->lock));
	synchronize_srcu(&vm->srcu);
	filter_free(old);
	/* Which MSRs need no exit changes with it. */
	nst_request_all(vm, NST_REQ_CTL, true);
	return 0;
}

/**
 * nst_msr_filter_destroy() - free the filter
 * @vm: a VM that nobody uses any more
 */
void nst_msr_filter_destroy(struct nst_vm *vm)
{
	filter_free(rcu_dereference_protected(vm->msr_filter, 1));
	RCU_INIT_POINTER(vm->msr_filter, NULL);
}

/* ---- the instructions ---- */

static void set_edx_eax(struct nst_vcpu *vcpu, u64 val)
{
	vcpu->st.gpr[NST_RAX] = (u32)val;
	vcpu->st.gpr[NST_RDX] = val >> 32;
	vcpu->dirty |= NST_STATE_GPR;
}

/* #GP, unless userspace wants to decide; nothing has been skipped yet. */
static enum nst_next msr_failed(struct nst_vcpu *vcpu, u32 index, u64 val, u32 reason)
{
	struct kvm_run *run = vcpu->run;
	bool write = vcpu->exit.msr.write;

	if (!(READ_ONCE(vcpu->vm->user_msrs) & reason)) {
		nst_raise_gp(vcpu);
		return NST_ENTER;
	}
	run->exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reason;
	run->msr.index = index;
	run->msr.data = write ? val : 0;
	nst_insn_wait_msr(vcpu);
	return NST_USER;
}

/**
 * nst_exit_msr() - RDMSR or WRMSR
 * @vcpu: loaded vCPU; srcu held
 *
 * Return: NST_ENTER, or NST_USER when userspace decides on it.
 */
enum nst_next nst_exit_msr(struct nst_vcpu *vcpu)
{
	u32 index = vcpu->st.gpr[NST_RCX];
	bool write = vcpu->exit.msr.write;
	u64 val = (u32)vcpu->st.gpr[NST_RAX] | vcpu->st.gpr[NST_RDX] << 32;
	int ret;

	ret = nst_nested_msr(vcpu, index, write, &val);
	if (ret == -EINVAL) {
		nst_raise_gp(vcpu);
		return NST_ENTER;
	}
	if (!ret) {
		if (!write)
			set_edx_eax(vcpu, val);
		return nst_skip_insn(vcpu);
	}
	if (!nst_msr_allowed(vcpu, index, write)) {
		trace_kvm_msr(write, index, val, true);
		return msr_failed(vcpu, index, val, KVM_MSR_EXIT_REASON_FILTER);
	}
	if (write)
		ret = nst_msr_set(vcpu, index, val, false);
	else
		ret = nst_msr_get(vcpu, index, &val, false);
	trace_kvm_msr(write, index, val, ret);
	if (ret)
		return msr_failed(vcpu, index, val,
				  nst_msr_exists(index) ? KVM_MSR_EXIT_REASON_INVAL :
							  KVM_MSR_EXIT_REASON_UNKNOWN);
	if (!write)
		set_edx_eax(vcpu, val);
	return nst_skip_insn(vcpu);
}

/**
 * nst_complete_msr() - userspace decided on an RDMSR or WRMSR
 * @vcpu: loaded vCPU, still at the instruction
 *
 * Return: NST_ENTER, or NST_USER.
 */
enum nst_next nst_complete_msr(struct nst_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->run->msr.error)) {
		nst_raise_gp(vcpu);
		return NST_ENTER;
	}
	if (!vcpu->exit.msr.write)
		set_edx_eax(vcpu, READ_ONCE(vcpu->run->msr.data));
	return nst_skip_insn(vcpu);
}
