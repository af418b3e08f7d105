// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN: exits and what is in them, immediate_exit, signals and signal masks,
 * interrupts that userspace injects.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "api.h"

#define KERNEL_SIGSET	8
#define VECTOR		0x21
#define HANDLER		0x3000u

static struct machine m;
static struct kvm_run *run;
static int cpu;

static void test_exits(void)
{
	struct kvm_regs regs;

	/* in $0x60,%ax; hlt */
	CODE(&m, 0, 0xe5, 0x60, 0xf4);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN to an IN");
	tap_ok(run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_IN &&
	       run->io.size == 2 && run->io.port == 0x60 && run->io.count == 1,
	       "direction, size, port, count");
	tap_ok(run->io.data_offset + 2 <= m.run_size, "the data is in the map");
	memcpy((uint8_t *)run + run->io.data_offset, "\x34\x12", 2);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN with the answer");
	is(run->exit_reason, KVM_EXIT_HLT, "to HLT");
	must(cpu, KVM_GET_REGS, &regs, "GET_REGS");
	is(regs.rax & 0xffff, 0x1234, "the guest has it");
	is(regs.rip, API_CODE + 3, "RIP is behind HLT");
	/* mov 0x10,%ax; hlt: from the device */
	CODE(&m, 0, 0xa1, 0x10, 0x00, 0xf4);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN to a read of a device");
	tap_ok(run->exit_reason == KVM_EXIT_MMIO && !run->mmio.is_write && run->mmio.len == 2 &&
	       run->mmio.phys_addr == API_DEVICE + 0x10, "direction, length, address");
	memcpy(run->mmio.data, "\x78\x56", 2);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN with the answer");
	must(cpu, KVM_GET_REGS, &regs, "GET_REGS");
	is(regs.rax & 0xffff, 0x5678, "the guest has it");
	/* lidt 0: limit 0 of zeroed memory, then int3: nothing left but shutdown */
	CODE(&m, 0, 0x31, 0xc0, 0x8e, 0xd8, 0x0f, 0x01, 0x1e, 0x00, 0x02, 0xcc);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN to a triple fault");
	is(run->exit_reason, KVM_EXIT_SHUTDOWN, "is a shutdown");
}

static void test_immediate_exit(void)
{
	struct kvm_regs regs;

	CODE(&m, 0, 0xf4);
	run->immediate_exit = 1;
	is(call(cpu, KVM_RUN, NULL), -EINTR, "immediate_exit");
	must(cpu, KVM_GET_REGS, &regs, "GET_REGS");
	is(regs.rip, API_CODE, "nothing has run");
	/* movb $1,0; hlt: the write is complete only when RUN is called again */
	CODE(&m, 0, 0xc6, 0x06, 0x00, 0x00, 0x01, 0xf4);
	run->immediate_exit = 0;
	is(call(cpu, KVM_RUN, NULL), 0, "a write to a device");
	run->immediate_exit = 1;
	is(call(cpu, KVM_RUN, NULL), -EINTR, "immediate_exit completes it");
	must(cpu, KVM_GET_REGS, &regs, "GET_REGS");
	is(regs.rip, API_CODE + 5, "and nothing more");
	run->immediate_exit = 0;
	is(call(cpu, KVM_RUN, NULL), 0, "RUN");
	is(run->exit_reason, KVM_EXIT_HLT, "to HLT");
}

static void nothing(int signal)
{
	(void)signal;
}

/* SIGVTALRM after some processor time of ours, guest's included. */
static void alarm_ms(unsigned int ms)
{
	struct itimerval t = { .it_value.tv_usec = ms * 1000,
			       .it_interval.tv_usec = ms ? 50000 : 0 };
	struct sigaction act = { .sa_handler = nothing };

	sigaction(SIGVTALRM, &act, NULL);
	sigaction(SIGPROF, &act, NULL);
	setitimer(ITIMER_PROF, &t, NULL);
}

static long set_mask(uint32_t len, const uint64_t *set)
{
	struct {
		struct kvm_signal_mask head;
		uint64_t set;
	} __attribute__((__packed__)) mask = { .head.len = len, .set = set ? *set : 0 };

	return call(cpu, KVM_SET_SIGNAL_MASK, &mask);
}

