// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random VMCSs: one that VM entry takes, changed in some places, mostly where a
 * rule of SDM3 "VM Entries" has its border.
 */
#include "gen_vmx.h"

#define CR0_ET			(1ul << 4)
#define CR4_PSE			(1ul << 4)
#define CR4_PAE			(1ul << 5)
#define CR4_OSFXSR		(1ul << 9)
#define CR4_PCIDE		(1ul << 17)
#define EFER_LME		(1ul << 8)
#define EFER_LMA		(1ul << 10)
#define EFER_NXE		(1ul << 11)
#define GOOD_PAT		0x0007040600070406ul

#define PROC_MWAIT		(1u << 10)
#define PROC_MONITOR		(1u << 29)
#define PROC_TPR_SHADOW		(1u << 21)
#define EXIT_SAVE_DEBUG		(1u << 2)
#define EXIT_SAVE_PAT		(1u << 18)
#define EXIT_LOAD_PAT		(1u << 19)
#define EXIT_SAVE_EFER		(1u << 20)
#define EXIT_LOAD_EFER		(1u << 21)
#define ENTRY_LOAD_DEBUG	(1u << 2)
#define ENTRY_LOAD_PAT		(1u << 14)
#define ENTRY_LOAD_EFER		(1u << 15)
#define MISC_ACTIVITY_SHIFT	5	/* bit 6 is state 1 */

/* These have to exit: what they read, or what they do, is of the machine. */
#define ALWAYS_PROC	(PROC_HLT | PROC_RDPMC | PROC_RDTSC | PROC_MWAIT | PROC_MONITOR | \
			 PROC_IO | PROC_SECONDARY)
#define ALWAYS_PROC2	PROC2_WBINVD

const u16 vmx_encoding[V_VALUES] = {
#define F(name) [V_##name] = F_##name,
	VMX_CONTROLS(F) VMX_HOST(F) VMX_GUEST(F)
#undef F
#define S(name, n)							\
	[V_SEL + (n)] = F_GUEST_##name##_SEL, [V_BASE + (n)] = F_GUEST_##name##_BASE, \
	[V_LIMIT + (n)] = F_GUEST_##name##_LIMIT, [V_AR + (n)] = F_GUEST_##name##_AR,
	SEGMENTS(S)
#undef S
	[V_PDPTE] = F_PDPTE(0), [V_PDPTE + 1] = F_PDPTE(1),
	[V_PDPTE + 2] = F_PDPTE(2), [V_PDPTE + 3] = F_PDPTE(3),
};

static void segment(u64 *v, u32 n, u64 sel, u64 base, u64 limit, u64 ar)
{
	v[V_SEL + n] = sel;
	v[V_BASE + n] = base;
	v[V_LIMIT + n] = limit;
	v[V_AR + n] = ar;
}

static void segments(u64 *v, u64 code_sel, u64 code, u64 data_sel, u64 data)
{
	u32 i;

	for (i = S_ES; i <= S_GS; i++)
		segment(v, i, data_sel, 0, 0xffffffff, data);
	segment(v, S_CS, code_sel, 0, 0xffffffff, code);
}

static void segments16(u64 *v, u64 code, u64 data)
{
	u32 i;

	for (i = S_ES; i <= S_GS; i++)
		segment(v, i, 0, 0, 0xffff, data);
	segment(v, S_CS, L2_CODE16 >> 4, L2_CODE16, 0xffff, code);
	segment(v, S_SS, L2_STACK16 >> 4, L2_STACK16, 0xffff, data);
	v[V_GUEST_RIP] = 0;
	v[V_GUEST_RSP] = 0x800;
}

