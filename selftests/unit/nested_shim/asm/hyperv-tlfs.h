/* SPDX-License-Identifier: GPL-2.0-only */
/* All that <asm/svm.h> takes from the kernel's. */
struct hv_vmcb_enlightenments {
	unsigned char reserved[32];
};
