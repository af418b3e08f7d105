/* SPDX-License-Identifier: GPL-2.0-only */
/* Which local APICs does a destination field address?  Pure. */
#ifndef NST_IRQCHIP_APIC_MATCH_H
#define NST_IRQCHIP_APIC_MATCH_H

#include "../pure.h"

/**
 * struct nst_apic_name - the names that a local APIC answers to
 * @id: physical id: 8 bits in xAPIC mode, 32 in x2APIC mode
 * @logical: logical id: 8 bits (LDR 31:24) or 32 bits (the whole LDR)
 * @x2apic: it is in x2APIC mode
 * @cluster: xAPIC mode with the cluster model in DFR
 */
struct nst_apic_name {
	u32 id;
	u32 logical;
	bool x2apic;
	bool cluster;
};

#define NST_APIC_BROADCAST8	0xffu
#define NST_APIC_BROADCAST32	0xffffffffu

/* The logical id of an x2APIC follows from its id, SDM3 "Logical Destination
 * Mode in x2APIC Mode": 16 ids a cluster.
 */
static inline u32 nst_x2apic_logical(u32 id)
{
	return (id >> 4) << 16 | 1u << (id & 0xf);
}

bool nst_apic_broadcast(u32 dest, bool dest32);
bool nst_apic_matches(const struct nst_apic_name *name, u32 dest, bool logical, bool dest32);

#endif /* NST_IRQCHIP_APIC_MATCH_H */
