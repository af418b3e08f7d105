// SPDX-License-Identifier: GPL-2.0-only
/* The 8254's counters: each mode at its interesting ticks, access and latches. */
#include "irqchip/pit_logic.h"
#include "tap.h"

#define START	1000000000ull

static struct nst_pit_channel ch;

/* The first nanosecond at which @ticks ticks have passed since START. */
static u64 at(u64 ticks)
{
	return START + (ticks * 1000000000ull + NST_PIT_HZ - 1) / NST_PIT_HZ;
}

static void load(unsigned int mode, u16 count, bool bcd, bool gate)
{
	nst_pit_ch_reset(&ch, gate);
	nst_pit_ch_control(&ch, 0x30 | mode << 1 | bcd);
	nst_pit_ch_write(&ch, count & 0xff, START);
	nst_pit_ch_write(&ch, count >> 8, START);
}

static u16 count_at(u64 ticks)
{
	u8 low;

	nst_pit_ch_latch_count(&ch, at(ticks));
	low = nst_pit_ch_read(&ch, at(ticks));
	return low | nst_pit_ch_read(&ch, at(ticks)) << 8;
}

static bool out_at(u64 ticks)
{
	return nst_pit_ch_out(&ch, at(ticks));
}

static void test_mode0(void)
{
	load(0, 100, false, true);
	tap_ok(!out_at(0) && !out_at(99) && out_at(100) && out_at(100000),
	       "mode 0: OUT rises at the terminal count and stays");
	tap_ok(count_at(0) == 100 && count_at(60) == 40, "mode 0 counts down");
	tap_ok(count_at(101) == 0xffff, "mode 0 goes on below zero");
	load(0, 0, false, true);
	tap_ok(!out_at(65535) && out_at(65536), "a count of 0 is 65536");
}

static void test_gate(void)
{
	load(0, 100, false, true);
	nst_pit_ch_set_gate(&ch, false, at(30));
	tap_ok(count_at(500) == 70 && !out_at(500), "mode 0: GATE low stops the count");
	nst_pit_ch_set_gate(&ch, true, at(500));
	tap_ok(count_at(520) == 50, "mode 0: GATE high goes on");
	load(2, 100, false, true);
	nst_pit_ch_set_gate(&ch, false, at(99));
	tap_ok(out_at(99), "mode 2: GATE low puts OUT high");
	nst_pit_ch_set_gate(&ch, true, at(500));
	tap_ok(count_at(510) == 90, "mode 2: GATE's rise reloads");
	load(0, 100, false, false);
	tap_ok(count_at(50) == 100, "mode 0: a count loaded with GATE low waits");
	nst_pit_ch_control(&ch, 0x30);
	nst_pit_ch_set_gate(&ch, true, at(60));
	tap_ok(ch.halted, "GATE does not start a counter that has no count");
}

static void test_triggered(void)
{
	load(1, 50, false, false);
	tap_ok(out_at(10), "mode 1: OUT is high before the trigger");
	nst_pit_ch_set_gate(&ch, true, at(100));
	tap_ok(!out_at(100) && !out_at(149) && out_at(151), "mode 1: one pulse of the count");
	nst_pit_ch_set_gate(&ch, false, at(200));
	nst_pit_ch_set_gate(&ch, true, at(300));
	tap_ok(!out_at(320), "mode 1: a second trigger");
	load(5, 50, false, false);
	nst_pit_ch_set_gate(&ch, true, at(100));
	tap_ok(out_at(149) && !out_at(150) && out_at(152), "mode 5: a strobe after the trigger");
	load(4, 50, false, true);
	tap_ok(out_at(49) && !out_at(50) && out_at(51), "mode 4: a strobe after the count");
}

static void test_periodic(void)
{
	load(2, 10, false, true);
	tap_ok(out_at(0) && out_at(8) && !out_at(9) && out_at(10) && !out_at(19),
	       "mode 2: low for the last tick of each period");
	tap_ok(count_at(0) == 10 && count_at(9) == 1 && count_at(10) == 10,
	       "mode 2 never reads 0");
	load(3, 10, false, true);
	tap_ok(out_at(4) && !out_at(5) && !out_at(9) && out_at(10), "mode 3: a square wave");
	tap_ok(count_at(1) == 8 && count_at(5) == 10, "mode 3 counts by two");
	load(3, 5, false, true);
	tap_ok(out_at(2) && !out_at(3) && out_at(5), "mode 3: an odd count is high longer");
	load(6, 10, false, true);
	tap_ok(ch.s.mode == 2, "mode 6 is mode 2");
	tap_ok(nst_pit_ch_periodic(&ch), "mode 2 is periodic");
}

