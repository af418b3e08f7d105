// SPDX-License-Identifier: GPL-2.0-only
/*
 * The naive two-stage walker.  SDM3 "EPT Translation Mechanism", "EPT
 * Violations", "EPT Misconfigurations", "Accessed and Dirty Flags for EPT";
 * APM2 "Nested Paging".  Shares no code with kmod/mmu.
 */
#include <string.h>
#include "naive_both.h"

static uint64_t bits(int high, int low)
{
	uint64_t mask = 0;
	int bit;

	for (bit = low; bit <= high; bit++)
		mask |= 1ull << bit;
	return mask;
}

static bool get(const struct naive_memory *mem, uint64_t at, unsigned int width, uint64_t *entry)
{
	*entry = 0;
	if (at + width > mem->size || at + width < at)
		return false;
	memcpy(entry, mem->bytes + at, width);
	return true;
}

/* The second stage says no. */
static bool refuse(struct naive_both_result *res, uint64_t addr, unsigned int want,
		   unsigned int rights, bool present, bool malformed)
{
	memset(res, 0, sizeof(*res));
	res->refused = true;
	res->addr = addr;
	res->access = want;
	res->rights = present ? rights : 0;
	res->present = present;
	res->malformed = malformed;
	return false;
}

static bool ept(const struct naive_second *s, const struct naive_memory *mem, uint64_t addr,
		unsigned int want, bool dry, struct naive_both_result *res)
{
	int level = s->kind == NAIVE_EPT5 ? 5 : 4, used = 0, i;
	uint64_t table = s->root & bits(51, 12), e, where[5];
	unsigned int rights = NAIVE_R | NAIVE_W | NAIVE_X;
	bool leaf;

	if (addr >> (level == 5 ? 57 : 48))
		return refuse(res, addr, want, 0, false, false);
	for (;; level--) {
		int shift = 12 + 9 * (level - 1);
		unsigned int xwr, type;
		uint64_t at = table + (addr >> shift & 0x1ff) * 8;

		if (!get(mem, at, 8, &e) || !(e & 7))
			return refuse(res, addr, want, 0, false, false);
		leaf = level == 1 || (level <= 3 && (e & 0x80));
		xwr = e & 7;
		type = e >> 3 & 7;
		if (xwr == 2 || xwr == 6 || (xwr == 4 && !s->exec_only))
			return refuse(res, addr, want, rights, true, true);
		if (e & bits(51, s->maxphyaddr))
			return refuse(res, addr, want, rights, true, true);
		if (!leaf && (e & bits(level >= 4 ? 7 : 6, 3)))
			return refuse(res, addr, want, rights, true, true);
		if (leaf && (type == 2 || type == 3 || type == 7))
			return refuse(res, addr, want, rights, true, true);
		if (leaf && level > 1 && (e & bits(shift - 1, 12)))
			return refuse(res, addr, want, rights, true, true);
		rights &= xwr;
		where[used++] = at;
		if (leaf)
			break;
		table = e & bits(51, 12);
	}
	if (want & ~rights)
		return refuse(res, addr, want, rights, true, false);
	for (i = 0; i < used && s->ad && !dry; i++) {
		mem->bytes[where[i] + 1] |= 1;
		if (i == used - 1 && (want & NAIVE_W))
			mem->bytes[where[i] + 1] |= 2;
	}
	memset(res, 0, sizeof(*res));
	res->ok = true;
	res->addr = (e & bits(51, 12 + 9 * (level - 1))) |
		    (addr & (bits(12 + 9 * (level - 1) - 1, 0)));
	return true;
}

/* One NPT walk on its way: accumulated rights, and entries used. */
struct npt {
	const struct naive_second *s;
	const struct naive_memory *mem;
	uint64_t addr;
	unsigned int want, width;
	bool dry, writable, user, nx;
	uint64_t where[5];
	int used;
	struct naive_both_result *res;
};

