// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: shifts, rotates and double shifts. The undefined flags are what
 * current processors do: OF is computed for every count. Pure.
 */
#include "exec.h"

static u32 shift_count(const struct nst_emul *e, u32 which)
{
	return (u32)e->d.op[which].val & (e->d.op[0].size == 8 ? 0x3f : 0x1f);
}

static enum nst_emul_result nothing_shifted(struct nst_emul *e)
{
	/* A register is still written: a 32-bit one loses its upper half. */
	e->d.no_write = e->d.op[0].kind == NST_K_MEM && !e->d.lock;
	return NST_EMUL_OK;
}

static enum nst_emul_result set_shift(struct nst_emul *e, u64 res, bool cf, bool of)
{
	nst_set_flags(e, NST_ARITH_FLAGS,
		      nst_szp(res, e->d.op[0].size) | nst_flag_if(cf, X86_EFLAGS_CF) |
		      nst_flag_if(of, X86_EFLAGS_OF));
	e->d.op[0].val = res;
	return NST_EMUL_OK;
}

static enum nst_emul_result set_rotate(struct nst_emul *e, u64 res, bool cf, bool of)
{
	nst_set_flags(e, X86_EFLAGS_CF | X86_EFLAGS_OF,
		      nst_flag_if(cf, X86_EFLAGS_CF) | nst_flag_if(of, X86_EFLAGS_OF));
	e->d.op[0].val = res;
	return NST_EMUL_OK;
}

NST_EXEC(shl)
{
	u32 size = e->d.op[0].size, bits = size * 8, n = shift_count(e, 1);
	u64 val = e->d.op[0].val, res;
	bool cf;

	if (!n)
		return nothing_shifted(e);
	res = n < 64 ? val << n : 0;
	cf = n <= bits && (val >> (bits - n)) & 1;
	return set_shift(e, res, cf, cf != !!(res & nst_top_bit(size)));
}

NST_EXEC(shr)
{
	u32 size = e->d.op[0].size, n = shift_count(e, 1);
	u64 val = e->d.op[0].val, res;

	if (!n)
		return nothing_shifted(e);
	res = val >> n;
	/* The two top bits of the result differ when the sign was lost. */
	return set_shift(e, res, (val >> (n - 1)) & 1,
			 (res ^ (res << 1)) & nst_top_bit(size));
}

NST_EXEC(sar)
{
	u32 size = e->d.op[0].size, n = shift_count(e, 1);
	s64 val = (s64)nst_sign_extend(e->d.op[0].val, size);

	if (!n)
		return nothing_shifted(e);
	return set_shift(e, (u64)(val >> n), (val >> (n - 1)) & 1, false);
}

NST_EXEC(rol)
{
	u32 size = e->d.op[0].size, bits = size * 8, n = shift_count(e, 1);
	u64 val = e->d.op[0].val, res = val;

	if (!n)
		return nothing_shifted(e);
	n &= bits - 1;
	if (n)
		res = (val << n) | (val >> (bits - n));
	return set_rotate(e, res, res & 1, !!(res & nst_top_bit(size)) != (res & 1));
}

NST_EXEC(ror)
{
	u32 size = e->d.op[0].size, bits = size * 8, n = shift_count(e, 1);
	u64 val = e->d.op[0].val, res = val;

	if (!n)
		return nothing_shifted(e);
	n &= bits - 1;
	if (n)
		res = (val >> n) | (val << (bits - n));
	return set_rotate(e, res, res & nst_top_bit(size),
			  (res ^ (res << 1)) & nst_top_bit(size));
}

NST_EXEC(rcl)
{
	u32 size = e->d.op[0].size, bits = size * 8, n = shift_count(e, 1) % (bits + 1);
	u64 res = e->d.op[0].val, top = nst_top_bit(size);
	bool cf = e->rflags & X86_EFLAGS_CF, out;

	if (!n)
		return nothing_shifted(e);
	for (; n; n--) {
		out = res & top;
		res = (res << 1) | cf;
		cf = out;
	}
	return set_rotate(e, res, cf, !!(res & top) != cf);
}

NST_EXEC(rcr)
{
	u32 size = e->d.op[0].size, bits = size * 8, n = shift_count(e, 1) % (bits + 1);
	u64 res = e->d.op[0].val, top = nst_top_bit(size);
	bool cf = e->rflags & X86_EFLAGS_CF, out;

	if (!n)
		return nothing_shifted(e);
	for (; n; n--) {
		out = res & 1;
		res = (res >> 1) | (cf ? top : 0);
		cf = out;
	}
	return set_rotate(e, res, cf, (res ^ (res << 1)) & top);
}

/*
 * SHLD and SHRD. A 16-bit operand with a count above 16 is undefined: then
 * the bits of the two operands follow each other in a circle.
 */
NST_EXEC(shld)
{
	u32 size = e->d.op[0].size, bits = size * 8, n = shift_count(e, 2);
	u64 val = e->d.op[0].val, src = e->d.op[1].val, res, wide;
	bool cf;

	if (!n)
		return nothing_shifted(e);
	if (size == 2) {
		wide = val << 32 | src << 16 | val;
		res = wide << n >> 32;
		cf = (wide >> (48 - n)) & 1;
	} else {
		res = (val << n) | (src >> (bits - n));
		cf = (val >> (bits - n)) & 1;
	}
	return set_shift(e, res, cf, (res ^ val) & nst_top_bit(size));
}

NST_EXEC(shrd)
{
	u32 size = e->d.op[0].size, bits = size * 8, n = shift_count(e, 2);
	u64 val = e->d.op[0].val, src = e->d.op[1].val, res, wide;
	bool cf;

	if (!n)
		return nothing_shifted(e);
	if (size == 2) {
		wide = val << 32 | src << 16 | val;
		res = wide >> n;
		cf = (wide >> (n - 1)) & 1;
	} else {
		res = (val >> n) | (src << (bits - n));
		cf = (val >> (n - 1)) & 1;
	}
	return set_shift(e, res, cf, (res ^ val) & nst_top_bit(size));
}
