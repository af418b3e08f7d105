// SPDX-License-Identifier: GPL-2.0-only
/* Where VMRUN is different for a reason that deviations.rst gives. */
#include "known_svm.h"

#define DR6_RESERVED		0xffff0ff0ul
#define DR6_ZERO		(1ul << 12)
#define DR7_RESERVED		(1ul << 10 | 1ul << 11 | 1ul << 12 | 1ul << 14 | 1ul << 15)
#define CR0_RESERVED		0x1ffaffc0ul
#define IOIO_ADDRESS_SIZE	0x380ul
#define PF_USER			4u
#define CR4_SMAP		(1ul << 21)
#define DR7_GD			(1ul << 13)
#define TSS_IO_MAP		0x66
#define RFLAGS_BITS		0x3f7fd7ul
/* Of the guest that L1 is. */
#define MEMORY_END		(GUEST_MEM_SIZE)

const enum whose reference = QEMU;

const struct vmcb *vmcb_of(const struct pair *p)
{
	static struct vmcb vmcb;
	static u32 number = ~0u;
	struct svm_case c = { .vmcb = &vmcb };

	if (number != p->number)
		svm_generate(&compare_params, p->number, &c);
	number = p->number;
	return &vmcb;
}

/* By the linear address; of what begins elsewhere nothing is known. */
u64 dish_at(const struct pair *p, u64 rip)
{
	const struct vmcb *v = vmcb_of(p);
	bool in_64bit = (v->efer & EFER_LMA) && (v->cs.attrib & ATTRIB_L);
	u64 at = in_64bit ? rip : (u32)(rip + v->cs.base), page = at & ~0xffful;

	if ((page != L2_CODE_PAGE && page != L2_CODE16) || at % MENU_STRIDE)
		return NO_DISH;
	return (at & 0xfff) / MENU_STRIDE;
}

u64 dish_of(const struct pair *p)
{
	return dish_at(p, vmcb_of(p)->rip);
}

static u32 dpl_of(const struct vmcb *v)
{
	return v->ss.attrib >> 5 & 3;
}

bool in_real_mode(const struct pair *p)
{
	return !(vmcb_of(p)->cr0 & CR0_PE);
}

bool in_vm86_mode(const struct pair *p)
{
	return !in_real_mode(p) && (vmcb_of(p)->rflags & RFLAGS_VM);
}

/* What the same exit says of a privilege that one of the two does not see. */
static u64 privilege_items(const struct pair *p)
{
	u64 a = p->direct->qual, b = p->here->qual, items = ITEM(cpl) | ITEM(ss);

	if (p->direct->reason == EXC(VEC_PF) && (a ^ b) == PF_USER)
		items |= ITEM(INFO1);
	/* #GP(0), or that of a selector that was looked at. */
	if (p->direct->reason == EXC(VEC_GP) && (!a || !b))
		items |= ITEM(INFO1) | ITEM(rip) | ITEM(rax);
	if (p->direct->reason == EXIT_SHUT)
		items |= EVENT_ITEMS;
	if ((p->direct->idt & 0xff) == VEC_PF &&
	    (p->direct->idt_error ^ p->here->idt_error) == PF_USER)
		items |= ITEM(INT_ERROR);
	return items;
}

/* What comes of a privilege that one of the two does not see. */
static bool by_privilege(const struct pair *p)
{
	return ran_in_both(p) && p->direct->reason != p->here->reason &&
	       (p->direct->reason == EXC(VEC_GP) || p->here->reason == EXC(VEC_GP) ||
		p->direct->reason == EXIT_SHUT || p->here->reason == EXIT_SHUT);
}

/* ---- QEMU takes what has to be refused, or the other way round ---- */

static bool only_here_refused(const struct pair *p)
{
	return p->direct->result == RESULT_EXIT && p->here->result == RESULT_REFUSED;
}

static bool only_there_refused(const struct pair *p)
{
	return p->direct->result == RESULT_REFUSED && p->here->result == RESULT_EXIT;
}

