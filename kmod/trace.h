/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints.  They carry KVM's names and fields, so that "perf kvm" and
 * trace-cmd understand them; ours add the neutral kind of an exit and who runs: L1
 * is the guest, L2 a guest of its.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm

#if !defined(NST_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NST_TRACE_H

#include <linux/tracepoint.h>
#include "vcpu.h"

/* Values of the "type" field, which perf compares with numbers. */
#define KVM_TRACE_MMIO_READ_UNSATISFIED	0
#define KVM_TRACE_MMIO_READ		1
#define KVM_TRACE_MMIO_WRITE		2
#define KVM_TRACE_PIO_IN		0
#define KVM_TRACE_PIO_OUT		1
/* The "isa" field of kvm_exit. */
#define KVM_TRACE_ISA_VMX		1
#define KVM_TRACE_ISA_SVM		2

TRACE_EVENT(kvm_entry,
	TP_PROTO(struct nst_vcpu *vcpu),
	TP_ARGS(vcpu),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(unsigned long, rip)
		__field(u8, level)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu->id;
		__entry->rip = vcpu->st.rip;
		__entry->level = vcpu->l1 ? 2 : 1;
	),

	TP_printk("vcpu %u, rip 0x%lx L%u", __entry->vcpu_id, __entry->rip, __entry->level)
);

TRACE_EVENT(kvm_exit,
	TP_PROTO(struct nst_vcpu *vcpu),
	TP_ARGS(vcpu),

	TP_STRUCT__entry(
		__field(unsigned int, exit_reason)
		__field(unsigned long, guest_rip)
		__field(u32, isa)
		__field(u64, info1)
		__field(u64, info2)
		__field(u32, intr_info)
		__field(u32, error_code)
		__field(unsigned int, vcpu_id)
		__field(u8, kind)
		__field(u8, level)
	),

	TP_fast_assign(
		__entry->exit_reason = vcpu->exit.raw_reason;
		__entry->guest_rip = vcpu->st.rip;
		__entry->isa = nst_backend == &vmx_backend ? KVM_TRACE_ISA_VMX
							   : KVM_TRACE_ISA_SVM;
		__entry->info1 = vcpu->exit.info1;
		__entry->info2 = vcpu->exit.info2;
		__entry->intr_info = vcpu->exit.intr_info;
		__entry->error_code = vcpu->exit.intr_error;
		__entry->vcpu_id = vcpu->id;
		__entry->kind = vcpu->exit.kind;
		__entry->level = vcpu->l1 ? 2 : 1;
	),

	TP_printk("vcpu %u reason %s (%u) rip 0x%lx info1 0x%016llx info2 0x%016llx intr_info 0x%08x error_code 0x%08x L%u",
		  __entry->vcpu_id, nst_exit_name(__entry->kind), __entry->exit_reason,
		  __entry->guest_rip, __entry->info1, __entry->info2,
		  __entry->intr_info, __entry->error_code, __entry->level)
);

TRACE_EVENT(kvm_userspace_exit,
	TP_PROTO(__u32 reason, int errno),
	TP_ARGS(reason, errno),

	TP_STRUCT__entry(
		__field(__u32, reason)
		__field(int, errno)
	),

	TP_fast_assign(
		__entry->reason = reason;
		__entry->errno = errno;
	),

	TP_printk("reason %u errno %d", __entry->reason, __entry->errno)
);

TRACE_EVENT(kvm_inj_virq,
	TP_PROTO(unsigned int vector, bool soft, bool reinjected),
	TP_ARGS(vector, soft, reinjected),

	TP_STRUCT__entry(
		__field(unsigned int, vector)
		__field(bool, soft)
		__field(bool, reinjected)
	),

	TP_fast_assign(
		__entry->vector = vector;
		__entry->soft = soft;
		__entry->reinjected = reinjected;
	),

	TP_printk("%s 0x%x%s", __entry->soft ? "soft" : "irq", __entry->vector,
		  __entry->reinjected ? " again" : "")
);

TRACE_EVENT(kvm_inj_exception,
	TP_PROTO(u8 exception, bool has_error, u32 error_code),
	TP_ARGS(exception, has_error, error_code),

	TP_STRUCT__entry(
		__field(u8, exception)
		__field(bool, has_error)
		__field(u32, error_code)
	),

	TP_fast_assign(
		__entry->exception = exception;
		__entry->has_error = has_error;
		__entry->error_code = error_code;
	),

	TP_printk("vector %u error 0x%x", __entry->exception,
		  __entry->has_error ? __entry->error_code : 0)
);

