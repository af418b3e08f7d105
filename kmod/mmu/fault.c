// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a guest frame to a host page: slot, user address, host page, and how
 * large a translation may be.  The page is not kept pinned.  What protects a
 * translation is the notifier: nst_fault_stale() refuses a page whose address
 * was invalidated since the lookup began.
 */
#include "../nestor.h"
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/swap.h>
#include <asm/e820/api.h>
#include "../compat.h"
#include "internal.h"

/* Cacheable memory, in contrast to a device's or to a hole. */
static bool pfn_is_ram(u64 pfn)
{
	if (pfn_valid(pfn) && !PageReserved(pfn_to_page(pfn)))
		return true;
	return is_zero_pfn(pfn) ||
	       e820__mapped_raw_any(PFN_PHYS(pfn), PFN_PHYS(pfn) + 1, E820_TYPE_RAM);
}

/* -EAGAIN: it has to be fetched first, which has begun if the host can do that. */
static int take_page_nowait(struct nst_fault *fault, struct page **page)
{
	bool write = fault->access & NST_ACCESS_W;
	unsigned int flags = write ? FOLL_WRITE : 0;
	long ret;

	if (!(fault->slot->flags & KVM_MEM_READONLY) &&
	    get_user_pages_fast_only(fault->hva, 1, FOLL_WRITE, page) == 1) {
		fault->writable = true;
		return 0;
	}
	fault->writable = write;
	if (!write && get_user_pages_fast_only(fault->hva, 1, 0, page) == 1)
		return 0;
	ret = get_user_pages_unlocked(fault->hva, 1, page, flags | FOLL_NOWAIT);
	if (ret == 1)
		return 0;
	return ret ? -EFAULT : -EAGAIN;
}

/*
 * Takes a page for writing if that was asked for, else for reading with the
 * question whether it happens to be writable, too.
 */
static int take_page(struct nst_fault *fault, struct page **page)
{
	int ret;

	if (fault->nowait)
		return take_page_nowait(fault, page);
	if (fault->access & NST_ACCESS_W) {
		ret = get_user_pages_fast(fault->hva, 1, FOLL_WRITE, page);
		fault->writable = true;
		return ret == 1 ? 0 : -EFAULT;
	}
	/* Mostly the host can write it already, and one look tells all. */
	if (!(fault->slot->flags & KVM_MEM_READONLY) &&
	    get_user_pages_fast_only(fault->hva, 1, FOLL_WRITE, page) == 1) {
		fault->writable = true;
		return 0;
	}
	return get_user_pages_fast(fault->hva, 1, 0, page) == 1 ? 0 : -EFAULT;
}

/*
 * Gives the page back.  It is marked dirty now, for from now on the guest can
 * write it; before the kernel may call it clean it has to unmap or protect it,
 * which the notifier turns into a zap.
 */
static void release_page(struct nst_fault *fault, struct page *page)
{
	if (!PageReserved(page)) {
		if (fault->writable && !PageDirty(compound_head(page)))
			set_page_dirty_lock(page);
		mark_page_accessed(page);
	}
	put_page(page);
}

/* Device memory that userspace mapped, with no struct page to hold. */
static int device_pfn(struct nst_fault *fault)
{
	struct mm_struct *mm = current->mm;
	unsigned long pfn;
	struct vm_area_struct *vma;
	bool write = fault->access & NST_ACCESS_W;
	int ret = -EFAULT;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, fault->hva);
	if (!vma || !(vma->vm_flags & (VM_IO | VM_PFNMAP)))
		goto out;
	if (write && !(vma->vm_flags & VM_WRITE))
		goto out;

	ret = nst_host_pfn(vma, fault->hva, &pfn, &fault->writable);
	if (ret || (write && !fault->writable)) {
		ret = fixup_user_fault(mm, fault->hva, write ? FAULT_FLAG_WRITE : 0, NULL);
		if (!ret)
			ret = nst_host_pfn(vma, fault->hva, &pfn, &fault->writable);
	}
	if (!ret && write && !fault->writable)
		ret = -EFAULT;
	if (!ret)
		fault->pfn = pfn;
out:
	mmap_read_unlock(mm);
	return ret;
}

/*
 * The level at which the host itself maps an address.  Interrupts are off,
 * which keeps its tables from being freed under us, as for any lockless walk.
 */
