// SPDX-License-Identifier: GPL-2.0-only
/* Builds, starts and takes apart what hangs on the PCI bus. */
#include "vmm/devices.h"
#include "vmm/rng.h"

static int add_disks(struct devices *devices, const struct options *opt,
		     const struct virtio_place *place)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < opt->nr_disks && !ret; i++) {
		devices->nr_disks = i + 1;
		ret = blk_init(&devices->disks[i], &opt->disks[i], place);
	}
	return ret;
}

/**
 * devices_init() - build them, before the guest runs
 * @devices: zeroed
 * @opt: the command line
 * @place: where they go; the VM's routing table is written
 *
 * Return: 0 or a negative errno with nl_error() set; devices_destroy() then too.
 */
int devices_init(struct devices *devices, const struct options *opt,
		 const struct devices_place *place)
{
	const struct virtio_place virtio = {
		.pci = &devices->pci, .routes = &devices->routes, .vm = place->vm,
		.ram = place->ram,
	};
	int ret;

	ret = routes_init(&devices->routes, place->vm);
	if (!ret)
		ret = pci_init(&devices->pci, place->bus, place->vm);
	if (!ret)
		ret = add_disks(devices, opt, &virtio);
	if (!ret && opt->net)
		ret = net_init(&devices->net, opt->net, &virtio);
	if (!ret && opt->rng)
		ret = rng_init(&devices->rng, &virtio);
	if (!ret && opt->hvc)
		ret = hvc_init(&devices->hvc, place->stop, &virtio);
	return ret;
}

/* The next device there is from @i on; NULL: none. */
static struct virtio_dev *next_device(struct devices *devices, unsigned int *i)
{
	struct virtio_dev *const others[] = {
		&devices->net.virtio, &devices->rng, &devices->hvc.virtio,
	};
	struct virtio_dev *dev = NULL;

	while ((!dev || !dev->ops) && *i < devices->nr_disks + ARRAY_SIZE(others)) {
		dev = *i < devices->nr_disks ? &devices->disks[*i].virtio :
					       others[*i - devices->nr_disks];
		++*i;
	}
	return dev && dev->ops ? dev : NULL;
}

/**
 * devices_start() - let their threads run
 * @devices: built
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int devices_start(struct devices *devices)
{
	struct virtio_dev *dev;
	unsigned int i = 0;
	int ret = 0;

	while (!ret && (dev = next_device(devices, &i)))
		ret = virtio_start(dev);
	return ret;
}

/**
 * devices_stop() - end their threads; vCPUs may still run
 * @devices: built, started or not
 * @patience_ms: how long to try with each
 *
 * Return: false when a thread does not come back.
 */
bool devices_stop(struct devices *devices, unsigned int patience_ms)
{
	struct virtio_dev *dev;
	unsigned int i;
	bool home = true;

	/* One may wait for a server that does not answer. */
	for (i = 0; i < devices->nr_disks; i++)
		disk_interrupt(&devices->disks[i].disk);
	i = 0;
	while ((dev = next_device(devices, &i)))
		home &= virtio_stop(dev, patience_ms);
	return home;
}

/** devices_destroy() - take them apart; nobody runs, the VM is closed */
void devices_destroy(struct devices *devices)
{
	unsigned int i;

	for (i = 0; i < devices->nr_disks; i++)
		blk_destroy(&devices->disks[i]);
	net_destroy(&devices->net);
	virtio_destroy(&devices->rng);
	virtio_destroy(&devices->hvc.virtio);
}
