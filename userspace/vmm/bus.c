// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port dispatch as on an ISA bus: an access wider than the device is split into
 * bytes at successive ports, and where nobody drives the bus it reads all ones.
 */
#include <errno.h>

#include "lib/nl.h"
#include "vmm/bus.h"

#define FLOATING_BYTE	0xffu

/**
 * bus_add() - Attach a device; before the guest runs
 * @bus: the bus
 * @range: copied
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int bus_add(struct bus *bus, const struct port_range *range)
{
	if (bus->nr == BUS_MAX_RANGES)
		return nl_fail(ENOSPC, "too many devices on the I/O port bus");
	bus->ranges[bus->nr++] = *range;
	return 0;
}

static const struct port_range *find(const struct bus *bus, u16 port, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < bus->nr; i++) {
		const struct port_range *r = &bus->ranges[i];

		if (port >= r->first && port + size <= (unsigned int)r->first + r->ports &&
		    size <= r->width)
			return r;
	}
	return NULL;
}

/**
 * bus_read() - The guest reads a port
 * @bus: the bus
 * @port: which
 * @size: 1, 2 or 4 bytes
 *
 * Return: the value in the low @size bytes.
 */
u32 bus_read(const struct bus *bus, u16 port, unsigned int size)
{
	const struct port_range *r = find(bus, port, size);
	u32 value = 0;
	unsigned int i;

	if (r)
		return r->read(r->dev, port - r->first, size);
	if (size == 1)
		return FLOATING_BYTE;
	for (i = 0; i < size; i++)
		value |= (bus_read(bus, port + i, 1) & FLOATING_BYTE) << (8 * i);
	return value;
}

/**
 * bus_write() - The guest writes a port
 * @bus: the bus
 * @port: which
 * @size: 1, 2 or 4 bytes
 * @value: in the low @size bytes
 */
void bus_write(const struct bus *bus, u16 port, unsigned int size, u32 value)
{
	const struct port_range *r = find(bus, port, size);
	unsigned int i;

	if (r) {
		r->write(r->dev, port - r->first, size, value);
		return;
	}
	for (i = 0; size > 1 && i < size; i++)
		bus_write(bus, port + i, 1, value >> (8 * i) & 0xff);
}
