// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segment registers: descriptor reads with all checks, loads in every mode,
 * stacks from the TSS, and the instructions that only look at descriptors.
 * Follows SDM3 "Protection". Pure.
 */
#include "seg.h"

#define DESC_SIZE	8
#define ACCESS_BYTE	5	/* of a descriptor: holds the type */
#define VM86_AR		(NST_AR_P | NST_AR_DPL | NST_AR_S | NST_AR_RW | NST_AR_ACCESSED)
#define VM86_LIMIT	0xffffu
#define TSS64_RSP0	4	/* SDM3 "64-Bit TSS Format" */
#define TSS64_IST1	36
#define TSS32_ESP0	4
#define TSS16_SP0	2

void nst_set_seg(struct nst_emul *e, u32 idx, const struct nst_emul_seg *seg)
{
	e->seg[idx] = *seg;
	e->seg_dirty |= 1u << idx;
}

void nst_desc_to_seg(const struct nst_desc *d, struct nst_emul_seg *seg)
{
	u32 limit = (u32)(d->raw & 0xffff) | ((u32)(d->raw >> 32) & 0xf0000);

	seg->selector = d->sel;
	seg->ar = nst_desc_ar(d);
	seg->base = ((d->raw >> 16) & 0xffffff) | ((d->raw >> 32) & 0xff000000) |
		    (d->high & 0xffffffff) << 32;
	seg->limit = seg->ar & NST_AR_G ? limit << 12 | 0xfff : limit;
}

void nst_desc_to_gate(const struct nst_desc *d, struct nst_gate *g)
{
	g->sel = (u16)(d->raw >> 16);
	g->type = (u8)nst_desc_type(d);
	g->dpl = (u8)nst_desc_dpl(d);
	g->present = nst_desc_ar(d) & NST_AR_P;
	g->ist = (d->raw >> 32) & 7;
	g->params = (d->raw >> 32) & 0x1f;
	g->offset = (d->raw & 0xffff) | ((d->raw >> 32) & 0xffff0000) |
		    (d->high & 0xffffffff) << 32;
}

static enum nst_emul_result table_bounds(struct nst_emul *e, u16 sel, u64 *base, u32 *limit)
{
	struct nst_emul_seg ldt = { 0 };
	enum nst_emul_result r;
	u16 gdt_limit = 0;

	if (!(sel & NST_SEL_TI)) {
		if (!e->ops->get_dtr)
			return NST_EMUL_UNKNOWN;
		r = e->ops->get_dtr(e, NST_DESC_GDT, base, &gdt_limit);
		*limit = gdt_limit;
		return r;
	}
	if (!e->ops->get_sys_seg)
		return NST_EMUL_UNKNOWN;
	r = e->ops->get_sys_seg(e, NST_DESC_LDT, &ldt);
	*base = ldt.base;
	*limit = ldt.ar & NST_AR_UNUSABLE ? 0 : ldt.limit;
	return r;
}

enum nst_emul_result nst_desc_read(struct nst_emul *e, u16 sel, u8 vector, u32 ext,
				   struct nst_desc *d)
{
	u32 off = sel & ~(NST_SEL_RPL | NST_SEL_TI), limit = 0;
	enum nst_emul_result r;
	u64 base = 0;

	memset(d, 0, sizeof(*d));
	d->sel = sel;
	r = table_bounds(e, sel, &base, &limit);
	if (r != NST_EMUL_OK)
		return r;
	if (off + DESC_SIZE - 1 > limit)
		return nst_emul_raise(e, vector, (sel & NST_SEL_ERR) | ext);
	d->lin = base + off;
	r = nst_sys_read(e, d->lin, &d->raw, DESC_SIZE);
	if (r != NST_EMUL_OK || !nst_long_mode(e) || (nst_desc_ar(d) & NST_AR_S))
		return r;
	if (off + 2 * DESC_SIZE - 1 > limit)
		return nst_emul_raise(e, vector, (sel & NST_SEL_ERR) | ext);
	return nst_sys_read(e, d->lin + DESC_SIZE, &d->high, DESC_SIZE);
}

