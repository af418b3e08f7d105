/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SDM3 "Checking and Loading Guest State": RULE(id, verdict, text, what must
 * hold).  Included by vmx_check.c, once for the code and once for the table;
 * so there is no include guard.
 */
#ifndef RULE	/* alone, as the check of headers compiles it */
#define RULE(id, verdict, text, condition)
#endif

/* ---- "Checks on Guest Control Registers, Debug Registers, and MSRs" ---- */

RULE(guest_cr0_fixed, BAD_GUEST,
     "The CR0 field must not set any bit to a value not supported in VMX operation",
     fixed(v->guest_cr0, cr0_fixed0(in), in->caps->cr0_fixed1))
RULE(guest_cr0_pg_pe, BAD_GUEST,
     "If bit 31 in the CR0 field (PG) is 1, bit 0 in that field (PE) must also be 1",
     !(v->guest_cr0 & X86_CR0_PG) || (v->guest_cr0 & X86_CR0_PE))
RULE(guest_cr4_fixed, BAD_GUEST,
     "The CR4 field must not set any bit to a value not supported in VMX operation",
     fixed(v->guest_cr4, in->caps->cr4_fixed0, in->caps->cr4_fixed1))
RULE(guest_debugctl, BAD_GUEST,
     "If load debug controls is 1, bits reserved in the IA32_DEBUGCTL MSR must be 0",
     !(v->entry_ctls & VM_ENTRY_LOAD_DEBUG_CONTROLS) ||
     !(v->guest_debugctl & ~in->debugctl_allowed))
RULE(guest_long_paging, BAD_GUEST,
     "If IA-32e mode guest is 1, bit 31 in the CR0 field (PG) and bit 5 in the CR4 field (PAE) must be 1",
     !guest_long(v) || ((v->guest_cr0 & X86_CR0_PG) && (v->guest_cr4 & X86_CR4_PAE)))
RULE(guest_pcide, BAD_GUEST,
     "If IA-32e mode guest is 0, bit 17 in the CR4 field (PCIDE) must be 0",
     guest_long(v) || !(v->guest_cr4 & X86_CR4_PCIDE))
RULE(guest_cr3_width, BAD_GUEST,
     "Bits of the CR3 field beyond the physical-address width must be 0",
     in_width(in, v->guest_cr3))
RULE(guest_dr7, BAD_GUEST,
     "If load debug controls is 1, bits 63:32 in the DR7 field must be 0",
     !(v->entry_ctls & VM_ENTRY_LOAD_DEBUG_CONTROLS) || !(v->guest_dr7 >> 32))
RULE(guest_sysenter_canonical, BAD_GUEST,
     "The IA32_SYSENTER_ESP and IA32_SYSENTER_EIP fields must each contain a canonical address",
     canonical(in, v->guest_sysenter_esp) && canonical(in, v->guest_sysenter_eip))
RULE(guest_pat, BAD_GUEST,
     "If load IA32_PAT is 1, each byte of that field must be a memory type",
     !(v->entry_ctls & VM_ENTRY_LOAD_IA32_PAT) || pat_ok(v->guest_pat))
RULE(guest_efer_reserved, BAD_GUEST,
     "If load IA32_EFER is 1, bits reserved in the IA32_EFER MSR must be 0",
     !(v->entry_ctls & VM_ENTRY_LOAD_IA32_EFER) || !(v->guest_efer & ~in->efer_allowed))
RULE(guest_efer_lma, BAD_GUEST,
     "Bit 10 of the IA32_EFER field (LMA) must equal the IA-32e mode guest control",
     !(v->entry_ctls & VM_ENTRY_LOAD_IA32_EFER) || !!(v->guest_efer & EFER_LMA) == guest_long(v))
RULE(guest_efer_lme, BAD_GUEST,
     "Bit 10 of the IA32_EFER field (LMA) must be identical to bit 8 (LME) if CR0.PG is 1",
     !(v->entry_ctls & VM_ENTRY_LOAD_IA32_EFER) || !(v->guest_cr0 & X86_CR0_PG) ||
     !!(v->guest_efer & EFER_LMA) == !!(v->guest_efer & EFER_LME))

/* ---- "Checks on Guest Segment Registers" ---- */

RULE(tr_selector, BAD_GUEST, "TR: the TI flag of the selector must be 0",
     !(v->guest_tr_sel & SELECTOR_TI))
RULE(ldtr_selector, BAD_GUEST, "LDTR: if usable, the TI flag of the selector must be 0",
     unusable(v->guest_ldtr_ar) || !(v->guest_ldtr_sel & SELECTOR_TI))
