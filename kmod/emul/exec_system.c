// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: control and debug registers, MSRs, descriptor-table registers,
 * interrupt flag, and the other instructions an operating system keeps for
 * itself. What they do to the machine is the callbacks' business. Pure.
 */
#include "exec.h"

#define MSW_BITS	0xfu	/* PE, MP, EM, TS: SDM2 "LMSW" */

/* CLI and STI below IOPL: CR4.VME and CR4.PVI give a virtual flag. */
static bool virtual_if(const struct nst_emul *e)
{
	if (nst_vm86(e))
		return nst_iopl(e) < 3 && (e->cr4 & X86_CR4_VME);
	return e->cpl == 3 && nst_iopl(e) < 3 && (e->cr4 & X86_CR4_PVI);
}

static bool may_change_if(const struct nst_emul *e)
{
	return !nst_protected(e) || e->cpl <= nst_iopl(e);
}

NST_EXEC(cli)
{
	if (may_change_if(e))
		nst_set_flags(e, X86_EFLAGS_IF, 0);
	else if (virtual_if(e))
		nst_set_flags(e, X86_EFLAGS_VIF, 0);
	else
		return nst_gp0(e);
	return NST_EMUL_OK;
}

NST_EXEC(sti)
{
	if (may_change_if(e)) {
		if (!(e->rflags & X86_EFLAGS_IF))
			e->shadow |= NST_EMUL_SHADOW_STI;
		nst_set_flags(e, X86_EFLAGS_IF, X86_EFLAGS_IF);
		return NST_EMUL_OK;
	}
	if (!virtual_if(e) || (e->rflags & X86_EFLAGS_VIP))
		return nst_gp0(e);
	nst_set_flags(e, X86_EFLAGS_VIF, X86_EFLAGS_VIF);
	return NST_EMUL_OK;
}

NST_EXEC(hlt)
{
	enum nst_emul_result r;

	if (!e->ops->hlt)
		return NST_EMUL_UNKNOWN;
	r = nst_intercept(e, NST_ICPT_HLT, 0, 0);
	return r == NST_EMUL_OK ? e->ops->hlt(e) : r;
}

static bool valid_cr(u32 nr)
{
	return nr == 0 || nr == 2 || nr == 3 || nr == 4 || nr == 8;
}

NST_EXEC(read_cr)
{
	u32 nr = e->d.op[1].reg;
	enum nst_emul_result r;

	if (!e->ops->get_cr)
		return NST_EMUL_UNKNOWN;
	if (!valid_cr(nr))
		return nst_ud(e);
	if (e->cpl)
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_CR_READ, nr, e->d.op[0].reg);
	return r == NST_EMUL_OK ? e->ops->get_cr(e, nr, &e->d.op[0].val) : r;
}

NST_EXEC(write_cr)
{
	u32 nr = e->d.op[0].reg;
	enum nst_emul_result r;

	if (!e->ops->set_cr)
		return NST_EMUL_UNKNOWN;
	if (!valid_cr(nr))
		return nst_ud(e);
	if (e->cpl)
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_CR_WRITE, nr | e->d.op[1].reg << 8, e->d.op[1].val);
	return r == NST_EMUL_OK ? e->ops->set_cr(e, nr, e->d.op[1].val) : r;
}

/* DR4 and DR5 are DR6 and DR7 unless CR4.DE is set: SDM3 "Debug Registers". */
static enum nst_emul_result debug_reg(struct nst_emul *e, u32 *nr)
{
	if (*nr > 7 || ((*nr == 4 || *nr == 5) && (e->cr4 & X86_CR4_DE)))
		return nst_ud(e);
	if (e->cpl)
		return nst_gp0(e);
	if (*nr == 4 || *nr == 5)
		*nr += 2;
	return NST_EMUL_OK;
}

NST_EXEC(read_dr)
{
	u32 nr = e->d.op[1].reg;
	enum nst_emul_result r;

	if (!e->ops->get_dr)
		return NST_EMUL_UNKNOWN;
	r = debug_reg(e, &nr);
	if (r == NST_EMUL_OK)
		r = nst_intercept(e, NST_ICPT_DR_READ, nr, e->d.op[0].reg);
	return r == NST_EMUL_OK ? e->ops->get_dr(e, nr, &e->d.op[0].val) : r;
}

