/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules that VMRUN checks, one a sentence of the manual. */
#ifndef NST_NSVM_CHECK_H
#define NST_NSVM_CHECK_H

#include "vmcb12.h"

/**
 * struct nsvm_check - everything that the rules look at
 * @v: the VMCB
 * @maxphyaddr: physical-address width of L1's CPU
 * @efer_allowed: EFER bits that L1's CPU has, SVME and LMA included
 * @cr4_reserved: CR4 bits that it has not
 * @long_mode: it has long mode
 * @npt: nested paging is offered to L1
 */
struct nsvm_check {
	const struct nsvm_vmcb12 *v;
	u8 maxphyaddr;
	u64 efer_allowed;
	u64 cr4_reserved;
	bool long_mode;
	bool npt;
};

/**
 * struct nsvm_rule - one sentence
 * @id: short name, for tests and traces
 * @text: what must hold
 * @holds: the sentence as code
 */
struct nsvm_rule {
	const char *id;
	const char *text;
	bool (*holds)(const struct nsvm_check *in);
};

extern const struct nsvm_rule nsvm_rules[];
extern const unsigned int nsvm_nr_rules;

const struct nsvm_rule *nsvm_check_vmcb(const struct nsvm_check *in);

#endif /* NST_NSVM_CHECK_H */
