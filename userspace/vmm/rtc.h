/* SPDX-License-Identifier: GPL-2.0-only */
/* The real-time clock and its CMOS memory. */
#ifndef VMM_RTC_H
#define VMM_RTC_H

#include <pthread.h>

#include "vmm/bus.h"

#define CMOS_BYTES	128

struct rtc {
	pthread_mutex_t lock;	/* everything below */
	u8 index;
	u8 cmos[CMOS_BYTES];
	long long offset;	/* seconds the guest's clock is ahead of ours */
};

int rtc_init(struct rtc *rtc, struct bus *bus);

#endif
