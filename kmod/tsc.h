/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest time: TSC offset and ratio, kvmclock. */
#ifndef NST_TSC_H
#define NST_TSC_H

#include <linux/kvm.h>
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
u64 nst_tsc_to_host(struct nst_vcpu *vcpu, u64 guest);
/* Write of IA32_TSC (guest or userspace; same-value writes across vCPUs synchronise). */
void nst_tsc_write(struct nst_vcpu *vcpu, u64 val, bool host);
void nst_tsc_adjust_write(struct nst_vcpu *vcpu, u64 val, bool host);
int nst_tsc_set_khz(struct nst_vcpu *vcpu, u32 khz);	/* -EINVAL */
/* kvmclock */
int nst_clock_get(struct nst_vm *vm, struct kvm_clock_data *data);
int nst_clock_set(struct nst_vm *vm, const struct kvm_clock_data *data);
void nst_clock_msr_write(struct nst_vcpu *vcpu, u64 val);	/* system time MSR */
void nst_wall_clock_write(struct nst_vcpu *vcpu, u64 val);
/* NST_REQ_CLOCK: srcu held, preemptible. */
void nst_clock_update(struct nst_vcpu *vcpu);

#endif /* NST_TSC_H */
