// SPDX-License-Identifier: GPL-2.0-only
/*
 * What went wrong elsewhere, each by its name: a hypervisor below L1 must not be
 * talked into giving L2, or L1, the host's hardware.
 */
#ifdef GUEST
#include "svm.h"
#include "apic.h"

#define AVIC_ENABLE	(1u << 31)
#define V_GIF		(1u << 9)
#define V_GIF_ENABLE	(1u << 25)
/* Neither memory nor a device that answers. */
#define NOWHERE		0xe0000000ul
#define AVIC_PAGES	(TEST_FREE + 0x10000)

struct l2_regs l2;

L2_CODE(halts, "hlt");

/* A write to the local APIC, a CLGI and an interrupt to itself. */
L2_CODE(uses_apic, "mov $0xfee00080, %edi; movl $0x40, (%rdi); mov (%rdi), %ebx\n"
	"mov $0xfee00300, %edi; movl $0x44066, (%rdi); hlt");

GUEST_CASE(cve_2021_3653, "no AVIC for L2", .flags = CASE_SVM | CASE_IRQCHIP)
{
	u32 i, touched = 0;

	apic_enable();
	vmcb_init(uses_apic);
	want(I_HLT);
	memset((void *)AVIC_PAGES, 0, 4 * PAGE_SIZE);
	VMCB->int_ctl = AVIC_ENABLE | V_GIF_ENABLE | V_GIF;
	VMCB->avic_bar = APIC_BASE;
	*(u64 *)((u8 *)VMCB + 0xe0) = AVIC_PAGES;
	*(u64 *)((u8 *)VMCB + 0xf0) = AVIC_PAGES + PAGE_SIZE;
	*(u64 *)((u8 *)VMCB + 0xf8) = AVIC_PAGES + 2 * PAGE_SIZE;
	run_to(EXIT_VMHLT, "L2 with AVIC asked for");
	for (i = 0; i < 4 * PAGE_SIZE / 8; i++)
		touched += !!((u64 *)AVIC_PAGES)[i];
	check(!touched, "nothing used the pages that the VMCB names (%u)", touched);
	check(l2.rbx == 0x40 && apic_read(APIC_TPR) == 0x40, "the APIC is L1's (%lx)", l2.rbx);
	check(VMCB->int_ctl & AVIC_ENABLE, "the bit stays as L1 wrote it (%x)", VMCB->int_ctl);
	apic_write(APIC_TPR, 0);
	open_window();
	check(irq_count[0x66] == 1, "and its interrupt (%u)", irq_count[0x66]);
}

/* Another CPU changes the VMCB while VMRUN looks at it. */
static volatile u32 go, stop;
static volatile u32 flips;

static void flip(void)
{
	/* Not before the VMCB is whole: these are no atomic changes. */
	while (!go)
		asm volatile("pause");
	/* Each of the sixteen combinations, one bit at a time; one of them is good. */
	while (!stop) {
		switch (__builtin_ctz(++flips | 8)) {
		case 0:
			VMCB->event_inj ^= EV_VALID | 5u << 8;
			break;
		case 1:
			VMCB->cr0 ^= 1ul << 40;
			break;
		case 2:
			VMCB->asid ^= 1;
			break;
		default:
			VMCB->efer ^= EFER_SVME;
		}
		barrier();
	}
}

GUEST_CASE(cve_2021_29657, "the VMCB is copied once", .flags = CASE_SVM | CASE_IRQCHIP,
	   .cpus = 2, .ap = flip)
{
	u32 i, ran = 0, refused = 0, other = 0;

	vmcb_init(halts);
	want(I_HLT);
	/* An event of the reserved type that got through would end in a shutdown. */
	want(I_SHUTDOWN);
	VMCB->idtr.limit = 0;
	go = 1;
	for (i = 0; i < 3000; i++) {
		VMCB->rip = (u64)halts;
		switch (vmrun()) {
		case EXIT_VMHLT:
			ran++;
			break;
		case ~0ul:
			refused++;
			break;
		default:
			other++;
		}
	}
	stop = 1;
	note("%u ran, %u refused, %u changes", ran, refused, flips);
	check(ran && refused && !other, "each VMRUN is accepted or refused as a whole (%u)", other);
}

L2_CODE(strings, "mov $0x500, %edx; lea (%rdi), %rsi; mov $3, %ecx; rep outsb\n"
	"mov $0x501, %edx; insb; hlt");

/* The emulator does string instructions; what L1 intercepts is not its business. */
GUEST_CASE(cve_2020_2732, "the emulator honours L1's bitmaps", .flags = CASE_SVM)
{
	vmcb_init(strings);
	want(I_IOIO);
	want(I_HLT);
	l2.rdi = TEST_FREE;
	IOPM[0x500 / 8] |= 3;
	run_to(EXIT_IOIO, "REP OUTSB");
	check((VMCB->info1 >> 16) == 0x500 && (VMCB->info1 & 0xd) == 0xc, "to port 500 (%lx)",
	      VMCB->info1);
	check(VMCB->rip == VMCB->info2 - 2 && l2.rcx == 3, "nothing has been written (%lu)",
	      l2.rcx);
	VMCB->rip = VMCB->info2;
	run_to(EXIT_IOIO, "INSB");
	check((VMCB->info1 >> 16) == 0x501 && (VMCB->info1 & 0xd) == 5, "from port 501 (%lx)",
	      VMCB->info1);
}

