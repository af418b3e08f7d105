// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestor: a thin launcher. The hypervisor is in the kernel; this program gives
 * it memory, a kernel to start, and the few devices a PC cannot do without.
 */
#include <string.h>

#include "tools/stat.h"
#include "vmm/machine.h"
#include "vmm/options.h"
#include "vmm/stop.h"

int main(int argc, char **argv)
{
	struct options opt;

	if (argc > 1 && !strcmp(argv[1], "stat"))
		return stat_main(argc - 1, argv + 1);
	switch (options_parse(&opt, argc, argv)) {
	case OPTIONS_RUN:
		return machine_run(&opt);
	case OPTIONS_DONE:
		return 0;
	default:
		return STOP_USAGE;
	}
}
