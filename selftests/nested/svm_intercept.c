// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each intercept of SVM: with its bit the instruction exits, with the right code
 * and the address behind it, and has done nothing; without it nothing exits.
 * APM2 "Instruction Intercepts", "SVM Intercept Exit Codes".
 */
#ifdef GUEST
#include "svm.h"

#define INTERCEPTS	"APM2 \"Instruction Intercepts\""

struct l2_regs l2;

/* On VMX no control makes this exit, see Documentation/deviations.rst. */
#define NOT_ON_VMX	1
/* It ends L2, or needs an operand: only the exit is looked at. */
#define EXIT_ONLY	2
/* QEMU 7.2 takes the intercept of RDTSC for RDTSCP, that of WBINVD for INVD. */
#define NOT_ON_TCG	4

#define ROWS								\
	ROW(I_CPUID, EXIT_CPUID, 2, 0, "cpuid", "cpuid")		\
	ROW(I_HLT, EXIT_VMHLT, 1, EXIT_ONLY, "hlt", "hlt")		\
	ROW(I_RDTSC, EXIT_RDTSC, 2, 0, "rdtsc", "rdtsc")		\
	ROW(I_RDTSCP, 0x87, 3, NOT_ON_TCG, "rdtscp", "rdtscp")			\
	ROW(I_RDPMC, EXIT_RDPMC, 2, EXIT_ONLY, "rdpmc", "rdpmc")	\
	ROW(I_INVLPG, EXIT_INVLPG, 4, 0, "invlpg", "invlpg 0x40(%rax)")	\
	ROW(I_INVLPGA, EXIT_INVLPGA, 3, EXIT_ONLY, "invlpga", "invlpga %rax, %ecx") \
	ROW(I_PAUSE, EXIT_PAUSE, 2, 0, "pause", "pause")		\
	ROW(I_INVD, EXIT_INVD, 2, EXIT_ONLY | NOT_ON_TCG, "invd", "invd")		\
	ROW(I_WBINVD, EXIT_WBINVD, 2, 0, "wbinvd", "wbinvd")		\
	ROW(I_PUSHF, EXIT_PUSHF, 1, NOT_ON_VMX, "pushf", "pushfq")	\
	ROW(I_POPF, EXIT_POPF, 1, NOT_ON_VMX | EXIT_ONLY, "popf", "popfq")	\
	ROW(I_INTN, EXIT_SWINT, 2, NOT_ON_VMX | EXIT_ONLY, "int", "int $0x41") \
	ROW(I_IRET, EXIT_IRET, 2, NOT_ON_VMX | EXIT_ONLY, "iret", "iretq")	\
	ROW(I_VMRUN, EXIT_VMRUN, 3, EXIT_ONLY, "vmrun", "vmrun")	\
	ROW(I_VMMCALL, EXIT_VMMCALL, 3, EXIT_ONLY, "vmmcall", "vmmcall") \
	ROW(I_VMLOAD, EXIT_VMLOAD, 3, EXIT_ONLY, "vmload", "vmload")	\
	ROW(I_VMSAVE, EXIT_VMSAVE, 3, EXIT_ONLY, "vmsave", "vmsave")	\
	ROW(I_STGI, EXIT_STGI, 3, EXIT_ONLY, "stgi", "stgi")		\
	ROW(I_CLGI, EXIT_CLGI, 3, EXIT_ONLY, "clgi", "clgi")		\
	ROW(I_IDTR_READ, 0x66, 4, 0, "sidt", "sidt 0x40(%rsi)")		\
	ROW(I_GDTR_READ, 0x67, 4, 0, "sgdt", "sgdt 0x40(%rsi)")		\
	ROW(I_LDTR_READ, 0x68, 3, 0, "sldt", "sldt %eax")		\
	ROW(I_TR_READ, 0x69, 3, 0, "str", "str %eax")			\
	ROW(I_IDTR_WRITE, 0x6a, 4, EXIT_ONLY, "lidt", "lidt 0x40(%rsi)") \
	ROW(I_GDTR_WRITE, 0x6b, 4, EXIT_ONLY, "lgdt", "lgdt 0x40(%rsi)") \
	ROW(I_LDTR_WRITE, 0x6c, 3, EXIT_ONLY, "lldt", "lldt %ax")	\
	ROW(I_TR_WRITE, 0x6d, 3, EXIT_ONLY, "ltr", "ltr %ax")		\
	ROW(0, EXIT_CR0_READ, 3, NOT_ON_VMX, "read cr0", "mov %cr0, %rax")	\
	ROW(3, EXIT_CR0_READ + 3, 3, 0, "read cr3", "mov %cr3, %rax")	\
	ROW(4, EXIT_CR0_READ + 4, 3, NOT_ON_VMX, "read cr4", "mov %cr4, %rax")	\
	ROW(8, EXIT_CR0_READ + 8, 4, 0, "read cr8", "mov %cr8, %rax")	\
	ROW(16, EXIT_CR0_WRITE, 3, 0, "write cr0", "mov %rbx, %cr0")	\
	ROW(16, EXIT_CR0_WRITE, 2, 0, "clts", "clts")			\
	ROW(16, EXIT_CR0_WRITE, 3, 0, "lmsw", "lmsw %bx")		\
	ROW(19, EXIT_CR0_WRITE + 3, 3, 0, "write cr3", "mov %rdx, %cr3")	\
	ROW(20, EXIT_CR0_WRITE + 4, 3, 0, "write cr4", "mov %rdi, %cr4")	\
	ROW(24, EXIT_CR0_WRITE + 8, 4, 0, "write cr8", "mov %rcx, %cr8")	\
	ROW(32, EXIT_DR0_READ, 3, 0, "read dr0", "mov %dr0, %rax")	\
	ROW(39, EXIT_DR0_READ + 7, 3, 0, "read dr7", "mov %dr7, %rax")	\
	ROW(48, EXIT_DR0_READ + 16, 3, 0, "write dr0", "mov %rcx, %dr0")	\
	ROW(54, EXIT_DR0_READ + 22, 3, EXIT_ONLY, "write dr6", "mov %rax, %dr6")

