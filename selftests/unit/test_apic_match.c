// SPDX-License-Identifier: GPL-2.0-only
/* Which local APICs a destination addresses: every mode, by table. */
#include "irqchip/apic_match.h"
#include "tap.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define XAPIC(i, l)	{ .id = (i), .logical = (l) }
#define CLUSTER(i, l)	{ .id = (i), .logical = (l), .cluster = true }
#define X2APIC(i)	{ .id = (i), .x2apic = true }

static const struct {
	const char *what;
	struct nst_apic_name name;
	u32 dest;
	bool logical;
	bool dest32;
	bool want;
} rows[] = {
	{ "physical, own id", XAPIC(3, 8), 3, false, false, true },
	{ "physical, other id", XAPIC(3, 8), 2, false, false, false },
	{ "physical broadcast", XAPIC(3, 8), 0xff, false, false, true },
	{ "physical, 8-bit sender, x2APIC target", X2APIC(3), 3, false, false, true },
	{ "8-bit broadcast reaches an x2APIC", X2APIC(0x123), 0xff, false, false, true },
	{ "x2APIC: id 0xff is an id", X2APIC(3), 0xff, false, true, false },
	{ "x2APIC: id 0xff is its own", X2APIC(0xff), 0xff, false, true, true },
	{ "x2APIC broadcast", X2APIC(0x123), 0xffffffff, false, true, true },
	{ "x2APIC broadcast reaches an xAPIC", XAPIC(1, 2), 0xffffffff, false, true, true },
	{ "x2APIC: id above 255", X2APIC(0x123), 0x123, false, true, true },
	{ "x2APIC: same low byte", X2APIC(0x123), 0x23, false, true, false },
	{ "flat: one of several", XAPIC(1, 0x02), 0x06, true, false, true },
	{ "flat: none", XAPIC(0, 0x01), 0x06, true, false, false },
	{ "flat: no logical id", XAPIC(0, 0x00), 0x06, true, false, false },
	{ "flat: id is not looked at", XAPIC(6, 0x01), 0x06, true, false, false },
	{ "flat: all", XAPIC(0, 0x80), 0xff, true, false, true },
	{ "flat: wide destination", XAPIC(0, 0x01), 0x10001, true, true, false },
	{ "cluster: member", CLUSTER(0, 0x22), 0x26, true, false, true },
	{ "cluster: not a member", CLUSTER(0, 0x21), 0x26, true, false, false },
	{ "cluster: other cluster", CLUSTER(0, 0x12), 0x22, true, false, false },
	{ "cluster: flat would match", CLUSTER(0, 0x32), 0x12, true, false, false },
	{ "cluster: broadcast", CLUSTER(0, 0x12), 0xff, true, false, true },
	{ "x2APIC logical: member", X2APIC(0x25), 0x20000 | 0x60, true, true, true },
	{ "x2APIC logical: not a member", X2APIC(0x24), 0x20000 | 0x60, true, true, false },
	{ "x2APIC logical: other cluster", X2APIC(0x25), 0x10000 | 0x20, true, true, false },
	{ "x2APIC logical: cluster 0, 8-bit sender", X2APIC(5), 0x20, true, false, true },
	{ "x2APIC logical: nobody", X2APIC(5), 0x00000, true, true, false },
};

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nst_apic_name name = rows[i].name;
		bool got;

		if (name.x2apic)
			name.logical = nst_x2apic_logical(name.id);
		got = nst_apic_matches(&name, rows[i].dest, rows[i].logical, rows[i].dest32);
		tap_ok(got == rows[i].want, "%s", rows[i].what);
	}
	for (u32 id = 0; id < 300; id += 7)
		if (nst_x2apic_logical(id) != ((id / 16) << 16 | 1u << (id % 16)))
			return !tap_ok(false, "logical id of x2APIC %u", id);
	tap_ok(true, "logical ids of x2APICs");
	return tap_done();
}
