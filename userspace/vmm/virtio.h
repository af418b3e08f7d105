/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtio 1.1 devices on PCI, modern interface only, with MSI-X. Each has a
 * thread that serves its queues; a queue's doorbell is an eventfd that the
 * kernel signals (IOEVENTFD), so that a notification costs no exit to us.
 */
#ifndef VMM_VIRTIO_H
#define VMM_VIRTIO_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "vmm/msix.h"
#include "vmm/pci.h"
#include "vmm/thread.h"
#include "vmm/virtqueue.h"

#define VIRTIO_QUEUES		2
#define VIRTIO_CONFIG_SIZE	64

/* Bits of the ISR status register, Virtio 1.1 "ISR status capability". */
#define VIRTIO_ISR_QUEUE	BIT(0)
#define VIRTIO_ISR_CONFIG	BIT(1)

struct virtio_dev;

/* What makes a block device of it, or a network card. All in the device's thread. */
struct virtio_ops {
	u16 id;				/* VIRTIO_ID_... */
	const char *name;		/* also its thread's; at most 15 characters */
	u16 pci_class;
	unsigned int queues;
	/* The driver rang queue @q, or new events came. The device is locked. */
	void (*serve)(struct virtio_dev *dev, unsigned int q);
	/* A file descriptor to watch besides, -1 for none. NULL: none at all. */
	int (*watch)(struct virtio_dev *dev);
	/* It is readable. The device is locked. */
	void (*ready)(struct virtio_dev *dev);
};

struct virtio_queue {
	struct virtqueue vq;
	u16 vector;
	int kick_fd;			/* constant */
};

/* What a device is built into. */
struct virtio_place {
	struct pci_bus *pci;
	struct routes *routes;
	const struct nl_vm *vm;
	const struct ram *ram;
};

struct virtio_dev {
	struct pci_dev pci;
	struct msix msix;
	const struct virtio_ops *ops;	/* constant */
	const struct nl_vm *vm;		/* constant */
	u64 features;			/* constant: what we offer */
	pthread_mutex_t lock;		/* all below */
	u8 config[VIRTIO_CONFIG_SIZE];	/* the device's own registers */
	u8 generation;			/* of what they say */
	u64 driver_features;
	u32 feature_select[2];		/* ours, the driver's */
	atomic_uchar status;		/* may be read without it */
	u8 isr;
	u16 config_vector;
	u16 queue_select;
	struct virtio_queue queues[VIRTIO_QUEUES];
	int stop_fd;			/* constant */
	struct thread thread;
	atomic_bool stopping;
	bool complained;		/* about the driver, once */
};

int virtio_init(struct virtio_dev *dev, const struct virtio_ops *ops,
		const struct virtio_place *place);
int virtio_start(struct virtio_dev *dev);
bool virtio_turn(struct virtio_dev *dev, int timeout_ms);
bool virtio_stop(struct virtio_dev *dev, unsigned int patience_ms);
void virtio_destroy(struct virtio_dev *dev);
bool virtio_alive(const struct virtio_dev *dev);
void virtio_broken(struct virtio_dev *dev);
void virtio_config_changed(struct virtio_dev *dev);
void virtio_interrupt(struct virtio_dev *dev, u8 isr, u16 vector);
int virtio_take(struct virtio_dev *dev, unsigned int q, struct vq_chain *chain);
void virtio_give(struct virtio_dev *dev, unsigned int q, const struct vq_chain *chain,
		 u32 written);

#endif
