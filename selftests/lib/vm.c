// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small virtual machine over the ioctls of KVM. Whatever a test did not ask
 * for by itself must succeed: a refused ioctl here ends the program as failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vm.h"

#define CPUID_MAX_ENTRIES	256
#define SIG_KICK		SIGUSR1
#define EFAULT_PAUSE_USEC	200

static int device = -1;
static const char *device_name;

/**
 * vm_give_up() - end the program: the test cannot go on
 * @what: what was refused; errno says why
 */
void vm_give_up(const char *what)
{
	printf("not ok - %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

/**
 * vm_ioctl() - an ioctl that must succeed
 * @fd: file
 * @request: number
 * @arg: argument
 * @what: its name, for the message
 *
 * Return: what the ioctl returned.
 */
int vm_ioctl(int fd, unsigned long request, void *arg, const char *what)
{
	int rc = ioctl(fd, request, arg);

	if (rc < 0)
		vm_give_up(what);
	return rc;
}

static void kicked(int signal)
{
	(void)signal;
}

/**
 * vm_open_device() - open NESTOR_DEV, or /dev/nestor, or /dev/kvm
 *
 * Return: the file, or -1 when there is none.
 */
int vm_open_device(void)
{
	const char *names[] = { getenv("NESTOR_DEV"), "/dev/nestor", "/dev/kvm" };
	struct sigaction act = { .sa_handler = kicked };
	size_t i;

	/* No SA_RESTART: a kick must end KVM_RUN. */
	sigaction(SIG_KICK, &act, NULL);
	for (i = 0; i < 3 && device < 0; i++) {
		if (!names[i])
			continue;
		device = open(names[i], O_RDWR | O_CLOEXEC);
		device_name = names[i];
		if (names[0])
			break;
	}
	return device;
}

/** vm_device() - its file */
int vm_device(void)
{
	return device;
}

/** vm_device_name() - the device that vm_open_device() took */
const char *vm_device_name(void)
{
	return device_name;
}

/** vm_check_extension() - KVM_CHECK_EXTENSION of the device */
int vm_check_extension(int cap)
{
	return ioctl(device, KVM_CHECK_EXTENSION, (void *)(long)cap);
}

/** vm_pages() - zeroed pages, or the end of the program */
void *vm_pages(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		vm_give_up("mmap");
	return at;
}

/** vm_slot() - KVM_SET_USER_MEMORY_REGION */
void vm_slot(struct vm *vm, unsigned int slot, unsigned int flags, uint64_t gpa,
	     uint64_t size, void *host)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	vm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region, "SET_USER_MEMORY_REGION");
}

#define FEATURE_VMX	(1u << 5)	/* CPUID 1, ECX */
#define FEATURE_SVM	(1u << 2)	/* CPUID 80000001, ECX */

static void set_vendor(struct kvm_cpuid_entry2 *e, const char *vendor)
{
	memcpy(&e->ebx, vendor, 4);
	memcpy(&e->edx, vendor + 4, 4);
	memcpy(&e->ecx, vendor + 8, 4);
}

/* A nested ISA belongs to the vendor whose it is. */
static void set_isa(struct vm *vm, struct kvm_cpuid_entry2 *e)
{
	bool vmx = vm->flags & CASE_VMX, svm = vm->flags & CASE_SVM;

	if (!vmx && !svm)
		return;
	if (e->function == 0 || e->function == 0x80000000)
		set_vendor(e, vmx ? "GenuineIntel" : "AuthenticAMD");
	/* SVM describes itself in a leaf that Intel CPUs do not have. */
	if (e->function == 0x80000000 && svm && e->eax < 0x8000000a)
		e->eax = 0x8000000a;
	if (e->function == 1 && !vmx)
		e->ecx &= ~FEATURE_VMX;
	if (e->function == 0x80000001 && !svm)
		e->ecx &= ~FEATURE_SVM;
}

