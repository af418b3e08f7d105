// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID gives what KVM_SET_CPUID2 put there, apart from the bits that follow
 * the CPU's state. SDM2 "CPUID-CPU Identification".
 */
struct leaf {
	unsigned int function, index, r[4];
};

#define MAX_LEAVES	200

#ifdef GUEST
#include "guest.h"

#define SECTION		"SDM2 \"CPUID-CPU Identification\""
#define LEAVES		((const struct leaf *)GUEST_SCRATCH)
#define OSXSAVE		(1u << 27)
#define XSAVE		(1u << 26)

/* Bits of a register that are not the table's: APIC enable, OSXSAVE, OSPKE, sizes. */
static u32 dynamic(const struct leaf *leaf, unsigned int reg)
{
	if (leaf->function == 1)
		return reg == 2 ? OSXSAVE : reg == 3 ? 1u << 9 : 0;
	if (leaf->function == 7 && !leaf->index)
		return reg == 2 ? 1u << 4 : 0;
	if (leaf->function == 0xd && leaf->index < 2)
		return reg == 1 ? ~0u : 0;
	if (leaf->function == 0x80000001)
		return reg == 3 ? 1u << 9 : 0;
	return 0;
}

GUEST_CASE(every_leaf, SECTION, .flags = CASE_IRQCHIP)
{
	u64 count = call_host(0, 0, 0, 0), i;
	u32 r[4], reg, bad = 0;

	for (i = 0; i < count; i++) {
		cpuid(LEAVES[i].function, LEAVES[i].index, r);
		for (reg = 0; reg < 4; reg++) {
			if (!((r[reg] ^ LEAVES[i].r[reg]) & ~dynamic(&LEAVES[i], reg)))
				continue;
			bad++;
			note("leaf %x.%x register %u is %x", LEAVES[i].function,
			     LEAVES[i].index, reg, r[reg]);
			note("and should be %x", LEAVES[i].r[reg]);
		}
	}
	check(count > 10 && !bad, "%lu leaves, %u registers differ", count, bad);
}

GUEST_CASE(upper_halves, SECTION)
{
	u64 a = ~0ul << 32, b = ~0ul, c = ~0ul << 32, d = ~0ul;

	asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
	check(!(a >> 32) && !(b >> 32) && !(c >> 32) && !(d >> 32),
	      "upper halves are cleared");
}

GUEST_CASE(beyond_the_last, SECTION)
{
	u32 first[4], last[4], r[4], i;
	bool intel, same = true, zero = true;

	cpuid(0, 0, first);
	intel = first[1] == 0x756e6547;		/* "Genu" */
	cpuid(first[0], 0, last);
	cpuid(first[0] + 1, 0, r);
	for (i = 0; i < 4; i++) {
		same &= r[i] == last[i];
		zero &= !r[i];
	}
	if (intel)
		check(same, "Intel: the data of leaf %x again", first[0]);
	else
		check(zero, "AMD: zeros");
}

GUEST_CASE(osxsave, SECTION)
{
	u64 cr4 = READ_CR(4);
	u32 r[4];

	cpuid(1, 0, r);
	if (!(r[2] & XSAVE)) {
		skip("no XSAVE");
		return;
	}
	check(!(r[2] & OSXSAVE), "clear with CR4.OSXSAVE clear");
	WRITE_CR(4, cr4 | CR4_OSXSAVE);
	cpuid(1, 0, r);
	check(r[2] & OSXSAVE, "set with CR4.OSXSAVE set");
	WRITE_CR(4, cr4);
	cpuid(1, 0, r);
	check(!(r[2] & OSXSAVE), "clear again");
}

#else /* host half */
#include <stdlib.h>
#include <string.h>

#include "guest_test.h"

static unsigned int count;

/* Change what the kernel would not make up, then tell the guest all of it. */
static void prepare(struct vm *vm)
{
	struct leaf *leaves = guest_at(vm, GUEST_SCRATCH, MAX_LEAVES * sizeof(*leaves));
	struct kvm_cpuid2 *cpuid = vcpu_cpuid(&vm->vcpu[0]);
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 0x80000002)
			memcpy(&e->eax, "A name of our own", 16);
	}
	vm_ioctl(vm->vcpu[0].fd, KVM_SET_CPUID2, cpuid, "SET_CPUID2");
	count = cpuid->nent < MAX_LEAVES ? cpuid->nent : MAX_LEAVES;
	for (i = 0; i < count; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		leaves[i] = (struct leaf){ e->function, e->index,
					   { e->eax, e->ebx, e->ecx, e->edx } };
	}
	free(cpuid);
}

static uint64_t how_many(struct vcpu *vcpu, const uint64_t *args)
{
	(void)vcpu;
	(void)args;
	return count;
}

const struct host_hook host_hooks[] = {
	{ .name = "every_leaf", .before = prepare, .call = how_many }, { 0 }
};
#endif /* GUEST */
