// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of the launcher's devices and tables, with TAP output. Built with
 * AddressSanitizer and UndefinedBehaviorSanitizer, since what a guest writes
 * to a port must never harm the launcher: the last test writes everything
 * everywhere. No hypervisor is needed: an interrupt line of a VM that does not
 * exist goes nowhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/serial_reg.h>

#include "vmm/acpi.h"
#include "vmm/cpuid.h"
#include "vmm/e820.h"
#include "vmm/pm.h"
#include "vmm/ports.h"
#include "vmm/reset.h"
#include "vmm/rtc.h"
#include "vmm/serial.h"

#define RAM_SIZE	(16 * SZ_1M)
#define FUZZ_ROUNDS	2000000

static unsigned int tests, failures;

static void check(bool good, const char *name)
{
	tests++;
	failures += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", tests, name);
}

/* One machine's worth of devices on a bus, for one test. */
struct rig {
	struct nl_vm vm;
	struct stop stop;
	struct bus bus;
	struct serial uart;
	struct rtc rtc;
	struct pm pm;
	struct reset reset;
	u8 sent[64];
	unsigned int nr_sent;
	u64 nr_room;
};

static void rig_send(void *ctx, u8 byte)
{
	struct rig *rig = ctx;

	rig->sent[rig->nr_sent++ % sizeof(rig->sent)] = byte;
}

static void rig_room(void *ctx)
{
	((struct rig *)ctx)->nr_room++;
}

static struct rig *rig_create(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	if (!rig || stop_init(&rig->stop))
		exit(1);
	rig->vm.fd = -1;
	rig->uart.send = rig_send;
	rig->uart.room = rig_room;
	rig->uart.ctx = rig;
	if (serial_init(&rig->uart, &rig->bus, &rig->vm) || rtc_init(&rig->rtc, &rig->bus) ||
	    pm_init(&rig->pm, &rig->bus, &rig->stop) ||
	    reset_init(&rig->reset, &rig->bus, &rig->stop))
		exit(1);
	return rig;
}

static void rig_destroy(struct rig *rig)
{
	stop_destroy(&rig->stop);
	free(rig);
}

static u8 com_read(struct rig *rig, unsigned int reg)
{
	return (u8)bus_read(&rig->bus, COM1_PORT + reg, 1);
}

static void com_write(struct rig *rig, unsigned int reg, u8 value)
{
	bus_write(&rig->bus, COM1_PORT + reg, 1, value);
}

static u8 rtc_get(struct rig *rig, u8 index)
{
	bus_write(&rig->bus, RTC_PORT, 1, index);
	return (u8)bus_read(&rig->bus, RTC_PORT + 1, 1);
}

static void rtc_set(struct rig *rig, u8 index, u8 value)
{
	bus_write(&rig->bus, RTC_PORT, 1, index);
	bus_write(&rig->bus, RTC_PORT + 1, 1, value);
}

static void test_bus(void)
{
	struct rig *rig = rig_create();

	check(bus_read(&rig->bus, 0x1234, 1) == 0xff, "bus: an empty port reads as ones");
	check(bus_read(&rig->bus, 0xcf8, 4) == 0xffff00ff,
	      "bus: a wide read takes each byte from its device");
	check(bus_read(&rig->bus, 0xffff, 4) == 0xffffffff, "bus: a read across the last port");
	com_write(rig, UART_SCR, 0x5a);
	check(bus_read(&rig->bus, COM1_PORT + UART_MSR, 2) == 0x5ab0, "bus: word from byte device");
	bus_write(&rig->bus, COM1_PORT + UART_MSR, 2, 0xa500);
	check(com_read(rig, UART_SCR) == 0xa5, "bus: word to byte device");
	rig_destroy(rig);
}

static void test_serial_send(void)
{
	struct rig *rig = rig_create();

	check(com_read(rig, UART_LSR) == (UART_LSR_TEMT | UART_LSR_THRE), "uart: idle at reset");
	check(com_read(rig, UART_IIR) == UART_IIR_NO_INT, "uart: no interrupt at reset");
	com_write(rig, UART_TX, 'a');
	check(rig->nr_sent == 1 && rig->sent[0] == 'a', "uart: a byte is sent");
	com_write(rig, UART_LCR, UART_LCR_DLAB);
	com_write(rig, UART_DLL, 12);
	com_write(rig, UART_DLM, 3);
	check(com_read(rig, UART_DLL) == 12 && com_read(rig, UART_DLM) == 3 && rig->nr_sent == 1,
	      "uart: the divisor is no data");
	com_write(rig, UART_LCR, UART_LCR_WLEN8);
	check(com_read(rig, UART_IER) == 0, "uart: the divisor is no interrupt enable");
	com_write(rig, UART_IER, UART_IER_THRI);
	check(com_read(rig, UART_IIR) == UART_IIR_THRI, "uart: enabling raises 'empty'");
	check(com_read(rig, UART_IIR) == UART_IIR_NO_INT, "uart: reading IIR clears 'empty'");
	com_write(rig, UART_TX, 'b');
	check(com_read(rig, UART_IIR) == UART_IIR_THRI, "uart: sending raises 'empty' again");
	com_write(rig, UART_IER, 0xff);
	check(com_read(rig, UART_IER) == 0x0f, "uart: IER has four bits");
	rig_destroy(rig);
}

