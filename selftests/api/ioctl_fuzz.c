// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random ioctls, from several threads, on files that others close meanwhile:
 * whatever comes, the kernel answers, reports nothing, and the next VM runs.
 *
 * A child process is a world: a VM, two vCPUs whose guest runs random instructions,
 * a few eventfds, and threads that call anything with anything. Arguments are
 * what a GET answered, or something useful, with some of its bits changed; or small
 * numbers; or noise; or end where memory does. Between the calls the threads move
 * the guest's memory under it, signal, read and close eventfds, map vCPU files and
 * write to what they see there. A world may well destroy itself, for it may give its
 * own stack to its guest.
 *
 * NST_FUZZ_SECONDS and NST_FUZZ_SEED choose how long, and which ones. What the
 * host's kernel says is looked at by selftests/hosts/run.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../uapi/nestor.h"
#include "fuzz.h"

#define THREADS		4
#define CALLS		3000u		/* of each thread of a world */
#define WORLD_SECONDS	10u		/* then it is killed */
#define TICK_NS		8000000u	/* no KVM_RUN is longer */
#define SLOWER		8u		/* all of it, in the debug kernel */

#define MSR_EFER	0xc0000080u
#define EFER_LME	(1u << 8)
#define CR0_PG		(1u << 31)
#define CR4_PAE		(1u << 5)

/* @get: answers what @request takes, 0 when nothing does */
struct entry {
	enum kind kind;
	unsigned long request;
	unsigned long get;
};

