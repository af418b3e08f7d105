// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest that knows its hypervisor may ask for: a kick, IPIs and a yield
 * by hypercall, steal time; and the TSC offset as userspace sees it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/kvm_para.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "api.h"

#define VECTOR		0x61u
#define APIC_SPIV	0xf0u
#define APIC_IRR	0x200u
#define PAGE		0x4000u
#define ROUNDS		200u

static struct machine m;

/* mov $nr,%eax; mov $b,%ebx; mov $c,%ecx; mov $d,%edx; mov $s,%esi; vmcall; hlt */
static void hypercall(unsigned int cpu, uint32_t nr, uint32_t b, uint32_t c, uint32_t d,
		      uint32_t s)
{
	uint8_t code[] = {
		0x66, 0xb8, nr, 0, 0, 0, 0x66, 0xbb, b, b >> 8, 0, 0,
		0x66, 0xb9, c, 0, 0, 0, 0x66, 0xba, d, 0, 0, 0, 0x66, 0xbe, s, s >> 8, 0, 0,
		0x0f, 0x01, 0xc1, 0xe6, 0x70,
	};

	/* The other vendor's instruction is put right by the kernel. */
	api_code(&m, cpu, code, sizeof(code));
}

static uint32_t result(unsigned int cpu, const char *what)
{
	struct kvm_regs regs;

	is(call(m.cpu[cpu], KVM_RUN, NULL), 0, "RUN: %s", what);
	is(m.run[cpu]->exit_reason, KVM_EXIT_IO, "to its end");
	must(m.cpu[cpu], KVM_GET_REGS, &regs, "GET_REGS");
	return regs.rax;
}

static uint32_t *apic_reg(struct kvm_lapic_state *s, unsigned int offset)
{
	return (uint32_t *)(s->regs + offset);
}

static void test_calls(void)
{
	struct kvm_lapic_state s;

	must(m.cpu[1], KVM_GET_LAPIC, &s, "GET_LAPIC");
	*apic_reg(&s, APIC_SPIV) = 0x1ff;
	must(m.cpu[1], KVM_SET_LAPIC, &s, "SET_LAPIC");
	hypercall(0, 99, 0, 0, 0, 0);
	is((int32_t)result(0, "an unknown hypercall"), -KVM_ENOSYS, "does not exist");
	hypercall(0, KVM_HC_SEND_IPI, 1, 0, 1, VECTOR);
	is(result(0, "an IPI to APIC id 1"), 1, "one took it");
	must(m.cpu[1], KVM_GET_LAPIC, &s, "GET_LAPIC");
	tap_ok(*apic_reg(&s, APIC_IRR + (VECTOR / 32) * 16) & (1u << VECTOR % 32), "it did");
	hypercall(0, KVM_HC_SEND_IPI, 4, 0, 1, VECTOR);
	is(result(0, "an IPI to nobody"), 0, "nobody took it");
	hypercall(0, KVM_HC_SEND_IPI, 1, 0, 1, 0x561);
	is(result(0, "an INIT by hypercall"), 0, "is not sent");
	hypercall(0, KVM_HC_SCHED_YIELD, 1, 0, 0, 0);
	is(result(0, "a yield"), 0, "0");
}

/* CPU 1 halts with interrupts off: only a kick can end that. */
static void test_kick(void)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct runner r;
	unsigned int i;

	must(m.cpu[1], KVM_SET_MP_STATE, &state, "SET_MP_STATE");
	CODE(&m, 1, 0xfa, 0xf4, 0xe6, 0x71, 0xeb, 0xfe);	/* cli; hlt; out; jmp . */
	m.run[1]->exit_reason = 0;
	runner_start(&r, m.cpu[1]);
	api_sleep_ms(50);
	is(atomic_load(&r.calls), 1, "it halts");
	hypercall(0, KVM_HC_KICK_CPU, 0, 1, 0, 0);
	is(result(0, "a kick"), 0, "0");
	/* The second call comes after OUT; a kick before the halt was for nothing. */
	for (i = 0; i < ROUNDS && atomic_load(&r.calls) < 2; i++) {
		api_sleep_ms(50);
		hypercall(0, KVM_HC_KICK_CPU, 0, 1, 0, 0);
		call(m.cpu[0], KVM_RUN, NULL);
	}
	tap_ok(atomic_load(&r.calls) >= 2, "ends the halt");
	runner_stop(&r);
}

