/* SPDX-License-Identifier: GPL-2.0-only */
#include <nst_kernel/uapi/asm/svm.h>
