/* SPDX-License-Identifier: GPL-2.0-only */
/* Module-wide: parameters, messages, module pieces that main.c starts. */
#ifndef NST_NESTOR_H
#define NST_NESTOR_H

#ifdef pr_fmt
#undef pr_fmt
#endif
#define pr_fmt(fmt) "nestor: " fmt

#include <linux/printk.h>
#include <linux/types.h>

/* Module parameters, constant after load. */
extern bool nst_param_tdp;	/* use EPT or NPT */
extern bool nst_param_nested;	/* offer VMX or SVM to guests */
extern bool nst_offer_vmx;	/* which of them KVM_GET_SUPPORTED_CPUID shows then */
extern bool nst_offer_svm;

#endif /* NST_NESTOR_H */
