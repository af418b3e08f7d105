// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steal time: the guest learns for how long its vCPU was ready to run and did
 * not, because the host ran something else.
 *
 * The host's scheduler counts what the thread waited on a run queue; what was
 * added since the last look goes into a page of the guest before each entry
 * that follows a time off the CPU.  Layout: struct kvm_steal_time.
 */
#include "nestor.h"
#include <linux/kvm_para.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include "core.h"
#include "guestmem.h"
#include "msr.h"

static bool has_steal_time(const struct nst_vcpu *vcpu)
{
	return vcpu->pv_features & BIT(KVM_FEATURE_STEAL_TIME);
}

/**
 * nst_steal_get() - RDMSR of MSR_KVM_STEAL_TIME
 * @vcpu: the vCPU
 * @row: unused
 * @a: the access
 *
 * Return: 0, or -EINVAL when the guest's CPUID does not show it.
 */
int nst_steal_get(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		  struct nst_msr_access *a)
{
	if (!a->host && !has_steal_time(vcpu))
		return -EINVAL;
	a->val = vcpu->steal.msr;
	return 0;
}

/**
 * nst_steal_set() - WRMSR of MSR_KVM_STEAL_TIME
 * @vcpu: loaded vCPU
 * @row: unused
 * @a: the access: a 64-byte aligned address, and an enable bit
 *
 * Return: 0, or -EINVAL for reserved bits, or when CPUID does not show it.
 */
int nst_steal_set(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		  struct nst_msr_access *a)
{
	if (!a->host && !has_steal_time(vcpu))
		return -EINVAL;
	if ((a->val & KVM_STEAL_RESERVED_MASK) || !sched_info_on())
		return a->val ? -EINVAL : 0;
	vcpu->steal.msr = a->val;
	/* What was waited before does not count. */
	vcpu->steal.seen = 0;
	if (a->val & KVM_MSR_ENABLED)
		nst_request(vcpu, NST_REQ_STEAL);
	return 0;
}

/* Waiting time of this thread; 0 where the kernel does not count it. */
static u64 run_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

/**
 * nst_steal_update() - NST_REQ_STEAL: tell the guest what was stolen
 * @vcpu: loaded vCPU, its own thread; srcu held, may sleep
 *
 * An odd version tells the guest to wait for the even one.  Nothing can be done
 * when the page is not memory: the guest put it there.
 */
void nst_steal_update(struct nst_vcpu *vcpu)
{
	nst_gpa_t gpa = nst_gpa(vcpu->steal.msr & KVM_STEAL_VALID_BITS);
	const size_t version_at = offsetof(struct kvm_steal_time, version);
	struct kvm_steal_time page;
	u64 now = run_delay();

	if (!(vcpu->steal.msr & KVM_MSR_ENABLED))
		return;
	if (nst_read_gpa(vcpu->vm, gpa, &page, version_at + sizeof(page.version)))
		return;
	if (vcpu->steal.seen && now > vcpu->steal.seen)
		page.steal += now - vcpu->steal.seen;
	vcpu->steal.seen = now;
	page.version = (page.version | 1) + 2;
	if (nst_write_gpa(vcpu->vm, nst_gpa_add(gpa, version_at), &page.version,
			  sizeof(page.version)))
		return;
	smp_wmb();	/* odd version before the time */
	if (nst_write_gpa(vcpu->vm, gpa, &page.steal, sizeof(page.steal)))
		return;
	smp_wmb();	/* time before the even version */
	page.version++;
	nst_write_gpa(vcpu->vm, nst_gpa_add(gpa, version_at), &page.version,
		      sizeof(page.version));
}
