// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a VM entry is different for a reason that deviations.rst gives: the table, and
 * what Bochs does; known_vmx_qemu.c has the rest.
 */
#include "known_vmx.h"

#define ENTRY_LOAD_DEBUG	(1u << 2)
#define DEBUGCTL_BOCHS_TAKES	(~0ul << 16)
#define PENDING_RESERVED	(~0xfffful << 16)
#define PENDING_ENABLED		(1u << 12)
#define BAD_LINK		4		/* exit qualification */
#define MSR_DEBUGCTL		0x1d9
#define MSR_BIOS_UPDT_TRIG	0x79
#define MSR_SMM_MONITOR_CTL	0x9b
#define MSR_OF_NO_CPU		0x12345
#define DEBUGCTL_BTF		(1u << 1)
#define AR_TYPE			0xfu
#define AR_DATA			3u
#define AR_DPL			(3u << 5)
#define AR_L			(1u << 13)
#define AR_CODE			8u
#define DR7_BIT12		(1u << 12)
#define INFO_OP32		(1u << 11)
#define DISH_SGDT		18
#define DISH_LIDT		19

const enum whose reference = BOCHS;

/* ---- of a case ---- */

static const struct vmx_case *case_of(const struct pair *p)
{
	static struct vmx_case c;
	static u32 number = ~0u;
	static const u64 host[V_VALUES];

	if (number != p->number)
		vmx_generate(&compare_params, p->number, host, &c);
	number = p->number;
	return &c;
}

u64 field(const struct pair *p, u32 value)
{
	return case_of(p)->val[value];
}

u64 rax_of(const struct pair *p)
{
	return case_of(p)->rax;
}

u64 segment_ar(const struct pair *p, u32 n)
{
	return field(p, V_AR + n);
}

bool in_real_mode(const struct pair *p)
{
	return !(field(p, V_GUEST_CR0) & CR0_PE);
}

bool in_64bit_mode(const struct pair *p)
{
	return (field(p, V_ENTRY_CTLS) & ENTRY_LONG) && (segment_ar(p, S_CS) & AR_L);
}

bool in_user_mode(const struct pair *p)
{
	return (field(p, V_GUEST_RFLAGS) & RFLAGS_VM) ||
	       (!in_real_mode(p) && (segment_ar(p, S_SS) & AR_DPL) == AR_DPL);
}

/* Linear address of the first instruction. */
u64 start(const struct pair *p)
{
	u64 rip = field(p, V_GUEST_RIP);

	return in_64bit_mode(p) ? rip : (u32)(rip + field(p, V_BASE + S_CS));
}

/* Which of the menu it is; of what begins elsewhere nothing is known. */
u64 dish_of(const struct pair *p)
{
	u64 at = start(p), page = at & ~0xffful;

	if ((page != L2_CODE_PAGE && page != L2_CODE16) || at % MENU_STRIDE)
		return NO_DISH;
	at = (at & 0xfff) / MENU_STRIDE;
	return at < MENU_ENTRIES ? at : NO_DISH;
}

/* Of the VM-entry MSR-load area, counted from 1 as exit qualifications are. */
const struct msr_entry *msr_of(const struct pair *p, u64 number)
{
	static const struct msr_entry none;

	if (number < 1 || number > AREA_ENTRIES)
		return &none;
	return &case_of(p)->area[number - 1];
}

/* ---- Bochs takes what has to be refused ---- */

static bool refused_msr(const struct pair *p, u32 index)
{
	return p->direct->result == RESULT_EXIT && p->here->reason == REFUSED_MSR &&
	       msr_of(p, p->here->qual)->index == index;
}

/* Bochs found nothing wrong, or something that is looked at later. */
static bool refused_state(const struct pair *p)
{
	return p->here->reason == REFUSED_STATE &&
	       (p->direct->result == RESULT_EXIT || p->direct->reason == REFUSED_MSR);
}

static u64 outcome(bool is)
{
	return is ? OUTCOME : 0;
}

static u64 smm_msr(const struct pair *p)
{
	return outcome(refused_msr(p, MSR_SMM_MONITOR_CTL));
}

