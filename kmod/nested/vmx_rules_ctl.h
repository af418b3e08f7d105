/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SDM3 "Checks on VMX Controls and Host-State Area": RULE(id, verdict, text,
 * what must hold).  Included by vmx_check.c, once for the code and once for
 * the table; so there is no include guard.
 */
#ifndef RULE	/* alone, as the check of headers compiles it */
#define RULE(id, verdict, text, condition)
#endif

/* ---- "VM-Execution Control Fields" ---- */

RULE(pin_reserved, BAD_CONTROL,
     "Reserved bits in the pin-based VM-execution controls must be set properly",
     word_fits(in, NVMX_PIN, v->pin))
RULE(proc_reserved, BAD_CONTROL,
     "Reserved bits in the primary processor-based VM-execution controls must be set properly",
     word_fits(in, NVMX_PROC, v->proc))
RULE(proc2_reserved, BAD_CONTROL,
     "Reserved bits in the secondary processor-based VM-execution controls must be cleared",
     word_fits(in, NVMX_PROC2, proc2(v)))
RULE(cr3_targets, BAD_CONTROL,
     "The CR3-target count must not be greater than 4",
     v->cr3_target_count <= NVMX_CR3_TARGETS)
RULE(io_bitmap_aligned, BAD_CONTROL,
     "Bits 11:0 of each I/O-bitmap address must be 0",
     !(v->proc & CPU_BASED_USE_IO_BITMAPS) ||
     (page_aligned(v->io_bitmap_a) && page_aligned(v->io_bitmap_b)))
RULE(io_bitmap_width, BAD_CONTROL,
     "Neither I/O-bitmap address should set bits beyond the physical-address width",
     !(v->proc & CPU_BASED_USE_IO_BITMAPS) ||
     (in_width(in, v->io_bitmap_a) && in_width(in, v->io_bitmap_b)))
RULE(msr_bitmap_aligned, BAD_CONTROL,
     "Bits 11:0 of the MSR-bitmap address must be 0",
     !(v->proc & CPU_BASED_USE_MSR_BITMAPS) || page_aligned(v->msr_bitmap))
RULE(msr_bitmap_width, BAD_CONTROL,
     "The MSR-bitmap address should not set bits beyond the physical-address width",
     !(v->proc & CPU_BASED_USE_MSR_BITMAPS) || in_width(in, v->msr_bitmap))
RULE(vapic_aligned, BAD_CONTROL,
     "Bits 11:0 of the virtual-APIC address must be 0",
     !(v->proc & CPU_BASED_TPR_SHADOW) || page_aligned(v->virtual_apic_addr))
RULE(vapic_width, BAD_CONTROL,
     "The virtual-APIC address should not set bits beyond the physical-address width",
     !(v->proc & CPU_BASED_TPR_SHADOW) || in_width(in, v->virtual_apic_addr))
RULE(tpr_threshold_reserved, BAD_CONTROL,
     "Bits 31:4 of the TPR threshold must be 0 without virtual-interrupt delivery",
     !(v->proc & CPU_BASED_TPR_SHADOW) ||
     (proc2(v) & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY) || !(v->tpr_threshold & ~0xfu))
RULE(tpr_threshold_vtpr, BAD_CONTROL,
     "Bits 3:0 of the TPR threshold should not be greater than bits 7:4 of VTPR",
     !(v->proc & CPU_BASED_TPR_SHADOW) ||
     (proc2(v) & (SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY |
		  SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES)) ||
     (v->tpr_threshold & 0xf) <= vtpr_class(in))
RULE(vnmi_needs_nmi, BAD_CONTROL,
     "If NMI exiting is 0, virtual NMIs must be 0",
     (v->pin & PIN_BASED_NMI_EXITING) || !(v->pin & PIN_BASED_VIRTUAL_NMIS))
RULE(nmi_window_needs_vnmi, BAD_CONTROL,
     "If virtual NMIs is 0, NMI-window exiting must be 0",
     (v->pin & PIN_BASED_VIRTUAL_NMIS) || !(v->proc & CPU_BASED_NMI_WINDOW_EXITING))
RULE(apic_access_aligned, BAD_CONTROL,
     "Bits 11:0 of the APIC-access address must be 0",
     !(proc2(v) & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES) ||
     page_aligned(v->apic_access_addr))
RULE(apic_access_width, BAD_CONTROL,
     "The APIC-access address should not set bits beyond the physical-address width",
     !(proc2(v) & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES) || in_width(in, v->apic_access_addr))
RULE(apicv_needs_tpr_shadow, BAD_CONTROL,
     "If use TPR shadow is 0, virtualize x2APIC mode, APIC-register virtualization and virtual-interrupt delivery must be 0",
     (v->proc & CPU_BASED_TPR_SHADOW) ||
     !(proc2(v) & (SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE | SECONDARY_EXEC_APIC_REGISTER_VIRT |
		   SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)))
