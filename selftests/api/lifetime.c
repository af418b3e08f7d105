// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs and vCPUs: creation, limits, files of the wrong kind, the map of a vCPU,
 * what still works after which file was closed, and another process.
 */
#include <signal.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "api.h"

#define MANY_VMS	32

static void create_vm(void)
{
	int fd[MANY_VMS];
	unsigned int i, good = 0;
	struct kvm_irq_level line = { 0 };

	is(call_value(api_device, KVM_CREATE_VM, 1), -EINVAL, "a machine type that is not there");
	is(call_value(api_device, KVM_CREATE_VM, ~0ul), -EINVAL, "another one");
	for (i = 0; i < MANY_VMS; i++) {
		fd[i] = call_value(api_device, KVM_CREATE_VM, 0);
		good += fd[i] >= 0;
	}
	is(good, MANY_VMS, "many VMs at once");
	is(call(fd[0], KVM_RUN, NULL), -ENOTTY, "RUN on a VM");
	is(call(fd[0], KVM_GET_API_VERSION, NULL), -ENOTTY, "GET_API_VERSION on a VM");
	is(call(fd[0], KVM_CREATE_VM, NULL), -ENOTTY, "CREATE_VM on a VM");
	is(call(fd[0], KVM_GET_REGS, NULL), -ENOTTY, "GET_REGS on a VM");
	is(call(fd[0], _IO(KVMIO, 0xfe), NULL), -ENOTTY, "an unknown number on a VM");
	is(call(fd[0], _IOW(KVMIO, 0x61, char), &line), -ENOTTY, "IRQ_LINE with a short struct");
	is(call(fd[0], _IOR(KVMIO, 0x61, struct kvm_irq_level), &line), -ENOTTY,
	   "IRQ_LINE in the wrong direction");
	tap_ok(mmap(NULL, API_PAGE, PROT_READ, MAP_SHARED, fd[0], 0) == MAP_FAILED,
	       "a VM cannot be mapped");
	for (i = 0; i < MANY_VMS; i++)
		close(fd[i]);
}

static void create_vcpu(void)
{
	long max = call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	long max_id = call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPU_ID);
	int vm = must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");
	int high = call_value(vm, KVM_CREATE_VCPU, max_id - 1);
	int zero = call_value(vm, KVM_CREATE_VCPU, 0);

	tap_ok(max >= 4 && max_id >= max, "limits make sense (%ld vCPUs, ids below %ld)", max,
	       max_id);
	tap_ok(high >= 0, "the highest id");
	tap_ok(zero >= 0, "id 0");
	is(call_value(vm, KVM_CREATE_VCPU, 0), -EEXIST, "an id twice");
	is(call_value(vm, KVM_CREATE_VCPU, max_id - 1), -EEXIST, "the highest id twice");
	is(call_value(vm, KVM_CREATE_VCPU, max_id), -EINVAL, "an id too high");
	is(call_value(vm, KVM_CREATE_VCPU, 1ul << 32), -EINVAL, "an id of more than 32 bits");
	is(call_value(vm, KVM_CREATE_VCPU, ~0ul), -EINVAL, "id -1");
	is(call(zero, KVM_CREATE_VCPU, NULL), -ENOTTY, "CREATE_VCPU on a vCPU");
	is(call(zero, KVM_CREATE_VM, NULL), -ENOTTY, "CREATE_VM on a vCPU");
	is(call_value(zero, KVM_CHECK_EXTENSION, 0), -ENOTTY, "CHECK_EXTENSION on a vCPU");
	is(call(zero, _IO(KVMIO, 0xfe), NULL), -ENOTTY, "an unknown number on a vCPU");
	is(call(zero, _IOR(KVMIO, 0x81, char[8]), NULL), -ENOTTY, "GET_REGS with a short struct");
	close(zero);
	is(call_value(vm, KVM_CREATE_VCPU, 0), -EEXIST, "a closed vCPU keeps its id");
	close(high);
	close(vm);
}

static void order(void)
{
	struct machine m;
	uint64_t map = 0xfffbc000;

	api_create(&m, 0, 0);
	is(call_value(m.fd, KVM_SET_BOOT_CPU_ID, 1), 0, "SET_BOOT_CPU_ID before vCPUs");
	is(call_value(m.fd, KVM_SET_BOOT_CPU_ID, ~0ul), -EINVAL, "SET_BOOT_CPU_ID too high");
	is(call(m.fd, KVM_SET_IDENTITY_MAP_ADDR, &map), 0, "SET_IDENTITY_MAP_ADDR before vCPUs");
	map++;
	is(call(m.fd, KVM_SET_IDENTITY_MAP_ADDR, &map), -EINVAL, "SET_IDENTITY_MAP_ADDR odd");
	map = 1ull << 32;
	is(call(m.fd, KVM_SET_IDENTITY_MAP_ADDR, &map), -EINVAL,
	   "SET_IDENTITY_MAP_ADDR above 4 GiB");
	is(call(m.fd, KVM_SET_IDENTITY_MAP_ADDR, BAD_POINTER), -EFAULT,
	   "SET_IDENTITY_MAP_ADDR from nowhere");
	is(call_value(m.fd, KVM_SET_TSS_ADDR, 0xfffbd000), 0, "SET_TSS_ADDR");
	is(call_value(m.fd, KVM_SET_TSS_ADDR, 0xfffbd001), -EINVAL, "SET_TSS_ADDR odd");
	is(call_value(m.fd, KVM_SET_TSS_ADDR, 0xfffff000), -EINVAL, "SET_TSS_ADDR too high");
	is(call_value(m.fd, KVM_SET_TSS_ADDR, 1ul << 32), -EINVAL, "SET_TSS_ADDR above 4 GiB");
	m.cpu[0] = must(m.fd, KVM_CREATE_VCPU, NULL, "CREATE_VCPU");
	is(call_value(m.fd, KVM_SET_BOOT_CPU_ID, 0), -EBUSY, "SET_BOOT_CPU_ID after a vCPU");
	map = 0xfffbc000;
	is(call(m.fd, KVM_SET_IDENTITY_MAP_ADDR, &map), -EINVAL,
	   "SET_IDENTITY_MAP_ADDR after a vCPU");
	is(call(m.fd, KVM_CREATE_IRQCHIP, NULL), -EINVAL, "CREATE_IRQCHIP after a vCPU");
	close(m.cpu[0]);
	api_destroy(&m);
}

