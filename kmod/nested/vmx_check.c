// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM-entry checks as a table: one row a sentence of SDM3 "VM Entries".  The
 * rows stand in vmx_rules_ctl.h and vmx_rules_guest.h; here are the words that
 * they are written in.  Inputs are copies, so nothing changes while it is
 * checked.  Pure.
 */
#include "vmx_check.h"

#define SELECTOR_RPL		0x3u
#define SELECTOR_TI		0x4u
#define SELECTOR_FLAGS		(SELECTOR_RPL | SELECTOR_TI)

#define EPTP_RESERVED		0xf80ull
#define ENTRY_SMM_BITS		(VM_ENTRY_SMM | VM_ENTRY_DEACT_DUAL_MONITOR)
#define RFLAGS_RESERVED		(~0x3fffffull | BIT_ULL(15) | BIT_ULL(5) | BIT_ULL(3))
#define AR_RESERVED		0xfffe0f00u
#define INTR_STATE_RESERVED	(~0x1fu)
#define PENDING_DBG_BS		BIT_ULL(14)
#define PENDING_DBG_RESERVED	(~(BIT_ULL(14) | BIT_ULL(12) | 0xfull))
#define VM86_LIMIT		0xffffu
#define VM86_RIGHTS		0xf3u
#define NO_LINK			(~0ull)

/* Segment types, SDM3 "Code- and Data-Segment Types" and "System Descriptor Types". */
#define TYPE_LDT		2
#define TYPE_DATA_RW_A		3
#define TYPE_TSS16_BUSY		3
#define TYPE_DOWN_RW_A		7
#define TYPE_CODE_A		9
#define TYPE_TSS_BUSY		11
#define TYPE_CONFORMING_A	13

/* SDM3 "Reserved Bits" of a PAE PDPTE. */
#define PDPTE_PRESENT		BIT_ULL(0)
#define PDPTE_RESERVED		(BIT_ULL(1) | BIT_ULL(2) | 0x1e0ull)
#define PDPT_ADDRESS		0xffffffe0ull
#define NR_PDPTES		4

#define VTPR_OFFSET		0x80
#define VTPR_CLASS_SHIFT	4

/* ---- words ---- */

static u32 proc2(const struct nvmx_vmcs12 *v)
{
	return v->proc & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS ? v->proc2 : 0;
}

static bool fixed(u64 val, u64 ones, u64 allowed)
{
	return (val & ones) == ones && !(val & ~allowed);
}

static bool word_fits(const struct nvmx_check *in, enum nvmx_word word, u32 val)
{
	return fixed(val, in->caps->must1[word], in->caps->may1[word]);
}

static bool page_aligned(u64 addr)
{
	return !(addr & 0xfff);
}

static bool in_width(const struct nvmx_check *in, u64 addr)
{
	return !(addr >> in->maxphyaddr);
}

static bool area_in_width(const struct nvmx_check *in, u64 addr, u32 count)
{
	u64 bytes = (u64)count * sizeof(struct vmx_msr_entry);

	return !count || (in_width(in, addr) && in_width(in, addr + bytes - 1));
}

/**
 * nvmx_canonical() - is this an address that can be used?
 * @linear_bits: linear-address width
 * @addr: the address
 *
 * Return: true when bits 63 to @linear_bits - 1 are all equal.
 */
bool nvmx_canonical(u8 linear_bits, u64 addr)
{
	u64 upper = addr >> (linear_bits - 1);

	return !upper || upper == ~0ull >> (linear_bits - 1);
}

static bool canonical(const struct nvmx_check *in, u64 addr)
{
	return nvmx_canonical(in->linear_bits, addr);
}

/* Less than canonical: the highest bit that an address has may differ from them. */
static bool upper_bits_equal(const struct nvmx_check *in, u64 addr)
{
	u64 upper = addr >> in->linear_bits;

	return !upper || upper == ~0ull >> in->linear_bits;
}

static bool pat_ok(u64 pat)
{
	for (int i = 0; i < 8; i++) {
		u8 type = pat >> (8 * i);

		if (type == 2 || type == 3 || type > 7)
			return false;
	}
	return true;
}

