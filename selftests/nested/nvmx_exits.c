// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM exits of a tiny L2: each control makes what it names exit, with the
 * reason, qualification, length and state that the manual gives; what no
 * control names does not exit. SDM3 "VMX Non-Root Operation", "VM Exits".
 */
#ifdef GUEST
#include "vmx_l1.h"

#define NON_ROOT	"SDM3 \"VMX Non-Root Operation\""
#define VECTOR		0x50
#define BLOCKED_BY_NMI	8u

/* L2 code in one piece of assembly: what a compiler adds would be in the way. */
#define L2_CODE(name, body)						\
	void name(void);						\
	asm(".globl " #name "\n" #name ":\n\t" body "\n\tvmcall\n\tud2\n")

L2_CODE(l2_nothing, "");
L2_CODE(l2_cpuid, "cpuid; cpuid");
L2_CODE(l2_hlt, "hlt; movl $7, %ebx");
L2_CODE(l2_ports, "outb %al, $0x21; inw %dx, %ax; outl %eax, %dx");
L2_CODE(l2_msrs, "movl $0x174, %ecx; rdmsr; wrmsr; movl $0xc0000082, %ecx; rdmsr;"
		 "movl $0x40000000, %ecx; rdmsr");
L2_CODE(l2_ud, "ud2");
L2_CODE(l2_int3, "int3");
L2_CODE(l2_int1, ".byte 0xf1");
L2_CODE(l2_touch, "movq %rax, (%rbx); movq (%rbx), %rcx");
L2_CODE(l2_cr0, "movq %cr0, %rax; movq %rax, %rbx; btcq $3, %rbx; movq %rbx, %cr0;"
		"movq %cr0, %rcx; clts");
L2_CODE(l2_cr4, "movq %cr4, %rax; movq %rax, %rbx; xorq $4, %rbx; movq %rbx, %cr4");
L2_CODE(l2_cr3, "movq %cr3, %rax; movq %rax, %cr3");
L2_CODE(l2_cr8, "movq %cr8, %rax; movq %rax, %cr8");
L2_CODE(l2_dr, "movq %dr7, %r9; movq %r9, %dr7");
L2_CODE(l2_tsc, "rdtsc");
L2_CODE(l2_invlpg, "invlpg (%rbx)");
L2_CODE(l2_wbinvd, "wbinvd");
L2_CODE(l2_sgdt, "sgdt -64(%rsp); sldt %eax");
L2_CODE(l2_spin, "1: pause; jmp 1b");
L2_CODE(l2_open, "sti; nop; nop");
L2_CODE(l2_vmread, "vmread %rax, %rbx");
L2_CODE(l2_rdrand, "rdrand %bx; rdrand %ecx; rdrand %r9");
L2_CODE(l2_rdseed, "rdseed %si; rdseed %r10d; rdseed %rax");
L2_CODE(l2_triple, "pushq $0; pushq $0; lidt (%rsp); ud2");

static bool start(void (*code)(void))
{
	if (!vmx_start())
		return false;
	vmcs_make(code);
	return true;
}

static void ends(const char *what)
{
	l2_exits(R_VMCALL, what);
}

static bool qualification(u64 want, const char *what)
{
	if (vmread(F_QUALIFICATION) != want)
		note("qualification %lx", vmread(F_QUALIFICATION));
	return check(vmread(F_QUALIFICATION) == want, "%s", what);
}

GUEST_CASE(vmcall, NON_ROOT, .flags = CASE_VMX)
{
	if (!start(l2_nothing))
		return;
	l2.rax = 0x1234;
	l2.r15 = 0x5678;
	if (!l2_exits(R_VMCALL, "VMCALL exits"))
		return;
	check(vmread(F_EXIT_INSN_LEN) == 3, "it is 3 bytes long");
	check(vmread(F_GUEST_RIP) == (u64)l2_nothing, "RIP is that of the instruction");
	check(l2.rax == 0x1234 && l2.r15 == 0x5678, "L2 had its registers");
	check(l2_go(true) == VMX_VALID && vmread(F_INSN_ERROR) == E_LAUNCH_NOT_CLEAR,
	      "VMLAUNCH of a launched VMCS");
	check(l2_run() == VMX_OK && vmread(F_EXIT_REASON) == R_VMCALL, "VMRESUME");
	check(READ_CR(4) & CR4_VMXE, "L1 still has CR4.VMXE");
	vmclear(VMCS_REGION);
	vmptrld(VMCS_REGION);
	check(l2_go(false) == VMX_VALID && vmread(F_INSN_ERROR) == E_RESUME_NOT_LAUNCHED,
	      "VMCLEAR forgets the launch");
}

GUEST_CASE(cpuid_exits, NON_ROOT, .flags = CASE_VMX)
{
	if (!start(l2_cpuid))
		return;
	l2_exits(R_CPUID, "CPUID exits always");
	check(vmread(F_EXIT_INSN_LEN) == 2, "it is 2 bytes long");
	l2_skip();
	l2_exits(R_CPUID, "the next one as well");
	l2_skip();
	ends("and then L2 goes on");
}

GUEST_CASE(resume_flag, "SDM3 \"Saving RIP, RSP, RFLAGS, and SSP\"", .flags = CASE_VMX)
{
	if (!start(l2_cpuid))
		return;
	vmwrite(F_GUEST_RFLAGS, 2 | RFLAGS_RF);
	l2_exits(R_CPUID, "an instruction that exits");
	check(!(vmread(F_GUEST_RFLAGS) & RFLAGS_RF), "leaves RF clear");
}

GUEST_CASE(hlt_exits, NON_ROOT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_hlt))
		return;
	proc_set(PROC_HLT);
	l2_exits(R_HLT, "HLT exiting");
	check(vmread(F_GUEST_ACTIVITY) == 0, "L2 is active");
	l2_skip();
	ends("L2 goes on behind it");
	check(l2.rbx == 7, "and did");
}

