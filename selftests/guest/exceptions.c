// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every exception that software can raise arrives at its vector with the right
 * error code, saved RIP and CR2, and a failed delivery ends in a shutdown.
 */
#ifdef GUEST
#include "guest.h"

#define PAGE		(GUEST_SCRATCH + 0x200000ul)
#define NONCANONICAL	0x8000000000000000ul

GUEST_CASE(divide_error, "SDM3 \"Interrupt 0-Divide Error Exception (#DE)\"")
{
	PROBE("divl %1", : : "a"(1), "r"(0), "d"(0) : "memory");
	check_trap(VEC_DE, 0, "DIV by zero");
	PROBE("idivl %1", : : "a"(0x80000000), "r"(-1), "d"(0xffffffff) : "memory");
	check_trap(VEC_DE, 0, "IDIV with a quotient that does not fit");
}

GUEST_CASE(breakpoint, "SDM3 \"Interrupt 3-Breakpoint Exception (#BP)\"")
{
	extern const u8 after_int3[], after_cd03[];

	PROBE("int3; .globl after_int3; after_int3: nop", : : : "memory");
	check_trap(VEC_BP, 0, "INT3");
	check(trap.rip == (u64)after_int3, "RIP is behind INT3");
	PROBE(".byte 0xcd, 3; .globl after_cd03; after_cd03: nop", : : : "memory");
	check_trap(VEC_BP, 0, "INT 3, two bytes");
	check(trap.rip == (u64)after_cd03, "RIP is behind INT 3");
}

GUEST_CASE(software_interrupt, "SDM3 \"Software-Generated Interrupts\"")
{
	u64 before = irq_count[0x80];

	asm volatile("int $0x80" : : : "memory");
	check(irq_count[0x80] == before + 1, "INT 0x80 with IF=0 is delivered");
	PROBE("int $4", : : : "memory");
	check_trap(VEC_OF, 0, "INT 4");
}

GUEST_CASE(invalid_opcode, "SDM3 \"Interrupt 6-Invalid Opcode Exception (#UD)\"")
{
	extern const u8 at_ud2[];

	PROBE(".globl at_ud2; at_ud2: ud2", : : : "memory");
	check_trap(VEC_UD, 0, "UD2");
	check(trap.rip == (u64)at_ud2, "RIP is at UD2");
	PROBE(".byte 0x06", : : : "memory");
	check_trap(VEC_UD, 0, "PUSH ES in 64-bit mode");
	PROBE("lock; .byte 0x90", : : : "memory");
	check_trap(VEC_UD, 0, "LOCK NOP");
}

GUEST_CASE(device_not_available, "SDM3 \"Interrupt 7-Device Not Available Exception (#NM)\"")
{
	u64 cr0 = READ_CR(0);

	WRITE_CR(0, cr0 | CR0_TS);
	PROBE("fninit", : : : "memory");
	check_trap(VEC_NM, 0, "FNINIT with CR0.TS");
	PROBE("movups %%xmm0, %%xmm1", : : : "memory");
	check_trap(VEC_NM, 0, "MOVUPS with CR0.TS");
	asm volatile("clts");
	PROBE("fninit; movups %%xmm0, %%xmm1", : : : "memory");
	check_trap(VEC_NONE, 0, "both after CLTS");
	WRITE_CR(0, cr0 | CR0_EM);
	PROBE("fninit", : : : "memory");
	check_trap(VEC_NM, 0, "FNINIT with CR0.EM");
	PROBE("movups %%xmm0, %%xmm1", : : : "memory");
	check_trap(VEC_UD, 0, "MOVUPS with CR0.EM is #UD");
	WRITE_CR(0, cr0);
}

GUEST_CASE(invalid_tss, "SDM3 \"Interrupt 10-Invalid TSS Exception (#TS)\"")
{
	static const u16 *selector = (const u16 *)GUEST_SCRATCH;

	/* LTR of a TSS that is busy is #GP; of a hole, #NP: no #TS from LTR. */
	PROBE("ltr %w0", : : "r"(SEL_TSS) : "memory");
	check_trap(VEC_GP, SEL_TSS, "LTR of a busy TSS");
	*(u16 *)selector = SEL_DATA;
	PROBE("ltr %0", : : "m"(*selector) : "memory");
	check_trap(VEC_GP, SEL_DATA, "LTR of a data segment");
	PROBE("pushfq; orl $0x4000, (%%rsp); popfq; iretq", : : : "memory", "cc");
	check_trap(VEC_GP, 0, "IRETQ with NT: no tasks in 64-bit mode");
}

