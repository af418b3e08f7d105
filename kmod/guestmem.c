// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory as the host sees it: through the user mapping of its slot.
 * Every write sets the dirty log and tells the MMU, which may have a shadow of
 * a page table there.
 */
#include "nestor.h"
#include <linux/mm.h>
#include <linux/uaccess.h>
#include "guestmem.h"
#include "memslot.h"
#include "mmu/mmu.h"
#include "vm.h"

static struct nst_memslot *if_writable(struct nst_memslot *slot)
{
	return slot && !(slot->flags & KVM_MEM_READONLY) ? slot : NULL;
}

static void __user *user_ptr(const struct nst_memslot *slot, u64 raw)
{
	return (void __user *)(nst_memslot_hva(slot, raw >> PAGE_SHIFT) + offset_in_page(raw));
}

/*
 * Most reads are an entry of a page table or the bytes of an instruction, and
 * shall not pay for a call that checks buffers of unknown size.
 */
static int read_user(void *buf, const void __user *from, size_t len)
{
	u64 first, last;

	if (len == sizeof(u64))
		return get_user(*(u64 *)buf, (const u64 __user *)from);
	if (len == sizeof(u32))
		return get_user(*(u32 *)buf, (const u32 __user *)from);
	if (len < sizeof(u64) || len > 2 * sizeof(u64))
		return copy_from_user(buf, from, len) ? -EFAULT : 0;
	/* Two pieces that may overlap. */
	if (get_user(first, (const u64 __user *)from) ||
	    get_user(last, (const u64 __user *)(from + len - sizeof(u64))))
		return -EFAULT;
	memcpy(buf, &first, sizeof(u64));
	memcpy(buf + len - sizeof(u64), &last, sizeof(u64));
	return 0;
}

static int read_space(struct nst_vm *vm, unsigned int space, nst_gpa_t gpa, void *buf,
		      size_t len)
{
	u64 raw = nst_gpa_raw(gpa);

	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - offset_in_page(raw));
		struct nst_memslot *slot = nst_memslot_find(vm, space, raw >> PAGE_SHIFT);

		if (!slot || read_user(buf, user_ptr(slot, raw), n))
			return -EFAULT;
		raw += n;
		buf += n;
		len -= n;
	}
	return 0;
}

static int write_space(struct nst_vm *vm, unsigned int space, nst_gpa_t gpa, const void *buf,
		       size_t len)
{
	u64 raw = nst_gpa_raw(gpa);

	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - offset_in_page(raw));
		struct nst_memslot *slot = nst_memslot_find(vm, space, raw >> PAGE_SHIFT);

		slot = if_writable(slot);
		if (!slot || copy_to_user(user_ptr(slot, raw), buf, n))
			return -EFAULT;
		nst_memslot_mark_dirty(vm, slot, raw >> PAGE_SHIFT);
		nst_mmu_guest_wrote(vm, space, nst_gpa(raw), n);
		raw += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/**
 * nst_read_gpa() - read guest memory
 * @vm: the VM, of the current process
 * @gpa: guest-physical address outside system-management mode
 * @buf: destination
 * @len: bytes; may cross pages and slots
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: 0, or -EFAULT with @buf undefined.
 */
int nst_read_gpa(struct nst_vm *vm, nst_gpa_t gpa, void *buf, size_t len)
{
	return read_space(vm, NST_SPACE_NORMAL, gpa, buf, len);
}

/**
 * nst_write_gpa() - write guest memory
 * @vm: the VM, of the current process
 * @gpa: guest-physical address outside system-management mode
 * @buf: source
 * @len: bytes; may cross pages and slots
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: 0, or -EFAULT; then a part may have been written.
 */
int nst_write_gpa(struct nst_vm *vm, nst_gpa_t gpa, const void *buf, size_t len)
{
	return write_space(vm, NST_SPACE_NORMAL, gpa, buf, len);
}

/**
 * nst_read_spans() - read parts of a page of guest memory
 * @vm: the VM, of the current process
 * @gpa: guest-physical address of the page
 * @page: destination, where each part has the offset it has in the page
 * @spans: the parts
 * @nr: how many
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: 0, or -EFAULT with @page undefined.
 */
int nst_read_spans(struct nst_vm *vm, nst_gpa_t gpa, void *page, const struct nst_page_span *spans,
		   unsigned int nr)
{
	u64 raw = nst_gpa_raw(gpa);
	struct nst_memslot *slot = nst_memslot_find(vm, NST_SPACE_NORMAL, raw >> PAGE_SHIFT);
	const void __user *from;
	unsigned int at;

	if (!slot)
		return -EFAULT;
	from = user_ptr(slot, raw);
	if (!user_access_begin(from, PAGE_SIZE))
		return -EFAULT;
	for (; nr; nr--, spans++)
		for (at = spans->offset; at < spans->offset + spans->len; at += sizeof(u64))
			unsafe_get_user(*(u64 *)(page + at), (const u64 __user *)(from + at),
					fault);
	user_access_end();
	return 0;
fault:
	user_access_end();
	return -EFAULT;
}

