// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches between 16- and 32-bit TSSs: SDM3 "Task Switching". Before the
 * commit point a fault belongs to the old task, after it to the new one. Pure.
 */
#include "seg.h"

/* SDM3 "Task-State Segment (TSS)", "16-Bit Task-State Segment (TSS)". */
struct tss_layout {
	u8 word;	/* bytes of a register slot */
	u8 ip, flags, gpr, seg, nr_seg, ldt, cr3, trap;
	u8 min_limit;
};

static const struct tss_layout tss32 = {
	.word = 4, .ip = 0x20, .flags = 0x24, .gpr = 0x28, .seg = 0x48, .nr_seg = 6,
	.ldt = 0x60, .cr3 = 0x1c, .trap = 0x64, .min_limit = 0x67,
};

static const struct tss_layout tss16 = {
	.word = 2, .ip = 0x0e, .flags = 0x10, .gpr = 0x12, .seg = 0x22, .nr_seg = 4,
	.ldt = 0x2a, .min_limit = 0x2b,
};

#define DR6_BT		BIT(15)	/* task switch */

struct switch_args {
	u16 sel;
	enum nst_emul_task_reason reason;
	u64 ip;
	bool has_error;
	u32 error;
};

static const struct tss_layout *layout_of(u32 ar)
{
	return (ar & NST_AR_TYPE) >= NST_SYS_TSS ? &tss32 : &tss16;
}

static u64 slot(const u8 *image, u32 off, u32 size)
{
	u64 val = 0;

	memcpy(&val, image + off, size);
	return val;
}

static enum nst_emul_result check_new(struct nst_emul *e, const struct switch_args *a,
				      struct nst_desc *d)
{
	bool iret = a->reason == NST_TASK_IRET;
	u8 exc = iret ? TS_VECTOR : GP_VECTOR;
	int err = a->sel & NST_SEL_ERR;
	struct nst_emul_seg seg;
	enum nst_emul_result r;
	u32 type;

	if (nst_null_sel(a->sel) || (a->sel & NST_SEL_TI))
		return nst_emul_raise(e, exc, err);
	r = nst_desc_read(e, a->sel, exc, 0, d);
	if (r != NST_EMUL_OK)
		return r;
	type = nst_desc_ar(d) & (NST_AR_S | NST_AR_TYPE);
	if ((type & ~(u32)NST_AR_RW) != NST_SYS_TSS && (type & ~(u32)NST_AR_RW) != NST_SYS_TSS16)
		return nst_emul_raise(e, exc, err);
	if (!!(type & NST_AR_RW) != iret)
		return nst_emul_raise(e, exc, err);
	if (!(nst_desc_ar(d) & NST_AR_P))
		return nst_emul_raise(e, NP_VECTOR, err);
	nst_desc_to_seg(d, &seg);
	if (seg.limit < layout_of(type)->min_limit)
		return nst_emul_raise(e, TS_VECTOR, err);
	return NST_EMUL_OK;
}

static enum nst_emul_result save_old(struct nst_emul *e, const struct nst_emul_seg *tr,
				     const struct switch_args *a)
{
	const struct tss_layout *l = layout_of(tr->ar);
	u64 flags = e->saved.rflags;
	u8 *image = e->buf;
	u32 i, end = l->seg + l->nr_seg * l->word;

	if (a->reason == NST_TASK_IRET)
		flags &= ~(u64)X86_EFLAGS_NT;
	memset(image, 0, end);
	memcpy(image + l->ip, &a->ip, l->word);
	memcpy(image + l->flags, &flags, l->word);
	for (i = 0; i < 8; i++)
		memcpy(image + l->gpr + i * l->word, &e->gpr[i], l->word);
	for (i = 0; i < l->nr_seg; i++)
		memcpy(image + l->seg + i * l->word, &e->seg[i].selector, 2);
	return nst_sys_write(e, tr->base + l->ip, image + l->ip, end - l->ip);
}

/* Busy bits and the back link say who called whom. */
static enum nst_emul_result mark(struct nst_emul *e, const struct nst_emul_seg *tr,
				 struct nst_desc *new, u64 new_base,
				 enum nst_emul_task_reason reason)
{
	bool nests = reason == NST_TASK_CALL || reason == NST_TASK_GATE;
	enum nst_emul_result r = NST_EMUL_OK;
	struct nst_desc old;

