// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: bit tests, bit scans, counts, byte swaps, condition sets and moves,
 * BMI1 and BMI2. Pure.
 */
#include "exec.h"

static enum nst_emul_result bit_op(struct nst_emul *e, u64 set, u64 clear, u64 flip)
{
	struct nst_emul_operand *op = e->d.op;
	u32 n = (u32)op[1].val & (op[0].size * 8 - 1);
	u64 bit = 1ULL << n;

	nst_set_flags(e, X86_EFLAGS_CF, nst_flag_if(op[0].val & bit, X86_EFLAGS_CF));
	op[0].val = ((op[0].val | (bit & set)) & ~(bit & clear)) ^ (bit & flip);
	return NST_EMUL_OK;
}

NST_EXEC(bt)
{
	return bit_op(e, 0, 0, 0);
}

NST_EXEC(bts)
{
	return bit_op(e, ~0ULL, 0, 0);
}

NST_EXEC(btr)
{
	return bit_op(e, 0, ~0ULL, 0);
}

NST_EXEC(btc)
{
	return bit_op(e, 0, 0, ~0ULL);
}

static u32 lowest_bit(u64 val)
{
	return (u32)__builtin_ctzll(val);
}

static u32 highest_bit(u64 val)
{
	return 63 - (u32)__builtin_clzll(val);
}

/* The destination of a scan of zero is undefined: processors keep it. */
static enum nst_emul_result scan(struct nst_emul *e, u64 val, u32 (*find)(u64))
{
	nst_set_flags(e, X86_EFLAGS_ZF, nst_flag_if(!val, X86_EFLAGS_ZF));
	if (val)
		e->d.op[0].val = find(val);
	else
		e->d.no_write = true;
	return NST_EMUL_OK;
}

NST_EXEC(bsf)
{
	return scan(e, e->d.op[1].val, lowest_bit);
}

NST_EXEC(bsr)
{
	return scan(e, e->d.op[1].val, highest_bit);
}

static enum nst_emul_result set_count(struct nst_emul *e, u32 count)
{
	nst_set_flags(e, X86_EFLAGS_CF | X86_EFLAGS_ZF,
		      nst_flag_if(!e->d.op[1].val, X86_EFLAGS_CF) |
		      nst_flag_if(!count, X86_EFLAGS_ZF));
	e->d.op[0].val = count;
	return NST_EMUL_OK;
}

NST_EXEC(tzcnt)
{
	/* A processor that does not know it ignores the prefix. */
	if (!nst_has(e, NST_FEAT_BMI1))
		return nst_x_bsf(e);
	u64 val = e->d.op[1].val;

	return set_count(e, val ? lowest_bit(val) : e->d.op[0].size * 8);
}

NST_EXEC(lzcnt)
{
	if (!nst_has(e, NST_FEAT_LZCNT))
		return nst_x_bsr(e);
	u64 val = e->d.op[1].val;
	u32 bits = e->d.op[0].size * 8;

	return set_count(e, val ? bits - 1 - highest_bit(val) : bits);
}

NST_EXEC(popcnt)
{
	u64 val = e->d.op[1].val;
	u32 count = 0;

	for (; val; val &= val - 1)
		count++;
	nst_set_flags(e, NST_ARITH_FLAGS, nst_flag_if(!count, X86_EFLAGS_ZF));
	e->d.op[0].val = count;
	return NST_EMUL_OK;
}

static u64 swap_bytes(u64 val, u32 size)
{
	u64 res = 0;
	u32 i;

	for (i = 0; i < size; i++)
		res |= ((val >> (8 * i)) & 0xff) << (8 * (size - 1 - i));
	return res;
}

/* With a 16-bit operand the result is undefined: processors give zero. */
NST_EXEC(bswap)
{
	struct nst_emul_operand *op = e->d.op;

	op[0].val = op[0].size == 2 ? 0 : swap_bytes(op[0].val, op[0].size);
	return NST_EMUL_OK;
}

NST_EXEC(movbe)
{
	e->d.op[0].val = swap_bytes(e->d.op[1].val, e->d.op[0].size);
	return NST_EMUL_OK;
}

NST_EXEC(setcc)
{
	e->d.op[0].val = nst_condition(e->rflags, e->d.opcode & 0xf);
	return NST_EMUL_OK;
}

/* The register is written in any case: a 32-bit one loses its upper half. */
NST_EXEC(cmov)
{
	if (nst_condition(e->rflags, e->d.opcode & 0xf))
		e->d.op[0].val = e->d.op[1].val;
	return NST_EMUL_OK;
}

