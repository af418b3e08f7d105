// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which values the MTRRs and the PAT take, rule by rule as in SDM3 "Memory Type
 * Range Registers (MTRRs)" and "IA32_PAT MSR".
 */
#include "mtrr.h"
#include "tap.h"

#define PHYS_BASE0	0x200u
#define PHYS_MASK0	0x201u
#define PHYS_MASK7	0x20fu
#define MAXPHYADDR	40

static const struct {
	const char *text;
	u32 msr;
	u64 val;
	bool good;
} cases[] = {
	{ "default type: uncachable, off", MSR_MTRRdefType, 0, true },
	{ "default type: write-back, fixed and all on", MSR_MTRRdefType, 0xc06, true },
	{ "default type: type 2 is reserved", MSR_MTRRdefType, 0xc02, false },
	{ "default type: type 7 is the PAT's", MSR_MTRRdefType, 0xc07, false },
	{ "default type: bit 8 is reserved", MSR_MTRRdefType, 0x106, false },
	{ "default type: bit 12 is reserved", MSR_MTRRdefType, 0x1006, false },
	{ "default type: bit 63 is reserved", MSR_MTRRdefType, BIT_ULL(63), false },
	{ "base: write-back at 1 MiB", PHYS_BASE0, 0x100006, true },
	{ "base: highest page", PHYS_BASE0, 0xfffffff000, true },
	{ "base: above the address width", PHYS_BASE0, BIT_ULL(MAXPHYADDR), false },
	{ "base: type 3 is reserved", PHYS_BASE0, 0x100003, false },
	{ "base: bit 8 is reserved", PHYS_BASE0, 0x100106, false },
	{ "base: bit 11 is reserved", PHYS_BASE0, 0x100806, false },
	{ "mask: valid", PHYS_MASK0, 0xfffff00800, true },
	{ "mask: not valid, empty", PHYS_MASK7, 0, true },
	{ "mask: above the address width", PHYS_MASK7, 0xfffffff00800, false },
	{ "mask: a type has no place", PHYS_MASK0, 0x806, false },
	{ "mask: bit 10 is reserved", PHYS_MASK7, 0xc00, false },
	{ "fixed 64K: eight types", MSR_MTRRfix64K_00000, 0x0606060606060606, true },
	{ "fixed 16K: each allowed type", MSR_MTRRfix16K_A0000, 0x0000000006050401, true },
	{ "fixed 4K: bad lowest byte", MSR_MTRRfix4K_C0000, 0x02, false },
	{ "fixed 4K: bad highest byte", MSR_MTRRfix4K_F8000, 0x0700000000000000, false },
	{ "fixed 4K: a byte of 8", MSR_MTRRfix4K_E0000, 0x0000000800000000, false },
	{ "fixed 4K: a byte of 0x86", MSR_MTRRfix4K_E8000, 0x86, false },
};

static const struct {
	const char *text;
	u64 val;
	bool good;
} pats[] = {
	{ "PAT: reset value", 0x0007040600070406, true },
	{ "PAT: all write combining", 0x0101010101010101, true },
	{ "PAT: type 2 in entry 0", 0x0007040600070402, false },
	{ "PAT: type 3 in entry 7", 0x0307040600070406, false },
	{ "PAT: type 8 in entry 4", 0x0007040800070406, false },
};

static void fixed_registers(void)
{
	unsigned int found = 0;
	u32 msr;

	for (msr = 0; msr < 0x400; msr++) {
		int index = nst_mtrr_fixed_index(msr);

		if (index < 0)
			continue;
		if (index >= NST_MTRR_FIXED || (found & (1u << index)))
			break;
		found |= 1u << index;
	}
	tap_ok(msr == 0x400 && found == (1u << NST_MTRR_FIXED) - 1,
	       "fixed-range registers have the indices 0 to 10, once each");
	tap_ok(nst_mtrr_fixed_index(0x251) < 0 && nst_mtrr_fixed_index(0x25a) < 0 &&
	       nst_mtrr_fixed_index(0x277) < 0, "neighbours are no fixed-range registers");
}

int main(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		tap_ok(nst_mtrr_valid(cases[i].msr, cases[i].val, MAXPHYADDR) == cases[i].good,
		       "%s", cases[i].text);
	tap_ok(nst_mtrr_valid(PHYS_BASE0, 0xffffffffff000, 52), "base: 52 address bits");
	tap_ok(!nst_mtrr_valid(PHYS_BASE0, BIT_ULL(36), 36), "base: 36 address bits");
	for (i = 0; i < ARRAY_SIZE(pats); i++)
		tap_ok(nst_pat_valid(pats[i].val) == pats[i].good, "%s", pats[i].text);
	fixed_registers();
	return tap_done();
}