RULE(ss_selector, BAD_GUEST,
     "SS: the RPL must equal the RPL of CS, but in virtual-8086 mode or an unrestricted guest",
     vm86(v) || unrestricted(v) ||
     (v->guest_ss_sel & SELECTOR_RPL) == (v->guest_cs_sel & SELECTOR_RPL))
RULE(vm86_base, BAD_GUEST,
     "In virtual-8086 mode each segment's base must be its selector shifted left 4 bits",
     !vm86(v) || all_segments(v, vm86_base_ok))
RULE(system_bases_canonical, BAD_GUEST, "The bases of TR, FS and GS must be canonical",
     canonical(in, v->guest_tr_base) && canonical(in, v->guest_fs_base) &&
     canonical(in, v->guest_gs_base))
RULE(ldtr_base_canonical, BAD_GUEST, "LDTR: if usable, the base must be canonical",
     unusable(v->guest_ldtr_ar) || canonical(in, v->guest_ldtr_base))
RULE(cs_base_32, BAD_GUEST, "CS: bits 63:32 of the base must be 0", !(v->guest_cs_base >> 32))
RULE(data_bases_32, BAD_GUEST,
     "SS, DS, ES: if usable, bits 63:32 of the base must be 0",
     (unusable(v->guest_ss_ar) || !(v->guest_ss_base >> 32)) &&
     (unusable(v->guest_ds_ar) || !(v->guest_ds_base >> 32)) &&
     (unusable(v->guest_es_ar) || !(v->guest_es_base >> 32)))
RULE(vm86_limit, BAD_GUEST, "In virtual-8086 mode each segment's limit must be 0000FFFFH",
     !vm86(v) || all_segments(v, vm86_limit_ok))
RULE(vm86_rights, BAD_GUEST,
     "In virtual-8086 mode each segment's access rights must be 000000F3H",
     !vm86(v) || all_segments(v, vm86_rights_ok))
RULE(cs_type, BAD_GUEST,
     "CS: the type must be 9, 11, 13 or 15, or 3 in an unrestricted guest",
     vm86(v) || cs_type_ok(v))
RULE(ss_type, BAD_GUEST, "SS: if usable, the type must be 3 or 7",
     vm86(v) || unusable(v->guest_ss_ar) ||
     seg_type(v->guest_ss_ar) == TYPE_DATA_RW_A || seg_type(v->guest_ss_ar) == TYPE_DOWN_RW_A)
RULE(data_type, BAD_GUEST,
     "DS, ES, FS, GS: if usable, the type must be accessed, and readable if it is code",
     vm86(v) || data_segments(v, data_type_ok))
RULE(segment_s, BAD_GUEST, "The S bit of CS, and of each usable data segment, must be 1",
     vm86(v) || all_segments(v, code_or_data))
RULE(cs_dpl, BAD_GUEST,
     "CS: the DPL must be 0 for type 3, equal to SS.DPL for 9 and 11, not above it for 13 and 15",
     vm86(v) || cs_dpl_ok(v))
RULE(ss_dpl_rpl, BAD_GUEST,
     "SS: the DPL must equal the RPL of the selector, but in an unrestricted guest",
     vm86(v) || unrestricted(v) || dpl(v->guest_ss_ar) == (v->guest_ss_sel & SELECTOR_RPL))
RULE(ss_dpl_zero, BAD_GUEST,
     "SS: the DPL must be 0 if the type of CS is 3 or CR0.PE is 0",
     vm86(v) || !dpl(v->guest_ss_ar) ||
     (seg_type(v->guest_cs_ar) != TYPE_DATA_RW_A && (v->guest_cr0 & X86_CR0_PE)))
RULE(data_dpl, BAD_GUEST,
     "DS, ES, FS, GS: the DPL of data or non-conforming code cannot be less than the RPL, but in an unrestricted guest",
     vm86(v) || unrestricted(v) || data_segments(v, data_dpl_ok))
RULE(segment_present, BAD_GUEST, "The P bit of CS, and of each usable data segment, must be 1",
     vm86(v) || all_segments(v, present))
RULE(segment_reserved, BAD_GUEST,
     "Bits 11:8 and 31:17 of the access rights of CS, and of each usable data segment, must be 0",
     vm86(v) || all_segments(v, rights_reserved_clear))
RULE(cs_db, BAD_GUEST,
     "CS: D/B must be 0 if the guest will be in IA-32e mode and the L bit is 1",
     vm86(v) || !guest_long(v) || !(v->guest_cs_ar & NST_AR_L) || !(v->guest_cs_ar & NST_AR_DB))