NST_EXEC(write_dr)
{
	u32 nr = e->d.op[0].reg;
	enum nst_emul_result r;

	if (!e->ops->set_dr)
		return NST_EMUL_UNKNOWN;
	r = debug_reg(e, &nr);
	if (r == NST_EMUL_OK)
		r = nst_intercept(e, NST_ICPT_DR_WRITE, nr | e->d.op[1].reg << 8,
				  e->d.op[1].val);
	return r == NST_EMUL_OK ? e->ops->set_dr(e, nr, e->d.op[1].val) : r;
}

static bool umip_refuses(const struct nst_emul *e)
{
	return e->cpl && (e->cr4 & X86_CR4_UMIP);
}

NST_EXEC(smsw)
{
	enum nst_emul_result r;

	if (!e->ops->get_cr)
		return NST_EMUL_UNKNOWN;
	if (umip_refuses(e))
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_SMSW, 0, 0);
	return r == NST_EMUL_OK ? e->ops->get_cr(e, 0, &e->d.op[0].val) : r;
}

NST_EXEC(lmsw)
{
	u64 msw = e->d.op[0].val & MSW_BITS, keep = e->cr0 & ~(u64)MSW_BITS;
	enum nst_emul_result r;

	if (!e->ops->set_cr)
		return NST_EMUL_UNKNOWN;
	r = nst_intercept(e, NST_ICPT_LMSW, e->d.op[0].val, e->modrm.mem);
	if (r != NST_EMUL_OK)
		return r;
	/* LMSW can set PE but not clear it. */
	return e->ops->set_cr(e, 0, keep | msw | (e->cr0 & X86_CR0_PE));
}

NST_EXEC(clts)
{
	enum nst_emul_result r;

	if (!e->ops->set_cr)
		return NST_EMUL_UNKNOWN;
	r = nst_intercept(e, NST_ICPT_CLTS, 0, 0);
	return r == NST_EMUL_OK ? e->ops->set_cr(e, 0, e->cr0 & ~(u64)X86_CR0_TS) : r;
}

/* SGDT and LGDT, SIDT and LIDT: bit 3 of ModRM tells the IDT. */
static enum nst_emul_desc table_of(const struct nst_emul *e)
{
	return e->d.modrm & 0x8 ? NST_DESC_IDT : NST_DESC_GDT;
}

NST_EXEC(store_table)
{
	struct nst_emul_operand *op = &e->d.op[0];
	u32 len = e->d.mode == 8 ? 8 : 4;
	enum nst_emul_result r;
	u16 limit = 0;
	u64 base = 0;

	if (!e->ops->get_dtr)
		return NST_EMUL_UNKNOWN;
	if (umip_refuses(e))
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_DESC_READ, table_of(e), 0);
	if (r == NST_EMUL_OK)
		r = e->ops->get_dtr(e, table_of(e), &base, &limit);
	if (r != NST_EMUL_OK)
		return r;
	memcpy(e->buf, &limit, 2);
	memcpy(e->buf + 2, &base, len);
	return nst_mem_write(e, op->seg, op->ea, e->buf, 2 + len);
}

NST_EXEC(load_table)
{
	struct nst_emul_operand *op = &e->d.op[0];
	u32 len = e->d.mode == 8 ? 8 : 4;
	enum nst_emul_result r;
	u16 limit;
	u64 base = 0;

	if (!e->ops->set_dtr)
		return NST_EMUL_UNKNOWN;
	r = nst_intercept(e, NST_ICPT_DESC_WRITE, table_of(e), 0);
	if (r == NST_EMUL_OK)
		r = nst_mem_read(e, op->seg, op->ea, e->buf, 2 + len, 0);
	if (r != NST_EMUL_OK)
		return r;
	memcpy(&limit, e->buf, 2);
	memcpy(&base, e->buf + 2, len);
	/* A 16-bit operand has a 24-bit base, as the 80286 had. */
	if (e->d.mode != 8 && e->d.opsize == 2)
		base &= 0xffffff;
	if (e->d.mode == 8 && !nst_canonical(e, base))
		return nst_gp0(e);
	return e->ops->set_dtr(e, table_of(e), base, limit);
}