#define PAIR(kind, what)	{ kind, KVM_GET_##what, 0 }, \
				{ kind, KVM_SET_##what, KVM_GET_##what }

static const struct entry table[] = {
	{ ON_VCPU, KVM_RUN, 0 },	/* the first: drawn more often than the others */
	{ ON_DEVICE, KVM_GET_API_VERSION, 0 },
	{ ON_DEVICE, KVM_CREATE_VM, 0 },
	{ ON_DEVICE, NESTOR_GET_INFO, 0 },
	{ ON_DEVICE, KVM_CHECK_EXTENSION, 0 },
	{ ON_DEVICE, KVM_GET_VCPU_MMAP_SIZE, 0 },
	{ ON_DEVICE, KVM_GET_SUPPORTED_CPUID, 0 },
	{ ON_DEVICE, KVM_GET_EMULATED_CPUID, 0 },
	{ ON_DEVICE, KVM_GET_SUPPORTED_HV_CPUID, 0 },
	{ ON_DEVICE, KVM_GET_MSR_INDEX_LIST, 0 },
	{ ON_DEVICE, KVM_GET_MSR_FEATURE_INDEX_LIST, 0 },
	{ ON_DEVICE, KVM_X86_GET_MCE_CAP_SUPPORTED, 0 },
	{ ON_VM, KVM_CHECK_EXTENSION, 0 },
	{ ON_VM, KVM_CREATE_VCPU, 0 },
	{ ON_VM, KVM_SET_USER_MEMORY_REGION, 0 },
	{ ON_VM, KVM_GET_DIRTY_LOG, 0 },
	{ ON_VM, KVM_CLEAR_DIRTY_LOG, 0 },
	{ ON_VM, KVM_SET_TSS_ADDR, 0 },
	{ ON_VM, KVM_SET_IDENTITY_MAP_ADDR, 0 },
	{ ON_VM, KVM_CREATE_IRQCHIP, 0 },
	{ ON_VM, KVM_CREATE_PIT2, 0 },
	{ ON_VM, KVM_CREATE_PIT, 0 },
	{ ON_VM, KVM_IRQ_LINE, 0 },
	{ ON_VM, KVM_IRQ_LINE_STATUS, 0 },
	PAIR(ON_VM, IRQCHIP),
	PAIR(ON_VM, PIT2),
	PAIR(ON_VM, CLOCK),
	PAIR(ON_VM, NR_MMU_PAGES),
	{ ON_VM, KVM_SET_GSI_ROUTING, 0 },
	{ ON_VM, KVM_SIGNAL_MSI, 0 },
	{ ON_VM, KVM_IRQFD, 0 },
	{ ON_VM, KVM_IOEVENTFD, 0 },
	{ ON_VM, KVM_HYPERV_EVENTFD, 0 },
	{ ON_VM, KVM_REGISTER_COALESCED_MMIO, 0 },
	{ ON_VM, KVM_UNREGISTER_COALESCED_MMIO, 0 },
	{ ON_VM, KVM_ENABLE_CAP, 0 },
	{ ON_VM, KVM_SET_BOOT_CPU_ID, 0 },
	{ ON_VM, KVM_X86_SET_MSR_FILTER, 0 },
	{ ON_VM, KVM_GET_STATS_FD, 0 },
	{ ON_VM, KVM_RESET_DIRTY_RINGS, 0 },
	{ ON_VM, KVM_REINJECT_CONTROL, 0 },
	{ ON_VM, KVM_CREATE_DEVICE, 0 },
	PAIR(ON_VCPU, REGS),
	PAIR(ON_VCPU, SREGS),
	PAIR(ON_VCPU, SREGS2),
	PAIR(ON_VCPU, FPU),
	PAIR(ON_VCPU, XSAVE),
	{ ON_VCPU, KVM_GET_XSAVE2, 0 },
	PAIR(ON_VCPU, XCRS),
	PAIR(ON_VCPU, MSRS),
	PAIR(ON_VCPU, LAPIC),
	PAIR(ON_VCPU, MP_STATE),
	PAIR(ON_VCPU, VCPU_EVENTS),
	PAIR(ON_VCPU, DEBUGREGS),
	PAIR(ON_VCPU, CPUID2),
	{ ON_VCPU, KVM_GET_SUPPORTED_HV_CPUID, 0 },
	PAIR(ON_VCPU, TSC_KHZ),
	PAIR(ON_VCPU, NESTED_STATE),
	{ ON_VCPU, KVM_SET_GUEST_DEBUG, 0 },
	{ ON_VCPU, KVM_SET_SIGNAL_MASK, 0 },
	{ ON_VCPU, KVM_INTERRUPT, 0 },
	{ ON_VCPU, KVM_NMI, 0 },
	{ ON_VCPU, KVM_SMI, 0 },
	{ ON_VCPU, KVM_TRANSLATE, 0 },
	{ ON_VCPU, KVM_X86_SETUP_MCE, 0 },
	{ ON_VCPU, KVM_X86_SET_MCE, 0 },
	{ ON_VCPU, KVM_KVMCLOCK_CTRL, 0 },
	{ ON_VCPU, KVM_TPR_ACCESS_REPORTING, 0 },
	{ ON_VCPU, KVM_SET_VAPIC_ADDR, 0 },
	{ ON_VCPU, KVM_ENABLE_CAP, 0 },
	{ ON_VCPU, KVM_GET_STATS_FD, 0 },
	{ ON_VCPU, KVM_HAS_DEVICE_ATTR, 0 },
	{ ON_VCPU, KVM_GET_DEVICE_ATTR, 0 },
	{ ON_VCPU, KVM_SET_DEVICE_ATTR, 0 },
};

/* Shared with the worlds, which may end at any moment. */
static struct {
	atomic_ulong calls;
	atomic_ulong accepted[COUNT(table)];
} *seen;

/* Words at their places, most of them 0 */
static void sparse(struct hand *h, uint8_t *at, size_t size)
{
	uint64_t word;
	size_t i;

	memset(at, 0, size);
	for (i = 0; i + 4 <= size && i < 64; i += 4) {
		word = below(h, 3) ? 0 : interesting(h);
		memcpy(at + i, &word, i + 8 <= size && !(i & 4) ? 8 : 4);
	}
}

/* A few changed bits or words */
static void mutate(struct hand *h, uint8_t *at, size_t size)
{
	uint32_t changes = below(h, 5);
	uint64_t word;

	while (changes-- && size >= 8) {
		at[below(h, size)] ^= 1u << below(h, 8);
		word = interesting(h);
		if (!below(h, 3))
			memcpy(at + (below(h, size - 7) & ~3u), &word, 8);
	}
}

/* What the size in the request says, or more for what has an array behind it */
static size_t extent(struct hand *h, unsigned long request)
{
	size_t size = _IOC_SIZE(request);

	return below(h, 4) ? size + 1024 : size;
}

/*
 * QEMU 7.2 gives a host its own CR0 before its CR4, and loses it when the guest left
 * CR4.PAE clear with EFER.LME set: the host's CPU then runs on without paging.
 */
static void tame_sregs(struct kvm_sregs *s)
{
	if ((s->efer & EFER_LME) && !(s->cr0 & CR0_PG))
		s->cr4 |= CR4_PAE;
}

static void tame_msrs(struct kvm_msrs *msrs, size_t size)
{
	uint32_t i;

	for (i = 0; sizeof(*msrs) + (i + 1) * sizeof(msrs->entries[0]) <= size; i++)
		if (msrs->entries[i].index == MSR_EFER)
			msrs->entries[i].data &= ~(uint64_t)EFER_LME;
}

/*
 * What the emulator of svm hosts does not survive is taken out of an argument.
 * False: nothing like that can be in it, and it may be passed in odd ways, too.
 */
static bool spare_emulator(unsigned long request, uint8_t *at, size_t size)
{
	if (!emulator_is_qemu())
		return false;
	switch (request) {
	case KVM_SET_DEBUGREGS:
		/* Of breakpoints those remain that stop at an instruction. */
		((struct kvm_debugregs *)at)->dr7 &= 0xffff;
		return true;
	case KVM_SET_GUEST_DEBUG:
		((struct kvm_guest_debug *)at)->arch.debugreg[7] &= 0xffff;
		return true;
	case KVM_SET_SREGS:
	case KVM_SET_SREGS2:
		tame_sregs((struct kvm_sregs *)at);
		return true;
	case KVM_SET_MSRS:
		tame_msrs((struct kvm_msrs *)at, size);
		return true;
	default:
		return false;
	}
}

static unsigned long argument(struct hand *h, int fd, const struct entry *e)
{
	size_t size = extent(h, e->request);
	uint8_t *at = h->area + AREA - size - (below(h, 8) ? 0x1000 : 0);

	if (!_IOC_SIZE(e->request) || !below(h, 40))
		return below(h, 2) ? below(h, 300) : interesting(h);
	switch (below(h, 4)) {
	case 0:
		noise(h, at, size);
		break;
	case 1:
		sparse(h, at, size);
		break;
	default:
		sparse(h, at, size);
		if (e->get)
			ioctl(fd, e->get, at);
		near_argument(h, e->request, at, size);
		if (below(h, 2))
			mutate(h, at, size);
	}
	if (spare_emulator(e->request, at, size))
		return (unsigned long)at;
	return (unsigned long)at - (below(h, 60) ? 0 : 3) + (below(h, 60) ? 0 : 0x2000);
}

static void set_file(struct world *w, unsigned int slot, int fd, enum kind kind)
{
	int old = atomic_exchange(&w->file[slot].fd, fd);
	struct kvm_run *run = NULL;

	w->file[slot].kind = kind;
	if (kind == ON_VCPU) {
		run = mmap(NULL, w->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		run = run == MAP_FAILED ? NULL : run;
	}
	/* The old page stays mapped: a thread may be writing to it. */
	atomic_store(&w->file[slot].run, run);
	if (old >= 0)
		close(old);
}

/* Memory, vCPUs, and perhaps interrupt controllers: what a launcher begins with */
static void new_machine(struct hand *h)
{
	struct world *w = h->world;
	struct kvm_cpuid2 *cpuid;
	int vm = call_value(api_device, KVM_CREATE_VM, 0), cpu, i;

	if (vm < 0)
		return;
	api_slot(vm, 0, below(h, 2), 0, GUEST_MEM, w->mem);
	if (below(h, 3))
		call_value(vm, KVM_CREATE_IRQCHIP, 0);
	if (below(h, 2))
		call(vm, KVM_CREATE_PIT2, &(struct kvm_pit_config){ 0 });
	for (i = 0; i < 2; i++) {
		cpu = call_value(vm, KVM_CREATE_VCPU, i);
		if (cpu < 0)
			continue;
		cpuid = api_supported_cpuid();
		call(cpu, KVM_SET_CPUID2, cpuid);
		free(cpuid);
		call(cpu, KVM_SET_MP_STATE, &(struct kvm_mp_state){ KVM_MP_STATE_RUNNABLE });
		set_mode(h, cpu);
		set_file(w, 1 + below(h, FILES - 1), cpu, ON_VCPU);
	}
	set_file(w, 1 + below(h, FILES - 1), vm, ON_VM);
}

/* A statistics file is read at its beginning, and where it has nothing. */
static void read_stats(struct hand *h, int fd)
{
	size_t size = 1 + below(h, 0x2000);

	if (pread(fd, h->area, size, below(h, 2) ? 0 : interesting(h)) < 0)
		size = 0;
	close(fd);
}

/* Files that came out of a call join the others. */
static void keep(struct hand *h, const struct entry *e, long result)
{
	unsigned int slot = 1 + below(h, FILES - 1);

	if (e->request == KVM_CREATE_VM)
		set_file(h->world, slot, result, ON_VM);
	else if (e->request == KVM_CREATE_VCPU)
		set_file(h->world, slot, result, ON_VCPU);
	else if (e->request == KVM_GET_STATS_FD)
		read_stats(h, result);
}

static void on_tick(int signal)
{
	(void)signal;
}

static unsigned int pace(void)
{
	const char *kernel = getenv("NESTOR_KERNEL");

	return kernel && !strcmp(kernel, "debug") ? SLOWER : 1;
}

/* Every thread has its own clock: a guest that loops must come back. */
static void make_clock(struct hand *h)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };

	event._sigev_un._tid = syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &h->clock))
		_exit(1);
}

