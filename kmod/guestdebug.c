// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers, and a debugger in userspace that borrows them.
 *
 * While a debugger uses breakpoints or steps, every MOV DR exits and works on
 * vcpu->st, which keeps what the guest believes; hardware holds the debugger's
 * DR0 to DR3 and DR7 instead.  A step is RFLAGS.TF, set for one entry and
 * taken back at its exit.
 *
 * SDM3 "Debug Registers", "Single-Step Exception Condition".
 */
#include "nestor.h"
#include <linux/hw_breakpoint.h>
#include <asm/debugreg.h>
#include "core.h"
#include "guestmem.h"
#include "mmu/mmu.h"
#include "nested/nested.h"

#define DR7_ENABLES	(DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK)

/* One-byte opcodes of the two instructions whose exceptions are traps. */
#define OPCODE_INT3	0xcc
#define OPCODE_INTO	0xce

/*
 * While nobody uses the guest's DR0 to DR3, its accesses exit and the host's
 * stay in place.  The first access makes them live until the vCPU is back in
 * userspace with no breakpoint enabled.
 */
static void set_live(struct nst_vcpu *vcpu, bool live)
{
	if (vcpu->dr_live == live)
		return;
	vcpu->dr_live = live;
	nst_own_ctl(vcpu)->traps ^= NST_TRAP_DR;
	nst_ctl_changed(vcpu, NST_CTL_TRAPS);
	vcpu->dirty |= NST_STATE_DR;
}

/**
 * nst_debug_start() - KVM_RUN begins: who uses the debug registers?
 * @vcpu: loaded vCPU
 */
void nst_debug_start(struct nst_vcpu *vcpu)
{
	nst_pull(vcpu, NST_STATE_DR);
	set_live(vcpu, nst_dr_is_guests(vcpu) && (vcpu->st.dr7 & DR7_ENABLES));
}

/**
 * nst_debug_mov_dr() - the guest accesses a debug register
 * @vcpu: loaded vCPU that exited for it
 *
 * Without a debugger the guest reaches them without an exit from now on.
 *
 * Return: NST_ENTER, or NST_USER when the debugger watches them.
 */
enum nst_next nst_debug_mov_dr(struct nst_vcpu *vcpu)
{
	/* Live and yet an exit: a nested hypervisor wants some of them, not this one. */
	if (nst_dr_is_guests(vcpu) && vcpu->dr_live)
		return nst_emulate(vcpu);
	if (nst_dr_is_guests(vcpu)) {
		nst_pull(vcpu, NST_STATE_DR);
		set_live(vcpu, true);
		return NST_ENTER;
	}
	if (nst_hw_dr7(vcpu) & NST_DR7_GD) {
		if (vcpu->dbg.control & KVM_GUESTDBG_USE_HW_BP)
			return nst_debug_exit(vcpu, X86_TRAP_DB, NST_DR6_BD);
		nst_raise_payload(vcpu, X86_TRAP_DB, false, 0, NST_DR6_BD);
		return NST_ENTER;
	}
	return nst_emulate(vcpu);
}

/* DR0 to DR3 that hardware needs for this entry, or NULL. */
static const u64 *wanted(const struct nst_vcpu *vcpu)
{
	if (vcpu->dbg.control & KVM_GUESTDBG_USE_HW_BP)
		return vcpu->dbg.dr;
	if (vcpu->dr_live || (!nst_dr_is_guests(vcpu) && (vcpu->st.dr7 & DR7_ENABLES)))
		return vcpu->st.dr;
	return NULL;
}

/**
 * nst_debug_load() - put breakpoint addresses into hardware
 * @vcpu: loaded vCPU, about to enter, irqs off
 */
void nst_debug_load(struct nst_vcpu *vcpu)
{
	const u64 *dr = wanted(vcpu);

	if (!dr)
		return;
	/* No breakpoint of the host may fire on a half-written set. */
	set_debugreg(0, 7);
	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
}

