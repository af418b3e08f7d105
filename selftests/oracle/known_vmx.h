/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rows of known_vmx.c ask of a case. */
#ifndef NST_KNOWN_VMX_H
#define NST_KNOWN_VMX_H

#include "compare.h"
#include "items_vmx.h"

#define REFUSED_STATE		(REASON_ENTRY_FAILED | R_BAD_STATE)
#define REFUSED_MSR		(REASON_ENTRY_FAILED | R_BAD_MSR)
#define R_MONITOR		39
#define UNRESTRICTED		PROC2_UNRESTRICTED
#define BLOCKED			3u		/* by STI, by MOV SS */
#define BLOCKED_STI		1u
#define BLOCKED_MOV_SS		2u
#define DB_BS			(1u << 14)	/* of the pending ones, and in qualifications */
#define DB_BREAKPOINTS		0xful
#define HARD(vector)		(EVENT_VALID | EVENT_EXCEPTION | (vector))
#define FAULT(vector)		(HARD(vector) | EVENT_ERROR)
#define SOFT(type, vector)	(EVENT_VALID | (type) << 8 | (vector))
#define INT_N			4u
#define INT_1			5u
#define INT_3			6u
#define EVENT_ITEMS		(ITEM(INTR_INFO) | ITEM(INTR_ERROR))
#define IDT_ITEMS		(ITEM(IDT_INFO) | ITEM(IDT_ERROR))
#define NO_DISH			MENU_ENTRIES

/* Of a case: a field before the entry, and what follows from some. */
u64 field(const struct pair *p, u32 value);
u64 rax_of(const struct pair *p);
u64 segment_ar(const struct pair *p, u32 n);
bool in_real_mode(const struct pair *p);
bool in_64bit_mode(const struct pair *p);
bool in_user_mode(const struct pair *p);
u64 start(const struct pair *p);
u64 dish_of(const struct pair *p);
const struct msr_entry *msr_of(const struct pair *p, u64 number);

/* It came, or it was on its way when something else came. */
static inline bool met(const struct oracle_record *r, u32 event)
{
	return r->event == event || r->idt == event;
}

/* An exception that L1 did not want, and what the missing IDT makes of it. */
static inline bool ended_in_idt(const struct oracle_record *r)
{
	u32 event = r->event & ~EVENT_ERROR;

	return r->reason == R_TRIPLE_FAULT ||
	       (r->reason == R_EXCEPTION && (event == HARD(VEC_GP) || event == HARD(VEC_DF)));
}

/* Rows of QEMU, and of nestor on SVM, which QEMU emulates. */
u64 qemu_idt_error_code(const struct pair *p);
u64 qemu_vm86_int(const struct pair *p);
u64 qemu_int3(const struct pair *p);
u64 qemu_double_fault(const struct pair *p);
u64 qemu_svm_insn(const struct pair *p);
u64 qemu_rdtscp(const struct pair *p);
u64 qemu_monitor(const struct pair *p);
u64 qemu_int1(const struct pair *p);
u64 qemu_xsetbv(const struct pair *p);
u64 qemu_code_limit(const struct pair *p);
u64 qemu_stack(const struct pair *p);
u64 qemu_data_segment(const struct pair *p);
u64 qemu_step_over_pause(const struct pair *p);
u64 qemu_unfaulted(const struct pair *p);
u64 qemu_general_detect(const struct pair *p);
u64 qemu_shadow(const struct pair *p);
u64 qemu_sti_shadow(const struct pair *p);
u64 qemu_lost_shadow(const struct pair *p);
u64 qemu_modify(const struct pair *p);
u64 qemu_breakpoint_bits(const struct pair *p);
u64 qemu_pvi(const struct pair *p);
u64 qemu_invd(const struct pair *p);
u64 qemu_own_code(const struct pair *p);
u64 svm_own_interrupt(const struct pair *p);
u64 svm_shadow_kind(const struct pair *p);
u64 svm_linear_address(const struct pair *p);
u64 svm_pdptes(const struct pair *p);

#endif /* NST_KNOWN_VMX_H */
