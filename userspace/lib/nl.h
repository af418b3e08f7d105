/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small library over the KVM ioctls: device, VM, vCPU.
 *
 * Every call that can fail returns 0 or a negative errno, and leaves one plain
 * sentence for a person in nl_error(). It never prints and never exits.
 */
#ifndef NL_H
#define NL_H

#include <linux/kvm.h>

#include "lib/types.h"

/* What nl_cpuid_get() is ready to receive; the ABI's own limit is 256. */
#define NL_MAX_CPUID	256

struct nl_dev {
	int fd;
	const char *path;
	size_t run_size;	/* bytes to map for each vCPU */
};

struct nl_vm {
	int fd;
	const struct nl_dev *dev;
	u32 next_slot;
};

struct nl_vcpu {
	int fd;
	u32 id;
	size_t run_size;
	struct kvm_run *run;	/* shared with the kernel */
};

struct nl_cpuid {
	u32 nent;
	u32 padding;
	struct kvm_cpuid_entry2 entries[NL_MAX_CPUID];
};

__printf(2, 3) int nl_fail(int err, const char *fmt, ...);
const char *nl_error(void);

int nl_dev_open(struct nl_dev *dev, const char *path);
void nl_dev_close(struct nl_dev *dev);
int nl_dev_need(const struct nl_dev *dev, u32 cap, const char *name);
int nl_cpuid_get(const struct nl_dev *dev, struct nl_cpuid *cpuid);

int nl_vm_create(struct nl_vm *vm, const struct nl_dev *dev);
void nl_vm_close(struct nl_vm *vm);
int nl_vm_cap(const struct nl_vm *vm, u32 cap);
int nl_vm_map(struct nl_vm *vm, u64 gpa, u64 size, void *host);
int nl_vm_set_tss(const struct nl_vm *vm, u32 tss_gpa, u64 identity_gpa);
int nl_vm_irqchip(const struct nl_vm *vm);
int nl_vm_irq_routes(const struct nl_vm *vm, const struct kvm_irq_routing *routes);
int nl_vm_irq_line(const struct nl_vm *vm, u32 gsi, bool level);
int nl_vm_irqfd(const struct nl_vm *vm, u32 gsi, int fd);
int nl_vm_ioeventfd(const struct nl_vm *vm, u64 gpa, u32 len, int fd, bool assign);

int nl_vcpu_create(struct nl_vcpu *vcpu, const struct nl_vm *vm, u32 id);
void nl_vcpu_close(struct nl_vcpu *vcpu);
int nl_vcpu_set_cpuid(const struct nl_vcpu *vcpu, const struct nl_cpuid *cpuid);
int nl_vcpu_get_regs(const struct nl_vcpu *vcpu, struct kvm_regs *regs);
int nl_vcpu_set_regs(const struct nl_vcpu *vcpu, const struct kvm_regs *regs);
int nl_vcpu_get_sregs(const struct nl_vcpu *vcpu, struct kvm_sregs *sregs);
int nl_vcpu_set_sregs(const struct nl_vcpu *vcpu, const struct kvm_sregs *sregs);
int nl_vcpu_set_msr(const struct nl_vcpu *vcpu, u32 index, u64 value);
int nl_vcpu_run(const struct nl_vcpu *vcpu);

#endif
