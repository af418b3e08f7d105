// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event delivery through the IVT and IDT, INT n and IRET, in all modes.
 * Follows SDM3 "Interrupt and Exception Handling" and SDM2 "INT n", "IRET".
 * Pure.
 */
#include "seg.h"

#define IVT_ENTRY	4
#define IDT_ENTRY	8
#define IDT_ENTRY_LONG	16
#define VME_MAP_BYTES	32	/* below the I/O map: one bit a vector */
#define HANDLER_CLEARS	(X86_EFLAGS_TF | X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_VM)
#define IRET_FLAGS	(NST_ARITH_FLAGS | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_NT)

struct event {
	enum nst_emul_event kind;
	u8 vector;
	bool has_error;
	u32 error;
	u32 ext;	/* NST_ERR_EXT, or 0 for software's own */
	u64 ip;		/* where the handler returns to */
	u64 rflags;	/* what is pushed */
};

static enum nst_emul_result gate_fault(struct nst_emul *e, u8 exc, const struct event *ev)
{
	return nst_emul_raise(e, exc, (int)(ev->vector * 8u | NST_ERR_IDT | ev->ext));
}

static enum nst_emul_result deliver_real(struct nst_emul *e, const struct event *ev)
{
	u16 limit = 0, cs_ip[2] = { 0, 0 };
	enum nst_emul_result r;
	u64 base = 0;

	r = e->ops->get_dtr(e, NST_DESC_IDT, &base, &limit);
	if (r != NST_EMUL_OK)
		return r;
	if (ev->vector * IVT_ENTRY + IVT_ENTRY - 1 > limit)
		return nst_gp0(e);
	r = nst_sys_read(e, base + ev->vector * IVT_ENTRY, cs_ip, sizeof(cs_ip));
	if (r == NST_EMUL_OK)
		r = nst_push(e, ev->rflags, 2);
	if (r == NST_EMUL_OK)
		r = nst_push(e, e->seg[NST_SEG_CS].selector, 2);
	if (r == NST_EMUL_OK)
		r = nst_push(e, ev->ip, 2);
	if (r != NST_EMUL_OK)
		return r;
	nst_seg_load_rm(e, NST_SEG_CS, cs_ip[1]);
	e->rip = cs_ip[0];
	e->rflags &= ~(u64)(X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_AC | X86_EFLAGS_RF);
	return NST_EMUL_OK;
}

static bool gate_type_ok(const struct nst_emul *e, u32 type)
{
	if (type == NST_SYS_INT || type == NST_SYS_TRAP)
		return true;
	if (nst_long_mode(e))
		return false;
	return type == NST_SYS_INT16 || type == NST_SYS_TRAP16 || type == NST_SYS_TASK;
}

static enum nst_emul_result read_gate(struct nst_emul *e, const struct event *ev,
				      struct nst_gate *g)
{
	u32 size = nst_long_mode(e) ? IDT_ENTRY_LONG : IDT_ENTRY;
	bool soft = ev->kind == NST_EMUL_EV_SOFT || ev->kind == NST_EMUL_EV_SOFT_EXC;
	struct nst_desc d = { 0 };
	enum nst_emul_result r;
	u16 limit = 0;
	u64 base = 0;

	r = e->ops->get_dtr(e, NST_DESC_IDT, &base, &limit);
	if (r != NST_EMUL_OK)
		return r;
	if (ev->vector * size + size - 1 > limit)
		return gate_fault(e, GP_VECTOR, ev);
	r = nst_sys_read(e, base + ev->vector * size, &d.raw, 8);
	if (r == NST_EMUL_OK && nst_long_mode(e))
		r = nst_sys_read(e, base + ev->vector * size + 8, &d.high, 8);
	if (r != NST_EMUL_OK)
		return r;
	nst_desc_to_gate(&d, g);
	if ((nst_desc_ar(&d) & NST_AR_S) || !gate_type_ok(e, g->type))
		return gate_fault(e, GP_VECTOR, ev);
	if (soft && g->dpl < e->cpl)
		return gate_fault(e, GP_VECTOR, ev);
	if (!g->present)
		return gate_fault(e, NP_VECTOR, ev);
	return NST_EMUL_OK;
}