static bool host_long(const struct nvmx_vmcs12 *v)
{
	return v->exit_ctls & VM_EXIT_HOST_ADDR_SPACE_SIZE;
}

static bool guest_long(const struct nvmx_vmcs12 *v)
{
	return v->entry_ctls & VM_ENTRY_IA32E_MODE;
}

static bool unrestricted(const struct nvmx_vmcs12 *v)
{
	return proc2(v) & SECONDARY_EXEC_UNRESTRICTED_GUEST;
}

static u64 cr0_fixed0(const struct nvmx_check *in)
{
	u64 bits = in->caps->cr0_fixed0;

	return unrestricted(in->v) ? bits & ~(u64)(X86_CR0_PE | X86_CR0_PG) : bits;
}

/* ---- controls ---- */

static u8 vtpr_class(const struct nvmx_check *in)
{
	u8 vtpr = 0;

	/* No memory there reads as ones, as on a bus that nobody answers. */
	if (!in->read(in->opaque, in->v->virtual_apic_addr + VTPR_OFFSET, &vtpr, sizeof(vtpr)))
		vtpr = 0xff;
	return vtpr >> VTPR_CLASS_SHIFT;
}

static bool eptp_memory_type_ok(const struct nvmx_caps *caps, u64 eptp)
{
	switch (eptp & VMX_EPTP_MT_MASK) {
	case VMX_EPTP_MT_UC:
		return caps->ept_vpid & VMX_EPTP_UC_BIT;
	case VMX_EPTP_MT_WB:
		return caps->ept_vpid & VMX_EPTP_WB_BIT;
	default:
		return false;
	}
}

static bool eptp_walk_ok(const struct nvmx_caps *caps, u64 eptp)
{
	switch (eptp & VMX_EPTP_PWL_MASK) {
	case VMX_EPTP_PWL_4:
		return caps->ept_vpid & VMX_EPT_PAGE_WALK_4_BIT;
	case VMX_EPTP_PWL_5:
		return caps->ept_vpid & VMX_EPT_PAGE_WALK_5_BIT;
	default:
		return false;
	}
}

static bool eptp_ad_ok(const struct nvmx_caps *caps, u64 eptp)
{
	return !(eptp & VMX_EPTP_AD_ENABLE_BIT) || (caps->ept_vpid & VMX_EPT_AD_BIT);
}

static bool eptp_reserved_ok(u8 maxphyaddr, u64 eptp)
{
	return !(eptp & EPTP_RESERVED) && !(eptp >> maxphyaddr);
}

/**
 * nvmx_eptp_ok() - would a VM entry take this EPT pointer?
 * @caps: what L1's CPU offers
 * @maxphyaddr: its physical-address width
 * @eptp: the pointer
 *
 * INVEPT asks for the same as the four rules below that are about it.
 *
 * Return: true when it would.
 */
bool nvmx_eptp_ok(const struct nvmx_caps *caps, u8 maxphyaddr, u64 eptp)
{
	return eptp_memory_type_ok(caps, eptp) && eptp_walk_ok(caps, eptp) &&
	       eptp_ad_ok(caps, eptp) && eptp_reserved_ok(maxphyaddr, eptp);
}

static bool eptp_switching(const struct nvmx_vmcs12 *v)
{
	return (proc2(v) & SECONDARY_EXEC_ENABLE_VMFUNC) &&
	       (v->vm_function_control & VMX_VMFUNC_EPTP_SWITCHING);
}

/* ---- the event to be injected ---- */

static bool event(const struct nvmx_vmcs12 *v)
{
	return v->entry_intr_info & INTR_INFO_VALID_MASK;
}

static u32 event_type(const struct nvmx_vmcs12 *v)
{
	return v->entry_intr_info & INTR_INFO_INTR_TYPE_MASK;
}

static bool event_is(const struct nvmx_vmcs12 *v, u32 type)
{
	return event(v) && event_type(v) == type;
}

static u8 event_vector(const struct nvmx_vmcs12 *v)
{
	return v->entry_intr_info & INTR_INFO_VECTOR_MASK;
}

