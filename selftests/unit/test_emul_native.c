// SPDX-License-Identifier: GPL-2.0-only
/*
 * Differential test: the same instruction on the same random registers, flags
 * and memory, once on this machine's processor and once in the emulator. All
 * registers, the flags the manual defines, vector registers, memory, faults
 * and the place where execution goes on must agree. In 64-bit mode and in a
 * 32-bit code segment.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "native.h"
#include "tap.h"

#define INPUTS		1000
#define FRAME_ADDR	0x20000000UL
#define BUF_ADDR	0x20100000UL
#define BUF_SIZE	1024
#define BUF_MID		(BUF_ADDR + BUF_SIZE / 2)
#define USER_CS64	0x33
#define USER_CS32	0x23
#define LANDING_JUMP	112	/* offset from the slot, in reach of rel8 */
#define TEST_FLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
			 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF | X86_EFLAGS_DF)
#define UNDEF_COUNTED	(X86_EFLAGS_OF | X86_EFLAGS_AF)

struct image {
	struct native_data regs;
	u8 mem[BUF_SIZE];
};

/* One expanded form. */
struct variant {
	const struct native_form *form;
	u8 size;		/* FORM_B … FORM_64 */
	bool mem;
	bool code32;
};

/* One instance: bytes and inputs. */
struct sample {
	u8 bytes[16];
	u32 len;
	u8 modrm;
	u8 rex;
	bool a32;
	u64 ea;
	struct image in;
};

static u8 *frame, *slot;
static struct native_data *data;
static u8 *buffer = (u8 *)BUF_ADDR;
static struct nst_emul emul;
static u8 emul_ymm[16][32];
static u64 emul_mmx[8];
static u64 seed = 0x9e3779b97f4a7c15ULL;
static bool stray;

static u64 low_mask(u32 bytes)
{
	return bytes >= 8 ? ~0ULL : (1ULL << (8 * bytes)) - 1;
}

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dULL;
}

/* Values near the edges of every width turn up often. */
static u64 rnd_value(void)
{
	static const u64 edge[] = { 0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, ~0ULL, 1ULL << 63, ~(1ULL << 63) };

	return rnd() % 3 ? rnd() >> (rnd() % 64) : edge[rnd() % ARRAY_SIZE(edge)];
}

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *uc = ctx;
	u64 rip = (u64)uc->uc_mcontext.gregs[REG_RIP];

	/* Not the instruction's fault: let the kernel kill us with a core. */
	if (rip < (u64)slot || rip >= (u64)slot + 192) {
		signal(sig, SIG_DFL);
		return;
	}
	data->landing = 2;
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(frame + (native_fault - native_page));
	/* A 32-bit fault must come back to the 64-bit way out. */
	uc->uc_mcontext.gregs[REG_CSGSFS] =
		(uc->uc_mcontext.gregs[REG_CSGSFS] & ~0xffffLL) | USER_CS64;
}

static bool in_buffer(u64 lin, u32 len)
{
	if (lin >= BUF_ADDR && lin + len <= BUF_ADDR + BUF_SIZE)
		return true;
	stray = true;
	return false;
}

static enum nst_emul_result do_fetch(struct nst_emul *e, u64 lin, void *buf, u32 len)
{
	memcpy(buf, (void *)lin, len);
	return NST_EMUL_OK;
}

static enum nst_emul_result do_read(struct nst_emul *e, u64 lin, void *buf, u32 len, u32 flags)
{
	if (!in_buffer(lin, len))
		return nst_emul_raise_pf(e, 0, lin);
	memcpy(buf, (void *)lin, len);
	return NST_EMUL_OK;
}

static enum nst_emul_result do_write(struct nst_emul *e, u64 lin, const void *buf, u32 len,
				     u32 flags)
{
	if (!in_buffer(lin, len))
		return nst_emul_raise_pf(e, 0, lin);
	memcpy((void *)lin, buf, len);
	return NST_EMUL_OK;
}

