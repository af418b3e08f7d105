// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested paging for L2: L1's tables merged with those below, their accessed and
 * dirty bits, and each way in which an access can fail in them.
 * APM2 "Nested Paging", "Nested versus Guest Page Faults, Fault Ordering".
 */
#ifdef GUEST
#include "svm.h"

#define NPT	"APM2 \"Nested Paging\""
#define FAULTS	"APM2 \"Nested versus Guest Page Faults, Fault Ordering\""

struct l2_regs l2;

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

static u64 *entry_of(u64 address)
{
	return &NPTABLE[(address >> 12) & 511];
}

/* An L2 with @code whose physical addresses are L1's. */
static void npt_init(void (*code)(void))
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

static void flush(void)
{
	VMCB->tlb_control = TLB_FLUSH_ALL;
}

/* NPF at @gpa with @info1. */
static bool npf(u64 gpa, u64 info1, const char *what)
{
	if (!run_to(EXIT_NPF, what))
		return false;
	check(VMCB->info2 == gpa, "%s: address %lx", what, VMCB->info2);
	return check(VMCB->info1 == info1, "%s: error %lx", what, VMCB->info1);
}

L2_CODE(stores, "mov %rbx, (%rdi); hlt; jmp stores");
L2_CODE(loads, "mov (%rdi), %rbx; hlt; jmp loads");
L2_CODE(calls, "call *%rdi; hlt; jmp calls");

GUEST_CASE(identity, NPT, .flags = CASE_SVM)
{
	npt_init(stores);
	l2.rbx = 0x1234567;
	l2.rdi = PAGE_A;
	run_to(EXIT_VMHLT, "L2 behind nested paging");
	check(*(volatile u64 *)PAGE_A == 0x1234567, "its write is in memory");
	check(VMCB->cr3 == read_cr3(), "its CR3 is its own");
}

GUEST_CASE(other_page, NPT, .flags = CASE_SVM)
{
	*(volatile u64 *)PAGE_A = 0xa;
	*(volatile u64 *)PAGE_B = 0xb;
	npt_init(loads);
	l2.rdi = PAGE_A;
	*entry_of(PAGE_A) = PAGE_B | OPEN;
	run_to(EXIT_VMHLT, "L2 reads");
	check(l2.rbx == 0xb, "the page that the entry names (%lx)", l2.rbx);
	*entry_of(PAGE_A) = PAGE_A | OPEN;
	flush();
	step_over();
	run_to(EXIT_VMHLT, "and after a flush");
	check(l2.rbx == 0xa, "the other (%lx)", l2.rbx);
	*entry_of(PAGE_A) = PAGE_B | OPEN;
	VMCB->tlb_control = 0;
	VMCB->asid = 2;
	step_over();
	run_to(EXIT_VMHLT, "with another ASID");
	check(l2.rbx == 0xb, "without a flush (%lx)", l2.rbx);
}

GUEST_CASE(not_present, FAULTS, .flags = CASE_SVM)
{
	npt_init(loads);
	l2.rdi = PAGE_A + 8;
	*entry_of(PAGE_A) = 0;
	npf(PAGE_A + 8, NPF_FINAL | NPF_U, "a read");
	VMCB->rip = (u64)stores;
	npf(PAGE_A + 8, NPF_FINAL | NPF_U | NPF_W, "a write");
	VMCB->rip = (u64)calls;
	l2.rdi = PAGE_A;
	npf(PAGE_A, NPF_FINAL | NPF_U | NPF_ID, "a fetch");
	*entry_of(PAGE_A) = PAGE_A | OPEN;
	*(volatile u8 *)PAGE_A = 0xc3;
	run_to(EXIT_VMHLT, "when it is there");
}

GUEST_CASE(missing_table, FAULTS, .flags = CASE_SVM)
{
	npt_init(loads);
	l2.rdi = PAGE_A;
	NPD[SMALL >> 21] = 0;
	npf(PAGE_A, NPF_FINAL | NPF_U, "no table");
	l2.rdi = 0x40000000;
	npf(0x40000000, NPF_FINAL | NPF_U, "no directory");
}