static bool vector_fits(const struct nvmx_vmcs12 *v)
{
	switch (event_type(v)) {
	case INTR_TYPE_NMI_INTR:
		return event_vector(v) == X86_TRAP_NMI;
	case INTR_TYPE_HARD_EXCEPTION:
		return event_vector(v) < 32;
	case INTR_TYPE_OTHER_EVENT:
		return event_vector(v) == 0;
	default:
		return true;
	}
}

static bool has_error_code(const struct nvmx_vmcs12 *v)
{
	return v->entry_intr_info & INTR_INFO_DELIVER_CODE_MASK;
}

static bool pushes_error_code(const struct nvmx_vmcs12 *v)
{
	if (event_type(v) != INTR_TYPE_HARD_EXCEPTION)
		return false;
	if (unrestricted(v) && !(v->guest_cr0 & X86_CR0_PE))
		return false;
	switch (event_vector(v)) {
	case X86_TRAP_DF:
	case X86_TRAP_TS:
	case X86_TRAP_NP:
	case X86_TRAP_SS:
	case X86_TRAP_GP:
	case X86_TRAP_PF:
	case X86_TRAP_AC:
		return true;
	default:
		return false;
	}
}

static bool is_software_event(const struct nvmx_vmcs12 *v)
{
	switch (event_type(v)) {
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_SOFT_EXCEPTION:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
		return true;
	default:
		return false;
	}
}

/* ---- segments ---- */

struct segment {
	u64 base;
	u32 limit;
	u32 ar;
	u16 sel;
	bool code;
};

typedef bool (*segment_test)(const struct segment *s);

/* The test holds for CS, SS, DS, ES, FS and GS, or the last four of them. */
static bool test_segments(const struct nvmx_vmcs12 *v, segment_test test, unsigned int first)
{
	const struct segment segs[] = {
		{ v->guest_cs_base, v->guest_cs_limit, v->guest_cs_ar, v->guest_cs_sel, true },
		{ v->guest_ss_base, v->guest_ss_limit, v->guest_ss_ar, v->guest_ss_sel },
		{ v->guest_ds_base, v->guest_ds_limit, v->guest_ds_ar, v->guest_ds_sel },
		{ v->guest_es_base, v->guest_es_limit, v->guest_es_ar, v->guest_es_sel },
		{ v->guest_fs_base, v->guest_fs_limit, v->guest_fs_ar, v->guest_fs_sel },
		{ v->guest_gs_base, v->guest_gs_limit, v->guest_gs_ar, v->guest_gs_sel },
	};

	for (unsigned int i = first; i < ARRAY_SIZE(segs); i++)
		if (!test(&segs[i]))
			return false;
	return true;
}

static bool all_segments(const struct nvmx_vmcs12 *v, segment_test test)
{
	return test_segments(v, test, 0);
}

static bool data_segments(const struct nvmx_vmcs12 *v, segment_test test)
{
	return test_segments(v, test, 2);
}

static bool unusable(u32 ar)
{
	return ar & NST_AR_UNUSABLE;
}

static u32 seg_type(u32 ar)
{
	return ar & NST_AR_TYPE;
}

static u32 dpl(u32 ar)
{
	return (ar & NST_AR_DPL) >> NST_AR_DPL_SHIFT;
}

/* CS is looked at whatever its unusable bit says. */
static bool skipped(const struct segment *s)
{
	return !s->code && unusable(s->ar);
}

static bool vm86(const struct nvmx_vmcs12 *v)
{
	return v->guest_rflags & X86_EFLAGS_VM;
}

static bool vm86_base_ok(const struct segment *s)
{
	return s->base == (u64)s->sel << 4;
}

static bool vm86_limit_ok(const struct segment *s)
{
	return s->limit == VM86_LIMIT;
}

static bool vm86_rights_ok(const struct segment *s)
{
	return s->ar == VM86_RIGHTS;
}

static bool cs_type_ok(const struct nvmx_vmcs12 *v)
{
	u32 type = seg_type(v->guest_cs_ar);

	if (type == TYPE_DATA_RW_A)
		return unrestricted(v);
	return (type & (NST_AR_CODE | NST_AR_ACCESSED)) == (NST_AR_CODE | NST_AR_ACCESSED);
}

