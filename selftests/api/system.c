// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of the device: version, sizes, lists and their E2BIG protocol,
 * NESTOR_GET_INFO; and what it must refuse.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "api.h"
#include "../../uapi/nestor.h"

#define LIST_ROOM	1024

static void version_and_size(void)
{
	long size = call(api_device, KVM_GET_VCPU_MMAP_SIZE, NULL);

	is(call(api_device, KVM_GET_API_VERSION, NULL), KVM_API_VERSION, "API version");
	is(call_value(api_device, KVM_GET_API_VERSION, 1), -EINVAL,
	   "GET_API_VERSION with an argument");
	tap_ok(size >= (long)sizeof(struct kvm_run) && !(size % sysconf(_SC_PAGESIZE)),
	       "a vCPU's map is whole pages and holds struct kvm_run (%ld)", size);
	is(call_value(api_device, KVM_GET_VCPU_MMAP_SIZE, 1), -EINVAL,
	   "GET_VCPU_MMAP_SIZE with an argument");
}

static void info(void)
{
	struct nestor_info info;
	size_t i;
	bool zero = true;

	memset(&info, 0xaa, sizeof(info));
	is(call(api_device, NESTOR_GET_INFO, &info), 0, "NESTOR_GET_INFO");
	tap_ok(info.backend == NESTOR_BACKEND_VMX || info.backend == NESTOR_BACKEND_SVM,
	       "a backend that exists (%u)", info.backend);
	tap_ok(!(info.flags & ~(NESTOR_INFO_TDP | NESTOR_INFO_UNRESTRICTED |
				NESTOR_INFO_TSC_SCALING)), "only known flags (%#x)", info.flags);
	tap_ok(info.flags & NESTOR_INFO_TDP ? info.tdp_levels == 4 || info.tdp_levels == 5 :
	       !info.tdp_levels, "levels fit the flags (%u)", info.tdp_levels);
	for (i = 0; i < COUNT(info.reserved); i++)
		zero = zero && !info.reserved[i];
	tap_ok(zero, "reserved words are zero");
	is(call(api_device, NESTOR_GET_INFO, BAD_POINTER), -EFAULT, "NESTOR_GET_INFO to nowhere");
	is(!!(info.flags & NESTOR_INFO_TSC_SCALING),
	   call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL),
	   "TSC scaling: flag and capability agree");
}

static bool no_doubles(const struct kvm_msr_list *list)
{
	unsigned int i, j;

	for (i = 0; i < list->nmsrs; i++)
		for (j = 0; j < i; j++)
			if (list->indices[i] == list->indices[j])
				return false;
	return true;
}

static void msr_list(unsigned long request, const char *name)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + LIST_ROOM * sizeof(__u32));
	unsigned int count;

	if (!list)
		api_give_up("calloc");
	is(call(api_device, request, list), -E2BIG, "%s: no room", name);
	count = list->nmsrs;
	tap_ok(count && count < LIST_ROOM, "%s: it says how much is needed (%u)", name, count);
	list->nmsrs = count - 1;
	is(call(api_device, request, list), -E2BIG, "%s: one too few", name);
	is(list->nmsrs, count, "%s: the count again", name);
	list->indices[count] = 0xdeadbeef;
	is(call(api_device, request, list), 0, "%s: just enough", name);
	is(list->indices[count], 0xdeadbeef, "%s: nothing written behind it", name);
	tap_ok(no_doubles(list), "%s: no index twice", name);
	list->nmsrs = LIST_ROOM;
	is(call(api_device, request, list), 0, "%s: too much room", name);
	is(list->nmsrs, count, "%s: the count with too much room", name);
	is(call(api_device, request, BAD_POINTER), -EFAULT, "%s: to nowhere", name);
	free(list);
}

