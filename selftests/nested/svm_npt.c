// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested paging for L2: L1's tables merged with those below, their accessed and
 * dirty bits, and each way in which an access can fail in them.
 * APM2 "Nested Paging", "Nested versus Guest Page Faults, Fault Ordering".
 */
#ifdef GUEST
#include "svm.h"
#include "svm_npt.h"

#define NPT	"APM2 \"Nested Paging\""
#define FAULTS	"APM2 \"Nested versus Guest Page Faults, Fault Ordering\""

struct l2_regs l2;

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

/*
 * A page that nobody touched yet, when its directory entry is no longer what it was
 * at the first access in the same table.
 */
GUEST_CASE(directory_changes, FAULTS, .flags = CASE_SVM)
{
	const u64 fresh = SMALL + 0x40000;
	u64 *table = (u64 *)(TEST_FREE + 0x6000);

	npt_init(loads);
	memcpy(table, NPTABLE, PAGE_SIZE);
	table[(fresh >> 12) & 511] = PAGE_B | OPEN;
	*(volatile u64 *)PAGE_B = 0xb;
	l2.rdi = PAGE_A;
	run_to(EXIT_VMHLT, "the first access");
	NPD[SMALL >> 21] = (u64)table | OPEN;
	flush();
	VMCB->rip = (u64)loads;
	l2.rdi = fresh;
	run_to(EXIT_VMHLT, "below another table");
	check(l2.rbx == 0xb, "its page (%lx)", l2.rbx);
	NPD[SMALL >> 21] = (u64)table | PTE_PRESENT | PTE_USER;
	flush();
	VMCB->rip = (u64)stores;
	l2.rdi = fresh + 0x20000;
	npf(fresh + 0x20000, NPF_FINAL | NPF_U | NPF_W | NPF_P, "a write when it may not");
	NPD[SMALL >> 21] = 0;
	flush();
	l2.rdi = fresh + 0x30000;
	npf(fresh + 0x30000, NPF_FINAL | NPF_U | NPF_W, "when there is no table");
	NPD[SMALL >> 21] = SMALL | PTE_LARGE | OPEN;
	flush();
	run_to(EXIT_VMHLT, "when there is a large page");
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

/* The low bits of nCR3 are no part of the address. */
GUEST_CASE(cve_2024_50115, NPT, .flags = CASE_SVM)
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
}

