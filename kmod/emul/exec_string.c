// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: string instructions with REP, and port input and output. A REP
 * instruction does a batch and then lets the caller look at interrupts. Its
 * registers are exact after every element, so a fault in the middle leaves
 * them where the manual says. Pure.
 */
#include "exec.h"

/* Elements a step does before it returns NST_EMUL_AGAIN. */
#define STRING_BATCH	128
#define TSS_IOMAP_BASE	102	/* SDM3 "Task-State Segment (TSS)" */
#define TSS32_MIN_LIMIT	103
#define TSS_BUSY_BIT	0x2
#define TSS32_TYPE	0x9

static u32 element_size(const struct nst_emul *e)
{
	return e->d.flags & NST_F_BYTE ? 1 : e->d.opsize;
}

static u64 index_reg(const struct nst_emul *e, u32 reg)
{
	return nst_gpr_read(e, reg, e->d.adsize);
}

static void advance(struct nst_emul *e, u32 reg, u64 bytes)
{
	if (e->rflags & X86_EFLAGS_DF)
		bytes = -bytes;
	nst_gpr_add(e, reg, e->d.adsize, bytes);
}

static u32 source_seg(const struct nst_emul *e)
{
	return e->d.seg_override >= 0 ? (u32)e->d.seg_override : NST_SEG_DS;
}

static enum nst_emul_result load(struct nst_emul *e, u32 seg, u32 reg, u64 *val)
{
	*val = 0;
	return nst_mem_read(e, seg, index_reg(e, reg), val, element_size(e), 0);
}

static enum nst_emul_result movs_one(struct nst_emul *e)
{
	u32 size = element_size(e);
	enum nst_emul_result r;
	u64 val;

	r = load(e, source_seg(e), NST_RSI, &val);
	if (r == NST_EMUL_OK)
		r = nst_mem_write(e, NST_SEG_ES, index_reg(e, NST_RDI), &val, size);
	if (r != NST_EMUL_OK)
		return r;
	advance(e, NST_RSI, size);
	advance(e, NST_RDI, size);
	return NST_EMUL_OK;
}

static enum nst_emul_result stos_one(struct nst_emul *e)
{
	u32 size = element_size(e);
	enum nst_emul_result r;

	r = nst_mem_write(e, NST_SEG_ES, index_reg(e, NST_RDI), &e->gpr[NST_RAX], size);
	if (r == NST_EMUL_OK)
		advance(e, NST_RDI, size);
	return r;
}

static enum nst_emul_result lods_one(struct nst_emul *e)
{
	u32 size = element_size(e);
	enum nst_emul_result r;
	u64 val;

	r = load(e, source_seg(e), NST_RSI, &val);
	if (r != NST_EMUL_OK)
		return r;
	nst_gpr_write(e, NST_RAX, size, val);
	advance(e, NST_RSI, size);
	return NST_EMUL_OK;
}

static enum nst_emul_result cmps_one(struct nst_emul *e)
{
	u32 size = element_size(e);
	enum nst_emul_result r;
	u64 a, b = 0;

	r = load(e, source_seg(e), NST_RSI, &a);
	if (r == NST_EMUL_OK)
		r = load(e, NST_SEG_ES, NST_RDI, &b);
	if (r != NST_EMUL_OK)
		return r;
	nst_compare(e, a, b, size);
	advance(e, NST_RSI, size);
	advance(e, NST_RDI, size);
	return NST_EMUL_OK;
}

static enum nst_emul_result scas_one(struct nst_emul *e)
{
	u32 size = element_size(e);
	enum nst_emul_result r;
	u64 val;

	r = load(e, NST_SEG_ES, NST_RDI, &val);
	if (r != NST_EMUL_OK)
		return r;
	nst_compare(e, nst_gpr_read(e, NST_RAX, size), val, size);
	advance(e, NST_RDI, size);
	return NST_EMUL_OK;
}

/* CMPS and SCAS: has ZF ended the loop? */
static bool mismatch(const struct nst_emul *e)
{
	bool zf = e->rflags & X86_EFLAGS_ZF;

	return e->d.rep == 0xf3 ? !zf : zf;
}