static enum nst_emul_result do_cmpxchg(struct nst_emul *e, u64 lin, const void *old,
				       const void *new, u32 len, bool *done)
{
	if (!in_buffer(lin, len))
		return nst_emul_raise_pf(e, 0, lin);
	/* Every other time somebody else was faster, or so it seems. */
	*done = rnd() & 1 && !memcmp((void *)lin, old, len);
	if (*done)
		memcpy((void *)lin, new, len);
	return NST_EMUL_OK;
}

static enum nst_emul_result do_vec_read(struct nst_emul *e, u32 reg, void *buf, u32 len)
{
	memcpy(buf, emul_ymm[reg], len);
	return NST_EMUL_OK;
}

static enum nst_emul_result do_vec_write(struct nst_emul *e, u32 reg, const void *buf, u32 len,
					 bool zero_upper)
{
	if (zero_upper)
		memset(emul_ymm[reg], 0, 32);
	memcpy(emul_ymm[reg], buf, len);
	return NST_EMUL_OK;
}

static enum nst_emul_result do_mmx_read(struct nst_emul *e, u32 reg, u64 *val)
{
	*val = emul_mmx[reg];
	return NST_EMUL_OK;
}

static enum nst_emul_result do_mmx_write(struct nst_emul *e, u32 reg, u64 val)
{
	emul_mmx[reg] = val;
	return NST_EMUL_OK;
}

static const struct nst_emul_ops ops = {
	.fetch = do_fetch,
	.read = do_read,
	.write = do_write,
	.exchange = do_cmpxchg,
	.vec_read = do_vec_read,
	.vec_write = do_vec_write,
	.mmx_read = do_mmx_read,
	.mmx_write = do_mmx_write,
};

static void put(struct sample *s, u64 val, u32 n)
{
	for (; n; n--, val >>= 8)
		s->bytes[s->len++] = (u8)val;
}

static u32 operand_bytes(const struct variant *v)
{
	return v->size == FORM_B ? 1 : v->size == FORM_16 ? 2 : v->size == FORM_32 ? 4 : 8;
}

/* Registers that have a value of their own, or get one after the address. */
static bool reserved(const struct variant *v, const struct sample *s, u32 reg)
{
	u32 flags = v->form->flags;

	if (reg == NST_RSP && (flags & FORM_STACK))
		return true;
	if ((flags & FORM_CMPX) && (reg == NST_RAX || reg == NST_RDX))
		return true;
	if ((flags & FORM_DIV) && reg == NST_RDX)
		return true;
	if ((flags & FORM_SHD16) && reg == NST_RCX)
		return true;
	return (flags & FORM_BITOFF) && reg == ((s->modrm >> 3 & 7) | (s->rex & 4 ? 8u : 0u));
}

/* Base register such that the address hits the buffer; mod and rm of ModRM. */
static void make_address(const struct variant *v, struct sample *s, u64 *tail, u32 *tail_len,
			 s32 *sib, u64 *rip_fix)
{
	u64 *gpr = s->in.regs.gpr, target = BUF_MID + rnd() % 64 - 32, disp = 0;
	u32 mode = (u32)rnd() % 4, nr = v->code32 ? 8 : 16;
	u32 base = (u32)rnd() % nr, index = (u32)rnd() % nr, scale = (u32)rnd() % 4, mod;

	if (v->form->flags & FORM_ALIGN)
		target &= ~31ULL;
	s->ea = target;
	*sib = -1;
	*tail_len = 0;
	*rip_fix = 0;
	if (mode == 0) {
		/* No base: rip-relative in 64-bit mode. */
		s->modrm |= 0x05;
		*tail = target;
		*tail_len = 4;
		*rip_fix = !v->code32;
		return;
	}
	while (reserved(v, s, base))
		base = (u32)rnd() % nr;
	mod = 1 + (u32)rnd() % 2;
	disp = mod == 1 ? (u64)(s64)(s8)rnd() : (u64)(s64)(s32)rnd();
	*tail_len = mod == 1 ? 1 : 4;
	if (mode == 1 && (base & 7) != 5) {
		mod = 0;
		disp = 0;
		*tail_len = 0;
	}
	*tail = disp;
	s->modrm |= (u8)(mod << 6);
	if (mode == 3 || (base & 7) == 4) {
		while (index == base || index == NST_RSP || reserved(v, s, index))
			index = (u32)rnd() % nr;
		s->modrm |= 4;
		*sib = (s32)(scale << 6 | (index & 7) << 3 | (base & 7));
		s->rex |= (u8)((index & 8 ? 2 : 0) | (base & 8 ? 1 : 0));
		gpr[base] = target - disp - (gpr[index] << scale);
	} else {
		s->modrm |= (u8)(base & 7);
		s->rex |= base & 8 ? 1 : 0;
		gpr[base] = target - disp;
	}
}

