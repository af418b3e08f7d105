// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzer of the launcher's PCI bus and its virtio devices, by what a hostile
 * guest can do: accesses to the configuration ports and the BARs, of any width
 * and in any order, and any bytes in memory; with shortcuts, so that the devices
 * get as far as serving requests. What is checked besides the sanitizers:
 * a device that is not in order leaves the guest's memory alone, a BAR answers
 * only in the window, each doorbell is tied once, each line is driven in turns.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "vmm/blk.h"
#include "vmm/bus.h"
#include "vmm/hvc.h"
#include "vmm/net.h"
#include "vmm/rng.h"

#define RAM_SIZE	8192u
#define DISK_BYTES	(32 * SECTOR)
#define DEVICES		5
#define DOORBELLS	64
#define NOTIFY_AT	0x3000
#define TABLE_AT	0x4000
#define STEPS		200

/* Where the shortcut puts the rings of queue @q. */
#define DESC_AT(q)	((q) * 2048u)
#define AVAIL_AT(q)	(DESC_AT(q) + 0x400u)
#define USED_AT(q)	(DESC_AT(q) + 0x500u)
#define DATA_AT		4096u

struct input {
	const u8 *at;
	size_t left;
};

struct machine {
	struct bus bus;
	struct pci_bus pci;
	struct routes routes;
	struct blk disk, rom;
	struct net net;
	struct virtio_dev rng;
	struct hvc hvc;
};

static struct machine m, fresh;

static struct virtio_dev *devices[DEVICES] = {
	&m.disk.virtio, &m.rom.virtio, &m.net.virtio, &m.rng, &m.hvc.virtio,
};

static const struct nl_vm vm;
static struct ram ram;
static struct stop stop;
static u8 before[RAM_SIZE];
static u64 doorbells[DOORBELLS];
static unsigned int nr_doorbells;
static bool lines[IOAPIC_PINS];
static int wire;

static void check(bool good)
{
	if (!good)
		abort();
}

/* The hypervisor, as far as devices know it. */
int nl_vm_irq_routes(const struct nl_vm *v, const struct kvm_irq_routing *routes)
{
	(void)v;
	check(routes->nr <= ISA_IRQS + IOAPIC_PINS + MSI_GSIS);
	return 0;
}

int nl_vm_irqfd(const struct nl_vm *v, u32 gsi, int fd)
{
	(void)v;
	check(gsi >= IOAPIC_PINS && fd >= 0);
	return 0;
}

int nl_vm_irq_line(const struct nl_vm *v, u32 gsi, bool level)
{
	(void)v;
	check(gsi >= PCI_FIRST_GSI && gsi < IOAPIC_PINS && lines[gsi] != level);
	lines[gsi] = level;
	return 0;
}

