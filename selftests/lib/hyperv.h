/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hyper-V's interface for both halves of a test: the numbers of TLFS, for the guest how
 * to call, for the host a CPUID that has it.
 */
#ifndef NST_TEST_HYPERV_H
#define NST_TEST_HYPERV_H

#define HV_LEAF_INTERFACE	0x40000001
#define HV_LEAF_FEATURES	0x40000003
#define HV_LEAF_HINTS		0x40000004

#define HV_GUEST_OS_ID		0x40000000
#define HV_HYPERCALL		0x40000001
#define HV_VP_INDEX		0x40000002
#define HV_RESET		0x40000003
#define HV_VP_RUNTIME		0x40000010
#define HV_TIME			0x40000020
#define HV_TSC_PAGE		0x40000021
#define HV_TSC_FREQUENCY	0x40000022
#define HV_APIC_FREQUENCY	0x40000023
#define HV_EOI			0x40000070
#define HV_ICR			0x40000071
#define HV_TPR			0x40000072
#define HV_ASSIST		0x40000073
#define HV_SCONTROL		0x40000080
#define HV_SVERSION		0x40000081
#define HV_SIEFP		0x40000082
#define HV_SIMP			0x40000083
#define HV_EOM			0x40000084
#define HV_SINT(n)		(0x40000090 + (n))
#define HV_STIMER_CONFIG(n)	(0x400000b0 + 2 * (n))
#define HV_STIMER_COUNT(n)	(0x400000b1 + 2 * (n))
#define HV_CRASH_P(n)		(0x40000100 + (n))
#define HV_CRASH_CTL		0x40000105
#define HV_REENLIGHTENMENT	0x40000106
#define HV_TSC_EMULATION	0x40000107
#define HV_TSC_STATUS		0x40000108

#define HV_PAGE_ON		1ul
#define HV_CRASH_NOTIFY		(1ul << 63)
#define HV_SINT_MASKED		(1ul << 16)
#define HV_SINT_AUTO_EOI	(1ul << 17)
#define HV_STIMER_ON		(1ul << 0)
#define HV_STIMER_PERIODIC	(1ul << 1)
#define HV_STIMER_AUTO		(1ul << 3)
#define HV_STIMER_VECTOR(v)	((u64)(v) << 4)
#define HV_STIMER_DIRECT	(1ul << 12)
#define HV_STIMER_SINT(n)	((u64)(n) << 16)

#define HV_CALL_FLUSH		0x0002
#define HV_CALL_FLUSH_LIST	0x0003
#define HV_CALL_LONG_SPIN	0x0008
#define HV_CALL_SEND_IPI	0x000b
#define HV_CALL_FLUSH_EX	0x0013
#define HV_CALL_SEND_IPI_EX	0x0015
#define HV_CALL_POST_MESSAGE	0x005c
#define HV_CALL_SIGNAL_EVENT	0x005d
#define HV_FAST			(1ul << 16)
#define HV_VAR(n)		((u64)(n) << 17)
#define HV_REPS(n)		((u64)(n) << 32)
#define HV_REP_START(n)		((u64)(n) << 48)

#define HV_SUCCESS		0
#define HV_INVALID_CODE		2
#define HV_INVALID_INPUT	3
#define HV_INVALID_ALIGNMENT	4
#define HV_INVALID_PARAMETER	5

#ifdef GUEST
#include "guest.h"

#define HV_LINUX_ID		(0x8100ul << 48)
#define HV_CALL_PAGE		((u64)GUEST_SCRATCH + 0x10000)
#define HV_INPUT		((u64)GUEST_SCRATCH + 0x11000)
#define HV_OUTPUT		((u64)GUEST_SCRATCH + 0x12000)

/* Tell a name and turn the page with the code on. */
static inline void hv_begin(void)
{
	wrmsr(HV_GUEST_OS_ID, HV_LINUX_ID);
	wrmsr(HV_HYPERCALL, HV_CALL_PAGE | HV_PAGE_ON);
}

/* Through the page, as guests do. */
static inline u64 hv_call(u64 control, u64 in, u64 out)
{
	register u64 r8 asm("r8") = out;
	u64 result;

	asm volatile("call *%[page]" : "=a"(result), "+c"(control), "+d"(in), "+r"(r8)
		     : [page] "r"(HV_CALL_PAGE) : "memory", "cc", "r9", "r10", "r11");
	return result;
}

/* The vector that the instruction raised; the result is lost. */
#define hv_call_trap(control, in)					\
	({								\
		u64 control_ = (control), in_ = (in), page_ = HV_CALL_PAGE; \
									\
		PROBE("call *%[page_]", : "+c"(control_), "+d"(in_),	\
		      [page_] "+r"(page_) : : "rax", "r8", "r9", "r10", "r11", "memory", "cc"); \
	})
#else
#include <stdint.h>

struct vm;

/* Every vCPU gets all of the interface that there is, its leaves in place of KVM's. */
void hv_offer(struct vm *vm);
/* The same, but for bits of a leaf's EDX. */
void hv_offer_without(struct vm *vm, uint32_t leaf, uint32_t edx);
/* The same, with the synthetic interrupt controller on. */
void hv_offer_synic(struct vm *vm);
#endif /* GUEST */

#endif /* NST_TEST_HYPERV_H */
