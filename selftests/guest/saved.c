// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever a machine does, it can be stopped at any instant, read out, and put
 * into a new machine in another process, where it goes on as if nothing had been.
 * Linux "The Definitive KVM (Kernel-based Virtual Machine) API Documentation".
 *
 * NST_MOVES: how often in each case.
 */
#define MOVES		0x100000	/* how often it has moved, and how often it will */
#define SMRAM_ENTRY	0x38000
#define SMI_COUNT	0x6000

#ifdef GUEST
#include "apic.h"

#define SECTION		"Linux \"KVM API Documentation\", KVM_GET_* and KVM_SET_*"
#define TIMER		0x61
#define LOW_VECTOR	0x41
#define HIGH_VECTOR	0x91
#define SOFT_VECTOR	0x70
#define PIT_VECTOR	0x31
#define PERIOD		10000000
#define SHORT		60000
#define PATIENCE	200000000
#define ABSENT_ADDRESS	(5ul << 30)	/* behind what the tables map */
#define MSR_SYSTEM	0x4b564d01
#define CPUID_DEADLINE	(1u << 24)	/* 1.ECX */
#define CPUID_XSAVE	(1u << 26)
#define CPUID_AVX	(1u << 28)
#define CPUID_X2APIC	(1u << 21)

static volatile u32 *const moves = (void *)MOVES;
static volatile u32 *const smis = (void *)SMI_COUNT;
static volatile u32 ticks, low, high, soft, nmis, traps, replies;
static u32 rounds, bad;

/* Under Bochs on a CPU without a preemption timer a PAUSE lets the host's interrupts in. */
static bool go_on(void)
{
	asm volatile("pause" : : : "memory");
	rounds++;
	return moves[0] < moves[1];
}

static void ends(const char *what)
{
	check(moves[0] >= moves[1] && !bad, "%s: %u rounds, %u moves, %u wrong", what, rounds,
	      moves[0], bad);
}

static void tick(struct frame *frame)
{
	ticks++;
	apic_eoi();
}

static void timer(u32 mode)
{
	apic_enable();
	trap_hook[TIMER] = tick;
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, TIMER | mode);
}

GUEST_CASE(periodic_timer, SECTION, .flags = CASE_IRQCHIP)
{
	u32 before;

	timer(APIC_TIMER_PERIODIC);
	apic_write(APIC_TIMER_INITIAL, PERIOD);
	while (go_on()) {
		before = ticks;
		bad += !wait_open(ticks != before, PATIENCE);
	}
	ends("the timer ticks on");
}

GUEST_CASE(one_shot_timer, SECTION, .flags = CASE_IRQCHIP)
{
	u32 before;

	timer(0);
	while (go_on()) {
		before = ticks;
		apic_write(APIC_TIMER_INITIAL, SHORT);
		bad += !wait_open(ticks != before, PATIENCE);
		sti();
		delay(20);
		cli();
		bad += ticks != before + 1;
	}
	ends("each shot comes once");
}

GUEST_CASE(deadline_timer, "SDM3 \"TSC-Deadline Mode\"", .flags = CASE_IRQCHIP)
{
	u32 before, r[4];
	u64 deadline;

	cpuid(1, 0, r);
	if (!(r[2] & CPUID_DEADLINE)) {
		skip("no TSC deadline");
		return;
	}
	timer(APIC_TIMER_DEADLINE);
	while (go_on()) {
		before = ticks;
		deadline = rdtsc() + usec_to_tsc(200);
		wrmsr(MSR_TSC_DEADLINE, deadline);
		bad += !wait_open(ticks != before, PATIENCE);
		bad += rdtsc() < deadline;
		bad += ticks != before + 1;
	}
	ends("each deadline ends once, not early");
}

static void pit_tick(struct frame *frame)
{
	ticks++;
	apic_eoi();
}

