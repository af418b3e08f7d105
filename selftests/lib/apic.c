// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programming of the interrupt controllers, for the guest half. The local
 * APIC's mode is looked up each time, so a test can change it.
 */
#include "apic.h"

static bool is_x2apic(void)
{
	return rdmsr(MSR_APICBASE) & APICBASE_X2APIC;
}

/** apic_read() - a register of the local APIC */
u32 apic_read(u32 offset)
{
	if (is_x2apic())
		return rdmsr(MSR_X2APIC + offset / 16);
	return mmio_read(APIC_BASE + offset);
}

/** apic_write() - a register of the local APIC */
void apic_write(u32 offset, u32 value)
{
	if (is_x2apic())
		wrmsr(MSR_X2APIC + offset / 16, value);
	else
		mmio_write(APIC_BASE + offset, value);
}

/** apic_bit() - one vector's bit in IRR, ISR or TMR */
bool apic_bit(u32 base, unsigned int vector)
{
	return apic_read(base + vector / 32 * 16) >> (vector % 32) & 1;
}

/** apic_enable() - software-enable, accept everything, EOI what is counted */
void apic_enable(void)
{
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_TPR, 0);
	irq_eoi = true;
}

/** apic_enable_x2() - switch to x2APIC mode and enable */
void apic_enable_x2(void)
{
	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_ENABLE | APICBASE_X2APIC);
	apic_enable();
}

/** apic_eoi() - end of the interrupt in service */
void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/** apic_send() - an interprocessor interrupt */
void apic_send(u32 destination, u32 command)
{
	if (is_x2apic()) {
		wrmsr(MSR_X2APIC + APIC_ICR / 16, command | (u64)destination << 32);
		return;
	}
	mmio_write(APIC_BASE + APIC_ICR_HIGH, destination << 24);
	mmio_write(APIC_BASE + APIC_ICR, command);
}

/** ioapic_read() - a register behind the I/O APIC's index */
u32 ioapic_read(u32 index)
{
	mmio_write(IOAPIC_BASE, index);
	return mmio_read(IOAPIC_BASE + 0x10);
}

/** ioapic_write() - a register behind the I/O APIC's index */
void ioapic_write(u32 index, u32 value)
{
	mmio_write(IOAPIC_BASE, index);
	mmio_write(IOAPIC_BASE + 0x10, value);
}

/** ioapic_route() - a redirection entry; masked while it changes */
void ioapic_route(unsigned int pin, u32 low, u32 destination)
{
	ioapic_write(IOAPIC_ENTRY(pin), IOAPIC_MASKED);
	ioapic_write(IOAPIC_ENTRY(pin) + 1, destination << 24);
	ioapic_write(IOAPIC_ENTRY(pin), low);
}

/** pic_start() - initialise both 8259As as a PC has them */
void pic_start(u8 master_base, u8 slave_base, u8 master_mask, u8 slave_mask)
{
	outb(PIC_MASTER, 0x11);
	outb(PIC_MASTER + 1, master_base);
	outb(PIC_MASTER + 1, 4);
	outb(PIC_MASTER + 1, 1);
	outb(PIC_SLAVE, 0x11);
	outb(PIC_SLAVE + 1, slave_base);
	outb(PIC_SLAVE + 1, 2);
	outb(PIC_SLAVE + 1, 1);
	outb(PIC_MASTER + 1, master_mask);
	outb(PIC_SLAVE + 1, slave_mask);
}

/** pic_irr() - requests of one 8259A */
u8 pic_irr(u16 base)
{
	outb(base, 0x0a);
	return inb(base);
}

/** pic_isr() - what one 8259A has in service */
u8 pic_isr(u16 base)
{
	outb(base, 0x0b);
	return inb(base);
}
