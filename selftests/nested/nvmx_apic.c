// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtual APIC of a tiny L2: TPR shadow and threshold, the APIC-access page,
 * registers in the virtual-APIC page, x2APIC MSRs, virtual interrupts and posted
 * ones. SDM3 "APIC Virtualization and Virtual Interrupts".
 */
#ifdef GUEST
#include "apic.h"
#include "vmx_l1.h"

#define TPR_TEXT	"SDM3 \"Virtualizing CR8-Based TPR Accesses\""
#define ACCESS_TEXT	"SDM3 \"Virtualizing Memory-Mapped APIC Accesses\""
#define MSR_TEXT	"SDM3 \"Virtualizing MSR-Based APIC Accesses\""
#define VIRQ_TEXT	"SDM3 \"Evaluation and Delivery of Virtual Interrupts\""
#define POSTED_TEXT	"SDM3 \"Posted-Interrupt Processing\""

#define VAPIC		(GUEST_SCRATCH + 0x20000)
#define ACCESS		(GUEST_SCRATCH + 0x21000)
#define DESCRIPTOR	(GUEST_SCRATCH + 0x22000)

#define LOW		0x42
#define HIGH		0x63
#define NOTIFICATION	0xf2

/* L2 code in one piece of assembly: what a compiler adds would be in the way. */
#define L2_CODE(name, body)						\
	void name(void);						\
	asm(".globl " #name "\n" #name ":\n\t" body "\n\tvmcall\n\tud2\n")

L2_CODE(l2_cr8, "movq %cr8, %rax; movq %rbx, %cr8; .globl l2_cr8_end; l2_cr8_end: nop");
L2_CODE(l2_read, "movl (%rbx), %eax");
L2_CODE(l2_read8, "movzbl (%rbx), %eax");
L2_CODE(l2_read_quad, "movq (%rbx), %rax");
L2_CODE(l2_write, "movl %eax, (%rbx); .globl l2_write_end; l2_write_end: incl %ecx");
L2_CODE(l2_or, "orl $1, (%rbx)");
L2_CODE(l2_jump, "jmp *%rbx");
L2_CODE(l2_rdmsr, "rdmsr");
L2_CODE(l2_wrmsr, "wrmsr; .globl l2_wrmsr_end; l2_wrmsr_end: nop");
L2_CODE(l2_open, "sti; nop; nop");
L2_CODE(l2_tpr_open, "sti; nop; movq %rbx, %cr8; nop");
L2_CODE(l2_halt, "sti; hlt; incl %ebx");
L2_CODE(l2_eoi, "movl $0, (%rbx); nop");

extern u8 l2_cr8_end[], l2_write_end[], l2_wrmsr_end[];

static volatile u32 *vreg(u32 offset)
{
	return (u32 *)((u64)VAPIC + offset);
}

static void vset(u32 base, u8 vector)
{
	*vreg(base + vector / 32 * 0x10) |= 1u << vector % 32;
}

static bool vbit(u32 base, u8 vector)
{
	return *vreg(base + vector / 32 * 0x10) >> vector % 32 & 1;
}

/* With a TPR shadow, and secondary controls. */
static bool start(void (*code)(void), u32 proc2)
{
	if (!vmx_start())
		return false;
	memset((void *)VAPIC, 0, 3 * PAGE_SIZE);
	if (!can(MSR_VMX_TRUE_PROC, PROC_TPR_SHADOW) || !can(MSR_VMX_PROC2, proc2))
		return check(false, "the controls are offered");
	vmcs_make(code);
	proc_set(PROC_TPR_SHADOW);
	vmwrite(F_VAPIC, VAPIC);
	vmwrite(F_TPR_THRESHOLD, 0);
	if (proc2)
		proc2_set(proc2);
	vmwrite(F_APIC_ACCESS, ACCESS);
	return true;
}

/* With virtual-interrupt delivery, which asks for external-interrupt exiting. */
static bool start_virq(void (*code)(void), u32 proc2)
{
	if (!start(code, proc2 | PROC2_VIRQ))
		return false;
	vmwrite(F_PIN, vmread(F_PIN) | PIN_EXTINT);
	vmwrite(F_EXIT_CTLS, vmread(F_EXIT_CTLS) | EXIT_ACK_IRQ);
	vmwrite(F_EOI_EXIT0, 0);
	vmwrite(F_EOI_EXIT0 + 2, 0);
	vmwrite(F_EOI_EXIT0 + 4, 0);
	vmwrite(F_EOI_EXIT0 + 6, 0);
	vmwrite(F_INTR_STATUS, 0);
	return true;
}

static void pend(u8 vector)
{
	vset(APIC_IRR, vector);
	vmwrite(F_INTR_STATUS, (vmread(F_INTR_STATUS) & 0xff00) | vector);
}

static void qualification(u64 want, const char *what)
{
	if (vmread(F_QUALIFICATION) != want)
		note("qualification %lx", vmread(F_QUALIFICATION));
	check(vmread(F_QUALIFICATION) == want, "%s", what);
}

static void again(void (*code)(void))
{
	vmwrite(F_GUEST_RIP, (u64)code);
	vmwrite(F_GUEST_RFLAGS, 2);
	vmwrite(F_GUEST_RSP, L2_STACK_TOP - 8);
}

static void ends(const char *what)
{
	l2_exits(R_VMCALL, what);
}

GUEST_CASE(cr8, TPR_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_cr8, 0))
		return;
	WRITE_CR(8, 2);
	*vreg(APIC_TPR) = 0x5a;
	l2.rbx = 7;
	ends("CR8 does not exit");
	check(l2.rax == 5, "it reads the class of VTPR");
	check(*vreg(APIC_TPR) == 0x70, "and writes it");
	check(READ_CR(8) == 2, "L1's own is another");
	proc_set(PROC_CR8_LOAD);
	again(l2_cr8);
	l2_exits(R_CR, "CR8-load exiting goes first");
}