GUEST_CASE(pit, SECTION, .flags = CASE_IRQCHIP | CASE_PIT)
{
	u32 before;

	apic_enable();
	trap_hook[PIT_VECTOR] = pit_tick;
	/* By the I/O APIC alone. */
	pic_start(0x30, 0x38, 0xff, 0xff);
	ioapic_route(0, PIT_VECTOR, 0);
	outb(0x43, 0x34);
	outb(0x40, 0x00);
	outb(0x40, 0x08);
	while (go_on()) {
		before = ticks;
		bad += !wait_open(ticks != before, PATIENCE);
	}
	ends("it ticks on");
}

/* Of QEMU 7.2 TCG an exit right behind STI loses the shadow, and a tick comes before HLT. */
GUEST_CASE(halts, SECTION, .flags = CASE_IRQCHIP)
{
	bool once = params()->host != HOST_SVM;
	u32 before;

	timer(once ? 0 : APIC_TIMER_PERIODIC);
	apic_write(APIC_TIMER_INITIAL, PERIOD);
	while (go_on()) {
		before = ticks;
		if (once)
			apic_write(APIC_TIMER_INITIAL, SHORT);
		while (ticks == before)
			asm volatile("sti; hlt; cli" : : : "memory");
		bad += once && ticks != before + 1;
	}
	ends("each halt ends");
}

/* All at once, as often as possible. */
GUEST_CASE(exceptions, SECTION, .flags = CASE_IRQCHIP)
{
	u64 before;

	while (go_on()) {
		before = trap.count;
		bad += PROBE("ud2", :) != VEC_UD;
		bad += PROBE("xorl %%ecx, %%ecx; xorl %%edx, %%edx; divl %%ecx",
			     : : : "rax", "rcx", "rdx") != VEC_DE;
		bad += PROBE("movl (%0), %%eax", : : "r"(ABSENT_ADDRESS + rounds % 4096) :
			     "rax") != VEC_PF;
		bad += trap.cr2 != ABSENT_ADDRESS + rounds % 4096;
		bad += trap.count != before + 3;
	}
	ends("each exception comes once");
}

static void count_soft(struct frame *frame)
{
	soft++;
}

GUEST_CASE(software_interrupts, SECTION, .flags = CASE_IRQCHIP)
{
	trap_hook[SOFT_VECTOR] = count_soft;
	while (go_on()) {
		asm volatile("int $0x70; int $0x70; int $0x70" : : : "memory");
		bad += soft != 3 * rounds;
	}
	ends("each comes once");
}

static void on_high(struct frame *frame)
{
	high++;
	apic_eoi();
}

/* In service while the other comes. */
static void on_low(struct frame *frame)
{
	u32 before = high;

	apic_send(0, ICR_FIXED | ICR_ASSERT | HIGH_VECTOR);
	bad += !wait_open(high != before, PATIENCE);
	bad += !apic_bit(APIC_ISR, LOW_VECTOR) || apic_bit(APIC_ISR, HIGH_VECTOR);
	low++;
	apic_eoi();
}

static void nested_interrupts(void)
{
	trap_hook[LOW_VECTOR] = on_low;
	trap_hook[HIGH_VECTOR] = on_high;
	while (go_on()) {
		apic_send(0, ICR_FIXED | ICR_ASSERT | LOW_VECTOR);
		/* It waits in the request register for a while. */
		delay(5);
		bad += low != rounds - 1 || !apic_bit(APIC_IRR, LOW_VECTOR);
		bad += !wait_open(low == rounds, PATIENCE);
		bad += high != rounds;
	}
	ends("one in the service of another");
}

GUEST_CASE(interrupts, SECTION, .flags = CASE_IRQCHIP)
{
	apic_enable();
	nested_interrupts();
}

GUEST_CASE(interrupts_x2apic, SECTION, .flags = CASE_IRQCHIP)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] & CPUID_X2APIC)) {
		skip("no x2APIC");
		return;
	}
	apic_enable_x2();
	nested_interrupts();
	check(rdmsr(MSR_APICBASE) & APICBASE_X2APIC, "it is still in that mode");
}

static void on_nmi(struct frame *frame)
{
	nmis++;
}

