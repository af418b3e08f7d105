/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door of the pure files beside it (mtrr.c, pvclock_math.h): the same
 * vocabulary in the module and in a userspace test program, to which
 * <asm/msr-index.h> is not exported.
 */
#ifndef NST_PURE_H
#define NST_PURE_H

#ifdef __KERNEL__

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <asm/msr-index.h>

#else /* !__KERNEL__ */

#include <stdbool.h>
#include <stdint.h>

typedef int8_t s8;
typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

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

#endif /* __KERNEL__ */

#endif /* NST_PURE_H */