GUEST_CASE(ports, NON_ROOT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	u8 *bitmap = (u8 *)IO_BITMAP_PAGES;

	if (!start(l2_ports))
		return;
	l2.rdx = 0x8123;
	proc_set(PROC_IO);
	l2_exits(R_IO, "unconditional I/O exiting");
	qualification(0x210040, "OUT imm8 of a byte");
	memset(bitmap, 0, 2 * PAGE_SIZE);
	vmwrite(F_IO_BITMAP_A, (u64)bitmap);
	vmwrite(F_IO_BITMAP_B, (u64)bitmap + PAGE_SIZE);
	proc_set(PROC_IO_BITMAPS);
	bitmap[PAGE_SIZE + 0x124 / 8] |= 1 << (0x124 % 8);
	l2_exits(R_IO, "I/O bitmaps: the first port is let through");
	qualification(0x81230009, "IN DX of a word, whose second byte is marked");
	l2_skip();
	l2_exits(R_IO, "OUT DX");
	qualification(0x81230003, "of four bytes");
	l2_skip();
	ends("that was all");
}

GUEST_CASE(msrs, NON_ROOT, .flags = CASE_VMX)
{
	u8 *bitmap = (u8 *)MSR_BITMAP_PAGE;

	if (!start(l2_msrs))
		return;
	l2_exits(R_RDMSR, "RDMSR exits without a bitmap");
	memset(bitmap, 0, PAGE_SIZE);
	vmwrite(F_MSR_BITMAP, (u64)bitmap);
	proc_set(PROC_MSR_BITMAPS);
	bitmap[2048 + 0x174 / 8] |= 1 << (0x174 % 8);
	bitmap[1024 + 0x82 / 8] |= 1 << (0x82 % 8);
	l2_exits(R_WRMSR, "with one it is let through, and WRMSR exits");
	l2_skip();
	l2_exits(R_RDMSR, "RDMSR of a high MSR that is marked");
	check((u32)l2.rcx == 0xc0000082, "LSTAR");
	l2_skip();
	l2_exits(R_RDMSR, "RDMSR outside of the ranges exits always");
	check((u32)l2.rcx == 0x40000000, "0x40000000");
}

