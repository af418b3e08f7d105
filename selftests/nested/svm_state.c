// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hypervisor moves to another machine: while it runs itself, while its L2 runs
 * with events pending for either, and at moments that nobody chose.
 * Documentation/virt/kvm/api.rst of Linux, KVM_GET_NESTED_STATE.
 */
#define MOVE		1	/* call_host(): go on elsewhere */
#define MOVES		2	/* now and then from here on */
#define INSPECT		3	/* the state's header */

#define IRQ		0x61
#define VIRQ		0x71

#ifdef GUEST
#include "svm.h"
#include "apic.h"

#define STATE	"KVM_GET_NESTED_STATE"

struct l2_regs l2;
static volatile u32 marks;

static void move(void)
{
	call_host(MOVE, 0, 0, 0);
}

GUEST_CASE(without_svm, STATE, .flags = CASE_SVM)
{
	move();
	check(!(rdmsr(MSR_EFER) & EFER_SVME), "EFER.SVME is clear as before");
	svm_on();
	move();
	check(rdmsr(MSR_EFER) & EFER_SVME && rdmsr(MSR_VM_HSAVE_PA) == HSAVE,
	      "now it is set, and VM_HSAVE_PA moved too (%lx)", rdmsr(MSR_VM_HSAVE_PA));
}

GUEST_CASE(gif, STATE, .flags = CASE_SVM | CASE_IRQCHIP)
{
	apic_enable();
	svm_on();
	asm volatile("clgi" : : : "memory");
	apic_send(0, ICR_NMI | ICR_ASSERT);
	apic_send(0, ICR_FIXED | ICR_ASSERT | IRQ);
	move();
	open_window();
	check(!irq_count[VEC_NMI] && !irq_count[IRQ], "GIF is clear, events wait");
	asm volatile("stgi" : : : "memory");
	check(wait_for(irq_count[VEC_NMI] == 1, 100000), "the NMI comes with STGI");
	open_window();
	check(irq_count[IRQ] == 1, "and the interrupt with IF");
}

/* L2 in C, on its own stack; it must not return. */
#define L2_C(name)							\
	static void name##_body(void);					\
	extern void name(void);						\
	asm(".text\n" #name ": call " #name "_body\n hlt\n ud2");	\
	__attribute__((used)) static void name##_body(void)

L2_C(moves)
{
	u64 cr3 = read_cr3();

	marks = 1;
	WRITE_CR(2, 0x1234000);
	move();
	marks += read_cr3() == cr3 && READ_CR(2) == 0x1234000;
	/* Not L1's to decide: it intercepts neither. */
	wrmsr(0xc0000102, 0x5550000);
	move();
	marks += rdmsr(0xc0000102) == 0x5550000;
}

GUEST_CASE(in_l2, STATE, .flags = CASE_SVM)
{
	u64 cr4, rsp, after;

	wrmsr(0xc0000082, 0x2222000);
	vmcb_init(moves);
	want(I_HLT);
	VMCB->cr4 ^= CR4_DE;
	VMCB->tsc_offset = -1000000000ul;
	cr4 = read_cr4();
	asm volatile("mov %%rsp, %0" : "=r"(rsp));
	run_to(EXIT_VMHLT, "an L2 that moved twice");
	asm volatile("mov %%rsp, %0" : "=r"(after));
	check(marks == 3, "with all its registers (%u)", marks);
	check(rsp == after && read_cr4() == cr4, "L1's come back");
	check(VMCB->cr4 == (cr4 ^ CR4_DE), "L2's are in the VMCB");
	check(rdmsr(0xc0000082) == 0x2222000, "LSTAR is shared");
	marks = 0;
	VMCB->rip = (u64)moves;
	VMCB->rsp = L2_STACK;
	run_to(EXIT_VMHLT, "and L1 can run another");
	check(marks == 3, "which moves, too (%u)", marks);
}

L2_C(opens_after_move)
{
	move();
	sti();
	asm volatile("nop; nop" : : : "memory");
	cli();
}

GUEST_CASE(virtual_interrupt, STATE, .flags = CASE_SVM)
{
	irq_eoi = false;
	vmcb_init(opens_after_move);
	want(I_HLT);
	VMCB->int_ctl = V_INTR_MASKING | V_IRQ | V_PRIO(15);
	VMCB->int_vector = VIRQ;
	run_to(EXIT_VMHLT, "with a virtual interrupt pending");
	check(irq_count[VIRQ] == 1, "L2 takes it at its new place (%u)", irq_count[VIRQ]);
	VMCB->rip = (u64)opens_after_move;
	VMCB->rsp = L2_STACK;
	want(I_VINTR);
	VMCB->int_ctl |= V_IRQ;
	run_to(EXIT_VINTR, "or L1 has it, when it intercepts");
}

L2_C(spins_after_move)
{
	move();
	for (;;)
		asm volatile("pause");
}

GUEST_CASE(interrupt_for_l1, STATE, .flags = CASE_SVM | CASE_IRQCHIP)
{
	apic_enable();
	vmcb_init(spins_after_move);
	want(I_INTR);
	VMCB->int_ctl = V_INTR_MASKING;
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, IRQ);
	/* Comes while the host saves, or soon after. */
	apic_write(APIC_TIMER_INITIAL, 20000000);
	sti();
	run_to(EXIT_INTR, "an interrupt of L1");
	asm volatile("nop; nop" : : : "memory");
	cli();
	check(irq_count[IRQ] == 1, "is L1's (%u)", irq_count[IRQ]);
}

