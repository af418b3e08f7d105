// SPDX-License-Identifier: GPL-2.0-only
/*
 * Priorities in the local APIC: IRR before ISR, classes of 16 vectors, TPR,
 * PPR and CR8. SDM3 "Task and Processor Priorities".
 */
#ifdef GUEST
#include "apic.h"

#define SECTION		"SDM3 \"Task and Processor Priorities\""

static void self(unsigned int vector)
{
	apic_send(0, ICR_FIXED | ICR_ASSERT | ICR_SELF | vector);
}

static void wide_window(void)
{
	asm volatile("sti; nop; nop; nop; nop; nop; nop; cli" : : : "memory");
}

GUEST_CASE(highest_first, SECTION, .flags = CASE_IRQCHIP)
{
	apic_enable();
	self(0x41);
	self(0x81);
	self(0x61);
	self(0x62);
	wide_window();
	check(irq_total == 4, "all four arrive (%u)", irq_total);
	check(irq_order[0] == 0x81 && irq_order[1] == 0x62 && irq_order[2] == 0x61 &&
	      irq_order[3] == 0x41, "highest vector first");
}

GUEST_CASE(in_service, SECTION, .flags = CASE_IRQCHIP)
{
	apic_enable();
	irq_eoi = false;
	self(0x62);
	open_window();
	check(apic_bit(APIC_ISR, 0x62), "0x62 is in service");
	check(apic_read(APIC_PPR) == 0x60, "PPR is its class (%x)", apic_read(APIC_PPR));
	self(0x6f);
	self(0x41);
	wide_window();
	check(irq_total == 1, "same class and lower wait");
	check(apic_bit(APIC_IRR, 0x6f) && apic_bit(APIC_IRR, 0x41), "they are in IRR");
	self(0x70);
	open_window();
	check(irq_total == 2 && irq_order[1] == 0x70, "a higher class nests");
	apic_eoi();
	check(apic_bit(APIC_ISR, 0x62) && !apic_bit(APIC_ISR, 0x70), "EOI ends the highest");
	apic_eoi();
	open_window();
	check(irq_total == 3 && irq_order[2] == 0x6f, "then what waited");
	apic_eoi();
	open_window();
	apic_eoi();
	check(irq_total == 4 && apic_read(APIC_PPR) == 0, "and all is done");
}

GUEST_CASE(task_priority, SECTION, .flags = CASE_IRQCHIP)
{
	apic_enable();
	apic_write(APIC_TPR, 0x55);
	check(apic_read(APIC_TPR) == 0x55 && apic_read(APIC_PPR) == 0x55,
	      "PPR is TPR with nothing in service (%x)", apic_read(APIC_PPR));
	check(READ_CR(8) == 5, "CR8 is TPR's class (%lu)", READ_CR(8));
	self(0x5f);
	self(0x60);
	wide_window();
	check(irq_total == 1 && irq_order[0] == 0x60, "class 5 waits, class 6 does not");
	WRITE_CR(8, 4);
	check(apic_read(APIC_TPR) == 0x40, "CR8 writes TPR (%x)", apic_read(APIC_TPR));
	open_window();
	check(irq_total == 2 && irq_order[1] == 0x5f, "a lower CR8 lets class 5 in");
}

/* With IF=1 already, the write itself must let the interrupt in. */
GUEST_CASE(lowered_with_if_set, SECTION, .flags = CASE_IRQCHIP)
{
	u32 after;

	apic_enable();
	WRITE_CR(8, 15);
	self(0x91);
	sti();
	check(!irq_total, "CR8 15 holds back everything");
	WRITE_CR(8, 0);
	barrier();
	after = irq_total;
	cli();
	check(after == 1, "CR8 0 lets it in at once");
	apic_write(APIC_TPR, 0xf0);
	self(0x92);
	sti();
	check(irq_total == 1, "TPR 0xf0 holds back everything");
	apic_write(APIC_TPR, 0);
	barrier();
	after = irq_total;
	cli();
	check(after == 2, "TPR 0 lets it in at once");
}

/* An interrupt is deliverable but for IF, so that we wait for IF; CR8 goes on meanwhile. */
GUEST_CASE(changed_while_one_waits, SECTION, .flags = CASE_IRQCHIP)
{
	unsigned long cr8;

	apic_enable();
	self(0x91);
	for (cr8 = 0; cr8 < 16; cr8++) {
		WRITE_CR(8, cr8);
		check(READ_CR(8) == cr8, "CR8 is %lu (%lu)", cr8, READ_CR(8));
	}
	open_window();
	check(!irq_total, "CR8 15 holds back everything");
	WRITE_CR(8, 0);
	self(0xa1);
	WRITE_CR(8, 9);
	open_window();
	check(irq_total == 1 && irq_order[0] == 0xa1, "class 10 passes CR8 9, class 9 waits");
	WRITE_CR(8, 8);
	open_window();
	check(irq_total == 2 && irq_order[1] == 0x91, "CR8 8 lets it in");
}

GUEST_CASE(software_disable, "SDM3 \"Local APIC State After It Has Been Software Disabled\"",
	   .flags = CASE_IRQCHIP)
{
	apic_enable();
	apic_write(APIC_LVT_TIMER, 0x40);
	apic_write(APIC_SPIV, 0xff);
	check(apic_read(APIC_LVT_TIMER) & APIC_LVT_MASKED, "LVT entries become masked");
	apic_write(APIC_LVT_TIMER, 0x40);
	check(apic_read(APIC_LVT_TIMER) & APIC_LVT_MASKED, "and cannot be unmasked");
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_LVT_TIMER, 0x40);
	check(!(apic_read(APIC_LVT_TIMER) & APIC_LVT_MASKED), "until it is enabled");
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
}

GUEST_CASE(illegal_vector, "SDM3 \"Error Handling\"", .flags = CASE_IRQCHIP)
{
	apic_enable();
	apic_write(APIC_ESR, 0);
	self(5);
	apic_write(APIC_ESR, 0);
	check(apic_read(APIC_ESR) & 0x60, "ESR tells of a vector below 16 (%x)",
	      apic_read(APIC_ESR));
	open_window();
	check(!irq_total, "it is not delivered");
}
#endif /* GUEST */
