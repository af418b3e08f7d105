// SPDX-License-Identifier: GPL-2.0-only
/*
 * One counter of an 8254 interval timer.  Nothing ticks: the count and the
 * output follow from the time since the count was loaded.  Pure; pit.c owns
 * the lock, the clock and the ports.
 *
 * Facts: Intel 8254 data sheet, "Mode Definitions" and "Read Operations".
 */
#include "pit_logic.h"

#define NSEC_PER_SECOND		1000000000u

/* Control word. */
#define CW_ACCESS_SHIFT		4
#define CW_ACCESS_MASK		3
#define CW_MODE_SHIFT		1
#define CW_MODE_MASK		7
#define CW_BCD			BIT(0)
#define STATUS_OUT_SHIFT	7
#define STATUS_NULL_SHIFT	6

/* Access modes; also the states of reading and writing. */
enum { PIT_LATCH, PIT_LSB, PIT_MSB, PIT_WORD_LOW, PIT_WORD_HIGH };

/* Modes by their names in the data sheet. */
enum { PIT_TERMINAL_COUNT, PIT_ONE_SHOT, PIT_RATE, PIT_SQUARE, PIT_SOFT_STROBE, PIT_HARD_STROBE };

static bool waits_for_trigger(const struct nst_pit_channel *ch)
{
	return ch->s.mode == PIT_ONE_SHOT || ch->s.mode == PIT_HARD_STROBE;
}

static u32 from_bcd(u32 val)
{
	return (val >> 12 & 0xf) * 1000 + (val >> 8 & 0xf) * 100 + (val >> 4 & 0xf) * 10 +
	       (val & 0xf);
}

static u32 to_bcd(u32 val)
{
	return val / 1000 % 10 << 12 | val / 100 % 10 << 8 | val / 10 % 10 << 4 | val % 10;
}

/**
 * nst_pit_ch_modulus() - the count that was loaded, as a number of ticks
 * @ch: the counter
 *
 * Return: 1 to 65536; a loaded 0 means the largest, 65536 or in BCD 10000.
 */
u32 nst_pit_ch_modulus(const struct nst_pit_channel *ch)
{
	u32 raw = ch->s.count & 0xffff;

	if (ch->s.bcd)
		return from_bcd(raw) ?: 10000;
	return raw ?: 0x10000;
}

/**
 * nst_pit_ch_periodic() - does the counter reload itself?
 * @ch: the counter
 */
bool nst_pit_ch_periodic(const struct nst_pit_channel *ch)
{
	return ch->s.mode == PIT_RATE || ch->s.mode == PIT_SQUARE;
}

/* Ticks since the count was loaded; split so that no product overflows. */
static u64 elapsed_ticks(const struct nst_pit_channel *ch, u64 now)
{
	u64 ns = ch->halted ? ch->halted_ns : now - ch->s.count_load_time;

	return ns / NSEC_PER_SECOND * NST_PIT_HZ +
	       ns % NSEC_PER_SECOND * NST_PIT_HZ / NSEC_PER_SECOND;
}

/* The counting element as software reads it. */
static u16 counting_element(const struct nst_pit_channel *ch, u64 now)
{
	u64 ticks = elapsed_ticks(ch, now);
	u32 modulus = nst_pit_ch_modulus(ch);
	u32 wrap = ch->s.bcd ? 10000 : 0x10000;
	u32 count;

	switch (ch->s.mode) {
	case PIT_RATE:
		count = modulus - ticks % modulus;
		break;
	case PIT_SQUARE:	/* counts by two, twice through a period */
		count = modulus - ticks * 2 % modulus;
		count &= ~1u;
		break;
	default:		/* goes on below zero */
		count = (modulus + wrap - ticks % wrap) % wrap;
	}
	count %= wrap;
	return ch->s.bcd ? to_bcd(count) : count;
}

/**
 * nst_pit_ch_out() - level of the OUT pin
 * @ch: the counter
 * @now: nanoseconds
 */
