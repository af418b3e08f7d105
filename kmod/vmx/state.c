// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register state between vcpu->st and the guest-state area, one function a
 * class and direction (SDM3 "Guest-State Area").
 *
 * vcpu->st holds what the guest reads.  Hardware may hold something else in
 * CR0 and CR4: bits that VMX fixes, bits that the host owns, and with shadow
 * paging what the shadow tables need; the guest reads those from the read shadow.
 */
#include "nestor.h"
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/msr.h>
#include "vmx.h"

/* Encodings of one kind of field step by two from segment to segment. */
#define VMX_SEG_FIELD(es_field, seg)	((es_field) + 2 * (seg))

#define VMX_AR_ACCESSED		BIT(0)	/* of a code or data segment */
#define VMX_AR_BUSY		BIT(1)	/* of a task-state segment */
#define VMX_AR_TSS32		BIT(3)	/* of a task-state segment that is no 16-bit one */
#define VMX_AR_DEFINED		(NST_AR_TYPE | NST_AR_S | NST_AR_DPL | NST_AR_P | NST_AR_AVL | \
				 NST_AR_L | NST_AR_DB | NST_AR_G | NST_AR_UNUSABLE)

/* CR4 bits that are not the guest's alone while its tables are shadowed. */
#define VMX_CR4_SHADOW_PAGING	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PCIDE | \
				 X86_CR4_LA57 | X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE)

/* EFER bits of a CPU with VMX; a guest with SVM of its own has set one more. */
#define VMX_EFER_KNOWN		((u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))

/* CR0 bits that an entry does not load, SDM3 "Loading Guest Control Registers". */
#define VMX_CR0_NOT_LOADED	(X86_CR0_CD | X86_CR0_NW)

static void vmx_pull_gpr(struct nst_state *st)
{
	st->gpr[NST_RSP] = vmcs_readl(GUEST_RSP);
	st->rip = vmcs_readl(GUEST_RIP);
	st->rflags = vmcs_readl(GUEST_RFLAGS);
}

static void vmx_push_gpr(const struct nst_state *st)
{
	vmcs_writel(GUEST_RSP, st->gpr[NST_RSP]);
	vmcs_writel(GUEST_RIP, st->rip);
	vmcs_writel(GUEST_RFLAGS, st->rflags | X86_EFLAGS_FIXED);
}

static void vmx_pull_segment(struct nst_state *st, unsigned int i)
{
	struct nst_segment *seg = &st->seg[i];

	seg->selector = vmcs_read16(VMX_SEG_FIELD(GUEST_ES_SELECTOR, i));
	seg->base = vmcs_readl(VMX_SEG_FIELD(GUEST_ES_BASE, i));
	seg->limit = vmcs_read32(VMX_SEG_FIELD(GUEST_ES_LIMIT, i));
	seg->ar = vmcs_read32(VMX_SEG_FIELD(GUEST_ES_AR_BYTES, i));
}

/* A 16-bit TSS that had to be another type for the entry is one again, unless TR was loaded. */
static void vmx_pull_tr(struct nst_state *st)
{
	struct nst_segment *tr = &st->seg[NST_TR], old = *tr;

	vmx_pull_segment(st, NST_TR);
	if (!(old.ar & VMX_AR_TSS32) && tr->selector == old.selector &&
	    tr->base == old.base && tr->limit == old.limit)
		tr->ar &= ~(u32)VMX_AR_TSS32;
}

static void vmx_pull_segs(struct nst_state *st, u32 classes)
{
	unsigned int i;

	for (i = 0; i < NST_NR_SEGS; i++) {
		bool mode = i == NST_CS || i == NST_SS;

		if (!(classes & (mode ? NST_STATE_MODE : NST_STATE_SEG & ~NST_STATE_MODE)))
			continue;
		if (i == NST_TR)
			vmx_pull_tr(st);
		else
			vmx_pull_segment(st, i);
	}
}

