// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's heart: what it accepts, what the processor takes from it
 * and when, and how an interrupt ends.
 *
 * Facts: SDM3 "Advanced Programmable Interrupt Controller".  A sender sets a
 * bit in IRR and wakes the vCPU; everything else is done by the vCPU's own
 * thread.  No locks.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include "../core.h"
#include "../hyperv/hyperv.h"
#include "chip.h"
#include "lapic.h"

#define PRIORITY_CLASS		0xf0
#define SIPI_PAGE_SHIFT		12
#define SIPI_SELECTOR_SHIFT	8

static int highest_vector(const unsigned long *map)
{
	int word;

	for (word = BITS_TO_LONGS(NST_APIC_VECTORS) - 1; word >= 0; word--) {
		unsigned long bits = READ_ONCE(map[word]);

		if (bits)
			return word * BITS_PER_LONG + __fls(bits);
	}
	return -1;
}

/**
 * nst_lapic_wake() - make the vCPU look at its interrupts
 * @l: its local APIC; any context
 */
void nst_lapic_wake(struct nst_lapic *l)
{
	nst_request(l->vcpu, NST_REQ_EVENT);
	nst_kick(l->vcpu);
}

/**
 * nst_lapic_error() - record an error, and raise the error interrupt
 * @l: the local APIC; any context
 * @error: APIC_ESR_*
 */
void nst_lapic_error(struct nst_lapic *l, u32 error)
{
	u32 lvt = nst_lapic_reg(l, APIC_LVTERR);

	/* An error interrupt without a valid vector is an error of the same kind. */
	if ((lvt & APIC_VECTOR_MASK) < NST_FIRST_APIC_VECTOR && !(lvt & APIC_LVT_MASKED))
		error |= APIC_ESR_RECVILL;
	atomic_or(error, &l->errors);
	if ((lvt & APIC_VECTOR_MASK) >= NST_FIRST_APIC_VECTOR)
		nst_lapic_local(l, APIC_LVTERR);
}

static int accept_vector(struct nst_lapic *l, u8 vector, bool level)
{
	if (!nst_lapic_sw_enabled(l))
		return NST_IRQ_REFUSED;
	if (vector < NST_FIRST_APIC_VECTOR) {
		nst_lapic_error(l, APIC_ESR_RECVILL);
		return NST_IRQ_REFUSED;
	}
	if (level)
		set_bit(vector, l->tmr);
	else
		clear_bit(vector, l->tmr);
	if (test_and_set_bit(vector, l->irr))
		return NST_IRQ_COALESCED;
	nst_lapic_wake(l);
	return 1;
}

/**
 * nst_lapic_accept() - a message arrives
 * @l: a local APIC that it addresses; any context
 * @msg: the message
 *
 * Return: 1, or NST_IRQ_COALESCED, NST_IRQ_REFUSED.
 */
int nst_lapic_accept(struct nst_lapic *l, const struct nst_irq_msg *msg)
{
	switch (msg->mode) {
	case APIC_DM_FIXED:
	case APIC_DM_LOWEST:
		return accept_vector(l, msg->vector, msg->level);
	case APIC_DM_NMI:
		nst_queue_nmi(l->vcpu);
		nst_kick(l->vcpu);
		return 1;
	case APIC_DM_SMI:
		nst_queue_smi(l->vcpu);
		return 1;
	case APIC_DM_INIT:
		/* An INIT forgets a start-up message that nobody waited for. */
		clear_bit(NST_LATCH_SIPI, &l->latched);
		set_bit(NST_LATCH_INIT, &l->latched);
		break;
	case APIC_DM_STARTUP:
		WRITE_ONCE(l->sipi_vector, msg->vector);
		/* The vector must be seen by whoever sees the latch. */
		smp_mb__before_atomic();
		set_bit(NST_LATCH_SIPI, &l->latched);
		break;
	case APIC_DM_EXTINT:
		set_bit(NST_LATCH_EXTINT, &l->latched);
		break;
	default:
		return NST_IRQ_REFUSED;
	}
	nst_lapic_wake(l);
	return 1;
}

/**
 * nst_lapic_local() - a local interrupt source asserts itself
 * @l: the local APIC; any context
 * @lvt: offset of its entry in the local vector table
 */
