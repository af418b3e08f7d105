/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The half of the oracle that runs the payload under a hypervisor and compares
 * what it says with what it said elsewhere, out of the file that ORACLE_FILE in
 * the environment names: struct oracle_params and struct oracle_record[].
 */
#ifndef NST_COMPARE_H
#define NST_COMPARE_H

#include "guest_test.h"
#include "oracle.h"

/**
 * struct known - a difference with a reason, from deviations.rst
 * @name: short
 * @whose: who departs from the manual
 * @why: by which sentence
 * @is: this case is one of them
 */
struct known {
	const char *name;
	const char *whose;
	const char *why;
	bool (*is)(u32 number, const struct oracle_record *direct,
		   const struct oracle_record *here);
};

/* Of the ISA under test; ends with a row without a name. */
extern const struct known known[];
/* The parameters of this run. */
extern struct oracle_params compare_params;

void compare_before(struct vm *vm);
uint64_t compare_call(struct vcpu *vcpu, const uint64_t *args);
bool compare_exit(struct vcpu *vcpu);
void compare_after(struct vm *vm);

#define COMPARE_HOOK							\
	{ HOOK_ANY, .before = compare_before, .call = compare_call,	\
	  .exit = compare_exit, .after = compare_after }

#endif /* NST_COMPARE_H */