static void test_serial_receive(void)
{
	struct rig *rig = rig_create();
	unsigned int i;

	com_write(rig, UART_IER, UART_IER_RDI);
	serial_receive(&rig->uart, 'x');
	check(com_read(rig, UART_IIR) == UART_IIR_RDI, "uart: data raises its interrupt");
	check(!serial_wants_input(&rig->uart, false), "uart: without FIFO one byte fits");
	check(com_read(rig, UART_RX) == 'x' && com_read(rig, UART_IIR) == UART_IIR_NO_INT,
	      "uart: reading the byte clears the interrupt");

	com_write(rig, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_R_TRIG_10);
	for (i = 0; i < 7; i++)
		serial_receive(&rig->uart, (u8)i);
	check(com_read(rig, UART_IIR) == (0xc0 | UART_IIR_RX_TIMEOUT), "uart: below the trigger");
	serial_receive(&rig->uart, 7);
	check(com_read(rig, UART_IIR) == (0xc0 | UART_IIR_RDI), "uart: at the trigger");
	for (i = 8; i < 17; i++)
		serial_receive(&rig->uart, (u8)i);
	check((com_read(rig, UART_LSR) & (UART_LSR_OE | UART_LSR_DR)) ==
	      (UART_LSR_OE | UART_LSR_DR), "uart: the 17th byte overruns");
	check(!(com_read(rig, UART_LSR) & UART_LSR_OE), "uart: reading LSR clears the overrun");
	for (i = 0; i < 16; i++)
		if (com_read(rig, UART_RX) != i)
			break;
	check(i == 16 && !(com_read(rig, UART_LSR) & UART_LSR_DR), "uart: 16 bytes in order");
	rig_destroy(rig);
}

