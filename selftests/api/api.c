// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all API tests share; api.h describes it. Calls the kernel only.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "api.h"

#define WATCHDOG_SECONDS	200
#define WATCHDOG_DEBUG		1600	/* in a host with the debug kernel */
#define CPUID_ROOM		256

int api_device = -1;

static void kicked(int signal)
{
	(void)signal;
}

/**
 * api_begin() - open the device, start the watchdog
 *
 * Return: false when there is no device.
 */
bool api_begin(void)
{
	const char *name = getenv("NESTOR_DEV"), *kernel = getenv("NESTOR_KERNEL");
	struct sigaction act = { .sa_handler = kicked };

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* No SA_RESTART: a kick must end KVM_RUN. */
	sigaction(SIGUSR1, &act, NULL);
	alarm(kernel && !strcmp(kernel, "debug") ? WATCHDOG_DEBUG : WATCHDOG_SECONDS);
	api_device = open(name ? name : "/dev/nestor", O_RDWR | O_CLOEXEC);
	return api_device >= 0;
}

/**
 * api_give_up() - end the program as failed: what it needs was refused
 * @what: what; errno says why
 */
void api_give_up(const char *what)
{
	printf("not ok - %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(TAP_EXIT_FAIL);
}

/**
 * call() - an ioctl
 * @fd: file
 * @request: number
 * @arg: pointer
 *
 * Return: its answer, or -errno.
 */
long call(int fd, unsigned long request, void *arg)
{
	long ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

/** call_value() - call() with an argument that is a number */
long call_value(int fd, unsigned long request, unsigned long arg)
{
	return call(fd, request, (void *)arg);
}

/** must() - call(), and the end of the program on an error */
long must(int fd, unsigned long request, void *arg, const char *what)
{
	long ret = ioctl(fd, request, arg);

	if (ret < 0)
		api_give_up(what);
	return ret;
}

/** api_pages() - zeroed pages */
void *api_pages(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	if (at == MAP_FAILED)
		api_give_up("mmap");
	return at;
}

/** api_sleep_ms() - sleep */
void api_sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&t, NULL);
}

/** api_in_child() - call() in a process forked for it */
long api_in_child(int fd, unsigned long request, void *arg)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		api_give_up("fork");
	if (!pid) {
		long ret = call(fd, request, arg);

		_exit(ret < 0 ? -ret : 0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		api_give_up("a child's end");
	return -WEXITSTATUS(status);
}

/** api_supported_cpuid() - KVM_GET_SUPPORTED_CPUID, in memory for free() */
struct kvm_cpuid2 *api_supported_cpuid(void)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) +
					  CPUID_ROOM * sizeof(cpuid->entries[0]));

	if (!cpuid)
		api_give_up("calloc");
	cpuid->nent = CPUID_ROOM;
	must(api_device, KVM_GET_SUPPORTED_CPUID, cpuid, "GET_SUPPORTED_CPUID");
	return cpuid;
}

/** api_slot() - KVM_SET_USER_MEMORY_REGION */
long api_slot(int vm, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size, void *host)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	return call(vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static void add_cpu(struct machine *m, unsigned int flags)
{
	unsigned int id = m->cpus++;
	struct kvm_cpuid2 *cpuid;

	m->cpu[id] = must(m->fd, KVM_CREATE_VCPU, (void *)(long)id, "CREATE_VCPU");
	m->run[id] = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->cpu[id], 0);
	if (m->run[id] == MAP_FAILED)
		api_give_up("mmap of a vCPU");
	if (!(flags & API_CPUID))
		return;
	cpuid = api_supported_cpuid();
	must(m->cpu[id], KVM_SET_CPUID2, cpuid, "SET_CPUID2");
	free(cpuid);
}

/**
 * api_create() - make a machine
 * @m: the machine
 * @flags: API_*
 * @cpus: how many vCPUs
 */
void api_create(struct machine *m, unsigned int flags, unsigned int cpus)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct kvm_pit_config pit = { 0 };

	memset(m, 0, sizeof(*m));
	m->run_size = must(api_device, KVM_GET_VCPU_MMAP_SIZE, NULL, "GET_VCPU_MMAP_SIZE");
	m->fd = must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");
	m->mem = api_pages(API_MEM_SIZE);
	errno = -api_slot(m->fd, 0, 0, 0, API_MEM_SIZE, m->mem);
	if (errno)
		api_give_up("SET_USER_MEMORY_REGION");
	if (flags & API_IRQCHIP)
		must(m->fd, KVM_CREATE_IRQCHIP, NULL, "CREATE_IRQCHIP");
	if (flags & API_SPLIT)
		must(m->fd, KVM_ENABLE_CAP, &split, "ENABLE_CAP of SPLIT_IRQCHIP");
	if (flags & API_PIT)
		must(m->fd, KVM_CREATE_PIT2, &pit, "CREATE_PIT2");
	while (m->cpus < cpus)
		add_cpu(m, flags);
}

