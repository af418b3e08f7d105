// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reset logic. Each register is one byte that holds no more state than its last
 * value, so atomics are enough. Of the keyboard controller there is only what
 * resets the CPU: no keyboard is announced, and its status says "idle".
 */
#include "vmm/ports.h"
#include "vmm/reset.h"

#define CF9_RESET_CPU		0x04
#define PORT_A_A20		0x02
#define PORT_A_RESET		0x01
#define KBC_WRITE_OUTPUT_PORT	0xd1
#define KBC_PULSE_RESET		0xfe
#define OUTPUT_PORT_NO_RESET	0x01

static u32 control_read(void *dev, unsigned int offset, unsigned int size)
{
	struct reset *reset = dev;

	(void)offset;
	(void)size;
	return atomic_load(&reset->control);
}

static void control_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	struct reset *reset = dev;

	(void)offset;
	(void)size;
	/* The rising edge of the bit resets, whatever the kind named by the others. */
	if ((value & CF9_RESET_CPU) && !(atomic_load(&reset->control) & CF9_RESET_CPU))
		stop_request(reset->stop, STOP_RESET);
	atomic_store(&reset->control, (u8)value);
}

static u32 port_a_read(void *dev, unsigned int offset, unsigned int size)
{
	struct reset *reset = dev;

	(void)offset;
	(void)size;
	return atomic_load(&reset->port_a);
}

static void port_a_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	struct reset *reset = dev;

	(void)offset;
	(void)size;
	if ((value & PORT_A_RESET) && !(atomic_load(&reset->port_a) & PORT_A_RESET))
		stop_request(reset->stop, STOP_RESET);
	atomic_store(&reset->port_a, (u8)value);
}

static u32 kbc_read(void *dev, unsigned int offset, unsigned int size)
{
	(void)dev;
	(void)offset;
	(void)size;
	return 0;
}

static void kbc_command(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	struct reset *reset = dev;

	(void)offset;
	(void)size;
	atomic_store(&reset->output_port_next, value == KBC_WRITE_OUTPUT_PORT);
	if (value == KBC_PULSE_RESET)
		stop_request(reset->stop, STOP_RESET);
}

static void kbc_data(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	struct reset *reset = dev;

	(void)offset;
	(void)size;
	if (atomic_exchange(&reset->output_port_next, false) && !(value & OUTPUT_PORT_NO_RESET))
		stop_request(reset->stop, STOP_RESET);
}

/**
 * reset_init() - Attach the reset ports
 * @reset: filled in
 * @bus: where
 * @stop: whom to ask
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int reset_init(struct reset *reset, struct bus *bus, struct stop *stop)
{
	const struct port_range ranges[] = {
		{ RESET_PORT, 1, 1, reset, control_read, control_write },
		{ PORT_A_PORT, 1, 1, reset, port_a_read, port_a_write },
		{ KBC_DATA_PORT, 1, 1, reset, kbc_read, kbc_data },
		{ KBC_COMMAND_PORT, 1, 1, reset, kbc_read, kbc_command },
	};
	unsigned int i;
	int ret = 0;

	reset->stop = stop;
	atomic_init(&reset->control, 0);
	atomic_init(&reset->port_a, PORT_A_A20);
	atomic_init(&reset->output_port_next, false);
	for (i = 0; i < ARRAY_SIZE(ranges) && !ret; i++)
		ret = bus_add(bus, &ranges[i]);
	return ret;
}