static u64 ucode_msr(const struct pair *p)
{
	return outcome(refused_msr(p, MSR_BIOS_UPDT_TRIG));
}

static u64 no_msr(const struct pair *p)
{
	return outcome(refused_msr(p, MSR_OF_NO_CPU));
}

static u64 debugctl_msr(const struct pair *p)
{
	return outcome(refused_msr(p, MSR_DEBUGCTL) &&
		       (msr_of(p, p->here->qual)->value & DEBUGCTL_BOCHS_TAKES));
}

static u64 debugctl(const struct pair *p)
{
	return outcome(refused_state(p) && (field(p, V_ENTRY_CTLS) & ENTRY_LOAD_DEBUG) &&
		       (field(p, V_GUEST_DEBUGCTL) & DEBUGCTL_BOCHS_TAKES));
}

static u64 odd_rip(const struct pair *p)
{
	u64 bits = compare_params.have[CAP_LINEAR_BITS];
	u64 upper = field(p, V_GUEST_RIP) >> bits;

	return outcome(refused_state(p) && upper && upper != ~0ul >> bits);
}

static u64 pending_reserved(const struct pair *p)
{
	return outcome(refused_state(p) && (field(p, V_GUEST_PENDING) & PENDING_RESERVED));
}

static u64 pending_bs(const struct pair *p)
{
	bool steps = (field(p, V_GUEST_RFLAGS) & RFLAGS_TF) &&
		     !(field(p, V_GUEST_DEBUGCTL) & DEBUGCTL_BTF);

	return outcome(refused_state(p) && (field(p, V_GUEST_INTR_STATE) & BLOCKED) &&
		       steps != !!(field(p, V_GUEST_PENDING) & DB_BS));
}

static u64 cs_dpl(const struct pair *p)
{
	return outcome(refused_state(p) && (segment_ar(p, S_CS) & AR_CODE) &&
		       ((segment_ar(p, S_CS) ^ segment_ar(p, S_SS)) & AR_DPL));
}

static u64 long_without_paging(const struct pair *p)
{
	return outcome(refused_state(p) && (field(p, V_ENTRY_CTLS) & ENTRY_LONG) &&
		       !(field(p, V_GUEST_CR0) & CR0_PG));
}

/* "These checks may be performed in any order", and only one of them has a qualification. */
static u64 order(const struct pair *p)
{
	return p->direct->reason == REFUSED_STATE && p->here->reason == REFUSED_STATE &&
	       p->direct->qual == BAD_LINK && !p->here->qual ? ITEM(QUAL) : 0;
}

/* ---- Bochs runs L2 in another way ---- */

static u64 real_cs(const struct pair *p)
{
	u64 limit = field(p, V_LIMIT + S_CS) << 32, ar = segment_ar(p, S_CS);

	return in_real_mode(p) && was(p->direct, I_CS_AR, limit | (ar & ~AR_TYPE) | AR_DATA) &&
	       was(p->here, I_CS_AR, limit | ar) ? ITEM(CS_AR) : 0;
}

static u64 real_error_code(const struct pair *p)
{
	u64 items = 0;

	if (!ran_in_both(p) || !in_real_mode(p))
		return 0;
	if (p->direct->event == (p->here->event | EVENT_ERROR))
		items |= EVENT_ITEMS;
	if (p->direct->idt == (p->here->idt | EVENT_ERROR))
		items |= IDT_ITEMS;
	return items;
}

static bool only_rf(const struct pair *p)
{
	return (p->direct->rflags ^ p->here->rflags) == RFLAGS_RF;
}

static bool is_fault(u32 event)
{
	u32 vector = event & 0xff;

	return (event & (EVENT_VALID | 0x700)) == (EVENT_VALID | EVENT_EXCEPTION) &&
	       vector != VEC_DB && vector != VEC_DF;
}

static u64 fault_rf(const struct pair *p)
{
	return same_exit(p, R_EXCEPTION) && is_fault(p->here->event) && only_rf(p) &&
	       (p->here->rflags & RFLAGS_RF) ? ITEM(RFLAGS) : 0;
}

