// SPDX-License-Identifier: GPL-2.0-only
/* Rows of known_vmx.c for an L1 with VMX on an AMD CPU that QEMU emulates. */
#include "known_vmx.h"

#define ERROR_IDT		2u
#define ERROR_EXT		1u
#define PF_WRITE		2u
#define EPT_READ		1ul
#define EPT_WRITE		2ul
#define EPT_LINEAR		0x180ul
#define EPT_IN_WALK		0x80ul
#define DR6_BD			(1u << 13)
#define DR7_GD			(1u << 13)
#define CR4_PVI			(1ul << 1)
#define CR4_PAE			(1ul << 5)
#define CR4_OSXSAVE		(1ul << 18)
#define RFLAGS_VIF		(1ul << 19)
#define RFLAGS_IOPL		(3ul << 12)
#define AR_EXPAND_DOWN		4u
#define AR_CODE			8u
#define AR_WRITABLE		2u
#define DISH_LOAD		16
#define DISH_STORE		17
#define DISH_STI		29
#define PDPT_PRESENT		(L2_PD | PTE_PRESENT)

static u64 outcome(bool is)
{
	return is ? OUTCOME : 0;
}

static bool at_start(const struct pair *p, const struct oracle_record *r)
{
	return r->rip == field(p, V_GUEST_RIP);
}

/* Nothing was carried out, in either place. */
static bool at_start_in_both(const struct pair *p)
{
	return ran_in_both(p) && at_start(p, p->direct) && at_start(p, p->here);
}

static bool software(u32 event)
{
	u32 type = event >> 8 & 7;

	return type == INT_N || type == INT_3;
}

u64 qemu_idt_error_code(const struct pair *p)
{
	u32 idt = p->direct->idt, vector = idt & 0xff;
	u32 code = vector * 8 | ERROR_IDT;

	if (!same_exit(p, R_EXCEPTION) || p->direct->event != FAULT(VEC_GP) ||
	    p->here->event != FAULT(VEC_GP) || !idt)
		return 0;
	if (p->direct->event_error != (code | (software(idt) ? 0 : ERROR_EXT)))
		return 0;
	return p->here->event_error == code ||
	       p->here->event_error == (vector * 16 | ERROR_IDT) ? ITEM(INTR_ERROR) : 0;
}

u64 qemu_vm86_int(const struct pair *p)
{
	u64 flags = field(p, V_GUEST_RFLAGS);
	u32 vector = p->direct->idt & 0xff;

	return same_exit(p, R_EXCEPTION) && (flags & RFLAGS_VM) &&
	       (flags & RFLAGS_IOPL) != RFLAGS_IOPL && p->direct->event == FAULT(VEC_GP) &&
	       p->direct->idt == SOFT(INT_N, vector) && !p->direct->event_error &&
	       p->here->event == FAULT(VEC_GP) &&
	       p->here->event_error == (vector * 8 | ERROR_IDT) ? ITEM(INTR_ERROR) : 0;
}

/* L2's own INT3: it is delivered instead, and ends in the missing IDT. */
u64 qemu_int3(const struct pair *p)
{
	u64 items = EVENT_ITEMS | ITEM(REASON) | ITEM(INSN_LEN) | ITEM(RFLAGS);

	return ran_in_both(p) && dish_of(p) == DISH_INT3 &&
	       p->direct->event == SOFT(INT_3, VEC_BP) && at_start(p, p->direct) &&
	       ended_in_idt(p->here) ? items : 0;
}

u64 qemu_double_fault(const struct pair *p)
{
	return ran_in_both(p) && (p->direct->event & ~EVENT_ERROR) == HARD(VEC_DF) &&
	       p->here->reason == R_TRIPLE_FAULT ?
	       EVENT_ITEMS | ITEM(REASON) | ITEM(RFLAGS) : 0;
}

/* A check that QEMU makes first: #GP(0) in place of #UD or an exit, which L1 may not want. */
static bool general_protection_first(const struct oracle_record *r)
{
	if (r->reason == R_TRIPLE_FAULT)
		return true;
	return met(r, FAULT(VEC_GP)) || met(r, HARD(VEC_GP)) || met(r, FAULT(VEC_DF));
}

