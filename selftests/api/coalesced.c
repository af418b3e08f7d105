// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalesced I/O: writes to a zone go into the ring until it is full, other
 * accesses do not; a ring with nonsense in it harms nobody but its owner.
 */
#include <unistd.h>
#include <sys/ioctl.h>

#include "api.h"

#define PORT	0x510u

/* <linux/kvm.h> has the ring's size by this name. */
#define PAGE_SIZE	API_PAGE

static struct machine m;
static struct kvm_run *run;
static struct kvm_coalesced_mmio_ring *ring;

static long zone(unsigned long request, uint64_t addr, uint32_t size, uint32_t pio)
{
	struct kvm_coalesced_mmio_zone args = { .addr = addr, .size = size, .pio = pio };

	return call(m.fd, request, &args);
}

#define ADD	KVM_REGISTER_COALESCED_MMIO
#define DEL	KVM_UNREGISTER_COALESCED_MMIO

static void go(int reason, const char *what)
{
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "RUN: %s", what);
	is(run->exit_reason, reason, "the right exit");
}

static void test_memory(void)
{
	is(zone(ADD, API_DEVICE, 0x100, 0), 0, "a zone");
	/* movb $0x42,0; movw $0x1234,2; mov 0,%al; hlt */
	CODE(&m, 0, 0xc6, 0x06, 0, 0, 0x42, 0xc7, 0x06, 2, 0, 0x34, 0x12, 0xa0, 0, 0, 0xf4);
	go(KVM_EXIT_MMIO, "two writes, then a read");
	tap_ok(!run->mmio.is_write, "only the read asks");
	is(ring->last, 2, "the writes are in the ring");
	tap_ok(ring->coalesced_mmio[0].phys_addr == API_DEVICE &&
	       ring->coalesced_mmio[0].len == 1 && ring->coalesced_mmio[0].data[0] == 0x42 &&
	       !ring->coalesced_mmio[0].pio, "the first");
	tap_ok(ring->coalesced_mmio[1].phys_addr == API_DEVICE + 2 &&
	       ring->coalesced_mmio[1].len == 2 && ring->coalesced_mmio[1].data[1] == 0x12,
	       "the second");
	go(KVM_EXIT_HLT, "the end");
	/* a write that leaves the zone: movw $0,0xff */
	CODE(&m, 0, 0xc7, 0x06, 0xff, 0, 0, 0, 0xf4);
	go(KVM_EXIT_MMIO, "a write across the end of the zone");
	is(ring->last, 2, "is not in the ring");
	go(KVM_EXIT_HLT, "the end");
}

static void test_ports(void)
{
	ring->first = ring->last;
	is(zone(ADD, PORT, 4, 1), 0, "a zone of ports");
	/* mov $PORT,%dx; mov $0x77,%al; out %al,%dx; hlt */
	CODE(&m, 0, 0xba, 0x10, 0x05, 0xb0, 0x77, 0xee, 0xf4);
	go(KVM_EXIT_HLT, "a write to a port needs no exit");
	is(ring->last, 3, "it is in the ring");
	tap_ok(ring->coalesced_mmio[2].pio == 1 && ring->coalesced_mmio[2].phys_addr == PORT &&
	       ring->coalesced_mmio[2].data[0] == 0x77, "as what it was");
	is(zone(DEL, PORT, 4, 0), 0, "the same zone of memory is another");
	CODE(&m, 0, 0xba, 0x10, 0x05, 0xee, 0xf4);
	go(KVM_EXIT_HLT, "so that the ports still need no exit");
	is(zone(DEL, PORT, 4, 1), 0, "away with it");
	CODE(&m, 0, 0xba, 0x10, 0x05, 0xee, 0xf4);
	go(KVM_EXIT_IO, "now they do");
}

static void test_ring(void)
{
	unsigned int room = KVM_COALESCED_MMIO_MAX - 1;

	ring->first = 0;
	ring->last = room;
	CODE(&m, 0, 0xc6, 0x06, 0, 0, 0x42, 0xf4);
	go(KVM_EXIT_MMIO, "a full ring");
	go(KVM_EXIT_HLT, "the end");
	ring->first = 1;
	CODE(&m, 0, 0xc6, 0x06, 0, 0, 0x42, 0xf4);
	go(KVM_EXIT_HLT, "one free");
	is(ring->last, 0, "the index wraps");
	ring->last = 0xfffffff0;
	CODE(&m, 0, 0xc6, 0x06, 0, 0, 0x42, 0xf4);
	go(KVM_EXIT_MMIO, "an index outside of the ring");
	is(ring->last, 0xfffffff0, "is not touched");
	go(KVM_EXIT_HLT, "the end");
	ring->first = 0;
	ring->last = 0;
}

static void test_refusals(void)
{
	is(zone(ADD, 0, 4, 2), -EINVAL, "neither memory nor ports");
	is(zone(ADD, ~0ull, 4, 0), -EINVAL, "a zone beyond the end");
	is(zone(ADD, 0x1000, 0, 0), -EINVAL, "a zone of nothing");
	is(zone(DEL, 0, 4, 2), -EINVAL, "unregistering neither memory nor ports");
	is(zone(DEL, 0x12345000, 4, 0), 0, "unregistering what is not there");
	is(call(m.fd, ADD, BAD_POINTER), -EFAULT, "a zone from nowhere");
	is(call(m.fd, DEL, BAD_POINTER), -EFAULT, "unregistering from nowhere");
	is(zone(DEL, API_DEVICE, 0x100, 0), 0, "unregistering the zone");
	CODE(&m, 0, 0xc6, 0x06, 0, 0, 0x42, 0xf4);
	go(KVM_EXIT_MMIO, "its writes exit again");
}

int main(void)
{
	long page;

	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	page = call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
	api_create(&m, 0, 1);
	run = m.run[0];
	tap_ok(page > 0 && (size_t)(page + 1) * API_PAGE <= m.run_size, "the ring is in the map");
	ring = (void *)((uint8_t *)run + page * API_PAGE);
	test_memory();
	test_ports();
	test_ring();
	test_refusals();
	api_destroy(&m);
	return tap_done();
}