GUEST_CASE(nmis_and_smis, SECTION, .flags = CASE_IRQCHIP, .skip_on = HOST_VMX,
	   .skip_why = "an entry leaves NMIs blocked that an earlier NMI blocked")
{
	apic_enable();
	trap_hook[VEC_NMI] = on_nmi;
	while (go_on()) {
		apic_send(0, ICR_NMI | ICR_ASSERT);
		bad += !wait_for(nmis == rounds, PATIENCE);
		apic_send(0, ICR_SMI | ICR_ASSERT);
		bad += !wait_for(*smis == rounds, PATIENCE);
	}
	ends("each comes once");
}

static u8 pattern[16][32] __attribute__((aligned(32)));
static u8 found[16][32] __attribute__((aligned(32)));

/* Sixteen registers, some time, and what they are then. */
#define EACH(op, from, to)						\
	op(0, from, to) op(1, from, to) op(2, from, to) op(3, from, to)	\
	op(4, from, to) op(5, from, to) op(6, from, to) op(7, from, to)	\
	op(8, from, to) op(9, from, to) op(10, from, to) op(11, from, to) \
	op(12, from, to) op(13, from, to) op(14, from, to) op(15, from, to)
#define LOAD_X(n, i, r)		"movdqu " #n "*32(%0), %%xmm" #n "\n\t"
#define STORE_X(n, i, r)	"movdqu %%xmm" #n ", " #n "*32(%1)\n\t"
#define LOAD_Y(n, i, r)		"vmovdqu " #n "*32(%0), %%ymm" #n "\n\t"
#define STORE_Y(n, i, r)	"vmovdqu %%ymm" #n ", " #n "*32(%1)\n\t"
#define SPIN	"movl $20000, %%ecx\n1: pause; decl %%ecx; jnz 1b\n\t"
#define KEEP(load, store)						\
	asm volatile(EACH(load, 0, 0) SPIN EACH(store, 0, 0)		\
		     : : "r"(pattern), "r"(found) : "rcx", "memory")

static u32 compare(u32 bytes)
{
	u32 i, wrong = 0;

	for (i = 0; i < 16; i++)
		wrong += !!memcmp(pattern[i], found[i], bytes);
	return wrong;
}

GUEST_CASE(vector_registers, SECTION, .flags = CASE_IRQCHIP)
{
	u32 r[4], i, wanted = 0x1f80, mxcsr;
	bool wide;

	cpuid(1, 0, r);
	wide = (r[2] & CPUID_XSAVE) && (r[2] & CPUID_AVX);
	WRITE_CR(0, (READ_CR(0) & ~(CR0_EM | CR0_TS)) | CR0_MP);
	WRITE_CR(4, READ_CR(4) | 1 << 9 | (wide ? CR4_OSXSAVE : 0));
	if (wide)
		asm volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
	while (go_on()) {
		for (i = 0; i < sizeof(pattern); i++)
			pattern[i / 32][i % 32] = i * 7 + rounds;
		wanted ^= 0x2000;
		asm volatile("ldmxcsr %0" : : "m"(wanted));
		if (wide)
			KEEP(LOAD_Y, STORE_Y);
		else
			KEEP(LOAD_X, STORE_X);
		asm volatile("stmxcsr %0" : "=m"(mxcsr));
		bad += compare(wide ? 32 : 16) || mxcsr != wanted;
	}
	ends(wide ? "with AVX" : "without AVX");
}

#define WORDS		0x80000u	/* of memory that changes all the time */

/* Each word follows from its place and the round that wrote it. */
GUEST_CASE(memory, SECTION, .flags = CASE_IRQCHIP)
{
	volatile u32 *const word = (void *)0x400000;
	u32 i;

	for (i = 0; i < WORDS; i += 61)
		word[i] = i * 2654435761u;
	while (go_on())
		for (i = 0; i < WORDS; i += 61) {
			bad += word[i] != i * 2654435761u + rounds - 1;
			word[i] = i * 2654435761u + rounds;
		}
	ends("each word is the one last written");
}

