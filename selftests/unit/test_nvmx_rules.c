// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM-entry rules of nested VMX.  A valid VMCS breaks none; each vector
 * below changes it so that one rule is broken and no other; every rule has a
 * vector.
 */
#include <stdlib.h>
#include "nested/vmx_check.h"
#include "tap.h"

#define WIDE		BIT_ULL(45)		/* beyond the physical-address width */
#define NOT_CANONICAL	BIT_ULL(50)
#define VAPIC		0x5000
#define VTPR		(VAPIC + 0x80)
#define PDPT		0x6000
#define LINK		0x7000
#define CURRENT		0x8000

static struct nvmx_vmcs12 v;
static struct nvmx_caps caps;
static struct nvmx_check in;
static u32 link_revision;
static u8 vtpr;
static u64 pdptes[4];

static bool read_memory(void *opaque, u64 gpa, void *buf, u32 len)
{
	if (gpa == VTPR && len == sizeof(vtpr))
		memcpy(buf, &vtpr, len);
	else if (gpa == LINK && len == sizeof(link_revision))
		memcpy(buf, &link_revision, len);
	else if (gpa == CURRENT && len == sizeof(link_revision))
		memcpy(buf, &(u32){ NVMX_REVISION }, len);
	else if (gpa == PDPT && len == sizeof(pdptes))
		memcpy(buf, pdptes, len);
	else
		return false;
	return true;
}

/* A CPU that has everything, so that no rule hides behind a reserved bit. */
static void make_caps(void)
{
	nvmx_caps_fill(&caps, ~0u, X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PCIDE | X86_CR4_VMXE);
	caps.misc |= VMX_MISC_ACTIVITY_WAIT_SIPI;
	caps.may1[NVMX_PIN] |= PIN_BASED_POSTED_INTR;
	caps.may1[NVMX_PROC2] |= SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE |
		SECONDARY_EXEC_APIC_REGISTER_VIRT | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY |
		SECONDARY_EXEC_ENABLE_PML | SECONDARY_EXEC_SHADOW_VMCS |
		SECONDARY_EXEC_ENABLE_VMFUNC | SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
}

static void make_host(void)
{
	v.host_cr0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG;
	v.host_cr3 = 0x1000;
	v.host_cr4 = X86_CR4_VMXE | X86_CR4_PAE;
	v.host_cs_sel = 8;
	v.host_ss_sel = 16;
	v.host_tr_sel = 24;
	v.host_efer = EFER_LMA | EFER_LME;
	v.host_pat = 0x0007040600070406ull;
	v.host_rip = 0x1234;
}

static void make_guest(void)
{
	v.guest_cr0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG;
	v.guest_cr3 = PDPT;
	v.guest_cr4 = X86_CR4_VMXE | X86_CR4_PAE;
	v.guest_efer = EFER_LMA | EFER_LME;
	v.guest_pat = v.host_pat;
	v.guest_cs_sel = 8;
	v.guest_cs_ar = 0xa09b;
	v.guest_ss_ar = 0xc093;
	v.guest_ds_ar = 0xc093;
	v.guest_es_ar = 0xc093;
	v.guest_fs_ar = 0xc093;
	v.guest_gs_ar = 0xc093;
	v.guest_cs_limit = 0xffffffff;
	v.guest_ss_limit = 0xffffffff;
	v.guest_ds_limit = 0xffffffff;
	v.guest_es_limit = 0xffffffff;
	v.guest_fs_limit = 0xffffffff;
	v.guest_gs_limit = 0xffffffff;
	v.guest_tr_ar = 0x8b;
	v.guest_tr_limit = 0x67;
	v.guest_ldtr_ar = 0x82;
	v.guest_ldtr_limit = 0xff;
	v.guest_rflags = X86_EFLAGS_FIXED;
	v.guest_rip = 0x4321;
	v.vmcs_link_pointer = ~0ull;
}

