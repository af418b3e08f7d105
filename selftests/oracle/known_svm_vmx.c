// SPDX-License-Identifier: GPL-2.0-only
/* Rows of known_svm.c for an L1 with SVM on an Intel CPU that Bochs emulates. */
#include "known_svm.h"

#define ERROR_IDT		2u
#define ERROR_EXT		1u
#define INT_N			4u
#define DPL(attrib)		((attrib) >> 5 & 3)
#define TYPE(attrib)		((attrib) & 0x1f)
#define TYPE_CODE		0x1b
#define TYPE_DATA		0x13
#define TYPE_LDT		0x02
#define TYPE_TSS		0x0b
#define TYPE_ACCESSED		1u
#define PF_WRITE		2u
#define DR7_ENABLED		0xfful
#define NULL_SEGMENT		0x100000	/* S, and no more */
#define EXIT_ICEBP		0x88
#define EXIT_CR_READ		0x00
#define EXIT_CR_WRITE		0x10
#define EXIT_DR_READ		0x20
#define EXIT_PUSHF		0x70
#define EXIT_POPF		0x71
#define EXIT_RSM		0x73
#define EXIT_IRET		0x74
#define EXIT_INTN		0x75
#define EXIT_INVD		0x76
#define EXIT_VMRUN		0x80
#define EXIT_VMLOAD		0x82
#define EXIT_VMSAVE		0x83
#define EXIT_RDTSC		0x6e
#define EXIT_RDTSCP		0x87
#define EXIT_WBINVD		0x89
#define EXIT_MONITOR		0x8a

static bool at_start(const struct pair *p, const struct oracle_record *r)
{
	return r->rip == vmcb_of(p)->rip;
}

/* ---- what VMX cannot do, so that nestor does not on such a host ---- */

/* "Departures" in deviations.rst lists them. */
u64 vmx_no_control(const struct pair *p)
{
	u32 code = p->direct->reason;
	bool cr = (code & ~0x10u) == EXIT_CR_READ || (code & ~0x10u) == EXIT_CR_READ + 2 ||
		  (code & ~0x10u) == EXIT_CR_READ + 4;

	return outcome(ran_in_both(p) && p->here->reason != code &&
		       (cr || code == EXIT_PUSHF || code == EXIT_POPF || code == EXIT_IRET ||
			code == EXIT_INTN));
}

u64 vmx_rsm(const struct pair *p)
{
	return outcome(ran_in_both(p) && dish_of(p) == DISH_RSM &&
		       p->direct->reason == EXIT_RSM && p->here->reason != EXIT_RSM);
}

u64 vmx_invpcid(const struct pair *p)
{
	return outcome(ran_in_both(p) && dish_of(p) == DISH_INVPCID &&
		       (p->direct->reason == EXC(VEC_UD) || (p->direct->idt & 0xff) == VEC_UD));
}

static bool has_error_code(u32 vector)
{
	return vector == VEC_DF || (vector >= VEC_TS && vector <= VEC_PF) || vector == VEC_AC;
}

/* SDM3 "Checks on VM-Entry Control Fields", of the event. */
static bool odd_event(const struct vmcb *v)
{
	bool wanted = has_error_code(v->event_inj & 0xff) && (v->cr0 & CR0_PE);

	return (v->event_inj & (EV_VALID | 0x700)) == (EV_VALID | EV_EXC) &&
	       wanted != !!(v->event_inj & EV_ERROR);
}

static bool odd_limit(const struct seg *s)
{
	return s->attrib & ATTRIB_G ? (s->limit & 0xfff) != 0xfff : s->limit >> 20;
}

static bool odd_data(const struct seg *s, bool stack)
{
	u32 type = TYPE(s->attrib);

	/* Without P it becomes unusable, and nothing is asked of it. */
	if (!stack && !(s->attrib & ATTRIB_P))
		return false;
	return !(s->attrib & ATTRIB_P) || !(type & 0x10) || (type & 0xa) == 8 || odd_limit(s) ||
	       s->base >> 32 || (stack && (type & 0xa) != 2);
}

