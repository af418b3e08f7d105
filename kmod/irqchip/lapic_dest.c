// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a message to the local APICs that it addresses: shorthands, physical
 * and logical destinations, lowest-priority arbitration.
 *
 * Runs in any context and takes no lock: vCPUs never leave a living VM, and a
 * sender only reads names and sets atomic bits.
 */
#include "../nestor.h"
#include "../core.h"
#include "chip.h"
#include "lapic.h"

/**
 * nst_lapic_name() - the names that a local APIC answers to now
 * @l: any vCPU's local APIC
 * @name: result
 */
void nst_lapic_name(const struct nst_lapic *l, struct nst_apic_name *name)
{
	u32 ldr = nst_lapic_reg(l, APIC_LDR);

	name->x2apic = READ_ONCE(l->mode) == NST_LAPIC_X2APIC;
	if (name->x2apic) {
		name->id = l->vcpu->id;
		name->logical = nst_x2apic_logical(name->id);
		name->cluster = false;
		return;
	}
	name->id = GET_XAPIC_DEST_FIELD(nst_lapic_reg(l, APIC_ID));
	name->logical = GET_APIC_LOGICAL_ID(ldr);
	/* Any model but flat is the cluster model: bits 31:28 are all set or clear. */
	name->cluster = nst_lapic_reg(l, APIC_DFR) != APIC_DFR_FLAT;
}

/* Does this local APIC answer to the message's destination? */
static bool lapic_addressed(const struct nst_lapic *l, const struct nst_irq_msg *msg)
{
	struct nst_apic_name name;
	bool dest32 = msg->dest32;

	if (!l || READ_ONCE(l->mode) == NST_LAPIC_OFF)
		return false;
	nst_lapic_name(l, &name);
	/* By default a device's 0xff means all, also where it is an id. */
	if (msg->bus && name.x2apic && (READ_ONCE(l->vcpu->vm->x2apic_api) &
					KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK))
		dest32 = true;
	return nst_apic_matches(&name, msg->dest, msg->logical, dest32);
}

/*
 * SDM3 "Lowest Priority Delivery Mode": the processor with the lowest
 * priority takes it.  Equals take turns by vector, so that one vector stays
 * on one processor and different vectors spread.
 */
static int deliver_lowest(struct nst_vm *vm, const struct nst_irq_msg *msg)
{
	unsigned int nr = READ_ONCE(vm->nr_vcpus);
	struct nst_lapic *best = NULL;
	u8 best_priority = 0;

	for (unsigned int i = 0; i < nr; i++) {
		struct nst_vcpu *vcpu = xa_load(&vm->vcpus, (i + msg->vector) % nr);
		u8 priority;

		if (!vcpu || !lapic_addressed(vcpu->lapic, msg) ||
		    !nst_lapic_sw_enabled(vcpu->lapic))
			continue;
		priority = nst_lapic_ppr(vcpu->lapic);
		if (best && priority >= best_priority)
			continue;
		best = vcpu->lapic;
		best_priority = priority;
	}
	return best ? nst_lapic_accept(best, msg) : NST_IRQ_REFUSED;
}

static int add_result(int sum, int result)
{
	if (result == NST_IRQ_REFUSED)
		return sum;
	return sum == NST_IRQ_REFUSED ? result : sum + result;
}

/*
 * The common case without a walk over all vCPUs: a physical destination is
 * the id of one vCPU.  Ids are unique, so nobody else can be addressed, except
 * that 8-bit ids repeat when there are ids above 255.
 */
static struct nst_lapic *find_physical(struct nst_vm *vm, const struct nst_irq_msg *msg)
{
	struct nst_vcpu *vcpu;

	if (msg->logical || nst_apic_broadcast(msg->dest, msg->dest32))
		return NULL;
	vcpu = nst_vcpu_by_id(vm, msg->dest);
	return vcpu && lapic_addressed(vcpu->lapic, msg) ? vcpu->lapic : NULL;
}

/**
 * nst_irq_deliver() - hand a message to the local APICs that it addresses
 * @vm: the VM
 * @msg: the message
 *
 * Any context.
 *
 * Return: how many recorded it anew, or NST_IRQ_COALESCED, NST_IRQ_REFUSED.
 */