static void maps(void)
{
	struct machine m;
	void *at;

	api_create(&m, 0, 1);
	at = mmap(NULL, m.run_size + API_PAGE * 4, PROT_READ, MAP_SHARED, m.cpu[0], 0);
	tap_ok(at == MAP_FAILED, "a map that is too long");
	at = mmap(NULL, API_PAGE, PROT_READ, MAP_SHARED, m.cpu[0], 64 * API_PAGE);
	tap_ok(at == MAP_FAILED, "a map that begins behind the end");
	at = mmap(NULL, API_PAGE, PROT_READ, MAP_SHARED, m.cpu[0], m.run_size - API_PAGE);
	tap_ok(at != MAP_FAILED, "the last page alone");
	munmap(at, API_PAGE);
	CODE(&m, 0, 0xf4);
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "the guest runs to HLT");
	is(m.run[0]->exit_reason, KVM_EXIT_HLT, "the map says so");
	is(call_value(m.cpu[0], KVM_RUN, 1), -EINVAL, "RUN with an argument");
	at = mmap(NULL, m.run_size, PROT_READ, MAP_SHARED, m.cpu[0], 0);
	tap_ok(at != MAP_FAILED && ((struct kvm_run *)at)->exit_reason == KVM_EXIT_HLT,
	       "a second map shows the same");
	munmap(at, m.run_size);
	api_destroy(&m);
}

static void after_close(void)
{
	struct kvm_regs regs;
	struct machine m;

	api_create(&m, API_IRQCHIP | API_PIT, 2);
	close(m.fd);
	/* mov $0x55,%al; out %al,$0x80 */
	CODE(&m, 0, 0xb0, 0x55, 0xe6, 0x80);
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "the vCPU runs although its VM's file is closed");
	is(m.run[0]->exit_reason, KVM_EXIT_IO, "and does what it should");
	is(m.run[0]->io.port, 0x80, "at the right port");
	is(call(m.cpu[1], KVM_GET_REGS, &regs), 0, "so does the other vCPU");
	close(m.cpu[1]);
	is(call(m.cpu[0], KVM_GET_REGS, &regs), 0, "still after one vCPU was closed");
	close(m.cpu[0]);
	is(call(m.cpu[0], KVM_GET_REGS, &regs), -EBADF, "no more after the last close");
	is(m.run[0]->io.port, 0x80, "the map outlives the file");
	m.run[0]->immediate_exit = 1;
	munmap(m.run[0], m.run_size);
	munmap(m.run[1], m.run_size);
	munmap(m.mem, API_MEM_SIZE);
}

static void other_process(void)
{
	struct kvm_userspace_memory_region region = { .slot = 5 };
	struct kvm_regs regs;
	struct machine m;

	api_create(&m, 0, 1);
	CODE(&m, 0, 0xf4);
	is(api_in_child(m.fd, KVM_SET_USER_MEMORY_REGION, &region), -EIO,
	   "a child's SET_USER_MEMORY_REGION");
	is(api_in_child(m.fd, KVM_CHECK_EXTENSION, NULL), -EIO, "a child's CHECK_EXTENSION");
	is(api_in_child(m.fd, KVM_CREATE_VCPU, (void *)1), -EIO, "a child's CREATE_VCPU");
	is(api_in_child(m.cpu[0], KVM_RUN, NULL), -EIO, "a child's RUN");
	is(api_in_child(m.cpu[0], KVM_GET_REGS, &regs), -EIO, "a child's GET_REGS");
	is(api_in_child(m.fd, KVM_GET_STATS_FD, NULL), 0, "a stranger may read counters");
	is(api_in_child(api_device, KVM_GET_MSR_INDEX_LIST, NULL), -EFAULT,
	   "the device is not tied to a process");
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "the parent's RUN after that");
	is(m.run[0]->exit_reason, KVM_EXIT_HLT, "to HLT");
	api_destroy(&m);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	create_vm();
	create_vcpu();
	order();
	maps();
	after_close();
	other_process();
	return tap_done();
}
