// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random VMCBs: one that VMRUN takes, changed in some places, mostly where a rule
 * of APM2 "Canonicalization and Consistency Checks" has its border.
 */
#include "gen_svm.h"

#define CR0_NW			(1ul << 29)
#define CR0_CD			(1ul << 30)
#define CR0_ET			(1ul << 4)
#define CR4_PAE			(1ul << 5)
#define CR4_OSFXSR		(1ul << 9)
#define EFER_NXE		(1ul << 11)
#define ATTRIB_P		0x080
#define ATTRIB_L		0x200
#define ATTRIB_D		0x400

#define LONG_CR0		(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE)
#define LONG_CR4		(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT)

#define I_CR_READ(n)		(n)
#define I_CR_WRITE(n)		(16 + (n))
#define I_DR_READ(n)		(32 + (n))
#define I_DR_WRITE(n)		(48 + (n))
#define I_EXCEPTION(n)		(64 + (n))
#define I_MONITOR		138
#define I_MWAIT			139
#define I_XSETBV		141

/* These have to exit: what they read, or what they do, is of the machine. */
static const u8 always[] = {
	I_INTR, I_NMI, I_SMI, I_INIT, I_CPUID, I_RDTSC, I_RDPMC, I_RSM, I_INVD, I_HLT, I_INVLPGA,
	I_IOIO, I_MSR, I_TASK, I_FERR, I_SHUTDOWN, I_VMMCALL, I_VMLOAD, I_VMSAVE, I_STGI, I_CLGI,
	I_SKINIT, I_RDTSCP, I_WBINVD, I_MONITOR, I_MWAIT, I_XSETBV,
};

/* And these may. */
static const u8 sometimes[] = {
	I_CR_READ(0), I_CR_READ(3), I_CR_READ(4), I_CR_READ(8), I_CR_WRITE(0), I_CR_WRITE(3),
	I_CR_WRITE(4), I_CR_WRITE(8), I_DR_READ(7), I_DR_WRITE(7), I_VINTR, I_CR0_SEL,
	I_IDTR_READ, I_GDTR_READ, I_LDTR_READ, I_TR_READ, I_IDTR_WRITE, I_GDTR_WRITE,
	I_LDTR_WRITE, I_TR_WRITE, I_PUSHF, I_POPF, I_IRET, I_INTN, I_PAUSE, I_INVLPG, I_ICEBP,
};

static void set_bit(struct vmcb *v, u32 bit)
{
	v->icpt[bit / 32] |= 1u << bit % 32;
}

static void segments(struct vmcb *v, u16 code, u16 data, u32 limit)
{
	v->cs = (struct seg){ SEL_CODE64, code, limit, 0 };
	v->ss = (struct seg){ SEL_DATA, data, limit, 0 };
	v->ds = v->ss;
	v->es = v->ss;
	v->fs = v->ss;
	v->gs = v->ss;
}

static void segments16(struct vmcb *v, u16 code, u16 data)
{
	segments(v, code, data, 0xffff);
	v->cs.selector = L2_CODE16 >> 4;
	v->cs.base = L2_CODE16;
	v->ss.selector = L2_STACK16 >> 4;
	v->ss.base = L2_STACK16;
	v->ds.selector = 0;
	v->es.selector = 0;
	v->fs.selector = 0;
	v->gs.selector = 0;
}

static void base_mode(struct vmcb *v, enum l2_mode mode)
{
	v->efer = EFER_SVME;
	v->cr0 = LONG_CR0;
	v->cr4 = LONG_CR4 & ~CR4_PAE;
	v->cr3 = L2_PD32;
	segments(v, 0xc9b, 0xc93, 0xffffffff);
	v->rip = L2_CODE_PAGE;
	v->rsp = L2_STACK_PAGE + 0x800;
	switch (mode) {
	case L2_LONG:
	case L2_LONG_USER:
	case L2_COMPAT:
		v->efer |= EFER_LME | EFER_LMA | EFER_NXE;
		v->cr4 |= CR4_PAE;
		v->cr3 = L2_PML4;
		if (mode != L2_COMPAT)
			v->cs.attrib = 0xa9b;
		break;
	case L2_PAE32:
		v->cr4 |= CR4_PAE;
		v->cr3 = L2_PAE;
		break;
	case L2_VM86:
		v->rflags |= RFLAGS_VM;
		segments16(v, 0x0f3, 0x0f3);
		v->rip = 0;
		v->rsp = 0x800;
		break;
	case L2_REAL:
		v->cr0 &= ~(CR0_PG | CR0_PE | CR0_WP);
		segments16(v, 0x09b, 0x093);
		v->rip = 0;
		v->rsp = 0x800;
		break;
	case L2_FLAT32:
		v->cr0 &= ~CR0_PG;
		break;
	default:
		break;
	}
	if (mode == L2_LONG_USER || mode == L2_VM86)
		v->cpl = 3;
	if (mode == L2_LONG_USER) {
		v->cs = (struct seg){ SEL_USER_CODE64, 0xafb, 0xffffffff, 0 };
		v->ss = (struct seg){ SEL_USER_DATA, 0xcf3, 0xffffffff, 0 };
	}
}

