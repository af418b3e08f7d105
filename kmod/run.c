// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN: the loop around the world switch.
 *
 *	requests -> events -> enter -> exit -> handle -> again, or userspace
 */
#include "nestor.h"
#include <linux/context_tracking.h>
#include <linux/hw_breakpoint.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>
#include <linux/vtime.h>
#include <asm/debugreg.h>
#include "compat.h"
#include "core.h"
#include "memslot.h"
#include "fpu.h"
#include "hyperv/hyperv.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "msr.h"
#include "nested/nested.h"
#include "trace.h"
#include "tsc.h"

/* ---- one entry ---- */

/* Something came up since the requests were looked at. */
static bool nst_must_not_enter(struct nst_vcpu *vcpu)
{
	return nst_request_pending(vcpu) || need_resched() || signal_pending(current) ||
	       READ_ONCE(nst_rebooting);
}

static void nst_note_exit(struct nst_vcpu *vcpu)
{
	const struct nst_exit *exit = &vcpu->exit;
	unsigned int slot = vcpu->ring_next++ % NST_EXIT_RING;

	vcpu->stat.exits[exit->kind]++;
	vcpu->ring[slot].rip = vcpu->st.rip;
	vcpu->ring[slot].info1 = exit->info1;
	vcpu->ring[slot].raw_reason = exit->raw_reason;
	vcpu->ring[slot].kind = exit->kind;
	trace_kvm_exit(vcpu);
}

/* What waits for the event that this entry delivers. */
static bool nst_take_exit_soon(struct nst_vcpu *vcpu)
{
	bool soon = vcpu->smm.soon || (nst_in_l2(vcpu) && vcpu->nested->exit_soon);

	vcpu->smm.soon = false;
	if (soon && nst_in_l2(vcpu))
		vcpu->nested->exit_soon = false;
	return soon;
}

/* Irqs off.  Everything that must be the guest's is exchanged in here. */
static void nst_world_switch(struct nst_vcpu *vcpu)
{
	bool tracked;

	nst_events_entered(vcpu);
	nst_fpu_enter(vcpu);
	nst_debug_load(vcpu);
	/* Stays pending while irqs are off, and ends the guest's run at once. */
	if (nst_take_exit_soon(vcpu))
		nst_send_reschedule(smp_processor_id());
	vcpu->stat.entries++;
	trace_kvm_entry(vcpu);
	vtime_account_guest_enter();
	tracked = nst_track_guest_enter();
	vcpu->valid = 0;

	nst_backend->enter(vcpu, &vcpu->exit);

	vcpu->valid |= NST_STATE_GPR | NST_STATE_INTR;
	if (tracked)
		context_tracking_guest_exit();
	nst_debug_save(vcpu);
	/* The exit cleared DR7: the host's own breakpoints come back. */
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
	nst_fpu_exit(vcpu);
	/* A machine check belongs to the host, whoever it interrupted. */
	if (vcpu->exit.kind == NST_EXIT_EXCEPTION &&
	    vcpu->exit.exception.vector == X86_TRAP_MC)
		asm volatile("int %0" : : "i" (X86_TRAP_MC));
}

/* Returns false when the entry was given up before it happened. */
static bool nst_enter_irqs_off(struct nst_vcpu *vcpu)
{
	bool entered = false;

	local_irq_disable();
	/* Requests are made before our mode is looked at: see nst_kick(). */
	smp_store_mb(vcpu->mode, NST_IN_GUEST);
	if (!nst_must_not_enter(vcpu)) {
		nst_world_switch(vcpu);
		entered = true;
	}
	/* What the guest did comes before our saying that it is not running. */
	smp_store_release(&vcpu->mode, NST_OUTSIDE);
	/* Here a host interrupt that ended the guest's run is taken. */
	local_irq_enable();
	if (entered) {
		local_irq_disable();
		vtime_account_guest_exit();
		local_irq_enable();
	}
	return entered;
}

static void nst_prepare_events(struct nst_vcpu *vcpu)
{
	u64 cr8;

	if (nst_test_request(vcpu, NST_REQ_EVENT))
		nst_inject_pending(vcpu);
	if (nst_nested_get_cr8(vcpu, &cr8))
		nst_backend->set_tpr(vcpu, cr8 << 4, nst_nested_tpr_threshold(vcpu));
	else if (vcpu->lapic)
		nst_backend->set_tpr(vcpu, nst_lapic_get_cr8(vcpu) << 4,
				     nst_lapic_tpr_threshold(vcpu));
	else
		nst_backend->set_tpr(vcpu, vcpu->user_cr8 << 4, 0);
}

