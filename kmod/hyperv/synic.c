// SPDX-License-Identifier: GPL-2.0-only
/*
 * The synthetic interrupt controller of a vCPU: sixteen sources, SINTs, that interrupt it
 * by its local APIC, and two pages of guest memory, for messages and for event flags.  We
 * put the messages of timers there; all others, and all flags, are userspace's, which is
 * told where the pages are.
 *
 * Registers are written by the vCPU's own thread; a SINT can be raised in any context.
 * TLFS "Synthetic Interrupt Controller".
 */
#include "../nestor.h"
#include <linux/mm.h>
#include "../guestmem.h"
#include "../irqchip/irqchip.h"
#include "hyperv.h"

#define SINT_POLLING	BIT_ULL(18)

static struct nst_hv_synic *synic_of(const struct nst_vcpu *vcpu)
{
	return &vcpu->hv->synic;
}

/**
 * nst_hv_synic_reset() - registers after RESET
 * @hv: the vCPU's part of the interface; own thread, or not published
 *
 * That userspace turned the controller on stays.
 */
void nst_hv_synic_reset(struct nst_hv_vcpu *hv)
{
	struct nst_hv_synic *synic = &hv->synic;

	WRITE_ONCE(synic->control, 0);
	synic->event_page = 0;
	synic->message_page = 0;
	for (int i = 0; i < HV_SYNIC_SINT_COUNT; i++)
		WRITE_ONCE(synic->sint[i], HV_SYNIC_SINT_MASKED);
	bitmap_zero(synic->vectors, NST_HV_VECTORS);
	bitmap_zero(synic->auto_eoi, NST_HV_VECTORS);
}

/**
 * nst_hv_synic_enable() - KVM_CAP_HYPERV_SYNIC, KVM_CAP_HYPERV_SYNIC2
 * @vcpu: vCPU, mutex held
 * @keep_pages: pages that the guest turns on are not cleared: userspace puts its own there
 *
 * Return: 0, or -EINVAL without a local APIC in the kernel.
 */
int nst_hv_synic_enable(struct nst_vcpu *vcpu, bool keep_pages)
{
	struct nst_hv_synic *synic = synic_of(vcpu);

	if (!vcpu->lapic)
		return -EINVAL;
	synic->keep_pages = keep_pages;
	WRITE_ONCE(synic->active, true);
	return 0;
}

/* ---- registers ---- */

static u64 *synic_register(struct nst_hv_synic *synic, u32 index)
{
	switch (index) {
	case HV_X64_MSR_SCONTROL:
		return &synic->control;
	case HV_X64_MSR_SIEFP:
		return &synic->event_page;
	case HV_X64_MSR_SIMP:
		return &synic->message_page;
	default:
		return &synic->sint[index - HV_X64_MSR_SINT0];
	}
}

/* Userspace may write back what it finds in a controller that is off. */
static bool reachable(const struct nst_hv_synic *synic, const struct nst_msr_access *a, u64 now)
{
	return synic->active || (a->host && a->val == now);
}

static bool page_enabled(u64 reg)
{
	return reg & HV_SYNIC_SIMP_ENABLE;
}

static int blank_page(struct nst_vcpu *vcpu, u64 reg)
{
	return nst_vcpu_write_gpa(vcpu, nst_gpa(reg & NST_PAGE_MASK),
				  page_address(ZERO_PAGE(0)), PAGE_SIZE) ? -EINVAL : 0;
}

/**
 * nst_hv_get_synic() - RDMSR of SCONTROL, SIEFP, SIMP and the SINTs
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * Return: 0; -EINVAL for a guest that has no such controller.
 */
int nst_hv_get_synic(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_synic *synic = synic_of(vcpu);

	if (!synic->active && !a->host)
		return -EINVAL;
	a->val = *synic_register(synic, a->index);
	return 0;
}