static bool cs_dpl_ok(const struct nvmx_vmcs12 *v)
{
	u32 cs = dpl(v->guest_cs_ar), ss = dpl(v->guest_ss_ar);

	switch (seg_type(v->guest_cs_ar)) {
	case TYPE_DATA_RW_A:
		return !cs;
	case TYPE_CODE_A:
	case TYPE_CODE_A | NST_AR_RW:
		return cs == ss;
	case TYPE_CONFORMING_A:
	case TYPE_CONFORMING_A | NST_AR_RW:
		return cs <= ss;
	default:
		return true;
	}
}

static bool data_type_ok(const struct segment *s)
{
	if (skipped(s))
		return true;
	return (s->ar & NST_AR_ACCESSED) && (!(s->ar & NST_AR_CODE) || (s->ar & NST_AR_RW));
}

static bool code_or_data(const struct segment *s)
{
	return skipped(s) || (s->ar & NST_AR_S);
}

static bool data_dpl_ok(const struct segment *s)
{
	return skipped(s) || seg_type(s->ar) > (TYPE_CODE_A | NST_AR_RW) ||
	       dpl(s->ar) >= (s->sel & SELECTOR_RPL);
}

static bool present(const struct segment *s)
{
	return skipped(s) || (s->ar & NST_AR_P);
}

static bool rights_reserved_clear(const struct segment *s)
{
	return skipped(s) || !(s->ar & AR_RESERVED);
}

static bool limit_fits(u32 limit, u32 ar)
{
	if ((limit & 0xfff) != 0xfff && (ar & NST_AR_G))
		return false;
	return !(limit & 0xfff00000) || (ar & NST_AR_G);
}

static bool granularity_ok(const struct segment *s)
{
	return skipped(s) || limit_fits(s->limit, s->ar);
}

static bool code64(const struct nvmx_vmcs12 *v)
{
	return guest_long(v) && (v->guest_cs_ar & NST_AR_L);
}

/* ---- non-register state ---- */

static bool activity_supported(const struct nvmx_check *in)
{
	switch (in->v->guest_activity) {
	case GUEST_ACTIVITY_ACTIVE:
		return true;
	case GUEST_ACTIVITY_HLT:
		return in->caps->misc & VMX_MISC_ACTIVITY_HLT;
	case GUEST_ACTIVITY_WAIT_SIPI:
		return in->caps->misc & VMX_MISC_ACTIVITY_WAIT_SIPI;
	default:
		return false;
	}
}

static bool activity_takes_event(const struct nvmx_vmcs12 *v)
{
	bool hard = event_type(v) == INTR_TYPE_HARD_EXCEPTION;

	switch (v->guest_activity) {
	case GUEST_ACTIVITY_HLT:
		return event_type(v) == INTR_TYPE_EXT_INTR ||
		       event_type(v) == INTR_TYPE_NMI_INTR ||
		       event_type(v) == INTR_TYPE_OTHER_EVENT ||
		       (hard && (event_vector(v) == X86_TRAP_DB ||
				 event_vector(v) == X86_TRAP_MC));
	case GUEST_ACTIVITY_WAIT_SIPI:
		return false;
	default:
		return true;
	}
}

static bool blocks_debug(const struct nvmx_vmcs12 *v)
{
	return (v->guest_interruptibility & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)) ||
	       v->guest_activity == GUEST_ACTIVITY_HLT;
}

static bool single_steps(const struct nvmx_vmcs12 *v)
{
	return (v->guest_rflags & X86_EFLAGS_TF) && !(v->guest_debugctl & DEBUGCTLMSR_BTF);
}

static bool no_link(const struct nvmx_vmcs12 *v)
{
	return v->vmcs_link_pointer == NO_LINK;
}

static bool link_revision_ok(const struct nvmx_check *in)
{
	u32 want = NVMX_REVISION, found = 0;

	if (proc2(in->v) & SECONDARY_EXEC_SHADOW_VMCS)
		want |= BIT(31);
	return in->read(in->opaque, in->v->vmcs_link_pointer, &found, sizeof(found)) &&
	       found == want;
}

