// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCB as a table: one row a field, with its name, place and size.  Dumps
 * and traces read the rows.  Reads memory only.  APM2 "Layout of VMCB".
 */
#include "../nestor.h"
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include "svm.h"

#define CTL(name_, member)						\
	{ name_, offsetof(struct vmcb, control.member),			\
	  sizeof_field(struct vmcb, control.member) }
#define SAVE(name_, member)						\
	{ name_, offsetof(struct vmcb, save.member),			\
	  sizeof_field(struct vmcb, save.member) }
#define SEG(name_, member)						\
	SAVE(name_ ".selector", member.selector),			\
	SAVE(name_ ".attrib", member.attrib),				\
	SAVE(name_ ".limit", member.limit),				\
	SAVE(name_ ".base", member.base)

const struct svm_field svm_fields[] = {
	CTL("INTERCEPT_CR", intercepts[INTERCEPT_CR]),
	CTL("INTERCEPT_DR", intercepts[INTERCEPT_DR]),
	CTL("INTERCEPT_EXCEPTION", intercepts[INTERCEPT_EXCEPTION]),
	CTL("INTERCEPT_WORD3", intercepts[INTERCEPT_WORD3]),
	CTL("INTERCEPT_WORD4", intercepts[INTERCEPT_WORD4]),
	CTL("INTERCEPT_WORD5", intercepts[INTERCEPT_WORD5]),
	CTL("PAUSE_FILTER_THRESHOLD", pause_filter_thresh),
	CTL("PAUSE_FILTER_COUNT", pause_filter_count),
	CTL("IOPM_BASE_PA", iopm_base_pa),
	CTL("MSRPM_BASE_PA", msrpm_base_pa),
	CTL("TSC_OFFSET", tsc_offset),
	CTL("GUEST_ASID", asid),
	CTL("TLB_CONTROL", tlb_ctl),
	CTL("INT_CTL", int_ctl),
	CTL("V_INTR_VECTOR", int_vector),
	CTL("INTERRUPT_SHADOW", int_state),
	CTL("EXITCODE", exit_code),
	CTL("EXITCODE_HI", exit_code_hi),
	CTL("EXITINFO1", exit_info_1),
	CTL("EXITINFO2", exit_info_2),
	CTL("EXITINTINFO", exit_int_info),
	CTL("EXITINTINFO_ERROR", exit_int_info_err),
	CTL("NP_ENABLE", nested_ctl),
	CTL("EVENTINJ", event_inj),
	CTL("EVENTINJ_ERROR", event_inj_err),
	CTL("N_CR3", nested_cr3),
	CTL("LBR_VIRTUALIZATION_ENABLE", virt_ext),
	CTL("VMCB_CLEAN", clean),
	CTL("NRIP", next_rip),
	CTL("INSN_LEN", insn_len),
	SEG("ES", es),
	SEG("CS", cs),
	SEG("SS", ss),
	SEG("DS", ds),
	SEG("FS", fs),
	SEG("GS", gs),
	SEG("GDTR", gdtr),
	SEG("LDTR", ldtr),
	SEG("IDTR", idtr),
	SEG("TR", tr),
	SAVE("CPL", cpl),
	SAVE("EFER", efer),
	SAVE("CR4", cr4),
	SAVE("CR3", cr3),
	SAVE("CR0", cr0),
	SAVE("DR7", dr7),
	SAVE("DR6", dr6),
	SAVE("RFLAGS", rflags),
	SAVE("RIP", rip),
	SAVE("RSP", rsp),
	SAVE("RAX", rax),
	SAVE("STAR", star),
	SAVE("LSTAR", lstar),
	SAVE("CSTAR", cstar),
	SAVE("SFMASK", sfmask),
	SAVE("KERNEL_GS_BASE", kernel_gs_base),
	SAVE("SYSENTER_CS", sysenter_cs),
	SAVE("SYSENTER_ESP", sysenter_esp),
	SAVE("SYSENTER_EIP", sysenter_eip),
	SAVE("CR2", cr2),
	SAVE("G_PAT", g_pat),
	SAVE("DBGCTL", dbgctl),
	SAVE("SPEC_CTRL", spec_ctrl),
};

const unsigned int svm_nr_fields = ARRAY_SIZE(svm_fields);

/**
 * svm_field_read() - read a VMCB field by its row
 * @vmcb: the VMCB
 * @field: a row of svm_fields[]
 *
 * Return: the value, zero-extended.
 */
u64 svm_field_read(const struct vmcb *vmcb, const struct svm_field *field)
{
	u64 val = 0;

	/* x86 is little-endian: the low bytes come first. */
	memcpy(&val, (const u8 *)vmcb + field->offset, field->size);
	return val;
}
