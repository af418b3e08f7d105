// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls at the same time: a vCPU runs while other threads change memory, drive
 * lines and look at other vCPUs; a second RUN of the same vCPU waits its turn.
 */
#include <stdlib.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "api.h"

#define ROUNDS		200
#define RESULT		0x2f00u		/* the guest counts here */
#define FAR_AWAY	0x1000000ull

static struct machine m;

/* inc word cs:[RESULT]; jmp: a loop that touches memory and shows that it runs */
static void load_loop(unsigned int cpu)
{
	CODE(&m, cpu, 0x2e, 0xff, 0x06, 0x00, 0x2f, 0xeb, 0xf9);
}

static uint16_t counter(void)
{
	return *(volatile uint16_t *)(m.mem + RESULT);
}

static bool guest_moves(void)
{
	uint16_t before = counter();
	unsigned int i;

	for (i = 0; i < 200 && counter() == before; i++)
		api_sleep_ms(10);
	return counter() != before;
}

static void test_second_run(void)
{
	struct runner first, second;
	struct kvm_regs regs;

	load_loop(0);
	runner_start(&first, m.cpu[0]);
	tap_ok(guest_moves(), "the guest runs");
	runner_start(&second, m.cpu[0]);
	tap_ok(runner_waits(&second), "a second RUN waits");
	tap_ok(runner_waits(&first), "the first goes on");
	is(runner_stop(&first), -EINTR, "a signal ends the first");
	tap_ok(guest_moves(), "the second takes over");
	is(runner_stop(&second), -EINTR, "a signal ends the second");
	is(call(m.cpu[0], KVM_GET_REGS, &regs), 0, "the vCPU is free");
	tap_ok(regs.rip >= API_CODE && regs.rip < API_CODE + 7, "and in its loop");
}

static void test_memory(void)
{
	uint8_t *host = api_pages(16 * API_PAGE);
	struct runner r;
	long bad = 0;
	int i;

	runner_start(&r, m.cpu[0]);
	for (i = 0; i < ROUNDS && !bad; i++) {
		bad = api_slot(m.fd, 9, i & 1 ? KVM_MEM_LOG_DIRTY_PAGES : 0,
			       FAR_AWAY, 16 * API_PAGE, host);
		bad = bad ? bad : api_slot(m.fd, 9, 0, FAR_AWAY + API_PAGE, 16 * API_PAGE, host);
		bad = bad ? bad : api_slot(m.fd, 9, 0, 0, 0, NULL);
	}
	is(bad, 0, "slots come, move and go while the guest runs");
	for (i = 0; i < ROUNDS / 4 && !bad; i++)
		bad = api_slot(m.fd, 0, i & 1 ? 0 : KVM_MEM_LOG_DIRTY_PAGES, 0, API_MEM_SIZE,
			       m.mem);
	is(bad, 0, "the memory it runs in is logged and not logged");
	tap_ok(guest_moves(), "the guest runs on");
	is(runner_stop(&r), -EINTR, "until it is stopped");
}

static void test_other_vcpu(void)
{
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct runner r;
	long bad = 0;
	int i;

	runner_start(&r, m.cpu[0]);
	for (i = 0; i < ROUNDS && !bad; i++) {
		bad = call(m.cpu[1], KVM_GET_REGS, &regs);
		regs.rax = i;
		bad = bad ? bad : call(m.cpu[1], KVM_SET_REGS, &regs);
		bad = bad ? bad : call(m.cpu[1], KVM_GET_SREGS, &sregs);
		bad = bad ? bad : call(m.cpu[1], KVM_SET_SREGS, &sregs);
		bad = bad ? bad : call(m.cpu[1], KVM_GET_VCPU_EVENTS, &events);
	}
	is(bad, 0, "registers of another vCPU while one runs");
	must(m.cpu[1], KVM_GET_REGS, &regs, "GET_REGS");
	is(regs.rax, ROUNDS - 1, "they are what was set last");
	is(runner_stop(&r), -EINTR, "the one is stopped");
}

