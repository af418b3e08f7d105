/* SPDX-License-Identifier: GPL-2.0-only */
/* The three old ways to reset a PC: port 0xcf9, the keyboard controller, port 0x92. */
#ifndef VMM_RESET_H
#define VMM_RESET_H

#include <stdatomic.h>

#include "vmm/bus.h"
#include "vmm/stop.h"

struct reset {
	struct stop *stop;
	atomic_uchar control;		/* port 0xcf9 */
	atomic_uchar port_a;		/* port 0x92 */
	atomic_bool output_port_next;	/* the next data byte goes to the output port */
};

int reset_init(struct reset *reset, struct bus *bus, struct stop *stop);

#endif
