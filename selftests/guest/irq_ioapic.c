// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC: edge and level pins, remote IRR, EOI, masks, destinations.
 * 82093AA data sheet, "I/O Redirection Table Registers".
 */
#ifdef GUEST
#include "apic.h"

#define SHEET		"82093AA data sheet, \"I/O Redirection Table Registers\""
#define PIN		11
#define VECTOR		0x51
#define LINE(gsi, level) call_host(0, gsi, level, 0)

static volatile bool no_eoi;

static void handler(struct frame *frame)
{
	irq_count[frame->vector]++;
	if (!no_eoi)
		apic_eoi();
}

static void start(u32 bits)
{
	/* Nothing may come from the PICs. */
	outb(PIC_MASTER + 1, 0xff);
	outb(PIC_SLAVE + 1, 0xff);
	apic_enable();
	trap_hook[VECTOR] = handler;
	ioapic_route(PIN, VECTOR | bits, 0);
}

GUEST_CASE(registers, SHEET, .flags = CASE_IRQCHIP)
{
	u32 version = ioapic_read(IOAPIC_VERSION);

	check((version >> 16 & 0xff) == 23, "24 pins (version %x)", version);
	ioapic_write(IOAPIC_ID, 0x05000000);
	check((ioapic_read(IOAPIC_ID) >> 24 & 0xf) == 5, "the ID reads back");
	ioapic_route(PIN, IOAPIC_MASKED | IOAPIC_LEVEL | IOAPIC_LOW | 0x77, 3);
	check(ioapic_read(IOAPIC_ENTRY(PIN)) ==
	      (IOAPIC_MASKED | IOAPIC_LEVEL | IOAPIC_LOW | 0x77), "an entry reads back");
	check(ioapic_read(IOAPIC_ENTRY(PIN) + 1) == 3u << 24, "its destination too");
	ioapic_write(IOAPIC_ENTRY(PIN), IOAPIC_MASKED | IOAPIC_PENDING | IOAPIC_REMOTE_IRR);
	check(!(ioapic_read(IOAPIC_ENTRY(PIN)) & (IOAPIC_PENDING | IOAPIC_REMOTE_IRR)),
	      "status bits cannot be written");
}

GUEST_CASE(edge, SHEET, .flags = CASE_IRQCHIP)
{
	start(0);
	LINE(PIN, 1);
	open_window();
	check(irq_count[VECTOR] == 1, "a rising edge arrives");
	LINE(PIN, 1);
	open_window();
	check(irq_count[VECTOR] == 1, "a line that stays high is no edge");
	LINE(PIN, 0);
	open_window();
	check(irq_count[VECTOR] == 1, "nor is a falling one");
	LINE(PIN, 1);
	open_window();
	check(irq_count[VECTOR] == 2, "the next rise is");
	check(!apic_bit(APIC_TMR, VECTOR), "TMR says edge");
	LINE(PIN, 0);
}

GUEST_CASE(level, SHEET, .flags = CASE_IRQCHIP)
{
	start(IOAPIC_LEVEL);
	no_eoi = true;
	LINE(PIN, 1);
	open_window();
	check(irq_count[VECTOR] == 1, "a high line arrives");
	check(ioapic_read(IOAPIC_ENTRY(PIN)) & IOAPIC_REMOTE_IRR, "remote IRR is set");
	check(apic_bit(APIC_TMR, VECTOR), "TMR says level");
	check(apic_bit(APIC_ISR, VECTOR), "ISR has it");
	LINE(PIN, 0);
	apic_eoi();
	check(!(ioapic_read(IOAPIC_ENTRY(PIN)) & IOAPIC_REMOTE_IRR), "EOI clears remote IRR");
	open_window();
	check(irq_count[VECTOR] == 1, "no more with a low line");
}

GUEST_CASE(level_again, SHEET, .flags = CASE_IRQCHIP)
{
	start(IOAPIC_LEVEL);
	no_eoi = true;
	LINE(PIN, 1);
	open_window();
	apic_eoi();
	open_window();
	check(irq_count[VECTOR] == 2, "still high at EOI: it comes again (%u)",
	      irq_count[VECTOR]);
	LINE(PIN, 0);
	apic_eoi();
	open_window();
	check(irq_count[VECTOR] == 2, "low at EOI: it does not");
}

GUEST_CASE(mask, SHEET, .flags = CASE_IRQCHIP)
{
	start(IOAPIC_MASKED | IOAPIC_LEVEL);
	LINE(PIN, 1);
	open_window();
	check(!irq_count[VECTOR], "a masked pin is silent");
	ioapic_write(IOAPIC_ENTRY(PIN), VECTOR | IOAPIC_LEVEL);
	no_eoi = true;
	open_window();
	check(irq_count[VECTOR] == 1, "a level that is high when unmasked arrives");
	LINE(PIN, 0);
	apic_eoi();
}

GUEST_CASE(logical_destination, "SDM3 \"Logical Destination Mode\"", .flags = CASE_IRQCHIP)
{
	start(0);
	apic_write(APIC_DFR, APIC_DFR_FLAT);
	apic_write(APIC_LDR, 0x20000000);
	ioapic_route(PIN, VECTOR | IOAPIC_LOGICAL, 0x21);
	LINE(PIN, 1);
	open_window();
	check(irq_count[VECTOR] == 1, "flat: one of the bits is ours");
	LINE(PIN, 0);
	ioapic_route(PIN, VECTOR | IOAPIC_LOGICAL, 0x5f);
	LINE(PIN, 1);
	open_window();
	check(irq_count[VECTOR] == 1, "flat: none of the bits is ours");
	LINE(PIN, 0);
}

GUEST_CASE(nmi_delivery, SHEET, .flags = CASE_IRQCHIP)
{
	start(0);
	ioapic_route(PIN, ICR_NMI, 0);
	LINE(PIN, 1);
	check(wait_for(irq_count[VEC_NMI] == 1, 100000), "delivery mode NMI");
	LINE(PIN, 0);
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