/* Again and again, since the first may come before the ioctl begins; 0: none */
static void set_clock(struct hand *h, uint32_t ns)
{
	struct itimerspec when = { { 0, ns }, { 0, ns } };

	timer_settime(h->clock, 0, &when, NULL);
}

static void one_call(struct hand *h)
{
	struct file *f = &h->world->file[below(h, FILES)];
	const struct entry *e = &table[below(h, COUNT(table))];
	struct kvm_run *run = atomic_load(&f->run);
	unsigned long arg;
	long result;
	int fd;

	if (f->kind == ON_VCPU && !below(h, 3))
		e = &table[0];
	if (f->kind == ON_VCPU && !below(h, 4) && run) {
		mutate(h, (uint8_t *)run, below(h, 3) ? 512 : 0x1000);
		if (emulator_is_qemu())
			tame_sregs(&run->s.regs.sregs);
	}
	fd = atomic_load(&f->fd);
	/* A call on the wrong kind of file now and then is part of it. */
	while (e->kind != f->kind && below(h, 50))
		e = &table[below(h, COUNT(table))];
	arg = argument(h, fd, e);
	if (e == &table[0])
		set_clock(h, (1 + below(h, TICK_NS)) * pace());
	result = ioctl(fd, e->request, arg);
	if (e == &table[0])
		set_clock(h, 0);
	atomic_fetch_add(&seen->calls, 1);
	if (result < 0)
		return;
	atomic_fetch_add(&seen->accepted[e - table], 1);
	keep(h, e, result);
}