static void make_valid(void)
{
	memset(&v, 0, sizeof(v));
	v.revision = NVMX_REVISION;
	v.pin = caps.must1[NVMX_PIN] | PIN_BASED_NMI_EXITING | PIN_BASED_VIRTUAL_NMIS;
	v.proc = caps.must1[NVMX_PROC] | CPU_BASED_ACTIVATE_SECONDARY_CONTROLS;
	v.exit_ctls = caps.must1[NVMX_EXIT] | VM_EXIT_HOST_ADDR_SPACE_SIZE |
		      VM_EXIT_LOAD_IA32_PAT | VM_EXIT_LOAD_IA32_EFER;
	v.entry_ctls = caps.must1[NVMX_ENTRY] | VM_ENTRY_IA32E_MODE | VM_ENTRY_LOAD_IA32_PAT |
		       VM_ENTRY_LOAD_IA32_EFER | VM_ENTRY_LOAD_DEBUG_CONTROLS;
	make_host();
	make_guest();
	memset(pdptes, 0, sizeof(pdptes));
	link_revision = NVMX_REVISION;
	vtpr = 0;
	in = (struct nvmx_check){
		.v = &v, .caps = &caps, .maxphyaddr = 40, .linear_bits = 48, .l1_long = true,
		.efer_allowed = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX,
		.debugctl_allowed = DEBUGCTLMSR_BTF, .vmptr = CURRENT, .read = read_memory,
	};
}

/* ---- what many vectors start from ---- */

static void with_ept(void)
{
	v.proc2 |= SECONDARY_EXEC_ENABLE_EPT;
	v.ept_pointer = 0x9000 | VMX_EPTP_PWL_4 | VMX_EPTP_MT_WB;
}

static void with_unrestricted(void)
{
	with_ept();
	v.proc2 |= SECONDARY_EXEC_UNRESTRICTED_GUEST;
}

static void with_vid(void)
{
	v.pin |= PIN_BASED_EXT_INTR_MASK;
	v.proc |= CPU_BASED_TPR_SHADOW;
	v.virtual_apic_addr = VAPIC;
	v.proc2 |= SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY;
}

static void with_posted(void)
{
	with_vid();
	v.pin |= PIN_BASED_POSTED_INTR;
	v.exit_ctls |= VM_EXIT_ACK_INTR_ON_EXIT;
}

static void with_tpr_shadow(void)
{
	v.proc |= CPU_BASED_TPR_SHADOW;
	v.virtual_apic_addr = VAPIC;
}

static void with_eptp_list(void)
{
	with_ept();
	v.proc2 |= SECONDARY_EXEC_ENABLE_VMFUNC;
	v.vm_function_control = VMX_VMFUNC_EPTP_SWITCHING;
}

static void with_event(u32 type, u8 vector)
{
	v.entry_intr_info = INTR_INFO_VALID_MASK | type | vector;
}

static void guest_32(void)
{
	v.entry_ctls &= ~VM_ENTRY_IA32E_MODE;
	v.guest_efer = 0;
	v.guest_cr4 &= ~(u64)X86_CR4_PAE;
	v.guest_cs_ar = 0xc09b;
}

static void l1_32(void)
{
	guest_32();
	in.l1_long = false;
	v.exit_ctls &= ~VM_EXIT_HOST_ADDR_SPACE_SIZE;
	v.host_efer = 0;
}

static void guest_vm86(void)
{
	guest_32();
	v.guest_rflags |= X86_EFLAGS_VM;
	v.guest_cs_sel = 0;
	v.guest_cs_ar = 0xf3;
	v.guest_ss_ar = 0xf3;
	v.guest_ds_ar = 0xf3;
	v.guest_es_ar = 0xf3;
	v.guest_fs_ar = 0xf3;
	v.guest_gs_ar = 0xf3;
	v.guest_cs_limit = 0xffff;
	v.guest_ss_limit = 0xffff;
	v.guest_ds_limit = 0xffff;
	v.guest_es_limit = 0xffff;
	v.guest_fs_limit = 0xffff;
	v.guest_gs_limit = 0xffff;
}

static void guest_user(void)
{
	v.guest_cs_sel = 0x23;
	v.guest_ss_sel = 0x23;
	v.guest_cs_ar = 0xa0fb;
	v.guest_ss_ar = 0xc0f3;
}

/* ---- the vectors ---- */

