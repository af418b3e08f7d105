// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: jumps, calls and returns within a code segment. Pure.
 */
#include "exec.h"

bool nst_condition(u64 rflags, u32 cc)
{
	bool sf_ne_of = !(rflags & X86_EFLAGS_SF) != !(rflags & X86_EFLAGS_OF);
	bool res;

	switch (cc >> 1) {
	case 0:
		res = rflags & X86_EFLAGS_OF;
		break;
	case 1:
		res = rflags & X86_EFLAGS_CF;
		break;
	case 2:
		res = rflags & X86_EFLAGS_ZF;
		break;
	case 3:
		res = rflags & (X86_EFLAGS_CF | X86_EFLAGS_ZF);
		break;
	case 4:
		res = rflags & X86_EFLAGS_SF;
		break;
	case 5:
		res = rflags & X86_EFLAGS_PF;
		break;
	case 6:
		res = sf_ne_of;
		break;
	default:
		res = sf_ne_of || (rflags & X86_EFLAGS_ZF);
		break;
	}
	return res != (cc & 1);
}

enum nst_emul_result nst_jump_near(struct nst_emul *e, u64 ip)
{
	ip &= nst_mask(e->d.opsize);
	if (e->d.mode == 8 ? !nst_canonical(e, ip) : ip > e->seg[NST_SEG_CS].limit)
		return nst_gp0(e);
	e->rip = ip;
	e->d.jumped = true;
	return NST_EMUL_OK;
}

static u64 next_ip(const struct nst_emul *e)
{
	return e->rip + e->insn_len;
}

NST_EXEC(jmp_rel)
{
	return nst_jump_near(e, next_ip(e) + e->d.op[0].val);
}

NST_EXEC(jmp_abs)
{
	return nst_jump_near(e, e->d.op[0].val);
}

static enum nst_emul_result call(struct nst_emul *e, u64 target)
{
	u64 ret = next_ip(e);
	enum nst_emul_result r = nst_jump_near(e, target);

	return r == NST_EMUL_OK ? nst_push(e, ret, e->d.opsize) : r;
}

NST_EXEC(call_rel)
{
	return call(e, next_ip(e) + e->d.op[0].val);
}

NST_EXEC(call_abs)
{
	return call(e, e->d.op[0].val);
}

NST_EXEC(ret)
{
	enum nst_emul_result r;
	u64 ip;

	r = nst_pop(e, &ip, e->d.opsize);
	if (r != NST_EMUL_OK)
		return r;
	nst_gpr_add(e, NST_RSP, nst_stack_size(e), e->d.op[0].val & 0xffff);
	return nst_jump_near(e, ip);
}

NST_EXEC(jcc)
{
	if (!nst_condition(e->rflags, e->d.opcode & 0xf))
		return NST_EMUL_OK;
	return nst_x_jmp_rel(e);
}

/* E0 LOOPNE, E1 LOOPE, E2 LOOP */
NST_EXEC(loop)
{
	bool zf = e->rflags & X86_EFLAGS_ZF;
	u64 count;

	nst_gpr_add(e, NST_RCX, e->d.adsize, -1ULL);
	count = nst_gpr_read(e, NST_RCX, e->d.adsize);
	if (!count || (e->d.opcode == 0xe0 && zf) || (e->d.opcode == 0xe1 && !zf))
		return NST_EMUL_OK;
	return nst_x_jmp_rel(e);
}

NST_EXEC(jcxz)
{
	if (nst_gpr_read(e, NST_RCX, e->d.adsize))
		return NST_EMUL_OK;
	return nst_x_jmp_rel(e);
}

NST_EXEC(bound)
{
	struct nst_emul_operand *op = e->d.op;
	s64 idx = (s64)nst_sign_extend(op[0].val, op[0].size);
	u64 upper = 0;
	enum nst_emul_result r;

	r = nst_mem_read(e, op[1].seg, (op[1].ea + op[1].size) & nst_mask(e->d.adsize),
			 &upper, op[1].size, 0);
	if (r != NST_EMUL_OK)
		return r;
	if (idx < (s64)nst_sign_extend(op[1].val, op[1].size) ||
	    idx > (s64)nst_sign_extend(upper, op[1].size))
		return nst_emul_raise(e, BR_VECTOR, -1);
	return NST_EMUL_OK;
}
