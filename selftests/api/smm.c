// SPDX-License-Identifier: GPL-2.0-only
/*
 * System-management mode as userspace sees it: KVM_SMI, the SMI fields of
 * KVM_GET/SET_VCPU_EVENTS, SMBASE, KVM_RUN_X86_SMM, and what ends in shutdown.
 */
#include <stdlib.h>
#include <sys/ioctl.h>

#include "api.h"

#define OTHER		(1u << 16)	/* the space of system-management mode */
#define SMBASE		0x30000u	/* after RESET */
#define SMBASE_NEW	0x50000u
#define SMRAM_SIZE	0x10000u
#define HANDLER		0x8000u		/* from SMBASE */
#define SAVED_SMBASE	0xff00u		/* in the 64-bit state-save area */
#define SAVED_CR0	0xff58u
#define SAVED_RAX	0xfff8u
#define MSR_SMBASE	0x9eu
#define PORT_SMM	0x66u
#define PORT_CODE	0x80u
#define PORT_NMI	0x77u
#define VEC_UD		6u
#define VEC_NMI		2u
#define MARK		0x1234u

static struct machine m;
static uint8_t *smram;

/* Handler: out %al,$0x66; rsm */
static const uint8_t handler[] = { 0xe6, PORT_SMM, 0x0f, 0xaa };

static long run_to(unsigned int cpu, unsigned int port, const char *what)
{
	const struct kvm_run *run = m.run[cpu];
	long ret = call(m.cpu[cpu], KVM_RUN, NULL);

	tap_ok(!ret && run->exit_reason == KVM_EXIT_IO && run->io.port == port, "%s", what);
	if (ret || run->exit_reason != KVM_EXIT_IO || run->io.port != port)
		tap_note("RUN %ld, exit %u, port %#x", ret, run->exit_reason, run->io.port);
	return ret;
}

static void finish_io(unsigned int cpu)
{
	m.run[cpu]->immediate_exit = 1;
	call(m.cpu[cpu], KVM_RUN, NULL);
	m.run[cpu]->immediate_exit = 0;
}

static void events(unsigned int cpu, struct kvm_vcpu_events *e)
{
	memset(e, 0, sizeof(*e));
	must(m.cpu[cpu], KVM_GET_VCPU_EVENTS, e, "GET_VCPU_EVENTS");
}

static long smbase(unsigned long request, uint64_t *val)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} list = { .head.nmsrs = 1, .entry = { .index = MSR_SMBASE, .data = *val } };
	long ret = call(m.cpu[0], request, &list);

	*val = list.entry.data;
	return ret;
}

/* Machines of this file: SMRAM at SMBASE, in the other space alone. */
static void create(unsigned int flags, unsigned int cpus)
{
	api_create(&m, flags | API_CPUID, cpus);
	smram = api_pages(SMRAM_SIZE);
	memcpy(smram + HANDLER, handler, sizeof(handler));
	is(api_slot(m.fd, OTHER, 0, SMBASE, SMRAM_SIZE, smram), 0, "SMRAM");
}

/* Bochs 2.7: an entry with "blocking by NMI" clear leaves NMIs blocked. */
static bool nmis_stay_blocked(void)
{
	const char *host = getenv("NESTOR_HOST");

	return host && !strncmp(host, "vmx", 3);
}

static void test_round_trip(void)
{
	struct kvm_vcpu_events e;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	is(call_value(m.fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_SMM), 1, "KVM_CAP_X86_SMM");
	/* mov $0x1234,%ax; out %al,$0x80; hlt */
	CODE(&m, 0, 0xb8, 0x34, 0x12, 0xe6, PORT_CODE, 0xf4);
	is(call(m.cpu[0], KVM_SMI, NULL), 0, "KVM_SMI");
	events(0, &e);
	tap_ok(e.flags & KVM_VCPUEVENT_VALID_SMM, "the SMI fields are valid");
	tap_ok(e.smi.pending && !e.smi.smm, "it is pending");
	run_to(0, PORT_SMM, "the handler runs before the code");
	tap_ok(m.run[0]->flags & KVM_RUN_X86_SMM, "KVM_RUN_X86_SMM");
	events(0, &e);
	tap_ok(e.smi.smm && !e.smi.pending && e.nmi.masked && !e.smi.smm_inside_nmi,
	       "in SMM, NMIs masked");
	finish_io(0);
	must(m.cpu[0], KVM_GET_REGS, &regs, "GET_REGS");
	must(m.cpu[0], KVM_GET_SREGS, &sregs, "GET_SREGS");
	tap_ok(regs.rip == HANDLER + 2 && sregs.cs.base == SMBASE &&
	       sregs.cs.limit == 0xffffffff && !sregs.ds.base, "at SMBASE, with all of memory");
	run_to(0, PORT_CODE, "RSM goes back to the code");
	tap_ok(!(m.run[0]->flags & KVM_RUN_X86_SMM), "no KVM_RUN_X86_SMM");
	must(m.cpu[0], KVM_GET_REGS, &regs, "GET_REGS");
	is(regs.rax & 0xffff, MARK, "AX is the code's");
	must(m.cpu[0], KVM_GET_SREGS, &sregs, "GET_SREGS");
	tap_ok(!sregs.cs.base && sregs.ds.base == API_DEVICE, "segments too");
	events(0, &e);
	tap_ok(!e.smi.smm && (!e.nmi.masked || nmis_stay_blocked()), "no longer in SMM");
}

