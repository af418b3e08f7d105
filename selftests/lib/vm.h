/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small virtual machine for tests, over the ioctls of KVM: flat memory,
 * vCPUs in a chosen mode, one thread each, and a watchdog so that a guest that
 * hangs is a failure and not a hang of the test.
 */
#ifndef NST_VM_H
#define NST_VM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kvm.h>

#include "layout.h"

#define VM_WATCHDOG_SECONDS	30

struct vm;

/**
 * struct vcpu - one virtual CPU and the thread that runs it
 * @vm: where it belongs
 * @id: number, also its APIC ID
 * @fd: its file
 * @run: the page shared with the kernel
 * @thread: runs it while vm_run_all() is active
 * @running: @thread is between its first and last KVM_RUN
 */
struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	atomic_bool running;
};

/**
 * struct vm - a virtual machine
 * @fd: its file
 * @mem: the guest's memory from physical address 0, GUEST_MEM_SIZE bytes
 * @vcpu: the first @vcpus are in use
 * @stop: told to the threads: return from KVM_RUN for good
 * @timed_out: the watchdog was the one who said so
 * @flags: CASE_ flags that it was made with
 * @irqchip: interrupt controllers are in the kernel
 * @forgives: KVM_RUN may fail with EFAULT, and is then repeated
 * @efaults: how often it did
 * @context: of whoever handles the exits
 */
struct vm {
	int fd;
	uint8_t *mem;
	unsigned int vcpus;
	struct vcpu vcpu[GUEST_CPUS];
	atomic_bool stop;
	bool timed_out;
	unsigned int flags;
	bool irqchip;
	bool forgives;
	atomic_uint efaults;
	unsigned int seconds;
	void *context;
};

/* An exit handler says whether its vCPU goes on. */
typedef bool (*vm_exit_fn)(struct vcpu *vcpu);

int vm_open_device(void);
int vm_device(void);
const char *vm_device_name(void);
int vm_check_extension(int cap);
void vm_create(struct vm *vm, unsigned int flags, unsigned int cpus);
void vm_destroy(struct vm *vm);
void vm_slot(struct vm *vm, unsigned int slot, unsigned int flags, uint64_t gpa,
	     uint64_t size, void *host);
void vm_run_all(struct vm *vm, vm_exit_fn handler);
void vm_stop(struct vm *vm);
void vm_irq_line(struct vm *vm, unsigned int gsi, bool level);

int vcpu_run(struct vcpu *vcpu);
void vcpu_kick(struct vcpu *vcpu);
void vcpu_regs(struct vcpu *vcpu, struct kvm_regs *regs);
void vcpu_set_regs(struct vcpu *vcpu, const struct kvm_regs *regs);
void vcpu_sregs(struct vcpu *vcpu, struct kvm_sregs *sregs);
void vcpu_set_sregs(struct vcpu *vcpu, const struct kvm_sregs *sregs);
uint64_t vcpu_msr(struct vcpu *vcpu, uint32_t index);
void vcpu_set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value);
void vcpu_set_mp_state(struct vcpu *vcpu, unsigned int state);
struct kvm_cpuid2 *vcpu_cpuid(struct vcpu *vcpu);
void *vcpu_io_data(struct vcpu *vcpu);
uint64_t vcpu_io_value(struct vcpu *vcpu);

void *vm_pages(size_t size);
int vm_ioctl(int fd, unsigned long request, void *arg, const char *what);
void vm_give_up(const char *what);
const char *vm_exit_name(unsigned int reason);

/* setup.c: what firmware would do. */
void setup_tables(struct vm *vm, uint64_t traps);
void setup_mode(struct vcpu *vcpu, unsigned int mode, uint64_t rip, uint64_t arg);

#endif /* NST_VM_H */