static u64 bad_efer(const struct pair *p)
{
	return outcome(only_here_refused(p) &&
		       (vmcb_of(p)->efer & ~compare_params.have[CAP_EFER]));
}

static u64 bad_cr4(const struct pair *p)
{
	return outcome(only_here_refused(p) &&
		       (vmcb_of(p)->cr4 & ~compare_params.have[CAP_CR4]));
}

static u64 bad_ncr3(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);

	return outcome(only_here_refused(p) && v->np_enable &&
		       v->ncr3 >> compare_params.have[CAP_PHYS_BITS]);
}

static u64 bad_pat(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);
	unsigned int i;

	if (!only_here_refused(p) || !v->np_enable)
		return 0;
	for (i = 0; i < 64; i += 8)
		if ((v->g_pat >> i & 0xff) > 7 || (v->g_pat >> i & 6) == 2)
			return OUTCOME;
	return 0;
}

static u64 last_msrpm(const struct pair *p)
{
	u64 end = 1ul << compare_params.have[CAP_PHYS_BITS];

	return outcome(only_there_refused(p) && vmcb_of(p)->msrpm == end - 2 * PAGE_SIZE);
}

static u64 vector_31(const struct pair *p)
{
	u32 event = vmcb_of(p)->event_inj;

	return outcome(only_there_refused(p) &&
		       (event & (EV_VALID | 0x7ff)) == (EV_VALID | EV_EXC | 31));
}

/* ---- privilege and mode ---- */

static u64 cpl_is_not_dpl(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);

	if (v->cpl == dpl_of(v))
		return 0;
	return same_code(p) ? privilege_items(p) : outcome(by_privilege(p));
}

static u64 vm86_cpl(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);

	if (!(v->rflags & RFLAGS_VM) || (v->cpl == 3 && dpl_of(v) == 3))
		return 0;
	return same_code(p) ? privilege_items(p) : outcome(by_privilege(p));
}

static u64 real_cpl(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);

	if ((v->cr0 & CR0_PE) || (!v->cpl && !dpl_of(v)))
		return 0;
	return same_code(p) ? privilege_items(p) : outcome(by_privilege(p));
}

static u64 real_error_code(const struct pair *p)
{
	const struct oracle_record *a = p->direct, *b = p->here;
	u64 items = 0;

	if ((vmcb_of(p)->cr0 & CR0_PE) || !ran_in_both(p))
		return 0;
	if (a->idt == (b->idt | EV_ERROR))
		items |= EVENT_ITEMS;
	if (same_code(p) && is_exception(a->reason) && b->qual <= 1)
		items |= ITEM(INFO1);
	return items;
}

/* QEMU runs L2 in another mode then. */
static u64 lma(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);
	bool long_mode = (v->efer & EFER_LME) && (v->cr0 & CR0_PG);

	return outcome(ran_in_both(p) && long_mode != !!(v->efer & EFER_LMA));
}

static u64 user_io(const struct pair *p)
{
	const struct oracle_record *a = p->direct;
	const struct vmcb *v = vmcb_of(p);
	u64 dish = dish_of(p);
	/* With CR4.SMAP the map cannot be read where it is. */
	bool smap = p->here->reason == EXC(VEC_PF) && (v->cr4 & CR4_SMAP) &&
		    was(p->here, I_INFO2, v->tr.base + TSS_IO_MAP);

	return outcome(ran_in_both(p) && general_protection(a) && v->cpl == 3 &&
		       (smap || p->here->reason == EXIT_IOIO) &&
		       (dish == DISH_OUT || dish == DISH_IN));
}

/* ---- registers ---- */

static u64 debug_registers(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);
	u64 items = 0;

	if (!ran_in_both(p))
		return 0;
	if ((v->dr6 & (DR6_RESERVED | DR6_ZERO)) != DR6_RESERVED)
		items |= ITEM(dr6);
	/* The first dish reads DR7. */
	if ((v->dr7 & DR7_RESERVED) != 0x400)
		items |= ITEM(dr7) | (dish_of(p) ? 0 : ITEM(rdx));
	/* Written from within one of the menu. */
	if (was(p->direct, I_dr7, (u32)v->rax | 0x400) &&
	    was(p->here, I_dr7, ((u32)v->rax & ~DR7_RESERVED) | 0x400))
		items |= ITEM(dr7);
	return items;
}

