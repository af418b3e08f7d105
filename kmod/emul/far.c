// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: far jumps, calls and returns, through code segments, call gates
 * and task gates. Follows SDM2 "JMP", "CALL", "RET". Pure.
 */
#include "seg.h"

static enum nst_emul_result gp_sel(struct nst_emul *e, u16 sel)
{
	return nst_emul_raise(e, GP_VECTOR, sel & NST_SEL_ERR);
}

/* Selector and offset of the target: immediate, or a pointer in memory. */
static enum nst_emul_result far_target(struct nst_emul *e, u16 *sel, u64 *ip)
{
	struct nst_emul_operand *op = &e->d.op[0];
	enum nst_emul_result r;

	*sel = 0;
	if (op->kind == NST_K_IMM) {
		*ip = op->ea;
		*sel = (u16)op->val;
		return NST_EMUL_OK;
	}
	r = nst_op_read(e, op, 0);
	*ip = op->val;
	if (r != NST_EMUL_OK)
		return r;
	return nst_mem_read(e, op->seg, (op->ea + op->size) & nst_mask(e->d.adsize), sel, 2, 0);
}

static enum nst_emul_result far_rm(struct nst_emul *e, u16 sel, u64 ip)
{
	if (ip > e->seg[NST_SEG_CS].limit)
		return nst_gp0(e);
	nst_seg_load_rm(e, NST_SEG_CS, sel);
	e->rip = ip;
	e->d.jumped = true;
	return NST_EMUL_OK;
}

static enum nst_emul_result push_return(struct nst_emul *e, u32 size)
{
	u64 ip = e->saved.rip + e->insn_len;
	enum nst_emul_result r;

	r = nst_push(e, e->saved.seg[NST_SEG_CS].selector, size);
	return r == NST_EMUL_OK ? nst_push(e, ip, size) : r;
}

/* SDM3 "Code-Segment Descriptors in 64-bit Mode": L and D exclude each other. */
static bool bad_long_code(const struct nst_emul *e, const struct nst_desc *d)
{
	u32 both = NST_AR_L | NST_AR_DB;

	return nst_long_mode(e) && (nst_desc_ar(d) & both) == both;
}

static enum nst_emul_result check_code(struct nst_emul *e, const struct nst_desc *d)
{
	u32 dpl = nst_desc_dpl(d), rpl = d->sel & NST_SEL_RPL;

	if (nst_desc_ar(d) & NST_AR_DC) {
		if (dpl > e->cpl)
			return gp_sel(e, d->sel);
	} else if (rpl > e->cpl || dpl != e->cpl) {
		return gp_sel(e, d->sel);
	}
	if (bad_long_code(e, d))
		return gp_sel(e, d->sel);
	if (!(nst_desc_ar(d) & NST_AR_P))
		return nst_emul_raise(e, NP_VECTOR, d->sel & NST_SEL_ERR);
	return NST_EMUL_OK;
}

static enum nst_emul_result to_code(struct nst_emul *e, struct nst_desc *d, u64 ip, bool call)
{
	u32 size = e->d.opsize;
	enum nst_emul_result r = check_code(e, d);

	if (r == NST_EMUL_OK && call)
		r = push_return(e, size);
	if (r != NST_EMUL_OK)
		return r;
	return nst_cs_commit(e, d, e->cpl, ip);
}

/* A call gate's parameters move from the old stack to the new one. */
static enum nst_emul_result copy_params(struct nst_emul *e, u32 count, u32 size)
{
	struct nst_emul_seg new_ss = e->seg[NST_SEG_SS];
	u32 old_width = e->saved.seg[NST_SEG_SS].ar & NST_AR_DB ? 4 : 2, i;
	u64 old_sp = e->saved.gpr[NST_RSP];
	enum nst_emul_result r = NST_EMUL_OK;
	u64 val;

	for (i = count; i-- > 0 && r == NST_EMUL_OK;) {
		val = 0;
		e->seg[NST_SEG_SS] = e->saved.seg[NST_SEG_SS];
		r = nst_mem_read(e, NST_SEG_SS,
				 (old_sp + (u64)i * size) & nst_mask(old_width), &val, size, 0);
		e->seg[NST_SEG_SS] = new_ss;
		if (r == NST_EMUL_OK)
			r = nst_push(e, val, size);
	}
	return r;
}