static bool odd_vm86(const struct seg *s)
{
	return s->base != (u64)s->selector << 4 || s->limit != 0xffff || s->attrib != 0xf3;
}

/* As nestor has it: real mode has none. */
static u32 cpl_of(const struct vmcb *v)
{
	return v->cr0 & CR0_PE ? v->cpl : 0;
}

/* SDM3 "Checks on Guest Segment Registers", and the RPL of CS, which Bochs looks at, too. */
static bool odd_segments(const struct vmcb *v)
{
	const struct seg *all[] = { &v->cs, &v->ss, &v->ds, &v->es, &v->fs, &v->gs };
	bool vm86 = v->rflags & RFLAGS_VM, long_cs = (v->efer & EFER_LMA) &&
						    (v->cs.attrib & ATTRIB_L);
	u64 i;

	for (i = 0; i < ARRAY_SIZE(all) && vm86; i++)
		if (odd_vm86(all[i]))
			return true;
	if (vm86)
		return false;
	for (i = 1; i < ARRAY_SIZE(all); i++)
		if (odd_data(all[i], i == 1))
			return true;
	if (!(v->cs.attrib & ATTRIB_P) || (v->cs.attrib & 0x18) != 0x18 || odd_limit(&v->cs) ||
	    v->cs.base >> 32 || (long_cs && (v->cs.attrib & ATTRIB_D)))
		return true;
	if (v->cs.attrib & 4 ? DPL(v->cs.attrib) > cpl_of(v) : DPL(v->cs.attrib) != cpl_of(v))
		return true;
	if ((v->cs.selector & 3u) != DPL(v->cs.attrib))
		return true;
	return (v->tr.attrib & ~0x208u & 0xff) != 0x83 || odd_limit(&v->tr) ||
	       (v->tr.selector & 4) || !(v->tr.attrib & 8 || !(v->efer & EFER_LMA)) ||
	       ((v->ldtr.attrib & ATTRIB_P) &&
		(TYPE(v->ldtr.attrib) != TYPE_LDT || odd_limit(&v->ldtr) ||
		 (v->ldtr.selector & 4)));
}

/* Hardware refuses what nestor would enter, and L1 is told as of any VMRUN that fails. */
u64 vmx_cannot_enter(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);
	bool in_64bit = (v->efer & EFER_LMA) && (v->cs.attrib & ATTRIB_L);
	u64 upper = v->rip >> (in_64bit ? 47 : 32);
	bool paged_real = (v->cr0 & CR0_PG) && !(v->cr0 & CR0_PE);
	bool pae = (v->cr0 & CR0_PG) && (v->cr4 & 1u << 5) && !(v->efer & EFER_LME) &&
		   (v->cr3 & 0xffffffe0) != L2_PAE;

	return outcome(p->direct->result == RESULT_EXIT && p->here->result == RESULT_REFUSED &&
		       (odd_event(v) || odd_segments(v) || paged_real || pae ||
			(upper && upper != 0x1ffff)));
}

static const struct {
	u32 item, at;
} segment_fields[] = {
	{ I_cs, __builtin_offsetof(struct vmcb, cs) },
	{ I_ss, __builtin_offsetof(struct vmcb, ss) },
	{ I_ds, __builtin_offsetof(struct vmcb, ds) },
	{ I_es, __builtin_offsetof(struct vmcb, es) },
	{ I_fs, __builtin_offsetof(struct vmcb, fs) },
	{ I_gs, __builtin_offsetof(struct vmcb, gs) },
};

static u64 segment_item(const struct seg *s, u32 attrib)
{
	return s->selector | (u64)(attrib & ~ATTRIB_G) << 16 | (u64)s->limit << 32;
}

/* An entry wants it set. */
u64 vmx_accessed(const struct pair *p)
{
	u64 items = 0, i;

	for (i = 0; i < ARRAY_SIZE(segment_fields) && ran_in_both(p); i++) {
		const struct seg *s = (const void *)vmcb_of(p) + segment_fields[i].at;

		if (was(p->direct, segment_fields[i].item, segment_item(s, s->attrib)) &&
		    was(p->here, segment_fields[i].item,
			segment_item(s, s->attrib | TYPE_ACCESSED)))
			items |= 1ul << segment_fields[i].item;
	}
	return items;
}