static enum nst_emul_result repeat(struct nst_emul *e,
				   enum nst_emul_result (*one)(struct nst_emul *e),
				   bool compares)
{
	u32 adsize = e->d.adsize, i;
	enum nst_emul_result r;

	if (!e->d.rep)
		return one(e);
	if (!index_reg(e, NST_RCX))
		return NST_EMUL_OK;
	for (i = 0; i < STRING_BATCH; i++) {
		r = one(e);
		if (r == NST_EMUL_USER && i) {
			e->d.again = true;
			return NST_EMUL_OK;
		}
		if (r != NST_EMUL_OK)
			return r;
		nst_gpr_add(e, NST_RCX, adsize, -1ULL);
		e->d.partial = true;
		if (!index_reg(e, NST_RCX) || (compares && mismatch(e)))
			return NST_EMUL_OK;
		if ((e->rflags & X86_EFLAGS_TF) || e->trap_dr6)
			break;
	}
	e->d.again = true;
	return NST_EMUL_OK;
}

NST_EXEC(movs)
{
	return repeat(e, movs_one, false);
}

NST_EXEC(stos)
{
	return repeat(e, stos_one, false);
}

NST_EXEC(lods)
{
	return repeat(e, lods_one, false);
}

NST_EXEC(cmps)
{
	return repeat(e, cmps_one, true);
}

NST_EXEC(scas)
{
	return repeat(e, scas_one, true);
}

/* SDM1 "I/O Permission Bit Map": two bytes are read, whatever the port. */
static enum nst_emul_result io_bitmap(struct nst_emul *e, u16 port, u32 size)
{
	struct nst_emul_seg tr = { 0 };
	enum nst_emul_result r;
	u16 base = 0, bits = 0;
	u32 off;

	if (!e->ops->get_sys_seg)
		return NST_EMUL_UNKNOWN;
	r = e->ops->get_sys_seg(e, NST_DESC_TR, &tr);
	if (r != NST_EMUL_OK)
		return r;
	if ((tr.ar & NST_AR_UNUSABLE) || tr.limit < TSS32_MIN_LIMIT ||
	    (tr.ar & NST_AR_TYPE & ~TSS_BUSY_BIT) != TSS32_TYPE)
		return nst_gp0(e);
	r = nst_sys_read(e, tr.base + TSS_IOMAP_BASE, &base, sizeof(base));
	if (r != NST_EMUL_OK)
		return r;
	off = base + port / 8;
	if (off + 1 > tr.limit)
		return nst_gp0(e);
	r = nst_sys_read(e, tr.base + off, &bits, sizeof(bits));
	if (r != NST_EMUL_OK)
		return r;
	return (bits >> (port & 7)) & ((1u << size) - 1) ? nst_gp0(e) : NST_EMUL_OK;
}

enum nst_emul_result nst_io_check(struct nst_emul *e, u16 port, u32 size)
{
	if (!nst_protected(e) || (!nst_vm86(e) && e->cpl <= nst_iopl(e)))
		return NST_EMUL_OK;
	if (e->ops->io_allowed)
		return e->ops->io_allowed(e, port, size);
	return io_bitmap(e, port, size);
}

static u32 port_size(const struct nst_emul *e)
{
	u32 size = element_size(e);

	return size > 4 ? 4 : size;
}

static enum nst_emul_result io_begin(struct nst_emul *e, u16 port, bool in, bool string)
{
	enum nst_emul_result r = nst_io_check(e, port, port_size(e));

	if (r != NST_EMUL_OK)
		return r;
	return nst_intercept(e, NST_ICPT_IO, port,
			     port_size(e) | (in ? NST_ICPT_IO_IN : 0) |
			     (string ? NST_ICPT_IO_STRING : 0) |
			     (string && e->d.rep ? NST_ICPT_IO_REP : 0));
}

/*
 * How many elements from @off on can be moved at once: within a page, the
 * segment, the address size and the buffer. At least one, which may fault.
 */
static u32 batch_count(struct nst_emul *e, u32 seg, u64 off, bool write)
{
	bool down = e->rflags & X86_EFLAGS_DF;
	u32 size = port_size(e), in_page;
	u64 n = index_reg(e, NST_RCX), more, lin;

	if (!e->d.rep || (e->rflags & X86_EFLAGS_TF) || nst_breakpoints(e))
		return 1;
	if (nst_linear(e, seg, off, size, write, &lin) != NST_EMUL_OK || (lin & (size - 1)))
		return 1;
	in_page = (u32)lin & 0xfff;
	/* How many can follow the first; the caller has seen that n is not 0. */
	more = (down ? in_page : 0xfff - in_page) / size;
	if (n - 1 > more)
		n = more + 1;
	more = (down ? off : nst_mask(e->d.adsize) - off) / size;
	if (n - 1 > more)
		n = more + 1;
	if (n > NST_EMUL_IO_MAX / size)
		n = NST_EMUL_IO_MAX / size;
	if (down)
		off -= (n - 1) * size;
	if (nst_linear(e, seg, off, (u32)n * size, write, &lin) != NST_EMUL_OK)
		n = 1;
	return (u32)n;
}

