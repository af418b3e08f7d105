// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio devices on their PCI bus, with TAP output, as a driver sees them: by
 * ports, BARs and memory. The hypervisor is played here, so that each interrupt
 * and doorbell shows. What a driver does wrong costs it its device, and nobody
 * else anything.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "vmm/bus.h"
#include "vmm/rng.h"

#define RAM_SIZE	65536u
#define DEVICES		9		/* so that the first and the last share a line */
#define SIZE		8u
#define DESC		0x1000u
#define AVAIL		0x2000u
#define USED		0x3000u
#define DATA		0x4000u
#define NOTIFY_AT	0x3000u
#define ISR_AT		0x1000u
#define TABLE_AT	0x4000u
#define ALL_STATUS	15		/* up to DRIVER_OK */

static unsigned int tests, failures;
static struct bus bus;
static struct pci_bus pci;
static struct routes routes;
static struct ram ram;
static struct virtio_dev devices[DEVICES];
static const struct nl_vm vm;
static bool lines[IOAPIC_PINS];
static int irqfds[IOAPIC_PINS + MSI_GSIS];
static unsigned int nr_doorbells;

static void check(bool good, const char *name)
{
	tests++;
	failures += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", tests, name);
}

int nl_vm_irq_routes(const struct nl_vm *v, const struct kvm_irq_routing *table)
{
	(void)v;
	(void)table;
	return 0;
}

int nl_vm_irqfd(const struct nl_vm *v, u32 gsi, int fd)
{
	(void)v;
	irqfds[gsi] = fd;
	return 0;
}

int nl_vm_irq_line(const struct nl_vm *v, u32 gsi, bool level)
{
	(void)v;
	lines[gsi] = level;
	return 0;
}

int nl_vm_ioeventfd(const struct nl_vm *v, u64 gpa, u32 len, int fd, bool assign)
{
	(void)v;
	(void)gpa;
	(void)len;
	(void)fd;
	nr_doorbells += assign ? 1 : -1;
	return 0;
}

int nl_vm_map(struct nl_vm *v, u64 gpa, u64 size, void *host)
{
	(void)v;
	(void)gpa;
	(void)size;
	(void)host;
	return 0;
}

static void config_set(unsigned int n, u32 reg, u32 value, unsigned int size)
{
	bus_write(&bus, PCI_ADDRESS_PORT, 4, 0x80000000u | (n + 1) << 11 | (reg & ~3u));
	bus_write(&bus, PCI_DATA_PORT + (reg & 3), size, value);
}

static u32 config_get(unsigned int n, u32 reg, unsigned int size)
{
	bus_write(&bus, PCI_ADDRESS_PORT, 4, 0x80000000u | (n + 1) << 11 | (reg & ~3u));
	return bus_read(&bus, PCI_DATA_PORT + (reg & 3), size);
}

static void reg_set(unsigned int n, u32 reg, u64 value, unsigned int size)
{
	pci_mmio_write(&pci, devices[n].pci.bar_gpa + reg, &value, size);
}

static u64 reg_get(unsigned int n, u32 reg, unsigned int size)
{
	u64 value = 0;

	pci_mmio_read(&pci, devices[n].pci.bar_gpa + reg, &value, size);
	return value;
}

static u8 status(unsigned int n)
{
	return reg_get(n, VIRTIO_PCI_COMMON_STATUS, 1);
}

static struct vring_used *used(void)
{
	return (struct vring_used *)(ram.host + USED);
}