/* Instructions one after the other, each in a place of its own of 16 bytes. */
extern u8 places[];
#define ROW(bit, code, len, flags, what, insn) ".balign 16\n" insn "\nhlt\n"
asm(".text\n.balign 16\nplaces:\n" ROWS ".balign 16\n");

static const struct {
	u16 bit, code;
	u8 len, flags;
	const char *what;
} rows[] = {
#undef ROW
#define ROW(bit, code, len, flags, what, insn) { bit, code, len, flags, what },
	ROWS
#undef ROW
};

static void set_registers(void)
{
	VMCB->rax = (u64)HSAVE;
	/* VMX has no exit of a write that changes nothing. */
	VMCB->cr0 |= CR0_TS;
	l2 = (struct l2_regs){
		.rbx = read_cr0() ^ CR0_AM, .rdx = read_cr3(), .rdi = read_cr4() ^ CR4_DE,
		.rsi = TEST_FREE,
	};
}

static bool skipped(u32 i)
{
	u32 r[4];

	/* Not every CPU has it. */
	if (rows[i].bit == I_RDTSCP) {
		cpuid(0x80000001, 0, r);
		if (!(r[3] & 1u << 27))
			return true;
	}
	return (rows[i].flags & NOT_ON_VMX && params()->host == HOST_VMX) ||
	       (rows[i].flags & NOT_ON_TCG && params()->host == HOST_SVM);
}

GUEST_CASE(with_the_bit, INTERCEPTS, .flags = CASE_SVM | CASE_IRQCHIP)
{
	u32 i, n = 0;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 rip = (u64)places + i * 16;

		if (skipped(i))
			continue;
		vmcb_init((void (*)(void))rip);
		want(rows[i].bit);
		want(I_HLT);
		set_registers();
		n++;
		if (vmrun() != rows[i].code) {
			check(false, "%s exits: %lx, not %x", rows[i].what, VMCB->exit_code,
			      rows[i].code);
			continue;
		}
		if (VMCB->rip != rip || VMCB->next_rip != rip + rows[i].len)
			check(false, "%s: RIP +%ld, NRIP +%ld", rows[i].what, VMCB->rip - rip,
			      VMCB->next_rip - rip);
	}
	check(n > 20, "%u intercepts, each by its own bit", n);
}

