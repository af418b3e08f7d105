// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: pushes, pops, stack frames and the flags on the stack. Pure.
 */
#include "exec.h"

#define POPF_FLAGS	(NST_ARITH_FLAGS | X86_EFLAGS_TF | X86_EFLAGS_DF | \
			 X86_EFLAGS_NT)

u32 nst_stack_size(const struct nst_emul *e)
{
	if (nst_64bit(e))
		return 8;
	return e->seg[NST_SEG_SS].ar & NST_AR_DB ? 4 : 2;
}

/* Room of @step bytes, of which the low @size are written. */
static enum nst_emul_result push_step(struct nst_emul *e, u64 val, u32 size, u32 step)
{
	u32 width = nst_stack_size(e);
	u64 sp = (e->gpr[NST_RSP] - step) & nst_mask(width);
	enum nst_emul_result r;

	r = nst_mem_write(e, NST_SEG_SS, sp, &val, size);
	if (r == NST_EMUL_OK)
		nst_gpr_write(e, NST_RSP, width, sp);
	return r;
}

enum nst_emul_result nst_push(struct nst_emul *e, u64 val, u32 size)
{
	return push_step(e, val, size, size);
}

enum nst_emul_result nst_pop(struct nst_emul *e, u64 *val, u32 size)
{
	u32 width = nst_stack_size(e);
	enum nst_emul_result r;

	*val = 0;
	r = nst_mem_read(e, NST_SEG_SS, nst_gpr_read(e, NST_RSP, width), val, size, 0);
	if (r == NST_EMUL_OK)
		nst_gpr_add(e, NST_RSP, width, size);
	return r;
}

NST_EXEC(push)
{
	return nst_push(e, e->d.op[0].val, e->d.opsize);
}

NST_EXEC(pop)
{
	return nst_pop(e, &e->d.op[0].val, e->d.opsize);
}

/* 06 0E 16 1E: the opcode names the register; 0F A0 and A8: FS and GS. */
NST_EXEC(push_sreg)
{
	u64 sel = e->seg[(e->d.opcode >> 3) & 7].selector;

	/* AMD writes zeroes above the selector, Intel nothing. */
	return push_step(e, sel, e->amd ? e->d.opsize : 2, e->d.opsize);
}

NST_EXEC(pusha)
{
	u64 sp = e->gpr[NST_RSP];
	enum nst_emul_result r = NST_EMUL_OK;
	u32 reg;

	for (reg = NST_RAX; reg <= NST_RDI && r == NST_EMUL_OK; reg++)
		r = nst_push(e, reg == NST_RSP ? sp : e->gpr[reg], e->d.opsize);
	return r;
}

NST_EXEC(popa)
{
	enum nst_emul_result r;
	u32 reg = NST_RDI + 1;
	u64 val;

	while (reg-- > NST_RAX) {
		r = nst_pop(e, &val, e->d.opsize);
		if (r != NST_EMUL_OK)
			return r;
		if (reg != NST_RSP)
			nst_gpr_write(e, reg, e->d.opsize, val);
	}
	return NST_EMUL_OK;
}

/* Virtual-8086 mode below IOPL 3: only 16-bit forms, and only with CR4.VME. */
static bool vme_needed(const struct nst_emul *e)
{
	return nst_vm86(e) && nst_iopl(e) < 3;
}

static bool vme_refused(const struct nst_emul *e)
{
	return !(e->cr4 & X86_CR4_VME) || e->d.opsize != 2;
}

NST_EXEC(pushf)
{
	u64 flags = e->saved.rflags & ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_RF);
	enum nst_emul_result r;

	if (vme_needed(e)) {
		if (vme_refused(e))
			return nst_gp0(e);
		flags |= X86_EFLAGS_IOPL;
		flags &= ~(u64)X86_EFLAGS_IF;
		flags |= nst_flag_if(e->rflags & X86_EFLAGS_VIF, X86_EFLAGS_IF);
	}
	r = nst_intercept(e, NST_ICPT_PUSHF, 0, 0);
	return r == NST_EMUL_OK ? nst_push(e, flags, e->d.opsize) : r;
}

static enum nst_emul_result popf_vme(struct nst_emul *e, u64 val)
{
	bool on = val & X86_EFLAGS_IF;

	if ((val & X86_EFLAGS_TF) || (on && (e->rflags & X86_EFLAGS_VIP)))
		return nst_gp0(e);
	nst_set_flags(e, POPF_FLAGS, val);
	nst_set_flags(e, X86_EFLAGS_VIF, nst_flag_if(on, X86_EFLAGS_VIF));
	return NST_EMUL_OK;
}

NST_EXEC(popf)
{
	u64 which = POPF_FLAGS, val;
	enum nst_emul_result r;

	if (vme_needed(e) && vme_refused(e))
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_POPF, 0, 0);
	if (r == NST_EMUL_OK)
		r = nst_pop(e, &val, e->d.opsize);
	if (r != NST_EMUL_OK)
		return r;
	if (vme_needed(e))
		return popf_vme(e, val);
	if (!nst_protected(e) || e->cpl <= nst_iopl(e))
		which |= X86_EFLAGS_IF;
	if (!nst_protected(e) || !e->cpl)
		which |= X86_EFLAGS_IOPL;
	if (e->d.opsize > 2)
		which |= X86_EFLAGS_AC | X86_EFLAGS_ID;
	nst_set_flags(e, which, val);
	return NST_EMUL_OK;
}

/* ENTER at level n copies n - 1 frame pointers of the enclosing frames. */
static enum nst_emul_result copy_display(struct nst_emul *e, u32 level, u64 frame)
{
	u32 width = nst_stack_size(e), size = e->d.opsize, i;
	u64 bp = nst_gpr_read(e, NST_RBP, width), val;
	enum nst_emul_result r = NST_EMUL_OK;

	for (i = 1; i < level && r == NST_EMUL_OK; i++) {
		bp = (bp - size) & nst_mask(width);
		val = 0;
		r = nst_mem_read(e, NST_SEG_SS, bp, &val, size, 0);
		if (r == NST_EMUL_OK)
			r = nst_push(e, val, size);
	}
	if (r == NST_EMUL_OK && level)
		r = nst_push(e, frame, size);
	return r;
}

NST_EXEC(enter)
{
	u32 width = nst_stack_size(e), level = e->d.op[1].val & 0x1f;
	enum nst_emul_result r;
	u64 frame;

	r = nst_push(e, e->gpr[NST_RBP], e->d.opsize);
	frame = e->gpr[NST_RSP];
	if (r == NST_EMUL_OK)
		r = copy_display(e, level, frame);
	if (r != NST_EMUL_OK)
		return r;
	nst_gpr_write(e, NST_RBP, e->d.opsize, frame);
	nst_gpr_add(e, NST_RSP, width, -(e->d.op[0].val & 0xffff));
	return nst_mem_probe(e, NST_SEG_SS, nst_gpr_read(e, NST_RSP, width), 1);
}

NST_EXEC(leave)
{
	u32 width = nst_stack_size(e);
	enum nst_emul_result r;
	u64 val;

	nst_gpr_write(e, NST_RSP, width, e->gpr[NST_RBP]);
	r = nst_pop(e, &val, e->d.opsize);
	if (r == NST_EMUL_OK)
		nst_gpr_write(e, NST_RBP, e->d.opsize, val);
	return r;
}
