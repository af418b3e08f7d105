// SPDX-License-Identifier: GPL-2.0-only
/* Where a VM entry is different for a reason that deviations.rst gives. */
#include "compare.h"
#include "gen_vmx.h"

#define REFUSED_STATE		(REASON_ENTRY_FAILED | R_BAD_STATE)
#define REFUSED_MSR		(REASON_ENTRY_FAILED | R_BAD_MSR)
#define ENTRY_LOAD_DEBUG	(1u << 2)
#define DEBUGCTL_BOCHS_TAKES	(~0ul << 16)
#define PENDING_RESERVED	(~0xfffful << 16)
#define R_MONITOR		39
#define R_HLT			12
#define BAD_LINK		4		/* exit qualification */
#define UNRESTRICTED		(1u << 7)
#define DR6_BD			(1u << 13)
#define DR7_GD			(1u << 13)
#define ALL_EXCEPTIONS		0xffffffffu
#define MSR_DEBUGCTL		0x1d9
#define MSR_BIOS_UPDT_TRIG	0x79
#define MSR_OF_NO_CPU		0x12345
#define BLOCKED			3u		/* by STI, by MOV SS */
#define PENDING_BS		(1u << 14)
#define DEBUGCTL_BTF		(1u << 1)
#define AR_DPL			(3u << 5)
#define AR_L			(1u << 13)
#define DR7_BIT12		(1u << 12)
#define MSR_SMM_MONITOR_CTL	0x9b

static const struct vmx_case *vmcs_of(u32 number)
{
	static struct vmx_case c;
	static const u64 host[V_VALUES];

	vmx_generate(&compare_params, number, host, &c);
	return &c;
}

static bool only_here_refused(const struct oracle_record *direct,
			      const struct oracle_record *here, u32 reason)
{
	return direct->result == RESULT_EXIT && here->result == RESULT_REFUSED &&
	       here->reason == reason;
}

static bool smm_msr(u32 number, const struct oracle_record *direct,
		    const struct oracle_record *here)
{
	return only_here_refused(direct, here, REFUSED_MSR) && here->qual >= 1 &&
	       here->qual <= AREA_ENTRIES &&
	       vmcs_of(number)->area[here->qual - 1].index == MSR_SMM_MONITOR_CTL;
}

static bool ucode_msr(u32 number, const struct oracle_record *direct,
		      const struct oracle_record *here)
{
	return only_here_refused(direct, here, REFUSED_MSR) && here->qual >= 1 &&
	       here->qual <= AREA_ENTRIES &&
	       vmcs_of(number)->area[here->qual - 1].index == MSR_BIOS_UPDT_TRIG;
}

static bool odd_rip(u32 number, const struct oracle_record *direct,
		    const struct oracle_record *here)
{
	u64 upper = vmcs_of(number)->val[V_GUEST_RIP] >> compare_params.have[CAP_LINEAR_BITS];

	return only_here_refused(direct, here, REFUSED_STATE) && upper &&
	       upper != ~0ul >> compare_params.have[CAP_LINEAR_BITS];
}

static bool debugctl(u32 number, const struct oracle_record *direct,
		     const struct oracle_record *here)
{
	const struct vmx_case *c = vmcs_of(number);

	if (only_here_refused(direct, here, REFUSED_MSR))
		return here->qual >= 1 && here->qual <= AREA_ENTRIES &&
		       c->area[here->qual - 1].index == MSR_DEBUGCTL &&
		       (c->area[here->qual - 1].value & DEBUGCTL_BOCHS_TAKES);
	return direct->reason != here->reason && here->reason == REFUSED_STATE &&
	       (c->val[V_ENTRY_CTLS] & ENTRY_LOAD_DEBUG) &&
	       (c->val[V_GUEST_DEBUGCTL] & DEBUGCTL_BOCHS_TAKES);
}

static bool pending(u32 number, const struct oracle_record *direct,
		    const struct oracle_record *here)
{
	return only_here_refused(direct, here, REFUSED_STATE) &&
	       (vmcs_of(number)->val[V_GUEST_PENDING] & PENDING_RESERVED);
}

static bool no_msr(u32 number, const struct oracle_record *direct,
		   const struct oracle_record *here)
{
	return only_here_refused(direct, here, REFUSED_MSR) && here->qual >= 1 &&
	       here->qual <= AREA_ENTRIES &&
	       vmcs_of(number)->area[here->qual - 1].index == MSR_OF_NO_CPU;
}

