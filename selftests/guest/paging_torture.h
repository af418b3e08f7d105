/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One access to memory under one arrangement of page tables and control
 * registers, as the host half orders it and the engine in the guest carries it
 * out. Numbers of 64 bits in every mode; a 32-bit engine reads the lower half.
 */
#ifndef PAGING_TORTURE_H
#define PAGING_TORTURE_H

/* Guest physical memory: what the guest itself lives in is below TORTURE_POOL. */
#define TORTURE_USER		0x200000	/* the one page that user mode may run */
#define TORTURE_BATCH		0x210000
#define TORTURE_POOL		0x400000	/* tables and data of the accesses */

#define TORTURE_RECORDS		128
#define TORTURE_WRITES		7

/* What the access ends with when nothing faults. */
#define TORTURE_DONE		0x80

/* Offsets of struct torture for the engine. */
#define T_CR0			0
#define T_CR3			8
#define T_CR4			16
#define T_EFER			24
#define T_RFLAGS		32
#define T_ADDRESS		40
#define T_RIP			48
#define T_CS			56
#define T_SS			64
#define T_PKRU			72
#define T_INVLPG		80
#define T_WIDTH			84
#define T_NWRITES		88
#define T_VALUE			96
#define T_VECTOR		104
#define T_ERROR			112
#define T_CR2			120
#define T_WRITE			128
#define T_WRITE_SIZE		24
#define T_SIZE			(T_WRITE + TORTURE_WRITES * T_WRITE_SIZE)

#ifndef __ASSEMBLER__

/* An entry to be written before the access, and what it is behind it. */
struct torture_write {
	unsigned long long at, value, after;
};

struct torture {
	unsigned long long cr0, cr3, cr4, efer, rflags, address, rip, cs, ss, pkru;
	unsigned int invlpg, width;
	unsigned long long nwrites;
	/* To be written, or what was read. */
	unsigned long long value;
	unsigned long long vector, error, cr2;
	struct torture_write write[TORTURE_WRITES];
};

_Static_assert(sizeof(struct torture) == T_SIZE, "T_SIZE");
_Static_assert(__builtin_offsetof(struct torture, invlpg) == T_INVLPG, "T_INVLPG");
_Static_assert(__builtin_offsetof(struct torture, value) == T_VALUE, "T_VALUE");
_Static_assert(__builtin_offsetof(struct torture, write) == T_WRITE, "T_WRITE");

#endif /* __ASSEMBLER__ */

#endif /* PAGING_TORTURE_H */
