/* SPDX-License-Identifier: GPL-2.0-only */
/* Nested paging of a test's L2: identical at first, one region page by page. */
#ifndef NST_SVM_NPT_TEST_H
#define NST_SVM_NPT_TEST_H

#include "svm.h"

/* The tables, with every bit that lets an access through. */
#define NPML4		((u64 *)(TEST_FREE + 0x0000))
#define NPDPT		((u64 *)(TEST_FREE + 0x1000))
#define NPD		((u64 *)(TEST_FREE + 0x2000))
#define NPTABLE		((u64 *)(TEST_FREE + 0x3000))
#define NPDPT_1G	((u64 *)(TEST_FREE + 0x4000))
#define NPML4_1G	((u64 *)(TEST_FREE + 0x5000))
#define OPEN		(PTE_PRESENT | PTE_WRITE | PTE_USER)

/* What NPTABLE maps page by page, and three pages in there. */
#define SMALL		0x400000ul
#define PAGE_A		(SMALL + 0x1000)
#define PAGE_B		(SMALL + 0x2000)
#define LARGE		0x600000ul

/* EXITINFO1, APM2 "Nested versus Guest Page Faults, Fault Ordering". */
#define NPF_P		(1ul << 0)
#define NPF_W		(1ul << 1)
#define NPF_U		(1ul << 2)
#define NPF_RSV		(1ul << 3)
#define NPF_ID		(1ul << 4)
#define NPF_FINAL	(1ul << 32)
#define NPF_WALK	(1ul << 33)

#define EFER_NXE	(1ul << 11)
#define TLB_FLUSH_ALL	1

static inline u64 *entry_of(u64 address)
{
	return &NPTABLE[(address >> 12) & 511];
}

/* An L2 with @code whose physical addresses are L1's. */
static inline void npt_init(void (*code)(void))
{
	u64 i;

	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	vmcb_init(code);
	memset(NPML4, 0, 0x6000);
	NPML4[0] = (u64)NPDPT | OPEN;
	NPDPT[0] = (u64)NPD | OPEN;
	for (i = 0; i < 4; i++)
		NPD[i] = i << 21 | PTE_LARGE | OPEN;
	NPD[SMALL >> 21] = (u64)NPTABLE | OPEN;
	for (i = 0; i < 512; i++)
		NPTABLE[i] = (SMALL + (i << 12)) | OPEN;
	VMCB->np_enable = 1;
	VMCB->ncr3 = (u64)NPML4;
	want(I_HLT);
}

static inline void flush(void)
{
	VMCB->tlb_control = TLB_FLUSH_ALL;
}

/* NPF at @gpa with @info1. */
static inline bool npf(u64 gpa, u64 info1, const char *what)
{
	if (!run_to(EXIT_NPF, what))
		return false;
	check(VMCB->info2 == gpa, "%s: address %lx", what, VMCB->info2);
	return check(VMCB->info1 == info1, "%s: error %lx", what, VMCB->info1);
}

L2_CODE(stores, "mov %rbx, (%rdi); hlt; jmp stores");
L2_CODE(loads, "mov (%rdi), %rbx; hlt; jmp loads");
L2_CODE(calls, "call *%rdi; hlt; jmp calls");

#endif /* NST_SVM_NPT_TEST_H */
