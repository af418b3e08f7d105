// SPDX-License-Identifier: GPL-2.0-only
/* The host's own random bytes, as many as fit into a small piece of a request. */
#include <errno.h>
#include <sys/random.h>
#include <linux/virtio_ids.h>

#include "vmm/rng.h"

#define CLASS_OTHER	0x00ff
/* So much getrandom() gives without being interrupted. */
#define PIECE		256

static void rng_serve(struct virtio_dev *dev, unsigned int q)
{
	struct vq_chain chain;
	u8 bytes[PIECE];
	ssize_t n;

	while (virtio_take(dev, q, &chain)) {
		n = getrandom(bytes, sizeof(bytes), 0);
		n = vq_scatter(chain.iov + chain.nr_out, chain.nr_in, 0, bytes, n > 0 ? n : 0);
		virtio_give(dev, q, &chain, n);
	}
}

static const struct virtio_ops rng_ops = {
	.id = VIRTIO_ID_RNG,
	.name = "rng",
	.pci_class = CLASS_OTHER,
	.queues = 1,
	.serve = rng_serve,
};

/**
 * rng_init() - add an entropy device, before the guest runs
 * @dev: zeroed
 * @place: where the device goes
 *
 * Return: 0 or a negative errno with nl_error() set; virtio_destroy() then too.
 */
int rng_init(struct virtio_dev *dev, const struct virtio_place *place)
{
	return virtio_init(dev, &rng_ops, place);
}
