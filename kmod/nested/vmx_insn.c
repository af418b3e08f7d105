// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX instructions of L1: one row each, and for each the checks in the
 * order of the manual's pseudocode.  The checks of mode and CPL come first for
 * all of them (CVE-2018-12904).  SDM3 "VMX Instruction Reference".
 */
#include "../nestor.h"
#include <linux/string.h>
#include "../core.h"
#include "../guestmem.h"
#include "../mmu/stage2.h"
#include "evmcs.h"
#include "nvmx.h"
#include "trace.h"

/* Bits of RFLAGS that VMsucceed and VMfail set, SDM3 "Conventions". */
#define NVMX_STATUS_FLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
				 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)

/* ---- how an instruction ends ---- */

/**
 * nvmx_finish() - a VMX instruction is over
 * @vcpu: loaded vCPU
 * @flags: what VMfail sets in RFLAGS, 0 for VMsucceed
 *
 * Return: what to do next.
 */
enum nst_next nvmx_finish(struct nst_vcpu *vcpu, u64 flags)
{
	vcpu->st.rflags = (vcpu->st.rflags & ~(u64)NVMX_STATUS_FLAGS) | flags;
	vcpu->dirty |= NST_STATE_GPR;
	return nst_skip_insn(vcpu);
}

static enum nst_next nvmx_succeed(struct nst_vcpu *vcpu)
{
	return nvmx_finish(vcpu, 0);
}

static enum nst_next nvmx_fail_invalid(struct nst_vcpu *vcpu)
{
	return nvmx_finish(vcpu, X86_EFLAGS_CF);
}

/**
 * nvmx_fail_valid() - VMfail: with the error number where there is a place for it
 * @vcpu: loaded vCPU, L1 current
 * @error: VMXERR_*
 *
 * Return: what to do next.
 */
enum nst_next nvmx_fail_valid(struct nst_vcpu *vcpu, u32 error)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	if (nvmx->vmptr == NVMX_NO_POINTER && !nvmx_evmcs_active(vcpu))
		return nvmx_fail_invalid(vcpu);
	nvmx->v->insn_error = error;
	nvmx_evmcs_put_u32(vcpu, offsetof(struct hv_enlightened_vmcs, vm_instruction_error),
			   error);
	return nvmx_finish(vcpu, X86_EFLAGS_ZF);
}

static enum nst_next nvmx_ud(struct nst_vcpu *vcpu)
{
	nst_raise(vcpu, X86_TRAP_UD);
	return NST_ENTER;
}

static enum nst_next nvmx_gp(struct nst_vcpu *vcpu)
{
	nst_raise_gp(vcpu);
	return NST_ENTER;
}

/* ---- the current VMCS ---- */

static bool nvmx_region_ok(const struct nst_vcpu *vcpu, u64 ptr)
{
	return !(ptr & ~NST_PAGE_MASK) && !(ptr >> vcpu->maxphyaddr);
}

/**
 * nvmx_write_back() - the current VMCS goes back to L1's memory
 * @vcpu: loaded vCPU
 *
 * There is no current VMCS afterwards.  Where L1 took the memory away it is lost.
 */
void nvmx_write_back(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	nvmx_shadow_fetch(vcpu);
	if (nvmx->vmptr != NVMX_NO_POINTER)
		nst_vcpu_write_gpa(vcpu, nst_gpa(nvmx->vmptr), nvmx->v, sizeof(*nvmx->v));
	nvmx->vmptr = NVMX_NO_POINTER;
	nvmx_shadow_publish(vcpu);
}

/* ---- operands ---- */

/* The 64-bit pointer that five instructions have in memory.  False: faulted. */
static bool nvmx_read_pointer(struct nst_vcpu *vcpu, u64 *ptr)
{
	struct nst_operand op;

	return nst_insn_operand(vcpu, &op) && nst_operand_read(vcpu, &op, ptr, sizeof(*ptr));
}

/**
 * nvmx_operand_bytes() - size of the operands of VMREAD and VMWRITE
 * @vcpu: loaded vCPU
 *
 * Return: 8 or 4.
 */