static void test_bcd(void)
{
	load(2, 0x1000, true, true);
	tap_ok(nst_pit_ch_modulus(&ch) == 1000, "BCD count");
	tap_ok(count_at(1) == 0x0999, "BCD counts down in decimal");
	load(0, 0, true, true);
	tap_ok(nst_pit_ch_modulus(&ch) == 10000, "BCD count of 0 is 10000");
	tap_ok(count_at(1) == 0x9999, "and reads 9999 next");
}

static void test_access(void)
{
	nst_pit_ch_reset(&ch, true);
	nst_pit_ch_control(&ch, 0x14);	/* low byte only, mode 2 */
	tap_ok(nst_pit_ch_write(&ch, 200, START), "low byte only: one write loads");
	tap_ok(nst_pit_ch_modulus(&ch) == 200, "low byte only: the count");
	nst_pit_ch_latch_count(&ch, at(1));
	tap_ok(nst_pit_ch_read(&ch, at(5)) == 199, "the latched count does not move");
	tap_ok(nst_pit_ch_read(&ch, at(5)) == 195, "and is used up by one read");
	nst_pit_ch_control(&ch, 0x24);	/* high byte only, mode 2 */
	nst_pit_ch_write(&ch, 2, START);
	tap_ok(nst_pit_ch_modulus(&ch) == 0x200, "high byte only");
	nst_pit_ch_control(&ch, 0x34);
	tap_ok(!nst_pit_ch_write(&ch, 0x34, START), "a word: the low byte alone loads nothing");
	tap_ok(nst_pit_ch_write(&ch, 0x12, START), "a word: the high byte does");
	tap_ok(nst_pit_ch_modulus(&ch) == 0x1234, "a word: both");
	nst_pit_ch_latch_count(&ch, at(4));
	nst_pit_ch_latch_count(&ch, at(99));
	tap_ok(nst_pit_ch_read(&ch, at(99)) == 0x30, "a second latch is ignored");
	tap_ok(nst_pit_ch_read(&ch, at(99)) == 0x12, "high byte of the latched word");
}

static void test_status(void)
{
	load(3, 10, false, true);
	nst_pit_ch_latch_count(&ch, at(0));
	nst_pit_ch_latch_status(&ch, at(0));
	tap_ok(nst_pit_ch_read(&ch, at(7)) == 0xb6, "status before count: OUT, word, mode 3");
	tap_ok(nst_pit_ch_read(&ch, at(7)) == 10, "then the latched count");
	nst_pit_ch_control(&ch, 0x31);
	nst_pit_ch_latch_status(&ch, at(0));
	tap_ok(nst_pit_ch_read(&ch, at(0)) == 0x71, "status without a count: null count");
}

static void test_long_time(void)
{
	/* A century is a whole number of periods; no product may overflow. */
	u64 later = START + 3155760000ull * 1000000000ull;

	load(2, 1000, false, true);
	nst_pit_ch_latch_count(&ch, later);
	tap_ok(nst_pit_ch_read(&ch, later) == (1000 & 0xff), "a century passes");
	tap_ok(nst_pit_ch_read(&ch, later) == 1000 >> 8, "and the count is right");
}

static void test_restore(void)
{
	struct kvm_pit_channel_state s;

	memset(&s, 0xff, sizeof(s));
	nst_pit_ch_restore(&ch, &s, START);
	tap_ok(nst_pit_ch_modulus(&ch) >= 1 && ch.s.mode <= 5,
	       "hostile state is brought into range");
	for (int i = 0; i < 16; i++) {
		nst_pit_ch_read(&ch, at(i));
		nst_pit_ch_write(&ch, i, at(i));
		nst_pit_ch_latch_status(&ch, at(i));
	}
	load(2, 1000, false, true);
	s = ch.s;
	nst_pit_ch_reset(&ch, true);
	nst_pit_ch_restore(&ch, &s, at(100));
	tap_ok(count_at(100) == 900, "a restored counter goes on");
}

int main(void)
{
	test_mode0();
	test_gate();
	test_triggered();
	test_periodic();
	test_bcd();
	test_access();
	test_status();
	test_long_time();
	test_restore();
	return tap_done();
}
