// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET/SET_VCPU_EVENTS: pending events in and out, so that a vCPU can be
 * saved between any two entries.
 */
#include "nestor.h"
#include <linux/string.h>
#include "core.h"

/* INT3 and INTO run again instead: RIP is still at them. */
static void exception_to_user(struct nst_vcpu *vcpu, struct kvm_vcpu_events *e)
{
	typeof(vcpu->ev.exception) *exc = &vcpu->ev.exception;
	bool payloads = READ_ONCE(vcpu->vm->exception_payload);

	nst_settle_payload(vcpu);
	if (!exc->soft) {
		e->exception.injected = exc->injected || (exc->pending && !payloads);
		e->exception.pending = exc->pending && payloads;
	}
	e->exception.nr = exc->vector;
	e->exception.has_error_code = exc->has_error;
	e->exception.error_code = exc->error_code;
	if (!payloads)
		return;
	e->exception_has_payload = exc->pending && exc->has_payload;
	e->exception_payload = exc->payload;
	e->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
}

/**
 * nst_get_vcpu_events() - KVM_GET_VCPU_EVENTS
 * @object: vCPU, loaded
 * @arg: struct kvm_vcpu_events
 *
 * Return: 0.
 */
long nst_get_vcpu_events(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	struct kvm_vcpu_events *e = (void *)arg;

	memset(e, 0, sizeof(*e));
	nst_pull(vcpu, NST_STATE_INTR);
	nst_collect_nmis(vcpu);
	exception_to_user(vcpu, e);
	e->interrupt.injected = vcpu->ev.irq.injected && !vcpu->ev.irq.soft;
	e->interrupt.nr = vcpu->ev.irq.vector;
	e->interrupt.shadow = (vcpu->st.movss_shadow ? KVM_X86_SHADOW_INT_MOV_SS : 0) |
			      (vcpu->st.sti_shadow ? KVM_X86_SHADOW_INT_STI : 0);
	e->nmi.injected = vcpu->ev.nmi.injected;
	e->nmi.pending = vcpu->ev.nmi.pending;
	e->nmi.masked = vcpu->st.nmi_blocked;
	e->flags |= KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	nst_smm_to_user(vcpu, e);
	if (READ_ONCE(vcpu->vm->triple_fault_event)) {
		e->triple_fault.pending = test_bit(NST_REQ_TRIPLE_FAULT, &vcpu->requests);
		e->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
	return 0;
}

static bool events_valid(struct nst_vcpu *vcpu, const struct kvm_vcpu_events *e)
{
	u32 known = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
		    KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM;
	bool pending = (e->flags & KVM_VCPUEVENT_VALID_PAYLOAD) && e->exception.pending;

	if (READ_ONCE(vcpu->vm->exception_payload))
		known |= KVM_VCPUEVENT_VALID_PAYLOAD;
	if (READ_ONCE(vcpu->vm->triple_fault_event))
		known |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	if ((e->flags & ~known) || !nst_smm_user_valid(vcpu, e))
		return false;
	return !(e->exception.injected || pending) ||
	       (e->exception.nr < 32 && e->exception.nr != X86_TRAP_NMI);
}

static void exception_from_user(struct nst_vcpu *vcpu, const struct kvm_vcpu_events *e)
{
	typeof(vcpu->ev.exception) *exc = &vcpu->ev.exception;
	bool payloads = e->flags & KVM_VCPUEVENT_VALID_PAYLOAD;

	memset(exc, 0, sizeof(*exc));
	exc->vector = e->exception.nr;
	if (payloads && e->exception.pending) {
		exc->pending = true;
		exc->has_payload = e->exception_has_payload;
		exc->payload = e->exception_payload;
	} else if (e->exception.injected) {
		nst_inject_trap(vcpu, e->exception.nr);
	}
	exc->has_error = e->exception.has_error_code;
	exc->error_code = e->exception.error_code;
}

static void triple_fault_from_user(struct nst_vcpu *vcpu, const struct kvm_vcpu_events *e)
{
	if (!(e->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT))
		return;
	if (e->triple_fault.pending)
		nst_request(vcpu, NST_REQ_TRIPLE_FAULT);
	else
		nst_test_request(vcpu, NST_REQ_TRIPLE_FAULT);
}

/**
 * nst_set_vcpu_events() - KVM_SET_VCPU_EVENTS
 * @object: vCPU, loaded
 * @arg: struct kvm_vcpu_events
 *
 * Return: 0, or -EINVAL for flags that are unknown or of a capability that was
 * not enabled, an impossible exception, or SMM in a vCPU that waits for a
 * start-up message.
 */
long nst_set_vcpu_events(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;
	const struct kvm_vcpu_events *e = (const void *)arg;

	if (!events_valid(vcpu, e))
		return -EINVAL;
	/* First, since it may change the context. */
	nst_smm_from_user(vcpu, e);
	nst_modify(vcpu, NST_STATE_INTR);
	exception_from_user(vcpu, e);
	vcpu->ev.irq.injected = e->interrupt.injected;
	vcpu->ev.irq.vector = e->interrupt.nr;
	vcpu->ev.irq.soft = false;
	if (e->flags & KVM_VCPUEVENT_VALID_SHADOW) {
		vcpu->st.movss_shadow = e->interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS;
		vcpu->st.sti_shadow = e->interrupt.shadow & KVM_X86_SHADOW_INT_STI;
	}
	vcpu->ev.nmi.injected = e->nmi.injected;
	if (e->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		vcpu->ev.nmi.pending = min_t(u8, e->nmi.pending, 2);
		atomic_set(&vcpu->ev.nmi_queued, 0);
	}
	vcpu->st.nmi_blocked = e->nmi.masked;
	triple_fault_from_user(vcpu, e);
	nst_request(vcpu, NST_REQ_EVENT);
	return 0;
}
