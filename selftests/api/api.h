/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all API tests share: calls that answer with -errno, a machine of one to
 * four vCPUs with a little memory at 0, and a thread that runs a vCPU.
 *
 * api_create() and the other helpers end the program as failed when the kernel
 * refuses them; what a test is about it calls with call() and judges with is().
 */
#ifndef NST_API_H
#define NST_API_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/kvm.h>

#include "../unit/tap.h"

#define API_CPUS	4
#define API_MEM_SIZE	0x80000u	/* at guest-physical 0 */
#define API_CODE	0x1000u		/* of vCPU 0; the others' a page each above */
#define API_PAGE	0x1000u
#define API_DEVICE	0xf0000u	/* no memory here; real mode reaches it */

#define API_IRQCHIP	1u		/* flags of api_create() */
#define API_PIT		2u
#define API_SPLIT	8u		/* local APICs in the kernel, nothing else */
#define API_CPUID	4u		/* give every vCPU all that is supported */

/* An address that no process has mapped, and one that is the kernel's. */
#define BAD_POINTER	((void *)16)
#define KERNEL_POINTER	((void *)0xffff800000000000ull)

/**
 * struct machine - a VM and its vCPUs
 * @fd: the VM's file
 * @cpus: how many vCPUs
 * @cpu: their files
 * @run: their shared pages
 * @run_size: of each @run
 * @mem: the guest's memory
 */
struct machine {
	int fd;
	unsigned int cpus;
	int cpu[API_CPUS];
	struct kvm_run *run[API_CPUS];
	size_t run_size;
	uint8_t *mem;
};

/**
 * struct runner - a thread in KVM_RUN
 * @fd: the vCPU's file
 * @thread: runs it until an answer other than 0
 * @tid: of @thread, 0 before it runs
 * @calls: how many calls of KVM_RUN have begun
 * @done: @result is there
 * @result: what the last call answered
 */
struct runner {
	int fd;
	pthread_t thread;
	atomic_int tid;
	atomic_uint calls;
	atomic_bool done;
	long result;
};

extern int api_device;

bool api_begin(void);
void api_give_up(const char *what);
long call(int fd, unsigned long request, void *arg);
long call_value(int fd, unsigned long request, unsigned long arg);
long must(int fd, unsigned long request, void *arg, const char *what);
void *api_pages(size_t size);
void api_sleep_ms(unsigned int ms);
long api_in_child(int fd, unsigned long request, void *arg);

void api_create(struct machine *m, unsigned int flags, unsigned int cpus);
void api_destroy(struct machine *m);
long api_slot(int vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size, void *host);
void api_code(struct machine *m, unsigned int cpu, const void *code, size_t size);
void api_protected_mode(struct machine *m, unsigned int cpu);
struct kvm_cpuid2 *api_supported_cpuid(void);

void runner_start(struct runner *r, int fd);
long runner_stop(struct runner *r);
bool runner_waits(struct runner *r);

/**
 * is() - check an answer
 * @got: an answer of call(), or another number
 * @want: the right one
 * @fmt: what the check is about
 *
 * Here because every program counts its own checks.
 *
 * Return: true when they are equal.
 */
__attribute__((__format__(__printf__, 3, 4)))
static inline bool is(long got, long want, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tap_ok(got == want, "%s", text);
	if (got != want)
		tap_note("got %ld (%s), want %ld (%s)", got,
			 got < 0 ? strerror(-got) : "no error", want,
			 want < 0 ? strerror(-want) : "no error");
	return got == want;
}

/* Machine code is written as bytes: CODE(m, cpu, 0xf4). */
#define CODE(m, cpu, ...) do {						\
	static const uint8_t code_[] = { __VA_ARGS__ };			\
	api_code(m, cpu, code_, sizeof(code_));				\
} while (0)

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

#endif /* NST_API_H */
