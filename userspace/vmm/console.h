/* SPDX-License-Identifier: GPL-2.0-only */
/* Our end of the guest's serial line: standard input and output. */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include "lib/types.h"
#include "vmm/stop.h"

#define CONSOLE_QUEUE	256

struct console {
	bool tty;		/* stdin is a terminal, in raw mode */
	bool eof;		/* nothing more will come from stdin */
	bool escape;		/* Ctrl-A was typed, its command has not been yet */
	unsigned int queued;	/* bytes for the guest that its UART could not take yet */
	u8 queue[CONSOLE_QUEUE];
};

int console_open(struct console *con);
void console_restore(void);
bool console_wants_read(const struct console *con);
void console_read(struct console *con, struct stop *stop);
void console_take(struct console *con, unsigned int bytes);
void console_write(const struct stop *stop, const u8 *bytes, size_t nr);

#endif
