/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of ioctl_fuzz share: its worlds, its random numbers, and what
 * near-valid arguments and guests are made of.
 */
#ifndef NST_FUZZ_H
#define NST_FUZZ_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api.h"

#define FILES		16		/* of a world, closed and made anew at random */
#define GUEST_MEM	0x200000u
#define EVENTS		4
#define TABLES		0x1f0000u	/* three pages: identity map of the first GiB */
#define AREA		0x8000u		/* of an argument with what follows it */

enum kind { ON_DEVICE, ON_VM, ON_VCPU };

struct file {
	atomic_int fd;
	enum kind kind;
	struct kvm_run *_Atomic run;
};

/*
 * @memory: the guest's, shared by two mappings
 * @mem: one that comes and goes; its address is what slots have
 * @page: one that stays, for our own writes
 */
struct world {
	struct file file[FILES];
	atomic_int event[EVENTS];
	int memory;
	uint8_t *mem;
	uint8_t *page;
	uint64_t seed;
	size_t run_size;
};

struct hand {
	struct world *world;
	pthread_t thread;
	timer_t clock;		/* ends its KVM_RUN */
	uint64_t random;
	uint8_t *area;		/* AREA bytes, then nothing is mapped */
};

/* It has faults that end the host: such guests are not made there. */
static inline bool emulator_is_qemu(void)
{
	const char *host = getenv("NESTOR_HOST");

	return host && !strncmp(host, "svm", 3);
}

uint64_t draw(uint64_t *state);
uint32_t below(struct hand *h, uint32_t limit);
int event_of(struct hand *h);
uint64_t interesting(struct hand *h);
uint64_t gpa(struct hand *h);
void noise(struct hand *h, uint8_t *at, size_t size);
void near_argument(struct hand *h, unsigned long request, uint8_t *at, size_t size);

void plant(struct hand *h, uint32_t at);
void set_mode(struct hand *h, int cpu);
void disturb(struct hand *h);

#endif /* NST_FUZZ_H */