static void base(struct vmcb *v, enum l2_mode mode)
{
	u64 i;

	memset(v, 0, sizeof(*v));
	for (i = 0; i < ARRAY_SIZE(always); i++)
		set_bit(v, always[i]);
	set_bit(v, I_VMRUN);
	v->icpt[2] = 0xffffffff;
	v->iopm = (u64)IOPM;
	v->msrpm = (u64)MSRPM;
	v->asid = 1;
	/* Every case has its own mode and tables, and the same ASID. */
	v->tlb_control = 1;
	v->ncr3 = L2_STAGE2;
	v->g_pat = 0x0007040600070406ul;
	v->dr6 = 0xffff0ff0;
	v->dr7 = 0x400;
	v->rflags = 2;
	v->rax = L2_DATA_PAGE + 8;
	v->gdtr = (struct seg){ 0, 0, 0xff, L2_DATA_PAGE };
	v->idtr = (struct seg){ 0, 0, 0, L2_DATA_PAGE };
	v->tr = (struct seg){ SEL_TSS, 0x08b, 0x67, L2_DATA_PAGE + 0x100 };
	v->ldtr = (struct seg){ 0, 0x082, 0, 0 };
	base_mode(v, mode);
}

/* ---- changes ---- */

static u64 bit_of(struct rng *r, u64 from)
{
	return 1ul << rng_below(r, from);
}

/* One of the bits that both CPUs know, or that both do not know. */
static u64 agreed_bit(struct rng *r, const struct oracle_params *p, enum oracle_cap cap,
		      u64 range)
{
	return bit_of(r, range) & p->agree[cap];
}

/* An address of a page at the end of the physical-address space, or somewhere. */
static u64 odd_physical(struct rng *r, const struct oracle_params *p, u64 good)
{
	u64 end = 1ul << p->have[CAP_PHYS_BITS];

	switch (rng_below(r, 6)) {
	case 0:
		return end;
	case 1:
		return end - PAGE_SIZE * (1 + rng_below(r, 4));
	case 2:
		return good | bit_of(r, 12);
	case 3:
		return good | end << rng_below(r, 63 - p->have[CAP_PHYS_BITS]);
	case 4:
		return end - 1 - rng_below(r, PAGE_SIZE);
	default:
		return rng_next(r) | end;
	}
}

static u64 odd_linear(struct rng *r, u64 good)
{
	switch (rng_below(r, 6)) {
	case 0:
		return bit_of(r, 64);
	case 1:
		return good ^ bit_of(r, 64);
	case 2:
		return (1ul << 47) - rng_below(r, 3);
	case 3:
		return ~0ul << 47 | rng_below(r, 16);
	case 4:
		return good + rng_below(r, 64);
	default:
		return rng_next(r);
	}
}

static struct seg *some_segment(struct rng *r, struct vmcb *v)
{
	struct seg *all[] = { &v->cs, &v->cs, &v->ss, &v->ss, &v->ds, &v->es, &v->fs, &v->gs,
			      &v->tr, &v->ldtr };

	return all[rng_below(r, ARRAY_SIZE(all))];
}

static void change_segment(struct rng *r, struct vmcb *v)
{
	struct seg *s = some_segment(r, v);

	switch (rng_below(r, 5)) {
	case 0:
		s->attrib ^= bit_of(r, 12);
		break;
	case 1:
		s->attrib = rng_below(r, 0x1000);
		break;
	case 2:
		s->selector = one_in(r, 3) ? 0 : rng_next(r);
		break;
	case 3:
		s->limit ^= bit_of(r, 32);
		break;
	default:
		s->base = one_in(r, 2) ? odd_linear(r, s->base) : s->base ^ bit_of(r, 12);
	}
}

