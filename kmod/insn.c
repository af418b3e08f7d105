// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between a vCPU and the instruction emulator: registers in, registers out,
 * and what each way of ending means.
 */
#include "nestor.h"
#include <linux/mm.h>
#include <linux/slab.h>
#include <uapi/asm/debugreg.h>
#include "core.h"
#include "cpuid.h"
#include "guestmem.h"
#include "insn.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "nested/nested.h"
#include "trace.h"

#define DR_BREAKPOINTS	0xff	/* enables in DR7 */

/**
 * nst_insn_create() - prepare a vCPU for emulation
 * @vcpu: the vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int nst_insn_create(struct nst_vcpu *vcpu)
{
	vcpu->insn = kvzalloc(sizeof(*vcpu->insn), GFP_KERNEL_ACCOUNT);
	if (!vcpu->insn)
		return -ENOMEM;
	vcpu->insn->emul.ops = &nst_insn_ops;
	vcpu->insn->emul.opaque = vcpu;
	nst_insn_cpuid_changed(vcpu);
	return 0;
}

/**
 * nst_insn_cpuid_changed() - instructions come and go with the guest's CPUID
 * @vcpu: the vCPU; without CPUID it knows them all
 */
void nst_insn_cpuid_changed(struct nst_vcpu *vcpu)
{
	static const struct {
		u32 leaf;
		u8 reg;
	} words[NST_NR_CPUID] = {
		[NST_CPUID_1_EDX] = { NST_LEAF_FEATURES, NST_CPUID_EDX },
		[NST_CPUID_1_ECX] = { NST_LEAF_FEATURES, NST_CPUID_ECX },
		[NST_CPUID_7_EBX] = { NST_LEAF_MORE_FEATURES, NST_CPUID_EBX },
		[NST_CPUID_7_ECX] = { NST_LEAF_MORE_FEATURES, NST_CPUID_ECX },
		[NST_CPUID_EXT_ECX] = { NST_LEAF_EXT_FEATURES, NST_CPUID_ECX },
		[NST_CPUID_EXT_EDX] = { NST_LEAF_EXT_FEATURES, NST_CPUID_EDX },
	};

	if (!vcpu->insn)
		return;
	for (int i = 0; i < NST_NR_CPUID; i++)
		vcpu->insn->emul.cpuid[i] = nst_cpuid_word(vcpu, words[i].leaf, words[i].reg);
}

/**
 * nst_insn_destroy() - undo nst_insn_create()
 * @vcpu: the vCPU
 */
void nst_insn_destroy(struct nst_vcpu *vcpu)
{
	kvfree(vcpu->insn);
}

/* The guest's own, or those of a debugger who borrows the registers. */
static void nst_fill_breakpoints(struct nst_vcpu *vcpu, struct nst_emul *e)
{
	bool borrowed = vcpu->dbg.control & KVM_GUESTDBG_USE_HW_BP;

	nst_pull(vcpu, NST_STATE_DR);
	e->dr7 = nst_hw_dr7(vcpu);
	if (e->dr7 & DR_BREAKPOINTS)
		memcpy(e->dr, borrowed ? vcpu->dbg.dr : vcpu->st.dr, sizeof(e->dr));
}

static void nst_fill_emul(struct nst_vcpu *vcpu)
{
	struct nst_emul *e = &vcpu->insn->emul;
	struct nst_state *st = &vcpu->st;

	nst_pull(vcpu, NST_STATE_SEG | NST_STATE_CR);
	memcpy(e->gpr, st->gpr, sizeof(e->gpr));
	e->rip = st->rip;
	e->rflags = st->rflags;
	for (int i = 0; i < NST_NR_SEG; i++)
		e->seg[i] = (struct nst_emul_seg){
			.selector = st->seg[i].selector, .base = st->seg[i].base,
			.limit = st->seg[i].limit, .ar = st->seg[i].ar,
		};
	e->cr0 = st->cr0;
	e->cr4 = st->cr4;
	e->efer = st->efer;
	e->cpl = nst_cpl(vcpu);
	e->amd = nst_guest_has(vcpu, NST_GCAP_AMD);
	e->exc.valid = false;
	e->shadow = 0;
	e->seg_dirty = 0;
	e->single_step = false;
	e->nmi_unmask = false;
	e->trap_dr6 = 0;
	e->smm = vcpu->smm.in;
	e->xcr0 = st->xcr0;
	nst_fill_breakpoints(vcpu, e);
	vcpu->insn->pos = 0;
	vcpu->insn->gone = false;
	vcpu->insn->handler = false;
}

