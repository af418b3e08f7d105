// SPDX-License-Identifier: GPL-2.0-only
/*
 * "64-bit Boot Protocol": long mode with paging, flat segments with the
 * selectors the protocol names, the low 4 GiB mapped to themselves, interrupts
 * off, RSI at the zero page. "32-bit Boot Protocol": the same in protected mode
 * without paging.
 */
#include <errno.h>
#include <string.h>

#include <asm/processor-flags.h>

#include "vmm/bootcpu.h"

#define BOOT_CS		0x10
#define BOOT_DS		0x18

/* SDM3 "Segment Descriptors": flat, 4 KiB granular, accessed. */
#define DESC_CODE64	0x00af9b000000ffffull
#define DESC_CODE32	0x00cf9b000000ffffull
#define DESC_DATA	0x00cf93000000ffffull
#define TYPE_CODE	0xb
#define TYPE_DATA	0x3

/* SDM3 "4-Level Paging and 5-Level Paging": bits of an entry. */
#define PTE_PRESENT	0x01ull
#define PTE_WRITE	0x02ull
#define PTE_HUGE	0x80ull
#define PTES		512

/* SDM4 "IA-32 Architectural MSRs", IA32_EFER. */
#define EFER_LME	BIT_ULL(8)
#define EFER_LMA	BIT_ULL(10)

#define MAPPED_GIB	4

static void write_gdt(u64 *gdt, bool is_64bit)
{
	gdt[0] = 0;
	gdt[1] = 0;
	gdt[BOOT_CS / 8] = is_64bit ? DESC_CODE64 : DESC_CODE32;
	gdt[BOOT_DS / 8] = DESC_DATA;
}

/* One table of level 4, one of level 3, one of level 2 for each GiB. */
static void write_page_tables(u64 *tables)
{
	u64 *level3 = tables + PTES;
	u64 *level2 = level3 + PTES;
	u64 at = PAGE_TABLES_GPA;
	unsigned int i;

	memset(tables, 0, 2 * SZ_4K);
	tables[0] = (at + SZ_4K) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < MAPPED_GIB; i++)
		level3[i] = (at + (2 + i) * SZ_4K) | PTE_PRESENT | PTE_WRITE;
	for (i = 0; i < MAPPED_GIB * PTES; i++)
		level2[i] = i * SZ_2M | PTE_PRESENT | PTE_WRITE | PTE_HUGE;
}

/**
 * bootcpu_tables() - Write the descriptor and page tables into memory
 * @ram: the guest's memory
 * @entry: from boot_load()
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int bootcpu_tables(const struct ram *ram, const struct boot_entry *entry)
{
	u64 *gdt = ram_low(ram, GDT_GPA, SZ_4K);
	u64 *tables = ram_low(ram, PAGE_TABLES_GPA, (2 + MAPPED_GIB) * SZ_4K);

	if (!gdt || !tables)
		return nl_fail(ENOSPC, "too little memory for the boot tables");
	write_gdt(gdt, entry->is_64bit);
	write_page_tables(tables);
	return 0;
}

static struct kvm_segment flat_segment(u16 selector, u8 type, bool code64)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.l = code64,
		.db = !code64,
		.g = 1,
	};
}

static int set_sregs(const struct nl_vcpu *vcpu, bool is_64bit)
{
	struct kvm_segment data = flat_segment(BOOT_DS, TYPE_DATA, false);
	struct kvm_sregs s;
	int ret = nl_vcpu_get_sregs(vcpu, &s);

	if (ret)
		return ret;
	s.cs = flat_segment(BOOT_CS, TYPE_CODE, is_64bit);
	s.ds = data;
	s.es = data;
	s.fs = data;
	s.gs = data;
	s.ss = data;
	s.gdt.base = GDT_GPA;
	s.gdt.limit = BOOT_DS + 7;
	s.idt.base = 0;
	s.idt.limit = 0;
	s.cr0 = X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP;
	if (is_64bit) {
		s.cr0 |= X86_CR0_PG;
		s.cr3 = PAGE_TABLES_GPA;
		s.cr4 = X86_CR4_PAE;
		s.efer = EFER_LME | EFER_LMA;
	}
	return nl_vcpu_set_sregs(vcpu, &s);
}

/**
 * bootcpu_set() - Point the first CPU at the kernel
 * @vcpu: a vCPU that has not run yet, its CPUID set
 * @entry: from boot_load()
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int bootcpu_set(const struct nl_vcpu *vcpu, const struct boot_entry *entry)
{
	const struct kvm_regs regs = {
		.rip = entry->address,
		.rsi = ZERO_PAGE_GPA,
		.rsp = BOOT_STACK_GPA,
		.rflags = X86_EFLAGS_FIXED,
	};
	int ret = set_sregs(vcpu, entry->is_64bit);

	return ret ? ret : nl_vcpu_set_regs(vcpu, &regs);
}
