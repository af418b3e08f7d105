// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an L1 with VMX pays: its own VMX instructions, and a round trip of L2
 * through L1 for some kinds of exit, in ticks of the TSC.
 */
#ifdef GUEST
#include "../nested/vmx_l1.h"

#define SECTION		"selftests/bench/run"
#define ROUNDS		9
#define TIMES		20
#define MSR_TSC_ADJUST	0x3b

static volatile u64 sink;

static void report(const char *name, void (*op)(void))
{
	u64 best = ~0ul, start, took;
	u32 round, i;

	for (round = 0; round < ROUNDS; round++) {
		op();
		start = rdtsc();
		for (i = 0; i < TIMES; i++)
			op();
		took = (rdtsc() - start) / TIMES;
		if (took < best)
			best = took;
	}
	note("bench nested_vmx %s %lu", name, best);
	check(best, "%s took its time", name);
}

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

GUEST_CASE(nested_vmx, SECTION, .flags = CASE_VMX)
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
}

#else /* host half */
#include "guest_test.h"

const struct host_hook host_hooks[] = { { 0 } };
#endif /* GUEST */
