/* SPDX-License-Identifier: GPL-2.0-only */
/* What a case consists of, in words. */
#ifndef NST_EXPLAIN_H
#define NST_EXPLAIN_H

#include "oracle.h"

void explain_svm(const struct oracle_params *p, u32 number);
void explain_vmx(const struct oracle_params *p, u32 number);

#endif /* NST_EXPLAIN_H */
