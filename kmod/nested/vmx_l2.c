// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX instructions that L2 itself may use, when L1 allows it: VMREAD and VMWRITE
 * of a shadow VMCS, and VMFUNC; and what L2 does to L1's log of dirty pages.
 * SDM3 "VMX Instruction Reference", "VM Functions".
 */
#include "../nestor.h"
#include "../core.h"
#include "../guestmem.h"
#include "nvmx.h"
#include "trace.h"

/* ---- the shadow VMCS ---- */

/* Bits 14:0 of an encoding are the number of its bit in the VMREAD and VMWRITE bitmaps. */
#define NVMX_BITMAP_FIELDS	0x8000u

/**
 * nvmx_shadows() - is this a VMREAD or VMWRITE that L1 leaves to L2?
 * @vcpu: loaded vCPU, L2 current
 * @exit: NST_EXIT_VMX_INSN
 *
 * Return: true when it does not exit.
 */
bool nvmx_shadows(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	bool write = exit->insn.which == NST_INSN_VMWRITE;
	u64 encoding;

	if (!nvmx_has_proc2(v, SECONDARY_EXEC_SHADOW_VMCS) || !exit->insn.known ||
	    (!write && exit->insn.which != NST_INSN_VMREAD))
		return false;
	encoding = nvmx_reg(vcpu, exit->insn.op.reg);
	return encoding < NVMX_BITMAP_FIELDS &&
	       !nvmx_bit_in_l1(vcpu, write ? v->vmwrite_bitmap : v->vmread_bitmap, encoding);
}

static u64 shadow_at(const struct nvmx *nvmx, u32 offset)
{
	return nvmx->v->vmcs_link_pointer + offset;
}

static enum nst_next shadow_fail(struct nst_vcpu *vcpu, u32 error)
{
	u64 at = shadow_at(to_nvmx(vcpu), offsetof(struct nvmx_vmcs12, insn_error));

	nst_vcpu_write_gpa(vcpu, nst_gpa(at), &error, sizeof(error));
	return nvmx_finish(vcpu, X86_EFLAGS_ZF);
}

/* 0 where L1 took the memory away. */
static u64 shadow_get(struct nst_vcpu *vcpu, const struct nvmx_field *f, u64 encoding)
{
	u64 at = shadow_at(to_nvmx(vcpu), f->offset), val = 0;

	if (nst_vcpu_read_gpa(vcpu, nst_gpa(at), &val, f->bytes))
		val = 0;
	return nvmx_field_half(val, encoding);
}

static void shadow_put(struct nst_vcpu *vcpu, const struct nvmx_field *f, u64 encoding, u64 val)
{
	u64 at = shadow_at(to_nvmx(vcpu), f->offset), old = 0;

	if (!nst_vcpu_read_gpa(vcpu, nst_gpa(at), &old, f->bytes))
		val = nvmx_field_merge(old, encoding, val);
	nst_vcpu_write_gpa(vcpu, nst_gpa(at), &val, f->bytes);
}

static enum nst_next shadow_read(struct nst_vcpu *vcpu, const struct nst_operand *op,
				 const struct nvmx_field *f, u64 encoding)
{
	u64 val = shadow_get(vcpu, f, encoding);

	trace_nested_vmcs(vcpu->id, false, f->name, val);
	if (!op->mem) {
		vcpu->st.gpr[op->rm] = nst_code64(vcpu) ? val : (u32)val;
		vcpu->dirty |= NST_STATE_GPR;
	} else if (!nst_operand_write(vcpu, op, &val, nvmx_operand_bytes(vcpu))) {
		return NST_ENTER;
	}
	return nvmx_finish(vcpu, 0);
}

/**
 * nvmx_shadow_access() - VMREAD or VMWRITE of L2, in the VMCS at the link pointer
 * @vcpu: loaded vCPU, L2 current with CPL 0; nvmx_shadows() said yes
 * @write: VMWRITE
 *
 * Return: what to do next.
 */
enum nst_next nvmx_shadow_access(struct nst_vcpu *vcpu, bool write)
{
	const struct nvmx *nvmx = to_nvmx(vcpu);
	const struct nvmx_field *field;
	struct nst_operand op;
	u64 encoding, val = 0;