static void supported_cpuid(void)
{
	struct kvm_cpuid2 *all = api_supported_cpuid();
	struct kvm_cpuid2 *few = calloc(1, sizeof(*few) + all->nent * sizeof(few->entries[0]));
	unsigned int i;

	if (!few)
		api_give_up("calloc");
	is(call(api_device, KVM_GET_SUPPORTED_CPUID, few), -E2BIG, "supported CPUID: no room");
	is(few->nent, all->nent, "supported CPUID: it says how much is needed");
	few->nent = all->nent - 1;
	is(call(api_device, KVM_GET_SUPPORTED_CPUID, few), -E2BIG,
	   "supported CPUID: one too few");
	few->nent = all->nent;
	is(call(api_device, KVM_GET_SUPPORTED_CPUID, few), 0, "supported CPUID: just enough");
	is(memcmp(few->entries, all->entries, all->nent * sizeof(all->entries[0])), 0,
	   "supported CPUID: the same twice");
	for (i = 0; i < all->nent && all->entries[i].function != 0x40000000; i++)
		;
	tap_ok(i < all->nent && !memcmp(&all->entries[i].ebx, "KVMKVMKVM\0\0\0", 12),
	       "supported CPUID: the signature at 0x40000000");
	is(call(api_device, KVM_GET_SUPPORTED_CPUID, BAD_POINTER), -EFAULT,
	   "supported CPUID: to nowhere");
	free(few);
	free(all);
}

static void feature_msrs(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[LIST_ROOM];
	} msrs = { 0 };
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + LIST_ROOM * sizeof(__u32));
	unsigned int i;

	if (!list)
		api_give_up("calloc");
	list->nmsrs = LIST_ROOM;
	must(api_device, KVM_GET_MSR_FEATURE_INDEX_LIST, list, "GET_MSR_FEATURE_INDEX_LIST");
	for (i = 0; i < list->nmsrs; i++)
		msrs.entry[i].index = list->indices[i];
	msrs.head.nmsrs = list->nmsrs;
	is(call(api_device, KVM_GET_MSRS, &msrs), list->nmsrs, "every feature MSR is readable");
	msrs.head.nmsrs = 1;
	msrs.entry[0].index = 0x12345678;
	is(call(api_device, KVM_GET_MSRS, &msrs), 0, "an MSR that is no feature");
	is(call(api_device, KVM_SET_MSRS, &msrs), -ENOTTY, "SET_MSRS on the device");
	msrs.head.nmsrs = 257;
	is(call(api_device, KVM_GET_MSRS, &msrs), -E2BIG, "too many MSRs");
	is(call(api_device, KVM_GET_MSRS, BAD_POINTER), -EFAULT, "MSRs from nowhere");
	free(list);
}

static void test_refusals(void)
{
	static const unsigned long foreign[] = {
		KVM_RUN, KVM_GET_REGS, KVM_SET_SREGS, KVM_CREATE_VCPU, KVM_IRQ_LINE,
		KVM_SET_USER_MEMORY_REGION, KVM_CREATE_IRQCHIP, KVM_SET_GSI_ROUTING,
		_IO(KVMIO, 0x0f), _IO(KVMIO, 0xfe), _IO(0xb7, 1), 0, ~0ul >> 32,
		_IOR(KVMIO, 0x03, long),		/* CHECK_EXTENSION of another size */
		_IOR(0xb7, 0, char),			/* NESTOR_GET_INFO cut short */
	};
	unsigned int i;
	char byte;
	int ro;

	for (i = 0; i < COUNT(foreign); i++)
		is(call(api_device, foreign[i], NULL), -ENOTTY, "ioctl %#lx on the device",
		   foreign[i]);
	tap_ok(read(api_device, &byte, 1) < 0, "read() is refused");
	tap_ok(write(api_device, "x", 1) < 0, "write() is refused");
	ro = open("/dev/nestor", O_RDONLY | O_CLOEXEC);
	is(call(ro, KVM_GET_API_VERSION, NULL), KVM_API_VERSION, "a second open works");
	close(ro);
	is(call(ro, KVM_GET_API_VERSION, NULL), -EBADF, "a closed file");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	version_and_size();
	info();
	msr_list(KVM_GET_MSR_INDEX_LIST, "MSR index list");
	msr_list(KVM_GET_MSR_FEATURE_INDEX_LIST, "feature MSR list");
	supported_cpuid();
	feature_msrs();
	test_refusals();
	return tap_done();
}
