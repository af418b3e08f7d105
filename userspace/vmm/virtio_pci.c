// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio 1.1 "Virtio Over PCI Bus", modern interface: one BAR with a page for
 * each structure that the vendor capabilities announce.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "vmm/virtio_pci.h"

#define VIRTIO_VENDOR		0x1af4
#define VIRTIO_DEVICE_BASE	0x1040
#define VIRTIO_REVISION		1
#define NO_VECTOR		0xffff

/* The BAR: a page each. */
enum {
	COMMON_AT = 0x0000, ISR_AT = 0x1000, DEVICE_AT = 0x2000, NOTIFY_AT = 0x3000,
	TABLE_AT = 0x4000, PBA_AT = 0x5000, BAR_SIZE = 0x8000,
};

#define PAGE_OF(offset)		((offset) & ~0xfffu)
#define NOTIFY_STRIDE		4
#define NOTIFY_BYTES		2

static struct virtio_dev *to_virtio(struct pci_dev *pci)
{
	return (struct virtio_dev *)((u8 *)pci - offsetof(struct virtio_dev, pci));
}

/** virtio_pci_reset() - as the driver finds the device at first; locked */
void virtio_pci_reset(struct virtio_dev *dev)
{
	unsigned int q;

	dev->status = 0;
	dev->isr = 0;
	dev->driver_features = 0;
	memset(dev->feature_select, 0, sizeof(dev->feature_select));
	dev->config_vector = NO_VECTOR;
	dev->queue_select = 0;
	for (q = 0; q < VIRTIO_QUEUES; q++) {
		dev->queues[q].vq = (struct virtqueue){
			.ram = dev->queues[q].vq.ram, .size = VQ_MAX_SIZE,
		};
		dev->queues[q].vector = NO_VECTOR;
	}
}

static struct virtio_queue *selected(struct virtio_dev *dev)
{
	return dev->queue_select < dev->ops->queues ? &dev->queues[dev->queue_select] : NULL;
}

static u64 queue_read(struct virtio_dev *dev, u32 offset)
{
	const struct virtio_queue *queue = selected(dev);

	if (!queue)
		return 0;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return queue->vq.size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return queue->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return queue->vq.ready;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return dev->queue_select;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return (u32)queue->vq.desc;
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return queue->vq.desc >> 32;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return (u32)queue->vq.avail;
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return queue->vq.avail >> 32;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return (u32)queue->vq.used;
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return queue->vq.used >> 32;
	}
	return 0;
}

static u64 common_read(struct virtio_dev *dev, u32 offset)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return dev->feature_select[0];
	case VIRTIO_PCI_COMMON_DF:
		return dev->feature_select[0] > 1 ? 0 :
		       (u32)(dev->features >> 32 * dev->feature_select[0]);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return dev->feature_select[1];
	case VIRTIO_PCI_COMMON_GF:
		return dev->feature_select[1] > 1 ? 0 :
		       (u32)(dev->driver_features >> 32 * dev->feature_select[1]);
	case VIRTIO_PCI_COMMON_MSIX:
		return dev->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return dev->ops->queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return dev->status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return dev->generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return dev->queue_select;
	default:
		return queue_read(dev, offset);
	}
}

/* What was agreed on is fixed when it reaches the queues. */
static void agree(struct virtio_dev *dev)
{
	unsigned int q;

	for (q = 0; q < dev->ops->queues; q++) {
		struct virtqueue *vq = &dev->queues[q].vq;

		vq->indirect = dev->driver_features & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
		vq->event_idx = dev->driver_features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	}
}

/* Bits only come; all of them go at once, by a reset. */
static void status_write(struct virtio_dev *dev, u8 status)
{
	if (!status) {
		virtio_pci_reset(dev);
		pci_intx(&dev->pci, false);
		return;
	}
	/* Features that we did not offer, or a legacy driver: not accepted. */
	if (dev->driver_features & ~dev->features ||
	    !(dev->driver_features & BIT_ULL(VIRTIO_F_VERSION_1)))
		status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	dev->status |= status & ~VIRTIO_CONFIG_S_NEEDS_RESET;
	if (dev->status & VIRTIO_CONFIG_S_FEATURES_OK)
		agree(dev);
}

static void set_half(u64 *value, bool high, u32 half)
{
	if (high)
		*value = (u32)*value | (u64)half << 32;
	else
		*value = (*value >> 32 << 32) | half;
}

