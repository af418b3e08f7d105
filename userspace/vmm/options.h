/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include "lib/types.h"
#include "vmm/cpuid.h"
#include "vmm/disk.h"

#define OPTIONS_DISKS	8

struct options {
	const char *kernel;
	const char *initrd;	/* NULL: none */
	const char *append;	/* NULL: none */
	const char *device;	/* NULL: the default nodes */
	const char *net;	/* NULL: none */
	struct disk_source disks[OPTIONS_DISKS];
	u32 nr_disks;
	enum cpuid_nested nested;
	bool rng;
	bool hvc;		/* the console is a virtio device */
	u64 mem;
	u32 cpus;
};

enum options_verdict { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD };

enum options_verdict options_parse(struct options *opt, int argc, char **argv);

#endif
