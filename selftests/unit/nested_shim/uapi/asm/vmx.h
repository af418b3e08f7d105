/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own. */
#include <nst_kernel/uapi/asm/vmx.h>
