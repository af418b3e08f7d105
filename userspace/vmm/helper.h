/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program of ours that does a part of the work in a process of its own, since
 * it needs large libraries and listens to strangers. It has one end of a socket
 * and ends when the other is closed.
 */
#ifndef VMM_HELPER_H
#define VMM_HELPER_H

#include <sys/types.h>

#define HELPER_ARGS	4

struct helper {
	int fd;			/* our end, -1: none */
	pid_t pid;		/* 0: none */
};

int helper_start(struct helper *helper, const char *program, int socket_type,
		 const char *const args[HELPER_ARGS]);
void helper_stop(struct helper *helper);

#endif
