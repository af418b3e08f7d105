// SPDX-License-Identifier: GPL-2.0-only
/*
 * Userspace gets its thread back: from a guest that never exits by itself, by
 * a signal; and before the first instruction, by immediate_exit. Linux "The
 * Definitive KVM API Documentation", KVM_RUN.
 */
#ifdef GUEST
#include "guest.h"

#define SECTION		"Linux \"The Definitive KVM API Documentation\", KVM_RUN"
#define MASKED		"Bochs masks host interrupts in a guest entered with IF=0"

GUEST_CASE(loop_with_if_set, SECTION, .flags = CASE_IRQCHIP)
{
	call_host(0, 0, 0, 0);
	asm volatile("sti; 1: jmp 1b");
}

GUEST_CASE(loop_with_if_clear, SECTION, .flags = CASE_IRQCHIP,
	   .skip_on = HOST_UNBOUNDED, .skip_why = MASKED)
{
	call_host(0, 0, 0, 0);
	asm volatile("cli; 1: jmp 1b");
}

GUEST_CASE(immediate_exit, SECTION)
{
	call_host(0, 0, 0, 0);
	finish();
}

/* The handler faults too, always on the same stack: no instruction ever completes. */
GUEST_CASE(endless_faults, SECTION, .skip_on = HOST_UNBOUNDED, .skip_why = MASKED)
{
	*(volatile u16 *)GUEST_SCRATCH = 0x0b0f;	/* UD2 */
	set_gate(VEC_UD, GUEST_SCRATCH, 1, 0);
	call_host(0, 0, 0, 0);
	asm volatile("ud2");
}

#else /* host half */
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "guest_test.h"

static pthread_t kicker;

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void *kick(void *data)
{
	struct vm *vm = data;
	struct kvm_regs r;
	double before;

	usleep(30000);
	before = seconds();
	atomic_store(&vm->stop, true);
	/* A plain signal: immediate_exit stays clear. */
	pthread_kill(vm->vcpu[0].thread, SIGUSR1);
	vcpu_regs(&vm->vcpu[0], &r);
	host_check(vm, seconds() - before < 2, "a signal ends KVM_RUN (%.3f s)",
		   seconds() - before);
	host_check(vm, vm->vcpu[0].run->exit_reason == KVM_EXIT_INTR, "exit %s",
		   vm_exit_name(vm->vcpu[0].run->exit_reason));
	host_end(vm);
	return NULL;
}

static uint64_t start_kicker(struct vcpu *vcpu, const uint64_t *args)
{
	(void)args;
	return pthread_create(&kicker, NULL, kick, vcpu->vm);
}

static void join_kicker(struct vm *vm)
{
	(void)vm;
	pthread_join(kicker, NULL);
}

/* Runs in the vCPU's own thread, between two KVM_RUNs. */
static uint64_t at_once(struct vcpu *vcpu, const uint64_t *args)
{
	struct kvm_regs before, after;
	int first, second;

	(void)args;
	/* The first completes the OUT that called us, and no more. */
	vcpu->run->immediate_exit = 1;
	first = vcpu_run(vcpu);
	vcpu_regs(vcpu, &before);
	second = vcpu_run(vcpu);
	vcpu_regs(vcpu, &after);
	vcpu->run->immediate_exit = 0;
	host_check(vcpu->vm, first == -EINTR && second == -EINTR, "EINTR (%d, %d)",
		   first, second);
	host_check(vcpu->vm, before.rip == after.rip, "nothing ran (%#llx, %#llx)",
		   before.rip, after.rip);
	return 0;
}

const struct host_hook host_hooks[] = {
	{ .name = "immediate_exit", .call = at_once },
	{ .name = HOOK_ANY, .call = start_kicker, .after = join_kicker },
	{ 0 }
};
#endif /* GUEST */
