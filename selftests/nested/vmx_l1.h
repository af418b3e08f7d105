/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bare-metal L1 for VMX: enough of a hypervisor to run one tiny L2 that
 * shares its page tables, with fields to change and exits to look at.
 * Field numbers: SDM3 appendix "Field Encoding in VMCS".
 */
#ifndef NST_VMX_L1_H
#define NST_VMX_L1_H

#include "guest.h"

/* Where L1 keeps what VMX needs, in the memory for tests. */
#define VMXON_REGION		(GUEST_SCRATCH + 0x0000)
#define VMCS_REGION		(GUEST_SCRATCH + 0x1000)
#define OTHER_REGION		(GUEST_SCRATCH + 0x2000)
#define IO_BITMAP_PAGES		(GUEST_SCRATCH + 0x3000)
#define MSR_BITMAP_PAGE		(GUEST_SCRATCH + 0x5000)
#define MSR_AREA		(GUEST_SCRATCH + 0x6000)
#define L2_STACK_TOP		(GUEST_SCRATCH + 0x9000)
#define EPT_TABLES		(GUEST_SCRATCH + 0x10000)

#define MSR_FEATURE_CONTROL	0x3a
#define FEATURE_LOCKED		(1ul << 0)
#define FEATURE_VMX		(1ul << 2)
#define MSR_VMX_BASIC		0x480
#define MSR_VMX_MISC		0x485
#define MISC_WRITE_ALL		(1ul << 29)
#define MISC_TIMER_RATE		0x1ful
#define MSR_VMX_PROC2		0x48b
#define MSR_VMX_EPT_VPID	0x48c
#define MSR_VMX_TRUE_PIN	0x48d
#define MSR_VMX_TRUE_PROC	0x48e
#define MSR_VMX_TRUE_EXIT	0x48f
#define MSR_VMX_TRUE_ENTRY	0x490
#define MSR_EFER		0xc0000080
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_PAT			0x277
#define CR4_VMXE		(1ul << 13)