static enum nst_emul_result gate_inward(struct nst_emul *e, struct nst_desc *d,
					const struct nst_gate *g, u32 size)
{
	u32 cpl = nst_desc_dpl(d);
	enum nst_emul_result r;

	r = nst_cs_commit(e, d, cpl, g->offset);
	if (r == NST_EMUL_OK)
		r = nst_stack_from_tss(e, cpl, 0, 0);
	if (r == NST_EMUL_OK)
		r = nst_push(e, e->saved.seg[NST_SEG_SS].selector, size);
	if (r == NST_EMUL_OK)
		r = nst_push(e, e->saved.gpr[NST_RSP], size);
	if (r == NST_EMUL_OK && !nst_long_mode(e))
		r = copy_params(e, g->params, size);
	return r == NST_EMUL_OK ? push_return(e, size) : r;
}

static u32 gate_size(const struct nst_emul *e, const struct nst_gate *g)
{
	if (nst_long_mode(e))
		return 8;
	return g->type == NST_SYS_CALL ? 4 : 2;
}

static enum nst_emul_result to_gate(struct nst_emul *e, const struct nst_desc *gate, bool call)
{
	enum nst_emul_result r;
	struct nst_gate g;
	struct nst_desc d;
	u32 dpl;

	nst_desc_to_gate(gate, &g);
	if (g.type == NST_SYS_CALL16)
		g.offset &= 0xffff;
	if (g.dpl < e->cpl || (gate->sel & NST_SEL_RPL) > g.dpl)
		return gp_sel(e, gate->sel);
	if (!g.present)
		return nst_emul_raise(e, NP_VECTOR, gate->sel & NST_SEL_ERR);
	if (nst_null_sel(g.sel))
		return nst_gp0(e);
	r = nst_desc_read(e, g.sel, GP_VECTOR, 0, &d);
	if (r != NST_EMUL_OK)
		return r;
	dpl = nst_desc_dpl(&d);
	if (!nst_desc_is_code(&d) || dpl > e->cpl)
		return gp_sel(e, g.sel);
	if (!call && !(nst_desc_ar(&d) & NST_AR_DC) && dpl != e->cpl)
		return gp_sel(e, g.sel);
	if (nst_long_mode(e) && (nst_desc_ar(&d) & (NST_AR_L | NST_AR_DB)) != NST_AR_L)
		return gp_sel(e, g.sel);
	if (!(nst_desc_ar(&d) & NST_AR_P))
		return nst_emul_raise(e, NP_VECTOR, g.sel & NST_SEL_ERR);
	if (call && !(nst_desc_ar(&d) & NST_AR_DC) && dpl < e->cpl)
		return gate_inward(e, &d, &g, gate_size(e, &g));
	r = nst_cs_commit(e, &d, e->cpl, g.offset);
	return r == NST_EMUL_OK && call ? push_return(e, gate_size(e, &g)) : r;
}

static enum nst_emul_result to_task(struct nst_emul *e, const struct nst_desc *d, bool call)
{
	u16 sel = d->sel;

	if (nst_desc_dpl(d) < e->cpl || nst_desc_dpl(d) < (sel & NST_SEL_RPL))
		return gp_sel(e, sel);
	if (!(nst_desc_ar(d) & NST_AR_P))
		return nst_emul_raise(e, NP_VECTOR, sel & NST_SEL_ERR);
	if (nst_desc_type(d) == NST_SYS_TASK)
		sel = (u16)(d->raw >> 16);
	return nst_task_switch(e, sel, call ? NST_TASK_CALL : NST_TASK_JMP);
}

static enum nst_emul_result far_protected(struct nst_emul *e, u16 sel, u64 ip, bool call)
{
	enum nst_emul_result r;
	struct nst_desc d;

