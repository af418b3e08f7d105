// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMRUN and #VMEXIT: which state goes in, comes out and is left alone.
 * APM2 "VMRUN Instruction", "#VMEXIT".
 */
#ifdef GUEST
#include "svm.h"

#define VMRUN	"APM2 \"VMRUN Instruction\""
#define VMEXIT	"APM2 \"#VMEXIT\""

struct l2_regs l2;

L2_CODE(one_cpuid, "mov $0x1234, %ebx; mov $7, %eax; cpuid; hlt");

GUEST_CASE(cpuid_exits, VMRUN, .flags = CASE_SVM)
{
	vmcb_init(one_cpuid);
	want(I_CPUID);
	if (!run_to(EXIT_CPUID, "intercepted CPUID"))
		return;
	check(VMCB->rax == 7 && l2.rbx == 0x1234, "registers of L2 (%lx %lx)", VMCB->rax, l2.rbx);
	check(VMCB->next_rip == VMCB->rip + 2, "NRIP is behind it");
	check(!VMCB->info1 && !VMCB->info2 && !VMCB->exit_int_info, "no more information");
}

L2_CODE(count_up, "1: inc %rax; cpuid; jmp 1b");

GUEST_CASE(many_times, VMRUN, .flags = CASE_SVM)
{
	u32 i, good = 0;

	vmcb_init(count_up);
	want(I_CPUID);
	for (i = 0; i < 200; i++) {
		if (vmrun() != EXIT_CPUID || VMCB->rax != i + 1)
			break;
		good++;
		step_over();
	}
	check(good == 200, "200 round trips (%u)", good);
}

L2_CODE(halts, "hlt");

GUEST_CASE(l1_state_comes_back, VMEXIT, .flags = CASE_SVM)
{
	u64 cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4(), efer, rsp, after;

	vmcb_init(halts);
	want(I_HLT);
	VMCB->cr0 ^= CR0_TS;
	VMCB->cr4 ^= CR4_DE;
	VMCB->dr7 = 0x500;
	efer = rdmsr(MSR_EFER);
	asm volatile("mov %%rsp, %0" : "=r"(rsp));
	run_to(EXIT_VMHLT, "HLT");
	asm volatile("mov %%rsp, %0" : "=r"(after));
	check(rsp == after, "RSP");
	check(read_cr0() == cr0 && read_cr3() == cr3 && read_cr4() == cr4, "CR0, CR3, CR4");
	check(rdmsr(MSR_EFER) == efer, "EFER");
	asm volatile("mov %%dr7, %0" : "=r"(after));
	check(after == 0x400, "DR7 is disabled (%lx)", after);
	check(VMCB->cr0 == (cr0 ^ CR0_TS) && VMCB->cr4 == (cr4 ^ CR4_DE), "L2's are in the VMCB");
}

L2_CODE(writes_state, "mov $0x5000, %ecx; mov %rcx, %cr2\n"
	"mov $0xc0000102, %ecx; mov $0x77777000, %eax; xor %edx, %edx; wrmsr\n"
	"mov $0x600dca11, %ebx; hlt");

GUEST_CASE(shared_state, VMEXIT, .flags = CASE_SVM)
{
	u64 cr2;

	vmcb_init(writes_state);
	want(I_HLT);
	run_to(EXIT_VMHLT, "HLT");
	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	check(VMCB->cr2 == 0x5000 && cr2 == 0x5000, "CR2 is saved and stays (%lx)", cr2);
	check(rdmsr(0xc0000102) == 0x77777000, "KernelGSBase is L1's and L2's");
	check(l2.rbx == 0x600dca11, "RBX too");
}

GUEST_CASE(vmload_vmsave, "APM3 \"VMLOAD\"", .flags = CASE_SVM)
{
	struct vmcb *other = (struct vmcb *)TEST_FREE;

	svm_on();
	memset(other, 0xaa, sizeof(*other));
	wrmsr(0xc0000102, 0x1111000);
	wrmsr(0xc0000082, 0x2222000);
	wrmsr(0x175, 0x3333000);
	asm volatile("vmsave %%rax" : : "a"(other) : "memory");
	check(other->kernel_gs == 0x1111000 && other->lstar == 0x2222000 &&
	      other->sysenter_esp == 0x3333000, "VMSAVE stores MSRs");
	check(other->tr.selector == SEL_TSS, "and TR (%x)", other->tr.selector);
	check(other->rip == 0xaaaaaaaaaaaaaaaaul && other->cr2 == 0xaaaaaaaaaaaaaaaaul &&
	      other->cs.selector == 0xaaaa, "and nothing else");
	wrmsr(0xc0000102, 0);
	wrmsr(0xc0000082, 0);
	asm volatile("vmload %%rax" : : "a"(other) : "memory");
	check(rdmsr(0xc0000102) == 0x1111000 && rdmsr(0xc0000082) == 0x2222000,
	      "VMLOAD loads them");
}

