/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hypervisor in a few lines: a VMCB for an L2 that shares L1's address space
 * and runs a function of the same image.
 */
#ifndef NST_SVM_TEST_H
#define NST_SVM_TEST_H

#include "guest.h"

#define MSR_EFER		0xc0000080u
#define EFER_SCE		(1ul << 0)
#define EFER_LME		(1ul << 8)
#define EFER_LMA		(1ul << 10)
#define EFER_SVME		(1ul << 12)
#define MSR_VM_CR		0xc0010114u
#define MSR_VM_HSAVE_PA		0xc0010117u

/* Exit codes, APM2 "SVM Intercept Exit Codes". */
enum {
	EXIT_CR0_READ = 0x00, EXIT_CR0_WRITE = 0x10, EXIT_CR4_WRITE = 0x14,
	EXIT_DR0_READ = 0x20, EXIT_DR7_WRITE = 0x37, EXIT_EXCP = 0x40,
	EXIT_INTR = 0x60, EXIT_NMI = 0x61, EXIT_VINTR = 0x64, EXIT_CR0_SEL = 0x65,
	EXIT_IDTR_READ = 0x66, EXIT_GDTR_WRITE = 0x6b,
	EXIT_RDTSC = 0x6e, EXIT_RDPMC = 0x6f, EXIT_PUSHF = 0x70, EXIT_POPF = 0x71,
	EXIT_CPUID = 0x72, EXIT_IRET = 0x74, EXIT_SWINT = 0x75, EXIT_INVD = 0x76,
	EXIT_PAUSE = 0x77, EXIT_VMHLT = 0x78, EXIT_INVLPG = 0x79, EXIT_INVLPGA = 0x7a,
	EXIT_IOIO = 0x7b, EXIT_MSR = 0x7c, EXIT_SHUT = 0x7f, EXIT_VMRUN = 0x80,
	EXIT_VMMCALL = 0x81, EXIT_VMLOAD = 0x82, EXIT_VMSAVE = 0x83, EXIT_STGI = 0x84,
	EXIT_CLGI = 0x85, EXIT_WBINVD = 0x89, EXIT_NPF = 0x400,
};

/* Intercept bits in the order of the VMCB's words 3 and 4. */
enum {
	I_INTR = 96, I_NMI, I_SMI, I_INIT, I_VINTR, I_CR0_SEL, I_IDTR_READ, I_GDTR_READ,
	I_LDTR_READ, I_TR_READ, I_IDTR_WRITE, I_GDTR_WRITE, I_LDTR_WRITE, I_TR_WRITE,
	I_RDTSC, I_RDPMC, I_PUSHF, I_POPF, I_CPUID, I_RSM, I_IRET, I_INTN, I_INVD,
	I_PAUSE, I_HLT, I_INVLPG, I_INVLPGA, I_IOIO, I_MSR, I_TASK, I_FERR, I_SHUTDOWN,
	I_VMRUN, I_VMMCALL, I_VMLOAD, I_VMSAVE, I_STGI, I_CLGI, I_SKINIT, I_RDTSCP,
	I_ICEBP, I_WBINVD,
};

#define V_IRQ			(1u << 8)
#define V_PRIO(n)		((u32)(n) << 16)
#define V_IGN_TPR		(1u << 20)
#define V_INTR_MASKING		(1u << 24)

#define EV_VALID		(1u << 31)
#define EV_ERROR		(1u << 11)
#define EV_INTR			(0u << 8)
#define EV_NMI			(2u << 8)
#define EV_EXC			(3u << 8)
#define EV_SOFT			(4u << 8)

struct seg {
	u16 selector, attrib;
	u32 limit;
	u64 base;
};