GUEST_CASE(debug_registers, SECTION, .flags = CASE_IRQCHIP)
{
	/*
	 * On writes to what nobody writes to. QEMU 7.2 knows the kind of a breakpoint by
	 * the DR7 of the moment, which VMRUN and #VMEXIT change behind its back: now and
	 * then it takes one for the other and crashes.
	 */
	u64 dr7 = params()->host == HOST_SVM ? 0x400 : 0x11110455;

	while (go_on()) {
		u64 value = 0x400000 + (u64)rounds * 8;

		WRITE_DR(0, value);
		WRITE_DR(1, value + 8);
		WRITE_DR(2, value + 16);
		WRITE_DR(3, ~value);
		WRITE_DR(7, dr7);
		delay(50);
		bad += READ_DR(0) != value || READ_DR(1) != value + 8 ||
		       READ_DR(2) != value + 16 || READ_DR(3) != ~value ||
		       READ_DR(7) != dr7;
		WRITE_DR(7, 0x400);
	}
	ends("they are kept");
}

static volatile u32 *const pv = (void *)(MOVES + 0x100);

static u64 pv_clock(void)
{
	u64 delta;

	/* One CPU: nobody changes the page while this runs but the host, in between. */
	for (;;) {
		u32 version = pv[0];
		signed char shift = ((volatile signed char *)pv)[28];
		u64 time;

		barrier();
		delta = rdtsc() - *(volatile u64 *)(pv + 2);
		delta = shift < 0 ? delta >> -shift : delta << shift;
		time = *(volatile u64 *)(pv + 4) + (u64)((__uint128_t)delta * pv[6] >> 32);
		barrier();
		if (!(version & 1) && version == pv[0])
			return time;
	}
}

/*
 * A page that is not PVCLOCK_TSC_STABLE_BIT's goes by the TSC's rate until the host,
 * whose own clock is another, writes it again: guests take the maximum, and what
 * they have to bridge is small.
 */
static u64 slack_ns(void)
{
	return ((volatile u8 *)pv)[29] & 1 ? 0 : 1000000;
}

GUEST_CASE(clocks, SECTION, .flags = CASE_IRQCHIP)
{
	u64 tsc = rdtsc(), time, now;

	wrmsr(MSR_SYSTEM, (u64)pv | 1);
	time = pv_clock();
	while (go_on()) {
		now = rdtsc();
		bad += now < tsc;
		tsc = now;
		now = pv_clock();
		bad += now + slack_ns() < time;
		time = now;
	}
	ends("neither goes back");
}

static void reply(struct frame *frame)
{
	apic_eoi();
	apic_send(0, ICR_FIXED | ICR_ASSERT | HIGH_VECTOR);
}

static void other_cpu(void)
{
	apic_enable();
	trap_hook[LOW_VECTOR] = reply;
	replies = 1;
	for (;;)
		asm volatile("sti; hlt" : : : "memory");
}

GUEST_CASE(two_cpus, SECTION, .flags = CASE_IRQCHIP, .cpus = 2, .ap = other_cpu)
{
	apic_enable();
	trap_hook[HIGH_VECTOR] = on_high;
	wait_open(replies, PATIENCE);
	while (go_on()) {
		apic_send(1, ICR_FIXED | ICR_ASSERT | LOW_VECTOR);
		bad += !wait_open(high == rounds, PATIENCE);
	}
	ends("a halted CPU answers each IPI");
}

GUEST_CASE(waits_for_start, SECTION, .flags = CASE_IRQCHIP | CASE_AP_WAITS, .cpus = 2)
{
	while (go_on())
		delay(100);
	ends("while another CPU waits for its start");
}

#else /* host half */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "guest_test.h"
#include "migrate.h"

#define SMM_SPACE	(1u << 16)	/* its first slot */
#define MOVES_SVM	10
#define MOVES_VMX	3
#define MIN_USEC	500u
#define SPREAD_USEC	4000u
#define LAST_SECONDS	20	/* after the last move: then nothing goes on */

static struct kvm_run *volatile run_page;
static uint32_t seed = 1;

static uint32_t *counters(struct vm *vm)
{
	return guest_at(vm, MOVES, 8);
}

static void wake(int signal)
{
	(void)signal;
	if (run_page)
		run_page->immediate_exit = 1;
}

/*
 * Again and again, since the first may come before KVM_RUN has begun.  After the
 * last move nothing disturbs the guest, for a slow machine has no time to lose.
 */
