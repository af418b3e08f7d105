// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controllers and the PIT: creation, their state, lines,
 * messages, and what each refuses without them.
 */
#include <sys/ioctl.h>

#include "api.h"

#define APIC_SPIV	0xf0
#define APIC_TPR	0x80
#define APIC_LVT0	0x350
#define APIC_LVTT	0x320
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0
#define APIC_IRR	0x200
#define VECTOR		0x51u
#define MSI_WINDOW	0xfee00000u

static struct machine m;

static void test_without(void)
{
	struct kvm_irq_level line = { .irq = 3, .level = 1 };
	struct kvm_reinject_control reinject = { .pit_reinject = 1 };
	struct kvm_irqchip chip = { 0 };
	struct kvm_pit_config config = { 0 };
	struct kvm_pit_state2 pit = { 0 };
	struct kvm_irq_routing routing = { 0 };
	struct kvm_lapic_state lapic = { 0 };
	struct kvm_msi msi = { .address_lo = MSI_WINDOW, .data = VECTOR };
	struct kvm_irqfd irqfd = { .gsi = 3 };

	is(call(m.fd, KVM_IRQ_LINE, &line), -ENXIO, "IRQ_LINE without irqchip");
	is(call(m.fd, KVM_IRQ_LINE_STATUS, &line), -ENXIO, "IRQ_LINE_STATUS without irqchip");
	is(call(m.fd, KVM_GET_IRQCHIP, &chip), -ENXIO, "GET_IRQCHIP without irqchip");
	is(call(m.fd, KVM_SET_IRQCHIP, &chip), -ENXIO, "SET_IRQCHIP without irqchip");
	is(call(m.fd, KVM_CREATE_PIT2, &config), -ENOENT, "CREATE_PIT2 without irqchip");
	is(call(m.fd, KVM_CREATE_PIT, NULL), -ENOENT, "CREATE_PIT without irqchip");
	is(call(m.fd, KVM_GET_PIT2, &pit), -ENXIO, "GET_PIT2 without PIT");
	is(call(m.fd, KVM_SET_PIT2, &pit), -ENXIO, "SET_PIT2 without PIT");
	is(call(m.fd, KVM_REINJECT_CONTROL, &reinject), -ENXIO, "REINJECT_CONTROL without PIT");
	is(call(m.fd, KVM_SET_GSI_ROUTING, &routing), -EINVAL, "SET_GSI_ROUTING without irqchip");
	is(call(m.fd, KVM_SIGNAL_MSI, &msi), -EINVAL, "SIGNAL_MSI without irqchip");
	is(call(m.fd, KVM_IRQFD, &irqfd), -EINVAL, "IRQFD without irqchip");
	is(call(m.cpu[0], KVM_GET_LAPIC, &lapic), -EINVAL, "GET_LAPIC without irqchip");
	is(call(m.cpu[0], KVM_SET_LAPIC, &lapic), -EINVAL, "SET_LAPIC without irqchip");
}

static void test_create(void)
{
	struct kvm_pit_config config = { .flags = 2 };
	int vm = must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");

	is(call(vm, KVM_CREATE_IRQCHIP, NULL), 0, "CREATE_IRQCHIP");
	is(call(vm, KVM_CREATE_IRQCHIP, NULL), -EEXIST, "CREATE_IRQCHIP twice");
	is(call(vm, KVM_CREATE_PIT2, &config), -EINVAL, "CREATE_PIT2 with an unknown flag");
	is(call(vm, KVM_CREATE_PIT2, BAD_POINTER), -EFAULT, "CREATE_PIT2 from nowhere");
	config.flags = KVM_PIT_SPEAKER_DUMMY;
	is(call(vm, KVM_CREATE_PIT2, &config), 0, "CREATE_PIT2");
	is(call(vm, KVM_CREATE_PIT2, &config), -EEXIST, "CREATE_PIT2 twice");
	is(call(vm, KVM_CREATE_PIT, NULL), -EEXIST, "CREATE_PIT after it");
}

