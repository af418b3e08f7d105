// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control area: what a VMCB holds from creation on, and the encoding of
 * the neutral controls into intercepts.  The intercept words are always put
 * together from what wants them, never patched bit by bit.
 * APM2 "Intercept Operation", "Control Area".
 */
#include "../nestor.h"
#include <linux/bitops.h>
#include <linux/mem_encrypt.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include "svm.h"

/* Iterations of a PAUSE loop, no more than so many cycles apart, that exit. */
#define SVM_PAUSE_COUNT		3000
#define SVM_PAUSE_THRESHOLD	128

/* <asm/svm.h> has no name for these two. */
#define SVM_INTERCEPT_CR2_READ	(INTERCEPT_CR0_READ + 2)
#define SVM_INTERCEPT_CR2_WRITE	(INTERCEPT_CR0_WRITE + 2)

/* All DR0-7 reads and writes: the whole word but its reserved bits. */
#define SVM_DR_ACCESSES		0x00ff00ffu

/*
 * Exceptions that exit whatever the controls say.  #MC is the host's.  #AC and
 * #DB can recur for ever while they are delivered, which would keep the CPU
 * from ever leaving the guest.
 */
#define SVM_HOST_EXCEPTIONS	(BIT(X86_TRAP_MC) | BIT(X86_TRAP_AC) | BIT(X86_TRAP_DB))

/**
 * struct svm_intercept_row - one intercept and what asks for it
 * @bit: INTERCEPT_*
 * @traps: any of these NST_TRAP_* sets it; 0: always set
 * @feature: X86_FEATURE_* that must be there, for bits reserved without it; 0: none
 */
struct svm_intercept_row {
	u16 bit;
	u64 traps;
	u16 feature;
};

static const struct svm_intercept_row svm_intercepts[] = {
	{ INTERCEPT_INTR },
	{ INTERCEPT_NMI },
	{ INTERCEPT_SMI },
	{ INTERCEPT_INIT },
	{ INTERCEPT_CPUID },
	{ INTERCEPT_RSM },
	{ INTERCEPT_INVD },
	{ INTERCEPT_INVLPGA },
	{ INTERCEPT_IOIO_PROT },
	{ INTERCEPT_MSR_PROT },
	{ INTERCEPT_TASK_SWITCH },
	{ INTERCEPT_SHUTDOWN },
	{ INTERCEPT_VMRUN },
	{ INTERCEPT_VMMCALL },
	{ INTERCEPT_VMLOAD },
	{ INTERCEPT_VMSAVE },
	{ INTERCEPT_SKINIT },
	{ INTERCEPT_XSETBV },
	{ INTERCEPT_RDPRU,	0, X86_FEATURE_RDPRU },
	{ INTERCEPT_CR4_WRITE },
	{ INTERCEPT_HLT,	NST_TRAP_HLT },
	{ INTERCEPT_PAUSE,	NST_TRAP_PAUSE },
	{ INTERCEPT_MONITOR,	NST_TRAP_MWAIT },
	{ INTERCEPT_MWAIT,	NST_TRAP_MWAIT },
	{ INTERCEPT_RDTSC,	NST_TRAP_RDTSC },
	{ INTERCEPT_RDTSCP,	NST_TRAP_RDTSC | NST_TRAP_RDTSCP_UD },
	{ INTERCEPT_RDPMC,	NST_TRAP_RDPMC },
	{ INTERCEPT_INVLPG,	NST_TRAP_INVLPG },
	{ INTERCEPT_INVPCID,	NST_TRAP_INVLPG | NST_TRAP_INVPCID_UD, X86_FEATURE_INVPCID },
	{ INTERCEPT_CR3_READ,	NST_TRAP_CR3 },
	{ INTERCEPT_CR3_WRITE,	NST_TRAP_CR3 },
	{ INTERCEPT_CR8_READ,	NST_TRAP_CR8 },
	{ INTERCEPT_CR8_WRITE,	NST_TRAP_CR8 },
	{ INTERCEPT_WBINVD,	NST_TRAP_WBINVD },
	{ INTERCEPT_STORE_IDTR,	NST_TRAP_DTABLE },
	{ INTERCEPT_STORE_GDTR,	NST_TRAP_DTABLE },
	{ INTERCEPT_STORE_LDTR,	NST_TRAP_DTABLE },
	{ INTERCEPT_STORE_TR,	NST_TRAP_DTABLE },
	{ INTERCEPT_LOAD_IDTR,	NST_TRAP_DTABLE },
	{ INTERCEPT_LOAD_GDTR,	NST_TRAP_DTABLE },
	{ INTERCEPT_LOAD_LDTR,	NST_TRAP_DTABLE },
	{ INTERCEPT_LOAD_TR,	NST_TRAP_DTABLE },
	{ INTERCEPT_CR0_READ,	NST_TRAP_CR_READ },
	{ INTERCEPT_CR4_READ,	NST_TRAP_CR_READ },
	{ SVM_INTERCEPT_CR2_READ, NST_TRAP_CR2 },
	{ SVM_INTERCEPT_CR2_WRITE, NST_TRAP_CR2 },
	{ INTERCEPT_IRET,	NST_TRAP_IRET },
	{ INTERCEPT_PUSHF,	NST_TRAP_PUSHF },
	{ INTERCEPT_POPF,	NST_TRAP_POPF },
	{ INTERCEPT_INTn,	NST_TRAP_INTN },
	{ INTERCEPT_ICEBP,	NST_TRAP_ICEBP },
};