/* IA-32e mode uses the 64-bit layout whatever the type, and an entry asks for that type. */
static u32 vmx_tss_type(const struct nst_state *st)
{
	return st->efer & EFER_LMA ? VMX_AR_TSS32 : 0;
}

/*
 * Rights as an entry accepts them.  A loaded segment is always accessed and a
 * loaded TSS always busy, but a user that wrote the registers by hand may have
 * said otherwise, and kvm_amd starts each of its guests with a 16-bit TSS.
 */
static u32 vmx_entry_rights(const struct nst_state *st, unsigned int i)
{
	u32 ar = st->seg[i].ar & VMX_AR_DEFINED;

	if (ar & NST_AR_UNUSABLE)
		return ar;
	if (i == NST_TR)
		return ar | VMX_AR_BUSY | vmx_tss_type(st);
	if (i != NST_LDTR)
		return ar | VMX_AR_ACCESSED;
	return ar;
}

static void vmx_push_seg(const struct nst_state *st)
{
	unsigned int i;

	for (i = 0; i < NST_NR_SEGS; i++) {
		const struct nst_segment *seg = &st->seg[i];

		vmcs_write16(VMX_SEG_FIELD(GUEST_ES_SELECTOR, i), seg->selector);
		vmcs_writel(VMX_SEG_FIELD(GUEST_ES_BASE, i), seg->base);
		vmcs_write32(VMX_SEG_FIELD(GUEST_ES_LIMIT, i), seg->limit);
		vmcs_write32(VMX_SEG_FIELD(GUEST_ES_AR_BYTES, i), vmx_entry_rights(st, i));
	}
}

static void vmx_pull_desc(struct nst_state *st)
{
	st->gdt.base = vmcs_readl(GUEST_GDTR_BASE);
	st->gdt.limit = vmcs_read32(GUEST_GDTR_LIMIT);
	st->idt.base = vmcs_readl(GUEST_IDTR_BASE);
	st->idt.limit = vmcs_read32(GUEST_IDTR_LIMIT);
}

static void vmx_push_desc(const struct nst_state *st)
{
	vmcs_writel(GUEST_GDTR_BASE, st->gdt.base);
	vmcs_write32(GUEST_GDTR_LIMIT, st->gdt.limit);
	vmcs_writel(GUEST_IDTR_BASE, st->idt.base);
	vmcs_write32(GUEST_IDTR_LIMIT, st->idt.limit);
}

/* A register of which the guest changed nothing but what it owns. */
static u64 vmx_guest_cr(unsigned long cr_field, u64 old, u64 owned)
{
	return (vmcs_readl(cr_field) & owned) | (old & ~owned);
}

static void vmx_write_cr0(const struct nst_vcpu *vcpu, u64 cr0)
{
	vmcs_writel(CR0_READ_SHADOW, nst_cr0_seen(&vcpu->ctl, cr0));
	vmcs_writel(GUEST_CR0, (cr0 & ~(u64)VMX_CR0_NOT_LOADED) | vmx_caps.cr0_fixed0);
}

/* Levels of paging with CR4.LA57. */
#define VMX_LA57_LEVELS		5

/*
 * Shadow tables have the PAE or the long format, with as many levels as their
 * root says.  Without guest paging they map one to one, and nothing is a user
 * page that the supervisor must keep away from.
 */
static u64 vmx_hw_cr4(const struct nst_vcpu *vcpu, u64 cr4)
{
	cr4 |= vmx_caps.cr4_fixed0;
	if (nst_caps.tdp)
		return cr4;
	cr4 |= X86_CR4_PAE;
	cr4 &= ~(u64)(X86_CR4_PCIDE | X86_CR4_LA57);
	if (vcpu->ctl.root_level == VMX_LA57_LEVELS)
		cr4 |= X86_CR4_LA57;
	if (!nst_paging(vcpu))
		cr4 &= ~(u64)(X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE);
	return cr4;
}