/* Of two hypervisors that the CPU could tell of it tells of one. */
static void set_hyperv(struct vcpu *vcpu, struct kvm_cpuid2 *cpuid)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HYPERV_ENLIGHTENED_VMCS };
	struct kvm_cpuid2 *hv = calloc(1, sizeof(*hv) + CPUID_MAX_ENTRIES * sizeof(*hv->entries));
	unsigned int i, n = 0;

	if (!hv)
		vm_give_up("calloc");
	if (vcpu->vm->flags & CASE_VMX)
		vm_ioctl(vcpu->fd, KVM_ENABLE_CAP, &cap, "ENABLE_CAP of enlightened VMCSs");
	hv->nent = CPUID_MAX_ENTRIES;
	vm_ioctl(vcpu->fd, KVM_GET_SUPPORTED_HV_CPUID, hv, "GET_SUPPORTED_HV_CPUID");
	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function >> 16 != 0x4000)
			cpuid->entries[n++] = cpuid->entries[i];
	for (i = 0; i < hv->nent && n < CPUID_MAX_ENTRIES; i++)
		cpuid->entries[n++] = hv->entries[i];
	cpuid->nent = n;
	free(hv);
}

/* What the kernel supports, with this vCPU's APIC ID in it. */
static void set_cpuid(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid = vcpu_cpuid(vcpu);
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		set_isa(vcpu->vm, e);
		if (e->function == 1) {
			e->ebx = (e->ebx & 0x00ffffff) | vcpu->id << 24;
			if (vcpu->vm->irqchip &&
			    vm_check_extension(KVM_CAP_TSC_DEADLINE_TIMER))
				e->ecx |= 1u << 24;
		} else if (e->function == 0xb || e->function == 0x1f) {
			e->edx = vcpu->id;
		}
	}
	if (vcpu->vm->flags & CASE_HYPERV)
		set_hyperv(vcpu, cpuid);
	vm_ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid, "SET_CPUID2");
	free(cpuid);
}

/** vcpu_cpuid() - KVM_GET_SUPPORTED_CPUID, to be freed by the caller */
struct kvm_cpuid2 *vcpu_cpuid(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid;

	(void)vcpu;
	cpuid = calloc(1, sizeof(*cpuid) + CPUID_MAX_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid)
		vm_give_up("calloc");
	cpuid->nent = CPUID_MAX_ENTRIES;
	vm_ioctl(device, KVM_GET_SUPPORTED_CPUID, cpuid, "GET_SUPPORTED_CPUID");
	return cpuid;
}

static void create_vcpu(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = &vm->vcpu[id];
	int size = vm_ioctl(device, KVM_GET_VCPU_MMAP_SIZE, NULL, "GET_VCPU_MMAP_SIZE");

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = vm_ioctl(vm->fd, KVM_CREATE_VCPU, (void *)(long)id, "CREATE_VCPU");
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		vm_give_up("mmap of a vCPU");
	set_cpuid(vcpu);
}

/**
 * vm_create() - a machine with memory and vCPUs, nothing loaded
 * @vm: filled in
 * @flags: CASE_IRQCHIP, CASE_PIT, CASE_VMX, CASE_SVM, CASE_HYPERV
 * @cpus: how many
 */
void vm_create(struct vm *vm, unsigned int flags, unsigned int cpus)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity = 0xfffbc000;
	unsigned int i;

	memset(vm, 0, sizeof(*vm));
	vm->seconds = VM_WATCHDOG_SECONDS;
	vm->fd = vm_ioctl(device, KVM_CREATE_VM, NULL, "CREATE_VM");
	if (vm_check_extension(KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0)
		vm_ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity,
			 "SET_IDENTITY_MAP_ADDR");
	vm_ioctl(vm->fd, KVM_SET_TSS_ADDR, (void *)0xfffbd000L, "SET_TSS_ADDR");
	vm->flags = flags;
	vm->irqchip = flags & CASE_IRQCHIP;
	if (vm->irqchip)
		vm_ioctl(vm->fd, KVM_CREATE_IRQCHIP, NULL, "CREATE_IRQCHIP");
	if (flags & CASE_PIT)
		vm_ioctl(vm->fd, KVM_CREATE_PIT2, &pit, "CREATE_PIT2");
	vm->mem = vm_pages(GUEST_MEM_SIZE);
	vm_slot(vm, 0, 0, 0, GUEST_MEM_SIZE, vm->mem);
	for (i = 0; i < cpus; i++)
		create_vcpu(vm, i);
	vm->vcpus = cpus;
}