static void base_mode(u64 *v, enum l2_mode mode)
{
	v[V_GUEST_CR0] = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE;
	v[V_GUEST_CR4] = CR4_VMXE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	v[V_GUEST_CR3] = L2_PD32;
	v[V_GUEST_RIP] = L2_CODE_PAGE;
	v[V_GUEST_RSP] = L2_STACK_PAGE + 0x800;
	v[V_GUEST_RFLAGS] = 2;
	segments(v, SEL_CODE32, 0xc09b, SEL_DATA, 0xc093);
	switch (mode) {
	case L2_LONG:
	case L2_LONG_USER:
	case L2_COMPAT:
		v[V_GUEST_CR4] |= CR4_PAE;
		v[V_GUEST_CR3] = L2_PML4;
		v[V_ENTRY_CTLS] |= ENTRY_LONG;
		v[V_GUEST_EFER] = EFER_LME | EFER_LMA | EFER_NXE;
		if (mode == L2_LONG)
			v[V_AR + S_CS] = 0xa09b;
		if (mode == L2_LONG_USER)
			segments(v, SEL_USER_CODE64, 0xa0fb, SEL_USER_DATA, 0xc0f3);
		break;
	case L2_PAE32:
		v[V_GUEST_CR4] |= CR4_PAE;
		v[V_GUEST_CR3] = L2_PAE;
		v[V_PDPTE] = L2_PD | PTE_PRESENT;
		break;
	case L2_VM86:
		v[V_GUEST_RFLAGS] |= RFLAGS_VM;
		segments16(v, 0xf3, 0xf3);
		break;
	case L2_REAL:
		v[V_GUEST_CR0] &= ~(CR0_PG | CR0_PE | CR0_WP);
		segments16(v, 0x9b, 0x93);
		break;
	case L2_FLAT32:
		v[V_GUEST_CR0] &= ~CR0_PG;
		break;
	default:
		break;
	}
}

static void base_controls(const struct oracle_params *p, u64 *v)
{
	const u64 *have = p->have;

	v[V_PIN] = have[CAP_PIN_MUST];
	v[V_PROC] = have[CAP_PROC_MUST] | ALWAYS_PROC;
	v[V_PROC2] = ALWAYS_PROC2;
	v[V_EXIT_CTLS] = have[CAP_EXIT_MUST] |
			 ((EXIT_HOST_64 | EXIT_LOAD_EFER | EXIT_LOAD_PAT | EXIT_SAVE_EFER |
			   EXIT_SAVE_PAT | EXIT_SAVE_DEBUG) & have[CAP_EXIT_MAY]);
	v[V_ENTRY_CTLS] = have[CAP_ENTRY_MUST] |
			  ((ENTRY_LOAD_EFER | ENTRY_LOAD_PAT | ENTRY_LOAD_DEBUG) &
			   have[CAP_ENTRY_MAY]);
	v[V_EXCEPTIONS] = 0xffffffff;
	v[V_IO_BITMAP_A] = IO_BITMAP_PAGES;
	v[V_IO_BITMAP_B] = IO_BITMAP_PAGES + PAGE_SIZE;
	v[V_MSR_BITMAP] = MSR_BITMAP_PAGE;
	v[V_EXIT_STORE_ADDR] = STORE_AREA;
	v[V_EXIT_LOAD_ADDR] = STORE_AREA + 0x100;
	v[V_ENTRY_LOAD_ADDR] = MSR_AREA;
	v[V_EPTP] = L2_STAGE2 | 0x1e;
	v[V_VPID] = 1;
	v[V_TIMER] = 0xffffffff;
}

static void base(const struct oracle_params *p, const u64 *host, enum l2_mode mode,
		 struct vmx_case *c)
{
	u64 *v = c->val;
	u32 i;

	memset(c, 0, sizeof(*c));
	base_controls(p, v);
	for (i = V_HOST_CR0; i <= V_HOST_RIP; i++)
		v[i] = host[i];
	base_mode(v, mode);
	segment(v, S_LDTR, 0, 0, 0, 0x10000);
	segment(v, S_TR, SEL_TSS, L2_DATA_PAGE + 0x100, 0x67, 0x8b);
	v[V_GUEST_GDTR_BASE] = L2_DATA_PAGE;
	v[V_GUEST_GDTR_LIMIT] = 0xff;
	v[V_GUEST_IDTR_BASE] = L2_DATA_PAGE;
	v[V_GUEST_DR7] = 0x400;
	v[V_GUEST_PAT] = GOOD_PAT;
	v[V_LINK] = ~0ul;
	c->rax = L2_DATA_PAGE + 8;
	c->area[0] = (struct msr_entry){ .index = 0x174, .value = 8 };
	c->area[1] = (struct msr_entry){ .index = 0x175, .value = L2_STACK_PAGE };
	c->area[2] = (struct msr_entry){ .index = 0x176, .value = L2_CODE_PAGE };
	c->area[3] = (struct msr_entry){ .index = MSR_PAT, .value = GOOD_PAT };
}

