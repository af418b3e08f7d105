/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why and when the machine stops. Any thread may ask; the first reason stays.
 */
#ifndef VMM_STOP_H
#define VMM_STOP_H

#include <stdatomic.h>

#include "lib/types.h"

/* The values are the launcher's exit status, documented in nestor.1. */
enum stop_status {
	STOP_POWER_OFF = 0,
	STOP_ENVIRONMENT = 1,
	STOP_USAGE = 2,
	STOP_RESET = 3,
	STOP_SHUTDOWN = 4,
	STOP_INTERNAL = 5,
	STOP_SIGNAL_BASE = 128,
};

struct stop {
	int wake_fd;		/* eventfd that wakes the main loop */
	atomic_int status;	/* -1 while running */
};

int stop_init(struct stop *stop);
void stop_destroy(struct stop *stop);
void stop_request(struct stop *stop, int status);
bool stop_pending(const struct stop *stop);
int stop_status(const struct stop *stop);
void stop_wake(const struct stop *stop);

#endif