static void *hand_main(void *arg)
{
	struct hand *h = arg;
	unsigned int i;

	make_clock(h);
	for (i = 0; i < CALLS; i++) {
		if (!below(h, 100))
			new_machine(h);
		if (!below(h, 8))
			disturb(h);
		one_call(h);
	}
	return NULL;
}

/* Memory whose end is the end of everything */
static uint8_t *area_with_end(void)
{
	uint8_t *at = mmap(NULL, AREA + 0x4000, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at + AREA, 0x4000, PROT_NONE))
		_exit(1);
	return at;
}

static void make_memory(struct world *w)
{
	w->memory = memfd_create("guest", 0);
	if (w->memory < 0 || ftruncate(w->memory, GUEST_MEM))
		_exit(1);
	w->mem = mmap(NULL, GUEST_MEM, PROT_READ | PROT_WRITE, MAP_SHARED, w->memory, 0);
	w->page = mmap(NULL, GUEST_MEM, PROT_READ | PROT_WRITE, MAP_SHARED, w->memory, 0);
	if (w->mem == MAP_FAILED || w->page == MAP_FAILED)
		_exit(1);
}

/* The child's side; it does not come back. */
static void world_main(uint64_t seed)
{
	struct sigaction tick = { .sa_handler = on_tick };
	struct rlimit limit = { 1024, 1024 };
	struct world w = { .seed = seed };
	struct hand h[THREADS];
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGALRM, &tick, NULL);
	setrlimit(RLIMIT_NOFILE, &limit);
	w.run_size = call_value(api_device, KVM_GET_VCPU_MMAP_SIZE, 0);
	make_memory(&w);
	for (i = 0; i < EVENTS; i++)
		atomic_init(&w.event[i], eventfd(0, EFD_NONBLOCK));
	for (i = 0; i < FILES; i++)
		atomic_init(&w.file[i].fd, -1);
	set_file(&w, 0, dup(api_device), ON_DEVICE);
	for (i = 0; i < THREADS; i++) {
		h[i] = (struct hand){ .world = &w, .random = seed * THREADS + i + 1,
				      .area = area_with_end() };
		draw(&h[i].random);
	}
	noise(&h[0], w.page, TABLES);
	new_machine(&h[0]);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&h[i].thread, NULL, hand_main, &h[i]))
			_exit(1);
	for (i = 0; i < THREADS; i++)
		pthread_join(h[i].thread, NULL);
	_exit(0);
}