static void put_prefixes(const struct variant *v, struct sample *s, u32 *op)
{
	const struct native_form *f = v->form;

	if (v->size == FORM_16)
		put(s, 0x66, 1);
	if (s->a32)
		put(s, 0x67, 1);
	/* Legacy prefixes in the row come before REX. */
	while (*op < f->oplen && (f->op[*op] == 0xf0 || f->op[*op] == 0xf2 ||
				  f->op[*op] == 0xf3 || f->op[*op] == 0x66 ||
				  f->op[*op] == 0x67))
		put(s, f->op[(*op)++], 1);
	if (s->rex && !v->code32)
		put(s, 0x40 | s->rex, 1);
}

static void put_vex(const struct variant *v, struct sample *s)
{
	const struct native_form *f = v->form;
	u8 vvvv = f->flags & FORM_VVVV ? (u8)rnd() & (v->code32 ? 7 : 15) : 0;
	u8 rex = v->code32 ? 0 : s->rex;

	put(s, 0xc4, 1);
	put(s, (~rex & 7) << 5 | f->op[0], 1);
	put(s, (v->size == FORM_64 ? 0x80 : 0) | (~vvvv & 15) << 3 |
	       (f->flags & FORM_VEXL ? 4 : 0) | f->op[1], 1);
	put(s, f->op[2], 1);
}

static u32 imm_bytes(const struct variant *v)
{
	u32 n = v->form->imm, size = operand_bytes(v);

	if (n == 0xfe)
		return size;
	return n == 0xff ? (size > 4 ? 4 : size) : n;
}

static void put_tail(const struct variant *v, struct sample *s)
{
	const struct native_form *f = v->form;
	u64 imm = rnd_value();

	if (f->kind == FORM_JUMP8) {
		put(s, LANDING_JUMP - s->len - 1, 1);
	} else if (f->kind == FORM_JUMP32) {
		put(s, LANDING_JUMP - s->len - 4, 4);
	} else if (f->kind == FORM_MOFFS) {
		put(s, BUF_MID, v->code32 || s->a32 ? 4 : 8);
	} else {
		if (f->flags & FORM_SHD16 && v->size == FORM_16)
			imm = (imm & ~31ULL) | rnd() % 17;
		if (f->flags & FORM_FRAME)
			imm = rnd() % 64 | (rnd() % 5) << 16;
		if ((f->flags & FORM_TARGET) && f->imm == 2)
			imm = rnd() % 32;
		put(s, imm, imm_bytes(v));
	}
}