static enum nst_emul_result handler_code(struct nst_emul *e, const struct nst_gate *g, u32 ext,
					 struct nst_desc *d, u32 *cpl)
{
	int err = (int)((g->sel & NST_SEL_ERR) | ext);
	enum nst_emul_result r;

	if (nst_null_sel(g->sel))
		return nst_emul_raise(e, GP_VECTOR, (int)ext);
	r = nst_desc_read(e, g->sel, GP_VECTOR, ext, d);
	if (r != NST_EMUL_OK)
		return r;
	if (!nst_desc_is_code(d) || nst_desc_dpl(d) > e->cpl)
		return nst_emul_raise(e, GP_VECTOR, err);
	if (nst_long_mode(e) && (nst_desc_ar(d) & (NST_AR_L | NST_AR_DB)) != NST_AR_L)
		return nst_emul_raise(e, GP_VECTOR, err);
	if (!(nst_desc_ar(d) & NST_AR_P))
		return nst_emul_raise(e, NP_VECTOR, err);
	*cpl = nst_desc_ar(d) & NST_AR_DC ? e->cpl : nst_desc_dpl(d);
	if (nst_vm86(e) && *cpl)
		return nst_emul_raise(e, GP_VECTOR, err);
	return NST_EMUL_OK;
}

/* What an interrupted virtual-8086 task had in its data segments. */
static enum nst_emul_result push_vm86_segs(struct nst_emul *e, u32 size)
{
	static const u8 order[] = { NST_SEG_GS, NST_SEG_FS, NST_SEG_DS, NST_SEG_ES };
	struct nst_emul_seg null = { .ar = NST_AR_UNUSABLE };
	enum nst_emul_result r = NST_EMUL_OK;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(order) && r == NST_EMUL_OK; i++) {
		r = nst_push(e, e->seg[order[i]].selector, size);
		nst_set_seg(e, order[i], &null);
	}
	return r;
}

static enum nst_emul_result push_frame(struct nst_emul *e, const struct event *ev, u32 size,
				       bool with_stack, u16 old_ss, u64 old_sp, u16 old_cs)
{
	enum nst_emul_result r = NST_EMUL_OK;

	if (with_stack)
		r = nst_push(e, old_ss, size);
	if (with_stack && r == NST_EMUL_OK)
		r = nst_push(e, old_sp, size);
	if (r == NST_EMUL_OK)
		r = nst_push(e, ev->rflags, size);
	if (r == NST_EMUL_OK)
		r = nst_push(e, old_cs, size);
	if (r == NST_EMUL_OK)
		r = nst_push(e, ev->ip, size);
	if (r == NST_EMUL_OK && ev->has_error)
		r = nst_push(e, ev->error, size);
	return r;
}

static enum nst_emul_result through_gate(struct nst_emul *e, const struct event *ev,
					 const struct nst_gate *g)
{
	u16 old_ss = e->seg[NST_SEG_SS].selector, old_cs = e->seg[NST_SEG_CS].selector;
	bool vm86 = nst_vm86(e), wide = nst_long_mode(e), inward;
	u32 size = wide ? 8 : g->type >= NST_SYS_INT ? 4 : 2, cpl = 0;
	u64 old_sp = e->gpr[NST_RSP], ip = size == 2 ? g->offset & 0xffff : g->offset;
	enum nst_emul_result r;
	struct nst_desc d;

	r = handler_code(e, g, ev->ext, &d, &cpl);
	if (r != NST_EMUL_OK)
		return r;
	inward = cpl < e->cpl;
	e->rflags &= ~(u64)X86_EFLAGS_VM;
	r = nst_cs_commit(e, &d, cpl, ip);
	if (r == NST_EMUL_OK && (inward || (wide && g->ist)))
		r = nst_stack_from_tss(e, cpl, g->ist, ev->ext);
	if (r != NST_EMUL_OK)
		return r;
	if (wide)
		e->gpr[NST_RSP] &= ~0xfULL;
	if (vm86)
		r = push_vm86_segs(e, size);
	if (r == NST_EMUL_OK)
		r = push_frame(e, ev, size, inward || wide, old_ss, old_sp, old_cs);
	/* On a stack that this delivery chose, the error code names it. */
	if (r == NST_EMUL_FAULT && inward && e->exc.vector == SS_VECTOR)
		e->exc.error_code = (e->seg[NST_SEG_SS].selector & NST_SEL_ERR) | ev->ext;
	e->rflags &= ~(u64)HANDLER_CLEARS;
	if (g->type == NST_SYS_INT || g->type == NST_SYS_INT16)
		e->rflags &= ~(u64)X86_EFLAGS_IF;
	return r;
}

