// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers, segments and control registers, debug registers, pending events
 * and the MP state: what was set is got, what cannot be is refused and changes
 * nothing.
 */
#include <sys/ioctl.h>

#include "api.h"

#define CR0_PE		0x00000001ull
#define CR0_NW		0x20000000ull
#define CR0_CD		0x40000000ull
#define CR0_PG		0x80000000ull
#define CR4_PAE		0x00000020ull
#define EFER_LME	0x00000100ull
#define EFER_LMA	0x00000400ull
#define DR6_ONES	0xffff0ff0ull	/* without RTM and bus-lock detection */
#define DR7_ONES	0x00000400ull
#define EXCEPTION_GP	13
#define EXCEPTION_NMI	2

static struct machine m;
static int cpu;

static void fill(void *at, size_t size, unsigned int seed)
{
	uint8_t *byte = at;
	size_t i;

	for (i = 0; i < size; i++)
		byte[i] = seed + i * 37;
}

static void test_regs(void)
{
	struct kvm_regs set, got;

	fill(&set, sizeof(set), 1);
	set.rflags = 0x202;
	memset(&got, 0, sizeof(got));
	is(call(cpu, KVM_SET_REGS, &set), 0, "SET_REGS");
	is(call(cpu, KVM_GET_REGS, &got), 0, "GET_REGS");
	is(memcmp(&set, &got, sizeof(set)), 0, "REGS: got what was set");
	set.rflags = 0;
	must(cpu, KVM_SET_REGS, &set, "SET_REGS");
	must(cpu, KVM_GET_REGS, &got, "GET_REGS");
	is(got.rflags, 2, "bit 1 of RFLAGS is always one");
	is(call(cpu, KVM_GET_REGS, BAD_POINTER), -EFAULT, "GET_REGS to nowhere");
	is(call(cpu, KVM_SET_REGS, BAD_POINTER), -EFAULT, "SET_REGS from nowhere");
	is(call(cpu, KVM_SET_REGS, KERNEL_POINTER), -EFAULT, "SET_REGS from the kernel");
}

static void set_segment(struct kvm_segment *seg, uint64_t base, unsigned int type)
{
	memset(seg, 0, sizeof(*seg));
	seg->base = base;
	seg->limit = 0xffffffff;
	seg->selector = base >> 20;
	seg->type = type;
	seg->present = 1;
	seg->s = 1;
	seg->g = 1;
	seg->db = 1;
}

static void test_sregs(void)
{
	struct kvm_sregs set, got;

	must(cpu, KVM_GET_SREGS, &set, "GET_SREGS");
	set_segment(&set.cs, 0x100000, 11);
	set_segment(&set.ds, 0x200000, 3);
	set_segment(&set.es, 0x300000, 3);
	set_segment(&set.fs, 0x400000, 3);
	set_segment(&set.gs, 0x500000, 3);
	set_segment(&set.ss, 0x600000, 3);
	set.es.avl = 1;
	set.fs.limit = 0xfffff;
	set.fs.g = 0;
	set.gdt = (struct kvm_dtable){ .base = 0x1234000, .limit = 0x7f };
	set.idt = (struct kvm_dtable){ .base = 0x4321000, .limit = 0xfff };
	set.cr0 |= CR0_PE;
	set.cr2 = 0x123456789abcull;
	set.cr3 = 0x7000;
	set.cr8 = 5;
	is(call(cpu, KVM_SET_SREGS, &set), 0, "SET_SREGS");
	is(call(cpu, KVM_GET_SREGS, &got), 0, "GET_SREGS");
	is(memcmp(&set, &got, sizeof(set)), 0, "SREGS: got what was set");
	set.es.present = 0;
	must(cpu, KVM_SET_SREGS, &set, "SET_SREGS");
	must(cpu, KVM_GET_SREGS, &got, "GET_SREGS");
	is(got.es.unusable, 1, "a segment that is not present is unusable");
	is(call(cpu, KVM_GET_SREGS, BAD_POINTER), -EFAULT, "GET_SREGS to nowhere");
	is(call(cpu, KVM_SET_SREGS, BAD_POINTER), -EFAULT, "SET_SREGS from nowhere");
}