NST_EXEC(crc32)
{
	struct nst_emul_operand *op = e->d.op;
	u32 crc = (u32)op[0].val, i, bit;

	for (i = 0; i < op[1].size; i++) {
		crc ^= (u32)(op[1].val >> (8 * i)) & 0xff;
		/* The Castagnoli polynomial, reflected: SDM2 "CRC32". */
		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	op[0].val = crc;
	return NST_EMUL_OK;
}

NST_EXEC(adcx)
{
	struct nst_emul_operand *op = e->d.op;
	u64 flag = e->d.rep ? X86_EFLAGS_OF : X86_EFLAGS_CF;
	u64 a = op[0].val, b = op[1].val, res = a + b + (e->rflags & flag ? 1 : 0);
	u64 carry = ((a & b) | ((a | b) & ~res)) & nst_top_bit(op[0].size);

	nst_set_flags(e, flag, nst_flag_if(carry, flag));
	op[0].val = res;
	return NST_EMUL_OK;
}

static enum nst_emul_result set_bmi(struct nst_emul *e, u64 res, bool cf)
{
	u64 flags = nst_szp(res, e->d.op[0].size) & ~(u64)X86_EFLAGS_PF;

	nst_set_flags(e, NST_ARITH_FLAGS & ~(u64)(X86_EFLAGS_AF | X86_EFLAGS_PF),
		      flags | nst_flag_if(cf, X86_EFLAGS_CF));
	e->d.op[0].val = res;
	return NST_EMUL_OK;
}

NST_EXEC(andn)
{
	return set_bmi(e, ~e->d.op[1].val & e->d.op[2].val, false);
}

NST_EXEC(blsr)
{
	u64 val = e->d.op[1].val;

	return set_bmi(e, val & (val - 1), !val);
}

NST_EXEC(blsmsk)
{
	u64 val = e->d.op[1].val, res = val ^ (val - 1);

	set_bmi(e, res, !val);
	nst_set_flags(e, X86_EFLAGS_ZF, 0);
	return NST_EMUL_OK;
}

NST_EXEC(blsi)
{
	u64 val = e->d.op[1].val;

	return set_bmi(e, val & -val, val);
}

NST_EXEC(bextr)
{
	struct nst_emul_operand *op = e->d.op;
	u32 start = (u32)op[2].val & 0xff, len = (u32)(op[2].val >> 8) & 0xff;
	u64 res = start < 64 ? op[1].val >> start : 0;

	if (len < 64)
		res &= (1ULL << len) - 1;
	nst_set_flags(e, X86_EFLAGS_ZF | X86_EFLAGS_CF | X86_EFLAGS_OF,
		      nst_flag_if(!res, X86_EFLAGS_ZF));
	op[0].val = res;
	return NST_EMUL_OK;
}

NST_EXEC(bzhi)
{
	struct nst_emul_operand *op = e->d.op;
	u32 n = (u32)op[2].val & 0xff, bits = op[0].size * 8;
	u64 res = op[1].val;

	if (n < bits)
		res &= (1ULL << n) - 1;
	return set_bmi(e, res, n >= bits);
}

NST_EXEC(pdep)
{
	u64 src = e->d.op[1].val, mask = e->d.op[2].val, res = 0;

	for (; mask; mask &= mask - 1, src >>= 1)
		if (src & 1)
			res |= mask & -mask;
	e->d.op[0].val = res;
	return NST_EMUL_OK;
}

NST_EXEC(pext)
{
	u64 src = e->d.op[1].val, mask = e->d.op[2].val, res = 0, bit = 1;

	for (; mask; mask &= mask - 1, bit <<= 1)
		if (src & mask & -mask)
			res |= bit;
	e->d.op[0].val = res;
	return NST_EMUL_OK;
}

/* SARX, SHLX, SHRX: the mandatory prefix says which. */
NST_EXEC(shiftx)
{
	struct nst_emul_operand *op = e->d.op;
	u32 n = (u32)op[2].val & (op[0].size * 8 - 1);

	if (e->d.rep == 0xf3)
		op[0].val = (u64)((s64)nst_sign_extend(op[1].val, op[0].size) >> n);
	else if (e->d.rep == 0xf2)
		op[0].val = op[1].val >> n;
	else
		op[0].val = op[1].val << n;
	return NST_EMUL_OK;
}

NST_EXEC(rorx)
{
	struct nst_emul_operand *op = e->d.op;
	u32 bits = op[0].size * 8, n = (u32)op[2].val & (bits - 1);
	u64 val = op[1].val;

	op[0].val = n ? val >> n | val << (bits - n) : val;
	return NST_EMUL_OK;
}
