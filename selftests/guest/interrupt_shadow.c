// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction behind STI or a load of SS runs before a pending interrupt
 * is delivered. SDM3 "Masking Exceptions and Interrupts When Switching
 * Stacks", SDM2 "STI-Set Interrupt Flag".
 */
#ifdef GUEST
#include "apic.h"

#define VECTOR		0x40
#define RESCUE		0x30

static volatile u64 seen_rip;

static void handler(struct frame *frame)
{
	seen_rip = frame->rip;
	irq_count[VECTOR]++;
	apic_eoi();
}

static void make_pending(void)
{
	apic_enable();
	trap_hook[VECTOR] = handler;
	irq_count[VECTOR] = 0;
	seen_rip = 0;
	apic_send(0, ICR_FIXED | ICR_ASSERT | ICR_SELF | VECTOR);
	check(apic_bit(APIC_IRR, VECTOR), "an interrupt waits in IRR");
	check(!irq_count[VECTOR], "IF=0 holds it back");
}

/*
 * VMRUN of QEMU 7.2 TCG ignores INTERRUPT_SHADOW: an exit right behind STI
 * loses it. That is rare, so there a few attempts are granted.
 */
static u32 attempts(void)
{
	return params()->host == HOST_SVM ? 4 : 1;
}

/* So that a HLT that its interrupt did not end is left at all. */
static void start_rescue(void)
{
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, APIC_TIMER_PERIODIC | RESCUE);
	apic_write(APIC_TIMER_INITIAL, 50000000);
}

GUEST_CASE(sti_shadow, "SDM2 \"STI-Set Interrupt Flag\"", .flags = CASE_IRQCHIP)
{
	extern const u8 behind_one[];

	u32 left = attempts();

	do {
		make_pending();
		asm volatile("sti; nop; .globl behind_one; behind_one: nop; cli" : : : "memory");
	} while (seen_rip != (u64)behind_one && --left);
	check(irq_count[VECTOR] == 1, "delivered");
	check(seen_rip == (u64)behind_one, "behind the instruction after STI (%lx)", seen_rip);
}

GUEST_CASE(sti_cli, "SDM2 \"STI-Set Interrupt Flag\"", .flags = CASE_IRQCHIP)
{
	u32 left = attempts();

	do {
		make_pending();
		asm volatile("sti; cli; nop; nop" : : : "memory");
	} while (irq_count[VECTOR] && --left);
	check(!irq_count[VECTOR], "STI; CLI leaves no room for an interrupt");
	open_window();
	check(irq_count[VECTOR] == 1, "it is not lost");
}

GUEST_CASE(sti_hlt, "SDM2 \"STI-Set Interrupt Flag\"", .flags = CASE_IRQCHIP)
{
	extern const u8 behind_halt[];

	u32 left = attempts();

	do {
		make_pending();
		start_rescue();
		asm volatile("sti; hlt; .globl behind_halt; behind_halt: cli" : : : "memory");
	} while (seen_rip != (u64)behind_halt && --left);
	check(irq_count[VECTOR] == 1 && seen_rip == (u64)behind_halt,
	      "STI; HLT: the interrupt ends the halt");
}

/* With an exit on the instruction in the shadow, the shadow ends with it. */
GUEST_CASE(sti_exit, "SDM2 \"STI-Set Interrupt Flag\"", .flags = CASE_IRQCHIP)
{
	extern const u8 behind_cpuid[];

	u32 left = attempts();

	do {
		make_pending();
		asm volatile("xor %%eax, %%eax; sti; cpuid\n"
			     ".globl behind_cpuid; behind_cpuid: nop; cli"
			     : : : "memory", "rax", "rbx", "rcx", "rdx");
	} while (seen_rip != (u64)behind_cpuid && --left);
	check(irq_count[VECTOR] == 1 && seen_rip == (u64)behind_cpuid,
	      "STI; CPUID: delivered right behind CPUID (%lx)", seen_rip);
}

GUEST_CASE(ss_shadow, "SDM3 \"Masking Exceptions and Interrupts When Switching Stacks\"",
	   .flags = CASE_IRQCHIP)
{
	extern const u8 after_ss[];

	if (emulator_fault(HOST_SVM, "no shadow of STI before MOV SS"))
		return;
	make_pending();
	/*
	 * Of two shadows in a row only the first is guaranteed.  The first load
	 * of SS brings the GDT's page in: Bochs 2.7 loses the shadow of STI when
	 * the instruction in it exits by a fault.
	 */
	asm volatile("mov %%ss, %%ecx; mov %%ecx, %%ss; nop; sti; mov %%ecx, %%ss\n"
		     "nop; .globl after_ss; after_ss: cli"
		     : : : "memory", "rcx", "cc");
	check(irq_count[VECTOR] == 1, "delivered");
	check(seen_rip == (u64)after_ss || seen_rip == (u64)after_ss - 1,
	      "not before MOV SS (%lx, MOV ends at %lx)", seen_rip, (u64)after_ss - 1);
}

GUEST_CASE(popf_no_shadow, "SDM2 \"POPF-Pop Stack Into FLAGS Register\"",
	   .flags = CASE_IRQCHIP)
{
	extern const u8 behind_popf[];

	make_pending();
	asm volatile("pushfq; orl $0x200, (%%rsp); popfq; .globl behind_popf\n"
		     "behind_popf: nop; cli" : : : "memory", "cc");
	check(irq_count[VECTOR] == 1 && seen_rip == (u64)behind_popf,
	      "POPF: delivered right behind it (%lx)", seen_rip);
}
#endif /* GUEST */
