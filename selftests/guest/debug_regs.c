// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers keep the guest's values, breakpoints hit, and a single step
 * gives one #DB for each instruction, exits or not. SDM3 "Debug, Branch
 * Profile, TSC" chapter, "Debug Registers" and "Single-Step Exception Condition".
 */
#ifdef GUEST
#include "guest.h"

#define REGISTERS	"SDM3 \"Debug Registers\""
#define STEP		"SDM3 \"Single-Step Exception Condition\""
#define DR6_B0		1
#define DR6_B1		2
#define DR6_BD		(1ul << 13)
#define DR6_BS		(1ul << 14)
#define DR6_CLEAR	0xffff0ff0ul
#define DR7_FIXED	0x400ul
#define DR7_L0		1ul
#define DR7_L1		4ul
#define DR7_GD		(1ul << 13)
#define DR7_WRITE4_0	(0xdul << 16)
#define MAX_STEPS	16

static volatile u64 steps[MAX_STEPS], count, dr6_seen;

static void collect(struct frame *frame)
{
	if (count < MAX_STEPS)
		steps[count] = frame->rip;
	count++;
	dr6_seen = READ_DR(6);
	WRITE_DR(6, DR6_CLEAR);
	/* An instruction breakpoint must not hit again on return. */
	if (dr6_seen & (DR6_B0 | DR6_B1))
		frame->rflags |= RFLAGS_RF;
}

GUEST_CASE(keep_values, REGISTERS)
{
	u32 bad;

	WRITE_DR(0, 0x1111111111111111);
	WRITE_DR(1, 0x2222);
	WRITE_DR(2, 0xffff800000003333);
	WRITE_DR(3, 0x4444);
	WRITE_DR(6, DR6_CLEAR);
	check(READ_DR(7) == DR7_FIXED, "DR7 starts as %lx", READ_DR(7));
	bad = READ_DR(0) != 0x1111111111111111 || READ_DR(1) != 0x2222 ||
	      READ_DR(2) != 0xffff800000003333 || READ_DR(3) != 0x4444;
	check(!bad, "DR0-3 read back");
	WRITE_DR(7, DR7_L1);
	outl(PORT_VALUE, 0);
	bad = READ_DR(0) != 0x1111111111111111 || READ_DR(1) != 0x2222 ||
	      READ_DR(2) != 0xffff800000003333 || READ_DR(3) != 0x4444;
	check(!bad, "DR0-3 after an exit");
	check(READ_DR(7) == (DR7_FIXED | DR7_L1), "DR7 after an exit (%lx)", READ_DR(7));
	WRITE_DR(7, 0);
	check(READ_DR(7) == DR7_FIXED, "bit 10 of DR7 is fixed");
	check(READ_DR(6) == DR6_CLEAR, "DR6 (%lx)", READ_DR(6));
	PROBE("mov %0, %%dr7", : : "r"(1ul << 32) : "memory");
	check_trap(VEC_GP, 0, "the upper half of DR7 is reserved");
}

GUEST_CASE(instruction_breakpoint, REGISTERS)
{
	extern const u8 here[];

	trap_hook[VEC_DB] = collect;
	WRITE_DR(6, DR6_CLEAR);
	WRITE_DR(0, (u64)here);
	WRITE_DR(7, DR7_L0);
	asm volatile("nop; .globl here; here: nop; nop");
	WRITE_DR(7, 0);
	check(count == 1 && steps[0] == (u64)here, "hits once, before it (%lu)", count);
	check((dr6_seen & 0xf) == DR6_B0, "DR6 says which (%lx)", dr6_seen);
}

GUEST_CASE(data_breakpoint, REGISTERS)
{
	extern const u8 behind_write[];
	static volatile u32 watched;

	trap_hook[VEC_DB] = collect;
	WRITE_DR(6, DR6_CLEAR);
	WRITE_DR(0, (u64)&watched);
	WRITE_DR(7, DR7_L0 | DR7_WRITE4_0);
	asm volatile("movl $5, %0; .globl behind_write; behind_write: nop; movl %0, %%eax"
		     : "+m"(watched) : : "rax");
	WRITE_DR(7, 0);
	check(count == 1 && steps[0] == (u64)behind_write,
	      "a write hits once, behind it; a read does not (%lu)", count);
	check((dr6_seen & 0xf) == DR6_B0, "DR6 says which (%lx)", dr6_seen);
}

GUEST_CASE(general_detect, "SDM3 \"General-Detect Exception Condition\"")
{
	if (emulator_fault(HOST_SVM, "DR7.GD has no effect"))
		return;
	WRITE_DR(6, DR6_CLEAR);
	WRITE_DR(7, DR7_GD);
	PROBE("mov %%dr0, %%rax", : : : "memory", "rax");
	check(trap.vector == VEC_DB, "MOV from DR0 with GD is #DB (%lu)", trap.vector);
	check(trap.dr6 & DR6_BD, "DR6.BD is set (%lx)", trap.dr6);
	check(!(READ_DR(7) & DR7_GD), "and DR7.GD cleared");
	WRITE_DR(6, DR6_CLEAR);
}

