// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model-specific registers: those every CPU has keep what is written, bad
 * values and unknown registers fault, and no register at all does harm.
 * SDM4 "Model-Specific Registers (MSRs)".
 */
#ifdef GUEST
#include "guest.h"

#define SECTION		"SDM4 \"Model-Specific Registers (MSRs)\""
#define MSR_TSC_AUX	0xc0000103
#define RDTSCP		(1u << 27)	/* of CPUID 80000001 EDX */
#define NONCANONICAL	0x8000000000000000ul

static const struct {
	u32 index;
	u64 value;
	const char *name;
} kept[] = {
	{ 0x174, 0x08, "SYSENTER_CS" },
	{ 0x175, 0xffff800000001000, "SYSENTER_ESP" },
	{ 0x176, 0xffff800000002000, "SYSENTER_EIP" },
	{ 0x277, 0x0007040600070406, "PAT" },
	{ 0x200, 0x80000006, "MTRR_PHYSBASE0" },
	{ 0x250, 0x0606060606060606, "MTRR_FIX64K" },
	{ 0x2ff, 0xc06, "MTRR_DEF_TYPE" },
	{ 0xc0000081, 0x0023001000000000, "STAR" },
	{ 0xc0000082, 0xffffffff81000000, "LSTAR" },
	{ 0xc0000083, 0xffffffff81001000, "CSTAR" },
	{ 0xc0000084, 0x47700, "FMASK" },
	{ 0xc0000100, 0x00007f0012345000, "FS_BASE" },
	{ 0xc0000101, 0xffff888000000000, "GS_BASE" },
	{ 0xc0000102, 0x00007f0012346000, "KERNEL_GS_BASE" },
	{ MSR_TSC_AUX, 0x1234, "TSC_AUX" },
};

/* TSC_AUX comes with RDTSCP; the others are in every CPU with long mode. */
static bool msr_exists(u32 index)
{
	u32 r[4];

	cpuid(0x80000001, 0, r);
	return index != MSR_TSC_AUX || (r[3] & RDTSCP);
}

GUEST_CASE(keep_values, SECTION)
{
	u64 got;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		if (!msr_exists(kept[i].index))
			continue;
		got = 0;
		if (try_rdmsr(kept[i].index, &got) != VEC_NONE) {
			check(false, "%s exists", kept[i].name);
			continue;
		}
		if (try_wrmsr(kept[i].index, kept[i].value) != VEC_NONE)
			check(false, "%s takes %lx", kept[i].name, kept[i].value);
		got = rdmsr(kept[i].index);
		check(got == kept[i].value, "%s is %lx", kept[i].name, got);
	}
}

GUEST_CASE(after_an_exit, SECTION)
{
	u32 i, bad = 0;

	for (i = 0; i < ARRAY_SIZE(kept); i++)
		if (msr_exists(kept[i].index))
			try_wrmsr(kept[i].index, kept[i].value);
	check(true, "written");
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		if (msr_exists(kept[i].index))
			bad += rdmsr(kept[i].index) != kept[i].value;
	check(!bad, "all are the same after an exit to userspace");
}

GUEST_CASE(syscall_enable, SECTION)
{
	u64 efer = rdmsr(0xc0000080);

	check(try_wrmsr(0xc0000080, efer | 1) == VEC_NONE, "EFER.SCE can be set");
	check(rdmsr(0xc0000080) == (efer | 1), "and reads back");
	check(try_wrmsr(0xc0000080, efer & ~0x100ul) == VEC_GP, "LME with paging on: #GP");
	check(try_wrmsr(0xc0000080, efer | 1ul << 40) == VEC_GP, "a reserved bit: #GP");
}

GUEST_CASE(bad_values, SECTION)
{
	check(try_wrmsr(0x277, 0x02) == VEC_GP, "PAT with a type that is not there");
	check(try_wrmsr(0x2ff, 0x02) == VEC_GP, "MTRR_DEF_TYPE with such a type");
	check(try_wrmsr(0x1b, ~0ul) == VEC_GP, "APIC_BASE with all bits");
	if (emulator_fault(HOST_SVM, "WRMSR of a non-canonical base does not fault"))
		return;
	check(try_wrmsr(0xc0000082, NONCANONICAL) == VEC_GP, "LSTAR, not canonical");
	check(try_wrmsr(0xc0000100, NONCANONICAL) == VEC_GP, "FS_BASE, not canonical");
	check(try_wrmsr(0xc0000102, NONCANONICAL) == VEC_GP, "KERNEL_GS_BASE, not canonical");
}

GUEST_CASE(unknown, SECTION)
{
	static const u32 index[] = { 0x1fff, 0x3fff, 0xdead0000, 0xc0001fff, 0xffffffff };
	u64 value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(index); i++) {
		check(try_rdmsr(index[i], &value) == VEC_GP, "RDMSR of %x", index[i]);
		check(try_wrmsr(index[i], 0) == VEC_GP, "WRMSR of %x", index[i]);
	}
}

/* Read, written with what was read, with zeros and with ones: nobody is hurt. */
static void sweep(u32 first, u32 last)
{
	u32 index, present = 0, odd = 0;
	u64 value, vector;

	for (index = first; index <= last; index++) {
		vector = try_rdmsr(index, &value);
		present += vector == VEC_NONE;
		odd += vector != VEC_NONE && vector != VEC_GP;
		if (vector == VEC_NONE)
			try_wrmsr(index, value);
		vector = try_wrmsr(index, 0);
		odd += vector != VEC_NONE && vector != VEC_GP;
		vector = try_wrmsr(index, ~0ul);
		odd += vector != VEC_NONE && vector != VEC_GP;
	}
	check(present > 5, "%u can be read from %x on", present, first);
	check(!odd, "all others answer with #GP");
}

GUEST_CASE(sweep_low, SECTION, .flags = CASE_IRQCHIP)
{
	sweep(0, 0x2000);
}

GUEST_CASE(sweep_high, SECTION, .flags = CASE_IRQCHIP)
{
	sweep(0xc0000000, 0xc0002000);
}
#endif /* GUEST */