static void svm_want(u32 words[MAX_INTERCEPT], unsigned int bit)
{
	words[bit / 32] |= BIT(bit % 32);
}

/* What our own bookkeeping needs to see, beside the neutral controls. */
static void svm_want_own(const struct svm_vcpu *svm, u32 words[MAX_INTERCEPT])
{
	const struct nst_ctl *ctl = &svm->vcpu->ctl;
	bool own_gif;

	/*
	 * SVM has no CR0 mask, but the selective intercept lets changes of TS
	 * and MP pass.  It compares with hardware's CR0, so it would miss a
	 * change of a bit in which that differs from the guest's.
	 */
	if ((ctl->cr0_owned & X86_CR0_TS) && !svm->cr0_differs)
		svm_want(words, INTERCEPT_SELECTIVE_CR0);
	else
		svm_want(words, INTERCEPT_CR0_WRITE);
	if (svm->cr0_differs)
		svm_want(words, INTERCEPT_CR0_READ);
	if (svm->cr4_differs)
		svm_want(words, INTERCEPT_CR4_READ);
	if (svm->irq_window)
		svm_want(words, INTERCEPT_VINTR);
	/* QEMU's emulator ends when CR8 is written while V_IRQ is set. */
	if (svm->tpr_exits || svm->irq_window)
		svm_want(words, INTERCEPT_CR8_WRITE);
	/* Hardware believes that SVM is on; the guest need not have it on. */
	own_gif = ctl->own_gif && (svm->vcpu->st.efer & EFER_SVME);
	if (!own_gif)
		svm_want(words, INTERCEPT_CLGI);
	if (!own_gif || ctl->gif_window)
		svm_want(words, INTERCEPT_STGI);
	if (svm->nmi.masked && !svm->nmi.at_iret)
		svm_want(words, INTERCEPT_IRET);
}

/**
 * svm_update_intercepts() - put together the intercept words
 * @svm: the vCPU, not running
 *
 * To be called when something that svm_want_own() looks at has changed.
 */
void svm_update_intercepts(struct svm_vcpu *svm)
{
	u32 *hw = svm->vmcb->control.intercepts;
	u32 words[MAX_INTERCEPT];

	memcpy(words, svm->wanted[svm->vcpu->ctl.tag].words, sizeof(words));
	svm_want_own(svm, words);
	if (!memcmp(hw, words, sizeof(words)))
		return;
	memcpy(hw, words, sizeof(words));
	svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
}

/* The words depend on little, and contexts change more often than that. */
static void svm_fill_wanted(struct svm_wanted *wanted, u64 traps, u32 exceptions)
{
	unsigned int i;

	*wanted = (struct svm_wanted){
		.valid = true, .traps = traps, .exceptions = exceptions,
	};
	for (i = 0; i < ARRAY_SIZE(svm_intercepts); i++) {
		const struct svm_intercept_row *row = &svm_intercepts[i];

		if (row->traps && !(row->traps & traps))
			continue;
		if (row->feature && !boot_cpu_has(row->feature))
			continue;
		svm_want(wanted->words, row->bit);
	}
	if (traps & NST_TRAP_DR)
		wanted->words[INTERCEPT_DR] = SVM_DR_ACCESSES;
	wanted->words[INTERCEPT_EXCEPTION] = exceptions | SVM_HOST_EXCEPTIONS;
}

