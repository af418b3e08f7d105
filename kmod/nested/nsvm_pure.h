/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door of the pure files of nested SVM (vmcb12.c, svm_check.c): the same
 * vocabulary in the module and in a userspace test program, whose include path
 * leads to the kernel's <asm/svm.h>.
 */
#ifndef NST_NSVM_PURE_H
#define NST_NSVM_PURE_H

#include "../pure.h"
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#else
#include <assert.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#define __packed	__attribute__((__packed__))
#define __maybe_unused	__attribute__((__unused__))
#endif
#include <asm/cpufeatures.h>
#include <asm/svm.h>
#include "../regs.h"

#endif /* NST_NSVM_PURE_H */
