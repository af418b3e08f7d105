// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtqueues against a hostile driver, with TAP output. Memory that is not the
 * guest's is poisoned by AddressSanitizer: a buffer of a guest that is exactly
 * as large as its memory shows any step outside. A good driver's requests come
 * through; each broken rule is refused; random rings harm nobody.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_ring.h>

#include "vmm/virtqueue.h"

#define RAM_SIZE	(64 * 1024u)
#define SIZE		8u
#define DESC		0x1000u
#define AVAIL		0x2000u
#define USED		0x3000u
#define DATA		0x4000u
#define ROUNDS		400000

static unsigned int tests, failures;
static struct ram ram;
static struct virtqueue vq;
static struct vq_chain chain;

static void check(bool good, const char *name)
{
	tests++;
	failures += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", tests, name);
}

static struct vring_desc *desc(unsigned int i)
{
	return (struct vring_desc *)(ram.host + DESC) + i;
}

static u16 *avail(void)
{
	return (u16 *)(ram.host + AVAIL);
}

static struct vring_used *used(void)
{
	return (struct vring_used *)(ram.host + USED);
}

/* An empty queue in order, with one request of two buffers offered. */
static void begin(void)
{
	memset(ram.host, 0, RAM_SIZE);
	vq = (struct virtqueue){
		.ram = &ram, .size = SIZE, .ready = true,
		.desc = DESC, .avail = AVAIL, .used = USED,
	};
	*desc(3) = (struct vring_desc){ DATA, 16, VRING_DESC_F_NEXT, 5 };
	*desc(5) = (struct vring_desc){ DATA + 0x100, 32, VRING_DESC_F_WRITE, 0 };
	avail()[2] = 3;
	avail()[1] = 1;
}

static void good_request(void)
{
	begin();
	check(vq_pop(&vq, &chain) == 1, "a request is taken");
	check(chain.nr_out == 1 && chain.nr_in == 1 && chain.out_bytes == 16 &&
	      chain.in_bytes == 32, "its buffers are apart");
	check(chain.iov[1].iov_base == ram.host + DATA + 0x100, "and where they are");
	check(vq_pop(&vq, &chain) == 0, "there is no second one");
	check(!vq_push(&vq, &chain, 7) && used()->idx == 1 && used()->ring[0].id == 3 &&
	      used()->ring[0].len == 7, "it is given back");
	check(vq_wants_interrupt(&vq), "the driver wants to hear of it");
	avail()[0] = VRING_AVAIL_F_NO_INTERRUPT;
	check(!vq_wants_interrupt(&vq), "and then not");
}

static void wraps(void)
{
	unsigned int i, good = 0;

	begin();
	for (i = 0; i < SIZE; i++)
		avail()[2 + i] = 3;
	for (i = 0; i < 70000; i++) {
		avail()[1] = (u16)(i + 1);
		good += vq_pop(&vq, &chain) == 1 && !vq_push(&vq, &chain, 0);
	}
	check(good == 70000 && used()->idx == (u16)70000, "the indexes wrap");
}

static void refused(const char *name)
{
	check(vq_pop(&vq, &chain) == -EPROTO, name);
}

static void broken_rules(void)
{
	begin();
	avail()[1] = SIZE + 1;
	refused("more requests than the queue holds");
	begin();
	avail()[2] = SIZE;
	refused("a head outside the table");
	begin();
	desc(3)->next = SIZE;
	refused("a next outside the table");
	begin();
	desc(5)->flags |= VRING_DESC_F_NEXT;
	desc(5)->next = 5;
	refused("a loop");
	begin();
	desc(3)->flags |= VRING_DESC_F_WRITE;
	desc(5)->flags = 0;
	refused("what the device reads behind what it writes");
	begin();
	desc(3)->flags |= VRING_DESC_F_INDIRECT;
	refused("an indirect table, which was not offered");
	begin();
	desc(3)->len = 0;
	refused("an empty buffer");
	begin();
	desc(3)->addr = RAM_SIZE - 8;
	refused("a buffer over the end of memory");
	begin();
	desc(3)->addr = ~0ull - 4;
	refused("a buffer over the end of all addresses");
	begin();
	desc(5)->len = ~0u;
	refused("a buffer of 4 GiB");
	begin();
	vq.desc = RAM_SIZE - 16;
	refused("a table over the end of memory");
	begin();
	vq.avail = RAM_SIZE;
	refused("a ring outside of memory");
	begin();
	vq.used = ~0ull;
	check(vq_pop(&vq, &chain) == 1 && vq_push(&vq, &chain, 0) == -EPROTO,
	      "a used ring outside of memory");
}

/* Each byte of every buffer is read and written: that is what the sanitizer watches. */
static u32 touch(void)
{
	unsigned int i;
	u8 sum = 0;
	size_t at;

	for (i = 0; i < chain.nr_out + chain.nr_in; i++) {
		u8 *bytes = chain.iov[i].iov_base;

		for (at = 0; at < chain.iov[i].iov_len; at += 61)
			sum += bytes[at];
		sum += bytes[chain.iov[i].iov_len - 1];
	}
	vq_scatter(chain.iov + chain.nr_out, chain.nr_in, 3, &sum, 1);
	return sum;
}

static void random_rings(void)
{
	unsigned int i, j, taken = 0, bad = 0;

	srandom(1);
	for (i = 0; i < ROUNDS; i++) {
		begin();
		vq.size = 1u << (random() % 9);
		if (!(random() % 8))
			vq.desc = random() % (2 * RAM_SIZE);
		if (!(random() % 8))
			vq.avail = random() % (2 * RAM_SIZE);
		if (!(random() % 8))
			vq.used = random() % (2 * RAM_SIZE);
		for (j = 0; j < 48; j++)
			ram.host[DESC + random() % 128] = random();
		for (j = 0; j < 8; j++)
			desc(j)->addr = random() % (RAM_SIZE + 64);
		avail()[1] = random() % 4;
		while ((j = vq_pop(&vq, &chain)) == 1) {
			taken++;
			vq_push(&vq, &chain, touch());
		}
		bad += j != 0;
	}
	printf("# %u requests taken, %u rings refused\n", taken, bad);
	check(taken > 1000 && bad > 1000, "random rings are taken or refused");
}

int main(void)
{
	ram.host = malloc(RAM_SIZE);
	ram.size = RAM_SIZE;
	ram.low_size = RAM_SIZE;
	if (!ram.host)
		return 1;
	good_request();
	wraps();
	broken_rules();
	random_rings();
	free(ram.host);
	printf("1..%u\n", tests);
	return failures ? 1 : 0;
}