static u64 cr0_reserved(const struct pair *p)
{
	return same_code(p) && (vmcb_of(p)->cr0 & CR0_RESERVED) ? ITEM(cr0) : 0;
}

/* In 64-bit mode it writes CR8, in others CR0, behind an INC. */
static u64 writes_cr8_or_cr0(const struct pair *p)
{
	if (!ran_in_both(p) || dish_of(p) != DISH_CR8 || !(vmcb_of(p)->rax >> 4))
		return 0;
	if (p->direct->reason == p->here->reason)
		return ITEM(V_INT) | ITEM(cr0);
	return outcome(general_protection(p->direct) || general_protection(p->here));
}

/* LMSW leaves it as it is. */
static u64 paged_real_mode(const struct pair *p)
{
	u64 cr0 = vmcb_of(p)->cr0, dish = dish_of(p);

	return outcome(ran_in_both(p) && (cr0 & CR0_PG) && !(cr0 & CR0_PE) &&
		       (dish == DISH_LMSW || dish == DISH_CR0) &&
		       p->here->reason == EXC(VEC_GP));
}

static u64 extend(u64 address)
{
	return (long)(address << (64 - ADDRESS_BITS)) >> (64 - ADDRESS_BITS);
}

/* Which addresses of VMLOAD become canonical, and which words have 32 bits. */
static u64 loaded(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);
	const struct {
		u32 item;
		u64 value, fit;
	} rows[] = {
		{ I_lstar, v->lstar, extend(v->lstar) },
		{ I_cstar, v->cstar, extend(v->cstar) },
		{ I_sysenter_esp, v->sysenter_esp, extend(v->sysenter_esp) },
		{ I_sysenter_eip, v->sysenter_eip, extend(v->sysenter_eip) },
		{ I_sfmask, v->sfmask, (u32)v->sfmask },
		{ I_sysenter_cs, v->sysenter_cs, (u32)v->sysenter_cs },
	};
	u64 items = 0, i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (was(p->direct, rows[i].item, rows[i].value) &&
		    was(p->here, rows[i].item, rows[i].fit))
			items |= 1ul << rows[i].item;
	return items;
}

static u64 rflags_reserved(const struct pair *p)
{
	u64 a = p->direct->rflags;

	return same_code(p) && (a & ~RFLAGS_BITS) &&
	       p->here->rflags == (a & RFLAGS_BITS) ? ITEM(rflags) : 0;
}

static u64 general_detect(const struct pair *p)
{
	return outcome(ran_in_both(p) && (vmcb_of(p)->dr7 & DR7_GD) &&
		       p->here->reason == EXC(VEC_DB) && p->direct->reason != EXC(VEC_DB));
}

static u64 null_ldt(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);

	return same_code(p) && dish_of(p) == DISH_LLDT && !(v->rax & 0xfffc) &&
	       was(p->direct, I_ldtr, (u64)v->ldtr.attrib << 16) && was(p->here, I_ldtr, 0) ?
	       ITEM(ldtr) : 0;
}

/* A host interrupt had the HLT behind STI begin anew. */
static u64 lost_shadow(const struct pair *p)
{
	return same_code(p) && dish_of(p) == DISH_STI &&
	       p->here->rip == vmcb_of(p)->rip + 1 && was(p->direct, I_INT_STATE, 1) &&
	       was(p->here, I_INT_STATE, 0) ? ITEM(INT_STATE) : 0;
}

/* Where nestor enters it at all: on SVM hardware looks, but not before L2 exits at once. */
static u64 upper_cr3(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);

	return outcome(only_there_refused(p) && !(v->efer & EFER_LMA) &&
		       v->cr3 >> compare_params.have[CAP_PHYS_BITS]);
}

