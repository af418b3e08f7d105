// SPDX-License-Identifier: GPL-2.0-only
/*
 * Non-maskable interrupts: delivered whatever IF says, held back by their own
 * handler until IRET, one of them latched meanwhile. SDM3 "Nonmaskable
 * Interrupt (NMI)", "Handling Multiple NMIs".
 */
#ifdef GUEST
#include "apic.h"

#define HANDLING	"SDM3 \"Handling Multiple NMIs\""
#define NMI_SELF	(ICR_NMI | ICR_ASSERT)

static volatile u32 depth, deepest, entered;
static volatile u32 inside;

static void send_self(void)
{
	apic_send(0, NMI_SELF);
}

GUEST_CASE(delivered_with_if_clear, "SDM3 \"Nonmaskable Interrupt (NMI)\"",
	   .flags = CASE_IRQCHIP)
{
	apic_enable();
	send_self();
	check(wait_for(irq_count[VEC_NMI] == 1, 100000), "an NMI arrives with IF=0");
	send_self();
	check(wait_for(irq_count[VEC_NMI] == 2, 100000), "and another after its IRET");
}

static void nested_handler(struct frame *frame)
{
	entered++;
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (entered == 1) {
		send_self();
		delay(200);
		inside = entered;
		send_self();
		delay(200);
	}
	depth--;
}

GUEST_CASE(masked_until_iret, HANDLING, .flags = CASE_IRQCHIP)
{
	apic_enable();
	trap_hook[VEC_NMI] = nested_handler;
	send_self();
	check(wait_for(entered >= 2, 100000), "the second NMI comes after the first");
	delay(500);
	check(inside == 1 && deepest == 1, "it does not interrupt the handler");
	check(entered == 2, "of two sent meanwhile, one is latched (%u entries)", entered);
}

static volatile u64 halted_rip;

static void halt_handler(struct frame *frame)
{
	halted_rip = frame->rip;
	entered++;
}

static volatile bool ready;

static void send_when_halted(void)
{
	wait_open(ready, 1000000);
	delay(3000);
	apic_send(0, NMI_SELF);
}

GUEST_CASE(wakes_hlt, "SDM2 \"HLT-Halt\"", .flags = CASE_IRQCHIP, .cpus = 2,
	   .ap = send_when_halted)
{
	extern const u8 behind_hlt[];

	trap_hook[VEC_NMI] = halt_handler;
	ready = true;
	asm volatile("hlt; .globl behind_hlt; behind_hlt:" : : : "memory");
	check(entered == 1, "HLT with IF=0 ends by an NMI");
	check(halted_rip == (u64)behind_hlt, "its RIP is behind HLT");
}

/* The exception in the handler ends with an IRET, which unmasks: the manual says so. */
static void faulting_handler(struct frame *frame)
{
	entered++;
	if (entered > 1)
		return;
	send_self();
	delay(200);
	inside = entered;
	asm volatile("int3");
	wait_for(entered > 1, 100000);
}

static void ignore(struct frame *frame)
{
}

GUEST_CASE(inner_iret_unmasks, HANDLING, .flags = CASE_IRQCHIP)
{
	apic_enable();
	trap_hook[VEC_NMI] = faulting_handler;
	trap_hook[VEC_BP] = ignore;
	send_self();
	wait_for(entered >= 2, 100000);
	check(inside == 1, "masked before the inner IRET");
	check(entered == 2, "the IRET of #BP inside the handler unmasks (%u)", entered);
}

GUEST_CASE(from_userspace, "SDM3 \"Nonmaskable Interrupt (NMI)\"")
{
	call_host(1, 0, 0, 0);
	check(wait_for(irq_count[VEC_NMI] == 1, 1000), "KVM_NMI without an APIC arrives");
}

#else /* host half */
#include "guest_test.h"

static uint64_t send_now(struct vcpu *vcpu, const uint64_t *args)
{
	(void)args;
	return vm_ioctl(vcpu->fd, KVM_NMI, NULL, "NMI");
}

const struct host_hook host_hooks[] = {
	{ .name = "from_userspace", .call = send_now },
	{ 0 }
};
#endif /* GUEST */
