// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a virtio device: its thread, its queues, its doorbells, and what
 * happens when the driver breaks the rules: the device says NEEDS_RESET, does
 * nothing more, and nobody else notices. Virtio 1.1 "Device Status Field".
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "vmm/virtio.h"
#include "vmm/virtio_pci.h"

enum { POLL_STOP, POLL_WATCH, POLL_QUEUE };

static void ring(int fd)
{
	const u64 one = 1;

	if (write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		perror("nestor: doorbell");
}

static void drain(int fd)
{
	u64 count;
	ssize_t n = read(fd, &count, sizeof(count));

	/* It fails only when nothing is there, which is what is wanted. */
	(void)n;
}

/** virtio_alive() - does a driver use it, by the rules? */
bool virtio_alive(const struct virtio_dev *dev)
{
	const u8 agreed = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;

	return (atomic_load(&dev->status) & (agreed | VIRTIO_CONFIG_S_NEEDS_RESET)) == agreed;
}

/**
 * virtio_interrupt() - tell the driver
 * @dev: locked
 * @isr: VIRTIO_ISR_...
 * @vector: the vector that the driver chose for it
 */
void virtio_interrupt(struct virtio_dev *dev, u8 isr, u16 vector)
{
	dev->isr |= isr;
	pci_intx(&dev->pci, true);
	msix_raise(&dev->msix, vector);
}

/**
 * virtio_broken() - the driver broke the rules: nothing more until it resets the device
 * @dev: locked
 */
void virtio_broken(struct virtio_dev *dev)
{
	/* Once: a guest that wants to fill our log does not get its way. */
	if (!dev->complained)
		fprintf(stderr, "nestor: virtio %s: the driver broke the rules, it needs a reset\n",
			dev->ops->name);
	dev->complained = true;
	dev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_interrupt(dev, VIRTIO_ISR_CONFIG, dev->config_vector);
}

/** virtio_config_changed() - the device's registers say something new; locked */
void virtio_config_changed(struct virtio_dev *dev)
{
	dev->generation++;
	if (virtio_alive(dev))
		virtio_interrupt(dev, VIRTIO_ISR_CONFIG, dev->config_vector);
}

/**
 * virtio_take() - take the next request of a queue
 * @dev: locked
 * @q: which queue
 * @chain: filled
 *
 * Return: 1 with a request, 0 when there is none or the device is not in order.
 */
int virtio_take(struct virtio_dev *dev, unsigned int q, struct vq_chain *chain)
{
	int ret;

	if (!virtio_alive(dev) || !dev->queues[q].vq.ready || dev->stopping)
		return 0;
	ret = vq_pop(&dev->queues[q].vq, chain);
	if (ret < 0)
		virtio_broken(dev);
	return ret > 0;
}

/**
 * virtio_give() - give a request back and tell the driver
 * @dev: locked
 * @q: the queue it came from
 * @chain: the request
 * @written: bytes written into it
 */
void virtio_give(struct virtio_dev *dev, unsigned int q, const struct vq_chain *chain,
		 u32 written)
{
	struct virtio_queue *queue = &dev->queues[q];

	if (vq_push(&queue->vq, chain, written)) {
		virtio_broken(dev);
		return;
	}
	if (vq_wants_interrupt(&queue->vq))
		virtio_interrupt(dev, VIRTIO_ISR_QUEUE, queue->vector);
}

static void serve(struct virtio_dev *dev, const struct pollfd *fds)
{
	unsigned int q;

	pthread_mutex_lock(&dev->lock);
	if (fds[POLL_WATCH].revents)
		dev->ops->ready(dev);
	for (q = 0; q < dev->ops->queues; q++) {
		if (!fds[POLL_QUEUE + q].revents)
			continue;
		drain(dev->queues[q].kick_fd);
		if (virtio_alive(dev) && dev->queues[q].vq.ready)
			dev->ops->serve(dev, q);
	}
	pthread_mutex_unlock(&dev->lock);
}

/* What else to wait for; it depends on the queues, so it is asked each time. */
static int watched(struct virtio_dev *dev)
{
	int fd = -1;

	if (!dev->ops->watch)
		return fd;
	pthread_mutex_lock(&dev->lock);
	if (virtio_alive(dev))
		fd = dev->ops->watch(dev);
	pthread_mutex_unlock(&dev->lock);
	return fd;
}

/**
 * virtio_turn() - wait for work and do it; the device's thread does nothing else
 * @dev: built
 * @timeout_ms: how long to wait, -1: until there is some
 *
 * Return: false when the device is to stop.
 */
bool virtio_turn(struct virtio_dev *dev, int timeout_ms)
{
	struct pollfd fds[POLL_QUEUE + VIRTIO_QUEUES] = {
		[POLL_STOP] = { dev->stop_fd, POLLIN, 0 },
		[POLL_WATCH] = { watched(dev), POLLIN, 0 },
	};
	unsigned int q;

	for (q = 0; q < dev->ops->queues; q++)
		fds[POLL_QUEUE + q] = (struct pollfd){ dev->queues[q].kick_fd, POLLIN, 0 };
	if (poll(fds, POLL_QUEUE + dev->ops->queues, timeout_ms) < 0)
		return errno == EINTR;
	if (fds[POLL_STOP].revents)
		return false;
	serve(dev, fds);
	return true;
}

static void *device_main(void *arg)
{
	while (virtio_turn(arg, -1))
		;
	return NULL;
}

static int open_fds(struct virtio_dev *dev)
{
	unsigned int q;

	dev->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (dev->stop_fd < 0)
		return nl_fail(errno, "cannot make an eventfd: %s", strerror(errno));
	for (q = 0; q < dev->ops->queues; q++) {
		dev->queues[q].kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (dev->queues[q].kick_fd < 0)
			return nl_fail(errno, "cannot make an eventfd: %s", strerror(errno));
	}
	return 0;
}

/**
 * virtio_init() - build a device, before the guest runs
 * @dev: zeroed but for @features and @config
 * @ops: what it does
 * @place: where it goes
 *
 * Return: 0 or a negative errno with nl_error() set; virtio_destroy() then too.
 */
int virtio_init(struct virtio_dev *dev, const struct virtio_ops *ops,
		const struct virtio_place *place)
{
	unsigned int q;
	int ret;

	dev->ops = ops;
	dev->vm = place->vm;
	dev->features |= BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |
			 BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	dev->stop_fd = -1;
	pthread_mutex_init(&dev->lock, NULL);
	for (q = 0; q < VIRTIO_QUEUES; q++) {
		dev->queues[q].vq.ram = place->ram;
		dev->queues[q].kick_fd = -1;
	}
	virtio_pci_reset(dev);
	ret = open_fds(dev);
	return ret ? ret : virtio_pci_init(dev, place);
}

/**
 * virtio_start() - let the device's thread run
 * @dev: built
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int virtio_start(struct virtio_dev *dev)
{
	return thread_start(&dev->thread, dev->ops->name, device_main, dev);
}

/**
 * virtio_stop() - end a device's thread; vCPUs may still run
 * @dev: started or not
 * @patience_ms: how long to try
 *
 * Return: false when the thread does not come back.
 */
bool virtio_stop(struct virtio_dev *dev, unsigned int patience_ms)
{
	if (!dev->thread.started)
		return true;
	atomic_store(&dev->stopping, true);
	ring(dev->stop_fd);
	return thread_join(&dev->thread, patience_ms);
}

/** virtio_destroy() - close what is open; no thread of it runs, and no vCPU */
void virtio_destroy(struct virtio_dev *dev)
{
	unsigned int q;

	if (!dev->ops)
		return;
	msix_destroy(&dev->msix);
	for (q = 0; q < dev->ops->queues; q++) {
		if (dev->queues[q].kick_fd >= 0)
			close(dev->queues[q].kick_fd);
	}
	if (dev->stop_fd >= 0)
		close(dev->stop_fd);
}
