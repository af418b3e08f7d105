// SPDX-License-Identifier: GPL-2.0-only
/* Where a VM entry is different for a reason that deviations.rst gives. */
#include "compare.h"
#include "gen_vmx.h"

const struct known known[] = {
	{ 0 }
};