enum nst_emul_result nst_desc_set_type(struct nst_emul *e, struct nst_desc *d, u32 set,
				       u32 clear)
{
	u8 old = (u8)(d->raw >> (8 * ACCESS_BYTE)), new = (u8)((old | set) & ~clear);
	enum nst_emul_result r;

	if (old == new)
		return NST_EMUL_OK;
	r = nst_sys_write(e, d->lin + ACCESS_BYTE, &new, 1);
	d->raw ^= (u64)(old ^ new) << (8 * ACCESS_BYTE);
	return r;
}

void nst_seg_load_rm(struct nst_emul *e, u32 idx, u16 sel)
{
	struct nst_emul_seg seg = e->seg[idx];

	seg.selector = sel;
	seg.base = (u64)sel << 4;
	/* Real mode keeps limit and rights: that is what "big real" is. */
	if (nst_vm86(e)) {
		seg.limit = VM86_LIMIT;
		seg.ar = VM86_AR;
	}
	nst_set_seg(e, idx, &seg);
}

static void load_null(struct nst_emul *e, u32 idx, u16 sel, u32 dpl)
{
	struct nst_emul_seg seg = e->seg[idx];

	seg.selector = sel;
	seg.ar = NST_AR_UNUSABLE | dpl << NST_AR_DPL_SHIFT;
	/* AMD leaves base and limit alone: APM2 "Null Selectors". */
	if (!e->amd)
		seg.base = 0;
	nst_set_seg(e, idx, &seg);
}

static enum nst_emul_result commit_data(struct nst_emul *e, u32 idx, struct nst_desc *d)
{
	struct nst_emul_seg seg;
	enum nst_emul_result r = nst_desc_set_type(e, d, NST_AR_ACCESSED, 0);

	if (r != NST_EMUL_OK)
		return r;
	nst_desc_to_seg(d, &seg);
	nst_set_seg(e, idx, &seg);
	return NST_EMUL_OK;
}

enum nst_emul_result nst_ss_load(struct nst_emul *e, u16 sel, u32 cpl, u8 vector, u32 ext)
{
	int err = (int)((sel & NST_SEL_ERR) | ext);
	enum nst_emul_result r;
	struct nst_desc d;

	if (nst_null_sel(sel)) {
		if (!nst_64bit(e) || cpl == 3 || (sel & NST_SEL_RPL) != cpl)
			return nst_emul_raise(e, vector, (int)ext);
		load_null(e, NST_SEG_SS, sel, cpl);
		return NST_EMUL_OK;
	}
	r = nst_desc_read(e, sel, vector, ext, &d);
	if (r != NST_EMUL_OK)
		return r;
	if ((sel & NST_SEL_RPL) != cpl || nst_desc_dpl(&d) != cpl || !nst_desc_is_writable(&d))
		return nst_emul_raise(e, vector, err);
	if (!(nst_desc_ar(&d) & NST_AR_P))
		return nst_emul_raise(e, SS_VECTOR, err);
	return commit_data(e, NST_SEG_SS, &d);
}

static bool data_allowed(const struct nst_emul *e, const struct nst_desc *d)
{
	u32 ar = nst_desc_ar(d), rpl = d->sel & NST_SEL_RPL;

	if (!(ar & NST_AR_S) || (ar & (NST_AR_CODE | NST_AR_RW)) == NST_AR_CODE)
		return false;
	if ((ar & (NST_AR_CODE | NST_AR_DC)) == (NST_AR_CODE | NST_AR_DC))
		return true;
	return rpl <= nst_desc_dpl(d) && e->cpl <= nst_desc_dpl(d);
}

enum nst_emul_result nst_seg_load(struct nst_emul *e, u32 idx, u16 sel)
{
	enum nst_emul_result r;
	struct nst_desc d;

	if (nst_real_or_vm86(e)) {
		nst_seg_load_rm(e, idx, sel);
		return NST_EMUL_OK;
	}
	if (idx == NST_SEG_SS)
		return nst_ss_load(e, sel, e->cpl, GP_VECTOR, 0);
	if (nst_null_sel(sel)) {
		load_null(e, idx, sel, 0);
		return NST_EMUL_OK;
	}
	r = nst_desc_read(e, sel, GP_VECTOR, 0, &d);
	if (r != NST_EMUL_OK)
		return r;
	if (!data_allowed(e, &d))
		return nst_emul_raise(e, GP_VECTOR, sel & NST_SEL_ERR);
	if (!(nst_desc_ar(&d) & NST_AR_P))
		return nst_emul_raise(e, NP_VECTOR, sel & NST_SEL_ERR);
	return commit_data(e, idx, &d);
}

