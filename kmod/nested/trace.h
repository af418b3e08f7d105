/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints of nesting that KVM has no name for. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nestor

#if !defined(NST_NESTED_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NST_NESTED_TRACE_H

#include <linux/tracepoint.h>
#include "../exit.h"

/*
 * A nested entry was refused: which sentence of the manual L1 broke.  Both
 * strings are constants of this module.
 */
TRACE_EVENT(rule_broken,
	TP_PROTO(unsigned int vcpu_id, const char *id, const char *text),
	TP_ARGS(vcpu_id, id, text),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(const char *, id)
		__field(const char *, text)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->id = id;
		__entry->text = text;
	),

	TP_printk("vcpu %u %s: %s", __entry->vcpu_id, __entry->id, __entry->text)
);

/* L1 entered its L2. */
TRACE_EVENT(nested_entry,
	TP_PROTO(unsigned int vcpu_id, u64 rip),
	TP_ARGS(vcpu_id, rip),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(u64, rip)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->rip = rip;
	),

	TP_printk("vcpu %u rip 0x%llx", __entry->vcpu_id, __entry->rip)
);

/* L1's VMREAD or VMWRITE.  @field is a constant of this module. */
TRACE_EVENT(nested_vmcs,
	TP_PROTO(unsigned int vcpu_id, bool write, const char *field, u64 val),
	TP_ARGS(vcpu_id, write, field, val),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(bool, write)
		__field(const char *, field)
		__field(u64, val)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->write = write;
		__entry->field = field;
		__entry->val = val;
	),

	TP_printk("vcpu %u %s %s 0x%llx", __entry->vcpu_id,
		  __entry->write ? "VMWRITE" : "VMREAD", __entry->field, __entry->val)
);

/* L2 exited to L1. */
TRACE_EVENT(nested_exit,
	TP_PROTO(unsigned int vcpu_id, u8 kind, u64 rip, u32 reason, u64 qualification),
	TP_ARGS(vcpu_id, kind, rip, reason, qualification),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(u8, kind)
		__field(u64, rip)
		__field(u32, reason)
		__field(u64, qualification)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->kind = kind;
		__entry->rip = rip;
		__entry->reason = reason;
		__entry->qualification = qualification;
	),

	TP_printk("vcpu %u %s rip 0x%llx reason 0x%x qualification 0x%llx", __entry->vcpu_id,
		  nst_exit_name(__entry->kind), __entry->rip, __entry->reason,
		  __entry->qualification)
);

#endif /* NST_NESTED_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH nested
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
