/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file that looks at the kernel's version.  Everything in here makes
 * a newer or older kernel look like 6.1 to the rest of the module.
 */
#ifndef NST_COMPAT_H
#define NST_COMPAT_H

#include <linux/version.h>

#endif /* NST_COMPAT_H */