GUEST_CASE(without_the_bit, INTERCEPTS, .flags = CASE_SVM | CASE_IRQCHIP)
{
	u32 i, n = 0;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (skipped(i) || rows[i].flags & EXIT_ONLY)
			continue;
		vmcb_init((void (*)(void))((u64)places + i * 16));
		want(I_HLT);
		set_registers();
		n++;
		if (vmrun() != EXIT_VMHLT)
			check(false, "%s runs: exit %lx", rows[i].what, VMCB->exit_code);
	}
	check(n > 10, "%u instructions run without an exit", n);
}

/* The other intercepts of L1 must not catch it. */
GUEST_CASE(other_bits, INTERCEPTS, .flags = CASE_SVM | CASE_IRQCHIP)
{
	u32 i, j, n = 0;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (skipped(i) || rows[i].flags & EXIT_ONLY)
			continue;
		vmcb_init((void (*)(void))((u64)places + i * 16));
		for (j = 0; j < ARRAY_SIZE(rows); j++)
			if (rows[j].bit != rows[i].bit && !(rows[j].flags & NOT_ON_VMX))
				want(rows[j].bit);
		set_registers();
		n++;
		if (vmrun() != EXIT_VMHLT)
			check(false, "%s: exit %lx", rows[i].what, VMCB->exit_code);
	}
	check(n > 10, "%u instructions run although all others are intercepted", n);
}

L2_CODE(sets_ts, "mov %rbx, %cr0; mov %rdx, %cr0; hlt");

GUEST_CASE(selective_cr0, "APM2 \"CR0 Selective Write Intercept\"", .flags = CASE_SVM)
{
	vmcb_init(sets_ts);
	want(I_CR0_SEL);
	want(I_HLT);
	l2.rbx = read_cr0() | CR0_TS;
	l2.rdx = (read_cr0() | CR0_TS) ^ CR0_AM;
	run_to(EXIT_CR0_SEL, "a change of AM");
	check(VMCB->rip == (u64)sets_ts + 3, "not that of TS before it (%ld)",
	      VMCB->rip - (u64)sets_ts);
	check(VMCB->cr0 & CR0_TS, "which was done");
	unwant(I_CR0_SEL);
	run_to(EXIT_VMHLT, "without the bit");
	check((VMCB->cr0 ^ read_cr0()) == (CR0_TS | CR0_AM), "it is done (%lx)", VMCB->cr0);
}

/* Whatever is not virtualised for it, L2 must not do to L1: CVE-2021-3656. */
L2_CODE(loads_and_saves, "mov %rdi, %rax; vmload; vmsave; hlt");

GUEST_CASE(cve_2021_3656, "APM3 \"VMLOAD\"", .flags = CASE_SVM)
{
	struct vmcb *image = (struct vmcb *)TEST_FREE;

	svm_on();
	wrmsr(0xc0000102, 0x1111000);
	asm volatile("vmsave %%rax" : : "a"(image) : "memory");
	image->kernel_gs = 0x7777000;
	vmcb_init(loads_and_saves);
	want(I_VMLOAD);
	want(I_VMSAVE);
	want(I_HLT);
	l2.rdi = (u64)image;
	run_to(EXIT_VMLOAD, "VMLOAD of L2 is L1's to do");
	check(rdmsr(0xc0000102) == 0x1111000, "and did nothing");
	VMCB->rip = (u64)loads_and_saves + 6;
	run_to(EXIT_VMSAVE, "VMSAVE too");
	check(image->kernel_gs == 0x7777000, "neither");
	unwant(I_VMLOAD);
	VMCB->rip = (u64)loads_and_saves;
	run_to(EXIT_VMSAVE, "without the intercept VMLOAD is done");
	check(rdmsr(0xc0000102) == 0x7777000, "with L1's memory (%lx)", rdmsr(0xc0000102));
}

L2_CODE(svm_off, "vmmcall; vmrun; hlt");

/* In L2 they are checked as everywhere: EFER.SVME is set, so is CPL 0. */
GUEST_CASE(vmrun_in_l2, "APM3 \"VMRUN\"", .flags = CASE_SVM)
{
	vmcb_init(svm_off);
	VMCB->rip += 3;
	want(I_HLT);
	VMCB->icpt[2] = 1u << VEC_UD;
	check(vmrun() == EXIT_VMRUN, "VMRUN of L2 exits (%lx)", VMCB->exit_code);
}
#else
#include "guest_test.h"
#endif