static void test_signals(void)
{
	uint64_t all = ~0ull, none = 0, got = 0, profiling = 1ull << (SIGPROF - 1);

	CODE(&m, 0, 0xeb, 0xfe);
	alarm_ms(50);
	is(call(cpu, KVM_RUN, NULL), -EINTR, "a signal ends a loop of the guest");
	is(run->exit_reason, KVM_EXIT_INTR, "the exit says so");
	alarm_ms(0);
	is(set_mask(4, &all), -EINVAL, "SET_SIGNAL_MASK with a short set");
	is(set_mask(0, &all), -EINVAL, "SET_SIGNAL_MASK with none");
	is(set_mask(128, &all), -EINVAL, "SET_SIGNAL_MASK with a long set");
	is(call(cpu, KVM_SET_SIGNAL_MASK, BAD_POINTER), -EFAULT, "SET_SIGNAL_MASK from nowhere");

	/* Blocked outside, open inside: pending before RUN, it ends RUN. */
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &profiling, NULL, KERNEL_SIGSET);
	is(set_mask(KERNEL_SIGSET, &none), 0, "SET_SIGNAL_MASK: all open in the guest");
	raise(SIGPROF);
	is(call(cpu, KVM_RUN, NULL), -EINTR, "a signal that only the guest's mask lets in");
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &got, KERNEL_SIGSET);
	tap_ok(got & profiling, "the thread's own mask is back");
	syscall(SYS_rt_sigpending, &got, KERNEL_SIGSET);
	tap_ok(got & profiling, "the signal still waits outside");
	is(call(cpu, KVM_SET_SIGNAL_MASK, NULL), 0, "SET_SIGNAL_MASK NULL");
	CODE(&m, 0, 0xf4);
	is(call(cpu, KVM_RUN, NULL), 0, "without the mask the signal stays out");
	syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &profiling, NULL, KERNEL_SIGSET);

	/* The other way round. */
	is(set_mask(KERNEL_SIGSET, &profiling), 0, "SET_SIGNAL_MASK: one closed in the guest");
	is(call(cpu, KVM_SET_SIGNAL_MASK, NULL), 0, "and away with it");
}

static void install_handler(void)
{
	/* Real-mode vector table: offset, segment.  mov $7,%bl; iret */
	uint16_t *slot = (uint16_t *)(m.mem + VECTOR * 4);

	slot[0] = HANDLER;
	slot[1] = 0;
	memcpy(m.mem + HANDLER, "\xb3\x07\xcf", 3);
}

static void test_interrupt(void)
{
	struct kvm_interrupt irq = { .irq = VECTOR };
	struct kvm_regs regs;

	install_handler();
	/* lidt of the whole table: limit 0x3ff at 0; then sti; nop; cli; hlt */
	memcpy(m.mem + 0x200, "\xff\x03\x00\x00\x00\x00", 6);
	CODE(&m, 0, 0x31, 0xc0, 0x8e, 0xd8, 0x0f, 0x01, 0x1e, 0x00, 0x02, 0xf4, 0xfb, 0x90, 0xfa,
	     0xf4);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN to the first HLT");
	is(run->if_flag, 0, "interrupts are off");
	is(run->ready_for_interrupt_injection, 0, "no injection now");
	run->request_interrupt_window = 1;
	is(call(cpu, KVM_RUN, NULL), 0, "RUN until the window opens");
	is(run->exit_reason, KVM_EXIT_IRQ_WINDOW_OPEN, "the window is open");
	is(run->ready_for_interrupt_injection, 1, "ready for injection");
	run->request_interrupt_window = 0;
	is(call(cpu, KVM_INTERRUPT, &irq), 0, "INTERRUPT");
	is(call(cpu, KVM_INTERRUPT, &irq), -EEXIST, "INTERRUPT twice");
	irq.irq = 256;
	is(call(cpu, KVM_INTERRUPT, &irq), -EINVAL, "INTERRUPT 256");
	is(call(cpu, KVM_INTERRUPT, BAD_POINTER), -EFAULT, "INTERRUPT from nowhere");
	is(call(cpu, KVM_RUN, NULL), 0, "RUN to the last HLT");
	is(run->exit_reason, KVM_EXIT_HLT, "there it is");
	must(cpu, KVM_GET_REGS, &regs, "GET_REGS");
	is(regs.rbx & 0xff, 7, "the handler has run");
}

static void test_run_page(void)
{
	struct kvm_interrupt irq = { .irq = VECTOR };
	struct machine other;

	CODE(&m, 0, 0xf4);
	run->cr8 = 16;
	is(call(cpu, KVM_RUN, NULL), -EINVAL, "a CR8 that cannot be, in the run page");
	run->cr8 = 3;
	is(call(cpu, KVM_RUN, NULL), 0, "one that can");
	is(run->cr8, 3, "is still there");
	run->cr8 = 0;
	api_create(&other, API_IRQCHIP, 1);
	is(call(other.cpu[0], KVM_INTERRUPT, &irq), -ENXIO, "INTERRUPT with irqchip");
	api_destroy(&other);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_CPUID, 1);
	cpu = m.cpu[0];
	run = m.run[0];
	test_exits();
	api_destroy(&m);
	api_create(&m, API_CPUID, 1);
	cpu = m.cpu[0];
	run = m.run[0];
	test_immediate_exit();
	test_signals();
	test_interrupt();
	test_run_page();
	api_destroy(&m);
	return tap_done();
}
