/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules that a VM entry must obey, one a sentence of the manual. */
#ifndef NST_NVMX_CHECK_H
#define NST_NVMX_CHECK_H

#include "vmcs12.h"
#include "vmx_caps.h"

/* What breaking a rule leads to: groups in the order in which they are checked. */
enum nvmx_verdict {
	NVMX_ENTRY_OK,
	NVMX_BAD_CONTROL,	/* VMfailValid(7) */
	NVMX_BAD_HOST,		/* VMfailValid(8) */
	NVMX_BAD_GUEST,		/* exit 33, qualification 0 */
	NVMX_BAD_PDPTE,		/* exit 33, qualification 2 */
	NVMX_BAD_NMI,		/* exit 33, qualification 3 */
	NVMX_BAD_LINK,		/* exit 33, qualification 4 */
};

/**
 * struct nvmx_check - everything that the rules look at
 * @v: the VMCS
 * @caps: what L1's CPU offers
 * @maxphyaddr: physical-address width of L1's CPU
 * @linear_bits: its linear-address width
 * @l1_long: L1 is in IA-32e mode
 * @efer_allowed: EFER bits that L1 may set
 * @debugctl_allowed: IA32_DEBUGCTL bits that L1 may set
 * @vmptr: address of @v in L1's memory
 * @read: copies L1 memory; false when there is none
 * @opaque: for @read
 */
struct nvmx_check {
	const struct nvmx_vmcs12 *v;
	const struct nvmx_caps *caps;
	u8 maxphyaddr;
	u8 linear_bits;
	bool l1_long;
	u64 efer_allowed;
	u64 debugctl_allowed;
	u64 vmptr;
	bool (*read)(void *opaque, u64 l1_gpa, void *buf, u32 len);
	void *opaque;
};

/**
 * struct nvmx_rule - one sentence
 * @id: short name, for tests and traces
 * @text: what must hold
 * @verdict: result when it does not
 * @holds: the sentence as code
 */
struct nvmx_rule {
	const char *id;
	const char *text;
	enum nvmx_verdict verdict;
	bool (*holds)(const struct nvmx_check *in);
};

bool nvmx_canonical(u8 linear_bits, u64 addr);
bool nvmx_eptp_ok(const struct nvmx_caps *caps, u8 maxphyaddr, u64 eptp);

extern const struct nvmx_rule nvmx_rules[];
extern const unsigned int nvmx_nr_rules;

const struct nvmx_rule *nvmx_check_vmfail(const struct nvmx_check *in);
const struct nvmx_rule *nvmx_check_guest(const struct nvmx_check *in);

/* "Loading MSRs": one entry of a VM-entry or VM-exit MSR-load area. */
bool nvmx_msr_load_allowed(const struct vmx_msr_entry *entry);
/* "VM-exit MSR-store area": one entry. */
bool nvmx_msr_store_allowed(const struct vmx_msr_entry *entry);

#endif /* NST_NVMX_CHECK_H */