GUEST_CASE(exceptions, "SDM3 \"Exception Bitmap\"", .flags = CASE_VMX)
{
	if (!start(l2_ud))
		return;
	vmwrite(F_EXCEPTIONS, 1 << VEC_UD);
	l2_exits(R_EXCEPTION, "#UD");
	check(vmread(F_EXIT_INTR_INFO) == (EVENT_VALID | EVENT_EXCEPTION | VEC_UD),
	      "its interruption information");
	check(vmread(F_GUEST_RFLAGS) & RFLAGS_RF, "RF is set, as in the frame of a fault");
	if (emulator_fault(HOST_SVM, "INT3 does not look at the exception intercepts"))
		return;
	vmcs_make(l2_int3);
	vmwrite(F_EXCEPTIONS, 1 << VEC_BP);
	l2_exits(R_EXCEPTION, "INT3");
	check(vmread(F_EXIT_INTR_INFO) == (EVENT_VALID | 6u << 8 | VEC_BP), "a software exception");
	check(vmread(F_EXIT_INSN_LEN) == 1 && vmread(F_GUEST_RIP) == (u64)l2_int3,
	      "of one byte, with RIP on it");
}

GUEST_CASE(int1, "SDM3 \"Exception Bitmap\"", .flags = CASE_VMX)
{
	if (!start(l2_int1) || emulator_fault(HOST_SVM, "INT1 is #UD"))
		return;
	vmwrite(F_EXCEPTIONS, 1 << VEC_DB);
	l2_exits(R_EXCEPTION, "INT1");
	check(vmread(F_EXIT_INTR_INFO) == (EVENT_VALID | 5u << 8 | VEC_DB),
	      "a privileged software exception (%lx)", vmread(F_EXIT_INTR_INFO));
	check(vmread(F_EXIT_INSN_LEN) == 1 && vmread(F_GUEST_RIP) == (u64)l2_int1,
	      "of one byte, with RIP on it");
	check(!(vmread(F_IDT_INFO) & EVENT_VALID), "none was under delivery");
}

GUEST_CASE(page_faults, "SDM3 \"Exception Bitmap\"", .flags = CASE_VMX)
{
	u64 page = GUEST_SCRATCH + 0x200000;

	if (!start(l2_touch))
		return;
	*split_page(page) &= ~(PTE_PRESENT);
	invlpg(page);
	l2.rbx = page;
	vmwrite(F_EXCEPTIONS, 1 << VEC_PF);
	vmwrite(F_PF_MASK, 2);
	vmwrite(F_PF_MATCH, 2);
	l2_exits(R_EXCEPTION, "a write fault matches");
	check(vmread(F_EXIT_INTR_INFO) == (EVENT_VALID | EVENT_ERROR | EVENT_EXCEPTION | VEC_PF) &&
	      vmread(F_EXIT_INTR_ERROR) == 2, "#PF with its error code");
	qualification(page, "the qualification is the address");
	/* Now it does not match: #PF goes to L2, whose handler ends in a triple fault. */
	vmwrite(F_PF_MATCH, 0);
	vmwrite(F_GUEST_IDTR_LIMIT, 0);
	l2_exits(R_TRIPLE_FAULT, "one that does not match is L2's own");
}