	if (!nests) {
		r = nst_desc_read(e, tr->selector, TS_VECTOR, 0, &old);
		if (r == NST_EMUL_OK)
			r = nst_desc_set_type(e, &old, 0, NST_AR_RW);
	}
	if (r == NST_EMUL_OK && nests)
		r = nst_sys_write(e, new_base, &tr->selector, 2);
	if (r == NST_EMUL_OK && reason != NST_TASK_IRET)
		r = nst_desc_set_type(e, new, NST_AR_RW, 0);
	return r;
}

static enum nst_emul_result load_ldt(struct nst_emul *e, u16 sel)
{
	struct nst_emul_seg seg = { .selector = sel, .ar = NST_AR_UNUSABLE };
	int err = sel & NST_SEL_ERR;
	enum nst_emul_result r;
	struct nst_desc d;

	if (nst_null_sel(sel))
		return e->ops->set_sys_seg(e, NST_DESC_LDT, &seg);
	if (sel & NST_SEL_TI)
		return nst_emul_raise(e, TS_VECTOR, err);
	r = nst_desc_read(e, sel, TS_VECTOR, 0, &d);
	if (r != NST_EMUL_OK)
		return r;
	if ((nst_desc_ar(&d) & (NST_AR_S | NST_AR_TYPE)) != NST_SYS_LDT ||
	    !(nst_desc_ar(&d) & NST_AR_P))
		return nst_emul_raise(e, TS_VECTOR, err);
	nst_desc_to_seg(&d, &seg);
	return e->ops->set_sys_seg(e, NST_DESC_LDT, &seg);
}

static enum nst_emul_result load_code(struct nst_emul *e, u16 sel)
{
	int err = sel & NST_SEL_ERR;
	u32 rpl = sel & NST_SEL_RPL;
	enum nst_emul_result r;
	struct nst_desc d;

	if (nst_null_sel(sel))
		return nst_emul_raise(e, TS_VECTOR, 0);
	r = nst_desc_read(e, sel, TS_VECTOR, 0, &d);
	if (r != NST_EMUL_OK)
		return r;
	if (!nst_desc_is_code(&d) || (nst_desc_ar(&d) & NST_AR_DC ? nst_desc_dpl(&d) > rpl :
								     nst_desc_dpl(&d) != rpl))
		return nst_emul_raise(e, TS_VECTOR, err);
	if (!(nst_desc_ar(&d) & NST_AR_P))
		return nst_emul_raise(e, NP_VECTOR, err);
	return nst_cs_commit(e, &d, rpl, e->rip);
}

static enum nst_emul_result load_segs(struct nst_emul *e, const u16 *sel, u32 nr)
{
	enum nst_emul_result r;
	u32 i;

	if (nst_vm86(e)) {
		e->cpl = 3;
		for (i = 0; i < nr; i++)
			nst_seg_load_rm(e, i, sel[i]);
		return NST_EMUL_OK;
	}
	r = load_code(e, sel[NST_SEG_CS]);
	if (r == NST_EMUL_OK)
		r = nst_ss_load(e, sel[NST_SEG_SS], e->cpl, TS_VECTOR, 0);
	for (i = 0; i < NST_NR_SEG && r == NST_EMUL_OK; i++) {
		if (i == NST_SEG_CS || i == NST_SEG_SS)
			continue;
		r = nst_seg_load(e, i, i < nr ? sel[i] : 0);
	}
	/* The same faults as of MOV, but invalid TSS instead of protection. */
	if (r == NST_EMUL_FAULT && e->exc.vector == GP_VECTOR && e->exc.error_code)
		e->exc.vector = TS_VECTOR;
	return r;
}

/* After this the new task runs: selectors are in place, not yet checked. */
static void load_registers(struct nst_emul *e, const struct tss_layout *l, const u8 *image,
			   u16 *sel, bool nests)
{
	struct nst_emul_seg seg;
	u32 i;

	for (i = 0; i < 8; i++)
		nst_gpr_write(e, i, l->word, slot(image, l->gpr + i * l->word, l->word));
	e->rip = slot(image, l->ip, l->word);
	e->rflags = slot(image, l->flags, l->word) | X86_EFLAGS_FIXED;
	if (nests)
		e->rflags |= X86_EFLAGS_NT;
	for (i = 0; i < l->nr_seg; i++) {
		sel[i] = (u16)slot(image, l->seg + i * l->word, 2);
		seg = (struct nst_emul_seg){ .selector = sel[i], .ar = NST_AR_UNUSABLE };
		if (i != NST_SEG_CS && i != NST_SEG_SS)
			nst_set_seg(e, i, &seg);
	}
	e->d.committed = true;
	e->d.jumped = true;
}