#define VECTORS(V)								\
	V(pin_reserved, v.pin &= ~2u)						\
	V(pin_reserved, v.pin |= BIT(1) | BIT(8))				\
	V(proc_reserved, v.proc &= ~2u)						\
	V(proc2_reserved, v.proc2 = BIT(31))					\
	V(cr3_targets, v.cr3_target_count = 5)					\
	V(io_bitmap_aligned, v.proc |= CPU_BASED_USE_IO_BITMAPS; v.io_bitmap_b = 8) \
	V(io_bitmap_width, v.proc |= CPU_BASED_USE_IO_BITMAPS; v.io_bitmap_a = WIDE) \
	V(msr_bitmap_aligned, v.proc |= CPU_BASED_USE_MSR_BITMAPS; v.msr_bitmap = 1) \
	V(msr_bitmap_width, v.proc |= CPU_BASED_USE_MSR_BITMAPS; v.msr_bitmap = WIDE) \
	V(vapic_aligned, with_tpr_shadow(); v.virtual_apic_addr += 8; v.tpr_threshold = 0) \
	V(vapic_width, with_tpr_shadow(); v.virtual_apic_addr = WIDE)		\
	V(tpr_threshold_reserved, with_tpr_shadow(); v.tpr_threshold = 0x10)	\
	V(tpr_threshold_vtpr, with_tpr_shadow(); vtpr = 0x2f; v.tpr_threshold = 3) \
	V(vnmi_needs_nmi, v.pin &= ~PIN_BASED_NMI_EXITING)			\
	V(nmi_window_needs_vnmi, v.pin &= ~PIN_BASED_VIRTUAL_NMIS;		\
	  v.proc |= CPU_BASED_NMI_WINDOW_EXITING)				\
	V(apic_access_aligned, v.proc2 |= SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES; \
	  v.apic_access_addr = 0xfee00010)					\
	V(apic_access_width, v.proc2 |= SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES; \
	  v.apic_access_addr = WIDE)						\
	V(apicv_needs_tpr_shadow, v.proc2 |= SECONDARY_EXEC_APIC_REGISTER_VIRT)	\
	V(apicv_needs_tpr_shadow, v.proc2 |= SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE) \
	V(x2apic_or_apic_access, with_tpr_shadow();				\
	  v.proc2 |= SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE |			\
		     SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES)			\
	V(vid_needs_intr_exiting, with_vid(); v.pin &= ~PIN_BASED_EXT_INTR_MASK) \
	V(posted_needs_vid, with_posted();					\
	  v.proc2 &= ~SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)			\
	V(posted_needs_ack, with_posted(); v.exit_ctls &= ~VM_EXIT_ACK_INTR_ON_EXIT) \
	V(posted_vector, with_posted(); v.posted_intr_nv = 0x100)		\
	V(posted_desc_aligned, with_posted(); v.posted_intr_desc = 0x20)	\
	V(posted_desc_width, with_posted(); v.posted_intr_desc = WIDE)		\
	V(vpid_not_zero, v.proc2 |= SECONDARY_EXEC_ENABLE_VPID)			\
	V(eptp_memory_type, with_ept(); v.ept_pointer ^= 3)			\
	V(eptp_walk_length, with_ept(); v.ept_pointer ^= 8)			\
	V(eptp_accessed_dirty, with_ept(); caps.ept_vpid &= ~VMX_EPT_AD_BIT;	\
	  v.ept_pointer |= VMX_EPTP_AD_ENABLE_BIT)				\
	V(eptp_reserved, with_ept(); v.ept_pointer |= BIT(7))			\
	V(eptp_reserved, with_ept(); v.ept_pointer |= WIDE)			\
	V(pml_needs_ept, v.proc2 |= SECONDARY_EXEC_ENABLE_PML)			\
	V(pml_aligned, with_ept(); v.proc2 |= SECONDARY_EXEC_ENABLE_PML; v.pml_address = 8) \
	V(pml_width, with_ept(); v.proc2 |= SECONDARY_EXEC_ENABLE_PML; v.pml_address = WIDE) \
	V(unrestricted_needs_ept, v.proc2 |= SECONDARY_EXEC_UNRESTRICTED_GUEST)	\
	V(vmread_bitmap_aligned, v.proc2 |= SECONDARY_EXEC_SHADOW_VMCS; v.vmread_bitmap = 4) \
	V(vmread_bitmap_width, v.proc2 |= SECONDARY_EXEC_SHADOW_VMCS; v.vmwrite_bitmap = WIDE) \
	V(vmfunc_reserved, v.proc2 |= SECONDARY_EXEC_ENABLE_VMFUNC; v.vm_function_control = 2) \
	V(eptp_list_needs_ept, with_eptp_list(); v.proc2 &= ~SECONDARY_EXEC_ENABLE_EPT) \
	V(eptp_list_aligned, with_eptp_list(); v.eptp_list_addr = 8)		\
	V(eptp_list_width, with_eptp_list(); v.eptp_list_addr = WIDE)		\
	V(exit_reserved, v.exit_ctls |= BIT(31))				\
	V(exit_reserved, v.exit_ctls &= ~1u)					\
	V(save_timer_needs_timer, v.exit_ctls |= VM_EXIT_SAVE_VMX_PREEMPTION_TIMER) \
	V(exit_store_aligned, v.exit_msr_store_count = 1; v.exit_msr_store_addr = 8) \
	V(exit_store_width, v.exit_msr_store_count = 2;				\
	  v.exit_msr_store_addr = BIT_ULL(40) - 16)				\
	V(exit_load_aligned, v.exit_msr_load_count = 1; v.exit_msr_load_addr = 8) \
	V(exit_load_width, v.exit_msr_load_count = 1; v.exit_msr_load_addr = WIDE) \
	V(entry_reserved, v.entry_ctls |= BIT(31))				\
	V(event_type, with_event(INTR_TYPE_RESERVED, 1))			\
	V(event_type, with_event(INTR_TYPE_OTHER_EVENT, 0);			\
	  caps.may1[NVMX_PROC] &= ~CPU_BASED_MONITOR_TRAP_FLAG)		\
	V(event_vector, with_event(INTR_TYPE_NMI_INTR, 3))			\
	V(event_vector, with_event(INTR_TYPE_HARD_EXCEPTION, 32))		\
	V(event_error_code, with_event(INTR_TYPE_HARD_EXCEPTION, X86_TRAP_GP))	\
	V(event_error_code, with_event(INTR_TYPE_HARD_EXCEPTION, X86_TRAP_UD);	\
	  v.entry_intr_info |= INTR_INFO_DELIVER_CODE_MASK)			\
	V(event_reserved, with_event(INTR_TYPE_HARD_EXCEPTION, X86_TRAP_UD);	\
	  v.entry_intr_info |= BIT(12))						\
	V(event_error_value, with_event(INTR_TYPE_HARD_EXCEPTION, X86_TRAP_GP);	\
	  v.entry_intr_info |= INTR_INFO_DELIVER_CODE_MASK; v.entry_error_code = BIT(16)) \
	V(event_insn_length, with_event(INTR_TYPE_SOFT_INTR, 0x80))		\
	V(event_insn_length, with_event(INTR_TYPE_SOFT_EXCEPTION, 3); v.entry_insn_len = 16) \
	V(entry_load_aligned, v.entry_msr_load_count = 1; v.entry_msr_load_addr = 8) \
	V(entry_load_width, v.entry_msr_load_count = 1; v.entry_msr_load_addr = WIDE) \
	V(entry_not_smm, v.entry_ctls |= VM_ENTRY_SMM)				\
	V(entry_not_smm, v.entry_ctls |= VM_ENTRY_DEACT_DUAL_MONITOR)		\
	V(host_cr0_fixed, v.host_cr0 &= ~(u64)X86_CR0_NE)			\
	V(host_cr0_fixed, v.host_cr0 |= BIT_ULL(32))				\
	V(host_cr4_fixed, v.host_cr4 &= ~(u64)X86_CR4_VMXE)			\
	V(host_cr4_fixed, v.host_cr4 |= X86_CR4_SMEP)				\
	V(host_cr3_width, v.host_cr3 = WIDE)					\
	V(host_sysenter_canonical, v.host_sysenter_eip = NOT_CANONICAL)		\
	V(host_pat, v.host_pat = 2)						\
	V(host_efer_reserved, v.host_efer |= EFER_SVME)				\
	V(host_efer_mode, v.host_efer = EFER_LMA)				\
	V(host_selector_flags, v.host_ds_sel = 3)				\
	V(host_selector_flags, v.host_tr_sel |= 4)				\
	V(host_cs_not_null, v.host_tr_sel = 0)					\
	V(host_cs_not_null, v.host_cs_sel = 0)					\
	V(host_ss_not_null, l1_32(); v.host_ss_sel = 0)				\
	V(host_bases_canonical, v.host_idtr_base = NOT_CANONICAL)		\
	V(host_size_is_l1s, in.l1_long = false)					\
	V(guest_mode_needs_host_long, l1_32(); make_guest();			\
	  v.entry_ctls |= VM_ENTRY_IA32E_MODE)					\
	V(host_cr4_pcide, l1_32(); v.host_cr4 |= X86_CR4_PCIDE)			\
	V(host_rip_32, l1_32(); v.host_rip = BIT_ULL(32))			\
	V(host_cr4_pae, v.host_cr4 &= ~(u64)X86_CR4_PAE)			\
	V(host_rip_canonical, v.host_rip = NOT_CANONICAL)			\
	V(guest_cr0_fixed, v.guest_cr0 &= ~(u64)X86_CR0_NE)			\
	V(guest_cr0_pg_pe, with_unrestricted(); guest_32();			\
	  v.guest_cr0 = X86_CR0_NE | X86_CR0_PG)				\
	V(guest_cr4_fixed, v.guest_cr4 |= X86_CR4_SMEP)				\
	V(guest_debugctl, v.guest_debugctl = 1)					\
	V(guest_long_paging, v.guest_cr4 &= ~(u64)X86_CR4_PAE)			\
	V(guest_pcide, guest_32(); v.guest_cr4 |= X86_CR4_PCIDE)		\
	V(guest_cr3_width, v.guest_cr3 = WIDE)					\
	V(guest_dr7, v.guest_dr7 = BIT_ULL(32))					\
	V(guest_sysenter_canonical, v.guest_sysenter_esp = NOT_CANONICAL)	\
	V(guest_pat, v.guest_pat = 0x08ull << 56)				\
	V(guest_efer_reserved, v.guest_efer |= EFER_SVME)			\
	V(guest_efer_lma, guest_32(); v.guest_efer = EFER_LMA | EFER_LME)	\
	V(guest_efer_lme, v.guest_efer &= ~(u64)EFER_LME)			\
	V(tr_selector, v.guest_tr_sel = 4)					\
	V(ldtr_selector, v.guest_ldtr_sel = 4)					\
	V(ss_selector, v.guest_ss_sel = 3; v.guest_ss_ar = 0xc0f3; v.guest_cs_ar = 0xa0ff) \
	V(vm86_base, guest_vm86(); v.guest_fs_base = 0x10)			\
	V(system_bases_canonical, v.guest_fs_base = NOT_CANONICAL)		\
	V(ldtr_base_canonical, v.guest_ldtr_base = NOT_CANONICAL)		\
	V(cs_base_32, v.guest_cs_base = BIT_ULL(32))				\
	V(data_bases_32, v.guest_es_base = BIT_ULL(32))				\
	V(vm86_limit, guest_vm86(); v.guest_gs_limit = 0xfffff; v.guest_gs_ar = 0xf3) \
	V(vm86_rights, guest_vm86(); v.guest_ds_ar = 0x93)			\
	V(cs_type, v.guest_cs_ar &= ~1u)					\
	V(cs_type, v.guest_cs_ar = 0xa093)					\
	V(ss_type, v.guest_ss_ar = 0xc091)					\
	V(data_type, v.guest_gs_ar = 0xc092)					\
	V(data_type, v.guest_ds_ar = 0xc099)					\
	V(segment_s, v.guest_fs_ar = 0xc083)					\
	V(cs_dpl, v.guest_cs_ar = 0xa0fb)					\
	V(cs_dpl, with_unrestricted(); v.guest_cs_ar = 0xc0b3)			\
	V(cs_dpl, v.guest_cs_ar = 0xa0ff)					\
	V(ss_dpl_rpl, v.guest_cs_ar = 0xa0fb; v.guest_ss_ar = 0xc0f3)		\
	V(ss_dpl_zero, with_unrestricted(); v.guest_cs_ar = 0xc093; v.guest_ss_ar = 0xc0f3) \
	V(data_dpl, v.guest_es_sel = 3)						\
	V(segment_present, v.guest_cs_ar &= ~NST_AR_P)				\
	V(segment_reserved, v.guest_ss_ar |= BIT(8))				\
	V(cs_db, v.guest_cs_ar |= NST_AR_DB)					\
	V(segment_granularity, v.guest_ds_limit = 0xfffff0ff)			\
	V(segment_granularity, v.guest_ds_ar &= ~NST_AR_G)			\
	V(tr_type, v.guest_tr_ar = 0x89)					\
	V(tr_type, v.guest_tr_ar = 0x83)					\
	V(tr_s, v.guest_tr_ar |= NST_AR_S)					\
	V(tr_present, v.guest_tr_ar &= ~NST_AR_P)				\
	V(tr_reserved, v.guest_tr_ar |= BIT(9))					\
	V(tr_granularity, v.guest_tr_limit = BIT(20))				\
	V(tr_usable, v.guest_tr_ar |= NST_AR_UNUSABLE)				\
	V(ldtr_type, v.guest_ldtr_ar = 0x83)					\
	V(ldtr_s, v.guest_ldtr_ar |= NST_AR_S)					\
	V(ldtr_present, v.guest_ldtr_ar &= ~NST_AR_P)				\
	V(ldtr_reserved, v.guest_ldtr_ar |= BIT(20))				\
	V(ldtr_granularity, v.guest_ldtr_ar |= NST_AR_G)			\
	V(table_bases_canonical, v.guest_gdtr_base = NOT_CANONICAL)		\
	V(table_limits, v.guest_idtr_limit = BIT(16))				\
	V(rip_32, guest_32(); v.guest_rip = BIT_ULL(32))			\
	V(rip_canonical, v.guest_rip = BIT_ULL(48))				\
	V(rflags_reserved, v.guest_rflags |= BIT(3))				\
	V(rflags_reserved, v.guest_rflags = 0)					\
	V(rflags_vm, guest_vm86(); make_guest(); v.guest_rflags |= X86_EFLAGS_VM; \
	  with_unrestricted(); v.guest_efer = 0; v.guest_cr0 = X86_CR0_NE;	\
	  v.guest_cs_sel = 0; v.guest_cs_ar = v.guest_ss_ar = v.guest_ds_ar = 0xf3; \
	  v.guest_es_ar = v.guest_fs_ar = v.guest_gs_ar = 0xf3;			\
	  v.guest_cs_limit = v.guest_ss_limit = v.guest_ds_limit = 0xffff;	\
	  v.guest_es_limit = v.guest_fs_limit = v.guest_gs_limit = 0xffff)	\
	V(rflags_if, with_event(INTR_TYPE_EXT_INTR, 0x40))			\
	V(activity_known, v.guest_activity = GUEST_ACTIVITY_SHUTDOWN)		\
	V(activity_known, v.guest_activity = 4)					\
	V(activity_hlt_dpl, guest_user(); v.guest_activity = GUEST_ACTIVITY_HLT) \
	V(activity_blocking, v.guest_activity = GUEST_ACTIVITY_HLT;		\
	  v.guest_interruptibility = GUEST_INTR_STATE_MOV_SS)			\
	V(activity_event, v.guest_activity = GUEST_ACTIVITY_HLT;		\
	  with_event(INTR_TYPE_HARD_EXCEPTION, X86_TRAP_UD))			\
	V(activity_event, v.guest_activity = GUEST_ACTIVITY_WAIT_SIPI;		\
	  with_event(INTR_TYPE_NMI_INTR, X86_TRAP_NMI))				\
	V(intr_reserved, v.guest_interruptibility = BIT(5))			\
	V(intr_both, v.guest_rflags |= X86_EFLAGS_IF;				\
	  v.guest_interruptibility = GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS) \
	V(intr_sti_if, v.guest_interruptibility = GUEST_INTR_STATE_STI)		\
	V(intr_extint, v.guest_rflags |= X86_EFLAGS_IF; with_event(INTR_TYPE_EXT_INTR, 32); \
	  v.guest_interruptibility = GUEST_INTR_STATE_STI)			\
	V(intr_nmi_movss, with_event(INTR_TYPE_NMI_INTR, X86_TRAP_NMI);		\
	  v.guest_interruptibility = GUEST_INTR_STATE_MOV_SS)			\
	V(intr_smi, v.guest_interruptibility = GUEST_INTR_STATE_SMI)		\
	V(intr_nmi_sti, with_event(INTR_TYPE_NMI_INTR, X86_TRAP_NMI);		\
	  v.guest_rflags |= X86_EFLAGS_IF; v.guest_interruptibility = GUEST_INTR_STATE_STI) \
	V(intr_nmi_nmi, with_event(INTR_TYPE_NMI_INTR, X86_TRAP_NMI);		\
	  v.guest_interruptibility = GUEST_INTR_STATE_NMI)			\
	V(intr_enclave, v.guest_interruptibility = GUEST_INTR_STATE_ENCLAVE_INTR) \
	V(pending_reserved, v.guest_pending_dbg = BIT(15))			\
	V(pending_single_step, v.guest_activity = GUEST_ACTIVITY_HLT;		\
	  v.guest_rflags |= X86_EFLAGS_TF)					\
	V(pending_single_step, v.guest_activity = GUEST_ACTIVITY_HLT;		\
	  v.guest_pending_dbg = BIT(14))					\
	V(link_aligned, v.vmcs_link_pointer = LINK + 8)				\
	V(link_width, v.vmcs_link_pointer = WIDE)				\
	V(link_revision, v.vmcs_link_pointer = LINK; link_revision++)		\
	V(link_revision, v.vmcs_link_pointer = LINK; link_revision |= BIT(31))	\
	V(link_not_current, v.vmcs_link_pointer = CURRENT)			\
	V(pdptes, guest_32(); v.guest_cr4 |= X86_CR4_PAE; pdptes[2] = 3)	\
	V(pdptes, guest_32(); v.guest_cr4 |= X86_CR4_PAE; pdptes[3] = WIDE | 1)	\
	V(pdptes, guest_32(); v.guest_cr4 |= X86_CR4_PAE; with_ept();		\
	  v.guest_pdptr1 = 0x21)

