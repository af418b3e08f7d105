// SPDX-License-Identifier: GPL-2.0-only
/*
 * System-management mode in a running guest: SMIs by IPI, the state that comes
 * back from RSM, HLT that goes on, memory that only the handler sees.
 * SDM3 "System Management Mode".
 *
 * SMRAM is in the second address space alone. The handlers run there in their
 * 16-bit mode and leave notes in the guest's memory, which both spaces have.
 */
#define NOTES		0x6000	/* in guest memory: what handlers write */
#define HIDDEN		0x31000	/* inside SMRAM */
#define INSTALL		1	/* of call_host() */

#ifdef GUEST
#include "apic.h"

#define ENTRY		"SDM3 \"Entering SMM\""
#define HALT		"SDM3 \"Auto HALT Restart\""
#define BLOCKED		"SDM3 \"NMI Handling While in SMM\""
#define SMI_SELF	(ICR_SMI | ICR_ASSERT)

#define notes		((volatile u32 *)NOTES)	/* 0: entries, 1: left, 2: for the case */

/* Handlers, copied to SMRAM by the host half. DS has all of memory. */
extern const u8 counting[], counting_end[], busy[], busy_end[], hiding[], hiding_end[];

asm(".section .rodata\n"
	".code16\n"
	"counting:\n"
	"	addr32 incl 0x6000\n"
	/* Registers that RSM has to bring back. */
	"	movl $0x11111111, %eax\n"
	"	movl %eax, %ebx\n"
	"	movl %eax, %esi\n"
	"	movl %eax, %esp\n"
	"	addr32 incl 0x6004\n"
	"	rsm\n"
	"counting_end:\n"
	/* Sends itself an NMI and, the first time, another SMI. */
	"busy:\n"
	"	addr32 incl 0x6000\n"
	"	addr32 movl $0, 0xfee00310\n"
	"	addr32 movl $0x4400, 0xfee00300\n"
	"	addr32 cmpl $1, 0x6000\n"
	"	jne 1f\n"
	"	addr32 movl $0x4200, 0xfee00300\n"
	"1:	movl $1000, %ecx\n"
	"2:	pause\n"
	"	addr32 loop 2b\n"
	"	addr32 incl 0x6004\n"
	"	rsm\n"
	"busy_end:\n"
	"hiding:\n"
	"	addr32 movl 0x31000, %eax\n"
	"	addr32 movl %eax, 0x6008\n"
	"	addr32 movl $0x5a5a5a5a, 0x31000\n"
	"	addr32 incl 0x6000\n"
	"	rsm\n"
	"hiding_end:\n"
	".code64\n"
	".text\n");

static void install(const u8 *from, const u8 *to)
{
	notes[0] = 0;
	notes[1] = 0;
	notes[2] = 0;
	call_host(INSTALL, (u64)from, to - from, 0);
}

static void send_self(void)
{
	apic_send(0, SMI_SELF);
}

GUEST_CASE(comes_back, ENTRY, .flags = CASE_IRQCHIP)
{
	u64 before[4], after[4], regs[4];

	apic_enable();
	install(counting, counting_end);
	before[0] = READ_CR(0);
	before[1] = READ_CR(3);
	before[2] = READ_CR(4);
	before[3] = rdmsr(0xc0000080);
	asm volatile("movq $0x1122334455667788, %%r15\n\t"
		     "movq %%r15, %%rbx\n\t"
		     "movl $0, 0x310(%3)\n\t"
		     "movl $0x4200, 0x300(%3)\n\t"
		     "movl $100000, %%ecx\n"
		     "1:	pause\n\t"
		     "cmpl $0, 0x6004\n\t"
		     "loope 1b\n\t"
		     "movq %%r15, %0\n\t"
		     "movq %%rbx, %1\n\t"
		     "movq %%rsp, %2"
		     : "=m"(regs[0]), "=m"(regs[1]), "=m"(regs[2])
		     : "r"(APIC_BASE) : "r15", "rbx", "rcx", "memory", "cc");
	after[0] = READ_CR(0);
	after[1] = READ_CR(3);
	after[2] = READ_CR(4);
	after[3] = rdmsr(0xc0000080);
	check(notes[0] == 1 && notes[1] == 1, "the handler ran once (%u)", notes[0]);
	check(regs[0] == 0x1122334455667788 && regs[1] == regs[0], "R15 %lx and RBX %lx",
	      regs[0], regs[1]);
	check(regs[2] > GUEST_STACKS, "RSP %lx", regs[2]);
	check(!memcmp(before, after, sizeof(before)), "CR0, CR3, CR4 and EFER");
	check(try_rdmsr(0x9e, regs) == VEC_GP, "SMBASE cannot be read outside");
	check(PROBE(".byte 0x0f, 0xaa", : : : "memory") == VEC_UD, "RSM outside is #UD");
}

