// SPDX-License-Identifier: GPL-2.0-only
/*
 * System-management mode interrupts an L2 with SVM, and RSM goes back to it, also
 * in another machine; what the handler spoils ends by a shutdown.
 * APM2 "SMM Support".
 */
#include "smm_l2.h"

#ifdef GUEST
#include "svm.h"

struct l2_regs l2;

SMM_HANDLER(counting, "");
SMM_HANDLER(moving, "	outb %al, $0x99\n");
/* The ASID in the host save area, where no guest can have zero. */
SMM_HANDLER(spoiling, "	addr32 movl $0, 0x101058\n");

L2_CODE(sends, L2_SENDS_SMI "hlt");

static void check_back(u64 cr0, u64 cr4, u64 rsp)
{
	u64 after;

	run_to(EXIT_VMHLT, "L2 went on");
	asm volatile("mov %%rsp, %0" : "=r"(after));
	check(notes[0] == 1 && notes[1] == 1, "the handler ran once (%u, %u)", notes[0], notes[1]);
	check(l2.rbx == L2_MARK && l2.rdx == APIC_BASE, "with its registers (%lx, %lx)",
	      l2.rbx, l2.rdx);
	check(VMCB->cr4 == (cr4 ^ CR4_DE) && VMCB->cr3 == read_cr3(), "CR4 and CR3");
	check(VMCB->efer & EFER_SVME && VMCB->efer & EFER_LMA, "and EFER (%lx)", VMCB->efer);
	check(read_cr0() == cr0 && read_cr4() == cr4, "L1 has its own");
	check(after - rsp + 0x100 < 0x200, "RSP too");
}

static void interrupted(void)
{
	u64 rsp;

	vmcb_init(sends);
	want(I_HLT);
	VMCB->cr4 ^= CR4_DE;
	asm volatile("mov %%rsp, %0" : "=r"(rsp));
	check_back(read_cr0(), read_cr4(), rsp);
}

GUEST_CASE(comes_back, SMI, .flags = CASE_SVM | CASE_IRQCHIP)
{
	install(counting);
	interrupted();
	notes[0] = 0;
	notes[1] = 0;
	interrupted();
}

GUEST_CASE(moves_in_smm, SMI, .flags = CASE_SVM | CASE_IRQCHIP)
{
	install(moving);
	interrupted();
}

GUEST_CASE(intercepted, SMI, .flags = CASE_SVM | CASE_IRQCHIP)
{
	install(counting);
	vmcb_init(sends);
	want(I_SMI);
	run_to(0x62, "an L1 that wants SMIs has an exit first");
	check(VMCB->rip != (u64)sends && l2.rbx == L2_MARK, "while L2 waits");
	check(wait_for(notes[1] == 1, 100000), "and the handler runs in L1");
}

GUEST_CASE(spoiled, SMI, .flags = CASE_SVM | CASE_IRQCHIP, .ends = EXIT_SHUTDOWN)
{
	install(spoiling);
	vmcb_init(sends);
	want(I_HLT);
	check(true, "its own processor could not go back");
	vmrun();
	check(false, "L2 went on");
}
#endif
