/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters behind KVM_GET_STATS_FD, of every VM that can be reached. */
#ifndef TOOLS_COUNTERS_H
#define TOOLS_COUNTERS_H

#include <sys/types.h>

#include "lib/types.h"

#define COUNTER_NAME	48
#define COUNTERS_MAX	128
#define SOURCE_ID	48

struct counter {
	char name[COUNTER_NAME];
	u64 value;
	bool grows;	/* counts events; others show a state */
};

/* One statistics file: a VM's or a vCPU's. */
struct counters {
	char id[SOURCE_ID];	/* "kvm-3", "kvm-3/vcpu-0" */
	unsigned int n;
	struct counter list[COUNTERS_MAX];
};

/* What a scan says: one call for each file; @pid has the VM open. */
typedef void (*counters_fn)(void *context, pid_t pid, const struct counters *c);

struct counters_trouble {
	unsigned int processes;	/* that have VMs open and cannot be looked into */
	int err;		/* errno of the last of them */
};

int counters_read(int fd, struct counters *c);
int counters_scan(pid_t only, counters_fn fn, void *context, struct counters_trouble *trouble);

#endif