NST_EXEC(invlpg)
{
	struct nst_emul_operand *op = &e->d.op[0];
	u64 base = e->d.mode == 8 && op->seg < NST_SEG_FS ? 0 : e->seg[op->seg].base;
	u64 lin = base + op->ea;
	enum nst_emul_result r;

	if (!e->ops->invlpg)
		return NST_EMUL_UNKNOWN;
	if (e->d.mode != 8)
		lin = (u32)lin;
	r = nst_intercept(e, NST_ICPT_INVLPG, lin, 0);
	return r == NST_EMUL_OK ? e->ops->invlpg(e, lin) : r;
}

/* INVD 08, WBINVD 09 */
NST_EXEC(wbinvd)
{
	bool writeback = e->d.opcode == 0x09;
	enum nst_emul_result r;

	if (!e->ops->wbinvd)
		return NST_EMUL_UNKNOWN;
	r = nst_intercept(e, writeback ? NST_ICPT_WBINVD : NST_ICPT_INVD, 0, 0);
	return r == NST_EMUL_OK ? e->ops->wbinvd(e, writeback) : r;
}

/* CLFLUSH and its kin: the address is checked like that of a byte load. */
NST_EXEC(clflush)
{
	u64 lin;

	return nst_linear(e, e->d.op[0].seg, e->d.op[0].ea, 1, false, &lin);
}

static u64 edx_eax(const struct nst_emul *e)
{
	return nst_gpr_read(e, NST_RAX, 4) | nst_gpr_read(e, NST_RDX, 4) << 32;
}

static void set_edx_eax(struct nst_emul *e, u64 val)
{
	nst_gpr_write(e, NST_RAX, 4, val);
	nst_gpr_write(e, NST_RDX, 4, val >> 32);
}

static u32 ecx(const struct nst_emul *e)
{
	return (u32)e->gpr[NST_RCX];
}

NST_EXEC(rdmsr)
{
	enum nst_emul_result r;
	u64 val = 0;

	if (!e->ops->rdmsr)
		return NST_EMUL_UNKNOWN;
	r = nst_intercept(e, NST_ICPT_RDMSR, ecx(e), 0);
	if (r == NST_EMUL_OK)
		r = e->ops->rdmsr(e, ecx(e), &val);
	if (r == NST_EMUL_OK)
		set_edx_eax(e, val);
	return r;
}

NST_EXEC(wrmsr)
{
	enum nst_emul_result r;

	if (!e->ops->wrmsr)
		return NST_EMUL_UNKNOWN;
	r = nst_intercept(e, NST_ICPT_WRMSR, ecx(e), edx_eax(e));
	return r == NST_EMUL_OK ? e->ops->wrmsr(e, ecx(e), edx_eax(e)) : r;
}

NST_EXEC(rdtsc)
{
	enum nst_emul_result r;
	u64 val = 0;

	if (!e->ops->rdtsc)
		return NST_EMUL_UNKNOWN;
	if (e->cpl && (e->cr4 & X86_CR4_TSD))
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_RDTSC, 0, 0);
	if (r == NST_EMUL_OK)
		r = e->ops->rdtsc(e, &val);
	if (r == NST_EMUL_OK)
		set_edx_eax(e, val);
	return r;
}

NST_EXEC(rdtscp)
{
	enum nst_emul_result r;
	u64 val = 0, aux = 0;

	if (!e->ops->rdtsc || !e->ops->rdmsr)
		return NST_EMUL_UNKNOWN;
	if (e->cpl && (e->cr4 & X86_CR4_TSD))
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_RDTSCP, 0, 0);
	if (r == NST_EMUL_OK)
		r = e->ops->rdtsc(e, &val);
	if (r == NST_EMUL_OK)
		r = e->ops->rdmsr(e, MSR_TSC_AUX, &aux);
	if (r != NST_EMUL_OK)
		return r;
	set_edx_eax(e, val);
	nst_gpr_write(e, NST_RCX, 4, aux);
	return r;
}

