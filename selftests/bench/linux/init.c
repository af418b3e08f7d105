// SPDX-License-Identifier: GPL-2.0-only
/*
 * First process of a Linux guest: fork, exec and exit in a loop, and page
 * faults in a loop, measured with the TSC. Under an emulator that counts
 * instructions the TSC is that count, exits and all.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS		5
#define FORKS		20
#define PAGES		512
#define PAGE		4096

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (uint64_t)high << 32;
}

static void run_child(void)
{
	static char *const args[] = { "/init", "child", NULL };
	static char *const environment[] = { NULL };
	int status;
	pid_t pid = fork();

	if (!pid) {
		execve(args[0], args, environment);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		puts("bench-error: a child failed");
		exit(1);
	}
}

/* A child that only exits, without exec: its copy of the address space. */
static void run_fork(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, &status, 0);
}

static void touch(void)
{
	volatile char *mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		mem[i * PAGE] = 1;
	munmap((void *)mem, PAGES * PAGE);
}

/* The best of some rounds: what else the guest does can only add. */
static void measure(const char *name, void (*what)(void), unsigned int times,
		    unsigned int each)
{
	uint64_t best = ~0ull;
	unsigned int round, i;

	what();
	for (round = 0; round < ROUNDS; round++) {
		uint64_t start = rdtsc(), took;

		for (i = 0; i < times; i++)
			what();
		took = rdtsc() - start;
		if (took < best)
			best = took;
	}
	printf("bench linux %s %llu\n", name, (unsigned long long)best / times / each);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "child"))
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	measure("fork+exec+exit", run_child, FORKS, 1);
	measure("fork+exit", run_fork, FORKS, 1);
	measure("page touch", touch, 4, PAGES);
	puts("bench-done");
	reboot(RB_POWER_OFF);
	return 1;
}
