/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest FPU and extended state, on the kernel's guest-FPU API. */
#ifndef NST_FPU_H
#define NST_FPU_H

#include <linux/kvm.h>
#include "vcpu.h"

int nst_fpu_create(struct nst_vcpu *vcpu);
void nst_fpu_destroy(struct nst_vcpu *vcpu);
void nst_fpu_reset(struct nst_vcpu *vcpu, bool init);
/* Around KVM_RUN: exchange the thread's FPU state with the guest's. */
void nst_fpu_load(struct nst_vcpu *vcpu);
void nst_fpu_put(struct nst_vcpu *vcpu);
/* Irqs off, around one entry: XCR0, XSS, PKRU. */
void nst_fpu_enter(struct nst_vcpu *vcpu);
void nst_fpu_exit(struct nst_vcpu *vcpu);
int nst_fpu_get(struct nst_vcpu *vcpu, struct kvm_fpu *fpu);
int nst_fpu_set(struct nst_vcpu *vcpu, const struct kvm_fpu *fpu);
/* KVM_GET_XSAVE(2), KVM_SET_XSAVE.  @size: bytes of the buffer. */
int nst_xsave_get(struct nst_vcpu *vcpu, void *buf, unsigned int size);
int nst_xsave_set(struct nst_vcpu *vcpu, const void *buf, unsigned int size);
unsigned int nst_xsave_size(void);
int nst_xcrs_get(struct nst_vcpu *vcpu, struct kvm_xcrs *x);
int nst_xcrs_set(struct nst_vcpu *vcpu, const struct kvm_xcrs *x);
u64 nst_xcr0_supported(void);
/* fpu_regs.c: single registers, for emulated instructions.  FPU must be loaded. */
void nst_fpu_read_vec(struct nst_vcpu *vcpu, unsigned int reg, void *buf, unsigned int len);
void nst_fpu_write_vec(struct nst_vcpu *vcpu, unsigned int reg, const void *buf,
		       unsigned int len, bool zero_upper);
void nst_fpu_read_image(struct nst_vcpu *vcpu, struct fxregs_state *fx);
void nst_fpu_write_image(struct nst_vcpu *vcpu, struct fxregs_state *fx);

#endif /* NST_FPU_H */