static unsigned int host_level(struct mm_struct *mm, unsigned long hva)
{
	unsigned int level = NST_LEVEL_4K;
	unsigned long flags;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	local_irq_save(flags);
	pgd = READ_ONCE(*pgd_offset(mm, hva));
	if (pgd_none(pgd))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		level = NST_LEVEL_1G;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (!pmd_none(pmd) && pmd_present(pmd) && pmd_leaf(pmd))
		level = NST_LEVEL_2M;
out:
	local_irq_restore(flags);
	return level;
}

/* May a page of @level at @gfn lie in the slot, and is it aligned in both? */
static bool slot_allows(const struct nst_memslot *slot, u64 gfn, unsigned int level)
{
	u64 pages = 1ull << ((level - 1) * 9);
	u64 first = gfn & ~(pages - 1);

	if ((slot->base_gfn ^ (slot->userspace_addr >> PAGE_SHIFT)) & (pages - 1))
		return false;
	return first >= slot->base_gfn && first + pages <= slot->base_gfn + slot->npages;
}

/* Would a page of @level map a hidden one? */
static bool hides_part(struct nst_vm *vm, const struct nst_fault *fault, unsigned int level)
{
	u64 pages = 1ull << ((level - 1) * 9);

	return nst_gfns_hidden(vm, fault->space, fault->gfn & ~(pages - 1), pages);
}

static unsigned int fault_level(struct nst_vm *vm, const struct nst_fault *fault)
{
	unsigned int level;

	/* A log has one bit for 4 KiB. */
	if (fault->slot->dirty_bitmap || fault->max_level == NST_LEVEL_4K)
		return NST_LEVEL_4K;
	level = host_level(current->mm, fault->hva);
	if (level == NST_LEVEL_1G && !nst_caps.tdp_1g)
		level = NST_LEVEL_2M;
	while (level > NST_LEVEL_4K && !slot_allows(fault->slot, fault->gfn, level))
		level--;
	while (level > NST_LEVEL_4K && hides_part(vm, fault, level))
		level--;
	return level;
}

static enum nst_fault_result look_up(struct nst_vcpu *vcpu, struct nst_fault *fault)
{
	struct nst_vm *vm = vcpu->vm;
	struct nst_memslots *slots = nst_memslots(vm);
	struct page *page;
	int ret;

	fault->generation = READ_ONCE(slots->generation);
	fault->inval_seq = READ_ONCE(slots->inval_seq);
	/* Pairs with the writers' mmu_lock: whatever we look at is newer. */
	smp_rmb();

	fault->slot = nst_vcpu_memslot(vcpu, fault->gfn);
	if (!fault->slot)
		return NST_FAULT_MMIO;
	if ((fault->access & NST_ACCESS_W) && (fault->slot->flags & KVM_MEM_READONLY))
		return NST_FAULT_MMIO;
	if (nst_gfns_hidden(vm, fault->space, fault->gfn, 1))
		return NST_FAULT_MMIO;

	fault->hva = nst_memslot_hva(fault->slot, fault->gfn);
	fault->writable = false;
	fault->level = NST_LEVEL_4K;
	ret = take_page(fault, &page);
	if (ret == -EAGAIN)
		return NST_FAULT_AWAITED;
	if (ret) {
		/* Gone with its slot: the next look finds neither. */
		if (device_pfn(fault))
			return READ_ONCE(slots->generation) == fault->generation ?
			       NST_FAULT_USER : NST_FAULT_RETRY;
		fault->ram = pfn_is_ram(fault->pfn);
		return NST_FAULT_RETRY;
	}
	fault->pfn = page_to_pfn(page);
	fault->ram = pfn_is_ram(fault->pfn);
	fault->level = fault_level(vm, fault);
	release_page(fault, page);
	return NST_FAULT_RETRY;
}

/**
 * nst_fault_lookup() - find the host page behind a guest page
 * @vcpu: the vCPU that needs it, of the current process
 * @fault: gfn, space, access and max_level in, everything else out
 *
 * Context: vm->srcu held; sleeps.
 *
 * Return: NST_FAULT_RETRY: found; NST_FAULT_MMIO; NST_FAULT_USER; NST_FAULT_AWAITED.
 */