GUEST_CASE(threshold, TPR_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_cr8, 0))
		return;
	vmwrite(F_TPR_THRESHOLD, 4);
	*vreg(APIC_TPR) = 0x60;
	l2.rbx = 4;
	ends("a class that is not below the threshold");
	again(l2_cr8);
	l2.rbx = 3;
	l2_exits(R_TPR, "one that is below it exits");
	check(vmread(F_GUEST_RIP) == (u64)l2_cr8_end, "behind the instruction");
	check(*vreg(APIC_TPR) == 0x30, "which is done");
	check(l2_run() == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS,
	      "no entry with VTPR below the threshold");
	vmwrite(F_TPR_THRESHOLD, 0x13);
	check(l2_run() == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS,
	      "nor with reserved bits in it");
	vmwrite(F_TPR_THRESHOLD, 4);
	proc2_set(PROC2_APIC_ACCESS);
	l2_exits(R_TPR, "with an APIC-access page the entry exits at once");
	check(vmread(F_GUEST_RIP) == (u64)l2_cr8_end, "before the first instruction");
}

/* What both ways to the page have in common. */
static void access_page(void)
{
	l2.rbx = ACCESS + APIC_VERSION;
	l2_exits(R_APIC_ACCESS, "a read of the page exits");
	qualification(APIC_VERSION, "a data read");
	check(vmread(F_EXIT_INSN_LEN) == 2 && vmread(F_GUEST_RIP) == (u64)l2_read,
	      "at the instruction");
	again(l2_write);
	l2.rbx = ACCESS + APIC_ICR;
	l2_exits(R_APIC_ACCESS, "so does a write");
	qualification(0x1000 | APIC_ICR, "a data write");
	again(l2_jump);
	l2.rbx = ACCESS + 0x40;
	l2_exits(R_APIC_ACCESS, "and a fetch");
	qualification(0x2040, "an instruction fetch");
	again(l2_read8);
	l2.rbx = ACCESS + APIC_TPR;
	*vreg(APIC_TPR) = 0x77;
	ends("VTPR is read");
	check(l2.rax == 0x77, "as the page has it");
	again(l2_write);
	l2.rax = 0x12345699;
	ends("and written");
	check(*vreg(APIC_TPR) == 0x99, "as one byte");
	again(l2_read_quad);
	l2_exits(R_APIC_ACCESS, "not by eight bytes at a time");
	again(l2_or);
	l2_exits(R_VMCALL, "reading and writing at once");
	check(*vreg(APIC_TPR) == 0x99, "with the right result");
	check(*(volatile u32 *)(ACCESS + APIC_TPR) == 0, "the page itself stays as it was");
	*(volatile u32 *)(ACCESS + 0x84) = 0x1111;
	check(*(volatile u32 *)(ACCESS + 0x84) == 0x1111, "to L1 it is memory");
}

GUEST_CASE(access, ACCESS_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (start(l2_read, PROC2_APIC_ACCESS))
		access_page();
}

GUEST_CASE(access_with_ept, ACCESS_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_read, PROC2_APIC_ACCESS | PROC2_EPT))
		return;
	vmwrite(F_EPTP, ept_make());
	access_page();
}

