// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts between L1 and L2: the global interrupt flag, V_INTR_MASKING, the
 * virtual interrupt with its priority, V_TPR, NMI and INIT.
 * APM2 "Global Interrupt Flag", "Interrupt and Local APIC Support".
 */
#ifdef GUEST
#include "svm.h"
#include "apic.h"

#define GIF	"APM2 \"Global Interrupt Flag, STGI and CLGI Instructions\""
#define MASKING	"APM2 \"Virtualizing APIC.TPR, INTR Interrupt Masking in EFLAGS\""
#define VIRTUAL	"APM2 \"Injecting Virtual (INTR) Interrupts\""
#define TPR	"APM2 \"Virtualizing APIC.TPR\""

#define IRQ	0x61
#define VIRQ	0x71

struct l2_regs l2;

static void send_irq(void)
{
	apic_send(0, ICR_FIXED | ICR_ASSERT | IRQ);
}

static void send_nmi(void)
{
	apic_send(0, ICR_NMI | ICR_ASSERT);
}

/* VMRUN with GIF as it is and RFLAGS.IF set by the caller; GIF stays clear. */
static u64 vmrun_raw(bool irqs)
{
	asm volatile("clgi" : : : "memory");
	if (irqs)
		sti();
	asm volatile("push %%rbp\n\t"
		     "vmrun %%rax\n\t"
		     "pop %%rbp"
		     : : "a"(VMCB)
		     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
		       "r13", "r14", "r15", "cc", "memory");
	return VMCB->exit_code;
}

static void stgi(void)
{
	asm volatile("stgi" : : : "memory");
}

GUEST_CASE(gif_holds_interrupts, GIF, .flags = CASE_SVM | CASE_IRQCHIP)
{
	svm_on();
	apic_enable();
	asm volatile("clgi" : : : "memory");
	send_irq();
	open_window();
	check(!irq_count[IRQ], "no interrupt while GIF is clear");
	check(apic_bit(APIC_IRR, IRQ), "it is pending");
	sti();
	stgi();
	asm volatile("nop; nop" : : : "memory");
	cli();
	check(irq_count[IRQ] == 1, "it comes with STGI");
}

GUEST_CASE(gif_holds_nmis, GIF, .flags = CASE_SVM | CASE_IRQCHIP)
{
	svm_on();
	apic_enable();
	asm volatile("clgi" : : : "memory");
	send_nmi();
	send_nmi();
	delay(100);
	check(!irq_count[VEC_NMI], "no NMI while GIF is clear");
	stgi();
	check(wait_for(irq_count[VEC_NMI] == 1, 100000), "it comes with STGI");
	delay(100);
	check(irq_count[VEC_NMI] == 1, "and one alone of two");
}

L2_CODE(spins, "1: pause; cmpq $0, stop_spinning; je 1b; hlt");
volatile u64 stop_spinning;

GUEST_CASE(interrupt_exits, MASKING, .flags = CASE_SVM | CASE_IRQCHIP)
{
	vmcb_init(spins);
	apic_enable();
	want(I_INTR);
	want(I_HLT);
	VMCB->int_ctl = V_INTR_MASKING;
	send_irq();
	check(vmrun_raw(true) == EXIT_INTR, "an interrupt that L1's IF lets in (%lx)",
	      VMCB->exit_code);
	check(VMCB->rip == (u64)spins, "before L2 did anything");
	check(!irq_count[IRQ] && rflags() & RFLAGS_IF, "L1 has not taken it, with IF set");
	stgi();
	asm volatile("nop; nop" : : : "memory");
	cli();
	check(irq_count[IRQ] == 1, "STGI lets it in");
}

GUEST_CASE(host_if_masks, MASKING, .flags = CASE_SVM | CASE_IRQCHIP)
{
	vmcb_init(spins);
	apic_enable();
	want(I_INTR);
	want(I_HLT);
	VMCB->int_ctl = V_INTR_MASKING;
	VMCB->rflags |= RFLAGS_IF;
	stop_spinning = 1;
	send_irq();
	check(vmrun_raw(false) == EXIT_VMHLT, "with L1's IF clear L2 runs to its end (%lx)",
	      VMCB->exit_code);
	check(apic_bit(APIC_IRR, IRQ) && !irq_count[IRQ], "and nobody gets the interrupt");
	stgi();
	open_window();
	check(irq_count[IRQ] == 1, "until L1 sets IF");
}

