// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtqueues against a hostile driver, with TAP output. Memory that is not the
 * guest's is poisoned by AddressSanitizer: a buffer of a guest that is exactly
 * as large as its memory shows any step outside. A good driver's requests come
 * through; each broken rule is refused; random rings harm nobody.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
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
#define INDIRECT	0x6000u
#define ROUNDS		200000
#define TORN_ROUNDS	300000

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
	desc(3)->flags = VRING_DESC_F_INDIRECT;
	refused("an indirect table that was not agreed on");
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

static struct vring_desc *inner(unsigned int i)
{
	return (struct vring_desc *)(ram.host + INDIRECT) + i;
}

/* The same request, its second buffer and a third in an indirect table. */
static void begin_indirect(void)
{
	begin();
	vq.indirect = true;
	*desc(5) = (struct vring_desc){ INDIRECT, 2 * sizeof(struct vring_desc),
					VRING_DESC_F_INDIRECT, 0 };
	*inner(0) = (struct vring_desc){ DATA + 0x100, 32,
					 VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1 };
	*inner(1) = (struct vring_desc){ DATA + 0x200, 8, VRING_DESC_F_WRITE, 0 };
}

static void indirect_tables(void)
{
	unsigned int i;

	begin_indirect();
	check(vq_pop(&vq, &chain) == 1 && chain.head == 3 && chain.nr_out == 1 &&
	      chain.nr_in == 2 && chain.in_bytes == 40, "an indirect table at the end of a chain");
	begin_indirect();
	desc(5)->flags |= VRING_DESC_F_WRITE;
	check(vq_pop(&vq, &chain) == 1 && chain.nr_in == 2, "its write flag means nothing");
	begin_indirect();
	inner(0)->flags |= VRING_DESC_F_INDIRECT;
	refused("an indirect table in an indirect table");
	begin_indirect();
	*inner(1) = (struct vring_desc){ INDIRECT, 32, VRING_DESC_F_INDIRECT, 0 };
	refused("an indirect table that ends in itself");
	begin_indirect();
	desc(5)->flags |= VRING_DESC_F_NEXT;
	refused("a descriptor behind an indirect table");
	begin_indirect();
	desc(5)->len = 0;
	refused("an indirect table without descriptors");
	begin_indirect();
	desc(5)->len = 24;
	refused("half a descriptor in an indirect table");
	begin_indirect();
	desc(5)->addr = RAM_SIZE - 16;
	refused("an indirect table over the end of memory");
	begin_indirect();
	desc(5)->addr = ~0ull - 15;
	refused("an indirect table over the end of all addresses");
	begin_indirect();
	inner(0)->next = 2;
	refused("a next outside the indirect table");
	begin_indirect();
	inner(0)->next = 0;
	refused("a loop in an indirect table");
	begin_indirect();
	inner(0)->flags &= ~VRING_DESC_F_WRITE;
	check(vq_pop(&vq, &chain) == 1 && chain.nr_out == 2 && chain.nr_in == 1,
	      "a table may begin with what the device reads");
	begin_indirect();
	desc(3)->flags |= VRING_DESC_F_WRITE;
	inner(0)->flags &= ~VRING_DESC_F_WRITE;
	refused("but not behind what it writes");
	begin_indirect();
	desc(5)->len = (VQ_MAX_SIZE + 1) * sizeof(struct vring_desc);
	for (i = 0; i <= VQ_MAX_SIZE; i++)
		*inner(i) = (struct vring_desc){ DATA, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT,
						 i + 1 };
	inner(VQ_MAX_SIZE - 2)->flags = VRING_DESC_F_WRITE;
	check(vq_pop(&vq, &chain) == 1 && chain.nr_in == VQ_MAX_SIZE - 1,
	      "as many buffers as fit");
	begin_indirect();
	desc(5)->len = (VQ_MAX_SIZE + 1) * sizeof(struct vring_desc);
	for (i = 0; i < VQ_MAX_SIZE; i++)
		*inner(i) = (struct vring_desc){ DATA, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT,
						 i + 1 };
	refused("one more than fits");
}

static u16 *avail_event(void)
{
	return (u16 *)&used()->ring[SIZE];
}

static void event_indexes(void)
{
	begin();
	vq.event_idx = true;
	*avail_event() = 0x5555;
	check(vq_pop(&vq, &chain) == 1 && *avail_event() == 0x5555,
	      "while requests wait nobody need ring");
	check(vq_pop(&vq, &chain) == 0 && *avail_event() == 1, "the next one rings");
	avail()[2 + SIZE] = 0;
	check(!vq_push(&vq, &chain, 0) && vq_wants_interrupt(&vq), "the entry named interrupts");
	check(!vq_push(&vq, &chain, 0) && !vq_wants_interrupt(&vq), "the one behind does not");
	avail()[2 + SIZE] = 5;
	avail()[0] = VRING_AVAIL_F_NO_INTERRUPT;
	vq.next_used = 5;
	check(!vq_push(&vq, &chain, 0) && vq_wants_interrupt(&vq), "the flag means nothing then");
	begin();
	vq.event_idx = true;
	avail()[1] = 0;
	vq.used = RAM_SIZE - (6 + 8 * SIZE) + 4;
	refused("a used ring whose event index is outside of memory");
	begin();
	vq.avail = RAM_SIZE - (6 + 2 * SIZE) + 2;
	refused("an available ring whose event index is outside of memory");
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
		vq.indirect = random() & 1;
		vq.event_idx = random() & 1;
		for (j = 0; j < 48; j++)
			ram.host[DESC + random() % 128] = random();
		for (j = 0; j < 8; j++) {
			desc(j)->addr = random() % (RAM_SIZE + 64);
			*inner(j) = *desc(random() % 8);
		}
		desc(random() % 8)->addr = INDIRECT;
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

static atomic_bool torn_over;

/* A driver that turns good descriptors into bad ones and back all the time. */
static void *tear(void *unused)
{
	volatile struct vring_desc *d = desc(3), *e = inner(0);
	u32 i;

	(void)unused;
	for (i = 0; !atomic_load(&torn_over); i++) {
		d->len = i & 1 ? 16 : ~0u;
		d->addr = i & 2 ? DATA : ~0ull - 8;
		d->next = i & 4 ? 5 : 0xfff0;
		e->addr = i & 1 ? DATA : RAM_SIZE - 4;
		e->len = i & 2 ? 4 : RAM_SIZE;
		e->next = i & 4 ? 1 : 7;
		avail()[2] = i & 8 ? 3 : 0x8003;
	}
	return NULL;
}

static void torn_descriptors(void)
{
	unsigned int i, taken = 0, refusals = 0;
	pthread_t other;

	begin_indirect();
	if (pthread_create(&other, NULL, tear, NULL))
		exit(1);
	/* On a busy machine the other thread comes late. */
	for (i = 0; i < TORN_ROUNDS || !taken || !refusals; i++) {
		vq.next_avail = 0;
		if (vq_pop(&vq, &chain) == 1) {
			taken++;
			touch();
		} else {
			refusals++;
		}
		if (i >= TORN_ROUNDS)
			sched_yield();
	}
	atomic_store(&torn_over, true);
	pthread_join(other, NULL);
	printf("# %u requests taken, %u refused\n", taken, refusals);
	check(true, "descriptors that change while they are read");
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
	indirect_tables();
	event_indexes();
	torn_descriptors();
	random_rings();
	free(ram.host);
	printf("1..%u\n", tests);
	return failures ? 1 : 0;
}