enum vmcs_field {
	F_VPID = 0x0000, F_POSTED_VECTOR = 0x0002, F_INTR_STATUS = 0x0810, F_PML_INDEX = 0x0812,
	F_GUEST_ES_SEL = 0x0800, F_GUEST_CS_SEL = 0x0802, F_GUEST_SS_SEL = 0x0804,
	F_GUEST_DS_SEL = 0x0806, F_GUEST_FS_SEL = 0x0808, F_GUEST_GS_SEL = 0x080a,
	F_GUEST_LDTR_SEL = 0x080c, F_GUEST_TR_SEL = 0x080e,
	F_HOST_ES_SEL = 0x0c00, F_HOST_CS_SEL = 0x0c02, F_HOST_SS_SEL = 0x0c04,
	F_HOST_DS_SEL = 0x0c06, F_HOST_FS_SEL = 0x0c08, F_HOST_GS_SEL = 0x0c0a,
	F_HOST_TR_SEL = 0x0c0c,
	F_IO_BITMAP_A = 0x2000, F_IO_BITMAP_B = 0x2002, F_MSR_BITMAP = 0x2004,
	F_EXIT_STORE_ADDR = 0x2006, F_EXIT_LOAD_ADDR = 0x2008, F_ENTRY_LOAD_ADDR = 0x200a,
	F_VAPIC = 0x2012, F_APIC_ACCESS = 0x2014, F_POSTED_DESC = 0x2016, F_EOI_EXIT0 = 0x201c,
	F_PML_ADDRESS = 0x200e, F_VMFUNCS = 0x2018, F_EPTP_LIST = 0x2024,
	F_VMREAD_BITMAP = 0x2026, F_VMWRITE_BITMAP = 0x2028, F_TSC_MULTIPLIER = 0x2032,
	F_TSC_OFFSET = 0x2010, F_EPTP = 0x201a,
	F_GUEST_PHYSICAL = 0x2400, F_LINK = 0x2800, F_GUEST_DEBUGCTL = 0x2802,
	F_GUEST_PAT = 0x2804, F_GUEST_EFER = 0x2806, F_HOST_PAT = 0x2c00, F_HOST_EFER = 0x2c02,
	F_PIN = 0x4000, F_PROC = 0x4002, F_EXCEPTIONS = 0x4004, F_PF_MASK = 0x4006,
	F_PF_MATCH = 0x4008, F_CR3_TARGETS = 0x400a, F_EXIT_CTLS = 0x400c,
	F_EXIT_STORE_COUNT = 0x400e, F_EXIT_LOAD_COUNT = 0x4010, F_ENTRY_CTLS = 0x4012,
	F_ENTRY_LOAD_COUNT = 0x4014, F_ENTRY_INTR_INFO = 0x4016, F_ENTRY_ERROR = 0x4018,
	F_ENTRY_INSN_LEN = 0x401a, F_TPR_THRESHOLD = 0x401c, F_PROC2 = 0x401e,
	F_INSN_ERROR = 0x4400, F_EXIT_REASON = 0x4402, F_EXIT_INTR_INFO = 0x4404,
	F_EXIT_INTR_ERROR = 0x4406, F_IDT_INFO = 0x4408, F_IDT_ERROR = 0x440a,
	F_EXIT_INSN_LEN = 0x440c, F_EXIT_INSN_INFO = 0x440e,
	F_GUEST_ES_LIMIT = 0x4800, F_GUEST_CS_LIMIT = 0x4802, F_GUEST_SS_LIMIT = 0x4804,
	F_GUEST_DS_LIMIT = 0x4806, F_GUEST_FS_LIMIT = 0x4808, F_GUEST_GS_LIMIT = 0x480a,
	F_GUEST_LDTR_LIMIT = 0x480c, F_GUEST_TR_LIMIT = 0x480e, F_GUEST_GDTR_LIMIT = 0x4810,
	F_GUEST_IDTR_LIMIT = 0x4812,
	F_GUEST_ES_AR = 0x4814, F_GUEST_CS_AR = 0x4816, F_GUEST_SS_AR = 0x4818,
	F_GUEST_DS_AR = 0x481a, F_GUEST_FS_AR = 0x481c, F_GUEST_GS_AR = 0x481e,
	F_GUEST_LDTR_AR = 0x4820, F_GUEST_TR_AR = 0x4822,
	F_GUEST_INTR_STATE = 0x4824, F_GUEST_ACTIVITY = 0x4826, F_GUEST_SYSENTER_CS = 0x482a,
	F_TIMER = 0x482e, F_HOST_SYSENTER_CS = 0x4c00,
	F_CR0_MASK = 0x6000, F_CR4_MASK = 0x6002, F_CR0_SHADOW = 0x6004, F_CR4_SHADOW = 0x6006,
	F_CR3_TARGET0 = 0x6008, F_QUALIFICATION = 0x6400, F_GUEST_LINEAR = 0x640a,
	F_GUEST_CR0 = 0x6800, F_GUEST_CR3 = 0x6802, F_GUEST_CR4 = 0x6804,
	F_GUEST_ES_BASE = 0x6806, F_GUEST_CS_BASE = 0x6808, F_GUEST_SS_BASE = 0x680a,
	F_GUEST_DS_BASE = 0x680c, F_GUEST_FS_BASE = 0x680e, F_GUEST_GS_BASE = 0x6810,
	F_GUEST_LDTR_BASE = 0x6812, F_GUEST_TR_BASE = 0x6814, F_GUEST_GDTR_BASE = 0x6816,
	F_GUEST_IDTR_BASE = 0x6818, F_GUEST_DR7 = 0x681a, F_GUEST_RSP = 0x681c,
	F_GUEST_RIP = 0x681e, F_GUEST_RFLAGS = 0x6820, F_GUEST_PENDING = 0x6822,
	F_GUEST_SYSENTER_ESP = 0x6824, F_GUEST_SYSENTER_EIP = 0x6826,
	F_HOST_CR0 = 0x6c00, F_HOST_CR3 = 0x6c02, F_HOST_CR4 = 0x6c04, F_HOST_FS_BASE = 0x6c06,
	F_HOST_GS_BASE = 0x6c08, F_HOST_TR_BASE = 0x6c0a, F_HOST_GDTR_BASE = 0x6c0c,
	F_HOST_IDTR_BASE = 0x6c0e, F_HOST_SYSENTER_ESP = 0x6c10, F_HOST_SYSENTER_EIP = 0x6c12,
	F_HOST_RSP = 0x6c14, F_HOST_RIP = 0x6c16,
};

