// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous page faults: what a guest can do while the host fetches a page of
 * its. Userspace holds the pages back (userfaultfd) until it hears from the guest.
 * Linux "KVM-specific MSRs", MSR_KVM_ASYNC_PF_EN.
 */
#define PAGES		0x300000ul	/* that the host holds back */
#define NPAGES		4
#define CONTENT(i)	(0x5a5a0000u + (i))

#define ASK_GIVE	0	/* a page's number: let it come */
#define ASK_ENABLE	1	/* set MSR_KVM_ASYNC_PF_EN as userspace does */

#ifdef GUEST
#include "apic.h"

#define SECTION		"Linux \"KVM-specific MSRs\", MSR_KVM_ASYNC_PF_EN"
#define MSR_EN		0x4b564d02
#define MSR_INT		0x4b564d06
#define MSR_ACK		0x4b564d07
#define EN		1
#define ALWAYS		2
#define AS_EXIT		4
#define AS_INT		8
#define PV_LEAF		0x40000001
#define PV_APF		4	/* bits of its EAX */
#define PV_APF_INT	14
#define ABSENT		1	/* flags */
#define VECTOR		0x51
#define TIMER		0x61
#define TICK		1000000
#define PAGE(i)		((volatile u32 *)(PAGES + (i) * PAGE_SIZE))
#define PATIENCE	10000000

struct area {
	u32 flags, token;
};

static volatile struct area *const area = (void *)GUEST_SCRATCH;
static volatile u32 absent, here, ticks, tick_goal, depth;
static volatile u32 absent_token[2], absent_error[2], here_token[2];
static volatile u64 absent_flags[2];
static void (*volatile meanwhile)(void);

/* The fault comes behind the shadow of STI, where interrupts would come, too. */
static void sti_nop(void)
{
	asm volatile("sti; nop" : : : "memory");
}

static void give(u32 page)
{
	call_host(ASK_GIVE, page, 0, 0);
}

static void page_absent(struct frame *frame)
{
	u32 n = absent++ & 1;

	absent_token[n] = READ_CR(2);
	absent_error[n] = frame->error;
	absent_flags[n] = area->flags;
	area->flags = 0;
	if (meanwhile)
		meanwhile();
}

static void take_token(void)
{
	here_token[(here - 1) & 1] = area->token;
	area->token = 0;
	wrmsr(MSR_ACK, 1);
}

static volatile bool keep_token;

static void page_here(struct frame *frame)
{
	here++;
	if (!keep_token)
		take_token();
	apic_eoi();
}

static void tick(struct frame *frame)
{
	ticks++;
	apic_eoi();
	if (ticks == tick_goal)
		give(0);
}

static bool ready(u64 flags)
{
	u32 r[4];

	apic_enable();
	cpuid(PV_LEAF, 0, r);
	if (!(r[0] & 1u << PV_APF) || !(r[0] & 1u << PV_APF_INT)) {
		check(false, "CPUID shows it");
		return false;
	}
	trap_hook[VEC_PF] = page_absent;
	trap_hook[VECTOR] = page_here;
	trap_hook[TIMER] = tick;
	memset((void *)area, 0, 64);
	wrmsr(MSR_INT, VECTOR);
	if (!check(try_wrmsr(MSR_EN, GUEST_SCRATCH | flags) == VEC_NONE, "it is on"))
		return false;
	/* Stock KVM tells a guest that turns it on to look for all that it waits for. */
	open_window();
	delay(1000);
	open_window();
	here = 0;
	return true;
}

static void start_timer(u32 goal)
{
	tick_goal = goal;
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, TIMER | APIC_TIMER_PERIODIC);
	apic_write(APIC_TIMER_INITIAL, TICK);
}

/* Runs in the handler, in the place of another thread of the guest. */
static void until_here(void)
{
	sti_nop();
	give(0);
	wait_for(here, PATIENCE);
	cli();
}

GUEST_CASE(goes_on, SECTION, .flags = CASE_IRQCHIP)
{
	u32 value;

	if (!ready(EN | AS_INT | ALWAYS))
		return;
	meanwhile = until_here;
	sti_nop();
	value = PAGE(0)[0];
	cli();
	check(value == CONTENT(0), "the page (%x)", value);
	check(absent == 1 && absent_flags[0] == ABSENT, "told once that it is absent (%u)", absent);
	check(!absent_error[0], "by a #PF with error code 0 (%x)", absent_error[0]);
	check(here == 1, "told once that it is here (%u)", here);
	check(absent_token[0] && absent_token[0] == here_token[0], "the same token (%x, %x)",
	      absent_token[0], here_token[0]);
}

