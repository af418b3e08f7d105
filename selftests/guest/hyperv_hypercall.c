// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hyper-V's hypercalls: what the conventions refuse, flushes and interrupts of sets of
 * processors, what userspace carries out. TLFS "Hypercall Interface".
 */
#include "hyperv.h"

#define CONNECTION	0x123

#ifdef GUEST
#include "apic.h"

#define CALLS		"TLFS \"Hypercall Interface\""
#define VECTOR		0x52
#define ALL_CPUS	1ul	/* flag of a flush */

static volatile u64 *const in = (void *)HV_INPUT;

GUEST_CASE(refused, "TLFS \"Hypercall Status Codes\"", .flags = CASE_IRQCHIP)
{
	hv_begin();
	memset((void *)HV_INPUT, 0, PAGE_SIZE);
	check(hv_call(0xbeef, HV_INPUT, 0) == HV_INVALID_CODE, "no such call");
	check(hv_call(HV_CALL_FLUSH | 1ul << 27, HV_INPUT, 0) == HV_INVALID_INPUT,
	      "a reserved bit");
	check(hv_call(HV_CALL_FLUSH | 1ul << 60, HV_INPUT, 0) == HV_INVALID_INPUT,
	      "another reserved bit");
	check(hv_call(HV_CALL_FLUSH | HV_REPS(1), HV_INPUT, 0) == HV_INVALID_INPUT,
	      "a list where there is none");
	check(hv_call(HV_CALL_FLUSH | HV_VAR(1), HV_INPUT, 0) == HV_INVALID_INPUT,
	      "a variable part where there is none");
	check(hv_call(HV_CALL_FLUSH_LIST, HV_INPUT, 0) == HV_INVALID_INPUT, "a list of nothing");
	check(hv_call(HV_CALL_FLUSH_LIST | HV_REPS(2) | HV_REP_START(2), HV_INPUT, 0) ==
	      HV_INVALID_INPUT, "a list that begins behind its end");
	check(hv_call(HV_CALL_FLUSH, HV_INPUT + 4, 0) == HV_INVALID_ALIGNMENT, "not aligned");
	check(hv_call(HV_CALL_FLUSH, HV_INPUT + PAGE_SIZE - 8, 0) == HV_INVALID_ALIGNMENT,
	      "across a page");
	check(hv_call(HV_CALL_FLUSH, GUEST_MMIO, 0) == HV_INVALID_INPUT, "not in memory");
	in[1] = 1ul << 8;
	check(hv_call(HV_CALL_FLUSH, HV_INPUT, 0) == HV_INVALID_PARAMETER, "an unknown flag");
	in[1] = 0;
	check(hv_call(HV_CALL_FLUSH, HV_INPUT, 0) == HV_SUCCESS, "of nobody, but well formed");
	check(hv_call(HV_CALL_FLUSH_LIST | HV_REPS(3), HV_INPUT, 0) == HV_REPS(3),
	      "a list is done as a whole");
	check(hv_call(HV_CALL_LONG_SPIN | HV_FAST, 100, 0) == HV_SUCCESS, "a long spin");
}

GUEST_CASE(from_ring_3, "TLFS \"Legal Hypercall Environments\"", .flags = CASE_IRQCHIP)
{
	u64 stack = GUEST_SCRATCH + 0x1000;

	hv_begin();
	PROBE("push %0; push %1; push $2; push %2; push $772f; iretq\n"
	      "772: mov $0xbeef, %%ecx; jmp *%3", : : "r"((u64)SEL_USER_DATA), "r"(stack),
	      "r"((u64)SEL_USER_CODE64), "r"(HV_CALL_PAGE) : "memory", "rax", "rcx", "rdx");
	check_trap(VEC_UD, 0, "a program's call");
	check(trap.rip == HV_CALL_PAGE, "at the instruction itself (%lx)", trap.rip);
}

GUEST_CASE(without_a_name, CALLS, .flags = CASE_IRQCHIP)
{
	hv_begin();
	wrmsr(HV_GUEST_OS_ID, 0);
	check(hv_call(0xbeef, 0, 0) == (u64)-1000 || hv_call(0xbeef, 0, 0) == (u32)-1000,
	      "the calls are KVM's");
}

