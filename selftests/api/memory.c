// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_USER_MEMORY_REGION: what it refuses, what a change does to what the
 * guest sees, read-only memory, and as many slots as are claimed.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "api.h"

#define MIB		0x100000ull
#define LEFT_SLOTS	2000u
#define WINDOW		0x80000u	/* real mode reaches it with DS 0x8000 */

static struct machine m;

static void alignment(void)
{
	char *host = api_pages(4 * API_PAGE);

	is(api_slot(m.fd, 1, 0, MIB + 1, API_PAGE, host), -EINVAL, "guest address not aligned");
	is(api_slot(m.fd, 1, 0, MIB, API_PAGE + 1, host), -EINVAL, "size not aligned");
	is(api_slot(m.fd, 1, 0, MIB, 1, host), -EINVAL, "size of one byte");
	is(api_slot(m.fd, 1, 0, MIB, API_PAGE, host + 1), -EINVAL, "host address not aligned");
	is(api_slot(m.fd, 1, 4, MIB, API_PAGE, host), -EINVAL, "an unknown flag");
	is(api_slot(m.fd, 1, ~0u, MIB, API_PAGE, host), -EINVAL, "all flags");
	is(api_slot(m.fd, 32764, 0, MIB, API_PAGE, host), -EINVAL, "a slot number too high");
	is(api_slot(m.fd, 2u << 16, 0, MIB, API_PAGE, host), -EINVAL, "a third address space");
	is(api_slot(m.fd, ~0u, 0, MIB, API_PAGE, host), -EINVAL, "slot -1");
	is(api_slot(m.fd, 1, 0, MIB, API_PAGE, KERNEL_POINTER), -EINVAL, "kernel memory");
	is(api_slot(m.fd, 1, 0, MIB, ~0xfffull, NULL), -EINVAL, "a size that wraps");
	is(api_slot(m.fd, 1, 0, ~0xfffull, 2 * API_PAGE, host), -EINVAL,
	   "an address that wraps");
	is(api_slot(m.fd, 1, 0, 1ull << 52, API_PAGE, host), -EINVAL,
	   "an address no CPU can have");
	is(api_slot(m.fd, 1, 0, MIB, 1ull << 43, NULL), -EINVAL, "more pages than a slot holds");
	is(call(m.fd, KVM_SET_USER_MEMORY_REGION, BAD_POINTER), -EFAULT, "from nowhere");
	is(api_slot(m.fd, 1, 0, 0, 0, NULL), -EINVAL, "deleting what is not there");
	munmap(host, 4 * API_PAGE);
}

static void test_overlap(void)
{
	char *host = api_pages(8 * API_PAGE);

	is(api_slot(m.fd, 1, 0, MIB, 4 * API_PAGE, host), 0, "a slot");
	is(api_slot(m.fd, 2, 0, MIB, 4 * API_PAGE, host), -EEXIST, "the same range again");
	is(api_slot(m.fd, 2, 0, MIB - API_PAGE, 2 * API_PAGE, host), -EEXIST,
	   "overlap at the begin");
	is(api_slot(m.fd, 2, 0, MIB + 3 * API_PAGE, 2 * API_PAGE, host), -EEXIST,
	   "overlap at the end");
	is(api_slot(m.fd, 2, 0, MIB + API_PAGE, API_PAGE, host), -EEXIST, "inside");
	is(api_slot(m.fd, 2, 0, MIB - API_PAGE, 8 * API_PAGE, host), -EEXIST, "around");
	is(api_slot(m.fd, 2, 0, MIB + 4 * API_PAGE, API_PAGE, host), 0, "right behind");
	is(api_slot(m.fd, 3, 0, MIB - API_PAGE, API_PAGE, host), 0, "right before");
	is(api_slot(m.fd, 1, 0, MIB, 4 * API_PAGE, host), 0, "the same slot, unchanged");
	is(api_slot(m.fd, 1, 0, MIB, 3 * API_PAGE, host), -EINVAL, "another size");
	is(api_slot(m.fd, 1, 0, MIB, 4 * API_PAGE, host + API_PAGE), -EINVAL,
	   "another host address");
	is(api_slot(m.fd, 1, KVM_MEM_READONLY, MIB, 4 * API_PAGE, host), -EINVAL,
	   "read-only afterwards");
	is(api_slot(m.fd, 1, KVM_MEM_LOG_DIRTY_PAGES, MIB, 4 * API_PAGE, host), 0,
	   "dirty log afterwards");
	is(api_slot(m.fd, 1, 0, MIB, 4 * API_PAGE, host), 0, "and not");
	is(api_slot(m.fd, 1, 0, MIB + API_PAGE, 4 * API_PAGE, host), -EEXIST,
	   "a move onto another");
	is(api_slot(m.fd, 2, 0, 0, 0, NULL), 0, "delete that one");
	is(api_slot(m.fd, 2, 0, 0, 0, NULL), -EINVAL, "delete it again");
	is(api_slot(m.fd, 1, 0, MIB + API_PAGE, 4 * API_PAGE, host), 0,
	   "a move that overlaps itself only");
	is(api_slot(m.fd, 2, 0, MIB, API_PAGE, host), 0, "the page it left is free");
	is(api_slot(m.fd, 1, 0, 0, 0, NULL), 0, "delete 1");
	is(api_slot(m.fd, 2, 0, 0, 0, NULL), 0, "delete 2");
	is(api_slot(m.fd, 3, 0, 0, 0, NULL), 0, "delete 3");
	munmap(host, 8 * API_PAGE);
}

/* mov $0x8000,%ax; mov %ax,%ds; mov 0,%al; out %al,$0x80 */
static void load_reader(void)
{
	CODE(&m, 0, 0xb8, 0x00, 0x80, 0x8e, 0xd8, 0xa0, 0x00, 0x00, 0xe6, 0x80);
}