/* A change to sregs that no CPU could hold: bits to set and to clear. */
static const struct {
	const char *name;
	uint64_t cr0, cr4, efer, cr8;
	bool cs_l, cs_db;
	uint64_t cr3, apic_base;
} impossible[] = {
	{ "CR0.PG without CR0.PE", .cr0 = CR0_PG },
	{ "CR0.NW without CR0.CD", .cr0 = CR0_NW },
	{ "high bits of CR0", .cr0 = 1ull << 32 },
	{ "an unknown bit of CR4", .cr4 = 1ull << 31 },
	{ "high bits of CR4", .cr4 = 1ull << 63 },
	{ "an unknown bit of EFER", .efer = 1ull << 9 },
	{ "high bits of EFER", .efer = 1ull << 40 },
	{ "EFER.LMA alone", .efer = EFER_LMA },
	{ "EFER.LMA without paging", .efer = EFER_LMA | EFER_LME },
	{ "paging with EFER.LME but not LMA", .cr0 = CR0_PG | CR0_PE, .cr4 = CR4_PAE,
	  .efer = EFER_LME },
	{ "IA-32e mode without CR4.PAE", .cr0 = CR0_PG | CR0_PE, .efer = EFER_LMA | EFER_LME },
	{ "CS.L outside IA-32e mode", .cs_l = true },
	{ "CS.L with CS.D", .cr0 = CR0_PG | CR0_PE, .cr4 = CR4_PAE,
	  .efer = EFER_LMA | EFER_LME, .cs_l = true, .cs_db = true },
	{ "CR3 too wide in IA-32e mode", .cr0 = CR0_PG | CR0_PE, .cr4 = CR4_PAE,
	  .efer = EFER_LMA | EFER_LME, .cs_l = true, .cr3 = 1ull << 56 },
	{ "CR3 too wide without paging", .cr3 = 1ull << 61 },
	{ "CR8 too high", .cr8 = 16 },
	{ "CR8 too high in IA-32e mode", .cr0 = CR0_PG | CR0_PE, .cr4 = CR4_PAE,
	  .efer = EFER_LMA | EFER_LME, .cs_l = true, .cr8 = 16 },
};

static void test_impossible(void)
{
	struct kvm_sregs base, bad, got;
	unsigned int i;

	must(cpu, KVM_GET_SREGS, &base, "GET_SREGS");
	base.cr0 = 0x10;
	base.cs.db = 0;
	base.cr8 = 0;
	must(cpu, KVM_SET_SREGS, &base, "SET_SREGS");
	must(cpu, KVM_GET_SREGS, &base, "GET_SREGS");
	for (i = 0; i < COUNT(impossible); i++) {
		bad = base;
		bad.cr0 |= impossible[i].cr0;
		bad.cr4 |= impossible[i].cr4;
		bad.efer |= impossible[i].efer;
		bad.cr3 |= impossible[i].cr3;
		bad.cr8 |= impossible[i].cr8;
		bad.cs.l |= impossible[i].cs_l;
		bad.cs.db |= impossible[i].cs_db;
		bad.cr2 = ~base.cr2;
		bad.gdt.base = ~base.gdt.base;
		bad.ds.selector ^= 0x8;
		is(call(cpu, KVM_SET_SREGS, &bad), -EINVAL, "%s", impossible[i].name);
		must(cpu, KVM_GET_SREGS, &got, "GET_SREGS");
		if (!is(memcmp(&base, &got, sizeof(got)), 0, "%s: nothing changed",
			impossible[i].name))
			must(cpu, KVM_SET_SREGS, &base, "SET_SREGS");
	}
}

static void test_debugregs(void)
{
	struct kvm_debugregs set = { .db = { 1, 0x2000, 0x7fffffffffffull, ~0ull } }, got, bad;

	set.dr6 = DR6_ONES | 0x5;
	set.dr7 = DR7_ONES | 0x3;
	is(call(cpu, KVM_SET_DEBUGREGS, &set), 0, "SET_DEBUGREGS");
	memset(&got, 0xaa, sizeof(got));
	is(call(cpu, KVM_GET_DEBUGREGS, &got), 0, "GET_DEBUGREGS");
	is(memcmp(&set, &got, sizeof(set)), 0, "DEBUGREGS: got what was set");
	bad = set;
	bad.db[0] = 77;
	bad.dr6 |= 1ull << 32;
	is(call(cpu, KVM_SET_DEBUGREGS, &bad), -EINVAL, "high bits of DR6");
	bad.dr6 = set.dr6;
	bad.dr7 |= 1ull << 40;
	is(call(cpu, KVM_SET_DEBUGREGS, &bad), -EINVAL, "high bits of DR7");
	bad.dr7 = set.dr7;
	bad.flags = 1;
	is(call(cpu, KVM_SET_DEBUGREGS, &bad), -EINVAL, "flags of DEBUGREGS");
	must(cpu, KVM_GET_DEBUGREGS, &got, "GET_DEBUGREGS");
	is(memcmp(&set, &got, sizeof(set)), 0, "DEBUGREGS: nothing changed");
	is(call(cpu, KVM_GET_DEBUGREGS, BAD_POINTER), -EFAULT, "GET_DEBUGREGS to nowhere");
	is(call(cpu, KVM_SET_DEBUGREGS, BAD_POINTER), -EFAULT, "SET_DEBUGREGS from nowhere");
	memset(&set, 0, sizeof(set));
	set.dr6 = DR6_ONES;
	set.dr7 = DR7_ONES;
	must(cpu, KVM_SET_DEBUGREGS, &set, "SET_DEBUGREGS");
}