/*
 * L1 goes on in long mode with L2's TR and LDTR, which long mode could not load: a busy
 * 16-bit TSS, and a segment of data. VMRUN hands them to L2, VMSAVE gets them back.
 */
L2_CODE(str_hlt, "str %ebx; hlt");

GUEST_CASE(odd_msrs, "APM3 \"VMLOAD\"", .flags = CASE_SVM)
{
	struct vmcb *other = (struct vmcb *)(GUEST_SCRATCH + 0x10000);
	struct vmcb *mine = (struct vmcb *)(GUEST_SCRATCH + 0x11000);
	const u64 odd = 1ul << 63 | 0x1234;

	vmcb_init(one_cpuid);
	asm volatile("vmsave %%rax" : : "a"(mine) : "memory");
	*other = *mine;
	other->lstar = odd;
	other->cstar = odd;
	other->kernel_gs = odd;
	other->sfmask = odd;
	other->sysenter_esp = odd;
	other->sysenter_eip = odd;
	asm volatile("vmload %%rax" : : "a"(other) : "memory");
	other->rflags = 0;
	asm volatile("vmsave %%rax" : : "a"(other) : "memory");
	asm volatile("vmload %%rax" : : "a"(mine) : "memory");
	check(other->lstar == 0x1234 && other->kernel_gs == 0x1234 && other->sfmask == 0x1234 &&
	      other->sysenter_eip == 0x1234, "values that no MSR can hold become ones that do");
}

GUEST_CASE(odd_state, "APM2 \"VMRUN Instruction\"", .flags = CASE_SVM)
{
	vmcb_init(one_cpuid);
	want(I_CPUID);
	VMCB->rflags |= 1ul << 40;
	run_to(EXIT_CPUID, "L2 with a bit of RFLAGS that there is not");
	check(!(VMCB->rflags >> 32), "which reads as 0 (%lx)", VMCB->rflags);
	/* Where real mode can have it: CPUID. */
	*(volatile u16 *)0x7000 = 0xa20f;
	VMCB->rflags = 2;
	VMCB->cr0 &= ~(CR0_PE | CR0_PG);
	VMCB->efer = EFER_SVME;
	VMCB->cs = (struct seg){ 0x700, 0x9b, 0xffff, 0x7000 };
	VMCB->ss = (struct seg){ 0x700, 0x93, 0xffff, 0x7000 };
	VMCB->rip = 0;
	VMCB->cpl = 3;
	if (run_to(EXIT_CPUID, "real mode, and a CPL of 3"))
		check(!VMCB->cpl && !(VMCB->ss.attrib & 0x60), "which is 0 there (%u)", VMCB->cpl);
}

GUEST_CASE(foreign_tss, "APM3 \"VMLOAD\"", .flags = CASE_SVM)
{
	struct vmcb *mine = (struct vmcb *)TEST_FREE, *found = mine + 1;
	u32 i, good = 0, spent = 0;

	vmcb_init(str_hlt);
	want(I_HLT);
	asm volatile("vmsave %%rax" : : "a"(mine) : "memory");
	asm volatile("vmsave %%rax" : : "a"(VMCB) : "memory");
	VMCB->tr.selector = 0x58;
	VMCB->tr.attrib = 0x83;
	VMCB->tr.limit = 0x2b;
	VMCB->fs.attrib = 0x82;
	VMCB->fs.limit = 0xffff;
	for (i = 0; i < 5; i++) {
		VMCB->rip = (u64)str_hlt;
		asm volatile("vmload %%rax" : : "a"(VMCB) : "memory");
		/* More than one instruction before L2 runs, and after. */
		spent += i;
		if (vmrun() != EXIT_VMHLT)
			break;
		asm volatile("vmsave %%rax" : : "a"(found) : "memory");
		spent += i;
		asm volatile("vmload %%rax" : : "a"(mine) : "memory");
		good += l2.rbx == 0x58 && found->tr.selector == 0x58 &&
			found->tr.attrib == 0x83 && found->tr.limit == 0x2b &&
			found->fs.attrib == 0x82;
	}
	check(good == 5 && spent == 20, "L2 has it, and it comes back as it was (%u, %x %x)", good,
	      found->tr.attrib, found->fs.attrib);
	asm volatile("vmsave %%rax" : : "a"(found) : "memory");
	check(found->tr.selector == SEL_TSS, "L1 has its own again");
}

