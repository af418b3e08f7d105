// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules for memory types: MTRRs and the PAT.  A guest's MTRRs are kept and read
 * back; the memory itself is write-back whatever they say, because it is the
 * host's RAM.
 *
 * Pure: no locks, no hardware.
 */
#include "mtrr.h"

/* SDM3 "Memory Types That Can Be Encoded in MTRRs"; UC- is the PAT's alone. */
#define MTRR_TYPES	(BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6))
#define PAT_TYPES	(MTRR_TYPES | BIT(7))

#define DEF_TYPE_BITS	(0xffull | BIT_ULL(10) | BIT_ULL(11))
#define BASE_BITS	0xffull
#define MASK_BITS	BIT_ULL(11)

static const u32 fixed_msrs[NST_MTRR_FIXED] = {
	MSR_MTRRfix64K_00000,
	MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000,
	MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000, MSR_MTRRfix4K_D8000,
	MSR_MTRRfix4K_E0000, MSR_MTRRfix4K_E8000, MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
};

int nst_mtrr_fixed_index(u32 msr)
{
	unsigned int i;

	for (i = 0; i < NST_MTRR_FIXED; i++)
		if (fixed_msrs[i] == msr)
			return i;
	return -1;
}

static bool type_valid(u8 type, u32 types)
{
	return type < 8 && (types & BIT(type));
}

static bool all_types_valid(u64 val, u32 types)
{
	unsigned int i;

	for (i = 0; i < 8; i++, val >>= 8)
		if (!type_valid(val & 0xff, types))
			return false;
	return true;
}

bool nst_mtrr_valid(u32 msr, u64 val, u8 maxphyaddr)
{
	u64 address = ((1ull << maxphyaddr) - 1) & ~0xfffull;

	if (msr == MSR_MTRRdefType)
		return !(val & ~DEF_TYPE_BITS) && type_valid(val & 0xff, MTRR_TYPES);
	if (nst_mtrr_fixed_index(msr) >= 0)
		return all_types_valid(val, MTRR_TYPES);
	/* Bases are even, masks odd. */
	if (msr & 1)
		return !(val & ~(address | MASK_BITS));
	return !(val & ~(address | BASE_BITS)) && type_valid(val & 0xff, MTRR_TYPES);
}

bool nst_pat_valid(u64 val)
{
	return all_types_valid(val, PAT_TYPES);
}
