// SPDX-License-Identifier: GPL-2.0-only
/*
 * IRQFD and IOEVENTFD: each does what it is for, each refusal, and eventfds
 * that are closed while in use.
 */
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "api.h"

#define GSI		7u
#define VECTOR		0x61u
#define APIC_SPIV	0xf0
#define APIC_IRR	0x200
#define PORT		0x510u

static struct machine m;

static int new_event(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		api_give_up("eventfd");
	return fd;
}

static void signal_event(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		api_give_up("write to an eventfd");
}

/* How often it was signalled since the last look. */
static uint64_t signals(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static uint32_t *apic_reg(struct kvm_lapic_state *s, unsigned int offset)
{
	return (uint32_t *)(s->regs + offset);
}

static void prepare(void)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_lapic_state s;

	must(m.fd, KVM_GET_IRQCHIP, &chip, "GET_IRQCHIP");
	chip.chip.ioapic.redirtbl[GSI].bits = VECTOR;
	must(m.fd, KVM_SET_IRQCHIP, &chip, "SET_IRQCHIP");
	must(m.cpu[0], KVM_GET_LAPIC, &s, "GET_LAPIC");
	*apic_reg(&s, APIC_SPIV) = 0x1ff;
	must(m.cpu[0], KVM_SET_LAPIC, &s, "SET_LAPIC");
}

static bool requested(void)
{
	struct kvm_lapic_state s;
	uint32_t *irr;
	bool yes;

	must(m.cpu[0], KVM_GET_LAPIC, &s, "GET_LAPIC");
	irr = apic_reg(&s, APIC_IRR + (VECTOR / 32) * 16);
	yes = *irr & (1u << VECTOR % 32);
	*irr = 0;
	must(m.cpu[0], KVM_SET_LAPIC, &s, "SET_LAPIC");
	return yes;
}

static long irqfd(int fd, uint32_t gsi, uint32_t flags, int resample)
{
	struct kvm_irqfd args = { .fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resample };

	return call(m.fd, KVM_IRQFD, &args);
}

