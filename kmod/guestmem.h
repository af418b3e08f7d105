/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading and writing guest memory through the userspace mapping of its slot.
 * Callers hold vm->srcu for reading (a running vCPU does) and may sleep.
 */
#ifndef NST_GUESTMEM_H
#define NST_GUESTMEM_H

#include "x86.h"

struct nst_vm;
struct nst_vcpu;

/*
 * The VM's memory as a vCPU outside system-management mode sees it.  0, or
 * -EFAULT when no writable (readable) slot or mapping is there.
 */
int nst_read_gpa(struct nst_vm *vm, nst_gpa_t gpa, void *buf, size_t len);
int nst_write_gpa(struct nst_vm *vm, nst_gpa_t gpa, const void *buf, size_t len);

/* A part of a page that is copied by quadwords: both are multiples of eight. */
struct nst_page_span {
	u16 offset;
	u16 len;
};

/*
 * Parts of one page, to and from the same places of @page.  One look for the
 * slot, no call for each part.  0 or -EFAULT; then a part may have been copied.
 */
int nst_read_spans(struct nst_vm *vm, nst_gpa_t gpa, void *page, const struct nst_page_span *spans,
		   unsigned int nr);
int nst_write_spans(struct nst_vm *vm, nst_gpa_t gpa, const void *page,
		    const struct nst_page_span *spans, unsigned int nr);

/* The same as this vCPU sees it now. */
bool nst_gpa_has_slot(struct nst_vcpu *vcpu, nst_gpa_t gpa, bool write);
int nst_vcpu_read_gpa(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf, size_t len);
int nst_vcpu_write_gpa(struct nst_vcpu *vcpu, nst_gpa_t gpa, const void *buf, size_t len);
/* The same in one page, without sleeping: -EFAULT also when the page is not there now. */
int nst_vcpu_write_atomic(struct nst_vcpu *vcpu, nst_gpa_t gpa, const void *buf, size_t len);
/*
 * Atomic compare-and-exchange of 1, 2, 4, 8 (naturally aligned) bytes.
 * *old is the expected value and receives the one found.  0: exchanged,
 * 1: the value differed, -EFAULT.
 */
int nst_cmpxchg_gpa(struct nst_vcpu *vcpu, nst_gpa_t gpa, u64 *old, u64 new,
		    unsigned int len);
/* The same of 16 bytes, on CPUs that have CMPXCHG16B; else -EFAULT. */
int nst_cmpxchg16_gpa(struct nst_vcpu *vcpu, nst_gpa_t gpa, u64 old[2], const u64 new[2]);
/* The same for the MMU's own accessed and dirty bits: shadows are not told. */
int nst_cmpxchg_gpa_quiet(struct nst_vcpu *vcpu, nst_gpa_t gpa, u64 *old, u64 new,
			  unsigned int len);

#endif /* NST_GUESTMEM_H */
