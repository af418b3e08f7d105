// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: instructions whose meaning lies wholly with the machine around:
 * those of VMX and SVM, RSM, MONITOR and MWAIT, INVPCID, random numbers. Here
 * are only their operands and the checks that precede them. Pure.
 */
#include "exec.h"

#define INVPCID_TYPES	4
#define INVPCID_ONE	0	/* one address of one PCID */
#define INVPCID_PCID	1
#define PCID_BITS	12
#define MWAIT_BREAK	0x1u	/* interrupts end it though masked */

NST_EXEC(virt)
{
	if (!e->ops->virt)
		return NST_EMUL_UNKNOWN;
	return e->ops->virt(e, e->d.row->arg);
}

int nst_emul_is_virt(const struct nst_emul *e)
{
	return e->d.row->exec == nst_x_virt ? e->d.row->arg : -1;
}

/* Loads everything, RIP included, from where SMM saved it. */
NST_EXEC(rsm)
{
	enum nst_emul_result r;

	if (!e->smm || !e->ops->rsm)
		return nst_ud(e);
	r = nst_intercept(e, NST_ICPT_RSM, 0, 0);
	if (r != NST_EMUL_OK)
		return r;
	e->d.jumped = true;
	e->d.no_trap = true;
	e->d.committed = true;
	return e->ops->rsm(e);
}

/* SDM2 "MONITOR": the address is checked like that of a byte load. */
NST_EXEC(monitor)
{
	u32 seg = e->d.seg_override >= 0 ? (u32)e->d.seg_override : NST_SEG_DS;
	enum nst_emul_result r;
	u8 byte;

	if (e->cpl)
		return nst_ud(e);
	if ((u32)e->gpr[NST_RCX])
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_MONITOR, 0, 0);
	if (r != NST_EMUL_OK)
		return r;
	return nst_mem_read(e, seg, nst_gpr_read(e, NST_RAX, e->d.adsize), &byte, 1, 0);
}

/* Nothing is monitored, so any event may have ended the wait: it is over. */
NST_EXEC(mwait)
{
	if (e->cpl)
		return nst_ud(e);
	if ((u32)e->gpr[NST_RCX] & ~MWAIT_BREAK)
		return nst_gp0(e);
	return nst_intercept(e, NST_ICPT_MWAIT, 0, 0);
}

/* SDM2 "INVPCID": operand 0 is the type, operand 1 the descriptor. */
NST_EXEC(invpcid)
{
	u64 type = nst_gpr_read(e, e->d.op[0].reg, e->d.op[0].size), desc[2] = { 0, 0 };
	struct nst_emul_operand *op = &e->d.op[1];
	enum nst_emul_result r;

	if (!e->ops->invpcid)
		return NST_EMUL_UNKNOWN;
	if (!nst_protected(e))
		type &= 0xffffffff;
	r = nst_intercept(e, NST_ICPT_INVPCID, 0, 0);
	if (r == NST_EMUL_OK)
		r = nst_mem_read(e, op->seg, op->ea, desc, sizeof(desc), 0);
	if (r != NST_EMUL_OK)
		return r;
	if (type >= INVPCID_TYPES || desc[0] >> PCID_BITS)
		return nst_gp0(e);
	if (type == INVPCID_ONE && !nst_canonical(e, desc[1]))
		return nst_gp0(e);
	if (type <= INVPCID_PCID && desc[0] && !(e->cr4 & X86_CR4_PCIDE))
		return nst_gp0(e);
	return e->ops->invpcid(e, (u32)type, (u16)desc[0], desc[1]);
}

/* RDRAND /6 and RDSEED /7: CF says that the value counts. */
NST_EXEC(rdrand)
{
	bool seed = (e->d.modrm & 0x38) == 0x38;
	struct nst_emul_operand *op = &e->d.op[0];
	enum nst_emul_result r;

	if (!e->ops->random)
		return NST_EMUL_UNKNOWN;
	r = nst_intercept(e, seed ? NST_ICPT_RDSEED : NST_ICPT_RDRAND, 0, 0);
	if (r != NST_EMUL_OK)
		return r;
	op->val = 0;
	r = e->ops->random(e, &op->val, op->size);
	nst_set_flags(e, NST_ARITH_FLAGS, X86_EFLAGS_CF);
	return r;
}

NST_EXEC(rdpid)
{
	if (!e->ops->rdmsr)
		return NST_EMUL_UNKNOWN;
	return e->ops->rdmsr(e, MSR_TSC_AUX, &e->d.op[0].val);
}
