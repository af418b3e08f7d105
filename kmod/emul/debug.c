// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breakpoints on what the emulator does for a guest: the debug registers are
 * looked at as hardware would. An instruction breakpoint is a fault before the
 * instruction, those on data and ports are traps after it. Follows SDM3
 * "Debug Registers" and "Debug Exceptions". Pure.
 */
#include "insn.h"

#define NR_BREAKPOINTS	4
#define DR7_ENABLES	0xffu

/* DR7.R/Wn */
#define RW_EXEC		0u
#define RW_WRITE	1u
#define RW_IO		2u
#define RW_ACCESS	3u

static bool enabled(const struct nst_emul *e, u32 n)
{
	return (e->dr7 >> (2 * n)) & 3;
}

static u32 kind(const struct nst_emul *e, u32 n)
{
	return (e->dr7 >> (16 + 4 * n)) & 3;
}

static bool overlaps(const struct nst_emul *e, u32 n, u64 addr, u32 len)
{
	static const u8 sizes[] = { 1, 2, 8, 4 };
	u32 size = sizes[(e->dr7 >> (18 + 4 * n)) & 3];
	u64 start = e->dr[n] & ~(u64)(size - 1);

	return addr < start + size && start < addr + len;
}

/* Bits of DR6 for breakpoints of the kinds in the mask @kinds. */
static u64 hits(const struct nst_emul *e, u32 kinds, u64 addr, u32 len)
{
	u64 bits = 0;
	u32 n;

	for (n = 0; n < NR_BREAKPOINTS; n++)
		if (enabled(e, n) && (kinds >> kind(e, n)) & 1 && overlaps(e, n, addr, len))
			bits |= BIT(n);
	return bits;
}

bool nst_breakpoints(const struct nst_emul *e)
{
	return e->dr7 & DR7_ENABLES;
}

void nst_break_data(struct nst_emul *e, u64 lin, u32 len, bool write)
{
	if (nst_breakpoints(e))
		e->trap_dr6 |= hits(e, 1u << RW_ACCESS | (u32)write << RW_WRITE, lin, len);
}

void nst_break_io(struct nst_emul *e, u16 port, u32 size)
{
	if (nst_breakpoints(e) && (e->cr4 & X86_CR4_DE))
		e->trap_dr6 |= hits(e, 1u << RW_IO, port, size);
}

enum nst_emul_result nst_break_exec(struct nst_emul *e)
{
	u64 lin = e->rip, bits;

	if (!nst_breakpoints(e) || (e->rflags & X86_EFLAGS_RF))
		return NST_EMUL_OK;
	if (!nst_64bit(e))
		lin = (u32)(lin + e->seg[NST_SEG_CS].base);
	bits = hits(e, 1u << RW_EXEC, lin, 1);
	if (!bits)
		return NST_EMUL_OK;
	nst_emul_raise(e, DB_VECTOR, -1);
	e->exc.payload = bits;
	return NST_EMUL_FAULT;
}