/**
 * nst_debug_save() - take what the guest wrote without an exit
 * @vcpu: loaded vCPU that just left the guest, irqs off
 */
void nst_debug_save(struct nst_vcpu *vcpu)
{
	if (!vcpu->dr_live)
		return;
	get_debugreg(vcpu->st.dr[0], 0);
	get_debugreg(vcpu->st.dr[1], 1);
	get_debugreg(vcpu->st.dr[2], 2);
	get_debugreg(vcpu->st.dr[3], 3);
	nst_pull(vcpu, NST_STATE_DR);
}

/**
 * nst_debug_before_entry() - set RFLAGS.TF when the debugger steps
 * @vcpu: loaded vCPU; its state is not pushed yet
 */
void nst_debug_before_entry(struct nst_vcpu *vcpu)
{
	bool step = nst_nested_step_begin(vcpu) ||
		    (vcpu->dbg.control & KVM_GUESTDBG_SINGLESTEP);

	vcpu->dbg.stepping = step && !(vcpu->st.rflags & X86_EFLAGS_TF);
	if (!vcpu->dbg.stepping)
		return;
	vcpu->st.rflags |= X86_EFLAGS_TF;
	vcpu->dirty |= NST_STATE_GPR;
}

/**
 * nst_debug_after_exit() - take RFLAGS.TF back
 * @vcpu: loaded vCPU that left the guest, or did not enter after all
 */
void nst_debug_after_exit(struct nst_vcpu *vcpu)
{
	if (!vcpu->dbg.stepping)
		return;
	vcpu->dbg.stepping = false;
	vcpu->st.rflags &= ~(u64)X86_EFLAGS_TF;
	vcpu->dirty |= NST_STATE_GPR;
}

/**
 * nst_debug_exit() - KVM_EXIT_DEBUG
 * @vcpu: loaded vCPU
 * @vector: X86_TRAP_DB or X86_TRAP_BP
 * @causes: DR6 bits
 *
 * Return: NST_USER.
 */
enum nst_next nst_debug_exit(struct nst_vcpu *vcpu, u8 vector, u64 causes)
{
	struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;

	nst_pull(vcpu, NST_STATE_SEG);
	/* Hardware's DR6 took the causes; the guest's is to stay as it is. */
	nst_modify(vcpu, NST_STATE_DR);
	vcpu->run->exit_reason = KVM_EXIT_DEBUG;
	arch->exception = vector;
	arch->pad = 0;
	arch->pc = vcpu->st.rip;
	if (!nst_code64(vcpu))
		arch->pc = (u32)(arch->pc + vcpu->st.seg[NST_CS].base);
	arch->dr6 = vector == X86_TRAP_DB ? (causes & NST_DR6_WRITABLE) | NST_RESET_DR6 : 0;
	arch->dr7 = nst_hw_dr7(vcpu);
	return NST_USER;
}

/**
 * nst_debug_wants() - is an exception that exited the debugger's?
 * @vcpu: the vCPU
 * @vector: X86_TRAP_*
 *
 * Return: true for #DB while it steps or has breakpoints, and for #BP.
 */
bool nst_debug_wants(const struct nst_vcpu *vcpu, u8 vector)
{
	if (vector == X86_TRAP_DB)
		return !nst_dr_is_guests(vcpu);
	return vector == X86_TRAP_BP && (vcpu->dbg.control & KVM_GUESTDBG_USE_SW_BP);
}

/**
 * nst_debug_stepped() - an instruction was carried out by software
 * @vcpu: loaded vCPU
 * @causes: DR6 bits of a #DB that is due behind it: DR_STEP when the guest steps
 *          itself, and breakpoints that it hit
 *
 * The debugger hears of it before the next entry, so that an exit which the
 * instruction causes comes first.
 */