bool nst_pit_ch_out(const struct nst_pit_channel *ch, u64 now)
{
	u64 ticks = elapsed_ticks(ch, now);
	u32 modulus = nst_pit_ch_modulus(ch);

	switch (ch->s.mode) {
	case PIT_TERMINAL_COUNT:
		return ticks >= modulus;
	case PIT_ONE_SHOT:
		return ch->halted || ticks >= modulus;
	case PIT_RATE:
		return ch->halted || ticks % modulus != modulus - 1;
	case PIT_SQUARE:
		return ch->halted || ticks % modulus < (modulus + 1) / 2;
	default:
		return ch->halted || ticks != modulus;
	}
}

/**
 * nst_pit_ch_reset() - a counter before its first control word
 * @ch: the counter
 * @gate: level of its GATE pin
 */
void nst_pit_ch_reset(struct nst_pit_channel *ch, bool gate)
{
	memset(ch, 0, sizeof(*ch));
	ch->s.mode = PIT_SQUARE;
	ch->s.rw_mode = PIT_WORD_LOW;
	ch->s.read_state = PIT_WORD_LOW;
	ch->s.write_state = PIT_WORD_LOW;
	ch->s.gate = gate;
	ch->s.count = 0x10000;
	ch->no_count = true;
	ch->halted = true;
}

/**
 * nst_pit_ch_control() - a control word that is not a latch command
 * @ch: the counter that it selects
 * @val: the control word
 *
 * The counter stands still until a count is written.
 */
void nst_pit_ch_control(struct nst_pit_channel *ch, u8 val)
{
	u8 access = val >> CW_ACCESS_SHIFT & CW_ACCESS_MASK;
	u8 mode = val >> CW_MODE_SHIFT & CW_MODE_MASK;

	ch->s.rw_mode = access;
	ch->s.read_state = access;
	ch->s.write_state = access;
	ch->s.count_latched = 0;
	ch->s.status_latched = 0;
	ch->s.bcd = val & CW_BCD;
	/* Bit 2 is not decoded together with bit 1: 6 is mode 2, 7 is mode 3. */
	ch->s.mode = mode > PIT_HARD_STROBE ? mode - 4 : mode;
	ch->no_count = true;
	ch->halted = true;
	ch->halted_ns = 0;
}

static void load_count(struct nst_pit_channel *ch, u16 val, u64 now)
{
	ch->s.count = val ? val : 0x10000;
	ch->no_count = false;
	if (waits_for_trigger(ch))
		return;
	ch->s.count_load_time = now;
	ch->halted_ns = 0;
	ch->halted = !ch->s.gate;
}

/**
 * nst_pit_ch_write() - the processor writes the counter's port
 * @ch: the counter
 * @val: the byte
 * @now: nanoseconds
 *
 * Return: true when a whole count was loaded.
 */
bool nst_pit_ch_write(struct nst_pit_channel *ch, u8 val, u64 now)
{
	switch (ch->s.write_state) {
	case PIT_MSB:
		load_count(ch, val << 8, now);
		return true;
	case PIT_WORD_LOW:
		ch->s.write_latch = val;
		ch->s.write_state = PIT_WORD_HIGH;
		return false;
	case PIT_WORD_HIGH:
		load_count(ch, ch->s.write_latch | val << 8, now);
		ch->s.write_state = PIT_WORD_LOW;
		return true;
	default:
		load_count(ch, val, now);
		return true;
	}
}

/**
 * nst_pit_ch_latch_count() - counter latch command
 * @ch: the counter
 * @now: nanoseconds
 *
 * A second command before the count was read is ignored.
 */
void nst_pit_ch_latch_count(struct nst_pit_channel *ch, u64 now)
{
	if (ch->s.count_latched)
		return;
	ch->s.latched_count = counting_element(ch, now);
	ch->s.count_latched = ch->s.rw_mode;
}

/**
 * nst_pit_ch_latch_status() - read-back command for the status
 * @ch: the counter
 * @now: nanoseconds
 */