/* Controls: SDM3 "Definitions of Pin-Based VM-Execution Controls" and on. */
#define PIN_EXTINT		(1u << 0)
#define PIN_NMI			(1u << 3)
#define PIN_VNMI		(1u << 5)
#define PIN_TIMER		(1u << 6)
#define PIN_POSTED		(1u << 7)
#define PROC_IRQ_WINDOW		(1u << 2)
#define PROC_TSC_OFFSET		(1u << 3)
#define PROC_HLT		(1u << 7)
#define PROC_INVLPG		(1u << 9)
#define PROC_RDPMC		(1u << 11)
#define PROC_RDTSC		(1u << 12)
#define PROC_CR3_LOAD		(1u << 15)
#define PROC_CR3_STORE		(1u << 16)
#define PROC_CR8_LOAD		(1u << 19)
#define PROC_CR8_STORE		(1u << 20)
#define PROC_TPR_SHADOW		(1u << 21)
#define PROC_NMI_WINDOW		(1u << 22)
#define PROC_MOV_DR		(1u << 23)
#define PROC_IO			(1u << 24)
#define PROC_IO_BITMAPS		(1u << 25)
#define PROC_MTF		(1u << 27)
#define PROC_MSR_BITMAPS	(1u << 28)
#define PROC_PAUSE		(1u << 30)
#define PROC_SECONDARY		(1u << 31)
#define PROC2_APIC_ACCESS	(1u << 0)
#define PROC2_EPT		(1u << 1)
#define PROC2_DESC		(1u << 2)
#define PROC2_RDTSCP		(1u << 3)
#define PROC2_X2APIC		(1u << 4)
#define PROC2_VPID		(1u << 5)
#define PROC2_WBINVD		(1u << 6)
#define PROC2_UNRESTRICTED	(1u << 7)
#define PROC2_APIC_REGS		(1u << 8)
#define PROC2_VIRQ		(1u << 9)
#define PROC2_RDRAND		(1u << 11)
#define PROC2_VMFUNC		(1u << 13)
#define PROC2_SHADOW		(1u << 14)
#define PROC2_RDSEED		(1u << 16)
#define PROC2_PML		(1u << 17)
#define PROC2_TSC_SCALING	(1u << 25)
#define EXIT_HOST_64		(1u << 9)
#define EXIT_ACK_IRQ		(1u << 15)
#define EXIT_SAVE_TIMER		(1u << 22)
#define ENTRY_LONG		(1u << 9)

/* Basic exit reasons: SDM3 appendix "VMX Basic Exit Reasons". */
enum {
	R_EXCEPTION = 0, R_EXTINT = 1, R_TRIPLE_FAULT = 2, R_IRQ_WINDOW = 7, R_NMI_WINDOW = 8,
	R_TASK_SWITCH = 9, R_CPUID = 10, R_HLT = 12, R_INVD = 13, R_INVLPG = 14, R_RDPMC = 15,
	R_RDTSC = 16, R_VMCALL = 18, R_VMREAD = 23, R_CR = 28, R_DR = 29, R_IO = 30,
	R_RDMSR = 31, R_WRMSR = 32, R_BAD_STATE = 33, R_BAD_MSR = 34, R_PAUSE = 40,
	R_SIPI = 4, R_MTF = 37, R_VMFUNC = 59, R_PML_FULL = 62,
	R_TPR = 43, R_APIC_ACCESS = 44, R_EOI = 45, R_APIC_WRITE = 56,
	R_GDTR_IDTR = 46, R_LDTR_TR = 47, R_EPT_VIOLATION = 48, R_EPT_MISCONFIG = 49,
	R_RDTSCP = 51, R_TIMER = 52, R_WBINVD = 54, R_XSETBV = 55, R_RDRAND = 57, R_RDSEED = 61,
};

