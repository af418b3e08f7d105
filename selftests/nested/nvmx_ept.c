// SPDX-License-Identifier: GPL-2.0-only
/*
 * L2 under EPT: violations with their qualification, misconfigurations,
 * translation to other pages, accessed and dirty bits, INVEPT.
 * SDM3 "The Extended Page Table Mechanism (EPT)".
 */
#ifdef GUEST
#include "vmx_l1.h"

#define EPT_TEXT	"SDM3 \"The Extended Page Table Mechanism (EPT)\""
#define PAGE		(GUEST_SCRATCH + 0x200000)
#define OTHER_PAGE	(GUEST_SCRATCH + 0x300000)
#define V_READ		0x1
#define V_WRITE		0x2
#define V_GVA		0x180ul		/* linear address valid, and its own translation */

#define L2_CODE(name, body)						\
	void name(void);						\
	asm(".globl " #name "\n" #name ":\n\t" body "\n\tvmcall\n\tud2\n")

L2_CODE(l2_read, "movq (%rbx), %rax");
L2_CODE(l2_write, "movq %rax, (%rbx); movq (%rbx), %rcx");
L2_CODE(l2_call, "call *%rbx");

static bool start(void (*code)(void))
{
	if (!vmx_start())
		return false;
	if (!can(MSR_VMX_PROC2, PROC2_EPT)) {
		check(false, "EPT is offered");
		return false;
	}
	vmcs_make(code);
	vmwrite(F_EPTP, ept_make());
	proc2_set(PROC2_EPT);
	l2.rbx = PAGE;
	return true;
}

static void violation(u64 want, const char *what)
{
	u64 got;

	if (!l2_exits(R_EPT_VIOLATION, what))
		return;
	got = vmread(F_QUALIFICATION) & 0x1bf;
	check(vmread(F_GUEST_PHYSICAL) == PAGE, "its guest-physical address");
	if (!(got & V_GVA) && params()->host != HOST_VMX) {
		skip("SVM hardware does not tell the linear address");
		want &= ~V_GVA;
	} else {
		check(vmread(F_GUEST_LINEAR) == PAGE, "its linear address");
	}
	check(got == want, "its qualification (%lx)", got);
}

GUEST_CASE(identity, EPT_TEXT, .flags = CASE_VMX)
{
	if (!start(l2_write))
		return;
	l2.rax = 0x77;
	l2_exits(R_VMCALL, "an L2 behind EPT runs");
	check(*(volatile u64 *)PAGE == 0x77 && l2.rcx == 0x77, "its write is in memory");
}

GUEST_CASE(other_page, EPT_TEXT, .flags = CASE_VMX)
{
	volatile u64 *entry;

	if (!start(l2_read))
		return;
	*(volatile u64 *)PAGE = 1;
	*(volatile u64 *)OTHER_PAGE = 2;
	entry = ept_split(PAGE);
	*entry = OTHER_PAGE | 0x37;
	l2_exits(R_VMCALL, "an entry leads elsewhere");
	check(l2.rax == 2, "L2 reads from there");
	*entry = PAGE | 0x37;
	invept(1, vmread(F_EPTP), 0);
	vmwrite(F_GUEST_RIP, (u64)l2_read);
	l2_exits(R_VMCALL, "and after INVEPT");
	check(l2.rax == 1, "from its own page");
}

GUEST_CASE(violations, EPT_TEXT, .flags = CASE_VMX)
{
	volatile u64 *entry;

	if (!start(l2_write))
		return;
	entry = ept_split(PAGE);
	*entry = 0;
	violation(V_WRITE | V_GVA, "write, not present");
	*entry = PAGE | 0x35;
	invept(1, vmread(F_EPTP), 0);
	violation(V_WRITE | 5 << 3 | V_GVA, "write, readable and executable");
	*entry = PAGE | 0x37;
	invept(1, vmread(F_EPTP), 0);
	l2_exits(R_VMCALL, "with all rights it goes on");
	vmcs_make(l2_read);
	vmwrite(F_EPTP, ept_make());
	proc2_set(PROC2_EPT);
	*ept_split(PAGE) = 0;
	invept(2, 0, 0);
	violation(V_READ | V_GVA, "read, not present");
	vmcs_make(l2_call);
	vmwrite(F_EPTP, ept_make());
	proc2_set(PROC2_EPT);
	*ept_split(PAGE) = PAGE | 0x33;
	invept(2, 0, 0);
	violation(4 | 3 << 3 | V_GVA, "fetch, not executable");
}

GUEST_CASE(misconfiguration, EPT_TEXT, .flags = CASE_VMX)
{
	if (!start(l2_read))
		return;
	*ept_split(PAGE) = PAGE | 0x32;
	l2_exits(R_EPT_MISCONFIG, "writable and not readable");
	check(vmread(F_GUEST_PHYSICAL) == PAGE, "its address");
}

GUEST_CASE(accessed_dirty, "SDM3 \"Accessed and Dirty Flags for EPT\"", .flags = CASE_VMX)
{
	volatile u64 *entry;

	if (!start(l2_read))
		return;
	if (!(rdmsr(MSR_VMX_EPT_VPID) & (1 << 21))) {
		check(false, "accessed and dirty flags are offered");
		return;
	}
	vmwrite(F_EPTP, vmread(F_EPTP) | 0x40);
	entry = ept_split(PAGE);
	l2_exits(R_VMCALL, "a read");
	check((*entry & 0x300) == 0x100, "sets accessed alone (%lx)", *entry);
	vmwrite(F_GUEST_RIP, (u64)l2_write);
	l2_exits(R_VMCALL, "a write");
	check((*entry & 0x300) == 0x300, "sets dirty (%lx)", *entry);
}

GUEST_CASE(vpid, "SDM3 \"Virtual Processor Identifiers\"", .flags = CASE_VMX)
{
	if (!start(l2_write))
		return;
	proc2_set(PROC2_VPID);
	vmwrite(F_VPID, 0);
	check(l2_run() == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS, "VPID 0 is refused");
	vmwrite(F_VPID, 5);
	l2_exits(R_VMCALL, "VPID 5 is not");
}
#else
#include "guest_test.h"
#endif
