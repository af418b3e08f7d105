// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames go through a buffer of ours, so that a hostile driver that changes a
 * request under our hands confuses nobody but itself. No offloads are offered:
 * the header in front of each frame is empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "vmm/net.h"

#define CLASS_ETHERNET	0x0200
/* Locally administered, not a group: IEEE 802 "MAC addresses". */
#define MAC_LOCAL	0x02

enum { RX, TX };

static const struct virtio_net_hdr_v1 no_offload = { .num_buffers = 1 };

static ssize_t put(const struct net *net, const void *frame, size_t len)
{
	return net->nat.pid ? send(net->fd, frame, len, MSG_NOSIGNAL) : write(net->fd, frame, len);
}

static void net_transmit(struct net *net)
{
	struct virtio_dev *dev = &net->virtio;
	struct vq_chain chain;
	u8 frame[NET_FRAME_MAX];
	size_t len;

	while (virtio_take(dev, TX, &chain)) {
		len = vq_gather(chain.iov, chain.nr_out, sizeof(no_offload), frame,
				sizeof(frame));
		/* A backend that is full or gone drops the frame, as a wire does. */
		if (len)
			net->gone |= put(net, frame, len) < 0 && errno == EPIPE;
		virtio_give(dev, TX, &chain, 0);
	}
}

static void net_receive(struct virtio_dev *dev)
{
	struct net *net = (struct net *)dev;
	struct vq_chain chain;
	u8 packet[sizeof(no_offload) + NET_FRAME_MAX];
	ssize_t len;

	memcpy(packet, &no_offload, sizeof(no_offload));
	while (virtio_take(dev, RX, &chain)) {
		len = read(net->fd, packet + sizeof(no_offload), NET_FRAME_MAX);
		if (len <= 0) {
			/* Nothing there: the request waits on. */
			vq_unpop(&dev->queues[RX].vq);
			net->gone |= !len || errno != EAGAIN;
			return;
		}
		len = vq_scatter(chain.iov + chain.nr_out, chain.nr_in, 0, packet,
				 sizeof(no_offload) + len);
		virtio_give(dev, RX, &chain, len);
	}
	net->starved = true;
}

static void net_serve(struct virtio_dev *dev, unsigned int q)
{
	struct net *net = (struct net *)dev;

	if (q == TX)
		net_transmit(net);
	else
		net->starved = false;
}

/* Frames that no buffer waits for stay in the backend. */
static int net_watch(struct virtio_dev *dev)
{
	struct net *net = (struct net *)dev;

	return dev->queues[RX].vq.ready && !net->starved && !net->gone ? net->fd : -1;
}

static const struct virtio_ops net_ops = {
	.id = VIRTIO_ID_NET,
	.name = "net",
	.pci_class = CLASS_ETHERNET,
	.queues = 2,
	.serve = net_serve,
	.watch = net_watch,
	.ready = net_receive,
};

static int open_tap(struct net *net, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (strlen(name) >= IFNAMSIZ)
		return nl_fail(EINVAL, "--net tap=%s: the name is too long", name);
	strcpy(ifr.ifr_name, name);
	net->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (net->fd < 0)
		return nl_fail(errno, "--net tap=%s: /dev/net/tun: %s", name, strerror(errno));
	if (ioctl(net->fd, TUNSETIFF, &ifr))
		return nl_fail(errno, "--net tap=%s: %s", name, strerror(errno));
	return 0;
}

static int start_nat(struct net *net, const char *options)
{
	const char *const args[HELPER_ARGS] = { options };
	int ret = helper_start(&net->nat, "nestor-nat", SOCK_SEQPACKET | SOCK_NONBLOCK, args);

	net->fd = net->nat.fd;
	return ret;
}

static int open_backend(struct net *net, const char *what)
{
	if (!strncmp(what, "tap=", 4))
		return open_tap(net, what + 4);
	if (!strcmp(what, "user"))
		return start_nat(net, "");
	if (!strncmp(what, "user,", 5))
		return start_nat(net, what + 5);
	return nl_fail(EINVAL, "--net %s: neither 'tap=NAME' nor 'user'", what);
}

/**
 * net_add() - add a card to what it is connected to, before the guest runs
 * @net: with its file descriptor
 * @place: where the device goes
 *
 * Return: 0 or a negative errno with nl_error() set; net_destroy() then too.
 */
int net_add(struct net *net, const struct virtio_place *place)
{
	struct virtio_net_config *config = (struct virtio_net_config *)net->virtio.config;

	if (getrandom(config->mac, sizeof(config->mac), 0) != sizeof(config->mac))
		return nl_fail(EIO, "--net: no random bytes for an address");
	config->mac[0] = MAC_LOCAL;
	net->virtio.features = BIT_ULL(VIRTIO_NET_F_MAC);
	return virtio_init(&net->virtio, &net_ops, place);
}

/**
 * net_init() - add a network card, before the guest runs
 * @net: zeroed
 * @what: "tap=NAME", "user" or "user,OPTIONS"
 * @place: where the device goes
 *
 * Return: 0 or a negative errno with nl_error() set; net_destroy() then too.
 */
int net_init(struct net *net, const char *what, const struct virtio_place *place)
{
	int ret;

	net->fd = -1;
	ret = open_backend(net, what);
	return ret ? ret : net_add(net, place);
}

/** net_destroy() - remove a card; no vCPU runs */
void net_destroy(struct net *net)
{
	virtio_destroy(&net->virtio);
	if (net->nat.pid)
		helper_stop(&net->nat);
	else if (net->virtio.ops)
		close(net->fd);
}