/* ---- changes ---- */

static u64 bit_of(struct rng *r, u64 from)
{
	return 1ul << rng_below(r, from);
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

/* An address that is refused wherever it is looked at, or a good one. */
static u64 odd_physical(struct rng *r, const struct oracle_params *p, u64 good, u64 align)
{
	u64 end = 1ul << p->have[CAP_PHYS_BITS];

	switch (rng_below(r, 4)) {
	case 0:
		return end;
	case 1:
		return good | end << rng_below(r, 64 - p->have[CAP_PHYS_BITS]);
	case 2:
		return align > 1 ? good | bit_of(r, 63) % align : good;
	default:
		return good;
	}
}

static void change_word(struct rng *r, const struct oracle_params *p, u64 *v)
{
	static const struct {
		u8 value, may, must;
	} words[] = {
		{ V_PIN, CAP_PIN_MAY, CAP_PIN_MUST }, { V_PROC, CAP_PROC_MAY, CAP_PROC_MUST },
		{ V_PROC2, CAP_PROC2_MAY, CAP_PROC2_MAY },
		{ V_EXIT_CTLS, CAP_EXIT_MAY, CAP_EXIT_MUST },
		{ V_ENTRY_CTLS, CAP_ENTRY_MAY, CAP_ENTRY_MUST },
	};
	u64 w = rng_below(r, ARRAY_SIZE(words));

	v[words[w].value] ^= bit_of(r, 32) & p->agree[words[w].may] & p->agree[words[w].must];
}

static void change_event(struct rng *r, const struct oracle_params *p, u64 *v)
{
	static const u8 types[] = { 0, 2, 3, 3, 3, 3, 4, 5, 6, 7, 1 };
	static const u8 lengths[] = { 0, 1, 2, 14, 15, 16 };

	v[V_ENTRY_INTR_INFO] = EVENT_VALID | (u64)types[rng_below(r, ARRAY_SIZE(types))] << 8 |
			       rng_below(r, one_in(r, 4) ? 256 : 32);
	if (one_in(r, 3))
		v[V_ENTRY_INTR_INFO] |= EVENT_ERROR;
	if (one_in(r, 8))
		v[V_ENTRY_INTR_INFO] |= bit_of(r, 31);
	if (one_in(r, 8))
		v[V_ENTRY_INTR_INFO] &= ~(u64)EVENT_VALID;
	/* Bochs 2.7 takes type 7 without having what it is for, and ends. */
	if ((v[V_ENTRY_INTR_INFO] >> 8 & 7) == 7)
		v[V_ENTRY_INTR_INFO] ^= 6 << 8;
	v[V_ENTRY_ERROR] = one_in(r, 8) ? rng_next(r) & 0xffffffff : rng_below(r, 0x10000);
	v[V_ENTRY_INSN_LEN] = lengths[rng_below(r, ARRAY_SIZE(lengths))];
	/* IA32_VMX_MISC says if it may be 0. */
	if (!(p->agree[CAP_MISC] >> 30 & 1) && !v[V_ENTRY_INSN_LEN])
		v[V_ENTRY_INSN_LEN] = 1;
	if (one_in(r, 3))
		v[V_GUEST_RFLAGS] |= RFLAGS_IF;
}

static void change_addresses(struct rng *r, const struct oracle_params *p, u64 *v)
{
	switch (rng_below(r, 8)) {
	case 0:
		v[V_PROC] |= PROC_IO_BITMAPS;
		v[V_IO_BITMAP_A] = odd_physical(r, p, IO_BITMAP_PAGES, PAGE_SIZE);
		break;
	case 1:
		v[V_PROC] |= PROC_IO_BITMAPS;
		v[V_IO_BITMAP_B] = odd_physical(r, p, IO_BITMAP_PAGES + PAGE_SIZE, PAGE_SIZE);
		break;
	case 2:
		v[V_PROC] |= PROC_MSR_BITMAPS;
		v[V_MSR_BITMAP] = odd_physical(r, p, MSR_BITMAP_PAGE, PAGE_SIZE);
		break;
	case 3:
		v[V_CR3_TARGETS] = rng_below(r, 7);
		break;
	case 4:
		v[V_ENTRY_LOAD_COUNT] = rng_below(r, AREA_ENTRIES);
		v[V_ENTRY_LOAD_ADDR] = odd_physical(r, p, MSR_AREA, 16);
		break;
	case 5:
		v[V_EXIT_STORE_COUNT] = rng_below(r, 3);
		v[V_EXIT_STORE_ADDR] = odd_physical(r, p, STORE_AREA, 16);
		break;
	case 6:
		v[V_EXIT_LOAD_COUNT] = rng_below(r, 3);
		v[V_EXIT_LOAD_ADDR] = odd_physical(r, p, STORE_AREA + 0x100, 16);
		break;
	default:
		v[V_VPID] = rng_below(r, 3);
		v[V_PROC2] |= PROC2_VPID & p->have[CAP_PROC2_MAY];
	}
}

static void change_ept(struct rng *r, const struct oracle_params *p, u64 *v)
{
	v[V_PROC2] |= PROC2_EPT & p->have[CAP_PROC2_MAY];
	if (one_in(r, 3)) {
		v[V_PDPTE + rng_below(r, 4)] ^= one_in(r, 2) ? bit_of(r, 64) : bit_of(r, 10);
		return;
	}
	/* The type and the walk's length: those of which both say the same. */
	switch (rng_below(r, 4)) {
	case 0:
		v[V_EPTP] = L2_STAGE2 | (one_in(r, 2) ? 0 : 6) | rng_below(r, 8) << 3;
		break;
	case 1:
		v[V_EPTP] = L2_STAGE2 | rng_below(r, 8) | 3 << 3;
		break;
	case 2:
		v[V_EPTP] ^= one_in(r, 2) ? 1ul << 6 & p->agree[CAP_EPT_VPID] >> 15 :
					    1ul << (7 + rng_below(r, 5));
		break;
	default:
		v[V_EPTP] = odd_physical(r, p, v[V_EPTP], 1);
	}
}

/* A page walk of 5 levels would need tables for it. */
static bool eptp_known(const struct oracle_params *p, u64 eptp)
{
	u64 length = eptp >> 3 & 7, type = eptp & 7;

	if (length == 4 && p->agree[CAP_EPT_VPID] >> 7 & 1)
		return !(p->have[CAP_EPT_VPID] >> 7 & 1);
	return length != 4 && !(type == 0 && !(p->agree[CAP_EPT_VPID] >> 8 & 1));
}

/* What L1 would not survive is not written, what must be refused is. */
static void change_host(struct rng *r, const struct oracle_params *p, u64 *v)
{
	u64 end = 1ul << p->have[CAP_PHYS_BITS], bit;

	switch (rng_below(r, 9)) {
	case 0:
		bit = bit_of(r, 32);
		/* What must be 1 in VMX operation, and what only counts as written. */
		v[V_HOST_CR0] ^= bit & (CR0_PE | CR0_NE | CR0_PG | CR0_WP | CR0_AM);
		if (one_in(r, 4))
			v[V_HOST_CR0] |= 1ul << (32 + rng_below(r, 32));
		break;
	case 1:
		bit = bit_of(r, 64) & p->agree[CAP_CR4];
		v[V_HOST_CR4] ^= bit & p->have[CAP_CR4] ? bit & (CR4_VMXE | CR4_PAE | CR4_DE) : bit;
		break;
	case 2:
		v[V_HOST_CR3] |= end << rng_below(r, 64 - p->have[CAP_PHYS_BITS]);
		break;
	case 3:
		v[V_HOST_ES_SEL + rng_below(r, 7)] |= 1 + rng_below(r, 7);
		break;
	case 4:
		v[V_HOST_ES_SEL + rng_below(r, 7)] = 0;
		break;
	case 5:
		v[V_HOST_FS_BASE + rng_below(r, 5)] = bit_of(r, 17) << 47;
		break;
	case 6:
		v[V_HOST_SYSENTER_CS + rng_below(r, 3)] = odd_linear(r, 0) & ~(one_in(r, 2) ? 0 :
							  0xfffful << 48);
		break;
	case 7:
		v[V_HOST_EFER] ^= bit_of(r, one_in(r, 2) ? 16 : 64) & p->agree[CAP_EFER];
		v[V_HOST_PAT] ^= one_in(r, 2) ? (u64)rng_below(r, 256) << 8 * rng_below(r, 8) : 0;
		break;
	default:
		v[V_HOST_RIP] |= bit_of(r, 17) << 47;
	}
}

static void change_mode(struct rng *r, const struct oracle_params *p, u64 *v)
{
	u64 bit;

	switch (rng_below(r, 10)) {
	case 0:
	case 1:
		v[V_GUEST_CR0] ^= one_in(r, 6) ? bit_of(r, 64) : bit_of(r, 32);
		break;
	case 2:
	case 3:
		v[V_GUEST_CR4] ^= bit_of(r, one_in(r, 3) ? 64 : 24) & p->agree[CAP_CR4];
		break;
	case 4:
		v[V_GUEST_EFER] ^= bit_of(r, one_in(r, 3) ? 64 : 16) & p->agree[CAP_EFER];
		break;
	case 5:
		bit = bit_of(r, 64);
		v[V_GUEST_CR3] ^= bit < PAGE_SIZE || bit >> p->have[CAP_PHYS_BITS] ? bit : 0;
		break;
	case 6:
		v[V_GUEST_DR7] ^= one_in(r, 2) ? bit_of(r, 64) : bit_of(r, 16);
		break;
	case 7:
		v[V_GUEST_DEBUGCTL] ^= one_in(r, 2) ? bit_of(r, 64) & ~0xfffful : bit_of(r, 2) & 2;
		break;
	case 8:
		v[V_GUEST_PAT] ^= (u64)rng_below(r, 256) << 8 * rng_below(r, 8);
		break;
	default:
		v[V_ENTRY_CTLS] ^= one_in(r, 2) ? ENTRY_LONG : ENTRY_LOAD_EFER | ENTRY_LOAD_PAT;
	}
}

static void change_segment(struct rng *r, u64 *v)
{
	u32 n = one_in(r, 3) ? S_CS : rng_below(r, NR_SEGMENTS);

	switch (rng_below(r, 6)) {
	case 0:
		v[V_AR + n] ^= bit_of(r, 17);
		break;
	case 1:
		v[V_AR + n] ^= bit_of(r, 32);
		break;
	case 2:
		v[V_AR + n] = (v[V_AR + n] & ~0xfful) | rng_below(r, 256);
		break;
	case 3:
		v[V_SEL + n] = one_in(r, 3) ? 0 : v[V_SEL + n] ^ bit_of(r, 16);
		break;
	case 4:
		v[V_LIMIT + n] ^= bit_of(r, 32);
		break;
	default:
		v[V_BASE + n] = one_in(r, 2) ? odd_linear(r, v[V_BASE + n]) :
					       v[V_BASE + n] ^ bit_of(r, 12);
	}
}

static void change_registers(struct rng *r, struct vmx_case *c)
{
	u64 *v = c->val;

	switch (rng_below(r, 8)) {
	case 0:
		v[V_GUEST_RFLAGS] ^= bit_of(r, 22);
		break;
	case 1:
		v[V_GUEST_RFLAGS] ^= bit_of(r, 64);
		break;
	case 2:
		v[V_GUEST_RIP] = odd_linear(r, v[V_GUEST_RIP]);
		break;
	case 3:
		v[V_GUEST_RSP] = odd_linear(r, v[V_GUEST_RSP]);
		break;
	case 4:
		c->rax = odd_linear(r, c->rax);
		break;
	case 5:
		v[V_GUEST_SYSENTER_CS + rng_below(r, 3)] = odd_linear(r, 0);
		break;
	case 6:
		v[V_GUEST_GDTR_BASE + rng_below(r, 2)] = odd_linear(r, L2_DATA_PAGE);
		break;
	default:
		v[V_GUEST_GDTR_LIMIT + rng_below(r, 2)] = one_in(r, 2) ? bit_of(r, 32) :
							   rng_below(r, 0x200);
	}
}

static void change_other_state(struct rng *r, const struct oracle_params *p,
			       struct vmx_case *c)
{
	u64 *v = c->val, state;

	switch (rng_below(r, 6)) {
	case 0:
		state = one_in(r, 4) ? rng_next(r) & 0xffffffff : rng_below(r, 6);
		if (state >= 1 && state <= 3 &&
		    !(p->agree[CAP_MISC] >> (MISC_ACTIVITY_SHIFT + state) & 1))
			state = 0;
		v[V_GUEST_ACTIVITY] = state;
		break;
	case 1:
		v[V_GUEST_INTR_STATE] = one_in(r, 3) ? bit_of(r, 32) : rng_below(r, 16);
		if (one_in(r, 2))
			v[V_GUEST_RFLAGS] |= RFLAGS_IF;
		break;
	case 2:
		v[V_GUEST_PENDING] = one_in(r, 2) ? bit_of(r, 64) : bit_of(r, 17);
		break;
	case 3:
		v[V_GUEST_PENDING] = one_in(r, 2) << 14;
		v[V_GUEST_RFLAGS] ^= one_in(r, 2) ? RFLAGS_TF : 0;
		v[V_GUEST_INTR_STATE] = one_in(r, 2) ? 2 : 0;
		break;
	case 4:
		v[V_LINK] = odd_physical(r, p, one_in(r, 3) ? VMCS_REGION : OTHER_REGION,
					 PAGE_SIZE);
		break;
	default:
		v[V_LINK] = OTHER_REGION;
		c->link_revision = one_in(r, 2) ? bit_of(r, 32) : 0;
	}
}

static void change_area(struct rng *r, struct vmx_case *c)
{
	static const u32 indexes[] = { 0x174, 0x175, 0x176, 0x277, 0xc0000081, 0xc0000082,
				       0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102,
				       0x800, 0x8ff, 0x79, 0x9b, 0x12345, 0x1d9, 0x480 };
	struct msr_entry *e = &c->area[rng_below(r, AREA_ENTRIES)];

	c->val[V_ENTRY_LOAD_COUNT] = 1 + rng_below(r, AREA_ENTRIES);
	e->index = indexes[rng_below(r, ARRAY_SIZE(indexes))];
	e->value = one_in(r, 2) ? odd_linear(r, 0) : 0;
	e->reserved = one_in(r, 8) ? bit_of(r, 32) : 0;
	/* Modes are not changed this way, and debugging not begun. */
	if (e->index == 0x1d9)
		e->value &= ~0xfffful;
}

static void change_rest(struct rng *r, u64 *v)
{
	switch (rng_below(r, 6)) {
	case 0:
		v[V_CR0_MASK] = rng_next(r);
		v[V_CR0_SHADOW] = rng_next(r);
		break;
	case 1:
		v[V_CR4_MASK] = rng_next(r);
		v[V_CR4_SHADOW] = rng_next(r);
		break;
	case 2:
		v[V_EXCEPTIONS] = rng_next(r) & 0xffffffff;
		break;
	case 3:
		v[V_PF_MASK] = rng_below(r, 64);
		v[V_PF_MATCH] = rng_below(r, 64);
		break;
	case 4:
		v[V_TSC_OFFSET] = rng_next(r);
		break;
	default:
		v[V_CR3_TARGETS] = 1;
		v[V_CR3_TARGET0] = one_in(r, 2) ? v[V_GUEST_CR3] : rng_next(r);
	}
}

static void change(struct rng *r, const struct oracle_params *p, struct vmx_case *c)
{
	u64 *v = c->val;

	switch (rng_below(r, 20)) {
	case 0:
	case 1:
	case 2:
		change_word(r, p, v);
		break;
	case 3:
	case 4:
		change_event(r, p, v);
		break;
	case 5:
		change_addresses(r, p, v);
		break;
	case 6:
		change_ept(r, p, v);
		break;
	case 7:
	case 8:
		change_host(r, p, v);
		break;
	case 9:
	case 10:
	case 11:
		change_mode(r, p, v);
		break;
	case 12:
	case 13:
	case 14:
		change_segment(r, v);
		break;
	case 15:
	case 16:
		change_registers(r, c);
		break;
	case 17:
		change_other_state(r, p, c);
		break;
	case 18:
		change_area(r, c);
		break;
	default:
		change_rest(r, v);
	}
}

/* Whatever else L2 is, it must come back, and must not get at memory of L1's. */
static void confine(struct vmx_case *c, const struct oracle_params *p)
{
	u64 *v = c->val;

	v[V_PROC] |= ALWAYS_PROC;
	v[V_PROC2] |= ALWAYS_PROC2;
	if (!eptp_known(p, v[V_EPTP]))
		v[V_EPTP] = L2_STAGE2 | 0x1e;
	/* Nothing would wake it. */
	if (v[V_GUEST_ACTIVITY] && v[V_GUEST_ACTIVITY] < 4 &&
	    !(v[V_ENTRY_INTR_INFO] & EVENT_VALID))
		v[V_GUEST_ACTIVITY] = 0;
	/* QEMU 7.2 does not get the host's CR0 back from a guest like that. */
	if (!(v[V_GUEST_CR0] & CR0_PG) && (!(v[V_ENTRY_CTLS] & ENTRY_LOAD_EFER) ||
					   (v[V_GUEST_EFER] & EFER_LME)))
		v[V_GUEST_CR4] |= CR4_PAE;
	/* Another RPL of an unrestricted guest Bochs 2.7 refuses, of nestor on it as well. */
	if ((v[V_PROC2] & PROC2_UNRESTRICTED) && !(v[V_GUEST_RFLAGS] & RFLAGS_VM))
		v[V_SEL + S_CS] = (v[V_SEL + S_CS] & ~3ul) | (v[V_AR + S_CS] >> 5 & 3);
	/* What an exit loads or stores L1 has to survive. */
	if (v[V_EXIT_LOAD_COUNT] && v[V_EXIT_LOAD_ADDR] == STORE_AREA + 0x100)
		v[V_EXIT_LOAD_COUNT] = 0;
}

/**
 * vmx_generate() - make a case
 * @p: what may be different from CPU to CPU, and the seed
 * @number: of the case
 * @host: L1's state, by enum vmx_value
 * @c: filled
 */
void vmx_generate(const struct oracle_params *p, u32 number, const u64 *host,
		  struct vmx_case *c)
{
	struct rng r = rng_for(p, number);
	u64 *v = c->val, modes = p->have[CAP_PROC2_MAY] & PROC2_UNRESTRICTED ? L2_MODES : L2_REAL;
	u32 i, n, mode = rng_below(&r, modes);

	base(p, host, mode, c);
	if (mode >= L2_REAL)
		v[V_PROC2] |= PROC2_EPT | PROC2_UNRESTRICTED;
	else if (one_in(&r, 3))
		v[V_PROC2] |= PROC2_EPT & p->have[CAP_PROC2_MAY];
	v[V_GUEST_RIP] += (one_in(&r, 3) ? 0 : rng_below(&r, MENU_ENTRIES)) * MENU_STRIDE;
	if (one_in(&r, 3))
		change_rest(&r, v);
	for (i = 0; i < 4; i++)
		if (one_in(&r, 8))
			change_word(&r, p, v);
	n = one_in(&r, 2) ? 1 : rng_below(&r, 5);
	for (i = 0; i < n; i++)
		change(&r, p, c);
	confine(c, p);
}