/** api_destroy() - close all files of a machine */
void api_destroy(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < m->cpus; i++) {
		munmap(m->run[i], m->run_size);
		close(m->cpu[i]);
	}
	close(m->fd);
	munmap(m->mem, API_MEM_SIZE);
}

static void flat_segment(struct kvm_segment *seg, uint32_t base)
{
	seg->base = base;
	seg->selector = base >> 4;
}

/**
 * api_code() - a vCPU's next instruction is the first of this code
 * @m: the machine
 * @cpu: which vCPU
 * @code: 16-bit code for real mode, less than a page
 * @size: its size
 *
 * DS begins at API_DEVICE; the stack is in the machine's memory.
 */
void api_code(struct machine *m, unsigned int cpu, const void *code, size_t size)
{
	struct kvm_regs regs = { .rip = API_CODE + cpu * API_PAGE, .rflags = 2 };
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_sregs sregs;

	regs.rsp = regs.rip + API_PAGE;
	memcpy(m->mem + regs.rip, code, size);
	must(m->cpu[cpu], KVM_GET_SREGS, &sregs, "GET_SREGS");
	flat_segment(&sregs.cs, 0);
	flat_segment(&sregs.ss, 0);
	flat_segment(&sregs.ds, API_DEVICE);
	must(m->cpu[cpu], KVM_SET_SREGS, &sregs, "SET_SREGS");
	must(m->cpu[cpu], KVM_SET_REGS, &regs, "SET_REGS");
	must(m->cpu[cpu], KVM_SET_MP_STATE, &state, "SET_MP_STATE");
}

/**
 * api_protected_mode() - after api_code(): 32-bit code in flat segments, no paging
 * @m: the machine
 * @cpu: which vCPU
 *
 * Where hardware does not have real mode it is emulated, without exits: a test
 * of exits wants a mode that all hardware runs.
 */
void api_protected_mode(struct machine *m, unsigned int cpu)
{
	const struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1,
		.g = 1,
	};
	struct kvm_sregs sregs;

	must(m->cpu[cpu], KVM_GET_SREGS, &sregs, "GET_SREGS");
	sregs.cr0 |= 1;
	sregs.ds = data;
	sregs.es = data;
	sregs.fs = data;
	sregs.gs = data;
	sregs.ss = data;
	sregs.cs = data;
	sregs.cs.type = 11;
	sregs.cs.selector = 8;
	must(m->cpu[cpu], KVM_SET_SREGS, &sregs, "SET_SREGS");
}

static void *runner_main(void *arg)
{
	struct runner *r = arg;

	atomic_store(&r->tid, syscall(SYS_gettid));
	do {
		atomic_fetch_add(&r->calls, 1);
		r->result = call(r->fd, KVM_RUN, NULL);
	} while (!r->result);
	atomic_store(&r->done, true);
	return NULL;
}

/**
 * runner_start() - run a vCPU in a thread, again after each exit
 * @r: the thread
 * @fd: the vCPU's file
 */
void runner_start(struct runner *r, int fd)
{
	memset(r, 0, sizeof(*r));
	r->fd = fd;
	errno = pthread_create(&r->thread, NULL, runner_main, r);
	if (errno)
		api_give_up("pthread_create");
	while (!atomic_load(&r->calls))
		api_sleep_ms(1);
	api_sleep_ms(20);
}

/**
 * runner_stop() - send signals until KVM_RUN has ended
 * @r: the thread
 *
 * Return: what the last call answered.
 */
long runner_stop(struct runner *r)
{
	while (!atomic_load(&r->done)) {
		pthread_kill(r->thread, SIGUSR1);
		api_sleep_ms(5);
	}
	pthread_join(r->thread, NULL);
	return r->result;
}

/** runner_waits() - has the thread not come back within a while? */
bool runner_waits(struct runner *r)
{
	api_sleep_ms(100);
	return !atomic_load(&r->done);
}
