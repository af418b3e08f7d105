// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permission tables.  The rules of SDM3 "Determination of Access Rights" are
 * written once, as a predicate, and evaluated for every combination when the
 * mode changes.  Pure.
 */
#include "perm.h"

static bool refuses(const struct nst_perm_env *env, u8 rights, u8 access, bool ac)
{
	bool user_access = access & NST_ACCESS_U;
	bool user_page = rights & NST_ACCESS_U;

	if (env->rwx)
		return access & ~rights & (NST_ACCESS_R | NST_ACCESS_W | NST_ACCESS_X);

	if (user_access && !user_page)
		return true;
	if ((access & NST_ACCESS_X) && !(rights & NST_ACCESS_X))
		return true;
	if ((access & NST_ACCESS_W) && !(rights & NST_ACCESS_W) && (user_access || env->wp))
		return true;
	if (user_access || !user_page)
		return false;
	if (access & NST_ACCESS_X)
		return env->smep;
	return env->smap && !ac;
}

/**
 * nst_perm_build() - evaluate the rules for every access and every page
 * @perm: result
 * @env: the mode
 */
void nst_perm_build(struct nst_perm *perm, const struct nst_perm_env *env)
{
	unsigned int row, rights;

	for (row = 0; row < NST_PERM_ROWS; row++) {
		perm->deny[row] = 0;
		for (rights = 0; rights < 16; rights++) {
			if (refuses(env, rights, row & 0xf, row & NST_PERM_AC))
				perm->deny[row] |= BIT(rights);
		}
	}
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
