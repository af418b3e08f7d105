// SPDX-License-Identifier: GPL-2.0-only
/*
 * A signal that KVM_SET_SIGNAL_MASK opens during KVM_RUN ends KVM_RUN and no
 * more, also one whose default action would end the process.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>

#include "api.h"

#define ROUNDS		5
#define EXIT_MISTAKEN	2

static struct machine m;

/* The guest spins until the parent's signal; then that waits outside. */
static void child(int ready)
{
	struct {
		struct kvm_signal_mask head;
		uint64_t set;
	} __attribute__((__packed__)) mask = { .head.len = sizeof(mask.set) };
	sigset_t usr1;
	int sig = 0;

	/* The library has a handler. */
	signal(SIGUSR1, SIG_DFL);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	api_create(&m, API_CPUID, 1);
	CODE(&m, 0, 0xfb, 0xeb, 0xfe);
	must(m.cpu[0], KVM_SET_SIGNAL_MASK, &mask, "SET_SIGNAL_MASK");
	if (write(ready, "r", 1) != 1)
		_exit(EXIT_MISTAKEN);
	if (call(m.cpu[0], KVM_RUN, NULL) != -EINTR)
		_exit(EXIT_MISTAKEN);
	sigwait(&usr1, &sig);
	_exit(sig == SIGUSR1 ? 0 : EXIT_MISTAKEN);
}

static int run_child(void)
{
	int ends[2], status = 0;
	char byte;
	pid_t pid;

	if (pipe(ends))
		abort();
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid)
		child(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		abort();
	/* Nearly always it is in the guest by then. */
	usleep(100000);
	kill(pid, SIGUSR1);
	waitpid(pid, &status, 0);
	close(ends[0]);
	close(ends[1]);
	return status;
}

int main(void)
{
	int i, status;

	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	for (i = 0; i < ROUNDS; i++) {
		status = run_child();
		tap_ok(WIFEXITED(status) && !WEXITSTATUS(status),
		       "the process lives on, its signal waits (status %#x)", status);
	}
	return tap_done();
}