L2_CODE(counts, "mov $20000000, %ecx; 1: dec %ecx; jnz 1b; hlt");

/*
 * The type of TR is nothing to SVM, and kvm_amd's guests begin with a 16-bit TSS, in
 * whatever mode. Were L2 emulated for it, this would not end before the watchdog.
 */
GUEST_CASE(tss16_in_long_mode, "APM2 \"Canonicalization and Consistency Checks\"",
	   .flags = CASE_SVM)
{
	struct vmcb *mine = (struct vmcb *)TEST_FREE;

	vmcb_init(counts);
	want(I_HLT);
	asm volatile("vmsave %%rax" : : "a"(mine) : "memory");
	asm volatile("vmsave %%rax" : : "a"(VMCB) : "memory");
	VMCB->tr.selector = 0;
	VMCB->tr.attrib = 0x83;
	VMCB->tr.limit = 0xffff;
	asm volatile("vmload %%rax" : : "a"(VMCB) : "memory");
	vmrun();
	asm volatile("vmload %%rax" : : "a"(mine) : "memory");
	check(VMCB->exit_code == EXIT_VMHLT && !(u32)l2.rcx, "L2 has counted (%lx, %lx)",
	      VMCB->exit_code, l2.rcx);
}

L2_CODE(in_and_out, "mov $0x70, %dx; in %dx, %al; mov $0x3f8, %dx; out %ax, %dx; hlt");

GUEST_CASE(port_intercepts, "APM2 \"IOIO Intercepts\"", .flags = CASE_SVM)
{
	vmcb_init(in_and_out);
	want(I_IOIO);
	want(I_HLT);
	IOPM[0x70 / 8] |= 1;
	IOPM[0x3f9 / 8] |= 1 << 1;
	run_to(EXIT_IOIO, "IN");
	check((VMCB->info1 >> 16) == 0x70 && (VMCB->info1 & 0x71) == 0x11, "port and size (%lx)",
	      VMCB->info1);
	check(VMCB->info2 == VMCB->rip + 1, "EXITINFO2 is the next RIP");
	check(VMCB->next_rip == VMCB->info2, "and NRIP as well (%lx)", VMCB->next_rip);
	VMCB->rip = VMCB->info2;
	run_to(EXIT_IOIO, "OUT of two bytes, of which the map has the second");
	check((VMCB->info1 >> 16) == 0x3f8 && (VMCB->info1 & 0x71) == 0x20, "port and size (%lx)",
	      VMCB->info1);
	VMCB->rip = VMCB->info2;
	run_to(EXIT_VMHLT, "the end");
}

L2_CODE(msrs, "mov $0xc0000081, %ecx; rdmsr; mov $0xc0000082, %ecx; wrmsr\n"
	"mov $0x40000000, %ecx; rdmsr; hlt");

GUEST_CASE(msr_intercepts, "APM2 \"MSR Intercepts\"", .flags = CASE_SVM)
{
	vmcb_init(msrs);
	want(I_MSR);
	want(I_HLT);
	/* STAR is the second range's bit pair 0x81, LSTAR the next. */
	MSRPM[0x800 + 0x81 / 4] |= 1 << 2;
	run_to(EXIT_MSR, "RDMSR of STAR");
	check(l2.rcx == 0xc0000081 && !VMCB->info1, "a read");
	step_over();
	run_to(EXIT_MSR, "the MSR that the map does not know");
	check(l2.rcx == 0x40000000, "not LSTAR, whose bits are clear (%lx)", l2.rcx);
	MSRPM[0x800 + 0x82 / 4] |= 1 << 5;
	VMCB->rip = (u64)msrs;
	MSRPM[0x800 + 0x81 / 4] = 0x20;
	run_to(EXIT_MSR, "WRMSR of LSTAR");
	check(l2.rcx == 0xc0000082 && VMCB->info1 == 1, "a write");
}

