// SPDX-License-Identifier: GPL-2.0-only
/*
 * From bytes to operands: prefixes, opcode, ModRM, SIB, displacement and
 * immediates become a table row and up to three operands with their effective
 * addresses. Knows encodings, not meanings. Pure.
 */
#include "insn.h"

/* SDM2 "Instruction Prefixes"; REX and VEX bit fields. */
#define REX_B		0x1
#define REX_X		0x2
#define REX_R		0x4
#define REX_W		0x8

#define PFX_OPSIZE	0x66
#define PFX_ADSIZE	0x67
#define PFX_LOCK	0xf0
#define PFX_REPNE	0xf2
#define PFX_REP		0xf3
#define ESC_0F		0x0f
#define VEX2		0xc5
#define VEX3		0xc4

static enum nst_emul_result fetch_chunk(struct nst_emul *e)
{
	const struct nst_emul_seg *cs = &e->seg[NST_SEG_CS];
	struct nst_emul_insn *d = &e->d;
	u32 room = NST_EMUL_INSN_MAX - d->fetched;
	enum nst_emul_result r;
	u64 lin, off;
	u32 page;

	if (d->mode == 8) {
		lin = e->rip + d->fetched;
		if (!nst_canonical(e, lin))
			return nst_gp0(e);
	} else {
		off = (u64)(u32)e->rip + d->fetched;
		if (off > cs->limit)
			return nst_gp0(e);
		if (room > cs->limit - off + 1)
			room = (u32)(cs->limit - off + 1);
		lin = (u32)(cs->base + off);
	}
	page = 0x1000 - (lin & 0xfff);
	if (room > page)
		room = page;
	r = e->ops->fetch(e, lin, e->insn + d->fetched, room);
	if (r == NST_EMUL_OK)
		d->fetched += room;
	return r;
}

/* Consume @n bytes, little-endian. */
static enum nst_emul_result take(struct nst_emul *e, u32 n, u64 *val)
{
	enum nst_emul_result r;
	u64 v = 0;
	u32 i;

	if (e->insn_len + n > NST_EMUL_INSN_MAX)
		return nst_gp0(e);
	while (e->d.fetched < e->insn_len + n) {
		r = fetch_chunk(e);
		if (r != NST_EMUL_OK)
			return r;
	}
	for (i = 0; i < n; i++)
		v |= (u64)e->insn[e->insn_len + i] << (8 * i);
	e->insn_len += n;
	*val = v;
	return NST_EMUL_OK;
}

static enum nst_emul_result take_byte(struct nst_emul *e, u8 *val)
{
	u64 v = 0;
	enum nst_emul_result r = take(e, 1, &v);

	*val = (u8)v;
	return r;
}

static enum nst_emul_result take_signed(struct nst_emul *e, u32 n, u64 *val)
{
	enum nst_emul_result r = take(e, n, val);

	if (r == NST_EMUL_OK)
		*val = nst_sign_extend(*val, n);
	return r;
}

static bool prefix_segment(struct nst_emul_insn *d, u8 byte)
{
	int seg;

	switch (byte) {
	case 0x26:
		seg = NST_SEG_ES;
		break;
	case 0x2e:
		seg = NST_SEG_CS;
		break;
	case 0x36:
		seg = NST_SEG_SS;
		break;
	case 0x3e:
		seg = NST_SEG_DS;
		break;
	case 0x64:
		seg = NST_SEG_FS;
		break;
	case 0x65:
		seg = NST_SEG_GS;
		break;
	default:
		return false;
	}
	/* In 64-bit mode the first four are null prefixes. */
	if (d->mode != 8 || seg >= NST_SEG_FS)
		d->seg_override = (s8)seg;
	return true;
}

static bool prefix_legacy(struct nst_emul_insn *d, u8 byte, bool *adsize)
{
	switch (byte) {
	case PFX_OPSIZE:
		d->has_opsize = true;
		return true;
	case PFX_ADSIZE:
		*adsize = true;
		return true;
	case PFX_LOCK:
		d->lock = true;
		return true;
	case PFX_REP:
	case PFX_REPNE:
		d->rep = byte;
		return true;
	default:
		return prefix_segment(d, byte);
	}
}

static enum nst_emul_result decode_prefixes(struct nst_emul *e)
{
	struct nst_emul_insn *d = &e->d;
	enum nst_emul_result r;
	bool adsize = false;
	u8 byte;