GUEST_CASE(guest_if_masks, MASKING, .flags = CASE_SVM | CASE_IRQCHIP)
{
	vmcb_init(spins);
	apic_enable();
	want(I_INTR);
	want(I_HLT);
	stop_spinning = 1;
	send_irq();
	check(vmrun_raw(true) == EXIT_VMHLT, "without V_INTR_MASKING L2's IF counts (%lx)",
	      VMCB->exit_code);
	cli();
	VMCB->rip = (u64)spins;
	VMCB->rflags |= RFLAGS_IF;
	check(vmrun_raw(false) == EXIT_INTR, "and alone (%lx)", VMCB->exit_code);
	stgi();
	open_window();
	check(irq_count[IRQ] == 1, "the interrupt is L1's");
}

GUEST_CASE(not_intercepted, MASKING, .flags = CASE_SVM | CASE_IRQCHIP)
{
	vmcb_init(spins);
	apic_enable();
	want(I_HLT);
	stop_spinning = 1;
	VMCB->rflags |= RFLAGS_IF;
	send_irq();
	check(vmrun_raw(false) == EXIT_VMHLT, "an interrupt that L1 does not intercept (%lx)",
	      VMCB->exit_code);
	check(irq_count[IRQ] == 1, "is taken in L2");
	stgi();
}

/* V_INTR_MASKING: physical interrupts go by L1's RFLAGS.IF, also those that L2 takes. */
GUEST_CASE(not_intercepted_masking, MASKING, .flags = CASE_SVM | CASE_IRQCHIP)
{
	vmcb_init(spins);
	apic_enable();
	want(I_HLT);
	stop_spinning = 1;
	VMCB->int_ctl = V_INTR_MASKING;
	send_irq();
	check(vmrun_raw(true) == EXIT_VMHLT, "L1's IF set, L2's clear (%lx)", VMCB->exit_code);
	check(irq_count[IRQ] == 1, "L2 takes the interrupt (%u)", irq_count[IRQ]);
	cli();
	stgi();
	send_irq();
	VMCB->rip = (u64)spins;
	VMCB->rflags |= RFLAGS_IF;
	check(vmrun_raw(false) == EXIT_VMHLT, "the other way round (%lx)", VMCB->exit_code);
	check(irq_count[IRQ] == 1, "nobody takes it (%u)", irq_count[IRQ]);
	stgi();
	open_window();
	check(irq_count[IRQ] == 2, "before L1 sets IF (%u)", irq_count[IRQ]);
}

/* EVENTINJ does not ask whether L2 would let the interrupt in. */
GUEST_CASE(injected_while_masked, VIRTUAL, .flags = CASE_SVM)
{
	irq_eoi = false;
	vmcb_init(spins);
	want(I_HLT);
	stop_spinning = 1;
	VMCB->event_inj = EV_VALID | EV_INTR | VIRQ;
	run_to(EXIT_VMHLT, "an injected interrupt, L2's IF clear");
	check(irq_count[VIRQ] == 1, "is taken (%u)", irq_count[VIRQ]);
	VMCB->rip = (u64)spins;
	VMCB->int_state = 1;
	VMCB->event_inj = EV_VALID | EV_INTR | VIRQ;
	run_to(EXIT_VMHLT, "and in an interrupt shadow");
	check(irq_count[VIRQ] == 2, "too (%u)", irq_count[VIRQ]);
}

GUEST_CASE(nmi_exits, "APM2 \"NMI Support\"", .flags = CASE_SVM | CASE_IRQCHIP)
{
	vmcb_init(spins);
	apic_enable();
	want(I_NMI);
	asm volatile("clgi" : : : "memory");
	send_nmi();
	check(vmrun_raw(false) == EXIT_NMI, "an NMI (%lx)", VMCB->exit_code);
	check(!irq_count[VEC_NMI], "L1 has not taken it");
	stgi();
	check(wait_for(irq_count[VEC_NMI] == 1, 100000), "STGI lets it in");
}

L2_CODE(halts_closed, "hlt");
L2_CODE(opens, "sti; nop; nop; cli; hlt");

GUEST_CASE(virtual_interrupt, VIRTUAL, .flags = CASE_SVM)
{
	irq_eoi = false;
	vmcb_init(opens);
	want(I_HLT);
	VMCB->int_ctl = V_INTR_MASKING | V_IRQ | V_PRIO(7);
	VMCB->int_vector = VIRQ;
	run_to(EXIT_VMHLT, "a virtual interrupt");
	check(irq_count[VIRQ] == 1, "comes when L2 opens (%u)", irq_count[VIRQ]);
	check(!(VMCB->int_ctl & V_IRQ), "V_IRQ is clear (%x)", VMCB->int_ctl);
	VMCB->rip = (u64)halts_closed;
	VMCB->int_ctl |= V_IRQ;
	run_to(EXIT_VMHLT, "with IF clear all the time");
	check(irq_count[VIRQ] == 1 && VMCB->int_ctl & V_IRQ, "it stays pending");
}

