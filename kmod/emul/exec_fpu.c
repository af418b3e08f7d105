// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: x87 control and moves, FXSAVE and FXRSTOR, on an image of the FPU
 * in FXSAVE's layout. Moves are exact or refused: a store that would have to
 * round, or anything that raises an x87 exception other than a masked denormal
 * or signalling NaN, is an instruction that we do not know. Pure.
 */
#include "exec.h"

/* SDM1 "Layout of the 64-Bit Mode FXSAVE Map (Requires REX.W = 1)". */
struct fx_image {
	u16 fcw, fsw;
	u8 ftw, pad0;
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
	u8 st[8][16];		/* ST(0) first, not by physical number */
	u8 xmm[16][16];
	u8 rest[96];
};

/* An x87 register in parts. */
struct ext {
	u64 man;		/* bit 63 is the integer bit */
	u32 exp;		/* biased by EXP_BIAS */
	bool neg;
};

#define EXP_BIAS	0x3fff
#define EXP_MAX		0x7fff
#define INT_BIT		0x8000000000000000ull
#define QUIET_BIT	0x4000000000000000ull

#define FSW_IE		0x0001
#define FSW_DE		0x0002
#define FSW_EXC		0x00ff
#define FSW_ES		0x0080
#define FSW_BUSY	0x8000
#define FSW_C1		0x0200
#define FSW_TOP_SHIFT	11
#define FCW_RESET	0x037f
#define FCW_FIXED	0x0040
#define FCW_KEPT	0x1f7f	/* bits that FLDCW can change, and the fixed one */
#define MXCSR_DEFAULT_MASK	0xffbfu
#define FX_CHUNK	32u
#define FX_XMM		160u	/* offset of xmm[] */

static struct fx_image *image_of(struct nst_emul *e)
{
	return (struct fx_image *)(e->buf + NST_EMUL_IO_MAX - sizeof(struct fx_image));
}

static enum nst_emul_result fx_get(struct nst_emul *e)
{
	if (!e->ops->fx_read || !e->ops->fx_write)
		return NST_EMUL_UNKNOWN;
	return e->ops->fx_read(e, image_of(e));
}

static enum nst_emul_result fx_put(struct nst_emul *e)
{
	return e->ops->fx_write(e, image_of(e));
}

enum nst_emul_result nst_fpu_pending(struct nst_emul *e)
{
	enum nst_emul_result r = fx_get(e);

	if (r != NST_EMUL_OK || !(image_of(e)->fsw & FSW_ES))
		return r;
	/* Without CR0.NE the error is an interrupt that the chipset makes. */
	return e->cr0 & X86_CR0_NE ? nst_emul_raise(e, MF_VECTOR, -1) : NST_EMUL_UNKNOWN;
}

static u32 top(const struct fx_image *fx)
{
	return (fx->fsw >> FSW_TOP_SHIFT) & 7;
}

static void set_top(struct fx_image *fx, u32 val)
{
	fx->fsw = (u16)((fx->fsw & ~(7u << FSW_TOP_SHIFT)) | (val & 7) << FSW_TOP_SHIFT);
}

/* What FNSTENV would tell a handler about the last instruction. */
static void note_pointers(struct nst_emul *e, struct fx_image *fx)
{
	fx->fop = (u16)((e->d.opcode & 7) << 8 | e->d.modrm);
	fx->fip = e->rip;
	fx->fdp = e->d.op[0].ea;
	fx->fsw &= (u16)~FSW_C1;
}

static enum nst_emul_result push(struct nst_emul *e, const struct ext *val)
{
	struct fx_image *fx = image_of(e);
	u16 high = (u16)(val->exp | (val->neg ? 0x8000 : 0));
	u32 new_top = (top(fx) - 1) & 7;

	/* Overflow of the register stack is an exception. */
	if (fx->ftw & (1u << new_top))
		return NST_EMUL_UNKNOWN;
	memmove(fx->st[1], fx->st[0], 7 * sizeof(fx->st[0]));
	memset(fx->st[0], 0, sizeof(fx->st[0]));
	memcpy(fx->st[0], &val->man, 8);
	memcpy(fx->st[0] + 8, &high, 2);
	fx->ftw |= (u8)(1u << new_top);
	set_top(fx, new_top);
	note_pointers(e, fx);
	return fx_put(e);
}

static bool peek(const struct fx_image *fx, struct ext *val)
{
	u16 high;

	if (!(fx->ftw & (1u << top(fx))))
		return false;
	memcpy(&val->man, fx->st[0], 8);
	memcpy(&high, fx->st[0] + 8, 2);
	val->exp = high & EXP_MAX;
	val->neg = high & 0x8000;
	return true;
}