static void test_chips(void)
{
	struct kvm_irqchip set, got;
	unsigned int i;

	for (i = 0; i <= KVM_IRQCHIP_IOAPIC; i++) {
		memset(&set, 0, sizeof(set));
		set.chip_id = i;
		is(call(m.fd, KVM_GET_IRQCHIP, &set), 0, "GET_IRQCHIP %u", i);
		if (i == KVM_IRQCHIP_IOAPIC) {
			set.chip.ioapic.redirtbl[5].bits = 0x0100000000010000ull | VECTOR;
			set.chip.ioapic.id = 3;
			set.chip.ioapic.ioregsel = 0x1a;
		} else {
			set.chip.pic.irq_base = 0x30 + 8 * i;
			set.chip.pic.imr = 0xfe;
			set.chip.pic.elcr = 0x08;
		}
		is(call(m.fd, KVM_SET_IRQCHIP, &set), 0, "SET_IRQCHIP %u", i);
		memset(&got, 0, sizeof(got));
		got.chip_id = i;
		must(m.fd, KVM_GET_IRQCHIP, &got, "GET_IRQCHIP");
		is(memcmp(&set, &got, sizeof(set)), 0, "IRQCHIP %u: got what was set", i);
	}
	set.chip.ioapic.base_address = 0xfec10000;
	is(call(m.fd, KVM_SET_IRQCHIP, &set), -EINVAL, "an IOAPIC at another address");
	set.chip_id = KVM_NR_IRQCHIPS;
	is(call(m.fd, KVM_GET_IRQCHIP, &set), -EINVAL, "GET_IRQCHIP of a chip that is not there");
	is(call(m.fd, KVM_SET_IRQCHIP, &set), -EINVAL, "SET_IRQCHIP of a chip that is not there");
	is(call(m.fd, KVM_GET_IRQCHIP, BAD_POINTER), -EFAULT, "GET_IRQCHIP to nowhere");
	is(call(m.fd, KVM_SET_IRQCHIP, BAD_POINTER), -EFAULT, "SET_IRQCHIP from nowhere");
}

static void test_pit(void)
{
	struct kvm_reinject_control reinject = { .pit_reinject = 0 };
	struct kvm_pit_state2 set, got;

	is(call(m.fd, KVM_GET_PIT2, &set), 0, "GET_PIT2");
	set.channels[2].count = 0x1234;
	set.channels[2].mode = 3;
	set.channels[2].rw_mode = 3;
	is(call(m.fd, KVM_SET_PIT2, &set), 0, "SET_PIT2");
	must(m.fd, KVM_GET_PIT2, &got, "GET_PIT2");
	tap_ok(got.channels[2].count == 0x1234 && got.channels[2].mode == 3 &&
	       got.channels[2].rw_mode == 3 && got.flags == set.flags, "PIT2: got what was set");
	set.channels[0].mode = 0xff;
	set.channels[1].rw_mode = 0xff;
	set.channels[2].read_state = 0xff;
	set.channels[2].count = ~0u;
	call(m.fd, KVM_SET_PIT2, &set);
	is(call(m.fd, KVM_GET_PIT2, &got), 0, "GET_PIT2 after nonsense");
	set = got;
	set.flags = 1u << 31;
	is(call(m.fd, KVM_SET_PIT2, &set), -EINVAL, "an unknown flag of PIT2");
	is(call(m.fd, KVM_GET_PIT2, BAD_POINTER), -EFAULT, "GET_PIT2 to nowhere");
	is(call(m.fd, KVM_SET_PIT2, BAD_POINTER), -EFAULT, "SET_PIT2 from nowhere");
	is(call(m.fd, KVM_REINJECT_CONTROL, &reinject), 0, "REINJECT_CONTROL off");
	reinject.pit_reinject = 1;
	is(call(m.fd, KVM_REINJECT_CONTROL, &reinject), 0, "REINJECT_CONTROL on");
	is(call(m.fd, KVM_REINJECT_CONTROL, BAD_POINTER), -EFAULT, "REINJECT_CONTROL from nowhere");
}

