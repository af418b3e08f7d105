// SPDX-License-Identifier: GPL-2.0-only
/* KVM_GET_STATS_FD: the file describes itself, and the counters count. */
#include <unistd.h>
#include <sys/ioctl.h>

#include "api.h"

static struct machine m;

static bool get(int fd, void *buf, size_t size, off_t at)
{
	return pread(fd, buf, size, at) == (ssize_t)size;
}

/* The value of a counter by name, -1 when it is not there. */
static int64_t value(int fd, const struct kvm_stats_header *h, const char *name)
{
	size_t size = sizeof(struct kvm_stats_desc) + h->name_size;
	char buf[256];
	struct kvm_stats_desc *d = (void *)buf;
	uint64_t val;

	for (uint32_t i = 0; i < h->num_desc; i++) {
		if (size > sizeof(buf) || !get(fd, buf, size, h->desc_offset + i * size))
			return -1;
		if (!strcmp(d->name, name))
			return get(fd, &val, sizeof(val), h->data_offset + d->offset) ?
			       (int64_t)val : -1;
	}
	return -1;
}

static int open_stats(int fd, struct kvm_stats_header *h, const char *what)
{
	long stats = call(fd, KVM_GET_STATS_FD, NULL);
	char id[64] = "";

	tap_ok(stats >= 0, "GET_STATS_FD of a %s", what);
	tap_ok(get(stats, h, sizeof(*h), 0), "a header");
	tap_ok(h->name_size && h->name_size < sizeof(id) && h->num_desc &&
	       h->id_offset >= sizeof(*h) && h->desc_offset >= h->id_offset &&
	       h->data_offset >= h->desc_offset, "with an order of parts");
	tap_ok(get(stats, id, h->name_size, h->id_offset) && id[0], "an id: %s", id);
	return stats;
}

int main(void)
{
	struct kvm_stats_header h;
	int64_t before;
	char byte;
	int fd;

	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, 0, 1);
	fd = open_stats(m.fd, &h, "VM");
	is(value(fd, &h, "vcpus"), 1, "the VM has a vCPU");
	close(fd);
	fd = open_stats(m.cpu[0], &h, "vCPU");
	before = value(fd, &h, "exits_hlt");
	CODE(&m, 0, 0xf4);
	api_protected_mode(&m, 0);
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "RUN to HLT");
	is(value(fd, &h, "exits_hlt"), before + 1, "is counted");
	is(value(fd, &h, "no such counter"), -1, "no such counter");
	is(pread(fd, &byte, 1, 1 << 20), 0, "beyond the end is nothing");
	is(pwrite(fd, &byte, 1, 0), -1, "it cannot be written");
	api_destroy(&m);
	tap_ok(get(fd, &h, sizeof(h), 0) && value(fd, &h, "exits_hlt") == before + 1,
	       "it lives longer than the VM's own files");
	close(fd);
	return tap_done();
}
