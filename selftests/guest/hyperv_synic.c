// SPDX-License-Identifier: GPL-2.0-only
/*
 * The synthetic interrupt controller: its registers, of which userspace hears, and how a
 * source interrupts. TLFS "Synthetic Interrupt Controller".
 */
#include "hyperv.h"

#define RAISE		1	/* call_host(): the GSI that leads to the source */
#define ENDED		2	/* how often the guest ended it */
#define EXITS		3	/* how often userspace heard of a register */

#ifdef GUEST
#include "apic.h"

#define SYNIC		"TLFS \"Synthetic Interrupt Controller\""
#define VECTOR		0x71
#define EVENTS		(GUEST_SCRATCH + 0x4000)
#define MESSAGES	(GUEST_SCRATCH + 0x5000)
#define SINT		5	/* where the host's GSI leads to */

GUEST_CASE(registers, SYNIC, .flags = CASE_IRQCHIP)
{
	u32 i, bad = 0;

	check(rdmsr(HV_SVERSION) == 1, "version 1");
	check(try_wrmsr(HV_SVERSION, 1) == VEC_GP, "which is read-only");
	check(rdmsr(HV_SCONTROL) == 0 && rdmsr(HV_SIEFP) == 0 && rdmsr(HV_SIMP) == 0,
	      "off after reset");
	for (i = 0; i < 16; i++)
		bad += rdmsr(HV_SINT(i)) != HV_SINT_MASKED;
	check(!bad, "all sources masked");
	check(try_wrmsr(HV_SINT(3), 15) == VEC_GP, "vector 15");
	check(try_wrmsr(HV_SINT(3), HV_SINT_MASKED | 15) == VEC_NONE, "masked it may be any");
	check(try_wrmsr(HV_SINT(3), 16) == VEC_NONE && rdmsr(HV_SINT(3)) == 16, "vector 16");
	check(rdmsr(HV_EOM) == 0 && try_wrmsr(HV_EOM, 0) == VEC_NONE, "EOM");
}

GUEST_CASE(not_enabled, SYNIC, .flags = CASE_IRQCHIP)
{
	static const u32 index[] = {
		HV_SCONTROL, HV_SVERSION, HV_SIEFP, HV_SIMP, HV_EOM, HV_SINT(0),
		HV_STIMER_CONFIG(0), HV_STIMER_COUNT(0),
	};
	u64 value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(index); i++)
		check(try_rdmsr(index[i], &value) == VEC_GP && try_wrmsr(index[i], 0) == VEC_GP,
		      "%x is not there", index[i]);
}

GUEST_CASE(userspace_hears, SYNIC, .flags = CASE_IRQCHIP)
{
	*(volatile u64 *)MESSAGES = 0x1234;
	wrmsr(HV_SCONTROL, 1);
	wrmsr(HV_SIEFP, EVENTS | HV_PAGE_ON);
	wrmsr(HV_SIMP, MESSAGES | HV_PAGE_ON);
	check(rdmsr(HV_SIMP) == (MESSAGES | HV_PAGE_ON), "the page is on");
	check(call_host(EXITS, 0, 0, 0) == 3, "of three writes");
	wrmsr(HV_SINT(SINT), VECTOR);
	check(call_host(EXITS, 0, 0, 0) == 3, "not of the sources");
	check(*(volatile u64 *)MESSAGES == 0x1234, "the page is left to it");
}

GUEST_CASE(clears_pages, SYNIC, .flags = CASE_IRQCHIP)
{
	*(volatile u64 *)MESSAGES = 0x1234;
	wrmsr(HV_SIMP, MESSAGES);
	check(*(volatile u64 *)MESSAGES == 0x1234, "not one that is off");
	wrmsr(HV_SIMP, MESSAGES | HV_PAGE_ON);
	check(*(volatile u64 *)MESSAGES == 0, "a page that is turned on");
	check(try_wrmsr(HV_SIMP, GUEST_MMIO | HV_PAGE_ON) == VEC_GP, "one without memory");
}

static volatile bool in_service;

static void handler(struct frame *frame)
{
	irq_count[frame->vector]++;
	in_service = apic_bit(APIC_ISR, frame->vector);
	if (in_service)
		apic_eoi();
}

/* What has come after a moment, interrupts on. */
static u32 raised(void)
{
	u32 before = irq_count[VECTOR];

	call_host(RAISE, 0, 0, 0);
	sti();
	delay(300);
	cli();
	return irq_count[VECTOR] - before;
}

GUEST_CASE(sources, SYNIC, .flags = CASE_IRQCHIP)
{
	apic_enable();
	trap_hook[VECTOR] = handler;
	wrmsr(HV_SINT(SINT), VECTOR);
	check(raised() == 0, "nothing while the controller is off");
	wrmsr(HV_SCONTROL, 1);
	check(raised() == 1, "an interrupt of the route's source");
	check(in_service, "which is in service");
	wrmsr(HV_SINT(SINT), VECTOR | HV_SINT_MASKED);
	check(raised() == 0, "not while it is masked");
	wrmsr(HV_SINT(SINT), HV_SINT_MASKED);
	wrmsr(HV_SINT(SINT + 1), VECTOR);
	check(raised() == 0, "nor of another source");
}