unsigned int nvmx_operand_bytes(struct nst_vcpu *vcpu)
{
	return nst_code64(vcpu) ? 8 : 4;
}

/**
 * nvmx_reg() - a register operand
 * @vcpu: loaded vCPU
 * @reg: enum nst_gpr
 *
 * Return: its value, as wide as operands are.
 */
u64 nvmx_reg(struct nst_vcpu *vcpu, u8 reg)
{
	return nst_code64(vcpu) ? vcpu->st.gpr[reg] : (u32)vcpu->st.gpr[reg];
}

/* ---- the instructions ---- */

static enum nst_next nvmx_vmxon(struct nst_vcpu *vcpu)
{
	const u64 need = FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX;
	struct nvmx *nvmx = to_nvmx(vcpu);
	const struct nvmx_caps *caps = &nvmx->caps;
	const struct nst_state *st = &vcpu->st;
	u32 revision;
	u64 ptr;

	if (nvmx->root)
		return nvmx_fail_valid(vcpu, VMXERR_VMXON_IN_VMX_ROOT_OPERATION);
	if ((st->cr0 & caps->cr0_fixed0) != caps->cr0_fixed0 ||
	    (st->cr4 & caps->cr4_fixed0) != caps->cr4_fixed0 ||
	    (vcpu->feat_ctl & need) != need)
		return nvmx_gp(vcpu);
	if (!nvmx_read_pointer(vcpu, &ptr))
		return NST_ENTER;
	if (!nvmx_region_ok(vcpu, ptr) ||
	    nst_vcpu_read_gpa(vcpu, nst_gpa(ptr), &revision, sizeof(revision)) ||
	    revision != NVMX_REVISION)
		return nvmx_fail_invalid(vcpu);
	nvmx->root = true;
	nvmx->vmxon_ptr = ptr;
	nvmx->vmptr = NVMX_NO_POINTER;
	nvmx->last_vpid = 0;
	nvmx_shadow_begin(vcpu);
	return nvmx_succeed(vcpu);
}

static enum nst_next nvmx_vmxoff(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	nvmx_write_back(vcpu);
	nvmx_evmcs_drop(vcpu);
	nvmx->root = false;
	nst_mmu_flush_l2(vcpu);
	nst_mmu_hide(vcpu, NST_NO_GFN);
	/* An INIT that waited is taken now. */
	nst_request(vcpu, NST_REQ_EVENT);
	return nvmx_succeed(vcpu);
}

static enum nst_next nvmx_vmclear(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	const u32 clear = NVMX_CLEAR;
	u64 ptr;

	if (!nvmx_read_pointer(vcpu, &ptr))
		return NST_ENTER;
	if (!nvmx_region_ok(vcpu, ptr))
		return nvmx_fail_valid(vcpu, VMXERR_VMCLEAR_INVALID_ADDRESS);
	if (ptr == nvmx->vmxon_ptr)
		return nvmx_fail_valid(vcpu, VMXERR_VMCLEAR_VMXON_POINTER);
	/* Software that is done with an L2 may be done with its APIC-access page. */
	nst_mmu_hide(vcpu, NST_NO_GFN);
	if (ptr == nvmx->vmptr) {
		nvmx->v->launch_state = NVMX_CLEAR;
		nvmx_write_back(vcpu);
		return nvmx_succeed(vcpu);
	}
	if (nvmx_evmcs_clear(vcpu, ptr))
		return nvmx_succeed(vcpu);
	/* A region without memory has no launch state to forget. */
	nst_vcpu_write_gpa(vcpu,
			   nst_gpa(ptr + offsetof(struct nvmx_vmcs12, launch_state)),
			   &clear, sizeof(clear));
	return nvmx_succeed(vcpu);
}

