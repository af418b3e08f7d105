// SPDX-License-Identifier: GPL-2.0-only
/*
 * A signal that does nothing interrupts whatever a thread waits in, KVM_RUN or
 * a write to a reader that is slow; then it sees by itself that it is to end.
 */
#include <signal.h>
#include <string.h>
#include <time.h>

#include "lib/nl.h"
#include "vmm/thread.h"

#define KICK_SIGNAL	SIGUSR1
#define KICK_EVERY_MS	20
#define NS_PER_MS	1000000
#define NS_PER_S	1000000000

static void on_kick(int sig)
{
	(void)sig;
}

/**
 * thread_start() - Start a thread
 * @thread: filled in
 * @name: at most 15 characters
 * @body: what it does
 * @arg: for @body
 *
 * The thread takes the caller's signal mask, less the kick: whoever started us
 * may have had that blocked.
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int thread_start(struct thread *thread, const char *name, void *(*body)(void *), void *arg)
{
	/* No SA_RESTART: the point of the signal is to interrupt. */
	struct sigaction sa = { .sa_handler = on_kick };
	sigset_t kick;
	int err;

	sigaction(KICK_SIGNAL, &sa, NULL);
	sigemptyset(&kick);
	sigaddset(&kick, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	err = pthread_create(&thread->id, NULL, body, arg);
	if (err)
		return nl_fail(err, "cannot start the thread %s: %s", name, strerror(err));
	thread->started = true;
	pthread_setname_np(thread->id, name);
	return 0;
}

static void deadline_in(struct timespec *ts, long ms)
{
	clock_gettime(CLOCK_REALTIME, ts);
	ts->tv_nsec += ms * NS_PER_MS;
	ts->tv_sec += ts->tv_nsec / NS_PER_S;
	ts->tv_nsec %= NS_PER_S;
}

/**
 * thread_join() - Bring a thread home that has been asked to end
 * @thread: started or not
 * @patience_ms: how long to try
 *
 * The kick is repeated, because one that comes just before a blocking call has
 * no effect.
 *
 * Return: false when the thread does not come back.
 */
bool thread_join(struct thread *thread, unsigned int patience_ms)
{
	struct timespec until;
	unsigned int waited;

	if (!thread->started)
		return true;
	for (waited = 0; waited < patience_ms; waited += KICK_EVERY_MS) {
		pthread_kill(thread->id, KICK_SIGNAL);
		deadline_in(&until, KICK_EVERY_MS);
		if (pthread_timedjoin_np(thread->id, NULL, &until) == 0) {
			thread->started = false;
			return true;
		}
	}
	return false;
}