	if (nst_null_sel(sel))
		return nst_gp0(e);
	r = nst_desc_read(e, sel, GP_VECTOR, 0, &d);
	if (r != NST_EMUL_OK)
		return r;
	if (nst_desc_is_code(&d))
		return to_code(e, &d, ip, call);
	if (nst_desc_ar(&d) & NST_AR_S)
		return gp_sel(e, sel);
	switch (nst_desc_type(&d)) {
	case NST_SYS_CALL:
		return to_gate(e, &d, call);
	case NST_SYS_CALL16:
		return nst_long_mode(e) ? gp_sel(e, sel) : to_gate(e, &d, call);
	case NST_SYS_TASK:
	case NST_SYS_TSS:
	case NST_SYS_TSS16:
		return nst_long_mode(e) ? gp_sel(e, sel) : to_task(e, &d, call);
	default:
		return gp_sel(e, sel);
	}
}

NST_EXEC(jmp_far)
{
	enum nst_emul_result r;
	u16 sel;
	u64 ip;

	r = far_target(e, &sel, &ip);
	if (r != NST_EMUL_OK)
		return r;
	return nst_real_or_vm86(e) ? far_rm(e, sel, ip) : far_protected(e, sel, ip, false);
}

NST_EXEC(call_far)
{
	enum nst_emul_result r;
	u16 sel;
	u64 ip;

	r = far_target(e, &sel, &ip);
	if (r != NST_EMUL_OK)
		return r;
	if (!nst_real_or_vm86(e))
		return far_protected(e, sel, ip, true);
	r = push_return(e, e->d.opsize);
	return r == NST_EMUL_OK ? far_rm(e, sel, ip) : r;
}

enum nst_emul_result nst_return_code(struct nst_emul *e, u16 sel, struct nst_desc *d)
{
	u32 rpl = sel & NST_SEL_RPL;
	enum nst_emul_result r;

	if (nst_null_sel(sel))
		return nst_gp0(e);
	r = nst_desc_read(e, sel, GP_VECTOR, 0, d);
	if (r != NST_EMUL_OK)
		return r;
	if (!nst_desc_is_code(d) || rpl < e->cpl || bad_long_code(e, d))
		return gp_sel(e, sel);
	if (nst_desc_ar(d) & NST_AR_DC ? nst_desc_dpl(d) > rpl : nst_desc_dpl(d) != rpl)
		return gp_sel(e, sel);
	if (!(nst_desc_ar(d) & NST_AR_P))
		return nst_emul_raise(e, NP_VECTOR, sel & NST_SEL_ERR);
	return NST_EMUL_OK;
}

static enum nst_emul_result ret_outward(struct nst_emul *e, struct nst_desc *d, u64 ip,
					u64 release)
{
	u32 size = e->d.opsize, rpl = d->sel & NST_SEL_RPL, width;
	enum nst_emul_result r;
	u64 sp, ss = 0;

	nst_gpr_add(e, NST_RSP, nst_stack_size(e), release);
	r = nst_pop(e, &sp, size);
	if (r == NST_EMUL_OK)
		r = nst_pop(e, &ss, size);
	if (r == NST_EMUL_OK)
		r = nst_cs_commit(e, d, rpl, ip);
	if (r == NST_EMUL_OK)
		r = nst_ss_load(e, (u16)ss, rpl, GP_VECTOR, 0);
	if (r != NST_EMUL_OK)
		return r;
	width = nst_stack_size(e);
	nst_gpr_write(e, NST_RSP, width, sp + release);
	nst_drop_data_segs(e);
	return NST_EMUL_OK;
}

NST_EXEC(ret_far)
{
	u64 release = e->d.op[0].val & 0xffff, ip, sel = 0;
	enum nst_emul_result r;
	struct nst_desc d;

	r = nst_pop(e, &ip, e->d.opsize);
	if (r == NST_EMUL_OK)
		r = nst_pop(e, &sel, e->d.opsize);
	if (r != NST_EMUL_OK)
		return r;
	if (nst_real_or_vm86(e)) {
		nst_gpr_add(e, NST_RSP, nst_stack_size(e), release);
		return far_rm(e, (u16)sel, ip);
	}
	r = nst_return_code(e, (u16)sel, &d);
	if (r != NST_EMUL_OK)
		return r;
	if ((sel & NST_SEL_RPL) > e->cpl)
		return ret_outward(e, &d, ip, release);
	nst_gpr_add(e, NST_RSP, nst_stack_size(e), release);
	return nst_cs_commit(e, &d, e->cpl, ip);
}
