/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's I/O ports and interrupt lines: one fact, one place. The devices
 * decode them and the ACPI tables announce them.
 */
#ifndef VMM_PORTS_H
#define VMM_PORTS_H

#define COM1_PORT		0x3f8
#define COM1_PORTS		8
#define COM1_IRQ		4

#define RTC_PORT		0x70
#define RTC_PORTS		2
#define RTC_IRQ			8
#define RTC_CENTURY_INDEX	0x32

#define KBC_DATA_PORT		0x60
#define KBC_COMMAND_PORT	0x64
#define PORT_A_PORT		0x92

#define RESET_PORT		0xcf9
#define RESET_VALUE		0x06	/* system reset, of the whole CPU */

#define PCI_ADDRESS_PORT	0xcf8
#define PCI_DATA_PORT		0xcfc

#define PM1_EVT_PORT		0x600
#define PM1_EVT_LEN		4
#define PM1_CNT_PORT		0x604
#define PM1_CNT_LEN		2
#define PM_TIMER_PORT		0x608
#define PM_TIMER_LEN		4
#define ACPI_SCI_IRQ		9
#define SLP_TYP_S5		5

/* A PC wires the PIT to the IOAPIC's pin 2, since pin 0 takes the PICs' output. */
#define PIT_IRQ			0
#define PIT_GSI			2

#define ISA_IRQS		16
#define IOAPIC_PINS		24
/* GSIs behind the pins carry messages: one for each MSI-X vector of a device. */
#define MSI_GSIS		128

#endif
