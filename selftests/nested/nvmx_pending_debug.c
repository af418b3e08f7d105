// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug exceptions that were pending when L2's state was saved come before its first
 * instruction, unless an event is injected or they have to wait.
 * SDM3 "Delivery of Pending Debug Exceptions after VM Entry".
 */
#ifdef GUEST
#include "vmx_l1.h"

#define SECTION		"SDM3 \"Delivery of Pending Debug Exceptions after VM Entry\""
#define PENDING_BS	(1ul << 14)
#define PENDING_ENABLED	(1ul << 12)
#define BLOCKED_MOV_SS	2

void l2_calls(void);
asm(".globl l2_calls\nl2_calls: nop; vmcall; ud2");

static bool start(u64 pending)
{
	if (!vmx_start())
		return false;
	vmcs_make(l2_calls);
	vmwrite(F_EXCEPTIONS, 1u << VEC_DB | 1u << VEC_GP);
	vmwrite(F_GUEST_PENDING, pending);
	return true;
}

static void exits_as_debug(u64 qualification)
{
	l2_exits(R_EXCEPTION, "L2 exits");
	check((vmread(F_EXIT_INTR_INFO) & 0xff) == VEC_DB, "by a debug exception (%lx)",
	      vmread(F_EXIT_INTR_INFO));
	check(vmread(F_QUALIFICATION) == qualification, "with what was pending (%lx)",
	      vmread(F_QUALIFICATION));
	check(vmread(F_GUEST_RIP) == (u64)l2_calls, "before its first instruction");
}

GUEST_CASE(single_step, SECTION, .flags = CASE_VMX)
{
	if (!start(PENDING_BS))
		return;
	exits_as_debug(PENDING_BS);
	vmwrite(F_GUEST_PENDING, 0);
	l2_exits(R_VMCALL, "and goes on");
}

GUEST_CASE(breakpoint, SECTION, .flags = CASE_VMX)
{
	if (start(PENDING_ENABLED | 5))
		exits_as_debug(5);
}

GUEST_CASE(not_enabled, SECTION, .flags = CASE_VMX)
{
	if (start(5))
		l2_exits(R_VMCALL, "a breakpoint that is not enabled is none");
}

GUEST_CASE(behind_mov_ss, SECTION, .flags = CASE_VMX)
{
	if (!start(0))
		return;
	vmwrite(F_GUEST_INTR_STATE, BLOCKED_MOV_SS);
	vmwrite(F_GUEST_RFLAGS, 2 | RFLAGS_TF);
	vmwrite(F_GUEST_PENDING, PENDING_BS);
	if (emulator_fault(HOST_SVM, "VMRUN ignores INTERRUPT_SHADOW"))
		return;
	l2_exits(R_EXCEPTION, "L2 exits");
	check(vmread(F_GUEST_RIP) == (u64)l2_calls + 1, "behind its first instruction (%lx)",
	      vmread(F_GUEST_RIP));
}

static volatile u32 seen;

static void see(struct frame *frame)
{
	seen++;
}

GUEST_CASE(left_behind, SECTION, .flags = CASE_VMX)
{
	if (!start(0))
		return;
	vmwrite(F_EXCEPTIONS, 0);
	vmwrite(F_GUEST_RIP, (u64)l2_calls + 1);
	vmwrite(F_GUEST_RFLAGS, 2 | RFLAGS_TF);
	trap_hook[VEC_DB] = see;
	l2_exits(R_VMCALL, "L2 exits while it steps itself");
	check(!seen, "and L1 has no debug exception of that");
}
#else
#include "guest_test.h"
#endif