static void test_serial_modem(void)
{
	struct rig *rig = rig_create();

	com_write(rig, UART_IER, UART_IER_RDI);
	com_write(rig, UART_MCR, UART_MCR_DTR | UART_MCR_OUT2);
	check(!serial_wants_input(&rig->uart, true), "uart: a patient sender waits for RTS");
	com_write(rig, UART_MCR, UART_MCR_RTS | UART_MCR_DTR | UART_MCR_OUT2);
	check(serial_wants_input(&rig->uart, true), "uart: RTS lets it send");
	com_read(rig, UART_MSR);
	com_write(rig, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	check((com_read(rig, UART_MSR) & 0xf0) == (UART_MSR_DCD | UART_MSR_CTS),
	      "uart: looped back, outputs are inputs");
	com_write(rig, UART_TX, 'l');
	check(rig->nr_sent == 0 && com_read(rig, UART_RX) == 'l', "uart: looped back, data too");
	check(!serial_wants_input(&rig->uart, false), "uart: looped back, deaf to the line");
	rig_destroy(rig);
}

static void test_rtc(void)
{
	struct rig *rig = rig_create();

	check(rtc_get(rig, 13) == 0x80, "rtc: valid");
	rtc_set(rig, 11, 0x82);
	rtc_set(rig, 0, 0x56);
	rtc_set(rig, 2, 0x34);
	rtc_set(rig, 4, 0x12);
	rtc_set(rig, 7, 0x29);
	rtc_set(rig, 8, 0x02);
	rtc_set(rig, 9, 0x24);
	rtc_set(rig, RTC_CENTURY_INDEX, 0x20);
	rtc_set(rig, 11, 0x02);
	check(rtc_get(rig, 4) == 0x12 && rtc_get(rig, 2) == 0x34 && rtc_get(rig, 7) == 0x29 &&
	      rtc_get(rig, 8) == 0x02 && rtc_get(rig, 9) == 0x24 && rtc_get(rig, 6) == 5,
	      "rtc: keeps the time it is given, and knows the weekday");
	rtc_set(rig, 4, 0x23);
	check(rtc_get(rig, 4) == 0x23, "rtc: one register set while running");
	rtc_set(rig, 11, 0x00);
	check(rtc_get(rig, 4) == (0x80 | 0x11), "rtc: twelve-hour mode");
	rtc_set(rig, 11, 0x06);
	check(rtc_get(rig, 2) == 34 && rtc_get(rig, 4) == 23, "rtc: binary mode");
	rtc_set(rig, 0x7f, 0xa7);
	check(rtc_get(rig, 0xff) == 0xa7, "rtc: the index has seven bits");
	rtc_set(rig, 13, 0);
	check(rtc_get(rig, 13) == 0x80, "rtc: register D is read-only");
	rig_destroy(rig);
}

static int stop_after(u16 port, unsigned int size, u32 value)
{
	struct rig *rig = rig_create();
	int status = -1;

	bus_write(&rig->bus, port, size, value);
	if (stop_pending(&rig->stop))
		status = stop_status(&rig->stop);
	rig_destroy(rig);
	return status;
}

static void test_stops(void)
{
	struct rig *rig = rig_create();

	check(stop_after(PM1_CNT_PORT, 2, 0x3400) == STOP_POWER_OFF, "pm: S5 powers off");
	check(stop_after(PM1_CNT_PORT, 2, 0x1400) == -1, "pm: S5 without enable does nothing");
	check(stop_after(PM1_CNT_PORT, 2, 0x2400) == -1, "pm: another state does nothing");
	check(stop_after(RESET_PORT, 1, RESET_VALUE) == STOP_RESET, "reset: port 0xcf9");
	check(stop_after(RESET_PORT, 1, 0x02) == -1, "reset: 0xcf9 without the CPU bit");
	check(stop_after(KBC_COMMAND_PORT, 1, 0xfe) == STOP_RESET, "reset: keyboard controller");
	check(stop_after(KBC_DATA_PORT, 1, 0) == -1, "reset: a byte to the keyboard");
	check(stop_after(PORT_A_PORT, 1, 1) == STOP_RESET, "reset: port 0x92");
	bus_write(&rig->bus, KBC_COMMAND_PORT, 1, 0xd1);
	bus_write(&rig->bus, KBC_DATA_PORT, 1, 0xfe);
	check(stop_pending(&rig->stop) && stop_status(&rig->stop) == STOP_RESET,
	      "reset: keyboard controller's output port");
	stop_request(&rig->stop, STOP_SHUTDOWN);
	check(stop_status(&rig->stop) == STOP_RESET, "stop: the first reason stays");
	check(bus_read(&rig->bus, PM1_CNT_PORT, 2) == 1, "pm: ACPI is on");
	bus_write(&rig->bus, PM1_EVT_PORT + 2, 2, 0x0120);
	check(bus_read(&rig->bus, PM1_EVT_PORT, 4) == 0x01200000, "pm: enable bits are kept");
	rig_destroy(rig);
}

static void test_e820(void)
{
	struct ram small = { .low_size = 64 * SZ_1M };
	struct ram large = { .low_size = LOW_RAM_MAX, .high_size = SZ_1G };
	struct boot_e820_entry t[8];
	unsigned int i, n;

	n = e820_fill(&small, t, 8);
	check(n == 4 && t[3].addr + t[3].size == 64 * SZ_1M, "e820: small guest ends at its size");
	n = e820_fill(&large, t, 8);
	check(n == 5 && t[4].addr == SZ_4G && t[4].size == SZ_1G, "e820: the rest is above 4 GiB");
	for (i = 1; i < n && t[i - 1].addr + t[i - 1].size <= t[i].addr; i++)
		;
	check(i == n, "e820: rows ascend and do not overlap");
	check(e820_fill(&large, t, 4) == 0, "e820: no room");
}

static u8 sum(const u8 *p, u32 len)
{
	u8 total = 0;

	while (len--)
		total += *p++;
	return total;
}

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* A table's address in our memory when its signature and checksum are right. */
static const u8 *table_at(const struct ram *ram, u32 gpa, const char *signature)
{
	const u8 *p = ram_low(ram, gpa, 36);

	if (!p || memcmp(p, signature, 4) || !ram_low(ram, gpa, get32(p + 4)) ||
	    sum(p, get32(p + 4)))
		return NULL;
	return p;
}

static void test_acpi(void)
{
	const u8 *rsdp, *xsdt, *fadt, *madt;
	struct ram ram;

	if (ram_create(&ram, RAM_SIZE))
		exit(1);
	check(acpi_build(&ram, 254) == 0, "acpi: tables for 254 CPUs fit");
	rsdp = ram_low(&ram, ACPI_GPA, 36);
	check(!memcmp(rsdp, "RSD PTR ", 8) && !sum(rsdp, 20) && !sum(rsdp, 36), "acpi: RSDP");
	xsdt = table_at(&ram, get32(rsdp + 24), "XSDT");
	check(xsdt, "acpi: XSDT");
	fadt = xsdt ? table_at(&ram, get32(xsdt + 36), "FACP") : NULL;
	madt = xsdt ? table_at(&ram, get32(xsdt + 44), "APIC") : NULL;
	check(fadt && get32(fadt + 4) == 268, "acpi: FADT");
	check(fadt && table_at(&ram, get32(fadt + 40), "DSDT"), "acpi: DSDT");
	check(fadt && get32(fadt + 36) % 64 == 0 &&
	      !memcmp(ram_low(&ram, get32(fadt + 36), 64), "FACS", 4), "acpi: FACS, aligned");
	check(madt && get32(madt + 4) == 44 + 254 * 8 + 12 + 2 * 10 + 6, "acpi: MADT");
	ram_destroy(&ram);
}

static const struct kvm_cpuid_entry2 *leaf(const struct nl_cpuid *c, u32 function, u32 index)
{
	u32 i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == function && c->entries[i].index == index)
			return &c->entries[i];
	return NULL;
}

