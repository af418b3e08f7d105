// SPDX-License-Identifier: GPL-2.0-only
/* What the guests of ioctl_fuzz run, and what is done to them meanwhile */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "fuzz.h"

/* Operands of MOV to a debug register */
#define TO_DR7	0xf8
#define TO_DR6	0xf0

/* Instructions that leave the guest, or change how it runs, and some that do not */
static const struct {
	uint8_t size, bytes[7];
} insns[] = {
	{ 2, { 0xe4, 0x20 } }, { 2, { 0xe6, 0x20 } }, { 1, { 0xec } }, { 1, { 0xef } },
	{ 2, { 0xf3, 0x6e } }, { 2, { 0xf3, 0x6d } }, { 2, { 0xf3, 0xa4 } }, { 2, { 0xf3, 0xab } },
	{ 2, { 0x0f, 0xa2 } }, { 2, { 0x0f, 0x32 } }, { 2, { 0x0f, 0x30 } }, { 2, { 0x0f, 0x31 } },
	{ 1, { 0xf4 } }, { 1, { 0xfa } }, { 2, { 0xfb, 0x90 } }, { 2, { 0xf3, 0x90 } },
	{ 3, { 0x0f, 0x01, 0xd9 } }, { 3, { 0x0f, 0x01, 0xc1 } }, { 3, { 0x0f, 0x01, 0xd8 } },
	{ 3, { 0x0f, 0x01, 0xda } }, { 3, { 0x0f, 0x01, 0xdc } }, { 3, { 0x0f, 0x01, 0xdd } },
	{ 3, { 0x0f, 0x20, 0xc0 } }, { 3, { 0x0f, 0x22, 0xc0 } }, { 3, { 0x0f, 0x22, 0xd8 } },
	{ 3, { 0x0f, 0x20, 0xe0 } }, { 3, { 0x0f, 0x22, 0xe0 } }, { 3, { 0x0f, 0x23, TO_DR7 } },
	{ 2, { 0xcd, 0x20 } }, { 1, { 0xcc } }, { 1, { 0xcf } }, { 2, { 0x0f, 0x0b } },
	{ 2, { 0x88, 0x07 } }, { 2, { 0x8a, 0x06 } }, { 3, { 0xf0, 0x01, 0x07 } },
	{ 3, { 0x0f, 0x01, 0x3f } }, { 3, { 0x0f, 0x01, 0x17 } }, { 3, { 0x0f, 0x01, 0x1f } },
	{ 3, { 0x0f, 0x00, 0xd8 } }, { 2, { 0x8e, 0xd8 } }, { 2, { 0x8e, 0xd0 } },
	{ 3, { 0x0f, 0x01, 0xf0 } }, { 3, { 0x0f, 0x01, 0xd1 } }, { 3, { 0x0f, 0xae, 0x27 } },
	{ 2, { 0x0f, 0x09 } }, { 2, { 0x0f, 0x05 } }, { 2, { 0x0f, 0x07 } }, { 2, { 0x0f, 0xaa } },
	{ 1, { 0x50 } }, { 1, { 0x58 } }, { 1, { 0x9c } }, { 1, { 0x9d } }, { 1, { 0x60 } },
	{ 2, { 0xeb, 0xfe } }, { 2, { 0xeb, 0x80 } }, { 2, { 0x75, 0xc0 } }, { 1, { 0xcb } },
	{ 5, { 0x0f, 0xc7, 0x0f, 0x90, 0x90 } }, { 3, { 0x0f, 0xc7, 0xf0 } },
	{ 4, { 0x66, 0x0f, 0x7f, 0x07 } }, { 3, { 0x0f, 0xb0, 0x0f } },
};

/* A page of the guest with instructions, some with a number before them */
void plant(struct hand *h, uint32_t at)
{
	uint8_t *p = h->world->page + at, *end = p + 0xff0;
	uint32_t number;

	while (p < end) {
		unsigned int i = below(h, COUNT(insns));

		if (!below(h, 4)) {
			*p++ = 0xb8 + below(h, 8);
			number = below(h, 2) ? interesting(h) : gpa(h) | below(h, 16);
			memcpy(p, &number, 4);
			p += 4;
		}
		memcpy(p, insns[i].bytes, insns[i].size);
		/* QEMU 7.2 ends when a data breakpoint hits while it delivers an event. */
		if (p[2] == TO_DR7 && emulator_is_qemu())
			p[2] = TO_DR6;
		p += insns[i].size;
		if (!below(h, 40))
			p += below(h, 16);
	}
}

static void plant_somewhere(struct hand *h)
{
	plant(h, below(h, TABLES / 0x1000) * 0x1000);
}

