// SPDX-License-Identifier: GPL-2.0-only
/* What a case of SVM consists of. */
#include <stdio.h>
#include <string.h>

#include "gen_svm.h"
#include "explain.h"

#define NAMED(type, member)	{ #member, __builtin_offsetof(type, member), \
				  sizeof(((type *)0)->member) }

static const struct {
	const char *name;
	size_t at, size;
} vmcb_fields[] = {
#define N(member) NAMED(struct vmcb, member)
	N(icpt[0]), N(icpt[1]), N(icpt[2]), N(icpt[3]), N(icpt[4]), N(icpt[5]), N(iopm), N(msrpm),
	N(tsc_offset), N(asid), N(tlb_control), N(int_ctl), N(int_vector), N(int_state),
	N(np_enable), N(event_inj), N(event_error), N(ncr3), N(clean), N(next_rip),
	N(es.selector), N(es.attrib), N(es.limit), N(es.base), N(cs.selector), N(cs.attrib),
	N(cs.limit), N(cs.base), N(ss.selector), N(ss.attrib), N(ss.limit), N(ss.base),
	N(ds.selector), N(ds.attrib), N(ds.limit), N(ds.base), N(gdtr.limit), N(gdtr.base),
	N(idtr.limit), N(idtr.base), N(tr.selector), N(tr.attrib), N(tr.limit), N(tr.base),
	N(cpl), N(efer), N(cr0), N(cr2), N(cr3), N(cr4), N(dr6), N(dr7), N(rflags), N(rip),
	N(rsp), N(rax), N(g_pat),
#undef N
};

void explain_svm(const struct oracle_params *p, u32 number)
{
	static struct vmcb vmcb;
	struct svm_case c = { .vmcb = &vmcb };
	u64 i, value;

	svm_generate(p, number, &c);
	for (i = 0; i < ARRAY_SIZE(vmcb_fields); i++) {
		value = 0;
		memcpy(&value, (const u8 *)&vmcb + vmcb_fields[i].at, vmcb_fields[i].size);
		if (value)
			printf("  %s %#lx\n", vmcb_fields[i].name, value);
	}
}
