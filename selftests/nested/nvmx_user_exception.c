// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exception that userspace makes pending while L2 runs is L1's, if L1 wants it,
 * as one that L2 causes. KVM_CAP_EXCEPTION_PAYLOAD.
 */
#define PEND		1	/* call_host() */
#define PENDING_VECTOR	12	/* #SS */
#define PENDING_ERROR	0x1234

#ifdef GUEST
#include "vmx_l1.h"

static void l2_calls(void)
{
	call_host(PEND, 0, 0, 0);
	asm volatile("vmcall");
}

GUEST_CASE(pending, "KVM_CAP_EXCEPTION_PAYLOAD", .flags = CASE_VMX)
{
	if (!vmx_start())
		return;
	vmcs_make(l2_calls);
	vmwrite(F_EXCEPTIONS, 1u << PENDING_VECTOR);
	l2_exits(R_EXCEPTION, "L2 exits");
	check((vmread(F_EXIT_INTR_INFO) & 0xff) == PENDING_VECTOR, "by that exception (%lx)",
	      vmread(F_EXIT_INTR_INFO));
	check(vmread(F_EXIT_INTR_ERROR) == PENDING_ERROR, "with its error code (%lx)",
	      vmread(F_EXIT_INTR_ERROR));
	vmwrite(F_EXCEPTIONS, 0);
	l2_exits(R_VMCALL, "and goes on without");
}
#else
#include <sys/ioctl.h>
#include <linux/kvm.h>

#include "guest_test.h"

static void payloads(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_EXCEPTION_PAYLOAD, .args = { 1 } };

	vm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap, "EXCEPTION_PAYLOAD");
}

static uint64_t pend(struct vcpu *vcpu, const uint64_t *args)
{
	struct kvm_vcpu_events events;

	(void)args;
	vm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events, "GET_VCPU_EVENTS");
	events.flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	events.exception.pending = 1;
	events.exception.nr = PENDING_VECTOR;
	events.exception.has_error_code = 1;
	events.exception.error_code = PENDING_ERROR;
	vm_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events, "SET_VCPU_EVENTS");
	return 0;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = payloads, .call = pend },
	{ 0 }
};
#endif
