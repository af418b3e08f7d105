// SPDX-License-Identifier: GPL-2.0-only
/*
 * System-management mode interrupts an L2 with VMX, and RSM goes back to it, also in
 * another machine; registers that no L2 can have end it.
 * SDM3 "Default Treatment of SMI Delivery", "Default Treatment of RSM".
 */
#include "smm_l2.h"

#ifdef GUEST
#include "vmx_l1.h"

SMM_HANDLER(counting, "");
SMM_HANDLER(moving, "	outb %al, $0x99\n");
/* CR0 in SMRAM: without NE, which VMX operation wants. */
SMM_HANDLER(spoiling, "	addr32 movl $0x80000011, 0x3ff58\n");

void l2_sends(void);
asm(".globl l2_sends\nl2_sends:\n" L2_SENDS_SMI
	"mov %rbx, 0x6010\nmov %rdx, 0x6018\nvmcall\nud2");

static const volatile u64 *const l2_saw = (u64 *)(NOTES + 0x10);

static void interrupted(void)
{
	u64 cr0 = READ_CR(0), cr4 = READ_CR(4);

	vmcs_make(l2_sends);
	l2_exits(R_VMCALL, "L2 went on");
	check(notes[0] == 1 && notes[1] == 1, "the handler ran once (%u, %u)", notes[0], notes[1]);
	check(l2_saw[0] == L2_MARK && l2_saw[1] == APIC_BASE, "with its registers (%lx, %lx)",
	      l2_saw[0], l2_saw[1]);
	check(READ_CR(0) == cr0 && READ_CR(4) == cr4, "L1 has its own");
	check(vmread(F_HOST_CR0) == cr0, "and its VMCS");
}

GUEST_CASE(comes_back, SMI, .flags = CASE_VMX | CASE_IRQCHIP)
{
	install(counting);
	if (!vmx_start())
		return;
	interrupted();
	notes[0] = 0;
	notes[1] = 0;
	interrupted();
}

GUEST_CASE(moves_in_smm, SMI, .flags = CASE_VMX | CASE_IRQCHIP)
{
	install(moving);
	if (vmx_start())
		interrupted();
}

GUEST_CASE(spoiled, "SDM3 \"Default Treatment of RSM\"", .flags = CASE_VMX | CASE_IRQCHIP)
{
	install(spoiling);
	if (!vmx_start())
		return;
	vmcs_make(l2_sends);
	l2_exits(R_TRIPLE_FAULT, "an L2 that no VM entry would take");
	check(notes[1] == 1, "behind RSM (%u)", notes[1]);
}
#endif