GUEST_CASE(access_without_shadow, ACCESS_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_read, PROC2_APIC_ACCESS))
		return;
	vmwrite(F_PROC, vmread(F_PROC) & ~PROC_TPR_SHADOW);
	l2.rbx = ACCESS + APIC_TPR;
	l2_exits(R_APIC_ACCESS, "without a TPR shadow VTPR is not read either");
	qualification(APIC_TPR, "a data read");
	vmwrite(F_PROC2, 0);
	again(l2_write);
	l2.rax = 0xabcd;
	ends("and without the control the page is memory");
	check(*(volatile u32 *)(ACCESS + APIC_TPR) == 0xabcd, "which is written");
}

GUEST_CASE(access_moves, ACCESS_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_read, PROC2_APIC_ACCESS))
		return;
	*(volatile u32 *)(ACCESS + APIC_VERSION) = 0x2222;
	vmwrite(F_APIC_ACCESS, DESCRIPTOR);
	l2.rbx = ACCESS + APIC_VERSION;
	ends("another page is the APIC-access page");
	check(l2.rax == 0x2222, "this one is memory");
	again(l2_read);
	vmwrite(F_APIC_ACCESS, ACCESS);
	l2_exits(R_APIC_ACCESS, "until it is the APIC-access page again");
}

GUEST_CASE(registers, ACCESS_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_read, PROC2_APIC_ACCESS | PROC2_APIC_REGS))
		return;
	*vreg(APIC_VERSION) = 0x1234;
	l2.rbx = ACCESS + APIC_VERSION;
	ends("with APIC-register virtualization a read does not exit");
	check(l2.rax == 0x1234, "it gives what the virtual-APIC page has");
	again(l2_read);
	l2.rbx = ACCESS + APIC_TIMER_CURRENT;
	l2_exits(R_APIC_ACCESS, "but for the timer's current count");
	again(l2_write);
	l2.rbx = ACCESS + APIC_ESR;
	l2.rax = 0x55;
	l2.rcx = 0;
	l2_exits(R_APIC_WRITE, "a write exits behind the instruction");
	qualification(APIC_ESR, "the offset");
	check(*vreg(APIC_ESR) == 0x55, "the page has the value");
	check(vmread(F_GUEST_RIP) == (u64)l2_write_end && (u32)l2.rcx == 0, "RIP is behind it");
	ends("L2 goes on");
	check((u32)l2.rcx == 1, "and did");
	again(l2_write);
	l2.rbx = ACCESS + APIC_ICR_HIGH;
	l2.rax = 0x01020304;
	ends("a write of the ICR's high half does not exit");
	check(*vreg(APIC_ICR_HIGH) == 0x01000000, "and keeps eight bits");
	again(l2_write);
	l2.rbx = ACCESS + APIC_VERSION;
	l2_exits(R_APIC_ACCESS, "a write of a read-only register does");
	qualification(0x1000 | APIC_VERSION, "as an access");
}

GUEST_CASE(x2apic, MSR_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_rdmsr, PROC2_X2APIC))
		return;
	memset((void *)MSR_BITMAP_PAGE, 0, PAGE_SIZE);
	vmwrite(F_MSR_BITMAP, MSR_BITMAP_PAGE);
	proc_set(PROC_MSR_BITMAPS);
	*vreg(APIC_TPR) = 0x66;
	l2.rcx = 0x808;
	ends("RDMSR of the TPR");
	check(l2.rax == 0x66 && l2.rdx == 0, "is VTPR");
	again(l2_wrmsr);
	l2.rax = 0x7a;
	ends("WRMSR of the TPR");
	check(*vreg(APIC_TPR) == 0x7a, "writes it");
	again(l2_wrmsr);
	vmwrite(F_EXCEPTIONS, 1u << VEC_GP);
	l2.rax = 0x100;
	l2_exits(R_EXCEPTION, "a reserved bit makes #GP");
	check((vmread(F_EXIT_INTR_INFO) & 0xff) == VEC_GP, "#GP");
	if (!can(MSR_VMX_PROC2, PROC2_APIC_REGS))
		return;
	proc2_set(PROC2_APIC_REGS);
	*vreg(0x390) = 0x7777;
	again(l2_rdmsr);
	l2.rcx = 0x839;
	ends("with APIC-register virtualization all of them are read");
	check(l2.rax == 0x7777, "from the page");
}