static bool pending_bs(u32 number, const struct oracle_record *direct,
		       const struct oracle_record *here)
{
	const u64 *v = vmcs_of(number)->val;
	bool steps = (v[V_GUEST_RFLAGS] & RFLAGS_TF) && !(v[V_GUEST_DEBUGCTL] & DEBUGCTL_BTF);

	return only_here_refused(direct, here, REFUSED_STATE) &&
	       (v[V_GUEST_INTR_STATE] & BLOCKED) && steps != !!(v[V_GUEST_PENDING] & PENDING_BS);
}

static bool cs_dpl(u32 number, const struct oracle_record *direct,
		   const struct oracle_record *here)
{
	const u64 *ar = vmcs_of(number)->val + V_AR;

	return only_here_refused(direct, here, REFUSED_STATE) &&
	       ((ar[S_CS] ^ ar[S_SS]) & AR_DPL);
}

static bool cs_rpl(u32 number, const struct oracle_record *direct,
		   const struct oracle_record *here)
{
	const u64 *v = vmcs_of(number)->val;

	return direct->reason == REFUSED_STATE && here->result == RESULT_EXIT &&
	       (v[V_PROC2] & UNRESTRICTED) && (v[V_SEL + S_CS] & 3);
}

/* "These checks may be performed in any order", and only one of them has a qualification. */
static bool order(u32 number, const struct oracle_record *direct,
		  const struct oracle_record *here)
{
	return direct->reason == REFUSED_STATE && here->reason == REFUSED_STATE &&
	       direct->qual == BAD_LINK && !here->qual;
}

static bool invd(u32 number, const struct oracle_record *direct,
		 const struct oracle_record *here)
{
	return direct->reason == R_INVD && here->reason == R_WBINVD;
}

static bool ran_in_both(const struct oracle_record *direct, const struct oracle_record *here)
{
	return direct->result == RESULT_EXIT && here->result == RESULT_EXIT;
}

static u64 dish_of(u32 number)
{
	return (vmcs_of(number)->val[V_GUEST_RIP] & 0xfff) / MENU_STRIDE;
}

static bool idt_error_code(u32 number, const struct oracle_record *direct,
			   const struct oracle_record *here)
{
	const u64 *v = vmcs_of(number)->val;
	u64 dish = dish_of(number);
	/* One that L1 does not want, and whose gate is beyond the IDT. */
	bool first = (v[V_EXCEPTIONS] & ALL_EXCEPTIONS) != ALL_EXCEPTIONS;

	return ran_in_both(direct, here) && direct->reason == R_EXCEPTION &&
	       here->reason == R_EXCEPTION && direct->qual == here->qual &&
	       direct->state == here->state &&
	       ((v[V_ENTRY_INTR_INFO] & EVENT_VALID) || dish == DISH_INT ||
		dish == DISH_INT3 || dish == DISH_INT_3 || first);
}

static bool svm_insn(u32 number, const struct oracle_record *direct,
		     const struct oracle_record *here)
{
	u64 dish = dish_of(number);

	return ran_in_both(direct, here) && direct->reason == R_EXCEPTION &&
	       here->reason == R_EXCEPTION && dish >= DISH_VMRUN && dish <= DISH_INVLPGA;
}

static bool rdtscp(u32 number, const struct oracle_record *direct,
		   const struct oracle_record *here)
{
	return ran_in_both(direct, here) && dish_of(number) == DISH_RDTSCP &&
	       here->reason == R_RDTSC && direct->reason != R_RDTSC;
}

static bool monitor(u32 number, const struct oracle_record *direct,
		    const struct oracle_record *here)
{
	return ran_in_both(direct, here) && dish_of(number) == DISH_MONITOR &&
	       direct->reason == R_MONITOR &&
	       (here->reason == R_EXCEPTION || here->reason == R_TRIPLE_FAULT);
}

static bool int1(u32 number, const struct oracle_record *direct,
		 const struct oracle_record *here)
{
	return ran_in_both(direct, here) && dish_of(number) == DISH_INT1;
}

static bool int3(u32 number, const struct oracle_record *direct,
		 const struct oracle_record *here)
{
	u64 dish = dish_of(number);

	return ran_in_both(direct, here) && direct->reason == R_EXCEPTION &&
	       (dish == DISH_INT3 || dish == DISH_INT_3 || dish == DISH_INT);
}

