/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtio disk. Virtio 1.1 "Block Device". */
#ifndef VMM_BLK_H
#define VMM_BLK_H

#include "vmm/disk.h"
#include "vmm/virtio.h"

struct blk {
	struct virtio_dev virtio;
	struct disk disk;	/* its path is the serial number too, cut */
};

int blk_init(struct blk *blk, const struct disk_source *source,
	     const struct virtio_place *place);
void blk_destroy(struct blk *blk);

#endif