static uint32_t *apic_reg(struct kvm_lapic_state *s, unsigned int offset)
{
	return (uint32_t *)(s->regs + offset);
}

static void test_lapic(void)
{
	struct kvm_lapic_state set, got;
	int cpu = m.cpu[0];

	is(call(cpu, KVM_GET_LAPIC, &set), 0, "GET_LAPIC");
	*apic_reg(&set, APIC_SPIV) = 0x1ff;
	*apic_reg(&set, APIC_TPR) = 0x20;
	*apic_reg(&set, APIC_LVT0) = 0x700;
	*apic_reg(&set, APIC_TDCR) = 0xb;
	*apic_reg(&set, APIC_IRR + 0x20) = 1u << 5;
	is(call(cpu, KVM_SET_LAPIC, &set), 0, "SET_LAPIC");
	must(cpu, KVM_GET_LAPIC, &got, "GET_LAPIC");
	tap_ok(*apic_reg(&got, APIC_SPIV) == 0x1ff && *apic_reg(&got, APIC_TPR) == 0x20 &&
	       *apic_reg(&got, APIC_LVT0) == 0x700 && *apic_reg(&got, APIC_TDCR) == 0xb,
	       "LAPIC: got the registers that were set");
	is(*apic_reg(&got, APIC_IRR + 0x20), 1u << 5, "LAPIC: the request too");
	is(call(cpu, KVM_SET_LAPIC, &got), 0, "what was got can be set");
	must(cpu, KVM_GET_LAPIC, &set, "GET_LAPIC");
	is(memcmp(&set, &got, sizeof(set)), 0, "LAPIC: the same page twice");
	memset(&set, 0xff, sizeof(set));
	call(cpu, KVM_SET_LAPIC, &set);
	is(call(cpu, KVM_GET_LAPIC, &set), 0, "GET_LAPIC after nonsense");
	*apic_reg(&got, APIC_IRR + 0x20) = 0;
	is(call(cpu, KVM_SET_LAPIC, &got), 0, "SET_LAPIC to what it was");
	is(call(cpu, KVM_GET_LAPIC, BAD_POINTER), -EFAULT, "GET_LAPIC to nowhere");
	is(call(cpu, KVM_SET_LAPIC, BAD_POINTER), -EFAULT, "SET_LAPIC from nowhere");
}

/* Is VECTOR requested in vCPU 0's APIC? Takes the request away. */
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

/* Puts a timer that was counting into the APIC, as QEMU does; what is in it then. */
static void put_timer(uint32_t lvtt, uint32_t initial, uint32_t current,
		      struct kvm_lapic_state *got)
{
	memset(got, 0, sizeof(*got));
	*apic_reg(got, APIC_SPIV) = 0x1ff;
	*apic_reg(got, APIC_LVTT) = lvtt;
	*apic_reg(got, APIC_TDCR) = 0xa;
	*apic_reg(got, APIC_TMICT) = initial;
	*apic_reg(got, APIC_TMCCT) = current;
	must(m.cpu[0], KVM_SET_LAPIC, got, "SET_LAPIC");
	must(m.cpu[0], KVM_GET_LAPIC, got, "GET_LAPIC");
}

