/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door of the pure files in this folder: kernel types inside the module,
 * the C library's in a userspace test.
 */
#ifndef NST_IRQCHIP_PURE_H
#define NST_IRQCHIP_PURE_H

#ifdef __KERNEL__

#include <linux/bits.h>
#include <linux/string.h>
#include <linux/types.h>

#else /* !__KERNEL__ */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define BIT(n)		(1UL << (n))

#endif /* __KERNEL__ */

#include <asm/kvm.h>

#endif /* NST_IRQCHIP_PURE_H */