/* A driver in order: features, queue 0, DRIVER_OK. All devices use one ring in turn. */
static void start(unsigned int n)
{
	memset(ram.host, 0, RAM_SIZE);
	config_set(n, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	reg_set(n, VIRTIO_PCI_COMMON_STATUS, 0, 1);
	reg_set(n, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	reg_set(n, VIRTIO_PCI_COMMON_GF, 1, 4);
	reg_set(n, VIRTIO_PCI_COMMON_STATUS, ALL_STATUS & ~VIRTIO_CONFIG_S_DRIVER_OK, 1);
	reg_set(n, VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	reg_set(n, VIRTIO_PCI_COMMON_Q_SIZE, SIZE, 2);
	reg_set(n, VIRTIO_PCI_COMMON_Q_DESCLO, DESC, 8);
	reg_set(n, VIRTIO_PCI_COMMON_Q_AVAILLO, AVAIL, 8);
	reg_set(n, VIRTIO_PCI_COMMON_Q_USEDLO, USED, 8);
	reg_set(n, VIRTIO_PCI_COMMON_Q_MSIX, 0, 2);
	reg_set(n, VIRTIO_PCI_COMMON_MSIX, 1, 2);
	reg_set(n, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	reg_set(n, VIRTIO_PCI_COMMON_STATUS, ALL_STATUS, 1);
}

/* One buffer for random bytes, or what else @flags make of it. */
static void offer(u16 flags)
{
	u16 *avail = (u16 *)(ram.host + AVAIL);

	*(struct vring_desc *)(ram.host + DESC) = (struct vring_desc){ DATA, 32, flags, 0 };
	avail[2 + avail[1] % SIZE] = 0;
	avail[1]++;
}

static void ring_and_serve(unsigned int n)
{
	reg_set(n, NOTIFY_AT, 0, 2);
	virtio_turn(&devices[n], 0);
}

static void build(void)
{
	const struct virtio_place place = {
		.pci = &pci, .routes = &routes, .vm = &vm, .ram = &ram,
	};
	unsigned int i;

	ram = (struct ram){ .host = malloc(RAM_SIZE), .size = RAM_SIZE, .low_size = RAM_SIZE };
	if (!ram.host || routes_init(&routes, &vm) || pci_init(&pci, &bus, &vm))
		exit(1);
	for (i = 0; i < DEVICES; i++) {
		if (rng_init(&devices[i], &place))
			exit(1);
	}
}

static void good_driver(void)
{
	start(0);
	check(status(0) == ALL_STATUS, "a driver in order is accepted");
	check(nr_doorbells == 1, "its doorbell is tied when the BAR answers");
	offer(VRING_DESC_F_WRITE);
	ring_and_serve(0);
	check(used()->idx == 1 && used()->ring[0].len == 32, "its request is served");
	config_set(0, PCI_COMMAND, 0, 2);
	check(nr_doorbells == 0, "the doorbell goes with the BAR");
	config_set(0, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
}

static bool fired(unsigned int n, unsigned int vector)
{
	int fd = irqfds[devices[n].msix.gsi[vector]];
	struct pollfd pfd = { fd, POLLIN, 0 };
	u64 count;

	return poll(&pfd, 1, 0) == 1 && read(fd, &count, sizeof(count)) == sizeof(count);
}

static void interrupt_lines(void)
{
	const u32 gsi = PCI_SLOT_GSI(1);

	start(0);
	check(config_get(0, PCI_INTERRUPT_PIN, 1) == 1 &&
	      config_get(8, PCI_INTERRUPT_LINE, 1) == gsi,
	      "functions say which line they have");
	offer(VRING_DESC_F_WRITE);
	ring_and_serve(0);
	check(lines[gsi] && !fired(0, 0), "without MSI-X the line is asserted");
	check(config_get(0, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, "and the status says so");
	start(8);
	offer(VRING_DESC_F_WRITE);
	ring_and_serve(8);
	check(reg_get(0, ISR_AT, 1) == 1 && lines[gsi], "one of two is served: the line stays");
	check(reg_get(8, ISR_AT, 1) == 1 && !lines[gsi], "both are: it is free");
	check(reg_get(8, ISR_AT, 1) == 0, "reading takes the reason away");
	offer(VRING_DESC_F_WRITE);
	ring_and_serve(8);
	config_set(8, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE, 2);
	check(!lines[gsi], "a line that is switched off is silent");
	config_set(8, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	check(lines[gsi], "and speaks when it is on again");
	config_set(8, devices[8].pci.msix_cap + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	check(!lines[gsi], "with MSI-X there is no line");
	config_set(8, devices[8].pci.msix_cap + PCI_MSIX_FLAGS, 0, 2);
	reg_set(8, VIRTIO_PCI_COMMON_STATUS, 0, 1);
	check(!lines[gsi], "a reset frees it");
}

static void messages(void)
{
	start(1);
	config_set(1, devices[1].pci.msix_cap + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	offer(VRING_DESC_F_WRITE);
	ring_and_serve(1);
	check(!fired(1, 0), "a masked vector waits");
	reg_set(1, TABLE_AT + PCI_MSIX_ENTRY_VECTOR_CTRL, 0, 4);
	check(fired(1, 0) && !fired(1, 1), "and fires when it is not masked any more");
	offer(VRING_DESC_F_WRITE);
	ring_and_serve(1);
	check(fired(1, 0), "an eventfd carries each message");
}

static void window_set(unsigned int n, u8 bar, u32 offset, u32 length)
{
	u32 cap = devices[n].pci.window - sizeof(struct virtio_pci_cap);

	config_set(n, cap + VIRTIO_PCI_CAP_BAR, bar, 1);
	config_set(n, cap + VIRTIO_PCI_CAP_OFFSET, offset, 4);
	config_set(n, cap + VIRTIO_PCI_CAP_LENGTH, length, 4);
}

static void window(void)
{
	u32 at = devices[2].pci.window;

	start(2);
	config_set(2, PCI_COMMAND, 0, 2);
	window_set(2, 0, VIRTIO_PCI_COMMON_STATUS, 1);
	check((config_get(2, at, 4) & 0xff) == ALL_STATUS,
	      "the window shows the BAR, mapped or not");
	window_set(2, 0, VIRTIO_PCI_COMMON_Q_SELECT, 2);
	config_set(2, at, 0x77770005, 4);
	check(devices[2].queue_select == 5, "what is written goes through, as long as is said");
	window_set(2, 1, VIRTIO_PCI_COMMON_Q_SELECT, 2);
	config_set(2, at, 6, 4);
	window_set(2, 0, VIRTIO_PCI_COMMON_Q_SELECT, 3);
	config_set(2, at, 7, 4);
	window_set(2, 0, VIRTIO_PCI_COMMON_Q_SELECT + 1, 2);
	config_set(2, at, 8, 4);
	window_set(2, 0, ~0u & ~3u, 4);
	config_set(2, at, 9, 4);
	check(devices[2].queue_select == 5, "another BAR, an odd length or place: nothing");
	offer(VRING_DESC_F_WRITE);
	window_set(2, 0, NOTIFY_AT, 2);
	config_set(2, at, 0, 4);
	virtio_turn(&devices[2], 0);
	check(used()->idx == 1, "the doorbell can be rung through it");
}

/* The device is broken, memory as it was, and a reset heals it. */
static void breaks(unsigned int n, const char *name)
{
	static u8 before[RAM_SIZE];
	char text[128];
	bool good;

	reg_get(n, ISR_AT, 1);
	memcpy(before, ram.host, RAM_SIZE);
	ring_and_serve(n);
	good = status(n) == (ALL_STATUS | VIRTIO_CONFIG_S_NEEDS_RESET) &&
	       !memcmp(before, ram.host, RAM_SIZE) && reg_get(n, ISR_AT, 1) == 2;
	((struct vring_desc *)(ram.host + DESC))[0] =
		(struct vring_desc){ DATA, 32, VRING_DESC_F_WRITE, 0 };
	memcpy(before, ram.host, RAM_SIZE);
	ring_and_serve(n);
	good = good && !memcmp(before, ram.host, RAM_SIZE);
	start(n);
	offer(VRING_DESC_F_WRITE);
	ring_and_serve(n);
	snprintf(text, sizeof(text), "%s: needs a reset, and then works", name);
	check(good && status(n) == ALL_STATUS && used()->idx == 1, text);
}

static void broken_rules(void)
{
	start(3);
	offer(VRING_DESC_F_WRITE | VRING_DESC_F_NEXT);
	breaks(3, "a loop");
	start(3);
	offer(VRING_DESC_F_INDIRECT);
	breaks(3, "an indirect table that was not agreed on");
	start(3);
	reg_set(3, VIRTIO_PCI_COMMON_Q_SIZE, 4, 2);
	check(reg_get(3, VIRTIO_PCI_COMMON_Q_SIZE, 2) == SIZE, "a queue that runs keeps its size");
	reg_set(3, VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	start(3);
	((u16 *)(ram.host + AVAIL))[1] = SIZE + 1;
	breaks(3, "more requests than the queue holds");
	start(3);
	reg_set(3, VIRTIO_PCI_COMMON_STATUS, 0, 1);
	reg_set(3, VIRTIO_PCI_COMMON_Q_SIZE, 7, 2);
	check(status(3) == VIRTIO_CONFIG_S_NEEDS_RESET, "a queue size that is none: needs a reset");
	start(3);
	check(status(3) == ALL_STATUS, "which heals");
}

static void before_its_time(void)
{
	static u8 before[RAM_SIZE];

	start(4);
	reg_set(4, VIRTIO_PCI_COMMON_STATUS, 0, 1);
	offer(VRING_DESC_F_WRITE);
	memcpy(before, ram.host, RAM_SIZE);
	ring_and_serve(4);
	check(!memcmp(before, ram.host, RAM_SIZE) && !status(4), "rung while reset: nothing");
	reg_set(4, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	reg_set(4, VIRTIO_PCI_COMMON_STATUS, 7, 1);
	ring_and_serve(4);
	check(!memcmp(before, ram.host, RAM_SIZE), "without features that hold: nothing");
	start(4);
	reg_set(4, VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	reg_set(4, VIRTIO_PCI_COMMON_GF, 0, 4);
	reg_set(4, VIRTIO_PCI_COMMON_STATUS, 3, 1);
	check(status(4) == ALL_STATUS, "status bits only come, until all go");
	reg_set(4, VIRTIO_PCI_COMMON_STATUS, 0, 1);
	reg_set(4, VIRTIO_PCI_COMMON_GF, 1u << 5, 4);
	reg_set(4, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	reg_set(4, VIRTIO_PCI_COMMON_GF, 1, 4);
	reg_set(4, VIRTIO_PCI_COMMON_STATUS, 11, 1);
	check(!(status(4) & VIRTIO_CONFIG_S_FEATURES_OK), "a feature that was not offered");
}

int main(void)
{
	build();
	good_driver();
	interrupt_lines();
	messages();
	window();
	broken_rules();
	before_its_time();
	printf("1..%u\n", tests);
	return failures ? 1 : 0;
}