	if (nvmx->v->vmcs_link_pointer == NVMX_NO_POINTER)
		return nvmx_finish(vcpu, X86_EFLAGS_CF);
	if (!nst_insn_operand(vcpu, &op))
		return NST_ENTER;
	if (write && !op.mem)
		val = nvmx_reg(vcpu, op.rm);
	else if (write && !nst_operand_read(vcpu, &op, &val, nvmx_operand_bytes(vcpu)))
		return NST_ENTER;
	encoding = nvmx_reg(vcpu, op.reg);
	field = nvmx_field(&nvmx->caps, encoding);
	if (!field)
		return shadow_fail(vcpu, VMXERR_UNSUPPORTED_VMCS_COMPONENT);
	if (!write)
		return shadow_read(vcpu, &op, field, encoding);
	if (field->read_only && !(nvmx->caps.misc & NVMX_MISC_VMWRITE_ALL))
		return shadow_fail(vcpu, VMXERR_VMWRITE_READ_ONLY_VMCS_COMPONENT);
	trace_nested_vmcs(vcpu->id, true, field->name, val);
	shadow_put(vcpu, field, encoding, val);
	return nvmx_finish(vcpu, 0);
}

/* ---- the log of dirty pages ---- */

#define NVMX_PML_ENTRIES	512u

/**
 * nvmx_log() - nst_isa.log: SDM3 "Page-Modification Logging"
 * @vcpu: loaded vCPU, L2 current
 * @l2gpa: address in the page that becomes dirty
 *
 * Return: false when the log is full.
 */
bool nvmx_log(struct nst_vcpu *vcpu, u64 l2gpa)
{
	struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	u64 page = l2gpa & NST_PAGE_MASK;

	if (v->pml_index >= NVMX_PML_ENTRIES)
		return false;
	nst_vcpu_write_gpa(vcpu, nst_gpa(v->pml_address + v->pml_index * sizeof(page)), &page,
			   sizeof(page));
	v->pml_index--;
	return true;
}

/* ---- VMFUNC ---- */

#define NVMX_FUNCTIONS		64u
#define NVMX_EPTPS		512u

static enum nst_next vmfunc_exit(struct nst_vcpu *vcpu)
{
	struct nst_exit exit = vcpu->exit;

	return nvmx_reflect(vcpu, &exit);
}

/* "EPTP Switching". */
static enum nst_next switch_eptp(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	u32 index = vcpu->st.gpr[NST_RCX];
	struct nst_stage2 s2;
	u64 eptp, old = nvmx->v->ept_pointer;

	if (index >= NVMX_EPTPS ||
	    nst_vcpu_read_gpa(vcpu, nst_gpa(nvmx->v->eptp_list_addr + index * sizeof(eptp)), &eptp,
			      sizeof(eptp)) ||
	    !nvmx_eptp_ok(&nvmx->caps, vcpu->maxphyaddr, eptp))
		return vmfunc_exit(vcpu);
	nvmx->v->ept_pointer = eptp;
	nvmx_fill_stage2(nvmx->v, &s2);
	if (nst_mmu_switch_stage2(vcpu, &s2)) {
		nvmx->v->ept_pointer = old;
		return NST_FAULTED;
	}
	return nst_skip_insn(vcpu);
}

/**
 * nvmx_vmfunc() - VMFUNC
 * @vcpu: loaded vCPU, either context current
 *
 * SDM3 "VMFUNC—Invoke VM function": at any CPL, in non-root operation alone.
 *
 * Return: what to do next.
 */
enum nst_next nvmx_vmfunc(struct nst_vcpu *vcpu)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	u32 function = vcpu->st.gpr[NST_RAX];

	if (!nst_in_l2(vcpu) || !nvmx_has_proc2(v, SECONDARY_EXEC_ENABLE_VMFUNC) ||
	    function >= NVMX_FUNCTIONS) {
		nst_raise(vcpu, X86_TRAP_UD);
		return NST_ENTER;
	}
	/* Function 0 is the only one that an entry lets L1 allow. */
	if (!(v->vm_function_control & BIT_ULL(function)))
		return vmfunc_exit(vcpu);
	return switch_eptp(vcpu);
}