enum nst_emul_result nst_cs_commit(struct nst_emul *e, struct nst_desc *d, u32 cpl, u64 ip)
{
	struct nst_emul_seg seg;
	enum nst_emul_result r = nst_desc_set_type(e, d, NST_AR_ACCESSED, 0);

	if (r != NST_EMUL_OK)
		return r;
	nst_desc_to_seg(d, &seg);
	seg.selector = (u16)((seg.selector & ~NST_SEL_RPL) | cpl);
	if (nst_long_mode(e) && (seg.ar & NST_AR_L) ? !nst_canonical(e, ip) : ip > seg.limit)
		return nst_gp0(e);
	nst_set_seg(e, NST_SEG_CS, &seg);
	e->cpl = (u8)cpl;
	e->rip = ip;
	e->d.jumped = true;
	return NST_EMUL_OK;
}

static enum nst_emul_result stack_long(struct nst_emul *e, const struct nst_emul_seg *tr,
				       u32 cpl, u32 ist, u32 ext)
{
	u32 off = ist ? TSS64_IST1 + (ist - 1) * 8 : TSS64_RSP0 + cpl * 8;
	enum nst_emul_result r;
	u64 rsp = 0;

	if (off + 7 > tr->limit)
		return nst_emul_raise(e, TS_VECTOR, (int)((tr->selector & NST_SEL_ERR) | ext));
	r = nst_sys_read(e, tr->base + off, &rsp, 8);
	if (r != NST_EMUL_OK)
		return r;
	if (!nst_canonical(e, rsp))
		return nst_emul_raise(e, SS_VECTOR, (int)ext);
	load_null(e, NST_SEG_SS, (u16)cpl, cpl);
	e->gpr[NST_RSP] = rsp;
	return NST_EMUL_OK;
}

enum nst_emul_result nst_stack_from_tss(struct nst_emul *e, u32 cpl, u32 ist, u32 ext)
{
	struct nst_emul_seg tr = { 0 };
	enum nst_emul_result r;
	u32 width, off;
	u16 ss = 0;
	u64 sp = 0;

	if (!e->ops->get_sys_seg)
		return NST_EMUL_UNKNOWN;
	r = e->ops->get_sys_seg(e, NST_DESC_TR, &tr);
	if (r != NST_EMUL_OK)
		return r;
	if (nst_long_mode(e))
		return stack_long(e, &tr, cpl, ist, ext);
	width = (tr.ar & NST_AR_TYPE) >= NST_SYS_TSS ? 4 : 2;
	off = width == 4 ? TSS32_ESP0 + cpl * 8 : TSS16_SP0 + cpl * 4;
	if (off + width + 1 > tr.limit)
		return nst_emul_raise(e, TS_VECTOR, (int)((tr.selector & NST_SEL_ERR) | ext));
	r = nst_sys_read(e, tr.base + off, &sp, width);
	if (r == NST_EMUL_OK)
		r = nst_sys_read(e, tr.base + off + width, &ss, 2);
	if (r == NST_EMUL_OK)
		r = nst_ss_load(e, ss, cpl, TS_VECTOR, ext);
	if (r == NST_EMUL_OK)
		nst_gpr_write(e, NST_RSP, nst_stack_size(e), sp);
	return r;
}

void nst_drop_data_segs(struct nst_emul *e)
{
	static const u8 segs[] = { NST_SEG_ES, NST_SEG_DS, NST_SEG_FS, NST_SEG_GS };
	u32 i, ar;

	for (i = 0; i < ARRAY_SIZE(segs); i++) {
		ar = e->seg[segs[i]].ar;
		if ((ar & (NST_AR_CODE | NST_AR_DC)) == (NST_AR_CODE | NST_AR_DC))
			continue;
		if ((ar & NST_AR_DPL) >> NST_AR_DPL_SHIFT < e->cpl)
			load_null(e, segs[i], 0, 0);
	}
}

/* MOV and POP to a segment register: the selector is operand 1. */
NST_EXEC(mov_sreg)
{
	u32 idx = e->d.op[0].reg;
	enum nst_emul_result r;

	if (idx == NST_SEG_CS)
		return nst_ud(e);
	r = nst_seg_load(e, idx, (u16)e->d.op[1].val);
	if (r == NST_EMUL_OK && idx == NST_SEG_SS)
		e->shadow |= NST_EMUL_SHADOW_MOV_SS;
	return r;
}

