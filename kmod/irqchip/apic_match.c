// SPDX-License-Identifier: GPL-2.0-only
/*
 * Destination matching, as pure logic: the rules of SDM3 "Determining IPI
 * Destination" and "Logical Destination Mode in x2APIC Mode".
 */
#include "apic_match.h"

#define X2APIC_CLUSTER(logical)	((logical) >> 16)
#define X2APIC_MEMBERS(logical)	((logical) & 0xffff)
#define XAPIC_CLUSTER(logical)	((logical) >> 4)
#define XAPIC_MEMBERS(logical)	((logical) & 0xf)
#define XAPIC_MAX		0xff

/**
 * nst_apic_broadcast() - does a destination mean every local APIC?
 * @dest: the destination field
 * @dest32: it has 32 bits, else 8
 */
bool nst_apic_broadcast(u32 dest, bool dest32)
{
	return dest == (dest32 ? NST_APIC_BROADCAST32 : NST_APIC_BROADCAST8);
}

static bool logical_matches(const struct nst_apic_name *name, u32 dest)
{
	if (name->x2apic)
		return X2APIC_CLUSTER(dest) == X2APIC_CLUSTER(name->logical) &&
		       (X2APIC_MEMBERS(dest) & X2APIC_MEMBERS(name->logical));
	if (dest > XAPIC_MAX)
		return false;
	if (!name->cluster)
		return dest & name->logical;
	return XAPIC_CLUSTER(dest) == XAPIC_CLUSTER(name->logical) &&
	       (XAPIC_MEMBERS(dest) & XAPIC_MEMBERS(name->logical));
}

/**
 * nst_apic_matches() - does a local APIC answer to a destination?
 * @name: its names
 * @dest: the destination field
 * @logical: it is a logical destination
 * @dest32: it has 32 bits, else 8
 */
bool nst_apic_matches(const struct nst_apic_name *name, u32 dest, bool logical, bool dest32)
{
	if (nst_apic_broadcast(dest, dest32))
		return true;
	return logical ? logical_matches(name, dest) : dest == name->id;
}
