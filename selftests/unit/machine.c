// SPDX-License-Identifier: GPL-2.0-only
/* See machine.h. */
#include "machine.h"

#define FX_ST	32	/* SDM1 "Layout of the 64-Bit Mode FXSAVE Map" */
#define FX_XMM	160
#define DATA_AR	(NST_AR_P | NST_AR_S | NST_AR_RW | NST_AR_ACCESSED)

struct machine m;

/* Pages that this file has written since they were cleared. */
static bool touched[MEM_SIZE >> 12];

static void note_write(u64 lin, u32 len)
{
	touched[lin >> 12] = true;
	touched[(lin + len - 1) >> 12] = true;
}

static bool same_access(const struct access *a, u64 addr, u32 len, bool write, bool pio)
{
	return a->addr == addr && a->len == len && a->write == write && a->pio == pio;
}

/* A device access: from the log of answers, at once, or by userspace. */
static enum nst_emul_result device(u64 addr, void *buf, u32 len, bool write, bool pio)
{
	struct access *a;
	u32 i;

	if (m.via_user && m.used < m.answered) {
		a = &m.answer[m.used++];
		if (!same_access(a, addr, len, write, pio))
			return NST_EMUL_DEAD;
		if (!write)
			memcpy(buf, a->data, len);
		return NST_EMUL_OK;
	}
	a = m.via_user ? &m.wanted : &m.log[m.logged];
	if (m.logged == MAX_LOG || len > sizeof(a->data))
		return NST_EMUL_DEAD;
	*a = (struct access){ .addr = addr, .len = len, .write = write, .pio = pio };
	if (write)
		memcpy(a->data, buf, len);
	if (m.via_user)
		return NST_EMUL_USER;
	for (i = 0; i < len && !write; i++)
		a->data[i] = m.device++;
	if (!write)
		memcpy(buf, a->data, len);
	m.logged++;
	return NST_EMUL_OK;
}

/* What userspace does between two tries. */
static void finish_by_user(void)
{
	u32 i;

	for (i = 0; i < m.wanted.len && !m.wanted.write; i++)
		m.wanted.data[i] = m.device++;
	m.answer[m.answered++] = m.wanted;
	m.log[m.logged++] = m.wanted;
}

static enum nst_emul_result translate(u64 lin, u32 len, bool write)
{
	u64 page;

	/* The contract: no access wraps around the end of the address space. */
	if (lin + len - 1 < lin)
		return NST_EMUL_DEAD;
	for (page = lin >> 12; page <= (lin + len - 1) >> 12; page++)
		if (page >= MEM_SIZE >> 12 || m.absent[page] || (write && m.readonly[page]))
			return nst_emul_raise_pf(&m.e, write ? 2 : 0,
						 page == lin >> 12 ? lin : page << 12);
	return NST_EMUL_OK;
}

static bool is_mmio(u64 lin)
{
	return lin >= MMIO_BASE && lin < MMIO_END;
}

static enum nst_emul_result op_fetch(struct nst_emul *e, u64 lin, void *buf, u32 len)
{
	enum nst_emul_result r;

	/* The contract: never across a page. */
	if ((lin >> 12) != (lin + len - 1) >> 12)
		return NST_EMUL_DEAD;
	r = translate(lin, len, false);
	if (r == NST_EMUL_OK)
		memcpy(buf, m.mem + lin, len);
	return r;
}

static enum nst_emul_result op_read(struct nst_emul *e, u64 lin, void *buf, u32 len, u32 flags)
{
	enum nst_emul_result r = translate(lin, len, flags & NST_EMUL_ACC_RMW);

	if (r != NST_EMUL_OK)
		return r;
	if (is_mmio(lin))
		return device(lin, buf, len, false, false);
	memcpy(buf, m.mem + lin, len);
	return NST_EMUL_OK;
}

static enum nst_emul_result op_write(struct nst_emul *e, u64 lin, const void *buf, u32 len,
				     u32 flags)
{
	enum nst_emul_result r = translate(lin, len, true);

	if (r != NST_EMUL_OK)
		return r;
	if (is_mmio(lin))
		return device(lin, (void *)buf, len, true, false);
	note_write(lin, len);
	memcpy(m.mem + lin, buf, len);
	return NST_EMUL_OK;
}