GUEST_CASE(injection, "SDM3 \"Event Injection\"", .flags = CASE_VMX)
{
	if (!start(l2_nothing))
		return;
	vmwrite(F_EXCEPTIONS, 1 << VEC_GP);
	vmwrite(F_GUEST_IDTR_LIMIT, 0);
	vmwrite(F_ENTRY_INTR_INFO, EVENT_VALID | EVENT_EXCEPTION | VEC_UD);
	l2_exits(R_EXCEPTION, "#GP while #UD is delivered");
	check((vmread(F_EXIT_INTR_INFO) & 0xff) == VEC_GP, "the exit is for #GP");
	check(vmread(F_IDT_INFO) == (EVENT_VALID | EVENT_EXCEPTION | VEC_UD),
	      "IDT-vectoring information names #UD");
	check(!(vmread(F_GUEST_INTR_STATE) & BLOCKED_BY_NMI), "NMIs are not blocked");
	vmwrite(F_ENTRY_INTR_INFO, EVENT_VALID | EVENT_NMI | VEC_NMI);
	l2_exits(R_EXCEPTION, "#GP while an NMI is delivered");
	check(vmread(F_IDT_INFO) == (EVENT_VALID | EVENT_NMI | VEC_NMI),
	      "IDT-vectoring information names the NMI");
	check(vmread(F_GUEST_INTR_STATE) & BLOCKED_BY_NMI, "which has blocked others");
	check(!(vmread(F_ENTRY_INTR_INFO) & EVENT_VALID), "the valid bit is cleared");
}

static volatile u32 ran;

static void count_ud(struct frame *frame)
{
	ran++;
	frame->rip = (u64)l2_nothing;
}

GUEST_CASE(injected, "SDM3 \"Event Injection\"", .flags = CASE_VMX)
{
	if (!start(l2_ud))
		return;
	trap_hook[VEC_DE] = count_ud;
	vmwrite(F_ENTRY_INTR_INFO, EVENT_VALID | EVENT_EXCEPTION | VEC_DE);
	ends("L2's handler runs first");
	check(ran == 1, "once");
}

GUEST_CASE(control_registers, NON_ROOT, .flags = CASE_VMX)
{
	u64 cr0 = READ_CR(0), cr4 = READ_CR(4);

	if (!start(l2_cr0))
		return;
	cr4 = READ_CR(4);
	cr0 = READ_CR(0);
	vmwrite(F_CR0_MASK, CR0_TS);
	vmwrite(F_CR0_SHADOW, CR0_TS);
	l2_exits(R_CR, "a write of CR0 that differs from the shadow");
	qualification(0x300, "MOV to CR0 from RBX");
	check((l2.rax & CR0_TS), "L2 reads the shadow");
	l2_skip();
	l2_exits(R_CR, "CLTS with TS set in the shadow");
	qualification(0x20, "CLTS");
	vmcs_make(l2_cr0);
	ends("without a mask nothing exits");
	check(l2.rcx == (cr0 ^ CR0_TS), "and TS changes");
	vmcs_make(l2_cr4);
	vmwrite(F_CR4_MASK, 4 | CR4_VMXE);
	vmwrite(F_CR4_SHADOW, cr4 & ~CR4_VMXE);
	l2_exits(R_CR, "a write of a CR4 bit that L1 keeps");
	check(l2.rax == (cr4 & ~CR4_VMXE), "L2 does not see CR4.VMXE");
	qualification(0x304, "MOV to CR4 from RBX");
}

GUEST_CASE(cr3_and_cr8, NON_ROOT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_cr3))
		return;
	proc_set(PROC_CR3_LOAD | PROC_CR3_STORE);
	l2_exits(R_CR, "CR3-store exiting");
	qualification(0x13, "MOV from CR3 to RAX");
	l2.rax = READ_CR(3);
	l2_skip();
	l2_exits(R_CR, "CR3-load exiting");
	qualification(0x03, "MOV to CR3 from RAX");
	vmwrite(F_CR3_TARGET0, READ_CR(3));
	vmwrite(F_CR3_TARGETS, 1);
	ends("not with a CR3-target value");
	vmcs_make(l2_cr8);
	proc_set(PROC_CR8_LOAD | PROC_CR8_STORE);
	l2_exits(R_CR, "CR8-store exiting");
	qualification(0x18, "MOV from CR8");
	l2_skip();
	l2_exits(R_CR, "CR8-load exiting");
	qualification(0x08, "MOV to CR8");
}

