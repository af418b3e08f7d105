// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_DIRTY_LOG: exactly the pages that the guest wrote, once; and what is
 * refused. CLEAR_DIRTY_LOG: bits stay until they are cleared.
 */
#include <stdlib.h>
#include <sys/ioctl.h>

#include "api.h"

#define PAGES		(API_MEM_SIZE / API_PAGE)	/* 128: two words of the log */
#define WORDS		(PAGES / 64)
#define TARGET		0x40u				/* pages that the guest writes */

static struct machine m;

static long get_log(uint32_t slot, void *bits)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bits };

	return call(m.fd, KVM_GET_DIRTY_LOG, &log);
}

static long clear_log(uint32_t slot, uint64_t first, uint32_t count, void *bits)
{
	struct kvm_clear_dirty_log log = {
		.slot = slot, .first_page = first, .num_pages = count, .dirty_bitmap = bits,
	};

	return call(m.fd, KVM_CLEAR_DIRTY_LOG, &log);
}

/* Writes the first byte of pages TARGET and TARGET + 2: DS 0x4000, 0x4200. */
static void guest_writes(void)
{
	CODE(&m, 0, 0xb8, 0x00, 0x40, 0x8e, 0xd8, 0xc6, 0x06, 0x00, 0x00, 0x01, 0xb8, 0x00, 0x42,
	     0x8e, 0xd8, 0xc6, 0x06, 0x00, 0x00, 0x01, 0xf4);
	must(m.cpu[0], KVM_RUN, NULL, "RUN");
	is(m.run[0]->exit_reason, KVM_EXIT_HLT, "the guest writes two pages");
}

static bool exactly_the_two(const uint64_t *bits)
{
	return bits[TARGET / 64] == (1ull << TARGET % 64 | 1ull << (TARGET + 2) % 64) &&
	       !bits[0];
}

static void test_refusals(void)
{
	uint64_t bits[WORDS] = { 0 };
	struct kvm_userspace_memory_region none = { .slot = 4 };

	is(get_log(0, bits), -ENOENT, "a slot that is not logged");
	is(get_log(4, bits), -ENOENT, "a slot that is not there");
	is(get_log(32764, bits), -EINVAL, "a slot number too high");
	is(get_log(1u << 16, bits), -ENOENT, "the slot is not in the other address space");
	is(get_log(2u << 16, bits), -EINVAL, "a third address space");
	is(clear_log(0, 0, 64, bits), -ENOENT, "CLEAR of a slot that is not logged");
	is(clear_log(4, 0, 64, bits), -ENOENT, "CLEAR of a slot that is not there");
	is(clear_log(32764, 0, 64, bits), -EINVAL, "CLEAR of a slot number too high");
	is(clear_log(2u << 16, 0, 64, bits), -EINVAL, "CLEAR in a third address space");
	is(clear_log(4, 1, 64, bits), -EINVAL, "CLEAR from within a word, of no slot");
	is(call(m.fd, KVM_GET_DIRTY_LOG, BAD_POINTER), -EFAULT, "GET_DIRTY_LOG from nowhere");
	is(call(m.fd, KVM_CLEAR_DIRTY_LOG, BAD_POINTER), -EFAULT,
	   "CLEAR_DIRTY_LOG from nowhere");
	is(call(m.cpu[0], KVM_GET_DIRTY_LOG, bits), -ENOTTY, "GET_DIRTY_LOG on a vCPU");
	is(none.memory_size, 0, "a slot of no size");
}

static void test_log(void)
{
	uint64_t bits[WORDS + 1] = { 0 };

	is(api_slot(m.fd, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, API_MEM_SIZE, m.mem), 0, "logging on");
	bits[WORDS] = 0x77;
	is(get_log(0, bits), 0, "GET_DIRTY_LOG");
	is(bits[WORDS], 0x77, "nothing written behind the log");
	guest_writes();
	is(get_log(0, bits), 0, "GET_DIRTY_LOG");
	tap_ok(exactly_the_two(bits), "exactly those (%#llx, %#llx)",
	       (unsigned long long)bits[0], (unsigned long long)bits[1]);
	is(get_log(0, bits), 0, "GET_DIRTY_LOG again");
	tap_ok(!bits[0] && !bits[1], "nothing new");
	guest_writes();
	is(get_log(0, BAD_POINTER), -EFAULT, "a log to nowhere");
	is(get_log(0, bits), 0, "after that");
	tap_ok(exactly_the_two(bits), "nothing is lost");
}

static void test_clear(void)
{
	uint64_t bits[WORDS] = { 0 }, want[WORDS] = { 0 };

	is(clear_log(0, 1, 64, want), -EINVAL, "CLEAR from within a word");
	is(clear_log(0, 0, 63, want), -EINVAL, "CLEAR of a part of a word");
	is(clear_log(0, 0, 192, want), -EINVAL, "CLEAR of more than there is");
	is(clear_log(0, 256, 64, want), -EINVAL, "CLEAR behind the end");
	is(clear_log(0, 1ull << 63, 64, want), -EINVAL, "CLEAR of a page number that wraps");
	is(clear_log(0, 0, 64, BAD_POINTER), -EFAULT, "CLEAR with bits from nowhere");
	is(clear_log(0, 0, 0, NULL), 0, "CLEAR of none");
	guest_writes();
	want[0] = 1ull << TARGET % 64;
	is(clear_log(0, 64, 64, want), 0, "CLEAR of one of the two");
	is(get_log(0, bits), 0, "GET_DIRTY_LOG");
	tap_ok(bits[TARGET / 64] == 1ull << (TARGET + 2) % 64, "the other is left (%#llx)",
	       (unsigned long long)bits[TARGET / 64]);
	guest_writes();
	is(get_log(0, bits), 0, "GET_DIRTY_LOG");
	tap_ok(exactly_the_two(bits), "a cleared page can be dirty again");
	is(api_slot(m.fd, 0, 0, 0, API_MEM_SIZE, m.mem), 0, "logging off");
	is(get_log(0, bits), -ENOENT, "no log any more");
	is(api_slot(m.fd, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, API_MEM_SIZE, m.mem), 0,
	   "logging on again");
	is(get_log(0, bits), 0, "GET_DIRTY_LOG");
	tap_ok(!bits[0] && !bits[1], "begins empty");
}

/* inc word ds:[0], forever, in page TARGET */
static void test_while_running(void)
{
	uint64_t bits[WORDS];
	unsigned int i, seen = 0;
	struct runner r;

	CODE(&m, 0, 0xb8, 0x00, 0x40, 0x8e, 0xd8, 0xff, 0x06, 0x00, 0x00, 0xeb, 0xfa);
	runner_start(&r, m.cpu[0]);
	for (i = 0; i < 20; i++) {
		api_sleep_ms(20);
		if (get_log(0, bits))
			break;
		seen += bits[TARGET / 64] >> TARGET % 64 & 1;
	}
	is(i, 20, "the log while the guest runs");
	tap_ok(seen > 10, "the page it writes is dirty again and again (%u of 20)", seen);
	is(runner_stop(&r), -EINTR, "the guest is stopped");
	get_log(0, bits);
	is(get_log(0, bits), 0, "the log of a guest that stands");
	tap_ok(!bits[0] && !bits[1], "is empty");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_CPUID, 1);
	test_refusals();
	test_log();
	test_clear();
	test_while_running();
	api_destroy(&m);
	return tap_done();
}
