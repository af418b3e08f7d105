// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU whose physical addresses are narrower than the host's, where that is
 * claimed: KVM_CAP_SMALLER_MAXPHYADDR. SDM3 "Reserved Bit Checking".
 */
#define WIDTH		36
#define ASK_CLAIMED	1

#ifdef GUEST
#include "guest.h"

#define SECTION		"SDM3 \"Reserved Bit Checking\""
#define ERROR_PRESENT	1
#define ERROR_WRITE	2
#define ERROR_RESERVED	8
#define PLACE		0x400000ul

static bool claimed(void)
{
	u32 r[4];

	if (!call_host(ASK_CLAIMED, 0, 0, 0)) {
		skip("not claimed: two-dimensional paging");
		return false;
	}
	cpuid(0x80000008, 0, r);
	return check((r[0] & 0xff) == WIDTH, "CPUID shows %u bits", r[0] & 0xff);
}

static void touch(u32 bit, u64 vector)
{
	u64 *entry = split_page(PLACE), old = *entry;

	*entry |= 1ul << bit;
	invlpg(PLACE);
	PROBE("movl %0, (%1)", : : "r"(bit), "r"(PLACE) : "memory");
	if (vector == VEC_PF)
		check(trap.vector == VEC_PF && trap.cr2 == PLACE &&
		      trap.error == (ERROR_PRESENT | ERROR_WRITE | ERROR_RESERVED),
		      "bit %u is reserved: #PF (%lu, error %lx)", bit, trap.vector, trap.error);
	else
		check(trap.vector == VEC_NONE, "bit %u is ignored (%lu)", bit, trap.vector);
	*entry = old;
	invlpg(PLACE);
}

GUEST_CASE(in_an_entry, SECTION)
{
	if (!claimed())
		return;
	touch(WIDTH, VEC_PF);
	touch(WIDTH + 2, VEC_PF);
	touch(51, VEC_PF);
	touch(52, VEC_NONE);
}

GUEST_CASE(in_cr3, SECTION)
{
	u64 cr3 = READ_CR(3);

	if (!claimed())
		return;
	check(PROBE("movq %0, %%cr3", : : "r"(cr3 | 1ul << WIDTH) : "memory") == VEC_GP,
	      "MOV to CR3 of a reserved bit: #GP");
	check(READ_CR(3) == cr3, "which changes nothing");
}

#else /* host half */
#include <stdlib.h>

#include "guest_test.h"

static void before(struct vm *vm)
{
	struct kvm_cpuid2 *cpuid = vcpu_cpuid(&vm->vcpu[0]);
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0x80000008)
			cpuid->entries[i].eax = (cpuid->entries[i].eax & ~0xffu) | WIDTH;
	vm_ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, cpuid, "SET_CPUID2");
	free(cpuid);
}

static uint64_t call(struct vcpu *vcpu, const uint64_t *args)
{
	return args[0] == ASK_CLAIMED &&
	       vm_check_extension(KVM_CAP_SMALLER_MAXPHYADDR) > 0;
}

const struct host_hook host_hooks[] = {
	{ HOOK_ANY, .before = before, .call = call },
	{ 0 }
};
#endif /* GUEST */
