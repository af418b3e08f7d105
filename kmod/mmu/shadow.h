/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the two halves of shadow paging: root.c says what is shadowed and
 * where a walk begins, shadow.c makes and fills the tables.
 */
#ifndef NST_MMU_SHADOW_H
#define NST_MMU_SHADOW_H

#include "internal.h"

/**
 * struct nst_source - the guest tables that the current context's root shadows
 * @mode: how they are read
 * @base: what the roles of all their shadows have in common
 * @root: CR3, or root of L1's second stage
 * @anchor: for those of their shadows that need one
 */
struct nst_source {
	const struct nst_walk_mode *mode;
	union nst_role base;
	u64 root;
	u64 anchor;
};

/* A merged table of PAE needs its anchor only above the directories. */
static inline u64 nst_anchor_of(const struct nst_source *src, union nst_role role)
{
	return role.merged && role.level <= NST_LEVEL_2M ? 0 : src->anchor;
}

/* ---- root.c ---- */
void nst_current_source(const struct nst_vcpu *vcpu, struct nst_source *src);
bool nst_root_fits(const struct nst_paging *paging, const struct nst_source *src);

/* ---- shadow.c ---- */
struct nst_table *nst_shadow_get(struct nst_vcpu *vcpu, u64 gfn, union nst_role role,
				 u64 anchor);
void nst_shadow_link(struct nst_vcpu *vcpu, struct nst_table *table, unsigned int index,
		     struct nst_table *child);
void nst_shadow_shrink(struct nst_vm *vm, struct list_head *dead);

#endif /* NST_MMU_SHADOW_H */
