// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_NR_MMU_PAGES: what is set can be read, too little is refused, and a
 * guest runs on with the least, also while the limit changes under it.
 */
#include <sys/ioctl.h>

#include "api.h"

#define LEAST		64
#define COUNTER		0x40000u	/* DS 0x4000 */

static struct machine m;

static long set(unsigned long pages)
{
	return call_value(m.fd, KVM_SET_NR_MMU_PAGES, pages);
}

static long get(void)
{
	return call_value(m.fd, KVM_GET_NR_MMU_PAGES, 0);
}

static void test_values(void)
{
	long first = get();

	is(call_value(m.fd, KVM_CHECK_EXTENSION, KVM_CAP_MMU_SHADOW_CACHE_CONTROL), 1,
	   "MMU_SHADOW_CACHE_CONTROL");
	tap_ok(first >= LEAST, "a new VM has a limit (%ld)", first);
	is(set(LEAST - 1), -EINVAL, "too few");
	is(set(0), -EINVAL, "none");
	is(set(1ul << 40), -EINVAL, "more than an int");
	is(get(), first, "refused calls change nothing");
	is(set(LEAST), 0, "the least");
	is(get(), LEAST, "it is read back");
}

/* mov $0x4000,%ax; mov %ax,%ds; 1: incw 0; jmp 1b */
static void test_while_running(void)
{
	volatile uint16_t *counter = (volatile uint16_t *)(m.mem + COUNTER);
	unsigned int i, stood = 0;
	struct runner r;

	CODE(&m, 0, 0xb8, 0x00, 0x40, 0x8e, 0xd8, 0xff, 0x06, 0x00, 0x00, 0xeb, 0xfa);
	runner_start(&r, m.cpu[0]);
	for (i = 0; i < 20; i++) {
		uint16_t before = *counter;
		unsigned int patience = 200;

		if (set(LEAST + i % 2 * 1000))
			break;
		while (*counter == before && --patience)
			api_sleep_ms(10);
		stood += !patience;
	}
	is(i, 20, "the limit changes while the guest runs");
	is(stood, 0, "which goes on each time");
	is(runner_stop(&r), -EINTR, "the guest is stopped");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_CPUID, 1);
	test_values();
	test_while_running();
	api_destroy(&m);
	return tap_done();
}