static void pop(struct fx_image *fx)
{
	u8 first[16];

	memcpy(first, fx->st[0], sizeof(first));
	memmove(fx->st[0], fx->st[1], 7 * sizeof(fx->st[0]));
	memcpy(fx->st[7], first, sizeof(first));
	fx->ftw &= (u8)~(1u << top(fx));
	set_top(fx, top(fx) + 1);
}

static enum nst_emul_result masked(struct nst_emul *e, u16 flag)
{
	struct fx_image *fx = image_of(e);

	if (!(fx->fcw & flag))
		return NST_EMUL_UNKNOWN;
	fx->fsw |= flag;
	return NST_EMUL_OK;
}

/* Single (23, 8) and double (52, 11) precision to the format of a register. */
static enum nst_emul_result widen(struct nst_emul *e, u64 raw, u32 frac_bits, u32 exp_bits,
				  struct ext *val)
{
	u32 exp_max = (1u << exp_bits) - 1, exp = (u32)(raw >> frac_bits) & exp_max;
	u64 frac = (raw & ((1ull << frac_bits) - 1)) << (63 - frac_bits);
	u32 shift;

	val->neg = (raw >> (frac_bits + exp_bits)) & 1;
	val->man = frac | INT_BIT;
	val->exp = exp + EXP_BIAS - exp_max / 2;
	if (exp == exp_max) {
		val->exp = EXP_MAX;
		if (!frac || (frac & QUIET_BIT))
			return NST_EMUL_OK;
		val->man |= QUIET_BIT;
		return masked(e, FSW_IE);
	}
	if (exp)
		return NST_EMUL_OK;
	val->man = frac;
	if (!frac) {
		val->exp = 0;
		return NST_EMUL_OK;
	}
	shift = (u32)__builtin_clzll(frac);
	val->man = frac << shift;
	val->exp = 1 + EXP_BIAS - exp_max / 2 - shift;
	return masked(e, FSW_DE);
}

/* The reverse, when nothing is lost but the low bits of a quiet NaN. */
static bool narrow(const struct ext *val, u32 frac_bits, u32 exp_bits, u64 *raw)
{
	u32 exp_max = (1u << exp_bits) - 1, drop = 63 - frac_bits;
	s32 exp = (s32)val->exp - EXP_BIAS + (s32)(exp_max / 2);
	u64 sign = (u64)val->neg << (frac_bits + exp_bits);
	u64 frac = (val->man & ~INT_BIT) >> drop;

	*raw = sign;
	if (!val->exp)
		return !val->man;
	if (!(val->man & INT_BIT))
		return false;
	if (val->exp == EXP_MAX) {
		*raw |= (u64)exp_max << frac_bits | frac;
		return !(val->man & ~INT_BIT) || (val->man & QUIET_BIT);
	}
	/* A denormal: the integer bit moves into the fraction. */
	if (exp <= 0) {
		drop += (u32)(1 - exp);
		frac = drop < 64 ? val->man >> drop : 0;
		exp = 0;
	}
	*raw |= (u64)exp << frac_bits | frac;
	return drop < 64 && exp < (s32)exp_max && !(val->man & ((1ull << drop) - 1));
}

static enum nst_emul_result begin(struct nst_emul *e)
{
	struct nst_emul_operand *op = &e->d.op[0];
	u64 lin;

	/* Before the image is fetched into the same buffer: the checks. */
	if (op->kind == NST_K_MEM && nst_linear(e, op->seg, op->ea, op->size, false,
						&lin) != NST_EMUL_OK)
		return NST_EMUL_FAULT;
	return nst_fpu_pending(e);
}

NST_EXEC(fld)
{
	struct nst_emul_operand *op = &e->d.op[0];
	struct ext val = { 0 };
	enum nst_emul_result r = begin(e);
	u8 raw[16] = { 0 };
	u64 low;
	u16 high;

	if (r == NST_EMUL_OK)
		r = nst_mem_read(e, op->seg, op->ea, raw, op->size, 0);
	if (r != NST_EMUL_OK)
		return r;
	memcpy(&low, raw, 8);
	if (op->size == 10) {
		memcpy(&high, raw + 8, 2);
		val = (struct ext){ .man = low, .exp = high & EXP_MAX, .neg = high & 0x8000 };
	} else {
		r = op->size == 8 ? widen(e, low, 52, 11, &val) : widen(e, low, 23, 8, &val);
	}
	return r == NST_EMUL_OK ? push(e, &val) : r;
}