/**
 * nst_hv_set_synic() - WRMSR of SCONTROL, SIEFP and SIMP
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * Userspace hears of a guest's write before the guest goes on.
 *
 * Return: 0; -EINVAL without such a controller, or for a page that is no memory.
 */
int nst_hv_set_synic(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_synic *synic = synic_of(vcpu);
	u64 *reg = synic_register(synic, a->index);

	if (!reachable(synic, a, *reg))
		return -EINVAL;
	if (!a->host && a->index != HV_X64_MSR_SCONTROL && !synic->keep_pages &&
	    page_enabled(a->val) && blank_page(vcpu, a->val))
		return -EINVAL;
	WRITE_ONCE(*reg, a->val);
	if (a->host || !synic->active)
		return 0;
	vcpu->hv->exit_msr = a->index;
	nst_hv_ask_exit(vcpu, NST_HV_EXIT_SYNIC);
	return 0;
}

/**
 * nst_hv_get_sversion() - RDMSR of SVERSION
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * Return: 0; -EINVAL for a guest that has no such controller.
 */
int nst_hv_get_sversion(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	if (!synic_of(vcpu)->active && !a->host)
		return -EINVAL;
	a->val = HV_SYNIC_VERSION_1;
	return 0;
}

static u8 vector_of(u64 sint)
{
	return sint & HV_SYNIC_SINT_VECTOR_MASK;
}

/* What the local APIC asks at each interrupt and each EOI. */
static void note_vectors(struct nst_hv_synic *synic)
{
	bitmap_zero(synic->vectors, NST_HV_VECTORS);
	bitmap_zero(synic->auto_eoi, NST_HV_VECTORS);
	for (int i = 0; i < HV_SYNIC_SINT_COUNT; i++) {
		u64 sint = synic->sint[i];

		if (sint & HV_SYNIC_SINT_MASKED)
			continue;
		__set_bit(vector_of(sint), synic->vectors);
		if (sint & HV_SYNIC_SINT_AUTO_EOI)
			__set_bit(vector_of(sint), synic->auto_eoi);
	}
}

/**
 * nst_hv_set_sint() - WRMSR of SINT0 to SINT15
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * A source that is masked may have any vector, as the register has after reset.
 *
 * Return: 0; -EINVAL without such a controller, or for a vector that no APIC takes.
 */
int nst_hv_set_sint(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_synic *synic = synic_of(vcpu);
	u64 *sint = synic_register(synic, a->index);

	if (!reachable(synic, a, *sint))
		return -EINVAL;
	if (!a->host && !(a->val & HV_SYNIC_SINT_MASKED) &&
	    vector_of(a->val) < HV_SYNIC_FIRST_VALID_VECTOR)
		return -EINVAL;
	WRITE_ONCE(*sint, a->val);
	note_vectors(synic);
	return 0;
}

/* ---- interrupts ---- */

/**
 * nst_hv_sint_raise() - a source interrupts its processor
 * @vcpu: any vCPU; any context
 * @sint: which, below HV_SYNIC_SINT_COUNT
 *
 * Return: true when the local APIC took it.
 */
bool nst_hv_sint_raise(struct nst_vcpu *vcpu, u32 sint)
{
	const struct nst_hv_vcpu *hv = nst_hv_of(vcpu);
	u64 val;

	if (!hv || !READ_ONCE(hv->synic.active) ||
	    !(READ_ONCE(hv->synic.control) & HV_SYNIC_CONTROL_ENABLE))
		return false;
	val = READ_ONCE(hv->synic.sint[sint]);
	if (val & (HV_SYNIC_SINT_MASKED | SINT_POLLING))
		return false;
	return nst_lapic_interrupt(vcpu, vector_of(val));
}

/**
 * nst_hv_sint_of_vp() - raise a source of a processor that is known by its index: a route
 * @vm: the VM; any context
 * @vp: the processor's index
 * @sint: which, below HV_SYNIC_SINT_COUNT
 *
 * Return: as nst_hv_sint_raise(); false also when there is no such processor.
 */
