// SPDX-License-Identifier: GPL-2.0-only
/*
 * An MC146818: the time is the host's, in UTC, plus what the guest has set.
 * Its interrupts never come, so an alarm is kept but stays silent, and the
 * flags of register C read as zero.
 */
#include <time.h>

#include "vmm/ports.h"
#include "vmm/rtc.h"

/* MC146818A datasheet, "Address Map" and "Registers". */
enum {
	REG_SECONDS = 0,
	REG_MINUTES = 2,
	REG_HOURS = 4,
	REG_WEEKDAY = 6,
	REG_DAY = 7,
	REG_MONTH = 8,
	REG_YEAR = 9,
	REG_A = 10,
	REG_B = 11,
	REG_C = 12,
	REG_D = 13,
};

#define A_UPDATE_IN_PROGRESS	0x80
#define A_DIVIDER_32KHZ		0x20
#define A_RATE_1024HZ		0x06
#define B_SET			0x80
#define B_BINARY		0x04
#define B_24_HOURS		0x02
#define D_VALID			0x80
#define HOURS_PM		0x80

/* The registers change during the last 1984 us, announced 244 us ahead. */
#define UPDATE_NS		(1984000 + 244000)
#define NS_PER_S		1000000000

/* Guests can put the clock before the year 0: two digits are taken all the same. */
static u8 encode(const struct rtc *rtc, int n)
{
	n = (n % 100 + 100) % 100;
	if (rtc->cmos[REG_B] & B_BINARY)
		return (u8)n;
	return (u8)(n / 10 << 4 | n % 10);
}

static int decode(const struct rtc *rtc, u8 byte)
{
	if (rtc->cmos[REG_B] & B_BINARY)
		return byte;
	return (byte >> 4) * 10 + (byte & 0xf);
}

static u8 encode_hours(const struct rtc *rtc, int hours)
{
	if (rtc->cmos[REG_B] & B_24_HOURS)
		return encode(rtc, hours);
	return encode(rtc, (hours + 11) % 12 + 1) | (hours >= 12 ? HOURS_PM : 0);
}

static int decode_hours(const struct rtc *rtc, u8 byte)
{
	if (rtc->cmos[REG_B] & B_24_HOURS)
		return decode(rtc, byte);
	return decode(rtc, byte & ~HOURS_PM) % 12 + (byte & HOURS_PM ? 12 : 0);
}

static bool is_time(u8 index)
{
	switch (index) {
	case REG_SECONDS:
	case REG_MINUTES:
	case REG_HOURS:
	case REG_WEEKDAY ... REG_YEAR:
	case RTC_CENTURY_INDEX:
		return true;
	default:
		return false;
	}
}

static void time_to_registers(struct rtc *rtc)
{
	time_t now = time(NULL) + (time_t)rtc->offset;
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return;
	rtc->cmos[REG_SECONDS] = encode(rtc, tm.tm_sec);
	rtc->cmos[REG_MINUTES] = encode(rtc, tm.tm_min);
	rtc->cmos[REG_HOURS] = encode_hours(rtc, tm.tm_hour);
	rtc->cmos[REG_WEEKDAY] = encode(rtc, tm.tm_wday + 1);
	rtc->cmos[REG_DAY] = encode(rtc, tm.tm_mday);
	rtc->cmos[REG_MONTH] = encode(rtc, tm.tm_mon + 1);
	rtc->cmos[REG_YEAR] = encode(rtc, tm.tm_year % 100);
	rtc->cmos[RTC_CENTURY_INDEX] = encode(rtc, (tm.tm_year + 1900) / 100);
}

/* timegm() normalizes whatever nonsense the guest has put together. */
static void registers_to_time(struct rtc *rtc)
{
	struct tm tm = {
		.tm_sec = decode(rtc, rtc->cmos[REG_SECONDS]),
		.tm_min = decode(rtc, rtc->cmos[REG_MINUTES]),
		.tm_hour = decode_hours(rtc, rtc->cmos[REG_HOURS]),
		.tm_mday = decode(rtc, rtc->cmos[REG_DAY]),
		.tm_mon = decode(rtc, rtc->cmos[REG_MONTH]) - 1,
		.tm_year = decode(rtc, rtc->cmos[RTC_CENTURY_INDEX]) * 100 +
			   decode(rtc, rtc->cmos[REG_YEAR]) - 1900,
	};

	rtc->offset = (long long)timegm(&tm) - (long long)time(NULL);
}

static u8 status_a(const struct rtc *rtc)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (!(rtc->cmos[REG_B] & B_SET) && ts.tv_nsec >= NS_PER_S - UPDATE_NS)
		return rtc->cmos[REG_A] | A_UPDATE_IN_PROGRESS;
	return rtc->cmos[REG_A];
}

static u8 data_read(struct rtc *rtc)
{
	if (is_time(rtc->index) && !(rtc->cmos[REG_B] & B_SET))
		time_to_registers(rtc);
	if (rtc->index == REG_A)
		return status_a(rtc);
	return rtc->cmos[rtc->index];
}

/* While B_SET stands the registers are the guest's; clearing it starts the clock. */
static void write_b(struct rtc *rtc, u8 value)
{
	bool was_set = rtc->cmos[REG_B] & B_SET;

	if (!was_set)
		time_to_registers(rtc);
	else if (!(value & B_SET))
		registers_to_time(rtc);
	rtc->cmos[REG_B] = value;
}

static void data_write(struct rtc *rtc, u8 value)
{
	switch (rtc->index) {
	case REG_A:
		rtc->cmos[REG_A] = value & ~A_UPDATE_IN_PROGRESS;
		return;
	case REG_B:
		write_b(rtc, value);
		return;
	case REG_C:
	case REG_D:
		return;
	}
	if (!is_time(rtc->index) || (rtc->cmos[REG_B] & B_SET)) {
		rtc->cmos[rtc->index] = value;
		return;
	}
	time_to_registers(rtc);
	rtc->cmos[rtc->index] = value;
	registers_to_time(rtc);
}

static u32 rtc_read(void *dev, unsigned int offset, unsigned int size)
{
	struct rtc *rtc = dev;
	u8 value;

	(void)size;
	pthread_mutex_lock(&rtc->lock);
	value = offset ? data_read(rtc) : rtc->index;
	pthread_mutex_unlock(&rtc->lock);
	return value;
}

static void rtc_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	struct rtc *rtc = dev;

	(void)size;
	pthread_mutex_lock(&rtc->lock);
	/* The index port's top bit masks the NMI on a PC and is no part of the index. */
	if (!offset)
		rtc->index = value % CMOS_BYTES;
	else
		data_write(rtc, (u8)value);
	pthread_mutex_unlock(&rtc->lock);
}

/**
 * rtc_init() - Attach the clock
 * @rtc: filled in
 * @bus: where
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int rtc_init(struct rtc *rtc, struct bus *bus)
{
	const struct port_range range = { RTC_PORT, RTC_PORTS, 1, rtc, rtc_read, rtc_write };

	pthread_mutex_init(&rtc->lock, NULL);
	rtc->cmos[REG_A] = A_DIVIDER_32KHZ | A_RATE_1024HZ;
	rtc->cmos[REG_B] = B_24_HOURS;
	rtc->cmos[REG_D] = D_VALID;
	return bus_add(bus, &range);
}
