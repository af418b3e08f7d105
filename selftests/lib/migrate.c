// SPDX-License-Identifier: GPL-2.0-only
/*
 * What live migration does, on one machine: every state that KVM's ioctls can
 * get is put into a new machine, and the old one is closed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "migrate.h"

#define MSRS_MAX	512
#define MSR_TSC_DEADLINE	0x6e0

struct msr_list {
	struct kvm_msr_list head;
	uint32_t index[MSRS_MAX];
};

struct msr_values {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[MSRS_MAX];
};

struct vcpu_state {
	struct kvm_regs regs;
	struct kvm_sregs2 sregs;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp;
	struct kvm_lapic_state lapic;
	struct msr_values msrs;
	struct nested_state nested;
};

struct vm_state {
	struct kvm_clock_data clock;
	struct kvm_irqchip chip[KVM_NR_IRQCHIPS];
	struct kvm_pit_state2 pit;
	struct vcpu_state vcpu[GUEST_CPUS];
};

#define GET(from, request, what)					\
	vm_ioctl((from)->fd, KVM_GET_##request, what, "GET_" #request)
#define SET(to, request, what)						\
	vm_ioctl((to)->fd, KVM_SET_##request, what, "SET_" #request)

/** vcpu_nested_state() - KVM_GET_NESTED_STATE */
void vcpu_nested_state(struct vcpu *vcpu, struct nested_state *state)
{
	memset(state, 0, sizeof(*state));
	state->head.size = sizeof(*state);
	GET(vcpu, NESTED_STATE, state);
}

static void get_msrs(struct vcpu *vcpu, struct msr_values *msrs)
{
	struct msr_list list = { .head.nmsrs = MSRS_MAX };
	unsigned int i, n = 0;

	vm_ioctl(vm_device(), KVM_GET_MSR_INDEX_LIST, &list, "GET_MSR_INDEX_LIST");
	/* One by one: some that KVM lists need a feature that this vCPU has not. */
	for (i = 0; i < list.head.nmsrs; i++) {
		msrs->head.nmsrs = 1;
		msrs->entry[0].index = list.index[i];
		if (ioctl(vcpu->fd, KVM_GET_MSRS, msrs) == 1)
			list.index[n++] = list.index[i];
	}
	for (i = 0; i < n; i++)
		msrs->entry[i].index = list.index[i];
	msrs->head.nmsrs = n;
	if ((unsigned int)GET(vcpu, MSRS, msrs) != n)
		vm_give_up("GET_MSRS of a list that could be read");
}

static void set_msrs(struct vcpu *vcpu, struct msr_values *all)
{
	struct msr_values one = { .head.nmsrs = 1 };
	unsigned int i;

	for (i = 0; i < all->head.nmsrs; i++) {
		one.entry[0] = all->entry[i];
		/* A read-only one is what it is. */
		ioctl(vcpu->fd, KVM_SET_MSRS, &one);
	}
}

static void set_deadline(struct vcpu *vcpu, struct msr_values *all)
{
	struct msr_values one = { .head.nmsrs = 1 };
	unsigned int i;

	for (i = 0; i < all->head.nmsrs; i++)
		if (all->entry[i].index == MSR_TSC_DEADLINE) {
			one.entry[0] = all->entry[i];
			SET(vcpu, MSRS, &one);
		}
}

static void save(struct vcpu *vcpu, struct vcpu_state *s)
{
	GET(vcpu, REGS, &s->regs);
	GET(vcpu, SREGS2, &s->sregs);
	GET(vcpu, XSAVE, &s->xsave);
	GET(vcpu, XCRS, &s->xcrs);
	GET(vcpu, DEBUGREGS, &s->debugregs);
	GET(vcpu, VCPU_EVENTS, &s->events);
	GET(vcpu, MP_STATE, &s->mp);
	if (vcpu->vm->irqchip)
		GET(vcpu, LAPIC, &s->lapic);
	get_msrs(vcpu, &s->msrs);
	if (vm_check_extension(KVM_CAP_NESTED_STATE) > 0)
		vcpu_nested_state(vcpu, &s->nested);
}

