/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: the pure files of mmu/ need nothing from it. */
#ifndef NST_SHIM_ASM_TRAPNR_H
#define NST_SHIM_ASM_TRAPNR_H
#endif
