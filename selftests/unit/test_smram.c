// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state-save area: what goes in comes out, in both layouts, and what the
 * manuals give a place stands in that place.
 */
#include "emul/smram.h"
#include "tap.h"

static u64 random_state = 0x1234567;

static u64 rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static u64 value(bool wide)
{
	return wide ? rnd() : (u32)rnd();
}

static void random_segment(struct nst_smram_seg *seg, bool wide)
{
	seg->selector = (u16)rnd();
	seg->base = value(wide);
	seg->limit = (u32)rnd();
	seg->ar = (u32)rnd() & 0xf0ff;
	if (!(seg->ar & NST_AR_P))
		seg->ar |= NST_AR_UNUSABLE;
}

static void random_fill(struct nst_smram *s, bool wide)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < (wide ? NST_NR_GPRS : NST_R8); i++)
		s->gpr[i] = value(wide);
	for (i = 0; i < NST_NR_SEGS; i++)
		random_segment(&s->seg[i], wide);
	s->rip = value(wide);
	s->rflags = (u32)rnd() | X86_EFLAGS_FIXED;
	s->cr0 = X86_CR0_PE | X86_CR0_PG;
	s->cr3 = value(wide);
	s->cr4 = X86_CR4_PAE | X86_CR4_PGE;
	s->efer = wide ? EFER_LMA | EFER_LME : 0;
	s->dr6 = (u32)rnd();
	s->dr7 = (u32)rnd();
	s->gdt_base = value(wide);
	s->idt_base = value(wide);
	s->gdt_limit = (u16)rnd();
	s->idt_limit = (u16)rnd();
	s->smbase = (u32)rnd();
	s->halted = rnd() & 1;
	s->cpl = rnd() & 3;
	s->sti_shadow = rnd() & 1;
	s->movss_shadow = rnd() & 1;
	if (wide) {
		s->svm_guest = rnd() & 1;
		s->svm_vmcb = rnd();
	}
}

static bool same(const struct nst_smram *a, const struct nst_smram *b)
{
	u32 i;

	for (i = 0; i < NST_NR_SEGS; i++)
		if (a->seg[i].selector != b->seg[i].selector ||
		    a->seg[i].base != b->seg[i].base || a->seg[i].ar != b->seg[i].ar ||
		    a->seg[i].limit != b->seg[i].limit)
			return false;
	return !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) && a->rip == b->rip &&
	       a->rflags == b->rflags && a->cr0 == b->cr0 && a->cr3 == b->cr3 &&
	       a->cr4 == b->cr4 && a->efer == b->efer && a->dr6 == b->dr6 &&
	       a->dr7 == b->dr7 && a->gdt_base == b->gdt_base && a->idt_base == b->idt_base &&
	       a->gdt_limit == b->gdt_limit && a->idt_limit == b->idt_limit &&
	       a->smbase == b->smbase && a->halted == b->halted && a->cpl == b->cpl &&
	       a->sti_shadow == b->sti_shadow && a->movss_shadow == b->movss_shadow &&
	       a->svm_guest == b->svm_guest && a->svm_vmcb == b->svm_vmcb;
}

static void test_round_trip(bool wide)
{
	u8 image[NST_SMRAM_SIZE];
	struct nst_smram in, out;
	u32 i, good = 0;

	for (i = 0; i < 1000; i++) {
		random_fill(&in, wide);
		nst_smram_save(image, &in, wide);
		good += nst_smram_load(image, &out, wide) && same(&in, &out);
	}
	tap_ok(good == 1000, "%u of 1000 states come back, %u-bit layout", good, wide ? 64 : 32);
}

static u64 at(const u8 *image, u32 offset, u32 size)
{
	u64 val = 0;

	memcpy(&val, image + offset - NST_SMRAM_OFFSET, size);
	return val;
}

static void test_places(void)
{
	u8 image[NST_SMRAM_SIZE];
	struct nst_smram s;

	random_fill(&s, true);
	nst_smram_save(image, &s, true);
	tap_ok(at(image, 0xfff8, 8) == s.gpr[NST_RAX] && at(image, 0xff78, 8) == s.rip &&
	       at(image, 0xff00, 4) == s.smbase && at(image, 0xfed0, 8) == s.efer &&
	       at(image, 0xfe98, 8) == s.seg[NST_TR].base &&
	       at(image, 0xfefc, 4) == 0x20064, "places of the 64-bit layout");
	random_fill(&s, false);
	nst_smram_save(image, &s, false);
	tap_ok(at(image, 0xffd0, 4) == s.gpr[NST_RAX] && at(image, 0xfff0, 4) == s.rip &&
	       at(image, 0xfef8, 4) == s.smbase && at(image, 0xffac, 4) == s.seg[NST_CS].selector &&
	       at(image, 0xfefc, 4) == 0x20000, "places of the 32-bit layout");
}

static void test_refused(void)
{
	u8 image[NST_SMRAM_SIZE];
	struct nst_smram s, out;

	random_fill(&s, true);
	s.cr0 = X86_CR0_PG;
	nst_smram_save(image, &s, true);
	tap_ok(!nst_smram_load(image, &out, true), "paging without protection is refused");
	s.cr0 = X86_CR0_NW;
	nst_smram_save(image, &s, true);
	tap_ok(!nst_smram_load(image, &out, true), "NW without CD is refused");
	s.cr0 = X86_CR0_PG | X86_CR0_PE;
	s.cr4 = 0;
	nst_smram_save(image, &s, true);
	tap_ok(!nst_smram_load(image, &out, true), "long mode without PAE is refused");
}

int main(void)
{
	test_round_trip(false);
	test_round_trip(true);
	test_places();
	test_refused();
	return tap_done();
}
