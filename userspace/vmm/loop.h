/* SPDX-License-Identifier: GPL-2.0-only */
/* The main thread's loop: signals, standard input, requests from the vCPUs. */
#ifndef VMM_LOOP_H
#define VMM_LOOP_H

#include "vmm/console.h"
#include "vmm/stop.h"

struct loop {
	int signal_fd;
	/* Bytes for the guest; returns how many it took. @patient: nobody types them. */
	unsigned int (*input)(void *ctx, const u8 *bytes, unsigned int nr, bool patient);
	/* The terminal has another size. False: call again later. */
	bool (*resized)(void *ctx);
	void *ctx;
	bool resize_due;
};

int loop_open(struct loop *loop);
void loop_close(struct loop *loop);
int loop_run(struct loop *loop, struct console *con, struct stop *stop);

#endif
