// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzer of the launcher's virtqueues: rings, tables and features come from the
 * input. Each request is compared with what a naive reader finds, buffer by
 * buffer, and all of the guest's memory with what it must hold afterwards: its
 * own bytes, and where the device may write, what it must write. Guest memory is
 * exactly as large as it says, in two parts, so the sanitizer sees every step
 * outside.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_ring.h>

#include "vmm/virtqueue.h"

#define LOW_SIZE	4096u
#define HIGH_SIZE	1024u
#define RAM_SIZE	(LOW_SIZE + HIGH_SIZE)
#define REQUESTS	40

struct setup {
	u8 size_log;		/* and flags in the upper bits */
	u8 high;		/* which parts lie in high memory */
	u16 desc, avail, used;
	u16 next_avail, next_used;
} __attribute__((packed));

struct input {
	const u8 *at;
	size_t left;
};

struct buffers {
	unsigned int nr, nr_out;
	struct iovec iov[VQ_MAX_SIZE];
};

static struct ram ram;
static u8 expected[RAM_SIZE];
static struct virtqueue vq;
static struct vq_chain chain;
static struct buffers naive;

static void check(bool good)
{
	if (!good)
		abort();
}

static void take(struct input *in, void *to, size_t bytes)
{
	size_t n = bytes < in->left ? bytes : in->left;

	memset(to, 0, bytes);
	memcpy(to, in->at, n);
	in->at += n;
	in->left -= n;
}

static u64 place(u16 offset, bool high)
{
	return high ? SZ_4G + offset % (HIGH_SIZE + 64) : offset % (LOW_SIZE + 64);
}

/* Byte by byte, where guest memory is, as it must be now: the slow and plain way. */
static bool peek(u64 gpa, void *to, u64 len)
{
	u8 *bytes = to;
	u64 i, at;

	for (i = 0; i < len; i++) {
		at = gpa + i;
		if (at < gpa)
			return false;
		if (at < LOW_SIZE)
			bytes[i] = expected[at];
		else if (at >= SZ_4G && at < SZ_4G + HIGH_SIZE)
			bytes[i] = expected[LOW_SIZE + (at - SZ_4G)];
		else
			return false;
	}
	return true;
}

static bool is_memory(u64 gpa, u64 len)
{
	if (len > RAM_SIZE)
		return false;
	return gpa >= SZ_4G ? gpa - SZ_4G + len <= HIGH_SIZE : gpa + len <= LOW_SIZE;
}

static u8 *host_of(u64 gpa)
{
	return gpa < LOW_SIZE ? ram.host + gpa : ram.host + LOW_SIZE + (gpa - SZ_4G);
}

static bool naive_add(const struct vring_desc *d)
{
	bool in = d->flags & VRING_DESC_F_WRITE;

	if (naive.nr == VQ_MAX_SIZE || !d->len || !is_memory(d->addr, d->len))
		return false;
	if (!in && naive.nr_out < naive.nr)
		return false;
	naive.iov[naive.nr++] = (struct iovec){ host_of(d->addr), d->len };
	naive.nr_out += !in;
	return true;
}

/* A chain in one table, from @index on; at its end perhaps one in another. */
static bool naive_walk(u64 table, u32 entries, u32 index, bool inner)
{
	struct vring_desc d;
	u32 steps;

	for (steps = 0; steps <= VQ_MAX_SIZE; steps++) {
		if (index >= entries || !peek(table + 16ull * index, &d, 16))
			return false;
		if (d.flags & VRING_DESC_F_INDIRECT)
			return vq.indirect && !inner && !(d.flags & VRING_DESC_F_NEXT) &&
			       d.len && !(d.len % 16) && is_memory(d.addr, d.len) &&
			       naive_walk(d.addr, d.len / 16, 0, true);
		if (!naive_add(&d))
			return false;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return true;
		index = d.next;
	}
	return false;
}

static u16 avail_at(unsigned int word)
{
	u16 value;

	check(peek(vq.avail + 2 * word, &value, 2));
	return value;
}

static bool used_is_good(void)
{
	return !(vq.used % 4) && is_memory(vq.used, 6 + 8u * vq.size);
}