/* An entry takes 16 bits of it. */
u64 vmx_error_code(const struct pair *p)
{
	return ran_in_both(p) && p->direct->idt_error >> 16 &&
	       p->here->idt_error == (u16)p->direct->idt_error ? ITEM(INT_ERROR) : 0;
}

/* Hidden parts of a segment without P: VMX has the unusable bit, and no more. */
u64 vmx_unusable(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);
	const struct {
		u32 item;
		const struct seg *seg;
	} rows[] = {
		{ I_ds, &v->ds }, { I_es, &v->es }, { I_fs, &v->fs }, { I_gs, &v->gs },
		{ I_ldtr, &v->ldtr },
	};
	u64 items = 0, i;

	for (i = 0; i < ARRAY_SIZE(rows) && same_code(p); i++)
		if (!(rows[i].seg->attrib & ATTRIB_P))
			items |= 3ul << rows[i].item;
	/* A null selector was loaded. */
	for (i = 0; i < ARRAY_SIZE(rows) && same_code(p); i++)
		if (was(p->direct, rows[i].item, 0) && was(p->here, rows[i].item, NULL_SEGMENT))
			items |= 1ul << rows[i].item;
	return items;
}

/* ---- Bochs below nestor ---- */

static bool real_cs(const struct pair *p, const struct seg *cs)
{
	return was(p->here, I_cs, segment_item(cs, (cs->attrib & ~0xfu) | 3)) &&
	       was(p->direct, I_cs, segment_item(cs, cs->attrib));
}

/* The type of data that was written to. An interrupt, or IRET, loads selector 0 here. */
u64 bochs_real_cs(const struct pair *p)
{
	struct seg cs = vmcb_of(p)->cs;
	bool same = real_cs(p, &cs);

	cs.selector = 0;
	/* One of the menu writes CR0, without PE. */
	return ran_in_both(p) && (in_real_mode(p) || dish_of(p) == DISH_CR8) &&
	       (same || real_cs(p, &cs)) ? ITEM(cs) : 0;
}

/* L2's first fetch is an EPT violation of nestor's own, and the step before is not undone. */
u64 bochs_step_again(const struct pair *p)
{
	return outcome(ran_in_both(p) && (vmcb_of(p)->rflags & RFLAGS_TF) &&
		       p->here->reason == EXC(VEC_DB) && at_start(p, p->here));
}

u64 bochs_resume_flag(const struct pair *p)
{
	return same_code(p) && (p->direct->rflags ^ p->here->rflags) == RFLAGS_RF &&
	       (vmcb_of(p)->rflags & RFLAGS_RF) && (p->direct->rflags & RFLAGS_RF) ?
	       ITEM(rflags) : 0;
}

/* Of MOV SS, when the instruction in it faults. */
u64 bochs_shadow(const struct pair *p)
{
	return same_code(p) && is_exception(p->here->reason) && dish_of(p) == DISH_MOV_SS ?
	       ITEM(INT_STATE) : 0;
}

static bool long_system(const struct pair *p, u32 item, const struct seg *s)
{
	return ran_in_both(p) && (s->attrib & ATTRIB_L) &&
	       was(p->here, item, segment_item(s, s->attrib & ~ATTRIB_L)) &&
	       was(p->direct, item, segment_item(s, s->attrib));
}

u64 bochs_long_tr(const struct pair *p)
{
	struct seg tr = vmcb_of(p)->tr;

	tr.attrib &= ~2;
	return (long_system(p, I_tr, &tr) ? ITEM(tr) : 0) |
	       (long_system(p, I_ldtr, &vmcb_of(p)->ldtr) ? ITEM(ldtr) : 0);
}

u64 bochs_rsp(const struct pair *p)
{
	return ran_in_both(p) && p->direct->rsp >> 32 &&
	       p->here->rsp == (u32)p->direct->rsp ? ITEM(rsp) : 0;
}

