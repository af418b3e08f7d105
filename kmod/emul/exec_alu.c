// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: addition, subtraction, logic, compare-and-exchange and the decimal
 * adjustments, with their flags. Operands arrive in e->d.op[].val and the
 * result leaves in op[0].val. Pure.
 */
#include "exec.h"

static u64 add_flags(u64 a, u64 b, u64 res, u32 size)
{
	u64 top = nst_top_bit(size);
	u64 carry = (a & b) | ((a | b) & ~res);

	return nst_szp(res, size) | nst_flag_if(carry & top, X86_EFLAGS_CF) |
	       nst_flag_if((a ^ res) & (b ^ res) & top, X86_EFLAGS_OF) |
	       nst_flag_if((a ^ b ^ res) & 0x10, X86_EFLAGS_AF);
}

static u64 sub_flags(u64 a, u64 b, u64 res, u32 size)
{
	u64 top = nst_top_bit(size);
	u64 borrow = (~a & b) | ((~a | b) & res);

	return nst_szp(res, size) | nst_flag_if(borrow & top, X86_EFLAGS_CF) |
	       nst_flag_if((a ^ b) & (a ^ res) & top, X86_EFLAGS_OF) |
	       nst_flag_if((a ^ b ^ res) & 0x10, X86_EFLAGS_AF);
}

static enum nst_emul_result do_add(struct nst_emul *e, u64 carry)
{
	struct nst_emul_operand *op = e->d.op;
	u64 a = op[0].val, b = op[1].val, res = a + b + carry;

	nst_set_flags(e, NST_ARITH_FLAGS, add_flags(a, b, res, op[0].size));
	op[0].val = res;
	return NST_EMUL_OK;
}

static u64 do_sub(struct nst_emul *e, u64 a, u64 b, u64 borrow, u32 size)
{
	u64 res = a - b - borrow;

	nst_set_flags(e, NST_ARITH_FLAGS, sub_flags(a, b, res, size));
	return res;
}

/* AF is undefined after logic; processors clear it. */
static enum nst_emul_result set_logic(struct nst_emul *e, u64 res)
{
	nst_set_flags(e, NST_ARITH_FLAGS, nst_szp(res, e->d.op[0].size));
	e->d.op[0].val = res;
	return NST_EMUL_OK;
}

NST_EXEC(add)
{
	return do_add(e, 0);
}

NST_EXEC(adc)
{
	return do_add(e, e->rflags & X86_EFLAGS_CF ? 1 : 0);
}

NST_EXEC(sub)
{
	struct nst_emul_operand *op = e->d.op;

	op[0].val = do_sub(e, op[0].val, op[1].val, 0, op[0].size);
	return NST_EMUL_OK;
}

NST_EXEC(sbb)
{
	struct nst_emul_operand *op = e->d.op;
	u64 borrow = e->rflags & X86_EFLAGS_CF ? 1 : 0;

	op[0].val = do_sub(e, op[0].val, op[1].val, borrow, op[0].size);
	return NST_EMUL_OK;
}

NST_EXEC(cmp)
{
	nst_compare(e, e->d.op[0].val, e->d.op[1].val, e->d.op[0].size);
	return NST_EMUL_OK;
}

void nst_compare(struct nst_emul *e, u64 a, u64 b, u32 size)
{
	do_sub(e, a, b, 0, size);
}

NST_EXEC(and)
{
	return set_logic(e, e->d.op[0].val & e->d.op[1].val);
}

NST_EXEC(or)
{
	return set_logic(e, e->d.op[0].val | e->d.op[1].val);
}

NST_EXEC(xor)
{
	return set_logic(e, e->d.op[0].val ^ e->d.op[1].val);
}

NST_EXEC(test)
{
	return set_logic(e, e->d.op[0].val & e->d.op[1].val);
}

NST_EXEC(not)
{
	e->d.op[0].val = ~e->d.op[0].val;
	return NST_EMUL_OK;
}

NST_EXEC(neg)
{
	e->d.op[0].val = do_sub(e, 0, e->d.op[0].val, 0, e->d.op[0].size);
	return NST_EMUL_OK;
}

