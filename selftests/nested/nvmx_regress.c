// SPDX-License-Identifier: GPL-2.0-only
/*
 * What went wrong elsewhere below an L1 that uses VMX, each by its name:
 * things that must end with the nested state that they belong to, and addresses
 * of L1's that lead nowhere.
 */
#ifdef GUEST
#include "apic.h"
#include "vmx_l1.h"

/* Neither memory nor a device that answers. */
#define NOWHERE		0xe0000000ul
#define VAPIC		(GUEST_SCRATCH + 0x20000)
#define ACCESS		(GUEST_SCRATCH + 0x21000)
#define NOTIFICATION	0xf2
#define TIMER_TICKS	200000

#define L2_CODE(name, body)						\
	void name(void);						\
	asm(".globl " #name "\n" #name ":\n\t" body "\n\tvmcall\n\tud2\n")

L2_CODE(l2_nothing, "nop");
L2_CODE(l2_spin, "1: pause; jmp 1b");
L2_CODE(l2_open, "sti; nop; nop");
L2_CODE(l2_read, "movl (%rbx), %eax");

static void wait_ticks(u64 ticks)
{
	u64 until = rdtsc() + (ticks << (rdmsr(MSR_VMX_MISC) & MISC_TIMER_RATE)) * 4;

	while (rdtsc() < until)
		asm volatile("pause");
}

/* Each way out of L2 with the timer running, and out of VMX operation. */
GUEST_CASE(cve_2019_7221, "the preemption timer dies with the nested state",
	   .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!vmx_start())
		return;
	vmcs_make(l2_nothing);
	vmwrite(F_PIN, allowed(MSR_VMX_TRUE_PIN, PIN_TIMER));
	vmwrite(F_TIMER, TIMER_TICKS);
	l2_exits(R_VMCALL, "L2 ends before its timer");
	wait_ticks(TIMER_TICKS);
	vmwrite(F_PIN, allowed(MSR_VMX_TRUE_PIN, 0));
	vmwrite(F_GUEST_RIP, (u64)l2_nothing);
	l2_exits(R_VMCALL, "which is over when it goes on without");
	vmcs_make(l2_nothing);
	vmwrite(F_PIN, allowed(MSR_VMX_TRUE_PIN, PIN_TIMER));
	vmwrite(F_TIMER, TIMER_TICKS);
	l2_exits(R_VMCALL, "another timer");
	vmclear(VMCS_REGION);
	check(vmxoff() == VMX_OK, "VMXOFF");
	wait_ticks(TIMER_TICKS);
	check(vmxon(VMXON_REGION) == VMX_OK, "VMXON again");
	vmcs_make(l2_spin);
	vmwrite(F_PIN, allowed(MSR_VMX_TRUE_PIN, PIN_EXTINT));
	apic_enable();
	apic_send(0, ICR_SELF | NOTIFICATION);
	l2_exits(R_EXTINT, "an L2 without a timer ends by what it should");
}

GUEST_CASE(cve_2018_16882, "the posted-interrupt descriptor may lie nowhere",
	   .flags = CASE_VMX | CASE_IRQCHIP)
{
	u32 count = 0;

	if (!vmx_start())
		return;
	memset((void *)VAPIC, 0, PAGE_SIZE);
	vmcs_make(l2_open);
	proc_set(PROC_TPR_SHADOW);
	proc2_set(PROC2_VIRQ);
	vmwrite(F_VAPIC, VAPIC);
	vmwrite(F_TPR_THRESHOLD, 0);
	vmwrite(F_EXIT_CTLS, vmread(F_EXIT_CTLS) | EXIT_ACK_IRQ);
	vmwrite(F_PIN, allowed(MSR_VMX_TRUE_PIN, PIN_EXTINT | PIN_POSTED));
	vmwrite(F_POSTED_VECTOR, NOTIFICATION);
	vmwrite(F_POSTED_DESC, NOWHERE);
	vmwrite(F_INTR_STATUS, 0);
	apic_enable();
	apic_send(0, ICR_SELF | NOTIFICATION);
	l2_exits(R_VMCALL, "a notification with no descriptor behind it");
	for (u32 i = 0; i < ARRAY_SIZE(irq_count); i++)
		count += irq_count[i];
	check(!count && !vmread(F_INTR_STATUS), "brings L2 nothing (%u, %lx)", count,
	      vmread(F_INTR_STATUS));
}