/*
 * All statements of the list as cases of one switch: case numbers are those
 * of the list.
 */
enum { FIRST_CASE = __COUNTER__ + 1 };

#define V(rule, ...) { #rule, __COUNTER__ - FIRST_CASE },
static const struct {
	const char *rule;
	int number;
} vectors[] = { VECTORS(V) };
#undef V

enum { FIRST_MAKE = __COUNTER__ + 1 };

static void make_vector(int number)
{
	switch (number + FIRST_MAKE) {
#define V(rule, ...) case __COUNTER__: __VA_ARGS__; break;
	VECTORS(V)
#undef V
	}
}

/* Names of the rules broken now; the count is returned. */
static unsigned int broken(char *names, size_t size)
{
	unsigned int count = 0;
	size_t used = 0;

	names[0] = 0;
	for (unsigned int i = 0; i < nvmx_nr_rules; i++) {
		if (nvmx_rules[i].holds(&in))
			continue;
		count++;
		used += snprintf(names + used, used < size ? size - used : 0, " %s",
				 nvmx_rules[i].id);
	}
	return count;
}

static void test_vectors(void)
{
	char names[512];

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		make_caps();
		make_valid();
		make_vector(vectors[i].number);
		if (!tap_ok(broken(names, sizeof(names)) == 1 &&
			    !strcmp(names + 1, vectors[i].rule),
			    "%s alone is broken", vectors[i].rule))
			tap_note("broken:%s", names);
	}
}

