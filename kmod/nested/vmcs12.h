/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmcs12: the VMCS that an L1 hypervisor describes its L2 with.
 *
 * One row a field makes everything: the member of the struct, its place, its
 * width, whether VMWRITE may change it and which capability makes it exist.
 * Encodings and their names come from <asm/vmx.h>.
 *
 * The struct is also the format of a VMCS region in L1's memory and of the
 * vmcs12 in KVM_GET_NESTED_STATE.  Layout and revision are those of KVM, so that
 * a machine with an L2 can move between the two: the order of the rows is fixed.
 */
#ifndef NST_VMCS12_H
#define NST_VMCS12_H

#include "nvmx_pure.h"

/* Names this layout; bit 31 of a region's first word is the shadow-VMCS indicator. */
#define NVMX_REVISION		0x11e57ed0u
#define NVMX_REGION_SIZE	4096

/*
 * F(width, access, encoding, member, need): @need is ALWAYS or the VMX_FEATURE_
 * name of the control without which the field does not exist.  R(width, member,
 * count): places of fields that our CPU does not have.
 */
#define NVMX_FIELDS_64(F, R)							\
	F(64, RW, IO_BITMAP_A, io_bitmap_a, ALWAYS)				\
	F(64, RW, IO_BITMAP_B, io_bitmap_b, ALWAYS)				\
	F(64, RW, MSR_BITMAP, msr_bitmap, ALWAYS)				\
	F(64, RW, VM_EXIT_MSR_STORE_ADDR, exit_msr_store_addr, ALWAYS)		\
	F(64, RW, VM_EXIT_MSR_LOAD_ADDR, exit_msr_load_addr, ALWAYS)		\
	F(64, RW, VM_ENTRY_MSR_LOAD_ADDR, entry_msr_load_addr, ALWAYS)		\
	F(64, RW, TSC_OFFSET, tsc_offset, ALWAYS)				\
	F(64, RW, VIRTUAL_APIC_PAGE_ADDR, virtual_apic_addr, VIRTUAL_TPR)	\
	F(64, RW, APIC_ACCESS_ADDR, apic_access_addr, VIRT_APIC_ACCESSES)	\
	F(64, RW, POSTED_INTR_DESC_ADDR, posted_intr_desc, POSTED_INTR)		\
	F(64, RW, EPT_POINTER, ept_pointer, EPT)				\
	F(64, RW, EOI_EXIT_BITMAP0, eoi_exit_bitmap0, VIRT_INTR_DELIVERY)	\
	F(64, RW, EOI_EXIT_BITMAP1, eoi_exit_bitmap1, VIRT_INTR_DELIVERY)	\
	F(64, RW, EOI_EXIT_BITMAP2, eoi_exit_bitmap2, VIRT_INTR_DELIVERY)	\
	F(64, RW, EOI_EXIT_BITMAP3, eoi_exit_bitmap3, VIRT_INTR_DELIVERY)	\
	F(64, RW, XSS_EXIT_BITMAP, xss_exit_bitmap, XSAVES)			\
	F(64, RO, GUEST_PHYSICAL_ADDRESS, guest_physical_address, EPT)		\
	F(64, RW, VMCS_LINK_POINTER, vmcs_link_pointer, ALWAYS)			\
	F(64, RW, GUEST_IA32_DEBUGCTL, guest_debugctl, ALWAYS)			\
	F(64, RW, GUEST_IA32_PAT, guest_pat, ALWAYS)				\
	F(64, RW, GUEST_IA32_EFER, guest_efer, ALWAYS)				\
	R(64, guest_perf_ctl, 1)						\
	F(64, RW, GUEST_PDPTR0, guest_pdptr0, EPT)				\
	F(64, RW, GUEST_PDPTR1, guest_pdptr1, EPT)				\
	F(64, RW, GUEST_PDPTR2, guest_pdptr2, EPT)				\
	F(64, RW, GUEST_PDPTR3, guest_pdptr3, EPT)				\
	R(64, guest_bndcfgs, 1)							\
	F(64, RW, HOST_IA32_PAT, host_pat, ALWAYS)				\
	F(64, RW, HOST_IA32_EFER, host_efer, ALWAYS)				\
	R(64, host_perf_ctl, 1)							\
	F(64, RW, VMREAD_BITMAP, vmread_bitmap, SHADOW_VMCS)			\
	F(64, RW, VMWRITE_BITMAP, vmwrite_bitmap, SHADOW_VMCS)			\
	F(64, RW, VM_FUNCTION_CONTROL, vm_function_control, VMFUNC)		\
	F(64, RW, EPTP_LIST_ADDRESS, eptp_list_addr, VMFUNC)			\
	F(64, RW, PML_ADDRESS, pml_address, PAGE_MOD_LOGGING)			\
	R(64, encls_bitmap, 1)							\
	F(64, RW, TSC_MULTIPLIER, tsc_multiplier, TSC_SCALING)			\
	R(64, reserved64, 1)