NST_EXEC(fild)
{
	struct nst_emul_operand *op = &e->d.op[0];
	enum nst_emul_result r = begin(e);
	struct ext val = { 0 };
	u64 raw = 0;
	u32 shift;

	if (r == NST_EMUL_OK)
		r = nst_mem_read(e, op->seg, op->ea, &raw, op->size, 0);
	if (r != NST_EMUL_OK)
		return r;
	raw = nst_sign_extend(raw, op->size);
	val.neg = raw >> 63;
	val.man = val.neg ? -raw : raw;
	if (val.man) {
		shift = (u32)__builtin_clzll(val.man);
		val.man <<= shift;
		val.exp = EXP_BIAS + 63 - shift;
	}
	return push(e, &val);
}

/* FST /2 and FIST /2 leave the value, the others pop it. */
static enum nst_emul_result store(struct nst_emul *e, const void *raw)
{
	struct nst_emul_operand *op = &e->d.op[0];
	struct fx_image *fx = image_of(e);
	enum nst_emul_result r;

	note_pointers(e, fx);
	if ((e->d.modrm & 0x38) != 0x10)
		pop(fx);
	r = nst_mem_write(e, op->seg, op->ea, raw, op->size);
	return r == NST_EMUL_OK ? fx_put(e) : r;
}

NST_EXEC(fst)
{
	enum nst_emul_result r = begin(e);
	u32 size = e->d.op[0].size;
	struct ext val;
	u8 raw[16];
	u64 low;

	if (r != NST_EMUL_OK)
		return r;
	if (!peek(image_of(e), &val))
		return NST_EMUL_UNKNOWN;
	if (size == 10) {
		memcpy(raw, image_of(e)->st[0], 10);
		return store(e, raw);
	}
	if (size == 8 ? !narrow(&val, 52, 11, &low) : !narrow(&val, 23, 8, &low))
		return NST_EMUL_UNKNOWN;
	return store(e, &low);
}

/* A whole number that fits, or false. */
static bool integer(const struct ext *val, u32 size, u64 *raw)
{
	u32 shift = EXP_BIAS + 63 - val->exp;

	*raw = 0;
	if (!val->exp && !val->man)
		return true;
	if (!(val->man & INT_BIT) || val->exp < EXP_BIAS || val->exp > EXP_BIAS + 63)
		return false;
	if (shift && (val->man & ((1ull << shift) - 1)))
		return false;
	*raw = val->man >> shift;
	if (*raw > nst_top_bit(size) || (*raw == nst_top_bit(size) && !val->neg))
		return false;
	if (val->neg)
		*raw = -*raw;
	return true;
}

NST_EXEC(fist)
{
	enum nst_emul_result r = begin(e);
	struct ext val;
	u64 raw;

	if (r != NST_EMUL_OK)
		return r;
	if (!peek(image_of(e), &val) || !integer(&val, e->d.op[0].size, &raw))
		return NST_EMUL_UNKNOWN;
	return store(e, &raw);
}

/* ES and B follow from the exceptions and their masks. */
static void update_summary(struct fx_image *fx)
{
	bool pending = fx->fsw & ~fx->fcw & 0x3f;

	fx->fsw &= ~(FSW_ES | FSW_BUSY);
	if (pending)
		fx->fsw |= FSW_ES | FSW_BUSY;
}

NST_EXEC(fldcw)
{
	struct nst_emul_operand *op = &e->d.op[0];
	enum nst_emul_result r = begin(e);
	u16 fcw;

	if (r == NST_EMUL_OK)
		r = nst_mem_read(e, op->seg, op->ea, &fcw, sizeof(fcw), 0);
	if (r != NST_EMUL_OK)
		return r;
	image_of(e)->fcw = (fcw & FCW_KEPT) | FCW_FIXED;
	update_summary(image_of(e));
	return fx_put(e);
}

NST_EXEC(fnstcw)
{
	enum nst_emul_result r = fx_get(e);

	e->d.op[0].val = image_of(e)->fcw;
	return r;
}

NST_EXEC(fnstsw)
{
	enum nst_emul_result r = fx_get(e);

	e->d.op[0].val = image_of(e)->fsw;
	return r;
}

NST_EXEC(fnclex)
{
	enum nst_emul_result r = fx_get(e);

	if (r != NST_EMUL_OK)
		return r;
	image_of(e)->fsw &= ~(FSW_EXC | FSW_BUSY);
	return fx_put(e);
}