/* The page that VMRUN or the maps name is not memory, or not an address at all. */
GUEST_CASE(bad_addresses, "a hostile L1", .flags = CASE_SVM)
{
	static const u64 bad[] = { 1ul << 52, ~0xffful, 0x123, ~0ul, 1ul << 63 };
	u64 none = GUEST_MMIO;
	u32 i;

	svm_on();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		PROBE("vmrun %%rax", : : "a"(bad[i]) : "memory");
		check(trap.vector == VEC_GP, "VMRUN at %lx: #GP (%lx)", bad[i], trap.vector);
		PROBE("vmload %%rax", : : "a"(bad[i]) : "memory");
		check(trap.vector == VEC_GP, "VMLOAD at %lx: #GP (%lx)", bad[i], trap.vector);
		PROBE("vmsave %%rax", : : "a"(bad[i]) : "memory");
		check(trap.vector == VEC_GP, "VMSAVE at %lx: #GP (%lx)", bad[i], trap.vector);
	}
	vmcb_init(halts);
	want(I_HLT);
	want(I_MSR);
	want(I_IOIO);
	VMCB->iopm = none;
	VMCB->msrpm = none;
	run_to(EXIT_VMHLT, "maps where no memory is");
}

/* SVM off while it is in use, and registers that are not there. */
GUEST_CASE(svm_off_and_on, "a hostile L1", .flags = CASE_SVM)
{
	vmcb_init(halts);
	want(I_HLT);
	asm volatile("clgi" : : : "memory");
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SVME);
	PROBE("vmrun %%rax", : : "a"(VMCB) : "memory");
	check(trap.vector == VEC_UD, "VMRUN without SVME: #UD (%lx)", trap.vector);
	PROBE("stgi", : : : "memory");
	check(trap.vector == VEC_UD, "STGI too (%lx)", trap.vector);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	run_to(EXIT_VMHLT, "and with it again");
	check(try_wrmsr(MSR_VM_HSAVE_PA, 0x123) == VEC_GP, "VM_HSAVE_PA not aligned: #GP");
	check(try_wrmsr(MSR_VM_HSAVE_PA, 1ul << 52) == VEC_GP, "too wide: #GP");
	check(try_wrmsr(MSR_VM_CR, 1ul << 4) == VEC_GP, "SVMDIS with SVME set: #GP");
}

/* L2 runs where no memory is; nothing can carry out what is there. */
GUEST_CASE(bug_53871, "L2 must not be able to kill L1", .flags = CASE_SVM)
{
	vmcb_init((void (*)(void))NOWHERE);
	VMCB->icpt[2] = 1u << VEC_UD;
	want(I_SHUTDOWN);
	run_to(EXIT_EXCP + VEC_UD, "code in a device: #UD");
	check(VMCB->rip == NOWHERE, "at its address (%lx)", VMCB->rip);
	vmcb_init(halts);
	want(I_SHUTDOWN);
	VMCB->idtr.limit = 0;
	VMCB->rip = NOWHERE;
	run_to(EXIT_SHUT, "and without an IDT: shutdown");
	/* Page tables that lead out of memory. */
	vmcb_init(halts);
	want(I_SHUTDOWN);
	VMCB->icpt[2] = 1u << VEC_PF | 1u << VEC_UD;
	VMCB->cr3 = NOWHERE;
	vmrun();
	check(VMCB->exit_code == EXIT_SHUT || VMCB->exit_code == EXIT_EXCP + VEC_PF ||
	      VMCB->exit_code == EXIT_EXCP + VEC_UD, "tables in a device (%lx)", VMCB->exit_code);
	vmcb_init(halts);
	want(I_HLT);
	run_to(EXIT_VMHLT, "L1 goes on");
}

/* Without nested paging the state that L2 gets is checked just the same. */
GUEST_CASE(cve_2023_30456, "APM2 \"Canonicalization and Consistency Checks\"", .flags = CASE_SVM)
{
	static const struct {
		u64 cr0_set, cr0_clear, cr4_set, cr4_clear;
	} bad[] = {
		{ .cr0_set = 1ul << 29 },			/* NW without CD */
		{ .cr0_set = 1ul << 32 },
		{ .cr4_set = 1ul << 63 },
		{ .cr4_set = 1ul << 15 },
		{ .cr4_clear = 1ul << 5 },			/* long mode without PAE */
		{ .cr0_clear = CR0_PE },			/* long mode without PE */
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		vmcb_init(halts);
		want(I_HLT);
		VMCB->cr0 = (VMCB->cr0 | bad[i].cr0_set) & ~bad[i].cr0_clear;
		VMCB->cr4 = (VMCB->cr4 | bad[i].cr4_set) & ~bad[i].cr4_clear;
		vmrun();
		check(VMCB->exit_code == ~0ul, "row %u: VMEXIT_INVALID (%lx)", i,
		      VMCB->exit_code);
	}
}

L2_CODE(turns_svm_off, "mov $0xc0000080, %ecx; rdmsr; btr $12, %eax; wrmsr; hlt");

/* What the manual leaves undefined must not hurt L1. */
GUEST_CASE(l2_without_svme, "a hostile L2", .flags = CASE_SVM)
{
	vmcb_init(turns_svm_off);
	want(I_HLT);
	VMCB->icpt[2] = 1u << VEC_GP;
	check(vmrun() == EXIT_EXCP + VEC_GP, "L2 cannot clear EFER.SVME (%lx)",
	      VMCB->exit_code);
	check(rdmsr(MSR_EFER) & EFER_SVME, "L1's is set");
}
#else
#include "guest_test.h"
#endif