RULE(x2apic_or_apic_access, BAD_CONTROL,
     "If virtualize x2APIC mode is 1, virtualize APIC accesses must be 0",
     !(proc2(v) & SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE) ||
     !(proc2(v) & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES))
RULE(vid_needs_intr_exiting, BAD_CONTROL,
     "If virtual-interrupt delivery is 1, external-interrupt exiting must be 1",
     !(proc2(v) & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY) || (v->pin & PIN_BASED_EXT_INTR_MASK))
RULE(posted_needs_vid, BAD_CONTROL,
     "If process posted interrupts is 1, virtual-interrupt delivery must be 1",
     !(v->pin & PIN_BASED_POSTED_INTR) || (proc2(v) & SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY))
RULE(posted_needs_ack, BAD_CONTROL,
     "If process posted interrupts is 1, acknowledge interrupt on exit must be 1",
     !(v->pin & PIN_BASED_POSTED_INTR) || (v->exit_ctls & VM_EXIT_ACK_INTR_ON_EXIT))
RULE(posted_vector, BAD_CONTROL,
     "The posted-interrupt notification vector has a value in the range 0-255",
     !(v->pin & PIN_BASED_POSTED_INTR) || v->posted_intr_nv <= 0xff)
RULE(posted_desc_aligned, BAD_CONTROL,
     "Bits 5:0 of the posted-interrupt descriptor address are all 0",
     !(v->pin & PIN_BASED_POSTED_INTR) || !(v->posted_intr_desc & 0x3f))
RULE(posted_desc_width, BAD_CONTROL,
     "The posted-interrupt descriptor address does not set bits beyond the physical-address width",
     !(v->pin & PIN_BASED_POSTED_INTR) || in_width(in, v->posted_intr_desc))
RULE(vpid_not_zero, BAD_CONTROL,
     "If enable VPID is 1, the VPID must not be 0000H",
     !(proc2(v) & SECONDARY_EXEC_ENABLE_VPID) || v->vpid)
RULE(eptp_memory_type, BAD_CONTROL,
     "The EPT memory type (bits 2:0) must be a value supported by the processor",
     !(proc2(v) & SECONDARY_EXEC_ENABLE_EPT) || eptp_memory_type_ok(in->caps, v->ept_pointer))
RULE(eptp_walk_length, BAD_CONTROL,
     "Bits 5:3 of the EPTP must indicate a supported EPT page-walk length",
     !(proc2(v) & SECONDARY_EXEC_ENABLE_EPT) || eptp_walk_ok(in->caps, v->ept_pointer))
RULE(eptp_accessed_dirty, BAD_CONTROL,
     "Bit 6 of the EPTP must be 0 if the processor has no EPT accessed and dirty flags",
     !(proc2(v) & SECONDARY_EXEC_ENABLE_EPT) || eptp_ad_ok(in->caps, v->ept_pointer))
RULE(eptp_reserved, BAD_CONTROL,
     "Reserved bits 11:7 and those beyond the physical-address width of the EPTP must be 0",
     !(proc2(v) & SECONDARY_EXEC_ENABLE_EPT) ||
     eptp_reserved_ok(in->maxphyaddr, v->ept_pointer))
RULE(pml_needs_ept, BAD_CONTROL,
     "If enable PML is 1, enable EPT must be 1",
     !(proc2(v) & SECONDARY_EXEC_ENABLE_PML) || (proc2(v) & SECONDARY_EXEC_ENABLE_EPT))
RULE(pml_aligned, BAD_CONTROL,
     "Bits 11:0 of the PML address must be 0",
     !(proc2(v) & SECONDARY_EXEC_ENABLE_PML) || page_aligned(v->pml_address))
RULE(pml_width, BAD_CONTROL,
     "The PML address should not set bits beyond the physical-address width",
     !(proc2(v) & SECONDARY_EXEC_ENABLE_PML) || in_width(in, v->pml_address))
RULE(unrestricted_needs_ept, BAD_CONTROL,
     "If unrestricted guest is 1, enable EPT must be 1",
     !(proc2(v) & SECONDARY_EXEC_UNRESTRICTED_GUEST) || (proc2(v) & SECONDARY_EXEC_ENABLE_EPT))
RULE(vmread_bitmap_aligned, BAD_CONTROL,
     "Bits 11:0 of the VMREAD-bitmap and VMWRITE-bitmap addresses must be 0",
     !(proc2(v) & SECONDARY_EXEC_SHADOW_VMCS) ||
     (page_aligned(v->vmread_bitmap) && page_aligned(v->vmwrite_bitmap)))
