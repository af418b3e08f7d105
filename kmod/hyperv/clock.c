// SPDX-License-Identifier: GPL-2.0-only
/*
 * The partition's reference time, in units of 100 ns: kvmclock by another name.  A page
 * of guest memory lets the guest compute it out of its TSC without an exit; while there is
 * such a page, the MSR is computed by the same formula, so that the two agree.
 *
 * A page whose sequence is 0 sends the guest to the MSR: it is that while it changes, and
 * where the VM's vCPUs have no common TSC.
 *
 * TLFS "Timers": "Partition Reference Counter", "Partition Reference Time Enlightenment",
 * "Reenlightenment".  Calls the core's clock; own thread.
 */
#include "../nestor.h"
#include <linux/math64.h>
#include "../guestmem.h"
#include "../tsc.h"
#include "hyperv.h"

#define UNITS_A_MS	10000		/* 100 ns each */
#define NS_A_UNIT	100
#define PAGE_ON		BIT_ULL(0)

static s64 units_of(u64 tsc, u64 scale)
{
	return mul_u64_u64_shr(tsc, scale, 64);
}

/**
 * nst_hv_time() - the reference time now
 * @vcpu: the vCPU whose TSC tells; own thread
 *
 * Return: units of 100 ns.
 */
u64 nst_hv_time(struct nst_vcpu *vcpu)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;
	struct nst_hv_reference ref;
	struct kvm_clock_data data;

	spin_lock(&hv->time_lock);
	ref = hv->reference;
	spin_unlock(&hv->time_lock);
	if (ref.valid)
		return units_of(nst_tsc_read(vcpu), ref.scale) + ref.offset;
	nst_clock_get(vcpu->vm, &data);
	return div_u64(data.clock, NS_A_UNIT);
}

static void set_reference(struct nst_hv_vm *hv, const struct nst_hv_reference *ref)
{
	spin_lock(&hv->time_lock);
	hv->reference = *ref;
	spin_unlock(&hv->time_lock);
}

static nst_gpa_t page_gpa(const struct nst_hv_vm *hv)
{
	return nst_gpa(hv->tsc_page & NST_PAGE_MASK);
}

/* What the page is to say; not valid when it cannot say it. */
static void make_reference(struct nst_vcpu *vcpu, struct nst_hv_reference *ref, u64 tsc, u64 ns,
			   bool stable)
{
	u32 khz = nst_tsc_effective_khz(vcpu);

	/* A tick of more than one unit does not fit the scale. */
	ref->valid = stable && khz > UNITS_A_MS;
	if (!ref->valid)
		return;
	ref->scale = mul_u64_u64_div_u64(1ull << 63, 2 * UNITS_A_MS, khz);
	ref->offset = div_u64(ns, NS_A_UNIT) - units_of(tsc, ref->scale);
}

static u32 next_sequence(u32 sequence)
{
	do
		sequence++;
	while (sequence == NST_HV_TSC_INVALID || sequence == NST_HV_TSC_RESERVED);
	return sequence;
}

static int write_sequence(struct nst_vcpu *vcpu, u32 sequence)
{
	nst_gpa_t gpa = nst_gpa_add(page_gpa(vcpu->vm->hv),
				    offsetof(struct ms_hyperv_tsc_page, tsc_sequence));

	return nst_write_gpa(vcpu->vm, gpa, &sequence, sizeof(sequence));
}

/* Not valid while it changes, and under a new sequence after that. */
static bool write_page(struct nst_vcpu *vcpu, struct nst_hv_reference *ref)
{
	const size_t body = offsetof(struct ms_hyperv_tsc_page, tsc_scale);
	const struct {
		u64 scale;
		s64 offset;
	} numbers = { ref->scale, ref->offset };

	if (write_sequence(vcpu, NST_HV_TSC_INVALID))
		return false;
	if (!ref->valid)
		return true;
	smp_wmb();	/* no valid sequence, then the numbers, then the new sequence */
	if (nst_write_gpa(vcpu->vm, nst_gpa_add(page_gpa(vcpu->vm->hv), body), &numbers,
			  sizeof(numbers)))
		return false;
	smp_wmb();	/* the numbers before the sequence */
	ref->sequence = next_sequence(ref->sequence);
	return !write_sequence(vcpu, ref->sequence);
}

/* A page that came with the guest's memory: what it says, if anything. */
static bool adopt_page(struct nst_vcpu *vcpu, struct nst_hv_reference *ref)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;
	struct ms_hyperv_tsc_page page;

	if (nst_read_gpa(vcpu->vm, page_gpa(hv), &page, sizeof(page)))
		return false;
	ref->sequence = page.tsc_sequence;
	ref->valid = page.tsc_sequence != NST_HV_TSC_INVALID;
	ref->scale = page.tsc_scale;
	ref->offset = page.tsc_offset;
	return true;
}