GUEST_CASE(instructions, NON_ROOT, .flags = CASE_VMX)
{
	static const struct {
		void (*code)(void);
		u32 proc, proc2, reason;
		const char *what;
	} rows[] = {
		{ l2_tsc, PROC_RDTSC, 0, R_RDTSC, "RDTSC exiting" },
		{ l2_dr, PROC_MOV_DR, 0, R_DR, "MOV-DR exiting" },
		{ l2_invlpg, PROC_INVLPG, 0, R_INVLPG, "INVLPG exiting" },
		{ l2_wbinvd, 0, PROC2_WBINVD, R_WBINVD, "WBINVD exiting" },
		{ l2_sgdt, 0, PROC2_DESC, R_GDTR_IDTR, "descriptor-table exiting" },
		{ l2_spin, PROC_PAUSE, 0, R_PAUSE, "PAUSE exiting" },
		{ l2_vmread, 0, 0, R_VMREAD, "VMREAD exits always" },
	};
	u64 i;

	if (!vmx_start())
		return;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		vmcs_make(rows[i].code);
		l2.rbx = GUEST_SCRATCH;
		proc_set(rows[i].proc);
		if (rows[i].proc2)
			proc2_set(rows[i].proc2);
		l2_exits(rows[i].reason, rows[i].what);
		if (rows[i].reason == R_DR)
			qualification(0x917, "MOV from DR7 to R9");
		if (rows[i].reason == R_INVLPG)
			qualification(GUEST_SCRATCH, "the address");
	}
	for (i = 0; i < 5; i++) {
		vmcs_make(rows[i].code);
		ends("without the control it does not");
	}
}

/* What the instruction information has: the register and the operand's size. */
#define INFO_REGISTER		0x78u
#define INFO_SIZE		0x1800u
#define RANDOM_INFO(reg, size)	((reg) << 3 | (size) << 11)

struct random_row {
	void (*code)(void);
	u32 control, reason;
	u8 len[3];
	u32 info[3];
	const char *what;
};

static void random_exits(const struct random_row *row)
{
	u32 info;
	u64 i;

	vmcs_make(row->code);
	proc2_set(row->control);
	for (i = 0; i < ARRAY_SIZE(row->len); i++) {
		l2.rax = 0x1111;
		l2.rbx = 0x2222;
		if (!l2_exits(row->reason, row->what))
			return;
		check(vmread(F_EXIT_INSN_LEN) == row->len[i], "%u bytes long (%lu)", row->len[i],
		      vmread(F_EXIT_INSN_LEN));
		info = vmread(F_EXIT_INSN_INFO) & (INFO_REGISTER | INFO_SIZE);
		if ((row->info[i] & INFO_SIZE) ||
		    !emulator_fault(HOST_VMX, "an operand of 16 bits has 32 in 64-bit mode"))
			check(info == row->info[i], "information %x (%x)", row->info[i], info);
		check(l2.rax == 0x1111 && l2.rbx == 0x2222, "no register is written");
		l2_skip();
	}
	ends("and then L2 goes on");
}

GUEST_CASE(random_numbers, "SDM3 \"VM-Exit Instruction Information\"", .flags = CASE_VMX)
{
	static const struct random_row rows[] = {
		{ l2_rdrand, PROC2_RDRAND, R_RDRAND, { 4, 3, 4 },
		  { RANDOM_INFO(3, 0), RANDOM_INFO(1, 1), RANDOM_INFO(9, 2) }, "RDRAND exiting" },
		{ l2_rdseed, PROC2_RDSEED, R_RDSEED, { 4, 4, 4 },
		  { RANDOM_INFO(6, 0), RANDOM_INFO(10, 1), RANDOM_INFO(0, 2) }, "RDSEED exiting" },
	};
	u32 leaf1[4], leaf7[4], other;
	bool there[2];
	u64 i;

	if (!vmx_start())
		return;
	cpuid(1, 0, leaf1);
	cpuid(7, 0, leaf7);
	there[0] = leaf1[2] >> 30 & 1;
	there[1] = leaf7[1] >> 18 & 1;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		other = rows[!i].control;
		if (can(MSR_VMX_PROC2, rows[i].control)) {
			random_exits(&rows[i]);
		} else {
			vmcs_make(rows[i].code);
			proc2_set(rows[i].control);
			check(l2_run() == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS,
			      "%s is not offered, and refused", rows[i].what);
		}
		if (!there[i])
			continue;
		vmcs_make(rows[i].code);
		if (can(MSR_VMX_PROC2, other))
			proc2_set(other);
		ends("without its control it does not exit");
	}
}

