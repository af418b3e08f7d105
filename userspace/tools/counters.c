// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding VMs and reading their counters.
 *
 * A VM has no name that another process could open, so its file is taken out of
 * the process that runs it, by pidfd_getfd(), for as long as the reading lasts:
 * a VM that ends is not kept by us.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/kvm.h>

#include "lib/nl.h"
#include "tools/counters.h"

/* What precedes the name in a descriptor, whichever header declares it. */
#define DESC_FIXED	offsetof(struct kvm_stats_desc, name)

static int read_all(int fd, void *data, size_t size, u64 offset)
{
	ssize_t got = pread(fd, data, size, (off_t)offset);

	if (got < 0)
		return -errno;
	return (size_t)got == size ? 0 : -EIO;
}

static int read_one(int fd, const struct kvm_stats_header *h, unsigned int i,
		    struct counters *c)
{
	u8 raw[DESC_FIXED + COUNTER_NAME];
	size_t size = DESC_FIXED + h->name_size;
	struct counter *to = &c->list[c->n];
	struct kvm_stats_desc desc;
	int ret;

	ret = read_all(fd, raw, size, h->desc_offset + (u64)i * size);
	if (ret)
		return ret;
	memcpy(&desc, raw, DESC_FIXED);
	/* Histograms are not shown. */
	if (desc.size != 1)
		return 0;
	memcpy(to->name, raw + DESC_FIXED, h->name_size);
	to->name[COUNTER_NAME - 1] = '\0';
	to->grows = (desc.flags & KVM_STATS_TYPE_MASK) == KVM_STATS_TYPE_CUMULATIVE;
	ret = read_all(fd, &to->value, sizeof(to->value), h->data_offset + (u64)desc.offset);
	if (!ret)
		c->n++;
	return ret;
}

/**
 * counters_read() - Read one statistics file
 * @fd: from KVM_GET_STATS_FD
 * @c: filled in
 *
 * Return: 0, or a negative errno; -EIO when the file is not what it should be.
 */
int counters_read(int fd, struct counters *c)
{
	struct kvm_stats_header h;
	int ret;

	memset(c, 0, sizeof(*c));
	ret = read_all(fd, &h, sizeof(h), 0);
	if (ret)
		return ret;
	if (!h.name_size || h.name_size > COUNTER_NAME || h.name_size > sizeof(c->id) ||
	    h.num_desc > COUNTERS_MAX)
		return -EIO;
	ret = read_all(fd, c->id, h.name_size, h.id_offset);
	c->id[sizeof(c->id) - 1] = '\0';
	for (unsigned int i = 0; !ret && i < h.num_desc; i++)
		ret = read_one(fd, &h, i, c);
	return ret;
}

/* What the file behind a descriptor of another process calls itself. */
static bool is_of_kvm(const char *link)
{
	static const char * const starts[] = {
		"anon_inode:kvm-vm", "anon_inode:kvm-vcpu", "anon_inode:nestor-vm",
		"anon_inode:nestor-vcpu",
	};
	/* These have counters already, and are nobody's to ask for more. */
	if (strstr(link, "stats"))
		return false;
	for (unsigned int i = 0; i < ARRAY_SIZE(starts); i++)
		if (!strncmp(link, starts[i], strlen(starts[i])))
			return true;
	return false;
}

static int stats_of(int pidfd, int number, struct counters *c)
{
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	int stats, ret;

	if (fd < 0)
		return -errno;
	stats = ioctl(fd, KVM_GET_STATS_FD, 0);
	ret = stats < 0 ? -errno : 0;
	close(fd);
	if (ret)
		return ret;
	ret = counters_read(stats, c);
	close(stats);
	return ret;
}

struct scan {
	counters_fn fn;
	void *context;
	struct counters_trouble *trouble;
	struct counters now;
};

/* The files of one process; one that ends meanwhile is no trouble. */
static void scan_files(struct scan *s, pid_t pid, int pidfd, DIR *dir)
{
	struct dirent *entry;
	char link[64];
	int ret, err = 0;

	while ((entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (len < 0)
			continue;
		link[len] = '\0';
		if (!is_of_kvm(link))
			continue;
		ret = stats_of(pidfd, atoi(entry->d_name), &s->now);
		if (!ret)
			s->fn(s->context, pid, &s->now);
		else if (ret != -ESRCH && ret != -EBADF)
			err = -ret;
	}
	if (err) {
		s->trouble->processes++;
		s->trouble->err = err;
	}
}

static int scan_process(struct scan *s, pid_t pid)
{
	char path[32];
	int pidfd, ret = 0;
	DIR *dir;

	/* Before the directory, so that both are of the same process or fail. */
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (dir) {
		scan_files(s, pid, pidfd, dir);
		closedir(dir);
	} else {
		ret = -errno;
	}
	close(pidfd);
	return ret;
}

/**
 * counters_scan() - Read the counters of all VMs
 * @only: of this process; 0: of all that we may look into
 * @fn: called for each file
 * @context: for @fn
 * @trouble: what could not be read
 *
 * Return: 0, or a negative errno.
 */
int counters_scan(pid_t only, counters_fn fn, void *context, struct counters_trouble *trouble)
{
	struct scan s = { .fn = fn, .context = context, .trouble = trouble };
	struct dirent *entry;
	DIR *dir;

	memset(trouble, 0, sizeof(*trouble));
	if (only) {
		int ret = scan_process(&s, only);

		return ret ? nl_fail(-ret, "process %d: %s", only, strerror(-ret)) : 0;
	}
	dir = opendir("/proc");
	if (!dir)
		return nl_fail(errno, "cannot read /proc: %s", strerror(errno));
	/* What ends meanwhile, or is not ours to look into, is left out. */
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			scan_process(&s, atoi(entry->d_name));
	closedir(dir);
	return 0;
}