NST_EXEC(inc)
{
	u64 a = e->d.op[0].val;

	nst_set_flags(e, NST_ARITH_FLAGS & ~X86_EFLAGS_CF,
		      add_flags(a, 1, a + 1, e->d.op[0].size));
	e->d.op[0].val = a + 1;
	return NST_EMUL_OK;
}

NST_EXEC(dec)
{
	u64 a = e->d.op[0].val;

	nst_set_flags(e, NST_ARITH_FLAGS & ~X86_EFLAGS_CF,
		      sub_flags(a, 1, a - 1, e->d.op[0].size));
	e->d.op[0].val = a - 1;
	return NST_EMUL_OK;
}

NST_EXEC(xadd)
{
	struct nst_emul_operand *op = e->d.op;
	u64 old = op[0].val;

	do_add(e, 0);
	op[1].val = old;
	return nst_op_write(e, &op[1]);
}

NST_EXEC(xchg)
{
	struct nst_emul_operand *op = e->d.op;
	u64 old = op[0].val;

	op[0].val = op[1].val;
	op[1].val = old;
	return nst_op_write(e, &op[1]);
}

/* 90 is NOP, which does not clear the upper half of RAX, unless REX.B is set. */
NST_EXEC(xchg_acc)
{
	struct nst_emul_operand *op = e->d.op;

	if (op[0].reg != NST_RAX)
		return nst_x_xchg(e);
	e->d.no_write = true;
	return NST_EMUL_OK;
}

/* Memory is written even when the comparison fails: SDM2 "CMPXCHG". */
NST_EXEC(cmpxchg)
{
	struct nst_emul_operand *op = e->d.op;
	u64 acc = nst_gpr_read(e, NST_RAX, op[0].size);

	do_sub(e, acc, op[0].val, 0, op[0].size);
	if (acc == op[0].val) {
		op[0].val = op[1].val;
		return NST_EMUL_OK;
	}
	nst_gpr_write(e, NST_RAX, op[0].size, op[0].val);
	e->d.no_write = op[0].kind != NST_K_MEM;
	return NST_EMUL_OK;
}

static enum nst_emul_result cmpxchg_wide_write(struct nst_emul *e, const u64 *old,
					       const u64 *new, u32 len)
{
	struct nst_emul_operand *op = &e->d.op[0];
	enum nst_emul_result r;
	bool done = true;
	u64 lin;

	if (!e->d.lock || !e->ops->exchange)
		return nst_mem_write(e, op->seg, op->ea, new, len);
	r = nst_linear(e, op->seg, op->ea, len, true, &lin);
	if (r == NST_EMUL_OK)
		r = e->ops->exchange(e, lin, old, new, len, &done);
	/* Lost a race: run the instruction again from the start. */
	if (r == NST_EMUL_OK && !done)
		e->d.again = true;
	return r;
}

/* CMPXCHG8B and CMPXCHG16B: memory against RDX:RAX, RCX:RBX goes in. */
NST_EXEC(cmpxchg_wide)
{
	struct nst_emul_operand *op = &e->d.op[0];
	u32 half = e->d.mode == 8 && (e->d.rex & 0x8) ? 8 : 4;
	u64 old[2] = { 0, 0 }, new[2];
	u8 *mem = e->buf;
	enum nst_emul_result r;
	bool equal;

	if (!nst_has(e, half == 8 ? NST_FEAT_CX16 : NST_FEAT_CX8))
		return nst_ud(e);
	r = nst_linear(e, op->seg, op->ea, 2 * half, true, &new[0]);
	if (r == NST_EMUL_OK && half == 8 && (new[0] & 15))
		return nst_gp0(e);
	if (r == NST_EMUL_OK)
		r = nst_mem_read(e, op->seg, op->ea, mem, 2 * half, NST_EMUL_ACC_RMW);
	if (r != NST_EMUL_OK)
		return r;
	memcpy(&old[0], mem, half);
	memcpy(&old[1], mem + half, half);
	equal = old[0] == nst_gpr_read(e, NST_RAX, half) &&
		old[1] == nst_gpr_read(e, NST_RDX, half);
	new[0] = equal ? nst_gpr_read(e, NST_RBX, half) : old[0];
	new[1] = equal ? nst_gpr_read(e, NST_RCX, half) : old[1];
	if (half == 4) {
		old[0] |= old[1] << 32;
		new[0] |= new[1] << 32;
	}
	r = cmpxchg_wide_write(e, old, new, 2 * half);
	if (r != NST_EMUL_OK || e->d.again)
		return r;
	nst_set_flags(e, X86_EFLAGS_ZF, nst_flag_if(equal, X86_EFLAGS_ZF));
	if (!equal) {
		nst_gpr_write(e, NST_RAX, half, half == 4 ? (u32)old[0] : old[0]);
		nst_gpr_write(e, NST_RDX, half, old[1]);
	}
	return NST_EMUL_OK;
}

