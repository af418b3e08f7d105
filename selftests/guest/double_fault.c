// SPDX-License-Identifier: GPL-2.0-only
/*
 * A second fault while the first is delivered: serial, double fault or, when
 * #DF itself cannot be delivered, shutdown. SDM3 "Conditions for Generating a
 * Double Fault" has the table of which is which.
 */
#ifdef GUEST
#include "guest.h"

#define NONCANONICAL	0x8000000000000000ul
#define PAGE		(GUEST_SCRATCH + 0x200000ul)
#define NO_DF		"#NP instead of #DF for a gate that is not present"
#define TABLE		"SDM3 \"Conditions for Generating a Double Fault\""

/* Contributory after contributory. */
GUEST_CASE(gp_then_np, TABLE)
{
	extern const u8 at_gp[];

	if (emulator_fault(HOST_SVM, NO_DF))
		return;
	set_gate(VEC_GP, 0, 0, 0);
	set_ist(VEC_DF, 1);
	PROBE(".globl at_gp; at_gp: movb (%0), %%al", : : "r"(NONCANONICAL)
	      : "memory", "rax");
	check_trap(VEC_DF, 0, "#GP whose gate is not present is #DF(0)");
	note("saved RIP %lx, fault at %lx", trap.rip, (u64)at_gp);
}

GUEST_CASE(de_then_np, TABLE)
{
	if (emulator_fault(HOST_SVM, NO_DF))
		return;
	set_gate(VEC_DE, 0, 0, 0);
	set_ist(VEC_DF, 1);
	PROBE("divl %1", : : "a"(1), "r"(0), "d"(0) : "memory");
	check_trap(VEC_DF, 0, "#DE whose gate is not present is #DF(0)");
}

/* Benign first: the second is delivered as itself. */
GUEST_CASE(ud_then_np, TABLE)
{
	set_gate(VEC_UD, 0, 0, 0);
	PROBE("ud2", : : : "memory");
	check(trap.vector == VEC_NP, "#UD whose gate is not present is #NP (%lu)",
	      trap.vector);
	if (emulator_fault(HOST_SVM, "error code has 16, not 8, times the vector"))
		return;
	check(trap.error == (VEC_UD * 8 | 3), "its error code has IDT and EXT (%lx)",
	      trap.error);
}

GUEST_CASE(pf_then_np, TABLE)
{
	u64 *entry = split_page(PAGE);

	if (emulator_fault(HOST_SVM, NO_DF))
		return;
	*entry = 0;
	invlpg(PAGE);
	set_gate(VEC_PF, 0, 0, 0);
	set_ist(VEC_DF, 1);
	PROBE("movb (%0), %%al", : : "r"(PAGE) : "memory", "rax");
	check_trap(VEC_DF, 0, "#PF whose gate is not present is #DF(0)");
}

/* The handler's stack is not mapped: page fault in the delivery of a page fault. */
GUEST_CASE(pf_then_pf, TABLE)
{
	u64 *entry = split_page(PAGE);

	*entry = 0;
	invlpg(PAGE);
	set_ist(VEC_DF, 1);
	PROBE("mov %0, %%rsp; add $0x800, %%rsp; push %%rax", : : "r"(PAGE) : "memory");
	check_trap(VEC_DF, 0, "#PF on an unmapped stack is #DF(0)");
	check(READ_CR(2) >> 12 == PAGE >> 12, "CR2 is the address (%lx)", READ_CR(2));
}

/* #GP first, then a page fault on the handler's stack: serial. */
GUEST_CASE(gp_then_pf, TABLE)
{
	u64 *entry = split_page(PAGE);

	*entry = 0;
	invlpg(PAGE);
	set_ist(VEC_PF, 1);
	PROBE("mov %0, %%rsp; add $0x800, %%rsp; movb (%1), %%al", : : "r"(PAGE),
	      "r"(NONCANONICAL) : "memory", "rax");
	check(trap.vector == VEC_PF, "#GP, then #PF in its delivery, is #PF (%lu)",
	      trap.vector);
}

static void unmapped_idt(void)
{
	struct { u16 limit; u64 base; } __attribute__((packed)) idt = { 0, 0 };

	asm volatile("lidt %0" : : "m"(idt));
}

GUEST_CASE(no_idt, "SDM3 \"Interrupt 8-Double Fault Exception (#DF)\"",
	   .ends = EXIT_SHUTDOWN)
{
	check(true, "an IDT without gates is loaded");
	unmapped_idt();
	asm volatile("ud2");
	check(false, "UD2 without an IDT is survived");
}

GUEST_CASE(df_gate_missing, "SDM3 \"Interrupt 8-Double Fault Exception (#DF)\"",
	   .ends = EXIT_SHUTDOWN)
{
	set_gate(VEC_GP, 0, 0, 0);
	set_gate(VEC_DF, 0, 0, 0);
	check(true, "neither #GP nor #DF has a gate");
	asm volatile("movb (%0), %%al" : : "r"(NONCANONICAL) : "rax", "memory");
	check(false, "a fault without #GP and #DF is survived");
}

GUEST_CASE(df_on_bad_stack, "SDM3 \"Interrupt 8-Double Fault Exception (#DF)\"",
	   .ends = EXIT_SHUTDOWN)
{
	u64 *entry = split_page(PAGE);

	*entry = 0;
	invlpg(PAGE);
	check(true, "#DF uses the same unmapped stack");
	asm volatile("mov %0, %%rsp; push %%rax" : : "r"(PAGE + 0x800) : "memory");
	finish();
}
#endif /* GUEST */
