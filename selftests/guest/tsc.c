// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time-stamp counter never runs backwards, from one CPU to another either,
 * and starts where userspace or the guest put it. SDM3 "Time-Stamp Counter".
 */
#define FAR_AHEAD	(1ULL << 44)

#ifdef GUEST
#include "guest.h"

#define SECTION		"SDM3 \"Time-Stamp Counter\""
#define MSR_TSC		0x10

static volatile u64 last;
static volatile u32 turn, backwards, played;

/* With one host processor each turn takes a time slice. */
static u32 rounds(void)
{
	return params()->host == HOST_VMX ? 50 : 2000;
}

/* Each CPU in its turn reads a counter that is not below the other's. */
static void play(void)
{
	u32 me = this_cpu();

	while (played < rounds()) {
		u64 now;

		if (turn != me) {
			asm volatile("pause" ::: "memory");
			if (!wait_open(turn == me, 2000000))
				break;
		}
		now = rdtsc();
		if (now < last)
			backwards++;
		last = now;
		played++;
		turn = 1 - me;
	}
}

GUEST_CASE(monotonic, SECTION)
{
	u64 before = rdtsc(), now, back = 0;
	u32 i, r[4];

	for (i = 0; i < 2000; i++) {
		if (i % 100 == 0)
			cpuid(0, 0, r);
		now = rdtsc();
		back += now < before;
		before = now;
	}
	check(!back, "2000 reads with exits in between (%lu backwards)", back);
}

GUEST_CASE(across_cpus, SECTION, .flags = CASE_IRQCHIP, .cpus = 2, .ap = play)
{
	play();
	check(played >= rounds(), "the CPUs took turns (%u)", played);
	if (params()->seed)
		skip("the host's own TSC is marked unstable: %u backwards", backwards);
	else
		check(!backwards, "never backwards (%u)", backwards);
}

GUEST_CASE(set_by_userspace, SECTION)
{
	u64 now = rdtsc();

	check(now >= FAR_AHEAD && now < FAR_AHEAD * 2, "it starts where it was set (%lx)", now);
}

GUEST_CASE(set_by_guest, SECTION)
{
	u64 low, before;

	wrmsr(MSR_TSC, 0x5000000000ul);
	low = rdtsc();
	check(low >= 0x5000000000ul && low < 0x6000000000ul, "WRMSR sets it (%lx)", low);
	before = rdmsr(MSR_TSC);
	check(before >= low && rdtsc() >= before, "RDMSR and RDTSC agree");
	outl(PORT_VALUE, 0);
	check(rdtsc() >= before, "also after an exit");
}

GUEST_CASE(disabled_for_ring_3, "SDM2 \"RDTSC-Read Time-Stamp Counter\"")
{
	u64 cr4 = READ_CR(4);
	u64 stack = GUEST_SCRATCH + 0x1000;

	WRITE_CR(4, cr4 | 4);
	PROBE("push %0; push %1; push $2; push %2; push $772f; iretq\n"
	      "772: rdtsc; ud2", : : "r"((u64)SEL_USER_DATA), "r"(stack),
	      "r"((u64)SEL_USER_CODE64) : "memory", "rax", "rdx");
	check_trap(VEC_GP, 0, "RDTSC in ring 3 with CR4.TSD");
	WRITE_CR(4, cr4);
	PROBE("push %0; push %1; push $2; push %2; push $773f; iretq\n"
	      "773: rdtsc; ud2", : : "r"((u64)SEL_USER_DATA), "r"(stack),
	      "r"((u64)SEL_USER_CODE64) : "memory", "rax", "rdx");
	check_trap(VEC_UD, 0, "and without it goes on");
}

#else /* host half */
#include <stdio.h>
#include <string.h>

#include "guest_test.h"

/* Linux takes the TSC off its list when CPUs disagree; nobody can promise more. */
static void look_at_host(struct vm *vm)
{
	struct guest_params *params = guest_at(vm, GUEST_PARAMS, sizeof(*params));
	char list[256] = "";
	FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/available_clocksource",
			"r");

	if (f && !fgets(list, sizeof(list), f))
		list[0] = 0;
	if (f)
		fclose(f);
	params->seed = !strstr(list, "tsc");
}

static void ahead(struct vm *vm)
{
	vcpu_set_msr(&vm->vcpu[0], 0x10, FAR_AHEAD);
	host_check(vm, vcpu_msr(&vm->vcpu[0], 0x10) >= FAR_AHEAD, "KVM_GET_MSRS reads it back");
}

const struct host_hook host_hooks[] = {
	{ .name = "set_by_userspace", .before = ahead },
	{ .name = "across_cpus", .before = look_at_host },
	{ 0 }
};
#endif /* GUEST */
