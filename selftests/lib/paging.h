/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables, descriptors and registers for guests that run in every paging
 * mode: SDM3 "Paging-Mode Enabling". The guest's own code is mapped one to one
 * for the supervisor; the rest is the test's.
 */
#ifndef NST_PAGING_H
#define NST_PAGING_H

/* In the guest's memory: descriptor tables, and where page tables begin. */
#define PAGING_IDT		0x100000
#define PAGING_GDT		0x101000
#define PAGING_TSS		0x102000
#define PAGING_ROOT		0x103000
#define PAGING_TABLES_END	0x200000

/* Selectors in PAGING_GDT. */
#define PAGING_CODE		0x08
#define PAGING_STACK		0x10
#define PAGING_USER_CODE	(0x18 | 3)
#define PAGING_USER_DATA	(0x20 | 3)
#define PAGING_TR		0x28

#ifndef __ASSEMBLER__

#include "vm.h"

/* SDM3 "Paging": bits of an entry. */
#define PAGING_P		0x001ull
#define PAGING_RW		0x002ull
#define PAGING_US		0x004ull
#define PAGING_A		0x020ull
#define PAGING_D		0x040ull
#define PAGING_PS		0x080ull
#define PAGING_G		0x100ull
#define PAGING_XD		(1ull << 63)

#define PAGING_TABLE		0x1000u
#define PAGING_EFER_LONG	((1ull << 8) | (1ull << 10))
#define PAGING_EFER_NXE		(1ull << 11)

/**
 * struct paging_mode - what differs between the modes
 * @name: of the mode, also of the cases that run in it
 * @levels: of tables; the PDPTEs of PAE paging count as one
 * @width: bytes of an entry
 * @index_bits: of an address for each level
 * @cr4: bits that select it
 * @is_long: IA-32e mode
 */
struct paging_mode {
	const char *name;
	unsigned int levels, width, index_bits;
	uint64_t cr4;
	bool is_long;
};

/* Of the guest's CPU, as far as paging asks. */
struct paging_features {
	bool gb_pages, amd, smep, smap, pku, la57, pcid, nx;
	unsigned int maxphyaddr;
};

/* Tables under construction. */
struct paging {
	struct vm *vm;
	const struct paging_mode *mode;
	uint64_t next;
};

const struct paging_mode *paging_mode(const char *name);
void paging_features(struct vcpu *vcpu, struct paging_features *has);
void paging_begin(struct paging *p, struct vm *vm, const struct paging_mode *mode);
void paging_map(struct paging *p, uint64_t linear, uint64_t entry, unsigned int level);
void paging_start(struct vcpu *vcpu, const struct paging_mode *mode, uint64_t rip,
		  bool pcid);

/* The lowest bit of an address that the tables of @level look at. */
static inline unsigned int paging_shift(const struct paging_mode *mode, unsigned int level)
{
	return 12 + (level - 1) * mode->index_bits;
}

#endif /* __ASSEMBLER__ */

#endif /* NST_PAGING_H */