static bool double_fault(u32 number, const struct oracle_record *direct,
			 const struct oracle_record *here)
{
	return ran_in_both(direct, here) && direct->reason == R_EXCEPTION &&
	       here->reason == R_TRIPLE_FAULT;
}

static bool xsetbv(u32 number, const struct oracle_record *direct,
		   const struct oracle_record *here)
{
	return ran_in_both(direct, here) && dish_of(number) == DISH_XSETBV &&
	       direct->reason == R_EXCEPTION && here->reason == R_EXCEPTION;
}

/* #SS there, something else or nothing here. */
static bool stack(u32 number, const struct oracle_record *direct,
		  const struct oracle_record *here)
{
	u64 dish = dish_of(number);

	return ran_in_both(direct, here) && direct->reason == R_EXCEPTION &&
	       (dish == DISH_PUSHF || dish == DISH_IRET || dish == DISH_PUSH ||
		dish == DISH_RET);
}

static bool step_over_pause(u32 number, const struct oracle_record *direct,
			    const struct oracle_record *here)
{
	return ran_in_both(direct, here) && direct->reason == R_EXCEPTION &&
	       here->reason == R_HLT && dish_of(number) == DISH_PAUSE &&
	       (vmcs_of(number)->val[V_GUEST_RFLAGS] & RFLAGS_TF);
}

static bool general_detect(u32 number, const struct oracle_record *direct,
			   const struct oracle_record *here)
{
	return ran_in_both(direct, here) && direct->reason == R_EXCEPTION &&
	       direct->qual == DR6_BD && (vmcs_of(number)->val[V_GUEST_DR7] & DR7_GD);
}

static bool unfaulted(u32 number, const struct oracle_record *direct,
		      const struct oracle_record *here)
{
	u64 dish = dish_of(number);

	return ran_in_both(direct, here) && direct->reason == R_EXCEPTION &&
	       here->reason == R_HLT && (dish == DISH_CR8 || dish == DISH_LTR);
}

/* The two ended alike, but for L2's state. */
static bool only_state(const struct oracle_record *direct, const struct oracle_record *here)
{
	return ran_in_both(direct, here) && direct->reason == here->reason &&
	       direct->qual == here->qual && direct->detail == here->detail;
}

static bool step(u32 number, const struct oracle_record *direct,
		 const struct oracle_record *here)
{
	return only_state(direct, here) && direct->reason != R_EXCEPTION &&
	       (vmcs_of(number)->val[V_GUEST_RFLAGS] & RFLAGS_TF);
}

static bool resume_flag(u32 number, const struct oracle_record *direct,
			const struct oracle_record *here)
{
	return only_state(direct, here) &&
	       (vmcs_of(number)->val[V_GUEST_RFLAGS] & RFLAGS_RF);
}

static bool shadow(u32 number, const struct oracle_record *direct,
		   const struct oracle_record *here)
{
	return only_state(direct, here) && direct->reason == R_EXCEPTION &&
	       dish_of(number) == DISH_MOV_SS;
}

static bool dr7(u32 number, const struct oracle_record *direct,
		const struct oracle_record *here)
{
	return only_state(direct, here) && (vmcs_of(number)->val[V_GUEST_DR7] & DR7_BIT12);
}

static bool compat_rsp(u32 number, const struct oracle_record *direct,
		       const struct oracle_record *here)
{
	const u64 *v = vmcs_of(number)->val;

	return only_state(direct, here) && !(v[V_AR + S_CS] & AR_L) && v[V_GUEST_RSP] >> 32;
}

static bool long_tr(u32 number, const struct oracle_record *direct,
		    const struct oracle_record *here)
{
	return only_state(direct, here) && (vmcs_of(number)->val[V_AR + S_TR] & AR_L);
}

static bool real_mode(u32 number, const struct oracle_record *direct,
		      const struct oracle_record *here)
{
	return ran_in_both(direct, here) && !(vmcs_of(number)->val[V_GUEST_CR0] & CR0_PE) &&
	       direct->reason == here->reason && direct->qual == here->qual &&
	       (direct->detail == here->detail || direct->reason == R_EXCEPTION);
}

static bool triple_fault(u32 number, const struct oracle_record *direct,
			 const struct oracle_record *here)
{
	return direct->reason == R_TRIPLE_FAULT && here->reason == R_TRIPLE_FAULT;
}