static void encode(const struct variant *v, struct sample *s)
{
	const struct native_form *f = v->form;
	bool modrm = f->kind == FORM_RM || f->kind == FORM_REG || f->kind == FORM_MEM;
	u64 tail = 0, rip_fix = 0;
	u32 tail_len = 0, op = 0, reg, rm, disp_at = 0;
	s32 sib = -1;

	s->rex = !v->code32 && v->size == FORM_64 ? 8 : 0;
	s->a32 = !v->code32 && (f->kind == FORM_RM || f->kind == FORM_MEM) && v->mem &&
		 rnd() % 8 == 0;
	if (!v->code32 && rnd() % 4 == 0)
		s->rex |= 0x40;
	reg = f->ext >= 0 ? (u32)f->ext : (u32)rnd() & (v->code32 ? 7 : 15);
	if (f->flags & FORM_SEG)
		reg = (u32)rnd() % NST_NR_SEG;
	if ((f->flags & FORM_STACK) && f->ext < 0 && reg == 4)
		reg = 3;
	s->modrm = (u8)((reg & 7) << 3);
	s->rex |= reg & 8 ? 4 : 0;
	if (modrm && v->mem) {
		make_address(v, s, &tail, &tail_len, &sib, &rip_fix);
	} else {
		rm = (u32)rnd() & (v->code32 ? 7 : 15);
		if ((f->flags & FORM_STACK) && rm == 4)
			rm = 3;
		s->modrm |= (u8)(0xc0 | (rm & 7));
		s->rex |= rm & 8 ? 1 : 0;
	}
	if (f->flags & FORM_VEX) {
		put_vex(v, s);
	} else {
		put_prefixes(v, s, &op);
		for (; op < f->oplen; op++)
			put(s, f->op[op], 1);
	}
	if (f->kind == FORM_PLUS)
		s->bytes[s->len - 1] |= s->modrm & 7;
	if (modrm) {
		put(s, s->modrm, 1);
		if (sib >= 0)
			put(s, (u64)sib, 1);
		disp_at = s->len;
		put(s, tail, tail_len);
	}
	put_tail(v, s);
	if (rip_fix) {
		u32 rel = (u32)(tail - ((u64)slot + s->len));

		memcpy(&s->bytes[disp_at], &rel, 4);
	}
}

static u32 opcode_gpr(const struct sample *s, u32 bit, u32 shift)
{
	return ((s->modrm >> shift) & 7) | (s->rex & bit ? 8 : 0);
}

/* Registers whose value the instruction needs to be reasonable. */
static void shape_inputs(const struct variant *v, struct sample *s)
{
	u32 flags = v->form->flags;
	u64 *gpr = s->in.regs.gpr;

	if (flags & FORM_STACK)
		gpr[NST_RSP] = BUF_MID - rnd() % 64;
	if (flags & FORM_FRAME)
		gpr[NST_RBP] = BUF_MID + rnd() % 64;
	if (flags & FORM_XLAT)
		gpr[NST_RBX] = BUF_MID - 128;
	if (flags & FORM_STRING) {
		gpr[NST_RSI] = BUF_MID + rnd() % 64 - 32;
		gpr[NST_RDI] = BUF_MID + rnd() % 64 - 32;
		gpr[NST_RCX] = rnd() % 20;
	}
	if ((flags & FORM_DIV) && rnd() & 1)
		gpr[NST_RDX] = rnd() & 1 ? 0 : (u64)((s64)gpr[NST_RAX] >> 63);
}

/* Inputs that need the encoding to be known. */
static void shape_operands(const struct variant *v, struct sample *s)
{
	u32 flags = v->form->flags, reg = opcode_gpr(s, 4, 3), rm = opcode_gpr(s, 1, 0);
	u64 *gpr = s->in.regs.gpr, target = (u64)slot + LANDING_JUMP;

	if ((flags & FORM_BITOFF) && v->mem)
		gpr[reg] = (gpr[reg] & ~low_mask(operand_bytes(v))) |
			   ((rnd() % 512 - 256) & low_mask(operand_bytes(v)));
	if ((flags & FORM_SHD16) && v->size == FORM_16)
		gpr[NST_RCX] = (gpr[NST_RCX] & ~31ULL) | rnd() % 17;
	if (!(flags & FORM_TARGET))
		return;
	if (v->form->kind == FORM_PLAIN)
		memcpy(s->in.mem + (gpr[NST_RSP] - BUF_ADDR), &target, 8);
	else if (v->mem)
		memcpy(s->in.mem + (s->ea - BUF_ADDR), &target, 8);
	else
		gpr[rm] = target;
}

