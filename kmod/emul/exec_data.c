// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: moves, conversions, single flags, and the vector moves that device
 * memory sees. Pure.
 */
#include "exec.h"

#define LAHF_FLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
			 X86_EFLAGS_ZF | X86_EFLAGS_SF)

NST_EXEC(mov)
{
	e->d.op[0].val = e->d.op[1].val;
	return NST_EMUL_OK;
}

NST_EXEC(movsx)
{
	e->d.op[0].val = nst_sign_extend(e->d.op[1].val, e->d.op[1].size);
	return NST_EMUL_OK;
}

bool nst_emul_only_operand(const struct nst_emul *e)
{
	const struct nst_opcode *row = e->d.row;

	return row && (row->exec == nst_x_mov || row->exec == nst_x_movsx ||
		       row->exec == nst_x_xchg);
}

NST_EXEC(lea)
{
	e->d.op[0].val = e->d.op[1].ea;
	return NST_EMUL_OK;
}

NST_EXEC(nop)
{
	return NST_EMUL_OK;
}

/* F3 90 with REX.B set is an exchange, not PAUSE. */
NST_EXEC(pause)
{
	if (e->d.op[0].reg != NST_RAX)
		return nst_x_xchg(e);
	e->d.no_write = true;
	return nst_intercept(e, NST_ICPT_PAUSE, 0, 0);
}

NST_EXEC(ud)
{
	return nst_ud(e);
}

/* CBW, CWDE, CDQE */
NST_EXEC(cbw)
{
	u32 size = e->d.opsize;

	nst_gpr_write(e, NST_RAX, size, nst_sign_extend(e->gpr[NST_RAX], size / 2));
	return NST_EMUL_OK;
}

/* CWD, CDQ, CQO */
NST_EXEC(cwd)
{
	u32 size = e->d.opsize;
	bool sign = e->gpr[NST_RAX] & nst_top_bit(size);

	nst_gpr_write(e, NST_RDX, size, sign ? ~0ULL : 0);
	return NST_EMUL_OK;
}

NST_EXEC(lahf)
{
	u64 ah = (e->rflags & LAHF_FLAGS) | X86_EFLAGS_FIXED;

	if (e->d.mode == 8 && !nst_has(e, NST_FEAT_LAHF64))
		return nst_ud(e);
	nst_gpr_write(e, NST_RAX, 2, nst_gpr_read(e, NST_RAX, 1) | ah << 8);
	return NST_EMUL_OK;
}

NST_EXEC(sahf)
{
	if (e->d.mode == 8 && !nst_has(e, NST_FEAT_LAHF64))
		return nst_ud(e);
	nst_set_flags(e, LAHF_FLAGS, e->gpr[NST_RAX] >> 8);
	return NST_EMUL_OK;
}

NST_EXEC(clc)
{
	nst_set_flags(e, X86_EFLAGS_CF, 0);
	return NST_EMUL_OK;
}

NST_EXEC(stc)
{
	nst_set_flags(e, X86_EFLAGS_CF, X86_EFLAGS_CF);
	return NST_EMUL_OK;
}

NST_EXEC(cmc)
{
	e->rflags ^= X86_EFLAGS_CF;
	return NST_EMUL_OK;
}

NST_EXEC(cld)
{
	nst_set_flags(e, X86_EFLAGS_DF, 0);
	return NST_EMUL_OK;
}

NST_EXEC(std)
{
	nst_set_flags(e, X86_EFLAGS_DF, X86_EFLAGS_DF);
	return NST_EMUL_OK;
}

NST_EXEC(salc)
{
	nst_gpr_write(e, NST_RAX, 1, e->rflags & X86_EFLAGS_CF ? 0xff : 0);
	return NST_EMUL_OK;
}

NST_EXEC(xlat)
{
	u32 seg = e->d.seg_override >= 0 ? (u32)e->d.seg_override : NST_SEG_DS;
	u64 off = (e->gpr[NST_RBX] + nst_gpr_read(e, NST_RAX, 1)) & nst_mask(e->d.adsize);
	enum nst_emul_result r;
	u8 byte = 0;

	r = nst_mem_read(e, seg, off, &byte, 1, 0);
	if (r == NST_EMUL_OK)
		nst_gpr_write(e, NST_RAX, 1, byte);
	return r;
}

/* Bring the source into e->buf, zero-extended to a whole register. */
static enum nst_emul_result vector_source(struct nst_emul *e)
{
	struct nst_emul_operand *src = &e->d.op[1];
	enum nst_emul_result r;

	memset(e->buf, 0, 32);
	r = nst_op_read(e, src, 0);
	if (r == NST_EMUL_OK && src->kind != NST_K_XMM && src->size <= 8)
		memcpy(e->buf, &src->val, src->size);
	return r;
}

static enum nst_emul_result vector_store(struct nst_emul *e)
{
	struct nst_emul_operand *dst = &e->d.op[0];

	if (dst->kind != NST_K_XMM && dst->size <= 8) {
		dst->val = 0;
		memcpy(&dst->val, e->buf, dst->size);
	}
	return nst_op_write(e, dst);
}

/* MOVUPS, MOVDQA, MOVD, MOVQ, … : a load zeroes what it does not bring. */
NST_EXEC(vmov)
{
	enum nst_emul_result r = vector_source(e);

	return r == NST_EMUL_OK ? vector_store(e) : r;
}

/* MOVSS and MOVSD: between registers the upper part stays. */
NST_EXEC(vmov_scalar)
{
	if (e->d.op[0].kind == NST_K_XMM && e->d.op[1].kind == NST_K_XMM) {
		if (e->d.vex_len)
			return NST_EMUL_UNKNOWN;
		e->d.op[0].size = e->d.op[1].size;
	}
	return nst_x_vmov(e);
}

/* MOVHPS and MOVHPD: memory and the high half of a register. */
NST_EXEC(vmov_high)
{
	struct nst_emul_operand *dst = &e->d.op[0], *src = &e->d.op[1];
	enum nst_emul_result r;
	u64 half = 0;

	if (!e->ops->vec_read || !e->ops->vec_write)
		return NST_EMUL_UNKNOWN;
	if (dst->kind == NST_K_MEM) {
		r = e->ops->vec_read(e, src->reg, e->buf, 16);
		memcpy(&half, e->buf + 8, 8);
		return r == NST_EMUL_OK ?
		       nst_mem_write(e, dst->seg, dst->ea, &half, 8) : r;
	}
	r = nst_mem_read(e, src->seg, src->ea, &half, 8, 0);
	if (r == NST_EMUL_OK)
		r = e->ops->vec_read(e, dst->reg, e->buf, 16);
	if (r != NST_EMUL_OK)
		return r;
	memcpy(e->buf + 8, &half, 8);
	return e->ops->vec_write(e, dst->reg, e->buf, 16, false);
}
