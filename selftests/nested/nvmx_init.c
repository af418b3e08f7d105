// SPDX-License-Identifier: GPL-2.0-only
/*
 * INIT and start-up messages while L2 runs: an INIT is an exit, and gone with
 * it; a start-up message that nobody waits for is nothing.
 * SDM3 "Other Causes of VM Exits", "Event Blocking".
 */
#ifdef GUEST
#include "apic.h"
#include "vmx_l1.h"

#define OTHER_CAUSES	"SDM3 \"Other Causes of VM Exits\""
#define R_INIT		3
#define SELF_INIT	0x4500
#define SELF_STARTUP	0x4608

/* L2 writes its CPU's own interrupt command: RBX says which. */
void l2_sends(void);
asm(".globl l2_sends\nl2_sends:\n\t"
	"movl $0xfee00310, %ecx; movl %eax, (%rcx);"
	"movl $0xfee00300, %ecx; movl %ebx, (%rcx);"
	"nop; nop; vmcall; ud2");

static bool start(u32 command)
{
	if (!vmx_start())
		return false;
	vmcs_make(l2_sends);
	l2.rax = mmio_read(APIC_BASE + APIC_ID);
	l2.rbx = command;
	return true;
}

GUEST_CASE(init_exits, OTHER_CAUSES, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(SELF_INIT))
		return;
	l2_exits(R_INIT, "INIT exits");
	check(READ_CR(4) & CR4_VMXE, "L1 was not reset");
	l2_exits(R_VMCALL, "it is not pending any more");
}

GUEST_CASE(startup_is_ignored, OTHER_CAUSES, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (start(SELF_STARTUP))
		l2_exits(R_VMCALL, "a start-up message does not exit");
}

GUEST_CASE(startup_is_ignored_in_root, OTHER_CAUSES, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(SELF_STARTUP))
		return;
	mmio_write(APIC_BASE + APIC_ICR_HIGH, l2.rax);
	mmio_write(APIC_BASE + APIC_ICR, SELF_STARTUP);
	l2.rbx = SELF_INIT;
	l2_exits(R_INIT, "nor does one to L1, which the INIT after it shows");
	l2_exits(R_VMCALL, "and no reset came of both");
}
#else
#include "guest_test.h"
#endif
