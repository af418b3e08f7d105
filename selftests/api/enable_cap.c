// SPDX-License-Identifier: GPL-2.0-only
/*
 * ENABLE_CAP: what is claimed can be enabled, each bad argument is refused, and
 * what is enabled has its effect.
 */
#include <unistd.h>
#include <sys/ioctl.h>

#include "api.h"

static int new_vm(void)
{
	return must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");
}

static long enable(int vm, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap args = { .cap = cap, .args = { arg } };

	return call(vm, KVM_ENABLE_CAP, &args);
}

static long claimed(uint32_t cap)
{
	return call_value(api_device, KVM_CHECK_EXTENSION, cap);
}

static void test_every(void)
{
	static const struct {
		uint32_t cap;
		const char *name;
		uint64_t good;
		uint64_t bad;	/* 0: every argument is good */
	} rows[] = {
		{ KVM_CAP_EXCEPTION_PAYLOAD, "EXCEPTION_PAYLOAD", 1, 0 },
		{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, "TRIPLE_FAULT_EVENT", 1, 0 },
		{ KVM_CAP_X86_USER_SPACE_MSR, "USER_SPACE_MSR", 7, 0x100 },
		{ KVM_CAP_MSR_PLATFORM_INFO, "MSR_PLATFORM_INFO", 1, 0 },
		{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, "EXIT_ON_EMULATION_FAILURE", 1, 2 },
		{ KVM_CAP_DISABLE_QUIRKS2, "DISABLE_QUIRKS2", 1, 1ull << 40 },
		{ KVM_CAP_DISABLE_QUIRKS, "DISABLE_QUIRKS", 1, 0 },
		{ KVM_CAP_MAX_VCPU_ID, "MAX_VCPU_ID", 10, 1ull << 32 },
		{ KVM_CAP_X86_DISABLE_EXITS, "X86_DISABLE_EXITS", 2, 0x100 },
		{ KVM_CAP_X2APIC_API, "X2APIC_API", 3, 4 },
	};
	struct kvm_enable_cap args;
	unsigned int i;
	int vm;

	for (i = 0; i < COUNT(rows); i++) {
		vm = new_vm();
		tap_ok(claimed(rows[i].cap) > 0, "%s is claimed", rows[i].name);
		if (rows[i].bad)
			is(enable(vm, rows[i].cap, rows[i].bad), -EINVAL, "%s: bad argument",
			   rows[i].name);
		is(enable(vm, rows[i].cap, rows[i].good), 0, "%s: good argument", rows[i].name);
		args = (struct kvm_enable_cap){ .cap = rows[i].cap, .flags = 1 };
		is(call(vm, KVM_ENABLE_CAP, &args), -EINVAL, "%s: flags", rows[i].name);
		close(vm);
	}
	vm = new_vm();
	is(enable(vm, KVM_CAP_USER_MEMORY, 1), -EINVAL, "a capability that is always on");
	is(enable(vm, 5000, 1), -EINVAL, "one that does not exist");
	is(call(vm, KVM_ENABLE_CAP, BAD_POINTER), -EFAULT, "from nowhere");
	close(vm);
}

static void test_max_vcpu_id(void)
{
	int vm = new_vm();

	is(enable(vm, KVM_CAP_MAX_VCPU_ID, 0), -EINVAL, "no vCPU at all");
	is(enable(vm, KVM_CAP_MAX_VCPU_ID, 8), 0, "ids below 8");
	is(enable(vm, KVM_CAP_MAX_VCPU_ID, 9), -EINVAL, "another limit");
	is(enable(vm, KVM_CAP_MAX_VCPU_ID, 8), 0, "the same");
	is(call_value(vm, KVM_CREATE_VCPU, 8), -EINVAL, "id 8");
	close(must(vm, KVM_CREATE_VCPU, (void *)7, "CREATE_VCPU 7"));
	close(vm);
}

static void test_disable_exits(void)
{
	int vm = new_vm();
	long cpu;

	cpu = must(vm, KVM_CREATE_VCPU, NULL, "CREATE_VCPU");
	is(enable(vm, KVM_CAP_X86_DISABLE_EXITS, KVM_X86_DISABLE_EXITS_HLT), -EINVAL,
	   "DISABLE_EXITS after a vCPU");
	close(cpu);
	close(vm);
}

static void test_payload(void)
{
	struct kvm_vcpu_events e, back;
	struct machine m;

	api_create(&m, 0, 1);
	must(m.cpu[0], KVM_GET_VCPU_EVENTS, &e, "GET_VCPU_EVENTS");
	tap_ok(!(e.flags & KVM_VCPUEVENT_VALID_PAYLOAD), "no payloads before they are enabled");
	tap_ok(!(e.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT), "nor triple faults");
	e.flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	is(call(m.cpu[0], KVM_SET_VCPU_EVENTS, &e), -EINVAL, "VALID_PAYLOAD is refused");
	e.flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	is(call(m.cpu[0], KVM_SET_VCPU_EVENTS, &e), -EINVAL, "VALID_TRIPLE_FAULT is refused");
	is(enable(m.fd, KVM_CAP_EXCEPTION_PAYLOAD, 1), 0, "EXCEPTION_PAYLOAD");
	is(enable(m.fd, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1), 0, "X86_TRIPLE_FAULT_EVENT");
	memset(&e, 0, sizeof(e));
	e.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	e.exception.pending = 1;
	e.exception.nr = 14;
	e.exception.has_error_code = 1;
	e.exception.error_code = 2;
	e.exception_has_payload = 1;
	e.exception_payload = 0xabc000;
	is(call(m.cpu[0], KVM_SET_VCPU_EVENTS, &e), 0, "a pending #PF with its address");
	must(m.cpu[0], KVM_GET_VCPU_EVENTS, &back, "GET_VCPU_EVENTS");
	tap_ok(back.exception.pending && !back.exception.injected && back.exception.nr == 14 &&
	       back.exception_has_payload && back.exception_payload == 0xabc000,
	       "comes back as it went in");
	e.exception.nr = 2;
	is(call(m.cpu[0], KVM_SET_VCPU_EVENTS, &e), -EINVAL, "a pending NMI is no exception");
	memset(&e, 0, sizeof(e));
	e.flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT | KVM_VCPUEVENT_VALID_PAYLOAD;
	e.triple_fault.pending = 1;
	is(call(m.cpu[0], KVM_SET_VCPU_EVENTS, &e), 0, "a pending triple fault");
	must(m.cpu[0], KVM_GET_VCPU_EVENTS, &back, "GET_VCPU_EVENTS");
	is(back.triple_fault.pending, 1, "comes back");
	CODE(&m, 0, 0xf4);
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "RUN");
	is(m.run[0]->exit_reason, KVM_EXIT_SHUTDOWN, "is a shutdown");
	api_destroy(&m);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	test_every();
	test_max_vcpu_id();
	test_disable_exits();
	test_payload();
	return tap_done();
}