static u64 violation_rf(const struct pair *p)
{
	return same_exit(p, R_EPT_VIOLATION) && !p->here->idt && only_rf(p) &&
	       (p->here->rflags & RFLAGS_RF) ? ITEM(RFLAGS) : 0;
}

/* Bochs sets it in the register when it begins to deliver a fault. */
static u64 triple_rf(const struct pair *p)
{
	return same_exit(p, R_TRIPLE_FAULT) && only_rf(p) &&
	       (p->direct->rflags & RFLAGS_RF) ? ITEM(RFLAGS) : 0;
}

static u64 step_left(const struct pair *p)
{
	return ran_in_both(p) && (p->direct->rflags & RFLAGS_TF) &&
	       was(p->direct, I_PENDING, DB_BS) && was(p->here, I_PENDING, 0) &&
	       !(field(p, V_GUEST_INTR_STATE) & BLOCKED) ? ITEM(PENDING) : 0;
}

static u64 faulting_shadow(const struct pair *p)
{
	u64 behind = field(p, V_GUEST_RIP) + 2;
	bool faults = same_exit(p, R_EXCEPTION) || same_exit(p, R_TRIPLE_FAULT);

	return faults && dish_of(p) == DISH_MOV_SS &&
	       p->direct->rip == behind && was(p->direct, I_INTR_STATE, 0) &&
	       (was(p->here, I_INTR_STATE, BLOCKED_STI) ||
		was(p->here, I_INTR_STATE, BLOCKED_MOV_SS)) ? ITEM(INTR_STATE) : 0;
}

/* What is below is popped first. */
static u64 iret_order(const struct pair *p)
{
	u64 esp = (u32)field(p, V_GUEST_RSP);

	return same_exit(p, R_EXCEPTION) && dish_of(p) == DISH_IRET && !in_64bit_mode(p) &&
	       p->direct->event == FAULT(VEC_PF) && p->here->event == FAULT(VEC_PF) &&
	       p->here->qual == esp && p->direct->qual == esp + 8 ? ITEM(QUAL) : 0;
}

static u64 dr7_reserved(const struct pair *p)
{
	u64 dr7 = field(p, V_GUEST_DR7), items = 0;

	if (!(dr7 & DR7_BIT12) || !ran_in_both(p))
		return 0;
	if (was(p->direct, I_DR7, dr7) && was(p->here, I_DR7, dr7 & ~DR7_BIT12))
		items |= ITEM(DR7);
	/* The first dish reads it. */
	if (was(p->direct, I_RDX, dr7) && was(p->here, I_RDX, dr7 & ~DR7_BIT12))
		items |= ITEM(RDX);
	return items;
}

static u64 upper_rsp(const struct pair *p)
{
	return ran_in_both(p) && !in_64bit_mode(p) && p->here->rsp >> 32 &&
	       p->direct->rsp == (u32)p->here->rsp ? ITEM(RSP) : 0;
}

static u64 long_tr(const struct pair *p)
{
	u64 tr = segment_ar(p, S_TR) | field(p, V_LIMIT + S_TR) << 32;

	return (tr & AR_L) && was(p->direct, I_TR_AR, tr & ~(u64)AR_L) &&
	       was(p->here, I_TR_AR, tr) ? ITEM(TR_AR) : 0;
}

/* What the two dishes say without it: their operand is (ESP). */
static u64 operand_size(const struct pair *p)
{
	static const u64 info[] = { 0x02410080, 0x32410080 };
	u64 dish = dish_of(p);

	if (!same_exit(p, R_GDTR_IDTR) || (dish != DISH_SGDT && dish != DISH_LIDT))
		return 0;
	return was(p->direct, I_INSN_INFO, info[dish == DISH_LIDT]) &&
	       was(p->here, I_INSN_INFO, info[dish == DISH_LIDT] | INFO_OP32) ?
	       ITEM(INSN_INFO) : 0;
}

