// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving and loading the state of system-management mode, by two tables: APM2
 * "AMD64 Architecture SMM State-Save Area" for processors with long mode, SDM3
 * "SMRAM State Save Map" for the others. The latter leaves the hidden parts of
 * segment registers to the processor: ours lie in its reserved area. Pure.
 */
#include "smram.h"

/* One value: its offset from SMBASE, its bytes there, where it is in the struct. */
struct field {
	u16 at;
	u8 size;
	u8 own;		/* bytes in the struct */
	u16 in;
};

#define FIELD(offset, bytes, what) \
	{ (offset), (bytes), sizeof_field(struct nst_smram, what), \
	  offsetof(struct nst_smram, what) }

static const struct field narrow[] = {
	FIELD(0xfffc, 4, cr0), FIELD(0xfff8, 4, cr3), FIELD(0xfff4, 4, rflags),
	FIELD(0xfff0, 4, rip), FIELD(0xffec, 4, gpr[NST_RDI]), FIELD(0xffe8, 4, gpr[NST_RSI]),
	FIELD(0xffe4, 4, gpr[NST_RBP]), FIELD(0xffe0, 4, gpr[NST_RSP]),
	FIELD(0xffdc, 4, gpr[NST_RBX]), FIELD(0xffd8, 4, gpr[NST_RDX]),
	FIELD(0xffd4, 4, gpr[NST_RCX]), FIELD(0xffd0, 4, gpr[NST_RAX]),
	FIELD(0xffcc, 4, dr6), FIELD(0xffc8, 4, dr7), FIELD(0xff02, 1, halted),
	FIELD(0xfef8, 4, smbase),
	/* Reserved by the manual: ours. */
	FIELD(0xfe00, 4, cr4), FIELD(0xfe04, 4, gdt_base), FIELD(0xfe08, 4, idt_base),
	FIELD(0xfe0c, 2, gdt_limit), FIELD(0xfe0e, 2, idt_limit), FIELD(0xfe10, 1, cpl),
	FIELD(0xfe11, 1, sti_shadow), FIELD(0xfe12, 1, movss_shadow), FIELD(0xfe13, 1, svm_guest),
	FIELD(0xfe14, 8, svm_vmcb), FIELD(0xfe1c, 4, efer),
};

static const struct field wide_fields[] = {
	FIELD(0xfe64, 2, gdt_limit), FIELD(0xfe68, 8, gdt_base), FIELD(0xfe84, 2, idt_limit),
	FIELD(0xfe88, 8, idt_base), FIELD(0xfec9, 1, halted), FIELD(0xfecb, 1, cpl),
	FIELD(0xfed0, 8, efer), FIELD(0xfed8, 8, svm_guest), FIELD(0xfee0, 8, svm_vmcb),
	FIELD(0xff00, 4, smbase), FIELD(0xff48, 8, cr4), FIELD(0xff50, 8, cr3),
	FIELD(0xff58, 8, cr0), FIELD(0xff60, 8, dr7), FIELD(0xff68, 8, dr6),
	FIELD(0xff70, 8, rflags), FIELD(0xff78, 8, rip), FIELD(0xff80, 8, gpr[NST_R15]),
	FIELD(0xff88, 8, gpr[NST_R14]), FIELD(0xff90, 8, gpr[NST_R13]),
	FIELD(0xff98, 8, gpr[NST_R12]), FIELD(0xffa0, 8, gpr[NST_R11]),
	FIELD(0xffa8, 8, gpr[NST_R10]), FIELD(0xffb0, 8, gpr[NST_R9]),
	FIELD(0xffb8, 8, gpr[NST_R8]), FIELD(0xffc0, 8, gpr[NST_RDI]),
	FIELD(0xffc8, 8, gpr[NST_RSI]), FIELD(0xffd0, 8, gpr[NST_RBP]),
	FIELD(0xffd8, 8, gpr[NST_RSP]), FIELD(0xffe0, 8, gpr[NST_RBX]),
	FIELD(0xffe8, 8, gpr[NST_RDX]), FIELD(0xfff0, 8, gpr[NST_RCX]),
	FIELD(0xfff8, 8, gpr[NST_RAX]),
	/* Reserved by the manual: ours. */
	FIELD(0xfecc, 1, sti_shadow), FIELD(0xfecd, 1, movss_shadow),
};

/* Selectors of the 32-bit layout, and where we keep base, limit and rights. */
static const u16 narrow_sel[NST_NR_SEGS] = {
	[NST_ES] = 0xffa8, [NST_CS] = 0xffac, [NST_SS] = 0xffb0, [NST_DS] = 0xffb4,
	[NST_FS] = 0xffb8, [NST_GS] = 0xffbc, [NST_LDTR] = 0xffc0, [NST_TR] = 0xffc4,
};

#define NARROW_HIDDEN		0xfe20u
#define NARROW_HIDDEN_SIZE	12u
#define NARROW_REVISION		0xfefcu
#define WIDE_REVISION		0xfefcu
#define REVISION_RELOCATES	0x00020000u	/* the handler may move SMBASE */
#define REVISION_WIDE		0x64u