static bool pae_paging(const struct nvmx_vmcs12 *v)
{
	return (v->guest_cr0 & X86_CR0_PG) && (v->guest_cr4 & X86_CR4_PAE) && !guest_long(v);
}

static bool pdptes_ok(const struct nvmx_check *in)
{
	const struct nvmx_vmcs12 *v = in->v;
	u64 e[NR_PDPTES] = { v->guest_pdptr0, v->guest_pdptr1, v->guest_pdptr2, v->guest_pdptr3 };

	/* With EPT they are fields; without, CR3 says where they are. */
	if (!(proc2(v) & SECONDARY_EXEC_ENABLE_EPT) &&
	    !in->read(in->opaque, v->guest_cr3 & PDPT_ADDRESS, e, sizeof(e)))
		return false;
	for (int i = 0; i < NR_PDPTES; i++)
		if ((e[i] & PDPTE_PRESENT) && ((e[i] & PDPTE_RESERVED) || !in_width(in, e[i])))
			return false;
	return true;
}

/* ---- the table ---- */

#define RULE(id, verdict, text, condition)					\
	static bool rule_##id(const struct nvmx_check *in)			\
	{									\
		const struct nvmx_vmcs12 *v = in->v;				\
										\
		return v && (condition);					\
	}

#include "vmx_rules_ctl.h"
#include "vmx_rules_guest.h"
#undef RULE

#define RULE(id, verdict, text, condition) { #id, text, NVMX_##verdict, rule_##id },

const struct nvmx_rule nvmx_rules[] = {
#include "vmx_rules_ctl.h"
#include "vmx_rules_guest.h"
};

#undef RULE

const unsigned int nvmx_nr_rules = ARRAY_SIZE(nvmx_rules);

static bool makes_vmfail(const struct nvmx_rule *rule)
{
	return rule->verdict == NVMX_BAD_CONTROL || rule->verdict == NVMX_BAD_HOST;
}

static const struct nvmx_rule *first_broken(const struct nvmx_check *in, bool vmfail)
{
	for (unsigned int i = 0; i < nvmx_nr_rules; i++)
		if (makes_vmfail(&nvmx_rules[i]) == vmfail && !nvmx_rules[i].holds(in))
			return &nvmx_rules[i];
	return NULL;
}

/**
 * nvmx_check_vmfail() - the checks after which VMLAUNCH fails as an instruction
 * @in: what to look at
 *
 * Return: the first rule broken, or NULL.
 */
const struct nvmx_rule *nvmx_check_vmfail(const struct nvmx_check *in)
{
	return first_broken(in, true);
}

/**
 * nvmx_check_guest() - the checks after which the entry fails as a VM exit
 * @in: what to look at
 *
 * Return: the first rule broken, or NULL.
 */
const struct nvmx_rule *nvmx_check_guest(const struct nvmx_check *in)
{
	return first_broken(in, false);
}

/* ---- MSR areas ---- */

#define X2APIC_FIRST		0x800
#define X2APIC_LAST		0x8ff

static bool msr_list_entry_ok(const struct vmx_msr_entry *entry)
{
	return !entry->reserved && (entry->index < X2APIC_FIRST || entry->index > X2APIC_LAST);
}

/**
 * nvmx_msr_load_allowed() - may an MSR-load area name this MSR?
 * @entry: the area's entry
 *
 * SDM3 "Loading MSRs".  What WRMSR would refuse is the caller's to find out.
 *
 * Return: false: the load fails.
 */
bool nvmx_msr_load_allowed(const struct vmx_msr_entry *entry)
{
	switch (entry->index) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_IA32_SMM_MONITOR_CTL:
	case MSR_IA32_UCODE_WRITE:
		return false;
	default:
		return msr_list_entry_ok(entry);
	}
}

/**
 * nvmx_msr_store_allowed() - may an MSR-store area name this MSR?
 * @entry: the area's entry
 *
 * Return: false: the exit ends in a VMX abort.
 */
bool nvmx_msr_store_allowed(const struct vmx_msr_entry *entry)
{
	return entry->index != MSR_IA32_SMBASE && msr_list_entry_ok(entry);
}
