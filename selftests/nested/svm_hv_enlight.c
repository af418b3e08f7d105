// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hyper-V's enlightenments for L1s with SVM: in the bytes of the VMCB that are
 * software's own L1 says that it tells of changes to its MSR permission map.
 * TLFS "Nested Virtualization", "Enlightened MSR Bitmap".
 */
#define MOVE		1	/* call_host(): go on elsewhere */

#ifdef GUEST
#include "svm.h"

#define BITMAP	"TLFS \"Enlightened MSR Bitmap\""

/* Offset in the VMCB, and the bit. */
#define ENLIGHTENMENTS		0x3e0
#define ENLIGHTENED_MSR_BITMAP	(1u << 1)
#define CLEAN_ENLIGHTENMENTS	(1u << 31)
#define OTHER_VMCB		TEST_FREE

#define FS_BASE			0xc0000100u
#define GS_BASE			0xc0000101u

struct l2_regs l2;

L2_CODE(l2_rdmsr, "1: movl $0xc0000100, %ecx; rdmsr; movl $0xc0000101, %ecx; rdmsr; cpuid; jmp 1b");

static void intercept(u32 msr, bool on)
{
	volatile u8 *byte = MSRPM + 0x800 + 2 * (msr & 0x1fff) / 8;
	u32 bit = 2 * (msr & 0x1fff) % 8;

	*byte = (*byte & ~(1u << bit)) | (u32)on << bit;
}

static void enlighten(bool on)
{
	*(volatile u32 *)((u64)VMCB + ENLIGHTENMENTS) = on ? ENLIGHTENED_MSR_BITMAP : 0;
}

static void start(void)
{
	vmcb_init(l2_rdmsr);
	want(I_MSR);
	want(I_CPUID);
	intercept(FS_BASE, true);
}

static void reads(u64 msr, const char *what)
{
	run_to(EXIT_MSR, what);
	check(l2.rcx == msr, "L2 reads MSR %lx (%lx)", msr, l2.rcx);
	step_over();
}

static void reads_none(const char *what)
{
	run_to(EXIT_CPUID, what);
	step_over();
}

/* From here L0 has the map with FS_BASE, L1's has GS_BASE alone. */
static void differ(void)
{
	enlighten(true);
	reads(FS_BASE, "the map as it is");
	VMCB->clean |= CLEAN_ENLIGHTENMENTS;
	intercept(FS_BASE, false);
	intercept(GS_BASE, true);
	reads_none("GS_BASE is new, and L1 has not told");
}

GUEST_CASE(clean_bit, BITMAP, .flags = CASE_SVM | CASE_HYPERV)
{
	u32 regs[4];

	cpuid(0x4000000a, 0, regs);
	check(regs[0] & 1u << 19, "CPUID shows it: %x", regs[0]);
	start();
	differ();
	reads(FS_BASE, "the map is what it was");
	reads_none("at each entry");
	VMCB->clean &= ~CLEAN_ENLIGHTENMENTS;
	reads(GS_BASE, "until L1 tells");
	VMCB->clean |= CLEAN_ENLIGHTENMENTS;
	intercept(GS_BASE, false);
	reads_none("behind it");
	enlighten(false);
	reads_none("without the enlightenment the map is L1's");
	intercept(FS_BASE, true);
	reads(FS_BASE, "at any time");
}

GUEST_CASE(other_vmcb, BITMAP, .flags = CASE_SVM | CASE_HYPERV)
{
	u64 exit;

	start();
	differ();
	memcpy((void *)OTHER_VMCB, VMCB, PAGE_SIZE);
	asm volatile("clgi; vmrun %%rax; stgi" : : "a"(OTHER_VMCB)
		     : "rbx", "rcx", "rdx", "cc", "memory");
	exit = ((struct vmcb *)OTHER_VMCB)->exit_code;
	/* The second of the two instructions. */
	check(exit == EXIT_MSR && ((struct vmcb *)OTHER_VMCB)->rip == (u64)l2_rdmsr + 12,
	      "another VMCB's map is read: exit %lx", exit);
	reads(GS_BASE, "and that of the first one then");
}

GUEST_CASE(without_hyperv, BITMAP, .flags = CASE_SVM)
{
	start();
	enlighten(true);
	reads(FS_BASE, "the map as it is");
	VMCB->clean |= CLEAN_ENLIGHTENMENTS;
	intercept(FS_BASE, false);
	intercept(GS_BASE, true);
	reads(GS_BASE, "a CPU that has no such bit reads the map");
}

GUEST_CASE(moves, BITMAP, .flags = CASE_SVM | CASE_HYPERV)
{
	start();
	differ();
	call_host(MOVE, 0, 0, 0);
	reads(GS_BASE, "the map is read in the other machine");
}

#else /* host half */
#include "guest_test.h"
#include "migrate.h"

static uint64_t on_call(struct vcpu *vcpu, const uint64_t *args)
{
	(void)args;
	vm_migrate(vcpu->vm);
	return 0;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .call = on_call }, { 0 }
};
#endif /* GUEST */