NST_EXEC(fninit)
{
	enum nst_emul_result r = fx_get(e);
	struct fx_image *fx = image_of(e);
	u8 st[8][16];
	u32 i;

	if (r != NST_EMUL_OK)
		return r;
	/* The registers keep their values, which now count from another top. */
	for (i = 0; i < 8; i++)
		memcpy(st[(i + top(fx)) & 7], fx->st[i], sizeof(st[0]));
	memcpy(fx->st, st, sizeof(st));
	fx->fcw = FCW_RESET;
	fx->fsw = 0;
	fx->ftw = 0;
	fx->fop = 0;
	fx->fip = 0;
	fx->fdp = 0;
	return fx_put(e);
}

NST_EXEC(fwait)
{
	u64 both = X86_CR0_MP | X86_CR0_TS;

	if ((e->cr0 & both) == both)
		return nst_emul_raise(e, NM_VECTOR, -1);
	return nst_fpu_pending(e);
}

NST_EXEC(emms)
{
	enum nst_emul_result r = nst_fpu_pending(e);

	if (r != NST_EMUL_OK)
		return r;
	image_of(e)->ftw = 0;
	return fx_put(e);
}

/* Bytes that FXSAVE and FXRSTOR move: XMM8 to XMM15 are of 64-bit mode. */
static u32 fx_bytes(const struct nst_emul *e)
{
	if (e->d.mode == 8 && !e->cpl && (e->efer & EFER_FFXSR))
		return FX_XMM;
	return FX_XMM + 16u * (e->d.mode == 8 ? 16 : 8);
}

/* Without REX.W the pointers have 32 bits, and selectors that nobody saves. */
static void cut_pointers(const struct nst_emul *e, struct fx_image *fx)
{
	if (e->d.mode == 8 && e->d.opsize == 8)
		return;
	fx->fip &= 0xffffffff;
	fx->fdp &= 0xffffffff;
}

static enum nst_emul_result fx_aligned(struct nst_emul *e)
{
	struct nst_emul_operand *op = &e->d.op[0];
	enum nst_emul_result r;
	u64 lin;

	r = nst_linear(e, op->seg, op->ea, NST_EMUL_FX_SIZE, false, &lin);
	return r == NST_EMUL_OK && (lin & 15) ? nst_gp0(e) : r;
}

NST_EXEC(fxsave)
{
	u32 bytes = fx_bytes(e), pos;
	struct nst_emul_operand *op = &e->d.op[0];
	enum nst_emul_result r = fx_aligned(e);

	if (r == NST_EMUL_OK)
		r = nst_mem_probe(e, op->seg, op->ea, NST_EMUL_FX_SIZE);
	if (r == NST_EMUL_OK)
		r = fx_get(e);
	if (r == NST_EMUL_OK)
		cut_pointers(e, image_of(e));
	for (pos = 0; pos < bytes && r == NST_EMUL_OK; pos += FX_CHUNK)
		r = nst_mem_write(e, op->seg, op->ea + pos, (u8 *)image_of(e) + pos, FX_CHUNK);
	return r;
}

static bool mxcsr_ok(const struct fx_image *fx, u32 mxcsr)
{
	u32 mask = fx->mxcsr_mask ? fx->mxcsr_mask : MXCSR_DEFAULT_MASK;

	return !(mxcsr & ~mask);
}

NST_EXEC(fxrstor)
{
	u32 bytes = fx_bytes(e), pos, mask;
	struct nst_emul_operand *op = &e->d.op[0];
	enum nst_emul_result r = fx_aligned(e);
	struct fx_image *fx = image_of(e);

	if (r == NST_EMUL_OK)
		r = fx_get(e);
	mask = fx->mxcsr_mask;
	for (pos = 0; pos < bytes && r == NST_EMUL_OK; pos += FX_CHUNK)
		r = nst_mem_read(e, op->seg, op->ea + pos, (u8 *)fx + pos, FX_CHUNK, 0);
	if (r != NST_EMUL_OK)
		return r;
	fx->mxcsr_mask = mask;
	if (!mxcsr_ok(fx, fx->mxcsr))
		return nst_gp0(e);
	fx->fcw = (fx->fcw & FCW_KEPT) | FCW_FIXED;
	update_summary(fx);
	cut_pointers(e, fx);
	return fx_put(e);
}

NST_EXEC(ldmxcsr)
{
	u32 val = (u32)e->d.op[0].val;
	enum nst_emul_result r = fx_get(e);

	if (r != NST_EMUL_OK)
		return r;
	if (!mxcsr_ok(image_of(e), val))
		return nst_gp0(e);
	image_of(e)->mxcsr = val;
	return fx_put(e);
}

NST_EXEC(stmxcsr)
{
	enum nst_emul_result r = fx_get(e);

	e->d.op[0].val = image_of(e)->mxcsr;
	return r;
}