static unsigned int npt_rights(const struct npt *n)
{
	return NAIVE_R | (n->writable ? NAIVE_W : 0) | (n->nx ? 0 : NAIVE_X);
}

static bool npt_reserved(struct npt *n)
{
	return refuse(n->res, n->addr, n->want, npt_rights(n), true, true);
}

static bool npt_finish(struct npt *n, uint64_t result)
{
	bool bad = !n->user || ((n->want & NAIVE_W) && !n->writable) ||
		   ((n->want & NAIVE_X) && n->nx);
	int i;

	if (bad)
		return refuse(n->res, n->addr, n->want, npt_rights(n), true, false);
	for (i = 0; i < n->used && !n->dry; i++) {
		n->mem->bytes[n->where[i]] |= 0x20;
		if (i == n->used - 1 && (n->want & NAIVE_W))
			n->mem->bytes[n->where[i]] |= 0x40;
	}
	memset(n->res, 0, sizeof(*n->res));
	n->res->ok = true;
	n->res->addr = result;
	return true;
}

/* An entry in memory: read, present?  Else the walk ends. */
static bool npt_entry(struct npt *n, uint64_t at, uint64_t *e)
{
	if (!get(n->mem, at, n->width, e) || !(*e & 1))
		return refuse(n->res, n->addr, n->want, 0, false, false);
	n->where[n->used++] = at;
	return true;
}

static void npt_narrow(struct npt *n, uint64_t e)
{
	n->writable &= !!(e & 2);
	n->user &= !!(e & 4);
	n->nx |= n->width == 8 && n->s->nxe && e >> 63;
}

static bool npt32(struct npt *n)
{
	uint64_t e, reserved = 1ull << 21;
	int bit;

	if (!npt_entry(n, (n->s->root & 0xfffff000) + (n->addr >> 22) * 4, &e))
		return false;
	if (n->s->pse && (e & 0x80)) {
		for (bit = 32; bit < 40; bit++)
			if (bit >= (int)n->s->maxphyaddr)
				reserved |= 1ull << (bit - 19);
		if (e & reserved)
			return npt_reserved(n);
		npt_narrow(n, e);
		return npt_finish(n, (e & 0xffc00000) | ((e >> 13 & 0xff) << 32) |
				  (n->addr & 0x3fffff));
	}
	npt_narrow(n, e);
	if (!npt_entry(n, (e & 0xfffff000) + (n->addr >> 12 & 0x3ff) * 4, &e))
		return false;
	npt_narrow(n, e);
	return npt_finish(n, (e & 0xfffff000) | (n->addr & 0xfff));
}

static bool npt64(struct npt *n, int level)
{
	uint64_t table = n->s->root & bits(51, 12), e;
	bool pae = n->s->kind == NAIVE_NPTPAE;

	if (pae)
		table = n->s->root & 0xffffffe0;
	for (;; level--) {
		int shift = 12 + 9 * (level - 1);
		bool pdpte = pae && level == 3;
		bool leaf;

		if (!npt_entry(n, table + (n->addr >> shift & (pdpte ? 3 : 0x1ff)) * 8, &e))
			return false;
		leaf = level == 1 || (level <= 3 && !pdpte && (e & 0x80));
		if (e & bits(51, n->s->maxphyaddr))
			return npt_reserved(n);
		if (!n->s->nxe && e >> 63)
			return npt_reserved(n);
		if (pae && (e & bits(62, 52)))
			return npt_reserved(n);
		if (pdpte && (e & bits(63, 52)))
			return npt_reserved(n);
		if (level >= 4 && (e & 0x80))
			return npt_reserved(n);
		if (!pae && level == 3 && leaf && !n->s->gb_pages)
			return npt_reserved(n);
		if (!pae && level >= 3 && !leaf && n->s->amd && (e & 0x100))
			return npt_reserved(n);
		if (leaf && level > 1 && (e & bits(shift - 1, 13)))
			return npt_reserved(n);
		if (pdpte)
			n->used--;
		else
			npt_narrow(n, e);
		if (leaf)
			return npt_finish(n, (e & bits(51, shift)) |
					  (n->addr & bits(shift - 1, 0)));
		table = e & bits(51, 12);
	}
}