GUEST_CASE(cve_2026_64562, "VMCLEAR retires all that was kept of a VMCS", .flags = CASE_VMX)
{
	u64 value = 0;

	if (!vmx_start())
		return;
	vmptrld(VMCS_REGION);
	vmwrite(F_GUEST_RIP, 0x1111);
	vmwrite(F_TSC_OFFSET, 0x2222);
	check(vmclear(VMCS_REGION) == VMX_OK, "VMCLEAR of the current VMCS");
	check(vmread_flags(F_GUEST_RIP, &value) == VMX_INVALID, "it cannot be read any more");
	check(vmwrite(F_GUEST_RIP, 1) == VMX_INVALID, "nor written");
	/* Its region is plain memory now: another VMCS is copied over it. */
	vmptrld(OTHER_REGION);
	vmwrite(F_GUEST_RIP, 0x3333);
	vmwrite(F_TSC_OFFSET, 0x4444);
	vmclear(OTHER_REGION);
	memcpy((void *)VMCS_REGION, (void *)OTHER_REGION, PAGE_SIZE);
	vmptrld(VMCS_REGION);
	check(vmread(F_GUEST_RIP) == 0x3333 && vmread(F_TSC_OFFSET) == 0x4444,
	      "what is in memory counts (%lx, %lx)", vmread(F_GUEST_RIP), vmread(F_TSC_OFFSET));
}

GUEST_CASE(cve_2026_68081, "a failed entry keeps none of its pages",
	   .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!vmx_start())
		return;
	memset((void *)VAPIC, 0, 2 * PAGE_SIZE);
	*(volatile u32 *)(ACCESS + APIC_VERSION) = 0x1234;
	vmcs_make(l2_read);
	proc_set(PROC_TPR_SHADOW);
	proc2_set(PROC2_APIC_ACCESS);
	vmwrite(F_VAPIC, VAPIC);
	vmwrite(F_TPR_THRESHOLD, 0);
	vmwrite(F_APIC_ACCESS, ACCESS);
	for (int i = 0; i < 100; i++) {
		vmwrite(F_GUEST_RFLAGS, 0);
		if (l2_run() != VMX_OK ||
		    vmread(F_EXIT_REASON) != (REASON_ENTRY_FAILED | R_BAD_STATE)) {
			check(false, "the entry fails");
			return;
		}
	}
	*(volatile u32 *)(ACCESS + APIC_VERSION) += 1;
	check(*(volatile u32 *)(ACCESS + APIC_VERSION) == 0x1235, "L1 has its memory");
	vmwrite(F_GUEST_RFLAGS, 2);
	vmwrite(F_PROC2, 0);
	l2.rbx = ACCESS + APIC_VERSION;
	l2_exits(R_VMCALL, "so has an L2 without an APIC-access page");
	check((u32)l2.rax == 0x1235, "there (%lx)", l2.rax);
}

/* The exit loads a CR3 whose tables are nowhere: L1 cannot even take a fault. */
GUEST_CASE(cve_2026_99176, "a CR3 that L1 cannot run with", .flags = CASE_VMX,
	   .ends = EXIT_SHUTDOWN)
{
	if (!vmx_start())
		return;
	vmcs_make(l2_nothing);
	vmwrite(F_HOST_CR3, NOWHERE);
	check(true, "L1 is to shut down");
	l2_run();
	check(false, "it does not go on");
}
#else
#include "guest_test.h"
#endif
