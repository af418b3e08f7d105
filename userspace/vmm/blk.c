// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests are served one after the other in the device's own thread, straight
 * between the disk and the guest's memory.
 */
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "vmm/blk.h"

#define CLASS_STORAGE	0x0180
#define SEGMENTS_MAX	(VQ_MAX_SIZE - 2)

/* A request's data: the buffers between its header and its status byte. */
struct data {
	struct iovec iov[VQ_MAX_SIZE];
	unsigned int nr;
	size_t bytes;
};

static void cut(struct data *data, const struct iovec *iov, unsigned int nr, size_t skip,
		size_t bytes)
{
	data->nr = vq_slice(data->iov, iov, nr, skip, bytes);
	data->bytes = bytes;
}

static bool in_range(const struct blk *blk, u64 sector, size_t bytes)
{
	return !(bytes % SECTOR) && sector <= blk->disk.sectors &&
	       bytes / SECTOR <= blk->disk.sectors - sector;
}

static u8 move(const struct blk *blk, struct data *data, u64 sector, bool write)
{
	if (!in_range(blk, sector, data->bytes) || (write && blk->disk.source.read_only))
		return VIRTIO_BLK_S_IOERR;
	return disk_move(&blk->disk, data->iov, data->nr, sector * SECTOR, write) ?
	       VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

static u8 identify(const struct blk *blk, const struct data *data)
{
	const char *path = blk->disk.source.path;
	char id[VIRTIO_BLK_ID_BYTES] = "";

	memcpy(id, path, strnlen(path, sizeof(id)));
	vq_scatter(data->iov, data->nr, 0, id, sizeof(id));
	return VIRTIO_BLK_S_OK;
}

/* The answer's status; @written: bytes of data put into the guest's buffers. */
static u8 execute(const struct blk *blk, const struct vq_chain *chain, u32 *written)
{
	const struct iovec *in = chain->iov + chain->nr_out;
	struct virtio_blk_outhdr head;
	struct data data;
	u8 status;

	*written = 0;
	if (vq_gather(chain->iov, chain->nr_out, 0, &head, sizeof(head)) != sizeof(head))
		return VIRTIO_BLK_S_IOERR;
	switch (head.type) {
	case VIRTIO_BLK_T_IN:
		cut(&data, in, chain->nr_in, 0, chain->in_bytes - 1);
		status = move(blk, &data, head.sector, false);
		*written = status == VIRTIO_BLK_S_OK ? data.bytes : 0;
		return status;
	case VIRTIO_BLK_T_OUT:
		cut(&data, chain->iov, chain->nr_out, sizeof(head),
		    chain->out_bytes - sizeof(head));
		return move(blk, &data, head.sector, true);
	case VIRTIO_BLK_T_FLUSH:
		return disk_flush(&blk->disk) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
	case VIRTIO_BLK_T_GET_ID:
		cut(&data, in, chain->nr_in, 0, chain->in_bytes - 1);
		*written = data.bytes < VIRTIO_BLK_ID_BYTES ? data.bytes : VIRTIO_BLK_ID_BYTES;
		return identify(blk, &data);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

static void blk_serve(struct virtio_dev *dev, unsigned int q)
{
	struct blk *blk = (struct blk *)dev;
	struct vq_chain chain;
	u32 written;
	u8 status;

	while (virtio_take(dev, q, &chain)) {
		/* Nowhere to put a status: the request is lost, the driver's fault. */
		if (!chain.in_bytes) {
			virtio_give(dev, q, &chain, 0);
			continue;
		}
		status = execute(blk, &chain, &written);
		vq_scatter(chain.iov + chain.nr_out, chain.nr_in, chain.in_bytes - 1, &status, 1);
		virtio_give(dev, q, &chain, written + 1);
	}
}

static const struct virtio_ops blk_ops = {
	.id = VIRTIO_ID_BLOCK,
	.name = "blk",
	.pci_class = CLASS_STORAGE,
	.queues = 1,
	.serve = blk_serve,
};

/**
 * blk_init() - add a disk, before the guest runs
 * @blk: zeroed
 * @source: what the command line says; its strings are kept
 * @place: where the device goes
 *
 * Return: 0 or a negative errno with nl_error() set; blk_destroy() then too.
 */
int blk_init(struct blk *blk, const struct disk_source *source, const struct virtio_place *place)
{
	struct virtio_blk_config *config = (struct virtio_blk_config *)blk->virtio.config;
	int ret;

	ret = disk_open(&blk->disk, source);
	if (ret)
		return ret;
	config->capacity = blk->disk.sectors;
	config->seg_max = SEGMENTS_MAX;
	blk->virtio.features = BIT_ULL(VIRTIO_BLK_F_FLUSH) | BIT_ULL(VIRTIO_BLK_F_SEG_MAX);
	if (source->read_only)
		blk->virtio.features |= BIT_ULL(VIRTIO_BLK_F_RO);
	return virtio_init(&blk->virtio, &blk_ops, place);
}

/** blk_destroy() - remove a disk; no vCPU runs */
void blk_destroy(struct blk *blk)
{
	virtio_destroy(&blk->virtio);
	disk_close(&blk->disk);
}