/* In an order that works: what EFER allows before the nested state, events last. */
static void restore(struct vcpu *vcpu, struct vcpu_state *s)
{
	SET(vcpu, SREGS2, &s->sregs);
	SET(vcpu, REGS, &s->regs);
	SET(vcpu, XCRS, &s->xcrs);
	SET(vcpu, XSAVE, &s->xsave);
	set_msrs(vcpu, &s->msrs);
	/* What nested state there can be depends on it. */
	if (s->events.smi.smm)
		SET(vcpu, VCPU_EVENTS, &s->events);
	if (s->nested.head.size)
		SET(vcpu, NESTED_STATE, &s->nested);
	if (vcpu->vm->irqchip) {
		SET(vcpu, LAPIC, &s->lapic);
		/* Counts for a local APIC alone that is in this mode. */
		set_deadline(vcpu, &s->msrs);
	}
	SET(vcpu, DEBUGREGS, &s->debugregs);
	SET(vcpu, MP_STATE, &s->mp);
	SET(vcpu, VCPU_EVENTS, &s->events);
}

static struct vm_state *save_all(struct vm *vm)
{
	struct vm_state *s = calloc(1, sizeof(*s));
	unsigned int i;

	if (!s)
		vm_give_up("calloc");
	for (i = 0; i < vm->vcpus; i++) {
		vm->vcpu[i].run->immediate_exit = 1;
		if (vcpu_run(&vm->vcpu[i]) != -EINTR)
			vm_give_up("completing what userspace answered");
		save(&vm->vcpu[i], &s->vcpu[i]);
	}
	GET(vm, CLOCK, &s->clock);
	for (i = 0; vm->irqchip && i < KVM_NR_IRQCHIPS; i++) {
		s->chip[i].chip_id = i;
		GET(vm, IRQCHIP, &s->chip[i]);
	}
	if (vm->flags & CASE_PIT)
		GET(vm, PIT2, &s->pit);
	return s;
}

static void restore_all(struct vm *vm, struct vm_state *s)
{
	unsigned int i;

	/* The time of the clock alone: what passes now does not pass for the guest. */
	s->clock.flags = 0;
	SET(vm, CLOCK, &s->clock);
	for (i = 0; vm->irqchip && i < KVM_NR_IRQCHIPS; i++)
		SET(vm, IRQCHIP, &s->chip[i]);
	for (i = 0; i < vm->vcpus; i++)
		restore(&vm->vcpu[i], &s->vcpu[i]);
	if (vm->flags & CASE_PIT)
		SET(vm, PIT2, &s->pit);
	free(s);
}

/* A new machine takes the place of the old one, whose memory this process can read. */
static void replace(struct vm *vm, struct vm_state *state)
{
	struct vm other;
	unsigned int i;

	vm_create(&other, vm->flags, vm->vcpus);
	memcpy(other.mem, vm->mem, GUEST_MEM_SIZE);
	restore_all(&other, state);
	vm_destroy(vm);
	vm->fd = other.fd;
	vm->mem = other.mem;
	for (i = 0; i < vm->vcpus; i++) {
		vm->vcpu[i].fd = other.vcpu[i].fd;
		vm->vcpu[i].run = other.vcpu[i].run;
	}
}

/**
 * vm_migrate() - go on in a new machine
 * @vm: a machine with one vCPU, whose thread calls this
 *
 * The memory moves, too: pointers into it are void.
 */
void vm_migrate(struct vm *vm)
{
	replace(vm, save_all(vm));
}

/**
 * vm_migrate_away() - go on in a new machine of another process
 * @vm: a machine that no thread runs; this is the program's only one
 *
 * The process that returns is a child of the caller. The caller waits for it, and
 * ends as that does.
 */
void vm_migrate_away(struct vm *vm)
{
	struct vm_state *state = save_all(vm);
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child < 0)
		vm_give_up("fork");
	if (!child) {
		replace(vm, state);
		return;
	}
	vm_destroy(vm);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		vm_give_up("the process that the machine went to");
	_exit(WEXITSTATUS(status));
}