RULE(segment_granularity, BAD_GUEST,
     "The G bit of CS, and of each usable data segment, must fit bits 11:0 and 31:20 of the limit",
     vm86(v) || all_segments(v, granularity_ok))
RULE(tr_type, BAD_GUEST, "TR: the type must be 11, or 3 outside IA-32e mode",
     seg_type(v->guest_tr_ar) == TYPE_TSS_BUSY ||
     (!guest_long(v) && seg_type(v->guest_tr_ar) == TYPE_TSS16_BUSY))
RULE(tr_s, BAD_GUEST, "TR: the S bit must be 0", !(v->guest_tr_ar & NST_AR_S))
RULE(tr_present, BAD_GUEST, "TR: the P bit must be 1", v->guest_tr_ar & NST_AR_P)
RULE(tr_reserved, BAD_GUEST, "TR: bits 11:8 and 31:17 of the access rights must be 0",
     !(v->guest_tr_ar & AR_RESERVED))
RULE(tr_granularity, BAD_GUEST, "TR: the G bit must fit bits 11:0 and 31:20 of the limit",
     limit_fits(v->guest_tr_limit, v->guest_tr_ar))
RULE(tr_usable, BAD_GUEST, "TR: the unusable bit must be 0", !unusable(v->guest_tr_ar))
RULE(ldtr_type, BAD_GUEST, "LDTR: if usable, the type must be 2",
     unusable(v->guest_ldtr_ar) || seg_type(v->guest_ldtr_ar) == TYPE_LDT)
RULE(ldtr_s, BAD_GUEST, "LDTR: if usable, the S bit must be 0",
     unusable(v->guest_ldtr_ar) || !(v->guest_ldtr_ar & NST_AR_S))
RULE(ldtr_present, BAD_GUEST, "LDTR: if usable, the P bit must be 1",
     unusable(v->guest_ldtr_ar) || (v->guest_ldtr_ar & NST_AR_P))
RULE(ldtr_reserved, BAD_GUEST,
     "LDTR: if usable, bits 11:8 and 31:17 of the access rights must be 0",
     unusable(v->guest_ldtr_ar) || !(v->guest_ldtr_ar & AR_RESERVED))
RULE(ldtr_granularity, BAD_GUEST,
     "LDTR: if usable, the G bit must fit bits 11:0 and 31:20 of the limit",
     unusable(v->guest_ldtr_ar) || limit_fits(v->guest_ldtr_limit, v->guest_ldtr_ar))

/* ---- "Checks on Guest Descriptor-Table Registers" ---- */

RULE(table_bases_canonical, BAD_GUEST, "The bases of GDTR and IDTR must be canonical",
     canonical(in, v->guest_gdtr_base) && canonical(in, v->guest_idtr_base))
RULE(table_limits, BAD_GUEST, "Bits 31:16 of the limits of GDTR and IDTR must be 0",
     !((v->guest_gdtr_limit | v->guest_idtr_limit) >> 16))

/* ---- "Checks on Guest RIP, RFLAGS, and SSP" ---- */

RULE(rip_32, BAD_GUEST,
     "RIP: bits 63:32 must be 0 if IA-32e mode guest is 0 or the L bit of CS is 0",
     code64(v) || !(v->guest_rip >> 32))
RULE(rip_canonical, BAD_GUEST,
     "RIP: bits beyond the linear-address width must be identical in 64-bit mode",
     !code64(v) || upper_bits_equal(in, v->guest_rip))
RULE(rflags_reserved, BAD_GUEST,
     "RFLAGS: reserved bits 63:22, 15, 5 and 3 must be 0, and bit 1 must be 1",
     !(v->guest_rflags & RFLAGS_RESERVED) && (v->guest_rflags & X86_EFLAGS_FIXED))
RULE(rflags_vm, BAD_GUEST,
     "RFLAGS: the VM flag must be 0 if IA-32e mode guest is 1 or CR0.PE is 0",
     !vm86(v) || (!guest_long(v) && (v->guest_cr0 & X86_CR0_PE)))
RULE(rflags_if, BAD_GUEST,
     "RFLAGS: the IF flag must be 1 if an external interrupt is injected",
     !event_is(v, INTR_TYPE_EXT_INTR) || (v->guest_rflags & X86_EFLAGS_IF))

/* ---- "Checks on Guest Non-Register State" ---- */

RULE(activity_known, BAD_GUEST,
     "The activity state must indicate one that IA32_VMX_MISC says is supported",
     activity_supported(in))
