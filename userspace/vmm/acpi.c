// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI tables (ACPI "ACPI Software Programming Model"), written once into the
 * BIOS area before the guest starts: RSDP, XSDT, FADT, FACS, MADT, DSDT.
 * SMI_CMD is zero: there is no firmware to hand over from, ACPI is always on.
 * Pure but for the guest's memory.
 */
#include <errno.h>
#include <string.h>

#include "vmm/acpi.h"
#include "vmm/aml.h"
#include "vmm/blob.h"
#include "vmm/pci.h"
#include "vmm/ports.h"

#define HEADER_LENGTH_AT	4
#define HEADER_CHECKSUM_AT	9
#define XSDT_REVISION		1
#define FADT_REVISION		5
#define FADT_SIZE		268
#define MADT_REVISION		4
#define DSDT_REVISION		2
#define FACS_SIZE		64
#define FACS_VERSION		2

#define RSDP_REVISION		2
#define RSDP_SIZE		36
#define RSDP_V1_SIZE		20
#define RSDP_CHECKSUM_AT	8
#define RSDP_XSDT_AT		24
#define RSDP_EXT_CHECKSUM_AT	32

struct row {
	u16 at;
	u8 bytes;
	u64 value;
};

/* ACPI "Fixed ACPI Description Table (FADT)": IAPC_BOOT_ARCH and Flags. */
enum {
	BOOT_LEGACY_DEVICES = 1 << 0,
	BOOT_NO_VGA = 1 << 2,
};

enum {
	FADT_WBINVD = 1 << 0,
	FADT_PROC_C1 = 1 << 2,
	FADT_NO_POWER_BUTTON = 1 << 4,
	FADT_NO_SLEEP_BUTTON = 1 << 5,
	FADT_TIMER_32BIT = 1 << 8,
	FADT_RESET_REG = 1 << 10,
};

#define GAS_SYSTEM_IO	1
#define GAS_BYTE_ACCESS	1

static const struct row fadt_rows[] = {
	{ 46, 2, ACPI_SCI_IRQ },
	{ 56, 4, PM1_EVT_PORT },
	{ 64, 4, PM1_CNT_PORT },
	{ 76, 4, PM_TIMER_PORT },
	{ 88, 1, PM1_EVT_LEN },
	{ 89, 1, PM1_CNT_LEN },
	{ 91, 1, PM_TIMER_LEN },
	{ 96, 2, 0xffff },		/* P_LVL2_LAT: no C2 */
	{ 98, 2, 0xffff },		/* P_LVL3_LAT: no C3 */
	{ 108, 1, RTC_CENTURY_INDEX },
	{ 109, 2, BOOT_LEGACY_DEVICES | BOOT_NO_VGA },
	{ 112, 4, FADT_WBINVD | FADT_PROC_C1 | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON |
		  FADT_TIMER_32BIT | FADT_RESET_REG },
	{ 116, 1, GAS_SYSTEM_IO },
	{ 117, 1, 8 },
	{ 119, 1, GAS_BYTE_ACCESS },
	{ 120, 8, RESET_PORT },
	{ 128, 1, RESET_VALUE },
};

/* ACPI "Multiple APIC Description Table (MADT)": entry types, their lengths, flags. */
enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_NMI = 4 };
enum { MADT_LAPIC_LEN = 8, MADT_IOAPIC_LEN = 12, MADT_OVERRIDE_LEN = 10, MADT_LAPIC_NMI_LEN = 6 };

#define MADT_PCAT_COMPAT	1
#define LAPIC_ENABLED		1
#define ALL_PROCESSORS		0xff
#define LINT1			1
#define INTI_BUS_DEFAULT	0
#define INTI_HIGH_LEVEL		(0x1 | 0xc)

static size_t table_begin(struct blob *b, const char *signature, u8 revision)
{
	size_t at;

	blob_align(b, 16);
	at = b->len;
	blob_put(b, signature, 4);
	blob_int(b, 0, 4);
	blob_int(b, revision, 1);
	blob_int(b, 0, 1);
	blob_put(b, "NESTOR", 6);
	blob_put(b, "NESTORVM", 8);
	blob_int(b, 1, 4);
	blob_put(b, "NSTR", 4);
	blob_int(b, 1, 4);
	return at;
}

