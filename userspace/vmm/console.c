// SPDX-License-Identifier: GPL-2.0-only
/*
 * Standard input and output as a serial line's far end. A terminal is put into
 * raw mode and given back on every way out: return, exit(), and the signals of
 * a crash; the orderly signals are waited for in the main loop.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/nl.h"
#include "vmm/console.h"

#define CTRL_A		0x01
#define RETRY_MS	100

static struct termios saved;
/* Lock-free, hence safe in a signal handler. */
static atomic_bool is_raw;

/**
 * console_restore() - Give the terminal back as it was; safe in a signal handler
 */
void console_restore(void)
{
	if (!atomic_exchange(&is_raw, false))
		return;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

/* SA_RESETHAND: returning repeats the fault, or raise() the signal, for real. */
static void on_crash(int sig)
{
	console_restore();
	raise(sig);
}

static void restore_on_crash(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction sa = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

static int make_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved) < 0)
		return nl_fail(errno, "cannot read the terminal's modes: %s", strerror(errno));
	raw = saved;
	cfmakeraw(&raw);
	/* Our own messages end in a newline alone. */
	raw.c_oflag |= OPOST;

	if (atexit(console_restore))
		return nl_fail(ENOMEM, "cannot register the terminal's restoration");
	restore_on_crash();
	atomic_store(&is_raw, true);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return nl_fail(errno, "cannot put the terminal into raw mode: %s", strerror(errno));
	return 0;
}

/**
 * console_open() - Take hold of standard input and output
 * @con: filled in
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int console_open(struct console *con)
{
	memset(con, 0, sizeof(*con));
	/* A reader that went away is no reason to kill the guest; nor is job control. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	con->tty = isatty(STDIN_FILENO);
	return con->tty ? make_raw() : 0;
}

/**
 * console_wants_read() - Should the main loop wait for standard input?
 * @con: the console
 *
 * A terminal is always read, or Ctrl-A x would not get through to us when the
 * guest has stopped reading. Anything else waits for the guest.
 *
 * Return: true when it should.
 */
bool console_wants_read(const struct console *con)
{
	return !con->eof && (con->tty || !con->queued);
}

/* Returns true when @byte is for the guest. */
static bool filter(struct console *con, struct stop *stop, u8 byte)
{
	if (!con->tty)
		return true;
	if (!con->escape) {
		con->escape = byte == CTRL_A;
		return !con->escape;
	}
	con->escape = false;
	if (byte == 'x' || byte == 'X')
		stop_request(stop, STOP_POWER_OFF);
	return byte == CTRL_A;
}

/**
 * console_read() - Read what has come on standard input
 * @con: the console
 * @stop: for Ctrl-A x
 *
 * What a person types faster than the guest reads is lost, as on a real line.
 */
void console_read(struct console *con, struct stop *stop)
{
	u8 buf[CONSOLE_QUEUE];
	ssize_t i, n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		con->eof = true;
		return;
	}
	for (i = 0; i < n; i++)
		if (filter(con, stop, buf[i]) && con->queued < CONSOLE_QUEUE)
			con->queue[con->queued++] = buf[i];
}

/**
 * console_take() - Bytes have gone from the queue to the guest
 * @con: the console
 * @bytes: how many, from the front
 */
void console_take(struct console *con, unsigned int bytes)
{
	con->queued -= bytes;
	memmove(con->queue, con->queue + bytes, con->queued);
}

/**
 * console_write() - The guest sends bytes
 * @stop: a stop request ends the wait for a slow reader
 * @bytes: what
 * @nr: how many
 *
 * Blocks, so that a slow reader slows the guest down instead of losing output.
 * Output that can no longer be written at all is dropped.
 */
void console_write(const struct stop *stop, const u8 *bytes, size_t nr)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	ssize_t n;

	while (nr) {
		n = write(STDOUT_FILENO, bytes, nr);
		if (n > 0) {
			bytes += n;
			nr -= n;
			continue;
		}
		if (errno != EINTR && errno != EAGAIN)
			return;
		if (stop_pending(stop))
			return;
		/* Also where somebody else has made the terminal non-blocking. */
		poll(&pfd, 1, RETRY_MS);
	}
}
