// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disks of every kind the launcher opens, with TAP output: raw files, an image
 * behind nestor-nbd and a qemu-nbd, an NBD server at an address. What is written
 * and flushed is there when the disk is opened again; what goes wrong is said.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/nl.h"
#include "vmm/disk.h"

#define DISK_BYTES	(8 * SZ_1M)
#define BIG		(3 * SZ_1M)

static unsigned int tests, failures;
static u8 wrote[BIG], got[BIG];
static char dir[] = "/tmp/nestor-disk.XXXXXX";

static void check(bool good, const char *name)
{
	tests++;
	failures += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", tests, name);
}

static void skip(unsigned int nr, const char *why)
{
	while (nr--)
		printf("ok %u - # SKIP %s\n", ++tests, why);
}

static __printf(1, 2) int shell(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return system(line);
}

static const char *in_dir(const char *name)
{
	static char path[4][256];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static int open_as(struct disk *disk, const char *path, const char *said, bool read_only)
{
	const struct disk_source source = {
		.path = path, .format = disk_format(path, said), .read_only = read_only,
	};

	memset(disk, 0, sizeof(*disk));
	return disk_open(disk, &source);
}

/* In three buffers of odd sizes, the last larger than one piece of the helper. */
static bool move(const struct disk *disk, u8 *bytes, bool write)
{
	struct iovec iov[3] = {
		{ bytes, 512 }, { bytes + 512, 1536 }, { bytes + 2048, BIG - 2048 },
	};

	return disk_move(disk, iov, 3, SZ_1M + 512, write);
}

static void keeps(const char *what, const char *path, const char *said)
{
	struct disk disk;
	char name[128];
	unsigned int i;
	bool good;

	for (i = 0; i < BIG; i++)
		wrote[i] = rand();
	good = !open_as(&disk, path, said, false) && disk.sectors == DISK_BYTES / SECTOR;
	good = good && move(&disk, wrote, true) && disk_flush(&disk);
	disk_close(&disk);
	snprintf(name, sizeof(name), "%s: takes what is written", what);
	check(good, name);
	if (!good)
		printf("# %s\n", nl_error());
	memset(got, 0, sizeof(got));
	good = !open_as(&disk, path, said, true) && move(&disk, got, false);
	disk_close(&disk);
	snprintf(name, sizeof(name), "%s: has it when opened again", what);
	check(good && !memcmp(got, wrote, BIG), name);
}

static void refuses(const char *what, const char *path, const char *said, const char *why)
{
	struct disk disk;
	bool good;

	good = open_as(&disk, path, said, false) < 0 && strstr(nl_error(), why) &&
	       strstr(nl_error(), path);
	disk_close(&disk);
	check(good, what);
	if (!good)
		printf("# %s\n", nl_error());
}

static void formats(void)
{
	static const struct {
		const char *path, *said, *format;
	} rows[] = {
		{ "a.img", NULL, "raw" }, { "a", NULL, "raw" }, { "/dev/sda", NULL, "raw" },
		{ "a.qcow2", NULL, "qcow2" }, { "A.QCOW2", NULL, "qcow2" },
		{ "a.qcow2", "raw", "raw" }, { "a.img", "qcow2", "qcow2" },
		{ "a.vhd", NULL, "vpc" }, { "a.vmdk", NULL, "vmdk" }, { ".qcow2", NULL, "raw" },
		{ "a.img", "zip", NULL }, { "a.img", "uri", NULL },
		{ "nbd://host/export", NULL, "uri" }, { "nbds://host", NULL, "uri" },
		{ "nbd+unix:///x?socket=/y", NULL, "uri" }, { "nbd://host", "qcow2", NULL },
		{ "nbd/a://b", NULL, "raw" }, { "http://host/nbd://", NULL, "raw" },
	};
	unsigned int i, good = 0;
	const char *format;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		format = disk_format(rows[i].path, rows[i].said);
		if (format == rows[i].format ||
		    (format && rows[i].format && !strcmp(format, rows[i].format)))
			good++;
		else
			printf("# %s: %s\n", rows[i].path, format ? format : "none");
	}
	check(good == i, "the format comes from what is said, then from the name");
}

static void raw_files(void)
{
	struct disk disk, other;

	shell("truncate -s 8M %s; : >%s", in_dir("raw"), in_dir("empty"));
	keeps("a raw file", in_dir("raw"), NULL);
	refuses("a file that is not there", in_dir("none"), NULL, "No such file");
	refuses("an empty file", in_dir("empty"), NULL, "empty");
	refuses("a directory", dir, NULL, "directory");
	check(!open_as(&disk, in_dir("raw"), NULL, false) &&
	      open_as(&other, in_dir("raw"), NULL, true) < 0 && strstr(nl_error(), "in use"),
	      "a disk that is written has one user");
	disk_close(&disk);
	disk_close(&other);
}

static void images(void)
{
	struct disk disk;
	u8 sector[SECTOR];
	struct iovec iov = { sector, SECTOR };

	shell("for f in qcow2 vmdk vdi; do qemu-img create -q -f $f %s/d.$f 8M; done", dir);
	shell("cp %s %s", in_dir("d.qcow2"), in_dir("hidden"));
	keeps("a qcow2 image", in_dir("d.qcow2"), NULL);
	keeps("a vmdk image", in_dir("d.vmdk"), NULL);
	keeps("a vdi image by its format", in_dir("d.vdi"), "vdi");
	check(!open_as(&disk, in_dir("hidden"), NULL, false) && disk.fd >= 0 &&
	      disk.sectors < DISK_BYTES / SECTOR, "what looks like an image is raw all the same");
	disk_close(&disk);
	refuses("an image that is not there", in_dir("none.qcow2"), NULL, "No such file");
	refuses("an image that is none", in_dir("raw"), "qcow2", "does not serve it");
	check(!open_as(&disk, in_dir("d.qcow2"), NULL, false) && !kill(disk.helper.pid, SIGKILL) &&
	      !disk_move(&disk, &iov, 1, 0, false) && !disk_flush(&disk),
	      "a helper that was killed: errors, and no hang");
	disk_close(&disk);
	check(!open_as(&disk, in_dir("d.qcow2"), NULL, false), "another one opens the image");
	disk_interrupt(&disk);
	check(!disk_move(&disk, &iov, 1, 0, false), "interrupted, nothing moves");
	disk_close(&disk);
}

static void servers(void)
{
	char uri[512];

	snprintf(uri, sizeof(uri), "nbd+unix:///?socket=%s/socket", dir);
	refuses("a server that is not there", uri, NULL, "socket");
	shell("qemu-nbd -t -f raw -k %s/socket %s/raw & echo $! >%s/pid; "
	      "until [ -S %s/socket ]; do sleep 0.1; done", dir, dir, dir, dir);
	keeps("a server", uri, NULL);
	shell("kill $(cat %s/pid)", dir);
	shell("rm -f %s/socket; qemu-nbd -t -r -f raw -k %s/socket %s/raw & echo $! >%s/pid; "
	      "until [ -S %s/socket ]; do sleep 0.1; done", dir, dir, dir, dir, dir);
	refuses("a server that lets nobody write", uri, NULL, "',ro'");
	shell("kill $(cat %s/pid)", dir);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	formats();
	raw_files();
	if (shell("command -v qemu-nbd qemu-img nestor-nbd >/dev/null")) {
		skip(16, "no qemu-nbd, qemu-img (qemu-utils) or nestor-nbd");
	} else {
		images();
		servers();
	}
	shell("rm -rf %s", dir);
	printf("1..%u\n", tests);
	return failures ? 1 : 0;
}