/* The #DBs of a stretch of code that TF is set for, at what address each. */
static bool stepped(const u8 *const *at, u32 n, const char *what)
{
	u32 i, bad = 0;

	for (i = 0; i < n && i < count; i++) {
		if (steps[i] == (u64)at[i])
			continue;
		note("step %u at %lx, not %lx", i, steps[i], (u64)at[i]);
		bad++;
	}
	bad += count != n;
	return check(!bad && (dr6_seen & DR6_BS), "%s: %lu steps", what, count);
}

#define SET_TF	"pushfq; orl $0x100, (%%rsp); popfq\n\t"
#define END_TF	"pushfq; andl $~0x100, (%%rsp); popfq\n\t"

GUEST_CASE(step, STEP)
{
	extern const u8 s0[], s1[], s2[], s3[], s4[];
	const u8 *at[] = { s0, s1, s2, s3, s4 };

	trap_hook[VEC_DB] = collect;
	WRITE_DR(6, DR6_CLEAR);
	/* The first is behind the instruction after POPF; the last behind POPF. */
	asm volatile(SET_TF "nop; .globl s0; s0: nop; .globl s1; s1: pushfq\n"
		     ".globl s2; s2: andl $~0x100, (%%rsp); .globl s3; s3: popfq\n"
		     ".globl s4; s4: nop" : : : "memory", "cc");
	stepped(at, 5, "plain instructions");
}

GUEST_CASE(step_over_exits, STEP)
{
	extern const u8 e0[], e1[], e2[], e3[], e4[], e5[], e6[];
	const u8 *at[] = { e0, e1, e2, e3, e4, e5, e6 };

	trap_hook[VEC_DB] = collect;
	WRITE_DR(6, DR6_CLEAR);
	asm volatile("xor %%eax, %%eax; xor %%ecx, %%ecx; mov %0, %%edx\n" SET_TF
		     "out %%eax, %%dx; .globl e0; e0: cpuid; .globl e1; e1: mov $0xe4, %%edx\n"
		     ".globl e2; e2: out %%eax, %%dx; .globl e3; e3: pushfq\n"
		     ".globl e4; e4: andl $~0x100, (%%rsp); .globl e5; e5: popfq\n"
		     ".globl e6; e6: nop"
		     : : "i"(PORT_VALUE) : "memory", "cc", "rax", "rbx", "rcx", "rdx");
	stepped(at, 7, "OUT and CPUID, which exit");
}

GUEST_CASE(step_over_mmio, STEP, .skip_on = HOST_VMX,
	   .skip_why = "Bochs saves a pending single step in an exit by EPT violation")
{
	extern const u8 m0[], m1[], m2[], m3[];
	const u8 *at[] = { m0, m1, m2, m3 };

	trap_hook[VEC_DB] = collect;
	WRITE_DR(6, DR6_CLEAR);
	asm volatile(SET_TF "movl %%eax, (%0); .globl m0; m0: pushfq\n"
		     ".globl m1; m1: andl $~0x100, (%%rsp); .globl m2; m2: popfq\n"
		     ".globl m3; m3: nop" : : "r"(GUEST_MMIO) : "memory", "cc");
	stepped(at, 4, "a write to a device");
}

GUEST_CASE(software_breakpoint, REGISTERS)
{
	if (emulator_fault(HOST_SVM, "#UD instead of #DB for INT1"))
		return;
	WRITE_DR(6, DR6_CLEAR);
	PROBE(".byte 0xf1", : : : "memory");
	check(trap.vector == VEC_DB, "INT1 is #DB (%lu)", trap.vector);
	check((trap.dr6 & (DR6_BS | 0xf)) == 0, "DR6 has no cause for it (%lx)", trap.dr6);
}

#else /* host half */
#include <stddef.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest_test.h"

static bool swallow(struct vcpu *vcpu)
{
	return vcpu->run->exit_reason == KVM_EXIT_MMIO;
}

static volatile long watched;

/*
 * A child whose own watchpoint must hit after its guest has used DR0 and DR7:
 * hardware registers are the host's again.
 */
static void host_watchpoint(struct vm *vm)
{
	const unsigned long dr7 = 1 | 0xdUL << 16;	/* DR0: writes of four bytes */
	int status;
	pid_t child = fork();

	if (!child) {
		struct vm own;

		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		vm_create(&own, 0, 1);
		own.context = vm->context;
		guest_load(&own, host_case(vm));
		vcpu_run(&own.vcpu[0]);
		watched = 1;
		_exit(0);
	}
	waitpid(child, &status, 0);
	ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[0]), &watched);
	ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[7]), dr7);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	waitpid(child, &status, 0);
	host_check(vm, WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP,
		   "the host's own watchpoint hits after KVM_RUN (status %#x)", status);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

const struct host_hook host_hooks[] = {
	{ .name = "step_over_mmio", .exit = swallow },
	{ .name = "keep_values", .after = host_watchpoint },
	{ 0 }
};
#endif /* GUEST */