void nst_lapic_local(struct nst_lapic *l, unsigned int lvt)
{
	u32 entry = nst_lapic_reg(l, lvt);
	struct nst_irq_msg msg = {
		.mode = entry & APIC_DM_FIXED_MASK,
		.vector = entry & APIC_VECTOR_MASK,
	};

	if (!(entry & APIC_LVT_MASKED))
		nst_lapic_accept(l, &msg);
}

/* Does the PIC's INT reach this processor?  SDM3 "Local Vector Table". */
static bool lapic_hears_pic(const struct nst_lapic *l)
{
	u32 lint0 = nst_lapic_reg(l, APIC_LVT0);

	if (READ_ONCE(l->mode) == NST_LAPIC_OFF)
		return l->vcpu->id == l->vcpu->vm->bsp_id;
	if (test_bit(NST_LATCH_EXTINT, &l->latched))
		return true;
	return !(lint0 & APIC_LVT_MASKED) && (lint0 & APIC_DM_FIXED_MASK) == APIC_DM_EXTINT;
}

/**
 * nst_lapic_hears_pic() - would this vCPU take an interrupt of the PIC?
 * @vcpu: own thread
 *
 * Return: true also when its local APIC is in userspace.
 */
bool nst_lapic_hears_pic(struct nst_vcpu *vcpu)
{
	return !vcpu->lapic || lapic_hears_pic(vcpu->lapic);
}

/**
 * nst_lapic_pic_output() - the PIC's INT line, wired to LINT0, is high
 * @vcpu: any vCPU; any context, the PIC's lock held
 * @rose: it was low before
 *
 * Other modes of LINT0 see an edge: the NMI watchdog of old kernels is the
 * PIT through a LINT0 in NMI mode.
 */
void nst_lapic_pic_output(struct nst_vcpu *vcpu, bool rose)
{
	struct nst_lapic *l = vcpu->lapic;

	if (!l)
		return;
	if (lapic_hears_pic(l))
		nst_lapic_wake(l);
	else if (rose && READ_ONCE(l->mode) != NST_LAPIC_OFF)
		nst_lapic_local(l, APIC_LVT0);
}

/**
 * nst_lapic_ppr() - processor priority, SDM3 "Task and Processor Priorities"
 * @l: any vCPU's local APIC
 */
u8 nst_lapic_ppr(const struct nst_lapic *l)
{
	u8 tpr = nst_lapic_reg(l, APIC_TASKPRI);
	int serving = highest_vector(l->isr);

	if (serving < 0 || (tpr & PRIORITY_CLASS) >= (serving & PRIORITY_CLASS))
		return tpr;
	return serving & PRIORITY_CLASS;
}

/* The vector that IRR offers and PPR lets through, or -1. */
static int lapic_deliverable(const struct nst_lapic *l)
{
	int vector;

	if (l->mode == NST_LAPIC_OFF)
		return -1;
	vector = highest_vector(l->irr);
	if (vector < 0 || (vector & PRIORITY_CLASS) <= (nst_lapic_ppr(l) & PRIORITY_CLASS))
		return -1;
	return vector;
}

/**
 * nst_lapic_pending() - the vector that the vCPU should take now
 * @vcpu: own thread
 *
 * An ExtINT is not subject to the processor priority and comes first.
 *
 * Return: the vector, or -1.
 */
int nst_lapic_pending(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l = vcpu->lapic;
	int vector;

	if (!l)
		return -1;
	/* KVM_INTERRUPT is the INTR line of a PIC in userspace. */
	if (vcpu->ev.user_vector >= 0 && lapic_hears_pic(l))
		return vcpu->ev.user_vector;
	if (nst_pic_output(vcpu->vm) && lapic_hears_pic(l)) {
		vector = nst_pic_peek(vcpu->vm);
		if (vector >= 0)
			return vector;
	}
	return lapic_deliverable(l);
}

/**
 * nst_lapic_ack() - the processor takes the interrupt
 * @vcpu: own thread
 *
 * Return: the vector, now in service, or -1 when it went away.
 */
