// SPDX-License-Identifier: GPL-2.0-only
/*
 * What CPUID Fn8000_000A offers beyond the first SVM: each feature works, whatever
 * the host's CPU has of it.
 * APM2 "Virtual GIF", "VMLOAD/VMSAVE Virtualization", "Pause Intercept Filtering",
 * "TSC Ratio MSR", "Decode Assists", "TLB Control".
 */
#ifdef GUEST
#include "svm.h"
#include "apic.h"
#include "svm_npt.h"

#define MSR_TSC_RATIO		0xc0000104u
#define RATIO_ONE		(1ul << 32)
#define MSR_KERNEL_GS		0xc0000102u
#define V_GIF			(1u << 9)
#define V_GIF_ENABLE		(1u << 25)
#define VIRTUAL_VMLOAD		(1ul << 1)
#define CR_MOV			(1ul << 63)
#define VIRQ			0x71

#define VGIF	"APM2 \"Virtual GIF\""
#define VLS	"APM2 \"VMLOAD/VMSAVE Virtualization\""
#define PAUSES	"APM2 \"Pause Intercept Filtering\""
#define RATIO	"APM2 \"TSC Ratio MSR\""
#define ASSISTS	"APM2 \"Decode Assists\""

struct l2_regs l2;

GUEST_CASE(features, "APM3 \"Function 8000_000Ah\"", .flags = CASE_SVM)
{
	/* NP, NRIPS, TscRateMsr, VmcbClean, FlushByAsid, DecodeAssists, PauseFilter. */
	const u32 offered = 0x4f9 | 1u << 15 | 1u << 16 | 1u << 28;
	/* LbrVirt, PauseFilterThreshold, AVIC, x2AVIC, GMET, SSS, NMI and IBS for guests. */
	const u32 hidden = 1u << 1 | 1u << 12 | 1u << 13 | 1u << 17 | 1u << 18 | 1u << 19 |
			   1u << 25 | 1u << 26;
	u32 r[4];

	cpuid(0x8000000a, 0, r);
	check((r[3] & offered) == offered, "what works is shown (%x of %x)", r[3], offered);
	check(!(r[3] & hidden), "what does not is not (%x)", r[3] & hidden);
	check(r[1] > 1, "ASIDs (%u)", r[1]);
}

/* ---- virtual GIF ---- */

L2_CODE(clears_gif, "clgi; hlt");
L2_CODE(sets_gif, "nop; stgi; nop; hlt");

GUEST_CASE(virtual_gif, VGIF, .flags = CASE_SVM | CASE_IRQCHIP)
{
	apic_enable();
	vmcb_init(clears_gif);
	want(I_HLT);
	VMCB->int_ctl = V_GIF_ENABLE | V_GIF;
	run_to(EXIT_VMHLT, "CLGI of L2");
	check(!(VMCB->int_ctl & V_GIF) && VMCB->int_ctl & V_GIF_ENABLE,
	      "clears its own flag (%x)", VMCB->int_ctl);
	apic_send(0, ICR_FIXED | ICR_ASSERT | VIRQ);
	open_window();
	check(irq_count[VIRQ] == 1, "not L1's");
	VMCB->rip = (u64)sets_gif;
	run_to(EXIT_VMHLT, "STGI");
	check(VMCB->int_ctl & V_GIF, "sets it (%x)", VMCB->int_ctl);
}

GUEST_CASE(virtual_gif_intercepted, VGIF, .flags = CASE_SVM)
{
	vmcb_init(sets_gif);
	want(I_STGI);
	want(I_HLT);
	VMCB->int_ctl = V_GIF_ENABLE;
	run_to(EXIT_STGI, "STGI that L1 intercepts");
	check(!(VMCB->int_ctl & V_GIF), "does nothing (%x)", VMCB->int_ctl);
}

