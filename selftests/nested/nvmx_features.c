// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hypervisor may have beyond the basic VM exits: the monitor trap flag, the
 * wait-for-SIPI state, the log of dirty pages, VM functions, a shadow VMCS, TSC
 * scaling, and what INS and OUTS tell.
 */
#ifdef GUEST
#include "apic.h"
#include "vmx_l1.h"

#define MTF_TEXT	"SDM3 \"Monitor Trap Flag\""
#define SIPI_TEXT	"SDM3 \"Other Causes of VM Exits\""
#define PML_TEXT	"SDM3 \"Page-Modification Logging\""
#define VMFUNC_TEXT	"SDM3 \"VM Functions\""
#define SHADOW_TEXT	"SDM3 \"Changes to Instruction Behavior in VMX Non-Root Operation\""
#define TSC_TEXT	"SDM3 \"TSC Scaling\""
#define IO_TEXT		"SDM3 \"VM-Exit Instruction Information\""

#define PAGE		(GUEST_SCRATCH + 0x200000)
#define OTHER_PAGE	(GUEST_SCRATCH + 0x400000)
#define PML_PAGE	(GUEST_SCRATCH + 0x20000)
#define EPTP_LIST	(GUEST_SCRATCH + 0x21000)
#define SHADOW_REGION	(GUEST_SCRATCH + 0x22000)
#define BITMAP_PAGES	(GUEST_SCRATCH + 0x23000)
#define OTHER_EPT	(GUEST_SCRATCH + 0x28000)
#define EPT_DIRTY	(1ul << 9)
#define EPTP_AD		(1ul << 6)
#define VECTOR		0x50

