// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine whose CPU is in VMX operation, in L1 or in L2, is saved and goes on
 * in another one: KVM_GET_NESTED_STATE and KVM_SET_NESTED_STATE with all the
 * rest of a vCPU's state.
 */
#define PORT_MOVE	0xec	/* any write: the host moves the machine */

#ifdef GUEST
#include "vmx_l1.h"

#define API	"KVM API, KVM_GET_NESTED_STATE"
#define COOKIE	0x1122334455667788ul
#define VECTOR	0x51

static void move(void)
{
	outb(PORT_MOVE, 0);
}

/* L2 code in one piece of assembly: what a compiler adds would be in the way. */
#define L2_CODE(name, body)						\
	void name(void);						\
	asm(".globl " #name "\n" #name ":\n\t" body "\n\tvmcall\n\tud2\n")

L2_CODE(l2_moves, "outb %al, $0xec; incq %rbx");
L2_CODE(l2_moves_and_spins, "outb %al, $0xec; 1: incq %rbx; jmp 1b");
L2_CODE(l2_moves_twice, "outb %al, $0xec; cpuid; outb %al, $0xec; incq %rbx");

static bool start(void (*code)(void))
{
	if (!vmx_start())
		return false;
	vmcs_make(code);
	l2.rbx = COOKIE;
	return true;
}

static void arrives(void)
{
	l2_exits(R_VMCALL, "L2 goes on in the other machine");
	check(l2.rbx == COOKIE + 1, "with its registers");
	check(vmread(F_GUEST_CR3) == READ_CR(3), "its CR3 is saved");
	check(vmptrst() == VMCS_REGION, "L1 has its current VMCS");
	vmwrite(F_GUEST_RIP, (u64)l2_moves);
	l2_exits(R_VMCALL, "and once more");
}

GUEST_CASE(without_vmx, API, .flags = CASE_VMX)
{
	move();
	check(!(READ_CR(4) & CR4_VMXE), "no VMX operation");
	start(l2_moves);
	l2_exits(R_VMCALL, "L1 can begin it");
}

GUEST_CASE(no_current_vmcs, API, .flags = CASE_VMX)
{
	if (!vmx_start())
		return;
	move();
	check(vmptrst() == ~0ul, "no current VMCS");
	check(vmwrite(F_GUEST_RIP, 0) == VMX_INVALID, "VMWRITE says so");
	check(vmxon(VMXON_REGION) == VMX_INVALID, "still in VMX operation");
	vmcs_make(l2_moves);
	l2_exits(R_VMCALL, "L2 runs");
}

GUEST_CASE(in_l1, API, .flags = CASE_VMX)
{
	if (!start(l2_moves))
		return;
	vmwrite(F_CR3_TARGET0, COOKIE);
	move();
	check(vmread(F_CR3_TARGET0) == COOKIE, "the current VMCS moves along");
	arrives();
	move();
	check(l2_go(true) == VMX_VALID, "it is launched");
	vmclear(VMCS_REGION);
	vmptrld(VMCS_REGION);
	check(vmread(F_CR3_TARGET0) == COOKIE, "VMCLEAR writes it to memory");
}

GUEST_CASE(in_l2, API, .flags = CASE_VMX)
{
	if (start(l2_moves))
		arrives();
}

GUEST_CASE(in_l2_with_ept, API, .flags = CASE_VMX)
{
	if (!start(l2_moves))
		return;
	vmwrite(F_EPTP, ept_make());
	vmwrite(F_VPID, 1);
	proc2_set(PROC2_EPT | PROC2_VPID);
	arrives();
}

GUEST_CASE(l1s_wishes, API, .flags = CASE_VMX)
{
	if (!start(l2_moves_twice))
		return;
	vmwrite(F_CR0_MASK, CR0_WP);
	l2_exits(R_CPUID, "L2 exits to L1 in the other machine");
	l2_skip();
	proc_set(PROC_IO);
	l2_exits(R_IO, "and L1's next wish is heard");
}

GUEST_CASE(timer_runs_on, API, .flags = CASE_VMX)
{
	if (!start(l2_moves_and_spins))
		return;
	vmwrite(F_PIN, vmread(F_PIN) | PIN_TIMER);
	vmwrite(F_TIMER, 0x40000);
	l2_exits(R_TIMER, "the preemption timer ends L2 in the other machine");
}

#else /* host half */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_test.h"

#define MAX_MSRS	1024
#define NESTED_ROOM	16384

/* Everything that a vCPU is. */
struct state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
	struct kvm_xcrs xcrs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debug;
	struct kvm_mp_state mp;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[MAX_MSRS];
	} msrs;
	union {
		struct kvm_nested_state nested;
		unsigned char room[NESTED_ROOM];
	};
};