static void plant_tables(struct world *w)
{
	uint64_t *table = (uint64_t *)(w->page + TABLES);
	unsigned int i;

	table[0] = (TABLES + 0x1000) | 7;
	table[512] = (TABLES + 0x2000) | 7;
	for (i = 0; i < 512; i++)
		table[1024 + i] = (uint64_t)i << 21 | 0x87;
}

static void flat(struct kvm_segment *seg, uint8_t type, bool wide)
{
	*seg = (struct kvm_segment){
		.limit = 0xffffffff, .selector = type == 11 ? 8 : 16, .type = type, .present = 1,
		.db = !wide, .l = wide, .s = 1, .g = 1,
	};
}

/* Real mode, or 32 or 64 bits, at one of the pages with code */
void set_mode(struct hand *h, int cpu)
{
	struct kvm_regs regs = { .rflags = 2, .rsp = 0x8000 };
	uint32_t mode = below(h, 3);
	struct kvm_sregs sregs;

	if (call(cpu, KVM_GET_SREGS, &sregs))
		return;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (mode) {
		sregs.cr0 |= 1;
		flat(&sregs.cs, 11, mode == 2);
		flat(&sregs.ds, 3, false);
		sregs.es = sregs.ds;
		sregs.ss = sregs.ds;
	}
	if (mode == 2) {
		plant_tables(h->world);
		sregs.cr3 = TABLES;
		sregs.cr4 |= 0x220;
		sregs.cr0 |= 0x80000001;
		sregs.efer |= 0x501;
		if (below(h, 2))
			sregs.efer |= 0x1000;
	}
	call(cpu, KVM_SET_SREGS, &sregs);
	regs.rip = (1 + below(h, mode ? TABLES / 0x1000 - 2 : 14)) * 0x1000;
	plant(h, regs.rip);
	regs.rax = interesting(h);
	regs.rcx = interesting(h);
	regs.rdx = below(h, 0x100);
	regs.rdi = gpa(h);
	regs.rsi = gpa(h);
	call(cpu, KVM_SET_REGS, &regs);
}

/* ---- what else happens meanwhile ---- */

/* The guest's memory goes, comes back, merges, is written by others. */
static void disturb_memory(struct hand *h)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_REMOVE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_MERGEABLE,
		MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, MADV_FREE,
	};
	uint32_t first = below(h, GUEST_MEM / 0x1000), pages = 1 + below(h, 64);
	uint8_t *at = h->world->mem + first * 0x1000;
	size_t size;

	if (first + pages > GUEST_MEM / 0x1000)
		pages = GUEST_MEM / 0x1000 - first;
	size = pages * 0x1000;
	switch (below(h, 8)) {
	case 0:
		mprotect(at, size, below(h, 2) ? PROT_READ : PROT_NONE);
		break;
	case 1:
	case 2:
		mprotect(at, size, PROT_READ | PROT_WRITE);
		break;
	case 3:
		mmap(at, size, PROT_READ | PROT_WRITE,
		     MAP_FIXED | (below(h, 2) ? MAP_SHARED : MAP_PRIVATE), h->world->memory,
		     first * 0x1000);
		break;
	case 4:
		mmap(at, size, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
		break;
	case 5:
		fallocate(h->world->memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  first * 0x1000, size);
		break;
	default:
		madvise(at, size, advice[below(h, COUNT(advice))]);
	}
}

static void disturb_events(struct hand *h)
{
	atomic_int *event = &h->world->event[below(h, EVENTS)];
	uint64_t value = 1;

	switch (below(h, 4)) {
	case 0:
		close(atomic_exchange(event, eventfd(0, EFD_NONBLOCK)));
		break;
	case 1:
		if (read(atomic_load(event), &value, 8) < 0)
			value = 0;
		break;
	default:
		if (write(atomic_load(event), &value, 8) < 0)
			value = 0;
	}
}

/* Pages of a vCPU's file: the run page, port data, rings; and none */
static void disturb_mapping(struct hand *h)
{
	struct file *f = &h->world->file[below(h, FILES)];
	size_t size = 0x1000u << below(h, 4);
	uint8_t *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, atomic_load(&f->fd),
			   below(h, 2) ? 64 * 0x1000 : below(h, 70) * 0x1000);

	if (at == MAP_FAILED)
		return;
	/* Beyond what the file has there is SIGBUS: the kernel writes, and is told so. */
	if (!below(h, 2) && getrandom(at + below(h, size - 64), 64, 0) < 0)
		size += 0;
	munmap(at, size);
}

void disturb(struct hand *h)
{
	switch (below(h, 8)) {
	case 0:
	case 1:
		disturb_events(h);
		break;
	case 2:
		disturb_mapping(h);
		break;
	case 3:
		plant_somewhere(h);
		break;
	case 4:
		noise(h, h->world->page + below(h, GUEST_MEM - 0x100), 0x100);
		break;
	default:
		disturb_memory(h);
	}
}
