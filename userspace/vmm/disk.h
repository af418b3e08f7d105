/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a disk's bytes are: in a raw file or block device of the host, or behind
 * nestor-nbd, which knows other formats and servers elsewhere.
 */
#ifndef VMM_DISK_H
#define VMM_DISK_H

#include <stdbool.h>
#include <sys/uio.h>

#include "lib/types.h"
#include "vmm/helper.h"

#define SECTOR		512u

/* What the command line says. */
struct disk_source {
	const char *path;
	const char *format;	/* from disk_format() */
	bool read_only;
};

struct disk {
	struct disk_source source;
	u64 sectors;
	int fd;			/* -1: behind the helper */
	struct helper helper;
};

const char *disk_format(const char *path, const char *said);
int disk_open(struct disk *disk, const struct disk_source *source);
bool disk_move(const struct disk *disk, struct iovec *iov, unsigned int nr, u64 at, bool write);
bool disk_flush(const struct disk *disk);
void disk_interrupt(const struct disk *disk);
void disk_close(struct disk *disk);

#endif