static enum nst_next nvmx_vmptrld(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	u32 revision, known = NVMX_REVISION;
	u64 ptr;

	if (!nvmx_read_pointer(vcpu, &ptr))
		return NST_ENTER;
	if (!nvmx_region_ok(vcpu, ptr))
		return nvmx_fail_valid(vcpu, VMXERR_VMPTRLD_INVALID_ADDRESS);
	if (ptr == nvmx->vmxon_ptr)
		return nvmx_fail_valid(vcpu, VMXERR_VMPTRLD_VMXON_POINTER);
	if (ptr == nvmx->vmptr)
		return nvmx_succeed(vcpu);
	if (nvmx_caps_offer(&nvmx->caps, VMX_FEATURE_SHADOW_VMCS))
		known |= NVMX_SHADOW_VMCS;
	if (nst_vcpu_read_gpa(vcpu, nst_gpa(ptr), &revision, sizeof(revision)) ||
	    (revision & ~(known ^ NVMX_REVISION)) != NVMX_REVISION)
		return nvmx_fail_valid(vcpu, VMXERR_VMPTRLD_INCORRECT_VMCS_REVISION_ID);
	nvmx_write_back(vcpu);
	nvmx_evmcs_drop(vcpu);
	/* Read once: what L1 writes into the region from here on counts for nothing. */
	if (nst_vcpu_read_gpa(vcpu, nst_gpa(ptr), nvmx->v, sizeof(*nvmx->v)))
		return nvmx_fail_invalid(vcpu);
	nvmx->v->revision = revision;
	nvmx->passed = 0;
	nvmx->vmptr = ptr;
	nvmx_shadow_publish(vcpu);
	return nvmx_succeed(vcpu);
}

static enum nst_next nvmx_vmptrst(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	struct nst_operand op;

	if (!nst_insn_operand(vcpu, &op) ||
	    !nst_operand_write(vcpu, &op, &nvmx->vmptr, sizeof(nvmx->vmptr)))
		return NST_ENTER;
	return nvmx_succeed(vcpu);
}

/* False: the kind of VMCS that L1 uses does not have it. */
static bool nvmx_read_field(struct nst_vcpu *vcpu, const struct nvmx_field *field, u64 encoding,
			    u64 *val)
{
	const struct nvmx *nvmx = to_nvmx(vcpu);

	if (nvmx_evmcs_active(vcpu))
		return nvmx_evmcs_read(vcpu, encoding, val);
	if (nvmx_is_shadowed(nvmx, encoding))
		nvmx_shadow_fetch(vcpu);
	*val = nvmx_field_read(nvmx->v, field, encoding);
	return true;
}

static enum nst_next nvmx_vmread(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	const struct nvmx_field *field;
	struct nst_operand op;
	u64 encoding, val;

	if (nvmx->vmptr == NVMX_NO_POINTER && !nvmx_evmcs_active(vcpu))
		return nvmx_fail_invalid(vcpu);
	if (!nst_insn_operand(vcpu, &op))
		return NST_ENTER;
	encoding = nvmx_reg(vcpu, op.reg);
	field = nvmx_field(&nvmx->caps, encoding);
	if (!field || !nvmx_read_field(vcpu, field, encoding, &val))
		return nvmx_fail_valid(vcpu, VMXERR_UNSUPPORTED_VMCS_COMPONENT);
	trace_nested_vmcs(vcpu->id, false, field->name, val);
	if (op.mem) {
		if (!nst_operand_write(vcpu, &op, &val, nvmx_operand_bytes(vcpu)))
			return NST_ENTER;
	} else {
		vcpu->st.gpr[op.rm] = nst_code64(vcpu) ? val : (u32)val;
		vcpu->dirty |= NST_STATE_GPR;
	}
	return nvmx_succeed(vcpu);
}

/**
 * nvmx_distrust() - what the checks of the next entry have to look at again
 * @nvmx: L1's VMX
 * @type: of the field that has changed
 */
void nvmx_distrust(struct nvmx *nvmx, enum nvmx_type type)
{
	if (type == NVMX_TYPE_GUEST)
		nvmx->passed &= ~NVMX_PASSED_GUEST;
	else if (type == NVMX_TYPE_HOST)
		nvmx->passed &= ~NVMX_PASSED_VMFAIL;
	else
		nvmx->passed = 0;
}