int nst_lapic_ack(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l = vcpu->lapic;
	int vector;

	if (!l)
		return -1;
	if (vcpu->ev.user_vector >= 0 && lapic_hears_pic(l)) {
		vector = vcpu->ev.user_vector;
		vcpu->ev.user_vector = -1;
		clear_bit(NST_LATCH_EXTINT, &l->latched);
		return vector;
	}
	if (nst_pic_output(vcpu->vm) && lapic_hears_pic(l)) {
		vector = nst_pic_ack(vcpu->vm);
		if (vector >= 0) {
			clear_bit(NST_LATCH_EXTINT, &l->latched);
			return vector;
		}
	}
	vector = lapic_deliverable(l);
	if (vector < 0)
		return -1;
	clear_bit(vector, l->irr);
	if (!nst_hv_auto_eoi(vcpu, vector))
		__set_bit(vector, l->isr);
	return vector;
}

/**
 * nst_lapic_tpr_threshold() - the class that only TPR keeps from delivery
 * @vcpu: own thread
 *
 * Return: the class, 1 to 15: the guest should exit when its TPR falls below
 * it; 0: nothing waits for TPR.
 */
u8 nst_lapic_tpr_threshold(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l = vcpu->lapic;
	int vector, serving;

	if (!l || l->mode == NST_LAPIC_OFF)
		return 0;
	vector = highest_vector(l->irr);
	if (vector < 0)
		return 0;
	serving = highest_vector(l->isr);
	if (serving >= 0 && (vector & PRIORITY_CLASS) <= (serving & PRIORITY_CLASS))
		return 0;
	if ((vector & PRIORITY_CLASS) > (nst_lapic_reg(l, APIC_TASKPRI) & PRIORITY_CLASS))
		return 0;
	return vector >> 4;
}

/* The I/O APIC hears of the end of a level interrupt, wherever it is. */
static void lapic_broadcast_eoi(struct nst_lapic *l, u8 vector)
{
	struct nst_vm *vm = l->vcpu->vm;

	if (!vm->irqchip->split) {
		nst_ioapic_eoi(vm, vector);
	} else if (nst_user_ioapic_owns(vm->irqchip, vector)) {
		l->vcpu->eoi_vector = vector;
		nst_request(l->vcpu, NST_REQ_IOAPIC_EOI);
	}
}

/**
 * nst_lapic_eoi() - the end of the interrupt in service
 * @l: the local APIC; own thread
 */
void nst_lapic_eoi(struct nst_lapic *l)
{
	struct nst_vm *vm = l->vcpu->vm;
	int vector = highest_vector(l->isr);

	if (vector < 0)
		return;
	__clear_bit(vector, l->isr);
	if (test_bit(vector, l->tmr))
		lapic_broadcast_eoi(l, vector);
	if (vector == READ_ONCE(vm->irqchip->ioapic.pit_vector))
		nst_pit_acked(vm);
	nst_hv_eoi(l->vcpu, vector);
	nst_request(l->vcpu, NST_REQ_EVENT);
}

/**
 * nst_lapic_end() - nst_lapic_eoi() for those who have no handler that writes EOI
 * @vcpu: own thread
 */
void nst_lapic_end(struct nst_vcpu *vcpu)
{
	if (vcpu->lapic)
		nst_lapic_eoi(vcpu->lapic);
}

/**
 * nst_lapic_get_cr8() - TPR as MOV from CR8 sees it
 * @vcpu: own thread
 */
u8 nst_lapic_get_cr8(struct nst_vcpu *vcpu)
{
	return vcpu->lapic ? nst_lapic_reg(vcpu->lapic, APIC_TASKPRI) >> 4 : 0;
}

/**
 * nst_lapic_set_cr8() - TPR as MOV to CR8, or as virtualised by hardware
 * @vcpu: own thread
 * @cr8: priority class, 0 to 15
 *
 * The subclass in TPR bits 3:0 survives when the class did not change, since
 * hardware that virtualises CR8 reports the class alone after every exit.
 */
void nst_lapic_set_cr8(struct nst_vcpu *vcpu, u8 cr8)
{
	struct nst_lapic *l = vcpu->lapic;
	u8 old;

	if (!l)
		return;
	old = nst_lapic_reg(l, APIC_TASKPRI);
	if (old >> 4 == cr8)
		return;
	nst_lapic_put_reg(l, APIC_TASKPRI, (cr8 & 0xf) << 4);
	if (cr8 < old >> 4)
		nst_request(vcpu, NST_REQ_EVENT);
}