void nst_pit_ch_latch_status(struct nst_pit_channel *ch, u64 now)
{
	if (ch->s.status_latched)
		return;
	ch->s.status = nst_pit_ch_out(ch, now) << STATUS_OUT_SHIFT |
		       ch->no_count << STATUS_NULL_SHIFT |
		       ch->s.rw_mode << CW_ACCESS_SHIFT | ch->s.mode << CW_MODE_SHIFT | ch->s.bcd;
	ch->s.status_latched = 1;
}

/* The byte of @count that @state is at; advances the state of a word. */
static u8 read_byte(u16 count, u8 *state)
{
	switch (*state) {
	case PIT_MSB:
		return count >> 8;
	case PIT_WORD_LOW:
		*state = PIT_WORD_HIGH;
		return count;
	case PIT_WORD_HIGH:
		*state = PIT_WORD_LOW;
		return count >> 8;
	default:
		return count;
	}
}

/**
 * nst_pit_ch_read() - the processor reads the counter's port
 * @ch: the counter
 * @now: nanoseconds
 *
 * A latched status comes first, then a latched count, then the count itself.
 */
u8 nst_pit_ch_read(struct nst_pit_channel *ch, u64 now)
{
	u8 val;

	if (ch->s.status_latched) {
		ch->s.status_latched = 0;
		return ch->s.status;
	}
	if (!ch->s.count_latched)
		return read_byte(counting_element(ch, now), &ch->s.read_state);
	val = read_byte(ch->s.latched_count, &ch->s.count_latched);
	/* Only the first byte of a word leaves something latched. */
	if (ch->s.count_latched != PIT_WORD_HIGH)
		ch->s.count_latched = 0;
	return val;
}

/**
 * nst_pit_ch_set_gate() - change the level of the GATE pin
 * @ch: the counter
 * @gate: its new level
 * @now: nanoseconds
 *
 * Data sheet, "Gate Pin Operations Summary": low stops modes 0, 2, 3 and 4; a
 * rising edge starts modes 1 and 5 and reloads 2 and 3.
 */
void nst_pit_ch_set_gate(struct nst_pit_channel *ch, bool gate, u64 now)
{
	if (ch->s.gate == gate)
		return;
	ch->s.gate = gate;
	if (!gate) {
		if (waits_for_trigger(ch) || ch->halted)
			return;
		ch->halted_ns = now - ch->s.count_load_time;
		ch->halted = true;
		return;
	}
	if (ch->no_count)
		return;
	ch->s.count_load_time = now;
	if (ch->s.mode == PIT_TERMINAL_COUNT || ch->s.mode == PIT_SOFT_STROBE)
		ch->s.count_load_time -= ch->halted_ns;
	ch->halted = false;
}

/**
 * nst_pit_ch_restore() - take over state that userspace gives
 * @ch: the counter
 * @s: untrusted; brought into range
 * @now: nanoseconds
 */
void nst_pit_ch_restore(struct nst_pit_channel *ch, const struct kvm_pit_channel_state *s,
			u64 now)
{
	ch->s = *s;
	ch->no_count = false;
	if (!ch->s.count || ch->s.count > 0x10000)
		ch->s.count = 0x10000;
	if (ch->s.mode > PIT_HARD_STROBE)
		ch->s.mode = PIT_SQUARE;
	ch->s.rw_mode &= CW_ACCESS_MASK;
	if (ch->s.read_state > PIT_WORD_HIGH)
		ch->s.read_state = PIT_WORD_LOW;
	if (ch->s.write_state > PIT_WORD_HIGH)
		ch->s.write_state = PIT_WORD_LOW;
	if (ch->s.count_latched > PIT_WORD_HIGH)
		ch->s.count_latched = PIT_LATCH;
	ch->s.bcd &= 1;
	ch->s.gate &= 1;
	if (ch->s.count_load_time < 0 || (u64)ch->s.count_load_time > now)
		ch->s.count_load_time = now;
	ch->halted = !ch->s.gate && !waits_for_trigger(ch);
	ch->halted_ns = ch->halted ? now - ch->s.count_load_time : 0;
}