static void change_event(struct rng *r, struct vmcb *v)
{
	static const u8 types[] = { 0, 2, 3, 3, 3, 4, 4, 1, 5, 7 };

	v->event_inj = EV_VALID | (u32)types[rng_below(r, ARRAY_SIZE(types))] << 8 |
		       (u32)rng_below(r, one_in(r, 4) ? 256 : 32);
	if (one_in(r, 3))
		v->event_inj |= EV_ERROR;
	if (one_in(r, 8))
		v->event_inj |= bit_of(r, 31);
	if (one_in(r, 8))
		v->event_inj &= ~EV_VALID;
	v->event_error = one_in(r, 3) ? rng_next(r) : rng_below(r, 0x10000);
	if (one_in(r, 2))
		v->next_rip = v->rip + rng_below(r, 17);
}

static void change_interrupts(struct rng *r, struct vmcb *v)
{
	if (one_in(r, 2))
		v->int_ctl = rng_below(r, 16);
	if (one_in(r, 2))
		v->int_ctl |= V_IRQ | V_PRIO(rng_below(r, 16));
	if (one_in(r, 3))
		v->int_ctl |= V_IGN_TPR;
	if (one_in(r, 2))
		v->int_ctl |= V_INTR_MASKING;
	v->int_vector = rng_below(r, 256);
	if (one_in(r, 3))
		v->rflags ^= RFLAGS_IF;
	if (one_in(r, 3))
		set_bit(v, I_VINTR);
}

static void change_paging(struct rng *r, const struct oracle_params *p, struct vmcb *v)
{
	switch (rng_below(r, 6)) {
	case 0:
		v->np_enable ^= 1;
		break;
	case 1:
		v->np_enable = 1;
		v->ncr3 = odd_physical(r, p, L2_STAGE2);
		break;
	case 2:
		v->np_enable = 1;
		v->g_pat ^= (u64)rng_below(r, 256) << 8 * rng_below(r, 8);
		break;
	case 3:
		v->cr3 = odd_physical(r, p, v->cr3);
		break;
	case 4:
		v->cr3 ^= bit_of(r, 12);
		break;
	default:
		v->asid = one_in(r, 3) ? 0 : rng_below(r, 4);
	}
}

static void change_mode(struct rng *r, const struct oracle_params *p, struct vmcb *v)
{
	switch (rng_below(r, 6)) {
	case 0:
		v->efer ^= agreed_bit(r, p, CAP_EFER, one_in(r, 3) ? 64 : 16);
		break;
	case 1:
	case 2:
		v->cr0 ^= one_in(r, 6) ? bit_of(r, 64) : bit_of(r, 32);
		break;
	case 3:
		v->cr0 ^= one_in(r, 2) ? CR0_NW | CR0_CD : CR0_PG | CR0_PE;
		break;
	default:
		v->cr4 ^= agreed_bit(r, p, CAP_CR4, one_in(r, 3) ? 64 : 24);
	}
}

static void change_registers(struct rng *r, struct vmcb *v)
{
	switch (rng_below(r, 8)) {
	case 0:
		v->rflags ^= bit_of(r, 22);
		break;
	case 1:
		v->rflags ^= bit_of(r, 64);
		break;
	case 2:
		v->rip = odd_linear(r, v->rip);
		break;
	case 3:
		v->rsp = odd_linear(r, v->rsp);
		break;
	case 4:
		v->rax = odd_linear(r, v->rax);
		break;
	case 5:
		v->dr6 ^= bit_of(r, 64);
		break;
	case 6:
		v->dr7 ^= one_in(r, 2) ? bit_of(r, 64) : bit_of(r, 16);
		break;
	default:
		v->cr2 = rng_next(r);
	}
}

static void change_tables(struct rng *r, struct vmcb *v)
{
	struct seg *s = one_in(r, 2) ? &v->gdtr : &v->idtr;

	if (one_in(r, 2))
		s->limit = one_in(r, 3) ? rng_next(r) : rng_below(r, 0x200);
	else
		s->base = odd_linear(r, s->base);
}

static void change_loaded(struct rng *r, struct vmcb *v)
{
	u64 *all[] = { &v->star, &v->lstar, &v->cstar, &v->sfmask, &v->kernel_gs,
		       &v->sysenter_cs, &v->sysenter_esp, &v->sysenter_eip };

	*all[rng_below(r, ARRAY_SIZE(all))] = one_in(r, 2) ? rng_below(r, 1ul << 32) :
					      odd_linear(r, L2_DATA_PAGE);
}