/* Entries for a device and for memory must not outlive each other. */
GUEST_CASE(cve_2026_23401, NPT, .flags = CASE_SVM)
{
	npt_init(loads);
	*entry_of(PAGE_A) = GUEST_MMIO | OPEN;
	l2.rdi = PAGE_A + 0x10;
	run_to(EXIT_VMHLT, "a read of a device");
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

/* The first use of an ASID finds nothing of who had it before, or of no one. */
GUEST_CASE(cve_2026_89932, NPT, .flags = CASE_SVM)
{
	u32 i, good = 0;

	*(volatile u64 *)PAGE_A = 0xa;
	*(volatile u64 *)PAGE_B = 0xb;
	npt_init(loads);
	l2.rdi = PAGE_A;
	for (i = 0; i < 40; i++) {
		*entry_of(PAGE_A) = (i & 1 ? PAGE_B : PAGE_A) | OPEN;
		VMCB->asid = 1 + i;
		VMCB->rip = (u64)loads;
		if (vmrun() != EXIT_VMHLT)
			break;
		good += l2.rbx == (i & 1 ? 0xb : 0xa);
	}
	check(good == 40, "40 new ASIDs, none with a flush (%u)", good);
}

/*
 * One page is a table of level 1 in one place and of level 2 in another, and is
 * reached with and without the right to write: four different shadows.
 */
GUEST_CASE(cve_2026_46113, NPT, .flags = CASE_SVM)
{
	const u64 as_pd = 0x40000000 + (1ul << 21), alias = LARGE + 0x1000;
	u32 i, good = 0;

	npt_init(loads);
	/* NPTABLE[1] names PAGE_A, which is a table when NPTABLE is a directory. */
	*(volatile u64 *)PAGE_A = PAGE_B | OPEN;
	*(volatile u64 *)PAGE_B = 0xb;
	NPDPT[1] = (u64)NPTABLE | OPEN;
	NPD[LARGE >> 21] = (u64)NPTABLE | PTE_PRESENT | PTE_USER;
	flush();
	for (i = 0; i < 6; i++) {
		static const u64 order[] = { 0, 1, 2, 1, 0, 2 };
		u64 at = order[i] == 0 ? PAGE_A : order[i] == 1 ? as_pd : alias;
		u64 want_value = order[i] == 1 ? 0xb : *(volatile u64 *)PAGE_A;

		l2.rdi = at;
		VMCB->rip = (u64)loads;
		if (vmrun() != EXIT_VMHLT)
			break;
		good += l2.rbx == want_value;
	}
	check(good == 6, "each address leads to its own page (%u)", good);
	VMCB->rip = (u64)stores;
	l2.rbx = 1;
	l2.rdi = PAGE_B;
	run_to(EXIT_VMHLT, "a write below the directory that allows it");
	VMCB->rip = (u64)stores;
	l2.rdi = LARGE + 0x2000;
	npf(LARGE + 0x2000, NPF_FINAL | NPF_U | NPF_W | NPF_P, "the same page below the other");
}

/*
 * CVE-2017-12188: L1's mode chooses the levels of nCR3's walk, L2's those of its own.
 * L2 is in 32-bit and in PAE paging, where it has fewer than the nested tables.
 */
extern u8 code32[];
asm(".text\n.code32\ncode32: mov (%edi), %ebx; hlt\n.code64");

static void paging_32(u64 cr4)
{
	VMCB->efer = EFER_SVME;
	VMCB->cr4 = cr4;
	VMCB->cr3 = PAGE_B;
	VMCB->rip = PAGE_A;
	read_seg(&VMCB->cs, SEL_CODE32, 0xc9b);
	memset((void *)PAGE_B, 0, 2 * PAGE_SIZE);
	memcpy((void *)PAGE_A, code32, 8);
	*(volatile u32 *)(PAGE_A + 0x800) = 0x3232;
	l2.rdi = PAGE_A + 0x800;
}

GUEST_CASE(cve_2017_12188, NPT, .flags = CASE_SVM)
{
	u32 i;

	npt_init(stores);
	for (i = 0; i < 4; i++) {
		l2.rbx = 0;
		if (i & 1) {
			paging_32(1ul << 5);
			*(u64 *)PAGE_B = (PAGE_B + PAGE_SIZE) | PTE_PRESENT;
			*(u64 *)(PAGE_B + PAGE_SIZE + 8 * (SMALL >> 21)) =
				SMALL | PTE_LARGE | PTE_PRESENT | PTE_WRITE;
		} else {
			paging_32(1ul << 4);
			*(u32 *)(PAGE_B + 4 * (SMALL >> 22)) =
				SMALL | PTE_LARGE | PTE_PRESENT | PTE_WRITE;
		}
		run_to(EXIT_VMHLT, i & 1 ? "L2 with PAE paging" : "L2 with 32-bit paging");
		check(l2.rbx == 0x3232, "reads its memory (%lx)", l2.rbx);
	}
	vmcb_init(loads);
	VMCB->np_enable = 1;
	VMCB->ncr3 = (u64)NPML4;
	want(I_HLT);
	l2.rdi = PAGE_A + 0x800;
	run_to(EXIT_VMHLT, "and with four levels again");
	check((u32)l2.rbx == 0x3232, "too (%lx)", l2.rbx);
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
	{ .name = "cve_2026_23401", .exit = device_exit },
	{ 0 }
};
#endif
