// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split irqchip: local APICs and message routes in the kernel, the PIC and
 * the I/O APIC in userspace.
 */
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "api.h"

#define VECTOR		0x61u
#define PIC_VECTOR	0x21u
#define HANDLER		0x3000u
#define PINS		24u
#define APIC_BASE	0xfee00000u
#define APIC_SPIV	0xf0u
#define APIC_LVT0	0x350u
#define APIC_IRR	0x200u
#define LVT_EXTINT	0x700u
#define LVT_MASKED	0x10000u
#define MSI_LEVEL	0x8000u

static struct machine m;
static struct kvm_run *run;
static int cpu;

static long enable(int vm, uint32_t cap, uint64_t arg, uint32_t flags)
{
	struct kvm_enable_cap args = { .cap = cap, .flags = flags, .args = { arg } };

	return call(vm, KVM_ENABLE_CAP, &args);
}

static uint32_t *reg(struct kvm_lapic_state *s, unsigned int offset)
{
	return (uint32_t *)(s->regs + offset);
}

static void test_creation(void)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_pit_config pit = { 0 };
	int vm = must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");
	int other = must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");
	int late = must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");

	is(enable(vm, KVM_CAP_SPLIT_IRQCHIP, 5000, 0), -EINVAL, "too many pins");
	is(enable(vm, KVM_CAP_SPLIT_IRQCHIP, PINS, 1), -EINVAL, "flags");
	is(enable(vm, KVM_CAP_SPLIT_IRQCHIP, PINS, 0), 0, "SPLIT_IRQCHIP");
	is(enable(vm, KVM_CAP_SPLIT_IRQCHIP, PINS, 0), -EEXIST, "again");
	is(call(vm, KVM_CREATE_IRQCHIP, NULL), -EEXIST, "CREATE_IRQCHIP after it");
	is(call(vm, KVM_GET_IRQCHIP, &chip), -ENXIO, "there is no I/O APIC to read");
	is(call(vm, KVM_SET_IRQCHIP, &chip), -ENXIO, "nor to write");
	is(call(vm, KVM_CREATE_PIT2, &pit), -ENOENT, "nor a PIC for a PIT");
	must(other, KVM_CREATE_IRQCHIP, NULL, "CREATE_IRQCHIP");
	is(enable(other, KVM_CAP_SPLIT_IRQCHIP, PINS, 0), -EEXIST, "after CREATE_IRQCHIP");
	close(must(late, KVM_CREATE_VCPU, NULL, "CREATE_VCPU"));
	is(enable(late, KVM_CAP_SPLIT_IRQCHIP, PINS, 0), -EEXIST, "after a vCPU");
	close(vm);
	close(other);
	close(late);
}

static void route(uint32_t gsi, uint32_t type, uint32_t data, long want, const char *what)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} table = { .head.nr = 1 };

	table.entry.gsi = gsi;
	table.entry.type = type;
	if (type == KVM_IRQ_ROUTING_MSI) {
		table.entry.u.msi.address_lo = APIC_BASE;
		table.entry.u.msi.data = data;
	}
	is(call(m.fd, KVM_SET_GSI_ROUTING, &table), want, "%s", what);
}

static void setup_apic(uint32_t lint0)
{
	struct kvm_lapic_state s;

	must(cpu, KVM_GET_LAPIC, &s, "GET_LAPIC");
	*reg(&s, APIC_SPIV) = 0x1ff;
	*reg(&s, APIC_LVT0) = lint0;
	must(cpu, KVM_SET_LAPIC, &s, "SET_LAPIC");
}

static bool requested(void)
{
	struct kvm_lapic_state s;

	must(cpu, KVM_GET_LAPIC, &s, "GET_LAPIC");
	return *reg(&s, APIC_IRR + (VECTOR / 32) * 16) & (1u << VECTOR % 32);
}

/* A real-mode handler at a vector. */
static void handler(unsigned int vector, const void *code, size_t size)
{
	uint16_t *slot = (uint16_t *)(m.mem + vector * 4);

	slot[0] = HANDLER;
	slot[1] = 0;
	memcpy(m.mem + HANDLER, code, size);
}