TRACE_EVENT(kvm_cpuid,
	TP_PROTO(u32 function, u32 index, u32 rax, u32 rbx, u32 rcx, u32 rdx, bool found,
		 bool used_max_basic),
	TP_ARGS(function, index, rax, rbx, rcx, rdx, found, used_max_basic),

	TP_STRUCT__entry(
		__field(u32, function)
		__field(u32, index)
		__field(unsigned long, rax)
		__field(unsigned long, rbx)
		__field(unsigned long, rcx)
		__field(unsigned long, rdx)
		__field(bool, found)
		__field(bool, used_max_basic)
	),

	TP_fast_assign(
		__entry->function = function;
		__entry->index = index;
		__entry->rax = rax;
		__entry->rbx = rbx;
		__entry->rcx = rcx;
		__entry->rdx = rdx;
		__entry->found = found;
		__entry->used_max_basic = used_max_basic;
	),

	TP_printk("leaf 0x%x/0x%x: %lx %lx %lx %lx", __entry->function, __entry->index,
		  __entry->rax, __entry->rbx, __entry->rcx, __entry->rdx)
);

TRACE_EVENT(kvm_msr,
	TP_PROTO(bool write, u32 ecx, u64 data, bool exception),
	TP_ARGS(write, ecx, data, exception),

	TP_STRUCT__entry(
		__field(bool, write)
		__field(u32, ecx)
		__field(u64, data)
		__field(u8, exception)
	),

	TP_fast_assign(
		__entry->write = write;
		__entry->ecx = ecx;
		__entry->data = data;
		__entry->exception = exception;
	),

	TP_printk("%s 0x%x = 0x%llx%s", __entry->write ? "write" : "read", __entry->ecx,
		  __entry->data, __entry->exception ? " #GP" : "")
);

TRACE_EVENT(kvm_pio,
	TP_PROTO(unsigned int rw, unsigned int port, unsigned int size, unsigned int count,
		 const void *data),
	TP_ARGS(rw, port, size, count, data),

	TP_STRUCT__entry(
		__field(unsigned int, rw)
		__field(unsigned int, port)
		__field(unsigned int, size)
		__field(unsigned int, count)
		__field(unsigned int, val)
	),

	TP_fast_assign(
		__entry->rw = rw;
		__entry->port = port;
		__entry->size = size;
		__entry->count = count;
		__entry->val = 0;
		memcpy(&__entry->val, data, min_t(size_t, size, sizeof(__entry->val)));
	),

	TP_printk("%s port 0x%x size %u count %u val 0x%x",
		  __entry->rw == KVM_TRACE_PIO_OUT ? "write" : "read", __entry->port,
		  __entry->size, __entry->count, __entry->val)
);

TRACE_EVENT(kvm_mmio,
	TP_PROTO(int type, int len, u64 gpa, const void *data),
	TP_ARGS(type, len, gpa, data),

	TP_STRUCT__entry(
		__field(u32, type)
		__field(u32, len)
		__field(u64, gpa)
		__field(u64, val)
	),

	TP_fast_assign(
		__entry->type = type;
		__entry->len = len;
		__entry->gpa = gpa;
		__entry->val = 0;
		memcpy(&__entry->val, data, min_t(size_t, len, sizeof(__entry->val)));
	),

	TP_printk("%s len %u gpa 0x%llx val 0x%llx",
		  __entry->type == KVM_TRACE_MMIO_WRITE ? "write" : "read", __entry->len,
		  __entry->gpa, __entry->val)
);

TRACE_EVENT(kvm_smm_transition,
	TP_PROTO(unsigned int vcpu_id, u64 smbase, bool entering),
	TP_ARGS(vcpu_id, smbase, entering),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(u64, smbase)
		__field(bool, entering)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->smbase = smbase;
		__entry->entering = entering;
	),

	TP_printk("vcpu %u: %s SMM, smbase 0x%llx", __entry->vcpu_id,
		  __entry->entering ? "entering" : "leaving", __entry->smbase)
);

TRACE_EVENT(kvm_page_fault,
	TP_PROTO(unsigned long rip, u64 fault_address, u64 error_code),
	TP_ARGS(rip, fault_address, error_code),

	TP_STRUCT__entry(
		__field(unsigned long, rip)
		__field(u64, fault_address)
		__field(u64, error_code)
	),

	TP_fast_assign(
		__entry->rip = rip;
		__entry->fault_address = fault_address;
		__entry->error_code = error_code;
	),

	TP_printk("rip 0x%lx address 0x%016llx error_code 0x%llx", __entry->rip,
		  __entry->fault_address, __entry->error_code)
);

#endif /* NST_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