GUEST_CASE(x2apic_virq, MSR_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start_virq(l2_wrmsr, PROC2_X2APIC))
		return;
	memset((void *)MSR_BITMAP_PAGE, 0, PAGE_SIZE);
	vmwrite(F_MSR_BITMAP, MSR_BITMAP_PAGE);
	proc_set(PROC_MSR_BITMAPS);
	l2.rcx = 0x83f;
	l2.rax = LOW;
	l2.rdx = 0;
	ends("a self-IPI");
	check((vmread(F_INTR_STATUS) & 0xff) == LOW && vbit(APIC_IRR, LOW), "is requested");
	again(l2_wrmsr);
	l2.rax = 5;
	l2_exits(R_APIC_WRITE, "one of a vector below 16 exits");
	qualification(0x3f0, "the offset");
	check(vmread(F_GUEST_RIP) == (u64)l2_wrmsr_end, "behind the instruction");
	again(l2_wrmsr);
	vset(APIC_ISR, HIGH);
	vmwrite(F_INTR_STATUS, HIGH << 8);
	l2.rcx = 0x80b;
	l2.rax = 0;
	ends("EOI");
	check(vmread(F_INTR_STATUS) == 0 && !vbit(APIC_ISR, HIGH), "ends the service");
}

GUEST_CASE(delivery, VIRQ_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start_virq(l2_open, 0))
		return;
	vset(APIC_IRR, LOW);
	pend(HIGH);
	ends("L2 opens RFLAGS.IF");
	check(irq_count[HIGH] == 1 && irq_count[LOW] == 0, "the higher one is delivered");
	check(vmread(F_INTR_STATUS) == (HIGH << 8 | LOW), "SVI and RVI");
	check(vbit(APIC_ISR, HIGH) && !vbit(APIC_IRR, HIGH), "VISR and VIRR");
	check(*vreg(APIC_PPR) == (HIGH & 0xf0), "VPPR");
	again(l2_open);
	ends("while it is in service");
	check(irq_count[LOW] == 0, "the lower one waits");
	again(l2_open);
	vmwrite(F_INTR_STATUS, LOW);
	*vreg(APIC_ISR + 0x30) = 0;
	proc_set(PROC_IRQ_WINDOW);
	l2_exits(R_IRQ_WINDOW, "interrupt-window exiting goes first");
	check(irq_count[LOW] == 0, "nothing is delivered then");
	vmwrite(F_PROC, vmread(F_PROC) & ~PROC_IRQ_WINDOW);
	ends("without it");
	check(irq_count[LOW] == 1, "it is");
}

GUEST_CASE(delivery_by_tpr, VIRQ_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start_virq(l2_open, 0))
		return;
	*vreg(APIC_TPR) = 0x60;
	pend(HIGH);
	ends("VTPR of the same class");
	check(irq_count[HIGH] == 0, "masks the interrupt");
	again(l2_tpr_open);
	l2.rbx = 5;
	ends("until CR8 falls below");
	check(irq_count[HIGH] == 1, "then it is delivered");
}

GUEST_CASE(delivery_ends_hlt, VIRQ_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start_virq(l2_halt, 0))
		return;
	pend(LOW);
	l2.rbx = 0;
	ends("L2 halts with an interrupt requested");
	check(irq_count[LOW] == 1 && l2.rbx == 1, "it does not sleep");
	vmwrite(F_GUEST_RIP, (u64)l2_halt + 2);
	vmwrite(F_GUEST_RFLAGS, 0x202);
	vmwrite(F_GUEST_ACTIVITY, 1);
	*vreg(APIC_ISR + 0x20) = 0;
	vmwrite(F_INTR_STATUS, 0);
	pend(LOW);
	ends("an entry into HLT");
	check(irq_count[LOW] == 2, "is woken as well");
}

GUEST_CASE(eoi, VIRQ_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start_virq(l2_eoi, PROC2_APIC_ACCESS))
		return;
	vset(APIC_ISR, LOW);
	vset(APIC_ISR, HIGH);
	vmwrite(F_INTR_STATUS, HIGH << 8);
	l2.rbx = ACCESS + APIC_EOI;
	ends("EOI in the APIC-access page");
	check(vmread(F_INTR_STATUS) == LOW << 8, "the next one is in service");
	check(!vbit(APIC_ISR, HIGH) && *vreg(APIC_PPR) == (LOW & 0xf0), "VISR and VPPR");
	again(l2_eoi);
	vmwrite(F_EOI_EXIT0 + 2 * (LOW / 64), 1ul << LOW % 64);
	l2_exits(R_EOI, "an EOI of a vector in the EOI-exit bitmap exits");
	qualification(LOW, "with the vector");
	check(vmread(F_INTR_STATUS) == 0, "after it");
	again(l2_write);
	l2.rbx = ACCESS + APIC_ICR;
	l2.rax = ICR_SELF | ICR_ASSERT | HIGH;
	ends("a self-IPI by the ICR");
	check((vmread(F_INTR_STATUS) & 0xff) == HIGH && vbit(APIC_IRR, HIGH), "is requested");
	again(l2_write);
	l2.rax = ICR_OTHERS | HIGH;
	l2_exits(R_APIC_WRITE, "another one exits");
	qualification(APIC_ICR, "the offset");
}