static enum nst_emul_result enter_new(struct nst_emul *e, const struct switch_args *a,
				      const struct nst_desc *d, const u8 *image)
{
	bool nests = a->reason == NST_TASK_CALL || a->reason == NST_TASK_GATE;
	const struct tss_layout *l = layout_of(nst_desc_ar(d));
	struct nst_emul_seg tr;
	enum nst_emul_result r;
	u16 sel[NST_NR_SEG] = { 0 };

	nst_desc_to_seg(d, &tr);
	tr.ar |= NST_AR_RW;
	r = e->ops->set_sys_seg(e, NST_DESC_TR, &tr);
	if (r == NST_EMUL_OK)
		r = e->ops->set_cr(e, 0, e->cr0 | X86_CR0_TS);
	if (r == NST_EMUL_OK && l->cr3 && (e->cr0 & X86_CR0_PG))
		r = e->ops->set_cr(e, 3, slot(image, l->cr3, 4));
	if (r != NST_EMUL_OK)
		return r;
	load_registers(e, l, image, sel, nests);
	r = load_ldt(e, (u16)slot(image, l->ldt, 2));
	if (r == NST_EMUL_OK)
		r = load_segs(e, sel, l->nr_seg);
	if (r == NST_EMUL_OK && a->has_error)
		r = nst_push(e, a->error, l->word);
	return r;
}

static enum nst_emul_result do_switch(struct nst_emul *e, const struct switch_args *a)
{
	const struct tss_layout *l;
	struct nst_emul_seg tr = { 0 }, new;
	enum nst_emul_result r;
	struct nst_desc d;
	u8 image[0x68];

	if (!e->ops->get_sys_seg || !e->ops->set_sys_seg || !e->ops->set_cr)
		return NST_EMUL_UNKNOWN;
	/* SDM3 "Treatment of Task Switches": these checks come before the exit. */
	r = check_new(e, a, &d);
	if (r == NST_EMUL_OK)
		r = nst_intercept(e, NST_ICPT_TASK_SWITCH, a->sel, a->reason);
	if (r == NST_EMUL_OK)
		r = e->ops->get_sys_seg(e, NST_DESC_TR, &tr);
	if (r != NST_EMUL_OK)
		return r;
	nst_desc_to_seg(&d, &new);
	l = layout_of(new.ar);
	if (tr.limit < layout_of(tr.ar)->min_limit)
		return nst_emul_raise(e, TS_VECTOR, tr.selector & NST_SEL_ERR);
	r = nst_sys_read(e, new.base, image, l->min_limit + 1u);
	if (r != NST_EMUL_OK)
		return r;
	r = save_old(e, &tr, a);
	if (r == NST_EMUL_OK)
		r = mark(e, &tr, &d, new.base, a->reason);
	if (r == NST_EMUL_OK)
		r = enter_new(e, a, &d, image);
	/* The new task wants to be traced from its first instruction on. */
	if (r == NST_EMUL_OK && l->trap && (image[l->trap] & 1))
		e->trap_dr6 |= DR6_BT;
	return r;
}

enum nst_emul_result nst_task_switch(struct nst_emul *e, u16 sel,
				     enum nst_emul_task_reason reason)
{
	struct switch_args a = {
		.sel = sel, .reason = reason, .ip = e->rip + e->insn_len,
	};

	return do_switch(e, &a);
}

enum nst_emul_result nst_task_gate(struct nst_emul *e, u16 sel, u64 ip, bool has_error,
				   u32 error)
{
	struct switch_args a = {
		.sel = sel, .reason = NST_TASK_GATE, .ip = ip,
		.has_error = has_error, .error = error,
	};

	return do_switch(e, &a);
}

enum nst_emul_result nst_task_return(struct nst_emul *e)
{
	struct nst_emul_seg tr = { 0 };
	enum nst_emul_result r;
	u16 link = 0;

	if (!e->ops->get_sys_seg)
		return NST_EMUL_UNKNOWN;
	r = e->ops->get_sys_seg(e, NST_DESC_TR, &tr);
	if (r == NST_EMUL_OK)
		r = nst_sys_read(e, tr.base, &link, 2);
	return r == NST_EMUL_OK ? nst_task_switch(e, link, NST_TASK_IRET) : r;
}

enum nst_emul_result nst_emul_task_switch(struct nst_emul *e, u16 selector,
					  enum nst_emul_task_reason reason,
					  bool has_error, u32 error_code)
{
	struct switch_args a = {
		.sel = selector, .reason = reason, .ip = e->rip,
		.has_error = has_error, .error = error_code,
	};

	nst_begin(e);
	return nst_end(e, do_switch(e, &a));
}