static void arm(struct vm *vm)
{
	struct itimerval in = { 0 };

	seed = seed * 1103515245 + 12345;
	in.it_value.tv_usec = MIN_USEC + (seed >> 8) % SPREAD_USEC;
	if (counters(vm)[0] < counters(vm)[1])
		in.it_interval = in.it_value;
	else
		in.it_value.tv_sec = LAST_SECONDS;
	setitimer(ITIMER_REAL, &in, NULL);
}

static void disarm(void)
{
	struct itimerval off = { 0 };

	setitimer(ITIMER_REAL, &off, NULL);
}

/* The other CPU, whose thread lives from one move to the next. */
static void *run_other(void *arg)
{
	struct vcpu *vcpu = arg;

	while (!atomic_load(&vcpu->vm->stop) && vcpu_run(vcpu) == -EINTR)
		;
	return NULL;
}

static void start_others(struct vm *vm)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	vm->stop = false;
	if (vm->vcpus > 1 && pthread_create(&vm->vcpu[1].thread, NULL, run_other, &vm->vcpu[1]))
		vm_give_up("pthread_create");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void stop_others(struct vm *vm)
{
	atomic_store(&vm->stop, true);
	if (vm->vcpus < 2)
		return;
	vm->vcpu[1].run->immediate_exit = 1;
	pthread_kill(vm->vcpu[1].thread, SIGUSR1);
	pthread_join(vm->vcpu[1].thread, NULL);
}

/* System-management mode sees the same memory. */
static void show_memory(struct vm *vm)
{
	vm_slot(vm, SMM_SPACE, 0, 0, GUEST_MEM_SIZE, vm->mem);
}

static void move(struct vm *vm)
{
	disarm();
	run_page = NULL;
	stop_others(vm);
	vm_migrate_away(vm);
	show_memory(vm);
	counters(vm)[0]++;
	start_others(vm);
	run_page = vm->vcpu[0].run;
	arm(vm);
}

static void run(struct vm *vm, vm_exit_fn handler)
{
	bool late = false;
	int rc;

	start_others(vm);
	run_page = vm->vcpu[0].run;
	arm(vm);
	do {
		rc = vcpu_run(&vm->vcpu[0]);
		if (rc == -EINTR && counters(vm)[0] < counters(vm)[1])
			move(vm);
		else if (rc == -EINTR)
			late = true;
		else if (rc)
			vm_give_up("KVM_RUN");
		vm->vcpu[0].run->immediate_exit = 0;
	} while (!late && (rc == -EINTR || handler(&vm->vcpu[0])));
	disarm();
	run_page = NULL;
	host_check(vm, !late, "the guest ends after the last move");
	stop_others(vm);
}

static void before(struct vm *vm)
{
	/* addr32 incl SMI_COUNT; rsm */
	static const uint8_t smm[] = { 0x66, 0xff, 0x06, SMI_COUNT & 0xff, SMI_COUNT >> 8,
				       0x0f, 0xaa };
	struct sigaction act = { .sa_handler = wake };
	const char *host = getenv("NESTOR_HOST"), *times = getenv("NST_MOVES");

	sigaction(SIGALRM, &act, NULL);
	show_memory(vm);
	memcpy(guest_at(vm, SMRAM_ENTRY, sizeof(smm)), smm, sizeof(smm));
	counters(vm)[0] = 0;
	counters(vm)[1] = times ? atoi(times) : host && !strncmp(host, "vmx", 3) ? MOVES_VMX :
			  MOVES_SVM;
}

static void after_waiting(struct vm *vm)
{
	struct kvm_mp_state state;

	vm_ioctl(vm->vcpu[1].fd, KVM_GET_MP_STATE, &state, "GET_MP_STATE");
	host_check(vm, state.mp_state == KVM_MP_STATE_UNINITIALIZED,
		   "the other CPU still waits (%u)", state.mp_state);
}

const struct host_hook host_hooks[] = {
	{ "waits_for_start", .before = before, .run = run, .after = after_waiting },
	{ HOOK_ANY, .before = before, .run = run },
	{ 0 }
};
#endif /* GUEST */
