// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1 has its VMCS in memory whose layout it knows: Hyper-V's enlightened VMCS.
 * TLFS "Nested Virtualization".
 */
#define MOVE		1	/* call_host(): go on elsewhere; a: an enlightened VMCS is active */
#define ASSIST		2	/* the VP assist page is at a, as if the guest had put it there */

#ifdef GUEST
#include "evmcs.h"

#define EVMCS	"TLFS \"Enlightened VMCS\""
#define CLEAN	"TLFS \"Clean Fields\""
#define BITMAP	"TLFS \"Enlightened MSR Bitmap\""
#define STATE	"KVM API, KVM_GET_NESTED_STATE"
#define FLAGS	.flags = CASE_VMX | CASE_HYPERV

#define NO_MEMORY	0xdead0000ul
#define MSR_VMX_FUNCTIONS	0x491

#define L2_CODE(name, body)						\
	void name(void);						\
	asm(".globl " #name "\n" #name ":\n\t" body "\n\tvmcall\n\tud2\n")

L2_CODE(l2_cpuid, "cpuid; vmcall; 1: rdtsc; vmcall; jmp 1b");
L2_CODE(l2_rdmsr, "1: movl $0xc0000100, %ecx; rdmsr; movl $0xc0000101, %ecx; rdmsr; vmcall;"
		  "jmp 1b");
/* The guest and the host have the same memory. */
L2_CODE(l2_writes, "movq evmcs_at, %rax; movq $0, 80(%rax); movq $0, 616(%rax);"
		   "movl $0, 92(%rax); movq $0, 816(%rax)");
L2_CODE(l2_loses, "movl $2, %eax; outb %al, $0xec; cpuid");
L2_CODE(l2_moves, "movl $1, %eax; outb %al, $0xec; cpuid; outb %al, $0xec; vmcall; jmp l2_moves");

static void intercept(u32 msr, bool on)
{
	u8 *byte = (u8 *)MSR_BITMAP_PAGE + 0x400 + (msr & 0x1fff) / 8;

	*byte &= ~(1u << msr % 8);
	*byte |= (u32)on << msr % 8;
	barrier();
}

/* VMLAUNCH whose fault is what is asked. */
static u64 launch_fault(void)
{
	return PROBE("vmlaunch", : : : "memory", "cc");
}

GUEST_CASE(launch_and_exit, EVMCS, FLAGS)
{
	if (!evmcs_start(l2_cpuid))
		return;
	check(vmptrst() == VMCS_REGION, "an ordinary VMCS is current");
	l2_exits(R_CPUID, "L2 runs by what L1 wrote into memory");
	check(vmptrst() == ~0ul, "no ordinary VMCS is current any more");
	check(vmread(F_GUEST_RIP) == (u64)l2_cpuid, "its RIP is in memory");
	check(vmread(F_EXIT_INSN_LEN) == 2, "and the length of the instruction");
	check(vmread(F_GUEST_CR3) == READ_CR(3) && vmread(F_GUEST_CS_SEL) == SEL_CODE64 &&
	      vmread(F_GUEST_RSP) == L2_STACK_TOP - 8, "and its other registers");
	check(vmread(F_GUEST_RFLAGS) & 2 && vmread(F_GUEST_GS_BASE) == rdmsr(MSR_GS_BASE),
	      "of each part");
	check((*evmcs_word(EVMCS_CLEAN) & CLEAN_ALL) == CLEAN_ALL, "all fields are clean now");
	l2_skip();
	l2_exits(R_VMCALL, "L2 goes on");
	check(l2_go(true) == VMX_OK && vmread(F_EXIT_REASON) == R_VMCALL,
	      "and it has no launch state");
}

GUEST_CASE(late_failure, EVMCS, FLAGS)
{
	if (!evmcs_start(l2_cpuid))
		return;
	vmwrite(F_GUEST_RFLAGS, 0);
	check(l2_go(true) == VMX_OK, "an entry that fails late comes back as an exit");
	check(vmread(F_EXIT_REASON) == (REASON_ENTRY_FAILED | R_BAD_STATE), "with its reason");
	vmwrite(F_GUEST_RFLAGS, 2);
	l2_exits(R_CPUID, "the next does not");
}

GUEST_CASE(clean_fields, CLEAN, FLAGS)
{
	if (!evmcs_start(l2_cpuid))
		return;
	l2_exits(R_CPUID, "L2 exits");
	l2_skip();
	l2_exits(R_VMCALL, "twice");
	l2_skip();
	poke(F_PROC, vmread(F_PROC) | PROC_RDTSC);
	l2_exits(R_VMCALL, "a control that L1 says is as it was");
	poke(F_GUEST_RIP, vmread(F_GUEST_RIP) + 3);
	*evmcs_word(EVMCS_CLEAN) &= ~(u32)CLEAN_CONTROL_PROC;
	l2_exits(R_RDTSC, "and one that it says is not; RIP is read in any case");
	poke(F_PROC, vmread(F_PROC) & ~PROC_RDTSC);
	check(l2_go(true) == VMX_OK && vmread(F_EXIT_REASON) == R_VMCALL,
	      "VMLAUNCH reads all of it");
	l2_skip();
	poke(F_PROC, vmread(F_PROC) | PROC_RDTSC);
	memcpy((void *)OTHER_EVMCS, (void *)EVMCS_PAGE, PAGE_SIZE);
	evmcs_at = OTHER_EVMCS;
	assist_set(OTHER_EVMCS, true);
	l2_exits(R_RDTSC, "and so does the entry of another");
	poke(F_PROC, vmread(F_PROC) & ~PROC_RDTSC);
	check(vmclear(OTHER_EVMCS) == VMX_OK, "VMCLEAR");
	l2_exits(R_VMCALL, "and the first one behind VMCLEAR");
}

GUEST_CASE(read_once, EVMCS, FLAGS)
{
	if (!evmcs_start(l2_writes))
		return;
	l2_exits(R_VMCALL, "L2 has written over L1's VMCS");
	check(vmread(F_GUEST_RIP) > (u64)l2_writes, "its RIP is in memory");
	check(!vmread(F_HOST_RIP), "what L2 wrote is there");
}

GUEST_CASE(instructions, EVMCS, FLAGS)
{
	u64 val = 0, place;

	if (!evmcs_start(l2_cpuid))
		return;
	l2_exits(R_CPUID, "an enlightened VMCS is active");
	check(vmread_flags(F_EXIT_REASON, &val) == VMX_OK && val == R_CPUID, "VMREAD reads it");
	poke(F_CR0_SHADOW, 0x123456789abcul);
	check(vmread_flags(F_CR0_SHADOW, &val) == VMX_OK && val == 0x123456789abcul,
	      "what L1 wrote, too");
	check(vmread_flags(F_TSC_OFFSET + 1, &val) == VMX_OK && !val, "and the high half");
	check(vmread_flags(F_APIC_ACCESS, &val) == VMX_VALID, "not a field that it has not");
	check(vmread(F_INSN_ERROR) == E_FIELD, "whose error is in memory");
	check(vmwrite_insn(F_GUEST_RIP, 0) == VMX_INVALID, "VMWRITE has no VMCS");
	check(vmread(F_GUEST_RIP) == (u64)l2_cpuid, "and writes none");
	place = *(volatile u64 *)(EVMCS_PAGE + 8);
	check(vmclear(EVMCS_PAGE) == VMX_OK, "VMCLEAR of it");
	check(*(volatile u64 *)(EVMCS_PAGE + 8) == place, "writes nothing");
	check(vmread_flags(F_EXIT_REASON, &val) == VMX_INVALID, "it is not active any more");
	l2_skip();
	l2_exits(R_VMCALL, "until it is used again");
	check(vmptrld(VMCS_REGION) == VMX_OK && vmptrst() == VMCS_REGION,
	      "VMPTRLD makes another one current");
	check(vmwrite_insn(F_CR3_TARGET0, 0x77) == VMX_OK, "which VMWRITE means then");
	check(vmread_flags(F_CR3_TARGET0, &val) == VMX_OK && val == 0x77, "and VMREAD");
	l2_skip();
	l2_exits(R_VMCALL, "the entry goes by the assist page");
	vmptrld(VMCS_REGION);
	check(vmread_flags(F_CR3_TARGET0, &val) == VMX_OK && val == 0x77,
	      "and has written the other one back");
}

GUEST_CASE(bad_pages, EVMCS, FLAGS)
{
	if (!evmcs_start(l2_cpuid))
		return;
	*evmcs_word(0) = 2;
	check(l2_go(true) == VMX_INVALID, "another version");
	*evmcs_word(0) = (u32)rdmsr(MSR_VMX_BASIC);
	l2_exits(R_CPUID, "the revision of VMCSs, as Hyper-V has it there");
	*evmcs_word(0) = EVMCS_VERSION;
	assist_set(NO_MEMORY, true);
	check(launch_fault() == VEC_UD, "no memory is there");
	assist_set(EVMCS_PAGE + 8, true);
	check(launch_fault() == VEC_UD, "no page begins there");
	assist_set(1ul << 52, true);
	check(launch_fault() == VEC_UD, "no address is there");
	assist_set(EVMCS_PAGE, false);
	check(l2_go(true) == VMX_INVALID, "L1 wants ordinary ones, and has none");
	assist_set(EVMCS_PAGE, true);
	wrmsr(MSR_HV_ASSIST, 0);
	check(l2_go(true) == VMX_INVALID, "without an assist page");
	call_host(ASSIST, NO_MEMORY, 0, 0);
	check(l2_go(true) == VMX_INVALID, "with one that is not in memory");
	wrmsr(MSR_HV_ASSIST, ASSIST_PAGE | HV_ASSIST_ON);
	check(l2_go(true) == VMX_OK, "with the right one it works");
}

GUEST_CASE(capabilities, EVMCS, FLAGS)
{
	u32 regs[4];

	cpuid(0x4000000a, 0, regs);
	check((regs[0] & 0xffff) == 0x101, "CPUID tells the version: %x", regs[0]);
	check(regs[0] & 1u << 19, "and the enlightened MSR bitmap");
	if (!evmcs_start(l2_cpuid))
		return;
	check(!(rdmsr(MSR_VMX_TRUE_PIN) >> 32 & (PIN_TIMER | PIN_POSTED)),
	      "no preemption timer, no posted interrupts");
	check(!(rdmsr(MSR_VMX_PROC2) >> 32 &
		(PROC2_APIC_ACCESS | PROC2_APIC_REGS | PROC2_VIRQ | PROC2_VMFUNC | PROC2_SHADOW |
		 PROC2_PML | PROC2_TSC_SCALING)), "nor what else has no field");
	check((rdmsr(MSR_VMX_PROC2) >> 32 & (PROC2_EPT | PROC2_VPID)) == (PROC2_EPT | PROC2_VPID),
	      "but EPT and VPIDs");
	check(!(rdmsr(MSR_VMX_TRUE_EXIT) >> 32 & EXIT_SAVE_TIMER) && !rdmsr(MSR_VMX_FUNCTIONS),
	      "in the other MSRs neither");
	vmwrite(F_PIN, vmread(F_PIN) | PIN_TIMER);
	check(l2_go(true) == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS,
	      "an entry with one of them fails");
	vmwrite(F_PIN, vmread(F_PIN) & ~PIN_TIMER);
	vmwrite(F_PROC, vmread(F_PROC) | PROC_SECONDARY);
	vmwrite(F_PROC2, PROC2_TSC_SCALING);
	check(l2_go(true) == VMX_VALID && vmread(F_INSN_ERROR) == E_CONTROLS, "with another, too");
	vmwrite(F_PROC2, 0);
	l2_exits(R_CPUID, "without them it does not");
}

GUEST_CASE(ept, EVMCS, FLAGS)
{
	u64 eptp = ept_make();

	if (!evmcs_start(l2_cpuid))
		return;
	vmwrite(F_EPTP, eptp);
	vmwrite(F_VPID, 1);
	proc2_set(PROC2_EPT | PROC2_VPID);
	l2_exits(R_CPUID, "L2 runs by an EPT");
	/* Its own page tables are there, too, and are looked at first. */
	*ept_entry_2m((u64)l2_cpuid) = 0;
	invept(2, 0, 0);
	l2_exits(R_EPT_VIOLATION, "and is told of its holes");
	check(vmread(F_GUEST_PHYSICAL) >> 12 == READ_CR(3) >> 12, "with the address: %lx",
	      vmread(F_GUEST_PHYSICAL));
}

GUEST_CASE(msr_bitmap, BITMAP, FLAGS)
{
	memset((void *)MSR_BITMAP_PAGE, 0, PAGE_SIZE);
	if (!evmcs_start(l2_rdmsr))
		return;
	vmwrite(F_MSR_BITMAP, MSR_BITMAP_PAGE);
	vmwrite(F_PROC, vmread(F_PROC) | PROC_MSR_BITMAPS);
	intercept(MSR_FS_BASE, true);
	l2_exits(R_RDMSR, "L2 exits by the bitmap");
	l2_skip();
	l2_exits(R_VMCALL, "not for the other MSR");
	l2_skip();
	intercept(MSR_FS_BASE, false);
	intercept(MSR_GS_BASE, true);
	l2_exits(R_RDMSR, "whose change is seen");
	check(l2.rcx == MSR_GS_BASE, "of that: %lx", l2.rcx);
	*evmcs_word(EVMCS_ENLIGHTENMENTS) = ENLIGHTENED_MSR_BITMAP;
	l2_skip();
	l2_exits(R_VMCALL, "enlightened");
	l2_skip();
	intercept(MSR_FS_BASE, true);
	l2_exits(R_RDMSR, "the bitmap is what it was");
	check(l2.rcx == MSR_GS_BASE, "while L1 says so: %lx", l2.rcx);
	l2_skip();
	l2_exits(R_VMCALL, "at each entry");
	l2_skip();
	*evmcs_word(EVMCS_CLEAN) &= ~(u32)CLEAN_MSR_BITMAP;
	l2_exits(R_RDMSR, "until it says otherwise");
	check(l2.rcx == MSR_FS_BASE, "for the first MSR: %lx", l2.rcx);
	intercept(MSR_GS_BASE, false);
	*evmcs_word(EVMCS_ENLIGHTENMENTS) = 0;
	l2_skip();
	l2_exits(R_VMCALL, "and without the enlightenment all is as before");
}

static void move(bool active)
{
	call_host(MOVE, active, 0, 0);
}

GUEST_CASE(moves_in_l1, STATE, FLAGS)
{
	u64 val = 0;

	if (!evmcs_start(l2_cpuid))
		return;
	move(false);
	l2_exits(R_CPUID, "before L2 has run");
	l2_skip();
	vmwrite(F_CR0_SHADOW, 0x55);
	move(true);
	check(vmread_flags(F_EXIT_REASON, &val) == VMX_OK && val == R_CPUID, "it is active there");
	check(vmread(F_CR0_SHADOW) == 0x55, "L1's changes are in memory");
	l2_exits(R_VMCALL, "L2 goes on");
	memcpy((void *)OTHER_EVMCS, (void *)EVMCS_PAGE, PAGE_SIZE);
	evmcs_at = OTHER_EVMCS;
	assist_set(OTHER_EVMCS, true);
	l2_skip();
	vmwrite(F_CR0_SHADOW, 0x77);
	move(false);
	check(vmread(F_CR0_SHADOW) == 0x77, "what L1 prepares is left alone");
	l2_exits(R_VMCALL, "and L2 goes on by it");
}

GUEST_CASE(moves_in_l2, STATE, FLAGS)
{
	if (!evmcs_start(l2_moves))
		return;
	l2_exits(R_CPUID, "L2 goes on in the other machine");
	check(vmread(F_EXIT_INSN_LEN) == 2 && vmread(F_GUEST_CR3) == READ_CR(3),
	      "and exits to the same memory");
	check(l2.rax == 1, "with its registers: %lx", l2.rax);
	poke(F_PROC, vmread(F_PROC) | PROC_IO);
	l2_skip();
	l2_exits(R_VMCALL, "clean fields still are, after another move");
	vmwrite(F_PROC, vmread(F_PROC));
	l2_skip();
	l2_exits(R_IO, "the others are read");
}

GUEST_CASE(assist_page_lost, STATE, FLAGS)
{
	if (!evmcs_start(l2_loses))
		return;
	l2_exits(R_CPUID, "L2 goes on when the page is there");
	check(vmread(F_EXIT_INSN_LEN) == 2, "and exits into it");
}

GUEST_CASE(ioctls, STATE, FLAGS)
{
	check(true, "the host half has asked");
}

#else /* host half */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "guest_test.h"
#include "migrate.h"

#define PORT_MOVE	0xec	/* from L2; AL is 2: and there L1's VP assist page is missing */
#define MSR_ASSIST	0x40000073

static void inspect(struct vm *vm, bool active)
{
	struct nested_state s;

	vcpu_nested_state(&vm->vcpu[0], &s);
	host_check(vm, !!(s.head.flags & KVM_STATE_NESTED_EVMCS) == active,
		   "the state tells of an enlightened VMCS (flags %#x)", s.head.flags);
	host_check(vm, s.head.size == sizeof(s.head) + (active ? 0x1000 : 0) ||
		   s.head.hdr.vmx.vmcs12_pa != ~0ull, "and is as large as that (%u)",
		   s.head.size);
}

static uint64_t on_call(struct vcpu *vcpu, const uint64_t *args)
{
	/* The memory moves, too. */
	bool active = args[1];

	if (args[0] == ASSIST) {
		vcpu_set_msr(vcpu, MSR_ASSIST, args[1] | 1);
		return 0;
	}
	inspect(vcpu->vm, active);
	vm_migrate(vcpu->vm);
	/* Twice: nothing has run between, and it is all still there. */
	inspect(vcpu->vm, active);
	vm_migrate(vcpu->vm);
	return 0;
}

/* L2 could never exit: KVM_RUN says so, and is asked again. */
static void run_without_page(struct vcpu *vcpu)
{
	uint64_t page = vcpu_msr(vcpu, MSR_ASSIST);

	vcpu_set_msr(vcpu, MSR_ASSIST, 0);
	vcpu->run->immediate_exit = 0;
	host_check(vcpu->vm, !vcpu_run(vcpu) &&
		   vcpu->run->exit_reason == KVM_EXIT_INTERNAL_ERROR,
		   "KVM_RUN without the page: %s", vm_exit_name(vcpu->run->exit_reason));
	vcpu_set_msr(vcpu, MSR_ASSIST, page);
	inspect(vcpu->vm, true);
}

static bool on_exit_of(struct vcpu *vcpu)
{
	bool lost;

	if (vcpu->run->exit_reason != KVM_EXIT_IO || vcpu->run->io.port != PORT_MOVE)
		return false;
	lost = *(uint8_t *)vcpu_io_data(vcpu) == 2;
	inspect(vcpu->vm, true);
	vm_migrate(vcpu->vm);
	if (lost)
		run_without_page(vcpu);
	return true;
}

static int try_state(int fd, struct nested_state *s)
{
	return ioctl(fd, KVM_SET_NESTED_STATE, s) ? -errno : 0;
}

static void check_states(struct vm *vm, int fd, bool enabled)
{
	const int but = enabled ? 0 : -EINVAL;
	struct nested_state s = { .head = {
		.size = sizeof(s.head), .flags = KVM_STATE_NESTED_EVMCS,
		.hdr.vmx = { .vmxon_pa = ~0ull, .vmcs12_pa = ~0ull },
	} };
	const uint32_t revision = 0x11e57ed0;

	host_check(vm, try_state(fd, &s) == but, "SET_NESTED_STATE: VMX off");
	s.head.hdr.vmx.smm.flags = KVM_STATE_NESTED_SMM_VMXON;
	host_check(vm, try_state(fd, &s) == -EINVAL, "that, and on in SMM");
	s.head.hdr.vmx.smm.flags = 0;
	s.head.hdr.vmx.vmxon_pa = 0x1000;
	host_check(vm, try_state(fd, &s) == -EINVAL, "no room for the VMCS");
	s.head.size += 0x1000;
	host_check(vm, try_state(fd, &s) == -EINVAL, "no VMCS of a version that we know");
	memcpy(s.room, &revision, sizeof(revision));
	host_check(vm, try_state(fd, &s) == but, "a whole one");
	s.head.flags = 0;
	host_check(vm, try_state(fd, &s) == -EINVAL, "a VMCS of no kind");
}

static void ask(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HYPERV_ENLIGHTENED_VMCS };
	struct vcpu *vcpu = &vm->vcpu[0];
	uint16_t versions = 0;
	struct vm other;

	host_check(vm, vm_check_extension(KVM_CAP_HYPERV_ENLIGHTENED_VMCS) == 1,
		   "the capability is there");
	vm_create(&other, CASE_VMX, 1);
	check_states(vm, other.vcpu[0].fd, false);
	cap.args[0] = 16;
	host_check(vm, ioctl(other.vcpu[0].fd, KVM_ENABLE_CAP, &cap) && errno == EFAULT,
		   "ENABLE_CAP: a bad pointer");
	cap.args[0] = (uintptr_t)&versions;
	host_check(vm, !ioctl(other.vcpu[0].fd, KVM_ENABLE_CAP, &cap) && versions == 0x101,
		   "ENABLE_CAP tells the versions: %#x", versions);
	cap.flags = 1;
	host_check(vm, ioctl(other.vcpu[0].fd, KVM_ENABLE_CAP, &cap) && errno == EINVAL,
		   "ENABLE_CAP: a flag");
	check_states(vm, other.vcpu[0].fd, true);
	vm_destroy(&other);
	check_states(vm, vcpu->fd, true);
	inspect(vm, true);
	/* The guest's CPU has not been told of an assist page: L1 just runs. */
}

const struct host_hook host_hooks[] = {
	{ .name = "ioctls", .before = ask },
	{ .name = HOOK_ANY, .exit = on_exit_of, .call = on_call }, { 0 }
};
#endif /* GUEST */