u64 qemu_svm_insn(const struct pair *p)
{
	u64 dish = dish_of(p);
	bool operand = dish >= DISH_VMRUN && dish <= DISH_VMSAVE && rax_of(p) % PAGE_SIZE;

	if (dish < DISH_VMRUN || dish > DISH_INVLPGA || !(operand || in_user_mode(p)))
		return 0;
	if (!met(p->direct, HARD(VEC_UD)) && (p->direct->event & ~EVENT_ERROR) != HARD(VEC_DF))
		return 0;
	return at_start_in_both(p) && general_protection_first(p->here) ?
	       EVENT_ITEMS | IDT_ITEMS | ITEM(REASON) | ITEM(RFLAGS) : 0;
}

u64 qemu_rdtscp(const struct pair *p)
{
	return outcome(dish_of(p) == DISH_RDTSCP && p->here->reason == R_RDTSC &&
		       at_start_in_both(p) && p->direct->reason != R_RDTSC);
}

u64 qemu_monitor(const struct pair *p)
{
	return outcome(dish_of(p) == DISH_MONITOR && at_start_in_both(p) &&
		       p->direct->reason == R_MONITOR && general_protection_first(p->here));
}

u64 qemu_int1(const struct pair *p)
{
	u64 items = EVENT_ITEMS | IDT_ITEMS | ITEM(QUAL) | ITEM(REASON) | ITEM(INSN_LEN) |
		    ITEM(RFLAGS);

	return dish_of(p) == DISH_INT1 && at_start_in_both(p) &&
	       (met(p->direct, SOFT(INT_1, VEC_DB)) ||
		(p->direct->event & ~EVENT_ERROR) == HARD(VEC_DF)) &&
	       (met(p->here, HARD(VEC_UD)) || p->here->reason == R_TRIPLE_FAULT) ? items : 0;
}

u64 qemu_xsetbv(const struct pair *p)
{
	return dish_of(p) == DISH_XSETBV && in_user_mode(p) && at_start_in_both(p) &&
	       !(field(p, V_GUEST_CR4) & CR4_OSXSAVE) && met(p->direct, HARD(VEC_UD)) &&
	       general_protection_first(p->here) ?
	       EVENT_ITEMS | IDT_ITEMS | ITEM(REASON) | ITEM(RFLAGS) : 0;
}

/* ---- segments ---- */

static bool outside(const struct pair *p, u32 n, u64 first, u64 bytes)
{
	u64 limit = field(p, V_LIMIT + n), last = first + bytes - 1, ar = segment_ar(p, n);

	if ((ar & (AR_CODE | AR_EXPAND_DOWN)) == AR_EXPAND_DOWN)
		return first <= limit || last > (ar & (1u << 14) ? 0xffffffff : 0xffff);
	return last > limit;
}

u64 qemu_code_limit(const struct pair *p)
{
	return outcome(ran_in_both(p) && !in_64bit_mode(p) && at_start(p, p->direct) &&
		       (p->direct->event & ~EVENT_ERROR) == HARD(VEC_GP) &&
		       !p->direct->event_error && !p->direct->idt &&
		       outside(p, S_CS, field(p, V_GUEST_RIP), 1));
}

static bool odd_stack(const struct pair *p)
{
	u64 rsp = field(p, V_GUEST_RSP), upper = rsp >> 47;

	if (in_64bit_mode(p))
		return upper && upper != 0x1ffff;
	rsp = segment_ar(p, S_SS) & (1u << 14) ? (u32)rsp : (u16)rsp;
	return outside(p, S_SS, rsp - 8, 8) || outside(p, S_SS, rsp, 24);
}

u64 qemu_stack(const struct pair *p)
{
	u64 dish = dish_of(p);

	if (dish != DISH_PUSHF && dish != DISH_IRET && dish != DISH_PUSH && dish != DISH_RET)
		return 0;
	return outcome(ran_in_both(p) && at_start(p, p->direct) && !p->direct->idt &&
		       (p->direct->event & ~EVENT_ERROR) == HARD(VEC_SS) &&
		       !p->direct->event_error && odd_stack(p));
}

u64 qemu_data_segment(const struct pair *p)
{
	u64 dish = dish_of(p), ar = segment_ar(p, S_DS);
	bool rights = dish == DISH_LOAD ? (ar & (AR_CODE | AR_WRITABLE)) == AR_CODE :
					  (ar & AR_CODE) || !(ar & AR_WRITABLE);

	if ((dish != DISH_LOAD && dish != DISH_STORE) || in_64bit_mode(p))
		return 0;
	return outcome(ran_in_both(p) && at_start(p, p->direct) && !p->direct->idt &&
		       (p->direct->event & ~EVENT_ERROR) == HARD(VEC_GP) &&
		       !p->direct->event_error &&
		       (rights || outside(p, S_DS, (u32)rax_of(p), 1)));
}