/* 16 bytes each: selector, attributes, limit, base. */
static const u16 wide_seg[NST_NR_SEGS] = {
	[NST_ES] = 0xfe00, [NST_CS] = 0xfe10, [NST_SS] = 0xfe20, [NST_DS] = 0xfe30,
	[NST_FS] = 0xfe40, [NST_GS] = 0xfe50, [NST_LDTR] = 0xfe70, [NST_TR] = 0xfe90,
};

static void put(u8 *image, u32 at, const void *val, u32 size)
{
	memcpy(image + at - NST_SMRAM_OFFSET, val, size);
}

static u64 get(const u8 *image, u32 at, u32 size)
{
	u64 val = 0;

	memcpy(&val, image + at - NST_SMRAM_OFFSET, size);
	return val;
}

/* APM2 "Segment Attributes": the twelve bits without the gap. */
static u16 pack_ar(u32 ar)
{
	if (ar & NST_AR_UNUSABLE)
		ar &= ~NST_AR_P;
	return (u16)((ar & 0xff) | (ar >> 4 & 0xf00));
}

static u32 unpack_ar(u64 packed)
{
	u32 ar = (u32)((packed & 0xff) | (packed & 0xf00) << 4);

	return ar & NST_AR_P ? ar : ar | NST_AR_UNUSABLE;
}

static void save_seg(u8 *image, u32 idx, const struct nst_smram_seg *seg, bool wide)
{
	u16 ar = pack_ar(seg->ar);
	u32 at = wide ? wide_seg[idx] : NARROW_HIDDEN + idx * NARROW_HIDDEN_SIZE;

	if (wide) {
		put(image, at, &seg->selector, 2);
		put(image, at + 2, &ar, 2);
		put(image, at + 4, &seg->limit, 4);
		put(image, at + 8, &seg->base, 8);
		return;
	}
	put(image, narrow_sel[idx], &seg->selector, 2);
	put(image, at, &seg->base, 4);
	put(image, at + 4, &seg->limit, 4);
	put(image, at + 8, &ar, 2);
}

static void load_seg(const u8 *image, u32 idx, struct nst_smram_seg *seg, bool wide)
{
	u32 at = wide ? wide_seg[idx] : NARROW_HIDDEN + idx * NARROW_HIDDEN_SIZE;

	if (wide) {
		seg->selector = (u16)get(image, at, 2);
		seg->ar = unpack_ar(get(image, at + 2, 2));
		seg->limit = (u32)get(image, at + 4, 4);
		seg->base = get(image, at + 8, 8);
		return;
	}
	seg->selector = (u16)get(image, narrow_sel[idx], 2);
	seg->base = get(image, at, 4);
	seg->limit = (u32)get(image, at + 4, 4);
	seg->ar = unpack_ar(get(image, at + 8, 2));
}

void nst_smram_save(u8 *image, const struct nst_smram *s, bool wide)
{
	const struct field *f = wide ? wide_fields : narrow;
	u32 n = wide ? ARRAY_SIZE(wide_fields) : ARRAY_SIZE(narrow), i;
	u32 revision = REVISION_RELOCATES | (wide ? REVISION_WIDE : 0);

	memset(image, 0, NST_SMRAM_SIZE);
	for (i = 0; i < n; i++)
		put(image, f[i].at, (const u8 *)s + f[i].in, f[i].size);
	for (i = 0; i < NST_NR_SEGS; i++)
		save_seg(image, i, &s->seg[i], wide);
	put(image, wide ? WIDE_REVISION : NARROW_REVISION, &revision, sizeof(revision));
}

/* SDM3 "Exiting From SMM": states that end in shutdown. */
static bool acceptable(const struct nst_smram *s)
{
	if ((s->cr0 & X86_CR0_PG) && !(s->cr0 & X86_CR0_PE))
		return false;
	if ((s->cr0 & X86_CR0_NW) && !(s->cr0 & X86_CR0_CD))
		return false;
	if ((s->efer & EFER_LMA) && !(s->cr4 & X86_CR4_PAE))
		return false;
	return s->cpl <= 3;
}

bool nst_smram_load(const u8 *image, struct nst_smram *s, bool wide)
{
	const struct field *f = wide ? wide_fields : narrow;
	u32 n = wide ? ARRAY_SIZE(wide_fields) : ARRAY_SIZE(narrow), i;
	u64 val;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < n; i++) {
		val = get(image, f[i].at, f[i].size);
		memcpy((u8 *)s + f[i].in, &val, f[i].own);
	}
	for (i = 0; i < NST_NR_SEGS; i++)
		load_seg(image, i, &s->seg[i], wide);
	s->halted &= 1;
	s->sti_shadow &= 1;
	s->movss_shadow &= 1;
	s->rflags |= X86_EFLAGS_FIXED;
	return acceptable(s);
}