static void get_msrs(struct vcpu *vcpu, struct state *s)
{
	struct {
		struct kvm_msr_list head;
		uint32_t indices[MAX_MSRS];
	} list = { .head.nmsrs = MAX_MSRS };
	uint32_t i;

	vm_ioctl(vm_open_device(), KVM_GET_MSR_INDEX_LIST, &list, "GET_MSR_INDEX_LIST");
	s->msrs.head.nmsrs = 0;
	for (i = 0; i < list.head.nmsrs; i++) {
		struct {
			struct kvm_msrs head;
			struct kvm_msr_entry entry;
		} one = { .head.nmsrs = 1, .entry.index = list.indices[i] };

		/* The list is that of all guests; this one's CPU may lack some. */
		if (ioctl(vcpu->fd, KVM_GET_MSRS, &one) == 1)
			s->msrs.entries[s->msrs.head.nmsrs++] = one.entry;
	}
}

static void save(struct vcpu *vcpu, struct state *s)
{
	memset(s, 0, sizeof(*s));
	vcpu_regs(vcpu, &s->regs);
	vcpu_sregs(vcpu, &s->sregs);
	vm_ioctl(vcpu->fd, KVM_GET_FPU, &s->fpu, "GET_FPU");
	vm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &s->events, "GET_VCPU_EVENTS");
	vm_ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &s->debug, "GET_DEBUGREGS");
	vm_ioctl(vcpu->fd, KVM_GET_MP_STATE, &s->mp, "GET_MP_STATE");
	get_msrs(vcpu, s);
	s->nested.size = sizeof(s->room);
	vm_ioctl(vcpu->fd, KVM_GET_NESTED_STATE, &s->nested, "GET_NESTED_STATE");
}

static void set_msrs(struct vcpu *vcpu, struct state *s)
{
	uint32_t all = s->msrs.head.nmsrs;
	uint32_t set = vm_ioctl(vcpu->fd, KVM_SET_MSRS, &s->msrs, "SET_MSRS");

	host_check(vcpu->vm, set == all, "every MSR is set (%u of %u, next is %#x)", set, all,
		   set < all ? s->msrs.entries[set].index : 0);
}

/* Clients differ in whether the nested state comes before MSRs and registers or after. */
static void load(struct vcpu *vcpu, struct state *s, bool nested_last)
{
	vcpu_set_sregs(vcpu, &s->sregs);
	if (!nested_last)
		vm_ioctl(vcpu->fd, KVM_SET_NESTED_STATE, &s->nested, "SET_NESTED_STATE");
	set_msrs(vcpu, s);
	vm_ioctl(vcpu->fd, KVM_SET_FPU, &s->fpu, "SET_FPU");
	vm_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &s->events, "SET_VCPU_EVENTS");
	vm_ioctl(vcpu->fd, KVM_SET_MP_STATE, &s->mp, "SET_MP_STATE");
	vm_ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &s->debug, "SET_DEBUGREGS");
	vcpu_set_regs(vcpu, &s->regs);
	if (nested_last)
		vm_ioctl(vcpu->fd, KVM_SET_NESTED_STATE, &s->nested, "SET_NESTED_STATE");
}

static void same_state(struct vcpu *vcpu, const struct state *before, struct state *after)
{
	save(vcpu, after);
	host_check(vcpu->vm, before->nested.size == after->nested.size &&
		   !memcmp(&before->nested, &after->nested, before->nested.size),
		   "the other machine has the same nested state");
	host_check(vcpu->vm, !memcmp(&before->regs, &after->regs, sizeof(before->regs)) &&
		   !memcmp(&before->sregs, &after->sregs, sizeof(before->sregs)),
		   "and the same registers");
}

/* The thread of the vCPU goes on with files of another machine. */
static void move(struct vcpu *vcpu)
{
	static struct state before, after;
	static unsigned int moves;
	struct vm *vm = vcpu->vm, other;
	int size;

	/* The access of the exit is finished by the next entry, which shall not be. */
	vcpu->run->immediate_exit = 1;
	if (vcpu_run(vcpu) != -EINTR)
		vm_give_up("KVM_RUN with immediate_exit");
	save(vcpu, &before);
	vm_create(&other, vm->flags, 1);
	vm_slot(&other, 0, 0, 0, 0, other.mem);
	munmap(other.mem, GUEST_MEM_SIZE);
	vm_slot(&other, 0, 0, 0, GUEST_MEM_SIZE, vm->mem);
	size = vm_ioctl(vm_open_device(), KVM_GET_VCPU_MMAP_SIZE, NULL, "GET_VCPU_MMAP_SIZE");
	munmap(vcpu->run, size);
	close(vcpu->fd);
	close(vm->fd);
	vm->fd = other.fd;
	vcpu->fd = other.vcpu[0].fd;
	vcpu->run = other.vcpu[0].run;
	load(vcpu, &before, moves++ % 2);
	same_state(vcpu, &before, &after);
}

static bool on_exit_of(struct vcpu *vcpu)
{
	if (vcpu->run->exit_reason != KVM_EXIT_IO || vcpu->run->io.port != PORT_MOVE)
		return false;
	move(vcpu);
	return true;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .exit = on_exit_of }, { 0 }
};
#endif /* GUEST */