GUEST_CASE(not_present, "SDM3 \"Interrupt 11-Segment Not Present (#NP)\"")
{
	PROBE("movw %w0, %%fs", : : "r"(SEL_ABSENT) : "memory");
	check_trap(VEC_NP, SEL_ABSENT, "FS with a descriptor that is not present");
	set_gate(0x81, 0, 0, 0);
	PROBE("int $0x81", : : : "memory");
	check(trap.vector == VEC_NP, "a gate that is not present is #NP (%lu)", trap.vector);
	if (emulator_fault(HOST_SVM, "error code has 16, not 8, times the vector"))
		return;
	check_trap(VEC_NP, 0x81 * 8 + 2, "its error code names the gate");
}

GUEST_CASE(stack_fault, "SDM3 \"Interrupt 12-Stack Fault Exception (#SS)\"")
{
	PROBE("movw %w0, %%ss", : : "r"(SEL_ABSENT) : "memory");
	check_trap(VEC_SS, SEL_ABSENT, "SS with a descriptor that is not present");
	if (emulator_fault(HOST_SVM, "#GP instead of #SS for a non-canonical stack"))
		return;
	/* The handler could not use that stack either. */
	set_ist(VEC_SS, 1);
	PROBE("mov %%rsp, %%rbx; mov %0, %%rsp; push %%rax", : : "r"(NONCANONICAL)
	      : "memory", "rbx");
	check_trap(VEC_SS, 0, "PUSH with a non-canonical RSP");
}

GUEST_CASE(general_protection, "SDM3 \"Interrupt 13-General Protection Exception (#GP)\"")
{
	PROBE("movb (%0), %%al", : : "r"(NONCANONICAL) : "memory", "rax");
	check_trap(VEC_GP, 0, "a non-canonical address");
	PROBE("movw %w0, %%ds", : : "r"(SEL_TSS) : "memory");
	check_trap(VEC_GP, SEL_TSS, "a system descriptor in DS");
	PROBE("movw %w0, %%ds", : : "r"(0x1000) : "memory");
	check_trap(VEC_GP, 0x1000, "a selector behind the GDT's limit");
	PROBE("movw %w0, %%es", : : "r"(0x14) : "memory");
	check_trap(VEC_GP, 0x14, "a selector of an LDT that is not there");
	asm volatile("movw %w0, %%ds; movw %w0, %%es" : : "r"(SEL_DATA));
}

static void page_case(u64 entry_bits, bool write, u64 error, const char *what)
{
	u64 *entry = split_page(PAGE);
	u64 address = PAGE + 0x123;

	*entry = PAGE | entry_bits;
	invlpg(PAGE);
	if (write)
		PROBE("movb $1, (%0)", : : "r"(address) : "memory");
	else
		PROBE("movb (%0), %%al", : : "r"(address) : "memory", "rax");
	check_trap(error == ~0ul ? VEC_NONE : VEC_PF, error, what);
	if (error != ~0ul)
		check(trap.cr2 == address, "%s: CR2 is the address (%lx)", what, trap.cr2);
	*entry = PAGE | PTE_PRESENT | PTE_WRITE;
	invlpg(PAGE);
}

GUEST_CASE(page_fault, "SDM3 \"Interrupt 14-Page-Fault Exception (#PF)\"")
{
	u64 cr0 = READ_CR(0);
	u64 *entry;

	page_case(0, false, 0, "read of a page that is not present");
	page_case(0, true, 2, "write of a page that is not present");
	page_case(PTE_PRESENT, true, 3, "write of a read-only page");
	WRITE_CR(0, cr0 & ~CR0_WP);
	page_case(PTE_PRESENT, true, ~0ul, "the same with CR0.WP clear");
	WRITE_CR(0, cr0);
	entry = split_page(PAGE);
	*(volatile u8 *)PAGE = 0xc3;
	*entry = PAGE | PTE_PRESENT | PTE_NX;
	invlpg(PAGE);
	PROBE("call *%0", : : "r"(PAGE) : "memory");
	check_trap(VEC_PF, 0x11, "fetch from a page that may not execute");
	check(trap.cr2 == PAGE && trap.rip == PAGE, "its CR2 and RIP");
	*entry = PAGE | PTE_PRESENT | 1ul << 51;
	invlpg(PAGE);
	if (emulator_fault(HOST_SVM, "error code 8 instead of 9 for a reserved bit"))
		return;
	PROBE("movb (%0), %%al", : : "r"(PAGE) : "memory", "rax");
	check_trap(VEC_PF, 9, "a reserved bit in the entry");
}

