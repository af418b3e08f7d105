// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_MSRS and SET_MSRS of a vCPU: every MSR of the index list, how a list
 * stops at the first that cannot be, values that fault; and the TSC's rate.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ioctl.h>

#include "api.h"

#define LIST_ROOM	1024
#define HV_RUNTIME	0x40000010
#define HV_TIME		0x40000020
#define MSR_TSC		0x10
#define MSR_PAT		0x277
#define MSR_EFER	0xc0000080
#define MSR_LSTAR	0xc0000082
#define NO_MSR		0x12345678
#define NOT_CANONICAL	0x8000000000000000ull
#define MSR_VMX_PROC2	0x48b
#define CPUID_1_ECX_VMX	(1u << 5)
#define MAX_MSRS	256

static struct machine m;
static int cpu;

struct list {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[MAX_MSRS + 1];
};

static long one(unsigned long request, uint32_t index, uint64_t *value)
{
	struct list msrs = { .head.nmsrs = 1 };
	long ret;

	msrs.entry[0].index = index;
	msrs.entry[0].data = *value;
	ret = call(cpu, request, &msrs);
	*value = msrs.entry[0].data;
	return ret;
}

/* The TSC, and Hyper-V's time and runtime, run between two looks. */
static bool moves(uint32_t index)
{
	return index == MSR_TSC || index == HV_TIME || index == HV_RUNTIME;
}

static struct kvm_msr_list *index_list(void)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + LIST_ROOM * sizeof(__u32));

	if (!list)
		api_give_up("calloc");
	list->nmsrs = LIST_ROOM;
	must(api_device, KVM_GET_MSR_INDEX_LIST, list, "GET_MSR_INDEX_LIST");
	return list;
}

static void test_every_listed(void)
{
	struct kvm_msr_list *list = index_list();
	unsigned int i;

	for (i = 0; i < list->nmsrs; i++) {
		uint64_t value = 0, again = 0;
		uint32_t index = list->indices[i];

		is(one(KVM_GET_MSRS, index, &value), 1, "MSR %#x can be read", index);
		is(one(KVM_SET_MSRS, index, &value), 1, "MSR %#x takes its own value", index);
		is(one(KVM_GET_MSRS, index, &again), 1, "MSR %#x can be read again", index);
		tap_ok(moves(index) || value == again, "MSR %#x keeps it (%#llx, %#llx)", index,
		       (unsigned long long)value, (unsigned long long)again);
	}
	free(list);
}

/* Userspace takes it for a sign that the capability MSRs say all there is to say. */
static void test_nested_vmx(void)
{
	struct kvm_cpuid2 *cpuid = api_supported_cpuid();
	struct kvm_msr_list *list = index_list();
	bool listed = false, offered = false;
	unsigned int i;

	for (i = 0; i < list->nmsrs; i++)
		listed |= list->indices[i] == MSR_VMX_PROC2;
	for (i = 0; i < cpuid->nent; i++)
		offered |= cpuid->entries[i].function == 1 &&
			   (cpuid->entries[i].ecx & CPUID_1_ECX_VMX);
	tap_ok(listed == offered, "VMX's capability MSRs are listed where guests can have VMX");
	free(list);
	free(cpuid);
}

static void test_values(void)
{
	uint64_t value = 0xffff800012345678ull;

	is(one(KVM_SET_MSRS, MSR_LSTAR, &value), 1, "LSTAR");
	value = 0;
	one(KVM_GET_MSRS, MSR_LSTAR, &value);
	tap_ok(value == 0xffff800012345678ull, "LSTAR: got what was set");
	value = NOT_CANONICAL;
	is(one(KVM_SET_MSRS, MSR_LSTAR, &value), 0, "LSTAR not canonical");
	value = 0x0002020202020202ull;
	is(one(KVM_SET_MSRS, MSR_PAT, &value), 0, "PAT with a type that is reserved");
	value = 0x0007040600070406ull;
	is(one(KVM_SET_MSRS, MSR_PAT, &value), 1, "PAT");
	value = 0;
	one(KVM_GET_MSRS, MSR_PAT, &value);
	tap_ok(value == 0x0007040600070406ull, "PAT: got what was set");
	value = 1ull << 63;
	is(one(KVM_SET_MSRS, MSR_EFER, &value), 0, "EFER with a bit that is reserved");
	is(one(KVM_GET_MSRS, NO_MSR, &value), 0, "an MSR that is not there");
	is(one(KVM_SET_MSRS, NO_MSR, &value), 0, "setting it");
}