#define REASON_ENTRY_FAILED	(1u << 31)
#define EVENT_VALID		(1u << 31)
#define EVENT_NMI		(2u << 8)
#define EVENT_EXCEPTION		(3u << 8)
#define EVENT_SOFT_INT		(4u << 8)
#define EVENT_OTHER		(7u << 8)
#define EVENT_ERROR		(1u << 11)

/* VM-instruction errors. */
enum {
	E_VMCLEAR_ADDRESS = 2, E_VMCLEAR_VMXON = 3, E_LAUNCH_NOT_CLEAR = 4,
	E_RESUME_NOT_LAUNCHED = 5, E_CONTROLS = 7, E_HOST_STATE = 8, E_VMPTRLD_ADDRESS = 9,
	E_VMPTRLD_VMXON = 10, E_VMPTRLD_REVISION = 11, E_FIELD = 12, E_READ_ONLY = 13,
	E_VMXON_IN_ROOT = 15, E_MOV_SS = 26, E_INVALIDATE = 28,
};

/* What a VMX instruction left in RFLAGS. */
#define VMX_OK		0ul
#define VMX_INVALID	RFLAGS_CF
#define VMX_VALID	RFLAGS_ZF
#define VMX_FLAGS	(RFLAGS_CF | RFLAGS_ZF)

#define VMX_INSN(body, ...)						\
	({								\
		u64 f_;							\
		asm volatile(body "; pushfq; popq %0"			\
			     : "=r"(f_) __VA_ARGS__ : "cc", "memory");	\
		f_ & VMX_FLAGS;						\
	})

static inline u64 vmxon(u64 at)
{
	return VMX_INSN("vmxon %1", : "m"(at));
}

static inline u64 vmxoff(void)
{
	return VMX_INSN("vmxoff", :);
}

static inline u64 vmclear(u64 at)
{
	return VMX_INSN("vmclear %1", : "m"(at));
}

static inline u64 vmptrld(u64 at)
{
	return VMX_INSN("vmptrld %1", : "m"(at));
}

static inline u64 vmptrst(void)
{
	u64 at = 0;

	asm volatile("vmptrst %0" : "=m"(at) : : "cc", "memory");
	return at;
}

static inline u64 vmwrite_insn(u64 field, u64 value)
{
	return VMX_INSN("vmwrite %2, %1", : "r"(field), "rm"(value));
}

static inline u64 vmread_flags(u64 field, u64 *value)
{
	u64 f, v = *value;

	asm volatile("vmread %2, %1; pushfq; popq %0" : "=r"(f), "+r"(v) : "r"(field)
		     : "cc", "memory");
	*value = v;
	return f & VMX_FLAGS;
}

#ifdef VMCS_IN_MEMORY
/* The test's own. */
static u64 vmwrite(u64 field, u64 value);
static u64 vmread(u64 field);
static u64 l2_go(bool launch);
#else
static inline u64 vmwrite(u64 field, u64 value)
{
	return vmwrite_insn(field, value);
}

static inline u64 vmread(u64 field)
{
	u64 value = 0x5a5a5a5a;

	vmread_flags(field, &value);
	return value;
}
#endif

struct inv_desc {
	u64 low, high;
};

static inline u64 invept(u64 type, u64 low, u64 high)
{
	struct inv_desc d = { low, high };

	return VMX_INSN("invept %2, %1", : "r"(type), "m"(d));
}