static void nst_commit_segments(struct nst_vcpu *vcpu, const struct nst_emul *e)
{
	if (!e->seg_dirty)
		return;
	nst_modify(vcpu, NST_STATE_SEG);
	for (int i = 0; i < NST_NR_SEG; i++)
		vcpu->st.seg[i] = (struct nst_segment){
			.selector = e->seg[i].selector, .base = e->seg[i].base,
			.limit = e->seg[i].limit, .ar = e->seg[i].ar,
		};
}

static void nst_commit_shadow(struct nst_vcpu *vcpu, u32 shadow)
{
	bool sti = shadow & NST_EMUL_SHADOW_STI, movss = shadow & NST_EMUL_SHADOW_MOV_SS;

	if (vcpu->st.sti_shadow == sti && vcpu->st.movss_shadow == movss)
		return;
	vcpu->st.sti_shadow = sti;
	vcpu->st.movss_shadow = movss;
	vcpu->dirty |= NST_STATE_INTR;
}

static void nst_commit_regs(struct nst_vcpu *vcpu)
{
	const struct nst_emul *e = &vcpu->insn->emul;

	memcpy(vcpu->st.gpr, e->gpr, sizeof(e->gpr));
	vcpu->st.rip = e->rip;
	if ((vcpu->st.rflags ^ e->rflags) & X86_EFLAGS_IF)
		nst_request(vcpu, NST_REQ_EVENT);
	vcpu->st.rflags = e->rflags;
	vcpu->dirty |= NST_STATE_GPR;
	nst_commit_segments(vcpu, e);
}

/* A finished instruction: shadows end or begin, traps after it are due. */
static void nst_commit(struct nst_vcpu *vcpu)
{
	const struct nst_emul *e = &vcpu->insn->emul;

	nst_commit_regs(vcpu);
	nst_commit_shadow(vcpu, e->shadow);
	if (e->nmi_unmask && vcpu->st.nmi_blocked) {
		vcpu->st.nmi_blocked = false;
		vcpu->dirty |= NST_STATE_INTR;
		nst_request(vcpu, NST_REQ_EVENT);
	}
	nst_debug_stepped(vcpu, e->trap_dr6);
}

static void nst_raise_emulated(struct nst_vcpu *vcpu)
{
	const struct nst_emul_exc *exc = &vcpu->insn->emul.exc;

	if (exc->vector == X86_TRAP_PF || exc->vector == X86_TRAP_DB)
		nst_raise_payload(vcpu, exc->vector, exc->has_error, exc->error_code,
				  exc->payload);
	else if (exc->has_error)
		nst_raise_error(vcpu, exc->vector, exc->error_code);
	else
		nst_raise(vcpu, exc->vector);
}

/*
 * KVM_EXIT_INTERNAL_ERROR with the bytes that we could not carry out.  A guest's
 * user program must not be able to stop the whole guest, nor an L2 its L1: they
 * get #UD, unless userspace wants to know.
 */
static enum nst_next nst_emulation_failed(struct nst_vcpu *vcpu)
{
	const struct nst_emul *e = &vcpu->insn->emul;
	struct kvm_run *run = vcpu->run;

	if ((nst_cpl(vcpu) || nst_in_l2(vcpu)) && !READ_ONCE(vcpu->vm->exit_on_emulation_failure)) {
		nst_raise(vcpu, X86_TRAP_UD);
		return NST_ENTER;
	}
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = e->insn_len;
	memcpy(run->emulation_failure.insn_bytes, e->insn, sizeof(e->insn));
	return NST_USER;
}

static enum nst_next nst_finish_emulation(struct nst_vcpu *vcpu, enum nst_emul_result result)
{
	const struct nst_emul_exc *exc = &vcpu->insn->emul.exc;