static void test_lines(void)
{
	struct kvm_irq_level line = { .irq = 9 };
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x71 };
	struct runner r;
	long bad = 0;
	int i;

	runner_start(&r, m.cpu[0]);
	for (i = 0; i < ROUNDS && bad >= 0; i++) {
		line.level = i & 1;
		bad = call(m.fd, KVM_IRQ_LINE, &line);
		bad = bad < 0 ? bad : call(m.fd, KVM_GET_IRQCHIP, &chip);
		bad = bad < 0 ? bad : call(m.fd, KVM_SIGNAL_MSI, &msi);
	}
	tap_ok(bad >= 0, "lines, messages and chips while the guest runs (%ld)", bad);
	tap_ok(guest_moves(), "the guest runs on");
	is(runner_stop(&r), -EINTR, "until it is stopped");
}

/* What a thread does again and again until told to stop. */
struct hammer {
	pthread_t thread;
	atomic_bool stop;
	int kind;
	long bad;
};

static long blow(int kind, int i, uint8_t *host)
{
	struct kvm_irq_level line = { .irq = 10, .level = i & 1 };
	int event;
	long ret;

	switch (kind) {
	case 0:
		ret = api_slot(m.fd, 11, 0, FAR_AWAY, API_PAGE, host);
		return ret ? ret : api_slot(m.fd, 11, 0, 0, 0, NULL);
	case 1:
		return call(m.fd, KVM_IRQ_LINE, &line);
	case 2:
		event = eventfd(0, EFD_CLOEXEC);
		ret = call(m.fd, KVM_IRQFD, &(struct kvm_irqfd){ .fd = event, .gsi = 10 });
		close(event);
		return ret;
	default:
		return call(m.cpu[1], KVM_GET_SREGS, host);
	}
}

static void *hammer_main(void *arg)
{
	struct hammer *h = arg;
	uint8_t *host = api_pages(API_PAGE);
	int i;

	for (i = 0; !atomic_load(&h->stop) && h->bad >= 0; i++)
		h->bad = blow(h->kind, i, host);
	return NULL;
}

static void test_all_at_once(void)
{
	struct hammer h[4] = { 0 };
	struct runner r;
	unsigned int i;

	runner_start(&r, m.cpu[0]);
	for (i = 0; i < COUNT(h); i++) {
		h[i].kind = i;
		if (pthread_create(&h[i].thread, NULL, hammer_main, &h[i]))
			api_give_up("pthread_create");
	}
	api_sleep_ms(1500);
	for (i = 0; i < COUNT(h); i++)
		atomic_store(&h[i].stop, true);
	for (i = 0; i < COUNT(h); i++) {
		pthread_join(h[i].thread, NULL);
		tap_ok(h[i].bad >= 0, "thread %u found nothing wrong (%ld)", i, h[i].bad);
	}
	tap_ok(guest_moves(), "the guest runs on");
	is(runner_stop(&r), -EINTR, "until it is stopped");
}

static void test_halted(void)
{
	struct kvm_mp_state state = { .mp_state = 99 };
	struct runner r;

	CODE(&m, 0, 0xfa, 0xf4);
	runner_start(&r, m.cpu[0]);
	tap_ok(runner_waits(&r), "HLT with interrupts off sleeps");
	is(runner_stop(&r), -EINTR, "a signal ends it");
	must(m.cpu[0], KVM_GET_MP_STATE, &state, "GET_MP_STATE");
	is(state.mp_state, KVM_MP_STATE_HALTED, "the vCPU is halted");
	runner_start(&r, m.cpu[1]);
	tap_ok(runner_waits(&r), "a vCPU that was not started sleeps");
	is(runner_stop(&r), -EINTR, "a signal ends it, too");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_IRQCHIP | API_CPUID, 2);
	test_second_run();
	test_memory();
	test_other_vcpu();
	test_lines();
	test_all_at_once();
	test_halted();
	api_destroy(&m);
	return tap_done();
}
