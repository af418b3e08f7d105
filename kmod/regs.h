/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers of registers and bits of access rights, shared by the module and by
 * the pure files that are also built in userspace: plain C, no includes.
 */
#ifndef NST_REGS_H
#define NST_REGS_H

/* General registers by their number in instruction encodings. */
enum nst_gpr {
	NST_RAX, NST_RCX, NST_RDX, NST_RBX, NST_RSP, NST_RBP, NST_RSI, NST_RDI,
	NST_R8, NST_R9, NST_R10, NST_R11, NST_R12, NST_R13, NST_R14, NST_R15,
	NST_NR_GPRS
};

/* Segment registers: the first six by their number in instruction encodings. */
enum nst_seg_index {
	NST_ES, NST_CS, NST_SS, NST_DS, NST_FS, NST_GS, NST_LDTR, NST_TR,
	NST_NR_SEGS
};

/*
 * Access rights in the layout that VMX uses, SDM3 "Guest Register State".
 * The SVM backend converts.
 */
#define NST_AR_TYPE		0x0000fu
#define NST_AR_ACCESSED		0x00001u
#define NST_AR_RW		0x00002u	/* writable data, readable code */
#define NST_AR_DC		0x00004u	/* expand-down data, conforming code */
#define NST_AR_CODE		0x00008u
#define NST_AR_S		0x00010u
#define NST_AR_DPL_SHIFT	5
#define NST_AR_DPL		0x00060u
#define NST_AR_P		0x00080u
#define NST_AR_AVL		0x01000u
#define NST_AR_L		0x02000u
#define NST_AR_DB		0x04000u
#define NST_AR_G		0x08000u
#define NST_AR_UNUSABLE		0x10000u

#endif /* NST_REGS_H */