#define NVMX_FIELDS_NATURAL(F, R)						\
	F(N, RW, CR0_GUEST_HOST_MASK, cr0_mask, ALWAYS)				\
	F(N, RW, CR4_GUEST_HOST_MASK, cr4_mask, ALWAYS)				\
	F(N, RW, CR0_READ_SHADOW, cr0_shadow, ALWAYS)				\
	F(N, RW, CR4_READ_SHADOW, cr4_shadow, ALWAYS)				\
	F(N, RW, CR3_TARGET_VALUE0, cr3_target0, ALWAYS)			\
	F(N, RW, CR3_TARGET_VALUE1, cr3_target1, ALWAYS)			\
	F(N, RW, CR3_TARGET_VALUE2, cr3_target2, ALWAYS)			\
	F(N, RW, CR3_TARGET_VALUE3, cr3_target3, ALWAYS)			\
	F(N, RO, EXIT_QUALIFICATION, exit_qualification, ALWAYS)		\
	F(N, RO, GUEST_LINEAR_ADDRESS, guest_linear_address, ALWAYS)		\
	F(N, RW, GUEST_CR0, guest_cr0, ALWAYS)					\
	F(N, RW, GUEST_CR3, guest_cr3, ALWAYS)					\
	F(N, RW, GUEST_CR4, guest_cr4, ALWAYS)					\
	F(N, RW, GUEST_ES_BASE, guest_es_base, ALWAYS)				\
	F(N, RW, GUEST_CS_BASE, guest_cs_base, ALWAYS)				\
	F(N, RW, GUEST_SS_BASE, guest_ss_base, ALWAYS)				\
	F(N, RW, GUEST_DS_BASE, guest_ds_base, ALWAYS)				\
	F(N, RW, GUEST_FS_BASE, guest_fs_base, ALWAYS)				\
	F(N, RW, GUEST_GS_BASE, guest_gs_base, ALWAYS)				\
	F(N, RW, GUEST_LDTR_BASE, guest_ldtr_base, ALWAYS)			\
	F(N, RW, GUEST_TR_BASE, guest_tr_base, ALWAYS)				\
	F(N, RW, GUEST_GDTR_BASE, guest_gdtr_base, ALWAYS)			\
	F(N, RW, GUEST_IDTR_BASE, guest_idtr_base, ALWAYS)			\
	F(N, RW, GUEST_DR7, guest_dr7, ALWAYS)					\
	F(N, RW, GUEST_RSP, guest_rsp, ALWAYS)					\
	F(N, RW, GUEST_RIP, guest_rip, ALWAYS)					\
	F(N, RW, GUEST_RFLAGS, guest_rflags, ALWAYS)				\
	F(N, RW, GUEST_PENDING_DBG_EXCEPTIONS, guest_pending_dbg, ALWAYS)	\
	F(N, RW, GUEST_SYSENTER_ESP, guest_sysenter_esp, ALWAYS)		\
	F(N, RW, GUEST_SYSENTER_EIP, guest_sysenter_eip, ALWAYS)		\
	F(N, RW, HOST_CR0, host_cr0, ALWAYS)					\
	F(N, RW, HOST_CR3, host_cr3, ALWAYS)					\
	F(N, RW, HOST_CR4, host_cr4, ALWAYS)					\
	F(N, RW, HOST_FS_BASE, host_fs_base, ALWAYS)				\
	F(N, RW, HOST_GS_BASE, host_gs_base, ALWAYS)				\
	F(N, RW, HOST_TR_BASE, host_tr_base, ALWAYS)				\
	F(N, RW, HOST_GDTR_BASE, host_gdtr_base, ALWAYS)			\
	F(N, RW, HOST_IDTR_BASE, host_idtr_base, ALWAYS)			\
	F(N, RW, HOST_IA32_SYSENTER_ESP, host_sysenter_esp, ALWAYS)		\
	F(N, RW, HOST_IA32_SYSENTER_EIP, host_sysenter_eip, ALWAYS)		\
	F(N, RW, HOST_RSP, host_rsp, ALWAYS)					\
	F(N, RW, HOST_RIP, host_rip, ALWAYS)					\
	R(N, reservedn, 8)