enum nst_fault_result nst_fault_lookup(struct nst_vcpu *vcpu, struct nst_fault *fault)
{
	enum nst_fault_result ret;

	fault->nowait = nst_apf_possible(vcpu);
	ret = look_up(vcpu, fault);
	if (ret != NST_FAULT_AWAITED ||
	    nst_apf_begin(vcpu, fault->gfn, fault->hva, fault->access & NST_ACCESS_W))
		return ret;
	fault->nowait = false;
	return look_up(vcpu, fault);
}

/**
 * nst_fault_neighbour() - find the host page of a guest page next to a fault
 * @vm: the VM, of the current process
 * @fault: gfn, slot, access without NST_ACCESS_W in; hva, pfn and the rest out
 *
 * Takes only what costs nothing: a page that is there, in the same slot.
 *
 * Context: mmu_lock held, so that an invalidation is either over, or shows as
 * running, or will find what is mapped now.
 *
 * Return: false when it is not to be had.
 */
bool nst_fault_neighbour(struct nst_vm *vm, struct nst_fault *fault)
{
	const struct nst_memslot *slot = fault->slot;
	struct nst_memslots *slots = nst_memslots(vm);
	struct page *page;

	lockdep_assert_held(&vm->mmu_lock);
	if (fault->gfn < slot->base_gfn || fault->gfn - slot->base_gfn >= slot->npages ||
	    nst_gfns_hidden(vm, slot->space, fault->gfn, 1))
		return false;
	fault->level = NST_LEVEL_4K;
	fault->hva = nst_memslot_hva(slot, fault->gfn);
	fault->generation = slots->generation;
	fault->inval_seq = slots->inval_seq;
	if (nst_fault_stale(vm, fault))
		return false;
	/* To make a page dirty may sleep: one that is, can be mapped writable. */
	fault->writable = false;
	if (!(slot->flags & KVM_MEM_READONLY) &&
	    get_user_pages_fast_only(fault->hva, 1, FOLL_WRITE, &page) == 1)
		fault->writable = PageDirty(compound_head(page));
	else if (get_user_pages_fast_only(fault->hva, 1, 0, &page) != 1)
		return false;
	fault->pfn = page_to_pfn(page);
	fault->ram = pfn_is_ram(fault->pfn);
	put_page(page);
	return true;
}

/**
 * nst_fault_stale() - may a looked-up page no longer be mapped?
 * @vm: the VM
 * @fault: after nst_fault_lookup()
 *
 * Context: mmu_lock held.
 *
 * Return: true when slots changed or the page's address is being, or was,
 * invalidated since the lookup.
 */
bool nst_fault_stale(struct nst_vm *vm, const struct nst_fault *fault)
{
	struct nst_memslots *slots = nst_memslots(vm);
	unsigned long span = PAGE_SIZE << ((fault->level - 1) * 9);
	unsigned long first = fault->hva & ~(span - 1);

	lockdep_assert_held(&vm->mmu_lock);
	if (slots->generation != fault->generation || slots->inval_seq != fault->inval_seq ||
	    slots->removing)
		return true;
	return slots->inval_running && first < slots->inval_end &&
	       first + span > slots->inval_start;
}

/**
 * nst_fault_rights() - the rights that a looked-up page may be mapped with
 * @vm: the VM
 * @fault: after nst_fault_lookup()
 * @rights: NST_ACCESS_* that the guest grants
 *
 * Sets the dirty log's bit when the write right stays.
 *
 * Context: mmu_lock held.
 *
 * Return: @rights, perhaps without NST_ACCESS_W.
 */
u8 nst_fault_rights(struct nst_vm *vm, const struct nst_fault *fault, u8 rights)
{
	u8 without = rights & ~NST_ACCESS_W;

	lockdep_assert_held(&vm->mmu_lock);
	if (!fault->writable || (fault->slot->flags & KVM_MEM_READONLY))
		return without;
	if (!(rights & NST_ACCESS_W) || !fault->slot->dirty_bitmap)
		return rights;
	/* While the log is on, only a write may set the bit and get the right. */
	if (!(fault->access & NST_ACCESS_W))
		return without;
	nst_memslot_mark_dirty(vm, fault->slot, fault->gfn);
	return rights;
}

