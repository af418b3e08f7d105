// SPDX-License-Identifier: GPL-2.0-only
/*
 * The consistency checks of VMRUN as a table, one row a sentence of the manual.
 * The first row that does not hold makes VMEXIT_INVALID and gives the trace its
 * text.  Pure.
 */
#include "svm_check.h"

static u64 width_mask(const struct nsvm_check *in)
{
	return BIT_ULL(in->maxphyaddr) - 1;
}

static bool long_mode(const struct vmcb_save_area *s)
{
	return (s->efer & EFER_LME) && (s->cr0 & X86_CR0_PG);
}

static bool map_fits(const struct nsvm_check *in, u64 base, u64 bytes)
{
	return base <= width_mask(in) && base + bytes - 1 <= width_mask(in);
}

static bool injects(const struct nsvm_vmcb12 *v)
{
	return v->event_inj & SVM_EVTINJ_VALID;
}

static u32 type_of(u32 event)
{
	return event & SVM_EVTINJ_TYPE_MASK;
}

static bool known_type(u32 event)
{
	switch (type_of(event)) {
	case SVM_EVTINJ_TYPE_INTR:
	case SVM_EVTINJ_TYPE_NMI:
	case SVM_EVTINJ_TYPE_EXEPT:
	case SVM_EVTINJ_TYPE_SOFT:
		return true;
	default:
		return false;
	}
}

/* APM2 "Vectors": vector 2 is the NMI, which is not an exception. */
static bool is_exception(u8 vector)
{
	return vector < 32 && vector != X86_TRAP_NMI;
}

static bool nested_paging(const struct nsvm_check *in)
{
	return in->npt && (in->v->nested_ctl & SVM_NESTED_CTL_NP_ENABLE);
}

/* Types 2 and 3 and those above 7 are reserved: APM2 "PAT Register". */
static bool pat_valid(u64 pat)
{
	for (unsigned int i = 0; i < 8; i++, pat >>= 8) {
		u8 type = pat & 0xff;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

#define RULE(id, text, condition)					\
static bool rule_##id(const struct nsvm_check *in)			\
{									\
	const struct nsvm_vmcb12 *v __maybe_unused = in->v;		\
	const struct vmcb_save_area *s __maybe_unused = v->save;	\
									\
	return condition;						\
}

#include "svm_rules.h"
#undef RULE

#define RULE(id, text, condition) { #id, text, rule_##id },

const struct nsvm_rule nsvm_rules[] = {
#include "svm_rules.h"
};

#undef RULE

const unsigned int nsvm_nr_rules = ARRAY_SIZE(nsvm_rules);

/**
 * nsvm_check_vmcb() - may VMRUN enter with this VMCB?
 * @in: the VMCB and what L1's CPU is
 *
 * Return: the first rule that does not hold, or NULL.
 */
const struct nsvm_rule *nsvm_check_vmcb(const struct nsvm_check *in)
{
	for (unsigned int i = 0; i < nsvm_nr_rules; i++)
		if (!nsvm_rules[i].holds(in))
			return &nsvm_rules[i];
	return NULL;
}
