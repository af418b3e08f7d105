/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of instruction forms, and the native frame of native.S. */
#ifndef NST_TEST_NATIVE_H
#define NST_TEST_NATIVE_H

#include "emul/emul.h"

/* Lies in the second of the two pages of native.S. */
struct native_data {
	u64 host_rsp;		/* 0x00 */
	u64 rflags;		/* 0x08 */
	u32 far_offset;		/* 0x10 */
	u16 far_selector;	/* 0x14 */
	u16 pad;
	u8 landing;		/* 0x18: 0 fell through, 1 jumped, 2 faulted */
	u8 pad2[0x67];
	u64 gpr[16];		/* 0x80 */
	u8 pad3[0x100];
	u8 ymm[16][32];		/* 0x200 */
	u64 mmx[8];		/* 0x400 */
};

extern char native_page[], native_slot[], native_fell[], native_jumped[];
extern char native_fault[], native_page_end[], native_data_start[];

/* What follows the opcode bytes of a form. */
enum form_kind {
	FORM_PLAIN,		/* nothing */
	FORM_RM,		/* ModRM: register and memory each a form */
	FORM_REG,		/* ModRM, register only */
	FORM_MEM,		/* ModRM, memory only */
	FORM_PLUS,		/* register in the opcode's low bits */
	FORM_JUMP8,		/* rel8 to the far landing */
	FORM_JUMP32,		/* rel32, or rel16 with a 16-bit operand */
	FORM_MOFFS,
};

/* Operand sizes a row is expanded to. */
#define FORM_B		0x01	/* byte: as is */
#define FORM_16		0x02	/* with 66 */
#define FORM_32		0x04	/* without */
#define FORM_64		0x08	/* with REX.W */
#define FORM_V		(FORM_16 | FORM_32 | FORM_64)
#define FORM_Y		(FORM_32 | FORM_64)

/* How inputs are made. */
#define FORM_STRING	0x01	/* RSI, RDI point to the buffer; RCX is small */
#define FORM_STACK	0x02	/* RSP points to the buffer */
#define FORM_BITOFF	0x04	/* the register operand is a small bit number */
#define FORM_DIV	0x08	/* RDX is made small in half the inputs */
#define FORM_CMPX	0x10	/* the accumulator often equals the operand */
#define FORM_FRAME	0x20	/* RBP points to the buffer */
#define FORM_XLAT	0x40	/* RBX points to the buffer */
#define FORM_VEX	0x80	/* op[] is map, pp, opcode; sizes are W */
#define FORM_VVVV	0x100	/* VEX.vvvv names a register */
#define FORM_ALIGN	0x200	/* memory is aligned to 32 bytes */
#define FORM_VEXL	0x400	/* VEX.L: 256 bits */
#define FORM_ONLY64	0x800
#define FORM_ONLY32	0x1000
#define FORM_TARGET	0x2000	/* operand is the address of the far landing */
#define FORM_CLSIZED	0x4000	/* undefined flags only when the count is above 1 */
#define FORM_SEG	0x8000	/* ModRM.reg names a segment register to read */
#define FORM_D64	0x10000	/* no 32-bit form in 64-bit mode */
#define FORM_SHD16	0x20000	/* 16-bit double shift: count is kept below 17 */

struct native_form {
	const char *name;
	u8 op[4];
	u8 oplen;
	u8 kind;
	u8 sizes;
	s8 ext;			/* ModRM.reg, or -1: random */
	u8 imm;			/* bytes, 0xff: operand size at most 4, 0xfe: full */
	u32 flags;
	u32 undef;		/* flags that the manual leaves undefined */
};

extern const struct native_form native_forms[];
extern const u32 native_form_count;

#endif /* NST_TEST_NATIVE_H */