/* ---- interrupts ---- */

static volatile u32 hits[GUEST_CPUS], ready, stop;

static void handler(struct frame *frame)
{
	__atomic_fetch_add(&hits[this_cpu()], 1, __ATOMIC_SEQ_CST);
	apic_eoi();
}

static void set_up(void)
{
	apic_enable();
	trap_hook[VECTOR] = handler;
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
}

static void other(void)
{
	set_up();
	sti();
	while (!stop)
		asm volatile("pause" ::: "memory");
	cli();
}

static void expect(u64 status, u32 mask, const char *what)
{
	u32 want[GUEST_CPUS], i, bad = 0;

	check(status == HV_SUCCESS, "%s: the call (%lx)", what, status);
	for (i = 0; i < params()->cpus; i++) {
		want[i] = mask >> i & 1;
		bad += !wait_open(hits[i] == want[i], 1000000);
	}
	/* None too many, either. */
	delay(200);
	for (i = 0; i < params()->cpus; i++)
		bad += hits[i] != want[i];
	check(!bad, "%s: those and no others", what);
	for (i = 0; i < GUEST_CPUS; i++)
		hits[i] = 0;
}

static u64 send_ex(u64 format, u64 valid, u64 bank, u32 banks)
{
	in[0] = VECTOR;
	in[1] = format;
	in[2] = valid;
	in[3] = bank;
	in[4] = ~0ul;
	return hv_call(HV_CALL_SEND_IPI_EX | HV_VAR(banks), HV_INPUT, 0);
}

GUEST_CASE(send_ipi, "TLFS \"HvCallSendSyntheticClusterIpi\"", .cpus = 3, .ap = other,
	   .flags = CASE_IRQCHIP)
{
	set_up();
	hv_begin();
	while (!wait_open(ready == params()->cpus, 3000000))
		;
	in[0] = VECTOR;
	in[1] = 6;
	expect(hv_call(HV_CALL_SEND_IPI, HV_INPUT, 0), 6, "by memory");
	expect(hv_call(HV_CALL_SEND_IPI | HV_FAST, VECTOR, 2), 2, "by registers");
	expect(hv_call(HV_CALL_SEND_IPI | HV_FAST, VECTOR, ~0ul), 7, "more than there are");
	expect(send_ex(0, 1, 5, 1), 5, "a sparse set");
	expect(send_ex(0, 3, 4, 2), 4, "of two banks");
	expect(send_ex(0, 2, 7, 1), 0, "of a bank that is empty");
	expect(send_ex(0, 0, 7, 0), 0, "of no bank");
	expect(send_ex(1, 0, 0, 0), 7, "all");
	check(send_ex(0, 3, 7, 1) == HV_INVALID_INPUT, "banks that are missing");
	check(send_ex(2, 1, 7, 1) == HV_INVALID_PARAMETER, "a set of no known form");
	check(hv_call(HV_CALL_SEND_IPI | HV_FAST, 15, 1) == HV_INVALID_INPUT, "vector 15");
	check(hv_call(HV_CALL_SEND_IPI | HV_FAST, 256, 1) == HV_INVALID_INPUT, "vector 256");
	expect(HV_SUCCESS, 0, "what was refused");
	stop = 1;
}

/* Userspace gave CPUs 1 and 2 the indices 70 and 200: in banks 1 and 3. */
GUEST_CASE(sparse_set, "TLFS \"Virtual Processor Sets\"", .cpus = 3, .ap = other,
	   .flags = CASE_IRQCHIP)
{
	set_up();
	hv_begin();
	while (!wait_open(ready == params()->cpus, 3000000))
		;
	in[0] = VECTOR;
	in[1] = 0;
	in[2] = 1 << 1 | 1 << 3;
	in[3] = 1ul << 6;
	in[4] = 0;
	expect(hv_call(HV_CALL_SEND_IPI_EX | HV_VAR(2), HV_INPUT, 0), 2, "index 70");
	in[3] = 0;
	in[4] = 1ul << 8;
	expect(hv_call(HV_CALL_SEND_IPI_EX | HV_VAR(2), HV_INPUT, 0), 4, "index 200");
	in[2] = 1ul << 63 | 1 << 1;
	in[3] = ~0ul;
	expect(hv_call(HV_CALL_SEND_IPI_EX | HV_VAR(2), HV_INPUT, 0), 2, "the last bank");
	stop = 1;
}

