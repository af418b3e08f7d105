/* SPDX-License-Identifier: GPL-2.0-only */
/* A 16550A UART. */
#ifndef VMM_SERIAL_H
#define VMM_SERIAL_H

#include <pthread.h>

#include "lib/nl.h"
#include "vmm/bus.h"

#define SERIAL_FIFO	16

struct serial {
	pthread_mutex_t lock;	/* everything below but the callbacks */
	const struct nl_vm *vm;
	void (*send)(void *ctx, u8 byte);	/* a byte leaves; may block; unlocked */
	void (*room)(void *ctx);		/* there is room for input again; locked */
	void *ctx;

	u8 ier, lcr, mcr, fcr, scratch;
	u8 divisor[2];
	u8 msr_delta;
	bool overrun;
	bool tx_empty_irq;	/* the "transmitter empty" interrupt is latched */
	bool line;		/* what the interrupt controller was told last */
	u8 fifo[SERIAL_FIFO];
	unsigned int head, count;
};

int serial_init(struct serial *uart, struct bus *bus, const struct nl_vm *vm);
unsigned int serial_input(struct serial *uart, const u8 *bytes, unsigned int nr, bool patient);
bool serial_wants_input(struct serial *uart, bool patient);
void serial_receive(struct serial *uart, u8 byte);

#endif