static void test_latched(void)
{
	CODE(&m, 0, 0xe6, PORT_CODE, 0xf4);
	is(call(m.cpu[0], KVM_SMI, NULL), 0, "KVM_SMI");
	run_to(0, PORT_SMM, "the handler");
	is(call(m.cpu[0], KVM_SMI, NULL), 0, "one more");
	is(call(m.cpu[0], KVM_SMI, NULL), 0, "and one more");
	run_to(0, PORT_SMM, "one is taken behind RSM");
	run_to(0, PORT_CODE, "and no other");
	finish_io(0);
}

static void set_vector(unsigned int vector, unsigned int port)
{
	uint16_t *slot = (uint16_t *)(m.mem + vector * 4);
	uint8_t *code = m.mem + 0x3000 + vector * 16;

	slot[0] = 0x3000 + vector * 16;
	slot[1] = 0;
	code[0] = 0xe6;
	code[1] = port;
	code[2] = 0xcf;
}

static void test_nmi(void)
{
	struct kvm_vcpu_events e;

	if (nmis_stay_blocked()) {
		printf("ok %u - NMIs around RSM # SKIP VM entry does not unblock them here\n",
		       ++tap_run);
		return;
	}
	set_vector(VEC_NMI, PORT_NMI);
	CODE(&m, 0, 0xe6, PORT_CODE, 0xf4);
	must(m.cpu[0], KVM_SMI, NULL, "KVM_SMI");
	run_to(0, PORT_SMM, "the handler");
	is(call(m.cpu[0], KVM_NMI, NULL), 0, "KVM_NMI in SMM");
	events(0, &e);
	tap_ok(e.nmi.pending, "stays pending");
	run_to(0, PORT_NMI, "until RSM");
	/* An SMI in an NMI's handler. */
	must(m.cpu[0], KVM_SMI, NULL, "KVM_SMI");
	run_to(0, PORT_SMM, "an SMI interrupts the NMI's handler");
	events(0, &e);
	tap_ok(e.smi.smm_inside_nmi, "which the events tell");
	is(call(m.cpu[0], KVM_NMI, NULL), 0, "KVM_NMI");
	finish_io(0);
	run_to(0, PORT_NMI, "comes behind IRET");
	run_to(0, PORT_CODE, "then the code");
}

static void test_smbase(void)
{
	uint64_t val = 0;

	is(smbase(KVM_GET_MSRS, &val), 1, "SMBASE");
	is(val, SMBASE, "of RESET");
	val = 1ull << 32;
	is(smbase(KVM_SET_MSRS, &val), 0, "one above 4 GiB");
	is(api_slot(m.fd, OTHER | 1, 0, SMBASE_NEW, SMRAM_SIZE, smram), 0, "SMRAM elsewhere");
	val = SMBASE_NEW;
	is(smbase(KVM_SET_MSRS, &val), 1, "SMBASE there");
	CODE(&m, 0, 0xe6, PORT_CODE, 0xf4);
	must(m.cpu[0], KVM_SMI, NULL, "KVM_SMI");
	run_to(0, PORT_SMM, "the handler");
	is(*(uint32_t *)(smram + SAVED_SMBASE), SMBASE_NEW, "SMBASE in SMRAM");
	*(uint32_t *)(smram + SAVED_SMBASE) = SMBASE;
	*(uint16_t *)(smram + SAVED_RAX) = MARK;
	run_to(0, PORT_CODE, "the code");
	is(*((uint8_t *)m.run[0] + m.run[0]->io.data_offset), MARK & 0xff,
	   "with the RAX that the handler left");
	is(smbase(KVM_GET_MSRS, &val), 1, "SMBASE");
	is(val, SMBASE, "as the handler left it");
	finish_io(0);
	is(api_slot(m.fd, OTHER | 1, 0, 0, 0, NULL), 0, "SMRAM elsewhere goes");
}