static enum nst_emul_result deliver(struct nst_emul *e, struct event *ev)
{
	enum nst_emul_result r;
	struct nst_gate g;

	if (!e->ops->get_dtr)
		return NST_EMUL_UNKNOWN;
	ev->ext = ev->kind == NST_EMUL_EV_EXT || ev->kind == NST_EMUL_EV_EXC ? NST_ERR_EXT : 0;
	e->d.no_trap = true;
	if (!nst_protected(e)) {
		r = deliver_real(e, ev);
	} else {
		r = read_gate(e, ev, &g);
		if (r != NST_EMUL_OK)
			return r;
		if (g.type == NST_SYS_TASK)
			return nst_task_gate(e, g.sel, ev->ip, ev->has_error, ev->error);
		r = through_gate(e, ev, &g);
	}
	e->d.jumped = true;
	return r;
}

enum nst_emul_result nst_emul_deliver(struct nst_emul *e, enum nst_emul_event event,
				      u8 vector, bool has_error, u32 error_code)
{
	struct event ev = {
		.kind = event, .vector = vector, .has_error = has_error,
		.error = error_code, .ip = e->rip, .rflags = e->rflags,
	};

	nst_begin(e);
	/* Real mode has no error codes. */
	return nst_end(e, deliver(e, &ev));
}

static enum nst_emul_result software(struct nst_emul *e, enum nst_emul_event kind, u8 vector)
{
	struct event ev = {
		.kind = kind, .vector = vector, .ip = e->rip + e->insn_len,
		.rflags = e->rflags,
	};

	return deliver(e, &ev);
}

/* SDM3 "Class 3 - Software Interrupt Handling in Virtual-8086 Mode". */
static enum nst_emul_result vme_redirects(struct nst_emul *e, u8 vector, bool *to_8086)
{
	struct nst_emul_seg tr = { 0 };
	enum nst_emul_result r;
	u16 iomap = 0;
	u8 bits = 0;
	u32 off;

	if (!e->ops->get_sys_seg)
		return NST_EMUL_UNKNOWN;
	r = e->ops->get_sys_seg(e, NST_DESC_TR, &tr);
	if (r != NST_EMUL_OK)
		return r;
	if ((tr.ar & NST_AR_UNUSABLE) || (tr.ar & NST_AR_TYPE) < NST_SYS_TSS ||
	    tr.limit < NST_TSS_IOMAP + 1)
		return nst_gp0(e);
	r = nst_sys_read(e, tr.base + NST_TSS_IOMAP, &iomap, sizeof(iomap));
	if (r != NST_EMUL_OK)
		return r;
	off = iomap - VME_MAP_BYTES + vector / 8;
	if (iomap < VME_MAP_BYTES || off > tr.limit)
		return nst_gp0(e);
	r = nst_sys_read(e, tr.base + off, &bits, 1);
	*to_8086 = !((bits >> (vector & 7)) & 1);
	return r;
}

/* To the 8086 program's own handler: its vectors lie at linear address 0. */
static enum nst_emul_result vme_deliver(struct nst_emul *e, u8 vector)
{
	bool virtual = nst_iopl(e) < 3;
	u64 flags = e->rflags, which = virtual ? X86_EFLAGS_VIF : X86_EFLAGS_IF;
	u16 cs_ip[2] = { 0, 0 };
	enum nst_emul_result r;