/* With DF set the first element lies highest. */
static void reverse(u8 *buf, u32 size, u32 count)
{
	u32 i, k;

	for (i = 0; i < count / 2; i++) {
		for (k = 0; k < size; k++) {
			u8 *a = &buf[i * size + k], *b = &buf[(count - 1 - i) * size + k];
			u8 tmp = *a;

			*a = *b;
			*b = tmp;
		}
	}
}

static u64 batch_start(const struct nst_emul *e, u64 off, u32 size, u32 count)
{
	return e->rflags & X86_EFLAGS_DF ? off - (u64)(count - 1) * size : off;
}

static enum nst_emul_result batch_done(struct nst_emul *e, u32 reg, u32 count)
{
	advance(e, reg, (u64)count * port_size(e));
	nst_break_io(e, (u16)e->gpr[NST_RDX], port_size(e));
	if (!e->d.rep)
		return NST_EMUL_OK;
	nst_gpr_add(e, NST_RCX, e->d.adsize, -(u64)count);
	e->d.again = index_reg(e, NST_RCX) != 0;
	return NST_EMUL_OK;
}

NST_EXEC(ins)
{
	u16 port = (u16)e->gpr[NST_RDX];
	u64 off = index_reg(e, NST_RDI);
	u32 size = port_size(e), count;
	enum nst_emul_result r;

	if (!e->ops->pio_in)
		return NST_EMUL_UNKNOWN;
	r = io_begin(e, port, true, true);
	if (r != NST_EMUL_OK || (e->d.rep && !index_reg(e, NST_RCX)))
		return r;
	count = batch_count(e, NST_SEG_ES, off, true);
	off = batch_start(e, off, size, count);
	/* What the device gave cannot be given back: look before taking. */
	r = nst_mem_probe(e, NST_SEG_ES, off, count * size);
	if (r == NST_EMUL_OK)
		r = e->ops->pio_in(e, port, size, e->buf, count);
	if (r != NST_EMUL_OK)
		return r;
	if (e->rflags & X86_EFLAGS_DF)
		reverse(e->buf, size, count);
	r = nst_mem_write(e, NST_SEG_ES, off, e->buf, count * size);
	return r == NST_EMUL_OK ? batch_done(e, NST_RDI, count) : r;
}

NST_EXEC(outs)
{
	u16 port = (u16)e->gpr[NST_RDX];
	u64 off = index_reg(e, NST_RSI);
	u32 size = port_size(e), seg = source_seg(e), count;
	enum nst_emul_result r;

	if (!e->ops->pio_out)
		return NST_EMUL_UNKNOWN;
	r = io_begin(e, port, false, true);
	if (r != NST_EMUL_OK || (e->d.rep && !index_reg(e, NST_RCX)))
		return r;
	count = batch_count(e, seg, off, false);
	off = batch_start(e, off, size, count);
	r = nst_mem_read(e, seg, off, e->buf, count * size, 0);
	if (r != NST_EMUL_OK)
		return r;
	if (e->rflags & X86_EFLAGS_DF)
		reverse(e->buf, size, count);
	r = e->ops->pio_out(e, port, size, e->buf, count);
	return r == NST_EMUL_OK ? batch_done(e, NST_RSI, count) : r;
}

/* IN and OUT: the port is operand 0, an immediate byte or DX. */
static u16 io_port(const struct nst_emul *e)
{
	return e->d.op[0].kind == NST_K_IMM ? (u16)(e->d.op[0].val & 0xff) :
					      (u16)e->gpr[NST_RDX];
}

NST_EXEC(in)
{
	u32 size = port_size(e);
	enum nst_emul_result r;
	u64 val = 0;

	if (!e->ops->pio_in)
		return NST_EMUL_UNKNOWN;
	r = io_begin(e, io_port(e), true, false);
	if (r == NST_EMUL_OK)
		r = e->ops->pio_in(e, io_port(e), size, &val, 1);
	if (r != NST_EMUL_OK)
		return r;
	nst_break_io(e, io_port(e), size);
	nst_gpr_write(e, NST_RAX, size, val);
	return r;
}

NST_EXEC(out)
{
	u32 size = port_size(e);
	enum nst_emul_result r;
	u64 val = nst_gpr_read(e, NST_RAX, size);

	if (!e->ops->pio_out)
		return NST_EMUL_UNKNOWN;
	r = io_begin(e, io_port(e), false, false);
	if (r == NST_EMUL_OK)
		r = e->ops->pio_out(e, io_port(e), size, &val, 1);
	if (r == NST_EMUL_OK)
		nst_break_io(e, io_port(e), size);
	return r;
}