GUEST_CASE(rights, FAULTS, .flags = CASE_SVM)
{
	npt_init(stores);
	l2.rdi = PAGE_A;
	*entry_of(PAGE_A) &= ~PTE_WRITE;
	npf(PAGE_A, NPF_FINAL | NPF_U | NPF_W | NPF_P, "a write to a read-only page");
	VMCB->rip = (u64)loads;
	run_to(EXIT_VMHLT, "which can be read");
	*entry_of(PAGE_A) = PAGE_A | OPEN | PTE_NX;
	flush();
	VMCB->rip = (u64)calls;
	npf(PAGE_A, NPF_FINAL | NPF_U | NPF_ID | NPF_P, "a fetch from a page of data");
	*entry_of(PAGE_A) = PAGE_A | PTE_PRESENT | PTE_WRITE;
	flush();
	VMCB->rip = (u64)loads;
	npf(PAGE_A, NPF_FINAL | NPF_U | NPF_P, "a supervisor's page");
	*entry_of(PAGE_A) = PAGE_A | OPEN;
	NPD[SMALL >> 21] &= ~PTE_WRITE;
	flush();
	VMCB->rip = (u64)stores;
	npf(PAGE_A, NPF_FINAL | NPF_U | NPF_W | NPF_P, "a write below a read-only directory");
}

GUEST_CASE(reserved_bits, FAULTS, .flags = CASE_SVM)
{
	npt_init(loads);
	l2.rdi = PAGE_A;
	*entry_of(PAGE_A) |= 1ul << 51;
	npf(PAGE_A, NPF_FINAL | NPF_U | NPF_RSV | NPF_P, "an address that is too wide");
	*entry_of(PAGE_A) = PAGE_A | OPEN;
	run_to(EXIT_VMHLT, "and without it");
	NPD[LARGE >> 21] |= 1ul << 13;
	l2.rdi = LARGE;
	flush();
	step_over();
	npf(LARGE, NPF_FINAL | NPF_U | NPF_RSV | NPF_P, "a large page that is not aligned");
}

/* L2's own tables lie in a page that NPT does not let it write, or does not have. */
GUEST_CASE(own_tables, FAULTS, .flags = CASE_SVM)
{
	u64 *pml4 = (u64 *)PAGE_B;

	npt_init(loads);
	memcpy(pml4, (void *)GUEST_PML4, PAGE_SIZE);
	pml4[0] &= ~PTE_ACCESSED;
	VMCB->cr3 = PAGE_B;
	*entry_of(PAGE_B) = 0;
	l2.rdi = PAGE_A;
	if (!run_to(EXIT_NPF, "no page for L2's CR3"))
		return;
	check((VMCB->info2 & ~0xffful) == PAGE_B, "its address %lx", VMCB->info2);
	check((VMCB->info1 & (NPF_WALK | NPF_FINAL | NPF_U | NPF_P)) == (NPF_WALK | NPF_U),
	      "a walk, not the access itself (%lx)", VMCB->info1);
	*entry_of(PAGE_B) = PAGE_B | PTE_PRESENT | PTE_USER;
	flush();
	if (!run_to(EXIT_NPF, "L2's accessed bits cannot be set"))
		return;
	check((VMCB->info1 & (NPF_WALK | NPF_W | NPF_P)) == (NPF_WALK | NPF_W | NPF_P),
	      "a write for the walk (%lx)", VMCB->info1);
	*entry_of(PAGE_B) = PAGE_B | OPEN;
	flush();
	run_to(EXIT_VMHLT, "with all rights");
	check(pml4[0] & PTE_ACCESSED, "L2's entry is accessed");
}

