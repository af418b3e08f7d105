// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permission tables.  The rules of SDM3 "Determination of Access Rights" are
 * written once, as sets of the rights that refuse an access, and evaluated for
 * every access when the mode changes.  Pure.
 */
#include "perm.h"

/* Sets of rights, where bit n stands for the rights n: those that lack or have one. */
#define LACK_R		0x5555
#define LACK_W		0x3333
#define LACK_X		0x0f0f
#define LACK_U		0x00ff
#define HAVE_U		0xff00

_Static_assert(NST_ACCESS_R == BIT(0) && NST_ACCESS_W == BIT(1) && NST_ACCESS_X == BIT(2) &&
	       NST_ACCESS_U == BIT(3), "the sets count on this order");

/* The rights of EPT-like pages that refuse an access. */
static u16 refuse_rwx(u8 access)
{
	u16 refused = 0;

	if (access & NST_ACCESS_R)
		refused |= LACK_R;
	if (access & NST_ACCESS_W)
		refused |= LACK_W;
	if (access & NST_ACCESS_X)
		refused |= LACK_X;
	return refused;
}

/* The rights of a page that refuse an access. */
static u16 refuse(const struct nst_perm_env *env, u8 access, bool ac)
{
	bool user_access = access & NST_ACCESS_U;
	u16 refused = 0;

	if (user_access)
		refused |= LACK_U;
	if (access & NST_ACCESS_X)
		refused |= LACK_X;
	if ((access & NST_ACCESS_W) && (user_access || env->wp))
		refused |= LACK_W;
	if (user_access)
		return refused;
	/* The supervisor in a user's page. */
	if (access & NST_ACCESS_X)
		return env->smep ? refused | HAVE_U : refused;
	return env->smap && !ac ? refused | HAVE_U : refused;
}

/**
 * nst_perm_build() - evaluate the rules for every access and every page
 * @perm: result
 * @env: the mode
 */
void nst_perm_build(struct nst_perm *perm, const struct nst_perm_env *env)
{
	unsigned int row;

	for (row = 0; row < NST_PERM_ROWS; row++)
		perm->deny[row] = env->rwx ? refuse_rwx(row & 0xf) :
				  refuse(env, row & 0xf, row & NST_PERM_AC);
}

/**
 * nst_pkey_denies() - does a protection key refuse a data access to a user page?
 * @pkru: the PKRU register
 * @key: the page's key, 0 to 15
 * @access: NST_ACCESS_*
 * @wp: CR0.WP
 *
 * SDM3 "Protection Keys".  Fetches are never refused.
 */
bool nst_pkey_denies(u32 pkru, unsigned int key, u8 access, bool wp)
{
	u32 access_disable = BIT(key * 2);
	u32 write_disable = BIT(key * 2 + 1);

	if (access & NST_ACCESS_X)
		return false;
	if (pkru & access_disable)
		return true;
	return (access & NST_ACCESS_W) && (pkru & write_disable) &&
	       ((access & NST_ACCESS_U) || wp);
}