/* ---- debugging ---- */

/* The HLT behind it comes first. */
u64 qemu_step_over_pause(const struct pair *p)
{
	u64 behind = field(p, V_GUEST_RIP) + 2;

	return outcome(ran_in_both(p) && dish_of(p) == DISH_PAUSE &&
		       (field(p, V_GUEST_RFLAGS) & RFLAGS_TF) &&
		       p->direct->event == HARD(VEC_DB) && p->direct->qual == DB_BS &&
		       p->direct->rip == behind && p->here->rip == behind &&
		       (p->here->reason == R_HLT || p->here->event == FAULT(VEC_GP)));
}

u64 qemu_general_detect(const struct pair *p)
{
	return outcome(ran_in_both(p) && (field(p, V_GUEST_DR7) & DR7_GD) &&
		       p->direct->event == HARD(VEC_DB) && p->direct->qual == DR6_BD &&
		       p->here->reason == R_HLT);
}

/* All address registers hold 0, and so does RIP. */
u64 qemu_breakpoint_bits(const struct pair *p)
{
	return same_exit(p, R_EXCEPTION) && p->direct->event == HARD(VEC_DB) &&
	       p->here->event == HARD(VEC_DB) && !p->here->rip &&
	       p->here->qual == (p->direct->qual | DB_BREAKPOINTS) ? ITEM(QUAL) : 0;
}

/* ---- the rest ---- */

u64 qemu_unfaulted(const struct pair *p)
{
	u64 dish = dish_of(p);
	bool cr8 = dish == DISH_CR8 && in_64bit_mode(p) && rax_of(p) >> 4;
	bool ltr = dish == DISH_LTR && !(rax_of(p) & 0xfffc);

	return outcome((cr8 || ltr) && ran_in_both(p) && at_start(p, p->direct) &&
		       general_protection_first(p->direct) && p->here->reason == R_HLT &&
		       p->here->rip == p->direct->rip + (cr8 ? 4 : 3));
}

/* RFLAGS.IF was set already. */
u64 qemu_sti_shadow(const struct pair *p)
{
	return ran_in_both(p) && dish_of(p) == DISH_STI &&
	       (field(p, V_GUEST_RFLAGS) & RFLAGS_IF) &&
	       p->here->rip == field(p, V_GUEST_RIP) + 1 && was(p->direct, I_INTR_STATE, 0) &&
	       was(p->here, I_INTR_STATE, BLOCKED_STI) ? ITEM(INTR_STATE) : 0;
}

/* A host interrupt had the instruction behind STI or MOV SS begin anew. */
u64 qemu_lost_shadow(const struct pair *p)
{
	u64 dish = dish_of(p), shadow = dish == DISH_STI ? BLOCKED_STI : BLOCKED_MOV_SS;

	return ran_in_both(p) && (dish == DISH_STI || dish == DISH_MOV_SS) &&
	       p->here->rip == field(p, V_GUEST_RIP) + (dish == DISH_STI ? 1 : 2) &&
	       was(p->direct, I_INTR_STATE, shadow) && was(p->here, I_INTR_STATE, 0) ?
	       ITEM(INTR_STATE) : 0;
}

/* It is gone at an exit before the first instruction ends. */
u64 qemu_shadow(const struct pair *p)
{
	u64 shadow = field(p, V_GUEST_INTR_STATE);

	if (!(shadow & BLOCKED) || !at_start_in_both(p) ||
	    !was(p->direct, I_INTR_STATE, shadow) ||
	    !was(p->here, I_INTR_STATE, shadow & ~(u64)BLOCKED))
		return 0;
	return ITEM(INTR_STATE) | (was(p->direct, I_PENDING, DB_BS) &&
				   was(p->here, I_PENDING, 0) ? ITEM(PENDING) : 0);
}

