// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where values live: registers, memory behind segments, vector registers.
 * Every memory access of an instruction passes nst_linear(), which knows the
 * segment, limit, canonical and alignment rules. Pure.
 */
#include "insn.h"

#define LINEAR_4G	0x100000000ULL

u64 nst_gpr_read(const struct nst_emul *e, u32 reg, u32 size)
{
	return e->gpr[reg] & nst_mask(size);
}

void nst_gpr_write(struct nst_emul *e, u32 reg, u32 size, u64 val)
{
	u64 mask = nst_mask(size);

	if (size == 4)
		e->gpr[reg] = val & mask;
	else
		e->gpr[reg] = (e->gpr[reg] & ~mask) | (val & mask);
}

void nst_gpr_add(struct nst_emul *e, u32 reg, u32 size, u64 delta)
{
	nst_gpr_write(e, reg, size, e->gpr[reg] + delta);
}

static enum nst_emul_result segment_fault(struct nst_emul *e, u32 seg)
{
	return nst_emul_raise(e, seg == NST_SEG_SS ? SS_VECTOR : GP_VECTOR, 0);
}

static bool rights_allow(const struct nst_emul_seg *s, bool write)
{
	if (s->ar & NST_AR_UNUSABLE)
		return false;
	if (s->ar & NST_AR_CODE)
		return !write && (s->ar & NST_AR_RW);
	return !write || (s->ar & NST_AR_RW);
}

static bool limit_allows(const struct nst_emul_seg *s, u64 off, u32 len)
{
	u64 last = off + len - 1;

	if ((s->ar & (NST_AR_CODE | NST_AR_DC)) != NST_AR_DC)
		return last <= s->limit;
	return off > s->limit && last <= (s->ar & NST_AR_DB ? 0xffffffffu : 0xffffu);
}

static enum nst_emul_result linear_legacy(struct nst_emul *e, u32 seg, u64 off, u32 len,
					  bool write, u64 *lin)
{
	const struct nst_emul_seg *s = &e->seg[seg];

	if (nst_real_or_vm86(e)) {
		if (off + len - 1 > s->limit)
			return segment_fault(e, seg);
	} else if (!rights_allow(s, write) || !limit_allows(s, off, len)) {
		return segment_fault(e, seg);
	}
	*lin = (u32)(s->base + off);
	return NST_EMUL_OK;
}

enum nst_emul_result nst_linear(struct nst_emul *e, u32 seg, u64 off, u32 len,
				bool write, u64 *lin)
{
	u64 base = seg >= NST_SEG_FS ? e->seg[seg].base : 0;

	if (!nst_64bit(e))
		return linear_legacy(e, seg, off, len, write, lin);
	*lin = base + off;
	if (!nst_canonical(e, *lin) || !nst_canonical(e, *lin + len - 1))
		return segment_fault(e, seg);
	return NST_EMUL_OK;
}

/* SDM3 "Alignment Check Exception (#AC)". */
static bool alignment_fault(const struct nst_emul *e, u64 lin, u32 len)
{
	if (e->cpl != 3 || !(e->cr0 & X86_CR0_AM) || !(e->rflags & X86_EFLAGS_AC))
		return false;
	return (len == 2 || len == 4 || len == 8) && (lin & (len - 1));
}

static enum nst_emul_result data_linear(struct nst_emul *e, u32 seg, u64 off, u32 len,
					bool write, u64 *lin)
{
	enum nst_emul_result r = nst_linear(e, seg, off, len, write, lin);

	if (r == NST_EMUL_OK && alignment_fault(e, *lin, len))
		return nst_emul_raise(e, AC_VECTOR, 0);
	return r;
}

/*
 * Bytes up to where linear addresses wrap to 0: at 4 GiB, but for 64-bit code
 * and for the descriptor tables of long mode.
 */
static u32 before_wrap(const struct nst_emul *e, u64 lin, u32 len, u32 flags)
{
	bool wide = nst_64bit(e) || (nst_long_mode(e) && (flags & NST_EMUL_ACC_IMPLICIT));
	u64 last = lin + len - 1;

	if (wide)
		return last < lin ? (u32)-lin : len;
	return last >= LINEAR_4G ? (u32)(LINEAR_4G - lin) : len;
}

static enum nst_emul_result read_linear(struct nst_emul *e, u64 lin, void *buf, u32 len,
					u32 flags)
{
	u32 first = before_wrap(e, lin, len, flags);
	enum nst_emul_result r;

	r = e->ops->read(e, lin, buf, first, flags);
	if (r == NST_EMUL_OK && first < len)
		r = e->ops->read(e, 0, (u8 *)buf + first, len - first, flags);
	return r;
}

static enum nst_emul_result probe_linear(struct nst_emul *e, u64 lin, u32 len, u32 flags)
{
	u32 first = before_wrap(e, lin, len, flags);
	enum nst_emul_result r;

	if (!e->ops->probe_write)
		return NST_EMUL_OK;
	r = e->ops->probe_write(e, lin, first, flags);
	if (r == NST_EMUL_OK && first < len)
		r = e->ops->probe_write(e, 0, len - first, flags);
	return r;
}

static enum nst_emul_result write_linear(struct nst_emul *e, u64 lin, const void *buf, u32 len,
					 u32 flags)
{
	u32 first = before_wrap(e, lin, len, flags);
	enum nst_emul_result r = NST_EMUL_OK;

	if (first < len)
		r = probe_linear(e, lin, len, flags);
	if (r == NST_EMUL_OK)
		r = e->ops->write(e, lin, buf, first, flags);
	if (r == NST_EMUL_OK && first < len)
		r = e->ops->write(e, 0, (const u8 *)buf + first, len - first, flags);
	return r;
}