/*
 * L1 touches a page that holds a table of its own second stage, of which we
 * have a shadow.  Return: NST_FAULT_MMIO when the write has to be emulated.
 */
static enum nst_fault_result touch_shadowed(struct nst_vm *vm, struct nst_fault *fault,
					    struct list_head *dead)
{
	fault->level = nst_rmap_max_level(fault->slot, fault->gfn, fault->level);
	if (likely(!nst_rmap_is_shadowed(fault->slot, fault->gfn)))
		return NST_FAULT_RETRY;
	if (!(fault->access & NST_ACCESS_W))
		fault->writable = false;
	else if (!nst_unsync_gfn(vm, fault->space, fault->gfn, dead))
		return NST_FAULT_MMIO;
	return NST_FAULT_RETRY;
}

/* An L2 guest missed in the shadow of the second stage that L1 gave it. */
static enum nst_fault_result l2_fault(struct nst_vcpu *vcpu, nst_gpa_t l2gpa, u8 access)
{
	/* Tables of L2 are read with the rights that L1's format wants for that. */
	if (vcpu->exit.tdp.in_page_walk) {
		access |= NST_ACCESS_R;
		if (vcpu->mmu->stage2_mode.table_writes)
			access |= NST_ACCESS_W;
	}
	return nst_merged_fault(vcpu, l2gpa, access);
}

static struct nst_mmio_gfn *mmio_place(struct nst_vcpu *vcpu, u64 gfn)
{
	return &vcpu->mmu->mmio[gfn % NST_MMIO_GFNS];
}

/* Was the page looked up since the slots last changed, and had none? */
static bool known_mmio(struct nst_vcpu *vcpu, u64 gfn)
{
	const struct nst_mmio_gfn *mmio = mmio_place(vcpu, gfn);

	return mmio->valid && mmio->gfn == gfn && mmio->space == vcpu->space &&
	       mmio->generation == READ_ONCE(nst_memslots(vcpu->vm)->generation);
}

static void note_mmio(struct nst_vcpu *vcpu, const struct nst_fault *fault)
{
	*mmio_place(vcpu, fault->gfn) = (struct nst_mmio_gfn){
		.gfn = fault->gfn, .generation = fault->generation,
		.space = fault->space, .valid = true,
	};
}

/**
 * nst_mmu_tdp_fault() - see mmu.h
 * @vcpu: loaded vCPU, irqs on, srcu held
 * @gpa: the address that missed
 * @access: NST_ACCESS_R/W/X
 *
 * Return: NST_FAULT_RETRY, _MMIO, _USER, _NOMEM; _L1 while L2 is current.
 */
enum nst_fault_result nst_mmu_tdp_fault(struct nst_vcpu *vcpu, nst_gpa_t gpa, u8 access)
{
	struct nst_fault fault = {
		.gfn = nst_gpa_gfn(gpa), .space = vcpu->space, .access = access,
		.max_level = NST_LEVEL_MAX,
	};
	struct nst_vm *vm = vcpu->vm;
	enum nst_fault_result ret;
	LIST_HEAD(dead);
	bool flush = false;

	if (nst_has_stage2(vcpu->mmu))
		return l2_fault(vcpu, gpa, access);
	if (known_mmio(vcpu, fault.gfn))
		return NST_FAULT_MMIO;
	if (nst_cache_fill(vcpu->mmu))
		return NST_FAULT_NOMEM;
	ret = nst_fault_lookup(vcpu, &fault);
	if (!fault.slot)
		note_mmio(vcpu, &fault);
	if (ret != NST_FAULT_RETRY)
		return ret;

	spin_lock(&vm->mmu_lock);
	if (!nst_fault_stale(vm, &fault))
		ret = touch_shadowed(vm, &fault, &dead);
	else
		goto unlock;
	if (ret == NST_FAULT_RETRY)
		flush = nst_tdp_map(vcpu, &fault, &dead);
	/* Under the lock: nobody must find the new entry before the old is gone. */
	if (flush || !list_empty(&dead))
		nst_request_all(vm, NST_REQ_TLB_FLUSH, true);
unlock:
	spin_unlock(&vm->mmu_lock);
	nst_tables_free(&dead);
	nst_audit_after_fault(vcpu);
	return ret;
}
