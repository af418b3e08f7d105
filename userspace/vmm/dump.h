/* SPDX-License-Identifier: GPL-2.0-only */
/* Telling a person, on standard error, why a guest cannot go on. */
#ifndef VMM_DUMP_H
#define VMM_DUMP_H

#include "lib/nl.h"

void dump_exit(const struct nl_vcpu *vcpu);
void dump_registers(const struct nl_vcpu *vcpu);

#endif