/* CMPXCHG and its wide forms: equal in half of the inputs. */
static void shape_compare(const struct variant *v, struct sample *s)
{
	u64 *gpr = s->in.regs.gpr;
	u32 half = v->size == FORM_64 ? 8 : 4;

	if (!(v->form->flags & FORM_CMPX) || rnd() & 1)
		return;
	if (!v->mem) {
		gpr[NST_RAX] = gpr[opcode_gpr(s, 1, 0)];
		return;
	}
	memcpy(&gpr[NST_RAX], s->in.mem + (s->ea - BUF_ADDR), half);
	memcpy(&gpr[NST_RDX], s->in.mem + (s->ea - BUF_ADDR) + half, half);
}

static void make_sample(const struct variant *v, struct sample *s)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < 16; i++)
		s->in.regs.gpr[i] = rnd_value();
	for (i = 0; i < BUF_SIZE; i += 8) {
		u64 val = rnd_value();

		memcpy(&s->in.mem[i], &val, 8);
	}
	for (i = 0; i < sizeof(s->in.regs.ymm); i++)
		s->in.regs.ymm[i / 32][i % 32] = (u8)rnd();
	for (i = 0; i < 8; i++)
		s->in.regs.mmx[i] = rnd();
	s->in.regs.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF | (rnd() & TEST_FLAGS);
	shape_inputs(v, s);
	encode(v, s);
	shape_operands(v, s);
	shape_compare(v, s);
}

static void put_way_out(u8 *at, u8 *target, bool code32)
{
	u64 to = (u64)target;
	u32 rel = (u32)(to - ((u64)at + 5));
	u16 cs = USER_CS64;

	if (!code32) {
		at[0] = 0xe9;
		memcpy(at + 1, &rel, 4);
		return;
	}
	at[0] = 0xea;
	memcpy(at + 1, &to, 4);
	memcpy(at + 5, &cs, 2);
}

static void place(const struct variant *v, const struct sample *s)
{
	memset(slot, 0xcc, 192);
	memcpy(slot, s->bytes, s->len);
	put_way_out(slot + s->len, frame + (native_fell - native_page), v->code32);
	put_way_out(slot + LANDING_JUMP, frame + (native_jumped - native_page), v->code32);
	memcpy(buffer, s->in.mem, BUF_SIZE);
}

static void run_native(const struct variant *v, const struct sample *s, struct image *out)
{
	place(v, s);
	*data = s->in.regs;
	data->far_offset = (u32)(u64)slot;
	data->far_selector = v->code32 ? USER_CS32 : USER_CS64;
	data->landing = 0xff;
	((void (*)(void))frame)();
	out->regs = *data;
	memcpy(out->mem, buffer, BUF_SIZE);
}

static void set_segments(const struct variant *v)
{
	static u16 sel[NST_NR_SEG];
	u32 i;

	asm volatile("mov %%es, %0" : "=r"(sel[NST_SEG_ES]));
	asm volatile("mov %%ss, %0" : "=r"(sel[NST_SEG_SS]));
	asm volatile("mov %%ds, %0" : "=r"(sel[NST_SEG_DS]));
	asm volatile("mov %%fs, %0" : "=r"(sel[NST_SEG_FS]));
	asm volatile("mov %%gs, %0" : "=r"(sel[NST_SEG_GS]));
	sel[NST_SEG_CS] = v->code32 ? USER_CS32 : USER_CS64;
	for (i = 0; i < NST_NR_SEG; i++)
		emul.seg[i] = (struct nst_emul_seg){
			.selector = sel[i], .limit = 0xffffffff,
			.ar = NST_AR_P | NST_AR_DPL | NST_AR_S | NST_AR_RW |
			      NST_AR_ACCESSED | NST_AR_DB | NST_AR_G,
		};
	emul.seg[NST_SEG_CS].ar |= NST_AR_CODE;
	if (!v->code32)
		emul.seg[NST_SEG_CS].ar ^= NST_AR_DB | NST_AR_L;
}

