/* SPDX-License-Identifier: GPL-2.0-only */
/* What L1's SVM offers: CPUID Fn8000_000A and the MSRs. */
#ifndef NST_NSVM_CAPS_H
#define NST_NSVM_CAPS_H

#include "../msr.h"
#include "../vcpu.h"

bool nsvm_offers_npt(void);
void nsvm_cpuid(u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
nst_msr_fn nsvm_get_vm_cr, nsvm_set_vm_cr, nsvm_get_hsave_pa, nsvm_set_hsave_pa;
nst_msr_fn nsvm_get_tsc_ratio, nsvm_set_tsc_ratio;

#endif /* NST_NSVM_CAPS_H */