u64 bochs_vm86_dr(const struct pair *p)
{
	return outcome(vmcb_of(p)->cpl == 3 && (dish_of(p) == DISH_DR7 || !dish_of(p)) &&
		       p->direct->reason == EXC(VEC_GP) && !p->direct->qual &&
		       p->here->reason == EXIT_DR_READ + 7);
}

/* ---- QEMU, which is the reference alone here ---- */

u64 qemu_idt_error_code(const struct pair *p)
{
	/* What own_interrupt explains has none here. */
	u32 idt = p->here->idt ? p->here->idt : p->direct->idt, type = idt >> 8 & 7;
	u32 vector = type == 2 ? VEC_NMI : idt & 0xff;
	u32 code = vector * 8 | ERROR_IDT, qual = p->here->qual;
	bool own = dish_of(p) == DISH_INT3 && vector == VEC_BP;

	if (!same_code(p) || p->here->reason != EXC(VEC_GP) || !idt)
		return 0;
	if (p->direct->qual != code && p->direct->qual != (vector * 16 | ERROR_IDT))
		return 0;
	/* In real mode Bochs has one, of the IVT, which has no bits but EXT. */
	if (in_real_mode(p))
		return qual <= ERROR_EXT ? ITEM(INFO1) : 0;
	return qual == (code | (type == INT_N || own ? 0 : ERROR_EXT)) || qual == code ?
	       ITEM(INFO1) : 0;
}

u64 qemu_vm86_int(const struct pair *p)
{
	u32 type = p->here->idt >> 8 & 7;

	if (!same_code(p) || !in_vm86_mode(p) || p->here->reason != EXC(VEC_GP) ||
	    p->here->qual)
		return 0;
	if (type == INT_N)
		return ITEM(INFO1) | (p->direct->idt ? 0 : ITEM(INT_INFO));
	return 0;
}

u64 qemu_double_fault(const struct pair *p)
{
	return outcome(ran_in_both(p) && p->direct->reason == EXIT_SHUT &&
		       p->here->reason == EXC(VEC_DF));
}

u64 qemu_int1(const struct pair *p)
{
	return outcome(ran_in_both(p) && dish_of(p) == DISH_INT1 &&
		       (p->direct->reason == EXC(VEC_UD) || (p->direct->idt & 0xff) == VEC_UD) &&
		       (p->here->reason == EXC(VEC_DB) || p->here->idt ||
			p->here->qual == (VEC_DB * 8 | ERROR_IDT | ERROR_EXT) ||
			p->here->reason == EXC(VEC_DF) || p->here->reason == EXIT_SHUT ||
			p->here->reason == EXIT_ICEBP));
}

/* It does not exit as #BP, but as INT n or not at all. */
u64 qemu_int3(const struct pair *p)
{
	/* RET leads to it, too. */
	if (!ran_in_both(p) || dish_at(p, p->here->rip) != DISH_INT3)
		return 0;
	if (p->direct->idt == (EV_VALID | INT_N << 8 | VEC_BP) &&
	    p->here->idt == (EV_VALID | EV_EXC | VEC_BP))
		return ITEM(INT_INFO);
	return outcome(p->here->reason == EXC(VEC_BP) && p->direct->reason != EXC(VEC_BP));
}

u64 qemu_exit_codes(const struct pair *p)
{
	u32 a = p->direct->reason, b = p->here->reason;
	u64 dish = dish_of(p);

	return outcome(ran_in_both(p) &&
		       ((dish == DISH_RDTSCP && a == EXIT_RDTSC && b == EXIT_RDTSCP) ||
			(dish == DISH_INVD && a == EXIT_WBINVD && b == EXIT_INVD)));
}

/* Operands are looked at before the intercept. */
u64 qemu_operands(const struct pair *p)
{
	u32 code = p->here->reason;
	u64 dish = dish_of(p);

	return outcome(ran_in_both(p) && general_protection(p->direct) &&
		       ((dish == DISH_MONITOR && code == EXIT_MONITOR) ||
			(vmcb_of(p)->rax % PAGE_SIZE &&
			 ((dish == DISH_VMRUN && code == EXIT_VMRUN) ||
			  (dish == DISH_VMRUN + 1 && code == EXIT_VMLOAD) ||
			  (dish == DISH_VMSAVE && code == EXIT_VMSAVE)))));
}

