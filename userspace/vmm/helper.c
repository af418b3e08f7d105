// SPDX-License-Identifier: GPL-2.0-only
/* Starting and ending the programs beside the launcher: nestor-nat, nestor-nbd. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/nl.h"
#include "vmm/helper.h"

#define PATH_ROOM	4096
#define STEP_US		10000
#define STEPS		500

/* It lies beside us, wherever that is; else the PATH knows. */
static void exec_helper(const char *program, int fd, const char *const args[HELPER_ARGS])
{
	char path[PATH_ROOM], number[16];
	char *argv[HELPER_ARGS + 3] = { (char *)program, number };
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - strlen(program) - 1);
	char *slash;

	/* Keys, and signals for all at the terminal, are the launcher's. */
	setsid();
	snprintf(number, sizeof(number), "%d", fd);
	memcpy(argv + 2, args, HELPER_ARGS * sizeof(*args));
	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, program);
		execv(path, argv);
	}
	execvp(program, argv);
	fprintf(stderr, "nestor: cannot start %s: %s\n", program, strerror(errno));
	_exit(127);
}

/**
 * helper_start() - start a program at the other end of a socket
 * @helper: filled in
 * @program: its name; it lies beside the launcher or in the PATH
 * @socket_type: SOCK_..., of the AF_UNIX socket
 * @args: what follows the socket's number on its command line, NULL for no more
 *
 * Return: 0 or a negative errno with nl_error() set; helper_stop() then too.
 */
int helper_start(struct helper *helper, const char *program, int socket_type,
		 const char *const args[HELPER_ARGS])
{
	int pair[2];

	helper->fd = -1;
	if (socketpair(AF_UNIX, socket_type, 0, pair))
		return nl_fail(errno, "cannot make a socket for %s: %s", program,
			       strerror(errno));
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	helper->fd = pair[0];
	helper->pid = fork();
	if (!helper->pid)
		exec_helper(program, pair[1], args);
	close(pair[1]);
	if (helper->pid > 0)
		return 0;
	helper->pid = 0;
	return nl_fail(errno, "cannot start a process for %s: %s", program, strerror(errno));
}

/**
 * helper_stop() - close the socket and wait for the program's end
 * @helper: started or not
 *
 * One that waits for somebody else is not waited for forever.
 */
void helper_stop(struct helper *helper)
{
	unsigned int i;

	if (!helper->pid)
		return;
	close(helper->fd);
	for (i = 0; i < STEPS && !waitpid(helper->pid, NULL, WNOHANG); i++)
		usleep(STEP_US);
	if (i == STEPS) {
		kill(helper->pid, SIGKILL);
		waitpid(helper->pid, NULL, 0);
	}
	*helper = (struct helper){ .fd = -1 };
}
