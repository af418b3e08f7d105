// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX instructions in root operation: what each refuses, with which flags
 * and error number. SDM3 "VMX Instruction Reference".
 */
#ifdef GUEST
#include "vmx_l1.h"

#define WIDE		(1ul << 52)
#define UNALIGNED	(VMCS_REGION + 0x10)
#define INSN_TEXT	"SDM3 \"VMX Instruction Reference\""

static void fails(u64 flags, u64 error, const char *what)
{
	if (flags != VMX_VALID || vmread(F_INSN_ERROR) != error)
		note("flags %lx error %lu", flags, vmread(F_INSN_ERROR));
	check(flags == VMX_VALID && vmread(F_INSN_ERROR) == error, "%s", what);
}

GUEST_CASE(outside_vmx, INSN_TEXT, .flags = CASE_VMX)
{
	u64 at = VMXON_REGION, field = F_GUEST_RIP, value = 0;

	if (!has_vmx())
		return;
	WRITE_CR(0, READ_CR(0) | CR0_NE);
	WRITE_CR(4, READ_CR(4) & ~CR4_VMXE);
	PROBE("vmxon %0", : : "m"(at) : "cc", "memory");
	check_trap(VEC_UD, 0, "VMXON without CR4.VMXE: #UD");
	WRITE_CR(4, READ_CR(4) | CR4_VMXE);
	PROBE("vmxon %0", : : "m"(at) : "cc", "memory");
	check_trap(VEC_GP, 0, "VMXON with IA32_FEATURE_CONTROL unlocked: #GP");
	PROBE("vmclear %0", : : "m"(at) : "cc", "memory");
	check_trap(VEC_UD, 0, "VMCLEAR outside VMX operation: #UD");
	PROBE("vmread %1, %0", : "+r"(value) : "r"(field) : "cc", "memory");
	check_trap(VEC_UD, 0, "VMREAD outside VMX operation: #UD");
	PROBE("vmlaunch", : : : "cc", "memory");
	check_trap(VEC_UD, 0, "VMLAUNCH outside VMX operation: #UD");
	PROBE("vmxoff", : : : "cc", "memory");
	check_trap(VEC_UD, 0, "VMXOFF outside VMX operation: #UD");
}

GUEST_CASE(feature_control, "SDM3 \"Enabling and Entering VMX Operation\"", .flags = CASE_VMX)
{
	if (!has_vmx())
		return;
	check(try_wrmsr(MSR_FEATURE_CONTROL, FEATURE_LOCKED | FEATURE_VMX) == VEC_NONE,
	      "the lock can be set");
	check(try_wrmsr(MSR_FEATURE_CONTROL, 0) == VEC_GP, "and is for good");
	check(rdmsr(MSR_FEATURE_CONTROL) == (FEATURE_LOCKED | FEATURE_VMX), "with its value");
	check(try_wrmsr(MSR_VMX_BASIC, rdmsr(MSR_VMX_BASIC)) == VEC_GP,
	      "capability MSRs cannot be written");
}

GUEST_CASE(vmxon_operand, INSN_TEXT, .flags = CASE_VMX)
{
	if (!vmx_start())
		return;
	check(vmxoff() == VMX_OK, "VMXOFF");
	check(vmxon(VMXON_REGION + 8) == VMX_INVALID, "VMXON of an unaligned address");
	check(vmxon(WIDE) == VMX_INVALID, "VMXON beyond the physical-address width");
	*(volatile u32 *)OTHER_REGION ^= 1;
	check(vmxon(OTHER_REGION) == VMX_INVALID, "VMXON with another revision");
	*(volatile u32 *)OTHER_REGION ^= 1;
	*(volatile u32 *)OTHER_REGION |= 1u << 31;
	check(vmxon(OTHER_REGION) == VMX_INVALID, "VMXON with bit 31 set");
	check(vmxon(VMXON_REGION) == VMX_OK, "VMXON");
	check(vmxon(OTHER_REGION) == VMX_INVALID, "VMXON in VMX operation, no current VMCS");
	check(vmptrld(VMCS_REGION) == VMX_OK, "VMPTRLD");
	fails(vmxon(OTHER_REGION), E_VMXON_IN_ROOT, "VMXON in VMX operation");
}

