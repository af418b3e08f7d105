/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one door of the pure files: the same vocabulary inside the module, where
 * it opens on the kernel's headers, and in a userspace test program, where it
 * opens on the C library's. Architectural constants come from the UAPI
 * headers, which both sides have; those of <asm/msr-index.h>, which is not
 * exported to userspace, stand here.
 */
#ifndef NST_PURE_H
#define NST_PURE_H

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
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifndef __force
#define __force
#endif
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define sizeof_field(t, f)	sizeof(((t *)0)->f)
#define __aligned(n)		__attribute__((__aligned__(n)))

#define EFER_SCE		BIT(0)
#define EFER_LME		BIT(8)
#define EFER_LMA		BIT(10)
#define EFER_NX			BIT(11)
#define EFER_SVME		BIT(12)
#define EFER_FFXSR		BIT(14)
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SYSCALL_MASK	0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_TSC_AUX		0xc0000103
#define MSR_IA32_SYSENTER_CS	0x00000174
#define MSR_IA32_SYSENTER_ESP	0x00000175
#define MSR_IA32_SYSENTER_EIP	0x00000176
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

#include <asm/kvm.h>
#include <asm/processor-flags.h>

#endif /* NST_PURE_H */
