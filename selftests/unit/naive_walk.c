// SPDX-License-Identifier: GPL-2.0-only
/*
 * The naive walker.  SDM3 "32-Bit Paging", "PAE Paging", "4-Level Paging and
 * 5-Level Paging", "Determination of Access Rights", "Page-Fault Exceptions",
 * "Accessed and Dirty Flags".  Shares no code with kmod/mmu.
 */
#include <string.h>
#include "naive_walk.h"

#define P	0x1ull
#define RW	0x2ull
#define US	0x4ull
#define A	0x20ull
#define D	0x40ull
#define PS	0x80ull
#define G	0x100ull
#define XD	0x8000000000000000ull

#define PF_P	1u
#define PF_W	2u
#define PF_U	4u
#define PF_RSVD	8u
#define PF_I	16u
#define PF_PK	32u

/* One translation on its way. */
struct trip {
	const struct naive_cpu *cpu;
	const struct naive_access *acc;
	uint8_t *mem;
	uint64_t size;
	unsigned int width;
	bool writable, user, no_exec;
	unsigned int key;
	struct naive_result res;
};

static bool fault(struct trip *t, uint32_t bits)
{
	bool reports_fetch = t->cpu->smep ||
			     (t->cpu->mode != NAIVE_32 && t->cpu->mode != NAIVE_OFF && t->cpu->nxe);

	t->res.ok = false;
	t->res.error_code = bits;
	if (t->acc->write)
		t->res.error_code |= PF_W;
	if (t->acc->user)
		t->res.error_code |= PF_U;
	if (t->acc->fetch && reports_fetch)
		t->res.error_code |= PF_I;
	return false;
}

static bool load(struct trip *t, uint64_t at, uint64_t *entry)
{
	if (at + t->width > t->size) {
		t->res.outside = true;
		return fault(t, 0);
	}
	*entry = 0;
	memcpy(entry, t->mem + at, t->width);
	t->res.where[t->res.used++] = at;
	if (!(*entry & P))
		return fault(t, 0);
	return true;
}

static void narrow(struct trip *t, uint64_t entry)
{
	t->writable &= !!(entry & RW);
	t->user &= !!(entry & US);
	t->no_exec |= t->cpu->nxe && t->width == 8 && (entry & XD);
}

static uint64_t ones(int high, int low)
{
	uint64_t mask = 0;
	int bit;

	for (bit = low; bit <= high; bit++)
		mask |= 1ull << bit;
	return mask;
}

static bool finish(struct trip *t, uint64_t gpa)
{
	const struct naive_cpu *cpu = t->cpu;
	const struct naive_access *acc = t->acc;
	bool key_off = t->cpu->pkru >> (2 * t->key) & 1;
	bool key_ro = t->cpu->pkru >> (2 * t->key + 1) & 1;
	uint32_t pk = 0;
	int i;

	/* Bit PK tells of the key whatever else the access may not do. */
	if (cpu->pke && cpu->mode >= NAIVE_4LEVEL && t->user && !acc->fetch) {
		if (key_off || (acc->write && key_ro && (acc->user || cpu->wp)))
			pk = PF_PK;
	}
	if (acc->user) {
		if (!t->user)
			return fault(t, PF_P | pk);
		if (acc->write && !t->writable)
			return fault(t, PF_P | pk);
		if (acc->fetch && t->no_exec)
			return fault(t, PF_P | pk);
	} else if (acc->fetch) {
		if (t->no_exec)
			return fault(t, PF_P | pk);
		if (t->user && cpu->smep)
			return fault(t, PF_P | pk);
	} else {
		if (acc->write && cpu->wp && !t->writable)
			return fault(t, PF_P | pk);
		if (t->user && cpu->smap && (acc->implicit || !cpu->ac))
			return fault(t, PF_P | pk);
	}
	if (pk)
		return fault(t, PF_P | pk);
	for (i = 0; i < t->res.used && !cpu->dry; i++) {
		t->mem[t->res.where[i]] |= A;
		if (i == t->res.used - 1 && acc->write)
			t->mem[t->res.where[i]] |= D;
	}
	t->res.ok = true;
	t->res.gpa = gpa;
	return true;
}