	for (;;) {
		r = take_byte(e, &byte);
		if (r != NST_EMUL_OK)
			return r;
		if (d->mode == 8 && (byte & 0xf0) == 0x40) {
			d->rex = byte;
			continue;
		}
		if (!prefix_legacy(d, byte, &adsize))
			break;
		/* A REX prefix counts only right before the opcode. */
		d->rex = 0;
	}
	d->opcode = byte;
	if (d->mode == 8)
		d->adsize = adsize ? 4 : 8;
	else
		d->adsize = (d->mode == 2) == adsize ? 4 : 2;
	return NST_EMUL_OK;
}

static void note_modrm(struct nst_emul *e, u8 byte)
{
	struct nst_emul_insn *d = &e->d;

	d->has_modrm = true;
	d->modrm = byte;
	e->modrm.mem = byte < 0xc0;
	e->modrm.reg = (u8)(((byte >> 3) & 7) | (d->rex & REX_R ? 8 : 0));
	e->modrm.rm = (u8)((byte & 7) | (d->rex & REX_B ? 8 : 0));
}

static enum nst_emul_result take_modrm(struct nst_emul *e)
{
	enum nst_emul_result r;
	u8 byte;

	if (e->d.has_modrm)
		return NST_EMUL_OK;
	r = take_byte(e, &byte);
	if (r == NST_EMUL_OK)
		note_modrm(e, byte);
	return r;
}

/* Set the mandatory prefix that VEX.pp stands for. */
static void vex_prefix(struct nst_emul_insn *d, u8 byte)
{
	d->vex_len = byte & 0x4 ? 32 : 16;
	d->vex_reg = ~(byte >> 3) & 0xf;
	d->has_opsize = (byte & 3) == 1;
	d->rep = 0;
	if ((byte & 3) == 2)
		d->rep = PFX_REP;
	else if ((byte & 3) == 3)
		d->rep = PFX_REPNE;
}

static enum nst_emul_result decode_vex(struct nst_emul *e, u8 byte)
{
	struct nst_emul_insn *d = &e->d;
	enum nst_emul_result r;
	u8 last = byte;

	if (d->lock || d->rep || d->has_opsize || d->rex || nst_real_or_vm86(e))
		return nst_ud(e);
	d->rex = 0x40 | (byte & 0x80 ? 0 : REX_R);
	d->vex_map = 1;
	if (d->opcode == VEX3) {
		d->vex_map = byte & 0x1f;
		d->rex |= (byte & 0x40 ? 0 : REX_X) | (byte & 0x20 ? 0 : REX_B);
		r = take_byte(e, &last);
		if (r != NST_EMUL_OK)
			return r;
		d->rex |= last & 0x80 ? REX_W : 0;
	}
	vex_prefix(d, last);
	if (d->mode != 8) {
		d->rex = d->rex & REX_W ? 0x40 | REX_W : 0;
		d->vex_reg &= 7;
	}
	r = take_byte(e, &d->opcode);
	if (r != NST_EMUL_OK)
		return r;
	d->row = nst_opcode_find(d->vex_map, true, d->opcode);
	return NST_EMUL_OK;
}

static enum nst_emul_result decode_0f(struct nst_emul *e)
{
	struct nst_emul_insn *d = &e->d;
	enum nst_emul_result r = take_byte(e, &d->opcode);
	u32 map;

	if (r != NST_EMUL_OK)
		return r;
	if (d->opcode != 0x38 && d->opcode != 0x3a) {
		d->row = &nst_opcodes_0f[d->opcode];
		return NST_EMUL_OK;
	}
	map = d->opcode == 0x38 ? 2 : 3;
	r = take_byte(e, &d->opcode);
	d->row = nst_opcode_find(map, false, d->opcode);
	return r;
}

static enum nst_emul_result decode_opcode(struct nst_emul *e)
{
	struct nst_emul_insn *d = &e->d;
	enum nst_emul_result r;
	u8 byte;

	if (d->opcode == ESC_0F)
		return decode_0f(e);
	if (d->opcode == VEX2 || d->opcode == VEX3) {
		/* Outside 64-bit mode a memory ModRM means LES or LDS. */
		r = take_byte(e, &byte);
		if (r != NST_EMUL_OK)
			return r;
		if (d->mode == 8 || (byte & 0xc0) == 0xc0)
			return decode_vex(e, byte);
		note_modrm(e, byte);
	}
	d->row = &nst_opcodes_1byte[d->opcode];
	return NST_EMUL_OK;
}