GUEST_CASE(auto_eoi, SYNIC, .flags = CASE_IRQCHIP)
{
	apic_enable();
	trap_hook[VECTOR] = handler;
	wrmsr(HV_SCONTROL, 1);
	wrmsr(HV_SINT(SINT), VECTOR | HV_SINT_AUTO_EOI);
	check(raised() == 1 && !in_service, "over when it is delivered");
	check(raised() == 1, "the next one comes");
	wrmsr(HV_SINT(SINT), VECTOR);
	check(raised() == 1 && in_service, "not without the bit");
}

GUEST_CASE(ended, SYNIC, .flags = CASE_IRQCHIP)
{
	apic_enable();
	trap_hook[VECTOR] = handler;
	wrmsr(HV_SCONTROL, 1);
	wrmsr(HV_SINT(SINT), VECTOR);
	check(call_host(ENDED, 0, 0, 0) == 0, "nothing has ended yet");
	check(raised() == 1, "an interrupt");
	check(call_host(ENDED, 0, 0, 0) == 1, "the route's eventfd hears of EOI");
	wrmsr(HV_EOM, 0);
	check(call_host(ENDED, 0, 0, 0) == 1, "and of EOM");
}

#else
#include <unistd.h>
#include <sys/eventfd.h>

#include "guest_test.h"

#define GSI	9

static unsigned int exits;
static int trigger, resample;

static void route(struct vm *vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} table = { .head.nr = 1 };
	struct kvm_irqfd irqfd = { .gsi = GSI, .flags = KVM_IRQFD_FLAG_RESAMPLE };

	hv_offer_synic(vm);
	table.entry.gsi = GSI;
	table.entry.type = KVM_IRQ_ROUTING_HV_SINT;
	table.entry.u.hv_sint.sint = 5;
	vm_ioctl(vm->fd, KVM_SET_GSI_ROUTING, &table, "SET_GSI_ROUTING");
	trigger = eventfd(0, 0);
	resample = eventfd(0, EFD_NONBLOCK);
	irqfd.fd = trigger;
	irqfd.resamplefd = resample;
	vm_ioctl(vm->fd, KVM_IRQFD, &irqfd, "IRQFD");
}

static void count_exits(struct vm *vm)
{
	exits = 0;
	hv_offer_synic(vm);
}

static void first_synic(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HYPERV_SYNIC };

	hv_offer(vm);
	vm_ioctl(vm->vcpu[0].fd, KVM_ENABLE_CAP, &cap, "ENABLE_CAP");
}

static bool synic_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	return run->exit_reason == KVM_EXIT_HYPERV && run->hyperv.type == KVM_EXIT_HYPERV_SYNIC;
}

/* The writes of userspace_hears, in order. */
static bool told_exit(struct vcpu *vcpu)
{
	static const struct {
		uint32_t msr;
		uint64_t control, events, messages;
	} rows[] = {
		{ HV_SCONTROL, 1, 0, 0 },
		{ HV_SIEFP, 1, GUEST_SCRATCH + 0x4001, 0 },
		{ HV_SIMP, 1, GUEST_SCRATCH + 0x4001, GUEST_SCRATCH + 0x5001 },
	};
	const struct kvm_hyperv_exit *exit = &vcpu->run->hyperv;

	if (!synic_exit(vcpu))
		return false;
	if (exits < 3)
		host_check(vcpu->vm, exit->u.synic.msr == rows[exits].msr &&
			   exit->u.synic.control == rows[exits].control &&
			   exit->u.synic.evt_page == rows[exits].events &&
			   exit->u.synic.msg_page == rows[exits].messages,
			   "userspace is told of register %#x", exit->u.synic.msr);
	exits++;
	return true;
}

static uint64_t answer(struct vcpu *vcpu, const uint64_t *args)
{
	uint64_t count = 1;

	switch (args[0]) {
	case RAISE:
		return write(trigger, &count, sizeof(count)) == sizeof(count);
	case ENDED:
		return read(resample, &count, sizeof(count)) == sizeof(count);
	default:
		return exits;
	}
}

const struct host_hook host_hooks[] = {
	{ .name = "not_enabled", .before = hv_offer },
	{ .name = "userspace_hears", .before = count_exits, .exit = told_exit, .call = answer },
	{ .name = "clears_pages", .before = first_synic, .exit = synic_exit },
	{ .name = HOOK_ANY, .before = route, .exit = synic_exit, .call = answer },
	{ 0 }
};
#endif /* GUEST */
