// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stop request: a status that is set once, and an eventfd that the main
 * loop polls. Devices and vCPU threads never end the process themselves.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/nl.h"
#include "vmm/stop.h"

#define STILL_RUNNING	(-1)

/**
 * stop_init() - Make a stop request that nobody has made yet
 * @stop: filled in
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int stop_init(struct stop *stop)
{
	atomic_init(&stop->status, STILL_RUNNING);
	stop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (stop->wake_fd < 0)
		return nl_fail(errno, "cannot create an eventfd: %s", strerror(errno));
	return 0;
}

/**
 * stop_destroy() - Close what stop_init() opened
 * @stop: may be closed already
 */
void stop_destroy(struct stop *stop)
{
	if (stop->wake_fd >= 0)
		close(stop->wake_fd);
	stop->wake_fd = -1;
}

/**
 * stop_request() - Ask the machine to stop; any thread
 * @stop: the request
 * @status: the launcher's exit status; the first caller's counts
 */
void stop_request(struct stop *stop, int status)
{
	int running = STILL_RUNNING;

	atomic_compare_exchange_strong(&stop->status, &running, status);
	stop_wake(stop);
}

/**
 * stop_pending() - Has anybody asked?
 * @stop: the request
 *
 * Return: true from the first stop_request() on.
 */
bool stop_pending(const struct stop *stop)
{
	return atomic_load(&stop->status) != STILL_RUNNING;
}

/**
 * stop_status() - With which status to exit
 * @stop: a request that is pending
 *
 * Return: the first caller's status.
 */
int stop_status(const struct stop *stop)
{
	return atomic_load(&stop->status);
}

/**
 * stop_wake() - Make the main loop look again at what it polls
 * @stop: the request; none is made by this
 */
void stop_wake(const struct stop *stop)
{
	u64 one = 1;
	ssize_t n = write(stop->wake_fd, &one, sizeof(one));

	/* It fails only when the counter is full: then the loop is awake already. */
	(void)n;
}