static void vmx_write_cr4(const struct nst_vcpu *vcpu, u64 cr4)
{
	vmcs_writel(CR4_READ_SHADOW, nst_cr4_seen(&vcpu->ctl, cr4));
	vmcs_writel(GUEST_CR4, vmx_hw_cr4(vcpu, cr4));
}

/* SDM3 "Checks on Guest Control Registers ...": with paging on, LME equals LMA. */
static u64 vmx_hw_efer(const struct nst_vcpu *vcpu)
{
	u64 efer = vcpu->st.efer & VMX_EFER_KNOWN;

	if (nst_caps.tdp)
		return efer;
	if (!nst_paging(vcpu))
		efer &= ~(u64)EFER_LME;
	return efer | EFER_NX;
}

/**
 * vmx_set_cr_owned() - change which CR0 and CR4 bits the guest writes freely
 * @vmx: loaded vCPU
 * @cr0_owned: as in struct nst_ctl
 * @cr4_owned: as in struct nst_ctl
 *
 * A bit that changes hands moves between the register and the read shadow.
 */
void vmx_set_cr_owned(struct vmx_vcpu *vmx, u64 cr0_owned, u64 cr4_owned)
{
	const struct nst_state *st = &vmx->vcpu->st;
	u64 cr0, cr4;

	cr0_owned &= ~(vmx_caps.cr0_fixed0 | VMX_CR0_NOT_LOADED);
	cr4_owned &= ~vmx_caps.cr4_fixed0;
	if (!nst_caps.tdp)
		cr4_owned &= ~(u64)VMX_CR4_SHADOW_PAGING;
	if (cr0_owned != vmx->cr0_owned) {
		cr0 = vmx_guest_cr(GUEST_CR0, st->cr0, vmx->cr0_owned);
		vmx->cr0_owned = cr0_owned;
		vmcs_writel(CR0_GUEST_HOST_MASK, ~cr0_owned);
		vmx_write_cr0(vmx->vcpu, cr0);
	}
	if (cr4_owned != vmx->cr4_owned) {
		cr4 = vmx_guest_cr(GUEST_CR4, st->cr4, vmx->cr4_owned);
		vmx->cr4_owned = cr4_owned;
		vmcs_writel(CR4_GUEST_HOST_MASK, ~cr4_owned);
		vmx_write_cr4(vmx->vcpu, cr4);
	}
}

/* PAE paging: the four PDPTEs are guest state of their own under EPT. */
static bool vmx_pae_paging(const struct nst_state *st)
{
	return (st->cr0 & X86_CR0_PG) && (st->cr4 & X86_CR4_PAE) && !(st->efer & EFER_LMA);
}

static void vmx_pull_cr(struct vmx_vcpu *vmx)
{
	struct nst_state *st = &vmx->vcpu->st;
	unsigned int i;

	st->cr0 = vmx_guest_cr(GUEST_CR0, st->cr0, vmx->cr0_owned);
	st->cr4 = vmx_guest_cr(GUEST_CR4, st->cr4, vmx->cr4_owned);
	/* EFER changes through exits only.  Without EPT hardware's CR3 is the shadow root. */
	if (!nst_caps.tdp)
		return;
	st->cr3 = vmcs_readl(GUEST_CR3);
	if (vmx_pae_paging(st))
		for (i = 0; i < ARRAY_SIZE(st->pdptr); i++)
			st->pdptr[i] = vmcs_read64(GUEST_PDPTR0 + 2 * i);
}