/* L2 code in one piece of assembly: what a compiler adds would be in the way. */
#define L2_CODE(name, body)						\
	void name(void);						\
	asm(".globl " #name "\n" #name ":\n\t" body "\n\tvmcall\n\tud2\n")

L2_CODE(l2_steps, "incl %eax; l2_second: cpuid; l2_third: pushq %rax; popq %rax; nop");
L2_CODE(l2_nop, "nop; nop; nop");
L2_CODE(l2_write, "movq %rax, (%rbx); movq %rax, 4096(%rbx); movq %rax, 8192(%rbx)");
L2_CODE(l2_vmfunc, ".byte 0x0f, 0x01, 0xd4; movq (%rbx), %rdx");
L2_CODE(l2_vmread, "vmread %rax, %rdx; pushfq; popq %rsi; vmwrite %rdx, %rcx; pushfq; popq %rdi");
L2_CODE(l2_tsc, "rdtsc; movl %eax, %esi; movl %edx, %edi");
L2_CODE(l2_tsc_msr, "movl $0x10, %ecx; rdmsr");
L2_CODE(l2_outs, "rep outsb; fs outsw; addr32 insl");

extern u8 l2_second[], l2_third[];

static bool start(void (*code)(void), u32 proc, u32 proc2)
{
	if (!vmx_start())
		return false;
	if (!can(MSR_VMX_TRUE_PROC, proc) || !can(MSR_VMX_PROC2, proc2))
		return check(false, "the controls are offered");
	vmcs_make(code);
	if (proc)
		proc_set(proc);
	if (proc2)
		proc2_set(proc2);
	return true;
}

static void ends(const char *what)
{
	l2_exits(R_VMCALL, what);
}

static void at(const void *where, const char *what)
{
	if (vmread(F_GUEST_RIP) != (u64)where)
		note("RIP %lx", vmread(F_GUEST_RIP));
	check(vmread(F_GUEST_RIP) == (u64)where, "%s", what);
}

GUEST_CASE(monitor_trap, MTF_TEXT, .flags = CASE_VMX)
{
	if (!start(l2_steps, PROC_MTF, 0))
		return;
	l2.rax = 1;
	l2_exits(R_MTF, "an exit behind an instruction");
	at(l2_second, "behind it");
	check((u32)l2.rax == 2, "which is done");
	check(!(vmread(F_GUEST_RFLAGS) & RFLAGS_TF), "RFLAGS.TF is as it was");
	l2_exits(R_CPUID, "an instruction that exits does that");
	l2_skip();
	l2_exits(R_MTF, "an instruction on the stack");
	at(l2_third + 1, "PUSH");
	l2_exits(R_MTF, "and the next");
	at(l2_third + 2, "POP");
	vmwrite(F_PROC, vmread(F_PROC) & ~PROC_MTF);
	ends("until L1 clears the flag");
}

GUEST_CASE(monitor_trap_event, MTF_TEXT, .flags = CASE_VMX)
{
	u64 *idt, handler;

	if (!start(l2_nop, PROC_MTF, 0))
		return;
	idt = (u64 *)vmread(F_GUEST_IDTR_BASE);
	handler = (idt[2 * VECTOR] & 0xffff) | (idt[2 * VECTOR] >> 48) << 16 |
		  idt[2 * VECTOR + 1] << 32;
	vmwrite(F_ENTRY_INTR_INFO, EVENT_VALID | VECTOR);
	vmwrite(F_GUEST_RFLAGS, 0x202);
	l2_exits(R_MTF, "the delivery of an interrupt");
	at((void *)handler, "before the handler's first instruction");
	check(!(*(u64 *)(vmread(F_GUEST_RSP) + 16) & RFLAGS_TF), "nothing shows on the stack");
	vmwrite(F_PROC, vmread(F_PROC) & ~PROC_MTF);
	ends("L2 returns from it");
	vmwrite(F_GUEST_RIP, (u64)l2_nop);
	vmwrite(F_ENTRY_INTR_INFO, EVENT_VALID | EVENT_OTHER);
	l2_exits(R_MTF, "a pending MTF VM exit that is injected");
	at(l2_nop, "comes before the first instruction");
}

static void send_sipi(void)
{
	apic_enable();
	while (!*(volatile u32 *)PML_PAGE)
		;
	for (int i = 0; i < 1000; i++)
		*(volatile u32 *)(PML_PAGE + 8) = i;
	apic_send(0, ICR_INIT | ICR_ASSERT);
	for (int i = 0; i < 1000; i++)
		*(volatile u32 *)(PML_PAGE + 8) = i;
	apic_send(0, ICR_STARTUP | ICR_ASSERT | 0x35);
}

GUEST_CASE(wait_for_sipi, SIPI_TEXT, .flags = CASE_VMX | CASE_IRQCHIP, .cpus = 2,
	   .ap = send_sipi)
{
	if (!start(l2_nop, 0, 0))
		return;
	check(rdmsr(MSR_VMX_MISC) & (1 << 8), "the activity state is offered");
	vmwrite(F_GUEST_ACTIVITY, 3);
	vmwrite(F_ENTRY_INTR_INFO, EVENT_VALID | VECTOR);
	l2_run();
	check(vmread(F_EXIT_REASON) == (REASON_ENTRY_FAILED | R_BAD_STATE),
	      "no event can be injected into it");
	vmwrite(F_ENTRY_INTR_INFO, 0);
	*(volatile u32 *)PML_PAGE = 1;
	l2_exits(R_SIPI, "L2 waits for a start-up message of another CPU");
	check(vmread(F_QUALIFICATION) == 0x35, "its vector");
	at(l2_nop, "no instruction was carried out");
	check(vmread(F_GUEST_ACTIVITY) == 3, "the state is saved");
	vmwrite(F_GUEST_ACTIVITY, 0);
	ends("L2 can run then");
}

GUEST_CASE(dirty_log, PML_TEXT, .flags = CASE_VMX)
{
	volatile u64 *log = (u64 *)PML_PAGE, *entry;

	if (!start(l2_write, 0, PROC2_EPT | PROC2_PML))
		return;
	vmwrite(F_EPTP, ept_make() | EPTP_AD);
	entry = ept_split(PAGE);
	vmwrite(F_PML_ADDRESS, PML_PAGE + 8);
	check(l2_run() == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS, "an unaligned log");
	vmwrite(F_PML_ADDRESS, PML_PAGE);
	/* What L2 needs itself becomes dirty, too. */
	vmwrite(F_PML_INDEX, 511);
	l2.rbx = OTHER_PAGE;
	ends("a first run");
	check(vmread(F_PML_INDEX) < 511, "logs something");
	memset((void *)PML_PAGE, 0, PAGE_SIZE);
	vmwrite(F_GUEST_RIP, (u64)l2_write);
	vmwrite(F_PML_INDEX, 511);
	l2.rbx = PAGE + 0x18;
	ends("writes to three clean pages");
	check(vmread(F_PML_INDEX) == 508, "make three entries (%lx)", vmread(F_PML_INDEX));
	check(log[511] == PAGE && log[510] == PAGE + PAGE_SIZE && log[509] == PAGE + 2 * PAGE_SIZE,
	      "with the pages' addresses");
	check((entry[0] & EPT_DIRTY) && (entry[2] & EPT_DIRTY), "which are dirty then");
	vmwrite(F_GUEST_RIP, (u64)l2_write);
	ends("writes to dirty pages");
	check(vmread(F_PML_INDEX) == 508, "make none");
	entry[0] &= ~EPT_DIRTY;
	entry[1] &= ~EPT_DIRTY;
	invept(2, 0, 0);
	vmwrite(F_PML_INDEX, 0);
	vmwrite(F_GUEST_RIP, (u64)l2_write);
	l2_exits(R_PML_FULL, "a full log exits");
	check(vmread(F_PML_INDEX) == 0xffff && log[0] == PAGE, "behind its last entry");
	check(!(entry[1] & EPT_DIRTY), "before the next page is dirty");
	vmwrite(F_PML_INDEX, 10);
	ends("and then L2 goes on");
	check(log[10] == PAGE + PAGE_SIZE, "with the write that waited");
}

GUEST_CASE(eptp_switching, VMFUNC_TEXT, .flags = CASE_VMX)
{
	volatile u64 *list = (u64 *)EPTP_LIST, *other = (u64 *)OTHER_EPT, eptp;

	if (!start(l2_vmfunc, 0, PROC2_EPT | PROC2_VMFUNC))
		return;
	check(rdmsr(0x491) == 1, "IA32_VMX_VMFUNC");
	eptp = ept_make();
	memset((void *)EPTP_LIST, 0, PAGE_SIZE);
	memcpy((void *)OTHER_EPT, (void *)EPT_TABLES, 6 * PAGE_SIZE);
	other[0] = (OTHER_EPT + PAGE_SIZE) | 7;
	other[512] = (OTHER_EPT + 2 * PAGE_SIZE) | 7;
	other[1024 + (PAGE >> 21)] = (OTHER_PAGE & ~0x1ffffful) | 0xb7;
	*(volatile u64 *)PAGE = 0x1111;
	*(volatile u64 *)((OTHER_PAGE & ~0x1ffffful) | (PAGE & 0x1fffff)) = 0x2222;
	list[0] = eptp;
	list[5] = OTHER_EPT | 0x1e;
	list[6] = OTHER_EPT | 0x80;
	vmwrite(F_EPTP, eptp);
	vmwrite(F_EPTP_LIST, EPTP_LIST);
	vmwrite(F_VMFUNCS, 2);
	check(l2_run() == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS, "an unknown function");
	vmwrite(F_VMFUNCS, 1);
	l2.rbx = PAGE;
	l2.rax = 0;
	l2.rcx = 5;
	ends("VMFUNC 0 does not exit");
	check(l2.rdx == 0x2222, "L2 sees through the other EPT");
	check(vmread(F_EPTP) == (OTHER_EPT | 0x1e), "the field says so");
	vmwrite(F_GUEST_RIP, (u64)l2_vmfunc);
	l2.rcx = 0;
	ends("back");
	check(l2.rdx == 0x1111, "to the first one");
	vmwrite(F_GUEST_RIP, (u64)l2_vmfunc);
	l2.rcx = 6;
	l2_exits(R_VMFUNC, "a bad EPT pointer exits");
	check(vmread(F_EXIT_INSN_LEN) == 3, "it is 3 bytes long");
	l2.rcx = 512;
	l2_exits(R_VMFUNC, "so does an index beyond the list");
	l2.rax = 1;
	l2.rcx = 0;
	l2_exits(R_VMFUNC, "and a function that L1 does not allow");
	vmwrite(F_EXCEPTIONS, 1u << VEC_UD);
	l2.rax = 64;
	l2_exits(R_EXCEPTION, "function 64 is none");
	check((vmread(F_EXIT_INTR_INFO) & 0xff) == VEC_UD, "#UD");
	l2.rax = 0;
	vmwrite(F_PROC2, vmread(F_PROC2) & ~PROC2_VMFUNC);
	l2_exits(R_EXCEPTION, "without the control");
	check((vmread(F_EXIT_INTR_INFO) & 0xff) == VEC_UD, "#UD as well");
}

static void bitmap_bit(u64 page, u32 field, bool on)
{
	u8 *byte = (u8 *)page + field / 8;

	*byte = on ? *byte | 1 << field % 8 : *byte & ~(1 << field % 8);
}

GUEST_CASE(shadow_vmcs, SHADOW_TEXT, .flags = CASE_VMX)
{
	u32 revision;

	if (!start(l2_vmread, 0, PROC2_SHADOW))
		return;
	revision = (u32)rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
	set_region(SHADOW_REGION);
	*(volatile u32 *)SHADOW_REGION = revision | 1u << 31;
	vmclear(SHADOW_REGION);
	check(vmptrld(SHADOW_REGION) == VMX_OK, "VMPTRLD of a shadow VMCS");
	check(l2_go(true) == VMX_INVALID, "which cannot be launched");
	vmwrite(F_GUEST_RIP, 0x1234567);
	vmclear(SHADOW_REGION);
	vmptrld(VMCS_REGION);
	memset((void *)BITMAP_PAGES, 0xff, 2 * PAGE_SIZE);
	vmwrite(F_VMREAD_BITMAP, BITMAP_PAGES);
	vmwrite(F_VMWRITE_BITMAP, BITMAP_PAGES + PAGE_SIZE);
	vmwrite(F_LINK, SHADOW_REGION);
	l2.rax = F_GUEST_RIP;
	l2.rcx = F_GUEST_RSP;
	l2_exits(R_VMREAD, "a field that is marked exits");
	bitmap_bit(BITMAP_PAGES, F_GUEST_RIP, false);
	bitmap_bit(BITMAP_PAGES, 0x2abc, false);
	bitmap_bit(BITMAP_PAGES + PAGE_SIZE, F_GUEST_RSP, false);
	ends("others do not");
	check(l2.rdx == 0x1234567 && !(l2.rsi & VMX_FLAGS), "VMREAD reads the shadow VMCS");
	check(!(l2.rdi & VMX_FLAGS), "VMWRITE writes it");
	vmwrite(F_GUEST_RIP, (u64)l2_vmread);
	l2.rax = 0x2abc;
	ends("a field that is none");
	check((l2.rsi & VMX_FLAGS) == VMX_VALID, "fails");
	vmwrite(F_GUEST_RIP, (u64)l2_vmread);
	l2.rax = 1ul << 32 | F_GUEST_RIP;
	l2_exits(R_VMREAD, "an encoding of more than 15 bits exits");
	vmwrite(F_LINK, ~0ul);
	l2.rax = F_GUEST_RIP;
	ends("without a shadow VMCS");
	check((l2.rsi & VMX_FLAGS) == VMX_INVALID, "VMREAD fails");
	vmclear(VMCS_REGION);
	vmptrld(SHADOW_REGION);
	check(vmread(F_GUEST_RSP) == 0x1234567, "L1 sees what L2 wrote");
	check(vmread(F_INSN_ERROR) == E_FIELD, "and why VMREAD failed");
	vmptrld(VMCS_REGION);
	l2_launched = false;
	*(volatile u32 *)SHADOW_REGION = revision;
	vmwrite(F_LINK, SHADOW_REGION);
	l2_exits(REASON_ENTRY_FAILED | R_BAD_STATE, "a link to a VMCS that is no shadow");
}

GUEST_CASE(tsc_scaling, TSC_TEXT, .flags = CASE_VMX)
{
	u64 before, after, seen;

	if (!start(l2_tsc, PROC_TSC_OFFSET, PROC2_TSC_SCALING))
		return;
	memset((void *)MSR_BITMAP_PAGE, 0, PAGE_SIZE);
	vmwrite(F_MSR_BITMAP, MSR_BITMAP_PAGE);
	proc_set(PROC_MSR_BITMAPS);
	vmwrite(F_TSC_OFFSET, 1ul << 40);
	vmwrite(F_TSC_MULTIPLIER, 3ul << 47);
	before = rdtsc();
	ends("RDTSC, scaled and with an offset");
	after = rdtsc();
	seen = ((u32)l2.rax | l2.rdx << 32) - (1ul << 40);
	check(seen >= before + before / 2 && seen <= after + after / 2,
	      "one and a half times L1's");
	vmwrite(F_GUEST_RIP, (u64)l2_tsc_msr);
	before = rdtsc();
	ends("RDMSR");
	after = rdtsc();
	seen = ((u32)l2.rax | l2.rdx << 32) - (1ul << 40);
	check(seen >= before + before / 2 && seen <= after + after / 2, "is the same");
	vmwrite(F_PROC, vmread(F_PROC) & ~PROC_TSC_OFFSET);
	vmwrite(F_GUEST_RIP, (u64)l2_tsc);
	before = rdtsc();
	ends("without TSC offsetting");
	after = rdtsc();
	seen = (u32)l2.rax | l2.rdx << 32;
	check(seen >= before && seen <= after, "nothing is scaled");
}

GUEST_CASE(ins_outs, IO_TEXT, .flags = CASE_VMX)
{
	if (!start(l2_outs, PROC_IO, 0))
		return;
	check(rdmsr(MSR_VMX_BASIC) >> 54 & 1, "instruction information is offered");
	l2.rdx = 0x123;
	l2.rcx = 4;
	l2.rsi = PAGE;
	l2.rdi = 0x700000000 + OTHER_PAGE;
	l2_exits(R_IO, "REP OUTSB");
	check((vmread(F_EXIT_INSN_INFO) & 0x38380) == (2 << 7 | 3 << 15), "64-bit addresses, DS");
	check(vmread(F_GUEST_LINEAR) == PAGE, "its address");
	l2_skip();
	l2_exits(R_IO, "OUTSW with a prefix");
	check((vmread(F_EXIT_INSN_INFO) & 0x38380) == (2 << 7 | 4 << 15), "FS");
	l2_skip();
	l2_exits(R_IO, "INSL with a short address");
	check((vmread(F_EXIT_INSN_INFO) & 0x380) == 1 << 7, "32-bit addresses");
	check(vmread(F_GUEST_LINEAR) == OTHER_PAGE, "its address");
}
#else
#include "guest_test.h"
#endif
