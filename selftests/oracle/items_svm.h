/* SPDX-License-Identifier: GPL-2.0-only */
/* What is observed of a #VMEXIT. */
#ifndef NST_ITEMS_SVM_H
#define NST_ITEMS_SVM_H

#include "gen_svm.h"

#define EXIT_ITEMS(I)							\
	I(CODE) I(INFO1) I(INFO2) I(INT_INFO) I(INT_ERROR) I(V_INT) I(INT_STATE) I(EVENT_INJ)
#define REGISTER_ITEMS(I)						\
	I(cpl) I(efer) I(cr0) I(cr2) I(cr3) I(cr4) I(dr6) I(dr7) I(rflags) I(rip) I(rsp) I(rax)
#define GENERAL_ITEMS(I)	I(rbx) I(rcx) I(rdx)
#define LOADED_ITEMS(I)							\
	I(star) I(lstar) I(cstar) I(sfmask) I(kernel_gs) I(sysenter_cs) I(sysenter_esp)	\
	I(sysenter_eip)
#define SVM_SEGMENTS(S)		S(es) S(cs) S(ss) S(ds) S(fs) S(gs) S(ldtr) S(tr)
#define SVM_TABLES(S)		S(gdtr) S(idtr)

enum svm_item {
#define I(name) I_##name,
	EXIT_ITEMS(I) REGISTER_ITEMS(I) GENERAL_ITEMS(I) LOADED_ITEMS(I)
#undef I
#define S(name) I_##name, I_##name##_base,
	SVM_SEGMENTS(S) SVM_TABLES(S)
#undef S
	SVM_ITEMS
};

_Static_assert(SVM_ITEMS <= ORACLE_ITEMS, "more items than a record has");

#define SVM_ITEM_NAMES {						\
	EXIT_ITEMS(ITEM_NAME) REGISTER_ITEMS(ITEM_NAME) GENERAL_ITEMS(ITEM_NAME)	\
	LOADED_ITEMS(ITEM_NAME) SVM_SEGMENTS(SEGMENT_NAMES) SVM_TABLES(SEGMENT_NAMES)	\
}

#define ITEM_NAME(name)		#name,
#define SEGMENT_NAMES(name)	#name, #name " base",

#endif /* NST_ITEMS_SVM_H */
