// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory is one anonymous mapping of ours, shown to the guest in two
 * slots. Nothing is touched before the guest touches it.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/ram.h"

#define HUGE_PAGE	(2 * SZ_1M)

/*
 * The kernel can back the guest with huge pages, and the hypervisor map them,
 * only where guest and host addresses agree in the bits below one.
 */
static void *ram_reserve(u64 size)
{
	u8 *all = mmap(NULL, size + HUGE_PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	u8 *start;

	if (all == MAP_FAILED)
		return NULL;
	start = (u8 *)(((unsigned long)all + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1UL));
	if (start != all)
		munmap(all, start - all);
	munmap(start + size, all + HUGE_PAGE - start);
	if (mprotect(start, size, PROT_READ | PROT_WRITE)) {
		munmap(start, size);
		return NULL;
	}
	return start;
}

/**
 * ram_create() - Reserve the guest's memory
 * @ram: filled in
 * @size: bytes, a multiple of the page size
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int ram_create(struct ram *ram, u64 size)
{
	void *host = ram_reserve(size);

	if (!host)
		return nl_fail(errno, "cannot get %llu MiB of memory for the guest: %s",
			       (unsigned long long)(size / SZ_1M), strerror(errno));
	/* A core file of ours is about us; the guest's memory would only hide that. */
	madvise(host, size, MADV_DONTDUMP);
	madvise(host, size, MADV_HUGEPAGE);

	ram->host = host;
	ram->size = size;
	ram->low_size = size < LOW_RAM_MAX ? size : LOW_RAM_MAX;
	ram->high_size = size - ram->low_size;
	return 0;
}

/**
 * ram_destroy() - Give the memory back; the VM must be closed
 * @ram: may be empty
 */
void ram_destroy(struct ram *ram)
{
	if (ram->host)
		munmap(ram->host, ram->size);
	ram->host = NULL;
}

/**
 * ram_attach() - Show the memory to the guest
 * @ram: the memory; must live as long as @vm
 * @vm: a VM without memory
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int ram_attach(const struct ram *ram, struct nl_vm *vm)
{
	int ret = nl_vm_map(vm, 0, ram->low_size, ram->host);

	if (ret || !ram->high_size)
		return ret;
	return nl_vm_map(vm, SZ_4G, ram->high_size, ram->host + ram->low_size);
}

/**
 * ram_low() - Where we see a range of the guest's low memory
 * @ram: the memory
 * @gpa: the guest's address
 * @len: bytes
 *
 * Return: NULL unless the whole range lies in memory below 4 GiB.
 */
void *ram_low(const struct ram *ram, u64 gpa, u64 len)
{
	if (gpa > ram->low_size || len > ram->low_size - gpa)
		return NULL;
	return ram->host + gpa;
}

/**
 * ram_at() - Where we see a range of the guest's memory
 * @ram: the memory
 * @gpa: the guest's address
 * @len: bytes
 *
 * Return: NULL unless the whole range is memory.
 */
void *ram_at(const struct ram *ram, u64 gpa, u64 len)
{
	if (gpa < SZ_4G)
		return ram_low(ram, gpa, len);
	gpa -= SZ_4G;
	if (gpa > ram->high_size || len > ram->high_size - gpa)
		return NULL;
	return ram->host + ram->low_size + gpa;
}
