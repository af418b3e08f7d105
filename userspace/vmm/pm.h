/* SPDX-License-Identifier: GPL-2.0-only */
/* ACPI fixed hardware: the PM1 event and control registers and the PM timer. */
#ifndef VMM_PM_H
#define VMM_PM_H

#include <pthread.h>

#include "vmm/bus.h"
#include "vmm/stop.h"

struct pm {
	pthread_mutex_t lock;
	struct stop *stop;
	u64 start_ns;
	u16 enable;		/* under lock */
	u16 control;		/* under lock */
};

int pm_init(struct pm *pm, struct bus *bus, struct stop *stop);

#endif
