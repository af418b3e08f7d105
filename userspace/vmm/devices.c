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
 * @bus: gets the configuration ports
 * @vm: with interrupt controllers; its routing table is written
 * @ram: the guest's memory
 *
 * Return: 0 or a negative errno with nl_error() set; devices_destroy() then too.
 */
int devices_init(struct devices *devices, const struct options *opt, struct bus *bus,
		 const struct nl_vm *vm, const struct ram *ram)
{
	const struct virtio_place place = {
		.pci = &devices->pci, .routes = &devices->routes, .vm = vm, .ram = ram,
	};
	int ret;

	ret = routes_init(&devices->routes, vm);
	if (!ret)
		ret = pci_init(&devices->pci, bus, vm);
	if (!ret)
		ret = add_disks(devices, opt, &place);
	if (!ret && opt->net)
		ret = net_init(&devices->net, opt->net, &place);
	if (!ret && opt->rng)
		ret = rng_init(&devices->rng, &place);
	return ret;
}

/**
 * devices_start() - let their threads run
 * @devices: built
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int devices_start(struct devices *devices)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < devices->nr_disks && !ret; i++)
		ret = virtio_start(&devices->disks[i].virtio);
	if (!ret && devices->net.virtio.ops)
		ret = virtio_start(&devices->net.virtio);
	if (!ret && devices->rng.ops)
		ret = virtio_start(&devices->rng);
	return ret;
}

/** devices_destroy() - take them apart; no vCPU runs, the VM is closed */
void devices_destroy(struct devices *devices)
{
	unsigned int i;

	for (i = 0; i < devices->nr_disks; i++)
		blk_destroy(&devices->disks[i]);
	net_destroy(&devices->net);
	virtio_destroy(&devices->rng);
}
