// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of an enlightened VMCS.  L1's VP assist page says which one an entry goes
 * by; the page is read once there and written when L1 goes on, so that L1's memory is
 * all that matters while L1 runs.  No VMPTRLD makes it active, VMCLEAR ends that.
 * TLFS "Nested Virtualization", "Enlightened VMCS".
 */
#include "../nestor.h"
#include <linux/kernel.h>
#include <linux/string.h>
#include "../core.h"
#include "../guestmem.h"
#include "../hyperv/hyperv.h"
#include "evmcs.h"

/* The part of the VP assist page that is about it. */
struct assist_part {
	u8 enlighten_vmentry;
	u8 reserved[7];
	u64 current_nested_vmcs;
};

#define ASSIST_PART	offsetof(struct hv_vp_assist_page, enlighten_vmentry)

static_assert(offsetof(struct hv_vp_assist_page, current_nested_vmcs) - ASSIST_PART ==
	      offsetof(struct assist_part, current_nested_vmcs));

/* What an exit changes: from one member of the page to another. */
#define SPAN(first, last)							\
	{ offsetof(struct hv_enlightened_vmcs, first),				\
	  offsetofend(struct hv_enlightened_vmcs, last) -			\
	  offsetof(struct hv_enlightened_vmcs, first) }

static const struct {
	u16 from;
	u16 len;
} written_at_exit[] = {
	SPAN(guest_es_selector, guest_idtr_base),
	SPAN(guest_ia32_debugctl, guest_sysenter_cs),
	SPAN(guest_cr0, guest_dr7),
	SPAN(guest_physical_address, guest_interruptibility_info),
	SPAN(vm_entry_controls, vm_entry_intr_info_field),
	SPAN(guest_rip, hv_clean_fields),
};

#undef SPAN

/**
 * nvmx_evmcs_filters() - are L1's capability MSRs those of enlightened VMCSs?
 * @vcpu: the vCPU
 *
 * Return: true for a guest that may use them, whether it does or not.
 */
bool nvmx_evmcs_filters(const struct nst_vcpu *vcpu)
{
	return nvmx_evmcs(vcpu) && nst_guest_has(vcpu, NST_GCAP_HYPERV);
}

/* False: entries go by VMPTRLD's VMCS. */
static bool ask_assist_page(struct nst_vcpu *vcpu, u64 *ptr)
{
	nst_gpa_t gpa = nst_hv_assist_gpa(vcpu);
	struct assist_part part;

	if (!nvmx_evmcs_filters(vcpu) || gpa == NST_GPA_INVALID ||
	    nst_vcpu_read_gpa(vcpu, nst_gpa(nst_gpa_raw(gpa) + ASSIST_PART), &part,
			      sizeof(part)) ||
	    !part.enlighten_vmentry)
		return false;
	*ptr = part.current_nested_vmcs;
	return true;
}

static bool read_page(struct nst_vcpu *vcpu, u64 ptr)
{
	struct nvmx_evmcs *evmcs = nvmx_evmcs(vcpu);

	return !(ptr & ~NST_PAGE_MASK) && !(ptr >> vcpu->maxphyaddr) &&
	       !nst_vcpu_read_gpa(vcpu, nst_gpa(ptr), &evmcs->copy, sizeof(evmcs->copy));
}

/* Hyper-V itself has IA32_VMX_BASIC's number there and not the one of its specification. */
static bool version_known(const struct hv_enlightened_vmcs *page)
{
	return page->revision_id == NVMX_EVMCS_VERSION || page->revision_id == NVMX_REVISION;
}

static void reduce_caps(struct nst_vcpu *vcpu)
{
	nvmx_evmcs(vcpu)->caps = to_nvmx(vcpu)->caps;
	nvmx_caps_reduce(&nvmx_evmcs(vcpu)->caps);
}

/*
 * TLFS "Enlightened MSR Bitmap": with it L1's bitmap is what it was when the clean bit
 * was clear last, without it each access is looked up.
 */
static void take_bitmap(struct nst_vcpu *vcpu, u32 clean)
{
	struct nvmx_evmcs *evmcs = nvmx_evmcs(vcpu);
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	if (!evmcs->copy.hv_enlightenments_control.msr_bitmap ||
	    !nvmx_has_proc(v, CPU_BASED_USE_MSR_BITMAPS))
		evmcs->has_bitmap = false;
	else if (!evmcs->has_bitmap || !(clean & HV_VMX_ENLIGHTENED_CLEAN_FIELD_MSR_BITMAP))
		evmcs->has_bitmap = !nst_vcpu_read_gpa(vcpu, nst_gpa(v->msr_bitmap),
						       evmcs->bitmap, sizeof(evmcs->bitmap));
}

