// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Linux/x86 boot protocol, entered as 64-bit or as 32-bit code, whichever
 * the kernel is ("The Linux/x86 Boot Protocol", "64-bit Boot Protocol", "32-bit
 * Boot Protocol"): what a boot loader leaves in memory. The state of the CPU
 * that goes with it is in bootcpu.c.
 *
 * The files are the user's, yet every length in them is checked before use.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asm/bootparam.h>

#include "vmm/boot.h"
#include "vmm/e820.h"

#define SECTOR			512u
#define SETUP_SECTS_DEFAULT	4u
#define BOOT_FLAG		0xaa55
#define HEADER_MAGIC		0x53726448u	/* "HdrS" */
#define PROTOCOL_MIN		0x020c		/* the first with xloadflags */
#define HEADER_LEN_AT		0x201		/* length of the header, counted from 0x202 */
#define HEADER_LEN_BASE		0x202
#define ENTRY64_OFFSET		0x200
#define LOADER_UNREGISTERED	0xff
#define RSDP_ADDR_PROTOCOL	0x020e

struct image {
	const char *path;
	int fd;
	u64 size;
};

static int image_open(struct image *img, const char *what, const char *path)
{
	struct stat st;
	int err;

	img->path = path;
	img->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (img->fd < 0)
		return nl_fail(errno, "cannot read the %s %s: %s", what, path, strerror(errno));
	if (fstat(img->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		err = EINVAL;
		close(img->fd);
		return nl_fail(err, "cannot read the %s %s: not a regular file", what, path);
	}
	img->size = (u64)st.st_size;
	return 0;
}

static int image_read(const struct image *img, void *to, u64 len, u64 from)
{
	u8 *p = to;

	while (len) {
		ssize_t n = pread(img->fd, p, len, (off_t)from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return nl_fail(errno, "cannot read %s: %s", img->path, strerror(errno));
		if (n == 0)
			return nl_fail(EIO, "cannot read %s: the file shrank", img->path);
		p += n;
		from += (u64)n;
		len -= (u64)n;
	}
	return 0;
}

static int check_header(const struct image *img, const struct setup_header *hdr)
{
	if (hdr->boot_flag != BOOT_FLAG || hdr->header != HEADER_MAGIC)
		return nl_fail(ENOEXEC, "%s is not a Linux kernel in bzImage format", img->path);
	if (hdr->version < PROTOCOL_MIN)
		return nl_fail(ENOEXEC, "%s speaks boot protocol %u.%u, at least 2.12 is needed",
			       img->path, hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH))
		return nl_fail(ENOEXEC, "%s is not a Linux kernel in bzImage format", img->path);
	if (hdr->pref_address < HIGH_MEMORY_GPA)
		return nl_fail(ENOEXEC, "%s wants to be loaded at 0x%llx, below 1 MiB", img->path,
			       (unsigned long long)hdr->pref_address);
	return 0;
}

/* The zero page starts as all zeroes plus the header as the file has it. */
static int read_header(const struct image *img, struct boot_params *zero)
{
	const size_t at = offsetof(struct boot_params, hdr);
	u8 first[HEADER_LEN_BASE + 0x100];
	size_t len;
	int ret;

	if (img->size < sizeof(first))
		return nl_fail(ENOEXEC, "%s is not a Linux kernel in bzImage format", img->path);
	ret = image_read(img, first, sizeof(first), 0);
	if (ret)
		return ret;

	len = HEADER_LEN_BASE + first[HEADER_LEN_AT] - at;
	if (len > sizeof(zero->hdr))
		len = sizeof(zero->hdr);
	memset(zero, 0, sizeof(*zero));
	memcpy(&zero->hdr, first + at, len);
	return check_header(img, &zero->hdr);
}

/* Returns in *end the first byte behind what the kernel needs to unpack itself. */
static int load_payload(const struct ram *ram, const struct image *img,
			const struct setup_header *hdr, u64 *end)
{
	u64 sects = hdr->setup_sects ? hdr->setup_sects : SETUP_SECTS_DEFAULT;
	u64 skip = (sects + 1) * SECTOR;
	u64 need, len;
	void *to;

	if (img->size <= skip)
		return nl_fail(ENOEXEC, "%s is cut off: no kernel behind its header", img->path);
	len = img->size - skip;
	need = len > hdr->init_size ? len : hdr->init_size;
	to = ram_low(ram, hdr->pref_address, need);
	if (!to)
		return nl_fail(ENOSPC, "too little memory: %s needs at least %llu MiB, see --mem",
			       img->path,
			       (unsigned long long)((hdr->pref_address + need) / SZ_1M + 1));
	*end = hdr->pref_address + need;
	return image_read(img, to, len, skip);
}

/* As high as possible: the kernel wants its surroundings for itself. */
static int load_initrd(const struct ram *ram, const char *path, struct setup_header *hdr, u64 floor)
{
	u64 top = ram->low_size, at;
	struct image img;
	int ret;

	ret = image_open(&img, "initrd", path);
	if (ret)
		return ret;
	if (top > (u64)hdr->initrd_addr_max + 1)
		top = (u64)hdr->initrd_addr_max + 1;

	if (img.size > top || ALIGN_DOWN(top - img.size, SZ_4K) < floor) {
		ret = nl_fail(ENOSPC,
			      "too little memory: kernel and initrd need %llu MiB, see --mem",
			      (unsigned long long)((floor + img.size) / SZ_1M + 1));
		goto close;
	}
	at = ALIGN_DOWN(top - img.size, SZ_4K);
	hdr->ramdisk_image = (u32)at;
	hdr->ramdisk_size = (u32)img.size;
	ret = image_read(&img, ram_low(ram, at, img.size), img.size, 0);
close:
	close(img.fd);
	return ret;
}

static int load_cmdline(const struct ram *ram, const char *cmdline, struct setup_header *hdr)
{
	size_t len = strlen(cmdline);

	if (len > hdr->cmdline_size || len >= CMDLINE_ROOM)
		return nl_fail(E2BIG, "the command line is %zu characters long, at most %u fit",
			       len, hdr->cmdline_size);
	memcpy(ram_low(ram, CMDLINE_GPA, len + 1), cmdline, len + 1);
	hdr->cmd_line_ptr = CMDLINE_GPA;
	return 0;
}

static int load_all(const struct ram *ram, const struct image *img, const struct boot_files *files,
		    struct boot_params *zero)
{
	struct setup_header *hdr = &zero->hdr;
	u64 end = 0;
	int ret;

	ret = read_header(img, zero);
	if (!ret)
		ret = load_payload(ram, img, hdr, &end);
	if (!ret && files->initrd)
		ret = load_initrd(ram, files->initrd, hdr, end);
	if (!ret)
		ret = load_cmdline(ram, files->cmdline, hdr);
	if (ret)
		return ret;

	hdr->type_of_loader = LOADER_UNREGISTERED;
	if (hdr->version >= RSDP_ADDR_PROTOCOL)
		zero->acpi_rsdp_addr = ACPI_GPA;
	zero->e820_entries = (__u8)e820_fill(ram, zero->e820_table, E820_MAX_ENTRIES_ZEROPAGE);
	return 0;
}

/**
 * boot_load() - Put kernel, initrd, command line and boot parameters into memory
 * @ram: the guest's memory
 * @files: what to load
 * @entry: where and how the first CPU starts
 *
 * Return: 0 or a negative errno with nl_error() set: -ENOSPC and -E2BIG when
 * the user has asked for what does not fit.
 */
int boot_load(const struct ram *ram, const struct boot_files *files, struct boot_entry *entry)
{
	struct boot_params *zero = ram_low(ram, ZERO_PAGE_GPA, sizeof(*zero));
	struct image img;
	int ret;

	if (!zero || !ram_low(ram, 0, HIGH_MEMORY_GPA))
		return nl_fail(ENOSPC, "too little memory: not even 1 MiB, see --mem");
	ret = image_open(&img, "kernel", files->kernel);
	if (ret)
		return ret;
	ret = load_all(ram, &img, files, zero);
	close(img.fd);
	if (ret)
		return ret;
	entry->is_64bit = zero->hdr.xloadflags & XLF_KERNEL_64;
	entry->address = zero->hdr.pref_address + (entry->is_64bit ? ENTRY64_OFFSET : 0);
	return 0;
}
