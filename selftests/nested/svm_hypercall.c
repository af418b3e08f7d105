// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCALL in an L2 on an AMD CPU: undefined there, so that L1 has the #UD it asked
 * for; else the hypervisor below puts VMMCALL in its place, which L1 has.
 * KVM_X86_QUIRK_FIX_HYPERCALL_INSN in Documentation/virt/kvm/api.rst of Linux.
 */
#ifdef GUEST
#include "svm.h"

#define QUIRK	"KVM_X86_QUIRK_FIX_HYPERCALL_INSN"

struct l2_regs l2;

L2_CODE(calls, "vmcall; hlt");

static bool is_vmmcall(void)
{
	const u8 *at = (const u8 *)calls;

	return at[0] == 0x0f && at[1] == 0x01 && at[2] == 0xd9;
}

GUEST_CASE(to_l1, QUIRK, .flags = CASE_SVM)
{
	vmcb_init(calls);
	want(I_VMMCALL);
	run_to(EXIT_VMMCALL, "VMCALL of L2");
	check(VMCB->rip == (u64)calls, "at the instruction (%lx)", VMCB->rip);
	check(is_vmmcall(), "which is VMMCALL now");
}

GUEST_CASE(undefined, "APM3 \"VMMCALL\"", .flags = CASE_SVM)
{
	vmcb_init(calls);
	want(I_VMMCALL);
	VMCB->icpt[2] |= 1u << VEC_UD;
	run_to(EXIT_EXCP + VEC_UD, "an L1 that wants #UD");
	check(VMCB->rip == (u64)calls, "at the instruction (%lx)", VMCB->rip);
	check(!is_vmmcall(), "which is what it was");
}

static void step(struct frame *frame)
{
	frame->rip += 3;
}

GUEST_CASE(nobody, "APM3 \"VMMCALL\"", .flags = CASE_SVM)
{
	vmcb_init(calls);
	want(I_HLT);
	irq_eoi = false;
	trap_hook[VEC_UD] = step;
	run_to(EXIT_VMHLT, "L2 whose L1 wants neither");
	check(VMCB->rip == (u64)calls + 3, "had #UD and went on (%lx)", VMCB->rip);
}

GUEST_CASE(without_quirk, QUIRK, .flags = CASE_SVM)
{
	vmcb_init(calls);
	want(I_VMMCALL);
	want(I_HLT);
	irq_eoi = false;
	trap_hook[VEC_UD] = step;
	run_to(EXIT_VMHLT, "L2 whose hypervisor below changes no code");
	check(!is_vmmcall(), "has its own instruction");
}
#else
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "guest_test.h"

static void no_quirk(struct vm *vm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_DISABLE_QUIRKS2, .args = { KVM_X86_QUIRK_FIX_HYPERCALL_INSN },
	};

	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		vm_give_up("KVM_CAP_DISABLE_QUIRKS2");
}

const struct host_hook host_hooks[] = {
	{ .name = "without_quirk", .before = no_quirk },
	{ 0 }
};
#endif
