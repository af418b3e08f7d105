// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an L1 with VMX pays: its own VMX instructions, and a round trip of L2
 * through L1 for some kinds of exit, in ticks of the TSC and in exits to L0.
 */
#define BENCH	"nested_vmx"

#ifdef GUEST
#include "../nested/vmx_l1.h"
#include "apic.h"
#include "count.h"

#define SECTION		"selftests/bench/run"
#define VECTOR		0x71

static volatile u64 sink;

static void op_cpuid(void)
{
	u32 r[4];

	cpuid(1, 0, r);
}

static void op_vmread(void)
{
	u64 value = 0;

	vmread_flags(F_EXIT_REASON, &value);
	sink = value;
}

static void op_vmread_memory(void)
{
	u64 value;

	asm volatile("vmread %1, %0" : "=m"(value) : "r"((u64)F_GUEST_RIP) : "cc");
	sink = value;
}

static void op_vmwrite(void)
{
	u64 value = 0x1000;

	asm volatile("vmwrite %0, %1" : : "r"(value), "r"((u64)F_EXCEPTIONS) : "cc");
	value = 0;
	asm volatile("vmwrite %0, %1" : : "r"(value), "r"((u64)F_EXCEPTIONS) : "cc");
}

static void op_vmptrld(void)
{
	vmptrld(OTHER_REGION);
	vmptrld(VMCS_REGION);
}

static void op_invvpid(void)
{
	invvpid(1, 1, 0);
}

/* L2 does one thing for ever; L1 skips it. */
#define L2_LOOP(name, body)						\
	void name(void);						\
	asm(".globl " #name "\n" #name ":\n\t1:" body "\n\tjmp 1b\n")

L2_LOOP(l2_cpuid_loop, "cpuid");
L2_LOOP(l2_vmcall_loop, "vmcall");
L2_LOOP(l2_port_loop, "outb %al, $0x80");
L2_LOOP(l2_wrmsr_loop, "movl $0x174, %ecx; wrmsr");
L2_LOOP(l2_hlt_loop, "hlt");
L2_LOOP(l2_empty_loop, "");
/* A page each time, RBX counts them; VMCALL when RBX is at its end, RDI. */
L2_LOOP(l2_touch_loop, "movb $1, (%rbx); add $4096, %rbx; cmp %rdi, %rbx; jb 1b\n\tvmcall");

static void op_round_trip(void)
{
	l2_run();
	l2_skip();
}

/* As little as can be: the length is known, RIP need not be read. */
static void op_round_trip_bare(void)
{
	l2_run();
}

static void start(void (*code)(void))
{
	vmcs_make(code);
	vmwrite(F_VPID, 1);
	vmwrite(F_EPTP, ept_make());
	proc_set(PROC_HLT | PROC_IO);
	proc2_set(PROC2_EPT | PROC2_VPID);
	l2.rcx = 0;
}

static void trip(const char *name, void (*code)(void), u32 reason)
{
	start(code);
	if (!l2_exits(reason, name))
		return;
	l2_skip();
	report(name, op_round_trip);
}

/* It expires before L2 runs, or while it does; the exit acknowledges it for L1. */
static void op_timer(void)
{
	apic_write(APIC_TIMER_INITIAL, 1);
	l2_run();
	apic_write(APIC_EOI, 0);
}

static void in_l2_timer(void)
{
	apic_enable();
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, VECTOR);
	start(l2_empty_loop);
	vmwrite(F_PIN, vmread(F_PIN) | PIN_EXTINT);
	vmwrite(F_EXIT_CTLS, vmread(F_EXIT_CTLS) | EXIT_ACK_IRQ);
	vmwrite(F_GUEST_RFLAGS, RFLAGS_IF | 2);
	op_timer();
	if (check(vmread(F_EXIT_REASON) == R_EXTINT &&
		  vmread(F_EXIT_INTR_INFO) == (EVENT_VALID | VECTOR),
		  "the timer ends L2 (%lx, %lx)", vmread(F_EXIT_REASON), vmread(F_EXIT_INTR_INFO)))
		report("timer interrupt in L2", op_timer);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
}

#define PAGES		0x400000ul	/* two regions of 2 MiB: touched first, and on demand */
#define REGION		0x200000ul
#define TOUCHED		400
#define EPT_OPEN	7		/* read, write, execute */

/* L2 touches pages with an EPT entry each, which is there or comes when it is missed. */
static void touch(const char *name, u64 region, bool open)
{
	u64 before, exits, ticks;
	volatile u64 *entry;
	u32 faults = 0, i;

	start(l2_touch_loop);
	entry = ept_split(region);
	l2.rbx = region;
	l2.rdi = region + (TOUCHED << 12);
	/* L1 has written the page, as who clears it for L2 has: the host has it, too. */
	for (i = 0; i < TOUCHED; i++) {
		*(volatile u64 *)(region + (i << 12)) = i;
		if (!open)
			entry[i] &= ~(u64)EPT_OPEN;
	}
	invept(2, 0, 0);
	before = call_host(0, 0, 0, 0);
	ticks = rdtsc();
	while (l2_run() == VMX_OK && vmread(F_EXIT_REASON) == R_EPT_VIOLATION) {
		entry[vmread(F_GUEST_PHYSICAL) >> 12 & 511] |= EPT_OPEN;
		faults++;
	}
	ticks = rdtsc() - ticks;
	exits = call_host(0, 0, 0, 0) - before;
	if (!check(vmread(F_EXIT_REASON) == R_VMCALL && faults == (open ? 0 : TOUCHED),
		   "L2 touches pages (%lx, %u)", vmread(F_EXIT_REASON), faults))
		return;
	note("bench " BENCH " %s %lu", name, ticks / TOUCHED);
	note("bench " BENCH " %s, exits %lu", name, (exits + TOUCHED / 2) / TOUCHED);
}

GUEST_CASE(nested_vmx, SECTION, .flags = CASE_VMX | CASE_IRQCHIP)
{
	report("L1's CPUID", op_cpuid);
	if (!vmx_start())
		return;
	vmclear(OTHER_REGION);
	start(l2_cpuid_loop);
	report("VMREAD", op_vmread);
	report("VMREAD to memory", op_vmread_memory);
	report("two VMWRITEs", op_vmwrite);
	report("two VMPTRLDs", op_vmptrld);
	report("INVVPID", op_invvpid);
	if (l2_exits(R_CPUID, "L2 runs"))
		report("L2 round trip, 2 VMWRITEs, 1 VMREAD", op_round_trip_bare);
	trip("L2 CPUID", l2_cpuid_loop, R_CPUID);
	trip("L2 VMCALL", l2_vmcall_loop, R_VMCALL);
	trip("L2 OUT", l2_port_loop, R_IO);
	trip("L2 WRMSR", l2_wrmsr_loop, R_WRMSR);
	trip("L2 HLT", l2_hlt_loop, R_HLT);
	in_l2_timer();
	touch("page of L2, L1 has it", PAGES, true);
	touch("page of L2, L1 maps it", PAGES + REGION, false);
}

#else /* host half */
#include "count.h"

const struct host_hook host_hooks[] = { { .name = HOOK_ANY, .call = count_exits }, { 0 } };
#endif /* GUEST */
