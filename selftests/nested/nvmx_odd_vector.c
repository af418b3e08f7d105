// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM entry injects an exception with a vector that none has: it is delivered like any
 * other. SDM3 "VM-Entry Control Fields", "Vectored-Event Injection".
 */
#ifdef GUEST
#include "vmx_l1.h"

#define SECTION		"SDM3 \"Vectored-Event Injection\""
#define EVENT_PRIV_EXC	(5u << 8)
#define EVENT_SOFT_EXC	(6u << 8)

void l2_nothing(void);
asm(".globl l2_nothing\nl2_nothing: nop; nop; vmcall; ud2");

/* L2's IDT is empty: the delivery ends in #GP, and the exit tells of the event. */
static void inject(u32 event, u32 length)
{
	vmcs_make(l2_nothing);
	vmwrite(F_EXCEPTIONS, 1u << VEC_GP);
	vmwrite(F_GUEST_IDTR_LIMIT, 0);
	vmwrite(F_ENTRY_INTR_INFO, EVENT_VALID | event);
	vmwrite(F_ENTRY_INSN_LEN, length);
	l2_exits(R_EXCEPTION, "L2 exits");
	check((vmread(F_EXIT_INTR_INFO) & 0xff) == VEC_GP, "by #GP (%lx)",
	      vmread(F_EXIT_INTR_INFO));
	check(vmread(F_IDT_INFO) == (EVENT_VALID | event), "while %x was delivered (%lx)",
	      event, vmread(F_IDT_INFO));
	check(vmread(F_GUEST_RIP) == (u64)l2_nothing, "at the instruction (%lx)",
	      vmread(F_GUEST_RIP));
}

GUEST_CASE(exceptions, SECTION, .flags = CASE_VMX)
{
	if (!vmx_start())
		return;
	inject(EVENT_EXCEPTION | 31, 0);
	inject(EVENT_EXCEPTION | 9, 0);
	inject(EVENT_EXCEPTION | 2, 0);
}

GUEST_CASE(software_exceptions, SECTION, .flags = CASE_VMX)
{
	if (!vmx_start())
		return;
	inject(EVENT_SOFT_EXC | 0x4b, 1);
	inject(EVENT_SOFT_EXC | 31, 2);
	inject(EVENT_SOFT_EXC | 3, 1);
	inject(EVENT_SOFT_EXC | 7, 2);
	inject(EVENT_SOFT_EXC | 19, 1);
}

GUEST_CASE(privileged_exceptions, SECTION, .flags = CASE_VMX)
{
	if (!vmx_start())
		return;
	inject(EVENT_PRIV_EXC | 1, 1);
	inject(EVENT_PRIV_EXC | 22, 15);
	inject(EVENT_PRIV_EXC | 7, 1);
}
#else
#include "guest_test.h"
#endif