static u64 map_nowhere(const struct pair *p)
{
	return outcome(ran_in_both(p) && p->here->reason == EXIT_IOIO &&
		       p->direct->reason != EXIT_IOIO && vmcb_of(p)->iopm >= MEMORY_END);
}

static u64 lmsw(const struct pair *p)
{
	return outcome(dish_of(p) == DISH_LMSW && p->direct->reason == EXIT_VMHLT &&
		       p->here->reason == EXIT_CR0_SEL);
}

/* ---- events ---- */

static u64 address_size(const struct pair *p)
{
	return ran_in_both(p) && p->direct->reason == EXIT_IOIO &&
	       p->here->reason == EXIT_IOIO && !(p->direct->qual & IOIO_ADDRESS_SIZE) &&
	       (p->here->qual & ~IOIO_ADDRESS_SIZE) == p->direct->qual ? ITEM(INFO1) : 0;
}

static u64 own_interrupt(const struct pair *p)
{
	/* RET leads to it, too; a shutdown does not say where it was. */
	u64 dish = dish_at(p, p->direct->reason == EXIT_SHUT ? vmcb_of(p)->rip : p->direct->rip);

	return same_code(p) && !p->here->idt &&
	       (dish == DISH_INT || dish == DISH_INT3 || dish == DISH_INT_3) &&
	       (p->direct->idt & 0xff) == (dish == DISH_INT ? 0x30 : 3) ? ITEM(INT_INFO) : 0;
}

/* V_INTR_PRIO has to be above V_TPR. */
static u64 low_priority(const struct pair *p)
{
	u32 ctl = vmcb_of(p)->int_ctl;

	bool taken = p->direct->idt &&
		     (p->direct->idt & 0xff) == vmcb_of(p)->int_vector &&
		     (p->here->idt & 0xff) != vmcb_of(p)->int_vector;

	return outcome(ran_in_both(p) && (ctl & V_IRQ) && !(ctl & V_IGN_TPR) &&
		       (ctl >> 16 & 0xf) <= (ctl & 0xf) &&
		       (taken || p->direct->reason != p->here->reason));
}

static u64 virtual_interrupt(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);
	u64 items = ITEM(V_INT);

	if (!ran_in_both(p) || !(v->int_ctl & V_IRQ))
		return 0;
	if ((p->direct->idt & ~EV_ERROR) == (p->here->idt | EV_EXC) &&
	    p->here->idt == (EV_VALID | v->int_vector))
		items |= EVENT_ITEMS;
	return items;
}

static u64 injected_fault(const struct pair *p)
{
	bool delivers = (p->here->idt & (EV_VALID | 0x700)) == (EV_VALID | EV_EXC);

	return same_code(p) && delivers && (p->here->rflags & RFLAGS_RF) &&
	       ((p->direct->rflags ^ p->here->rflags) & RFLAGS_BITS) == RFLAGS_RF ?
	       ITEM(rflags) : 0;
}

/* The first of two instructions has ended, and the other exits. */
static u64 resume_flag_left(const struct pair *p)
{
	return same_code(p) && (p->direct->rflags ^ p->here->rflags) == RFLAGS_RF &&
	       (p->direct->rflags & RFLAGS_RF) && (vmcb_of(p)->rflags & RFLAGS_RF) &&
	       p->direct->rip != vmcb_of(p)->rip ? ITEM(rflags) : 0;
}

/*
 * L2 begins at zeros, which add AL to the byte at RAX: code of its own a few bytes ahead.
 * QEMU carries out what it had translated.
 */
static u64 own_code(const struct pair *p)
{
	const struct vmcb *v = vmcb_of(p);

	return same_exit(p, EXIT_VMHLT) && v->rip + v->cs.base == L2_DATA_PAGE &&
	       v->rax == L2_DATA_PAGE + 8 ? ITEM(rflags) : 0;
}

