/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door of the pure files of mmu/ (format.c, perm.c, walk.c): the same
 * vocabulary in the module and in a userspace test program, whose include path
 * has empty stand-ins for the headers that only the kernel has.
 */
#ifndef NST_MMU_PURE_H
#define NST_MMU_PURE_H

#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#ifndef __force
#define __force
#endif
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#endif

#include "../x86.h"
#include "../exit.h"

#endif /* NST_MMU_PURE_H */
