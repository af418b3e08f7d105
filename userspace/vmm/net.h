/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio network card over a file descriptor that carries one Ethernet frame
 * a read or write: a tap device, or the socket of the program nestor-nat, which
 * does user-mode NAT. Virtio 1.1 "Network Device".
 */
#ifndef VMM_NET_H
#define VMM_NET_H

#include "vmm/helper.h"
#include "vmm/virtio.h"

/* An Ethernet frame with a VLAN tag. */
#define NET_FRAME_MAX	1522

struct net {
	struct virtio_dev virtio;
	int fd;
	struct helper nat;	/* if there is one, @fd is its socket */
	bool starved;		/* (device lock) no buffer waits for a frame */
	bool gone;		/* (device lock) the backend went away */
};

int net_add(struct net *net, const struct virtio_place *place);
int net_init(struct net *net, const char *what, const struct virtio_place *place);
void net_destroy(struct net *net);

#endif
