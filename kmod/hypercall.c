// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCALL and VMMCALL: a guest that knows that it is one asks for a service.
 * Numbers and arguments: Linux "Linux KVM Hypercall".
 */
#include "nestor.h"
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include "core.h"
#include "guestmem.h"
#include "mmu/mmu.h"
#include "nested/nested.h"

/* One instruction for each vendor; both have the same length. */
#define HYPERCALL_LEN	3
static const u8 vmcall[HYPERCALL_LEN] = { 0x0f, 0x01, 0xc1 };
static const u8 vmmcall[HYPERCALL_LEN] = { 0x0f, 0x01, 0xd9 };

static u64 call_arg(struct nst_vcpu *vcpu, enum nst_gpr reg)
{
	u64 val = vcpu->st.gpr[reg];

	return nst_code64(vcpu) ? val : (u32)val;
}

/**
 * nst_exit_hypercall() - VMCALL or VMMCALL
 * @vcpu: loaded vCPU
 *
 * Return: NST_ENTER, or NST_USER.
 */
enum nst_next nst_exit_hypercall(struct nst_vcpu *vcpu)
{
	u64 nr = call_arg(vcpu, NST_RAX);
	u64 ret = -KVM_ENOSYS;

	if (nst_cpl(vcpu))
		ret = -KVM_EPERM;
	else if (nr == KVM_HC_VAPIC_POLL_IRQ)
		ret = 0;
	if (!nst_code64(vcpu))
		ret = (u32)ret;
	vcpu->st.gpr[NST_RAX] = ret;
	vcpu->dirty |= NST_STATE_GPR;
	return nst_skip_insn(vcpu);
}

/* Physical address of the instruction, which must lie in one page of memory. */
static bool locate(struct nst_vcpu *vcpu, u8 access, nst_gpa_t *gpa)
{
	struct nst_walk_fault fault;
	u64 lin = vcpu->st.rip;

	nst_pull(vcpu, NST_STATE_SEG);
	if (!nst_code64(vcpu))
		lin = (u32)(lin + vcpu->st.seg[NST_CS].base);
	if (offset_in_page(lin) > PAGE_SIZE - HYPERCALL_LEN)
		return false;
	return !nst_mmu_translate(vcpu, lin, access, gpa, &fault);
}

/**
 * nst_fix_hypercall() - put this CPU's hypercall instruction in place of the other's
 * @vcpu: loaded vCPU that exited with #UD; srcu held
 *
 * A guest that was saved on another vendor's CPU has the other one.  To kernel
 * code alone, and only where that may write.
 *
 * Return: true when the guest shall try again.
 */
bool nst_fix_hypercall(struct nst_vcpu *vcpu)
{
	bool amd = nst_backend == &svm_backend;
	const u8 *ours = amd ? vmmcall : vmcall, *other = amd ? vmcall : vmmcall;
	u8 bytes[HYPERCALL_LEN];
	nst_gpa_t gpa;

	if (!nst_quirk(vcpu->vm, KVM_X86_QUIRK_FIX_HYPERCALL_INSN) || nst_in_l2(vcpu) ||
	    nst_cpl(vcpu))
		return false;
	if (!locate(vcpu, NST_ACCESS_X, &gpa) ||
	    nst_read_gpa(vcpu->vm, gpa, bytes, sizeof(bytes)) ||
	    memcmp(bytes, other, sizeof(bytes)))
		return false;
	return locate(vcpu, NST_ACCESS_W, &gpa) &&
	       !nst_write_gpa(vcpu->vm, gpa, ours, HYPERCALL_LEN);
}
