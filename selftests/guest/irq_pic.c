// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8259A pair: vectors, masks, priorities, level and edge, special cases.
 * Intel 8259A data sheet; SDM3 "Interrupt Control" for LINT0 as ExtINT.
 */
#ifdef GUEST
#include "apic.h"

#define SHEET		"8259A data sheet, \"Interrupt Sequence\""
#define MASTER_BASE	0x30
#define SLAVE_BASE	0x38
#define LINE(gsi, level) call_host(0, gsi, level, 0)
#define EOI		0x20

static void start(u8 master_mask, u8 slave_mask)
{
	pic_start(MASTER_BASE, SLAVE_BASE, master_mask, slave_mask);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_LVT_LINT0, ICR_EXTINT);
}

GUEST_CASE(vector_and_eoi, SHEET, .flags = CASE_IRQCHIP)
{
	start(0, 0);
	LINE(3, 1);
	check(pic_irr(PIC_MASTER) & 8, "IRR shows line 3");
	open_window();
	check(irq_count[MASTER_BASE + 3] == 1, "line 3 comes at base + 3");
	check(pic_isr(PIC_MASTER) == 8, "it is in service");
	LINE(3, 0);
	LINE(3, 1);
	open_window();
	check(irq_count[MASTER_BASE + 3] == 1, "no second one before EOI");
	outb(PIC_MASTER, EOI);
	open_window();
	check(irq_count[MASTER_BASE + 3] == 2, "EOI lets the next edge in");
	LINE(3, 0);
}

GUEST_CASE(mask, SHEET, .flags = CASE_IRQCHIP)
{
	start(0xff, 0xff);
	LINE(4, 1);
	open_window();
	check(!irq_total, "a masked line stays out");
	outb(PIC_MASTER + 1, 0xef);
	open_window();
	check(irq_count[MASTER_BASE + 4] == 1, "unmasking lets the latched edge in");
	check(inb(PIC_MASTER + 1) == 0xef, "the mask reads back");
	LINE(4, 0);
}

GUEST_CASE(priority, SHEET, .flags = CASE_IRQCHIP)
{
	start(0, 0);
	LINE(5, 1);
	LINE(3, 1);
	asm volatile("sti; nop; nop; nop; nop; cli" : : : "memory");
	check(irq_order[0] == MASTER_BASE + 3, "line 3 before line 5 (%x)", irq_order[0]);
	check(irq_total == 1, "line 5 waits for the EOI of line 3");
	LINE(1, 1);
	open_window();
	check(irq_total == 2 && irq_order[1] == MASTER_BASE + 1, "line 1 nests into line 3");
	outb(PIC_MASTER, EOI);
	outb(PIC_MASTER, EOI);
	open_window();
	check(irq_total == 3 && irq_order[2] == MASTER_BASE + 5, "then line 5");
}

GUEST_CASE(slave, "8259A data sheet, \"Cascade Mode\"", .flags = CASE_IRQCHIP)
{
	start(0, 0);
	LINE(10, 1);
	open_window();
	check(irq_count[SLAVE_BASE + 2] == 1, "line 10 comes from the slave");
	check(pic_isr(PIC_MASTER) == 4 && pic_isr(PIC_SLAVE) == 4,
	      "both are in service (%x, %x)", pic_isr(PIC_MASTER), pic_isr(PIC_SLAVE));
	outb(PIC_SLAVE, EOI);
	outb(PIC_MASTER, EOI);
	check(!pic_isr(PIC_MASTER) && !pic_isr(PIC_SLAVE), "both EOIs");
}

GUEST_CASE(level, "8259A data sheet, \"Level Triggered Mode\"", .flags = CASE_IRQCHIP)
{
	start(0, 0);
	outb(0x4d0, 1 << 5);
	check(inb(0x4d0) == 1 << 5, "ELCR reads back");
	LINE(5, 1);
	open_window();
	outb(PIC_MASTER, EOI);
	open_window();
	check(irq_count[MASTER_BASE + 5] == 2, "a level still high comes again (%u)",
	      irq_count[MASTER_BASE + 5]);
	LINE(5, 0);
	outb(PIC_MASTER, EOI);
	open_window();
	check(irq_count[MASTER_BASE + 5] == 2, "and not when it is low");
}

GUEST_CASE(lint0_masked, "SDM3 \"Local Vector Table\"", .flags = CASE_IRQCHIP)
{
	start(0, 0);
	apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED | ICR_EXTINT);
	LINE(3, 1);
	open_window();
	check(!irq_total, "LINT0 masked keeps the PIC away");
	apic_write(APIC_LVT_LINT0, ICR_EXTINT);
	open_window();
	check(irq_total == 1, "LINT0 unmasked lets it in");
}

#else /* host half */
#include "guest_test.h"

static uint64_t line(struct vcpu *vcpu, const uint64_t *args)
{
	vm_irq_line(vcpu->vm, args[1], args[2]);
	return 0;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .call = line }, { 0 }
};
#endif /* GUEST */