int nl_vm_ioeventfd(const struct nl_vm *v, u64 gpa, u32 len, int fd, bool assign)
{
	unsigned int i;

	(void)v;
	check(len == 2 && fd >= 0 && gpa >= PCI_WINDOW_GPA &&
	      gpa < (u64)PCI_WINDOW_GPA + PCI_WINDOW_SIZE);
	for (i = 0; i < nr_doorbells && doorbells[i] != gpa; i++)
		;
	/* Two functions may be moved to one place; the kernel refuses the second. */
	if (assign == !!(i < nr_doorbells))
		return nl_fail(EEXIST, "it is there already");
	if (assign) {
		check(nr_doorbells < DOORBELLS);
		doorbells[nr_doorbells++] = gpa;
	} else {
		doorbells[i] = doorbells[--nr_doorbells];
	}
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

static int disk_file(char path[32])
{
	int fd = memfd_create("disk", 0);

	check(fd >= 0 && !ftruncate(fd, DISK_BYTES));
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void build(void)
{
	static char disk[32], rom[32];
	const struct disk_source sources[] = { { disk, "raw", false }, { rom, "raw", true } };
	const struct virtio_place place = {
		.pci = &m.pci, .routes = &m.routes, .vm = &vm, .ram = &ram,
	};
	unsigned int i;
	int pair[2];

	ram = (struct ram){ .host = malloc(RAM_SIZE), .size = RAM_SIZE, .low_size = RAM_SIZE };
	disk_file(disk);
	disk_file(rom);
	check(ram.host && !socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair));
	m.net.fd = pair[0];
	wire = pair[1];
	/* What the guest prints, and our complaints about it: not of interest. */
	check(dup2(open("/dev/null", O_RDWR), STDOUT_FILENO) == STDOUT_FILENO);
	check(!stop_init(&stop) && !routes_init(&m.routes, &vm) &&
	      !pci_init(&m.pci, &m.bus, &vm) && !blk_init(&m.disk, &sources[0], &place) &&
	      !blk_init(&m.rom, &sources[1], &place) && !net_add(&m.net, &place) &&
	      !rng_init(&m.rng, &place) && !hvc_init(&m.hvc, &stop, &place));
	for (i = 0; i < DEVICES; i++)
		devices[i]->complained = true;
	fresh = m;
}

static void begin(void)
{
	if (!ram.host)
		build();
	m = fresh;
	memset(ram.host, 0, RAM_SIZE);
	memset(lines, 0, sizeof(lines));
	nr_doorbells = 0;
}

static u32 take(struct input *in, unsigned int bytes)
{
	u32 value = 0;
	size_t n = bytes < in->left ? bytes : in->left;

	memcpy(&value, in->at, n);
	in->at += n;
	in->left -= n;
	return value;
}

static void config_address(u32 slot, u32 reg)
{
	bus_write(&m.bus, PCI_ADDRESS_PORT, 4, 0x80000000u | slot << 11 | (reg & 0xfc));
}

static void config_access(struct input *in)
{
	u32 what = take(in, 2), slot = what & 15, reg = what >> 8;
	unsigned int size = 1u << (what >> 4 & 3) % 3;

	if (what & 0x80)
		bus_write(&m.bus, PCI_ADDRESS_PORT, 4, take(in, 4));
	else
		config_address(slot, reg);
	if (what & 0x40)
		bus_write(&m.bus, PCI_DATA_PORT + (reg & 3), size, take(in, size));
	else
		bus_read(&m.bus, PCI_DATA_PORT + (reg & 3), size);
}

/* In the BAR where it is now; with a little room before and behind. */
static void bar_access(struct input *in)
{
	u32 what = take(in, 1);
	const struct virtio_dev *dev = devices[what % DEVICES];
	unsigned int size = 1u << (what >> 4 & 3);
	u64 gpa = dev->pci.bar_gpa + (take(in, 2) & 0xffff) - 8;
	u64 value = take(in, 4);

	if (what & 0x80)
		value |= value << 32;
	if (what & 0x40)
		pci_mmio_write(&m.pci, gpa, &value, size);
	else
		pci_mmio_read(&m.pci, gpa, &value, size);
}

/* The registers that count most, by their names. */
static void common_access(struct input *in)
{
	u32 what = take(in, 2), reg = what >> 8 & 63;
	const struct virtio_dev *dev = devices[what % DEVICES];
	u64 value = take(in, what & 0x80 ? 4 : 1);

	pci_mmio_write(&m.pci, dev->pci.bar_gpa + reg, &value, what & 0x40 ? 8 : 4);
}

static void memory_write(struct input *in)
{
	u32 where = take(in, 2) % RAM_SIZE, len = take(in, 1), i;

	for (i = 0; i < len % 64 && where + i < RAM_SIZE; i++)
		ram.host[where + i] = take(in, 1);
}

static void put(u32 at, u64 value, unsigned int bytes)
{
	memcpy(ram.host + at, &value, bytes);
}

/* Messages for all vectors, without a mask. */
static void enable_msix(const struct virtio_dev *dev, unsigned int slot)
{
	const u64 entry[2] = { 0xfee00000, 0x41 };
	unsigned int i;

	for (i = 0; i < 2u * dev->msix.nr; i++)
		pci_mmio_write(&m.pci, dev->pci.bar_gpa + TABLE_AT + 8 * i, &entry[i & 1], 8);
	config_address(slot, dev->pci.msix_cap);
	bus_write(&m.bus, PCI_DATA_PORT + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

/* A driver in order up to its queues; the input says which features it takes. */
static void start_driver(struct input *in)
{
	u32 what = take(in, 1);
	unsigned int n = what % DEVICES, q;
	struct virtio_dev *dev = devices[n];
	const u64 regs[][2] = {
		{ VIRTIO_PCI_COMMON_STATUS, 0 }, { VIRTIO_PCI_COMMON_STATUS, 3 },
		{ VIRTIO_PCI_COMMON_GFSELECT, 0 },
		{ VIRTIO_PCI_COMMON_GF, (u32)dev->features & take(in, 4) },
		{ VIRTIO_PCI_COMMON_GFSELECT, 1 }, { VIRTIO_PCI_COMMON_GF, 1 },
		{ VIRTIO_PCI_COMMON_STATUS, 11 }, { VIRTIO_PCI_COMMON_STATUS, 15 },
	};
	const u64 queue[][2] = {
		{ VIRTIO_PCI_COMMON_Q_SIZE, 1u << (what >> 5) },
		{ VIRTIO_PCI_COMMON_Q_DESCLO, 0 }, { VIRTIO_PCI_COMMON_Q_AVAILLO, 0 },
		{ VIRTIO_PCI_COMMON_Q_USEDLO, 0 }, { VIRTIO_PCI_COMMON_Q_MSIX, 1 },
		{ VIRTIO_PCI_COMMON_Q_ENABLE, 1 },
	};
	unsigned int i;
	u64 value;

	config_address(n + 1, PCI_COMMAND);
	bus_write(&m.bus, PCI_DATA_PORT, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		pci_mmio_write(&m.pci, dev->pci.bar_gpa + regs[i][0], &regs[i][1], 4);
	if (what & 0x10)
		enable_msix(dev, n + 1);
	for (q = 0; q < dev->ops->queues; q++) {
		value = q;
		pci_mmio_write(&m.pci, dev->pci.bar_gpa + VIRTIO_PCI_COMMON_Q_SELECT, &value, 2);
		for (i = 0; i < ARRAY_SIZE(queue); i++) {
			const u64 at[] = { 0, DESC_AT(q), AVAIL_AT(q), USED_AT(q), 1, 1 };

			value = i ? at[i] : queue[i][1];
			pci_mmio_write(&m.pci, dev->pci.bar_gpa + queue[i][0], &value, 4);
		}
	}
}

/* Of a disk's request: header, data in sectors, status; or as the input likes. */
static u32 length_of(struct input *in, unsigned int buffer)
{
	u32 what = take(in, 1);

	if (what & 0x80)
		return take(in, 2);
	return buffer == 0 ? 16 : buffer == 1 ? (what & 7) * 256 : 1 + (what & 1);
}

/* One request of up to three buffers, offered and rung for. */
static void offer(struct input *in)
{
	u32 what = take(in, 1), n = what % DEVICES, q = what >> 3 & 1, i, nr = 1 + (what >> 4 & 3);
	struct virtio_dev *dev = devices[n];
	u16 index;

	for (i = 0; i < nr && i < 3; i++) {
		u32 shape = take(in, 1), at = DESC_AT(q) + 16 * i;

		put(at, DATA_AT + 64 * (shape >> 3), 8);
		put(at + 8, length_of(in, i), 4);
		if (!i) {
			put(DATA_AT + 64 * (shape >> 3), take(in, 1) & 15, 4);
			put(DATA_AT + 64 * (shape >> 3) + 8, take(in, 1) & 63, 8);
		}
		put(at + 12, shape & 7, 2);	/* write, next, indirect */
		put(at + 14, i + 1, 2);
	}
	memcpy(&index, ram.host + AVAIL_AT(q) + 2, 2);
	put(AVAIL_AT(q) + 2, index + 1, 2);
	pci_mmio_write(&m.pci, dev->pci.bar_gpa + NOTIFY_AT + 4 * q, &q, 2);
}

/* Also one whose doorbell nobody rang has a turn now and then. */
static void serve(struct input *in)
{
	struct virtio_dev *dev = devices[take(in, 1) % DEVICES];
	bool quiet = !virtio_alive(dev);

	memcpy(before, ram.host, RAM_SIZE);
	virtio_turn(dev, 0);
	check(!quiet || !memcmp(before, ram.host, RAM_SIZE));
}

static void arrive(struct input *in)
{
	u8 bytes[64];
	u32 i, nr = take(in, 1) % sizeof(bytes);

	for (i = 0; i < nr; i++)
		bytes[i] = take(in, 1);
	if (nr & 1)
		check(hvc_receive(&m.hvc, bytes, nr) <= nr);
	else if (send(wire, bytes, nr, MSG_DONTWAIT) < 0)
		while (recv(m.net.fd, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0)
			;
	while (recv(wire, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0)
		;
}

static void bars_in_window(void)
{
	unsigned int i;

	for (i = 0; i < DEVICES; i++) {
		u64 gpa = devices[i]->pci.bar_gpa, size = devices[i]->pci.bar_size;

		check(!gpa || (gpa >= PCI_WINDOW_GPA && !(gpa % size) &&
			       gpa + size <= (u64)PCI_WINDOW_GPA + PCI_WINDOW_SIZE));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static void (* const actions[])(struct input *) = {
		config_access, bar_access, common_access, memory_write, start_driver, offer,
		serve, arrive,
	};
	struct input in = { data, size };
	unsigned int i;

	begin();
	for (i = 0; i < STEPS && in.left; i++) {
		actions[take(&in, 1) % ARRAY_SIZE(actions)](&in);
		bars_in_window();
	}
	/* Who was rung for and not served yet would wake the next input's devices. */
	for (i = 0; i < DEVICES; i++)
		virtio_turn(devices[i], 0);
	return 0;
}
