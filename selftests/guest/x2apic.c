// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC through MSRs: switching modes, which registers exist, which writes
 * fault, self IPI. SDM3 "Extended XAPIC (x2APIC)".
 */
#ifdef GUEST
#include "apic.h"

#define STATES		"SDM3 \"x2APIC State Transitions\""
#define SPACE		"SDM3 \"x2APIC Register Address Space\""
#define VECTOR		0x43

static bool has_x2apic(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] >> 21 & 1))
		skip("CPUID shows no x2APIC");
	return r[2] >> 21 & 1;
}

GUEST_CASE(transitions, STATES, .flags = CASE_IRQCHIP)
{
	u64 base = rdmsr(MSR_APICBASE), value;

	if (!has_x2apic())
		return;
	check((base & (APICBASE_ENABLE | APICBASE_BSP)) == (APICBASE_ENABLE | APICBASE_BSP),
	      "starts as xAPIC of the bootstrap processor (%lx)", base);
	check(try_rdmsr(MSR_X2APIC + APIC_ID / 16, &value) == VEC_GP,
	      "its MSRs fault in xAPIC mode");
	apic_enable_x2();
	check(try_rdmsr(MSR_X2APIC + APIC_ID / 16, &value) == VEC_NONE && value == 0,
	      "the ID by MSR");
	check(try_wrmsr(MSR_APICBASE, base) == VEC_GP, "x2APIC to xAPIC faults");
	check(try_wrmsr(MSR_APICBASE, base & ~APICBASE_ENABLE) == VEC_NONE,
	      "x2APIC to disabled works");
	check(try_wrmsr(MSR_APICBASE, (base & ~APICBASE_ENABLE) | APICBASE_X2APIC) == VEC_GP,
	      "disabled with EXTD faults");
	check(try_wrmsr(MSR_APICBASE, base | APICBASE_X2APIC) == VEC_GP,
	      "disabled to x2APIC faults");
	check(try_wrmsr(MSR_APICBASE, base) == VEC_NONE, "disabled to xAPIC works");
	check(try_wrmsr(MSR_APICBASE, base | 1) == VEC_GP, "a reserved bit faults");
}

GUEST_CASE(registers, SPACE, .flags = CASE_IRQCHIP)
{
	u64 value;

	if (!has_x2apic())
		return;
	apic_enable_x2();
	check(try_wrmsr(MSR_X2APIC + APIC_ID / 16, 0) == VEC_GP, "ID is read-only");
	check(try_wrmsr(MSR_X2APIC + APIC_VERSION / 16, 0) == VEC_GP, "version is read-only");
	check(try_rdmsr(MSR_X2APIC + APIC_EOI / 16, &value) == VEC_GP, "EOI is write-only");
	check(try_wrmsr(MSR_X2APIC + APIC_EOI / 16, 1) == VEC_GP, "EOI takes only 0");
	check(try_rdmsr(MSR_X2APIC + APIC_DFR / 16, &value) == VEC_GP, "no DFR");
	check(try_rdmsr(MSR_X2APIC + APIC_ICR_HIGH / 16, &value) == VEC_GP, "no upper ICR");
	check(try_wrmsr(MSR_X2APIC + APIC_LDR / 16, 1) == VEC_GP, "LDR is read-only");
	check(try_wrmsr(MSR_X2APIC + APIC_TPR / 16, 0x100) == VEC_GP, "TPR's reserved bits");
	check(try_wrmsr(MSR_X2APIC + APIC_TPR / 16, 1ul << 32) == VEC_GP, "TPR's upper half");
	check(try_wrmsr(MSR_X2APIC + APIC_ESR / 16, 1) == VEC_GP, "ESR takes only 0");
	check(try_rdmsr(MSR_X2APIC + 0x0b0, &value) == VEC_GP, "a register that is not there");
	check(rdmsr(MSR_X2APIC + APIC_LDR / 16) == 1, "LDR is made from the ID");
}

GUEST_CASE(self_ipi, "SDM3 \"SELF IPI Register\"", .flags = CASE_IRQCHIP)
{
	if (!has_x2apic())
		return;
	apic_enable_x2();
	wrmsr(MSR_X2APIC + APIC_SELF_IPI / 16, VECTOR);
	open_window();
	check(irq_count[VECTOR] == 1, "SELF IPI arrives");
	wrmsr(MSR_X2APIC + APIC_ICR / 16, ICR_SELF | ICR_ASSERT | VECTOR);
	open_window();
	check(irq_count[VECTOR] == 2, "ICR with the self shorthand arrives");
	wrmsr(MSR_X2APIC + APIC_ICR / 16, ICR_LOGICAL | ICR_ASSERT | VECTOR | 1ul << 32);
	open_window();
	check(irq_count[VECTOR] == 3, "and a logical destination");
	check(try_wrmsr(MSR_X2APIC + APIC_SELF_IPI / 16, 0x100) == VEC_GP,
	      "SELF IPI's reserved bits fault");
}

GUEST_CASE(tpr, SPACE, .flags = CASE_IRQCHIP)
{
	if (!has_x2apic())
		return;
	apic_enable_x2();
	wrmsr(MSR_X2APIC + APIC_TPR / 16, 0x50);
	check(READ_CR(8) == 5, "TPR by MSR shows in CR8");
	WRITE_CR(8, 3);
	check(rdmsr(MSR_X2APIC + APIC_TPR / 16) == 0x30, "and CR8 in TPR");
	WRITE_CR(8, 0);
}
#endif /* GUEST */
