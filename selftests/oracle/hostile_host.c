// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the embedded hostile L1 in one new machine after the other until time is up.
 * Whatever it does, each KVM_RUN returns after a signal, and the host's log stays
 * clean, which the runner looks at.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "hostile.h"
#include "vm.h"

#define DEFAULT_SECONDS		10
#define ROUND_USEC		1500000
#define REASONS			64

extern const u8 guest_image[], guest_image_end[];

static unsigned long exits[REASONS], failures, turns, entries;

static const struct guest_case *load(struct vm *vm, u64 seed)
{
	const struct image_header *head = (const void *)(guest_image);
	struct guest_params *p = (void *)(vm->mem + GUEST_PARAMS);
	struct hostile_state *h = (void *)(vm->mem + HOSTILE_STATE);
	const struct guest_case *row;
	unsigned int i;

	memcpy(vm->mem + GUEST_IMAGE, guest_image, guest_image_end - guest_image);
	row = (const void *)(vm->mem + head->cases);
	setup_tables(vm, head->traps);
	p->cpus = vm->vcpus;
	h->seed = seed;
	h->code = row->code;
	for (i = 0; i < vm->vcpus; i++)
		setup_mode(&vm->vcpu[i], MODE_LONG, head->start64, row->code);
	return row;
}

/* In the thread of a vCPU: false ends it. */
static bool handle(struct vcpu *vcpu)
{
	unsigned int reason = vcpu->run->exit_reason;

	__atomic_fetch_add(&exits[reason % REASONS], 1, __ATOMIC_RELAXED);
	switch (reason) {
	case KVM_EXIT_IO:
	case KVM_EXIT_MMIO:
	case KVM_EXIT_HLT:
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return true;
	default:
		/* It is dead, and says so: what more can be asked. */
		return false;
	}
}

static void *run_vcpu(void *data)
{
	struct vcpu *vcpu = data;

	while (!atomic_load(&vcpu->vm->stop)) {
		int rc = vcpu_run(vcpu);

		if (rc == -EINTR || rc == -EAGAIN) {
			vcpu->run->immediate_exit = 0;
			continue;
		}
		if (rc) {
			__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
			return (void *)(long)-rc;
		}
		if (!handle(vcpu))
			break;
	}
	return NULL;
}

/* Every thread has to come back, from whatever its vCPU is doing. */
static bool join_all(struct vm *vm)
{
	struct timespec deadline;
	bool good = true;
	void *rc;
	u32 i;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 20;
	for (i = 0; i < vm->vcpus; i++) {
		if (pthread_timedjoin_np(vm->vcpu[i].thread, &rc, &deadline)) {
			good = false;
			continue;
		}
		atomic_store(&vm->vcpu[i].running, false);
		if (rc)
			tap_note("CPU %u: KVM_RUN: %s", i, strerror((long)rc));
	}
	return good;
}

static bool one_round(u64 seed, unsigned int flags)
{
	const struct hostile_state *h;
	struct vm vm;
	bool good;
	u32 i;

	vm_create(&vm, flags, GUEST_CPUS);
	load(&vm, seed);
	for (i = 0; i < vm.vcpus; i++) {
		if (pthread_create(&vm.vcpu[i].thread, NULL, run_vcpu, &vm.vcpu[i]))
			vm_give_up("pthread_create");
		atomic_store(&vm.vcpu[i].running, true);
	}
	usleep(ROUND_USEC);
	vm_stop(&vm);
	good = join_all(&vm);
	h = (const void *)(vm.mem + HOSTILE_STATE);
	for (i = 0; i < vm.vcpus; i++) {
		turns += h->turns[i];
		entries += h->entries[i];
	}
	if (good)
		vm_destroy(&vm);
	return good;
}

static u64 number(int argc, char **argv, int at, const char *name, u64 otherwise)
{
	const char *text = argc > at ? argv[at] : getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
	u64 seconds = number(argc, argv, 1, "NST_FUZZ_SECONDS", DEFAULT_SECONDS);
	u64 seed = number(argc, argv, 2, "NST_FUZZ_SEED", 1), first = seed;
	const struct image_header *head = (const void *)guest_image;
	const struct guest_case *row;
	time_t end = time(NULL) + seconds;
	bool good = true;
	u32 i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (vm_open_device() < 0)
		return tap_skip_all("no device: load nestor.ko or kvm");
	row = (const void *)(guest_image + (head->cases - GUEST_IMAGE));
	while (good && (time(NULL) < end || seed == first)) {
		good = one_round(seed, row->flags);
		if (!good)
			tap_note("seed %lu", seed);
		seed++;
	}
	for (i = 0; i < REASONS; i++)
		if (exits[i])
			tap_note("%lu exits to userspace: %s", exits[i], vm_exit_name(i));
	tap_note("%lu rounds, %lu turns, %lu entries, %lu times KVM_RUN failed", seed - first,
		 turns, entries, failures);
	tap_ok(good, "every vCPU comes back after a signal");
	tap_ok(entries > 0, "L2 was entered");
	tap_ok(!failures, "KVM_RUN has no error of its own");
	return tap_done();
}
