/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What something costs an L1, in ticks of the TSC and in exits to L0. The program
 * that includes this defines BENCH, its name, and has HOOK_ANY for count_exits().
 */
#ifdef GUEST
#define ROUNDS		9
#define TIMES		20
#define MANY		200

static u64 ticks_of(void (*op)(void), u32 times)
{
	u64 start = rdtsc();
	u32 i;

	for (i = 0; i < times; i++)
		op();
	return (rdtsc() - start) / times;
}

static u64 exits_of(void (*op)(void))
{
	u64 before, after;
	u32 i;

	before = call_host(0, 0, 0, 0);
	for (i = 0; i < MANY; i++)
		op();
	after = call_host(0, 0, 0, 0);
	return (after - before + MANY / 2) / MANY;
}

/* The best of several rounds, after one that fills caches. */
static void report(const char *name, void (*op)(void))
{
	u64 best = ~0ul, took;
	u32 round;

	for (round = 0; round < ROUNDS; round++) {
		op();
		took = ticks_of(op, TIMES);
		if (took < best)
			best = took;
	}
	note("bench " BENCH " %s %lu", name, best);
	note("bench " BENCH " %s, exits %lu", name, exits_of(op));
	check(best, "%s took its time", name);
}

#else /* host half */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guest_test.h"

/* How often the vCPU left the guest: entries here, exits in stock KVM. */
static uint64_t count_exits(struct vcpu *vcpu, const uint64_t *args)
{
	struct kvm_stats_header h;
	int fd = ioctl(vcpu->fd, KVM_GET_STATS_FD, NULL);
	struct kvm_stats_desc *desc;
	uint64_t count = 0;
	uint32_t i;

	if (fd < 0 || pread(fd, &h, sizeof(h), 0) != sizeof(h))
		vm_give_up("KVM_GET_STATS_FD");
	desc = calloc(1, sizeof(*desc) + h.name_size);
	for (i = 0; i < h.num_desc && !count; i++) {
		if (pread(fd, desc, sizeof(*desc) + h.name_size, h.desc_offset +
			  i * (sizeof(*desc) + h.name_size)) < 0)
			break;
		if (strcmp(desc->name, "entries") && strcmp(desc->name, "exits"))
			continue;
		if (pread(fd, &count, sizeof(count), h.data_offset + desc->offset) < 0)
			break;
	}
	free(desc);
	close(fd);
	return count;
}
#endif /* GUEST */
