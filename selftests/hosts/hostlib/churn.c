// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs in a guest that is being migrated: a thread on each CPU writes memory and
 * checks what it wrote before, in pages that it picks at random; between pages all
 * of them read the clocks, which must never show less than any of them has seen.
 * One line a tick; "memory is wrong" and "clock goes back" are what must not come.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096
#define WORDS		(PAGE / sizeof(uint64_t))
#define PAGES		512	/* of each thread */
#define THREADS_MAX	16
#define PAGES_AT_ONCE	4
#define PAUSE_USEC	2000	/* a halt, and time for whoever migrates us */
#define TICK_USEC	100000
#define NSEC_PER_SEC	1000000000ull

static const struct {
	clockid_t id;
	const char *name;
} clocks[] = {
	{ CLOCK_MONOTONIC, "monotonic" }, { CLOCK_REALTIME, "realtime" },
	{ CLOCK_BOOTTIME, "boottime" },
};

#define NR_CLOCKS	(sizeof(clocks) / sizeof(clocks[0]))

static _Atomic uint64_t latest[NR_CLOCKS];
static _Atomic uint64_t pages_done;

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	return x;
}

static void look_at(unsigned int i)
{
	uint64_t seen = atomic_load(&latest[i]), now;
	struct timespec ts;

	clock_gettime(clocks[i].id, &ts);
	now = (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
	if (now < seen)
		printf("clock goes back: %s by %llu ns\n", clocks[i].name,
		       (unsigned long long)(seen - now));
	while (now > seen && !atomic_compare_exchange_weak(&latest[i], &seen, now))
		;
}

/* The words of a page follow from its turn, the page's number and their place. */
static uint64_t word(uint64_t turn, unsigned int page, unsigned int i)
{
	return mix(turn * PAGES * WORDS + (uint64_t)page * WORDS + i + 1);
}

static void *writer(void *arg)
{
	static uint64_t turns[THREADS_MAX][PAGES];
	unsigned int me = (unsigned int)(uintptr_t)arg;
	uint64_t *memory = aligned_alloc(PAGE, PAGES * PAGE), seed = me + 1;

	for (unsigned int i = 0; i < PAGES * WORDS; i++)
		memory[i] = word(0, i / WORDS, i % WORDS);
	for (unsigned int n = 1;; n++) {
		unsigned int page = (seed = mix(seed + 1)) % PAGES;
		uint64_t *at = memory + page * WORDS, *turn = &turns[me][page];

		for (unsigned int i = 0; i < WORDS; i++)
			if (at[i] != word(*turn, page, i))
				printf("memory is wrong: thread %u page %u word %u turn %llu\n",
				       me, page, i, (unsigned long long)*turn);
		++*turn;
		for (unsigned int i = 0; i < WORDS; i++)
			at[i] = word(*turn, page, i);
		atomic_fetch_add(&pages_done, 1);
		for (unsigned int i = 0; i < NR_CLOCKS; i++)
			look_at(i);
		if (n % PAGES_AT_ONCE == 0)
			usleep(PAUSE_USEC);
	}
	return NULL;
}

int main(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (long i = 0; i < cpus && i < THREADS_MAX; i++)
		if (pthread_create(&thread, NULL, writer, (void *)(uintptr_t)i))
			return 1;
	for (unsigned int n = 1;; n++) {
		usleep(TICK_USEC);
		printf("tick %u %llu.%02llu pages %llu\n", n,
		       (unsigned long long)(latest[0] / NSEC_PER_SEC),
		       (unsigned long long)(latest[0] % NSEC_PER_SEC / 10000000),
		       (unsigned long long)pages_done);
	}
}