/* Only "enabled breakpoint" is pending, with no breakpoint. */
static u64 pending_enabled(const struct pair *p)
{
	u64 pending = field(p, V_GUEST_PENDING);

	return outcome(ran_in_both(p) && (pending & PENDING_ENABLED) &&
		       !(pending & (DB_BREAKPOINTS | DB_BS)) &&
		       !(field(p, V_GUEST_INTR_STATE) & BLOCKED) &&
		       p->here->rip == field(p, V_GUEST_RIP) &&
		       (met(p->here, HARD(VEC_DB)) || ended_in_idt(p->here)));
}

/* The first instruction does not end, and what is pending comes behind it. */
static u64 pending_shadow(const struct pair *p)
{
	return outcome(ran_in_both(p) && (field(p, V_GUEST_INTR_STATE) & BLOCKED_MOV_SS) &&
		       (field(p, V_GUEST_PENDING) & DB_BS) &&
		       p->direct->event == HARD(VEC_DB) && p->direct->qual == DB_BS &&
		       is_fault(p->here->event) &&
		       p->direct->rip == field(p, V_GUEST_RIP) &&
		       p->here->rip == field(p, V_GUEST_RIP));
}

/* ---- Bochs below nestor ---- */

/* L2's first fetch is an EPT violation of nestor's own, and the step before is not undone. */
static u64 step_again(const struct pair *p)
{
	return outcome(ran_in_both(p) && (field(p, V_GUEST_RFLAGS) & RFLAGS_TF) &&
		       (field(p, V_PROC2) & PROC2_EPT) && p->here->event == HARD(VEC_DB) &&
		       p->here->qual == DB_BS && p->here->rip == field(p, V_GUEST_RIP));
}