static enum nst_emul_result run_emulated(const struct variant *v, const struct sample *s,
					 struct image *out)
{
	enum nst_emul_result r;

	place(v, s);
	stray = false;
	memset(&emul, 0, sizeof(emul));
	emul.ops = &ops;
	emul.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_NE | X86_CR0_MP | X86_CR0_ET;
	emul.cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	emul.efer = EFER_LMA | EFER_SCE;
	emul.amd = __builtin_cpu_is("amd");
	memset(emul.cpuid, 0xff, sizeof(emul.cpuid));
	emul.xcr0 = 7;
	emul.cpl = 3;
	emul.rip = (u64)slot;
	emul.rflags = s->in.regs.rflags;
	set_segments(v);
	memcpy(emul.gpr, s->in.regs.gpr, sizeof(emul.gpr));
	memcpy(emul_ymm, s->in.regs.ymm, sizeof(emul_ymm));
	memcpy(emul_mmx, s->in.regs.mmx, sizeof(emul_mmx));
	do
		r = nst_emul_step(&emul);
	while (r == NST_EMUL_AGAIN);
	out->regs = s->in.regs;
	memcpy(out->regs.gpr, emul.gpr, sizeof(emul.gpr));
	memcpy(out->regs.ymm, emul_ymm, sizeof(emul_ymm));
	memcpy(out->regs.mmx, emul_mmx, sizeof(emul_mmx));
	memcpy(out->mem, buffer, BUF_SIZE);
	out->regs.rflags = emul.rflags;
	out->regs.landing = 0xff;
	if (r == NST_EMUL_FAULT)
		out->regs.landing = 2;
	else if (r == NST_EMUL_OK && emul.rip == (u64)slot + s->len)
		out->regs.landing = 0;
	else if (r == NST_EMUL_OK && emul.rip == (u64)slot + LANDING_JUMP)
		out->regs.landing = 1;
	return r;
}

/* What differs, in words, or NULL. */
static const char *compare(const struct variant *v, const struct image *hw, const struct image *em)
{
	static char text[128];
	u64 flags = TEST_FLAGS & ~(u64)v->form->undef;
	u64 mask = v->code32 ? 0xffffffff : ~0ULL;
	u32 i;

	if (v->form->flags & FORM_CLSIZED)
		flags &= ~(u64)X86_EFLAGS_OF;
	if (hw->regs.landing != em->regs.landing) {
		snprintf(text, sizeof(text), "landing %u, emulator %u", hw->regs.landing,
			 em->regs.landing);
		return text;
	}
	for (i = 0; i < (v->code32 ? 8 : 16); i++) {
		if (!((hw->regs.gpr[i] ^ em->regs.gpr[i]) & mask))
			continue;
		snprintf(text, sizeof(text), "gpr %u is %llx, emulator %llx", i,
			 (unsigned long long)hw->regs.gpr[i],
			 (unsigned long long)em->regs.gpr[i]);
		return text;
	}
	if (hw->regs.landing != 2 && (hw->regs.rflags ^ em->regs.rflags) & flags) {
		snprintf(text, sizeof(text), "flags are %llx, emulator %llx",
			 (unsigned long long)hw->regs.rflags,
			 (unsigned long long)em->regs.rflags);
		return text;
	}
	for (i = 0; i < BUF_SIZE; i++) {
		if (hw->mem[i] == em->mem[i])
			continue;
		snprintf(text, sizeof(text), "memory at %u is %x, emulator %x", i, hw->mem[i],
			 em->mem[i]);
		return text;
	}
	if (memcmp(hw->regs.ymm, em->regs.ymm, sizeof(hw->regs.ymm)))
		return "vector registers differ";
	if (memcmp(hw->regs.mmx, em->regs.mmx, sizeof(hw->regs.mmx)))
		return "MMX registers differ";
	return NULL;
}

