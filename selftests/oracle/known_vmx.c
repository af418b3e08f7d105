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
#define MSR_BIOS_UPDT_TRIG	0x79
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
	const u64 *v = vmcs_of(number)->val;

	return only_here_refused(direct, here, REFUSED_STATE) &&
	       (v[V_ENTRY_CTLS] & ENTRY_LOAD_DEBUG) &&
	       (v[V_GUEST_DEBUGCTL] & DEBUGCTL_BOCHS_TAKES);
}

static bool pending(u32 number, const struct oracle_record *direct,
		    const struct oracle_record *here)
{
	return only_here_refused(direct, here, REFUSED_STATE) &&
	       (vmcs_of(number)->val[V_GUEST_PENDING] & PENDING_RESERVED);
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
	u64 dish = dish_of(number);

	return ran_in_both(direct, here) && direct->reason == R_EXCEPTION &&
	       here->reason == R_EXCEPTION && direct->qual == here->qual &&
	       direct->state == here->state &&
	       ((vmcs_of(number)->val[V_ENTRY_INTR_INFO] & EVENT_VALID) || dish == DISH_INT ||
		dish == DISH_INT3 || dish == DISH_INT_3);
}

static bool svm_insn(u32 number, const struct oracle_record *direct,
		     const struct oracle_record *here)
{
	u64 dish = dish_of(number);

	return ran_in_both(direct, here) && direct->reason == R_EXCEPTION &&
	       here->reason == R_EXCEPTION && dish >= DISH_VMRUN && dish <= DISH_VMSAVE;
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
	       direct->reason == R_MONITOR && here->reason == R_EXCEPTION;
}

static bool real_mode(u32 number, const struct oracle_record *direct,
		      const struct oracle_record *here)
{
	return ran_in_both(direct, here) && !(vmcs_of(number)->val[V_GUEST_CR0] & CR0_PE) &&
	       direct->reason == here->reason && direct->qual == here->qual &&
	       direct->detail == here->detail;
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
	{ "idt_error_code", "QEMU 7.2",
	  "the error code of a fault in the IDT is 8 times the vector, IDT and EXT",
	  idt_error_code },
	{ "svm_insn", "QEMU 7.2",
	  "an SVM instruction looks at its operand before it is intercepted", svm_insn },
	{ "rdtscp", "QEMU 7.2", "RDTSCP has an exit code of its own", rdtscp },
	{ "monitor", "QEMU 7.2", "MONITOR is intercepted before it looks at ECX", monitor },
	{ "real_mode", "Bochs 2.7", "the type of CS in real mode is what was loaded", real_mode },
	{ "triple_fault", "Bochs 2.7", "an exit by a triple fault saves the event under delivery",
	  triple_fault },
	{ "no_linear_address", "nestor", "a nested page fault has no linear address",
	  no_linear_address },
	{ "invd", "QEMU 7.2", "INVD has an exit code of its own", invd },
	{ 0 }
};
