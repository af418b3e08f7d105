// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device node: opening it is where most people meet their first error, so
 * each cause gets its own sentence and says what to do about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/nl.h"

static int open_failed(int err, const char *path)
{
	bool stock = strcmp(path, "/dev/kvm") == 0;

	switch (err) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return nl_fail(err,
			       "%s is not there: is the module loaded? Load it with '%s'", path,
			       stock ? "modprobe kvm_intel' or 'modprobe kvm_amd" :
				       "modprobe nestor' or 'insmod nestor.ko");
	case EACCES:
	case EPERM:
		return nl_fail(err,
			       "no permission on %s: join its group (adduser USER kvm) or be root",
			       path);
	default:
		return nl_fail(err, "cannot open %s: %s", path, strerror(err));
	}
}

static int check_version(const struct nl_dev *dev)
{
	int version = ioctl(dev->fd, KVM_GET_API_VERSION, 0);

	if (version < 0)
		return nl_fail(errno, "%s does not speak the KVM interface: %s", dev->path,
			       strerror(errno));
	if (version != KVM_API_VERSION)
		return nl_fail(EPROTO, "%s speaks version %d of the KVM interface, %d is needed",
			       dev->path, version, KVM_API_VERSION);
	return 0;
}

/**
 * nl_dev_open() - Open a device node that speaks the KVM interface
 * @dev: filled in
 * @path: the node; must live as long as @dev
 *
 * Return: 0 or a negative errno with nl_error() set; nothing is left open then.
 */
int nl_dev_open(struct nl_dev *dev, const char *path)
{
	int ret, size;

	dev->path = path;
	dev->fd = open(path, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0)
		return open_failed(errno, path);

	ret = check_version(dev);
	if (ret)
		goto close;

	size = ioctl(dev->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run)) {
		ret = nl_fail(EPROTO, "%s: the size of the vCPU's shared page is %d, too small",
			      path, size);
		goto close;
	}
	dev->run_size = (size_t)size;
	return 0;
close:
	nl_dev_close(dev);
	return ret;
}

/**
 * nl_dev_close() - Close the node; VMs made from it live on
 * @dev: may be closed already
 */
void nl_dev_close(struct nl_dev *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
	dev->fd = -1;
}

/**
 * nl_dev_need() - Demand a capability
 * @dev: an open device
 * @cap: KVM_CAP_...
 * @name: its name, for the message
 *
 * Return: 0 when it is there, -EOPNOTSUPP with nl_error() set when it is not.
 */
int nl_dev_need(const struct nl_dev *dev, u32 cap, const char *name)
{
	if (ioctl(dev->fd, KVM_CHECK_EXTENSION, (unsigned long)cap) > 0)
		return 0;
	return nl_fail(EOPNOTSUPP, "%s lacks the capability %s", dev->path, name);
}

/**
 * nl_cpuid_get() - Read which CPUID leaves a guest may be shown
 * @dev: an open device
 * @cpuid: filled in
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_cpuid_get(const struct nl_dev *dev, struct nl_cpuid *cpuid)
{
	memset(cpuid, 0, sizeof(*cpuid));
	cpuid->nent = NL_MAX_CPUID;
	if (ioctl(dev->fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
		return nl_fail(errno, "%s: cannot read the supported CPUID leaves: %s", dev->path,
			       strerror(errno));
	if (cpuid->nent > NL_MAX_CPUID)
		return nl_fail(E2BIG, "%s: %u CPUID leaves, at most %d are understood", dev->path,
			       cpuid->nent, NL_MAX_CPUID);
	return 0;
}
