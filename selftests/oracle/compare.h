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
 * struct pair - a case that came out in two ways
 * @number: of the case
 * @direct: on the emulated CPU
 * @here: under the hypervisor
 * @differ: a bit for each item that differs
 */
struct pair {
	u32 number;
	const struct oracle_record *direct, *here;
	u64 differ;
};

/* Of an item, for @differ. */
#define ITEM(name)	(1ul << I_##name)

#define OUTCOME		~0ul

static inline bool was(const struct oracle_record *r, u32 item, u64 value)
{
	return r->item[item] == item_hash(value);
}

static inline bool ran_in_both(const struct pair *p)
{
	return p->direct->result == RESULT_EXIT && p->here->result == RESULT_EXIT;
}

/* The two ended by the same exit. */
static inline bool same_exit(const struct pair *p, u32 reason)
{
	return ran_in_both(p) && p->direct->reason == reason && p->here->reason == reason;
}

/*
 * Who departs from the manual, or does what it leaves open. The emulator that is not in
 * use cannot be it; that of the host alone has a name of its own.
 */
enum whose {
	BOCHS, QEMU, NESTOR, NESTOR_ON_SVM, NESTOR_ON_VMX, BOCHS_AS_HOST,
	QEMU_ALONE		/* where it is the reference and not below nestor */
};

/**
 * struct known - a difference with a reason, from deviations.rst
 * @name: short
 * @whose: who departs from the manual
 * @why: by which sentence
 * @accounts: the items that it makes different in this case, OUTCOME when something else
 *	happened altogether; 0 when it has no part in it
 *
 * Several may have a part in one case: together they have to account for all.
 */
struct known {
	const char *name;
	enum whose whose;
	const char *why;
	u64 (*accounts)(const struct pair *p);
};

/* Of the ISA under test; they end with a row without a name. */
extern const struct known known[];
/* Of the items, and the emulator that is the reference. */
extern const char *const item_names[ORACLE_ITEMS];
extern const enum whose reference;
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
