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

#define SZ_4K		0x1000ull
#define SZ_2M		0x200000ull
#define SZ_1M		0x100000ull
#define SZ_1G		0x40000000ull
#define SZ_4G		0x100000000ull

#define ALIGN_DOWN(x, a)	((x) & ~((a) - 1))
#define ALIGN_UP(x, a)		ALIGN_DOWN((x) + (a) - 1, (a))

#endif