/* Returns the table's address for the guest. */
static u64 table_end(struct blob *b, size_t at)
{
	blob_set(b, at + HEADER_LENGTH_AT, b->len - at, 4);
	blob_set(b, at + HEADER_CHECKSUM_AT, (u8)-blob_sum(b, at, b->len), 1);
	return ACPI_GPA + at;
}

static u64 build_facs(struct blob *b)
{
	size_t at;

	blob_align(b, FACS_SIZE);
	at = b->len;
	blob_put(b, "FACS", 4);
	blob_int(b, FACS_SIZE, 4);
	blob_zero(b, FACS_SIZE - 8);
	blob_set(b, at + 32, FACS_VERSION, 1);
	return ACPI_GPA + at;
}

static void dsdt_device(struct blob *b, const char *name, const char *id, u16 port, u8 ports,
			u8 irq)
{
	size_t device = aml_device(b, name);

	aml_name(b, "_HID");
	aml_eisaid(b, id);
	aml_resources(b, port, ports, irq);
	aml_close(b, device);
}

/* _PRT: which GSI the pin INTA of each slot reaches, without a link device between. */
static void dsdt_pci_routes(struct blob *b)
{
	size_t route, all;
	unsigned int slot;

	aml_name(b, "_PRT");
	all = aml_package(b, PCI_SLOTS - 1);
	for (slot = 1; slot < PCI_SLOTS; slot++) {
		route = aml_package(b, 4);
		aml_dword(b, slot << 16 | 0xffff);
		aml_byte(b, 0);
		aml_byte(b, 0);
		aml_byte(b, PCI_SLOT_GSI(slot));
		aml_close(b, route);
	}
	aml_close(b, all);
}

static void dsdt_pci_root(struct blob *b)
{
	size_t device = aml_device(b, "PCI0");

	aml_name(b, "_HID");
	aml_eisaid(b, "PNP0A03");
	aml_pci_root(b, PCI_WINDOW_GPA, PCI_WINDOW_SIZE);
	dsdt_pci_routes(b);
	aml_close(b, device);
}

static u64 build_dsdt(struct blob *b)
{
	size_t at = table_begin(b, "DSDT", DSDT_REVISION);
	size_t open;

	aml_name(b, "_S5_");
	open = aml_package(b, 4);
	aml_byte(b, SLP_TYP_S5);
	aml_byte(b, SLP_TYP_S5);
	aml_byte(b, 0);
	aml_byte(b, 0);
	aml_close(b, open);

	open = aml_scope(b, "\\_SB_");
	dsdt_device(b, "COM1", "PNP0501", COM1_PORT, COM1_PORTS, COM1_IRQ);
	dsdt_pci_root(b);
	dsdt_device(b, "RTC_", "PNP0B00", RTC_PORT, RTC_PORTS, RTC_IRQ);
	aml_close(b, open);
	return table_end(b, at);
}

static u64 build_fadt(struct blob *b, u64 facs, u64 dsdt)
{
	const struct row links[] = {
		{ 36, 4, facs }, { 40, 4, dsdt }, { 140, 8, dsdt },
	};
	size_t at = table_begin(b, "FACP", FADT_REVISION);
	unsigned int i;

	blob_zero(b, FADT_SIZE - (b->len - at));
	for (i = 0; i < ARRAY_SIZE(fadt_rows); i++)
		blob_set(b, at + fadt_rows[i].at, fadt_rows[i].value, fadt_rows[i].bytes);
	for (i = 0; i < ARRAY_SIZE(links); i++)
		blob_set(b, at + links[i].at, links[i].value, links[i].bytes);
	return table_end(b, at);
}

