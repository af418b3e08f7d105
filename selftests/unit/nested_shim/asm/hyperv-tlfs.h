/* SPDX-License-Identifier: GPL-2.0-only */
/* All that <asm/svm.h> takes from the kernel's. */
struct hv_vmcb_enlightenments {
	struct {
		unsigned int nested_flush_hypercall:1;
		unsigned int msr_bitmap:1;
		unsigned int enlightened_npt_tlb:1;
		unsigned int reserved:29;
	} hv_enlightenments_control;
	unsigned char reserved[28];
};
