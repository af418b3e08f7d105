// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs that end with any number of slots. Linux 6.1's maple tree once followed its
 * own bookkeeping as a pointer, some time after the VM's end, when one of its
 * nodes was full but for one child.
 */
#include <unistd.h>
#include <sys/ioctl.h>

#include "api.h"

#define FEW	110
#define MANY	260
#define STEP	5	/* less than a leaf of the tree has */

int main(void)
{
	long n, i, bad = 0;
	uint8_t *host;
	int vm;

	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	host = api_pages(API_PAGE);
	for (n = FEW; n < MANY && !bad; n += STEP) {
		vm = must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");
		for (i = 0; i < n && !bad; i++)
			bad = api_slot(vm, i, 0, i * API_PAGE, API_PAGE, host);
		close(vm);
	}
	is(bad, 0, "VMs of 110 to 255 slots end with them");
	/* What was put off is done, before the host is looked at. */
	api_sleep_ms(200);
	return tap_done();
}
