/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The I/O port bus: which device answers at which port.
 */
#ifndef VMM_BUS_H
#define VMM_BUS_H

#include "lib/types.h"

#define BUS_MAX_RANGES	24

/*
 * A device sees accesses of 1 to @width bytes that lie wholly in its range;
 * the bus splits what is wider. Callbacks run on any vCPU thread at any time
 * and lock for themselves.
 */
struct port_range {
	u16 first;
	u16 ports;
	u8 width;		/* 1, 2 or 4 */
	void *dev;
	u32 (*read)(void *dev, unsigned int offset, unsigned int size);
	void (*write)(void *dev, unsigned int offset, unsigned int size, u32 value);
};

struct bus {
	struct port_range ranges[BUS_MAX_RANGES];	/* constant once the guest runs */
	unsigned int nr;
};

int bus_add(struct bus *bus, const struct port_range *range);
u32 bus_read(const struct bus *bus, u16 port, unsigned int size);
void bus_write(const struct bus *bus, u16 port, unsigned int size, u32 value);

#endif
