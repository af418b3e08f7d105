// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an L1 with SVM pays: its own SVM instructions, and a round trip of L2
 * through L1 for some kinds of exit, in ticks of the TSC and in exits to L0.
 */
#define BENCH	"nested_svm"

#ifdef GUEST
#include "../nested/svm.h"
#include "apic.h"
#include "count.h"

#define SECTION		"selftests/bench/run"
#define VECTOR		0x71
#define SAVED		(TEST_FREE + 0x8000)

struct l2_regs l2;

/* ---- L1's own instructions ---- */

static void op_cpuid(void)
{
	u32 r[4];

	cpuid(1, 0, r);
}

static void op_gif(void)
{
	asm volatile("clgi; stgi" : : : "memory");
}

static void op_vmload(void)
{
	asm volatile("vmload %%rax" : : "a"(VMCB) : "memory");
}

static void op_vmsave(void)
{
	asm volatile("vmsave %%rax" : : "a"(SAVED) : "memory");
}

static void op_invlpga(void)
{
	asm volatile("invlpga %%rax, %%ecx" : : "a"(L2_STACK), "c"(1) : "memory");
}

/* ---- round trips ---- */

/* L2 does one thing for ever; L1 skips it. */
L2_CODE(l2_cpuid, "1: cpuid; jmp 1b");
L2_CODE(l2_vmmcall, "1: vmmcall; jmp 1b");
L2_CODE(l2_out, "1: outb %al, $0x80; jmp 1b");
L2_CODE(l2_wrmsr, "1: movl $0x174, %ecx; wrmsr; jmp 1b");
L2_CODE(l2_hlt, "1: hlt; jmp 1b");
L2_CODE(l2_loops, "1: jmp 1b");
/* A page each time, RBX counts them; VMMCALL when RBX is at its end, RDI. */
L2_CODE(l2_touches, "1: movb $1, (%rbx); add $4096, %rbx; cmp %rdi, %rbx; jb 1b\n"
	"vmmcall; jmp 1b");

#define NPML4		((u64 *)(TEST_FREE + 0x0000))
#define NPDPT		((u64 *)(TEST_FREE + 0x1000))
#define NPD		((u64 *)(TEST_FREE + 0x2000))
#define NPTABLE		((u64 *)(TEST_FREE + 0x3000))
#define OPEN		(PTE_PRESENT | PTE_WRITE | PTE_USER)
#define PAGES		0x400000ul	/* two regions of 2 MiB: touched first, and on demand */
#define REGION		0x200000ul
#define TOUCHED		400

/* L2 behind nested paging; its physical addresses are L1's. */
static void start(void (*code)(void))
{
	u64 i;

	vmcb_init(code);
	memset(NPML4, 0, 0x3000);
	NPML4[0] = (u64)NPDPT | OPEN;
	NPDPT[0] = (u64)NPD | OPEN;
	for (i = 0; i < 4; i++)
		NPD[i] = i << 21 | PTE_LARGE | OPEN;
	VMCB->np_enable = 1;
	VMCB->ncr3 = (u64)NPML4;
	memset(MSRPM, 0xff, 0x2000);
	memset(IOPM, 0xff, 0x3000);
	want(I_CPUID);
	want(I_VMMCALL);
	want(I_IOIO);
	want(I_MSR);
	want(I_HLT);
	l2.rcx = 0;
}

/* Not every CPU tells it as NRIP. */
static u64 length;

static void op_round_trip(void)
{
	vmrun();
	VMCB->rip += length;
}

/* As hypervisors do it: with the state that VMRUN leaves alone. */
static void op_full_trip(void)
{
	op_vmload();
	op_round_trip();
	asm volatile("vmsave %%rax" : : "a"(VMCB) : "memory");
	asm volatile("vmload %%rax" : : "a"(SAVED) : "memory");
}

static void trip(const char *name, void (*code)(void), u64 exit, u64 bytes)
{
	start(code);
	if (!run_to(exit, name))
		return;
	length = bytes;
	VMCB->rip += length;
	report(name, op_round_trip);
}