static void madt_override(struct blob *b, u8 irq, u32 gsi, u16 flags)
{
	blob_int(b, MADT_OVERRIDE, 1);
	blob_int(b, MADT_OVERRIDE_LEN, 1);
	blob_int(b, 0, 1);
	blob_int(b, irq, 1);
	blob_int(b, gsi, 4);
	blob_int(b, flags, 2);
}

static u64 build_madt(struct blob *b, unsigned int cpus)
{
	size_t at = table_begin(b, "APIC", MADT_REVISION);
	unsigned int i;

	blob_int(b, LAPIC_GPA, 4);
	blob_int(b, MADT_PCAT_COMPAT, 4);
	for (i = 0; i < cpus; i++) {
		blob_int(b, MADT_LAPIC, 1);
		blob_int(b, MADT_LAPIC_LEN, 1);
		blob_int(b, i, 1);
		blob_int(b, i, 1);
		blob_int(b, LAPIC_ENABLED, 4);
	}
	blob_int(b, MADT_IOAPIC, 1);
	blob_int(b, MADT_IOAPIC_LEN, 1);
	blob_int(b, 0, 2);
	blob_int(b, IOAPIC_GPA, 4);
	blob_int(b, 0, 4);
	madt_override(b, PIT_IRQ, PIT_GSI, INTI_BUS_DEFAULT);
	madt_override(b, ACPI_SCI_IRQ, ACPI_SCI_IRQ, INTI_HIGH_LEVEL);
	blob_int(b, MADT_LAPIC_NMI, 1);
	blob_int(b, MADT_LAPIC_NMI_LEN, 1);
	blob_int(b, ALL_PROCESSORS, 1);
	blob_int(b, INTI_BUS_DEFAULT, 2);
	blob_int(b, LINT1, 1);
	return table_end(b, at);
}

static u64 build_xsdt(struct blob *b, u64 fadt, u64 madt)
{
	size_t at = table_begin(b, "XSDT", XSDT_REVISION);

	blob_int(b, fadt, 8);
	blob_int(b, madt, 8);
	return table_end(b, at);
}

/* The RSDP comes first in memory, where it is searched for, but is known last. */
static void fill_rsdp(struct blob *b, u64 xsdt)
{
	struct blob rsdp = { .bytes = b->bytes, .room = RSDP_SIZE };

	blob_put(&rsdp, "RSD PTR ", 8);
	blob_int(&rsdp, 0, 1);
	blob_put(&rsdp, "NESTOR", 6);
	blob_int(&rsdp, RSDP_REVISION, 1);
	blob_int(&rsdp, 0, 4);
	blob_int(&rsdp, RSDP_SIZE, 4);
	blob_zero(&rsdp, RSDP_SIZE - RSDP_XSDT_AT);
	blob_set(&rsdp, RSDP_XSDT_AT, xsdt, 8);
	blob_set(&rsdp, RSDP_CHECKSUM_AT, (u8)-blob_sum(&rsdp, 0, RSDP_V1_SIZE), 1);
	blob_set(&rsdp, RSDP_EXT_CHECKSUM_AT, (u8)-blob_sum(&rsdp, 0, RSDP_SIZE), 1);
}

/**
 * acpi_build() - Write the tables into the guest's memory
 * @ram: the memory
 * @cpus: how many; APIC IDs count from 0
 *
 * The RSDP ends up at ACPI_GPA.
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int acpi_build(const struct ram *ram, unsigned int cpus)
{
	struct blob b = { .bytes = ram_low(ram, ACPI_GPA, ACPI_ROOM), .room = ACPI_ROOM };
	u64 facs, dsdt, fadt, madt;

	if (!b.bytes)
		return nl_fail(EINVAL, "too little memory for the ACPI tables");

	blob_zero(&b, RSDP_SIZE);
	facs = build_facs(&b);
	dsdt = build_dsdt(&b);
	fadt = build_fadt(&b, facs, dsdt);
	madt = build_madt(&b, cpus);
	fill_rsdp(&b, build_xsdt(&b, fadt, madt));
	if (b.overflow)
		return nl_fail(ENOSPC, "the ACPI tables do not fit for %u CPUs", cpus);
	return 0;
}