	if (virtual) {
		flags = (flags & ~(u64)X86_EFLAGS_IF) | X86_EFLAGS_IOPL;
		flags |= nst_flag_if(e->rflags & X86_EFLAGS_VIF, X86_EFLAGS_IF);
	}
	r = e->ops->read(e, vector * IVT_ENTRY, cs_ip, sizeof(cs_ip), 0);
	if (r == NST_EMUL_OK)
		r = nst_push(e, flags, 2);
	if (r == NST_EMUL_OK)
		r = nst_push(e, e->seg[NST_SEG_CS].selector, 2);
	if (r == NST_EMUL_OK)
		r = nst_push(e, e->rip + e->insn_len, 2);
	if (r != NST_EMUL_OK)
		return r;
	nst_seg_load_rm(e, NST_SEG_CS, cs_ip[1]);
	e->rip = cs_ip[0];
	e->rflags &= ~(which | X86_EFLAGS_TF | X86_EFLAGS_RF);
	e->d.jumped = true;
	e->d.no_trap = true;
	return NST_EMUL_OK;
}

NST_EXEC(int)
{
	u8 vector = (u8)e->d.op[0].val;
	bool to_8086 = false;
	enum nst_emul_result r = NST_EMUL_OK;

	if (nst_vm86(e) && (e->cr4 & X86_CR4_VME))
		r = vme_redirects(e, vector, &to_8086);
	if (r == NST_EMUL_OK && nst_vm86(e) && nst_iopl(e) < 3 && !to_8086)
		r = nst_gp0(e);
	if (r == NST_EMUL_OK)
		r = nst_intercept(e, NST_ICPT_INTN, vector, 0);
	if (r != NST_EMUL_OK)
		return r;
	return to_8086 ? vme_deliver(e, vector) : software(e, NST_EMUL_EV_SOFT, vector);
}

/* No gate of it is refused for its DPL: SDM2 "INT n". */
NST_EXEC(int1)
{
	enum nst_emul_result r = nst_intercept(e, NST_ICPT_ICEBP, 0, 0);

	return r == NST_EMUL_OK ? software(e, NST_EMUL_EV_EXC, DB_VECTOR) : r;
}

NST_EXEC(int3)
{
	enum nst_emul_result r = nst_intercept(e, NST_ICPT_INT3, 0, 0);

	return r == NST_EMUL_OK ? software(e, NST_EMUL_EV_SOFT_EXC, BP_VECTOR) : r;
}

NST_EXEC(into)
{
	if (!(e->rflags & X86_EFLAGS_OF))
		return NST_EMUL_OK;
	return software(e, NST_EMUL_EV_SOFT_EXC, OF_VECTOR);
}

static u64 iret_flags(const struct nst_emul *e, u32 cpl)
{
	u64 which = IRET_FLAGS;

	if (e->d.opsize > 2)
		which |= X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID;
	if (cpl <= nst_iopl(e))
		which |= X86_EFLAGS_IF;
	if (!cpl)
		which |= X86_EFLAGS_IOPL;
	if (!cpl && e->d.opsize > 2 && nst_protected(e))
		which |= X86_EFLAGS_VIF | X86_EFLAGS_VIP;
	return which;
}

/* Virtual-8086 mode below IOPL 3: SDM2 "IRET", the part about VME. */
static enum nst_emul_result iret_vme(struct nst_emul *e, u64 ip, u16 cs, u64 flags)
{
	bool on = flags & X86_EFLAGS_IF;

	if ((flags & X86_EFLAGS_TF) || (on && (e->rflags & X86_EFLAGS_VIP)))
		return nst_gp0(e);
	nst_seg_load_rm(e, NST_SEG_CS, cs);
	nst_set_flags(e, IRET_FLAGS, flags);
	nst_set_flags(e, X86_EFLAGS_VIF, nst_flag_if(on, X86_EFLAGS_VIF));
	e->rip = ip;
	return NST_EMUL_OK;
}

static enum nst_emul_result iret_rm(struct nst_emul *e, u64 ip, u16 cs, u64 flags)
{
	if (ip > e->seg[NST_SEG_CS].limit)
		return nst_gp0(e);
	nst_seg_load_rm(e, NST_SEG_CS, cs);
	nst_set_flags(e, iret_flags(e, e->cpl), flags);
	e->rip = ip;
	return NST_EMUL_OK;
}