GUEST_CASE(accessed_dirty, NPT, .flags = CASE_SVM)
{
	npt_init(loads);
	l2.rdi = PAGE_A;
	run_to(EXIT_VMHLT, "a read");
	check((*entry_of(PAGE_A) & (PTE_ACCESSED | PTE_DIRTY)) == PTE_ACCESSED,
	      "sets accessed alone (%lx)", *entry_of(PAGE_A));
	check(NPML4[0] & PTE_ACCESSED && NPDPT[0] & PTE_ACCESSED &&
	      NPD[SMALL >> 21] & PTE_ACCESSED, "in all levels");
	check(!(*entry_of(PAGE_B) & PTE_ACCESSED), "and no other's");
	VMCB->rip = (u64)stores;
	run_to(EXIT_VMHLT, "a write");
	check(*entry_of(PAGE_A) & PTE_DIRTY, "sets dirty (%lx)", *entry_of(PAGE_A));
	*entry_of(PAGE_A) &= ~(PTE_ACCESSED | PTE_DIRTY);
	flush();
	VMCB->rip = (u64)stores;
	run_to(EXIT_VMHLT, "once more, both cleared and flushed");
	check((*entry_of(PAGE_A) & (PTE_ACCESSED | PTE_DIRTY)) == (PTE_ACCESSED | PTE_DIRTY),
	      "sets both (%lx)", *entry_of(PAGE_A));
}

GUEST_CASE(large_pages, NPT, .flags = CASE_SVM)
{
	*(volatile u64 *)(SMALL + 0x5000) = 0x2222;
	npt_init(loads);
	NPD[LARGE >> 21] = SMALL | PTE_LARGE | OPEN;
	l2.rdi = LARGE + 0x5000;
	run_to(EXIT_VMHLT, "through a page of 2 MiB");
	check(l2.rbx == 0x2222, "L2 reads what it maps (%lx)", l2.rbx);
	check((NPD[LARGE >> 21] & (PTE_ACCESSED | PTE_DIRTY)) == PTE_ACCESSED,
	      "which is accessed (%lx)", NPD[LARGE >> 21]);
	VMCB->rip = (u64)stores;
	l2.rbx = 0x3333;
	run_to(EXIT_VMHLT, "a write");
	check(*(volatile u64 *)(SMALL + 0x5000) == 0x3333 && NPD[LARGE >> 21] & PTE_DIRTY,
	      "goes there and makes it dirty");
}

GUEST_CASE(huge_page, NPT, .flags = CASE_SVM)
{
	u32 r[4];

	cpuid(0x80000001, 0, r);
	if (!(r[3] & 1u << 26)) {
		skip("no pages of 1 GiB");
		return;
	}
	*(volatile u64 *)PAGE_A = 0x1111;
	npt_init(loads);
	NPML4_1G[0] = (u64)NPDPT_1G | OPEN;
	NPDPT_1G[0] = PTE_LARGE | OPEN;
	VMCB->ncr3 = (u64)NPML4_1G;
	l2.rdi = PAGE_A;
	run_to(EXIT_VMHLT, "one page of 1 GiB");
	check(l2.rbx == 0x1111 && NPDPT_1G[0] & PTE_ACCESSED, "L2 reads (%lx)", l2.rbx);
}

/* Two address spaces in turn, each with its ASID and without a flush. */
GUEST_CASE(two_roots, NPT, .flags = CASE_SVM)
{
	u32 i, good = 0;

	*(volatile u64 *)PAGE_A = 0xa;
	*(volatile u64 *)PAGE_B = 0xb;
	npt_init(loads);
	memcpy(NPML4_1G, NPML4, PAGE_SIZE);
	memcpy(NPDPT_1G, NPDPT, PAGE_SIZE);
	NPML4_1G[0] = (u64)NPDPT_1G | OPEN;
	NPDPT_1G[0] = (u64)(TEST_FREE + 0x6000) | OPEN;
	memcpy((void *)(TEST_FREE + 0x6000), NPD, PAGE_SIZE);
	((u64 *)(TEST_FREE + 0x6000))[SMALL >> 21] = (TEST_FREE + 0x7000) | OPEN;
	memcpy((void *)(TEST_FREE + 0x7000), NPTABLE, PAGE_SIZE);
	((u64 *)(TEST_FREE + 0x7000))[1] = PAGE_B | OPEN;
	for (i = 0; i < 50; i++) {
		VMCB->ncr3 = i & 1 ? (u64)NPML4_1G : (u64)NPML4;
		VMCB->asid = 1 + (i & 1);
		VMCB->rip = (u64)loads;
		l2.rdi = PAGE_A;
		l2.rbx = 0;
		if (vmrun() != EXIT_VMHLT)
			break;
		good += l2.rbx == (i & 1 ? 0xb : 0xa);
	}
	check(good == 50, "each reads its own page, 50 times (%u)", good);
}

