/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door of the pure files of nested VMX (vmcs12.c, vmx_caps.c, vmx_check.c):
 * the same vocabulary in the module and in a userspace test program, whose
 * include path leads to the kernel's <asm/vmx.h> and its kin.
 */
#ifndef NST_NVMX_PURE_H
#define NST_NVMX_PURE_H

#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/types.h>

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define static_assert		_Static_assert
#endif

#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>
#include "../regs.h"

#endif /* NST_NVMX_PURE_H */
