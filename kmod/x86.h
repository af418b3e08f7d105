/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The architecture's own vocabulary: address kinds, registers, segments and
 * event vectors.  Numbers that the kernel's headers already name are included,
 * not repeated.
 */
#ifndef NST_X86_H
#define NST_X86_H

#include <asm/cpufeatures.h>
#include <asm/trapnr.h>
#include "pure.h"
#include "regs.h"

/*
 * Four kinds of address.  A guest virtual address is a plain u64, because it
 * is computed with; the physical kinds are distinct types, so that sparse
 * reports it when one is used for another.
 */
typedef u64 __bitwise nst_gpa_t;	/* physical, as the (L1) guest sees it */
typedef u64 __bitwise nst_l2gpa_t;	/* physical, as an L2 guest sees it */
typedef u64 __bitwise nst_hpa_t;	/* physical, as the host sees it */

#define NST_PAGE_MASK		(~(u64)0xfff)
#define NST_GPA_INVALID		((__force nst_gpa_t)~0ull)
#define NST_HPA_INVALID		((__force nst_hpa_t)~0ull)

static inline nst_gpa_t nst_gpa(u64 raw)
{
	return (__force nst_gpa_t)raw;
}

static inline u64 nst_gpa_raw(nst_gpa_t gpa)
{
	return (__force u64)gpa;
}

static inline nst_gpa_t nst_gpa_add(nst_gpa_t gpa, u64 bytes)
{
	return nst_gpa(nst_gpa_raw(gpa) + bytes);
}

static inline u64 nst_gpa_gfn(nst_gpa_t gpa)
{
	return nst_gpa_raw(gpa) >> 12;
}

static inline nst_gpa_t nst_gfn_gpa(u64 gfn)
{
	return nst_gpa(gfn << 12);
}

static inline nst_hpa_t nst_hpa(u64 raw)
{
	return (__force nst_hpa_t)raw;
}

static inline u64 nst_hpa_raw(nst_hpa_t hpa)
{
	return (__force u64)hpa;
}

/**
 * struct nst_segment - a segment register with its hidden part
 * @base: linear base address
 * @limit: limit in bytes, granularity already applied
 * @ar: access rights, NST_AR_*
 * @selector: the visible part
 */
struct nst_segment {
	u64 base;
	u32 limit;
	u32 ar;
	u16 selector;
};

/**
 * struct nst_dtable - GDTR or IDTR
 * @base: linear base address
 * @limit: last valid byte offset
 */
struct nst_dtable {
	u64 base;
	u16 limit;
};

/* Error-code bits of #PF, SDM3 "Page-Fault Exceptions". */
#define NST_PFEC_P	BIT(0)
#define NST_PFEC_W	BIT(1)
#define NST_PFEC_U	BIT(2)
#define NST_PFEC_RSVD	BIT(3)
#define NST_PFEC_I	BIT(4)
#define NST_PFEC_PK	BIT(5)

/* Debug registers, SDM3 "Debug Registers": what <asm/debugreg.h> has no name for. */
#define NST_DR6_WRITABLE	0x0000e00full
#define NST_DR7_WRITABLE	0xffff23ffull
#define NST_DR7_GD		BIT_ULL(13)
#define NST_DR6_BD		BIT_ULL(13)

/* SDM1 "EFLAGS Register": what is not reserved, bit 1 included. */
#define NST_RFLAGS_DEFINED	0x003f7fd7ull

/* Reset values, SDM3 "Processor State After Reset". */
#define NST_RESET_CR0		(X86_CR0_CD | X86_CR0_NW | X86_CR0_ET)
#define NST_RESET_RIP		0xfff0ull
#define NST_RESET_CS_BASE	0xffff0000ull
#define NST_RESET_CS_SEL	0xf000
#define NST_RESET_PAT		0x0007040600070406ull
#define NST_RESET_DR6		0xffff0ff0ull
#define NST_RESET_DR7		0x400ull
#define NST_RESET_MXCSR		0x1f80u
#define NST_RESET_FCW		0x37f

#endif /* NST_X86_H */
