// SPDX-License-Identifier: GPL-2.0-only
/*
 * One port without a control queue. What the guest writes goes out of the
 * device's thread; what comes for it is put into its buffers by the main loop,
 * which is woken when there are buffers again. The main loop never waits for the
 * device, whose thread may be waiting for whoever reads our output.
 */
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>

#include "vmm/console.h"
#include "vmm/hvc.h"

#define CLASS_COMMUNICATION	0x0780
#define PIECE			512

enum { RX, TX };

static void transmit(struct hvc *hvc)
{
	struct virtio_dev *dev = &hvc->virtio;
	struct vq_chain chain;
	u8 bytes[PIECE];
	size_t at, len;

	while (virtio_take(dev, TX, &chain)) {
		for (at = 0; at < chain.out_bytes; at += len) {
			len = vq_gather(chain.iov, chain.nr_out, at, bytes, sizeof(bytes));
			console_write(hvc->stop, bytes, len);
		}
		virtio_give(dev, TX, &chain, 0);
	}
}

static void hvc_serve(struct virtio_dev *dev, unsigned int q)
{
	struct hvc *hvc = (struct hvc *)dev;

	if (q == TX)
		transmit(hvc);
	else
		stop_wake(hvc->stop);
}

static const struct virtio_ops hvc_ops = {
	.id = VIRTIO_ID_CONSOLE,
	.name = "console",
	.pci_class = CLASS_COMMUNICATION,
	.queues = 2,
	.serve = hvc_serve,
};

/* False where there is no terminal, or one that does not know its size. */
static bool measure(struct virtio_console_config *config)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
		return false;
	config->cols = size.ws_col;
	config->rows = size.ws_row;
	return true;
}

/**
 * hvc_init() - add a console, before the guest runs
 * @hvc: zeroed
 * @stop: is woken when the guest can take input; ends a wait for a slow reader
 * @place: where the device goes
 *
 * Return: 0 or a negative errno with nl_error() set; virtio_destroy() then too.
 */
int hvc_init(struct hvc *hvc, const struct stop *stop, const struct virtio_place *place)
{
	hvc->stop = stop;
	if (measure((struct virtio_console_config *)hvc->virtio.config))
		hvc->virtio.features = BIT_ULL(VIRTIO_CONSOLE_F_SIZE);
	return virtio_init(&hvc->virtio, &hvc_ops, place);
}

/** hvc_resized() - our terminal has another size; false: busy, call again later */
bool hvc_resized(struct hvc *hvc)
{
	struct virtio_dev *dev = &hvc->virtio;

	if (pthread_mutex_trylock(&dev->lock))
		return false;
	if (measure((struct virtio_console_config *)dev->config))
		virtio_config_changed(dev);
	pthread_mutex_unlock(&dev->lock);
	return true;
}

/**
 * hvc_receive() - bytes for the guest; does not wait
 * @hvc: the console
 * @bytes: what
 * @nr: how many
 *
 * Return: how many it took; the rest is for later.
 */
unsigned int hvc_receive(struct hvc *hvc, const u8 *bytes, unsigned int nr)
{
	struct virtio_dev *dev = &hvc->virtio;
	struct vq_chain chain;
	unsigned int done = 0;
	size_t len;

	if (pthread_mutex_trylock(&dev->lock))
		return 0;
	while (done < nr && virtio_take(dev, RX, &chain)) {
		len = vq_scatter(chain.iov + chain.nr_out, chain.nr_in, 0, bytes + done,
				 nr - done);
		virtio_give(dev, RX, &chain, len);
		done += len;
	}
	pthread_mutex_unlock(&dev->lock);
	return done;
}
