/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt controllers as a guest sees them: SDM3 "Advanced Programmable
 * Interrupt Controller (APIC)", the 82093AA I/O APIC and the 8259A.
 */
#ifndef NST_APIC_H
#define NST_APIC_H

#include "guest.h"

#define APIC_BASE		0xfee00000ul
#define APIC_ID			0x20
#define APIC_VERSION		0x30
#define APIC_TPR		0x80
#define APIC_PPR		0xa0
#define APIC_EOI		0xb0
#define APIC_LDR		0xd0
#define APIC_DFR		0xe0
#define APIC_SPIV		0xf0
#define APIC_ISR		0x100
#define APIC_TMR		0x180
#define APIC_IRR		0x200
#define APIC_ESR		0x280
#define APIC_ICR		0x300
#define APIC_ICR_HIGH		0x310
#define APIC_LVT_TIMER		0x320
#define APIC_LVT_LINT0		0x350
#define APIC_LVT_LINT1		0x360
#define APIC_LVT_ERROR		0x370
#define APIC_TIMER_INITIAL	0x380
#define APIC_TIMER_CURRENT	0x390
#define APIC_TIMER_DIVIDE	0x3e0
#define APIC_SELF_IPI		0x3f0

#define APIC_SPIV_ENABLE	0x100
#define APIC_LVT_MASKED		0x10000
#define APIC_TIMER_PERIODIC	0x20000
#define APIC_TIMER_DEADLINE	0x40000
#define APIC_DIVIDE_BY_1	0xb
#define APIC_DFR_FLAT		0xffffffff
#define APIC_DFR_CLUSTER	0x0fffffff

#define ICR_FIXED		0x000
#define ICR_LOWEST		0x100
#define ICR_SMI			0x200
#define ICR_NMI			0x400
#define ICR_INIT		0x500
#define ICR_STARTUP		0x600
#define ICR_EXTINT		0x700
#define ICR_LOGICAL		0x800
#define ICR_PENDING		0x1000
#define ICR_ASSERT		0x4000
#define ICR_LEVEL		0x8000
#define ICR_SELF		0x40000
#define ICR_ALL			0x80000
#define ICR_OTHERS		0xc0000

#define MSR_APICBASE		0x1b
#define APICBASE_BSP		(1ul << 8)
#define APICBASE_X2APIC		(1ul << 10)
#define APICBASE_ENABLE		(1ul << 11)
#define MSR_X2APIC		0x800
#define MSR_TSC_DEADLINE	0x6e0

#define IOAPIC_BASE		0xfec00000ul
#define IOAPIC_ID		0x00
#define IOAPIC_VERSION		0x01
#define IOAPIC_ENTRY(pin)	(0x10 + 2 * (pin))
#define IOAPIC_LOGICAL		(1u << 11)
#define IOAPIC_PENDING		(1u << 12)
#define IOAPIC_LOW		(1u << 13)
#define IOAPIC_REMOTE_IRR	(1u << 14)
#define IOAPIC_LEVEL		(1u << 15)
#define IOAPIC_MASKED		(1u << 16)

#define PIC_MASTER		0x20
#define PIC_SLAVE		0xa0

/* The register at an offset of the xAPIC page, in either mode of the APIC. */
u32 apic_read(u32 offset);
void apic_write(u32 offset, u32 value);
bool apic_bit(u32 base, unsigned int vector);
void apic_enable(void);
void apic_enable_x2(void);
void apic_eoi(void);
void apic_send(u32 destination, u32 command);

u32 ioapic_read(u32 index);
void ioapic_write(u32 index, u32 value);
void ioapic_route(unsigned int pin, u32 low, u32 destination);

void pic_start(u8 master_base, u8 slave_base, u8 master_mask, u8 slave_mask);
u8 pic_irr(u16 base);
u8 pic_isr(u16 base);

#endif /* NST_APIC_H */
