// SPDX-License-Identifier: GPL-2.0-only
/*
 * A format is told by the user or by the file's name, never by what is in the
 * file: a guest that owns a raw disk could write another format's header, which
 * may name any file of the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include "lib/nl.h"
#include "vmm/disk.h"
#include "vmm/remote.h"

#define RAW	"raw"
#define URI	"uri"

/* Names of QEMU's, and the suffixes that files of them have. */
static const struct {
	const char *format;
	const char *suffix;
} formats[] = {
	{ "qcow2", ".qcow2" }, { "qcow", ".qcow" }, { "qed", ".qed" }, { "vdi", ".vdi" },
	{ "vhdx", ".vhdx" }, { "vmdk", ".vmdk" }, { "vpc", ".vhd" },
};

static bool is_uri(const char *path)
{
	const char *colon = strstr(path, "://");

	return colon && !strncmp(path, "nbd", 3) && !memchr(path, '/', colon - path);
}

/**
 * disk_format() - of what format a disk is
 * @path: its file, or the address of an NBD server
 * @said: what the user says; NULL: nothing
 *
 * Return: its name, NULL when we know none of the name said.
 */
const char *disk_format(const char *path, const char *said)
{
	size_t len = strlen(path), suffix;
	unsigned int i;

	if (is_uri(path))
		return said ? NULL : URI;
	if (said && !strcmp(said, RAW))
		return RAW;
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		suffix = strlen(formats[i].suffix);
		if (said ? !strcmp(said, formats[i].format) :
			   len > suffix && !strcasecmp(path + len - suffix, formats[i].suffix))
			return formats[i].format;
	}
	return said ? NULL : RAW;
}

static int open_file(struct disk *disk, u64 *bytes)
{
	const char *path = disk->source.path;
	bool read_only = disk->source.read_only;
	struct stat st;

	disk->fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (disk->fd < 0 || fstat(disk->fd, &st))
		return nl_fail(errno, "--disk %s: %s", path, strerror(errno));
	*bytes = st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(disk->fd, BLKGETSIZE64, bytes))
		return nl_fail(errno, "--disk %s: %s", path, strerror(errno));
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return nl_fail(EINVAL, "--disk %s: neither a file nor a block device", path);
	/* Two guests that write one disk destroy it. */
	if (flock(disk->fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return nl_fail(EBUSY, "--disk %s: another program has it in use", path);
	return 0;
}

/**
 * disk_open() - find a disk's bytes
 * @disk: zeroed
 * @source: what the command line says
 *
 * Return: 0 or a negative errno with nl_error() set; disk_close() then too.
 */
int disk_open(struct disk *disk, const struct disk_source *source)
{
	u64 bytes;
	int ret;

	disk->source = *source;
	disk->fd = -1;
	if (!strcmp(source->format, RAW))
		ret = open_file(disk, &bytes);
	else
		ret = remote_open(&disk->helper, source->path, source->format,
				  source->read_only, &bytes);
	if (ret)
		return ret;
	disk->sectors = bytes / SECTOR;
	if (!disk->sectors)
		return nl_fail(EINVAL, "--disk %s: it is empty", source->path);
	return 0;
}

/* All of it, in as many steps as the file needs. */
static bool move_file(int fd, struct iovec *iov, unsigned int left, u64 at, bool write)
{
	while (left) {
		ssize_t n = write ? pwritev(fd, iov, left, at) : preadv(fd, iov, left, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		for (; left && (size_t)n >= iov->iov_len; left--, iov++)
			n -= iov->iov_len;
		if (left) {
			iov->iov_base = (u8 *)iov->iov_base + n;
			iov->iov_len -= n;
		}
	}
	return true;
}

/**
 * disk_move() - read or write
 * @disk: open
 * @iov: buffers, used up
 * @nr: how many
 * @at: where, in bytes; within the disk
 * @write: to the disk
 *
 * Return: false when not all of it was moved.
 */
bool disk_move(const struct disk *disk, struct iovec *iov, unsigned int nr, u64 at, bool write)
{
	if (disk->fd < 0)
		return remote_move(&disk->helper, iov, nr, at, write);
	return move_file(disk->fd, iov, nr, at, write);
}

/** disk_flush() - what was written lasts; false when that is not sure */
bool disk_flush(const struct disk *disk)
{
	return disk->fd < 0 ? remote_flush(&disk->helper) : !fdatasync(disk->fd);
}

/** disk_interrupt() - whoever waits for the helper fails now, and from now on */
void disk_interrupt(const struct disk *disk)
{
	if (disk->helper.pid)
		shutdown(disk->helper.fd, SHUT_RDWR);
}

/** disk_close() - give it back; opened or not */
void disk_close(struct disk *disk)
{
	if (disk->source.path && disk->fd >= 0)
		close(disk->fd);
	helper_stop(&disk->helper);
}