static void test_events(void)
{
	struct kvm_vcpu_events none, set, got;

	is(call(cpu, KVM_GET_VCPU_EVENTS, &none), 0, "GET_VCPU_EVENTS");
	set = none;
	set.exception.injected = 1;
	set.exception.nr = EXCEPTION_GP;
	set.exception.has_error_code = 1;
	set.exception.error_code = 0x1234;
	set.nmi.pending = 1;
	set.nmi.masked = 1;
	set.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	set.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	is(call(cpu, KVM_SET_VCPU_EVENTS, &set), 0, "SET_VCPU_EVENTS");
	must(cpu, KVM_GET_VCPU_EVENTS, &got, "GET_VCPU_EVENTS");
	is(memcmp(&set.exception, &got.exception, sizeof(got.exception)), 0,
	   "EVENTS: the exception");
	tap_ok(got.nmi.pending == 1 && got.nmi.masked && !got.nmi.injected, "EVENTS: the NMI");
	is(got.interrupt.shadow, KVM_X86_SHADOW_INT_STI, "EVENTS: the shadow");
	set = none;
	set.interrupt.injected = 1;
	set.interrupt.nr = 0x41;
	must(cpu, KVM_SET_VCPU_EVENTS, &set, "SET_VCPU_EVENTS");
	must(cpu, KVM_GET_VCPU_EVENTS, &got, "GET_VCPU_EVENTS");
	tap_ok(got.interrupt.injected && got.interrupt.nr == 0x41 && !got.exception.injected,
	       "EVENTS: an interrupt instead");
	set.exception.injected = 1;
	set.exception.nr = 32;
	is(call(cpu, KVM_SET_VCPU_EVENTS, &set), -EINVAL, "an exception that is none");
	set.exception.nr = EXCEPTION_NMI;
	is(call(cpu, KVM_SET_VCPU_EVENTS, &set), -EINVAL, "an NMI as exception");
	set = none;
	set.flags = 1u << 31;
	is(call(cpu, KVM_SET_VCPU_EVENTS, &set), -EINVAL, "an unknown flag of EVENTS");
	must(cpu, KVM_GET_VCPU_EVENTS, &got, "GET_VCPU_EVENTS");
	is(got.interrupt.nr, 0x41, "EVENTS: nothing changed");
	is(call(cpu, KVM_GET_VCPU_EVENTS, BAD_POINTER), -EFAULT, "GET_VCPU_EVENTS to nowhere");
	is(call(cpu, KVM_SET_VCPU_EVENTS, BAD_POINTER), -EFAULT, "SET_VCPU_EVENTS from nowhere");
	is(call(cpu, KVM_SET_VCPU_EVENTS, &none), 0, "no event again");
}

static void test_nmi(void)
{
	struct kvm_vcpu_events events;
	unsigned int i;

	for (i = 0; i < 5; i++)
		is(call(cpu, KVM_NMI, NULL), 0, "NMI %u", i);
	must(cpu, KVM_GET_VCPU_EVENTS, &events, "GET_VCPU_EVENTS");
	tap_ok(events.nmi.pending == 1 || events.nmi.pending == 2,
	       "NMIs are pending, two at most (%u)", events.nmi.pending);
	memset(&events, 0, sizeof(events));
	events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING;
	must(cpu, KVM_SET_VCPU_EVENTS, &events, "SET_VCPU_EVENTS");
	must(cpu, KVM_GET_VCPU_EVENTS, &events, "GET_VCPU_EVENTS");
	is(events.nmi.pending, 0, "they can be withdrawn");
}

