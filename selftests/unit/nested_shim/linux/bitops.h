/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in: what the kernel's <asm/vmx.h> and the pure files of nested/ take from it. */
#ifndef NST_SHIM_LINUX_BITOPS_H
#define NST_SHIM_LINUX_BITOPS_H

#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK(h, l)		((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define WARN_ON_ONCE(x)		((void)(x))
#ifndef __aligned
#define __aligned(n)		__attribute__((__aligned__(n)))
#endif

#endif