GUEST_CASE(triple_fault, NON_ROOT, .flags = CASE_VMX)
{
	if (!start(l2_triple))
		return;
	l2_exits(R_TRIPLE_FAULT, "L2 cannot shut L1 down");
	vmcs_make(l2_nothing);
	vmwrite(F_GUEST_IDTR_LIMIT, 0);
	vmwrite(F_ENTRY_INTR_INFO, EVENT_VALID | EVENT_EXCEPTION | VEC_UD);
	l2_exits(R_TRIPLE_FAULT, "nor when an event is injected");
	check(!(vmread(F_IDT_INFO) & EVENT_VALID), "which is not under delivery then (%lx)",
	      vmread(F_IDT_INFO));
}

GUEST_CASE(tsc_offset, NON_ROOT, .flags = CASE_VMX)
{
	u64 before, after, seen;

	if (!start(l2_tsc))
		return;
	proc_set(PROC_TSC_OFFSET);
	vmwrite(F_TSC_OFFSET, 1ul << 40);
	before = rdtsc();
	ends("RDTSC with an offset");
	after = rdtsc();
	seen = (u32)l2.rax | l2.rdx << 32;
	check(seen - (1ul << 40) >= before && seen - (1ul << 40) <= after, "is L1's plus it");
}

GUEST_CASE(interrupt, NON_ROOT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_spin))
		return;
	irq_eoi = true;
	mmio_write(0xfee000f0, 0x1ff);
	vmwrite(F_PIN, allowed(MSR_VMX_TRUE_PIN, PIN_EXTINT));
	vmwrite(F_EXIT_CTLS, vmread(F_EXIT_CTLS) | EXIT_ACK_IRQ);
	mmio_write(0xfee00300, 0x44000 | VECTOR);
	l2_exits(R_EXTINT, "external-interrupt exiting, with IF clear in L2");
	check(vmread(F_EXIT_INTR_INFO) == (EVENT_VALID | VECTOR), "acknowledged on exit");
	mmio_write(0xfee000b0, 0);
	check(irq_count[VECTOR] == 0, "L2 did not get it");
	vmwrite(F_EXIT_CTLS, vmread(F_EXIT_CTLS) & ~EXIT_ACK_IRQ);
	mmio_write(0xfee00300, 0x44000 | VECTOR);
	l2_exits(R_EXTINT, "without acknowledge");
	check(!(vmread(F_EXIT_INTR_INFO) & EVENT_VALID), "no vector is told");
	open_window();
	check(irq_count[VECTOR] == 1, "L1 gets it as an interrupt");
	vmcs_make(l2_open);
	memset((void *)MSR_BITMAP_PAGE, 0, PAGE_SIZE);
	vmwrite(F_MSR_BITMAP, MSR_BITMAP_PAGE);
	proc_set(PROC_MSR_BITMAPS);
	mmio_write(0xfee00300, 0x44000 | VECTOR);
	ends("without the control it is L2's");
	check(irq_count[VECTOR] == 2, "and taken there");
}

