/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtio disk over a raw file or block device. Virtio 1.1 "Block Device". */
#ifndef VMM_BLK_H
#define VMM_BLK_H

#include "vmm/virtio.h"

struct blk {
	struct virtio_dev virtio;
	const char *path;	/* also the disk's serial number, cut */
	int fd;
	u64 sectors;
	bool read_only;
};

int blk_init(struct blk *blk, const char *path, bool read_only,
	     const struct virtio_place *place);
void blk_destroy(struct blk *blk);

#endif