NST_EXEC(pop_sreg)
{
	u32 idx = (e->d.opcode >> 3) & 7;
	enum nst_emul_result r;
	u64 val;

	r = nst_pop(e, &val, e->d.opsize);
	if (r == NST_EMUL_OK)
		r = nst_seg_load(e, idx, (u16)val);
	if (r == NST_EMUL_OK && idx == NST_SEG_SS)
		e->shadow |= NST_EMUL_SHADOW_MOV_SS;
	return r;
}

/* LES C4, LDS C5, LSS 0FB2, LFS 0FB4, LGS 0FB5: operand 1 is the pointer. */
NST_EXEC(load_far_pointer)
{
	struct nst_emul_operand *op = e->d.op;
	enum nst_emul_result r;
	u16 sel = 0;
	u32 idx;

	switch (e->d.opcode) {
	case 0xc4:
		idx = NST_SEG_ES;
		break;
	case 0xc5:
		idx = NST_SEG_DS;
		break;
	case 0xb2:
		idx = NST_SEG_SS;
		break;
	default:
		idx = e->d.opcode & 7;
		break;
	}
	r = nst_op_read(e, &op[1], 0);
	if (r == NST_EMUL_OK)
		r = nst_mem_read(e, op[1].seg, (op[1].ea + op[1].size) & nst_mask(e->d.adsize),
				 &sel, 2, 0);
	if (r == NST_EMUL_OK)
		r = nst_seg_load(e, idx, sel);
	op[0].val = op[1].val;
	return r;
}

/* LAR, LSL, VERR, VERW: may this descriptor be looked at? */
static enum nst_emul_result visible(struct nst_emul *e, u16 sel, u32 sys_types,
				    struct nst_desc *d, bool *ok)
{
	enum nst_emul_result r;
	u32 ar;

	*ok = false;
	if (nst_null_sel(sel))
		return NST_EMUL_OK;
	r = nst_desc_read(e, sel, GP_VECTOR, 0, d);
	if (r == NST_EMUL_FAULT && e->exc.vector == GP_VECTOR) {
		e->exc.valid = false;
		return NST_EMUL_OK;
	}
	if (r != NST_EMUL_OK)
		return r;
	ar = nst_desc_ar(d);
	*ok = (ar & NST_AR_S) || (sys_types >> (ar & NST_AR_TYPE)) & 1;
	if ((ar & (NST_AR_S | NST_AR_CODE | NST_AR_DC)) ==
	    (NST_AR_S | NST_AR_CODE | NST_AR_DC))
		return NST_EMUL_OK;
	if (e->cpl > nst_desc_dpl(d) || (sel & NST_SEL_RPL) > nst_desc_dpl(d))
		*ok = false;
	return NST_EMUL_OK;
}

static enum nst_emul_result set_zf(struct nst_emul *e, bool ok)
{
	nst_set_flags(e, X86_EFLAGS_ZF, nst_flag_if(ok, X86_EFLAGS_ZF));
	e->d.no_write = !ok;
	return NST_EMUL_OK;
}

NST_EXEC(lar)
{
	u32 types = 1u << NST_SYS_LDT | 1u << NST_SYS_TSS | 1u << NST_SYS_TSS_BUSY |
		    1u << NST_SYS_CALL;
	enum nst_emul_result r;
	struct nst_desc d;
	bool ok;

	if (!nst_long_mode(e))
		types |= 1u << NST_SYS_TSS16 | 1u << NST_SYS_TSS16_BUSY |
			 1u << NST_SYS_CALL16 | 1u << NST_SYS_TASK;
	r = visible(e, (u16)e->d.op[1].val, types, &d, &ok);
	if (r != NST_EMUL_OK)
		return r;
	if (ok)
		e->d.op[0].val = (d.raw >> 32) & 0x00ffff00;
	return set_zf(e, ok);
}

