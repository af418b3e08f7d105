// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces: the upper half of a slot's number says in which one it lies.
 * Slots of different spaces neither collide nor are seen in the other.
 */
#include <sys/ioctl.h>

#include "api.h"

#define MIB		0x100000ull
#define WINDOW		0x80000u	/* real mode reaches it with DS 0x8000 */
#define OTHER		(1u << 16)	/* the space of system-management mode */

static struct machine m;

/* What a vCPU outside SMM reads at WINDOW; -1: no memory. */
static int guest_reads(void)
{
	/* mov $0x8000,%ax; mov %ax,%ds; mov 0,%al; out %al,$0x80 */
	CODE(&m, 0, 0xb8, 0x00, 0x80, 0x8e, 0xd8, 0xa0, 0x00, 0x00, 0xe6, 0x80);
	if (call(m.cpu[0], KVM_RUN, NULL))
		return -2;
	if (m.run[0]->exit_reason == KVM_EXIT_MMIO) {
		m.run[0]->immediate_exit = 1;
		call(m.cpu[0], KVM_RUN, NULL);
		m.run[0]->immediate_exit = 0;
		return -1;
	}
	return *((uint8_t *)m.run[0] + m.run[0]->io.data_offset);
}

static void test_numbers(uint8_t *a, uint8_t *b)
{
	is(call_value(m.fd, KVM_CHECK_EXTENSION, KVM_CAP_MULTI_ADDRESS_SPACE), 2, "two spaces");
	is(api_slot(m.fd, 2u << 16, 0, MIB, API_PAGE, a), -EINVAL, "a third one");
	is(api_slot(m.fd, OTHER | 32764, 0, MIB, API_PAGE, a), -EINVAL,
	   "a slot number too high in the other");
	is(api_slot(m.fd, 1, 0, MIB, API_PAGE, a), 0, "slot 1");
	is(api_slot(m.fd, OTHER | 1, 0, MIB, API_PAGE, b), 0, "slot 1 of the other, same place");
	is(api_slot(m.fd, OTHER | 2, 0, MIB, API_PAGE, b), -EEXIST, "overlap in the other");
	is(api_slot(m.fd, OTHER | 2, 0, 0, API_MEM_SIZE, m.mem), 0,
	   "the machine's memory in the other, too");
	is(api_slot(m.fd, 1, 0, 0, 0, NULL), 0, "delete slot 1");
	is(api_slot(m.fd, 1, 0, 0, 0, NULL), -EINVAL, "it is gone");
	is(api_slot(m.fd, OTHER | 2, 0, 0, 0, NULL), 0, "delete one of the other");
	is(api_slot(m.fd, OTHER | 1, 0, 0, 0, NULL), 0, "and the last");
}

static void test_view(uint8_t *a, uint8_t *b)
{
	a[0] = 0x11;
	b[0] = 0x22;
	is(api_slot(m.fd, OTHER | 1, 0, WINDOW, API_PAGE, b), 0, "a page in the other space");
	is(guest_reads(), -1, "outside SMM there is no memory");
	is(api_slot(m.fd, 1, 0, WINDOW, API_PAGE, a), 0, "a page in the first");
	is(guest_reads(), 0x11, "it is seen");
	is(api_slot(m.fd, OTHER | 1, 0, WINDOW + API_PAGE, API_PAGE, b), 0, "the other's moves");
	is(guest_reads(), 0x11, "which changes nothing");
	is(api_slot(m.fd, 1, 0, 0, 0, NULL), 0, "the first's goes");
	is(guest_reads(), -1, "no memory again");
}

static void test_log(void)
{
	uint64_t bits = 0;
	struct kvm_dirty_log log = { .slot = OTHER | 1, .dirty_bitmap = &bits };

	is(call(m.fd, KVM_GET_DIRTY_LOG, &log), -ENOENT, "a slot of the other has no log");
	log.slot = 1;
	is(call(m.fd, KVM_GET_DIRTY_LOG, &log), -ENOENT, "no slot 1 in the first");
	is(api_slot(m.fd, OTHER | 3, KVM_MEM_LOG_DIRTY_PAGES, MIB, API_PAGE,
		    api_pages(API_PAGE)), 0, "a slot of the other with a log");
	log.slot = OTHER | 3;
	is(call(m.fd, KVM_GET_DIRTY_LOG, &log), 0, "its log");
	is(bits, 0, "is empty");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_CPUID, 1);
	test_numbers(api_pages(API_PAGE), api_pages(API_PAGE));
	test_view(api_pages(API_PAGE), api_pages(API_PAGE));
	test_log();
	api_destroy(&m);
	return tap_done();
}
