// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fields of an enlightened VMCS, a row each in the order of its page: which clean
 * bit L1 clears when it changes the field, and which field of a VMCS it is.
 * TLFS "HV_VMX_ENLIGHTENED_VMCS", "Clean Fields".
 */
#include "../nestor.h"
#include <linux/string.h>
#include "evmcs.h"

/* What an exit fills in: L1 has nothing to tell in it. */
#define OUT_ONLY	BIT(31)

#define PLACES(in_page, encoding_, in_vmcs)					\
	.from = offsetof(struct hv_enlightened_vmcs, in_page),			\
	.to = offsetof(struct nvmx_vmcs12, in_vmcs),				\
	.bytes = sizeof_field(struct hv_enlightened_vmcs, in_page) +		\
		 BUILD_BUG_ON_ZERO(sizeof_field(struct hv_enlightened_vmcs, in_page) != \
				   sizeof_field(struct nvmx_vmcs12, in_vmcs)),	\
	.encoding = encoding_

/*
 * A field of no group is read at each entry, one of group ALL when any clean bit is
 * clear.
 */
#define IN(group_, ...)								\
	{ .group = HV_VMX_ENLIGHTENED_CLEAN_FIELD_##group_, PLACES(__VA_ARGS__) }
#define OUT(...)	{ .group = OUT_ONLY, PLACES(__VA_ARGS__) }

static const struct evmcs_row {
	u32 group;
	u16 from;
	u16 to;
	u16 encoding;
	u8 bytes;
} evmcs_rows[] = {
	IN(HOST_GRP1, host_es_selector, HOST_ES_SELECTOR, host_es_sel),
	IN(HOST_GRP1, host_cs_selector, HOST_CS_SELECTOR, host_cs_sel),
	IN(HOST_GRP1, host_ss_selector, HOST_SS_SELECTOR, host_ss_sel),
	IN(HOST_GRP1, host_ds_selector, HOST_DS_SELECTOR, host_ds_sel),
	IN(HOST_GRP1, host_fs_selector, HOST_FS_SELECTOR, host_fs_sel),
	IN(HOST_GRP1, host_gs_selector, HOST_GS_SELECTOR, host_gs_sel),
	IN(HOST_GRP1, host_tr_selector, HOST_TR_SELECTOR, host_tr_sel),
	IN(HOST_GRP1, host_ia32_pat, HOST_IA32_PAT, host_pat),
	IN(HOST_GRP1, host_ia32_efer, HOST_IA32_EFER, host_efer),
	IN(HOST_GRP1, host_cr0, HOST_CR0, host_cr0),
	IN(HOST_GRP1, host_cr3, HOST_CR3, host_cr3),
	IN(HOST_GRP1, host_cr4, HOST_CR4, host_cr4),
	IN(HOST_GRP1, host_ia32_sysenter_esp, HOST_IA32_SYSENTER_ESP, host_sysenter_esp),
	IN(HOST_GRP1, host_ia32_sysenter_eip, HOST_IA32_SYSENTER_EIP, host_sysenter_eip),
	IN(HOST_GRP1, host_rip, HOST_RIP, host_rip),
	IN(HOST_GRP1, host_ia32_sysenter_cs, HOST_IA32_SYSENTER_CS, host_sysenter_cs),
	IN(CONTROL_GRP1, pin_based_vm_exec_control, PIN_BASED_VM_EXEC_CONTROL, pin),
	IN(CONTROL_GRP1, vm_exit_controls, VM_EXIT_CONTROLS, exit_ctls),
	IN(CONTROL_GRP1, secondary_vm_exec_control, SECONDARY_VM_EXEC_CONTROL, proc2),
	IN(IO_BITMAP, io_bitmap_a, IO_BITMAP_A, io_bitmap_a),
	IN(IO_BITMAP, io_bitmap_b, IO_BITMAP_B, io_bitmap_b),
	IN(MSR_BITMAP, msr_bitmap, MSR_BITMAP, msr_bitmap),
	IN(GUEST_GRP2, guest_es_selector, GUEST_ES_SELECTOR, guest_es_sel),
	IN(GUEST_GRP2, guest_cs_selector, GUEST_CS_SELECTOR, guest_cs_sel),
	IN(GUEST_GRP2, guest_ss_selector, GUEST_SS_SELECTOR, guest_ss_sel),
	IN(GUEST_GRP2, guest_ds_selector, GUEST_DS_SELECTOR, guest_ds_sel),
	IN(GUEST_GRP2, guest_fs_selector, GUEST_FS_SELECTOR, guest_fs_sel),
	IN(GUEST_GRP2, guest_gs_selector, GUEST_GS_SELECTOR, guest_gs_sel),
	IN(GUEST_GRP2, guest_ldtr_selector, GUEST_LDTR_SELECTOR, guest_ldtr_sel),
	IN(GUEST_GRP2, guest_tr_selector, GUEST_TR_SELECTOR, guest_tr_sel),
	IN(GUEST_GRP2, guest_es_limit, GUEST_ES_LIMIT, guest_es_limit),
	IN(GUEST_GRP2, guest_cs_limit, GUEST_CS_LIMIT, guest_cs_limit),
	IN(GUEST_GRP2, guest_ss_limit, GUEST_SS_LIMIT, guest_ss_limit),
	IN(GUEST_GRP2, guest_ds_limit, GUEST_DS_LIMIT, guest_ds_limit),
	IN(GUEST_GRP2, guest_fs_limit, GUEST_FS_LIMIT, guest_fs_limit),
	IN(GUEST_GRP2, guest_gs_limit, GUEST_GS_LIMIT, guest_gs_limit),
	IN(GUEST_GRP2, guest_ldtr_limit, GUEST_LDTR_LIMIT, guest_ldtr_limit),
	IN(GUEST_GRP2, guest_tr_limit, GUEST_TR_LIMIT, guest_tr_limit),
	IN(GUEST_GRP2, guest_gdtr_limit, GUEST_GDTR_LIMIT, guest_gdtr_limit),
	IN(GUEST_GRP2, guest_idtr_limit, GUEST_IDTR_LIMIT, guest_idtr_limit),
	IN(GUEST_GRP2, guest_es_ar_bytes, GUEST_ES_AR_BYTES, guest_es_ar),
	IN(GUEST_GRP2, guest_cs_ar_bytes, GUEST_CS_AR_BYTES, guest_cs_ar),
	IN(GUEST_GRP2, guest_ss_ar_bytes, GUEST_SS_AR_BYTES, guest_ss_ar),
	IN(GUEST_GRP2, guest_ds_ar_bytes, GUEST_DS_AR_BYTES, guest_ds_ar),
	IN(GUEST_GRP2, guest_fs_ar_bytes, GUEST_FS_AR_BYTES, guest_fs_ar),
	IN(GUEST_GRP2, guest_gs_ar_bytes, GUEST_GS_AR_BYTES, guest_gs_ar),
	IN(GUEST_GRP2, guest_ldtr_ar_bytes, GUEST_LDTR_AR_BYTES, guest_ldtr_ar),
	IN(GUEST_GRP2, guest_tr_ar_bytes, GUEST_TR_AR_BYTES, guest_tr_ar),
	IN(GUEST_GRP2, guest_es_base, GUEST_ES_BASE, guest_es_base),
	IN(GUEST_GRP2, guest_cs_base, GUEST_CS_BASE, guest_cs_base),
	IN(GUEST_GRP2, guest_ss_base, GUEST_SS_BASE, guest_ss_base),
	IN(GUEST_GRP2, guest_ds_base, GUEST_DS_BASE, guest_ds_base),
	IN(GUEST_GRP2, guest_fs_base, GUEST_FS_BASE, guest_fs_base),
	IN(GUEST_GRP2, guest_gs_base, GUEST_GS_BASE, guest_gs_base),
	IN(GUEST_GRP2, guest_ldtr_base, GUEST_LDTR_BASE, guest_ldtr_base),
	IN(GUEST_GRP2, guest_tr_base, GUEST_TR_BASE, guest_tr_base),
	IN(GUEST_GRP2, guest_gdtr_base, GUEST_GDTR_BASE, guest_gdtr_base),
	IN(GUEST_GRP2, guest_idtr_base, GUEST_IDTR_BASE, guest_idtr_base),
	IN(ALL, vm_exit_msr_store_addr, VM_EXIT_MSR_STORE_ADDR, exit_msr_store_addr),
	IN(ALL, vm_exit_msr_load_addr, VM_EXIT_MSR_LOAD_ADDR, exit_msr_load_addr),
	IN(ALL, vm_entry_msr_load_addr, VM_ENTRY_MSR_LOAD_ADDR, entry_msr_load_addr),
	IN(ALL, cr3_target_value0, CR3_TARGET_VALUE0, cr3_target0),
	IN(ALL, cr3_target_value1, CR3_TARGET_VALUE1, cr3_target1),
	IN(ALL, cr3_target_value2, CR3_TARGET_VALUE2, cr3_target2),
	IN(ALL, cr3_target_value3, CR3_TARGET_VALUE3, cr3_target3),
	IN(ALL, page_fault_error_code_mask, PAGE_FAULT_ERROR_CODE_MASK, pf_mask),
	IN(ALL, page_fault_error_code_match, PAGE_FAULT_ERROR_CODE_MATCH, pf_match),
	IN(ALL, cr3_target_count, CR3_TARGET_COUNT, cr3_target_count),
	IN(ALL, vm_exit_msr_store_count, VM_EXIT_MSR_STORE_COUNT, exit_msr_store_count),
	IN(ALL, vm_exit_msr_load_count, VM_EXIT_MSR_LOAD_COUNT, exit_msr_load_count),
	IN(ALL, vm_entry_msr_load_count, VM_ENTRY_MSR_LOAD_COUNT, entry_msr_load_count),
	IN(CONTROL_GRP2, tsc_offset, TSC_OFFSET, tsc_offset),
	IN(CONTROL_GRP2, virtual_apic_page_addr, VIRTUAL_APIC_PAGE_ADDR, virtual_apic_addr),
	IN(GUEST_GRP1, vmcs_link_pointer, VMCS_LINK_POINTER, vmcs_link_pointer),
	IN(GUEST_GRP1, guest_ia32_debugctl, GUEST_IA32_DEBUGCTL, guest_debugctl),
	IN(GUEST_GRP1, guest_ia32_pat, GUEST_IA32_PAT, guest_pat),
	IN(GUEST_GRP1, guest_ia32_efer, GUEST_IA32_EFER, guest_efer),
	IN(GUEST_GRP1, guest_pdptr0, GUEST_PDPTR0, guest_pdptr0),
	IN(GUEST_GRP1, guest_pdptr1, GUEST_PDPTR1, guest_pdptr1),
	IN(GUEST_GRP1, guest_pdptr2, GUEST_PDPTR2, guest_pdptr2),
	IN(GUEST_GRP1, guest_pdptr3, GUEST_PDPTR3, guest_pdptr3),
	IN(GUEST_GRP1, guest_pending_dbg_exceptions, GUEST_PENDING_DBG_EXCEPTIONS,
	   guest_pending_dbg),
	IN(GUEST_GRP1, guest_sysenter_esp, GUEST_SYSENTER_ESP, guest_sysenter_esp),
	IN(GUEST_GRP1, guest_sysenter_eip, GUEST_SYSENTER_EIP, guest_sysenter_eip),
	IN(GUEST_GRP1, guest_activity_state, GUEST_ACTIVITY_STATE, guest_activity),
	IN(GUEST_GRP1, guest_sysenter_cs, GUEST_SYSENTER_CS, guest_sysenter_cs),
	IN(CRDR, cr0_guest_host_mask, CR0_GUEST_HOST_MASK, cr0_mask),
	IN(CRDR, cr4_guest_host_mask, CR4_GUEST_HOST_MASK, cr4_mask),
	IN(CRDR, cr0_read_shadow, CR0_READ_SHADOW, cr0_shadow),
	IN(CRDR, cr4_read_shadow, CR4_READ_SHADOW, cr4_shadow),
	IN(CRDR, guest_cr0, GUEST_CR0, guest_cr0),
	IN(CRDR, guest_cr3, GUEST_CR3, guest_cr3),
	IN(CRDR, guest_cr4, GUEST_CR4, guest_cr4),
	IN(CRDR, guest_dr7, GUEST_DR7, guest_dr7),
	IN(HOST_POINTER, host_fs_base, HOST_FS_BASE, host_fs_base),
	IN(HOST_POINTER, host_gs_base, HOST_GS_BASE, host_gs_base),
	IN(HOST_POINTER, host_tr_base, HOST_TR_BASE, host_tr_base),
	IN(HOST_POINTER, host_gdtr_base, HOST_GDTR_BASE, host_gdtr_base),
	IN(HOST_POINTER, host_idtr_base, HOST_IDTR_BASE, host_idtr_base),
	IN(HOST_POINTER, host_rsp, HOST_RSP, host_rsp),
	IN(CONTROL_XLAT, ept_pointer, EPT_POINTER, ept_pointer),
	IN(CONTROL_XLAT, virtual_processor_id, VIRTUAL_PROCESSOR_ID, vpid),
	OUT(guest_physical_address, GUEST_PHYSICAL_ADDRESS, guest_physical_address),
	OUT(vm_instruction_error, VM_INSTRUCTION_ERROR, insn_error),
	OUT(vm_exit_reason, VM_EXIT_REASON, exit_reason),
	OUT(vm_exit_intr_info, VM_EXIT_INTR_INFO, exit_intr_info),
	OUT(vm_exit_intr_error_code, VM_EXIT_INTR_ERROR_CODE, exit_intr_error),
	OUT(idt_vectoring_info_field, IDT_VECTORING_INFO_FIELD, idt_info),
	OUT(idt_vectoring_error_code, IDT_VECTORING_ERROR_CODE, idt_error),
	OUT(vm_exit_instruction_len, VM_EXIT_INSTRUCTION_LEN, exit_insn_len),
	OUT(vmx_instruction_info, VMX_INSTRUCTION_INFO, exit_insn_info),
	OUT(exit_qualification, EXIT_QUALIFICATION, exit_qualification),
	OUT(guest_linear_address, GUEST_LINEAR_ADDRESS, guest_linear_address),
	IN(GUEST_BASIC, guest_rsp, GUEST_RSP, guest_rsp),
	IN(GUEST_BASIC, guest_rflags, GUEST_RFLAGS, guest_rflags),
	IN(GUEST_BASIC, guest_interruptibility_info, GUEST_INTERRUPTIBILITY_INFO,
	   guest_interruptibility),
	IN(CONTROL_PROC, cpu_based_vm_exec_control, CPU_BASED_VM_EXEC_CONTROL, proc),
	IN(CONTROL_EXCPN, exception_bitmap, EXCEPTION_BITMAP, exception_bitmap),
	IN(CONTROL_ENTRY, vm_entry_controls, VM_ENTRY_CONTROLS, entry_ctls),
	IN(CONTROL_EVENT, vm_entry_intr_info_field, VM_ENTRY_INTR_INFO_FIELD, entry_intr_info),
	IN(CONTROL_EVENT, vm_entry_exception_error_code, VM_ENTRY_EXCEPTION_ERROR_CODE,
	   entry_error_code),
	IN(CONTROL_EVENT, vm_entry_instruction_len, VM_ENTRY_INSTRUCTION_LEN, entry_insn_len),
	IN(NONE, tpr_threshold, TPR_THRESHOLD, tpr_threshold),
	IN(NONE, guest_rip, GUEST_RIP, guest_rip),
	IN(CONTROL_GRP2, xss_exit_bitmap, XSS_EXIT_BITMAP, xss_exit_bitmap),
};

#undef IN
#undef OUT

static bool is_clean(const struct evmcs_row *row, u32 clean)
{
	return row->group && (clean & row->group) == row->group;
}

/**
 * nvmx_evmcs_take() - copy what L1 may have changed
 * @nvmx: L1's VMX, whose @v is changed
 * @from: private copy of the page
 * @clean: clean bits that L1 set
 */
void nvmx_evmcs_take(struct nvmx *nvmx, const struct hv_enlightened_vmcs *from, u32 clean)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(evmcs_rows); i++) {
		const struct evmcs_row *row = &evmcs_rows[i];
		const u8 *val = (const u8 *)from + row->from;
		u8 *at = (u8 *)nvmx->v + row->to;

		if (row->group == OUT_ONLY || is_clean(row, clean) ||
		    !memcmp(at, val, row->bytes))
			continue;
		memcpy(at, val, row->bytes);
		nvmx_distrust(nvmx, nvmx_field_type(row->encoding));
	}
}

/**
 * nvmx_evmcs_give() - copy all fields to where L1 looks for them
 * @to: private copy of the page
 * @v: the VMCS
 */
void nvmx_evmcs_give(struct hv_enlightened_vmcs *to, const struct nvmx_vmcs12 *v)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(evmcs_rows); i++) {
		const struct evmcs_row *row = &evmcs_rows[i];

		memcpy((u8 *)to + row->from, (const u8 *)v + row->to, row->bytes);
	}
}

/**
 * nvmx_evmcs_place() - find a field in the page
 * @encoding: of a field that exists
 * @offset: set to where it is
 * @bytes: set to its size
 *
 * Return: false when an enlightened VMCS does not have it.
 */
bool nvmx_evmcs_place(u64 encoding, u32 *offset, u32 *bytes)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(evmcs_rows); i++) {
		if (evmcs_rows[i].encoding != (encoding & ~1ull))
			continue;
		*offset = evmcs_rows[i].from;
		*bytes = evmcs_rows[i].bytes;
		return true;
	}
	return false;
}