	switch (result) {
	case NST_EMUL_OK:
		nst_log_drop(vcpu->insn);
		nst_commit(vcpu);
		return NST_ENTER;
	case NST_EMUL_AGAIN:
		nst_log_drop(vcpu->insn);
		nst_commit_regs(vcpu);
		if (vcpu->insn->emul.trap_dr6)
			nst_debug_stepped(vcpu, vcpu->insn->emul.trap_dr6);
		return NST_ENTER;
	case NST_EMUL_FAULT:
		nst_log_drop(vcpu->insn);
		nst_commit_regs(vcpu);
		if (exc->vector == X86_TRAP_DB && nst_debug_wants(vcpu, X86_TRAP_DB))
			return nst_debug_exit(vcpu, X86_TRAP_DB, exc->payload);
		nst_raise_emulated(vcpu);
		return NST_ENTER;
	case NST_EMUL_USER:
		nst_insn_wait(vcpu);
		return NST_USER;
	case NST_EMUL_INTERCEPTED:
		nst_log_drop(vcpu->insn);
		nst_commit_regs(vcpu);
		return vcpu->insn->handler ? nst_handle_exit(vcpu) : vcpu->l1->exit(vcpu);
	default:
		nst_log_drop(vcpu->insn);
		return vcpu->insn->gone ? NST_FAULTED : nst_emulation_failed(vcpu);
	}
}

/**
 * nst_emulate() - carry out the instruction at CS:RIP by software
 * @vcpu: loaded vCPU, irqs on, srcu held
 *
 * Return: NST_ENTER when it is done (or faulted in the guest), NST_USER when
 * userspace is needed or the instruction is not known.
 */
enum nst_next nst_emulate(struct nst_vcpu *vcpu)
{
	return nst_emulate_at(vcpu, NST_GPA_INVALID);
}

/**
 * nst_emulate_at() - nst_emulate() of an instruction whose access exited
 * @vcpu: loaded vCPU, irqs on, srcu held
 * @gpa: the access, as translated and allowed by the CPU just now
 *
 * Return: as nst_emulate().
 */
enum nst_next nst_emulate_at(struct nst_vcpu *vcpu, nst_gpa_t gpa)
{
	enum nst_next next;
	u32 mp_state = vcpu->mp_state;

	vcpu->stat.emulated++;
	vcpu->insn->known_gpa = gpa;
	nst_fill_emul(vcpu);
	next = nst_finish_emulation(vcpu, nst_emul_step(&vcpu->insn->emul));
	/* HLT with the interrupt controller in userspace is userspace's too. */
	if (next == NST_ENTER && vcpu->mp_state != mp_state && !vcpu->lapic) {
		vcpu->mp_state = mp_state;
		vcpu->run->exit_reason = KVM_EXIT_HLT;
		return NST_USER;
	}
	return next;
}

/* The fault of an access or a fetch, or bytes that are no instruction. */
static void nst_raise_failed(struct nst_vcpu *vcpu, enum nst_emul_result result)
{
	if (result == NST_EMUL_FAULT)
		nst_raise_emulated(vcpu);
	else
		nst_raise(vcpu, X86_TRAP_UD);
}

unsigned int nst_insn_decode(struct nst_vcpu *vcpu, struct nst_operand *op)
{
	struct nst_emul *e = &vcpu->insn->emul;
	enum nst_emul_result result;

	nst_fill_emul(vcpu);
	result = nst_emul_decode(e);
	if (result != NST_EMUL_OK) {
		nst_raise_failed(vcpu, result);
		return 0;
	}
	nst_operand_of(e, op);
	return e->insn_len;
}

/* The offset of a memory operand, from the registers as they are. */
static u64 nst_operand_ea(const struct nst_vcpu *vcpu, const struct nst_operand *op)
{
	u64 ea = op->disp;

	if (op->has_base)
		ea += vcpu->st.gpr[op->base];
	if (op->has_index)
		ea += vcpu->st.gpr[op->index] << op->scale;
	return op->adsize == sizeof(u64) ? ea : ea & (BIT_ULL(op->adsize * 8) - 1);
}

unsigned int nst_insn_operand(struct nst_vcpu *vcpu, struct nst_operand *op)
{
	if (!vcpu->exit.insn.known || !vcpu->exit.insn_len)
		return nst_insn_decode(vcpu, op);
	*op = vcpu->exit.insn.op;
	if (op->mem)
		op->ea = nst_operand_ea(vcpu, op);
	return vcpu->exit.insn_len;
}