/** vm_destroy() - close everything of a machine that no thread runs any more */
void vm_destroy(struct vm *vm)
{
	int size = vm_ioctl(device, KVM_GET_VCPU_MMAP_SIZE, NULL, "GET_VCPU_MMAP_SIZE");
	unsigned int i;

	for (i = 0; i < vm->vcpus; i++) {
		munmap(vm->vcpu[i].run, size);
		close(vm->vcpu[i].fd);
	}
	close(vm->fd);
	munmap(vm->mem, GUEST_MEM_SIZE);
}

/** vcpu_run() - KVM_RUN: 0, or the negative errno */
int vcpu_run(struct vcpu *vcpu)
{
	return ioctl(vcpu->fd, KVM_RUN, NULL) < 0 ? -errno : 0;
}

/**
 * vcpu_kick() - make a running vCPU return with EINTR, now or at its next KVM_RUN
 * @vcpu: the vCPU; its thread clears immediate_exit
 */
void vcpu_kick(struct vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	if (atomic_load(&vcpu->running))
		pthread_kill(vcpu->thread, SIG_KICK);
}

/** vm_stop() - let every vCPU of a machine end */
void vm_stop(struct vm *vm)
{
	unsigned int i;

	atomic_store(&vm->stop, true);
	for (i = 0; i < vm->vcpus; i++)
		vcpu_kick(&vm->vcpu[i]);
}

struct thread_arg {
	struct vcpu *vcpu;
	vm_exit_fn handler;
};

static void *thread_main(void *data)
{
	struct thread_arg *arg = data;
	struct vcpu *vcpu = arg->vcpu;

	vcpu->thread = pthread_self();
	atomic_store(&vcpu->running, true);
	while (!atomic_load(&vcpu->vm->stop)) {
		int rc = vcpu_run(vcpu);

		if (rc == -EINTR || rc == -EAGAIN) {
			vcpu->run->immediate_exit = 0;
			continue;
		}
		if (rc == -EFAULT && vcpu->vm->forgives) {
			atomic_fetch_add(&vcpu->vm->efaults, 1);
			usleep(EFAULT_PAUSE_USEC);
			continue;
		}
		if (rc) {
			errno = -rc;
			vm_give_up("KVM_RUN");
		}
		if (!arg->handler(vcpu))
			break;
	}
	return NULL;
}

/* Wait for one thread; at the deadline stop the machine, then insist. */
static void join(struct vm *vm, struct vcpu *vcpu, struct timespec *deadline)
{
	if (pthread_timedjoin_np(vcpu->thread, NULL, deadline)) {
		vm->timed_out = true;
		vm_stop(vm);
		deadline->tv_sec += 5;
		if (pthread_timedjoin_np(vcpu->thread, NULL, deadline)) {
			errno = ETIMEDOUT;
			vm_give_up("KVM_RUN does not return after a signal");
		}
	}
	atomic_store(&vcpu->running, false);
}

/**
 * vm_run_all() - run every vCPU in a thread of its own until all have ended
 * @vm: the machine
 * @handler: called in the thread of a vCPU for each of its exits
 *
 * The watchdog ends a machine that is not ready in @vm->seconds.
 */
void vm_run_all(struct vm *vm, vm_exit_fn handler)
{
	struct thread_arg args[GUEST_CPUS];
	struct timespec deadline;
	unsigned int i;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += vm->seconds;
	for (i = 0; i < vm->vcpus; i++) {
		struct vcpu *vcpu = &vm->vcpu[i];

		args[i] = (struct thread_arg){ vcpu, handler };
		if (pthread_create(&vcpu->thread, NULL, thread_main, &args[i]))
			vm_give_up("pthread_create");
	}
	for (i = 0; i < vm->vcpus; i++)
		join(vm, &vm->vcpu[i], &deadline);
}

