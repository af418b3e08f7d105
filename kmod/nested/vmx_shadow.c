// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCS shadowing below L1: while L1 runs, the fields that it uses at each exit
 * of its L2 are in a VMCS of the backend's, where VMREAD and VMWRITE reach them
 * without an exit.  What L1 wrote is fetched when the VMCS is used next, what an
 * exit of L2 changed is published before L1 runs.
 * SDM3 "VMCS Shadowing", "VMREAD and VMWRITE Bitmaps".
 */
#include "../nestor.h"
#include <linux/kernel.h>
#include <linux/string.h>
#include "nvmx.h"

/* W: L1 may write the field.  Those that it may only read follow. */
#define NVMX_SHADOW(W, R)						\
	W(GUEST_RIP, guest_rip)						\
	W(GUEST_RSP, guest_rsp)						\
	W(GUEST_RFLAGS, guest_rflags)					\
	W(GUEST_CR0, guest_cr0)						\
	W(GUEST_CR3, guest_cr3)						\
	W(GUEST_CR4, guest_cr4)						\
	W(GUEST_CS_AR_BYTES, guest_cs_ar)				\
	W(GUEST_SS_AR_BYTES, guest_ss_ar)				\
	W(GUEST_ACTIVITY_STATE, guest_activity)				\
	W(GUEST_INTERRUPTIBILITY_INFO, guest_interruptibility)		\
	W(GUEST_PENDING_DBG_EXCEPTIONS, guest_pending_dbg)		\
	W(VM_ENTRY_INTR_INFO_FIELD, entry_intr_info)			\
	W(VM_ENTRY_EXCEPTION_ERROR_CODE, entry_error_code)		\
	W(VM_ENTRY_INSTRUCTION_LEN, entry_insn_len)			\
	W(CPU_BASED_VM_EXEC_CONTROL, proc)				\
	W(EXCEPTION_BITMAP, exception_bitmap)				\
	W(TPR_THRESHOLD, tpr_threshold)					\
	W(VMX_PREEMPTION_TIMER_VALUE, preemption_timer)			\
	W(CR0_READ_SHADOW, cr0_shadow)					\
	W(CR4_READ_SHADOW, cr4_shadow)					\
	W(HOST_RSP, host_rsp)						\
	W(HOST_RIP, host_rip)						\
	W(HOST_CR3, host_cr3)						\
	W(HOST_CR4, host_cr4)						\
	W(HOST_FS_SELECTOR, host_fs_sel)				\
	W(HOST_GS_SELECTOR, host_gs_sel)				\
	W(HOST_FS_BASE, host_fs_base)					\
	W(HOST_GS_BASE, host_gs_base)					\
	R(VM_EXIT_REASON, exit_reason)					\
	R(EXIT_QUALIFICATION, exit_qualification)			\
	R(VM_EXIT_INTR_INFO, exit_intr_info)				\
	R(VM_EXIT_INTR_ERROR_CODE, exit_intr_error)			\
	R(VM_EXIT_INSTRUCTION_LEN, exit_insn_len)			\
	R(VMX_INSTRUCTION_INFO, exit_insn_info)				\
	R(IDT_VECTORING_INFO_FIELD, idt_info)				\
	R(IDT_VECTORING_ERROR_CODE, idt_error)				\
	R(GUEST_LINEAR_ADDRESS, guest_linear_address)			\
	R(GUEST_PHYSICAL_ADDRESS, guest_physical_address)

#define NONE(encoding, member)
#define ENCODING(encoding, member)	encoding,
static const u32 nvmx_shadow_encodings[] = { NVMX_SHADOW(ENCODING, ENCODING) };
static const u32 nvmx_shadow_writable[] = { NVMX_SHADOW(ENCODING, NONE) };

#define NR_SHADOW	ARRAY_SIZE(nvmx_shadow_encodings)
#define NR_WRITABLE	ARRAY_SIZE(nvmx_shadow_writable)

