// SPDX-License-Identifier: GPL-2.0-only
/*
 * One world switch: what must be right before VMLAUNCH or VMRESUME, and what
 * must be put right after it before anything else happens on the host.
 */
#include "nestor.h"
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/ptrace.h>
#include <asm/special_insns.h>
#include "compat.h"
#include "vmx.h"

static_assert(offsetof(struct vmx_switch, flags) == VMX_SWITCH_FLAGS);
static_assert(offsetof(struct vmx_switch, refused) == VMX_SWITCH_REFUSED);
static_assert(offsetof(struct vmx_switch, guest_spec) == VMX_SWITCH_GUEST_SPEC);
static_assert(offsetof(struct vmx_switch, host_spec) == VMX_SWITCH_HOST_SPEC);
static_assert(NST_RAX == 0 && NST_RCX == 1 && NST_RDX == 2 && NST_RBX == 3 && NST_RSP == 4);
static_assert(NST_RBP == 5 && NST_RSI == 6 && NST_RDI == 7 && NST_R8 == 8 && NST_R15 == 15);
static_assert(sizeof(((struct nst_state *)NULL)->gpr[0]) == VMX_GPR(1));

/* Host state that the kernel may change between any two entries. */
static void vmx_refresh_host(struct vmx_vcpu *vmx)
{
	struct vmx_host *host = &vmx->host;
	unsigned long cr3 = __read_cr3(), cr4 = __read_cr4();
	u16 ldt;

	if (cr3 != host->cr3) {
		vmcs_writel(HOST_CR3, cr3);
		host->cr3 = cr3;
	}
	if (cr4 != host->cr4) {
		vmcs_writel(HOST_CR4, cr4);
		host->cr4 = cr4;
	}
	/* An exit unloads it; another thread's modify_ldt() may have loaded it since. */
	asm volatile("sldt %0" : "=r" (ldt));
	if (ldt)
		host->ldt = ldt;
	/* perf switches branch tracing by IPI. */
	host->debugctl = get_debugctlmsr();
}

/*
 * SDM3 "Checks on Guest Non-Register State": in an interrupt shadow the pending
 * single-step trap must agree with RFLAGS.TF, and no shadow of STI is left once
 * RFLAGS.IF is clear.  A shadow that was there at the exit and is gone means
 * that the instruction was emulated, trap included.  What was pending when L2 was
 * left is not L1's, nor the other way round.
 */
static void vmx_sync_shadow(struct vmx_vcpu *vmx)
{
	struct nst_state *st = &vmx->vcpu->st;
	unsigned long pending;
	bool step;

	if (vmx->context != vmx->vcpu->l1) {
		vmx->context = vmx->vcpu->l1;
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	}
	if (st->sti_shadow && !(st->rflags & X86_EFLAGS_IF)) {
		st->sti_shadow = false;
		vmx_push(vmx->vcpu, NST_STATE_INTR);
	}
	if (st->sti_shadow || st->movss_shadow) {
		step = (st->rflags & X86_EFLAGS_TF) &&
		       !(vmcs_read64(GUEST_IA32_DEBUGCTL) & DEBUGCTLMSR_BTF);
		pending = vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS);
		if (step != !!(pending & DR_STEP))
			vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, pending ^ DR_STEP);
	} else if (vmx->had_shadow) {
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	}
}

static void vmx_prepare_spec_ctrl(struct vmx_vcpu *vmx)
{
	struct vmx_switch *sw = &vmx->sw;
	u64 guest = vmx->vcpu->st.spec_ctrl;

	if (!vmx_caps.spec_ctrl)
		return;
	sw->host_spec = this_cpu_read(x86_spec_ctrl_current);
	if (vmx->guest_spec_direct)
		sw->flags |= BIT(VMX_SWITCH_SPEC_SAVE);
	/* IBRS of old works from the write on: write it even if it is set. */
	if (vmx->guest_spec_direct || guest != sw->host_spec ||
	    boot_cpu_has(X86_FEATURE_KERNEL_IBRS))
		sw->flags |= BIT(VMX_SWITCH_SPEC_HOST);
	if (guest != sw->host_spec)
		wrmsrl(MSR_IA32_SPEC_CTRL, guest);
}

/*
 * DR6 is neither loaded nor saved by the hardware.  While MOV DR exits, the
 * guest cannot see the register, and each #DB exits with the bits to add.
 */
static bool vmx_dr6_live(const struct nst_vcpu *vcpu)
{
	return !(vcpu->ctl.traps & NST_TRAP_DR);
}