static bool start_posted(void (*code)(void))
{
	if (!start_virq(code, 0))
		return false;
	/* What handles interrupts looks for the local APIC's mode. */
	memset((void *)MSR_BITMAP_PAGE, 0, PAGE_SIZE);
	vmwrite(F_MSR_BITMAP, MSR_BITMAP_PAGE);
	proc_set(PROC_MSR_BITMAPS);
	if (!can(MSR_VMX_TRUE_PIN, PIN_POSTED))
		return check(false, "posted interrupts are offered");
	vmwrite(F_PIN, vmread(F_PIN) | PIN_POSTED);
	vmwrite(F_POSTED_VECTOR, NOTIFICATION);
	vmwrite(F_POSTED_DESC, DESCRIPTOR);
	apic_enable();
	return true;
}

GUEST_CASE(posted, POSTED_TEXT, .flags = CASE_VMX | CASE_IRQCHIP)
{
	volatile u64 *descriptor = (u64 *)DESCRIPTOR;

	if (!start_posted(l2_open))
		return;
	descriptor[LOW / 64] |= 1ul << LOW % 64;
	descriptor[HIGH / 64] |= 1ul << HIGH % 64;
	descriptor[4] = 1 | NOTIFICATION << 16;
	apic_send(0, ICR_SELF | NOTIFICATION);
	ends("a notification does not exit");
	check(irq_count[HIGH] == 1 && irq_count[NOTIFICATION] == 0, "what was posted is delivered");
	check(vmread(F_INTR_STATUS) == (HIGH << 8 | LOW), "the rest is requested");
	check(!descriptor[0] && !descriptor[1] && !(descriptor[4] & 1), "the descriptor is empty");
	check(descriptor[4] == NOTIFICATION << 16, "but for what is not the CPU's");
	check(!apic_bit(APIC_ISR, NOTIFICATION) && !apic_bit(APIC_IRR, NOTIFICATION),
	      "the notification is over");
	apic_send(0, ICR_SELF | (NOTIFICATION - 1));
	again(l2_open);
	l2_exits(R_EXTINT, "another interrupt exits");
	check((vmread(F_EXIT_INTR_INFO) & 0xff) == NOTIFICATION - 1, "with its vector");
}

static void post_later(void)
{
	volatile u64 *descriptor = (u64 *)DESCRIPTOR;

	apic_enable();
	while (!*(volatile u32 *)(ACCESS))
		;
	for (int i = 0; i < 1000; i++)
		*(volatile u32 *)(ACCESS + 8) = i;
	apic_send(0, NOTIFICATION);
	for (int i = 0; i < 1000; i++)
		*(volatile u32 *)(ACCESS + 8) = i;
	descriptor[LOW / 64] |= 1ul << LOW % 64;
	descriptor[4] |= 1;
	apic_send(0, NOTIFICATION);
}

GUEST_CASE(posted_ends_hlt, POSTED_TEXT, .flags = CASE_VMX | CASE_IRQCHIP, .cpus = 2,
	   .ap = post_later)
{
	if (!start_posted(l2_halt))
		return;
	l2.rbx = 0;
	*(volatile u32 *)(ACCESS) = 1;
	ends("L2 sleeps until another CPU posts an interrupt");
	check(irq_count[LOW] == 1 && l2.rbx == 1, "which wakes it");
}

GUEST_CASE(checks, "SDM3 \"VM-Execution Control Fields\"", .flags = CASE_VMX | CASE_IRQCHIP)
{
	if (!start(l2_cr8, 0))
		return;
	vmwrite(F_VAPIC, VAPIC + 8);
	check(l2_run() == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS, "an unaligned page");
	vmwrite(F_VAPIC, VAPIC);
	proc2_set(PROC2_VIRQ);
	check(l2_run() == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS,
	      "virtual interrupts without external-interrupt exiting");
	vmwrite(F_PROC2, PROC2_APIC_ACCESS | PROC2_X2APIC);
	check(l2_run() == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS,
	      "an APIC-access page in x2APIC mode");
	vmwrite(F_PROC2, PROC2_APIC_REGS);
	vmwrite(F_PROC, vmread(F_PROC) & ~PROC_TPR_SHADOW);
	check(l2_run() == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS,
	      "register virtualization without a TPR shadow");
}
#else
#include "guest_test.h"
#endif
