/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Split virtqueues (Virtio 1.1 "Split Virtqueues"), the device's side. Pure but
 * for the guest's memory, which a hostile driver changes while it is read:
 * every field is copied once, checked, then used.
 */
#ifndef VMM_VIRTQUEUE_H
#define VMM_VIRTQUEUE_H

#include <sys/uio.h>

#include "vmm/ram.h"

#define VQ_MAX_SIZE	256

struct virtqueue {
	const struct ram *ram;
	u16 size;		/* a power of two up to VQ_MAX_SIZE */
	bool ready;
	bool indirect;		/* what the driver agreed to: VIRTIO_F_INDIRECT_DESC */
	bool event_idx;		/* and VIRTIO_F_EVENT_IDX */
	u64 desc;		/* guest-physical addresses of the three parts */
	u64 avail;
	u64 used;
	u16 next_avail;		/* the next entry to take */
	u16 next_used;		/* the next entry to give back */
};

/*
 * One request: first what the device reads, then what it writes. Also one with an
 * indirect table has at most VQ_MAX_SIZE buffers, as the queue's own has.
 */
struct vq_chain {
	u16 head;
	unsigned int nr_out;
	unsigned int nr_in;
	size_t out_bytes;
	size_t in_bytes;
	struct iovec iov[VQ_MAX_SIZE];
};

int vq_pop(struct virtqueue *vq, struct vq_chain *chain);
void vq_unpop(struct virtqueue *vq);
int vq_push(struct virtqueue *vq, const struct vq_chain *chain, u32 written);
bool vq_wants_interrupt(const struct virtqueue *vq);
unsigned int vq_slice(struct iovec *to, const struct iovec *iov, unsigned int nr, size_t skip,
		      size_t len);
size_t vq_gather(const struct iovec *iov, unsigned int nr, size_t skip, void *to, size_t len);
size_t vq_scatter(const struct iovec *iov, unsigned int nr, size_t skip, const void *from,
		  size_t len);

#endif