RULE(vmread_bitmap_width, BAD_CONTROL,
     "The VMREAD-bitmap and VMWRITE-bitmap addresses must not set bits beyond the physical-address width",
     !(proc2(v) & SECONDARY_EXEC_SHADOW_VMCS) ||
     (in_width(in, v->vmread_bitmap) && in_width(in, v->vmwrite_bitmap)))
RULE(vmfunc_reserved, BAD_CONTROL,
     "Reserved bits in the VM-function controls must be clear",
     !(proc2(v) & SECONDARY_EXEC_ENABLE_VMFUNC) ||
     !(v->vm_function_control & ~in->caps->vmfunc))
RULE(eptp_list_needs_ept, BAD_CONTROL,
     "If EPTP switching is 1, enable EPT must be 1",
     !eptp_switching(v) || (proc2(v) & SECONDARY_EXEC_ENABLE_EPT))
RULE(eptp_list_aligned, BAD_CONTROL,
     "Bits 11:0 of the EPTP-list address must be 0",
     !eptp_switching(v) || page_aligned(v->eptp_list_addr))
RULE(eptp_list_width, BAD_CONTROL,
     "The EPTP-list address must not set bits beyond the physical-address width",
     !eptp_switching(v) || in_width(in, v->eptp_list_addr))

/* ---- "VM-Exit Control Fields" ---- */

RULE(exit_reserved, BAD_CONTROL,
     "Reserved bits in the VM-exit controls must be set properly",
     word_fits(in, NVMX_EXIT, v->exit_ctls))
RULE(save_timer_needs_timer, BAD_CONTROL,
     "If activate VMX-preemption timer is 0, save VMX-preemption timer value must be 0",
     (v->pin & PIN_BASED_VMX_PREEMPTION_TIMER) ||
     !(v->exit_ctls & VM_EXIT_SAVE_VMX_PREEMPTION_TIMER))
RULE(exit_store_aligned, BAD_CONTROL,
     "The lower 4 bits of the VM-exit MSR-store address must be 0",
     !v->exit_msr_store_count || !(v->exit_msr_store_addr & 0xf))
RULE(exit_store_width, BAD_CONTROL,
     "No byte of the VM-exit MSR-store area lies beyond the physical-address width",
     area_in_width(in, v->exit_msr_store_addr, v->exit_msr_store_count))
RULE(exit_load_aligned, BAD_CONTROL,
     "The lower 4 bits of the VM-exit MSR-load address must be 0",
     !v->exit_msr_load_count || !(v->exit_msr_load_addr & 0xf))
RULE(exit_load_width, BAD_CONTROL,
     "No byte of the VM-exit MSR-load area lies beyond the physical-address width",
     area_in_width(in, v->exit_msr_load_addr, v->exit_msr_load_count))

/* ---- "VM-Entry Control Fields" ---- */

RULE(entry_reserved, BAD_CONTROL,
     "Reserved bits in the VM-entry controls must be set properly",
     word_fits(in, NVMX_ENTRY, v->entry_ctls & ~ENTRY_SMM_BITS))
RULE(event_type, BAD_CONTROL,
     "The interruption type is not a reserved value",
     !event(v) || (event_type(v) != INTR_TYPE_RESERVED &&
		   (event_type(v) != INTR_TYPE_OTHER_EVENT ||
		    nvmx_caps_offer(in->caps, VMX_FEATURE_MONITOR_TRAP_FLAG))))
RULE(event_vector, BAD_CONTROL,
     "The vector is consistent with the interruption type",
     !event(v) || vector_fits(v))
RULE(event_error_code, BAD_CONTROL,
     "The deliver-error-code bit is set exactly when such an exception pushes one",
     !event(v) || has_error_code(v) == pushes_error_code(v))
RULE(event_reserved, BAD_CONTROL,
     "Reserved bits 30:12 of the VM-entry interruption-information field are 0",
     !event(v) || !(v->entry_intr_info & INTR_INFO_RESVD_BITS_MASK))
RULE(event_error_value, BAD_CONTROL,
     "If deliver-error-code is 1, bits 31:16 of the VM-entry exception error-code field are 0",
     !event(v) || !has_error_code(v) || !(v->entry_error_code >> 16))
RULE(event_insn_length, BAD_CONTROL,
     "For a software interrupt or exception the VM-entry instruction-length field is in the range 1-15",
     !event(v) || !is_software_event(v) ||
     (v->entry_insn_len >= 1 && v->entry_insn_len <= 15))
RULE(entry_load_aligned, BAD_CONTROL,
     "The lower 4 bits of the VM-entry MSR-load address must be 0",
     !v->entry_msr_load_count || !(v->entry_msr_load_addr & 0xf))