static void describe(const struct sample *s)
{
	char hex[64];
	u32 i;

	for (i = 0; i < s->len; i++)
		snprintf(hex + 3 * i, 4, "%02x ", s->bytes[i]);
	tap_note("bytes %s flags in %llx", hex, (unsigned long long)s->in.regs.rflags);
	for (i = 0; i < 16; i += 4)
		tap_note("gpr %u in: %llx %llx %llx %llx", i,
			 (unsigned long long)s->in.regs.gpr[i],
			 (unsigned long long)s->in.regs.gpr[i + 1],
			 (unsigned long long)s->in.regs.gpr[i + 2],
			 (unsigned long long)s->in.regs.gpr[i + 3]);
}

static void test_variant(const struct variant *v)
{
	static struct sample s;
	static struct image hw, em;
	enum nst_emul_result r;
	const char *diff = NULL;
	u32 i;

	for (i = 0; i < INPUTS && !diff; i++) {
		make_sample(v, &s);
		run_native(v, &s, &hw);
		r = run_emulated(v, &s, &em);
		diff = compare(v, &hw, &em);
		if (!diff && stray)
			diff = "access outside the buffer";
	}
	tap_ok(!diff, "%s%s size %u, %u-bit code", v->form->name, v->mem ? " mem" : "",
	       operand_bytes(v) * 8, v->code32 ? 32 : 64);
	if (diff) {
		tap_note("%s (result %d, vector %u, input %u)", diff, r, emul.exc.vector, i);
		describe(&s);
	}
}

static void test_form(const struct native_form *f, bool code32)
{
	struct variant v = { .form = f, .code32 = code32 };
	bool mem = f->kind == FORM_RM || f->kind == FORM_MEM;

	if (f->flags & (code32 ? FORM_ONLY64 : FORM_ONLY32))
		return;
	for (v.size = FORM_B; v.size <= FORM_64; v.size <<= 1) {
		if (!(f->sizes & v.size) || (code32 && v.size == FORM_64))
			continue;
		for (v.mem = false; ; v.mem = true) {
			if (v.mem ? mem : f->kind != FORM_MEM)
				test_variant(&v);
			if (v.mem)
				break;
		}
	}
}

static bool have_features(void)
{
	u32 a, b, c, d;

	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
	    !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("popcnt"))
		return false;
	__cpuid_count(7, 0, a, b, c, d);
	if (!(b & BIT(19)))
		return false;
	__cpuid(1, a, b, c, d);
	return c & BIT(22);
}

static bool set_up(void)
{
	static u8 alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	size_t size = (size_t)(native_page_end - native_page);
	static const int signals[] = { SIGFPE, SIGSEGV, SIGBUS, SIGILL, SIGTRAP };
	u32 i;

	frame = mmap((void *)FRAME_ADDR, size, PROT_READ | PROT_WRITE | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (frame != (u8 *)FRAME_ADDR)
		return false;
	if (mmap(buffer, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != buffer)
		return false;
	memcpy(frame, native_page, size);
	slot = frame + (native_slot - native_page);
	data = (struct native_data *)(frame + (native_data_start - native_page));
	/* A 32-bit code segment needs usable data segments. */
	asm volatile("mov %0, %%ds; mov %0, %%es" : : "r"(0x2b));
	if (sigaltstack(&ss, NULL))
		return false;
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], &sa, NULL))
			return false;
	return true;
}

int main(void)
{
	u32 i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!have_features())
		return tap_skip_all("this processor lacks AVX2, BMI, ADX or MOVBE");
	if (!set_up())
		return tap_skip_all("no memory at the low addresses the test needs");
	for (i = 0; i < native_form_count; i++)
		test_form(&native_forms[i], false);
	for (i = 0; i < native_form_count; i++)
		test_form(&native_forms[i], true);
	return tap_done();
}