/**
 * nst_lapic_has_init_sipi() - is an INIT or start-up message latched?
 * @vcpu: own thread
 */
bool nst_lapic_has_init_sipi(struct nst_vcpu *vcpu)
{
	return vcpu->lapic && (READ_ONCE(vcpu->lapic->latched) &
			       (BIT(NST_LATCH_INIT) | BIT(NST_LATCH_SIPI)));
}

/**
 * nst_lapic_has_init() - is an INIT latched?
 * @vcpu: own thread; has a local APIC
 */
bool nst_lapic_has_init(struct nst_vcpu *vcpu)
{
	return test_bit(NST_LATCH_INIT, &vcpu->lapic->latched);
}

/**
 * nst_lapic_take_init() - a latched INIT became something else than a reset
 * @vcpu: own thread
 */
void nst_lapic_take_init(struct nst_vcpu *vcpu)
{
	if (vcpu->lapic)
		clear_bit(NST_LATCH_INIT, &vcpu->lapic->latched);
}

/**
 * nst_lapic_take_sipi() - a latched start-up message became something else than a start
 * @vcpu: own thread
 *
 * Return: its vector, -1 when there is none.
 */
int nst_lapic_take_sipi(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l = vcpu->lapic;

	if (!l || !test_and_clear_bit(NST_LATCH_SIPI, &l->latched))
		return -1;
	return READ_ONCE(l->sipi_vector);
}

/**
 * nst_lapic_latch_init() - set by userspace whether an INIT is latched
 * @vcpu: own thread, with a local APIC
 * @latched: there is one
 */
void nst_lapic_latch_init(struct nst_vcpu *vcpu, bool latched)
{
	assign_bit(NST_LATCH_INIT, &vcpu->lapic->latched, latched);
}

/* SDM3 "Multiple-Processor (MP) Initialization Protocol": start at page @vector. */
static void lapic_start_at(struct nst_vcpu *vcpu, u8 vector)
{
	nst_modify(vcpu, NST_STATE_GPR | NST_STATE_SEG);
	vcpu->st.seg[NST_CS].selector = (u16)vector << SIPI_SELECTOR_SHIFT;
	vcpu->st.seg[NST_CS].base = (u64)vector << SIPI_PAGE_SHIFT;
	vcpu->st.rip = 0;
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
}

/**
 * nst_lapic_accept_init_sipi() - act on a latched INIT and start-up message
 * @vcpu: own thread, loaded
 *
 * The boot processor restarts at the reset vector after an INIT, the others
 * wait for a start-up message, which is ignored at any other time.
 */
void nst_lapic_accept_init_sipi(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l = vcpu->lapic;

	if (!l)
		return;
	if (test_and_clear_bit(NST_LATCH_INIT, &l->latched)) {
		nst_vcpu_reset(vcpu, true);
		vcpu->mp_state = vcpu->id == vcpu->vm->bsp_id ? KVM_MP_STATE_RUNNABLE :
				 KVM_MP_STATE_INIT_RECEIVED;
	}
	if (test_and_clear_bit(NST_LATCH_SIPI, &l->latched) &&
	    vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED)
		lapic_start_at(vcpu, READ_ONCE(l->sipi_vector));
}

/**
 * nst_lapic_create() - give a new vCPU its local APIC
 * @vcpu: the vCPU, not yet published
 *
 * Return: 0, also when the interrupt controllers are in userspace; -ENOMEM.
 */
int nst_lapic_create(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l;

	if (!nst_irqchip_in_kernel(vcpu->vm))
		return 0;
	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return -ENOMEM;
	l->vcpu = vcpu;
	nst_lapic_timer_init(l);
	vcpu->lapic = l;
	nst_lapic_reset(vcpu, false);
	return 0;
}

/**
 * nst_lapic_destroy() - free a vCPU's local APIC
 * @vcpu: a vCPU that nobody can send to any more
 */
void nst_lapic_destroy(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l = vcpu->lapic;

	if (!l)
		return;
	nst_lapic_timer_stop(l);
	vcpu->lapic = NULL;
	kfree(l);
}
