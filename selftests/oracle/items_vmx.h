/* SPDX-License-Identifier: GPL-2.0-only */
/* What is observed of a VM exit. */
#ifndef NST_ITEMS_VMX_H
#define NST_ITEMS_VMX_H

#include "gen_vmx.h"

#define EXIT_ITEMS(I)							\
	I(REASON) I(QUAL) I(INTR_INFO) I(INTR_ERROR) I(IDT_INFO) I(IDT_ERROR) I(INSN_LEN)	\
	I(INSN_INFO) I(PHYSICAL) I(LINEAR) I(ENTRY_INFO)
#define REGISTER_ITEMS(I)						\
	I(CR0) I(CR3) I(CR4) I(DR7) I(RSP) I(RIP) I(RFLAGS) I(PENDING) I(SYSENTER_CS)	\
	I(SYSENTER_ESP) I(SYSENTER_EIP) I(INTR_STATE) I(ACTIVITY) I(DEBUGCTL) I(PAT) I(EFER) \
	I(GDTR_BASE) I(IDTR_BASE) I(GDTR_LIMIT) I(IDTR_LIMIT)
#define GENERAL_ITEMS(I)	I(RAX) I(RBX) I(RCX) I(RDX)

enum vmx_item {
#define I(name) I_##name,
	EXIT_ITEMS(I) REGISTER_ITEMS(I) GENERAL_ITEMS(I)
#undef I
#define S(name, n) I_##name##_SEL, I_##name##_AR, I_##name##_BASE,
	SEGMENTS(S)
#undef S
	VMX_ITEMS
};

_Static_assert(VMX_ITEMS <= ORACLE_ITEMS, "more items than a record has");

#define VMX_ITEM_NAMES {						\
	EXIT_ITEMS(ITEM_NAME) REGISTER_ITEMS(ITEM_NAME) GENERAL_ITEMS(ITEM_NAME)	\
	SEGMENTS(SEGMENT_NAMES)						\
}

#define ITEM_NAME(name)		#name,
#define SEGMENT_NAMES(name, n)	#name " selector", #name " limit, rights", #name " base",

#endif /* NST_ITEMS_VMX_H */