GUEST_CASE(interrupt_window, NON_ROOT, .flags = CASE_VMX)
{
	if (!start(l2_open))
		return;
	proc_set(PROC_IRQ_WINDOW);
	l2_exits(R_IRQ_WINDOW, "interrupt-window exiting");
	check(vmread(F_GUEST_RIP) == (u64)l2_open + 2, "after the shadow of STI");
	vmwrite(F_PROC, vmread(F_PROC) & ~PROC_IRQ_WINDOW);
	ends("and not without");
}

GUEST_CASE(preemption_timer, "SDM3 \"VMX-Preemption Timer\"", .flags = CASE_VMX)
{
	if (!start(l2_spin))
		return;
	if (!can(MSR_VMX_TRUE_PIN, PIN_TIMER)) {
		check(false, "the preemption timer is offered");
		return;
	}
	vmwrite(F_PIN, allowed(MSR_VMX_TRUE_PIN, PIN_TIMER));
	vmwrite(F_TIMER, 1000);
	vmwrite(F_EXIT_CTLS, vmread(F_EXIT_CTLS) | EXIT_SAVE_TIMER);
	l2_exits(R_TIMER, "the timer ends a loop");
	check(vmread(F_TIMER) == 0, "and is saved as zero");
	vmwrite(F_TIMER, 0);
	l2_exits(R_TIMER, "a timer of zero");
	vmcs_make(l2_nothing);
	ends("no timer is left over for another L2");
}

GUEST_CASE(entry_failure, "SDM3 \"VM-Entry Failures During or After Loading Guest State\"",
	   .flags = CASE_VMX)
{
	struct {
		u32 index, reserved;
		u64 value;
	} *area = (void *)MSR_AREA;

	if (!start(l2_nothing))
		return;
	vmwrite(F_GUEST_RFLAGS, 0);
	l2_exits(REASON_ENTRY_FAILED | R_BAD_STATE, "RFLAGS without bit 1");
	qualification(0, "qualification 0");
	vmwrite(F_GUEST_RFLAGS, 2);
	vmwrite(F_LINK, VMCS_REGION);
	l2_exits(REASON_ENTRY_FAILED | R_BAD_STATE, "the link pointer is the current VMCS");
	qualification(4, "qualification 4");
	vmwrite(F_LINK, ~0ul);
	area[0].index = 0x174;
	area[0].value = 0x10;
	area[1].index = MSR_FS_BASE;
	vmwrite(F_ENTRY_LOAD_ADDR, MSR_AREA);
	vmwrite(F_ENTRY_LOAD_COUNT, 2);
	l2_exits(REASON_ENTRY_FAILED | R_BAD_MSR, "an MSR that may not be loaded");
	qualification(2, "the second one");
	vmwrite(F_ENTRY_LOAD_COUNT, 1);
	ends("the VMCS can still be launched");
}

GUEST_CASE(msr_areas, "SDM3 \"VM-Exit Control Fields for MSRs\"", .flags = CASE_VMX)
{
	struct {
		u32 index, reserved;
		u64 value;
	} *area = (void *)MSR_AREA;

	if (!start(l2_nothing))
		return;
	wrmsr(0x175, 0x1111);
	memset(area, 0, PAGE_SIZE);
	area[0].index = 0xc0000083;
	area[0].value = 0x2222;
	area[8].index = 0xc0000083;
	area[16].index = 0xc0000083;
	area[16].value = 0x3333;
	vmwrite(F_ENTRY_LOAD_ADDR, (u64)&area[0]);
	vmwrite(F_ENTRY_LOAD_COUNT, 1);
	vmwrite(F_EXIT_STORE_ADDR, (u64)&area[8]);
	vmwrite(F_EXIT_STORE_COUNT, 1);
	vmwrite(F_EXIT_LOAD_ADDR, (u64)&area[16]);
	vmwrite(F_EXIT_LOAD_COUNT, 1);
	ends("with MSR areas");
	check(area[8].value == 0x2222, "loaded on entry, stored on exit");
	check(rdmsr(0xc0000083) == 0x3333, "L1's loaded on exit");
}
#else
#include "guest_test.h"
#endif