/* Pin 5 of userspace's I/O APIC is a level: its EOI comes out of KVM_RUN. */
static void test_eoi(void)
{
	/* movl $0,%ds:(EOI) needs more than 64 KiB, so x2APIC: wrmsr 0x80b; iret */
	static const uint8_t code[] = {
		0x66, 0xb9, 0x0b, 0x08, 0, 0, 0x66, 0x31, 0xc0, 0x66, 0x31, 0xd2,
		0x0f, 0x30, 0xf4,
	};
	struct kvm_irq_level line = { .irq = 5, .level = 1 };
	struct kvm_msrs msr = { .nmsrs = 1 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} base = { .head = msr, .entry = { .index = 0x1b, .data = APIC_BASE | 0xd00 } };

	route(5, KVM_IRQ_ROUTING_IRQCHIP, 0, -EINVAL, "a route to the PIC");
	route(5, KVM_IRQ_ROUTING_MSI, MSI_LEVEL | VECTOR, 0, "a level-triggered pin");
	is(call(cpu, KVM_SET_MSRS, &base), 1, "x2APIC mode");
	setup_apic(LVT_MASKED);
	handler(VECTOR, code, sizeof(code));
	is(call(m.fd, KVM_IRQ_LINE, &line), 0, "IRQ_LINE");
	tap_ok(requested(), "arrives as a message");
	/* sti; jmp . */
	CODE(&m, 0, 0xfb, 0xeb, 0xfe);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN to its end");
	is(run->exit_reason, KVM_EXIT_IOAPIC_EOI, "EXIT_IOAPIC_EOI");
	is(run->eoi.vector, VECTOR, "with the vector");
	tap_ok(!requested(), "nothing else is pending");

	route(5, KVM_IRQ_ROUTING_MSI, VECTOR, 0, "an edge-triggered pin");
	is(call(m.fd, KVM_IRQ_LINE, &line), 0, "IRQ_LINE");
	handler(VECTOR, "\x66\xb9\x0b\x08\0\0\x66\x31\xc0\x66\x31\xd2\x0f\x30\xe6\x70", 16);
	CODE(&m, 0, 0xfb, 0xeb, 0xfe);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN");
	is(run->exit_reason, KVM_EXIT_IO, "whose EOI is nobody's business");
}

static void test_pic(void)
{
	struct kvm_interrupt irq = { .irq = PIC_VECTOR };

	setup_apic(LVT_EXTINT);
	/* cli; out; sti; nop; jmp . */
	CODE(&m, 0, 0xfa, 0xe6, 0x70, 0xfb, 0x90, 0xeb, 0xfe);
	run->request_interrupt_window = 0;
	is(call(cpu, KVM_RUN, NULL), 0, "RUN with interrupts off");
	tap_ok(!run->ready_for_interrupt_injection, "not ready for the PIC's interrupt");
	run->request_interrupt_window = 1;
	is(call(cpu, KVM_RUN, NULL), 0, "RUN until it is");
	is(run->exit_reason, KVM_EXIT_IRQ_WINDOW_OPEN, "the window");
	tap_ok(run->ready_for_interrupt_injection, "ready now");
	run->request_interrupt_window = 0;
	/* out %al,$0x71 */
	handler(PIC_VECTOR, "\xe6\x71", 2);
	is(call(cpu, KVM_INTERRUPT, &irq), 0, "INTERRUPT");
	is(call(cpu, KVM_INTERRUPT, &irq), -EEXIST, "one at a time");
	is(call(cpu, KVM_RUN, NULL), 0, "RUN");
	tap_ok(run->exit_reason == KVM_EXIT_IO && run->io.port == 0x71, "its handler runs");
	setup_apic(LVT_MASKED);
	is(call(cpu, KVM_INTERRUPT, &irq), 0, "INTERRUPT while LINT0 is masked");
	/* sti; nop; out %al,$0x70 */
	CODE(&m, 0, 0xfb, 0x90, 0xe6, 0x70);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN");
	tap_ok(run->exit_reason == KVM_EXIT_IO && run->io.port == 0x70, "does not arrive");
}

static void test_eventfd(void)
{
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct kvm_irqfd args = { .fd = event, .gsi = 30 };
	struct kvm_lapic_state s;
	uint64_t one = 1;

	route(30, KVM_IRQ_ROUTING_MSI, VECTOR, 0, "a message");
	must(cpu, KVM_GET_LAPIC, &s, "GET_LAPIC");
	is(call(m.fd, KVM_IRQFD, &args), 0, "IRQFD");
	tap_ok(write(event, &one, sizeof(one)) == sizeof(one), "a signal");
	tap_ok(requested(), "is an interrupt");
	close(event);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	test_creation();
	api_create(&m, API_SPLIT | API_CPUID, 1);
	cpu = m.cpu[0];
	run = m.run[0];
	test_pic();
	test_eoi();
	test_eventfd();
	api_destroy(&m);
	return tap_done();
}