static inline u64 invvpid(u64 type, u64 low, u64 high)
{
	struct inv_desc d = { low, high };

	return VMX_INSN("invvpid %2, %1", : "r"(type), "m"(d));
}

/* L2's general registers around an entry; RSP is a field. */
struct l2_regs {
	u64 rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
};

static volatile struct l2_regs l2 __attribute__((used));

#define L2_LOAD_REGS							\
	"movq l2, %%rax; movq l2+8, %%rbx; movq l2+16, %%rcx; movq l2+24, %%rdx;"	\
	"movq l2+32, %%rsi; movq l2+40, %%rdi; movq l2+48, %%rbp; movq l2+56, %%r8;"	\
	"movq l2+64, %%r9; movq l2+72, %%r10; movq l2+80, %%r11; movq l2+88, %%r12;"	\
	"movq l2+96, %%r13; movq l2+104, %%r14; movq l2+112, %%r15;"
#define L2_SAVE_REGS							\
	"movq %%rax, l2; movq %%rbx, l2+8; movq %%rcx, l2+16; movq %%rdx, l2+24;"	\
	"movq %%rsi, l2+32; movq %%rdi, l2+40; movq %%rbp, l2+48; movq %%r8, l2+56;"	\
	"movq %%r9, l2+64; movq %%r10, l2+72; movq %%r11, l2+80; movq %%r12, l2+88;"	\
	"movq %%r13, l2+96; movq %%r14, l2+104; movq %%r15, l2+112;"

#ifndef VMCS_IN_MEMORY
/* VMLAUNCH or VMRESUME.  VMX_OK: L2 ran, or its entry failed late. */
__attribute__((noinline)) static u64 l2_go(bool launch)
{
	u64 flags;

	asm volatile("pushq %%rbp; pushq %%rbx; pushq %%r12; pushq %%r13; pushq %%r14;"
		     "pushq %%r15;"
		     "movl $0x6c14, %%eax; vmwrite %%rsp, %%rax;"
		     "movl $0x6c16, %%eax; movl $772f, %%ecx; vmwrite %%rcx, %%rax;"
		     "testb %%dil, %%dil;"
		     L2_LOAD_REGS
		     "jz 770f; vmlaunch; jmp 771f;"
		     "770: vmresume;"
		     "771: pushfq; popq %%rax; jmp 773f;"
		     "772:" L2_SAVE_REGS
		     "xorl %%eax, %%eax;"
		     "773: popq %%r15; popq %%r14; popq %%r13; popq %%r12; popq %%rbx;"
		     "popq %%rbp"
		     : "=a"(flags), "+D"(launch)
		     : : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "cc", "memory");
	return flags & VMX_FLAGS;
}
#endif

static bool l2_launched;

static inline u64 l2_run(void)
{
	u64 flags = l2_go(!l2_launched);

	if (flags == VMX_OK && !(vmread(F_EXIT_REASON) & REASON_ENTRY_FAILED))
		l2_launched = true;
	return flags;
}

/* Controls as the capability MSR allows them: what must be 1, and @want. */
static inline u32 allowed(u32 msr, u32 want)
{
	u64 cap = rdmsr(msr);

	return ((u32)cap | want) & (u32)(cap >> 32);
}

static inline bool can(u32 msr, u32 bits)
{
	return ((u32)(rdmsr(msr) >> 32) & bits) == bits;
}

static inline void set_region(u64 at)
{
	memset((void *)at, 0, PAGE_SIZE);
	*(volatile u32 *)at = (u32)rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
}

static inline bool has_vmx(void)
{
	u32 r[4];

	cpuid(1, 0, r);
	if (r[2] & (1u << 5))
		return true;
	return check(false, "CPUID shows VMX: is the module loaded with nested=1?");
}