static bool walk_32(struct trip *t)
{
	uint64_t la = (uint32_t)t->acc->addr, e, reserved = 1ull << 21;
	int bit;

	if (!load(t, (t->cpu->cr3 & 0xfffff000) + (la >> 22) * 4, &e))
		return false;
	if (t->cpu->pse && (e & PS)) {
		/* Bits 20:13 stand for address bits 39:32. */
		for (bit = 32; bit < 40; bit++)
			if (bit >= (int)t->cpu->maxphyaddr)
				reserved |= 1ull << (bit - 32 + 13);
		if (e & reserved)
			return fault(t, PF_P | PF_RSVD);
		narrow(t, e);
		return finish(t, (e & 0xffc00000) | ((e >> 13 & 0xff) << 32) | (la & 0x3fffff));
	}
	narrow(t, e);
	if (!load(t, (e & 0xfffff000) + (la >> 12 & 0x3ff) * 4, &e))
		return false;
	narrow(t, e);
	return finish(t, (e & 0xfffff000) | (la & 0xfff));
}

/* Reserved bits of every 8-byte entry in memory. */
static uint64_t reserved_64(struct trip *t)
{
	uint64_t mask = ones(51, t->cpu->maxphyaddr);

	if (!t->cpu->nxe)
		mask |= XD;
	if (t->cpu->mode == NAIVE_PAE)
		mask |= ones(62, 52);
	return mask;
}

static bool low_levels(struct trip *t, uint64_t directory)
{
	uint64_t la = t->acc->addr, addr = ones(51, 12), e;

	if (!load(t, directory + (la >> 21 & 0x1ff) * 8, &e))
		return false;
	if (e & reserved_64(t))
		return fault(t, PF_P | PF_RSVD);
	if (e & PS) {
		if (e & ones(20, 13))
			return fault(t, PF_P | PF_RSVD);
		narrow(t, e);
		t->key = e >> 59 & 15;
		return finish(t, (e & ones(51, 21)) | (la & 0x1fffff));
	}
	narrow(t, e);
	if (!load(t, (e & addr) + (la >> 12 & 0x1ff) * 8, &e))
		return false;
	if (e & reserved_64(t))
		return fault(t, PF_P | PF_RSVD);
	narrow(t, e);
	t->key = e >> 59 & 15;
	return finish(t, (e & addr) | (la & 0xfff));
}

static bool walk_pae(struct trip *t)
{
	uint64_t e = t->cpu->pdpte[(uint32_t)t->acc->addr >> 30];

	if (!(e & P))
		return fault(t, 0);
	return low_levels(t, e & ones(51, 12));
}

static bool walk_long(struct trip *t, bool five)
{
	uint64_t la = t->acc->addr, table = t->cpu->cr3 & ones(51, 12), e;
	int shift;

	for (shift = five ? 48 : 39; shift >= 30; shift -= 9) {
		if (!load(t, table + (la >> shift & 0x1ff) * 8, &e))
			return false;
		if (e & reserved_64(t))
			return fault(t, PF_P | PF_RSVD);
		if (shift > 30 && (e & PS))
			return fault(t, PF_P | PF_RSVD);
		if (shift == 30 && (e & PS)) {
			if (!t->cpu->gb_pages || (e & ones(29, 13)))
				return fault(t, PF_P | PF_RSVD);
			narrow(t, e);
			t->key = e >> 59 & 15;
			return finish(t, (e & ones(51, 30)) | (la & 0x3fffffff));
		}
		if (t->cpu->amd && (e & G))
			return fault(t, PF_P | PF_RSVD);
		narrow(t, e);
		table = e & ones(51, 12);
	}
	return low_levels(t, table);
}

struct naive_result naive_walk(const struct naive_cpu *cpu, const struct naive_access *acc,
			       uint8_t *mem, uint64_t size)
{
	struct trip t = {
		.cpu = cpu, .acc = acc, .mem = mem, .size = size,
		.width = cpu->mode == NAIVE_32 ? 4 : 8,
		.writable = true, .user = true,
	};

	switch (cpu->mode) {
	case NAIVE_OFF:
		t.res.ok = true;
		t.res.gpa = acc->addr;
		break;
	case NAIVE_32:
		walk_32(&t);
		break;
	case NAIVE_PAE:
		walk_pae(&t);
		break;
	case NAIVE_4LEVEL:
	case NAIVE_5LEVEL:
		walk_long(&t, cpu->mode == NAIVE_5LEVEL);
		break;
	}
	return t.res;
}
