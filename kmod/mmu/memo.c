// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translations of code addresses that software makes again and again, for each
 * exit of the same instruction.  The entries that a walk read are kept with
 * their values: as long as each still reads the same, so would the walk, and
 * its result is known.
 */
#include "../nestor.h"
#include <linux/uaccess.h>
#include "../memslot.h"
#include "internal.h"

/**
 * nst_memo_note() - a walk that is kept read an entry
 * @memo: where it is kept; NULL: it is not
 * @from: where the entry is
 * @val: what it was
 * @len: its size
 */
void nst_memo_note(struct nst_memo *memo, const void __user *from, u64 val, unsigned int len)
{
	if (!memo)
		return;
	/* Too long a walk, or a short entry: what is kept is not enough. */
	if (memo->nr == NST_MEMO_ENTRIES || len != sizeof(u64)) {
		memo->complete = false;
		return;
	}
	memo->from[memo->nr] = from;
	memo->val[memo->nr] = val;
	memo->nr++;
}

/* Addresses were checked when they were read first. */
static bool unchanged(const struct nst_memo *memo)
{
	unsigned int i;
	u64 val;

	if (!user_read_access_begin(memo->from[0], sizeof(u64)))
		return false;
	for (i = 0; i < memo->nr; i++) {
		unsafe_get_user(val, memo->from[i], changed);
		if (val != memo->val[i])
			goto changed;
	}
	user_read_access_end();
	return true;
changed:
	user_read_access_end();
	return false;
}

static struct nst_memo *memo_of(struct nst_mmu *mmu, u64 gva)
{
	return &mmu->memo[mmu->cur - mmu->context][(gva >> PAGE_SHIFT) % NST_MEMOS];
}

/**
 * nst_mmu_translate_code() - translate the address of an instruction
 * @vcpu: loaded vCPU, srcu held; may sleep
 * @gva: linear address
 * @user: at CPL 3
 * @gpa: result
 *
 * Return: 0; or an error as of nst_mmu_translate(), without what a fault is made of.
 */
int nst_mmu_translate_code(struct nst_vcpu *vcpu, u64 gva, bool user, nst_gpa_t *gpa)
{
	u8 access = NST_ACCESS_X | (user ? NST_ACCESS_U : 0);
	struct nst_memo *memo = memo_of(vcpu->mmu, gva);
	u64 generation = READ_ONCE(nst_memslots(vcpu->vm)->generation);
	struct nst_walk walk;

	nst_mode_update(vcpu);
	if (memo->complete && memo->page == (gva & PAGE_MASK) && memo->access == access &&
	    memo->cr3 == vcpu->st.cr3 && memo->modes == vcpu->mmu->modes &&
	    memo->space == vcpu->space && memo->generation == generation && unchanged(memo)) {
		*gpa = nst_gpa(memo->gpa | offset_in_page(gva));
		return 0;
	}
	memo->nr = 0;
	/* PDPTE registers and the 32-bit address space are left to the walk. */
	memo->complete = vcpu->st.efer & EFER_LMA;
	if (!nst_guest_walk_memo(vcpu, gva, access, &walk, memo)) {
		memo->complete = false;
		return walk.refused ? -EREMOTE : walk.no_memory ? -EIO : -EFAULT;
	}
	*gpa = walk.gpa;
	memo->page = gva & PAGE_MASK;
	memo->access = access;
	memo->cr3 = vcpu->st.cr3;
	memo->modes = vcpu->mmu->modes;
	memo->space = vcpu->space;
	memo->generation = generation;
	memo->gpa = nst_gpa_raw(walk.gpa) & PAGE_MASK;
	memo->complete = memo->complete && memo->nr;
	return 0;
}