/* QEMU never tells the current count. A count of all ones divided by 128 takes minutes. */
static void test_timer_restored(void)
{
	const uint32_t periodic = 1u << 17, masked = 1u << 16, many = 0xffffffff;
	struct kvm_lapic_state s, before;

	must(m.cpu[0], KVM_GET_LAPIC, &before, "GET_LAPIC");
	put_timer(VECTOR, many, many / 2, &s);
	tap_ok(*apic_reg(&s, APIC_TMCCT) && *apic_reg(&s, APIC_TMCCT) <= many / 2,
	       "a one-shot timer goes on from its count (%x)", *apic_reg(&s, APIC_TMCCT));
	tap_ok(!requested(), "and its interrupt has not come");
	put_timer(VECTOR, many, 0, &s);
	is(*apic_reg(&s, APIC_TMCCT), 0, "one whose count is 0 has run out");
	tap_ok(requested(), "and its interrupt comes");
	tap_ok(!requested(), "once: what was got knows that it has come");
	put_timer(masked | VECTOR, many, 0, &s);
	tap_ok(!requested(), "not when it is masked");
	put_timer(VECTOR, 0, 0, &s);
	tap_ok(!requested(), "nor of a timer that was never started");
	put_timer(periodic | VECTOR, many, 0, &s);
	tap_ok(*apic_reg(&s, APIC_TMCCT), "a periodic one without a count begins its period");
	tap_ok(!requested(), "at whose end its interrupt comes");
	must(m.cpu[0], KVM_SET_LAPIC, &before, "SET_LAPIC");
}

static void route_line_5(void)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	must(m.fd, KVM_GET_IRQCHIP, &chip, "GET_IRQCHIP");
	chip.chip.ioapic.redirtbl[5].bits = VECTOR;
	must(m.fd, KVM_SET_IRQCHIP, &chip, "SET_IRQCHIP");
}

static void test_lines(void)
{
	struct kvm_irq_level line = { .irq = 5, .level = 1 };

	route_line_5();
	requested();
	is(call(m.fd, KVM_IRQ_LINE_STATUS, &line), 0, "line 5 rises");
	is(line.status, 1, "it was delivered");
	tap_ok(requested(), "the APIC has the request");
	line = (struct kvm_irq_level){ .irq = 5, .level = 0 };
	is(call(m.fd, KVM_IRQ_LINE, &line), 0, "line 5 falls");
	tap_ok(!requested(), "no request from that");
	line.level = 1;
	is(call(m.fd, KVM_IRQ_LINE, &line), 0, "it rises again");
	tap_ok(requested(), "and again a request");
	line = (struct kvm_irq_level){ .irq = 100000, .level = 1 };
	tap_ok(call(m.fd, KVM_IRQ_LINE, &line) <= 0, "a line that is not there does no harm");
	is(call(m.fd, KVM_IRQ_LINE, BAD_POINTER), -EFAULT, "IRQ_LINE from nowhere");
	is(call(m.fd, KVM_IRQ_LINE_STATUS, BAD_POINTER), -EFAULT, "IRQ_LINE_STATUS from nowhere");
}

static void test_msi(void)
{
	struct kvm_msi msi = { .address_lo = MSI_WINDOW, .data = VECTOR };

	is(call(m.fd, KVM_SIGNAL_MSI, &msi), 1, "SIGNAL_MSI");
	tap_ok(requested(), "the APIC has the request");
	msi.address_lo = 0;
	is(call(m.fd, KVM_SIGNAL_MSI, &msi), 1, "the address without the window's, as QEMU has it");
	tap_ok(requested(), "the APIC has that, too");
	msi.address_lo = MSI_WINDOW | 0x77 << 12;
	is(call(m.fd, KVM_SIGNAL_MSI, &msi), 0, "an APIC that is not there");
	tap_ok(!requested(), "no request from that");
	msi.address_lo = MSI_WINDOW;
	msi.flags = 1u << 31;
	is(call(m.fd, KVM_SIGNAL_MSI, &msi), -EINVAL, "flags of SIGNAL_MSI");
	is(call(m.fd, KVM_SIGNAL_MSI, BAD_POINTER), -EFAULT, "SIGNAL_MSI from nowhere");
}

struct table {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entry[3];
};

