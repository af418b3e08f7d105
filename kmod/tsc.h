/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest time: TSC offset and ratio, kvmclock. */
#ifndef NST_TSC_H
#define NST_TSC_H

#include <linux/kvm.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "vcpu.h"

int nst_tsc_module_init(void);
int nst_clock_vm_create(struct nst_vm *vm);
void nst_clock_vm_destroy(struct nst_vm *vm);
void nst_tsc_vcpu_create(struct nst_vcpu *vcpu);
void nst_tsc_vcpu_destroy(struct nst_vcpu *vcpu);
/* Loaded on a (possibly other) CPU; irqs on or off. */
void nst_tsc_vcpu_load(struct nst_vcpu *vcpu, int cpu);
/* What the guest reads now, and the host value at which it would read @guest. */
u64 nst_tsc_read(struct nst_vcpu *vcpu);
u64 nst_tsc_read_current(struct nst_vcpu *vcpu);
void nst_tsc_nest(struct nst_ctl *ctl, u64 ratio, u64 offset);
u64 nst_tsc_to_host(struct nst_vcpu *vcpu, u64 guest);
/* What the guest reads when the host reads @host. */
u64 nst_tsc_from_host(struct nst_vcpu *vcpu, u64 host);
/* Write of IA32_TSC (guest or userspace; same-value writes across vCPUs synchronise). */
void nst_tsc_write(struct nst_vcpu *vcpu, u64 val, bool host);
void nst_tsc_adjust_write(struct nst_vcpu *vcpu, u64 val, bool host);
void nst_tsc_set_offset(struct nst_vcpu *vcpu, u64 offset);	/* KVM_VCPU_TSC_OFFSET */
int nst_tsc_set_khz(struct nst_vcpu *vcpu, u32 khz);	/* -EINVAL */
u32 nst_tsc_effective_khz(struct nst_vcpu *vcpu);	/* how fast it really counts */
/* kvmclock */
int nst_clock_get(struct nst_vm *vm, struct kvm_clock_data *data);
int nst_clock_set(struct nst_vm *vm, const struct kvm_clock_data *data);
void nst_clock_msr_write(struct nst_vcpu *vcpu, u64 val);	/* system time MSR */
void nst_wall_clock_write(struct nst_vcpu *vcpu, u64 val);
/* NST_REQ_CLOCK: srcu held, preemptible. */
void nst_clock_update(struct nst_vcpu *vcpu);
/* KVM_KVMCLOCK_CTRL: tell the guest that it was stopped.  -EINVAL: no clock page. */
int nst_clock_guest_stopped(struct nst_vcpu *vcpu);

/**
 * struct nst_clock_vm - time of one VM
 * @vm: (c) the VM
 * @lock: protects the rest; no other lock is taken inside
 * @tsc_offset: TSC offset that vCPUs share unless their TSC was written apart
 * @tsc_khz: rate of the vCPU that @tsc_offset was written on
 * @tsc_from_user: userspace has written IA32_TSC since the VM was made
 * @boot_ns: host's clock when kvmclock was zero
 * @shared: one pair (@shared_tsc, @shared_ns) serves every vCPU
 * @shared_tsc: host TSC at @shared_ns
 * @shared_ns: host's clock
 * @resync: rewrites clock pages while they are not @shared
 */
struct nst_clock_vm {
	struct nst_vm *vm;
	spinlock_t lock;	/* all below */
	u64 tsc_offset;
	u32 tsc_khz;
	bool tsc_from_user;
	s64 boot_ns;
	bool shared;
	u64 shared_tsc;
	s64 shared_ns;
	struct delayed_work resync;
};

#endif /* NST_TSC_H */
