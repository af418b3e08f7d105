// SPDX-License-Identifier: GPL-2.0-only
/* Hyper-V's interface for the host half of a test: who has it. */
#include <stdlib.h>
#include <string.h>

#include "guest_test.h"
#include "hyperv.h"

#define LEAVES		32
#define KVM_FIRST	0x40000000
#define KVM_LAST	0x400000ff

static void give_cpuid(struct vcpu *vcpu, const struct kvm_cpuid2 *hv)
{
	struct kvm_cpuid2 *now = calloc(1, sizeof(*now) + 256 * sizeof(now->entries[0]));
	unsigned int i, n = 0;

	if (!now)
		vm_give_up("calloc");
	now->nent = 256 - LEAVES;
	vm_ioctl(vcpu->fd, KVM_GET_CPUID2, now, "GET_CPUID2");
	for (i = 0; i < now->nent; i++)
		if (now->entries[i].function < KVM_FIRST || now->entries[i].function > KVM_LAST)
			now->entries[n++] = now->entries[i];
	memcpy(now->entries + n, hv->entries, hv->nent * sizeof(hv->entries[0]));
	now->nent = n + hv->nent;
	vm_ioctl(vcpu->fd, KVM_SET_CPUID2, now, "SET_CPUID2");
	free(now);
}

void hv_offer_without(struct vm *vm, uint32_t leaf, uint32_t edx)
{
	struct kvm_cpuid2 *hv = calloc(1, sizeof(*hv) + LEAVES * sizeof(hv->entries[0]));
	unsigned int i;

	if (!hv)
		vm_give_up("calloc");
	hv->nent = LEAVES;
	vm_ioctl(vm_device(), KVM_GET_SUPPORTED_HV_CPUID, hv, "GET_SUPPORTED_HV_CPUID");
	for (i = 0; i < hv->nent; i++)
		if (hv->entries[i].function == leaf)
			hv->entries[i].edx &= ~edx;
	for (i = 0; i < vm->vcpus; i++)
		give_cpuid(&vm->vcpu[i], hv);
	free(hv);
}

void hv_offer(struct vm *vm)
{
	hv_offer_without(vm, 0, 0);
}

void hv_offer_synic(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HYPERV_SYNIC2 };
	unsigned int i;

	hv_offer(vm);
	for (i = 0; i < vm->vcpus; i++)
		vm_ioctl(vm->vcpu[i].fd, KVM_ENABLE_CAP, &cap, "ENABLE_CAP");
}