/* The guest may have moved its task priority without an exit. */
static void nst_collect_tpr(struct nst_vcpu *vcpu)
{
	u8 cr8;

	if (!nst_caps.virtual_tpr)
		return;
	cr8 = nst_backend->get_tpr(vcpu) >> 4;
	if (cr8 != nst_get_cr8(vcpu))
		nst_set_cr8(vcpu, cr8);
}

static enum nst_next nst_enter_guest(struct nst_vcpu *vcpu)
	__must_hold(&vcpu->vm->srcu)
{
	enum nst_next next = NST_ENTER;
	bool entered;

	if (unlikely(vcpu->smm.pending))
		next = nst_smm_event(vcpu);
	if (next == NST_ENTER)
		next = nst_nested_events(vcpu);
	if (next != NST_ENTER)
		return next;
	if (unlikely(nst_soft_needed(vcpu)))
		return nst_soft_run(vcpu);
	if (nst_mmu_load(vcpu))
		return NST_FAULTED;
	nst_vapic_show(vcpu);
	preempt_disable();
	nst_prepare_events(vcpu);
	if (!nst_in_l2(vcpu))
		nst_pv_eoi_offer(vcpu);
	nst_debug_before_entry(vcpu);
	nst_push_dirty(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, vcpu->srcu_idx);
	entered = nst_enter_irqs_off(vcpu);
	nst_debug_after_exit(vcpu);
	nst_nested_step_end(vcpu, entered);
	if (!entered) {
		nst_backend->cancel_inject(vcpu);
		nst_request(vcpu, NST_REQ_EVENT);
	} else {
		nst_collect_tpr(vcpu);
		nst_note_exit(vcpu);
	}
	preempt_enable();
	vcpu->srcu_idx = srcu_read_lock(&vcpu->vm->srcu);
	if (vcpu->pv_eoi.offered)
		nst_pv_eoi_take_back(vcpu);
	if (!entered)
		return NST_ENTER;
	nst_vapic_collect(vcpu);
	return nst_handle_exit(vcpu);
}

/* ---- around the entries ---- */

static void nst_small_requests(struct nst_vcpu *vcpu)
{
	if (nst_test_request(vcpu, NST_REQ_MMU_RELOAD))
		nst_mmu_unload(vcpu);
	if (nst_test_request(vcpu, NST_REQ_GUEST_FLUSH))
		nst_mmu_flush_guest(vcpu);
	if (nst_test_request(vcpu, NST_REQ_TLB_FLUSH)) {
		preempt_disable();
		nst_backend->flush_tlb(vcpu);
		preempt_enable();
	}
	if (nst_test_request(vcpu, NST_REQ_CLOCK))
		nst_clock_update(vcpu);
	if (nst_test_request(vcpu, NST_REQ_STEAL))
		nst_steal_update(vcpu);
	if (nst_test_request(vcpu, NST_REQ_NMI)) {
		nst_collect_nmis(vcpu);
		nst_request(vcpu, NST_REQ_EVENT);
	}
	if (nst_test_request(vcpu, NST_REQ_APF))
		nst_apf_look(vcpu);
	if (nst_test_request(vcpu, NST_REQ_HV_STIMER))
		nst_hv_stimers_look(vcpu);
	nst_collect_smi(vcpu);
	nst_test_request(vcpu, NST_REQ_KICK);
	if (nst_test_request(vcpu, NST_REQ_CTL))
		nst_msr_apply_direct(vcpu);
}

static enum nst_next nst_take_init_sipi(struct nst_vcpu *vcpu)
{
	const struct nst_exit exit = { .kind = NST_EXIT_INIT };
	enum nst_verdict verdict = NST_DELIVER;
	enum nst_next next;

	if (nst_nested_sipi(vcpu, &next))
		return next;
	/* A start-up message alone is only for a CPU that waits for it. */
	if (nst_lapic_has_init(vcpu))
		verdict = nst_init_verdict(vcpu);
	switch (verdict) {
	case NST_DELIVER:
		nst_lapic_accept_init_sipi(vcpu);
		break;
	case NST_REFLECT:
		return nst_isa(vcpu)->reflect(vcpu, &exit);
	case NST_HOLD:
	case NST_FORCE:
		break;
	}
	return NST_ENTER;
}

/* The guest ended a level interrupt of an I/O APIC that userspace has. */
static enum nst_next nst_exit_ioapic_eoi(struct nst_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	vcpu->run->eoi.vector = vcpu->eoi_vector;
	return NST_USER;
}