static bool no_linear_address(u32 number, const struct oracle_record *direct,
			      const struct oracle_record *here)
{
	return direct->reason == R_EPT_VIOLATION && here->reason == R_EPT_VIOLATION &&
	       (direct->qual & 0x180) && (direct->qual & ~0x180ul) == here->qual;
}

const struct known known[] = {
	{ "smm_msr", "Bochs 2.7", "\"an MSR that can be written only in SMM\" fails the load",
	  smm_msr },
	{ "ucode_msr", "Bochs 2.7", "a processor may refuse to load IA32_BIOS_UPDT_TRIG: ours does",
	  ucode_msr },
	{ "odd_rip", "Bochs 2.7", "\"bits 63:N must be identical\" in a 64-bit RIP", odd_rip },
	{ "debugctl", "Bochs 2.7", "\"bits reserved in the IA32_DEBUGCTL MSR must be 0\"",
	  debugctl },
	{ "pending", "Bochs 2.7", "\"bits 63:17 [of the pending debug exceptions] must be 0\"",
	  pending },
	{ "no_msr", "Bochs 2.7", "an MSR that the processor does not have fails the load", no_msr },
	{ "pending_bs", "Bochs 2.7",
	  "\"BS must be [RFLAGS.TF and not IA32_DEBUGCTL.BTF]\" in a shadow", pending_bs },
	{ "cs_dpl", "Bochs 2.7", "\"[of non-conforming code] DPL must equal that of SS\"", cs_dpl },
	{ "cs_rpl", "Bochs 2.7", "nothing is asked of the RPL of CS of an unrestricted guest",
	  cs_rpl },
	{ "order", "Bochs 2.7", "of two violations either may be told", order },
	{ "general_detect", "QEMU 7.2", "DR7.GD has an effect", general_detect },
	{ "idt_error_code", "QEMU 7.2",
	  "the error code of a fault in the IDT is 8 times the vector, IDT and EXT",
	  idt_error_code },
	{ "svm_insn", "QEMU 7.2",
	  "an SVM instruction looks at its operand before it is intercepted", svm_insn },
	{ "rdtscp", "QEMU 7.2", "RDTSCP has an exit code of its own", rdtscp },
	{ "monitor", "QEMU 7.2", "MONITOR is intercepted before it looks at ECX", monitor },
	{ "int1", "QEMU 7.2", "INT1 is #DB, not #UD", int1 },
	{ "int3", "QEMU 7.2", "INT3 and INT n exit by the exception that they end in", int3 },
	{ "double_fault", "QEMU 7.2", "a #DF made of two faults exits like any exception",
	  double_fault },
	{ "xsetbv", "QEMU 7.2", "XSETBV is #UD without CR4.OSXSAVE, at each CPL", xsetbv },
	{ "stack", "QEMU 7.2", "stacks have limits, and those beyond or non-canonical are #SS",
	  stack },
	{ "step_over_pause", "QEMU 7.2", "a single step ends with PAUSE, too", step_over_pause },
	{ "unfaulted", "QEMU 7.2", "reserved bits of CR8, and LTR of a null selector, are #GP",
	  unfaulted },
	{ "real_mode", "Bochs 2.7",
	  "in real mode the type of CS is what was loaded, and exceptions have no error code",
	  real_mode },
	{ "step", "Bochs 2.7",
	  "an exit before an instruction ends leaves no single step pending", step },
	{ "resume_flag", "Bochs 2.7", "RFLAGS.RF lasts until an instruction has ended",
	  resume_flag },
	{ "shadow", "Bochs 2.7", "a fault does not end the shadow of MOV SS", shadow },
	{ "dr7", "Bochs 2.7", "bit 12 of DR7 is always 0", dr7 },
	{ "compat_rsp", "Bochs 2.7", "compatibility mode keeps the upper half of RSP",
	  compat_rsp },
	{ "long_tr", "Bochs 2.7", "TR's access rights are saved as they were loaded", long_tr },
	{ "triple_fault", "Bochs 2.7", "an exit by a triple fault saves the event under delivery",
	  triple_fault },
	{ "no_linear_address", "nestor", "a nested page fault has no linear address",
	  no_linear_address },
	{ "invd", "QEMU 7.2", "INVD has an exit code of its own", invd },
	{ 0 }
};