static bool same(const struct nst_hv_reference *a, const struct nst_hv_reference *b)
{
	return a->valid == b->valid &&
	       (!a->valid || (a->scale == b->scale && a->offset == b->offset));
}

static void update_page(struct nst_vcpu *vcpu, u64 tsc, u64 ns, bool stable)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;
	struct nst_hv_reference old = hv->reference, new;
	bool restored = hv->tsc_page_state == NST_HV_PAGE_RESTORED;

	lockdep_assert_held(&hv->lock);
	if (restored && !adopt_page(vcpu, &old))
		return;
	/*
	 * A guest that asked for emulation of the TSC goes on with the page that it has,
	 * until it has seen that its TSC changed and says that it can do without.
	 */
	if (hv->tsc_emulation && hv->tsc_page_state != NST_HV_PAGE_NEW) {
		if (restored)
			set_reference(hv, &old);
		hv->tsc_page_state = NST_HV_PAGE_LIVE;
		return;
	}
	new = old;
	make_reference(vcpu, &new, tsc, ns, stable);
	if (hv->tsc_page_state != NST_HV_PAGE_LIVE || !same(&new, &old)) {
		/* Nothing can be done when the page is not memory: the guest put it there. */
		if (!write_page(vcpu, &new))
			new.valid = false;
		set_reference(hv, &new);
	}
	hv->tsc_page_state = NST_HV_PAGE_LIVE;
}

/**
 * nst_hv_clock_update() - make the TSC page tell the time again: NST_REQ_CLOCK
 * @vcpu: loaded vCPU, own thread; srcu held, may sleep
 * @tsc: its TSC at a moment
 * @ns: kvmclock at that moment
 * @stable: the pair holds for all vCPUs, and from now on
 */
void nst_hv_clock_update(struct nst_vcpu *vcpu, u64 tsc, u64 ns, bool stable)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;

	if (likely(!(READ_ONCE(hv->tsc_page) & PAGE_ON)))
		return;
	mutex_lock(&hv->lock);
	if (hv->tsc_page & PAGE_ON)
		update_page(vcpu, tsc, ns, stable);
	mutex_unlock(&hv->lock);
}

/**
 * nst_hv_get_tsc_page() - RDMSR of REFERENCE_TSC
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * Return: 0.
 */
int nst_hv_get_tsc_page(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	a->val = READ_ONCE(vcpu->vm->hv->tsc_page);
	return 0;
}

/**
 * nst_hv_set_tsc_page() - WRMSR of REFERENCE_TSC
 * @vcpu: loaded vCPU
 * @a: the access: a page's address, and an enable bit
 *
 * The page is written before the guest goes on.
 *
 * Return: 0.
 */
int nst_hv_set_tsc_page(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;
	struct nst_hv_reference none = {};

	mutex_lock(&hv->lock);
	none.sequence = hv->reference.sequence;
	set_reference(hv, &none);
	hv->tsc_page_state = a->host ? NST_HV_PAGE_RESTORED : NST_HV_PAGE_NEW;
	WRITE_ONCE(hv->tsc_page, a->val);
	mutex_unlock(&hv->lock);
	if (a->val & PAGE_ON)
		nst_request(vcpu, NST_REQ_CLOCK);
	return 0;
}

static u64 *reenlightenment_register(struct nst_hv_vm *hv, u32 index)
{
	switch (index) {
	case HV_X64_MSR_REENLIGHTENMENT_CONTROL:
		return &hv->reenlightenment;
	case HV_X64_MSR_TSC_EMULATION_CONTROL:
		return &hv->tsc_emulation;
	default:
		return &hv->tsc_emulation_status;
	}
}

/**
 * nst_hv_get_reenlightenment() - RDMSR of the three MSRs of a TSC that changes
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * Return: 0.
 */
int nst_hv_get_reenlightenment(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;

	mutex_lock(&hv->lock);
	a->val = *reenlightenment_register(hv, a->index);
	mutex_unlock(&hv->lock);
	return 0;
}

/**
 * nst_hv_set_reenlightenment() - WRMSR of the three MSRs of a TSC that changes
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * We emulate no TSC: a guest is moved to where its TSC goes on at the same rate, so it is
 * never told of a change.
 *
 * Return: 0; -EINVAL when the guest says that emulation goes on.
 */
int nst_hv_set_reenlightenment(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;

	if (a->index == HV_X64_MSR_TSC_EMULATION_STATUS && a->val && !a->host)
		return -EINVAL;
	mutex_lock(&hv->lock);
	*reenlightenment_register(hv, a->index) = a->val;
	mutex_unlock(&hv->lock);
	/* What the page was kept from saying. */
	if (a->index == HV_X64_MSR_TSC_EMULATION_CONTROL && !a->val)
		nst_request(vcpu, NST_REQ_CLOCK);
	return 0;
}
