// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCALL and VMMCALL: a guest that knows that it is one asks for a service.
 * Numbers and arguments: Linux "Linux KVM Hypercall".
 */
#include "nestor.h"
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <asm/apicdef.h>
#include "core.h"
#include "guestmem.h"
#include "hyperv/hyperv.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "nested/nested.h"

/* One instruction for each vendor; both have the same length. */
static const u8 vmcall[NST_HYPERCALL_LEN] = { 0x0f, 0x01, 0xc1 };
static const u8 vmmcall[NST_HYPERCALL_LEN] = { 0x0f, 0x01, 0xd9 };

/**
 * nst_hypercall_insn() - the instruction that is a hypercall on this CPU
 *
 * Return: NST_HYPERCALL_LEN bytes.
 */
const u8 *nst_hypercall_insn(void)
{
	return nst_backend == &svm_backend ? vmmcall : vmcall;
}

static u64 call_arg(struct nst_vcpu *vcpu, enum nst_gpr reg)
{
	u64 val = vcpu->st.gpr[reg];

	return nst_code64(vcpu) ? val : (u32)val;
}

/* KVM_HC_KICK_CPU: the CPU with an APIC id leaves its halt, or skips the next. */
static u64 kick_cpu(struct nst_vcpu *vcpu)
{
	struct nst_vcpu *target = nst_vcpu_by_id(vcpu->vm, call_arg(vcpu, NST_RCX));

	if (!target)
		return 0;
	WRITE_ONCE(target->pv_kicked, true);
	/* The kick has the barrier that orders it after the flag. */
	nst_kick(target);
	return 0;
}

/**
 * nst_yield_to() - give the rest of this thread's time to that of another vCPU
 * @target: not the caller's own
 *
 * Return: true when it got some.
 */
bool nst_yield_to(struct nst_vcpu *target)
{
	struct task_struct *task;
	bool yielded;

	rcu_read_lock();
	task = get_pid_task(rcu_dereference(target->pid), PIDTYPE_PID);
	rcu_read_unlock();
	if (!task)
		return false;
	yielded = yield_to(task, 1) > 0;
	put_task_struct(task);
	return yielded;
}

/* KVM_HC_SCHED_YIELD: give the rest of the time to a CPU that holds a lock. */
static u64 sched_yield_to(struct nst_vcpu *vcpu)
{
	struct nst_vcpu *target = nst_vcpu_by_id(vcpu->vm, call_arg(vcpu, NST_RBX));

	if (target && target != vcpu)
		nst_yield_to(target);
	return 0;
}

/* KVM_HC_SEND_IPI: one message to each APIC id whose bit is set; how many took it. */
static u64 send_ipis(struct nst_vcpu *vcpu)
{
	bool wide = nst_code64(vcpu);
	unsigned long map[2] = { call_arg(vcpu, NST_RBX), call_arg(vcpu, NST_RCX) };
	unsigned int word = wide ? 64 : 32, bit;
	u64 first = call_arg(vcpu, NST_RDX), icr = call_arg(vcpu, NST_RSI);
	u64 sent = 0;

	if (!vcpu->lapic || (icr & ~(u64)(APIC_VECTOR_MASK | APIC_DM_FIXED_MASK)))
		return -KVM_EINVAL;
	for (unsigned int i = 0; i < ARRAY_SIZE(map); i++)
		for_each_set_bit(bit, &map[i], word)
			sent += nst_lapic_pv_ipi(vcpu, icr, first + i * word + bit);
	return sent;
}

static const struct {
	u8 nr;
	u8 feature;	/* of the guest's CPUID that makes it exist */
	u64 (*call)(struct nst_vcpu *vcpu);
} calls[] = {
	{ KVM_HC_KICK_CPU, KVM_FEATURE_PV_UNHALT, kick_cpu },
	{ KVM_HC_SEND_IPI, KVM_FEATURE_PV_SEND_IPI, send_ipis },
	{ KVM_HC_SCHED_YIELD, KVM_FEATURE_PV_SCHED_YIELD, sched_yield_to },
};

