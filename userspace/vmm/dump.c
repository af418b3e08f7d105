// SPDX-License-Identifier: GPL-2.0-only
/*
 * Post-mortem text: the exit's name and operands, then the registers. Calls
 * only the library, from the vCPU's own thread.
 */
#include <stdio.h>

#include "vmm/dump.h"

struct name {
	u32 value;
	const char *text;
};

static const struct name exit_names[] = {
	{ KVM_EXIT_UNKNOWN, "UNKNOWN" },
	{ KVM_EXIT_EXCEPTION, "EXCEPTION" },
	{ KVM_EXIT_IO, "IO" },
	{ KVM_EXIT_HYPERCALL, "HYPERCALL" },
	{ KVM_EXIT_DEBUG, "DEBUG" },
	{ KVM_EXIT_HLT, "HLT" },
	{ KVM_EXIT_MMIO, "MMIO" },
	{ KVM_EXIT_IRQ_WINDOW_OPEN, "IRQ_WINDOW_OPEN" },
	{ KVM_EXIT_SHUTDOWN, "SHUTDOWN" },
	{ KVM_EXIT_FAIL_ENTRY, "FAIL_ENTRY" },
	{ KVM_EXIT_INTR, "INTR" },
	{ KVM_EXIT_SET_TPR, "SET_TPR" },
	{ KVM_EXIT_TPR_ACCESS, "TPR_ACCESS" },
	{ KVM_EXIT_NMI, "NMI" },
	{ KVM_EXIT_INTERNAL_ERROR, "INTERNAL_ERROR" },
	{ KVM_EXIT_SYSTEM_EVENT, "SYSTEM_EVENT" },
	{ KVM_EXIT_IOAPIC_EOI, "IOAPIC_EOI" },
	{ KVM_EXIT_X86_RDMSR, "X86_RDMSR" },
	{ KVM_EXIT_X86_WRMSR, "X86_WRMSR" },
	{ KVM_EXIT_DIRTY_RING_FULL, "DIRTY_RING_FULL" },
	{ KVM_EXIT_X86_BUS_LOCK, "X86_BUS_LOCK" },
	{ KVM_EXIT_NOTIFY, "NOTIFY" },
};

static const struct name suberror_names[] = {
	{ KVM_INTERNAL_ERROR_EMULATION, "an instruction could not be emulated" },
	{ KVM_INTERNAL_ERROR_SIMUL_EX, "two exceptions at once" },
	{ KVM_INTERNAL_ERROR_DELIVERY_EV, "an event could not be delivered" },
	{ KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, "the hardware gave an unexpected reason" },
};

static const char *name_in(const struct name *names, size_t nr, u32 value)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (names[i].value == value)
			return names[i].text;
	return "unknown";
}

static void dump_internal_error(const struct kvm_run *run)
{
	u32 i, n = run->internal.ndata;

	if (n > ARRAY_SIZE(run->internal.data))
		n = ARRAY_SIZE(run->internal.data);
	fprintf(stderr, "  suberror %u: %s;", run->internal.suberror,
		name_in(suberror_names, ARRAY_SIZE(suberror_names), run->internal.suberror));
	for (i = 0; i < n; i++)
		fprintf(stderr, " %016llx", (unsigned long long)run->internal.data[i]);
	fprintf(stderr, "\n");
}

/**
 * dump_exit() - Say which exit ended the guest, and where it was
 * @vcpu: a vCPU of the calling thread, just back from the guest
 */
void dump_exit(const struct nl_vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	fprintf(stderr, "nestor: vCPU %u cannot go on: exit %u (%s)\n", vcpu->id, run->exit_reason,
		name_in(exit_names, ARRAY_SIZE(exit_names), run->exit_reason));
	switch (run->exit_reason) {
	case KVM_EXIT_FAIL_ENTRY:
		fprintf(stderr, "  the hardware refused to enter the guest, reason 0x%llx\n",
			(unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_UNKNOWN:
		fprintf(stderr, "  hardware exit reason 0x%llx\n",
			(unsigned long long)run->hw.hardware_exit_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		dump_internal_error(run);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		fprintf(stderr, "  system event %u\n", run->system_event.type);
		break;
	}
	dump_registers(vcpu);
}

static const char *line_start(unsigned int i)
{
	return i ? "\n  " : "  ";
}

static void dump_general(const struct kvm_regs *r)
{
	const struct {
		const char *name;
		u64 value;
	} rows[] = {
		{ "rax", r->rax }, { "rbx", r->rbx }, { "rcx", r->rcx }, { "rdx", r->rdx },
		{ "rsi", r->rsi }, { "rdi", r->rdi }, { "rsp", r->rsp }, { "rbp", r->rbp },
		{ "r8 ", r->r8 }, { "r9 ", r->r9 }, { "r10", r->r10 }, { "r11", r->r11 },
		{ "r12", r->r12 }, { "r13", r->r13 }, { "r14", r->r14 }, { "r15", r->r15 },
		{ "rip", r->rip }, { "rfl", r->rflags },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		fprintf(stderr, "%s%s %016llx", i % 4 ? " " : line_start(i), rows[i].name,
			(unsigned long long)rows[i].value);
	fputc('\n', stderr);
}

static void dump_segment(const char *name, const struct kvm_segment *s)
{
	fprintf(stderr, "  %s %04x base %016llx limit %08x type %x ", name, s->selector,
		(unsigned long long)s->base, s->limit, s->type);
	fprintf(stderr, "s %u dpl %u p %u l %u db %u g %u%s\n", s->s, s->dpl, s->present, s->l,
		s->db, s->g, s->unusable ? " unusable" : "");
}

static void dump_system(const struct kvm_sregs *s)
{
	dump_segment("cs ", &s->cs);
	dump_segment("ss ", &s->ss);
	dump_segment("ds ", &s->ds);
	dump_segment("es ", &s->es);
	dump_segment("fs ", &s->fs);
	dump_segment("gs ", &s->gs);
	dump_segment("tr ", &s->tr);
	dump_segment("ldt", &s->ldt);
	fprintf(stderr, "  gdt %016llx limit %04x  idt %016llx limit %04x\n",
		(unsigned long long)s->gdt.base, s->gdt.limit, (unsigned long long)s->idt.base,
		s->idt.limit);
	fprintf(stderr, "  cr0 %llx cr2 %llx cr3 %llx cr4 %llx cr8 %llx efer %llx apic %llx\n",
		(unsigned long long)s->cr0, (unsigned long long)s->cr2,
		(unsigned long long)s->cr3, (unsigned long long)s->cr4,
		(unsigned long long)s->cr8, (unsigned long long)s->efer,
		(unsigned long long)s->apic_base);
}

/**
 * dump_registers() - Print what can be read of a vCPU's registers
 * @vcpu: a vCPU of the calling thread
 */
void dump_registers(const struct nl_vcpu *vcpu)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (nl_vcpu_get_regs(vcpu, &regs) == 0)
		dump_general(&regs);
	else
		fprintf(stderr, "  %s\n", nl_error());
	if (nl_vcpu_get_sregs(vcpu, &sregs) == 0)
		dump_system(&sregs);
	else
		fprintf(stderr, "  %s\n", nl_error());
}