const struct known known[] = {
	{ "smm_msr", BOCHS, "\"an MSR that can be written only in SMM\" fails the load",
	  smm_msr },
	{ "ucode_msr", BOCHS, "a processor may refuse to load IA32_BIOS_UPDT_TRIG: ours does",
	  ucode_msr },
	{ "no_msr", BOCHS, "an MSR that the processor does not have fails the load", no_msr },
	{ "debugctl_msr", BOCHS, "a load fails that would be #GP as a WRMSR: IA32_DEBUGCTL",
	  debugctl_msr },
	{ "debugctl", BOCHS, "\"bits reserved in the IA32_DEBUGCTL MSR must be 0\"", debugctl },
	{ "odd_rip", BOCHS, "\"bits 63:N must be identical\" in a 64-bit RIP", odd_rip },
	{ "pending", BOCHS, "\"bits 63:17 [of the pending debug exceptions] must be 0\"",
	  pending_reserved },
	{ "pending_bs", BOCHS, "\"BS must be [RFLAGS.TF and not IA32_DEBUGCTL.BTF]\" in a shadow",
	  pending_bs },
	{ "cs_dpl", BOCHS, "\"[of non-conforming code] DPL must equal that of SS\"", cs_dpl },
	{ "long_without_paging", BOCHS, "\"if IA-32e mode guest is 1, CR0.PG must be 1\"",
	  long_without_paging },
	{ "order", BOCHS, "of two violations either may be told", order },
	{ "real_cs", BOCHS, "access rights are saved as they were loaded, in real mode, too",
	  real_cs },
	{ "real_error_code", BOCHS, "\"bit 11 is always 0 if [it] was in real-address mode\"",
	  real_error_code },
	{ "fault_rf", BOCHS, "of a fault RF is saved as it would be in its frame: set", fault_rf },
	{ "violation_rf", BOCHS, "of an EPT violation that is no event's, RF is saved as 1",
	  violation_rf },
	{ "triple_rf", BOCHS, "RF is set in a fault's frame, not in the register", triple_rf },
	{ "step_left", BOCHS, "an exit before an instruction ends leaves no single step pending",
	  step_left },
	{ "faulting_shadow", BOCHS, "a fault does not end the shadow of MOV SS", faulting_shadow },
	{ "iret_order", BOCHS, "IRET pops EIP before CS and EFLAGS", iret_order },
	{ "dr7_reserved", BOCHS, "bit 12 of DR7 is always 0", dr7_reserved },
	{ "upper_rsp", BOCHS, "bits 63:32 of RSP mean nothing outside 64-bit mode: it clears them",
	  upper_rsp },
	{ "long_tr", BOCHS, "TR's access rights are saved as they were loaded", long_tr },
	{ "operand_size", BOCHS, "LIDT's instruction information has the operand size in bit 11",
	  operand_size },
	{ "pending_enabled", BOCHS,
	  "\"enabled breakpoint\" alone is a pending debug exception, too", pending_enabled },
	{ "pending_shadow", BOCHS, "behind MOV SS debug exceptions wait for one instruction",
	  pending_shadow },
	{ "step_again", BOCHS_AS_HOST, "a single step that an EPT violation undid is no #DB",
	  step_again },
	{ "idt_error_code", QEMU,
	  "the error code of a fault in the IDT is 8 times the vector, IDT and EXT",
	  qemu_idt_error_code },
	{ "vm86_int", QEMU, "INT n in virtual-8086 mode with IOPL below 3 is #GP(0) before all",
	  qemu_vm86_int },
	{ "svm_insn", QEMU, "an SVM instruction looks at its operand before it is intercepted",
	  qemu_svm_insn },
	{ "rdtscp", QEMU, "RDTSCP has an exit code of its own", qemu_rdtscp },
	{ "monitor", QEMU, "MONITOR is intercepted before it looks at ECX", qemu_monitor },
	{ "int1", QEMU, "INT1 is #DB, not #UD", qemu_int1 },
	{ "int3", QEMU, "INT3 exits by the intercept of #BP", qemu_int3 },
	{ "double_fault", QEMU, "a #DF made of two faults exits like any exception",
	  qemu_double_fault },
	{ "xsetbv", QEMU, "XSETBV is #UD without CR4.OSXSAVE, at each CPL", qemu_xsetbv },
	{ "code_limit", QEMU, "RIP beyond the limit of CS is #GP(0)", qemu_code_limit },
	{ "stack", QEMU, "stacks have limits, and those beyond or non-canonical are #SS",
	  qemu_stack },
	{ "data_segment", QEMU, "data segments have limits and rights", qemu_data_segment },
	{ "step_over_pause", QEMU, "a single step ends with PAUSE, too", qemu_step_over_pause },
	{ "unfaulted", QEMU, "reserved bits of CR8, and LTR of a null selector, are #GP",
	  qemu_unfaulted },
	{ "general_detect", QEMU, "DR7.GD has an effect", qemu_general_detect },
	{ "shadow", QEMU, "VMRUN loads the interrupt shadow", qemu_shadow },
	{ "sti_shadow", QEMU, "STI makes no shadow when RFLAGS.IF is set already",
	  qemu_sti_shadow },
	{ "lost_shadow", QEMU, "VMRUN loads the interrupt shadow: a host interrupt came in it",
	  qemu_lost_shadow },
	{ "modify", QEMU, "what reads and writes memory is a write when it faults", qemu_modify },
	{ "breakpoint_bits", QEMU, "B0 to B3 may be set when their breakpoints are disabled",
	  qemu_breakpoint_bits },
	{ "pvi", QEMU, "CR4.PVI has an effect on STI", qemu_pvi },
	{ "invd", QEMU, "INVD has an exit code of its own", qemu_invd },
	{ "own_code", QEMU, "a processor sees what it wrote into the code ahead", qemu_own_code },
	{ "own_interrupt", NESTOR_ON_SVM,
	  "without NRIPS, EXITINTINFO does not tell of L2's own INT n", svm_own_interrupt },
	{ "shadow_kind", NESTOR_ON_SVM, "INTERRUPT_SHADOW may be that of STI or of MOV SS",
	  svm_shadow_kind },
	{ "linear_address", NESTOR_ON_SVM, "a nested page fault has no linear address",
	  svm_linear_address },
	{ "pdptes", NESTOR_ON_SVM, "VMRUN takes PDPTEs from memory alone, not from the VMCS",
	  svm_pdptes },
	{ 0 }
};
