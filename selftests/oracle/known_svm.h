/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rows of known_svm.c ask of a case. */
#ifndef NST_KNOWN_SVM_H
#define NST_KNOWN_SVM_H

#include "compare.h"
#include "items_svm.h"

#define ATTRIB_P		0x080
#define ATTRIB_L		0x200
#define ATTRIB_D		0x400
#define ATTRIB_G		0x800
#define ADDRESS_BITS		48
#define EXC(vector)		(EXIT_EXCP + (vector))
#define EVENT_ITEMS		(ITEM(INT_INFO) | ITEM(INT_ERROR))
#define NO_DISH			MENU_ENTRIES
#define DISH_CR0		5
#define DISH_DR7		8
#define DISH_STI		29
#define DISH_INVD		23
#define DISH_INVPCID		49
#define DISH_RSM		58
#define DISH_LLDT		61
#define DISH_MOV_DS		63

/* Of a case. */
const struct vmcb *vmcb_of(const struct pair *p);
u64 dish_of(const struct pair *p);
u64 dish_at(const struct pair *p, u64 rip);
bool in_real_mode(const struct pair *p);
bool in_vm86_mode(const struct pair *p);
bool in_long_mode(const struct pair *p);

static inline u64 outcome(bool is)
{
	return is ? OUTCOME : 0;
}

static inline bool same_code(const struct pair *p)
{
	return ran_in_both(p) && p->direct->reason == p->here->reason;
}

static inline bool is_exception(u32 code)
{
	return code >= EXIT_EXCP && code < EXIT_EXCP + 32;
}

/* #GP, or what comes of it when L1 does not want it. */
static inline bool general_protection(const struct oracle_record *r)
{
	return r->reason == EXC(VEC_GP) || r->reason == EXC(VEC_DF) ||
	       (r->reason == EXIT_SHUT && (r->idt & ~EV_ERROR) == (EV_VALID | EV_EXC | VEC_GP));
}

/* Rows of an L1 with SVM on an Intel CPU that Bochs emulates. */
u64 vmx_no_control(const struct pair *p);
u64 vmx_rsm(const struct pair *p);
u64 vmx_cannot_enter(const struct pair *p);
u64 vmx_invpcid(const struct pair *p);
u64 vmx_unusable(const struct pair *p);
u64 vmx_accessed(const struct pair *p);
u64 vmx_error_code(const struct pair *p);
u64 bochs_step_again(const struct pair *p);
u64 qemu_modify(const struct pair *p);
u64 qemu_code_limit(const struct pair *p);
u64 qemu_shadow(const struct pair *p);
u64 qemu_breakpoints(const struct pair *p);
u64 qemu_real_vm(const struct pair *p);
u64 qemu_real_iret(const struct pair *p);
u64 bochs_real_load(const struct pair *p);
u64 bochs_real_cs(const struct pair *p);
u64 bochs_resume_flag(const struct pair *p);
u64 bochs_shadow(const struct pair *p);
u64 bochs_long_tr(const struct pair *p);
u64 bochs_rsp(const struct pair *p);
u64 bochs_vm86_dr(const struct pair *p);
u64 qemu_idt_error_code(const struct pair *p);
u64 qemu_vm86_int(const struct pair *p);
u64 qemu_double_fault(const struct pair *p);
u64 qemu_int1(const struct pair *p);
u64 qemu_int3(const struct pair *p);
u64 qemu_exit_codes(const struct pair *p);
u64 qemu_operands(const struct pair *p);
u64 qemu_undefined(const struct pair *p);
u64 qemu_breakpoint_bits(const struct pair *p);
u64 qemu_stack(const struct pair *p);

#endif /* NST_KNOWN_SVM_H */