static void test_irqfd(void)
{
	int event = new_event();

	is(irqfd(event, GSI, 0, 0), 0, "IRQFD");
	tap_ok(!requested(), "no interrupt yet");
	signal_event(event);
	tap_ok(requested(), "a signal is an interrupt");
	is(signals(event), 0, "which took the signal away");
	is(irqfd(event, GSI, 0, 0), -EBUSY, "the same eventfd twice");
	is(irqfd(event, GSI + 1, 0, 0), -EBUSY, "the same eventfd for another GSI");
	is(irqfd(event, GSI + 1, KVM_IRQFD_FLAG_DEASSIGN, 0), 0, "deassigning another GSI");
	signal_event(event);
	tap_ok(requested(), "leaves this one");
	is(irqfd(event, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0, "deassigning it");
	signal_event(event);
	tap_ok(!requested(), "no interrupt any more");
	is(signals(event), 1, "the eventfd is ours again");
	signal_event(event);
	is(irqfd(event, GSI, 0, 0), 0, "IRQFD with a signal that waits");
	tap_ok(requested(), "is an interrupt at once");
	close(event);
	event = new_event();
	is(irqfd(event, GSI, 0, 0), 0, "another eventfd after the first was closed");
	signal_event(event);
	tap_ok(requested(), "works");
	close(event);
}

static void test_irqfd_refusals(void)
{
	int event = new_event();

	is(irqfd(-1, GSI, 0, 0), -EBADF, "IRQFD of no file");
	is(irqfd(1, GSI, 0, 0), -EINVAL, "IRQFD of a file that is no eventfd");
	is(irqfd(m.fd, GSI, 0, 0), -EINVAL, "IRQFD of the VM itself");
	is(irqfd(event, GSI, 4, 0), -EINVAL, "an unknown flag");
	is(irqfd(event, 4096, 0, 0), -EINVAL, "a GSI too high");
	is(irqfd(event, ~0u, 0, 0), -EINVAL, "GSI -1");
	is(irqfd(event, GSI, KVM_IRQFD_FLAG_RESAMPLE, -1), -EBADF, "resampling of no file");
	is(irqfd(event, GSI, KVM_IRQFD_FLAG_RESAMPLE, m.fd), -EINVAL,
	   "resampling of a file that is no eventfd");
	is(irqfd(-1, GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), -EBADF, "deassigning no file");
	is(call(m.fd, KVM_IRQFD, BAD_POINTER), -EFAULT, "IRQFD from nowhere");
	signal_event(event);
	tap_ok(!requested(), "none of these is in effect");
	close(event);
}

static long ioeventfd(int fd, uint64_t addr, uint32_t len, uint32_t flags, uint64_t match)
{
	struct kvm_ioeventfd args = {
		.fd = fd, .addr = addr, .len = len, .flags = flags, .datamatch = match,
	};

	return call(m.fd, KVM_IOEVENTFD, &args);
}

#define PIO		KVM_IOEVENTFD_FLAG_PIO
#define MATCH		KVM_IOEVENTFD_FLAG_DATAMATCH
#define DEASSIGN	KVM_IOEVENTFD_FLAG_DEASSIGN

/* mov $PORT,%dx; mov $0x42,%al; out %al,%dx; mov $0x43,%al; out %al,%dx; hlt */
static unsigned int run_ports(void)
{
	unsigned int exits = 0;

	CODE(&m, 0, 0xba, 0x10, 0x05, 0xb0, 0x42, 0xee, 0xb0, 0x43, 0xee, 0xb0, 0x00, 0xe6, 0x80);
	for (;;) {
		if (call(m.cpu[0], KVM_RUN, NULL) || m.run[0]->exit_reason != KVM_EXIT_IO)
			api_give_up("a guest that writes to ports");
		if (m.run[0]->io.port == 0x80)
			return exits;
		exits++;
	}
}

static void test_ioeventfd_ports(void)
{
	int event = new_event(), other = new_event();

	is(run_ports(), 2, "two writes are two exits");
	is(ioeventfd(event, PORT, 1, PIO, 0), 0, "IOEVENTFD");
	is(run_ports(), 0, "no exit now");
	is(signals(event), 2, "two signals instead");
	is(ioeventfd(other, PORT, 1, PIO, 0), -EEXIST, "the same port twice");
	is(ioeventfd(other, PORT, 1, PIO | MATCH, 0x42), -EEXIST, "a part of it");
	is(ioeventfd(other, PORT, 1, PIO | DEASSIGN, 0), -ENOENT, "deassigning another eventfd");
	is(ioeventfd(event, PORT, 2, PIO | DEASSIGN, 0), -ENOENT, "deassigning another width");
	is(ioeventfd(event, PORT, 1, DEASSIGN, 0), -ENOENT, "deassigning it from memory space");
	is(ioeventfd(event, PORT, 1, PIO | DEASSIGN, 0), 0, "deassigning it");
	is(run_ports(), 2, "exits again");
	is(ioeventfd(event, PORT, 1, PIO | MATCH, 0x42), 0, "one value only");
	is(run_ports(), 1, "one exit");
	is(signals(event), 1, "and one signal");
	is(ioeventfd(other, PORT, 1, PIO | MATCH, 0x43), 0, "the other value to another eventfd");
	is(run_ports(), 0, "no exit");
	tap_ok(signals(event) == 1 && signals(other) == 1, "a signal each");
	is(ioeventfd(event, PORT, 1, PIO | MATCH | DEASSIGN, 0x43), -ENOENT,
	   "deassigning another value");
	close(event);
	is(run_ports(), 0, "a closed eventfd still takes its writes");
	is(signals(other), 1, "and the other its own");
	is(ioeventfd(other, PORT, 1, PIO | MATCH | DEASSIGN, 0x43), 0, "deassigning the other");
	close(other);
}

/* movb $1,0; movw $1,0; hlt: DS is at API_DEVICE */
static unsigned int run_memory(void)
{
	unsigned int exits = 0;

	CODE(&m, 0, 0xc6, 0x06, 0x00, 0x00, 0x01, 0xc7, 0x06, 0x00, 0x00, 0x01, 0x00, 0xe6, 0x80);
	for (;;) {
		if (call(m.cpu[0], KVM_RUN, NULL))
			api_give_up("a guest that writes to devices");
		if (m.run[0]->exit_reason != KVM_EXIT_MMIO)
			return exits;
		exits++;
	}
}

static void test_ioeventfd_memory(void)
{
	int event = new_event();

	is(run_memory(), 2, "two writes are two exits");
	is(ioeventfd(event, API_DEVICE, 2, 0, 0), 0, "IOEVENTFD in memory space");
	is(run_memory(), 1, "the other width exits");
	is(signals(event), 1, "this one signals");
	is(ioeventfd(event, API_DEVICE, 2, DEASSIGN, 0), 0, "deassigned");
	is(ioeventfd(event, API_DEVICE, 0, 0, 0), 0, "any width");
	is(run_memory(), 0, "no exit");
	is(signals(event), 2, "two signals");
	is(ioeventfd(event, API_DEVICE, 4, 0, 0), -EEXIST, "a width of it");
	is(ioeventfd(event, API_DEVICE, 0, DEASSIGN, 0), 0, "deassigned");
	close(event);
}

static void test_ioeventfd_refusals(void)
{
	int event = new_event();

	is(ioeventfd(-1, PORT, 1, PIO, 0), -EBADF, "IOEVENTFD of no file");
	is(ioeventfd(1, PORT, 1, PIO, 0), -EINVAL, "IOEVENTFD of a file that is no eventfd");
	is(ioeventfd(event, PORT, 3, PIO, 0), -EINVAL, "a width that is none");
	is(ioeventfd(event, PORT, 16, PIO, 0), -EINVAL, "a width too large");
	is(ioeventfd(event, PORT, 0, PIO | MATCH, 0), -EINVAL, "any width and one value");
	is(ioeventfd(event, PORT, 1, 1u << 31, 0), -EINVAL, "an unknown flag");
	is(ioeventfd(event, ~0ull, 8, 0, 0), -EINVAL, "an address that wraps");
	is(ioeventfd(event, PORT, 1, PIO | DEASSIGN, 0), -ENOENT, "deassigning what is not there");
	is(call(m.fd, KVM_IOEVENTFD, BAD_POINTER), -EFAULT, "IOEVENTFD from nowhere");
	close(event);
}

static void test_vm_goes_first(void)
{
	int event = new_event(), other = new_event();

	is(irqfd(event, GSI, 0, 0), 0, "an irqfd");
	is(ioeventfd(other, PORT + 8, 1, PIO, 0), 0, "an ioeventfd");
	api_destroy(&m);
	signal_event(event);
	is(signals(event), 1, "when the VM is gone the eventfd is an eventfd");
	close(event);
	close(other);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_IRQCHIP | API_CPUID, 1);
	prepare();
	test_irqfd();
	test_irqfd_refusals();
	test_ioeventfd_ports();
	test_ioeventfd_memory();
	test_ioeventfd_refusals();
	test_vm_goes_first();
	return tap_done();
}