/* ---- behind nested paging ---- */

#define NPML4		((u64 *)(TEST_FREE + 0x0000))
#define NPDPT		((u64 *)(TEST_FREE + 0x1000))
#define NPD		((u64 *)(TEST_FREE + 0x2000))
#define OPEN		(PTE_PRESENT | PTE_WRITE | PTE_USER)

static void nested_paging(void)
{
	u64 i;

	memset(NPML4, 0, 0x3000);
	NPML4[0] = (u64)NPDPT | OPEN;
	NPDPT[0] = (u64)NPD | OPEN;
	for (i = 0; i < 4; i++)
		NPD[i] = i << 21 | PTE_LARGE | OPEN;
	VMCB->np_enable = 1;
	VMCB->ncr3 = (u64)NPML4;
}

L2_C(reads_after_move)
{
	move();
	marks = *(volatile u32 *)0x600000;
}

GUEST_CASE(in_nested_paging, STATE, .flags = CASE_SVM)
{
	*(volatile u32 *)0x400000 = 0x4444;
	vmcb_init(reads_after_move);
	want(I_HLT);
	nested_paging();
	NPD[3] = 0x400000 | PTE_LARGE | OPEN;
	run_to(EXIT_VMHLT, "with nested paging");
	check(marks == 0x4444, "L2 reads through L1's tables (%x)", marks);
	NPD[3] = 0;
	VMCB->rip = (u64)reads_after_move;
	VMCB->rsp = L2_STACK;
	VMCB->tlb_control = 1;
	run_to(EXIT_NPF, "and misses there");
	check(VMCB->info2 == 0x600000, "what is not mapped (%lx)", VMCB->info2);
}

/* ---- at any moment ---- */

static volatile u64 in_handler;

static void count(struct frame *frame)
{
	in_handler++;
}

L2_CODE(works, "1: inc %rbx; add %rbx, %rcx; mov $1, %eax; cpuid_place: cpuid\n"
	"inc %rdx; sti; nop; cli; jmp 1b");

extern const u8 cpuid_place[];

#define TURNS	4000u

static void storm(bool npt)
{
	u64 virqs = 0, injected = 0, turns = 0, bad = 0;

	irq_eoi = true;
	apic_enable();
	trap_hook[VIRQ] = count;
	vmcb_init(works);
	if (npt)
		nested_paging();
	want(I_CPUID);
	want(I_INTR);
	VMCB->int_ctl = V_INTR_MASKING;
	VMCB->int_vector = VIRQ;
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, IRQ | APIC_TIMER_PERIODIC);
	apic_write(APIC_TIMER_INITIAL, 3000000);
	call_host(MOVES, 0, 0, 0);
	sti();
	while (turns < TURNS) {
		u64 code = vmrun();

		if (code == EXIT_INTR)
			continue;
		if (code != EXIT_CPUID || VMCB->rip != (u64)cpuid_place) {
			note("exit %lx at %lx", code, VMCB->rip);
			bad++;
			break;
		}
		turns++;
		step_over();
		l2.rdx = turns;
		if (turns % 3 == 0) {
			VMCB->int_ctl |= V_IRQ | V_PRIO(15);
			virqs++;
		} else if (turns % 5 == 0) {
			VMCB->event_inj = EV_VALID | EV_INTR | VIRQ;
			injected++;
		}
	}
	cli();
	call_host(MOVES, 1, 0, 0);
	check(!bad && turns == TURNS && l2.rbx == TURNS, "%lu exits, %lu turns of L2", turns,
	      l2.rbx);
	/* The last of each may still wait. */
	virqs -= !!(VMCB->int_ctl & V_IRQ);
	injected -= !!(VMCB->event_inj & EV_VALID);
	check(in_handler == virqs + injected, "%lu virtual interrupts, %lu injected: %lu taken",
	      virqs, injected, in_handler);
	check(irq_count[IRQ] > 0, "%u interrupts of L1", irq_count[IRQ]);
}

GUEST_CASE(any_moment, STATE, .flags = CASE_SVM | CASE_IRQCHIP)
{
	storm(false);
}

GUEST_CASE(any_moment_npt, STATE, .flags = CASE_SVM | CASE_IRQCHIP)
{
	storm(true);
}

/* ---- what is refused ---- */

L2_C(inspects)
{
	call_host(INSPECT, 1, 0, 0);
}