RULE(entry_load_width, BAD_CONTROL,
     "No byte of the VM-entry MSR-load area lies beyond the physical-address width",
     area_in_width(in, v->entry_msr_load_addr, v->entry_msr_load_count))
RULE(entry_not_smm, BAD_CONTROL,
     "Outside SMM, entry to SMM and deactivate dual-monitor treatment must be 0",
     !(v->entry_ctls & ENTRY_SMM_BITS))

/* ---- "Checks on Host Control Registers, MSRs and SSP" ---- */

RULE(host_cr0_fixed, BAD_HOST,
     "The host CR0 field must not set any bit to a value not supported in VMX operation",
     fixed(v->host_cr0, in->caps->cr0_fixed0, in->caps->cr0_fixed1))
RULE(host_cr4_fixed, BAD_HOST,
     "The host CR4 field must not set any bit to a value not supported in VMX operation",
     fixed(v->host_cr4, in->caps->cr4_fixed0, in->caps->cr4_fixed1))
RULE(host_cr3_width, BAD_HOST,
     "Bits of the host CR3 field beyond the physical-address width must be 0",
     in_width(in, v->host_cr3))
RULE(host_sysenter_canonical, BAD_HOST,
     "The host IA32_SYSENTER_ESP and IA32_SYSENTER_EIP fields must be canonical",
     canonical(in, v->host_sysenter_esp) && canonical(in, v->host_sysenter_eip))
RULE(host_pat, BAD_HOST,
     "Each byte of the host IA32_PAT field must be a memory type",
     !(v->exit_ctls & VM_EXIT_LOAD_IA32_PAT) || pat_ok(v->host_pat))
RULE(host_efer_reserved, BAD_HOST,
     "Bits reserved in the IA32_EFER MSR must be 0 in the host field",
     !(v->exit_ctls & VM_EXIT_LOAD_IA32_EFER) || !(v->host_efer & ~in->efer_allowed))
RULE(host_efer_mode, BAD_HOST,
     "LMA and LME of the host IA32_EFER field must each be that of the host address-space-size control",
     !(v->exit_ctls & VM_EXIT_LOAD_IA32_EFER) ||
     (!!(v->host_efer & EFER_LMA) == host_long(v) && !!(v->host_efer & EFER_LME) == host_long(v)))

/* ---- "Checks on Host Segment and Descriptor-Table Registers" ---- */

RULE(host_selector_flags, BAD_HOST,
     "In each host selector field the RPL and the TI flag must be 0",
     !((v->host_es_sel | v->host_cs_sel | v->host_ss_sel | v->host_ds_sel | v->host_fs_sel |
	v->host_gs_sel | v->host_tr_sel) & SELECTOR_FLAGS))
RULE(host_cs_not_null, BAD_HOST,
     "The host selector fields for CS and TR cannot be 0000H",
     v->host_cs_sel && v->host_tr_sel)
RULE(host_ss_not_null, BAD_HOST,
     "The host selector field for SS cannot be 0000H if the host address-space size is 0",
     host_long(v) || v->host_ss_sel)
RULE(host_bases_canonical, BAD_HOST,
     "The host base fields for FS, GS, GDTR, IDTR and TR must be canonical",
     canonical(in, v->host_fs_base) && canonical(in, v->host_gs_base) &&
     canonical(in, v->host_gdtr_base) && canonical(in, v->host_idtr_base) &&
     canonical(in, v->host_tr_base))

/* ---- "Checks Related to Address-Space Size" ---- */

RULE(host_size_is_l1s, BAD_HOST,
     "The host address-space-size control is 1 exactly when the processor is in IA-32e mode",
     host_long(v) == in->l1_long)
RULE(guest_mode_needs_host_long, BAD_HOST,
     "If the host address-space-size control is 0, the IA-32e mode guest control is 0",
     host_long(v) || !guest_long(v))
RULE(host_cr4_pcide, BAD_HOST,
     "If the host address-space-size control is 0, bit 17 of the host CR4 field (PCIDE) is 0",
     host_long(v) || !(v->host_cr4 & X86_CR4_PCIDE))
RULE(host_rip_32, BAD_HOST,
     "If the host address-space-size control is 0, bits 63:32 of the host RIP field are 0",
     host_long(v) || !(v->host_rip >> 32))
RULE(host_cr4_pae, BAD_HOST,
     "If the host address-space-size control is 1, bit 5 of the host CR4 field (PAE) is 1",
     !host_long(v) || (v->host_cr4 & X86_CR4_PAE))
RULE(host_rip_canonical, BAD_HOST,
     "If the host address-space-size control is 1, the host RIP field is canonical",
     !host_long(v) || canonical(in, v->host_rip))
