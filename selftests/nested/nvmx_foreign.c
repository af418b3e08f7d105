// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercall instruction of the other vendor is undefined in L2, and reaches
 * nobody: neither L1 nor the hypervisor below. SDM2 "UD - Undefined Instruction".
 */
#ifdef GUEST
#include "vmx_l1.h"

void l2_vmmcall(void);
asm(".globl l2_vmmcall\nl2_vmmcall: vmmcall; vmcall; ud2");

GUEST_CASE(vmmcall, "SDM2 \"UD - Undefined Instruction\"", .flags = CASE_VMX)
{
	if (!vmx_start())
		return;
	vmcs_make(l2_vmmcall);
	vmwrite(F_EXCEPTIONS, 1u << VEC_UD);
	l2_exits(R_EXCEPTION, "VMMCALL in L2 exits");
	check((vmread(F_EXIT_INTR_INFO) & 0xff) == VEC_UD, "by #UD (%lx)",
	      vmread(F_EXIT_INTR_INFO));
	check(vmread(F_GUEST_RIP) == (u64)l2_vmmcall, "at the instruction");
}
#else
#include "guest_test.h"
#endif