RULE(activity_hlt_dpl, BAD_GUEST, "The activity state must not be HLT if the DPL of SS is not 0",
     v->guest_activity != GUEST_ACTIVITY_HLT || !dpl(v->guest_ss_ar))
RULE(activity_blocking, BAD_GUEST,
     "The activity state must be active if there is blocking by STI or by MOV SS",
     v->guest_activity == GUEST_ACTIVITY_ACTIVE ||
     !(v->guest_interruptibility & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)))
RULE(activity_event, BAD_GUEST,
     "The event to be injected must be one that ends the activity state",
     !event(v) || activity_takes_event(v))
RULE(intr_reserved, BAD_GUEST, "Interruptibility state: reserved bits 31:5 must be 0",
     !(v->guest_interruptibility & INTR_STATE_RESERVED))
RULE(intr_both, BAD_GUEST,
     "Interruptibility state: blocking by STI and by MOV SS must not both be 1",
     (v->guest_interruptibility & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)) !=
     (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS))
RULE(intr_sti_if, BAD_GUEST,
     "Interruptibility state: blocking by STI must be 0 if the IF flag is 0",
     !(v->guest_interruptibility & GUEST_INTR_STATE_STI) || (v->guest_rflags & X86_EFLAGS_IF))
RULE(intr_extint, BAD_GUEST,
     "Interruptibility state: no blocking by STI or MOV SS when an external interrupt is injected",
     !event_is(v, INTR_TYPE_EXT_INTR) ||
     !(v->guest_interruptibility & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)))
RULE(intr_nmi_movss, BAD_GUEST,
     "Interruptibility state: no blocking by MOV SS when an NMI is injected",
     !event_is(v, INTR_TYPE_NMI_INTR) ||
     !(v->guest_interruptibility & GUEST_INTR_STATE_MOV_SS))
RULE(intr_smi, BAD_GUEST, "Interruptibility state: blocking by SMI must be 0 outside SMM",
     !(v->guest_interruptibility & GUEST_INTR_STATE_SMI))
RULE(intr_nmi_sti, BAD_NMI,
     "Interruptibility state: no blocking by STI when an NMI is injected",
     !event_is(v, INTR_TYPE_NMI_INTR) || !(v->guest_interruptibility & GUEST_INTR_STATE_STI))
RULE(intr_nmi_nmi, BAD_GUEST,
     "Interruptibility state: no blocking by NMI when an NMI is injected with virtual NMIs",
     !event_is(v, INTR_TYPE_NMI_INTR) || !(v->pin & PIN_BASED_VIRTUAL_NMIS) ||
     !(v->guest_interruptibility & GUEST_INTR_STATE_NMI))
RULE(intr_enclave, BAD_GUEST,
     "Interruptibility state: enclave interruption must be 0 without SGX",
     !(v->guest_interruptibility & GUEST_INTR_STATE_ENCLAVE_INTR))
RULE(pending_reserved, BAD_GUEST,
     "Pending debug exceptions: reserved bits 11:4, 13, 15 and 63:16 must be 0",
     !(v->guest_pending_dbg & PENDING_DBG_RESERVED))
RULE(pending_single_step, BAD_GUEST,
     "Pending debug exceptions: under blocking or HLT, BS is 1 exactly when TF is 1 and BTF is 0",
     !blocks_debug(v) || !!(v->guest_pending_dbg & PENDING_DBG_BS) == single_steps(v))
RULE(link_aligned, BAD_LINK, "VMCS link pointer: bits 11:0 must be 0",
     no_link(v) || page_aligned(v->vmcs_link_pointer))
RULE(link_width, BAD_LINK,
     "VMCS link pointer: bits beyond the physical-address width must be 0",
     no_link(v) || in_width(in, v->vmcs_link_pointer))
RULE(link_revision, BAD_LINK,
     "VMCS link pointer: the VMCS must have the processor's revision identifier, and be a shadow VMCS exactly when VMCS shadowing is 1",
     no_link(v) || !page_aligned(v->vmcs_link_pointer) || !in_width(in, v->vmcs_link_pointer) ||
     link_revision_ok(in))
RULE(link_not_current, BAD_LINK,
     "VMCS link pointer: it must not be the current VMCS pointer outside SMM",
     no_link(v) || v->vmcs_link_pointer != in->vmptr)

/* ---- "Checks on Guest Page-Directory-Pointer-Table Entries" ---- */

RULE(pdptes, BAD_PDPTE,
     "With PAE paging, each PDPTE that is present must have no reserved bit set",
     !pae_paging(v) || pdptes_ok(in))
