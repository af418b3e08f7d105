// SPDX-License-Identifier: GPL-2.0-only
/* Random numbers of ioctl_fuzz, and arguments that an ioctl may well take */
#include <linux/kvm.h>

#include "fuzz.h"

#define SLOTS	6

/* xorshift64*: repeatable, and good enough to be unexpected */
uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

uint32_t below(struct hand *h, uint32_t limit)
{
	return (draw(&h->random) >> 32) % limit;
}

int event_of(struct hand *h)
{
	return atomic_load(&h->world->event[below(h, EVENTS)]);
}

uint64_t interesting(struct hand *h)
{
	const uint64_t values[] = {
		0, 1, 2, 3, 4, 8, 16, 0x20, 0x100, 0x1000, 0x10000, 0xfee00000, 0xfec00000,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
		0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffff000,
		(uintptr_t)h->world->mem, (uintptr_t)h->area, event_of(h),
		0xc0000080, 0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04,
		0x4b564d06, 0x4b564d07, 0xc0010114, 0xc0010117,
		0x1b, 0x277, 0x6e0, 0x830, 0x480, 0x10, 0x3b, 1ull << below(h, 64),
	};

	return values[below(h, COUNT(values))];
}

void noise(struct hand *h, uint8_t *at, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		at[i] = draw(&h->random) >> 56;
}

/* Most guest-physical addresses hit memory, a device or an APIC. */
uint64_t gpa(struct hand *h)
{
	switch (below(h, 4)) {
	case 0:
		return interesting(h);
	case 1:
		return 0xfee00000 + below(h, 0x400);
	default:
		return (uint64_t)below(h, 16) * 0x100000 + below(h, 256) * 0x1000;
	}
}

/* A memory region of the world's own, so that its guest has somewhere to live */
static void near_region(struct hand *h, uint8_t *at)
{
	uint32_t first = below(h, 4) ? 0 : below(h, GUEST_MEM / 0x1000);
	struct kvm_userspace_memory_region region = {
		.slot = below(h, SLOTS) | (below(h, 8) ? 0 : 0x10000),
		.flags = below(h, 4),
		.guest_phys_addr = below(h, 2) ? 0 : (uint64_t)below(h, 8) * 0x100000,
		.memory_size = below(h, 4) ? GUEST_MEM - first * 0x1000 :
					     below(h, GUEST_MEM / 0x1000 - first) * 0x1000,
		.userspace_addr = (uintptr_t)h->world->mem + first * 0x1000,
	};

	memcpy(at, &region, sizeof(region));
}

static void near_cap(struct hand *h, uint8_t *at)
{
	struct kvm_enable_cap cap = {
		.cap = below(h, 256),
		.args = { below(h, 2) ? below(h, 64) : interesting(h) },
	};

	if (!below(h, 8)) {
		cap.cap = KVM_CAP_DIRTY_LOG_RING;
		cap.args[0] = 4096u << below(h, 5);
	} else if (!below(h, 8)) {
		cap.cap = KVM_CAP_SPLIT_IRQCHIP;
		cap.args[0] = 24;
	}
	memcpy(at, &cap, sizeof(cap));
}

static void near_irqfd(struct hand *h, uint8_t *at)
{
	struct kvm_irqfd irqfd = {
		.fd = event_of(h), .gsi = below(h, 30), .flags = below(h, 4),
		.resamplefd = event_of(h),
	};

	memcpy(at, &irqfd, sizeof(irqfd));
}

static void near_ioeventfd(struct hand *h, uint8_t *at)
{
	struct kvm_ioeventfd io = {
		.datamatch = below(h, 4), .addr = below(h, 2) ? below(h, 0x100) : gpa(h),
		.len = below(h, 2) ? 0 : 1u << below(h, 4), .fd = event_of(h), .flags = below(h, 8),
	};

	memcpy(at, &io, sizeof(io));
}

static void near_irq_line(struct hand *h, uint8_t *at)
{
	struct kvm_irq_level line = { .irq = below(h, 30), .level = below(h, 2) };

	memcpy(at, &line, sizeof(line));
}

static void near_msi(struct hand *h, uint8_t *at)
{
	struct kvm_msi msi = {
		.address_lo = 0xfee00000 | below(h, 4) << 12 | below(h, 4) << 2,
		.data = below(h, 256) | below(h, 8) << 8 | below(h, 4) << 14,
	};

	memcpy(at, &msi, sizeof(msi));
}

