/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one door through which the emulator sees its surroundings.
 *
 * In the kernel it opens on <linux/types.h> and <linux/string.h>, in a
 * userspace test on <stdint.h> and <string.h>. Architectural constants come
 * from the UAPI headers, which both sides have. No other file of kmod/emul/
 * includes anything from outside the folder.
 */
#ifndef NST_EMUL_PURE_H
#define NST_EMUL_PURE_H

#ifdef __KERNEL__

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/msr-index.h>

#else /* !__KERNEL__ */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __aligned(n)	__attribute__((__aligned__(n)))

/* <asm/msr-index.h> is not exported to userspace. */
#define EFER_SCE		BIT(0)
#define EFER_LMA		BIT(10)
#define MSR_TSC_AUX		0xc0000103
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SYSCALL_MASK	0xc0000084
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_IA32_SYSENTER_CS	0x00000174
#define MSR_IA32_SYSENTER_ESP	0x00000175
#define MSR_IA32_SYSENTER_EIP	0x00000176

#endif /* __KERNEL__ */

#include <asm/kvm.h>
#include <asm/processor-flags.h>

#endif /* NST_EMUL_PURE_H */