/* Each entry into the guest may list more pages than there is room for. */
static enum nst_next nst_exit_ring_full(struct nst_vcpu *vcpu)
{
	if (!nst_dirty_ring_full(vcpu))
		return NST_ENTER;
	/* Until userspace has made room. */
	nst_request(vcpu, NST_REQ_RING_FULL);
	vcpu->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
	return NST_USER;
}

static enum nst_next nst_service_requests(struct nst_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->vm->dead))
		return NST_FAIL;
	if (nst_request_pending(vcpu)) {
		if (nst_test_request(vcpu, NST_REQ_DEBUG))
			return nst_debug_exit(vcpu, X86_TRAP_DB, vcpu->dbg.causes);
		if (nst_test_request(vcpu, NST_REQ_TPR_ACCESS))
			return nst_exit_tpr_access(vcpu);
		if (nst_test_request(vcpu, NST_REQ_IOAPIC_EOI))
			return nst_exit_ioapic_eoi(vcpu);
		if (nst_test_request(vcpu, NST_REQ_HV_EXIT))
			return nst_hv_exit(vcpu);
		if (nst_test_request(vcpu, NST_REQ_TRIPLE_FAULT)) {
			const struct nst_exit exit = { .kind = NST_EXIT_TRIPLE_FAULT };

			if (!nst_nested_intercept(vcpu, &exit))
				return nst_shutdown(vcpu);
		}
		if (nst_test_request(vcpu, NST_REQ_NESTED)) {
			const enum nst_next next = nst_nested_complete(vcpu);

			if (next != NST_ENTER)
				return next;
		}
		if (nst_test_request(vcpu, NST_REQ_RING_FULL)) {
			const enum nst_next next = nst_exit_ring_full(vcpu);

			if (next != NST_ENTER)
				return next;
		}
		nst_small_requests(vcpu);
	}
	if (vcpu->lapic && nst_lapic_has_init_sipi(vcpu))
		return nst_take_init_sipi(vcpu);
	return NST_ENTER;
}

static enum nst_next nst_wait(struct nst_vcpu *vcpu)
{
	/* Looked at here, so that an old request does not keep us awake. */
	nst_test_request(vcpu, NST_REQ_EVENT);
	nst_collect_nmis(vcpu);
	nst_nested_notice(vcpu);
	if (vcpu->mp_state == KVM_MP_STATE_HALTED && nst_smi_due(vcpu))
		return nst_smm_event(vcpu);
	if (vcpu->mp_state == KVM_MP_STATE_HALTED &&
	    (xchg(&vcpu->pv_kicked, false) || nst_event_pending(vcpu))) {
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
		nst_request(vcpu, NST_REQ_EVENT);
		return NST_ENTER;
	}
	/* It is told by an interrupt while it waits for a page. */
	if (vcpu->apf.halted && (nst_smi_due(vcpu) || nst_event_pending(vcpu))) {
		vcpu->apf.halted = false;
		nst_request(vcpu, NST_REQ_EVENT);
		return NST_ENTER;
	}
	return nst_vcpu_block(vcpu) ? NST_INTR : NST_ENTER;
}

static enum nst_next nst_host_work(struct nst_vcpu *vcpu)
	__must_hold(&vcpu->vm->srcu)
{
	if (READ_ONCE(vcpu->run->request_interrupt_window) && nst_ready_for_user_irq(vcpu)) {
		vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
		return NST_USER;
	}
	if (signal_pending(current) || READ_ONCE(nst_rebooting))
		return NST_INTR;
	if (task_work_pending(current))
		return NST_RESTART;
	if (need_resched()) {
		srcu_read_unlock(&vcpu->vm->srcu, vcpu->srcu_idx);
		cond_resched();
		vcpu->srcu_idx = srcu_read_lock(&vcpu->vm->srcu);
	}
	return NST_ENTER;
}

/* Memory that was not accessible because its slot was about to come or go: look again. */
static bool nst_slots_moved(const struct nst_memslots *slots, u64 generation)
{
	/* In this order: the generation is raised before a change is over. */
	return smp_load_acquire(&slots->changing) || READ_ONCE(slots->generation) != generation;
}

static enum nst_next nst_run_loop(struct nst_vcpu *vcpu)
{
	const struct nst_memslots *slots = nst_memslots(vcpu->vm);
	enum nst_next next;
	u64 generation;

	for (;;) {
		next = nst_service_requests(vcpu);
		if (next != NST_ENTER)
			return next;
		generation = READ_ONCE(slots->generation);
		next = nst_vcpu_runnable(vcpu) ? nst_enter_guest(vcpu) : nst_wait(vcpu);
		if (next == NST_FAULTED && nst_slots_moved(slots, generation))
			next = NST_ENTER;
		if (next != NST_ENTER)
			return next;
		next = nst_host_work(vcpu);
		if (next != NST_ENTER)
			return next;
	}
}