GUEST_CASE(virtual_gif_masks, VGIF, .flags = CASE_SVM | CASE_IRQCHIP)
{
	irq_eoi = false;
	vmcb_init(clears_gif);
	want(I_HLT);
	VMCB->rip += 3;
	VMCB->rflags |= RFLAGS_IF;
	VMCB->int_ctl = V_INTR_MASKING | V_IRQ | V_PRIO(7) | V_GIF_ENABLE;
	VMCB->int_vector = VIRQ;
	run_to(EXIT_VMHLT, "a virtual interrupt, GIF of L2 clear");
	check(!irq_count[VIRQ] && VMCB->int_ctl & V_IRQ, "waits though IF is set (%u)",
	      irq_count[VIRQ]);
	VMCB->rip = (u64)sets_gif;
	run_to(EXIT_VMHLT, "until STGI");
	check(irq_count[VIRQ] == 1 && !(VMCB->int_ctl & V_IRQ), "which lets it in (%u)",
	      irq_count[VIRQ]);
	/* Without the feature's bit V_GIF means nothing. */
	VMCB->rip = (u64)clears_gif + 3;
	VMCB->rflags |= RFLAGS_IF;
	VMCB->int_ctl = V_INTR_MASKING | V_IRQ | V_PRIO(7);
	run_to(EXIT_VMHLT, "without virtual GIF");
	check(irq_count[VIRQ] == 2, "it comes at once (%u)", irq_count[VIRQ]);
}

/* ---- virtual VMLOAD and VMSAVE ---- */

L2_CODE(saves, "mov %rdi, %rax; vmsave; hlt");
L2_CODE(loads_state, "mov %rdi, %rax; vmload; hlt");

GUEST_CASE(virtual_vmsave, VLS, .flags = CASE_SVM)
{
	struct vmcb *a = (struct vmcb *)PAGE_A, *b = (struct vmcb *)PAGE_B;

	memset(a, 0, sizeof(*a));
	memset(b, 0, sizeof(*b));
	npt_init(saves);
	wrmsr(MSR_KERNEL_GS, 0x1230000);
	*entry_of(PAGE_A) = PAGE_B | OPEN;
	VMCB->lbr = VIRTUAL_VMLOAD;
	l2.rdi = PAGE_A;
	run_to(EXIT_VMHLT, "VMSAVE of L2");
	check(b->kernel_gs == 0x1230000 && !a->kernel_gs,
	      "goes where nested paging leads (%lx, %lx)", b->kernel_gs, a->kernel_gs);
	b->kernel_gs = 0x4560000;
	VMCB->rip = (u64)loads_state;
	run_to(EXIT_VMHLT, "VMLOAD too");
	check(rdmsr(MSR_KERNEL_GS) == 0x4560000, "and loads (%lx)", rdmsr(MSR_KERNEL_GS));
	a->kernel_gs = 0x7890000;
	memcpy(&a->fs, &b->fs, 0x60);
	VMCB->lbr = 0;
	VMCB->rip = (u64)loads_state;
	run_to(EXIT_VMHLT, "without virtualization");
	check(rdmsr(MSR_KERNEL_GS) == 0x7890000, "L1's physical memory (%lx)",
	      rdmsr(MSR_KERNEL_GS));
}

GUEST_CASE(virtual_vmsave_faults, VLS, .flags = CASE_SVM)
{
	npt_init(saves);
	VMCB->lbr = VIRTUAL_VMLOAD;
	l2.rdi = PAGE_A;
	*entry_of(PAGE_A) = PAGE_A | PTE_PRESENT | PTE_USER;
	if (npf(PAGE_A, NPF_FINAL | NPF_U | NPF_W | NPF_P, "VMSAVE to a read-only page"))
		check(VMCB->rip == (u64)saves + 3, "RIP at VMSAVE");
	*entry_of(PAGE_A) = 0;
	flush();
	VMCB->rip = (u64)loads_state;
	npf(PAGE_A, NPF_FINAL | NPF_U, "VMLOAD from an absent page");
	want(I_VMLOAD);
	VMCB->rip = (u64)loads_state;
	run_to(EXIT_VMLOAD, "the intercept comes first");
}

/* ---- pause filter ---- */

L2_CODE(pauses, ".rept 12\n pause\n .endr\n hlt");

GUEST_CASE(pause_filter, PAUSES, .flags = CASE_SVM | CASE_IRQCHIP)
{
	vmcb_init(pauses);
	want(I_PAUSE);
	want(I_HLT);
	VMCB->pause_count = 5;
	run_to(EXIT_PAUSE, "more PAUSEs than the filter's count");
	check(VMCB->rip == (u64)pauses + 2 * 5, "five pass, the sixth exits (%ld)",
	      VMCB->rip - (u64)pauses);
	check(VMCB->pause_count == 5, "the field keeps its value (%u)", VMCB->pause_count);
	step_over();
	run_to(EXIT_PAUSE, "VMRUN loads the counter again");
	check(VMCB->rip == (u64)pauses + 2 * 11, "five more pass (%ld)",
	      VMCB->rip - (u64)pauses);
	step_over();
	run_to(EXIT_VMHLT, "fewer than that");
	VMCB->pause_count = 0;
	VMCB->rip = (u64)pauses;
	run_to(EXIT_PAUSE, "a count of zero");
	check(VMCB->rip == (u64)pauses, "lets none pass");
}