bool nst_hv_sint_of_vp(struct nst_vm *vm, u32 vp, u32 sint)
{
	struct nst_vcpu *vcpu = vp < READ_ONCE(vm->nr_vcpus) ? xa_load(&vm->vcpus, vp) : NULL;
	unsigned long i;

	/* Mostly the index is that of creation. */
	if (vcpu && nst_hv_vp_index(vcpu) == vp)
		return nst_hv_sint_raise(vcpu, sint);
	nst_for_each_vcpu(vm, vcpu, i)
		if (nst_hv_vp_index(vcpu) == vp)
			return nst_hv_sint_raise(vcpu, sint);
	return false;
}

/* The guest has room for the next message, or has served the interrupt. */
static void sint_acked(struct nst_vcpu *vcpu, u32 sint)
{
	nst_hv_stimers_acked(vcpu, sint);
	nst_sint_acked(vcpu->vm, nst_hv_vp_index(vcpu), sint);
}

/**
 * nst_hv_synic_eoi() - the guest ended an interrupt; see nst_hv_eoi()
 * @vcpu: own thread
 * @vector: of a source that is not masked
 */
void nst_hv_synic_eoi(struct nst_vcpu *vcpu, u8 vector)
{
	const struct nst_hv_synic *synic = synic_of(vcpu);

	for (u32 i = 0; i < HV_SYNIC_SINT_COUNT; i++)
		if (!(synic->sint[i] & HV_SYNIC_SINT_MASKED) &&
		    vector_of(synic->sint[i]) == vector)
			sint_acked(vcpu, i);
}

/**
 * nst_hv_set_eom() - WRMSR of EOM: a message slot is free again
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * Return: 0; -EINVAL for a guest that has no such controller.
 */
int nst_hv_set_eom(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	if (a->host)
		return 0;
	if (!synic_of(vcpu)->active)
		return -EINVAL;
	for (u32 i = 0; i < HV_SYNIC_SINT_COUNT; i++)
		sint_acked(vcpu, i);
	return 0;
}

/**
 * nst_hv_get_eom() - RDMSR of EOM
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * Return: 0; -EINVAL for a guest that has no such controller.
 */
int nst_hv_get_eom(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	a->val = 0;
	return a->host || synic_of(vcpu)->active ? 0 : -EINVAL;
}

/* ---- messages ---- */

/**
 * nst_hv_post() - put a message into the slot of a source, and raise it
 * @vcpu: loaded vCPU, own thread; srcu held, may sleep
 * @sint: which source
 * @msg: header and payload
 *
 * The slot is read by this processor alone, which does not run meanwhile.
 *
 * Return: 0; -EAGAIN when the slot is in use: the guest writes EOM when it is free;
 * -ENOENT when the guest has no such page.
 */
int nst_hv_post(struct nst_vcpu *vcpu, u32 sint, const struct hv_message *msg)
{
	const struct nst_hv_synic *synic = synic_of(vcpu);
	nst_gpa_t slot = nst_gpa((synic->message_page & NST_PAGE_MASK) + sint * sizeof(*msg));
	const union hv_message_flags pending = { .msg_pending = 1 };
	u32 type;

	if (!(synic->control & HV_SYNIC_CONTROL_ENABLE) || !page_enabled(synic->message_page) ||
	    nst_vcpu_read_gpa(vcpu, slot, &type, sizeof(type)))
		return -ENOENT;
	if (type != HVMSG_NONE)
		return nst_vcpu_write_gpa(vcpu, nst_gpa_add(slot, offsetof(struct hv_message_header,
									   message_flags)),
					  &pending, sizeof(pending)) ? -ENOENT : -EAGAIN;
	if (nst_vcpu_write_gpa(vcpu, slot, msg, sizeof(msg->header) + msg->header.payload_size))
		return -ENOENT;
	nst_hv_sint_raise(vcpu, sint);
	return 0;
}
