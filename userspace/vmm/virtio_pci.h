/* SPDX-License-Identifier: GPL-2.0-only */
/* The registers through which a driver sees a virtio device on PCI. */
#ifndef VMM_VIRTIO_PCI_H
#define VMM_VIRTIO_PCI_H

#include "vmm/virtio.h"

int virtio_pci_init(struct virtio_dev *dev, const struct virtio_place *place);
void virtio_pci_reset(struct virtio_dev *dev);

#endif