static void queue_write(struct virtio_dev *dev, u32 offset, u32 value)
{
	struct virtio_queue *queue = selected(dev);

	if (!queue)
		return;
	if (offset == VIRTIO_PCI_COMMON_Q_MSIX) {
		queue->vector = value < dev->msix.nr ? value : NO_VECTOR;
		return;
	}
	/* The rest is fixed once the queue runs. */
	if (queue->vq.ready)
		return;
	switch (offset) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		if (value && value <= VQ_MAX_SIZE && !(value & (value - 1)))
			queue->vq.size = value;
		else
			virtio_broken(dev);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		queue->vq.ready = value == 1;
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		set_half(&queue->vq.desc, offset == VIRTIO_PCI_COMMON_Q_DESCHI, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		set_half(&queue->vq.avail, offset == VIRTIO_PCI_COMMON_Q_AVAILHI, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		set_half(&queue->vq.used, offset == VIRTIO_PCI_COMMON_Q_USEDHI, value);
		break;
	}
}

static void common_write(struct virtio_dev *dev, u32 offset, u32 value)
{
	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		dev->feature_select[0] = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		dev->feature_select[1] = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		if (!(dev->status & VIRTIO_CONFIG_S_FEATURES_OK) && dev->feature_select[1] <= 1)
			set_half(&dev->driver_features, dev->feature_select[1], value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		dev->config_vector = value < dev->msix.nr ? value : NO_VECTOR;
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		status_write(dev, value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		dev->queue_select = value;
		break;
	default:
		queue_write(dev, offset, value);
	}
}

static u64 bar_read(struct pci_dev *pci, u32 offset, unsigned int size)
{
	struct virtio_dev *dev = to_virtio(pci);
	u64 value = 0;

	if (PAGE_OF(offset) == TABLE_AT)
		return msix_read(&dev->msix, offset - TABLE_AT, size);
	if (PAGE_OF(offset) == PBA_AT)
		return offset == PBA_AT ? msix_pending(&dev->msix) : 0;
	pthread_mutex_lock(&dev->lock);
	if (PAGE_OF(offset) == COMMON_AT) {
		value = common_read(dev, offset);
	} else if (offset == ISR_AT) {
		value = dev->isr;
		dev->isr = 0;
		pci_intx(pci, false);
	} else if (PAGE_OF(offset) == DEVICE_AT &&
		   offset - DEVICE_AT + size <= VIRTIO_CONFIG_SIZE) {
		value = pci_get(dev->config, offset - DEVICE_AT, size);
	}
	pthread_mutex_unlock(&dev->lock);
	return value;
}

/* A notification that IOEVENTFD did not take, because of its width. */
static void notified(struct virtio_dev *dev, u32 offset)
{
	const u64 one = 1;
	unsigned int q = (offset - NOTIFY_AT) / NOTIFY_STRIDE;

	if (q < dev->ops->queues && write(dev->queues[q].kick_fd, &one, sizeof(one)) < 0)
		perror("nestor: doorbell");
}

static void bar_write(struct pci_dev *pci, u32 offset, unsigned int size, u64 value)
{
	struct virtio_dev *dev = to_virtio(pci);

	switch (PAGE_OF(offset)) {
	case TABLE_AT:
		msix_write(&dev->msix, offset - TABLE_AT, size, value);
		break;
	case NOTIFY_AT:
		notified(dev, offset);
		break;
	case COMMON_AT:
		pthread_mutex_lock(&dev->lock);
		common_write(dev, offset, value);
		/* A 64-bit address in one go. */
		if (size == 8)
			common_write(dev, offset + 4, value >> 32);
		pthread_mutex_unlock(&dev->lock);
		break;
	}
}

/* The doorbells follow the BAR. */
static void bar_moved(struct pci_dev *pci, u64 from, u64 to)
{
	struct virtio_dev *dev = to_virtio(pci);
	unsigned int q;

	for (q = 0; q < dev->ops->queues; q++) {
		u64 at = NOTIFY_AT + q * NOTIFY_STRIDE;
		int fd = dev->queues[q].kick_fd, ret = 0;

		if (from)
			ret = nl_vm_ioeventfd(dev->vm, from + at, NOTIFY_BYTES, fd, false);
		if (to && !ret)
			ret = nl_vm_ioeventfd(dev->vm, to + at, NOTIFY_BYTES, fd, true);
		/* Without it notifications come as exits. */
		if (ret && !dev->complained)
			fprintf(stderr, "nestor: %s\n", nl_error());
		dev->complained |= !!ret;
	}
}

static void configured(struct pci_dev *pci, u32 offset, unsigned int size)
{
	struct virtio_dev *dev = to_virtio(pci);

	if (offset + size > pci->msix_cap && offset < pci->msix_cap + PCI_CAP_MSIX_SIZEOF)
		msix_configured(&dev->msix);
}

/* Where the driver points the window: false when there is nothing to see. */
static bool window_at(struct pci_dev *pci, u32 *offset, u32 *length, u32 *data)
{
	const u8 *cap = pci->config + pci->window - sizeof(struct virtio_pci_cap);
	u8 bar;

	pthread_mutex_lock(&pci->bus->lock);
	bar = cap[VIRTIO_PCI_CAP_BAR];
	*offset = pci_get(cap, VIRTIO_PCI_CAP_OFFSET, 4);
	*length = pci_get(cap, VIRTIO_PCI_CAP_LENGTH, 4);
	*data = pci_get(pci->config, pci->window, 4);
	pthread_mutex_unlock(&pci->bus->lock);
	if (bar || (*length != 1 && *length != 2 && *length != 4))
		return false;
	return !(*offset % *length) && *offset < BAR_SIZE;
}

/* Virtio 1.1 "PCI configuration access capability": the BAR without mapping it. */
static void window_look(struct pci_dev *pci, bool write)
{
	u32 offset, length, data;

	if (!window_at(pci, &offset, &length, &data))
		return;
	if (write) {
		bar_write(pci, offset, length, data & (BIT_ULL(8 * length) - 1));
		return;
	}
	data = bar_read(pci, offset, length);
	pthread_mutex_lock(&pci->bus->lock);
	pci_set(pci->config, pci->window, data, length);
	pthread_mutex_unlock(&pci->bus->lock);
}

static unsigned int add_capability(struct pci_dev *pci, u8 type, u32 offset, u32 length)
{
	/* These two have four bytes more. */
	bool more = type == VIRTIO_PCI_CAP_NOTIFY_CFG || type == VIRTIO_PCI_CAP_PCI_CFG;
	unsigned int size = sizeof(struct virtio_pci_cap) + (more ? 4 : 0);
	unsigned int at = pci_add_capability(pci, PCI_CAP_ID_VNDR, size);

	pci->config[at + VIRTIO_PCI_CAP_LEN] = size;
	pci->config[at + VIRTIO_PCI_CAP_CFG_TYPE] = type;
	pci_set(pci->config, at + VIRTIO_PCI_CAP_OFFSET, offset, 4);
	pci_set(pci->config, at + VIRTIO_PCI_CAP_LENGTH, length, 4);
	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
		pci_set(pci->config, at + VIRTIO_PCI_NOTIFY_CAP_MULT, NOTIFY_STRIDE, 4);
	return at;
}

static void add_window(struct pci_dev *pci)
{
	unsigned int at = add_capability(pci, VIRTIO_PCI_CAP_PCI_CFG, 0, 0);

	pci->writable[at + VIRTIO_PCI_CAP_BAR] = 0xff;
	pci_set(pci->writable, at + VIRTIO_PCI_CAP_OFFSET, ~0u, 4);
	pci_set(pci->writable, at + VIRTIO_PCI_CAP_LENGTH, ~0u, 4);
	pci->window = at + sizeof(struct virtio_pci_cap);
	pci_set(pci->writable, pci->window, ~0u, 4);
	pci->look = window_look;
}

/**
 * virtio_pci_init() - give a device its place on the bus
 * @dev: its operations and eventfds are there
 * @place: where it goes
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int virtio_pci_init(struct virtio_dev *dev, const struct virtio_place *place)
{
	static const struct {
		u8 type;
		u32 offset;
		u32 length;
	} caps[] = {
		{ VIRTIO_PCI_CAP_COMMON_CFG, COMMON_AT, sizeof(struct virtio_pci_common_cfg) },
		{ VIRTIO_PCI_CAP_ISR_CFG, ISR_AT, 1 },
		{ VIRTIO_PCI_CAP_DEVICE_CFG, DEVICE_AT, VIRTIO_CONFIG_SIZE },
		{ VIRTIO_PCI_CAP_NOTIFY_CFG, NOTIFY_AT, VIRTIO_QUEUES * NOTIFY_STRIDE },
	};
	struct pci_dev *pci = &dev->pci;
	unsigned int i;
	int ret;

	pci_set(pci->config, PCI_VENDOR_ID, VIRTIO_VENDOR, 2);
	pci_set(pci->config, PCI_DEVICE_ID, VIRTIO_DEVICE_BASE + dev->ops->id, 2);
	pci_set(pci->config, PCI_SUBSYSTEM_VENDOR_ID, VIRTIO_VENDOR, 2);
	pci_set(pci->config, PCI_SUBSYSTEM_ID, VIRTIO_DEVICE_BASE + dev->ops->id, 2);
	pci_set(pci->config, PCI_CLASS_DEVICE, dev->ops->pci_class, 2);
	pci->config[PCI_REVISION_ID] = VIRTIO_REVISION;
	pci->bar_size = BAR_SIZE;
	pci->read = bar_read;
	pci->write = bar_write;
	pci->moved = bar_moved;
	pci->configured = configured;
	for (i = 0; i < ARRAY_SIZE(caps); i++)
		add_capability(pci, caps[i].type, caps[i].offset, caps[i].length);
	add_window(pci);
	/* One vector a queue and one for changes of configuration. */
	ret = msix_init(&dev->msix, pci, place->routes, dev->ops->queues + 1, TABLE_AT, PBA_AT);
	return ret ? ret : pci_add(place->pci, pci);
}
