// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random bytes executed in each mode: KVM_RUN ends with an exit, or goes on
 * until a signal, and the next machine is not harmed. NST_FUZZ_SECONDS for all
 * modes together (2), NST_FUZZ_SEED to repeat a run.
 */
#ifdef GUEST
#include "guest.h"

#define SECTION		"SDM3 \"Modes of Operation\""
/* One endless loop of a program would be the end of the host. */
#define BOUNDED		.skip_on = HOST_UNBOUNDED, .skip_why = \
	"Bochs masks host interrupts in a guest entered with IF=0"

/* The guest half only shows that a machine still works afterwards. */
static void works(void)
{
	u32 r[4];

	cpuid(0, 0, r);
	check(r[0] > 0, "the next machine runs");
}

GUEST_CASE(real_mode, SECTION, BOUNDED)
{
	works();
}

GUEST_CASE(protected_mode, SECTION, BOUNDED)
{
	works();
}

GUEST_CASE(paged_mode, SECTION, BOUNDED)
{
	works();
}

GUEST_CASE(long_mode, SECTION, BOUNDED)
{
	works();
}

#else /* host half */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "guest_test.h"

#define CODE		0x10000
#define CODE_SIZE	0x10000
/* A machine that neither exits for good nor hangs gets a new program then. */
#define EXITS		200

static uint64_t state;

/* xorshift64*: Marsaglia, "Xorshift RNGs". */
static uint64_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static double budget(void)
{
	const char *text = getenv("NST_FUZZ_SECONDS");

	return text ? atof(text) : 2;
}

/*
 * LOCK before BTS, BTR or BTC of a register is #UD; any program that has it, with
 * or without a hypervisor, ends QEMU 7.2. There the operand becomes one in memory.
 * A data breakpoint that hits while an event is delivered ends it, too: what is
 * moved to DR7 (or DR5, where that is the same) goes to DR6 instead.
 */
static void spare_emulator(uint8_t *code)
{
	unsigned int i;

	for (i = 14; i < CODE_SIZE - 2; i++) {
		if (code[i] != 0x0f)
			continue;
		if (code[i + 2] >= 0xc0 && memchr("\xab\xb3\xba\xbb", code[i + 1], 4) &&
		    memchr(code + i - 14, 0xf0, 14))
			code[i + 2] &= 0x3f;
		if (code[i + 1] == 0x23 && (code[i + 2] & 0x28) == 0x28)
			code[i + 2] &= ~0x08;
	}
}

static void fill(struct vm *vm, unsigned int mode)
{
	uint64_t *at = guest_at(vm, CODE, CODE_SIZE);
	unsigned int i;

	for (i = 0; i < CODE_SIZE / 8; i++)
		at[i] = next();
	if (host_number() == HOST_SVM)
		spare_emulator((uint8_t *)at);
	if (mode != MODE_REAL)
		return;
	/* Interrupts in real mode go to more of the same. */
	at = guest_at(vm, 0, 0x400);
	for (i = 0; i < 0x400 / 8; i++)
		at[i] = (next() & 0xffff0000ffffULL) | 0x1000ULL << 48 | 0x1000ULL << 16;
}

static void start(struct vm *vm, unsigned int mode)
{
	struct kvm_vcpu_events events = { 0 };
	struct kvm_sregs s;

	fill(vm, mode);
	setup_tables(vm, 0);
	setup_mode(&vm->vcpu[0], mode, CODE + next() % (CODE_SIZE / 2), next());
	if (mode == MODE_REAL) {
		struct kvm_regs r;

		vcpu_sregs(&vm->vcpu[0], &s);
		s.cs.selector = CODE >> 4;
		s.cs.base = CODE;
		vcpu_set_sregs(&vm->vcpu[0], &s);
		vcpu_regs(&vm->vcpu[0], &r);
		r.rip &= 0xffff;
		vcpu_set_regs(&vm->vcpu[0], &r);
	}
	vm_ioctl(vm->vcpu[0].fd, KVM_SET_VCPU_EVENTS, &events, "SET_VCPU_EVENTS");
}

/* Reasons that a program can end with; the rest is a fault of the module. */
static bool is_legal(struct vcpu *vcpu)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_IO:
	case KVM_EXIT_MMIO:
	case KVM_EXIT_HLT:
	case KVM_EXIT_SHUTDOWN:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_SET_TPR:
	/* An instruction outside the emulator's, fetched from a device or the like. */
	case KVM_EXIT_INTERNAL_ERROR:
		return true;
	}
	return false;
}

static void alarm_at(unsigned int usec)
{
	struct itimerval timer = {
		.it_value.tv_usec = usec, .it_interval.tv_usec = usec,
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void tick(int signal)
{
	(void)signal;
}

/* One program until it ends; false when the module did wrong. */
static bool one(struct vm *vm, unsigned int mode)
{
	struct vcpu *vcpu = &vm->vcpu[0];
	unsigned int exits;
	int rc;

	start(vm, mode);
	for (exits = 0; exits < EXITS; exits++) {
		rc = vcpu_run(vcpu);
		if (rc == -EINTR)
			return true;
		if (rc || !is_legal(vcpu)) {
			tap_note("KVM_RUN %d, exit %s (%u)", rc,
				 vm_exit_name(vcpu->run->exit_reason),
				 vcpu->run->exit_reason);
			return false;
		}
		if (vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN ||
		    vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
			return true;
	}
	return true;
}

static void random_programs(struct vm *vm)
{
	static const struct { const char *name; unsigned int mode; } modes[] = {
		{ "real_mode", MODE_REAL }, { "protected_mode", MODE_PROT32 },
		{ "paged_mode", MODE_PAGED32 }, { "long_mode", MODE_LONG },
	};
	const char *seed = getenv("NST_FUZZ_SEED");
	struct sigaction act = { .sa_handler = tick };
	double until = now() + budget() / 4;
	unsigned int i, programs = 0, bad = 0;
	const char *name = (const char *)vm->mem + host_case(vm)->name;
	struct vm fuzzed;

	state = seed ? strtoull(seed, NULL, 0) : (uint64_t)(now() * 1e9);
	state |= 1;
	tap_note("NST_FUZZ_SEED=%#llx", (unsigned long long)state);
	for (i = 0; strcmp(modes[i].name, name); i++)
		;
	sigaction(SIGALRM, &act, NULL);
	/* A machine for each: our own writes to its page tables come before its first run. */
	do {
		vm_create(&fuzzed, 0, 1);
		alarm_at(50000);
		bad += !one(&fuzzed, modes[i].mode);
		alarm_at(0);
		vm_destroy(&fuzzed);
		programs++;
	} while (now() < until && bad < 5);
	host_check(vm, !bad, "%u random programs (%u bad)", programs, bad);
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = random_programs }, { 0 }
};
#endif /* GUEST */
