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

/* Behind the ring each side has one more field: the other's event index. */
#define AVAIL_BYTES(size)	(6u + 2u * (size))
#define USED_BYTES(size)	(6u + 8u * (size))

static u16 *avail_ring(const struct virtqueue *vq)
{
	if (vq->avail % sizeof(u16))
		return NULL;
	return ram_at(vq->ram, vq->avail, AVAIL_BYTES(vq->size));
}

static struct vring_used *used_ring(const struct virtqueue *vq)
{
	if (vq->used % sizeof(u32))
		return NULL;
	return ram_at(vq->ram, vq->used, USED_BYTES(vq->size));
}

/* One buffer of the chain joins its request. */
static int add_buffer(const struct virtqueue *vq, struct vq_chain *chain,
		      const struct vring_desc *desc)
{
	void *host = ram_at(vq->ram, desc->addr, desc->len);
	unsigned int nr = chain->nr_out + chain->nr_in;

	if (!host || !desc->len || nr == VQ_MAX_SIZE)
		return -EPROTO;
	/* What the device reads comes before what it writes. */
	if (!(desc->flags & VRING_DESC_F_WRITE) && chain->nr_in)
		return -EPROTO;
	chain->iov[nr] = (struct iovec){ host, desc->len };
	if (desc->flags & VRING_DESC_F_WRITE) {
		chain->nr_in++;
		chain->in_bytes += desc->len;
	} else {
		chain->nr_out++;
		chain->out_bytes += desc->len;
	}
	return 0;
}

/* A table of descriptors: the queue's own, or an indirect one. */
struct table {
	const struct vring_desc *descs;
	u32 size;
	bool indirect;
};

/* The last descriptor of a chain may stand for a table; no table holds another. */
static int enter(const struct virtqueue *vq, struct table *table, const struct vring_desc *desc)
{
	if (!vq->indirect || table->indirect || desc->flags & VRING_DESC_F_NEXT ||
	    !desc->len || desc->len % sizeof(*desc))
		return -EPROTO;
	table->descs = ram_at(vq->ram, desc->addr, desc->len);
	table->size = desc->len / sizeof(*desc);
	table->indirect = true;
	return table->descs ? 0 : -EPROTO;
}

/* The barrier keeps the compiler from reading again what the guest may change. */
static void copy_once(struct vring_desc *to, const struct vring_desc *from)
{
	memcpy(to, from, sizeof(*to));
	__asm__ volatile("" : : : "memory");
}

static int follow(const struct virtqueue *vq, struct vq_chain *chain, u16 head)
{
	struct table table = {
		.descs = ram_at(vq->ram, vq->desc, vq->size * sizeof(*table.descs)),
		.size = vq->size,
	};
	struct vring_desc desc;
	u32 index = head;

	if (!table.descs)
		return -EPROTO;
	/* It ends: each turn adds a buffer or enters the one indirect table. */
	for (;;) {
		if (index >= table.size)
			return -EPROTO;
		copy_once(&desc, &table.descs[index]);
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			if (enter(vq, &table, &desc))
				return -EPROTO;
			index = 0;
			continue;
		}
		if (add_buffer(vq, chain, &desc))
			return -EPROTO;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		index = desc.next;
	}
}

/* With event indexes the driver rings only for requests behind the one named. */
static int ask_for_notification(const struct virtqueue *vq)
{
	struct vring_used *used = used_ring(vq);

	if (!used)
		return -EPROTO;
	__atomic_store_n((u16 *)&used->ring[vq->size], vq->next_avail, __ATOMIC_SEQ_CST);
	return 0;
}

/* The driver's index, when it is not ours: then a request waits. */
static int look(const struct virtqueue *vq, const u16 *avail, u16 *index)
{
	*index = __atomic_load_n(&avail[1], __ATOMIC_ACQUIRE);
	if (*index != vq->next_avail || !vq->event_idx)
		return 0;
	if (ask_for_notification(vq))
		return -EPROTO;
	/* One that came before the driver saw our wish rang no bell. */
	*index = __atomic_load_n(&avail[1], __ATOMIC_SEQ_CST);
	return 0;
}

/**
 * vq_pop() - take the next request
 * @vq: a ready queue
 * @chain: filled
 *
 * Return: 1 with a request, 0 when there is none, and the driver will notify of
 * the next, -EPROTO when the driver broke the rules.
 */
int vq_pop(struct virtqueue *vq, struct vq_chain *chain)
{
	u16 *avail = avail_ring(vq);
	u16 index;

	if (!avail || look(vq, avail, &index))
		return -EPROTO;
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

/** vq_unpop() - leave the request that was taken last for another time */
void vq_unpop(struct virtqueue *vq)
{
	vq->next_avail--;
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
	struct vring_used *used = used_ring(vq);

	if (!used)
		return -EPROTO;
	used->ring[vq->next_used % vq->size] = (struct vring_used_elem){ chain->head, written };
	vq->next_used++;
	__atomic_store_n(&used->idx, vq->next_used, __ATOMIC_SEQ_CST);
	return 0;
}

/** vq_wants_interrupt() - does the driver want to hear of what was given back last? */
bool vq_wants_interrupt(const struct virtqueue *vq)
{
	u16 *avail = avail_ring(vq);

	if (!avail)
		return false;
	if (vq->event_idx)
		return __atomic_load_n(&avail[2 + vq->size], __ATOMIC_SEQ_CST) ==
		       (u16)(vq->next_used - 1);
	return !(__atomic_load_n(&avail[0], __ATOMIC_SEQ_CST) & VRING_AVAIL_F_NO_INTERRUPT);
}

/**
 * vq_slice() - a part of buffers
 * @to: filled, room for as many as there are
 * @iov: the buffers
 * @nr: how many
 * @skip: bytes to pass over first
 * @len: at most so many bytes
 *
 * Return: how many buffers the part has.
 */
unsigned int vq_slice(struct iovec *to, const struct iovec *iov, unsigned int nr, size_t skip,
		      size_t len)
{
	unsigned int i, parts = 0;

	for (i = 0; i < nr && len; i++) {
		size_t here = iov[i].iov_len;

		if (skip >= here) {
			skip -= here;
			continue;
		}
		here -= skip;
		if (here > len)
			here = len;
		to[parts++] = (struct iovec){ (u8 *)iov[i].iov_base + skip, here };
		len -= here;
		skip = 0;
	}
	return parts;
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
	struct iovec part[VQ_MAX_SIZE];
	unsigned int i, parts = vq_slice(part, iov, nr, skip, len);
	size_t done = 0;

	for (i = 0; i < parts; done += part[i++].iov_len)
		memcpy((u8 *)to + done, part[i].iov_base, part[i].iov_len);
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
	struct iovec part[VQ_MAX_SIZE];
	unsigned int i, parts = vq_slice(part, iov, nr, skip, len);
	size_t done = 0;

	for (i = 0; i < parts; done += part[i++].iov_len)
		memcpy(part[i].iov_base, (const u8 *)from + done, part[i].iov_len);
	return done;
}