static void test_cpuid(void)
{
	static struct nl_cpuid c = {
		.nent = 5,
		.entries = {
			{ .function = 0, .eax = 0xd, .ebx = 0x68747541, .edx = 0x69746e65,
			  .ecx = 0x444d4163 },
			{ .function = 1, .ebx = 0xffff1234, .edx = 1u << 12 },
			{ .function = 0xb, .index = 0, .ebx = 99 },
			{ .function = 0x80000008, .ecx = 0xffff },
			{ .function = 4, .eax = 0xfc000121 },
		},
	};
	const struct cpuid_place place = { .apic_id = 5, .cpus = 6, .tsc_deadline = true };
	const struct kvm_cpuid_entry2 *e;

	check(cpuid_place(&c, &place) == 0, "cpuid: placed");
	e = leaf(&c, 1, 0);
	check(e->ebx == 0x05081234, "cpuid: APIC ID, and IDs rounded up to a power of two");
	check((e->edx >> 28 & 1) && (e->ecx >> 31 & 1) && (e->ecx >> 24 & 1),
	      "cpuid: HTT, hypervisor, TSC deadline");
	e = leaf(&c, 0xb, 1);
	check(e && e->eax == 3 && e->ebx == 6 && e->ecx == 0x201 && e->edx == 5,
	      "cpuid: topology leaf, cores");
	e = leaf(&c, 0xb, 0);
	check(e && e->eax == 0 && e->ebx == 1, "cpuid: topology leaf, threads");
	check(leaf(&c, 0x80000008, 0)->ecx == 0x3005, "cpuid: AMD's core count");
	check(leaf(&c, 4, 0)->eax == 0x14000121, "cpuid: the first-level cache is private");
	check(cpuid_has_mtrr(&c) && !cpuid_is_intel(&c), "cpuid: predicates");
}

static u32 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (u32)(*state >> 16);
}

static void test_fuzz(void)
{
	static const u16 bases[] = {
		COM1_PORT, RTC_PORT, PM1_EVT_PORT, PM_TIMER_PORT, RESET_PORT - 3, KBC_DATA_PORT,
		PORT_A_PORT, 0xfffc, 0,
	};
	struct rig *rig = rig_create();
	u64 state = 88172645463325252ull;
	unsigned int i, size;
	u32 r, value;
	u16 port;

	for (i = 0; i < FUZZ_ROUNDS; i++) {
		r = next_random(&state);
		value = next_random(&state);
		port = r & 0x100 ? (u16)(value >> 7) :
				   bases[(r >> 9) % ARRAY_SIZE(bases)] + (r >> 16) % 10;
		size = 1u << r % 3;
		if (r & 0x20)
			bus_write(&rig->bus, port, size, value);
		else
			bus_read(&rig->bus, port, size);
		if ((r & 0xff000000) == 0)
			serial_receive(&rig->uart, (u8)value);
	}
	check(stop_pending(&rig->stop) && rig->nr_sent && rig->nr_room,
	      "every port: any access in any order does no harm");
	rig_destroy(rig);
}

int main(void)
{
	test_bus();
	test_serial_send();
	test_serial_receive();
	test_serial_modem();
	test_rtc();
	test_stops();
	test_e820();
	test_acpi();
	test_cpuid();
	test_fuzz();
	printf("1..%u\n", tests);
	return failures ? 1 : 0;
}