/* Nothing is left of what nvmx->v was. */
static void begin_fresh(struct nst_vcpu *vcpu, u64 ptr)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	nvmx_write_back(vcpu);
	memset(nvmx->v, 0, NVMX_REGION_SIZE);
	nvmx->v->revision = NVMX_REVISION;
	nvmx->passed = 0;
	nvmx_evmcs(vcpu)->ptr = ptr;
}

/**
 * nvmx_evmcs_load() - find the VMCS of an entry
 * @vcpu: loaded vCPU, L1 current
 * @launch: VMLAUNCH: clean bits do not count
 *
 * Return: where it is; when it is an enlightened one, there is no current VMCS.
 */
enum nvmx_evmcs_found nvmx_evmcs_load(struct nst_vcpu *vcpu, bool launch)
{
	struct nvmx_evmcs *evmcs = nvmx_evmcs(vcpu);
	enum nvmx_evmcs_found found = NVMX_EVMCS_LOADED;
	u64 ptr;
	u32 clean;

	if (likely(!evmcs))
		return NVMX_EVMCS_NONE;
	if (!ask_assist_page(vcpu, &ptr)) {
		nvmx_evmcs_drop(vcpu);
		return NVMX_EVMCS_NONE;
	}
	if (!read_page(vcpu, ptr))
		found = NVMX_EVMCS_NO_MEMORY;
	else if (!version_known(&evmcs->copy))
		found = NVMX_EVMCS_REFUSED;
	if (found != NVMX_EVMCS_LOADED) {
		nvmx_evmcs_drop(vcpu);
		return found;
	}
	clean = evmcs->copy.hv_clean_fields;
	if (launch || ptr != evmcs->ptr) {
		begin_fresh(vcpu, ptr);
		evmcs->has_bitmap = false;
		clean = 0;
	}
	nvmx_evmcs_take(to_nvmx(vcpu), &evmcs->copy, clean);
	take_bitmap(vcpu, clean);
	reduce_caps(vcpu);
	/* L1 only ever clears them. */
	evmcs->copy.hv_clean_fields |= HV_VMX_ENLIGHTENED_CLEAN_FIELD_ALL;
	return found;
}

/**
 * nvmx_evmcs_drop() - no enlightened VMCS is active
 * @vcpu: the vCPU, L1 current
 *
 * L1's memory has all that there is to know of it.
 */
void nvmx_evmcs_drop(struct nst_vcpu *vcpu)
{
	if (nvmx_evmcs(vcpu))
		nvmx_evmcs(vcpu)->ptr = NVMX_NO_POINTER;
}

/**
 * nvmx_evmcs_clear() - VMCLEAR of what is not the current VMCS
 * @vcpu: loaded vCPU, L1 current
 * @ptr: of the region
 *
 * Return: true when the region has no launch state to be cleared: it is an enlightened
 * VMCS as far as we can tell.
 */
bool nvmx_evmcs_clear(struct nst_vcpu *vcpu, u64 ptr)
{
	u64 unused;

	if (nvmx_evmcs_active(vcpu) && nvmx_evmcs(vcpu)->ptr == ptr) {
		nvmx_evmcs_drop(vcpu);
		return true;
	}
	return ask_assist_page(vcpu, &unused);
}

/* What is in nvmx->v is newer than L1's memory. */
static bool l2_goes_on(const struct nst_vcpu *vcpu)
{
	return nst_in_l2(vcpu) || to_nvmx(vcpu)->smm.guest;
}

/* The pointer, which after KVM_SET_NESTED_STATE is still to be asked for.  False: lost. */
static bool resolve(struct nst_vcpu *vcpu)
{
	struct nvmx_evmcs *evmcs = nvmx_evmcs(vcpu);
	u64 ptr;

	if (evmcs->ptr != NVMX_EVMCS_ASK)
		return true;
	if (!ask_assist_page(vcpu, &ptr) || !read_page(vcpu, ptr) ||
	    !version_known(&evmcs->copy))
		return false;
	evmcs->ptr = ptr;
	/* Where its entry was, before the page could be told. */
	if (l2_goes_on(vcpu))
		evmcs->copy.hv_clean_fields |= HV_VMX_ENLIGHTENED_CLEAN_FIELD_ALL;
	return true;
}

/**
 * nvmx_evmcs_publish() - L1 is about to go on: show it the fields that an exit changes
 * @vcpu: loaded vCPU, L1 current
 *
 * Where L1 took the memory away they are lost.
 */
