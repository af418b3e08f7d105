// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI "ACPI Hardware Features": the guest powers off by writing SLP_EN with
 * the sleep type that the DSDT's _S5 names. There is no button and the timer
 * is 32 bits wide without carry event, so no status bit is ever set and the
 * SCI stays silent; the enable bits are only kept.
 */
#include <time.h>

#include "vmm/pm.h"
#include "vmm/ports.h"

#define PM_TIMER_HZ	3579545ull
#define NS_PER_S	1000000000ull

#define PM1_EN_AT	2
#define SCI_EN		BIT(0)
#define SLP_TYP_SHIFT	10
#define SLP_TYP_MASK	7u
#define SLP_EN		BIT(13)

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
}

static u32 timer_read(void *dev, unsigned int offset, unsigned int size)
{
	struct pm *pm = dev;
	u64 ns = now_ns() - pm->start_ns;
	u64 ticks = ns / NS_PER_S * PM_TIMER_HZ + ns % NS_PER_S * PM_TIMER_HZ / NS_PER_S;

	(void)size;
	return (u32)ticks >> (8 * offset);
}

static void timer_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	(void)dev;
	(void)offset;
	(void)size;
	(void)value;
}

/* Two 16-bit registers, status and enable, seen as four bytes. */
static u32 event_read(void *dev, unsigned int offset, unsigned int size)
{
	struct pm *pm = dev;
	u32 both;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	both = (u32)pm->enable << (8 * PM1_EN_AT);
	pthread_mutex_unlock(&pm->lock);
	return both >> (8 * offset);
}

static void event_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	struct pm *pm = dev;
	u64 mask = ((1ull << (8 * size)) - 1) << (8 * offset);
	u64 bits = (u64)value << (8 * offset);

	pthread_mutex_lock(&pm->lock);
	mask >>= 8 * PM1_EN_AT;
	bits >>= 8 * PM1_EN_AT;
	pm->enable = (u16)((pm->enable & ~mask) | (bits & mask));
	pthread_mutex_unlock(&pm->lock);
}

static u32 control_read(void *dev, unsigned int offset, unsigned int size)
{
	struct pm *pm = dev;
	u32 value;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	value = pm->control | SCI_EN;
	pthread_mutex_unlock(&pm->lock);
	return value >> (8 * offset);
}

static void control_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	struct pm *pm = dev;
	u32 mask = ((1u << (8 * size)) - 1) << (8 * offset);
	u32 now;

	pthread_mutex_lock(&pm->lock);
	now = (pm->control & ~mask) | (value << (8 * offset) & mask);
	pm->control = (u16)(now & ~SLP_EN);
	pthread_mutex_unlock(&pm->lock);

	if ((now & SLP_EN) && (now >> SLP_TYP_SHIFT & SLP_TYP_MASK) == SLP_TYP_S5)
		stop_request(pm->stop, STOP_POWER_OFF);
}

/**
 * pm_init() - Attach the power-management registers
 * @pm: filled in
 * @bus: where
 * @stop: whom to ask for power-off
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int pm_init(struct pm *pm, struct bus *bus, struct stop *stop)
{
	const struct port_range ranges[] = {
		{ PM1_EVT_PORT, PM1_EVT_LEN, 4, pm, event_read, event_write },
		{ PM1_CNT_PORT, PM1_CNT_LEN, 2, pm, control_read, control_write },
		{ PM_TIMER_PORT, PM_TIMER_LEN, 4, pm, timer_read, timer_write },
	};
	unsigned int i;
	int ret = 0;

	pthread_mutex_init(&pm->lock, NULL);
	pm->stop = stop;
	pm->start_ns = now_ns();
	pm->enable = 0;
	pm->control = 0;
	for (i = 0; i < ARRAY_SIZE(ranges) && !ret; i++)
		ret = bus_add(bus, &ranges[i]);
	return ret;
}
