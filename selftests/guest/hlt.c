// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ends a halt and what does not. SDM2 "HLT-Halt".
 */
#ifdef GUEST
#include "apic.h"

#define SECTION		"SDM2 \"HLT-Halt\""
#define VECTOR		0x44

GUEST_CASE(exit_without_apic, SECTION, .ends = EXIT_HLT)
{
	check(true, "HLT without an APIC in the kernel is an exit");
	asm volatile("cli; hlt");
	check(false, "it does not go on");
}

/* The host half ends this one. */
GUEST_CASE(asleep_with_if_clear, SECTION, .flags = CASE_IRQCHIP)
{
	apic_enable();
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VECTOR);
	apic_write(APIC_TIMER_INITIAL, 300000);
	call_host(0, 0, 0, 0);
	asm volatile("cli; hlt");
	check(false, "HLT with IF=0 does not end by an interrupt");
}

GUEST_CASE(rip_behind, SECTION, .flags = CASE_IRQCHIP)
{
	u32 i;

	apic_enable();
	/* Periodic: an interrupt that comes before its HLT must not leave us asleep. */
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_PERIODIC | VECTOR);
	apic_write(APIC_TIMER_INITIAL, 2000000);
	for (i = 0; i < 5; i++)
		asm volatile("sti; hlt; cli" : : : "memory");
	check(irq_count[VECTOR] >= 5, "five halts need five interrupts (%u)", irq_count[VECTOR]);
}

GUEST_CASE(needs_ring_0, SECTION)
{
	u64 stack = GUEST_SCRATCH + 0x1000;

	PROBE("push %0; push %1; push $2; push %2; push $772f; iretq\n"
	      "772: hlt; ud2", : : "r"((u64)SEL_USER_DATA), "r"(stack),
	      "r"((u64)SEL_USER_CODE64) : "memory");
	check_trap(VEC_GP, 0, "HLT in ring 3");
}

#else /* host half */
#include <unistd.h>

#include "guest_test.h"

static pthread_t observer;

static void *observe(void *data)
{
	struct vm *vm = data;
	struct kvm_mp_state mp;
	struct kvm_regs r;

	usleep(60000);
	atomic_store(&vm->stop, true);
	vcpu_kick(&vm->vcpu[0]);
	/* These wait until the vCPU has left KVM_RUN. */
	vcpu_regs(&vm->vcpu[0], &r);
	vm_ioctl(vm->vcpu[0].fd, KVM_GET_MP_STATE, &mp, "GET_MP_STATE");
	host_check(vm, !(r.rflags & 0x200), "IF is clear");
	host_check(vm, mp.mp_state == KVM_MP_STATE_HALTED, "it sleeps, a signal ends KVM_RUN (%u)",
		   mp.mp_state);
	host_end(vm);
	return NULL;
}

static uint64_t start_observer(struct vcpu *vcpu, const uint64_t *args)
{
	(void)args;
	return pthread_create(&observer, NULL, observe, vcpu->vm);
}

static void join_observer(struct vm *vm)
{
	(void)vm;
	pthread_join(observer, NULL);
}

const struct host_hook host_hooks[] = {
	{ .name = "asleep_with_if_clear", .call = start_observer, .after = join_observer },
	{ 0 }
};
#endif /* GUEST */