GUEST_CASE(fixed_bits, "SDM3 \"Restrictions on VMX Operation\"", .flags = CASE_VMX)
{
	u64 cr0, cr4;

	if (!vmx_start())
		return;
	cr0 = READ_CR(0);
	cr4 = READ_CR(4);
	check(cr4 & CR4_VMXE, "CR4.VMXE reads as written");
	PROBE("mov %0, %%cr4", : : "r"(cr4 & ~CR4_VMXE) : "memory");
	check_trap(VEC_GP, 0, "clearing CR4.VMXE in VMX operation: #GP");
	PROBE("mov %0, %%cr0", : : "r"(cr0 & ~CR0_NE) : "memory");
	check_trap(VEC_GP, 0, "clearing CR0.NE in VMX operation: #GP");
	vmxoff();
	PROBE("mov %0, %%cr4", : : "r"(cr4 & ~CR4_VMXE) : "memory");
	check_trap(VEC_NONE, 0, "outside it may be cleared");
}

GUEST_CASE(pointers, INSN_TEXT, .flags = CASE_VMX)
{
	if (!vmx_start())
		return;
	check(vmptrst() == ~0ul, "no current VMCS after VMXON");
	check(vmclear(UNALIGNED) == VMX_INVALID, "VMCLEAR of an unaligned address, no VMCS");
	check(vmptrld(VMCS_REGION) == VMX_OK, "VMPTRLD");
	check(vmptrst() == VMCS_REGION, "VMPTRST");
	fails(vmclear(UNALIGNED), E_VMCLEAR_ADDRESS, "VMCLEAR of an unaligned address");
	fails(vmclear(WIDE), E_VMCLEAR_ADDRESS, "VMCLEAR beyond the width");
	fails(vmclear(VMXON_REGION), E_VMCLEAR_VMXON, "VMCLEAR of the VMXON pointer");
	fails(vmptrld(UNALIGNED), E_VMPTRLD_ADDRESS, "VMPTRLD of an unaligned address");
	fails(vmptrld(VMXON_REGION), E_VMPTRLD_VMXON, "VMPTRLD of the VMXON pointer");
	*(volatile u32 *)OTHER_REGION ^= 1;
	fails(vmptrld(OTHER_REGION), E_VMPTRLD_REVISION, "VMPTRLD of another revision");
	*(volatile u32 *)OTHER_REGION ^= 1;
	check(vmptrst() == VMCS_REGION, "the current VMCS is still the same");
	check(vmclear(VMCS_REGION) == VMX_OK && vmptrst() == ~0ul,
	      "VMCLEAR of the current VMCS leaves none");
}

GUEST_CASE(two_regions, "SDM3 \"Software Use of the VMCS and Related Structures\"",
	   .flags = CASE_VMX)
{
	if (!vmx_start())
		return;
	vmptrld(VMCS_REGION);
	vmwrite(F_GUEST_RIP, 0x1111);
	vmptrld(OTHER_REGION);
	vmwrite(F_GUEST_RIP, 0x2222);
	vmptrld(VMCS_REGION);
	check(vmread(F_GUEST_RIP) == 0x1111, "each VMCS keeps its fields");
	vmptrld(OTHER_REGION);
	check(vmread(F_GUEST_RIP) == 0x2222, "each VMCS keeps its fields");
	vmclear(OTHER_REGION);
	vmxoff();
	vmxon(VMXON_REGION);
	vmptrld(OTHER_REGION);
	check(vmread(F_GUEST_RIP) == 0x2222, "also over VMXOFF");
}