GUEST_CASE(for_writing, SECTION, .flags = CASE_IRQCHIP)
{
	if (!ready(EN | AS_INT | ALWAYS))
		return;
	meanwhile = until_here;
	sti_nop();
	PAGE(0)[1] = 1;
	cli();
	check(PAGE(0)[0] == CONTENT(0) && PAGE(0)[1] == 1, "the page, written");
	check(absent == 1 && here == 1, "told once of each");
}

/* Code at CPL 0 that did not ask for that is not disturbed, but its interrupts come. */
static void halts(void)
{
	u32 value;

	start_timer(10);
	sti_nop();
	value = PAGE(0)[0];
	cli();
	apic_write(APIC_TIMER_INITIAL, 0);
	check(value == CONTENT(0), "the page (%x)", value);
	check(ticks >= 10, "interrupts come while it is fetched (%u)", ticks);
	check(!absent && !here, "no more is told");
}

GUEST_CASE(in_the_kernel, SECTION, .flags = CASE_IRQCHIP)
{
	if (ready(EN | AS_INT))
		halts();
}

GUEST_CASE(not_asked_for, SECTION, .flags = CASE_IRQCHIP)
{
	if (ready(0))
		halts();
}

/* With an old event not read, there is no place for another. */
GUEST_CASE(flags_in_use, SECTION, .flags = CASE_IRQCHIP)
{
	if (!ready(EN | AS_INT | ALWAYS))
		return;
	area->flags = 2;
	halts();
	check(area->flags == 2, "and the flags stay");
}

GUEST_CASE(interrupts_off, SECTION, .flags = CASE_IRQCHIP)
{
	u32 value;

	if (!ready(EN | AS_INT | ALWAYS))
		return;
	value = PAGE(0)[0];
	check(value == CONTENT(0), "the page (%x)", value);
	check(!absent && !here && !area->flags && !area->token, "nothing is told");
}

static void second_waits(void)
{
	u32 count;

	if (depth++ == 0) {
		sti_nop();
		PAGE(1)[1] = 1;
		cli();
		return;
	}
	keep_token = true;
	give(1);
	give(0);
	sti_nop();
	wait_for(here == 1, PATIENCE);
	delay(2000);
	count = here;
	cli();
	check(count == 1, "the second waits until the first was read (%u)", count);
	take_token();
	sti_nop();
	wait_for(here == 2, PATIENCE);
	cli();
	take_token();
}

GUEST_CASE(one_at_a_time, SECTION, .flags = CASE_IRQCHIP)
{
	u32 value;

	if (!ready(EN | AS_INT | ALWAYS))
		return;
	meanwhile = second_waits;
	sti_nop();
	value = PAGE(0)[0];
	cli();
	check(value == CONTENT(0) && PAGE(1)[1] == 1, "both pages");
	check(absent == 2 && here == 2, "told twice of each (%u, %u)", absent, here);
	check(absent_token[0] != absent_token[1], "tokens differ");
	check((here_token[0] == absent_token[0] && here_token[1] == absent_token[1]) ||
	      (here_token[0] == absent_token[1] && here_token[1] == absent_token[0]),
	      "each came");
}

/* A guest that cannot do anything else asks again, and waits. */
static void only_give(void)
{
	tick_goal = ticks + 5;
}

GUEST_CASE(asks_again, SECTION, .flags = CASE_IRQCHIP)
{
	u32 value;

	if (!ready(EN | AS_INT | ALWAYS))
		return;
	meanwhile = only_give;
	start_timer(~0u);
	sti_nop();
	value = PAGE(0)[0];
	wait_for(here, PATIENCE);
	cli();
	apic_write(APIC_TIMER_INITIAL, 0);
	check(value == CONTENT(0), "the page (%x)", value);
	check(absent == 1, "told once that it is absent (%u)", absent);
	check(here == 1 && here_token[0] == absent_token[0], "and that it is here");
}

static void turn_off(void)
{
	wrmsr(MSR_EN, 0);
	sti_nop();
	give(0);
	delay(5000);
	cli();
}

GUEST_CASE(turned_off, SECTION, .flags = CASE_IRQCHIP)
{
	u32 value;

	if (!ready(EN | AS_INT | ALWAYS))
		return;
	meanwhile = turn_off;
	sti_nop();
	value = PAGE(0)[0];
	cli();
	check(value == CONTENT(0), "the page (%x)", value);
	check(absent == 1 && !here && !area->token, "nothing is told any more");
}