static u32 mandatory_prefix(const struct nst_emul_insn *d)
{
	if (d->rep == PFX_REP)
		return 2;
	if (d->rep == PFX_REPNE)
		return 3;
	return d->has_opsize ? 1 : 0;
}

/* Walk from the opcode's row through groups to the instruction's row. */
static enum nst_emul_result decode_row(struct nst_emul *e)
{
	struct nst_emul_insn *d = &e->d;
	enum nst_emul_result r;
	u32 flags, idx;

	if (!d->row)
		return NST_EMUL_UNKNOWN;
	d->flags = d->row->flags & ~NST_F_SUB;
	d->cols = d->row->op;
	while (d->row->sub) {
		flags = d->row->flags;
		if (flags & (NST_F_GRP | NST_F_MOD | NST_F_RM)) {
			r = take_modrm(e);
			if (r != NST_EMUL_OK)
				return r;
		}
		if (flags & NST_F_GRP)
			idx = (d->modrm >> 3) & 7;
		else if (flags & NST_F_MOD)
			idx = d->modrm >= 0xc0;
		else if (flags & NST_F_RM)
			idx = d->modrm & 7;
		else if (flags & NST_F_PFX)
			idx = mandatory_prefix(d);
		else
			idx = d->mode == 8;
		d->row = &d->row->sub[idx];
		d->flags |= d->row->flags & ~NST_F_SUB;
		/* A group's members may share the columns of the row above. */
		if (d->row->op[0])
			d->cols = d->row->op;
	}
	return d->row->exec ? NST_EMUL_OK : NST_EMUL_UNKNOWN;
}

static void decode_opsize(struct nst_emul_insn *d)
{
	if (d->mode != 8)
		d->opsize = (d->mode == 2) == d->has_opsize ? 4 : 2;
	else if ((d->rex & REX_W) || (d->flags & NST_F_F64))
		d->opsize = 8;
	else if (d->has_opsize)
		d->opsize = 2;
	else
		d->opsize = d->flags & NST_F_D64 ? 8 : 4;
}

static u8 operand_size(const struct nst_emul_insn *d, u32 width)
{
	switch (width) {
	case NST_S_V:
		return d->opsize;
	case NST_S_Y:
		return d->mode == 8 && (d->rex & REX_W) ? 8 : 4;
	case NST_S_Z:
		return d->opsize == 2 ? 2 : 4;
	case NST_S_N:
		return d->mode == 8 ? 8 : 4;
	case NST_S_WV:
		return d->modrm >= 0xc0 ? d->opsize : 2;
	case NST_S_L:
		return d->vex_len;
	case NST_S_DV:
		return d->opsize;
	default:
		return (u8)width;
	}
}

static void use_base(struct nst_emul *e, u32 reg, u8 *seg)
{
	e->modrm.has_base = true;
	e->modrm.base = (u8)reg;
	if (reg == NST_RSP || reg == NST_RBP)
		*seg = NST_SEG_SS;
}

static void use_index(struct nst_emul *e, u32 reg, u32 scale)
{
	e->modrm.has_index = true;
	e->modrm.index = (u8)reg;
	e->modrm.scale = (u8)scale;
}

static enum nst_emul_result take_disp(struct nst_emul *e, u32 n)
{
	return n ? take_signed(e, n, &e->modrm.disp) : NST_EMUL_OK;
}

/* SDM2 "16-Bit Addressing Forms with the ModR/M Byte". */
static enum nst_emul_result address_16(struct nst_emul *e, u8 *seg)
{
	static const u8 base[8] = { NST_RBX, NST_RBX, NST_RBP, NST_RBP,
				    NST_RSI, NST_RDI, NST_RBP, NST_RBX };
	u32 mod = e->d.modrm >> 6, rm = e->d.modrm & 7;

	if (mod == 0 && rm == 6)
		return take_disp(e, 2);
	use_base(e, base[rm], seg);
	if (rm < 4)
		use_index(e, rm & 1 ? NST_RDI : NST_RSI, 0);
	return take_disp(e, mod);
}

static enum nst_emul_result address_sib(struct nst_emul *e, u8 *seg)
{
	struct nst_emul_insn *d = &e->d;
	u32 mod = d->modrm >> 6, base, index;
	enum nst_emul_result r;
	u8 sib;