static enum nst_next nvmx_vmwrite(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	const struct nvmx_field *field;
	struct nst_operand op;
	u64 encoding, val = 0;
	bool shadowed;

	/* Nor is there one for VMWRITE while an enlightened VMCS is active. */
	if (nvmx->vmptr == NVMX_NO_POINTER)
		return nvmx_fail_invalid(vcpu);
	if (!nst_insn_operand(vcpu, &op))
		return NST_ENTER;
	if (!op.mem)
		val = nvmx_reg(vcpu, op.rm);
	else if (!nst_operand_read(vcpu, &op, &val, nvmx_operand_bytes(vcpu)))
		return NST_ENTER;
	encoding = nvmx_reg(vcpu, op.reg);
	field = nvmx_field(&nvmx->caps, encoding);
	if (!field)
		return nvmx_fail_valid(vcpu, VMXERR_UNSUPPORTED_VMCS_COMPONENT);
	if (field->read_only && !(nvmx->caps.misc & NVMX_MISC_VMWRITE_ALL))
		return nvmx_fail_valid(vcpu, VMXERR_VMWRITE_READ_ONLY_VMCS_COMPONENT);
	trace_nested_vmcs(vcpu->id, true, field->name, val);
	shadowed = nvmx_is_shadowed(nvmx, encoding);
	if (shadowed)
		nvmx_shadow_fetch(vcpu);
	if (nvmx_field_write(nvmx->v, field, encoding, val))
		nvmx_distrust(nvmx, nvmx_field_type(encoding));
	if (shadowed)
		nvmx_shadow_publish(vcpu);
	return nvmx_succeed(vcpu);
}

static enum nst_next nvmx_vmlaunch(struct nst_vcpu *vcpu)
{
	return nvmx_enter(vcpu, true);
}

static enum nst_next nvmx_vmresume(struct nst_vcpu *vcpu)
{
	return nvmx_enter(vcpu, false);
}

/* ---- INVEPT and INVVPID ---- */

/* The 128-bit descriptor of both. */
struct nvmx_inv_desc {
	u64 low;
	u64 high;
};

static bool nvmx_inv_operands(struct nst_vcpu *vcpu, u64 *type, struct nvmx_inv_desc *desc)
{
	struct nst_operand op;

	if (!nst_insn_operand(vcpu, &op))
		return false;
	*type = nvmx_reg(vcpu, op.reg);
	return nst_operand_read(vcpu, &op, desc, sizeof(*desc));
}

static enum nst_next nvmx_inv_fail(struct nst_vcpu *vcpu)
{
	return nvmx_fail_valid(vcpu, VMXERR_INVALID_OPERAND_TO_INVEPT_INVVPID);
}

#define NVMX_EPTP_ROOT		GENMASK_ULL(51, 12)

static enum nst_next nvmx_invept(struct nst_vcpu *vcpu)
{
	const struct nvmx *nvmx = to_nvmx(vcpu);
	struct nvmx_inv_desc desc;
	u64 type;

	if (!(nvmx->caps.ept_vpid & VMX_EPT_INVEPT_BIT))
		return nvmx_ud(vcpu);
	if (!nvmx_inv_operands(vcpu, &type, &desc))
		return NST_ENTER;
	if (type != VMX_EPT_EXTENT_CONTEXT && type != VMX_EPT_EXTENT_GLOBAL)
		return nvmx_inv_fail(vcpu);
	if (desc.high)
		return nvmx_inv_fail(vcpu);
	if (type == VMX_EPT_EXTENT_GLOBAL) {
		nst_mmu_flush_l2(vcpu);
		return nvmx_succeed(vcpu);
	}
	if (!nvmx_eptp_ok(&nvmx->caps, vcpu->maxphyaddr, desc.low))
		return nvmx_inv_fail(vcpu);
	nst_mmu_flush_stage2(vcpu, desc.low & NVMX_EPTP_ROOT);
	return nvmx_succeed(vcpu);
}

static enum nst_next nvmx_invvpid(struct nst_vcpu *vcpu)
{
	const u64 cap = (u64)VMX_VPID_INVVPID_BIT << 32;
	const struct nvmx *nvmx = to_nvmx(vcpu);
	struct nvmx_inv_desc desc;
	u64 type;

