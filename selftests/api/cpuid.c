// SPDX-License-Identifier: GPL-2.0-only
/*
 * SET_CPUID2 and GET_CPUID2: round trip, the E2BIG protocol, what is refused,
 * no change after the first entry.
 */
#include <stdlib.h>
#include <sys/ioctl.h>

#include "api.h"

#define LEAF_ADDRESS	0x80000008u
#define LEAF_EXTENDED	0x80000001u
#define FEATURE_VMX	(1u << 5)	/* of leaf 1, ECX */
#define FEATURE_SVM	(1u << 2)	/* of LEAF_EXTENDED, ECX */
#define MAX_ENTRIES	256

static struct machine m;
static int cpu;

static size_t bytes(const struct kvm_cpuid2 *cpuid)
{
	return cpuid->nent * sizeof(cpuid->entries[0]);
}

static struct kvm_cpuid2 *room(unsigned int nent)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + nent * sizeof(cpuid->entries[0]));

	if (!cpuid)
		api_give_up("calloc");
	cpuid->nent = nent;
	return cpuid;
}

static void test_round_trip(struct kvm_cpuid2 *all)
{
	struct kvm_cpuid2 *got = room(MAX_ENTRIES);

	is(call(cpu, KVM_GET_CPUID2, got), 0, "GET_CPUID2 before any was set");
	is(got->nent, 0, "it is empty");
	is(call(cpu, KVM_SET_CPUID2, all), 0, "SET_CPUID2");
	got->nent = 0;
	is(call(cpu, KVM_GET_CPUID2, got), -E2BIG, "GET_CPUID2 without room");
	is(got->nent, all->nent, "it says how much is needed");
	got->nent = all->nent - 1;
	is(call(cpu, KVM_GET_CPUID2, got), -E2BIG, "GET_CPUID2, one too few");
	got->nent = MAX_ENTRIES;
	is(call(cpu, KVM_GET_CPUID2, got), 0, "GET_CPUID2");
	is(got->nent, all->nent, "as many as were set");
	is(memcmp(got->entries, all->entries, bytes(all)), 0, "CPUID2: got what was set");
	is(call(cpu, KVM_GET_CPUID2, BAD_POINTER), -EFAULT, "GET_CPUID2 to nowhere");
	free(got);
}

static void test_refusals(const struct kvm_cpuid2 *all)
{
	struct kvm_cpuid2 *bad = room(MAX_ENTRIES + 1), *got = room(MAX_ENTRIES);
	unsigned int i;

	is(call(cpu, KVM_SET_CPUID2, bad), -E2BIG, "too many entries");
	bad->nent = ~0u;
	is(call(cpu, KVM_SET_CPUID2, bad), -E2BIG, "2^32-1 entries");
	memcpy(bad, all, sizeof(*all) + bytes(all));
	for (i = 0; i < bad->nent; i++)
		if (bad->entries[i].function == LEAF_ADDRESS)
			bad->entries[i].eax = 40 | 50 << 8;
	is(call(cpu, KVM_SET_CPUID2, bad), -EINVAL, "an address width that does not exist");
	is(call(cpu, KVM_SET_CPUID2, BAD_POINTER), -EFAULT, "SET_CPUID2 from nowhere");
	must(cpu, KVM_GET_CPUID2, got, "GET_CPUID2");
	is(memcmp(got->entries, all->entries, bytes(all)), 0, "nothing changed");
	free(bad);
	free(got);
}

/* xor %eax,%eax; mov $0x40000000,%eax; cpuid; hlt - in 16-bit code */
static void test_guest_sees(void)
{
	struct kvm_regs regs;

	CODE(&m, 0, 0x66, 0xb8, 0x00, 0x00, 0x00, 0x40, 0x66, 0x31, 0xc9, 0x0f, 0xa2, 0xf4);
	is(call(cpu, KVM_RUN, NULL), 0, "a guest that asks CPUID");
	must(cpu, KVM_GET_REGS, &regs, "GET_REGS");
	is(memcmp(&regs.rbx, "KVMK", 4), 0, "it sees what was set");
}

static void test_after_run(struct kvm_cpuid2 *all)
{
	is(call(cpu, KVM_SET_CPUID2, all), 0, "the same after the first entry");
	all->entries[0].ebx ^= 1;
	is(call(cpu, KVM_SET_CPUID2, all), -EINVAL, "a change after the first entry");
	all->entries[0].ebx ^= 1;
	all->nent--;
	is(call(cpu, KVM_SET_CPUID2, all), -EINVAL, "one less after the first entry");
	all->nent++;
}

/* The entry of a leaf; the end of the program when there is none. */
static struct kvm_cpuid_entry2 *leaf(struct kvm_cpuid2 *cpuid, __u32 function)
{
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function)
			return &cpuid->entries[i];
	api_give_up("a leaf of CPUID");
	return NULL;
}

/* Whoever offers SVM and no VMX means that, be the vendor who it may. */
static void test_isa_without_vendor(struct kvm_cpuid2 *all)
{
	static const char intel[] = "GenuineIntel";
	struct kvm_nested_state state = { .size = sizeof(state) };
	struct machine other;

	if (call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_NESTED_STATE) <= 0 ||
	    !(leaf(all, LEAF_EXTENDED)->ecx & FEATURE_SVM)) {
		tap_note("no SVM is offered: nothing about a CPU of Intel's that has it");
		return;
	}
	memcpy(&leaf(all, 0)->ebx, intel, 4);
	memcpy(&leaf(all, 0)->edx, intel + 4, 4);
	memcpy(&leaf(all, 0)->ecx, intel + 8, 4);
	leaf(all, 1)->ecx &= ~FEATURE_VMX;
	api_create(&other, 0, 1);
	must(other.cpu[0], KVM_SET_CPUID2, all, "SET_CPUID2");
	must(other.cpu[0], KVM_GET_NESTED_STATE, &state, "GET_NESTED_STATE");
	is(state.format, KVM_STATE_NESTED_FORMAT_SVM, "SVM in a CPU of Intel's");
	api_destroy(&other);
}

int main(void)
{
	struct kvm_cpuid2 *all;

	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, 0, 1);
	cpu = m.cpu[0];
	all = api_supported_cpuid();
	test_round_trip(all);
	test_refusals(all);
	test_guest_sees();
	test_after_run(all);
	test_isa_without_vendor(all);
	free(all);
	api_destroy(&m);
	return tap_done();
}