/**
 * nst_decode_foreign() - is this #UD an instruction of the guest's nested ISA?
 * @vcpu: loaded vCPU; vcpu->exit is a #UD
 *
 * An instruction of VMX is undefined on SVM hardware and the other way round.
 * If it is one, vcpu->exit becomes the exit that it would have made.
 */
void nst_decode_foreign(struct nst_vcpu *vcpu)
{
	struct nst_emul *e = &vcpu->insn->emul;
	int virt;

	if (nst_peek_virt(vcpu))
		return;
	nst_fill_emul(vcpu);
	if (nst_emul_decode(e) != NST_EMUL_OK)
		return;
	virt = nst_emul_is_virt(e);
	if (virt >= 0)
		nst_exit_of_virt(e, virt, &vcpu->exit);
}

/**
 * nst_nested_next_rip() - see nested.h
 * @vcpu: loaded vCPU
 * @exit: the exit
 *
 * Return: 0 when it cannot be told.
 */
u64 nst_nested_next_rip(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	unsigned int len = exit->insn_len ?: nst_insn_length(vcpu);
	u64 rip = vcpu->st.rip + len;

	if (!len)
		return 0;
	return nst_code64(vcpu) ? rip : (u32)rip;
}

static bool nst_operand_access(struct nst_vcpu *vcpu, const struct nst_operand *op, void *buf,
			       unsigned int len, bool write)
{
	struct nst_emul *e = &vcpu->insn->emul;
	enum nst_emul_result result;

	nst_fill_emul(vcpu);
	result = nst_emul_access(e, op->seg, op->ea, buf, len, write);
	nst_log_drop(vcpu->insn);
	if (result == NST_EMUL_INTERCEPTED)
		vcpu->l1->exit(vcpu);
	else if (result != NST_EMUL_OK)
		nst_raise_failed(vcpu, result);
	return result == NST_EMUL_OK;
}

bool nst_operand_read(struct nst_vcpu *vcpu, const struct nst_operand *op, void *buf,
		      unsigned int len)
{
	return nst_operand_access(vcpu, op, buf, len, false);
}

bool nst_operand_write(struct nst_vcpu *vcpu, const struct nst_operand *op, const void *buf,
		       unsigned int len)
{
	return nst_operand_access(vcpu, op, (void *)buf, len, true);
}

/* Tables or a stack where no memory is; an L2 must not stop its L1 by that. */
static enum nst_next nst_delivery_failed(struct nst_vcpu *vcpu)
{
	if (!nst_in_l2(vcpu))
		return nst_internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV);
	nst_request(vcpu, NST_REQ_TRIPLE_FAULT);
	return NST_ENTER;
}

/**
 * nst_insn_deliver() - deliver an event by software
 * @vcpu: loaded vCPU, irqs on, srcu held
 * @event: not NST_EVENT_NONE; the core has it as injected
 *
 * Return: NST_ENTER when the handler is entered, or when the delivery faulted
 * and the double-fault rules chose what comes instead; NST_USER when the
 * guest's tables or stack are in a device.
 */
enum nst_next nst_insn_deliver(struct nst_vcpu *vcpu, const struct nst_event *event)
{
	static const enum nst_emul_event kinds[] = {
		[NST_EVENT_EXTINT] = NST_EMUL_EV_EXT,
		[NST_EVENT_NMI] = NST_EMUL_EV_EXT,
		[NST_EVENT_EXCEPTION] = NST_EMUL_EV_EXC,
		[NST_EVENT_SOFT_INT] = NST_EMUL_EV_SOFT,
		[NST_EVENT_SOFT_EXC] = NST_EMUL_EV_SOFT_EXC,
		[NST_EVENT_PRIV_EXC] = NST_EMUL_EV_EXC,
	};
	struct nst_emul *e = &vcpu->insn->emul;
	enum nst_emul_result result;
	u64 rip;