/* Everything up to VMX operation.  False: no VMX, a line says so. */
static inline bool vmx_start(void)
{
	if (!has_vmx())
		return false;
	if (!(rdmsr(MSR_FEATURE_CONTROL) & FEATURE_LOCKED))
		wrmsr(MSR_FEATURE_CONTROL, FEATURE_LOCKED | FEATURE_VMX);
	WRITE_CR(0, READ_CR(0) | CR0_NE);
	WRITE_CR(4, READ_CR(4) | CR4_VMXE);
	set_region(VMXON_REGION);
	set_region(VMCS_REGION);
	set_region(OTHER_REGION);
	return check(vmxon(VMXON_REGION) == VMX_OK, "VMXON");
}

struct table_register {
	u16 limit;
	u64 base;
} __attribute__((packed));

static inline void vmcs_host(void)
{
	struct table_register gdt, idt;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	vmwrite(F_HOST_CR0, READ_CR(0));
	vmwrite(F_HOST_CR3, READ_CR(3));
	vmwrite(F_HOST_CR4, READ_CR(4));
	vmwrite(F_HOST_CS_SEL, SEL_CODE64);
	vmwrite(F_HOST_SS_SEL, SEL_DATA);
	vmwrite(F_HOST_DS_SEL, SEL_DATA);
	vmwrite(F_HOST_ES_SEL, SEL_DATA);
	vmwrite(F_HOST_TR_SEL, SEL_TSS);
	vmwrite(F_HOST_FS_BASE, rdmsr(MSR_FS_BASE));
	vmwrite(F_HOST_GS_BASE, rdmsr(MSR_GS_BASE));
	vmwrite(F_HOST_TR_BASE, GUEST_TSS);
	vmwrite(F_HOST_GDTR_BASE, gdt.base);
	vmwrite(F_HOST_IDTR_BASE, idt.base);
	vmwrite(F_HOST_PAT, rdmsr(MSR_PAT));
	vmwrite(F_HOST_EFER, rdmsr(MSR_EFER));
	vmwrite(F_GUEST_GDTR_BASE, gdt.base);
	vmwrite(F_GUEST_GDTR_LIMIT, gdt.limit);
	vmwrite(F_GUEST_IDTR_BASE, idt.base);
	vmwrite(F_GUEST_IDTR_LIMIT, idt.limit);
}

static inline void vmcs_guest(void (*code)(void))
{
	u64 i;

	for (i = 0; i < 6; i++) {
		vmwrite(F_GUEST_ES_SEL + 2 * i, i == 1 ? SEL_CODE64 : SEL_DATA);
		vmwrite(F_GUEST_ES_BASE + 2 * i, 0);
		vmwrite(F_GUEST_ES_LIMIT + 2 * i, 0xffffffff);
		vmwrite(F_GUEST_ES_AR + 2 * i, i == 1 ? 0xa09b : 0xc093);
	}
	vmwrite(F_GUEST_FS_BASE, rdmsr(MSR_FS_BASE));
	vmwrite(F_GUEST_GS_BASE, rdmsr(MSR_GS_BASE));
	vmwrite(F_GUEST_LDTR_AR, 0x10000);
	vmwrite(F_GUEST_TR_SEL, SEL_TSS);
	vmwrite(F_GUEST_TR_BASE, GUEST_TSS);
	vmwrite(F_GUEST_TR_LIMIT, 0x67);
	vmwrite(F_GUEST_TR_AR, 0x8b);
	vmwrite(F_GUEST_CR0, READ_CR(0));
	vmwrite(F_GUEST_CR3, READ_CR(3));
	vmwrite(F_GUEST_CR4, READ_CR(4));
	vmwrite(F_GUEST_DR7, 0x400);
	vmwrite(F_GUEST_RFLAGS, 2);
	vmwrite(F_GUEST_RSP, L2_STACK_TOP - 8);
	vmwrite(F_GUEST_RIP, (u64)code);
	vmwrite(F_GUEST_PAT, rdmsr(MSR_PAT));
	vmwrite(F_GUEST_EFER, rdmsr(MSR_EFER));
	vmwrite(F_LINK, ~0ul);
}

