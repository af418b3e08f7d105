/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's short integer names, for userspace. Pure. */
#ifndef NL_TYPES_H
#define NL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1u << (n))
#define BIT_ULL(n)	(1ull << (n))
#define __printf(f, a)	__attribute__((format(printf, f, a)))

#define SZ_4K		0x1000ull
#define SZ_2M		0x200000ull
#define SZ_1M		0x100000ull
#define SZ_1G		0x40000000ull
#define SZ_4G		0x100000000ull

/* @a is a power of two. */
#define ALIGN_DOWN(x, a)	((x) & -(a))

#endif
