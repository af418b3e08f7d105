/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that can be brought home from a call that waits. */
#ifndef VMM_THREAD_H
#define VMM_THREAD_H

#include <pthread.h>
#include <stdbool.h>

struct thread {
	pthread_t id;
	bool started;
};

int thread_start(struct thread *thread, const char *name, void *(*body)(void *), void *arg);
bool thread_join(struct thread *thread, unsigned int patience_ms);

#endif