#define NVMX_FIELDS_32(F, R)							\
	F(32, RW, PIN_BASED_VM_EXEC_CONTROL, pin, ALWAYS)			\
	F(32, RW, CPU_BASED_VM_EXEC_CONTROL, proc, ALWAYS)			\
	F(32, RW, EXCEPTION_BITMAP, exception_bitmap, ALWAYS)			\
	F(32, RW, PAGE_FAULT_ERROR_CODE_MASK, pf_mask, ALWAYS)			\
	F(32, RW, PAGE_FAULT_ERROR_CODE_MATCH, pf_match, ALWAYS)		\
	F(32, RW, CR3_TARGET_COUNT, cr3_target_count, ALWAYS)			\
	F(32, RW, VM_EXIT_CONTROLS, exit_ctls, ALWAYS)				\
	F(32, RW, VM_EXIT_MSR_STORE_COUNT, exit_msr_store_count, ALWAYS)	\
	F(32, RW, VM_EXIT_MSR_LOAD_COUNT, exit_msr_load_count, ALWAYS)		\
	F(32, RW, VM_ENTRY_CONTROLS, entry_ctls, ALWAYS)			\
	F(32, RW, VM_ENTRY_MSR_LOAD_COUNT, entry_msr_load_count, ALWAYS)	\
	F(32, RW, VM_ENTRY_INTR_INFO_FIELD, entry_intr_info, ALWAYS)		\
	F(32, RW, VM_ENTRY_EXCEPTION_ERROR_CODE, entry_error_code, ALWAYS)	\
	F(32, RW, VM_ENTRY_INSTRUCTION_LEN, entry_insn_len, ALWAYS)		\
	F(32, RW, TPR_THRESHOLD, tpr_threshold, VIRTUAL_TPR)			\
	F(32, RW, SECONDARY_VM_EXEC_CONTROL, proc2, SEC_CONTROLS)		\
	F(32, RO, VM_INSTRUCTION_ERROR, insn_error, ALWAYS)			\
	F(32, RO, VM_EXIT_REASON, exit_reason, ALWAYS)				\
	F(32, RO, VM_EXIT_INTR_INFO, exit_intr_info, ALWAYS)			\
	F(32, RO, VM_EXIT_INTR_ERROR_CODE, exit_intr_error, ALWAYS)		\
	F(32, RO, IDT_VECTORING_INFO_FIELD, idt_info, ALWAYS)			\
	F(32, RO, IDT_VECTORING_ERROR_CODE, idt_error, ALWAYS)			\
	F(32, RO, VM_EXIT_INSTRUCTION_LEN, exit_insn_len, ALWAYS)		\
	F(32, RO, VMX_INSTRUCTION_INFO, exit_insn_info, ALWAYS)			\
	F(32, RW, GUEST_ES_LIMIT, guest_es_limit, ALWAYS)			\
	F(32, RW, GUEST_CS_LIMIT, guest_cs_limit, ALWAYS)			\
	F(32, RW, GUEST_SS_LIMIT, guest_ss_limit, ALWAYS)			\
	F(32, RW, GUEST_DS_LIMIT, guest_ds_limit, ALWAYS)			\
	F(32, RW, GUEST_FS_LIMIT, guest_fs_limit, ALWAYS)			\
	F(32, RW, GUEST_GS_LIMIT, guest_gs_limit, ALWAYS)			\
	F(32, RW, GUEST_LDTR_LIMIT, guest_ldtr_limit, ALWAYS)			\
	F(32, RW, GUEST_TR_LIMIT, guest_tr_limit, ALWAYS)			\
	F(32, RW, GUEST_GDTR_LIMIT, guest_gdtr_limit, ALWAYS)			\
	F(32, RW, GUEST_IDTR_LIMIT, guest_idtr_limit, ALWAYS)			\
	F(32, RW, GUEST_ES_AR_BYTES, guest_es_ar, ALWAYS)			\
	F(32, RW, GUEST_CS_AR_BYTES, guest_cs_ar, ALWAYS)			\
	F(32, RW, GUEST_SS_AR_BYTES, guest_ss_ar, ALWAYS)			\
	F(32, RW, GUEST_DS_AR_BYTES, guest_ds_ar, ALWAYS)			\
	F(32, RW, GUEST_FS_AR_BYTES, guest_fs_ar, ALWAYS)			\
	F(32, RW, GUEST_GS_AR_BYTES, guest_gs_ar, ALWAYS)			\
	F(32, RW, GUEST_LDTR_AR_BYTES, guest_ldtr_ar, ALWAYS)			\
	F(32, RW, GUEST_TR_AR_BYTES, guest_tr_ar, ALWAYS)			\
	F(32, RW, GUEST_INTERRUPTIBILITY_INFO, guest_interruptibility, ALWAYS)	\
	F(32, RW, GUEST_ACTIVITY_STATE, guest_activity, ALWAYS)			\
	F(32, RW, GUEST_SYSENTER_CS, guest_sysenter_cs, ALWAYS)			\
	F(32, RW, HOST_IA32_SYSENTER_CS, host_sysenter_cs, ALWAYS)		\
	F(32, RW, VMX_PREEMPTION_TIMER_VALUE, preemption_timer, PREEMPTION_TIMER) \
	F(32, RW, PLE_GAP, ple_gap, PAUSE_LOOP_EXITING)				\
	F(32, RW, PLE_WINDOW, ple_window, PAUSE_LOOP_EXITING)			\
	R(32, reserved32, 5)

