// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every operating mode runs as the manual says, started by the host half or
 * reached by the guest itself: modes.S has the code, here stands what it must
 * report.
 */
#ifdef GUEST
#include "guest.h"

#define EFER_LMA	0x400
#define EFLAGS_VM	0x20000

PLAIN_CASE(real_mode, "SDM3 \"Real-Address Mode\"", real_code, MODE_REAL,
	   0x10, 0xcafe, 0x6000, 0, 6, 0xfa5, 0, 0);

FAULTY_CASE(real_mode_limit, "SDM3 \"Real-Address Mode\"", real_limit_code, MODE_REAL,
	    HOST_SVM, "segment limits are not checked", 0, 1);

PLAIN_CASE(protected_mode, "SDM3 \"Segment Descriptors\"", prot32_code, MODE_PROT32,
	   0x10010, SEL_CODE32, 0x11223344, SEL_CODE16, 0, SEL_CODE32);

PLAIN_CASE(two_level_paging, "SDM3 \"32-Bit Paging\"", paged32_code, MODE_PAGED32,
	   0x5a5a5a5a, 0x5a5a5a5a, 0x20);

PLAIN_CASE(pae_paging, "SDM3 \"PAE Paging\"", pae_code, MODE_PROT32,
	   1, 0x77777777, 3);

PLAIN_CASE(mode_switching, "SDM3 \"Mode Switching\"", transition_code, MODE_REAL,
	   1, 2, EFER_LMA, 0x12345678, 0, 6, 7, 8);

FAULTY_CASE(vm86, "SDM3 \"Entering Virtual-8086 Mode\"", vm86_code, MODE_PROT32,
	    HOST_SVM, "aborts when a busy 32-bit TSS gives the stack of ring 0",
	    EFLAGS_VM, 0x100, 0, 0x1000, 0x100, 0);

GUEST_CASE(long_mode, "SDM3 \"IA-32e Mode Operation\"")
{
	u64 value = 0x123456789abcdef0;
	u16 cs;

	asm volatile("bswap %0" : "+r"(value));
	check(value == 0xf0debc9a78563412, "64-bit operands (%lx)", value);
	asm volatile("mov %%cs, %0" : "=r"(cs));
	check(cs == SEL_CODE64, "CS is %x", cs);
	asm volatile("mov $~0, %%rax; mov $1, %%eax; mov %%rax, %0" : "=r"(value) : : "rax");
	check(value == 1, "a 32-bit result clears the upper half");
}
#endif /* GUEST */
