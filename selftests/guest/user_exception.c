// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exception that userspace injects: it arrives with its error code, of which
 * hardware may take 16 bits alone. KVM_SET_VCPU_EVENTS.
 */
#define INJECT		1	/* call_host(): the error code */

#ifdef GUEST
#include "guest.h"

#define EVENTS	"KVM_SET_VCPU_EVENTS"

static volatile u64 error, count;

static void note_error(struct frame *frame)
{
	error = frame->error;
	count++;
}

static void injected(u64 code)
{
	trap_hook[VEC_SS] = note_error;
	call_host(INJECT, code, 0, 0);
	check(count == 1, "the exception comes once (%lu)", count);
	check((error & 0xffff) == (code & 0xffff), "error code %lx of %lx", error, code);
}

GUEST_CASE(error_code, EVENTS)
{
	injected(0x1234);
}

GUEST_CASE(wide_error_code, EVENTS)
{
	injected(0xdeadff);
}
#else
#include <sys/ioctl.h>
#include <linux/kvm.h>

#include "guest_test.h"

#define SS_VECTOR	12

static uint64_t inject(struct vcpu *vcpu, const uint64_t *args)
{
	struct kvm_vcpu_events events;

	vm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events, "GET_VCPU_EVENTS");
	events.exception.injected = 1;
	events.exception.nr = SS_VECTOR;
	events.exception.has_error_code = 1;
	events.exception.error_code = args[1];
	vm_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events, "SET_VCPU_EVENTS");
	return 0;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .call = inject },
	{ 0 }
};
#endif
