// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log: which pages of a slot were written since userspace last
 * asked.  A bit is taken, then its page write-protected, so that a later write
 * faults and sets the bit again; TLBs are flushed before userspace hears of it.
 * Where hardware lists the pages whose dirty bits it sets, that bit is cleared
 * instead, and no write faults.
 */
#include "nestor.h"
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include "memslot.h"
#include "mmu/mmu.h"
#include "vcpu.h"

#define LOG_WORD_PAGES		64ull

/**
 * nst_dirty_log_writes() - see backend.h
 * @vcpu: the vCPU, just back from the guest; irqs off
 * @gpas: guest-physical addresses
 * @nr: how many
 */
void nst_dirty_log_writes(struct nst_vcpu *vcpu, const u64 *gpas, unsigned int nr)
{
	int idx = srcu_read_lock(&vcpu->vm->srcu);
	struct nst_memslot *slot;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		slot = nst_memslot_find(vcpu->vm, vcpu->space, gpas[i] >> PAGE_SHIFT);
		if (slot)
			nst_memslot_mark_dirty(vcpu->vm, slot, gpas[i] >> PAGE_SHIFT);
	}
	srcu_read_unlock(&vcpu->vm->srcu, idx);
}

/* The log of a slot.  slots_lock held. */
static struct nst_memslot *logged_slot(struct nst_vm *vm, u32 id)
{
	struct nst_memslot *slot;

	lockdep_assert_held(&vm->slots_lock);
	if (vm->dirty_ring_entries)
		return ERR_PTR(-ENXIO);
	if (!nst_slot_id_valid(id))
		return ERR_PTR(-EINVAL);
	slot = xa_load(&nst_memslots(vm)->by_id, id);
	if (!slot || !slot->dirty_bitmap)
		return ERR_PTR(-ENOENT);
	return slot;
}

static size_t log_words(const struct nst_memslot *slot)
{
	return DIV_ROUND_UP(slot->npages, LOG_WORD_PAGES);
}

/* Write-protects the pages of the bits in @mask, counted from @gfn. */
static bool protect_mask(struct nst_vm *vm, struct nst_memslot *slot, u64 gfn,
			 unsigned long mask)
{
	unsigned int first, last;
	bool flush = false;

	while (mask) {
		first = __ffs(mask);
		last = ~(mask >> first) ? first + ffz(mask >> first) : LOG_WORD_PAGES;
		flush |= nst_mmu_write_protect(vm, slot, gfn + first, gfn + last);
		mask &= last < LOG_WORD_PAGES ? ~0ul << last : 0;
	}
	return flush;
}

/*
 * Clears the bits of @want in log word @i and protects their pages.  The bits
 * go first: a page that is written after its protection sets its bit anew, and
 * one written before is in what this call reports.
 */
static unsigned long take_word(struct nst_vm *vm, struct nst_memslot *slot, size_t i,
			       unsigned long want, bool *flush)
{
	atomic_long_t *word = (atomic_long_t *)&slot->dirty_bitmap[i];
	unsigned long taken = atomic_long_fetch_andnot(want, word) & want;

	if (taken)
		*flush |= protect_mask(vm, slot, slot->base_gfn + i * LOG_WORD_PAGES, taken);
	return taken;
}

static int get_log_locked(struct nst_vm *vm, const struct kvm_dirty_log *log)
{
	struct nst_memslot *slot = logged_slot(vm, log->slot);
	unsigned long *copy;
	bool manual = nst_memslots(vm)->dirty_log_flags;
	bool flush = false;
	size_t i, words;
	int ret = 0;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	nst_mmu_log_collect(vm);
	words = log_words(slot);
	copy = kvcalloc(words, sizeof(*copy), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;

	for (i = 0; i < words; i++) {
		unsigned long bits = READ_ONCE(slot->dirty_bitmap[i]);

		if (bits && !manual)
			bits = take_word(vm, slot, i, ~0ul, &flush);
		copy[i] = bits;
		cond_resched();
	}
	if (flush)
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);

	if (copy_to_user(log->dirty_bitmap, copy, words * sizeof(*copy))) {
		/* Nobody heard of these pages: they are still dirty. */
		for (i = 0; i < words && !manual; i++)
			atomic_long_or(copy[i], (atomic_long_t *)&slot->dirty_bitmap[i]);
		ret = -EFAULT;
	}
	kvfree(copy);
	return ret;
}

/**
 * nst_get_dirty_log() - KVM_GET_DIRTY_LOG
 * @vm: the VM
 * @log: slot and userspace's buffer
 *
 * Context: takes slots_lock.
 *
 * Return: 0, -EINVAL, -ENOENT (no such slot, or it is not logged), -ENXIO (there
 * are rings instead), -ENOMEM, -EFAULT.
 */
int nst_get_dirty_log(struct nst_vm *vm, const struct kvm_dirty_log *log)
{
	int ret;

	mutex_lock(&vm->slots_lock);
	ret = get_log_locked(vm, log);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

static int clear_log_locked(struct nst_vm *vm, const struct kvm_clear_dirty_log *log)
{
	struct nst_memslot *slot = logged_slot(vm, log->slot);
	size_t i, first, words;
	unsigned long *want;
	bool flush = false;

	if (log->first_page % LOG_WORD_PAGES)
		return -EINVAL;
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (log->first_page > slot->npages ||
	    log->num_pages > slot->npages - log->first_page)
		return -EINVAL;
	if (log->num_pages % LOG_WORD_PAGES &&
	    log->first_page + log->num_pages != slot->npages)
		return -EINVAL;
	if (!log->num_pages)
		return 0;

	first = log->first_page / LOG_WORD_PAGES;
	words = DIV_ROUND_UP(log->num_pages, LOG_WORD_PAGES);
	want = kvcalloc(words, sizeof(*want), GFP_KERNEL_ACCOUNT);
	if (!want)
		return -ENOMEM;
	if (copy_from_user(want, log->dirty_bitmap, words * sizeof(*want))) {
		kvfree(want);
		return -EFAULT;
	}
	for (i = 0; i < words; i++) {
		if (want[i])
			take_word(vm, slot, first + i, want[i], &flush);
		cond_resched();
	}
	kvfree(want);
	if (flush)
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
	return 0;
}

/**
 * nst_clear_dirty_log() - KVM_CLEAR_DIRTY_LOG
 * @vm: the VM
 * @log: slot, range of pages and the bits to clear
 *
 * Context: takes slots_lock.
 *
 * Return: as nst_get_dirty_log(); -EINVAL also for a range that is not made of
 * whole words of the log, or not in the slot.
 */
int nst_clear_dirty_log(struct nst_vm *vm, const struct kvm_clear_dirty_log *log)
{
	int ret;

	mutex_lock(&vm->slots_lock);
	ret = clear_log_locked(vm, log);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

/**
 * nst_set_manual_dirty_log() - KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
 * @vm: the VM
 * @flags: KVM_DIRTY_LOG_*; 0: off again
 *
 * Logs that exist keep their bits.
 *
 * Context: takes slots_lock.
 *
 * Return: 0, or -EINVAL for unknown flags, or for logs that begin with all
 * bits set without the manual protection that this needs.
 */
int nst_set_manual_dirty_log(struct nst_vm *vm, u64 flags)
{
	if (flags & ~(u64)NST_DIRTY_LOG_FLAGS)
		return -EINVAL;
	if (flags && !(flags & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	nst_memslots(vm)->dirty_log_flags = flags;
	mutex_unlock(&vm->slots_lock);
	return 0;
}
