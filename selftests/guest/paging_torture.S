/* SPDX-License-Identifier: GPL-2.0-only */
/* The engine of paging_torture.c, once for 32-bit and once for 64-bit modes. */
#include "layout.h"
#include "paging.h"
#include "paging_torture.h"

#define CR4_PKE			(1 << 22)
#define MSR_EFER		0xc0000080

	.section .low, "awx"

	.code32
#define NAME(x)			x##32
#define WORD			4
#define AX			eax
#define BX			ebx
#define DI			edi
#define SI			esi
#define SP			esp
#define IRET			iretl
#include "paging_engine.S"
#undef NAME
#undef WORD
#undef AX
#undef BX
#undef DI
#undef SI
#undef SP
#undef IRET

	.code64
#define NAME(x)			x##64
#define WORD			8
#define AX			rax
#define BX			rbx
#define DI			rdi
#define SI			rsi
#define SP			rsp
#define IRET			iretq
#include "paging_engine.S"
