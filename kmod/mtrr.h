/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory-type range registers: which MSR is which, and what may be written. */
#ifndef NST_MTRR_H
#define NST_MTRR_H

#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/types.h>
#include <asm/msr-index.h>
#else /* a userspace test, to which <asm/msr-index.h> is not exported */
#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))

#define MSR_MTRRfix64K_00000	0x00000250
#define MSR_MTRRfix16K_80000	0x00000258
#define MSR_MTRRfix16K_A0000	0x00000259
#define MSR_MTRRfix4K_C0000	0x00000268
#define MSR_MTRRfix4K_C8000	0x00000269
#define MSR_MTRRfix4K_D0000	0x0000026a
#define MSR_MTRRfix4K_D8000	0x0000026b
#define MSR_MTRRfix4K_E0000	0x0000026c
#define MSR_MTRRfix4K_E8000	0x0000026d
#define MSR_MTRRfix4K_F0000	0x0000026e
#define MSR_MTRRfix4K_F8000	0x0000026f
#define MSR_MTRRdefType		0x000002ff
#endif

#define NST_MTRR_VARIABLE	8	/* pairs of base and mask */
#define NST_MTRR_FIXED		11	/* registers of eight types each */

/* What IA32_MTRRCAP reads: variable pairs, fixed ranges, write combining. */
#define NST_MTRR_CAP		(NST_MTRR_VARIABLE | 1u << 8 | 1u << 10)

/**
 * nst_mtrr_fixed_index() - number of a fixed-range register
 * @msr: MSR index
 *
 * Return: 0 to NST_MTRR_FIXED - 1, or -1 when @msr is not a fixed-range MTRR.
 */
int nst_mtrr_fixed_index(u32 msr);

/**
 * nst_mtrr_valid() - may this value be written?
 * @msr: IA32_MTRR_DEF_TYPE, or a fixed or variable range register
 * @val: the value
 * @maxphyaddr: the guest's physical address width
 *
 * SDM3 "Memory Type Range Registers (MTRRs)".
 *
 * Return: false when a CPU would raise #GP.
 */
bool nst_mtrr_valid(u32 msr, u64 val, u8 maxphyaddr);

/**
 * nst_pat_valid() - may this value be written to IA32_PAT?
 * @val: eight memory types, SDM3 "IA32_PAT MSR"
 *
 * Return: false when a CPU would raise #GP.
 */
bool nst_pat_valid(u64 val);

#endif /* NST_MTRR_H */