/* ---- TSC ratio ---- */

L2_CODE(reads_tsc, "rdtsc; mov %eax, %edi; mov %edx, %esi; mov $0x10, %ecx; rdmsr; hlt");

/* By an 8.32 fixed-point number, in 64 bits. */
static u64 scaled(u64 tsc, u64 ratio)
{
	u64 fraction = (u32)ratio;

	return tsc * (ratio >> 32) + (tsc >> 32) * fraction + ((u32)tsc * fraction >> 32);
}

/* L2's TSC between what L1's made of it before and after. */
static void tsc_is(u64 ratio, u64 offset, const char *what)
{
	u64 before, after, got, msr;

	wrmsr(MSR_TSC_RATIO, ratio);
	VMCB->tsc_offset = offset;
	VMCB->rip = (u64)reads_tsc;
	before = rdtsc();
	run_to(EXIT_VMHLT, what);
	after = rdtsc();
	got = (l2.rdi | l2.rsi << 32) - offset;
	msr = ((u32)VMCB->rax | l2.rdx << 32) - offset;
	before = scaled(before, ratio);
	after = scaled(after, ratio);
	check(got + 2 >= before && got <= after + 2, "%s: RDTSC %lx in %lx to %lx", what, got,
	      before, after);
	check(msr + 2 >= got && msr <= after + 2, "%s: and the MSR (%lx)", what, msr);
}

GUEST_CASE(tsc_ratio, RATIO, .flags = CASE_SVM)
{
	vmcb_init(reads_tsc);
	want(I_HLT);
	check(rdmsr(MSR_TSC_RATIO) == RATIO_ONE, "1.0 after reset (%lx)", rdmsr(MSR_TSC_RATIO));
	check(try_wrmsr(MSR_TSC_RATIO, 1ul << 40) == VEC_GP, "a reserved bit: #GP");
	tsc_is(RATIO_ONE, 0, "1.0");
	tsc_is(2 * RATIO_ONE, 0, "2.0");
	tsc_is(RATIO_ONE / 2, 1ul << 40, "0.5 and an offset");
	tsc_is(3 * RATIO_ONE / 2, -1000000ul, "1.5 and one below zero");
	tsc_is(200 * RATIO_ONE, 0, "200.0");
	want(I_RDTSC);
	VMCB->rip = (u64)reads_tsc;
	run_to(EXIT_RDTSC, "the intercept");
	wrmsr(MSR_TSC_RATIO, RATIO_ONE);
}

/* ---- decode assists ---- */

#define MOVES								\
	ROW(16 + 3, EXIT_CR0_WRITE + 3, CR_MOV | 2, "mov %rdx, %cr3")	\
	ROW(16 + 4, EXIT_CR4_WRITE, CR_MOV | 7, "mov %rdi, %cr4")	\
	ROW(16, EXIT_CR0_WRITE, CR_MOV | 3, "mov %rbx, %cr0")		\
	ROW(I_CR0_SEL, EXIT_CR0_SEL, CR_MOV | 5, "mov %rbp, %cr0")	\
	ROW(16, EXIT_CR0_WRITE, 0, "lmsw %bx")				\
	ROW(16, EXIT_CR0_WRITE, 0, "clts")				\
	ROW(3, EXIT_CR0_READ + 3, CR_MOV | 9, "mov %cr3, %r9")		\
	ROW(32 + 7, EXIT_DR0_READ + 7, 6, "mov %dr7, %rsi")		\
	ROW(48 + 1, EXIT_DR0_READ + 17, 1, "mov %rcx, %dr1")		\
	ROW(I_INVLPG, EXIT_INVLPG, PAGE_A + 0x40, "invlpg 0x40(%rsi)")	\
	ROW(I_INVLPGA, EXIT_INVLPGA, PAGE_A, "invlpga %rax, %ecx")

extern u8 moves[];
#define ROW(bit, code, info, insn) ".balign 16\n" insn "\nhlt\n"
asm(".text\n.balign 16\nmoves:\n" MOVES ".balign 16\n");

