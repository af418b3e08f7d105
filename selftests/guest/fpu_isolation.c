// SPDX-License-Identifier: GPL-2.0-only
/*
 * Floating-point state belongs to whoever loaded it: two machines run in turn
 * on one host thread, and neither they nor the thread lose a register.
 * SDM3 "System Programming for Instruction Set Extensions".
 */
#define TURN_PORT	0x330
#define TURNS		100

#ifdef GUEST
#include "guest.h"

#define SECTION		"SDM3 \"Instruction Set Extensions and Processor Extended States\""

struct xmm { u64 low, high; };

static struct xmm want[16], got[16];

#define EACH_XMM(op)							\
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7)			\
	op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define LOAD(n)  "movups " #n "*16(%0), %%xmm" #n "\n\t"
#define STORE(n) "movups %%xmm" #n ", " #n "*16(%0)\n\t"
#define LOAD_HIGH(n)  "vinsertf128 $1, " #n "*16(%0), %%ymm" #n ", %%ymm" #n "\n\t"
#define STORE_HIGH(n) "vextractf128 $1, %%ymm" #n ", " #n "*16(%0)\n\t"

static void fill(u64 seed)
{
	u32 i;

	for (i = 0; i < 16; i++) {
		want[i].low = seed * 0x0101010101010101 + i;
		want[i].high = ~want[i].low;
	}
}

static bool same(void)
{
	return !memcmp(want, got, sizeof(want));
}

GUEST_CASE(xmm, SECTION)
{
	u32 mxcsr = params()->seed ? 0x3f80 : 0x5f80, now, i, bad = 0;
	u16 control = params()->seed ? 0x077f : 0x0b7f, now16;

	fill(params()->seed + 0x11);
	asm volatile("fninit; fldcw %0; fldpi; ldmxcsr %1" : : "m"(control), "m"(mxcsr));
	asm volatile(EACH_XMM(LOAD) : : "r"(want) : "memory");
	for (i = 0; i < TURNS; i++) {
		outb(TURN_PORT, i);
		asm volatile(EACH_XMM(STORE) : : "r"(got) : "memory");
		asm volatile("stmxcsr %0; fnstcw %1" : "=m"(now), "=m"(now16));
		bad += !same() || now != mxcsr || now16 != control;
	}
	asm volatile("fldpi; fcompp; fnstsw %0" : "=m"(now16));
	check(!bad, "XMM0-15, MXCSR and the control word over %u exits (%u bad)", TURNS, bad);
	check((now16 & 0x4500) == 0x4000, "ST0 too");
}

static bool enable_avx(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 26 & 1) || !(r[2] >> 28 & 1))
		return false;
	WRITE_CR(4, READ_CR(4) | CR4_OSXSAVE);
	asm volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
	return true;
}

GUEST_CASE(ymm, SECTION)
{
	u32 i, bad = 0;

	if (!enable_avx()) {
		skip("no AVX");
		return;
	}
	fill(params()->seed + 0x21);
	asm volatile(EACH_XMM(LOAD_HIGH) : : "r"(want) : "memory");
	for (i = 0; i < TURNS; i++) {
		outb(TURN_PORT, i);
		asm volatile(EACH_XMM(STORE_HIGH) : : "r"(got) : "memory");
		bad += !same();
	}
	check(!bad, "upper halves of YMM0-15 (%u bad)", bad);
}

GUEST_CASE(xcr0, "SDM3 \"Extended Control Registers\"")
{
	u32 low, high;

	if (!enable_avx()) {
		skip("no XSAVE");
		return;
	}
	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	check(low == 7 && !high, "XCR0 reads back (%x)", low);
	outb(TURN_PORT, 0);
	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	check(low == 7, "also after an exit");
	PROBE("xsetbv", : : "a"(6), "d"(0), "c"(0) : "memory");
	check_trap(VEC_GP, 0, "XSETBV without x87");
	PROBE("xsetbv", : : "a"(5), "d"(0), "c"(0) : "memory");
	check_trap(VEC_GP, 0, "XSETBV with AVX and without SSE");
	PROBE("xsetbv", : : "a"(7), "d"(0), "c"(1) : "memory");
	check_trap(VEC_GP, 0, "XSETBV of a register that is not there");
	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	check(low == 7, "XCR0 is as before");
}