void nvmx_evmcs_publish(struct nst_vcpu *vcpu)
{
	struct nvmx_evmcs *evmcs = nvmx_evmcs(vcpu);

	if (!nvmx_evmcs_active(vcpu) || !resolve(vcpu))
		return;
	nvmx_evmcs_give(&evmcs->copy, to_nvmx(vcpu)->v);
	for (unsigned int i = 0; i < ARRAY_SIZE(written_at_exit); i++) {
		const u16 from = written_at_exit[i].from;

		nst_vcpu_write_gpa(vcpu, nst_gpa(evmcs->ptr + from), (u8 *)&evmcs->copy + from,
				   written_at_exit[i].len);
	}
}

/**
 * nvmx_evmcs_put_u32() - show L1 one field
 * @vcpu: loaded vCPU, L1 current
 * @offset: in the page
 * @val: value
 */
void nvmx_evmcs_put_u32(struct nst_vcpu *vcpu, u32 offset, u32 val)
{
	if (nvmx_evmcs_active(vcpu) && resolve(vcpu))
		nst_vcpu_write_gpa(vcpu, nst_gpa(nvmx_evmcs(vcpu)->ptr + offset), &val,
				   sizeof(val));
}

/**
 * nvmx_evmcs_read() - VMREAD while an enlightened VMCS is active
 * @vcpu: loaded vCPU, L1 current
 * @encoding: of a field that L1's CPU has
 * @val: set to the field's value, 0 where L1 took the memory away
 *
 * TLFS says that L1 must not; some versions of Windows do.
 *
 * Return: false when an enlightened VMCS has no such field.
 */
bool nvmx_evmcs_read(struct nst_vcpu *vcpu, u64 encoding, u64 *val)
{
	u32 offset, bytes;

	if (!nvmx_evmcs_place(encoding, &offset, &bytes))
		return false;
	*val = 0;
	if (!resolve(vcpu) ||
	    nst_vcpu_read_gpa(vcpu, nst_gpa(nvmx_evmcs(vcpu)->ptr + offset), val, bytes))
		*val = 0;
	*val = nvmx_field_half(*val, encoding);
	return true;
}

/* ---- KVM_GET_NESTED_STATE, KVM_SET_NESTED_STATE ---- */

/**
 * nvmx_evmcs_save() - is there one that the state has to tell of?
 * @vcpu: loaded vCPU
 *
 * While L1 runs its memory is newer than nvmx->v, which is made the same: KVM copies
 * it the other way when the state is set.
 *
 * Return: true when there is; nvmx->v is it.
 */
bool nvmx_evmcs_save(struct nst_vcpu *vcpu)
{
	struct nvmx_evmcs *evmcs = nvmx_evmcs(vcpu);
	u64 ptr;

	if (!nvmx_evmcs_active(vcpu))
		return false;
	if (l2_goes_on(vcpu) || evmcs->ptr == NVMX_EVMCS_ASK)
		return true;
	/* L1 is about to enter another L2: of this one nothing is missing in memory. */
	if (!ask_assist_page(vcpu, &ptr) || ptr != evmcs->ptr || !read_page(vcpu, ptr))
		return false;
	nvmx_evmcs_take(to_nvmx(vcpu), &evmcs->copy, 0);
	return true;
}

/**
 * nvmx_evmcs_restore() - nvmx->v was set and is an enlightened VMCS
 * @vcpu: loaded vCPU with the capability
 *
 * Neither L1's memory nor the MSR of its VP assist page need to be there yet.
 */
void nvmx_evmcs_restore(struct nst_vcpu *vcpu)
{
	struct nvmx_evmcs *evmcs = nvmx_evmcs(vcpu);

	evmcs->ptr = NVMX_EVMCS_ASK;
	evmcs->has_bitmap = false;
	reduce_caps(vcpu);
	nst_request(vcpu, NST_REQ_NESTED);
}

/**
 * nvmx_evmcs_complete() - nst_isa.complete: now they are
 * @vcpu: loaded vCPU, about to run
 *
 * Return: NST_ENTER, or what userspace is told when L2 could never exit.
 */
enum nst_next nvmx_evmcs_complete(struct nst_vcpu *vcpu)
{
	if (!nvmx_evmcs_active(vcpu))
		return NST_ENTER;
	if (resolve(vcpu)) {
		if (!l2_goes_on(vcpu))
			nvmx_evmcs_publish(vcpu);
		return NST_ENTER;
	}
	if (!l2_goes_on(vcpu)) {
		nvmx_evmcs_drop(vcpu);
		return NST_ENTER;
	}
	nst_request(vcpu, NST_REQ_NESTED);
	return nst_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
}