static void set_al(struct nst_emul *e, u64 al)
{
	nst_gpr_write(e, NST_RAX, 1, al);
}

/* DAA and DAS: SDM2 "DAA", "DAS". OF is undefined; processors clear it. */
static enum nst_emul_result decimal_adjust(struct nst_emul *e, bool subtract)
{
	u32 al = (u32)nst_gpr_read(e, NST_RAX, 1), res = al;
	bool low = (al & 0xf) > 9 || (e->rflags & X86_EFLAGS_AF);
	bool high = al > 0x99 || (e->rflags & X86_EFLAGS_CF);
	bool carry = high;

	if (low) {
		res = subtract ? res - 6 : res + 6;
		carry = carry || (subtract && al < 6);
	}
	if (high)
		res = subtract ? res - 0x60 : res + 0x60;
	set_al(e, res);
	nst_set_flags(e, NST_ARITH_FLAGS,
		      nst_szp(res, 1) | nst_flag_if(low, X86_EFLAGS_AF) |
		      nst_flag_if(carry, X86_EFLAGS_CF));
	return NST_EMUL_OK;
}

NST_EXEC(daa)
{
	return decimal_adjust(e, false);
}

NST_EXEC(das)
{
	return decimal_adjust(e, true);
}

static enum nst_emul_result ascii_adjust(struct nst_emul *e, bool subtract)
{
	u64 ax = nst_gpr_read(e, NST_RAX, 2);
	bool adjust = (ax & 0xf) > 9 || (e->rflags & X86_EFLAGS_AF);

	if (adjust)
		ax = subtract ? ax - 0x106 : ax + 0x106;
	nst_gpr_write(e, NST_RAX, 2, ax & 0xff0f);
	nst_set_flags(e, X86_EFLAGS_AF | X86_EFLAGS_CF,
		      nst_flag_if(adjust, X86_EFLAGS_AF | X86_EFLAGS_CF));
	return NST_EMUL_OK;
}

NST_EXEC(aaa)
{
	return ascii_adjust(e, false);
}

NST_EXEC(aas)
{
	return ascii_adjust(e, true);
}

NST_EXEC(aam)
{
	u64 al = nst_gpr_read(e, NST_RAX, 1), base = e->d.op[0].val & 0xff;

	if (!base)
		return nst_emul_raise(e, DE_VECTOR, -1);
	nst_gpr_write(e, NST_RAX, 2, (u32)al / (u32)base << 8 | (u32)al % (u32)base);
	nst_set_flags(e, NST_ARITH_FLAGS, nst_szp((u32)al % (u32)base, 1));
	return NST_EMUL_OK;
}

NST_EXEC(aad)
{
	u64 ax = nst_gpr_read(e, NST_RAX, 2);
	u64 al = ((ax & 0xff) + (ax >> 8) * (e->d.op[0].val & 0xff)) & 0xff;

	nst_gpr_write(e, NST_RAX, 2, al);
	nst_set_flags(e, NST_ARITH_FLAGS, nst_szp(al, 1));
	return NST_EMUL_OK;
}