static long set_msr(uint32_t index, uint64_t val)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} list = { .head.nmsrs = 1, .entry = { .index = index, .data = val } };

	return call(m.cpu[0], KVM_SET_MSRS, &list);
}

static void test_steal(void)
{
	struct kvm_steal_time *page = (void *)(m.mem + PAGE);
	cpu_set_t one;
	unsigned int i;
	uint64_t first;
	pid_t rival;

	is(set_msr(MSR_KVM_STEAL_TIME, PAGE | 3), 0, "a reserved bit");
	is(set_msr(MSR_KVM_STEAL_TIME, PAGE | 1), 1, "steal time");
	CODE(&m, 0, 0xe6, 0x70);
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "RUN");
	tap_ok(page->version && !(page->version & 1), "the page has a version (%u)",
	       page->version);
	first = page->steal;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	rival = fork();
	if (!rival)
		for (;;)
			;
	/* mov $0x40000,%ecx; loop .; out: some time in the guest */
	for (i = 0; i < ROUNDS && page->steal == first; i++) {
		CODE(&m, 0, 0x66, 0xb9, 0, 0, 4, 0, 0x67, 0xe2, 0xfd, 0xe6, 0x70);
		if (call(m.cpu[0], KVM_RUN, NULL))
			break;
	}
	kill(rival, SIGKILL);
	waitpid(rival, NULL, 0);
	tap_ok(page->steal > first, "a rival for the CPU steals time");
	is(set_msr(MSR_KVM_STEAL_TIME, 0), 1, "off");
}

static void test_offset(void)
{
	uint64_t offset = 0, set;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uint64_t)&offset,
	};

	is(call(m.cpu[0], KVM_HAS_DEVICE_ATTR, &attr), 0, "the TSC offset is there");
	is(call(m.cpu[0], KVM_GET_DEVICE_ATTR, &attr), 0, "read");
	set = offset + 0x100000;
	attr.addr = (uint64_t)&set;
	is(call(m.cpu[0], KVM_SET_DEVICE_ATTR, &attr), 0, "written");
	attr.addr = (uint64_t)&offset;
	is(call(m.cpu[0], KVM_GET_DEVICE_ATTR, &attr), 0, "read again");
	tap_ok(offset == set, "the same");
	attr.addr = 16;
	is(call(m.cpu[0], KVM_GET_DEVICE_ATTR, &attr), -EFAULT, "to nowhere");
	is(call(m.cpu[0], KVM_SET_DEVICE_ATTR, &attr), -EFAULT, "from nowhere");
	attr.attr = 7;
	is(call(m.cpu[0], KVM_HAS_DEVICE_ATTR, &attr), -ENXIO, "another attribute");
	attr.attr = KVM_VCPU_TSC_OFFSET;
	attr.group = 9;
	is(call(m.cpu[0], KVM_HAS_DEVICE_ATTR, &attr), -ENXIO, "another group");
}

static void test_enable(void)
{
	struct kvm_enable_cap args = { .cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = { 1 } };

	is(call(m.cpu[0], KVM_ENABLE_CAP, &args), 0, "ENFORCE_PV_FEATURE_CPUID");
	args.flags = 1;
	is(call(m.cpu[0], KVM_ENABLE_CAP, &args), -EINVAL, "flags");
	args.flags = 0;
	args.cap = KVM_CAP_IRQCHIP;
	is(call(m.cpu[0], KVM_ENABLE_CAP, &args), -EINVAL, "another capability");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_IRQCHIP | API_CPUID, 2);
	test_calls();
	test_kick();
	test_offset();
	test_enable();
	test_steal();
	api_destroy(&m);
	return tap_done();
}