static void vmx_switch_world(struct vmx_vcpu *vmx)
{
	struct nst_state *st = &vmx->vcpu->st;
	bool dr6_live = vmx_dr6_live(vmx->vcpu);

	if (dr6_live)
		set_debugreg(st->dr6, 6);
	if (native_read_cr2() != st->cr2)
		native_write_cr2(st->cr2);
	vmx->sw.flags = vmx->launched ? BIT(VMX_SWITCH_LAUNCHED) : 0;
	vmx->sw.refused = 0;
	if (vmx_caps.flush_l1d)
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	else if (static_branch_unlikely(&mmio_stale_data_clear))
		x86_clear_cpu_buffers();
	vmx_prepare_spec_ctrl(vmx);

	vmx_switch(st->gpr, &vmx->sw, HOST_RSP);

	if (vmx->sw.flags & BIT(VMX_SWITCH_SPEC_SAVE))
		st->spec_ctrl = vmx->sw.guest_spec;
	st->cr2 = native_read_cr2();
	if (dr6_live)
		get_debugreg(st->dr6, 6);
	if (vmx->host.debugctl)
		update_debugctlmsr(vmx->host.debugctl);
	nst_compat_guest_ran();
	vmx->entered = true;
}

/* An exit because of an NMI has blocked NMIs, until the handler's IRET. */
static void vmx_deliver_host_nmi(void)
{
	asm volatile("int %0" : : "i" (X86_TRAP_NMI) : "memory");
}

/*
 * A machine check hit while the guest ran.  The frame says "user mode", so
 * that the handler may kill this thread instead of the whole machine.
 */
static void vmx_deliver_machine_check(void)
{
	struct pt_regs regs = {
		.cs = __USER_CS,
		.flags = X86_EFLAGS_IF,
	};

	do_machine_check(&regs);
}

static void vmx_deliver_host_events(u32 reason)
{
	u32 info;

	if (reason == (EXIT_REASON_MCE_DURING_VMENTRY | VMX_EXIT_REASONS_FAILED_VMENTRY)) {
		vmx_deliver_machine_check();
		return;
	}
	if (reason != EXIT_REASON_EXCEPTION_NMI)
		return;
	info = vmcs_read32(VM_EXIT_INTR_INFO);
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		vmx_deliver_host_nmi();
	else if ((info & INTR_INFO_VECTOR_MASK) == X86_TRAP_MC)
		vmx_deliver_machine_check();
}

static void vmx_entry_failed(struct vmx_vcpu *vmx, struct nst_exit *exit, u64 reason)
{
	exit->kind = NST_EXIT_ENTRY_FAILED;
	exit->raw_reason = reason;
	exit->entry_failed.hardware_reason = reason;
	vmx_note_not_injected(vmx->vcpu);
	if (vmx->dumped)
		return;
	vmx->dumped = true;
	pr_err_ratelimited("vCPU %u: VM entry failed, %s %llu, qualification 0x%llx\n",
			   vmx->vcpu->id, vmx->sw.refused ? "VM-instruction error" : "exit reason",
			   reason & ~(u64)VMX_EXIT_REASONS_FAILED_VMENTRY, exit->info1);
	vmx_dump(vmx->vcpu, NULL);
}

/* VMLAUNCH or VMRESUME itself failed: no exit happened, the exit fields are old. */
static void vmx_entry_refused(struct vmx_vcpu *vmx, struct nst_exit *exit)
{
	if (vmx->sw.refused == VMX_REFUSED_FAULT)
		nst_vm_kill(vmx->vcpu->vm);
	vmx_entry_failed(vmx, exit, vmcs_read32(VM_INSTRUCTION_ERROR));
}

/**
 * vmx_enter() - run the guest until the next exit
 * @vcpu: loaded vCPU, nothing dirty; interrupts off
 * @exit: is filled
 */
void vmx_enter(struct nst_vcpu *vcpu, struct nst_exit *exit)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 reason, vectoring;

	vmx_refresh_host(vmx);
	vmx_sync_shadow(vmx);
	vmx_timer_before_entry(vmx);
	if (unlikely(vmx->rip_back)) {
		vmcs_writel(GUEST_RIP, vcpu->st.rip - 1);
		vmx->rip_back = false;
	}
	vmx_switch_world(vmx);

	memset(exit, 0, sizeof(*exit));
	if (unlikely(vmx->sw.refused)) {
		vmx_entry_refused(vmx, exit);
		return;
	}
	reason = vmcs_read32(VM_EXIT_REASON);
	vmx_deliver_host_events(reason);
	if (unlikely(reason & VMX_EXIT_REASONS_FAILED_VMENTRY)) {
		exit->info1 = vmcs_readl(EXIT_QUALIFICATION);
		vmx_entry_failed(vmx, exit, reason);
		vmx_pull_exit_state(vcpu);
		return;
	}
	vmx->launched = true;
	if (vmx->proc2 & SECONDARY_EXEC_ENABLE_PML)
		vmx_drain_pml(vmx);
	vectoring = vmcs_read32(IDT_VECTORING_INFO_FIELD);
	vmx_decode_exit(vcpu, exit, reason, vectoring);
	/* A task gate's event is delivered by the task switch itself. */
	if ((vectoring & VECTORING_INFO_VALID_MASK) && exit->kind != NST_EXIT_TASK_SWITCH)
		vmx_note_interrupted(vcpu, vectoring);
	vmx_pull_exit_state(vcpu);
	vmx->had_shadow = vcpu->st.sti_shadow || vcpu->st.movss_shadow;
	/* A debugger's step begins anew: its #DB exits, and nothing else is left of it. */
	if (vcpu->dbg.stepping && !vmx->had_shadow)
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
}