/* ---- TLBs ---- */

#define WINDOW		0x600000ul	/* the address whose page changes */
#define PAGE_OF(n)	(GUEST_SCRATCH + 0x20000 + (n) * PAGE_SIZE)
#define TURNS		200

static volatile u64 turn, seen, wrong;

/* Reads by the same address all the time, so that it stays in the TLB. */
static void reader(void)
{
	volatile u64 *window = (void *)WINDOW;
	u64 now;

	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	do {
		u64 value;

		now = turn;
		barrier();
		value = *window;
		/* Newer may be, older not: the flush was over before the turn was. */
		wrong += now && now <= TURNS && value < now;
		seen = now;
	} while (now <= TURNS);
}

static u64 flush(u64 flags, u64 mask)
{
	in[0] = 0;
	in[1] = flags;
	in[2] = mask;
	return hv_call(HV_CALL_FLUSH, HV_INPUT, 0);
}

GUEST_CASE(flush_others, "TLFS \"HvCallFlushVirtualAddressSpace\"", .cpus = 2, .ap = reader,
	   .flags = CASE_IRQCHIP)
{
	volatile u64 *entry = split_page(WINDOW);
	u64 i, failed = 0;

	hv_begin();
	*(volatile u64 *)PAGE_OF(0) = 0;
	*entry = PAGE_OF(0) | PTE_PRESENT | PTE_WRITE;
	flush(ALL_CPUS, 0);
	while (!wait_open(ready == 1, 3000000))
		;
	for (i = 1; i <= TURNS; i++) {
		*(volatile u64 *)PAGE_OF(i & 1) = i;
		*entry = PAGE_OF(i & 1) | PTE_PRESENT | PTE_WRITE;
		barrier();
		failed += flush(i % 3 ? 0 : ALL_CPUS, 2) != HV_SUCCESS;
		turn = i;
		failed += !wait_open(seen == i, 1000000);
	}
	turn = TURNS + 1;
	check(!failed, "each flush succeeds, and the other CPU goes on (%lu)", failed);
	check(!wrong, "the other CPU never sees what was mapped before (%lu)", wrong);
}

/* ---- parameters in vector registers ---- */

/* A set in XMM registers: the flush of CPU 0, by the list form's cousin. */
static u64 fast_flush_ex(void)
{
	register u64 r8 asm("r8") = 0;		/* flags */
	static const u64 banks[2] = { 1, 1 };	/* valid, bank 0 */
	u64 control = HV_CALL_FLUSH_EX | HV_FAST | HV_VAR(1), space = 0, result;

	WRITE_CR(4, READ_CR(4) | 3ul << 9);
	WRITE_CR(0, READ_CR(0) & ~(CR0_EM | CR0_TS));
	/* XMM0: format and mask of banks, XMM1: the bank. */
	asm volatile("pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1\n\t"
		     "movhps %[valid], %%xmm0; movlps %[bank], %%xmm1\n\t"
		     "call *%[page]"
		     : "=a"(result), "+c"(control), "+d"(space), "+r"(r8)
		     : [page] "r"(HV_CALL_PAGE), [valid] "m"(banks[0]), [bank] "m"(banks[1])
		     : "memory", "cc", "r9", "r10", "r11");
	return result;
}

GUEST_CASE(xmm_input, "TLFS \"Hypercall Inputs\"", .flags = CASE_IRQCHIP)
{
	hv_begin();
	check(fast_flush_ex() == HV_SUCCESS, "a set in vector registers");
	check(hv_call(HV_CALL_FLUSH_EX | HV_FAST | HV_VAR(60), 0, 0) != HV_SUCCESS,
	      "more than they hold");
}

GUEST_CASE(no_xmm_input, "TLFS \"Hypercall Inputs\"", .flags = CASE_IRQCHIP)
{
	hv_begin();
	check(hv_call_trap(HV_CALL_FLUSH | HV_FAST, 0) == VEC_UD, "#UD where CPUID has it not");
	check(hv_call(HV_CALL_SEND_IPI | HV_FAST, VECTOR, 0) == HV_SUCCESS,
	      "two general registers are always there");
}