#define NVMX_FIELDS_16(F, R)							\
	F(16, RW, VIRTUAL_PROCESSOR_ID, vpid, VPID)				\
	F(16, RW, POSTED_INTR_NV, posted_intr_nv, POSTED_INTR)			\
	F(16, RW, GUEST_ES_SELECTOR, guest_es_sel, ALWAYS)			\
	F(16, RW, GUEST_CS_SELECTOR, guest_cs_sel, ALWAYS)			\
	F(16, RW, GUEST_SS_SELECTOR, guest_ss_sel, ALWAYS)			\
	F(16, RW, GUEST_DS_SELECTOR, guest_ds_sel, ALWAYS)			\
	F(16, RW, GUEST_FS_SELECTOR, guest_fs_sel, ALWAYS)			\
	F(16, RW, GUEST_GS_SELECTOR, guest_gs_sel, ALWAYS)			\
	F(16, RW, GUEST_LDTR_SELECTOR, guest_ldtr_sel, ALWAYS)			\
	F(16, RW, GUEST_TR_SELECTOR, guest_tr_sel, ALWAYS)			\
	F(16, RW, GUEST_INTR_STATUS, guest_intr_status, VIRT_INTR_DELIVERY)	\
	F(16, RW, HOST_ES_SELECTOR, host_es_sel, ALWAYS)			\
	F(16, RW, HOST_CS_SELECTOR, host_cs_sel, ALWAYS)			\
	F(16, RW, HOST_SS_SELECTOR, host_ss_sel, ALWAYS)			\
	F(16, RW, HOST_DS_SELECTOR, host_ds_sel, ALWAYS)			\
	F(16, RW, HOST_FS_SELECTOR, host_fs_sel, ALWAYS)			\
	F(16, RW, HOST_GS_SELECTOR, host_gs_sel, ALWAYS)			\
	F(16, RW, HOST_TR_SELECTOR, host_tr_sel, ALWAYS)			\
	F(16, RW, GUEST_PML_INDEX, pml_index, PAGE_MOD_LOGGING)

