/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory-type range registers: which MSR is which, and what may be written. */
#ifndef NST_MTRR_H
#define NST_MTRR_H

#include "pure.h"

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
