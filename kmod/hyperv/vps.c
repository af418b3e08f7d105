// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls that are for a set of virtual processors: flush their TLBs, interrupt them.
 *
 * TLFS "HvCallFlushVirtualAddressSpace", "HvCallSendSyntheticClusterIpi", their Ex forms,
 * and "Virtual Processor Sets".  Own thread, srcu held.
 */
#include "../nestor.h"
#include <linux/bitmap.h>
#include "../irqchip/irqchip.h"
#include "../mmu/mmu.h"
#include "call.h"

#define FLUSH_FLAGS	(HV_FLUSH_ALL_PROCESSORS | HV_FLUSH_ALL_VIRTUAL_ADDRESS_SPACES | \
			 HV_FLUSH_NON_GLOBAL_MAPPINGS_ONLY | HV_FLUSH_USE_EXTENDED_RANGE_FORMAT)

/* A set of virtual processors by their indices: a bit each. */
struct vp_set {
	bool all;
	u64 bank[NST_HV_BANKS];
};

static bool in_set(const struct vp_set *set, u32 vp)
{
	return set->all || (vp / NST_HV_VPS_A_BANK < NST_HV_BANKS &&
			    set->bank[vp / NST_HV_VPS_A_BANK] >> vp % NST_HV_VPS_A_BANK & 1);
}

/* The banks that the guest gave stand one behind the other, at @offset of the parameters. */
static u64 read_set(struct nst_vcpu *vcpu, const struct nst_hv_call *call,
		    const struct hv_vpset *from, u32 offset, struct vp_set *set)
{
	u64 valid = from->valid_bank_mask, status;
	u64 given[NST_HV_BANKS];

	if (from->format > HV_GENERIC_SET_ALL)
		return HV_STATUS_INVALID_PARAMETER;
	set->all = from->format == HV_GENERIC_SET_ALL;
	memset(set->bank, 0, sizeof(set->bank));
	if (set->all)
		return HV_STATUS_SUCCESS;
	if (call->var_cnt != hweight64(valid))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	if (!valid)
		return HV_STATUS_SUCCESS;
	status = nst_hv_call_read(vcpu, call, offset, given, call->var_cnt * sizeof(given[0]));
	for (u32 bank = 0, i = 0; !status && bank < NST_HV_BANKS; bank++)
		if (valid >> bank & 1)
			set->bank[bank] = given[i++];
	return status;
}

/* ---- TLBs ---- */

/*
 * All translations go, whatever the list says: that is cheaper than to look at it, and
 * allowed.  A processor that does not run in guest mode flushes before it does.
 */
static u64 flush(struct nst_vcpu *vcpu, u64 flags, const struct vp_set *set)
{
	DECLARE_BITMAP(map, NST_MAX_VCPUS);
	struct nst_vcpu *other;
	unsigned long i;

	if (flags & ~(u64)FLUSH_FLAGS)
		return HV_STATUS_INVALID_PARAMETER;
	bitmap_zero(map, NST_MAX_VCPUS);
	nst_for_each_vcpu(vcpu->vm, other, i)
		if ((flags & HV_FLUSH_ALL_PROCESSORS) || in_set(set, nst_hv_vp_index(other)))
			__set_bit(i, map);
	nst_request_map(vcpu->vm, NST_REQ_GUEST_FLUSH, map);
	return HV_STATUS_SUCCESS;
}

/**
 * nst_hv_flush() - HvCallFlushVirtualAddressSpace, HvCallFlushVirtualAddressList
 * @vcpu: own thread
 * @call: the call
 *
 * Return: a status.
 */
u64 nst_hv_flush(struct nst_vcpu *vcpu, struct nst_hv_call *call)
{
	struct vp_set set = {};
	struct hv_tlb_flush in;
	u64 status;

	status = nst_hv_call_read(vcpu, call, 0, &in, sizeof(in));
	if (status)
		return status;
	set.bank[0] = in.processor_mask;
	return flush(vcpu, in.flags, &set);
}

/**
 * nst_hv_flush_ex() - HvCallFlushVirtualAddressSpaceEx, HvCallFlushVirtualAddressListEx
 * @vcpu: own thread
 * @call: the call
 *
 * Return: a status.
 */
u64 nst_hv_flush_ex(struct nst_vcpu *vcpu, struct nst_hv_call *call)
{
	struct hv_tlb_flush_ex in;
	struct vp_set set;
	u64 status;

	status = nst_hv_call_read(vcpu, call, 0, &in, sizeof(in));
	if (!status)
		status = read_set(vcpu, call, &in.hv_vp_set, sizeof(in), &set);
	return status ?: flush(vcpu, in.flags, &set);
}

/* ---- interrupts ---- */

static u64 send(struct nst_vcpu *vcpu, u32 vector, u32 reserved, const struct vp_set *set)
{
	struct nst_vcpu *other;
	unsigned long i;

	if (vector < HV_IPI_LOW_VECTOR || vector > HV_IPI_HIGH_VECTOR || reserved)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	nst_for_each_vcpu(vcpu->vm, other, i)
		if (in_set(set, nst_hv_vp_index(other)))
			nst_lapic_interrupt(other, vector);
	return HV_STATUS_SUCCESS;
}

/**
 * nst_hv_send_ipi() - HvCallSendSyntheticClusterIpi
 * @vcpu: own thread
 * @call: the call
 *
 * Return: a status.
 */
u64 nst_hv_send_ipi(struct nst_vcpu *vcpu, struct nst_hv_call *call)
{
	struct vp_set set = {};
	struct hv_send_ipi in;
	u64 status;

	status = nst_hv_call_read(vcpu, call, 0, &in, sizeof(in));
	if (status)
		return status;
	set.bank[0] = in.cpu_mask;
	return send(vcpu, in.vector, in.reserved, &set);
}

/**
 * nst_hv_send_ipi_ex() - HvCallSendSyntheticClusterIpiEx
 * @vcpu: own thread
 * @call: the call
 *
 * To nobody any vector can be sent.
 *
 * Return: a status.
 */
u64 nst_hv_send_ipi_ex(struct nst_vcpu *vcpu, struct nst_hv_call *call)
{
	struct hv_send_ipi_ex in;
	struct vp_set set;
	u64 status;

	status = nst_hv_call_read(vcpu, call, 0, &in, sizeof(in));
	if (!status)
		status = read_set(vcpu, call, &in.vp_set, sizeof(in), &set);
	if (status || (!set.all && !in.vp_set.valid_bank_mask))
		return status;
	return send(vcpu, in.vector, in.reserved, &set);
}