	r = take_byte(e, &sib);
	if (r != NST_EMUL_OK)
		return r;
	base = sib & 7;
	index = ((sib >> 3) & 7) | (d->rex & REX_X ? 8 : 0);
	if (index != NST_RSP)
		use_index(e, index, sib >> 6);
	if (base == NST_RBP && mod == 0)
		return take_disp(e, 4);
	use_base(e, base | (d->rex & REX_B ? 8 : 0), seg);
	return take_disp(e, mod == 2 ? 4 : mod);
}

static enum nst_emul_result address_32(struct nst_emul *e, u8 *seg)
{
	struct nst_emul_insn *d = &e->d;
	u32 mod = d->modrm >> 6, rm = d->modrm & 7;

	if (rm == NST_RSP)
		return address_sib(e, seg);
	if (rm == NST_RBP && mod == 0) {
		d->rip_relative = d->mode == 8;
		return take_disp(e, 4);
	}
	use_base(e, e->modrm.rm, seg);
	return take_disp(e, mod == 2 ? 4 : mod);
}

/* SDM2 "Addressing-Mode Encoding of ModR/M and SIB Bytes". */
static u64 effective_address(const struct nst_emul *e)
{
	const struct nst_emul_modrm *m = &e->modrm;
	u64 ea = m->disp;

	if (m->has_base)
		ea += e->gpr[m->base];
	if (m->has_index)
		ea += e->gpr[m->index] << m->scale;
	/* POP computes with the RSP that it leaves. */
	if (m->has_base && m->base == NST_RSP && (e->d.flags & NST_F_POPM))
		ea += e->d.opsize;
	return ea;
}

static enum nst_emul_result decode_address(struct nst_emul *e,
					   struct nst_emul_operand *op)
{
	struct nst_emul_insn *d = &e->d;
	enum nst_emul_result r;

	op->kind = NST_K_MEM;
	op->seg = NST_SEG_DS;
	r = d->adsize == 2 ? address_16(e, &op->seg) : address_32(e, &op->seg);
	if (d->seg_override >= 0)
		op->seg = (u8)d->seg_override;
	e->modrm.seg = op->seg;
	op->ea = effective_address(e) & nst_mask(d->adsize);
	e->modrm.ea = op->ea;
	return r;
}

static void operand_gpr(const struct nst_emul_insn *d, struct nst_emul_operand *op,
			u32 reg, u32 rex_bit)
{
	op->kind = NST_K_GPR;
	op->reg = (u8)(reg | (d->rex & rex_bit ? 8 : 0));
	/* Without REX the byte registers 4 to 7 are AH, CH, DH, BH. */
	if (op->size == 1 && !d->rex && reg >= 4) {
		op->kind = NST_K_GPR_HIGH;
		op->reg = (u8)(reg - 4);
	}
}

static enum nst_emul_result operand_rm(struct nst_emul *e, struct nst_emul_operand *op,
				       u32 where)
{
	struct nst_emul_insn *d = &e->d;
	u32 rm = d->modrm & 7;

	if (where == NST_W_RMREG) {
		operand_gpr(d, op, rm, REX_B);
		return NST_EMUL_OK;
	}
	if (d->modrm < 0xc0)
		return decode_address(e, op);
	if (where == NST_W_MEM)
		return nst_ud(e);
	if (where == NST_W_XRM) {
		op->kind = NST_K_XMM;
		op->reg = (u8)(rm | (d->rex & REX_B ? 8 : 0));
	} else if (where == NST_W_MRM) {
		op->kind = NST_K_MMX;
		op->reg = (u8)rm;
	} else {
		operand_gpr(d, op, rm, REX_B);
	}
	return NST_EMUL_OK;
}

static enum nst_emul_result operand_reg(struct nst_emul *e, struct nst_emul_operand *op,
					u32 where)
{
	struct nst_emul_insn *d = &e->d;
	u32 reg = (d->modrm >> 3) & 7;

	operand_gpr(d, op, reg, REX_R);
	switch (where) {
	case NST_W_SREG:
		op->kind = NST_K_SREG;
		op->reg = (u8)reg;
		return reg < NST_NR_SEG ? NST_EMUL_OK : nst_ud(e);
	case NST_W_CR:
		op->kind = NST_K_CR;
		break;
	case NST_W_DR:
		op->kind = NST_K_DR;
		break;
	case NST_W_XREG:
		op->kind = NST_K_XMM;
		break;
	case NST_W_MREG:
		op->kind = NST_K_MMX;
		op->reg = (u8)reg;
		break;
	default:
		break;
	}
	return NST_EMUL_OK;
}

