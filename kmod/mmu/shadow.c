// SPDX-License-Identifier: GPL-2.0-only
#include "../nestor.h"
#include "internal.h"

int nst_shadow_load(struct nst_vcpu *vcpu)
{
	return -EOPNOTSUPP;
}

void nst_shadow_invlpg(struct nst_vcpu *vcpu, u64 gva)
{
}

int nst_shadow_slot_alloc(struct nst_memslot *slot)
{
	return 0;
}

void nst_shadow_slot_free(struct nst_memslot *slot)
{
}

void nst_shadow_guest_wrote(struct nst_vm *vm, nst_gpa_t gpa, size_t len)
{
}

enum nst_fault_result nst_mmu_shadow_fault(struct nst_vcpu *vcpu, u64 gva, u32 error_code,
					   u32 *guest_error)
{
	return NST_FAULT_USER;
}
