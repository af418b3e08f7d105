// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: SYSCALL, SYSRET, SYSENTER and SYSEXIT with each vendor's rules.
 * They load flat segments without reading descriptors. Pure.
 */
#include "seg.h"

#define FLAT_AR		(NST_AR_P | NST_AR_S | NST_AR_RW | NST_AR_ACCESSED | NST_AR_G)
#define SYSRET_FLAGS	0x3c7fd7ull	/* SDM2 "SYSRET" */
#define NULL_CS(cs)	(!((cs) & NST_SEL_ERR))

static void flat_code(struct nst_emul *e, u32 sel, u32 cpl, bool code64)
{
	struct nst_emul_seg seg = {
		.selector = (u16)((sel & ~NST_SEL_RPL) | cpl),
		.limit = 0xffffffff,
		.ar = FLAT_AR | NST_AR_CODE | cpl << NST_AR_DPL_SHIFT |
		      (code64 ? NST_AR_L : NST_AR_DB),
	};

	nst_set_seg(e, NST_SEG_CS, &seg);
	e->cpl = (u8)cpl;
}

static void flat_stack(struct nst_emul *e, u32 sel, u32 cpl)
{
	struct nst_emul_seg seg = {
		.selector = (u16)((sel & ~NST_SEL_RPL) | cpl),
		.limit = 0xffffffff,
		.ar = FLAT_AR | NST_AR_DB | cpl << NST_AR_DPL_SHIFT,
	};

	nst_set_seg(e, NST_SEG_SS, &seg);
}

/* AMD gives SS a selector and leaves the rest of it alone: APM3 "SYSRET". */
static void stack_of_sysret(struct nst_emul *e, u32 sel)
{
	struct nst_emul_seg seg = e->seg[NST_SEG_SS];

	seg.selector = (u16)(sel | NST_SEL_RPL);
	seg.ar |= NST_AR_DPL;
	nst_set_seg(e, NST_SEG_SS, &seg);
}

static void go(struct nst_emul *e, u64 ip)
{
	e->rip = ip;
	e->d.jumped = true;
	/* The trap after these looks at the flags they loaded. */
	e->d.no_trap = !(e->rflags & X86_EFLAGS_TF);
}

/* Intel knows SYSCALL and SYSRET in 64-bit mode only. */
static bool syscall_refused(const struct nst_emul *e)
{
	return !(e->efer & EFER_SCE) || nst_real_or_vm86(e) ||
	       (!e->amd && e->d.mode != 8);
}

NST_EXEC(syscall)
{
	u64 star = 0, target = 0, mask = 0, next = e->rip + e->insn_len;
	enum nst_emul_result r;
	u32 cs;

	if (!e->ops->rdmsr)
		return NST_EMUL_UNKNOWN;
	if (syscall_refused(e))
		return nst_ud(e);
	r = e->ops->rdmsr(e, MSR_STAR, &star);
	cs = (u32)(star >> 32) & NST_SEL_ERR;
	if (r == NST_EMUL_OK && nst_long_mode(e))
		r = e->ops->rdmsr(e, e->d.mode == 8 ? MSR_LSTAR : MSR_CSTAR, &target);
	if (r == NST_EMUL_OK && nst_long_mode(e))
		r = e->ops->rdmsr(e, MSR_SYSCALL_MASK, &mask);
	if (r != NST_EMUL_OK)
		return r;
	flat_code(e, cs, 0, nst_long_mode(e));
	flat_stack(e, cs + 8, 0);
	if (nst_long_mode(e)) {
		e->gpr[NST_RCX] = next;
		e->gpr[NST_R11] = e->rflags;
		e->rflags = (e->rflags & ~mask) | X86_EFLAGS_FIXED;
	} else {
		nst_gpr_write(e, NST_RCX, 4, next);
		target = (u32)star;
		e->rflags &= ~(u64)(X86_EFLAGS_IF | X86_EFLAGS_VM);
	}
	go(e, target);
	return NST_EMUL_OK;
}

NST_EXEC(sysret)
{
	bool code64 = e->d.opsize == 8;
	enum nst_emul_result r;
	u64 star = 0;
	u32 base;

	if (!e->ops->rdmsr)
		return NST_EMUL_UNKNOWN;
	if (syscall_refused(e))
		return nst_ud(e);
	if (e->cpl)
		return nst_gp0(e);
	/* AMD finds out at the first fetch, at level 3. */
	if (code64 && !e->amd && !nst_canonical(e, e->gpr[NST_RCX]))
		return nst_gp0(e);
	r = e->ops->rdmsr(e, MSR_STAR, &star);
	if (r != NST_EMUL_OK)
		return r;
	base = (u32)(star >> 48);
	flat_code(e, base + (code64 ? 16 : 0), 3, code64);
	if (e->amd)
		stack_of_sysret(e, base + 8);
	else
		flat_stack(e, base + 8, 3);
	if (nst_long_mode(e))
		e->rflags = (e->gpr[NST_R11] & SYSRET_FLAGS) | X86_EFLAGS_FIXED;
	else
		e->rflags |= X86_EFLAGS_IF;
	go(e, code64 ? e->gpr[NST_RCX] : (u32)e->gpr[NST_RCX]);
	return NST_EMUL_OK;
}

static enum nst_emul_result sysenter_msr(struct nst_emul *e, u32 *cs)
{
	enum nst_emul_result r;
	u64 val = 0;

	if (!e->ops->rdmsr)
		return NST_EMUL_UNKNOWN;
	if (e->amd && nst_long_mode(e))
		return nst_ud(e);
	if (!nst_protected(e))
		return nst_gp0(e);
	r = e->ops->rdmsr(e, MSR_IA32_SYSENTER_CS, &val);
	*cs = (u32)val & NST_SEL_ERR;
	if (r == NST_EMUL_OK && NULL_CS(*cs))
		return nst_gp0(e);
	return r;
}

NST_EXEC(sysenter)
{
	u64 rip = 0, rsp = 0;
	enum nst_emul_result r;
	u32 cs = 0;

	r = sysenter_msr(e, &cs);
	if (r == NST_EMUL_OK)
		r = e->ops->rdmsr(e, MSR_IA32_SYSENTER_EIP, &rip);
	if (r == NST_EMUL_OK)
		r = e->ops->rdmsr(e, MSR_IA32_SYSENTER_ESP, &rsp);
	if (r != NST_EMUL_OK)
		return r;
	e->rflags &= ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_IF);
	flat_code(e, cs, 0, nst_long_mode(e));
	flat_stack(e, cs + 8, 0);
	e->gpr[NST_RSP] = nst_long_mode(e) ? rsp : (u32)rsp;
	go(e, nst_long_mode(e) ? rip : (u32)rip);
	return NST_EMUL_OK;
}

NST_EXEC(sysexit)
{
	bool code64 = e->d.opsize == 8;
	u64 rip = e->gpr[NST_RDX], rsp = e->gpr[NST_RCX];
	enum nst_emul_result r;
	u32 cs = 0;

	r = sysenter_msr(e, &cs);
	if (r != NST_EMUL_OK)
		return r;
	if (e->cpl || (code64 && (!nst_canonical(e, rip) || !nst_canonical(e, rsp))))
		return nst_gp0(e);
	flat_code(e, cs + (code64 ? 32 : 16), 3, code64);
	flat_stack(e, cs + (code64 ? 40 : 24), 3);
	e->gpr[NST_RSP] = code64 ? rsp : (u32)rsp;
	go(e, code64 ? rip : (u32)rip);
	return NST_EMUL_OK;
}
