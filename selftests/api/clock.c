// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_CLOCK and SET_CLOCK: the VM's clock starts, runs, can be set, and refuses
 * what it does not know.
 */
#include <time.h>
#include <sys/ioctl.h>

#include "api.h"

#define SECOND		1000000000ull

static struct machine m;

static uint64_t now(struct kvm_clock_data *data)
{
	must(m.fd, KVM_GET_CLOCK, data, "GET_CLOCK");
	return data->clock;
}

static void test_runs(void)
{
	struct kvm_clock_data data;
	uint64_t first, second;
	long flags = call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_ADJUST_CLOCK);

	memset(&data, 0xaa, sizeof(data));
	first = now(&data);
	tap_ok(first < 60 * SECOND, "a new VM's clock is near zero");
	tap_ok(!(data.flags & ~(flags | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)),
	       "only known flags (%#x)", data.flags);
	api_sleep_ms(50);
	second = now(&data);
	tap_ok(second >= first + SECOND / 25 && second < first + 30 * SECOND,
	       "it runs as time does (%llu ns)", (unsigned long long)(second - first));
	is(call(m.fd, KVM_GET_CLOCK, BAD_POINTER), -EFAULT, "GET_CLOCK to nowhere");
}

static void test_set(void)
{
	struct kvm_clock_data data = { .clock = 1000 * SECOND }, got;
	struct timespec real;
	uint64_t at;

	is(call(m.fd, KVM_SET_CLOCK, &data), 0, "SET_CLOCK");
	at = now(&got);
	tap_ok(at >= 1000 * SECOND && at < 1030 * SECOND, "it goes on from there");
	data.clock = 5 * SECOND;
	is(call(m.fd, KVM_SET_CLOCK, &data), 0, "SET_CLOCK backwards");
	at = now(&got);
	tap_ok(at >= 5 * SECOND && at < 35 * SECOND, "it goes on from there, too");
	data.flags = 1u << 31;
	data.clock = 7777 * SECOND;
	is(call(m.fd, KVM_SET_CLOCK, &data), -EINVAL, "an unknown flag");
	tap_ok(now(&got) < 60 * SECOND, "nothing changed");
	is(call(m.fd, KVM_SET_CLOCK, BAD_POINTER), -EFAULT, "SET_CLOCK from nowhere");
	clock_gettime(CLOCK_REALTIME, &real);
	data.flags = KVM_CLOCK_REALTIME;
	data.clock = 2000 * SECOND;
	data.realtime = (real.tv_sec - 100) * SECOND + real.tv_nsec;
	is(call(m.fd, KVM_SET_CLOCK, &data), 0, "SET_CLOCK as it was 100 s ago");
	at = now(&got);
	tap_ok(at >= 2100 * SECOND && at < 2130 * SECOND, "what passed since is added (%llu)",
	       (unsigned long long)at);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, 0, 1);
	test_runs();
	test_set();
	api_destroy(&m);
	return tap_done();
}