GUEST_CASE(fields, INSN_TEXT, .flags = CASE_VMX)
{
	u64 value = 0, memory = 0, field = F_GUEST_CR3;

	if (!vmx_start())
		return;
	check(vmread_flags(F_GUEST_RIP, &value) == VMX_INVALID, "VMREAD without a VMCS");
	check(vmwrite(F_GUEST_RIP, 1) == VMX_INVALID, "VMWRITE without a VMCS");
	vmptrld(VMCS_REGION);
	fails(vmread_flags(0x7000, &value), E_FIELD, "VMREAD of no field");
	fails(vmread_flags(1ul << 32 | F_GUEST_RIP, &value), E_FIELD, "VMREAD with bit 32 set");
	fails(vmwrite(0x7000, 1), E_FIELD, "VMWRITE of no field");
	if (rdmsr(MSR_VMX_MISC) & MISC_WRITE_ALL)
		check(vmwrite(F_EXIT_REASON, 1) == VMX_OK && vmread(F_EXIT_REASON) == 1,
		      "VMWRITE of a field of exit information");
	else
		fails(vmwrite(F_EXIT_REASON, 1), E_READ_ONLY, "VMWRITE of a read-only field");
	check(vmwrite(F_GUEST_ES_SEL, 0x12345678) == VMX_OK && vmread(F_GUEST_ES_SEL) == 0x5678,
	      "a field of 16 bits");
	vmwrite(F_TSC_OFFSET, 0x1122334455667788);
	vmwrite(F_TSC_OFFSET + 1, 0xaabbccdd);
	check(vmread(F_TSC_OFFSET) == 0xaabbccdd55667788 && vmread(F_TSC_OFFSET + 1) == 0xaabbccdd,
	      "the high half of a field of 64 bits");
	vmwrite(field, 0x123456789a);
	asm volatile("vmread %1, %0" : "=m"(memory) : "r"(field) : "cc", "memory");
	check(memory == 0x123456789a, "VMREAD into memory");
	PROBE("vmread %0, 0(%1)", : : "r"(field), "r"(1ul << 60) : "cc", "memory");
	check_trap(VEC_GP, 0, "VMREAD to an address that is not canonical: #GP");
}

GUEST_CASE(entry_states, INSN_TEXT, .flags = CASE_VMX)
{
	if (!vmx_start())
		return;
	check(l2_go(true) == VMX_INVALID, "VMLAUNCH without a VMCS");
	vmcs_make(finish);
	fails(l2_go(false), E_RESUME_NOT_LAUNCHED, "VMRESUME of a clear VMCS");
	vmwrite(F_CR3_TARGETS, 5);
	fails(l2_go(true), E_CONTROLS, "VMLAUNCH with five CR3 targets");
	vmwrite(F_CR3_TARGETS, 0);
	vmwrite(F_HOST_CR3, ~0ul);
	fails(l2_go(true), E_HOST_STATE, "VMLAUNCH with a host CR3 that is too wide");
}

GUEST_CASE(invalidations, INSN_TEXT, .flags = CASE_VMX)
{
	u64 eptp;

	if (!vmx_start())
		return;
	vmptrld(VMCS_REGION);
	eptp = ept_make();
	if (can(MSR_VMX_PROC2, PROC2_EPT)) {
		fails(invept(0, eptp, 0), E_INVALIDATE, "INVEPT of type 0");
		fails(invept(3, eptp, 0), E_INVALIDATE, "INVEPT of type 3");
		fails(invept(1, eptp | 0x80, 0), E_INVALIDATE, "INVEPT of a bad EPT pointer");
		check(invept(1, eptp, 0) == VMX_OK, "INVEPT of one context");
		check(invept(2, 0, 0) == VMX_OK, "INVEPT of all");
	}
	if (!can(MSR_VMX_PROC2, PROC2_VPID))
		return;
	fails(invvpid(4, 1, 0), E_INVALIDATE, "INVVPID of type 4");
	fails(invvpid(1, 0, 0), E_INVALIDATE, "INVVPID of VPID 0");
	fails(invvpid(1, 0x10001, 0), E_INVALIDATE, "INVVPID with a reserved bit");
	fails(invvpid(0, 1, 1ul << 60), E_INVALIDATE, "INVVPID of a non-canonical address");
	check(invvpid(0, 1, 0x1000) == VMX_OK && invvpid(1, 1, 0) == VMX_OK &&
	      invvpid(2, 0, 0) == VMX_OK && invvpid(3, 1, 0) == VMX_OK, "INVVPID of each type");
}

/* What a VMX instruction does must not be reached from ring 3. */
GUEST_CASE(cve_2018_12904, INSN_TEXT, .flags = CASE_VMX)
{
	u64 at = OTHER_REGION;

	if (!vmx_start())
		return;
	vmptrld(VMCS_REGION);
	PROBE("push %0; push %1; push $2; push %2; push $774f; iretq\n"
	      "774: vmptrld (%3)", : : "r"((u64)SEL_USER_DATA), "r"((u64)L2_STACK_TOP),
	      "r"((u64)SEL_USER_CODE64), "r"(&at) : "cc", "memory");
	check_trap(VEC_GP, 0, "VMPTRLD in ring 3: #GP");
	check(vmptrst() == VMCS_REGION, "and changes nothing");
}
#else
#include "guest_test.h"
#endif