GUEST_CASE(user_page_fault, "SDM3 \"Interrupt 14-Page-Fault Exception (#PF)\"")
{
	u64 *entry = split_page(PAGE);
	u64 stack = GUEST_SCRATCH + 0x1000;

	*entry = PAGE | PTE_PRESENT | PTE_WRITE;
	invlpg(PAGE);
	PROBE("push %0; push %1; push $2; push %2; push $772f; iretq\n"
	      "772: movb (%3), %%al", : : "r"((u64)SEL_USER_DATA), "r"(stack),
	      "r"((u64)SEL_USER_CODE64), "r"(PAGE) : "memory", "rax");
	check_trap(VEC_PF, 5, "ring 3 reads a supervisor page");
	check(trap.cs == SEL_USER_CODE64, "it came from ring 3 (cs %lx)", trap.cs);
}

GUEST_CASE(math_fault, "SDM3 \"Interrupt 16-x87 FPU Floating-Point Error (#MF)\"")
{
	u16 control = 0x037b;	/* division by zero is not masked */

	asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp" : : "m"(control));
	PROBE("fwait", : : : "memory");
	check_trap(VEC_MF, 0, "FWAIT with a pending unmasked division by zero");
	asm volatile("fnclex; fninit");
}

GUEST_CASE(alignment_check, "SDM3 \"Interrupt 17-Alignment Check Exception (#AC)\"")
{
	u64 stack = GUEST_SCRATCH + 0x1000;
	u64 cr0 = READ_CR(0);

	if (emulator_fault(HOST_SVM, "alignment is never checked"))
		return;
	WRITE_CR(0, cr0 | CR0_AM);
	PROBE("push %0; push %1; push $0x40002; push %2; push $772f; iretq\n"
	      "772: movl 1(%1), %%eax; ud2", : : "r"((u64)SEL_USER_DATA), "r"(stack),
	      "r"((u64)SEL_USER_CODE64) : "memory", "rax");
	check_trap(VEC_AC, 0, "unaligned read in ring 3 with AC and AM");
	PROBE("push %0; push %1; push $0x2; push %2; push $773f; iretq\n"
	      "773: movl 1(%1), %%eax; ud2", : : "r"((u64)SEL_USER_DATA), "r"(stack),
	      "r"((u64)SEL_USER_CODE64) : "memory", "rax");
	check_trap(VEC_UD, 0, "the same without AC goes on to the next instruction");
	WRITE_CR(0, cr0);
}

GUEST_CASE(simd_fault, "SDM3 \"Interrupt 19-SIMD Floating-Point Exception (#XM)\"")
{
	static const float one = 1.0f, zero;
	u32 mxcsr = 0x1f80 & ~0x200, normal = 0x1f80;

	if (emulator_fault(HOST_SVM, "SSE exceptions are never raised"))
		return;
	asm volatile("ldmxcsr %0" : : "m"(mxcsr));
	PROBE("movss %0, %%xmm0; divss %1, %%xmm0", : : "m"(one), "m"(zero) : "memory");
	check_trap(VEC_XM, 0, "DIVSS by zero, not masked");
	WRITE_CR(4, READ_CR(4) & ~CR4_OSXMMEXCPT);
	PROBE("movss %0, %%xmm0; divss %1, %%xmm0", : : "m"(one), "m"(zero) : "memory");
	check_trap(VEC_UD, 0, "the same without CR4.OSXMMEXCPT is #UD");
	asm volatile("ldmxcsr %0" : : "m"(normal));
}

GUEST_CASE(control_registers, "SDM3 \"Control Registers\"")
{
	PROBE("mov %0, %%cr0", : : "r"(READ_CR(0) & ~CR0_PE) : "memory");
	check_trap(VEC_GP, 0, "CR0 with PG and without PE");
	PROBE("mov %0, %%cr4", : : "r"(READ_CR(4) & ~0x20ul) : "memory");
	check_trap(VEC_GP, 0, "CR4 without PAE in long mode");
	PROBE("mov %0, %%cr4", : : "r"(READ_CR(4) | 1ul << 63) : "memory");
	check_trap(VEC_GP, 0, "a reserved bit of CR4");
	PROBE(".byte 0x0f, 0x20, 0xc8", : : : "memory", "rax");
	check_trap(VEC_UD, 0, "CR1 does not exist");
	if (emulator_fault(HOST_SVM, "no #GP for reserved bits of CR8"))
		return;
	PROBE("mov %0, %%cr8", : : "r"(0x10ul) : "memory");
	check_trap(VEC_GP, 0, "a reserved bit of CR8");
}
#endif /* GUEST */