/* What vq_pop() must say, with @expected as memory must be after it. */
static int naive_pop(void)
{
	u16 index, head;

	memset(&naive, 0, offsetof(struct buffers, iov));
	if (vq.avail % 2 || !is_memory(vq.avail, 6 + 2u * vq.size))
		return -EPROTO;
	index = avail_at(1);
	if (index == vq.next_avail && vq.event_idx) {
		if (!used_is_good())
			return -EPROTO;
		memcpy(expected + (host_of(vq.used) - ram.host) + 4 + 8 * vq.size, &index, 2);
		/* Where rings overlap the driver's index may just have become another. */
		memcpy(&index, expected + (host_of(vq.avail) - ram.host) + 2, 2);
	}
	if (index == vq.next_avail)
		return 0;
	if ((u16)(index - vq.next_avail) > vq.size)
		return -EPROTO;
	memcpy(&head, expected + (host_of(vq.avail) - ram.host) + 4 +
	       2 * (vq.next_avail % vq.size), 2);
	if (!is_memory(vq.desc, 16u * vq.size))
		return -EPROTO;
	return naive_walk(vq.desc, vq.size, head, false) ? 1 : -EPROTO;
}

static void same_buffers(void)
{
	size_t out = 0, in = 0;
	unsigned int i;

	check(chain.nr_out == naive.nr_out && chain.nr_out + chain.nr_in == naive.nr);
	for (i = 0; i < naive.nr; i++) {
		check(chain.iov[i].iov_base == naive.iov[i].iov_base &&
		      chain.iov[i].iov_len == naive.iov[i].iov_len);
		*(i < naive.nr_out ? &out : &in) += naive.iov[i].iov_len;
	}
	check(chain.out_bytes == out && chain.in_bytes == in);
}

/* Some of the request's bytes move, as a device would move them. */
static u32 serve(struct input *in)
{
	u8 bytes[64], parameters[4];
	u32 written = 0, i, done;
	size_t skip;

	take(in, parameters, sizeof(parameters));
	skip = parameters[0] * 4u;
	done = vq_gather(chain.iov, chain.nr_out, skip, bytes, parameters[1] % 64);
	check(done <= parameters[1] % 64 && (skip + done <= chain.out_bytes || !done));
	memset(bytes, parameters[3], sizeof(bytes));
	skip = parameters[2] * 2u;
	done = vq_scatter(chain.iov + chain.nr_out, chain.nr_in, skip, bytes, parameters[1] % 64);
	for (i = 0; i < chain.nr_in; i++) {
		const struct iovec *iov = &chain.iov[chain.nr_out + i];
		size_t j;

		for (j = 0; j < iov->iov_len && written < done; j++) {
			if (skip)
				skip--;
			else
				expected[(u8 *)iov->iov_base + j - ram.host] =
					bytes[written++];
		}
	}
	check(written == done);
	return done;
}

static void push(u32 written)
{
	size_t used = 0, slot = 4 + 8 * (vq.next_used % vq.size);
	const u32 element[2] = { chain.head, written };
	u16 index = vq.next_used + 1;
	bool good = used_is_good();

	if (good) {
		used = host_of(vq.used) - ram.host;
		memcpy(expected + used + slot, element, 8);
		memcpy(expected + used + 2, &index, 2);
	}
	check(vq_push(&vq, &chain, written) == (good ? 0 : -EPROTO));
}

static void requests(struct input *in)
{
	unsigned int i;
	int wanted, got;

	for (i = 0; i < REQUESTS; i++) {
		wanted = naive_pop();
		got = vq_pop(&vq, &chain);
		check(got == wanted);
		check(!memcmp(expected, ram.host, RAM_SIZE));
		if (got != 1)
			return;
		same_buffers();
		push(serve(in));
		check(!memcmp(expected, ram.host, RAM_SIZE));
		vq_wants_interrupt(&vq);
	}
}

static void fill(struct input *in)
{
	u8 pieces, head[3];
	size_t at, len;

	memset(ram.host, 0, RAM_SIZE);
	take(in, &pieces, 1);
	for (pieces %= 16; pieces; pieces--) {
		take(in, head, sizeof(head));
		at = (head[0] | head[1] << 8) % RAM_SIZE;
		len = head[2] < RAM_SIZE - at ? head[2] : RAM_SIZE - at;
		take(in, ram.host + at, len);
	}
	memcpy(expected, ram.host, RAM_SIZE);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	struct setup setup;

	if (!ram.host) {
		ram = (struct ram){
			.host = malloc(RAM_SIZE), .size = RAM_SIZE,
			.low_size = LOW_SIZE, .high_size = HIGH_SIZE,
		};
		check(ram.host);
	}
	take(&in, &setup, sizeof(setup));
	vq = (struct virtqueue){
		.ram = &ram, .size = 1u << (setup.size_log & 15) % 9, .ready = true,
		.indirect = setup.size_log & 0x40, .event_idx = setup.size_log & 0x80,
		.desc = place(setup.desc, setup.high & 1),
		.avail = place(setup.avail, setup.high & 2),
		.used = place(setup.used, setup.high & 4),
		.next_avail = setup.next_avail, .next_used = setup.next_used,
	};
	fill(&in);
	requests(&in);
	return 0;
}