bool naive_second(const struct naive_second *s, const struct naive_memory *mem, uint64_t addr,
		  unsigned int want, bool dry, struct naive_both_result *res)
{
	struct npt n = {
		.s = s, .mem = mem, .addr = addr, .want = want, .dry = dry, .res = res,
		.width = s->kind == NAIVE_NPT32 ? 4 : 8, .writable = true, .user = true,
	};
	static const int widths[] = { 0, 0, 32, 32, 48, 57 };

	if (s->kind <= NAIVE_EPT5)
		return ept(s, mem, addr, want, dry, res);
	if (addr >> widths[s->kind])
		return refuse(res, addr, want, 0, false, false);
	if (s->kind == NAIVE_NPT32)
		return npt32(&n);
	return npt64(&n, s->kind - NAIVE_NPTPAE + 3);
}

static void page_fault(struct naive_both_result *res, const struct naive_first *f, uint32_t why,
		       unsigned int want, bool user)
{
	memset(res, 0, sizeof(*res));
	res->error_code = why | (want & NAIVE_W ? 2 : 0) | (user ? 4 : 0);
	if (f->nxe && (want & NAIVE_X))
		res->error_code |= 16;
}

void naive_both(const struct naive_first *f, const struct naive_second *s,
		const struct naive_memory *mem, uint64_t la, unsigned int want, bool user,
		struct naive_both_result *res)
{
	/* To read a table is to write it, where the second stage keeps track. */
	unsigned int look = s->kind > NAIVE_EPT5 || s->ad ? NAIVE_R | NAIVE_W : NAIVE_R;
	uint64_t table = f->cr3 & bits(51, 12), e, addr[5], value[5];
	bool writable = true, for_user = true, nx = false, leaf;
	int level = f->five ? 5 : 4, used = 0, i, shift;

	for (;; level--) {
		shift = 12 + 9 * (level - 1);
		addr[used] = table + (la >> shift & 0x1ff) * 8;
		if (!naive_second(s, mem, addr[used], look, false, res)) {
			res->in_table = true;
			return;
		}
		if (!get(mem, res->addr, 8, &e) || !(e & 1)) {
			page_fault(res, f, 0, want, user);
			return;
		}
		value[used++] = e;
		leaf = level == 1 || (level <= 3 && (e & 0x80));
		if ((e & bits(51, f->maxphyaddr)) || (!f->nxe && e >> 63) ||
		    (level >= 4 && (e & 0x80)) ||
		    (leaf && level > 1 && (e & bits(shift - 1, 13)))) {
			page_fault(res, f, 1 | 8, want, user);
			return;
		}
		writable &= !!(e & 2);
		for_user &= !!(e & 4);
		nx |= f->nxe && e >> 63;
		if (leaf)
			break;
		table = e & bits(51, 12);
	}
	if ((user && !for_user) || ((want & NAIVE_X) && nx) ||
	    ((want & NAIVE_W) && !writable && (user || f->wp))) {
		page_fault(res, f, 1, want, user);
		return;
	}
	for (i = 0; i < used; i++) {
		uint8_t set = 0x20 | (i == used - 1 && (want & NAIVE_W) ? 0x40 : 0);

		if ((value[i] & set) == set)
			continue;
		if (!naive_second(s, mem, addr[i], NAIVE_R | NAIVE_W, false, res)) {
			res->in_table = true;
			return;
		}
		mem->bytes[res->addr] |= set;
	}
	naive_second(s, mem, (e & bits(51, shift)) | (la & bits(shift - 1, 0)), want, false, res);
}