static volatile u32 came;

static void on_timer(struct frame *frame)
{
	came++;
	apic_write(APIC_EOI, 0);
}

static void op_timer(void)
{
	/* It expires before L2 runs, or while it does; with GIF clear L1 does not take it. */
	asm volatile("clgi" : : : "memory");
	apic_write(APIC_TIMER_INITIAL, 1);
	vmrun();
}

static void in_l2_timer(void)
{
	trap_hook[VECTOR] = on_timer;
	apic_enable();
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, VECTOR);
	start(l2_loops);
	want(I_INTR);
	VMCB->int_ctl = V_INTR_MASKING;
	/* VMRUN as L1 has IF: that masks the interrupt in L2. */
	sti();
	came = 0;
	op_timer();
	if (check(came == 1 && VMCB->exit_code == EXIT_INTR, "the timer ends L2 (%lx)",
		  VMCB->exit_code))
		report("timer interrupt in L2", op_timer);
	cli();
}

/* The region's pages, each with an entry of its own that is there or is not. */
static void split(u64 region, u64 flags)
{
	u64 i;

	for (i = 0; i < 512; i++)
		NPTABLE[i] = (region + (i << 12)) | flags;
	NPD[region >> 21] = (u64)NPTABLE | OPEN;
	l2.rbx = region;
	l2.rdi = region + (TOUCHED << 12);
}

static void touch(const char *name, u64 region, u64 flags)
{
	u64 before, exits, ticks;
	u32 faults = 0, i;

	start(l2_touches);
	split(region, flags);
	/* L1 has written the page, as who clears it for L2 has: the host has it, too. */
	for (i = 0; i < TOUCHED; i++)
		*(volatile u64 *)(region + (i << 12)) = i;
	VMCB->tlb_control = 1;
	before = call_host(0, 0, 0, 0);
	ticks = rdtsc();
	while (vmrun() == EXIT_NPF) {
		NPTABLE[(VMCB->info2 >> 12) & 511] |= PTE_PRESENT;
		VMCB->tlb_control = 0;
		faults++;
	}
	ticks = rdtsc() - ticks;
	exits = call_host(0, 0, 0, 0) - before;
	if (!check(VMCB->exit_code == EXIT_VMMCALL && faults == (flags & PTE_PRESENT ? 0 : TOUCHED),
		   "L2 touches pages (%lx, %u)", VMCB->exit_code, faults))
		return;
	note("bench nested_svm %s %lu", name, ticks / TOUCHED);
	note("bench nested_svm %s, exits %lu", name, (exits + TOUCHED / 2) / TOUCHED);
}

GUEST_CASE(nested_svm, SECTION, .flags = CASE_SVM | CASE_IRQCHIP)
{
	report("L1's CPUID", op_cpuid);
	start(l2_cpuid);
	report("CLGI and STGI", op_gif);
	report("VMSAVE", op_vmsave);
	op_vmsave();
	asm volatile("vmsave %%rax" : : "a"(VMCB) : "memory");
	report("VMLOAD", op_vmload);
	report("INVLPGA", op_invlpga);
	trip("L2 CPUID", l2_cpuid, EXIT_CPUID, 2);
	if (length)
		report("L2 CPUID, with VMLOAD and VMSAVE", op_full_trip);
	trip("L2 VMMCALL", l2_vmmcall, EXIT_VMMCALL, 3);
	trip("L2 OUT", l2_out, EXIT_IOIO, 2);
	trip("L2 WRMSR", l2_wrmsr, EXIT_MSR, 2);
	trip("L2 HLT", l2_hlt, EXIT_VMHLT, 1);
	in_l2_timer();
	touch("page of L2, L1 has it", PAGES, OPEN);
	touch("page of L2, L1 maps it", PAGES + REGION, PTE_WRITE | PTE_USER);
}

#else /* host half */
#include "count.h"

const struct host_hook host_hooks[] = { { .name = HOOK_ANY, .call = count_exits }, { 0 } };
#endif /* GUEST */
