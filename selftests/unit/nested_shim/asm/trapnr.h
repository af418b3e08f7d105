/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own; with -I of its whole folder libc's headers would break. */
#include <nst_kernel/asm/trapnr.h>