int nst_irq_deliver(struct nst_vm *vm, const struct nst_irq_msg *msg)
{
	struct nst_lapic *one = find_physical(vm, msg);
	int ret = NST_IRQ_REFUSED;
	struct nst_vcpu *vcpu;
	unsigned long i;

	if (one)
		return nst_lapic_accept(one, msg);
	if (msg->lowest)
		return deliver_lowest(vm, msg);
	nst_for_each_vcpu(vm, vcpu, i)
		if (lapic_addressed(vcpu->lapic, msg))
			ret = add_result(ret, nst_lapic_accept(vcpu->lapic, msg));
	return ret;
}

static int deliver_all(struct nst_lapic *sender, const struct nst_irq_msg *msg, bool self)
{
	int ret = NST_IRQ_REFUSED;
	struct nst_vcpu *vcpu;
	unsigned long i;

	nst_for_each_vcpu(sender->vcpu->vm, vcpu, i) {
		struct nst_lapic *l = vcpu->lapic;

		if (!l || READ_ONCE(l->mode) == NST_LAPIC_OFF || (l == sender && !self))
			continue;
		ret = add_result(ret, nst_lapic_accept(l, msg));
	}
	return ret;
}

/**
 * nst_lapic_pv_ipi() - an IPI by hypercall
 * @vcpu: the sender, with a local APIC
 * @icr: delivery mode, fixed or NMI, and vector
 * @id: APIC id of the target
 *
 * Return: true when it was accepted, also as one that was pending already.
 */
bool nst_lapic_pv_ipi(struct nst_vcpu *vcpu, u32 icr, u64 id)
{
	struct nst_irq_msg msg = {
		.dest = id,
		.dest32 = true,
		.mode = icr & APIC_DM_FIXED_MASK,
		.vector = icr & APIC_VECTOR_MASK,
	};
	struct nst_vcpu *target;

	if (id > U32_MAX || (msg.mode != APIC_DM_FIXED && msg.mode != APIC_DM_NMI))
		return false;
	target = nst_vcpu_by_id(vcpu->vm, id);
	if (!target || !target->lapic || READ_ONCE(target->lapic->mode) == NST_LAPIC_OFF)
		return false;
	return nst_lapic_accept(target->lapic, &msg) != NST_IRQ_REFUSED;
}

/**
 * nst_lapic_interrupt() - an edge-triggered interrupt for one processor
 * @vcpu: any vCPU, with or without a local APIC; any context
 * @vector: its vector
 *
 * Return: true when it was accepted, also as one that was pending already.
 */
bool nst_lapic_interrupt(struct nst_vcpu *vcpu, u8 vector)
{
	const struct nst_irq_msg msg = { .mode = APIC_DM_FIXED, .vector = vector };

	if (!vcpu->lapic || READ_ONCE(vcpu->lapic->mode) == NST_LAPIC_OFF)
		return false;
	return nst_lapic_accept(vcpu->lapic, &msg) != NST_IRQ_REFUSED;
}

/**
 * nst_lapic_send_ipi() - act on a write of the interrupt command register
 * @l: the sender, own thread
 * @icr: its low half
 * @dest: the destination: 8 bits in xAPIC mode, 32 in x2APIC mode
 *
 * Return: as nst_irq_deliver().
 */
int nst_lapic_send_ipi(struct nst_lapic *l, u32 icr, u32 dest)
{
	struct nst_irq_msg msg = {
		.dest = dest,
		.mode = icr & APIC_DM_FIXED_MASK,
		.vector = icr & APIC_VECTOR_MASK,
		.logical = icr & APIC_DEST_LOGICAL,
		.dest32 = l->mode == NST_LAPIC_X2APIC,
	};

	if ((msg.mode == APIC_DM_FIXED || msg.mode == APIC_DM_LOWEST) &&
	    msg.vector < NST_FIRST_APIC_VECTOR) {
		nst_lapic_error(l, APIC_ESR_SENDILL);
		return NST_IRQ_REFUSED;
	}
	/* INIT level de-assert synchronised arbitration ids once; now it does nothing. */
	if (msg.mode == APIC_DM_INIT && (icr & APIC_INT_LEVELTRIG) && !(icr & APIC_INT_ASSERT))
		return NST_IRQ_REFUSED;

	switch (icr & APIC_DEST_ALLBUT) {
	case APIC_DEST_SELF:
		return nst_lapic_accept(l, &msg);
	case APIC_DEST_ALLINC:
		return deliver_all(l, &msg, true);
	case APIC_DEST_ALLBUT:
		return deliver_all(l, &msg, false);
	}
	msg.lowest = msg.mode == APIC_DM_LOWEST;
	return nst_irq_deliver(l->vcpu->vm, &msg);
}