	if (!(nvmx->caps.ept_vpid & cap))
		return nvmx_ud(vcpu);
	if (!nvmx_inv_operands(vcpu, &type, &desc))
		return NST_ENTER;
	if (type > VMX_VPID_EXTENT_SINGLE_NON_GLOBAL || desc.low >> 16)
		return nvmx_inv_fail(vcpu);
	if (type != VMX_VPID_EXTENT_ALL_CONTEXT && !desc.low)
		return nvmx_inv_fail(vcpu);
	if (type != VMX_VPID_EXTENT_INDIVIDUAL_ADDR) {
		nst_mmu_flush_l2_linear(vcpu);
		return nvmx_succeed(vcpu);
	}
	if (!nvmx_canonical(nvmx_linear_bits(vcpu), desc.high))
		return nvmx_inv_fail(vcpu);
	nst_mmu_invlpg_l2(vcpu, desc.high);
	return nvmx_succeed(vcpu);
}

/* ---- the table ---- */

struct nvmx_insn_row {
	enum nst_next (*run)(struct nst_vcpu *vcpu);
	bool outside_vmx;	/* needs CR4.VMXE, not VMX operation */
};

static const struct nvmx_insn_row nvmx_insns[] = {
	[NST_INSN_VMCLEAR] = { nvmx_vmclear },
	[NST_INSN_VMLAUNCH] = { nvmx_vmlaunch },
	[NST_INSN_VMPTRLD] = { nvmx_vmptrld },
	[NST_INSN_VMPTRST] = { nvmx_vmptrst },
	[NST_INSN_VMREAD] = { nvmx_vmread },
	[NST_INSN_VMRESUME] = { nvmx_vmresume },
	[NST_INSN_VMWRITE] = { nvmx_vmwrite },
	[NST_INSN_VMXOFF] = { nvmx_vmxoff },
	[NST_INSN_VMXON] = { nvmx_vmxon, true },
	[NST_INSN_INVEPT] = { nvmx_invept },
	[NST_INSN_INVVPID] = { nvmx_invvpid },
};

/**
 * nvmx_insn_exists() - does the current mode let a VMX instruction get past #UD?
 * @vcpu: loaded vCPU
 * @insn: which
 *
 * Return: false for #UD.
 */
bool nvmx_insn_exists(struct nst_vcpu *vcpu, enum nst_isa_insn insn)
{
	nst_pull(vcpu, NST_STATE_CR);
	if (insn >= ARRAY_SIZE(nvmx_insns) || !nvmx_insns[insn].run)
		return false;
	if (nvmx_insns[insn].outside_vmx ? !(vcpu->st.cr4 & X86_CR4_VMXE) :
					   !to_nvmx(vcpu)->root)
		return false;
	return nst_protected(vcpu) && !(vcpu->st.rflags & X86_EFLAGS_VM) &&
	       (!nst_long_mode(vcpu) || nst_code64(vcpu));
}

/**
 * nvmx_insn() - a VMX instruction of L1
 * @vcpu: loaded vCPU, irqs on, srcu held; vcpu->exit.insn says which
 *
 * Also one of L2 that may not even exit.
 *
 * Return: what to do next.
 */
enum nst_next nvmx_insn(struct nst_vcpu *vcpu)
{
	enum nst_isa_insn insn = vcpu->exit.insn.which;

	if (insn == NST_INSN_VMFUNC)
		return nvmx_vmfunc(vcpu);
	if (!nvmx_insn_exists(vcpu, insn) ||
	    (nst_in_l2(vcpu) && !nvmx_shadows(vcpu, &vcpu->exit)))
		return nvmx_ud(vcpu);
	if (nst_cpl(vcpu))
		return nvmx_gp(vcpu);
	if (nst_in_l2(vcpu))
		return nvmx_shadow_access(vcpu, insn == NST_INSN_VMWRITE);
	return nvmx_insns[vcpu->exit.insn.which].run(vcpu);
}