NST_EXEC(lsl)
{
	u32 types = 1u << NST_SYS_LDT | 1u << NST_SYS_TSS | 1u << NST_SYS_TSS_BUSY;
	struct nst_emul_seg seg;
	enum nst_emul_result r;
	struct nst_desc d;
	bool ok;

	if (!nst_long_mode(e))
		types |= 1u << NST_SYS_TSS16 | 1u << NST_SYS_TSS16_BUSY;
	r = visible(e, (u16)e->d.op[1].val, types, &d, &ok);
	if (r != NST_EMUL_OK)
		return r;
	if (ok) {
		nst_desc_to_seg(&d, &seg);
		e->d.op[0].val = seg.limit;
	}
	return set_zf(e, ok);
}

/* VERR and VERW: the low bit of ModRM.reg says which. */
NST_EXEC(verify)
{
	bool write = e->d.modrm & 0x8, ok;
	enum nst_emul_result r;
	struct nst_desc d;
	u32 ar;

	r = visible(e, (u16)e->d.op[0].val, 0, &d, &ok);
	if (r != NST_EMUL_OK)
		return r;
	if (ok) {
		ar = nst_desc_ar(&d);
		if (write)
			ok = nst_desc_is_writable(&d);
		else
			ok = (ar & (NST_AR_CODE | NST_AR_RW)) != NST_AR_CODE;
	}
	return set_zf(e, ok);
}

NST_EXEC(arpl)
{
	struct nst_emul_operand *op = e->d.op;
	u64 rpl = op[1].val & NST_SEL_RPL;
	bool raise = (op[0].val & NST_SEL_RPL) < rpl;

	if (raise)
		op[0].val = (op[0].val & ~(u64)NST_SEL_RPL) | rpl;
	return set_zf(e, raise);
}

/* LLDT and LTR: bit 3 of ModRM says which. */
NST_EXEC(load_sys_seg)
{
	bool tr = e->d.modrm & 0x8;
	u16 sel = (u16)e->d.op[0].val;
	struct nst_emul_seg seg = { .ar = NST_AR_UNUSABLE };
	enum nst_emul_result r;
	struct nst_desc d;
	u32 type;

	if (!e->ops->set_sys_seg)
		return NST_EMUL_UNKNOWN;
	r = nst_intercept(e, NST_ICPT_DESC_WRITE, tr ? NST_DESC_TR : NST_DESC_LDT, sel);
	if (r != NST_EMUL_OK)
		return r;
	seg.selector = sel;
	if (nst_null_sel(sel))
		return tr ? nst_gp0(e) : e->ops->set_sys_seg(e, NST_DESC_LDT, &seg);
	if (sel & NST_SEL_TI)
		return nst_emul_raise(e, GP_VECTOR, sel & NST_SEL_ERR);
	r = nst_desc_read(e, sel, GP_VECTOR, 0, &d);
	if (r != NST_EMUL_OK)
		return r;
	type = nst_desc_ar(&d) & (NST_AR_S | NST_AR_TYPE);
	if (tr ? type != NST_SYS_TSS && (type != NST_SYS_TSS16 || nst_long_mode(e)) :
		 type != NST_SYS_LDT)
		return nst_emul_raise(e, GP_VECTOR, sel & NST_SEL_ERR);
	if (!(nst_desc_ar(&d) & NST_AR_P))
		return nst_emul_raise(e, NP_VECTOR, sel & NST_SEL_ERR);
	nst_desc_to_seg(&d, &seg);
	if (nst_long_mode(e) && !nst_canonical(e, seg.base))
		return nst_emul_raise(e, GP_VECTOR, sel & NST_SEL_ERR);
	if (tr) {
		r = nst_desc_set_type(e, &d, NST_AR_RW, 0);
		seg.ar |= NST_AR_RW;
	}
	return r == NST_EMUL_OK ? e->ops->set_sys_seg(e, tr ? NST_DESC_TR : NST_DESC_LDT, &seg) :
				  r;
}

/* SLDT and STR. */
NST_EXEC(store_sys_seg)
{
	bool tr = e->d.modrm & 0x8;
	enum nst_emul_desc which = tr ? NST_DESC_TR : NST_DESC_LDT;
	struct nst_emul_seg seg = { 0 };
	enum nst_emul_result r;

	if (!e->ops->get_sys_seg)
		return NST_EMUL_UNKNOWN;
	if (e->cpl && (e->cr4 & X86_CR4_UMIP))
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_DESC_READ, which, 0);
	if (r == NST_EMUL_OK)
		r = e->ops->get_sys_seg(e, which, &seg);
	e->d.op[0].val = seg.selector;
	return r;
}
