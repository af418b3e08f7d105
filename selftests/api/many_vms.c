// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many small VMs: 200 one after the other, and 30 that run at the same time.
 */
#include <stdlib.h>
#include <unistd.h>

#include "api.h"

#define IN_A_ROW	200u
#define AT_ONCE		30u
#define EXITS		50u
#define SLOW_PART	10	/* on an emulated host that is that much slower */

static unsigned int times(unsigned int n)
{
	const char *host = getenv("NESTOR_HOST");

	return host && !strncmp(host, "vmx", 3) ? n / SLOW_PART : n;
}

static void test_in_a_row(void)
{
	unsigned int i, good = 0, n = times(IN_A_ROW);
	struct machine m;

	for (i = 0; i < n; i++) {
		api_create(&m, API_IRQCHIP, 1);
		CODE(&m, 0, 0xb0, 0x2a, 0xe6, 0x70);	/* mov $42, %al; out %al, $0x70 */
		good += !call(m.cpu[0], KVM_RUN, NULL) && m.run[0]->exit_reason == KVM_EXIT_IO &&
			*((uint8_t *)m.run[0] + m.run[0]->io.data_offset) == 42;
		api_destroy(&m);
	}
	is(good, n, "%u VMs in a row", n);
}

static void test_at_once(void)
{
	static struct machine m[AT_ONCE];
	static struct runner r[AT_ONCE];
	unsigned int i, n = AT_ONCE, round, busy = 0, wrong = 0;

	for (i = 0; i < n; i++) {
		api_create(&m[i], API_IRQCHIP, 1);
		CODE(&m[i], 0, 0xe6, 0x70, 0xeb, 0xfc);	/* out %al, $0x70; again */
		runner_start(&r[i], m[i].cpu[0]);
	}
	for (round = 0; round < 600 && busy < n; round++) {
		api_sleep_ms(100);
		for (i = 0, busy = 0; i < n; i++)
			busy += atomic_load(&r[i].calls) > EXITS;
	}
	is(busy, n, "30 VMs run at the same time");
	for (i = 0; i < n; i++) {
		wrong += runner_stop(&r[i]) != -EINTR;
		api_destroy(&m[i]);
	}
	is(wrong, 0, "each until it is stopped");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	test_in_a_row();
	test_at_once();
	return tap_done();
}