void nst_debug_stepped(struct nst_vcpu *vcpu, u64 causes)
{
	nst_nested_stepped(vcpu);
	if (vcpu->dbg.control & KVM_GUESTDBG_SINGLESTEP)
		causes |= DR_STEP;
	if (!causes)
		return;
	if (!nst_debug_wants(vcpu, X86_TRAP_DB)) {
		nst_raise_payload(vcpu, X86_TRAP_DB, false, 0, causes);
		return;
	}
	vcpu->dbg.causes = causes;
	nst_request(vcpu, NST_REQ_DEBUG);
}

/**
 * nst_inject_trap() - deliver an exception on behalf of userspace
 * @vcpu: loaded vCPU, srcu held
 * @vector: any vector of an exception
 *
 * Userspace gives #BP and #OF with RIP at the INT3 or INTO that raised them,
 * and the handler returns behind it.
 */
void nst_inject_trap(struct nst_vcpu *vcpu, u8 vector)
{
	u8 opcode = 0, want = vector == X86_TRAP_BP ? OPCODE_INT3 : OPCODE_INTO;
	typeof(vcpu->ev.exception) *exc = &vcpu->ev.exception;
	struct nst_walk_fault fault;
	u64 lin = vcpu->st.rip;
	nst_gpa_t gpa;

	memset(exc, 0, sizeof(*exc));
	exc->vector = vector;
	exc->injected = true;
	nst_request(vcpu, NST_REQ_EVENT);
	if (vector != X86_TRAP_BP && vector != X86_TRAP_OF)
		return;
	exc->soft = true;
	nst_pull(vcpu, NST_STATE_SEG);
	if (!nst_code64(vcpu))
		lin = (u32)(lin + vcpu->st.seg[NST_CS].base);
	if (!nst_mmu_translate(vcpu, lin, NST_ACCESS_X, &gpa, &fault) &&
	    !nst_read_gpa(vcpu->vm, gpa, &opcode, sizeof(opcode)) && opcode == want)
		exc->insn_len = sizeof(opcode);
}

/**
 * nst_set_guest_debug() - KVM_SET_GUEST_DEBUG
 * @object: vCPU, loaded
 * @arg: struct kvm_guest_debug
 *
 * Return: 0, -EINVAL for unknown flags, -EBUSY when an exception is to be
 * injected while another one waits.
 */
long nst_set_guest_debug(void *object, unsigned long arg)
{
	const struct kvm_guest_debug *dbg = (const void *)arg;
	const u32 inject = KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP;
	struct nst_vcpu *vcpu = object;

	if (dbg->control & ~NST_GUESTDBG_FLAGS)
		return -EINVAL;
	if ((dbg->control & inject) &&
	    (vcpu->ev.exception.pending || vcpu->ev.exception.injected))
		return -EBUSY;
	nst_modify(vcpu, NST_STATE_DR);
	nst_test_request(vcpu, NST_REQ_DEBUG);
	vcpu->dbg.control = dbg->control & KVM_GUESTDBG_ENABLE ? dbg->control & ~inject : 0;
	memcpy(vcpu->dbg.dr, dbg->arch.debugreg, sizeof(vcpu->dbg.dr));
	vcpu->dbg.dr7 = (dbg->arch.debugreg[7] & NST_DR7_WRITABLE) | NST_RESET_DR7;
	nst_own_ctl(vcpu)->exceptions &= ~BIT(X86_TRAP_BP);
	if (vcpu->dbg.control & KVM_GUESTDBG_USE_SW_BP)
		nst_own_ctl(vcpu)->exceptions |= BIT(X86_TRAP_BP);
	nst_ctl_changed(vcpu, NST_CTL_TRAPS);
	if (dbg->control & KVM_GUESTDBG_INJECT_DB)
		nst_inject_trap(vcpu, X86_TRAP_DB);
	else if (dbg->control & KVM_GUESTDBG_INJECT_BP)
		nst_inject_trap(vcpu, X86_TRAP_BP);
	nst_request(vcpu, NST_REQ_EVENT);
	return 0;
}