static const struct {
	u16 bit, code;
	u64 info;
	const char *insn;
} moves_rows[] = {
#undef ROW
#define ROW(bit, code, info, insn) { bit, code, info, insn },
	MOVES
#undef ROW
};

GUEST_CASE(operands, ASSISTS, .flags = CASE_SVM)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(moves_rows); i++) {
		vmcb_init((void (*)(void))(moves + i * 16));
		want(moves_rows[i].bit);
		want(I_HLT);
		VMCB->rax = PAGE_A;
		/* VMX has no exit of a write that changes nothing. */
		VMCB->cr0 |= CR0_TS;
		l2 = (struct l2_regs){ .rbx = read_cr0() ^ CR0_AM, .rdx = read_cr3(),
				       .rdi = read_cr4() ^ CR4_DE, .rsi = PAGE_A,
				       .rbp = read_cr0() ^ CR0_AM };
		vmrun();
		check(VMCB->exit_code == moves_rows[i].code && VMCB->info1 == moves_rows[i].info,
		      "%s: exit %lx, EXITINFO1 %lx", moves_rows[i].insn, VMCB->exit_code,
		      VMCB->info1);
	}
}

static void bytes_are(const void *code, u32 least, const char *what)
{
	bool same = VMCB->insn_len >= least && VMCB->insn_len <= 15 &&
		    !memcmp(VMCB->insn, code, VMCB->insn_len);

	check(same, "%s: the instruction's bytes (%u)", what, VMCB->insn_len);
}

GUEST_CASE(instruction_bytes, ASSISTS, .flags = CASE_SVM)
{
	npt_init(stores);
	l2.rdi = PAGE_A;
	*entry_of(PAGE_A) = 0;
	run_to(EXIT_NPF, "a nested page fault");
	bytes_are(stores, 3, "NPF");
	VMCB->rip = (u64)calls;
	run_to(EXIT_NPF, "one of a fetch");
	check(!VMCB->insn_len, "has none (%u)", VMCB->insn_len);
	*entry_of(PAGE_A) = PAGE_A | OPEN;
	/* Behind the four gigabytes that are mapped. */
	l2.rdi = 1ul << 40;
	VMCB->rip = (u64)loads;
	VMCB->icpt[2] = 1u << VEC_PF;
	flush();
	run_to(EXIT_EXCP + VEC_PF, "a page fault");
	bytes_are(loads, 3, "#PF");
	check(VMCB->info2 == 1ul << 40, "its address (%lx)", VMCB->info2);
	VMCB->rip = (u64)saves + 6;
	run_to(EXIT_VMHLT, "another exit");
	check(!VMCB->insn_len, "has none (%u)", VMCB->insn_len);
}

/* ---- flush by ASID, and the check of addresses ---- */

GUEST_CASE(flush_by_asid, "APM2 \"TLB Control\"", .flags = CASE_SVM)
{
	static const u8 kinds[] = { 3, 7, 1 };
	u32 i;

	*(volatile u64 *)PAGE_A = 0xa;
	*(volatile u64 *)PAGE_B = 0xb;
	npt_init(loads);
	l2.rdi = PAGE_A;
	run_to(EXIT_VMHLT, "L2 reads");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		*entry_of(PAGE_A) = (i & 1 ? PAGE_A : PAGE_B) | OPEN;
		VMCB->tlb_control = kinds[i];
		VMCB->rip = (u64)loads;
		run_to(EXIT_VMHLT, "with TLB_CONTROL");
		check(l2.rbx == (i & 1 ? 0xa : 0xb), "%u: the new page (%lx)", kinds[i], l2.rbx);
	}
}

L2_CODE(bad_vmrun, "mov $0x123, %eax; vmrun; ud2");

GUEST_CASE(intercept_before_address, "APM3 \"Function 8000_000Ah\"", .flags = CASE_SVM)
{
	if (emulator_fault(HOST_SVM, "the address of VMRUN is checked before its intercept"))
		return;
	vmcb_init(bad_vmrun);
	VMCB->icpt[2] = 1u << VEC_GP;
	run_to(EXIT_VMRUN, "VMRUN of no page: the intercept");
	check(VMCB->rip == (u64)bad_vmrun + 5, "with RIP there");
}
#else
#include "guest_test.h"
#endif
