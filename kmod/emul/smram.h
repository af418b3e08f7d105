/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state-save area of system-management mode: what SMI stores and RSM loads,
 * in the layout that 32-bit and 64-bit processors have.
 */
#ifndef NST_EMUL_SMRAM_H
#define NST_EMUL_SMRAM_H

#include "../pure.h"
#include "../regs.h"

/* The area lies at the end of the 64 KiB behind SMBASE. */
#define NST_SMRAM_OFFSET	0xfe00u
#define NST_SMRAM_SIZE		512u
#define NST_SMRAM_ENTRY		0x8000u	/* of the handler, from SMBASE */
#define NST_SMRAM_RESET_BASE	0x30000u

struct nst_smram_seg {
	u64 base;
	u32 limit;		/* in bytes */
	u32 ar;			/* NST_AR_* */
	u16 selector;
};

/**
 * struct nst_smram - the state, independent of its layout
 * @gpr: by enum nst_gpr
 * @rip: of the interrupted instruction, or behind HLT
 * @rflags: RFLAGS
 * @cr0: CR0
 * @cr3: CR3
 * @cr4: CR4
 * @efer: EFER
 * @dr6: DR6
 * @dr7: DR7
 * @seg: by enum nst_seg_index
 * @gdt_base: GDTR
 * @idt_base: IDTR
 * @gdt_limit: GDTR
 * @idt_limit: IDTR
 * @smbase: SMBASE; the handler may change it
 * @halted: SMI interrupted HLT; when still set at RSM, RSM goes back to HLT
 * @cpl: current privilege level
 * @sti_shadow: interrupts were blocked by STI; no manual gives it a place
 * @movss_shadow: the same by MOV SS
 * @svm_guest: SMI came while an SVM guest ran
 * @svm_vmcb: then the address of its VMCB
 */
struct nst_smram {
	u64 gpr[NST_NR_GPRS];
	u64 rip, rflags;
	u64 cr0, cr3, cr4, efer;
	u64 dr6, dr7;
	struct nst_smram_seg seg[NST_NR_SEGS];
	u64 gdt_base, idt_base;
	u16 gdt_limit, idt_limit;
	u32 smbase;
	u8 halted;
	u8 cpl;
	u8 sti_shadow, movss_shadow;
	u64 svm_guest, svm_vmcb;
};

/**
 * nst_smram_save() - what SMI writes to SMBASE + NST_SMRAM_OFFSET
 * @image: result, NST_SMRAM_SIZE bytes
 * @s: the state
 * @wide: the layout of processors with long mode
 */
void nst_smram_save(u8 *image, const struct nst_smram *s, bool wide);

/**
 * nst_smram_load() - what RSM reads from there
 * @image: NST_SMRAM_SIZE bytes; the handler may have written anything
 * @s: result
 * @wide: as for nst_smram_save()
 *
 * Return: false when the state is one that makes RSM shut the processor down,
 * as far as that can be told without knowing the processor's features.
 */
bool nst_smram_load(const u8 *image, struct nst_smram *s, bool wide);

#endif /* NST_EMUL_SMRAM_H */