/* What the guest reads at WINDOW; -1: there is no memory. */
static int guest_reads(void)
{
	load_reader();
	if (call(m.cpu[0], KVM_RUN, NULL))
		return -2;
	if (m.run[0]->exit_reason == KVM_EXIT_MMIO && !m.run[0]->mmio.is_write &&
	    m.run[0]->mmio.phys_addr == WINDOW && m.run[0]->mmio.len == 1) {
		/* The instruction ends with the next entry, and nothing after it. */
		m.run[0]->immediate_exit = 1;
		call(m.cpu[0], KVM_RUN, NULL);
		m.run[0]->immediate_exit = 0;
		return -1;
	}
	if (m.run[0]->exit_reason != KVM_EXIT_IO)
		return -3;
	return *((uint8_t *)m.run[0] + m.run[0]->io.data_offset);
}

static void guest_view(void)
{
	uint8_t *one = api_pages(API_PAGE), *two = api_pages(API_PAGE);

	one[0] = 0x11;
	two[0] = 0x22;
	is(guest_reads(), -1, "no slot: an MMIO exit");
	is(api_slot(m.fd, 7, 0, WINDOW, API_PAGE, one), 0, "a page");
	is(guest_reads(), 0x11, "the guest sees it");
	one[0] = 0x12;
	is(guest_reads(), 0x12, "and what changes in it");
	is(api_slot(m.fd, 7, 0, WINDOW + API_PAGE, API_PAGE, one), 0, "the page moves");
	is(guest_reads(), -1, "the guest no longer sees it there");
	is(api_slot(m.fd, 8, 0, WINDOW, API_PAGE, two), 0, "another in its place");
	is(guest_reads(), 0x22, "the guest sees the other");
	is(api_slot(m.fd, 8, 0, 0, 0, NULL), 0, "deleted");
	is(guest_reads(), -1, "the guest sees nothing");
	is(api_slot(m.fd, 7, 0, WINDOW, API_PAGE, one), 0, "the first comes back");
	is(guest_reads(), 0x12, "the guest sees it again");
	munmap(one, API_PAGE);
	load_reader();
	is(call(m.cpu[0], KVM_RUN, NULL), -EFAULT, "memory that userspace unmapped");
	is(api_slot(m.fd, 7, 0, 0, 0, NULL), 0, "delete the hole");
	is(guest_reads(), -1, "an MMIO exit again");
	munmap(two, API_PAGE);
}

static void read_only(void)
{
	uint8_t *host = api_pages(API_PAGE);

	host[0] = 0x33;
	is(api_slot(m.fd, 7, KVM_MEM_READONLY, WINDOW, API_PAGE, host), 0, "read-only memory");
	is(guest_reads(), 0x33, "can be read");
	/* mov $0x8000,%ax; mov %ax,%ds; movb $0x44,0; hlt */
	CODE(&m, 0, 0xb8, 0x00, 0x80, 0x8e, 0xd8, 0xc6, 0x06, 0x00, 0x00, 0x44, 0xf4);
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "a write to it");
	is(m.run[0]->exit_reason, KVM_EXIT_MMIO, "is an MMIO exit");
	tap_ok(m.run[0]->mmio.is_write && m.run[0]->mmio.phys_addr == WINDOW &&
	       m.run[0]->mmio.len == 1 && m.run[0]->mmio.data[0] == 0x44,
	       "with address, length and value");
	is(host[0], 0x33, "the memory is as before");
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "the guest goes on");
	is(m.run[0]->exit_reason, KVM_EXIT_HLT, "to HLT");
	is(api_slot(m.fd, 7, 0, WINDOW, API_PAGE, host), -EINVAL, "writable afterwards");
	is(api_slot(m.fd, 7, 0, 0, 0, NULL), 0, "delete it");
	munmap(host, API_PAGE);
}

static void many_slots(void)
{
	long max = call_value(m.fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	uint8_t *host = api_pages(API_PAGE);
	long i, bad = 0;

	tap_ok(max >= 509, "number of slots (%ld)", max);
	/* A page each, with a hole between: the same host page in all. */
	for (i = 1; i < max && !bad; i++)
		bad = api_slot(m.fd, i, 0, 16 * MIB + i * 2 * API_PAGE, API_PAGE, host);
	is(bad, 0, "as many slots as are claimed");
	is(api_slot(m.fd, max, 0, MIB, API_PAGE, host), -EINVAL, "and one more");
	for (i = 1, bad = 0; i < max && !bad; i++)
		bad = api_slot(m.fd, i, 0, 0, 0, NULL);
	is(bad, 0, "delete them all");
	munmap(host, API_PAGE);
}

/* Full nodes in what finds the slots: it must be freed without a fault. */
static void end_with_slots(void)
{
	uint8_t *host = api_pages(API_PAGE);
	struct machine other;
	long i, bad = 0;

	api_create(&other, 0, 1);
	for (i = 1; i <= LEFT_SLOTS && !bad; i++)
		bad = api_slot(other.fd, i, 0, 16 * MIB + i * 2 * API_PAGE, API_PAGE, host);
	is(bad, 0, "%u slots", LEFT_SLOTS);
	api_destroy(&other);
	api_create(&other, 0, 1);
	is(api_slot(other.fd, 1, 0, 16 * MIB, API_PAGE, host), 0,
	   "a VM after one that ended with them");
	api_destroy(&other);
	munmap(host, API_PAGE);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, 0, 1);
	alignment();
	test_overlap();
	guest_view();
	read_only();
	many_slots();
	api_destroy(&m);
	end_with_slots();
	return tap_done();
}
