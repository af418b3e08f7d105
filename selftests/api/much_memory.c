// SPDX-License-Identifier: GPL-2.0-only
/*
 * Much memory: a slot as large as the guest's CPU can address, up to 1 TiB, that
 * costs nothing until it is used; and as many slots as there may be.
 */
#include <stdlib.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "api.h"

#define TIB		(1ull << 40)
#define SHADOWED	(1ull << 34)
#define HUGE		0x200000ull
#define PML4		0x10000u
#define PDPT		0x11000u
#define PD		0x12000u
#define PRESENT_WRITE	3u
#define LARGE		0x80u
#define CR0_PE_PG	0x80000001u
#define CR4_PAE		0x20u
#define EFER_LONG	0x500u		/* LME, LMA */
#define WINDOW		HUGE		/* linear address of the last 2 MiB */

/* The highest address of a guest, plus one. */
static uint64_t address_end(void)
{
	struct kvm_cpuid2 *cpuid = api_supported_cpuid();
	uint64_t end = 1ull << 36;
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0x80000008)
			end = 1ull << (cpuid->entries[i].eax & 0xff);
	free(cpuid);
	/* Reverse maps take memory by the page: shadow paging alone has them. */
	if (ioctl(api_device, KVM_CHECK_EXTENSION, KVM_CAP_SMALLER_MAXPHYADDR) > 0)
		return end < SHADOWED ? end : SHADOWED;
	return end < TIB ? end : TIB;
}

/* Long mode: the first 2 MiB one to one, the next are the last of the memory. */
static void long_mode(struct machine *m, uint64_t last)
{
	const struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1,
		.g = 1,
	};
	struct kvm_regs regs = { .rip = API_CODE, .rflags = 2, .rbx = WINDOW };
	struct kvm_sregs s;

	*(uint64_t *)(m->mem + PML4) = PDPT | PRESENT_WRITE;
	*(uint64_t *)(m->mem + PDPT) = PD | PRESENT_WRITE;
	*(uint64_t *)(m->mem + PD) = LARGE | PRESENT_WRITE;
	*(uint64_t *)(m->mem + PD + 8) = last | LARGE | PRESENT_WRITE;
	must(m->cpu[0], KVM_GET_SREGS, &s, "GET_SREGS");
	s.cs = code;
	s.cr3 = PML4;
	s.cr4 = CR4_PAE;
	s.efer = EFER_LONG;
	s.cr0 |= CR0_PE_PG;
	must(m->cpu[0], KVM_SET_SREGS, &s, "SET_SREGS");
	must(m->cpu[0], KVM_SET_REGS, &regs, "SET_REGS");
}

static void test_large(void)
{
	uint64_t end = address_end(), size = end - HUGE;
	struct machine m;
	uint32_t *word;
	uint8_t *all;

	api_create(&m, API_CPUID, 1);
	all = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		api_give_up("mmap of all that a guest can address");
	is(api_slot(m.fd, 1, 0, HUGE, size, all), 0, "a slot of %llu GiB",
	   (unsigned long long)(size >> 30));
	CODE(&m, 0, 0xff, 0x43, 0x04, 0xe6, 0x70);	/* incl 4(%rbx); out %al, $0x70 */
	long_mode(&m, end - HUGE);
	word = (uint32_t *)(all + size - HUGE + 4);
	*word = 41;
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "the guest runs");
	is(m.run[0]->exit_reason, KVM_EXIT_IO, "to its I/O");
	is(*(volatile uint32_t *)word, 42, "and has added to the last 2 MiB of it");
	is(api_slot(m.fd, 1, 0, HUGE, 0, all), 0, "the slot goes");
	munmap(all, size);
	api_destroy(&m);
}

static void test_slots(void)
{
	long n = must(api_device, KVM_CHECK_EXTENSION, (void *)KVM_CAP_NR_MEMSLOTS,
		      "CHECK_EXTENSION");
	uint8_t *page = api_pages(API_PAGE);
	long i, bad = 0;
	struct machine m;

	api_create(&m, 0, 1);
	/* Slot 0 is the machine's own memory. */
	for (i = 1; i < n; i++)
		bad += api_slot(m.fd, i, 0, 0x100000 + i * API_PAGE, API_PAGE, page) != 0;
	is(bad, 0, "%ld slots", n);
	is(api_slot(m.fd, n, 0, 1ull << 32, API_PAGE, page), -EINVAL, "one more is refused");
	CODE(&m, 0, 0x66, 0xff, 0x03, 0xe6, 0x70);	/* incl (%ebx); out %al, $0x70 */
	api_protected_mode(&m, 0);
	for (i = 1; i < n; i = i < n - 1 && i * 8 >= n ? n - 1 : i * 8) {
		struct kvm_regs regs = { .rip = API_CODE, .rflags = 2,
					 .rbx = 0x100000 + i * API_PAGE };

		*(uint32_t *)page = i;
		must(m.cpu[0], KVM_SET_REGS, &regs, "SET_REGS");
		bad += call(m.cpu[0], KVM_RUN, NULL) || m.run[0]->exit_reason != KVM_EXIT_IO ||
		       *(volatile uint32_t *)page != i + 1;
		if (i == n - 1)
			break;
	}
	is(bad, 0, "the guest finds memory in some of them, in the last, too");
	api_destroy(&m);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	test_large();
	test_slots();
	return tap_done();
}
