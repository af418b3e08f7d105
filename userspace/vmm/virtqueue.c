// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking requests from a split virtqueue and giving them back. What breaks the
 * rules of the specification is -EPROTO, and the caller declares the device
 * broken; nothing outside of the guest's own memory is ever touched.
 */
#include <errno.h>
#include <string.h>
#include <linux/virtio_ring.h>

#include "vmm/virtqueue.h"

/* Bytes of the parts; the event fields behind the rings are not used. */
#define AVAIL_BYTES(size)	(4u + 2u * (size))
#define USED_BYTES(size)	(4u + 8u * (size))

static u16 *avail_ring(const struct virtqueue *vq)
{
	if (vq->avail % sizeof(u16))
		return NULL;
	return ram_at(vq->ram, vq->avail, AVAIL_BYTES(vq->size));
}

/* One buffer of the chain joins its request. */
static int add_buffer(const struct virtqueue *vq, struct vq_chain *chain,
		      const struct vring_desc *desc)
{
	void *host = ram_at(vq->ram, desc->addr, desc->len);
	bool in = desc->flags & VRING_DESC_F_WRITE;

	if (!host || !desc->len || desc->flags & VRING_DESC_F_INDIRECT)
		return -EPROTO;
	/* What the device reads comes before what it writes. */
	if (!in && chain->nr_in)
		return -EPROTO;
	chain->iov[chain->nr_out + chain->nr_in] = (struct iovec){ host, desc->len };
	if (in) {
		chain->nr_in++;
		chain->in_bytes += desc->len;
	} else {
		chain->nr_out++;
		chain->out_bytes += desc->len;
	}
	return 0;
}

static int follow(const struct virtqueue *vq, struct vq_chain *chain, u16 head)
{
	const struct vring_desc *table = ram_at(vq->ram, vq->desc, vq->size * sizeof(*table));
	unsigned int seen;
	struct vring_desc desc;
	u16 index = head;

	if (!table)
		return -EPROTO;
	/* A chain is never longer than the table, so a loop shows. */
	for (seen = 0; seen < vq->size; seen++) {
		if (index >= vq->size)
			return -EPROTO;
		memcpy(&desc, &table[index], sizeof(desc));
		if (add_buffer(vq, chain, &desc))
			return -EPROTO;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		index = desc.next;
	}
	return -EPROTO;
}

/**
 * vq_pop() - take the next request
 * @vq: a ready queue
 * @chain: filled
 *
 * Return: 1 with a request, 0 when there is none, -EPROTO when the driver broke
 * the rules.
 */
int vq_pop(struct virtqueue *vq, struct vq_chain *chain)
{
	u16 *avail = avail_ring(vq);
	u16 index;

	if (!avail)
		return -EPROTO;
	index = __atomic_load_n(&avail[1], __ATOMIC_ACQUIRE);
	if (index == vq->next_avail)
		return 0;
	if ((u16)(index - vq->next_avail) > vq->size)
		return -EPROTO;
	memset(chain, 0, offsetof(struct vq_chain, iov));
	chain->head = __atomic_load_n(&avail[2 + vq->next_avail % vq->size], __ATOMIC_RELAXED);
	if (follow(vq, chain, chain->head))
		return -EPROTO;
	vq->next_avail++;
	return 1;
}

/**
 * vq_push() - give a request back
 * @vq: the queue it came from
 * @chain: the request
 * @written: bytes that the device wrote
 *
 * Return: 0 or -EPROTO when the used ring is not in memory.
 */
int vq_push(struct virtqueue *vq, const struct vq_chain *chain, u32 written)
{
	struct vring_used *used = ram_at(vq->ram, vq->used, USED_BYTES(vq->size));

	if (!used || vq->used % sizeof(u32))
		return -EPROTO;
	used->ring[vq->next_used % vq->size] = (struct vring_used_elem){ chain->head, written };
	vq->next_used++;
	__atomic_store_n(&used->idx, vq->next_used, __ATOMIC_SEQ_CST);
	return 0;
}

/** vq_wants_interrupt() - does the driver want to hear of what was given back? */
bool vq_wants_interrupt(const struct virtqueue *vq)
{
	u16 *avail = avail_ring(vq);

	return avail &&
	       !(__atomic_load_n(&avail[0], __ATOMIC_SEQ_CST) & VRING_AVAIL_F_NO_INTERRUPT);
}

/**
 * vq_gather() - copy from buffers
 * @iov: the buffers
 * @nr: how many
 * @skip: bytes to pass over first
 * @to: where to
 * @len: at most so many bytes
 *
 * Return: bytes copied.
 */
size_t vq_gather(const struct iovec *iov, unsigned int nr, size_t skip, void *to, size_t len)
{
	size_t done = 0;
	unsigned int i;

	for (i = 0; i < nr && done < len; i++) {
		size_t here = iov[i].iov_len;

		if (skip >= here) {
			skip -= here;
			continue;
		}
		here -= skip;
		if (here > len - done)
			here = len - done;
		memcpy((u8 *)to + done, (u8 *)iov[i].iov_base + skip, here);
		done += here;
		skip = 0;
	}
	return done;
}

/**
 * vq_scatter() - copy into buffers
 * @iov: the buffers
 * @nr: how many
 * @skip: bytes to pass over first
 * @from: what
 * @len: bytes of it
 *
 * Return: bytes copied; fewer than @len when the buffers are too small.
 */
size_t vq_scatter(const struct iovec *iov, unsigned int nr, size_t skip, const void *from,
		  size_t len)
{
	size_t done = 0;
	unsigned int i;

	for (i = 0; i < nr && done < len; i++) {
		size_t here = iov[i].iov_len;

		if (skip >= here) {
			skip -= here;
			continue;
		}
		here -= skip;
		if (here > len - done)
			here = len - done;
		memcpy((u8 *)iov[i].iov_base + skip, (const u8 *)from + done, here);
		done += here;
		skip = 0;
	}
	return done;
}
