// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll() on three things: the signals that ask us to end, the eventfd by which
 * other threads call, and standard input while somebody can take it. Nothing
 * here waits for the guest, so a request to end is always heard.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/nl.h"
#include "vmm/loop.h"

#define RETRY_MS	100

enum { POLL_SIGNAL, POLL_WAKE, POLL_STDIN, POLL_NR };

/**
 * loop_open() - Take the signals that the loop serves out of the ordinary way
 * @loop: filled in
 *
 * To be called before any other thread exists: the mask is inherited.
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int loop_open(struct loop *loop)
{
	struct sigaction hangup;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGWINCH);
	/* nohup(1) has it ignored; blocked, it would be delivered all the same. */
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	loop->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (loop->signal_fd < 0)
		return nl_fail(errno, "cannot create a signalfd: %s", strerror(errno));
	return 0;
}

/**
 * loop_close() - Close what loop_open() opened; the signals stay blocked
 * @loop: may be closed already
 */
void loop_close(struct loop *loop)
{
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	loop->signal_fd = -1;
}

static void take_signal(struct loop *loop, struct stop *stop)
{
	struct signalfd_siginfo info;

	if (read(loop->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH)
		loop->resize_due = true;
	else
		stop_request(stop, STOP_SIGNAL_BASE + (int)info.ssi_signo);
}

static void drain(int fd)
{
	u64 count;
	ssize_t n = read(fd, &count, sizeof(count));

	/* It fails only when nothing is there, which is what is wanted. */
	(void)n;
}

/* A person's typing goes in at once; a file waits until a driver listens. */
static void feed(const struct loop *loop, struct console *con)
{
	unsigned int done = loop->input(loop->ctx, con->queue, con->queued, !con->tty);

	if (done)
		console_take(con, done);
}

/* A device that was busy says nothing when it is not any more. */
static int patience(const struct loop *loop, const struct console *con)
{
	return con->queued || loop->resize_due ? RETRY_MS : -1;
}

/**
 * loop_run() - Serve until somebody requests a stop
 * @loop: opened
 * @con: the console
 * @stop: the request
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int loop_run(struct loop *loop, struct console *con, struct stop *stop)
{
	struct pollfd fds[POLL_NR] = {
		[POLL_SIGNAL] = { .fd = loop->signal_fd, .events = POLLIN },
		[POLL_WAKE] = { .fd = stop->wake_fd, .events = POLLIN },
		[POLL_STDIN] = { .events = POLLIN },
	};

	while (!stop_pending(stop)) {
		fds[POLL_STDIN].fd = console_wants_read(con) ? STDIN_FILENO : -1;
		if (poll(fds, POLL_NR, patience(loop, con)) < 0) {
			if (errno == EINTR)
				continue;
			return nl_fail(errno, "cannot poll: %s", strerror(errno));
		}
		if (fds[POLL_SIGNAL].revents)
			take_signal(loop, stop);
		if (fds[POLL_WAKE].revents)
			drain(stop->wake_fd);
		if (fds[POLL_STDIN].revents)
			console_read(con, stop);
		feed(loop, con);
		if (loop->resize_due)
			loop->resize_due = !loop->resized(loop->ctx);
	}
	return 0;
}