/* Where a field is in struct nvmx_vmcs12. */
#define PLACE(encoding, member)						\
	{ offsetof(struct nvmx_vmcs12, member), sizeof(((struct nvmx_vmcs12 *)0)->member) },
static const struct {
	u16 offset;
	u8 bytes;
} nvmx_shadow_places[] = { NVMX_SHADOW(PLACE, PLACE) };

/**
 * nst_vmcs_shadow_fields() - see backend.h
 * @encodings: set to the encodings, those that L1 may write first
 * @nr_writable: set to how many these are
 *
 * Return: how many there are.
 */
unsigned int nst_vmcs_shadow_fields(const u32 **encodings, unsigned int *nr_writable)
{
	*encodings = nvmx_shadow_encodings;
	*nr_writable = NR_WRITABLE;
	return NR_SHADOW;
}

/* A field that L1's CPU lacks must fail there: then no access is left to hardware. */
static bool nvmx_shadow_possible(const struct nvmx_caps *caps)
{
	for (unsigned int i = 0; i < NR_SHADOW; i++)
		if (!nvmx_field(caps, nvmx_shadow_encodings[i]))
			return false;
	return nst_caps.vmcs_shadow;
}

/**
 * nvmx_shadow_begin() - VMX operation begins
 * @vcpu: loaded vCPU, its capabilities final
 */
void nvmx_shadow_begin(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	nvmx->shadow_possible = nvmx_shadow_possible(&nvmx->caps);
	nvmx->shadow_live = false;
}

/**
 * nvmx_is_shadowed() - may hardware have changed the field behind our back?
 * @nvmx: L1's VMX
 * @encoding: the field
 *
 * Return: true when nvmx_shadow_fetch() has to come before reading it.
 */
bool nvmx_is_shadowed(const struct nvmx *nvmx, u64 encoding)
{
	if (!nvmx->shadow_live)
		return false;
	for (unsigned int i = 0; i < NR_SHADOW; i++)
		if (nvmx_shadow_encodings[i] == (encoding & ~1ull))
			return true;
	return false;
}

/**
 * nvmx_shadow_fetch() - take what L1 has written
 * @vcpu: loaded vCPU
 */
void nvmx_shadow_fetch(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	u64 vals[NR_WRITABLE];

	if (!nvmx->shadow_live)
		return;
	nst_backend->vmcs_shadow_read(vcpu, nvmx_shadow_encodings, vals, NR_WRITABLE);
	for (unsigned int i = 0; i < NR_WRITABLE; i++) {
		void *at = (u8 *)nvmx->v + nvmx_shadow_places[i].offset;

		if (!memcmp(at, &vals[i], nvmx_shadow_places[i].bytes))
			continue;
		memcpy(at, &vals[i], nvmx_shadow_places[i].bytes);
		nvmx_distrust(nvmx, nvmx_field_type(nvmx_shadow_encodings[i]));
	}
}

/**
 * nvmx_shadow_publish() - L1 is about to run: give it its current VMCS, or none
 * @vcpu: loaded vCPU, L1 current
 */
void nvmx_shadow_publish(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	bool on = nvmx->shadow_possible && nvmx->root && nvmx->vmptr != NVMX_NO_POINTER;
	u64 vals[NR_SHADOW];

	nvmx->shadow_live = on;
	for (unsigned int i = 0; on && i < NR_SHADOW; i++) {
		vals[i] = 0;
		memcpy(&vals[i], (u8 *)nvmx->v + nvmx_shadow_places[i].offset,
		       nvmx_shadow_places[i].bytes);
	}
	if (on)
		nst_backend->vmcs_shadow_write(vcpu, nvmx_shadow_encodings, vals, NR_SHADOW);
	if (on == nst_own_ctl(vcpu)->vmcs_shadow)
		return;
	nst_own_ctl(vcpu)->vmcs_shadow = on;
	nst_ctl_changed(vcpu, NST_CTL_TRAPS);
}
