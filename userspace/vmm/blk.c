// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests are served one after the other in the device's own thread, straight
 * between the file and the guest's memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "vmm/blk.h"

#define SECTOR		512u
#define CLASS_STORAGE	0x0180
#define SEGMENTS_MAX	(VQ_MAX_SIZE - 2)

/* A request's data: the buffers between its header and its status byte. */
struct data {
	struct iovec iov[VQ_MAX_SIZE];
	unsigned int nr;
	size_t bytes;
};

/* The part of buffers from @skip on, @bytes long. */
static void cut(struct data *data, const struct iovec *iov, unsigned int nr, size_t skip,
		size_t bytes)
{
	unsigned int i;

	data->nr = 0;
	data->bytes = bytes;
	for (i = 0; i < nr && bytes; i++) {
		size_t here = iov[i].iov_len;

		if (skip >= here) {
			skip -= here;
			continue;
		}
		here -= skip;
		if (here > bytes)
			here = bytes;
		data->iov[data->nr++] = (struct iovec){ (u8 *)iov[i].iov_base + skip, here };
		bytes -= here;
		skip = 0;
	}
}

/* All of it, in as many steps as the file needs. */
static bool transfer(const struct blk *blk, struct data *data, u64 at, bool write)
{
	struct iovec *iov = data->iov;
	unsigned int left = data->nr;

	while (left) {
		ssize_t n = write ? pwritev(blk->fd, iov, left, at) :
				    preadv(blk->fd, iov, left, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		for (; left && (size_t)n >= iov->iov_len; left--, iov++)
			n -= iov->iov_len;
		if (left) {
			iov->iov_base = (u8 *)iov->iov_base + n;
			iov->iov_len -= n;
		}
	}
	return true;
}

static bool in_range(const struct blk *blk, u64 sector, size_t bytes)
{
	return !(bytes % SECTOR) && sector <= blk->sectors &&
	       bytes / SECTOR <= blk->sectors - sector;
}

static u8 move(const struct blk *blk, struct data *data, u64 sector, bool write)
{
	if (!in_range(blk, sector, data->bytes) || (write && blk->read_only))
		return VIRTIO_BLK_S_IOERR;
	return transfer(blk, data, sector * SECTOR, write) ? VIRTIO_BLK_S_OK :
							     VIRTIO_BLK_S_IOERR;
}

static u8 identify(const struct blk *blk, const struct data *data)
{
	char id[VIRTIO_BLK_ID_BYTES] = "";

	memcpy(id, blk->path, strnlen(blk->path, sizeof(id)));
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
		return fdatasync(blk->fd) ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
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

static int open_file(struct blk *blk)
{
	struct stat st;
	u64 bytes;

	blk->fd = open(blk->path, (blk->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (blk->fd < 0)
		return nl_fail(errno, "--disk %s: %s", blk->path, strerror(errno));
	if (fstat(blk->fd, &st))
		return nl_fail(errno, "--disk %s: %s", blk->path, strerror(errno));
	bytes = st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(blk->fd, BLKGETSIZE64, &bytes))
		return nl_fail(errno, "--disk %s: %s", blk->path, strerror(errno));
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return nl_fail(EINVAL, "--disk %s: neither a file nor a block device", blk->path);
	/* Two guests that write one disk destroy it. */
	if (flock(blk->fd, (blk->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return nl_fail(EBUSY, "--disk %s: another program has it in use", blk->path);
	blk->sectors = bytes / SECTOR;
	if (!blk->sectors)
		return nl_fail(EINVAL, "--disk %s: it is empty", blk->path);
	return 0;
}

/**
 * blk_init() - add a disk, before the guest runs
 * @blk: zeroed
 * @path: a raw image or a block device; kept
 * @read_only: the guest may not write
 * @place: where the device goes
 *
 * Return: 0 or a negative errno with nl_error() set; blk_destroy() then too.
 */
int blk_init(struct blk *blk, const char *path, bool read_only,
	     const struct virtio_place *place)
{
	struct virtio_blk_config *config = (struct virtio_blk_config *)blk->virtio.config;
	int ret;

	blk->path = path;
	blk->read_only = read_only;
	ret = open_file(blk);
	if (ret)
		return ret;
	config->capacity = blk->sectors;
	config->seg_max = SEGMENTS_MAX;
	blk->virtio.features = BIT_ULL(VIRTIO_BLK_F_FLUSH) | BIT_ULL(VIRTIO_BLK_F_SEG_MAX);
	if (read_only)
		blk->virtio.features |= BIT_ULL(VIRTIO_BLK_F_RO);
	return virtio_init(&blk->virtio, &blk_ops, place);
}

/** blk_destroy() - remove a disk; no vCPU runs */
void blk_destroy(struct blk *blk)
{
	virtio_destroy(&blk->virtio);
	if (blk->path && blk->fd >= 0)
		close(blk->fd);
}