static void test_outside(void)
{
	set_vector(VEC_UD, 0x55);
	CODE(&m, 0, 0x0f, 0xaa, 0xf4);
	run_to(0, 0x55, "RSM outside of SMM is #UD");
}

/* CR0.PG without PE; then no SMRAM at all. */
static void test_shutdown(void)
{
	CODE(&m, 0, 0xe6, PORT_CODE, 0xf4);
	must(m.cpu[0], KVM_SMI, NULL, "KVM_SMI");
	run_to(0, PORT_SMM, "the handler");
	*(uint64_t *)(smram + SAVED_CR0) = 0x80000000;
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "RUN");
	is(m.run[0]->exit_reason, KVM_EXIT_SHUTDOWN, "a state that no CPU has: shutdown");
}

/* In SMM on one vCPU, continued by another. */
static void test_moved(void)
{
	static const unsigned long gets[] = { KVM_GET_REGS, KVM_GET_SREGS };
	static const unsigned long sets[] = { KVM_SET_REGS, KVM_SET_SREGS };
	struct kvm_vcpu_events e;
	unsigned int i;
	union {
		struct kvm_regs regs;
		struct kvm_sregs sregs;
	} state;

	CODE(&m, 0, 0xe6, PORT_CODE, 0xf4);
	must(m.cpu[0], KVM_SMI, NULL, "KVM_SMI");
	run_to(0, PORT_SMM, "the handler");
	finish_io(0);
	events(0, &e);
	for (i = 0; i < COUNT(gets); i++) {
		must(m.cpu[0], gets[i], &state, "get");
		must(m.cpu[1], sets[i], &state, "set");
	}
	is(call(m.cpu[1], KVM_SET_VCPU_EVENTS, &e), 0, "another vCPU is in SMM now");
	run_to(1, PORT_CODE, "and goes back to the code of the first");
	events(1, &e);
	e.flags = KVM_VCPUEVENT_VALID_SMM;
	e.smi.pending = 1;
	is(call(m.cpu[1], KVM_SET_VCPU_EVENTS, &e), 0, "a pending SMI by SET_VCPU_EVENTS");
	finish_io(1);
	run_to(1, PORT_SMM, "is taken");
	events(0, &e);
	e.smi.smm = 0;
	e.nmi.masked = 0;
	is(call(m.cpu[0], KVM_SET_VCPU_EVENTS, &e), 0, "the first leaves SMM without RSM");
}

static void test_waiting(void)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_INIT_RECEIVED };
	struct kvm_vcpu_events e;

	create(API_IRQCHIP, 2);
	CODE(&m, 0, 0xe6, PORT_CODE, 0xf4);
	must(m.cpu[0], KVM_SMI, NULL, "KVM_SMI");
	is(call(m.cpu[0], KVM_SET_MP_STATE, &state), -EINVAL,
	   "no waiting for SIPI with a pending SMI");
	run_to(0, PORT_SMM, "the handler");
	is(call(m.cpu[0], KVM_SET_MP_STATE, &state), -EINVAL, "nor in SMM");
	events(0, &e);
	e.smi.latched_init = 1;
	is(call(m.cpu[0], KVM_SET_VCPU_EVENTS, &e), 0, "an INIT latched in SMM");
	events(0, &e);
	tap_ok(e.smi.latched_init, "is there");
	e.smi.latched_init = 0;
	is(call(m.cpu[0], KVM_SET_VCPU_EVENTS, &e), 0, "and is taken back");
	run_to(0, PORT_CODE, "the code goes on");
	is(call(m.cpu[1], KVM_SET_MP_STATE, &state), 0, "the other waits for SIPI");
	events(1, &e);
	e.smi.smm = 1;
	is(call(m.cpu[1], KVM_SET_VCPU_EVENTS, &e), -EINVAL, "it cannot be in SMM");
	e.smi.smm = 0;
	e.smi.pending = 1;
	is(call(m.cpu[1], KVM_SET_VCPU_EVENTS, &e), -EINVAL, "nor have an SMI pending");
	api_destroy(&m);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	create(0, 2);
	test_round_trip();
	test_latched();
	test_nmi();
	test_smbase();
	test_moved();
	test_outside();
	test_shutdown();
	api_destroy(&m);
	test_waiting();
	return tap_done();
}
