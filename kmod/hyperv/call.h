/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files that carry out hypercalls. */
#ifndef NST_HYPERV_CALL_H
#define NST_HYPERV_CALL_H

#include "hyperv.h"

/* Two general registers and six vector registers. */
#define NST_HV_FAST_BYTES	(16 + 16 * HV_HYPERCALL_MAX_XMM_REGISTERS)

/**
 * struct nst_hv_call - a hypercall of a guest
 * @control: the input value
 * @in: address of the parameters; of a fast call their first 8 bytes
 * @out: address for results; of a fast call the next 8 bytes
 * @code: HVCALL_*
 * @fast: the parameters are in registers
 * @var_cnt: quadwords of the variable part
 * @rep_cnt: elements of the list
 * @rep_idx: the first that is not done
 * @len: bytes in @data
 * @data: the parameters of a fast call
 */
struct nst_hv_call {
	u64 control;
	u64 in;
	u64 out;
	u16 code;
	bool fast;
	u16 var_cnt;
	u16 rep_cnt;
	u16 rep_idx;
	u16 len;
	u8 data[NST_HV_FAST_BYTES] __aligned(8);
};

#define NST_HV_CALL_REP		BIT(0)	/* has a list */
#define NST_HV_CALL_VAR		BIT(1)	/* may have a variable part */
#define NST_HV_CALL_SYNDBG	BIT(2)	/* exists with the synthetic debugger */

/* No status: userspace carries the call out. */
#define NST_HV_ASK_USER		U64_MAX

/* What a hypercall needs; @call answers with a status of TLFS, or NST_HV_ASK_USER. */
struct nst_hv_call_row {
	u16 code;
	u8 word;		/* enum nst_hv_word */
	u32 bits;
	u8 flags;		/* NST_HV_CALL_* */
	u8 size;		/* of the parameters that every call has */
	u64 (*call)(struct nst_vcpu *vcpu, struct nst_hv_call *call);
};

/* hypercall.c */
u64 nst_hv_call_read(struct nst_vcpu *vcpu, const struct nst_hv_call *call, u32 offset,
		     void *to, u32 len);

/* vps.c */
u64 nst_hv_flush(struct nst_vcpu *vcpu, struct nst_hv_call *call);
u64 nst_hv_flush_ex(struct nst_vcpu *vcpu, struct nst_hv_call *call);
u64 nst_hv_send_ipi(struct nst_vcpu *vcpu, struct nst_hv_call *call);
u64 nst_hv_send_ipi_ex(struct nst_vcpu *vcpu, struct nst_hv_call *call);

/* conn.c, syndbg.c */
u64 nst_hv_post_message(struct nst_vcpu *vcpu, struct nst_hv_call *call);
u64 nst_hv_signal_event(struct nst_vcpu *vcpu, struct nst_hv_call *call);
u64 nst_hv_syndbg_call(struct nst_vcpu *vcpu, struct nst_hv_call *call);

#endif /* NST_HYPERV_CALL_H */