static void test_lists(void)
{
	struct list msrs = { .head.nmsrs = 3 };

	msrs.entry[0].index = MSR_LSTAR;
	msrs.entry[0].data = 0x1111;
	msrs.entry[1].index = NO_MSR;
	msrs.entry[2].index = MSR_LSTAR;
	msrs.entry[2].data = 0x2222;
	is(call(cpu, KVM_SET_MSRS, &msrs), 1, "SET_MSRS stops at the first it cannot set");
	msrs.entry[0].data = 0;
	is(call(cpu, KVM_GET_MSRS, &msrs), 1, "so does GET_MSRS");
	is(msrs.entry[0].data, 0x1111, "what came before was done");
	is(msrs.entry[2].data, 0x2222, "what comes after was left alone");
	msrs.head.nmsrs = 0;
	is(call(cpu, KVM_GET_MSRS, &msrs), 0, "GET_MSRS of none");
	is(call(cpu, KVM_SET_MSRS, &msrs), 0, "SET_MSRS of none");
	msrs.head.nmsrs = MAX_MSRS + 1;
	is(call(cpu, KVM_GET_MSRS, &msrs), -E2BIG, "GET_MSRS of too many");
	is(call(cpu, KVM_SET_MSRS, &msrs), -E2BIG, "SET_MSRS of too many");
	msrs.head.nmsrs = ~0u;
	is(call(cpu, KVM_GET_MSRS, &msrs), -E2BIG, "GET_MSRS of 2^32-1");
	is(call(cpu, KVM_GET_MSRS, BAD_POINTER), -EFAULT, "GET_MSRS to nowhere");
	is(call(cpu, KVM_SET_MSRS, BAD_POINTER), -EFAULT, "SET_MSRS from nowhere");
}

/* A list whose entries lie behind the end of memory. */
static void test_half_a_list(void)
{
	uint8_t *pages = api_pages(2 * API_PAGE);
	struct kvm_msrs *msrs = (void *)(pages + API_PAGE - sizeof(*msrs));

	msrs->nmsrs = 1;
	if (mprotect(pages + API_PAGE, API_PAGE, PROT_NONE))
		api_give_up("mprotect");
	is(call(cpu, KVM_GET_MSRS, msrs), -EFAULT, "GET: entries outside memory");
	is(call(cpu, KVM_SET_MSRS, msrs), -EFAULT, "SET: entries outside memory");
}

static void test_tsc_rate(void)
{
	bool scaling = call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL);
	long khz = call(cpu, KVM_GET_TSC_KHZ, NULL);

	tap_ok(khz > 1000, "GET_TSC_KHZ (%ld)", khz);
	is(call_value(cpu, KVM_SET_TSC_KHZ, khz), 0, "SET_TSC_KHZ to what it is");
	is(call_value(cpu, KVM_SET_TSC_KHZ, 0), 0, "SET_TSC_KHZ 0: the host's");
	is(call(cpu, KVM_GET_TSC_KHZ, NULL), khz, "the same rate again");
	is(call_value(cpu, KVM_SET_TSC_KHZ, khz / 2), scaling ? 0 : -EINVAL,
	   "half the rate, with and without scaling");
	is(call(cpu, KVM_GET_TSC_KHZ, NULL), scaling ? khz / 2 : khz, "what is the rate now");
	if (!scaling)
		is(call_value(cpu, KVM_SET_TSC_KHZ, 1), -EINVAL, "a rate no CPU can make");
	is(call_value(cpu, KVM_SET_TSC_KHZ, UINT32_MAX), -EINVAL, "a rate beyond any CPU");
	is(call_value(cpu, KVM_SET_TSC_KHZ, 1ul << 32), -EINVAL, "a rate of more than 32 bits");
	is(call_value(cpu, KVM_SET_TSC_KHZ, khz), 0, "the host's rate again");
	is(call(m.fd, KVM_GET_TSC_KHZ, NULL), -ENOTTY, "GET_TSC_KHZ of the VM is not there");
}

static void test_tsc(void)
{
	uint64_t first = 1ull << 40, second = 0, third = 0;

	is(one(KVM_SET_MSRS, MSR_TSC, &first), 1, "TSC set");
	one(KVM_GET_MSRS, MSR_TSC, &second);
	one(KVM_GET_MSRS, MSR_TSC, &third);
	tap_ok(second >= first, "TSC goes on from there");
	tap_ok(third > second, "and runs");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_CPUID | API_IRQCHIP, 1);
	cpu = m.cpu[0];
	test_every_listed();
	test_nested_vmx();
	test_values();
	test_lists();
	test_half_a_list();
	test_tsc_rate();
	test_tsc();
	api_destroy(&m);
	return tap_done();
}
