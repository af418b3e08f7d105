/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cycles to nanoseconds as the pvclock ABI does it:
 * ns = ((shift >= 0 ? cycles << shift : cycles >> -shift) * mul) >> 32.
 * Pure.
 */
#ifndef NST_PVCLOCK_MATH_H
#define NST_PVCLOCK_MATH_H

#include "pure.h"

#define NST_PVCLOCK_MS_NS	1000000ull	/* a rate in kHz is cycles a ms */

/**
 * nst_pvclock_scale() - multiplier and shift for a counter
 * @khz: its rate, not 0
 * @mul: result; bit 31 is always set: all the precision there is
 * @shift: result
 */
static inline void nst_pvclock_scale(u32 khz, u32 *mul, s8 *shift)
{
	u64 exact = (NST_PVCLOCK_MS_NS << 32) / khz;	/* mul << shift */
	int s = 0;

	while (exact >> s >> 32)
		s++;
	while (s <= 0 && (NST_PVCLOCK_MS_NS << (32 - s)) / khz < 1ull << 31)
		s--;
	*mul = s > 0 ? exact >> s : (NST_PVCLOCK_MS_NS << (32 - s)) / khz;
	*shift = s;
}

/**
 * nst_pvclock_ns() - cycles to nanoseconds
 * @cycles: how many
 * @mul: multiplier
 * @shift: shift
 *
 * Return: nanoseconds.
 */
static inline u64 nst_pvclock_ns(u64 cycles, u32 mul, s8 shift)
{
	if (shift < 0)
		cycles >>= -shift;
	else
		cycles <<= shift;
	return (cycles >> 32) * mul + (((cycles & 0xffffffff) * mul) >> 32);
}

#endif /* NST_PVCLOCK_MATH_H */