GUEST_CASE(virtual_window, VIRTUAL, .flags = CASE_SVM)
{
	irq_eoi = false;
	vmcb_init(opens);
	want(I_HLT);
	want(I_VINTR);
	VMCB->int_ctl = V_INTR_MASKING | V_IRQ | V_PRIO(15);
	VMCB->int_vector = VIRQ;
	run_to(EXIT_VINTR, "with the intercept");
	check(VMCB->rip > (u64)opens, "L2 ran up to its STI at least");
	check(VMCB->rflags & RFLAGS_IF && VMCB->int_ctl & V_IRQ && !irq_count[VIRQ],
	      "it is still pending (%x)", VMCB->int_ctl);
	VMCB->int_ctl &= ~V_IRQ;
	VMCB->event_inj = EV_VALID | EV_INTR | VIRQ;
	run_to(EXIT_VMHLT, "and injected instead");
	check(irq_count[VIRQ] == 1, "is taken once");
}

L2_CODE(lowers, "mov $3, %eax; mov %rax, %cr8; mov %cr8, %rbx; sti; nop; cli; hlt");

GUEST_CASE(task_priority, TPR, .flags = CASE_SVM | CASE_IRQCHIP)
{
	irq_eoi = false;
	apic_enable();
	apic_write(APIC_TPR, 0x20);
	vmcb_init(opens);
	want(I_HLT);
	VMCB->int_ctl = V_INTR_MASKING | V_IRQ | V_PRIO(5) | 9;
	VMCB->int_vector = VIRQ;
	run_to(EXIT_VMHLT, "a virtual interrupt below V_TPR");
	check(!irq_count[VIRQ] && VMCB->int_ctl & V_IRQ, "waits");
	VMCB->rip = (u64)lowers;
	run_to(EXIT_VMHLT, "until L2 writes CR8");
	check(irq_count[VIRQ] == 1, "then it comes (%u)", irq_count[VIRQ]);
	check(l2.rbx == 3 && (VMCB->int_ctl & 0xf) == 3, "V_TPR is L2's CR8 (%x)",
	      VMCB->int_ctl);
	check(apic_read(APIC_TPR) == 0x20, "L1's is as it was (%x)", apic_read(APIC_TPR));
	VMCB->rip = (u64)opens;
	VMCB->int_ctl = V_INTR_MASKING | V_IRQ | V_IGN_TPR | 15;
	run_to(EXIT_VMHLT, "one that ignores V_TPR");
	check(irq_count[VIRQ] == 2, "comes at once");
}

GUEST_CASE(shared_task_priority, TPR, .flags = CASE_SVM | CASE_IRQCHIP)
{
	apic_enable();
	apic_write(APIC_TPR, 0x20);
	vmcb_init(lowers);
	want(I_HLT);
	run_to(EXIT_VMHLT, "without V_INTR_MASKING");
	check(apic_read(APIC_TPR) == 0x30, "CR8 is the local APIC's (%x)", apic_read(APIC_TPR));
}

L2_CODE(waits, "sti; hlt; mov $0x77, %ebx; cli; hlt");

/* HLT that L1 does not intercept: L2 sleeps until something is for it, or for L1. */
GUEST_CASE(sleeping, MASKING, .flags = CASE_SVM | CASE_IRQCHIP)
{
	vmcb_init(waits);
	apic_enable();
	want(I_INTR);
	VMCB->int_ctl = V_INTR_MASKING;
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, IRQ);
	apic_write(APIC_TIMER_INITIAL, 3000000);
	check(vmrun_raw(true) == EXIT_INTR, "a timer of L1 ends L2's sleep (%lx)",
	      VMCB->exit_code);
	stgi();
	asm volatile("nop; nop" : : : "memory");
	cli();
	check(irq_count[IRQ] == 1, "and is L1's");
}

static void end_l2(struct frame *frame)
{
	stop_spinning = 1;
}

/* VMRUN sets GIF, a VMEXIT clears it. */
GUEST_CASE(gif_and_vmrun, GIF, .flags = CASE_SVM | CASE_IRQCHIP)
{
	apic_enable();
	vmcb_init(spins);
	want(I_HLT);
	trap_hook[VEC_NMI] = end_l2;
	asm volatile("clgi" : : : "memory");
	send_nmi();
	check(vmrun_raw(false) == EXIT_VMHLT, "VMRUN sets GIF: the NMI comes in L2 (%lx)",
	      VMCB->exit_code);
	send_nmi();
	stop_spinning = 0;
	delay(100);
	check(!stop_spinning, "the exit clears it: L1 gets none");
	stgi();
	check(wait_for(stop_spinning, 100000), "but with STGI");
}
#else
#include "guest_test.h"
#endif