#define NVMX_FIELDS(F, R)							\
	NVMX_FIELDS_64(F, R) NVMX_FIELDS_NATURAL(F, R) NVMX_FIELDS_32(F, R) NVMX_FIELDS_16(F, R)

/* Launch state, SDM3 "Organization of VMCS Data" leaves it to the processor. */
#define NVMX_CLEAR		0
#define NVMX_LAUNCHED		1

#define NVMX_MEMBER_64		u64
#define NVMX_MEMBER_N		u64
#define NVMX_MEMBER_32		u32
#define NVMX_MEMBER_16		u16

/**
 * struct nvmx_vmcs12 - one VMCS as L1 knows it
 * @revision: NVMX_REVISION
 * @abort: VMX-abort indicator
 * @launch_state: NVMX_CLEAR or NVMX_LAUNCHED
 *
 * The other members are made from NVMX_FIELDS.
 */
struct nvmx_vmcs12 {
	u32 revision;
	u32 abort;
	u32 launch_state;
	u32 reserved[7];
#define F(width, access, encoding, member, need) NVMX_MEMBER_##width member;
#define R(width, member, count) NVMX_MEMBER_##width member[count];
	NVMX_FIELDS(F, R)
#undef F
#undef R
};

static_assert(sizeof(struct nvmx_vmcs12) <= NVMX_REGION_SIZE);
/* Where the blocks are, and the last of each. */
static_assert(offsetof(struct nvmx_vmcs12, io_bitmap_a) == 40);
static_assert(offsetof(struct nvmx_vmcs12, tsc_multiplier) == 328);
static_assert(offsetof(struct nvmx_vmcs12, cr0_mask) == 344);
static_assert(offsetof(struct nvmx_vmcs12, host_rip) == 672);
static_assert(offsetof(struct nvmx_vmcs12, pin) == 744);
static_assert(offsetof(struct nvmx_vmcs12, preemption_timer) == 928);
static_assert(offsetof(struct nvmx_vmcs12, vpid) == 960);
static_assert(offsetof(struct nvmx_vmcs12, pml_index) == 996);

/* Bits 14:13 of an encoding, SDM3 "VMCS-Field Encodings". */
enum nvmx_width { NVMX_WIDTH_16, NVMX_WIDTH_64, NVMX_WIDTH_32, NVMX_WIDTH_N };

/* Bits 11:10. */
enum nvmx_type { NVMX_TYPE_CONTROL, NVMX_TYPE_EXIT, NVMX_TYPE_GUEST, NVMX_TYPE_HOST };

/**
 * struct nvmx_field - a row of the table of fields
 * @name: as <asm/vmx.h> spells it; NULL: no such field
 * @offset: in struct nvmx_vmcs12
 * @bytes: size there
 * @width: enum nvmx_width
 * @read_only: VMWRITE fails
 * @need: 1 + VMX_FEATURE_* of the control that it belongs to, or 0
 */
struct nvmx_field {
	const char *name;
	u16 offset;
	u8 bytes;
	u8 width;
	bool read_only;
	u16 need;
};

struct nvmx_caps;

const struct nvmx_field *nvmx_field(const struct nvmx_caps *caps, u64 encoding);
u64 nvmx_field_read(const struct nvmx_vmcs12 *v, const struct nvmx_field *f, u64 encoding);
u64 nvmx_field_half(u64 val, u64 encoding);
u64 nvmx_field_merge(u64 old, u64 encoding, u64 val);
enum nvmx_type nvmx_field_type(u64 encoding);
bool nvmx_field_write(struct nvmx_vmcs12 *v, const struct nvmx_field *f, u64 encoding, u64 val);
u32 nvmx_last_field(const struct nvmx_caps *caps);
const struct nvmx_field *nvmx_field_row(unsigned int i, u32 *encoding);

#endif /* NST_VMCS12_H */
