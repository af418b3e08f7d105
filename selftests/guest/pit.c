// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254: channel 0 interrupts, channel 2 can be gated and read back.
 * Intel 8254 data sheet, "Mode Definitions" and "Read-Back Command".
 */
#ifdef GUEST
#include "apic.h"

#define MODES		"8254 data sheet, \"Mode Definitions\""
#define READ_BACK	"8254 data sheet, \"Read-Back Command\""
#define PIT_DATA(c)	(0x40 + (c))
#define PIT_COMMAND	0x43
#define PORT_B		0x61
#define PORT_B_GATE2	0x01
#define PORT_B_OUT2	0x20
#define MASTER_BASE	0x30
#define PATIENCE	2000000

static void program(unsigned int channel, unsigned int mode, u16 count)
{
	outb(PIT_COMMAND, channel << 6 | 0x30 | mode << 1);
	outb(PIT_DATA(channel), count);
	outb(PIT_DATA(channel), count >> 8);
}

static u16 latched(unsigned int channel)
{
	u16 low;

	outb(PIT_COMMAND, channel << 6);
	low = inb(PIT_DATA(channel));
	return low | inb(PIT_DATA(channel)) << 8;
}

static void eoi(struct frame *frame)
{
	irq_count[frame->vector]++;
	outb(PIC_MASTER, 0x20);
}

GUEST_CASE(channel_0, MODES, .flags = CASE_IRQCHIP | CASE_PIT)
{
	pic_start(MASTER_BASE, 0x38, 0xfe, 0xff);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_LVT_LINT0, ICR_EXTINT);
	trap_hook[MASTER_BASE] = eoi;
	program(0, 2, 1193);
	sti();
	check(wait_for(irq_count[MASTER_BASE] >= 3, PATIENCE), "mode 2: it comes periodically");
	cli();
	/* A control word alone stops the counter: what it sent before is taken now. */
	outb(PIT_COMMAND, 0x30);
	open_window();
	irq_count[MASTER_BASE] = 0;
	program(0, 0, 1193);
	sti();
	check(wait_for(irq_count[MASTER_BASE] == 1, PATIENCE), "mode 0: it comes");
	delay(4000);
	cli();
	check(irq_count[MASTER_BASE] == 1, "once (%u)", irq_count[MASTER_BASE]);
}

GUEST_CASE(channel_2, MODES, .flags = CASE_IRQCHIP | CASE_PIT)
{
	u16 first, second;

	outb(PORT_B, PORT_B_GATE2);
	program(2, 0, 0xffff);
	check(!(inb(PORT_B) & PORT_B_OUT2), "mode 0: OUT is low while it counts");
	first = latched(2);
	delay(300);
	second = latched(2);
	check(second < first, "it counts down (%x, %x)", first, second);
	program(2, 0, 200);
	check(wait_for(inb(PORT_B) & PORT_B_OUT2, PATIENCE), "OUT is high at the end");
}

GUEST_CASE(read_back, READ_BACK, .flags = CASE_IRQCHIP | CASE_PIT)
{
	u8 status;
	u16 count;

	outb(PORT_B, PORT_B_GATE2);
	program(2, 3, 0x8000);
	delay(20);
	outb(PIT_COMMAND, 0xc8);	/* count and status of channel 2 */
	status = inb(PIT_DATA(2));
	count = inb(PIT_DATA(2));
	count |= inb(PIT_DATA(2)) << 8;
	check((status & 0x3f) == (0x30 | 3 << 1), "status has mode and access (%x)", status);
	check(count <= 0x8000 && count, "count is in its range (%x)", count);
}
#endif /* GUEST */