static void test_complete(void)
{
	unsigned int missing = 0;

	for (unsigned int i = 0; i < nvmx_nr_rules; i++) {
		size_t k;

		for (k = 0; k < ARRAY_SIZE(vectors); k++)
			if (!strcmp(vectors[k].rule, nvmx_rules[i].id))
				break;
		if (k < ARRAY_SIZE(vectors))
			continue;
		missing++;
		tap_note("no vector breaks %s", nvmx_rules[i].id);
	}
	tap_ok(!missing, "each of %u rules has a vector", nvmx_nr_rules);
}

/* Valid states of every kind: a rule that refuses one of them is wrong. */
static void test_valid(void)
{
	static void (*const makers[])(void) = {
		with_ept, with_unrestricted, with_vid, with_posted, with_tpr_shadow,
		with_eptp_list, guest_32, l1_32, guest_vm86, guest_user,
	};
	char names[512];

	make_caps();
	make_valid();
	tap_ok(!broken(names, sizeof(names)), "a 64-bit guest breaks no rule%s", names);
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		make_caps();
		make_valid();
		makers[i]();
		tap_ok(!broken(names, sizeof(names)), "valid state %zu breaks no rule%s", i, names);
	}
	make_valid();
	guest_32();
	with_unrestricted();
	v.guest_cr0 = X86_CR0_NE;
	v.guest_cs_ar = 0x93;
	v.guest_cs_limit = 0xffff;
	tap_ok(!broken(names, sizeof(names)), "real mode breaks no rule%s", names);
	make_valid();
	v.guest_activity = GUEST_ACTIVITY_HLT;
	v.guest_rflags |= X86_EFLAGS_IF;
	with_event(INTR_TYPE_EXT_INTR, 0x30);
	tap_ok(!broken(names, sizeof(names)), "an interrupt into HLT breaks no rule%s", names);
	make_valid();
	v.vmcs_link_pointer = LINK;
	v.guest_interruptibility = GUEST_INTR_STATE_NMI;
	v.guest_ldtr_ar = NST_AR_UNUSABLE | 0xffff;
	v.guest_es_ar = NST_AR_UNUSABLE;
	tap_ok(!broken(names, sizeof(names)), "unusable segments break no rule%s", names);
}

