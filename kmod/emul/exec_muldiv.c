// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: multiplication and division. 128-bit arithmetic is done by hand,
 * as the kernel has no library for it. Pure.
 */
#include "exec.h"

struct wide {
	u64 lo, hi;
};

static struct wide mul_unsigned(u64 a, u64 b)
{
	u64 al = (u32)a, ah = a >> 32, bl = (u32)b, bh = b >> 32;
	u64 ll = al * bl, lh = al * bh, hl = ah * bl;
	u64 mid = (ll >> 32) + (u32)lh + (u32)hl;
	struct wide w;

	w.lo = (mid << 32) | (u32)ll;
	w.hi = ah * bh + (lh >> 32) + (hl >> 32) + (mid >> 32);
	return w;
}

static struct wide mul_signed(u64 a, u64 b)
{
	struct wide w = mul_unsigned(a, b);

	if ((s64)a < 0)
		w.hi -= b;
	if ((s64)b < 0)
		w.hi -= a;
	return w;
}

static struct wide negate(struct wide w)
{
	w.lo = -w.lo;
	w.hi = ~w.hi + !w.lo;
	return w;
}

/* Requires w.hi < divisor, so that the quotient fits. */
static u64 div_wide(struct wide w, u64 divisor, u64 *rem)
{
	u64 quot = 0, top;
	u32 i;

	for (i = 0; i < 64; i++) {
		top = w.hi >> 63;
		w.hi = (w.hi << 1) | (w.lo >> 63);
		w.lo <<= 1;
		quot <<= 1;
		if (top || w.hi >= divisor) {
			w.hi -= divisor;
			quot |= 1;
		}
	}
	*rem = w.hi;
	return quot;
}

/* The product's or dividend's halves: AX for bytes, else rDX:rAX. */
static void set_pair(struct nst_emul *e, u32 size, u64 lo, u64 hi)
{
	if (size == 1) {
		nst_gpr_write(e, NST_RAX, 2, (lo & 0xff) | (hi & 0xff) << 8);
		return;
	}
	nst_gpr_write(e, NST_RAX, size, lo);
	nst_gpr_write(e, NST_RDX, size, hi);
}

static struct wide get_pair(const struct nst_emul *e, u32 size)
{
	struct wide w = { 0, 0 };

	if (size == 1)
		w.lo = nst_gpr_read(e, NST_RAX, 2);
	else if (size < 8)
		w.lo = nst_gpr_read(e, NST_RAX, size) |
		       nst_gpr_read(e, NST_RDX, size) << (size * 8);
	else
		w = (struct wide){ e->gpr[NST_RAX], e->gpr[NST_RDX] };
	return w;
}

static u64 high_half(struct wide w, u32 size)
{
	return size == 8 ? w.hi : w.lo >> (size * 8);
}

/* SF, ZF, AF and PF are undefined: left as they were. */
static void set_overflow(struct nst_emul *e, bool overflow)
{
	nst_set_flags(e, X86_EFLAGS_CF | X86_EFLAGS_OF,
		      nst_flag_if(overflow, X86_EFLAGS_CF | X86_EFLAGS_OF));
}

NST_EXEC(mul)
{
	u32 size = e->d.op[0].size;
	struct wide w = mul_unsigned(nst_gpr_read(e, NST_RAX, size), e->d.op[0].val);
	u64 hi = high_half(w, size);

	set_pair(e, size, w.lo, hi);
	set_overflow(e, hi & nst_mask(size));
	return NST_EMUL_OK;
}

static bool signed_overflow(struct wide w, u32 size)
{
	u64 low = nst_sign_extend(w.lo, size);

	return low != w.lo || w.hi != (u64)((s64)low >> 63);
}

NST_EXEC(imul1)
{
	u32 size = e->d.op[0].size;
	struct wide w = mul_signed(nst_sign_extend(e->gpr[NST_RAX], size),
				   nst_sign_extend(e->d.op[0].val, size));

	set_pair(e, size, w.lo, high_half(w, size));
	set_overflow(e, signed_overflow(w, size));
	return NST_EMUL_OK;
}

static enum nst_emul_result imul(struct nst_emul *e, u64 a, u64 b)
{
	u32 size = e->d.op[0].size;
	struct wide w = mul_signed(nst_sign_extend(a, size), nst_sign_extend(b, size));

	e->d.op[0].val = w.lo;
	set_overflow(e, signed_overflow(w, size));
	return NST_EMUL_OK;
}

NST_EXEC(imul2)
{
	return imul(e, e->d.op[0].val, e->d.op[1].val);
}

NST_EXEC(imul3)
{
	return imul(e, e->d.op[1].val, e->d.op[2].val);
}

NST_EXEC(div)
{
	u32 size = e->d.op[0].size;
	struct wide w = get_pair(e, size);
	u64 divisor = e->d.op[0].val, quot, rem;

	if (!divisor || high_half(w, size) >= divisor)
		return nst_emul_raise(e, DE_VECTOR, -1);
	quot = div_wide(w, divisor, &rem);
	set_pair(e, size, quot, rem);
	return NST_EMUL_OK;
}

NST_EXEC(idiv)
{
	u32 size = e->d.op[0].size;
	struct wide w = get_pair(e, size);
	u64 divisor = nst_sign_extend(e->d.op[0].val, size), quot, rem, limit;
	bool neg_dividend, neg_divisor = (s64)divisor < 0;

	if (size < 8) {
		w.lo = nst_sign_extend(w.lo, size * 2);
		w.hi = (u64)((s64)w.lo >> 63);
	}
	neg_dividend = (s64)w.hi < 0;
	if (neg_dividend)
		w = negate(w);
	if (neg_divisor)
		divisor = -divisor;
	if (!divisor || w.hi >= divisor)
		return nst_emul_raise(e, DE_VECTOR, -1);
	quot = div_wide(w, divisor, &rem);
	limit = nst_top_bit(size) - (neg_dividend == neg_divisor);
	if (quot > limit)
		return nst_emul_raise(e, DE_VECTOR, -1);
	set_pair(e, size, neg_dividend == neg_divisor ? quot : -quot,
		 neg_dividend ? -rem : rem);
	return NST_EMUL_OK;
}

/* BMI2 MULX: no flags; high half to operand 0, low half to operand 1. */
NST_EXEC(mulx)
{
	struct nst_emul_operand *op = e->d.op;
	u32 size = op[0].size;
	struct wide w = mul_unsigned(nst_gpr_read(e, NST_RDX, size), op[2].val);

	nst_gpr_write(e, op[1].reg, size, w.lo);
	op[0].val = high_half(w, size);
	return NST_EMUL_OK;
}