/* The menu has no such instruction: it begins elsewhere. */
u64 qemu_modify(const struct pair *p)
{
	const struct oracle_record *a = p->direct, *b = p->here;
	u64 items = 0;

	if (dish_of(p) != NO_DISH)
		return 0;
	if (same_exit(p, R_EPT_VIOLATION) && (a->qual & 3) == EPT_WRITE &&
	    (b->qual & 3) == EPT_READ)
		return (a->qual & ~(3 | EPT_LINEAR)) == (b->qual & ~3ul) ? ITEM(QUAL) : 0;
	if (same_exit(p, R_EXCEPTION) && a->event == FAULT(VEC_PF) && b->event == a->event &&
	    a->event_error == (b->event_error | PF_WRITE))
		items |= ITEM(INTR_ERROR);
	if (a->idt == FAULT(VEC_PF) && b->idt == a->idt &&
	    a->idt_error == (b->idt_error | PF_WRITE))
		items |= ITEM(IDT_ERROR);
	return items;
}

u64 qemu_pvi(const struct pair *p)
{
	u64 flags = field(p, V_GUEST_RFLAGS);

	return outcome(ran_in_both(p) && dish_of(p) == DISH_STI && in_user_mode(p) &&
		       (field(p, V_GUEST_CR4) & CR4_PVI) && !(flags & RFLAGS_VM) &&
		       (flags & RFLAGS_IOPL) != RFLAGS_IOPL && (p->direct->rflags & RFLAGS_VIF) &&
		       p->here->event == FAULT(VEC_GP) && at_start(p, p->here));
}

u64 qemu_invd(const struct pair *p)
{
	return p->direct->reason == R_INVD && p->here->reason == R_WBINVD ? ITEM(REASON) : 0;
}

/*
 * L2 begins at zeros, which add AL to the byte at RAX: code of its own a few bytes ahead.
 * QEMU carries out what it had translated.
 */
u64 qemu_own_code(const struct pair *p)
{
	return same_exit(p, R_HLT) && start(p) == L2_DATA_PAGE && rax_of(p) == L2_DATA_PAGE + 8 ?
	       ITEM(RFLAGS) : 0;
}

u64 svm_own_interrupt(const struct pair *p)
{
	u64 dish = dish_of(p);
	u32 event = dish == DISH_INT ? SOFT(INT_N, 0x30) : dish == DISH_INT_3 ? SOFT(INT_N, 3) :
		    dish == DISH_INT3 ? SOFT(INT_3, VEC_BP) : 0;

	return event && at_start_in_both(p) && p->direct->idt == event && !p->here->idt ?
	       ITEM(IDT_INFO) | ITEM(INSN_LEN) : 0;
}

u64 svm_shadow_kind(const struct pair *p)
{
	return ran_in_both(p) && dish_of(p) == DISH_MOV_SS &&
	       p->here->rip == field(p, V_GUEST_RIP) + 2 &&
	       was(p->direct, I_INTR_STATE, BLOCKED_MOV_SS) &&
	       was(p->here, I_INTR_STATE, BLOCKED_STI) ? ITEM(INTR_STATE) : 0;
}

u64 svm_linear_address(const struct pair *p)
{
	u64 qual = p->direct->qual;

	return same_exit(p, R_EPT_VIOLATION) && (qual & EPT_LINEAR) &&
	       !(p->here->qual & EPT_LINEAR) && (qual & ~(EPT_LINEAR | 3)) ==
	       (p->here->qual & ~3ul) ?
	       ITEM(LINEAR) | ((qual & 3) == (p->here->qual & 3) ? ITEM(QUAL) : 0) : 0;
}

/* The linear addresses in use are all below 1 GiB: it is the first of them. */
u64 svm_pdptes(const struct pair *p)
{
	u64 cr0 = field(p, V_GUEST_CR0), cr4 = field(p, V_GUEST_CR4);
	bool other_here = (field(p, V_GUEST_CR3) & 0xffffffe0) != L2_PAE;
	bool other_there = field(p, V_PDPTE) != PDPT_PRESENT;

	if (!(cr0 & CR0_PG) || !(cr4 & CR4_PAE) || (field(p, V_ENTRY_CTLS) & ENTRY_LONG) ||
	    !(field(p, V_PROC2) & PROC2_EPT) || !ran_in_both(p))
		return 0;
	return outcome((other_there && at_start(p, p->direct) &&
			p->direct->reason == R_EPT_VIOLATION &&
			(p->direct->qual & EPT_LINEAR) == EPT_IN_WALK) ||
		       (other_here && at_start(p, p->here) && met(p->here, FAULT(VEC_PF))));
}
