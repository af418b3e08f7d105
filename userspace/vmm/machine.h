/* SPDX-License-Identifier: GPL-2.0-only */
/* The whole machine: what it is made of, and its life from start to stop. */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include "vmm/options.h"

int machine_run(const struct options *opt);

#endif
