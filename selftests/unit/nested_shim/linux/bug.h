/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header. */
#include "bitops.h"