static void svm_encode_traps(struct svm_vcpu *svm)
{
	const struct nst_ctl *ctl = &svm->vcpu->ctl;
	struct svm_wanted *wanted = &svm->wanted[ctl->tag];
	u64 traps = ctl->traps;

	/* The guest must neither see nor change a CR3 that holds a shadow root. */
	if (!nst_caps.tdp)
		traps |= NST_TRAP_CR3 | NST_TRAP_INVLPG;

	if (!wanted->valid || wanted->traps != traps || wanted->exceptions != ctl->exceptions)
		svm_fill_wanted(wanted, traps, ctl->exceptions);
	svm_update_intercepts(svm);
}

/* Whose GIF STGI and CLGI change: APM2 "Virtual GIF". */
static void svm_encode_gif(struct svm_vcpu *svm)
{
	struct vmcb_control_area *ctl = &svm->vmcb->control;

	ctl->int_ctl &= ~V_GIF_ENABLE_MASK;
	if (svm->vcpu->ctl.own_gif)
		ctl->int_ctl |= V_GIF_ENABLE_MASK;
	svm_dirty(svm, SVM_CLEAN_INT_CTL);
}

static void svm_encode_root(struct svm_vcpu *svm)
{
	u64 root = __sme_set(nst_hpa_raw(svm->vcpu->ctl.root));
	struct vmcb *vmcb = svm->vmcb;

	if (!nst_caps.tdp) {
		/* CR3 is the root, and CR4 depends on its level. */
		nst_pull(svm->vcpu, NST_STATE_CR);
		svm_push_cr(svm);
		return;
	}
	if (vmcb->control.nested_cr3 != root) {
		vmcb->control.nested_cr3 = root;
		svm_dirty(svm, SVM_CLEAN_NPT);
	}
	/* The tag in the TLB is the ASID alone, whatever the root. */
	if (svm_tag(svm)->root != root) {
		svm_tag(svm)->root = root;
		svm_tag(svm)->flush = true;
	}
}

static void svm_encode_msrs(struct svm_vcpu *svm)
{
	bool all = svm->vcpu->ctl.traps & NST_TRAP_MSR;

	svm->vmcb->control.msrpm_base_pa = all ? svm_msrpm_all_pa : svm->msrpm_pa;
	svm_dirty(svm, SVM_CLEAN_PERM_MAPS);
}

/**
 * svm_encode() - nst_backend.encode
 * @vcpu: loaded vCPU
 */
void svm_encode(struct nst_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	u32 dirty = vcpu->ctl.dirty;

	if (dirty & NST_CTL_TRAPS) {
		svm_encode_gif(svm);
		svm_encode_traps(svm);
	}
	if (dirty & NST_CTL_TSC) {
		svm->vmcb->control.tsc_offset = vcpu->ctl.tsc_offset;
		svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
		svm_tsc_ratio_load(vcpu->ctl.tsc_ratio);
	}
	if (dirty & NST_CTL_MSRS)
		svm_encode_msrs(svm);
	if (dirty & NST_CTL_ROOT)
		svm_encode_root(svm);
	vcpu->ctl.dirty = 0;
}

/**
 * svm_setup() - make the control area as after creation or reset
 * @svm: the vCPU, not running
 *
 * The save area follows when the core pushes the state, which it must do as a
 * whole; MSR permissions stay.
 */
void svm_setup(struct svm_vcpu *svm)
{
	struct vmcb_control_area *ctl = &svm->vmcb->control;

	memset(svm->vmcb, 0, sizeof(*svm->vmcb));
	ctl->iopm_base_pa = svm_iopm_pa;
	ctl->msrpm_base_pa = svm->msrpm_pa;
	/* The host's RFLAGS.IF masks physical interrupts, the guest's V_IRQ. */
	ctl->int_ctl = V_INTR_MASKING_MASK;
	if (nst_caps.tdp)
		ctl->nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
	if (svm_has(SVM_F_PAUSE_FILTER))
		ctl->pause_filter_count = SVM_PAUSE_COUNT;
	if (svm_has(SVM_F_PAUSE_THRESHOLD))
		ctl->pause_filter_thresh = SVM_PAUSE_THRESHOLD;
	svm->clean = 0;
	memset(svm->tags, 0, sizeof(svm->tags));
	svm_flush_tlb(svm->vcpu);
	svm->irq_window = false;
	svm->nmi_window = false;
	svm->tpr_exits = false;
	svm->cr0_differs = false;
	svm->cr4_differs = false;
	memset(&svm->nmi, 0, sizeof(svm->nmi));
	svm->inject.type = NST_EVENT_NONE;
	svm_encode_traps(svm);
	svm->vcpu->ctl.dirty = NST_CTL_ALL;
}