GUEST_CASE(header, STATE, .flags = CASE_SVM)
{
	vmcb_init(inspects);
	want(I_HLT);
	asm volatile("clgi" : : : "memory");
	call_host(INSPECT, 0, 0, 0);
	asm volatile("stgi" : : : "memory");
	run_to(EXIT_VMHLT, "L2");
	check(true, "goes on after refused states");
}
#else
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "guest_test.h"
#include "migrate.h"

#define SVM_VMCB_PA	0x100000	/* VMCB in svm.h */

static unsigned int moved, moved_in_l2;

static bool runs_l2(struct vcpu *vcpu)
{
	struct nested_state state;

	vcpu_nested_state(vcpu, &state);
	return state.head.flags & KVM_STATE_NESTED_GUEST_MODE;
}

static void move(struct vm *vm)
{
	moved++;
	moved_in_l2 += runs_l2(&vm->vcpu[0]);
	vm_migrate(vm);
}

static timer_t timer;

static void arm(long usec)
{
	struct itimerspec when = { .it_value.tv_nsec = usec * 1000 };

	timer_settime(timer, 0, &when, NULL);
}

/* Interrupts KVM_RUN after a random time and moves, until the guest calls again. */
static void random_moves(struct vcpu *vcpu)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	int rc;

	event._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		vm_give_up("timer_create");
	while (!atomic_load(&vcpu->vm->stop)) {
		/* Longer and longer, so that the slowest host gets somewhere. */
		arm(200 + random() % (moved < 3000 ? 30000 + 300 * moved : 900000));
		vcpu->run->immediate_exit = 0;
		rc = vcpu_run(vcpu);
		if (rc == -EINTR)
			move(vcpu->vm);
		else if (rc)
			vm_give_up("KVM_RUN");
		else
			break;
	}
	arm(0);
	timer_delete(timer);
	if (vcpu->run->exit_reason != KVM_EXIT_IO || vcpu->run->io.port != PORT_CALL)
		host_check(vcpu->vm, false, "an exit with no reason, %u",
			   vcpu->run->exit_reason);
	host_check(vcpu->vm, moved > 3 && moved_in_l2, "moved %u times, %u with L2 running",
		   moved, moved_in_l2);
}

static int try_set(struct vcpu *vcpu, const struct nested_state *state)
{
	return ioctl(vcpu->fd, KVM_SET_NESTED_STATE, state) ? -errno : 0;
}

static void inspect(struct vcpu *vcpu, bool in_l2)
{
	struct vm *vm = vcpu->vm;
	struct nested_state good, bad;
	struct kvm_nested_state small = { .size = sizeof(small) };

	vcpu_nested_state(vcpu, &good);
	host_check(vm, good.head.format == KVM_STATE_NESTED_FORMAT_SVM, "format SVM");
	host_check(vm, good.head.flags == (in_l2 ? KVM_STATE_NESTED_GUEST_MODE |
		   KVM_STATE_NESTED_GIF_SET : 0), "flags %#x", good.head.flags);
	host_check(vm, good.head.size == sizeof(good.head) +
		   (in_l2 ? KVM_STATE_NESTED_SVM_VMCB_SIZE : 0), "size %u", good.head.size);
	if (!in_l2)
		return;
	host_check(vm, good.head.hdr.svm.vmcb_pa == SVM_VMCB_PA, "address %#llx",
		   (unsigned long long)good.head.hdr.svm.vmcb_pa);
	host_check(vm, ioctl(vcpu->fd, KVM_GET_NESTED_STATE, &small) && errno == E2BIG &&
		   small.size == good.head.size, "too small a buffer: -E2BIG and the size");
#define REFUSED(what, change)						\
	do {								\
		bad = good;						\
		change;							\
		host_check(vm, try_set(vcpu, &bad) == -EINVAL, what);	\
	} while (0)
	REFUSED("another format", bad.head.format = KVM_STATE_NESTED_FORMAT_VMX);
	REFUSED("an unknown flag", bad.head.flags |= 0x8000);
	REFUSED("a VMCB that is not aligned", bad.head.hdr.svm.vmcb_pa |= 0x10);
	REFUSED("one beyond the width", bad.head.hdr.svm.vmcb_pa = 1ull << 52);
	REFUSED("a size without VMCB", bad.head.size = sizeof(bad.head));
	REFUSED("no ASID", memset(bad.room + 0x58, 0, 4));
	REFUSED("no intercept of VMRUN", bad.room[0x10] &= ~1);
	REFUSED("L1 without paging", bad.room[0x400 + 0x158 + 3] &= 0x7f);
#undef REFUSED
	host_check(vm, !try_set(vcpu, &good), "what was read is taken back");
}

static uint64_t call(struct vcpu *vcpu, const uint64_t *args)
{
	switch (args[1]) {
	case MOVE:
		move(vcpu->vm);
		break;
	case MOVES:
		if (!args[2])
			random_moves(vcpu);
		break;
	case INSPECT:
		inspect(vcpu, args[2]);
		break;
	}
	vcpu->run->immediate_exit = 0;
	return 0;
}

static void before(struct vm *vm)
{
	(void)vm;
	moved = 0;
	moved_in_l2 = 0;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = before, .call = call },
	{ 0 }
};
#endif