static volatile u32 left_when_nmi;

static void nmi_handler(struct frame *frame)
{
	left_when_nmi = notes[1];
}

GUEST_CASE(holds_nmi_and_smi, BLOCKED, .flags = CASE_IRQCHIP)
{
	apic_enable();
	trap_hook[VEC_NMI] = nmi_handler;
	install(busy, busy_end);
	send_self();
	check(wait_for(left_when_nmi, 1000000), "the NMI comes");
	check(notes[0] == 2 && notes[1] == 2, "the second SMI too (%u, %u)", notes[0],
	      notes[1]);
	check(left_when_nmi == 2, "SMIs go first, and none is interrupted (%u)", left_when_nmi);
}

static volatile bool awake;

static void send_while_halted(void)
{
	wait_open(notes[2], 1000000);
	delay(3000);
	apic_send(0, SMI_SELF);
	wait_open(notes[1] == 1, 1000000);
	delay(3000);
	notes[2] = awake ? 3 : 2;
	apic_send(0, ICR_NMI | ICR_ASSERT);
}

GUEST_CASE(goes_on_halting, HALT, .flags = CASE_IRQCHIP, .cpus = 2, .ap = send_while_halted)
{
	apic_enable();
	install(counting, counting_end);
	notes[2] = 1;
	asm volatile("hlt" : : : "memory");
	awake = true;
	check(irq_count[VEC_NMI] == 1, "an NMI ends HLT");
	check(notes[0] == 1, "the SMI was handled before (%u)", notes[0]);
	check(notes[2] == 2, "and did not end it (%u)", notes[2]);
}

GUEST_CASE(hidden_memory, ENTRY, .flags = CASE_IRQCHIP)
{
	volatile u32 *mine = (u32 *)HIDDEN;
	u32 before;

	apic_enable();
	install(hiding, hiding_end);
	before = *mine;
	send_self();
	check(wait_for(notes[0] == 1, 1000000), "the handler ran");
	check(*mine == before, "what it wrote is not seen outside (%x)", *mine);
	check(notes[2] != before, "nor what is outside seen by it");
	notes[0] = 0;
	send_self();
	wait_for(notes[0] == 1, 1000000);
	check(notes[2] == 0x5a5a5a5a, "the next one finds it (%x)", notes[2]);
}

#else /* host half */
#include <string.h>

#include "guest_test.h"

#define OTHER		(1u << 16)
#define SMBASE		0x30000u
#define SMRAM_SIZE	0x10000u
#define HANDLER		0x8000u

static uint8_t *smram;

/* The other space: the guest's memory but for SMRAM. */
static void second_space(struct vm *vm)
{
	smram = vm_pages(SMRAM_SIZE);
	memset(smram + HIDDEN - SMBASE, 0xc3, 4);
	vm_slot(vm, OTHER, 0, 0, SMBASE, vm->mem);
	vm_slot(vm, OTHER | 1, 0, SMBASE, SMRAM_SIZE, smram);
	vm_slot(vm, OTHER | 2, 0, SMBASE + SMRAM_SIZE, GUEST_MEM_SIZE - SMBASE - SMRAM_SIZE,
		vm->mem + SMBASE + SMRAM_SIZE);
}

static uint64_t install(struct vcpu *vcpu, const uint64_t *args)
{
	/* args[0] is INSTALL. */
	if (args[2] > SMRAM_SIZE - HANDLER)
		return 1;
	memcpy(smram + HANDLER, guest_at(vcpu->vm, args[1], args[2]), args[2]);
	return 0;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = second_space, .call = install },
	{ 0 }
};
#endif /* GUEST */