static void change_maps(struct rng *r, const struct oracle_params *p, struct vmcb *v)
{
	if (one_in(r, 2))
		v->iopm = odd_physical(r, p, (u64)IOPM);
	else
		v->msrpm = odd_physical(r, p, (u64)MSRPM);
}

static void change_intercepts(struct rng *r, struct vmcb *v)
{
	u64 i;

	if (one_in(r, 12))
		v->icpt[I_VMRUN / 32] &= ~(1u << I_VMRUN % 32);
	for (i = 0; i < ARRAY_SIZE(sometimes); i++)
		if (one_in(r, 3))
			set_bit(v, sometimes[i]);
	if (one_in(r, 3))
		v->icpt[2] ^= bit_of(r, 32);
	if (one_in(r, 6))
		v->icpt[2] = rng_next(r);
}

static void change_rest(struct rng *r, struct vmcb *v)
{
	switch (rng_below(r, 6)) {
	case 0:
		v->clean = rng_next(r);
		break;
	case 1:
		v->tsc_offset = rng_next(r);
		break;
	case 2:
		v->int_state = rng_below(r, 2);
		break;
	case 3:
		v->cpl = one_in(r, 3) ? rng_next(r) : rng_below(r, 4);
		break;
	case 4:
		v->reserved_4cc = rng_next(r);
		v->exit_code = rng_next(r);
		v->info1 = rng_next(r);
		v->exit_int_info = rng_next(r);
		break;
	default:
		v->asid = one_in(r, 3) ? 0 : rng_next(r);
	}
}

static void change(struct rng *r, const struct oracle_params *p, struct vmcb *v)
{
	switch (rng_below(r, 16)) {
	case 0:
	case 1:
		change_segment(r, v);
		break;
	case 2:
	case 3:
		change_event(r, v);
		break;
	case 4:
		change_interrupts(r, v);
		break;
	case 5:
	case 6:
		change_paging(r, p, v);
		break;
	case 7:
	case 8:
	case 9:
		change_mode(r, p, v);
		break;
	case 10:
	case 11:
		change_registers(r, v);
		break;
	case 12:
		change_tables(r, v);
		break;
	case 13:
		one_in(r, 2) ? change_loaded(r, v) : change_maps(r, p, v);
		break;
	case 14:
		change_intercepts(r, v);
		break;
	default:
		change_rest(r, v);
	}
}

/* Whatever else L2 is, it must not get at memory of L1's. */
static void confine(struct vmcb *v, const struct oracle_params *p)
{
	u64 end = 1ul << p->have[CAP_PHYS_BITS];

	if (!(v->cr0 & CR0_PG) && !v->np_enable) {
		v->np_enable = 1;
		v->ncr3 = L2_STAGE2;
	}
	/* QEMU 7.2 does not get L1's CR0 back from an L2 like that. */
	if (!(v->cr0 & CR0_PG) && (v->efer & EFER_LME))
		v->cr4 |= CR4_PAE;
	/* Tables must be ours, or beyond what there can be. */
	if (v->np_enable && v->ncr3 < end)
		v->ncr3 = L2_STAGE2 | (v->ncr3 & 0xfff);
	if (!v->np_enable && (v->cr3 & (end - 1)) >> 12 != L2_PML4 >> 12 &&
	    (v->cr3 & (end - 1)) >> 12 != L2_PD32 >> 12 &&
	    (v->cr3 & (end - 1)) >> 12 != L2_PAE >> 12)
		v->cr3 = L2_PML4 | (v->cr3 & 0xfff);
}

/**
 * svm_generate() - make a case
 * @p: what may be different from CPU to CPU, and the seed
 * @number: of the case
 * @c: @c->vmcb is filled, the rest too
 */
void svm_generate(const struct oracle_params *p, u32 number, struct svm_case *c)
{
	struct rng r = rng_for(p, number);
	struct vmcb *v = c->vmcb;
	u32 i;

	base(v, rng_below(&r, L2_MODES));
	v->np_enable = one_in(&r, 3) || !(v->cr0 & CR0_PG);
	c->dish = one_in(&r, 3) ? 0 : rng_below(&r, MENU_ENTRIES);
	v->rip += c->dish * MENU_STRIDE;
	if (one_in(&r, 2))
		change_intercepts(&r, v);
	c->mutations = one_in(&r, 2) ? 1 : rng_below(&r, 5);
	for (i = 0; i < c->mutations; i++)
		change(&r, p, v);
	confine(v, p);
}