static void vmx_push_cr(struct vmx_vcpu *vmx)
{
	const struct nst_state *st = &vmx->vcpu->st;
	u32 entry = vmx_caps.base[VMX_ENTRY];
	unsigned int i;

	vmx_write_cr0(vmx->vcpu, st->cr0);
	vmx_write_cr4(vmx->vcpu, st->cr4);
	if (vmx_caps.efer_field)
		vmcs_write64(GUEST_IA32_EFER, vmx_hw_efer(vmx->vcpu));
	else
		vmx_msr_load_sce(vmx);
	if (st->efer & EFER_LMA)
		entry |= VM_ENTRY_IA32E_MODE;
	vmcs_write32(VM_ENTRY_CONTROLS, entry);
	/* The mode may be new to a TSS that was loaded before. */
	if (vmx_tss_type(st))
		vmcs_write32(GUEST_TR_AR_BYTES, vmcs_read32(GUEST_TR_AR_BYTES) | VMX_AR_TSS32);
	if (!nst_caps.tdp)
		return;
	vmcs_writel(GUEST_CR3, st->cr3);
	if (vmx_pae_paging(st))
		for (i = 0; i < ARRAY_SIZE(st->pdptr); i++)
			vmcs_write64(GUEST_PDPTR0 + 2 * i, st->pdptr[i]);
}

static void vmx_pull_intr(struct nst_state *st)
{
	u32 info = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	st->sti_shadow = info & GUEST_INTR_STATE_STI;
	st->movss_shadow = info & GUEST_INTR_STATE_MOV_SS;
	st->nmi_blocked = info & GUEST_INTR_STATE_NMI;
}

static void vmx_push_intr(const struct nst_state *st)
{
	u32 info = 0;

	/* SDM3 "Checks on Guest Non-Register State": never both shadows. */
	if (st->movss_shadow)
		info |= GUEST_INTR_STATE_MOV_SS;
	else if (st->sti_shadow)
		info |= GUEST_INTR_STATE_STI;
	if (st->nmi_blocked)
		info |= GUEST_INTR_STATE_NMI;
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, info);
}

/**
 * vmx_pull() - move state classes from hardware to vcpu->st
 * @vcpu: loaded vCPU
 * @classes: NST_STATE_*
 *
 * DR6 is no VMCS field: vcpu->st always has it, see vmx_enter().
 */
void vmx_pull(struct nst_vcpu *vcpu, u32 classes)
{
	struct nst_state *st = &vcpu->st;

	if (classes & NST_STATE_GPR)
		vmx_pull_gpr(st);
	if (classes & NST_STATE_SEG)
		vmx_pull_segs(st, classes);
	if (classes & NST_STATE_DESC)
		vmx_pull_desc(st);
	if (classes & NST_STATE_CR)
		vmx_pull_cr(to_vmx(vcpu));
	if ((classes & NST_STATE_DR) && nst_dr_is_guests(vcpu))
		st->dr7 = vmcs_readl(GUEST_DR7);
	if (classes & NST_STATE_MSR)
		vmx_msr_pull(to_vmx(vcpu));
	if (classes & NST_STATE_INTR)
		vmx_pull_intr(st);
}

/**
 * vmx_push() - move state classes from vcpu->st to hardware
 * @vcpu: loaded vCPU
 * @classes: NST_STATE_*
 */
void vmx_push(struct nst_vcpu *vcpu, u32 classes)
{
	struct nst_state *st = &vcpu->st;

	if (classes & NST_STATE_GPR)
		vmx_push_gpr(st);
	if (classes & NST_STATE_SEG)
		vmx_push_seg(st);
	if (classes & NST_STATE_DESC)
		vmx_push_desc(st);
	if (classes & NST_STATE_CR)
		vmx_push_cr(to_vmx(vcpu));
	if (classes & NST_STATE_DR)
		vmcs_writel(GUEST_DR7, nst_hw_dr7(vcpu));
	if (classes & NST_STATE_MSR)
		vmx_msr_push(to_vmx(vcpu));
	if (classes & NST_STATE_INTR)
		vmx_push_intr(st);
}

/**
 * vmx_pull_exit_state() - the classes that are valid after every exit
 * @vcpu: vCPU that just left the guest
 */
void vmx_pull_exit_state(struct nst_vcpu *vcpu)
{
	vmx_pull_gpr(&vcpu->st);
	vmx_pull_intr(&vcpu->st);
}