/**
 * nst_write_spans() - write parts of a page of guest memory
 * @vm: the VM, of the current process
 * @gpa: guest-physical address of the page
 * @page: source, where each part has the offset it has in the page
 * @spans: the parts
 * @nr: how many, one at least
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: 0, or -EFAULT; then a part may have been written.
 */
int nst_write_spans(struct nst_vm *vm, nst_gpa_t gpa, const void *page,
		    const struct nst_page_span *spans, unsigned int nr)
{
	u64 raw = nst_gpa_raw(gpa);
	struct nst_memslot *slot = nst_memslot_find(vm, NST_SPACE_NORMAL, raw >> PAGE_SHIFT);
	void __user *to;
	unsigned int at;

	slot = if_writable(slot);
	if (!slot)
		return -EFAULT;
	to = user_ptr(slot, raw);
	if (!user_access_begin(to, PAGE_SIZE))
		return -EFAULT;
	for (; nr; nr--, spans++)
		for (at = spans->offset; at < spans->offset + spans->len; at += sizeof(u64))
			unsafe_put_user(*(u64 *)(page + at), (u64 __user *)(to + at), fault);
	user_access_end();
	nst_memslot_mark_dirty(vm, slot, raw >> PAGE_SHIFT);
	/* Should a page of tables be there, all of it changed. */
	nst_mmu_guest_wrote(vm, NST_SPACE_NORMAL, gpa, PAGE_SIZE);
	return 0;
fault:
	user_access_end();
	return -EFAULT;
}

/**
 * nst_gpa_has_slot() - is there a slot for an access that failed?
 * @vcpu: the vCPU
 * @gpa: guest-physical address
 * @write: a slot that may be written
 *
 * Context: vm->srcu held.
 *
 * Return: true when userspace took the memory away; false when it is a device's.
 */
bool nst_gpa_has_slot(struct nst_vcpu *vcpu, nst_gpa_t gpa, bool write)
{
	struct nst_memslot *slot = nst_vcpu_memslot(vcpu, nst_gpa_gfn(gpa));

	return write ? if_writable(slot) : slot;
}

/**
 * nst_vcpu_read_gpa() - read guest memory as a vCPU sees it
 * @vcpu: the vCPU, of the current process
 * @gpa: guest-physical address
 * @buf: destination
 * @len: bytes; may cross pages and slots
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: 0, or -EFAULT with @buf undefined.
 */
int nst_vcpu_read_gpa(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf, size_t len)
{
	u64 raw = nst_gpa_raw(gpa);
	struct nst_memslot *slot;

	if (unlikely(offset_in_page(raw) + len > PAGE_SIZE))
		return read_space(vcpu->vm, vcpu->space, gpa, buf, len);
	slot = nst_vcpu_memslot(vcpu, raw >> PAGE_SHIFT);
	return slot && !read_user(buf, user_ptr(slot, raw), len) ? 0 : -EFAULT;
}

/**
 * nst_vcpu_write_gpa() - write guest memory as a vCPU sees it
 * @vcpu: the vCPU, of the current process
 * @gpa: guest-physical address
 * @buf: source
 * @len: bytes; may cross pages and slots
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: 0, or -EFAULT; then a part may have been written.
 */
int nst_vcpu_write_gpa(struct nst_vcpu *vcpu, nst_gpa_t gpa, const void *buf, size_t len)
{
	return write_space(vcpu->vm, vcpu->space, gpa, buf, len);
}

/**
 * nst_vcpu_write_atomic() - write guest memory that is mapped now
 * @vcpu: the vCPU, of the current process
 * @gpa: guest-physical address
 * @buf: source
 * @len: bytes; in one page
 *
 * Context: vm->srcu held; preemption may be off, irqs are on.
 *
 * Return: 0, or -EFAULT; what had to sleep was not done.
 */
int nst_vcpu_write_atomic(struct nst_vcpu *vcpu, nst_gpa_t gpa, const void *buf, size_t len)
{
	u64 raw = nst_gpa_raw(gpa);
	struct nst_memslot *slot = if_writable(nst_vcpu_memslot(vcpu, raw >> PAGE_SHIFT));
	unsigned long missing;

	if (!slot || offset_in_page(raw) + len > PAGE_SIZE)
		return -EFAULT;
	pagefault_disable();
	missing = __copy_to_user_inatomic(user_ptr(slot, raw), buf, len);
	pagefault_enable();
	if (missing)
		return -EFAULT;
	nst_memslot_mark_dirty(vcpu->vm, slot, raw >> PAGE_SHIFT);
	nst_mmu_guest_wrote(vcpu->vm, vcpu->space, gpa, len);
	return 0;
}