/* Back into virtual-8086 mode: everything comes from the stack. */
static enum nst_emul_result iret_to_vm86(struct nst_emul *e, u64 ip, u16 cs, u64 flags)
{
	static const u8 order[] = { NST_SEG_SS, NST_SEG_ES, NST_SEG_DS, NST_SEG_FS, NST_SEG_GS };
	enum nst_emul_result r;
	u64 sp, sel[ARRAY_SIZE(order)] = { 0 };
	u32 i;

	r = nst_pop(e, &sp, 4);
	for (i = 0; i < ARRAY_SIZE(order) && r == NST_EMUL_OK; i++)
		r = nst_pop(e, &sel[i], 4);
	if (r != NST_EMUL_OK)
		return r;
	nst_set_flags(e, iret_flags(e, 0) | X86_EFLAGS_VM, flags);
	e->cpl = 3;
	nst_seg_load_rm(e, NST_SEG_CS, cs);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		nst_seg_load_rm(e, order[i], (u16)sel[i]);
	e->gpr[NST_RSP] = (u32)sp;
	e->rip = ip & 0xffff;
	return NST_EMUL_OK;
}

static enum nst_emul_result iret_protected(struct nst_emul *e, u64 ip, u16 cs, u64 flags)
{
	u32 old_cpl = e->cpl, rpl = cs & NST_SEL_RPL;
	bool with_stack = rpl > old_cpl || e->d.mode == 8;
	u64 which = iret_flags(e, old_cpl), sp = 0, ss = 0;
	enum nst_emul_result r;
	struct nst_desc d;

	r = nst_return_code(e, cs, &d);
	if (r == NST_EMUL_OK && with_stack)
		r = nst_pop(e, &sp, e->d.opsize);
	if (r == NST_EMUL_OK && with_stack)
		r = nst_pop(e, &ss, e->d.opsize);
	if (r == NST_EMUL_OK)
		r = nst_cs_commit(e, &d, rpl, ip);
	if (r == NST_EMUL_OK && with_stack)
		r = nst_ss_load(e, (u16)ss, rpl, GP_VECTOR, 0);
	if (r != NST_EMUL_OK)
		return r;
	nst_set_flags(e, which, flags);
	if (with_stack)
		nst_gpr_write(e, NST_RSP, nst_stack_size(e), sp);
	if (rpl > old_cpl)
		nst_drop_data_segs(e);
	return NST_EMUL_OK;
}

static enum nst_emul_result iret_body(struct nst_emul *e)
{
	u64 ip, cs = 0, flags = 0;
	enum nst_emul_result r;

	r = nst_pop(e, &ip, e->d.opsize);
	if (r == NST_EMUL_OK)
		r = nst_pop(e, &cs, e->d.opsize);
	if (r == NST_EMUL_OK)
		r = nst_pop(e, &flags, e->d.opsize);
	if (r != NST_EMUL_OK)
		return r;
	if (nst_vm86(e) && nst_iopl(e) < 3)
		return iret_vme(e, ip, (u16)cs, flags);
	if (nst_real_or_vm86(e))
		return iret_rm(e, ip, (u16)cs, flags);
	if ((flags & X86_EFLAGS_VM) && !e->cpl && !nst_long_mode(e))
		return iret_to_vm86(e, ip, (u16)cs, flags);
	return iret_protected(e, ip, (u16)cs, flags);
}

NST_EXEC(iret)
{
	enum nst_emul_result r;

	if (nst_vm86(e) && nst_iopl(e) < 3 && (!(e->cr4 & X86_CR4_VME) || e->d.opsize != 2))
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_IRET, 0, 0);
	if (r != NST_EMUL_OK)
		return r;
	if (!nst_real_or_vm86(e) && (e->rflags & X86_EFLAGS_NT))
		r = nst_long_mode(e) ? nst_gp0(e) : nst_task_return(e);
	else
		r = iret_body(e);
	e->d.jumped = true;
	e->nmi_unmask = r == NST_EMUL_OK;
	return r;
}