/*
 * A world may block its clock's signal with SET_SIGNAL_MASK and loop. Where even
 * SIGKILL does not end it this waits for ever, and the runner's limit is reached.
 *
 * Return: whether it ended by itself
 */
static bool one_world(uint64_t seed)
{
	time_t late = time(NULL) + WORLD_SECONDS * pace();
	pid_t child = fork();

	if (child < 0)
		api_give_up("fork");
	if (!child)
		world_main(seed);
	while (!waitpid(child, NULL, WNOHANG)) {
		if (time(NULL) > late) {
			kill(child, SIGKILL);
			waitpid(child, NULL, 0);
			return false;
		}
		api_sleep_ms(5);
	}
	return true;
}

static void test_next_vm(void)
{
	struct kvm_regs regs;
	struct machine m;

	api_create(&m, API_IRQCHIP | API_CPUID, 1);
	CODE(&m, 0, 0xb8, 0x34, 0x12, 0xe7, 0x80);	/* mov ax, 0x1234; out 0x80, ax */
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "a new VM runs");
	is(m.run[0]->exit_reason, KVM_EXIT_IO, "and comes out where it should");
	must(m.cpu[0], KVM_GET_REGS, &regs, "GET_REGS");
	is(regs.rax & 0xffff, 0x1234, "with what it computed");
	api_destroy(&m);
}

int main(void)
{
	const char *seconds = getenv("NST_FUZZ_SECONDS"), *first = getenv("NST_FUZZ_SEED");
	uint64_t seed = first ? strtoull(first, NULL, 0) : 1;
	unsigned int worlds = 0, late = 0, kinds = 0, i;
	time_t end;

	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		api_give_up("mmap");
	/* As long as we are told to; each world has its own limit. */
	alarm(0);
	end = time(NULL) + (seconds ? atoi(seconds) : 5);
	do {
		late += !one_world(seed + worlds++);
	} while (time(NULL) < end);
	for (i = 0; i < COUNT(table); i++) {
		kinds += !!seen->accepted[i];
		if (!seen->accepted[i])
			tap_note("never accepted: request %#lx", table[i].request & 0xffff);
	}
	tap_note("%u worlds from seed %llu (%u killed), %lu calls, %u of %zu requests accepted",
		 worlds, (unsigned long long)seed, late, seen->calls, kinds, COUNT(table));
	tap_ok(kinds > COUNT(table) / 2, "most requests were accepted at some time");
	test_next_vm();
	return tap_done();
}