/* One locked compare-and-exchange on user memory, by width. */
static int exchange_user(void __user *ptr, u64 *old, u64 new, unsigned int len)
{
	u32 old32 = *old;
	u16 old16 = *old;
	u8 old8 = *old;
	int ret;

	switch (len) {
	case 1:
		ret = __try_cmpxchg_user((u8 __user *)ptr, &old8, (u8)new, fault1);
		*old = old8;
		return ret;
	case 2:
		ret = __try_cmpxchg_user((u16 __user *)ptr, &old16, (u16)new, fault2);
		*old = old16;
		return ret;
	case 4:
		ret = __try_cmpxchg_user((u32 __user *)ptr, &old32, (u32)new, fault4);
		*old = old32;
		return ret;
	case 8:
		return __try_cmpxchg_user((u64 __user *)ptr, old, new, fault8);
	default:
		return -EFAULT;
	}
}

/**
 * nst_cmpxchg_gpa_quiet() - nst_cmpxchg_gpa() without a word to the MMU
 * @vcpu: the vCPU, of the current process
 * @gpa: naturally aligned
 * @old: expected value; receives the one found
 * @new: value to store
 * @len: 1, 2, 4 or 8 bytes
 *
 * For the MMU's own updates of accessed and dirty bits in guest tables.
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: 0: exchanged; 1: the value differed; -EFAULT.
 */
int nst_cmpxchg_gpa_quiet(struct nst_vcpu *vcpu, nst_gpa_t gpa, u64 *old, u64 new,
			  unsigned int len)
{
	struct nst_vm *vm = vcpu->vm;
	u64 raw = nst_gpa_raw(gpa);
	struct nst_memslot *slot;
	int ret;

	if (!len || (raw & (len - 1)))
		return -EFAULT;
	slot = if_writable(nst_vcpu_memslot(vcpu, raw >> PAGE_SHIFT));
	if (!slot)
		return -EFAULT;
	ret = exchange_user(user_ptr(slot, raw), old, new, len);
	if (ret)
		return ret;
	nst_memslot_mark_dirty(vm, slot, raw >> PAGE_SHIFT);
	return 0;
}

/**
 * nst_cmpxchg_gpa() - compare and exchange guest memory atomically
 * @vcpu: the vCPU, of the current process
 * @gpa: naturally aligned
 * @old: expected value; receives the one found
 * @new: value to store
 * @len: 1, 2, 4 or 8 bytes
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: 0: exchanged; 1: the value differed; -EFAULT.
 */
int nst_cmpxchg_gpa(struct nst_vcpu *vcpu, nst_gpa_t gpa, u64 *old, u64 new,
		    unsigned int len)
{
	int ret = nst_cmpxchg_gpa_quiet(vcpu, gpa, old, new, len);

	if (!ret)
		nst_mmu_guest_wrote(vcpu->vm, vcpu->space, gpa, len);
	return ret;
}

/* 0: exchanged; 1: the value differed; -EFAULT. */
static int exchange16_user(void __user *ptr, u64 old[2], const u64 new[2])
{
	int fault = -EFAULT;
	bool equal;

	if (!user_access_begin(ptr, 2 * sizeof(u64)))
		return -EFAULT;
	/* A fault jumps over the MOV, which leaves the flags alone. */
	asm volatile("1: lock cmpxchg16b (%[ptr])\n"
		     "   mov $0, %k[fault]\n"
		     "2:\n"
		     _ASM_EXTABLE_UA(1b, 2b)
		     : CC_OUT(z) (equal), [fault] "+r" (fault),
		       "+a" (old[0]), "+d" (old[1])
		     : [ptr] "r" (ptr), "b" (new[0]), "c" (new[1])
		     : "memory");
	user_access_end();
	return fault ?: !equal;
}

/**
 * nst_cmpxchg16_gpa() - compare and exchange 16 bytes of guest memory atomically
 * @vcpu: the vCPU, of the current process
 * @gpa: a multiple of 16
 * @old: expected value; receives the one found
 * @new: value to store
 *
 * Context: vm->srcu held; may sleep.
 *
 * Return: 0: exchanged; 1: the value differed; -EFAULT.
 */
int nst_cmpxchg16_gpa(struct nst_vcpu *vcpu, nst_gpa_t gpa, u64 old[2], const u64 new[2])
{
	u64 raw = nst_gpa_raw(gpa);
	struct nst_memslot *slot;
	int ret;

	slot = if_writable(nst_vcpu_memslot(vcpu, raw >> PAGE_SHIFT));
	if (!slot || (raw & 15) || !boot_cpu_has(X86_FEATURE_CX16))
		return -EFAULT;
	ret = exchange16_user(user_ptr(slot, raw), old, new);
	if (ret)
		return ret;
	nst_memslot_mark_dirty(vcpu->vm, slot, raw >> PAGE_SHIFT);
	nst_mmu_guest_wrote(vcpu->vm, vcpu->space, gpa, 2 * sizeof(u64));
	return 0;
}