/* APM2 "VMCB Layout, Control Area", "VMCB Layout, State Save Area". */
struct vmcb {
	u32 icpt[6];
	u8 reserved_18[0x3c - 0x18];
	u16 pause_threshold, pause_count;
	u64 iopm, msrpm, tsc_offset;
	u32 asid;
	u8 tlb_control, reserved_5d[3];
	u32 int_ctl, int_vector, int_state, reserved_6c;
	u64 exit_code, info1, info2;
	u32 exit_int_info, exit_int_error;
	u64 np_enable, avic_bar, ghcb;
	u32 event_inj, event_error;
	u64 ncr3, lbr;
	u32 clean, reserved_c4;
	u64 next_rip;
	u8 insn_len, insn[15];
	u8 reserved_e0[0x400 - 0xe0];
	struct seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved_4a0[0x4cb - 0x4a0];
	u8 cpl;
	u32 reserved_4cc;
	u64 efer;
	u8 reserved_4d8[0x548 - 0x4d8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved_580[0x5d8 - 0x580];
	u64 rsp;
	u64 reserved_5e0[3];
	u64 rax, star, lstar, cstar, sfmask, kernel_gs, sysenter_cs, sysenter_esp;
	u64 sysenter_eip, cr2;
	u8 reserved_648[0x668 - 0x648];
	u64 g_pat, dbgctl;
	u8 reserved_678[0x1000 - 0x678];
} __attribute__((packed));

_Static_assert(sizeof(struct vmcb) == 4096, "size of struct vmcb");
_Static_assert(__builtin_offsetof(struct vmcb, exit_code) == 0x70, "EXITCODE");
_Static_assert(__builtin_offsetof(struct vmcb, rip) == 0x578, "RIP");
_Static_assert(__builtin_offsetof(struct vmcb, g_pat) == 0x668, "G_PAT");

/* Where things lie in the memory that is the test's. */
#define VMCB			((struct vmcb *)GUEST_SCRATCH)
#define HSAVE			(GUEST_SCRATCH + 0x1000)
#define IOPM			((u8 *)(GUEST_SCRATCH + 0x2000))	/* three pages */
#define MSRPM			((u8 *)(GUEST_SCRATCH + 0x5000))	/* two pages */
#define L2_STACK		(GUEST_SCRATCH + 0x10000)
#define TEST_FREE		(GUEST_SCRATCH + 0x20000)

static inline void want(unsigned int bit)
{
	VMCB->icpt[bit / 32] |= 1u << (bit % 32);
}

static inline void unwant(unsigned int bit)
{
	VMCB->icpt[bit / 32] &= ~(1u << (bit % 32));
}

static inline void read_seg(struct seg *seg, u16 selector, u16 attrib)
{
	*seg = (struct seg){ .selector = selector, .attrib = attrib, .limit = 0xffffffff };
}

static inline u64 read_cr0(void)
{
	u64 val;

	asm volatile("mov %%cr0, %0" : "=r"(val));
	return val;
}

static inline u64 read_cr3(void)
{
	u64 val;

	asm volatile("mov %%cr3, %0" : "=r"(val));
	return val;
}

static inline u64 read_cr4(void)
{
	u64 val;

	asm volatile("mov %%cr4, %0" : "=r"(val));
	return val;
}

static inline void svm_on(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, HSAVE);
}

/* A VMCB whose L2 is @code in L1's own address space; nothing is intercepted but VMRUN. */
static inline void vmcb_init(void (*code)(void))
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) gdt, idt;

	svm_on();
	memset(VMCB, 0, sizeof(*VMCB));
	memset(IOPM, 0, 0x3000);
	memset(MSRPM, 0, 0x2000);
	want(I_VMRUN);
	VMCB->iopm = (u64)IOPM;
	VMCB->msrpm = (u64)MSRPM;
	VMCB->asid = 1;
	asm volatile("sgdt %0; sidt %1" : "=m"(gdt), "=m"(idt));
	VMCB->gdtr.base = gdt.base;
	VMCB->gdtr.limit = gdt.limit;
	VMCB->idtr.base = idt.base;
	VMCB->idtr.limit = idt.limit;
	read_seg(&VMCB->cs, SEL_CODE64, 0xa9b);
	read_seg(&VMCB->ss, SEL_DATA, 0xc93);
	read_seg(&VMCB->ds, SEL_DATA, 0xc93);
	read_seg(&VMCB->es, SEL_DATA, 0xc93);
	VMCB->efer = rdmsr(MSR_EFER);
	VMCB->cr0 = read_cr0();
	VMCB->cr3 = read_cr3();
	VMCB->cr4 = read_cr4();
	VMCB->dr6 = 0xffff0ff0;
	VMCB->dr7 = 0x400;
	VMCB->rflags = 2;
	VMCB->rip = (u64)code;
	VMCB->rsp = L2_STACK;
	VMCB->g_pat = 0x0007040600070406ul;
}

/* General registers that VMRUN leaves alone. */
struct l2_regs {
	u64 rbx, rcx, rdx, rsi, rdi, rbp;
};

extern struct l2_regs l2;

/* VMRUN; GIF is set again before it returns. */
static inline u64 vmrun(void)
{
	asm volatile("clgi\n\t"
		     "push %%rbp\n\t"
		     "mov l2+0, %%rbx; mov l2+8, %%rcx; mov l2+16, %%rdx\n\t"
		     "mov l2+24, %%rsi; mov l2+32, %%rdi; mov l2+40, %%rbp\n\t"
		     "vmrun %%rax\n\t"
		     "mov %%rbx, l2+0; mov %%rcx, l2+8; mov %%rdx, l2+16\n\t"
		     "mov %%rsi, l2+24; mov %%rdi, l2+32; mov %%rbp, l2+40\n\t"
		     "pop %%rbp\n\t"
		     "stgi"
		     : : "a"(VMCB)
		     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
		       "r13", "r14", "r15", "cc", "memory");
	return VMCB->exit_code;
}

/* Run until the next exit, which has to be this one. */
static inline bool run_to(u64 code, const char *what)
{
	u64 got = vmrun();

	return check(got == code, "%s: exit %lx (%lx)", what, code, got);
}

/* Behind the instruction that exited. */
static inline void step_over(void)
{
	VMCB->rip = VMCB->next_rip;
}

/* An L2: a function in assembly that never returns. */
#define L2_CODE(name, body)						\
	extern void name(void);						\
	asm(".text\n" #name ":\n" body "\n ud2")

#endif /* NST_SVM_TEST_H */