/** vm_irq_line() - KVM_IRQ_LINE */
void vm_irq_line(struct vm *vm, unsigned int gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	vm_ioctl(vm->fd, KVM_IRQ_LINE, &line, "IRQ_LINE");
}

/** vcpu_regs() - KVM_GET_REGS */
void vcpu_regs(struct vcpu *vcpu, struct kvm_regs *regs)
{
	vm_ioctl(vcpu->fd, KVM_GET_REGS, regs, "GET_REGS");
}

/** vcpu_set_regs() - KVM_SET_REGS */
void vcpu_set_regs(struct vcpu *vcpu, const struct kvm_regs *regs)
{
	vm_ioctl(vcpu->fd, KVM_SET_REGS, (void *)regs, "SET_REGS");
}

/** vcpu_sregs() - KVM_GET_SREGS */
void vcpu_sregs(struct vcpu *vcpu, struct kvm_sregs *sregs)
{
	vm_ioctl(vcpu->fd, KVM_GET_SREGS, sregs, "GET_SREGS");
}

/** vcpu_set_sregs() - KVM_SET_SREGS */
void vcpu_set_sregs(struct vcpu *vcpu, const struct kvm_sregs *sregs)
{
	vm_ioctl(vcpu->fd, KVM_SET_SREGS, (void *)sregs, "SET_SREGS");
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

/** vcpu_msr() - one MSR by KVM_GET_MSRS; the end of the program if refused */
uint64_t vcpu_msr(struct vcpu *vcpu, uint32_t index)
{
	struct one_msr msr = { .head.nmsrs = 1, .entry.index = index };

	if (vm_ioctl(vcpu->fd, KVM_GET_MSRS, &msr, "GET_MSRS") != 1)
		vm_give_up("GET_MSRS of one MSR");
	return msr.entry.data;
}

/** vcpu_set_msr() - one MSR by KVM_SET_MSRS; the end of the program if refused */
void vcpu_set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	struct one_msr msr = {
		.head.nmsrs = 1, .entry.index = index, .entry.data = value,
	};

	if (vm_ioctl(vcpu->fd, KVM_SET_MSRS, &msr, "SET_MSRS") != 1)
		vm_give_up("SET_MSRS of one MSR");
}

/** vcpu_set_mp_state() - KVM_SET_MP_STATE */
void vcpu_set_mp_state(struct vcpu *vcpu, unsigned int state)
{
	struct kvm_mp_state mp = { .mp_state = state };

	vm_ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp, "SET_MP_STATE");
}

/** vcpu_io_data() - the data of a KVM_EXIT_IO */
void *vcpu_io_data(struct vcpu *vcpu)
{
	return (uint8_t *)vcpu->run + vcpu->run->io.data_offset;
}

/** vcpu_io_value() - the first item of a KVM_EXIT_IO, as a number */
uint64_t vcpu_io_value(struct vcpu *vcpu)
{
	uint64_t value = 0;

	memcpy(&value, vcpu_io_data(vcpu), vcpu->run->io.size);
	return value;
}

/** vm_exit_name() - an exit reason for people */
const char *vm_exit_name(unsigned int reason)
{
	static const char *const names[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN",
		[KVM_EXIT_IO] = "IO",
		[KVM_EXIT_DEBUG] = "DEBUG",
		[KVM_EXIT_HLT] = "HLT",
		[KVM_EXIT_MMIO] = "MMIO",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
		[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVM_EXIT_INTR] = "INTR",
		[KVM_EXIT_SET_TPR] = "SET_TPR",
		[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
	};

	if (reason < sizeof(names) / sizeof(names[0]) && names[reason])
		return names[reason];
	return "another exit";
}
