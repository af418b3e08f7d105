/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Offsets that the world switch in switch.S shares with C.  enter.c asserts
 * that they agree with the structures.
 */
#ifndef NST_SVM_SWITCH_H
#define NST_SVM_SWITCH_H

/* struct svm_switch */
#define SW_GUEST_PA	0
#define SW_HOST_PA	8
#define SW_GPRS		16
#define SW_GUEST_SPEC	24
#define SW_HOST_SPEC	32
#define SW_SWAP_SPEC	40

/* nst_state.gpr[]: general registers in the order of enum nst_gpr */
#define SW_RCX		(1 * 8)
#define SW_RDX		(2 * 8)
#define SW_RBX		(3 * 8)
#define SW_RBP		(5 * 8)
#define SW_RSI		(6 * 8)
#define SW_RDI		(7 * 8)
#define SW_R8		(8 * 8)
#define SW_R9		(9 * 8)
#define SW_R10		(10 * 8)
#define SW_R11		(11 * 8)
#define SW_R12		(12 * 8)
#define SW_R13		(13 * 8)
#define SW_R14		(14 * 8)
#define SW_R15		(15 * 8)

#endif /* NST_SVM_SWITCH_H */
