/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own numbers, without what its configuration makes of them. */
#define _ASM_X86_REQUIRED_FEATURES_H
#define _ASM_X86_DISABLED_FEATURES_H
#include <nst_kernel/asm/cpufeatures.h>