static void near_routing(struct hand *h, uint8_t *at)
{
	struct kvm_irq_routing head = { .nr = below(h, 8) };
	uint32_t i;

	memcpy(at, &head, sizeof(head));
	for (i = 0; i < head.nr; i++) {
		struct kvm_irq_routing_entry entry = { .gsi = below(h, 30), .type = 1 };

		entry.u.irqchip.irqchip = below(h, 3);
		entry.u.irqchip.pin = below(h, 24);
		if (below(h, 2)) {
			entry.type = KVM_IRQ_ROUTING_MSI;
			near_msi(h, (uint8_t *)&entry.u.msi);
		}
		memcpy(at + sizeof(head) + i * sizeof(entry), &entry, sizeof(entry));
	}
}

static void near_zone(struct hand *h, uint8_t *at)
{
	struct kvm_coalesced_mmio_zone zone = {
		.addr = below(h, 2) ? below(h, 0x100) : gpa(h), .size = 1 + below(h, 0x20),
		.pio = below(h, 2),
	};

	memcpy(at, &zone, sizeof(zone));
}

static void near_log(struct hand *h, uint8_t *at)
{
	struct kvm_clear_dirty_log log = {
		.slot = below(h, SLOTS), .num_pages = 64 * below(h, 9),
		.first_page = 64 * below(h, 9), .dirty_bitmap = h->area,
	};

	memcpy(at, &log, sizeof(log));
}

static void near_get_log(struct hand *h, uint8_t *at)
{
	struct kvm_dirty_log log = { .slot = below(h, SLOTS), .dirty_bitmap = h->area };

	memcpy(at, &log, sizeof(log));
}

static void near_filter(struct hand *h, uint8_t *at)
{
	struct kvm_msr_filter filter = { .flags = below(h, 2) };
	uint32_t i;

	for (i = 0; i < 1 + below(h, 3); i++) {
		filter.ranges[i].flags = 1 + below(h, 3);
		filter.ranges[i].base = interesting(h);
		filter.ranges[i].nmsrs = 1 + below(h, 64);
		filter.ranges[i].bitmap = h->area;
	}
	memcpy(at, &filter, sizeof(filter));
}

static void near_debug(struct hand *h, uint8_t *at)
{
	struct kvm_guest_debug debug = { .control = below(h, 4) | below(h, 16) << 16 };

	debug.arch.debugreg[7] = below(h, 2) ? 0 : 0xffff0fff & interesting(h);
	debug.arch.debugreg[0] = gpa(h);
	memcpy(at, &debug, sizeof(debug));
}

static void near_vector(struct hand *h, uint8_t *at)
{
	struct kvm_interrupt irq = { .irq = below(h, 256) };

	memcpy(at, &irq, sizeof(irq));
}

/* For requests that nothing answers with their argument */
static const struct {
	unsigned long request;
	void (*fill)(struct hand *h, uint8_t *at);
	size_t needs;		/* more than the request's own size */
} near[] = {
	{ KVM_SET_USER_MEMORY_REGION, near_region },
	{ KVM_ENABLE_CAP, near_cap },
	{ KVM_IRQFD, near_irqfd },
	{ KVM_IOEVENTFD, near_ioeventfd },
	{ KVM_IRQ_LINE, near_irq_line },
	{ KVM_IRQ_LINE_STATUS, near_irq_line },
	{ KVM_SIGNAL_MSI, near_msi },
	{ KVM_SET_GSI_ROUTING, near_routing,
	  sizeof(struct kvm_irq_routing) + 7 * sizeof(struct kvm_irq_routing_entry) },
	{ KVM_REGISTER_COALESCED_MMIO, near_zone },
	{ KVM_UNREGISTER_COALESCED_MMIO, near_zone },
	{ KVM_GET_DIRTY_LOG, near_get_log },
	{ KVM_CLEAR_DIRTY_LOG, near_log },
	{ KVM_X86_SET_MSR_FILTER, near_filter },
	{ KVM_SET_GUEST_DEBUG, near_debug },
	{ KVM_INTERRUPT, near_vector },
};

void near_argument(struct hand *h, unsigned long request, uint8_t *at, size_t size)
{
	size_t i;

	for (i = 0; i < COUNT(near); i++)
		if (near[i].request == request && size >= near[i].needs)
			near[i].fill(h, at);
}