	nst_fill_emul(vcpu);
	rip = e->rip;
	/* The handler of a software interrupt returns behind the instruction. */
	e->rip += event->insn_len;
	result = nst_emul_deliver(e, kinds[event->type], event->vector, event->has_error,
				  event->error_code);
	nst_log_drop(vcpu->insn);
	if (result == NST_EMUL_FAULT) {
		if (e->rip == rip + event->insn_len)
			e->rip = rip;
		nst_commit_regs(vcpu);
		nst_raise_emulated(vcpu);
		return NST_ENTER;
	}
	/* L1's second stage refused: the event is still the one under delivery. */
	if (result == NST_EMUL_INTERCEPTED)
		return vcpu->l1->exit(vcpu);
	if (result != NST_EMUL_OK)
		return nst_delivery_failed(vcpu);
	nst_commit_regs(vcpu);
	nst_commit_shadow(vcpu, 0);
	nst_events_entered(vcpu);
	if (event->type == NST_EVENT_NMI) {
		vcpu->st.nmi_blocked = true;
		vcpu->dirty |= NST_STATE_INTR;
	}
	return NST_ENTER;
}

/**
 * nst_exit_task_switch() - a task switch, which no hardware does for a guest
 * @vcpu: loaded vCPU; vcpu->exit.task says what
 *
 * Return: NST_ENTER or NST_USER.
 */
enum nst_next nst_exit_task_switch(struct nst_vcpu *vcpu)
{
	static const enum nst_emul_task_reason reasons[] = {
		[NST_TS_CALL] = NST_TASK_CALL,
		[NST_TS_IRET] = NST_TASK_IRET,
		[NST_TS_JMP] = NST_TASK_JMP,
		[NST_TS_GATE] = NST_TASK_GATE,
	};
	typeof(vcpu->exit.task) task = vcpu->exit.task;
	struct nst_emul *e = &vcpu->insn->emul;

	nst_fill_emul(vcpu);
	/* A task gate taken by an event: the event is delivered by the switch. */
	if (task.source == NST_TS_GATE) {
		vcpu->ev.exception.injected = false;
		vcpu->ev.irq.injected = false;
		vcpu->ev.nmi.injected = false;
	} else if (nst_emul_decode(e) == NST_EMUL_OK) {
		e->rip += e->insn_len;
	}
	return nst_finish_emulation(vcpu,
				    nst_emul_task_switch(e, task.selector, reasons[task.source],
							 task.has_error, task.error_code));
}

/**
 * nst_insn_length() - length of the instruction that made vcpu->exit
 * @vcpu: loaded vCPU
 *
 * Return: bytes, 0 when it cannot be told.
 */
unsigned int nst_insn_length(struct nst_vcpu *vcpu)
{
	struct nst_emul *e = &vcpu->insn->emul;
	unsigned int len = vcpu->exit.insn_len;

	if (!len)
		len = nst_peek_length(vcpu);
	if (len)
		return len;
	nst_fill_emul(vcpu);
	return nst_emul_decode(e) == NST_EMUL_OK ? e->insn_len : 0;
}

/**
 * nst_insn_bytes() - the bytes at CS:RIP, as far as an instruction reads them
 * @vcpu: loaded vCPU
 * @bytes: filled
 * @size: room
 *
 * Raises nothing, whatever the bytes are.
 *
 * Return: how many.
 */
unsigned int nst_insn_bytes(struct nst_vcpu *vcpu, u8 *bytes, unsigned int size)
{
	struct nst_emul *e = &vcpu->insn->emul;
	unsigned int len;

	nst_fill_emul(vcpu);
	nst_emul_decode(e);
	len = min_t(unsigned int, e->d.fetched, size);
	memcpy(bytes, e->insn, len);
	return len;
}

/**
 * nst_skip_insn() - move RIP past the instruction that exited
 * @vcpu: loaded vCPU
 *
 * Return: NST_ENTER, or NST_USER when the length could not be found out.
 */
enum nst_next nst_skip_insn(struct nst_vcpu *vcpu)
{
	unsigned int len = nst_insn_length(vcpu);
	u64 rip = vcpu->st.rip + len;

	if (!len)
		return vcpu->insn->gone ? NST_FAULTED : nst_emulation_failed(vcpu);
	if (!nst_code64(vcpu))
		rip = (u32)rip;
	vcpu->st.rip = rip;
	vcpu->st.rflags &= ~(u64)X86_EFLAGS_RF;
	vcpu->dirty |= NST_STATE_GPR;
	nst_commit_shadow(vcpu, 0);
	nst_debug_stepped(vcpu, vcpu->st.rflags & X86_EFLAGS_TF ? DR_STEP : 0);
	return NST_ENTER;
}
