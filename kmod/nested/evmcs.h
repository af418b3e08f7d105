/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The enlightened VMCS: a VMCS whose layout L1 knows, so that it reads and writes
 * memory in place of VMREAD and VMWRITE.  Private to nested VMX.
 * TLFS "Nested Virtualization", "Enlightened VMCS".
 */
#ifndef NST_NVMX_EVMCS_H
#define NST_NVMX_EVMCS_H

#include <linux/mm.h>
#include "nvmx.h"
#include <asm/hyperv-tlfs.h>

/* The versions that we know: the lowest in the low byte, the highest in the high one. */
#define NVMX_EVMCS_VERSION	1
#define NVMX_EVMCS_VERSIONS	(NVMX_EVMCS_VERSION << 8 | NVMX_EVMCS_VERSION)

/* nvmx_evmcs.ptr after KVM_SET_NESTED_STATE: L1's VP assist page will tell. */
#define NVMX_EVMCS_ASK		(~1ull)

/**
 * struct nvmx_evmcs - vcpu->nested->evmcs: there when the capability is enabled
 * @ptr: (v) the active enlightened VMCS in L1's memory, NVMX_NO_POINTER, NVMX_EVMCS_ASK.
 *	Its contents are in nvmx->v, as those of a current VMCS are.
 * @caps: (v) L1's capabilities without what has no field in an enlightened VMCS
 * @has_bitmap: (v) @bitmap is what L2's accesses to MSRs go by
 * @copy: (v) the page as it was read at the entry
 * @bitmap: (v) L1's MSR bitmap as it was when L1 said last that it had changed it
 */
struct nvmx_evmcs {
	u64 ptr;
	struct nvmx_caps caps;
	bool has_bitmap;
	struct hv_enlightened_vmcs copy;
	u8 bitmap[PAGE_SIZE];
};

/* What an entry finds in the VP assist page. */
enum nvmx_evmcs_found {
	NVMX_EVMCS_NONE,	/* entries go by the current VMCS */
	NVMX_EVMCS_LOADED,	/* nvmx->v is that of an enlightened one */
	NVMX_EVMCS_NO_MEMORY,	/* no page of memory is there */
	NVMX_EVMCS_REFUSED,	/* another version */
};

static inline struct nvmx_evmcs *nvmx_evmcs(const struct nst_vcpu *vcpu)
{
	return vcpu->nested->evmcs;
}

/* Is nvmx->v an enlightened VMCS? */
static inline bool nvmx_evmcs_active(const struct nst_vcpu *vcpu)
{
	return nvmx_evmcs(vcpu) && nvmx_evmcs(vcpu)->ptr != NVMX_NO_POINTER;
}

/* evmcs.c: its fields */
void nvmx_evmcs_take(struct nvmx *nvmx, const struct hv_enlightened_vmcs *from, u32 clean);
void nvmx_evmcs_give(struct hv_enlightened_vmcs *to, const struct nvmx_vmcs12 *v);
bool nvmx_evmcs_place(u64 encoding, u32 *offset, u32 *bytes);

/* vmx_evmcs.c: its life */
enum nvmx_evmcs_found nvmx_evmcs_load(struct nst_vcpu *vcpu, bool launch);
void nvmx_evmcs_drop(struct nst_vcpu *vcpu);
bool nvmx_evmcs_clear(struct nst_vcpu *vcpu, u64 ptr);
void nvmx_evmcs_publish(struct nst_vcpu *vcpu);
void nvmx_evmcs_put_u32(struct nst_vcpu *vcpu, u32 offset, u32 val);
bool nvmx_evmcs_read(struct nst_vcpu *vcpu, u64 encoding, u64 *val);
bool nvmx_evmcs_save(struct nst_vcpu *vcpu);
void nvmx_evmcs_restore(struct nst_vcpu *vcpu);
enum nst_next nvmx_evmcs_complete(struct nst_vcpu *vcpu);
bool nvmx_evmcs_filters(const struct nst_vcpu *vcpu);

#endif /* NST_NVMX_EVMCS_H */