/* A fresh VMCS for an L2 that starts at @code; nothing exits that need not. */
static inline void vmcs_make(void (*code)(void))
{
	l2_launched = false;
	vmclear(VMCS_REGION);
	vmptrld(VMCS_REGION);
	vmwrite(F_PIN, allowed(MSR_VMX_TRUE_PIN, 0));
	vmwrite(F_PROC, allowed(MSR_VMX_TRUE_PROC, 0));
	vmwrite(F_PROC2, 0);
	vmwrite(F_EXIT_CTLS, allowed(MSR_VMX_TRUE_EXIT, EXIT_HOST_64));
	vmwrite(F_ENTRY_CTLS, allowed(MSR_VMX_TRUE_ENTRY, ENTRY_LONG));
	vmwrite(F_EXCEPTIONS, 0);
	vmwrite(F_PF_MASK, 0);
	vmwrite(F_PF_MATCH, 0);
	vmwrite(F_CR0_MASK, 0);
	vmwrite(F_CR4_MASK, 0);
	vmwrite(F_ENTRY_INTR_INFO, 0);
	vmwrite(F_GUEST_INTR_STATE, 0);
	vmwrite(F_GUEST_ACTIVITY, 0);
	vmwrite(F_GUEST_PENDING, 0);
	vmcs_host();
	vmcs_guest(code);
}

static inline void proc_set(u32 bits)
{
	vmwrite(F_PROC, vmread(F_PROC) | bits);
}

static inline void proc2_set(u32 bits)
{
	proc_set(PROC_SECONDARY);
	vmwrite(F_PROC2, vmread(F_PROC2) | bits);
}

/* L2 goes on behind the instruction that exited. */
static inline void l2_skip(void)
{
	vmwrite(F_GUEST_RIP, vmread(F_GUEST_RIP) + vmread(F_EXIT_INSN_LEN));
}

/* Run L2 and see that it exits for this reason. */
static inline bool l2_exits(u32 reason, const char *what)
{
	u64 flags = l2_run();

	if (flags != VMX_OK) {
		note("VM entry: flags %lx error %lu", flags, vmread(F_INSN_ERROR));
		return check(false, "%s", what);
	}
	if (vmread(F_EXIT_REASON) != reason)
		note("exit reason %lx qualification %lx rip %lx intr %lx", vmread(F_EXIT_REASON),
		     vmread(F_QUALIFICATION), vmread(F_GUEST_RIP), vmread(F_EXIT_INTR_INFO));
	return check(vmread(F_EXIT_REASON) == reason, "%s", what);
}

/* 4 GiB one to one, in pages of 2 MiB; returns the EPT pointer. */
static inline u64 ept_make(void)
{
	volatile u64 *pml4 = (u64 *)EPT_TABLES, *pdpt = pml4 + 512, *pd = pdpt + 512;
	u64 i;

	memset((void *)EPT_TABLES, 0, 6 * PAGE_SIZE);
	pml4[0] = (u64)pdpt | 7;
	for (i = 0; i < 4; i++)
		pdpt[i] = ((u64)pd + i * PAGE_SIZE) | 7;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | 0xb7;
	return EPT_TABLES | 0x1e;
}

static inline volatile u64 *ept_entry_2m(u64 address)
{
	return (u64 *)(EPT_TABLES + 2 * PAGE_SIZE) + (address >> 21);
}

/* Cut the 2 MiB page of an address into 4 KiB ones; returns its entry. */
static inline volatile u64 *ept_split(u64 address)
{
	volatile u64 *table = (u64 *)(EPT_TABLES + 6 * PAGE_SIZE);
	u64 i;

	for (i = 0; i < 512; i++)
		table[i] = (address & ~0x1ffffful) | i << 12 | 0x37;
	*ept_entry_2m(address) = (u64)table | 7;
	return &table[address >> 12 & 511];
}

#endif /* NST_VMX_L1_H */
