/* SPDX-License-Identifier: GPL-2.0-only */
/* Random VMCBs. */
#ifndef NST_GEN_SVM_H
#define NST_GEN_SVM_H

#include "oracle.h"
#include "../nested/svm.h"

/* Where L1 keeps what belongs to SVM, in the memory for tests. */
#define SAVE_PAGE		(GUEST_SCRATCH + 0x20000)	/* VMSAVE of L2 */
#define HOST_PAGE		(GUEST_SCRATCH + 0x21000)	/* VMSAVE of L1 */

/**
 * struct svm_case - a VMCB and what is not in it
 * @vmcb: the VMCB
 * @dish: what L2 begins with
 * @mutations: how often something was changed
 */
struct svm_case {
	struct vmcb *vmcb;
	u32 dish;
	u32 mutations;
};

void svm_generate(const struct oracle_params *p, u32 number, struct svm_case *c);

#endif /* NST_GEN_SVM_H */