static void test_mp_state(int fd, bool irqchip)
{
	static const unsigned int states[] = {
		KVM_MP_STATE_UNINITIALIZED, KVM_MP_STATE_INIT_RECEIVED, KVM_MP_STATE_HALTED,
		KVM_MP_STATE_SIPI_RECEIVED, KVM_MP_STATE_RUNNABLE,
	};
	const char *with = irqchip ? "with irqchip" : "without irqchip";
	struct kvm_mp_state state = { 77 };
	unsigned int i;

	is(call(fd, KVM_GET_MP_STATE, &state), 0, "GET_MP_STATE %s", with);
	is(state.mp_state, KVM_MP_STATE_RUNNABLE, "vCPU 0 starts runnable %s", with);
	for (i = 0; i < COUNT(states); i++) {
		bool good = irqchip || states[i] == KVM_MP_STATE_RUNNABLE;

		state.mp_state = states[i];
		is(call(fd, KVM_SET_MP_STATE, &state), good ? 0 : -EINVAL,
		   "SET_MP_STATE %u %s", states[i], with);
		must(fd, KVM_GET_MP_STATE, &state, "GET_MP_STATE");
		if (states[i] != KVM_MP_STATE_SIPI_RECEIVED)
			is(state.mp_state, good ? states[i] : KVM_MP_STATE_RUNNABLE,
			   "state %u %s", states[i], with);
	}
	for (i = KVM_MP_STATE_STOPPED; i < 20; i++) {
		state.mp_state = i;
		is(call(fd, KVM_SET_MP_STATE, &state), -EINVAL, "SET_MP_STATE %u %s", i, with);
	}
	is(call(fd, KVM_GET_MP_STATE, BAD_POINTER), -EFAULT, "GET_MP_STATE to nowhere");
	is(call(fd, KVM_SET_MP_STATE, BAD_POINTER), -EFAULT, "SET_MP_STATE from nowhere");
}

static void test_translate(void)
{
	struct kvm_translation tr = { .linear_address = 0x4567 };

	CODE(&m, 0, 0xf4);
	is(call(cpu, KVM_TRANSLATE, &tr), 0, "TRANSLATE without paging");
	tap_ok(tr.valid && tr.physical_address == 0x4567, "is the identity");
	is(call(cpu, KVM_TRANSLATE, BAD_POINTER), -EFAULT, "TRANSLATE from nowhere");
}

static void test_with_irqchip(void)
{
	struct kvm_sregs base, bad, got;
	struct kvm_mp_state state;
	struct machine other;

	api_create(&other, API_IRQCHIP | API_CPUID, 2);
	test_mp_state(other.cpu[0], true);
	must(other.cpu[1], KVM_GET_MP_STATE, &state, "GET_MP_STATE");
	is(state.mp_state, KVM_MP_STATE_UNINITIALIZED, "vCPU 1 waits to be started");
	must(other.cpu[0], KVM_GET_SREGS, &base, "GET_SREGS");
	bad = base;
	bad.apic_base |= 1ull << 60;
	bad.cr2 = 0x1000;
	is(call(other.cpu[0], KVM_SET_SREGS, &bad), -EINVAL, "high bits of apic_base");
	bad.apic_base = (base.apic_base & ~(1ull << 11)) | 1ull << 10;
	is(call(other.cpu[0], KVM_SET_SREGS, &bad), -EINVAL, "x2APIC without xAPIC");
	must(other.cpu[0], KVM_GET_SREGS, &got, "GET_SREGS");
	is(memcmp(&base, &got, sizeof(got)), 0, "nothing changed");
	bad = base;
	bad.cr8 = 9;
	must(other.cpu[0], KVM_SET_SREGS, &bad, "SET_SREGS");
	must(other.cpu[0], KVM_GET_SREGS, &got, "GET_SREGS");
	is(got.cr8, 9, "CR8 by way of the APIC");
	api_destroy(&other);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_CPUID, 1);
	cpu = m.cpu[0];
	test_mp_state(cpu, false);
	test_regs();
	test_sregs();
	test_impossible();
	test_debugregs();
	test_events();
	test_nmi();
	test_translate();
	test_with_irqchip();
	CODE(&m, 0, 0xf4);
	is(call(cpu, KVM_RUN, NULL), 0, "after all that the vCPU runs");
	is(m.run[0]->exit_reason, KVM_EXIT_HLT, "to HLT");
	api_destroy(&m);
	return tap_done();
}