/* ---- userspace ---- */

GUEST_CASE(by_userspace, "TLFS \"HvCallPostMessage\"", .flags = CASE_IRQCHIP)
{
	hv_begin();
	check(hv_call(HV_CALL_POST_MESSAGE, HV_INPUT, HV_OUTPUT) == 0x1234,
	      "the result is userspace's");
	check(call_host(0, 0, 0, 0) == 1, "which was asked once");
}

GUEST_CASE(no_synic, "TLFS \"HvCallPostMessage\"", .flags = CASE_IRQCHIP)
{
	hv_begin();
	check(hv_call(HV_CALL_POST_MESSAGE, HV_INPUT, HV_OUTPUT) == HV_INVALID_INPUT,
	      "without a synthetic interrupt controller nobody is asked");
}

GUEST_CASE(signal_event, "TLFS \"HvCallSignalEvent\"", .flags = CASE_IRQCHIP)
{
	hv_begin();
	in[0] = CONNECTION;
	check(hv_call(HV_CALL_SIGNAL_EVENT, HV_INPUT, 0) == HV_SUCCESS, "by memory");
	check(hv_call(HV_CALL_SIGNAL_EVENT | HV_FAST, CONNECTION, 0) == HV_SUCCESS,
	      "by a register");
	check(call_host(1, 0, 0, 0) == 2, "the eventfd was signalled twice");
	check(hv_call(HV_CALL_SIGNAL_EVENT | HV_FAST, CONNECTION + 1, 0) == 0x1234,
	      "another connection is userspace's");
	check(hv_call(HV_CALL_SIGNAL_EVENT | HV_FAST, CONNECTION | 1ul << 32, 0) == 0x1234,
	      "and so is another flag");
	check(hv_call(HV_CALL_SIGNAL_EVENT | HV_FAST, CONNECTION | 1ul << 48, 0) ==
	      HV_INVALID_INPUT, "reserved bits");
	check(call_host(0, 0, 0, 0) == 2, "userspace was asked twice");
}

#else
#include <unistd.h>
#include <sys/eventfd.h>

#include "guest_test.h"

static unsigned int asked;
static int event;

static void with_synic(struct vm *vm)
{
	struct kvm_hyperv_eventfd conn = { .conn_id = CONNECTION };

	hv_offer_synic(vm);
	asked = 0;
	event = eventfd(0, EFD_NONBLOCK);
	conn.fd = event;
	vm_ioctl(vm->fd, KVM_HYPERV_EVENTFD, &conn, "HYPERV_EVENTFD");
}

static bool hypercall(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint16_t code = run->hyperv.u.hcall.input;

	if (run->exit_reason != KVM_EXIT_HYPERV || run->hyperv.type != KVM_EXIT_HYPERV_HCALL)
		return false;
	asked++;
	if (code == HV_CALL_POST_MESSAGE)
		host_check(vcpu->vm, run->hyperv.u.hcall.params[0] == GUEST_SCRATCH + 0x11000 &&
			   run->hyperv.u.hcall.params[1] == GUEST_SCRATCH + 0x12000,
			   "both addresses come along");
	run->hyperv.u.hcall.result = 0x1234;
	return true;
}

static uint64_t answer(struct vcpu *vcpu, const uint64_t *args)
{
	uint64_t count = 0;

	if (args[0] != 1)
		return asked;
	return read(event, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void without_xmm(struct vm *vm)
{
	hv_offer_without(vm, HV_LEAF_FEATURES, 1u << 4);
}

static void other_indices(struct vm *vm)
{
	hv_offer(vm);
	vcpu_set_msr(&vm->vcpu[1], HV_VP_INDEX, 70);
	vcpu_set_msr(&vm->vcpu[2], HV_VP_INDEX, 200);
}

const struct host_hook host_hooks[] = {
	{ .name = "sparse_set", .before = other_indices },
	{ .name = "no_xmm_input", .before = without_xmm },
	{ .name = "by_userspace", .before = with_synic, .exit = hypercall, .call = answer },
	{ .name = "signal_event", .before = with_synic, .exit = hypercall, .call = answer },
	{ .name = HOOK_ANY, .before = hv_offer },
	{ 0 }
};
#endif /* GUEST */
