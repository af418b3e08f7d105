/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's /dev/hvc0, at our standard input and output. Virtio 1.1 "Console Device". */
#ifndef VMM_HVC_H
#define VMM_HVC_H

#include "vmm/stop.h"
#include "vmm/virtio.h"

struct hvc {
	struct virtio_dev virtio;
	const struct stop *stop;	/* constant */
};

int hvc_init(struct hvc *hvc, const struct stop *stop, const struct virtio_place *place);
bool hvc_resized(struct hvc *hvc);
unsigned int hvc_receive(struct hvc *hvc, const u8 *bytes, unsigned int nr);

#endif