static enum nst_emul_result operand_imm(struct nst_emul *e, struct nst_emul_operand *op,
					u32 where)
{
	enum nst_emul_result r;

	op->kind = NST_K_IMM;
	switch (where) {
	case NST_W_IMM_FULL:
		return take(e, op->size, &op->val);
	case NST_W_FAR:
		r = take(e, op->size, &op->ea);
		return r == NST_EMUL_OK ? take(e, 2, &op->val) : r;
	case NST_W_MOFFS:
		op->kind = NST_K_MEM;
		op->seg = e->d.seg_override >= 0 ? (u8)e->d.seg_override : NST_SEG_DS;
		return take(e, e->d.adsize, &op->ea);
	default:
		return take_signed(e, op->size, &op->val);
	}
}

static enum nst_emul_result decode_operand(struct nst_emul *e,
					   struct nst_emul_operand *op, u16 spec)
{
	struct nst_emul_insn *d = &e->d;
	u32 where = spec >> 8;

	op->size = operand_size(d, spec & 0xff);
	switch (where) {
	case NST_W_NONE:
		return NST_EMUL_OK;
	case NST_W_RM:
	case NST_W_MEM:
	case NST_W_RMREG:
	case NST_W_XRM:
	case NST_W_MRM:
		return operand_rm(e, op, where);
	case NST_W_IMM:
	case NST_W_IMM_FULL:
	case NST_W_REL:
	case NST_W_FAR:
	case NST_W_MOFFS:
		return operand_imm(e, op, where);
	case NST_W_OPREG:
		operand_gpr(d, op, d->opcode & 7, REX_B);
		return NST_EMUL_OK;
	case NST_W_VVVV:
		op->kind = NST_K_GPR;
		op->reg = d->vex_reg;
		return NST_EMUL_OK;
	case NST_W_ACC:
	case NST_W_CL:
		op->kind = NST_K_GPR;
		op->reg = where == NST_W_CL ? NST_RCX : NST_RAX;
		return NST_EMUL_OK;
	case NST_W_ONE:
		op->kind = NST_K_IMM;
		op->val = 1;
		return NST_EMUL_OK;
	default:
		return operand_reg(e, op, where);
	}
}

static bool wants_modrm(const struct nst_emul_insn *d)
{
	u32 i, where;

	if (d->flags & NST_F_MODRM)
		return true;
	for (i = 0; i < ARRAY_SIZE(d->op); i++) {
		where = d->cols[i] >> 8;
		if ((where >= NST_W_RM && where <= NST_W_REG) || where == NST_W_SREG ||
		    where == NST_W_CR || where == NST_W_DR || where >= NST_W_XREG)
			return true;
	}
	return false;
}

static enum nst_emul_result decode_operands(struct nst_emul *e)
{
	struct nst_emul_insn *d = &e->d;
	const u16 *spec = d->cols;
	enum nst_emul_result r;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(d->op); i++) {
		r = decode_operand(e, &d->op[i], spec[i]);
		if (r != NST_EMUL_OK)
			return r;
	}
	if (!d->rip_relative)
		return NST_EMUL_OK;
	/* Relative to the next instruction, so only now that the end is known. */
	e->modrm.disp += e->rip + e->insn_len;
	e->modrm.ea = e->modrm.disp & nst_mask(d->adsize);
	for (i = 0; i < ARRAY_SIZE(d->op); i++)
		if (d->op[i].kind == NST_K_MEM)
			d->op[i].ea = e->modrm.ea;
	return NST_EMUL_OK;
}

enum nst_emul_result nst_emul_decode(struct nst_emul *e)
{
	struct nst_emul_insn *d = &e->d;
	enum nst_emul_result r;

	memset(d, 0, sizeof(*d));
	memset(&e->modrm, 0, sizeof(e->modrm));
	e->insn_len = 0;
	d->seg_override = -1;
	d->mode = (u8)nst_code_size(e);

	r = decode_prefixes(e);
	if (r == NST_EMUL_OK)
		r = decode_opcode(e);
	if (r == NST_EMUL_OK)
		r = decode_row(e);
	if (r != NST_EMUL_OK)
		return r;
	decode_opsize(d);
	if (wants_modrm(d)) {
		r = take_modrm(e);
		if (r != NST_EMUL_OK)
			return r;
	}
	return decode_operands(e);
}