L2_CODE(faults, "ud2");
L2_CODE(page_fault, "mov 0x7fffff000000, %rax");

GUEST_CASE(exception_intercepts, "APM2 \"Exception Intercepts\"", .flags = CASE_SVM)
{
	vmcb_init(faults);
	VMCB->icpt[2] = 1u << VEC_UD | 1u << VEC_PF;
	run_to(EXIT_EXCP + VEC_UD, "#UD");
	check(VMCB->rip == (u64)faults, "RIP is at the instruction");
	VMCB->rip = (u64)page_fault;
	VMCB->cr2 = 0x1234;
	run_to(EXIT_EXCP + VEC_PF, "#PF");
	check(VMCB->info2 == 0x7fffff000000ul && !VMCB->info1, "address and error code (%lx)",
	      VMCB->info2);
	check(VMCB->cr2 == 0x1234, "CR2 is not written");
}

static volatile u64 handled;

static void in_l2(struct frame *frame)
{
	handled = frame->vector;
	frame->rip += 2;
}

L2_CODE(faults_and_halts, "ud2; hlt");

GUEST_CASE(exception_delivered, "APM2 \"Exception Intercepts\"", .flags = CASE_SVM)
{
	trap_hook[VEC_UD] = in_l2;
	vmcb_init(faults_and_halts);
	want(I_HLT);
	run_to(EXIT_VMHLT, "behind a #UD that L1 does not intercept");
	check(handled == VEC_UD, "L2's own handler ran");
}

GUEST_CASE(injection, "APM2 \"Event Injection\"", .flags = CASE_SVM)
{
	trap_hook[VEC_GP] = in_l2;
	vmcb_init(halts);
	want(I_HLT);
	VMCB->rip -= 2;
	VMCB->event_inj = EV_VALID | EV_ERROR | EV_EXC | VEC_GP;
	VMCB->event_error = 0x40;
	run_to(EXIT_VMHLT, "behind the handler of an injected #GP");
	check(handled == VEC_GP, "the handler ran");
	check(!(VMCB->event_inj & EV_VALID), "EVENTINJ is clear");
	irq_eoi = false;
	VMCB->rip = (u64)halts;
	VMCB->event_inj = EV_VALID | EV_INTR | 0x55;
	run_to(EXIT_VMHLT, "behind that of an injected interrupt");
	check(irq_count[0x55] == 1, "it ran once, with IF clear");
}

GUEST_CASE(injection_intercepted, "APM2 \"Event Injection\"", .flags = CASE_SVM)
{
	vmcb_init(halts);
	VMCB->icpt[2] = ~0u;
	want(I_HLT);
	trap_hook[VEC_UD] = in_l2;
	VMCB->rip -= 2;
	VMCB->event_inj = EV_VALID | EV_EXC | VEC_UD;
	run_to(EXIT_VMHLT, "an injected exception is not intercepted");
	/* Its delivery faults: the stack is not there. */
	VMCB->rip = (u64)halts;
	VMCB->rsp = 0x7fffff000000ul;
	VMCB->event_inj = EV_VALID | EV_INTR | 0x56;
	run_to(EXIT_EXCP + VEC_PF, "#PF during delivery");
	check(VMCB->exit_int_info == (EV_VALID | EV_INTR | 0x56), "EXITINTINFO (%x)",
	      VMCB->exit_int_info);
}

L2_CODE(shuts_down, "lidt zero_idt; ud2; .data; zero_idt: .quad 0; .word 0; .text");

GUEST_CASE(shutdown_exits, "APM2 \"Shutdown Intercept\"", .flags = CASE_SVM)
{
	vmcb_init(shuts_down);
	want(I_SHUTDOWN);
	run_to(EXIT_SHUT, "a triple fault of L2");
	check(true, "L1 goes on");
}

GUEST_CASE(cve_2022_3344, "APM2 \"Shutdown Intercept\"", .flags = CASE_SVM,
	   .ends = EXIT_SHUTDOWN)
{
	vmcb_init(shuts_down);
	check(true, "L2 shuts down, L1 does not intercept it: the CPU is shut down");
	vmrun();
	check(false, "it does not go on");
}
#else
#include "guest_test.h"
#endif
