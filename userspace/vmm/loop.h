/* SPDX-License-Identifier: GPL-2.0-only */
/* The main thread's loop: signals, standard input, requests from the vCPUs. */
#ifndef VMM_LOOP_H
#define VMM_LOOP_H

#include "vmm/console.h"
#include "vmm/serial.h"
#include "vmm/stop.h"

struct loop {
	int signal_fd;
};

int loop_open(struct loop *loop);
void loop_close(struct loop *loop);
int loop_run(struct loop *loop, struct console *con, struct serial *uart, struct stop *stop);

#endif
