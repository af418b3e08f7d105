// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits and back: what one instruction that the hypervisor handles costs, in
 * ticks of the TSC. Under an emulator that counts instructions these are host
 * instructions, the same in every run.
 */
#define PORT_USER	0xec		/* answered in userspace, by a hook that does nothing */

#ifdef GUEST
#include "apic.h"

#define SECTION		"selftests/bench/run"
#define ROUNDS		9
#define TIMES		20
#define MSR_EFER	0xc0000080
#define PIC_MASK	0x21
#define CR4_PGE		(1ul << 7)
#define VECTOR		0x71

static u64 apic_base;
static volatile u32 came;

static void report(const char *name, void (*op)(void))
{
	u64 best = ~0ul, start, took;
	u32 round, i;

	for (round = 0; round < ROUNDS; round++) {
		op();
		start = rdtsc();
		for (i = 0; i < TIMES; i++)
			op();
		took = (rdtsc() - start) / TIMES;
		if (took < best)
			best = took;
	}
	note("bench exits %s %lu", name, best);
	check(best, "%s took its time", name);
}

static void op_cpuid(void)
{
	u32 r[4];

	cpuid(1, 0, r);
}

static void op_pic_read(void)
{
	inb(PIC_MASK);
}

static void op_pic_write(void)
{
	outb(PIC_MASK, 0xff);
}

static void op_user_port(void)
{
	outb(PORT_USER, 0);
}

static void op_user_mmio(void)
{
	mmio_read(GUEST_MMIO);
}

static void op_msr_read(void)
{
	rdmsr(MSR_APICBASE);
}

static void op_efer(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER));
}

static void op_apic_read(void)
{
	mmio_read(APIC_BASE + APIC_VERSION);
}

static void op_apic_write(void)
{
	mmio_write(APIC_BASE + APIC_ICR_HIGH, 0);
}

static void op_cr4(void)
{
	u64 cr4 = READ_CR(4);

	WRITE_CR(4, cr4 ^ CR4_DE);
	WRITE_CR(4, cr4);
}

static void op_cr4_global(void)
{
	u64 cr4 = READ_CR(4);

	WRITE_CR(4, cr4 ^ CR4_PGE);
	WRITE_CR(4, cr4);
}

static void op_cr0(void)
{
	u64 cr0 = READ_CR(0);

	WRITE_CR(0, cr0 ^ CR0_WP);
	WRITE_CR(0, cr0);
}

static void op_self_ipi(void)
{
	apic_write(APIC_ICR, ICR_SELF | ICR_ASSERT | VECTOR);
	open_window();
}

static void op_x2apic_read(void)
{
	rdmsr(MSR_X2APIC + (APIC_VERSION >> 4));
}

static void op_x2apic_self(void)
{
	wrmsr(MSR_X2APIC + (APIC_SELF_IPI >> 4), VECTOR);
	open_window();
}

static void on_ipi(struct frame *frame)
{
	came++;
	apic_write(APIC_EOI, 0);
}

static void in_x2apic(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] & 1 << 21))
		return;
	wrmsr(MSR_APICBASE, apic_base | APICBASE_X2APIC);
	report("x2APIC read", op_x2apic_read);
	report("x2APIC self IPI and EOI", op_x2apic_self);
}

GUEST_CASE(exits, SECTION, .flags = CASE_IRQCHIP)
{
	apic_base = rdmsr(MSR_APICBASE);
	trap_hook[VECTOR] = on_ipi;
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);

	report("CPUID", op_cpuid);
	report("port read, PIC", op_pic_read);
	report("port write, PIC", op_pic_write);
	report("port write, userspace", op_user_port);
	report("MMIO read, userspace", op_user_mmio);
	report("RDMSR APIC_BASE", op_msr_read);
	report("EFER read and write", op_efer);
	report("APIC MMIO read", op_apic_read);
	report("APIC MMIO write", op_apic_write);
	report("CR4 two writes, DE", op_cr4);
	report("CR4 two writes, PGE", op_cr4_global);
	report("CR0 two writes, WP", op_cr0);
	came = 0;
	report("self IPI and EOI", op_self_ipi);
	check(came == ROUNDS * (TIMES + 1), "every IPI came (%u)", came);
	in_x2apic();
}

#else /* host half */
#include <string.h>

#include "guest_test.h"

static bool nothing(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason == KVM_EXIT_MMIO) {
		memset(run->mmio.data, 0, sizeof(run->mmio.data));
		return true;
	}
	return run->exit_reason == KVM_EXIT_IO && run->io.port == PORT_USER;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .exit = nothing }, { 0 }
};
#endif /* GUEST */
