/* SPDX-License-Identifier: GPL-2.0-only */
/* Permission answers by table: one bit test for each access. */
#ifndef NST_MMU_PERM_H
#define NST_MMU_PERM_H

#include "../pure.h"
#include "../x86.h"
#include "../exit.h"

/* RFLAGS.AC lifts SMAP for this access: fifth bit of the table's index. */
#define NST_PERM_AC		BIT(4)
#define NST_PERM_ROWS		32

/**
 * struct nst_perm - which accesses a page's rights refuse
 * @deny: row: NST_ACCESS_RWXU of the access, and NST_PERM_AC; bit: NST_ACCESS_RWXU
 *	of the page.  Set: refused.
 */
struct nst_perm {
	u16 deny[NST_PERM_ROWS];
};

/* What the rules depend on. */
struct nst_perm_env {
	bool rwx;	/* EPT-like: only R, W and X of the page count */
	bool wp;	/* CR0.WP */
	bool smep;
	bool smap;
};

void nst_perm_build(struct nst_perm *perm, const struct nst_perm_env *env);
bool nst_pkey_denies(u32 pkru, unsigned int key, u8 access, bool wp);

/**
 * nst_perm_denies() - does a page refuse an access?
 * @perm: table of the current mode
 * @rights: NST_ACCESS_* that the page grants
 * @access: NST_ACCESS_* wanted
 * @ac: RFLAGS.AC is set
 *
 * An implicit supervisor access (NST_ACCESS_IMPL) ignores AC.
 */
static inline bool nst_perm_denies(const struct nst_perm *perm, u8 rights, u8 access, bool ac)
{
	unsigned int row = access & 0xf;

	if (ac && !(access & NST_ACCESS_IMPL))
		row |= NST_PERM_AC;
	return perm->deny[row] & BIT(rights & 0xf);
}

#endif /* NST_MMU_PERM_H */
