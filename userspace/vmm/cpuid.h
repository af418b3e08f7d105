/* SPDX-License-Identifier: GPL-2.0-only */
/* What CPUID says about the place of one CPU among the others. Pure. */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include "lib/nl.h"

/* What the guest can be a hypervisor with. */
enum cpuid_nested { CPUID_NOT_NESTED, CPUID_VMX, CPUID_SVM };

struct cpuid_place {
	u32 apic_id;
	u32 cpus;
	bool tsc_deadline;	/* the APIC timer has TSC-deadline mode */
};

int cpuid_place(struct nl_cpuid *cpuid, const struct cpuid_place *place);
int cpuid_nest(struct nl_cpuid *cpuid, enum cpuid_nested nested);
bool cpuid_has_mtrr(const struct nl_cpuid *cpuid);
bool cpuid_is_intel(const struct nl_cpuid *cpuid);

#endif
