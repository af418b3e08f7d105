// SPDX-License-Identifier: GPL-2.0-only
/*
 * With CR0.WP off the supervisor writes to pages that are read-only. Shadow paging
 * has entries for that which no user may use; they end when the page becomes one of
 * users', from which SMEP and SMAP keep the supervisor away.
 */
#ifdef GUEST
#include "guest.h"

#define SECTION		"SDM3 \"Determination of Access Rights\""
#define PLACE		0x400000ul
#define RET		0xc3
#define CPUID_SMEP	(1u << 7)
#define CPUID_SMAP	(1u << 20)
#define CR4_SMEP	(1ul << 20)
#define CR4_SMAP	(1ul << 21)
#define ERROR_PRESENT	0x1
#define ERROR_FETCH	0x10

/* All that the tables map is users' in the beginning; then nothing is. */
static u64 *place(void)
{
	u64 *leaf = split_page(PLACE), *directory = (u64 *)(GUEST_PML4 + 0x2000);
	u32 i;

	for (i = 0; i < 512; i++)
		if (i != PLACE >> 21)
			directory[i] &= ~PTE_USER;
	*leaf &= ~(PTE_WRITE | PTE_USER);
	WRITE_CR(3, READ_CR(3));
	return leaf;
}

static u64 *leaf;

static bool prepare(u32 feature, u64 cr4)
{
	u32 r[4];

	leaf = place();
	cpuid(7, 0, r);
	if (!(r[1] & feature)) {
		skip("the CPU does not have it");
		return false;
	}
	WRITE_CR(0, READ_CR(0) & ~CR0_WP);
	WRITE_CR(4, READ_CR(4) | cr4);
	return true;
}

static void write_there(void)
{
	check(PROBE("movb %0, (%1)", : : "i"(RET), "r"(PLACE) : "memory") == VEC_NONE,
	      "the supervisor writes to its read-only page (%lu)", trap.vector);
}

GUEST_CASE(smep, SECTION)
{
	if (!prepare(CPUID_SMEP, CR4_SMEP))
		return;
	write_there();
	check(PROBE("call *%0", : : "r"(PLACE) : "memory") == VEC_NONE, "and runs it");
	*leaf |= PTE_USER;
	WRITE_CR(3, READ_CR(3));
	PROBE("call *%0", : : "r"(PLACE) : "memory");
	check(trap.vector == VEC_PF && trap.error == (ERROR_PRESENT | ERROR_FETCH),
	      "a page of users is not run (%lu, error %lx)", trap.vector, trap.error);
	*leaf &= ~PTE_USER;
	WRITE_CR(3, READ_CR(3));
	check(PROBE("call *%0", : : "r"(PLACE) : "memory") == VEC_NONE, "its own is again");
}

GUEST_CASE(smap, SECTION)
{
	if (!prepare(CPUID_SMAP, CR4_SMAP))
		return;
	write_there();
	*leaf |= PTE_USER;
	WRITE_CR(3, READ_CR(3));
	PROBE("movb (%0), %%al", : : "r"(PLACE) : "rax", "memory");
	check(trap.vector == VEC_PF && trap.error == ERROR_PRESENT,
	      "a page of users is not read (%lu, error %lx)", trap.vector, trap.error);
	*leaf &= ~PTE_USER;
	WRITE_CR(3, READ_CR(3));
	check(PROBE("movb (%0), %%al", : : "r"(PLACE) : "rax", "memory") == VEC_NONE,
	      "its own is");
}
#else
#include "guest_test.h"
#endif
