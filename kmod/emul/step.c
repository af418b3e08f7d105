// SPDX-License-Identifier: GPL-2.0-only
/*
 * One step: decode, check, read operands, run the row's handler, write the
 * result, and commit or take everything back. The registers in struct nst_emul
 * are worked on in place; e->saved holds what they were. Pure.
 */
#include "insn.h"

#define DR6_BS		BIT(14)	/* single step */
#define XCR0_SSE_AVX	0x6u

/* How often a LOCKed instruction retries before it lets interrupts in. */
#define LOCK_RETRIES	32

enum nst_emul_result nst_emul_raise(struct nst_emul *e, u8 vector, int error_code)
{
	e->exc.valid = true;
	e->exc.vector = vector;
	e->exc.has_error = error_code >= 0;
	e->exc.error_code = error_code >= 0 ? (u32)error_code : 0;
	e->exc.payload = 0;
	return NST_EMUL_FAULT;
}

enum nst_emul_result nst_emul_raise_pf(struct nst_emul *e, u32 error_code, u64 cr2)
{
	nst_emul_raise(e, PF_VECTOR, 0);
	e->exc.error_code = error_code;
	e->exc.payload = cr2;
	return NST_EMUL_FAULT;
}

enum nst_emul_result nst_intercept(struct nst_emul *e, enum nst_emul_icpt kind,
				   u64 a, u64 b)
{
	return e->ops->intercept ? e->ops->intercept(e, kind, a, b) : NST_EMUL_OK;
}

static void save(struct nst_emul *e)
{
	memcpy(e->saved.gpr, e->gpr, sizeof(e->gpr));
	memcpy(e->saved.seg, e->seg, sizeof(e->seg));
	e->saved.rip = e->rip;
	e->saved.rflags = e->rflags;
	e->saved.cpl = e->cpl;
}

static void restore(struct nst_emul *e)
{
	memcpy(e->gpr, e->saved.gpr, sizeof(e->gpr));
	memcpy(e->seg, e->saved.seg, sizeof(e->seg));
	e->rip = e->saved.rip;
	e->rflags = e->saved.rflags;
	e->cpl = e->saved.cpl;
	e->shadow = 0;
	e->seg_dirty = 0;
	e->nmi_unmask = false;
	e->trap_dr6 = 0;
}

/* SDM2 "REP": flags go back to what they were, index registers stay. */
static void take_back(struct nst_emul *e, enum nst_emul_result r)
{
	bool ends_partly = r == NST_EMUL_FAULT || r == NST_EMUL_INTERCEPTED;

	if (e->d.committed && r == NST_EMUL_FAULT)
		return;
	if (ends_partly && e->d.partial)
		e->rflags = e->saved.rflags;
	else
		restore(e);
}

/* SDM2 "Instruction Exception Specification" of SSE, MMX and AVX moves, and x87. */
static enum nst_emul_result check_fpu(struct nst_emul *e)
{
	u32 flags = e->d.flags;

	if (flags & NST_F_AVX) {
		if (nst_real_or_vm86(e) || !(e->cr4 & X86_CR4_OSXSAVE) ||
		    (e->xcr0 & XCR0_SSE_AVX) != XCR0_SSE_AVX)
			return nst_ud(e);
	} else if (e->cr0 & X86_CR0_EM) {
		return flags & NST_F_FX ? nst_emul_raise(e, NM_VECTOR, -1) : nst_ud(e);
	} else if ((flags & NST_F_SSE) && !(e->cr4 & X86_CR4_OSFXSR)) {
		return nst_ud(e);
	}
	if (e->cr0 & X86_CR0_TS)
		return nst_emul_raise(e, NM_VECTOR, -1);
	if ((flags & NST_F_MMX) && e->ops->fx_read)
		return nst_fpu_pending(e);
	return NST_EMUL_OK;
}

static enum nst_emul_result check(struct nst_emul *e)
{
	struct nst_emul_insn *d = &e->d;
	u32 flags = d->flags;

	if (d->lock && (!(flags & NST_F_LOCK) || d->op[0].kind != NST_K_MEM))
		return nst_ud(e);
	if (!nst_has(e, d->row->feat))
		return nst_ud(e);
	if (flags & (d->mode == 8 ? NST_F_NO64 : NST_F_ONLY64))
		return nst_ud(e);
	if ((flags & NST_F_PROT) && nst_real_or_vm86(e))
		return nst_ud(e);
	if (d->vex_len && (flags & NST_F_L0) && d->vex_len != 16)
		return nst_ud(e);
	if (d->vex_len && (flags & NST_F_NOVVVV) && d->vex_reg)
		return nst_ud(e);
	/* Intel ignores the prefix here, AMD cuts rip: the vendors differ. */
	if ((flags & NST_F_BRANCH) && d->mode == 8 && d->has_opsize && e->amd)
		return NST_EMUL_UNKNOWN;
	if ((flags & NST_F_PRIV) && e->cpl)
		return nst_gp0(e);
	if (flags & (NST_F_SSE | NST_F_MMX | NST_F_AVX | NST_F_FX))
		return check_fpu(e);
	return NST_EMUL_OK;
}