GUEST_CASE(invlpga, "APM3 \"INVLPGA\"", .flags = CASE_SVM)
{
	*(volatile u64 *)PAGE_A = 0xa;
	*(volatile u64 *)PAGE_B = 0xb;
	npt_init(loads);
	l2.rdi = PAGE_A;
	run_to(EXIT_VMHLT, "L2 reads");
	check(l2.rbx == 0xa, "its page");
	*entry_of(PAGE_A) = PAGE_B | OPEN;
	asm volatile("invlpga %%rax, %%ecx" : : "a"(PAGE_A), "c"(1) : "memory");
	step_over();
	run_to(EXIT_VMHLT, "and after INVLPGA");
	check(l2.rbx == 0xb, "the new one (%lx)", l2.rbx);
}

/* CVE-2024-50115: the low bits of nCR3 are no part of the address. */
GUEST_CASE(ncr3_low_bits, NPT, .flags = CASE_SVM)
{
	npt_init(loads);
	*(volatile u64 *)PAGE_A = 0x77;
	l2.rdi = PAGE_A;
	VMCB->ncr3 = (u64)NPML4 | 0x18;
	run_to(EXIT_VMHLT, "nCR3 with bits 4 and 3");
	check(l2.rbx == 0x77, "the same tables (%lx)", l2.rbx);
}

GUEST_CASE(ncr3_too_wide, "APM2 \"Canonicalization and Consistency Checks\"", .flags = CASE_SVM)
{
	npt_init(loads);
	VMCB->ncr3 = 1ul << 52 | (u64)NPML4;
	check(vmrun() == ~0ul, "VMEXIT_INVALID (%lx)", VMCB->exit_code);
	check(VMCB->rip == (u64)loads, "and nothing ran");
}

/* What is no memory to L1 either is a device: L2 reaches it where NPT says. */
GUEST_CASE(device, NPT, .flags = CASE_SVM)
{
	npt_init(stores);
	*entry_of(PAGE_A) = GUEST_MMIO | OPEN;
	l2.rbx = 0xd0d0;
	l2.rdi = PAGE_A + 0x10;
	run_to(EXIT_VMHLT, "a write to a device");
	step_over();
	VMCB->rip = (u64)loads;
	l2.rbx = 0;
	run_to(EXIT_VMHLT, "a read");
	check(l2.rbx == 0x5a5a5a5a5a5a5a5aul, "its answer (%lx)", l2.rbx);
	check(*entry_of(PAGE_A) & PTE_ACCESSED, "the entry is accessed");
	/* CVE-2026-23401: memory takes its place, and then a device memory's. */
	*(volatile u64 *)(PAGE_B + 0x10) = 0xb;
	*entry_of(PAGE_A) = PAGE_B | OPEN;
	flush();
	VMCB->rip = (u64)loads;
	run_to(EXIT_VMHLT, "memory in its place");
	check(l2.rbx == 0xb, "is read (%lx)", l2.rbx);
	*entry_of(PAGE_A) = GUEST_MMIO | OPEN;
	flush();
	VMCB->rip = (u64)loads;
	run_to(EXIT_VMHLT, "the device again");
	check(l2.rbx == 0x5a5a5a5a5a5a5a5aul, "answers (%lx)", l2.rbx);
}
#else
#include <string.h>
#include "guest_test.h"

/* A device with one register, at offset 0x10, that reads as a pattern. */
static bool device_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_MMIO)
		return false;
	host_check(vcpu->vm, run->mmio.phys_addr == GUEST_MMIO + 0x10 && run->mmio.len == 8,
		   "userspace sees L1's address (%#llx)", (unsigned long long)run->mmio.phys_addr);
	if (run->mmio.is_write)
		host_check(vcpu->vm, run->mmio.data[0] == 0xd0, "and the value");
	else
		memset(run->mmio.data, 0x5a, 8);
	return true;
}

const struct host_hook host_hooks[] = {
	{ .name = "device", .exit = device_exit },
	{ 0 }
};
#endif
