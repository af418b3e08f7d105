/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the launcher and nestor-nbd say to each other about one disk, over a
 * stream socket: a greeting, then requests, one at a time. Data to write follows
 * its request, data that was read the answer to it when that says no error.
 */
#ifndef VMM_REMOTE_H
#define VMM_REMOTE_H

#include <stdbool.h>
#include <sys/uio.h>

#include "lib/types.h"
#include "vmm/helper.h"

#define REMOTE_PIECE	(1u << 20)	/* most bytes of one request */

enum remote_op { REMOTE_READ, REMOTE_WRITE, REMOTE_FLUSH };

struct remote_greeting {
	u64 bytes;		/* the disk's size; 0: it could not be opened */
	u32 read_only;
	char text[252];		/* why not */
};

struct remote_request {
	u32 op;
	u32 bytes;
	u64 offset;
};

struct remote_answer {
	u32 error;
};

int remote_open(struct helper *helper, const char *path, const char *format, bool read_only,
		u64 *bytes);
bool remote_move(const struct helper *helper, const struct iovec *iov, unsigned int nr,
		 u64 offset, bool write);
bool remote_flush(const struct helper *helper);

#endif