/* BT and friends: a register offset reaches beyond the addressed word. */
static void move_bit_address(struct nst_emul *e)
{
	struct nst_emul_insn *d = &e->d;
	u32 bits = d->op[0].size * 8;
	u64 off;

	if (!(d->flags & NST_F_BITOFF) || d->op[0].kind != NST_K_MEM)
		return;
	off = nst_sign_extend(nst_gpr_read(e, d->op[1].reg, d->op[1].size), d->op[1].size);
	off = (u64)((s64)off >> 3) & ~(u64)(bits / 8 - 1);
	d->op[0].ea = (d->op[0].ea + off) & nst_mask(d->adsize);
}

static enum nst_emul_result read_operands(struct nst_emul *e)
{
	struct nst_emul_insn *d = &e->d;
	enum nst_emul_result r = NST_EMUL_OK;
	u32 i;

	if (d->flags & NST_F_RD)
		r = nst_op_read(e, &d->op[0],
				d->flags & NST_F_WR ? NST_EMUL_ACC_RMW : 0);
	if (d->flags & NST_F_NOSRC)
		return r;
	for (i = 1; i < ARRAY_SIZE(d->op) && r == NST_EMUL_OK; i++)
		r = nst_op_read(e, &d->op[i], 0);
	return r;
}

static enum nst_emul_result write_locked(struct nst_emul *e, u64 old, bool *done)
{
	struct nst_emul_operand *op = &e->d.op[0];
	enum nst_emul_result r;
	u64 lin;

	r = nst_linear(e, op->seg, op->ea, op->size, true, &lin);
	if (r != NST_EMUL_OK)
		return r;
	r = e->ops->exchange(e, lin, &old, &op->val, op->size, done);
	if (r == NST_EMUL_OK && *done)
		nst_break_data(e, lin, op->size, true);
	return r;
}

/* One try; *@done false: memory changed between the read and the write. */
static enum nst_emul_result run_once(struct nst_emul *e, bool *done)
{
	struct nst_emul_insn *d = &e->d;
	enum nst_emul_result r;
	bool locked;
	u64 old;

	*done = true;
	r = read_operands(e);
	if (r != NST_EMUL_OK)
		return r;
	old = d->op[0].val;
	r = d->row->exec(e);
	if (r != NST_EMUL_OK || !(d->flags & NST_F_WR) || d->no_write)
		return r;
	locked = (d->lock || (d->flags & NST_F_XLOCK)) && d->op[0].kind == NST_K_MEM &&
		 (d->flags & NST_F_RD);
	if (locked && e->ops->exchange)
		return write_locked(e, old, done);
	return nst_op_write(e, &d->op[0]);
}

static enum nst_emul_result run(struct nst_emul *e)
{
	enum nst_emul_result r;
	bool done;
	u32 i;

	move_bit_address(e);
	for (i = 0; i < LOCK_RETRIES; i++) {
		e->rflags &= ~(u64)X86_EFLAGS_RF;
		e->d.no_write = false;
		r = run_once(e, &done);
		if (r != NST_EMUL_OK || done)
			return r;
		restore(e);
	}
	e->d.no_trap = true;
	return NST_EMUL_AGAIN;
}

static void advance(struct nst_emul *e)
{
	struct nst_emul_insn *d = &e->d;

	if (!d->jumped) {
		e->rip += e->insn_len;
		if (d->mode != 8)
			e->rip = (u32)e->rip;
	}
}

void nst_begin(struct nst_emul *e)
{
	memset(&e->exc, 0, sizeof(e->exc));
	memset(&e->d, 0, sizeof(e->d));
	e->shadow = 0;
	e->seg_dirty = 0;
	e->single_step = false;
	e->trap_dr6 = 0;
	e->nmi_unmask = false;
	e->insn_len = 0;
	save(e);
}

enum nst_emul_result nst_end(struct nst_emul *e, enum nst_emul_result r)
{
	if (r == NST_EMUL_OK && e->d.again)
		r = NST_EMUL_AGAIN;
	if (r != NST_EMUL_OK && r != NST_EMUL_AGAIN)
		take_back(e, r);
	else
		e->single_step = (e->saved.rflags & X86_EFLAGS_TF) && !e->d.no_trap &&
				 !(e->shadow & NST_EMUL_SHADOW_MOV_SS);
	if (e->single_step)
		e->trap_dr6 |= DR6_BS;
	if (r != NST_EMUL_FAULT)
		e->exc.valid = false;
	return r;
}

enum nst_emul_result nst_emul_step(struct nst_emul *e)
{
	enum nst_emul_result r;

	nst_begin(e);
	r = nst_break_exec(e);
	if (r == NST_EMUL_OK)
		r = nst_emul_decode(e);
	if (r == NST_EMUL_OK)
		r = check(e);
	if (r == NST_EMUL_OK)
		r = run(e);
	if (r == NST_EMUL_OK && !e->d.again)
		advance(e);
	return nst_end(e, r);
}