NST_EXEC(rdpmc)
{
	enum nst_emul_result r;
	u64 val = 0;

	if (!e->ops->rdpmc)
		return NST_EMUL_UNKNOWN;
	if (nst_protected(e) && e->cpl && !(e->cr4 & X86_CR4_PCE))
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_RDPMC, ecx(e), 0);
	if (r == NST_EMUL_OK)
		r = e->ops->rdpmc(e, ecx(e), &val);
	if (r == NST_EMUL_OK)
		set_edx_eax(e, val);
	return r;
}

NST_EXEC(cpuid)
{
	u32 regs[4] = { (u32)e->gpr[NST_RAX], 0, ecx(e), 0 };
	enum nst_emul_result r;

	if (!e->ops->cpuid)
		return NST_EMUL_UNKNOWN;
	r = nst_intercept(e, NST_ICPT_CPUID, 0, 0);
	if (r == NST_EMUL_OK)
		r = e->ops->cpuid(e, regs);
	if (r != NST_EMUL_OK)
		return r;
	nst_gpr_write(e, NST_RAX, 4, regs[0]);
	nst_gpr_write(e, NST_RBX, 4, regs[1]);
	nst_gpr_write(e, NST_RCX, 4, regs[2]);
	nst_gpr_write(e, NST_RDX, 4, regs[3]);
	return r;
}

NST_EXEC(xgetbv)
{
	enum nst_emul_result r;
	u64 val = 0;

	if (!e->ops->xgetbv)
		return NST_EMUL_UNKNOWN;
	if (!(e->cr4 & X86_CR4_OSXSAVE))
		return nst_ud(e);
	r = e->ops->xgetbv(e, ecx(e), &val);
	if (r == NST_EMUL_OK)
		set_edx_eax(e, val);
	return r;
}

NST_EXEC(xsetbv)
{
	enum nst_emul_result r;

	if (!e->ops->xsetbv)
		return NST_EMUL_UNKNOWN;
	if (!(e->cr4 & X86_CR4_OSXSAVE))
		return nst_ud(e);
	if (e->cpl)
		return nst_gp0(e);
	r = nst_intercept(e, NST_ICPT_XSETBV, ecx(e), edx_eax(e));
	return r == NST_EMUL_OK ? e->ops->xsetbv(e, ecx(e), edx_eax(e)) : r;
}

/* CLAC and STAC: the low bit of ModRM tells which; #UD above level 0. */
NST_EXEC(set_ac)
{
	if (e->cpl)
		return nst_ud(e);
	nst_set_flags(e, X86_EFLAGS_AC, nst_flag_if(e->d.modrm & 1, X86_EFLAGS_AC));
	return NST_EMUL_OK;
}

NST_EXEC(swapgs)
{
	enum nst_emul_result r;
	u64 val = 0;

	if (!e->ops->rdmsr || !e->ops->wrmsr)
		return NST_EMUL_UNKNOWN;
	r = e->ops->rdmsr(e, MSR_KERNEL_GS_BASE, &val);
	if (r == NST_EMUL_OK)
		r = e->ops->wrmsr(e, MSR_KERNEL_GS_BASE, e->seg[NST_SEG_GS].base);
	if (r != NST_EMUL_OK)
		return r;
	e->seg[NST_SEG_GS].base = val;
	e->seg_dirty |= 1u << NST_SEG_GS;
	return r;
}

/* RDFSBASE /0, RDGSBASE /1, WRFSBASE /2, WRGSBASE /3 */
NST_EXEC(fs_gs_base)
{
	u32 which = (e->d.modrm >> 3) & 3, idx = which & 1 ? NST_SEG_GS : NST_SEG_FS;
	struct nst_emul_operand *op = &e->d.op[0];

	if (!(e->cr4 & X86_CR4_FSGSBASE))
		return nst_ud(e);
	if (which < 2) {
		op->val = e->seg[idx].base;
		return NST_EMUL_OK;
	}
	if (!nst_canonical(e, op->val))
		return nst_gp0(e);
	e->seg[idx].base = op->val;
	e->seg_dirty |= 1u << idx;
	e->d.no_write = true;
	return NST_EMUL_OK;
}