static void nst_fill_run_page(struct nst_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->if_flag = !!(vcpu->st.rflags & X86_EFLAGS_IF);
	run->flags = vcpu->smm.in ? KVM_RUN_X86_SMM : 0;
	run->cr8 = nst_apic_cr8(vcpu);
	run->apic_base = vcpu->apic_base;
	run->ready_for_interrupt_injection = nst_ready_for_user_irq(vcpu);
}

/* What a return of the loop is to userspace. */
static long nst_run_result(struct nst_vcpu *vcpu, enum nst_next next)
{
	struct kvm_run *run = vcpu->run;

	vcpu->stat.user_exits++;
	trace_kvm_userspace_exit(run->exit_reason, next == NST_INTR ? -EINTR : 0);
	switch (next) {
	case NST_USER:
		return 0;
	case NST_INTR:
		run->exit_reason = KVM_EXIT_INTR;
		return -EINTR;
	case NST_RESTART:
		/*
		 * Task work runs on the way to userspace.  If it leaves no
		 * signal (CPU timers do), the ioctl starts again unseen.
		 */
		run->exit_reason = KVM_EXIT_INTR;
		set_thread_flag(TIF_NOTIFY_SIGNAL);
		return -ERESTARTNOHAND;
	case NST_FAULTED:
		return -EFAULT;
	default:
		return -EIO;
	}
}

static long nst_run_loaded(struct nst_vcpu *vcpu)
{
	const struct nst_memslots *slots = nst_memslots(vcpu->vm);
	struct kvm_run *run = vcpu->run;
	enum nst_next next;
	u64 generation;

	if (nst_sync_regs_in(vcpu))
		return -EINVAL;
	if (!vcpu->lapic && !nst_set_apic_cr8(vcpu, READ_ONCE(run->cr8)))
		return -EINVAL;
	/* Userspace may have made another of it. */
	vcpu->apf.halted = false;
	nst_debug_start(vcpu);
	if (vcpu->hv)
		nst_hv_syndbg_answer(vcpu);
	generation = READ_ONCE(slots->generation);
	next = nst_insn_complete(vcpu);
	if (next == NST_FAULTED && nst_slots_moved(slots, generation))
		next = NST_ENTER;
	/* Asked not to enter at all, so there is no exit whose reason to tell. */
	if (next == NST_ENTER && nst_immediate_exit(run))
		return -EINTR;
	if (next == NST_ENTER)
		next = nst_run_loop(vcpu);
	nst_nested_settle(vcpu);
	return nst_run_result(vcpu, next);
}

static void nst_note_thread(struct nst_vcpu *vcpu)
{
	struct pid *old = rcu_dereference_protected(vcpu->pid, lockdep_is_held(&vcpu->mutex));

	if (likely(old == task_pid(current)))
		return;
	rcu_assign_pointer(vcpu->pid, get_task_pid(current, PIDTYPE_PID));
	if (old) {
		synchronize_rcu();
		put_pid(old);
	}
}

/*
 * The thread's own mask stays known to the kernel as its real one: a signal that
 * is only open here must not end the process as soon as it is sent.
 */
static void nst_open_signals(const struct nst_vcpu *vcpu)
{
	sigset_t set = vcpu->sigmask;

	if (vcpu->sigmask_set)
		sigprocmask(SIG_SETMASK, &set, &current->real_blocked);
}

static void nst_close_signals(const struct nst_vcpu *vcpu)
{
	if (!vcpu->sigmask_set)
		return;
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

/**
 * nst_run() - KVM_RUN
 * @object: vCPU, its mutex held
 * @arg: 0
 *
 * Return: 0 with vcpu->run filled, or -EINVAL, -EINTR (signal, immediate_exit),
 * -EFAULT (guest memory is gone), -EIO (the VM is dead).
 */
long nst_run(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	long ret;

	if (arg)
		return -EINVAL;
	nst_note_thread(vcpu);
	nst_open_signals(vcpu);
	vcpu->srcu_idx = srcu_read_lock(&vcpu->vm->srcu);
	nst_vcpu_load(vcpu);
	nst_fpu_load(vcpu);
	ret = nst_run_loaded(vcpu);
	nst_fill_run_page(vcpu);
	nst_sync_regs_out(vcpu);
	nst_fpu_put(vcpu);
	nst_vcpu_put(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, vcpu->srcu_idx);
	nst_close_signals(vcpu);
	return ret;
}
