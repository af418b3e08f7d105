/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtio source of random bytes. Virtio 1.1 "Entropy Device". */
#ifndef VMM_RNG_H
#define VMM_RNG_H

#include "vmm/virtio.h"

int rng_init(struct virtio_dev *dev, const struct virtio_place *place);

#endif
