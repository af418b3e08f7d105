/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs share that compare our walker with a naive one: memory
 * behind callbacks, a source of random numbers, and the naive CPU in our
 * walker's words. Each of them is one file, so all is static here.
 */
#ifndef WALK_RIG_H
#define WALK_RIG_H

#include <stdlib.h>
#include <string.h>
#include "mmu/walk.h"
#include "naive_walk.h"

/* The guest's memory as our walker sees it. */
struct rig_memory {
	u8 *bytes;
	u64 size;
	/* Called before each compare-and-exchange: another CPU is at work. */
	void (*other_cpu)(u8 *bytes);
	/* Called after one that changed memory. */
	void (*changed)(u64 at);
};

static int rig_read(void *opaque, nst_gpa_t gpa, void *buf, unsigned int len)
{
	const struct rig_memory *mem = opaque;
	u64 at = nst_gpa_raw(gpa);

	if (at >= mem->size || len > mem->size - at)
		return -1;
	memcpy(buf, mem->bytes + at, len);
	return 0;
}

static int rig_cmpxchg(void *opaque, nst_gpa_t gpa, u64 *old, u64 new, unsigned int len)
{
	const struct rig_memory *mem = opaque;
	u64 at = nst_gpa_raw(gpa), now = 0;

	if (at >= mem->size || len > mem->size - at)
		return -1;
	/* The module's compare-and-exchange needs that. */
	if (at & (len - 1))
		abort();
	if (mem->other_cpu)
		mem->other_cpu(mem->bytes);
	memcpy(&now, mem->bytes + at, len);
	if (now != *old) {
		*old = now;
		return 1;
	}
	memcpy(mem->bytes + at, &new, len);
	if (mem->changed)
		mem->changed(at);
	return 0;
}

static u64 rig_random = 88172645463325252ull;

/* Marsaglia, "Xorshift RNGs". */
static inline u64 rnd(void)
{
	rig_random ^= rig_random << 13;
	rig_random ^= rig_random >> 7;
	rig_random ^= rig_random << 17;
	return rig_random;
}

/* True once in @n. */
static inline bool one_in(unsigned int n)
{
	return rnd() % n == 0;
}

static inline u8 rig_access(const struct naive_access *acc)
{
	u8 bits = acc->write ? NST_ACCESS_W : acc->fetch ? NST_ACCESS_X : NST_ACCESS_R;

	return (u8)(bits | (acc->user ? NST_ACCESS_U : 0) |
		    (acc->implicit ? NST_ACCESS_IMPL : 0));
}

static inline void rig_mode(const struct naive_cpu *cpu, struct nst_walk_mode *mode)
{
	static const enum nst_format_id formats[] = {
		[NAIVE_OFF] = NST_FMT_OFF, [NAIVE_32] = NST_FMT_2LEVEL,
		[NAIVE_PAE] = NST_FMT_PAE, [NAIVE_4LEVEL] = NST_FMT_4LEVEL,
		[NAIVE_5LEVEL] = NST_FMT_5LEVEL,
	};
	bool nx = cpu->nxe && cpu->mode >= NAIVE_PAE;
	struct nst_format_env env = {
		.maxphyaddr = cpu->maxphyaddr, .nx = nx, .pse36 = true,
		.gb_pages = cpu->gb_pages, .amd = cpu->amd,
	};
	struct nst_perm_env perm = { .wp = cpu->wp, .smep = cpu->smep, .smap = cpu->smap };

	memset(mode, 0, sizeof(*mode));
	mode->fmt = &nst_formats[formats[cpu->mode]];
	mode->large_levels = mode->fmt->large_levels;
	if (cpu->mode == NAIVE_32 && !cpu->pse)
		mode->large_levels = 0;
	mode->wp = cpu->wp;
	mode->pke = cpu->pke && cpu->mode >= NAIVE_4LEVEL;
	mode->fetch_bit = cpu->smep || nx;
	mode->ad = true;
	nst_format_reserved(mode->fmt, &env, &mode->rsvd);
	nst_perm_build(&mode->perm, &perm);
}

#endif /* WALK_RIG_H */