static void test_order(void)
{
	make_caps();
	make_valid();
	v.guest_rflags = 0;
	v.host_cr3 = WIDE;
	v.cr3_target_count = 5;
	tap_ok(nvmx_check_vmfail(&in) && nvmx_check_vmfail(&in)->verdict == NVMX_BAD_CONTROL,
	       "controls come before the host's state");
	v.cr3_target_count = 0;
	tap_ok(nvmx_check_vmfail(&in) && nvmx_check_vmfail(&in)->verdict == NVMX_BAD_HOST &&
	       nvmx_check_guest(&in) && nvmx_check_guest(&in)->verdict == NVMX_BAD_GUEST,
	       "the guest's state is apart");
}

static void test_msr_lists(void)
{
	struct vmx_msr_entry e = { .index = MSR_LSTAR };

	tap_ok(nvmx_msr_load_allowed(&e) && nvmx_msr_store_allowed(&e), "LSTAR may be listed");
	e.reserved = 1;
	tap_ok(!nvmx_msr_load_allowed(&e) && !nvmx_msr_store_allowed(&e),
	       "bits 63:32 of an entry must be 0");
	e = (struct vmx_msr_entry){ .index = MSR_GS_BASE };
	tap_ok(!nvmx_msr_load_allowed(&e) && nvmx_msr_store_allowed(&e),
	       "GS_BASE may be stored, not loaded");
	e.index = 0x808;
	tap_ok(!nvmx_msr_load_allowed(&e) && !nvmx_msr_store_allowed(&e),
	       "x2APIC registers may not be listed");
	e.index = MSR_IA32_SMBASE;
	tap_ok(!nvmx_msr_store_allowed(&e), "SMBASE may not be stored");
}

int main(void)
{
	test_valid();
	test_vectors();
	test_complete();
	test_order();
	test_msr_lists();
	return tap_done();
}