/* A guest that comes from another host waits for pages that are fetched there. */
GUEST_CASE(restored, SECTION, .flags = CASE_IRQCHIP)
{
	if (!ready(0))
		return;
	call_host(ASK_ENABLE, MSR_EN, GUEST_SCRATCH | EN | AS_INT, 0);
	sti_nop();
	wait_for(here, PATIENCE);
	cli();
	check(here == 1 && here_token[0] == ~0u, "all that wait shall look again (%x)",
	      here_token[0]);
	check(rdmsr(MSR_EN) == (GUEST_SCRATCH | EN | AS_INT), "the MSR is set");
}

GUEST_CASE(msrs, SECTION, .flags = CASE_IRQCHIP)
{
	u64 value;

	if (!ready(EN | AS_INT))
		return;
	check(try_wrmsr(MSR_EN, GUEST_SCRATCH | EN | 0x10) == VEC_GP, "bit 4 is reserved");
	check(try_wrmsr(MSR_EN, GUEST_SCRATCH | EN | 0x20) == VEC_GP, "bit 5 is reserved");
	check(try_wrmsr(MSR_EN, GUEST_SCRATCH | EN | AS_EXIT) == VEC_GP,
	      "no #PF as an exit of L2, which CPUID does not show");
	check(rdmsr(MSR_EN) == (GUEST_SCRATCH | EN | AS_INT), "which changes nothing");
	check(try_wrmsr(MSR_INT, 0x100) == VEC_GP && rdmsr(MSR_INT) == VECTOR,
	      "a vector has 8 bits");
	check(try_rdmsr(MSR_ACK, &value) == VEC_NONE && !value, "nothing to read in the third");
}

/* Nobody ever gives it the page: see the host half. */
GUEST_CASE(never_comes, SECTION, .flags = CASE_IRQCHIP)
{
	if (!ready(0))
		return;
	sti_nop();
	check(false, "a page that nobody gave (%x)", PAGE(0)[0]);
}

#else /* host half */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "guest_test.h"

#define PAGE_BYTES	4096ul
#define HELD_USEC	50000

static int uffd = -1;
static pthread_t watcher;

static void hold_back(struct vm *vm)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)vm->mem + PAGES, NPAGES * PAGE_BYTES },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (uffd >= 0)
		close(uffd);
	uffd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    madvise(vm->mem + PAGES, NPAGES * PAGE_BYTES, MADV_DONTNEED) ||
	    ioctl(uffd, UFFDIO_REGISTER, &range))
		vm_give_up("userfaultfd");
}

static void give(struct vm *vm, unsigned int number)
{
	static uint32_t content[PAGE_BYTES / 4] __attribute__((aligned(PAGE_BYTES)));
	struct uffdio_copy copy = {
		.dst = (uintptr_t)vm->mem + PAGES + number * PAGE_BYTES,
		.src = (uintptr_t)content, .len = PAGE_BYTES,
	};

	content[0] = CONTENT(number);
	if (ioctl(uffd, UFFDIO_COPY, &copy) && errno != EEXIST)
		vm_give_up("UFFDIO_COPY");
}

static uint64_t call(struct vcpu *vcpu, const uint64_t *args)
{
	if (args[0] == ASK_GIVE && args[1] < NPAGES)
		give(vcpu->vm, args[1]);
	else if (args[0] == ASK_ENABLE)
		vcpu_set_msr(vcpu, args[1], args[2]);
	return 0;
}

/* Waits until somebody misses the page. */
static void await_fault(void)
{
	struct pollfd fd = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	while (poll(&fd, 1, -1) != 1 || read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		;
	usleep(HELD_USEC);
}

static void *give_late(void *arg)
{
	await_fault();
	give(arg, 0);
	return NULL;
}

static void before_late(struct vm *vm)
{
	hold_back(vm);
	pthread_create(&watcher, NULL, give_late, vm);
}

static void after_late(struct vm *vm)
{
	pthread_join(watcher, NULL);
}

static void *end_case(void *arg)
{
	await_fault();
	host_end(arg);
	return NULL;
}

static void before_never(struct vm *vm)
{
	hold_back(vm);
	pthread_create(&watcher, NULL, end_case, vm);
}

/* The machine goes while the page is still awaited; nothing else does afterwards. */
static void after_never(struct vm *vm)
{
	pthread_join(watcher, NULL);
	host_check(vm, true, "the vCPU can be stopped while it waits");
}

const struct host_hook host_hooks[] = {
	{ "interrupts_off", .before = before_late, .after = after_late },
	{ "never_comes", .before = before_never, .after = after_never },
	{ HOOK_ANY, .before = hold_back, .call = call },
	{ 0 }
};
#endif /* GUEST */