static enum nst_emul_result op_probe(struct nst_emul *e, u64 lin, u32 len, u32 flags)
{
	return translate(lin, len, true);
}

static enum nst_emul_result op_cmpxchg(struct nst_emul *e, u64 lin, const void *old,
				       const void *new, u32 len, bool *done)
{
	enum nst_emul_result r = translate(lin, len, true);

	*done = true;
	if (r != NST_EMUL_OK)
		return r;
	if (is_mmio(lin))
		return device(lin, (void *)new, len, true, false);
	*done = !memcmp(m.mem + lin, old, len);
	note_write(lin, len);
	if (*done)
		memcpy(m.mem + lin, new, len);
	return NST_EMUL_OK;
}

static enum nst_emul_result op_in(struct nst_emul *e, u16 port, u32 size, void *buf, u32 count)
{
	return device(port, buf, size * count, false, true);
}

static enum nst_emul_result op_out(struct nst_emul *e, u16 port, u32 size, const void *buf,
				   u32 count)
{
	return device(port, (void *)buf, size * count, true, true);
}

static enum nst_emul_result op_get_cr(struct nst_emul *e, u32 nr, u64 *val)
{
	*val = nr == 0 ? e->cr0 : nr == 3 ? m.cr3 : nr == 4 ? e->cr4 : 0;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_set_cr(struct nst_emul *e, u32 nr, u64 val)
{
	if (nr == 0) {
		e->cr0 = val;
		e->efer &= ~(u64)EFER_LMA;
		if ((val & X86_CR0_PG) && (e->efer & EFER_LME))
			e->efer |= EFER_LMA;
	}
	if (nr == 3)
		m.cr3 = val;
	else if (nr == 4)
		e->cr4 = val;
	return NST_EMUL_OK;
}

/* MSRs by the low four bits of the index: enough to tell ours apart. */
static enum nst_emul_result op_rdmsr(struct nst_emul *e, u32 idx, u64 *val)
{
	*val = idx == MSR_EFER ? e->efer : m.msr[(idx ^ idx >> 4) & 15];
	return NST_EMUL_OK;
}

static enum nst_emul_result op_wrmsr(struct nst_emul *e, u32 idx, u64 val)
{
	*(idx == MSR_EFER ? &e->efer : &m.msr[(idx ^ idx >> 4) & 15]) = val;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_cpuid(struct nst_emul *e, u32 regs[4])
{
	regs[1] = regs[0] + 1;
	regs[3] = regs[2] + 2;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_rdtsc(struct nst_emul *e, u64 *val)
{
	*val = 0x1122334455667788ULL;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_hlt(struct nst_emul *e)
{
	m.halted++;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_invlpg(struct nst_emul *e, u64 lin)
{
	m.flushed = (u32)lin;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_get_dtr(struct nst_emul *e, enum nst_emul_desc which, u64 *base,
				       u16 *limit)
{
	*base = which == NST_DESC_GDT ? m.gdt_base : m.idt_base;
	*limit = which == NST_DESC_GDT ? m.gdt_limit : m.idt_limit;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_set_dtr(struct nst_emul *e, enum nst_emul_desc which, u64 base,
				       u16 limit)
{
	*(which == NST_DESC_GDT ? &m.gdt_base : &m.idt_base) = base;
	*(which == NST_DESC_GDT ? &m.gdt_limit : &m.idt_limit) = limit;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_get_sys(struct nst_emul *e, enum nst_emul_desc which,
				       struct nst_emul_seg *seg)
{
	*seg = which == NST_DESC_TR ? m.tr : m.ldt;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_set_sys(struct nst_emul *e, enum nst_emul_desc which,
				       const struct nst_emul_seg *seg)
{
	*(which == NST_DESC_TR ? &m.tr : &m.ldt) = *seg;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_fx_read(struct nst_emul *e, void *image)
{
	memcpy(image, m.fx, sizeof(m.fx));
	return NST_EMUL_OK;
}

static enum nst_emul_result op_fx_write(struct nst_emul *e, const void *image)
{
	memcpy(m.fx, image, sizeof(m.fx));
	return NST_EMUL_OK;
}

static enum nst_emul_result op_vec_read(struct nst_emul *e, u32 reg, void *buf, u32 len)
{
	u8 val[32];

	memcpy(val, m.fx + FX_XMM + reg * 16, 16);
	memcpy(val + 16, m.high[reg], 16);
	memcpy(buf, val, len);
	return NST_EMUL_OK;
}

static enum nst_emul_result op_vec_write(struct nst_emul *e, u32 reg, const void *buf, u32 len,
					 bool zero_upper)
{
	u8 val[32];

	op_vec_read(e, reg, val, 32);
	if (zero_upper)
		memset(val, 0, 32);
	memcpy(val, buf, len);
	memcpy(m.fx + FX_XMM + reg * 16, val, 16);
	memcpy(m.high[reg], val + 16, 16);
	return NST_EMUL_OK;
}

static enum nst_emul_result op_mmx_read(struct nst_emul *e, u32 reg, u64 *val)
{
	memcpy(val, m.fx + FX_ST + reg * 16, 8);
	return NST_EMUL_OK;
}

static enum nst_emul_result op_mmx_write(struct nst_emul *e, u32 reg, u64 val)
{
	memcpy(m.fx + FX_ST + reg * 16, &val, 8);
	return NST_EMUL_OK;
}

static enum nst_emul_result op_get_dr(struct nst_emul *e, u32 nr, u64 *val)
{
	*val = nr < 4 ? e->dr[nr] : nr == 6 ? m.dr6 : e->dr7;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_set_dr(struct nst_emul *e, u32 nr, u64 val)
{
	*(nr < 4 ? &e->dr[nr] : nr == 6 ? &m.dr6 : &e->dr7) = val;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_xgetbv(struct nst_emul *e, u32 idx, u64 *val)
{
	*val = e->xcr0;
	return idx ? nst_emul_raise(e, GP_VECTOR, 0) : NST_EMUL_OK;
}

static enum nst_emul_result op_xsetbv(struct nst_emul *e, u32 idx, u64 val)
{
	e->xcr0 = val;
	return idx || !(val & 1) ? nst_emul_raise(e, GP_VECTOR, 0) : NST_EMUL_OK;
}

static enum nst_emul_result op_invpcid(struct nst_emul *e, u32 type, u16 pcid, u64 lin)
{
	m.flushed = (u32)lin;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_random(struct nst_emul *e, void *buf, u32 len)
{
	memset(buf, 0x5a, len);
	return NST_EMUL_OK;
}

static enum nst_emul_result op_virt(struct nst_emul *e, enum nst_emul_virt insn)
{
	m.virt = 1 + insn;
	return NST_EMUL_OK;
}

static enum nst_emul_result op_intercept(struct nst_emul *e, enum nst_emul_icpt kind, u64 a,
					 u64 b)
{
	if (m.wanted_icpt != 1u + kind)
		return NST_EMUL_OK;
	m.icpt_a = a;
	m.icpt_b = b;
	return NST_EMUL_INTERCEPTED;
}

static const struct nst_emul_ops ops = {
	.fetch = op_fetch, .read = op_read, .write = op_write, .probe_write = op_probe,
	.exchange = op_cmpxchg, .pio_in = op_in, .pio_out = op_out,
	.get_cr = op_get_cr, .set_cr = op_set_cr, .rdmsr = op_rdmsr, .wrmsr = op_wrmsr,
	.cpuid = op_cpuid, .rdtsc = op_rdtsc, .hlt = op_hlt, .invlpg = op_invlpg,
	.get_dtr = op_get_dtr, .set_dtr = op_set_dtr,
	.get_sys_seg = op_get_sys, .set_sys_seg = op_set_sys,
	.get_dr = op_get_dr, .set_dr = op_set_dr, .xgetbv = op_xgetbv, .xsetbv = op_xsetbv,
	.invpcid = op_invpcid, .random = op_random, .virt = op_virt,
	.intercept = op_intercept, .fx_read = op_fx_read, .fx_write = op_fx_write,
	.vec_read = op_vec_read, .vec_write = op_vec_write,
	.mmx_read = op_mmx_read, .mmx_write = op_mmx_write,
};

static void flat(u32 idx, u16 sel, u32 limit, u32 ar)
{
	m.e.seg[idx] = (struct nst_emul_seg){ .selector = sel, .limit = limit, .ar = ar };
}

static void set_mode(enum mode mode)
{
	u32 i, ar = DATA_AR, limit = 0xffff;

	m.e.ops = &ops;
	memset(m.e.cpuid, 0xff, sizeof(m.e.cpuid));
	m.e.xcr0 = 7;
	m.fx[0] = 0x7f;
	m.fx[1] = 0x03;
	m.e.rflags = X86_EFLAGS_FIXED;
	m.e.cr0 = X86_CR0_ET | (mode == MODE_REAL ? 0 : X86_CR0_PE);
	if (mode == MODE_PROT32 || mode == MODE_LONG) {
		limit = 0xffffffff;
		ar |= NST_AR_DB | NST_AR_G;
	}
	if (mode == MODE_VM86) {
		m.e.rflags |= X86_EFLAGS_VM;
		m.e.cpl = 3;
		ar |= NST_AR_DPL;
	}
	for (i = 0; i < NST_NR_SEG; i++)
		flat(i, mode >= MODE_PROT16 ? 0x10 : 0, limit, ar);
	if (mode >= MODE_PROT16) {
		m.e.seg[NST_SEG_CS].selector = 0x08;
		m.e.seg[NST_SEG_CS].ar |= NST_AR_CODE;
	}
	if (mode == MODE_LONG) {
		m.e.seg[NST_SEG_CS].ar ^= NST_AR_DB | NST_AR_L;
		m.e.cr0 |= X86_CR0_PG;
		m.e.cr4 = X86_CR4_PAE;
		m.e.efer = EFER_LMA | EFER_LME | EFER_SCE;
	}
	m.e.gpr[NST_RSP] = STACK_TOP;
	m.gdt_base = GDT_ADDR;
	m.gdt_limit = 0xff;
	m.idt_base = mode == MODE_REAL ? 0 : IDT_ADDR;
	m.idt_limit = mode == MODE_LONG ? 0xfff : mode == MODE_REAL ? 0x3ff : 0x7ff;
	m.ldt.ar = NST_AR_UNUSABLE;
	m.tr = (struct nst_emul_seg){ .selector = 0x40, .base = TSS_ADDR, .limit = 0x67,
				      .ar = NST_AR_P | 0xb };
}

void m_reset(enum mode mode)
{
	/* The entries of the logs count only up to their numbers. */
	memset(&m, 0, offsetof(struct machine, log));
	memset(touched, 0, sizeof(touched));
	set_mode(mode);
}

void m_reset_touched(enum mode mode)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(touched); i++)
		if (touched[i])
			memset(m.mem + i * 0x1000, 0, 0x1000);
	memset(touched, 0, sizeof(touched));
	/* Its own scratch buffer is the emulator's to fill. */
	memset(&m.e, 0, offsetof(struct nst_emul, buf));
	memset(m.absent, 0, offsetof(struct machine, log) - offsetof(struct machine, absent));
	set_mode(mode);
}

void m_write(u64 addr, const void *buf, u32 len)
{
	note_write(addr, len);
	memcpy(m.mem + addr, buf, len);
}

void m_code(const void *bytes, u32 len)
{
	m_write(CODE_ADDR, bytes, len);
	m.e.rip = CODE_ADDR;
}

enum nst_emul_result m_step(void)
{
	enum nst_emul_result r;

	m.answered = 0;
	for (;;) {
		m.used = 0;
		r = nst_emul_step(&m.e);
		if (r != NST_EMUL_USER || m.answered == MAX_LOG)
			return r;
		finish_by_user();
	}
}

enum nst_emul_result m_run(void)
{
	enum nst_emul_result r = NST_EMUL_AGAIN;
	u32 i;

	for (i = 0; i < 1000 && r == NST_EMUL_AGAIN; i++)
		r = m_step();
	return r;
}

void m_gdt(u32 n, u32 base, u32 limit, u32 ar)
{
	u64 raw;

	if (ar & NST_AR_G)
		limit >>= 12;
	raw = (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(ar & 0xf0ff) << 40 |
	      (u64)(limit & 0xf0000) << 32 | (u64)(base & 0xff000000) << 32;
	m_put(GDT_ADDR + n * 8, raw, 8);
}

void m_gate(u64 table, u32 n, u32 size, u16 sel, u64 offset, u8 type_ar, u8 low)
{
	u64 raw = (offset & 0xffff) | (u64)sel << 16 | (u64)low << 32 | (u64)type_ar << 40 |
		  (offset & 0xffff0000) << 32;

	m_put(table + n * size, raw, 8);
	if (size == 16)
		m_put(table + n * size + 8, offset >> 32, 8);
}