/* In virtual-8086 mode, and without CR4.OSXSAVE. */
u64 qemu_undefined(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);
	u64 dish = dish_of(p);
	bool svm = dish >= DISH_VMRUN && dish <= DISH_INVLPGA && in_vm86_mode(p);
	bool xsetbv = dish == DISH_XSETBV && v->cpl && !(v->cr4 & 1ul << 18);

	return outcome(ran_in_both(p) && (svm || xsetbv) && general_protection(p->direct) &&
		       (p->here->reason == EXC(VEC_UD) || (p->here->idt & 0xff) == VEC_UD));
}

/* The menu has no such instruction: it begins elsewhere. */
u64 qemu_modify(const struct pair *p)
{
	bool fault = p->here->reason == EXC(VEC_PF) || p->here->reason == EXIT_NPF;

	return same_code(p) && fault && dish_of(p) == NO_DISH &&
	       p->here->qual == (p->direct->qual | PF_WRITE) ? ITEM(INFO1) : 0;
}

u64 qemu_code_limit(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);
	bool in_64bit = (v->efer & EFER_LMA) && (v->cs.attrib & ATTRIB_L);

	return outcome(ran_in_both(p) && !in_64bit && v->rip > v->cs.limit &&
		       at_start(p, p->here) && p->here->reason == EXC(VEC_GP) &&
		       !p->here->qual && !p->here->idt);
}

u64 qemu_shadow(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);

	if (!ran_in_both(p) || !(v->int_state & 1))
		return 0;
	/* The virtual interrupt came an instruction too early there. */
	if (same_code(p) && (p->direct->idt & 0xff) == v->int_vector && (v->int_ctl & V_IRQ))
		return OUTCOME;
	if (same_code(p))
		return was(p->direct, I_INT_STATE, 0) && at_start(p, p->here) ?
		       ITEM(INT_STATE) : 0;
	return outcome((v->int_ctl & V_IRQ) && p->direct->reason == EXIT_VINTR &&
		       p->here->reason != EXIT_VINTR);
}

/* Of RIP; hardware's are not tried when VMRUN loads DR7. */
u64 qemu_breakpoints(const struct pair *p)
{
	return outcome(ran_in_both(p) && (vmcb_of(p)->dr7 & DR7_ENABLED) &&
		       p->here->reason == EXC(VEC_DB) && p->direct->reason != EXC(VEC_DB));
}

u64 qemu_real_vm(const struct pair *p)
{
	return outcome(ran_in_both(p) && in_real_mode(p) && (vmcb_of(p)->rflags & RFLAGS_VM));
}

u64 qemu_real_iret(const struct pair *p)
{
	return outcome(ran_in_both(p) && in_real_mode(p) && dish_of(p) == DISH_IRET &&
		       (vmcb_of(p)->ss.attrib & ATTRIB_D) && p->direct->reason == EXIT_NPF &&
		       at_start(p, p->direct));
}

/* It makes the segment present, and data that was written to. */
u64 bochs_real_load(const struct pair *p)
{
	return same_code(p) && in_real_mode(p) && dish_of(p) == DISH_MOV_SS &&
	       vmcb_of(p)->ss.attrib != 0x93 ? ITEM(ss) : 0;
}

/* Of breakpoints at 0 that are not enabled: either is right. */
u64 qemu_breakpoint_bits(const struct pair *p)
{
	return same_code(p) && p->here->reason == EXC(VEC_DB) && !p->here->rip ? ITEM(dr6) : 0;
}

u64 qemu_stack(const struct pair *p)
{
	u64 dish = dish_of(p);

	return outcome(ran_in_both(p) && p->here->reason == EXC(VEC_SS) && !p->here->qual &&
		       at_start(p, p->here) && p->direct->reason != EXC(VEC_SS) &&
		       (dish == DISH_PUSHF || dish == DISH_IRET || dish == DISH_PUSH ||
			dish == DISH_RET));
}