enum nst_emul_result nst_mem_read(struct nst_emul *e, u32 seg, u64 off, void *buf,
				  u32 len, u32 flags)
{
	enum nst_emul_result r;
	u64 lin;

	r = data_linear(e, seg, off, len, flags & NST_EMUL_ACC_RMW, &lin);
	if (r == NST_EMUL_OK)
		r = read_linear(e, lin, buf, len, flags);
	if (r == NST_EMUL_OK)
		nst_break_data(e, lin, len, false);
	return r;
}

enum nst_emul_result nst_mem_write(struct nst_emul *e, u32 seg, u64 off,
				   const void *buf, u32 len)
{
	enum nst_emul_result r;
	u64 lin;

	r = data_linear(e, seg, off, len, true, &lin);
	if (r == NST_EMUL_OK)
		r = write_linear(e, lin, buf, len, 0);
	if (r == NST_EMUL_OK)
		nst_break_data(e, lin, len, true);
	return r;
}

enum nst_emul_result nst_mem_probe(struct nst_emul *e, u32 seg, u64 off, u32 len)
{
	enum nst_emul_result r;
	u64 lin;

	r = nst_linear(e, seg, off, len, true, &lin);
	return r == NST_EMUL_OK ? probe_linear(e, lin, len, 0) : r;
}

enum nst_emul_result nst_emul_access(struct nst_emul *e, u32 seg, u64 off, void *buf,
				     u32 len, bool write)
{
	return write ? nst_mem_write(e, seg, off, buf, len) :
		       nst_mem_read(e, seg, off, buf, len, 0);
}

/* Descriptor tables lie at linear addresses of 32 bits outside long mode. */
static bool system_address(const struct nst_emul *e, u64 *lin, u32 len)
{
	if (nst_long_mode(e))
		return nst_canonical(e, *lin) && nst_canonical(e, *lin + len - 1);
	*lin = (u32)*lin;
	return true;
}

enum nst_emul_result nst_sys_read(struct nst_emul *e, u64 lin, void *buf, u32 len)
{
	if (!system_address(e, &lin, len))
		return nst_gp0(e);
	return read_linear(e, lin, buf, len, NST_EMUL_ACC_IMPLICIT);
}

enum nst_emul_result nst_sys_write(struct nst_emul *e, u64 lin, const void *buf, u32 len)
{
	if (!system_address(e, &lin, len))
		return nst_gp0(e);
	return write_linear(e, lin, buf, len, NST_EMUL_ACC_IMPLICIT);
}

static bool vector_aligned(const struct nst_emul *e, const struct nst_emul_operand *op)
{
	u64 base = e->seg[op->seg].base;

	if (!(e->d.flags & NST_F_ALIGN))
		return true;
	if (nst_64bit(e) && op->seg < NST_SEG_FS)
		base = 0;
	return !((base + op->ea) & (op->size - 1));
}

static enum nst_emul_result mem_operand_read(struct nst_emul *e,
					     struct nst_emul_operand *op, u32 flags)
{
	if (op->size > 8) {
		if (!vector_aligned(e, op))
			return nst_gp0(e);
		return nst_mem_read(e, op->seg, op->ea, e->buf, op->size, flags);
	}
	op->val = 0;
	return nst_mem_read(e, op->seg, op->ea, &op->val, op->size, flags);
}

enum nst_emul_result nst_op_read(struct nst_emul *e, struct nst_emul_operand *op,
				 u32 flags)
{
	switch (op->kind) {
	case NST_K_GPR:
		op->val = nst_gpr_read(e, op->reg, op->size);
		return NST_EMUL_OK;
	case NST_K_GPR_HIGH:
		op->val = (e->gpr[op->reg] >> 8) & 0xff;
		return NST_EMUL_OK;
	case NST_K_MEM:
		return mem_operand_read(e, op, flags);
	case NST_K_SREG:
		op->val = e->seg[op->reg].selector;
		return NST_EMUL_OK;
	case NST_K_XMM:
		if (!e->ops->vec_read)
			return NST_EMUL_UNKNOWN;
		return e->ops->vec_read(e, op->reg, e->buf, op->size);
	case NST_K_MMX:
		if (!e->ops->mmx_read)
			return NST_EMUL_UNKNOWN;
		return e->ops->mmx_read(e, op->reg, &op->val);
	default:
		return NST_EMUL_OK;
	}
}

enum nst_emul_result nst_op_write(struct nst_emul *e, struct nst_emul_operand *op)
{
	switch (op->kind) {
	case NST_K_GPR:
		nst_gpr_write(e, op->reg, op->size, op->val);
		return NST_EMUL_OK;
	case NST_K_GPR_HIGH:
		e->gpr[op->reg] = (e->gpr[op->reg] & ~0xff00ULL) | (op->val & 0xff) << 8;
		return NST_EMUL_OK;
	case NST_K_MEM:
		if (op->size <= 8)
			return nst_mem_write(e, op->seg, op->ea, &op->val, op->size);
		if (!vector_aligned(e, op))
			return nst_gp0(e);
		return nst_mem_write(e, op->seg, op->ea, e->buf, op->size);
	case NST_K_XMM:
		if (!e->ops->vec_write)
			return NST_EMUL_UNKNOWN;
		return e->ops->vec_write(e, op->reg, e->buf, op->size, e->d.vex_len);
	case NST_K_MMX:
		if (!e->ops->mmx_write)
			return NST_EMUL_UNKNOWN;
		return e->ops->mmx_write(e, op->reg, op->val);
	default:
		return NST_EMUL_DEAD;
	}
}