static u64 do_call(struct nst_vcpu *vcpu, u64 nr)
{
	if (nst_cpl(vcpu))
		return -KVM_EPERM;
	if (nr == KVM_HC_VAPIC_POLL_IRQ)
		return 0;
	for (int i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].nr == nr && (vcpu->pv_features & BIT(calls[i].feature)))
			return calls[i].call(vcpu);
	return -KVM_ENOSYS;
}

/* Physical address of the instruction, which must lie in one page of memory. */
static bool locate(struct nst_vcpu *vcpu, u8 access, nst_gpa_t *gpa)
{
	struct nst_walk_fault fault;
	u64 lin = vcpu->st.rip;

	nst_pull(vcpu, NST_STATE_SEG);
	if (!nst_code64(vcpu))
		lin = (u32)(lin + vcpu->st.seg[NST_CS].base);
	if (offset_in_page(lin) > PAGE_SIZE - NST_HYPERCALL_LEN)
		return false;
	return !nst_mmu_translate(vcpu, lin, access, gpa, &fault);
}

/**
 * nst_fix_hypercall() - put this CPU's hypercall instruction in place of the other's
 * @vcpu: loaded vCPU that exited with #UD; srcu held
 *
 * A guest that was saved on another vendor's CPU has the other one.  To kernel
 * code alone, and only where that may write.  L2's goes to L1 by that.
 *
 * Return: true when the guest shall try again.
 */
bool nst_fix_hypercall(struct nst_vcpu *vcpu)
{
	const struct nst_isa *isa = nst_isa(vcpu);
	bool amd = isa ? isa == &nsvm_isa : nst_backend == &svm_backend;
	const u8 *ours = amd ? vmmcall : vmcall, *other = amd ? vmcall : vmmcall;
	u8 bytes[NST_HYPERCALL_LEN];
	nst_gpa_t gpa;

	if (!nst_quirk(vcpu->vm, KVM_X86_QUIRK_FIX_HYPERCALL_INSN) || nst_cpl(vcpu))
		return false;
	if (!locate(vcpu, NST_ACCESS_X, &gpa) ||
	    nst_read_gpa(vcpu->vm, gpa, bytes, sizeof(bytes)) ||
	    memcmp(bytes, other, sizeof(bytes)))
		return false;
	return locate(vcpu, NST_ACCESS_W, &gpa) &&
	       !nst_write_gpa(vcpu->vm, gpa, ours, NST_HYPERCALL_LEN);
}

/*
 * L1 did not want it: it is the other vendor's instruction, or one of SVM that
 * is #UD unless intercepted (APM3 "VMMCALL").  L2 has nothing to ask us.
 */
static enum nst_next undefined_in_l2(struct nst_vcpu *vcpu)
{
	const struct nst_exit ud = {
		.kind = NST_EXIT_EXCEPTION, .exception.vector = X86_TRAP_UD,
	};

	if (!nst_nested_intercept(vcpu, &ud) && !nst_fix_hypercall(vcpu))
		nst_raise(vcpu, X86_TRAP_UD);
	return NST_ENTER;
}

/**
 * nst_exit_hypercall() - VMCALL or VMMCALL
 * @vcpu: loaded vCPU
 *
 * Return: NST_ENTER, or NST_USER.
 */
enum nst_next nst_exit_hypercall(struct nst_vcpu *vcpu)
{
	u64 ret;

	if (nst_in_l2(vcpu))
		return undefined_in_l2(vcpu);
	if (nst_hv_has_calls(vcpu))
		return nst_hv_hypercall(vcpu);
	ret = do_call(vcpu, call_arg(vcpu, NST_RAX));
	if (!nst_code64(vcpu))
		ret = (u32)ret;
	vcpu->st.gpr[NST_RAX] = ret;
	vcpu->dirty |= NST_STATE_GPR;
	return nst_skip_insn(vcpu);
}