#else /* host half */
#include <string.h>
#include <sys/syscall.h>

#include "guest_test.h"

struct xmm { uint64_t low, high; };

static struct vm second;
static unsigned int turns, host_bad;

static void start_second(struct vm *vm)
{
	struct guest_params *params;

	vm_create(&second, 0, 1);
	second.context = vm->context;
	guest_load(&second, host_case(vm));
	params = guest_at(&second, GUEST_PARAMS, sizeof(*params));
	params->seed = 0x40;
	turns = 0;
	host_bad = 0;
}

/* KVM_RUN with known values in the thread's own registers, and a look after it. */
static long run_with_pattern(int fd)
{
	static struct xmm want[2] = { { 0x5151515151515151, 0x6262626262626262 },
				      { 0x7373737373737373, 0x8484848484848484 } };
	struct xmm got[2];
	unsigned int mxcsr = 0x1fc0, now, normal = 0x1f80;
	long rc = SYS_ioctl;

	asm volatile("ldmxcsr %[mxcsr]\n\t"
		     "movups %[w0], %%xmm1; movups %[w1], %%xmm15\n\t"
		     "syscall\n\t"
		     "movups %%xmm1, %[g0]; movups %%xmm15, %[g1]; stmxcsr %[now]\n\t"
		     "ldmxcsr %[normal]"
		     : "+a"(rc), [g0] "=m"(got[0]), [g1] "=m"(got[1]), [now] "=m"(now)
		     : "D"((long)fd), "S"((long)KVM_RUN), "d"(0L), [w0] "m"(want[0]),
		       [w1] "m"(want[1]), [mxcsr] "m"(mxcsr), [normal] "m"(normal)
		     : "rcx", "r11", "memory", "xmm1", "xmm15");
	host_bad += memcmp(want, got, sizeof(got)) || now != mxcsr;
	return rc;
}

/* The first machine gave up its turn: the second has one. */
static bool turn(struct vcpu *vcpu)
{
	struct kvm_run *run = second.vcpu[0].run;

	if (vcpu->run->exit_reason != KVM_EXIT_IO || vcpu->run->io.port != TURN_PORT)
		return false;
	turns++;
	if (run_with_pattern(second.vcpu[0].fd) || run->exit_reason != KVM_EXIT_IO)
		host_check(vcpu->vm, false, "the second machine runs (exit %u)",
			   run->exit_reason);
	return true;
}

/* Let the second machine come to its own checks. */
static void finish_second(struct vm *vm)
{
	struct kvm_run *run = second.vcpu[0].run;
	struct guest_mailbox *box = guest_at(&second, GUEST_MAILBOX, sizeof(*box));
	unsigned int i, checks = 0, bad = 0;

	/* The first had nothing to check. */
	if (!turns) {
		vm_destroy(&second);
		return;
	}
	for (i = 0; i < 2 * TURNS; i++) {
		if (run->exit_reason == KVM_EXIT_IO && run->io.port == PORT_CALL) {
			checks++;
			bad += !box->args[0];
		}
		if (run->exit_reason != KVM_EXIT_IO || run->io.port == PORT_DONE)
			break;
		vcpu_run(&second.vcpu[0]);
	}
	host_check(vm, checks && !bad, "the second machine's %u checks (%u bad)", checks, bad);
	host_check(vm, !host_bad, "the thread's registers over %u runs (%u bad)",
		   turns, host_bad);
	vm_destroy(&second);
}

static bool swallow(struct vcpu *vcpu)
{
	return vcpu->run->exit_reason == KVM_EXIT_IO && vcpu->run->io.port == TURN_PORT;
}

const struct host_hook host_hooks[] = {
	{ .name = "xcr0", .exit = swallow },
	{ .name = HOOK_ANY, .before = start_second, .exit = turn, .after = finish_second },
	{ 0 }
};
#endif /* GUEST */
