// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1 runs one L2 with nested paging and one without in turn: each sees the memory
 * that it was given. APM2 "Nested Paging".
 */
#ifdef GUEST
#include "svm.h"

#define SECTION		"APM2 \"Nested Paging\""
#define WORD		(TEST_FREE + 0x0000)
#define OTHER		(TEST_FREE + 0x1000)
#define NPT		(TEST_FREE + 0x10000)	/* PML4, PDPT, PD, PT */
#define TURNS		4

struct l2_regs l2;

/* L2 reads the word at RBX, which is mapped to itself by its own tables. */
L2_CODE(read_word, "movq (%rbx), %rcx; vmmcall");

/* 2 MiB pages one to one, but the word's page is the other one. */
static void make_npt(void)
{
	u64 *pml4 = (u64 *)NPT, *pdpt = pml4 + 512, *pd = pdpt + 512, *pt = pd + 512;
	const u64 all = PTE_PRESENT | PTE_WRITE | PTE_USER;
	u64 i;

	memset(pml4, 0, 4 * PAGE_SIZE);
	pml4[0] = (u64)pdpt | all;
	pdpt[0] = (u64)pd | all;
	for (i = 0; i < 512; i++)
		pd[i] = i << 21 | all | PTE_LARGE;
	pd[WORD >> 21] = (u64)pt | all;
	for (i = 0; i < 512; i++)
		pt[i] = (WORD & ~0x1ffffful) | i << 12 | all;
	pt[WORD >> 12 & 511] = OTHER | all;
}

GUEST_CASE(with_and_without, SECTION, .flags = CASE_SVM)
{
	u64 i;

	vmcb_init(read_word);
	make_npt();
	*(volatile u64 *)WORD = 0x1111;
	*(volatile u64 *)OTHER = 0x2222;
	want(I_VMMCALL);
	for (i = 0; i < TURNS; i++) {
		VMCB->np_enable = !(i & 1);
		VMCB->ncr3 = NPT;
		VMCB->rip = (u64)read_word;
		l2.rbx = WORD;
		run_to(EXIT_VMMCALL, "L2 reads the word");
		check(l2.rcx == (i & 1 ? 0x1111 : 0x2222), "turn %lu: out of %s page (%lx)", i,
		      i & 1 ? "its own" : "the other", l2.rcx);
	}
}
#else
#include "guest_test.h"
#endif
