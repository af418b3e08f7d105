// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multiplier and shift of kvmclock against exact arithmetic: the error must stay
 * below what 32 bits of multiplier can give, for every counter rate.
 */
#include <stdlib.h>
#include "pvclock_math.h"
#include "tap.h"

/* One part in 2^31, and the two roundings. */
static bool close_enough(u64 got, unsigned __int128 exact)
{
	unsigned __int128 slack = (exact >> 31) + 2;

	return got <= exact && got + slack >= exact;
}

static const u32 rates[] = {
	1, 3, 999, 32768, 1000000 / 2, 999999, 1000000, 1000001, 1193182, 1999999, 2000000,
	2000001, 2594986, 3200000, 4000000, 4000001, 8000000, 0x7fffffff, 0xffffffff,
};

static bool check_rate(u32 khz)
{
	static const u64 seconds[] = { 1, 60, 3600, 86400, 86400ull * 365 };
	unsigned int i;
	u32 mul;
	s8 shift;

	nst_pvclock_scale(khz, &mul, &shift);
	if (!(mul & 0x80000000u))
		return false;
	for (i = 0; i < ARRAY_SIZE(seconds); i++) {
		u64 cycles = seconds[i] * khz * 1000;
		u64 low = shift < 0 ? (1ull << -shift) - 1 : 0;

		/* Bits that a right shift drops are rounding, not error. */
		cycles &= ~low;
		if (!close_enough(nst_pvclock_ns(cycles, mul, shift),
				  (unsigned __int128)cycles * 1000000 / khz))
			return false;
	}
	return true;
}

int main(void)
{
	unsigned int i, bad = 0;
	u32 mul;
	s8 shift;
	u64 t, last = 0;

	for (i = 0; i < ARRAY_SIZE(rates); i++)
		tap_ok(check_rate(rates[i]), "%u kHz", rates[i]);
	srand(1);
	for (i = 0; i < 100000; i++)
		bad += !check_rate(1 + (u32)rand() % 10000000);
	tap_ok(!bad, "100000 random rates (%u bad)", bad);

	nst_pvclock_scale(1000000, &mul, &shift);
	tap_ok(nst_pvclock_ns(123456789, mul, shift) == 123456789, "1 GHz: cycles are nanoseconds");
	nst_pvclock_scale(2594986, &mul, &shift);
	for (t = 1ull << 60, bad = 0; t < (1ull << 60) + 100000; t++) {
		u64 ns = nst_pvclock_ns(t, mul, shift);

		bad += ns < last;
		last = ns;
	}
	tap_ok(!bad, "never backwards, also after 2^60 cycles");
	return tap_done();
}