const struct known known[] = {
	{ "efer_mbz", QEMU, "\"Any MBZ bit of EFER is set\": FFXSR without the feature",
	  bad_efer },
	{ "cr4_mbz", QEMU, "\"Any MBZ bit of CR4 is set\": PCIDE without the feature", bad_cr4 },
	{ "ncr3_mbz", QEMU, "\"nCR3 has MBZ bits set\" is not looked at", bad_ncr3 },
	{ "g_pat", QEMU, "\"VMRUN fails with a VMEXIT_INVALID if [G_PAT] has an illegal type\"",
	  bad_pat },
	{ "last_msrpm", QEMU, "a permission map may end where physical addresses end", last_msrpm },
	{ "vector_31", QEMU, "vector 31 may be injected", vector_31 },
	{ "cpl", QEMU, "\"the CPL is taken from the CPL field, not from SS.DPL\"", cpl_is_not_dpl },
	{ "vm86_cpl", QEMU, "the CPL is 3 in virtual-8086 mode", vm86_cpl },
	{ "real_cpl", QEMU, "the CPL is 0 in real mode", real_cpl },
	{ "real_error_code", QEMU, "in real mode exceptions have no error code", real_error_code },
	{ "lma", QEMU, "EFER.LMA is not a copy of the VMCB's, it follows LME and CR0.PG",
	  lma },
	{ "rflags_reserved", QEMU, "reserved bits of RFLAGS read as 0", rflags_reserved },
	{ "resume_flag_left", QEMU, "RFLAGS.RF is clear once an instruction has ended",
	  resume_flag_left },
	{ "general_detect", QEMU, "DR7.GD has an effect", general_detect },
	{ "own_code", QEMU, "a processor sees what it wrote into the code ahead", own_code },
	{ "null_ldt", QEMU, "LLDT of a null selector leaves no valid descriptor", null_ldt },
	{ "lost_shadow", QEMU, "VMRUN loads the interrupt shadow: a host interrupt came in it",
	  lost_shadow },
	{ "upper_cr3", QEMU, "CR3 has MBZ bits above physical addresses in long mode alone",
	  upper_cr3 },
	{ "map_nowhere", NESTOR, "where a permission map has no memory all is intercepted",
	  map_nowhere },
	{ "user_io", QEMU, "IN and OUT look at the I/O map of a TSS that is busy, too", user_io },
	{ "debug_registers", QEMU, "reserved bits of DR6 and DR7 read as they are written",
	  debug_registers },
	{ "cr0_reserved", QEMU, "reserved bits of CR0 do not stay set", cr0_reserved },
	{ "reserved_cr8_cr0", QEMU,
	  "MOV to CR8 with reserved bits set is #GP; reserved bits of CR0 do not stay set",
	  writes_cr8_or_cr0 },
	{ "paged_real_mode", QEMU, "CR0.PG without CR0.PE cannot be written", paged_real_mode },
	{ "loaded", NESTOR, "VMLOAD makes what it loads into MSRs fit for them: left open",
	  loaded },
	{ "lmsw", QEMU, "LMSW exits as a selective CR0 write whatever it writes", lmsw },
	{ "io_address_size", QEMU, "EXITINFO1 of IOIO has the address size in bits 9:7",
	  address_size },
	{ "low_priority", QEMU, "a virtual interrupt waits until V_INTR_PRIO is above V_TPR",
	  low_priority },
	{ "virtual_interrupt", QEMU,
	  "a virtual interrupt is of type 0 in EXITINTINFO, and V_IRQ is 0 once it is taken",
	  virtual_interrupt },
	{ "injected_fault", NESTOR,
	  "RFLAGS.RF, for the frame of a fault that it passes on, is there when its delivery exits",
	  injected_fault },
	{ "own_interrupt", NESTOR, "without NRIPS, EXITINTINFO does not tell of L2's own INT n",
	  own_interrupt },
	{ "no_control", NESTOR_ON_VMX, "no VMX control makes that exit", vmx_no_control },
	{ "rsm", NESTOR_ON_VMX, "RSM outside SMM is #UD, and no VMX control makes that exit",
	  vmx_rsm },
	{ "cannot_enter", NESTOR_ON_VMX, "VMX hardware cannot enter all that VMRUN does",
	  vmx_cannot_enter },
	{ "invpcid", NESTOR_ON_VMX, "INVPCID that CPUID hides is carried out", vmx_invpcid },
	{ "unusable", NESTOR_ON_VMX, "a segment without P is unusable, its parts are not kept",
	  vmx_unusable },
	{ "accessed", NESTOR_ON_VMX, "VMX enters segments that were accessed alone",
	  vmx_accessed },
	{ "error_code", NESTOR_ON_VMX, "VMX injects 16 bits of an error code", vmx_error_code },
	{ "step_again", BOCHS_AS_HOST, "a single step that an EPT violation undid is no #DB",
	  bochs_step_again },
	{ "real_cs", BOCHS_AS_HOST, "CS has the type that was loaded, in real mode, too",
	  bochs_real_cs },
	{ "resume_flag", BOCHS_AS_HOST, "RFLAGS.RF lasts until an instruction has ended",
	  bochs_resume_flag },
	{ "faulting_shadow", BOCHS_AS_HOST, "a fault does not end the shadow of MOV SS",
	  bochs_shadow },
	{ "long_tr", BOCHS_AS_HOST, "TR's rights are saved as they were loaded", bochs_long_tr },
	{ "upper_rsp", BOCHS_AS_HOST,
	  "bits 63:32 of RSP mean nothing outside 64-bit mode: it clears them", bochs_rsp },
	{ "user_dr", BOCHS_AS_HOST, "MOV DR of a user is #GP before it exits",
	  bochs_vm86_dr },
	{ "idt_error_code", QEMU_ALONE,
	  "the error code of a fault in the IDT is 8 times the vector, IDT and EXT",
	  qemu_idt_error_code },
	{ "vm86_int", QEMU_ALONE, "INT n in virtual-8086 mode with IOPL below 3 is #GP(0)",
	  qemu_vm86_int },
	{ "double_fault", QEMU_ALONE, "a #DF made of two faults exits like any exception",
	  qemu_double_fault },
	{ "int1", QEMU_ALONE, "INT1 is #DB, not #UD", qemu_int1 },
	{ "int3", QEMU_ALONE, "INT3 exits by the intercept of #BP, and is no INT n", qemu_int3 },
	{ "exit_codes", QEMU_ALONE, "RDTSCP and INVD have exit codes of their own",
	  qemu_exit_codes },
	{ "operands", QEMU_ALONE, "an intercept comes before a look at RAX or ECX", qemu_operands },
	{ "undefined", QEMU_ALONE,
	  "SVM's instructions in virtual-8086 mode, and XSETBV without OSXSAVE, are #UD",
	  qemu_undefined },
	{ "breakpoint_bits", QEMU_ALONE, "B0 to B3 may be set when their breakpoints are disabled",
	  qemu_breakpoint_bits },
	{ "modify", QEMU_ALONE, "what reads and writes memory is a write when it faults",
	  qemu_modify },
	{ "code_limit", QEMU_ALONE, "RIP beyond the limit of CS is #GP(0)", qemu_code_limit },
	{ "breakpoints", QEMU_ALONE, "breakpoints in the DR7 that VMRUN loads hit",
	  qemu_breakpoints },
	{ "real_vm", QEMU_ALONE, "RFLAGS.VM has no effect without CR0.PE", qemu_real_vm },
	{ "real_iret", QEMU_ALONE, "IRET uses ESP when SS.B is set, in real mode, too",
	  qemu_real_iret },
	{ "real_load", BOCHS_AS_HOST, "in real mode a load of a segment leaves its rights",
	  bochs_real_load },
	{ "shadow", QEMU_ALONE, "VMRUN loads the interrupt shadow", qemu_shadow },
	{ "stack", QEMU_ALONE, "stacks have limits, and those beyond or non-canonical are #SS",
	  qemu_stack },
	{ 0 }
};
