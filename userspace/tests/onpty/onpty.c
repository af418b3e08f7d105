// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a command at a terminal of its own, does what a person would do there,
 * and tells how the command left the terminal and with which status.
 *
 * usage: onpty SECONDS STEP... -- COMMAND [ARGUMENT]...
 *   see=TEXT     wait until the command has printed it
 *   raw          the terminal must be in raw mode now
 *   type=TEXT    keys; ^X stands for Ctrl-X
 *   size=COLSxROWS
 *   kill=NUMBER  send a signal
 *   hangup       the terminal goes away
 *
 * The command's output is passed on. Then come the lines "status: N" (128 and the
 * signal's number for a signal) and "terminal: as before" or "terminal: changed".
 * Exits with 1 when a step failed or the time was over.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS		20
#define HEARD_MAX	(1 << 20)

static char heard[HEARD_MAX];
static size_t nr_heard;
static int master = -1, slave = -1;
static pid_t child;
static time_t deadline;

static void fail(const char *why, const char *what)
{
	printf("\nonpty: %s %s\n", why, what);
	kill(child, SIGKILL);
	exit(1);
}

static void listen_for(int ms)
{
	struct pollfd pfd = { .fd = master, .events = POLLIN };
	ssize_t n;

	if (master < 0 || poll(&pfd, 1, ms) <= 0) {
		if (master < 0)
			usleep(ms * 1000);
		return;
	}
	n = read(master, heard + nr_heard, HEARD_MAX - 1 - nr_heard);
	if (n <= 0)
		return;
	fwrite(heard + nr_heard, 1, n, stdout);
	fflush(stdout);
	nr_heard += n;
	heard[nr_heard] = '\0';
}

static bool in_time(void)
{
	return time(NULL) < deadline;
}

/* Bytes of zero in the output hide nothing: they are skipped by the search. */
static bool was_heard(const char *text)
{
	return memmem(heard, nr_heard, text, strlen(text));
}

static void see(const char *text)
{
	while (!was_heard(text)) {
		if (!in_time() || waitpid(child, NULL, WNOHANG | WNOWAIT) > 0)
			fail("not seen:", text);
		listen_for(STEP_MS);
	}
}

static void type(const char *text)
{
	char key;

	for (; *text; text++) {
		key = *text;
		if (key == '^' && text[1])
			key = *++text & 0x1f;
		if (write(master, &key, 1) != 1)
			fail("cannot type", text);
	}
}

static void resize(const char *text)
{
	struct winsize size = { 0 };

	if (sscanf(text, "%hux%hu", &size.ws_col, &size.ws_row) != 2 ||
	    ioctl(master, TIOCSWINSZ, &size))
		fail("no size:", text);
}

static void hang_up(void)
{
	close(slave);
	close(master);
	master = -1;
}

static bool is_raw(void)
{
	struct termios modes;

	return !tcgetattr(slave, &modes) && !(modes.c_lflag & (ICANON | ECHO | ISIG));
}

static void step(const char *what)
{
	if (!strncmp(what, "see=", 4))
		see(what + 4);
	else if (!strncmp(what, "type=", 5))
		type(what + 5);
	else if (!strncmp(what, "size=", 5))
		resize(what + 5);
	else if (!strncmp(what, "kill=", 5))
		kill(child, atoi(what + 5));
	else if (!strcmp(what, "hangup"))
		hang_up();
	else if (strcmp(what, "raw") || !is_raw())
		fail("not so:", what);
}

static void run(char **argv)
{
	child = fork();
	if (child)
		return;
	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	dup2(slave, 0);
	dup2(slave, 1);
	dup2(slave, 2);
	close(slave);
	close(master);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct termios before = { 0 }, after = { 0 };
	int i, last = 2, status;

	while (last < argc && strcmp(argv[last], "--"))
		last++;
	if (last + 1 >= argc) {
		fputs("usage: onpty SECONDS STEP... -- COMMAND [ARGUMENT]...\n", stderr);
		return 2;
	}
	deadline = time(NULL) + atoi(argv[1]);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		return 2;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0 || tcgetattr(slave, &before))
		return 2;
	run(argv + last + 1);
	for (i = 2; i < last; i++)
		step(argv[i]);
	while (waitpid(child, &status, WNOHANG) <= 0) {
		if (!in_time())
			fail("too late:", "the command runs on");
		listen_for(STEP_MS);
	}
	listen_for(STEP_MS);
	printf("\nstatus: %d\n", WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
						       WEXITSTATUS(status));
	if (master >= 0)
		printf("terminal: %s\n", !tcgetattr(slave, &after) &&
		       !memcmp(&before, &after, sizeof(before)) ? "as before" : "changed");
	return 0;
}