static void msi_route(struct kvm_irq_routing_entry *e, uint32_t gsi)
{
	memset(e, 0, sizeof(*e));
	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_MSI;
	e->u.msi.address_lo = MSI_WINDOW;
	e->u.msi.data = VECTOR;
}

static void chip_route(struct kvm_irq_routing_entry *e, uint32_t gsi, uint32_t chip, uint32_t pin)
{
	memset(e, 0, sizeof(*e));
	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_IRQCHIP;
	e->u.irqchip.irqchip = chip;
	e->u.irqchip.pin = pin;
}

static void test_bad_routes(void)
{
	struct table t = { .head.nr = 1 };

	chip_route(t.entry, 0, KVM_IRQCHIP_IOAPIC, 24);
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL, "a pin that the IOAPIC has not");
	chip_route(t.entry, 0, KVM_IRQCHIP_PIC_MASTER, 8);
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL, "a pin that the PIC has not");
	chip_route(t.entry, 0, KVM_NR_IRQCHIPS, 0);
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL, "a chip that is not there");
	chip_route(t.entry, 4096, KVM_IRQCHIP_IOAPIC, 1);
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL, "a GSI too high");
	msi_route(t.entry, 1);
	t.entry[0].type = 99;
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL, "an unknown type");
	chip_route(t.entry, 1, KVM_IRQCHIP_IOAPIC, 1);
	t.entry[0].flags = 1;
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL, "flags of a chip's entry");
	t.head.nr = 2;
	msi_route(&t.entry[0], 1);
	msi_route(&t.entry[1], 1);
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL, "one GSI, two messages");
	t.head.flags = 1;
	t.head.nr = 0;
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL, "flags of the table");
	t.head.flags = 0;
	t.head.nr = 4097;
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), -EINVAL, "too many entries");
	is(call(m.fd, KVM_SET_GSI_ROUTING, BAD_POINTER), -EFAULT, "a table from nowhere");
}

static void test_routing(void)
{
	struct kvm_irq_level line = { .irq = 5, .level = 0 };
	struct table t = { .head.nr = 2 };

	must(m.fd, KVM_IRQ_LINE, &line, "IRQ_LINE");
	test_bad_routes();
	line.level = 1;
	must(m.fd, KVM_IRQ_LINE, &line, "IRQ_LINE");
	tap_ok(requested(), "refused tables left the old one in place");
	line.level = 0;
	must(m.fd, KVM_IRQ_LINE, &line, "IRQ_LINE");
	msi_route(&t.entry[0], 40);
	chip_route(&t.entry[1], 41, KVM_IRQCHIP_IOAPIC, 5);
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), 0, "a new table");
	line = (struct kvm_irq_level){ .irq = 40, .level = 1 };
	is(call(m.fd, KVM_IRQ_LINE_STATUS, &line), 0, "its message's GSI");
	tap_ok(line.status == 1 && requested(), "is delivered");
	line = (struct kvm_irq_level){ .irq = 41, .level = 1 };
	call(m.fd, KVM_IRQ_LINE, &line);
	tap_ok(requested(), "its chip's GSI is delivered");
	line = (struct kvm_irq_level){ .irq = 5, .level = 1 };
	call(m.fd, KVM_IRQ_LINE, &line);
	tap_ok(!requested(), "a GSI without a route goes nowhere");
	t.head.nr = 0;
	is(call(m.fd, KVM_SET_GSI_ROUTING, &t), 0, "an empty table");
	line = (struct kvm_irq_level){ .irq = 40, .level = 1 };
	call(m.fd, KVM_IRQ_LINE, &line);
	tap_ok(!requested(), "nothing is delivered any more");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, 0, 1);
	test_without();
	api_destroy(&m);
	test_create();
	api_create(&m, API_IRQCHIP | API_PIT | API_CPUID, 1);
	test_chips();
	test_pit();
	test_lapic();
	test_timer_restored();
	test_lines();
	test_msi();
	test_routing();
	api_destroy(&m);
	return tap_done();
}
